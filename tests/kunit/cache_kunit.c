// SPDX-License-Identifier: GPL-2.0
/*
 * cache_kunit.c - typed caches, on the module's own heap.
 *
 * The reports of misuse that this leaves in the log are meant to be there.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/irq_work.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include "balance.h"
#include "cache.h"
#include "check.h"
#include "mcache.h"
#include "node.h"
#include "queue.h"
#include "slow.h"
#include "stats.h"

#define MAX_OBJECTS	3000

struct fixture {
	struct balance balance;
	struct rnd_state rnd;
	void *objs[MAX_OBJECTS];
};

static struct gomem_cache *create(struct kunit *test, unsigned int size,
				  const struct gomem_cache_args *args)
{
	struct gomem_cache *c = gomem_cache_create("kunit", size, args);

	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_EQ(test, size, gomem_cache_size(c));
	KUNIT_ASSERT_TRUE(test, gomem_owns(c));
	return c;
}

static void *get(struct kunit *test, struct gomem_cache *c, gfp_t gfp)
{
	void *p = gomem_cache_alloc(c, gfp);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_TRUE(test, IS_ALIGNED((unsigned long)p, c->align));
	KUNIT_ASSERT_EQ(test, c->object_size, gomem_usable_size(p));
	KUNIT_ASSERT_TRUE(test, gomem_owns(p));
	if (gfp & __GFP_ZERO)
		KUNIT_ASSERT_TRUE(test, is_zero(p, c->object_size));
	return p;
}

static unsigned long spans_of(struct gomem_cache *c)
{
	unsigned long n = 0;
	struct gomem_heap *h;

	for_each_gomem_heap(h)
		n += gomem_central(h, &c->kind)->nspans;
	return n;
}

struct size_case {
	const char *name;
	unsigned int size;
	struct gomem_cache_args args;
};

static void construct(void *obj)
{
	*(u64 *)obj = 0xc0ffee;
}

static const struct size_case size_cases[] = {
	{ "1 byte", 1, { } },
	{ "8 bytes", 8, { } },
	{ "9 bytes, noscan", 9, { .noscan = true } },
	{ "24 bytes", 24, { } },
	{ "40 bytes, 64 aligned", 40, { .align = 64 } },
	{ "100 bytes, constructed", 100, { .ctor = construct } },
	{ "104 bytes, typesafe", 104, { .typesafe_by_rcu = true } },
	{ "232 bytes", 232, { } },
	{ "1000 bytes", 1000, { } },
	{ "2312 bytes", 2312, { } },
	{ "2896 bytes, 32 aligned", 2896, { .align = 32 } },
	{ "4096 bytes, 4096 aligned", 4096, { .align = 4096 } },
	{ "5000 bytes, 8192 aligned", 5000, { .align = 8192 } },
	{ "9000 bytes", 9000, { } },
	{ "27264 bytes", 27264, { } },
	{ "32768 bytes", 32768, { } },
	{ "32769 bytes", 32769, { } },
	{ "100000 bytes", 100000, { .noscan = true } },
};

KUNIT_ARRAY_PARAM_DESC(size, size_cases, name);

/* All live at once and filled: an overlap breaks a pattern. */
static void test_size(struct kunit *test)
{
	const struct size_case *p = test->param_value;
	struct fixture *f = test->priv;
	struct gomem_cache *c = create(test, p->size, &p->args);
	unsigned int n = min_t(unsigned int, MAX_OBJECTS, SZ_4M / p->size);
	unsigned int round, i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < n; i++) {
			f->objs[i] = get(test, c, GFP_KERNEL);
			fill(f->objs[i], p->size);
		}
		for (i = 0; i < n; i++)
			KUNIT_ASSERT_TRUE(test, is_filled(f->objs[i], p->size));
		KUNIT_EXPECT_NULL(test, gomem_check_all());
		for (i = 0; i < n; i++) {
			if (p->args.ctor)
				construct(f->objs[i]);
			gomem_cache_free(c, f->objs[i]);
		}
	}
	gomem_cache_destroy(c);
}

