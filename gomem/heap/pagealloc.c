// SPDX-License-Identifier: GPL-2.0
/*
 * pagealloc.c - find, take and free pages of a heap by address-ordered first
 * fit. But short runs come from broken groups first: see prefer_broken().
 *
 * This file changes the bitmaps of the chunks, and the leaves of the tree of
 * summaries (see pagealloc.h). Searches of more than one chunk are in
 * pagealloc_tree.c.
 */
#include <kunit/visibility.h>
#include <linux/build_bug.h>
#include <linux/bug.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "heap/pagealloc.h"
#include "heap/pagealloc_tree.h"

/*
 * Maximum number of chunks without an aligned run, and of summaries, that a
 * search for an aligned run visits before it gives up: see find_aligned_from().
 */
#define ALIGNED_CHUNKS	16
#define ALIGNED_STEPS	512

/*
 * A run of up to BROKEN_MAX pages prefers broken groups: see prefer_broken().
 * The search for one gives up when it has visited BROKEN_CHUNKS chunks that
 * have a run of that length, or BROKEN_STEPS summaries.
 */
#define BROKEN_MAX	16
#define BROKEN_CHUNKS	8
#define BROKEN_STEPS	64

enum page_state { PAGES_FREE, PAGES_TAKEN, PAGES_HOLE };

static __always_inline struct gomem_chunk *
chunk_of(const struct gomem_pagealloc *pa, unsigned long page)
{
	return gomem_pagealloc_chunk_of(pa, page);
}

/* Return the index of a page in its chunk. */
static unsigned int offset(unsigned long page)
{
	return page % GOMEM_CHUNK_PAGES;
}

/**
 * gomem_pagealloc_init() - set up a page allocator without pages
 * @pa: page allocator
 * @map: page map in which its chunks will be registered
 * @heap: heap that the chunks belong to; not NULL
 * @lock: the heap's lock, see struct gomem_pagealloc
 *
 * No chunk is covered yet.
 *
 * Context: any.
 */
void gomem_pagealloc_init(struct gomem_pagealloc *pa, struct gomem_pagemap *map,
			  struct gomem_heap *heap, spinlock_t *lock)
{
	BUILD_BUG_ON(GOMEM_CHUNK_PAGES_SHIFT + LEAF * RADIX_SHIFT !=
		     GOMEM_PALLOCSUM_BITS);

	memset(pa, 0, sizeof(*pa));
	pa->lock = lock;
	pa->map = map;
	pa->heap = heap;
	pa->stale = NO_ENTRY;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_init);

/**
 * gomem_pagealloc_register() - register a chunk
 * @pa: page allocator
 * @ci: number of the chunk, for which gomem_pagealloc_cover() was called
 * @chunk: bookkeeping of the chunk, zeroed except for its rank; must stay until
 *	neither @pa nor the page map is used any more
 *
 * At first all pages of the chunk are holes: see gomem_pagealloc_add(). Another
 * heap may try to register the chunk at the same time: the first one succeeds.
 *
 * Context: any, with @pa->lock held.
 * Return: @chunk, or the chunk that another heap registered.
 */
struct gomem_chunk *gomem_pagealloc_register(struct gomem_pagealloc *pa,
					     unsigned long ci,
					     struct gomem_chunk *chunk)
{
	struct gomem_chunk *c;

	lockdep_assert_held(pa->lock);

	/*
	 * Fill in the chunk before it is registered: from then on, a free of a
	 * wrong pointer may find it.
	 */
	gomem_pallocbits_set_range(&chunk->inuse, 0, GOMEM_CHUNK_PAGES);
	gomem_pallocbits_set_range(&chunk->hole, 0, GOMEM_CHUNK_PAGES);
	chunk->heap = pa->heap;
	c = gomem_pagemap_register(pa->map, ci, chunk);
	pa->nr_registered += c == chunk;
	return c;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_register);

