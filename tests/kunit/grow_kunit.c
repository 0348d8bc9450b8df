// SPDX-License-Identifier: GPL-2.0
/*
 * grow_kunit.c - how a heap grows, and what it does when it cannot.
 */
#include <kunit/test.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fixture.h"
#include "mheap_steps.h"
#include "heap/scavenge.h"

/* Growth */

/* Return the order by which a heap of @backed pages grows for @npages pages. */
static unsigned int want_order(unsigned long backed, unsigned int npages)
{
	unsigned int order = 5;

	/*
	 * A heap grows by a 64th of its pages, rounded up to a power of two. A
	 * block has at least 256 KiB in a fake heap, and at most 4 MiB.
	 */
	while (order < 9 && backed >= 64 * (BIT(order) + 1))
		order++;
	return max_t(unsigned int, order, order_base_2(npages));
}

static void test_growth_steps(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	unsigned long backed, grows, seen = 0;
	struct gomem_heap *h;

	mheap_make(test, 40);
	h = f->base.fh.heap;
	while (h->pages.backed_pages < 39 * CHUNK) {
		backed = h->pages.backed_pages;
		grows = h->stats.grows;
		mheap_get_large(test, 20 + below(&f->base.set.rnd, 24));
		if (h->stats.grows == grows)
			continue;
		KUNIT_ASSERT_EQ(test, grows + 1, h->stats.grows);
		KUNIT_ASSERT_EQ_MSG(test,
				    want_order(backed,
					       f->live[f->nr_live - 1]->npages),
				    mheap_source_of(f)->last.order, "%lu pages",
				    backed);
		KUNIT_ASSERT_EQ(test,
				backed + BIT(mheap_source_of(f)->last.order),
				h->pages.backed_pages);
		seen |= BIT(mheap_source_of(f)->last.order);
	}
	KUNIT_EXPECT_EQ(test, GENMASK(9, 5), seen);
	KUNIT_EXPECT_EQ(test, 0, h->stats.grow_fallbacks);
	KUNIT_EXPECT_EQ(test, 0, h->stats.grow_failures);
	mheap_expect(test);
	mheap_put_all(test);
}

static unsigned int nr_wakes;

static void count_wakes(struct gomem_heap *h)
{
	nr_wakes++;
}

/*
 * A heap calls its callback h->wake() when it had no page and gets some: first
 * when it is new, and again after all its pages have gone back.
 */
static void test_wake(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_heap *h;
	unsigned int round;

	mheap_make(test, 4);
	h = f->base.fh.heap;
	h->wake = count_wakes;
	nr_wakes = 0;
	for (round = 1; round <= 2; round++) {
		KUNIT_EXPECT_EQ(test, round - 1, nr_wakes);
		mheap_get_large(test, CHUNK);
		mheap_get_large(test, CHUNK);
		KUNIT_EXPECT_EQ(test, round, nr_wakes);
		mheap_put_all(test);
		gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
		KUNIT_EXPECT_EQ(test, 0, h->pages.backed_pages);
	}
}

static const struct fallback_case {
	const char *name;
	unsigned int limit;	/* calls from this order on fail; 0: none */
	unsigned int npages;
	unsigned int calls;
	bool fallback;
	bool ok;
} fallback_cases[] = {
	{ "no limit",			0, 1,	1, false, true },
	{ "just enough",		6, 1,	1, false, true },
	{ "half of it",			5, 1,	2, true,  true },
	{ "a quarter",			4, 1,	3, true,  true },
	{ "single pages",		1, 1,	6, true,  true },
	{ "single pages, two needed",	1, 2,	5, false, false },
	{ "what is needed",		4, 8,	3, true,  true },
	{ "less than is needed",	3, 8,	3, false, false },
	{ "five pages need eight",	4, 5,	3, true,  true },
	{ "eight for five missing",	3, 5,	3, false, false },
	{ "large, nothing to spare",	7, 64,	1, false, true },
	{ "large, too large",		6, 64,	1, false, false },
	{ "a chunk, too large",		9, 512,	1, false, false },
};

