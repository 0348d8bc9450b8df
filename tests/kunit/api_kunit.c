// SPDX-License-Identifier: GPL-2.0
/*
 * api_kunit.c - what include/linux/gomem.h promises, on the module's own heap.
 *
 * Objects are filled with a pattern while they are live: an overlap breaks it.
 * Misuse must be counted once, in the right counter, and change nothing. After
 * each case no object may be left, no misuse uncounted for, and gomem_check()
 * must be content.
 *
 * The reports of misuse that this leaves in the log are meant to be there. One
 * case makes gomem's page source fail for a moment, so nobody else should
 * depend on gomem meanwhile.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/numa.h>
#include <linux/prandom.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "node.h"
#include "balance.h"
#include "check.h"
#include "epoch.h"
#include "mcache.h"
#include "nmi.h"
#include "report.h"
#include "slow.h"
#include "stats.h"

#define MAX_OBJECTS	4096

static uint seed_param;
module_param_named(api_seed, seed_param, uint, 0444);
MODULE_PARM_DESC(api_seed, "Seed of the random cases (0: pick one)");

struct fixture {
	struct rnd_state rnd;
	u32 seed;
	struct balance balance;
	/* Room for a test */
	void *objs[MAX_OBJECTS];
};

static u32 below(struct fixture *f, u32 limit)
{
	return prandom_u32_state(&f->rnd) % limit;
}

/* A size of any magnitude. */
static size_t random_size(struct rnd_state *rnd, unsigned int max_bits)
{
	u32 magnitude = BIT(prandom_u32_state(rnd) % (max_bits + 1));

	return magnitude + prandom_u32_state(rnd) % magnitude;
}

/* What must hold after each case */

/* Since the last time: so many of one kind, and none of another. */
static void expect_misuses(struct kunit *test, unsigned int what, unsigned int n)
{
	struct fixture *f = test->priv;

	balance_expect_misuses(test, &f->balance, what, n);
}

static void expect_no_misuse(struct kunit *test)
{
	expect_misuses(test, GOMEM_NR_MISUSES, 0);
}

static void expect_heap(struct kunit *test)
{
	struct fixture *f = test->priv;
	const char *violation = gomem_check_all();

	KUNIT_EXPECT_TRUE_MSG(test, !violation, "%s, seed %u", violation, f->seed);
}

/* Patterns */

/* Enough to see whether another object lies over it, for when there are many. */
static size_t edge(size_t size)
{
	return min_t(size_t, size, 32);
}

static void fill_edges(void *p, size_t size)
{
	memset(p, pattern_of(p), edge(size));
	memset(p + size - edge(size), pattern_of(p), edge(size));
}

static bool edges_are_filled(const void *p, size_t size)
{
	return !memchr_inv(p, pattern_of(p), edge(size)) &&
	       !memchr_inv(p + size - edge(size), pattern_of(p), edge(size));
}

static size_t want_usable(size_t size)
{
	unsigned int class;

	if (size > GOMEM_SMALL_MAX)
		return round_up(size, GOMEM_PAGE_SIZE);
	/* The first class that is large enough. */
	for (class = 0; gomem_class_size(class) < size; class++)
		;
	return gomem_class_size(class);
}

static bool is_noscan(const void *p)
{
	return gomem_spc_noscan(gomem_pagemap_span(&gomem_pagemap, (unsigned long)p)->spc);
}

/* Of what shares a block no more than was asked for is known to stay. */
static size_t own_size(const void *p, size_t size)
{
	return shares_block(p) ? size : want_usable(size);
}

static void expect_tiny(struct kunit *test, void *p, size_t size, size_t usable)
{
	KUNIT_ASSERT_TRUE_MSG(test, size < 16 && is_noscan(p), "size %zu", size);
	KUNIT_ASSERT_GE_MSG(test, usable, size, "size %zu", size);
	KUNIT_ASSERT_LE_MSG(test, (unsigned long)p % 16 + usable, 16, "size %zu", size);
	KUNIT_ASSERT_EQ_MSG(test, 0, (unsigned long)p % BIT(__ffs(size)), "size %zu", size);
}

static void expect_object(struct kunit *test, void *p, size_t size)
{
	size_t usable = gomem_usable_size(p);

	KUNIT_ASSERT_FALSE_MSG(test, ZERO_OR_NULL_PTR(p), "size %zu", size);
	if (shares_block(p)) {
		expect_tiny(test, p, size, usable);
		return;
	}
	KUNIT_ASSERT_EQ_MSG(test, want_usable(size), usable, "size %zu", size);
	KUNIT_ASSERT_EQ_MSG(test, 0, (unsigned long)p % 8, "size %zu", size);
	if (is_power_of_2(size))
		KUNIT_ASSERT_EQ_MSG(test, 0, (unsigned long)p % size, "size %zu", size);
	KUNIT_ASSERT_TRUE(test, gomem_owns(p));
	KUNIT_ASSERT_TRUE(test, gomem_owns(p + usable - 1));
}

static void *get(struct kunit *test, size_t size)
{
	void *p = gomem_alloc(size, GFP_KERNEL);

	expect_object(test, p, size);
	return p;
}

/* Sizes */

static const struct gfp_case {
	const char *name;
	gfp_t gfp;
	bool noscan;
	unsigned int step;
} gfp_cases[] = {
	{ "GFP_KERNEL",			GFP_KERNEL,			false,	1 },
	{ "GFP_KERNEL, noscan",		GFP_KERNEL,			true,	11 },
	{ "GFP_ATOMIC, zeroed",		GFP_ATOMIC | __GFP_ZERO,	false,	17 },
};

