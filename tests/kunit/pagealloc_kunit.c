// SPDX-License-Identifier: GPL-2.0
/*
 * pagealloc_kunit.c - the page allocator against a byte a page.
 *
 * The oracle knows the state of each page and finds runs by looking at one
 * after the other. Tables pin down runs at the borders of chunks, blocks and
 * root entries; random sequences look for what the tables forgot, with a seed
 * that is printed and can be given back. gomem_pagealloc_validate() runs after
 * every few steps, and has a test of its own that it can say no.
 */
#include <kunit/test.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pagealloc.h"

#define CHUNK		((unsigned long)GOMEM_CHUNK_PAGES)
#define MAX_CHUNKS	24

/* Where the map begins: no address is looked at. */
#define BASE		0x7000000000UL

/* First page of a chunk. */
#define AT(ci)		((ci) * CHUNK)

static uint seed_param;
module_param_named(pagealloc_seed, seed_param, uint, 0444);
MODULE_PARM_DESC(pagealloc_seed, "Seed of the random cases (0: pick one)");

enum state { HOLE, FREE, TAKEN };

struct run {
	unsigned long start, len;
};

/* One registered chunk, and what the oracle knows about it. */
struct heap_chunk {
	struct gomem_chunk *chunk;
	unsigned long ci;
	u8 state[GOMEM_CHUNK_PAGES];
};

struct heap {
	struct gomem_pagemap map;
	struct gomem_pagealloc pa;
	spinlock_t lock;	/* for @pa */
	struct rnd_state rnd;
	u32 seed;
	unsigned int nr;
	struct heap_chunk *c[MAX_CHUNKS];	/* in order of address */
	struct gomem_chunk *many;	/* more chunks, without an oracle */
};

/* The calls under test, with the lock around them. */
#define LOCKED(h, call) ({				\
	spinlock_t *__lock = &(h)->lock;		\
	typeof(call) __ret;				\
							\
	spin_lock(__lock);				\
	__ret = call;					\
	spin_unlock(__lock);				\
	__ret;						\
})

static unsigned long heap_alloc(struct heap *h, unsigned long n)
{
	return LOCKED(h, gomem_pagealloc_alloc(&h->pa, n));
}

static unsigned long heap_alloc_aligned(struct heap *h, unsigned long n)
{
	return LOCKED(h, gomem_pagealloc_alloc_aligned(&h->pa, n));
}

static bool heap_alloc_range(struct heap *h, unsigned long page,
			     unsigned long n)
{
	return LOCKED(h, gomem_pagealloc_alloc_range(&h->pa, page, n));
}

static bool heap_free(struct heap *h, unsigned long page, unsigned long n)
{
	return LOCKED(h, gomem_pagealloc_free(&h->pa, page, n));
}

static unsigned long heap_find(struct heap *h, unsigned long n,
			       unsigned long *first)
{
	return LOCKED(h, gomem_pagealloc_find(&h->pa, n, first));
}

static unsigned long heap_prev_chunk(struct heap *h, unsigned long ci,
				     unsigned long n)
{
	return LOCKED(h, gomem_pagealloc_prev_chunk(&h->pa, ci, n));
}

static u64 heap_alloc_block(struct heap *h, unsigned int max,
			    unsigned long *base)
{
	return LOCKED(h, gomem_pagealloc_alloc_block(&h->pa, max, base));
}

static void heap_free_block(struct heap *h, unsigned long base, u64 mask)
{
	spin_lock(&h->lock);
	gomem_pagealloc_free_block(&h->pa, base, mask);
	spin_unlock(&h->lock);
}

static const char *heap_validate(struct heap *h)
{
	return LOCKED(h, gomem_pagealloc_validate(&h->pa));
}

static void heap_add(struct heap *h, unsigned long page, unsigned long n)
{
	spin_lock(&h->lock);
	gomem_pagealloc_add(&h->pa, page, n);
	spin_unlock(&h->lock);
}

static void heap_remove(struct heap *h, unsigned long page, unsigned long n)
{
	spin_lock(&h->lock);
	gomem_pagealloc_remove(&h->pa, page, n);
	spin_unlock(&h->lock);
}

/* Building a heap */

static int heap_cover(struct heap *h, unsigned long first, unsigned long end)
{
	int err;

	mutex_lock(&h->map.mutex);
	err = gomem_pagemap_cover(&h->map, first, end, NUMA_NO_NODE) ?:
	      gomem_pagealloc_cover(&h->pa, first, end, NUMA_NO_NODE);
	mutex_unlock(&h->map.mutex);
	return err;
}

/* A heap that is nothing but a name. */
static struct gomem_heap *owner(struct heap *h)
{
	return (struct gomem_heap *)h;
}

