// SPDX-License-Identifier: GPL-2.0
/*
 * aside_kunit.c - spans of large objects that page caches lay aside.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/smp.h>

#include "context.h"
#include "pcaches_steps.h"
#include "base/sizeclass.h"

/*
 * Make a heap whose page caches may keep pages, with two chunks of free pages,
 * and stay on this CPU.
 */
static struct gomem_heap *make_heap(struct kunit *test)
{
	struct gomem_heap *h = pcaches_make(test, 4);

	move_to(test, raw_smp_processor_id());
	pcaches_fill(test, h, 2);
	return h;
}

/* Expect that no page of a run leads to the span that the run keeps. */
static void expect_aside(struct kunit *test, struct gomem_heap *h,
			 struct gomem_span *s)
{
	const struct gomem_pcache *pc = pcaches_here(h);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 1, pc->nr_runs);
	KUNIT_EXPECT_PTR_EQ(test, s, pc->run[0].span);
	KUNIT_EXPECT_EQ(test, GOMEM_SPAN_DEAD, gomem_span_state(s));
	for (i = 0; i < s->npages; i++)
		KUNIT_EXPECT_NULL(test,
				  gomem_pagemap_span(h->map,
						     s->base +
						     i * GOMEM_PAGE_SIZE));
}

/*
 * The run of a large object keeps the span, whose descriptor the next span of
 * the same length gets. It gets the contents of that span as well, unless it is
 * of another kind.
 */
static void test_aside(struct kunit *test)
{
	static const unsigned int kinds[] = { 0, 1, 1, 0, 0 };
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	struct gomem_span_request req = fake_large_request(32);
	struct gomem_span *s, *first;
	unsigned int i;

	first = span_set_try(test, &f->set, h, &req);
	KUNIT_ASSERT_NOT_NULL(test, first);
	span_set_put(test, &f->set, first);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		expect_aside(test, h, first);
		span_set_expect(test, &f->set, h);
		req.kind = &gomem_kinds[kinds[i]];
		first->zero = true;
		first->client = 7;
		/* This also checks that each page leads to the span. */
		s = span_set_try(test, &f->set, h, &req);
		KUNIT_ASSERT_PTR_EQ(test, first, s);
		KUNIT_EXPECT_PTR_EQ(test, req.kind, s->kind);
		KUNIT_EXPECT_EQ(test, kinds[i], s->spc);
		KUNIT_EXPECT_FALSE(test, s->zero);
		KUNIT_EXPECT_EQ(test, 0, s->client);
		KUNIT_EXPECT_EQ(test, GOMEM_SPAN_LARGE, gomem_span_state(s));
		KUNIT_EXPECT_NULL(test, gomem_span_validate(s));
		span_set_expect(test, &f->set, h);
		span_set_put(test, &f->set, s);
	}
}

/*
 * An arena gets the run and the descriptor of a large object, too. But the span
 * of an arena is not laid aside.
 */
static void test_aside_arena(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	struct gomem_span_request req = fake_large_request(32);
	struct gomem_heap_snapshot snap;
	struct gomem_span *s, *first;

	first = span_set_get(test, &f->set, h, 32);
	span_set_put(test, &f->set, first);
	expect_aside(test, h, first);
	req.arena = true;
	req.aligned = false;
	s = gomem_heap_alloc_span(h, &req);
	KUNIT_ASSERT_PTR_EQ(test, first, s);
	KUNIT_EXPECT_EQ(test, GOMEM_SPAN_ARENA, gomem_span_state(s));
	gomem_heap_get(h, &snap);
	KUNIT_EXPECT_EQ(test, 1, snap.counts.arena_spans);
	KUNIT_EXPECT_EQ(test, 0, snap.counts.large);
	gomem_heap_free_span(s);
	KUNIT_ASSERT_EQ(test, 1, pcaches_here(h)->nr_runs);
	KUNIT_EXPECT_NULL(test, pcaches_here(h)->run[0].span);
	gomem_heap_get(h, &snap);
	KUNIT_EXPECT_EQ(test, 0, snap.counts.arena_spans);
	span_set_expect(test, &f->set, h);
}

