/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pcache.h - page caches: a few free pages and span descriptors for each CPU.
 *
 * A CPU makes spans without the heap's lock, and without a search of the heap,
 * as long as its page cache has pages and descriptors. It frees spans without
 * the lock as long as the page cache has room. Go's runtime has a pageCache and
 * an mspancache for this purpose.
 *
 * Tasks and interrupts on the CPU take the lock of its page cache to make and
 * free spans. Other CPUs take the lock to read the counts, and to drain the
 * page cache: for example before the heap grows, under memory pressure, or if
 * the CPU has not used the page cache since the last look.
 */
#ifndef GOMEM_PCACHE_H
#define GOMEM_PCACHE_H

#include <linux/bitops.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "base/limits.h"
#include "map/span.h"

/*
 * The single pages of a page cache are from one aligned group: one word of a
 * chunk's bitmap, 512 KiB of address range.
 */
#define GOMEM_PCACHE_PAGES	64

/*
 * Maximum number of pages of its group that a page cache has: (pages of the
 * heap) / GOMEM_PCACHE_SHARE / (number of online CPUs), but at least
 * GOMEM_PCACHE_MIN, and at most GOMEM_PCACHE_PAGES.
 */
#define GOMEM_PCACHE_SHARE	64
#define GOMEM_PCACHE_MIN	4

/*
 * Maximum number of pages of a span that is cut from the group of a page cache.
 * A few longer spans would use up the pages of the group that the page cache
 * has. Longer spans can use runs. Go's runtime keeps no runs, and has a limit
 * of 15 pages.
 */
#define GOMEM_PCACHE_SPAN_MAX	7

/*
 * Minimum number of pages of a run. In a small heap a page cache has at most
 * GOMEM_PCACHE_MIN pages of the group, so longer spans need runs.
 */
#define GOMEM_PCACHE_RUN_MIN	(GOMEM_PCACHE_MIN + 1)

/*
 * Maximum number of span descriptors with bitmaps of one size in a page cache.
 * A refill fetches descriptors of the size that it was called for, until the
 * page cache has half of this number.
 */
#define GOMEM_PCACHE_DESCS	16

/*
 * Maximum number of runs of a page cache, and of pages of a run. A run here is
 * the pages of one freed span, kept for the next span of the same length. The
 * run of a large object may also keep the span: see gomem_heap_lay_aside().
 */
#define GOMEM_PCACHE_RUNS	4
#define GOMEM_PCACHE_RUN_MAX	((unsigned int)(SZ_1M >> GOMEM_PAGE_SHIFT))

/**
 * struct gomem_run - adjacent free pages in a page cache
 * @page: the first page
 * @span: the dead large span that has these pages, or NULL
 * @npages: number of pages, at least GOMEM_PCACHE_RUN_MIN
 * @seen: the run was here when gomem_heap_drain_runs() or
 *	gomem_heap_drain_pcaches() last searched for unused runs
 */
struct gomem_run {
	unsigned long page;
	struct gomem_span *span;
	u16 npages;
	bool seen;
};

/**
 * struct gomem_span_counts - spans made and freed
 * @inuse_pages: gomem pages in live spans
 * @spans: live spans
 * @large: live large objects
 * @large_pages: gomem pages in live large objects
 * @large_allocs: large objects ever allocated
 * @large_frees: large objects ever freed
 * @large_alloc_bytes: bytes ever allocated as large objects
 * @arena_spans: live spans of arenas, including those in quarantine
 * @arena_pages: gomem pages in @arena_spans
 * @span_allocs: spans ever made
 * @span_frees: spans ever freed
 * @cache_spans: spans ever made from a page cache without the heap's lock
 *
 * Each CPU counts the spans that it makes and frees. A CPU that frees spans
 * made by other CPUs may have negative numbers, so only the sums over all CPUs
 * have a meaning. The sums are exact only while no CPU makes or frees spans.
 */
struct gomem_span_counts {
	long inuse_pages;
	long spans;
	long large;
	long large_pages;
	long arena_spans;
	long arena_pages;
	u64 large_allocs;
	u64 large_frees;
	u64 large_alloc_bytes;
	u64 span_allocs;
	u64 span_frees;
	u64 cache_spans;
};

/**
 * struct gomem_pcache - one CPU's page cache of one heap
 * @lock: protects all members. Taken in any context but NMI, with interrupts
 *	off. The heap's lock may be taken under it. The CPU itself takes it to
 *	make and free spans, other CPUs to drain the cache and to read @counts
 * @base: number of the page that bit 0 of @free stands for; a multiple of 64
 * @free: bitmap of the pages of the group that the cache has. The heap's
 *	bitmaps (pagealloc.h) count them as taken
 * @desc: free descriptors by size of their bitmaps, linked by their first word
 * @nr_desc: number of descriptors in each list of @desc
 * @run: runs of pages, the oldest first; the heap's bitmaps count their pages
 *	as taken, too
 * @nr_runs: number of runs
 * @uses: how often pages of @free were taken or put back, to detect an idle CPU
 * @seen: @uses when gomem_heap_drain_pcaches() last searched for idle CPUs
 * @counts: spans that this CPU made and freed
 *
 * Invariants:
 *	nr_desc[i] == length of desc[i] <= GOMEM_PCACHE_DESCS
 *	pages in free and in runs have no tag
 *	run[i].span, if not NULL: its pages are those of the run, its state is
 *		DEAD, and its pages point to it, as those of a live span do
 */
