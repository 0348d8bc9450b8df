// SPDX-License-Identifier: GPL-2.0
/*
 * mempool_kunit.c - memory pools of gomem's objects.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/gomem.h>
#include <linux/jiffies.h>
#include <linux/mempool.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include "fixture.h"

#define RESERVE		16
#define MAX_OBJECTS	20000

struct mempool_fixture {
	struct fixture base;
	mempool_t *pool;
	size_t size;
	void *objs[MAX_OBJECTS];
	unsigned int nr_objs;
};

static const size_t sizes[] = { 8, 100, 4096, 32768, 50000 };

static void size_desc(const size_t *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu bytes", *size);
}

KUNIT_ARRAY_PARAM(size, sizes, size_desc);

static void make_pool(struct kunit *test)
{
	struct mempool_fixture *f = test->priv;

	f->size = *(const size_t *)test->param_value;
	f->pool = mempool_create(RESERVE, gomem_mempool_alloc,
				 gomem_mempool_free, (void *)f->size);
	KUNIT_ASSERT_NOT_NULL(test, f->pool);
	KUNIT_EXPECT_EQ(test, f->base.balance.live + RESERVE, live_objects());
}

/*
 * Allocate until no page and no object is free, except in the reserve of the
 * pool. Begin with large objects.
 */
static void exhaust(struct kunit *test)
{
	static const size_t first[] = { SZ_4M, SZ_512K, SZ_64K, SZ_32K, SZ_8K };
	struct mempool_fixture *f = test->priv;
	unsigned int i;
	size_t size;
	void *p;

	no_pages_begin();
	for (i = 0; i <= ARRAY_SIZE(first); i++) {
		size = i < ARRAY_SIZE(first) ? first[i] : f->size;
		while (f->nr_objs < MAX_OBJECTS &&
		       (p = gomem_alloc(size, GFP_KERNEL)))
			f->objs[f->nr_objs++] = p;
	}
	KUNIT_EXPECT_LT(test, f->nr_objs, MAX_OBJECTS);
}

static void relax(struct mempool_fixture *f)
{
	no_pages_end();
	gomem_free_bulk(f->nr_objs, f->objs);
	f->nr_objs = 0;
}

static void test_pool(struct kunit *test)
{
	struct mempool_fixture *f = test->priv;
	void *p[3 * RESERVE];
	unsigned int i;

	make_pool(test);
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = mempool_alloc(f->pool, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
		KUNIT_EXPECT_GE(test, gomem_usable_size(p[i]), f->size);
		fill(p[i], f->size);
	}
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		KUNIT_EXPECT_TRUE(test, is_filled(p[i], f->size));
		mempool_free(p[i], f->pool);
	}
	KUNIT_EXPECT_EQ(test, f->base.balance.live + RESERVE, live_objects());
	mempool_destroy(f->pool);
}

/* A work that frees an object while a task waits for one. */
struct giver {
	struct delayed_work work;
	mempool_t *pool;
	void *p;
};

static void give(struct work_struct *work)
{
	struct giver *g =
		container_of(to_delayed_work(work), struct giver, work);

	mempool_free(g->p, g->pool);
}

static void test_no_memory(struct kunit *test)
{
	struct giver *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);
	struct mempool_fixture *f = test->priv;
	void *p[RESERVE];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, g);
	make_pool(test);
	exhaust(test);
	for (i = 0; i < RESERVE; i++) {
		p[i] = mempool_alloc(f->pool, GFP_NOIO);
		KUNIT_EXPECT_NOT_NULL(test, p[i]);
		fill(p[i], f->size);
	}
	/*
	 * This allocation waits for the object that the work frees, unless a
	 * CPU drains its slots, and so makes memory free earlier.
	 */
	g->pool = f->pool;
	g->p = p[0];
	INIT_DELAYED_WORK(&g->work, give);
	schedule_delayed_work(&g->work, msecs_to_jiffies(50));
	p[0] = mempool_alloc(f->pool, GFP_NOIO);
	KUNIT_EXPECT_NOT_NULL(test, p[0]);
	flush_delayed_work(&g->work);
	fill(p[0], f->size);
	for (i = 0; i < RESERVE; i++) {
		KUNIT_EXPECT_TRUE(test, is_filled(p[i], f->size));
		mempool_free(p[i], f->pool);
	}
	/* The pool has its reserve again. */
	KUNIT_EXPECT_EQ(test, f->base.balance.live + f->nr_objs + RESERVE,
			live_objects());
	for (i = 0; i < RESERVE; i++)
		p[i] = mempool_alloc(f->pool, GFP_NOIO);
	for (i = 0; i < RESERVE; i++)
		mempool_free(p[i], f->pool);
	relax(f);
	mempool_destroy(f->pool);
}

static int mempool_test_init(struct kunit *test)
{
	if (!fixture_alloc(test, sizeof(struct mempool_fixture)))
		return -ENOMEM;
	return 0;
}

static struct kunit_case mempool_cases[] = {
	KUNIT_CASE_PARAM(test_pool, size_gen_params),
	KUNIT_CASE_PARAM(test_no_memory, size_gen_params),
	{}
};

static struct kunit_suite mempool_suite = {
	.name = "gomem_mempool",
	.init = mempool_test_init,
	.exit = fixture_exit,
	.test_cases = mempool_cases,
};

kunit_test_suite(mempool_suite);
