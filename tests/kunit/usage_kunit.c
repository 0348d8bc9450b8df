// SPDX-License-Identifier: GPL-2.0
/*
 * usage_kunit.c - the usage of a module: the usable bytes of the live objects
 * that its code allocated, except for those that are charged to accounts. And
 * the limits of modules. The profile records each object, so the numbers are
 * exact.
 *
 * make check: on two CPUs
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/sizes.h>

#include "fixture.h"
#include "base/sample.h"
#include "base/stats.h"
#include "cpu/arm.h"
#include "api/account.h"
#include "api/client.h"
#include "api/usage.h"

#define BULK	30

struct usage_fixture {
	struct fixture base;
	unsigned long rate;
	struct gomem_client *c;
	s64 before;
};

static s64 usage_of(const struct gomem_client *c)
{
	return atomic64_read(&c->usage.bytes) + atomic64_read(&c->usage.large);
}

static int usage_init(struct kunit *test)
{
	struct usage_fixture *f;

	/* User-Mode Linux can only guess the frames of a stack. */
	if (!__is_defined(MODULE) || IS_ENABLED(CONFIG_UML))
		kunit_skip(test, "built in, or no exact stacks");
	f = fixture_alloc(test, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->rate = gomem_profile_rate;
	gomem_sample_set_rate(1);
	gomem_arm_all();
	f->c = gomem_client_find(KBUILD_MODNAME);
	if (!f->c)
		return -ENOENT;
	f->before = usage_of(f->c);
	return 0;
}

static void usage_exit(struct kunit *test)
{
	struct usage_fixture *f = test->priv;

	if (!f)
		return;
	gomem_usage_limit(KBUILD_MODNAME " soft=0 hard=0");
	gomem_sample_set_rate(f->rate);
	gomem_arm_all();
	fixture_exit(test);
}

static void expect_usage(struct kunit *test, s64 bytes)
{
	struct usage_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, bytes, usage_of(f->c) - f->before);
}

static void test_sizes(struct kunit *test)
{
	static const struct {
		size_t size;
		s64 bytes;
	} sizes[] = {
		{ 8, 8 }, { 64, 64 }, { 1000, 1024 }, { SZ_32K, SZ_32K },
		{ 40000, 40960 }, { SZ_1M, SZ_1M },
	};
	struct usage_fixture *f = test->priv;
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = gomem_alloc(sizes[i].size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		expect_usage(test, sizes[i].bytes);
		gomem_free(p);
		expect_usage(test, 0);
	}
	KUNIT_EXPECT_GE(test, atomic64_read(&f->c->usage.peak),
			f->before + SZ_1M);
	KUNIT_EXPECT_EQ(test, 0, atomic64_read(&f->c->usage.variance));
}

/* Bytes that are charged to an account are not counted for the module. */
static void test_charged(struct kunit *test)
{
	struct gomem_account *a = gomem_account_create("tested", 0, 0, NULL,
						       NULL), *old;
	void *p[BULK], *q, *r;

	KUNIT_ASSERT_NOT_NULL(test, a);
	old = gomem_account_enter(a);
	KUNIT_ASSERT_EQ(test, BULK, gomem_alloc_bulk(64, GFP_KERNEL, BULK, p));
	q = gomem_alloc(40000, GFP_KERNEL);
	gomem_account_exit(old);
	KUNIT_EXPECT_EQ(test, 40960 + BULK * 64, gomem_account_bytes(a));
	expect_usage(test, 0);
	r = gomem_account_alloc(a, 64, GFP_KERNEL);
	expect_usage(test, 0);
	/*
	 * A resized object stays charged to the account, whether it stays in
	 * place or moves.
	 */
	q = gomem_realloc(q, 80000, GFP_KERNEL);
	r = gomem_realloc(r, 3000, GFP_KERNEL);
	expect_usage(test, 0);
	gomem_free_bulk(BULK, p);
	gomem_free(q);
	gomem_free(r);
	expect_usage(test, 0);
	KUNIT_EXPECT_EQ(test, 0, gomem_account_bytes(a));
	gomem_account_destroy(a);
	/* If a charge is refused, nothing is counted. */
	a = gomem_account_create("tested", 0, 100, NULL, NULL);
	KUNIT_EXPECT_NULL(test, gomem_account_alloc(a, 3000, GFP_KERNEL));
	expect_usage(test, 0);
	gomem_account_destroy(a);
}

/*
 * Extend a large object, one page at a time. Its usable size is counted,
 * whether the object stays in place or moves.
 */
static void test_grown(struct kunit *test)
{
	s64 moved = gomem_event_sum(GOMEM_EV_REALLOC_MOVED);
	size_t size = 40000;
	void *p = gomem_alloc(size, GFP_KERNEL), *q;

	for (; size < SZ_512K; size += GOMEM_PAGE_SIZE) {
		q = gomem_realloc(p, size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, q);
		p = q;
		expect_usage(test, gomem_usable_size(p));
	}
	/*
	 * If this fails, half of the calls or more moved the object, and the
	 * case has tested little.
	 */
	moved = gomem_event_sum(GOMEM_EV_REALLOC_MOVED) - moved;
	KUNIT_EXPECT_LT(test, moved, (SZ_512K - 40000) / GOMEM_PAGE_SIZE / 2);
	gomem_free(p);
	expect_usage(test, 0);
}

/*
 * While a module is above its hard limit, its objects can grow only if they are
 * charged to an account.
 */
