// SPDX-License-Identifier: GPL-2.0
/*
 * mcache_alloc.c - allocations off the hit path, and refills.
 *
 * The hit path is in api/hit.h.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>

#include "base/key.h"
#include "base/shuffle.h"
#include "base/stats.h"
#include "base/trace.h"
#include "map/report.h"
#include "heap/mheap.h"
#include "heap/peers.h"
#include "cpu/mcache.h"
#include "cpu/mcentral.h"
#include "cpu/section.h"
#include "cpu/slot.h"

/*
 * Only slots of objects up to CACHED_SPAN_SIZE_MAX have a span of their own.
 * Other CPUs cannot use the free objects of such a span. With larger objects
 * this would cost more memory than gomem's fine size classes save.
 */
#define CACHED_SPAN_SIZE_MAX	128

/*
 * Construct the objects @objs[i] with bit i set in @fresh, and give them their
 * keys. If the module that has the constructor is gone, the objects are marked
 * as raw instead (map/kind.h). gomem_object_check() does not hand out a raw
 * object, but frees it.
 */
static noinline void construct(const struct gomem_kind *k, void **objs,
			       u64 fresh)
{
	void (*ctor)(void *obj);
	void *obj;

	/* The kernel waits for RCU readers before it frees a module's code. */
	rcu_read_lock();
	ctor = READ_ONCE(k->ctor);
	for (; fresh; fresh &= fresh - 1) {
		obj = objs[__ffs64(fresh)];
		if (unlikely(ctor == gomem_kind_no_ctor)) {
			gomem_kind_set_raw(k, obj);
			continue;
		}
		ctor(obj);
		gomem_set_key(gomem_kind_key(k, obj));
	}
	rcu_read_unlock();
}

/* Give their keys to @n objects of a kind without constructor. */
static void make_run(const struct gomem_kind *k, void **objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		gomem_set_key(gomem_kind_key(k, objs[i]));
}

/*
 * Construct each fresh object, or give it its key if its kind has no
 * constructor. @objs[i] is fresh if bit i of @fresh is set. In most batches
 * with fresh objects, all objects are fresh or the last ones are. So make_run()
 * can mostly serve them without a test of each bit.
 */
static void make_fresh(const struct gomem_kind *k, void **objs, u64 fresh)
{
	unsigned int first;
	u64 run;

	if (!fresh)
		return;
	if (unlikely(k->ctor)) {
		construct(k, objs, fresh);
		return;
	}
	first = __ffs64(fresh);
	run = fresh >> first;
	if (likely(!(run & (run + 1)))) {
		make_run(k, objs + first, fls64(run));
		return;
	}
	for (; fresh; fresh &= fresh - 1)
		gomem_set_key(gomem_kind_key(k, objs[__ffs64(fresh)]));
}

/*
 * Take up to @want objects from the slot's span without sweeping it. Set @fresh
 * as take_from_span() does. Return the number of objects.
 */
static __always_inline unsigned int take_free(struct gomem_slot *slot,
					      void **objs, unsigned int want,
					      bool together, u64 *fresh)
{
	unsigned int n = gomem_mcentral_take(slot->span, objs, want, together,
					     fresh);

	slot->refilled += n;
	return n;
}

/*
 * Take up to @want objects from the slot's span. If the span has too few, sweep
 * the span and take more. With @together, all objects go to one user: then the
 * fresh ones are rotated, not shuffled (base/shuffle.c). Set bit i of @fresh if
 * object i has no key, because it was never handed out. The caller passes
 * @fresh to make_fresh(), or returns it to a caller that needs no keys. Return
 * the number of objects.
 */
static unsigned int take_from_span(struct gomem_slot *slot, void **objs,
				   unsigned int want, bool together, u64 *fresh)
{
	struct gomem_span *s = slot->span;
	unsigned int n, old;
	u64 these;

	n = take_free(slot, objs, want, together, fresh);
	if (n < want && atomic_read(&s->pending) > 0) {
		struct gomem_sweep res = gomem_span_sweep(s);

		gomem_count(GOMEM_EV_SWEEPS, 1);
		gomem_count(GOMEM_EV_SWEPT_OBJECTS, res.freed);
		if (unlikely(res.bad)) {
			atomic64_sub(res.bad, &gomem_central(s->heap, s->kind)->
					       direct_frees);
			gomem_report_late_double_free(s->kind, res.bad);
		}
		old = n;
		n += take_free(slot, objs + old, want - old, together, &these);
		*fresh |= these << old;
	}
	gomem_count(GOMEM_EV_SPAN_REFILLS, n > 0);
	return n;
}

