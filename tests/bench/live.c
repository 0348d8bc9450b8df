// SPDX-License-Identifier: GPL-2.0
/*
 * live.c - allocate and free among many live objects.
 *
 *	churn	there are 20 000 live objects of one size. Free 1 to 2048 random
 *		ones, then allocate as many. Objects for which neither gomem's
 *		slot nor its transfer cache has room return to many spans, and
 *		are allocated from these spans later
 *	mixed	there are 10 000 live objects of all sizes. Free one random
 *		object, and allocate one of another size in its place
 *
 * Each way (bench.h: the loop with one allocator) keeps its own live objects.
 * All ways free the same objects and allocate the same sizes, chosen in
 * advance. The result is the cost of one free and one allocation.
 */
#include <linux/vmalloc.h>

#include "../modules/size_mix.h"
#include "ways.h"

#define CHURN_LIVE	20000
#define CHURN_MOST	2048
#define MIXED_LIVE	10000
#define MIXED_STEPS	16384

enum way { NONE, GOMEM, KMALLOC, CACHE, NR_LIVE_WAYS };

/*
 * order[] and sizes[] are the plan, which all ways follow. order[] has the
 * numbers of the objects to free. For mixed, sizes[] has the sizes to allocate;
 * for churn, it has how many objects to free at once. Each way has its own live
 * objects, live[], and its own position in the plan, at[].
 */
static void **live[NR_LIVE_WAYS];
static unsigned int at[NR_LIVE_WAYS];
static unsigned int *order;
static u32 *sizes;

static __always_inline void churn_round(void **objects,
					const unsigned int *which,
					unsigned int n, void *(*get)(gfp_t gfp),
					void (*put)(void *p))
{
	unsigned int i;

	for (i = 0; i < n; i++)
		put(bench_use(objects[which[i]]));
	for (i = 0; i < n; i++)
		objects[which[i]] = bench_use(get(GFP_KERNEL));
}

static __always_inline void churn(unsigned int n, enum way way,
				  void *(*get)(gfp_t gfp), void (*put)(void *p))
{
	unsigned int step = at[way], size;

	while (n) {
		if (step + CHURN_MOST > CHURN_LIVE)
			step = 0;
		size = min(n, sizes[step]);
		churn_round(live[way], order + step, size, get, put);
		step += size;
		n -= size;
	}
	at[way] = step;
}

static void none_churn(unsigned int n)
{
	churn(n, NONE, none_get, none_put);
}

static void gomem_churn(unsigned int n)
{
	churn(n, GOMEM, gomem_get, gomem_put);
}

static void kmalloc_churn(unsigned int n)
{
	churn(n, KMALLOC, kmalloc_get, kmalloc_put);
}

static void cache_churn(unsigned int n)
{
	churn(n, CACHE, cache_get, cache_put);
}

static __always_inline void *none_sized(size_t size)
{
	return (void *)size;
}

static __always_inline void *gomem_sized(size_t size)
{
	return gomem_alloc(size, GFP_KERNEL);
}

static __always_inline void *kmalloc_sized(size_t size)
{
	return kmalloc(size, GFP_KERNEL);
}

static __always_inline void mixed(unsigned int n, enum way way,
				  void *(*get)(size_t size),
				  void (*put)(void *p))
{
	unsigned int step = at[way];
	void **slot;

	while (n--) {
		slot = &live[way][order[step]];
		put(bench_use(*slot));
		*slot = bench_use(get(sizes[step]));
		step = (step + 1) % MIXED_STEPS;
	}
	at[way] = step;
}

static void none_mixed(unsigned int n)
{
	mixed(n, NONE, none_sized, none_put);
}

static void gomem_mixed(unsigned int n)
{
	mixed(n, GOMEM, gomem_sized, gomem_put);
}

static void kmalloc_mixed(unsigned int n)
{
	mixed(n, KMALLOC, kmalloc_sized, kmalloc_put);
}

/*
 * Allocate order[] and sizes[], and for each way an array of pointers to its
 * live objects. These pointers are NULL at first.
 */
static int make_tables(unsigned int nr_live, unsigned int steps)
{
	unsigned int way;

	order = vmalloc(array_size(steps, sizeof(*order)));
	sizes = vmalloc(array_size(steps, sizeof(*sizes)));
	if (!order || !sizes)
		return -ENOMEM;
	for (way = 0; way < NR_LIVE_WAYS; way++) {
		at[way] = 0;
		live[way] = vzalloc(array_size(nr_live, sizeof(void *)));
		if (!live[way])
			return -ENOMEM;
	}
	return 0;
}

static void drop_tables(unsigned int nr_live)
{
	unsigned int way, i;

	for (i = 0; i < nr_live; i++) {
		if (live[GOMEM])
			gomem_free(live[GOMEM][i]);
		if (live[KMALLOC])
			kfree(live[KMALLOC][i]);
		if (live[CACHE] && live[CACHE][i])
			kmem_cache_free(bench_cache, live[CACHE][i]);
	}
	for (way = 0; way < NR_LIVE_WAYS; way++) {
		vfree(live[way]);
		live[way] = NULL;
	}
	vfree(order);
	vfree(sizes);
	order = NULL;
	sizes = NULL;
}

static int setup_churn(void)
{
	unsigned int i;
	int err;

	err = make_tables(CHURN_LIVE, CHURN_LIVE);
	if (err)
		return err;
	bench_shuffle(order, CHURN_LIVE);
	for (i = 0; i < CHURN_LIVE; i++) {
		sizes[i] = 1 + size_mix_hash(i) % CHURN_MOST;
		live[NONE][i] = none_get(GFP_KERNEL);
		live[GOMEM][i] = bench_use(gomem_get(GFP_KERNEL));
		live[KMALLOC][i] = bench_use(kmalloc_get(GFP_KERNEL));
		live[CACHE][i] = bench_use(cache_get(GFP_KERNEL));
	}
	return 0;
}

static void teardown_churn(void)
{
	drop_tables(CHURN_LIVE);
}

static int setup_mixed(void)
{
	unsigned int i;
	int err;

	err = make_tables(MIXED_LIVE, MIXED_STEPS);
	if (err)
		return err;
	for (i = 0; i < MIXED_STEPS; i++) {
		order[i] = size_mix_hash(i) % MIXED_LIVE;
		sizes[i] = size_mix(1, i);
	}
	for (i = 0; i < MIXED_LIVE; i++) {
		live[NONE][i] = none_sized(1);
		live[GOMEM][i] = bench_use(gomem_sized(size_mix(2, i)));
		live[KMALLOC][i] = bench_use(kmalloc_sized(size_mix(2, i)));
	}
	return 0;
}

static void teardown_mixed(void)
{
	drop_tables(MIXED_LIVE);
}

static const struct bench_way churn_ways[] = {
	{ "none", none_churn },
	{ "gomem", gomem_churn },
	{ "kmalloc", kmalloc_churn },
	{ "kmem_cache", cache_churn },
	{ },
};

static const struct bench_way mixed_ways[] = {
	{ "none", none_mixed },
	{ "gomem", gomem_mixed },
	{ "kmalloc", kmalloc_mixed },
	{ },
};

const struct bench bench_live[] = {
	{
		.name = "churn", .ways = churn_ways, .ops = 6400,
		.setup = setup_churn, .teardown = teardown_churn,
	},
	{
		/*
		 * One repetition is the whole plan, so that all repetitions do
		 * the same work.
		 */
		.name = "mixed", .ways = mixed_ways, .ops = MIXED_STEPS,
		.setup = setup_mixed, .teardown = teardown_mixed,
	},
	{ },
};
