// SPDX-License-Identifier: GPL-2.0
/*
 * mheap_kunit.c - spans of a heap that has a fake page source.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "fixture.h"
#include "mheap_steps.h"
#include "workers.h"
#include "heap/scavenge.h"

/* Requests */

static struct gomem_span_request random_request(struct mheap_fixture *f)
{
	struct rnd_state *rnd = &f->base.set.rnd;
	unsigned int more = below(rnd, 4) ? 60 : CHUNK - 4;
	struct gomem_span_request req;

	if (below(rnd, 2))
		req = fake_small_request(fake_random_spc(rnd));
	else
		req = fake_large_request(5 + below(rnd, more));
	if (below(rnd, 2))
		req.gfp = GFP_ATOMIC;
	return req;
}

/* Steps */

static struct gomem_span *get_small(struct kunit *test, unsigned int spc)
{
	struct gomem_span_request req = fake_small_request(spc);

	return mheap_get_span(test, &req);
}

/* Spans */

static void test_empty(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_pagemap *map;

	mheap_make(test, 1);
	mheap_expect(test);
	map = f->base.fh.heap->map;
	KUNIT_EXPECT_NULL(test, gomem_pagemap_span(map, FAKE_BASE));
	KUNIT_EXPECT_FALSE(test, gomem_pagemap_has_page(map, FAKE_BASE));
	KUNIT_EXPECT_EQ(test, 0, mheap_source_of(f)->pages.calls);
	KUNIT_EXPECT_EQ(test, 0, mheap_source_of(f)->meta.calls);
}

static void test_every_class(struct kunit *test)
{
	unsigned int spc;

	mheap_make(test, 4);
	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++)
		get_small(test, spc);
	mheap_expect(test);
	mheap_put_all(test);
}

/*
 * Allocate a large span of each length from 5 pages to a chunk. A span whose
 * length is a power of two is aligned to that length. One of odd length is
 * noscan.
 */
static void test_every_length(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_span_request req;
	unsigned int npages;

	mheap_make(test, 16);
	for (npages = 5; npages <= CHUNK; npages++) {
		req = fake_large_request(npages);
		req.kind = &gomem_kinds[gomem_spc_make(0, npages & 1)];
		mheap_get_span(test, &req);
		if (f->nr_live == 2)
			mheap_put_span(test, f->live[0]);
	}
	mheap_expect(test);
	mheap_put_all(test);
}

/*
 * Allocate spans that are aligned to their length. The small spans in between
 * take single pages, so that free runs do not all begin at aligned pages.
 */
static void test_aligned(struct kunit *test)
{
	unsigned int npages, i;

	mheap_make(test, 16);
	for (i = 0; i < 3; i++) {
		for (npages = 1; npages <= CHUNK; npages *= 2) {
			get_small(test, gomem_spc_make(1, false));
			mheap_get_large(test, npages);
		}
	}
	mheap_expect(test);
	mheap_put_all(test);
}

/* A span may begin in one chunk and end in the next. */
static void test_across_chunks(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_span *s, *next;

	mheap_make(test, 2);
	mheap_get_large(test, CHUNK / 2);
	mheap_get_large(test, CHUNK / 2 - 5);
	mheap_put_span(test, mheap_get_large(test, 32));
	KUNIT_EXPECT_EQ(test, 2, f->base.fh.heap->pages.nr_registered);

	/*
	 * Leave 14 free pages around the border, but fewer than 10 on each
	 * side: else a short span would avoid the border.
	 */
	next = mheap_get_large(test, 9);
	KUNIT_EXPECT_EQ(test, CHUNK, mheap_page_of(next, 0));
	s = mheap_get_large(test, 5);
	KUNIT_EXPECT_EQ(test, CHUNK - 5, mheap_page_of(s, 0));
	mheap_get_large(test, 18);
	mheap_put_span(test, next);
	mheap_put_span(test, s);

	s = mheap_get_large(test, 10);
	KUNIT_EXPECT_EQ(test, CHUNK - 5, mheap_page_of(s, 0));
	mheap_expect(test);
	mheap_put_span(test, s);
	/*
	 * This span has small objects. All tags of the span contain bits of the
	 * address of its first page, also the tags of its pages in the next
	 * chunk.
	 */
	s = get_small(test, gomem_spc_make(GOMEM_NR_SIZE_CLASSES - 3, true));
	KUNIT_EXPECT_EQ(test, 10, s->npages);
	KUNIT_EXPECT_EQ(test, CHUNK - 5, mheap_page_of(s, 0));
	mheap_expect(test);
	mheap_put_all(test);
}