static void heap_init_empty(struct kunit *test)
{
	struct heap *h = test->priv;

	KUNIT_ASSERT_EQ(test, 0, gomem_pagemap_init(&h->map, BASE));
	gomem_pagealloc_init(&h->pa, &h->map, owner(h), &h->lock);
}

static void heap_init(struct kunit *test, unsigned long nr_chunks)
{
	heap_init_empty(test);
	KUNIT_ASSERT_EQ(test, 0, heap_cover(test->priv, 0, nr_chunks));
}

/* Register a chunk, all holes. Chunks must come in order of address. */
static void heap_register(struct kunit *test, unsigned long ci)
{
	struct heap *h = test->priv;
	struct heap_chunk *c;

	KUNIT_ASSERT_TRUE(test, h->nr < MAX_CHUNKS);
	c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c);
	c->chunk = kunit_kzalloc(test, sizeof(*c->chunk), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c->chunk);
	c->ci = ci;
	h->c[h->nr++] = c;

	KUNIT_ASSERT_PTR_EQ(test, c->chunk,
			    LOCKED(h, gomem_pagealloc_register(&h->pa, ci, c->chunk)));
}

static void heap_register_all(struct kunit *test, const unsigned long *ci,
			      unsigned int nr)
{
	unsigned int i;

	heap_init(test, ci[nr - 1] + 1);
	for (i = 0; i < nr; i++)
		heap_register(test, ci[i]);
}

/* The oracle */

static u32 below(struct heap *h, u32 limit)
{
	return prandom_u32_state(&h->rnd) % limit;
}

static u8 *state_of(struct heap *h, unsigned long page)
{
	unsigned int i;

	for (i = 0; i < h->nr; i++) {
		if (h->c[i]->ci == page / CHUNK)
			return &h->c[i]->state[page % CHUNK];
	}
	return NULL;
}

static bool all_in(struct heap *h, unsigned long page, unsigned long n,
		   enum state state)
{
	u8 *s;

	for (; n; n--, page++) {
		s = state_of(h, page);
		if (!s || *s != state)
			return false;
	}
	return true;
}

static void set_all(struct heap *h, unsigned long page, unsigned long n,
		    enum state state)
{
	for (; n; n--, page++)
		*state_of(h, page) = state;
}

static unsigned long count(struct heap *h, enum state state)
{
	unsigned long n = 0;
	unsigned int i, k;

	for (i = 0; i < h->nr; i++) {
		for (k = 0; k < CHUNK; k++)
			n += h->c[i]->state[k] == state;
	}
	return n;
}

/*
 * Lowest page at or after @from that starts a run of @n pages in @state, and
 * is a multiple of @align, which is 1 or @n.
 */
static unsigned long oracle_find(struct heap *h, unsigned long from,
				 unsigned long n, unsigned long align,
				 enum state state)
{
	unsigned long page, next = 0, len = 0;
	unsigned int i, k;

	for (i = 0; i < h->nr; i++) {
		for (k = 0; k < CHUNK; k++) {
			page = AT(h->c[i]->ci) + k;
			if (page != next || h->c[i]->state[k] != state ||
			    page < from)
				len = 0;
			next = page + 1;
			if (h->c[i]->state[k] != state || page < from)
				continue;
			if (!len && page % align)
				continue;
			if (++len == n)
				return next - n;
		}
	}
	return GOMEM_NO_PAGE;
}

/* The run that starts at or after @from, whole. */
static bool oracle_run(struct heap *h, unsigned long from, struct run *run,
		       enum state state)
{
	u8 *s;

	run->start = oracle_find(h, from, 1, 1, state);
	if (run->start == GOMEM_NO_PAGE)
		return false;
	for (run->len = 1;; run->len++) {
		s = state_of(h, run->start + run->len);
		if (!s || *s != state)
			return true;
	}
}

static void expect_valid(struct kunit *test, const char *when)
{
	struct heap *h = test->priv;
	const char *violation = heap_validate(h);

	KUNIT_ASSERT_TRUE_MSG(test, !violation, "%s: %s, seed %u", when,
			      violation, h->seed);
}

/* Init and lookup */

static const unsigned long init_sizes[] = {
	1, 7, 8, 9, 63, 64, 65, 4095, 4096, 4097, 40000,
};

static void init_size_desc(const unsigned long *nr, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%lu chunks", *nr);
}

KUNIT_ARRAY_PARAM(init_size, init_sizes, init_size_desc);

/* Without a chunk there is nothing to find, and no lookup that fails. */
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
	KUNIT_EXPECT_EQ(test, 0ULL, heap_alloc_block(h, 64, &base));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_prev_chunk(h, nr - 1, 1));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_prev_chunk(h, ~0UL, 1));
	expect_valid(test, "empty");
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
	expect_valid(test, "registered");
}

