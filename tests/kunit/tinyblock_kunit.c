// SPDX-License-Identifier: GPL-2.0
/*
 * tinyblock_kunit.c - how a tiny block is cut into objects, and how its mask
 * finds them again.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/gomem.h>

#include "context.h"
#include "fixture.h"
#include "tiny_steps.h"
#include "api/tiny.h"
#include "cpu/mcache.h"

/* Cutting, in a page of the test's own */

/* Cut like gomem_tiny_cut(). Return the part's grain; 8 if it does not fit. */
static unsigned int model_cut(unsigned int *mask, unsigned int *off,
			      unsigned int size)
{
	unsigned int grains = (size + 1) / 2, align = BIT(__ffs(grains));
	unsigned int start = *off;

	while (start % align)
		start++;
	if (start + grains > 8)
		return 8;
	*mask &= ~BIT(*off);
	*mask |= BIT(start);
	*off = start + grains;
	if (*off < 7)
		*mask |= BIT(*off);
	else
		*mask &= ~BIT(7);
	return start;
}

static char *cut(struct gomem_tiny *t, unsigned int size)
{
	void *p;

	switch (gomem_tiny_cut(t, size, &p)) {
	case GOMEM_TINY_CUT:
		return p;
	case GOMEM_TINY_NOT_NOW:
		return gomem_tiny_cut_slow(t, size);
	case GOMEM_TINY_NO_ROOM:
		return NULL;
	}
	return NULL;
}

static struct gomem_tiny hold(unsigned long block)
{
	struct gomem_tiny t = {
		.block = block,
		.starts = gomem_tiny_byte(block, 0),
	};

	*t.starts = GOMEM_TINY_HELD | BIT(0);
	return t;
}

static void cut_one_block(struct kunit *test, unsigned long block)
{
	unsigned int mask = GOMEM_TINY_HELD | BIT(0), off = 0, size, want;
	struct gomem_tiny t = hold(block);
	struct tiny_fixture *f = test->priv;
	char *p;

	while (t.block) {
		size = 1 + below(&f->base.rnd, 15);
		want = model_cut(&mask, &off, size);
		p = cut(&t, size);
		KUNIT_ASSERT_PTR_EQ(test,
				    want < 8 ? (char *)block + 2 * want : NULL,
				    p);
		KUNIT_ASSERT_EQ_MSG(test, mask, gomem_tiny_mask(block),
				    "size %u at %u", size, off);
		KUNIT_ASSERT_EQ(test, off < 7 ? off : 8, t.off);
		KUNIT_ASSERT_EQ(test, off < 7 ? block : 0, t.block);
		if (p || below(&f->base.rnd, 2))
			continue;
		/* Sometimes release the rest. */
		mask &= ~(GOMEM_TINY_HELD | BIT(off));
		KUNIT_ASSERT_EQ(test, !mask, gomem_tiny_drop(&t));
		KUNIT_ASSERT_EQ(test, mask, gomem_tiny_mask(block));
		return;
	}
}