static bool piece_is(const struct gomem_chunk *chunk, unsigned int i,
		     unsigned int n, enum page_state state)
{
	switch (state) {
	case PAGES_FREE:
		return gomem_pallocbits_all_clear(&chunk->inuse, i, n);
	case PAGES_TAKEN:
		return gomem_pallocbits_all_set(&chunk->inuse, i, n) &&
		       gomem_pallocbits_all_clear(&chunk->hole, i, n);
	case PAGES_HOLE:
		return gomem_pallocbits_all_set(&chunk->hole, i, n);
	}
	return false;
}

/*
 * Return the chunk of page number @page, which may have any value; NULL if the
 * chunk is not this heap's.
 */
static __always_inline struct gomem_chunk *
own_chunk(const struct gomem_pagealloc *pa, unsigned long page)
{
	struct gomem_chunk *c;

	if (page >= nr_pages(pa))
		return NULL;
	c = chunk_of(pa, page);
	return c->heap == pa->heap ? c : NULL;
}

/*
 * Are all pages of the range in @state? False if the range is empty or any of
 * its pages is outside the heap.
 */
static bool range_is(const struct gomem_pagealloc *pa, unsigned long page,
		     unsigned long n, enum page_state state)
{
	const struct gomem_chunk *c;
	unsigned long p;
	unsigned int k;

	if (!n || page >= nr_pages(pa) || n > nr_pages(pa) - page)
		return false;
	for (p = page; (k = gomem_pagealloc_piece(p, page + n)) > 0; p += k) {
		c = chunk_of(pa, p);
		/* A range may go on in another heap's chunk. */
		if (c->heap != pa->heap || !piece_is(c, offset(p), k, state))
			return false;
	}
	return true;
}

static __always_inline void take_piece(struct gomem_pagealloc *pa,
				       struct gomem_chunk *c,
				       unsigned long page, unsigned int n)
{
	gomem_pallocsum_t *sum = leaf_to_change(pa, page);

	*sum = gomem_pallocbits_alloc(&c->inuse, offset(page), n, *sum);
}

static __always_inline void release_piece(struct gomem_pagealloc *pa,
					  struct gomem_chunk *c,
					  unsigned long page, unsigned int n)
{
	gomem_pallocsum_t *sum = leaf_to_change(pa, page);

	*sum = gomem_pallocbits_free(&c->inuse, offset(page), n, *sum);
}

/* @pa->free_pages may be less than @n, since distrust() sets it to 0. */
static void count_taken(struct gomem_pagealloc *pa, unsigned long page,
			unsigned long n)
{
	pa->free_pages -= min(n, pa->free_pages);
	if (page == pa->search)
		pa->search += n;
}

static void count_released(struct gomem_pagealloc *pa, unsigned long page,
			   unsigned long n)
{
	pa->free_pages += n;
	pa->search = min(pa->search, page);
}

/* Take free pages. */
static void take(struct gomem_pagealloc *pa, unsigned long page,
		 unsigned long n)
{
	unsigned long p;
	unsigned int k;

	for (p = page; (k = gomem_pagealloc_piece(p, page + n)) > 0; p += k)
		take_piece(pa, chunk_of(pa, p), p, k);
	count_taken(pa, page, n);
}

/* Make taken pages free. */
static void release(struct gomem_pagealloc *pa, unsigned long page,
		    unsigned long n)
{
	unsigned long p;
	unsigned int k;

	for (p = page; (k = gomem_pagealloc_piece(p, page + n)) > 0; p += k)
		release_piece(pa, chunk_of(pa, p), p, k);
	count_released(pa, page, n);
}

/*
 * If @hole is set, turn pages of the heap into holes; else turn holes into
 * pages of the heap.
 */
static void set_holes(struct gomem_pagealloc *pa, unsigned long page,
		      unsigned long n, bool hole)
{
	struct gomem_pallocbits *b;
	unsigned long p;
	unsigned int k;

	for (p = page; (k = gomem_pagealloc_piece(p, page + n)) > 0; p += k) {
		b = &chunk_of(pa, p)->hole;
		if (hole)
			gomem_pallocbits_set_range(b, offset(p), k);
		else
			gomem_pallocbits_clear_range(b, offset(p), k);
	}
	pa->backed_pages += hole ? -n : n;
}

