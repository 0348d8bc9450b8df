// SPDX-License-Identifier: GPL-2.0
/*
 * table.c - extend tables and destroy them.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "base/table.h"

/* Allocate page @i of a table, as a copy of the blank page that it replaces. */
static struct page *own_page(const struct gomem_table_blank *blank,
			     unsigned long i, int node)
{
	struct page *page = alloc_pages_node(node, GFP_KERNEL, 0);

	if (page)
		copy_page(page_address(page),
			  page_address(gomem_table_blank_page(blank, i)));
	return page;
}

/* Give @new the pointers to the pages of @old, then pointers to blank pages. */
static int copy_pointers(const struct gomem_table *old,
			 struct gomem_table *new,
			 const struct gomem_table_blank *blank)
{
	unsigned long i;

	new->page = kvmalloc_array(new->nr_pages, sizeof(*new->page),
				   GFP_KERNEL);
	if (!new->page)
		return -ENOMEM;
	if (old->nr_pages)
		memcpy(new->page, old->page,
		       old->nr_pages * sizeof(*new->page));
	for (i = old->nr_pages; i < new->nr_pages; i++)
		new->page[i] = gomem_table_blank_page(blank, i);
	new->own_pages = old->own_pages;
	return 0;
}

/* Replace the blank pages of a range with pages of @new's own. */
static int own_pages(struct gomem_table *new,
		     const struct gomem_table_range *range,
		     const struct gomem_table_blank *blank)
{
	unsigned long i, end = DIV_ROUND_UP(range->end, GOMEM_TABLE_WORDS);
	struct page *page;

	for (i = range->first / GOMEM_TABLE_WORDS; i < end; i++) {
		if (new->page[i] != gomem_table_blank_page(blank, i))
			continue;
		page = own_page(blank, i, range->node);
		if (!page)
			return -ENOMEM;
		new->page[i] = page;
		new->own_pages++;
	}
	return 0;
}

/* Map the pages. A single page needs no vmap(): the direct map has it. */
static int map(struct gomem_table *t)
{
	if (t->nr_pages == 1)
		t->word = page_address(t->page[0]);
	else
		t->word = vmap(t->page, t->nr_pages, VM_MAP, PAGE_KERNEL);
	return t->word ? 0 : -ENOMEM;
}

/**
 * gomem_table_extend - make a second mapping of a table that covers more words
 * @old: the table; it does not change
 * @new: set to a table that shares @old's own pages. In @range it has pages of
 *	its own where @old has blank pages or none
 * @range: the words to cover
 * @blank: the table's blank pages
 *
 * The caller publishes @new, and calls gomem_table_unmap() for @old when no
 * reader uses its mapping any more. A caller that does not publish @new calls
 * gomem_table_undo() instead.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM with nothing left to undo.
 */
int gomem_table_extend(const struct gomem_table *old, struct gomem_table *new,
		       const struct gomem_table_range *range,
		       const struct gomem_table_blank *blank)
{
	memset(new, 0, sizeof(*new));
	new->nr_pages = max(old->nr_pages,
			    DIV_ROUND_UP(range->end, GOMEM_TABLE_WORDS));
	if (copy_pointers(old, new, blank))
		return -ENOMEM;
	if (own_pages(new, range, blank) || map(new)) {
		gomem_table_undo(old, new, blank);
		return -ENOMEM;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_table_extend);

/**
 * gomem_table_undo - free an extended table that the caller has not published
 * @old: the table that @new was made from; it does not change
 * @new: the extended table
 * @blank: the table's blank pages
 *
 * Context: may sleep.
 */
void gomem_table_undo(const struct gomem_table *old, struct gomem_table *new,
		      const struct gomem_table_blank *blank)
{
	unsigned long i;
	struct page *was;

	if (!new->page)
		return;
	for (i = 0; i < new->nr_pages; i++) {
		was = i < old->nr_pages ? old->page[i] :
					  gomem_table_blank_page(blank, i);
		if (new->page[i] != was)
			__free_page(new->page[i]);
	}
	gomem_table_unmap(new);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_table_undo);

/**
 * gomem_table_unmap - free a table's mapping, but not its pages
 * @t: the table; empty afterwards
 *
 * Context: may sleep.
 */
void gomem_table_unmap(struct gomem_table *t)
{
	if (t->word && t->nr_pages > 1)
		vunmap(t->word);
	kvfree(t->page);
	memset(t, 0, sizeof(*t));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_table_unmap);

/**
 * gomem_table_destroy - free a table and its pages
 * @t: the table; empty afterwards
 * @blank: its blank pages, which are not freed
 *
 * Context: may sleep.
 */
void gomem_table_destroy(struct gomem_table *t,
			 const struct gomem_table_blank *blank)
{
	unsigned long i;

	for (i = 0; i < t->nr_pages; i++)
		if (t->page[i] != gomem_table_blank_page(blank, i))
			__free_page(t->page[i]);
	gomem_table_unmap(t);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_table_destroy);
