// SPDX-License-Identifier: GPL-2.0
/*
 * mheap_kunit.c - a private heap over a source that fails when it is told to.
 *
 * The oracle is a list of the spans that are live. After steps that matter, each
 * page of each of them must lead to it and to nothing else, gomem_check() must be
 * content, and the counters must be those of the list. What the source misses in
 * the end is found by fake_heap_exit().
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fake_source.h"
#include "scavenge.h"

#define CHUNK		GOMEM_CHUNK_PAGES
#define MAX_CHUNKS	80
#define MAX_LIVE	1200

static uint seed_param;
module_param_named(mheap_seed, seed_param, uint, 0444);
MODULE_PARM_DESC(mheap_seed, "Seed of the random cases (0: pick one)");

/* As gomem_free() does it. */
static bool free_large(struct gomem_heap *h, struct gomem_span *s, unsigned long addr)
{
	if (gomem_heap_claim_large(h->map, addr) != s)
		return false;
	gomem_heap_free_span(s);
	return true;
}

struct fixture {
	struct fake_heap fh;
	struct rnd_state rnd;
	u32 seed;
	unsigned int nr_live;
	struct gomem_span *live[MAX_LIVE];
	unsigned long owned[BITS_TO_LONGS(MAX_CHUNKS * CHUNK)];
};

static u32 below(struct fixture *f, u32 limit)
{
	return prandom_u32_state(&f->rnd) % limit;
}

static struct fake_source *source_of(struct fixture *f)
{
	return &f->fh.source;
}

static void make_heap(struct kunit *test, unsigned long nr_chunks)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_LE(test, nr_chunks, MAX_CHUNKS);
	KUNIT_ASSERT_EQ(test, 0, fake_heap_init(&f->fh, nr_chunks, f->seed));
}

/* Requests */

static struct gomem_span_request random_request(struct fixture *f)
{
	struct gomem_span_request req;

	if (below(f, 2))
		req = fake_small_request(2 + below(f, GOMEM_NR_SPANCLASSES - 2));
	else
		req = fake_large_request(5 + below(f, below(f, 4) ? 60 : CHUNK - 4));
	if (below(f, 2))
		req.gfp = GFP_ATOMIC;
	return req;
}

/* The oracle */

static unsigned long page_of(const struct gomem_span *s, unsigned int i)
{
	return ((s->base - FAKE_BASE) >> GOMEM_PAGE_SHIFT) + i;
}

static unsigned int want_tag(const struct gomem_span *s, unsigned int i)
{
	unsigned int tag = gomem_make_tag(s->base, s->spc);

	return !i && gomem_span_state(s) == GOMEM_SPAN_LARGE ? tag | GOMEM_TAG_LARGE : tag;
}

static unsigned int tag_at(struct gomem_heap *h, unsigned long addr)
{
	unsigned long ci = gomem_pagemap_index(h->map, addr);
	u32 tag = gomem_pagemap_chunk(h->map, addr)->tag[gomem_chunk_page(addr)];

	/* And as a free finds it. */
	return gomem_pagemap_tag(h->map->entry[ci], addr) == tag ? tag : ~0U;
}

/* All pages of a span lead to it, from their first and their last byte. */
static void expect_mapped(struct kunit *test, const struct gomem_span *s)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = f->fh.heap;
	unsigned int i;

	for (i = 0; i < s->npages; i++) {
		unsigned long addr = s->base + i * GOMEM_PAGE_SIZE;

		KUNIT_ASSERT_PTR_EQ_MSG(test, s, gomem_pagemap_span(h->map, addr),
					"page %u, seed %u", i, f->seed);
		KUNIT_ASSERT_PTR_EQ(test, s,
				    gomem_pagemap_span(h->map, addr + GOMEM_PAGE_SIZE - 1));
		KUNIT_ASSERT_EQ_MSG(test, want_tag(s, i), tag_at(h, addr), "page %u", i);
		KUNIT_ASSERT_TRUE(test, gomem_pagemap_has_page(h->map, addr));
		KUNIT_ASSERT_TRUE(test, fake_page_is_out(source_of(f), addr));
	}
}

static void expect_unmapped(struct kunit *test, unsigned long base, unsigned int npages)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = f->fh.heap;
	unsigned int i;

	for (i = 0; i < npages; i++) {
		unsigned long addr = base + i * GOMEM_PAGE_SIZE;

		KUNIT_ASSERT_NULL(test, gomem_pagemap_span(h->map, addr));
		KUNIT_ASSERT_EQ(test, 0, tag_at(h, addr));
		KUNIT_ASSERT_TRUE(test, gomem_pagemap_has_page(h->map, addr));
	}
}

static void expect_counters(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct fake_source *fake = source_of(f);
	unsigned long pages = 0, large = 0, large_pages = 0, sys = 0, inuse = 0;
	struct gomem_heap *h = f->fh.heap;
	struct gomem_heap_snapshot st;
	unsigned int i;

	for (i = 0; i < f->nr_live; i++) {
		pages += f->live[i]->npages;
		if (gomem_spc_class(f->live[i]->spc))
			continue;
		large++;
		large_pages += f->live[i]->npages;
	}
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++) {
		sys += h->spanalloc[i].sys;
		inuse += h->spanalloc[i].inuse;
	}

	gomem_heap_get(h, &st);
	KUNIT_ASSERT_EQ_MSG(test, pages, st.counts.inuse_pages, "seed %u", f->seed);
	KUNIT_ASSERT_EQ_MSG(test, f->nr_live, st.counts.spans, "seed %u", f->seed);
	KUNIT_ASSERT_EQ(test, large, st.counts.large);
	KUNIT_ASSERT_EQ(test, large_pages, st.counts.large_pages);
	KUNIT_ASSERT_EQ(test, st.counts.spans, st.counts.span_allocs - st.counts.span_frees);
	KUNIT_ASSERT_EQ(test, st.counts.large, st.counts.large_allocs - st.counts.large_frees);
	KUNIT_ASSERT_EQ(test, inuse, st.span_bytes);
	KUNIT_ASSERT_EQ(test, atomic_long_read(&fake->src.heap_pages),
			st.free_pages + st.counts.inuse_pages);
	KUNIT_ASSERT_EQ_MSG(test, fake->nr_out, st.free_pages + st.counts.inuse_pages, "seed %u",
			    f->seed);
	KUNIT_ASSERT_EQ(test, fake->meta_out, atomic_long_read(&fake->src.meta_bytes));
	KUNIT_ASSERT_EQ(test, fake->meta_out, sys + h->chunkalloc.sys);
	KUNIT_ASSERT_EQ(test, h->chunkalloc.inuse, st.chunks * sizeof(struct gomem_chunk));
}

