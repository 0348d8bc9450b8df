// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral.c - lists of spans by what they have to offer.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "key.h"
#include "mcentral.h"
#include "mheap.h"
#include "peers.h"
#include "report.h"
#include "shuffle.h"
#include "sizeclass.h"
#include "stats.h"
#include "tiny.h"

/*
 * Full spans swept in vain before a new span is asked for. After misuse there may
 * be some; the bound keeps the lock's hold time finite. Go's number: one span in a
 * hundred is at most 1 % more memory.
 */
#define SWEEP_BUDGET	100

/* Spans that are looked at under one hold of the lock where all of them are. */
#define HOLD_SPANS	32

/* See span_pages(). */
#define SHORT_WASTE	4

/* All transfer caches of a heap have room for 1 / TRANSFER_SHARE of it, or TRANSFER_MIN. */
#define TRANSFER_SHARE	256
#define TRANSFER_MIN	SZ_2M

/**
 * gomem_mcentral_init - make an empty mcentral
 * @c: the mcentral
 * @h: the heap that its spans are of
 * @kind: what they hold
 */
void gomem_mcentral_init(struct gomem_mcentral *c, struct gomem_heap *h,
			 const struct gomem_kind *kind)
{
	int i;

	spin_lock_init(&c->lock);
	c->heap = h;
	c->kind = kind;
	c->nspans = 0;
	c->npages = 0;
	c->ncached = 0;
	for (i = 0; i < GOMEM_NR_SPAN_LISTS; i++)
		INIT_LIST_HEAD(&c->list[i]);
	gomem_transfer_init(&c->transfer);
	atomic64_set(&c->direct_allocs, 0);
	atomic64_set(&c->direct_frees, 0);
}

/* Which list a span belongs on now. */
static enum gomem_span_list list_of(const struct gomem_span *s)
{
	bool unswept = atomic_read(&s->pending) > 0;

	static_assert(GOMEM_PARTIAL_SWEPT == 0 && GOMEM_FULL_SWEPT == 1 &&
		      GOMEM_PARTIAL_UNSWEPT == 2 && GOMEM_FULL_UNSWEPT == 3);
	return 2 * unswept + gomem_span_is_full(s);
}

/* Put it there. */
static void list_span(struct gomem_mcentral *c, struct gomem_span *s)
{
	lockdep_assert_held(&c->lock);
	s->where = list_of(s);
	list_move(&s->list, &c->list[s->where]);
}

static struct gomem_span *first_span(struct gomem_mcentral *c, enum gomem_span_list where)
{
	lockdep_assert_held(&c->lock);
	return list_first_entry_or_null(&c->list[where], struct gomem_span, list);
}

static void free_after_grace(struct rcu_head *rcu)
{
	gomem_heap_free_span(container_of(rcu, struct gomem_span, rcu));
}

/* A retired span goes back to the heap: no lock is held. */
static void give_back(struct gomem_span *s)
{
	if (s->kind->typesafe)
		call_rcu(&s->rcu, free_after_grace);
	else
		gomem_heap_free_span(s);
}

/* Returns the number of slots found to be freed twice. */
static unsigned int sweep_span(struct gomem_span *s)
{
	struct gomem_sweep res = gomem_span_sweep(s);

	gomem_count(GOMEM_EV_SWEEPS, 1);
	gomem_count(GOMEM_EV_SWEPT_OBJECTS, res.freed);
	return res.bad;
}

/* Frees into spans on a list are made under the lock: none can be under way. */
static bool span_is_empty(const struct gomem_span *s)
{
	return s->alloc_count == 0;
}

/*
 * An empty span is no longer of this class, from when the lock is dropped: a late
 * second free that still finds it must not touch it.
 */
static void retire(struct gomem_mcentral *c, struct gomem_span *s)
{
	lockdep_assert_held(&c->lock);
	gomem_span_set_state(s, GOMEM_SPAN_DEAD);
	c->nspans--;
	c->npages -= s->npages;
}

/* Go's cacheSpan order: what is ready first, then what has to be swept. */
static struct gomem_span *find_room(struct gomem_mcentral *c, unsigned int *bad)
{
	struct gomem_span *s;
	int budget;

	lockdep_assert_held(&c->lock);
	s = first_span(c, GOMEM_PARTIAL_SWEPT);
	if (s)
		return s;

	s = first_span(c, GOMEM_PARTIAL_UNSWEPT);
	if (s) {
		*bad += sweep_span(s);
		return s;
	}

	/* The first will do, unless its freed bits are bad, all of them. */
	for (budget = SWEEP_BUDGET; budget; budget--) {
		s = first_span(c, GOMEM_FULL_UNSWEPT);
		if (!s)
			return NULL;
		*bad += sweep_span(s);
		if (!gomem_span_is_full(s))
			return s;
		list_span(c, s);
		list_move_tail(&s->list, &c->list[s->where]);
	}
	return NULL;
}

