// SPDX-License-Identifier: GPL-2.0
/*
 * fixalloc_kunit.c - the allocator of descriptors, which cuts objects from
 * extents. The cases provide the extents.
 *
 * Objects are filled with a pattern while they are live. An overlap breaks it,
 * and so does a write of the allocator to an object that is not free.
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fixture.h"
#include "base/fixalloc.h"

#define MAX_OBJECTS	(2 * GOMEM_FIXALLOC_EXTENT / 32)

struct fix {
	struct gomem_fixalloc f;
	spinlock_t lock;	/* for @f */
	struct rnd_state rnd;
	unsigned int nr;	/* live objects */
	u8 *object[MAX_OBJECTS];
	unsigned int nr_extents;
	void *extent[4];
	unsigned int nr_back;	/* extents that a destroy gave back */
	void *back[4];
	size_t back_bytes;
};

static void *fix_alloc(struct fix *x)
{
	void *p;

	spin_lock(&x->lock);
	p = gomem_fixalloc_alloc(&x->f);
	spin_unlock(&x->lock);
	return p;
}

static void fix_free(struct fix *x, void *p)
{
	spin_lock(&x->lock);
	gomem_fixalloc_free(&x->f, p);
	spin_unlock(&x->lock);
}

static void expect_valid(struct kunit *test)
{
	struct fix *x = test->priv;
	const char *violation;

	spin_lock(&x->lock);
	violation = gomem_fixalloc_validate(&x->f);
	spin_unlock(&x->lock);
	KUNIT_ASSERT_TRUE_MSG(test, !violation, "%s", violation);
}

static void fix_init(struct kunit *test, unsigned int size, unsigned int align)
{
	struct fix *x = test->priv;

	KUNIT_ASSERT_EQ(test, 0,
			gomem_fixalloc_init(&x->f, size, align, &x->lock));
}

/* Add an extent with arbitrary contents. */
static void fix_refill(struct kunit *test, size_t size)
{
	struct fix *x = test->priv;
	void *extent = kunit_kmalloc(test, GOMEM_FIXALLOC_EXTENT, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, extent);
	KUNIT_ASSERT_TRUE(test, x->nr_extents < ARRAY_SIZE(x->extent));
	memset(extent, 0xa5, GOMEM_FIXALLOC_EXTENT);
	x->extent[x->nr_extents++] = extent;
	spin_lock(&x->lock);
	gomem_fixalloc_refill(&x->f, extent, size);
	spin_unlock(&x->lock);
}

/* Return the byte that object @p is filled with. */
static u8 pattern(const void *p)
{
	return ((unsigned long)p >> 3) * 37 | 1;
}

/* Are all @n bytes of @p equal to @byte? */
static bool filled(const u8 *p, u8 byte, size_t n)
{
	while (n && *p == byte) {
		p++;
		n--;
	}
	return !n;
}

/*
 * Take one object, which must be zero, and keep it. Return false if there is
 * none.
 */
static bool take(struct kunit *test, unsigned int size)
{
	struct fix *x = test->priv;
	u8 *p = fix_alloc(x);

	if (!p)
		return false;
	KUNIT_ASSERT_TRUE(test, x->nr < MAX_OBJECTS);
	KUNIT_EXPECT_TRUE(test, filled(p, 0, size));
	memset(p, pattern(p), size);
	x->object[x->nr++] = p;
	return true;
}

static void give_back(struct kunit *test, unsigned int i, unsigned int size)
{
	struct fix *x = test->priv;
	u8 *p = x->object[i];

	KUNIT_EXPECT_TRUE(test, filled(p, pattern(p), size));
	x->object[i] = x->object[--x->nr];
	fix_free(x, p);
}

/* Init */

