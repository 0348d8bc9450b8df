// SPDX-License-Identifier: GPL-2.0
/*
 * pagealloc_kunit.c - which free pages a heap's page allocator finds: see
 *	heap/pagealloc.c. The layouts of the free pages are fixed; those in
 *	pagealloc_random_kunit.c are random.
 */
#include <kunit/test.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fixture.h"
#include "pageheap.h"
#include "heap/pagealloc.h"

/* Init and lookup */

static const unsigned long init_sizes[] = {
	1, 7, 8, 9, 63, 64, 65, 4095, 4096, 4097, 40000,
};

static void init_size_desc(const unsigned long *nr, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%lu chunks", *nr);
}

KUNIT_ARRAY_PARAM(init_size, init_sizes, init_size_desc);

/* In an empty heap searches find nothing, and lookups are safe. */
static void test_init_empty(struct kunit *test)
{
	const unsigned long nr = *(const unsigned long *)test->param_value;
	struct heap *h = test->priv;
	unsigned long base;
	unsigned int l;

	heap_init(test, nr);
	KUNIT_EXPECT_EQ(test, round_up(nr, 8), h->pa.nr[4]);
	for (l = 1; l <= 4; l++)
		KUNIT_EXPECT_TRUE(test, h->pa.nr[l - 1] * 8 >= h->pa.nr[l]);
	KUNIT_EXPECT_EQ(test, DIV_ROUND_UP(nr, 4096), h->pa.nr[0]);

	KUNIT_EXPECT_TRUE(test, gomem_pagealloc_chunk(&h->pa, 0) ==
			  &gomem_no_chunk);
	KUNIT_EXPECT_TRUE(test, gomem_pagealloc_chunk(&h->pa, nr - 1) ==
			  &gomem_no_chunk);
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 1));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc_aligned(h, 1));
	KUNIT_EXPECT_EQ(test, 0ULL, heap_alloc_group(h, 64, &base));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_next_chunk(h, 0, 1));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_next_chunk(h, nr - 1, 1));
	heap_expect_valid(test, "empty");
}

static void test_no_chunk(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < GOMEM_CHUNK_PAGES; i++) {
		KUNIT_EXPECT_EQ(test, 0, gomem_no_chunk.tag[i]);
		KUNIT_EXPECT_NULL(test, gomem_no_chunk.span[i]);
	}
	KUNIT_EXPECT_TRUE(test, gomem_pallocbits_all_set(&gomem_no_chunk.inuse,
							 0, CHUNK));
	KUNIT_EXPECT_TRUE(test, gomem_pallocbits_all_set(&gomem_no_chunk.hole,
							 0, CHUNK));
}

/* A new chunk is found by a lookup, but has no page to give. */
static void test_register_holes(struct kunit *test)
{
	struct heap *h = test->priv;

	heap_init(test, 64);
	heap_register(test, 13);
	KUNIT_EXPECT_TRUE(test, gomem_pagealloc_chunk(&h->pa, 13) ==
			  h->c[0]->chunk);
	KUNIT_EXPECT_TRUE(test, gomem_pagealloc_chunk(&h->pa, 12) ==
			  &gomem_no_chunk);
	KUNIT_EXPECT_EQ(test, 1UL, h->pa.nr_registered);
	KUNIT_EXPECT_EQ(test, 0UL, h->pa.backed_pages);
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 1));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 0));
	heap_expect_valid(test, "registered");
}

/* Named layouts: what first fit and aligned fit find among the free runs */

