// SPDX-License-Identifier: GPL-2.0
/*
 * pagealloc.c - address-ordered first fit over the chunks of a heap.
 *
 * The one idea: a summary tells start, max and end of the free runs below it,
 * which is enough to know, at every level of the tree, whether the lowest run
 * of n pages is inside one entry (go down there) or crosses the border between
 * two (then its address is known already).
 */
#include <kunit/visibility.h>
#include <linux/build_bug.h>
#include <linux/bug.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pagealloc.h"
#include "pagealloc_tree.h"

/* How far a search for an aligned run goes by itself: chunks, and summaries. */
#define ALIGNED_LOOKS	16
#define ALIGNED_STEPS	512

enum page_state { PAGES_FREE, PAGES_TAKEN, PAGES_HOLE };

static __always_inline struct gomem_chunk *
chunk_of(const struct gomem_pagealloc *pa, unsigned long page)
{
	return gomem_pagealloc_chunk_of(pa, page);
}

/* Place of a page in its chunk. */
static unsigned int offset(unsigned long page)
{
	return page % GOMEM_CHUNK_PAGES;
}

/*
 * Length of the part of [page, end) that lies in the chunk of @page. Loops that
 * advance by it cut a range at the borders of chunks, and end with 0.
 */
static unsigned int piece(unsigned long page, unsigned long end)
{
	return min_t(unsigned long, end - page,
		     GOMEM_CHUNK_PAGES - offset(page));
}

/* All levels but the root are whole blocks, so that merging needs no bound. */
static void size_levels(unsigned long *nr, unsigned long nr_chunks)
{
	unsigned long n = nr_chunks;
	unsigned int l;

	for (l = LEAF; l > 0; l--) {
		nr[l] = round_up(n, RADIX);
		n = nr[l] / RADIX;
	}
	nr[0] = n;
}

/**
 * gomem_pagealloc_init() - set up a page allocator without any page
 * @pa: page allocator
 * @map: where its chunks will be found
 * @heap: whose chunks these are; not NULL
 * @lock: lock that the owner will hold around the other calls
 *
 * No chunk is covered.
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

/* The tables of all levels: of the sums, then of the reach. */
#define NR_TABLES	(GOMEM_PAGEALLOC_LEVELS + LEAF)

static struct gomem_table *nth_table(struct gomem_pagealloc *pa, unsigned int i)
{
	return i < GOMEM_PAGEALLOC_LEVELS ? &pa->sum_table[i] :
					    &pa->reach_table[i - GOMEM_PAGEALLOC_LEVELS];
}

static unsigned int level_of_table(unsigned int i)
{
	return i % GOMEM_PAGEALLOC_LEVELS;
}

static int extend_tables(struct gomem_pagealloc *pa, unsigned long first,
			 unsigned long end, int node, struct gomem_table *new)
{
	unsigned int i, shift;
	int err;

	for (i = 0; i < NR_TABLES; i++) {
		shift = (LEAF - level_of_table(i)) * RADIX_SHIFT;
		err = gomem_table_extend(nth_table(pa, i), &new[i], first >> shift,
					 ((end - 1) >> shift) + 1,
					 &pa->map->zero_blank, node);
		if (!err)
			continue;
		while (i--)
			gomem_table_undo(nth_table(pa, i), &new[i],
					 &pa->map->zero_blank);
		return err;
	}
	return 0;
}

/* Exchange the tables for longer ones, which have the same words and more. */
static void swap_tables(struct gomem_pagealloc *pa, struct gomem_table *new)
{
	unsigned int i;

	lockdep_assert_held(pa->lock);
	for (i = 0; i < NR_TABLES; i++)
		swap(*nth_table(pa, i), new[i]);
	for (i = 0; i <= LEAF; i++)
		pa->sum[i] = (__force gomem_pallocsum_t *)pa->sum_table[i].word;
	for (i = 0; i < LEAF; i++)
		pa->reach[i] = (u64 *)pa->reach_table[i].word;
}

/*
 * Raise the end to at least @end. A page of the leaves has all its ancestors in one
 * page a level, so the tables reach @end.
 */
