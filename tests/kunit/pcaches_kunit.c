// SPDX-License-Identifier: GPL-2.0
/*
 * pcaches_kunit.c - heaps whose CPUs have page caches.
 *
 * The oracle consists of the set of live spans and the page source. A page that
 * the source has handed out, and that belongs to no live span, must be free in
 * the heap or in a page cache. Once the page caches are empty, it must be free
 * in the heap.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "context.h"
#include "pcaches_steps.h"

struct pcaches_fixture {
	struct heap_fixture base;	/* for pcaches_steps.c */
	struct heap_fixture plain;
};

/* Expect that @n spans came from page caches without the heap lock. */
static void expect_cached(struct kunit *test,
			  const struct gomem_heap_snapshot *before,
			  const struct gomem_heap_snapshot *after,
			  unsigned int n)
{
	KUNIT_EXPECT_EQ(test, before->stats.lock_taken,
			after->stats.lock_taken);
	KUNIT_EXPECT_EQ(test, before->counts.cache_spans + n,
			after->counts.cache_spans);
}

static void expect_same_base(struct kunit *test, const struct gomem_span *a,
			     const struct gomem_span *b)
{
	KUNIT_ASSERT_EQ(test, a->base, b->base);
}

/* Expect that the same pages of chunk @ci are free, or holes, in both heaps. */
static void expect_same_bits(struct kunit *test, struct gomem_heap *a,
			     struct gomem_heap *b, unsigned long ci)
{
	struct gomem_chunk *c = gomem_pagemap_nth_chunk(a->map, ci);
	struct gomem_chunk *d = gomem_pagemap_nth_chunk(b->map, ci);

	KUNIT_ASSERT_EQ(test, 0,
			memcmp(&c->inuse, &d->inuse, sizeof(c->inuse)));
	KUNIT_ASSERT_EQ(test, 0, memcmp(&c->hole, &d->hole, sizeof(c->hole)));
}

/*
 * Spans of one page get the same addresses in a heap with page caches as in a
 * heap without.
 */
static void test_same_as_without(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 4), *plain;
	unsigned int i, k;

	KUNIT_ASSERT_EQ(test, 0,
			fake_heap_init(&f->plain.fh, 4, f->base.set.seed));
	plain = f->plain.fh.heap;
	move_to(test, raw_smp_processor_id());
	for (i = 0; i < 300; i++)
		expect_same_base(test, span_set_get(test, &f->base.set, h, 1),
				 span_set_get(test, &f->plain.set, plain, 1));
	/*
	 * Both sets have their spans in the same order, and keep that order. So
	 * the spans freed below have the same addresses in both heaps.
	 */
	while (f->base.set.nr) {
		k = below(&f->base.set.rnd, f->base.set.nr);
		span_set_put(test, &f->base.set, f->base.set.span[k]);
		span_set_put(test, &f->plain.set, f->plain.set.span[k]);
		if (f->base.set.nr % 30)
			continue;
		span_set_expect(test, &f->base.set, h);
		gomem_heap_drain_pcaches(h, false);
		KUNIT_ASSERT_EQ(test, 0, pcaches_here(h)->free);
		for (k = 0; k < 4; k++)
			expect_same_bits(test, h, plain, k);
	}
}

/*
 * The maximum number of pages of its group that a page cache has is (pages of
 * the heap) / GOMEM_PCACHE_SHARE / CPUs, but at least pcache_min, which is 8
 * here, and never more than pcache_max, even if pcache_max is less than 8.
 */
