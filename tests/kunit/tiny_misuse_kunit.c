// SPDX-License-Identifier: GPL-2.0
/*
 * tiny_misuse_kunit.c - misuse of objects that share a block.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/gomem.h>
#include <linux/smp.h>

#include "fixture.h"
#include "tiny_steps.h"
#include "api/tiny.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "run/check.h"
#include "run/epoch.h"

/* Misuse */

/*
 * Free objects twice: in the current block of a CPU, in a block that is not
 * current any more, and in a free block in a slot.
 */
static void test_double_free(struct kunit *test)
{
	char *p[4];

	tiny_begin_block();
	p[0] = tiny_get(test, 4);
	p[1] = tiny_get(test, 4);
	tiny_put(test, p[0], 4);
	tiny_refuse(test, p[0], GOMEM_DOUBLE_FREE);
	p[2] = tiny_get(test, 4);
	p[3] = tiny_get(test, 4);
	KUNIT_EXPECT_EQ(test, tiny_block_of(p[0]), tiny_block_of(p[3]));
	KUNIT_EXPECT_FALSE(test, gomem_tiny_mask((unsigned long)p[0]) &
				 GOMEM_TINY_HELD);
	tiny_refuse(test, p[0], GOMEM_DOUBLE_FREE);
	tiny_put(test, p[3], 4);
	tiny_put(test, p[2], 4);
	tiny_refuse(test, p[2], GOMEM_DOUBLE_FREE);
	tiny_put(test, p[1], 4);
	KUNIT_EXPECT_EQ(test, 0, gomem_tiny_mask((unsigned long)p[0]));
	tiny_refuse(test, p[0], GOMEM_DOUBLE_FREE);
	tiny_refuse(test, p[1], GOMEM_DOUBLE_FREE);
	tiny_end_block();
	tiny_expect_all_back(test);
}

/*
 * The bytes of a freed object become part of the rest again only if the rest
 * begins where the object ends.
 */
static void test_rest_again(struct kunit *test)
{
	struct gomem_tiny *rest;
	char *p[3], *q;

	tiny_begin_block();
	rest = &per_cpu(gomem_mcache_task, smp_processor_id())->tiny;
	p[0] = tiny_get(test, 3);
	p[1] = tiny_get(test, 4);
	p[2] = tiny_get(test, 1);
	KUNIT_EXPECT_EQ(test, 10 / 2, rest->off);
	tiny_put(test, p[1], 4);
	KUNIT_EXPECT_EQ(test, 10 / 2, rest->off);
	/*
	 * Only the grain of p[2] returns to the rest. The bytes of p[1] became
	 * part of p[0] when p[1] was freed.
	 */
	tiny_put(test, p[2], 1);
	KUNIT_EXPECT_EQ(test, 8 / 2, rest->off);
	tiny_refuse(test, p[2], GOMEM_DOUBLE_FREE);
	tiny_refuse(test, p[1], GOMEM_DOUBLE_FREE);
	q = tiny_get(test, 4);
	KUNIT_EXPECT_PTR_EQ(test, p[2], q);
	tiny_put(test, q, 4);
	/* p[0] has the bytes of the freed p[1], too. */
	KUNIT_EXPECT_EQ(test, 8, gomem_usable_size(p[0]));
	memset(p[0], tiny_byte_of(p[0]), 8);
	tiny_put(test, p[0], 8);
	KUNIT_EXPECT_TRUE(test, is_zero(p[0], 8));
	KUNIT_EXPECT_EQ(test, 0, rest->off);
	KUNIT_EXPECT_EQ(test, tiny_block_of(p[0]), rest->block);
	tiny_refuse(test, p[0], GOMEM_DOUBLE_FREE);
	q = tiny_get(test, 4);
	KUNIT_EXPECT_PTR_EQ(test, p[0], q);
	tiny_put(test, q, 4);
	tiny_end_block();
	tiny_expect_all_back(test);
}

/*
 * Free an object a second time when its block is free. Free it a third time
 * when its span is gone, too, but only if the heap still has the page.
 */