static void raise_end(struct gomem_pagealloc *pa, unsigned long end)
{
	lockdep_assert_held(pa->lock);
	if (end > pa->nr[LEAF])
		size_levels(pa->nr, end);
	/* What is new has no free page. */
	if (!pa->free_pages)
		pa->search = nr_pages(pa);
}

/**
 * gomem_pagealloc_cover() - let chunks be registered
 * @pa: page allocator
 * @first: the first chunk
 * @end: the chunk behind the last one, more than @first; all are covered by the
 *	map
 * @node: where memory for the tables is preferred
 *
 * Runs concurrently with all other calls but itself.
 *
 * Context: process, may sleep; not under the lock, but under the map's mutex.
 * Return: 0, or -ENOMEM and nothing changed.
 */
int gomem_pagealloc_cover(struct gomem_pagealloc *pa, unsigned long first,
			  unsigned long end, int node)
{
	struct gomem_table *new = NULL;
	unsigned long flags;
	unsigned int i;
	int err = 0;

	lockdep_assert_held(&pa->map->mutex);
	if (!gomem_table_covers_all(&pa->sum_table[LEAF], first, end,
				    &pa->map->zero_blank)) {
		new = kcalloc(NR_TABLES, sizeof(*new), GFP_KERNEL);
		err = new ? extend_tables(pa, first, end, node, new) : -ENOMEM;
	}
	if (!err) {
		spin_lock_irqsave(pa->lock, flags);
		if (new)
			swap_tables(pa, new);
		raise_end(pa, end);
		spin_unlock_irqrestore(pa->lock, flags);
		for (i = 0; i < NR_TABLES && new; i++)
			gomem_table_unmap(&new[i]);
	}
	kfree(new);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_cover);

/**
 * gomem_pagealloc_covers() - may a chunk be registered?
 * @pa: page allocator
 * @ci: the chunk, any number
 *
 * Context: any, under the lock.
 * Return: false if gomem_pagealloc_cover() has to be called first.
 */
bool gomem_pagealloc_covers(const struct gomem_pagealloc *pa, unsigned long ci)
{
	lockdep_assert_held(pa->lock);

	return ci < pa->nr[LEAF] &&
	       gomem_table_covers(&pa->sum_table[LEAF], ci, &pa->map->zero_blank);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_covers);

/**
 * gomem_pagealloc_next_covered() - find the next chunk that may be registered
 * @pa: page allocator
 * @ci: where to begin, any number
 *
 * For walks over all chunks, which skip gaps 512 chunks at a time.
 *
 * Context: any, under the lock.
 * Return: the first chunk at or after @ci that is covered, @pa->nr[4] or more if
 * there is none.
 */
unsigned long gomem_pagealloc_next_covered(const struct gomem_pagealloc *pa,
					   unsigned long ci)
{
	while (ci < pa->nr[LEAF] && !gomem_pagealloc_covers(pa, ci))
		ci = round_down(ci, GOMEM_TABLE_WORDS) + GOMEM_TABLE_WORDS;
	return ci;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_next_covered);

/**
 * gomem_pagealloc_bytes() - what the tables take
 * @pa: page allocator
 *
 * Context: any; under the lock, or the map's mutex, for a number that is exact.
 * Return: bytes.
 */
size_t gomem_pagealloc_bytes(const struct gomem_pagealloc *pa)
{
	size_t bytes = 0;
	unsigned int l;

	for (l = 0; l <= LEAF; l++)
		bytes += gomem_table_bytes(&pa->sum_table[l]);
	for (l = 0; l < LEAF; l++)
		bytes += gomem_table_bytes(&pa->reach_table[l]);
	return bytes;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_bytes);

/**
 * gomem_pagealloc_destroy() - free the tables
 * @pa: page allocator that nobody uses any more, or all zero
 *
 * The chunks belong to whoever registered them. To be called before the map is
 * destroyed.
 *
 * Context: process, may sleep.
 */
void gomem_pagealloc_destroy(struct gomem_pagealloc *pa)
{
	unsigned int i;

	for (i = 0; i < NR_TABLES && pa->map; i++)
		gomem_table_destroy(nth_table(pa, i), &pa->map->zero_blank);
	memset(pa, 0, sizeof(*pa));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_destroy);