/* Named cases of finding: free runs in, first fit and aligned fit out */

static const struct find_case {
	const char *name;
	unsigned long chunk[6];	/* registered, 0 ends the list after [0] */
	struct run free[4];
	unsigned long n, found;
	unsigned long aligned;	/* if @n is a power of two up to 512 */
} find_cases[] = {
	{ "whole chunk", { 0 }, { { 0, 512 } }, 512, 0, 0 },
	{ "more than a chunk has", { 0 }, { { 0, 512 } }, 513, -1, -1 },
	{ "lowest of two", { 0, 1 }, { { 9, 4 }, { 600, 4 } }, 4, 9, 600 },
	{ "lower one too short", { 0, 1 }, { { 9, 3 }, { 601, 4 } },
	  4, 601, -1 },
	{ "across a chunk border", { 0, 1 }, { { 500, 20 } }, 20, 500, -1 },
	{ "border run before inner run", { 0, 1 }, { { 510, 4 }, { 700, 4 } },
	  4, 510, 700 },
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

static void find_desc(const struct find_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(find, find_cases, find_desc);

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
	expect_valid(test, "added");

	page = heap_alloc(h, c->n);
	KUNIT_EXPECT_EQ(test, c->found, page);
	expect_valid(test, "allocated");
	if (page != GOMEM_NO_PAGE)
		KUNIT_EXPECT_TRUE(test, heap_free(h, page, c->n));

	if (!is_power_of_2(c->n) || c->n > CHUNK)
		return;
	page = heap_alloc_aligned(h, c->n);
	KUNIT_EXPECT_EQ(test, c->aligned, page);
	expect_valid(test, "allocated aligned");
}

/* Pages come out in order of address, to the last one. */
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
	expect_valid(test, "exhausted");

	/* A page below the hint is seen again. */
	KUNIT_EXPECT_TRUE(test, heap_free(h, AT(8) + 100, 1));
	KUNIT_EXPECT_TRUE(test, heap_free(h, 3, 1));
	KUNIT_EXPECT_EQ(test, 3UL, heap_alloc_aligned(h, 1));
	KUNIT_EXPECT_EQ(test, AT(8) + 100, heap_alloc(h, 1));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 1));
}

/* The hint passes by chunks that are full. */
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
	expect_valid(test, "hint");
}

/* Register chunks that no oracle knows. */
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

/* Nothing is covered: no search has a table to look into. */
static void test_cover_nothing(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long base, first;

	heap_init_empty(test);
	KUNIT_EXPECT_FALSE(test, LOCKED(h, gomem_pagealloc_covers(&h->pa, 0)));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 1));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, 0));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc_aligned(h, 4));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_find(h, 1, &first));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_prev_chunk(h, ~0UL, 1));
	KUNIT_EXPECT_EQ(test, 0ULL, heap_alloc_block(h, 64, &base));
	KUNIT_EXPECT_FALSE(test, heap_free(h, 0, 1));
	KUNIT_EXPECT_FALSE(test, heap_alloc_range(h, 0, 1));
	expect_valid(test, "nothing covered");
}

/* What lives, and what is free, stays as it is when more is covered. */
static void test_cover_more(struct kunit *test)
{
	static const unsigned long ci[] = { 3, 700, 4096 + 5, 40000, 12, 100000 };
	struct heap *h = test->priv;
	unsigned long page, i;

	heap_init_empty(test);
	for (i = 0; i < ARRAY_SIZE(ci); i++) {
		KUNIT_EXPECT_EQ(test, ci[i] == 12,
				LOCKED(h, gomem_pagealloc_covers(&h->pa, ci[i])));
		KUNIT_ASSERT_EQ(test, 0, heap_cover(h, ci[i], ci[i] + 1));
		heap_register(test, ci[i]);
		heap_add(h, AT(ci[i]), CHUNK);
		expect_valid(test, "covered");
		KUNIT_EXPECT_EQ(test, (i + 1) * (CHUNK - 1) + 1, h->pa.free_pages);
		page = heap_alloc(h, 1);
		KUNIT_EXPECT_TRUE(test, page != GOMEM_NO_PAGE);
		expect_valid(test, "allocated");
	}
	for (i = 0; i < ARRAY_SIZE(ci); i++)
		KUNIT_EXPECT_TRUE(test, gomem_pagealloc_chunk(&h->pa, ci[i]) ==
				  h->c[i]->chunk);
	KUNIT_EXPECT_EQ(test, 100000UL, heap_prev_chunk(h, ~0UL, CHUNK));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, CHUNK + 1));
}

