/* SPDX-License-Identifier: GPL-2.0 */
/*
 * size_mix.h - sizes as those of a busy kernel, roughly, and of two kinds that are simply
 * random.
 *
 * Of the first a size class twice as large is about as often asked for up to 256 bytes,
 * and about half as often from there. Of 100 000 objects 94 000 have at most 1 KiB, 99 900 at most
 * 32 KiB, and the largest has 1 MiB; they have 545 bytes on average. A fifth of the bytes
 * is in objects over 32 KiB.
 */
#ifndef GOMEM_SIZE_MIX_H
#define GOMEM_SIZE_MIX_H

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/sizes.h>
#include <linux/types.h>

/* splitmix64: neighbouring numbers give unrelated ones. */
static inline u64 size_mix_hash(u64 x)
{
	x *= 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* The size of the @i-th object; the same for the same seed. */
static inline size_t size_mix(u64 seed, unsigned long i)
{
	/* Of 100 000 objects, how many have over 16 << k bytes and at most twice that. */
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
 * As many between 16 and 32 bytes as between 64 and 128 KiB, and so on: three quarters of
 * the bytes are in objects over 32 KiB.
 */
static inline size_t size_log(u64 seed, unsigned long i)
{
	u64 h = size_mix_hash(size_mix_hash(seed) + i);
	size_t half = 16UL << (((h & U32_MAX) * 13) >> 32);

	return half + 1 + (((h >> 32) * half) >> 32);
}

/* Each size from 16 bytes to 64 KiB is as likely as any other. */
static inline size_t size_uniform(u64 seed, unsigned long i)
{
	u64 h = size_mix_hash(size_mix_hash(seed) + i);

	return 16 + (((h & U32_MAX) * (SZ_64K - 15)) >> 32);
}

#endif /* GOMEM_SIZE_MIX_H */
