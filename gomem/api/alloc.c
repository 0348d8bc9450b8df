// SPDX-License-Identifier: GPL-2.0
/*
 * alloc.c - gomem_alloc() and its relatives, and their slow paths.
 *
 * include/linux/gomem.h documents each exported function. internal.h shows the
 * way of an allocation through the layers below.
 */
#include <linux/export.h>
#include <linux/gomem.h>

#include "internal.h"
#include "map/report.h"
#include "map/special.h"
#include "cpu/arm.h"
#include "cpu/section.h"
#include "api/alloc.h"
#include "api/cleanup.h"
#include "api/hit.h"
#include "api/large.h"
#include "api/profile.h"
#include "api/tiny.h"

noinline void *gomem_alloc_miss(unsigned int spc, gfp_t gfp,
				unsigned long caller)
{
	/*
	 * Size 0 has size class 0. The slot of class 0 is always empty, so the
	 * hit path gets here.
	 */
	if (unlikely(!gomem_spc_class(spc)))
		return ZERO_SIZE_PTR;
	return gomem_object_alloc(&gomem_kinds[spc], gfp, caller);
}

noinline void *gomem_alloc_from_irq(unsigned int spc, gfp_t gfp,
				    unsigned long caller)
{
	bool hit, sampled = false;
	struct gomem_section sec;
	struct gomem_slot *slot;
	void *obj;

	if (!gomem_enter_irq(GOMEM_EV_SOFTIRQ_ALLOCS, GOMEM_EV_HARDIRQ_ALLOCS,
			     caller))
		return NULL;
	gomem_section_enter(&sec, true);
	slot = &sec.mc->slot[spc];
	hit = gomem_slot_pop_usual(slot, &obj);
	if (hit)
		sampled = gomem_slot_count(slot);
	gomem_section_leave(&sec);
	if (!hit)
		return gomem_alloc_miss(spc, gfp, caller);
	if (sampled)
		return gomem_alloc_sampled(obj, spc, gfp,
					   want_init_on_alloc(gfp));
	if (want_init_on_alloc(gfp))
		return gomem_object_hand_out(&gomem_kinds[spc], obj, gfp, true);
	return gomem_hit_hand_out(obj, spc, gfp);
}

/*
 * Hand out an object whose hit ended the slot's countdown to the next sample.
 * Record the object, unless gomem_arm_sampled() says that it is not sampled.
 */
noinline void *gomem_alloc_sampled(void *obj, unsigned int spc, gfp_t gfp,
				   bool clear)
{
	const struct gomem_kind *k = &gomem_kinds[spc];
	int thin = gomem_arm_sampled(k);

	gomem_object_hand_out(k, obj, gfp, clear);
	if (thin >= 0)
		gomem_profile_take(obj, k->object_size, thin,
				   gfp & GOMEM_GFP_PAID);
	/*
	 * The caller has skipped gomem_end_hit(), the preemption point of the
	 * hit path. gomem_check_context() is a preemption point, too.
	 */
	gomem_check_context(gfp);
	return obj;
}

/*
 * Yield to a task that waits for this CPU, then hand out the object. Not
 * inlined, because tasks rarely wait.
 */
noinline void *gomem_alloc_yielded(void *obj, unsigned int spc, gfp_t gfp,
				   bool clear)
{
	gomem_yield(gfp);
	return gomem_object_hand_out(&gomem_kinds[spc], obj, gfp, clear);
}

/* Allocate an object and clear it. Refuse a gfp that names a zone. */
static __always_inline void *alloc_cleared(unsigned long at, gfp_t gfp,
					   unsigned long caller)
{
	if (unlikely(gfp & GOMEM_GFP_REFUSED)) {
		if (!(at >> GOMEM_CLASS_SHIFT))
			return ZERO_SIZE_PTR;
		return gomem_refuse_gfp(gomem_class_size(at >>
							 GOMEM_CLASS_SHIFT),
					gfp, caller);
	}
	return gomem_alloc_hit(at, gfp, true, caller);
}

