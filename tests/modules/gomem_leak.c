// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_leak.c - lose objects, so that a test can see whether kmemleak reports
 * them.
 *
 * Each object has its own size, by which the test finds it in the report. The
 * name of the function that makes an object says where the only pointer to the
 * object is; lost_...() keeps no pointer. The memory that holds the pointer is
 * either free, or referenced by a variable of the module, which kmemleak scans.
 * The module also keeps the inverted address of each object, to free it when
 * the module is unloaded.
 *
 * tests/kselftest/kmemleak.sh lists which objects have to be reported.
 */
#define pr_fmt(fmt) "gomem_leak: " fmt

#include <linux/gomem.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "wipe_stack.h"

#define MAX_LOST	16

static void *held[MAX_LOST];
static struct gomem_arena *arena;
static unsigned long lost[MAX_LOST];
static unsigned int nr_lost, nr_held;

/*
 * Store the address of @p inverted, so that kmemleak does not recognise it.
 * Return @p.
 */
static void *lose(void *p)
{
	lost[nr_lost++] = ~(unsigned long)p;
	return p;
}

/*
 * Store @p in @where. A plain store to an object that nothing reads might be
 * dropped by the compiler.
 */
static bool put_into(void **where, void *p)
{
	WRITE_ONCE(*where, lose(p));
	return p;
}

static bool hold(void **holder, void *p)
{
	if (holder)
		put_into(holder, p);
	held[nr_held++] = holder;
	return holder && p;
}

static noinline bool lost_plain(void)
{
	return lose(gomem_alloc(112, GFP_KERNEL));
}

static noinline bool lost_noscan(void)
{
	return lose(gomem_alloc_noscan(416, GFP_KERNEL));
}

static noinline bool lost_large(void)
{
	return lose(gomem_alloc(106496, GFP_KERNEL));
}

static noinline bool in_noscan(void)
{
	return hold(gomem_alloc_noscan(64, GFP_KERNEL),
		    gomem_alloc(208, GFP_KERNEL));
}

static noinline bool in_object(void)
{
	return hold(gomem_alloc(64, GFP_KERNEL), gomem_alloc(240, GFP_KERNEL));
}

static noinline bool in_large_noscan(void)
{
	return hold(gomem_alloc_noscan(SZ_64K, GFP_KERNEL),
		    gomem_alloc(288, GFP_KERNEL));
}

static noinline bool in_large(void)
{
	return hold(gomem_alloc(SZ_64K, GFP_KERNEL),
		    gomem_alloc(320, GFP_KERNEL));
}

static noinline bool large_in_object(void)
{
	return hold(gomem_alloc(64, GFP_KERNEL),
		    gomem_alloc(139264, GFP_KERNEL));
}

static noinline bool in_arena(void)
{
	void **holder = gomem_arena_alloc(arena, 64, GFP_KERNEL);

	if (!holder)
		return false;
	return put_into(holder, gomem_alloc(352, GFP_KERNEL));
}

static noinline bool in_destroyed_arena(void)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	void **holder = a ? gomem_arena_alloc(a, 64, GFP_KERNEL) : NULL;
	bool ok;

	if (!holder)
		return false;
	ok = put_into(holder, gomem_alloc(448, GFP_KERNEL));
	gomem_arena_destroy(a);
	return ok;
}

/*
 * Leave the only pointer to an object in a free object. The pointer is not in
 * the first word, which the allocator overwrites.
 */
static noinline bool in_free_object(void)
{
	void **holder = gomem_alloc(64, GFP_KERNEL);
	bool ok;

	if (!holder)
		return false;
	ok = put_into(&holder[4], gomem_alloc(480, GFP_KERNEL));
	gomem_free(holder);
	return ok;
}

static bool lose_all(void)
{
	arena = gomem_arena_create(GFP_KERNEL);
	return arena && lost_plain() && lost_noscan() && lost_large() &&
	       in_noscan() && in_object() && in_large_noscan() && in_large() &&
	       large_in_object() && in_arena() && in_destroyed_arena() &&
	       in_free_object();
}

static void free_all(void)
{
	unsigned int i;

	for (i = 0; i < nr_lost; i++)
		gomem_free((void *)~lost[i]);
	for (i = 0; i < nr_held; i++)
		gomem_free(held[i]);
	gomem_arena_destroy(arena);
}

static int __init gomem_leak_init(void)
{
	bool ok = lose_all();

	wipe_stack(6);
	if (ok)
		return 0;
	free_all();
	return -ENOMEM;
}

static void __exit gomem_leak_exit(void)
{
	free_all();
}

module_init(gomem_leak_init);
module_exit(gomem_leak_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: lose objects");
MODULE_LICENSE("GPL");
