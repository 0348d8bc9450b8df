// SPDX-License-Identifier: GPL-2.0
/*
 * profile_kunit.c - test which allocations the heap profile records, and that a
 * record disappears when its object is freed.
 *
 * Unless a case sets another rate, the profile records each object (rate 1). No
 * other task on the machine may call gomem meanwhile.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "context.h"
#include "fixture.h"
#include "slow.h"
#include "base/sample.h"
#include "map/special.h"
#include "cpu/arm.h"
#include "api/exact.h"
#include "api/profile.h"
#include "api/sites.h"

static void set_rate(unsigned long rate)
{
	gomem_sample_set_rate(rate);
	gomem_arm_all();
}

struct profile_fixture {
	struct fixture base;
	unsigned long rate;
};

static int profile_init(struct kunit *test)
{
	struct profile_fixture *f = fixture_alloc(test, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->rate = gomem_profile_rate;
	set_rate(1);
	return 0;
}

static void profile_exit(struct kunit *test)
{
	struct profile_fixture *f = test->priv;

	if (!f)
		return;
	fixture_exit(test);
	gomem_exact_set("");
	set_rate(f->rate);
}

/*
 * The number of recorded objects of one size: those that are live, and all that
 * were recorded so far.
 */
struct counts {
	u64 live;
	u64 all;
};

static struct counts count(struct kunit *test, u32 size)
{
	struct counts c = { };
	struct gomem_profile_row *rows;
	unsigned int i, n;

	rows = gomem_profile_snapshot(&n, false);
	KUNIT_ASSERT_NOT_NULL(test, rows);
	for (i = 0; i < n; i++) {
		if (rows[i].b->size != size)
			continue;
		c.live += (rows[i].allocs - rows[i].frees) >> 8;
		c.all += rows[i].allocs >> 8;
	}
	kvfree(rows);
	return c;
}

static void expect_live(struct kunit *test, u64 n, u32 size)
{
	KUNIT_EXPECT_EQ(test, n, count(test, size).live);
}

static bool has_record(const void *p)
{
	struct gomem_special sp;
	bool has;

	rcu_read_lock();
	has = gomem_special_find((unsigned long)p, &sp);
	rcu_read_unlock();
	return has;
}

/* Compare gomem_sample_chance() with a table of 1 - exp(-size / rate). */
static void test_chance(struct kunit *test)
{
	static const struct {
		u64 size;
		unsigned long rate;
		u64 per_million;
	} cases[] = {
		{ 64, 524288, 122 }, { 1024, 524288, 1951 },
		{ 8192, 524288, 15504 }, { 262144, 524288, 393469 },
		{ 524288, 524288, 632121 }, { 1048576, 524288, 864665 },
		{ 4194304, 524288, 999665 }, { 8, 1, 1000000 },
		{ 100, 100, 632121 }, { 1, 1000000, 1 },
	};
	unsigned int i;
	u64 got;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		got = (gomem_sample_chance(cases[i].size, cases[i].rate) >>
		       20) * 1000000 >>
		      40;
		/* Allow an error of 1 %, plus 1 in a million. */
		KUNIT_EXPECT_GE_MSG(test, got + got / 100 + 1,
				    cases[i].per_million, "%llu of %lu",
				    cases[i].size, cases[i].rate);
		KUNIT_EXPECT_LE_MSG(test, got,
				    cases[i].per_million + got / 100 + 1,
				    "%llu of %lu", cases[i].size,
				    cases[i].rate);
	}
}

/*
 * Check the mean of the distances to the next sample, and the share of
 * distances that are 0.
 */