static const struct find_case {
	const char *name;
	/* The registered chunks. A 0 after [0] ends the list. */
	unsigned long chunk[6];
	struct run free[4];
	/* Number of pages to allocate, and the first page found; -1: none */
	unsigned long n, found;
	/* First page of the aligned run found, if n is a power of two <= 512 */
	unsigned long aligned;
} find_cases[] = {
	{ "whole chunk", { 0 }, { { 0, 512 } }, 512, 0, 0 },
	{ "more than a chunk has", { 0 }, { { 0, 512 } }, 513, -1, -1 },
	{ "lowest of two", { 0, 1 }, { { 9, 4 }, { 600, 4 } }, 4, 9, 600 },
	{ "lower one too short", { 0, 1 }, { { 9, 3 }, { 601, 4 } },
	  4, 601, -1 },
	{ "across a chunk border", { 0, 1 }, { { 500, 20 } }, 20, 500, -1 },
	{ "border run before inner run", { 0, 1 }, { { 500, 24 }, { 708, 24 } },
	  24, 500, -1 },
	{ "short run at no border", { 0, 1 }, { { 510, 4 }, { 700, 4 } },
	  4, 700, 700 },
	{ "inner run before border run", { 0, 1 }, { { 4, 4 }, { 510, 4 } },
	  4, 4, 4 },
	{ "up to the border", { 0, 1 }, { { 508, 4 } }, 4, 508, 508 },
	{ "from the border on", { 0, 1 }, { { 512, 4 } }, 4, 512, 512 },
	{ "512 across a border", { 0, 1 }, { { 256, 512 } }, 512, 256, -1 },
	{ "three chunks whole", { 0, 1, 2 }, { { 0, 1536 } }, 1536, 0, -1 },
	{ "middle chunk whole", { 0, 1, 2 }, { { 511, 514 } }, 514, 511, -1 },
	{ "aligned in middle chunk", { 0, 1, 2 }, { { 511, 514 } },
	  512, 511, 512 },
	{ "hole in the middle", { 0, 1 }, { { 400, 112 }, { 513, 100 } },
	  113, -1, -1 },
	{ "unregistered in the middle", { 0, 2 },
	  { { 400, 112 }, { 1024, 112 } }, 113, -1, -1 },
	{ "unregistered in the middle, then a fit", { 0, 2 },
	  { { 400, 112 }, { 1024, 112 }, { 1200, 113 } }, 113, 1200, -1 },
	{ "taken in the middle, then a fit", { 0, 1, 2 },
	  { { 400, 112 }, { 1024, 112 }, { 1200, 113 } }, 113, 1200, -1 },
	{ "behind unregistered", { 0, 2 }, { { 400, 3 }, { 1024, 112 } },
	  64, 1024, 1024 },
	{ "across 8 chunks", { 7, 8 }, { { AT(8) - 5, 10 } },
	  10, AT(8) - 5, -1 },
	{ "across 64 chunks", { 63, 64 }, { { AT(64) - 1, 2 } },
	  2, AT(64) - 1, -1 },
	{ "across 512 chunks", { 511, 512 }, { { AT(512) - 300, 700 } },
	  700, AT(512) - 300, -1 },
	{ "across root entries", { 4095, 4096 }, { { AT(4096) - 9, 20 } },
	  20, AT(4096) - 9, -1 },
	{ "whole chunks across root entries", { 4095, 4096 },
	  { { AT(4095), 1024 } }, 1024, AT(4095), -1 },
	{ "a hole before the root border", { 4095, 4096 },
	  { { AT(4095), 511 }, { AT(4096), 511 } }, 512, -1, -1 },
	{ "second root entry only", { 0, 4096 }, { { 0, 7 }, { AT(4096), 9 } },
	  8, AT(4096), AT(4096) },
	{ "last page of a root entry", { 4095 }, { { AT(4096) - 1, 1 } },
	  1, AT(4096) - 1, AT(4096) - 1 },
	{ "third root entry", { 1, 8200 }, { { AT(1), 3 }, { AT(8200), 4 } },
	  4, AT(8200), AT(8200) },
	{ "max promised across chunks", { 0, 1, 9 },
	  { { 384, 256 }, { AT(9), 256 } }, 256, 384, AT(9) },
	{ "unaligned 2n - 2", { 0, 9 }, { { 1, 126 }, { AT(9) + 64, 64 } },
	  64, 1, AT(9) + 64 },
	{ "just enough 2n - 1", { 0, 9 }, { { 1, 127 }, { AT(9), 64 } },
	  64, 1, 64 },
	{ "one page at the very end", { 15 }, { { AT(16) - 1, 1 } },
	  1, AT(16) - 1, AT(16) - 1 },
};

KUNIT_ARRAY_PARAM_DESC(find, find_cases, name);