/* For a span that is longer than it has to be nobody is to be killed. */
static gfp_t gfp_longer(gfp_t gfp)
{
	return (gfp & ~(__GFP_NOFAIL | __GFP_RETRY_MAYFAIL)) | __GFP_NOWARN | __GFP_NORETRY;
}

/*
 * gomem_free() does not know how many objects a span has. In the tail of it one more
 * could start: with the key of a free object there, it is refused.
 */
static void seal_tail(struct gomem_span *s)
{
	unsigned long end = s->nelems * s->elemsize;

	if (!s->kind->cache && end < (unsigned long)s->npages << GOMEM_PAGE_SHIFT)
		gomem_set_key((void *)s->base + end);
}

/* What a span has to have in its tail before an object of it is handed out. */
static void write_tail(struct gomem_span *s)
{
	if (!s->heap->source->has_memory)
		return;
	if (s->spc == GOMEM_TINY_SPC)
		gomem_tiny_init_span(s);
	else
		seal_tail(s);
}

/*
 * How long a new span is to be: a class's usual span has several objects, of which most
 * would never be used if there are but few of that class. So it begins with the shortest
 * that wastes no more than 1 / SHORT_WASTE of itself, and new spans add no more than
 * 1 / GOMEM_SHORT_SHARE to what there is.
 */
static unsigned int span_pages(const struct gomem_mcentral *c)
{
	const struct gomem_kind *k = c->kind;
	/* Stale is good enough. */
	unsigned long have = data_race(c->npages);
	unsigned int n, bytes;

	if (k->aligned || have >= c->heap->short_share * k->npages)
		return k->npages;
	n = max_t(unsigned long, DIV_ROUND_UP(k->size, GOMEM_PAGE_SIZE),
		  have / c->heap->short_share);
	for (; n < k->npages; n++) {
		bytes = n << GOMEM_PAGE_SHIFT;
		if (bytes % k->size <= bytes / SHORT_WASTE)
			break;
	}
	return n;
}

/*
 * A new span, not yet known to any mcentral. If memory is too fragmented for one of
 * the usual length, a shorter one: an object at least. With @local only memory of
 * this node will do, without any effort.
 */
static struct gomem_span *new_span(struct gomem_mcentral *c, gfp_t gfp, bool local)
{
	unsigned int least = DIV_ROUND_UP(c->kind->size, GOMEM_PAGE_SIZE);
	struct gomem_span_request req = {
		.npages = span_pages(c),
		.kind = c->kind,
		.aligned = c->kind->aligned,
		.local = local,
	};
	struct gomem_span *s;

	for (;;) {
		req.gfp = gfp;
		if (req.npages > least)
			req.gfp = gfp_longer(gfp);
		s = gomem_heap_alloc_span(c->heap, &req);
		if (s)
			write_tail(s);
		if (s || local || req.npages == least)
			return s;
		req.npages = max_t(unsigned int, rounddown_pow_of_two(req.npages - 1), least);
		gomem_count(GOMEM_EV_SHORT_SPANS, 1);
	}
}

/* Slots that were freed twice: each was counted as a free once too often. */
static void report_bad(struct gomem_mcentral *c, unsigned int bad)
{
	if (likely(!bad))
		return;
	atomic64_sub(bad, &c->direct_frees);
	gomem_report_late_double_free(c->kind, bad);
}

/* The lock is held; true if the span is empty, and the caller's to give back. */
static bool put_back(struct gomem_mcentral *c, struct gomem_span *s, unsigned int *bad)
{
	lockdep_assert_held(&c->lock);
	gomem_span_set_state(s, GOMEM_SPAN_CENTRAL);
	c->ncached--;
	if (atomic_read(&s->pending))
		*bad += sweep_span(s);
	if (span_is_empty(s)) {
		retire(c, s);
		return true;
	}
	list_span(c, s);
	return false;
}

/**
 * gomem_mcentral_uncache - take back a span that a CPU cached (uncacheSpan)
 * @s: the span; the caller owned it and no longer does
 *
 * A span that turns out to be empty goes back to the heap.
 */
void gomem_mcentral_uncache(struct gomem_span *s)
{
	struct gomem_mcentral *c = gomem_central(s->heap, s->kind);
	unsigned int bad = 0;
	unsigned long flags;
	bool empty;

	spin_lock_irqsave(&c->lock, flags);
	empty = put_back(c, s, &bad);
	spin_unlock_irqrestore(&c->lock, flags);

	if (empty)
		give_back(s);
	report_bad(c, bad);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_uncache);

