// SPDX-License-Identifier: GPL-2.0
/*
 * pagemap.c - the table that every free looks into.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "pagemap.h"

/**
 * gomem_pagemap_init - make a map in which nothing is ours
 * @map: the map
 * @base: lowest address; a multiple of the chunk size
 * @nr_chunks: how many chunks of address range there are from @base on
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_pagemap_init(struct gomem_pagemap *map, unsigned long base, unsigned long nr_chunks)
{
	unsigned long ci;

	map->chunk = kvmalloc_array(nr_chunks, sizeof(*map->chunk), GFP_KERNEL);
	if (!map->chunk)
		return -ENOMEM;
	/* The cast drops const: what is not registered is never written to. */
	for (ci = 0; ci < nr_chunks; ci++)
		map->chunk[ci] = (struct gomem_chunk *)&gomem_no_chunk;
	map->base = base;
	map->nr_chunks = nr_chunks;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagemap_init);

/**
 * gomem_pagemap_destroy - free the table
 * @map: the map, looked into by nobody any more
 */
void gomem_pagemap_destroy(struct gomem_pagemap *map)
{
	kvfree(map->chunk);
	map->chunk = NULL;
	map->nr_chunks = 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagemap_destroy);

/**
 * gomem_pagemap_register - make a chunk known
 * @map: the map
 * @ci: number of the chunk
 * @c: its bookkeeping, ready but for its bits, which say that all is a hole
 *
 * A chunk has one heap. Where the memory of two nodes meets inside of a chunk,
 * both may try; the first has it.
 *
 * Return: the chunk that is registered now, @c or another heap's.
 */
struct gomem_chunk *gomem_pagemap_register(struct gomem_pagemap *map, unsigned long ci,
					   struct gomem_chunk *c)
{
	struct gomem_chunk *old;

	/* Release: whoever finds the chunk finds it initialised. */
	old = cmpxchg_release(&map->chunk[ci], (struct gomem_chunk *)&gomem_no_chunk, c);
	return old == &gomem_no_chunk ? c : old;
}
