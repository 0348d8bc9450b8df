/* SPDX-License-Identifier: GPL-2.0 */
/*
 * central.h - the mcentral of one size class in a fake heap, and functions that
 * use its spans.
 */
#ifndef GOMEM_TEST_CENTRAL_H
#define GOMEM_TEST_CENTRAL_H

#include <kunit/test.h>

#include "fixture.h"

#define NR_CHUNKS	8

/* Stands for the number of a list if the span is on none: a CPU caches it. */
#define NOWHERE		GOMEM_NR_SPAN_LISTS

struct mcentral_fixture {
	struct heap_fixture base;
	unsigned int spc;
	unsigned int nelems;
	/* Room for test cases to store objects and spans in */
	void *objs[GOMEM_SPAN_MAX_OBJECTS];
	void *batch[GOMEM_SPAN_MAX_OBJECTS];
	struct gomem_span *spans[64];
	/*
	 * One bit for every 8 bytes of the heap, set if a live object starts
	 * there.
	 */
	unsigned long *live;
};

struct gomem_mcentral *central_of(struct mcentral_fixture *f);
void central_use_size(struct mcentral_fixture *f, unsigned int size);
struct gomem_span *central_cache_gfp(struct mcentral_fixture *f, gfp_t gfp);
struct gomem_span *central_cache(struct kunit *test);
void central_uncache(struct mcentral_fixture *f, struct gomem_span *s);
unsigned int central_take(struct gomem_span *s, void **out, unsigned int want);
unsigned int central_alloc(struct mcentral_fixture *f, void **out,
			   unsigned int want);
unsigned int central_free_objs(struct mcentral_fixture *f, void **objs,
			       unsigned int n);
struct gomem_span *central_full_span(struct kunit *test, void **objs);
void central_expect_where(struct kunit *test, const struct gomem_span *s,
			  int where);
void central_expect_heap(struct kunit *test);
void central_expect_spans(struct kunit *test, unsigned long nspans,
			  unsigned long ncached);
unsigned int central_count_freed(struct gomem_span *s);
int central_init(struct kunit *test);
void central_exit(struct kunit *test);

#endif /* GOMEM_TEST_CENTRAL_H */