/**
 * gomem_pagealloc_add() - turn holes into free pages
 * @pa: page allocator
 * @page: first page
 * @n: number of pages, all holes; may cross chunks, which are all registered
 *
 * Context: any, with @pa->lock held.
 */
void gomem_pagealloc_add(struct gomem_pagealloc *pa, unsigned long page,
			 unsigned long n)
{
	lockdep_assert_held(pa->lock);

	if (WARN_ON_ONCE(!range_is(pa, page, n, PAGES_HOLE)))
		return;
	set_holes(pa, page, n, false);
	release(pa, page, n);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_add);

/**
 * gomem_pagealloc_remove() - turn free pages into holes
 * @pa: page allocator
 * @page: first page
 * @n: number of pages, all free; may cross chunks
 *
 * Called before pages go back to the kernel. Their chunks stay registered.
 *
 * Context: any, with @pa->lock held.
 * Return: true; false, with a warning and nothing changed, if a page is not
 * free. Then none of the pages may be given to the kernel.
 */
bool gomem_pagealloc_remove(struct gomem_pagealloc *pa, unsigned long page,
			    unsigned long n)
{
	lockdep_assert_held(pa->lock);

	if (WARN_ON_ONCE(!range_is(pa, page, n, PAGES_FREE)))
		return false;
	take(pa, page, n);
	set_holes(pa, page, n, true);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_remove);

/*
 * Search the tree for a run of @n free pages. Check the result: the pages that
 * the summaries call free must be free in the bitmaps. Return GOMEM_NO_PAGE if
 * they are not, or if there is no such run.
 */
static noinline unsigned long search_tree(struct gomem_pagealloc *pa,
					  unsigned long n)
{
	unsigned long page = gomem_pagealloc_find_in_tree(pa, n);

	if (page == GOMEM_NO_PAGE)
		return page;
	if (WARN_ON_ONCE(!range_is(pa, page, n, PAGES_FREE))) {
		distrust(pa);
		return GOMEM_NO_PAGE;
	}
	return page;
}

/* Find the first free page. According to pa->free_pages there is one. */
static noinline unsigned long first_free(struct gomem_pagealloc *pa)
{
	unsigned long page = search_tree(pa, 1);

	if (WARN_ON_ONCE(page == GOMEM_NO_PAGE))
		distrust(pa);
	return page;
}

/*
 * Find the lowest run of @n free pages, which may cross chunks. Return its
 * first page, or GOMEM_NO_PAGE.
 *
 * Sets *@first to pa->search or a later page; no page below *@first is free.
 */
static __always_inline unsigned long
find_lowest(struct gomem_pagealloc *pa, unsigned long n, unsigned long *first)
{
	unsigned long page, ci = pa->search >> GOMEM_CHUNK_PAGES_SHIFT;
	gomem_pallocsum_t sum;
	unsigned int free;

	*first = pa->search;
	/*
	 * If no page is free, pa->search may lie after the last leaf. So this
	 * check comes before the leaf is read.
	 */
	if (n - 1 >= pa->free_pages)
		return GOMEM_NO_PAGE;
	/*
	 * No page below pa->search is free. So a run in the chunk of
	 * pa->search is the lowest.
	 */
	sum = pa->sum[LEAF][ci];
	if (__gomem_pallocsum_field(sum, 1) >= n) {
		page = find_in_chunk(gomem_pagemap_nth_chunk(pa->map, ci), ci,
				     n, offset(pa->search), &free);
		if (page == GOMEM_NO_PAGE)
			distrust(pa);
		*first = (ci << GOMEM_CHUNK_PAGES_SHIFT) + free;
		return page;
	}
	if (sum == GOMEM_PALLOCSUM_NONE)
		*first = first_free(pa);
	return n == 1 ? *first : search_tree(pa, n);
}

