// SPDX-License-Identifier: GPL-2.0
/*
 * pagealloc_groups_kunit.c - short runs of a heap's page allocator, which come
 * from broken groups of 64 pages first.
 */
#include <kunit/test.h>

#include "pageheap.h"
#include "heap/pagealloc.h"

/* Make a heap of @nr chunks, all of whose pages are free. */
static void free_heap(struct kunit *test, unsigned int nr)
{
	struct heap *h = test->priv;
	unsigned long ci;

	heap_init(test, nr);
	for (ci = 0; ci < nr; ci++)
		heap_register(test, ci);
	heap_add(h, 0, AT(nr));
}

/*
 * A short run comes from a group of which some pages are taken, although a
 * lower group is free as a whole. But if the group of the lowest run is broken,
 * that run is taken.
 */
static void test_group_broken(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long base;

	free_heap(test, 2);
	KUNIT_ASSERT_TRUE(test, heap_alloc_range(h, 128 + 5, 2));
	KUNIT_ASSERT_TRUE(test, heap_alloc_range(h, CHUNK + 64, 63));
	KUNIT_EXPECT_EQ(test, 0x1fULL | 1ULL << 7,
			heap_alloc_group(h, 6, &base));
	KUNIT_EXPECT_EQ(test, 128, base);
	KUNIT_EXPECT_EQ(test, 136UL, heap_alloc(h, 1));
	KUNIT_EXPECT_EQ(test, 137UL, heap_alloc(h, 2));
	KUNIT_EXPECT_EQ(test, 140UL, heap_alloc_aligned(h, 4));
	KUNIT_EXPECT_EQ(test, 144UL, heap_alloc(h, 16));
	KUNIT_EXPECT_EQ(test, 160UL, heap_alloc_aligned(h, 16));
	heap_expect_valid(test, "of a broken group");
	KUNIT_EXPECT_EQ(test, 1ULL << 11, heap_alloc_group(h, 1, &base));
	KUNIT_EXPECT_EQ(test, 0xffffULL << 48, heap_alloc_group(h, 64, &base));
	KUNIT_EXPECT_EQ(test, 128, base);
	KUNIT_EXPECT_EQ(test, 1ULL << 63, heap_alloc_group(h, 64, &base));
	KUNIT_EXPECT_EQ(test, CHUNK + 64, base);
	heap_expect_valid(test, "all of the broken groups");
	/* No group is broken any more. */
	KUNIT_EXPECT_EQ(test, 0UL, heap_alloc(h, 2));
	KUNIT_EXPECT_EQ(test, 2UL, heap_alloc(h, 1));
	KUNIT_ASSERT_TRUE(test, heap_free(h, 0, 3));
	KUNIT_ASSERT_TRUE(test, heap_free(h, 128, 60));
	/* The run is too long to prefer a broken group. */
	KUNIT_EXPECT_EQ(test, 0UL, heap_alloc(h, 17));
	KUNIT_ASSERT_TRUE(test, heap_free(h, 0, 17));
	KUNIT_EXPECT_EQ(test, 0UL, heap_alloc_aligned(h, 32));
	heap_expect_valid(test, "long runs");
}

/*
 * A run that begins in a broken group, but goes on in a group that is free as a
 * whole, does not break up that group, either.
 */
static void test_group_border(struct kunit *test)
{
	struct heap *h = test->priv;

	free_heap(test, 1);
	KUNIT_ASSERT_TRUE(test, heap_alloc_range(h, 0, 60));
	KUNIT_ASSERT_TRUE(test, heap_alloc_range(h, 200, 1));
	KUNIT_EXPECT_EQ(test, 192UL, heap_alloc(h, 5));
	KUNIT_EXPECT_EQ(test, 60UL, heap_alloc(h, 4));
	KUNIT_EXPECT_EQ(test, 201UL, heap_alloc(h, 16));
	heap_expect_valid(test, "border");
}

/*
 * The search for a broken group finds a chunk whose page became free just now,
 * when the summaries of the tree do not yet show it.
 */
static void test_group_stale(struct kunit *test)
{
	struct heap *h = test->priv;

	free_heap(test, 16);
	KUNIT_ASSERT_TRUE(test, heap_alloc_range(h, AT(1), AT(15)));
	KUNIT_EXPECT_EQ(test, 0UL, heap_next_chunk(h, 0, 1));
	KUNIT_ASSERT_TRUE(test, heap_free(h, AT(9) + 70, 1));
	KUNIT_EXPECT_EQ(test, AT(9) + 70, heap_alloc(h, 1));
	heap_expect_valid(test, "stale");
}

/* The search for a broken group visits eight chunks that have free pages. */
static void test_group_far(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long base;

	free_heap(test, 10);
	KUNIT_ASSERT_TRUE(test, heap_alloc_range(h, AT(8) + 70, 1));
	KUNIT_EXPECT_EQ(test, 1ULL, heap_alloc_group(h, 1, &base));
	KUNIT_EXPECT_EQ(test, 0, base);
	KUNIT_ASSERT_TRUE(test, heap_free(h, 0, 1));
	/* A chunk without a free page does not count. */
	KUNIT_ASSERT_TRUE(test, heap_alloc_range(h, AT(3), CHUNK));
	KUNIT_EXPECT_EQ(test, 1ULL, heap_alloc_group(h, 1, &base));
	KUNIT_EXPECT_EQ(test, AT(8) + 64, base);
	heap_expect_valid(test, "far");
}

static struct kunit_case pagealloc_groups_cases[] = {
	KUNIT_CASE(test_group_broken),
	KUNIT_CASE(test_group_border),
	KUNIT_CASE(test_group_stale),
	KUNIT_CASE(test_group_far),
	{}
};

static struct kunit_suite pagealloc_groups_suite = {
	.name = "gomem_pagealloc_groups",
	.init = pageheap_init,
	.exit = pageheap_exit,
	.test_cases = pagealloc_groups_cases,
};

kunit_test_suite(pagealloc_groups_suite);