KUNIT_ARRAY_PARAM_DESC(fallback, fallback_cases, name);

static void test_grow_fallback(struct kunit *test)
{
	const struct fallback_case *c = test->param_value;
	struct gomem_span_request req = fake_large_request(c->npages);
	struct mheap_fixture *f = test->priv;
	struct fake_source *fake = mheap_source_of(f);
	struct gomem_heap *h;

	mheap_make(test, 2);
	h = f->base.fh.heap;
	req.gfp |= __GFP_RETRY_MAYFAIL;
	fake->pages.limit = c->limit;
	KUNIT_EXPECT_EQ(test, c->ok, !!mheap_try_span(test, &req));
	KUNIT_EXPECT_EQ(test, c->calls, fake->pages.calls);
	KUNIT_EXPECT_EQ(test, c->ok, h->stats.grows);
	KUNIT_EXPECT_EQ(test, c->fallback, h->stats.grow_fallbacks);
	KUNIT_EXPECT_EQ(test, !c->ok, h->stats.grow_failures);
	mheap_expect(test);
	mheap_put_all(test);
}

/*
 * Only the last attempt, which is for no more than the needed pages, reclaims
 * memory and warns.
 */
static void test_grow_effort(struct kunit *test)
{
	gfp_t gfp = GFP_KERNEL | __GFP_RETRY_MAYFAIL;
	struct gomem_span_request req = fake_large_request(4);
	struct mheap_fixture *f = test->priv;
	struct fake_source *fake = mheap_source_of(f);

	mheap_make(test, 1);
	req.gfp = gfp;
	fake->pages.limit = 2;
	KUNIT_EXPECT_NULL(test, mheap_try_span(test, &req));
	KUNIT_EXPECT_EQ(test, 4, fake->pages.calls);
	KUNIT_EXPECT_EQ(test, 3, fake->speculative);
	KUNIT_EXPECT_EQ(test, 2, fake->last.order);
	KUNIT_EXPECT_EQ(test, (__force u32)gfp, (__force u32)fake->last.gfp);
}

/*
 * Get spans of @npages pages until the heap grows. Return how often that growth
 * called the source.
 */
static unsigned long calls_to_grow(struct kunit *test, unsigned int npages)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_span_request req = fake_large_request(npages);
	struct gomem_heap *h = f->base.fh.heap;
	u64 grows = h->stats.grows;

	req.aligned = false;
	while (h->stats.grows == grows) {
		mheap_source_of(f)->pages.calls = 0;
		mheap_get_span(test, &req);
	}
	KUNIT_EXPECT_EQ(test, grows + 1, h->stats.grows);
	return mheap_source_of(f)->pages.calls;
}

/*
 * After calls of the source failed, the heap grows by smaller blocks. If the
 * first call of a growth succeeds, the next growth begins one order higher than
 * this call, instead of at the largest order at once. If only the last call of
 * a growth succeeds, which may reclaim memory, the next growth begins one order
 * higher than that last call. A @limit of 0 lets all calls succeed.
 */
static const struct learn_case {
	const char *name;
	struct learn_step {
		unsigned int limit;	/* calls from this order on fail */
		unsigned int npages;
		unsigned int calls;	/* of the source */
		unsigned int order;	/* of the last call */
	} step[10];
} learn_cases[] = {
	{ "one page", {
		{ 3, 1, 4, 2 }, { 3, 1, 1, 2 }, { 3, 1, 2, 2 },
		{ 3, 1, 1, 2 }, { 3, 1, 2, 2 },
		{ 0, 1, 1, 2 }, { 0, 1, 1, 3 }, { 0, 1, 1, 4 },
		{ 0, 1, 1, 5 }, { 0, 1, 1, 5 },
	} },
	/*
	 * If the request needs a higher order than the heap would try next, the
	 * heap tries the order that the request needs.
	 */
	{ "needed pages", {
		{ 3, 3, 4, 2 }, { 3, 3, 2, 2 }, { 3, 3, 2, 2 },
		{ 0, 3, 1, 3 }, { 0, 3, 1, 4 }, { 0, 3, 1, 5 },
		{ 1, 1, 6, 0 }, { 0, 100, 1, 7 }, { 0, 20, 1, 5 },
	} },
};

