// SPDX-License-Identifier: GPL-2.0
/*
 * freespan.c - give the pages of empty spans to page caches and to the heap.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>

#include "base/trace.h"
#include "heap/goal.h"
#include "heap/pages.h"
#include "heap/pcaches.h"
#include "heap/spanpages.h"

/*
 * The most spans that are freed under one hold of the locks of the page cache
 * and the heap, with interrupts off.
 */
#define FREE_BATCH	32

/*
 * Return the maximum number of pages that the runs of a heap's page caches may
 * have together: max(pages of the heap / 16, GOMEM_PCACHE_RUN_MAX). The second
 * number is the maximum length of one run.
 */
static unsigned long runs_limit(struct gomem_heap *h)
{
	return max_t(unsigned long, gomem_heap_backed_pages(h) / 16,
		     GOMEM_PCACHE_RUN_MAX);
}

/*
 * Keep the pages of a span as a run of the page cache. @s: the span, if it is
 * kept, too; else NULL. Return false if the page cache has no room, or if the
 * runs of all page caches would exceed runs_limit().
 */
static bool keep_run(struct gomem_heap *h, struct gomem_pcache *pc,
		     unsigned long page, unsigned int npages,
		     struct gomem_span *s)
{
	if (pc->nr_runs == GOMEM_PCACHE_RUNS)
		return false;
	if (atomic_long_add_return(npages, &h->run_pages) > runs_limit(h)) {
		atomic_long_sub(npages, &h->run_pages);
		return false;
	}
	gomem_pcache_put_run(pc, page, npages, s);
	return true;
}

/*
 * Keep pages as keep_run() does, but first release the oldest run of the page
 * cache, and further runs until there is room. Return false if there is no room
 * even then. Caller holds the heap lock.
 */
static bool keep_run_instead(struct gomem_heap *h, struct gomem_pcache *pc,
			     unsigned long page, unsigned int npages)
{
	lockdep_assert_held(&h->lock);
	while (pc->nr_runs) {
		gomem_heap_release_run(h, pc, 0);
		if (keep_run(h, pc, page, npages, NULL))
			return true;
	}
	return false;
}

/*
 * Keep pages in the page cache. They join the pages of its group, unless
 * gomem_pcache_free() refuses them, for example because the cache would then
 * have more than @limit pages of the group. Otherwise they become a run. Return
 * false if neither is possible.
 */
static bool keep_pages(struct gomem_heap *h, struct gomem_pcache *pc,
		       unsigned long page, unsigned int npages,
		       unsigned int limit)
{
	if (gomem_pcache_free(pc, page, npages, limit))
		return true;
	return gomem_makes_run(npages) && keep_run(h, pc, page, npages, NULL);
}

/* Adjacent pages that go back to the heap together. */
struct page_range {
	unsigned long page;
	unsigned int npages;
};

static void release_range(struct gomem_heap *h, const struct page_range *r)
{
	if (r->npages)
		gomem_heap_release(h, r->page, r->npages);
}

/*
 * Add pages to a range. If they are not adjacent to the range, or would make it
 * longer than a chunk, release the range first and begin a new one.
 */
static void extend_range(struct gomem_heap *h, struct page_range *r,
			 unsigned long page, unsigned int npages)
{
	if (r->npages + npages <= GOMEM_CHUNK_PAGES &&
	    page == r->page + r->npages) {
		r->npages += npages;
		return;
	}
	if (r->npages + npages <= GOMEM_CHUNK_PAGES &&
	    page + npages == r->page) {
		r->page = page;
		r->npages += npages;
		return;
	}
	release_range(h, r);
	r->page = page;
	r->npages = npages;
}

/*
 * Take a span apart, and keep its pages and its descriptor in the page cache if
 * there is room. @limit is gomem_heap_pcache_limit(), or 0 to keep nothing. If
 * the pages are kept, set @s->npages to 0. Return true if the pages and the
 * descriptor are kept. Caller holds @pc->lock.
 */
static bool free_to_pcache(struct gomem_heap *h, struct gomem_pcache *pc,
			   struct gomem_span *s, unsigned int limit)
{
	unsigned long page = gomem_heap_page(h, s->base);
	unsigned int index = s->desc;

	lockdep_assert_held(&pc->lock);
	gomem_heap_take_apart(h, pc, s, page);
	if (!limit || !keep_pages(h, pc, page, s->npages, limit))
		return false;
	s->npages = 0;
	return gomem_pcache_push(pc, index, s);
}

/*
 * Give the heap the pages and descriptors that free_to_pcache() did not keep.
 * But if @limit, which free_to_pcache() was called with, is not 0, the page
 * cache keeps some of them after all: pages of long spans, in place of its
 * older runs, and descriptors, if it has room. Caller holds the locks of the
 * page cache and of the heap.
 */
static void free_to_heap(struct gomem_heap *h, struct gomem_pcache *pc,
			 struct gomem_span_stack *spans, unsigned int limit)
{
	struct page_range range = { GOMEM_NO_PAGE, 0 };
	struct gomem_span *s;
	unsigned long page;
	unsigned int index;

	lockdep_assert_held(&h->lock);
	while ((s = gomem_span_pop(spans))) {
		page = gomem_heap_page(h, s->base);
		index = s->desc;
		if (s->npages &&
		    !(limit && gomem_makes_run(s->npages) &&
		      keep_run_instead(h, pc, page, s->npages)))
			extend_range(h, &range, page, s->npages);
		if (!limit || !gomem_pcache_push(pc, index, s))
			gomem_fixalloc_free(&h->spanalloc[index], s);
	}
	release_range(h, &range);
}

