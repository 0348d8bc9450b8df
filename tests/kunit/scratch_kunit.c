// SPDX-License-Identifier: GPL-2.0
/*
 * scratch_kunit.c - scratch buffers, on gomem's real heaps.
 *
 * Buffers are filled with a pattern while they are live. If two buffers
 * overlapped, the pattern of one of them would be damaged. The reports of
 * misuse that the cases leave in the log are expected.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/sizes.h>

#include "context.h"
#include "fixture.h"
#include "api/scratch.h"
#include "base/sizeclass.h"
#include "base/stats.h"

#define MAX_BUFFERS	2048
#define NR_ORDERS	(GOMEM_SCRATCH_MAX_ORDER + 1)

struct scratch_fixture {
	struct fixture base;
	struct gomem_scratch_stats before;
	void *bufs[MAX_BUFFERS];
	unsigned int orders[MAX_BUFFERS];
};

static void *get(struct kunit *test, unsigned int order, gfp_t gfp)
{
	size_t size = GOMEM_SCRATCH_SIZE(order);
	void *p = gomem_scratch_get(order, gfp);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_EQ(test, 0, (unsigned long)p % size);
	KUNIT_ASSERT_EQ(test, size, gomem_usable_size(p));
	KUNIT_ASSERT_TRUE(test, gomem_owns(p) && gomem_owns(p + size - 1));
	if (gfp & __GFP_ZERO)
		KUNIT_ASSERT_TRUE(test, is_zero(p, size));
	fill(p, size);
	return p;
}

static void put(struct kunit *test, void *p, unsigned int order)
{
	KUNIT_ASSERT_TRUE(test, is_filled(p, GOMEM_SCRATCH_SIZE(order)));
	gomem_scratch_put(p);
}

/*
 * Get more buffers of each order than a CPU's slot can hold, and put them. Do
 * this three times: the later rounds reuse buffers.
 */
static void test_every_order(struct kunit *test)
{
	struct scratch_fixture *f = test->priv;
	unsigned int order, i, n, round;

	for (order = 0; order < NR_ORDERS; order++) {
		n = 200 >> order;
		for (round = 0; round < 3; round++) {
			for (i = 0; i < n; i++)
				f->bufs[i] = get(test, order, GFP_KERNEL |
						 (round == 1 ? __GFP_ZERO : 0));
			for (i = 0; i < n; i++)
				put(test, f->bufs[i], order);
		}
	}
}

static void test_random(struct kunit *test)
{
	struct scratch_fixture *f = test->priv;
	unsigned int i, round;
	gfp_t gfp;

	for (round = 0; round < 20000; round++) {
		i = below(&f->base.rnd, 300);
		if (f->bufs[i]) {
			put(test, f->bufs[i], f->orders[i]);
			f->bufs[i] = NULL;
			continue;
		}
		f->orders[i] = below(&f->base.rnd, NR_ORDERS);
		gfp = below(&f->base.rnd, 2) ? GFP_KERNEL :
					       GFP_ATOMIC | __GFP_ZERO;
		f->bufs[i] = get(test, f->orders[i], gfp);
	}
	for (i = 0; i < 300; i++)
		if (f->bufs[i])
			put(test, f->bufs[i], f->orders[i]);
}

/* On a CPU, the buffer that was put last is handed out next. */
static void test_reused(struct kunit *test)
{
	unsigned int order;
	void *p;

	migrate_disable();
	for (order = 0; order < NR_ORDERS; order++) {
		p = get(test, order, GFP_KERNEL);
		put(test, p, order);
		KUNIT_EXPECT_PTR_EQ(test, p,
				    gomem_scratch_get(order, GFP_KERNEL));
		gomem_scratch_put(p);
	}
	migrate_enable();
}

