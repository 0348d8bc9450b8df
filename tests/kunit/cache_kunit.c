// SPDX-License-Identifier: GPL-2.0
/*
 * cache_kunit.c - typed caches: creation, sizes, constructors and destruction.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include "fixture.h"
#include "slow.h"
#include "typed_steps.h"
#include "api/cache.h"
#include "base/queue.h"
#include "base/stats.h"
#include "cpu/mcache.h"
#include "run/check.h"

#define MAX_OBJECTS	3000

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

/* Fill all objects while all are live, so that an overlap breaks a pattern. */
static void test_size(struct kunit *test)
{
	const struct size_case *p = test->param_value;
	struct fixture *f = test->priv;
	struct gomem_cache *c = typed_create(test, p->size, &p->args);
	unsigned int n = min_t(unsigned int, MAX_OBJECTS, SZ_4M / p->size);
	unsigned int round, i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < n; i++) {
			f->objs[i] = typed_get(test, c, GFP_KERNEL);
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

/*
 * Objects lie side by side, and take their size rounded up to 8 bytes. If the
 * size is at most 16 KiB, the tail is at most an eighth of the span.
 */
static void test_packed(struct kunit *test)
{
	unsigned int size, span, step;
	struct gomem_cache *c;

	for (size = 1; size <= GOMEM_SMALL_MAX; size += 1 + size / 7) {
		c = typed_create(test, size, NULL);
		step = ALIGN(size, 8);
		span = c->kind.npages << GOMEM_PAGE_SHIFT;
		KUNIT_ASSERT_EQ(test, step, c->kind.size);
		KUNIT_ASSERT_LE(test, c->kind.nelems * step, span);
		if (size <= SZ_16K)
			KUNIT_ASSERT_LE_MSG(test, span - c->kind.nelems * step,
					    span / 8, "size %u", size);
		gomem_cache_destroy(c);
	}
}

/*
 * The multiplication by the kind's divmul finds the object of each byte of a
 * span. Only the first byte of an object counts as its start.
 */
static void test_divmul(struct kunit *test)
{
	struct gomem_kind *k;
	unsigned int size, offset;
	struct gomem_cache *c;
	bool starts;

	for (size = 8; size <= GOMEM_SMALL_MAX; size += 8 + size / 5 / 8 * 8) {
		c = typed_create(test, size, NULL);
		k = &c->kind;
		for (offset = 0; offset < k->nelems * k->size; offset++) {
			starts = gomem_is_start(offset, k->divmul,
						(u64)k->nelems << 32);
			if (gomem_div(offset, k->divmul) == offset / k->size &&
			    starts == !(offset % k->size))
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
		/* The object and the key after it are too large together. */
		{ "x", SZ_4M, { .ctor = construct } },
		{ "x", SZ_4M, { .typesafe_by_rcu = true } },
		{ "x", SZ_4M - 7, { .ctor = construct } },
		{ "x", 8, { .useroffset = 9 } },
		{ "x", 8, { .useroffset = 4, .usersize = 5 } },
		{ "x", 8, { .usersize = UINT_MAX, .useroffset = 8 } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_NULL(test,
				  gomem_cache_create(bad[i].name, bad[i].size,
						     &bad[i].args));
	expect_misuses(test, GOMEM_BAD_CACHE_ARGS, i);
}

static unsigned int constructed;

static void count_construct(void *obj)
{
	constructed++;
	memset(obj, 0x77, 200);
}

/*
 * The constructor runs once for each object of a span, however often the object
 * is allocated. The object keeps its contents between allocations.
 */
static void test_ctor(struct kunit *test)
{
	struct gomem_cache_args args = { .ctor = count_construct };
	struct gomem_cache *c = typed_create(test, 200, &args);
	struct fixture *f = test->priv;
	unsigned int round, i;

	constructed = 0;
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 500; i++) {
			f->objs[i] =
				gomem_cache_alloc(c, GFP_KERNEL | __GFP_ZERO);
			KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
			KUNIT_ASSERT_NULL(test,
					  memchr_inv(f->objs[i], 0x77, 200));
		}
		/*
		 * Free the first object last: the slot keeps the object that
		 * was freed last, so the span of the first object stays. So the
		 * next round reuses objects of that span, which an earlier
		 * round has constructed.
		 */
		for (i = 1; i < 500; i++)
			gomem_cache_free(c, f->objs[i]);
		gomem_cache_free(c, f->objs[0]);
		KUNIT_ASSERT_GE(test, constructed, 500);
	}
	KUNIT_EXPECT_LE(test, constructed,
			10 * 500 + typed_spans_of(c) * c->kind.nelems);
	gomem_cache_destroy(c);
}

/*
 * Objects of a typesafe cache can be read until a grace period after their free
 * is over.
 */
static void test_typesafe(struct kunit *test)
{
	struct gomem_cache_args args = { .typesafe_by_rcu = true };
	struct gomem_cache *c = typed_create(test, 128, &args);
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		f->objs[i] = typed_get(test, c, GFP_KERNEL);
		fill(f->objs[i], 128);
	}
	rcu_read_lock();
	for (i = 0; i < 1000; i++)
		gomem_cache_free(c, f->objs[i]);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, 0, gomem_cache_shrink(c));
	KUNIT_EXPECT_EQ(test, 0, typed_spans_of(c));

	for (i = 0; i < 1000; i++) {
		f->objs[i] = typed_get(test, c, GFP_KERNEL);
		fill(f->objs[i], 128);
	}
	rcu_read_lock();
	for (i = 0; i < 1000; i++)
		gomem_cache_free(c, f->objs[i]);
	/*
	 * All objects are free now, but their pages still belong to the cache.
	 */
	for (i = 0; i < 1000; i++)
		KUNIT_ASSERT_TRUE(test, is_filled(f->objs[i], 128));
	rcu_read_unlock();
	gomem_cache_destroy(c);
}

