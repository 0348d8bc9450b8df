/* SPDX-License-Identifier: GPL-2.0 */
/*
 * random.h - random numbers of a test case. The seed in the log reproduces
 * them.
 */
#ifndef GOMEM_TEST_RANDOM_H
#define GOMEM_TEST_RANDOM_H

#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/prandom.h>
#include <linux/types.h>

/* Return a number below @limit. */
static inline u32 below(struct rnd_state *rnd, u32 limit)
{
	return prandom_u32_state(rnd) % limit;
}

/* Return 64 random bits. */
static inline u64 random_u64(struct rnd_state *rnd)
{
	return (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);
}

/*
 * Return a size below 2^(@max_bits + 1). Each power of two up to 2^@max_bits is
 * equally likely as its highest bit.
 */
static inline size_t random_size(struct rnd_state *rnd, unsigned int max_bits)
{
	u32 magnitude = BIT(below(rnd, max_bits + 1));

	return magnitude + below(rnd, magnitude);
}

/* Put pointers in a random order. */
static inline void shuffle(struct rnd_state *rnd, void **objs, unsigned int n)
{
	unsigned int k;

	for (; n > 1; n--) {
		k = below(rnd, n);
		swap(objs[n - 1], objs[k]);
	}
}

#endif /* GOMEM_TEST_RANDOM_H */
