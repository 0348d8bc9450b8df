// SPDX-License-Identifier: GPL-2.0
/*
 * allocspan.c - make spans of pages from a page cache, from the heap, from the
 * kernel, or from other nodes.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/sched.h>

#include "base/trace.h"
#include "heap/desc.h"
#include "heap/grow.h"
#include "heap/pages.h"
#include "heap/pcaches.h"
#include "heap/spanpages.h"
#include "heap/tell.h"

/*
 * Make a short span (of at most GOMEM_PCACHE_SPAN_MAX pages) from a page cache.
 * Refill the page cache first if its group has no page or if it has no
 * descriptor. Return NULL if it then still lacks a descriptor or suitable
 * pages. Caller holds @pc->lock.
 */
static struct gomem_span *take_short(struct gomem_heap *h,
				     struct gomem_pcache *pc,
				     unsigned int index,
				     const struct gomem_span_request *req)
{
	unsigned long page;
	struct gomem_span *s;
	bool refilled = false;

	lockdep_assert_held(&pc->lock);
	if (!pc->free || !pc->desc[index]) {
		gomem_heap_refill_pcache(h, pc, index);
		refilled = true;
	}
	if (!pc->desc[index])
		return NULL;
	page = gomem_pcache_alloc(pc, req->npages, req->aligned);
	if (page == GOMEM_NO_PAGE)
		return NULL;
	s = gomem_pcache_pop(pc, index);
	gomem_heap_make_span(h, pc, s, page, req);
	pc->counts.cache_spans += !refilled;
	return s;
}

/*
 * Call take_short() for this CPU's page cache, and return its result. Set
 * *@no_desc to true if there was no span because the page cache had no
 * descriptor, although its group has pages. Otherwise set *@no_desc to false.
 */
static struct gomem_span *
take_from_pcache(struct gomem_heap *h, unsigned int index,
		 const struct gomem_span_request *req, bool *no_desc)
{
	struct gomem_pcache *pc;
	struct gomem_span *s;
	unsigned long flags;

	pc = gomem_heap_lock_pcache(h, &flags);
	s = take_short(h, pc, index, req);
	*no_desc = !s && pc->free && !pc->desc[index];
	spin_unlock_irqrestore(&pc->lock, flags);
	return s;
}

/*
 * May the span come from this CPU's page cache? Only if it has at most @max
 * pages, and if this CPU may keep pages of the heap. A span that may be
 * extended comes from the heap, which searches for a run longer than the span.
 */
static bool suits_pcache(const struct gomem_heap *h,
			 const struct gomem_span_request *req, unsigned int max)
{
	return req->npages <= max && !req->grows && h->pcache_max &&
	       gomem_heap_is_near(h);
}

static void trace_alloc(const struct gomem_span *s)
{
	trace_span_alloc((void *)s->base, s->elemsize,
			 (size_t)s->npages << GOMEM_PAGE_SHIFT, s->heap->node);
}

/**
 * gomem_heap_alloc_spans - make several spans out of free pages of a heap
 * @h: the heap
 * @req: length and kind of the spans; not a large kind
 * @n: number of spans wanted
 * @spans: the stack to push the spans on
 *
 * This locks the CPU's page cache once for all spans. It tries no further than
 * to refill that page cache, so it may make fewer than @n spans. If it makes
 * none, the caller may get a single span from gomem_heap_alloc_span(), which
 * tries harder.
 *
 * Context: any but NMI.
 * Return: the number of spans made. All their objects are free, and their state
 * is DEAD until an mcentral takes them over.
 */
unsigned int gomem_heap_alloc_spans(struct gomem_heap *h,
				    const struct gomem_span_request *req,
				    unsigned int n,
				    struct gomem_span_stack *spans)
{
	unsigned int index = req->kind->desc, i;
	struct gomem_pcache *pc;
	struct gomem_span *s;
	unsigned long flags;