struct visit {
	struct kunit *test;
	unsigned long last;
	unsigned int nr;
};

static void visit_span(struct gomem_span *s, void *arg)
{
	struct visit *v = arg;

	KUNIT_EXPECT_GT(v->test, s->base, v->last);
	v->last = s->base;
	v->nr++;
}

static void test_walk_spans(struct kunit *test)
{
	struct visit v = { .test = test };
	struct mheap_fixture *f = test->priv;
	unsigned int i;

	mheap_make(test, 8);
	mheap_source_of(f)->policy = FAKE_RANDOM;
	for (i = 0; i < 100; i++)
		mheap_get_large(test, 5 + below(&f->base.set.rnd, 20));
	for (i = 0; i < 50; i++)
		mheap_put_span(test,
			       f->live[below(&f->base.set.rnd, f->nr_live)]);
	gomem_heap_walk_spans(f->base.fh.heap, visit_span, &v);
	KUNIT_EXPECT_EQ(test, 50, v.nr);
	mheap_put_all(test);
}

static void test_lookup_elsewhere(struct kunit *test)
{
	static const unsigned long addrs[] = {
		0,
		16,
		GOMEM_PAGE_SIZE,
		FAKE_BASE - 1,
		FAKE_BASE - GOMEM_CHUNK_SIZE,
		FAKE_BASE + GOMEM_CHUNK_SIZE,
		FAKE_BASE + 2 * GOMEM_CHUNK_SIZE,
		FAKE_BASE + 8 * GOMEM_CHUNK_SIZE,
		BIT(63),
		~0UL,
		~0UL - GOMEM_CHUNK_SIZE,
	};
	struct mheap_fixture *f = test->priv;
	struct gomem_heap *h;
	unsigned int i;

	mheap_make(test, 2);
	h = f->base.fh.heap;
	mheap_get_large(test, CHUNK);
	for (i = 0; i < ARRAY_SIZE(addrs); i++) {
		KUNIT_EXPECT_NULL_MSG(test,
				      gomem_pagemap_span(h->map, addrs[i]),
				      "%#lx", addrs[i]);
		KUNIT_EXPECT_FALSE_MSG(test,
				       gomem_pagemap_has_page(h->map, addrs[i]),
				       "%#lx", addrs[i]);
	}
	mheap_put_all(test);
}

/* Freed neighbours join into one run, which serves the next span. */
static void test_reuse(struct kunit *test)
{
	struct gomem_span *s[4];
	struct mheap_fixture *f = test->priv;
	unsigned long base;
	unsigned int i;

	mheap_make(test, 1);
	for (i = 0; i < 4; i++)
		s[i] = mheap_get_large(test, 8);
	base = s[1]->base;
	mheap_put_span(test, s[2]);
	mheap_put_span(test, s[1]);
	s[1] = mheap_get_large(test, 11);
	KUNIT_EXPECT_EQ(test, base, s[1]->base);
	KUNIT_EXPECT_EQ(test, 1, f->base.fh.heap->stats.grows);
	mheap_expect(test);
	mheap_put_all(test);
}