static void test_draw(struct kunit *test)
{
	const unsigned int n = 40000;
	u64 sum = 0, at_once = 0;
	unsigned int i;
	s32 left;
	u8 thin;

	gomem_sample_set_rate(64 * 100);
	for (i = 0; i < n; i++) {
		left = gomem_sample_objects(64, &thin);
		KUNIT_ASSERT_GE(test, left, 0);
		sum += left;
		at_once += !left;
	}
	/*
	 * The expected distance is 1 / (e^0.01 - 1) = 99.5 objects. The mean of
	 * 40000 distances has a standard deviation of 0.5.
	 */
	KUNIT_EXPECT_GE(test, sum, 97ULL * n);
	KUNIT_EXPECT_LE(test, sum, 102ULL * n);
	/*
	 * A distance is 0 with a chance of 1 - e^-0.01 = 0.995 %. So 398 of
	 * 40000 are expected, with a standard deviation of 20.
	 */
	KUNIT_EXPECT_GE(test, at_once, 300);
	KUNIT_EXPECT_LE(test, at_once, 500);
	gomem_sample_set_rate(1);
	KUNIT_EXPECT_EQ(test, 0, gomem_sample_objects(8, &thin));
	gomem_sample_set_rate(0);
	KUNIT_EXPECT_EQ(test, GOMEM_SAMPLE_NEVER,
			gomem_sample_objects(8, &thin));
}

/*
 * If samples are thinned (see base/sample.h), each record also stands for the
 * records that thinning left out.
 */
static void test_weight(struct kunit *test)
{
	gomem_sample_set_rate(SZ_512K);
	KUNIT_EXPECT_EQ(test, 1 << 8, gomem_sample_weight(64, 0));
	/*
	 * A record of a small object stands for 2^thin records. thin is the
	 * second argument, here 4. Allow 2 %.
	 */
	KUNIT_EXPECT_GE(test, gomem_sample_weight(64, 4), (16 << 8) * 98 / 100);
	KUNIT_EXPECT_LE(test, gomem_sample_weight(64, 4),
			(16 << 8) * 102 / 100);
	/*
	 * At this rate, an object of 512 KiB is recorded with a chance of
	 * 1 - e^-1. If samples are thinned to a quarter, the chance is
	 * 1 - e^-0.25. So then one record stands for
	 * (1 - e^-1) / (1 - e^-0.25) = 2.858 records.
	 */
	KUNIT_EXPECT_GE(test, gomem_sample_weight(SZ_512K, 2),
			(2858 << 8) / 1000 - 4);
	KUNIT_EXPECT_LE(test, gomem_sample_weight(SZ_512K, 2),
			(2858 << 8) / 1000 + 4);
	/*
	 * With the most thinning, a record of an object of the smallest size
	 * stands for 2^12 records. Allow 2 %.
	 */
	KUNIT_EXPECT_GE(test, gomem_sample_weight(8, 12),
			(4096 << 8) * 98ULL / 100);
	KUNIT_EXPECT_LE(test, gomem_sample_weight(8, 12),
			(4096 << 8) * 102ULL / 100);
	/*
	 * In spite of thinning, an object of this size is practically always
	 * recorded. So its record stands for one object.
	 */
	KUNIT_EXPECT_EQ(test, 1 << 8, gomem_sample_weight(SZ_4M * 4, 1) & ~1U);
}

static void test_small(struct kunit *test)
{
	u64 before = count(test, 112).live;
	void *p[20], *q;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = i % 2 ? gomem_alloc(100, GFP_KERNEL) :
			       gomem_alloc_noscan(100, GFP_ATOMIC);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
		KUNIT_EXPECT_TRUE(test, has_record(p[i]));
	}
	expect_live(test, before + ARRAY_SIZE(p), 112);
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		gomem_free(p[i]);
		KUNIT_EXPECT_FALSE(test, has_record(p[i]));
	}
	expect_live(test, before, 112);
	/* The slot serves these allocations, and each is recorded. */
	for (i = 0; i < 1000; i++) {
		q = gomem_alloc(100, GFP_KERNEL);
		KUNIT_ASSERT_TRUE(test, has_record(q));
		gomem_free(q);
	}
	expect_live(test, before, 112);
}

