/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pages.h - take free pages of a heap, and make them free again.
 *
 * For the files of the heap only.
 */
#ifndef GOMEM_PAGES_H
#define GOMEM_PAGES_H

#include <linux/compiler.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>

#include "heap/mheap.h"

unsigned long gomem_heap_take(struct gomem_heap *h,
			      const struct gomem_span_request *req);
void gomem_heap_release(struct gomem_heap *h, unsigned long page,
			unsigned int npages);

/* Lock the heap to make or free spans, and count that: it should be rare. */
static inline void gomem_heap_lock_for_spans(struct gomem_heap *h,
					     unsigned long *flags)
	__acquires(&h->lock)
{
	spin_lock_irqsave(&h->lock, *flags);
	h->stats.lock_taken++;
}

/*
 * Update the peak of pages that are not free, after pages were taken.
 * gomem_heap_set_goal() sets the heap's goal by this peak. The caller holds the
 * heap's lock.
 */
static inline void gomem_heap_note_peak(struct gomem_heap *h)
{
	unsigned long used = h->pages.backed_pages - h->pages.free_pages;

	lockdep_assert_held(&h->lock);
	h->peak_pages = max(h->peak_pages, used);
}

#endif /* GOMEM_PAGES_H */