static void test_limit(struct kunit *test)
{
	static const unsigned int maxes[] = { 1, 5, 8, 20, 64 };
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 40);
	unsigned int i, chunks, want;

	move_to(test, raw_smp_processor_id());
	for (chunks = 1; chunks <= 33; chunks += 8) {
		pcaches_fill(test, h, chunks);
		for (i = 0; i < ARRAY_SIZE(maxes); i++) {
			h->pcache_max = maxes[i];
			want = chunks * CHUNK /
			       (GOMEM_PCACHE_SHARE * num_online_cpus());
			want = min(max(want, 8U), maxes[i]);
			span_set_get(test, &f->base.set, h, 1);
			KUNIT_EXPECT_EQ_MSG(test, want - 1,
					    hweight64(pcaches_here(h)->free),
					    "%u chunks, at most %u", chunks,
					    maxes[i]);
			span_set_expect(test, &f->base.set, h);
			span_set_put_all(test, &f->base.set);
			KUNIT_EXPECT_EQ(test, want,
					hweight64(pcaches_here(h)->free));
			KUNIT_EXPECT_EQ(test, want,
					gomem_heap_drain_pcaches(h, false));
			KUNIT_EXPECT_EQ(test, chunks * CHUNK,
					h->pages.free_pages);
		}
		h->pcache_max = GOMEM_PCACHE_PAGES;
	}
}

/*
 * A page cache that gets back more pages than it may hold returns the excess to
 * the heap.
 */
static void test_limit_freeing(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 4);
	unsigned int i, max;

	move_to(test, raw_smp_processor_id());
	pcaches_fill(test, h, 2);
	max = max_t(unsigned int,
		    2 * CHUNK / (GOMEM_PCACHE_SHARE * num_online_cpus()),
		    h->pcache_min);
	KUNIT_ASSERT_LE(test, max, 64);
	for (i = 0; i < 60; i++)
		span_set_get(test, &f->base.set, h, 1);
	while (f->base.set.nr) {
		span_set_put_any(test, &f->base.set);
		span_set_expect(test, &f->base.set, h);
	}
	KUNIT_EXPECT_EQ(test, max, hweight64(pcaches_here(h)->free));
	gomem_heap_drain_pcaches(h, false);
	span_set_expect_bits(test, &f->base.set, &f->base.fh.source);
}

/*
 * If the page cache has pages, spans of up to GOMEM_PCACHE_SPAN_MAX pages are
 * made and freed without the lock of the heap.
 */
static void test_without_lock(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 4);
	struct gomem_heap_snapshot before, after;
	unsigned int i;

	move_to(test, raw_smp_processor_id());
	pcaches_fill(test, h, 2);
	/*
	 * In the first round the spans of some lengths become runs. They leave
	 * fewer pages in the group. So the page cache may get another group in
	 * the second round.
	 */
	for (i = 0; i < 2 * GOMEM_PCACHE_SPAN_MAX; i++)
		span_set_put(test, &f->base.set,
			     span_set_get(test, &f->base.set, h,
					  1 + i % GOMEM_PCACHE_SPAN_MAX));
	gomem_heap_get(h, &before);
	for (i = 0; i < 100; i++)
		span_set_put(test, &f->base.set,
			     span_set_get(test, &f->base.set, h,
					  1 + i % GOMEM_PCACHE_SPAN_MAX));
	gomem_heap_get(h, &after);
	expect_cached(test, &before, &after, 100);

	/*
	 * A span of more than GOMEM_PCACHE_SPAN_MAX pages comes from the heap
	 * if no run has its length, even if the page cache has enough pages.
	 */
	span_set_get(test, &f->base.set, h, GOMEM_PCACHE_SPAN_MAX + 1);
	gomem_heap_get(h, &before);
	KUNIT_EXPECT_EQ(test, 0,
			before.counts.cache_spans - after.counts.cache_spans);
	KUNIT_EXPECT_EQ(test, 1,
			before.stats.lock_taken - after.stats.lock_taken);
	KUNIT_EXPECT_EQ(test, after.cached_pages, before.cached_pages);
	span_set_put_all(test, &f->base.set);
}

/*
 * If the group of a page cache has fewer pages left than a span needs, the span
 * comes from one of the runs that the cache keeps.
 */
static void test_short_runs(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 4);
	struct gomem_heap_snapshot before, after;
	unsigned int n, i;

	move_to(test, raw_smp_processor_id());
	pcaches_fill(test, h, 2);
	for (n = GOMEM_PCACHE_RUN_MIN; n <= GOMEM_PCACHE_SPAN_MAX; n++) {
		do {
			span_set_get(test, &f->base.set, h, 1);
		} while (hweight64(pcaches_here(h)->free) !=
			 GOMEM_PCACHE_MIN - 1);
		span_set_put(test, &f->base.set,
			     span_set_get(test, &f->base.set, h, n));
		gomem_heap_get(h, &before);
		for (i = 0; i < 100; i++)
			span_set_put(test, &f->base.set,
				     span_set_get(test, &f->base.set, h, n));
		gomem_heap_get(h, &after);
		expect_cached(test, &before, &after, 100);
		span_set_expect(test, &f->base.set, h);
	}
	span_set_put_all(test, &f->base.set);
	span_set_expect(test, &f->base.set, h);
}

