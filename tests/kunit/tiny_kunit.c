// SPDX-License-Identifier: GPL-2.0
/*
 * tiny_kunit.c - objects that share a block, on gomem's real heaps.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/smp.h>
#include <linux/workqueue.h>

#include "context.h"
#include "fixture.h"
#include "slow.h"
#include "tiny_steps.h"
#include "workers.h"
#include "api/tiny.h"
#include "base/stats.h"
#include "cpu/mcache.h"
#include "run/check.h"
#include "run/epoch.h"

/* Which objects share */

static void expect_neighbours(struct kunit *test, char **p, unsigned int n,
			      unsigned int size)
{
	unsigned int i, step = ALIGN(size, 2);

	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_TRUE(test, shares_block(p[i]));
		KUNIT_EXPECT_EQ_MSG(test, i * step, tiny_off_of(p[i]),
				    "size %u", size);
		KUNIT_EXPECT_EQ_MSG(test, tiny_block_of(p[0]),
				    tiny_block_of(p[i]), "size %u", size);
	}
}

/*
 * A block takes as many objects of a size as fit. The next object begins
 * another block. No object begins at the last two bytes of a block, so 7
 * objects of one byte or two fit.
 */
static void test_shared(struct kunit *test)
{
	static const unsigned int fits[] = { 0, 7, 7, 4, 4 };
	struct tiny_fixture *f = test->priv;
	unsigned int size, i, n;

	for (size = 1; size <= GOMEM_TINY_OPENS; size++) {
		n = fits[size];
		tiny_begin_block();
		for (i = 0; i < n + 1; i++)
			f->obj[i] = tiny_get(test, size);
		tiny_end_block();
		expect_neighbours(test, f->obj, n, size);
		KUNIT_EXPECT_NE(test, tiny_block_of(f->obj[0]),
				tiny_block_of(f->obj[n]));
		for (i = 0; i < n + 1; i++)
			tiny_put(test, f->obj[i], size);
	}
}

/* Does an object fit into a block after an object of one byte? */
static bool fits_behind_one(unsigned int size)
{
	unsigned int grains = DIV_ROUND_UP(size, 2);

	return ALIGN(1, BIT(__ffs(grains))) + grains <= 8;
}

static u32 mask_of(const void *p)
{
	return gomem_tiny_mask((unsigned long)p);
}

static bool share_block(const void *p, const void *q)
{
	return tiny_block_of(p) == tiny_block_of(q);
}

/*
 * Objects of 1 to 4 and of 9 to 15 bytes share the current block if its rest is
 * long enough; only those of 1 to 4 bytes begin a new block. Objects of 5 to 8
 * bytes never share a block: see __gomem_is_tiny().
 */
static void test_joining(struct kunit *test)
{
	char *first, *p, *alone;
	unsigned int size;

	for (size = 1; size < 16; size++) {
		tiny_begin_block();
		alone = size > 4 ? tiny_get(test, size) : NULL;
		first = tiny_get(test, 1);
		p = tiny_get(test, size);
		tiny_end_block();
		KUNIT_EXPECT_FALSE(test, alone && shares_block(alone));
		KUNIT_EXPECT_TRUE(test, shares_block(first));
		if (size < 5 || size > 8)
			KUNIT_EXPECT_EQ_MSG(test, fits_behind_one(size),
					    share_block(first, p), "size %u",
					    size);
		else
			KUNIT_EXPECT_FALSE_MSG(test, shares_block(p), "size %u",
					       size);
		tiny_put(test, first, 1);
		tiny_put(test, p, size);
		if (alone)
			tiny_put(test, alone, size);
	}
}

/* Objects with pointers, and objects of a given node, do not share blocks. */
static void test_not_shared(struct kunit *test)
{
	unsigned int size, i;
	void *p[4], *q;

	for (size = 1; size < 16; size++) {
		p[0] = gomem_alloc(size, GFP_KERNEL);
		p[1] = gomem_zalloc(size, GFP_KERNEL);
		p[2] = gomem_memdup("123456789abcdef", size, GFP_KERNEL);
		p[3] = gomem_alloc_node(size, GFP_KERNEL, 0);
		for (i = 0; i < ARRAY_SIZE(p); i++)
			KUNIT_EXPECT_FALSE(test, shares_block(p[i]));
		gomem_free_bulk(4, p);
		q = gomem_realloc(NULL, size, GFP_KERNEL);
		KUNIT_EXPECT_FALSE(test, shares_block(q));
		gomem_free(q);
	}
}

