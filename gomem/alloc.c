// SPDX-License-Identifier: GPL-2.0
/*
 * alloc.c - the public API: the fast path, large objects, and what is built of
 * them. What each function promises is said in include/linux/gomem.h.
 *
 * The way of an allocation through the layers below is drawn in internal.h.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "internal.h"
#include "alloc.h"
#include "cache.h"
#include "mcache.h"
#include "report.h"
#include "sizeclass.h"
#include "stats.h"
#include "tiny.h"
#include "undo.h"

/*
 * Counts an interrupt's call; an NMI's is refused. Softirqs do not nest, and handlers of
 * hard interrupts run with interrupts off: nobody else counts the same meanwhile. One that
 * turns them on may lose a count.
 */
static bool enter_irq(enum gomem_event softirq, enum gomem_event hardirq, unsigned long caller)
{
	unsigned int context = gomem_irq_context();

	if (context & NMI_MASK) {
		gomem_report_nmi(caller);
		return false;
	}
	__this_cpu_inc(gomem_events.count[context & HARDIRQ_MASK ? hardirq : softirq]);
	return true;
}

static __always_inline void leak_track(void *obj, unsigned int spc, gfp_t gfp)
{
	gomem_leak_track(obj, gomem_class_size(gomem_spc_class(spc)), gomem_spc_noscan(spc), gfp);
}

/* Much code, so that most have it from here. */
static noinline void *clear_and_track(void *obj, unsigned int spc, gfp_t gfp)
{
	gomem_clear_quickly(obj, gomem_class_size(gomem_spc_class(spc)));
	leak_track(obj, spc, gfp);
	return obj;
}

/* What is left to do with an object that is the caller's now. */
static __always_inline void *hand_out(void *obj, unsigned int spc, gfp_t gfp, bool clear)
{
	if (clear)
		return clear_and_track(obj, spc, gfp);
	*(unsigned long *)obj = 0;
	leak_track(obj, spc, gfp);
	return obj;
}

/*
 * The same, off the fast path: the object may be zero but for its key. NULL if somebody
 * wrote to it while it was free. It may do so again; or it is not free at all, but came
 * here by a second free, with its key overwritten in between. So it is set aside: it
 * stays allocated, for whoever may think that it owns it.
 */
static void *check_and_hand_out(void *obj, unsigned int spc, gfp_t gfp,
				unsigned long caller)
{
	if (likely(gomem_has_key(obj)))
		return hand_out(obj, spc, gfp, want_init_on_alloc(gfp));
	if (likely(gomem_has_zero_key(obj))) {
		if (want_init_on_alloc(gfp))
			gomem_count(GOMEM_EV_ZEROING_SKIPPED,
				    gomem_class_size(gomem_spc_class(spc)));
		return hand_out(obj, spc, gfp, false);
	}
	gomem_report_pointer(GOMEM_WRITE_AFTER_FREE, obj, caller);
	return NULL;
}

/* An object of a span. */
static void *alloc_in_span(unsigned int spc, gfp_t gfp, unsigned long caller)
{
	void *obj;

	while ((obj = gomem_mcache_alloc_slow(&gomem_kinds[spc], gfp))) {
		obj = check_and_hand_out(obj, spc, gfp, caller);
		if (likely(obj))
			return obj;
	}
	return NULL;
}

static void *count_failure(void)
{
	gomem_count(GOMEM_EV_ALLOC_FAILURES, 1);
	return NULL;
}

/* A large object, or one of any size that is to share its pages with none. */
static void *alloc_pages_for(size_t size, gfp_t gfp, bool noscan, int node)
{
	struct gomem_span_request req = {
		.npages = DIV_ROUND_UP(size, GOMEM_PAGE_SIZE),
		.kind = &gomem_kinds[gomem_spc_make(0, noscan)],
		.aligned = is_power_of_2(size),
		.gfp = gfp,
	};
	struct gomem_span *s = gomem_heap_alloc_span(gomem_node_heap(node), &req);
	void *obj;

	if (!s)
		return count_failure();
	obj = (void *)s->base;
	if (want_init_on_alloc(gfp) && s->zero)
		gomem_count(GOMEM_EV_ZEROING_SKIPPED, s->elemsize);
	else if (want_init_on_alloc(gfp))
		gomem_clear(obj, s->elemsize);
	gomem_leak_track(obj, s->elemsize, noscan, gfp);
	gomem_heap_publish_large(s);
	return obj;
}

/*
 * For a caller that may use the kernel's reserves, which are there for those who free
 * memory. A span made of them would serve anybody: so spans are made without them, and if
 * that fails the object has pages of its own, as a large one.
 */
static noinline void *alloc_with_reserves(unsigned int spc, gfp_t gfp, unsigned long caller)
{
	return alloc_in_span(spc, gomem_gfp_shared(gfp), caller) ?:
	       alloc_pages_for(gomem_class_size(gomem_spc_class(spc)), gfp,
			       gomem_spc_noscan(spc), NUMA_NO_NODE);
}

/*
 * What follows is off the fast path, and tail-called from it, so that it needs
 * no stack frame.
 */
static noinline void *alloc_miss(unsigned int spc, gfp_t gfp, unsigned long caller)
{
	/* The fast path leaves size 0 to the slot of class 0, which is empty. */
	if (unlikely(!gomem_spc_class(spc)))
		return ZERO_SIZE_PTR;
	gomem_check_context(gfp);
	if (unlikely(gomem_may_use_reserves(gfp)))
		return alloc_with_reserves(spc, gfp, caller);
	return alloc_in_span(spc, gfp, caller) ?: count_failure();
}

static noinline void *alloc_irq(unsigned int spc, gfp_t gfp, unsigned long caller)
{
	unsigned long flags;
	void *obj;
	bool hit;

	if (!enter_irq(GOMEM_EV_SOFTIRQ_ALLOCS, GOMEM_EV_HARDIRQ_ALLOCS, caller))
		return NULL;
	local_irq_save(flags);
	hit = gomem_slot_pop_usual(&raw_cpu_read(gomem_mcache_irq)->slot[spc], &obj);
	local_irq_restore(flags);
	if (!hit)
		return alloc_miss(spc, gfp, caller);
	return hand_out(obj, spc, gfp, want_init_on_alloc(gfp));
}

static noinline void *refuse_gfp(size_t size, gfp_t gfp, unsigned long caller)
{
	gomem_report_request(GOMEM_BAD_GFP, size, gfp, caller);
	return NULL;
}

static noinline void *refuse_spc(unsigned int spc, gfp_t gfp, unsigned long caller)
{
	if (!gomem_spc_class(spc))
		return ZERO_SIZE_PTR;
	return refuse_gfp(gomem_class_size(gomem_spc_class(spc)), gfp, caller);
}

/*
 * The fast path finds a slot by its offset in the cache. Slots of a size class are
 * neighbours, so that with the size class at hand that is one shift.
 */
#define CLASS_SHIFT	(__GOMEM_SLOT_SHIFT + 1)

static_assert(sizeof(struct gomem_slot) == BIT(__GOMEM_SLOT_SHIFT));
static_assert(!offsetof(struct gomem_mcache, slot));

static __always_inline struct gomem_slot *slot_at(struct gomem_mcache *mc, unsigned long at)
{
	return (void *)mc + at;
}

