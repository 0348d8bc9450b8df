// SPDX-License-Identifier: GPL-2.0
/*
 * table.c - covering more of a table, and taking it down.
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

#include "table.h"

/* A new page begins with what the blank page had that stood there. */
static struct page *own_page(const struct gomem_table_blank *blank, unsigned long i,
			     int node)
{
	struct page *page = alloc_pages_node(node, GFP_KERNEL, 0);

	if (page)
		copy_page(page_address(page),
			  page_address(gomem_table_blank_page(blank, i)));
	return page;
}

/* The pages of the old table, and blank ones behind them. */
static int copy_pointers(const struct gomem_table *old, struct gomem_table *new,
			 const struct gomem_table_blank *blank)
{
	unsigned long i;

	new->page = kvmalloc_array(new->nr_pages, sizeof(*new->page), GFP_KERNEL);
	if (!new->page)
		return -ENOMEM;
	if (old->nr_pages)
		memcpy(new->page, old->page, old->nr_pages * sizeof(*new->page));
	for (i = old->nr_pages; i < new->nr_pages; i++)
		new->page[i] = gomem_table_blank_page(blank, i);
	new->own_pages = old->own_pages;
	return 0;
}

static int own_pages(struct gomem_table *new, unsigned long first, unsigned long end,
		     const struct gomem_table_blank *blank, int node)
{
	struct page *page;
	unsigned long i;

	for (i = first; i < end; i++) {
		if (new->page[i] != gomem_table_blank_page(blank, i))
			continue;
		page = own_page(blank, i, node);
		if (!page)
			return -ENOMEM;
		new->page[i] = page;
		new->own_pages++;
	}
	return 0;
}

/* A single page has an address already. */
static int map(struct gomem_table *t)
{
	if (t->nr_pages == 1)
		t->word = page_address(t->page[0]);
	else
		t->word = vmap(t->page, t->nr_pages, VM_MAP, PAGE_KERNEL);
	return t->word ? 0 : -ENOMEM;
}

/**
 * gomem_table_extend - make a table that covers more
 * @old: the table; nothing of it changes
 * @new: set to a table of @old's pages and more
 * @first: first word to cover
 * @end: word behind the last one to cover, more than @first
 * @blank: the table's blank pages
 * @node: where memory for the new pages is preferred
 *
 * The caller publishes @new, and calls gomem_table_unmap() for @old when nobody
 * uses its mapping any more. Or it calls gomem_table_undo() instead.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM and nothing to undo.
 */
int gomem_table_extend(const struct gomem_table *old, struct gomem_table *new,
		       unsigned long first, unsigned long end,
		       const struct gomem_table_blank *blank, int node)
{
	unsigned long end_page = DIV_ROUND_UP(end, GOMEM_TABLE_WORDS);

	memset(new, 0, sizeof(*new));
	new->nr_pages = max(old->nr_pages, end_page);
	if (copy_pointers(old, new, blank))
		return -ENOMEM;
	if (own_pages(new, first / GOMEM_TABLE_WORDS, end_page, blank, node) || map(new)) {
		gomem_table_undo(old, new, blank);
		return -ENOMEM;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_table_extend);

/**
 * gomem_table_undo - take down an extended table that was not published
 * @old: the table it was made from
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
		was = i < old->nr_pages ? old->page[i] : gomem_table_blank_page(blank, i);
		if (new->page[i] != was)
			__free_page(new->page[i]);
	}
	gomem_table_unmap(new);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_table_undo);

/**
 * gomem_table_unmap - drop a mapping, but keep the pages
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
 * @blank: its blank pages, which stay
 *
 * Context: may sleep.
 */
void gomem_table_destroy(struct gomem_table *t, const struct gomem_table_blank *blank)
{
	unsigned long i;

	for (i = 0; i < t->nr_pages; i++)
		if (t->page[i] != gomem_table_blank_page(blank, i))
			__free_page(t->page[i]);
	gomem_table_unmap(t);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_table_destroy);
