// SPDX-License-Identifier: GPL-2.0
/*
 * alloc_kunit.c - gomem_alloc() and its relatives, on gomem's real heaps.
 *
 * Objects are filled with a pattern while they are live: an overlap breaks it.
 * The reports of misuse that the cases leave in the log are expected. Some
 * cases make the page source of gomem fail for a moment. So no other module
 * should allocate from gomem meanwhile.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/numa.h>
#include <linux/string.h>

#include "fixture.h"
#include "object.h"
#include "slow.h"
#include "base/sizeclass.h"
#include "base/stats.h"
#include "cpu/node.h"
#include "map/kind.h"
#include "map/report.h"
#include "api/object.h"
#include "run/epoch.h"

/*
 * Only the first and last 32 bytes of an object are filled, which is quicker
 * than filling all of it. If two objects overlap by less than 64 bytes, the
 * pattern of one of them is damaged.
 */
static size_t edge(size_t size)
{
	return min_t(size_t, size, 32);
}

static void fill_edges(void *p, size_t size)
{
	memset(p, pattern_of(p), edge(size));
	memset(p + size - edge(size), pattern_of(p), edge(size));
}

static bool edges_are_filled(const void *p, size_t size)
{
	return !memchr_inv(p, pattern_of(p), edge(size)) &&
	       !memchr_inv(p + size - edge(size), pattern_of(p), edge(size));
}

/*
 * Only the bytes that were requested are sure to belong to a tiny object: other
 * objects may be cut from the bytes after it.
 */
static size_t own_size(const void *p, size_t size)
{
	return shares_block(p) ? size : want_usable(size);
}

/* Sizes */

static const struct gfp_case {
	const char *name;
	gfp_t gfp;
	bool noscan;
	unsigned int step;
} gfp_cases[] = {
	{ "GFP_KERNEL",			GFP_KERNEL,			false,	1 },
	{ "GFP_KERNEL, noscan",		GFP_KERNEL,			true,	11 },
	{ "GFP_ATOMIC, zeroed",		GFP_ATOMIC | __GFP_ZERO,	false,	17 },
};

KUNIT_ARRAY_PARAM_DESC(gfp, gfp_cases, name);

#define WINDOW	128

static void put_edged(struct kunit *test, void *p, size_t size)
{
	KUNIT_ASSERT_TRUE_MSG(test, edges_are_filled(p, own_size(p, size)),
			      "size %zu", size);
	gomem_free(p);
}

/* Allocate rising sizes, while the last WINDOW objects are still live. */
static void test_every_size(struct kunit *test)
{
	const struct gfp_case *c = test->param_value;
	unsigned int i, n = 40000 / c->step;
	struct fixture *f = test->priv;
	size_t size, usable;
	void *p;

	for (i = 0; i < n; i++) {
		size = 1 + i * c->step;
		p = c->noscan ? gomem_alloc_noscan(size, c->gfp) :
				gomem_alloc(size, c->gfp);
		expect_object(test, p, size);
		KUNIT_ASSERT_EQ(test, c->noscan, is_noscan(p));
		usable = own_size(p, size);
		if (c->gfp & __GFP_ZERO)
			KUNIT_ASSERT_TRUE_MSG(test, is_zero(p, usable),
					      "size %zu", size);
		fill_edges(p, usable);
		if (i >= WINDOW)
			put_edged(test, f->objs[i % WINDOW],
				  1 + (i - WINDOW) * c->step);
		f->objs[i % WINDOW] = p;
	}
	for (i = n - WINDOW; i < n; i++)
		put_edged(test, f->objs[i % WINDOW], 1 + i * c->step);
}