static void gfp_desc(const struct gfp_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(gfp, gfp_cases, gfp_desc);

#define WINDOW	128

static void put_edged(struct kunit *test, void *p, size_t size)
{
	KUNIT_ASSERT_TRUE_MSG(test, edges_are_filled(p, own_size(p, size)), "size %zu", size);
	gomem_free(p);
}

/* Each size, with the last few objects still live. */
static void test_every_size(struct kunit *test)
{
	const struct gfp_case *c = test->param_value;
	unsigned int i, n = 40000 / c->step;
	struct fixture *f = test->priv;
	size_t size, usable;
	void *p;

	for (i = 0; i < n; i++) {
		size = 1 + i * c->step;
		p = c->noscan ? gomem_alloc_noscan(size, c->gfp) : gomem_alloc(size, c->gfp);
		expect_object(test, p, size);
		KUNIT_ASSERT_EQ(test, c->noscan, is_noscan(p));
		usable = own_size(p, size);
		if (c->gfp & __GFP_ZERO)
			KUNIT_ASSERT_TRUE_MSG(test, is_zero(p, usable), "size %zu", size);
		fill_edges(p, usable);
		if (i >= WINDOW)
			put_edged(test, f->objs[i % WINDOW], 1 + (i - WINDOW) * c->step);
		f->objs[i % WINDOW] = p;
	}
	for (i = n - WINDOW; i < n; i++)
		put_edged(test, f->objs[i % WINDOW], 1 + i * c->step);
}

static void test_zero_size(struct kunit *test)
{
	size_t zero = 0;

	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_alloc(0, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_alloc(zero, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_alloc_noscan(zero, GFP_ATOMIC));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_zalloc(zero, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_alloc_array(zero, 8, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_calloc(8, zero, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_memdup("", zero, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(ZERO_SIZE_PTR));
	KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(NULL));
	gomem_free(ZERO_SIZE_PTR);
	gomem_free(NULL);
	gomem_free_sensitive(ZERO_SIZE_PTR);
	gomem_free_sensitive(NULL);
}

static const size_t large_sizes[] = {
	SZ_32K + 1, 40000, 5 * SZ_8K, 5 * SZ_8K + 1, SZ_64K - 1, SZ_64K, SZ_64K + 1, 100000,
	SZ_128K, SZ_256K, SZ_256K + 1, SZ_512K, 1000000, SZ_1M, SZ_1M + 8, SZ_2M, SZ_2M + SZ_8K,
	3000000, SZ_4M - SZ_8K, SZ_4M - 1, SZ_4M,
};

static void test_large_sizes(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(large_sizes); i++) {
			size_t size = large_sizes[i];

			f->objs[i] = round ? gomem_zalloc(size, GFP_KERNEL) :
				     gomem_alloc_noscan(size, GFP_KERNEL);
			expect_object(test, f->objs[i], size);
			KUNIT_EXPECT_EQ(test, !round, is_noscan(f->objs[i]));
			if (round)
				KUNIT_EXPECT_TRUE(test, is_zero(f->objs[i], want_usable(size)));
			fill(f->objs[i], want_usable(size));
		}
		for (i = 0; i < ARRAY_SIZE(large_sizes); i++) {
			KUNIT_EXPECT_TRUE(test, is_filled(f->objs[i], want_usable(large_sizes[i])));
			gomem_free(f->objs[i]);
			KUNIT_EXPECT_FALSE(test, gomem_owns(f->objs[i]));
		}
	}
}

static void test_too_large(struct kunit *test)
{
	static const size_t sizes[] = { SZ_4M + 1, 5 * SZ_1M, SZ_1G, LONG_MAX, SIZE_MAX };
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_EXPECT_NULL(test, gomem_alloc(sizes[i], GFP_KERNEL));
		expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 1);
		KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(sizes[i], GFP_ATOMIC));
		KUNIT_EXPECT_NULL(test, gomem_alloc_node(sizes[i], GFP_KERNEL, NUMA_NO_NODE));
		KUNIT_EXPECT_EQ(test, 0, gomem_alloc_bulk(sizes[i], GFP_KERNEL, 2, f->objs));
		KUNIT_EXPECT_NULL(test, gomem_realloc(NULL, sizes[i], GFP_KERNEL));
		expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 4);
		/* Quiet, but counted. */
		KUNIT_EXPECT_NULL(test, gomem_alloc(sizes[i], GFP_KERNEL | __GFP_NOWARN));
		expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 1);
	}
}

/* A size that the compiler knows takes another way; inlined, it knows this one. */
static __always_inline void expect_const(struct kunit *test, size_t size)
{
	void *p = gomem_alloc(size, GFP_KERNEL);
	void *q = gomem_alloc_noscan(size, GFP_KERNEL | __GFP_ZERO);

	expect_object(test, p, size);
	expect_object(test, q, size);
	KUNIT_EXPECT_FALSE(test, is_noscan(p));
	KUNIT_EXPECT_TRUE(test, is_noscan(q));
	KUNIT_EXPECT_TRUE(test, is_zero(q, own_size(q, size)));
	fill(p, size);
	fill(q, size);
	gomem_free(p);
	gomem_free(q);
}

static void test_constant_sizes(struct kunit *test)
{
	expect_const(test, 1);
	expect_const(test, 5);
	expect_const(test, 6);
	expect_const(test, 8);
	expect_const(test, 9);
	expect_const(test, 15);
	expect_const(test, 16);
	expect_const(test, 24);
	expect_const(test, 100);
	expect_const(test, 512);
	expect_const(test, 1016);
	expect_const(test, 1017);
	expect_const(test, 1025);
	expect_const(test, 4096);
	expect_const(test, 8193);
	expect_const(test, 16384);
	expect_const(test, 32767);
	expect_const(test, 32768);
	expect_const(test, 32769);
	expect_const(test, 65536);
}

/* Memory that was full of something else before. */
static void test_zeroed(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int class, i, n, round;
	size_t size;

	for (class = 1; class < GOMEM_NR_SIZE_CLASSES; class++) {
		size = gomem_class_size(class);
		n = clamp_t(unsigned int, SZ_64K / size, 4, 80);
		for (round = 0; round < 3; round++) {
			for (i = 0; i < n; i++) {
				f->objs[i] = round ? gomem_zalloc(size - (i & 7), GFP_KERNEL) :
					     gomem_alloc(size, GFP_KERNEL);
				KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
				if (round)
					KUNIT_ASSERT_TRUE_MSG(test, is_zero(f->objs[i], size),
							      "size %zu, object %u", size, i);
				fill(f->objs[i], size);
			}
			for (i = 0; i < n; i++)
				KUNIT_ASSERT_TRUE(test, is_filled(f->objs[i], size));
			gomem_free_bulk(n, f->objs);
		}
	}
}

/* Arrays */

static const struct array_case {
	const char *name;
	size_t n;
	size_t size;
	bool overflow;
} array_cases[] = {
	{ "one of one",			1, 1,				false },
	{ "small",			7, 24,				false },
	{ "large",			1000, 100,			false },
	{ "largest",			SZ_1M, 4,			false },
	{ "all bits",			SIZE_MAX, SIZE_MAX,		true },
	{ "wraps to 0",			BIT(32), BIT(32),		true },
	{ "wraps to 8",			SIZE_MAX / 8 + 2, 8,		true },
	{ "wraps to 8, swapped",	8, SIZE_MAX / 8 + 2,		true },
	{ "half plus a bit",		SIZE_MAX / 2 + 1, 2,		true },
};