static void expect_descriptors(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = f->fh.heap;
	const char *violation;
	unsigned int i;

	spin_lock_irq(&h->lock);
	violation = gomem_fixalloc_validate(&h->chunkalloc);
	for (i = 0; i < GOMEM_NR_SPAN_SIZES && !violation; i++)
		violation = gomem_fixalloc_validate(&h->spanalloc[i]);
	spin_unlock_irq(&h->lock);
	KUNIT_ASSERT_TRUE_MSG(test, !violation, "%s, seed %u", violation, f->seed);
}

static void expect_heap(struct kunit *test)
{
	struct fixture *f = test->priv;
	const char *violation = fake_heap_check(f->fh.heap, f->live, f->nr_live);

	KUNIT_ASSERT_TRUE_MSG(test, !violation, "%s, seed %u", violation, f->seed);
	KUNIT_ASSERT_TRUE_MSG(test, !source_of(f)->error, "%s, seed %u", source_of(f)->error,
			      f->seed);
	expect_counters(test);
	expect_descriptors(test);
}

/* Steps */

static bool claim_pages(struct fixture *f, const struct gomem_span *s)
{
	unsigned int i;

	for (i = 0; i < s->npages; i++)
		if (test_and_set_bit(page_of(s, i), f->owned))
			return false;
	return true;
}

/* NULL, or a span as it was asked for, of pages that nobody else has. */
static struct gomem_span *try_span(struct kunit *test, const struct gomem_span_request *req)
{
	struct fixture *f = test->priv;
	struct gomem_span *s = fake_heap_span(f->fh.heap, req);
	bool large = gomem_kind_is_large(req->kind);

	if (!s)
		return NULL;
	KUNIT_ASSERT_LT(test, f->nr_live, MAX_LIVE);
	f->live[f->nr_live++] = s;
	KUNIT_ASSERT_EQ(test, req->npages, s->npages);
	KUNIT_ASSERT_PTR_EQ(test, req->kind, s->kind);
	KUNIT_ASSERT_EQ(test, large ? GOMEM_SPAN_LARGE : GOMEM_SPAN_DEAD, gomem_span_state(s));
	KUNIT_ASSERT_EQ(test, large, s->alloc_count);
	KUNIT_ASSERT_NULL(test, gomem_span_validate(s));
	if (req->aligned)
		KUNIT_ASSERT_TRUE_MSG(test, !(s->base & (req->npages * GOMEM_PAGE_SIZE - 1)),
				      "%u pages at %#lx, seed %u", req->npages, s->base, f->seed);
	KUNIT_ASSERT_TRUE_MSG(test, claim_pages(f, s), "pages given out twice, seed %u", f->seed);
	expect_mapped(test, s);
	return s;
}

static struct gomem_span *get_span(struct kunit *test, const struct gomem_span_request *req)
{
	struct gomem_span *s = try_span(test, req);

	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

static struct gomem_span *get_large(struct kunit *test, unsigned int npages)
{
	struct gomem_span_request req = fake_large_request(npages);

	return get_span(test, &req);
}

static struct gomem_span *get_small(struct kunit *test, unsigned int spc)
{
	struct gomem_span_request req = fake_small_request(spc);

	return get_span(test, &req);
}

static void forget_span(struct fixture *f, struct gomem_span *s)
{
	unsigned int i;

	for (i = 0; i < s->npages; i++)
		clear_bit(page_of(s, i), f->owned);
	for (i = 0; f->live[i] != s; i++)
		;
	f->live[i] = f->live[--f->nr_live];
}

static void put_span(struct kunit *test, struct gomem_span *s)
{
	unsigned int npages = s->npages;
	struct fixture *f = test->priv;
	unsigned long base = s->base;

	forget_span(f, s);
	if (gomem_spc_class(s->spc))
		gomem_heap_free_span(s);
	else
		KUNIT_ASSERT_TRUE(test, free_large(f->fh.heap, s, base));
	expect_unmapped(test, base, npages);
}

static void put_all(struct kunit *test)
{
	struct fixture *f = test->priv;

	while (f->nr_live)
		put_span(test, f->live[below(f, f->nr_live)]);
	expect_heap(test);
}

/* Spans */

static void test_empty(struct kunit *test)
{
	struct fixture *f = test->priv;

	make_heap(test, 1);
	expect_heap(test);
	KUNIT_EXPECT_NULL(test, gomem_pagemap_span(f->fh.heap->map, FAKE_BASE));
	KUNIT_EXPECT_FALSE(test, gomem_pagemap_has_page(f->fh.heap->map, FAKE_BASE));
	KUNIT_EXPECT_EQ(test, 0, source_of(f)->pages.calls + source_of(f)->meta.calls);
}

static void test_every_class(struct kunit *test)
{
	unsigned int spc;

	make_heap(test, 4);
	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++)
		get_small(test, spc);
	expect_heap(test);
	put_all(test);
}