/* The request has @n objects more, of which all but @recycled were never handed out. */
static void add_objects(struct gomem_refill *r, const struct gomem_span *s, unsigned int n,
			unsigned int recycled)
{
	u64 fresh;

	if (recycled < n) {
		fresh = GENMASK_ULL(r->n + n - 1, r->n + recycled);
		r->fresh |= fresh;
		if (s->zero)
			r->zero |= fresh;
	}
	r->n += n;
}

/* Take what the request wants of a span; the caller has found that it has room. */
static void take(struct gomem_refill *r, struct gomem_span *s)
{
	unsigned int n, recycled;

	n = gomem_span_take(s, r->objs + r->n, r->want - r->n, &recycled);
	gomem_shuffle_fresh(r->objs + r->n, n, recycled, r->together);
	add_objects(r, s, n, recycled);
}

/*
 * With a span of its own each CPU has free objects that others cannot use: only of kinds
 * that have GOMEM_CACHE_SHARE pages for each CPU.
 */
static bool may_cache(const struct gomem_mcentral *c)
{
	return c->npages >= c->heap->cache_share * num_online_cpus();
}

/*
 * Use a span that has room. If it still has some then, and the request wants a span,
 * this is the one. True if the request has all it wants.
 */
static bool use_span(struct gomem_mcentral *c, struct gomem_span *s, struct gomem_refill *r)
{
	lockdep_assert_held(&c->lock);
	take(r, s);
	if (r->want_span && !gomem_span_is_full(s) && may_cache(c)) {
		list_del_init(&s->list);
		gomem_span_set_state(s, GOMEM_SPAN_CACHED);
		c->ncached++;
		r->span = s;
		return true;
	}
	if (s->where != list_of(s))
		list_span(c, s);
	return r->n >= r->want;
}

/* Take back the span that the request has, true if it is empty; then use what has room. */
static bool refill_from_spans(struct gomem_mcentral *c, struct gomem_refill *r, unsigned int *bad)
{
	struct gomem_span *s, *old = r->span;
	bool empty;

	lockdep_assert_held(&c->lock);
	empty = old && put_back(c, old, bad);
	r->span = NULL;
	do {
		s = find_room(c, bad);
	} while (s && !use_span(c, s, r));
	return empty;
}

/* All transfer caches of a heap together. Stale is good enough. */
static bool may_have_room(struct gomem_heap *h, size_t more)
{
	size_t share = (gomem_heap_about(h) << GOMEM_PAGE_SHIFT) / TRANSFER_SHARE;

	return atomic_long_read(&h->transfer_bytes) + more <=
	       max_t(size_t, share, TRANSFER_MIN);
}

/* By how many objects the transfer cache may grow, which was too full. */
static unsigned int growth_of(struct gomem_mcentral *c)
{
	unsigned int size = c->kind->size;
	unsigned int more = gomem_transfer_earned(&c->transfer, size) - c->transfer.room;

	lockdep_assert_held(&c->lock);
	return more && may_have_room(c->heap, (size_t)more * size) ? more : 0;
}

/*
 * @page: what it has its first room in, if it has none by now; NULL if there was no memory,
 * which is tried again when somebody is in want again. Returns what is left.
 */
static void *add_room(struct gomem_mcentral *c, void *page)
{
	struct gomem_transfer *t = &c->transfer;
	unsigned int more = growth_of(c);

	lockdep_assert_held(&c->lock);
	if (!more)
		return page;
	t->refused = false;
	t->missed = false;
	t->wants_page = false;
	if (!t->objs && page) {
		WRITE_ONCE(t->objs, page);
		page = NULL;
		atomic_long_inc(&c->heap->transfer_pages);
	}
	if (!t->objs)
		return NULL;
	t->room += more;
	atomic_long_add((size_t)more * c->kind->size, &c->heap->transfer_bytes);
	return page;
}

/* Fetch the page that a transfer cache wants. */
static noinline void grow_transfer(struct gomem_mcentral *c)
{
	struct gomem_heap *h = c->heap;
	unsigned long flags;
	void *page = NULL;

	/* As fetch_stacks(): the caller may reclaim, or must not wake anybody. */
	if (!READ_ONCE(c->transfer.objs))
		page = gomem_meta_get(h->source, PAGE_SIZE, gomem_gfp_light(0), h->node);
	spin_lock_irqsave(&c->lock, flags);
	page = add_room(c, page);
	spin_unlock_irqrestore(&c->lock, flags);
	if (page)
		gomem_meta_put(h->source, page, PAGE_SIZE);
}

/* The transfer cache was too full. If all it lacks is a page the next refill fetches it. */
static void grow_or_want(struct gomem_mcentral *c)
{
	lockdep_assert_held(&c->lock);
	if (!growth_of(c))
		return;
	if (c->transfer.objs)
		add_room(c, NULL);
	else
		c->transfer.wants_page = true;
}