/*
 * At the rate 1 each tiny object is recorded, since none shares its block. An
 * object of up to GOMEM_TINY_OPENS bytes begins a block, and is recorded with
 * 16 bytes. A larger object is recorded with the 8 or 16 bytes of its class.
 */
static void test_tiny(struct kunit *test)
{
	u64 before = count(test, 16).live + count(test, 8).live;
	void *p[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomem_alloc_noscan(1 + i % 15, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
		KUNIT_EXPECT_TRUE(test, has_record(p[i]));
	}
	KUNIT_EXPECT_EQ(test, before + ARRAY_SIZE(p),
			count(test, 16).live + count(test, 8).live);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		gomem_free(p[i]);
	KUNIT_EXPECT_EQ(test, before,
			count(test, 16).live + count(test, 8).live);
}

static void test_large(struct kunit *test)
{
	u64 before = count(test, 13 * SZ_8K).live;
	void *p = gomem_alloc(100000, GFP_KERNEL), *q;

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, has_record(p));
	expect_live(test, before + 1, 13 * SZ_8K);
	/*
	 * The object grows in place, or moves. Either way it counts as one
	 * object.
	 */
	q = gomem_realloc(p, 200000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, q);
	KUNIT_EXPECT_TRUE(test, has_record(q));
	gomem_free(q);
	KUNIT_EXPECT_FALSE(test, has_record(q));
	expect_live(test, before, 13 * SZ_8K);
}

static void test_resize(struct kunit *test)
{
	void *p = gomem_alloc(40, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	/* The object stays in place. */
	KUNIT_ASSERT_PTR_EQ(test, p, gomem_realloc(p, 48, GFP_KERNEL));
	KUNIT_EXPECT_TRUE(test, has_record(p));
	p = gomem_realloc(p, 1000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, has_record(p));
	gomem_free_sensitive(p);
	KUNIT_EXPECT_FALSE(test, has_record(p));
}

static void test_bulk(struct kunit *test)
{
	u64 before = count(test, 208).live;
	void *p[200];
	unsigned int i;

	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(p),
			gomem_alloc_bulk(200, GFP_KERNEL, ARRAY_SIZE(p), p));
	for (i = 0; i < ARRAY_SIZE(p); i++)
		KUNIT_EXPECT_TRUE(test, has_record(p[i]));
	expect_live(test, before + ARRAY_SIZE(p), 208);
	gomem_free_bulk(ARRAY_SIZE(p), p);
	expect_live(test, before, 208);
}

static void construct(void *obj)
{
	*(u32 *)obj = 7;
}

static void test_typed(struct kunit *test, const struct gomem_cache_args *args)
{
	struct gomem_cache *c = gomem_cache_create("profiled", 72, args);
	u64 before = count(test, 72).live;
	void *p[100];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	for (i = 0; i < 10; i++) {
		p[i] = gomem_cache_alloc(c, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
		KUNIT_EXPECT_TRUE(test, has_record(p[i]));
	}
	for (i = 0; i < 10; i++) {
		/* Free by either function, while the span has specials. */
		if (i % 2)
			gomem_cache_free(c, p[i]);
		else
			gomem_free(p[i]);
		KUNIT_EXPECT_FALSE(test, has_record(p[i]));
	}
	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(p),
			gomem_cache_alloc_bulk(c, GFP_KERNEL, ARRAY_SIZE(p),
					       p));
	expect_live(test, before + ARRAY_SIZE(p), 72);
	gomem_cache_free_bulk(c, ARRAY_SIZE(p), p);
	expect_live(test, before, 72);
	/*
	 * Free an object of the cache when no object of the cache has a
	 * special.
	 */
	set_rate(0);
	p[0] = gomem_cache_alloc(c, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p[0]);
	KUNIT_EXPECT_FALSE(test, has_record(p[0]));
	gomem_cache_free(c, p[0]);
	set_rate(1);
	gomem_cache_destroy(c);
}

static void test_cache(struct kunit *test)
{
	test_typed(test, NULL);
}