struct gomem_pcache {
	spinlock_t lock;	/* protects all members */
	unsigned long base;
	u64 free;
	struct gomem_span *desc[GOMEM_NR_SPAN_SIZES];
	u8 nr_desc[GOMEM_NR_SPAN_SIZES];
	u8 nr_runs;
	u32 uses;
	u32 seen;
	struct gomem_run run[GOMEM_PCACHE_RUNS];
	struct gomem_span_counts counts;
} ____cacheline_aligned_in_smp;

void gomem_pcache_init(struct gomem_pcache *pc);
unsigned long gomem_pcache_alloc(struct gomem_pcache *pc, unsigned int npages,
				 bool aligned);
unsigned int gomem_pcache_has(const struct gomem_pcache *pc, unsigned long page,
			      unsigned int npages);
void gomem_pcache_take(struct gomem_pcache *pc, unsigned long page,
		       unsigned int npages);
int gomem_pcache_find_run(const struct gomem_pcache *pc, unsigned int npages,
			  bool aligned);
void gomem_pcache_put_run(struct gomem_pcache *pc, unsigned long page,
			  unsigned int npages, struct gomem_span *s);
void gomem_pcache_drop_run(struct gomem_pcache *pc, unsigned int i);
unsigned int gomem_pcache_run_pages(const struct gomem_pcache *pc);
void gomem_span_counts_add(struct gomem_span_counts *to,
			   const struct gomem_span_counts *n);

/*
 * Return a mask of @npages bits, from bit @i on. @npages is at least 1 and at
 * most 64 - @i.
 */
static inline u64 gomem_pcache_bits(unsigned int i, unsigned int npages)
{
	return ((2ULL << (npages - 1)) - 1) << i;
}

/**
 * gomem_pcache_free - put adjacent pages into the cache's group
 * @pc: the cache
 * @page: the first page
 * @npages: number of pages
 * @max: maximum number of pages of the group that the cache may have afterwards
 *
 * Context: any, with @pc->lock held.
 * Return: true if the cache took the pages. False if they are outside of its
 * group, more than GOMEM_PCACHE_SPAN_MAX, or too many for @max: the caller
 * still owns them.
 */
static inline bool gomem_pcache_free(struct gomem_pcache *pc,
				     unsigned long page, unsigned int npages,
				     unsigned int max)
{
	unsigned long i = page - pc->base;

	lockdep_assert_held(&pc->lock);
	if (npages > GOMEM_PCACHE_SPAN_MAX || i >= GOMEM_PCACHE_PAGES ||
	    npages > GOMEM_PCACHE_PAGES - i ||
	    hweight64(pc->free) + npages > max)
		return false;
	pc->free |= gomem_pcache_bits(i, npages);
	pc->uses++;
	return true;
}

/**
 * gomem_pcache_pop - take a span descriptor out of the cache
 * @pc: the cache
 * @index: size of the descriptor's bitmaps, an index of gomem_heap.spanalloc
 *
 * Context: any, with @pc->lock held.
 * Return: the descriptor of a dead span, NULL if there is none.
 */
static inline struct gomem_span *gomem_pcache_pop(struct gomem_pcache *pc,
						  unsigned int index)
{
	struct gomem_span *s = pc->desc[index];

	lockdep_assert_held(&pc->lock);
	if (s) {
		pc->desc[index] = *(struct gomem_span **)s;
		pc->nr_desc[index]--;
	}
	return s;
}

/**
 * gomem_pcache_push - put a span descriptor into the cache
 * @pc: the cache
 * @index: size of the descriptor's bitmaps, an index of gomem_heap.spanalloc
 * @s: the descriptor of a dead span
 *
 * Overwrites only the first word of @s, with a link. So a CPU that still has a
 * pointer to @s finds the state DEAD.
 *
 * Context: any, with @pc->lock held.
 * Return: false if the cache has GOMEM_PCACHE_DESCS descriptors of this size
 * already.
 */
static inline bool gomem_pcache_push(struct gomem_pcache *pc,
				     unsigned int index, struct gomem_span *s)
{
	lockdep_assert_held(&pc->lock);
	if (pc->nr_desc[index] == GOMEM_PCACHE_DESCS)
		return false;
	*(struct gomem_span **)s = pc->desc[index];
	pc->desc[index] = s;
	pc->nr_desc[index]++;
	return true;
}

#endif /* GOMEM_PCACHE_H */
