// SPDX-License-Identifier: GPL-2.0
/*
 * undo_kunit.c - if a bulk allocation gets only some of the objects, it fails
 * and frees them. Of the memory that it fetched for them, what is surplus goes
 * back to the kernel: later, if the call may not wait for a grace period, or if
 * it is for few pages and fails soon after another call; else before the call
 * returns. See gomem_heap_undo().
 *
 * make check: on two CPUs
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>

#include "fixture.h"
#include "api/undo.h"
#include "cpu/node.h"
#include "heap/scavenge.h"

/*
 * Maximum number of bytes that gomem's page source hands out to the bulk call
 * of bulk_fails(). The call asks for twice as many bytes, so it should fail.
 */
#define SOME		SZ_16M

struct undo_fixture {
	struct heap_fixture base;
	struct balance balance;
};

/*
 * Make a heap with @live pages in use, and @freed pages that were freed just
 * now.
 */
static struct gomem_heap *make_heap(struct kunit *test, unsigned int live,
				    unsigned int freed)
{
	struct undo_fixture *f = test->priv;
	struct gomem_span *s[2];
	struct gomem_heap *h;

	KUNIT_ASSERT_EQ(test, 0,
			fake_heap_init(&f->base.fh, 8, f->base.set.seed));
	h = f->base.fh.heap;
	h->give_min = GOMEM_GIVE_MIN;
	span_set_get(test, &f->base.set, h, live);
	s[0] = span_set_get(test, &f->base.set, h, freed / 2);
	s[1] = span_set_get(test, &f->base.set, h, freed / 2);
	/*
	 * The heap fetched larger blocks than it needed: give the other pages
	 * back.
	 */
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	KUNIT_ASSERT_EQ(test, live + freed, h->pages.backed_pages);
	span_set_put(test, &f->base.set, s[0]);
	span_set_put(test, &f->base.set, s[1]);
	return h;
}

/*
 * gomem_heap_undo() gives all freed pages back, except the GOMEM_GIVE_MIN pages
 * that any free may leave in the heap. If the grace period of a page is not
 * over, gomem_heap_undo() waits for its end.
 */
static void test_undo(struct kunit *test)
{
	struct undo_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 300, 900);
	u64 waits = h->stats.grace_waits;

	KUNIT_EXPECT_EQ(test, 900 - GOMEM_GIVE_MIN,
			gomem_heap_undo(h, 900, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 300 + GOMEM_GIVE_MIN, h->pages.backed_pages);
	KUNIT_EXPECT_EQ(test, 300 + GOMEM_GIVE_MIN, f->base.fh.source.nr_out);
	KUNIT_EXPECT_GE(test, waits + 1, h->stats.grace_waits);
	KUNIT_EXPECT_EQ(test, 0, h->owed_pages);
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_undo(h, 900, GFP_KERNEL));
	span_set_expect(test, &f->base.set, h);
}

/* Allocate and free pages, like a bulk allocation that fails half-way. */
static void fail_half_way(struct kunit *test, struct gomem_heap *h, gfp_t gfp)
{
	struct undo_fixture *f = test->priv;
	struct gomem_span *s[2];
	unsigned int i;

	for (i = 0; i < 2; i++)
		s[i] = span_set_get(test, &f->base.set, h, 450);
	for (i = 0; i < 2; i++)
		span_set_put(test, &f->base.set, s[i]);
	gomem_heap_undo(h, 900 + GOMEM_CHUNK_PAGES, gfp);
}

/*
 * If many small bulk allocations fail one after the other, the first one gives
 * its pages back itself. For some time after that, the *pause*, a work item
 * gives back the pages of the others: see UNDO_PAUSE in api/undo.c.
 */
static void test_often(struct kunit *test)
{
	struct undo_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 300, 900);
	u64 waits = h->stats.grace_waits;
	unsigned int i;

	gomem_heap_undo(h, 900, GFP_KERNEL);
	KUNIT_EXPECT_GE(test, waits + 1, h->stats.grace_waits);
	KUNIT_EXPECT_GT(test, h->undo_next, 0);
	waits = h->stats.grace_waits;
	/* Extend the pause: it might end while this test is preempted. */
	h->undo_next = U64_MAX;
	for (i = 0; i < 20; i++)
		fail_half_way(test, h, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, waits, h->stats.grace_waits);
	KUNIT_EXPECT_EQ(test, h->pages.free_pages,
			h->owed_pages + GOMEM_GIVE_MIN);
	gomem_heap_pay(h);
	KUNIT_EXPECT_EQ(test, 300 + GOMEM_GIVE_MIN, h->pages.backed_pages);

	/* End the pause: then a failed call gives its pages back itself. */
	h->undo_next = 0;
	fail_half_way(test, h, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, 300 + GOMEM_GIVE_MIN, h->pages.backed_pages);
	span_set_expect(test, &f->base.set, h);
}