/* By what gomem_tag_low() says of a tag. */
static __always_inline struct gomem_slot *slot_of_low(struct gomem_mcache *mc, unsigned long low)
{
	return slot_at(mc, low << (__GOMEM_SLOT_SHIFT - GOMEM_TAG_SPC_SHIFT));
}

/* Hand an object out after other tasks had their turn; apart, as they seldom wait. */
static noinline void *yield_and_hand_out(void *obj, unsigned int spc, gfp_t gfp, bool clear)
{
	gomem_yield(gfp);
	return hand_out(obj, spc, gfp, clear);
}

/*
 * The object is this caller's once it is popped; what is done to it then needs no
 * protection any more. If there is none, or it has not the usual key, somebody else
 * looks into it.
 */
static __always_inline void *alloc_hit(unsigned long at, gfp_t gfp, bool clear,
				       unsigned long caller)
{
	void *obj;
	bool hit;

	gomem_check_hit(gfp);
	if (unlikely(gomem_irq_context()))
		return alloc_irq(at >> __GOMEM_SLOT_SHIFT, gfp, caller ?: GOMEM_COLD_CALLER);

	preempt_disable();
	hit = gomem_slot_pop_usual(slot_at(raw_cpu_read(gomem_mcache_task), at), &obj);
	if (unlikely(!hit)) {
		preempt_enable();
		return alloc_miss(at >> __GOMEM_SLOT_SHIFT, gfp, caller ?: GOMEM_COLD_CALLER);
	}
	if (gomem_end_hit())
		return yield_and_hand_out(obj, at >> __GOMEM_SLOT_SHIFT, gfp, clear);
	if (!clear)
		return hand_out(obj, at >> __GOMEM_SLOT_SHIFT, gfp, false);
	/* By a long, or the index takes an instruction more. */
	gomem_clear_quickly(obj, gomem_class_to_size[at >> CLASS_SHIFT]);
	leak_track(obj, at >> __GOMEM_SLOT_SHIFT, gfp);
	return obj;
}

/* To be cleared, or with a gfp that is refused. */
static noinline void *alloc_cleared(unsigned long at, gfp_t gfp, unsigned long caller)
{
	if (unlikely(gfp & GOMEM_GFP_REFUSED))
		return refuse_spc(at >> __GOMEM_SLOT_SHIFT, gfp, caller);
	return alloc_hit(at, gfp, true, caller);
}

/* The fast path. */
static __always_inline void *alloc_small(unsigned long at, gfp_t gfp)
{
	if (want_init_on_alloc(0) || unlikely(gfp & (__GFP_ZERO | GOMEM_GFP_REFUSED)))
		return alloc_cleared(at, gfp, GOMEM_COLD_CALLER);
	return alloc_hit(at, gfp, false, 0);
}

/* The span class of what is tiny and found no block to share: 16 bytes, noscan. */
#define TINY_ALONE_SPC		(2 * 2 + 1)

static __always_inline void *hand_out_tiny(void *obj, size_t size, gfp_t gfp)
{
	gomem_count(GOMEM_EV_TINY_ALLOCS, 1);
	gomem_leak_track(obj, size, true, gfp);
	return obj;
}

/* What fits in no block that is open begins one, or is an object of 16 bytes. */
static noinline void *alloc_tiny_miss(size_t size, gfp_t gfp, unsigned long caller)
{
	void *obj;

	if (size > GOMEM_TINY_OPENS)
		return alloc_miss(TINY_ALONE_SPC, gfp, caller);
	gomem_check_context(gfp);
	if (likely(!gomem_may_use_reserves(gfp))) {
		obj = gomem_tiny_alloc_slow(size, gfp, caller);
		return obj ? hand_out_tiny(obj, size, gfp) : count_failure();
	}
	obj = gomem_tiny_alloc_slow(size, gomem_gfp_shared(gfp), caller);
	return obj ? hand_out_tiny(obj, size, gfp) :
		     alloc_pages_for(size, gfp, true, NUMA_NO_NODE);
}

static noinline void *alloc_tiny_irq(size_t size, gfp_t gfp, unsigned long caller)
{
	unsigned long flags;
	void *obj;

	if (!enter_irq(GOMEM_EV_SOFTIRQ_ALLOCS, GOMEM_EV_HARDIRQ_ALLOCS, caller))
		return NULL;
	local_irq_save(flags);
	obj = gomem_tiny_cut(&raw_cpu_read(gomem_mcache_irq)->tiny, size);
	local_irq_restore(flags);
	if (!obj)
		return alloc_tiny_miss(size, gfp, caller);
	return hand_out_tiny(obj, size, gfp);
}

/* As yield_and_hand_out(); there may be no object yet. */
static noinline void *yield_and_hand_out_tiny(void *obj, size_t size, bool shared, gfp_t gfp,
					      unsigned long caller)
{
	gomem_yield(gfp);
	if (!obj)
		return alloc_tiny_miss(size, gfp, caller);
	if (shared)
		return hand_out_tiny(obj, size, gfp);
	return hand_out(obj, TINY_ALONE_SPC, gfp, want_init_on_alloc(gfp));
}

/*
 * The fast path of what is tiny, and noscan: a part of the CPU's current block. What does
 * not fit there and is not worth a block for itself is an object like others. Apart, so
 * that who asks for more needs no stack frame; tail-called.
 */
static noinline void *alloc_tiny(size_t size, gfp_t gfp, unsigned long caller)
{
	struct gomem_mcache *mc;
	bool shared = true;
	void *obj;

	if (unlikely(gfp & GOMEM_GFP_REFUSED))
		return refuse_gfp(size, gfp, caller);
	gomem_check_hit(gfp);
	if (unlikely(gomem_irq_context()))
		return alloc_tiny_irq(size, gfp, caller);

	preempt_disable();
	mc = raw_cpu_read(gomem_mcache_task);
	obj = gomem_tiny_cut(&mc->tiny, size);
	if (!obj && size > GOMEM_TINY_OPENS) {
		shared = false;
		if (unlikely(!gomem_slot_pop_usual(&mc->slot[TINY_ALONE_SPC], &obj)))
			obj = NULL;
	}
	if (gomem_end_hit())
		return yield_and_hand_out_tiny(obj, size, shared, gfp, caller);

	if (unlikely(!obj))
		return alloc_tiny_miss(size, gfp, caller);
	if (shared)
		return hand_out_tiny(obj, size, gfp);
	return hand_out(obj, TINY_ALONE_SPC, gfp, want_init_on_alloc(gfp));
}

static void *alloc_large(size_t size, gfp_t gfp, bool noscan, int node, unsigned long caller)
{
	if (unlikely(gfp & GOMEM_GFP_REFUSED))
		return refuse_gfp(size, gfp, caller);
	gomem_check_context(gfp);
	if (unlikely(gomem_irq_context()) &&
	    !enter_irq(GOMEM_EV_SOFTIRQ_ALLOCS, GOMEM_EV_HARDIRQ_ALLOCS, caller))
		return NULL;
	return alloc_pages_for(size, gfp, noscan, node);
}

/* Sizes without a class: none, large, and too large. */
static noinline void *alloc_odd(size_t size, gfp_t gfp, bool noscan, int node,
				unsigned long caller)
{
	if (!size)
		return ZERO_SIZE_PTR;
	if (size > GOMEM_MAX_SIZE) {
		gomem_report_request(GOMEM_SIZE_TOO_LARGE, size, gfp, caller);
		return NULL;
	}
	return alloc_large(size, gfp, noscan, node, caller);
}

