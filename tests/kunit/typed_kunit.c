// SPDX-License-Identifier: GPL-2.0
/*
 * typed_kunit.c - objects of typed caches: allocation, free, and misuse.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/rcupdate.h>

#include "context.h"
#include "fixture.h"
#include "typed_steps.h"
#include "api/cache.h"
#include "api/rcu.h"
#include "base/stats.h"
#include "cpu/node.h"
#include "run/check.h"

#define MAX_OBJECTS	3000

/*
 * Allocate and free objects of random caches, in random order, without bulk
 * calls. Shrink the caches in between.
 */
static void test_random(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_cache *c[5];
	unsigned int i, k, round;
	gfp_t gfp;

	for (k = 0; k < ARRAY_SIZE(c); k++)
		c[k] = typed_create(test, 1 + below(&f->rnd, 3000), NULL);
	for (round = 0; round < 20000; round++) {
		i = below(&f->rnd, 1000);
		k = i % ARRAY_SIZE(c);
		if (!f->objs[i]) {
			gfp = round % 3 ? GFP_KERNEL : GFP_ATOMIC | __GFP_ZERO;
			f->objs[i] = typed_get(test, c[k], gfp);
			fill(f->objs[i], c[k]->kind.object_size);
			continue;
		}
		KUNIT_ASSERT_TRUE(test, is_filled(f->objs[i],
						  c[k]->kind.object_size));
		if (round % 2)
			gomem_free(f->objs[i]);
		else
			gomem_cache_free(c[k], f->objs[i]);
		f->objs[i] = NULL;
		if (round % 1000 == 1)
			gomem_cache_shrink(c[k]);
	}
	KUNIT_EXPECT_NULL(test, gomem_check_all());
	for (i = 0; i < 1000; i++)
		if (f->objs[i])
			gomem_free(f->objs[i]);
	for (k = 0; k < ARRAY_SIZE(c); k++) {
		KUNIT_EXPECT_EQ(test, 0, gomem_cache_shrink(c[k]));
		KUNIT_EXPECT_EQ(test, 0, typed_spans_of(c[k]));
		gomem_cache_destroy(c[k]);
	}
}

static void get_zeroed(struct kunit *test, struct gomem_cache *c,
		       unsigned int n, void **p, bool bulk)
{
	unsigned int i;

	if (bulk) {
		KUNIT_ASSERT_EQ(test, n,
				gomem_cache_alloc_bulk(c,
						       GFP_KERNEL | __GFP_ZERO,
						       n, p));
	} else {
		for (i = 0; i < n; i++)
			p[i] = gomem_cache_zalloc(c, GFP_KERNEL);
	}
	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
		KUNIT_ASSERT_TRUE_MSG(test, is_zero(p[i], c->kind.object_size),
				      "object %u of %u bytes", i,
				      c->kind.object_size);
	}
	/*
	 * Fill the objects only after all checks. If two objects overlapped, a
	 * fill between the checks would look like an object that was not
	 * cleared.
	 */
	for (i = 0; i < n; i++)
		memset(p[i], 0xff, c->kind.object_size);
}

/*
 * Expect that an allocation with __GFP_ZERO clears new objects and objects that
 * were used before, and that it does not change their neighbours.
 */
static void expect_zero(struct kunit *test, unsigned int size, bool typesafe,
			bool bulk)
{
	struct gomem_cache_args args = { .typesafe_by_rcu = typesafe };
	struct gomem_cache *c = typed_create(test, size, &args);
	struct fixture *f = test->priv;
	unsigned int i, round, n = 50;
	void **stay = f->objs, **go = f->objs + n;

	get_zeroed(test, c, 2 * n, f->objs, bulk);
	gomem_cache_free_bulk(c, 2 * n, f->objs);
	for (i = 0; i < n; i++) {
		get_zeroed(test, c, 1, stay + i, bulk);
		get_zeroed(test, c, 1, go + i, bulk);
	}
	for (round = 0; round < 2; round++) {
		gomem_cache_free_bulk(c, n, go);
		get_zeroed(test, c, n, go, bulk);
		for (i = 0; i < n; i++)
			KUNIT_ASSERT_NULL(test,
					  memchr_inv(stay[i], 0xff, size));
	}
	gomem_cache_free_bulk(c, 2 * n, f->objs);
	gomem_cache_destroy(c);
}