static void array_desc(const struct array_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(array, array_cases, array_desc);

static void test_array(struct kunit *test)
{
	const struct array_case *c = test->param_value;
	void *p = gomem_alloc_array(c->n, c->size, GFP_KERNEL);
	void *q = gomem_calloc(c->n, c->size, GFP_KERNEL);

	KUNIT_EXPECT_EQ(test, c->overflow, !p);
	KUNIT_EXPECT_EQ(test, c->overflow, !q);
	if (c->overflow) {
		expect_misuses(test, GOMEM_SIZE_OVERFLOW, 2);
		KUNIT_EXPECT_NULL(test, gomem_calloc(c->n, c->size, GFP_KERNEL | __GFP_NOWARN));
		expect_misuses(test, GOMEM_SIZE_OVERFLOW, 1);
		return;
	}
	expect_object(test, p, c->n * c->size);
	expect_object(test, q, c->n * c->size);
	KUNIT_EXPECT_TRUE(test, is_zero(q, gomem_usable_size(q)));
	gomem_free(p);
	gomem_free(q);
}

/* Resizing */

static const struct realloc_case {
	const char *name;
	size_t from;
	size_t to;
	size_t room;	/* what is allocated; 0 if that is nothing */
} realloc_cases[] = {
	{ "same",			100, 100,	0 },
	{ "within the class",		97, 112,	0 },
	{ "to the next class",		112, 113,	169 },
	{ "by less than half",		1000, 1535,	2302 },
	{ "to a power of two",		3200, 4096,	4096 },
	{ "by half",			1000, 1536,	1536 },
	{ "by more than half",		1000, 1537,	1537 },
	{ "smaller",			1000, 10,	0 },
	{ "small to medium",		8, 5000,	5000 },
	{ "nearly large",		20480, 20481,	24576 },
	{ "room is large",		24576, 24577,	32768 },
	{ "small to large",		32768, 32769,	49152 },
	{ "within the last page",	33000, 40960,	0 },
	{ "large to larger",		40960, 40961,	57344 },
	{ "room would be too large",	SZ_1M * 3, SZ_1M * 3 + 1, SZ_1M * 3 + 1 },
	{ "large to largest",		SZ_1M, SZ_4M,	SZ_4M },
	{ "large to small",		SZ_1M, 1,	0 },
};

static void realloc_desc(const struct realloc_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(realloc, realloc_cases, realloc_desc);

static void realloc_one(struct kunit *test, bool noscan, bool zero)
{
	const struct realloc_case *c = test->param_value;
	gfp_t gfp = GFP_KERNEL | (zero ? __GFP_ZERO : 0);
	size_t kept = min(c->from, c->to), usable;
	void *p, *q, *r;

	p = noscan ? gomem_alloc_noscan(c->from, gfp) : gomem_alloc(c->from, gfp);
	expect_object(test, p, c->from);
	memset(p, 0x77, c->from);
	q = gomem_realloc(p, c->to, gfp);
	KUNIT_ASSERT_NOT_NULL(test, q);
	usable = gomem_usable_size(q);
	/* A large one may stay where it is, with less room if that is all there is. */
	if (c->from <= GOMEM_SMALL_MAX || !c->room)
		KUNIT_EXPECT_EQ(test, c->room != 0, p != q);
	if (p != q || !c->room || usable != want_usable(c->to))
		KUNIT_EXPECT_EQ(test, want_usable(c->room ?: c->from), usable);
	KUNIT_EXPECT_TRUE(test, !memchr_inv(q, 0x77, kept));
	if (zero)
		KUNIT_EXPECT_TRUE(test, is_zero(q + kept, usable - kept));
	KUNIT_EXPECT_EQ(test, noscan, is_noscan(q));

	/* And once more, as far as it goes, so that a tail that was cut off is seen. */
	r = gomem_realloc(q, usable, gfp);
	KUNIT_EXPECT_PTR_EQ(test, q, r);
	if (zero)
		KUNIT_EXPECT_TRUE(test, is_zero(q + kept, usable - kept));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_realloc(q, 0, gfp));
}

static void test_realloc(struct kunit *test)
{
	realloc_one(test, false, false);
	realloc_one(test, true, false);
	realloc_one(test, false, true);
	realloc_one(test, true, true);
}

/* By a quarter each time, up to the limit, wherever it is then. */
static void test_realloc_grow(struct kunit *test)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO;
	size_t size, had = 0, last = 0;
	u8 *p = NULL, *old;

	for (size = 10000; size <= GOMEM_MAX_SIZE; size += size / 4) {
		old = p;
		p = gomem_realloc(p, size, gfp);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_GE(test, gomem_usable_size(p), size);
		KUNIT_EXPECT_LE(test, gomem_usable_size(p), size + size / 2 + GOMEM_PAGE_SIZE);
		KUNIT_EXPECT_TRUE(test, !memchr_inv(p, 0x77, last));
		KUNIT_EXPECT_TRUE(test, is_zero(p + last, gomem_usable_size(p) - last));
		if (size <= had)
			KUNIT_EXPECT_PTR_EQ(test, old, p);
		had = gomem_usable_size(p);
		last = size;
		memset(p, 0x77, size);
	}
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, GOMEM_MAX_SIZE + 1, GFP_KERNEL | __GFP_NOWARN));
	expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 1);
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, GOMEM_MAX_SIZE, GFP_KERNEL | __GFP_DMA));
	expect_misuses(test, GOMEM_BAD_GFP, 1);
	KUNIT_EXPECT_EQ(test, had, gomem_usable_size(p));
	KUNIT_EXPECT_TRUE(test, !memchr_inv(p, 0x77, last));
	expect_heap(test);

	gomem_free(p + GOMEM_PAGE_SIZE);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);
	gomem_free(p);
	gomem_free(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, GOMEM_MAX_SIZE, GFP_KERNEL));
	expect_misuses(test, GOMEM_USE_AFTER_FREE, 1);
	expect_heap(test);
}

/* It never moves while there is free memory behind it, which another may take. */
static void test_realloc_in_place(struct kunit *test)
{
	struct gomem_span *s;
	u8 *p, *q, *behind = NULL;
	unsigned int i;

	p = gomem_alloc(SZ_1M, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0x77, SZ_1M);
	for (i = 0; i < 64; i++) {
		q = gomem_realloc(p, gomem_usable_size(p) + 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, q);
		s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)q);
		KUNIT_EXPECT_EQ(test, s->elemsize, gomem_usable_size(q));
		KUNIT_EXPECT_PTR_EQ(test, s, gomem_pagemap_span(&gomem_pagemap, (unsigned long)q +
								s->elemsize - 1));
		if (p != q)
			KUNIT_EXPECT_NULL(test, gomem_pagemap_large(&gomem_pagemap,
								    (unsigned long)p));
		p = q;
		if (gomem_usable_size(p) > SZ_2M)
			break;
		gomem_free(behind);
		behind = gomem_alloc(40000, GFP_KERNEL);
	}
	KUNIT_EXPECT_TRUE(test, !memchr_inv(p, 0x77, SZ_1M));
	expect_heap(test);
	gomem_free(behind);
	gomem_free(p);
	expect_heap(test);
}

static void test_realloc_nothing(struct kunit *test)
{
	void *p = gomem_realloc(NULL, 100, GFP_KERNEL);
	void *q = gomem_realloc(ZERO_SIZE_PTR, 100, GFP_KERNEL | __GFP_ZERO);

	expect_object(test, p, 100);
	expect_object(test, q, 100);
	KUNIT_EXPECT_TRUE(test, is_zero(q, 112));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_realloc(NULL, 0, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_realloc(ZERO_SIZE_PTR, 0, GFP_KERNEL));

	/* Failure leaves the object to its owner. */
	fill(p, 112);
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, SZ_4M + 1, GFP_KERNEL | __GFP_NOWARN));
	expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 1);
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, 1000, GFP_KERNEL | __GFP_DMA));
	expect_misuses(test, GOMEM_BAD_GFP, 1);
	KUNIT_EXPECT_TRUE(test, is_filled(p, 112));
	gomem_free(p);
	gomem_free(q);
}

/* Copies */

static void test_memdup(struct kunit *test)
{
	static const size_t sizes[] = { 1, 8, 100, 1024, 20000, 32768, 50000, SZ_1M };
	unsigned int i;
	u8 *src, *p;

	src = get(test, SZ_1M);
	for (i = 0; i < SZ_1M; i++)
		src[i] = i * 7 + (i >> 8);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = gomem_memdup(src, sizes[i], GFP_KERNEL);
		expect_object(test, p, sizes[i]);
		KUNIT_EXPECT_FALSE(test, is_noscan(p));
		KUNIT_EXPECT_EQ(test, 0, memcmp(p, src, sizes[i]));
		gomem_free(p);
	}
	gomem_free(src);
}

