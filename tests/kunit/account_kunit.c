// SPDX-License-Identifier: GPL-2.0
/*
 * account_kunit.c - accounts: what is charged by each way to allocate, when the
 * charge ends, and what happens at the limits.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include "context.h"
#include "fixture.h"
#include "base/sample.h"
#include "map/report.h"
#include "cpu/arm.h"
#include "api/account.h"

#define BULK	30
#define ROOM	100

static struct gomem_account *create(struct kunit *test, size_t soft,
				    size_t hard)
{
	struct gomem_account *a =
		gomem_account_create("tested", soft, hard, NULL, NULL);

	KUNIT_ASSERT_NOT_NULL(test, a);
	return a;
}

static void expect_charged(struct kunit *test, struct gomem_account *a,
			   s64 objects, s64 bytes)
{
	KUNIT_EXPECT_EQ(test, objects, atomic64_read(&a->objects));
	KUNIT_EXPECT_EQ(test, bytes, atomic64_read(&a->bytes));
}

/*
 * Allocate in each way; the trailing comments show the usable sizes. Return the
 * number of objects, and set @bytes to the sum of their sizes.
 */
static unsigned int alloc_each(struct kunit *test, struct gomem_cache *c,
			       void **p, s64 *bytes)
{
	unsigned int n = 0;

	p[n++] = gomem_alloc(100, GFP_KERNEL);			/* 112 */
	p[n++] = gomem_zalloc(100, GFP_ATOMIC);			/* 112 */
	p[n++] = gomem_alloc_noscan(100, GFP_KERNEL);		/* 112 */
	p[n++] = gomem_alloc_noscan(4, GFP_KERNEL);		/* 16 */
	p[n++] = gomem_alloc_noscan(15, GFP_KERNEL);		/* 16 */
	p[n++] = gomem_alloc(40000, GFP_KERNEL);		/* 40960 */
	p[n++] = gomem_alloc_node(100, GFP_KERNEL, 0);		/* 112 */
	p[n] = gomem_alloc(100, GFP_KERNEL);
	p[n] = gomem_realloc(p[n], 3072, GFP_KERNEL);		/* 3072 */
	n++;
	p[n++] = gomem_memdup(test, 100, GFP_KERNEL);		/* 112 */
	p[n++] = gomem_cache_alloc(c, GFP_KERNEL);		/* 72 */
	KUNIT_ASSERT_EQ(test, BULK,
			gomem_alloc_bulk(100, GFP_KERNEL, BULK, p + n));
	n += BULK;
	KUNIT_ASSERT_EQ(test, BULK,
			gomem_cache_alloc_bulk(c, GFP_KERNEL, BULK, p + n));
	n += BULK;
	*bytes = 5 * 112 + 2 * 16 + 40960 + 3072 + 72 + BULK * (112 + 72);
	return n;
}

static void free_each(void **p, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		gomem_free(p[i]);
}

/*
 * All that a task allocates while it has entered an account is charged, and
 * nothing that it allocates afterwards. A free ends the charge even after
 * gomem_account_exit().
 */
static void test_section(struct kunit *test)
{
	struct gomem_cache *c = gomem_cache_create("charged", 72, NULL);
	struct gomem_account *a = create(test, 0, 0), *old;
	void *p[ROOM], *q[ROOM];
	unsigned int n, m;
	s64 bytes;

	KUNIT_ASSERT_NOT_NULL(test, c);
	old = gomem_account_enter(a);
	KUNIT_EXPECT_NULL(test, old);
	n = alloc_each(test, c, p, &bytes);
	gomem_account_exit(old);
	expect_charged(test, a, n, bytes);
	KUNIT_EXPECT_EQ(test, (size_t)bytes, gomem_account_bytes(a));
	m = alloc_each(test, c, q, &bytes);
	expect_charged(test, a, n, bytes);
	free_each(q, m);
	expect_charged(test, a, n, bytes);
	free_each(p, n);
	expect_charged(test, a, 0, 0);
	KUNIT_EXPECT_GE(test, atomic64_read(&a->peak), bytes);
	KUNIT_EXPECT_EQ(test, 0, atomic64_read(&a->failures));
	gomem_cache_destroy(c);
	gomem_account_destroy(a);
}

