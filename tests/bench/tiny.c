// SPDX-License-Identifier: GPL-2.0
/*
 * tiny.c - allocate objects of less than 16 bytes that hold no pointers.
 *
 *	tiny		repeatedly allocate and free one object
 *	tiny_held	let 200 000 objects live at the same time. The result is
 *			the memory taken from the kernel for each object
 */
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "../modules/free_bytes.h"
#include "ways.h"

#define MANY	200000

static __always_inline void *noscan_get(gfp_t gfp)
{
	return gomem_alloc_noscan(READ_ONCE(bench_size), gfp);
}

static __always_inline void tiny(unsigned int n, void *(*get)(gfp_t gfp),
				 void (*put)(void *p))
{
	while (n--)
		put(bench_use(get(GFP_KERNEL)));
}

static void none_tiny(unsigned int n)
{
	tiny(n, none_get, none_put);
}

static void gomem_tiny(unsigned int n)
{
	tiny(n, noscan_get, gomem_put);
}

static void kmalloc_tiny(unsigned int n)
{
	tiny(n, kmalloc_get, kmalloc_put);
}

static const struct bench_way ways[] = {
	{ "none", none_tiny },
	{ "gomem", gomem_tiny },
	{ "kmalloc", kmalloc_tiny },
	{ },
};

static void hold(const char *name, void **objects, void *(*get)(gfp_t gfp),
		 void (*put)(void *p))
{
	s64 before = free_bytes(), held;
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		objects[i] = bench_use(get(GFP_KERNEL));
		if (i % 1024 == 0)
			cond_resched();
	}
	held = max(before - free_bytes(), 0LL);
	bench_result("held %s %lld.%02lld\n", name, held / MANY,
		     held % MANY * 100 / MANY);
	for (i = 0; i < MANY; i++)
		put(objects[i]);
}

static int run_held(const struct bench *b)
{
	void **objects = vmalloc(array_size(MANY, sizeof(*objects)));

	if (!objects)
		return -ENOMEM;
	hold("gomem", objects, noscan_get, gomem_put);
	hold("kmalloc", objects, kmalloc_get, kmalloc_put);
	vfree(objects);
	return 0;
}

const struct bench bench_tiny[] = {
	{ .name = "tiny", .ways = ways, .ops = 2000 },
	{ .name = "tiny_held", .run = run_held },
	{ },
};