static void test_strdup(struct kunit *test)
{
	struct fixture *f = test->priv;
	char *src = get(test, 5000), *p;
	size_t len;

	for (len = 0; len < 5000; len += 1 + below(f, 200)) {
		memset(src, 'x', len);
		src[len] = 0;
		p = gomem_strdup(src, GFP_KERNEL);
		expect_object(test, p, len + 1);
		KUNIT_EXPECT_TRUE(test, is_noscan(p));
		KUNIT_EXPECT_STREQ(test, src, p);
		gomem_free(p);
	}
	KUNIT_EXPECT_NULL(test, gomem_strdup(NULL, GFP_KERNEL));
	gomem_free(src);
}

static void test_bulk(struct kunit *test)
{
	static const size_t sizes[] = { 8, 100, 1024, 9000, 32768, 40000 };
	struct fixture *f = test->priv;
	unsigned int i, k, n;

	KUNIT_EXPECT_EQ(test, 0, gomem_alloc_bulk(64, GFP_KERNEL, 0, f->objs));
	gomem_free_bulk(0, f->objs);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = 1 + below(f, 300);
		KUNIT_ASSERT_EQ(test, n, gomem_alloc_bulk(sizes[i], GFP_KERNEL, n, f->objs));
		for (k = 0; k < n; k++) {
			expect_object(test, f->objs[k], sizes[i]);
			fill(f->objs[k], sizes[i]);
		}
		for (k = 0; k < n; k++)
			KUNIT_ASSERT_TRUE(test, is_filled(f->objs[k], sizes[i]));
		/* Of other sizes, and nothing, too. */
		f->objs[n++] = NULL;
		f->objs[n++] = get(test, 17);
		f->objs[n++] = ZERO_SIZE_PTR;
		f->objs[n++] = get(test, 100000);
		gomem_free_bulk(n, f->objs);
	}
}

/* Knowing one's own */

static void test_owns(struct kunit *test)
{
	void *small = get(test, 100), *large = get(test, 50000);
	void *slab = kmalloc(100, GFP_KERNEL), *area = vmalloc(100);
	static int in_module;
	unsigned int i;
	int on_stack;

	for (i = 0; i < 112; i++)
		KUNIT_EXPECT_TRUE(test, gomem_owns(small + i));
	for (i = 0; i < 7 * GOMEM_PAGE_SIZE; i += 1001)
		KUNIT_EXPECT_TRUE(test, gomem_owns(large + i));
	KUNIT_EXPECT_FALSE(test, gomem_owns(slab));
	KUNIT_EXPECT_FALSE(test, gomem_owns(area));
	KUNIT_EXPECT_FALSE(test, gomem_owns(&on_stack));
	KUNIT_EXPECT_FALSE(test, gomem_owns(&in_module));
	KUNIT_EXPECT_FALSE(test, gomem_owns(test_owns));
	KUNIT_EXPECT_FALSE(test, gomem_owns(NULL));
	KUNIT_EXPECT_FALSE(test, gomem_owns(ZERO_SIZE_PTR));

	/* What cannot be a page of ours, whatever its bits. */
	for (i = 0; i < BITS_PER_LONG; i++) {
		unsigned long values[] = { BIT(i), ~BIT(i), ~0UL << i, ~0UL >> i };
		unsigned int k;

		for (k = 0; k < ARRAY_SIZE(values); k++)
			if (values[k] < PAGE_OFFSET || values[k] >= (unsigned long)high_memory)
				KUNIT_EXPECT_FALSE_MSG(test, gomem_owns((void *)values[k]), "%#lx",
						       values[k]);
	}
	kfree(slab);
	vfree(area);
	gomem_free(small);
	gomem_free(large);
}

static void test_node(struct kunit *test)
{
	static const int bad[] = { -2, INT_MIN, MAX_NUMNODES, INT_MAX };
	unsigned int i;
	void *p;
	int node;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_NULL(test, gomem_alloc_node(100, GFP_KERNEL, bad[i]));
	expect_misuses(test, GOMEM_BAD_NODE, ARRAY_SIZE(bad));
	/* Whether there is such a node or not. */
	for (node = 0; node < MAX_NUMNODES; node++) {
		p = gomem_alloc_node(100, GFP_KERNEL, node);
		expect_object(test, p, 100);
		gomem_free(p);
	}
	p = gomem_alloc_node(100000, GFP_KERNEL | __GFP_THISNODE, NUMA_NO_NODE);
	expect_object(test, p, 100000);
	gomem_free(p);
}

static void test_gfp_refused(struct kunit *test)
{
	static const gfp_t bad[] = { __GFP_DMA, __GFP_DMA32, __GFP_HIGHMEM };
	static const size_t sizes[] = { 1, 100, 32768, 32769, SZ_4M };
	struct fixture *f = test->priv;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (k = 0; k < ARRAY_SIZE(sizes); k++) {
			KUNIT_EXPECT_NULL(test, gomem_alloc(sizes[k], GFP_KERNEL | bad[i]));
			KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(sizes[k], GFP_ATOMIC | bad[i]));
			KUNIT_EXPECT_EQ(test, 0, gomem_alloc_bulk(sizes[k], GFP_KERNEL | bad[i], 3,
								  f->objs));
			expect_misuses(test, GOMEM_BAD_GFP, 3);
		}
		KUNIT_EXPECT_NULL(test, gomem_alloc(64, GFP_KERNEL | bad[i]));
		KUNIT_EXPECT_NULL(test, gomem_strdup("no", GFP_KERNEL | bad[i]));
		expect_misuses(test, GOMEM_BAD_GFP, 2);
	}
	/* Accepted, and not of interest. */
	gomem_free(get(test, 100));
	gomem_free(gomem_alloc(100, GFP_KERNEL_ACCOUNT));
	gomem_free(gomem_alloc(100000, GFP_KERNEL_ACCOUNT | __GFP_NOFAIL));
}

static void test_free_sensitive(struct kunit *test)
{
	static const size_t sizes[] = { 8, 24, 100, 4096, 9472, 32768, 40960, SZ_1M };
	unsigned int i;
	size_t usable;
	u8 *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		usable = want_usable(sizes[i]);
		p = get(test, sizes[i]);
		memset(p, 0x77, usable);
		gomem_free_sensitive(p);
		/* Its page is still the heap's. The first word belongs to gomem now. */
		KUNIT_EXPECT_TRUE_MSG(test, is_zero(p + 8, usable - 8), "size %zu", sizes[i]);
		KUNIT_EXPECT_NE(test, 0x7777777777777777UL, *(unsigned long *)p);
	}
}

/* Misuse: counted once, and of no effect */

static void test_double_free(struct kunit *test)
{
	static const size_t sizes[] = { 1, 8, 64, 1000, 8192, 16384, 32768, 32769, SZ_1M };
	unsigned int i, round;
	void *p, *q;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (round = 0; round < 2; round++) {
			p = round ? gomem_alloc_noscan(sizes[i], GFP_KERNEL) :
			    gomem_alloc(sizes[i], GFP_KERNEL);
			gomem_free(p);
			expect_no_misuse(test);
			gomem_free(p);
			expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
			gomem_free(p);
			expect_misuses(test, GOMEM_DOUBLE_FREE, 1);

			/* It is not handed out twice. */
			p = gomem_alloc(sizes[i], GFP_KERNEL);
			q = gomem_alloc(sizes[i], GFP_KERNEL);
			KUNIT_EXPECT_PTR_NE(test, p, q);
			gomem_free(p);
			gomem_free(q);
		}
	}
	expect_heap(test);
}