static const struct init_case {
	const char *name;
	unsigned int size, align;
	int err;
} init_cases[] = {
	{ "smallest",			8, 8, 0 },
	{ "a span",			144, 8, 0 },
	{ "cache lines",		144, 64, 0 },
	{ "fills an extent",		SZ_16K - 24, 8, 0 },
	{ "fills an extent, aligned",	SZ_16K - 64, 64, 0 },
	{ "one word too large",		SZ_16K - 16, 8, -EINVAL },
	{ "too large once aligned",	SZ_16K - 24, 64, -EINVAL },
	{ "an extent",			SZ_16K, 8, -EINVAL },
	{ "larger than an extent",	0xfffffff8, 8, -EINVAL },
	{ "no size",			0, 8, -EINVAL },
	{ "not words",			12, 8, -EINVAL },
	{ "no alignment",		64, 0, -EINVAL },
	{ "small alignment",		64, 4, -EINVAL },
	{ "odd alignment",		64, 24, -EINVAL },
	{ "large alignment",		64, SZ_32K, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(init, init_cases, name);

static void test_init(struct kunit *test)
{
	const struct init_case *c = test->param_value;
	struct fix *x = test->priv;

	KUNIT_EXPECT_EQ(test, c->err, gomem_fixalloc_init(&x->f, c->size,
							  c->align, &x->lock));
	if (c->err)
		return;
	KUNIT_EXPECT_NULL(test, fix_alloc(x));
	fix_refill(test, GOMEM_FIXALLOC_EXTENT);
	KUNIT_EXPECT_NOT_NULL(test, fix_alloc(x));
	expect_valid(test);
}

/* Layout */

static const struct layout_case {
	const char *name;
	unsigned int size, align;
	unsigned int objects;	/* in two extents */
} layout_cases[] = {
	{ "32",			32, 8, 2 * 511 },
	{ "40",			40, 8, 2 * 409 },
	{ "144",		144, 8, 2 * 113 },
	{ "144 by 64",		144, 64, 2 * 85 },
	{ "192 by 64",		192, 64, 2 * 85 },
	{ "256 by 256",		256, 256, 2 * 63 },
	{ "5248",		5248, 8, 2 * 3 },
	{ "half an extent",	8184, 8, 2 * 1 },
	{ "just two",		8176, 8, 2 * 2 },
};

KUNIT_ARRAY_PARAM_DESC(layout, layout_cases, name);

/*
 * Take all objects of two extents: none is missing, and none overlaps another.
 */
static void test_layout(struct kunit *test)
{
	const struct layout_case *c = test->param_value;
	struct fix *x = test->priv;
	unsigned int i;

	fix_init(test, c->size, c->align);
	fix_refill(test, GOMEM_FIXALLOC_EXTENT);
	fix_refill(test, GOMEM_FIXALLOC_EXTENT);
	while (take(test, c->size))
		;
	KUNIT_EXPECT_EQ(test, c->objects, x->nr);
	KUNIT_EXPECT_EQ(test, (size_t)x->f.size * x->nr,
			gomem_fixalloc_inuse(&x->f));
	KUNIT_EXPECT_EQ(test, (size_t)2 * GOMEM_FIXALLOC_EXTENT, x->f.sys);
	expect_valid(test);

	for (i = 0; i < x->nr; i++) {
		unsigned long p = (unsigned long)x->object[i];
		unsigned long extent = (unsigned long)x->extent[i >= x->nr / 2];

		KUNIT_EXPECT_TRUE(test, IS_ALIGNED(p, c->align));
		KUNIT_EXPECT_TRUE(test, p > extent && p + c->size <=
				  extent + GOMEM_FIXALLOC_EXTENT);
	}
	while (x->nr)
		give_back(test, x->nr - 1, c->size);
	KUNIT_EXPECT_EQ(test, (size_t)0, gomem_fixalloc_inuse(&x->f));
	expect_valid(test);
}

/* Order and content */

static void test_lifo(struct kunit *test)
{
	struct fix *x = test->priv;
	void *a, *b, *c;

	fix_init(test, 64, 8);
	fix_refill(test, GOMEM_FIXALLOC_EXTENT);
	a = fix_alloc(x);
	b = fix_alloc(x);
	c = fix_alloc(x);
	fix_free(x, a);
	fix_free(x, c);
	fix_free(x, b);
	expect_valid(test);
	KUNIT_EXPECT_PTR_EQ(test, b, fix_alloc(x));
	KUNIT_EXPECT_PTR_EQ(test, c, fix_alloc(x));
	KUNIT_EXPECT_PTR_EQ(test, a, fix_alloc(x));
	KUNIT_EXPECT_TRUE(test, fix_alloc(x) > a);
}

/*
 * A free object keeps its contents, except for its first word: code that
 * follows a stale pointer may still read the other words.
 */
static void test_free_keeps_content(struct kunit *test)
{
	struct fix *x = test->priv;
	u8 *p;

	fix_init(test, 144, 8);
	fix_refill(test, GOMEM_FIXALLOC_EXTENT);
	p = fix_alloc(x);
	memset(p, 0x5a, 144);
	fix_free(x, p);
	KUNIT_EXPECT_TRUE(test, filled(p + 8, 0x5a, 144 - 8));
	KUNIT_EXPECT_PTR_EQ(test, (void *)p, fix_alloc(x));
	KUNIT_EXPECT_TRUE(test, filled(p, 0, 144));
}

/*
 * An extent that is too small for an object is skipped, but its bytes count in
 * x->f.sys.
 */
static void test_refill_small(struct kunit *test)
{
	struct fix *x = test->priv;
	void *p;

	fix_init(test, 5248, 8);
	fix_refill(test, 4096);
	KUNIT_EXPECT_NULL(test, fix_alloc(x));
	fix_refill(test, 4096);
	fix_refill(test, 8192);
	p = fix_alloc(x);
	KUNIT_EXPECT_TRUE(test, p > x->extent[2] && p < x->extent[2] + 8192);
	KUNIT_EXPECT_NULL(test, fix_alloc(x));
	KUNIT_EXPECT_EQ(test, (size_t)16384, x->f.sys);
	expect_valid(test);
}

static void collect(void *extent, size_t size, void *ctx)
{
	struct fix *x = ctx;

	if (x->nr_back < ARRAY_SIZE(x->back))
		x->back[x->nr_back] = extent;
	x->nr_back++;
	x->back_bytes += size;
}

/*
 * gomem_fixalloc_destroy() returns each extent once, whether the objects in it
 * are free or not.
 */
static void test_destroy(struct kunit *test)
{
	struct fix *x = test->priv;
	unsigned int i;

	fix_init(test, 4096, 8);
	fix_refill(test, GOMEM_FIXALLOC_EXTENT);
	for (i = 0; i < 4; i++)
		take(test, 4096);
	KUNIT_EXPECT_EQ(test, 3U, x->nr);
	fix_refill(test, GOMEM_FIXALLOC_EXTENT);
	fix_refill(test, 8192);
	take(test, 4096);
	give_back(test, 1, 4096);

	gomem_fixalloc_destroy(&x->f, collect, x);
	KUNIT_ASSERT_EQ(test, 3U, x->nr_back);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_PTR_EQ(test, x->extent[i], x->back[i]);
	KUNIT_EXPECT_EQ(test, (size_t)2 * GOMEM_FIXALLOC_EXTENT + 8192,
			x->back_bytes);
}

static void test_destroy_empty(struct kunit *test)
{
	struct fix *x = test->priv;

	fix_init(test, 8, 8);
	gomem_fixalloc_destroy(&x->f, collect, x);
	KUNIT_EXPECT_EQ(test, 0U, x->nr_back);
}

/* Take and free objects at random. Add an extent when no object is left. */
static void test_random(struct kunit *test)
{
	const unsigned int size = 184;
	struct fix *x = test->priv;
	unsigned int step;

	fix_init(test, size, 8);
	for (step = 0; step < 4000; step++) {
		u32 r = prandom_u32_state(&x->rnd);

		/* Allocations prevail for 500 steps, frees for the next 500. */
		if (x->nr && r % 8 < (step / 500 % 2 ? 5 : 3))
			give_back(test, r / 8 % x->nr, size);
		else if (!take(test, size) && x->nr_extents < 4)
			fix_refill(test, GOMEM_FIXALLOC_EXTENT);
		KUNIT_ASSERT_EQ(test, (size_t)size * x->nr,
				gomem_fixalloc_inuse(&x->f));
		if (step % 50 == 0)
			expect_valid(test);
	}
	while (x->nr)
		give_back(test, 0, size);
	expect_valid(test);
}

/* The validator must find how each break_...() damages the allocator. */

static void break_inuse(struct fix *x)
{
	x->f.inuse += x->f.size;
}

static void break_sys(struct fix *x)
{
	x->f.sys++;
}

/* A second free of an object makes the free list a loop. */
static void break_free(struct fix *x)
{
	gomem_fixalloc_free(&x->f, x->f.free);
}

static void break_free_lost(struct fix *x)
{
	x->f.free = NULL;
}

static void break_cut(struct fix *x)
{
	x->f.cut = NULL;
}

static void break_cut_ahead(struct fix *x)
{
	x->f.cut = x->extent[1];
}

static void break_cut_wild(struct fix *x)
{
	while (gomem_fixalloc_alloc(&x->f))
		;
	x->f.cut = (void *)x->object[0];
}

/* Cut objects from the next extent too early, as if the lock had failed. */
static void break_cut_behind(struct fix *x)
{
	x->f.cut = x->extent[1];
	gomem_fixalloc_alloc(&x->f);
	gomem_fixalloc_alloc(&x->f);
	x->f.cut = x->extent[0];
}

static const struct break_case {
	const char *violation;
	void (*fn)(struct fix *x);
} break_cases[] = {
	{ "inuse and free differ from the objects cut",	break_inuse },
	{ "inuse and free differ from the objects cut",	break_free },
	{ "inuse and free differ from the objects cut",	break_free_lost },
	{ "sys differs from the extents",		break_sys },
	{ "an extent before cut has room",		break_cut },
	{ "an extent before cut has room",		break_cut_ahead },
	{ "cut is not in the list of extents",		break_cut_wild },
	{ "an extent after cut is in use",		break_cut_behind },
};

KUNIT_ARRAY_PARAM_DESC(break, break_cases, violation);

static void test_validate_violation(struct kunit *test)
{
	const struct break_case *c = test->param_value;
	struct fix *x = test->priv;
	const char *violation;

	fix_init(test, 1024, 8);
	fix_refill(test, GOMEM_FIXALLOC_EXTENT);
	fix_refill(test, GOMEM_FIXALLOC_EXTENT);
	take(test, 1024);
	take(test, 1024);
	give_back(test, 1, 1024);
	expect_valid(test);

	spin_lock(&x->lock);
	c->fn(x);
	violation = gomem_fixalloc_validate(&x->f);
	spin_unlock(&x->lock);
	KUNIT_ASSERT_NOT_NULL(test, violation);
	KUNIT_EXPECT_STREQ(test, c->violation, violation);
}

static int fixalloc_init(struct kunit *test)
{
	struct fix *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	if (!x)
		return -ENOMEM;
	spin_lock_init(&x->lock);
	roll_seed(test, &x->rnd);
	test->priv = x;
	return 0;
}

static struct kunit_case fixalloc_cases[] = {
	KUNIT_CASE_PARAM(test_init, init_gen_params),
	KUNIT_CASE_PARAM(test_layout, layout_gen_params),
	KUNIT_CASE(test_lifo),
	KUNIT_CASE(test_free_keeps_content),
	KUNIT_CASE(test_refill_small),
	KUNIT_CASE(test_destroy),
	KUNIT_CASE(test_destroy_empty),
	KUNIT_CASE(test_random),
	KUNIT_CASE_PARAM(test_validate_violation, break_gen_params),
	{}
};

static struct kunit_suite fixalloc_suite = {
	.name = "gomem_fixalloc",
	.init = fixalloc_init,
	.test_cases = fixalloc_cases,
};

kunit_test_suite(fixalloc_suite);
