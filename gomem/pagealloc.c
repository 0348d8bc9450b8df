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

#define NO_WORDS	{ [0 ... GOMEM_CHUNK_WORDS - 1] = ~0ULL }

/* Constant, so that a store through a lookup that missed faults. */
const struct gomem_chunk gomem_no_chunk = {
	.inuse	= { .word = NO_WORDS },
	.hole	= { .word = NO_WORDS },
};
EXPORT_SYMBOL_IF_KUNIT(gomem_no_chunk);

/* How far a search for an aligned run goes by itself: chunks, and summaries. */
#define ALIGNED_LOOKS	16
#define ALIGNED_STEPS	512

enum page_state { PAGES_FREE, PAGES_TAKEN, PAGES_HOLE };

static struct gomem_chunk *chunk_of(const struct gomem_pagealloc *pa,
				    unsigned long page)
{
	return gomem_pagealloc_chunk(pa, page >> GOMEM_CHUNK_PAGES_SHIFT);
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

static void free_tables(struct gomem_pagealloc *pa)
{
	unsigned int l;

	kvfree(pa->chunks);
	for (l = 0; l < GOMEM_PAGEALLOC_LEVELS; l++)
		kvfree(pa->sum[l]);
	for (l = 0; l < LEAF; l++)
		kvfree(pa->reach[l]);
}

/* All levels but the root are whole blocks, so that merging needs no bound. */
static void size_levels(struct gomem_pagealloc *pa, unsigned long nr_chunks)
{
	unsigned long nr = nr_chunks;
	unsigned int l;

	for (l = LEAF; l > 0; l--) {
		pa->nr[l] = round_up(nr, RADIX);
		nr = pa->nr[l] / RADIX;
	}
	pa->nr[0] = nr;
}

static int alloc_tables(struct gomem_pagealloc *pa)
{
	unsigned int l;

	pa->chunks = kvmalloc_array(pa->nr[LEAF], sizeof(*pa->chunks),
				    GFP_KERNEL);
	if (!pa->chunks)
		return -ENOMEM;
	for (l = 0; l < GOMEM_PAGEALLOC_LEVELS; l++) {
		pa->sum[l] = kvcalloc(pa->nr[l], sizeof(*pa->sum[l]),
				      GFP_KERNEL);
		if (!pa->sum[l])
			return -ENOMEM;
	}
	for (l = 0; l < LEAF; l++) {
		pa->reach[l] = kvcalloc(pa->nr[l], sizeof(*pa->reach[l]),
					GFP_KERNEL);
		if (!pa->reach[l])
			return -ENOMEM;
	}
	return 0;
}

/**
 * gomem_pagealloc_init() - set up a page allocator without any page
 * @pa: page allocator
 * @nr_chunks: chunks in the heap's range of addresses, at least 1; rounded up
 *	to a multiple of 8
 * @lock: lock that the owner will hold around the other calls
 *
 * Takes 16 bytes a chunk, and a seventh of that for the upper levels.
 *
 * Context: process, may sleep.
 * Return: 0, or -ENOMEM and nothing to destroy.
 */
int gomem_pagealloc_init(struct gomem_pagealloc *pa, unsigned long nr_chunks,
			 spinlock_t *lock)
{
	unsigned long ci;
	int err;

	BUILD_BUG_ON(GOMEM_CHUNK_PAGES_SHIFT + LEAF * RADIX_SHIFT !=
		     GOMEM_PALLOCSUM_BITS);

	memset(pa, 0, sizeof(*pa));
	pa->lock = lock;
	size_levels(pa, nr_chunks);
	err = alloc_tables(pa);
	if (err) {
		free_tables(pa);
		return err;
	}
	/* The cast drops const; see gomem_pagealloc_chunk() about writing. */
	for (ci = 0; ci < pa->nr[LEAF]; ci++)
		pa->chunks[ci] = (struct gomem_chunk *)&gomem_no_chunk;
	pa->search = nr_pages(pa);
	pa->stale = NO_ENTRY;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_init);

/**
 * gomem_pagealloc_destroy() - free the tables
 * @pa: page allocator that nobody uses any more
 *
 * The chunks belong to whoever registered them.
 *
 * Context: process, may sleep.
 */
void gomem_pagealloc_destroy(struct gomem_pagealloc *pa)
{
	free_tables(pa);
	memset(pa, 0, sizeof(*pa));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_destroy);

/**
 * gomem_pagealloc_register() - give a chunk its bookkeeping
 * @pa: page allocator
 * @ci: chunk that is not registered yet
 * @chunk: its bookkeeping, zeroed; must stay until @pa is destroyed
 *
 * All its pages are holes at first, see gomem_pagealloc_add().
 *
 * Context: any, under the lock.
 */
void gomem_pagealloc_register(struct gomem_pagealloc *pa, unsigned long ci,
			      struct gomem_chunk *chunk)
{
	lockdep_assert_held(pa->lock);

	if (WARN_ON_ONCE(ci >= pa->nr[LEAF] ||
			 registered(gomem_pagealloc_chunk(pa, ci))))
		return;
	gomem_pallocbits_set_range(&chunk->inuse, 0, GOMEM_CHUNK_PAGES);
	gomem_pallocbits_set_range(&chunk->hole, 0, GOMEM_CHUNK_PAGES);
	/*
	 * Pairs with READ_ONCE() in gomem_pagealloc_chunk(): whoever finds the
	 * chunk, even with a wrong pointer, finds it initialised.
	 */
	smp_store_release(&pa->chunks[ci], chunk);
	pa->nr_registered++;
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
		return registered(chunk) &&
		       gomem_pallocbits_all_set(&chunk->hole, i, n);
	}
	return false;
}

