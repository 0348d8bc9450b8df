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
	char *p[3];

	tiny_begin_block();
	p[0] = tiny_get(test, 5);
	p[1] = tiny_get(test, 5);
	tiny_put(test, p[0], 5);
	tiny_refuse(test, p[0], GOMEM_DOUBLE_FREE);
	p[2] = tiny_get(test, 5);
	KUNIT_EXPECT_EQ(test, tiny_block_of(p[0]), tiny_block_of(p[2]));
	KUNIT_EXPECT_FALSE(test,
			   gomem_tiny_mask((unsigned long)p[0]) & BIT(15));
	tiny_refuse(test, p[0], GOMEM_DOUBLE_FREE);
	tiny_put(test, p[2], 5);
	tiny_refuse(test, p[2], GOMEM_DOUBLE_FREE);
	tiny_put(test, p[1], 5);
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
	KUNIT_EXPECT_EQ(test, 9, rest->off);
	tiny_put(test, p[1], 4);
	KUNIT_EXPECT_EQ(test, 9, rest->off);
	/*
	 * Only the byte of p[2] returns to the rest. The bytes of p[1] became
	 * part of p[0] when p[1] was freed.
	 */
	tiny_put(test, p[2], 1);
	KUNIT_EXPECT_EQ(test, 8, rest->off);
	tiny_refuse(test, p[2], GOMEM_DOUBLE_FREE);
	tiny_refuse(test, p[1], GOMEM_DOUBLE_FREE);
	q = tiny_get(test, 5);
	KUNIT_EXPECT_PTR_EQ(test, p[2], q);
	tiny_put(test, q, 5);
	/* p[0] has the bytes of the freed p[1], too. */
	KUNIT_EXPECT_EQ(test, 8, gomem_usable_size(p[0]));
	tiny_put(test, p[0], 3);
	KUNIT_EXPECT_EQ(test, 0, rest->off);
	KUNIT_EXPECT_EQ(test, tiny_block_of(p[0]), rest->block);
	tiny_refuse(test, p[0], GOMEM_DOUBLE_FREE);
	q = tiny_get(test, 5);
	KUNIT_EXPECT_PTR_EQ(test, p[0], q);
	tiny_put(test, q, 5);
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

/*
 * Free an address inside a tiny object, or in the rest of its block. An object
 * that was freed earlier may have started there, so gomem reports a double
 * free.
 */
static void test_interior(struct kunit *test)
{
	char *p[3];
	int i;

	tiny_begin_block();
	p[0] = tiny_get(test, 5);
	p[1] = tiny_get(test, 5);
	for (i = 1; i < 5; i++) {
		tiny_refuse(test, p[0] + i, GOMEM_DOUBLE_FREE);
		tiny_refuse(test, p[1] + i, GOMEM_DOUBLE_FREE);
	}
	for (i = 5; i < 10; i++)
		tiny_refuse(test, p[1] + i, GOMEM_DOUBLE_FREE);
	tiny_expect_kept(test, p[0], 5);
	tiny_expect_kept(test, p[1], 5);
	/* Nothing was damaged: the next object comes from the same block. */
	p[2] = tiny_get(test, 5);
	KUNIT_EXPECT_PTR_EQ(test, p[1] + 5, p[2]);
	/*
	 * No object starts at the last byte of a block, so this is not a double
	 * free.
	 */
	tiny_refuse(test, p[2] + 5, GOMEM_INTERIOR_POINTER);
	tiny_end_block();
	tiny_put(test, p[0], 5);
	tiny_put(test, p[1], 5);
	tiny_put(test, p[2], 5);
}

static void test_wrong_function(struct kunit *test)
{
	char *p = tiny_get(test, 5);

	gomem_scratch_put(p);
	expect_misuses(test, GOMEM_WRONG_FUNCTION, 1);
	gomem_arena_destroy((struct gomem_arena *)p);
	expect_misuses(test, GOMEM_BAD_ARENA, 1);
	tiny_put(test, p, 5);
}

static void test_refused(struct kunit *test)
{
	static const gfp_t bad[] = { __GFP_DMA, __GFP_DMA32, __GFP_HIGHMEM };
	size_t size, five = 5;
	unsigned int i;
	gfp_t gfp;

	OPTIMIZER_HIDE_VAR(five);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		gfp = GFP_KERNEL | bad[i];
		KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(5, gfp));
		KUNIT_EXPECT_NULL(test, gomem_alloc_noscan(five, gfp));
		KUNIT_EXPECT_NULL(test, gomem_strdup("four", gfp));
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
	char *p[3], *q;

	tiny_begin_block();
	p[0] = tiny_get(test, 5);
	p[1] = tiny_get(test, 5);
	p[2] = tiny_get(test, 5);
	tiny_put(test, p[0], 5);
	tiny_put(test, p[1], 5);
	tiny_put(test, p[2], 5);
	block = (unsigned long *)tiny_block_of(p[0]);
	KUNIT_ASSERT_EQ(test, 0, gomem_tiny_mask((unsigned long)block));
	*block = 0x1234;
	q = tiny_get(test, 5);
	expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 1);
	KUNIT_EXPECT_NE(test, (unsigned long)block, tiny_block_of(q));
	KUNIT_EXPECT_EQ(test, 0, gomem_tiny_mask((unsigned long)block));
	tiny_put(test, q, 5);
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

static void test_check(struct kunit *test)
{
	struct gomem_tiny saved, *rest;
	unsigned long block;
	char *p;

	tiny_begin_block();
	p = tiny_get(test, 5);
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
	*rest = GOMEM_TINY_NONE;
	expect_violation(test,
			 "a tiny block is marked as held, but no CPU has it");
	*rest = saved;

	/* A span's blocks are used from its start: the last one is free. */
	block = (block & GOMEM_PAGE_MASK) + 16 * (GOMEM_TINY_BLOCKS - 1);
	atomic_or(BIT(3) << gomem_tiny_shift(block), gomem_tiny_word(block));
	expect_violation(test, "a free tiny block has a mask");
	gomem_tiny_clear(block, BIT(3));

	block += 16;
	atomic_or(BIT(3) << gomem_tiny_shift(block), gomem_tiny_word(block));
	expect_violation(test, "there is a mask behind the last tiny block of a span");
	gomem_tiny_clear(block, BIT(3));

	expect_violation(test, "nothing");
	tiny_end_block();
	tiny_put(test, p, 5);
}

static struct kunit_case tiny_misuse_cases[] = {
	KUNIT_CASE(test_double_free),
	KUNIT_CASE(test_rest_again),
	KUNIT_CASE(test_double_free_of_span),
	KUNIT_CASE(test_interior),
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