/* What others flushed is the first choice; if that is enough the request keeps its span. */
static void refill(struct gomem_mcentral *c, struct gomem_refill *r)
{
	struct gomem_span *old = r->span;
	unsigned int bad = 0;
	unsigned long flags;
	bool empty = false, grow;

	spin_lock_irqsave(&c->lock, flags);
	r->n = gomem_transfer_take(&c->transfer, r->objs, r->want);
	gomem_count(GOMEM_EV_TRANSFERRED_OBJECTS, r->n);
	/* Not for a few at a time: freers may bring them one by one. */
	if (!r->n || r->n < r->want / 2)
		empty = refill_from_spans(c, r, &bad);
	grow = c->transfer.wants_page;
	spin_unlock_irqrestore(&c->lock, flags);

	if (empty)
		give_back(old);
	report_bad(c, bad);
	if (unlikely(grow))
		grow_transfer(c);
}

/* Use all of a new span, if the request wants as much. */
static bool use_all(struct gomem_mcentral *c, struct gomem_span *s, struct gomem_refill *r)
{
	lockdep_assert_held(&c->lock);
	if (s->nelems > r->want - r->n)
		return false;
	gomem_span_take_all(s, r->objs + r->n);
	gomem_shuffle_fresh(r->objs + r->n, s->nelems, 0, r->together);
	add_objects(r, s, s->nelems, 0);
	s->where = GOMEM_FULL_SWEPT;
	list_add(&s->list, &c->list[GOMEM_FULL_SWEPT]);
	return true;
}

/*
 * New spans, all of one heap, become their mcentral's, and are used. No more of them than
 * the request takes objects from.
 */
static void use_new(struct gomem_span_stack *spans, struct gomem_refill *r)
{
	struct gomem_mcentral *c = gomem_central(spans->top->heap, spans->top->kind);
	struct gomem_span *s;
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	while ((s = gomem_span_pop(spans))) {
		INIT_LIST_HEAD(&s->list);
		gomem_span_set_state(s, GOMEM_SPAN_CENTRAL);
		s->where = GOMEM_NR_SPAN_LISTS;	/* on none yet */
		c->nspans++;
		c->npages += s->npages;
		if (!use_all(c, s, r))
			use_span(c, s, r);
	}
	spin_unlock_irqrestore(&c->lock, flags);
}

/* As many spans at once as @want objects need; none ahead of that. */
static noinline bool get_some_new(struct gomem_mcentral *c, unsigned int want,
				  struct gomem_span_stack *spans)
{
	struct gomem_span_request req = {
		.npages = c->kind->npages,
		.kind = c->kind,
		.aligned = c->kind->aligned,
	};
	unsigned int n = DIV_ROUND_UP(want, c->kind->nelems);
	struct gomem_span *s;

	if (n < 2 || !gomem_heap_alloc_spans(c->heap, &req, n, spans))
		return false;
	for (s = spans->top; s; s = s->next)
		write_tail(s);
	return true;
}

static bool is_empty(const struct gomem_refill *r)
{
	return !r->n && !r->span;
}

static void begin(struct gomem_refill *r)
{
	r->n = 0;
	r->fresh = 0;
	r->zero = 0;
}

/**
 * gomem_mcentral_refill - exchange a span for objects, and perhaps another span
 * @c: the mcentral
 * @r: what is wanted, and where it goes
 *
 * Takes what slots flushed; if that is half of what is wanted a span that is given stays
 * the caller's. Else takes objects from spans that have room, one after the other until
 * there are enough; the span that still has room then is the one to cache. Spans with a few
 * free slots each are thus used up under one hold of the lock. Does not grow the
 * heap: @r->n of 0 means that no span has room. A span of another node, which a CPU
 * gets when its own has no memory, goes home first.
 */
void gomem_mcentral_refill(struct gomem_mcentral *c, struct gomem_refill *r)
{
	begin(r);
	if (unlikely(r->span && r->span->heap != c->heap)) {
		gomem_mcentral_uncache(r->span);
		r->span = NULL;
	}
	refill(c, r);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_refill);

/**
 * gomem_mcentral_peers - may objects come from other nodes?
 * @c: the mcentral
 * @gfp: how hard to try
 *
 * Return: the answer.
 */
bool gomem_mcentral_peers(const struct gomem_mcentral *c, gfp_t gfp)
{
	return c->heap->peers && !(gfp & __GFP_THISNODE);
}

/**
 * gomem_mcentral_refill_new - have objects of spans with room, of any node
 * @c: the mcentral, of this or another node
 * @r: what is wanted, and where it goes; no span is given
 *
 * These need not ask the kernel for memory.
 */
void gomem_mcentral_refill_new(struct gomem_mcentral *c, struct gomem_refill *r)
{
	begin(r);
	r->span = NULL;
	refill(c, r);
}

