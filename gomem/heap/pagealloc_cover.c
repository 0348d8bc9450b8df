// SPDX-License-Identifier: GPL-2.0
/*
 * pagealloc_cover.c - make the tables of a page allocator cover more chunks.
 */
#include <kunit/visibility.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "heap/pagealloc.h"
#include "heap/pagealloc_tree.h"

/*
 * Compute the number of entries in each level of the tree of summaries. In all
 * levels but the root level the number is a multiple of eight. So the code that
 * merges eight entries into one of the next level needs no bound check.
 */
static void size_levels(unsigned long *nr, unsigned long nr_chunks)
{
	unsigned long n = nr_chunks;
	unsigned int l;

	for (l = LEAF; l > 0; l--) {
		nr[l] = round_up(n, RADIX);
		n = nr[l] / RADIX;
	}
	nr[0] = n;
}

/*
 * One sum_table for each level of the tree of summaries, and one reach_table
 * for each level above the leaves.
 */
#define NR_TABLES	(GOMEM_PAGEALLOC_LEVELS + LEAF)

static struct gomem_table *nth_table(struct gomem_pagealloc *pa, unsigned int i)
{
	return i < GOMEM_PAGEALLOC_LEVELS ?
	       &pa->sum_table[i] :
	       &pa->reach_table[i - GOMEM_PAGEALLOC_LEVELS];
}

static unsigned int level_of_table(unsigned int i)
{
	return i % GOMEM_PAGEALLOC_LEVELS;
}

static int extend_tables(struct gomem_pagealloc *pa, unsigned long first,
			 unsigned long end, int node, struct gomem_table *new)
{
	struct gomem_table_range range = { .node = node };
	unsigned int i, shift;
	int err;

	for (i = 0; i < NR_TABLES; i++) {
		shift = (LEAF - level_of_table(i)) * RADIX_SHIFT;
		range.first = first >> shift;
		range.end = ((end - 1) >> shift) + 1;
		err = gomem_table_extend(nth_table(pa, i), &new[i], &range,
					 &pa->map->zero_blank);
		if (!err)
			continue;
		while (i--)
			gomem_table_undo(nth_table(pa, i), &new[i],
					 &pa->map->zero_blank);
		return err;
	}
	return 0;
}

/*
 * Replace the tables by those in @new, which contain all words of the old
 * tables and more. The old tables are in @new afterwards.
 */
static void swap_tables(struct gomem_pagealloc *pa, struct gomem_table *new)
{
	unsigned int i;

	lockdep_assert_held(pa->lock);
	for (i = 0; i < NR_TABLES; i++)
		swap(*nth_table(pa, i), new[i]);
	for (i = 0; i <= LEAF; i++)
		pa->sum[i] = (__force gomem_pallocsum_t *)pa->sum_table[i].word;
	for (i = 0; i < LEAF; i++)
		pa->reach[i] = (u64 *)pa->reach_table[i].word;
}

/*
 * Raise pa->nr, so that chunk numbers below @end are valid. If the tables were
 * not extended just now, the caller has checked only that the table of the
 * leaves covers the chunks. Then the tables of the higher levels cover them,
 * too: tables are extended by whole kernel pages (see base/table.h), and all
 * tables together. If leaves share a page of their table, their ancestors share
 * a page of each other table.
 */
static void raise_end(struct gomem_pagealloc *pa, unsigned long end)
{
	lockdep_assert_held(pa->lock);
	if (end > pa->nr[LEAF])
		size_levels(pa->nr, end);
	/*
	 * No page below pa->search may be free. If the heap has no free page,
	 * pa->search can move to the new end: the new chunks have no free page,
	 * either. When a page below pa->search becomes free, pa->search is set
	 * to that page. So later searches start at the lowest free page, not at
	 * an old pa->search below it.
	 */
	if (!pa->free_pages)
		pa->search = nr_pages(pa);
}