/* Nothing between objects but what alignment and key want; next to no tail. */
static void test_packed(struct kunit *test)
{
	unsigned int size, span, step;
	struct gomem_cache *c;

	for (size = 1; size <= GOMEM_SMALL_MAX; size += 1 + size / 7) {
		c = create(test, size, NULL);
		step = ALIGN(size, 8);
		span = c->kind.npages << GOMEM_PAGE_SHIFT;
		KUNIT_ASSERT_EQ(test, step, c->kind.size);
		KUNIT_ASSERT_LE(test, c->kind.nelems * step, span);
		if (size <= SZ_16K)
			KUNIT_ASSERT_LE_MSG(test, span - c->kind.nelems * step, span / 8,
					    "size %u", size);
		gomem_cache_destroy(c);
	}
}

/* Every byte of a span leads to its object, and only the first one is a start. */
static void test_divmul(struct kunit *test)
{
	struct gomem_kind *k;
	unsigned int size, offset;
	struct gomem_cache *c;

	for (size = 8; size <= GOMEM_SMALL_MAX; size += 8 + size / 5 / 8 * 8) {
		c = create(test, size, NULL);
		k = &c->kind;
		for (offset = 0; offset < k->nelems * k->size; offset++) {
			if (gomem_div(offset, k->divmul) == offset / k->size &&
			    gomem_is_start(offset, k->divmul, (u64)k->nelems << 32) ==
			    !(offset % k->size))
				continue;
			KUNIT_FAIL(test, "size %u, offset %u", size, offset);
			break;
		}
		KUNIT_EXPECT_GE(test, gomem_div(offset, k->divmul), k->nelems);
		gomem_cache_destroy(c);
	}
}

static void test_args(struct kunit *test)
{
	static const struct {
		const char *name;
		unsigned int size;
		struct gomem_cache_args args;
	} bad[] = {
		{ "x", 0, { } },
		{ "x", GOMEM_CACHE_MAX_SIZE + 1, { } },
		{ NULL, 8, { } },
		{ "", 8, { } },
		{ "x", 8, { .align = 24 } },
		{ "x", 8, { .align = 2 * GOMEM_CACHE_MAX_ALIGN } },
		/* Too large with the key behind it. */
		{ "x", SZ_4M, { .ctor = construct } },
		{ "x", SZ_4M, { .typesafe_by_rcu = true } },
		{ "x", SZ_4M - 7, { .ctor = construct } },
		{ "x", 8, { .useroffset = 9 } },
		{ "x", 8, { .useroffset = 4, .usersize = 5 } },
		{ "x", 8, { .usersize = UINT_MAX, .useroffset = 8 } },
	};
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_NULL(test, gomem_cache_create(bad[i].name, bad[i].size, &bad[i].args));
	balance_expect_misuses(test, &f->balance, GOMEM_BAD_CACHE_ARGS, i);
}

/* Random caches, allocations and frees, by all functions. */
static void test_random(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_cache *c[5];
	unsigned int i, k, round;

	for (k = 0; k < ARRAY_SIZE(c); k++)
		c[k] = create(test, 1 + prandom_u32_state(&f->rnd) % 3000, NULL);
	for (round = 0; round < 20000; round++) {
		i = prandom_u32_state(&f->rnd) % 1000;
		k = i % ARRAY_SIZE(c);
		if (!f->objs[i]) {
			f->objs[i] = get(test, c[k], round % 3 ? GFP_KERNEL : GFP_ATOMIC |
					 __GFP_ZERO);
			fill(f->objs[i], c[k]->object_size);
			continue;
		}
		KUNIT_ASSERT_TRUE(test, is_filled(f->objs[i], c[k]->object_size));
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
		KUNIT_EXPECT_EQ(test, 0, spans_of(c[k]));
		gomem_cache_destroy(c[k]);
	}
}