/* What a page of the table has room for is covered no sooner than it is asked for. */
static void test_cover_rest(struct kunit *test)
{
	struct heap *h = test->priv;

	heap_init(test, 1);
	KUNIT_EXPECT_FALSE(test, LOCKED(h, gomem_pagealloc_covers(&h->pa, 300)));
	KUNIT_ASSERT_EQ(test, 0, heap_cover(h, 299, 301));
	KUNIT_EXPECT_TRUE(test, LOCKED(h, gomem_pagealloc_covers(&h->pa, 300)));
	KUNIT_EXPECT_EQ(test, 304UL, h->pa.nr[4]);
	heap_register(test, 300);
	heap_add(h, AT(300), CHUNK);
	KUNIT_EXPECT_EQ(test, AT(300), heap_alloc(h, CHUNK));
	expect_valid(test, "rest");
}

/* A gap takes next to nothing, and what was there already takes nothing twice. */
static void test_cover_gap(struct kunit *test)
{
	/* User-Mode Linux maps each page of a table by a mapping of its host, which are few. */
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
	kunit_info(test, "%lu TiB away from 2 GiB: %zu bytes, from %zu", tib, bytes, near);
	KUNIT_EXPECT_LE(test, bytes, near + SZ_1M + SZ_256K);
	KUNIT_EXPECT_FALSE(test, LOCKED(h, gomem_pagealloc_covers(&h->pa, far / 2)));
	KUNIT_EXPECT_TRUE(test, gomem_pagealloc_chunk(&h->pa, far / 2) ==
			  &gomem_no_chunk);
	heap_register(test, far + 1);
	heap_add(h, AT(far + 1), 7);
	KUNIT_EXPECT_EQ(test, AT(far + 1), heap_alloc(h, 7));
	expect_valid(test, "far");
}

/* A chunk of another heap is there, but none of its pages are this heap's. */
static void test_foreign_chunk(struct kunit *test)
{
	struct gomem_pagealloc *other;
	struct heap *h = test->priv;
	struct gomem_chunk *c;
	unsigned long base;

	heap_init(test, 4);
	heap_register(test, 0);
	heap_add(h, 0, CHUNK);
	other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);
	c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other);
	KUNIT_ASSERT_NOT_NULL(test, c);
	gomem_pagealloc_init(other, &h->map, (struct gomem_heap *)other, &h->lock);
	mutex_lock(&h->map.mutex);
	KUNIT_EXPECT_EQ(test, 0, gomem_pagealloc_cover(other, 0, 4, NUMA_NO_NODE));
	mutex_unlock(&h->map.mutex);
	KUNIT_EXPECT_PTR_EQ(test, c, LOCKED(h, gomem_pagealloc_register(other, 1, c)));
	/* Who comes second is told who has it. */
	KUNIT_EXPECT_PTR_EQ(test, h->c[0]->chunk,
			    LOCKED(h, gomem_pagealloc_register(other, 0, c)));
	spin_lock(&h->lock);
	gomem_pagealloc_add(other, CHUNK, CHUNK);
	spin_unlock(&h->lock);

	KUNIT_EXPECT_TRUE(test, gomem_pagealloc_chunk(&h->pa, 1) == &gomem_no_chunk);
	KUNIT_EXPECT_PTR_EQ(test, c, gomem_pagealloc_chunk(other, 1));
	/* Free there, but not this heap's to take. */
	KUNIT_EXPECT_FALSE(test, heap_alloc_range(h, CHUNK - 1, 2));
	KUNIT_EXPECT_FALSE(test, heap_alloc_range(h, CHUNK, 1));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc(h, CHUNK + 1));
	/* Taken there, but not this heap's to free. */
	KUNIT_EXPECT_NE(test, 0ULL,
			LOCKED(h, gomem_pagealloc_alloc_block(other, 64, &base)));
	KUNIT_EXPECT_EQ(test, CHUNK, base);
	KUNIT_EXPECT_FALSE(test, heap_free(h, CHUNK, 1));
	expect_valid(test, "foreign");
	gomem_pagealloc_destroy(other);
}

/*
 * A heap of one root entry and a block of another, all free: a summary that 21
 * bits do not hold, and runs as long as a root entry.
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
	expect_valid(test, "full");
	KUNIT_EXPECT_TRUE(test, heap_free(h, 0, root + 2));
	KUNIT_EXPECT_TRUE(test, h->pa.sum[0][0] == GOMEM_PALLOCSUM_ALL);
	heap_remove(h, 0, AT(nr));
	KUNIT_EXPECT_EQ(test, 0UL, h->pa.backed_pages);
	expect_valid(test, "removed");
}

/* Requests that must be refused, and change nothing */