	if (!suits_pcache(h, req, GOMEM_PCACHE_SPAN_MAX))
		return 0;
	pc = gomem_heap_lock_pcache(h, &flags);
	for (i = 0; i < n; i++) {
		s = take_short(h, pc, index, req);
		if (!s)
			break;
		gomem_span_push(spans, s);
	}
	spin_unlock_irqrestore(&pc->lock, flags);
	if (i && trace_span_alloc_enabled())
		for (s = spans->top; s; s = s->next)
			trace_alloc(s);
	return i;
}

/*
 * Make a span out of a run, or return NULL. If the run has no span, the page
 * cache needs to have a descriptor. If the run has a span, the descriptor of
 * this span needs to have the size requested. Caller holds @pc->lock.
 */
static struct gomem_span *use_run(struct gomem_heap *h, struct gomem_pcache *pc,
				  const struct gomem_span_request *req)
{
	int i = gomem_pcache_find_run(pc, req->npages, req->aligned);
	unsigned int index = req->kind->desc;
	struct gomem_span *s;
	unsigned long page;

	if (i < 0)
		return NULL;
	page = pc->run[i].page;
	s = pc->run[i].span;
	if (s ? s->desc != index : !pc->desc[index])
		return NULL;
	gomem_pcache_drop_run(pc, i);
	atomic_long_sub(req->npages, &h->run_pages);
	if (s && s->kind == req->kind && !req->arena) {
		gomem_heap_take_up(h, pc, s, page);
		return s;
	}
	if (!s)
		s = gomem_pcache_pop(pc, index);
	gomem_heap_make_span(h, pc, s, page, req);
	return s;
}

/*
 * Make a span out of a run that this CPU's page cache keeps. Return NULL if
 * there is no run of the length and alignment requested, or if use_run() finds
 * no descriptor.
 */
static noinline struct gomem_span *
alloc_from_run(struct gomem_heap *h, const struct gomem_span_request *req)
{
	struct gomem_pcache *pc;
	struct gomem_span *s;
	unsigned long flags;

	pc = gomem_heap_lock_pcache(h, &flags);
	s = use_run(h, pc, req);
	pc->counts.cache_spans += !!s;
	spin_unlock_irqrestore(&pc->lock, flags);
	if (s && trace_span_alloc_enabled())
		trace_alloc(s);
	return s;
}

/*
 * Make a span of at most GOMEM_PCACHE_SPAN_MAX pages from this CPU's page
 * cache, or return NULL. If the page cache has pages but no descriptor, get
 * memory for descriptors and try again.
 */
static noinline struct gomem_span *
alloc_short(struct gomem_heap *h, const struct gomem_span_request *req)
{
	unsigned int index = req->kind->desc;
	struct gomem_span *s;
	bool no_desc;

	do {
		s = take_from_pcache(h, index, req, &no_desc);
	} while (no_desc &&
		 gomem_heap_refill_descs(h, &h->spanalloc[index], req->gfp));
	if (s)
		trace_alloc(s);
	return s;
}

/*
 * Make a span from this CPU's page cache, or return NULL. The heap lock, for
 * which the CPUs of a node compete, is taken only when pages or descriptors of
 * the page cache run out.
 */
static struct gomem_span *
alloc_from_pcache(struct gomem_heap *h, const struct gomem_span_request *req)
{
	struct gomem_span *s = NULL;

	if (!suits_pcache(h, req, GOMEM_PCACHE_RUN_MAX))
		return NULL;
	if (gomem_makes_run(req->npages))
		s = alloc_from_run(h, req);
	if (!s && req->npages <= GOMEM_PCACHE_SPAN_MAX)
		s = alloc_short(h, req);
	return s;
}

/*
 * Find pages for a request by any means. Return the first page, or
 * GOMEM_NO_PAGE. Before the heap grows, empty this CPU's slots that hold many
 * bytes, and all page caches. If the pages belong to another heap, set @from to
 * that heap and a span descriptor of that heap.
 */