static unsigned int constructed;

static void count_construct(void *obj)
{
	constructed++;
	memset(obj, 0x77, 200);
}

/* Once for each object, whatever its comings and goings; contents stay. */
static void test_ctor(struct kunit *test)
{
	struct gomem_cache_args args = { .ctor = count_construct };
	struct gomem_cache *c = create(test, 200, &args);
	struct fixture *f = test->priv;
	unsigned int round, i;

	constructed = 0;
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 500; i++) {
			f->objs[i] = gomem_cache_alloc(c, GFP_KERNEL | __GFP_ZERO);
			KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
			KUNIT_ASSERT_NULL(test, memchr_inv(f->objs[i], 0x77, 200));
		}
		/* One stays, so that its span does: the others are of the same life. */
		for (i = 1; i < 500; i++)
			gomem_cache_free(c, f->objs[i]);
		gomem_cache_free(c, f->objs[0]);
		KUNIT_ASSERT_GE(test, constructed, 500);
	}
	KUNIT_EXPECT_LE(test, constructed, 10 * 500 + spans_of(c) * c->kind.nelems);
	gomem_cache_destroy(c);
}

/* Freed objects can be read until a grace period is over, whatever became of them. */
static void test_typesafe(struct kunit *test)
{
	struct gomem_cache_args args = { .typesafe_by_rcu = true };
	struct gomem_cache *c = create(test, 128, &args);
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		f->objs[i] = get(test, c, GFP_KERNEL);
		fill(f->objs[i], 128);
	}
	rcu_read_lock();
	for (i = 0; i < 1000; i++)
		gomem_cache_free(c, f->objs[i]);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, 0, gomem_cache_shrink(c));
	KUNIT_EXPECT_EQ(test, 0, spans_of(c));

	for (i = 0; i < 1000; i++) {
		f->objs[i] = get(test, c, GFP_KERNEL);
		fill(f->objs[i], 128);
	}
	for (i = 0; i < 1000; i++)
		gomem_cache_free(c, f->objs[i]);
	rcu_read_lock();
	/* What slots had became free here; the pages are still the cache's. */
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_TRUE(test, is_filled(f->objs[i], 128));
	rcu_read_unlock();
	gomem_cache_destroy(c);
}

static void get_zeroed(struct kunit *test, struct gomem_cache *c, unsigned int n, void **p,
		       bool bulk)
{
	unsigned int i;

	if (bulk) {
		KUNIT_ASSERT_EQ(test, n,
				gomem_cache_alloc_bulk(c, GFP_KERNEL | __GFP_ZERO, n, p));
	} else {
		for (i = 0; i < n; i++)
			p[i] = gomem_cache_zalloc(c, GFP_KERNEL);
	}
	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
		KUNIT_ASSERT_TRUE_MSG(test, is_zero(p[i], c->object_size),
				      "object %u of %u bytes", i, c->object_size);
	}
	/* Not sooner: that may be in the way of the next one. */
	for (i = 0; i < n; i++)
		memset(p[i], 0xff, c->object_size);
}

/* New objects, then dirty ones; their neighbours keep what they have. */
static void expect_zero(struct kunit *test, unsigned int size, bool typesafe, bool bulk)
{
	struct gomem_cache_args args = { .typesafe_by_rcu = typesafe };
	struct gomem_cache *c = create(test, size, &args);
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
			KUNIT_ASSERT_NULL(test, memchr_inv(stay[i], 0xff, size));
	}
	gomem_cache_free_bulk(c, 2 * n, f->objs);
	gomem_cache_destroy(c);
}