/* Do @n pages lie inside one group of which some page is taken or a hole? */
static bool in_broken_group(const struct gomem_pagealloc *pa,
			    unsigned long page, unsigned long n)
{
	return page % 64 + n <= 64 &&
	       chunk_of(pa, page)->inuse.word[offset(page) / 64];
}

/*
 * A group of 64 pages, one word of the bitmap, is broken if at least one of its
 * pages is free and at least one is not. @page is the start of the lowest run
 * of @n free pages. If the run does not lie inside a broken group, and @n is at
 * most BROKEN_MAX, return the first run of @n free pages that does, from the
 * chunk of @page on. So a short run does not break up a long one, which a large
 * object, or the scavenger, could use as a whole. If the search visits
 * BROKEN_CHUNKS chunks or BROKEN_STEPS summaries without success, return @page.
 */
static noinline unsigned long prefer_broken(struct gomem_pagealloc *pa,
					    unsigned long page, unsigned long n,
					    bool aligned)
{
	unsigned long ci = page >> GOMEM_CHUNK_PAGES_SHIFT;
	unsigned int steps = BROKEN_STEPS, k, i;
	const struct gomem_chunk *c;

	if (n > BROKEN_MAX || in_broken_group(pa, page, n))
		return page;
	gomem_pagealloc_flush(pa);
	for (k = 0; k < BROKEN_CHUNKS; k++, ci++) {
		ci = gomem_pagealloc_next_chunk(pa, ci, n, &steps);
		if (ci == pa->nr[LEAF])
			break;
		c = gomem_pagealloc_chunk(pa, ci);
		i = gomem_pallocbits_find_broken(&c->inuse, n, aligned);
		if (i < GOMEM_CHUNK_PAGES)
			return (ci << GOMEM_CHUNK_PAGES_SHIFT) + i;
	}
	return page;
}

/**
 * gomem_pagealloc_alloc() - take a run of free pages
 * @pa: page allocator
 * @n: number of pages, at least 1; the run may cross chunks
 *
 * Takes the lowest run, unless prefer_broken() chooses another one.
 *
 * Context: any, with @pa->lock held.
 * Return: the first page, GOMEM_NO_PAGE if there is no such run.
 */
unsigned long gomem_pagealloc_alloc(struct gomem_pagealloc *pa,
				    unsigned long n)
{
	unsigned long page, first;

	lockdep_assert_held(pa->lock);

	page = find_lowest(pa, n, &first);
	pa->search = first;
	if (page == GOMEM_NO_PAGE)
		return page;
	page = prefer_broken(pa, page, n, false);
	take(pa, page, n);
	return page;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_alloc);

/*
 * Return the lowest naturally aligned run of @n free pages in chunk @ci,
 * GOMEM_NO_PAGE if there is none.
 */
static unsigned long find_aligned(const struct gomem_pagealloc *pa,
				  unsigned long ci, unsigned int n)
{
	unsigned long base = ci << GOMEM_CHUNK_PAGES_SHIFT;
	unsigned int i;

	if (gomem_pallocsum_max(pa->sum[LEAF][ci]) < n)
		return GOMEM_NO_PAGE;
	i = gomem_pallocbits_find_aligned(&chunk_of(pa, base)->inuse, n);
	return i < GOMEM_CHUNK_PAGES ? base + i : GOMEM_NO_PAGE;
}

/*
 * Return the lowest naturally aligned run of @n free pages at or after chunk
 * @ci; @n is 2 or more. The search gives up when it has visited ALIGNED_CHUNKS
 * chunks that have @n free pages in a row, but not aligned, or ALIGNED_STEPS
 * summaries. Then return the first aligned run in the lowest run of 2 * @n - 1
 * free pages: any run of that length contains an aligned run of @n pages.
 * Return GOMEM_NO_PAGE if there is no run of that length, either.
 */
