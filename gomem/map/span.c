// SPDX-License-Identifier: GPL-2.0
/*
 * span.c - allocate and free the cells of one span, and sweep it.
 *
 * These functions take no locks. span.h tells for each member of struct
 * gomem_span what the caller must hold.
 */
#include <kunit/visibility.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "base/key.h"
#include "base/shuffle.h"
#include "map/kind.h"
#include "map/span.h"

/* Load alloc_cache with the free cells from freeindex on, to the word's end. */
static void load_alloc_cache(struct gomem_span *s)
{
	unsigned int word = s->freeindex / 64;

	s->alloc_cache = ~gomem_span_alloc_bits(s)[word] >> (s->freeindex % 64);
}

static void size_cells(struct gomem_span *s, const struct gomem_kind *kind,
		       bool large)
{
	unsigned int bytes = s->npages << GOMEM_PAGE_SHIFT;

	if (large) {
		s->nelems = 1;
		s->elemsize = bytes;
		s->divmul = 0;
	} else {
		/* A short span has fewer objects: see mcentral_grow.c. */
		s->nelems = kind->nelems;
		if (s->npages != kind->npages)
			s->nelems = min_t(unsigned int, s->nelems,
					  bytes / kind->size);
		s->elemsize = kind->size;
		s->divmul = kind->divmul;
	}
	s->nwords = gomem_span_words(s->nelems);
}

/**
 * gomem_span_init - initialize a span of pages that were taken from the heap
 * @s: descriptor with room for the bitmaps of @kind, in state DEAD. Its other
 *	members may have old values
 * @base: address of the first page
 * @npages: number of gomem pages
 * @kind: kind of the objects
 *
 * The one object of a large span counts as allocated at once.
 */
void gomem_span_init(struct gomem_span *s, unsigned long base,
		     unsigned int npages, const struct gomem_kind *kind)
{
	bool large = gomem_kind_is_large(kind);

	s->base = base;
	s->npages = npages;
	WRITE_ONCE(s->kind, kind);
	s->spc = kind->spc;
	size_cells(s, kind, large);
	s->zero = false;
	INIT_LIST_HEAD(&s->list);
	atomic_set(&s->pending, 0);
	s->handed_out = 0;
	if (kind->cache)
		s->limit = s->nelems;

	/* A large object is allocated from the start, small ones are free. */
	s->freeindex = large;
	s->alloc_count = large;
	s->fresh = large;
	/* Most bitmaps have one word, and memset() is slow to start. */
	s->bits[1] = 0;
	if (s->nwords > 1)
		memset(s->bits, 0, 2 * s->nwords * sizeof(*s->bits));
	s->bits[0] = large;
	s->alloc_cache = large ? 0 : ~0ULL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_span_init);

/*
 * Return the first free cell from freeindex on, nelems if there is none. If
 * there is one, alloc_cache has its bit afterwards.
 */
static unsigned int next_free_cell(struct gomem_span *s)
{
	unsigned int i;

	while (!s->alloc_cache) {
		/* Go on with the next word, if there is one. */
		i = round_down(s->freeindex, 64) + 64;
		if (i >= s->nelems) {
			s->freeindex = s->nelems;
			return s->nelems;
		}
		s->freeindex = i;
		load_alloc_cache(s);
	}

	i = s->freeindex + __ffs64(s->alloc_cache);
	if (i >= s->nelems) {
		s->freeindex = s->nelems;
		s->alloc_cache = 0;
		return s->nelems;
	}
	return i;
}

/* Move freeindex past cell @i. */
static void advance(struct gomem_span *s, unsigned int i)
{
	unsigned int shift = i + 1 - s->freeindex;

	s->freeindex = i + 1;
	/*
	 * If freeindex was the first cell of a word and @i is the last one of
	 * that word, the shift would be by 64, which is undefined.
	 */
	s->alloc_cache = shift < 64 ? s->alloc_cache >> shift : 0;
	if (s->freeindex % 64 == 0 && s->freeindex < s->nelems)
		load_alloc_cache(s);
}

/* Write the addresses of @n neighbouring objects to @out, from @obj on. */
static void list_run(void *obj, u32 size, void **out, unsigned int n)
{
	unsigned int i;

#pragma GCC unroll 4
	for (i = 0; i < n; i++, obj += size)
		out[i] = obj;
}

/*
 * Write the addresses of up to @want cells in @free to @out, and clear their
 * bits; return the number of these cells. @obj is the object of bit 0.
 */
static unsigned int list_cells(void *obj, u32 size, u64 *free, void **out,
			       unsigned int want)
{
	u64 left = *free;
	unsigned int n;

	for (n = 0; left && n < want; left &= left - 1)
		out[n++] = obj + __ffs64(left) * size;
	*free = left;
	return n;
}

/*
 * Allocate up to @want of the free cells whose bits are in the word of
 * freeindex, and return their number. There is at least one. Add to @recycled
 * how many of the cells have a key. Most often there is one free cell, or all
 * free cells are neighbours: then there is no need to search for bits.
 */