/* Before the heap grows, all page caches return their pages. */
static void test_given_up_before_growth(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 4);
	struct gomem_span *first, *second, *s;
	u64 grows;

	move_to(test, raw_smp_processor_id());
	first = span_set_get(test, &f->base.set, h, 1);
	second = span_set_get(test, &f->base.set, h, 1);
	KUNIT_ASSERT_EQ(test, 7, hweight64(pcaches_here(h)->free));
	span_set_get(test, &f->base.set, h, h->pages.free_pages);
	KUNIT_ASSERT_EQ(test, 0, h->pages.free_pages);
	grows = h->stats.grows;
	span_set_put(test, &f->base.set, second);
	span_set_put(test, &f->base.set, first);
	KUNIT_ASSERT_EQ(test, 8, hweight64(pcaches_here(h)->free));
	KUNIT_ASSERT_EQ(test, 1, h->pages.free_pages);

	s = span_set_get(test, &f->base.set, h, 9);
	KUNIT_EXPECT_EQ(test, 0, span_set_index(s));
	KUNIT_EXPECT_EQ(test, grows, h->stats.grows);
	KUNIT_EXPECT_EQ(test, 0, pcaches_here(h)->free);
	span_set_expect(test, &f->base.set, h);
	span_set_get(test, &f->base.set, h, 1);
	KUNIT_EXPECT_EQ(test, grows + 1, h->stats.grows);
	span_set_put_all(test, &f->base.set);
}

/*
 * The page cache keeps the pages of a freed large object as a run. The run
 * serves the next object of this size, without the lock of the heap.
 */
static void test_runs(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 4);
	struct gomem_span_request req = fake_large_request(32);
	struct gomem_heap_snapshot before, after;
	struct gomem_span *s, *first;
	unsigned long base;

	move_to(test, raw_smp_processor_id());
	pcaches_fill(test, h, 2);
	first = span_set_get(test, &f->base.set, h, GOMEM_PCACHE_SPAN_MAX + 1);
	s = span_set_get(test, &f->base.set, h, 32);
	base = s->base;
	KUNIT_ASSERT_NE(test, 0, span_set_index(s) % 32);
	span_set_put(test, &f->base.set, s);
	KUNIT_EXPECT_EQ(test, 32, atomic_long_read(&h->run_pages));
	KUNIT_EXPECT_NULL(test, gomem_pagemap_span(h->map, base));
	span_set_expect(test, &f->base.set, h);

	/* The unaligned run serves neither a shorter nor an aligned span. */
	s = span_set_get(test, &f->base.set, h, 31);
	KUNIT_EXPECT_NE(test, base, s->base);
	s = span_set_try(test, &f->base.set, h, &req);
	KUNIT_EXPECT_NE(test, base, s->base);
	KUNIT_EXPECT_EQ(test, 32, atomic_long_read(&h->run_pages));

	gomem_heap_get(h, &before);
	s = span_set_get(test, &f->base.set, h, 32);
	KUNIT_EXPECT_EQ(test, base, s->base);
	gomem_heap_get(h, &after);
	expect_cached(test, &before, &after, 1);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&h->run_pages));
	span_set_expect(test, &f->base.set, h);

	span_set_put(test, &f->base.set, first);
	KUNIT_EXPECT_EQ(test, GOMEM_PCACHE_SPAN_MAX + 1,
			atomic_long_read(&h->run_pages));
	span_set_put_all(test, &f->base.set);
	span_set_expect(test, &f->base.set, h);
}

/*
 * A page cache keeps a limited number of runs, and the runs of all page caches
 * together have a limited number of pages. To make room, a page cache drops its
 * oldest runs first.
 */
