// SPDX-License-Identifier: GPL-2.0
/*
 * tiny_kunit.c - objects that share a block, on the module's own heap.
 *
 * Objects are filled with a pattern while they are live: an overlap breaks it. The
 * reports of misuse that this leaves in the log are meant to be there.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/smp.h>
#include <linux/workqueue.h>

#include "balance.h"
#include "check.h"
#include "epoch.h"
#include "mcache.h"
#include "node.h"
#include "stats.h"
#include "tiny.h"

static uint seed_param;
module_param_named(tiny_seed, seed_param, uint, 0444);
MODULE_PARM_DESC(tiny_seed, "Seed of the random cases (0: pick one)");

#define MAX_OBJECTS	4096

struct fixture {
	struct balance balance;
	struct gomem_tiny_stats before;
	struct rnd_state rnd;
	u32 seed;
	char *obj[MAX_OBJECTS];
	u8 size[MAX_OBJECTS];
};

static u32 below(struct fixture *f, u32 limit)
{
	return prandom_u32_state(&f->rnd) % limit;
}

static void expect_misuses(struct kunit *test, unsigned int what, unsigned int n)
{
	struct fixture *f = test->priv;

	balance_expect_misuses(test, &f->balance, what, n);
}

static unsigned int off_of(const void *p)
{
	return (unsigned long)p % 16;
}

static unsigned long block_of(const void *p)
{
	return (unsigned long)p - off_of(p);
}

/* Each byte differs from those of neighbours. */
static u8 byte_of(const char *p)
{
	return (unsigned long)p * 37 + 11;
}

/* Live, of @size bytes, and where the rules allow it. */
static void expect_object(struct kunit *test, void *p, unsigned int size)
{
	size_t usable = gomem_usable_size(p);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_EQ_MSG(test, 0, (unsigned long)p % BIT(__ffs(size)), "size %u", size);
	KUNIT_ASSERT_GE_MSG(test, usable, size, "size %u", size);
	KUNIT_ASSERT_TRUE(test, gomem_owns(p) && gomem_owns(p + usable - 1));
	if (!shares_block(p))
		return;
	KUNIT_ASSERT_LE_MSG(test, off_of(p) + usable, 16, "size %u", size);
	KUNIT_ASSERT_NE(test, 15, off_of(p));
	KUNIT_ASSERT_TRUE_MSG(test, is_zero(p, usable), "size %u", size);
}

static char *get(struct kunit *test, unsigned int size)
{
	char *p = gomem_alloc_noscan(size, GFP_KERNEL);

	expect_object(test, p, size);
	memset(p, byte_of(p), size);
	return p;
}

static void expect_kept(struct kunit *test, const char *p, unsigned int size)
{
	KUNIT_ASSERT_TRUE_MSG(test, !memchr_inv(p, byte_of(p), size), "size %u at + %u", size,
			      off_of(p));
}

static void put(struct kunit *test, char *p, unsigned int size)
{
	expect_kept(test, p, size);
	KUNIT_ASSERT_GE(test, gomem_usable_size(p), size);
	gomem_free(p);
}

/* The CPU stays, and has no block: the next object begins one. */
static void begin_block(void)
{
	gomem_scavenge_all();
	migrate_disable();
}

static void end_block(void)
{
	migrate_enable();
}

/* Cutting, in a page of the test's own */

static unsigned int model_cut(unsigned int *mask, unsigned int *off, unsigned int size)
{
	unsigned int align = BIT(__ffs(size));
	unsigned int start = *off;

	while (start % align)
		start++;
	if (start + size > 16)
		return 16;
	*mask &= ~BIT(*off);
	*mask |= BIT(start);
	*off = start + size;
	if (*off < 15)
		*mask |= BIT(*off);
	else
		*mask &= ~BIT(15);
	return start;
}

static void cut_one_block(struct kunit *test, unsigned long block)
{
	struct gomem_tiny t = { .block = block };
	struct fixture *f = test->priv;
	unsigned int mask = BIT(15) | BIT(0), off = 0, size, want;
	void *p;

	atomic_or(mask << gomem_tiny_shift(block), gomem_tiny_word(block));
	while (t.block) {
		size = 1 + below(f, 15);
		want = model_cut(&mask, &off, size);
		p = gomem_tiny_cut(&t, size);
		KUNIT_ASSERT_PTR_EQ(test, want < 16 ? (void *)block + want : NULL, p);
		KUNIT_ASSERT_EQ_MSG(test, mask, gomem_tiny_mask(block), "size %u at %u", size, off);
		KUNIT_ASSERT_EQ(test, off < 15 ? off : 16, t.off);
		KUNIT_ASSERT_EQ(test, off < 15 ? block : 0, t.block);
		if (p || below(f, 2))
			continue;
		/* Now and then the rest is let go of. */
		KUNIT_ASSERT_EQ(test, mask == (BIT(15) | BIT(off)), gomem_tiny_drop(&t));
		mask &= ~(BIT(15) | BIT(off));
		KUNIT_ASSERT_EQ(test, mask, gomem_tiny_mask(block));
		return;
	}
}