static unsigned long find_aligned_from(struct gomem_pagealloc *pa,
				       unsigned long ci, unsigned int n)
{
	unsigned int chunks, steps = ALIGNED_STEPS;
	unsigned long page;

	gomem_pagealloc_flush(pa);
	for (chunks = 0; chunks < ALIGNED_CHUNKS; chunks++) {
		ci = gomem_pagealloc_next_chunk(pa, ci, n, &steps);
		if (ci == pa->nr[LEAF])
			break;
		page = find_aligned(pa, ci, n);
		if (page != GOMEM_NO_PAGE)
			return page;
		ci++;
	}
	page = search_tree(pa, 2 * n - 1);
	return page == GOMEM_NO_PAGE ? page : round_up(page, n);
}

/**
 * gomem_pagealloc_alloc_aligned() - take a naturally aligned run
 * @pa: page allocator
 * @n: number of pages, a power of two up to 512
 *
 * Takes the lowest aligned run, which never crosses chunks, if a limited search
 * finds it, or the run that prefer_broken() chooses instead. The search begins
 * in the chunk of the first free page. After that chunk it visits at most 16
 * chunks that have @n free pages in a row, and at most 512 summaries. If the
 * search finds no aligned run, the function takes the lowest aligned run inside
 * the lowest run of 2 * @n - 1 free pages. If there is no run of that length,
 * the function fails, although there may be an aligned run of @n pages
 * elsewhere.
 *
 * Context: any, with @pa->lock held.
 * Return: the first page, a multiple of @n; GOMEM_NO_PAGE if no such run was
 * found.
 */
unsigned long gomem_pagealloc_alloc_aligned(struct gomem_pagealloc *pa,
					    unsigned long n)
{
	unsigned long page, ci;

	lockdep_assert_held(pa->lock);

	if (WARN_ON_ONCE(!is_power_of_2(n) || n > GOMEM_CHUNK_PAGES))
		return GOMEM_NO_PAGE;
	if (n > pa->free_pages)
		return GOMEM_NO_PAGE;

	ci = pa->search >> GOMEM_CHUNK_PAGES_SHIFT;
	if (pa->sum[LEAF][ci] == GOMEM_PALLOCSUM_NONE) {
		pa->search = first_free(pa);
		if (pa->search == GOMEM_NO_PAGE)
			return GOMEM_NO_PAGE;
		ci = pa->search >> GOMEM_CHUNK_PAGES_SHIFT;
	}
	page = find_aligned(pa, ci, n);
	if (page == GOMEM_NO_PAGE)
		page = find_aligned_from(pa, ci + 1, n);
	if (page == GOMEM_NO_PAGE)
		return page;
	page = prefer_broken(pa, page, n, true);
	take(pa, page, n);
	return page;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_alloc_aligned);

/**
 * gomem_pagealloc_alloc_range() - take a given range of pages
 * @pa: page allocator
 * @page: first page
 * @n: number of pages; may cross chunks
 *
 * Context: any, with @pa->lock held.
 * Return: true if all pages were free and are taken now; false if nothing
 * changed because a page was not free.
 */
bool gomem_pagealloc_alloc_range(struct gomem_pagealloc *pa,
				 unsigned long page, unsigned long n)
{
	lockdep_assert_held(pa->lock);

	if (!range_is(pa, page, n, PAGES_FREE))
		return false;
	take(pa, page, n);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_alloc_range);

/**
 * gomem_pagealloc_free() - make taken pages free
 * @pa: page allocator
 * @page: first page
 * @n: number of pages; they may come from several allocations, or be a part of
 *	one
 *
 * Context: any, with @pa->lock held.
 * Return: true if all pages were taken and are free now; false if nothing
 * changed because a page was free already, is a hole or is outside the heap.
 */
