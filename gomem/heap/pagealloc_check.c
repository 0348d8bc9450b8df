// SPDX-License-Identifier: GPL-2.0
/*
 * pagealloc_check.c - verify the invariants of struct gomem_pagealloc.
 *
 * The leaves of the tree of summaries, and the counters, are computed anew from
 * the bitmaps, in a way that is slower but simpler than the allocator's.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>

#include "heap/pagealloc.h"
#include "heap/pagealloc_tree.h"

/* Compute the summary of @b run by run: simpler than in pallocbits.c. */
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

/* Check chunk @ci and its leaf, and add the chunk to the counters of @st. */
static const char *check_chunk(const struct gomem_pagealloc *pa,
			       unsigned long ci,
			       struct gomem_pagealloc_check *st)
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

	st->nr_registered += chunk != &gomem_no_chunk;
	st->free_pages += GOMEM_CHUNK_PAGES -
		gomem_pallocbits_count(&chunk->inuse, 0, GOMEM_CHUNK_PAGES);
	st->backed_pages += GOMEM_CHUNK_PAGES -
		gomem_pallocbits_count(&chunk->hole, 0, GOMEM_CHUNK_PAGES);
	return NULL;
}

/*
 * Is entry @i of level @l, not a leaf, the merge of its children? Return true
 * also if pa->stale allows the entry to be out of date.
 */
static bool merged(const struct gomem_pagealloc *pa, unsigned int l,
		   unsigned long i)
{
	gomem_pallocsum_t sum;
	u64 reach;

	if (pa->stale != NO_ENTRY &&
	    pa->stale >> ((LEAF - 1 - l) * RADIX_SHIFT) == i)
		return true;
	/*
	 * The number of entries of a level is rounded up to a multiple of 8.
	 * The entries that this adds at the end have no children.
	 */
	if (i * RADIX >= pa->nr[l + 1])
		return pa->sum[l][i] == GOMEM_PALLOCSUM_NONE &&
		       !pa->reach[l][i];
	sum = merge_children(pa, l, i, &reach);
	return pa->sum[l][i] == sum && pa->reach[l][i] == reach;
}

/*
 * Return the first entry of level @l at or after @i that is not in a blank page
 * of the table: a page of zeroes for a range that is not covered
 * (base/table.h). Return pa->nr[@l] or more if there is none.
 */
static unsigned long next_own(const struct gomem_pagealloc *pa, unsigned int l,
			      unsigned long i)
{
	while (i < pa->nr[l] &&
	       !gomem_table_covers(&pa->sum_table[l], i,
				   &pa->map->zero_blank))
		i = round_down(i, GOMEM_TABLE_WORDS) + GOMEM_TABLE_WORDS;
	return i;
}

/*
 * A step checks chunks or summaries: at most this many, so that it takes only
 * some microseconds.
 */
#define STEP_CHUNKS	4
#define STEP_SUMMARIES	32

static const char *check_counts(const struct gomem_pagealloc *pa,
				const struct gomem_pagealloc_check *st)
{
	if (pa->search > nr_pages(pa))
		return "search is outside the heap";
	if (pa->free_pages != st->free_pages)
		return "free_pages differs from the bits";
	if (pa->backed_pages != st->backed_pages)
		return "backed_pages differs from the bits";
	if (pa->nr_registered != st->nr_registered)
		return "nr_registered differs from the table";
	return NULL;
}

/**
 * gomem_pagealloc_validate_some() - check the invariants, one step
 * @pa: page allocator
 * @st: progress, all zero before the first step; @st->done is set by the last
 *
 * A step takes some microseconds. The caller may drop the lock between steps.
 * But if pages are allocated, freed, added or removed in the meantime, the sums
 * over all chunks may differ from the counters although nothing is wrong.
 *
 * Context: any, with @pa->lock held.
 * Return: NULL, or a description of the first violation.
 */
const char *gomem_pagealloc_validate_some(const struct gomem_pagealloc *pa,
					  struct gomem_pagealloc_check *st)
{
	const char *violation;
	unsigned int n;

	lockdep_assert_held(pa->lock);

	for (n = 0; n < STEP_CHUNKS; n++) {
		st->chunk = next_own(pa, LEAF, st->chunk);
		if (st->chunk >= pa->nr[LEAF])
			break;
		violation = check_chunk(pa, st->chunk++, st);
		if (violation)
			return violation;
	}
	if (n)
		return NULL;
	for (; n < STEP_SUMMARIES && st->level < LEAF; n++) {
		st->entry = next_own(pa, st->level, st->entry);
		if (st->entry >= pa->nr[st->level]) {
			st->level++;
			st->entry = 0;
		} else if (!merged(pa, st->level, st->entry++)) {
			return "a summary differs from its children";
		}
	}
	st->done = st->level == LEAF;
	return st->done ? check_counts(pa, st) : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_validate_some);

/**
 * gomem_pagealloc_validate() - check the invariants of struct gomem_pagealloc
 * @pa: page allocator
 *
 * Checks all chunks and summaries under one hold of the lock, which may take a
 * long time. Only tests call this.
 *
 * Context: any, with @pa->lock held.
 * Return: NULL, or a description of the first violation.
 */
const char *gomem_pagealloc_validate(const struct gomem_pagealloc *pa)
{
	struct gomem_pagealloc_check st = {};
	const char *violation;

	do {
		violation = gomem_pagealloc_validate_some(pa, &st);
	} while (!violation && !st.done);
	return violation;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_validate);