static void test_find_named(struct kunit *test)
{
	const struct find_case *c = test->param_value;
	struct heap *h = test->priv;
	unsigned long page;
	unsigned int i;

	for (i = 1; i < ARRAY_SIZE(c->chunk) && c->chunk[i]; i++)
		;
	heap_register_all(test, c->chunk, i);
	for (i = 0; i < ARRAY_SIZE(c->free) && c->free[i].len; i++)
		heap_add(h, c->free[i].start, c->free[i].len);
	heap_expect_valid(test, "added");

	page = heap_alloc(h, c->n);
	KUNIT_EXPECT_EQ(test, c->found, page);
	heap_expect_valid(test, "allocated");
	if (page != GOMEM_NO_PAGE)
		KUNIT_EXPECT_TRUE(test, heap_free(h, page, c->n));

	if (!is_power_of_2(c->n) || c->n > CHUNK)
		return;
	page = heap_alloc_aligned(h, c->n);
	KUNIT_EXPECT_EQ(test, c->aligned, page);
	heap_expect_valid(test, "allocated aligned");
}

/* Pages are handed out in order of address, up to the last one. */
static void test_exhaust(struct kunit *test)
{
	static const unsigned long ci[] = { 0, 1, 7, 8, 9 };
	struct heap *h = test->priv;
	unsigned long n, page = 0;

	heap_register_all(test, ci, ARRAY_SIZE(ci));
	for (n = 0; n < ARRAY_SIZE(ci); n++)
		heap_add(h, AT(ci[n]), CHUNK);
	for (n = 0; n < ARRAY_SIZE(ci) * CHUNK; n++, page++) {
		if (page == AT(2))
			page = AT(7);
		KUNIT_ASSERT_EQ(test, page, heap_alloc(h, 1));
	}
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 1));
	KUNIT_EXPECT_EQ(test, 0UL, h->pa.free_pages);
	heap_expect_valid(test, "exhausted");

	/*
	 * A freed page below h->pa.search is found, because the free lowers
	 * h->pa.search.
	 */
	KUNIT_EXPECT_TRUE(test, heap_free(h, AT(8) + 100, 1));
	KUNIT_EXPECT_TRUE(test, heap_free(h, 3, 1));
	KUNIT_EXPECT_EQ(test, 3UL, heap_alloc_aligned(h, 1));
	KUNIT_EXPECT_EQ(test, AT(8) + 100, heap_alloc(h, 1));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 1));
}

/*
 * The start of searches, h->pa.search, moves past full chunks. No page below it
 * is free.
 */
static void test_search_hint(struct kunit *test)
{
	static const unsigned long ci[] = { 0, 1, 7, 8, 9 };
	struct heap *h = test->priv;
	unsigned int i;

	heap_register_all(test, ci, ARRAY_SIZE(ci));
	for (i = 0; i < ARRAY_SIZE(ci); i++)
		heap_add(h, AT(ci[i]), CHUNK);
	KUNIT_EXPECT_TRUE(test, heap_alloc_range(h, 1, AT(2) - 1));
	KUNIT_EXPECT_TRUE(test, heap_alloc_range(h, AT(7), CHUNK + 9));
	KUNIT_EXPECT_EQ(test, 0UL, h->pa.search);
	KUNIT_EXPECT_EQ(test, 0UL, heap_alloc(h, 1));

	KUNIT_EXPECT_EQ(test, AT(8) + 9, heap_alloc(h, 2));
	KUNIT_EXPECT_EQ(test, AT(8) + 11, h->pa.search);

	KUNIT_EXPECT_TRUE(test, heap_free(h, 5, 1));
	KUNIT_EXPECT_EQ(test, 5UL, h->pa.search);
	KUNIT_EXPECT_EQ(test, 5UL, heap_alloc_aligned(h, 1));
	KUNIT_EXPECT_EQ(test, AT(8) + 12, heap_alloc_aligned(h, 4));
	KUNIT_EXPECT_EQ(test, AT(8) + 11, h->pa.search);
	KUNIT_EXPECT_EQ(test, AT(8) + 16, heap_alloc(h, 3));
	KUNIT_EXPECT_EQ(test, AT(8) + 11, h->pa.search);
	KUNIT_EXPECT_EQ(test, AT(8) + 11, heap_alloc(h, 1));
	KUNIT_EXPECT_EQ(test, AT(8) + 12, h->pa.search);
	heap_expect_valid(test, "hint");
}