static __always_inline void *alloc_any(size_t size, gfp_t gfp, bool noscan)
{
	unsigned long class;

	if (noscan && __gomem_is_tiny(size))
		return alloc_tiny(size, gfp, GOMEM_COLD_CALLER);
	if (likely(size <= GOMEM_CLASS8_MAX))
		class = gomem_size_to_class8[(size + 7) / 8];
	else if (likely(size <= GOMEM_SMALL_MAX))
		class = gomem_sizeclass(size);
	else
		return alloc_odd(size, gfp, noscan, NUMA_NO_NODE, GOMEM_COLD_CALLER);
	return alloc_small(class << CLASS_SHIFT | noscan << __GOMEM_SLOT_SHIFT, gfp);
}

void *__gomem_alloc(size_t size, gfp_t gfp)
{
	return alloc_any(size, gfp, false);
}
EXPORT_SYMBOL_NS_GPL(__gomem_alloc, GOMEM_NS);

void *__gomem_alloc_noscan(size_t size, gfp_t gfp)
{
	return alloc_any(size, gfp, true);
}
EXPORT_SYMBOL_NS_GPL(__gomem_alloc_noscan, GOMEM_NS);

void *__gomem_alloc_from(unsigned long slot_at, gfp_t gfp)
{
	return alloc_small(slot_at, gfp);
}
EXPORT_SYMBOL_NS_GPL(__gomem_alloc_from, GOMEM_NS);

void *__gomem_alloc_tiny(size_t size, gfp_t gfp)
{
	return alloc_tiny(size, gfp, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(__gomem_alloc_tiny, GOMEM_NS);

void *__gomem_alloc_overflow(size_t n, size_t size, gfp_t gfp)
{
	gomem_report_overflow(n, size, gfp, _RET_IP_);
	return NULL;
}
EXPORT_SYMBOL_NS_GPL(__gomem_alloc_overflow, GOMEM_NS);

/* Of a node that is not this CPU's: past the caches. */
static void *alloc_remote(struct gomem_heap *h, unsigned int spc, gfp_t gfp, unsigned long caller)
{
	bool reserves = gomem_may_use_reserves(gfp);
	gfp_t shared = reserves ? gomem_gfp_shared(gfp) : gfp;
	void *obj;

	if (unlikely(gfp & GOMEM_GFP_REFUSED))
		return refuse_spc(spc, gfp, caller);
	gomem_check_context(gfp);
	if (unlikely(gomem_irq_context()) &&
	    !enter_irq(GOMEM_EV_SOFTIRQ_ALLOCS, GOMEM_EV_HARDIRQ_ALLOCS, caller))
		return NULL;
	while ((obj = gomem_mcache_alloc_direct(gomem_central(h, &gomem_kinds[spc]), shared))) {
		gomem_count(GOMEM_EV_REMOTE_ALLOCS, 1);
		obj = check_and_hand_out(obj, spc, gfp, caller);
		if (likely(obj))
			return obj;
	}
	if (unlikely(reserves))
		return alloc_pages_for(gomem_class_size(gomem_spc_class(spc)), gfp,
				       gomem_spc_noscan(spc), h->node);
	return count_failure();
}

void *gomem_alloc_node(size_t size, gfp_t gfp, int node)
{
	struct gomem_node_choice to;

	if (!gomem_node_choose(node, gfp, _RET_IP_, &to))
		return NULL;
	if (size - 1 >= GOMEM_SMALL_MAX)
		return alloc_odd(size, gfp, false, to.node, _RET_IP_);
	if (!to.slots)
		return alloc_remote(to.heap, gomem_spc_make(gomem_sizeclass(size), false), gfp,
				    _RET_IP_);
	return alloc_any(size, gfp, false);
}
EXPORT_SYMBOL_NS_GPL(gomem_alloc_node, GOMEM_NS);

/* No span here. In a page of ours there was one when the object was live. */
static noinline void reject_page(const void *p, enum gomem_misuse if_free, unsigned long caller)
{
	gomem_report_no_object(if_free, p, caller);
}

/* Give an object its key, unless it has one. */
static __always_inline bool set_key_once(const struct gomem_slot *slot, void *obj,
					 unsigned long key, bool clear)
{
	if (unlikely(gomem_looks_free(obj, key)) && gomem_is_free(obj))
		return false;
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kmemleak_free(obj);
	if (clear)
		gomem_clear(obj, slot->size);
	*(unsigned long *)obj = key;
	return true;
}

/*
 * Check an object that is being freed, and give it its key. False if it is no small
 * object, or free already. The slot is only asked for the geometry of its class,
 * whose cache line is needed anyway. What could start in the tail of a span has a key:
 * see seal_tail().
 */
static __always_inline bool take_back(const struct gomem_slot *slot, void *obj, u32 offset,
				      bool clear)
{
	unsigned long key = gomem_objkey(obj);

	if (unlikely(!gomem_is_multiple(offset, slot->divmul)))
		return false;
	return set_key_once(slot, obj, key, clear);
}

/* What is no live object of a slot is something else, or misuse. */
static void reject_small(void *obj, u32 tag, unsigned long caller)
{
	unsigned int class = gomem_spc_class(gomem_tag_spc(tag));
	const struct gomem_span *s;
	bool start;

	if (class == GOMEM_TINY_CLASS) {
		gomem_tiny_free(obj, caller);
		return;
	}
	if (gomem_class_is_scratch(class)) {
		gomem_report_owner(obj, caller);
		return;
	}
	start = gomem_is_start(gomem_tag_offset((unsigned long)obj, tag, gomem_tag_low(tag)),
			       gomem_class_divmul(class), gomem_class_limit(class));
	/* A short span ends before; if it is gone, so was the object. */
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)obj);
	if (start && s)
		start = gomem_span_index(s, (unsigned long)obj) < s->nelems;
	gomem_report_pointer(start ? GOMEM_DOUBLE_FREE : GOMEM_INTERIOR_POINTER,
			     obj, caller);
}

/* There are several nodes, or objects are cleared when they are freed. */
static DEFINE_STATIC_KEY_FALSE(careful_free);

/**
 * gomem_alloc_init - see what frees on this machine take
 */
void __init gomem_alloc_init(void)
{
	if (want_init_on_free() || static_key_enabled(&gomem_numa))
		static_branch_enable(&careful_free);
}

/* Is this CPU's cache the place for an object? @entry is the pagemap's. */
static __always_inline bool is_home(const struct gomem_mcache *mc, unsigned long entry,
				    const void *obj)
{
	return !static_branch_unlikely(&gomem_numa) ||
	       gomem_pagemap_entry_chunk(entry, (unsigned long)obj)->heap == mc->heap;
}

static noinline void free_miss(unsigned int spc, void *obj)
{
	const struct gomem_kind *k = &gomem_kinds[spc];

	if (static_branch_unlikely(&gomem_numa) && !gomem_mcache_is_home(obj))
		gomem_mcache_free_direct(k, obj);
	else
		gomem_mcache_free_slow(k, obj);
}

/* Objects of typed caches, and what is no live object. */
static noinline void free_rare(void *p, unsigned long caller)
{
	enum gomem_span_state state;
	struct gomem_span *s;

	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	if (!s) {
		reject_page(p, GOMEM_DOUBLE_FREE, caller);
		return;
	}
	state = gomem_span_state(s);
	if (state == GOMEM_SPAN_ARENA) {
		gomem_report_owner(p, caller);
		return;
	}
	if (state != GOMEM_SPAN_LARGE && gomem_cache_take_back(p, caller))
		return;
	gomem_report_pointer(s->base == (unsigned long)p ? GOMEM_DOUBLE_FREE :
							   GOMEM_INTERIOR_POINTER, p, caller);
}

