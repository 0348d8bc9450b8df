// SPDX-License-Identifier: GPL-2.0
/*
 * epoch_kunit.c - what a look does, and how often the goals of heaps are set.
 *
 * The cases call gomem_epoch_look() themselves. gomem itself makes no look
 * meanwhile, since tests/kunit/run loads it with an epoch of a day.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include "fixture.h"
#include "base/queue.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "heap/goal.h"
#include "run/epoch.h"

#define SMALL		64
#define NR_SMALL	500
#define LARGE		SZ_1M
#define NR_LARGE	16

/*
 * With an epoch of 2 s, a free of many pages has the goals set up to five
 * times, every 5 ms.
 */
#define SHORT_MS	2000
/* If no goal was set for this long, the work that sets them has stopped. */
#define QUIET_MS	200
#define PATIENCE	100

static void get_objects(struct kunit *test, size_t size, unsigned int n)
{
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < n; i++) {
		f->objs[i] = gomem_alloc(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
	}
}

static void put_objects(struct kunit *test, unsigned int n)
{
	struct fixture *f = test->priv;

	while (n--)
		gomem_free(f->objs[n]);
}

/*
 * Return the number of free objects of SMALL bytes in slots and transfer
 * caches, plus the number of spans of that size that slots cache.
 */
static unsigned long cached(void)
{
	struct gomem_class_counts n;

	gomem_mcache_count(&gomem_kinds[gomem_spc_make(gomem_sizeclass(SMALL),
						       false)],
			   &n);
	return n.cached + n.cached_spans;
}

/* Each call of gomem_epoch_look() counts as one look. */
static void test_count(struct kunit *test)
{
	u64 looks = gomem_looks();
	unsigned int i;

	for (i = 1; i <= 2 * GOMEM_EPOCH_LOOKS; i++) {
		gomem_epoch_look();
		KUNIT_EXPECT_EQ(test, looks + i, gomem_looks());
	}
}

/*
 * If no CPU uses the free objects in its slots, they leave the slots within
 * about as many looks as an epoch has. A look waits only DRAIN_IDLE_MS
 * (cpu/drain.c) for CPUs to drain their slots, and a busy CPU may do so later.
 * So the test allows for more time and more looks.
 */
static void test_idle(struct kunit *test)
{
	unsigned int i;

	get_objects(test, SMALL, NR_SMALL);
	put_objects(test, NR_SMALL);
	KUNIT_EXPECT_GT(test, cached(), 0);
	for (i = 0; i <= GOMEM_EPOCH_LOOKS; i++)
		gomem_epoch_look();
	for (i = 0; i < PATIENCE && cached(); i++) {
		msleep(20);
		gomem_epoch_look();
	}
	KUNIT_EXPECT_EQ(test, 0, cached());
}

/* Slots that are used between two looks keep their objects. */
static void test_used(struct kunit *test)
{
	unsigned int i;

	get_objects(test, SMALL, NR_SMALL);
	put_objects(test, NR_SMALL);
	for (i = 0; i <= 2 * GOMEM_EPOCH_LOOKS; i++) {
		gomem_epoch_look();
		get_objects(test, SMALL, 1);
		put_objects(test, 1);
	}
	KUNIT_EXPECT_GT(test, cached(), 0);
}

/*
 * After a peak of the pages in use, the goal does not fall below that peak for
 * GOMEM_GOAL_LOOKS looks. Then it falls.
 */
static void test_goal(struct kunit *test)
{
	const unsigned long pages = NR_LARGE * LARGE >> GOMEM_PAGE_SHIFT;
	struct fixture *f = test->priv;
	struct gomem_heap *h;
	unsigned int i;

	get_objects(test, LARGE, NR_LARGE);
	h = gomem_heap_of(f->objs[0]);
	for (i = 1; i < NR_LARGE; i++)
		KUNIT_ASSERT_PTR_EQ(test, h, gomem_heap_of(f->objs[i]));
	gomem_epoch_look();
	KUNIT_EXPECT_GE(test, h->goal_pages, pages);
	put_objects(test, NR_LARGE);
	for (i = 0; i < GOMEM_GOAL_LOOKS; i++) {
		KUNIT_EXPECT_GE(test, h->goal_pages, pages);
		gomem_epoch_look();
	}
	gomem_epoch_look();
	KUNIT_EXPECT_LT(test, h->goal_pages, pages);
}

