/* SPDX-License-Identifier: GPL-2.0 */
/*
 * object.h - check that objects are gomem's, and have the size and alignment
 * that gomem_alloc() promises. The functions accept only objects of gomem's
 * real heaps, not of a fake heap.
 */
#ifndef GOMEM_TEST_OBJECT_H
#define GOMEM_TEST_OBJECT_H

#include <kunit/test.h>

#include "fixture.h"

size_t want_usable(size_t size);
void expect_object(struct kunit *test, void *p, size_t size);
void *get_object(struct kunit *test, size_t size);

#endif /* GOMEM_TEST_OBJECT_H */
