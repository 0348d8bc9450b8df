// SPDX-License-Identifier: GPL-2.0
/*
 * pagemap.c - the table that every free looks into.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "pagemap.h"

static unsigned long entry_of(const struct gomem_pagemap *map, unsigned long ci,
			      const struct gomem_chunk *c)
{
	return (unsigned long)c - gomem_pagemap_bias(map->base + (ci << GOMEM_CHUNK_SHIFT));
}

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

	map->entry = kvmalloc_array(nr_chunks, sizeof(*map->entry), GFP_KERNEL);
	if (!map->entry)
		return -ENOMEM;
	map->base = base;
	map->nr_chunks = nr_chunks;
	for (ci = 0; ci < nr_chunks; ci++)
		map->entry[ci] = entry_of(map, ci, &gomem_no_chunk);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagemap_init);

/**
 * gomem_pagemap_destroy - free the table
 * @map: the map, looked into by nobody any more
 */
void gomem_pagemap_destroy(struct gomem_pagemap *map)
{
	kvfree(map->entry);
	map->entry = NULL;
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
	unsigned long none = entry_of(map, ci, &gomem_no_chunk), old;

	/* Release: whoever finds the chunk finds it initialised. */
	old = cmpxchg_release(&map->entry[ci], none, entry_of(map, ci, c));
	return old == none ? c : gomem_pagemap_nth_chunk(map, ci);
}
