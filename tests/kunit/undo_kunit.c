// SPDX-License-Identifier: GPL-2.0
/*
 * undo_kunit.c - what a call fetched that failed half-way goes back before it returns.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>

#include "balance.h"
#include "node.h"
#include "scavenge.h"
#include "span_set.h"
#include "undo.h"

/* What the module's page source has for a call, in bytes. */
#define SOME		SZ_16M

struct fixture {
	struct fake_heap fh;
	struct span_set set;
	struct balance balance;
};

/* A heap with @live pages in use, and @freed that were until just now. */
static struct gomem_heap *make_heap(struct kunit *test, unsigned int live, unsigned int freed)
{
	struct fixture *f = test->priv;
	struct gomem_span *s[2];
	struct gomem_heap *h;

	KUNIT_ASSERT_EQ(test, 0, fake_heap_init(&f->fh, 8, f->set.seed));
	h = f->fh.heap;
	h->give_min = GOMEM_GIVE_MIN;
	span_set_get(test, &f->set, h, live);
	s[0] = span_set_get(test, &f->set, h, freed / 2);
	s[1] = span_set_get(test, &f->set, h, freed / 2);
	/* What is fetched in larger blocks than asked for. */
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	KUNIT_ASSERT_EQ(test, live + freed, h->pages.backed_pages);
	span_set_put(test, &f->set, s[0]);
	span_set_put(test, &f->set, s[1]);
	return h;
}

/* All but what may be free for a moment, whether it waited for its grace period or not. */
static void test_undo(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 300, 900);
	u64 waits = h->stats.grace_waits;

	KUNIT_EXPECT_EQ(test, 900 - GOMEM_GIVE_MIN, gomem_heap_undo(h, 900, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 300 + GOMEM_GIVE_MIN, h->pages.backed_pages);
	KUNIT_EXPECT_EQ(test, 300 + GOMEM_GIVE_MIN, f->fh.source.nr_out);
	KUNIT_EXPECT_GE(test, waits + 1, h->stats.grace_waits);
	KUNIT_EXPECT_EQ(test, 0, h->owed_pages);
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_undo(h, 900, GFP_KERNEL));
	span_set_expect(test, &f->set, h);
}

/* Whatever grace periods are under way: one more is not enough for some. */
static void test_overlap(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 300, 900);
	struct gomem_span *s[2];
	unsigned int round, i;

	for (round = 0; round < 50; round++) {
		gomem_heap_undo(h, ULONG_MAX, GFP_KERNEL);
		KUNIT_ASSERT_EQ(test, 300 + GOMEM_GIVE_MIN, h->pages.backed_pages);
		for (i = 0; i < 2; i++)
			s[i] = span_set_get(test, &f->set, h, 450);
		start_poll_synchronize_rcu();
		if (round % 2)
			schedule_timeout_uninterruptible(1);
		for (i = 0; i < 2; i++)
			span_set_put(test, &f->set, s[i]);
		start_poll_synchronize_rcu();
	}
}

/* The heap may have more to spare, which is not the call's. */
static void test_had_less(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 300, 900);

	KUNIT_EXPECT_EQ(test, 200, gomem_heap_undo(h, 200, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 1000, h->pages.backed_pages);
	span_set_expect(test, &f->set, h);
}

/* A sixteenth of what is in use may stay. */
static void test_much_in_use(struct kunit *test)
{
	struct gomem_heap *h = make_heap(test, 500, 900);

	h->give_min = 0;
	gomem_heap_undo(h, 900, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, 500 + 500 / GOMEM_GIVE_SHARE, h->pages.backed_pages);
}

static void expect_no_wait(struct kunit *test, gfp_t gfp, bool reclaims)
{
	struct fixture *f = test->priv;
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
	/* As the work does it, which is for the module's heaps alone. */
	gomem_heap_pay(h);
	KUNIT_EXPECT_EQ(test, 300 + GOMEM_GIVE_MIN, h->pages.backed_pages);
	KUNIT_EXPECT_EQ(test, 0, h->owed_pages);
	span_set_expect(test, &f->set, h);
}

/* Who must not sleep, who reclaims, and those whom reclaim may wait for leave it to a work. */
static const struct gfp_case {
	const char *name;
	gfp_t gfp;
	bool reclaims;
} gfp_cases[] = {
	{ "GFP_NOWAIT",	GFP_NOWAIT,	false },
	{ "GFP_ATOMIC",	GFP_ATOMIC,	false },
	{ "GFP_NOIO",	GFP_NOIO,	false },
	{ "GFP_NOFS",	GFP_NOFS,	false },
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

/* Fails half-way: for twice what the source has. */
static bool bulk_fails(struct kunit *test, struct gomem_cache *c, size_t size)
{
	unsigned int n = 2 * SOME / size;
	void **objs = kvcalloc(n, sizeof(*objs), GFP_KERNEL);
	unsigned long before, used;
	bool failed;

	KUNIT_ASSERT_NOT_NULL(test, objs);
	some_pages_begin(SOME >> GOMEM_PAGE_SHIFT);
	before = held_pages();
	if (c)
		failed = !gomem_cache_alloc_bulk(c, GFP_KERNEL, n, objs);
	else
		failed = !gomem_alloc_bulk(size, GFP_KERNEL, n, objs);
	used = held_pages() - min(before, held_pages());
	some_pages_end();
	kvfree(objs);
	/* What may stay of each node for a moment, and what slots and this CPU hold. */
	KUNIT_EXPECT_LE(test, used, 2 * nr_heaps() * GOMEM_GIVE_MIN + before / GOMEM_GIVE_SHARE);
	return failed;
}

static void test_bulk(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, bulk_fails(test, NULL, *(const size_t *)test->param_value));
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
	struct fixture *f = kvzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	span_set_init(&f->set, get_random_u32());
	balance_save(&f->balance);
	test->priv = f;
	return 0;
}

static void undo_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	span_set_put_all(test, &f->set);
	balance_expect(test, &f->balance);
	fake_heap_exit(test, &f->fh);
	kvfree(f);
}

static struct kunit_case undo_cases[] = {
	KUNIT_CASE(test_undo),
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