/* Each length is taken, as is or aligned, noscan or not. */
static void test_every_length(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span_request req;
	unsigned int npages;

	make_heap(test, 16);
	for (npages = 5; npages <= CHUNK; npages++) {
		req = fake_large_request(npages);
		req.kind = &gomem_kinds[gomem_spc_make(0, npages & 1)];
		get_span(test, &req);
		if (f->nr_live == 2)
			put_span(test, f->live[0]);
	}
	expect_heap(test);
	put_all(test);
}

/* Aligned blocks between others that spoil the alignment. */
static void test_aligned(struct kunit *test)
{
	unsigned int npages, i;

	make_heap(test, 16);
	for (i = 0; i < 3; i++) {
		for (npages = 1; npages <= CHUNK; npages *= 2) {
			get_small(test, gomem_spc_make(1, false));
			get_large(test, npages);
		}
	}
	expect_heap(test);
	put_all(test);
}

/* A span may begin in one chunk and end in the next. */
static void test_across_chunks(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span *s;

	make_heap(test, 2);
	get_large(test, CHUNK / 2);
	get_large(test, CHUNK / 2 - 5);
	put_span(test, get_large(test, 32));
	KUNIT_EXPECT_EQ(test, 2, f->fh.heap->pages.nr_registered);

	s = get_large(test, 7);
	KUNIT_EXPECT_EQ(test, CHUNK - 5, page_of(s, 0));
	expect_heap(test);
	put_span(test, s);
	/* The tag of a small one has the page's number in the span, not in the chunk. */
	s = get_small(test, gomem_spc_make(GOMEM_NR_SIZE_CLASSES - 3, true));
	KUNIT_EXPECT_EQ(test, 10, s->npages);
	KUNIT_EXPECT_EQ(test, CHUNK - 5, page_of(s, 0));
	expect_heap(test);
	put_all(test);
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
	struct fixture *f = test->priv;
	unsigned int i;

	make_heap(test, 8);
	source_of(f)->policy = FAKE_RANDOM;
	for (i = 0; i < 100; i++)
		get_large(test, 5 + below(f, 20));
	for (i = 0; i < 50; i++)
		put_span(test, f->live[below(f, f->nr_live)]);
	gomem_heap_walk_spans(f->fh.heap, visit_span, &v);
	KUNIT_EXPECT_EQ(test, 50, v.nr);
	put_all(test);
}

static void test_lookup_elsewhere(struct kunit *test)
{
	static const unsigned long addrs[] = {
		0, 16, GOMEM_PAGE_SIZE, FAKE_BASE - 1, FAKE_BASE - GOMEM_CHUNK_SIZE,
		FAKE_BASE + GOMEM_CHUNK_SIZE, FAKE_BASE + 2 * GOMEM_CHUNK_SIZE,
		FAKE_BASE + 8 * GOMEM_CHUNK_SIZE, BIT(63), ~0UL, ~0UL - GOMEM_CHUNK_SIZE,
	};
	struct fixture *f = test->priv;
	struct gomem_heap *h;
	unsigned int i;

	make_heap(test, 2);
	h = f->fh.heap;
	get_large(test, CHUNK);
	for (i = 0; i < ARRAY_SIZE(addrs); i++) {
		KUNIT_EXPECT_NULL_MSG(test, gomem_pagemap_span(h->map, addrs[i]), "%#lx", addrs[i]);
		KUNIT_EXPECT_FALSE_MSG(test, gomem_pagemap_has_page(h->map, addrs[i]), "%#lx",
				       addrs[i]);
	}
	put_all(test);
}

/* Freed pages serve the next span, and their neighbours join them. */
static void test_reuse(struct kunit *test)
{
	struct gomem_span *s[4];
	struct fixture *f = test->priv;
	unsigned long base;
	unsigned int i;

	make_heap(test, 1);
	for (i = 0; i < 4; i++)
		s[i] = get_large(test, 8);
	base = s[1]->base;
	put_span(test, s[2]);
	put_span(test, s[1]);
	s[1] = get_large(test, 11);
	KUNIT_EXPECT_EQ(test, base, s[1]->base);
	KUNIT_EXPECT_EQ(test, 1, f->fh.heap->stats.grows);
	expect_heap(test);
	put_all(test);
}

