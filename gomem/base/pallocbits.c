// SPDX-License-Identifier: GPL-2.0
/*
 * pallocbits.c - search and change the 512 page bits of one chunk.
 *
 * Take a word whose set bits are free pages. ANDed with itself shifted right by
 * one, it keeps exactly the bits at which a run of two starts. The same with
 * larger shifts finds longer runs, and each shift can be as long as the run
 * found so far. Both the search for a run and the measurement of the longest
 * one are based on this.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>

#include "base/pallocbits.h"

/*
 * Functions on a range [i, i + n) walk the words from i / 64 to last_word().
 * The mask of the first word is ~0 << (i % 64), that of the others ~0. The mask
 * of the last word is also ANDed with last_mask().
 */
static unsigned int last_word(unsigned int i, unsigned int n)
{
	return (i + n - 1) / 64;
}

static u64 last_mask(unsigned int i, unsigned int n)
{
	return ~0ULL >> (-(i + n) % 64);
}

/*
 * Return the bits of @c at which a run of @n set bits inside the word starts.
 * After each pass of the loop, a set bit stands for a run of "have" free pages.
 */
static u64 runs64(u64 c, unsigned int n)
{
	unsigned int have = 1, step;

	while (c && have < n) {
		step = min(have, n - have);
		c &= c >> step;
		have += step;
	}
	return c;
}

/**
 * gomem_pallocbits_set_range() - mark a range of pages as in use
 * @b: bits of the chunk
 * @i: first page
 * @n: number of pages
 */
void gomem_pallocbits_set_range(struct gomem_pallocbits *b,
				unsigned int i, unsigned int n)
{
	unsigned int w, last = last_word(i, n);
	u64 mask = ~0ULL << (i % 64);

	for (w = i / 64; w < last; w++, mask = ~0ULL)
		b->word[w] |= mask;
	b->word[w] |= mask & last_mask(i, n);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_set_range);

/**
 * gomem_pallocbits_clear_range() - mark a range of pages as free
 * @b: bits of the chunk
 * @i: first page
 * @n: number of pages
 */
void gomem_pallocbits_clear_range(struct gomem_pallocbits *b,
				  unsigned int i, unsigned int n)
{
	unsigned int w, last = last_word(i, n);
	u64 mask = ~0ULL << (i % 64);

	for (w = i / 64; w < last; w++, mask = ~0ULL)
		b->word[w] &= ~mask;
	b->word[w] &= ~(mask & last_mask(i, n));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_clear_range);

/* Do all bits of the range equal those of @flip, which is 0 or ~0? */
static __always_inline bool all_same(const struct gomem_pallocbits *b,
				     unsigned int i, unsigned int n, u64 flip)
{
	unsigned int w, last = last_word(i, n);
	u64 mask = ~0ULL << (i % 64);

	for (w = i / 64; w < last; w++, mask = ~0ULL) {
		if ((b->word[w] ^ flip) & mask)
			return false;
	}
	return !((b->word[w] ^ flip) & mask & last_mask(i, n));
}

/**
 * gomem_pallocbits_all_set() - check whether every page of a range is in use
 * @b: bits of the chunk
 * @i: first page
 * @n: number of pages
 *
 * Return: true if no page of the range is free.
 */
bool gomem_pallocbits_all_set(const struct gomem_pallocbits *b,
			      unsigned int i, unsigned int n)
{
	return all_same(b, i, n, ~0ULL);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_all_set);

/**
 * gomem_pallocbits_all_clear() - check whether every page of a range is free
 * @b: bits of the chunk
 * @i: first page
 * @n: number of pages
 *
 * Return: true if no page of the range is in use.
 */
bool gomem_pallocbits_all_clear(const struct gomem_pallocbits *b,
				unsigned int i, unsigned int n)
{
	return all_same(b, i, n, 0);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_all_clear);

/**
 * gomem_pallocbits_count() - count the pages in use in a range
 * @b: bits of the chunk
 * @i: first page
 * @n: number of pages
 *
 * Return: 0 to @n.
 */
