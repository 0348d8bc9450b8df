/* SPDX-License-Identifier: GPL-2.0 */
/*
 * alloc.h - what the parts of the API that are not in alloc.c share with it.
 */
#ifndef GOMEM_ALLOC_H
#define GOMEM_ALLOC_H

#include <linux/gfp.h>
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/types.h>

#include "mcentral.h"

/* Objects come from the direct map, and share pages: no choice of zone. */
#define GOMEM_GFP_REFUSED	(__GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM)

/*
 * Who called the exported function that this is inlined in. The barrier keeps the
 * compiler from fetching it before it turns out to be needed.
 */
#define GOMEM_COLD_CALLER	({ barrier(); _RET_IP_; })

/*
 * Tell the kernel that this allocation may sleep, as kmalloc() does: debug kernels
 * check the context, and preempt=voluntary lets other tasks run here. For every path
 * but the hit paths, which call gomem_check_hit() and gomem_end_hit() instead.
 */
static __always_inline void gomem_check_context(gfp_t gfp)
{
	might_alloc(gfp);
}

/* Check the context on debug kernels, even though the slot may have an object. */
static __always_inline void gomem_check_hit(gfp_t gfp)
{
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP) || IS_ENABLED(CONFIG_PROVE_LOCKING))
		might_alloc(gfp);
}

/*
 * End the section that a hit path began with preempt_disable(). Return true if another
 * task waits for this CPU: the caller then calls gomem_yield(), in a function of its own.
 *
 * might_alloc() lets other tasks run if they wait. preempt_enable() looks for them too,
 * wherever the kernel is built for full preemption, even if it was booted with
 * preempt=voluntary and will not act on it. So the same look serves both, and a hit takes
 * no instruction for being a preemption point. Kernels that trace sections have to have
 * all of preempt_enable(), and are asked again.
 */
static __always_inline bool gomem_end_hit(void)
{
#if defined(CONFIG_PREEMPTION) && !defined(CONFIG_DEBUG_PREEMPT) && \
	!defined(CONFIG_TRACE_PREEMPT_TOGGLE)
	barrier();
	return unlikely(__preempt_count_dec_and_test());
#else
	preempt_enable();
	return !IS_ENABLED(CONFIG_PREEMPT_NONE_BUILD) && unlikely(should_resched(0));
#endif
}

/* Do what gomem_end_hit() found to be due: what preempt_enable() does, or might_alloc(). */
static inline void gomem_yield(gfp_t gfp)
{
#ifdef CONFIG_PREEMPTION
	__preempt_schedule();
#endif
	might_alloc(gfp);
}

/*
 * May this caller have the kernel's reserves of memory (PF_MEMALLOC)? As the kernel's
 * gfp_pfmemalloc_allowed() has it, which modules cannot call.
 */
static inline bool gomem_may_use_reserves(gfp_t gfp)
{
	if (gfp & __GFP_NOMEMALLOC)
		return false;
	if (gfp & __GFP_MEMALLOC)
		return true;
	if (in_hardirq() || (in_softirq() && !in_serving_softirq()))
		return false;
	return (current->flags & PF_MEMALLOC) ||
	       (!in_serving_softirq() && tsk_is_oom_victim(current));
}

/* For memory that others will have, too: without reserves, and with something to fall back to. */
static inline gfp_t gomem_gfp_shared(gfp_t gfp)
{
	return (gfp & ~(__GFP_MEMALLOC | __GFP_NOFAIL)) | __GFP_NOMEMALLOC | __GFP_NOWARN;
}

/* Objects that a bulk call frees at once; fewer if each takes its time. */
static inline unsigned int gomem_free_section_max(void)
{
	return want_init_on_free() ? 4 : GOMEM_BATCH_MAX;
}

static __always_inline void gomem_leak_track(void *obj, size_t size, bool noscan, gfp_t gfp)
{
	if (!IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		return;
	kmemleak_alloc(obj, size, 1, gfp);
	if (noscan)
		kmemleak_no_scan(obj);
}

void gomem_alloc_init(void);
bool gomem_enter_alloc(size_t size, gfp_t gfp, unsigned long caller);
bool gomem_enter_free(unsigned long caller);
void *gomem_alloc_for(size_t size, gfp_t gfp, unsigned long caller);
void *gomem_alloc_slow(unsigned int spc, gfp_t gfp, unsigned long caller);
void gomem_free_slow(unsigned int spc, void *obj);
void gomem_clear_many(void **p, unsigned int n, size_t size);
size_t gomem_check_object(const void *p, unsigned long caller);
size_t gomem_object_size(const void *p, unsigned long caller);

#endif /* GOMEM_ALLOC_H */
