// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral_refill.c - take objects from an mcentral: for slots to keep, or for
 * callers of the API.
 */
#include <kunit/visibility.h>
#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/lockdep.h>

#include "base/shuffle.h"
#include "base/stats.h"
#include "heap/mheap.h"
#include "heap/peers.h"
#include "cpu/mcentral.h"
#include "cpu/mcentral_lists.h"

/*
 * Maximum number of full spans that an allocation sweeps in vain before it asks
 * for a new span. A sweep is in vain if all frees of the span were double
 * frees. The bound limits how long the lock is held. Go has the same bound: if
 * an mcentral gets one new span for each 100 spans that were swept in vain, it
 * grows by at most 1 %.
 */
#define SWEEP_BUDGET	100

/*
 * Find a span with a free cell: look at swept spans first, then at spans that
 * have to be swept, as Go's cacheSpan() does. Add to @bad how many double frees
 * the sweeps found. Return NULL if SWEEP_BUDGET full spans were swept in vain,
 * or if there are no more spans to sweep.
 */
static struct gomem_span *find_span(struct gomem_mcentral *c, unsigned int *bad)
{
	struct gomem_span *s;
	int budget;

	lockdep_assert_held(&c->lock);
	s = gomem_mcentral_first(c, GOMEM_PARTIAL_SWEPT);
	if (s)
		return s;

	s = gomem_mcentral_first(c, GOMEM_PARTIAL_UNSWEPT);
	if (s) {
		*bad += gomem_mcentral_sweep_span(s);
		return s;
	}

	/*
	 * After its sweep, the first span has a free cell, unless all frees
	 * that the sweep folds in were double frees. If they all were, try the
	 * next span.
	 */
	for (budget = SWEEP_BUDGET; budget; budget--) {
		s = gomem_mcentral_first(c, GOMEM_FULL_UNSWEPT);
		if (!s)
			return NULL;
		*bad += gomem_mcentral_sweep_span(s);
		if (!gomem_span_is_full(s))
			return s;
		gomem_mcentral_relist(c, s);
		list_move_tail(&s->list, &c->list[s->where]);
	}
	return NULL;
}

/**
 * gomem_mcentral_draw - take a few objects from a span, each at random
 * @s: a span that the caller owns, for which gomem_draws_from() is true
 * @objs: array that receives the objects
 * @want: number of objects wanted
 * @fresh: set to a mask: bit i is set if object i has no key
 *
 * Return: the number of objects, less than @want if the span has no more.
 */
unsigned int gomem_mcentral_draw(struct gomem_span *s, void **objs,
				 unsigned int want, u64 *fresh)
{
	unsigned int n;
	bool recycled;

	*fresh = 0;
	for (n = 0; n < want; n++) {
		objs[n] = gomem_span_draw(s, &recycled);
		if (!objs[n])
			break;
		*fresh |= (u64)!recycled << n;
	}
	return n;
}

/*
 * Count @n objects that were added at the end of @r->objs. If bit i of @fresh
 * is set, object i of these @n has no key.
 */
static void add_objects(struct gomem_refill *r, unsigned int n, u64 fresh)
{
	if (fresh)
		r->fresh |= fresh << r->n;
	r->n += n;
}

/* Take objects for the request from a span that has free ones. */
static void take_objects(struct gomem_refill *r, struct gomem_span *s)
{
	unsigned int n;
	u64 fresh;

	n = gomem_mcentral_take(s, r->objs + r->n, r->want - r->n, r->together,
				&fresh);
	add_objects(r, n, fresh);
}

/*
 * May CPUs cache spans of this kind? A cached span has free objects that other
 * CPUs cannot use. This costs little memory in proportion, if the mcentral has
 * many pages: at least cache_share for each online CPU. cache_share is
 * GOMEM_CACHE_SHARE, except in tests.
 */
static bool may_cache(const struct gomem_mcentral *c)
{
	return c->npages >= c->heap->cache_share * num_online_cpus();
}

/*
 * Take objects from a span that has free ones. If free objects are left in the
 * span, the request wants a span, and CPUs may cache spans of this kind, set
 * @r->span to the span. Return true if the request is complete.
 */
static bool use_span(struct gomem_mcentral *c, struct gomem_span *s,
		     struct gomem_refill *r)
{
	lockdep_assert_held(&c->lock);
	take_objects(r, s);
	if (r->want_span && !gomem_span_is_full(s) && may_cache(c)) {
		list_del_init(&s->list);
		gomem_span_set_state(s, GOMEM_SPAN_CACHED);
		c->ncached++;
		r->span = s;
		return true;
	}
	if (s->where != gomem_mcentral_list_of(s))
		gomem_mcentral_relist(c, s);
	return r->n >= r->want;
}

/*
 * Take back the span in @r, if any. Then take objects from spans with free ones
 * until the request is complete, or find_span() finds no more. Return true if
 * the span that was taken back is empty: the caller then has to return it to
 * the heap.
 */
static bool refill_from_spans(struct gomem_mcentral *c, struct gomem_refill *r,
			      unsigned int *bad)
{
	struct gomem_span *s, *old = r->span;
	bool empty;

	lockdep_assert_held(&c->lock);
	empty = old && gomem_mcentral_take_back(c, old, bad);
	r->span = NULL;
	do {
		s = find_span(c, bad);
	} while (s && !use_span(c, s, r));
	return empty;
}