static void test_double_free_large(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h;
	struct gomem_span *s, *small;
	unsigned long base;

	make_heap(test, 1);
	h = f->fh.heap;
	s = get_large(test, 8);
	base = s->base;
	KUNIT_EXPECT_FALSE(test, free_large(h, s, base + GOMEM_PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, free_large(h, s, base + 8));
	expect_heap(test);

	/* One claims it, nobody else can, and it stays mapped until it is freed. */
	KUNIT_EXPECT_PTR_EQ(test, s, gomem_heap_claim_large(h->map, base));
	KUNIT_EXPECT_NULL(test, gomem_heap_claim_large(h->map, base));
	KUNIT_EXPECT_NULL(test, gomem_pagemap_large(h->map, base));
	expect_mapped(test, s);
	expect_heap(test);
	forget_span(f, s);
	gomem_heap_free_span(s);
	expect_unmapped(test, base, 8);
	KUNIT_EXPECT_NULL(test, gomem_heap_claim_large(h->map, base));
	expect_heap(test);

	/* The descriptor serves another object by now. */
	small = get_small(test, 2);
	KUNIT_EXPECT_EQ(test, base, small->base);
	KUNIT_ASSERT_PTR_EQ(test, s, get_large(test, 9));
	KUNIT_EXPECT_FALSE(test, free_large(h, s, base));
	KUNIT_EXPECT_FALSE(test, free_large(h, small, base));
	expect_heap(test);
	put_all(test);
}

static bool extend(struct kunit *test, struct gomem_span *s, unsigned int npages, bool *zero)
{
	struct fixture *f = test->priv;
	unsigned int old = s->npages, i;
	bool ok;

	KUNIT_ASSERT_PTR_EQ(test, s, gomem_heap_claim_large(f->fh.heap->map, s->base));
	ok = gomem_heap_extend_span(s, npages, zero);
	gomem_heap_publish_large(s);
	KUNIT_EXPECT_EQ(test, ok ? npages : old, s->npages);
	KUNIT_EXPECT_EQ(test, s->npages * GOMEM_PAGE_SIZE, s->elemsize);
	for (i = old; i < s->npages; i++)
		KUNIT_EXPECT_FALSE(test, test_and_set_bit(page_of(s, i), f->owned));
	expect_mapped(test, s);
	KUNIT_EXPECT_NULL(test, fake_heap_check(f->fh.heap, f->live, f->nr_live));
	return ok;
}

/* Free pages behind it, not enough of them, none, and no more of them at the end. */
static void test_extend(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span *s[3];
	struct gomem_heap *h;
	unsigned long base;
	bool zero;

	make_heap(test, 1);
	h = f->fh.heap;
	h->pcache_max = 0;
	put_span(test, get_large(test, CHUNK));
	s[0] = get_large(test, 9);
	s[1] = get_large(test, 20);
	s[2] = get_large(test, 9);
	base = s[0]->base;
	KUNIT_ASSERT_EQ(test, base + 9 * GOMEM_PAGE_SIZE, s[1]->base);
	KUNIT_ASSERT_EQ(test, base + 29 * GOMEM_PAGE_SIZE, s[2]->base);
	fake_fail(&source_of(f)->pages, 1, ~0UL);
	fake_fail(&source_of(f)->meta, 1, ~0UL);

	KUNIT_EXPECT_FALSE(test, extend(test, s[0], 10, &zero));
	put_span(test, s[1]);
	KUNIT_EXPECT_FALSE(test, extend(test, s[0], 30, &zero));
	KUNIT_EXPECT_TRUE(test, extend(test, s[0], 10, &zero));
	KUNIT_EXPECT_FALSE(test, zero);
	KUNIT_EXPECT_TRUE(test, extend(test, s[0], 29, &zero));
	KUNIT_EXPECT_FALSE(test, extend(test, s[0], 30, &zero));
	KUNIT_EXPECT_FALSE(test, extend(test, s[2], CHUNK - 29 + 1, &zero));
	KUNIT_EXPECT_TRUE(test, extend(test, s[2], CHUNK - 29, &zero));
	KUNIT_EXPECT_EQ(test, 0, h->pages.free_pages);
	expect_heap(test);
	KUNIT_EXPECT_EQ(test, 0, source_of(f)->pages.calls);
	KUNIT_EXPECT_EQ(test, 0, source_of(f)->meta.calls);
	fake_fail_none(&source_of(f)->pages);
	fake_fail_none(&source_of(f)->meta);

	/* All of it is free afterwards, once. */
	KUNIT_EXPECT_FALSE(test, free_large(h, s[0], base + 9 * GOMEM_PAGE_SIZE));
	put_span(test, s[0]);
	expect_unmapped(test, base, 29);
	KUNIT_EXPECT_FALSE(test, free_large(h, s[0], base));
	put_all(test);
	KUNIT_EXPECT_EQ(test, CHUNK, h->pages.free_pages);
	expect_heap(test);
}

/* A heap of one chunk, and this CPU's page cache, which may have so many pages at least. */
static struct gomem_pcache *pin_pcache(struct kunit *test, unsigned int least)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h;

	make_heap(test, 1);
	h = f->fh.heap;
	h->pcache_max = GOMEM_PCACHE_PAGES;
	h->pcache_min = least;
	migrate_disable();
	put_span(test, get_large(test, CHUNK));
	return raw_cpu_ptr(h->pcache);
}

static void unpin_pcache(struct kunit *test)
{
	struct fixture *f = test->priv;

	migrate_enable();
	gomem_heap_drain_pcaches(f->fh.heap, false);
	expect_heap(test);
}

/* Into what this CPU has free, and beyond. */
static void test_extend_cached(struct kunit *test)
{
	struct gomem_pcache *pc = pin_pcache(test, 8);
	struct gomem_span *s = get_large(test, 2);
	bool zero;

	KUNIT_EXPECT_EQ(test, 6, hweight64(pc->free));
	KUNIT_EXPECT_TRUE(test, extend(test, s, 4, &zero));
	KUNIT_EXPECT_EQ(test, 4, hweight64(pc->free));
	KUNIT_EXPECT_TRUE(test, extend(test, s, 20, &zero));
	KUNIT_EXPECT_EQ(test, 0, pc->free);
	KUNIT_EXPECT_FALSE(test, extend(test, s, CHUNK + 1, &zero));
	put_span(test, s);
	unpin_pcache(test);
}

/* More than the page cache's whole block: what lies behind that is somebody else's. */
static void test_extend_whole_block(struct kunit *test)
{
	struct gomem_pcache *pc = pin_pcache(test, GOMEM_PCACHE_PAGES);
	struct gomem_span *s = get_large(test, 64), *victim;
	struct gomem_heap *h = s->heap;
	bool zero;

	put_span(test, get_large(test, 2));
	KUNIT_EXPECT_EQ(test, ~0ULL, pc->free);
	KUNIT_EXPECT_EQ(test, gomem_heap_page(h, s->base) + 64, pc->base);
	victim = get_large(test, 100);
	KUNIT_EXPECT_EQ(test, s->base + 128 * GOMEM_PAGE_SIZE, victim->base);
	KUNIT_ASSERT_PTR_EQ(test, s, gomem_heap_claim_large(h->map, s->base));
	KUNIT_EXPECT_FALSE(test, gomem_heap_extend_span(s, 64, &zero));
	KUNIT_EXPECT_FALSE(test, gomem_heap_extend_span(s, 64 + 70, &zero));
	gomem_heap_publish_large(s);
	KUNIT_EXPECT_PTR_EQ(test, victim, gomem_pagemap_span(h->map, victim->base));
	put_span(test, victim);
	put_span(test, s);
	unpin_pcache(test);
}

