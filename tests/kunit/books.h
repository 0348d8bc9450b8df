/* SPDX-License-Identifier: GPL-2.0 */
/*
 * books.h - a model of the counters of gomem's real heaps: what they must be
 * after the allocations and frees of a case.
 */
#ifndef GOMEM_TEST_BOOKS_H
#define GOMEM_TEST_BOOKS_H

#include <kunit/test.h>

#include "fixture.h"

#define MAX_OBJECTS	4096
#define TRIES		5

/*
 * Counters of the heap: as read from it, or as the model expects them. The byte
 * counters leave out objects in tiny blocks.
 */
struct counts {
	u64 mallocs;
	u64 frees;
	u64 alloc_bytes;
	u64 free_bytes;
	u64 large;
};

struct stats_fixture {
	struct fixture base;
	struct counts model;
	struct counts before;
	unsigned int nr;
	void *obj[MAX_OBJECTS];
};

void books_expect(struct kunit *test);
void books_make(struct stats_fixture *f, size_t size, gfp_t gfp);
void books_unmake(struct stats_fixture *f, unsigned int i);
void books_unmake_n(struct stats_fixture *f, unsigned int n);
int books_init(struct kunit *test);
void books_exit(struct kunit *test);

#endif /* GOMEM_TEST_BOOKS_H */