/*
 * A bulk free, a free after a grace period, and frees of a scratch buffer and
 * of an arena end the charge, too.
 */
static void test_frees(struct kunit *test)
{
	struct gomem_account *a = create(test, 0, 0),
			     *old = gomem_account_enter(a);
	struct gomem_arena *arena = gomem_arena_create(GFP_KERNEL);
	void *p[BULK], *scratch = gomem_scratch_get(1, GFP_KERNEL), *later;

	later = gomem_alloc(64, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, arena);
	KUNIT_ASSERT_NOT_NULL(test, later);
	KUNIT_EXPECT_NOT_NULL(test,
			      gomem_arena_alloc(arena, 100000, GFP_KERNEL));
	KUNIT_ASSERT_EQ(test, BULK, gomem_alloc_bulk(48, GFP_KERNEL, BULK, p));
	gomem_account_exit(old);
	KUNIT_EXPECT_EQ(test, BULK + 4, atomic64_read(&a->objects));
	gomem_free_bulk(BULK, p);
	KUNIT_EXPECT_EQ(test, 4, atomic64_read(&a->objects));
	gomem_scratch_put(scratch);
	KUNIT_EXPECT_EQ(test, 3, atomic64_read(&a->objects));
	gomem_arena_destroy(arena);
	expect_charged(test, a, 1, 64);
	gomem_free_rcu_mightsleep(later);
	gomem_rcu_barrier();
	expect_charged(test, a, 0, 0);
	gomem_account_destroy(a);
}

/*
 * Calls of gomem_account_enter() nest: only the account that was entered last
 * is charged. If that is NULL, nothing is charged.
 */
static void test_nested(struct kunit *test)
{
	struct gomem_account *a = create(test, 0, 0), *b = create(test, 0, 0);
	struct gomem_account *out, *mid, *in;
	void *p[4];

	out = gomem_account_enter(a);
	p[0] = gomem_alloc(64, GFP_KERNEL);
	mid = gomem_account_enter(NULL);
	KUNIT_EXPECT_PTR_EQ(test, a, mid);
	p[1] = gomem_alloc(64, GFP_KERNEL);
	in = gomem_account_enter(b);
	KUNIT_EXPECT_NULL(test, in);
	p[2] = gomem_alloc(64, GFP_KERNEL);
	gomem_account_exit(in);
	gomem_account_exit(mid);
	p[3] = gomem_alloc(64, GFP_KERNEL);
	gomem_account_exit(out);
	KUNIT_EXPECT_NULL(test, gomem_payer());
	expect_charged(test, a, 2, 128);
	expect_charged(test, b, 1, 64);
	free_each(p, ARRAY_SIZE(p));
	expect_charged(test, a, 0, 0);
	expect_charged(test, b, 0, 0);
	gomem_account_destroy(a);
	gomem_account_destroy(b);
}

/*
 * gomem_account_alloc() charges the account that it is given, even if the task
 * has entered another one.
 */