/*
 * A failed bulk allocation that had many pages gives them back itself, even
 * during the pause: see test_often(). Only the pages of small bulk allocations
 * wait for the work item.
 */
static void test_large(struct kunit *test)
{
	struct undo_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 300, 900);

	h->undo_next = U64_MAX;
	KUNIT_EXPECT_EQ(test, 900 - GOMEM_GIVE_MIN,
			gomem_heap_undo(h, SZ_16M / GOMEM_PAGE_SIZE,
					GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 300 + GOMEM_GIVE_MIN, h->pages.backed_pages);
	KUNIT_EXPECT_EQ(test, 0, h->owed_pages);
	span_set_expect(test, &f->base.set, h);
}

/*
 * gomem_heap_undo() gives the freed pages back, except GOMEM_GIVE_MIN of them,
 * whatever grace periods are under way. For pages that were freed during a
 * grace period, the end of that grace period is not enough. The test is skipped
 * with Tiny RCU: there no grace period is ever under way when a page is freed,
 * since each synchronize_rcu() is a whole grace period.
 */
static void test_overlap(struct kunit *test)
{
	struct undo_fixture *f = test->priv;
	struct gomem_heap *h;
	struct gomem_span *s[2];
	unsigned int round, i;

	if (IS_ENABLED(CONFIG_TINY_RCU))
		kunit_skip(test, "grace periods do not overlap on a kernel for one CPU");
	h = make_heap(test, 300, 900);
	for (round = 0; round < 50; round++) {
		h->undo_next = 0;
		gomem_heap_undo(h, ULONG_MAX, GFP_KERNEL);
		KUNIT_ASSERT_EQ(test, 300 + GOMEM_GIVE_MIN,
				h->pages.backed_pages);
		for (i = 0; i < 2; i++)
			s[i] = span_set_get(test, &f->base.set, h, 450);
		start_poll_synchronize_rcu();
		if (round % 2)
			schedule_timeout_uninterruptible(1);
		for (i = 0; i < 2; i++)
			span_set_put(test, &f->base.set, s[i]);
		start_poll_synchronize_rcu();
	}
}

/*
 * A bulk allocation that fails gives back no more pages than it had allocated.
 * Other free pages stay in the heap.
 */
static void test_had_less(struct kunit *test)
{
	struct undo_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 300, 900);

	KUNIT_EXPECT_EQ(test, 200, gomem_heap_undo(h, 200, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 1000, h->pages.backed_pages);
	span_set_expect(test, &f->base.set, h);
}

/* A sixteenth of the pages in use may stay in the heap as free pages. */
static void test_much_in_use(struct kunit *test)
{
	struct gomem_heap *h = make_heap(test, 500, 900);

	h->give_min = 0;
	gomem_heap_undo(h, 900, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, 500 + 500 / GOMEM_GIVE_SHARE,
			h->pages.backed_pages);
}

static void expect_no_wait(struct kunit *test, gfp_t gfp, bool reclaims)
{
	struct undo_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 300, 900);
	u64 waits = h->stats.grace_waits;
	unsigned int flags = 0;
	unsigned long n;

	if (reclaims)
		flags = memalloc_noreclaim_save();
	n = gomem_heap_undo(h, 900, gfp);
	if (reclaims)
		memalloc_noreclaim_restore(flags);
	KUNIT_EXPECT_EQ(test, waits, h->stats.grace_waits);
	KUNIT_EXPECT_EQ(test, 900 - GOMEM_GIVE_MIN, n);
	/*
	 * Pay the owed pages, as the work item of gomem_nodes_pay_later()
	 * would. The work item serves only gomem's real heaps, not this
	 * one.
	 */
	gomem_heap_pay(h);
	KUNIT_EXPECT_EQ(test, 300 + GOMEM_GIVE_MIN, h->pages.backed_pages);
	KUNIT_EXPECT_EQ(test, 0, h->owed_pages);
	span_set_expect(test, &f->base.set, h);
}

/*
 * When a bulk allocation fails, gomem_heap_undo() does not wait for a grace
 * period if the call must not sleep or should fail soon. Nor does it wait if
 * reclaim may wait for the call, or if the task itself reclaims. In these cases
 * a work item gives the pages back.
 */