static void test_zero_size(struct kunit *test)
{
	size_t zero = 0;

	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_alloc(0, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_alloc(zero, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
			    gomem_alloc_noscan(zero, GFP_ATOMIC));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
			    gomem_zalloc(zero, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
			    gomem_alloc_array(zero, 8, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
			    gomem_calloc(8, zero, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
			    gomem_memdup("", zero, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(ZERO_SIZE_PTR));
	KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(NULL));
	gomem_free(ZERO_SIZE_PTR);
	gomem_free(NULL);
	gomem_free_sensitive(ZERO_SIZE_PTR);
	gomem_free_sensitive(NULL);
}

static const size_t large_sizes[] = {
	SZ_32K + 1, 40000, 5 * SZ_8K, 5 * SZ_8K + 1, SZ_64K - 1, SZ_64K,
	SZ_64K + 1, 100000, SZ_128K, SZ_256K, SZ_256K + 1, SZ_512K, 1000000,
	SZ_1M, SZ_1M + 8, SZ_2M, SZ_2M + SZ_8K, 3000000, SZ_4M - SZ_8K,
	SZ_4M - 1, SZ_4M,
};

static void test_large_sizes(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, round;
	size_t size;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(large_sizes); i++) {
			size = large_sizes[i];
			f->objs[i] = round ? gomem_zalloc(size, GFP_KERNEL) :
				     gomem_alloc_noscan(size, GFP_KERNEL);
			expect_object(test, f->objs[i], size);
			KUNIT_EXPECT_EQ(test, !round, is_noscan(f->objs[i]));
			size = want_usable(size);
			if (round)
				KUNIT_EXPECT_TRUE(test,
						  is_zero(f->objs[i], size));
			fill(f->objs[i], size);
		}
		for (i = 0; i < ARRAY_SIZE(large_sizes); i++) {
			size = want_usable(large_sizes[i]);
			KUNIT_EXPECT_TRUE(test, is_filled(f->objs[i], size));
			gomem_free(f->objs[i]);
			KUNIT_EXPECT_FALSE(test, gomem_owns(f->objs[i]));
		}
	}
}

static void test_too_large(struct kunit *test)
{
	static const size_t sizes[] = { SZ_4M + 1, 5 * SZ_1M, SZ_1G, LONG_MAX,
					SIZE_MAX };
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_EXPECT_NULL(test, gomem_alloc(sizes[i], GFP_KERNEL));
		expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 1);
		KUNIT_EXPECT_NULL(test,
				  gomem_alloc_noscan(sizes[i], GFP_ATOMIC));
		KUNIT_EXPECT_NULL(test, gomem_alloc_node(sizes[i], GFP_KERNEL,
							 NUMA_NO_NODE));
		KUNIT_EXPECT_EQ(test, 0,
				gomem_alloc_bulk(sizes[i], GFP_KERNEL, 2,
						 f->objs));
		KUNIT_EXPECT_NULL(test,
				  gomem_realloc(NULL, sizes[i], GFP_KERNEL));
		expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 4);
		/*
		 * With __GFP_NOWARN there is no report, but the misuse is
		 * counted.
		 */
		KUNIT_EXPECT_NULL(test, gomem_alloc(sizes[i],
						    GFP_KERNEL | __GFP_NOWARN));
		expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 1);
	}
}

/*
 * A constant size takes another path through gomem_alloc(). This function is
 * inlined so that @size is constant.
 */
static __always_inline void expect_const(struct kunit *test, size_t size)
{
	void *p = gomem_alloc(size, GFP_KERNEL);
	void *q = gomem_alloc_noscan(size, GFP_KERNEL | __GFP_ZERO);

	expect_object(test, p, size);
	expect_object(test, q, size);
	KUNIT_EXPECT_FALSE(test, is_noscan(p));
	KUNIT_EXPECT_TRUE(test, is_noscan(q));
	KUNIT_EXPECT_TRUE(test, is_zero(q, own_size(q, size)));
	fill(p, size);
	fill(q, size);
	gomem_free(p);
	gomem_free(q);
}

static void test_constant_sizes(struct kunit *test)
{
	expect_const(test, 1);
	expect_const(test, 5);
	expect_const(test, 6);
	expect_const(test, 8);
	expect_const(test, 9);
	expect_const(test, 15);
	expect_const(test, 16);
	expect_const(test, 24);
	expect_const(test, 100);
	expect_const(test, 512);
	expect_const(test, 1016);
	expect_const(test, 1017);
	expect_const(test, 1025);
	expect_const(test, 4096);
	expect_const(test, 8193);
	expect_const(test, 16384);
	expect_const(test, 32767);
	expect_const(test, 32768);
	expect_const(test, 32769);
	expect_const(test, 65536);
}

