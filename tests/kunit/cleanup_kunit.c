// SPDX-License-Identifier: GPL-2.0
/*
 * cleanup_kunit.c - cleanups, the functions that run when an object is freed:
 * each way to free runs each of them once, the one attached last first.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/gomem.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "base/sample.h"
#include "cpu/arm.h"
#include "balance.h"

static int cleanup_init(struct kunit *test)
{
	struct balance *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);

	if (!b)
		return -ENOMEM;
	test->priv = b;
	balance_save(b);
	return 0;
}

static void cleanup_exit(struct kunit *test)
{
	if (test->priv)
		balance_expect(test, test->priv);
}

static void count_one(void *arg)
{
	atomic_inc(arg);
}

/* Attach a cleanup that increments @n. */
static void *attach(struct kunit *test, void *p, atomic_t *n)
{
	KUNIT_ASSERT_FALSE(test, ZERO_OR_NULL_PTR(p));
	KUNIT_ASSERT_EQ(test, 0, gomem_cleanup(p, count_one, n, GFP_KERNEL));
	return p;
}

static void expect_runs(struct kunit *test, atomic_t *n, int runs)
{
	KUNIT_EXPECT_EQ(test, runs, atomic_read(n));
	atomic_set(n, 0);
}

/* A free runs the cleanup once, for tiny, small and large objects. */
static void test_sizes(struct kunit *test)
{
	static const size_t sizes[] = {
		1, 5, 8, 15, 16, 64, 100, 1024, SZ_8K, SZ_32K, 100000, SZ_1M,
	};
	atomic_t n = ATOMIC_INIT(0);
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = attach(test, gomem_alloc(sizes[i], GFP_KERNEL), &n);
		expect_runs(test, &n, 0);
		gomem_free(p);
		expect_runs(test, &n, 1);
		p = attach(test, gomem_alloc_noscan(sizes[i], GFP_KERNEL), &n);
		gomem_free(p);
		expect_runs(test, &n, 1);
		/* The next object at this address has no cleanup. */
		p = gomem_alloc(sizes[i], GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		gomem_free(p);
		expect_runs(test, &n, 0);
	}
}

/* A cleanup of one tiny object does not run for its neighbours in the block. */
static void test_tiny_neighbours(struct kunit *test)
{
	atomic_t n = ATOMIC_INIT(0);
	void *p[12];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomem_alloc_noscan(3, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
		if (i % 3 == 1)
			attach(test, p[i], &n);
	}
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		gomem_free(p[i]);
		expect_runs(test, &n, i % 3 == 1);
	}
}

struct order {
	unsigned int n;
	unsigned int got[3];
};

struct step {
	struct order *order;
	unsigned int nr;
};

static void note_step(void *arg)
{
	struct step *s = arg;

	s->order->got[min(s->order->n++, 2U)] = s->nr;
}

/*
 * If an object has several cleanups, the one that was attached last runs first.
 * A canceled one does not run.
 */
static void test_several(struct kunit *test)
{
	struct order order = { };
	struct step step[4] = { { &order, 0 },
				{ &order, 1 },
				{ &order, 2 },
				{ &order, 3 } };
	void *p = gomem_alloc(200, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	for (i = 0; i < ARRAY_SIZE(step); i++)
		KUNIT_ASSERT_EQ(test, 0,
				gomem_cleanup(p, note_step, &step[i],
					      GFP_KERNEL));
	KUNIT_EXPECT_TRUE(test, gomem_cleanup_cancel(p, note_step, &step[2]));
	KUNIT_EXPECT_FALSE(test, gomem_cleanup_cancel(p, note_step, &step[2]));
	KUNIT_EXPECT_FALSE(test, gomem_cleanup_cancel(p, note_step, test));
	gomem_free(p);
	KUNIT_EXPECT_EQ(test, 3U, order.n);
	KUNIT_EXPECT_EQ(test, 3U, order.got[0]);
	KUNIT_EXPECT_EQ(test, 1U, order.got[1]);
	KUNIT_EXPECT_EQ(test, 0U, order.got[2]);
}

/* If the only cleanup of an object is canceled, the free runs none. */
static void test_cancel(struct kunit *test)
{
	struct gomem_cache *c = gomem_cache_create("cleaned", 72, NULL);
	atomic_t n = ATOMIC_INIT(0);
	void *p;

	KUNIT_ASSERT_NOT_NULL(test, c);
	p = attach(test, gomem_alloc(64, GFP_KERNEL), &n);
	KUNIT_EXPECT_TRUE(test, gomem_cleanup_cancel(p, count_one, &n));
	gomem_free(p);
	p = attach(test, gomem_cache_alloc(c, GFP_KERNEL), &n);
	KUNIT_EXPECT_TRUE(test, gomem_cleanup_cancel(p, count_one, &n));
	gomem_cache_free(c, p);
	expect_runs(test, &n, 0);
	KUNIT_EXPECT_FALSE(test, gomem_cleanup_cancel(p, count_one, &n));
	KUNIT_EXPECT_FALSE(test, gomem_cleanup_cancel(NULL, count_one, &n));
	gomem_cache_destroy(c);
}

static void test_bulk(struct kunit *test)
{
	static const size_t sizes[] = { 48, 4096 };
	atomic_t n = ATOMIC_INIT(0);
	void *p[40];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_ASSERT_EQ(test, ARRAY_SIZE(p),
				gomem_alloc_bulk(sizes[i], GFP_KERNEL,
						 ARRAY_SIZE(p), p));
		for (j = 0; j < ARRAY_SIZE(p); j += 2)
			attach(test, p[j], &n);
		/*
		 * A bulk free of few objects takes another path than one of
		 * many.
		 */
		gomem_free_bulk(4, p);
		expect_runs(test, &n, 2);
		gomem_free_bulk(ARRAY_SIZE(p) - 4, p + 4);
		expect_runs(test, &n, 18);
	}
}

