// SPDX-License-Identifier: GPL-2.0
/*
 * pagealloc_check_kunit.c - the validator, gomem_pagealloc_validate(), finds
 * each violated invariant, and a broken heap hands out no page that is in use.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "fixture.h"
#include "pageheap.h"
#include "heap/pagealloc.h"

/* The validator finds each violation */

static void break_inuse(struct heap *h)
{
	h->c[0]->chunk->inuse.word[0] ^= 1;
}

static void break_hole(struct heap *h)
{
	h->c[0]->chunk->hole.word[0] |= 1;
}

static void break_leaf(struct heap *h)
{
	h->pa.sum[4][0] = gomem_pallocsum_pack(1, 1, 0);
}

static void break_unregistered_leaf(struct heap *h)
{
	h->pa.sum[4][5] = GOMEM_PALLOCSUM_NONE;
	h->pa.sum[4][6] = gomem_pallocsum_pack(0, 1, 0);
}

static void break_inner(struct heap *h)
{
	h->pa.sum[2][0] = GOMEM_PALLOCSUM_NONE;
}

static void break_reach(struct heap *h)
{
	h->pa.reach[3][0] ^= 1;
}

static void break_childless_reach(struct heap *h)
{
	h->pa.reach[2][3] = 1;
}

static void break_root(struct heap *h)
{
	h->pa.sum[0][0] = GOMEM_PALLOCSUM_ALL;
}

static void break_search(struct heap *h)
{
	h->pa.search = 1;
}

static void break_search_end(struct heap *h)
{
	heap_alloc(h, 5);
	h->pa.search = AT(8) + 1;
}

static void break_free_pages(struct heap *h)
{
	h->pa.free_pages++;
}

static void break_backed_pages(struct heap *h)
{
	h->pa.backed_pages--;
}

static void break_nr_registered(struct heap *h)
{
	h->pa.nr_registered++;
}

static const struct break_case {
	const char *violation;
	void (*fn)(struct heap *h);
} break_cases[] = {
	{ "a hole is not in use",			break_hole },
	{ "a leaf summary differs from the chunk's bits", break_inuse },
	{ "a leaf summary differs from the chunk's bits", break_leaf },
	{ "a leaf summary differs from the chunk's bits",
	  break_unregistered_leaf },
	{ "a summary differs from its children",	break_inner },
	{ "a summary differs from its children",	break_reach },
	{ "a summary differs from its children",	break_childless_reach },
	{ "a summary differs from its children",	break_root },
	{ "a page below search is free",		break_search },
	{ "search is outside the heap",			break_search_end },
	{ "free_pages differs from the bits",		break_free_pages },
	{ "backed_pages differs from the bits",		break_backed_pages },
	{ "nr_registered differs from the table",	break_nr_registered },
};

KUNIT_ARRAY_PARAM_DESC(break, break_cases, violation);

static void test_validate_violation(struct kunit *test)
{
	const struct break_case *c = test->param_value;
	struct heap *h = test->priv;
	const char *violation;

	heap_init(test, 1);
	heap_register(test, 0);
	heap_add(h, 0, 5);
	/*
	 * Update the tree of summaries, because the validator skips stale
	 * entries.
	 */
	KUNIT_EXPECT_EQ(test, 0UL, heap_next_chunk(h, 0, 1));
	heap_expect_valid(test, "before");

	c->fn(h);
	violation = heap_validate(h);
	KUNIT_ASSERT_NOT_NULL(test, violation);
	KUNIT_EXPECT_STREQ(test, c->violation, violation);
}

/* gomem warns of a broken heap, and hands out no page that is not free */

/*
 * The summaries and the count of free pages say that pages are free. The bits
 * of the chunk say that they are not.
 */
static void break_bits(struct heap *h)
{
	h->c[0]->chunk->inuse.word[0] |= 0x1f;
}

/*
 * The bits of the chunk and the leaf of the tree of summaries say that no page
 * is free. Only the summaries above the leaf and the count of free pages say
 * that pages are free.
 */
static void break_tree(struct heap *h)
{
	break_bits(h);
	h->pa.sum[4][0] = GOMEM_PALLOCSUM_NONE;
}

/* Only the count of free pages says that pages are free. */
static void break_count(struct heap *h)
{
	heap_alloc(h, 5);
	h->pa.free_pages = 5;
	h->pa.search = 0;
}