/* __GFP_ZERO clears whole objects of a cache without a constructor. */
static void test_zero(struct kunit *test)
{
	/*
	 * The code that clears an object differs for sizes from 17, 33, 65,
	 * 129, 193 and 257 bytes on.
	 */
	static const unsigned int sizes[] = {
		1, 8, 16, 17, 31, 33, 64, 77, 128, 136, 192, 200, 256, 257,
		1000,
	};
	unsigned int i, how;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (how = 0; how < 4; how++)
			expect_zero(test, sizes[i], how & 1, how & 2);
}

static void test_bulk(struct kunit *test)
{
	static const unsigned int sizes[] = {
		0, 1, 2, 15, 16, 17, 64, 100, 1000, 3000,
	};
	struct gomem_cache *c = typed_create(test, 72, NULL);
	struct fixture *f = test->priv;
	unsigned int i, k;

	for (k = 0; k < ARRAY_SIZE(sizes); k++) {
		KUNIT_ASSERT_EQ(test, sizes[k],
				gomem_cache_alloc_bulk(c, GFP_KERNEL, sizes[k],
						       f->objs));
		for (i = 0; i < sizes[k]; i++)
			fill(f->objs[i], 72);
		for (i = 0; i < sizes[k]; i++)
			KUNIT_ASSERT_TRUE(test, is_filled(f->objs[i], 72));
		gomem_cache_free_bulk(c, sizes[k], f->objs);
	}
	gomem_cache_destroy(c);
}

struct irq_use {
	struct gomem_cache *c;
	void *p[40];
	unsigned int dirty;
};

static void use_in_irq(void *arg)
{
	struct irq_use *f = arg;
	unsigned int i, k;

	for (k = 0; k < 2; k++) {
		if (!gomem_cache_alloc_bulk(f->c, GFP_ATOMIC | __GFP_ZERO, 8,
					    f->p))
			break;
		for (i = 0; i < 8; i++) {
			f->dirty += !is_zero(f->p[i], 300);
			memset(f->p[i], 0xff, 300);
		}
		gomem_cache_free_bulk(f->c, 8, f->p);
	}
	for (i = 0; i < ARRAY_SIZE(f->p); i++) {
		f->p[i] = gomem_cache_zalloc(f->c, GFP_ATOMIC);
		f->dirty += f->p[i] && !is_zero(f->p[i], 300);
	}
	for (i = 0; i < ARRAY_SIZE(f->p); i += 2)
		gomem_cache_free(f->c, f->p[i]);
}

static void test_irq(struct kunit *test)
{
	struct irq_use f = { .c = typed_create(test, 300, NULL) };
	u64 allocs, frees;
	unsigned int i;

	allocs = gomem_event_sum(GOMEM_EV_HARDIRQ_ALLOCS);
	frees = gomem_event_sum(GOMEM_EV_HARDIRQ_FREES);
	run_in_hardirq(use_in_irq, &f);
	/* Each bulk call counts as one allocation or free. */
	if (!IS_ENABLED(CONFIG_PREEMPT_RT)) {
		KUNIT_EXPECT_EQ(test, allocs + 2 + ARRAY_SIZE(f.p),
				gomem_event_sum(GOMEM_EV_HARDIRQ_ALLOCS));
		KUNIT_EXPECT_EQ(test, frees + 2 + ARRAY_SIZE(f.p) / 2,
				gomem_event_sum(GOMEM_EV_HARDIRQ_FREES));
	}
	KUNIT_EXPECT_EQ(test, 0, f.dirty);
	for (i = 1; i < ARRAY_SIZE(f.p); i += 2) {
		KUNIT_EXPECT_NOT_NULL(test, f.p[i]);
		gomem_cache_free(f.c, f.p[i]);
	}
	gomem_cache_destroy(f.c);
}