#define RACERS	2

struct racer {
	struct fixture *f;
	struct completion *start;
	struct completion done;
	DECLARE_BITMAP(won, MAX_LIVE);
};

/* Free all there is; @won: what this one was the first to free. */
static int racer_run(void *arg)
{
	struct racer *r = arg;
	struct fixture *f = r->f;
	unsigned int i;

	wait_for_completion(r->start);
	for (i = 0; i < f->nr_live; i++)
		if (gomem_heap_claim_large(f->fh.heap->map, f->live[i]->base) == f->live[i])
			__set_bit(i, r->won);
	complete(&r->done);
	return 0;
}

static void race(struct kunit *test, struct racer *r)
{
	DECLARE_COMPLETION_ONSTACK(start);
	struct task_struct *task;
	unsigned int i, n;

	for (n = 0; n < RACERS; n++) {
		r[n].f = test->priv;
		r[n].start = &start;
		init_completion(&r[n].done);
		bitmap_zero(r[n].won, MAX_LIVE);
		task = kthread_create(racer_run, &r[n], "gomem_test/%u", n);
		if (IS_ERR(task))
			break;
		kthread_bind(task, cpumask_nth(n % num_online_cpus(), cpu_online_mask));
		wake_up_process(task);
	}
	complete_all(&start);
	for (i = 0; i < n; i++)
		wait_for_completion(&r[i].done);
	KUNIT_ASSERT_EQ(test, RACERS, n);
}

/* Of several who free an object at the same time one does. */
static void test_double_free_race(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int round, i, n;
	struct racer *r;

	r = kunit_kcalloc(test, RACERS, sizeof(*r), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r);
	make_heap(test, 16);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < 500; i++)
			get_large(test, 1 + below(f, 12));
		race(test, r);
		n = bitmap_weight(r[0].won, MAX_LIVE) + bitmap_weight(r[1].won, MAX_LIVE);
		KUNIT_EXPECT_EQ(test, f->nr_live, n);
		KUNIT_EXPECT_FALSE(test, bitmap_intersects(r[0].won, r[1].won, MAX_LIVE));
		expect_heap(test);
		while (f->nr_live) {
			struct gomem_span *s = f->live[0];

			forget_span(f, s);
			gomem_heap_free_span(s);
		}
		expect_heap(test);
	}
}

/* Growth */

/* The order that a heap of so many pages should grow by. */
static unsigned int want_order(unsigned long backed, unsigned int npages)
{
	unsigned int order = 5;

	/* 256 KiB to 4 MiB, each for up to 64 times as much. */
	while (order < 9 && backed >= 64 * (BIT(order) + 1))
		order++;
	return max_t(unsigned int, order, order_base_2(npages));
}

static void test_growth_steps(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned long backed, grows, seen = 0;
	struct gomem_heap *h;

	make_heap(test, 40);
	h = f->fh.heap;
	while (h->pages.backed_pages < 39 * CHUNK) {
		backed = h->pages.backed_pages;
		grows = h->stats.grows;
		get_large(test, 20 + below(f, 24));
		if (h->stats.grows == grows)
			continue;
		KUNIT_ASSERT_EQ(test, grows + 1, h->stats.grows);
		KUNIT_ASSERT_EQ_MSG(test, want_order(backed, f->live[f->nr_live - 1]->npages),
				    source_of(f)->last.order, "%lu pages, seed %u", backed,
				    f->seed);
		KUNIT_ASSERT_EQ(test, backed + BIT(source_of(f)->last.order),
				h->pages.backed_pages);
		seen |= BIT(source_of(f)->last.order);
	}
	KUNIT_EXPECT_EQ(test, GENMASK(9, 5), seen);
	KUNIT_EXPECT_EQ(test, 0, h->stats.grow_fallbacks);
	KUNIT_EXPECT_EQ(test, 0, h->stats.grow_failures);
	expect_heap(test);
	put_all(test);
}

static const struct fallback_case {
	const char *name;
	unsigned int limit;	/* the source fails from this order on */
	unsigned int npages;
	unsigned int calls;
	bool fallback;
	bool ok;
} fallback_cases[] = {
	{ "no limit",			0, 1,	1, false, true },
	{ "just enough",		6, 1,	1, false, true },
	{ "half of it",			5, 1,	2, true,  true },
	{ "a quarter",			4, 1,	3, true,  true },
	{ "single pages",		1, 1,	6, true,  true },
	{ "single pages, two needed",	1, 2,	5, false, false },
	{ "what is needed",		4, 8,	3, true,  true },
	{ "less than is needed",	3, 8,	3, false, false },
	{ "five pages need eight",	4, 5,	3, true,  true },
	{ "eight for five missing",	3, 5,	3, false, false },
	{ "large, nothing to spare",	7, 64,	1, false, true },
	{ "large, too large",		6, 64,	1, false, false },
	{ "a chunk, too large",		9, 512,	1, false, false },
};