/**
 * gomem_mcentral_grow - make spans, when none has room
 * @c: the mcentral
 * @gfp: how hard to try
 * @want: for how many objects
 * @local: only of @c's node, and without any effort if there are others
 * @spans: where they go, for gomem_mcentral_use()
 *
 * The kernel may reclaim memory meanwhile, on the same stack: callers have no array of
 * objects there. scripts/check stack.
 *
 * Context: any but NMI; may sleep if @gfp allows it. No lock held, no cache owned.
 * Return: whether there are any.
 */
bool gomem_mcentral_grow(struct gomem_mcentral *c, gfp_t gfp, unsigned int want, bool local,
			 struct gomem_span_stack *spans)
{
	bool peers = gomem_mcentral_peers(c, gfp);
	struct gomem_span *s;

	if (local && get_some_new(c, want, spans))
		return true;
	if (local && !peers)
		return false;
	s = new_span(c, gfp, local);
	if (s)
		gomem_span_push(spans, s);
	return s;
}

/**
 * gomem_mcentral_use - have objects of new spans
 * @spans: what gomem_mcentral_grow() made
 * @r: what is wanted, and where it goes
 */
void gomem_mcentral_use(struct gomem_span_stack *spans, struct gomem_refill *r)
{
	begin(r);
	r->span = NULL;
	use_new(spans, r);
}

/*
 * What other nodes have and need not press the kernel for, from the nearest to the farthest:
 * objects of spans with room, which become the request's, or else a new span.
 */
static bool ask_peers(struct gomem_mcentral *c, gfp_t gfp, struct gomem_refill *r,
		      struct gomem_span_stack *spans)
{
	struct gomem_mcentral *pc;
	struct gomem_heap *peer;

	if (!gomem_mcentral_peers(c, gfp))
		return false;
	for_each_gomem_peer(peer, c->heap) {
		pc = gomem_central(peer, c->kind);
		gomem_mcentral_refill_new(pc, r);
		if (!is_empty(r))
			return true;
		if (gomem_mcentral_grow(pc, gfp, 1, true, spans)) {
			gomem_heap_count_peer_span(c->heap);
			return true;
		}
	}
	return false;
}

/**
 * gomem_mcentral_get - the same, by any means (cacheSpan)
 * @c: the mcentral
 * @gfp: how hard to try if the heap has to grow
 * @r: what is wanted, and where it goes
 *
 * If no span has room, a new one is used: of this node, else what other nodes have, the
 * nearest first, else whatever the kernel can be made to give.
 *
 * Context: any but NMI; may sleep if @gfp allows it. No lock held, no cache owned.
 */
void gomem_mcentral_get(struct gomem_mcentral *c, gfp_t gfp, struct gomem_refill *r)
{
	struct gomem_span_stack spans = { NULL };

	gomem_mcentral_refill(c, r);
	if (!is_empty(r))
		return;
	if (!gomem_mcentral_grow(c, gfp, r->want, true, &spans) &&
	    !ask_peers(c, gfp, r, &spans) &&
	    !gomem_mcentral_grow(c, gfp, r->want, false, &spans))
		return;
	if (!is_empty(r))
		return;
	gomem_mcentral_use(&spans, r);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_get);

/* Give back spans that were taken off their lists, with no lock held. */
static void free_spans(struct gomem_mcentral *c, struct gomem_span_stack *empty)
{
	struct gomem_span *s;

	if (!c->kind->typesafe) {
		gomem_heap_free_spans(c->heap, empty);
		return;
	}
	while ((s = gomem_span_pop(empty)))
		give_back(s);
}

/* A listed span that is empty now goes to @empty. */
static void take_off(struct gomem_mcentral *c, struct gomem_span *s,
		     struct gomem_span_stack *empty)
{
	lockdep_assert_held(&c->lock);
	list_del(&s->list);
	gomem_span_push(empty, s);
	retire(c, s);
}

/*
 * Free the slots @mask of bitmap word @word of one span. Slots that were not
 * allocated are counted and left alone.
 *
 * A span that a CPU caches is swept by that CPU, which takes no lock: only its
 * freed bits and pending may be touched, and atomically. A span that is empty now
 * goes to @empty.
 */
static unsigned int free_run(struct gomem_mcentral *c, struct gomem_span *s, unsigned int word,
			     unsigned long mask, struct gomem_span_stack *empty)
{
	unsigned int n = hweight_long(mask), bad;

	lockdep_assert_held(&c->lock);
	if (gomem_span_state(s) == GOMEM_SPAN_CENTRAL && !atomic_read(&s->pending) &&
	    gomem_span_put_all(s, word, mask)) {
		take_off(c, s, empty);
		return 0;
	}
	atomic_add(n, &s->pending);
	bad = hweight_long(gomem_span_put(s, word, mask));
	atomic_sub(bad, &s->pending);
	if (gomem_span_state(s) != GOMEM_SPAN_CENTRAL) {
		gomem_count(GOMEM_EV_CACHED_SPAN_FREES, n - bad);
		return bad;
	}
	if (bad == n)
		return bad;

	if (atomic_read(&s->pending) == s->alloc_count)
		bad += sweep_span(s);
	if (span_is_empty(s))
		take_off(c, s, empty);
	else if (s->where == GOMEM_PARTIAL_SWEPT || s->where == GOMEM_FULL_SWEPT)
		list_span(c, s);
	return bad;
}

