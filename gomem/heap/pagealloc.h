/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pagealloc.h - find, take and free pages of one heap: address-ordered first
 * fit over the page bitmaps of all chunks, searched through a tree of
 * summaries. But short runs come from broken groups first: see prefer_broken().
 *
 * Pages are numbered from the base of the page map: page p is in chunk p / 512.
 * A page of a chunk that the heap registered is *free*, *taken* or a *hole*. A
 * page of any other chunk, unregistered or another heap's, counts as a hole.
 *
 *	           inuse  hole
 *	free         0     0	gomem_pagealloc_alloc*() may return it
 *	taken        1     0	a caller of gomem_pagealloc_alloc*() has it
 *	hole         1     1	does not belong to this heap
 *
 *	hole --add--> free --alloc--> taken --free--> free --remove--> hole
 *
 * The tree has five levels. Level 4, the leaves, has one entry per chunk. Each
 * entry of a higher level summarizes eight entries of the level below. So an
 * entry of level 0, the root level, covers 2^21 pages (16 GiB); the root level
 * has as many entries as the heap needs. Entries of unregistered chunks are
 * zero, which means "no free page". The entries of a level are in tables
 * (table.h), which take memory only for ranges that gomem_pagealloc_cover() was
 * called for: 10.3 bytes per chunk over all levels. If kernel pages have 4 KiB,
 * each page of the table with the leaves covers 2 GiB.
 *
 * An operation updates the bits and the leaves of the chunks it touches, but
 * not the ancestors of these leaves. Only the eight leaves of one parent may
 * have ancestors that are out of date. These ancestors are recomputed before a
 * leaf of another parent changes, and before the tree is searched: from the
 * bottom up, until the summary of an ancestor does not change. A search that
 * finds its run in the chunk where it starts does not need the tree.
 *
 * A search scans the root level, from the first entry that may have a free
 * page, and goes down to a leaf. Each entry above the leaves has one byte per
 * child. The byte tells the length of the longest free run that lies in the
 * child, or ends in the child and starts in an earlier child of the entry. The
 * eight bytes of an entry are compared with the wanted length at once. So below
 * the root level a search costs the same wherever its run is, in small heaps
 * and in large ones. But a byte rounds lengths of 128 pages or more down. A
 * search for such a run may visit all eight children on each level, if the heap
 * is full of runs that are too short by less than an eighth.
 */
#ifndef GOMEM_PAGEALLOC_H
#define GOMEM_PAGEALLOC_H

#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "base/pallocbits.h"
#include "base/table.h"
#include "map/chunk.h"
#include "map/pagemap.h"

#define GOMEM_PAGEALLOC_LEVELS	5

/**
 * struct gomem_pagealloc - the free pages of one heap
 * @lock: the heap's lock, which protects all members. Tasks and interrupts on
 *	any CPU take it to get and free pages, scavengers to remove pages
 * @map: finds chunks by number, without @lock
 * @heap: the heap; @map also has chunks of other heaps, which are ignored
 * @sum: the summaries of each level, root level first
 * @reach: for each entry above the leaves, one byte per child: the code of the
 *	length of the longest free run that lies in the child, or ends in it and
 *	starts in an earlier child; see gomem_pallocreach_code()
 * @nr: number of entries in each level; @nr[4] is a multiple of 8 and greater
 *	than the number of any covered chunk
 * @stale: the entry of level 3 that may be out of date, as may its ancestors;
 *	~0 if there is none
 * @search: no page below this one is free; searches start here
 * @free_pages: number of free pages
 * @backed_pages: number of free and taken pages
 * @nr_registered: number of chunks that @heap registered
 * @sum_table: the tables whose words @sum points to
 * @reach_table: the tables whose words @reach points to
 *
 * Code that needs only an estimate may read the counters without @lock.
 *
 * Invariants, checked by gomem_pagealloc_validate():
 *	hole(p)		implies  inuse(p)
 *	sum[4][c]	=  (start, max, end) of chunk c's clear inuse bits: see
 *			   gomem_pallocsum_t
 *	sum[l][i], reach[l][i]
 *			=  merge(sum[l + 1][8 * i .. 8 * i + 7]) for l < 4,
 *			   unless i is stale or an ancestor of stale
 *	!inuse(p)	implies  p >= search
 *	search		<= 512 * nr[4]
 *	free_pages	=  number of p with !inuse(p)
 *	backed_pages	=  number of p with !hole(p)
 *	nr_registered	=  number of c that have a chunk of this heap
 */