static void test_double_free_large(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_heap *h;
	struct gomem_span *s, *small;
	unsigned long base;

	mheap_make(test, 1);
	h = f->base.fh.heap;
	s = mheap_get_large(test, 8);
	base = s->base;
	KUNIT_EXPECT_FALSE(test,
			   mheap_free_large(h, s, base + GOMEM_PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, mheap_free_large(h, s, base + 8));
	mheap_expect(test);

	/*
	 * Only one free can claim a large object. The span stays mapped until
	 * the pages are freed.
	 */
	KUNIT_EXPECT_PTR_EQ(test, s, gomem_heap_claim_large(h->map, base));
	KUNIT_EXPECT_NULL(test, gomem_heap_claim_large(h->map, base));
	KUNIT_EXPECT_NULL(test, gomem_pagemap_large(h->map, base));
	mheap_expect_mapped(test, s);
	mheap_expect(test);
	mheap_forget_span(f, s);
	gomem_heap_free_span(s);
	mheap_expect_unmapped(test, base, 8);
	KUNIT_EXPECT_NULL(test, gomem_heap_claim_large(h->map, base));
	mheap_expect(test);

	/* Now use the descriptor again, for an object at another address. */
	small = get_small(test, 2);
	KUNIT_EXPECT_EQ(test, base, small->base);
	KUNIT_ASSERT_PTR_EQ(test, s, mheap_get_large(test, 9));
	KUNIT_EXPECT_FALSE(test, mheap_free_large(h, s, base));
	KUNIT_EXPECT_FALSE(test, mheap_free_large(h, small, base));
	mheap_expect(test);
	mheap_put_all(test);
}

static void expect_violation(struct kunit *test, const char *want)
{
	struct mheap_fixture *f = test->priv;
	const char *err = fake_heap_check(f->base.fh.heap, f->live, f->nr_live);

	KUNIT_EXPECT_NOT_NULL(test, err);
	KUNIT_EXPECT_TRUE_MSG(test, err && strstr(err, want),
			      "no \"%s\" in: %s", want, err);
}

/* gomem_check() names what is wrong with a span. */
static void test_violations(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_heap *h, *other;
	struct gomem_chunk *c;
	struct gomem_span *s;
	unsigned int page;

	mheap_make(test, 1);
	h = f->base.fh.heap;
	s = mheap_get_large(test, 9);
	c = gomem_pagemap_chunk(h->map, s->base);
	page = gomem_chunk_page(s->base) + 3;
	other = kunit_kmalloc(test, sizeof(*other), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, other);
	memcpy(other, h, sizeof(*other));
	s->heap = other;
	expect_violation(test, "belongs to another heap");
	s->heap = h;
	c->span[page] = NULL;
	expect_violation(test, "is not mapped to it");
	c->span[page] = s;
	__set_bit(page, c->zero);
	expect_violation(test, "is marked as zero");
	__clear_bit(page, c->zero);
	mheap_expect(test);
	mheap_put_all(test);
}

static bool extend(struct kunit *test, struct gomem_span *s,
		   unsigned int npages, bool *zero)
{
	struct mheap_fixture *f = test->priv;
	unsigned int old = s->npages, i;
	bool ok;

	KUNIT_ASSERT_PTR_EQ(test, s,
			    gomem_heap_claim_large(f->base.fh.heap->map,
						   s->base));
	ok = gomem_heap_extend_span(s, npages, zero);
	gomem_heap_publish_large(s);
	KUNIT_EXPECT_EQ(test, ok ? npages : old, s->npages);
	KUNIT_EXPECT_EQ(test, s->npages * GOMEM_PAGE_SIZE, s->elemsize);
	for (i = old; i < s->npages; i++)
		KUNIT_EXPECT_FALSE(test, test_and_set_bit(mheap_page_of(s, i),
							  f->owned));
	mheap_expect_mapped(test, s);
	KUNIT_EXPECT_NULL(test, fake_heap_check(f->base.fh.heap, f->live,
						f->nr_live));
	return ok;
}

/*
 * Make a heap of one chunk, with three large objects side by side in its first
 * pages.
 */
static struct gomem_heap *make_three(struct kunit *test, struct gomem_span **s)
{
	struct mheap_fixture *f = test->priv;

	mheap_make(test, 1);
	f->base.fh.heap->pcache_max = 0;
	mheap_put_span(test, mheap_get_large(test, CHUNK));
	s[0] = mheap_get_large(test, 9);
	s[1] = mheap_get_large(test, 20);
	s[2] = mheap_get_large(test, 9);
	KUNIT_ASSERT_EQ(test, s[0]->base + 9 * GOMEM_PAGE_SIZE, s[1]->base);
	KUNIT_ASSERT_EQ(test, s[0]->base + 29 * GOMEM_PAGE_SIZE, s[2]->base);
	return f->base.fh.heap;
}

/*
 * Extend a span when the pages after it are taken, too few, or enough, and when
 * it ends at the end of the heap.
 */
static void test_extend(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_span *s[3];
	struct gomem_heap *h = make_three(test, s);
	unsigned long base = s[0]->base;
	bool zero;

	fake_fail(&mheap_source_of(f)->pages, 1, ~0UL);
	fake_fail(&mheap_source_of(f)->meta, 1, ~0UL);

	KUNIT_EXPECT_FALSE(test, extend(test, s[0], 10, &zero));
	mheap_put_span(test, s[1]);
	KUNIT_EXPECT_FALSE(test, extend(test, s[0], 30, &zero));
	KUNIT_EXPECT_TRUE(test, extend(test, s[0], 10, &zero));
	KUNIT_EXPECT_FALSE(test, zero);
	KUNIT_EXPECT_TRUE(test, extend(test, s[0], 29, &zero));
	KUNIT_EXPECT_FALSE(test, extend(test, s[0], 30, &zero));
	KUNIT_EXPECT_FALSE(test, extend(test, s[2], CHUNK - 29 + 1, &zero));
	KUNIT_EXPECT_TRUE(test, extend(test, s[2], CHUNK - 29, &zero));
	KUNIT_EXPECT_EQ(test, 0, h->pages.free_pages);
	mheap_expect(test);
	KUNIT_EXPECT_EQ(test, 0, mheap_source_of(f)->pages.calls);
	KUNIT_EXPECT_EQ(test, 0, mheap_source_of(f)->meta.calls);
	fake_fail_none(&mheap_source_of(f)->pages);
	fake_fail_none(&mheap_source_of(f)->meta);

	/* One free frees the whole extended span. */
	KUNIT_EXPECT_FALSE(test, mheap_free_large(h, s[0],
						  base + 9 * GOMEM_PAGE_SIZE));
	mheap_put_span(test, s[0]);
	mheap_expect_unmapped(test, base, 29);
	KUNIT_EXPECT_FALSE(test, mheap_free_large(h, s[0], base));
	mheap_put_all(test);
	KUNIT_EXPECT_EQ(test, CHUNK, h->pages.free_pages);
	mheap_expect(test);
}

static struct gomem_span *get_growing(struct kunit *test, unsigned int npages)
{
	struct gomem_span_request req = fake_large_request(npages);

	req.aligned = false;
	req.grows = true;
	return mheap_get_span(test, &req);
}

/*
 * A span that will grow is placed in the lowest free run of at least four times
 * its length, so that it can grow there. If there is no such run, the span is
 * placed in the lowest run that is long enough for it.
 */
static void test_place_to_grow(struct kunit *test)
{
	struct gomem_span *s[3], *a, *b;
	struct gomem_heap *h = make_three(test, s);
	unsigned long low = s[1]->base, behind = s[2]->base +
						 9 * GOMEM_PAGE_SIZE;
	bool zero;

	mheap_put_span(test, s[1]);
	a = get_growing(test, 5);
	KUNIT_EXPECT_EQ(test, low, a->base);
	KUNIT_EXPECT_TRUE(test, extend(test, a, 20, &zero));
	mheap_put_span(test, a);
	a = get_growing(test, 6);
	KUNIT_EXPECT_EQ(test, behind, a->base);
	KUNIT_EXPECT_EQ(test, CHUNK - 9 - 9 - 6, h->pages.free_pages);
	b = mheap_get_large(test, CHUNK - 38 - 6);
	KUNIT_EXPECT_EQ(test, behind + 6 * GOMEM_PAGE_SIZE, b->base);
	mheap_put_span(test, a);
	a = get_growing(test, 6);
	KUNIT_EXPECT_EQ(test, low, a->base);
	mheap_put_all(test);
	mheap_expect(test);
}

/*
 * Make a heap of one chunk, and return the page cache of this CPU. The page
 * cache may hold max(@least, 8 / CPUs) pages of its group: without @least, the
 * limit of so small a heap would be too low for some cases. The caller stays on
 * this CPU until unpin_pcache().
 */
static struct gomem_pcache *pin_pcache(struct kunit *test, unsigned int least)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_heap *h;

	mheap_make(test, 1);
	h = f->base.fh.heap;
	h->pcache_max = GOMEM_PCACHE_PAGES;
	h->pcache_min = least;
	migrate_disable();
	mheap_put_span(test, mheap_get_large(test, CHUNK));
	return raw_cpu_ptr(h->pcache);
}