static void test_cut(struct kunit *test)
{
	unsigned long page = __get_free_pages(GFP_KERNEL | __GFP_ZERO, GOMEM_PAGE_ORDER);
	u16 masks[GOMEM_TINY_BLOCKS];
	unsigned int i, round;
	unsigned long block;

	KUNIT_ASSERT_NE(test, 0, page);
	for (round = 0; round < 20; round++) {
		memset((void *)page, 0, GOMEM_PAGE_SIZE);
		for (i = 0; i < GOMEM_TINY_BLOCKS; i++) {
			cut_one_block(test, page + 16 * i);
			masks[i] = gomem_tiny_mask(page + 16 * i);
		}
		/* No mask is another block's. */
		for (i = 0; i < GOMEM_TINY_BLOCKS; i++) {
			block = page + 16 * i;
			KUNIT_ASSERT_EQ(test, masks[i], gomem_tiny_mask(block + i % 16));
			KUNIT_ASSERT_EQ(test, masks[i], gomem_tiny_clear(block, 0xffff));
			masks[i] = 0;
		}
		KUNIT_ASSERT_TRUE(test, is_zero((void *)page, GOMEM_PAGE_SIZE));
	}
	free_pages(page, GOMEM_PAGE_ORDER);
}

static void test_nothing_to_cut(struct kunit *test)
{
	struct gomem_tiny none = GOMEM_TINY_NONE;
	unsigned int size;

	for (size = 1; size < 16; size++)
		KUNIT_EXPECT_NULL(test, gomem_tiny_cut(&none, size));
	KUNIT_EXPECT_EQ(test, 0, none.block);
}

/* Which objects share */

static void expect_neighbours(struct kunit *test, char **p, unsigned int n, unsigned int size)
{
	unsigned int i, step = size;

	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_TRUE(test, shares_block(p[i]));
		KUNIT_EXPECT_EQ_MSG(test, i * step, off_of(p[i]), "size %u", size);
		KUNIT_EXPECT_EQ_MSG(test, block_of(p[0]), block_of(p[i]), "size %u", size);
	}
}

/* As many of a size as fit; the next one begins another block. */
static void test_shared(struct kunit *test)
{
	static const unsigned int fits[] = { 0, 15, 8, 5, 4, 3 };
	struct fixture *f = test->priv;
	unsigned int size, i, n;

	for (size = 1; size <= 5; size++) {
		n = fits[size];
		begin_block();
		for (i = 0; i < n + 1; i++)
			f->obj[i] = get(test, size);
		end_block();
		expect_neighbours(test, f->obj, n, size);
		KUNIT_EXPECT_NE(test, block_of(f->obj[0]), block_of(f->obj[n]));
		for (i = 0; i < n + 1; i++)
			put(test, f->obj[i], size);
	}
}

/* From 9 on an object takes what room there is, and 6 to 8 bytes never share. */
static void test_joining(struct kunit *test)
{
	char *first, *p, *alone;
	unsigned int size;

	for (size = 1; size < 16; size++) {
		begin_block();
		alone = size > 5 ? get(test, size) : NULL;
		first = get(test, 1);
		p = get(test, size);
		end_block();
		KUNIT_EXPECT_FALSE(test, alone && shares_block(alone));
		KUNIT_EXPECT_TRUE(test, shares_block(first));
		if (size < 6 || size > 8)
			KUNIT_EXPECT_EQ_MSG(test, ALIGN(1, BIT(__ffs(size))) + size <= 16,
					    block_of(p) == block_of(first), "size %u", size);
		else
			KUNIT_EXPECT_FALSE_MSG(test, shares_block(p), "size %u", size);
		put(test, first, 1);
		put(test, p, size);
		if (alone)
			put(test, alone, size);
	}
}

/* With pointers in them, or of a node, objects have their own memory. */
static void test_not_shared(struct kunit *test)
{
	unsigned int size;
	void *p[4], *q;

	for (size = 1; size < 16; size++) {
		p[0] = gomem_alloc(size, GFP_KERNEL);
		p[1] = gomem_zalloc(size, GFP_KERNEL);
		p[2] = gomem_memdup("123456789abcdef", size, GFP_KERNEL);
		p[3] = gomem_alloc_node(size, GFP_KERNEL, 0);
		KUNIT_EXPECT_FALSE(test, shares_block(p[0]) || shares_block(p[1]) ||
				   shares_block(p[2]) || shares_block(p[3]));
		gomem_free_bulk(4, p);
		q = gomem_realloc(NULL, size, GFP_KERNEL);
		KUNIT_EXPECT_FALSE(test, shares_block(q));
		gomem_free(q);
	}
}

/* Of the old rest and the new one the larger is used on. */
static void test_larger_rest(struct kunit *test)
{
	char *p[5];

	begin_block();
	p[0] = get(test, 1);
	p[1] = get(test, 12);
	p[2] = get(test, 2);	/* does not fit; leaves 14, more than none */
	p[3] = get(test, 12);
	end_block();
	KUNIT_EXPECT_EQ(test, 4, off_of(p[1]));
	KUNIT_EXPECT_NE(test, block_of(p[0]), block_of(p[2]));
	KUNIT_EXPECT_PTR_EQ(test, (char *)block_of(p[2]) + 4, p[3]);
	put(test, p[0], 1);
	put(test, p[1], 12);
	put(test, p[2], 2);
	put(test, p[3], 12);

	begin_block();
	p[0] = get(test, 3);
	p[1] = get(test, 3);
	p[2] = get(test, 3);
	p[3] = get(test, 3);	/* leaves 4 */
	p[4] = get(test, 5);	/* does not fit; leaves 11 */
	KUNIT_EXPECT_EQ(test, 5, per_cpu(gomem_mcache_task, smp_processor_id())->tiny.off);
	end_block();
	KUNIT_EXPECT_EQ(test, block_of(p[0]), block_of(p[3]));
	KUNIT_EXPECT_NE(test, block_of(p[0]), block_of(p[4]));
	/* What was let go of belongs to the last object there. */
	KUNIT_EXPECT_EQ(test, 7, gomem_usable_size(p[3]));
	KUNIT_EXPECT_EQ(test, 5, gomem_usable_size(p[4]));
	put(test, p[0], 3);
	put(test, p[1], 3);
	put(test, p[2], 3);
	put(test, p[3], 3);
	put(test, p[4], 5);
}