/* The span and slot of an object; NULL if it no longer is one of this kind. */
static struct gomem_span *span_of(struct gomem_mcentral *c, void *obj, unsigned int *index)
{
	struct gomem_span *s = gomem_pagemap_span(c->heap->map, (unsigned long)obj);

	if (unlikely(!s || READ_ONCE(s->kind) != c->kind))
		return NULL;
	/*
	 * The kind first, then the state: a span of this kind can only become live,
	 * or dead, with the lock that is held; one that is dead may be on its way into
	 * any kind.
	 */
	smp_rmb();
	if (unlikely(gomem_span_state(s) == GOMEM_SPAN_DEAD || s->kind != c->kind))
		return NULL;
	*index = gomem_span_index(s, (unsigned long)obj);
	if (unlikely(*index >= s->nelems || gomem_span_object(s, *index) != obj))
		return NULL;
	return s;
}

/*
 * Does an object lie in a span that span_of() found just before, with the lock held
 * since? Then it need not be looked up.
 */
static bool is_in(const struct gomem_span *s, void *obj, unsigned int *index)
{
	unsigned long offset = (unsigned long)obj - s->base;

	if (offset >= (unsigned long)s->npages << GOMEM_PAGE_SHIFT ||
	    !gomem_is_start(offset, s->divmul, (u64)s->nelems << 32))
		return false;
	*index = gomem_div(offset, s->divmul);
	/* It may have become empty. */
	return gomem_span_state(s) != GOMEM_SPAN_DEAD;
}

/* Slot @index and others, @len in all, with bits in the same word. */
static unsigned long slots_of(unsigned int index, unsigned int len)
{
	return ((2UL << (len - 1)) - 1) << index % 64;
}

/* Does the object after this one lie beside it? With shuffled objects it rarely does. */
static bool has_neighbour(const struct gomem_span *s, void **obj, unsigned int n)
{
	return n > 1 && (obj[1] == obj[0] + s->elemsize || obj[1] == obj[0] - s->elemsize);
}

/* How many slots from @index on have bits in the same word, @n at most. */
static unsigned int rest_of_word(const struct gomem_span *s, unsigned int index, unsigned int n)
{
	return min3(n, 64 - index % 64, s->nelems - index);
}

/*
 * How many objects, from the first on, which is slot @index, are neighbours by rising or
 * by falling address, with bits in the same word: @slots.
 */
static unsigned int neighbours(const struct gomem_span *s, unsigned int index, void **objs,
			       unsigned int n, unsigned long *slots)
{
	bool falling = n > 1 && objs[1] < objs[0];
	long step = falling ? -(long)s->elemsize : s->elemsize;
	void *next = objs[0], **obj = objs, **end;
	unsigned int len;

	end = objs + (falling ? min(n, index % 64 + 1) : rest_of_word(s, index, n));
	do {
		next += step;
	} while (++obj < end && *obj == next);
	len = obj - objs;
	*slots = slots_of(falling ? index - (len - 1) : index, len);
	return len;
}

/*
 * Set the freed bits of objects; spans that are empty then go to @empty. Returns how many
 * objects were not allocated.
 */
static unsigned int free_objects(struct gomem_mcentral *c, void **objs, unsigned int n, bool run,
				 struct gomem_span_stack *empty)
{
	unsigned int i, len, index = 0, word = 0, bad = 0;
	struct gomem_span *s, *last = NULL;
	unsigned long mask = 0, slots;

	lockdep_assert_held(&c->lock);
	for (i = 0; i < n; i += len) {
		if (last && is_in(last, objs[i], &index)) {
			s = last;
			len = 1;
			slots = 1UL << index % 64;
			if (has_neighbour(s, objs + i, n - i))
				len = neighbours(s, index, objs + i, n - i, &slots);
		} else {
			s = span_of(c, objs[i], &index);
			len = s && run ? rest_of_word(s, index, n - i) : 1;
			/* After misuse the page may have another span than when that was seen. */
			if (unlikely(len > 1 && objs[i + len - 1] !=
				     gomem_span_object(s, index + len - 1)))
				len = 1;
			slots = slots_of(index, len);
		}
		if (unlikely(!s)) {
			bad++;
			continue;
		}
		/* An object that is in the run already is freed twice: a new run. */
		if (s != last || index / 64 != word || (mask & slots)) {
			if (last)
				bad += free_run(c, last, word, mask, empty);
			last = s;
			word = index / 64;
			mask = 0;
		}
		mask |= slots;
	}
	return last ? bad + free_run(c, last, word, mask, empty) : bad;
}