/* Free are 0 to 99, taken are 100 to 199 and 400 to 599 across a border. */
static void range_heap(struct kunit *test)
{
	static const unsigned long ci[] = { 0, 1, 3 };
	struct heap *h = test->priv;

	heap_register_all(test, ci, ARRAY_SIZE(ci));
	heap_add(h, 0, 200);
	set_all(h, 0, 200, FREE);
	heap_add(h, 400, 200);
	KUNIT_ASSERT_TRUE(test, heap_alloc_range(h, 100, 100));
	set_all(h, 100, 100, TAKEN);
	KUNIT_ASSERT_TRUE(test, heap_alloc_range(h, 400, 200));
	set_all(h, 400, 200, TAKEN);
}

/* The bits are what the oracle says, and so are the counters. */
static void expect_state(struct kunit *test, const char *when)
{
	struct heap *h = test->priv;
	const struct gomem_chunk *chunk;
	unsigned int i, k;
	bool inuse, hole;

	for (i = 0; i < h->nr; i++) {
		chunk = h->c[i]->chunk;
		for (k = 0; k < CHUNK; k++) {
			inuse = chunk->inuse.word[k / 64] >> (k % 64) & 1;
			hole = chunk->hole.word[k / 64] >> (k % 64) & 1;
			KUNIT_ASSERT_TRUE_MSG(test, inuse == (h->c[i]->state[k] != FREE) &&
					      hole == (h->c[i]->state[k] == HOLE),
					      "%s: page %lu, seed %u", when,
					      AT(h->c[i]->ci) + k, h->seed);
		}
	}
	KUNIT_ASSERT_EQ(test, count(h, FREE), h->pa.free_pages);
	KUNIT_ASSERT_EQ(test, count(h, FREE) + count(h, TAKEN),
			h->pa.backed_pages);
	expect_valid(test, when);
}

static const struct range_case {
	const char *name;
	unsigned long page, n;
	bool free, alloc;	/* may be freed, may be taken */
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

static void range_desc(const struct range_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(range, range_cases, range_desc);

/* What can be freed can be taken again, then freed again; twice is once. */
static void test_range(struct kunit *test)
{
	const struct range_case *c = test->param_value;
	struct heap *h = test->priv;
	bool ok = c->free || c->alloc;

	range_heap(test);
	KUNIT_EXPECT_EQ(test, c->free, heap_free(h, c->page, c->n));
	KUNIT_EXPECT_FALSE(test, heap_free(h, c->page, c->n));
	if (c->free)
		set_all(h, c->page, c->n, FREE);
	expect_state(test, "freed");

	KUNIT_EXPECT_EQ(test, ok, heap_alloc_range(h, c->page, c->n));
	KUNIT_EXPECT_FALSE(test, heap_alloc_range(h, c->page, c->n));
	if (ok)
		set_all(h, c->page, c->n, TAKEN);
	expect_state(test, "taken");
	KUNIT_EXPECT_EQ(test, ok, heap_free(h, c->page, c->n));
}

/* A range that wraps around, in a heap where all that it covers is taken. */
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
	expect_valid(test, "freed");
}

/* What was removed is not found, and is found again once it was added. */
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
	expect_valid(test, "added again");
}

/* Random operations */

static const struct random_case {
	const char *name;
	unsigned long chunk[8];		/* 0 ends the list after [0] */
} random_cases[] = {
	{ "one chunk",		{ 0 } },
	{ "three chunks",	{ 0, 1, 2 } },
	{ "block border",	{ 6, 7, 8, 9 } },
	{ "two block borders",	{ 62, 63, 64, 65 } },
	{ "root border",	{ 4094, 4095, 4096, 4097 } },
	{ "sparse",		{ 0, 7, 8, 63, 64, 511, 4095, 4096 } },
};