KUNIT_ARRAY_PARAM_DESC(learn, learn_cases, name);

static void test_learn_order(struct kunit *test)
{
	const struct learn_case *c = test->param_value;
	struct mheap_fixture *f = test->priv;
	const struct learn_step *step;

	mheap_make(test, 8);
	for (step = c->step;
	     step < c->step + ARRAY_SIZE(c->step) && step->npages; step++) {
		mheap_source_of(f)->pages.limit = step->limit;
		KUNIT_EXPECT_EQ_MSG(test, step->calls,
				    calls_to_grow(test, step->npages),
				    "step %td", step - c->step);
		KUNIT_EXPECT_EQ_MSG(test, step->order,
				    mheap_source_of(f)->last.order,
				    "step %td", step - c->step);
		mheap_expect(test);
	}
	mheap_put_all(test);
}

/*
 * Expect that the heap cannot use the pages of a source that begins at @base.
 */
static void expect_unreached(struct kunit *test, unsigned long base)
{
	struct gomem_span_request req = fake_large_request(8);
	struct mheap_fixture *f = test->priv;
	struct gomem_heap_stats *stats = &f->base.fh.heap->stats;

	mheap_source_of(f)->base = base;
	KUNIT_EXPECT_NULL(test, mheap_try_span(test, &req));
	KUNIT_EXPECT_EQ(test, 0, mheap_source_of(f)->nr_out);
	KUNIT_EXPECT_EQ(test, 1, stats->grow_failures);
	KUNIT_EXPECT_GE(test, stats->grow_out_of_range, 1ULL);
	mheap_expect(test);
}

/*
 * A heap gives a block that it fetched back to the source at once if the block
 * is not covered, and keeps the block if it is covered.
 */
static void test_outside_range(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	struct fake_source *fake = mheap_source_of(f);
	struct gomem_span_request req = fake_large_request(8);
	struct gomem_span *s;
	struct gomem_heap *h;
	u64 before;

	mheap_make(test, 4);
	h = f->base.fh.heap;
	/*
	 * The tables of the page map and of the summaries grow by whole kernel
	 * pages. With kernel pages of 4 KiB, one page of a table covers 2 GiB.
	 * Let the source begin right after the first page's range: then the
	 * source's pages are not covered.
	 */
	expect_unreached(test, FAKE_BASE +
			 GOMEM_TABLE_WORDS * GOMEM_CHUNK_SIZE);
	before = h->stats.grow_out_of_range;
	KUNIT_EXPECT_EQ(test, 0,
			gomem_heap_cover(h, fake->base, 4 * GOMEM_CHUNK_SIZE));
	s = fake_heap_span(h, &req);
	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_GE(test, s->base, fake->base);
	KUNIT_EXPECT_EQ(test, before, h->stats.grow_out_of_range);
	KUNIT_EXPECT_TRUE(test, mheap_free_large(h, s, s->base));
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_out);

	fake->base = FAKE_BASE;
	mheap_get_span(test, &req);
	mheap_put_all(test);
}

/* The heap cannot use pages of the source below the covered addresses. */
static void test_below_range(struct kunit *test)
{
	mheap_make(test, 2);
	expect_unreached(test, FAKE_BASE - 2 * GOMEM_CHUNK_SIZE);
}

/*
 * The source first offers a block that is not covered. Then the heap makes a
 * request with __GFP_DMA32, for which the source has memory at lower addresses.
 * These are covered.
 */
static void test_beyond_range(struct kunit *test)
{
	struct gomem_span_request req = fake_large_request(8);
	struct mheap_fixture *f = test->priv;

	mheap_make(test, 4);
	mheap_source_of(f)->beyond = SZ_1T;
	mheap_get_span(test, &req);
	KUNIT_EXPECT_EQ(test, 0, f->base.fh.heap->stats.grow_failures);
	/*
	 * For a __GFP_NOFAIL request, too, the heap asks with __GFP_DMA32 after
	 * it was offered a block that is not covered. Otherwise the request
	 * would be repeated forever, since it must not fail.
	 */
	req.npages = 2 * CHUNK / 3;
	req.aligned = false;
	req.gfp |= __GFP_NOFAIL;
	mheap_get_span(test, &req);
	mheap_get_span(test, &req);
	KUNIT_EXPECT_GE(test, f->base.fh.heap->stats.grow_out_of_range, 3ULL);
	mheap_source_of(f)->beyond = 0;
	mheap_put_all(test);
}