static void test_double_free_of_span(struct kunit *test)
{
	struct tiny_fixture *f = test->priv;
	unsigned int i;
	char *p;

	gomem_scavenge_all();
	tiny_make_all(test);
	p = f->obj[0];
	for (i = 0; i < MAX_OBJECTS; i++)
		if (((unsigned long)f->obj[i] ^ (unsigned long)p) &
		    GOMEM_PAGE_MASK) {
			gomem_free(f->obj[i]);
			f->obj[i] = NULL;
		}
	/*
	 * Free the objects that are left: p and the others of its page. A slot
	 * may keep their blocks, so the span may exist until the slots are
	 * drained.
	 */
	tiny_free_all(f);
	gomem_free(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	gomem_mcache_drain(false);
	KUNIT_EXPECT_FALSE(test, gomem_owns(p));
	if (gomem_pagemap_has_page(&gomem_pagemap, (unsigned long)p)) {
		gomem_free(p);
		expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	}
	tiny_expect_all_back(test);
}

static void refuse_inside(struct kunit *test, char *p)
{
	tiny_refuse(test, p, (unsigned long)p % 2 ? GOMEM_INTERIOR_POINTER :
						    GOMEM_DOUBLE_FREE);
}

/*
 * Free an address inside a tiny object, or in the rest of its block. At an even
 * address, an object that was freed earlier may have started, so gomem reports
 * a double free.
 */
static void test_interior(struct kunit *test)
{
	char *p[3];
	int i;

	tiny_begin_block();
	p[0] = tiny_get(test, 4);
	p[1] = tiny_get(test, 4);
	for (i = 1; i < 4; i++) {
		refuse_inside(test, p[0] + i);
		refuse_inside(test, p[1] + i);
	}
	for (i = 4; i < 8; i++)
		refuse_inside(test, p[1] + i);
	tiny_expect_kept(test, p[0], 4);
	tiny_expect_kept(test, p[1], 4);
	/* Nothing was damaged: the next object comes from the same block. */
	p[2] = tiny_get(test, 4);
	KUNIT_EXPECT_PTR_EQ(test, p[1] + 4, p[2]);
	/*
	 * No object starts at the last two bytes of a block, so this is not a
	 * double free.
	 */
	tiny_refuse(test, p[2] + 6, GOMEM_INTERIOR_POINTER);
	tiny_refuse(test, p[2] + 7, GOMEM_INTERIOR_POINTER);
	tiny_end_block();
	tiny_put(test, p[0], 4);
	tiny_put(test, p[1], 4);
	tiny_put(test, p[2], 4);
}

/*
 * Set the gone bit of a part that was freed, as if another CPU had freed it at
 * the same time.
 */
static void free_at_once(const char *p)
{
	unsigned long block = tiny_block_of(p);

	atomic_or(BIT(tiny_off_of(p) / 2 + GOMEM_TINY_GONE_SHIFT)
			  << gomem_tiny_shift(block),
		  gomem_tiny_word(block));
}

/*
 * Suppose that two CPUs free the object before the rest at the same time. Both
 * find it live. One of them holds the block, and makes the object rest again;
 * the other one sets the gone bit. The next object takes these bytes. It is
 * live, and the block stays sound.
 */
static void test_freed_at_once(struct kunit *test)
{
	unsigned long block;
	char *p, *q;

	tiny_begin_block();
	p = tiny_get(test, 4);
	q = tiny_get(test, 4);
	block = tiny_block_of(p);
	tiny_put(test, q, 4);
	free_at_once(q);
	KUNIT_EXPECT_EQ(test, GOMEM_TINY_HELD | BIT(0) | BIT(2),
			gomem_tiny_mask(block));
	KUNIT_EXPECT_EQ(test, 4, gomem_usable_size(p));
	KUNIT_EXPECT_TRUE(test, !gomem_check_all());
	KUNIT_EXPECT_PTR_EQ(test, q, tiny_get(test, 4));
	KUNIT_EXPECT_EQ(test, GOMEM_TINY_HELD | BIT(0) | BIT(2) | BIT(4),
			gomem_tiny_bits(block));
	tiny_put(test, q, 4);
	tiny_put(test, p, 4);
	free_at_once(p);
	tiny_end_block();
	tiny_expect_all_back(test);
}

/* Two CPUs free an object at the same time that is not before the rest. */
static void test_freed_at_once_between(struct kunit *test)
{
	char *p, *q, *r;

	tiny_begin_block();
	p = tiny_get(test, 4);
	q = tiny_get(test, 4);
	r = tiny_get(test, 4);
	tiny_put(test, q, 4);
	free_at_once(q);
	KUNIT_EXPECT_EQ(test, GOMEM_TINY_HELD | BIT(0) | BIT(4) | BIT(6),
			gomem_tiny_mask(tiny_block_of(p)));
	KUNIT_EXPECT_EQ(test, 8, gomem_usable_size(p));
	tiny_refuse(test, q, GOMEM_DOUBLE_FREE);
	KUNIT_EXPECT_TRUE(test, !gomem_check_all());
	tiny_end_block();
	tiny_put(test, r, 4);
	tiny_put(test, p, 4);
	tiny_expect_all_back(test);
}

static void test_wrong_function(struct kunit *test)
{
	char *p = tiny_get(test, 4);

	gomem_scratch_put(p);
	expect_misuses(test, GOMEM_WRONG_FUNCTION, 1);
	gomem_arena_destroy((struct gomem_arena *)p);
	expect_misuses(test, GOMEM_BAD_ARENA, 1);
	tiny_put(test, p, 4);
}

static void test_refused(struct kunit *test)
{
	static const gfp_t bad[] = { __GFP_DMA, __GFP_DMA32, __GFP_HIGHMEM };
	size_t size, four = 4;
	unsigned int i;
	gfp_t gfp;

	OPTIMIZER_HIDE_VAR(four);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		gfp = GFP_KERNEL | bad[i];
		KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(4, gfp));
		KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(four, gfp));
		KUNIT_EXPECT_NULL(test, gomem_strdup("one", gfp));
		expect_misuses(test, GOMEM_BAD_GFP, 3);
		for (size = 9; size < 16; size++)
			KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(size, gfp));
		expect_misuses(test, GOMEM_BAD_GFP, 7);
	}
}