/* Register @nr chunks, for which the test does not record states of pages. */
static void heap_register_many(struct kunit *test, unsigned long nr)
{
	struct heap *h = test->priv;
	unsigned long ci;

	heap_init(test, nr);
	h->many = kvcalloc(nr, sizeof(*h->many), GFP_KERNEL);
	if (!h->many)
		kunit_skip(test, "needs %lu KiB", nr * sizeof(*h->many) / 1024);
	for (ci = 0; ci < nr; ci++) {
		spin_lock(&h->lock);
		gomem_pagealloc_register(&h->pa, ci, &h->many[ci]);
		spin_unlock(&h->lock);
	}
}

/* Covering */

/* A heap that covers nothing has no tables, and searches find nothing. */
static void test_cover_nothing(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long base;

	heap_init_empty(test);
	KUNIT_EXPECT_FALSE(test, LOCKED(h, gomem_pagealloc_covers(&h->pa, 0)));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 1));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 0));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc_aligned(h, 4));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_next_chunk(h, 0, 1));
	KUNIT_EXPECT_EQ(test, 0ULL, heap_alloc_group(h, 64, &base));
	KUNIT_EXPECT_FALSE(test, heap_free(h, 0, 1));
	KUNIT_EXPECT_FALSE(test, heap_alloc_range(h, 0, 1));
	heap_expect_valid(test, "nothing covered");
}

/*
 * Covering more chunks does not change which pages are taken or free. Chunk 12
 * is covered already when its turn comes: it lies between covered chunks, and
 * has its entries in the same pages of the tables as chunk 3.
 */
static void test_cover_more(struct kunit *test)
{
	static const unsigned long ci[] = {
		3, 700, 4096 + 5, 40000, 12, 100000
	};
	struct heap *h = test->priv;
	unsigned long page, i;

	heap_init_empty(test);
	for (i = 0; i < ARRAY_SIZE(ci); i++) {
		KUNIT_EXPECT_EQ(test, ci[i] == 12,
				LOCKED(h,
				       gomem_pagealloc_covers(&h->pa, ci[i])));
		KUNIT_ASSERT_EQ(test, 0, heap_cover(h, ci[i], ci[i] + 1));
		heap_register(test, ci[i]);
		heap_add(h, AT(ci[i]), CHUNK);
		heap_expect_valid(test, "covered");
		KUNIT_EXPECT_EQ(test, (i + 1) * (CHUNK - 1) + 1,
				h->pa.free_pages);
		page = heap_alloc(h, 1);
		KUNIT_EXPECT_TRUE(test, page != GOMEM_NO_PAGE);
		heap_expect_valid(test, "allocated");
	}
	for (i = 0; i < ARRAY_SIZE(ci); i++)
		KUNIT_EXPECT_TRUE(test, gomem_pagealloc_chunk(&h->pa, ci[i]) ==
				  h->c[i]->chunk);
	KUNIT_EXPECT_EQ(test, 12UL, heap_next_chunk(h, 0, CHUNK));
	KUNIT_EXPECT_EQ(test, 100000UL, heap_next_chunk(h, 40001, CHUNK));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, CHUNK + 1));
}

/*
 * gomem_pagealloc_cover() rounds the end of the range up to a multiple of 8
 * chunks. The chunks from there on are not covered, even if a table already has
 * memory for their entries.
 */
static void test_cover_rest(struct kunit *test)
{
	struct heap *h = test->priv;

	heap_init(test, 1);
	KUNIT_EXPECT_FALSE(test,
			   LOCKED(h, gomem_pagealloc_covers(&h->pa, 300)));
	KUNIT_ASSERT_EQ(test, 0, heap_cover(h, 299, 301));
	KUNIT_EXPECT_TRUE(test, LOCKED(h, gomem_pagealloc_covers(&h->pa, 300)));
	KUNIT_EXPECT_EQ(test, 304UL, h->pa.nr[4]);
	heap_register(test, 300);
	heap_add(h, AT(300), CHUNK);
	KUNIT_EXPECT_EQ(test, AT(300), heap_alloc(h, CHUNK));
	heap_expect_valid(test, "rest");
}