/* Failures */

#define FAIL_SPANS	24

/*
 * Make so many spans that the heap asks the source more than once for pages and
 * for descriptor memory. A request for a span that fails leaves the heap as it
 * was. When the calls of the source do not fail any more, the same request
 * succeeds.
 */
static void make_spans_under_failure(struct kunit *test, unsigned int *failures)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_span_request req;
	struct gomem_heap_snapshot before, after;
	unsigned int i, spc;

	for (i = 0; i < FAIL_SPANS; i++) {
		spc = 2 + i * 11 % (GOMEM_NR_SPANCLASSES - 2);
		if (i % 2)
			req = fake_small_request(spc);
		else
			req = fake_large_request(5 + (i * 97) % (CHUNK - 5));
		gomem_heap_get(f->base.fh.heap, &before);
		if (!mheap_try_span(test, &req)) {
			(*failures)++;
			gomem_heap_get(f->base.fh.heap, &after);
			KUNIT_ASSERT_EQ(test, before.free_pages,
					after.free_pages);
			KUNIT_ASSERT_EQ(test, before.span_bytes,
					after.span_bytes);
			mheap_expect(test);
			fake_fail_none(&mheap_source_of(f)->pages);
			fake_fail_none(&mheap_source_of(f)->meta);
			mheap_get_span(test, &req);
		}
		mheap_expect(test);
	}
	mheap_put_all(test);
}

static void remake_heap(struct kunit *test, unsigned long nr_chunks)
{
	struct mheap_fixture *f = test->priv;

	fake_heap_exit(test, &f->base.fh);
	memset(&f->base.fh, 0, sizeof(f->base.fh));
	mheap_make(test, nr_chunks);
}

static const struct fail_case {
	const char *name;
	bool meta;
	unsigned int count;
} fail_cases[] = {
	{ "one call for pages",			false,	1 },
	{ "calls for pages from one on",	false,	~0U },
	{ "one call for descriptors",		true,	1 },
	{ "calls for descriptors from one on",	true,	~0U },
};

KUNIT_ARRAY_PARAM_DESC(fail, fail_cases, name);

/*
 * Make spans repeatedly. In each round of the loop, the first call of the
 * source that fails is one call later than in the round before.
 */
static void test_fail(struct kunit *test)
{
	const struct fail_case *c = test->param_value;
	struct mheap_fixture *f = test->priv;
	struct fake_failures *which;
	unsigned int failures = 0;
	unsigned long from, failed = 1;

	for (from = 1; failed; from++) {
		remake_heap(test, 16);
		which = c->meta ? &mheap_source_of(f)->meta :
				  &mheap_source_of(f)->pages;
		fake_fail(which, from, c->count);
		make_spans_under_failure(test, &failures);
		/*
		 * If a request for a span failed, make_spans_under_failure()
		 * has set all members of *which to 0, also which->from. If
		 * calls failed but no request did, which->failed is their
		 * number.
		 */
		failed = which->failed || !which->from;
	}
	KUNIT_EXPECT_GT(test, from, 5);
	if (c->count > 8)
		KUNIT_EXPECT_GT(test, failures, 3);
}

/*
 * If a light request for descriptor memory fails, the heap makes a hard one. A
 * hard request is for as many kernel pages as one descriptor needs: 4 KiB for
 * the span descriptor of this case, 8 KiB for a chunk descriptor.
 */