static noinline unsigned long find_pages(struct gomem_supply *from,
					 const struct gomem_span_request *req)
{
	struct gomem_heap *h = from->heap;
	unsigned long page;

	if (req->grows && gomem_heap_is_near(h))
		gomem_heap_join_runs(h);
	page = gomem_heap_take(h, req);
	if (page == GOMEM_NO_PAGE && h->relieve &&
	    h->relieve(h, gfpflags_allow_blocking(req->gfp)))
		page = gomem_heap_take(h, req);
	if (page == GOMEM_NO_PAGE && gomem_heap_drain_pcaches(h, false))
		page = gomem_heap_take(h, req);
	return page == GOMEM_NO_PAGE ? gomem_heap_grow(from, req) : page;
}

/*
 * Make a span of the pages that were found for a request to the heap @h, and of
 * the descriptor in @from.
 */
static noinline struct gomem_span *
make_span(struct gomem_heap *h, const struct gomem_supply *from,
	  unsigned long page, const struct gomem_span_request *req)
{
	struct gomem_pcache *pc;
	unsigned long flags;

	if (from->heap != h)
		gomem_heap_count(h, &h->stats.peer_spans);
	pc = gomem_heap_lock_pcache(from->heap, &flags);
	gomem_heap_make_span(from->heap, pc, from->desc, page, req);
	spin_unlock_irqrestore(&pc->lock, flags);
	trace_alloc(from->desc);
	return from->desc;
}

/*
 * Give up a request to the heap @h, and count the failure for @h. The functions
 * of grow.c cannot count the failure: they know only @from, whose heap may be
 * that of another node by then. A failed request with @req->local is not
 * counted: its caller tries other nodes next, and a hard request at the end.
 */
static noinline void *give_up(struct gomem_heap *h,
			      const struct gomem_supply *from,
			      const struct gomem_span_request *req)
{
	if (!req->local)
		gomem_heap_count(h, &h->stats.grow_failures);
	gomem_heap_free_desc(from->heap,
			     &from->heap->spanalloc[req->kind->desc],
			     from->desc);
	return NULL;
}

/* Get the descriptor first: if there is none, no pages have to be put back. */
static struct gomem_span *alloc_from_heap(struct gomem_heap *h,
					  const struct gomem_span_request *req)
{
	unsigned int index = req->kind->desc;
	struct gomem_supply from = { .heap = h };
	unsigned long page;

	from.desc = gomem_heap_alloc_desc(h, &h->spanalloc[index], req->gfp);
	if (!from.desc)
		return NULL;
	page = find_pages(&from, req);
	if (page == GOMEM_NO_PAGE)
		return give_up(h, &from, req);
	gomem_heap_tell_much(from.heap);
	return make_span(h, &from, page, req);
}

/*
 * Must the request be repeated until it succeeds, because of __GFP_NOFAIL? Not
 * if it is for more pages than a chunk has: a heap cannot get a block of that
 * length, so the request would be repeated for ever.
 */
static bool may_wait_forever(const struct gomem_span_request *req)
{
	return !req->local && (req->gfp & __GFP_NOFAIL) &&
	       gfpflags_allow_blocking(req->gfp) &&
	       req->npages <= GOMEM_CHUNK_PAGES;
}

static noinline struct gomem_span *
alloc_with_effort(struct gomem_heap *h, const struct gomem_span_request *req)
{
	struct gomem_span *s;

	while (!(s = alloc_from_heap(h, req)) && may_wait_forever(req))
		schedule_timeout_uninterruptible(1);
	return s;
}

/**
 * gomem_heap_alloc_span - make a span
 * @h: the heap
 * @req: length and kind of the span, and how hard to try
 *
 * If the node of @h has no memory, the span may be another node's, unless
 * @req->local is set or the gfp has __GFP_THISNODE. With __GFP_NOFAIL in a gfp
 * that may sleep this never fails, unless @req->local is set or the span is
 * longer than a chunk.
 *
 * Context: any but NMI; may sleep if @req->gfp allows it.
 * Return: a span that the caller owns; NULL if there is no memory. The objects
 * of a small span are free, and its state is DEAD until an mcentral takes it
 * over. The one object of a large span is allocated.
 */
struct gomem_span *gomem_heap_alloc_span(struct gomem_heap *h,
					 const struct gomem_span_request *req)
{
	return alloc_from_pcache(h, req) ?: alloc_with_effort(h, req);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_alloc_span);
