// SPDX-License-Identifier: GPL-2.0
/*
 * shrink.c - the shrinker: under memory pressure, frees spans in quarantine.
 * It then gives back the free pages of heaps, the pages in page caches, and the
 * pages that become free when it drains the transfer caches of span classes.
 *
 * The shrinker may run inside of gomem's own calls of alloc_pages(). This
 * cannot deadlock: while gomem allocates memory or gives memory back, it holds
 * none of the locks that the shrinker takes. The shrinker itself does not
 * allocate, nor does it wait for a grace period.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/shrinker.h>

#include "base/compat.h"
#include "heap/scavenge.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "api/arena.h"
#include "run/shrink.h"

/*
 * before_oom() waits for the end of a grace period for at most this many ticks:
 * a tenth of a second. The expedited grace period that gomem_heap_owe() starts
 * usually ends earlier.
 */
#define OOM_TICKS	DIV_ROUND_UP(HZ, 10)

/* Return how many gomem pages could be given back: the shrinker's objects. */
static unsigned long count_pages(struct shrinker *shrinker,
				 struct shrink_control *sc)
{
	struct gomem_heap *h = gomem_heaps[sc->nid];
	unsigned long n;

	/*
	 * If this node has no heap of its own, @h is the nearest node's heap.
	 * The heap's pages are counted when the kernel asks for that node.
	 */
	if (!h || h->node != sc->nid)
		return SHRINK_EMPTY;
	n = gomem_heap_idle_pages(h);
	/*
	 * Do not count announced pages again: gomem_heap_shrink() reported them
	 * as given back. A stale value is good enough.
	 */
	n -= min(n, data_race(h->owed_pages));
	n += gomem_mcache_transfer_bytes(h) >> GOMEM_PAGE_SHIFT;
	return n ?: SHRINK_EMPTY;
}

/**
 * gomem_heap_shrink - give pages back on behalf of reclaim
 * @h: the heap
 * @want: number of pages to give back
 * @owes: set to true if the caller has to arrange for gomem_heap_pay(), else to
 *	false
 *
 * Pages in their grace period cannot go back at once, and reclaim must not
 * wait. Such pages are only announced, and gomem_heap_pay() gives them back
 * later. In the same way, other shrinkers count objects that kfree_rcu() or an
 * RCU callback will free.
 *
 * Context: process. May be rescheduled, but does not wait for a grace period,
 * and never allocates.
 * Return: the number of pages that were given back or announced.
 */
unsigned long gomem_heap_shrink(struct gomem_heap *h, unsigned long want,
				bool *owes)
{
	unsigned long n = gomem_heap_scavenge(h, want, GOMEM_SCAVENGE_SHRINKER);
	bool any = false;

	*owes = false;
	/* Pages of drained objects may go to page caches: empty those last. */
	if (n < want) {
		any |= gomem_mcache_drain_transfers(h);
		any |= gomem_heap_drain_pcaches(h, false);
	}
	if (any)
		n += gomem_heap_scavenge(h, want - n, GOMEM_SCAVENGE_SHRINKER);
	if (n < want)
		n += gomem_heap_owe(h, want - n, owes);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_shrink);

static unsigned long scan_pages(struct shrinker *shrinker,
				struct shrink_control *sc)
{
	struct gomem_heap *h = gomem_heaps[sc->nid];
	unsigned long n;
	bool owes;

	gomem_arena_flush_quarantine();
	n = gomem_heap_shrink(h, sc->nr_to_scan, &owes);
	if (owes)
		gomem_nodes_pay_later();
	sc->nr_scanned = n;
	return n ?: SHRINK_STOP;
}

/* Give back all free pages whose grace period is over. */
static unsigned long take_last(void)
{
	unsigned long n = 0;
	struct gomem_heap *h;

	for_each_gomem_heap(h)
		n += gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_SHRINKER);
	return n;
}

static bool owes_pages(void)
{
	struct gomem_heap *h;

	for_each_gomem_heap(h)
		if (data_race(h->owed_pages))	/* a stale value will do */
			return true;
	return false;
}

/*
 * Number of gomem pages that before_oom() has given back since run/oom.c last
 * called gomem_shrink_given_at_oom(). Only OOM notifiers access this variable,
 * and the kernel calls them under a mutex.
 */
static unsigned long given_at_oom;

/**
 * gomem_shrink_given_at_oom - return how much before_oom() has given back
 *
 * Context: an OOM notifier that runs after before_oom().
 * Return: the number of gomem pages since the last call.
 */
unsigned long gomem_shrink_given_at_oom(void)
{
	unsigned long n = given_at_oom;

	given_at_oom = 0;
	return n;
}

/*
 * Called before the kernel kills a task for lack of memory. Reclaim gives up as
 * soon as it makes no progress, which may be before the grace period of
 * announced pages ends. So if there are announced pages, sleep until some can
 * be given back, but for at most OOM_TICKS.
 */
static int before_oom(struct notifier_block *nb, unsigned long unused,
		      void *freed)
{
	unsigned long *sum = freed, n;
	unsigned int ticks = OOM_TICKS;

	while (!(n = take_last()) && owes_pages() && ticks--)
		schedule_timeout_uninterruptible(1);
	*sum += n;
	given_at_oom += n;
	return NOTIFY_OK;
}

static struct notifier_block oom_notifier = { .notifier_call = before_oom };
static struct gomem_shrinker pages_shrinker;

/**
 * gomem_shrink_init - register the shrinker and the OOM notifier
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_shrink_init(void)
{
	int err = gomem_shrinker_register(&pages_shrinker, count_pages,
					  scan_pages, SHRINKER_NUMA_AWARE,
					  "mm-gomem");

	if (err)
		return err;
	/* Fails only if the notifier is registered already. */
	register_oom_notifier(&oom_notifier);
	return 0;
}

/**
 * gomem_shrink_exit - unregister the shrinker and the OOM notifier
 *
 * Waits until both have returned. Cancels the work of gomem_nodes_pay_later(),
 * or waits for it.
 *
 * Context: may sleep.
 */
void gomem_shrink_exit(void)
{
	unregister_oom_notifier(&oom_notifier);
	gomem_shrinker_unregister(&pages_shrinker);
	gomem_nodes_cancel_pay();
}