/* NULL, large objects, those of typed caches, and pointers that are none of ours. */
static void free_odd(void *p, unsigned long caller)
{
	struct gomem_span *s;

	if (ZERO_OR_NULL_PTR(p))
		return;
	s = gomem_heap_claim_large(&gomem_pagemap, (unsigned long)p);
	if (unlikely(!s)) {
		free_rare(p, caller);
		return;
	}
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kmemleak_free(p);
	if (want_init_on_free())
		gomem_clear(p, s->elemsize);
	gomem_heap_free_span(s);
}

/* Off the fast path, and tail-called from it: not a live small object. */
static noinline void free_unusual(void *p, u32 tag, unsigned long caller)
{
	if (gomem_spc_class(gomem_tag_spc(tag)))
		reject_small(p, tag, caller);
	else
		free_odd(p, caller);
}

/* The same of a task, with preemption off since the tag was read; and on afterwards. */
static noinline void free_unusual_pinned(void *p, u32 tag, unsigned long caller)
{
	if (likely(gomem_spc_class(gomem_tag_spc(tag)) == GOMEM_TINY_CLASS)) {
		gomem_tiny_free_pinned(p, caller);
		return;
	}
	preempt_enable();
	free_unusual(p, tag, caller);
}

/*
 * From the look at the tag to the last access to the object neither preemption nor,
 * in an interrupt, anything else comes in between. If this is a second free, the
 * first one may be giving the page back meanwhile: gomem_heap_release() makes the
 * page stay until we are through.
 */
static noinline void free_from_irq(void *obj, unsigned long entry, unsigned long caller)
{
	struct gomem_mcache *mc;
	struct gomem_slot *slot;
	bool ok, pushed = false;
	unsigned long flags, low;
	u32 tag;

	if (!enter_irq(GOMEM_EV_SOFTIRQ_FREES, GOMEM_EV_HARDIRQ_FREES, caller))
		return;
	local_irq_save(flags);
	tag = gomem_pagemap_tag(entry, (unsigned long)obj);
	mc = raw_cpu_read(gomem_mcache_irq);
	low = gomem_tag_low(tag);
	slot = slot_of_low(mc, low);
	ok = take_back(slot, obj, gomem_tag_offset((unsigned long)obj, tag, low),
		       want_init_on_free());
	if (ok)
		pushed = is_home(mc, entry, obj) && gomem_slot_push(slot, obj);
	local_irq_restore(flags);

	if (!ok)
		free_unusual(obj, tag, caller);
	else if (!pushed)
		free_miss(gomem_tag_spc(tag), obj);
}

static __always_inline void free_from_task(void *obj, unsigned long entry, bool clear,
					   bool numa, unsigned long caller)
{
	struct gomem_mcache *mc;
	struct gomem_slot *slot;
	unsigned long low;
	bool pushed;
	u32 tag;

	preempt_disable();
	tag = gomem_pagemap_tag(entry, (unsigned long)obj);
	low = gomem_tag_low(tag);
	/* Or the compiler computes it twice, and the slot likewise. */
	OPTIMIZER_HIDE_VAR(low);
	mc = raw_cpu_read(gomem_mcache_task);
	slot = slot_of_low(mc, low);
	OPTIMIZER_HIDE_VAR(slot);
	if (unlikely(!take_back(slot, obj, gomem_tag_offset((unsigned long)obj, tag, low),
				clear))) {
		free_unusual_pinned(obj, tag, caller ?: GOMEM_COLD_CALLER);
		return;
	}
	pushed = (!numa || is_home(mc, entry, obj)) && gomem_slot_push(slot, obj);
	preempt_enable();
	if (unlikely(!pushed))
		free_miss(gomem_tag_spc(tag), obj);
}

/* On several nodes, or with init_on_free=1: apart, for the fast path's registers. */
static noinline void free_with_care(void *obj, unsigned long entry, unsigned long caller)
{
	if (want_init_on_free())
		free_from_task(obj, entry, true, true, caller);
	else
		free_from_task(obj, entry, false, true, caller);
}

/*
 * Can the chunk number @ci be ours? NULL and ZERO_SIZE_PTR are below the direct map, and
 * beyond the page map. Under User-Mode Linux the map begins at address 0, but chunk 0 lies
 * below the machine's memory.
 */
static __always_inline bool in_map(unsigned long ci, unsigned long nr_chunks)
{
	return ci < nr_chunks && (!IS_ENABLED(CONFIG_UML) || ci);
}

/* The fast path. */
static __always_inline void free_any(const void *p)
{
	unsigned long ci = gomem_pagemap_index(&gomem_pagemap, (unsigned long)p);
	unsigned long entry;

	if (unlikely(!in_map(ci, gomem_pagemap.nr_chunks))) {
		free_unusual((void *)p, 0, GOMEM_COLD_CALLER);
		return;
	}
	/* Loads in this order: see publish() of pagemap.c. */
	barrier();
	/* The entry was written before the object was handed out, and stays. */
	entry = gomem_pagemap.entry[ci];
	if (unlikely(gomem_irq_context()))
		free_from_irq((void *)p, entry, GOMEM_COLD_CALLER);
	else if (static_branch_unlikely(&careful_free))
		free_with_care((void *)p, entry, GOMEM_COLD_CALLER);
	else
		free_from_task((void *)p, entry, false, false, 0);
}

void gomem_free(const void *p)
{
	free_any(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_free, GOMEM_NS);

static bool starts_at(const struct gomem_span *s, const void *p)
{
	unsigned int i = s->divmul ? gomem_span_index(s, (unsigned long)p) : 0;

	return i < s->nelems && gomem_span_object(s, i) == p;
}

/* The size of the live object at @p, or 0 with a report; @if_free if it is free. */
static size_t object_size(const void *p, bool *noscan, enum gomem_misuse if_free,
			  unsigned long caller)
{
	bool is_start, is_free;
	struct gomem_span *s;
	size_t tiny_size = 0;
	bool is_tiny;

	/* As for a free: the page does not go back while we look. */
	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	is_tiny = s && READ_ONCE(s->spc) == GOMEM_TINY_SPC;
	if (is_tiny)
		tiny_size = gomem_tiny_size(p);
	is_start = s && starts_at(s, p);
	is_free = is_start && !gomem_kind_is_large(s->kind) &&
		  /* Who reads a live one under RCU may write there: no key, before or after. */
		  data_race(gomem_is_free(gomem_kind_key(s->kind, (void *)p)));
	rcu_read_unlock();

	if (!s) {
		reject_page(p, if_free, caller);
		return 0;
	}
	if (gomem_span_state(s) == GOMEM_SPAN_ARENA) {
		gomem_report_owner(p, caller);
		return 0;
	}
	*noscan = gomem_spc_noscan(s->spc);
	if (is_tiny) {
		if (!tiny_size)
			gomem_tiny_report(if_free, p, caller);
		return tiny_size;
	}
	if (!is_start) {
		gomem_report_pointer(GOMEM_INTERIOR_POINTER, p, caller);
		return 0;
	}
	if (is_free) {
		gomem_report_pointer(if_free, p, caller);
		return 0;
	}
	return s->kind->cache ? s->kind->cache->object_size : s->elemsize;
}

/* The same, of an object that the caller may free or move. */
static size_t own_object_size(const void *p, bool *noscan, enum gomem_misuse if_free,
			      unsigned long caller)
{
	struct gomem_span *s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);

	if (s && gomem_class_is_scratch(gomem_spc_class(s->spc))) {
		gomem_report_owner(p, caller);
		return 0;
	}
	return object_size(p, noscan, if_free, caller);
}