static bool refill_from_span(struct gomem_slot *slot)
{
	struct gomem_span *s = slot->span;
	unsigned int n;
	u64 fresh;

	n = take_from_span(slot, slot->top, gomem_slot_refill_size(slot), false,
			   &fresh);
	make_fresh(s->kind, slot->top, fresh);
	slot->top += n;
	return n;
}

/*
 * Put the objects and the span of a refill into the slot, except for the first
 * object, which is returned, to be handed out. The task may run on another
 * CPU by now, even of another node, and that CPU's slot may have objects and a
 * span. Objects that the slot does not take return to their spans. A span that
 * the slot does not take returns to its mcentral.
 */
static void *keep_refill(struct gomem_mcentral *c, struct gomem_refill *r)
{
	struct gomem_heap *h = c->heap;
	struct gomem_span *span = r->span;
	struct gomem_slot *slot;
	unsigned int kept = 1;
	struct gomem_section sec;

	make_fresh(c->kind, r->objs, r->fresh);
	gomem_count(GOMEM_EV_CENTRAL_REFILLS, 1);
	trace_refill(c->kind->size, r->n, h->node);
	gomem_section_enter(&sec, gomem_irq_context());
	slot = gomem_section_slot(&sec, c->kind);
	if (!gomem_section_holds(&sec, c->kind)) {
		atomic64_inc(&c->direct_allocs);
	} else {
		if (sec.mc->heap == h)
			kept += gomem_slot_push_many(slot, r->objs + 1,
						     r->n - 1);
		slot->allocs++;
		slot->refilled += kept;
		if (span && sec.mc->caches_spans && sec.mc->heap == h &&
		    !slot->span) {
			slot->span = span;
			span = NULL;
		}
	}
	gomem_section_leave(&sec);

	if (kept < r->n)
		gomem_mcache_free_home(c->kind, r->objs + kept, r->n - kept);
	if (span)
		gomem_mcentral_uncache(span);
	return r->objs[0];
}

/* May a slot of the caller's context have a span of this kind? */
static bool wants_span(const struct gomem_kind *k)
{
	return k->size <= CACHED_SPAN_SIZE_MAX && !gomem_irq_context();
}

/*
 * What the steps after alloc_at_hand() need: the mcentral, and the number of
 * objects that alloc_at_hand() asked the mcentral for. The number is 0 if
 * alloc_at_hand() did not ask, because the slot or its span had an object.
 */
struct wish {
	struct gomem_mcentral *c;
	unsigned int want;
};

/*
 * The kernel may reclaim memory inside gomem_mcentral_grow(), which needs much
 * stack. So each step that has an array of objects on its stack is kept out of
 * line, and returns before the next step begins. Each step that grows the heap
 * calls the next one last: with this tail call, only one of their frames is on
 * the stack at a time.
 *
 * alloc_at_hand() takes an object from the slot, from its span, or from what
 * the mcentral has. If there is none, it returns NULL and has set @w for the
 * next steps.
 */
static noinline void *alloc_at_hand(const struct gomem_kind *k, struct wish *w)
{
	void *objs[GOMEM_BATCH_MAX] __uninitialized;
	struct gomem_refill r;
	struct gomem_slot *slot;
	struct gomem_section sec;
	void *obj;

	r.span = NULL;
	r.objs = objs;
	r.together = false;
	gomem_section_enter(&sec, gomem_irq_context());
	slot = gomem_section_slot(&sec, k);
	w->c = gomem_central(sec.mc->heap, k);
	obj = gomem_section_holds(&sec, k) ? gomem_slot_take(slot) : NULL;
	if (!obj)
		gomem_slot_grow(sec.mc, slot, k, gomem_slot_batch_size(slot));
	if (!obj && slot->span && refill_from_span(slot))
		obj = gomem_slot_take(slot);
	if (!obj && slot->span) {
		r.span = slot->span;
		slot->span = NULL;
	}
	if (!obj)
		r.want = gomem_slot_refill_size(slot);
	gomem_section_leave(&sec);
	if (obj)
		return obj;

	w->want = r.want;
	r.want_span = wants_span(k);
	gomem_mcentral_refill(w->c, &r);
	return r.n ? keep_refill(w->c, &r) : NULL;
}