static const struct refuse_case {
	const char *name;
	void (*fn)(struct heap *h);
} refuse_cases[] = {
	{ "bits",	break_bits },
	{ "tree",	break_tree },
	{ "count",	break_count },
};

KUNIT_ARRAY_PARAM_DESC(refuse, refuse_cases, name);

static void expect_refused(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long base;

	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc_aligned(h, 2));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 1));
	KUNIT_EXPECT_EQ(test, 0ULL, heap_alloc_group(h, 64, &base));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 3));
}

static void test_refuse(struct kunit *test)
{
#ifdef kunit_warning_suppress
	const struct refuse_case *c = test->param_value;
	struct heap *h = test->priv;

	heap_init(test, 1);
	heap_register(test, 0);
	heap_add(h, 0, 10);
	KUNIT_ASSERT_EQ(test, 0UL, heap_alloc(h, 5));
	KUNIT_ASSERT_TRUE(test, heap_alloc_range(h, 5, 5));
	KUNIT_ASSERT_TRUE(test, heap_free(h, 0, 5));
	KUNIT_EXPECT_EQ(test, 0UL, heap_next_chunk(h, 0, 1));
	c->fn(h);
	kunit_warning_suppress(test)
		expect_refused(test);
	KUNIT_EXPECT_NOT_NULL(test, heap_validate(h));
	/* After a free, the freed page is found again. */
	KUNIT_EXPECT_TRUE(test, heap_free(h, 7, 1));
	KUNIT_EXPECT_EQ(test, 7UL, heap_alloc(h, 1));
#else
	kunit_skip(test, "this kernel's KUnit cannot expect a warning");
#endif
}

/*
 * A search warns if a summary contradicts the bits, and then no search finds
 * pages until a page is freed. Meanwhile pages that are free according to the
 * bits can still be taken by their address. The count of free pages never
 * becomes negative.
 */
static void test_refuse_take(struct kunit *test)
{
#ifdef kunit_warning_suppress
	struct heap *h = test->priv;
	unsigned long base;

	heap_init(test, 1);
	heap_register(test, 0);
	heap_add(h, 0, 10);
	break_bits(h);
	kunit_warning_suppress(test)
		KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 10));
	KUNIT_EXPECT_TRUE(test, heap_alloc_range(h, 6, 4));
	KUNIT_EXPECT_EQ(test, 0UL, h->pa.free_pages);
	expect_refused(test);
	KUNIT_EXPECT_TRUE(test, heap_free(h, 6, 4));
	KUNIT_EXPECT_EQ(test, 4UL, h->pa.free_pages);
	/*
	 * According to the bits, pages 5 to 9 are free. The count of free pages
	 * leaves out page 5, which the group gets all the same.
	 */
	KUNIT_EXPECT_EQ(test, 0x3e0ULL, heap_alloc_group(h, 64, &base));
	KUNIT_EXPECT_EQ(test, 0UL, h->pa.free_pages);
#else
	kunit_skip(test, "this kernel's KUnit cannot expect a warning");
#endif
}

/*
 * Pages that are in use according to the bits must not be removed: they would
 * go back to the kernel.
 */
static void test_refuse_remove(struct kunit *test)
{
#ifdef kunit_warning_suppress
	struct heap *h = test->priv;

	heap_init(test, 1);
	heap_register(test, 0);
	heap_add(h, 0, 10);
	KUNIT_ASSERT_EQ(test, 0UL, heap_alloc(h, 1));
	kunit_warning_suppress(test) {
		KUNIT_EXPECT_FALSE(test, heap_remove(h, 0, 2));
		KUNIT_EXPECT_FALSE(test, heap_remove(h, 9, 2));
	}
	heap_expect_valid(test, "refused");
	KUNIT_EXPECT_TRUE(test, heap_remove(h, 1, 9));
	heap_expect_valid(test, "removed");
#else
	kunit_skip(test, "this kernel's KUnit cannot expect a warning");
#endif
}

static struct kunit_case pagealloc_check_cases[] = {
	KUNIT_CASE_PARAM(test_validate_violation, break_gen_params),
	KUNIT_CASE_PARAM(test_refuse, refuse_gen_params),
	KUNIT_CASE(test_refuse_take),
	KUNIT_CASE(test_refuse_remove),
	{}
};

static struct kunit_suite pagealloc_check_suite = {
	.name = "gomem_pagealloc_check",
	.init = pageheap_init,
	.exit = pageheap_exit,
	.test_cases = pagealloc_check_cases,
};

kunit_test_suite(pagealloc_check_suite);
