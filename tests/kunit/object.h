/* SPDX-License-Identifier: GPL-2.0 */
/*
 * object.h - check that objects are gomem's, and have the size and alignment
 * that gomem_alloc() promises; and sort them. The functions that check accept
 * only objects of gomem's real heaps, not of a fake heap.
 */
#ifndef GOMEM_TEST_OBJECT_H
#define GOMEM_TEST_OBJECT_H

#include <kunit/test.h>

#include "fixture.h"

size_t want_usable(size_t size);
void expect_object(struct kunit *test, void *p, size_t size);
void *get_object(struct kunit *test, size_t size);
void sort_by_address(void **objs, size_t n);

#endif /* GOMEM_TEST_OBJECT_H */