/* Random sequences, on all CPUs, against the pattern. */
static void move_elsewhere(struct fixture *f)
{
	int cpu = cpumask_nth(below(f, num_online_cpus()), cpu_online_mask);

	set_cpus_allowed_ptr(current, cpumask_of(cpu));
}

static void replace_one(struct kunit *test, unsigned int i)
{
	struct fixture *f = test->priv;
	char text[16];

	if (f->obj[i]) {
		put(test, f->obj[i], f->size[i]);
		f->obj[i] = NULL;
		return;
	}
	f->size[i] = 1 + below(f, below(f, 3) ? 5 : 15);
	if (below(f, 4)) {
		f->obj[i] = get(test, f->size[i]);
		return;
	}
	memset(text, 'x', f->size[i] - 1);
	text[f->size[i] - 1] = 0;
	f->obj[i] = gomem_strdup(text, GFP_ATOMIC);
	KUNIT_ASSERT_NOT_NULL(test, f->obj[i]);
	KUNIT_ASSERT_STREQ(test, text, f->obj[i]);
	memset(f->obj[i], byte_of(f->obj[i]), f->size[i]);
}

static void test_random(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, round;

	for (round = 0; round < 40000; round++) {
		replace_one(test, below(f, round < 20000 ? MAX_OBJECTS : 200));
		if (round % 5000 == 0)
			move_elsewhere(f);
		if (round % 8000 == 7999)
			gomem_mcache_drain(below(f, 2));
		if (round % 10000 == 0)
			KUNIT_ASSERT_TRUE_MSG(test, !gomem_check_all(), "%s", gomem_check_all());
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	for (i = 0; i < MAX_OBJECTS; i++)
		if (f->obj[i])
			put(test, f->obj[i], f->size[i]);
}

/* Coming back */

static void expect_all_back(struct kunit *test)
{
	struct gomem_tiny_stats now;

	gomem_scavenge_all();
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, now.allocs, now.frees);
	KUNIT_EXPECT_EQ(test, 0, now.blocks);
	KUNIT_EXPECT_EQ(test, 0, now.cached);
	KUNIT_EXPECT_EQ(test, 0, now.sys);
}

static void free_all(void *arg)
{
	struct fixture *f = arg;
	unsigned int i;

	/* On PREEMPT_RT the handler would be a thread, whose locks may sleep. */
	lockdep_hardirq_threaded();
	for (i = 0; i < MAX_OBJECTS; i++) {
		gomem_free(f->obj[i]);
		f->obj[i] = NULL;
	}
}

static long free_all_work(void *arg)
{
	free_all(arg);
	return 0;
}

static void shuffle(struct fixture *f)
{
	unsigned int i, k;

	for (i = MAX_OBJECTS - 1; i; i--) {
		k = below(f, i + 1);
		swap(f->obj[i], f->obj[k]);
	}
}

static void make_all(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < MAX_OBJECTS; i++)
		f->obj[i] = get(test, 1 + i % 5);
	shuffle(f);
}

static void test_last_part(struct kunit *test)
{
	struct gomem_tiny_stats now;
	char *p[3];

	begin_block();
	p[0] = get(test, 5);
	p[1] = get(test, 5);
	p[2] = get(test, 5);
	end_block();
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, 1, now.blocks);
	put(test, p[1], 5);
	put(test, p[2], 5);
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, 1, now.blocks);
	KUNIT_EXPECT_EQ(test, BIT(0), gomem_tiny_mask(block_of(p[0])));
	put(test, p[0], 5);
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, 0, now.blocks);
	expect_all_back(test);
}

static void test_other_cpu(struct kunit *test)
{
	struct fixture *f = test->priv;
	int cpu;

	for_each_online_cpu(cpu) {
		make_all(test);
		KUNIT_EXPECT_EQ(test, 0, work_on_cpu(cpu, free_all_work, f));
		expect_all_back(test);
	}
}

static void test_from_irq(struct kunit *test)
{
	struct fixture *f = test->priv;
	int cpu;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "on PREEMPT_RT allocation is for tasks");
	for_each_online_cpu(cpu) {
		make_all(test);
		KUNIT_EXPECT_EQ(test, 0, smp_call_function_single(cpu, free_all, f, true));
		expect_all_back(test);
	}
}

struct irq_job {
	struct irq_work work;
	char *obj[64];
	unsigned int n;
};

static void make_in_irq(struct irq_work *work)
{
	struct irq_job *job = container_of(work, struct irq_job, work);
	unsigned int i;

	for (i = 0; i < job->n; i++)
		job->obj[i] = gomem_alloc_noscan(1 + i % 5, GFP_ATOMIC | __GFP_NOWARN);
}