static bool points_to_span(const struct gomem_heap *h, unsigned long addr)
{
	const struct gomem_chunk *c = gomem_pagemap_chunk(h->map, addr);

	return c->span[gomem_chunk_page(addr)];
}

/* When a run returns to the heap, the descriptor of its span does so, too. */
static void test_aside_drained(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	struct gomem_heap_snapshot before, after;
	unsigned long base, inuse;
	struct gomem_span *s;
	unsigned int i;

	gomem_heap_drain_pcaches(h, true);
	gomem_heap_drain_pcaches(h, true);
	inuse = h->spanalloc[0].inuse;
	gomem_heap_get(h, &before);
	s = span_set_get(test, &f->set, h, 32);
	base = s->base;
	span_set_put(test, &f->set, s);
	gomem_heap_get(h, &after);
	KUNIT_EXPECT_EQ(test, before.span_bytes, after.span_bytes);
	KUNIT_EXPECT_TRUE(test, points_to_span(h, base));
	KUNIT_EXPECT_EQ(test, 32, gomem_heap_drain_pcaches(h, false));
	for (i = 0; i < 32; i++)
		KUNIT_EXPECT_FALSE(test, points_to_span(h, base +
							i * GOMEM_PAGE_SIZE));
	gomem_heap_drain_pcaches(h, true);
	gomem_heap_drain_pcaches(h, true);
	KUNIT_EXPECT_EQ(test, inuse, h->spanalloc[0].inuse);
	span_set_expect(test, &f->set, h);
}

/*
 * A run without the span: the span was not of a large object, or its pages lie
 * in two chunks. A run with the span is of no use for a kind whose descriptors
 * have another size.
 */
static void test_aside_refused(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	struct gomem_span_request req = fake_large_request(32);
	struct gomem_kind other = gomem_kinds[0];
	struct gomem_span *s, *most, *small;

	most = span_set_get(test, &f->set, h, CHUNK - 20);
	s = span_set_get(test, &f->set, h, 32);
	KUNIT_ASSERT_EQ(test, CHUNK - 20, span_set_index(s) % CHUNK);
	span_set_put(test, &f->set, s);
	KUNIT_ASSERT_EQ(test, 1, pcaches_here(h)->nr_runs);
	KUNIT_EXPECT_NULL(test, pcaches_here(h)->run[0].span);
	gomem_heap_drain_pcaches(h, false);

	req.kind = &gomem_kinds[gomem_spc_make(gomem_sizeclass(21760), false)];
	req.npages = req.kind->npages;
	req.aligned = false;
	small = span_set_try(test, &f->set, h, &req);
	KUNIT_ASSERT_NOT_NULL(test, small);
	KUNIT_ASSERT_GT(test, small->npages, GOMEM_PCACHE_SPAN_MAX);
	span_set_put(test, &f->set, small);
	KUNIT_ASSERT_EQ(test, 1, pcaches_here(h)->nr_runs);
	KUNIT_EXPECT_NULL(test, pcaches_here(h)->run[0].span);
	gomem_heap_drain_pcaches(h, false);

	span_set_put(test, &f->set, most);
	s = span_set_get(test, &f->set, h, 32);
	span_set_put(test, &f->set, s);
	expect_aside(test, h, s);
	other.desc = 1;
	req = fake_large_request(32);
	req.kind = &other;
	KUNIT_EXPECT_PTR_NE(test, s, span_set_try(test, &f->set, h, &req));
	expect_aside(test, h, s);
	span_set_put_all(test, &f->set);
	/* No run may keep a span of the kind in this stack frame. */
	gomem_heap_drain_pcaches(h, false);
}

