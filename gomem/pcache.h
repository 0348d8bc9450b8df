/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pcache.h - a few free pages and span descriptors for each CPU, so that small
 * spans come and go without the heap's lock (Go's pageCache and mspancache), and so that
 * large ones need no search.
 *
 * Its lock is taken by its CPU, and by whoever empties it for another: when the
 * heap would otherwise have to grow, when memory is short, when the CPU is idle.
 */
#ifndef GOMEM_PCACHE_H
#define GOMEM_PCACHE_H

#include <linux/bitops.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "limits.h"
#include "span.h"

/* Pages of a cache: one word of a chunk's bitmap, 512 KiB of address range. */
#define GOMEM_PCACHE_PAGES	64

/* What all of them together have of a heap, and each at least. */
#define GOMEM_PCACHE_SHARE	64
#define GOMEM_PCACHE_MIN	4

/*
 * Longer spans are not cut from a cache, or they would use it up: half of Go's number, since
 * in a small heap the cache has not even those pages, and runs do better.
 */
#define GOMEM_PCACHE_SPAN_MAX	7

/* Descriptors of a size that a CPU keeps; it fetches and returns half of them. */
#define GOMEM_PCACHE_DESCS	8

/*
 * Runs of pages that large objects left, up to a size: the next one of that size takes
 * one as it is.
 */
#define GOMEM_PCACHE_RUNS	4
#define GOMEM_PCACHE_RUN_MAX	((unsigned int)(SZ_1M >> GOMEM_PAGE_SHIFT))

/**
 * struct gomem_run - pages that lie one behind the other
 * @page: the first
 * @npages: how many, more than GOMEM_PCACHE_SPAN_MAX
 * @seen: it lay there at the last look; see epoch.c
 */
struct gomem_run {
	unsigned long page;
	u16 npages;
	bool seen;
};

/**
 * struct gomem_span_counts - spans made and given back
 * @inuse_pages: gomem pages in live spans
 * @spans: live spans
 * @large: live large objects
 * @large_pages: gomem pages in them
 * @large_allocs: large objects ever allocated
 * @large_frees: large objects ever freed
 * @large_alloc_bytes: bytes ever allocated as large objects
 * @arena_spans: live spans of arenas, those in quarantine included
 * @arena_pages: gomem pages in them
 * @span_allocs: spans ever made
 * @span_frees: spans ever given back
 * @cache_spans: spans that were made of what a CPU had, without the heap's lock
 *
 * Each CPU counts what it does; a span that another CPU gives back makes one
 * number negative, so only sums mean something, and those are exact only at rest.
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
 * struct gomem_pcache - one CPU's pages and descriptors of one heap
 * @lock: protects all of it; a heap's lock may be taken under it. Taken with
 *	interrupts off, in any context but NMI
 * @base: page that bit 0 of @free stands for; a multiple of 64
 * @free: free pages; the heap has them down as taken
 * @desc: free descriptors by size of their bitmaps, linked by their first word
 * @nr_desc: how many of each
 * @run: runs of free pages, the oldest first; the heap has them down as taken, too
 * @nr_runs: how many
 * @uses: pages of @free taken and put back, to tell an idle CPU
 * @seen: @uses at the last look; see epoch.c
 * @counts: what this CPU did
 *
 * Invariants:
 *	nr_desc[i] == length of desc[i] <= GOMEM_PCACHE_DESCS
 *	a page of free, or of a run, has no tag
 */
struct gomem_pcache {
	spinlock_t lock;	/* see above */
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
unsigned long gomem_pcache_alloc(struct gomem_pcache *pc, unsigned int npages, bool aligned);
unsigned int gomem_pcache_has(const struct gomem_pcache *pc, unsigned long page,
			      unsigned int npages);
void gomem_pcache_take(struct gomem_pcache *pc, unsigned long page, unsigned int npages);
unsigned long gomem_pcache_take_run(struct gomem_pcache *pc, unsigned int npages, bool aligned);
void gomem_pcache_put_run(struct gomem_pcache *pc, unsigned long page, unsigned int npages);
void gomem_pcache_drop_run(struct gomem_pcache *pc, unsigned int i);
unsigned int gomem_pcache_run_pages(const struct gomem_pcache *pc);
void gomem_span_counts_add(struct gomem_span_counts *to, const struct gomem_span_counts *n);

/* The bits of @npages pages from bit @i on, which are some, and all in the word. */
static inline u64 gomem_pcache_bits(unsigned int i, unsigned int npages)
{
	return ((2ULL << (npages - 1)) - 1) << i;
}

/**
 * gomem_pcache_free - keep a run of pages
 * @pc: the cache
 * @page: the first page
 * @npages: how many
 * @max: most pages that the cache may have then
 *
 * Context: any, under the lock.
 * Return: false if they are not of the cache's block or too many: the heap's.
 */
static inline bool gomem_pcache_free(struct gomem_pcache *pc, unsigned long page,
				     unsigned int npages, unsigned int max)
{
	unsigned long i = page - pc->base;

	lockdep_assert_held(&pc->lock);
	if (npages > GOMEM_PCACHE_SPAN_MAX || i >= GOMEM_PCACHE_PAGES ||
	    npages > GOMEM_PCACHE_PAGES - i || hweight64(pc->free) + npages > max)
		return false;
	pc->free |= gomem_pcache_bits(i, npages);
	pc->uses++;
	return true;
}

/**
 * gomem_pcache_pop - take a descriptor
 * @pc: the cache
 * @index: size of its bitmaps, as in gomem_heap.spanalloc
 *
 * Context: any, under the lock.
 * Return: a dead span, NULL if there is none.
 */
static inline struct gomem_span *gomem_pcache_pop(struct gomem_pcache *pc, unsigned int index)
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
 * gomem_pcache_push - keep a descriptor
 * @pc: the cache
 * @index: size of its bitmaps
 * @s: a dead span
 *
 * Its first word becomes a link; the rest stays as it is.
 *
 * Context: any, under the lock.
 * Return: false if there are enough.
 */
static inline bool gomem_pcache_push(struct gomem_pcache *pc, unsigned int index,
				     struct gomem_span *s)
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