/*
 * Prepare a request for @want objects: one to hand out, and the others to
 * refill the slot.
 */
static __always_inline void begin_one(struct gomem_refill *r,
				      const struct gomem_mcentral *c,
				      void **objs, unsigned int want)
{
	r->objs = objs;
	r->together = false;
	r->want = want;
	r->want_span = wants_span(c->kind);
}

/*
 * Refill the slot with objects from the transfer cache or spans of another
 * node, and return one of them; NULL if there are none.
 */
static noinline void *alloc_from_peer(struct gomem_mcentral *c,
				      unsigned int want,
				      struct gomem_heap *peer)
{
	void *objs[GOMEM_BATCH_MAX] __uninitialized;
	struct gomem_refill r;

	begin_one(&r, c, objs, want);
	gomem_mcentral_refill_any(gomem_central(peer, c->kind), &r);
	return r.n ? keep_refill(c, &r) : NULL;
}

static noinline void *alloc_from_new(struct gomem_mcentral *c,
				     unsigned int want,
				     struct gomem_span *spans)
{
	void *objs[GOMEM_BATCH_MAX] __uninitialized;
	struct gomem_refill r;

	begin_one(&r, c, objs, want);
	gomem_mcentral_use(spans, &r);
	return keep_refill(c, &r);
}

/*
 * Allocate from a new span, for which a hard request is made if need be. Return
 * NULL if there is no memory.
 */
static noinline void *alloc_hard(struct gomem_mcentral *c,
				 unsigned int want, gfp_t gfp)
{
	struct gomem_span *spans =
		gomem_mcentral_grow(c, gfp, want, false);

	return spans ? alloc_from_new(c, want, spans) : NULL;
}

/*
 * Try each other node, the nearest first: take objects from the node's transfer
 * cache or spans, or make a span on the node without a hard request to the
 * kernel. If no other node has memory, make a span for @c, by a hard request if
 * need be.
 */
static noinline void *alloc_from_peers(struct gomem_mcentral *c,
				       unsigned int want, gfp_t gfp)
{
	struct gomem_heap **peer;
	struct gomem_span *spans;
	void *obj;

	for (peer = c->heap->near; *peer; peer++) {
		obj = alloc_from_peer(c, want, *peer);
		gomem_mcentral_grow_transfer(gomem_central(*peer, c->kind));
		if (obj)
			return obj;
		spans = gomem_mcentral_grow(gomem_central(*peer, c->kind), gfp,
					    1, true);
		if (spans) {
			gomem_heap_count(c->heap, &c->heap->stats.peer_spans);
			return alloc_from_new(c, want, spans);
		}
	}
	return alloc_hard(c, want, gfp);
}

/* Allocate when no span of this node has a free object. */
static noinline void *alloc_by_growth(struct gomem_mcentral *c,
				      unsigned int want, gfp_t gfp)
{
	struct gomem_span *spans = gomem_mcentral_grow(c, gfp, want, true);

	if (spans)
		return alloc_from_new(c, want, spans);
	if (gomem_mcentral_peers(c, gfp))
		return alloc_from_peers(c, want, gfp);
	return alloc_hard(c, want, gfp);
}

/**
 * gomem_mcache_alloc_slow - allocate an object off the hit path
 * @k: its kind, not a large one
 * @gfp: how hard to try
 *
 * Tries in this order:
 *
 * 1. the slot, its span, the transfer cache, and spans with free objects
 * 2. new spans of this node, without a hard request to the kernel
 * 3. unless @gfp has __GFP_THISNODE: objects and new spans of other nodes, the
 *    nearest first, also without a hard request
 * 4. a new span, by a hard request if need be, as far as @gfp allows
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not in a section.
 * Return: the object, or NULL.
 */
void *gomem_mcache_alloc_slow(const struct gomem_kind *k, gfp_t gfp)
{
	struct wish w = { };
	void *obj;

	gomem_slot_get_ready(k);
	obj = alloc_at_hand(k, &w);
	if (w.want)
		gomem_mcentral_grow_transfer(w.c);
	return obj ?: alloc_by_growth(w.c, w.want, gfp);
}

