// SPDX-License-Identifier: GPL-2.0
/*
 * mheap.c - make a heap, destroy it, and count its events.
 */
#include <kunit/visibility.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>

#include "heap/desc.h"
#include "heap/mheap.h"
#include "heap/pcaches.h"
#include "heap/peers.h"
#include "heap/scavenge.h"
#include "heap/tell.h"

/**
 * gomem_heap_init - make an empty heap
 * @h: the heap, zeroed
 * @source: the page source that its pages come from
 * @map: the page map, in which its chunks will be registered
 * @node: the node whose memory the heap should have, or NUMA_NO_NODE for any
 *	node
 *
 * The heap has no mcentrals, which only small objects need:
 * gomem_node_create() makes them.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_heap_init(struct gomem_heap *h, struct gomem_pagesource *source,
		    struct gomem_pagemap *map, int node)
{
	BUILD_BUG_ON(BIT(GOMEM_NR_SPAN_SIZES - 1) * 64 !=
		     GOMEM_SPAN_MAX_OBJECTS);

	spin_lock_init(&h->lock);
	spin_lock_init(&h->give_lock);
	h->give_gp = start_poll_synchronize_rcu();
	h->give_next = h->give_gp;
	h->give_hurried = jiffies - 1;
	h->map = map;
	h->source = source;
	h->node = node;
	h->pcache_max = GOMEM_PCACHE_PAGES;
	h->pcache_min = GOMEM_PCACHE_MIN;
	h->grow_min = GOMEM_GROW_MIN;
	h->trade_min = GOMEM_GROW_MIN;
	h->give_min = GOMEM_GIVE_MIN;
	h->short_share = GOMEM_SHORT_SHARE;
	h->cache_share = GOMEM_CACHE_SHARE;
	h->order_limit = GOMEM_CHUNK_PAGES_SHIFT;
	h->goal_pages = ULONG_MAX;
	gomem_pagealloc_init(&h->pages, map, h, &h->lock);
	gomem_candidates_init(&h->candidates);
	return gomem_heap_init_descs(h) ?: gomem_heap_init_pcaches(h);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_init);

/**
 * gomem_heap_cover - let a heap take blocks in a range of addresses
 * @h: the heap
 * @addr: the range's first address
 * @bytes: its length, more than 0
 *
 * May run concurrently with all other functions of the heap. Addresses below
 * the map's base cannot be covered.
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, or -ERANGE if the range cannot be covered.
 */
int gomem_heap_cover(struct gomem_heap *h, unsigned long addr,
		     unsigned long bytes)
{
	unsigned long first = gomem_pagemap_index(h->map, addr);
	unsigned long end = gomem_pagemap_index(h->map, addr + bytes - 1) + 1;
	int err;

	if (addr < h->map->base || end <= first)
		return -ERANGE;
	mutex_lock(&h->map->mutex);
	err = gomem_pagemap_cover(h->map, first, end, h->node) ?:
	      gomem_pagealloc_cover(&h->pages, first, end, h->node);
	mutex_unlock(&h->map->mutex);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_cover);

/**
 * gomem_heap_destroy - give all memory of a heap back
 * @h: a heap that is not in use any more
 *
 * Pages of live spans are not given back: for the kernel they stay allocated.
 * The descriptors of the heap's chunks are freed, although the page map still
 * refers to them. So the caller destroys the map next, after any other heaps.
 *
 * Context: may sleep.
 */
void gomem_heap_destroy(struct gomem_heap *h)
{
	gomem_heap_drain_pcaches(h, false);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	gomem_heap_untell(h);
	gomem_heap_destroy_descs(h);
	gomem_pagealloc_destroy(&h->pages);
	free_percpu(h->pcache);
	gomem_peers_exit(h);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_destroy);

/**
 * gomem_heap_count - count an event; the caller does not hold the heap's lock
 * @h: the heap
 * @counter: a member of @h->stats
 *
 * Context: any but NMI.
 */
void gomem_heap_count(struct gomem_heap *h, u64 *counter)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	(*counter)++;
	spin_unlock_irqrestore(&h->lock, flags);
}