/* A free block that is written to is not handed out. */
static void test_write_after_free(struct kunit *test)
{
	struct gomem_heap *h;
	unsigned long *block;
	char *p[4], *q;
	unsigned int i;

	tiny_begin_block();
	for (i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = tiny_get(test, 4);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		tiny_put(test, p[i], 4);
	block = (unsigned long *)tiny_block_of(p[0]);
	KUNIT_ASSERT_EQ(test, 0, gomem_tiny_mask((unsigned long)block));
	*block = 0x1234;
	q = tiny_get(test, 4);
	expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 1);
	KUNIT_EXPECT_NE(test, (unsigned long)block, tiny_block_of(q));
	KUNIT_EXPECT_EQ(test, 0, gomem_tiny_mask((unsigned long)block));
	tiny_put(test, q, 4);
	tiny_end_block();
	expect_sound(test);
	/*
	 * gomem does not use the block again, but counts it as allocated.
	 * Return it to its span: this and other cases expect a count of 0.
	 */
	h = gomem_heap_of(block);
	atomic64_inc(&h->central[GOMEM_TINY_SPC].direct_frees);
	KUNIT_EXPECT_EQ(test, 0,
			gomem_mcentral_free(&h->central[GOMEM_TINY_SPC],
					    (void **)&block, 1, false));
	tiny_expect_all_back(test);
}

/*
 * Expect that gomem_check_all() finds the violation @what; no violation if
 * @what is "nothing".
 */
static void expect_violation(struct kunit *test, const char *what)
{
	const char *err = gomem_check_all();

	KUNIT_EXPECT_STREQ(test, what, err ?: "nothing");
}

/* Change the mask of a block, expect a violation, and change the mask back. */
static void expect_bad_mask(struct kunit *test, unsigned long block,
			    unsigned int bits, const char *what)
{
	bits <<= gomem_tiny_shift(block);
	atomic_xor(bits, gomem_tiny_word(block));
	expect_violation(test, what);
	atomic_xor(bits, gomem_tiny_word(block));
}

static void test_check(struct kunit *test)
{
	struct gomem_tiny saved, *rest;
	unsigned long block;
	char *p;

	tiny_begin_block();
	p = tiny_get(test, 4);
	block = tiny_block_of(p);
	rest = &per_cpu(gomem_mcache_task, smp_processor_id())->tiny;
	KUNIT_ASSERT_EQ(test, block, rest->block);
	expect_violation(test, "nothing");

	p[7] = 1;
	expect_violation(test,
			 "a tiny block is not zero where it has no object");
	p[7] = 0;

	saved = *rest;
	rest->off++;
	expect_violation(test, "a CPU's rest of a tiny block differs from the block's mask");
	*rest = saved;
	rest->starts += 2;
	expect_violation(test, "a CPU's rest of a tiny block differs from the block's mask");
	*rest = GOMEM_TINY_NONE;
	expect_violation(test,
			 "a tiny block is marked as held, but no CPU has it");
	*rest = saved;

	/* A span's blocks are used from its start: the last one is free. */
	block = (block & GOMEM_PAGE_MASK) + 16 * (GOMEM_TINY_BLOCKS - 1);
	expect_bad_mask(test, block, BIT(3), "a free tiny block has a mask");
	expect_bad_mask(test, block, BIT(3) << GOMEM_TINY_GONE_SHIFT,
			"a part of a tiny block is gone, but no CPU holds the block");
	expect_bad_mask(test, block + 16, BIT(3),
			"there is a mask behind the last tiny block of a span");

	expect_violation(test, "nothing");
	tiny_end_block();
	tiny_put(test, p, 4);
}

static struct kunit_case tiny_misuse_cases[] = {
	KUNIT_CASE(test_double_free),
	KUNIT_CASE(test_rest_again),
	KUNIT_CASE(test_double_free_of_span),
	KUNIT_CASE(test_interior),
	KUNIT_CASE(test_freed_at_once),
	KUNIT_CASE(test_freed_at_once_between),
	KUNIT_CASE(test_wrong_function),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_write_after_free),
	KUNIT_CASE(test_check),
	{}
};

static struct kunit_suite tiny_misuse_suite = {
	.name = "gomem_tiny_misuse",
	.init = tiny_init,
	.exit = tiny_exit,
	.test_cases = tiny_misuse_cases,
};

kunit_test_suite(tiny_misuse_suite);