static void random_desc(const struct random_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(random, random_cases, random_desc);

static unsigned long random_page(struct heap *h)
{
	return AT(h->c[below(h, h->nr)]->ci) + below(h, CHUNK);
}

/* Mostly what spans need, at times what crosses chunks. */
static unsigned long random_len(struct heap *h)
{
	return 1 + below(h, below(h, 8) ? 12 : 1024);
}

/*
 * A run in @state from a random page on, cut short as often as not. False if
 * there is no such page.
 */
static bool random_run(struct heap *h, struct run *run, enum state state)
{
	if (!oracle_run(h, random_page(h), run, state))
		return false;
	if (below(h, 2))
		run->len = min(run->len, random_len(h));
	return true;
}

static void step_alloc(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long n = random_len(h);
	unsigned long want = oracle_find(h, 0, n, 1, FREE);

	KUNIT_ASSERT_EQ_MSG(test, want, heap_alloc(h, n), "n %lu, seed %u", n,
			    h->seed);
	if (want != GOMEM_NO_PAGE)
		set_all(h, want, n, TAKEN);
}

static void step_alloc_aligned(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long n = 1UL << below(h, below(h, 4) ? 5 : 10);
	unsigned long want = oracle_find(h, 0, n, n, FREE);

	KUNIT_ASSERT_EQ_MSG(test, want, heap_alloc_aligned(h, n),
			    "n %lu, seed %u", n, h->seed);
	if (want != GOMEM_NO_PAGE)
		set_all(h, want, n, TAKEN);
}

/* Any range at all: usually refused. */
static void step_alloc_range(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long page = random_page(h), n = random_len(h);
	bool ok = all_in(h, page, n, FREE);

	KUNIT_ASSERT_EQ_MSG(test, ok, heap_alloc_range(h, page, n),
			    "page %lu, n %lu, seed %u", page, n, h->seed);
	if (ok)
		set_all(h, page, n, TAKEN);
}

static void step_free_any(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long page = random_page(h), n = random_len(h);
	bool ok = all_in(h, page, n, TAKEN);

	KUNIT_ASSERT_EQ_MSG(test, ok, heap_free(h, page, n),
			    "page %lu, n %lu, seed %u", page, n, h->seed);
	if (ok)
		set_all(h, page, n, FREE);
}

static void step_free(struct kunit *test)
{
	struct heap *h = test->priv;
	struct run run;

	if (!random_run(h, &run, TAKEN))
		return;
	KUNIT_ASSERT_TRUE_MSG(test, heap_free(h, run.start, run.len),
			      "page %lu, n %lu, seed %u", run.start, run.len,
			      h->seed);
	set_all(h, run.start, run.len, FREE);
}

static void step_add(struct kunit *test)
{
	struct heap *h = test->priv;
	struct run run;

	if (!random_run(h, &run, HOLE))
		return;
	heap_add(h, run.start, run.len);
	set_all(h, run.start, run.len, FREE);
}

static void step_remove(struct kunit *test)
{
	struct heap *h = test->priv;
	struct run run;

	if (!random_run(h, &run, FREE))
		return;
	heap_remove(h, run.start, run.len);
	set_all(h, run.start, run.len, HOLE);
}

/* The @max lowest of the 64 pages from @base on that are in @state. */
static u64 oracle_block(struct heap *h, unsigned long base, unsigned int max,
			enum state state)
{
	u64 mask = 0;
	unsigned int i;

	for (i = 0; i < 64 && max; i++) {
		if (*state_of(h, base + i) != state)
			continue;
		mask |= BIT_ULL(i);
		max--;
	}
	return mask;
}

static void set_block(struct heap *h, unsigned long base, u64 mask,
		      enum state state)
{
	for (; mask; mask &= mask - 1)
		set_all(h, base + __ffs64(mask), 1, state);
}

static void step_alloc_block(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned int max = below(h, 2) ? 64 : 1 + below(h, 64);
	unsigned long base, want = oracle_find(h, 0, 1, 1, FREE);
	u64 mask = heap_alloc_block(h, max, &base);

	if (want == GOMEM_NO_PAGE) {
		KUNIT_ASSERT_EQ(test, 0ULL, mask);
		return;
	}
	KUNIT_ASSERT_EQ_MSG(test, round_down(want, 64), base, "max %u, seed %u",
			    max, h->seed);
	KUNIT_ASSERT_EQ_MSG(test, oracle_block(h, base, max, FREE), mask,
			    "base %lu, max %u, seed %u", base, max, h->seed);
	set_block(h, base, mask, TAKEN);
}

/* Any of the taken pages of a block, or none. */
static void step_free_block(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long base = round_down(random_page(h), 64);
	u64 mask = oracle_block(h, base, 64, TAKEN);

	if (below(h, 2))
		mask &= (u64)below(h, U32_MAX) << 32 | below(h, U32_MAX);
	heap_free_block(h, base, mask);
	set_block(h, base, mask, FREE);
}

/* Highest chunk at or below @ci that a run of @n is inside of. */
static unsigned long oracle_prev_chunk(struct heap *h, unsigned long ci,
				       unsigned int n)
{
	unsigned int i, k, len;

	for (i = h->nr; i--;) {
		if (h->c[i]->ci > ci)
			continue;
		for (len = 0, k = 0; k < CHUNK && len < n; k++)
			len = h->c[i]->state[k] == FREE ? len + 1 : 0;
		if (len == n)
			return h->c[i]->ci;
	}
	return GOMEM_NO_PAGE;
}

static void step_prev_chunk(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long ci = random_page(h) / CHUNK + below(h, 3) - 1;
	unsigned int n = 1 + below(h, 1U << below(h, 10));

	KUNIT_ASSERT_EQ_MSG(test, oracle_prev_chunk(h, ci, n),
			    heap_prev_chunk(h, ci, n),
			    "%u at or below %lu, seed %u", n, ci, h->seed);
}

/* Runs that are freed or added are longer: the heap does not stay full. */
static void (*const steps[])(struct kunit *test) = {
	step_alloc, step_alloc, step_alloc, step_alloc, step_alloc,
	step_alloc_aligned, step_alloc_aligned, step_alloc_aligned,
	step_alloc_range, step_free_any, step_free, step_free, step_free,
	step_add, step_remove, step_alloc_block, step_free_block, step_prev_chunk,
};

static void random_chunks(struct kunit *test, const struct random_case *c)
{
	unsigned int nr;

	for (nr = 1; nr < ARRAY_SIZE(c->chunk) && c->chunk[nr]; nr++)
		;
	heap_register_all(test, c->chunk, nr);
}

static void test_random(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned int step;

	random_chunks(test, test->param_value);
	for (step = 1; step <= 1600; step++) {
		steps[below(h, ARRAY_SIZE(steps))](test);
		if (step % 40 == 0)
			expect_state(test, "random");
	}
	kunit_info(test, "seed %u: at the end %lu free, %lu taken, %lu holes\n",
		   h->seed, count(h, FREE), count(h, TAKEN), count(h, HOLE));
}

/* Cut the heap in pieces, for tests that only look. */
static void fragment(struct kunit *test, unsigned int pieces)
{
	while (pieces--) {
		step_add(test);
		step_add(test);
		step_alloc_range(test);
		step_free(test);
	}
}

/* Every length from 1 to 1024 in heaps of all kinds; nothing changes. */
static void test_find_every_length(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long n, first, want = 0, lowest;
	struct run run = {};

	random_chunks(test, test->param_value);
	fragment(test, 60);
	lowest = oracle_find(h, 0, 1, 1, FREE);
	for (n = 1; n <= 1024; n++) {
		/* The lowest run of n is at or after the one of n - 1. */
		while (want != GOMEM_NO_PAGE && run.len < n) {
			want = run.start + run.len;
			want = oracle_run(h, want, &run, FREE) ? run.start :
				GOMEM_NO_PAGE;
		}
		KUNIT_ASSERT_EQ_MSG(test, want, heap_find(h, n, &first),
				    "n %lu, seed %u", n, h->seed);
		KUNIT_ASSERT_TRUE_MSG(test, first <= lowest, "n %lu, seed %u",
				      n, h->seed);
		KUNIT_ASSERT_TRUE(test, first >= h->pa.search);
	}
	expect_state(test, "found");
}

/* Every length and every chunk: nothing changes. */
static void test_prev_chunk_all(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned int i, n;

	random_chunks(test, test->param_value);
	fragment(test, 60);
	for (i = 0; i < h->nr; i++) {
		for (n = 1; n <= CHUNK; n++)
			KUNIT_ASSERT_EQ_MSG(test,
					    oracle_prev_chunk(h, h->c[i]->ci, n),
					    heap_prev_chunk(h, h->c[i]->ci, n),
					    "%u, seed %u", n, h->seed);
	}
	for (n = 1; n <= CHUNK; n++)
		KUNIT_ASSERT_EQ_MSG(test, oracle_prev_chunk(h, ~0UL, n),
				    heap_prev_chunk(h, ~0UL, n), "%u, seed %u",
				    n, h->seed);
	expect_state(test, "looked at");
}

/* Blocks until there is none any more; back in any order, all is as before. */
static void test_block_exhaust(struct kunit *test)
{
	struct heap *h = test->priv;
	struct gomem_pallocbits before[8];
	unsigned long base, last = 0;
	unsigned int i, max = 1 + below(h, 64);
	u64 mask;

	random_chunks(test, test->param_value);
	fragment(test, 30);
	for (i = 0; i < h->nr; i++)
		before[i] = h->c[i]->chunk->inuse;
	while ((mask = heap_alloc_block(h, max, &base))) {
		KUNIT_ASSERT_TRUE(test, base >= last);
		KUNIT_ASSERT_TRUE(test, hweight64(mask) <= max);
		KUNIT_ASSERT_EQ(test, mask, mask & oracle_block(h, base, 64, FREE));
		set_block(h, base, mask, TAKEN);
		last = base;
	}
	KUNIT_EXPECT_EQ(test, 0UL, h->pa.free_pages);
	expect_state(test, "exhausted");

	for (i = h->nr * 8; i--;) {
		base = AT(h->c[i / 8]->ci) + i % 8 * 64;
		mask = ~before[i / 8].word[i % 8];
		heap_free_block(h, base, mask);
		set_block(h, base, mask, FREE);
	}
	for (i = 0; i < h->nr; i++)
		KUNIT_EXPECT_EQ(test, 0, memcmp(&before[i], &h->c[i]->chunk->inuse,
						sizeof(before[i])));
	expect_state(test, "given back");
}

/* @bad chunks have 64 pages in the wrong place, the next two in the right one. */
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

/* One chunk is where the search starts, and 16 more are looked at. */
static void test_aligned_bound(struct kunit *test)
{
	struct heap *h = test->priv;

	aligned_heap(test, 16);
	KUNIT_EXPECT_EQ(test, AT(16) + 128, heap_alloc_aligned(h, 64));
	KUNIT_EXPECT_EQ(test, AT(17) + 64, heap_alloc_aligned(h, 64));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc_aligned(h, 64));
	expect_valid(test, "taken");
}