static const struct gfp_case {
	const char *name;
	gfp_t gfp;
	bool reclaims;
} gfp_cases[] = {
	{ "GFP_NOWAIT",	GFP_NOWAIT,	false },
	{ "GFP_ATOMIC",	GFP_ATOMIC,	false },
	{ "GFP_NOIO",	GFP_NOIO,	false },
	{ "GFP_NOFS",	GFP_NOFS,	false },
	{ "NORETRY",	GFP_KERNEL | __GFP_NORETRY,	false },
	{ "reclaim",	GFP_KERNEL,	true },
};

KUNIT_ARRAY_PARAM_DESC(gfp, gfp_cases, name);

static void test_no_wait(struct kunit *test)
{
	const struct gfp_case *c = test->param_value;

	expect_no_wait(test, c->gfp, c->reclaims);
}

static const size_t sizes[] = { 64, 1024, 8192, 32768, 100000, SZ_1M };

static void size_desc(const size_t *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%zu bytes", *size);
}

KUNIT_ARRAY_PARAM(size, sizes, size_desc);

static unsigned long held_pages(void)
{
	return atomic_long_read(&gomem_first_heap()->source->heap_pages);
}

static unsigned int nr_heaps(void)
{
	struct gomem_heap *h;
	unsigned int n = 0;

	for_each_gomem_heap(h)
		n++;
	return n;
}

/*
 * Ask in one bulk call for twice the memory that the page source hands out.
 * Expect that all pages that the call got, but a few, go back to the page
 * source. Return true if the call fails.
 */
static bool bulk_fails(struct kunit *test, struct gomem_cache *c, size_t size)
{
	unsigned int n = 2 * SOME / size;
	void **objs = kvcalloc(n, sizeof(*objs), GFP_KERNEL);
	unsigned long before, used;
	struct gomem_heap *h;
	bool failed;

	KUNIT_ASSERT_NOT_NULL(test, objs);
	/*
	 * Before the time h->undo_next, which the last failed call has set, a
	 * call with fewer than UNDO_LARGE pages leaves them to a work item.
	 * Clear undo_next, so that this call gives its pages back itself.
	 */
	for_each_gomem_heap(h)
		h->undo_next = 0;
	some_pages_begin(SOME >> GOMEM_PAGE_SHIFT);
	before = held_pages();
	if (c)
		failed = !gomem_cache_alloc_bulk(c, GFP_KERNEL, n, objs);
	else
		failed = !gomem_alloc_bulk(size, GFP_KERNEL, n, objs);
	used = held_pages() - min(before, held_pages());
	some_pages_end();
	kvfree(objs);
	/*
	 * The heap of each node may keep max(pages in use / GOMEM_GIVE_SHARE,
	 * GOMEM_GIVE_MIN) free pages. The slots of each CPU that the task has
	 * run on may keep objects: allow GOMEM_GIVE_MIN pages for those.
	 */
	KUNIT_EXPECT_LE(test, used,
			(nr_heaps() + num_online_cpus()) * GOMEM_GIVE_MIN +
				before / GOMEM_GIVE_SHARE);
	return failed;
}

static void test_bulk(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, bulk_fails(test, NULL,
					   *(const size_t *)test->param_value));
}

static void test_cache_bulk(struct kunit *test)
{
	size_t size = *(const size_t *)test->param_value;
	struct gomem_cache *c = gomem_cache_create("kunit", size, NULL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_EXPECT_TRUE(test, bulk_fails(test, c, size));
	gomem_cache_destroy(c);
}

static int undo_init(struct kunit *test)
{
	struct undo_fixture *f = heap_fixture_alloc(test, sizeof(*f));

	if (!f)
		return -ENOMEM;
	balance_save(&f->balance);
	return 0;
}

static void undo_exit(struct kunit *test)
{
	struct undo_fixture *f = test->priv;

	if (!f)
		return;
	span_set_put_all(test, &f->base.set);
	balance_expect(test, &f->balance);
	heap_fixture_exit(test);
}

static struct kunit_case undo_cases[] = {
	KUNIT_CASE(test_undo),
	KUNIT_CASE(test_often),
	KUNIT_CASE(test_large),
	KUNIT_CASE(test_overlap),
	KUNIT_CASE(test_had_less),
	KUNIT_CASE(test_much_in_use),
	KUNIT_CASE_PARAM(test_no_wait, gfp_gen_params),
	KUNIT_CASE_PARAM(test_bulk, size_gen_params),
	KUNIT_CASE_PARAM(test_cache_bulk, size_gen_params),
	{}
};

static struct kunit_suite undo_suite = {
	.name = "gomem_undo",
	.init = undo_init,
	.exit = undo_exit,
	.test_cases = undo_cases,
};

kunit_test_suite(undo_suite);
