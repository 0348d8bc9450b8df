// SPDX-License-Identifier: GPL-2.0
/*
 * goal_kunit.c - how many free pages a heap keeps: its goal, and the memory
 * limit.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "context.h"
#include "fixture.h"
#include "layout.h"
#include "workers.h"
#include "heap/desc.h"
#include "heap/goal.h"
#include "heap/scavenge.h"

/* Epochs */

static const struct epoch_case {
	const char *name;
	unsigned int peak;
	unsigned int percent;
	unsigned int goal;
} epoch_cases[] = {
	{ "a tenth more",		100,	10,	110 },
	{ "rounded up",			101,	10,	112 },
	{ "a little rounded up",	1,	1,	2 },
	{ "nothing more",		99,	0,	99 },
	{ "ten times as much more",	33,	1000,	363 },
};

KUNIT_ARRAY_PARAM_DESC(epoch, epoch_cases, name);

/*
 * Set the goal GOMEM_GOAL_LOOKS times. Return the last one. Each time, the heap
 * notes its peak since the time before. It remembers GOMEM_GOAL_LOOKS peaks, so
 * the last goal depends only on the peaks that are noted here.
 */
static unsigned long end_epoch(struct gomem_heap *h, unsigned int percent)
{
	unsigned long goal = 0;
	unsigned int i;

	for (i = 0; i < GOMEM_GOAL_LOOKS; i++)
		goal = gomem_heap_set_goal(h, percent);
	return goal;
}

/*
 * The goal is the maximum number of pages in use during the last
 * GOMEM_GOAL_LOOKS looks, plus c->percent of that, rounded up. After each look,
 * the peak begins anew with the number of pages that are in use.
 */
static void test_epoch(struct kunit *test)
{
	const struct epoch_case *c = test->param_value;
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 4);
	struct gomem_span *kept;

	KUNIT_EXPECT_EQ(test, 0, end_epoch(h, c->percent));
	layout_fill(test);
	end_epoch(h, c->percent);
	KUNIT_EXPECT_EQ(test, 0, end_epoch(h, c->percent));

	kept = span_set_get(test, &f->set, h, 1);
	if (c->peak > 1)
		span_set_put(test, &f->set,
			     span_set_get(test, &f->set, h, c->peak - 1));
	KUNIT_EXPECT_EQ(test, c->goal, end_epoch(h, c->percent));
	KUNIT_EXPECT_EQ(test, c->goal, h->goal_pages);
	KUNIT_EXPECT_EQ(test, 1, h->peak_pages);
	KUNIT_EXPECT_EQ(test, 1 + DIV_ROUND_UP(c->percent, 100),
			end_epoch(h, c->percent));
	span_set_put(test, &f->set, kept);
	KUNIT_EXPECT_EQ(test, 1 + DIV_ROUND_UP(c->percent, 100),
			end_epoch(h, c->percent));
	KUNIT_EXPECT_EQ(test, 0, end_epoch(h, c->percent));
}

/*
 * A span for which the heap grew raises the goal, even if the span was freed at
 * once.
 */
static void test_epoch_growth(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 4);

	span_set_put(test, &f->set, span_set_get(test, &f->set, h, 200));
	KUNIT_EXPECT_EQ(test, 200, end_epoch(h, 0));
	KUNIT_EXPECT_EQ(test, 0, end_epoch(h, 0));
}

/*
 * A heap has many free pages if these are more than 128 KiB, and more than
 * scavenge_percent of the pages in use.
 */
