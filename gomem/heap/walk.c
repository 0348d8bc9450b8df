// SPDX-License-Identifier: GPL-2.0
/*
 * walk.c - visit the live spans of a heap.
 */
#include <kunit/visibility.h>
#include <linux/limits.h>
#include <linux/sched.h>

#include "heap/mheap.h"

/*
 * Number of pages visited under one hold of the heap lock. It bounds how often
 * the callback is called under that hold: at most one span begins in each page.
 */
#define WALK_PAGES	4

/*
 * Visit the spans that begin in pages @first to @first + WALK_PAGES - 1 of the
 * chunk number @ci.
 */
static void walk_pages(struct gomem_heap *h, unsigned long ci,
		       unsigned int first, gomem_span_fn fn, void *arg)
{
	struct gomem_chunk *c = gomem_pagealloc_chunk(&h->pages, ci);
	unsigned long flags, page = (ci << GOMEM_CHUNK_PAGES_SHIFT) + first;
	struct gomem_span *s;
	unsigned int i;

	spin_lock_irqsave(&h->lock, flags);
	for (i = first; i < first + WALK_PAGES; i++, page++) {
		s = READ_ONCE(c->tag[i]) ? READ_ONCE(c->span[i]) : NULL;
		if (s && s->base == gomem_heap_addr(h, page))
			fn(s, arg);
	}
	spin_unlock_irqrestore(&h->lock, flags);
}

/*
 * Return the number of the first chunk from number @ci on that is covered, or
 * ULONG_MAX if there is none.
 */
static unsigned long next_covered(struct gomem_heap *h, unsigned long ci)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	ci = gomem_pagealloc_next_covered(&h->pages, ci);
	if (ci >= gomem_pagealloc_end(&h->pages))
		ci = ULONG_MAX;
	spin_unlock_irqrestore(&h->lock, flags);
	return ci;
}

/**
 * gomem_heap_walk_spans - visit all live spans by rising address
 * @h: the heap
 * @fn: called with the heap lock held
 * @arg: passed to @fn
 *
 * The lock is dropped after every 4 pages. Spans whose pages come from a page
 * cache are made and freed without the lock. So each live span is visited, and
 * in a consistent state, only if no CPU makes or frees spans meanwhile.
 *
 * Context: may sleep.
 */
void gomem_heap_walk_spans(struct gomem_heap *h, gomem_span_fn fn, void *arg)
{
	unsigned long ci;
	unsigned int i;

	for (ci = next_covered(h, 0); ci != ULONG_MAX;
	     ci = next_covered(h, ci + 1)) {
		cond_resched();
		if (gomem_pagealloc_chunk(&h->pages, ci) == &gomem_no_chunk)
			continue;
		for (i = 0; i < GOMEM_CHUNK_PAGES; i += WALK_PAGES)
			walk_pages(h, ci, i, fn, arg);
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_walk_spans);
