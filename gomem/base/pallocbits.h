/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pallocbits.h - search and change the 512 page bits of one chunk, and compute
 * the summary that stands for the chunk in the heap's tree of summaries
 * (heap/pagealloc.h).
 *
 * A clear bit is a free page; a set bit is a page that no search may return.
 * Nothing here knows about locks, addresses or heaps.
 *
 * Bit ranges are [i, i + n) with 1 <= n and i + n <= 512. Searches that find
 * nothing return 512, like find_first_bit().
 */
#ifndef GOMEM_PALLOCBITS_H
#define GOMEM_PALLOCBITS_H

#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/types.h>

#include "base/limits.h"

/* 512 bits: bit i % 64 of word i / 64 is page i of the chunk. */
struct gomem_pallocbits {
	u64 word[GOMEM_CHUNK_WORDS];
};

/* Eight summaries are merged into one: they fill one cache line. */
#define GOMEM_PALLOCSUM_RADIX_SHIFT	3
#define GOMEM_PALLOCSUM_RADIX		BIT(GOMEM_PALLOCSUM_RADIX_SHIFT)

/*
 * A summary covers at most 2^21 pages. Each of its three fields has 21 bits, so
 * a field holds at most 2^21 - 1: bit 63 says that all 2^21 pages are free.
 */
#define GOMEM_PALLOCSUM_BITS		21
#define GOMEM_PALLOCSUM_MAX		BIT(GOMEM_PALLOCSUM_BITS)

/**
 * typedef gomem_pallocsum_t - summary of the free runs of a range of pages
 *
 * A word with the lengths in pages of three free runs of the range:
 *
 *	bits  0-20	start: the run that begins at the first page
 *	bits 21-41	max: the longest run anywhere in the range
 *	bits 42-62	end: the run that ends at the last page
 *	bit  63		all three are 2^21, which 21 bits cannot hold
 *
 * The summaries of a heap form a tree (heap/pagealloc.h). A leaf is the summary
 * of one chunk. On each higher level, one summary covers eight of the level
 * below, and only those of the root level cover 2^21 pages. If all these pages
 * are free, all three lengths are 2^21. The summary of a range without a free
 * page is 0. The type is __bitwise, so that sparse catches a summary that is
 * used as a number.
 */
typedef u64 __bitwise gomem_pallocsum_t;

#define GOMEM_PALLOCSUM_NONE	((__force gomem_pallocsum_t)0ULL)
#define GOMEM_PALLOCSUM_ALL	((__force gomem_pallocsum_t)BIT_ULL(63))

/**
 * gomem_pallocsum_pack() - make a summary from its three lengths
 * @start: free pages at the start
 * @max: longest free run, at least @start and @end, at most 2^21
 * @end: free pages at the end
 *
 * Return: the packed summary.
 */
static inline gomem_pallocsum_t
gomem_pallocsum_pack(unsigned int start, unsigned int max, unsigned int end)
{
	if (max == GOMEM_PALLOCSUM_MAX)
		return GOMEM_PALLOCSUM_ALL;
	return (__force gomem_pallocsum_t)
		(start | (u64)max << GOMEM_PALLOCSUM_BITS |
		 (u64)end << (2 * GOMEM_PALLOCSUM_BITS));
}

/*
 * Return field @nr of a summary other than GOMEM_PALLOCSUM_ALL: bit 63, above
 * field 2, has to be clear. Callers need not check summaries below the root
 * level of the tree, which are never GOMEM_PALLOCSUM_ALL.
 */
static inline unsigned int
__gomem_pallocsum_field(gomem_pallocsum_t sum, unsigned int nr)
{
	u64 field = (__force u64)sum >> (nr * GOMEM_PALLOCSUM_BITS);

	return nr < 2 ? field & (GOMEM_PALLOCSUM_MAX - 1) : field;
}

/**
 * gomem_pallocsum_start() - return how many free pages a range begins with
 * @sum: summary of the range
 *
 * Return: 0 to 2^21.
 */
static inline unsigned int gomem_pallocsum_start(gomem_pallocsum_t sum)
{
	return sum == GOMEM_PALLOCSUM_ALL ? GOMEM_PALLOCSUM_MAX :
		__gomem_pallocsum_field(sum, 0);
}

/**
 * gomem_pallocsum_max() - return the length of the longest free run of a range
 * @sum: summary of the range
 *
 * Return: the number of pages, 0 to 2^21.
 */
static inline unsigned int gomem_pallocsum_max(gomem_pallocsum_t sum)
{
	return sum == GOMEM_PALLOCSUM_ALL ? GOMEM_PALLOCSUM_MAX :
		__gomem_pallocsum_field(sum, 1);
}

/**
 * gomem_pallocsum_end() - return how many free pages a range ends with
 * @sum: summary of the range
 *
 * Return: 0 to 2^21.
 */
