/* SPDX-License-Identifier: GPL-2.0 */
/*
 * table.h - a long array of words that takes memory only for the ranges that
 * are used (*covered*).
 *
 * The array consists of kernel pages that are mapped one after the other. The
 * pages of a covered range are the table's own. Everywhere else the mapping
 * repeats the *blank* pages, which are shared and never written to. So a page
 * that is not covered costs 16 bytes instead of 4 KiB: its page table entry and
 * its pointer in gomem_table.page.
 *
 * gomem_table_extend() covers one more range, without copying the table's own
 * pages: it makes a second mapping, which shares them, and has new pages in the
 * range. The range may lie inside the first mapping, which keeps its blank
 * pages there, or beyond its end. Until the owner removes the first mapping,
 * both mappings have the same words outside of the range.
 */
#ifndef GOMEM_TABLE_H
#define GOMEM_TABLE_H

#include <linux/mm_types.h>
#include <linux/types.h>

/* Words in a page of a table. */
#define GOMEM_TABLE_WORDS	(PAGE_SIZE / sizeof(unsigned long))

/**
 * struct gomem_table - an array of words
 * @word: the mapping, NULL if @nr_pages is 0
 * @nr_pages: pages in the mapping
 * @own_pages: number of pages in the mapping that are not blank
 * @page: the pages in the order of the mapping
 *
 * A zeroed struct is an empty table.
 */
struct gomem_table {
	unsigned long *word;
	unsigned long nr_pages;
	unsigned long own_pages;
	struct page **page;
};

/**
 * struct gomem_table_blank - what a table maps in ranges that are not covered
 * @page: the blank pages. If page i of a table is not covered, the table maps
 *	blank page i % @nr there
 * @nr: number of blank pages
 */
struct gomem_table_blank {
	struct page *const *page;
	unsigned int nr;
};

/**
 * struct gomem_table_range - words that a table has to cover
 * @first: the first word
 * @end: the word after the last one, more than @first
 * @node: preferred node for the pages of these words
 */
struct gomem_table_range {
	unsigned long first;
	unsigned long end;
	int node;
};

int gomem_table_extend(const struct gomem_table *old, struct gomem_table *new,
		       const struct gomem_table_range *range,
		       const struct gomem_table_blank *blank);
void gomem_table_undo(const struct gomem_table *old, struct gomem_table *new,
		      const struct gomem_table_blank *blank);
void gomem_table_unmap(struct gomem_table *t);
void gomem_table_destroy(struct gomem_table *t,
			 const struct gomem_table_blank *blank);

static inline struct page *
gomem_table_blank_page(const struct gomem_table_blank *blank, unsigned long i)
{
	return blank->page[i % blank->nr];
}

/* Is word @w in one of the table's own pages? */
static inline bool gomem_table_covers(const struct gomem_table *t,
				      unsigned long w,
				      const struct gomem_table_blank *blank)
{
	unsigned long i = w / GOMEM_TABLE_WORDS;

	return i < t->nr_pages &&
	       t->page[i] != gomem_table_blank_page(blank, i);
}

/* Are all words from @first to @end - 1 in the table's own pages? */
static inline bool gomem_table_covers_all(const struct gomem_table *t,
					  unsigned long first,
					  unsigned long end,
					  const struct gomem_table_blank *blank)
{
	for (; first < end;
	     first = (first / GOMEM_TABLE_WORDS + 1) * GOMEM_TABLE_WORDS)
		if (!gomem_table_covers(t, first, blank))
			return false;
	return true;
}

/* Bytes that a table takes: its own pages, page table entries and pointers. */
static inline size_t gomem_table_bytes(const struct gomem_table *t)
{
	return t->own_pages * PAGE_SIZE +
	       t->nr_pages * 2 * sizeof(unsigned long);
}

#endif /* GOMEM_TABLE_H */