/* An interrupt has a block of its own. */
static void test_in_irq(struct kunit *test)
{
	struct irq_job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	unsigned int i, k;
	char *mine;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "on PREEMPT_RT allocation is for tasks");
	KUNIT_ASSERT_NOT_NULL(test, job);
	job->work = IRQ_WORK_INIT(make_in_irq);
	job->n = ARRAY_SIZE(job->obj);
	begin_block();
	mine = get(test, 1);
	irq_work_queue(&job->work);
	irq_work_sync(&job->work);
	end_block();
	for (i = 0; i < job->n; i++) {
		expect_object(test, job->obj[i], 1 + i % 5);
		KUNIT_EXPECT_TRUE(test, shares_block(job->obj[i]));
		KUNIT_EXPECT_NE(test, block_of(mine), block_of(job->obj[i]));
		for (k = 0; k < i; k++)
			KUNIT_EXPECT_PTR_NE(test, job->obj[k], job->obj[i]);
		memset(job->obj[i], byte_of(job->obj[i]), 1 + i % 5);
	}
	for (i = 0; i < job->n; i++)
		put(test, job->obj[i], 1 + i % 5);
	put(test, mine, 1);
	expect_all_back(test);
}

/* A block that a CPU holds, without an object in it, is let go of when it is drained. */
static void test_drain(struct kunit *test)
{
	struct gomem_tiny_stats now;
	char *p;

	begin_block();
	p = get(test, 5);
	put(test, p, 5);
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, 1, now.blocks);
	KUNIT_EXPECT_EQ(test, BIT(15) | BIT(0), gomem_tiny_mask((unsigned long)p));
	end_block();
	gomem_mcache_drain(false);
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, 0, now.blocks);

	/* What lives keeps its block, and has all of it. */
	begin_block();
	p = get(test, 5);
	KUNIT_EXPECT_EQ(test, 5, gomem_usable_size(p));
	end_block();
	gomem_mcache_drain(false);
	KUNIT_EXPECT_EQ(test, BIT(0), gomem_tiny_mask((unsigned long)p));
	KUNIT_EXPECT_EQ(test, 16, gomem_usable_size(p));
	expect_kept(test, p, 5);
	KUNIT_EXPECT_TRUE(test, is_zero(p + 5, 11));
	gomem_free(p);
	expect_all_back(test);
}

/* Only what was not used since the last look, and not at the first look at it. */
static void test_drain_idle(struct kunit *test)
{
	char *p, *q, *r;

	begin_block();
	p = get(test, 1);
	gomem_mcache_drain(true);
	KUNIT_EXPECT_TRUE(test, gomem_tiny_mask((unsigned long)p) & BIT(15));
	q = get(test, 1);
	KUNIT_EXPECT_EQ(test, block_of(p), block_of(q));
	gomem_mcache_drain(true);
	gomem_mcache_drain(true);
	KUNIT_EXPECT_FALSE(test, gomem_tiny_mask((unsigned long)p) & BIT(15));
	r = get(test, 1);
	KUNIT_EXPECT_NE(test, block_of(p), block_of(r));
	end_block();
	put(test, p, 1);
	put(test, q, 1);
	put(test, r, 1);
}

/* Counters */

static void test_counted(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_tiny_stats now;
	unsigned int i, n = 100;

	begin_block();
	for (i = 0; i < n; i++)
		f->obj[i] = get(test, 5);
	end_block();
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, f->before.allocs + n, now.allocs);
	KUNIT_EXPECT_EQ(test, f->before.frees, now.frees);
	KUNIT_EXPECT_EQ(test, DIV_ROUND_UP(n, 3), now.blocks);
	KUNIT_EXPECT_GE(test, now.sys, now.blocks * 16);
	KUNIT_EXPECT_EQ(test, now.sys, now.spans * GOMEM_PAGE_SIZE);
	for (i = 0; i < n; i++)
		put(test, f->obj[i], 5);
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, f->before.frees + n, now.frees);
	expect_all_back(test);
}

/* What the pages hold, not what is counted. */
static void test_density(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_tiny_stats now;
	unsigned int i;

	gomem_scavenge_all();
	for (i = 0; i < MAX_OBJECTS; i++)
		f->obj[i] = get(test, 5);
	gomem_tiny_get_stats(&now);
	/* Three of a block of 16 bytes and a mask; and what CPUs have at hand. */
	KUNIT_EXPECT_LE(test, now.sys, MAX_OBJECTS * 6 + 10 * GOMEM_PAGE_SIZE);
	free_all(f);
	expect_all_back(test);
}

/* Zeroes, sizes, moving */

