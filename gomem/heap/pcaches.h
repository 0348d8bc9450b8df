/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pcaches.h - lock, refill and drain a heap's page caches, one on each CPU.
 *
 * Only files of heap/ use this. pcache.h has the functions that need no heap.
 */
#ifndef GOMEM_PCACHES_H
#define GOMEM_PCACHES_H

#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/topology.h>

#include "heap/mheap.h"

int gomem_heap_init_pcaches(struct gomem_heap *h);
void gomem_heap_refill_pcache(struct gomem_heap *h, struct gomem_pcache *pc,
			      unsigned int index);
void gomem_heap_join_runs(struct gomem_heap *h);
unsigned int gomem_heap_release_run(struct gomem_heap *h,
				    struct gomem_pcache *pc, unsigned int i);

/*
 * Lock this CPU's page cache. A task that moves to another CPU meanwhile uses
 * the page cache of the first CPU, which the lock makes harmless.
 */
static inline struct gomem_pcache *
gomem_heap_lock_pcache(struct gomem_heap *h, unsigned long *flags)
	__acquires(&pc->lock)
{
	struct gomem_pcache *pc = raw_cpu_ptr(h->pcache);

	spin_lock_irqsave(&pc->lock, *flags);
	return pc;
}

/*
 * Is @h the heap of this CPU's node, or the nearest heap if the node has no
 * heap? If not, this CPU's page cache of @h keeps no pages and no descriptors:
 * it only counts spans.
 */
static inline bool gomem_heap_is_near(const struct gomem_heap *h)
{
	return !h->peers || h->peers[numa_node_id()] == h;
}

/* May a page cache keep the pages of a span of this length as a run? */
static inline bool gomem_makes_run(unsigned int npages)
{
	return npages >= GOMEM_PCACHE_RUN_MIN && npages <= GOMEM_PCACHE_RUN_MAX;
}

/*
 * Return the maximum number of pages that a page cache may have in its group:
 * the heap's pages / (GOMEM_PCACHE_SHARE * online CPUs), but at least
 * h->pcache_min, and at most h->pcache_max.
 */
static inline unsigned int gomem_heap_pcache_limit(const struct gomem_heap *h)
{
	unsigned long share = gomem_heap_backed_pages(h) /
			      (GOMEM_PCACHE_SHARE * num_online_cpus());
	unsigned int least = min(h->pcache_min, h->pcache_max);

	return clamp_t(unsigned long, share, least, h->pcache_max);
}

#endif /* GOMEM_PCACHES_H */