static void test_many_free(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 4);

	KUNIT_EXPECT_FALSE(test, gomem_heap_has_many_free(h));
	layout_fill_pages(test, 2);
	span_set_get(test, &f->set, h, CHUNK);
	span_set_get(test, &f->set, h, CHUNK);
	KUNIT_EXPECT_FALSE(test, gomem_heap_has_many_free(h));
	layout_free_run(test, 0, 17);
	KUNIT_EXPECT_FALSE(test, gomem_heap_has_many_free(h));
	/*
	 * The default of scavenge_percent is 3. When 60 pages are free, 3 % of
	 * the 2048 - 60 pages in use are 60 pages, too, rounded up.
	 */
	layout_free_run(test, 17, 43);
	KUNIT_EXPECT_FALSE(test, gomem_heap_has_many_free(h));
	layout_free_run(test, 60, 1);
	KUNIT_EXPECT_TRUE(test, gomem_heap_has_many_free(h));
	span_set_put_all(test, &f->set);
	KUNIT_EXPECT_TRUE(test, gomem_heap_has_many_free(h));
	gomem_heap_scavenge(h, 4 * CHUNK - 16, GOMEM_SCAVENGE_FORCED);
	KUNIT_EXPECT_FALSE(test, gomem_heap_has_many_free(h));
}

/*
 * Before a heap with many free pages grows for a request of h->trade_min pages
 * or more that may sleep, the heap gives as many free pages back to the kernel
 * as the request wants. Pages that are in a grace period stay.
 */
static void test_trade(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 4);
	u64 *released = &h->stats.released[GOMEM_SCAVENGE_GROWTH];
	struct gomem_span *s[CHUNK / 32];
	unsigned int i;

	layout_fill(test);
	gomem_heap_scavenge(h, 2 * CHUNK, GOMEM_SCAVENGE_FORCED);
	span_set_get(test, &f->set, h, CHUNK);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = span_set_get(test, &f->set, h, 32);
	KUNIT_ASSERT_EQ(test, 2 * CHUNK, h->pages.backed_pages);
	for (i = 0; i < 6; i += 2)
		span_set_put(test, &f->set, s[i]);
	synchronize_rcu();

	h->trade_min = 40;
	span_set_get(test, &f->set, h, 39);
	KUNIT_EXPECT_EQ(test, 0, *released);
	span_set_get(test, &f->set, h, 40);
	KUNIT_EXPECT_EQ(test, 40, *released);
	/* Pages that still wait for a grace period do not go back. */
	gomem_heap_scavenge(h, CHUNK, GOMEM_SCAVENGE_FORCED);
	rcu_read_lock();
	span_set_put(test, &f->set, s[7]);
	span_set_put(test, &f->set, s[9]);
	span_set_put(test, &f->set, s[11]);
	KUNIT_EXPECT_EQ(test, 0,
			gomem_heap_scavenge(h, CHUNK, GOMEM_SCAVENGE_GROWTH));
	rcu_read_unlock();
	layout_expect(test);
	span_set_put_all(test, &f->set);
}

/*
 * Skip the case without CONFIG_PREEMPT_COUNT. A free then cannot know whether
 * it may be preempted, so it gives back as few pages as with preemption off.
 */
static void need_preempt_count(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT))
		kunit_skip(test, "needs CONFIG_PREEMPT_COUNT");
}

/*
 * A call of gomem_heap_give_back() gives back max(32, pages just freed) pages,
 * but never so many that fewer than h->give_min pages stay free.
 */
static void test_give_back(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 4);
	u64 *released = &h->stats.released[GOMEM_SCAVENGE_FREE], before;
	struct gomem_span *s;
	unsigned int i;

	need_preempt_count(test);
	layout_fill(test);
	s = span_set_get(test, &f->set, h, 16);
	synchronize_rcu();
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_surplus(h));
	h->give_min = 64;
	span_set_put(test, &f->set, s);
	/*
	 * Count from here: freeing the span may have given pages back already,
	 * unless epoch_ms or scavenge_percent makes gomem_heap_urgent() 0.
	 */
	before = *released;
	gomem_heap_give_back(h, 16);
	KUNIT_EXPECT_EQ(test, 32, *released - before);
	/* With preemption off, each call gives back at most 8 pages. */
	preempt_disable();
	gomem_heap_give_back(h, 16);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, 32 + 8, *released - before);
	for (i = 0; i < 100; i++)
		gomem_heap_give_back(h, 40);
	KUNIT_EXPECT_EQ(test, 4 * CHUNK - 64, *released);
	KUNIT_EXPECT_EQ(test, 64, h->pages.free_pages);
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_surplus(h));
	layout_expect(test);
}

