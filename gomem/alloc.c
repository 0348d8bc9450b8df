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
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/string.h>

#include "internal.h"
#include "alloc.h"
#include "mcache.h"
#include "report.h"
#include "sizeclass.h"
#include "stats.h"

/* Objects come from the direct map, and share pages: no choice of zone. */
#define GOMEM_GFP_REFUSED	(__GFP_DMA | __GFP_DMA32 | __GFP_HIGHMEM)

/*
 * Debug kernels hear of it when a gfp does not fit the context, even if the slot
 * has an object; elsewhere only the page allocator looks.
 */
static __always_inline void check_context(gfp_t gfp)
{
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP) || IS_ENABLED(CONFIG_PROVE_LOCKING))
		might_alloc(gfp);
}

static __always_inline void leak_track(void *obj, size_t size, bool noscan, gfp_t gfp)
{
	if (!IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		return;
	kmemleak_alloc(obj, size, 1, gfp);
	if (noscan)
		kmemleak_no_scan(obj);
}

/*
 * Who called the exported function that this is inlined in. The barrier keeps the
 * compiler from fetching it before it turns out to be needed.
 */
#define COLD_CALLER	({ barrier(); _RET_IP_; })

/* Counts an interrupt's call; an NMI's is refused. */
static bool enter_irq(enum gomem_event softirq, enum gomem_event hardirq, unsigned long caller)
{
	unsigned int context = gomem_irq_context();

	if (context & NMI_MASK) {
		gomem_report_nmi(caller);
		return false;
	}
	gomem_count(context & HARDIRQ_MASK ? hardirq : softirq, 1);
	return true;
}

/* What is left to do with an object that is the caller's now. */
static __always_inline void *hand_out(void *obj, unsigned int spc, gfp_t gfp)
{
	if (want_init_on_alloc(gfp))
		gomem_clear(obj, gomem_class_size(gomem_spc_class(spc)));
	else
		*(unsigned long *)obj = 0;
	leak_track(obj, gomem_class_size(gomem_spc_class(spc)), gomem_spc_noscan(spc), gfp);
	return obj;
}

/*
 * What follows is off the fast path, and tail-called from it, so that it needs
 * no stack frame.
 */
static noinline void *alloc_miss(unsigned int spc, gfp_t gfp, unsigned long caller)
{
	void *obj;

	while ((obj = gomem_mcache_alloc_slow(spc, gfp))) {
		if (likely(gomem_has_key(obj)))
			return hand_out(obj, spc, gfp);
		gomem_report_pointer(GOMEM_WRITE_AFTER_FREE, obj, caller);
	}
	gomem_count(GOMEM_EV_ALLOC_FAILURES, 1);
	return NULL;
}

/*
 * Somebody wrote to a free object. It may do so again; or it is not free at all,
 * but came here by a second free, with its key overwritten in between. So it is
 * set aside: it stays allocated, for whoever may think that it owns it.
 */
static noinline void *alloc_written(void *obj, unsigned int spc, gfp_t gfp,
				    unsigned long caller)
{
	gomem_report_pointer(GOMEM_WRITE_AFTER_FREE, obj, caller);
	return alloc_miss(spc, gfp, caller);
}

static noinline void *alloc_irq(unsigned int spc, gfp_t gfp, unsigned long caller)
{
	unsigned long flags;
	void *obj;

	if (!enter_irq(GOMEM_EV_SOFTIRQ_ALLOCS, GOMEM_EV_HARDIRQ_ALLOCS, caller))
		return NULL;
	local_irq_save(flags);
	obj = gomem_slot_pop(&this_cpu_read(gomem_mcache_irq)->slot[spc]);
	local_irq_restore(flags);
	if (!obj)
		return alloc_miss(spc, gfp, caller);
	if (unlikely(!gomem_has_key(obj)))
		return alloc_written(obj, spc, gfp, caller);
	return hand_out(obj, spc, gfp);
}

static noinline void *refuse_gfp(size_t size, gfp_t gfp, unsigned long caller)
{
	gomem_report_request(GOMEM_BAD_GFP, size, gfp, caller);
	return NULL;
}

static noinline void *refuse_spc(unsigned int spc, gfp_t gfp, unsigned long caller)
{
	return refuse_gfp(gomem_class_size(gomem_spc_class(spc)), gfp, caller);
}

/*
 * The fast path. The object is this caller's once it is popped; what is done to
 * it then needs no protection any more.
 */
static __always_inline void *alloc_small(unsigned int spc, gfp_t gfp)
{
	void *obj;

	if (unlikely(gfp & GOMEM_GFP_REFUSED))
		return refuse_spc(spc, gfp, COLD_CALLER);
	check_context(gfp);
	if (unlikely(gomem_irq_context()))
		return alloc_irq(spc, gfp, COLD_CALLER);

	preempt_disable();
	obj = gomem_slot_pop(&this_cpu_read(gomem_mcache_task)->slot[spc]);
	preempt_enable();

	if (unlikely(!obj))
		return alloc_miss(spc, gfp, COLD_CALLER);
	if (unlikely(!gomem_has_key(obj)))
		return alloc_written(obj, spc, gfp, COLD_CALLER);
	return hand_out(obj, spc, gfp);
}

static void *alloc_large(size_t size, gfp_t gfp, bool noscan, int node, unsigned long caller)
{
	struct gomem_span_request req = {
		.npages = DIV_ROUND_UP(size, GOMEM_PAGE_SIZE),
		.spc = gomem_spc_make(0, noscan),
		.aligned = is_power_of_2(size),
		.gfp = gfp,
	};
	struct gomem_span *s;
	void *obj;

	if (unlikely(gfp & GOMEM_GFP_REFUSED))
		return refuse_gfp(size, gfp, caller);
	check_context(gfp);
	if (unlikely(gomem_irq_context()) &&
	    !enter_irq(GOMEM_EV_SOFTIRQ_ALLOCS, GOMEM_EV_HARDIRQ_ALLOCS, caller))
		return NULL;

	s = gomem_heap_alloc_span(gomem_node_heap(node), &req);
	if (!s) {
		gomem_count(GOMEM_EV_ALLOC_FAILURES, 1);
		return NULL;
	}
	obj = (void *)s->base;
	if (want_init_on_alloc(gfp))
		memset(obj, 0, s->elemsize);
	leak_track(obj, s->elemsize, noscan, gfp);
	return obj;
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
	/* Size 0 wraps to a very large one. */
	if (unlikely(size - 1 >= GOMEM_SMALL_MAX))
		return alloc_odd(size, gfp, noscan, NUMA_NO_NODE, COLD_CALLER);
	return alloc_small(gomem_spc_make(gomem_sizeclass(size), noscan), gfp);
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

void *__gomem_alloc_spc(unsigned int spc, gfp_t gfp)
{
	return alloc_small(spc, gfp);
}
EXPORT_SYMBOL_NS_GPL(__gomem_alloc_spc, GOMEM_NS);

void *__gomem_alloc_overflow(size_t n, size_t size, gfp_t gfp)
{
	gomem_report_overflow(n, size, gfp, _RET_IP_);
	return NULL;
}
EXPORT_SYMBOL_NS_GPL(__gomem_alloc_overflow, GOMEM_NS);

/* Of a node that is not this CPU's: past the caches. */
static void *alloc_remote(struct gomem_heap *h, unsigned int spc, gfp_t gfp, unsigned long caller)
{
	void *obj;

	if (unlikely(gfp & GOMEM_GFP_REFUSED))
		return refuse_spc(spc, gfp, caller);
	check_context(gfp);
	if (unlikely(gomem_irq_context()) &&
	    !enter_irq(GOMEM_EV_SOFTIRQ_ALLOCS, GOMEM_EV_HARDIRQ_ALLOCS, caller))
		return NULL;
	while ((obj = gomem_mcache_alloc_direct(h, spc, gfp))) {
		gomem_count(GOMEM_EV_REMOTE_ALLOCS, 1);
		if (likely(gomem_has_key(obj)))
			return hand_out(obj, spc, gfp);
		gomem_report_pointer(GOMEM_WRITE_AFTER_FREE, obj, caller);
	}
	gomem_count(GOMEM_EV_ALLOC_FAILURES, 1);
	return NULL;
}

void *gomem_alloc_node(size_t size, gfp_t gfp, int node)
{
	struct gomem_heap *h;

	if (unlikely(node < NUMA_NO_NODE || node >= MAX_NUMNODES)) {
		gomem_report_node(node, _RET_IP_);
		return NULL;
	}
	/* As with kmalloc_node(): a node without memory now is no preference. */
	if (node != NUMA_NO_NODE && !node_online(node))
		node = NUMA_NO_NODE;
	if (size - 1 >= GOMEM_SMALL_MAX)
		return alloc_odd(size, gfp, false, node, _RET_IP_);
	h = gomem_node_heap(node);
	/* For want of memory slots may have another node's; here that will not do. */
	if (h != gomem_node_heap(NUMA_NO_NODE) ||
	    (node != NUMA_NO_NODE && (gfp & __GFP_THISNODE)))
		return alloc_remote(h, gomem_spc_make(gomem_sizeclass(size), false), gfp, _RET_IP_);
	return alloc_any(size, gfp, false);
}
EXPORT_SYMBOL_NS_GPL(gomem_alloc_node, GOMEM_NS);

/* No span here. In a page of ours there was one when the object was live. */
static noinline void reject_page(const void *p, enum gomem_misuse if_free, unsigned long caller)
{
	gomem_report_no_object(if_free, p, caller);
}

/* Where in its span an address lies, by the tag of its page. */
static __always_inline unsigned int span_offset(unsigned long addr, unsigned int tag)
{
	unsigned int page = (tag >> GOMEM_TAG_PAGE_SHIFT) & GOMEM_TAG_PAGE_MASK;

	return (addr & ~GOMEM_PAGE_MASK) | (page << GOMEM_PAGE_SHIFT);
}

/*
 * Check an object that is being freed, and give it its key. False if it is no
 * object, or free already. The slot is only asked for the geometry of its class,
 * whose cache line is needed anyway.
 */
static __always_inline bool take_back(const struct gomem_slot *slot, void *obj, unsigned int tag,
				      bool clear)
{
	unsigned int offset = span_offset((unsigned long)obj, tag);
	unsigned long key = gomem_objkey(obj);

	if (unlikely(!gomem_is_start(offset, slot->divmul, slot->limit)))
		return false;
	if (unlikely(*(unsigned long *)obj == key))
		return false;
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kmemleak_free(obj);
	if (clear)
		gomem_clear(obj, gomem_class_size(gomem_spc_class(tag & GOMEM_TAG_SPC_MASK)));
	*(unsigned long *)obj = key;
	return true;
}

/* Off the fast path of a free, and tail-called from it. */
static noinline void reject_small(void *obj, unsigned int tag, unsigned long caller)
{
	unsigned int class = gomem_spc_class(tag & GOMEM_TAG_SPC_MASK);
	bool start = gomem_is_start(span_offset((unsigned long)obj, tag),
				    gomem_class_divmul(class), gomem_class_limit(class));

	if (gomem_class_is_scratch(class)) {
		gomem_report_owner(obj, caller);
		return;
	}
	gomem_report_pointer(start ? GOMEM_DOUBLE_FREE : GOMEM_INTERIOR_POINTER,
			     obj, caller);
}

/* Is this CPU's cache the place for objects of this chunk? */
static __always_inline bool is_home(const struct gomem_mcache *mc, const struct gomem_chunk *c)
{
	return !static_branch_unlikely(&gomem_numa) || c->heap == mc->heap;
}

static noinline void free_miss(unsigned int tag, void *obj)
{
	unsigned int spc = tag & GOMEM_TAG_SPC_MASK;

	if (static_branch_unlikely(&gomem_numa) && !gomem_mcache_is_home(obj))
		gomem_mcache_free_direct(spc, obj);
	else
		gomem_mcache_free_slow(spc, obj);
}

/* No small object: of size class 0, or of no span. */
static __always_inline bool is_odd(unsigned int tag)
{
	return (tag & GOMEM_TAG_SPC_MASK) < 2;
}

/* NULL, large objects, and pointers that are none of ours. */
static noinline void free_odd(void *p, unsigned long caller)
{
	struct gomem_heap *h;
	struct gomem_span *s;

	if (ZERO_OR_NULL_PTR(p))
		return;
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	if (!s) {
		reject_page(p, GOMEM_DOUBLE_FREE, caller);
		return;
	}
	if (gomem_span_state(s) == GOMEM_SPAN_ARENA) {
		gomem_report_owner(p, caller);
		return;
	}
	if (s->base != (unsigned long)p) {
		gomem_report_pointer(GOMEM_INTERIOR_POINTER, p, caller);
		return;
	}
	h = gomem_pagemap_chunk(&gomem_pagemap, (unsigned long)p)->heap;
	if (!gomem_heap_claim_large(h, s, (unsigned long)p)) {
		gomem_report_pointer(GOMEM_DOUBLE_FREE, p, caller);
		return;
	}
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		kmemleak_free(p);
	if (want_init_on_free())
		gomem_clear(p, s->elemsize);
	gomem_heap_free_span(s);
}

/*
 * From the look at the tag to the last access to the object neither preemption nor,
 * in an interrupt, anything else comes in between. If this is a second free, the
 * first one may be giving the page back meanwhile: gomem_heap_release() makes the
 * page stay until we are through.
 */
static noinline void free_from_irq(void *obj, const struct gomem_chunk *c, unsigned long caller)
{
	bool ok = false, pushed = false;
	struct gomem_mcache *mc;
	struct gomem_slot *slot;
	unsigned long flags;
	unsigned int tag;

	if (!enter_irq(GOMEM_EV_SOFTIRQ_FREES, GOMEM_EV_HARDIRQ_FREES, caller))
		return;
	local_irq_save(flags);
	tag = READ_ONCE(c->tag[gomem_chunk_page((unsigned long)obj)]);
	if (!is_odd(tag)) {
		mc = this_cpu_read(gomem_mcache_irq);
		slot = &mc->slot[tag & GOMEM_TAG_SPC_MASK];
		ok = take_back(slot, obj, tag, want_init_on_free());
		if (ok)
			pushed = is_home(mc, c) && gomem_slot_push(slot, obj);
	}
	local_irq_restore(flags);

	if (is_odd(tag))
		free_odd(obj, caller);
	else if (!ok)
		reject_small(obj, tag, caller);
	else if (!pushed)
		free_miss(tag, obj);
}

static __always_inline void free_from_task(void *obj, const struct gomem_chunk *c, bool clear,
					   unsigned long caller)
{
	struct gomem_mcache *mc;
	struct gomem_slot *slot;
	unsigned int tag;
	bool pushed;

	preempt_disable();
	tag = READ_ONCE(c->tag[gomem_chunk_page((unsigned long)obj)]);
	if (unlikely(is_odd(tag))) {
		preempt_enable();
		free_odd(obj, caller ?: COLD_CALLER);
		return;
	}
	mc = this_cpu_read(gomem_mcache_task);
	slot = &mc->slot[tag & GOMEM_TAG_SPC_MASK];
	/* Or the compiler computes it twice. */
	OPTIMIZER_HIDE_VAR(slot);
	if (unlikely(!take_back(slot, obj, tag, clear))) {
		preempt_enable();
		reject_small(obj, tag, caller ?: COLD_CALLER);
		return;
	}
	pushed = is_home(mc, c) && gomem_slot_push(slot, obj);
	preempt_enable();
	if (unlikely(!pushed))
		free_miss(tag, obj);
}

/* With init_on_free=1; apart, since clearing takes registers from the fast path. */
static noinline void free_cleared(void *obj, const struct gomem_chunk *c, unsigned long caller)
{
	free_from_task(obj, c, true, caller);
}

/* The fast path. */
static __always_inline void free_any(const void *p)
{
	unsigned long ci = gomem_pagemap_index(&gomem_pagemap, (unsigned long)p);
	const struct gomem_chunk *c;

	/* NULL and ZERO_SIZE_PTR are below the direct map, and end here. */
	if (unlikely(ci >= gomem_pagemap.nr_chunks)) {
		free_odd((void *)p, COLD_CALLER);
		return;
	}
	/* The entry was written before the object was handed out, and stays. */
	c = gomem_pagemap.chunk[ci];
	if (unlikely(gomem_irq_context()))
		free_from_irq((void *)p, c, COLD_CALLER);
	else if (want_init_on_free())
		free_cleared((void *)p, c, COLD_CALLER);
	else
		free_from_task((void *)p, c, false, 0);
}

void gomem_free(const void *p)
{
	free_any(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_free, GOMEM_NS);

/* The size of the live object at @p, or 0 with a report; @if_free if it is free. */
static size_t object_size(const void *p, bool *noscan, enum gomem_misuse if_free,
			  unsigned long caller)
{
	struct gomem_span *s;
	unsigned int index;
	bool is_free;

	/* As for a free: the page does not go back while we look. */
	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	is_free = s && gomem_spc_class(s->spc) && IS_ALIGNED((unsigned long)p, 8) &&
		  gomem_has_key(p);
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
	index = s->divmul ? gomem_span_index(s, (unsigned long)p) : 0;
	if (index >= s->nelems || gomem_span_object(s, index) != p) {
		gomem_report_pointer(GOMEM_INTERIOR_POINTER, p, caller);
		return 0;
	}
	if (is_free) {
		gomem_report_pointer(if_free, p, caller);
		return 0;
	}
	return s->elemsize;
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

void *gomem_realloc(const void *p, size_t new_size, gfp_t gfp)
{
	bool noscan = false;
	size_t size;
	void *new;

	if (ZERO_OR_NULL_PTR(p))
		return alloc_any(new_size, gfp, false);
	if (!new_size) {
		free_any(p);
		return ZERO_SIZE_PTR;
	}
	size = own_object_size(p, &noscan, GOMEM_USE_AFTER_FREE, _RET_IP_);
	if (!size)
		return NULL;
	if (new_size <= size) {
		/* So that growing into it later with __GFP_ZERO finds zeroes. */
		if (want_init_on_alloc(gfp))
			memset((void *)p + new_size, 0, size - new_size);
		gomem_count(GOMEM_EV_REALLOC_IN_PLACE, 1);
		return (void *)p;
	}

	new = alloc_any(new_size, gfp, noscan);
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
	size = own_object_size(p, &noscan, GOMEM_DOUBLE_FREE, _RET_IP_);
	if (!size)
		return;
	memzero_explicit((void *)p, size);
	free_any(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_free_sensitive, GOMEM_NS);

size_t gomem_alloc_bulk(size_t size, gfp_t gfp, size_t n, void **p)
{
	size_t i;

	for (i = 0; i < n; i++) {
		p[i] = alloc_any(size, gfp, false);
		if (unlikely(!p[i])) {
			gomem_free_bulk(i, p);
			return 0;
		}
	}
	return n;
}
EXPORT_SYMBOL_NS_GPL(gomem_alloc_bulk, GOMEM_NS);

void gomem_free_bulk(size_t n, void **p)
{
	size_t i;

	for (i = 0; i < n; i++)
		free_any(p[i]);
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
	check_context(gfp);
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
 * gomem_alloc_slow - allocate an object of a span class, off the fast path
 * @spc: span class, of a small size class
 * @gfp: gfp, accepted by gomem_enter_alloc()
 * @caller: who asked
 *
 * Return: the object, or NULL.
 */
void *gomem_alloc_slow(unsigned int spc, gfp_t gfp, unsigned long caller)
{
	return alloc_miss(spc, gfp, caller);
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
