// SPDX-License-Identifier: GPL-2.0
/*
 * undo.c - what a call fetched goes back if the call fails half-way.
 *
 * Such a call has found the last memory that there was, and gives up. Until the background
 * had its turn that memory would be nobody's, while others look for some.
 */
#include <kunit/visibility.h>
#include <linux/irqflags.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

#include "mcache.h"
#include "node.h"
#include "scavenge.h"
#include "shrink.h"
#include "undo.h"

/*
 * May the call sleep for a grace period? Not if it is made by a task that reclaims memory,
 * nor by one that such a task may wait for.
 */
static bool may_wait(gfp_t gfp)
{
	return (current_gfp_context(gfp) & GFP_KERNEL) == GFP_KERNEL &&
	       !(current->flags & PF_MEMALLOC);
}

static unsigned long scavenge(struct gomem_heap *h, unsigned long pages)
{
	pages = min(pages, gomem_heap_surplus(h));
	return pages ? gomem_heap_scavenge(h, pages, GOMEM_SCAVENGE_FREE) : 0;
}

/*
 * A work does it as soon as a grace period is over. The caller may have a lock that waking a
 * worker takes, too: then the epoch's next look does.
 */
static unsigned long leave_to_work(struct gomem_heap *h, unsigned long pages)
{
	bool owes;

	pages = min(pages, gomem_heap_surplus(h));
	if (!pages || irqs_disabled())
		return 0;
	pages = gomem_heap_owe(h, pages, &owes);
	if (owes)
		gomem_shrink_pay_later();
	return pages;
}

/**
 * gomem_heap_undo - give back pages that became free when a call failed
 * @h: the heap
 * @pages: how many the call had, at most
 * @gfp: the call's
 *
 * As after any free the heap keeps a share of what is in use, see gomem_heap_surplus().
 * Pages may go a grace period after they became free. The call waits for an expedited one
 * if it may; else a work does.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: how many pages went back, or will.
 */
unsigned long gomem_heap_undo(struct gomem_heap *h, unsigned long pages, gfp_t gfp)
{
	unsigned long n;

	if (!gfpflags_allow_blocking(gfp))
		return leave_to_work(h, pages);
	gomem_mcache_drain_transfers(h);
	gomem_heap_drain_pcaches(h, false);
	n = scavenge(h, pages);
	if (n == pages || !gomem_heap_surplus(h))
		return n;
	if (!may_wait(gfp))
		return n + leave_to_work(h, pages - n);
	gomem_heap_wait_for_grace(h, get_state_synchronize_rcu(), true);
	return n + scavenge(h, pages - n);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_undo);

/**
 * gomem_undo - a call failed half-way, and has freed what it had
 * @k: the kind of its objects
 * @n: how many
 * @gfp: the call's
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 */
void gomem_undo(const struct gomem_kind *k, size_t n, gfp_t gfp)
{
	gomem_undo_pages(DIV_ROUND_UP(n, k->nelems) * k->npages, gfp);
}

/**
 * gomem_undo_pages - the same of large objects, or of objects that have spans
 * @pages: how many gomem pages these were
 * @gfp: the call's
 *
 * Some more may have been fetched ahead, up to a chunk.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 */
void gomem_undo_pages(unsigned long pages, gfp_t gfp)
{
	struct gomem_heap *h;

	if (!pages)
		return;
	pages += GOMEM_CHUNK_PAGES;
	for_each_gomem_heap(h) {
		pages -= min(pages, gomem_heap_undo(h, pages, gfp));
		if (!pages)
			break;
	}
}