static void test_node(struct kunit *test)
{
	struct gomem_cache *c = typed_create(test, 500, NULL);
	struct fixture *f = test->priv;
	unsigned int n = 0;
	int node;

	/* A task that moves after the choice of the slots gets other memory. */
	stay_here(test);
	for_each_online_node(node) {
		f->objs[n] = gomem_cache_alloc_node(c, GFP_KERNEL | __GFP_ZERO,
						    node);
		KUNIT_ASSERT_NOT_NULL(test, f->objs[n]);
		KUNIT_EXPECT_EQ(test, gomem_node_heap(node)->node,
				page_to_nid(virt_to_page(f->objs[n])));
		KUNIT_EXPECT_TRUE(test, is_zero(f->objs[n], 500));
		n++;
	}
	KUNIT_EXPECT_NULL(test,
			  gomem_cache_alloc_node(c, GFP_KERNEL, MAX_NUMNODES));
	expect_misuses(test, GOMEM_BAD_NODE, 1);
	gomem_cache_free_bulk(c, n, f->objs);
	gomem_cache_destroy(c);
}

/* Misuse is reported, and changes nothing. */
static void test_misuse(struct kunit *test)
{
	struct gomem_cache *c = typed_create(test, 64, NULL),
			   *other = typed_create(test, 64, NULL);
	void *p = typed_get(test, c, GFP_KERNEL),
	     *q = gomem_alloc(64, GFP_KERNEL);
	int x;

	gomem_cache_free(c, NULL);
	gomem_cache_free(other, p);
	gomem_cache_free(c, q);
	expect_misuses(test, GOMEM_WRONG_FUNCTION, 2);
	gomem_cache_free(c, p + 8);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);
	gomem_cache_free(c, &x);
	expect_misuses(test, GOMEM_FOREIGN_POINTER, 1);
	gomem_cache_free(c, p);
	gomem_cache_free(c, p);
	gomem_free(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 2);
	KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p));
	expect_misuses(test, GOMEM_USE_AFTER_FREE, 1);
	KUNIT_EXPECT_NULL(test, gomem_cache_alloc(c, GFP_KERNEL | __GFP_DMA));
	expect_misuses(test, GOMEM_BAD_GFP, 1);
	gomem_free(q);
	gomem_cache_destroy(c);
	gomem_cache_destroy(other);
	gomem_cache_destroy(NULL);
	gomem_cache_destroy((void *)&x);
	gomem_cache_destroy(c);
	expect_misuses(test, GOMEM_BAD_CACHE, 2);
}

/*
 * A bulk free gets bad pointers: an object twice, or an object of another
 * cache. Each of them is reported, and all objects of the cache are freed once.
 */
static void test_bulk_misuse(struct kunit *test)
{
	struct gomem_cache *c = typed_create(test, 48, NULL),
			   *other = typed_create(test, 48, NULL);
	struct fixture *f = test->priv;
	const unsigned int n = 200;
	void **p = f->objs;

	KUNIT_ASSERT_EQ(test, n, gomem_cache_alloc_bulk(c, GFP_KERNEL, n, p));
	/*
	 * Free p[10] twice: the slot may hold it when its second free comes.
	 * Free the last object twice, too: the slot has no room left for it.
	 */
	p[n] = p[n - 1];
	p[n - 1] = p[10];
	p[n + 1] = NULL;
	p[n + 2] = p[n];
	gomem_cache_free_bulk(c, n + 3, p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 2);

	KUNIT_ASSERT_EQ(test, n, gomem_cache_alloc_bulk(c, GFP_KERNEL, n, p));
	p[n + 1] = typed_get(test, other, GFP_KERNEL);
	p[n] = p[n - 1];
	p[n - 1] = p[n + 1];
	gomem_cache_free_bulk(c, n + 1, p);
	expect_misuses(test, GOMEM_WRONG_FUNCTION, 1);
	KUNIT_EXPECT_EQ(test, 1, typed_spans_of(other));
	gomem_cache_free(other, p[n + 1]);
	gomem_cache_destroy(other);
	/* This would report an object that is still live. */
	gomem_cache_destroy(c);
}