static void unpin_pcache(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;

	migrate_enable();
	gomem_heap_drain_pcaches(f->base.fh.heap, false);
	mheap_expect(test);
}

/*
 * When a span that will grow is allocated, the runs of this CPU's page cache
 * join the free pages next to them, so that the span finds more room to grow.
 */
static void test_runs_to_grow(struct kunit *test)
{
	struct gomem_pcache *pc = pin_pcache(test, 0);
	struct gomem_span *s = mheap_get_large(test, CHUNK - 10);
	unsigned long base = s->base;
	bool zero;

	mheap_put_span(test, s);
	s = mheap_get_large(test, 12);
	KUNIT_EXPECT_EQ(test, base, s->base);
	mheap_put_span(test, s);
	KUNIT_EXPECT_EQ(test, 1, pc->nr_runs);
	s = get_growing(test, 3);
	KUNIT_EXPECT_EQ(test, 0, pc->nr_runs);
	KUNIT_EXPECT_EQ(test, base, s->base);
	KUNIT_EXPECT_TRUE(test, extend(test, s, 100, &zero));
	mheap_put_span(test, s);
	unpin_pcache(test);
}

/* Extend a span by pages of the page cache, and by pages after those. */
static void test_extend_cached(struct kunit *test)
{
	struct gomem_pcache *pc = pin_pcache(test, 8);
	struct gomem_span *s = mheap_get_large(test, 2);
	bool zero;

	KUNIT_EXPECT_EQ(test, 6, hweight64(pc->free));
	KUNIT_EXPECT_TRUE(test, extend(test, s, 4, &zero));
	KUNIT_EXPECT_EQ(test, 4, hweight64(pc->free));
	KUNIT_EXPECT_TRUE(test, extend(test, s, 20, &zero));
	KUNIT_EXPECT_EQ(test, 0, pc->free);
	KUNIT_EXPECT_FALSE(test, extend(test, s, CHUNK + 1, &zero));
	mheap_put_span(test, s);
	unpin_pcache(test);
}