static void test_call(struct kunit *test)
{
	struct gomem_account *a = create(test, 0, 0), *b = create(test, 0, 100);
	static const size_t sizes[] = { 1, 64, 40960 };
	struct gomem_account *old;
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = gomem_account_alloc(a, sizes[i], GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		expect_charged(test, a, 1, gomem_usable_size(p));
		gomem_free(p);
		expect_charged(test, a, 0, 0);
	}
	old = gomem_account_enter(b);
	p = gomem_account_alloc(a, 1000, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, b, gomem_payer());
	gomem_account_exit(old);
	expect_charged(test, a, 1, 1024);
	expect_charged(test, b, 0, 0);
	gomem_free(p);
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
			    gomem_account_alloc(a, 0, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_account_alloc(b, 1000, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 1, atomic64_read(&b->failures));
	p = gomem_account_alloc(NULL, 64, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, p);
	gomem_free(p);
	gomem_account_destroy(a);
	gomem_account_destroy(b);
}

struct irq_case {
	struct gomem_account *a;
	struct gomem_account *entered;
	void *p[3];
};

static void alloc_in_irq(void *arg)
{
	struct irq_case *i = arg;

	i->p[0] = gomem_alloc(64, GFP_ATOMIC);
	i->p[1] = gomem_alloc_noscan(3, GFP_ATOMIC);
	i->entered = gomem_account_enter(i->a);
	gomem_account_exit(i->entered);
	i->p[2] = gomem_account_alloc(i->a, 64, GFP_ATOMIC);
}

/*
 * Allocations in an interrupt are not charged to the account of the interrupted
 * task.
 */
static void test_irq(struct kunit *test)
{
	struct gomem_account *a = create(test, 0, 0),
			     *old = gomem_account_enter(a);
	struct irq_case i = { .a = a };

	skip_on_rt(test);
	run_in_hardirq(alloc_in_irq, &i);
	gomem_account_exit(old);
	expect_charged(test, a, 1, 64);
	free_each(i.p, ARRAY_SIZE(i.p));
	expect_charged(test, a, 0, 0);
	gomem_account_destroy(a);
}

struct other_task {
	struct work_struct work;
	void *p;
};

static void alloc_elsewhere(struct work_struct *work)
{
	container_of(work, struct other_task, work)->p =
		gomem_alloc(64, GFP_KERNEL);
}

/*
 * An account that a task has entered is not charged with what another task
 * allocates.
 */
static void test_other_task(struct kunit *test)
{
	struct gomem_account *a = create(test, 0, 0),
			     *old = gomem_account_enter(a);
	struct other_task other = { };

	INIT_WORK_ONSTACK(&other.work, alloc_elsewhere);
	schedule_work(&other.work);
	flush_work(&other.work);
	destroy_work_on_stack(&other.work);
	gomem_account_exit(old);
	KUNIT_EXPECT_NOT_NULL(test, other.p);
	expect_charged(test, a, 0, 0);
	gomem_free(other.p);
	gomem_account_destroy(a);
}

/* At the hard limit each way to allocate fails, and nothing stays charged. */
static void test_hard(struct kunit *test)
{
	struct gomem_cache *c = gomem_cache_create("charged", 72, NULL);
	struct gomem_account *a = create(test, 0, 7), *old;
	struct gomem_arena *arena = gomem_arena_create(GFP_KERNEL);
	void *p[BULK];

	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_NOT_NULL(test, arena);
	old = gomem_account_enter(a);
	KUNIT_EXPECT_NULL(test, gomem_alloc(100, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_zalloc(100, GFP_ATOMIC));
	KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(4, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(15, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_alloc(40000, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_alloc_node(100, GFP_KERNEL, 0));
	KUNIT_EXPECT_NULL(test, gomem_strdup("a string", GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_cache_alloc(c, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_scratch_get(0, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_arena_create(GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_arena_alloc(arena, 64, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, gomem_arena_alloc(arena, 100000, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 0, gomem_alloc_bulk(100, GFP_KERNEL, BULK, p));
	KUNIT_EXPECT_EQ(test, 0,
			gomem_cache_alloc_bulk(c, GFP_KERNEL, BULK, p));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_alloc(0, GFP_KERNEL));
	gomem_account_exit(old);
	expect_charged(test, a, 0, 0);
	KUNIT_EXPECT_EQ(test, 0, atomic64_read(&a->peak));
	KUNIT_EXPECT_GE(test, atomic64_read(&a->failures), 14);
	gomem_arena_destroy(arena);
	gomem_cache_destroy(c);
	gomem_account_destroy(a);
}

/*
 * Allocations succeed up to the hard limit. A bulk call that would exceed it
 * fails as a whole. An allocation with __GFP_NOFAIL may exceed it.
 */
static void test_hard_part(struct kunit *test)
{
	struct gomem_account *a = create(test, 0, 10 * 64),
			     *old = gomem_account_enter(a);
	void *p[BULK], *q;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		p[i] = gomem_alloc(64, GFP_KERNEL);
		KUNIT_EXPECT_NOT_NULL(test, p[i]);
	}
	KUNIT_EXPECT_NULL(test, gomem_alloc(8, GFP_KERNEL));
	expect_charged(test, a, 10, 640);
	q = gomem_alloc(64, GFP_KERNEL | __GFP_NOFAIL);
	KUNIT_EXPECT_NOT_NULL(test, q);
	expect_charged(test, a, 11, 704);
	gomem_free(q);
	free_each(p, 10);
	KUNIT_EXPECT_EQ(test, 0, gomem_alloc_bulk(64, GFP_KERNEL, 11, p));
	expect_charged(test, a, 0, 0);
	KUNIT_EXPECT_EQ(test, 10, gomem_alloc_bulk(64, GFP_KERNEL, 10, p));
	expect_charged(test, a, 10, 640);
	gomem_account_exit(old);
	gomem_free_bulk(10, p);
	expect_charged(test, a, 0, 0);
	gomem_account_destroy(a);
}

static void count_call(struct gomem_account *a, void *arg)
{
	atomic_inc(arg);
}

static void expect_calls(struct kunit *test, atomic_t *calls, int n)
{
	unsigned int i;

	for (i = 0; i < 200 && atomic_read(calls) < n; i++)
		msleep(20);
	msleep(20);
	KUNIT_EXPECT_EQ(test, n, atomic_read(calls));
}

/*
 * The callback of an account runs once when the charged bytes exceed the soft
 * limit, and again only after they have been below 7/8 of the limit.
 */
static void test_soft(struct kunit *test)
{
	atomic_t calls = ATOMIC_INIT(0);
	struct gomem_account *a =
		gomem_account_create("soft", 16 * 64, 0, count_call, &calls);
	void *p[20], *q;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, a);
	for (i = 0; i < 16; i++)
		p[i] = gomem_account_alloc(a, 64, GFP_KERNEL);
	expect_calls(test, &calls, 0);
	for (; i < 20; i++)
		p[i] = gomem_account_alloc(a, 64, GFP_KERNEL);
	expect_calls(test, &calls, 1);
	/* Free down to 7/8 of the limit, and exceed the limit again. */
	free_each(p + 14, 6);
	for (i = 14; i < 20; i++)
		p[i] = gomem_account_alloc(a, 64, GFP_KERNEL);
	expect_calls(test, &calls, 1);
	/* Free to below 7/8 of the limit, and exceed the limit again. */
	free_each(p + 13, 7);
	q = gomem_account_alloc(a, 1024, GFP_ATOMIC);
	expect_calls(test, &calls, 2);
	gomem_free(q);
	free_each(p, 13);
	KUNIT_EXPECT_EQ(test, 2ULL, a->crossings);
	gomem_account_destroy(a);
}

/*
 * A resized object stays charged to its account, whether it moves or not, and
 * even if the task has entered another account.
 */
static void test_realloc(struct kunit *test)
{
	struct gomem_account *a = create(test, 0, SZ_512K),
			     *b = create(test, 0, 0), *old;
	void *p = gomem_account_alloc(a, 40, GFP_KERNEL), *q;

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_PTR_EQ(test, p, gomem_realloc(p, 48, GFP_KERNEL));
	expect_charged(test, a, 1, 48);
	old = gomem_account_enter(b);
	p = gomem_realloc(p, 3072, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, b, gomem_payer());
	gomem_account_exit(old);
	KUNIT_ASSERT_NOT_NULL(test, p);
	expect_charged(test, a, 1, 3072);
	expect_charged(test, b, 0, 0);
	p = gomem_realloc(p, 100000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	expect_charged(test, a, 1, gomem_usable_size(p));
	p = gomem_realloc(p, 300000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	expect_charged(test, a, 1, gomem_usable_size(p));
	/* Beyond the hard limit a resize fails, and changes no charge. */
	q = gomem_realloc(p, 600000, GFP_KERNEL);
	KUNIT_EXPECT_NULL(test, q);
	expect_charged(test, a, 1, gomem_usable_size(p));
	KUNIT_EXPECT_EQ(test, 1, atomic64_read(&a->failures));
	gomem_free(q ?: p);
	expect_charged(test, a, 0, 0);
	gomem_account_destroy(a);
	gomem_account_destroy(b);
}

struct listed {
	const struct gomem_account *a;
	bool found;
	unsigned int state;
};

static void find_account(const struct gomem_account *a, void *arg)
{
	struct listed *l = arg;

	if (a != l->a)
		return;
	l->found = true;
	l->state = a->state;
}

static struct listed look_up(const struct gomem_account *a)
{
	struct listed l = { .a = a };

	gomem_account_visit(find_account, &l);
	return l;
}

/*
 * A destroyed account stays listed until the last object that is charged to it
 * is freed. Meanwhile, no other object is charged to it.
 */
static void test_destroy(struct kunit *test)
{
	struct gomem_account *a = create(test, 0, 0),
			     *old = gomem_account_enter(a);
	void *p = gomem_alloc(64, GFP_KERNEL), *q;

	KUNIT_EXPECT_EQ(test, look_up(a).state, GOMEM_ACCOUNT_LIVE);
	gomem_account_destroy(a);
	q = gomem_alloc(64, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, q);
	gomem_account_exit(old);
	KUNIT_EXPECT_TRUE(test, look_up(a).found);
	KUNIT_EXPECT_EQ(test, look_up(a).state, GOMEM_ACCOUNT_DESTROYED);
	expect_charged(test, a, 1, 64);
	gomem_free(q);
	KUNIT_EXPECT_TRUE(test, look_up(a).found);
	gomem_free(p);
	KUNIT_EXPECT_FALSE(test, look_up(a).found);
	gomem_account_destroy(NULL);
	KUNIT_EXPECT_NULL(test, gomem_account_create(NULL, 0, 0, NULL, NULL));
	KUNIT_EXPECT_NULL(test, gomem_account_create("", 0, 0, NULL, NULL));
}

/*
 * An object that is charged to a destroyed account may grow. The charge grows
 * with the object, but the callback of the account does not run.
 */
static void test_destroy_soft(struct kunit *test)
{
	atomic_t calls = ATOMIC_INIT(0);
	struct gomem_account *a =
		gomem_account_create("gone", 100, 0, count_call, &calls);
	void *p = gomem_account_alloc(a, 64, GFP_KERNEL), *q;

	KUNIT_ASSERT_NOT_NULL(test, p);
	gomem_account_destroy(a);
	q = gomem_realloc(p, 3072, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, q);
	expect_charged(test, a, 1, 3072);
	expect_calls(test, &calls, 0);
	/*
	 * The charged object keeps the memory of the destroyed account. So a
	 * second destroy may read that memory, and is reported.
	 */
	gomem_account_destroy(a);
	expect_misuses(test, GOMEM_BAD_ACCOUNT, 1);
	gomem_free(q ?: p);
	KUNIT_EXPECT_FALSE(test, look_up(a).found);
}

/*
 * Do what gomem does when a module is unloaded that did not destroy its
 * account.
 */
static void test_close(struct kunit *test)
{
	atomic_t calls = ATOMIC_INIT(0);
	struct gomem_account *old, *a =
		gomem_account_create("left", 100, 0, count_call, &calls);
	void *p = gomem_account_alloc(a, 64, GFP_KERNEL), *q[2];

	KUNIT_ASSERT_NOT_NULL(test, p);
	if (!__is_defined(MODULE)) {
		gomem_free(p);
		gomem_account_destroy(a);
		kunit_skip(test, "built in");
	}
	gomem_accounts_close(THIS_MODULE);
	gomem_accounts_close(THIS_MODULE);
	expect_misuses(test, GOMEM_ACCOUNT_LEFT, 1);
	KUNIT_EXPECT_EQ(test, look_up(a).state, GOMEM_ACCOUNT_CLOSED);
	q[0] = gomem_account_alloc(a, 64, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, q[0]);
	old = gomem_account_enter(a);
	KUNIT_EXPECT_NULL(test, old);
	KUNIT_EXPECT_NULL(test, gomem_payer());
	q[1] = gomem_alloc(64, GFP_KERNEL);
	gomem_account_exit(old);
	KUNIT_EXPECT_EQ(test, gomem_account_bytes(a), 0);
	gomem_account_destroy(a);
	expect_misuses(test, GOMEM_BAD_ACCOUNT, 4);
	expect_charged(test, a, 1, 64);
	p = gomem_realloc(p, 3072, GFP_KERNEL);
	expect_charged(test, a, 1, 3072);
	expect_calls(test, &calls, 0);
	free_each(q, ARRAY_SIZE(q));
	gomem_free(p);
	expect_charged(test, a, 0, 0);
	KUNIT_EXPECT_TRUE(test, look_up(a).found);
}

/*
 * The callback of an account may be in another module than the code that
 * creates the account. The account is closed when the module of the callback is
 * unloaded.
 */
static void test_close_callback(struct kunit *test)
{
	atomic_t calls = ATOMIC_INIT(0);
	struct gomem_account *a, *b;

	if (!__is_defined(MODULE))
		kunit_skip(test, "built in");
	a = __gomem_account_create("left", 0, 0, count_call, &calls, NULL);
	b = __gomem_account_create("kept", 0, 0, NULL, NULL, NULL);
	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, b);
	gomem_accounts_close(THIS_MODULE);
	KUNIT_EXPECT_EQ(test, look_up(a).state, GOMEM_ACCOUNT_CLOSED);
	KUNIT_EXPECT_EQ(test, look_up(b).state, GOMEM_ACCOUNT_LIVE);
	expect_misuses(test, GOMEM_ACCOUNT_LEFT, 1);
	gomem_account_destroy(b);
}

static void count_one(void *arg)
{
	atomic_inc(arg);
}

/* An object may have a charge, a record of the heap profile and a cleanup. */
static void test_beside_others(struct kunit *test)
{
	struct gomem_account *a = create(test, 0, 100);
	unsigned long rate = gomem_profile_rate;
	atomic_t n = ATOMIC_INIT(0);
	void *p;

	gomem_sample_set_rate(1);
	gomem_arm_all();
	p = gomem_account_alloc(a, 64, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, 0, gomem_cleanup(p, count_one, &n, GFP_KERNEL));
	KUNIT_EXPECT_FALSE(test, gomem_cleanup_cancel(p, NULL, a));
	KUNIT_EXPECT_NULL(test, gomem_account_alloc(a, 64, GFP_KERNEL));
	gomem_free(p);
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&n));
	expect_charged(test, a, 0, 0);
	gomem_sample_set_rate(rate);
	gomem_arm_all();
	gomem_account_destroy(a);
}

static struct kunit_case account_cases[] = {
	KUNIT_CASE(test_section),
	KUNIT_CASE(test_frees),
	KUNIT_CASE(test_nested),
	KUNIT_CASE(test_call),
	KUNIT_CASE(test_irq),
	KUNIT_CASE(test_other_task),
	KUNIT_CASE(test_hard),
	KUNIT_CASE(test_hard_part),
	KUNIT_CASE(test_soft),
	KUNIT_CASE(test_realloc),
	KUNIT_CASE(test_destroy),
	KUNIT_CASE(test_destroy_soft),
	KUNIT_CASE(test_close),
	KUNIT_CASE(test_close_callback),
	KUNIT_CASE(test_beside_others),
	{ }
};

static struct kunit_suite account_suite = {
	.name = "gomem_account",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = account_cases,
};

kunit_test_suite(account_suite);
