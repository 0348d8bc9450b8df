// SPDX-License-Identifier: GPL-2.0
/*
 * remote.c - allocate objects on one CPU and free them on another, in turn.
 *
 * A turn has 1024 objects. The result is the cost of one object: the allocation
 * on one CPU and the free on the other. The CPUs do not run concurrently, so
 * contention for locks is not included: scenario "remote" of threads.c measures
 * it.
 */
#include <linux/cpumask.h>
#include <linux/workqueue.h>

#include "ways.h"

#define BATCH	1024

static void *objects[BATCH];

struct turn {
	struct work_struct work;
	const struct bench_way *way;
	u64 ns;
};

/* True while the second CPU frees, false while the first one allocates */
static bool freeing;

static __always_inline void remote(unsigned int n, void *(*get)(gfp_t gfp),
				   void (*put)(void *p))
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (freeing)
			put(bench_use(objects[i]));
		else
			objects[i] = bench_use(get(GFP_KERNEL));
	}
}

static void none_remote(unsigned int n)
{
	remote(n, none_get, none_put);
}

static void gomem_remote(unsigned int n)
{
	remote(n, gomem_get, gomem_put);
}

static void kmalloc_remote(unsigned int n)
{
	remote(n, kmalloc_get, kmalloc_put);
}

static void cache_remote(unsigned int n)
{
	remote(n, cache_get, cache_put);
}

static const struct bench_way ways[] = {
	{ "none", none_remote },
	{ "gomem", gomem_remote },
	{ "kmalloc", kmalloc_remote },
	{ "kmem_cache", cache_remote },
	{ },
};

static void take_turn(struct work_struct *work)
{
	struct turn *turn = container_of(work, struct turn, work);

	turn->ns += bench_time(turn->way, BATCH);
}

static u64 time_remote(const struct bench_way *way, unsigned int n)
{
	int first = cpumask_first(cpu_online_mask);
	int second = cpumask_next(first, cpu_online_mask);
	struct turn turn = { .way = way };

	INIT_WORK_ONSTACK(&turn.work, take_turn);
	for (; n; n -= BATCH) {
		freeing = false;
		queue_work_on(first, system_highpri_wq, &turn.work);
		flush_work(&turn.work);
		freeing = true;
		queue_work_on(second, system_highpri_wq, &turn.work);
		flush_work(&turn.work);
	}
	destroy_work_on_stack(&turn.work);
	return turn.ns;
}

static int setup(void)
{
	return num_online_cpus() < 2 ? -ENODEV : 0;
}

const struct bench bench_remote[] = {
	{
		.name = "remote_cost",
		.ways = ways,
		.ops = 4 * BATCH,
		.batch = BATCH,
		.time = time_remote,
		.setup = setup,
	},
	{},
};
