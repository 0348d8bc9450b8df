/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pagealloc.h - which pages of the heap are free: address-ordered first fit
 * over the bitmaps of all chunks, searched through a tree of summaries.
 *
 * Pages are numbered from the base of the heap, page p is in chunk p / 512. A
 * page of a registered chunk is *free*, *taken* or a *hole*; a page of a chunk
 * that is not registered is a hole too:
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
 * chunks that are not registered are zero, "no free page".
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
#include "pallocbits.h"

#define GOMEM_PAGEALLOC_LEVELS	5

/**
 * struct gomem_pagealloc - the free pages of one heap
 * @lock: the owner's lock around everything here but gomem_pagealloc_chunk()
 * @chunks: one entry a chunk, &gomem_no_chunk until it is registered. Written
 *	under @lock, read without; an entry changes once and stays until
 *	gomem_pagealloc_destroy()
 * @sum: the levels of the tree, root first
 * @reach: for each entry above the leaves, how far each of its eight children
 *	gets a search; what gomem_pallocreach_find() looks at
 * @nr: entries in each level; @nr[4] is a multiple of 8 and counts @chunks
 * @stale: entry of level 3 that may be out of date, and its ancestors with it;
 *	~0 if there is none
 * @search: no page below this one is free; searches start here
 * @free_pages: pages that are free
 * @backed_pages: pages that are not holes
 * @nr_registered: chunks that are registered
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
 *	nr_registered	=  number of c with chunks[c] != &gomem_no_chunk
 */
struct gomem_pagealloc {
	spinlock_t *lock;	/* not ours: see above */
	struct gomem_chunk **chunks;
	gomem_pallocsum_t *sum[GOMEM_PAGEALLOC_LEVELS];
	u64 *reach[GOMEM_PAGEALLOC_LEVELS - 1];
	unsigned long nr[GOMEM_PAGEALLOC_LEVELS];
	unsigned long stale;
	unsigned long search;
	unsigned long free_pages;
	unsigned long backed_pages;
	unsigned long nr_registered;
};

/* Stands for every chunk that is not registered: all holes, no tags. */
extern const struct gomem_chunk gomem_no_chunk;

/**
 * gomem_pagealloc_chunk() - look up a chunk
 * @pa: page allocator
 * @ci: chunk, less than the number given to gomem_pagealloc_init()
 *
 * Needs no lock: the entry changes only once, from &gomem_no_chunk to a chunk
 * that lives as long as @pa. The result must not be written to unless it is
 * known to be registered.
 *
 * Context: any.
 * Return: the chunk, &gomem_no_chunk if it is not registered, never NULL.
 */
static inline struct gomem_chunk *
gomem_pagealloc_chunk(const struct gomem_pagealloc *pa, unsigned long ci)
{
	/*
	 * Pairs with smp_store_release() in gomem_pagealloc_register(); what
	 * is read through the pointer depends on it, so no acquire is needed.
	 */
	return READ_ONCE(pa->chunks[ci]);
}

int gomem_pagealloc_init(struct gomem_pagealloc *pa,
			 unsigned long nr_chunks, spinlock_t *lock);
void gomem_pagealloc_destroy(struct gomem_pagealloc *pa);
void gomem_pagealloc_register(struct gomem_pagealloc *pa, unsigned long ci,
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
const char *gomem_pagealloc_validate(const struct gomem_pagealloc *pa);

#endif /* GOMEM_PAGEALLOC_H */
