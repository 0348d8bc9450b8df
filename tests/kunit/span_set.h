/* SPDX-License-Identifier: GPL-2.0 */
/*
 * span_set.h - the live spans of a test, and which pages they are.
 *
 * What is not in it and yet out of the source has to be free or cached: together with
 * the source this is an oracle for the state of every page.
 */
#ifndef GOMEM_SPAN_SET_H
#define GOMEM_SPAN_SET_H

#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/prandom.h>

#include "fake_source.h"

#define SPAN_SET_MAX	2048
#define SPAN_SET_CHUNKS	64
#define SPAN_SET_PAGES	(SPAN_SET_CHUNKS * GOMEM_CHUNK_PAGES)

/**
 * struct span_set - live spans
 * @rnd: for what happens at random
 * @seed: what it began with
 * @nr: how many spans
 * @span: they
 * @owned: their pages
 */
struct span_set {
	struct rnd_state rnd;
	u32 seed;
	unsigned int nr;
	struct gomem_span *span[SPAN_SET_MAX];
	unsigned long owned[BITS_TO_LONGS(SPAN_SET_PAGES)];
};

/* Oracle of a page of the source. */
enum page_state {
	PAGE_HOLE,
	PAGE_FREE,
	PAGE_USED,
};

void span_set_init(struct span_set *set, u32 seed);
struct gomem_span *span_set_try(struct kunit *test, struct span_set *set, struct gomem_heap *h,
				const struct gomem_span_request *req);
struct gomem_span *span_set_get(struct kunit *test, struct span_set *set, struct gomem_heap *h,
				unsigned int npages);
void span_set_put(struct kunit *test, struct span_set *set, struct gomem_span *s);
void span_set_put_all(struct kunit *test, struct span_set *set);
struct gomem_span_request span_set_request(struct span_set *set, unsigned int max_pages);
enum page_state span_set_page(const struct span_set *set, const struct fake_source *fake,
			      unsigned long page);
void span_set_expect(struct kunit *test, struct span_set *set, struct gomem_heap *h);
void span_set_expect_bits(struct kunit *test, struct span_set *set, struct fake_source *fake);
void span_set_pin(struct kunit *test, int cpu);

static inline u32 span_set_below(struct span_set *set, u32 limit)
{
	return prandom_u32_state(&set->rnd) % limit;
}

static inline unsigned long span_set_index(const struct gomem_span *s)
{
	return (s->base - FAKE_BASE) >> GOMEM_PAGE_SHIFT;
}

#endif /* GOMEM_SPAN_SET_H */
