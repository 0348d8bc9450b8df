// SPDX-License-Identifier: GPL-2.0
/*
 * undo.c - give memory back to the kernel when a bulk allocation fails.
 *
 * Before it failed, the allocation may have taken the last free memory of the
 * machine. If this memory stayed in the heap until the background scavenger
 * gives it back, the rest of the kernel would lack it meanwhile.
 */
#include <kunit/visibility.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>

#include "heap/scavenge.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "api/undo.h"

/*
 * May an allocation with @gfp sleep for a grace period? A task that reclaims
 * memory may not. Neither may a call that such a task may wait for (GFP_NOFS,
 * GFP_NOIO), nor one that would rather fail soon (__GFP_NORETRY).
 */
static bool may_wait(gfp_t gfp)
{
	return (current_gfp_context(gfp) & GFP_KERNEL) == GFP_KERNEL &&
	       !(gfp & __GFP_NORETRY) && !(current->flags & PF_MEMALLOC);
}

static unsigned long scavenge(struct gomem_heap *h, unsigned long pages)
{
	pages = min(pages, gomem_heap_surplus(h));
	return pages ? gomem_heap_scavenge(h, pages, GOMEM_SCAVENGE_FREE) : 0;
}

/*
 * Let the work of gomem_nodes_pay_later() give pages back as soon as a grace
 * period is over. Return how many pages it will give back. With interrupts off
 * the caller may hold a lock that the wake-up of a worker takes, too: then
 * return 0, and leave the pages to the next look.
 */
static unsigned long leave_to_work(struct gomem_heap *h, unsigned long pages)
{
	unsigned long surplus = gomem_heap_surplus(h), owed;
	bool owes;

	if (!surplus || irqs_disabled())
		return 0;
	/*
	 * Many calls may fail before the work runs. Together they should
	 * announce no more than the surplus. A few pages more do no harm, so
	 * h->owed_pages is read without h->lock.
	 */
	owed = data_race(h->owed_pages);
	pages = min(pages, surplus - min(surplus, owed));
	pages = gomem_heap_owe(h, pages, &owes);
	if (owes)
		gomem_nodes_pay_later();
	return pages;
}

static unsigned long undo_now(struct gomem_heap *h, unsigned long pages,
			      gfp_t gfp)
{
	unsigned long n;

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

/*
 * If calls for few pages fail in a loop, they must not each empty the page
 * caches of all CPUs, nor each start an expedited grace period, which
 * interrupts all CPUs. So such calls together spend at most 1 / UNDO_PAUSE of
 * the time on giving pages back. In the rest of the time a work does it, once
 * for many calls. A call that may sleep, and has at least UNDO_LARGE pages
 * (including the chunk that gomem_undo_pages() adds), always gives them back
 * itself. It took longer to allocate these pages than it takes to give them
 * back, and the rest of the kernel may lack just this memory.
 */
#define UNDO_PAUSE	8
#define UNDO_LARGE	(SZ_16M / GOMEM_PAGE_SIZE)

static bool may_undo_now(const struct gomem_heap *h, unsigned long pages,
			 gfp_t gfp, u64 now)
{
	return gfpflags_allow_blocking(gfp) &&
	       (pages >= UNDO_LARGE || now >= READ_ONCE(h->undo_next));
}

/**
 * gomem_heap_undo - give back pages that became free when a call failed
 * @h: the heap
 * @pages: maximum number of gomem pages to give back: what the call had
 *	allocated, and a chunk that the heap may have fetched in advance
 * @gfp: gfp of the call
 *
 * As after any free, the heap keeps free pages in proportion to the pages in
 * use, see gomem_heap_surplus(). A page may go back only a grace period after
 * it became free. If the surplus has pages that cannot go back yet, the call
 * waits for an expedited grace period if may_wait() allows it, else leaves them
 * to a work. A call leaves all pages to the work if it must not sleep, or if it
 * has fewer than UNDO_LARGE pages and comes soon after another: see UNDO_PAUSE.
 * With interrupts off, no work is queued: the pages wait for the next look.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: how many pages went back, or will go back by the work.
 */
unsigned long gomem_heap_undo(struct gomem_heap *h, unsigned long pages,
			      gfp_t gfp)
{
	u64 start = ktime_get_ns();

	if (!may_undo_now(h, pages, gfp, start))
		return leave_to_work(h, pages);
	pages = undo_now(h, pages, gfp);
	/* If two CPUs store this concurrently, either value will do. */
	WRITE_ONCE(h->undo_next, start + UNDO_PAUSE * (ktime_get_ns() - start));
	return pages;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_undo);

/**
 * gomem_undo - give pages back after an allocation of objects failed
 * @k: kind of the objects
 * @n: how many objects the call had allocated, and has freed
 * @gfp: gfp of the call
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 */
void gomem_undo(const struct gomem_kind *k, size_t n, gfp_t gfp)
{
	gomem_undo_pages(DIV_ROUND_UP(n, k->nelems) * k->npages, gfp);
}

/**
 * gomem_undo_pages - give pages back after an allocation failed half-way
 * @pages: how many gomem pages the freed large objects, or the spans of the
 *	freed small objects, had
 * @gfp: gfp of the allocation that failed
 *
 * The heap may have fetched up to a chunk more than @pages in advance. So up to
 * a chunk more than @pages may go back.
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