static void test_grown_hard(struct kunit *test)
{
	struct gomem_account *a = gomem_account_create("tested", 0, 0, NULL,
						       NULL), *old;
	struct usage_fixture *f = test->priv;
	void *p = gomem_alloc(SZ_1M, GFP_KERNEL), *q, *r;
	s64 failures;

	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, p);
	q = gomem_account_alloc(a, 40000, GFP_KERNEL);
	KUNIT_ASSERT_EQ(test, 0,
			gomem_usage_limit(KBUILD_MODNAME " hard=1000K"));
	failures = atomic64_read(&f->c->usage.failures);
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, SZ_1M + 1, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, (size_t)SZ_1M, gomem_usable_size(p));
	KUNIT_EXPECT_LT(test, failures, atomic64_read(&f->c->usage.failures));
	r = gomem_account_alloc(a, 100, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, r);
	q = gomem_realloc(q, 80000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, q);
	expect_usage(test, SZ_1M);
	/* Between enter and exit, the account pays for an object that grows. */
	old = gomem_account_enter(a);
	p = gomem_realloc(p, SZ_1M + 1, GFP_KERNEL);
	gomem_account_exit(old);
	KUNIT_EXPECT_NOT_NULL(test, p);
	expect_usage(test, 0);
	gomem_free(p);
	gomem_free(q);
	gomem_free(r);
	KUNIT_EXPECT_EQ(test, 0, gomem_account_bytes(a));
	gomem_account_destroy(a);
}

/*
 * Above the hard limit each way to allocate fails, until objects are freed. An
 * allocation with __GFP_NOFAIL succeeds.
 */
static void test_hard(struct kunit *test)
{
	struct usage_fixture *f = test->priv;
	struct gomem_cache *c = gomem_cache_create("limited", 72, NULL);
	void *p = gomem_alloc(SZ_1M, GFP_KERNEL), *q[BULK];

	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_EQ(test, 0,
			gomem_usage_limit(KBUILD_MODNAME " hard=1000K"));
	KUNIT_EXPECT_NULL(test, gomem_alloc(100, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(4, GFP_ATOMIC));
	KUNIT_EXPECT_NULL(test, gomem_alloc(40000, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_alloc_node(100, GFP_KERNEL, 0));
	KUNIT_EXPECT_NULL(test, gomem_cache_alloc(c, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_scratch_get(0, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 0, gomem_alloc_bulk(100, GFP_KERNEL, BULK, q));
	KUNIT_EXPECT_GE(test, atomic64_read(&f->c->usage.failures), 7);
	q[0] = gomem_alloc(100, GFP_KERNEL | __GFP_NOFAIL);
	KUNIT_EXPECT_NOT_NULL(test, q[0]);
	gomem_free(p);
	q[1] = gomem_alloc(100, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, q[1]);
	gomem_free_bulk(2, q);
	gomem_cache_destroy(c);
	expect_usage(test, 0);
}

/*
 * When the usage rises above the soft limit, this is counted once, and again
 * only after the usage was below 7/8 of the limit.
 */
static void test_soft(struct kunit *test)
{
	struct usage_fixture *f = test->priv;
	u64 before = f->c->usage.crossings;
	void *p, *q;

	KUNIT_ASSERT_EQ(test, 0, gomem_usage_limit(KBUILD_MODNAME " soft=1M"));
	p = gomem_alloc(SZ_1M - SZ_64K, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, before, f->c->usage.crossings);
	q = gomem_alloc(SZ_128K, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, before + 1, f->c->usage.crossings);
	gomem_free(q);
	q = gomem_alloc(SZ_128K, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, before + 1, f->c->usage.crossings);
	gomem_free(p);
	p = gomem_alloc(SZ_1M, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, before + 2, f->c->usage.crossings);
	gomem_free(p);
	gomem_free(q);
}

static void test_refused(struct kunit *test)
{
	struct usage_fixture *f = test->priv;
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{ "", -ENOENT }, { "no_such_module soft=1", -ENOENT },
		{ KBUILD_MODNAME, -EINVAL }, { KBUILD_MODNAME " ", -EINVAL },
		{ KBUILD_MODNAME " soft=", -EINVAL },
		{ KBUILD_MODNAME " soft=x", -EINVAL },
		{ KBUILD_MODNAME " soft=1x", -EINVAL },
		{ KBUILD_MODNAME " soft=1 hard", -EINVAL },
		{ KBUILD_MODNAME " soft=1 soft=2", -EINVAL },
		{ KBUILD_MODNAME " hard=1 soft=1 hard=1", -EINVAL },
		{ KBUILD_MODNAME " soft=1\nhard=1", -EINVAL },
		{ KBUILD_MODNAME " limit=1", -EINVAL },
		{ KBUILD_MODNAME " hard=99999999999G", -EINVAL },
		{ KBUILD_MODNAME " hard=K", -EINVAL },
		{ KBUILD_MODNAME " hard=18446744073709551616", -EINVAL },
		{ KBUILD_MODNAME " hard=17179869184G", -EINVAL },
		{ KBUILD_MODNAME " hard=-1", -EINVAL },
		{ KBUILD_MODNAME " soft=2G hard=3G\n", 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, cases[i].err,
				    gomem_usage_limit(cases[i].text), "\"%s\"",
				    cases[i].text);
	KUNIT_EXPECT_EQ(test, f->c->usage.soft, 2ULL << 30);
	KUNIT_EXPECT_EQ(test, f->c->usage.hard, 3ULL << 30);
}

static struct kunit_case usage_cases[] = {
	KUNIT_CASE(test_sizes),
	KUNIT_CASE(test_charged),
	KUNIT_CASE(test_grown),
	KUNIT_CASE(test_grown_hard),
	KUNIT_CASE(test_hard),
	KUNIT_CASE(test_soft),
	KUNIT_CASE(test_refused),
	{ }
};

static struct kunit_suite usage_suite = {
	.name = "gomem_usage",
	.init = usage_init,
	.exit = usage_exit,
	.test_cases = usage_cases,
};

kunit_test_suite(usage_suite);