/*
 * An object of up to GOMEM_TINY_OPENS bytes begins a block if it does not fit
 * into the rest.
 */
static void test_new_block(struct kunit *test)
{
	char *p[4];

	tiny_begin_block();
	p[0] = tiny_get(test, 1);
	p[1] = tiny_get(test, 12);
	p[2] = tiny_get(test, 2);	/* does not fit; new rest: 14 bytes */
	p[3] = tiny_get(test, 12);
	tiny_end_block();
	KUNIT_EXPECT_EQ(test, 4, tiny_off_of(p[1]));
	KUNIT_EXPECT_NE(test, tiny_block_of(p[0]), tiny_block_of(p[2]));
	KUNIT_EXPECT_PTR_EQ(test, (char *)tiny_block_of(p[2]) + 4, p[3]);
	tiny_put(test, p[0], 1);
	tiny_put(test, p[1], 12);
	tiny_put(test, p[2], 2);
	tiny_put(test, p[3], 12);
}

static void replace_one(struct kunit *test, unsigned int i)
{
	struct tiny_fixture *f = test->priv;
	char text[16];

	if (f->obj[i]) {
		tiny_put(test, f->obj[i], f->size[i]);
		f->obj[i] = NULL;
		return;
	}
	f->size[i] = 1 + below(&f->base.rnd, below(&f->base.rnd, 3) ? 4 : 15);
	if (below(&f->base.rnd, 4)) {
		f->obj[i] = tiny_get(test, f->size[i]);
		return;
	}
	memset(text, 'x', f->size[i] - 1);
	text[f->size[i] - 1] = 0;
	f->obj[i] = gomem_strdup(text, GFP_ATOMIC);
	KUNIT_ASSERT_NOT_NULL(test, f->obj[i]);
	KUNIT_ASSERT_STREQ(test, text, f->obj[i]);
	memset(f->obj[i], tiny_byte_of(f->obj[i]), f->size[i]);
}

static void test_random(struct kunit *test)
{
	struct tiny_fixture *f = test->priv;
	unsigned int i, round;

	for (round = 0; round < 40000; round++) {
		replace_one(test, below(&f->base.rnd,
					round < 20000 ? MAX_OBJECTS : 200));
		if (round % 5000 == 0)
			move_elsewhere(test, &f->base.rnd);
		if (round % 8000 == 7999)
			gomem_mcache_drain(below(&f->base.rnd, 2));
		if (round % 10000 == 0)
			KUNIT_ASSERT_TRUE_MSG(test, !gomem_check_all(), "%s",
					      gomem_check_all());
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	for (i = 0; i < MAX_OBJECTS; i++)
		if (f->obj[i])
			tiny_put(test, f->obj[i], f->size[i]);
}

/* Blocks come back */

static long free_all_work(void *arg)
{
	tiny_free_all(arg);
	return 0;
}

static void test_last_part(struct kunit *test)
{
	struct gomem_tiny_stats now;
	char *p[4];
	unsigned int i;

	tiny_begin_block();
	for (i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = tiny_get(test, 4);
	tiny_end_block();
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, 1, now.blocks);
	tiny_put(test, p[1], 4);
	tiny_put(test, p[2], 4);
	tiny_put(test, p[3], 4);
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, 1, now.blocks);
	KUNIT_EXPECT_EQ(test, BIT(0), gomem_tiny_mask(tiny_block_of(p[0])));
	tiny_put(test, p[0], 4);
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, 0, now.blocks);
	tiny_expect_all_back(test);
}

static void test_other_cpu(struct kunit *test)
{
	struct tiny_fixture *f = test->priv;
	int cpu;

	for_each_online_cpu(cpu) {
		tiny_make_all(test);
		KUNIT_EXPECT_EQ(test, 0, work_on_cpu(cpu, free_all_work, f));
		tiny_expect_all_back(test);
	}
}

