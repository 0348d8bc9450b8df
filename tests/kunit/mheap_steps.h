/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mheap_steps.h - helpers that allocate and free spans of a fake heap, and
 * compare the heap with an oracle: the live spans, and a bitmap of their pages.
 */
#ifndef GOMEM_TEST_MHEAP_STEPS_H
#define GOMEM_TEST_MHEAP_STEPS_H

#include <kunit/test.h>

#include "fixture.h"

#define CHUNK		GOMEM_CHUNK_PAGES
#define MAX_CHUNKS	80
#define MAX_LIVE	1200

struct mheap_fixture {
	struct heap_fixture base;
	unsigned int nr_live;
	struct gomem_span *live[MAX_LIVE];
	unsigned long owned[BITS_TO_LONGS(MAX_CHUNKS * CHUNK)];
};

bool mheap_free_large(struct gomem_heap *h, struct gomem_span *s,
		      unsigned long addr);
struct fake_source *mheap_source_of(struct mheap_fixture *f);
void mheap_make(struct kunit *test, unsigned long nr_chunks);
unsigned long mheap_page_of(const struct gomem_span *s, unsigned int i);
void mheap_expect_mapped(struct kunit *test, const struct gomem_span *s);
void mheap_expect_unmapped(struct kunit *test, unsigned long base,
			   unsigned int npages);
void mheap_expect(struct kunit *test);
struct gomem_span *mheap_try_span(struct kunit *test,
				  const struct gomem_span_request *req);
struct gomem_span *mheap_get_span(struct kunit *test,
				  const struct gomem_span_request *req);
struct gomem_span *mheap_get_large(struct kunit *test, unsigned int npages);
void mheap_forget_span(struct mheap_fixture *f, struct gomem_span *s);
void mheap_put_span(struct kunit *test, struct gomem_span *s);
void mheap_put_all(struct kunit *test);
int mheap_init(struct kunit *test);

#endif /* GOMEM_TEST_MHEAP_STEPS_H */