/* Without a constructor and RCU init_on_alloc and __GFP_ZERO mean all of the object. */
static void test_zero(struct kunit *test)
{
	/* Clearing goes another way from 17 bytes on, 33, 65, 129, 193 and 257. */
	static const unsigned int sizes[] = {
		1, 8, 16, 17, 31, 33, 64, 77, 128, 136, 192, 200, 256, 257, 1000,
	};
	unsigned int i, how;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (how = 0; how < 4; how++)
			expect_zero(test, sizes[i], how & 1, how & 2);
}

static void test_bulk(struct kunit *test)
{
	static const unsigned int sizes[] = { 0, 1, 2, 15, 16, 17, 64, 100, 1000, 3000 };
	struct gomem_cache *c = create(test, 72, NULL);
	struct fixture *f = test->priv;
	unsigned int i, k;

	for (k = 0; k < ARRAY_SIZE(sizes); k++) {
		KUNIT_ASSERT_EQ(test, sizes[k],
				gomem_cache_alloc_bulk(c, GFP_KERNEL, sizes[k], f->objs));
		for (i = 0; i < sizes[k]; i++)
			fill(f->objs[i], 72);
		for (i = 0; i < sizes[k]; i++)
			KUNIT_ASSERT_TRUE(test, is_filled(f->objs[i], 72));
		gomem_cache_free_bulk(c, sizes[k], f->objs);
	}
	gomem_cache_destroy(c);
}

struct irq_fixture {
	struct irq_work work;
	struct gomem_cache *c;
	void *p[40];
	unsigned int dirty;
};

static void use_in_irq(struct irq_work *work)
{
	struct irq_fixture *f = container_of(work, struct irq_fixture, work);
	unsigned int i, k;

	for (k = 0; k < 2; k++) {
		if (!gomem_cache_alloc_bulk(f->c, GFP_ATOMIC | __GFP_ZERO, 8, f->p))
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
	struct irq_fixture f = { .c = create(test, 300, NULL) };
	u64 allocs, frees;
	unsigned int i;

	allocs = gomem_event_sum(GOMEM_EV_HARDIRQ_ALLOCS);
	frees = gomem_event_sum(GOMEM_EV_HARDIRQ_FREES);
	init_irq_work(&f.work, use_in_irq);
	irq_work_queue(&f.work);
	irq_work_sync(&f.work);
	/* Those of the bulk calls are one each. */
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
	struct gomem_cache *c = create(test, 500, NULL);
	struct fixture *f = test->priv;
	unsigned int n = 0;
	int node;

	for_each_online_node(node) {
		f->objs[n] = gomem_cache_alloc_node(c, GFP_KERNEL | __GFP_ZERO, node);
		KUNIT_ASSERT_NOT_NULL(test, f->objs[n]);
		KUNIT_EXPECT_EQ(test, gomem_node_heap(node)->node,
				page_to_nid(virt_to_page(f->objs[n])));
		KUNIT_EXPECT_TRUE(test, is_zero(f->objs[n], 500));
		n++;
	}
	KUNIT_EXPECT_NULL(test, gomem_cache_alloc_node(c, GFP_KERNEL, MAX_NUMNODES));
	balance_expect_misuses(test, &f->balance, GOMEM_BAD_NODE, 1);
	gomem_cache_free_bulk(c, n, f->objs);
	gomem_cache_destroy(c);
}

/* What is wrong is said, and changes nothing. */
static void test_misuse(struct kunit *test)
{
	struct gomem_cache *c = create(test, 64, NULL), *other = create(test, 64, NULL);
	struct fixture *f = test->priv;
	void *p = get(test, c, GFP_KERNEL), *q = gomem_alloc(64, GFP_KERNEL);
	int x;

	gomem_cache_free(c, NULL);
	gomem_cache_free(other, p);
	gomem_cache_free(c, q);
	balance_expect_misuses(test, &f->balance, GOMEM_WRONG_FUNCTION, 2);
	gomem_cache_free(c, p + 8);
	balance_expect_misuses(test, &f->balance, GOMEM_INTERIOR_POINTER, 1);
	gomem_cache_free(c, &x);
	balance_expect_misuses(test, &f->balance, GOMEM_FOREIGN_POINTER, 1);
	gomem_cache_free(c, p);
	gomem_cache_free(c, p);
	gomem_free(p);
	balance_expect_misuses(test, &f->balance, GOMEM_DOUBLE_FREE, 2);
	KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p));
	balance_expect_misuses(test, &f->balance, GOMEM_USE_AFTER_FREE, 1);
	KUNIT_EXPECT_NULL(test, gomem_cache_alloc(c, GFP_KERNEL | __GFP_DMA));
	balance_expect_misuses(test, &f->balance, GOMEM_BAD_GFP, 1);
	gomem_free(q);
	gomem_cache_destroy(c);
	gomem_cache_destroy(other);
	gomem_cache_destroy(NULL);
	gomem_cache_destroy((void *)&x);
	gomem_cache_destroy(c);
	balance_expect_misuses(test, &f->balance, GOMEM_BAD_CACHE, 2);
}

