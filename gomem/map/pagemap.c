// SPDX-License-Identifier: GPL-2.0
/*
 * pagemap.c - make, extend and destroy the page map, which every free reads.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "map/pagemap.h"

#define NO_WORDS	{ [0 ... GOMEM_CHUNK_WORDS - 1] = ~0ULL }

/* Constant, so that a store to the result of a failed lookup faults. */
const struct gomem_chunk gomem_no_chunk = {
	.inuse	= { .word = NO_WORDS },
	.hole	= { .word = NO_WORDS },
};
EXPORT_SYMBOL_IF_KUNIT(gomem_no_chunk);

struct gomem_pagemap gomem_pagemap;
EXPORT_SYMBOL_IF_KUNIT(gomem_pagemap);

/* An earlier mapping of the page map's table. */
struct old_table {
	struct list_head link;
	struct gomem_table table;
};

/* Return the value of entry @ci for the chunk @c: see gomem_pagemap_bias(). */
static unsigned long entry_of(const struct gomem_pagemap *map, unsigned long ci,
			      const struct gomem_chunk *c)
{
	return (unsigned long)c -
	       gomem_pagemap_bias(map->base + (ci << GOMEM_CHUNK_SHIFT));
}

/*
 * Make the blank pages, which tables map where they cover nothing: see
 * base/table.h. Those of the page map's table have the entries of chunks that
 * are not registered, whose values repeat every 4 GiB of addresses: see
 * gomem_pagemap_bias(). That of the heaps' tables is zeroed.
 */
static int make_blanks(struct gomem_pagemap *map)
{
	unsigned long *entry = NULL, ci;

	for (ci = 0; ci < GOMEM_MAP_ENTRIES; ci++) {
		if (ci % GOMEM_TABLE_WORDS == 0) {
			entry = (unsigned long *)__get_free_page(GFP_KERNEL);
			if (!entry)
				return -ENOMEM;
			map->none[ci / GOMEM_TABLE_WORDS] = virt_to_page(entry);
		}
		entry[ci % GOMEM_TABLE_WORDS] =
			entry_of(map, ci, &gomem_no_chunk);
	}
	map->zero = alloc_page(GFP_KERNEL | __GFP_ZERO);
	return map->zero ? 0 : -ENOMEM;
}

/**
 * gomem_pagemap_init - set up a map that covers nothing
 * @map: the map
 * @base: lowest address that it can cover; a multiple of 4 GiB
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_pagemap_init(struct gomem_pagemap *map, unsigned long base)
{
	memset(map, 0, sizeof(*map));
	map->base = base;
	mutex_init(&map->mutex);
	INIT_LIST_HEAD(&map->old);
	map->blank = (struct gomem_table_blank){ map->none, GOMEM_MAP_BLANKS };
	map->zero_blank = (struct gomem_table_blank){ &map->zero, 1 };
	if (make_blanks(map)) {
		gomem_pagemap_destroy(map);
		return -ENOMEM;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagemap_init);

static void free_page_of(struct page *page)
{
	if (page)
		__free_page(page);
}

/**
 * gomem_pagemap_destroy - free a map's tables
 * @map: the map; no lookup may run any more
 *
 * Context: may sleep.
 */
void gomem_pagemap_destroy(struct gomem_pagemap *map)
{
	struct old_table *old, *next;
	unsigned int i;

	if (!map->blank.nr)
		return;
	list_for_each_entry_safe(old, next, &map->old, link) {
		gomem_table_unmap(&old->table);
		kfree(old);
	}
	gomem_table_destroy(&map->table, &map->blank);
	for (i = 0; i < GOMEM_MAP_BLANKS; i++)
		free_page_of(map->none[i]);
	free_page_of(map->zero);
	memset(map, 0, sizeof(*map));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagemap_destroy);