unsigned int gomem_pallocbits_count(const struct gomem_pallocbits *b,
				    unsigned int i, unsigned int n)
{
	unsigned int w, last = last_word(i, n), count = 0;
	u64 mask = ~0ULL << (i % 64);

	for (w = i / 64; w < last; w++, mask = ~0ULL)
		count += hweight64(b->word[w] & mask);
	return count + hweight64(b->word[w] & mask & last_mask(i, n));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_count);

/*
 * Return the number of the first bit at or after @i that differs from those of
 * @flip, which is 0 or ~0; 512 if there is none.
 */
static unsigned int next_bit(const struct gomem_pallocbits *b, unsigned int i,
			     u64 flip)
{
	u64 mask = ~0ULL << (i % 64);
	unsigned int w;

	for (w = i / 64; w < GOMEM_CHUNK_WORDS; w++) {
		u64 x = (b->word[w] ^ flip) & mask;

		if (x)
			return 64 * w + __ffs64(x);
		mask = ~0ULL;
	}
	return GOMEM_CHUNK_PAGES;
}

/**
 * gomem_pallocbits_next_free() - find the next free page
 * @b: bits of the chunk
 * @i: where to start, at most 512
 *
 * Return: the first free page at or after @i, 512 if there is none.
 */
unsigned int gomem_pallocbits_next_free(const struct gomem_pallocbits *b,
					unsigned int i)
{
	return next_bit(b, i, ~0ULL);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_next_free);

/**
 * gomem_pallocbits_next_used() - find the next page in use
 * @b: bits of the chunk
 * @i: where to start, at most 512
 *
 * Callers use this function and gomem_pallocbits_next_free() in turn, to step
 * from each free run to the next.
 *
 * Return: the first page in use at or after @i, 512 if there is none.
 */
unsigned int gomem_pallocbits_next_used(const struct gomem_pallocbits *b,
					unsigned int i)
{
	return next_bit(b, i, 0);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_next_used);

/*
 * Return the first page of the lowest run of @n free pages at or after @from;
 * 512 if there is none.
 */
static unsigned int find_run(const struct gomem_pallocbits *b, unsigned int n,
			     unsigned int from)
{
	u64 below = ~(~0ULL << (from % 64));
	unsigned int w, lead, run = 0;

	/* "run" counts the free pages right before the start of word w. */
	for (w = from / 64; w < GOMEM_CHUNK_WORDS; w++) {
		u64 used = b->word[w] | below;
		u64 c;

		below = 0;
		lead = used ? __ffs64(used) : 64;
		if (run + lead >= n)
			return 64 * w - run;
		if (!used) {
			run += 64;
			continue;
		}
		c = n < 64 ? runs64(~used, n) : 0;
		if (c)
			return 64 * w + __ffs64(c);
		run = 64 - fls64(used);
	}
	return GOMEM_CHUNK_PAGES;
}

/**
 * gomem_pallocbits_find() - find the first run of free pages
 * @b: bits of the chunk
 * @n: pages in the run, 1 to 512
 * @from: first page that the run may start at, at most 512
 * @first: set to the first free page at or after @from, 512 if there is none.
 *	A later search from @from may begin there, unless pages become free
 *
 * Return: the first page of the lowest run of @n free pages at or after @from,
 * 512 if there is none.
 */
unsigned int gomem_pallocbits_find(const struct gomem_pallocbits *b,
				   unsigned int n, unsigned int from,
				   unsigned int *first)
{
	*first = gomem_pallocbits_next_free(b, from);
	if (n == 1)
		return *first;
	return find_run(b, n, *first);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_find);

/*
 * Return 1 + the number of the last bit below @i that differs from those of
 * @flip, which is 0 or ~0; 0 if there is none.
 */
static unsigned int prev_bit(const struct gomem_pallocbits *b, unsigned int i,
			     u64 flip)
{
	u64 x;

	for (; i; i = round_down(i - 1, 64)) {
		/* Shift the word so that page i - 1 becomes bit 63. */
		x = (b->word[(i - 1) / 64] ^ flip) << (-i % 64);
		if (x)
			return i - (64 - fls64(x));
	}
	return 0;
}

/*
 * Return the first page of the free run that ends right before page @i; @i if
 * page @i - 1 is in use, or @i is 0.
 */