/*
 * Must the contents stay as they are? What a constructor made the next owner relies on, and
 * what is typesafe under RCU its readers do.
 */
static bool keeps_contents(const void *p)
{
	const struct gomem_span *s;
	bool keeps;

	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	keeps = s && (READ_ONCE(s->kind)->ctor || READ_ONCE(s->kind)->typesafe);
	rcu_read_unlock();
	return keeps;
}

/* The same, of an object that the caller is about to clear, or to move elsewhere. */
static size_t clearable_object_size(const void *p, bool *noscan, enum gomem_misuse if_free,
				    unsigned long caller)
{
	size_t size = own_object_size(p, noscan, if_free, caller);

	if (size && unlikely(keeps_contents(p))) {
		gomem_report_keeps(p, caller);
		return 0;
	}
	return size;
}

size_t gomem_usable_size(const void *p)
{
	bool noscan;

	if (ZERO_OR_NULL_PTR(p))
		return 0;
	return object_size(p, &noscan, GOMEM_USE_AFTER_FREE, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_usable_size, GOMEM_NS);

bool gomem_owns(const void *p)
{
	return gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
}
EXPORT_SYMBOL_NS_GPL(gomem_owns, GOMEM_NS);

/*
 * The bytes of the live small object at @p, found as gomem_free() finds it; 0 for all that
 * is to be looked at more closely. With preemption off the page does not go back meanwhile.
 */
static size_t small_object_size(const void *p, gfp_t gfp, bool *noscan)
{
	unsigned long ci = gomem_pagemap_index(&gomem_pagemap, (unsigned long)p), low;
	const struct gomem_slot *slot;
	size_t size = 0;
	u32 tag;

	if (unlikely(!in_map(ci, gomem_pagemap.nr_chunks)))
		return 0;
	preempt_disable();
	tag = gomem_pagemap_tag(gomem_pagemap.entry[ci], (unsigned long)p);
	low = gomem_tag_low(tag);
	slot = slot_of_low(raw_cpu_read(gomem_mcache_task), low);
	*noscan = gomem_spc_noscan(gomem_tag_spc(tag));
	if (likely(gomem_is_multiple(gomem_tag_offset((unsigned long)p, tag, low), slot->divmul)) &&
	    /* Who has a live one may write there meanwhile: no key, before or after. */
	    likely(!data_race(gomem_is_free(p))))
		size = slot->size;
	/* Also for what then stays where it is. */
	if (gomem_end_hit())
		gomem_yield(gfp);
	return size;
}

/* The same of a large one. */
static size_t large_object_size(const void *p, bool *noscan)
{
	const struct gomem_span *s = gomem_pagemap_large(&gomem_pagemap, (unsigned long)p);

	if (!s)
		return 0;
	*noscan = gomem_spc_noscan(s->spc);
	return READ_ONCE(s->elemsize);
}

/*
 * What grows beyond this gets pages of its own, though there are classes of that size, since
 * there may be more behind them by then. So large that half as much again has room for
 * the rest of the last page.
 */
#define OWN_PAGES_MIN	SZ_16K

/*
 * What grows once grows again: as Go's append() does, leave room for that, or each step
 * would be a copy of all there is. Half as large again is less, on average, than the powers
 * of two of krealloc() leave. Who grows by that much at a time has its own idea of it, and
 * a power of two, should it move, is to be aligned to itself; there are but two classes of
 * what could be tiny. Returns how large to make what has @size, or 0 for no room.
 */
static size_t roomy_size(size_t size, size_t new_size)
{
	size_t roomy = new_size + new_size / 2;

	if (new_size >= size + size / 2 || roomy > GOMEM_MAX_SIZE || is_power_of_2(new_size) ||
	    new_size < GOMEM_TINY_BLOCK)
		return 0;
	if (new_size <= OWN_PAGES_MIN)
		return roomy;
	return max(round_down(roomy, GOMEM_PAGE_SIZE), round_up(new_size, GOMEM_PAGE_SIZE));
}

/* Somewhere else; without room if there is no memory for it at hand, on this node. */
static void *alloc_grown(size_t new_size, size_t roomy, gfp_t gfp, bool noscan)
{
	gfp_t light = gomem_gfp_light(gfp) | __GFP_THISNODE;
	void *new = NULL;

	if (roomy > OWN_PAGES_MIN && new_size > OWN_PAGES_MIN)
		new = alloc_odd(roomy, light, noscan, NUMA_NO_NODE, GOMEM_COLD_CALLER);
	else if (roomy)
		new = alloc_any(roomy, light, noscan);
	return new ?: alloc_any(new_size, gfp, noscan);
}

/* An object is longer than it was, where it is. */
static void hand_out_more(void *p, size_t size, struct gomem_span *s, bool zero, gfp_t gfp)
{
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kmemleak_free(p);
	if (want_init_on_alloc(gfp) && zero)
		gomem_count(GOMEM_EV_ZEROING_SKIPPED, s->elemsize - size);
	else if (want_init_on_alloc(gfp))
		memset(p + size, 0, s->elemsize - size);
	gomem_leak_track(p, s->elemsize, gomem_spc_noscan(s->spc), gfp);
}

/*
 * A large object gets longer where it is, with room if that is free, too. It is claimed
 * meanwhile, so that a free that comes at the same time is the misuse that it is. Mostly
 * the tag behind it tells at once that something lies there.
 */
static bool extend_large(void *p, size_t size, size_t new_size, size_t roomy, gfp_t gfp)
{
	unsigned long behind = (unsigned long)p + size;
	struct gomem_span *s;
	bool zero, ok;

	if (new_size > GOMEM_MAX_SIZE || (gfp & GOMEM_GFP_REFUSED) || gomem_irq_context() ||
	    gomem_pagemap_span(&gomem_pagemap, behind) ||
	    !gomem_pagemap_has_page(&gomem_pagemap, behind))
		return false;
	s = gomem_heap_claim_large(&gomem_pagemap, (unsigned long)p);
	if (!s)
		return false;
	/* What it was a moment ago, unless somebody else does the same. */
	size = s->elemsize;
	ok = (roomy && gomem_heap_extend_span(s, roomy >> GOMEM_PAGE_SHIFT, &zero)) ||
	     gomem_heap_extend_span(s, DIV_ROUND_UP(new_size, GOMEM_PAGE_SIZE), &zero);
	if (ok)
		hand_out_more(p, size, s, zero, gfp);
	gomem_heap_publish_large(s);
	return ok;
}

void *gomem_realloc(const void *p, size_t new_size, gfp_t gfp)
{
	bool noscan = false;
	size_t size, roomy;
	void *new;

	if (ZERO_OR_NULL_PTR(p))
		return alloc_any(new_size, gfp, false);
	if (!new_size) {
		free_any(p);
		return ZERO_SIZE_PTR;
	}
	size = small_object_size(p, gfp, &noscan) ?: large_object_size(p, &noscan) ?:
	       clearable_object_size(p, &noscan, GOMEM_USE_AFTER_FREE, _RET_IP_);
	if (!size)
		return NULL;
	if (new_size <= size) {
		/* So that growing into it later with __GFP_ZERO finds zeroes. */
		if (want_init_on_alloc(gfp))
			memset((void *)p + new_size, 0, size - new_size);
		gomem_count(GOMEM_EV_REALLOC_IN_PLACE, 1);
		return (void *)p;
	}

	roomy = roomy_size(size, new_size);
	if (size > OWN_PAGES_MIN && extend_large((void *)p, size, new_size, roomy, gfp)) {
		gomem_count(GOMEM_EV_REALLOC_IN_PLACE, 1);
		return (void *)p;
	}
	new = alloc_grown(new_size, roomy, gfp, noscan);
	if (!new)
		return NULL;
	memcpy(new, p, size);
	free_any(p);
	gomem_count(GOMEM_EV_REALLOC_MOVED, 1);
	return new;
}
EXPORT_SYMBOL_NS_GPL(gomem_realloc, GOMEM_NS);

void *gomem_memdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = alloc_any(len, gfp & ~__GFP_ZERO, false);

	if (!ZERO_OR_NULL_PTR(p))
		memcpy(p, src, len);
	return p;
}
EXPORT_SYMBOL_NS_GPL(gomem_memdup, GOMEM_NS);