bool gomem_pagealloc_free(struct gomem_pagealloc *pa, unsigned long page,
			  unsigned long n)
{
	struct gomem_chunk *c;

	lockdep_assert_held(pa->lock);

	if (n - 1 < GOMEM_CHUNK_PAGES - offset(page)) {
		c = own_chunk(pa, page);
		if (!c || !piece_is(c, offset(page), n, PAGES_TAKEN))
			return false;
		release_piece(pa, c, page, n);
		count_released(pa, page, n);
		return true;
	}
	if (!range_is(pa, page, n, PAGES_TAKEN))
		return false;
	release(pa, page, n);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_free);

/* Return the lowest @max set bits of @bits. */
static u64 lowest_bits(u64 bits, unsigned int max)
{
	u64 higher = bits;

	if (max >= hweight64(bits))
		return bits;
	while (max--)
		higher &= higher - 1;
	return bits & ~higher;
}

/**
 * gomem_pagealloc_alloc_group() - take free pages that are close together
 * @pa: page allocator
 * @max: largest number of pages to take, 1 to 64
 * @base: set to the first page of the group, a multiple of 64
 *
 * Refills a CPU's page cache. Takes the lowest free pages of a group of 64
 * pages, which is one word of the bitmap: the group of the heap's first free
 * page, or the broken group that prefer_broken() chooses instead.
 *
 * Context: any, with @pa->lock held.
 * Return: the pages taken, bit i for page *@base + i; 0, with @base not set, if
 * no page is free.
 */
u64 gomem_pagealloc_alloc_group(struct gomem_pagealloc *pa, unsigned int max,
				unsigned long *base)
{
	unsigned long page, first;
	gomem_pallocsum_t *sum;
	struct gomem_chunk *c;
	unsigned int w;
	u64 mask;

	lockdep_assert_held(pa->lock);

	page = find_lowest(pa, 1, &first);
	if (page == GOMEM_NO_PAGE || WARN_ON_ONCE(!max))
		return 0;
	*base = round_down(prefer_broken(pa, page, 1, false), 64);
	c = chunk_of(pa, *base);
	w = offset(*base) / 64;
	mask = lowest_bits(~c->inuse.word[w], max);

	sum = leaf_to_change(pa, *base);
	*sum = gomem_pallocbits_alloc_mask(&c->inuse, w, mask, *sum);
	/* See count_taken(). */
	pa->free_pages -= min_t(unsigned long, hweight64(mask), pa->free_pages);
	pa->search = round_down(page, 64) == *base ? *base + fls64(mask) : page;
	return mask;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_alloc_group);

/*
 * Return the chunk of the group that begins at page @base. Return NULL if a
 * page of @mask is free or a hole, or if @base begins no group of this heap.
 */
static __always_inline struct gomem_chunk *
taken_group(const struct gomem_pagealloc *pa, unsigned long base, u64 mask)
{
	struct gomem_chunk *c = own_chunk(pa, base);
	unsigned int w = offset(base) / 64;

	if (!c || base % 64 || (mask & ~(c->inuse.word[w] & ~c->hole.word[w])))
		return NULL;
	return c;
}

/**
 * gomem_pagealloc_free_group() - make taken pages of a group free
 * @pa: page allocator
 * @base: first page of the group, a multiple of 64
 * @mask: the pages, bit i for page @base + i; may be 0. All of these pages are
 *	taken, no matter by which function
 *
 * Context: any, with @pa->lock held.
 */
void gomem_pagealloc_free_group(struct gomem_pagealloc *pa,
				unsigned long base, u64 mask)
{
	gomem_pallocsum_t *sum;
	struct gomem_chunk *c;

	lockdep_assert_held(pa->lock);

	if (!mask)
		return;
	c = taken_group(pa, base, mask);
	if (WARN_ON_ONCE(!c))
		return;
	sum = leaf_to_change(pa, base);
	*sum = gomem_pallocbits_free_mask(&c->inuse, offset(base) / 64, mask,
					  *sum);
	pa->free_pages += hweight64(mask);
	pa->search = min(pa->search, base + __ffs64(mask));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_free_group);