static void fallback_desc(const struct fallback_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(fallback, fallback_cases, fallback_desc);

static void test_grow_fallback(struct kunit *test)
{
	const struct fallback_case *c = test->param_value;
	struct gomem_span_request req = fake_large_request(c->npages);
	struct fixture *f = test->priv;
	struct fake_source *fake = source_of(f);
	struct gomem_heap *h;

	make_heap(test, 2);
	h = f->fh.heap;
	req.gfp |= __GFP_RETRY_MAYFAIL;
	fake->pages.limit = c->limit;
	KUNIT_EXPECT_EQ(test, c->ok, !!try_span(test, &req));
	KUNIT_EXPECT_EQ(test, c->calls, fake->pages.calls);
	KUNIT_EXPECT_EQ(test, c->ok, h->stats.grows);
	KUNIT_EXPECT_EQ(test, c->fallback, h->stats.grow_fallbacks);
	KUNIT_EXPECT_EQ(test, !c->ok, h->stats.grow_failures);
	expect_heap(test);
	put_all(test);
}

/* All tries but the one for what is needed are free of effort and noise. */
static void test_grow_effort(struct kunit *test)
{
	gfp_t gfp = GFP_KERNEL | __GFP_RETRY_MAYFAIL;
	struct gomem_span_request req = fake_large_request(4);
	struct fixture *f = test->priv;
	struct fake_source *fake = source_of(f);

	make_heap(test, 1);
	req.gfp = gfp;
	fake->pages.limit = 2;
	KUNIT_EXPECT_NULL(test, try_span(test, &req));
	KUNIT_EXPECT_EQ(test, 4, fake->pages.calls);
	KUNIT_EXPECT_EQ(test, 3, fake->speculative);
	KUNIT_EXPECT_EQ(test, 2, fake->last.order);
	KUNIT_EXPECT_EQ(test, (__force u32)gfp, (__force u32)fake->last.gfp);
}

/* Let the heap grow once for a span; returns how often the source was asked. */
static unsigned long calls_to_grow(struct kunit *test, unsigned int npages)
{
	struct fixture *f = test->priv;
	struct gomem_span_request req = fake_large_request(npages);
	struct gomem_heap *h = f->fh.heap;
	u64 grows = h->stats.grows;

	req.aligned = false;
	while (h->stats.grows == grows) {
		source_of(f)->pages.calls = 0;
		get_span(test, &req);
	}
	KUNIT_EXPECT_EQ(test, grows + 1, h->stats.grows);
	return source_of(f)->pages.calls;
}

static void expect_growth(struct kunit *test, unsigned int npages, unsigned int calls,
			  unsigned int order)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, calls, calls_to_grow(test, npages));
	KUNIT_EXPECT_EQ(test, order, source_of(f)->last.order);
	expect_heap(test);
}

/* Orders that could not be had are not tried again at once, but one after the other. */
static void test_learn_order(struct kunit *test)
{
	struct fixture *f = test->priv;

	make_heap(test, 8);
	source_of(f)->pages.limit = 3;
	expect_growth(test, 1, 4, 2);
	expect_growth(test, 1, 1, 2);
	expect_growth(test, 1, 2, 2);
	expect_growth(test, 1, 1, 2);
	expect_growth(test, 1, 2, 2);
	source_of(f)->pages.limit = 0;
	expect_growth(test, 1, 1, 2);
	expect_growth(test, 1, 1, 3);
	expect_growth(test, 1, 1, 4);
	expect_growth(test, 1, 1, 5);
	expect_growth(test, 1, 1, 5);
	put_all(test);
}

/* The same when there was nothing but what was needed, with effort. */
static void test_learn_order_needed(struct kunit *test)
{
	struct fixture *f = test->priv;

	make_heap(test, 8);
	source_of(f)->pages.limit = 3;
	expect_growth(test, 3, 4, 2);
	expect_growth(test, 3, 2, 2);
	expect_growth(test, 3, 2, 2);
	source_of(f)->pages.limit = 0;
	expect_growth(test, 3, 1, 3);
	expect_growth(test, 3, 1, 4);
	expect_growth(test, 3, 1, 5);
	/* More than was learned can be had is asked for if it is needed. */
	source_of(f)->pages.limit = 1;
	expect_growth(test, 1, 6, 0);
	source_of(f)->pages.limit = 0;
	expect_growth(test, 100, 1, 7);
	expect_growth(test, 20, 1, 5);
	put_all(test);
}

/* Memory that came before anybody covered it goes back; what is covered does not fail. */
static void test_outside_range(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct fake_source *fake = source_of(f);
	struct gomem_span_request req = fake_large_request(8);
	struct gomem_span *s;
	struct gomem_heap *h;
	u64 before;

	make_heap(test, 4);
	h = f->fh.heap;
	/* Behind what the tables reach, which do so in steps of 2 GiB. */
	fake->base = FAKE_BASE + GOMEM_TABLE_WORDS * GOMEM_CHUNK_SIZE;
	KUNIT_EXPECT_NULL(test, try_span(test, &req));
	KUNIT_EXPECT_EQ(test, 1, h->stats.grow_failures);
	before = h->stats.grow_out_of_range;
	KUNIT_EXPECT_GE(test, before, 1ULL);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_out);
	expect_heap(test);

	KUNIT_EXPECT_EQ(test, 0, gomem_heap_cover(h, fake->base, 4 * GOMEM_CHUNK_SIZE));
	s = fake_heap_span(h, &req);
	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_EXPECT_GE(test, s->base, fake->base);
	KUNIT_EXPECT_EQ(test, before, h->stats.grow_out_of_range);
	KUNIT_EXPECT_TRUE(test, free_large(h, s, s->base));
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_out);

	fake->base = FAKE_BASE;
	get_span(test, &req);
	put_all(test);
}