char *gomem_strdup(const char *s, gfp_t gfp)
{
	size_t len;
	char *p;

	if (!s)
		return NULL;
	len = strlen(s) + 1;
	p = alloc_any(len, gfp & ~__GFP_ZERO, true);
	if (p)
		memcpy(p, s, len);
	return p;
}
EXPORT_SYMBOL_NS_GPL(gomem_strdup, GOMEM_NS);

void gomem_free_sensitive(const void *p)
{
	bool noscan;
	size_t size;

	if (ZERO_OR_NULL_PTR(p))
		return;
	size = clearable_object_size(p, &noscan, GOMEM_DOUBLE_FREE, _RET_IP_);
	if (!size)
		return;
	memzero_explicit((void *)p, size);
	free_any(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_free_sensitive, GOMEM_NS);

static unsigned int alloc_section(unsigned int spc, void **p, unsigned int n, bool *unusual)
{
	unsigned long flags;

	if (unlikely(gomem_irq_context())) {
		local_irq_save(flags);
		n = gomem_slot_pop_many(&raw_cpu_read(gomem_mcache_irq)->slot[spc], 0, p, n,
					unusual);
		local_irq_restore(flags);
	} else {
		preempt_disable();
		n = gomem_slot_pop_many(&raw_cpu_read(gomem_mcache_task)->slot[spc], 0, p, n,
					unusual);
		preempt_enable();
	}
	return n;
}

/*
 * Leave out what was written to while it was free; @good objects were looked at before.
 * Those of @fresh never had a key, but what lies there now may look like one.
 */
static noinline unsigned int check_rest(void **p, unsigned int good, unsigned int n, u64 fresh,
					unsigned long caller)
{
	unsigned int i;
	void *obj;

	for (i = good; i < n; i++) {
		obj = p[i];
		if (!(fresh & BIT_ULL(i)) && unlikely(!gomem_is_free(obj))) {
			gomem_report_pointer(GOMEM_WRITE_AFTER_FREE, obj, caller);
			continue;
		}
		*(unsigned long *)obj = 0;
		p[good++] = obj;
	}
	return good;
}

/* Mostly nothing is left out, so that nothing has to move. */
static unsigned int check_many(void **p, unsigned int n, u64 fresh, unsigned long caller)
{
	unsigned int used = min_t(unsigned int, fresh ? __ffs64(fresh) : n, n), end, i;
	u64 rest = used < 64 ? ~(fresh >> used) : 0;
	/* Once, since the stores could change it for all the compiler knows. */
	unsigned long secret = gomem_secret, *word;

	for (i = 0; i < used; i++) {
		word = p[i];
		if (unlikely(*word != (secret ^ (unsigned long)word)))
			break;
		*word = 0;
	}
	/* What was never handed out comes last, but for what two spans had. */
	end = rest ? min_t(unsigned int, used + __ffs64(rest), n) : n;
	if (i < used)
		end = i;
	for (; i < end; i++)
		*(unsigned long *)p[i] = 0;
	return i == n ? n : check_rest(p, i, n, fresh, caller);
}

/**
 * gomem_clear_many - clear objects
 * @p: where their addresses are
 * @n: how many
 * @size: bytes of each, a multiple of 8, and not 0
 *
 * Context: any.
 */
void gomem_clear_many(void **p, unsigned int n, size_t size)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		gomem_clear_quickly(p[i], size);
}

static noinline void hand_out_many(void **p, unsigned int n, unsigned int spc, gfp_t gfp)
{
	unsigned int i;

	if (want_init_on_alloc(gfp))
		gomem_clear_many(p, n, gomem_class_size(gomem_spc_class(spc)));
	for (i = 0; IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) && i < n; i++)
		leak_track(p[i], spc, gfp);
}

/* Up to @n objects, perhaps none that is good; -1 if there is no memory. */
static int alloc_some(unsigned int spc, gfp_t gfp, void **p, unsigned int n,
		      unsigned long caller)
{
	unsigned int more, good;
	bool unusual = false;
	u64 fresh;

	good = alloc_section(spc, p, n, &unusual);
	if (!good && unlikely(unusual)) {
		p[0] = alloc_miss(spc, gfp, caller);
		return p[0] ? 1 : -1;
	}
	if (!good && unlikely(gomem_may_use_reserves(gfp))) {
		p[0] = alloc_with_reserves(spc, gfp, caller);
		return p[0] ? 1 : -1;
	}
	if (!good) {
		more = gomem_mcache_alloc_many(&gomem_kinds[spc], gfp, p, n, &fresh);
		if (!more) {
			count_failure();
			return -1;
		}
		good = check_many(p, more, fresh, caller);
	}
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) || want_init_on_alloc(gfp))
		hand_out_many(p, good, spc, gfp);
	return good;
}

/* After @n objects there was no memory for one more. Apart, for the sake of those that succeed. */
static noinline void undo_bulk(unsigned int spc, gfp_t gfp, size_t n, void **p)
{
	gomem_free_bulk(n, p);
	gomem_undo(&gomem_kinds[spc], n, gfp);
}

/* From the object with number @done on. */
static size_t alloc_small_bulk(size_t size, gfp_t gfp, size_t n, void **p, size_t done,
			       unsigned long caller)
{
	unsigned int spc = gomem_spc_make(gomem_sizeclass(size), false);
	size_t i;
	int more;

	if (!gomem_enter_alloc(size, gfp, caller))
		return 0;
	for (i = done; i < n; i += more) {
		gomem_check_context(gfp);
		more = alloc_some(spc, gfp, p + i, min_t(size_t, n - i, GOMEM_BATCH_MAX), caller);
		if (unlikely(more < 0)) {
			undo_bulk(spc, gfp, i, p);
			return 0;
		}
	}
	return n;
}

