// SPDX-License-Identifier: GPL-2.0
/*
 * callback_kunit.c - what gomem does with cleanups and constructors when the
 * module that has their functions is unloaded. The module of these suites plays
 * the part of that module.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/gomem.h>
#include <linux/module.h>

#include "fixture.h"
#include "api/cache.h"
#include "api/cleanup.h"
#include "api/object.h"
#include "cpu/mcentral.h"
#include "cpu/node.h"
#include "map/live.h"
#include "map/pagemap.h"
#include "map/report.h"
#include "map/span.h"

#define N		5
#define MANY		100
#define CONSTRUCTED	0xc0ffeeUL

static int callback_init(struct kunit *test)
{
	if (!__is_defined(MODULE))
		kunit_skip(test, "built in");
	return fixture_init(test);
}

static void count_one(void *arg)
{
	atomic_inc(arg);
}

static void free_inner(void *arg)
{
	gomem_free(arg);
}

static void *alloc_cleaned(struct kunit *test, void (*fn)(void *arg), void *arg)
{
	void *p = gomem_alloc(64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_EQ(test, 0, gomem_cleanup(p, fn, arg, GFP_KERNEL));
	return p;
}

/*
 * Cleanups that gomem drops when their module is unloaded do not run. Their
 * objects can still be freed, and can get new cleanups.
 */
static void test_cleanup(struct kunit *test)
{
	atomic_t n = ATOMIC_INIT(0);
	void *p[N];
	unsigned int i;

	for (i = 0; i < N; i++)
		p[i] = alloc_cleaned(test, count_one, &n);
	gomem_cleanups_drop(THIS_MODULE);
	expect_misuses(test, GOMEM_CLEANUP_LEFT, N);
	KUNIT_EXPECT_FALSE(test, gomem_cleanup_cancel(p[0], count_one, &n));
	KUNIT_EXPECT_EQ(test, 0, gomem_cleanup(p[1], count_one, &n,
					       GFP_KERNEL));
	for (i = 0; i < N; i++)
		gomem_free(p[i]);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&n));
	gomem_cleanups_drop(THIS_MODULE);
}

/* When a module is unloaded, a cleanup by another module's function stays. */
static void test_cleanup_of_other(struct kunit *test)
{
	void *buf = gomem_scratch_get(0, GFP_KERNEL), *p;

	p = alloc_cleaned(test, gomem_scratch_put, buf);
	gomem_cleanups_drop(THIS_MODULE);
	/*
	 * This runs the cleanup, which puts @buf. Otherwise fixture_exit()
	 * would find that @buf is live.
	 */
	gomem_free(p);
}

/*
 * gomem_cleanups_drop() first waits until objects that were passed to
 * gomem_free_rcu() are freed, so that their cleanups run. It does not report
 * these cleanups.
 */
static void test_cleanup_waits(struct kunit *test)
{
	struct item {
		struct gomem_rcu_head head;
		long data[6];
	} *p;
	void *inner = gomem_alloc(64, GFP_KERNEL);

	p = alloc_cleaned(test, free_inner, inner);
	gomem_free_rcu(p, head);
	gomem_cleanups_drop(THIS_MODULE);
}

static void construct(void *obj)
{
	*(unsigned long *)obj = CONSTRUCTED;
}

static struct gomem_cache *create(struct kunit *test)
{
	static const struct gomem_cache_args args = { .ctor = construct };
	struct gomem_cache *c = gomem_cache_create("left", 64, &args);

	KUNIT_ASSERT_NOT_NULL(test, c);
	return c;
}

/*
 * If a module leaves a cache behind when it is unloaded, gomem removes the
 * constructor from the cache, and empties the cache's slots. From then on, a
 * slot has only objects that were freed after that. gomem refuses an allocation
 * of more objects than this CPU's slot has. The cache still accepts frees of
 * its objects.
 */
static void test_constructor(struct kunit *test)
{
	struct gomem_cache *c = create(test),
			   *plain = gomem_cache_create("kept", 64, NULL);
	void *p[MANY], *q;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, plain);
	for (i = 0; i < MANY; i++)
		p[i] = gomem_cache_alloc(c, GFP_KERNEL);
	gomem_caches_orphan(THIS_MODULE);
	expect_misuses(test, GOMEM_CTOR_LEFT, 1);
	KUNIT_EXPECT_NULL(test, gomem_cache_alloc(c, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_cache_alloc(c, GFP_ATOMIC));
	KUNIT_EXPECT_NULL(test, gomem_cache_alloc_node(c, GFP_KERNEL, 0));
	KUNIT_EXPECT_EQ(test, 0,
			gomem_cache_alloc_bulk(c, GFP_KERNEL, 2, &q));
	expect_misuses(test, GOMEM_BAD_CACHE, 4);
	gomem_cache_free(c, p[0]);
	gomem_free(p[1]);
	gomem_cache_free_bulk(c, MANY - 2, p + 2);
	/*
	 * Some of the freed objects are in a slot, still constructed. But a
	 * slot holds fewer than MANY, so the call as a whole is refused.
	 */
	KUNIT_EXPECT_EQ(test, 0,
			gomem_cache_alloc_bulk(c, GFP_KERNEL, MANY, p));
	expect_misuses(test, GOMEM_BAD_CACHE, 1);
	gomem_caches_orphan(THIS_MODULE);
	q = gomem_cache_alloc(plain, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, q);
	gomem_free(q);
	gomem_cache_destroy(c);
	gomem_cache_destroy(plain);
}

/* Return how many objects of the span of @obj are live. */
static unsigned int live_neighbours(void *obj)
{
	struct gomem_span *s = gomem_pagemap_span(&gomem_pagemap,
						  (unsigned long)obj);
	unsigned int i, live = 0;

	for (i = 0; i < s->nelems; i++)
		live += gomem_cell_is_live(s, i);
	return live;
}

/*
 * Before gomem takes an object that is not in a slot, it checks that the cache
 * has its constructor. A CPU whose check came just before the cache lost its
 * constructor goes on to allocate. To imitate that, this test calls
 * gomem_object_alloc_remote(), which does not check. That function does not
 * hand out an object that was not constructed, but frees it again.
 */
static void test_constructor_race(struct kunit *test)
{
	struct gomem_cache *c = create(test);
	void *first = gomem_cache_alloc(c, GFP_KERNEL), *p[MANY];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, first);
	gomem_caches_orphan(THIS_MODULE);
	expect_misuses(test, GOMEM_CTOR_LEFT, 1);
	for (i = 0; i < MANY; i++)
		p[i] = gomem_object_alloc_remote(&c->kind, gomem_first_heap(),
						 GFP_KERNEL, _RET_IP_);
	for (i = 0; i < MANY; i++)
		if (p[i])
			KUNIT_EXPECT_EQ(test, CONSTRUCTED,
					*(unsigned long *)p[i]);
	for (i = 0; i < MANY; i++)
		gomem_free(p[i]);
	KUNIT_EXPECT_EQ(test, 1, live_neighbours(first));
	gomem_free(first);
	gomem_cache_destroy(c);
}

static struct kunit_case callback_cases[] = {
	KUNIT_CASE(test_cleanup),
	KUNIT_CASE(test_cleanup_of_other),
	KUNIT_CASE(test_cleanup_waits),
	KUNIT_CASE(test_constructor),
	KUNIT_CASE(test_constructor_race),
	{ }
};

static struct kunit_suite callback_suite = {
	.name = "gomem_callback",
	.init = callback_init,
	.exit = fixture_exit,
	.test_cases = callback_cases,
};

kunit_test_suite(callback_suite);