static void test_runs_limit(struct kunit *test)
{
	static const unsigned int long_ones[] = { 100, 60, 68, 129, 128 };
	static const unsigned int kept[] = { 100, 60, 128, 128, 128 };
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 4);
	struct gomem_span *s[GOMEM_PCACHE_RUNS + 1];
	unsigned int i;

	move_to(test, raw_smp_processor_id());
	pcaches_fill(test, h, 2);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = span_set_get(test, &f->base.set, h, 16 + i);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		span_set_put(test, &f->base.set, s[i]);
	KUNIT_EXPECT_EQ(test, 17 + 18 + 19 + 20,
			atomic_long_read(&h->run_pages));
	KUNIT_EXPECT_EQ(test, 17, pcaches_here(h)->run[0].npages);
	span_set_expect(test, &f->base.set, h);
	KUNIT_EXPECT_EQ(test, 74, gomem_heap_drain_pcaches(h, false));

	for (i = 0; i < ARRAY_SIZE(long_ones); i++) {
		span_set_put(test, &f->base.set,
			     span_set_get(test, &f->base.set, h, long_ones[i]));
		KUNIT_EXPECT_EQ_MSG(test, kept[i],
				    atomic_long_read(&h->run_pages), "%u",
				    long_ones[i]);
		span_set_expect(test, &f->base.set, h);
	}
	KUNIT_EXPECT_EQ(test, 128, gomem_heap_drain_pcaches(h, false));
	span_set_expect_bits(test, &f->base.set, &f->base.fh.source);
}

/*
 * The runs of all CPUs together have a limit. To stay below the limit, a CPU
 * drops runs of its own, not those of another CPU.
 */
static void test_runs_of_all(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 4);
	int cpu = raw_smp_processor_id();

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	move_to(test, cpu);
	pcaches_fill(test, h, 1);
	span_set_put(test, &f->base.set,
		     span_set_get(test, &f->base.set, h, 100));
	move_to(test, cpumask_any_but(cpu_online_mask, cpu));
	span_set_put(test, &f->base.set,
		     span_set_get(test, &f->base.set, h, 28));
	span_set_put(test, &f->base.set,
		     span_set_get(test, &f->base.set, h, 29));
	KUNIT_EXPECT_EQ(test, 100, atomic_long_read(&h->run_pages));
	KUNIT_EXPECT_EQ(test, 0, pcaches_here(h)->nr_runs);
	span_set_expect(test, &f->base.set, h);

	/*
	 * A heap without free pages takes the runs of all CPUs before it grows.
	 * Here these pages suffice, so it does not grow.
	 */
	span_set_get(test, &f->base.set, h, h->pages.free_pages);
	span_set_get(test, &f->base.set, h, 100);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&h->run_pages));
	KUNIT_EXPECT_EQ(test, CHUNK, h->pages.backed_pages);
	span_set_put_all(test, &f->base.set);
	span_set_expect(test, &f->base.set, h);
}

/*
 * A run that two looks in a row find in a page cache returns to the heap, even
 * if the CPU uses its page cache meanwhile.
 */
static void test_runs_idle(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 4);
	struct gomem_span *s;

	move_to(test, raw_smp_processor_id());
	pcaches_fill(test, h, 2);
	s = span_set_get(test, &f->base.set, h, 20);
	span_set_put(test, &f->base.set,
		     span_set_get(test, &f->base.set, h, 30));
	gomem_heap_drain_pcaches(h, true);
	KUNIT_EXPECT_EQ(test, 30, atomic_long_read(&h->run_pages));
	span_set_put(test, &f->base.set, s);
	span_set_put(test, &f->base.set,
		     span_set_get(test, &f->base.set, h, 1));
	KUNIT_EXPECT_EQ(test, 30, gomem_heap_drain_pcaches(h, true));
	KUNIT_EXPECT_EQ(test, 20, atomic_long_read(&h->run_pages));
	span_set_put(test, &f->base.set,
		     span_set_get(test, &f->base.set, h, 20));
	span_set_put(test, &f->base.set,
		     span_set_get(test, &f->base.set, h, 1));
	gomem_heap_drain_pcaches(h, true);
	KUNIT_EXPECT_EQ(test, 20, atomic_long_read(&h->run_pages));
	span_set_put(test, &f->base.set,
		     span_set_get(test, &f->base.set, h, 1));
	KUNIT_EXPECT_EQ(test, 20, gomem_heap_drain_pcaches(h, true));
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&h->run_pages));
	span_set_expect(test, &f->base.set, h);
}