/*
 * Frees leave a 16th as many pages free as are in use, or fewer if transfer
 * caches have room: then a 64th or more, and h->give_min or more. The surplus
 * is the number of free pages beyond these.
 */
static void test_surplus(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 4);

	layout_fill(test);
	span_set_get(test, &f->set, h, CHUNK);
	span_set_get(test, &f->set, h, CHUNK);
	h->give_min = 1;
	KUNIT_EXPECT_EQ(test, 2 * CHUNK - 2 * CHUNK / 16,
			gomem_heap_surplus(h));
	atomic_long_set(&h->transfer_bytes, 10 << GOMEM_PAGE_SHIFT);
	KUNIT_EXPECT_EQ(test, 2 * CHUNK - 2 * CHUNK / 16 + 10,
			gomem_heap_surplus(h));
	atomic_long_set(&h->transfer_bytes, SZ_1G);
	KUNIT_EXPECT_EQ(test, 2 * CHUNK - 2 * CHUNK / 64,
			gomem_heap_surplus(h));
	h->give_min = 20;
	KUNIT_EXPECT_EQ(test, 2 * CHUNK - 20, gomem_heap_surplus(h));
	atomic_long_set(&h->transfer_bytes, 0);
	layout_expect(test);
	span_set_put_all(test, &f->set);
}

/*
 * Make a heap with two spans, of @n[0] and @n[1] pages, and with no free pages.
 * Set @s to the spans. When the case has freed them, gomem_heap_give_back()
 * gives pages back until no more than 64 are free.
 */
static struct gomem_heap *make_spans(struct kunit *test, struct gomem_span **s,
				     const unsigned int n[2])
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 4);

	s[0] = span_set_get(test, &f->set, h, n[0]);
	s[1] = span_set_get(test, &f->set, h, n[1]);
	gomem_heap_scavenge(h, 4 * CHUNK, GOMEM_SCAVENGE_FORCED);
	synchronize_rcu();
	h->give_min = 64;
	return h;
}

/*
 * Free a span. Then give pages back. The free itself does so only if epoch_ms
 * is at most its default, and the suites usually run with an epoch of a day.
 */
static void put_and_give(struct kunit *test, struct gomem_span *s)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = s->heap;
	unsigned int n = s->npages;

	span_set_put(test, &f->set, s);
	gomem_heap_give_back(h, n);
}

/* Wait until a grace period is over, without starting one. */
static void await_grace(const unsigned long *gp)
{
	while (!poll_state_synchronize_rcu(READ_ONCE(*gp)))
		msleep(20);
}

/*
 * Pages go back only when their grace period is over. gomem_heap_give_back()
 * starts that grace period.
 */
static void test_give_back_later(struct kunit *test)
{
	static const unsigned int npages[] = { 500, 16 };
	struct heap_fixture *f = test->priv;
	struct gomem_span *s[2];
	struct gomem_heap *h;
	u64 *released;

	need_preempt_count(test);
	h = make_spans(test, s, npages);
	released = &h->stats.released[GOMEM_SCAVENGE_FREE];
	rcu_read_lock();
	put_and_give(test, s[0]);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, 0, *released);
	KUNIT_EXPECT_EQ(test, 436, gomem_heap_surplus(h));
	KUNIT_EXPECT_FALSE(test, h->give_hurry);
	/*
	 * await_grace() itself starts no grace period. But put_and_give() has
	 * started the grace period h->give_gp, so the wait ends.
	 */
	await_grace(&h->give_gp);
	gomem_heap_give_back(h, 500);
	KUNIT_EXPECT_EQ(test, 436, *released);
	layout_expect(test);
	span_set_put_all(test, &f->set);
}

/*
 * After a free has started a grace period, frees give no pages back until that
 * grace period (h->give_gp) ends. A later free leaves h->give_gp as it is, even
 * if that free starts an expedited grace period.
 */