/* Long after the first free: the object, or its span, is elsewhere by now. */
static void test_double_free_late(struct kunit *test)
{
	static const size_t sizes[] = { 16, 64, 1024, 4096, 12288 };
	struct fixture *f = test->priv;
	unsigned int i, k, n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = round_down(min_t(unsigned int, MAX_OBJECTS, SZ_1M / sizes[i]), 16);
		KUNIT_ASSERT_EQ(test, n, gomem_alloc_bulk(sizes[i], GFP_KERNEL, n, f->objs));
		gomem_free_bulk(n, f->objs);
		expect_no_misuse(test);
		for (k = 0; k < n; k += n / 16)
			gomem_free(f->objs[k]);
		expect_misuses(test, GOMEM_DOUBLE_FREE, 16);
		expect_heap(test);
	}
}

static void test_double_free_otherwise(struct kunit *test)
{
	void *p = get(test, 100), *bulk[3] = { p, p, p };

	gomem_free_bulk(3, bulk);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 2);
	gomem_free_sensitive(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_realloc(p, 0, GFP_KERNEL));
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
}

/* A free object is none, for those who want to know or change its size. */
static void test_use_after_free(struct kunit *test)
{
	static const size_t sizes[] = { 8, 100, 8192 };
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = get(test, sizes[i]);
		gomem_free(p);
		KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p));
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 1, GFP_KERNEL | __GFP_ZERO));
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 20000, GFP_KERNEL));
		expect_misuses(test, GOMEM_USE_AFTER_FREE, 3);
		/* It is as free as it was. */
		gomem_free(p);
		expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	}
}

static void test_free_sensitive_large_twice(struct kunit *test)
{
	void *p = get(test, 50000);

	gomem_free_sensitive(p);
	gomem_free_sensitive(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
}

/* Somebody writes to an object that is free: nobody is given it. */
static void test_write_after_free(struct kunit *test)
{
	unsigned long *p, *q, *r;

	/* The object that was freed last is the next one, on this CPU. */
	migrate_disable();
	p = get(test, 100);
	gomem_free(p);
	*p = 0x1234;
	q = gomem_alloc(100, GFP_KERNEL);
	expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 1);
	KUNIT_EXPECT_PTR_NE(test, p, q);

	/* With another free after the write it is in the slot twice. */
	gomem_free(q);
	*q = 0x1234;
	gomem_free(q);
	expect_no_misuse(test);
	r = gomem_alloc(100, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, q, r);
	expect_no_misuse(test);
	q = gomem_alloc(100, GFP_KERNEL);
	expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 1);
	KUNIT_EXPECT_PTR_NE(test, q, r);
	migrate_enable();

	/* Set aside, but not lost: who knows of it can free it. */
	gomem_free(p);
	gomem_free(q);
	gomem_free(r);
	expect_no_misuse(test);
}

static const struct interior_case {
	const char *name;
	size_t size;
	unsigned int step;
} interior_cases[] = {
	{ "8 bytes",			8,	1 },
	{ "48 bytes",			48,	1 },
	{ "1 KiB",			1024,	1 },
	{ "4864 bytes in 3 pages",	4864,	1 },
	{ "27264 bytes in 10 pages",	27264,	37 },
	{ "32 KiB",			32768,	64 },
	{ "large",			50000,	97 },
	{ "1 MiB",			SZ_1M,	4096 },
};

static void interior_desc(const struct interior_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(interior, interior_cases, interior_desc);

static void test_interior(struct kunit *test)
{
	const struct interior_case *c = test->param_value;
	size_t usable = want_usable(c->size), offset;
	void *p = get(test, c->size);
	unsigned int n = 0;

	fill(p, usable);
	for (offset = 1; offset < usable; offset += c->step, n++)
		gomem_free(p + offset);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, n);

	gomem_free(p + usable / 2);
	gomem_free_sensitive(p + usable / 2);
	KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p + usable / 2));
	KUNIT_EXPECT_NULL(test, gomem_realloc(p + usable / 2, 1, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_realloc(p + usable / 2, 5000, GFP_KERNEL));
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 5);

	KUNIT_EXPECT_TRUE(test, is_filled(p, usable));
	expect_heap(test);
	gomem_free(p);
}

/* Behind the last object of a span lies what is nobody's. */
static void test_tail(struct kunit *test)
{
	unsigned int class, n = 0;
	struct gomem_span *s;
	unsigned long addr;
	void *p;

	for (class = 1; class < GOMEM_NR_SIZE_CLASSES; class++) {
		p = get(test, gomem_class_size(class));
		s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
		addr = (unsigned long)gomem_span_object(s, s->nelems);
		for (; addr < s->base + s->npages * GOMEM_PAGE_SIZE; addr += 8, n++) {
			gomem_free((void *)addr);
			KUNIT_EXPECT_EQ(test, 0, gomem_usable_size((void *)addr));
		}
		gomem_free(p);
	}
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 2 * n);
	expect_heap(test);
}

/* What gomem knows nothing of, by every way in. */
static void free_foreign(struct kunit *test, const void *p)
{
	gomem_free(p);
	gomem_free_sensitive(p);
	KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p));
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, 100, GFP_KERNEL));
	gomem_free_bulk(1, (void **)&p);
	expect_misuses(test, GOMEM_FOREIGN_POINTER, 5);
}

