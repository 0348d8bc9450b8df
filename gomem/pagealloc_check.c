// SPDX-License-Identifier: GPL-2.0
/*
 * pagealloc_check.c - is a page allocator what its header says?
 *
 * Computes everything from the bitmaps, the slow way where there is a fast one.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>

#include "pagealloc.h"
#include "pagealloc_tree.h"

/* The summary of @b from its runs, to compare the fast way with. */
static gomem_pallocsum_t summarize_runs(const struct gomem_pallocbits *b)
{
	unsigned int start = 0, max = 0, last = 0;
	unsigned int i, end;

	for (i = gomem_pallocbits_next_free(b, 0); i < GOMEM_CHUNK_PAGES;
	     i = gomem_pallocbits_next_free(b, end)) {
		end = gomem_pallocbits_next_used(b, i);
		if (i == 0)
			start = end;
		if (end == GOMEM_CHUNK_PAGES)
			last = end - i;
		max = max(max, end - i);
	}
	return gomem_pallocsum_pack(start, max, last);
}

static bool holes_inuse(const struct gomem_chunk *chunk)
{
	unsigned int w;

	for (w = 0; w < GOMEM_CHUNK_WORDS; w++) {
		if (chunk->hole.word[w] & ~chunk->inuse.word[w])
			return false;
	}
	return true;
}

/* Check what is said about chunk @ci and add it to the counters of @sum. */
static const char *check_chunk(const struct gomem_pagealloc *pa,
			       unsigned long ci, struct gomem_pagealloc *sum)
{
	const struct gomem_chunk *chunk = gomem_pagealloc_chunk(pa, ci);
	unsigned int free;

	if (!holes_inuse(chunk))
		return "a hole is not in use";
	if (pa->sum[LEAF][ci] != summarize_runs(&chunk->inuse))
		return "a leaf summary differs from the chunk's bits";
	free = gomem_pallocbits_next_free(&chunk->inuse, 0);
	if (free < GOMEM_CHUNK_PAGES &&
	    (ci << GOMEM_CHUNK_PAGES_SHIFT) + free < pa->search)
		return "a page below search is free";

	sum->nr_registered += chunk != &gomem_no_chunk;
	sum->free_pages += GOMEM_CHUNK_PAGES -
		gomem_pallocbits_count(&chunk->inuse, 0, GOMEM_CHUNK_PAGES);
	sum->backed_pages += GOMEM_CHUNK_PAGES -
		gomem_pallocbits_count(&chunk->hole, 0, GOMEM_CHUNK_PAGES);
	return NULL;
}

/* Is entry @i of level @l, not a leaf, what it should be, or known not to be? */
static bool merged(const struct gomem_pagealloc *pa, unsigned int l,
		   unsigned long i)
{
	gomem_pallocsum_t sum;
	u64 reach;

	if (pa->stale != NO_ENTRY &&
	    pa->stale >> ((LEAF - 1 - l) * RADIX_SHIFT) == i)
		return true;
	/* Levels are rounded up: the last entries may not have children. */
	if (i * RADIX >= pa->nr[l + 1])
		return pa->sum[l][i] == GOMEM_PALLOCSUM_NONE && !pa->reach[l][i];
	sum = merge_children(pa, l, i, &reach);
	return pa->sum[l][i] == sum && pa->reach[l][i] == reach;
}

/* The first entry of level @l at or after @i that is not in a blank page. */
static unsigned long next_own(const struct gomem_pagealloc *pa, unsigned int l,
			      unsigned long i)
{
	while (i < pa->nr[l] &&
	       !gomem_table_covers(&pa->sum_table[l], i, &pa->map->zero_blank))
		i = round_down(i, GOMEM_TABLE_WORDS) + GOMEM_TABLE_WORDS;
	return i;
}

/**
 * gomem_pagealloc_validate() - check the invariants of struct gomem_pagealloc
 * @pa: page allocator
 *
 * Looks at every chunk and every summary: for tests and debugging.
 *
 * Context: any, under the lock.
 * Return: NULL, or a description of the first violation.
 */
const char *gomem_pagealloc_validate(const struct gomem_pagealloc *pa)
{
	struct gomem_pagealloc sum = {};
	const char *violation;
	unsigned long i;
	unsigned int l;

	lockdep_assert_held(pa->lock);

	for (i = next_own(pa, LEAF, 0); i < pa->nr[LEAF];
	     i = next_own(pa, LEAF, i + 1)) {
		violation = check_chunk(pa, i, &sum);
		if (violation)
			return violation;
	}
	for (l = 0; l < LEAF; l++) {
		for (i = next_own(pa, l, 0); i < pa->nr[l];
		     i = next_own(pa, l, i + 1)) {
			if (!merged(pa, l, i))
				return "a summary differs from its children";
		}
	}
	if (pa->search > nr_pages(pa))
		return "search is outside the heap";
	if (pa->free_pages != sum.free_pages)
		return "free_pages differs from the bits";
	if (pa->backed_pages != sum.backed_pages)
		return "backed_pages differs from the bits";
	if (pa->nr_registered != sum.nr_registered)
		return "nr_registered differs from the table";
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_validate);