static void test_usable_size(struct kunit *test)
{
	char *p[4];

	begin_block();
	p[0] = get(test, 3);
	p[1] = get(test, 2);	/* behind a gap of one */
	p[2] = get(test, 1);
	p[3] = get(test, 4);	/* behind a gap of one */
	end_block();
	KUNIT_EXPECT_EQ(test, 4, off_of(p[1]));
	KUNIT_EXPECT_EQ(test, 6, off_of(p[2]));
	KUNIT_EXPECT_EQ(test, 8, off_of(p[3]));
	KUNIT_EXPECT_EQ(test, 4, gomem_usable_size(p[0]));
	KUNIT_EXPECT_EQ(test, 2, gomem_usable_size(p[1]));
	KUNIT_EXPECT_EQ(test, 2, gomem_usable_size(p[2]));
	KUNIT_EXPECT_EQ(test, 4, gomem_usable_size(p[3]));
	/* It grows when what is above goes, and what was there is cleared. */
	put(test, p[1], 2);
	KUNIT_EXPECT_EQ(test, 6, gomem_usable_size(p[0]));
	KUNIT_EXPECT_TRUE(test, is_zero(p[0] + 3, 3));
	memset(p[0], byte_of(p[0]), 6);
	put(test, p[2], 1);
	KUNIT_EXPECT_EQ(test, 8, gomem_usable_size(p[0]));
	KUNIT_EXPECT_TRUE(test, is_zero(p[0] + 6, 2));
	expect_kept(test, p[0], 6);
	gomem_mcache_drain(false);
	KUNIT_EXPECT_EQ(test, 8, gomem_usable_size(p[3]));
	memset(p[0], byte_of(p[0]), 8);
	memset(p[3], byte_of(p[3]), 8);
	put(test, p[0], 8);
	KUNIT_EXPECT_TRUE(test, is_zero((void *)block_of(p[3]), 8));
	put(test, p[3], 8);
}

/* All of what a part has is cleared as it is freed, for any split. */
static void test_cleared(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int round, i, n;
	u8 *block;

	for (round = 0; round < 300; round++) {
		begin_block();
		n = 0;
		do {
			f->size[n] = 1 + below(f, 5);
			f->obj[n] = get(test, f->size[n]);
		} while (block_of(f->obj[n++]) == block_of(f->obj[0]) && n < 16);
		end_block();
		block = (u8 *)block_of(f->obj[0]);
		if (round % 2)
			gomem_mcache_drain(false);
		for (i = 0; i < n; i++) {
			size_t usable = gomem_usable_size(f->obj[i]);

			memset(f->obj[i], byte_of(f->obj[i]), usable);
			put(test, f->obj[i], usable);
			KUNIT_ASSERT_TRUE(test, is_zero(f->obj[i], usable) ||
					  !gomem_tiny_mask((unsigned long)f->obj[i]));
		}
		KUNIT_ASSERT_EQ(test, 0, gomem_tiny_mask((unsigned long)block));
	}
}

static bool is_noscan(const void *p)
{
	return gomem_spc_noscan(gomem_pagemap_span(&gomem_pagemap, (unsigned long)p)->spc);
}

static void test_realloc(struct kunit *test)
{
	unsigned int from, to;
	char *p, *q, *next;

	for (from = 1; from < 6; from++) {
		for (to = 1; to < 40; to++) {
			begin_block();
			p = gomem_alloc_noscan(from, GFP_KERNEL | __GFP_ZERO);
			next = get(test, 1);
			end_block();
			expect_object(test, p, from);
			memset(p, byte_of(p), from);
			q = gomem_realloc(p, to, GFP_KERNEL | __GFP_ZERO);
			KUNIT_ASSERT_NOT_NULL(test, q);
			KUNIT_EXPECT_EQ(test, to <= from, p == q);
			if (to > 5 && (to < 9 || to > 15))
				KUNIT_EXPECT_FALSE(test, shares_block(q));
			KUNIT_EXPECT_TRUE(test, is_noscan(q));
			KUNIT_EXPECT_TRUE(test, !memchr_inv(q, byte_of(p), min(from, to)));
			KUNIT_EXPECT_GE(test, gomem_usable_size(q), to);
			KUNIT_EXPECT_TRUE(test, is_zero(q + min(from, to), gomem_usable_size(q) -
							min(from, to)));
			gomem_free(q);
			put(test, next, 1);
		}
	}
}

/* With nothing behind it an object grows where it is, into zeroes. */
static void test_realloc_in_place(struct kunit *test)
{
	char *p, *q;

	begin_block();
	p = gomem_alloc_noscan(3, GFP_KERNEL | __GFP_ZERO);
	q = get(test, 4);
	end_block();
	gomem_mcache_drain(false);
	memset(p, 1, 3);
	memset(q, 2, 4);
	gomem_free(q);
	p = gomem_realloc(p, 16, GFP_KERNEL | __GFP_ZERO);
	KUNIT_EXPECT_PTR_EQ(test, q - 4, p);
	KUNIT_EXPECT_TRUE(test, !memchr_inv(p, 1, 3) && is_zero(p + 3, 13));
	memset(p, 1, 16);
	KUNIT_EXPECT_PTR_EQ(test, p, gomem_realloc(p, 2, GFP_KERNEL | __GFP_ZERO));
	KUNIT_EXPECT_TRUE(test, !memchr_inv(p, 1, 2) && is_zero(p + 2, 14));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_realloc(p, 0, GFP_KERNEL));
	expect_all_back(test);
}

static void test_free_sensitive(struct kunit *test)
{
	char *p, *q;

	begin_block();
	p = get(test, 5);
	q = get(test, 5);
	end_block();
	gomem_free_sensitive(p);
	KUNIT_EXPECT_TRUE(test, is_zero(p, 5));
	expect_kept(test, q, 5);
	gomem_free_sensitive(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	put(test, q, 5);
}

/* Misuse */

static void refuse(struct kunit *test, void *p, unsigned int what)
{
	gomem_free(p);
	expect_misuses(test, what, 1);
	gomem_free_sensitive(p);
	expect_misuses(test, what, 1);
	KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p));
	expect_misuses(test, what == GOMEM_DOUBLE_FREE ? GOMEM_USE_AFTER_FREE : what, 1);
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, 30, GFP_KERNEL));
	expect_misuses(test, what == GOMEM_DOUBLE_FREE ? GOMEM_USE_AFTER_FREE : what, 1);
}

