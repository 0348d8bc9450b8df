// SPDX-License-Identifier: GPL-2.0
/*
 * pcache.c - take pages from a page cache and put them back.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "heap/pcache.h"

/**
 * gomem_pcache_init - initialize an empty page cache
 * @pc: the cache
 */
void gomem_pcache_init(struct gomem_pcache *pc)
{
	memset(pc, 0, sizeof(*pc));
	spin_lock_init(&pc->lock);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pcache_init);

/*
 * Return the bits at which a run of @n set bits of @free starts. The length
 * found so far doubles with each pass of the loop: about log2(@n) passes.
 */
static u64 runs_of(u64 free, unsigned int n)
{
	unsigned int have = 1, step;

	while (have < n) {
		step = min(have, n - have);
		free &= free >> step;
		have += step;
	}
	return free;
}

/* Return every @n-th bit, from bit 0 on; @n is a power of two below 64. */
static u64 multiples_of(unsigned int n)
{
	return ~0ULL / (BIT_ULL(n) - 1);
}

/**
 * gomem_pcache_alloc - take the lowest adjacent pages of the group
 * @pc: the cache
 * @npages: number of pages, 1 to GOMEM_PCACHE_SPAN_MAX
 * @aligned: take only naturally aligned pages; then @npages has to be a power
 *	of two
 *
 * Context: any, with @pc->lock held.
 * Return: the first page, GOMEM_NO_PAGE if there are no such pages.
 */
unsigned long gomem_pcache_alloc(struct gomem_pcache *pc, unsigned int npages,
				 bool aligned)
{
	u64 starts = npages > 1 ? runs_of(pc->free, npages) : pc->free;
	unsigned int i;

	lockdep_assert_held(&pc->lock);
	if (aligned && npages > 1)
		starts &= multiples_of(npages);
	if (!starts)
		return GOMEM_NO_PAGE;
	i = __ffs64(starts);
	pc->free &= ~gomem_pcache_bits(i, npages);
	pc->uses++;
	return pc->base + i;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pcache_alloc);

/**
 * gomem_pcache_has - count adjacent pages that the cache has in its group
 * @pc: the cache
 * @page: the first page to count
 * @npages: maximum number of pages to count
 *
 * Context: any, with @pc->lock held.
 * Return: how many pages the cache has from @page on, up to the first page that
 * the cache lacks, at most @npages. Pages of runs do not count.
 */
unsigned int gomem_pcache_has(const struct gomem_pcache *pc, unsigned long page,
			      unsigned int npages)
{
	unsigned long i = page - pc->base;
	u64 missing;

	lockdep_assert_held(&pc->lock);
	if (i >= GOMEM_PCACHE_PAGES)
		return 0;
	missing = ~(pc->free >> i);
	return min_t(unsigned int,
		     missing ? __ffs64(missing) : GOMEM_PCACHE_PAGES, npages);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pcache_has);

/**
 * gomem_pcache_take - take given pages of the group
 * @pc: the cache, which has these pages
 * @page: the first page
 * @npages: number of pages, may be 0
 *
 * Context: any, with @pc->lock held.
 */
void gomem_pcache_take(struct gomem_pcache *pc, unsigned long page,
		       unsigned int npages)
{
	unsigned long i = page - pc->base;

	lockdep_assert_held(&pc->lock);
	if (!npages)
		return;
	pc->free &= ~gomem_pcache_bits(i, npages);
	pc->uses++;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pcache_take);

/**
 * gomem_pcache_find_run - find the newest run of a given length
 * @pc: the cache
 * @npages: number of pages that the run must have
 * @aligned: find only a naturally aligned run; then @npages has to be a power
 *	of two
 *
 * Context: any, with @pc->lock held.
 * Return: its index; -1 if there is no such run.
 */
int gomem_pcache_find_run(const struct gomem_pcache *pc, unsigned int npages,
			  bool aligned)
{
	unsigned long mask = aligned ? npages - 1 : 0;
	int i;

	lockdep_assert_held(&pc->lock);
	for (i = pc->nr_runs - 1; i >= 0; i--)
		if (pc->run[i].npages == npages && !(pc->run[i].page & mask))
			break;
	return i;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pcache_find_run);

/**
 * gomem_pcache_put_run - put the pages of a freed span into the cache as a run
 * @pc: the cache, which has less than GOMEM_PCACHE_RUNS runs
 * @page: the first page
 * @npages: number of pages, at least GOMEM_PCACHE_RUN_MIN
 * @s: the span, if it was laid aside by gomem_heap_lay_aside(); else NULL
 *
 * Context: any, with @pc->lock held.
 */
void gomem_pcache_put_run(struct gomem_pcache *pc, unsigned long page,
			  unsigned int npages, struct gomem_span *s)
{
	lockdep_assert_held(&pc->lock);
	pc->run[pc->nr_runs++] = (struct gomem_run){ .page = page,
						     .span = s,
						     .npages = npages };
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pcache_put_run);

/**
 * gomem_pcache_drop_run - remove a run from the cache
 * @pc: the cache
 * @i: index of the run
 *
 * The pages, and the span of the run if it has one, belong to the caller
 * afterwards. The caller reads both before the call.
 *
 * Context: any, with @pc->lock held.
 */
void gomem_pcache_drop_run(struct gomem_pcache *pc, unsigned int i)
{
	lockdep_assert_held(&pc->lock);
	for (pc->nr_runs--; i < pc->nr_runs; i++)
		pc->run[i] = pc->run[i + 1];
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pcache_drop_run);

/**
 * gomem_pcache_run_pages - count the pages in all runs
 * @pc: the cache
 *
 * Context: any, with @pc->lock held.
 * Return: the number of pages.
 */
unsigned int gomem_pcache_run_pages(const struct gomem_pcache *pc)
{
	unsigned int i, n = 0;

	lockdep_assert_held(&pc->lock);
	for (i = 0; i < pc->nr_runs; i++)
		n += pc->run[i].npages;
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pcache_run_pages);

/**
 * gomem_span_counts_add - add counts to a sum
 * @to: the sum
 * @n: the counts of one CPU, or of one heap
 */
void gomem_span_counts_add(struct gomem_span_counts *to,
			   const struct gomem_span_counts *n)
{
	to->inuse_pages += n->inuse_pages;
	to->spans += n->spans;
	to->large += n->large;
	to->large_pages += n->large_pages;
	to->arena_spans += n->arena_spans;
	to->arena_pages += n->arena_pages;
	to->large_allocs += n->large_allocs;
	to->large_frees += n->large_frees;
	to->large_alloc_bytes += n->large_alloc_bytes;
	to->span_allocs += n->span_allocs;
	to->span_frees += n->span_frees;
	to->cache_spans += n->cache_spans;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_span_counts_add);