static void test_from_irq(struct kunit *test)
{
	struct tiny_fixture *f = test->priv;
	int cpu;

	skip_on_rt(test);
	for_each_online_cpu(cpu) {
		tiny_make_all(test);
		KUNIT_EXPECT_EQ(test, 0,
				smp_call_function_single(cpu, tiny_free_all, f,
							 true));
		tiny_expect_all_back(test);
	}
}

/*
 * An interrupt handler frees objects of the block that the task's CPU holds.
 * Their starts stay in the mask until the CPU cuts again. Meanwhile the task's
 * own frees set gone bits, too.
 */
static void test_gone(struct kunit *test)
{
	unsigned long block;
	char *p[3], *last;

	skip_on_rt(test);
	tiny_begin_block();
	p[0] = tiny_get(test, 4);
	p[1] = tiny_get(test, 4);
	block = tiny_block_of(p[0]);
	run_in_hardirq(tiny_free_one, p[0]);
	KUNIT_EXPECT_EQ(test, GOMEM_TINY_HELD | BIT(2) | BIT(4),
			gomem_tiny_mask(block));
	KUNIT_EXPECT_EQ(test, GOMEM_TINY_HELD | BIT(0) | BIT(2) | BIT(4) |
			BIT(GOMEM_TINY_GONE_SHIFT), gomem_tiny_bits(block));
	tiny_refuse(test, p[0], GOMEM_DOUBLE_FREE);
	expect_sound(test);
	p[2] = tiny_get(test, 4);
	KUNIT_EXPECT_EQ(test, GOMEM_TINY_HELD | BIT(2) | BIT(4) | BIT(6),
			gomem_tiny_bits(block));
	run_in_hardirq(tiny_free_one, p[2]);
	KUNIT_EXPECT_EQ(test, 8, gomem_usable_size(p[1]));
	memset(p[1], tiny_byte_of(p[1]), 8);
	tiny_put(test, p[1], 8);
	KUNIT_EXPECT_TRUE(test, is_zero((void *)block, 16));
	KUNIT_EXPECT_EQ(test, GOMEM_TINY_HELD | BIT(6), gomem_tiny_mask(block));
	last = tiny_get(test, 1);
	KUNIT_EXPECT_EQ(test, BIT(6), gomem_tiny_bits(block));
	tiny_end_block();
	tiny_put(test, last, 1);
	tiny_expect_all_back(test);
}

struct irq_job {
	char *obj[64];
	unsigned int n;
};

static void make_in_irq(void *arg)
{
	struct irq_job *job = arg;
	unsigned int i;

	for (i = 0; i < job->n; i++)
		job->obj[i] = gomem_alloc_noscan(1 + i % 4,
						 GFP_ATOMIC | __GFP_NOWARN);
}

/* Interrupts cut their objects from a block of their own. */
static void test_in_irq(struct kunit *test)
{
	struct irq_job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	unsigned int i, k;
	char *mine;

	skip_on_rt(test);
	KUNIT_ASSERT_NOT_NULL(test, job);
	job->n = ARRAY_SIZE(job->obj);
	tiny_begin_block();
	mine = tiny_get(test, 1);
	run_in_hardirq(make_in_irq, job);
	tiny_end_block();
	for (i = 0; i < job->n; i++) {
		tiny_expect(test, job->obj[i], 1 + i % 4);
		KUNIT_EXPECT_TRUE(test, shares_block(job->obj[i]));
		KUNIT_EXPECT_NE(test, tiny_block_of(mine),
				tiny_block_of(job->obj[i]));
		for (k = 0; k < i; k++)
			KUNIT_EXPECT_PTR_NE(test, job->obj[k], job->obj[i]);
		memset(job->obj[i], tiny_byte_of(job->obj[i]), 1 + i % 4);
	}
	for (i = 0; i < job->n; i++)
		tiny_put(test, job->obj[i], 1 + i % 4);
	tiny_put(test, mine, 1);
	tiny_expect_all_back(test);
}