static void test_cache_ctor(struct kunit *test)
{
	static const struct gomem_cache_args args = { .ctor = construct };

	test_typed(test, &args);
}

static void test_scratch(struct kunit *test)
{
	void *p = gomem_scratch_get(1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, has_record(p));
	gomem_scratch_put(p);
	KUNIT_EXPECT_FALSE(test, has_record(p));
}

static void test_rcu(struct kunit *test)
{
	struct rcu_head *p = gomem_alloc(56, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, has_record(p));
	gomem_free_rcu_mightsleep(p);
	gomem_rcu_barrier();
	KUNIT_EXPECT_FALSE(test, has_record(p));
}

/* In a page with specials, frees detect misuse as in any page. */
static void test_misuse(struct kunit *test)
{
	u8 *p = gomem_alloc(64, GFP_KERNEL), *q = gomem_alloc(64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, q);
	gomem_free(p);
	gomem_free(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	gomem_free(q + 8);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);
	/*
	 * An offset in the span is computed from the tag. GOMEM_TAG_SPECIAL,
	 * which adds 4 to the tag, must not make q + 4 look like q.
	 */
	gomem_free(q + 4);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);
	KUNIT_EXPECT_NULL(test, gomem_realloc(q + 4, 100, GFP_KERNEL));
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);
	KUNIT_EXPECT_TRUE(test, has_record(q));
	gomem_free(q);
}

/*
 * An object without a record is freed as usual, even if another object of the
 * page has one.
 */
static void test_neighbour(struct kunit *test)
{
	void *p[2];

	p[0] = gomem_alloc(64, GFP_KERNEL);
	set_rate(0);
	p[1] = gomem_alloc(64, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p[0]);
	KUNIT_ASSERT_NOT_NULL(test, p[1]);
	KUNIT_EXPECT_TRUE(test, has_record(p[0]));
	KUNIT_EXPECT_FALSE(test, has_record(p[1]));
	gomem_free(p[1]);
	KUNIT_EXPECT_TRUE(test, has_record(p[0]));
	gomem_free(p[0]);
	KUNIT_EXPECT_FALSE(test, has_record(p[0]));
	set_rate(1);
}

/* The innermost frame of a record is that of gomem's caller, not of gomem. */
static void test_frames(struct kunit *test)
{
	struct gomem_special sp = { };
	void *p = gomem_alloc(64, GFP_KERNEL);
	char name[KSYM_SYMBOL_LEN];

	if (IS_ENABLED(CONFIG_UML)) {
		gomem_free(p);
		kunit_skip(test,
			   "User-Mode Linux guesses the frames of a stack");
	}
	KUNIT_ASSERT_NOT_NULL(test, p);
	rcu_read_lock();
	KUNIT_EXPECT_TRUE(test, gomem_special_find((unsigned long)p, &sp));
	rcu_read_unlock();
	KUNIT_ASSERT_NOT_NULL(test, sp.bucket);
	KUNIT_EXPECT_GT(test, sp.bucket->nr, 1);
	snprintf(name, sizeof(name), "%ps", (void *)sp.bucket->frame[0]);
	KUNIT_EXPECT_TRUE(test, strstarts(name, __func__));
	gomem_free(p);
}

/*
 * Estimate the number of 40000 objects of 64 bytes at a rate of 4 KiB. About
 * 620 of them are recorded, so the standard deviation is 4 %. It would be
 * greater on a fast machine, which makes so many records a second that samples
 * are thinned (base/sample.h). So the test sets the rate again before each 16
 * objects, which ends the thinning.
 */