/* __GFP_ZERO clears memory that had other contents. */
static void test_zeroed(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int class, i, n, round;
	size_t size;
	void *p;

	for (class = 1; class < GOMEM_NR_SIZE_CLASSES; class++) {
		size = gomem_class_size(class);
		n = clamp_t(unsigned int, SZ_64K / size, 4, 80);
		for (round = 0; round < 3; round++) {
			for (i = 0; i < n; i++) {
				p = round ?
				    gomem_zalloc(size - (i & 7), GFP_KERNEL) :
				    gomem_alloc(size, GFP_KERNEL);
				KUNIT_ASSERT_NOT_NULL(test, p);
				if (round && !is_zero(p, size))
					KUNIT_FAIL(test, "size %zu, object %u",
						   size, i);
				fill(p, size);
				f->objs[i] = p;
			}
			for (i = 0; i < n; i++)
				KUNIT_ASSERT_TRUE(test,
						  is_filled(f->objs[i], size));
			gomem_free_bulk(n, f->objs);
		}
	}
}

/* Arrays */

static const struct array_case {
	const char *name;
	size_t n;
	size_t size;
	bool overflow;
} array_cases[] = {
	{ "one of one",			1, 1,				false },
	{ "small",			7, 24,				false },
	{ "large",			1000, 100,			false },
	{ "largest",			SZ_1M, 4,			false },
	{ "all bits",			SIZE_MAX, SIZE_MAX,		true },
	{ "wraps to 0",			BIT(32), BIT(32),		true },
	{ "wraps to 8",			SIZE_MAX / 8 + 2, 8,		true },
	{ "wraps to 8, swapped",	8, SIZE_MAX / 8 + 2,		true },
	{ "half plus a bit",		SIZE_MAX / 2 + 1, 2,		true },
};

KUNIT_ARRAY_PARAM_DESC(array, array_cases, name);

static void test_array(struct kunit *test)
{
	const struct array_case *c = test->param_value;
	void *p = gomem_alloc_array(c->n, c->size, GFP_KERNEL);
	void *q = gomem_calloc(c->n, c->size, GFP_KERNEL);

	KUNIT_EXPECT_EQ(test, c->overflow, !p);
	KUNIT_EXPECT_EQ(test, c->overflow, !q);
	if (c->overflow) {
		expect_misuses(test, GOMEM_SIZE_OVERFLOW, 2);
		KUNIT_EXPECT_NULL(test,
				  gomem_calloc(c->n, c->size,
					       GFP_KERNEL | __GFP_NOWARN));
		expect_misuses(test, GOMEM_SIZE_OVERFLOW, 1);
		return;
	}
	expect_object(test, p, c->n * c->size);
	expect_object(test, q, c->n * c->size);
	KUNIT_EXPECT_TRUE(test, is_zero(q, gomem_usable_size(q)));
	gomem_free(p);
	gomem_free(q);
}

/* Nodes and gfp flags */

static void test_node(struct kunit *test)
{
	static const int bad[] = { -2, INT_MIN, MAX_NUMNODES, INT_MAX };
	unsigned int i;
	void *p;
	int node;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_NULL(test,
				  gomem_alloc_node(100, GFP_KERNEL, bad[i]));
	expect_misuses(test, GOMEM_BAD_NODE, ARRAY_SIZE(bad));
	/* Numbers below MAX_NUMNODES are valid, even if no such node exists. */
	for (node = 0; node < MAX_NUMNODES; node++) {
		p = gomem_alloc_node(100, GFP_KERNEL, node);
		expect_object(test, p, 100);
		gomem_free(p);
	}
	p = gomem_alloc_node(100000, GFP_KERNEL | __GFP_THISNODE, NUMA_NO_NODE);
	expect_object(test, p, 100000);
	gomem_free(p);
}

/*
 * Take the path of an allocation for another node, but pass the first heap. So
 * the case also runs on machines with one node.
 */
