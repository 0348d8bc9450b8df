// SPDX-License-Identifier: GPL-2.0
/*
 * extendspan.c - extend the span of a large object by the pages after it.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>

#include "heap/pages.h"
#include "heap/pcaches.h"
#include "heap/spanpages.h"

/*
 * Take @npages pages from @page on: as many as possible from this CPU's page
 * cache, the others from the heap. If not all are free, take none and return
 * false. Caller holds @pc->lock.
 */
static bool take_at(struct gomem_heap *h, struct gomem_pcache *pc,
		    unsigned long page, unsigned int npages)
{
	unsigned int cached = gomem_pcache_has(pc, page, npages);
	bool ok = true;

	lockdep_assert_held(&pc->lock);
	if (cached < npages) {
		spin_lock(&h->lock);
		h->stats.lock_taken++;
		ok = gomem_pagealloc_alloc_range(&h->pages, page + cached,
						 npages - cached);
		gomem_heap_note_peak(h);
		spin_unlock(&h->lock);
	}
	if (ok)
		gomem_pcache_take(pc, page, cached);
	return ok;
}

/**
 * gomem_heap_extend_span - extend a large span if the pages after it are free
 * @s: the span, whose object the caller has claimed
 * @npages: the new length in gomem pages
 * @zero: if the span is extended, set to true if the added pages are known to
 *	be zero, else to false
 *
 * While the object is claimed, no other CPU can free or resize it. So no other
 * CPU relies on the length of the span while this function changes it.
 *
 * Context: any but NMI.
 * Return: true if the span was extended. False, with nothing changed, if the
 * pages are not free, if they are not of this CPU's node, or if the span has
 * @npages pages or more already.
 */
bool gomem_heap_extend_span(struct gomem_span *s, unsigned int npages,
			    bool *zero)
{
	struct gomem_heap *h = s->heap;
	unsigned long end = gomem_heap_page(h, s->base) + s->npages, flags;
	struct gomem_pcache *pc;
	unsigned int more;
	bool ok;

	if (npages <= s->npages || !gomem_heap_is_near(h))
		return false;
	more = npages - s->npages;
	pc = gomem_heap_lock_pcache(h, &flags);
	ok = take_at(h, pc, end, more);
	if (ok)
		*zero = gomem_heap_add_to_span(h, pc, s, end, more);
	spin_unlock_irqrestore(&pc->lock, flags);
	return ok;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_extend_span);
