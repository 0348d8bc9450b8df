// SPDX-License-Identifier: GPL-2.0
/*
 * fill.c - allocate 10 000 objects, then free all of them, oldest first.
 *
 *	fill	measure both phases
 *	fill_alloc, fill_free
 *		measure only the allocations, or only the frees
 *
 * A CPU's slots hold fewer than 10 000 objects. So each phase also makes or
 * frees spans. The result is the cost of one object.
 */
#include <linux/ktime.h>
#include <linux/vmalloc.h>

#include "ways.h"

#define OBJECTS	10000

static void **objects;
static u64 alloc_ns, free_ns;

static __always_inline void fill(unsigned int n, void *(*get)(gfp_t gfp),
				 void (*put)(void *p))
{
	u64 begun, full;
	unsigned int i;

	for (; n; n -= OBJECTS) {
		begun = ktime_get_ns();
		for (i = 0; i < OBJECTS; i++)
			objects[i] = bench_use(get(GFP_KERNEL));
		full = ktime_get_ns();
		for (i = 0; i < OBJECTS; i++)
			put(bench_use(objects[i]));
		alloc_ns += full - begun;
		free_ns += ktime_get_ns() - full;
	}
}

static void none_fill(unsigned int n)
{
	fill(n, none_get, none_put);
}

static void gomem_fill(unsigned int n)
{
	fill(n, gomem_get, gomem_put);
}

static void kmalloc_fill(unsigned int n)
{
	fill(n, kmalloc_get, kmalloc_put);
}

static void cache_fill(unsigned int n)
{
	fill(n, cache_get, cache_put);
}

static u64 time_alloc(const struct bench_way *way, unsigned int n)
{
	alloc_ns = 0;
	way->work(n);
	return alloc_ns;
}

static u64 time_free(const struct bench_way *way, unsigned int n)
{
	free_ns = 0;
	way->work(n);
	return free_ns;
}

static int setup(void)
{
	objects = vmalloc(array_size(OBJECTS, sizeof(*objects)));
	return objects ? 0 : -ENOMEM;
}

static void teardown(void)
{
	vfree(objects);
}

static const struct bench_way fill_ways[] = {
	{ "none", none_fill },
	{ "gomem", gomem_fill },
	{ "kmalloc", kmalloc_fill },
	{ "kmem_cache", cache_fill },
	{ },
};

const struct bench bench_fill[] = {
	{
		.name = "fill",
		.ways = fill_ways,
		.ops = OBJECTS,
		.batch = OBJECTS,
		.setup = setup,
		.teardown = teardown,
	},
	{
		.name = "fill_alloc",
		.ways = fill_ways,
		.ops = OBJECTS,
		.batch = OBJECTS,
		.setup = setup,
		.teardown = teardown,
		.time = time_alloc,
	},
	{
		.name = "fill_free",
		.ways = fill_ways,
		.ops = OBJECTS,
		.batch = OBJECTS,
		.setup = setup,
		.teardown = teardown,
		.time = time_free,
	},
	{},
};