/**
 * gomem_mcentral_free - give objects back to their spans
 * @c: the mcentral of all of them
 * @objs: the objects, in any order; neighbours in it that are neighbours in
 *	memory are freed together
 * @n: how many
 * @run: they lie side by side in one page, by rising address
 *
 * Return: how many were not allocated; they are left alone.
 */
unsigned int gomem_mcentral_free(struct gomem_mcentral *c, void **objs, unsigned int n, bool run)
{
	struct gomem_span_stack empty = { NULL };
	unsigned long flags;
	unsigned int bad;

	spin_lock_irqsave(&c->lock, flags);
	bad = free_objects(c, objs, n, run, &empty);
	spin_unlock_irqrestore(&c->lock, flags);

	free_spans(c, &empty);
	report_bad(c, bad);
	return bad;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_free);

/**
 * gomem_mcentral_put - give objects back that a slot flushed
 * @c: the mcentral of all of them
 * @objs: the objects, in any order
 * @n: how many
 *
 * To others, as far as there is room for that: they are found there by
 * gomem_mcentral_refill(). Else to their spans.
 *
 * Context: any but NMI; never sleeps. Not with a cache owned.
 */
void gomem_mcentral_put(struct gomem_mcentral *c, void **objs, unsigned int n)
{
	struct gomem_span_stack empty = { NULL };
	unsigned int kept, bad = 0;
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	kept = gomem_transfer_put(&c->transfer, objs, n);
	if (kept < n) {
		grow_or_want(c);
		bad = free_objects(c, objs + kept, n - kept, false, &empty);
	}
	spin_unlock_irqrestore(&c->lock, flags);

	free_spans(c, &empty);
	report_bad(c, bad);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_put);

/* Room was taken away: there were @before objects of it. Returns the page, if it was the last. */
static void *give_room(struct gomem_mcentral *c, unsigned int before)
{
	struct gomem_transfer *t = &c->transfer;
	void *page = t->objs;

	lockdep_assert_held(&c->lock);
	atomic_long_sub((size_t)(before - t->room) * c->kind->size, &c->heap->transfer_bytes);
	if (t->room || !page)
		return NULL;
	WRITE_ONCE(t->objs, NULL);
	atomic_long_dec(&c->heap->transfer_pages);
	return page;
}

/* What nobody came for, or all; its number. */
static unsigned int look_at_transfer(struct gomem_mcentral *c, bool idle, void **page)
{
	unsigned int before = c->transfer.room, surplus;

	lockdep_assert_held(&c->lock);
	/* The heap may be smaller than when there was room. */
	surplus = gomem_transfer_look(&c->transfer, !idle || !may_have_room(c->heap, 0));
	*page = give_room(c, before);
	return surplus;
}

static unsigned int reduce_transfer(struct gomem_mcentral *c, unsigned int n, void **objs,
				    void **page)
{
	unsigned int before = c->transfer.room;

	lockdep_assert_held(&c->lock);
	n = gomem_transfer_reduce(&c->transfer, n, objs);
	*page = give_room(c, before);
	return n;
}

/**
 * gomem_mcentral_drain - give objects back to their spans that others were to refill from
 * @c: the mcentral
 * @idle: only those that nobody came for since this was last called
 *
 * Context: any but NMI; never sleeps. Not with a cache owned.
 */
void gomem_mcentral_drain(struct gomem_mcentral *c, bool idle)
{
	void *objs[GOMEM_BATCH_MAX], *page;
	unsigned int n, surplus;
	unsigned long flags;

	if (!READ_ONCE(c->transfer.objs))
		return;
	spin_lock_irqsave(&c->lock, flags);
	surplus = look_at_transfer(c, idle, &page);
	spin_unlock_irqrestore(&c->lock, flags);

	/* The lock is dropped now and then. */
	for (; surplus; surplus -= min(surplus, GOMEM_BATCH_MAX)) {
		spin_lock_irqsave(&c->lock, flags);
		n = reduce_transfer(c, min(surplus, GOMEM_BATCH_MAX), objs, &page);
		spin_unlock_irqrestore(&c->lock, flags);
		gomem_mcentral_free(c, objs, n, false);
		if (page)
			break;
	}
	if (page)
		gomem_meta_put(c->heap->source, page, PAGE_SIZE);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_drain);

/* Sweep up to @budget unswept spans; those that turn out to be empty go to @empty. */
static unsigned int sweep_some(struct gomem_mcentral *c, unsigned int budget, unsigned int *bad,
			       struct gomem_span_stack *empty)
{
	struct gomem_span *s;
	unsigned int n;

