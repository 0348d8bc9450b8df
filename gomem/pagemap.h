/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pagemap.h - from an address to its chunk, its span and its heap, without a lock
 * (Go's arenas and spans).
 *
 * One map serves the heaps of all nodes, so that a free need not know where an
 * object came from. The map covers the memory that the machine has, and follows it
 * when memory is plugged in: 8 bytes for each 4 MiB, 16 for each 2 GiB of a gap.
 */
#ifndef GOMEM_PAGEMAP_H
#define GOMEM_PAGEMAP_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "chunk.h"
#include "table.h"

/*
 * Entries are relative to 4 GiB of addresses: see gomem_pagemap_bias(). So many
 * are different from each other where nothing is ours.
 */
#define GOMEM_MAP_SHIFT		32
#define GOMEM_MAP_ENTRIES	BIT(GOMEM_MAP_SHIFT - GOMEM_CHUNK_SHIFT)
#define GOMEM_MAP_BLANKS	(GOMEM_MAP_ENTRIES * sizeof(unsigned long) / PAGE_SIZE)

/**
 * struct gomem_pagemap - the chunks of a range of addresses
 * @base: address of the first; a multiple of 4 GiB. Written once
 * @nr_chunks: how many chunks there can be. Only grows
 * @entry: one each: the chunk, &gomem_no_chunk until a heap has pages there, less
 *	gomem_pagemap_bias() of its address. An entry changes once and stays until
 *	gomem_pagemap_destroy(). The pointer changes when more is covered: the words behind
 *	it do not
 * @live: lookups may run concurrently with gomem_pagemap_cover()
 * @mutex: serializes all that makes tables longer, those of the heaps included
 * @table: what @entry is the mapping of; @mutex
 * @old: earlier mappings of @table, which a lookup may still use that was preempted;
 *	@mutex
 * @none: pages of entries that are all &gomem_no_chunk
 * @zero: a page of zeroes
 * @blank: what @table has where it is not covered
 * @zero_blank: what the heaps' tables have where they are not covered
 *
 * Readers load @nr_chunks before @entry, or both in a section with preemption off: see
 * publish() in pagemap.c.
 */
struct gomem_pagemap {
	unsigned long base;
	unsigned long nr_chunks;
	unsigned long *entry;
	bool live;
	struct mutex mutex;	/* see above */
	struct gomem_table table;
	struct list_head old;
	struct page *none[GOMEM_MAP_BLANKS];
	struct page *zero;
	struct gomem_table_blank blank;
	struct gomem_table_blank zero_blank;
};

int gomem_pagemap_init(struct gomem_pagemap *map, unsigned long base);
void gomem_pagemap_destroy(struct gomem_pagemap *map);
int gomem_pagemap_cover(struct gomem_pagemap *map, unsigned long first, unsigned long end,
			int node);
size_t gomem_pagemap_bytes(struct gomem_pagemap *map);
struct gomem_chunk *gomem_pagemap_register(struct gomem_pagemap *map, unsigned long ci,
					   struct gomem_chunk *c);

/* Stands for every chunk that is not registered: all holes, no tags, no heap. */
extern const struct gomem_chunk gomem_no_chunk;

/*
 * What the entry of an address is short of its chunk. So a free finds a page's tag by the
 * page's number in 4 GiB, and need not mask it to that in the chunk: the lower half of an
 * address costs nothing to take.
 */
static __always_inline unsigned long gomem_pagemap_bias(unsigned long addr)
{
	return (unsigned long)((u32)addr >> GOMEM_CHUNK_SHIFT) *
	       sizeof_field(struct gomem_chunk, tag);
}

static_assert(!offsetof(struct gomem_chunk, tag));
static_assert(BITS_PER_TYPE(u32) == GOMEM_MAP_SHIFT);

/* What an entry points to: the tags of all pages of 4 GiB, as it were. */
struct gomem_tags {
	DECLARE_FLEX_ARRAY(u32, tag);
};

/* The tag of an address' page, by its entry. */
static __always_inline u32 gomem_pagemap_tag(unsigned long entry, unsigned long addr)
{
	return READ_ONCE(((const struct gomem_tags *)entry)->tag[(u32)addr >> GOMEM_PAGE_SHIFT]);
}

/* The chunk that an entry stands for, which is that of @addr. */
static __always_inline struct gomem_chunk *gomem_pagemap_entry_chunk(unsigned long entry,
								     unsigned long addr)
{
	return (struct gomem_chunk *)(entry + gomem_pagemap_bias(addr));
}

/* Number of the chunk an address lies in; nr_chunks or more: none of ours. */
static __always_inline unsigned long gomem_pagemap_index(const struct gomem_pagemap *map,
							 unsigned long addr)
{
	return (addr - map->base) >> GOMEM_CHUNK_SHIFT;
}

/* The chunk number @ci, which is below nr_chunks. */
static __always_inline struct gomem_chunk *
gomem_pagemap_nth_chunk(const struct gomem_pagemap *map, unsigned long ci)
{
	/* The base is a multiple of 4 GiB, so @ci tells the bias as well as the address. */
	unsigned long bias = ci % GOMEM_MAP_ENTRIES * sizeof_field(struct gomem_chunk, tag);
	unsigned long *entry = READ_ONCE(map->entry);

	/* Pairs with cmpxchg_release() in gomem_pagemap_register(), by dependency. */
	return (struct gomem_chunk *)(READ_ONCE(entry[ci]) + bias);
}

/* The chunk an address lies in, NULL if it is beyond what there can be. */
static inline struct gomem_chunk *gomem_pagemap_chunk(const struct gomem_pagemap *map,
						      unsigned long addr)
{
	unsigned long ci = gomem_pagemap_index(map, addr);

	/* In this order: see publish() in pagemap.c. */
	return ci < READ_ONCE(map->nr_chunks) ? gomem_pagemap_nth_chunk(map, ci) : NULL;
}

static inline unsigned int gomem_chunk_page(unsigned long addr)
{
	return (addr >> GOMEM_PAGE_SHIFT) & (GOMEM_CHUNK_PAGES - 1);
}

/*
 * The live span that an address lies in, or NULL. The answer holds for as long
 * as the caller owns an object there.
 */
static inline struct gomem_span *gomem_pagemap_span(const struct gomem_pagemap *map,
						    unsigned long addr)
{
	struct gomem_chunk *c = gomem_pagemap_chunk(map, addr);
	unsigned int i = gomem_chunk_page(addr);

	/* Pairs with the stores in map_span() and unmap_span(). */
	if (!c || !READ_ONCE(c->tag[i]))
		return NULL;
	return READ_ONCE(c->span[i]);
}

/**
 * gomem_pagemap_large() - find a large object that nobody has freed
 * @map: the map
 * @addr: its address, or any other
 *
 * Return: its span, NULL if there is no such object.
 */
static inline struct gomem_span *gomem_pagemap_large(const struct gomem_pagemap *map,
						     unsigned long addr)
{
	struct gomem_chunk *c = gomem_pagemap_chunk(map, addr);
	unsigned int i = gomem_chunk_page(addr);

	/* Pairs with gomem_heap_publish_large(). */
	if (!c || !gomem_tag_is_large(smp_load_acquire(&c->tag[i]), addr))
		return NULL;
	return READ_ONCE(c->span[i]);
}

/*
 * Is this a page that a heap has, in use or not? For who owns something in the page, of
 * the heap's or of another allocator's, the answer holds; for others it is a hint.
 */
static inline bool gomem_pagemap_has_page(const struct gomem_pagemap *map, unsigned long addr)
{
	struct gomem_chunk *c = gomem_pagemap_chunk(map, addr);
	unsigned int i = gomem_chunk_page(addr);

	/* Bits of other pages change meanwhile, under a lock that is not taken here. */
	return c && !(data_race(c->hole.word[i / 64]) & BIT_ULL(i % 64));
}

#endif /* GOMEM_PAGEMAP_H */