/*
 * If the key of a free object is overwritten, the object is not handed out any
 * more. In a cache with a constructor the key lies after the object.
 */
static void test_written(struct kunit *test)
{
	struct gomem_cache_args args = { .ctor = construct };
	struct gomem_cache *c = typed_create(test, 64, &args);
	unsigned long *p;
	void *q;

	migrate_disable();
	p = typed_get(test, c, GFP_KERNEL);
	construct(p);
	gomem_cache_free(c, p);
	p[8] = 1;		/* the key, after the object */
	q = typed_get(test, c, GFP_KERNEL);
	migrate_enable();
	KUNIT_EXPECT_PTR_NE(test, (void *)p, q);
	expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 1);
	gomem_cache_free(c, q);
	gomem_cache_free(c, p);
	gomem_cache_destroy(c);
}

/*
 * Some caches promise that free objects keep their contents. Functions that
 * clear or move objects refuse objects of such caches.
 */
static void test_keeps_contents(struct kunit *test)
{
	static const struct gomem_cache_args args[] = {
		{ .ctor = construct }, { .typesafe_by_rcu = true },
	};
	struct gomem_cache *c;
	unsigned int i;
	u64 *p;

	for (i = 0; i < ARRAY_SIZE(args); i++) {
		c = typed_create(test, 200, &args[i]);
		p = typed_get(test, c, GFP_KERNEL);
		construct(p);
		fill(p + 1, 200 - sizeof(*p));
		KUNIT_EXPECT_NULL(test,
				  gomem_realloc(p, 8, GFP_KERNEL | __GFP_ZERO));
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 100, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 1000, GFP_KERNEL));
		gomem_free_sensitive(p);
		expect_misuses(test, GOMEM_WRONG_FUNCTION, 4);
		KUNIT_EXPECT_EQ(test, 200, gomem_usable_size(p));
		KUNIT_EXPECT_EQ(test, 0xc0ffee, *p);
		KUNIT_EXPECT_TRUE(test, is_filled(p + 1, 200 - sizeof(*p)));
		/* A resize to 0 is a free, and is not refused. */
		KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
				    gomem_realloc(p, 0, GFP_KERNEL));
		gomem_cache_destroy(c);
	}
	/*
	 * This cache has no constructor, and is not typesafe. So its objects
	 * may be cleared, and moved out of the cache.
	 */
	c = typed_create(test, 200, NULL);
	p = gomem_realloc(typed_get(test, c, GFP_KERNEL), 100, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, 200, gomem_usable_size(p));
	p = gomem_realloc(p, 1000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	gomem_free_sensitive(p);
	gomem_free_sensitive(typed_get(test, c, GFP_KERNEL));
	gomem_cache_destroy(c);
}

