// SPDX-License-Identifier: GPL-2.0
/*
 * pages.c - take free pages of a heap, and make them free again.
 */
#include <linux/bug.h>
#include <linux/lockdep.h>

#include "map/waitpage.h"
#include "heap/pages.h"

/* A span that may be extended is put into a run this many times as long. */
#define GROWTH_ROOM	4

/*
 * Take the first @npages pages of a free run that is GROWTH_ROOM times as long.
 * So the span can be extended in place as long as the other pages of the run
 * are not taken for another span. Return GOMEM_NO_PAGE if there is no such run.
 */
static unsigned long take_with_room(struct gomem_heap *h, unsigned int npages)
{
	unsigned int room = (GROWTH_ROOM - 1) * npages;
	unsigned long page = gomem_pagealloc_alloc(&h->pages, npages + room);

	if (page != GOMEM_NO_PAGE)
		WARN_ON_ONCE(!gomem_pagealloc_free(&h->pages, page + npages,
						   room));
	return page;
}

/* Take free pages. Caller holds the heap lock. */
static unsigned long take(struct gomem_heap *h,
			  const struct gomem_span_request *req)
{
	unsigned long page = GOMEM_NO_PAGE;

	lockdep_assert_held(&h->lock);
	if (req->aligned && req->npages > 1)
		return gomem_pagealloc_alloc_aligned(&h->pages, req->npages);
	if (req->grows && req->npages <= GOMEM_CHUNK_PAGES / GROWTH_ROOM)
		page = take_with_room(h, req->npages);
	if (page != GOMEM_NO_PAGE)
		return page;
	return gomem_pagealloc_alloc(&h->pages, req->npages);
}

/**
 * gomem_heap_take - take free pages of a heap
 * @h: the heap
 * @req: how many pages, and how they are aligned
 *
 * Context: any but NMI.
 * Return: the first page; GOMEM_NO_PAGE if the heap has no free run for @req.
 */
unsigned long gomem_heap_take(struct gomem_heap *h,
			      const struct gomem_span_request *req)
{
	unsigned long page, flags;

	gomem_heap_lock_for_spans(h, &flags);
	page = take(h, req);
	gomem_heap_note_peak(h);
	spin_unlock_irqrestore(&h->lock, flags);
	return page;
}

/**
 * gomem_heap_release - make taken pages free
 * @h: the heap, locked
 * @page: the first page
 * @npages: how many, at most GOMEM_CHUNK_PAGES
 *
 * The pages have no tags any more. But a free on another CPU may have read a
 * tag before it was cleared, and be about to read the object, with preemption
 * or interrupts off from the first read to the second. The second read must be
 * from a gomem page. So the heap may reuse the pages at once, but gives them
 * back to the kernel only after an RCU grace period. This function marks the
 * pages as waiting for it.
 */
void gomem_heap_release(struct gomem_heap *h, unsigned long page,
			unsigned int npages)
{
	unsigned long end = page + npages;
	struct gomem_chunk *c;
	unsigned int n;

	lockdep_assert_held(&h->lock);
	if (WARN_ON_ONCE(!gomem_pagealloc_free(&h->pages, page, npages)))
		return;
	for (; page < end; page += n) {
		n = gomem_pagealloc_piece(page, end);
		c = gomem_pagealloc_chunk_of(&h->pages, page);
		gomem_waiting_add(c, page % GOMEM_CHUNK_PAGES, n);
		gomem_candidates_mark(&h->candidates, c,
				      page >> GOMEM_CHUNK_PAGES_SHIFT);
	}
}
