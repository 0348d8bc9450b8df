// SPDX-License-Identifier: GPL-2.0
/*
 * shrink.c - the shrinker: free pages, page caches and transfer caches go back under memory
 * pressure.
 *
 * It may run inside of gomem's own call to alloc_pages(). That is no problem: no lock
 * is held there, none is waited for here while memory is allocated or given back, and
 * nothing here allocates.
 */
#include <linux/atomic.h>
#include <linux/shrinker.h>

#include "arena.h"
#include "compat.h"
#include "mcache.h"
#include "node.h"
#include "scavenge.h"
#include "shrink.h"

/* Objects are gomem pages. */
static unsigned long count_pages(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct gomem_heap *h = gomem_heaps[sc->nid];
	unsigned long n;

	/* A node that shares another's heap is not asked for it a second time. */
	if (!h || h->node != sc->nid)
		return SHRINK_EMPTY;
	n = gomem_heap_idle_pages(h);
	/* What there is room for; how much of it there is only its lock could tell. */
	n += atomic_long_read(&h->transfer_bytes) >> GOMEM_PAGE_SHIFT;
	return n ?: SHRINK_EMPTY;
}

static unsigned long scan_pages(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct gomem_heap *h = gomem_heaps[sc->nid];
	unsigned long n;

	gomem_arena_flush_quarantine();
	n = gomem_heap_scavenge(h, sc->nr_to_scan, GOMEM_SCAVENGE_SHRINKER);
	if (n < sc->nr_to_scan && (gomem_mcache_drain_transfers(h) |
				   gomem_heap_drain_pcaches(h, false)))
		n += gomem_heap_scavenge(h, sc->nr_to_scan - n, GOMEM_SCAVENGE_SHRINKER);
	sc->nr_scanned = n;
	return n ?: SHRINK_STOP;
}

static struct gomem_shrinker pages_shrinker;

/**
 * gomem_shrink_init - let the kernel ask
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_shrink_init(void)
{
	return gomem_shrinker_register(&pages_shrinker, count_pages, scan_pages,
				       SHRINKER_NUMA_AWARE, "mm-gomem");
}

/**
 * gomem_shrink_exit - the kernel asks no more, nor is it asking
 */
void gomem_shrink_exit(void)
{
	gomem_shrinker_unregister(&pages_shrinker);
}
