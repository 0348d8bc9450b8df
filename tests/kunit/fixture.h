/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fixture.h - what a case starts with, and what it must leave behind.
 *
 * A case on gomem's real heaps has a struct fixture: space for pointers, and
 * counts that must be the same at the end. A case on a fake heap, which no
 * other code uses, has a struct heap_fixture. A suite that needs more begins a
 * struct of its own with one of the two. It passes the size of that struct to
 * fixture_alloc() or heap_fixture_alloc().
 */
#ifndef GOMEM_TEST_FIXTURE_H
#define GOMEM_TEST_FIXTURE_H

#include <kunit/test.h>

#include "balance.h"
#include "fake_source.h"
#include "fill.h"
#include "random.h"
#include "span_set.h"

#define FIXTURE_OBJECTS	4096

/**
 * struct fixture - data of a test case that uses gomem's real heaps
 * @rnd: generator of random numbers
 * @seed: the first state of @rnd
 * @balance: live objects and counters of misuse before the case
 * @objs: array in which the case may store its objects
 */
struct fixture {
	struct rnd_state rnd;
	u32 seed;
	struct balance balance;
	void *objs[FIXTURE_OBJECTS];
};

/**
 * struct heap_fixture - data of a test case that uses a fake heap
 * @fh: the heap and its page source; the case calls fake_heap_init()
 * @set: live spans of that heap, and random numbers
 */
struct heap_fixture {
	struct fake_heap fh;
	struct span_set set;
};

u32 roll_seed(struct kunit *test, struct rnd_state *rnd);

void *fixture_alloc(struct kunit *test, size_t size);
int fixture_init(struct kunit *test);
void fixture_exit(struct kunit *test);

void *heap_fixture_alloc(struct kunit *test, size_t size);
int heap_fixture_init(struct kunit *test);
void heap_fixture_exit(struct kunit *test);

void expect_misuses(struct kunit *test, unsigned int what, unsigned int n);
void expect_no_misuse(struct kunit *test);
void expect_sound(struct kunit *test);
void central_get(struct gomem_mcentral *c, gfp_t gfp, struct gomem_refill *r);

#endif /* GOMEM_TEST_FIXTURE_H */