/**
 * gomem_pagealloc_register() - give a chunk its bookkeeping
 * @pa: page allocator
 * @ci: chunk that is covered
 * @chunk: its bookkeeping, zeroed; must stay until @pa is destroyed
 *
 * All its pages are holes at first, see gomem_pagealloc_add(). Another heap may
 * register the chunk at the same time: the first one has it.
 *
 * Context: any, under the lock.
 * Return: the chunk that is registered now, @chunk or another heap's.
 */
struct gomem_chunk *gomem_pagealloc_register(struct gomem_pagealloc *pa,
					     unsigned long ci,
					     struct gomem_chunk *chunk)
{
	struct gomem_chunk *c;

	lockdep_assert_held(pa->lock);

	/* All of it before it is found, even with a wrong pointer. */
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

/* The chunk of any page, NULL if it is not this heap's. */
static __always_inline struct gomem_chunk *
own_chunk(const struct gomem_pagealloc *pa, unsigned long page)
{
	struct gomem_chunk *c;

	if (page >= nr_pages(pa))
		return NULL;
	c = chunk_of(pa, page);
	return c->heap == pa->heap ? c : NULL;
}

/* Are all pages in @state? No if there are none or some outside the heap. */
static bool range_is(const struct gomem_pagealloc *pa, unsigned long page,
		     unsigned long n, enum page_state state)
{
	const struct gomem_chunk *c;
	unsigned long p;
	unsigned int k;

	if (!n || page >= nr_pages(pa) || n > nr_pages(pa) - page)
		return false;
	for (p = page; (k = piece(p, page + n)) > 0; p += k) {
		c = chunk_of(pa, p);
		/* What is behind a run may be another heap's. */
		if (c->heap != pa->heap || !piece_is(c, offset(p), k, state))
			return false;
	}
	return true;
}

/* Recompute entry @i of level @l, not a leaf. Did it change? */
static bool remerge(struct gomem_pagealloc *pa, unsigned int l,
		    unsigned long i)
{
	gomem_pallocsum_t sum = merge_children(pa, l, i, &pa->reach[l][i]);
	bool changed = pa->sum[l][i] != sum;

	pa->sum[l][i] = sum;
	return changed;
}

/* Make the tree true above the leaves, too. Needed before it is searched. */
static void flush(struct gomem_pagealloc *pa)
{
	unsigned long i = pa->stale;
	int l;

	if (i == NO_ENTRY)
		return;
	for (l = LEAF - 1; l >= 0 && remerge(pa, l, i); l--)
		i /= RADIX;
	pa->stale = NO_ENTRY;
}

/*
 * The leaf of @page is going to change. Its ancestors follow when another block
 * of leaves changes, or the tree is searched: allocations and frees next to
 * each other, which is what first fit makes of most, do not climb each time.
 */
static gomem_pallocsum_t *leaf_to_change(struct gomem_pagealloc *pa,
					 unsigned long page)
{
	unsigned long ci = page >> GOMEM_CHUNK_PAGES_SHIFT;

	if (pa->stale != ci / RADIX) {
		flush(pa);
		pa->stale = ci / RADIX;
	}
	return &pa->sum[LEAF][ci];
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

static void count_taken(struct gomem_pagealloc *pa, unsigned long page,
			unsigned long n)
{
	pa->free_pages -= n;
	if (page == pa->search)
		pa->search += n;
}

static void count_released(struct gomem_pagealloc *pa, unsigned long page,
			   unsigned long n)
{
	pa->free_pages += n;
	pa->search = min(pa->search, page);
}

/* free -> taken */
static void take(struct gomem_pagealloc *pa, unsigned long page,
		 unsigned long n)
{
	unsigned long p;
	unsigned int k;

	for (p = page; (k = piece(p, page + n)) > 0; p += k)
		take_piece(pa, chunk_of(pa, p), p, k);
	count_taken(pa, page, n);
}

/* taken -> free */
static void release(struct gomem_pagealloc *pa, unsigned long page,
		    unsigned long n)
{
	unsigned long p;
	unsigned int k;

	for (p = page; (k = piece(p, page + n)) > 0; p += k)
		release_piece(pa, chunk_of(pa, p), p, k);
	count_released(pa, page, n);
}

/* Holes become pages of ours, or the other way round. */
static void set_holes(struct gomem_pagealloc *pa, unsigned long page,
		      unsigned long n, bool hole)
{
	struct gomem_pallocbits *b;
	unsigned long p;
	unsigned int k;

	for (p = page; (k = piece(p, page + n)) > 0; p += k) {
		b = &chunk_of(pa, p)->hole;
		if (hole)
			gomem_pallocbits_set_range(b, offset(p), k);
		else
			gomem_pallocbits_clear_range(b, offset(p), k);
	}
	pa->backed_pages += hole ? -n : n;
}

/**
 * gomem_pagealloc_add() - make holes free pages
 * @pa: page allocator
 * @page: first page
 * @n: number of pages; may cross chunks, all of them registered
 *
 * Context: any, under the lock.
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
 * gomem_pagealloc_remove() - make free pages holes
 * @pa: page allocator
 * @page: first page
 * @n: number of pages, all free; may cross chunks
 *
 * For pages that go back to the kernel. The chunk stays registered.
 *
 * Context: any, under the lock.
 */
void gomem_pagealloc_remove(struct gomem_pagealloc *pa, unsigned long page,
			    unsigned long n)
{
	lockdep_assert_held(pa->lock);

	if (WARN_ON_ONCE(!range_is(pa, page, n, PAGES_FREE)))
		return;
	take(pa, page, n);
	set_holes(pa, page, n, true);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_remove);

/*
 * Search chunk @c, number @ci, from place @from on; it is known to have a run of
 * @n there.
 */
static unsigned long find_in_chunk(const struct gomem_chunk *c, unsigned long ci,
				   unsigned int n, unsigned int from,
				   unsigned int *free)
{
	unsigned int i = gomem_pallocbits_find(&c->inuse, n, from, free);

	if (WARN_ON_ONCE(i == GOMEM_CHUNK_PAGES))
		return GOMEM_NO_PAGE;
	return (ci << GOMEM_CHUNK_PAGES_SHIFT) + i;
}

/*
 * Look through entries @i to @end - 1 of level @l for the lowest run of @n
 * pages; the free run that ends where they start has length @run. If it starts
 * in one entry and goes on in the next ones, or fills the start of an entry, it
 * is returned. If it is inside an entry, that entry is stored in *@pi to go
 * down into, NO_ENTRY if there is no such run.
 */
static __always_inline unsigned long
scan_entries(const struct gomem_pagealloc *pa, unsigned int l, unsigned long i,
	     unsigned long end, unsigned long run, unsigned long n,
	     unsigned long *pi)
{
	const gomem_pallocsum_t *sum = pa->sum[l];
	const unsigned int shift = level_shift(l);
	const unsigned int full = 1U << shift;
	const gomem_pallocsum_t whole = gomem_pallocsum_pack(full, full, full);

	for (; i < end; i++) {
		if (sum[i] == whole) {
			run += full;
			if (run >= n)
				return ((i + 1) << shift) - run;
			continue;
		}
		if (run + __gomem_pallocsum_field(sum[i], 0) >= n)
			return (i << shift) - run;
		if (__gomem_pallocsum_field(sum[i], 1) >= n) {
			*pi = i;
			return GOMEM_NO_PAGE;
		}
		run = __gomem_pallocsum_field(sum[i], 2);
	}
	*pi = NO_ENTRY;
	return GOMEM_NO_PAGE;
}

/* Length of the free run that ends where entry @i starts, inside its block. */
static unsigned long run_before(const struct gomem_pagealloc *pa,
				unsigned int l, unsigned long i)
{
	const unsigned int full = 1U << level_shift(l);
	unsigned long run = 0;
	unsigned int end;

	while (i-- % RADIX) {
		end = __gomem_pallocsum_field(pa->sum[l][i], 2);
		run += end;
		if (end < full)
			break;
	}
	return run;
}

/*
 * The same as scan_entries() for the block below entry *@pi of the level above:
 * goes right to the entry in question.
 */
static unsigned long scan_block(const struct gomem_pagealloc *pa,
				unsigned int l, unsigned long *pi,
				unsigned long n)
{
	const u64 hits = gomem_pallocreach_find(pa->reach[l - 1][*pi], n);
	const unsigned long end = (*pi + 1) * RADIX;
	unsigned long i = hits ? *pi * RADIX + __ffs64(hits) / 8 : end;

	return scan_entries(pa, l, i, end, run_before(pa, l, i), n, pi);
}

/* Not inline, so that searches that do without do not save registers for it. */
static noinline unsigned long find_in_tree(struct gomem_pagealloc *pa,
					   unsigned long n)
{
	unsigned long page, i;
	unsigned int l, free;

	flush(pa);
	page = scan_entries(pa, 0, pa->search >> level_shift(0), pa->nr[0], 0,
			    n, &i);
	for (l = 1; page == GOMEM_NO_PAGE && i != NO_ENTRY; l++) {
		if (l > LEAF)
			return find_in_chunk(gomem_pagemap_nth_chunk(pa->map, i),
					     i, n, 0, &free);
		page = scan_block(pa, l, &i, n);
		/* Only the root may promise nothing. */
		WARN_ON_ONCE(page == GOMEM_NO_PAGE && i == NO_ENTRY);
	}
	return page;
}

/*
 * Find as gomem_pagealloc_find() does, inline in its few callers. If the run is in
 * the chunk of pa->search, that chunk is stored in @c, to save looking it up
 * again; else NULL.
 */
static __always_inline unsigned long
find_lowest(struct gomem_pagealloc *pa, unsigned long n, unsigned long *first,
	    struct gomem_chunk **c)
{
	unsigned long page, ci = pa->search >> GOMEM_CHUNK_PAGES_SHIFT;
	gomem_pallocsum_t sum;
	unsigned int free;

	*c = NULL;
	*first = pa->search;
	/* Without a free page there may be no table to look into. */
	if (n - 1 >= pa->free_pages)
		return GOMEM_NO_PAGE;
	/* Nothing below is free, so a run in this chunk is the lowest. */
	sum = pa->sum[LEAF][ci];
	if (__gomem_pallocsum_field(sum, 1) >= n) {
		*c = gomem_pagemap_nth_chunk(pa->map, ci);
		page = find_in_chunk(*c, ci, n, offset(pa->search), &free);
		*first = (ci << GOMEM_CHUNK_PAGES_SHIFT) + free;
		return page;
	}
	if (sum == GOMEM_PALLOCSUM_NONE)
		*first = find_in_tree(pa, 1);
	return n == 1 ? *first : find_in_tree(pa, n);
}

/**
 * gomem_pagealloc_find() - find the lowest run of free pages
 * @pa: page allocator
 * @n: number of pages, any; the run may cross chunks
 * @first: set to a page below which no page is free, at least @pa->search
 *
 * Changes nothing, but for bringing the tree up to date.
 *
 * Context: any, under the lock.
 * Return: the first page of the run, GOMEM_NO_PAGE if there is none.
 */
unsigned long gomem_pagealloc_find(struct gomem_pagealloc *pa,
				   unsigned long n, unsigned long *first)
{
	struct gomem_chunk *c;

	lockdep_assert_held(pa->lock);

	return find_lowest(pa, n, first, &c);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_find);

/**
 * gomem_pagealloc_alloc() - take the lowest run of free pages
 * @pa: page allocator
 * @n: number of pages, at least 1; the run may cross chunks
 *
 * Context: any, under the lock.
 * Return: the first page, GOMEM_NO_PAGE if there is no such run.
 */
unsigned long gomem_pagealloc_alloc(struct gomem_pagealloc *pa,
				    unsigned long n)
{
	unsigned long page, first;
	struct gomem_chunk *c;

	lockdep_assert_held(pa->lock);

	page = find_lowest(pa, n, &first, &c);
	pa->search = first;
	if (page == GOMEM_NO_PAGE)
		return page;
	if (c) {
		take_piece(pa, c, page, n);
		count_taken(pa, page, n);
	} else {
		take(pa, page, n);
	}
	return page;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_alloc);

/**
 * gomem_pagealloc_prev_chunk() - find the last chunk with a run of free pages
 * @pa: page allocator
 * @ci: highest chunk to look at; may be beyond the last
 * @n: number of pages in the run, 1 to 512
 *
 * Walks the tree down in order of address and skips entries whose max is too
 * small. An entry above the leaves may count a run that crosses chunks, so
 * going down into it may find nothing; the walk then just goes on. It takes one
 * step for each such chunk at worst, one or none a chunk for an @n of 1.
 *
 * Context: any, under the lock.
 * Return: the highest chunk at or below @ci with a free run of @n pages inside
 * it, GOMEM_NO_PAGE if there is none.
 */
unsigned long gomem_pagealloc_prev_chunk(struct gomem_pagealloc *pa,
					 unsigned long ci, unsigned long n)
{
	unsigned long i = min(ci, pa->nr[LEAF] - 1);
	unsigned int l = LEAF;

	lockdep_assert_held(pa->lock);

	if (!pa->free_pages)
		return GOMEM_NO_PAGE;
	flush(pa);
	for (;;) {
		if (gomem_pallocsum_max(pa->sum[l][i]) >= n) {
			if (l == LEAF)
				return i;
			i = i * RADIX + RADIX - 1;
			l++;
			continue;
		}
		/* At the start of a block the parent's neighbour is next. */
		while (l > 0 && i % RADIX == 0) {
			i /= RADIX;
			l--;
		}
		if (!i)
			return GOMEM_NO_PAGE;
		i--;
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_prev_chunk);

/*
 * First chunk at or after @ci with a run of @n pages in it, pa->nr[LEAF] if
 * there is none, or *@steps entries were looked at. The walk is the one of
 * gomem_pagealloc_prev_chunk(), upwards; the tree is up to date.
 */
static unsigned long next_chunk(const struct gomem_pagealloc *pa,
				unsigned long ci, unsigned long n,
				unsigned int *steps)
{
	unsigned int l = LEAF;
	unsigned long i = ci;

	for (; i < pa->nr[l] && *steps; --*steps) {
		if (gomem_pallocsum_max(pa->sum[l][i]) >= n) {
			if (l == LEAF)
				return i;
			i *= RADIX;
			l++;
			continue;
		}
		i++;
		/* At the end of a block the parent's neighbour is next. */
		while (l > 0 && i % RADIX == 0) {
			i /= RADIX;
			l--;
		}
	}
	return pa->nr[LEAF];
}

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
 * The same in the first chunk at or after @ci that has such a run. When some
 * chunks had @n free pages in the wrong place only, it takes 2 * n - 1 of them
 * to go on: wherever these are, @n are in the right place. @n is more than 1.
 */
static unsigned long find_aligned_from(struct gomem_pagealloc *pa,
				       unsigned long ci, unsigned int n)
{
	unsigned int looks, steps = ALIGNED_STEPS;
	unsigned long page;

	flush(pa);
	for (looks = 0; looks < ALIGNED_LOOKS; looks++) {
		ci = next_chunk(pa, ci, n, &steps);
		if (ci == pa->nr[LEAF])
			break;
		page = find_aligned(pa, ci, n);
		if (page != GOMEM_NO_PAGE)
			return page;
		ci++;
	}
	page = find_in_tree(pa, 2 * n - 1);
	return page == GOMEM_NO_PAGE ? page : round_up(page, n);
}

/**
 * gomem_pagealloc_alloc_aligned() - take a naturally aligned run
 * @pa: page allocator
 * @n: number of pages, a power of two up to 512
 *
 * Such a run never crosses a chunk. It is the lowest one, unless 16 chunks
 * below it, or as many as 512 summaries are looked at for, have @n free pages,
 * but not aligned: then it is the lowest in 2 * @n - 1 free pages in a row, and
 * there may be none though there is an aligned run elsewhere.
 *
 * Context: any, under the lock.
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
		pa->search = find_in_tree(pa, 1);
		ci = pa->search >> GOMEM_CHUNK_PAGES_SHIFT;
	}
	page = find_aligned(pa, ci, n);
	if (page == GOMEM_NO_PAGE)
		page = find_aligned_from(pa, ci + 1, n);
	if (page != GOMEM_NO_PAGE)
		take(pa, page, n);
	return page;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_alloc_aligned);

/**
 * gomem_pagealloc_alloc_range() - take given pages
 * @pa: page allocator
 * @page: first page
 * @n: number of pages; may cross chunks
 *
 * Context: any, under the lock.
 * Return: true if all were free and are taken now, false if nothing changed.
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
 * @n: number of pages; need not be what one allocation returned
 *
 * Context: any, under the lock.
 * Return: true if all were taken and are free now; false if nothing changed,
 * because a page was free already, is a hole or is outside the heap.
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

/* The lowest @max of the bits. */
static u64 lowest_bits(u64 bits, unsigned int max)
{
	u64 rest = bits;

	if (max >= hweight64(bits))
		return bits;
	while (max--)
		rest &= rest - 1;
	return bits & ~rest;
}

/**
 * gomem_pagealloc_alloc_block() - take free pages that are close together
 * @pa: page allocator
 * @max: how many at most, 1 to 64
 * @base: set to the first page of the block, a multiple of 64
 *
 * For a CPU that keeps some pages to itself. Takes from the block of 64 pages
 * that the heap's first free page is in, the lowest first: they are all in one
 * word of the bitmap.
 *
 * Context: any, under the lock.
 * Return: the pages taken, bit i for page *@base + i; 0 if no page is free, and
 * @base is not set.
 */
u64 gomem_pagealloc_alloc_block(struct gomem_pagealloc *pa, unsigned int max,
				unsigned long *base)
{
	unsigned long page, first;
	gomem_pallocsum_t *sum;
	struct gomem_chunk *c;
	unsigned int w;
	u64 mask;

	lockdep_assert_held(pa->lock);

	page = find_lowest(pa, 1, &first, &c);
	if (page == GOMEM_NO_PAGE || WARN_ON_ONCE(!max))
		return 0;
	if (!c)
		c = chunk_of(pa, page);
	*base = round_down(page, 64);
	w = offset(page) / 64;
	mask = lowest_bits(~c->inuse.word[w], max);

	sum = leaf_to_change(pa, page);
	*sum = gomem_pallocbits_alloc_mask(&c->inuse, w, mask, *sum);
	pa->free_pages -= hweight64(mask);
	pa->search = *base + fls64(mask);
	return mask;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_alloc_block);

/* The chunk of a block, NULL if not all of @mask is taken. */
static __always_inline struct gomem_chunk *
taken_block(const struct gomem_pagealloc *pa, unsigned long base, u64 mask)
{
	struct gomem_chunk *c = own_chunk(pa, base);
	unsigned int w = offset(base) / 64;

	if (!c || base % 64 || (mask & ~(c->inuse.word[w] & ~c->hole.word[w])))
		return NULL;
	return c;
}

/**
 * gomem_pagealloc_free_block() - give pages of a block back
 * @pa: page allocator
 * @base: first page of the block, a multiple of 64
 * @mask: bit i for page @base + i; all taken, by whatever call; may be 0
 *
 * Context: any, under the lock.
 */
void gomem_pagealloc_free_block(struct gomem_pagealloc *pa,
				unsigned long base, u64 mask)
{
	gomem_pallocsum_t *sum;
	struct gomem_chunk *c;

	lockdep_assert_held(pa->lock);

	if (!mask)
		return;
	c = taken_block(pa, base, mask);
	if (WARN_ON_ONCE(!c))
		return;
	sum = leaf_to_change(pa, base);
	*sum = gomem_pallocbits_free_mask(&c->inuse, offset(base) / 64, mask, *sum);
	pa->free_pages += hweight64(mask);
	pa->search = min(pa->search, base + __ffs64(mask));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_free_block);