static void test_estimate(struct kunit *test)
{
	const unsigned int n = 40000;
	struct counts before, after;
	unsigned int i;
	void *p;
	u64 est;

	set_rate(SZ_4K);
	before = count(test, 64);
	for (i = 0; i < n; i++) {
		if (i % 16 == 0)
			set_rate(SZ_4K);
		p = gomem_alloc(64, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		gomem_free(p);
	}
	after = count(test, 64);
	est = gomem_profile_scale((after.all - before.all) << 8, 64, SZ_4K);
	/*
	 * Allow an error of a third: seven standard deviations, even if half of
	 * the samples were thinned by a factor of two.
	 */
	KUNIT_EXPECT_GE(test, est, n * 2 / 3);
	KUNIT_EXPECT_LE(test, est, n * 4 / 3);
	KUNIT_EXPECT_EQ(test, before.live, after.live);
	set_rate(1);
}

static void free_each(void **p, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		gomem_free(p[i]);
}

static noinline void alloc_sizes(const size_t *size, unsigned int n, void **p)
{
	unsigned int i;

	/* An unrolled loop would have several calls: several stacks. */
	OPTIMIZER_HIDE_VAR(n);
	for (i = 0; i < n; i++)
		p[i] = gomem_alloc(size[i], GFP_KERNEL);
}

/*
 * Find the call stacks that allocated the most live memory, with an array that
 * is too short for all stacks. The first stack found has three objects of
 * different sizes, each smaller than the one object of the second stack.
 */
static void test_top(struct kunit *test)
{
	static const size_t sizes[] = { SZ_2M, SZ_1M, 3 * SZ_512K };
	struct gomem_site top[2];
	void *p[5];

	if (IS_ENABLED(CONFIG_UML))
		kunit_skip(test,
			   "User-Mode Linux guesses the frames of a stack");
	p[0] = gomem_alloc(SZ_64K, GFP_KERNEL);
	alloc_sizes(sizes, ARRAY_SIZE(sizes), p + 1);
	p[4] = gomem_alloc(SZ_4M, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, 2, gomem_sites_top(top, 2));
	KUNIT_EXPECT_EQ(test, 9 * SZ_512K, top[0].bytes);
	KUNIT_EXPECT_EQ(test, 3, top[0].b->sum.objects);
	KUNIT_EXPECT_EQ(test, SZ_1M, top[0].b->sum.smallest);
	KUNIT_EXPECT_EQ(test, SZ_2M, top[0].b->sum.largest);
	KUNIT_EXPECT_FALSE(test, top[0].b->sum.sampled);
	KUNIT_EXPECT_EQ(test, SZ_4M, top[1].bytes);
	free_each(p, ARRAY_SIZE(p));
}

/*
 * Find the ages of two objects of one size. The second object is at least 5
 * jiffies younger.
 */
static void test_ages(struct kunit *test)
{
	unsigned long oldest = 0, youngest = ULONG_MAX;
	const u32 size = 5 * GOMEM_PAGE_SIZE;
	struct gomem_profile_row *rows;
	unsigned int i, n;
	void *p[2];

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomem_alloc(size, GFP_KERNEL);
		/* Ages are rounded down to jiffies. */
		usleep_range(jiffies_to_usecs(6), jiffies_to_usecs(12));
	}
	rows = gomem_profile_snapshot(&n, true);
	KUNIT_ASSERT_NOT_NULL(test, rows);
	for (i = 0; i < n; i++) {
		if (rows[i].b->size != size || !rows[i].oldest)
			continue;
		oldest = max(oldest, rows[i].oldest);
		youngest = min(youngest, rows[i].youngest);
	}
	KUNIT_EXPECT_GE(test, youngest, 5);
	KUNIT_EXPECT_GE(test, oldest, youngest + 5);
	kvfree(rows);
	gomem_free(p[0]);
	gomem_free(p[1]);
}