/* A drain releases the current block of a CPU if the block has no objects. */
static void test_drain(struct kunit *test)
{
	struct gomem_tiny_stats now;
	char *p;

	tiny_begin_block();
	p = tiny_get(test, 4);
	tiny_put(test, p, 4);
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, 1, now.blocks);
	KUNIT_EXPECT_EQ(test, GOMEM_TINY_HELD | BIT(0), mask_of(p));
	tiny_end_block();
	gomem_mcache_drain(false);
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, 0, now.blocks);

	/*
	 * If the current block has a live object, a drain takes the block from
	 * the CPU, but does not free it. The object gets the rest of the block.
	 */
	tiny_begin_block();
	p = tiny_get(test, 4);
	KUNIT_EXPECT_EQ(test, 4, gomem_usable_size(p));
	tiny_end_block();
	gomem_mcache_drain(false);
	KUNIT_EXPECT_EQ(test, BIT(0), mask_of(p));
	KUNIT_EXPECT_EQ(test, 16, gomem_usable_size(p));
	tiny_expect_kept(test, p, 4);
	KUNIT_EXPECT_TRUE(test, is_zero(p + 4, 12));
	gomem_free(p);
	tiny_expect_all_back(test);
}

/*
 * A look drops the rest of a block only if the block has not been used since
 * the look before.
 */
static void test_drain_idle(struct kunit *test)
{
	char *p, *q, *r;

	tiny_begin_block();
	p = tiny_get(test, 1);
	gomem_mcache_drain(true);
	KUNIT_EXPECT_TRUE(test, mask_of(p) & GOMEM_TINY_HELD);
	q = tiny_get(test, 1);
	KUNIT_EXPECT_EQ(test, tiny_block_of(p), tiny_block_of(q));
	gomem_mcache_drain(true);
	gomem_mcache_drain(true);
	KUNIT_EXPECT_FALSE(test, mask_of(p) & GOMEM_TINY_HELD);
	r = tiny_get(test, 1);
	KUNIT_EXPECT_NE(test, tiny_block_of(p), tiny_block_of(r));
	tiny_end_block();
	tiny_put(test, p, 1);
	tiny_put(test, q, 1);
	tiny_put(test, r, 1);
}

/* Counters */

static void test_counted(struct kunit *test)
{
	struct tiny_fixture *f = test->priv;
	struct gomem_tiny_stats now;
	unsigned int i, n = 100;

	tiny_begin_block();
	for (i = 0; i < n; i++)
		f->obj[i] = tiny_get(test, 4);
	tiny_end_block();
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, f->before.allocs + n, now.allocs);
	KUNIT_EXPECT_EQ(test, f->before.frees, now.frees);
	KUNIT_EXPECT_EQ(test, DIV_ROUND_UP(n, 4), now.blocks);
	KUNIT_EXPECT_GE(test, now.sys, now.blocks * 16);
	KUNIT_EXPECT_EQ(test, now.sys, now.spans * GOMEM_PAGE_SIZE);
	for (i = 0; i < n; i++)
		tiny_put(test, f->obj[i], 4);
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, f->before.frees + n, now.frees);
	tiny_expect_all_back(test);
}

/* Objects of 4 bytes take little more than 4.5 bytes each. */
static void test_density(struct kunit *test)
{
	struct tiny_fixture *f = test->priv;
	struct gomem_tiny_stats now;
	unsigned int i;

	gomem_scavenge_all();
	for (i = 0; i < MAX_OBJECTS; i++)
		f->obj[i] = tiny_get(test, 4);
	gomem_tiny_get_stats(&now);
	/*
	 * Four objects share a block of 16 bytes and a mask of 2 bytes. CPUs
	 * hold some more blocks.
	 */
	KUNIT_EXPECT_LE(test, now.sys,
			MAX_OBJECTS * 18 / 4 + 10 * GOMEM_PAGE_SIZE);
	tiny_free_all(f);
	tiny_expect_all_back(test);
}

/* Zeroes, sizes, moving */

