// SPDX-License-Identifier: GPL-2.0
/*
 * pcaches.c - refill and drain a heap's page caches, one on each CPU.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/percpu.h>

#include "map/waitpage.h"
#include "heap/pages.h"
#include "heap/pcaches.h"
#include "heap/spanpages.h"
#include "heap/tell.h"

/**
 * gomem_heap_init_pcaches - make an empty page cache for each CPU
 * @h: the heap
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_heap_init_pcaches(struct gomem_heap *h)
{
	int cpu;

	h->pcache = alloc_percpu(struct gomem_pcache);
	if (!h->pcache)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		gomem_pcache_init(per_cpu_ptr(h->pcache, cpu));
	return 0;
}

/**
 * gomem_heap_refill_pcache - give a page cache pages and descriptors
 * @h: the heap
 * @pc: the page cache, locked. It gets single pages only if it has none left
 * @index: index of the size of the descriptors: see gomem_span_desc(). The page
 *	cache gets descriptors until it has GOMEM_PCACHE_DESCS / 2 of this size
 */
void gomem_heap_refill_pcache(struct gomem_heap *h, struct gomem_pcache *pc,
			      unsigned int index)
{
	struct gomem_span *s;
	unsigned long flags;
	unsigned int limit;

	lockdep_assert_held(&pc->lock);
	gomem_heap_lock_for_spans(h, &flags);
	if (!pc->free) {
		limit = gomem_heap_pcache_limit(h);
		pc->free = gomem_pagealloc_alloc_group(&h->pages, limit,
						       &pc->base);
		gomem_heap_note_peak(h);
	}
	while (pc->nr_desc[index] < GOMEM_PCACHE_DESCS / 2) {
		s = gomem_fixalloc_alloc(&h->spanalloc[index]);
		if (!s)
			break;
		gomem_pcache_push(pc, index, s);
	}
	spin_unlock_irqrestore(&h->lock, flags);
	gomem_heap_tell_much(h);
}

/**
 * gomem_heap_release_run - release a run of a page cache to the heap
 * @h: the heap, locked
 * @pc: the page cache, locked
 * @i: index of the run
 *
 * Return: how many pages the run had.
 */
unsigned int gomem_heap_release_run(struct gomem_heap *h,
				    struct gomem_pcache *pc, unsigned int i)
{
	const struct gomem_run run = pc->run[i];

	gomem_pcache_drop_run(pc, i);
	atomic_long_sub(run.npages, &h->run_pages);
	if (run.span) {
		gomem_heap_discard_aside(h, run.span, run.page);
		gomem_fixalloc_free(&h->spanalloc[run.span->desc], run.span);
	}
	gomem_heap_release(h, run.page, run.npages);
	return run.npages;
}

/*
 * Empty a page cache, except for its runs. Return how many pages of its group
 * it had.
 */
static unsigned int drain_pcache(struct gomem_heap *h, struct gomem_pcache *pc)
{
	unsigned long base = pc->base, ci;
	struct gomem_chunk *c;
	struct gomem_span *s;
	u64 free = pc->free;
	unsigned int i;

	lockdep_assert_held(&pc->lock);
	spin_lock(&h->lock);
	pc->free = 0;
	if (free) {
		ci = base >> GOMEM_CHUNK_PAGES_SHIFT;
		c = gomem_pagealloc_chunk(&h->pages, ci);
		gomem_pagealloc_free_group(&h->pages, base, free);
		gomem_waiting_add_mask(c, base % GOMEM_CHUNK_PAGES / 64, free);
		gomem_candidates_mark(&h->candidates, c, ci);
	}
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
		while ((s = gomem_pcache_pop(pc, i)))
			gomem_fixalloc_free(&h->spanalloc[i], s);
	spin_unlock(&h->lock);
	return hweight64(free);
}

/*
 * Release the runs of a page cache to the heap, and return how many pages they
 * had. With @idle, release only runs that were there at the last call with
 * @idle.
 */
static unsigned int drain_runs(struct gomem_heap *h, struct gomem_pcache *pc,
			       bool idle)
{
	unsigned int i, n = 0;

	lockdep_assert_held(&pc->lock);
	if (!pc->nr_runs)
		return 0;
	spin_lock(&h->lock);
	for (i = pc->nr_runs; i--; ) {
		if (!idle || pc->run[i].seen)
			n += gomem_heap_release_run(h, pc, i);
		else
			pc->run[i].seen = true;
	}
	spin_unlock(&h->lock);
	return n;
}

/**
 * gomem_heap_join_runs - release the runs of this CPU's page cache to the heap
 * @h: the heap
 *
 * Called before the heap is searched for the pages of a span that may be
 * extended. In the heap, the released pages and the free pages beside them form
 * longer runs. The search prefers a run that is longer than the span, so that
 * the span can be extended in place.
 *
 * Context: any but NMI.
 */
void gomem_heap_join_runs(struct gomem_heap *h)
{
	struct gomem_pcache *pc;
	unsigned long flags;

	pc = gomem_heap_lock_pcache(h, &flags);
	drain_runs(h, pc, false);
	spin_unlock_irqrestore(&pc->lock, flags);
}

/* Has no page of @pc->free been taken or put back since the last call? */
static bool is_idle(struct gomem_pcache *pc)
{
	bool idle = pc->uses == pc->seen;

	lockdep_assert_held(&pc->lock);
	pc->seen = pc->uses;
	return idle;
}

/**
 * gomem_heap_drain_runs - release the unused runs of page caches to the heap
 * @h: the heap
 *
 * A run is unused if it was there already at the last call of this function, or
 * of gomem_heap_drain_pcaches() with @idle set.
 *
 * Context: any but NMI.
 */
void gomem_heap_drain_runs(struct gomem_heap *h)
{
	struct gomem_pcache *pc;
	unsigned long flags;
	int cpu;

	if (!atomic_long_read(&h->run_pages))
		return;
	for_each_possible_cpu(cpu) {
		pc = per_cpu_ptr(h->pcache, cpu);
		if (!READ_ONCE(pc->nr_runs))
			continue;
		spin_lock_irqsave(&pc->lock, flags);
		drain_runs(h, pc, true);
		spin_unlock_irqrestore(&pc->lock, flags);
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_drain_runs);

/**
 * gomem_heap_drain_pcaches - empty the page caches of all CPUs
 * @h: the heap
 * @idle: false: release all pages. True: release the single pages of a page
 *	cache only if none was taken or put back since the last call with true.
 *	Of the runs, release only those that gomem_heap_drain_runs() would
 *	release
 *
 * Context: any but NMI.
 * Return: how many pages became free.
 */
unsigned long gomem_heap_drain_pcaches(struct gomem_heap *h, bool idle)
{
	unsigned long n = 0, flags;
	struct gomem_pcache *pc;
	int cpu;

	for_each_possible_cpu(cpu) {
		pc = per_cpu_ptr(h->pcache, cpu);
		/* A few descriptors alone are not worth taking the lock. */
		if (!idle && !READ_ONCE(pc->free) && !READ_ONCE(pc->nr_runs))
			continue;
		spin_lock_irqsave(&pc->lock, flags);
		n += drain_runs(h, pc, idle);
		if (!idle || is_idle(pc))
			n += drain_pcache(h, pc);
		spin_unlock_irqrestore(&pc->lock, flags);
	}
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_drain_pcaches);