/* In a block that is held, one that is not, one in a slot, and where no page is. */
static void test_double_free(struct kunit *test)
{
	char *p[3];

	begin_block();
	p[0] = get(test, 5);
	p[1] = get(test, 5);
	put(test, p[0], 5);
	refuse(test, p[0], GOMEM_DOUBLE_FREE);
	p[2] = get(test, 5);
	KUNIT_EXPECT_EQ(test, block_of(p[0]), block_of(p[2]));
	KUNIT_EXPECT_FALSE(test, gomem_tiny_mask((unsigned long)p[0]) & BIT(15));
	refuse(test, p[0], GOMEM_DOUBLE_FREE);
	put(test, p[2], 5);
	refuse(test, p[2], GOMEM_DOUBLE_FREE);
	put(test, p[1], 5);
	KUNIT_EXPECT_EQ(test, 0, gomem_tiny_mask((unsigned long)p[0]));
	refuse(test, p[0], GOMEM_DOUBLE_FREE);
	refuse(test, p[1], GOMEM_DOUBLE_FREE);
	end_block();
	expect_all_back(test);
}

/* What was cut last is rest again, and then the one before it; in that order only. */
static void test_rest_again(struct kunit *test)
{
	struct gomem_tiny *rest;
	char *p[3], *q;

	begin_block();
	rest = &per_cpu(gomem_mcache_task, smp_processor_id())->tiny;
	p[0] = get(test, 3);
	p[1] = get(test, 4);
	p[2] = get(test, 1);
	KUNIT_EXPECT_EQ(test, 9, rest->off);
	put(test, p[1], 4);
	KUNIT_EXPECT_EQ(test, 9, rest->off);
	/* Alone now, it reaches down to nothing but itself. */
	put(test, p[2], 1);
	KUNIT_EXPECT_EQ(test, 8, rest->off);
	refuse(test, p[2], GOMEM_DOUBLE_FREE);
	refuse(test, p[1], GOMEM_DOUBLE_FREE);
	q = get(test, 5);
	KUNIT_EXPECT_PTR_EQ(test, p[2], q);
	put(test, q, 5);
	/* It has the bytes of the one that went before, too. */
	KUNIT_EXPECT_EQ(test, 8, gomem_usable_size(p[0]));
	put(test, p[0], 3);
	KUNIT_EXPECT_EQ(test, 0, rest->off);
	KUNIT_EXPECT_EQ(test, block_of(p[0]), rest->block);
	refuse(test, p[0], GOMEM_DOUBLE_FREE);
	q = get(test, 5);
	KUNIT_EXPECT_PTR_EQ(test, p[0], q);
	put(test, q, 5);
	end_block();
	expect_all_back(test);
}

/* While another object keeps the page in the heap. */
static void test_double_free_of_span(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;
	char *p;

	gomem_scavenge_all();
	make_all(test);
	p = f->obj[0];
	for (i = 0; i < MAX_OBJECTS; i++)
		if (((unsigned long)f->obj[i] ^ (unsigned long)p) & GOMEM_PAGE_MASK) {
			gomem_free(f->obj[i]);
			f->obj[i] = NULL;
		}
	/* Now those of its page; the slots keep some, and the span goes with the last. */
	free_all(f);
	gomem_free(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	gomem_mcache_drain(false);
	KUNIT_EXPECT_FALSE(test, gomem_owns(p));
	if (gomem_pagemap_has_page(&gomem_pagemap, (unsigned long)p)) {
		gomem_free(p);
		expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	}
	expect_all_back(test);
}

/*
 * The middle of an object is where no part starts, as it is in the middle of what was one;
 * and the rest may have been some.
 */
static void test_interior(struct kunit *test)
{
	char *p[3];
	int i;

	begin_block();
	p[0] = get(test, 5);
	p[1] = get(test, 5);
	for (i = 1; i < 5; i++) {
		refuse(test, p[0] + i, GOMEM_DOUBLE_FREE);
		refuse(test, p[1] + i, GOMEM_DOUBLE_FREE);
	}
	for (i = 5; i < 10; i++)
		refuse(test, p[1] + i, GOMEM_DOUBLE_FREE);
	expect_kept(test, p[0], 5);
	expect_kept(test, p[1], 5);
	/* Nothing was damaged: the block goes on. */
	p[2] = get(test, 5);
	KUNIT_EXPECT_PTR_EQ(test, p[1] + 5, p[2]);
	/* No object starts at the last byte, ever. */
	refuse(test, p[2] + 5, GOMEM_INTERIOR_POINTER);
	end_block();
	put(test, p[0], 5);
	put(test, p[1], 5);
	put(test, p[2], 5);
}

/* Behind the last block are the masks. */
static void test_masks_are_no_objects(struct kunit *test)
{
	char *p = get(test, 5), *page = (char *)((unsigned long)p & GOMEM_PAGE_MASK);
	unsigned int off;

	for (off = GOMEM_TINY_MASKS; off < GOMEM_PAGE_SIZE; off += 1 + off % 31)
		refuse(test, page + off, GOMEM_INTERIOR_POINTER);
	put(test, p, 5);
}

static void test_wrong_function(struct kunit *test)
{
	char *p = get(test, 5);

	gomem_scratch_put(p);
	expect_misuses(test, GOMEM_WRONG_FUNCTION, 1);
	gomem_arena_destroy((struct gomem_arena *)p);
	expect_misuses(test, GOMEM_BAD_ARENA, 1);
	put(test, p, 5);
}

static void test_refused(struct kunit *test)
{
	static const gfp_t bad[] = { __GFP_DMA, __GFP_DMA32, __GFP_HIGHMEM };
	size_t size, five = 5;
	unsigned int i;

	OPTIMIZER_HIDE_VAR(five);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(5, GFP_KERNEL | bad[i]));
		KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(five, GFP_KERNEL | bad[i]));
		KUNIT_EXPECT_NULL(test, gomem_strdup("four", GFP_KERNEL | bad[i]));
		expect_misuses(test, GOMEM_BAD_GFP, 3);
		for (size = 9; size < 16; size++)
			KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(size, GFP_KERNEL | bad[i]));
		expect_misuses(test, GOMEM_BAD_GFP, 7);
	}
}

