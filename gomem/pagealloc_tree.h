/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pagealloc_tree.h - the shape of the tree of summaries, for pagealloc.c, which
 * keeps it, and pagealloc_check.c, which checks it.
 */
#ifndef GOMEM_PAGEALLOC_TREE_H
#define GOMEM_PAGEALLOC_TREE_H

#include "pagealloc.h"

#define LEAF		(GOMEM_PAGEALLOC_LEVELS - 1)
#define RADIX		GOMEM_PALLOCSUM_RADIX
#define RADIX_SHIFT	GOMEM_PALLOCSUM_RADIX_SHIFT

/* No entry of a level: pa->stale if there is none, nothing to go down into. */
#define NO_ENTRY	(~0UL)

/* An entry of level l covers 2^level_shift(l) pages. */
static inline unsigned int level_shift(unsigned int l)
{
	return GOMEM_CHUNK_PAGES_SHIFT + (LEAF - l) * RADIX_SHIFT;
}

static inline unsigned long nr_pages(const struct gomem_pagealloc *pa)
{
	return pa->nr[LEAF] << GOMEM_CHUNK_PAGES_SHIFT;
}

/* What entry @i of level @l, not a leaf, should be, and its reach. */
static inline gomem_pallocsum_t
merge_children(const struct gomem_pagealloc *pa, unsigned int l,
	       unsigned long i, u64 *reach)
{
	return gomem_pallocsum_merge(&pa->sum[l + 1][i * RADIX],
				     level_shift(l + 1), reach);
}

#endif /* GOMEM_PAGEALLOC_TREE_H */
