/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pagemap.h - find the chunk, the span and the heap of an address, without a
 * lock.
 *
 * One map serves the heaps of all nodes, so that a free need not know which
 * node an object came from. The map covers the memory of the machine, and is
 * extended when memory is plugged in. It takes 8 bytes for each 4 MiB of
 * memory. With kernel pages of 4 KiB, it takes 16 bytes for each 2 GiB of a gap
 * between ranges of memory.
 */
#ifndef GOMEM_PAGEMAP_H
#define GOMEM_PAGEMAP_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "base/table.h"
#include "map/chunk.h"
#include "map/span.h"

/*
 * The value of a page map entry depends on where its chunk lies in an aligned
 * range of 4 GiB, see gomem_pagemap_bias(). So the entries of chunks that are
 * not registered, which all lead to &gomem_no_chunk, have GOMEM_MAP_ENTRIES
 * different values. These values fill the blank pages (base/table.h) of the
 * map's table, GOMEM_MAP_BLANKS kernel pages.
 */
#define GOMEM_MAP_SHIFT		32
#define GOMEM_MAP_ENTRIES	BIT(GOMEM_MAP_SHIFT - GOMEM_CHUNK_SHIFT)
#define GOMEM_MAP_BLANKS	\
	(GOMEM_MAP_ENTRIES * sizeof(unsigned long) / PAGE_SIZE)

/**
 * struct gomem_pagemap - the chunks of a range of addresses
 * @base: address of the first chunk; a multiple of 4 GiB. Written once
 * @nr_chunks: number of chunks that the map has entries for. Only grows
 * @entry: array with an entry per chunk: the address of its struct gomem_chunk
 *	minus gomem_pagemap_bias() of the chunk's address. Entries of chunks
 *	that are not registered stand for &gomem_no_chunk. An entry changes
 *	once, and then stays until gomem_pagemap_destroy(). The pointer to the
 *	array changes when the map is extended; the entries do not
 * @live: lookups may run concurrently with gomem_pagemap_cover(). Set by
 *	run/hotplug.c
 * @mutex: protects @table and @old; held by tasks that extend this table or
 *	those of the heaps
 * @table: the table that @entry is a mapping of; protected by @mutex
 * @old: earlier mappings of @table. A lookup that was preempted may still use
 *	one of them. Protected by @mutex
 * @none: the blank pages of @table: their entries stand for &gomem_no_chunk
 * @zero: the blank page of the heaps' tables, a page of zeroes
 * @blank: describes @none, for the functions of base/table.h
 * @zero_blank: describes @zero, for the same functions
 *
 * Lookups load @nr_chunks before @entry, or have preemption off from the first
 * of these loads to the second: see publish() in pagemap.c.
 */
struct gomem_pagemap {
	unsigned long base;
	unsigned long nr_chunks;
	unsigned long *entry;
	bool live;
	struct mutex mutex;	/* protects @table and @old */
	struct gomem_table table;
	struct list_head old;
	struct page *none[GOMEM_MAP_BLANKS];
	struct page *zero;
	struct gomem_table_blank blank;
	struct gomem_table_blank zero_blank;
};

/* The map of the module's heaps, one for all nodes. */
extern struct gomem_pagemap gomem_pagemap;

int gomem_pagemap_init(struct gomem_pagemap *map, unsigned long base);
void gomem_pagemap_destroy(struct gomem_pagemap *map);
int gomem_pagemap_cover(struct gomem_pagemap *map, unsigned long first,
			unsigned long end, int node);
size_t gomem_pagemap_bytes(struct gomem_pagemap *map);
struct gomem_chunk *gomem_pagemap_register(struct gomem_pagemap *map,
					   unsigned long ci,
					   struct gomem_chunk *c);

/* Stands for each chunk that is not registered: all holes, no tags, no heap. */
extern const struct gomem_chunk gomem_no_chunk;

/*
 * The page map's entry for @addr is the address of the struct gomem_chunk, less
 * a bias. Return the bias: the size of the tags of all chunks that lie before
 * this one in the same 4 GiB of addresses. Because of the bias, a free can use
 * the entry as an array with the tags of all pages in these 4 GiB: the element
 * for the page of @addr is the tag of that page in the chunk. The index into
 * the array is the lower half of @addr, shifted. An index into the tags of only
 * one chunk would take one more instruction, a mask.
 */
static __always_inline unsigned long gomem_pagemap_bias(unsigned long addr)
{
	return (unsigned long)((u32)addr >> GOMEM_CHUNK_SHIFT) *
	       sizeof_field(struct gomem_chunk, tag);
}

static_assert(!offsetof(struct gomem_chunk, tag));
static_assert(BITS_PER_TYPE(u32) == GOMEM_MAP_SHIFT);

/*
 * An entry of the page map is used as a pointer to this array, as if the array
 * had the tags of all pages in the aligned 4 GiB around the entry's chunk. Only
 * the elements for that chunk are read. They are the tags in its struct
 * gomem_chunk: see gomem_pagemap_bias().
 */
struct gomem_tags {
	DECLARE_FLEX_ARRAY(u32, tag);
};