static void test_give_back_again(struct kunit *test)
{
	static const unsigned int npages[] = { 200, 500 };
	unsigned long over = get_state_synchronize_rcu(), gp[3];
	struct gomem_span *s[2];
	struct gomem_heap *h = make_spans(test, s, npages);
	bool began, hurry;

	read_before_grace(test);
	put_and_give(test, s[0]);
	gp[0] = h->give_gp;
	began = grace_begins(gp[0]);
	/*
	 * Imitate a race: has_waited() sees the grace period of "over" end, but
	 * another CPU has started that of gp[0] already. No more may start.
	 */
	h->give_gp = over;
	gomem_heap_give_back(h, 200);
	gp[1] = h->give_gp;
	put_and_give(test, s[1]);
	gp[2] = h->give_gp;
	hurry = h->give_hurry;
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, gp[0], gp[1]);
	KUNIT_EXPECT_EQ(test, gp[0], gp[2]);
	KUNIT_EXPECT_TRUE(test, hurry);
	await_grace(&h->give_next);
	gomem_heap_give_back(h, 700);
	gomem_heap_give_back(h, 700);
	KUNIT_EXPECT_EQ(test, 700 - 64, h->stats.released[GOMEM_SCAVENGE_FREE]);
	layout_expect(test);
	if (!began)
		kunit_skip(test, "no grace period begins during another one");
}

/*
 * If the surplus is 4 MiB or more, the heap starts an expedited grace period.
 * If the surplus is less later, the next grace period is a normal one.
 */
static void test_give_back_hurry(struct kunit *test)
{
	static const unsigned int npages[] = { 500, 500 };
	struct heap_fixture *f = test->priv;
	struct gomem_span *s[2];
	struct gomem_heap *h;
	bool before, after;

	need_preempt_count(test);
	h = make_spans(test, s, npages);
	rcu_read_lock();
	put_and_give(test, s[0]);
	before = h->give_hurry;
	put_and_give(test, s[1]);
	after = h->give_hurry;
	rcu_read_unlock();
	KUNIT_EXPECT_FALSE(test, before);
	KUNIT_EXPECT_TRUE(test, after);
	await_grace(&h->give_next);
	gomem_heap_give_back(h, 500);
	gomem_heap_give_back(h, 500);
	KUNIT_EXPECT_EQ(test, 1000 - 64,
			h->stats.released[GOMEM_SCAVENGE_FREE]);
	s[0] = span_set_get(test, &f->set, h, 200);
	gomem_heap_scavenge(h, 4 * CHUNK, GOMEM_SCAVENGE_FORCED);
	rcu_read_lock();
	put_and_give(test, s[0]);
	rcu_read_unlock();
	KUNIT_EXPECT_FALSE(test, h->give_hurry);
	layout_expect(test);
}

/*
 * A run that stays in a page cache from one call of gomem_heap_drain_runs() to
 * the next returns to the heap. A run that was taken and put back in between
 * stays in the page cache.
 */
static void test_runs(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 4);
	unsigned int i;

	move_to(test, cpumask_first(cpu_online_mask));
	h->pcache_max = GOMEM_PCACHE_PAGES;
	for (i = 0; i < 3; i++) {
		span_set_put(test, &f->set, span_set_get(test, &f->set, h, 32));
		KUNIT_EXPECT_EQ(test, 32, atomic_long_read(&h->run_pages));
		gomem_heap_drain_runs(h);
	}
	KUNIT_EXPECT_EQ(test, 32, atomic_long_read(&h->run_pages));
	gomem_heap_drain_runs(h);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&h->run_pages));
	layout_expect(test);
}

/* The memory limit */

static void set_limit(struct heap_fixture *f, unsigned long more_pages)
{
	struct gomem_pagesource *src = &fake_source_of(f)->src;

	src->limit = gomem_source_bytes(src) + more_pages * GOMEM_PAGE_SIZE;
}

/*
 * Make a heap with one full chunk, and a second one in which every other page
 * is free.
 */
static struct gomem_heap *make_sparse_heap(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 4);
	unsigned int i;

	for (i = 0; i < 2; i++)
		span_set_get(test, &f->set, h, CHUNK);
	span_set_put(test, &f->set, f->set.span[1]);
	for (i = 0; i < CHUNK; i++)
		span_set_get(test, &f->set, h, 1);
	for (i = 0; i < CHUNK; i += 2)
		layout_free_run(test, CHUNK + i, 1);
	KUNIT_ASSERT_EQ(test, CHUNK / 2, h->pages.free_pages);
	return h;
}