/* Whatever the size and the context, and if the slot has not as many. */
static noinline size_t alloc_bulk_slow(size_t size, gfp_t gfp, size_t n, void **p, size_t done,
				       unsigned long caller)
{
	size_t i;

	if (likely(size - 1 < GOMEM_SMALL_MAX))
		return alloc_small_bulk(size, gfp, n, p, done, caller);
	for (i = 0; i < n; i++) {
		p[i] = alloc_odd(size, gfp, false, NUMA_NO_NODE, caller);
		if (unlikely(!p[i])) {
			gomem_free_bulk(i, p);
			gomem_undo_pages(i * DIV_ROUND_UP(size, GOMEM_PAGE_SIZE), gfp);
			return 0;
		}
	}
	return n;
}

/* What the slot has, for a task. */
static __always_inline size_t alloc_bulk_hit(size_t size, gfp_t gfp, size_t n, void **p)
{
	bool unusual = false;
	unsigned int spc;

	if (unlikely(size - 1 >= GOMEM_SMALL_MAX) || unlikely(gfp & GOMEM_GFP_REFUSED) ||
	    unlikely(gomem_irq_context()))
		return 0;
	gomem_check_hit(gfp);
	spc = gomem_spc_make(gomem_sizeclass(size), false);
	preempt_disable();
	n = gomem_slot_pop_many(&raw_cpu_read(gomem_mcache_task)->slot[spc], 0, p,
				min_t(size_t, n, GOMEM_BATCH_MAX), &unusual);
	if (gomem_end_hit())
		gomem_yield(gfp);
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) || want_init_on_alloc(gfp))
		hand_out_many(p, n, spc, gfp);
	return n;
}

