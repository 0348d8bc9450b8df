// SPDX-License-Identifier: GPL-2.0
/*
 * span_set.c - the live spans of a test, and what must be true of them.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "span_set.h"
#include "heap/scavenge.h"

static void expect_pages(struct kunit *test, struct span_set *set,
			 struct gomem_span *s)
{
	struct gomem_heap *h = s->heap;
	struct fake_source *fake =
		container_of(h->source, struct fake_source, src);
	unsigned int i;

	for (i = 0; i < s->npages; i++) {
		unsigned long addr = s->base + i * GOMEM_PAGE_SIZE;

		KUNIT_ASSERT_FALSE_MSG(test,
				       test_and_set_bit(span_set_index(s) + i,
							set->owned),
				       "page given out twice");
		KUNIT_ASSERT_PTR_EQ(test, s, gomem_pagemap_span(h->map, addr));
		KUNIT_ASSERT_PTR_EQ(test, h,
				    gomem_pagemap_chunk(h->map, addr)->heap);
		KUNIT_ASSERT_TRUE(test, fake_page_is_out(fake, addr));
	}
}

/**
 * span_set_try - make a span
 * @test: the test
 * @set: the set that the span joins
 * @h: the heap to ask
 * @req: the request
 *
 * Return: a span as requested, of pages that no other span has; or NULL.
 */
struct gomem_span *span_set_try(struct kunit *test, struct span_set *set,
				struct gomem_heap *h,
				const struct gomem_span_request *req)
{
	struct gomem_span *s;

	KUNIT_ASSERT_LT(test, set->nr, SPAN_SET_MAX);
	s = fake_heap_span(h, req);
	if (!s)
		return NULL;
	set->span[set->nr++] = s;
	KUNIT_ASSERT_EQ(test, req->npages, s->npages);
	KUNIT_ASSERT_PTR_EQ(test, req->kind, s->kind);
	KUNIT_ASSERT_LT(test, span_set_index(s) + s->npages,
			SPAN_SET_PAGES + 1);
	if (req->aligned)
		KUNIT_ASSERT_TRUE_MSG(test,
				      !(s->base &
					(req->npages * GOMEM_PAGE_SIZE - 1)),
				      "%u pages at %#lx", req->npages, s->base);
	expect_pages(test, set, s);
	return s;
}

/**
 * span_set_get - make a span for a large object, which may begin at any page
 * @test: the test
 * @set: the set that the span joins
 * @h: the heap to ask
 * @npages: number of pages
 *
 * Return: the span.
 */
struct gomem_span *span_set_get(struct kunit *test, struct span_set *set,
				struct gomem_heap *h, unsigned int npages)
{
	struct gomem_span_request req = fake_large_request(npages);
	struct gomem_span *s;

	req.aligned = false;
	s = span_set_try(test, set, h, &req);
	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

/**
 * span_set_put - free a span, and take it out of its set
 * @test: the test
 * @set: the set that has the span
 * @s: the span
 */
void span_set_put(struct kunit *test, struct span_set *set,
		  struct gomem_span *s)
{
	unsigned int i;

	bitmap_clear(set->owned, span_set_index(s), s->npages);
	for (i = 0; set->span[i] != s; i++)
		;
	set->span[i] = set->span[--set->nr];
	fake_heap_put(test, s);
}

/**
 * span_set_put_any - free a span of the set, at random
 * @test: the test
 * @set: the set, not empty
 */
void span_set_put_any(struct kunit *test, struct span_set *set)
{
	span_set_put(test, set, set->span[below(&set->rnd, set->nr)]);
}

/**
 * span_set_put_all - free all spans, in any order
 * @test: the test
 * @set: the set
 */
void span_set_put_all(struct kunit *test, struct span_set *set)
{
	while (set->nr)
		span_set_put_any(test, set);
}

/**
 * span_set_request - make a random request
 * @set: the set, for its random numbers
 * @max_pages: maximum number of pages of a large object
 *
 * Return: a request for a span of a small class or a large object.
 */
struct gomem_span_request span_set_request(struct span_set *set,
					   unsigned int max_pages)
{
	struct gomem_span_request req;

	if (below(&set->rnd, 2))
		req = fake_small_request(fake_random_spc(&set->rnd));
	else
		req = fake_large_request(1 + below(&set->rnd, max_pages));
	if (below(&set->rnd, 2))
		req.gfp = GFP_ATOMIC;
	return req;
}

/**
 * span_set_page - the state that a page should have
 * @set: the live spans
 * @fake: the source of all pages
 * @page: number of the page
 *
 * Return: the state. It is PAGE_FREE for pages in page caches, too.
 */
enum page_state span_set_page(const struct span_set *set,
			      const struct fake_source *fake,
			      unsigned long page)
{
	if (!test_bit(page, fake->out))
		return PAGE_HOLE;
	return test_bit(page, set->owned) ? PAGE_USED : PAGE_FREE;
}

static void expect_caches(struct kunit *test, struct span_set *set,
			  struct gomem_heap *h)
{
	unsigned long share = h->pages.backed_pages /
			      (GOMEM_PCACHE_SHARE * num_online_cpus());
	unsigned int max, w, i;
	struct gomem_chunk *c;
	u64 released = 0;
	int cpu;