/*
 * A heap that grows asks for a block that is larger than the span: here for a
 * block of 32 pages, for a span of 3 pages. If that block would exceed the
 * limit, the heap asks for the smallest block that the span fits into: here for
 * a block of 4 pages.
 */
static void test_limit_order(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_sparse_heap(test);

	set_limit(f, 31);
	span_set_get(test, &f->set, h, 3);
	KUNIT_EXPECT_EQ(test, 2, fake_source_of(f)->last.order);
	KUNIT_EXPECT_EQ(test, 0, h->stats.released[GOMEM_SCAVENGE_LIMIT]);
	KUNIT_EXPECT_EQ(test, 0, h->stats.limit_exceeded);
	set_limit(f, 32);
	span_set_get(test, &f->set, h, 3);
	KUNIT_EXPECT_EQ(test, 5, fake_source_of(f)->last.order);
	KUNIT_EXPECT_EQ(test, 0, h->stats.limit_exceeded);
	layout_expect(test);
	span_set_put_all(test, &f->set);
}

static const struct limit_case {
	const char *name;
	gfp_t gfp;
	int room;		/* pages below the limit; -1: no limit */
	unsigned int released;
	unsigned int exceeded;
	unsigned int order;
} limit_cases[] = {
	{ "off",			GFP_KERNEL,	-1,	0,	0,	5 },
	{ "off, may not sleep",		GFP_ATOMIC,	-1,	0,	0,	5 },
	{ "reached",			GFP_KERNEL,	0,	4,	0,	2 },
	{ "nearly reached",		GFP_KERNEL,	1,	3,	0,	2 },
	{ "just not reached",		GFP_KERNEL,	4,	0,	0,	2 },
	{ "reached, NOFS",		GFP_NOFS,	0,	4,	0,	2 },
	{ "reached, may not sleep",	GFP_ATOMIC,	0,	0,	1,	2 },
	{ "near, may not sleep",	GFP_NOWAIT,	4,	0,	0,	2 },
};

KUNIT_ARRAY_PARAM_DESC(limit, limit_cases, name);

/*
 * A request needs four pages in a row, but only single pages are free. So the
 * heap must grow. Without a memory limit it fetches a block of 32 pages. In the
 * cases with a limit such a block would exceed the limit, so the heap fetches
 * only four pages. If these would exceed the limit, too, and the request may
 * sleep, the heap first gives back as many free pages as are in excess.
 */
static void test_limit(struct kunit *test)
{
	struct gomem_span_request req = fake_large_request(4);
	const struct limit_case *c = test->param_value;
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_sparse_heap(test);
	u64 grows = h->stats.grows;

	/*
	 * Refill the descriptors of chunks now, so that growth takes no memory
	 * but the four pages of the request.
	 */
	KUNIT_ASSERT_TRUE(test, gomem_heap_refill_descs(h, &h->chunkalloc,
							GFP_KERNEL));
	if (c->room >= 0)
		set_limit(f, c->room);
	synchronize_rcu();
	req.gfp = c->gfp;
	KUNIT_ASSERT_NOT_NULL(test, span_set_try(test, &f->set, h, &req));
	KUNIT_EXPECT_EQ(test, grows + 1, h->stats.grows);
	KUNIT_EXPECT_EQ(test, c->order, fake_source_of(f)->last.order);
	KUNIT_EXPECT_EQ(test, c->released,
			h->stats.released[GOMEM_SCAVENGE_LIMIT]);
	KUNIT_EXPECT_EQ(test, c->exceeded, h->stats.limit_exceeded);
	if (c->room >= 0 && !c->exceeded)
		KUNIT_EXPECT_EQ(test, 0, gomem_source_excess(h->source, 0));
	layout_expect(test);
	span_set_put_all(test, &f->set);
}

/*
 * The memory limit fails no allocation: a heap without free pages grows beyond
 * the limit, and counts each time that it does.
 */