/*
 * Wait until the goal of the heap has not been set for QUIET_MS. Return false
 * if the goal was set in each of PATIENCE periods of QUIET_MS.
 */
static bool becomes_quiet(struct gomem_heap *h)
{
	unsigned int i, looks;

	for (i = 0; i < PATIENCE; i++) {
		looks = READ_ONCE(h->looks);
		msleep(QUIET_MS);
		if (looks == READ_ONCE(h->looks))
			return true;
	}
	return false;
}

/*
 * Wait until the scavenger, which works and sleeps in turn, has left at most
 * half of @pages in the heap. Return false if more are left after PATIENCE
 * times QUIET_MS.
 */
static bool gives_back(struct gomem_heap *h, unsigned long pages)
{
	unsigned int i;

	for (i = 0;
	     i < PATIENCE && READ_ONCE(h->pages.backed_pages) > pages / 2; i++)
		msleep(QUIET_MS);
	return i < PATIENCE;
}

/*
 * When many pages become free, goals are set at short intervals, not only in
 * each look. Free many pages in each of three rounds. Expect at least
 * GOMEM_GOAL_LOOKS new goals in each round: after so many goals the heap has
 * forgotten its old peaks.
 */
static void test_goal_clock(struct kunit *test)
{
	unsigned int ms = gomem_epoch_ms, round, looks;
	struct fixture *f = test->priv;
	struct gomem_heap *h;

	gomem_epoch_ms = SHORT_MS;
	/*
	 * Cancel works that were queued before gomem_epoch_ms changed: their
	 * delay is that of the former epoch.
	 */
	gomem_epoch_settle();
	for (round = 0; round < 3; round++) {
		get_objects(test, LARGE, NR_LARGE);
		h = gomem_heap_of(f->objs[0]);
		KUNIT_EXPECT_TRUE(test, becomes_quiet(h));
		looks = h->looks;
		put_objects(test, NR_LARGE);
		KUNIT_EXPECT_TRUE(test, becomes_quiet(h));
		KUNIT_EXPECT_GT(test, h->looks - looks, GOMEM_GOAL_LOOKS - 1);
		KUNIT_EXPECT_TRUE(test,
				  gives_back(h, NR_LARGE * LARGE >>
							GOMEM_PAGE_SHIFT));
	}
	gomem_epoch_ms = ms;
}

static void look_once(struct work_struct *work)
{
	gomem_epoch_look();
}

/* A look after gomem_epoch_pause() waits for gomem_epoch_resume(). */
static void test_pause(struct kunit *test)
{
	struct work_struct work;
	u64 looks;

	INIT_WORK_ONSTACK(&work, look_once);
	gomem_epoch_pause();
	looks = gomem_looks();
	queue_work(gomem_unbound_wq, &work);
	msleep(QUIET_MS);
	KUNIT_EXPECT_EQ(test, looks, gomem_looks());
	gomem_epoch_resume();
	flush_work(&work);
	KUNIT_EXPECT_EQ(test, looks + 1, gomem_looks());
	destroy_work_on_stack(&work);
}

/*
 * gomem_epoch_rests() returns true when the page counts of all heaps have not
 * changed for an epoch.
 */
static void test_rest(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < PATIENCE && !gomem_epoch_rests(); i++) {
		gomem_epoch_look();
		msleep(20);
	}
	KUNIT_EXPECT_TRUE(test, gomem_epoch_rests());
	get_objects(test, LARGE, 1);
	for (i = 0; i < GOMEM_EPOCH_LOOKS; i++) {
		gomem_epoch_look();
		KUNIT_EXPECT_FALSE(test, gomem_epoch_rests());
	}
	put_objects(test, 1);
}

static struct kunit_case epoch_cases[] = {
	KUNIT_CASE(test_count),
	KUNIT_CASE(test_idle),
	KUNIT_CASE(test_used),
	KUNIT_CASE(test_goal),
	KUNIT_CASE(test_goal_clock),
	KUNIT_CASE(test_pause),
	KUNIT_CASE(test_rest),
	{}
};

static struct kunit_suite epoch_suite = {
	.name = "gomem_epoch",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = epoch_cases,
};

kunit_test_suite(epoch_suite);