/*
 * Try to extend a span beyond the group that the page cache has. The pages
 * after the group have another owner.
 */
static void test_extend_whole_block(struct kunit *test)
{
	struct gomem_pcache *pc = pin_pcache(test, GOMEM_PCACHE_PAGES);
	struct gomem_span *s = mheap_get_large(test, 64), *victim;
	struct gomem_heap *h = s->heap;
	bool zero;

	mheap_put_span(test, mheap_get_large(test, 2));
	KUNIT_EXPECT_EQ(test, ~0ULL, pc->free);
	KUNIT_EXPECT_EQ(test, gomem_heap_page(h, s->base) + 64, pc->base);
	victim = mheap_get_large(test, 100);
	KUNIT_EXPECT_EQ(test, s->base + 128 * GOMEM_PAGE_SIZE, victim->base);
	KUNIT_ASSERT_PTR_EQ(test, s, gomem_heap_claim_large(h->map, s->base));
	KUNIT_EXPECT_FALSE(test, gomem_heap_extend_span(s, 64, &zero));
	KUNIT_EXPECT_FALSE(test, gomem_heap_extend_span(s, 64 + 70, &zero));
	gomem_heap_publish_large(s);
	KUNIT_EXPECT_PTR_EQ(test, victim,
			    gomem_pagemap_span(h->map, victim->base));
	mheap_put_span(test, victim);
	mheap_put_span(test, s);
	unpin_pcache(test);
}