/* In the middle of a call: what is none is reported, all others are freed, once. */
static void test_bulk_misuse(struct kunit *test)
{
	struct gomem_cache *c = create(test, 48, NULL), *other = create(test, 48, NULL);
	struct fixture *f = test->priv;
	const unsigned int n = 200;
	void **p = f->objs;

	KUNIT_ASSERT_EQ(test, n, gomem_cache_alloc_bulk(c, GFP_KERNEL, n, p));
	/* The last ones are not in the slot any more, the others may be. */
	p[n] = p[n - 1];
	p[n - 1] = p[10];
	p[n + 1] = NULL;
	p[n + 2] = p[n];
	gomem_cache_free_bulk(c, n + 3, p);
	balance_expect_misuses(test, &f->balance, GOMEM_DOUBLE_FREE, 2);

	KUNIT_ASSERT_EQ(test, n, gomem_cache_alloc_bulk(c, GFP_KERNEL, n, p));
	p[n + 1] = get(test, other, GFP_KERNEL);
	p[n] = p[n - 1];
	p[n - 1] = p[n + 1];
	gomem_cache_free_bulk(c, n + 1, p);
	balance_expect_misuses(test, &f->balance, GOMEM_WRONG_FUNCTION, 1);
	KUNIT_EXPECT_EQ(test, 1, spans_of(other));
	gomem_cache_free(other, p[n + 1]);
	gomem_cache_destroy(other);
	/* Reports if an object is left. */
	gomem_cache_destroy(c);
}

/* What is none at each place of a few: free already, inside of an object, behind the last. */
static void test_bulk_few(struct kunit *test)
{
	struct gomem_cache *c = create(test, 72, NULL);
	struct fixture *f = test->priv;
	unsigned int bad, i, n = 12;
	struct gomem_span *s;
	void *p, *tail;

	for (i = 0; i < 3; i++) {
		for (bad = 0; bad < n; bad++) {
			KUNIT_ASSERT_EQ(test, n,
					gomem_cache_alloc_bulk(c, GFP_KERNEL, n, f->objs));
			p = f->objs[bad];
			s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
			tail = (void *)s->base + s->nelems * 72UL;
			if (!i)
				gomem_cache_free(c, p);
			else
				f->objs[bad] = i == 1 ? p + 8 : tail;
			gomem_cache_free_bulk(c, n, f->objs);
			balance_expect_misuses(test, &f->balance, i ? GOMEM_INTERIOR_POINTER :
								      GOMEM_DOUBLE_FREE, 1);
			if (i)
				gomem_cache_free(c, p);
		}
	}
	gomem_cache_destroy(c);
}