/*
 * A large gap between covered ranges takes little memory. Covering a range
 * again takes none.
 */
static void test_cover_gap(struct kunit *test)
{
	/*
	 * The gap in TiB. It is small on User-Mode Linux, which needs a mapping
	 * of its host for each page of a table: the host limits their number.
	 */
	const unsigned long tib = IS_ENABLED(CONFIG_UML) ? 1 : 64;
	const unsigned long far = (tib << 40) >> GOMEM_CHUNK_SHIFT;
	struct heap *h = test->priv;
	size_t near, bytes;

	heap_init(test, 512);
	near = gomem_pagealloc_bytes(&h->pa) + gomem_pagemap_bytes(&h->map);
	KUNIT_ASSERT_EQ(test, 0, heap_cover(h, 1, 500));
	bytes = gomem_pagealloc_bytes(&h->pa) + gomem_pagemap_bytes(&h->map);
	KUNIT_EXPECT_EQ(test, near, bytes);

	KUNIT_ASSERT_EQ(test, 0, heap_cover(h, far, far + 512));
	bytes = gomem_pagealloc_bytes(&h->pa) + gomem_pagemap_bytes(&h->map);
	kunit_info(test, "%lu TiB away from 2 GiB: %zu bytes, from %zu", tib,
		   bytes, near);
	KUNIT_EXPECT_LE(test, bytes, near + SZ_1M + SZ_256K);
	KUNIT_EXPECT_FALSE(test,
			   LOCKED(h, gomem_pagealloc_covers(&h->pa, far / 2)));
	KUNIT_EXPECT_TRUE(test, gomem_pagealloc_chunk(&h->pa, far / 2) ==
			  &gomem_no_chunk);
	heap_register(test, far + 1);
	heap_add(h, AT(far + 1), 7);
	KUNIT_EXPECT_EQ(test, AT(far + 1), heap_alloc(h, 7));
	heap_expect_valid(test, "far");
}

/* Make another heap with the same page map. */
static struct gomem_pagealloc *other_heap(struct kunit *test)
{
	struct heap *h = test->priv;
	struct gomem_pagealloc *other;

	other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other);
	gomem_pagealloc_init(other, &h->map, (struct gomem_heap *)other,
			     &h->lock);
	mutex_lock(&h->map.mutex);
	KUNIT_EXPECT_EQ(test, 0,
			gomem_pagealloc_cover(other, 0, 4, NUMA_NO_NODE));
	mutex_unlock(&h->map.mutex);
	return other;
}

/*
 * A chunk of another heap is in the page map, but none of its pages belong to
 * this heap.
 */
static void test_foreign_chunk(struct kunit *test)
{
	struct gomem_pagealloc *other;
	struct heap *h = test->priv;
	struct gomem_chunk *c;
	unsigned long base;
	u64 group;

	heap_init(test, 4);
	heap_register(test, 0);
	heap_add(h, 0, CHUNK);
	other = other_heap(test);
	c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_EXPECT_PTR_EQ(test, c,
			    LOCKED(h, gomem_pagealloc_register(other, 1, c)));
	/*
	 * If two heaps register the same chunk, the second one gets the
	 * descriptor of the first.
	 */
	KUNIT_EXPECT_PTR_EQ(test, h->c[0]->chunk,
			    LOCKED(h, gomem_pagealloc_register(other, 0, c)));
	spin_lock(&h->lock);
	gomem_pagealloc_add(other, CHUNK, CHUNK);
	spin_unlock(&h->lock);

	KUNIT_EXPECT_TRUE(test,
			  gomem_pagealloc_chunk(&h->pa, 1) == &gomem_no_chunk);
	KUNIT_EXPECT_PTR_EQ(test, c, gomem_pagealloc_chunk(other, 1));
	/* This heap must not take what is free in the other heap. */
	KUNIT_EXPECT_FALSE(test, heap_alloc_range(h, CHUNK - 1, 2));
	KUNIT_EXPECT_FALSE(test, heap_alloc_range(h, CHUNK, 1));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, CHUNK + 1));
	/* This heap must not free what is taken in the other heap. */
	group = LOCKED(h, gomem_pagealloc_alloc_group(other, 64, &base));
	KUNIT_EXPECT_NE(test, 0ULL, group);
	KUNIT_EXPECT_EQ(test, CHUNK, base);
	KUNIT_EXPECT_FALSE(test, heap_free(h, CHUNK, 1));
	heap_expect_valid(test, "foreign");
	gomem_pagealloc_destroy(other);
}