/*
 * Refill from the transfer cache. If it has too few objects, take back the span
 * in @r, if any, and take objects from spans, too. Otherwise the caller keeps
 * the span in @r.
 */
static void refill(struct gomem_mcentral *c, struct gomem_refill *r)
{
	struct gomem_span *old = r->span;
	unsigned int bad = 0;
	unsigned long flags;
	bool empty = false;

	spin_lock_irqsave(&c->lock, flags);
	r->n = gomem_transfer_take(&c->transfer, r->objs, r->want);
	gomem_count(GOMEM_EV_TRANSFERRED_OBJECTS, r->n);
	/*
	 * Less than half of what is wanted is too little. Without this rule, if
	 * other CPUs put objects one by one, each refill would get only one.
	 */
	if (!r->n || r->n < r->want / 2)
		empty = refill_from_spans(c, r, &bad);
	spin_unlock_irqrestore(&c->lock, flags);

	if (empty)
		gomem_mcentral_give_back(old);
	gomem_mcentral_report_bad(c, bad);
}

/*
 * Take all objects of a new span, unless these are more than the request wants.
 * Return whether they were taken.
 */
static bool use_all(struct gomem_mcentral *c, struct gomem_span *s,
		    struct gomem_refill *r)
{
	lockdep_assert_held(&c->lock);
	if (s->nelems > r->want - r->n)
		return false;
	gomem_span_take_all(s, r->objs + r->n);
	gomem_shuffle_fresh(r->objs + r->n, s->nelems, 0, r->together);
	add_objects(r, s->nelems, GENMASK_ULL(s->nelems - 1, 0));
	s->where = GOMEM_FULL_SWEPT;
	list_add(&s->list, &c->list[GOMEM_FULL_SWEPT]);
	return true;
}

/*
 * Add new spans, all of one heap, to their mcentral, and take objects from
 * them. gomem_mcentral_grow() made no more spans than the request needs, so
 * each span provides objects.
 */
static void use_new(struct gomem_span *spans, struct gomem_refill *r)
{
	struct gomem_mcentral *c = gomem_central(spans->heap, spans->kind);
	struct gomem_span_stack left = { spans };
	struct gomem_span *s;
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	while ((s = gomem_span_pop(&left))) {
		gomem_span_set_state(s, GOMEM_SPAN_CENTRAL);
		s->where = GOMEM_NR_SPAN_LISTS;	/* on no list yet */
		c->nspans++;
		c->npages += s->npages;
		if (use_all(c, s, r))
			continue;
		INIT_LIST_HEAD(&s->list);
		use_span(c, s, r);
	}
	spin_unlock_irqrestore(&c->lock, flags);
}

static void begin_refill(struct gomem_refill *r)
{
	r->n = 0;
	r->fresh = 0;
}

/**
 * gomem_mcentral_refill - get objects from the transfer cache and from spans
 * @c: the mcentral
 * @r: the request, and its result
 *
 * Takes objects from the transfer cache. If it has at least half of what is
 * wanted, the caller keeps the span in @r, if any.
 *
 * Otherwise takes back that span, and takes more objects from spans with free
 * cells, one span after the other, until there are enough. So spans with a few
 * free cells each are used up under one hold of the lock. If the last span has
 * free cells left, the caller wants a span, and CPUs may cache spans of this
 * kind, the caller gets that span to cache.
 *
 * Does not grow the heap. If @r->n is 0, no span has a free cell, or as many
 * sweeps as SWEEP_BUDGET allows found none. If the span in @r is of another
 * node, it returns to that node's mcentral first. A CPU caches a span of
 * another node when its own node has no memory.
 */
void gomem_mcentral_refill(struct gomem_mcentral *c, struct gomem_refill *r)
{
	begin_refill(r);
	if (unlikely(r->span && r->span->heap != c->heap)) {
		gomem_mcentral_uncache(r->span);
		r->span = NULL;
	}
	refill(c, r);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_refill);

/**
 * gomem_mcentral_peers - tell whether objects may come from other nodes
 * @c: the mcentral
 * @gfp: the gfp of the allocation
 *
 * Return: true if there are other heaps and @gfp has no __GFP_THISNODE.
 */
bool gomem_mcentral_peers(const struct gomem_mcentral *c, gfp_t gfp)
{
	return c->heap->peers && !(gfp & __GFP_THISNODE);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_peers);

/**
 * gomem_mcentral_refill_any - do what gomem_mcentral_refill() does, but do not
 *	take back the span that the slot caches
 * @c: the mcentral, of this or another node
 * @r: the request, and its result; @r->span is ignored on entry, and set as by
 *	gomem_mcentral_refill()
 *
 * Takes objects from the transfer cache and from existing spans, without asking
 * the kernel for memory. @r->n is 0 if there are none.
 */
void gomem_mcentral_refill_any(struct gomem_mcentral *c, struct gomem_refill *r)
{
	begin_refill(r);
	r->span = NULL;
	refill(c, r);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_refill_any);

/**
 * gomem_mcentral_use - take objects from new spans
 * @spans: the spans that gomem_mcentral_grow() made
 * @r: the request, and its result; @r->span is ignored on entry
 */
void gomem_mcentral_use(struct gomem_span *spans, struct gomem_refill *r)
{
	begin_refill(r);
	r->span = NULL;
	use_new(spans, r);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_use);