static unsigned int run_begin(const struct gomem_pallocbits *b, unsigned int i)
{
	return prev_bit(b, i, 0);
}

/**
 * gomem_pallocbits_find_last() - find the last run of free pages
 * @b: bits of the chunk
 * @n: pages in the run, 1 to 512
 * @end: search below this page, 1 to 512. Pages from @end on count as in use
 * @len: set to how many pages of the run that is returned lie below @end; 0 if
 *	there is no such run
 *
 * The time grows with the number of free runs above the one that is returned.
 *
 * Return: the first page of the highest free run that has @n pages or more
 * below @end; 512 if there is none.
 */
unsigned int gomem_pallocbits_find_last(const struct gomem_pallocbits *b,
					unsigned int n, unsigned int end,
					unsigned int *len)
{
	unsigned int start;

	for (; (end = prev_bit(b, end, ~0ULL)) > 0; end = start) {
		start = run_begin(b, end);
		*len = end - start;
		if (*len >= n)
			return start;
	}
	*len = 0;
	return GOMEM_CHUNK_PAGES;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_find_last);

/* Entry i has the bits at multiples of 2^i. */
static const u64 multiples[] = {
	0xffffffffffffffffULL, 0x5555555555555555ULL, 0x1111111111111111ULL,
	0x0101010101010101ULL, 0x0001000100010001ULL, 0x0000000100000001ULL,
	0x0000000000000001ULL,
};

/* Do what gomem_pallocbits_find_aligned() does, for @n > 64. */
static unsigned int find_words(const struct gomem_pallocbits *b,
			       unsigned int n)
{
	unsigned int i;

	for (i = 0; i < GOMEM_CHUNK_PAGES; i += n) {
		if (gomem_pallocbits_all_clear(b, i, n))
			return i;
	}
	return GOMEM_CHUNK_PAGES;
}

/**
 * gomem_pallocbits_find_aligned() - find a naturally aligned run
 * @b: bits of the chunk
 * @n: pages in the run, a power of two, 1 to 512
 *
 * Return: the lowest multiple of @n at which @n free pages start, 512 if there
 * is none.
 */
unsigned int gomem_pallocbits_find_aligned(const struct gomem_pallocbits *b,
					   unsigned int n)
{
	unsigned int w;
	u64 c;

	if (n > 64)
		return find_words(b, n);
	for (w = 0; w < GOMEM_CHUNK_WORDS; w++) {
		c = runs64(~b->word[w], n) & multiples[ilog2(n)];
		if (c)
			return 64 * w + __ffs64(c);
	}
	return GOMEM_CHUNK_PAGES;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_find_aligned);

/**
 * gomem_pallocbits_find_broken() - find a run in a word that is partly used
 * @b: bits of the chunk
 * @n: pages in the run, 1 to 63
 * @aligned: the run has to start at a multiple of @n, a power of two
 *
 * Context: any; the caller keeps the bits from changing.
 * Return: where the lowest run of @n free pages starts that lies in one word
 * with a used page; 512 if there is none.
 */
unsigned int gomem_pallocbits_find_broken(const struct gomem_pallocbits *b,
					  unsigned int n, bool aligned)
{
	u64 c, mask = aligned ? multiples[ilog2(n)] : ~0ULL;
	unsigned int w;

	for (w = 0; w < GOMEM_CHUNK_WORDS; w++) {
		if (!b->word[w])
			continue;
		c = runs64(~b->word[w], n) & mask;
		if (c)
			return 64 * w + __ffs64(c);
	}
	return GOMEM_CHUNK_PAGES;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_find_broken);

/*
 * Return the length of the longest free run, which is known to be at most
 * @bound. @max is the length of the longest run that touches the border of a
 * word. Only runs inside a word are left to examine. They have at most 62
 * pages, so @max rises at most 62 times over all words.
 */
static unsigned int longest_inside(const struct gomem_pallocbits *b,
				   unsigned int max, unsigned int bound)
{
	unsigned int w;
	u64 c;

	bound = min(bound, 62U);
	for (w = 0; w < GOMEM_CHUNK_WORDS && max < bound; w++) {
		for (c = runs64(~b->word[w], max + 1); c; c &= c >> 1)
			max++;
	}
	return max;
}

