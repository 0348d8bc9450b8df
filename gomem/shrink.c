// SPDX-License-Identifier: GPL-2.0
/*
 * shrink.c - the shrinker: free pages, page caches and transfer caches go back under memory
 * pressure.
 *
 * The shrinker may run inside of gomem's own call to alloc_pages(). That is no problem: no
 * lock is held there, none is waited for here while memory is allocated or given back, and
 * nothing here allocates or waits for a grace period.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/shrinker.h>

#include "arena.h"
#include "compat.h"
#include "mcache.h"
#include "node.h"
#include "queue.h"
#include "scavenge.h"
#include "shrink.h"

/* A kill is put off for a tenth of a second at most. An expedited grace period is shorter. */
#define OOM_TICKS	DIV_ROUND_UP(HZ, 10)

/* Objects are gomem pages. */
static unsigned long count_pages(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct gomem_heap *h = gomem_heaps[sc->nid];
	unsigned long n;

	/* A node that shares another's heap is not asked for it a second time. */
	if (!h || h->node != sc->nid)
		return SHRINK_EMPTY;
	n = gomem_heap_idle_pages(h);
	/* Stale is good enough. What was announced was counted once. */
	n -= min(n, data_race(h->owed_pages));
	/* What there is room for; how much of it there is only its lock could tell. */
	n += atomic_long_read(&h->transfer_bytes) >> GOMEM_PAGE_SHIFT;
	return n ?: SHRINK_EMPTY;
}

/**
 * gomem_heap_shrink - give pages back on behalf of reclaim
 * @h: the heap
 * @want: how many pages
 * @owes: set to whether gomem_heap_pay() has to be called when a grace period is over
 *
 * Pages in their grace period cannot go back, and reclaim must not wait for it. They are
 * announced, as objects that kfree_rcu() or an RCU callback will free are counted by other
 * shrinkers, and gomem_heap_pay() gives them back.
 *
 * Context: any but NMI; never sleeps, never allocates.
 * Return: pages that went back, and pages that were announced.
 */
unsigned long gomem_heap_shrink(struct gomem_heap *h, unsigned long want, bool *owes)
{
	unsigned long n = gomem_heap_scavenge(h, want, GOMEM_SCAVENGE_SHRINKER);

	*owes = false;
	if (n < want && (gomem_mcache_drain_transfers(h) | gomem_heap_drain_pcaches(h, false)))
		n += gomem_heap_scavenge(h, want - n, GOMEM_SCAVENGE_SHRINKER);
	if (n < want)
		n += gomem_heap_owe(h, want - n, owes);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_shrink);

/* After their grace period the pages that were announced go back. */
static void pay(struct work_struct *work)
{
	struct gomem_heap *h;

	for_each_gomem_heap(h)
		gomem_heap_pay(h);
}

static DECLARE_WORK(pay_work, pay);

/**
 * gomem_shrink_pay_later - have gomem_heap_pay() called for all heaps
 *
 * Context: any but NMI.
 */
void gomem_shrink_pay_later(void)
{
	queue_work(gomem_unbound_wq, &pay_work);
}

static unsigned long scan_pages(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct gomem_heap *h = gomem_heaps[sc->nid];
	unsigned long n;
	bool owes;

	gomem_arena_flush_quarantine();
	n = gomem_heap_shrink(h, sc->nr_to_scan, &owes);
	if (owes)
		gomem_shrink_pay_later();
	sc->nr_scanned = n;
	return n ?: SHRINK_STOP;
}

/*
 * Before the kernel kills a task for want of memory: take what became free for reclaim in
 * the last moments. Reclaim gives up as soon as it makes no progress, which is sooner than
 * a grace period ends; so this sleeps for one, up to a time.
 */
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
		if (data_race(h->owed_pages))	/* stale is good enough */
			return true;
	return false;
}

static int before_oom(struct notifier_block *nb, unsigned long unused, void *freed)
{
	unsigned long *sum = freed, n;
	unsigned int ticks = OOM_TICKS;

	while (!(n = take_last()) && owes_pages() && ticks--)
		schedule_timeout_uninterruptible(1);
	*sum += n;
	return NOTIFY_OK;
}

static struct notifier_block oom_notifier = { .notifier_call = before_oom };
static struct gomem_shrinker pages_shrinker;

/**
 * gomem_shrink_init - let the kernel ask
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_shrink_init(void)
{
	int err = gomem_shrinker_register(&pages_shrinker, count_pages, scan_pages,
					  SHRINKER_NUMA_AWARE, "mm-gomem");

	if (err)
		return err;
	register_oom_notifier(&oom_notifier);
	return 0;
}

/**
 * gomem_shrink_exit - the kernel asks no more, nor is it asking
 *
 * Context: may sleep.
 */
void gomem_shrink_exit(void)
{
	unregister_oom_notifier(&oom_notifier);
	gomem_shrinker_unregister(&pages_shrinker);
	cancel_work_sync(&pay_work);
}
