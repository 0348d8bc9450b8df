// SPDX-License-Identifier: GPL-2.0
/*
 * object.c - check that objects are gomem's, and have the size and alignment
 * that gomem_alloc() promises; and sort them. The functions that check accept
 * only objects of gomem's real heaps, not of a fake heap.
 */
#include <linux/gomem.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sort.h>

#include "object.h"

size_t want_usable(size_t size)
{
	unsigned int class;

	if (size > GOMEM_SMALL_MAX)
		return round_up(size, GOMEM_PAGE_SIZE);
	/* The first class that is large enough. */
	for (class = 0; gomem_class_size(class) < size; class++)
		;
	return gomem_class_size(class);
}

static void expect_tiny(struct kunit *test, void *p, size_t size, size_t usable)
{
	KUNIT_ASSERT_TRUE_MSG(test, size < 16 && is_noscan(p), "size %zu",
			      size);
	KUNIT_ASSERT_GE_MSG(test, usable, size, "size %zu", size);
	KUNIT_ASSERT_LE_MSG(test, (unsigned long)p % 16 + usable, 16,
			    "size %zu", size);
	KUNIT_ASSERT_EQ_MSG(test, 0, (unsigned long)p % BIT(__ffs(size)),
			    "size %zu", size);
}

void expect_object(struct kunit *test, void *p, size_t size)
{
	size_t usable = gomem_usable_size(p);

	KUNIT_ASSERT_FALSE_MSG(test, ZERO_OR_NULL_PTR(p), "size %zu", size);
	if (shares_block(p)) {
		expect_tiny(test, p, size, usable);
		return;
	}
	KUNIT_ASSERT_EQ_MSG(test, want_usable(size), usable, "size %zu", size);
	KUNIT_ASSERT_EQ_MSG(test, 0, (unsigned long)p % 8, "size %zu", size);
	if (is_power_of_2(size))
		KUNIT_ASSERT_EQ_MSG(test, 0, (unsigned long)p % size,
				    "size %zu", size);
	KUNIT_ASSERT_TRUE(test, gomem_owns(p));
	KUNIT_ASSERT_TRUE(test, gomem_owns(p + usable - 1));
}

void *get_object(struct kunit *test, size_t size)
{
	void *p = gomem_alloc(size, GFP_KERNEL);

	expect_object(test, p, size);
	return p;
}

static int by_address(const void *a, const void *b)
{
	const void *const *p = a, *const *q = b;

	return *p < *q ? -1 : *p > *q;
}

/**
 * sort_by_address - sort pointers, the lowest first
 * @objs: the pointers
 * @n: number of pointers
 */
void sort_by_address(void **objs, size_t n)
{
	sort(objs, n, sizeof(*objs), by_address, NULL);
}