/*
 * Allocate while gomem_watching is enabled. Take the hit path, unless
 * gomem_is_watched() says that the object may have to be recorded, charged or
 * refused.
 */
static noinline void *alloc_watched(unsigned long at, gfp_t gfp,
				    unsigned long caller)
{
	unsigned int class = at >> GOMEM_CLASS_SHIFT;

	if (unlikely(!class))
		return ZERO_SIZE_PTR;
	if (gomem_is_watched()) {
		if (!gomem_enter_alloc(gomem_class_size(class), gfp, caller))
			return NULL;
		return gomem_object_alloc(&gomem_kinds[at >>
						       __GOMEM_SLOT_SHIFT],
					  gfp, caller);
	}
	if (want_init_on_alloc(gfp) || (gfp & GOMEM_GFP_REFUSED))
		return alloc_cleared(at, gfp, caller);
	return gomem_alloc_hit(at, gfp, false, caller);
}

/*
 * Allocate while gomem_detour is enabled, or with a gfp that has __GFP_ZERO or
 * names a zone. gomem_detour is enabled while gomem_watching is, and always
 * with init_on_alloc=1. So if gomem_watching is disabled, the cause is
 * init_on_alloc or the gfp: clear the object, or refuse the gfp. One exception:
 * gomem_watch_end() may disable both keys after this task has tested
 * gomem_detour. Then the task clears its object without need.
 */
noinline void *gomem_alloc_detoured(unsigned long at, gfp_t gfp,
				    unsigned long caller)
{
	if (gomem_watches())
		return alloc_watched(at, gfp, caller);
	return alloc_cleared(at, gfp, caller);
}

/**
 * gomem_alloc_init - enable gomem_detour if init_on_alloc clears each object
 */
void __init gomem_alloc_init(void)
{
	if (want_init_on_alloc(0))
		static_branch_inc(&gomem_detour);
}

/*
 * Span class of the object that is allocated in place of a tiny object which
 * gets no part of the current block, and may not begin a new block because it
 * has more than GOMEM_TINY_OPENS bytes: size class 2, which is 16 bytes, and
 * noscan.
 */
#define TINY_ALONE_SPC		(2 * 2 + 1)

static __always_inline void *hand_out_tiny(void *obj, size_t size, gfp_t gfp)
{
	gomem_leak_track(obj, size, true, gfp);
	return obj;
}

/*
 * Hand out a tiny object that begins a block. The profile, and the account that
 * the task has entered, count it with the size of the whole block. They do not
 * count later objects of the block. If gomem_watch() refuses the object, free
 * the object and return NULL.
 */
static noinline void *hand_out_first(void *obj, size_t size, gfp_t gfp,
				     unsigned long caller)
{
	gomem_count(GOMEM_EV_TINY_ALLOCS, 1);
	hand_out_tiny(obj, size, gfp);
	if (likely(gomem_watch(obj, GOMEM_TINY_BLOCK, gfp)))
		return obj;
	if (gomem_has_special(obj))
		gomem_cleanup_run(obj);
	gomem_tiny_free(obj, caller);
	return gomem_alloc_failed();
}

/*
 * Allocate a tiny object that does not fit in the CPU's current block, or any
 * tiny object if gomem_is_watched() returns true. Take it from a new block, or,
 * if it has more than GOMEM_TINY_OPENS bytes, make it an ordinary object of 16
 * bytes, which shares no block.
 */
static noinline void *alloc_tiny_miss(size_t size, gfp_t gfp,
				      unsigned long caller)
{
	void *obj;

	if (size > GOMEM_TINY_OPENS)
		return gomem_alloc_miss(TINY_ALONE_SPC, gfp, caller);
	gomem_check_context(gfp);
	obj = gomem_tiny_alloc_slow(size,
				    unlikely(gomem_may_use_reserves(gfp)) ?
				    gomem_gfp_shared(gfp) : gfp,
				    caller);
	if (likely(obj))
		return hand_out_first(obj, size, gfp, caller);
	if (!gomem_may_use_reserves(gfp))
		return gomem_alloc_failed();
	return gomem_large_alloc(size, gfp, true, NUMA_NO_NODE, caller);
}