/*
 * Let lookups use the new table. Lookups run concurrently on any CPU, in any
 * context, without a lock. gomem_free() loads nr_chunks, compares it, and loads
 * the pointer to the entries. It may be preempted after each of these steps.
 *
 * If lookups may run already, this function waits for a grace period after it
 * has stored the pointer, and before it stores nr_chunks. There are two sorts
 * of lookups:
 *
 * - Those that may be preempted, as in gomem_free(), load nr_chunks before the
 *   pointer. Each CPU executes a full barrier during the grace period. If such
 *   a lookup sees the new nr_chunks, it has loaded nr_chunks after that
 *   barrier. So it sees the new pointer, too.
 * - Those that have preemption off from the first load to the second, as in
 *   gomem_free_bulk(), may load in any order. If such a lookup loads the old
 *   pointer, the grace period ends after the lookup, which therefore sees the
 *   old nr_chunks.
 *
 * When this function returns, the caller may let gomem use memory that the old
 * table did not cover. From then on, any CPU that has a pointer to such memory
 * sees the new table.
 */
static void publish(struct gomem_pagemap *map, const struct gomem_table *new,
		    struct old_table *old)
{
	lockdep_assert_held(&map->mutex);
	kvfree(map->table.page);
	old->table = map->table;
	old->table.page = NULL;
	list_add(&old->link, &map->old);
	map->table = *new;
	/*
	 * Release the words of the new pages. Pairs with the address dependency
	 * of lookups, which load map->entry and then a word.
	 */
	smp_store_release(&map->entry, new->word);
	if (map->live)
		synchronize_rcu();
	WRITE_ONCE(map->nr_chunks, new->nr_pages * GOMEM_TABLE_WORDS);
}

/**
 * gomem_pagemap_cover - make room in a map to register chunks
 * @map: the map
 * @first: number of the first chunk
 * @end: number of the chunk after the last one, more than @first
 * @node: preferred node for the table's memory
 *
 * If the table does not cover all these chunks yet, it is mapped anew, with
 * further pages. The earlier mapping stays until the map is destroyed, because
 * a lookup that was preempted may still use it. It costs only address space and
 * page tables, since both mappings share the pages of the table.
 *
 * Context: may sleep; caller holds the map's mutex.
 * Return: 0, or -ENOMEM with nothing changed.
 */
int gomem_pagemap_cover(struct gomem_pagemap *map, unsigned long first,
			unsigned long end, int node)
{
	struct gomem_table_range range = { first, end, node };
	struct gomem_table new;
	struct old_table *old;

	lockdep_assert_held(&map->mutex);
	if (gomem_table_covers_all(&map->table, first, end, &map->blank))
		return 0;
	old = kmalloc(sizeof(*old), GFP_KERNEL);
	if (!old)
		return -ENOMEM;
	if (gomem_table_extend(&map->table, &new, &range, &map->blank)) {
		kfree(old);
		return -ENOMEM;
	}
	publish(map, &new, old);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagemap_cover);

/**
 * gomem_pagemap_bytes - return the memory that a map takes
 * @map: the map
 *
 * Context: may sleep; takes the map's mutex.
 * Return: bytes.
 */
size_t gomem_pagemap_bytes(struct gomem_pagemap *map)
{
	size_t bytes = (GOMEM_MAP_BLANKS + 1) * PAGE_SIZE;
	struct old_table *old;

	mutex_lock(&map->mutex);
	bytes += gomem_table_bytes(&map->table);
	list_for_each_entry(old, &map->old, link)
		bytes += old->table.nr_pages * sizeof(unsigned long);
	mutex_unlock(&map->mutex);
	return bytes;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagemap_bytes);

/**
 * gomem_pagemap_register - add a chunk to a map
 * @map: the map
 * @ci: number of the chunk, which the map covers
 * @c: its bookkeeping, ready to use, with all pages marked as holes
 *
 * A chunk belongs to one heap. If the memory of two nodes meets inside a chunk,
 * both heaps may try to register it concurrently; the first one gets it. Two
 * CPUs may also try for the same heap.
 *
 * Context: any.
 * Return: the chunk that is registered: @c, or the one that was first.
 */
struct gomem_chunk *gomem_pagemap_register(struct gomem_pagemap *map,
					   unsigned long ci,
					   struct gomem_chunk *c)
{
	unsigned long none = entry_of(map, ci, &gomem_no_chunk), old;

	/*
	 * Release: a lookup that finds the chunk sees it initialised. Pairs
	 * with the address dependency in gomem_pagemap_nth_chunk().
	 */
	old = cmpxchg_release(&map->entry[ci], none, entry_of(map, ci, c));
	return old == none ? c : gomem_pagemap_nth_chunk(map, ci);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagemap_register);