/* One more, and only 127 pages in a row are enough. */
static void test_aligned_beyond(struct kunit *test)
{
	struct heap *h = test->priv;

	aligned_heap(test, 17);
	KUNIT_EXPECT_EQ(test, AT(18) + 64, heap_alloc_aligned(h, 64));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc_aligned(h, 64));
	KUNIT_EXPECT_TRUE(test, heap_alloc_range(h, 1, 126));
	KUNIT_EXPECT_EQ(test, AT(17) + 128, heap_alloc_aligned(h, 64));
	expect_valid(test, "taken");
}

/*
 * Summaries promise 64 pages at each border of two chunks, but none has them:
 * the search for an aligned run gives up on an exact one, prev_chunk does not.
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
	KUNIT_EXPECT_EQ(test, nr - 1, heap_prev_chunk(h, ~0UL, 64));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_prev_chunk(h, nr - 2, 64));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc_aligned(h, 64));

	heap_add(h, AT(nr - 3) + 128, 64);
	KUNIT_EXPECT_EQ(test, nr - 3, heap_prev_chunk(h, nr - 2, 64));
	KUNIT_EXPECT_EQ(test, GOMEM_NO_PAGE, heap_alloc_aligned(h, 64));
	heap_add(h, AT(nr - 3) + 192, 63);
	KUNIT_EXPECT_EQ(test, AT(nr - 3) + 128, heap_alloc_aligned(h, 64));
	expect_valid(test, "taken");
}

/* The validator must be able to say no */

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