/* The heap's range starts above the pages that the source has. */
static void test_below_range(struct kunit *test)
{
	struct gomem_span_request req = fake_large_request(8);
	struct fixture *f = test->priv;
	struct fake_source *fake = source_of(f);

	make_heap(test, 2);
	fake->base = FAKE_BASE - 2 * GOMEM_CHUNK_SIZE;
	KUNIT_EXPECT_NULL(test, try_span(test, &req));
	KUNIT_EXPECT_EQ(test, 0, fake->nr_out);
	KUNIT_EXPECT_EQ(test, 1, f->fh.heap->stats.grow_failures);
	KUNIT_EXPECT_GE(test, f->fh.heap->stats.grow_out_of_range, 1ULL);
	expect_heap(test);
}

/* The kernel offers what the tables do not reach, but has other memory, too. */
static void test_beyond_range(struct kunit *test)
{
	struct gomem_span_request req = fake_large_request(8);
	struct fixture *f = test->priv;

	make_heap(test, 4);
	source_of(f)->beyond = SZ_1T;
	get_span(test, &req);
	KUNIT_EXPECT_EQ(test, 0, f->fh.heap->stats.grow_failures);
	/* Who must not fail does not wait for what cannot come. */
	req.npages = 2 * CHUNK / 3;
	req.aligned = false;
	req.gfp |= __GFP_NOFAIL;
	get_span(test, &req);
	get_span(test, &req);
	KUNIT_EXPECT_GE(test, f->fh.heap->stats.grow_out_of_range, 3ULL);
	source_of(f)->beyond = 0;
	put_all(test);
}

/* Failures */

#define FAIL_SPANS	24

/*
 * Make so many spans that each kind of memory is asked for more than once. One
 * that cannot be had leaves all as it was, and can be had later.
 */
static void make_spans_under_failure(struct kunit *test, unsigned int *failures)
{
	struct fixture *f = test->priv;
	struct gomem_span_request req;
	struct gomem_heap_snapshot before, after;
	unsigned int i;

	for (i = 0; i < FAIL_SPANS; i++) {
		if (i % 2)
			req = fake_small_request(2 + (i * 11) % (GOMEM_NR_SPANCLASSES - 2));
		else
			req = fake_large_request(5 + (i * 97) % (CHUNK - 5));
		gomem_heap_get(f->fh.heap, &before);
		if (!try_span(test, &req)) {
			(*failures)++;
			gomem_heap_get(f->fh.heap, &after);
			KUNIT_ASSERT_EQ(test, before.free_pages, after.free_pages);
			KUNIT_ASSERT_EQ(test, before.span_bytes, after.span_bytes);
			expect_heap(test);
			fake_fail_none(&source_of(f)->pages);
			fake_fail_none(&source_of(f)->meta);
			get_span(test, &req);
		}
		expect_heap(test);
	}
	put_all(test);
}

static void remake_heap(struct kunit *test, unsigned long nr_chunks)
{
	struct fixture *f = test->priv;

	fake_heap_exit(test, &f->fh);
	memset(&f->fh, 0, sizeof(f->fh));
	make_heap(test, nr_chunks);
}

/* Each call in turn is the first of a few that fail. */
static void fail_each_call(struct kunit *test, bool meta, unsigned int count)
{
	struct fixture *f = test->priv;
	struct fake_failures *which;
	unsigned int failures = 0;
	unsigned long from, failed = 1;

	for (from = 1; failed; from++) {
		remake_heap(test, 16);
		which = meta ? &source_of(f)->meta : &source_of(f)->pages;
		fake_fail(which, from, count);
		make_spans_under_failure(test, &failures);
		/* The counter starts anew when a failure was noticed. */
		failed = which->failed || !which->from;
	}
	KUNIT_EXPECT_GT(test, from, 5);
	if (count > 8)
		KUNIT_EXPECT_GT(test, failures, 3);
}

static void test_fail_pages_call(struct kunit *test)
{
	fail_each_call(test, false, 1);
}

static void test_fail_pages_from(struct kunit *test)
{
	fail_each_call(test, false, ~0U);
}

static void test_fail_meta_call(struct kunit *test)
{
	fail_each_call(test, true, 1);
}

static void test_fail_meta_from(struct kunit *test)
{
	fail_each_call(test, true, ~0U);
}

/* A descriptor chunk of 16 KiB that cannot be had is replaced by one of 8 KiB. */
static void test_meta_fallback(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct fake_source *fake = source_of(f);

	make_heap(test, 1);
	fake->meta.every = 2;
	fake->meta.calls = 1;
	get_large(test, 8);
	KUNIT_EXPECT_EQ(test, 2, fake->meta.failed);
	KUNIT_EXPECT_EQ(test, SZ_4K + SZ_8K, fake->meta_out);
	expect_heap(test);
	put_all(test);
}

/* Without memory for a chunk's bookkeeping its pages cannot be kept. */
static void test_no_chunk_memory(struct kunit *test)
{
	struct gomem_span_request req = fake_large_request(8);
	struct fixture *f = test->priv;
	struct fake_source *fake = source_of(f);

	make_heap(test, 1);
	/* The first call is for the span's descriptor. */
	fake_fail(&fake->meta, 2, 2);
	KUNIT_EXPECT_NULL(test, try_span(test, &req));
	KUNIT_EXPECT_EQ(test, 1, fake->pages.calls);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_out);
	KUNIT_EXPECT_EQ(test, 1, f->fh.heap->stats.grow_failures);
	expect_heap(test);
	get_span(test, &req);
	put_all(test);
}

/* As above, but nothing is left to give back: descriptors come before pages. */
static void test_no_span_memory(struct kunit *test)
{
	struct gomem_span_request req = fake_large_request(8);
	struct fixture *f = test->priv;
	struct fake_source *fake = source_of(f);

	make_heap(test, 1);
	fake_fail(&fake->meta, 1, 2);
	KUNIT_EXPECT_NULL(test, try_span(test, &req));
	KUNIT_EXPECT_EQ(test, 0, fake->pages.calls);
	expect_heap(test);
	get_span(test, &req);
	put_all(test);
}

