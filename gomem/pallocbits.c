// SPDX-License-Identifier: GPL-2.0
/*
 * pallocbits.c - bit math on the 512 page bits of one chunk.
 *
 * The one idea: a word of free bits ANDed with itself shifted right keeps
 * exactly the bits where a longer run starts, and shifts can double. Searching
 * for a run and measuring the longest one are both made of that.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/log2.h>
#include <linux/minmax.h>

#include "pallocbits.h"

/* The words that [i, i + n) touches are i / 64 to this one. */
static unsigned int last_word(unsigned int i, unsigned int n)
{
	return (i + n - 1) / 64;
}

/* The part of [i, i + n) that lies in word w, which it must touch. */
static u64 word_mask(unsigned int w, unsigned int i, unsigned int n)
{
	unsigned int lo = 64 * w, hi = lo + 64;
	u64 mask = ~0ULL;

	if (i > lo)
		mask <<= i - lo;
	if (i + n < hi)
		mask &= ~0ULL >> (hi - i - n);
	return mask;
}

/*
 * Keep the bits of @c at which a run of @n set bits starts; runs do not leave
 * the word. After each turn a bit stands for a run of @have.
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
	unsigned int w;

	for (w = i / 64; w <= last_word(i, n); w++)
		b->word[w] |= word_mask(w, i, n);
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
	unsigned int w;

	for (w = i / 64; w <= last_word(i, n); w++)
		b->word[w] &= ~word_mask(w, i, n);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_clear_range);

/**
 * gomem_pallocbits_all_set() - is every page of a range in use?
 * @b: bits of the chunk
 * @i: first page
 * @n: number of pages
 *
 * Return: true if no page of the range is free.
 */
bool gomem_pallocbits_all_set(const struct gomem_pallocbits *b,
			      unsigned int i, unsigned int n)
{
	unsigned int w;

	for (w = i / 64; w <= last_word(i, n); w++) {
		if (~b->word[w] & word_mask(w, i, n))
			return false;
	}
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_all_set);

/**
 * gomem_pallocbits_all_clear() - is every page of a range free?
 * @b: bits of the chunk
 * @i: first page
 * @n: number of pages
 *
 * Return: true if no page of the range is in use.
 */
bool gomem_pallocbits_all_clear(const struct gomem_pallocbits *b,
				unsigned int i, unsigned int n)
{
	unsigned int w;

	for (w = i / 64; w <= last_word(i, n); w++) {
		if (b->word[w] & word_mask(w, i, n))
			return false;
	}
	return true;
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
	unsigned int w, count = 0;

	for (w = i / 64; w <= last_word(i, n); w++)
		count += hweight64(b->word[w] & word_mask(w, i, n));
	return count;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_count);

/* First bit at or after @i that differs from those of @flip. */
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
 * Together with gomem_pallocbits_next_free() this iterates runs.
 *
 * Return: the first page in use at or after @i, 512 if there is none.
 */
unsigned int gomem_pallocbits_next_used(const struct gomem_pallocbits *b,
					unsigned int i)
{
	return next_bit(b, i, 0);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_next_used);

