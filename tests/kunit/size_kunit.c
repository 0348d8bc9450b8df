// SPDX-License-Identifier: GPL-2.0
/*
 * size_kunit.c - gomem_owns(): which addresses lie in pages of gomem's spans.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "fixture.h"
#include "object.h"

/* Which memory is gomem's */

static void test_owns(struct kunit *test)
{
	void *small = get_object(test, 100), *large = get_object(test, 50000);
	void *slab = kmalloc(100, GFP_KERNEL), *area = vmalloc(100);
	static int in_module;
	unsigned int i;
	int on_stack;

	for (i = 0; i < 112; i++)
		KUNIT_EXPECT_TRUE(test, gomem_owns(small + i));
	for (i = 0; i < 7 * GOMEM_PAGE_SIZE; i += 1001)
		KUNIT_EXPECT_TRUE(test, gomem_owns(large + i));
	KUNIT_EXPECT_FALSE(test, gomem_owns(slab));
	KUNIT_EXPECT_FALSE(test, gomem_owns(area));
	KUNIT_EXPECT_FALSE(test, gomem_owns(&on_stack));
	KUNIT_EXPECT_FALSE(test, gomem_owns(&in_module));
	KUNIT_EXPECT_FALSE(test, gomem_owns(test_owns));
	KUNIT_EXPECT_FALSE(test, gomem_owns(NULL));
	KUNIT_EXPECT_FALSE(test, gomem_owns(ZERO_SIZE_PTR));

	/* Addresses that cannot be pages of gomem. */
	for (i = 0; i < BITS_PER_LONG; i++) {
		unsigned long values[] = { BIT(i), ~BIT(i), ~0UL << i,
					   ~0UL >> i };
		unsigned int k;

		for (k = 0; k < ARRAY_SIZE(values); k++)
			if ((values[k] < PAGE_OFFSET ||
			     values[k] >= (unsigned long)high_memory) &&
			    gomem_owns((void *)values[k]))
				KUNIT_FAIL(test, "%#lx", values[k]);
	}
	kfree(slab);
	vfree(area);
	gomem_free(small);
	gomem_free(large);
}

static struct kunit_case size_cases[] = {
	KUNIT_CASE(test_owns),
	{}
};

static struct kunit_suite size_suite = {
	.name = "gomem_size",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = size_cases,
};

kunit_test_suite(size_suite);