/* A free block that is written to is set aside. */
static void test_write_after_free(struct kunit *test)
{
	struct gomem_heap *h;
	unsigned long *block;
	char *p[3], *q;

	begin_block();
	p[0] = get(test, 5);
	p[1] = get(test, 5);
	p[2] = get(test, 5);
	put(test, p[0], 5);
	put(test, p[1], 5);
	put(test, p[2], 5);
	block = (unsigned long *)block_of(p[0]);
	KUNIT_ASSERT_EQ(test, 0, gomem_tiny_mask((unsigned long)block));
	*block = 0x1234;
	q = get(test, 5);
	expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 1);
	KUNIT_EXPECT_NE(test, (unsigned long)block, block_of(q));
	KUNIT_EXPECT_EQ(test, 0, gomem_tiny_mask((unsigned long)block));
	put(test, q, 5);
	end_block();
	KUNIT_EXPECT_TRUE_MSG(test, !gomem_check_all(), "%s", gomem_check_all());
	/* For the cases to come: back to its span with it. */
	h = gomem_heap_of(block);
	atomic64_inc(&h->central[GOMEM_TINY_SPC].direct_frees);
	KUNIT_EXPECT_EQ(test, 0, gomem_mcentral_free(&h->central[GOMEM_TINY_SPC], (void **)&block,
						     1, false));
	expect_all_back(test);
}

static void test_no_memory(struct kunit *test)
{
	u64 failures = gomem_event_sum(GOMEM_EV_ALLOC_FAILURES);
	struct fixture *f = test->priv;
	unsigned int n = 0;

	no_pages_begin();
	while (n < MAX_OBJECTS && (f->obj[n] = gomem_alloc_noscan(1 + n % 15, GFP_KERNEL)))
		n++;
	KUNIT_EXPECT_LT(test, n, MAX_OBJECTS);
	KUNIT_EXPECT_EQ(test, 1, gomem_event_sum(GOMEM_EV_ALLOC_FAILURES) - failures);
	KUNIT_EXPECT_TRUE_MSG(test, !gomem_check_all(), "%s", gomem_check_all());
	no_pages_end();
	while (n--)
		gomem_free(f->obj[n]);
	put(test, get(test, 5), 5);
	expect_all_back(test);
}

/* What is wrong is found. */
static void expect_violation(struct kunit *test, const char *what)
{
	const char *err = gomem_check_all();

	KUNIT_EXPECT_STREQ(test, what, err ?: "nothing");
}

static void test_check(struct kunit *test)
{
	struct gomem_tiny saved, *rest;
	unsigned long block;
	char *p;

	begin_block();
	p = get(test, 5);
	block = block_of(p);
	rest = &per_cpu(gomem_mcache_task, smp_processor_id())->tiny;
	KUNIT_ASSERT_EQ(test, block, rest->block);
	expect_violation(test, "nothing");

	p[7] = 1;
	expect_violation(test, "tiny block is not zero where no object is");
	p[7] = 0;

	saved = *rest;
	rest->off++;
	expect_violation(test, "rest of a tiny block is not what its mask says");
	*rest = GOMEM_TINY_NONE;
	expect_violation(test, "tiny blocks are held that no CPU has");
	*rest = saved;

	/* Those of the span's other half were never handed out. */
	block = (block & GOMEM_PAGE_MASK) + 16 * (GOMEM_TINY_BLOCKS - 1);
	atomic_or(BIT(3) << gomem_tiny_shift(block), gomem_tiny_word(block));
	expect_violation(test, "mask of a tiny block that is free");
	gomem_tiny_clear(block, BIT(3));

	block += 16;
	atomic_or(BIT(3) << gomem_tiny_shift(block), gomem_tiny_word(block));
	expect_violation(test, "mask of a tiny block that there is not");
	gomem_tiny_clear(block, BIT(3));

	expect_violation(test, "nothing");
	end_block();
	put(test, p, 5);
}

/* Threads that free each other's objects, with interrupts among them */

#define SHARED		512
#define MAX_THREADS	8
#define RUN_MS		1500

struct worker {
	struct task_struct *task;
	char **shared;
	struct rnd_state rnd;
	unsigned long made;
	const char *error;
};