static void test_usable_size(struct kunit *test)
{
	char *p[4];

	tiny_begin_block();
	p[0] = tiny_get(test, 3);
	p[1] = tiny_get(test, 2);
	p[2] = tiny_get(test, 1);
	p[3] = tiny_get(test, 4);
	tiny_end_block();
	KUNIT_EXPECT_EQ(test, 4, tiny_off_of(p[1]));
	KUNIT_EXPECT_EQ(test, 6, tiny_off_of(p[2]));
	KUNIT_EXPECT_EQ(test, 8, tiny_off_of(p[3]));
	KUNIT_EXPECT_EQ(test, 4, gomem_usable_size(p[0]));
	KUNIT_EXPECT_EQ(test, 2, gomem_usable_size(p[1]));
	KUNIT_EXPECT_EQ(test, 2, gomem_usable_size(p[2]));
	KUNIT_EXPECT_EQ(test, 4, gomem_usable_size(p[3]));
	/*
	 * When an object is freed, the object before it gets the freed bytes,
	 * which are zero.
	 */
	tiny_put(test, p[1], 2);
	KUNIT_EXPECT_EQ(test, 6, gomem_usable_size(p[0]));
	KUNIT_EXPECT_TRUE(test, is_zero(p[0] + 3, 3));
	memset(p[0], tiny_byte_of(p[0]), 6);
	tiny_put(test, p[2], 1);
	KUNIT_EXPECT_EQ(test, 8, gomem_usable_size(p[0]));
	KUNIT_EXPECT_TRUE(test, is_zero(p[0] + 6, 2));
	tiny_expect_kept(test, p[0], 6);
	gomem_mcache_drain(false);
	KUNIT_EXPECT_EQ(test, 8, gomem_usable_size(p[3]));
	memset(p[0], tiny_byte_of(p[0]), 8);
	memset(p[3], tiny_byte_of(p[3]), 8);
	tiny_put(test, p[0], 8);
	KUNIT_EXPECT_TRUE(test, is_zero((void *)tiny_block_of(p[3]), 8));
	tiny_put(test, p[3], 8);
}

/*
 * A free clears all bytes of the object's part, however the block is cut. The
 * last free of a block is not checked: the free block holds a key.
 */
static void test_cleared(struct kunit *test)
{
	struct tiny_fixture *f = test->priv;
	unsigned int round, i, n;
	u8 *block;

	for (round = 0; round < 300; round++) {
		tiny_begin_block();
		n = 0;
		do {
			f->size[n] = 1 + below(&f->base.rnd, 4);
			f->obj[n] = tiny_get(test, f->size[n]);
		} while (share_block(f->obj[n++], f->obj[0]) && n < 16);
		tiny_end_block();
		block = (u8 *)tiny_block_of(f->obj[0]);
		shuffle(&f->base.rnd, (void **)f->obj, n);
		if (round % 2)
			gomem_mcache_drain(false);
		for (i = 0; i < n; i++) {
			size_t usable = gomem_usable_size(f->obj[i]);

			memset(f->obj[i], tiny_byte_of(f->obj[i]), usable);
			tiny_put(test, f->obj[i], usable);
			KUNIT_ASSERT_TRUE(test, is_zero(f->obj[i], usable) ||
					  !mask_of(f->obj[i]));
		}
		KUNIT_ASSERT_EQ(test, 0, mask_of(block));
	}
}

static void test_realloc(struct kunit *test)
{
	unsigned int from, to, kept, usable;
	char *p, *q, *next;

	for (from = 1; from <= GOMEM_TINY_OPENS; from++) {
		for (to = 1; to < 40; to++) {
			tiny_begin_block();
			p = gomem_alloc_noscan(from, GFP_KERNEL | __GFP_ZERO);
			next = tiny_get(test, 1);
			tiny_end_block();
			tiny_expect(test, p, from);
			memset(p, tiny_byte_of(p), from);
			q = gomem_realloc(p, to, GFP_KERNEL | __GFP_ZERO);
			KUNIT_ASSERT_NOT_NULL(test, q);
			KUNIT_EXPECT_EQ(test, to <= ALIGN(from, 2), p == q);
			if (to > 4 && (to < 9 || to > 15))
				KUNIT_EXPECT_FALSE(test, shares_block(q));
			KUNIT_EXPECT_TRUE(test, is_noscan(q));
			kept = min(from, to);
			usable = gomem_usable_size(q);
			KUNIT_EXPECT_NULL(test, memchr_inv(q, tiny_byte_of(p),
							   kept));
			KUNIT_EXPECT_GE(test, usable, to);
			KUNIT_EXPECT_TRUE(test,
					  is_zero(q + kept, usable - kept));
			gomem_free(q);
			tiny_put(test, next, 1);
		}
	}
}