static unsigned int take_in_word(struct gomem_span *s, void **out,
				 unsigned int want, unsigned int *recycled)
{
	unsigned long *word = &gomem_span_alloc_bits(s)[s->freeindex / 64];
	unsigned int first = s->freeindex, left = s->nelems - first;
	unsigned int skip, last, n;
	u64 free = s->alloc_cache, taken, run;
	void *obj;

	if (left < 64)
		free &= BIT_ULL(left) - 1;
	skip = __ffs64(free);
	run = free >> skip;
	obj = gomem_span_object(s, first + skip);
	if (run == 1) {
		n = 1;
		out[0] = obj;
		taken = free;
		last = first + skip;
	} else if (!(run & (run + 1))) {
		n = min_t(unsigned int, want, fls64(run));
		list_run(obj, s->elemsize, out, n);
		taken = ((2ULL << (n - 1)) - 1) << skip;
		last = first + skip + n - 1;
	} else {
		n = list_cells(obj, s->elemsize, &run, out, want);
		taken = free & ~(run << skip);
		last = first + fls64(taken) - 1;
	}
	if (likely(last < s->fresh))
		*recycled += n;
	else if (first < s->fresh)
		*recycled += hweight64(taken & (BIT_ULL(s->fresh - first) - 1));
	/* gomem_span_put() may read other bits of the word concurrently. */
	WRITE_ONCE(*word, *word | taken << first % 64);
	s->fresh = max_t(unsigned int, s->fresh, last + 1);
	advance(s, last);
	return n;
}

/**
 * gomem_span_take - allocate cells of a span
 * @s: a span that the caller owns
 * @out: set to the objects, by rising address
 * @want: number of objects wanted
 * @recycled: set to the number of objects that have a key, because they were
 *	used before or because gomem_span_draw() passed them over. They come
 *	first in @out; the other objects have no key
 *
 * Cells that have been freed since the last sweep are not found.
 *
 * Return: the number of objects, up to @want; 0 if no cell from freeindex on is
 * free.
 */
unsigned int gomem_span_take(struct gomem_span *s, void **out,
			     unsigned int want, unsigned int *recycled)
{
	unsigned int n = 0;

	*recycled = 0;
	while (n < want && next_free_cell(s) != s->nelems)
		n += take_in_word(s, out + n, want - n, recycled);
	WRITE_ONCE(s->alloc_count, s->alloc_count + n);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_span_take);

/* gomem_span_draw() chooses among up to this many free cells. */
#define DRAW_FROM	16U

/*
 * Count all cells up to and including cell @i as no longer fresh. The fresh
 * cells before @i get the keys of free objects. So a later allocation finds a
 * key there, as in a reused cell.
 */
static void pass_over(struct gomem_span *s, unsigned int i)
{
	const struct gomem_kind *k = s->kind;
	void *obj;

	for (; s->fresh < i; s->fresh++) {
		obj = gomem_span_object(s, s->fresh);
		gomem_set_key(gomem_kind_key(k, obj));
	}
	s->fresh = max_t(unsigned int, s->fresh, i + 1);
}

/**
 * gomem_span_draw - allocate a free cell at random
 * @s: a span that the caller owns, of a kind without a constructor: the cells
 *	that a draw passes over get keys, but are not constructed
 * @recycled: set to true if the object has its key, because it was used before
 *	or because an earlier draw passed it over; else set to false
 *
 * Chooses among up to DRAW_FROM free cells: the lowest free cell, and the next
 * free cells in the same word of the bitmap.
 *
 * Return: the object; NULL if no cell from freeindex on is free.
 */
void *gomem_span_draw(struct gomem_span *s, bool *recycled)
{
	unsigned int lowest = next_free_cell(s), first = s->freeindex, i, n;
	unsigned long *word;
	u64 free;

	if (lowest == s->nelems)
		return NULL;
	free = s->alloc_cache;
	if (s->nelems - first < 64)
		free &= BIT_ULL(s->nelems - first) - 1;
	n = gomem_shuffle_below(min_t(unsigned int, hweight64(free),
				      DRAW_FROM));
	for (; n; n--)
		free &= free - 1;
	i = first + __ffs64(free);
	*recycled = i < s->fresh;
	pass_over(s, i);
	word = &gomem_span_alloc_bits(s)[i / 64];
	/* gomem_span_put() may read other bits of the word concurrently. */
	WRITE_ONCE(*word, *word | BIT_ULL(i % 64));
	WRITE_ONCE(s->alloc_count, s->alloc_count + 1);
	if (i == lowest)
		advance(s, i);
	else
		s->alloc_cache &= ~BIT_ULL(i - first);
	return gomem_span_object(s, i);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_span_draw);