static void test_limit_soft(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 4);
	unsigned int i;

	fake_source_of(f)->src.limit = 1;
	for (i = 1; i <= 20; i++) {
		span_set_get(test, &f->set, h, 8);
		KUNIT_EXPECT_EQ(test, i, h->stats.limit_exceeded);
		KUNIT_EXPECT_EQ(test, 3, fake_source_of(f)->last.order);
		KUNIT_EXPECT_EQ(test, i * 8, h->pages.backed_pages);
	}
	/* A request that free pages can serve does not grow the heap. */
	span_set_put(test, &f->set, f->set.span[3]);
	span_set_get(test, &f->set, h, 8);
	KUNIT_EXPECT_EQ(test, 20, h->stats.limit_exceeded);
	layout_expect(test);
	span_set_put_all(test, &f->set);
}

/*
 * A heap that grows beyond the memory limit first gives free pages back. But it
 * gives none back if it would exceed the limit even without its free pages.
 */
static void test_limit_live(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_sparse_heap(test);
	struct gomem_pagesource *src = &fake_source_of(f)->src;
	u64 *released = &h->stats.released[GOMEM_SCAVENGE_LIMIT];

	synchronize_rcu();
	src->limit =
		gomem_source_bytes(src) - (CHUNK / 2 - 3) * GOMEM_PAGE_SIZE;
	span_set_get(test, &f->set, h, 4);
	KUNIT_EXPECT_EQ(test, 0, *released);
	KUNIT_EXPECT_EQ(test, 1, h->stats.limit_exceeded);
	src->limit =
		gomem_source_bytes(src) - (CHUNK / 2 - 4) * GOMEM_PAGE_SIZE;
	span_set_get(test, &f->set, h, 4);
	KUNIT_EXPECT_EQ(test, CHUNK / 2, *released);
	layout_expect(test);
	span_set_put_all(test, &f->set);
}

/*
 * After a heap gave pages back because of the memory limit, it pauses: it gives
 * none back for the limit before the time h->room_next.
 */
static void test_limit_pause(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_sparse_heap(test);
	u64 *released = &h->stats.released[GOMEM_SCAVENGE_LIMIT], before;

	synchronize_rcu();
	set_limit(f, 0);
	h->room_next = U64_MAX;
	span_set_get(test, &f->set, h, 4);
	KUNIT_EXPECT_EQ(test, 0, *released);
	set_limit(f, 0);
	h->room_next = 0;
	before = ktime_get_ns();
	span_set_get(test, &f->set, h, 4);
	KUNIT_EXPECT_EQ(test, 4, *released);
	KUNIT_EXPECT_GT(test, h->room_next, before);
	layout_expect(test);
	span_set_put_all(test, &f->set);
}

static void (*fast_free)(struct gomem_pagesource *src, unsigned long addr,
			 unsigned long npages);

static void slow_free(struct gomem_pagesource *src, unsigned long addr,
		      unsigned long npages)
{
	u64 end = ktime_get_ns() + 5 * NSEC_PER_MSEC;

	while (ktime_get_ns() < end)
		cpu_relax();
	fast_free(src, addr, npages);
}

/*
 * If giving pages back for the memory limit begins at the time b and takes the
 * time t, the heap gives none back for the limit between b + t and b + 8 * t:
 * see ROOM_PAUSE in heap/grow.c.
 */
static void test_limit_share(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_sparse_heap(test);
	u64 before;

	synchronize_rcu();
	set_limit(f, 3);
	fast_free = h->source->free;
	h->source->free = slow_free;
	before = ktime_get_ns();
	span_set_get(test, &f->set, h, 4);
	h->source->free = fast_free;
	KUNIT_EXPECT_EQ(test, 1, h->stats.released[GOMEM_SCAVENGE_LIMIT]);
	KUNIT_EXPECT_GE(test, h->room_next, before + 8 * 5 * NSEC_PER_MSEC);
	layout_expect(test);
	span_set_put_all(test, &f->set);
}

/*
 * If an RCU reader keeps pages from going back, the heap pauses for at least
 * one tick before it tries again to give pages back for the memory limit.
 */