/* Are all pages in @state? No if there are none or some outside the heap. */
static bool range_is(const struct gomem_pagealloc *pa, unsigned long page,
		     unsigned long n, enum page_state state)
{
	unsigned long p;
	unsigned int k;

	if (!n || page >= nr_pages(pa) || n > nr_pages(pa) - page)
		return false;
	for (p = page; (k = piece(p, page + n)) > 0; p += k) {
		if (!piece_is(chunk_of(pa, p), offset(p), k, state))
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

/* free -> taken */
static void take(struct gomem_pagealloc *pa, unsigned long page,
		 unsigned long n)
{
	gomem_pallocsum_t *sum;
	unsigned long p;
	unsigned int k;

	for (p = page; (k = piece(p, page + n)) > 0; p += k) {
		sum = leaf_to_change(pa, p);
		*sum = gomem_pallocbits_alloc(&chunk_of(pa, p)->inuse,
					      offset(p), k, *sum);
	}
	pa->free_pages -= n;
	if (page == pa->search)
		pa->search += n;
}

/* taken -> free */
static void release(struct gomem_pagealloc *pa, unsigned long page,
		    unsigned long n)
{
	gomem_pallocsum_t *sum;
	unsigned long p;
	unsigned int k;

	for (p = page; (k = piece(p, page + n)) > 0; p += k) {
		sum = leaf_to_change(pa, p);
		*sum = gomem_pallocbits_free(&chunk_of(pa, p)->inuse,
					     offset(p), k, *sum);
	}
	pa->free_pages += n;
	pa->search = min(pa->search, page);
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

/* Search a chunk from place @from on; it is known to have a run of @n there. */
static unsigned long find_in_chunk(const struct gomem_pagealloc *pa,
				   unsigned long ci, unsigned int n,
				   unsigned int from, unsigned int *free)
{
	unsigned long base = ci << GOMEM_CHUNK_PAGES_SHIFT;
	unsigned int i;

	i = gomem_pallocbits_find(&chunk_of(pa, base)->inuse, n, from, free);
	if (WARN_ON_ONCE(i == GOMEM_CHUNK_PAGES))
		return GOMEM_NO_PAGE;
	return base + i;
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
			return find_in_chunk(pa, i, n, 0, &free);
		page = scan_block(pa, l, &i, n);
		/* Only the root may promise nothing. */
		WARN_ON_ONCE(page == GOMEM_NO_PAGE && i == NO_ENTRY);
	}
	return page;
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
	unsigned long page, ci = pa->search >> GOMEM_CHUNK_PAGES_SHIFT;
	gomem_pallocsum_t sum;
	unsigned int free;

	lockdep_assert_held(pa->lock);

	*first = pa->search;
	if (!n || n > pa->free_pages)
		return GOMEM_NO_PAGE;
	/* Nothing below is free, so a run in this chunk is the lowest. */
	sum = pa->sum[LEAF][ci];
	if (__gomem_pallocsum_field(sum, 1) >= n) {
		page = find_in_chunk(pa, ci, n, offset(pa->search), &free);
		*first = (ci << GOMEM_CHUNK_PAGES_SHIFT) + free;
		return page;
	}
	if (sum == GOMEM_PALLOCSUM_NONE)
		*first = find_in_tree(pa, 1);
	return n == 1 ? *first : find_in_tree(pa, n);
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

	lockdep_assert_held(pa->lock);

	page = gomem_pagealloc_find(pa, n, &first);
	pa->search = first;
	if (page != GOMEM_NO_PAGE)
		take(pa, page, n);
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
	lockdep_assert_held(pa->lock);

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
	struct gomem_pallocbits *inuse;
	unsigned long page, first;
	gomem_pallocsum_t *sum;
	unsigned int w;
	u64 mask;

	lockdep_assert_held(pa->lock);

	page = gomem_pagealloc_find(pa, 1, &first);
	if (page == GOMEM_NO_PAGE || WARN_ON_ONCE(!max))
		return 0;
	*base = round_down(page, 64);
	inuse = &chunk_of(pa, page)->inuse;
	w = offset(page) / 64;
	mask = lowest_bits(~inuse->word[w], max);

	sum = leaf_to_change(pa, page);
	*sum = gomem_pallocbits_alloc_mask(inuse, w, mask, *sum);
	pa->free_pages -= hweight64(mask);
	pa->search = *base + fls64(mask);
	return mask;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_alloc_block);

static bool block_is_taken(const struct gomem_pagealloc *pa,
			   unsigned long base, u64 mask)
{
	const struct gomem_chunk *chunk;
	unsigned int w = offset(base) / 64;

	if (base % 64 || base >= nr_pages(pa))
		return false;
	chunk = chunk_of(pa, base);
	return !(mask & ~(chunk->inuse.word[w] & ~chunk->hole.word[w]));
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

	lockdep_assert_held(pa->lock);

	if (!mask || WARN_ON_ONCE(!block_is_taken(pa, base, mask)))
		return;
	sum = leaf_to_change(pa, base);
	*sum = gomem_pallocbits_free_mask(&chunk_of(pa, base)->inuse,
					  offset(base) / 64, mask, *sum);
	pa->free_pages += hweight64(mask);
	pa->search = min(pa->search, base + __ffs64(mask));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pagealloc_free_block);
