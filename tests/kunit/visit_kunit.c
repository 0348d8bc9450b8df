// SPDX-License-Identifier: GPL-2.0
/*
 * visit_kunit.c - a task that stops while it visits a typed cache delays only
 * tasks that destroy this cache.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/preempt.h>

#include "api/cache.h"

#define SECONDS		(30 * HZ)

/*
 * A visitor completes @visiting when it visits @cache, waits for @go_on, and
 * completes @left when it has visited all caches. While it waits, another task
 * calls @act and completes @beside (in test_beside()), or destroys @cache, sets
 * @gone and completes @destroyed (in test_destroy()).
 */
struct held_up {
	struct gomem_cache *cache;
	struct completion visiting, go_on, left, beside, destroyed;
	bool (*act)(struct held_up *h);
	bool ok;
	bool gone;
	unsigned int visits;
};

static void visit(const struct gomem_kind *k, void *arg)
{
	struct held_up *h = arg;

	if (k->cache != h->cache)
		return;
	h->visits++;
	complete(&h->visiting);
	wait_for_completion(&h->go_on);
	/* The cache must still exist. */
	h->ok &= gomem_cache_size(k->cache) == 100 && !READ_ONCE(h->gone);
}

static int visitor_run(void *arg)
{
	struct held_up *h = arg;

	gomem_visit_typed_live(visit, h);
	kthread_complete_and_exit(&h->left, 0);
}

static bool create_and_destroy(struct held_up *h)
{
	struct gomem_cache *c = gomem_cache_create("kunit beside", 200, NULL);
	void *p;

	if (!c)
		return false;
	p = gomem_cache_alloc(c, GFP_KERNEL);
	gomem_cache_free(c, p);
	gomem_cache_destroy(c);
	return p;
}

static void count(const struct gomem_kind *k, void *arg)
{
	struct held_up *h = arg;

	h->visits += k->cache == h->cache;
}

/* A second visitor sees the cache, too, while the first one stops at it. */
static bool visit_too(struct held_up *h)
{
	unsigned int before = h->visits;

	gomem_visit_typed(count, h);
	gomem_visit_typed_live(count, h);
	return h->visits == before + 2;
}

static int beside_run(void *arg)
{
	struct held_up *h = arg;

	h->ok = h->act(h);
	kthread_complete_and_exit(&h->beside, 0);
}

static int destroyer_run(void *arg)
{
	struct held_up *h = arg;

	gomem_cache_destroy(h->cache);
	WRITE_ONCE(h->gone, true);
	kthread_complete_and_exit(&h->destroyed, 0);
}

static void start(struct kunit *test, int (*fn)(void *arg), struct held_up *h)
{
	struct task_struct *task = kthread_run(fn, h, "gomem_test");

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
}

static struct held_up *start_visitor(struct kunit *test)
{
	struct held_up *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	init_completion(&h->visiting);
	init_completion(&h->go_on);
	init_completion(&h->left);
	init_completion(&h->beside);
	init_completion(&h->destroyed);
	h->cache = gomem_cache_create("kunit", 100, NULL);
	KUNIT_ASSERT_NOT_NULL(test, h->cache);
	start(test, visitor_run, h);
	wait_for_completion(&h->visiting);
	return h;
}

static const struct beside_case {
	const char *name;
	bool (*act)(struct held_up *h);
} beside_cases[] = {
	{ "create and destroy another",	create_and_destroy },
	{ "visit, too",			visit_too },
};

KUNIT_ARRAY_PARAM_DESC(beside, beside_cases, name);

/*
 * A visitor delays neither tasks that create or destroy another cache, nor
 * other visitors.
 */
static void test_beside(struct kunit *test)
{
	const struct beside_case *c = test->param_value;
	struct held_up *h = start_visitor(test);
	bool in_time;

	h->act = c->act;
	start(test, beside_run, h);
	in_time = wait_for_completion_timeout(&h->beside, SECONDS);
	complete(&h->go_on);
	/*
	 * If the visitor has delayed the other task, wait for that task before
	 * the case fails.
	 */
	if (!in_time)
		wait_for_completion(&h->beside);
	wait_for_completion(&h->left);
	gomem_cache_destroy(h->cache);
	KUNIT_EXPECT_TRUE(test, in_time);
	KUNIT_EXPECT_TRUE(test, h->ok);
}

/*
 * A task that destroys the cache waits until the visitor has left the cache.
 * Meanwhile gomem_visit_typed_live() leaves the cache out.
 */
static void test_destroy(struct kunit *test)
{
	struct held_up *h = start_visitor(test);
	unsigned int visits = h->visits;

	h->ok = true;
	start(test, destroyer_run, h);
	msleep(100);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(h->gone));
	gomem_visit_typed_live(count, h);
	KUNIT_EXPECT_EQ(test, visits, h->visits);
	complete(&h->go_on);
	wait_for_completion(&h->left);
	wait_for_completion(&h->destroyed);
	KUNIT_EXPECT_TRUE(test, h->ok);
	gomem_visit_typed(count, h);
	KUNIT_EXPECT_EQ(test, visits, h->visits);
}

static void visit_in_visit(const struct gomem_kind *k, void *arg)
{
	struct held_up *h = arg;

	if (k->cache != h->cache)
		return;
	h->ok = IS_ENABLED(CONFIG_PREEMPT_RT) ||
		!IS_ENABLED(CONFIG_PREEMPT_COUNT) || !preemptible();
	gomem_visit_typed(count, h);
	gomem_visit_typed_live(count, h);
}

/*
 * gomem_visit_typed_at_once() is for visitors that are bound to a CPU. Such a
 * visitor is not preempted while it visits a cache, except on PREEMPT_RT. A
 * mark on the list of kinds holds the visitor's place. Other visitors skip the
 * mark. In this test, visit_in_visit() starts the other visitors: they call
 * count(), twice in all.
 */
static void test_at_once(struct kunit *test)
{
	struct held_up h = { };

	h.cache = gomem_cache_create("kunit", 100, NULL);
	KUNIT_ASSERT_NOT_NULL(test, h.cache);
	gomem_visit_typed_at_once(visit_in_visit, &h);
	KUNIT_EXPECT_TRUE(test, h.ok);
	KUNIT_EXPECT_EQ(test, 2, h.visits);
	gomem_visit_typed_at_once(count, &h);
	KUNIT_EXPECT_EQ(test, 3, h.visits);
	gomem_cache_destroy(h.cache);
	gomem_visit_typed_at_once(count, &h);
	KUNIT_EXPECT_EQ(test, 3, h.visits);
}

static struct kunit_case visit_cases[] = {
	KUNIT_CASE_PARAM(test_beside, beside_gen_params),
	KUNIT_CASE(test_destroy),
	KUNIT_CASE(test_at_once),
	{}
};

static struct kunit_suite visit_suite = {
	.name = "gomem_visit",
	.test_cases = visit_cases,
};

kunit_test_suite(visit_suite);
