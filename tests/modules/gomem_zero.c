// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_zero.c - check that memory is zero where it should be.
 *
 * Loading allocates cleared scratch buffers, cleared objects of an arena, and
 * cleared objects of each size up to 2 KiB and of some larger sizes. For each
 * of these sizes it chooses one of several functions at random. It checks every
 * byte up to the usable size, and then overwrites these bytes. Freed memory is
 * allocated again. Objects live for a random time, so that new pages, used
 * pages and freed objects are mixed. If the kernel clears what kmalloc()
 * returns (init_on_alloc), gomem's objects must be zero even without
 * __GFP_ZERO.
 *
 * Loading fails with EIO if a byte was not zero.
 */
#define pr_fmt(fmt) "gomem_zero: " fmt

#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>

static unsigned int seed = 1;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "What is freed when (default 1)");

#define LIVE	64
#define DIRT	0xee

static void *live[LIVE];
static struct rnd_state rnd;
static unsigned long looked_at;

/*
 * Return the next size to test: each size up to 2 KiB, then each 37th up to
 * 40000, which is more than the largest size class, then 1.5 times the last.
 */
static size_t next_size(size_t size)
{
	if (size < SZ_2K)
		return size + 1;
	if (size < 40000)
		return size + 37;
	return size + size / 2;
}

static int check(void *p, size_t size, const char *what)
{
	u8 *bad;

	if (ZERO_OR_NULL_PTR(p))
		return -ENOMEM;
	bad = memchr_inv(p, 0, size);
	if (bad) {
		pr_err("%s of %zu bytes has %#x at %zu\n", what, size, *bad,
		       (size_t)(bad - (u8 *)p));
		return -EIO;
	}
	memset(p, DIRT, size);
	looked_at += size;
	return 0;
}

static int last_node(void)
{
	int node, last = NUMA_NO_NODE;

	for_each_online_node(node)
		last = node;
	return last;
}

/* Grow an object: the bytes past its old size must be zero. */
static void *zalloc_grown(size_t size)
{
	void *p = gomem_zalloc(size / 2 + 1, GFP_KERNEL);
	void *q = p ? gomem_realloc(p, size, GFP_KERNEL | __GFP_ZERO) : NULL;

	if (!q)
		gomem_free(p);
	return q;
}

static void *zalloc_by(unsigned int way, size_t size)
{
	switch (way) {
	case 0:
		return gomem_alloc_noscan(size, GFP_KERNEL | __GFP_ZERO);
	case 1:
		return gomem_alloc_node(size, GFP_KERNEL | __GFP_ZERO,
					last_node());
	case 2:
		return zalloc_grown(size);
	case 3:
		if (want_init_on_alloc(GFP_KERNEL))
			return gomem_alloc(size, GFP_KERNEL);
		return gomem_alloc(size, GFP_KERNEL | __GFP_ZERO);
	default:
		return gomem_zalloc(size, GFP_KERNEL);
	}
}

static int check_object(size_t size)
{
	unsigned int i = prandom_u32_state(&rnd) % LIVE;

	gomem_free(live[i]);
	live[i] = zalloc_by(prandom_u32_state(&rnd) % 8, size);
	return check(live[i], gomem_usable_size(live[i]), "object");
}

static int check_objects(void)
{
	size_t size;
	int err = 0;

	for (size = 1; size <= GOMEM_MAX_SIZE && !err; size = next_size(size)) {
		err = check_object(size);
		cond_resched();
	}
	return err ?: check_object(GOMEM_MAX_SIZE);
}

static int check_scratch(void)
{
	void *buf[2 * (GOMEM_SCRATCH_MAX_ORDER + 1)] = {};
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(buf) && !err; i++) {
		buf[i] = gomem_scratch_get(i / 2, GFP_KERNEL | __GFP_ZERO);
		err = check(buf[i], GOMEM_SCRATCH_SIZE(i / 2),
			    "scratch buffer");
	}
	for (i = 0; i < ARRAY_SIZE(buf); i++)
		gomem_scratch_put(buf[i]);
	return err;
}

static int check_arena(void)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	size_t size;
	int err = a ? 0 : -ENOMEM;

	for (size = 1; size <= SZ_256K && !err; size += size / 50 + 1)
		err = check(gomem_arena_alloc(a, size, GFP_KERNEL | __GFP_ZERO),
			    size, "object of an arena");
	gomem_arena_destroy(a);
	return err;
}

static int __init gomem_zero_init(void)
{
	int err;

	prandom_seed_state(&rnd, seed);
	err = check_scratch() ?: check_arena() ?: check_objects() ?:
	      check_scratch();
	gomem_free_bulk(LIVE, live);
	pr_info("%lu bytes: %d\n", looked_at, err);
	return err;
}

static void __exit gomem_zero_exit(void)
{
}

module_init(gomem_zero_init);
module_exit(gomem_zero_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: is cleared memory zero?");
MODULE_LICENSE("GPL");