static void test_meta_fallback(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	struct fake_source *fake = mheap_source_of(f);

	mheap_make(test, 1);
	fake->meta.every = 2;
	fake->meta.calls = 1;
	mheap_get_large(test, 8);
	KUNIT_EXPECT_EQ(test, 2, fake->meta.failed);
	KUNIT_EXPECT_EQ(test, SZ_4K + SZ_8K, fake->meta_out);
	mheap_expect(test);
	mheap_put_all(test);
}

/*
 * For which descriptor there is no memory. Two calls fail, a light request and
 * a hard one; @call is the number of the first. @pages_calls: number of calls
 * for pages. Memory for the span descriptor is requested before the pages: if
 * that fails, the heap has no pages to give back.
 */
static const struct no_desc_case {
	const char *name;
	unsigned int call;
	unsigned int pages_calls;
} no_desc_cases[] = {
	{ "span",	1,	0 },
	{ "chunk",	2,	1 },
};

KUNIT_ARRAY_PARAM_DESC(no_desc, no_desc_cases, name);

static void test_no_desc(struct kunit *test)
{
	const struct no_desc_case *c = test->param_value;
	struct gomem_span_request req = fake_large_request(8);
	struct mheap_fixture *f = test->priv;
	struct fake_source *fake = mheap_source_of(f);

	mheap_make(test, 1);
	fake_fail(&fake->meta, c->call, 2);
	KUNIT_EXPECT_NULL(test, mheap_try_span(test, &req));
	KUNIT_EXPECT_EQ(test, c->pages_calls, fake->pages.calls);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_out);
	KUNIT_EXPECT_EQ(test, c->pages_calls,
			f->base.fh.heap->stats.grow_failures);
	mheap_expect(test);
	mheap_get_span(test, &req);
	mheap_put_all(test);
}

static const struct nofail_case {
	const char *name;
	gfp_t gfp;
	bool meta;
	bool ok;
} nofail_cases[] = {
	{ "pages, may sleep",		GFP_KERNEL | __GFP_NOFAIL,	false,	true },
	{ "descriptors, may sleep",	GFP_KERNEL | __GFP_NOFAIL,	true,	true },
	{ "pages, NOFS",		GFP_NOFS | __GFP_NOFAIL,	false,	true },
	{ "pages, may not sleep",	GFP_ATOMIC | __GFP_NOFAIL,	false,	false },
	{ "descriptors, may not sleep",	GFP_NOWAIT | __GFP_NOFAIL,	true,	false },
};

KUNIT_ARRAY_PARAM_DESC(nofail, nofail_cases, name);

static void test_nofail(struct kunit *test)
{
	const struct nofail_case *c = test->param_value;
	struct gomem_span_request req = fake_large_request(5);
	struct mheap_fixture *f = test->priv;
	struct fake_source *source = mheap_source_of(f);
	struct fake_failures *which = c->meta ? &source->meta : &source->pages;

	mheap_make(test, 1);
	req.gfp = c->gfp;
	fake_fail(which, 1, 20);
	KUNIT_EXPECT_EQ(test, c->ok, !!mheap_try_span(test, &req));
	if (c->ok)
		KUNIT_EXPECT_EQ(test, 20, which->failed);
	mheap_expect(test);
	mheap_put_all(test);
}

static struct kunit_case grow_cases[] = {
	KUNIT_CASE(test_growth_steps),
	KUNIT_CASE(test_wake),
	KUNIT_CASE_PARAM(test_grow_fallback, fallback_gen_params),
	KUNIT_CASE(test_grow_effort),
	KUNIT_CASE_PARAM(test_learn_order, learn_gen_params),
	KUNIT_CASE(test_outside_range),
	KUNIT_CASE(test_below_range),
	KUNIT_CASE(test_beyond_range),
	KUNIT_CASE_PARAM(test_fail, fail_gen_params),
	KUNIT_CASE(test_meta_fallback),
	KUNIT_CASE_PARAM(test_no_desc, no_desc_gen_params),
	KUNIT_CASE_PARAM(test_nofail, nofail_gen_params),
	{}
};

static struct kunit_suite grow_suite = {
	.name = "gomem_grow",
	.init = mheap_init,
	.exit = heap_fixture_exit,
	.test_cases = grow_cases,
};

kunit_test_suite(grow_suite);