static void test_counted(struct kunit *test)
{
	struct scratch_fixture *f = test->priv;
	struct gomem_scratch_stats now;
	unsigned int order;
	u64 bytes = 0;

	for (order = 0; order < NR_ORDERS; order++) {
		f->bufs[order] = get(test, order, GFP_KERNEL);
		bytes += GOMEM_SCRATCH_SIZE(order);
		gomem_scratch_get_stats(&now);
		KUNIT_EXPECT_EQ(test, f->before.inuse + bytes, now.inuse);
		KUNIT_EXPECT_EQ(test, f->before.gets + order + 1, now.gets);
		KUNIT_EXPECT_EQ(test, f->before.puts, now.puts);
		KUNIT_EXPECT_GE(test, now.sys, now.inuse);
		KUNIT_EXPECT_EQ(test, 0, now.sys % SZ_32K);
	}
	for (order = 0; order < NR_ORDERS; order++)
		put(test, f->bufs[order], order);
	gomem_scratch_get_stats(&now);
	KUNIT_EXPECT_EQ(test, f->before.inuse, now.inuse);
	KUNIT_EXPECT_EQ(test, f->before.puts + NR_ORDERS, now.puts);
	gomem_scratch_put(NULL);
}

static void test_refused(struct kunit *test)
{
	static const unsigned int orders[] = { NR_ORDERS, NR_ORDERS + 1, 64,
					       UINT_MAX };
	static const gfp_t bad[] = { __GFP_DMA, __GFP_DMA32, __GFP_HIGHMEM };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		KUNIT_EXPECT_NULL(test,
				  gomem_scratch_get(orders[i], GFP_KERNEL));
		expect_misuses(test, GOMEM_BAD_ORDER, 1);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_NULL(test,
				  gomem_scratch_get(i, GFP_KERNEL | bad[i]));
		expect_misuses(test, GOMEM_BAD_GFP, 1);
	}
}

static void test_double_put(struct kunit *test)
{
	unsigned int order;
	void *p, *q;

	for (order = 0; order < NR_ORDERS; order++) {
		p = get(test, order, GFP_KERNEL);
		put(test, p, order);
		gomem_scratch_put(p);
		expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
		KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p));
		expect_misuses(test, GOMEM_USE_AFTER_FREE, 1);
		p = get(test, order, GFP_KERNEL);
		q = get(test, order, GFP_KERNEL);
		KUNIT_EXPECT_PTR_NE(test, p, q);
		put(test, p, order);
		put(test, q, order);
	}
}

/* Pass a buffer, live or not, to the functions that free other memory. */
static void test_wrong_function(struct kunit *test)
{
	unsigned int order;
	void *p;

	for (order = 0; order < NR_ORDERS; order++) {
		p = get(test, order, GFP_KERNEL);
		gomem_free(p);
		expect_misuses(test, GOMEM_WRONG_FUNCTION, 1);
		gomem_free(p + 8);
		gomem_free_sensitive(p);
		gomem_free_bulk(1, &p);
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 100, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 100000, GFP_KERNEL));
		KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
				    gomem_realloc(p, 0, GFP_KERNEL));
		expect_misuses(test, GOMEM_WRONG_FUNCTION, 6);
		put(test, p, order);
		gomem_free(p);
		/*
		 * If the put emptied the span, the page no longer belongs to a
		 * span.
		 */
		if (gomem_owns(p))
			expect_misuses(test, GOMEM_WRONG_FUNCTION, 1);
		else
			expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	}
}

static void test_wrong_pointer(struct kunit *test)
{
	static const size_t sizes[] = { 8, 100, 2048, 32768, 100000 };
	void *p, *slab = kmalloc(100, GFP_KERNEL);
	unsigned int i;
	int on_stack;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = gomem_alloc(sizes[i], GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		fill(p, sizes[i]);
		gomem_scratch_put(p);
		gomem_scratch_put(p + sizes[i] / 2);
		expect_misuses(test, GOMEM_WRONG_FUNCTION, 2);
		KUNIT_EXPECT_TRUE(test, is_filled(p, sizes[i]));
		gomem_free(p);
	}
	p = get(test, 1, GFP_KERNEL);
	gomem_scratch_put(p + 1);
	gomem_scratch_put(p + 2048);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 2);
	put(test, p, 1);
	gomem_scratch_put(slab);
	gomem_scratch_put(&on_stack);
	gomem_scratch_put(ZERO_SIZE_PTR);
	expect_misuses(test, GOMEM_FOREIGN_POINTER, 3);
	kfree(slab);
}

