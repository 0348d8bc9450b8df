// SPDX-License-Identifier: GPL-2.0
/*
 * realloc.c - grow a buffer from 16 bytes to at most bench_size bytes, by a
 *	quarter each time.
 *
 * The result is the cost of the whole life of one buffer: all resizes with
 * their copies, and the free.
 */
#include "ways.h"

typedef void *(*resize_fn)(const void *p, size_t size, gfp_t gfp);

static __always_inline void grow(unsigned int n, resize_fn resize,
				 void (*put)(void *p))
{
	while (n--) {
		void *p = NULL;
		size_t size;

		for (size = 16; size <= READ_ONCE(bench_size); size += size / 4)
			p = bench_use(resize(p, size, GFP_KERNEL));
		put(p);
	}
}

static __always_inline void *none_resize(const void *p, size_t size, gfp_t gfp)
{
	return (void *)size;
}

static __always_inline void *kmalloc_resize(const void *p, size_t size,
					    gfp_t gfp)
{
	return krealloc(p, size, gfp);
}

static __always_inline void *gomem_resize(const void *p, size_t size, gfp_t gfp)
{
	return gomem_realloc(p, size, gfp);
}

static void none_grow(unsigned int n)
{
	grow(n, none_resize, none_put);
}

static void gomem_grow(unsigned int n)
{
	grow(n, gomem_resize, gomem_put);
}

static void kmalloc_grow(unsigned int n)
{
	grow(n, kmalloc_resize, kmalloc_put);
}

static const struct bench_way ways[] = {
	{ "none", none_grow },
	{ "gomem", gomem_grow },
	{ "kmalloc", kmalloc_grow },
	{ },
};

const struct bench bench_realloc[] = {
	{ .name = "realloc_grow", .ways = ways, .ops = 200 },
	{ },
};
