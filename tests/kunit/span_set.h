/* SPDX-License-Identifier: GPL-2.0 */
/*
 * span_set.h - the live spans of a test, and their pages.
 *
 * A page that the page source has handed out, and that belongs to no span of
 * the set, must be free or cached. So the set and the source together are an
 * oracle for the state of each page.
 */
#ifndef GOMEM_SPAN_SET_H
#define GOMEM_SPAN_SET_H

#include <kunit/test.h>
#include <linux/bitops.h>

#include "fake_source.h"
#include "random.h"

#define SPAN_SET_MAX	2048
#define SPAN_SET_CHUNKS	64
#define SPAN_SET_PAGES	(SPAN_SET_CHUNKS * GOMEM_CHUNK_PAGES)

/**
 * struct span_set - live spans
 * @rnd: random numbers
 * @seed: the first state of @rnd
 * @nr: number of spans
 * @span: the spans
 * @owned: a bit for each page, set if a span of the set has the page
 */
struct span_set {
	struct rnd_state rnd;
	u32 seed;
	unsigned int nr;
	struct gomem_span *span[SPAN_SET_MAX];
	unsigned long owned[BITS_TO_LONGS(SPAN_SET_PAGES)];
};

/* The state that a page must have according to the set and the page source. */
enum page_state {
	PAGE_HOLE,
	PAGE_FREE,
	PAGE_USED,
};

struct gomem_span *span_set_try(struct kunit *test, struct span_set *set,
				struct gomem_heap *h,
				const struct gomem_span_request *req);
struct gomem_span *span_set_get(struct kunit *test, struct span_set *set,
				struct gomem_heap *h, unsigned int npages);
void span_set_put(struct kunit *test, struct span_set *set,
		  struct gomem_span *s);
void span_set_put_any(struct kunit *test, struct span_set *set);
void span_set_put_all(struct kunit *test, struct span_set *set);
struct gomem_span_request span_set_request(struct span_set *set,
					   unsigned int max_pages);
enum page_state span_set_page(const struct span_set *set,
			      const struct fake_source *fake,
			      unsigned long page);
void span_set_expect(struct kunit *test, struct span_set *set,
		     struct gomem_heap *h);
void span_set_expect_bits(struct kunit *test, struct span_set *set,
			  struct fake_source *fake);

static inline unsigned long span_set_index(const struct gomem_span *s)
{
	return (s->base - FAKE_BASE) >> GOMEM_PAGE_SHIFT;
}

#endif /* GOMEM_SPAN_SET_H */
