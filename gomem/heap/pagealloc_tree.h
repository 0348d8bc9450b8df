/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pagealloc_tree.h - the tree of summaries: its shape, its leaves, its search.
 *
 * For the files of the page allocator only.
 */
#ifndef GOMEM_PAGEALLOC_TREE_H
#define GOMEM_PAGEALLOC_TREE_H

#include <linux/bug.h>
#include <linux/types.h>

#include "heap/pagealloc.h"

#define LEAF		(GOMEM_PAGEALLOC_LEVELS - 1)
#define RADIX		GOMEM_PALLOCSUM_RADIX
#define RADIX_SHIFT	GOMEM_PALLOCSUM_RADIX_SHIFT

/* Stands for no entry of the tree, in pa->stale and in scan_entries(). */
#define NO_ENTRY	(~0UL)

/* A summary in level @l of the tree stands for 2^level_shift(@l) pages. */
static inline unsigned int level_shift(unsigned int l)
{
	return GOMEM_CHUNK_PAGES_SHIFT + (LEAF - l) * RADIX_SHIFT;
}

static inline unsigned long nr_pages(const struct gomem_pagealloc *pa)
{
	return pa->nr[LEAF] << GOMEM_CHUNK_PAGES_SHIFT;
}

/*
 * Compute the summary of entry @i of level @l, which is not the level of the
 * leaves, and the value of pa->reach[@l][@i]: see struct gomem_pagealloc.
 */
static inline gomem_pallocsum_t
merge_children(const struct gomem_pagealloc *pa, unsigned int l,
	       unsigned long i, u64 *reach)
{
	return gomem_pallocsum_merge(&pa->sum[l + 1][i * RADIX],
				     level_shift(l + 1), reach);
}

void gomem_pagealloc_flush(struct gomem_pagealloc *pa);
unsigned long gomem_pagealloc_find_in_tree(struct gomem_pagealloc *pa,
					   unsigned long n);
unsigned long gomem_pagealloc_next_chunk(const struct gomem_pagealloc *pa,
					 unsigned long ci, unsigned long n,
					 unsigned int *steps);

/*
 * Return the leaf of @page, for the caller to change. Its ancestors are updated
 * only when a leaf of another parent changes or the tree is searched. With
 * first fit, successive allocations and frees mostly change leaves of one
 * parent. So they rarely have to update the ancestors.
 */
static inline gomem_pallocsum_t *leaf_to_change(struct gomem_pagealloc *pa,
						unsigned long page)
{
	unsigned long ci = page >> GOMEM_CHUNK_PAGES_SHIFT;

	if (pa->stale != ci / RADIX) {
		gomem_pagealloc_flush(pa);
		pa->stale = ci / RADIX;
	}
	return &pa->sum[LEAF][ci];
}

/*
 * A counter or a summary says that pages are free, but the bitmaps say that
 * they are not: a module overwrote gomem's memory, or gomem has a bug. Let no
 * search of the heap find a page until further pages become free.
 * gomem_pagealloc_validate() still finds the contradiction.
 */
static inline void distrust(struct gomem_pagealloc *pa)
{
	pa->free_pages = 0;
}

/*
 * Return the lowest run of @n free pages in chunk @c, number @ci, at or after
 * index @from. The chunk's summary says that there is such a run; if there is
 * none, warn and return GOMEM_NO_PAGE. Set @free to the index of the first free
 * page at or after @from.
 */
static inline unsigned long
find_in_chunk(const struct gomem_chunk *c, unsigned long ci, unsigned int n,
	      unsigned int from, unsigned int *free)
{
	unsigned int i = gomem_pallocbits_find(&c->inuse, n, from, free);

	if (WARN_ON_ONCE(i == GOMEM_CHUNK_PAGES))
		return GOMEM_NO_PAGE;
	return (ci << GOMEM_CHUNK_PAGES_SHIFT) + i;
}

#endif /* GOMEM_PAGEALLOC_TREE_H */
