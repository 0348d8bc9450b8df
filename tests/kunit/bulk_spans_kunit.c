// SPDX-License-Identifier: GPL-2.0
/*
 * bulk_spans_kunit.c - bulk frees of objects for which the slot has no room.
 *
 * If the transfer cache has no room either, such objects return to their spans.
 * Objects that lie side by side in one page, and follow each other in the
 * array, return in one step. The order of the array must not make gomem take
 * objects that lie between them for freed ones.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/string.h>

#include "object.h"
#include "base/limits.h"
#include "run/epoch.h"

#define SIZE		1024U
#define PER_PAGE	(GOMEM_PAGE_SIZE / SIZE)

static const struct order_case {
	const char *name;
	unsigned int n;
	unsigned int order[PER_PAGE];
} order_cases[] = {
	{ "rising",		3, { 0, 1, 2 } },
	{ "one out of place",	3, { 0, 5, 2 } },
	{ "last out of place",	3, { 0, 1, 5 } },
	{ "second out of place",	4, { 0, 5, 2, 3 } },
	{ "two ends",		2, { 0, 7 } },
	{ "two gaps",		4, { 1, 2, 6, 4 } },
	{ "falling",		4, { 6, 5, 4, 3 } },
	{ "all but one",	7, { 0, 1, 2, 3, 4, 5, 7 } },
};

KUNIT_ARRAY_PARAM_DESC(order, order_cases, name);

/* Allocate objects of SIZE bytes, sorted by address. Return their number. */
static unsigned int get_sorted(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, n = FIXTURE_OBJECTS / 2;

	gomem_scavenge_all();
	KUNIT_ASSERT_EQ(test, n, gomem_alloc_bulk(SIZE, GFP_KERNEL, n,
						  f->objs));
	sort_by_address(f->objs, n);
	for (i = 0; i < n; i++)
		memset(f->objs[i], i % 251, SIZE);
	return n;
}

/* Do the next PER_PAGE objects fill a page? */
static bool is_page(void **p)
{
	return !((unsigned long)p[0] & ~GOMEM_PAGE_MASK) &&
	       p[PER_PAGE - 1] == p[0] + (PER_PAGE - 1) * SIZE;
}

/*
 * Free some objects of the page at @p, in the order of @c, and clear their
 * entries.
 */
static void free_some(const struct order_case *c, void **p)
{
	void *bulk[PER_PAGE];
	unsigned int i;

	for (i = 0; i < c->n; i++) {
		bulk[i] = p[c->order[i]];
		p[c->order[i]] = NULL;
	}
	gomem_free_bulk(c->n, bulk);
}

/*
 * Free the same objects of each page. The slot is full soon, and a bulk free
 * never flushes it. Exactly these objects are free then: allocate as many, and
 * write to them. The others keep their contents.
 */
static void test_order(struct kunit *test)
{
	const struct order_case *c = test->param_value;
	struct fixture *f = test->priv;
	unsigned int n = get_sorted(test), i, freed = 0, changed = 0;

	for (i = 0; i + PER_PAGE <= n; i++) {
		if (!is_page(f->objs + i))
			continue;
		free_some(c, f->objs + i);
		freed += c->n;
		i += PER_PAGE - 1;
	}
	expect_no_misuse(test);
	/* Far more than the 255 that the slot holds at most. */
	KUNIT_EXPECT_GT(test, freed, 400);
	KUNIT_ASSERT_EQ(test, freed, gomem_alloc_bulk(SIZE, GFP_KERNEL, freed,
						      f->objs + n));
	for (i = n; i < n + freed; i++)
		memset(f->objs[i], 252, SIZE);
	for (i = 0; i < n; i++)
		if (f->objs[i])
			changed += !!memchr_inv(f->objs[i], i % 251, SIZE);
	KUNIT_EXPECT_EQ(test, 0, changed);
	gomem_free_bulk(n + freed, f->objs);
	expect_no_misuse(test);
	expect_sound(test);
}

static struct kunit_case bulk_spans_cases[] = {
	KUNIT_CASE_PARAM(test_order, order_gen_params),
	{}
};

static struct kunit_suite bulk_spans_suite = {
	.name = "gomem_bulk_spans",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = bulk_spans_cases,
};

kunit_test_suite(bulk_spans_suite);