static noinline void *alloc_tiny_from_irq(size_t size, gfp_t gfp,
					  unsigned long caller)
{
	struct gomem_section sec;
	void *obj;

	if (!gomem_enter_irq(GOMEM_EV_SOFTIRQ_ALLOCS, GOMEM_EV_HARDIRQ_ALLOCS,
			     caller))
		return NULL;
	gomem_section_enter(&sec, true);
	if (gomem_tiny_cut(&sec.mc->tiny, size, &obj) != GOMEM_TINY_CUT)
		obj = gomem_tiny_cut_slow(&sec.mc->tiny, size);
	gomem_section_leave(&sec);
	if (!obj)
		return alloc_tiny_miss(size, gfp, caller);
	gomem_count(GOMEM_EV_TINY_ALLOCS, 1);
	return hand_out_tiny(obj, size, gfp);
}

/*
 * Yield to a task that waits for this CPU, then hand out @obj. If @obj is NULL,
 * allocate an object.
 */
static noinline void *alloc_tiny_yielded(void *obj, size_t size, gfp_t gfp,
					 unsigned long caller)
{
	gomem_yield(gfp);
	if (!obj)
		return alloc_tiny_miss(size, gfp, caller);
	return hand_out_tiny(obj, size, gfp);
}

/*
 * Allocate a tiny object that gomem_tiny_cut() has not cut. The caller is a
 * task that turned preemption off; this function turns it on.
 */
static noinline void *alloc_tiny_slow(size_t size, gfp_t gfp,
				      unsigned long caller)
{
	void *obj = gomem_tiny_cut_slow(gomem_tiny_of_tasks(), size);

	if (obj)
		gomem_count_pinned(GOMEM_EV_TINY_CUTS);
	if (gomem_end_hit())
		return alloc_tiny_yielded(obj, size, gfp, caller);
	if (unlikely(!obj))
		return alloc_tiny_miss(size, gfp, caller);
	return hand_out_tiny(obj, size, gfp);
}

/*
 * Allocate an ordinary object of 16 bytes for one of 9 to 15 bytes that does
 * not fit in the current block. The caller is a task that turned preemption
 * off; this function turns it on.
 */
static noinline void *alloc_tiny_alone(gfp_t gfp, unsigned long caller)
{
	struct gomem_mcache *mc = raw_cpu_read(gomem_mcache_task);
	struct gomem_slot *slot = &mc->slot[TINY_ALONE_SPC];

	if (want_init_on_alloc(gfp))
		return gomem_alloc_pinned(slot, gfp, true, caller);
	return gomem_alloc_pinned(slot, gfp, false, caller);
}

/* The hit path of tiny objects, which are parts of the CPU's current block. */
static __always_inline void *alloc_tiny_hit(size_t size, gfp_t gfp,
					    unsigned long caller)
{
	enum gomem_tiny_answer answer;
	void *obj;

	if (unlikely(gfp & GOMEM_GFP_REFUSED))
		return gomem_refuse_gfp(size, gfp, caller);
	gomem_check_hit(gfp);
	if (unlikely(gomem_irq_context()))
		return alloc_tiny_from_irq(size, gfp, caller);

	preempt_disable();
	answer = gomem_tiny_cut(gomem_tiny_of_tasks(), size, &obj);
	if (answer == GOMEM_TINY_NO_ROOM && size > GOMEM_TINY_OPENS)
		return alloc_tiny_alone(gfp, caller);
	if (unlikely(answer != GOMEM_TINY_CUT))
		return alloc_tiny_slow(size, gfp, caller);
	gomem_count_pinned(GOMEM_EV_TINY_CUTS);
	if (gomem_end_hit())
		return alloc_tiny_yielded(obj, size, gfp, caller);
	return hand_out_tiny(obj, size, gfp);
}

/*
 * Allocate a tiny object while gomem_watching is enabled. Take the hit path,
 * unless gomem_is_watched() says that the object may have to be recorded,
 * charged or refused.
 */