/**
 * gomem_pagealloc_cover() - cover chunks, so that they can be registered
 * @pa: page allocator
 * @first: number of the first chunk
 * @end: number of the last chunk plus 1; the map covers all of these chunks
 * @node: node on which memory for the tables is preferred
 *
 * May run concurrently with all functions of the page allocator except itself,
 * gomem_pagealloc_init() and gomem_pagealloc_destroy().
 *
 * Context: process, may sleep. The caller holds the map's mutex, but not
 * @pa->lock.
 * Return: 0; or -ENOMEM, with nothing changed.
 */
int gomem_pagealloc_cover(struct gomem_pagealloc *pa, unsigned long first,
			  unsigned long end, int node)
{
	struct gomem_table *new = NULL;
	unsigned long flags;
	unsigned int i;
	int err = 0;

	lockdep_assert_held(&pa->map->mutex);
	if (!gomem_table_covers_all(&pa->sum_table[LEAF], first, end,
				    &pa->map->zero_blank)) {
		new = kcalloc(NR_TABLES, sizeof(*new), GFP_KERNEL);
		err = new ? extend_tables(pa, first, end, node, new) : -ENOMEM;
	}
	if (!err) {
		spin_lock_irqsave(pa->lock, flags);
		if (new)
			swap_tables(pa, new);
		raise_end(pa, end);
		spin_unlock_irqrestore(pa->lock, flags);
		for (i = 0; i < NR_TABLES && new; i++)
			gomem_table_unmap(&new[i]);
	}
	kfree(new);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_cover);

/**
 * gomem_pagealloc_covers() - check whether a chunk can be registered
 * @pa: page allocator
 * @ci: number of the chunk, any value
 *
 * Context: any, with @pa->lock held.
 * Return: false if gomem_pagealloc_cover() has to be called first.
 */
bool gomem_pagealloc_covers(const struct gomem_pagealloc *pa, unsigned long ci)
{
	lockdep_assert_held(pa->lock);

	return ci < pa->nr[LEAF] &&
	       gomem_table_covers(&pa->sum_table[LEAF], ci,
				  &pa->map->zero_blank);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_covers);

/**
 * gomem_pagealloc_next_covered() - find the next chunk that is covered
 * @pa: page allocator
 * @ci: number of the chunk to begin with, any value
 *
 * For walks over all chunks. Skips gaps in steps of GOMEM_TABLE_WORDS chunks.
 *
 * Context: any, with @pa->lock held.
 * Return: number of the first covered chunk at or after @ci; @pa->nr[LEAF] or
 * more if there is none.
 */
unsigned long gomem_pagealloc_next_covered(const struct gomem_pagealloc *pa,
					   unsigned long ci)
{
	while (ci < pa->nr[LEAF] && !gomem_pagealloc_covers(pa, ci))
		ci = round_down(ci, GOMEM_TABLE_WORDS) + GOMEM_TABLE_WORDS;
	return ci;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_next_covered);

/**
 * gomem_pagealloc_bytes() - count the bytes that the tables take
 * @pa: page allocator
 *
 * Context: any. Exact only with @pa->lock or the map's mutex held.
 * Return: the number of bytes.
 */
size_t gomem_pagealloc_bytes(const struct gomem_pagealloc *pa)
{
	size_t bytes = 0;
	unsigned int l;

	for (l = 0; l <= LEAF; l++)
		bytes += gomem_table_bytes(&pa->sum_table[l]);
	for (l = 0; l < LEAF; l++)
		bytes += gomem_table_bytes(&pa->reach_table[l]);
	return bytes;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_bytes);

/**
 * gomem_pagealloc_destroy() - free the tables
 * @pa: page allocator that is not used any more, or all zero
 *
 * Does not free the chunks, which belong to the caller that registered them.
 * Must be called before the map is destroyed.
 *
 * Context: process, may sleep.
 */
void gomem_pagealloc_destroy(struct gomem_pagealloc *pa)
{
	unsigned int i;

	for (i = 0; i < NR_TABLES && pa->map; i++)
		gomem_table_destroy(nth_table(pa, i), &pa->map->zero_blank);
	memset(pa, 0, sizeof(*pa));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_destroy);