static void test_remote(struct kunit *test)
{
	const struct gomem_kind *k =
		&gomem_kinds[gomem_spc_make(gomem_sizeclass(100), false)];
	u64 before = gomem_event_sum(GOMEM_EV_REMOTE_ALLOCS);
	void *p[40];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomem_object_alloc_remote(k, gomem_first_heap(),
						 GFP_KERNEL, _RET_IP_);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
		expect_object(test, p[i], 100);
	}
	KUNIT_EXPECT_EQ(test, before + ARRAY_SIZE(p),
			gomem_event_sum(GOMEM_EV_REMOTE_ALLOCS));
	for (i = 0; i < ARRAY_SIZE(p); i++)
		gomem_free(p[i]);
}

static void test_gfp_refused(struct kunit *test)
{
	static const gfp_t bad[] = { __GFP_DMA, __GFP_DMA32, __GFP_HIGHMEM };
	static const size_t sizes[] = { 1, 100, 32768, 32769, SZ_4M };
	struct fixture *f = test->priv;
	unsigned int i, k;
	size_t size;
	gfp_t gfp;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (k = 0; k < ARRAY_SIZE(sizes); k++) {
			size = sizes[k];
			gfp = GFP_KERNEL | bad[i];
			KUNIT_EXPECT_NULL(test, gomem_alloc(size, gfp));
			KUNIT_EXPECT_EQ(test, 0,
					gomem_alloc_bulk(size, gfp, 3,
							 f->objs));
			gfp = GFP_ATOMIC | bad[i];
			KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(size, gfp));
			expect_misuses(test, GOMEM_BAD_GFP, 3);
		}
		KUNIT_EXPECT_NULL(test, gomem_alloc(64, GFP_KERNEL | bad[i]));
		KUNIT_EXPECT_NULL(test,
				  gomem_strdup("no", GFP_KERNEL | bad[i]));
		expect_misuses(test, GOMEM_BAD_GFP, 2);
	}
	/* These allocations are accepted. */
	gomem_free(get_object(test, 100));
	gomem_free(gomem_alloc(100, GFP_KERNEL_ACCOUNT));
	gomem_free(gomem_alloc(100000, GFP_KERNEL_ACCOUNT | __GFP_NOFAIL));
}

/* Failure */

/*
 * The first @n places of f->objs are in use. Store new objects in the places
 * after them until memory or places run out. Return how many places are in use.
 */
static unsigned int exhaust(struct fixture *f, unsigned int n, size_t size)
{
	while (n < FIXTURE_OBJECTS &&
	       (f->objs[n] = gomem_alloc(size, GFP_KERNEL)))
		n++;
	return n;
}

static unsigned long (*all_pages)(struct gomem_pagesource *src,
				  unsigned int order, gfp_t gfp, int node);

static unsigned long single_pages(struct gomem_pagesource *src,
				  unsigned int order, gfp_t gfp, int node)
{
	return order ? 0 : all_pages(src, order, gfp, node);
}

/*
 * When memory is fragmented, spans are shorter and have fewer objects. A free
 * of an address after the last object must be refused.
 */
static void test_short_span(struct kunit *test)
{
	struct gomem_pagesource *src = gomem_first_heap()->source;
	static const unsigned int sizes[] = { 1408, 6784, 3072 };
	struct gomem_span *s;
	unsigned int i;
	void *p, *behind;

	all_pages = src->alloc;
	gomem_scavenge_all();
	src->alloc = single_pages;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = gomem_alloc(sizes[i], GFP_KERNEL);
		if (!p) {
			src->alloc = all_pages;
			KUNIT_FAIL(test, "no object of %u bytes", sizes[i]);
			return;
		}
		s = span_at(p);
		KUNIT_EXPECT_EQ(test, 1, s->npages);
		KUNIT_EXPECT_EQ(test, GOMEM_PAGE_SIZE / s->elemsize, s->nelems);
		fill(p, sizes[i]);
		behind = (void *)s->base + s->nelems * s->elemsize;
		gomem_free(behind);
		KUNIT_EXPECT_TRUE(test, is_filled(p, sizes[i]));
		gomem_free(p);
	}
	src->alloc = all_pages;
	/*
	 * In a span of the usual length, an object would start at the address
	 * that gomem_free() got. The short span has only its tail there.
	 */
	expect_misuses(test, GOMEM_INTERIOR_POINTER, ARRAY_SIZE(sizes));
	expect_sound(test);
}

