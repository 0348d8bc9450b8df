// SPDX-License-Identifier: GPL-2.0
/*
 * shrink_kunit.c - reclaim gets what may go at once, and waits for nothing.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/rcupdate.h>

#include "scavenge.h"
#include "shrink.h"
#include "span_set.h"

#define CHUNK		GOMEM_CHUNK_PAGES
#define READ_MS		200

struct fixture {
	struct fake_heap fh;
	struct span_set set;
};

/* Somebody who is in a read-side section until told to leave it. */
struct reader {
	struct completion reading;
	struct task_struct *task;
	bool leave;
	bool left;
};

/* Long enough for a caller that waits to be seen, short enough for it to come back. */
static int reader_run(void *arg)
{
	struct reader *r = arg;
	unsigned int ms;

	rcu_read_lock();
	complete(&r->reading);
	for (ms = 0; ms < READ_MS && !READ_ONCE(r->leave); ms++)
		mdelay(1);
	WRITE_ONCE(r->left, true);
	rcu_read_unlock();
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static void start_reader(struct kunit *test, struct reader *r)
{
	init_completion(&r->reading);
	r->leave = false;
	r->left = false;
	r->task = kthread_create(reader_run, r, "gomem_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(r->task));
	kthread_bind(r->task, cpumask_last(cpu_online_mask));
	wake_up_process(r->task);
	wait_for_completion(&r->reading);
}

static void stop_reader(struct reader *r)
{
	WRITE_ONCE(r->leave, true);
	kthread_stop(r->task);
}

/* A heap with a live span of 100 pages, and another of as many, which may go. */
static struct gomem_heap *make_heap(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h;

	if (num_online_cpus() < 2)
		kunit_skip(test, "a reader that does not end needs a CPU of its own");
	KUNIT_ASSERT_EQ(test, 0, fake_heap_init(&f->fh, 4, f->set.seed));
	h = f->fh.heap;
	span_set_pin(test, cpumask_first(cpu_online_mask));
	span_set_get(test, &f->set, h, 100);
	span_set_get(test, &f->set, h, 100);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	span_set_put(test, &f->set, f->set.span[1]);
	synchronize_rcu();
	return h;
}

/* What became free while somebody reads is announced, once, and the call returns. */
static void test_shrink(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	u64 *released = &h->stats.released[GOMEM_SCAVENGE_SHRINKER];
	u64 waits = h->stats.grace_waits;
	unsigned long n[3];
	struct reader r;
	bool owes[3];

	start_reader(test, &r);
	span_set_put(test, &f->set, f->set.span[0]);
	n[0] = gomem_heap_shrink(h, 150, &owes[0]);
	n[1] = gomem_heap_shrink(h, 500, &owes[1]);
	n[2] = gomem_heap_shrink(h, 500, &owes[2]);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.left));
	KUNIT_EXPECT_EQ(test, 100, *released);
	stop_reader(&r);
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

/* What was announced and is used again meanwhile is not missed by anybody. */
static void test_used_again(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	struct reader r;
	bool owes;

	start_reader(test, &r);
	span_set_put(test, &f->set, f->set.span[0]);
	KUNIT_EXPECT_EQ(test, 200, gomem_heap_shrink(h, 500, &owes));
	span_set_get(test, &f->set, h, 60);
	stop_reader(&r);
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

/* No reason that is on the way of an allocation, or of reclaim, waits for a reader. */
static void test_reason(struct kunit *test)
{
	const struct reason_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	u64 waits = h->stats.grace_waits;
	unsigned long n;
	struct reader r;

	start_reader(test, &r);
	span_set_put(test, &f->set, f->set.span[0]);
	n = gomem_heap_scavenge(h, 500, c->why);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.left));
	stop_reader(&r);
	KUNIT_EXPECT_EQ(test, 100, n);
	KUNIT_EXPECT_EQ(test, waits, h->stats.grace_waits);
	span_set_expect(test, &f->set, h);
}

/* Pages wait, each for itself: not for what was freed later, in the same chunk. */
static void test_fresh(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	struct gomem_span *fresh;
	unsigned long n[2];
	struct reader r;

	span_set_get(test, &f->set, h, 100);
	fresh = span_set_get(test, &f->set, h, 50);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	span_set_put(test, &f->set, f->set.span[0]);
	synchronize_rcu();
	start_reader(test, &r);
	span_set_put(test, &f->set, fresh);
	n[0] = gomem_heap_scavenge(h, CHUNK, GOMEM_SCAVENGE_GROWTH);
	n[1] = gomem_heap_scavenge(h, CHUNK, GOMEM_SCAVENGE_GROWTH);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(r.left));
	stop_reader(&r);
	KUNIT_EXPECT_EQ(test, 100, n[0]);
	KUNIT_EXPECT_EQ(test, 0, n[1]);
	/* The background waits, if there is nothing else. */
	KUNIT_EXPECT_EQ(test, 50, gomem_heap_scavenge(h, CHUNK, GOMEM_SCAVENGE_BACKGROUND));
	span_set_expect(test, &f->set, h);
	span_set_put_all(test, &f->set);
}

static int shrink_init(struct kunit *test)
{
	struct fixture *f = kvzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	span_set_init(&f->set, get_random_u32());
	test->priv = f;
	return 0;
}

static void shrink_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	fake_heap_exit(test, &f->fh);
	kvfree(f);
}

static struct kunit_case shrink_cases[] = {
	KUNIT_CASE(test_shrink),
	KUNIT_CASE(test_used_again),
	KUNIT_CASE_PARAM(test_reason, reason_gen_params),
	KUNIT_CASE(test_fresh),
	{}
};

static struct kunit_suite shrink_suite = {
	.name = "gomem_shrink",
	.init = shrink_init,
	.exit = shrink_exit,
	.test_cases = shrink_cases,
};

kunit_test_suite(shrink_suite);