/*
 * A refill has returned objects that bypass the slot, and a span. Let this
 * CPU's slot cache the span. If the slot has got another span meanwhile, or may
 * not cache this one, return the span to its mcentral.
 */
static void cache_span(struct gomem_mcentral *c, struct gomem_span *span)
{
	struct gomem_slot *slot;
	struct gomem_section sec;

	gomem_section_enter(&sec, gomem_irq_context());
	slot = gomem_section_slot(&sec, c->kind);
	if (sec.mc->caches_spans && sec.mc->heap == c->heap && !slot->span) {
		slot->span = span;
		span = NULL;
	}
	gomem_section_leave(&sec);
	if (span)
		gomem_mcentral_uncache(span);
}

/*
 * Finish a refill whose objects bypass the slot. With @keyless, fresh objects
 * stay as they are. Without it, make_fresh() constructs them, or gives them
 * keys.
 */
static struct gomem_many keep_many(struct gomem_mcentral *c,
				   struct gomem_refill *r, bool keyless)
{
	struct gomem_many m = { .n = r->n };

	if (!r->n)
		return m;
	if (keyless)
		m.fresh = r->fresh;
	else
		make_fresh(c->kind, r->objs, r->fresh);
	gomem_count(GOMEM_EV_CENTRAL_REFILLS, 1);
	trace_refill(c->kind->size, r->n, c->heap->node);
	atomic64_add(r->n, &c->direct_allocs);
	if (r->span)
		cache_span(c, r->span);
	return m;
}

/*
 * Take objects from the slot's span, without putting them into the slot. If the
 * span has no free object, remove the span from the slot and store it in @r:
 * the refill that follows may return the span to its mcentral.
 */
static struct gomem_many take_many(struct gomem_slot *slot,
				   struct gomem_refill *r, bool keyless)
{
	const struct gomem_span *s = slot->span;
	struct gomem_many m = { };
	u64 fresh;

	r->span = NULL;
	if (!s)
		return m;
	m.n = take_from_span(slot, r->objs, r->want, true, &fresh);
	if (keyless)
		m.fresh = fresh;
	else
		make_fresh(s->kind, r->objs, fresh);
	slot->allocs += m.n;
	if (!m.n) {
		r->span = slot->span;
		slot->span = NULL;
	}
	return m;
}

/*
 * Take up to @want objects from the slot's span. If it gives none, take them
 * from the mcentral's transfer cache and spans. Unlike alloc_at_hand(), leave
 * the slot's objects alone. Set @c to the mcentral. For @keyless, see
 * keep_many().
 */
static noinline struct gomem_many many_at_hand(const struct gomem_kind *k,
					       void **objs, unsigned int want,
					       bool keyless,
					       struct gomem_mcentral **c)
{
	struct gomem_section sec;
	struct gomem_slot *slot;
	struct gomem_refill r;
	struct gomem_many m;

	r.objs = objs;
	r.together = true;
	r.want = want;
	gomem_section_enter(&sec, gomem_irq_context());
	slot = gomem_section_slot(&sec, k);
	*c = gomem_central(sec.mc->heap, k);
	gomem_slot_grow(sec.mc, slot, k, want);
	m = take_many(slot, &r, keyless);
	gomem_section_leave(&sec);
	if (m.n)
		return m;

	r.want_span = wants_span(k);
	gomem_mcentral_refill(*c, &r);
	gomem_mcentral_grow_transfer(*c);
	return keep_many(*c, &r, keyless);
}

/*
 * Prepare a request for objects that bypass the slot. Only a request for
 * several objects also asks for a span for the slot: for one object this is not
 * worthwhile.
 */
static void begin_many(struct gomem_refill *r, const struct gomem_kind *k,
		       void **objs, unsigned int want)
{
	r->objs = objs;
	r->together = true;
	r->want = want;
	r->want_span = want > 1 && wants_span(k);
}

/*
 * Take objects from the transfer cache or the spans of @c, which may be an
 * mcentral of any node.
 */
static noinline struct gomem_many many_from(struct gomem_mcentral *c,
					    void **objs, unsigned int want,
					    bool keyless)
{
	struct gomem_refill r;

	begin_many(&r, c->kind, objs, want);
	gomem_mcentral_refill_any(c, &r);
	gomem_mcentral_grow_transfer(c);
	return keep_many(c, &r, keyless);
}