/*
 * If a block is no longer the current block of a CPU, and has only one object
 * left, the object grows in place, up to the end of the block. The bytes that
 * it gets are zero.
 */
static void test_realloc_in_place(struct kunit *test)
{
	char *p, *q;

	tiny_begin_block();
	p = gomem_alloc_noscan(3, GFP_KERNEL | __GFP_ZERO);
	q = tiny_get(test, 4);
	tiny_end_block();
	gomem_mcache_drain(false);
	memset(p, 1, 3);
	memset(q, 2, 4);
	gomem_free(q);
	p = gomem_realloc(p, 16, GFP_KERNEL | __GFP_ZERO);
	KUNIT_EXPECT_PTR_EQ(test, q - 4, p);
	KUNIT_EXPECT_TRUE(test, !memchr_inv(p, 1, 3) && is_zero(p + 3, 13));
	memset(p, 1, 16);
	KUNIT_EXPECT_PTR_EQ(test, p,
			    gomem_realloc(p, 2, GFP_KERNEL | __GFP_ZERO));
	KUNIT_EXPECT_TRUE(test, !memchr_inv(p, 1, 2) && is_zero(p + 2, 14));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
			    gomem_realloc(p, 0, GFP_KERNEL));
	tiny_expect_all_back(test);
}

static void test_free_sensitive(struct kunit *test)
{
	char *p, *q;

	tiny_begin_block();
	p = tiny_get(test, 4);
	q = tiny_get(test, 4);
	tiny_end_block();
	gomem_free_sensitive(p);
	KUNIT_EXPECT_TRUE(test, is_zero(p, 4));
	tiny_expect_kept(test, q, 4);
	gomem_free_sensitive(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	tiny_put(test, q, 4);
}

/* No memory */

static void test_no_memory(struct kunit *test)
{
	u64 failures = gomem_event_sum(GOMEM_EV_ALLOC_FAILURES);
	struct tiny_fixture *f = test->priv;
	unsigned int n = 0;

	no_pages_begin();
	while (n < MAX_OBJECTS &&
	       (f->obj[n] = gomem_alloc_noscan(1 + n % 15, GFP_KERNEL)))
		n++;
	KUNIT_EXPECT_LT(test, n, MAX_OBJECTS);
	KUNIT_EXPECT_EQ(test, 1,
			gomem_event_sum(GOMEM_EV_ALLOC_FAILURES) - failures);
	expect_sound(test);
	no_pages_end();
	while (n--)
		gomem_free(f->obj[n]);
	tiny_put(test, tiny_get(test, 4), 4);
	tiny_expect_all_back(test);
}

/* Threads and interrupt handlers that free objects of each other */

#define MAX_SHARED	512
#define RUN_MS		1000

struct exchanger {
	struct worker base;
	char **shared;
	unsigned int nr;
	unsigned int max_size;
};

/*
 * Allocate an object, leave it in e->shared, and free the object that was there
 * before. Each byte of an object has the object's length as its value.
 */
static void exchange(struct exchanger *e, gfp_t gfp)
{
	unsigned int size = 1 + below(&e->base.rnd, e->max_size);
	char *p = gomem_alloc_noscan(size, gfp);

	if (p && memchr_inv(p, 0, size) && shares_block(p))
		e->base.error = "an object was not clear";
	if (p) {
		memset(p, size, size);
		e->base.done++;
	}
	p = xchg(&e->shared[below(&e->base.rnd, e->nr)], p);
	if (!p)
		return;
	if (*p < 1 || *p > 15 || memchr_inv(p, *p, *p) ||
	    gomem_usable_size(p) < *p)
		e->base.error = "an object was overwritten";
	gomem_free(p);
}

static void exchange_step(struct worker *w)
{
	struct exchanger *e = container_of(w, struct exchanger, base);
	unsigned long flags;

	switch (below(&w->rnd, 16)) {
	case 0:
		local_irq_save(flags);
		exchange(e, GFP_ATOMIC | __GFP_NOWARN);
		local_irq_restore(flags);
		break;
	case 1:
		local_bh_disable();
		exchange(e, GFP_ATOMIC | __GFP_NOWARN);
		local_bh_enable();
		break;
	default:
		exchange(e, GFP_KERNEL);
	}
}

static void exchange_in_irq(void *arg)
{
	unsigned int i;

	/*
	 * Lockdep may report spinlocks in interrupt handlers, since they would
	 * sleep on PREEMPT_RT. But this handler does not run there:
	 * skip_on_rt(). So tell lockdep to allow them here.
	 */
	lockdep_hardirq_threaded();
	for (i = 0; i < 50; i++)
		exchange(arg, GFP_ATOMIC | __GFP_NOWARN);
}

static void interrupt_threads(struct exchanger *e)
{
	unsigned long end = jiffies + msecs_to_jiffies(RUN_MS);
	int cpu;

	while (time_before(jiffies, end)) {
		for_each_online_cpu(cpu)
			smp_call_function_single(cpu, exchange_in_irq, e, true);
		msleep(20);
		gomem_mcache_drain(true);
	}
}

/*
 * Threads share @nr objects of up to @max_size bytes. The last entry of e[]
 * belongs to no thread: interrupts use it.
 */
static void run_threads(struct kunit *test, unsigned int nr,
			unsigned int max_size)
{
	struct tiny_fixture *f = test->priv;
	unsigned int n = nr_workers(), i;
	struct exchanger *e;
	char **shared;

	skip_on_rt(test);
	shared = kunit_kcalloc(test, nr, sizeof(*shared), GFP_KERNEL);
	e = kunit_kcalloc(test, n + 1, sizeof(*e), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, shared && e);
	for (i = 0; i <= n; i++) {
		e[i].shared = shared;
		e[i].nr = nr;
		e[i].max_size = max_size;
		prandom_seed_state(&e[i].base.rnd, f->base.seed + i);
		if (i < n)
			worker_start(&e[i].base, exchange_step,
				     f->base.seed + i, WORKER_ANYWHERE);
	}
	interrupt_threads(&e[n]);
	for (i = 0; i <= n; i++) {
		worker_stop(&e[i].base);
		worker_expect(test, &e[i].base);
	}
	expect_sound(test);
	for (i = 0; i < nr; i++)
		gomem_free(shared[i]);
	tiny_expect_all_back(test);
}

static void test_threads(struct kunit *test)
{
	run_threads(test, MAX_SHARED, 15);
}

/*
 * Objects live for so short a time that most of them are freed in the current
 * block of another CPU.
 */
static void test_threads_held(struct kunit *test)
{
	run_threads(test, 8, 4);
}

static struct kunit_case tiny_cases[] = {
	KUNIT_CASE(test_shared),
	KUNIT_CASE(test_joining),
	KUNIT_CASE(test_not_shared),
	KUNIT_CASE(test_new_block),
	KUNIT_CASE(test_random),
	KUNIT_CASE(test_last_part),
	KUNIT_CASE(test_other_cpu),
	KUNIT_CASE(test_from_irq),
	KUNIT_CASE(test_gone),
	KUNIT_CASE(test_in_irq),
	KUNIT_CASE(test_drain),
	KUNIT_CASE(test_drain_idle),
	KUNIT_CASE(test_counted),
	KUNIT_CASE(test_density),
	KUNIT_CASE(test_usable_size),
	SLOW_CASE(test_cleared),
	KUNIT_CASE(test_realloc),
	KUNIT_CASE(test_realloc_in_place),
	KUNIT_CASE(test_free_sensitive),
	KUNIT_CASE(test_no_memory),
	KUNIT_CASE(test_threads),
	KUNIT_CASE(test_threads_held),
	{}
};

static struct kunit_suite tiny_suite = {
	.name = "gomem_tiny",
	.init = tiny_init,
	.exit = tiny_exit,
	.test_cases = tiny_cases,
};

kunit_test_suite(tiny_suite);