static void test_limit_tick(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct rcu_reader r = { .ms = 20000 };
	struct gomem_heap *h;
	struct gomem_span *s[3];
	unsigned int i;
	u64 before;

	if (num_online_cpus() < 2)
		kunit_skip(test,
			   "a reader that does not end needs a CPU of its own");
	h = layout_make(test, 4);
	move_to(test, cpumask_first(cpu_online_mask));
	for (i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = span_set_get(test, &f->set, h, 60);
	gomem_heap_scavenge(h, CHUNK, GOMEM_SCAVENGE_FORCED);
	set_limit(f, 0);
	rcu_reader_start(test, &r);
	span_set_put(test, &f->set, s[0]);
	span_set_put(test, &f->set, s[2]);
	before = ktime_get_ns();
	span_set_get(test, &f->set, h, 61);
	rcu_reader_stop(&r);
	KUNIT_EXPECT_EQ(test, 0, h->stats.released[GOMEM_SCAVENGE_LIMIT]);
	KUNIT_EXPECT_EQ(test, 1, h->stats.limit_exceeded);
	KUNIT_EXPECT_GE(test, h->room_next, before + TICK_NSEC);
	layout_expect(test);
	span_set_put_all(test, &f->set);
}

/*
 * The background scavenger gives back the pages beyond the goal, or those
 * beyond 95 % of the memory limit, whichever are more. It hurries if more than
 * a 16th of the heap's pages are beyond the goal, but never because of the
 * limit: gomem_heap_excess() says why. The third number of that function,
 * gomem_heap_urgent(), is 0 in this heap.
 */
static void test_excess(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_pagesource *src = &fake_source_of(f)->src;
	struct gomem_heap *h = layout_make(test, 4);
	bool hurry = false;
	unsigned long bytes;

	layout_fill(test);
	bytes = gomem_source_bytes(src);
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_excess(h, &hurry));
	src->limit = bytes;
	KUNIT_EXPECT_EQ(test, (bytes / 20) >> GOMEM_PAGE_SHIFT,
			gomem_heap_excess(h, &hurry));
	src->limit = bytes / 2;
	KUNIT_EXPECT_GT(test, gomem_heap_excess(h, &hurry),
			h->pages.backed_pages / 2);
	KUNIT_EXPECT_FALSE(test, hurry);
	src->limit = bytes + bytes / 18;
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_excess(h, &hurry));
	h->goal_pages = h->pages.backed_pages - 50;
	KUNIT_EXPECT_EQ(test, 50, gomem_heap_excess(h, &hurry));
	KUNIT_EXPECT_FALSE(test, hurry);
	h->goal_pages = h->pages.backed_pages / 2;
	KUNIT_EXPECT_EQ(test, h->pages.backed_pages / 2,
			gomem_heap_excess(h, &hurry));
	KUNIT_EXPECT_TRUE(test, hurry);
}

static struct kunit_case goal_cases[] = {
	KUNIT_CASE_PARAM(test_epoch, epoch_gen_params),
	KUNIT_CASE(test_epoch_growth),
	KUNIT_CASE(test_many_free),
	KUNIT_CASE(test_trade),
	KUNIT_CASE(test_surplus),
	KUNIT_CASE(test_give_back),
	KUNIT_CASE(test_give_back_later),
	KUNIT_CASE(test_give_back_again),
	KUNIT_CASE(test_give_back_hurry),
	KUNIT_CASE(test_runs),
	KUNIT_CASE(test_limit_order),
	KUNIT_CASE_PARAM(test_limit, limit_gen_params),
	KUNIT_CASE(test_limit_soft),
	KUNIT_CASE(test_limit_live),
	KUNIT_CASE(test_limit_pause),
	KUNIT_CASE(test_limit_share),
	KUNIT_CASE(test_limit_tick),
	KUNIT_CASE(test_excess),
	{}
};

static struct kunit_suite goal_suite = {
	.name = "gomem_goal",
	.init = heap_fixture_init,
	.exit = heap_fixture_exit,
	.test_cases = goal_cases,
};

kunit_test_suite(goal_suite);
