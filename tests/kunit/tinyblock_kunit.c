// SPDX-License-Identifier: GPL-2.0
/*
 * tinyblock_kunit.c - how a tiny block is cut into objects, and how its mask
 * finds them again.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/gomem.h>

#include "fixture.h"
#include "tiny_steps.h"
#include "api/tiny.h"

/* Cutting, in a page of the test's own */

static unsigned int model_cut(unsigned int *mask, unsigned int *off,
			      unsigned int size)
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
	struct tiny_fixture *f = test->priv;
	unsigned int mask = BIT(15) | BIT(0), off = 0, size, want;
	void *p;

	atomic_or(mask << gomem_tiny_shift(block), gomem_tiny_word(block));
	while (t.block) {
		size = 1 + below(&f->base.rnd, 15);
		want = model_cut(&mask, &off, size);
		p = gomem_tiny_cut(&t, size);
		KUNIT_ASSERT_PTR_EQ(test,
				    want < 16 ? (void *)block + want : NULL, p);
		KUNIT_ASSERT_EQ_MSG(test, mask, gomem_tiny_mask(block),
				    "size %u at %u", size, off);
		KUNIT_ASSERT_EQ(test, off < 15 ? off : 16, t.off);
		KUNIT_ASSERT_EQ(test, off < 15 ? block : 0, t.block);
		if (p || below(&f->base.rnd, 2))
			continue;
		/* Sometimes release the rest. */
		KUNIT_ASSERT_EQ(test, mask == (BIT(15) | BIT(off)),
				gomem_tiny_drop(&t));
		mask &= ~(BIT(15) | BIT(off));
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
			KUNIT_ASSERT_EQ(test, masks[i],
					gomem_tiny_clear(block, 0xffff));
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

/* Misuse */

/*
 * The masks of the blocks lie after the last block of the page. They are not
 * objects.
 */
static void test_masks_are_no_objects(struct kunit *test)
{
	char *p = tiny_get(test, 5),
	     *page = (char *)((unsigned long)p & GOMEM_PAGE_MASK);
	unsigned int off;

	for (off = GOMEM_TINY_MASKS; off < GOMEM_PAGE_SIZE; off += 1 + off % 31)
		tiny_refuse(test, page + off, GOMEM_INTERIOR_POINTER);
	tiny_put(test, p, 5);
}

static struct kunit_case tinyblock_cases[] = {
	KUNIT_CASE(test_cut),
	KUNIT_CASE(test_nothing_to_cut),
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