/*
 * All pages of one root entry of the tree of summaries are free, and so are
 * eight chunks of the next entry. The first entry's summary is the special
 * value GOMEM_PALLOCSUM_ALL: its 2^21 free pages are more than the 21 bits of a
 * field can hold. A free run may be longer than the range of a root entry.
 */
static void test_root_entry_free(struct kunit *test)
{
	const unsigned long nr = 4096 + 8, root = AT(4096UL);
	struct heap *h = test->priv;

	heap_register_many(test, nr);
	heap_add(h, 0, AT(nr));
	KUNIT_EXPECT_TRUE(test, h->pa.sum[0][0] == GOMEM_PALLOCSUM_ALL);

	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, AT(nr) + 1));
	KUNIT_EXPECT_EQ(test, 0UL, heap_alloc(h, root));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, root));
	KUNIT_EXPECT_EQ(test, root, heap_alloc(h, 1));
	KUNIT_EXPECT_TRUE(test, heap_free(h, 1, root));
	KUNIT_EXPECT_EQ(test, 1UL, heap_alloc(h, root + 1));
	heap_expect_valid(test, "full");
	KUNIT_EXPECT_TRUE(test, heap_free(h, 0, root + 2));
	KUNIT_EXPECT_TRUE(test, h->pa.sum[0][0] == GOMEM_PALLOCSUM_ALL);
	heap_remove(h, 0, AT(nr));
	KUNIT_EXPECT_EQ(test, 0UL, h->pa.backed_pages);
	heap_expect_valid(test, "removed");
}

/* Requests that must be refused, and change nothing */

/*
 * Pages 0 to 99 are free. Pages 100 to 199 are taken, and so are pages 400 to
 * 599, across a chunk border. The other pages of the chunks 0, 1 and 3 are
 * holes. Chunk 2 is not registered.
 */
static void range_heap(struct kunit *test)
{
	static const unsigned long ci[] = { 0, 1, 3 };
	struct heap *h = test->priv;

	heap_register_all(test, ci, ARRAY_SIZE(ci));
	heap_add(h, 0, 200);
	heap_set_all(h, 0, 200, FREE);
	heap_add(h, 400, 200);
	KUNIT_ASSERT_TRUE(test, heap_alloc_range(h, 100, 100));
	heap_set_all(h, 100, 100, TAKEN);
	KUNIT_ASSERT_TRUE(test, heap_alloc_range(h, 400, 200));
	heap_set_all(h, 400, 200, TAKEN);
}

static const struct range_case {
	const char *name;
	unsigned long page, n;
	bool free, alloc;	/* can be freed, can be taken */
} range_cases[] = {
	{ "all of the first",		100, 100,	true,	false },
	{ "a part",			150, 10,	true,	false },
	{ "across the border",		500, 50,	true,	false },
	{ "all across the border",	400, 200,	true,	false },
	{ "a free page before",		99, 101,	false,	false },
	{ "a hole behind",		100, 101,	false,	false },
	{ "a hole before",		399, 2,		false,	false },
	{ "a hole behind the border",	500, 101,	false,	false },
	{ "a hole in the middle",	100, 500,	false,	false },
	{ "free pages",			0, 100,		false,	true },
	{ "one free page",		0, 1,		false,	true },
	{ "the last free page",		99, 1,		false,	true },
	{ "a taken page behind",	99, 2,		false,	false },
	{ "holes",			200, 200,	false,	false },
	{ "one hole",			300, 1,		false,	false },
	{ "a chunk of holes",		AT(3), CHUNK,	false,	false },
	{ "an unregistered chunk",	AT(2), 1,	false,	false },
	{ "into an unregistered chunk",	AT(2) - 1, 2,	false,	false },
	{ "the heap's last page",	AT(8) - 1, 1,	false,	false },
	{ "beyond the heap",		AT(8), 1,	false,	false },
	{ "no page",			100, 0,		false,	false },
	{ "no page, free",		0, 0,		false,	false },
	{ "as many as there are",	100, ~0UL,	false,	false },
	{ "wraps around",		100, -50UL,	false,	false },
	{ "no such page",		GOMEM_NO_PAGE, 1, false, false },
};

