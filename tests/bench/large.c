// SPDX-License-Identifier: GPL-2.0
/*
 * large.c - allocate and free one object that is larger than any size class.
 *
 * The kernel's allocators take such objects from the buddy allocator.
 */
#include <linux/gfp.h>

#include "ways.h"

static __always_inline void *exact_get(gfp_t gfp)
{
	return alloc_pages_exact(READ_ONCE(bench_size), gfp);
}

static __always_inline void exact_put(void *p)
{
	free_pages_exact(p, READ_ONCE(bench_size));
}

static __always_inline void large(unsigned int n, void *(*get)(gfp_t gfp),
				  void (*put)(void *p))
{
	while (n--)
		put(bench_use(get(GFP_KERNEL)));
}

static void none_large(unsigned int n)
{
	large(n, none_get, none_put);
}

static void gomem_large(unsigned int n)
{
	large(n, gomem_get, gomem_put);
}

static void kmalloc_large_(unsigned int n)
{
	large(n, kmalloc_get, kmalloc_put);
}

static void exact_large(unsigned int n)
{
	large(n, exact_get, exact_put);
}

static const struct bench_way ways[] = {
	{ "none", none_large },
	{ "gomem", gomem_large },
	{ "kmalloc", kmalloc_large_ },
	{ "alloc_pages_exact", exact_large },
	{ },
};

const struct bench bench_large[] = {
	{ .name = "large", .ways = ways, .ops = 500 },
	{ },
};
