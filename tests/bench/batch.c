// SPDX-License-Identifier: GPL-2.0
/*
 * batch.c - allocate many objects, then free all of them.
 *
 *	batch64		64 objects, one by one
 *	refill		4096 objects, one by one. That is far more than a slot
 *			holds, so the slot is refilled and flushed many times
 *	bulk4, bulk16, bulk64, bulk256
 *			that many objects by one bulk allocation and one bulk
 *			free. In the results, "gomem_cache" is a typed cache
 *
 * The result is the cost for one object: of its allocation and free together.
 */
#include "ways.h"

#define MOST	4096

static void *objects[MOST];

static __always_inline void batch(unsigned int n, void *(*get)(gfp_t gfp),
				  void (*put)(void *p))
{
	unsigned int size = bench_batch_size, i;

	for (; n; n -= size) {
		for (i = 0; i < size; i++)
			objects[i] = bench_use(get(GFP_KERNEL));
		for (i = 0; i < size; i++)
			put(bench_use(objects[i]));
	}
}

static void none_batch(unsigned int n)
{
	batch(n, none_get, none_put);
}

static void gomem_batch(unsigned int n)
{
	batch(n, gomem_get, gomem_put);
}

static void kmalloc_batch(unsigned int n)
{
	batch(n, kmalloc_get, kmalloc_put);
}

static void cache_batch(unsigned int n)
{
	batch(n, cache_get, cache_put);
}

static void none_bulk(unsigned int n)
{
	for (; n; n -= bench_batch_size)
		bench_use(none_get(GFP_KERNEL));
}

static void gomem_bulk(unsigned int n)
{
	size_t size = bench_batch_size;

	for (; n; n -= size) {
		if (!gomem_alloc_bulk(READ_ONCE(bench_size), GFP_KERNEL, size,
				      objects)) {
			bench_failed = true;
			return;
		}
		gomem_free_bulk(size, objects);
	}
}

static struct gomem_cache *typed_cache;

static void typed_bulk(unsigned int n)
{
	size_t size = bench_batch_size;

	for (; n; n -= size) {
		if (!gomem_cache_alloc_bulk(typed_cache, GFP_KERNEL, size,
					    objects)) {
			bench_failed = true;
			return;
		}
		gomem_cache_free_bulk(typed_cache, size, objects);
	}
}

static void cache_bulk(unsigned int n)
{
	size_t size = bench_batch_size;

	for (; n; n -= size) {
		if (!kmem_cache_alloc_bulk(bench_cache, GFP_KERNEL, size,
					   objects)) {
			bench_failed = true;
			return;
		}
		kmem_cache_free_bulk(bench_cache, size, objects);
	}
}

static const struct bench_way batch_ways[] = {
	{ "none", none_batch },
	{ "gomem", gomem_batch },
	{ "kmalloc", kmalloc_batch },
	{ "kmem_cache", cache_batch },
	{ },
};

static const struct bench_way bulk_ways[] = {
	{ "none", none_bulk },
	{ "gomem", gomem_bulk },
	{ "kmem_cache", cache_bulk },
	{ "gomem_cache", typed_bulk },
	{ },
};

static int make_cache(void)
{
	typed_cache = gomem_cache_create("gomem_bench", bench_size, NULL);
	return typed_cache ? 0 : -ENOMEM;
}

static void destroy_cache(void)
{
	gomem_cache_destroy(typed_cache);
}

#define BULK(count)							\
	{								\
		.name = "bulk" #count, .ways = bulk_ways, .ops = 8192,	\
		.batch = (count), .setup = make_cache,			\
		.teardown = destroy_cache,				\
	}

const struct bench bench_batch[] = {
	{ .name = "batch64", .ways = batch_ways, .ops = 2048, .batch = 64 },
	{ .name = "refill", .ways = batch_ways, .ops = 4096, .batch = MOST },
	BULK(4),
	BULK(16),
	BULK(64),
	BULK(256),
	{ },
};
