// SPDX-License-Identifier: GPL-2.0
/*
 * reserves_kunit.c - only callers that may use the kernel's reserves get memory
 * from them.
 *
 * During a case, the page source of gomem's real heaps hands out pages to
 * such callers only: see reserves_begin().
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>

#include "fixture.h"
#include "cpu/node.h"

#define TRY		(GFP_NOWAIT | __GFP_NOWARN)
#define PRIVILEGED	(TRY | __GFP_MEMALLOC)

#define MAX_TINY	20000

struct reserves_fixture {
	struct fixture base;
	void *taken;
	void *tiny[MAX_TINY];
};

/*
 * Allocate objects of @size until an allocation fails. Link them, by the first
 * word of each, into the list f->taken.
 */
static void take_all(struct reserves_fixture *f, size_t size)
{
	void **p;

	while ((p = gomem_alloc(size, TRY))) {
		*p = f->taken;
		f->taken = p;
	}
}

/*
 * Use up all free pages and all free objects of @size. After that, an
 * allocation of @size, or one that takes a new span, needs the kernel's
 * reserves.
 */
static void begin(struct kunit *test, size_t size)
{
	struct reserves_fixture *f = test->priv;

	migrate_disable();
	reserves_begin();
	take_all(f, SZ_64K);
	take_all(f, SZ_8K);
	take_all(f, size);
	KUNIT_EXPECT_NULL(test, gomem_alloc(size, TRY));
}

static void end(struct reserves_fixture *f, unsigned long *used)
{
	void *next;

	*used = reserves_end();
	migrate_enable();
	for (; f->taken; f->taken = next) {
		next = *(void **)f->taken;
		gomem_free(f->taken);
	}
}

/*
 * A caller that may use the kernel's reserves gets objects, and takes no more
 * pages than these need. Other callers get no object.
 */
static void expect_reserved(struct kunit *test, size_t size,
			    void *(*get)(size_t size, gfp_t gfp))
{
	struct reserves_fixture *f = test->priv;
	unsigned long used;
	void *p[5], *q;
	unsigned int i;

	begin(test, size);
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = get(size, PRIVILEGED);
		KUNIT_EXPECT_NOT_NULL_MSG(test, p[i], "size %zu", size);
		q = get(size, TRY);
		KUNIT_EXPECT_NULL_MSG(test, q, "size %zu, after %u", size,
				      i + 1);
		gomem_free(q);
		KUNIT_EXPECT_NULL(test,
				  get(size, PRIVILEGED | __GFP_NOMEMALLOC));
		if (p[i]) {
			KUNIT_EXPECT_GE(test, gomem_usable_size(p[i]), size);
			memset(p[i], 0x5a, size);
		}
	}
	/*
	 * Free the objects only after end(). Before that, callers that may not
	 * use the reserves would get the freed memory.
	 */
	end(f, &used);
	KUNIT_EXPECT_EQ_MSG(test,
			    ARRAY_SIZE(p) * DIV_ROUND_UP(size, GOMEM_PAGE_SIZE),
			    used, "size %zu", size);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		gomem_free(p[i]);
}

static void *get_scan(size_t size, gfp_t gfp)
{
	return gomem_alloc(size, gfp);
}

static void *get_noscan(size_t size, gfp_t gfp)
{
	return gomem_alloc_noscan(size, gfp);
}

static void *get_bulk(size_t size, gfp_t gfp)
{
	void *p;

	return gomem_alloc_bulk(size, gfp, 1, &p) ? p : NULL;
}

static void test_alloc(struct kunit *test)
{
	expect_reserved(test, 64, get_scan);
	expect_reserved(test, 64, get_noscan);
	expect_reserved(test, 1024, get_scan);
	expect_reserved(test, SZ_8K, get_scan);
}

static void test_bulk(struct kunit *test)
{
	expect_reserved(test, 512, get_bulk);
}

/*
 * Use up the rest of the CPU's current block, and all free blocks. After that,
 * a tiny object needs the kernel's reserves. Return the number of objects that
 * were taken.
 */
static unsigned int take_tiny(struct reserves_fixture *f)
{
	unsigned int n = 0;
	void *p;

	while (n < MAX_TINY && (p = gomem_alloc_noscan(4, TRY)))
		f->tiny[n++] = p;
	return n;
}

static void test_tiny(struct kunit *test)
{
	struct reserves_fixture *f = test->priv;
	unsigned long used;
	unsigned int n;
	void *p;

	begin(test, 64);
	n = take_tiny(f);
	KUNIT_EXPECT_LT(test, n, MAX_TINY);
	p = gomem_alloc_noscan(4, PRIVILEGED);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(4, TRY));
	end(f, &used);
	KUNIT_EXPECT_EQ(test, 1, used);
	gomem_free(p);
	gomem_free_bulk(n, f->tiny);
}

/* A task with PF_MEMALLOC may use the kernel's reserves without a gfp flag. */
static void test_task(struct kunit *test)
{
	struct reserves_fixture *f = test->priv;
	unsigned int flags;
	unsigned long used;
	void *p;

	begin(test, 128);
	flags = memalloc_noreclaim_save();
	p = gomem_alloc(128, TRY);
	memalloc_noreclaim_restore(flags);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_NULL(test, gomem_alloc(128, TRY));
	end(f, &used);
	KUNIT_EXPECT_EQ(test, 1, used);
	gomem_free(p);
}

/*
 * When only the kernel's reserves have memory, a privileged allocation from a
 * typed cache makes a span of the cache from one page of the reserves. Callers
 * of gomem_alloc() cannot get the other objects of that span.
 */
static void test_typed(struct kunit *test)
{
	struct gomem_cache *c = gomem_cache_create("reserves", 200, NULL);
	struct reserves_fixture *f = test->priv;
	unsigned long used;
	void *p;

	KUNIT_ASSERT_NOT_NULL(test, c);
	begin(test, 64);
	KUNIT_EXPECT_NULL(test, gomem_cache_alloc(c, TRY));
	p = gomem_cache_alloc(c, PRIVILEGED);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_NULL(test, gomem_alloc(64, TRY));
	end(f, &used);
	KUNIT_EXPECT_EQ(test, 1, used);
	gomem_cache_free(c, p);
	gomem_cache_destroy(c);
}

static int reserves_init(struct kunit *test)
{
	if (!fixture_alloc(test, sizeof(struct reserves_fixture)))
		return -ENOMEM;
	return 0;
}

static struct kunit_case reserves_cases[] = {
	KUNIT_CASE(test_alloc),
	KUNIT_CASE(test_bulk),
	KUNIT_CASE(test_tiny),
	KUNIT_CASE(test_task),
	KUNIT_CASE(test_typed),
	{ }
};

static struct kunit_suite reserves_suite = {
	.name = "gomem_reserves",
	.init = reserves_init,
	.exit = fixture_exit,
	.test_cases = reserves_cases,
};

kunit_test_suite(reserves_suite);