/* An object that is written to while free is never handed out again. */
static void test_written(struct kunit *test)
{
	struct gomem_cache_args args = { .ctor = construct };
	struct gomem_cache *c = create(test, 64, &args);
	struct fixture *f = test->priv;
	unsigned long *p;
	void *q;

	migrate_disable();
	p = get(test, c, GFP_KERNEL);
	construct(p);
	gomem_cache_free(c, p);
	p[8] = 1;		/* behind the object: its key */
	q = get(test, c, GFP_KERNEL);
	migrate_enable();
	KUNIT_EXPECT_PTR_NE(test, (void *)p, q);
	balance_expect_misuses(test, &f->balance, GOMEM_WRITE_AFTER_FREE, 1);
	gomem_cache_free(c, q);
	gomem_cache_free(c, p);
	gomem_cache_destroy(c);
}

/* What clears or moves objects leaves those alone whose contents have to stay. */
static void test_keeps_contents(struct kunit *test)
{
	static const struct gomem_cache_args args[] = {
		{ .ctor = construct }, { .typesafe_by_rcu = true },
	};
	struct fixture *f = test->priv;
	struct gomem_cache *c;
	unsigned int i;
	u64 *p;

	for (i = 0; i < ARRAY_SIZE(args); i++) {
		c = create(test, 200, &args[i]);
		p = get(test, c, GFP_KERNEL);
		construct(p);
		fill(p + 1, 200 - sizeof(*p));
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 8, GFP_KERNEL | __GFP_ZERO));
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 100, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 1000, GFP_KERNEL));
		gomem_free_sensitive(p);
		balance_expect_misuses(test, &f->balance, GOMEM_WRONG_FUNCTION, 4);
		KUNIT_EXPECT_EQ(test, 200, gomem_usable_size(p));
		KUNIT_EXPECT_EQ(test, 0xc0ffee, *p);
		KUNIT_EXPECT_TRUE(test, is_filled(p + 1, 200 - sizeof(*p)));
		/* That is a free. */
		KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_realloc(p, 0, GFP_KERNEL));
		gomem_cache_destroy(c);
	}
	/* Others may be cleared, and moved: away from the cache. */
	c = create(test, 200, NULL);
	p = gomem_realloc(get(test, c, GFP_KERNEL), 100, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, 200, gomem_usable_size(p));
	p = gomem_realloc(p, 1000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	gomem_free_sensitive(p);
	gomem_free_sensitive(get(test, c, GFP_KERNEL));
	gomem_cache_destroy(c);
}

/* The largest there can be, with what goes with an object. */
static void test_largest(struct kunit *test)
{
	static const struct size_case largest[] = {
		{ "4 MiB", SZ_4M, { } },
		{ "4 MiB, 8192 aligned", SZ_4M, { .align = 8192 } },
		{ "4 MiB - 8, constructed", SZ_4M - 8, { .ctor = construct } },
		{ "4 MiB - 8, typesafe", SZ_4M - 8, { .typesafe_by_rcu = true } },
		{ "4 MiB - 8, typesafe, 4096 aligned", SZ_4M - 8,
		  { .typesafe_by_rcu = true, .align = 4096 } },
	};
	struct gomem_cache *c;
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(largest); i++) {
		c = create(test, largest[i].size, &largest[i].args);
		p = gomem_cache_alloc(c, GFP_KERNEL);
		KUNIT_EXPECT_NOT_NULL_MSG(test, p, "%s", largest[i].name);
		gomem_cache_free(c, p);
		gomem_cache_destroy(c);
	}
}

struct rcu_object {
	struct gomem_cache *c;
	struct rcu_head rcu;
	bool again;
};

/* As clients do, at once or by a second wait. */
static void free_in_callback(struct rcu_head *rcu)
{
	struct rcu_object *o = container_of(rcu, struct rcu_object, rcu);

	if (o->again)
		gomem_free_rcu(o, rcu);
	else
		gomem_cache_free(o->c, o);
}

