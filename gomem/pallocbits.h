/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pallocbits.h - bit math on the 512 page bits of one chunk, and the packed
 * summary that stands for such bits in a tree.
 *
 * A set bit is a page that no search may return, a clear bit is a free page.
 * Nothing here knows about locks, addresses or heaps.
 *
 * Bit ranges are [i, i + n) with 1 <= n and i + n <= 512. Searches answer 512
 * for "none", like find_first_bit() does.
 */
#ifndef GOMEM_PALLOCBITS_H
#define GOMEM_PALLOCBITS_H

#include <linux/bits.h>
#include <linux/types.h>

#include "chunk.h"

/* Summaries are merged by eight: the eight children fill one cache line. */
#define GOMEM_PALLOCSUM_RADIX_SHIFT	3
#define GOMEM_PALLOCSUM_RADIX		BIT(GOMEM_PALLOCSUM_RADIX_SHIFT)

/* A summary field has 21 bits, and 2^21 pages are the most it may cover. */
#define GOMEM_PALLOCSUM_BITS		21
#define GOMEM_PALLOCSUM_MAX		BIT(GOMEM_PALLOCSUM_BITS)

/**
 * typedef gomem_pallocsum_t - the free runs of a range of pages, in one word
 *
 * Three lengths in pages: *start*, the free run that begins with the first
 * page of the range; *max*, the longest free run anywhere in it; *end*, the
 * free run that ends with the last page.
 *
 *	bits  0-20	start
 *	bits 21-41	max
 *	bits 42-62	end
 *	bit  63		all three are 2^21, which 21 bits cannot hold
 *
 * The three can only be 2^21 together: that is the whole range of a root
 * entry. Zero is a range without a free page. The type is __bitwise so that
 * sparse catches a summary that is used as a number.
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
 * Field @nr of a summary that is not GOMEM_PALLOCSUM_ALL, for loops that have
 * dealt with that one: a summary of less than a root entry never is.
 */
static inline unsigned int
__gomem_pallocsum_field(gomem_pallocsum_t sum, unsigned int nr)
{
	return ((__force u64)sum >> (nr * GOMEM_PALLOCSUM_BITS)) &
	       (GOMEM_PALLOCSUM_MAX - 1);
}

/**
 * gomem_pallocsum_start() - free pages at the start of the range
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
 * gomem_pallocsum_max() - longest free run in the range
 * @sum: summary of the range
 *
 * Return: 0 to 2^21.
 */
static inline unsigned int gomem_pallocsum_max(gomem_pallocsum_t sum)
{
	return sum == GOMEM_PALLOCSUM_ALL ? GOMEM_PALLOCSUM_MAX :
		__gomem_pallocsum_field(sum, 1);
}

/**
 * gomem_pallocsum_end() - free pages at the end of the range
 * @sum: summary of the range
 *
 * Return: 0 to 2^21.
 */
static inline unsigned int gomem_pallocsum_end(gomem_pallocsum_t sum)
{
	return sum == GOMEM_PALLOCSUM_ALL ? GOMEM_PALLOCSUM_MAX :
		__gomem_pallocsum_field(sum, 2);
}

gomem_pallocsum_t gomem_pallocsum_merge(const gomem_pallocsum_t *child,
					unsigned int shift);

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
unsigned int gomem_pallocbits_find(const struct gomem_pallocbits *b,
				   unsigned int n, unsigned int from,
				   unsigned int *first);
unsigned int gomem_pallocbits_find_aligned(const struct gomem_pallocbits *b,
					   unsigned int n);

gomem_pallocsum_t
gomem_pallocbits_summarize(const struct gomem_pallocbits *b);

#endif /* GOMEM_PALLOCBITS_H */