/* Return the length of the longest free run, known to be at most @bound. */
static unsigned int longest(const struct gomem_pallocbits *b,
			    unsigned int bound)
{
	unsigned int w, run = 0, max = 0;

	/* First examine the runs that touch or cross the border of a word. */
	for (w = 0; w < GOMEM_CHUNK_WORDS && max < bound; w++) {
		u64 used = b->word[w];

		if (!used) {
			run += 64;
			continue;
		}
		max = max_t(unsigned int, max, run + __ffs64(used));
		run = 64 - fls64(used);
	}
	return longest_inside(b, max(max, run), bound);
}

/* Make the summary of a chunk whose longest free run is @max. */
static gomem_pallocsum_t pack_ends(const struct gomem_pallocbits *b,
				   unsigned int max)
{
	return gomem_pallocsum_pack(gomem_pallocbits_next_used(b, 0), max,
				    GOMEM_CHUNK_PAGES -
				    run_begin(b, GOMEM_CHUNK_PAGES));
}

/**
 * gomem_pallocbits_summarize() - compute the summary of a chunk
 * @b: bits of the chunk
 *
 * Return: the summary.
 */
gomem_pallocsum_t gomem_pallocbits_summarize(const struct gomem_pallocbits *b)
{
	return pack_ends(b, longest(b, GOMEM_CHUNK_PAGES));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_summarize);

/**
 * gomem_pallocbits_alloc() - mark free pages as in use, update the summary
 * @b: bits of the chunk
 * @i: first page
 * @n: number of pages, all free
 * @sum: the chunk's summary before the call
 *
 * Examines the run that the pages are part of. It examines the other runs only
 * if that run was the longest, and both pieces that remain of it may be shorter
 * than another run.
 *
 * Return: the chunk's summary after the call.
 */
gomem_pallocsum_t gomem_pallocbits_alloc(struct gomem_pallocbits *b,
					 unsigned int i, unsigned int n,
					 gomem_pallocsum_t sum)
{
	const unsigned int all = GOMEM_CHUNK_PAGES;
	unsigned int start = __gomem_pallocsum_field(sum, 0);
	unsigned int max = __gomem_pallocsum_field(sum, 1);
	unsigned int end = __gomem_pallocsum_field(sum, 2);
	unsigned int lo = i < start ? 0 : run_begin(b, i);
	unsigned int hi = i < all - end ?
			  gomem_pallocbits_next_used(b, i + n) : all;
	unsigned int left = max(i - lo, hi - i - n);

	gomem_pallocbits_set_range(b, i, n);
	/*
	 * If this run was the longest one, the other runs of the chunk have at
	 * most all - max pages together. If one of the two pieces that remain
	 * of this run has that many pages, no other run is longer.
	 */
	if (hi - lo == max)
		max = left >= all - max ? left : longest(b, max);
	return gomem_pallocsum_pack(lo ? start : i, max,
				    hi < all ? end : all - i - n);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_alloc);

/**
 * gomem_pallocbits_free() - mark pages in use as free, update the summary
 * @b: bits of the chunk
 * @i: first page
 * @n: number of pages, none of them free
 * @sum: the chunk's summary before the call
 *
 * Examines only the run that the pages become part of: no other run changes.
 *
 * Return: the chunk's summary after the call.
 */
gomem_pallocsum_t gomem_pallocbits_free(struct gomem_pallocbits *b,
					unsigned int i, unsigned int n,
					gomem_pallocsum_t sum)
{
	const unsigned int all = GOMEM_CHUNK_PAGES;
	unsigned int start = __gomem_pallocsum_field(sum, 0);
	unsigned int max = __gomem_pallocsum_field(sum, 1);
	unsigned int end = __gomem_pallocsum_field(sum, 2);
	unsigned int lo = i == start ? 0 : run_begin(b, i);
	unsigned int hi = i + n == all - end ?
			  all : gomem_pallocbits_next_used(b, i + n);

	gomem_pallocbits_clear_range(b, i, n);
	return gomem_pallocsum_pack(lo ? start : hi, max(max, hi - lo),
				    hi < all ? end : all - lo);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_free);