static void test_cut(struct kunit *test)
{
	unsigned long page =
		__get_free_pages(GFP_KERNEL | __GFP_ZERO, GOMEM_PAGE_ORDER);
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
		/* Each block still has its own mask. */
		for (i = 0; i < GOMEM_TINY_BLOCKS; i++) {
			block = page + 16 * i;
			KUNIT_ASSERT_EQ(test, masks[i],
					gomem_tiny_mask(block + i % 16));
			atomic_andnot(GOMEM_TINY_MASK
					      << gomem_tiny_shift(block),
				      gomem_tiny_word(block));
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
		KUNIT_EXPECT_NULL(test, cut(&none, size));
	KUNIT_EXPECT_EQ(test, 0, none.block);
}

/* The CPU's rest */

/*
 * While the task has entered an account, each object of up to GOMEM_TINY_OPENS
 * bytes begins a block. The CPU keeps the larger one of the old rest and the
 * rest of the new block. A rest that it drops belongs to the last object of the
 * rest's block.
 */
static void test_larger_rest(struct kunit *test)
{
	struct gomem_account *a, *old;
	struct gomem_mcache *mc;
	char *p[5];

	a = gomem_account_create("tiny", 0, 0, NULL, NULL);
	KUNIT_ASSERT_NOT_NULL(test, a);
	tiny_begin_block();
	p[0] = tiny_get(test, 1);
	p[1] = tiny_get(test, 12);	/* no rest is left */
	old = gomem_account_enter(a);
	p[2] = tiny_get(test, 4);	/* new rest: 12 bytes */
	p[3] = tiny_get(test, 1);	/* new rest: 14 bytes */
	p[4] = tiny_get(test, 4);	/* rest of the new block: 12 bytes */
	gomem_account_exit(old);
	mc = per_cpu(gomem_mcache_task, smp_processor_id());
	KUNIT_EXPECT_EQ(test, tiny_block_of(p[3]), mc->tiny.block);
	tiny_end_block();
	KUNIT_EXPECT_EQ(test, 16, gomem_usable_size(p[2]));
	KUNIT_EXPECT_EQ(test, 2, gomem_usable_size(p[3]));
	KUNIT_EXPECT_EQ(test, 16, gomem_usable_size(p[4]));
	tiny_put(test, p[0], 1);
	tiny_put(test, p[1], 12);
	tiny_put(test, p[2], 4);
	tiny_put(test, p[3], 1);
	tiny_put(test, p[4], 4);
	gomem_account_destroy(a);
}

/*
 * An object of 10 bytes fits behind one that an interrupt handler has freed. A
 * bulk free makes the last object rest again, like gomem_free().
 */
static void test_rest_is_used(struct kunit *test)
{
	void *p, *q;

	skip_on_rt(test);
	tiny_begin_block();
	p = tiny_get(test, 1);
	run_in_hardirq(tiny_free_one, p);
	q = tiny_get(test, 10);
	KUNIT_EXPECT_PTR_EQ(test, p + 2, q);
	gomem_free_bulk(1, &q);
	KUNIT_EXPECT_PTR_EQ(test, p + 2, (void *)tiny_get(test, 10));
	tiny_end_block();
	gomem_free(p + 2);
	tiny_expect_all_back(test);
}

static void get_four(void *arg)
{
	void **p = arg;
	unsigned int i;

	for (i = 0; i < 4; i++)
		p[i] = gomem_alloc_noscan(4, GFP_ATOMIC | __GFP_NOWARN);
}

/* An interrupt handler cuts a block up to its end, too. */
static void test_whole_block_in_irq(struct kunit *test)
{
	void *p[4] = { };

	skip_on_rt(test);
	tiny_begin_block();
	run_in_hardirq(get_four, p);
	tiny_end_block();
	KUNIT_EXPECT_TRUE(test, shares_block(p[0]));
	KUNIT_EXPECT_PTR_EQ(test, p[0] + 12, p[3]);
	gomem_free_bulk(4, p);
	tiny_expect_all_back(test);
}

/* Misuse */

/*
 * The masks of the blocks lie after the last block of the page. They are not
 * objects.
 */
static void test_masks_are_no_objects(struct kunit *test)
{
	char *p = tiny_get(test, 4),
	     *page = (char *)((unsigned long)p & GOMEM_PAGE_MASK);
	unsigned int off;

	for (off = GOMEM_TINY_MASKS; off < GOMEM_PAGE_SIZE; off += 1 + off % 31)
		tiny_refuse(test, page + off, GOMEM_INTERIOR_POINTER);
	tiny_put(test, p, 4);
}

static struct kunit_case tinyblock_cases[] = {
	KUNIT_CASE(test_cut),
	KUNIT_CASE(test_nothing_to_cut),
	KUNIT_CASE(test_larger_rest),
	KUNIT_CASE(test_rest_is_used),
	KUNIT_CASE(test_whole_block_in_irq),
	KUNIT_CASE(test_masks_are_no_objects),
	{}
};

static struct kunit_suite tinyblock_suite = {
	.name = "gomem_tinyblock",
	.init = tiny_init,
	.exit = tiny_exit,
	.test_cases = tinyblock_cases,
};

kunit_test_suite(tinyblock_suite);
