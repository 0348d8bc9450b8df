// SPDX-License-Identifier: GPL-2.0
/*
 * shrink_kunit.c - reclaim gets the pages that can go back to the kernel at
 * once, and does not wait for pages that are in a grace period.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/mm.h>

#include "context.h"
#include "fixture.h"
#include "workers.h"
#include "heap/scavenge.h"
#include "run/shrink.h"

#define CHUNK		GOMEM_CHUNK_PAGES

/*
 * Each case lets its reader leave. Only if gomem waits for the reader does the
 * reader stay for so long, and the case fails.
 */
#define READ_MS		20000

/*
 * Make a heap with a live span of 100 pages, and with 100 free pages whose
 * grace period is over.
 */
static struct gomem_heap *make_heap(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h;

	if (num_online_cpus() < 2)
		kunit_skip(test,
			   "a reader that does not end needs a CPU of its own");
	KUNIT_ASSERT_EQ(test, 0, fake_heap_init(&f->fh, 4, f->set.seed));
	h = f->fh.heap;
	move_to(test, cpumask_first(cpu_online_mask));
	span_set_get(test, &f->set, h, 100);
	span_set_get(test, &f->set, h, 100);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	span_set_put(test, &f->set, f->set.span[1]);
	synchronize_rcu();
	return h;
}

/*
 * gomem_heap_shrink() does not wait for an RCU reader. Its result includes the
 * pages that have to wait for the reader, each page in the result of one call
 * only. gomem_heap_pay() gives these pages back after the reader has left.
 */
static void test_shrink(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	u64 *released = &h->stats.released[GOMEM_SCAVENGE_SHRINKER];
	u64 waits = h->stats.grace_waits;
	unsigned long n[3];
	struct rcu_reader r = { .ms = READ_MS };
	bool owes[3];

	rcu_reader_start(test, &r);
	span_set_put(test, &f->set, f->set.span[0]);
	n[0] = gomem_heap_shrink(h, 150, &owes[0]);
	n[1] = gomem_heap_shrink(h, 500, &owes[1]);
	n[2] = gomem_heap_shrink(h, 500, &owes[2]);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.left));
	KUNIT_EXPECT_EQ(test, 100, *released);
	rcu_reader_stop(&r);
	KUNIT_EXPECT_EQ(test, 150, n[0]);
	KUNIT_EXPECT_EQ(test, 50, n[1]);
	KUNIT_EXPECT_EQ(test, 0, n[2]);
	KUNIT_EXPECT_TRUE(test, owes[0] && owes[1] && owes[2]);
	KUNIT_EXPECT_EQ(test, waits, h->stats.grace_waits);

	KUNIT_EXPECT_EQ(test, 100, gomem_heap_pay(h));
	KUNIT_EXPECT_EQ(test, 200, *released);
	KUNIT_EXPECT_EQ(test, 0, h->pages.backed_pages);
	KUNIT_EXPECT_EQ(test, 0, h->owed_pages);
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_pay(h));
	span_set_expect(test, &f->set, h);
}

/*
 * Pages that gomem_heap_shrink() announced may be used again before
 * gomem_heap_pay() gives them back.
 */
static void test_used_again(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	struct rcu_reader r = { .ms = READ_MS };
	bool owes;

	rcu_reader_start(test, &r);
	span_set_put(test, &f->set, f->set.span[0]);
	KUNIT_EXPECT_EQ(test, 200, gomem_heap_shrink(h, 500, &owes));
	span_set_get(test, &f->set, h, 60);
	rcu_reader_stop(&r);
	KUNIT_EXPECT_EQ(test, 40, gomem_heap_pay(h));
	KUNIT_EXPECT_EQ(test, 0, h->owed_pages);
	span_set_expect(test, &f->set, h);
	span_set_put_all(test, &f->set);
}

static const struct reason_case {
	const char *name;
	enum gomem_scavenge_reason why;
} reason_cases[] = {
	{ "shrinker",	GOMEM_SCAVENGE_SHRINKER },
	{ "limit",	GOMEM_SCAVENGE_LIMIT },
	{ "growth",	GOMEM_SCAVENGE_GROWTH },
	{ "free",	GOMEM_SCAVENGE_FREE },
};

KUNIT_ARRAY_PARAM_DESC(reason, reason_cases, name);

/*
 * A scavenge for an allocation, for a free, or for reclaim does not wait for an
 * RCU reader.
 */
static void test_reason(struct kunit *test)
{
	const struct reason_case *c = test->param_value;
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	u64 waits = h->stats.grace_waits;
	unsigned long n;
	struct rcu_reader r = { .ms = READ_MS };

	rcu_reader_start(test, &r);
	span_set_put(test, &f->set, f->set.span[0]);
	n = gomem_heap_scavenge(h, 500, c->why);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.left));
	rcu_reader_stop(&r);
	KUNIT_EXPECT_EQ(test, 100, n);
	KUNIT_EXPECT_EQ(test, waits, h->stats.grace_waits);
	span_set_expect(test, &f->set, h);
}

/*
 * Each page waits for its own grace period, even if other pages of its chunk
 * are freed later.
 */
static void test_waiting(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	struct gomem_span *waiting;
	unsigned long n[2];
	struct rcu_reader r = { .ms = READ_MS };

	span_set_get(test, &f->set, h, 100);
	waiting = span_set_get(test, &f->set, h, 50);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	span_set_put(test, &f->set, f->set.span[0]);
	synchronize_rcu();
	rcu_reader_start(test, &r);
	span_set_put(test, &f->set, waiting);
	n[0] = gomem_heap_scavenge(h, CHUNK, GOMEM_SCAVENGE_GROWTH);
	n[1] = gomem_heap_scavenge(h, CHUNK, GOMEM_SCAVENGE_GROWTH);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.left));
	rcu_reader_stop(&r);
	KUNIT_EXPECT_EQ(test, 100, n[0]);
	KUNIT_EXPECT_EQ(test, 0, n[1]);
	/*
	 * Only the 50 pages of the span "waiting" are left to give back. So the
	 * background scavenger sleeps until their grace period is over.
	 */
	KUNIT_EXPECT_EQ(test, 50,
			gomem_heap_scavenge(h, CHUNK,
					    GOMEM_SCAVENGE_BACKGROUND));
	span_set_expect(test, &f->set, h);
	span_set_put_all(test, &f->set);
}

static struct kunit_case shrink_cases[] = {
	KUNIT_CASE(test_shrink),
	KUNIT_CASE(test_used_again),
	KUNIT_CASE_PARAM(test_reason, reason_gen_params),
	KUNIT_CASE(test_waiting),
	{}
};

static struct kunit_suite shrink_suite = {
	.name = "gomem_shrink",
	.init = heap_fixture_init,
	.exit = heap_fixture_exit,
	.test_cases = shrink_cases,
};

kunit_test_suite(shrink_suite);
