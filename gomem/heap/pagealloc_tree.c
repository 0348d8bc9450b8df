// SPDX-License-Identifier: GPL-2.0
/*
 * pagealloc_tree.c - update the tree of summaries, and search it.
 *
 * A summary has the lengths of three free runs of the pages that it covers: of
 * the run at their start, of the run at their end, and of the longest run.
 * These lengths tell, at each level of the tree, whether the lowest run of n
 * pages is inside one entry or crosses entries. In the first case the search
 * goes down into that entry. In the second case the address of the run is known
 * already.
 */
#include <kunit/visibility.h>
#include <linux/bug.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>

#include "heap/pagealloc.h"
#include "heap/pagealloc_tree.h"

/* Recompute the inner entry @i of level @l. Return true if its sum changed. */
static bool remerge(struct gomem_pagealloc *pa, unsigned int l,
		    unsigned long i)
{
	gomem_pallocsum_t sum = merge_children(pa, l, i, &pa->reach[l][i]);
	bool changed = pa->sum[l][i] != sum;

	pa->sum[l][i] = sum;
	return changed;
}

/**
 * gomem_pagealloc_flush() - bring the levels above the leaves up to date
 * @pa: page allocator
 *
 * To be called before a search uses these levels.
 */
void gomem_pagealloc_flush(struct gomem_pagealloc *pa)
{
	unsigned long i = pa->stale;
	int l;

	if (i == NO_ENTRY)
		return;
	for (l = LEAF - 1; l >= 0 && remerge(pa, l, i); l--)
		i /= RADIX;
	pa->stale = NO_ENTRY;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_flush);

/*
 * Entries @first to @end - 1 of a level of the tree. @run is the length, in
 * pages, of the free run that ends where entry @first starts.
 */
struct entries {
	unsigned int level;
	unsigned long first;
	unsigned long end;
	unsigned long run;
};

/*
 * Find the lowest run of @n free pages in the entries @e. If the run crosses
 * entries or lies at the start of one, return the first page of the run. If the
 * run lies further inside an entry, set *@pi to that entry, so that the caller
 * can search its children, and return GOMEM_NO_PAGE. If there is no run, set
 * *@pi to NO_ENTRY and return GOMEM_NO_PAGE.
 */
static __always_inline unsigned long
scan_entries(const struct gomem_pagealloc *pa, const struct entries *e,
	     unsigned long n, unsigned long *pi)
{
	const gomem_pallocsum_t *sum = pa->sum[e->level];
	const unsigned int shift = level_shift(e->level);
	const unsigned int full = 1U << shift;
	const gomem_pallocsum_t whole = gomem_pallocsum_pack(full, full, full);
	unsigned long i, run = e->run;

	for (i = e->first; i < e->end; i++) {
		if (sum[i] == whole) {
			run += full;
			if (run >= n)
				return ((i + 1) << shift) - run;
			continue;
		}
		if (run + __gomem_pallocsum_field(sum[i], 0) >= n)
			return (i << shift) - run;
		if (__gomem_pallocsum_field(sum[i], 1) >= n) {
			*pi = i;
			return GOMEM_NO_PAGE;
		}
		run = __gomem_pallocsum_field(sum[i], 2);
	}
	*pi = NO_ENTRY;
	return GOMEM_NO_PAGE;
}

/*
 * Return the length of the free run that ends where entry @i of level @l
 * starts. Count only the part of the run that lies in entries with the same
 * parent as entry @i: on the levels above, scan_entries() has found that runs
 * which start before that parent are too short.
 */
static unsigned long run_before(const struct gomem_pagealloc *pa,
				unsigned int l, unsigned long i)
{
	const unsigned int full = 1U << level_shift(l);
	unsigned long run = 0;
	unsigned int end;

	while (i-- % RADIX) {
		end = __gomem_pallocsum_field(pa->sum[l][i], 2);
		run += end;
		if (end < full)
			break;
	}
	return run;
}

/*
 * Do what scan_entries() does, for the children of entry *@pi of level @l - 1.
 * Begin with the first child in which a run of @n free pages may end: the bytes
 * of entry *@pi in pa->reach tell which.
 */
static unsigned long scan_children(const struct gomem_pagealloc *pa,
				   unsigned int l, unsigned long *pi,
				   unsigned long n)
{
	const u64 hits = gomem_pallocreach_find(pa->reach[l - 1][*pi], n);
	struct entries e = { .level = l, .end = (*pi + 1) * RADIX };

	e.first = hits ? *pi * RADIX + __ffs64(hits) / 8 : e.end;
	e.run = run_before(pa, l, e.first);
	return scan_entries(pa, &e, n, pi);
}

/**
 * gomem_pagealloc_find_in_tree() - find the lowest run of free pages
 * @pa: page allocator
 * @n: number of pages, at least 1; the run may cross chunks
 *
 * Return: the first page of the run, GOMEM_NO_PAGE if there is none.
 */
unsigned long gomem_pagealloc_find_in_tree(struct gomem_pagealloc *pa,
					   unsigned long n)
{
	struct entries roots = { .end = pa->nr[0] };
	unsigned long page, i;
	unsigned int l, free;

	gomem_pagealloc_flush(pa);
	roots.first = pa->search >> level_shift(0);
	page = scan_entries(pa, &roots, n, &i);
	for (l = 1; page == GOMEM_NO_PAGE && i != NO_ENTRY; l++) {
		if (l > LEAF) {
			page = find_in_chunk(gomem_pagemap_nth_chunk(pa->map,
								     i),
					     i, n, 0, &free);
			break;
		}
		page = scan_children(pa, l, &i, n);
		/*
		 * The summary of the parent entry says that its children have a
		 * run of @n free pages.
		 */
		WARN_ON_ONCE(page == GOMEM_NO_PAGE && i == NO_ENTRY);
	}
	if (unlikely(page == GOMEM_NO_PAGE && l > 1))
		distrust(pa);
	return page;
}

/**
 * gomem_pagealloc_next_chunk() - find the next chunk with a run of free pages
 * @pa: page allocator, after gomem_pagealloc_flush()
 * @ci: number of the chunk to begin with, any value
 * @n: number of pages in the run, 1 to 512
 * @steps: how many entries of the tree may be visited; those visited are
 *	subtracted from it
 *
 * Walks the tree towards higher addresses, and skips entries whose longest run
 * is shorter than @n pages. The longest run of an entry above the leaves may
 * cross chunks. Then the walk may go down into that entry in vain, and goes on
 * after it. It visits each chunk and each inner entry below that entry at most
 * once, one per step.
 *
 * Return: number of the first chunk at or after @ci with a run of @n pages
 * inside it; pa->nr[LEAF] if there is none or *@steps entries were visited.
 */
unsigned long gomem_pagealloc_next_chunk(const struct gomem_pagealloc *pa,
					 unsigned long ci, unsigned long n,
					 unsigned int *steps)
{
	unsigned int l = LEAF;
	unsigned long i = ci;

	for (; i < pa->nr[l] && *steps; --*steps) {
		if (gomem_pallocsum_max(pa->sum[l][i]) >= n) {
			if (l == LEAF)
				return i;
			i *= RADIX;
			l++;
			continue;
		}
		i++;
		/* After the last child comes the entry after its parent. */
		while (l > 0 && i % RADIX == 0) {
			i /= RADIX;
			l--;
		}
	}
	return pa->nr[LEAF];
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_next_chunk);