#define RACERS	2

struct freer {
	struct racer base;
	struct mheap_fixture *f;
	DECLARE_BITMAP(won, MAX_LIVE);
};

/*
 * Try to claim each span. If this thread succeeds with span number i, set bit i
 * of w->won.
 */
static void free_all(struct racer *r)
{
	struct freer *w = container_of(r, struct freer, base);
	struct mheap_fixture *f = w->f;
	unsigned int i;

	for (i = 0; i < f->nr_live; i++)
		if (gomem_heap_claim_large(f->base.fh.heap->map,
					   f->live[i]->base) == f->live[i])
			__set_bit(i, w->won);
}

static void race_to_free(struct kunit *test, struct freer *w)
{
	struct racer *racers[RACERS];
	unsigned int i;

	for (i = 0; i < RACERS; i++) {
		racers[i] = &w[i].base;
		w[i].f = test->priv;
		bitmap_zero(w[i].won, MAX_LIVE);
	}
	race(test, racers, RACERS, free_all);
}

/* If several threads free an object at the same time, one of them succeeds. */
static void test_double_free_race(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	unsigned int round, i, n;
	struct freer *r;

	r = kunit_kcalloc(test, RACERS, sizeof(*r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r);
	mheap_make(test, 16);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 500; i++)
			mheap_get_large(test, 1 + below(&f->base.set.rnd, 12));
		race_to_free(test, r);
		n = bitmap_weight(r[0].won, MAX_LIVE) +
		    bitmap_weight(r[1].won, MAX_LIVE);
		KUNIT_EXPECT_EQ(test, f->nr_live, n);
		KUNIT_EXPECT_FALSE(test, bitmap_intersects(r[0].won, r[1].won,
							   MAX_LIVE));
		mheap_expect(test);
		while (f->nr_live) {
			struct gomem_span *s = f->live[0];

			mheap_forget_span(f, s);
			gomem_heap_free_span(s);
		}
		mheap_expect(test);
	}
}

/* Destruction */

static void test_destroy_empty(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;

	mheap_make(test, 16);
	mheap_source_of(f)->policy = FAKE_RANDOM;
	while (f->nr_live < 100)
		mheap_get_large(test, 1 + below(&f->base.set.rnd, 60));
	mheap_put_all(test);
	KUNIT_EXPECT_GT(test, mheap_source_of(f)->nr_out, 0);
	fake_heap_destroy(&f->base.fh);
	KUNIT_EXPECT_EQ(test, 0, mheap_source_of(f)->nr_out);
}

