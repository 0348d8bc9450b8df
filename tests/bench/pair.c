// SPDX-License-Identifier: GPL-2.0
/*
 * pair.c - repeatedly allocate and free one object.
 *
 *	pair		the CPU's slot serves each call, with no further step
 *	const_pair	like pair, with a size known at compile time
 *	zalloc		like pair, with cleared objects
 */
#include "ways.h"

static __always_inline void pair(unsigned int n, void *(*get)(gfp_t gfp),
				 void (*put)(void *p), gfp_t gfp)
{
	while (n--)
		put(bench_use(get(gfp)));
}

static void none_pair(unsigned int n)
{
	pair(n, none_get, none_put, GFP_KERNEL);
}

static void gomem_pair(unsigned int n)
{
	pair(n, gomem_get, gomem_put, GFP_KERNEL);
}

static void kmalloc_pair(unsigned int n)
{
	pair(n, kmalloc_get, kmalloc_put, GFP_KERNEL);
}

static void cache_pair(unsigned int n)
{
	pair(n, cache_get, cache_put, GFP_KERNEL);
}

static void gomem_zpair(unsigned int n)
{
	pair(n, gomem_get, gomem_put, GFP_KERNEL | __GFP_ZERO);
}

static void kmalloc_zpair(unsigned int n)
{
	pair(n, kmalloc_get, kmalloc_put, GFP_KERNEL | __GFP_ZERO);
}

static void cache_zpair(unsigned int n)
{
	pair(n, cache_get, cache_put, GFP_KERNEL | __GFP_ZERO);
}

/* Inlined, so that @size is a constant for the allocator. */
static __always_inline void gomem_const_size(unsigned int n, const size_t size)
{
	while (n--)
		gomem_free(bench_use(gomem_alloc(size, GFP_KERNEL)));
}

static __always_inline void kmalloc_const_size(unsigned int n,
					       const size_t size)
{
	while (n--)
		kfree(bench_use(kmalloc(size, GFP_KERNEL)));
}

static __always_inline void
const_pair(unsigned int n, void (*pairs)(unsigned int n, const size_t size))
{
	switch (bench_size) {
	case 16:
		return pairs(n, 16);
	case 64:
		return pairs(n, 64);
	case 100:
		return pairs(n, 100);
	case 256:
		return pairs(n, 256);
	case 1024:
		return pairs(n, 1024);
	case 4096:
		return pairs(n, 4096);
	case 8192:
		return pairs(n, 8192);
	default:
		bench_failed = true;
	}
}

static void gomem_const(unsigned int n)
{
	const_pair(n, gomem_const_size);
}

static void kmalloc_const(unsigned int n)
{
	const_pair(n, kmalloc_const_size);
}

static void none_const(unsigned int n)
{
	while (n--)
		bench_use((void *)1UL);
}

static const struct bench_way pair_ways[] = {
	{ "none", none_pair },
	{ "gomem", gomem_pair },
	{ "kmalloc", kmalloc_pair },
	{ "kmem_cache", cache_pair },
	{ },
};

static const struct bench_way const_ways[] = {
	{ "none", none_const },
	{ "gomem", gomem_const },
	{ "kmalloc", kmalloc_const },
	{ },
};

static const struct bench_way zalloc_ways[] = {
	{ "none", none_pair },
	{ "gomem", gomem_zpair },
	{ "kmalloc", kmalloc_zpair },
	{ "kmem_cache", cache_zpair },
	{ },
};

const struct bench bench_pair[] = {
	{ .name = "pair", .ways = pair_ways, .ops = 2000 },
	{ .name = "const_pair", .ways = const_ways, .ops = 2000 },
	{ .name = "zalloc", .ways = zalloc_ways, .ops = 2000 },
	{ },
};