/* First run of @n free pages that starts at or after @from. */
static unsigned int find_run(const struct gomem_pallocbits *b, unsigned int n,
			     unsigned int from)
{
	u64 below = ~(~0ULL << (from % 64));
	unsigned int w, lead, run = 0;

	/* @run is the length of the free run that ends where word w starts. */
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
 * @first: set to the first free page at or after @from, 512 if there is none;
 *	a later search need not look below it
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

/* First aligned group of @n / 64 words that is free; 64 < @n. */
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
 * Return: the lowest multiple of @n that @n free pages start at, 512 if there
 * is none.
 */
unsigned int gomem_pallocbits_find_aligned(const struct gomem_pallocbits *b,
					   unsigned int n)
{
	/* Bits at multiples of 1, 2, 4, ... 64. */
	static const u64 multiples[] = {
		0xffffffffffffffffULL, 0x5555555555555555ULL,
		0x1111111111111111ULL, 0x0101010101010101ULL,
		0x0001000100010001ULL, 0x0000000100000001ULL,
		0x0000000000000001ULL,
	};
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

/*
 * Raise @max to the longest free run that lies inside one word. Such a run has
 * used neighbours in its word or has been seen at the word's border, so beyond
 * 62 there is nothing to find; over all words @max rises 62 times at most.
 */
static unsigned int longest_inside(const struct gomem_pallocbits *b,
				   unsigned int max)
{
	unsigned int w;
	u64 c;

	for (w = 0; w < GOMEM_CHUNK_WORDS && max < 62; w++) {
		for (c = runs64(~b->word[w], max + 1); c; c &= c >> 1)
			max++;
	}
	return max;
}

/**
 * gomem_pallocbits_summarize() - compute the summary of a chunk
 * @b: bits of the chunk
 *
 * Return: start, max and end of the free runs.
 */
gomem_pallocsum_t gomem_pallocbits_summarize(const struct gomem_pallocbits *b)
{
	unsigned int start = gomem_pallocbits_next_used(b, 0);
	unsigned int w, run = 0, max = 0;

	if (start == GOMEM_CHUNK_PAGES)
		return gomem_pallocsum_pack(start, start, start);

	/* Runs at and across the borders of words first. */
	for (w = 0; w < GOMEM_CHUNK_WORDS; w++) {
		u64 used = b->word[w];

		if (!used) {
			run += 64;
			continue;
		}
		max = max_t(unsigned int, max, run + __ffs64(used));
		run = 64 - fls64(used);
	}
	max = longest_inside(b, max(max, run));
	return gomem_pallocsum_pack(start, max, run);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_summarize);

/* First page of the free run that ends before page @i, @i if there is none. */
static unsigned int run_begin(const struct gomem_pallocbits *b, unsigned int i)
{
	unsigned int w = i / 64;
	u64 used = b->word[w] & ~(~0ULL << (i % 64));

	while (!used) {
		if (!w)
			return 0;
		used = b->word[--w];
	}
	return 64 * w + fls64(used);
}

/**
 * gomem_pallocbits_alloc() - take free pages and update the summary
 * @b: bits of the chunk
 * @i: first page
 * @n: number of pages, all free
 * @sum: what gomem_pallocbits_summarize() says before
 *
 * Only pages of the longest run make it necessary to look at all the others.
 *
 * Return: what gomem_pallocbits_summarize() says after.
 */
gomem_pallocsum_t gomem_pallocbits_alloc(struct gomem_pallocbits *b,
					 unsigned int i, unsigned int n,
					 gomem_pallocsum_t sum)
{
	unsigned int begin = run_begin(b, i);
	unsigned int end = gomem_pallocbits_next_used(b, i + n);
	unsigned int max = __gomem_pallocsum_field(sum, 1);

	gomem_pallocbits_set_range(b, i, n);
	if (end - begin == max)
		return gomem_pallocbits_summarize(b);
	return gomem_pallocsum_pack(begin ? __gomem_pallocsum_field(sum, 0) : i,
				    max, end < GOMEM_CHUNK_PAGES ?
				    __gomem_pallocsum_field(sum, 2) :
				    GOMEM_CHUNK_PAGES - i - n);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_alloc);

/**
 * gomem_pallocbits_free() - give pages back and update the summary
 * @b: bits of the chunk
 * @i: first page
 * @n: number of pages, none of them free
 * @sum: what gomem_pallocbits_summarize() says before
 *
 * Return: what gomem_pallocbits_summarize() says after.
 */
gomem_pallocsum_t gomem_pallocbits_free(struct gomem_pallocbits *b,
					unsigned int i, unsigned int n,
					gomem_pallocsum_t sum)
{
	unsigned int begin = run_begin(b, i);
	unsigned int end = gomem_pallocbits_next_used(b, i + n);
	unsigned int max = __gomem_pallocsum_field(sum, 1);

	gomem_pallocbits_clear_range(b, i, n);
	return gomem_pallocsum_pack(begin ? __gomem_pallocsum_field(sum, 0) : end,
				    max(max, end - begin),
				    end < GOMEM_CHUNK_PAGES ?
				    __gomem_pallocsum_field(sum, 2) :
				    GOMEM_CHUNK_PAGES - begin);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocbits_free);

/**
 * gomem_pallocsum_merge() - compute the summary of eight neighbours
 * @child: the eight summaries, in order of address
 * @shift: each of them covers 2^@shift pages, @shift less than 21
 *
 * Return: the summary of all 2^(@shift + 3) pages.
 */
gomem_pallocsum_t gomem_pallocsum_merge(const gomem_pallocsum_t *child,
					unsigned int shift)
{
	const unsigned int full = 1U << shift, all = full * GOMEM_PALLOCSUM_RADIX;
	const gomem_pallocsum_t whole = gomem_pallocsum_pack(full, full, full);
	unsigned int i, start = all, max = 0, run = 0;

	BUILD_BUG_ON(GOMEM_PALLOCSUM_RADIX * sizeof(*child) != 64);

	/* @run is the length of the free run that ends where child i starts. */
	for (i = 0; i < GOMEM_PALLOCSUM_RADIX; i++) {
		if (child[i] == whole) {
			run += full;
			continue;
		}
		run += __gomem_pallocsum_field(child[i], 0);
		if (start == all)
			start = run;
		max = max3(max, run, __gomem_pallocsum_field(child[i], 1));
		run = __gomem_pallocsum_field(child[i], 2);
	}
	return gomem_pallocsum_pack(start, max(max, run), run);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_pallocsum_merge);