/* Call each function that allocates. Return how many objects there are. */
static unsigned int alloc_each(struct kunit *test, struct gomem_cache *c,
			       void **p)
{
	unsigned int n = 0;

	p[n++] = gomem_alloc(100, GFP_KERNEL);
	p[n++] = gomem_zalloc(100, GFP_ATOMIC);
	p[n++] = gomem_alloc_noscan(100, GFP_KERNEL);
	p[n++] = gomem_alloc_noscan(4, GFP_KERNEL);
	p[n++] = gomem_alloc_noscan(15, GFP_KERNEL);
	p[n++] = gomem_alloc(40000, GFP_KERNEL);
	p[n++] = gomem_alloc_node(200, GFP_KERNEL, 0);
	p[n++] = gomem_realloc(gomem_alloc(100, GFP_KERNEL), 3000, GFP_KERNEL);
	p[n++] = gomem_strdup("a string", GFP_KERNEL);
	p[n++] = gomem_cache_alloc(c, GFP_KERNEL);
	KUNIT_ASSERT_EQ(test, 30, gomem_alloc_bulk(200, GFP_KERNEL, 30, p + n));
	n += 30;
	KUNIT_ASSERT_EQ(test, 30,
			gomem_cache_alloc_bulk(c, GFP_KERNEL, 30, p + n));
	return n + 30;
}

struct irq_alloc {
	void *p[3];
};

static void alloc_in_irq(void *arg)
{
	struct irq_alloc *a = arg;

	a->p[0] = gomem_alloc(100, GFP_ATOMIC);
	a->p[1] = gomem_alloc_noscan(4, GFP_ATOMIC);
	a->p[2] = gomem_alloc(40000, GFP_ATOMIC);
}

static void expect_records(struct kunit *test, void **p, unsigned int n,
			   bool wanted)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_FALSE(test, ZERO_OR_NULL_PTR(p[i]));
		KUNIT_EXPECT_EQ_MSG(test, wanted, has_record(p[i]), "object %u",
				    i);
	}
}

/*
 * While profile_exact is "all", each object is recorded when it is allocated,
 * whichever function allocates it, even if the rate of the profile is 0.
 */
static void test_exact(struct kunit *test)
{
	struct gomem_cache *c = gomem_cache_create("exact", 72, NULL);
	struct irq_alloc irq = { };
	unsigned int n;
	void *p[80];

	KUNIT_ASSERT_NOT_NULL(test, c);
	set_rate(0);
	KUNIT_ASSERT_EQ(test, 0, gomem_exact_set("all"));
	n = alloc_each(test, c, p);
	expect_records(test, p, n, true);
	run_in_hardirq(alloc_in_irq, &irq);
	expect_records(test, irq.p, ARRAY_SIZE(irq.p), true);
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_alloc(0, GFP_KERNEL));
	KUNIT_ASSERT_EQ(test, 0, gomem_exact_set("\n"));
	free_each(p, n);
	free_each(irq.p, ARRAY_SIZE(irq.p));
	n = alloc_each(test, c, p);
	expect_records(test, p, n, false);
	free_each(p, n);
	gomem_cache_destroy(c);
}

/*
 * With a rate of 0, objects of modules that the list in profile_exact does not
 * name are not recorded. A list that is refused changes nothing.
 */
static void test_exact_names(struct kunit *test)
{
	static const char * const bad[] = {
		",", "a,", ",a", "a,,b", "a b", "a\nb", "all,a", "a.b",
		"0123456789012345678901234567890123456789012345678901234567890123",
		"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
	};
	unsigned int i;
	void *p;

	set_rate(0);
	KUNIT_ASSERT_EQ(test, 0,
			gomem_exact_set("no_such_module,another-one\n"));
	p = gomem_alloc(64, GFP_KERNEL);
	KUNIT_EXPECT_FALSE(test, has_record(p));
	gomem_free(p);
	KUNIT_ASSERT_EQ(test, 0,
			gomem_exact_set("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p"));
	KUNIT_ASSERT_EQ(test, 0, gomem_exact_set("all"));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, gomem_exact_set(bad[i]),
				    "%s", bad[i]);
	p = gomem_alloc(64, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, has_record(p));
	gomem_free(p);
	KUNIT_ASSERT_EQ(test, 0, gomem_exact_set(""));
}

/*
 * For profile_exact, an object belongs to the module for which gomem was
 * called: see gomem_client_calling(). Here that is the module of the tests, and
 * not "xomem_kunit".
 */