/* What is on its way when the cache is destroyed is not left. */
static void test_callbacks(struct kunit *test)
{
	static const struct gomem_cache_args typesafe = { .typesafe_by_rcu = true };
	struct fixture *f = test->priv;
	struct rcu_object *o;
	struct gomem_cache *c;
	unsigned int i, round;

	for (round = 0; round < 4; round++) {
		c = create(test, sizeof(*o), round % 2 ? &typesafe : NULL);
		for (i = 0; i < 500; i++) {
			o = get(test, c, GFP_KERNEL);
			o->c = c;
			o->again = round / 2 && i % 2;
			f->objs[i] = o;
		}
		for (i = 0; i < 500; i++) {
			o = f->objs[i];
			call_rcu(&o->rcu, free_in_callback);
		}
		gomem_cache_destroy(c);
	}
	/* The case ends with nothing reported, and nothing live. */
}

struct totals {
	u64 mallocs;
	u64 frees;
	u64 bytes;
};

static void add_counts(const struct gomem_kind *k, void *arg)
{
	struct gomem_class_counts n;
	struct totals *t = arg;

	gomem_mcache_count(k, &n);
	t->mallocs += n.mallocs;
	t->frees += n.frees;
	t->bytes += n.mallocs * k->size;
}

static void get_totals(struct totals *t)
{
	struct gomem_cache_counts gone;

	memset(t, 0, sizeof(*t));
	gomem_visit_caches_and_gone(add_counts, t, &gone);
	t->mallocs += gone.mallocs;
	t->frees += gone.frees;
	t->bytes += gone.bytes;
}

/* What was counted stays counted when the cache is gone. */
static void test_counts_stay(struct kunit *test)
{
	struct gomem_cache *c = create(test, 160, NULL);
	struct fixture *f = test->priv;
	struct totals before, after;
	const unsigned int n = 1000;

	get_totals(&before);
	KUNIT_ASSERT_EQ(test, n, gomem_cache_alloc_bulk(c, GFP_KERNEL, n, f->objs));
	gomem_cache_free_bulk(c, n, f->objs);
	gomem_cache_free(c, get(test, c, GFP_KERNEL));
	gomem_cache_destroy(c);
	get_totals(&after);
	KUNIT_EXPECT_EQ(test, before.mallocs + n + 1, after.mallocs);
	KUNIT_EXPECT_EQ(test, before.frees + n + 1, after.frees);
	KUNIT_EXPECT_EQ(test, before.bytes + (n + 1) * 160, after.bytes);
}

/* What is left is counted, stays, and may still be freed. */
static void test_left(struct kunit *test)
{
	struct gomem_cache *c = create(test, 400, NULL);
	struct fixture *f = test->priv;
	void *p = get(test, c, GFP_KERNEL), *q = get(test, c, GFP_KERNEL);

	fill(p, 400);
	gomem_cache_destroy(c);
	balance_expect_misuses(test, &f->balance, GOMEM_CACHE_LEFT, 1);
	KUNIT_EXPECT_TRUE(test, is_filled(p, 400));
	gomem_cache_destroy(c);
	balance_expect_misuses(test, &f->balance, GOMEM_BAD_CACHE, 1);
	gomem_free(p);
	gomem_cache_free(c, q);
	/* Nobody has it but this suite: make it whole again. */
	c->destroyed = 0;
	gomem_cache_destroy(c);
}

static void expect_no_alloc(struct kunit *test, struct gomem_cache *c)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_NULL(test, gomem_cache_alloc(c, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_cache_alloc(c, GFP_KERNEL | __GFP_NOFAIL));
	KUNIT_EXPECT_NULL(test, gomem_cache_zalloc(c, GFP_ATOMIC));
	KUNIT_EXPECT_NULL(test, gomem_cache_alloc_node(c, GFP_KERNEL, first_online_node));
	KUNIT_EXPECT_EQ(test, 0, gomem_cache_alloc_bulk(c, GFP_KERNEL, 3, f->objs));
	balance_expect_misuses(test, &f->balance, GOMEM_BAD_CACHE, 5);
}