static void test_foreign(struct kunit *test)
{
	static u64 in_module = 0x7777777777777777;
	u8 *slab = kmalloc(1000, GFP_KERNEL), *area = vmalloc(1000);
	u8 *page = (u8 *)__get_free_page(GFP_KERNEL);
	u64 on_stack = 0x7777777777777777;

	KUNIT_ASSERT_TRUE(test, slab && area && page);
	fill(slab, 1000);
	fill(area, 1000);
	fill(page, PAGE_SIZE);
	free_foreign(test, slab);
	free_foreign(test, slab + 1);
	free_foreign(test, area);
	free_foreign(test, area + 24);
	free_foreign(test, page);
	free_foreign(test, page + PAGE_SIZE - 1);
	free_foreign(test, &on_stack);
	free_foreign(test, &in_module);
	free_foreign(test, test_foreign);
	free_foreign(test, ZERO_SIZE_PTR + 1);
	free_foreign(test, (void *)0x400000);
	free_foreign(test, (void *)TASK_SIZE - 8);
	free_foreign(test, (void *)PAGE_OFFSET);
	free_foreign(test, high_memory);
	free_foreign(test, high_memory + SZ_1G);
	free_foreign(test, (void *)BIT(63));
	free_foreign(test, (void *)~0UL);
	free_foreign(test, (void *)-EINVAL);
	KUNIT_EXPECT_TRUE(test, is_filled(slab, 1000));
	KUNIT_EXPECT_TRUE(test, is_filled(area, 1000));
	KUNIT_EXPECT_TRUE(test, is_filled(page, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0x7777777777777777, on_stack);
	KUNIT_EXPECT_EQ(test, 0x7777777777777777, in_module);
	kfree(slab);
	vfree(area);
	free_page((unsigned long)page);
	expect_heap(test);
}

/* Contexts */

#define JOB_OBJECTS	300

/* What a caller that may not sleep does, in whatever context. */
struct job {
	bool (*is_context)(void);
	struct rnd_state rnd;
	struct irq_work irq_work;
	struct tasklet_struct tasklet;
	void *objs[JOB_OBJECTS];
	size_t sizes[JOB_OBJECTS];
	unsigned int failures;
	const char *error;
};

static bool in_hardirq_context(void)
{
	return in_hardirq();
}

static bool in_softirq_context(void)
{
	return in_serving_softirq() && !in_hardirq();
}

static bool in_task_context(void)
{
	return in_task();
}

/* A CPU that polls while it is idle makes others' calls without an interrupt. */
static bool in_call_context(void)
{
	return in_hardirq() || (in_task() && irqs_disabled());
}

static void job_run(struct job *job)
{
	unsigned int i;

	if (!job->is_context())
		job->error = "not the context it should be";
	for (i = 0; i < JOB_OBJECTS; i++) {
		job->sizes[i] = random_size(&job->rnd, 15);
		job->objs[i] = gomem_alloc(job->sizes[i], GFP_ATOMIC | __GFP_NOWARN);
		if (job->objs[i])
			fill(job->objs[i], job->sizes[i]);
		else
			job->failures++;
	}
	for (i = 0; i < JOB_OBJECTS; i++)
		if (job->objs[i] && !is_filled(job->objs[i], job->sizes[i]))
			job->error = "an object was overwritten";
	/* Half of them are left to be freed elsewhere. */
	for (i = 0; i < JOB_OBJECTS; i += 2) {
		gomem_free(job->objs[i]);
		job->objs[i] = NULL;
	}
}

/* Free what another context allocated. */
static void job_free(struct job *job)
{
	unsigned int i;

	if (!job->is_context())
		job->error = "not the context it should be";
	for (i = 0; i < JOB_OBJECTS; i++) {
		if (job->objs[i] && !is_filled(job->objs[i], job->sizes[i]))
			job->error = "an object was overwritten";
		gomem_free(job->objs[i]);
		job->objs[i] = NULL;
	}
}

static void job_irq_work(struct irq_work *work)
{
	job_run(container_of(work, struct job, irq_work));
}

static void job_irq_work_free(struct irq_work *work)
{
	job_free(container_of(work, struct job, irq_work));
}

static void run_in_hardirq(struct job *job)
{
	job->irq_work = IRQ_WORK_INIT(job_irq_work);
	irq_work_queue(&job->irq_work);
	irq_work_sync(&job->irq_work);
}

static void free_in_hardirq(struct job *job)
{
	job->irq_work = IRQ_WORK_INIT(job_irq_work_free);
	irq_work_queue(&job->irq_work);
	irq_work_sync(&job->irq_work);
}

static void job_tasklet(struct tasklet_struct *t)
{
	job_run(container_of(t, struct job, tasklet));
}

static void job_tasklet_free(struct tasklet_struct *t)
{
	job_free(container_of(t, struct job, tasklet));
}

static void run_tasklet(struct job *job, void (*fn)(struct tasklet_struct *t))
{
	tasklet_setup(&job->tasklet, fn);
	tasklet_schedule(&job->tasklet);
	/* Waits until it ran. */
	tasklet_kill(&job->tasklet);
}

static void run_in_softirq(struct job *job)
{
	run_tasklet(job, job_tasklet);
}

static void free_in_softirq(struct job *job)
{
	run_tasklet(job, job_tasklet_free);
}

static void run_in_task(struct job *job)
{
	job_run(job);
}

static void free_in_task(struct job *job)
{
	job_free(job);
}

static void run_with_irqs_off(struct job *job)
{
	unsigned long flags;

	local_irq_save(flags);
	job_run(job);
	local_irq_restore(flags);
}

static void free_with_irqs_off(struct job *job)
{
	unsigned long flags;

	local_irq_save(flags);
	job_free(job);
	local_irq_restore(flags);
}

static DEFINE_SPINLOCK(job_lock);

static void run_with_spinlock(struct job *job)
{
	spin_lock(&job_lock);
	job_run(job);
	spin_unlock(&job_lock);
}

static void free_with_spinlock(struct job *job)
{
	spin_lock(&job_lock);
	job_free(job);
	spin_unlock(&job_lock);
}

static void run_with_bh_off(struct job *job)
{
	local_bh_disable();
	job_run(job);
	local_bh_enable();
}

static void free_with_bh_off(struct job *job)
{
	local_bh_disable();
	job_free(job);
	local_bh_enable();
}

static const struct context {
	const char *name;
	bool (*is_context)(void);
	void (*run)(struct job *job);
	void (*free)(struct job *job);
} contexts[] = {
	{ "task",		in_task_context,	run_in_task,	free_in_task },
	{ "hard interrupt",	in_hardirq_context,	run_in_hardirq,	free_in_hardirq },
	{ "softirq",		in_softirq_context,	run_in_softirq,	free_in_softirq },
	{ "interrupts off",	in_task_context, run_with_irqs_off,	free_with_irqs_off },
	{ "spinlock held",	in_task_context, run_with_spinlock,	free_with_spinlock },
	{ "softirqs off",	in_task_context, run_with_bh_off,	free_with_bh_off },
};

static void context_desc(const struct context *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(context, contexts, context_desc);

/* There interrupts are threads, and what is none may not allocate. */
static void skip_on_rt(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "PREEMPT_RT");
}

/* Allocate in one context, free in each of them. */
static void test_context(struct kunit *test)
{
	const struct context *c = test->param_value;
	struct fixture *f = test->priv;
	struct job *job;
	unsigned int i;

	skip_on_rt(test);
	job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, job);
	prandom_seed_state(&job->rnd, f->seed);
	for (i = 0; i < ARRAY_SIZE(contexts); i++) {
		job->is_context = c->is_context;
		c->run(job);
		job->is_context = contexts[i].is_context;
		contexts[i].free(job);
		KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s, freed in %s, seed %u", job->error,
				      contexts[i].name, f->seed);
	}
	/* A few may find no pages at hand. */
	KUNIT_EXPECT_LT(test, job->failures, JOB_OBJECTS);
	expect_heap(test);
}

/* Interrupts are counted as such. */
static void test_context_counted(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, objects = 0;
	struct job *job;
	u64 n;

	skip_on_rt(test);
	job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, job);
	prandom_seed_state(&job->rnd, f->seed);
	job->is_context = in_hardirq_context;
	n = gomem_event_sum(GOMEM_EV_HARDIRQ_ALLOCS);
	run_in_hardirq(job);
	KUNIT_EXPECT_EQ(test, JOB_OBJECTS, gomem_event_sum(GOMEM_EV_HARDIRQ_ALLOCS) - n);
	for (i = 0; i < JOB_OBJECTS; i++)
		objects += !!job->objs[i];
	job->is_context = in_softirq_context;
	n = gomem_event_sum(GOMEM_EV_SOFTIRQ_FREES);
	free_in_softirq(job);
	KUNIT_EXPECT_EQ(test, objects, gomem_event_sum(GOMEM_EV_SOFTIRQ_FREES) - n);
	KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s", job->error);
}

/* One object, allocated if it is NULL and freed if not. */
static void swap_one(struct job *job)
{
	if (!job->is_context())
		job->error = "not the context it should be";
	if (job->objs[0])
		gomem_free(job->objs[0]);
	else
		job->objs[1] = gomem_alloc(100, GFP_ATOMIC);
}

static void swap_one_irq_work(struct irq_work *work)
{
	swap_one(container_of(work, struct job, irq_work));
}