static void test_destroy_leaked(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	struct fake_source *fake;
	unsigned long base[2], npages[2] = { 9, 3 };
	struct gomem_span *s[2];
	unsigned int i, k;

	mheap_make(test, 2);
	mheap_get_large(test, 5);
	s[0] = mheap_get_large(test, npages[0]);
	mheap_get_large(test, 300);
	s[1] = get_small(test, gomem_spc_make(41, false));
	mheap_get_large(test, 2);
	for (i = 0; i < 2; i++) {
		base[i] = s[i]->base;
		mheap_forget_span(f, s[i]);
	}
	while (f->nr_live)
		mheap_put_span(test, f->live[0]);

	fake = mheap_source_of(f);
	fake_heap_destroy(&f->base.fh);
	KUNIT_EXPECT_EQ(test, 12, fake->nr_out);
	KUNIT_EXPECT_EQ(test, 12, atomic_long_read(&fake->src.heap_pages));
	for (i = 0; i < 2; i++) {
		for (k = 0; k < npages[i]; k++)
			KUNIT_EXPECT_TRUE(test,
					  fake_page_is_out(fake, base[i] + k *
							   GOMEM_PAGE_SIZE));
		fake_forget_pages(fake, base[i], npages[i]);
	}
}

/* Random sequences */

static const struct random_case {
	const char *name;
	enum fake_policy policy;
	unsigned int pages_percent;
	unsigned int meta_percent;
	unsigned int limit;
} random_cases[] = {
	{ "lowest block first",		FAKE_LOWEST,	0,	0,	0 },
	{ "highest block first",	FAKE_HIGHEST,	0,	0,	0 },
	{ "any block",			FAKE_RANDOM,	0,	0,	0 },
	{ "small blocks only",		FAKE_RANDOM,	0,	0,	6 },
	{ "pages fail at times",	FAKE_RANDOM,	30,	0,	0 },
	{ "descriptors fail at times",	FAKE_LOWEST,	0,	50,	0 },
	{ "all fails often",		FAKE_RANDOM,	70,	70,	8 },
};

KUNIT_ARRAY_PARAM_DESC(random, random_cases, name);

static void test_random(struct kunit *test)
{
	const struct random_case *c = test->param_value;
	struct mheap_fixture *f = test->priv;
	struct gomem_span_request req;
	unsigned int step, percent, aim = 0;

	mheap_make(test, 12);
	mheap_source_of(f)->policy = c->policy;
	mheap_source_of(f)->pages.limit = c->limit;
	mheap_source_of(f)->pages.percent = c->pages_percent;
	mheap_source_of(f)->meta.percent = c->meta_percent;
	for (step = 0; step < 2000; step++) {
		if (step % 200 == 0)
			aim = below(&f->base.set.rnd, 300);
		percent = f->nr_live < aim ? 70 : 30;
		if (f->nr_live < MAX_LIVE &&
		    below(&f->base.set.rnd, 100) < percent) {
			req = random_request(f);
			mheap_try_span(test, &req);
		} else if (f->nr_live) {
			mheap_put_span(test, f->live[below(&f->base.set.rnd,
							   f->nr_live)]);
		}
		if (step % 50 == 0)
			mheap_expect(test);
	}
	mheap_put_all(test);
}

static struct kunit_case mheap_cases[] = {
	KUNIT_CASE(test_empty),
	KUNIT_CASE(test_every_class),
	KUNIT_CASE(test_every_length),
	KUNIT_CASE(test_aligned),
	KUNIT_CASE(test_across_chunks),
	KUNIT_CASE(test_walk_spans),
	KUNIT_CASE(test_lookup_elsewhere),
	KUNIT_CASE(test_reuse),
	KUNIT_CASE(test_double_free_large),
	KUNIT_CASE(test_double_free_race),
	KUNIT_CASE(test_violations),
	KUNIT_CASE(test_extend),
	KUNIT_CASE(test_place_to_grow),
	KUNIT_CASE(test_runs_to_grow),
	KUNIT_CASE(test_extend_cached),
	KUNIT_CASE(test_extend_whole_block),
	KUNIT_CASE(test_destroy_empty),
	KUNIT_CASE(test_destroy_leaked),
	KUNIT_CASE_PARAM(test_random, random_gen_params),
	{}
};

static struct kunit_suite mheap_suite = {
	.name = "gomem_mheap",
	.init = mheap_init,
	.exit = heap_fixture_exit,
	.test_cases = mheap_cases,
};

kunit_test_suite(mheap_suite);