/**
 * gomem_pallocbits_alloc_mask() - mark free pages of one word as in use
 * @b: bits of the chunk
 * @w: number of the word
 * @mask: the pages to mark, all free, at least one
 * @sum: the chunk's summary before the call
 *
 * Return: the chunk's summary after the call.
 */
gomem_pallocsum_t gomem_pallocbits_alloc_mask(struct gomem_pallocbits *b,
					      unsigned int w, u64 mask,
					      gomem_pallocsum_t sum)
{
	b->word[w] |= mask;
	return pack_ends(b, longest(b, __gomem_pallocsum_field(sum, 1)));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_alloc_mask);

/*
 * Return the length of the longest free run that has a page in word @w or
 * borders on the word.
 */
static unsigned int longest_at(const struct gomem_pallocbits *b,
			       unsigned int w)
{
	unsigned int lo = run_begin(b, 64 * w);
	unsigned int hi = gomem_pallocbits_next_used(b, 64 * (w + 1));
	u64 used = b->word[w];
	unsigned int max;
	u64 c;

	if (!used)
		return hi - lo;
	max = max_t(unsigned int, 64 * w + __ffs64(used) - lo,
		    hi - (64 * w + fls64(used)));
	for (c = runs64(~used, max + 1); c; c &= c >> 1)
		max++;
	return max;
}

/**
 * gomem_pallocbits_free_mask() - mark pages of one word as free
 * @b: bits of the chunk
 * @w: number of the word
 * @mask: the pages to mark, none of them free, at least one
 * @sum: the chunk's summary before the call
 *
 * Return: the chunk's summary after the call.
 */
gomem_pallocsum_t gomem_pallocbits_free_mask(struct gomem_pallocbits *b,
					     unsigned int w, u64 mask,
					     gomem_pallocsum_t sum)
{
	unsigned int max = __gomem_pallocsum_field(sum, 1);

	b->word[w] &= ~mask;
	return pack_ends(b, max(max, longest_at(b, w)));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_free_mask);

/*
 * Return the length of the free run at the start of eight neighbouring ranges,
 * whose summaries are @child. The run may cover several of these ranges, which
 * have @full pages each.
 */
static unsigned int merged_start(const gomem_pallocsum_t *child,
				 unsigned int full)
{
	unsigned int i, start = 0;

	for (i = 0; i < GOMEM_PALLOCSUM_RADIX && start == i * full; i++)
		start += __gomem_pallocsum_field(child[i], 0);
	return start;
}

/**
 * gomem_pallocsum_merge() - compute the summary of eight neighbouring ranges
 * @child: the summaries of the ranges, which are called children, in order of
 *	address
 * @shift: each child covers 2^@shift pages, @shift less than 21
 * @reach: set to one byte per child, the first child in the lowest byte, for
 *	gomem_pallocreach_find(). The byte is gomem_pallocreach_code() of the
 *	length of the longest free run that is inside the child, or ends in it
 *	and starts in an earlier child
 *
 * Return: the summary of all 2^(@shift + 3) pages.
 */
gomem_pallocsum_t gomem_pallocsum_merge(const gomem_pallocsum_t *child,
					unsigned int shift, u64 *reach)
{
	const unsigned int full = 1U << shift;
	unsigned int i, len, end, max = 0, run = 0;
	u64 codes = 0;

	BUILD_BUG_ON(GOMEM_PALLOCSUM_RADIX * sizeof(*child) != 64);
	BUILD_BUG_ON(sizeof(*reach) != GOMEM_PALLOCSUM_RADIX);

	/* "run" counts the free pages right before the start of child i. */
	for (i = 0; i < GOMEM_PALLOCSUM_RADIX; i++) {
		codes >>= 8;
		if (child[i] == GOMEM_PALLOCSUM_NONE) {
			run = 0;
			continue;
		}
		end = __gomem_pallocsum_field(child[i], 2);
		len = max(run + __gomem_pallocsum_field(child[i], 0),
			  __gomem_pallocsum_field(child[i], 1));
		run = end == full ? len : end;
		max = max(max, len);
		codes |= (u64)gomem_pallocreach_code(len) << 56;
	}
	*reach = codes;
	return gomem_pallocsum_pack(merged_start(child, full), max, run);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocsum_merge);