	lockdep_assert_held(&c->lock);
	for (n = 0; n < budget; n++) {
		s = first_span(c, GOMEM_PARTIAL_UNSWEPT) ?: first_span(c, GOMEM_FULL_UNSWEPT);
		if (!s)
			break;
		*bad += sweep_span(s);
		if (span_is_empty(s))
			take_off(c, s, empty);
		else
			list_span(c, s);
	}
	return n;
}

/**
 * gomem_mcentral_sweep - sweep all unswept spans
 * @c: the mcentral
 *
 * Empty spans go back to the heap. The lock is dropped after some spans.
 *
 * Context: may sleep.
 */
void gomem_mcentral_sweep(struct gomem_mcentral *c)
{
	unsigned int bad = 0, swept;
	unsigned long flags;
	struct gomem_span_stack empty = { NULL };

	do {
		spin_lock_irqsave(&c->lock, flags);
		swept = sweep_some(c, HOLD_SPANS, &bad, &empty);
		spin_unlock_irqrestore(&c->lock, flags);
		free_spans(c, &empty);
		cond_resched();
	} while (swept == HOLD_SPANS);
	report_bad(c, bad);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_sweep);

static const char *validate_listed(struct gomem_mcentral *c, struct gomem_span *s,
				   enum gomem_span_list where)
{
	bool full = where == GOMEM_FULL_SWEPT || where == GOMEM_FULL_UNSWEPT;
	bool swept = where == GOMEM_FULL_SWEPT || where == GOMEM_PARTIAL_SWEPT;

	if (s->kind != c->kind || s->heap != c->heap)
		return "span on a list of another kind or node";
	if (gomem_span_state(s) != GOMEM_SPAN_CENTRAL || s->where != where)
		return "listed span with another state";
	if (gomem_span_is_full(s) != full)
		return "span on the wrong one of the partial and full lists";
	if (swept && atomic_read(&s->pending))
		return "swept span with pending frees";
	if (atomic_read(&s->pending) >= s->alloc_count)
		return "empty span on a list";
	return gomem_span_validate(s);
}

/* How far a validation has come on a list. */
struct list_pos {
	struct gomem_span *first;	/* where it began; compared, and not looked at */
	unsigned long n;		/* spans of all lists so far */
	bool done;
};

/*
 * Look at some spans of a list, each of which moves to its end: so the lock can be dropped
 * in between, and at rest the list is as it was once all have been seen. Done when the
 * first one is the first again, or if spans come and go, when that were too many.
 */
static const char *validate_some(struct gomem_mcentral *c, enum gomem_span_list where,
				 struct list_pos *pos)
{
	struct gomem_span *s;
	const char *err = NULL;
	unsigned int i;

	lockdep_assert_held(&c->lock);
	for (i = 0; i < HOLD_SPANS && !err; i++) {
		s = first_span(c, where);
		if (!s || s == pos->first || pos->n > c->nspans) {
			pos->done = true;
			break;
		}
		if (!pos->first)
			pos->first = s;
		err = validate_listed(c, s, where);
		list_move_tail(&s->list, &c->list[where]);
		pos->n++;
	}
	return err;
}

/* Adds the spans of a list to @n. */
static const char *validate_list(struct gomem_mcentral *c, enum gomem_span_list where,
				 unsigned long *n)
{
	struct list_pos pos = { .n = *n };
	const char *err = NULL;
	unsigned long flags;

	while (!err && !pos.done) {
		spin_lock_irqsave(&c->lock, flags);
		err = validate_some(c, where, &pos);
		spin_unlock_irqrestore(&c->lock, flags);
		cond_resched();
	}
	*n = pos.n;
	return err;
}

static const char *validate_counts(struct gomem_mcentral *c, unsigned long listed)
{
	const char *err = NULL;
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	if (c->nspans != listed + c->ncached)
		err = "nspans is not the number of spans listed and cached";
	err = err ?: gomem_transfer_validate(&c->transfer);
	spin_unlock_irqrestore(&c->lock, flags);
	return err;
}

/**
 * gomem_mcentral_validate - check the invariants beside the struct
 * @c: an mcentral that nobody frees to meanwhile
 *
 * The lock is dropped after some spans: with spans that come and go a violation may be none.
 *
 * Context: may sleep.
 * Return: what is wrong, or NULL.
 */
const char *gomem_mcentral_validate(struct gomem_mcentral *c)
{
	const char *err = NULL;
	unsigned long n = 0;
	int where;

	for (where = 0; where < GOMEM_NR_SPAN_LISTS && !err; where++)
		err = validate_list(c, where, &n);
	return err ?: validate_counts(c, n);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_validate);