static void trace_free(const struct gomem_span *s)
{
	if (!trace_span_free_enabled())
		return;
	trace_span_free((void *)s->base, s->elemsize,
			(size_t)s->npages << GOMEM_PAGE_SHIFT, s->heap->node);
}

static void free_some(struct gomem_heap *h, struct gomem_span_stack *spans,
		      unsigned int n)
{
	unsigned int limit = gomem_heap_is_near(h) && h->pcache_max ?
			     gomem_heap_pcache_limit(h) : 0;
	struct gomem_span_stack others = { NULL };
	struct gomem_pcache *pc;
	struct gomem_span *s;
	unsigned long flags;
	unsigned int freed = 0;
	bool some;

	pc = gomem_heap_lock_pcache(h, &flags);
	while (n-- && (s = gomem_span_pop(spans))) {
		freed += s->npages;
		trace_free(s);
		if (!free_to_pcache(h, pc, s, limit))
			gomem_span_push(&others, s);
	}
	some = others.top;
	if (some) {
		spin_lock(&h->lock);
		h->stats.lock_taken++;
		free_to_heap(h, pc, &others, limit);
		spin_unlock(&h->lock);
	}
	spin_unlock_irqrestore(&pc->lock, flags);
	/*
	 * gomem_heap_kick() acts if the heap has many free pages. Skip it if
	 * the page cache kept all spans, with at most GOMEM_PCACHE_SPAN_MAX
	 * pages together. Of these pages, only those that became a run count
	 * there as free pages of the heap, and they are too few to matter.
	 */
	if (some || freed > GOMEM_PCACHE_SPAN_MAX)
		gomem_heap_kick(h, freed);
}

/**
 * gomem_heap_free_spans - give the pages of empty spans back to the heap
 * @h: their heap
 * @spans: small spans that the caller owns: without objects, on no list, and
 *	cached by no CPU
 *
 * Context: any but NMI.
 */
void gomem_heap_free_spans(struct gomem_heap *h, struct gomem_span_stack *spans)
{
	while (spans->top)
		free_some(h, spans, FREE_BATCH);
}

static noinline void free_alone(struct gomem_span *s)
{
	struct gomem_span_stack spans = { NULL };

	gomem_span_push(&spans, s);
	free_some(s->heap, &spans, 1);
}

/*
 * Keep a whole span, which can be laid aside, as a run, for the next large
 * object of the same length. If there is no room for a run, return false, with
 * nothing changed. Caller holds @pc->lock.
 */
static bool keep_whole(struct gomem_heap *h, struct gomem_pcache *pc,
		       struct gomem_span *s, unsigned long page)
{
	if (!keep_run(h, pc, page, s->npages, s))
		return false;
	trace_free(s);
	gomem_heap_lay_aside(h, pc, s, page);
	return true;
}

/*
 * Take a span apart, and keep its pages and its descriptor, if there is room
 * for both. Else return false, with nothing changed. Caller holds @pc->lock.
 */
static bool keep_parts(struct gomem_heap *h, struct gomem_pcache *pc,
		       struct gomem_span *s, unsigned long page)
{
	unsigned int npages = s->npages, index = s->desc, limit = 0;

	/*
	 * "limit" bounds the pages that the page cache has in its group. A span
	 * of more than GOMEM_PCACHE_SPAN_MAX pages does not join the group.
	 */
	if (npages <= GOMEM_PCACHE_SPAN_MAX)
		limit = gomem_heap_pcache_limit(h);
	if (pc->nr_desc[index] == GOMEM_PCACHE_DESCS ||
	    !keep_pages(h, pc, page, npages, limit))
		return false;
	trace_free(s);
	gomem_heap_take_apart(h, pc, s, page);
	gomem_pcache_push(pc, index, s);
	return true;
}

/*
 * Keep a span, or its pages and its descriptor, in this CPU's page cache. If
 * there is no room, return false, with nothing changed. The span has a length
 * for which gomem_makes_run() is true. There usually is room, and then this
 * function is faster than free_some().
 */
static bool free_to_run(struct gomem_heap *h, struct gomem_span *s)
{
	unsigned long page = gomem_heap_page(h, s->base), flags;
	struct gomem_pcache *pc;
	bool kept;

	pc = gomem_heap_lock_pcache(h, &flags);
	kept = gomem_heap_may_lay_aside(s, page) ?
		       keep_whole(h, pc, s, page) : keep_parts(h, pc, s, page);
	spin_unlock_irqrestore(&pc->lock, flags);
	return kept;
}

/**
 * gomem_heap_free_span - give an empty span's pages to a page cache or the heap
 * @s: a small span without objects that is on no list and cached by no CPU, or
 *	a large span that was claimed, or an arena's span
 *
 * Context: any but NMI.
 */
void gomem_heap_free_span(struct gomem_span *s)
{
	struct gomem_heap *h = s->heap;
	unsigned int npages = s->npages;

	if (gomem_makes_run(npages) && h->pcache_max &&
	    gomem_heap_is_near(h) && free_to_run(h, s))
		gomem_heap_kick(h, npages);
	else
		free_alone(s);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_free_span);