/*
 * Exhaust the heap with objects of falling sizes. The first place of f->objs is
 * in use. Store the objects after it. Return how many places are in use then.
 */
static unsigned int exhaust_all(struct fixture *f)
{
	unsigned int n = 1;

	n = exhaust(f, n, SZ_4M);
	n = exhaust(f, n, SZ_512K);
	n = exhaust(f, n, SZ_64K);
	n = exhaust(f, n, SZ_32K);
	return exhaust(f, n, SZ_8K);
}

/* Expect that four calls fail for lack of memory. */
static void expect_no_memory(struct kunit *test, const void *small,
			     const void *large)
{
	KUNIT_EXPECT_NULL(test, gomem_realloc(small, 20000, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_realloc(large, SZ_1M, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_memdup(large, 100000, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_alloc(20000, GFP_ATOMIC));
}

static u64 count_failures(void)
{
	return gomem_event_sum(GOMEM_EV_ALLOC_FAILURES);
}

/*
 * A bulk request fails as a whole, even if there is memory for some of its
 * objects. The first @n places of the fixture's array are in use.
 */
static void expect_no_bulk(struct kunit *test, unsigned int n)
{
	struct fixture *f = test->priv;
	s64 live = live_objects();

	KUNIT_EXPECT_EQ(test, 0, gomem_alloc_bulk(SZ_32K, GFP_KERNEL,
						  FIXTURE_OBJECTS - n,
						  f->objs + n));
	KUNIT_EXPECT_EQ(test, live, live_objects());
}

static void test_no_memory(struct kunit *test)
{
	u64 failures = count_failures();
	struct fixture *f = test->priv;
	void *small = get_object(test, 1000), *large = get_object(test, 100000);
	unsigned int n;

	fill(small, 1024);
	fill(large, 100000);
	f->objs[0] = get_object(test, SZ_4M);
	no_pages_begin();
	n = exhaust_all(f);
	gomem_free(f->objs[0]);
	expect_no_bulk(test, n);
	/*
	 * The bulk call that failed freed its objects. Their pages went back to
	 * the kernel, except for up to 1 MiB that the heap keeps. Since
	 * no_pages_begin(), the page source hands out no pages. So there is no
	 * memory for an object of 4 MiB.
	 */
	f->objs[0] = NULL;
	KUNIT_EXPECT_NULL(test, gomem_alloc(SZ_4M, GFP_KERNEL));
	n = exhaust(f, n, SZ_64K);
	n = exhaust(f, n, SZ_32K);
	n = exhaust(f, n, SZ_8K);
	KUNIT_EXPECT_LT(test, n, FIXTURE_OBJECTS);
	KUNIT_EXPECT_EQ(test, failures + 10, count_failures());
	expect_no_memory(test, small, large);
	KUNIT_EXPECT_EQ(test, failures + 14, count_failures());
	expect_sound(test);
	no_pages_end();

	gomem_free_bulk(n, f->objs);
	KUNIT_EXPECT_TRUE(test, is_filled(small, 1024));
	KUNIT_EXPECT_TRUE(test, is_filled(large, 100000));
	small = gomem_realloc(small, 20000, GFP_KERNEL);
	expect_object(test, small, 20000);
	gomem_free(small);
	gomem_free(large);
}

static struct kunit_case alloc_cases[] = {
	SLOW_CASE_PARAM(test_every_size, gfp_gen_params),
	KUNIT_CASE(test_zero_size),
	KUNIT_CASE(test_large_sizes),
	KUNIT_CASE(test_too_large),
	KUNIT_CASE(test_constant_sizes),
	KUNIT_CASE(test_zeroed),
	KUNIT_CASE_PARAM(test_array, array_gen_params),
	KUNIT_CASE(test_node),
	KUNIT_CASE(test_remote),
	KUNIT_CASE(test_gfp_refused),
	KUNIT_CASE(test_no_memory),
	/*
	 * This is the last case: it gives the heap's free pages back, and later
	 * cases would have to fetch pages again.
	 */
	KUNIT_CASE(test_short_span),
	{}
};

static struct kunit_suite alloc_suite = {
	.name = "gomem_alloc",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = alloc_cases,
};

kunit_test_suite(alloc_suite);