static void test_write_after_put(struct kunit *test)
{
	unsigned long *p;
	void *q;

	migrate_disable();
	p = get(test, 0, GFP_KERNEL);
	put(test, p, 0);
	*p = 0x1234;
	q = get(test, 0, GFP_KERNEL);
	expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 1);
	KUNIT_EXPECT_PTR_NE(test, (void *)p, q);
	migrate_enable();
	gomem_scratch_put(p);
	gomem_scratch_put(q);
}

/*
 * The scratch buffers that job_run() gets in an interrupt. A CPU's slot for
 * interrupts holds at most two scratch buffers of an order. So most of these
 * buffers bypass the slots.
 */
struct job {
	void *bufs[40];
	const char *error;
};

static void job_run(void *arg)
{
	struct job *job = arg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(job->bufs); i++) {
		job->bufs[i] = gomem_scratch_get(i % NR_ORDERS,
						 GFP_ATOMIC | __GFP_NOWARN);
		if (job->bufs[i])
			fill(job->bufs[i], GOMEM_SCRATCH_SIZE(i % NR_ORDERS));
	}
	for (i = 0; i < ARRAY_SIZE(job->bufs); i++) {
		if (job->bufs[i] &&
		    !is_filled(job->bufs[i], GOMEM_SCRATCH_SIZE(i % NR_ORDERS)))
			job->error = "a buffer was overwritten";
		/* Leave some buffers for the task to put. */
		if (i % 3) {
			gomem_scratch_put(job->bufs[i]);
			job->bufs[i] = NULL;
		}
	}
}

static void test_hardirq(struct kunit *test)
{
	struct job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	unsigned int i;

	skip_on_rt(test);
	KUNIT_ASSERT_NOT_NULL(test, job);
	run_in_hardirq(job_run, job);
	KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s", job->error);
	for (i = 0; i < ARRAY_SIZE(job->bufs); i++)
		gomem_scratch_put(job->bufs[i]);
}

static void test_no_memory(struct kunit *test)
{
	u64 failures = gomem_event_sum(GOMEM_EV_ALLOC_FAILURES);
	struct scratch_fixture *f = test->priv;
	unsigned int n = 0, order;

	no_pages_begin();
	for (order = NR_ORDERS; order-- > 0; n--)
		while (n < MAX_BUFFERS &&
		       (f->bufs[n++] = gomem_scratch_get(order, GFP_KERNEL)))
			;
	no_pages_end();
	KUNIT_EXPECT_LT(test, n, MAX_BUFFERS - 1);
	KUNIT_EXPECT_EQ(test, NR_ORDERS,
			gomem_event_sum(GOMEM_EV_ALLOC_FAILURES) - failures);
	while (n--)
		gomem_scratch_put(f->bufs[n]);
	put(test, get(test, 4, GFP_KERNEL), 4);
}

static int scratch_init(struct kunit *test)
{
	struct scratch_fixture *f = fixture_alloc(test, sizeof(*f));

	if (!f)
		return -ENOMEM;
	gomem_scratch_get_stats(&f->before);
	return 0;
}

static void scratch_exit(struct kunit *test)
{
	struct scratch_fixture *f = test->priv;
	struct gomem_scratch_stats now;

	if (!f)
		return;
	fixture_exit(test);
	gomem_scratch_get_stats(&now);
	KUNIT_EXPECT_EQ(test, f->before.inuse, now.inuse);
	KUNIT_EXPECT_EQ(test, now.gets - f->before.gets,
			now.puts - f->before.puts);
}

static struct kunit_case scratch_cases[] = {
	KUNIT_CASE(test_every_order),
	KUNIT_CASE(test_random),
	KUNIT_CASE(test_reused),
	KUNIT_CASE(test_counted),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_double_put),
	KUNIT_CASE(test_wrong_function),
	KUNIT_CASE(test_wrong_pointer),
	KUNIT_CASE(test_write_after_put),
	KUNIT_CASE(test_hardirq),
	KUNIT_CASE(test_no_memory),
	{}
};

static struct kunit_suite scratch_suite = {
	.name = "gomem_scratch",
	.init = scratch_init,
	.exit = scratch_exit,
	.test_cases = scratch_cases,
};

kunit_test_suite(scratch_suite);
