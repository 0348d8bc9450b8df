/* SPDX-License-Identifier: GPL-2.0 */
/*
 * size_mix.h - object sizes in three random distributions: size_mix(), which
 * resembles a busy kernel, size_log() and size_uniform().
 *
 * size_mix(): the ranges of 17 to 32, 33 to 64, 65 to 128 and 129 to 256 bytes
 * are about equally frequent. Further ranges, each of twice the size, become
 * rarer, on average by half each. Of 100 000 objects, 94 000 have at most 1 KiB
 * and 99 900 at most 32 KiB. The largest have 1 MiB; the average is 545 bytes.
 * Objects of more than 32 KiB hold a quarter of the bytes.
 */
#ifndef GOMEM_SIZE_MIX_H
#define GOMEM_SIZE_MIX_H

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/sizes.h>
#include <linux/types.h>

/* splitmix64: consecutive inputs give unrelated outputs. */
static inline u64 size_mix_hash(u64 x)
{
	x *= 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* Return the size of the @i-th object. It depends on @seed and @i only. */
static inline size_t size_mix(u64 seed, unsigned long i)
{
	/*
	 * weights[k]: how many of 100 000 objects have more than 16 << k bytes,
	 * and at most 32 << k
	 */
	static const unsigned int weights[] = {
		15000, 20000, 20000, 17000, 13000, 9000,	/* to 1 KiB */
		3000, 1700, 700, 350, 150,			/* to 32 KiB */
		40, 30, 20, 7, 3,				/* to 1 MiB */
	};
	u64 h = size_mix_hash(size_mix_hash(seed) + i);
	u32 r = ((h & U32_MAX) * 100000) >> 32;
	size_t half = 16;
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(weights) - 1 && r >= weights[k]; k++) {
		r -= weights[k];
		half <<= 1;
	}
	return half + 1 + (((h >> 32) * half) >> 32);
}

/*
 * Return a size in log-uniform distribution: sizes from 16 to 32 bytes are as
 * likely as sizes from 64 to 128 KiB. Objects over 32 KiB hold three quarters
 * of the bytes.
 */
static inline size_t size_log(u64 seed, unsigned long i)
{
	u64 h = size_mix_hash(size_mix_hash(seed) + i);
	size_t half = 16UL << (((h & U32_MAX) * 13) >> 32);

	return half + 1 + (((h >> 32) * half) >> 32);
}

/* Return a size from 16 bytes to 64 KiB; all are equally likely. */
static inline size_t size_uniform(u64 seed, unsigned long i)
{
	u64 h = size_mix_hash(size_mix_hash(seed) + i);

	return 16 + (((h & U32_MAX) * (SZ_64K - 15)) >> 32);
}

#endif /* GOMEM_SIZE_MIX_H */