static int next_cpu(int cpu)
{
	cpu = cpumask_next(cpu, cpu_online_mask);
	return cpu < nr_cpu_ids ? cpu : cpumask_first(cpu_online_mask);
}

/*
 * Before the heap grows for one CPU, the page cache of another CPU returns its
 * pages.
 */
static void test_given_up_for_others(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 4);
	int cpu = raw_smp_processor_id();
	u64 grows;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	move_to(test, cpu);
	span_set_get(test, &f->base.set, h, 1);
	span_set_get(test, &f->base.set, h, 1);
	KUNIT_ASSERT_EQ(test, 7, hweight64(pcaches_here(h)->free));
	span_set_get(test, &f->base.set, h, h->pages.free_pages);
	grows = h->stats.grows;

	move_to(test, next_cpu(cpu));
	span_set_get(test, &f->base.set, h, 1);
	KUNIT_EXPECT_EQ(test, grows, h->stats.grows);
	KUNIT_EXPECT_EQ(test, 0, per_cpu_ptr(h->pcache, cpu)->free);
	span_set_expect(test, &f->base.set, h);
	span_set_put_all(test, &f->base.set);
}

/* A page cache that is not used between two looks is emptied. */
static void test_idle(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 4);
	struct gomem_span *s;
	unsigned int held;

	move_to(test, raw_smp_processor_id());
	pcaches_fill(test, h, 1);
	gomem_heap_drain_pcaches(h, true);
	s = span_set_get(test, &f->base.set, h, 1);
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_drain_pcaches(h, true));
	span_set_put(test, &f->base.set, s);
	held = hweight64(pcaches_here(h)->free);
	KUNIT_EXPECT_GT(test, held, 0);
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_drain_pcaches(h, true));
	KUNIT_EXPECT_EQ(test, held, hweight64(pcaches_here(h)->free));
	KUNIT_EXPECT_EQ(test, held, gomem_heap_drain_pcaches(h, true));
	KUNIT_EXPECT_EQ(test, 0, pcaches_here(h)->free);
	KUNIT_EXPECT_EQ(test, CHUNK, h->pages.free_pages);
	span_set_expect(test, &f->base.set, h);
}

/* A page cache that is drained gives back its descriptors, too. */
static void test_drain_descriptors(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 4);
	struct gomem_heap_snapshot snap;
	unsigned int i, inuse = 0;

	for (i = 2; i < GOMEM_NR_SPANCLASSES; i++) {
		struct gomem_span_request req = fake_small_request(i);

		span_set_try(test, &f->base.set, h, &req);
	}
	span_set_put_all(test, &f->base.set);
	gomem_heap_get(h, &snap);
	KUNIT_EXPECT_EQ(test, 0, snap.span_bytes);
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
		inuse += h->spanalloc[i].inuse;
	KUNIT_EXPECT_GT(test, inuse, 0);

	/*
	 * The second of these calls finds that the page caches were not used
	 * since the first one. So it empties them, whether they have pages or
	 * only descriptors.
	 */
	gomem_heap_drain_pcaches(h, true);
	gomem_heap_drain_pcaches(h, true);
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
		KUNIT_EXPECT_EQ(test, 0, h->spanalloc[i].inuse);
	span_set_expect(test, &f->base.set, h);
}

/*
 * Spans are freed on other CPUs than they were made on: the sums of the
 * counters over all CPUs stay right.
 */