struct gomem_pagealloc {
	spinlock_t *lock;	/* the heap's; protects all members */
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
 * struct gomem_pagealloc_check - progress of a validation
 * @chunk: next chunk to check
 * @level: level of the next summary to check, once all chunks were checked
 * @entry: index of that summary in its level
 * @free_pages: number of free pages in the chunks checked so far
 * @backed_pages: number of free and taken pages in the chunks checked so far
 * @nr_registered: number of the heap's chunks among those checked so far
 * @done: everything was checked
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
 * gomem_pagealloc_chunk() - look up a chunk by number
 * @pa: page allocator
 * @ci: number of the chunk, less than @pa->nr[4]
 *
 * Needs no lock. The caller may write only to a chunk that it knows to be
 * registered, since &gomem_no_chunk is const.
 *
 * Context: any.
 * Return: the chunk; &gomem_no_chunk if it is unregistered or another heap's.
 * Never NULL.
 */
static inline struct gomem_chunk *
gomem_pagealloc_chunk(const struct gomem_pagealloc *pa, unsigned long ci)
{
	struct gomem_chunk *c = gomem_pagemap_nth_chunk(pa->map, ci);

	/* The cast drops const, but callers do not write to gomem_no_chunk. */
	return c->heap == pa->heap ? c : (struct gomem_chunk *)&gomem_no_chunk;
}

/*
 * Return a number greater than that of any covered chunk. The caller holds
 * @pa->lock.
 */
static inline unsigned long
gomem_pagealloc_end(const struct gomem_pagealloc *pa)
{
	return pa->nr[GOMEM_PAGEALLOC_LEVELS - 1];
}

/*
 * Return the chunk of page number @page, which is less than 512 * pa->nr[4].
 * If this heap has not registered that chunk, the result is another heap's
 * chunk or &gomem_no_chunk, whose member heap differs from pa->heap.
 */
static __always_inline struct gomem_chunk *
gomem_pagealloc_chunk_of(const struct gomem_pagealloc *pa, unsigned long page)
{
	return gomem_pagemap_nth_chunk(pa->map,
				       page >> GOMEM_CHUNK_PAGES_SHIFT);
}

/*
 * Return how many pages of [@page, @end) are in the chunk of @page. A loop that
 * adds this number to @page, until the number is 0, visits a range chunk by
 * chunk.
 */
static inline unsigned int gomem_pagealloc_piece(unsigned long page,
						 unsigned long end)
{
	unsigned int left = GOMEM_CHUNK_PAGES - page % GOMEM_CHUNK_PAGES;

	return min_t(unsigned long, end - page, left);
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
bool gomem_pagealloc_remove(struct gomem_pagealloc *pa, unsigned long page,
			    unsigned long n);

unsigned long gomem_pagealloc_alloc(struct gomem_pagealloc *pa,
				    unsigned long n);
unsigned long gomem_pagealloc_alloc_aligned(struct gomem_pagealloc *pa,
					    unsigned long n);
bool gomem_pagealloc_alloc_range(struct gomem_pagealloc *pa,
				 unsigned long page, unsigned long n);
bool gomem_pagealloc_free(struct gomem_pagealloc *pa, unsigned long page,
			  unsigned long n);

u64 gomem_pagealloc_alloc_group(struct gomem_pagealloc *pa, unsigned int max,
				unsigned long *base);
void gomem_pagealloc_free_group(struct gomem_pagealloc *pa,
				unsigned long base, u64 mask);

const char *gomem_pagealloc_validate_some(const struct gomem_pagealloc *pa,
					  struct gomem_pagealloc_check *st);
const char *gomem_pagealloc_validate(const struct gomem_pagealloc *pa);

#endif /* GOMEM_PAGEALLOC_H */
