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
#include <linux/types.h>

#include "chunk.h"
#include "pagealloc.h"

/**
 * struct gomem_pagemap - the chunks of a range of addresses
 * @base: address of the first; a multiple of the chunk size
 * @nr_chunks: how many chunks there can be
 * @chunk: one entry each, &gomem_no_chunk until a heap has pages there. Changes
 *	once and stays until gomem_pagemap_destroy()
 */
struct gomem_pagemap {
	unsigned long base;
	unsigned long nr_chunks;
	struct gomem_chunk **chunk;
};

int gomem_pagemap_init(struct gomem_pagemap *map, unsigned long base, unsigned long nr_chunks);
void gomem_pagemap_destroy(struct gomem_pagemap *map);
struct gomem_chunk *gomem_pagemap_register(struct gomem_pagemap *map, unsigned long ci,
					   struct gomem_chunk *c);

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
	return ci < map->nr_chunks ? READ_ONCE(map->chunk[ci]) : NULL;
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