KUNIT_ARRAY_PARAM_DESC(range, range_cases, name);

/*
 * Free a range, take it, and free it again. A second free or take in a row is
 * refused.
 */
static void test_range(struct kunit *test)
{
	const struct range_case *c = test->param_value;
	struct heap *h = test->priv;
	bool ok = c->free || c->alloc;

	range_heap(test);
	KUNIT_EXPECT_EQ(test, c->free, heap_free(h, c->page, c->n));
	KUNIT_EXPECT_FALSE(test, heap_free(h, c->page, c->n));
	if (c->free)
		heap_set_all(h, c->page, c->n, FREE);
	heap_expect_state(test, "freed");

	KUNIT_EXPECT_EQ(test, ok, heap_alloc_range(h, c->page, c->n));
	KUNIT_EXPECT_FALSE(test, heap_alloc_range(h, c->page, c->n));
	if (ok)
		heap_set_all(h, c->page, c->n, TAKEN);
	heap_expect_state(test, "taken");
	KUNIT_EXPECT_EQ(test, ok, heap_free(h, c->page, c->n));
}

/*
 * A free of a range that wraps around is refused, even if all pages of the heap
 * are taken.
 */
static void test_free_wraps(struct kunit *test)
{
	static const unsigned long ci[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	struct heap *h = test->priv;

	heap_register_all(test, ci, ARRAY_SIZE(ci));
	heap_add(h, 0, AT(8));
	KUNIT_EXPECT_EQ(test, 0UL, heap_alloc(h, AT(8)));
	KUNIT_EXPECT_FALSE(test, heap_free(h, 100, -50UL));
	KUNIT_EXPECT_FALSE(test, heap_free(h, 100, AT(8) - 99));
	KUNIT_EXPECT_TRUE(test, heap_free(h, 100, AT(8) - 100));
	KUNIT_EXPECT_EQ(test, AT(8) - 100, h->pa.free_pages);
	heap_expect_valid(test, "freed");
}

/* Removed pages are not found until they are added again. */
static void test_remove_add(struct kunit *test)
{
	static const unsigned long ci[] = { 0, 1, 2 };
	struct heap *h = test->priv;

	heap_register_all(test, ci, ARRAY_SIZE(ci));
	heap_add(h, 0, AT(3));
	heap_remove(h, 10, AT(2));
	KUNIT_EXPECT_EQ(test, CHUNK, h->pa.backed_pages);
	KUNIT_EXPECT_EQ(test, AT(2) + 10, heap_alloc(h, 11));
	KUNIT_EXPECT_EQ(test, 0UL, heap_alloc(h, 10));
	KUNIT_EXPECT_EQ(test, AT(2) + 21, heap_alloc(h, 1));
	heap_add(h, 10, AT(2));
	KUNIT_EXPECT_EQ(test, 10UL, heap_alloc(h, AT(2)));
	heap_expect_valid(test, "added again");
}

/* Aligned runs */

/*
 * The first @bad chunks have 126 free pages in a row, but no aligned run of 64.
 * The next chunk has an aligned run of 64. The last one has 127 pages in a row,
 * which always contain an aligned run of 64.
 */
static void aligned_heap(struct kunit *test, unsigned int bad)
{
	struct heap *h = test->priv;
	unsigned int i;

	heap_init(test, bad + 2);
	for (i = 0; i < bad + 2; i++)
		heap_register(test, i);
	for (i = 0; i < bad; i++)
		heap_add(h, AT(i) + 1, 126);
	heap_add(h, AT(bad) + 128, 64);
	heap_add(h, AT(bad + 1) + 1, 127);
}

/*
 * The search for an aligned run of 64 pages tries the chunk in which the search
 * starts, and the next 16 chunks that have 64 free pages in a row.
 */
static void test_aligned_bound(struct kunit *test)
{
	struct heap *h = test->priv;

	aligned_heap(test, 16);
	KUNIT_EXPECT_EQ(test, AT(16) + 128, heap_alloc_aligned(h, 64));
	KUNIT_EXPECT_EQ(test, AT(17) + 64, heap_alloc_aligned(h, 64));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc_aligned(h, 64));
	heap_expect_valid(test, "taken");
}