static void test_cache(struct kunit *test)
{
	struct gomem_cache *c = gomem_cache_create("cleaned", 72, NULL);
	atomic_t n = ATOMIC_INIT(0);
	void *p[40];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	gomem_cache_free(c, attach(test, gomem_cache_alloc(c, GFP_KERNEL), &n));
	expect_runs(test, &n, 1);
	gomem_free(attach(test, gomem_cache_alloc(c, GFP_KERNEL), &n));
	expect_runs(test, &n, 1);
	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(p),
			gomem_cache_alloc_bulk(c, GFP_KERNEL, ARRAY_SIZE(p),
					       p));
	for (i = 0; i < ARRAY_SIZE(p); i += 4)
		attach(test, p[i], &n);
	gomem_cache_free_bulk(c, ARRAY_SIZE(p), p);
	expect_runs(test, &n, 10);
	gomem_cache_destroy(c);
}

static void test_others(struct kunit *test)
{
	atomic_t n = ATOMIC_INIT(0);
	struct gomem_arena *arena;
	void *p;

	gomem_scratch_put(attach(test, gomem_scratch_get(1, GFP_KERNEL), &n));
	expect_runs(test, &n, 1);
	gomem_free_sensitive(attach(test, gomem_alloc(64, GFP_KERNEL), &n));
	expect_runs(test, &n, 1);

	arena = attach(test, gomem_arena_create(GFP_KERNEL), &n);
	p = gomem_arena_alloc(arena, 100, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	expect_runs(test, &n, 0);
	gomem_arena_destroy(arena);
	expect_runs(test, &n, 1);
}

static void test_rcu(struct kunit *test)
{
	struct item {
		struct gomem_rcu_head head;
		long data[6];
	} *p;
	atomic_t n = ATOMIC_INIT(0);

	p = attach(test, gomem_alloc(sizeof(*p), GFP_KERNEL), &n);
	gomem_free_rcu(p, head);
	gomem_rcu_barrier();
	expect_runs(test, &n, 1);
	p = attach(test, gomem_alloc(100000, GFP_KERNEL), &n);
	gomem_free_rcu_mightsleep(p);
	gomem_rcu_barrier();
	expect_runs(test, &n, 1);
}

/*
 * If gomem_realloc() moves an object, the old object is freed, so its cleanup
 * runs. An object that is resized in place keeps its cleanup.
 */
static void test_realloc(struct kunit *test)
{
	atomic_t n = ATOMIC_INIT(0);
	void *p = attach(test, gomem_alloc(40, GFP_KERNEL), &n), *q;

	KUNIT_ASSERT_PTR_EQ(test, p, gomem_realloc(p, 48, GFP_KERNEL));
	expect_runs(test, &n, 0);
	q = gomem_realloc(p, 1000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, q);
	expect_runs(test, &n, 1);
	gomem_free(q);
	expect_runs(test, &n, 0);

	p = attach(test, gomem_alloc(100000, GFP_KERNEL), &n);
	q = gomem_realloc(p, 200000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, q);
	KUNIT_EXPECT_EQ(test, p != q, atomic_read(&n));
	gomem_free(q);
	expect_runs(test, &n, 1);
}

/* An object may have a record of the heap profile and several cleanups. */
static void test_sampled(struct kunit *test)
{
	unsigned long rate = gomem_profile_rate;
	atomic_t n = ATOMIC_INIT(0);
	void *p;

	gomem_sample_set_rate(1);
	gomem_arm_all();
	p = attach(test, gomem_alloc(64, GFP_KERNEL), &n);
	attach(test, p, &n);
	KUNIT_EXPECT_TRUE(test, gomem_cleanup_cancel(p, count_one, &n));
	gomem_free(p);
	expect_runs(test, &n, 1);
	gomem_free(attach(test, gomem_alloc_noscan(3, GFP_KERNEL), &n));
	expect_runs(test, &n, 1);
	gomem_sample_set_rate(rate);
	gomem_arm_all();
}

static void free_other(void *arg)
{
	gomem_free(arg);
}

/* A cleanup may free other objects, which may have cleanups. */
static void test_nested(struct kunit *test)
{
	atomic_t n = ATOMIC_INIT(0);
	void *inner = attach(test, gomem_alloc(64, GFP_KERNEL), &n);
	void *outer = gomem_alloc(64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, outer);
	KUNIT_ASSERT_EQ(test, 0,
			gomem_cleanup(outer, free_other, inner, GFP_KERNEL));
	gomem_free(outer);
	expect_runs(test, &n, 1);
}

/* A second free of an object does not run its cleanup again. */
static void test_double_free(struct kunit *test)
{
	atomic_t n = ATOMIC_INIT(0);
	void *p = attach(test, gomem_alloc(64, GFP_KERNEL), &n);

	gomem_free(p);
	gomem_free(p);
	balance_expect_misuses(test, test->priv, GOMEM_DOUBLE_FREE, 1);
	expect_runs(test, &n, 1);
}

static void test_refused(struct kunit *test)
{
	struct gomem_arena *arena = gomem_arena_create(GFP_KERNEL);
	atomic_t n = ATOMIC_INIT(0);
	u8 *p = gomem_alloc(64, GFP_KERNEL);
	void *in;

	KUNIT_ASSERT_NOT_NULL(test, arena);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			gomem_cleanup(NULL, count_one, &n, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			gomem_cleanup(ZERO_SIZE_PTR, count_one, &n,
				      GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, -EINVAL, gomem_cleanup(p, NULL, &n, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			gomem_cleanup(p + 8, count_one, &n, GFP_KERNEL));
	balance_expect_misuses(test, test->priv, GOMEM_INTERIOR_POINTER, 1);
	in = gomem_arena_alloc(arena, 100, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			gomem_cleanup(in, count_one, &n, GFP_KERNEL));
	balance_expect_misuses(test, test->priv, GOMEM_WRONG_FUNCTION, 1);
	gomem_free(p);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			gomem_cleanup(p, count_one, &n, GFP_KERNEL));
	balance_expect_misuses(test, test->priv, GOMEM_USE_AFTER_FREE, 1);
	gomem_arena_destroy(arena);
	expect_runs(test, &n, 0);
}

struct late {
	void *p;
	int err;
};

static void attach_late(void *arg)
{
	struct late *late = arg;

	late->err = gomem_cleanup(late->p, count_one, NULL, GFP_ATOMIC);
}

/*
 * A large object that is being freed accepts no other cleanup: that cleanup
 * would never run.
 */
static void test_late(struct kunit *test)
{
	struct late late = { .p = gomem_alloc(SZ_1M, GFP_KERNEL) };

	KUNIT_ASSERT_NOT_NULL(test, late.p);
	KUNIT_ASSERT_EQ(test, 0,
			gomem_cleanup(late.p, attach_late, &late, GFP_KERNEL));
	gomem_free(late.p);
	KUNIT_EXPECT_EQ(test, -EINVAL, late.err);
	balance_expect_misuses(test, test->priv, GOMEM_USE_AFTER_FREE, 1);
}

static struct kunit_case cleanup_cases[] = {
	KUNIT_CASE(test_sizes),
	KUNIT_CASE(test_tiny_neighbours),
	KUNIT_CASE(test_several),
	KUNIT_CASE(test_cancel),
	KUNIT_CASE(test_bulk),
	KUNIT_CASE(test_cache),
	KUNIT_CASE(test_others),
	KUNIT_CASE(test_rcu),
	KUNIT_CASE(test_realloc),
	KUNIT_CASE(test_sampled),
	KUNIT_CASE(test_nested),
	KUNIT_CASE(test_double_free),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_late),
	{ }
};

static struct kunit_suite cleanup_suite = {
	.name = "gomem_cleanup",
	.init = cleanup_init,
	.exit = cleanup_exit,
	.test_cases = cleanup_cases,
};

kunit_test_suite(cleanup_suite);