/**
 * gomem_span_take_all - allocate all cells of a new span
 * @s: a span that the caller owns, with up to 64 cells, none of them ever
 *	allocated
 * @out: set to the objects, by rising address
 */
void gomem_span_take_all(struct gomem_span *s, void **out)
{
	unsigned int n = s->nelems;

	if (n == 1)
		out[0] = gomem_span_object(s, 0);
	else
		list_run(gomem_span_object(s, 0), s->elemsize, out, n);
	WRITE_ONCE(gomem_span_alloc_bits(s)[0], GENMASK_ULL(n - 1, 0));
	WRITE_ONCE(s->alloc_count, n);
	s->fresh = n;
	s->freeindex = n;
	s->alloc_cache = 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_span_take_all);

/**
 * gomem_span_put - set the freed bits of cells
 * @s: a span of small objects, which another CPU may own
 * @word: number of the word of the bitmap
 * @mask: the cells of that word to free
 *
 * The caller has added the cells to @s->pending. A CPU that caches the span may
 * allocate from it or sweep it concurrently.
 *
 * Context: any but NMI; caller holds the lock of the span's mcentral.
 * Return: the cells of @mask that were not allocated, or were freed before.
 * Their bits do not change. The caller subtracts their number from @s->pending.
 */
unsigned long gomem_span_put(struct gomem_span *s, unsigned int word,
			     unsigned long mask)
{
	atomic_long_t *freed = (atomic_long_t *)&gomem_span_freed_bits(s)[word];
	unsigned long bad = mask & ~READ_ONCE(gomem_span_alloc_bits(s)[word]);

	/*
	 * Release: all accesses to the objects come before their freed bits.
	 * Pairs with atomic_long_xchg() in gomem_span_sweep().
	 */
	bad |= mask & atomic_long_fetch_or_release(mask & ~bad, freed);
	return bad;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_span_put);

/**
 * gomem_span_sweep - fold the freed bits into the alloc bits
 * @s: a span that the caller owns
 *
 * Later allocations start again at the first cell. Runs concurrently with
 * gomem_span_put() on other CPUs, if the span is cached.
 *
 * Return: the number of cells that became free, and the number of freed bits of
 * cells that were not allocated. These bits are dropped.
 */
struct gomem_sweep gomem_span_sweep(struct gomem_span *s)
{
	unsigned long *alloc_bits = gomem_span_alloc_bits(s);
	unsigned long *freed_bits = gomem_span_freed_bits(s);
	struct gomem_sweep res = { 0, 0 };
	unsigned int w;

	for (w = 0; w < s->nwords; w++) {
		unsigned long f;

		if (!READ_ONCE(freed_bits[w]))
			continue;
		/* Pairs with the release in gomem_span_put(). */
		f = atomic_long_xchg((atomic_long_t *)&freed_bits[w], 0);
		res.bad += hweight_long(f & ~alloc_bits[w]);
		res.freed += hweight_long(f & alloc_bits[w]);
		WRITE_ONCE(alloc_bits[w], alloc_bits[w] & ~f);
	}

	WRITE_ONCE(s->alloc_count, s->alloc_count - res.freed);
	s->freeindex = 0;
	load_alloc_cache(s);
	atomic_sub(res.freed + res.bad, &s->pending);
	return res;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_span_sweep);

/**
 * gomem_span_validate - check the invariants of struct gomem_span
 * @s: a span that the caller owns; no CPU may free objects of it concurrently
 *
 * Return: NULL, or a description of the first violation.
 */
const char *gomem_span_validate(struct gomem_span *s)
{
	unsigned long *alloc_bits = gomem_span_alloc_bits(s);
	unsigned long *freed_bits = gomem_span_freed_bits(s);
	unsigned int nbits = s->nwords * 64;
	unsigned int left = 64 - s->freeindex % 64;
	u64 want;

	if (s->alloc_count != bitmap_weight(alloc_bits, nbits))
		return "alloc_count is not the number of alloc bits";
	if (find_next_bit(alloc_bits, nbits, s->nelems) < nbits)
		return "alloc bit beyond the last cell";
	if (!bitmap_subset(freed_bits, alloc_bits, nbits))
		return "freed bit of a cell that is not allocated";
	if (atomic_read(&s->pending) != bitmap_weight(freed_bits, nbits))
		return "pending is not the number of freed bits";
	if (s->freeindex > s->nelems)
		return "freeindex beyond the last cell";
	if (find_first_zero_bit(alloc_bits, nbits) < s->freeindex)
		return "free cell below freeindex";
	if (find_next_bit(alloc_bits, nbits, s->fresh) < nbits)
		return "allocated cell that was never handed out";
	if (s->freeindex == s->nelems || !s->divmul)
		return NULL;

	want = ~alloc_bits[s->freeindex / 64] >> (s->freeindex % 64);
	if ((s->alloc_cache ^ want) & (left < 64 ? BIT(left) - 1 : ~0UL))
		return "alloc_cache differs from the alloc bits";
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_span_validate);