static noinline void *alloc_tiny_watched(size_t size, gfp_t gfp,
					 unsigned long caller)
{
	if (!gomem_is_watched())
		return alloc_tiny_hit(size, gfp, caller);
	if (!gomem_enter_alloc(size, gfp, caller))
		return NULL;
	return alloc_tiny_miss(size, gfp, caller);
}

/*
 * Allocate a tiny object. Not inlined, so that the caller needs no stack frame
 * for other sizes.
 */
noinline void *gomem_alloc_tiny(size_t size, gfp_t gfp, unsigned long caller)
{
	if (gomem_watches())
		return alloc_tiny_watched(size, gfp, caller);
	return alloc_tiny_hit(size, gfp, caller);
}

/* Allocate an object whose size has no size class: 0, large, or too large. */
noinline void *gomem_alloc_odd(size_t size, gfp_t gfp, bool noscan, int node,
			       unsigned long caller)
{
	if (!size)
		return ZERO_SIZE_PTR;
	if (size > GOMEM_MAX_SIZE) {
		gomem_report_request(GOMEM_SIZE_TOO_LARGE, size, gfp, caller);
		return NULL;
	}
	if (!gomem_enter_alloc(size, gfp, caller))
		return NULL;
	return gomem_large_alloc(size, gfp, noscan, node, caller);
}

void *__gomem_alloc(size_t size, gfp_t gfp)
{
	return gomem_alloc_any(size, gfp, false);
}
EXPORT_SYMBOL_NS_GPL(__gomem_alloc, GOMEM_NS);

void *__gomem_alloc_noscan(size_t size, gfp_t gfp)
{
	return gomem_alloc_any(size, gfp, true);
}
EXPORT_SYMBOL_NS_GPL(__gomem_alloc_noscan, GOMEM_NS);

void *__gomem_alloc_from(unsigned long slot_at, gfp_t gfp)
{
	return gomem_alloc_small(slot_at, gfp);
}
EXPORT_SYMBOL_NS_GPL(__gomem_alloc_from, GOMEM_NS);

void *__gomem_alloc_tiny(size_t size, gfp_t gfp)
{
	return gomem_alloc_tiny(size, gfp, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(__gomem_alloc_tiny, GOMEM_NS);

void *__gomem_alloc_overflow(size_t n, size_t size, gfp_t gfp)
{
	gomem_report_overflow(n, size, gfp, _RET_IP_);
	return NULL;
}
EXPORT_SYMBOL_NS_GPL(__gomem_alloc_overflow, GOMEM_NS);

void *gomem_alloc_node(size_t size, gfp_t gfp, int node)
{
	struct gomem_node_choice to = gomem_node_choose(node, gfp, _RET_IP_);
	unsigned int spc;

	if (!to.valid)
		return NULL;
	if (size - 1 >= GOMEM_SMALL_MAX)
		return gomem_alloc_odd(size, gfp, false, to.node, _RET_IP_);
	if (to.slots)
		return gomem_alloc_any(size, gfp, false);
	spc = gomem_spc_make(gomem_sizeclass(size), false);
	return gomem_object_alloc_remote(&gomem_kinds[spc], to.heap, gfp,
					 _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_alloc_node, GOMEM_NS);

/**
 * gomem_alloc_for - allocate for another function of gomem, off the hit path
 * @size: bytes wanted
 * @gfp: as for gomem_alloc()
 * @caller: address of the code that called that function, for reports
 *
 * Return: as gomem_alloc().
 */
void *gomem_alloc_for(size_t size, gfp_t gfp, unsigned long caller)
{
	if (size - 1 >= GOMEM_SMALL_MAX)
		return gomem_alloc_odd(size, gfp, false, NUMA_NO_NODE, caller);
	if (!gomem_enter_alloc(size, gfp, caller))
		return NULL;
	return gomem_alloc_miss(gomem_spc_make(gomem_sizeclass(size), false),
				gfp, caller);
}