/*
 * After 17 chunks that have 64 free pages in a row, but not aligned, the search
 * for an aligned run of 64 pages gives up. It then finds only runs of at least
 * 127 free pages, each of which contains an aligned run of 64.
 */
static void test_aligned_beyond(struct kunit *test)
{
	struct heap *h = test->priv;

	aligned_heap(test, 17);
	KUNIT_EXPECT_EQ(test, AT(18) + 64, heap_alloc_aligned(h, 64));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc_aligned(h, 64));
	KUNIT_EXPECT_TRUE(test, heap_alloc_range(h, 1, 126));
	KUNIT_EXPECT_EQ(test, AT(17) + 128, heap_alloc_aligned(h, 64));
	heap_expect_valid(test, "taken");
}

/*
 * Across each border of two chunks lie 64 free pages in a row. So summaries of
 * several chunks promise 64 free pages in a row, but only the last chunk has
 * them inside it, where an aligned run has to be. The search for an aligned run
 * of 64 pages gives up after 512 summaries, before it gets to that chunk. After
 * that it accepts only a run of 127 free pages, which always contains an
 * aligned run of 64: so it fails until there is such a run. heap_next_chunk()
 * may visit all summaries, and finds the last chunk.
 */
static void test_promised_across(struct kunit *test)
{
	const unsigned long nr = 1024;
	struct heap *h = test->priv;
	unsigned long ci;

	heap_register_many(test, nr);
	for (ci = 1; ci < nr; ci++)
		heap_add(h, AT(ci) - 32, 64);
	heap_add(h, AT(nr - 1) + 64, 64);
	KUNIT_EXPECT_EQ(test, nr - 1, heap_next_chunk(h, 0, 64));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_next_chunk(h, 0, 65));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc_aligned(h, 64));

	heap_add(h, AT(nr - 3) + 128, 64);
	KUNIT_EXPECT_EQ(test, nr - 3, heap_next_chunk(h, 0, 64));
	KUNIT_EXPECT_EQ(test, nr - 1, heap_next_chunk(h, nr - 2, 64));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc_aligned(h, 64));
	heap_add(h, AT(nr - 3) + 192, 63);
	KUNIT_EXPECT_EQ(test, AT(nr - 3) + 128, heap_alloc_aligned(h, 64));
	heap_expect_valid(test, "taken");
}

static struct kunit_case pagealloc_cases[] = {
	KUNIT_CASE_PARAM(test_init_empty, init_size_gen_params),
	KUNIT_CASE(test_no_chunk),
	KUNIT_CASE(test_register_holes),
	KUNIT_CASE_PARAM(test_find_named, find_gen_params),
	KUNIT_CASE(test_exhaust),
	KUNIT_CASE(test_search_hint),
	KUNIT_CASE(test_cover_nothing),
	KUNIT_CASE(test_cover_more),
	KUNIT_CASE(test_cover_rest),
	KUNIT_CASE(test_cover_gap),
	KUNIT_CASE(test_foreign_chunk),
	KUNIT_CASE(test_root_entry_free),
	KUNIT_CASE_PARAM(test_range, range_gen_params),
	KUNIT_CASE(test_free_wraps),
	KUNIT_CASE(test_remove_add),
	KUNIT_CASE(test_aligned_bound),
	KUNIT_CASE(test_aligned_beyond),
	KUNIT_CASE(test_promised_across),
	{}
};

static struct kunit_suite pagealloc_suite = {
	.name = "gomem_pagealloc",
	.init = pageheap_init,
	.exit = pageheap_exit,
	.test_cases = pagealloc_cases,
};

kunit_test_suite(pagealloc_suite);