static void break_desc(const struct break_case *c, char *desc)
{
	strscpy(desc, c->violation, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(break, break_cases, break_desc);

static void test_validate_violation(struct kunit *test)
{
	const struct break_case *c = test->param_value;
	struct heap *h = test->priv;
	const char *violation;

	heap_init(test, 1);
	heap_register(test, 0);
	heap_add(h, 0, 5);
	/* Brings the tree up to date: what is stale is not checked. */
	KUNIT_EXPECT_EQ(test, 0UL, heap_prev_chunk(h, 0, 1));
	expect_valid(test, "before");

	c->fn(h);
	violation = heap_validate(h);
	KUNIT_ASSERT_NOT_NULL(test, violation);
	KUNIT_EXPECT_STREQ(test, c->violation, violation);
}

static int pagealloc_init(struct kunit *test)
{
	struct heap *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	if (!h)
		return -ENOMEM;
	spin_lock_init(&h->lock);
	h->seed = seed_param ?: get_random_u32();
	prandom_seed_state(&h->rnd, h->seed);
	test->priv = h;
	return 0;
}

static void pagealloc_exit(struct kunit *test)
{
	struct heap *h = test->priv;

	if (!h)
		return;
	gomem_pagealloc_destroy(&h->pa);
	gomem_pagemap_destroy(&h->map);
	kvfree(h->many);
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
	KUNIT_CASE_PARAM(test_random, random_gen_params),
	KUNIT_CASE_PARAM(test_find_every_length, random_gen_params),
	KUNIT_CASE_PARAM(test_prev_chunk_all, random_gen_params),
	KUNIT_CASE_PARAM(test_block_exhaust, random_gen_params),
	KUNIT_CASE(test_aligned_bound),
	KUNIT_CASE(test_aligned_beyond),
	KUNIT_CASE(test_promised_across),
	KUNIT_CASE_PARAM(test_validate_violation, break_gen_params),
	{}
};

static struct kunit_suite pagealloc_suite = {
	.name = "gomem_pagealloc",
	.init = pagealloc_init,
	.exit = pagealloc_exit,
	.test_cases = pagealloc_cases,
};

kunit_test_suite(pagealloc_suite);