/* Its length in the first byte, then that again and again. */
static void exchange(struct worker *w, gfp_t gfp)
{
	unsigned int size = 1 + prandom_u32_state(&w->rnd) % 15;
	char *p = gomem_alloc_noscan(size, gfp);

	if (p && memchr_inv(p, 0, size) && shares_block(p))
		w->error = "an object was not clear";
	if (p) {
		memset(p, size, size);
		w->made++;
	}
	p = xchg(&w->shared[prandom_u32_state(&w->rnd) % SHARED], p);
	if (!p)
		return;
	if (*p < 1 || *p > 15 || memchr_inv(p, *p, *p) || gomem_usable_size(p) < *p)
		w->error = "an object was overwritten";
	gomem_free(p);
}

static int worker_run(void *arg)
{
	struct worker *w = arg;
	unsigned long flags;

	while (!kthread_should_stop()) {
		switch (w->error ? 2 : prandom_u32_state(&w->rnd) % 16) {
		case 0:
			local_irq_save(flags);
			exchange(w, GFP_ATOMIC | __GFP_NOWARN);
			local_irq_restore(flags);
			break;
		case 1:
			local_bh_disable();
			exchange(w, GFP_ATOMIC | __GFP_NOWARN);
			local_bh_enable();
			break;
		case 2:
			cond_resched();
			break;
		default:
			exchange(w, GFP_KERNEL);
		}
	}
	return 0;
}

static void exchange_in_irq(void *arg)
{
	unsigned int i;

	/* On PREEMPT_RT the handler would be a thread, whose locks may sleep. */
	lockdep_hardirq_threaded();
	for (i = 0; i < 50; i++)
		exchange(arg, GFP_ATOMIC | __GFP_NOWARN);
}

static void run_threads(struct worker *w, unsigned int n)
{
	unsigned long end = jiffies + msecs_to_jiffies(RUN_MS);
	int cpu;

	while (time_before(jiffies, end)) {
		for_each_online_cpu(cpu)
			smp_call_function_single(cpu, exchange_in_irq, &w[n], true);
		msleep(20);
		gomem_mcache_drain(true);
	}
}

static void test_threads(struct kunit *test)
{
	unsigned int n = min(num_online_cpus() + 1, MAX_THREADS), i;
	struct fixture *f = test->priv;
	char **shared;
	struct worker *w;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "on PREEMPT_RT allocation is for tasks");
	shared = kunit_kcalloc(test, SHARED, sizeof(*shared), GFP_KERNEL);
	w = kunit_kcalloc(test, n + 1, sizeof(*w), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, shared && w);
	for (i = 0; i <= n; i++) {
		w[i].shared = shared;
		prandom_seed_state(&w[i].rnd, f->seed + i);
		if (i < n)
			w[i].task = kthread_run(worker_run, &w[i], "gomem_tiny/%u", i);
	}
	run_threads(w, n);
	for (i = 0; i < n; i++)
		if (!IS_ERR(w[i].task))
			kthread_stop(w[i].task);
	for (i = 0; i <= n; i++) {
		KUNIT_EXPECT_TRUE_MSG(test, !w[i].error, "%s, seed %u", w[i].error, f->seed);
		KUNIT_EXPECT_GT(test, w[i].made, 0);
	}
	KUNIT_EXPECT_TRUE_MSG(test, !gomem_check_all(), "%s", gomem_check_all());
	for (i = 0; i < SHARED; i++)
		gomem_free(shared[i]);
	expect_all_back(test);
}

static int tiny_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->seed = seed_param ?: get_random_u32();
	prandom_seed_state(&f->rnd, f->seed);
	kunit_info(test, "seed %u", f->seed);
	balance_save(&f->balance);
	gomem_tiny_get_stats(&f->before);
	test->priv = f;
	return 0;
}

static void tiny_exit(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_tiny_stats now;

	if (!f)
		return;
	balance_expect(test, &f->balance);
	gomem_tiny_get_stats(&now);
	KUNIT_EXPECT_EQ(test, now.allocs - f->before.allocs, now.frees - f->before.frees);
}

static struct kunit_case tiny_cases[] = {
	KUNIT_CASE(test_cut),
	KUNIT_CASE(test_nothing_to_cut),
	KUNIT_CASE(test_shared),
	KUNIT_CASE(test_joining),
	KUNIT_CASE(test_not_shared),
	KUNIT_CASE(test_larger_rest),
	KUNIT_CASE(test_random),
	KUNIT_CASE(test_last_part),
	KUNIT_CASE(test_other_cpu),
	KUNIT_CASE(test_from_irq),
	KUNIT_CASE(test_in_irq),
	KUNIT_CASE(test_drain),
	KUNIT_CASE(test_drain_idle),
	KUNIT_CASE(test_counted),
	KUNIT_CASE(test_density),
	KUNIT_CASE(test_usable_size),
	KUNIT_CASE(test_cleared),
	KUNIT_CASE(test_realloc),
	KUNIT_CASE(test_realloc_in_place),
	KUNIT_CASE(test_free_sensitive),
	KUNIT_CASE(test_double_free),
	KUNIT_CASE(test_rest_again),
	KUNIT_CASE(test_double_free_of_span),
	KUNIT_CASE(test_interior),
	KUNIT_CASE(test_masks_are_no_objects),
	KUNIT_CASE(test_wrong_function),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_write_after_free),
	KUNIT_CASE(test_no_memory),
	KUNIT_CASE(test_check),
	KUNIT_CASE(test_threads),
	{}
};

static struct kunit_suite tiny_suite = {
	.name = "gomem_tiny",
	.init = tiny_init,
	.exit = tiny_exit,
	.test_cases = tiny_cases,
};

kunit_test_suite(tiny_suite);