/* With objects left a cache takes frees, and gives nothing; also of what is freed then. */
static void test_alloc_destroyed(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_cache *c;
	void *objs[20];

	c = create(test, 400, NULL);
	KUNIT_ASSERT_EQ(test, 20, gomem_cache_alloc_bulk(c, GFP_KERNEL, 20, objs));
	gomem_cache_destroy(c);
	balance_expect_misuses(test, &f->balance, GOMEM_CACHE_LEFT, 1);
	expect_no_alloc(test, c);
	gomem_cache_free(c, objs[0]);
	gomem_free(objs[1]);
	gomem_cache_free_bulk(c, 18, objs + 2);
	expect_no_alloc(test, c);
	c->destroyed = 0;
	gomem_cache_destroy(c);
}

/* A stale pointer to a cache whose memory nobody has yet. */
static void test_alloc_gone(struct kunit *test)
{
	struct gomem_cache *c;

	if (want_init_on_free())
		kunit_skip(test, "what is freed is cleared");
	c = create(test, 400, NULL);
	gomem_cache_free(c, get(test, c, GFP_KERNEL));
	migrate_disable();
	gomem_cache_destroy(c);
	expect_no_alloc(test, c);
	migrate_enable();
}

struct destroyer {
	struct work_struct work;
	struct gomem_cache *c;
};

static void destroy_it(struct work_struct *work)
{
	gomem_cache_destroy(container_of(work, struct destroyer, work)->c);
}

/* Two at the same time: one does it, and the other is told. */
static void test_destroy_twice(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct destroyer d[2];
	unsigned int round, i;

	for (round = 0; round < 20; round++) {
		d[0].c = create(test, 64, NULL);
		d[1].c = d[0].c;
		for (i = 0; i < 2; i++) {
			INIT_WORK_ONSTACK(&d[i].work, destroy_it);
			queue_work(gomem_unbound_wq, &d[i].work);
		}
		for (i = 0; i < 2; i++) {
			flush_work(&d[i].work);
			destroy_work_on_stack(&d[i].work);
		}
		balance_expect_misuses(test, &f->balance, GOMEM_BAD_CACHE, 1);
	}
}

/* With no memory to be had: NULL, and nothing lost. */
static void test_no_memory(struct kunit *test)
{
	struct gomem_cache *c = create(test, 20000, NULL);
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

static int cache_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	test->priv = f;
	prandom_seed_state(&f->rnd, get_random_u32());
	balance_save(&f->balance);
	return 0;
}

static void cache_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (f)
		balance_expect(test, &f->balance);
}

static struct kunit_case cache_cases[] = {
	SLOW_CASE_PARAM(test_size, size_gen_params),
	KUNIT_CASE(test_packed),
	KUNIT_CASE(test_divmul),
	KUNIT_CASE(test_args),
	KUNIT_CASE(test_random),
	KUNIT_CASE(test_ctor),
	KUNIT_CASE(test_typesafe),
	KUNIT_CASE(test_zero),
	KUNIT_CASE(test_bulk),
	KUNIT_CASE(test_irq),
	KUNIT_CASE(test_node),
	KUNIT_CASE(test_misuse),
	KUNIT_CASE(test_bulk_misuse),
	KUNIT_CASE(test_bulk_few),
	KUNIT_CASE(test_written),
	KUNIT_CASE(test_callbacks),
	KUNIT_CASE(test_counts_stay),
	KUNIT_CASE(test_left),
	KUNIT_CASE(test_alloc_destroyed),
	KUNIT_CASE(test_alloc_gone),
	KUNIT_CASE(test_destroy_twice),
	KUNIT_CASE(test_keeps_contents),
	KUNIT_CASE(test_largest),
	KUNIT_CASE(test_no_memory),
	{ }
};

static struct kunit_suite cache_suite = {
	.name = "gomem_cache",
	.init = cache_init,
	.exit = cache_exit,
	.test_cases = cache_cases,
};

kunit_test_suite(cache_suite);