/*
 * A small batch has a bad pointer at each place in turn: a free object, an
 * interior pointer, or an address in the tail.
 */
static void test_bulk_few(struct kunit *test)
{
	struct gomem_cache *c = typed_create(test, 72, NULL);
	struct fixture *f = test->priv;
	unsigned int bad, i, n = 12;
	struct gomem_span *s;
	void *p, *tail;

	for (i = 0; i < 3; i++) {
		for (bad = 0; bad < n; bad++) {
			KUNIT_ASSERT_EQ(test, n,
					gomem_cache_alloc_bulk(c, GFP_KERNEL, n,
							       f->objs));
			p = f->objs[bad];
			s = span_at(p);
			tail = (void *)s->base + s->nelems * 72UL;
			if (!i)
				gomem_cache_free(c, p);
			else
				f->objs[bad] = i == 1 ? p + 8 : tail;
			gomem_cache_free_bulk(c, n, f->objs);
			expect_misuses(test, i ? GOMEM_INTERIOR_POINTER :
				       GOMEM_DOUBLE_FREE, 1);
			if (i)
				gomem_cache_free(c, p);
		}
	}
	gomem_cache_destroy(c);
}

/* Without memory an allocation returns NULL, and nothing is lost. */
static void test_no_memory(struct kunit *test)
{
	struct gomem_cache *c = typed_create(test, 20000, NULL);
	struct fixture *f = test->priv;
	unsigned int n = 0;

	no_pages_begin();
	while (n < MAX_OBJECTS) {
		f->objs[n] = gomem_cache_alloc(c, GFP_NOWAIT | __GFP_NOWARN);
		if (!f->objs[n])
			break;
		n++;
	}
	no_pages_end();
	KUNIT_EXPECT_LT(test, n, MAX_OBJECTS);
	gomem_cache_free_bulk(c, n, f->objs);
	gomem_cache_destroy(c);
}

#define MADE	0x5a

static void make(void *obj)
{
	memset(obj, MADE, 12);
}

static void expect_made(struct kunit *test, unsigned int n)
{
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < n; i++)
		KUNIT_EXPECT_NULL(test, memchr_inv(f->objs[i], MADE, 12));
}

/*
 * gomem_free_nolock() needs no RCU head in the object. What the constructor
 * wrote stays until the grace period is over, and for the next owner.
 */
static void test_free_nolock(struct kunit *test)
{
	struct gomem_cache_args args = { .ctor = make };
	struct gomem_cache *c[] = {
		typed_create(test, 12, &args),
		typed_create(test, 4, NULL),
	};
	struct fixture *f = test->priv;
	unsigned int i, k;

	for (k = 0; k < ARRAY_SIZE(c); k++) {
		for (i = 0; i < 50; i++)
			f->objs[i] = typed_get(test, c[k], GFP_KERNEL);
		rcu_read_lock();
		for (i = 0; i < 50; i++)
			gomem_free_nolock(f->objs[i], _THIS_IP_);
		gomem_free_nolock(f->objs[7], _THIS_IP_);
		if (!k)
			expect_made(test, 50);
		rcu_read_unlock();
		expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
		gomem_rcu_barrier();
		for (i = 0; i < 50; i++)
			f->objs[i] = typed_get(test, c[k], GFP_KERNEL);
		if (!k)
			expect_made(test, 50);
		gomem_cache_free_bulk(c[k], 50, f->objs);
		gomem_cache_destroy(c[k]);
	}
}

static struct kunit_case typed_cases[] = {
	KUNIT_CASE(test_random),
	KUNIT_CASE(test_zero),
	KUNIT_CASE(test_bulk),
	KUNIT_CASE(test_irq),
	KUNIT_CASE(test_node),
	KUNIT_CASE(test_misuse),
	KUNIT_CASE(test_bulk_misuse),
	KUNIT_CASE(test_bulk_few),
	KUNIT_CASE(test_free_nolock),
	KUNIT_CASE(test_no_memory),
	{}
};

static struct kunit_suite typed_suite = {
	.name = "gomem_typed",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = typed_cases,
};

kunit_test_suite(typed_suite);