static noinline struct gomem_many many_from_new(struct gomem_mcentral *c,
						void **objs, unsigned int want,
						bool keyless,
						struct gomem_span *spans)
{
	struct gomem_refill r;

	begin_many(&r, c->kind, objs, want);
	gomem_mcentral_use(spans, &r);
	return keep_many(c, &r, keyless);
}

/* Do what alloc_hard() does, for many objects. */
static noinline struct gomem_many many_hard(struct gomem_mcentral *c, gfp_t gfp,
					    void **objs, unsigned int want,
					    bool keyless)
{
	struct gomem_span *spans = gomem_mcentral_grow(c, gfp, want, false);

	if (!spans)
		return (struct gomem_many){ };
	return many_from_new(c, objs, want, keyless, spans);
}

/* Do what alloc_from_peers() does, for many objects. */
static noinline struct gomem_many many_from_peers(struct gomem_mcentral *c,
						  gfp_t gfp, void **objs,
						  unsigned int want,
						  bool keyless)
{
	struct gomem_heap **peer;
	struct gomem_span *spans;
	struct gomem_many m;

	for (peer = c->heap->near; *peer; peer++) {
		m = many_from(gomem_central(*peer, c->kind), objs, want,
			      keyless);
		if (m.n)
			return m;
		spans = gomem_mcentral_grow(gomem_central(*peer, c->kind), gfp,
					    1, true);
		if (spans) {
			gomem_heap_count(c->heap, &c->heap->stats.peer_spans);
			return many_from_new(c, objs, want, keyless, spans);
		}
	}
	return many_hard(c, gfp, objs, want, keyless);
}

/* Do what alloc_by_growth() does, for many objects. */
static noinline struct gomem_many many_by_growth(struct gomem_mcentral *c,
						 gfp_t gfp, void **objs,
						 unsigned int want,
						 bool keyless)
{
	struct gomem_span *spans = gomem_mcentral_grow(c, gfp, want, true);

	if (spans)
		return many_from_new(c, objs, want, keyless, spans);
	if (gomem_mcentral_peers(c, gfp))
		return many_from_peers(c, gfp, objs, want, keyless);
	return many_hard(c, gfp, objs, want, keyless);
}

/**
 * gomem_mcache_alloc_many - allocate objects at once when the slot has none
 * @k: their kind, not a large one
 * @gfp: how hard to try
 * @objs: array that receives the objects
 * @want: number of objects wanted; no more than GOMEM_BATCH_MAX are allocated
 * @keyless: objects that were never handed out get no key; only for kinds that
 *	have no constructor, and no key after the object. If @keyless is false,
 *	these objects get their key, and are constructed if their kind has a
 *	constructor
 *
 * The objects bypass the slot. Tries the steps of gomem_mcache_alloc_slow(),
 * except for the slot itself. @keyless saves writing and reading a key in
 * memory that was never touched: if a bulk call allocates 256 objects of 4 KiB,
 * by several calls of this function, each object takes 55 instructions instead
 * of 85.
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not in a section.
 * Return: the number of objects, 1 to @want, or 0 if there is no memory; and
 * which of them have no key.
 */
struct gomem_many gomem_mcache_alloc_many(const struct gomem_kind *k, gfp_t gfp,
					  void **objs, size_t want,
					  bool keyless)
{
	unsigned int n = min_t(size_t, want, GOMEM_BATCH_MAX);
	struct gomem_mcentral *c;
	struct gomem_many m;

	gomem_slot_get_ready(k);
	m = many_at_hand(k, objs, n, keyless, &c);
	return m.n ? m : many_by_growth(c, gfp, objs, n, keyless);
}

/**
 * gomem_mcache_alloc_direct - allocate an object of a given node, without slots
 * @c: the mcentral of the object's kind and node
 * @gfp: how hard to try
 *
 * If the node has no memory, the object may be of another node, unless @gfp has
 * __GFP_THISNODE.
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not in a section.
 * Return: the object, or NULL.
 */
void *gomem_mcache_alloc_direct(struct gomem_mcentral *c, gfp_t gfp)
{
	void *obj;

	if (many_from(c, &obj, 1, false).n ||
	    many_by_growth(c, gfp, &obj, 1, false).n)
		return obj;
	return NULL;
}