/* Return the tag of the page of @addr, from the page map's entry for @addr. */
static __always_inline u32 gomem_pagemap_tag(unsigned long entry,
					     unsigned long addr)
{
	return READ_ONCE(((const struct gomem_tags *)entry)->
			 tag[(u32)addr >> GOMEM_PAGE_SHIFT]);
}

/* Return the chunk of @addr, from the page map's entry for @addr. */
static __always_inline struct gomem_chunk *
gomem_pagemap_entry_chunk(unsigned long entry, unsigned long addr)
{
	return (struct gomem_chunk *)(entry + gomem_pagemap_bias(addr));
}

/*
 * Return the number of the chunk that an address lies in. If it is nr_chunks or
 * more, the map has no such chunk.
 */
static __always_inline unsigned long
gomem_pagemap_index(const struct gomem_pagemap *map, unsigned long addr)
{
	return (addr - map->base) >> GOMEM_CHUNK_SHIFT;
}

/* Return chunk number @ci, which is below nr_chunks. */
static __always_inline struct gomem_chunk *
gomem_pagemap_nth_chunk(const struct gomem_pagemap *map, unsigned long ci)
{
	/*
	 * Compute gomem_pagemap_bias() of the chunk without an address.
	 * @map->base is a multiple of 4 GiB, so the low bits of @ci are the
	 * number of the chunk in its 4 GiB.
	 */
	unsigned long bias = ci % GOMEM_MAP_ENTRIES *
			     sizeof_field(struct gomem_chunk, tag);
	unsigned long *entry = READ_ONCE(map->entry);

	/*
	 * The address dependency pairs with cmpxchg_release() in
	 * gomem_pagemap_register().
	 */
	return (struct gomem_chunk *)(READ_ONCE(entry[ci]) + bias);
}

/*
 * Return the chunk that an address lies in: &gomem_no_chunk if it is not
 * registered, NULL if the map has no entry for it.
 */
static inline struct gomem_chunk *
gomem_pagemap_chunk(const struct gomem_pagemap *map, unsigned long addr)
{
	unsigned long ci = gomem_pagemap_index(map, addr);

	/* nr_chunks has to be loaded first: see publish() in pagemap.c. */
	return ci < READ_ONCE(map->nr_chunks) ?
	       gomem_pagemap_nth_chunk(map, ci) : NULL;
}

/* Return which page of its chunk an address lies in: 0 for the first page. */
static inline unsigned int gomem_chunk_page(unsigned long addr)
{
	return (addr >> GOMEM_PAGE_SHIFT) & (GOMEM_CHUNK_PAGES - 1);
}

/*
 * Return the live span that an address lies in, or NULL. The answer stays true
 * as long as the caller owns an object in the span.
 */
static inline struct gomem_span *
gomem_pagemap_span(const struct gomem_pagemap *map, unsigned long addr)
{
	struct gomem_chunk *c = gomem_pagemap_chunk(map, addr);
	unsigned int i = gomem_chunk_page(addr);

	/* Pairs with the functions of heap/spanpages.c that write tags. */
	if (!c || !READ_ONCE(c->tag[i]))
		return NULL;
	return READ_ONCE(c->span[i]);
}

/*
 * Return the span class of page @i of a chunk, which is part of a live span.
 * If the page has specials, its tag does not tell the span class.
 */
static inline unsigned int gomem_page_spc(const struct gomem_chunk *c,
					  unsigned int i)
{
	u32 tag = READ_ONCE(c->tag[i]);

	if (unlikely(tag & GOMEM_TAG_SPECIAL))
		return READ_ONCE(READ_ONCE(c->span[i])->spc);
	return gomem_tag_spc(tag);
}

/**
 * gomem_pagemap_large() - find the span of a live large object
 * @map: the map
 * @addr: the address of the object, or any other value
 *
 * Return: the span, NULL if @addr is not a large object or was freed.
 */
static inline struct gomem_span *
gomem_pagemap_large(const struct gomem_pagemap *map, unsigned long addr)
{
	struct gomem_chunk *c = gomem_pagemap_chunk(map, addr);
	unsigned int i = gomem_chunk_page(addr);

	/* Pairs with gomem_heap_publish_large(). */
	if (!c || !gomem_tag_is_large(smp_load_acquire(&c->tag[i]), addr))
		return NULL;
	return READ_ONCE(c->span[i]);
}

/*
 * Does the page of @addr belong to a heap, in use or not? While the caller owns
 * memory in the page, from gomem or from another allocator, the answer does not
 * change. For other callers the answer is a hint.
 */
static inline bool gomem_pagemap_has_page(const struct gomem_pagemap *map,
					  unsigned long addr)
{
	struct gomem_chunk *c = gomem_pagemap_chunk(map, addr);
	unsigned int i = gomem_chunk_page(addr);

	/*
	 * Other CPUs change bits of other pages concurrently, under the heap's
	 * lock, which is not taken here.
	 */
	return c && !(data_race(c->hole.word[i / 64]) & BIT_ULL(i % 64));
}

#endif /* GOMEM_PAGEMAP_H */