	max = min_t(unsigned long, max_t(unsigned long, share, h->pcache_min),
		    h->pcache_max);
	/*
	 * The limit of a page cache falls as the heap shrinks. But a page cache
	 * keeps its pages until spans are made of them or the cache is drained.
	 * So it may be above the limit after a scavenge.
	 */
	for (i = 0; i < GOMEM_NR_SCAVENGE_REASONS; i++)
		released += h->stats.released[i];
	for_each_possible_cpu(cpu) {
		struct gomem_pcache *pc = per_cpu_ptr(h->pcache, cpu);

		if (!pc->free)
			continue;
		KUNIT_ASSERT_EQ(test, 0, pc->base % 64);
		KUNIT_ASSERT_TRUE_MSG(test,
				      released || hweight64(pc->free) <= max,
				      "CPU %d", cpu);
		c = gomem_pagealloc_chunk(&h->pages,
					  pc->base / GOMEM_CHUNK_PAGES);
		w = pc->base % GOMEM_CHUNK_PAGES / 64;
		KUNIT_ASSERT_EQ(test, 0, pc->free & ~c->inuse.word[w]);
		KUNIT_ASSERT_EQ(test, 0, pc->free & c->hole.word[w]);
	}
}

/**
 * span_set_expect - expect that a heap is sound, and agrees with @set and with
 *	the pages that its source has handed out
 * @test: the test
 * @set: the live spans, also those of other heaps
 * @h: the heap, which no other thread uses meanwhile
 */
void span_set_expect(struct kunit *test, struct span_set *set,
		     struct gomem_heap *h)
{
	struct fake_source *fake =
		container_of(h->source, struct fake_source, src);
	const char *violation = fake_heap_check(h, set->span, set->nr);
	struct gomem_heap_snapshot snap;
	unsigned long pages = 0, spans = 0;
	unsigned int i;

	KUNIT_ASSERT_TRUE_MSG(test, !violation, "%s", violation);
	KUNIT_ASSERT_TRUE_MSG(test, !fake->error, "%s", fake->error);
	for (i = 0; i < set->nr; i++) {
		if (set->span[i]->heap != h)
			continue;
		pages += set->span[i]->npages;
		spans++;
	}
	gomem_heap_get(h, &snap);
	KUNIT_ASSERT_EQ(test, pages, snap.counts.inuse_pages);
	KUNIT_ASSERT_EQ(test, spans, snap.counts.spans);
	KUNIT_ASSERT_EQ(test, spans,
			snap.counts.span_allocs - snap.counts.span_frees);
	KUNIT_ASSERT_EQ(test, snap.backed_pages,
			snap.free_pages + snap.cached_pages +
				snap.counts.inuse_pages);
	KUNIT_ASSERT_EQ(test, snap.free_pages + snap.cached_pages,
			gomem_heap_idle_pages(h));
	KUNIT_ASSERT_EQ(test, snap.hole_pages,
			snap.chunks * GOMEM_CHUNK_PAGES - snap.backed_pages);
	if (!h->peers)
		KUNIT_ASSERT_EQ(test, fake->nr_out, snap.backed_pages);
	expect_caches(test, set, h);
}

/**
 * span_set_expect_bits - compare each page's inuse and hole bit with @set and
 *	@fake
 * @test: the test
 * @set: the live spans of all heaps
 * @fake: the source of their pages; all page caches must be empty
 */
void span_set_expect_bits(struct kunit *test, struct span_set *set,
			  struct fake_source *fake)
{
	unsigned long page;

	for (page = 0; page < fake->nr_pages; page++) {
		struct gomem_chunk *c =
			gomem_pagemap_nth_chunk(&fake->map,
						page / GOMEM_CHUNK_PAGES);
		unsigned int i = page % GOMEM_CHUNK_PAGES;
		bool inuse = c->inuse.word[i / 64] & BIT_ULL(i % 64);
		bool hole = c->hole.word[i / 64] & BIT_ULL(i % 64);
		enum page_state state = span_set_page(set, fake, page);

		KUNIT_ASSERT_EQ_MSG(test, state == PAGE_HOLE, hole, "page %lu",
				    page);
		KUNIT_ASSERT_EQ_MSG(test, state != PAGE_FREE, inuse, "page %lu",
				    page);
	}
}
