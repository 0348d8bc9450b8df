/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pagemap.h - from an address to its chunk, its span and its heap, without a lock
 * (Go's arenas and spans).
 *
 * One map serves the heaps of all nodes, so that a free need not know where an
 * object came from.
 */
#ifndef GOMEM_PAGEMAP_H
#define GOMEM_PAGEMAP_H

#include <linux/compiler.h>
#include <linux/stddef.h>
#include <linux/types.h>

#include "chunk.h"
#include "pagealloc.h"

/**
 * struct gomem_pagemap - the chunks of a range of addresses
 * @base: address of the first; a multiple of the chunk size
 * @nr_chunks: how many chunks there can be
 * @entry: one each: the chunk, &gomem_no_chunk until a heap has pages there, less
 *	gomem_pagemap_bias() of its address. Changes once and stays until
 *	gomem_pagemap_destroy()
 */
struct gomem_pagemap {
	unsigned long base;
	unsigned long nr_chunks;
	unsigned long *entry;
};

int gomem_pagemap_init(struct gomem_pagemap *map, unsigned long base, unsigned long nr_chunks);
void gomem_pagemap_destroy(struct gomem_pagemap *map);
struct gomem_chunk *gomem_pagemap_register(struct gomem_pagemap *map, unsigned long ci,
					   struct gomem_chunk *c);

/*
 * What the entry of an address is short of its chunk. So a free finds a page's tag by the
 * page's number from address 0 on, and need not mask it to that in the chunk.
 */
static __always_inline unsigned long gomem_pagemap_bias(unsigned long addr)
{
	return (addr >> GOMEM_CHUNK_SHIFT) * sizeof_field(struct gomem_chunk, tag);
}

static_assert(!offsetof(struct gomem_chunk, tag));

/* What an entry points to: the tags of all pages, from address 0 on, as it were. */
struct gomem_tags {
	DECLARE_FLEX_ARRAY(u32, tag);
};

/* The tag of an address' page, by its entry. */
static __always_inline u32 gomem_pagemap_tag(unsigned long entry, unsigned long addr)
{
	return READ_ONCE(((const struct gomem_tags *)entry)->tag[addr >> GOMEM_PAGE_SHIFT]);
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

/* The chunk an address lies in, NULL if it is beyond what there can be. */
static inline struct gomem_chunk *gomem_pagemap_chunk(const struct gomem_pagemap *map,
						      unsigned long addr)
{
	unsigned long ci = gomem_pagemap_index(map, addr);

	/* Pairs with cmpxchg_release() in gomem_pagemap_register(), by dependency. */
	return ci < map->nr_chunks ? gomem_pagemap_entry_chunk(READ_ONCE(map->entry[ci]), addr) :
				     NULL;
}

/* The chunk number @ci, which is below nr_chunks. */
static inline struct gomem_chunk *gomem_pagemap_nth_chunk(const struct gomem_pagemap *map,
							  unsigned long ci)
{
	return gomem_pagemap_chunk(map, map->base + (ci << GOMEM_CHUNK_SHIFT));
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