static void test_exact_module(struct kunit *test)
{
	char other[] = "xomem_kunit";
	void *p;

	if (IS_ENABLED(CONFIG_UML))
		kunit_skip(test,
			   "User-Mode Linux guesses the frames of a stack");
	set_rate(0);
	KUNIT_ASSERT_EQ(test, 0, gomem_exact_set(THIS_MODULE->name));
	p = gomem_alloc(64, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, has_record(p));
	gomem_free(p);
	KUNIT_ASSERT_EQ(test, 0, gomem_exact_set(other));
	p = gomem_alloc(64, GFP_KERNEL);
	KUNIT_EXPECT_FALSE(test, has_record(p));
	gomem_free(p);
	KUNIT_ASSERT_EQ(test, 0, gomem_exact_set(""));
}

static u64 lived(const struct gomem_bucket *b, unsigned int from,
		 unsigned int to)
{
	u64 n = 0;

	for (; from < to; from++)
		n += atomic_read(&b->lived[from]);
	return n;
}

/*
 * An object that lives for 20 ms or more is counted in lived[15] or above:
 * lifetimes from 16384 us on.
 */
static void test_lifetimes(struct kunit *test)
{
	struct gomem_special sp = { };
	struct gomem_bucket *b;
	void *p = gomem_alloc(320, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	rcu_read_lock();
	KUNIT_EXPECT_TRUE(test, gomem_special_find((unsigned long)p, &sp));
	rcu_read_unlock();
	b = sp.bucket;
	KUNIT_ASSERT_NOT_NULL(test, b);
	KUNIT_EXPECT_EQ(test, 0, lived(b, 0, GOMEM_LIVES));
	/*
	 * Not msleep(): jiffies may lag behind the clock, and catch up during
	 * the sleep, which is too short then.
	 */
	usleep_range(20000, 40000);
	gomem_free(p);
	KUNIT_EXPECT_EQ(test, 0, lived(b, 0, 15));
	KUNIT_EXPECT_EQ(test, 1, lived(b, 15, GOMEM_LIVES));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&b->together));
}

/* The memory of an arena is recorded until the arena is destroyed. */
static void test_arena(struct kunit *test)
{
	struct gomem_arena *arena = gomem_arena_create(GFP_KERNEL);
	u64 before = count(test, 13 * SZ_8K).live;
	void *p;

	KUNIT_ASSERT_NOT_NULL(test, arena);
	p = gomem_arena_alloc(arena, 100000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, has_record(p));
	expect_live(test, before + 1, 13 * SZ_8K);
	gomem_arena_destroy(arena);
	expect_live(test, before, 13 * SZ_8K);
}

static struct kunit_case profile_cases[] = {
	KUNIT_CASE(test_chance),
	KUNIT_CASE(test_draw),
	KUNIT_CASE(test_weight),
	KUNIT_CASE(test_small),
	KUNIT_CASE(test_tiny),
	KUNIT_CASE(test_large),
	KUNIT_CASE(test_resize),
	KUNIT_CASE(test_bulk),
	KUNIT_CASE(test_cache),
	KUNIT_CASE(test_cache_ctor),
	KUNIT_CASE(test_scratch),
	KUNIT_CASE(test_rcu),
	KUNIT_CASE(test_misuse),
	KUNIT_CASE(test_neighbour),
	KUNIT_CASE(test_frames),
	SLOW_CASE(test_estimate),
	KUNIT_CASE(test_top),
	KUNIT_CASE(test_ages),
	KUNIT_CASE(test_exact),
	KUNIT_CASE(test_exact_names),
	KUNIT_CASE(test_exact_module),
	KUNIT_CASE(test_arena),
	KUNIT_CASE(test_lifetimes),
	{ }
};

static struct kunit_suite profile_suite = {
	.name = "gomem_profile",
	.init = profile_init,
	.exit = profile_exit,
	.test_cases = profile_cases,
};

kunit_test_suite(profile_suite);
