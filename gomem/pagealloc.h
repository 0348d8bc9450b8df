/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pagealloc.h - which pages of the heap are free: address-ordered first fit
 * over the bitmaps of all chunks, searched through a tree of summaries.
 *
 * Pages are numbered from the base of the page map, page p is in chunk p / 512.
 * A page of a registered chunk is *free*, *taken* or a *hole*; a page of a chunk
 * that is not registered, or is another heap's, is a hole too:
 *
 *	           inuse  hole
 *	free         0     0	gomem_pagealloc_alloc*() may return it
 *	taken        1     0	somebody above has it
 *	hole         1     1	not ours
 *
 *	hole --add--> free --alloc--> taken --free--> free --remove--> hole
 *
 * The summaries form five levels. Level 4, the leaves, has one entry a chunk;
 * eight entries make one of the level above, so that level 0 covers 2^21 pages
 * (16 GiB) an entry and has as many entries as the heap needs. Entries of
 * chunks that are not registered are zero, "no free page". Each level is a
 * table (table.h), which takes memory where gomem_pagealloc_cover() was called
 * for: 10.3 bytes a chunk in all, in steps of 2 GiB.
 *
 * An operation changes the bits of the chunks it touches and their leaves. What
 * is above follows later: the ancestors of one block of eight leaves may be out
 * of date, and are brought up to date, from below until nothing changes, when
 * leaves of another block change or the tree is searched. A search that finds
 * its run in the chunk it starts at does not need the tree.
 *
 * A search goes from the root to a leaf. Which of an entry's eight children is
 * next, a byte for each of them tells, all compared at once. So a search costs
 * the same wherever its run is, in small heaps and in large ones, but for
 * lengths of 128 pages and more in a heap full of runs that are less than an
 * eighth shorter: there it looks at eight children a level at worst. The root,
 * 16 GiB an entry, is looked through from @search on.
 */
#ifndef GOMEM_PAGEALLOC_H
#define GOMEM_PAGEALLOC_H

#include <linux/compiler.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "chunk.h"
#include "pagemap.h"
#include "pallocbits.h"
#include "table.h"

#define GOMEM_PAGEALLOC_LEVELS	5

/**
 * struct gomem_pagealloc - the free pages of one heap
 * @lock: the owner's lock around everything here but gomem_pagealloc_chunk()
 * @map: where chunks are found by number
 * @heap: the heap; chunks of other heaps in @map are none of this allocator's
 * @sum: the levels of the tree, root first
 * @reach: for each entry above the leaves, how far each of its eight children
 *	gets a search; what gomem_pallocreach_find() looks at
 * @nr: entries in each level; @nr[4] is a multiple of 8, and is behind the last
 *	chunk that is covered
 * @stale: entry of level 3 that may be out of date, and its ancestors with it;
 *	~0 if there is none
 * @search: no page below this one is free; searches start here
 * @free_pages: pages that are free
 * @backed_pages: pages that are not holes
 * @nr_registered: chunks that are registered
 * @sum_table: what @sum are the mappings of
 * @reach_table: what @reach are the mappings of
 *
 * Invariants, checked by gomem_pagealloc_validate():
 *	hole(p)		implies  inuse(p)
 *	sum[4][c]	=  (start, max, end) of chunk c's clear inuse bits
 *	sum[l][i], reach[l][i]
 *			=  merge(sum[l + 1][8 * i .. 8 * i + 7]) for l < 4, unless
 *			   i is stale or, for l < 3, an ancestor of it
 *	!inuse(p)	implies  p >= search
 *	search		<= 512 * nr[4]
 *	free_pages	=  number of p with !inuse(p)
 *	backed_pages	=  number of p with !hole(p)
 *	nr_registered	=  number of c with gomem_pagealloc_chunk(c) != &gomem_no_chunk
 */
struct gomem_pagealloc {
	spinlock_t *lock;	/* not ours: see above */
	struct gomem_pagemap *map;
	struct gomem_heap *heap;
	gomem_pallocsum_t *sum[GOMEM_PAGEALLOC_LEVELS];
	u64 *reach[GOMEM_PAGEALLOC_LEVELS - 1];
	unsigned long nr[GOMEM_PAGEALLOC_LEVELS];
	unsigned long stale;
	unsigned long search;
	unsigned long free_pages;
	unsigned long backed_pages;
	unsigned long nr_registered;
	struct gomem_table sum_table[GOMEM_PAGEALLOC_LEVELS];
	struct gomem_table reach_table[GOMEM_PAGEALLOC_LEVELS - 1];
};

