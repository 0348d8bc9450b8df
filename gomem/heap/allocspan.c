// SPDX-License-Identifier: GPL-2.0
/*
 * allocspan.c - make spans: of pages of a page cache, of the heap, of the
 * kernel, or of other nodes.
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
 * Make a short span (of at most GOMEM_PCACHE_SPAN_MAX pages) from a page cache,
 * which is refilled if necessary. Return NULL if it lacks pages or a
 * descriptor. Caller holds @pc->lock.
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
 * Make a short span from this CPU's page cache. On failure @no_desc is set to
 * whether only a descriptor is missing.
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

/* Can a span of this length, at most @max, come from this CPU's page cache? */
static bool suits_pcache(const struct gomem_heap *h,
			 const struct gomem_span_request *req, unsigned int max)
{
	return req->npages <= max && h->pcache_max && gomem_heap_is_near(h);
}

static void trace_alloc(const struct gomem_span *s)
{
	trace_span_alloc((void *)s->base, s->elemsize,
			 (size_t)s->npages << GOMEM_PAGE_SHIFT, s->heap->node);
}

/**
 * gomem_heap_alloc_spans - make several spans out of free pages of a heap
 * @h: the heap
 * @req: their length and kind, which is not large
 * @n: how many
 * @spans: the stack to push them on
 *
 * The page cache is locked once for all of them. This is for spans that are
 * wanted in advance: it may make fewer than @n, or none. The caller then gets a
 * single span from gomem_heap_alloc_span(), which tries harder.
 *
 * Context: any but NMI.
 * Return: how many were made. All their objects are free, their state is DEAD.
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
 * Make a span out of a run of this CPU's page cache, and a descriptor
 * that was kept with such a run. Return NULL if the page cache has no run that
 * suits the request, or no descriptor.
 */
static noinline struct gomem_span *
alloc_from_run(struct gomem_heap *h, const struct gomem_span_request *req)
{
	unsigned int index = req->kind->desc;
	unsigned long page = GOMEM_NO_PAGE, flags;
	struct gomem_span *s = NULL;
	struct gomem_pcache *pc;

	pc = gomem_heap_lock_pcache(h, &flags);
	if (pc->desc[index])
		page = gomem_pcache_take_run(pc, req->npages, req->aligned);
	if (page != GOMEM_NO_PAGE) {
		atomic_long_sub(req->npages, &h->run_pages);
		s = gomem_pcache_pop(pc, index);
		gomem_heap_make_span(h, pc, s, page, req);
		pc->counts.cache_spans++;
	}
	spin_unlock_irqrestore(&pc->lock, flags);
	if (s)
		trace_alloc(s);
	return s;
}

/* Make a short span from this CPU's page cache; get descriptors if need be. */
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
 * Make a span from this CPU's page cache. The heap lock, which other CPUs want,
 * is taken only to refill the cache.
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
 * Find pages by any means. Before the heap grows, this CPU's slots give back
 * what they do not need, and all page caches are emptied. Set @from to the heap
 * that the pages belong to, and a descriptor of that heap.
 */
static noinline unsigned long find_pages(struct gomem_supply *from,
					 const struct gomem_span_request *req)
{
	struct gomem_heap *h = from->heap;
	unsigned long page = gomem_heap_take(h, req);

	if (page == GOMEM_NO_PAGE && h->relieve && h->relieve(h))
		page = gomem_heap_take(h, req);
	if (page == GOMEM_NO_PAGE && gomem_heap_drain_pcaches(h, false))
		page = gomem_heap_take(h, req);
	return page == GOMEM_NO_PAGE ? gomem_heap_grow(from, req) : page;
}

/* Make the span that the heap @h asked for. */
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
 * Give up a request of the heap @h. The failure counts here, not in grow.c,
 * where @from may be another heap already. If a request for local memory fails,
 * that does not count: its caller asks other nodes next.
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

/* Get the descriptor first: if that fails there is nothing to undo. */
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

/* No kernel block has more pages than a chunk: waiting for more is in vain. */
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
 * @req: its length and kind, and how hard to try
 *
 * Context: any but NMI; may sleep if @req->gfp allows it.
 * Return: a span that the caller owns, of another node if this one has no
 * memory. A small span has all objects free, and is DEAD until mcentral takes
 * it over; a large span has its one object allocated. NULL if there is no
 * memory. With __GFP_NOFAIL in a gfp that may sleep this never fails, unless
 * @req->local is set or the span is longer than a chunk.
 */
struct gomem_span *gomem_heap_alloc_span(struct gomem_heap *h,
					 const struct gomem_span_request *req)
{
	return alloc_from_pcache(h, req) ?: alloc_with_effort(h, req);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_alloc_span);