static void test_other_cpu(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 8);
	int cpu = cpumask_first(cpu_online_mask);
	unsigned int i;

	pcaches_fill(test, h, 4);
	for (i = 0; i < 20; i++) {
		move_to(test, cpu);
		while (f->base.set.nr < 50)
			span_set_get(test, &f->base.set, h,
				     1 + below(&f->base.set.rnd, 10));
		cpu = next_cpu(cpu);
		move_to(test, cpu);
		while (f->base.set.nr > 10)
			span_set_put_any(test, &f->base.set);
		span_set_expect(test, &f->base.set, h);
	}
	gomem_heap_drain_pcaches(h, false);
	span_set_expect_bits(test, &f->base.set, &f->base.fh.source);
	span_set_put_all(test, &f->base.set);
}

static const struct random_case {
	const char *name;
	enum fake_policy policy;
	unsigned int max_pages;
	unsigned int percent;
	unsigned int pcache_max;
} random_cases[] = {
	{ "short spans",		FAKE_LOWEST,	15,	0,	64 },
	{ "any spans",			FAKE_RANDOM,	40,	0,	64 },
	{ "small caches",		FAKE_RANDOM,	20,	0,	7 },
	{ "memory fails at times",	FAKE_HIGHEST,	30,	30,	64 },
};

KUNIT_ARRAY_PARAM_DESC(random, random_cases, name);

static void test_random(struct kunit *test)
{
	const struct random_case *c = test->param_value;
	struct pcaches_fixture *f = test->priv;
	struct gomem_heap *h = pcaches_make(test, 24);
	struct gomem_span_request req;
	unsigned int step, aim = 0;

	h->pcache_max = c->pcache_max;
	f->base.fh.source.policy = c->policy;
	f->base.fh.source.pages.percent = c->percent;
	f->base.fh.source.meta.percent = c->percent;
	for (step = 0; step < 3000; step++) {
		if (step % 300 == 0)
			aim = below(&f->base.set.rnd, 500);
		if (step % 20 == 0)
			move_to(test, cpumask_nth(below(&f->base.set.rnd,
							num_online_cpus()),
						  cpu_online_mask));
		if (below(&f->base.set.rnd, 100) <
		    (f->base.set.nr < aim ? 70 : 30)) {
			req = span_set_request(&f->base.set, c->max_pages);
			span_set_try(test, &f->base.set, h, &req);
		} else if (f->base.set.nr) {
			span_set_put_any(test, &f->base.set);
		}
		if (step % 50 == 0)
			span_set_expect(test, &f->base.set, h);
		if (step % 500 == 499) {
			gomem_heap_drain_pcaches(h, below(&f->base.set.rnd, 2));
			gomem_heap_drain_pcaches(h, false);
			span_set_expect(test, &f->base.set, h);
			span_set_expect_bits(test, &f->base.set,
					     &f->base.fh.source);
		}
	}
	span_set_put_all(test, &f->base.set);
	span_set_expect(test, &f->base.set, h);
}

static int pcaches_init(struct kunit *test)
{
	struct pcaches_fixture *f = heap_fixture_alloc(test, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->plain.set = f->base.set;
	return 0;
}

static void pcaches_exit(struct kunit *test)
{
	struct pcaches_fixture *f = test->priv;

	if (!f)
		return;
	heap_fixture_exit(test);
	fake_heap_exit(test, &f->plain.fh);
}

static struct kunit_case pcaches_cases[] = {
	KUNIT_CASE(test_same_as_without),
	KUNIT_CASE(test_limit),
	KUNIT_CASE(test_limit_freeing),
	KUNIT_CASE(test_without_lock),
	KUNIT_CASE(test_short_runs),
	KUNIT_CASE(test_given_up_before_growth),
	KUNIT_CASE(test_given_up_for_others),
	KUNIT_CASE(test_idle),
	KUNIT_CASE(test_runs),
	KUNIT_CASE(test_runs_limit),
	KUNIT_CASE(test_runs_of_all),
	KUNIT_CASE(test_runs_idle),
	KUNIT_CASE(test_drain_descriptors),
	KUNIT_CASE(test_other_cpu),
	KUNIT_CASE_PARAM(test_random, random_gen_params),
	{}
};

static struct kunit_suite pcaches_suite = {
	.name = "gomem_pcaches",
	.init = pcaches_init,
	.exit = pcaches_exit,
	.test_cases = pcaches_cases,
};

kunit_test_suite(pcaches_suite);
