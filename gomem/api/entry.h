/* SPDX-License-Identifier: GPL-2.0 */
/*
 * entry.h - checks at the beginning of each allocation and free, and steps at
 * its end.
 */
#ifndef GOMEM_ENTRY_H
#define GOMEM_ENTRY_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/gfp.h>
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/types.h>

#include "base/stats.h"
#include "map/report.h"
#include "cpu/mcache.h"

/*
 * A gfp that names a zone is refused: objects of many callers share a page, and
 * the page may be of any zone in the direct map.
 */
#define GOMEM_GFP_REFUSED	(__GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM)

/*
 * Internal flags in the gfp of an allocation. The kernel does not know them, so
 * the page source, gomem_watch_slow(), the trace event grow and the reports
 * remove them.
 *
 *	PAID	the function of gomem that sets this flag charges the object to
 *		an account itself. Such an object counts for no client, so the
 *		limits of the client do not apply
 *	GROWS	the object is a buffer that will grow. If it is large, its pages
 *		come from the start of a longer free run, if there is one
 */
#define GOMEM_GFP_PAID	((__force gfp_t)BIT(31))
#define GOMEM_GFP_GROWS	((__force gfp_t)BIT(30))

static_assert(!((GOMEM_GFP_PAID | GOMEM_GFP_GROWS) & __GFP_BITS_MASK));

/*
 * Address of the caller of the exported function that this is inlined in. The
 * barrier keeps the compiler from loading the address before a branch needs it.
 */
#define GOMEM_COLD_CALLER	({ barrier(); _RET_IP_; })

/*
 * Keep the return value of a hit path in the return register. Otherwise gcc
 * keeps it in another one, and needs an instruction more.
 */
#ifdef CONFIG_X86_64
#define GOMEM_KEEP_IN_RAX(var)	asm("" : "+a" (var))
#else
#define GOMEM_KEEP_IN_RAX(var)	((void)(var))
#endif

/*
 * Tell the kernel that this allocation may sleep, as kmalloc() does: debug
 * kernels check the context, and preempt=voluntary lets other tasks run here.
 * All paths call this function except the hit paths, which call
 * gomem_check_hit() and gomem_end_hit() instead.
 */
static __always_inline void gomem_check_context(gfp_t gfp)
{
	might_alloc(gfp);
}

/*
 * On debug kernels, warn if the caller must not sleep although @gfp allows it.
 * Warn even if the slot has an object, in which case this allocation would not
 * sleep.
 */
static __always_inline void gomem_check_hit(gfp_t gfp)
{
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP) ||
	    IS_ENABLED(CONFIG_PROVE_LOCKING))
		might_alloc(gfp);
}

/*
 * End the section that a hit path began with preempt_disable(). Return true if
 * another task waits for this CPU. Then the caller has to call gomem_yield().
 * It mostly does so in a separate function, to keep the hit path short.
 *
 * A hit path has to be a preemption point, as might_alloc() is under
 * preempt=voluntary. On kernels built for full preemption preempt_enable()
 * tests whether a task waits, even if they were booted with preempt=voluntary
 * and do not preempt there. This function uses the result of that test, so the
 * hit path needs no further instruction. Kernels that trace or check code which
 * runs with preemption off need the whole preempt_enable(), and a second test.
 */
static __always_inline bool gomem_end_hit(void)
{
#if defined(CONFIG_PREEMPTION) && !defined(CONFIG_DEBUG_PREEMPT) && \
	!defined(CONFIG_TRACE_PREEMPT_TOGGLE)
	barrier();
	return unlikely(__preempt_count_dec_and_test());
#else
	preempt_enable();
	return !IS_ENABLED(CONFIG_PREEMPT_NONE_BUILD) &&
	       unlikely(should_resched(0));
#endif
}

/*
 * Yield to the task that gomem_end_hit() found waiting, as preempt_enable() or
 * might_alloc() would.
 */
static inline void gomem_yield(gfp_t gfp)
{
#ifdef CONFIG_PREEMPTION
	__preempt_schedule();
#endif
	might_alloc(gfp);
}

/*
 * May this caller use the kernel's reserves of memory (PF_MEMALLOC)? This is
 * the rule of gfp_pfmemalloc_allowed(), which modules cannot call.
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

/*
 * Return the gfp for memory that will serve other callers, too: without the
 * kernel's reserves. The caller has a fallback. So the request may fail in
 * spite of __GFP_NOFAIL, and the kernel need not warn.
 */
static inline gfp_t gomem_gfp_shared(gfp_t gfp)
{
	return (gfp & ~(__GFP_MEMALLOC | __GFP_NOFAIL)) | __GFP_NOMEMALLOC |
	       __GFP_NOWARN;
}

/*
 * Return the maximum number of objects that a bulk call frees in one section:
 * fewer if each object has to be cleared, to keep the section short.
 */
static inline unsigned int gomem_free_section_max(void)
{
	return want_init_on_free() ? 4 : GOMEM_BATCH_MAX;
}

static __always_inline void gomem_leak_track(void *obj, size_t size,
					     bool noscan, gfp_t gfp)
{
	if (!IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		return;
	kmemleak_alloc(obj, size, 1, gfp);
	if (noscan)
		kmemleak_no_scan(obj);
}

static __always_inline void gomem_leak_forget(void *obj)
{
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kmemleak_free(obj);
}

/*
 * Count a call in an interrupt. Refuse a call in an NMI, with a report, and
 * return false. The count needs no atomic operation: softirqs do not nest, and
 * handlers of hard interrupts run with interrupts off. A handler that turns
 * interrupts on may lose a count, which does no harm.
 */
static __always_inline bool gomem_enter_irq(enum gomem_event softirq,
					    enum gomem_event hardirq,
					    unsigned long caller)
{
	unsigned int context = gomem_irq_context();
	enum gomem_event event;

	if (context & NMI_MASK) {
		gomem_report_nmi(caller);
		return false;
	}
	event = context & HARDIRQ_MASK ? hardirq : softirq;
	__this_cpu_inc(gomem_events.count[event]);
	return true;
}

bool gomem_enter_alloc(size_t size, gfp_t gfp, unsigned long caller);
bool gomem_enter_free(unsigned long caller);
void *gomem_refuse_gfp(size_t size, gfp_t gfp, unsigned long caller);
void *gomem_alloc_failed(void);

#endif /* GOMEM_ENTRY_H */