/* The largest object sizes that caches accept. */
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
		c = typed_create(test, largest[i].size, &largest[i].args);
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

/*
 * Free an object from an RCU callback: at once, or by gomem_free_rcu(), which
 * waits for a second grace period.
 */
static void free_in_callback(struct rcu_head *rcu)
{
	struct rcu_object *o = container_of(rcu, struct rcu_object, rcu);

	if (o->again)
		gomem_free_rcu(o, rcu);
	else
		gomem_cache_free(o->c, o);
}

/*
 * Objects that wait for a grace period when the cache is destroyed are not
 * reported as left in the cache.
 */
static void test_callbacks(struct kunit *test)
{
	static const struct gomem_cache_args typesafe = {
		.typesafe_by_rcu = true,
	};
	struct fixture *f = test->priv;
	struct rcu_object *o;
	struct gomem_cache *c;
	unsigned int i, round;

	for (round = 0; round < 4; round++) {
		c = typed_create(test, sizeof(*o),
				 round % 2 ? &typesafe : NULL);
		for (i = 0; i < 500; i++) {
			o = typed_get(test, c, GFP_KERNEL);
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
	/*
	 * fixture_exit() expects that nothing was reported, and that no object
	 * is live.
	 */
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
	struct gomem_gone_counts gone;

	memset(t, 0, sizeof(*t));
	gomem_visit_typed_and_gone(add_counts, t, &gone);
	t->mallocs += gone.mallocs;
	t->frees += gone.frees;
	t->bytes += gone.bytes;
}

/* The counters of allocations and frees include those of destroyed caches. */
static void test_counts_stay(struct kunit *test)
{
	struct gomem_cache *c = typed_create(test, 160, NULL);
	struct fixture *f = test->priv;
	struct totals before, after;
	const unsigned int n = 1000;

	get_totals(&before);
	KUNIT_ASSERT_EQ(test, n,
			gomem_cache_alloc_bulk(c, GFP_KERNEL, n, f->objs));
	gomem_cache_free_bulk(c, n, f->objs);
	gomem_cache_free(c, typed_get(test, c, GFP_KERNEL));
	gomem_cache_destroy(c);
	get_totals(&after);
	KUNIT_EXPECT_EQ(test, before.mallocs + n + 1, after.mallocs);
	KUNIT_EXPECT_EQ(test, before.frees + n + 1, after.frees);
	KUNIT_EXPECT_EQ(test, before.bytes + (n + 1) * 160, after.bytes);
}

/*
 * Objects left in a destroyed cache are counted, stay valid, and can still be
 * freed.
 */
static void test_left(struct kunit *test)
{
	struct gomem_cache *c = typed_create(test, 400, NULL);
	void *p = typed_get(test, c, GFP_KERNEL),
	     *q = typed_get(test, c, GFP_KERNEL);

	fill(p, 400);
	gomem_cache_destroy(c);
	expect_misuses(test, GOMEM_CACHE_LEFT, 1);
	KUNIT_EXPECT_TRUE(test, is_filled(p, 400));
	gomem_cache_destroy(c);
	expect_misuses(test, GOMEM_BAD_CACHE, 1);
	gomem_free(p);
	gomem_cache_free(c, q);
	/*
	 * No object is left. Destroy the cache again, or its memory would stay
	 * until gomem is unloaded. gomem_cache_destroy() refuses a cache that
	 * counts as destroyed.
	 */
	c->destroyed = 0;
	gomem_cache_destroy(c);
}

static void expect_no_alloc(struct kunit *test, struct gomem_cache *c)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_NULL(test, gomem_cache_alloc(c, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test,
			  gomem_cache_alloc(c, GFP_KERNEL | __GFP_NOFAIL));
	KUNIT_EXPECT_NULL(test, gomem_cache_zalloc(c, GFP_ATOMIC));
	KUNIT_EXPECT_NULL(test, gomem_cache_alloc_node(c, GFP_KERNEL,
						       first_online_node));
	KUNIT_EXPECT_EQ(test, 0,
			gomem_cache_alloc_bulk(c, GFP_KERNEL, 3, f->objs));
	expect_misuses(test, GOMEM_BAD_CACHE, 5);
}

/* A destroyed cache with live objects accepts frees, but allocates nothing. */
static void test_alloc_destroyed(struct kunit *test)
{
	struct gomem_cache *c;
	void *objs[20];

	c = typed_create(test, 400, NULL);
	KUNIT_ASSERT_EQ(test, 20,
			gomem_cache_alloc_bulk(c, GFP_KERNEL, 20, objs));
	gomem_cache_destroy(c);
	expect_misuses(test, GOMEM_CACHE_LEFT, 1);
	expect_no_alloc(test, c);
	gomem_cache_free(c, objs[0]);
	gomem_free(objs[1]);
	gomem_cache_free_bulk(c, 18, objs + 2);
	expect_no_alloc(test, c);
	c->destroyed = 0;
	gomem_cache_destroy(c);
}

/*
 * A stale pointer to a destroyed cache is refused while no one has reused the
 * memory of the cache.
 */
static void test_alloc_gone(struct kunit *test)
{
	struct gomem_cache *c;

	if (want_init_on_free())
		kunit_skip(test, "what is freed is cleared");
	c = typed_create(test, 400, NULL);
	gomem_cache_free(c, typed_get(test, c, GFP_KERNEL));
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

/*
 * Two tasks destroy a cache at the same time. One succeeds, and the call of the
 * other is reported.
 */
static void test_destroy_twice(struct kunit *test)
{
	struct destroyer d[2];
	unsigned int round, i;

	for (round = 0; round < 20; round++) {
		d[0].c = typed_create(test, 64, NULL);
		d[1].c = d[0].c;
		for (i = 0; i < 2; i++) {
			INIT_WORK_ONSTACK(&d[i].work, destroy_it);
			queue_work(gomem_unbound_wq, &d[i].work);
		}
		for (i = 0; i < 2; i++) {
			flush_work(&d[i].work);
			destroy_work_on_stack(&d[i].work);
		}
		expect_misuses(test, GOMEM_BAD_CACHE, 1);
	}
}

static struct kunit_case cache_cases[] = {
	SLOW_CASE_PARAM(test_size, size_gen_params),
	KUNIT_CASE(test_packed),
	KUNIT_CASE(test_divmul),
	KUNIT_CASE(test_args),
	KUNIT_CASE(test_ctor),
	KUNIT_CASE(test_typesafe),
	KUNIT_CASE(test_written),
	KUNIT_CASE(test_callbacks),
	KUNIT_CASE(test_counts_stay),
	KUNIT_CASE(test_left),
	KUNIT_CASE(test_alloc_destroyed),
	KUNIT_CASE(test_alloc_gone),
	KUNIT_CASE(test_destroy_twice),
	KUNIT_CASE(test_keeps_contents),
	KUNIT_CASE(test_largest),
	{}
};

static struct kunit_suite cache_suite = {
	.name = "gomem_cache",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cache_cases,
};

kunit_test_suite(cache_suite);