static void swap_one_tasklet(struct tasklet_struct *t)
{
	swap_one(container_of(t, struct job, tasklet));
}

static void swap_one_in_hardirq(struct job *job)
{
	job->is_context = in_hardirq_context;
	job->irq_work = IRQ_WORK_INIT(swap_one_irq_work);
	irq_work_queue(&job->irq_work);
	irq_work_sync(&job->irq_work);
}

static void swap_one_in_softirq(struct job *job)
{
	job->is_context = in_softirq_context;
	/* It runs before this CPU leaves the section. */
	local_bh_disable();
	tasklet_setup(&job->tasklet, swap_one_tasklet);
	tasklet_schedule(&job->tasklet);
	local_bh_enable();
	tasklet_kill(&job->tasklet);
}

/*
 * Tasks leave interrupts on while they use their cache, so an interrupt must not
 * use it, too: what one of them freed last is not what the other is given next.
 */
static void expect_own_cache(struct kunit *test, struct job *job, void (*irq)(struct job *job))
{
	void *in_irq, *in_task, *p;

	in_irq = get(test, 100);
	in_task = get(test, 100);
	job->objs[0] = in_irq;
	irq(job);
	gomem_free(in_task);

	p = get(test, 100);
	KUNIT_EXPECT_PTR_EQ(test, in_task, p);
	gomem_free(p);
	job->objs[0] = NULL;
	irq(job);
	KUNIT_EXPECT_PTR_EQ(test, in_irq, job->objs[1]);
	KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s", job->error);
	gomem_free(job->objs[1]);
}

static void test_context_caches(struct kunit *test)
{
	struct job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);

	skip_on_rt(test);
	KUNIT_ASSERT_NOT_NULL(test, job);
	migrate_disable();
	expect_own_cache(test, job, swap_one_in_hardirq);
	expect_own_cache(test, job, swap_one_in_softirq);
	migrate_enable();
}

static void test_nmi(struct kunit *test)
{
	void *small, *large, *p[3];
	unsigned long flags;

	skip_on_rt(test);
	small = get(test, 100);
	large = get(test, 50000);
	enter_nmi(&flags);
	p[0] = gomem_alloc(100, GFP_ATOMIC);
	p[1] = gomem_alloc(50000, GFP_ATOMIC);
	p[2] = gomem_realloc(small, 1000, GFP_ATOMIC);
	gomem_free(small);
	gomem_free(large);
	leave_nmi(&flags);

	KUNIT_EXPECT_NULL(test, p[0]);
	KUNIT_EXPECT_NULL(test, p[1]);
	KUNIT_EXPECT_NULL(test, p[2]);
	expect_misuses(test, GOMEM_IN_NMI, 5);
	expect_object(test, small, 100);
	expect_object(test, large, 50000);
	gomem_free(small);
	gomem_free(large);
}

/* CPUs */

static long job_on_cpu(void *arg)
{
	job_run(arg);
	return 0;
}

static long free_job_on_cpu(void *arg)
{
	job_free(arg);
	return 0;
}

static void job_call(void *arg)
{
	/* On PREEMPT_RT the handler would be a thread, whose locks may sleep. */
	lockdep_hardirq_threaded();
	job_free(arg);
}

static void test_other_cpu(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job *job;
	int from, to;

	skip_on_rt(test);
	job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, job);
	prandom_seed_state(&job->rnd, f->seed);
	for_each_online_cpu(from) {
		for_each_online_cpu(to) {
			job->is_context = in_task_context;
			work_on_cpu(from, job_on_cpu, job);
			work_on_cpu(to, free_job_on_cpu, job);

			/* And in an interrupt, if the call takes one. */
			work_on_cpu(from, job_on_cpu, job);
			migrate_disable();
			job->is_context = in_call_context;
			smp_call_function_single(to, job_call, job, true);
			migrate_enable();
			KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s, CPU %d to %d, seed %u",
					      job->error, from, to, f->seed);
		}
	}
	expect_heap(test);
}

#define MAX_THREADS	8
#define SHARED		1024
#define RUN_MS		2000

/* An object knows its size and its address, and is filled behind them. */
struct parcel {
	void *self;
	size_t size;
	u8 fill[];
};

struct worker {
	struct parcel **shared;
	struct task_struct *task;
	struct rnd_state rnd;
	unsigned long handed_out;
	unsigned long failures;
	const char *error;
};

static struct parcel *make_parcel(struct worker *w, gfp_t gfp)
{
	size_t size = sizeof(struct parcel) + random_size(&w->rnd, 12);
	struct parcel *p = prandom_u32_state(&w->rnd) % 2 ? gomem_alloc(size, gfp) :
			   gomem_alloc_noscan(size, gfp);

	if (!p) {
		w->failures++;
		return NULL;
	}
	w->handed_out++;
	p->self = p;
	p->size = size;
	fill(p->fill, size - sizeof(*p));
	return p;
}

static void check_parcel(struct worker *w, struct parcel *p)
{
	if (p->self != p || !is_filled(p->fill, p->size - sizeof(*p)))
		w->error = "an object was overwritten";
}

static void exchange_parcel(struct worker *w, gfp_t gfp)
{
	struct parcel *p = make_parcel(w, gfp);

	p = xchg(&w->shared[prandom_u32_state(&w->rnd) % SHARED], p);
	if (p)
		check_parcel(w, p);
	gomem_free(p);
}

static int worker_run(void *arg)
{
	struct worker *w = arg;
	unsigned long flags;

	while (!kthread_should_stop()) {
		if (w->error) {
			cond_resched();
			continue;
		}
		switch (prandom_u32_state(&w->rnd) % 16) {
		case 0:
			local_irq_save(flags);
			exchange_parcel(w, GFP_ATOMIC | __GFP_NOWARN);
			local_irq_restore(flags);
			break;
		case 1:
			local_bh_disable();
			exchange_parcel(w, GFP_ATOMIC | __GFP_NOWARN);
			local_bh_enable();
			break;
		case 2:
			cond_resched();
			break;
		default:
			exchange_parcel(w, GFP_KERNEL);
		}
	}
	return 0;
}

/* Threads that free each other's objects, and interrupts among them. */
static void test_threads(struct kunit *test)
{
	unsigned int n = min(num_online_cpus() + 1, MAX_THREADS), i;
	struct fixture *f = test->priv;
	struct parcel **shared;
	unsigned long end;
	struct worker *w;
	struct job *job;

	skip_on_rt(test);
	shared = kunit_kcalloc(test, SHARED, sizeof(*shared), GFP_KERNEL);
	w = kunit_kcalloc(test, n, sizeof(*w), GFP_KERNEL);
	job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, shared && w && job);
	prandom_seed_state(&job->rnd, f->seed);
	for (i = 0; i < n; i++) {
		w[i].shared = shared;
		prandom_seed_state(&w[i].rnd, f->seed + i);
		w[i].task = kthread_run(worker_run, &w[i], "gomem_test/%u", i);
	}
	end = jiffies + msecs_to_jiffies(RUN_MS);
	while (time_before(jiffies, end)) {
		job->is_context = in_hardirq_context;
		run_in_hardirq(job);
		job->is_context = in_softirq_context;
		free_in_softirq(job);
		msleep(20);
	}
	for (i = 0; i < n; i++)
		if (!IS_ERR(w[i].task))
			kthread_stop(w[i].task);

	KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s, seed %u", job->error, f->seed);
	for (i = 0; i < SHARED; i++) {
		if (shared[i])
			check_parcel(&w[0], shared[i]);
		gomem_free(shared[i]);
	}
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_TRUE_MSG(test, !w[i].error, "%s, seed %u", w[i].error, f->seed);
		KUNIT_EXPECT_GT(test, w[i].handed_out, 0);
		kunit_info(test, "thread %u: %lu objects, %lu failures", i, w[i].handed_out,
			   w[i].failures);
	}
	expect_heap(test);
}