/* A span that was extended in place is laid aside with its new length. */
static void test_aside_extended(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	struct gomem_span *s = span_set_get(test, &f->set, h, 32);
	bool zero;

	KUNIT_ASSERT_TRUE(test, gomem_heap_extend_span(s, 40, &zero));
	bitmap_set(f->set.owned, span_set_index(s) + 32, 8);
	span_set_put(test, &f->set, s);
	expect_aside(test, h, s);
	KUNIT_EXPECT_PTR_NE(test, s, span_set_get(test, &f->set, h, 32));
	KUNIT_ASSERT_PTR_EQ(test, s, span_set_get(test, &f->set, h, 40));
	KUNIT_EXPECT_EQ(test, 40, s->npages);
	KUNIT_EXPECT_EQ(test, 40 * GOMEM_PAGE_SIZE, s->elemsize);
	span_set_expect(test, &f->set, h);
	span_set_put_all(test, &f->set);
}

/*
 * A fifth run takes the place of the oldest, whose span goes back to the heap.
 * The fifth run itself keeps no span.
 */
static void test_aside_full(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	struct gomem_span *s[GOMEM_PCACHE_RUNS + 1];
	unsigned long oldest;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = span_set_get(test, &f->set, h, 16 + i);
	oldest = s[0]->base;
	for (i = 0; i < ARRAY_SIZE(s); i++)
		span_set_put(test, &f->set, s[i]);
	KUNIT_ASSERT_EQ(test, GOMEM_PCACHE_RUNS, pcaches_here(h)->nr_runs);
	for (i = 0; i < GOMEM_PCACHE_RUNS - 1; i++)
		KUNIT_EXPECT_PTR_EQ(test, s[i + 1],
				    pcaches_here(h)->run[i].span);
	KUNIT_EXPECT_NULL(test, pcaches_here(h)->run[i].span);
	KUNIT_EXPECT_FALSE(test, points_to_span(h, oldest));
	span_set_expect(test, &f->set, h);
}

/* gomem_check() finds a run that disagrees with the span that it keeps. */
static void test_aside_checked(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test);
	struct gomem_chunk *c;
	struct gomem_span *s;
	unsigned int i;

	s = span_set_get(test, &f->set, h, 32);
	span_set_put(test, &f->set, s);
	expect_aside(test, h, s);
	KUNIT_EXPECT_NULL(test, fake_heap_check(h, NULL, 0));

	s->npages--;
	KUNIT_EXPECT_NOT_NULL(test, fake_heap_check(h, NULL, 0));
	s->npages++;
	s->base += GOMEM_PAGE_SIZE;
	KUNIT_EXPECT_NOT_NULL(test, fake_heap_check(h, NULL, 0));
	s->base -= GOMEM_PAGE_SIZE;
	gomem_span_set_state(s, GOMEM_SPAN_LARGE);
	KUNIT_EXPECT_NOT_NULL(test, fake_heap_check(h, NULL, 0));
	gomem_span_set_state(s, GOMEM_SPAN_DEAD);
	s->kind = &gomem_kinds[gomem_spc_make(1, false)];
	KUNIT_EXPECT_NOT_NULL(test, fake_heap_check(h, NULL, 0));
	s->kind = &gomem_kinds[0];
	c = gomem_pagemap_chunk(h->map, s->base);
	i = gomem_chunk_page(s->base) + 31;
	c->span[i] = NULL;
	KUNIT_EXPECT_NOT_NULL(test, fake_heap_check(h, NULL, 0));
	c->span[i] = s;
	KUNIT_EXPECT_NULL(test, fake_heap_check(h, NULL, 0));
}

static struct kunit_case aside_cases[] = {
	KUNIT_CASE(test_aside),
	KUNIT_CASE(test_aside_arena),
	KUNIT_CASE(test_aside_drained),
	KUNIT_CASE(test_aside_refused),
	KUNIT_CASE(test_aside_extended),
	KUNIT_CASE(test_aside_full),
	KUNIT_CASE(test_aside_checked),
	{}
};

static struct kunit_suite aside_suite = {
	.name = "gomem_aside",
	.init = heap_fixture_init,
	.exit = heap_fixture_exit,
	.test_cases = aside_cases,
};

kunit_test_suite(aside_suite);