/**
 * struct gomem_pagealloc_check - how far a validation has come
 * @chunk: the next chunk to look at
 * @level: the level of the next summary to look at, once all chunks are done
 * @entry: its place there
 * @free_pages: what the counter should be, of the chunks so far
 * @backed_pages: likewise
 * @nr_registered: likewise
 * @done: nothing is left to look at
 */
struct gomem_pagealloc_check {
	unsigned long chunk;
	unsigned int level;
	unsigned long entry;
	unsigned long free_pages;
	unsigned long backed_pages;
	unsigned long nr_registered;
	bool done;
};

/**
 * gomem_pagealloc_chunk() - look up a chunk
 * @pa: page allocator
 * @ci: chunk, less than @pa->nr[4]
 *
 * Needs no lock. The result must not be written to unless it is known to be
 * registered.
 *
 * Context: any.
 * Return: the chunk, &gomem_no_chunk if it is not registered or another heap's,
 * never NULL.
 */
static inline struct gomem_chunk *
gomem_pagealloc_chunk(const struct gomem_pagealloc *pa, unsigned long ci)
{
	struct gomem_chunk *c = gomem_pagemap_nth_chunk(pa->map, ci);

	/* The cast drops const. */
	return c->heap == pa->heap ? c : (struct gomem_chunk *)&gomem_no_chunk;
}

/* The chunk behind the last one that is covered; under the lock. */
static inline unsigned long gomem_pagealloc_end(const struct gomem_pagealloc *pa)
{
	return pa->nr[GOMEM_PAGEALLOC_LEVELS - 1];
}

/* The chunk of a page that is known not to be a hole. */
static __always_inline struct gomem_chunk *
gomem_pagealloc_chunk_of(const struct gomem_pagealloc *pa, unsigned long page)
{
	return gomem_pagemap_nth_chunk(pa->map, page >> GOMEM_CHUNK_PAGES_SHIFT);
}

void gomem_pagealloc_init(struct gomem_pagealloc *pa, struct gomem_pagemap *map,
			  struct gomem_heap *heap, spinlock_t *lock);
int gomem_pagealloc_cover(struct gomem_pagealloc *pa, unsigned long first,
			  unsigned long end, int node);
bool gomem_pagealloc_covers(const struct gomem_pagealloc *pa, unsigned long ci);
unsigned long gomem_pagealloc_next_covered(const struct gomem_pagealloc *pa,
					   unsigned long ci);
size_t gomem_pagealloc_bytes(const struct gomem_pagealloc *pa);
void gomem_pagealloc_destroy(struct gomem_pagealloc *pa);
struct gomem_chunk *gomem_pagealloc_register(struct gomem_pagealloc *pa,
					     unsigned long ci,
					     struct gomem_chunk *chunk);

void gomem_pagealloc_add(struct gomem_pagealloc *pa, unsigned long page,
			 unsigned long n);
void gomem_pagealloc_remove(struct gomem_pagealloc *pa, unsigned long page,
			    unsigned long n);

unsigned long gomem_pagealloc_find(struct gomem_pagealloc *pa,
				   unsigned long n, unsigned long *first);
unsigned long gomem_pagealloc_alloc(struct gomem_pagealloc *pa,
				    unsigned long n);
unsigned long gomem_pagealloc_alloc_aligned(struct gomem_pagealloc *pa,
					    unsigned long n);
bool gomem_pagealloc_alloc_range(struct gomem_pagealloc *pa,
				 unsigned long page, unsigned long n);
bool gomem_pagealloc_free(struct gomem_pagealloc *pa, unsigned long page,
			  unsigned long n);

u64 gomem_pagealloc_alloc_block(struct gomem_pagealloc *pa, unsigned int max,
				unsigned long *base);
void gomem_pagealloc_free_block(struct gomem_pagealloc *pa,
				unsigned long base, u64 mask);

unsigned long gomem_pagealloc_prev_chunk(struct gomem_pagealloc *pa,
					 unsigned long ci, unsigned long n);
const char *gomem_pagealloc_validate_some(const struct gomem_pagealloc *pa,
					  struct gomem_pagealloc_check *st);
const char *gomem_pagealloc_validate(const struct gomem_pagealloc *pa);

#endif /* GOMEM_PAGEALLOC_H */