/* Failure */

/* Objects until there are no more; returns how many. */
static unsigned int exhaust(struct fixture *f, unsigned int n, size_t size)
{
	while (n < MAX_OBJECTS && (f->objs[n] = gomem_alloc(size, GFP_KERNEL)))
		n++;
	return n;
}

static unsigned long (*all_pages)(struct gomem_pagesource *src, unsigned int order, gfp_t gfp,
				  int node);

static unsigned long single_pages(struct gomem_pagesource *src, unsigned int order, gfp_t gfp,
				  int node)
{
	return order ? 0 : all_pages(src, order, gfp, node);
}

/* Memory so fragmented that spans are short: with fewer objects, and nothing behind. */
static void test_short_span(struct kunit *test)
{
	struct gomem_pagesource *src = gomem_first_heap()->source;
	static const unsigned int sizes[] = { 1408, 6784, 3072 };
	struct gomem_span *s;
	unsigned int i;
	void *p, *behind;

	all_pages = src->alloc;
	gomem_scavenge_all();
	src->alloc = single_pages;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = gomem_alloc(sizes[i], GFP_KERNEL);
		if (!p) {
			src->alloc = all_pages;
			KUNIT_FAIL(test, "no object of %u bytes", sizes[i]);
			return;
		}
		s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
		KUNIT_EXPECT_EQ(test, 1, s->npages);
		KUNIT_EXPECT_EQ(test, GOMEM_PAGE_SIZE / s->elemsize, s->nelems);
		fill(p, sizes[i]);
		behind = (void *)s->base + s->nelems * s->elemsize;
		gomem_free(behind);
		KUNIT_EXPECT_TRUE(test, is_filled(p, sizes[i]));
		gomem_free(p);
	}
	src->alloc = all_pages;
	/* To the geometry of the class an object starts there, but none ever was. */
	expect_misuses(test, GOMEM_INTERIOR_POINTER, ARRAY_SIZE(sizes));
	expect_heap(test);
}

static void test_no_memory(struct kunit *test)
{
	u64 failures = gomem_event_sum(GOMEM_EV_ALLOC_FAILURES);
	struct fixture *f = test->priv;
	void *small = get(test, 1000), *large = get(test, 100000);
	unsigned int n = 0;
	s64 live;

	fill(small, 1024);
	fill(large, 100000);
	f->objs[n++] = get(test, SZ_4M);
	no_pages_begin();
	n = exhaust(f, n, SZ_4M);
	n = exhaust(f, n, SZ_512K);
	n = exhaust(f, n, SZ_64K);
	n = exhaust(f, n, SZ_32K);
	n = exhaust(f, n, SZ_8K);
	/* Some of what is asked for is there: all or nothing. */
	gomem_free(f->objs[0]);
	live = live_objects();
	KUNIT_EXPECT_EQ(test, 0, gomem_alloc_bulk(SZ_32K, GFP_KERNEL, MAX_OBJECTS - n,
						  f->objs + n));
	KUNIT_EXPECT_EQ(test, live, live_objects());
	/* What it had went back, but for a MiB. */
	f->objs[0] = NULL;
	KUNIT_EXPECT_NULL(test, gomem_alloc(SZ_4M, GFP_KERNEL));
	n = exhaust(f, n, SZ_64K);
	n = exhaust(f, n, SZ_32K);
	n = exhaust(f, n, SZ_8K);
	KUNIT_EXPECT_LT(test, n, MAX_OBJECTS);
	KUNIT_EXPECT_EQ(test, 10, gomem_event_sum(GOMEM_EV_ALLOC_FAILURES) - failures);

	KUNIT_EXPECT_NULL(test, gomem_realloc(small, 20000, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_realloc(large, SZ_1M, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_memdup(large, 100000, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_alloc(20000, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, 14, gomem_event_sum(GOMEM_EV_ALLOC_FAILURES) - failures);
	expect_heap(test);
	no_pages_end();

	gomem_free_bulk(n, f->objs);
	KUNIT_EXPECT_TRUE(test, is_filled(small, 1024));
	KUNIT_EXPECT_TRUE(test, is_filled(large, 100000));
	small = gomem_realloc(small, 20000, GFP_KERNEL);
	expect_object(test, small, 20000);
	gomem_free(small);
	gomem_free(large);
}

static int api_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->seed = seed_param ?: get_random_u32();
	prandom_seed_state(&f->rnd, f->seed);
	balance_save(&f->balance);
	test->priv = f;
	return 0;
}

static void api_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	expect_no_misuse(test);
	KUNIT_EXPECT_EQ_MSG(test, f->balance.live, live_objects(), "objects left, seed %u",
			    f->seed);
	expect_heap(test);
}

static struct kunit_case api_cases[] = {
	SLOW_CASE_PARAM(test_every_size, gfp_gen_params),
	KUNIT_CASE(test_zero_size),
	KUNIT_CASE(test_large_sizes),
	KUNIT_CASE(test_too_large),
	KUNIT_CASE(test_constant_sizes),
	KUNIT_CASE(test_zeroed),
	KUNIT_CASE_PARAM(test_array, array_gen_params),
	KUNIT_CASE_PARAM(test_realloc, realloc_gen_params),
	KUNIT_CASE(test_realloc_grow),
	KUNIT_CASE(test_realloc_in_place),
	KUNIT_CASE(test_realloc_nothing),
	KUNIT_CASE(test_memdup),
	KUNIT_CASE(test_strdup),
	KUNIT_CASE(test_bulk),
	KUNIT_CASE(test_owns),
	KUNIT_CASE(test_node),
	KUNIT_CASE(test_gfp_refused),
	KUNIT_CASE(test_free_sensitive),
	KUNIT_CASE(test_double_free),
	KUNIT_CASE(test_double_free_late),
	KUNIT_CASE(test_double_free_otherwise),
	KUNIT_CASE(test_use_after_free),
	KUNIT_CASE(test_free_sensitive_large_twice),
	KUNIT_CASE(test_write_after_free),
	KUNIT_CASE_PARAM(test_interior, interior_gen_params),
	KUNIT_CASE(test_tail),
	KUNIT_CASE(test_foreign),
	KUNIT_CASE_PARAM(test_context, context_gen_params),
	KUNIT_CASE(test_context_counted),
	KUNIT_CASE(test_context_caches),
	KUNIT_CASE(test_nmi),
	KUNIT_CASE(test_other_cpu),
	KUNIT_CASE(test_threads),
	KUNIT_CASE(test_no_memory),
	/* The last, as it leaves the heap empty. */
	KUNIT_CASE(test_short_span),
	{}
};

static struct kunit_suite api_suite = {
	.name = "gomem_api",
	.init = api_init,
	.exit = api_exit,
	.test_cases = api_cases,
};

kunit_test_suite(api_suite);