size_t gomem_alloc_bulk(size_t size, gfp_t gfp, size_t n, void **p)
{
	size_t done = alloc_bulk_hit(size, gfp, n, p);

	return likely(done == n) ? n : alloc_bulk_slow(size, gfp, n, p, done, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_alloc_bulk, GOMEM_NS);

/*
 * How many objects lie side by side from that at @offset of a page on, by rising address or
 * by falling, if the next pointer says so: in this page, in the tail of the span at worst.
 * @first: where in the span the page begins.
 */
static __always_inline unsigned int starts_beside(u32 first, u32 offset, u32 size, u32 divmul,
						  long step)
{
	unsigned int index = gomem_div(first + offset, divmul);

	if (step == size)
		return gomem_div(first + GOMEM_PAGE_SIZE - 1, divmul) + 1 - index;
	if (step == -(long)size)
		return index + 1 - gomem_div(first + size - 1, divmul);
	return 1;
}

/*
 * Take back objects that follow each other in @p and lie in one page, and put them into
 * @to. Returns how many: up to one in another page, free already, or none. @run: they lie
 * side by side, by rising address. Where one does, as they do when they were allocated
 * together, its neighbour tells where it starts: that need not be computed.
 */
static __always_inline unsigned int take_back_some(const struct gomem_slot *slot,
						   u32 tag, void **p, unsigned int n,
						   bool clear, void **to, bool *run)
{
	unsigned long page = (unsigned long)p[0] & GOMEM_PAGE_MASK, offset;
	u32 first = gomem_tag_offset(page, tag, gomem_tag_low(tag));
	/* Once, since stores through pointers could change them for all the compiler knows. */
	unsigned long secret = gomem_secret;
	u32 divmul = slot->divmul, size = slot->size;
	unsigned int i, end;
	long step = 0;
	void *obj;

	*run = false;
	for (i = 0; i < n; ) {
		obj = p[i];
		offset = (unsigned long)obj - page;
		if (offset >= GOMEM_PAGE_SIZE)
			break;
		if (unlikely(!gomem_is_multiple(first + offset, divmul)))
			break;
		end = n;
		if (i + 1 < n) {
			step = p[i + 1] - obj;
			end = min(n, i + starts_beside(first, offset, size, divmul, step));
		}
		*run = !i && step > 0;
		do {
			if (unlikely(!set_key_once(slot, obj, secret ^ (unsigned long)obj, clear)))
				return i;
			to[i] = obj;
			obj += step;
		} while (++i < end && p[i] == obj);
	}
	return i;
}

/**
 * struct bulk_pos - how far a section of gomem_free_bulk() has come
 * @done: pointers seen to
 * @left: of these, objects that are to go to their spans; they are the first ones now
 * @mixed: they may be of several span classes or heaps
 * @run: they lie side by side in one page, by rising address
 * @tag: of the page of the next pointer; 0 if it lies in none
 */
struct bulk_pos {
	unsigned int done;
	unsigned int left;
	bool mixed;
	bool run;
	u32 tag;
};

/*
 * Into the slot, which has room for @n, one by one: objects of which a page has too few to
 * look for neighbours. Returns how many, up to one of another class, or what cannot be pushed.
 * Of 16 objects of 4 KiB at once each takes 61 instructions so, and 93 by take_back_some().
 */
static __always_inline unsigned int push_apart(struct gomem_mcache *mc, unsigned long low,
					       void **p, unsigned int n, bool clear)
{
	/* Once, as above. */
	const unsigned long base = gomem_pagemap.base, nr_chunks = gomem_pagemap.nr_chunks;
	const unsigned long *entries = gomem_pagemap.entry;
	unsigned long secret = gomem_secret;
	struct gomem_slot *slot = slot_of_low(mc, low);
	unsigned long addr, ci, entry;
	u32 divmul = slot->divmul, tag;
	void **top = slot->top, *obj;
	unsigned int i;

	for (i = 0; i < n; i++) {
		obj = p[i];
		addr = (unsigned long)obj;
		ci = (addr - base) >> GOMEM_CHUNK_SHIFT;
		if (unlikely(!in_map(ci, nr_chunks)))
			break;
		entry = entries[ci];
		tag = gomem_pagemap_tag(entry, addr);
		if (gomem_tag_low(tag) != low || !is_home(mc, entry, obj))
			break;
		if (unlikely(!gomem_is_multiple(gomem_tag_offset(addr, tag, low), divmul)))
			break;
		if (unlikely(!set_key_once(slot, obj, secret ^ addr, clear)))
			break;
		top[i] = obj;
	}
	slot->top = top + i;
	return i;
}

/* Into the slot, as many as there is room for; the cache is owned. */
static __always_inline unsigned int push_run(struct gomem_mcache *mc, unsigned long entry,
					     u32 tag, void **p, unsigned int n, bool clear)
{
	struct gomem_slot *slot = slot_of_low(mc, gomem_tag_low(tag));
	unsigned int room = is_home(mc, entry, p[0]) ? slot->end - slot->top : 0;
	bool run;

	/* Not written to if it is of the cache that holds nothing. */
	if (!room)
		return 0;
	if (slot->size > GOMEM_PAGE_SIZE / 4)
		return push_apart(mc, gomem_tag_low(tag), p, min(n, room), clear);
	n = take_back_some(slot, tag, p, min(n, room), clear, slot->top, &run);
	slot->top += n;
	return n;
}

/* Free small objects, up to something else; the cache is owned. */
static __always_inline void push_many(struct gomem_mcache *mc, void **p, unsigned int n,
				      bool clear, struct bulk_pos *pos)
{
	unsigned long ci, entry, addr;
	unsigned int i, spc, left_spc = 0;
	bool run;

	while (pos->done < n) {
		pos->tag = 0;
		addr = (unsigned long)p[pos->done];
		ci = gomem_pagemap_index(&gomem_pagemap, addr);
		if (unlikely(!in_map(ci, gomem_pagemap.nr_chunks)))
			return;
		entry = gomem_pagemap.entry[ci];
		pos->tag = gomem_pagemap_tag(entry, addr);
		i = push_run(mc, entry, pos->tag, p + pos->done, n - pos->done, clear);
		pos->done += i;
		if (i)
			continue;
		spc = gomem_tag_spc(pos->tag);
		i = take_back_some(&mc->slot[spc], pos->tag, p + pos->done, n - pos->done, clear,
				   p + pos->left, &run);
		if (unlikely(!i))
			return;
		pos->run = run && !pos->left;
		/* Those of one kind need not be looked at one by one again. */
		if (pos->left && (spc != left_spc || static_branch_unlikely(&gomem_numa)))
			pos->mixed = true;
		left_spc = spc;
		pos->done += i;
		pos->left += i;
	}
}

/*
 * As with a single object, neither preemption nor, in an interrupt, anything else comes
 * in between.
 */
static __always_inline struct bulk_pos free_section(void **p, unsigned int n, bool clear)
{
	struct bulk_pos pos = { };
	unsigned long flags;

	if (unlikely(gomem_irq_context())) {
		local_irq_save(flags);
		push_many(raw_cpu_read(gomem_mcache_irq), p, n, clear, &pos);
		local_irq_restore(flags);
	} else {
		preempt_disable();
		push_many(raw_cpu_read(gomem_mcache_task), p, n, clear, &pos);
		preempt_enable();
	}
	return pos;
}

/* With init_on_free=1; apart, as for a single object. */
static noinline struct bulk_pos free_section_cleared(void **p, unsigned int n)
{
	return free_section(p, n, true);
}

static noinline void free_bulk_slow(size_t n, void **p, unsigned long caller)
{
	struct bulk_pos pos;
	unsigned int len;

	if (!gomem_enter_free(caller))
		return;
	for (; n; n -= pos.done, p += pos.done) {
		len = min_t(size_t, n, gomem_free_section_max());
		pos = want_init_on_free() ? free_section_cleared(p, len) :
					    free_section(p, len, false);
		if (pos.left)
			gomem_mcache_free_many(p, pos.left, pos.mixed, pos.run);
		if (likely(pos.done == len))
			continue;
		/* NULL, a large object, or what cannot be freed. */
		free_unusual(p[pos.done], pos.tag, caller);
		pos.done++;
	}
}

/* So few that it does not pay to look for neighbours. */
#define FREE_FEW	8

/* Into its slot, if it is a live small object and there is room; the cache is owned. */
static __always_inline bool push_one(struct gomem_mcache *mc, void *obj)
{
	unsigned long addr = (unsigned long)obj, low;
	unsigned long ci = gomem_pagemap_index(&gomem_pagemap, addr);
	struct gomem_slot *slot;
	u32 tag;

	if (unlikely(!in_map(ci, gomem_pagemap.nr_chunks)))
		return false;
	tag = gomem_pagemap_tag(gomem_pagemap.entry[ci], addr);
	low = gomem_tag_low(tag);
	slot = slot_of_low(mc, low);
	if (unlikely(slot->top == slot->end) ||
	    unlikely(!take_back(slot, obj, gomem_tag_offset(addr, tag, low), false)))
		return false;
	*slot->top++ = obj;
	return true;
}

/* Of a task's, one by one. Returns how many, up to one that takes more than this. */
static __always_inline size_t free_few(size_t n, void **p)
{
	size_t i;

	if (unlikely(gomem_irq_context()) || static_branch_unlikely(&careful_free))
		return 0;
	preempt_disable();
	for (i = 0; i < n; i++)
		if (unlikely(!push_one(raw_cpu_read(gomem_mcache_task), p[i])))
			break;
	preempt_enable();
	return i;
}

void gomem_free_bulk(size_t n, void **p)
{
	size_t done = n <= FREE_FEW ? free_few(n, p) : 0;

	if (done < n)
		free_bulk_slow(n - done, p + done, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_free_bulk, GOMEM_NS);

/**
 * gomem_enter_alloc - what each allocation starts with
 * @size: bytes asked for, for the report
 * @gfp: gfp asked for
 * @caller: who asked
 *
 * Return: false, with a report, if the gfp or the context is refused.
 */
bool gomem_enter_alloc(size_t size, gfp_t gfp, unsigned long caller)
{
	if (unlikely(gfp & GOMEM_GFP_REFUSED)) {
		refuse_gfp(size, gfp, caller);
		return false;
	}
	gomem_check_context(gfp);
	return likely(!gomem_irq_context()) ||
	       enter_irq(GOMEM_EV_SOFTIRQ_ALLOCS, GOMEM_EV_HARDIRQ_ALLOCS, caller);
}

/**
 * gomem_enter_free - what each free starts with
 * @caller: who asked
 *
 * Return: false, with a report, if the context is refused.
 */
bool gomem_enter_free(unsigned long caller)
{
	return likely(!gomem_irq_context()) ||
	       enter_irq(GOMEM_EV_SOFTIRQ_FREES, GOMEM_EV_HARDIRQ_FREES, caller);
}

/**
 * gomem_alloc_for - gomem_alloc() on behalf of somebody, off the fast path
 * @size: bytes wanted
 * @gfp: gfp
 * @caller: whom to name in reports
 *
 * Return: as gomem_alloc().
 */
void *gomem_alloc_for(size_t size, gfp_t gfp, unsigned long caller)
{
	if (size - 1 >= GOMEM_SMALL_MAX)
		return alloc_odd(size, gfp, false, NUMA_NO_NODE, caller);
	if (!gomem_enter_alloc(size, gfp, caller))
		return NULL;
	return alloc_miss(gomem_spc_make(gomem_sizeclass(size), false), gfp, caller);
}

/**
 * gomem_check_object - look at an object that somebody means to free
 * @p: the object
 * @caller: who
 *
 * Context: any.
 * Return: its usable size; 0, with a report, if gomem_free() would not free it.
 */
size_t gomem_check_object(const void *p, unsigned long caller)
{
	bool noscan;

	return own_object_size(p, &noscan, GOMEM_DOUBLE_FREE, caller);
}

/**
 * gomem_object_size - look at an object that somebody means to resize
 * @p: the object
 * @caller: who
 *
 * Context: any.
 * Return: its usable size; 0, with a report, if gomem_realloc() would not resize it.
 */
size_t gomem_object_size(const void *p, unsigned long caller)
{
	bool noscan;

	return clearable_object_size(p, &noscan, GOMEM_USE_AFTER_FREE, caller);
}

/**
 * gomem_alloc_slow - allocate an object of a span class, off the fast path
 * @spc: span class, of a small size class or of scratch buffers. The object is in a span of
 *	it, even if that takes the kernel's reserves
 * @gfp: gfp, accepted by gomem_enter_alloc()
 * @caller: who asked
 *
 * Return: the object, or NULL.
 */
void *gomem_alloc_slow(unsigned int spc, gfp_t gfp, unsigned long caller)
{
	gomem_check_context(gfp);
	return alloc_in_span(spc, gfp, caller) ?: count_failure();
}

/**
 * gomem_free_slow - free an object of a span class, off the fast path
 * @spc: its span class
 * @obj: the object; that it is one, and live, has been seen to
 */
void gomem_free_slow(unsigned int spc, void *obj)
{
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kmemleak_free(obj);
	if (want_init_on_free())
		gomem_clear(obj, gomem_class_size(gomem_spc_class(spc)));
	gomem_set_key(obj);
	free_miss(spc, obj);
}