static const struct nofail_case {
	const char *name;
	gfp_t gfp;
	bool meta;
	bool ok;
} nofail_cases[] = {
	{ "pages, may sleep",		GFP_KERNEL | __GFP_NOFAIL,	false,	true },
	{ "descriptors, may sleep",	GFP_KERNEL | __GFP_NOFAIL,	true,	true },
	{ "pages, NOFS",		GFP_NOFS | __GFP_NOFAIL,	false,	true },
	{ "pages, may not sleep",	GFP_ATOMIC | __GFP_NOFAIL,	false,	false },
	{ "descriptors, may not sleep",	GFP_NOWAIT | __GFP_NOFAIL,	true,	false },
};

static void nofail_desc(const struct nofail_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(nofail, nofail_cases, nofail_desc);

static void test_nofail(struct kunit *test)
{
	const struct nofail_case *c = test->param_value;
	struct gomem_span_request req = fake_large_request(5);
	struct fixture *f = test->priv;
	struct fake_failures *which = c->meta ? &source_of(f)->meta : &source_of(f)->pages;

	make_heap(test, 1);
	req.gfp = c->gfp;
	fake_fail(which, 1, 20);
	KUNIT_EXPECT_EQ(test, c->ok, !!try_span(test, &req));
	if (c->ok)
		KUNIT_EXPECT_EQ(test, 20, which->failed);
	expect_heap(test);
	put_all(test);
}

/* The end */

static void test_destroy_empty(struct kunit *test)
{
	struct fixture *f = test->priv;

	make_heap(test, 16);
	source_of(f)->policy = FAKE_RANDOM;
	while (f->nr_live < 100)
		get_large(test, 1 + below(f, 60));
	put_all(test);
	KUNIT_EXPECT_GT(test, source_of(f)->nr_out, 0);
	fake_heap_destroy(&f->fh);
	KUNIT_EXPECT_EQ(test, 0, source_of(f)->nr_out);
}

static void test_destroy_leaked(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned long base[2], npages[2] = { 9, 3 };
	struct gomem_span *s[2];
	unsigned int i, k;

	make_heap(test, 2);
	get_large(test, 5);
	s[0] = get_large(test, npages[0]);
	get_large(test, 300);
	s[1] = get_small(test, gomem_spc_make(41, false));
	get_large(test, 2);
	for (i = 0; i < 2; i++) {
		base[i] = s[i]->base;
		forget_span(f, s[i]);
	}
	while (f->nr_live)
		put_span(test, f->live[0]);

	fake_heap_destroy(&f->fh);
	KUNIT_EXPECT_EQ(test, 12, source_of(f)->nr_out);
	KUNIT_EXPECT_EQ(test, 12, atomic_long_read(&source_of(f)->src.heap_pages));
	for (i = 0; i < 2; i++) {
		for (k = 0; k < npages[i]; k++)
			KUNIT_EXPECT_TRUE(test, fake_page_is_out(source_of(f),
								 base[i] + k * GOMEM_PAGE_SIZE));
		fake_forget_pages(source_of(f), base[i], npages[i]);
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

static void random_desc(const struct random_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(random, random_cases, random_desc);

static void test_random(struct kunit *test)
{
	const struct random_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct gomem_span_request req;
	unsigned int step, aim = 0;

	make_heap(test, 12);
	source_of(f)->policy = c->policy;
	source_of(f)->pages.limit = c->limit;
	source_of(f)->pages.percent = c->pages_percent;
	source_of(f)->meta.percent = c->meta_percent;
	for (step = 0; step < 2000; step++) {
		if (step % 200 == 0)
			aim = below(f, 300);
		if (f->nr_live < MAX_LIVE && below(f, 100) < (f->nr_live < aim ? 70 : 30)) {
			req = random_request(f);
			try_span(test, &req);
		} else if (f->nr_live) {
			put_span(test, f->live[below(f, f->nr_live)]);
		}
		if (step % 50 == 0)
			expect_heap(test);
	}
	put_all(test);
}

static int mheap_init(struct kunit *test)
{
	struct fixture *f = kvzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->seed = seed_param ?: get_random_u32();
	prandom_seed_state(&f->rnd, f->seed);
	test->priv = f;
	return 0;
}

static void mheap_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	fake_heap_exit(test, &f->fh);
	kvfree(f);
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
	KUNIT_CASE(test_extend),
	KUNIT_CASE(test_extend_cached),
	KUNIT_CASE(test_extend_whole_block),
	KUNIT_CASE(test_growth_steps),
	KUNIT_CASE_PARAM(test_grow_fallback, fallback_gen_params),
	KUNIT_CASE(test_grow_effort),
	KUNIT_CASE(test_learn_order),
	KUNIT_CASE(test_learn_order_needed),
	KUNIT_CASE(test_outside_range),
	KUNIT_CASE(test_below_range),
	KUNIT_CASE(test_beyond_range),
	KUNIT_CASE(test_fail_pages_call),
	KUNIT_CASE(test_fail_pages_from),
	KUNIT_CASE(test_fail_meta_call),
	KUNIT_CASE(test_fail_meta_from),
	KUNIT_CASE(test_meta_fallback),
	KUNIT_CASE(test_no_chunk_memory),
	KUNIT_CASE(test_no_span_memory),
	KUNIT_CASE_PARAM(test_nofail, nofail_gen_params),
	KUNIT_CASE(test_destroy_empty),
	KUNIT_CASE(test_destroy_leaked),
	KUNIT_CASE_PARAM(test_random, random_gen_params),
	{}
};

static struct kunit_suite mheap_suite = {
	.name = "gomem_mheap",
	.init = mheap_init,
	.exit = mheap_exit,
	.test_cases = mheap_cases,
};

kunit_test_suite(mheap_suite);