static inline unsigned int gomem_pallocsum_end(gomem_pallocsum_t sum)
{
	return sum == GOMEM_PALLOCSUM_ALL ? GOMEM_PALLOCSUM_MAX :
		__gomem_pallocsum_field(sum, 2);
}

/*
 * gomem_pallocreach_code() encodes the length of a run in a byte. Each length
 * below GOMEM_PALLOCREACH_EXACT has a code of its own; greater lengths share
 * codes.
 */
#define GOMEM_PALLOCREACH_EXACT	128

/**
 * gomem_pallocreach_code() - encode the length of a run in a byte
 * @len: pages, up to 2^21
 *
 * A length below 128 is its own code. The code of a longer run is made from the
 * highest set bit of the length and the three bits below that bit. So there are
 * eight codes from each power of two to the next.
 *
 * Return: 0 to 240; a longer run never has a lower code.
 */
static inline unsigned int gomem_pallocreach_code(unsigned int len)
{
	unsigned int shift;

	if (len < GOMEM_PALLOCREACH_EXACT)
		return len;
	shift = __fls(len) - 3;
	return 88 + 8 * shift + (len >> shift);
}

/**
 * gomem_pallocreach_find() - find which of eight children a run may end in
 * @reach: one byte for each of eight neighbouring ranges, the children, as set
 *	by gomem_pallocsum_merge(): the code of the length of the longest run
 *	that ends in the child; see gomem_pallocreach_code()
 * @len: pages in the run, 1 to 2^21
 *
 * Compares all eight codes with the code of @len at once, as one number.
 *
 * Return: a mask. The top bit of byte i is set if the code of child i is at
 * least that of @len. Then a run of @len may end in child i; it may start in an
 * earlier child. No other bit is set. If @len is below GOMEM_PALLOCREACH_EXACT,
 * the lowest run of @len ends in the first such child. A longer @len shares its
 * code with other lengths: the runs in the first such child may all be shorter
 * than @len, so the lowest run may end in a later such child.
 */
static inline u64 gomem_pallocreach_find(u64 reach, unsigned int len)
{
	const u64 ones = 0x0101010101010101ULL, top = 0x80 * ones;
	const unsigned int code = gomem_pallocreach_code(len);
	/*
	 * Compare the lower seven bits of each byte. The top bits are set in
	 * the minuend, so that no byte borrows from the next.
	 */
	const u64 ge = (reach | top) - (code & 0x7f) * ones;

	return (code < 0x80 ? reach | ge : reach & ge) & top;
}

gomem_pallocsum_t gomem_pallocsum_merge(const gomem_pallocsum_t *child,
					unsigned int shift, u64 *reach);

void gomem_pallocbits_set_range(struct gomem_pallocbits *b,
				unsigned int i, unsigned int n);
void gomem_pallocbits_clear_range(struct gomem_pallocbits *b,
				  unsigned int i, unsigned int n);
bool gomem_pallocbits_all_set(const struct gomem_pallocbits *b,
			      unsigned int i, unsigned int n);
bool gomem_pallocbits_all_clear(const struct gomem_pallocbits *b,
				unsigned int i, unsigned int n);
unsigned int gomem_pallocbits_count(const struct gomem_pallocbits *b,
				    unsigned int i, unsigned int n);

gomem_pallocsum_t gomem_pallocbits_alloc(struct gomem_pallocbits *b,
					 unsigned int i, unsigned int n,
					 gomem_pallocsum_t sum);
gomem_pallocsum_t gomem_pallocbits_free(struct gomem_pallocbits *b,
					unsigned int i, unsigned int n,
					gomem_pallocsum_t sum);

unsigned int gomem_pallocbits_next_free(const struct gomem_pallocbits *b,
					unsigned int i);
unsigned int gomem_pallocbits_next_used(const struct gomem_pallocbits *b,
					unsigned int i);
gomem_pallocsum_t gomem_pallocbits_alloc_mask(struct gomem_pallocbits *b,
					      unsigned int w, u64 mask,
					      gomem_pallocsum_t sum);
gomem_pallocsum_t gomem_pallocbits_free_mask(struct gomem_pallocbits *b,
					     unsigned int w, u64 mask,
					     gomem_pallocsum_t sum);

unsigned int gomem_pallocbits_find(const struct gomem_pallocbits *b,
				   unsigned int n, unsigned int from,
				   unsigned int *first);
unsigned int gomem_pallocbits_find_last(const struct gomem_pallocbits *b,
					unsigned int n, unsigned int end,
					unsigned int *len);
unsigned int gomem_pallocbits_find_aligned(const struct gomem_pallocbits *b,
					   unsigned int n);

unsigned int gomem_pallocbits_find_broken(const struct gomem_pallocbits *b,
					  unsigned int n, bool aligned);
gomem_pallocsum_t
gomem_pallocbits_summarize(const struct gomem_pallocbits *b);

#endif /* GOMEM_PALLOCBITS_H */
