// SPDX-License-Identifier: GPL-2.0
/*
 * pcache_kunit.c - a CPU's page cache against a model that goes bit by bit, then
 * heaps whose CPUs have them.
 *
 * The oracle of the latter is a set of spans and the source: what is out and no
 * span's must be free or cached, and free once the caches are empty.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "pcache.h"
#include "span_set.h"

#define CHUNK	GOMEM_CHUNK_PAGES

static uint seed_param;
module_param_named(pcache_seed, seed_param, uint, 0444);
MODULE_PARM_DESC(pcache_seed, "Seed of the random cases (0: pick one)");

struct fixture {
	struct gomem_pcache pc;
	struct fake_heap fh;
	struct fake_heap plain;
	struct span_set set;
	struct span_set plain_set;
};

static u32 below(struct fixture *f, u32 limit)
{
	return span_set_below(&f->set, limit);
}

/* The cache alone */

static unsigned long cache_alloc(struct gomem_pcache *pc, unsigned int npages, bool aligned)
{
	unsigned long page;

	spin_lock_irq(&pc->lock);
	page = gomem_pcache_alloc(pc, npages, aligned);
	spin_unlock_irq(&pc->lock);
	return page;
}

static bool cache_free(struct gomem_pcache *pc, unsigned long page, unsigned int npages,
		       unsigned int max)
{
	bool kept;

	spin_lock_irq(&pc->lock);
	kept = gomem_pcache_free(pc, page, npages, max);
	spin_unlock_irq(&pc->lock);
	return kept;
}

/* Any density, and the ends. */
static u64 random_mask(struct fixture *f)
{
	u64 a = (u64)prandom_u32_state(&f->set.rnd) << 32 | prandom_u32_state(&f->set.rnd);
	u64 b = (u64)prandom_u32_state(&f->set.rnd) << 32 | prandom_u32_state(&f->set.rnd);

	switch (below(f, 8)) {
	case 0:
		return below(f, 2) ? 0 : ~0ULL;
	case 1:
		return a & b;
	case 2:
		return a | b;
	case 3:
		return ~(1ULL << below(f, 64));
	case 4:
		return 1ULL << below(f, 64);
	case 5:
		return ~0ULL << below(f, 64);
	case 6:
		return ~0ULL >> below(f, 64);
	default:
		return a;
	}
}

/* Where the lowest run begins, 64 if there is none. */
static unsigned int model_find(u64 free, unsigned int n, bool aligned)
{
	unsigned int i, k;

	for (i = 0; i + n <= 64; i++) {
		if (aligned && i % n)
			continue;
		for (k = 0; k < n && (free >> (i + k) & 1); k++)
			;
		if (k == n)
			return i;
	}
	return 64;
}

static u64 model_mask(unsigned int i, unsigned int n)
{
	u64 mask = 0;

	while (n--)
		mask |= 1ULL << i++;
	return mask;
}

static void expect_alloc(struct kunit *test, u64 mask, unsigned int n, bool aligned)
{
	struct fixture *f = test->priv;
	struct gomem_pcache *pc = &f->pc;
	unsigned int i = model_find(mask, n, aligned);
	unsigned long page;

	pc->free = mask;
	pc->base = 64UL * below(f, 1000);
	page = cache_alloc(pc, n, aligned);
	KUNIT_ASSERT_EQ_MSG(test, i == 64 ? GOMEM_NO_PAGE : pc->base + i, page,
			    "%u%s of %#llx, seed %u", n, aligned ? " aligned" : "", mask,
			    f->set.seed);
	if (i < 64)
		mask &= ~model_mask(i, n);
	KUNIT_ASSERT_EQ_MSG(test, mask, pc->free, "%u, seed %u", n, f->set.seed);
}

static void test_alloc(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int n, k;

	for (n = 1; n <= GOMEM_PCACHE_SPAN_MAX; n++) {
		for (k = 0; k < 1000; k++) {
			expect_alloc(test, random_mask(f), n, false);
			if (is_power_of_2(n))
				expect_alloc(test, random_mask(f), n, true);
		}
		for (k = 0; k + n <= 64; k++) {
			expect_alloc(test, model_mask(k, n), n, false);
			if (is_power_of_2(n))
				expect_alloc(test, model_mask(k, n), n, true);
		}
	}
}

static void test_free(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_pcache *pc = &f->pc;
	unsigned int n, max, k;
	unsigned long page;
	u64 mask, run;
	bool keep;

	for (k = 0; k < 20000; k++) {
		n = 1 + below(f, 20);
		max = below(f, 65);
		mask = random_mask(f);
		pc->base = 64UL * (10 + below(f, 1000));
		page = pc->base - 80 + below(f, 224);
		run = 0;
		keep = n <= GOMEM_PCACHE_SPAN_MAX && page >= pc->base &&
		       page + n <= pc->base + 64;
		if (keep)
			run = model_mask(page - pc->base, n);
		mask &= ~run;
		keep = keep && hweight64(mask) + n <= max;
		pc->free = mask;
		KUNIT_ASSERT_EQ_MSG(test, keep, cache_free(pc, page, n, max),
				    "%u at %ld of %#llx, at most %u, seed %u", n,
				    (long)(page - pc->base), mask, max, f->set.seed);
		KUNIT_ASSERT_EQ_MSG(test, keep ? mask | run : mask, pc->free, "seed %u",
				    f->set.seed);
	}
}

/* The bounds, one by one. */
static void test_free_refused(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_pcache *pc = &f->pc;
	unsigned int n = GOMEM_PCACHE_SPAN_MAX;

	pc->base = 128;
	KUNIT_EXPECT_FALSE(test, cache_free(pc, 127, 1, 64));
	KUNIT_EXPECT_FALSE(test, cache_free(pc, 127, 2, 64));
	KUNIT_EXPECT_FALSE(test, cache_free(pc, 192, 1, 64));
	KUNIT_EXPECT_FALSE(test, cache_free(pc, 191, 2, 64));
	KUNIT_EXPECT_FALSE(test, cache_free(pc, 64, 1, 64));
	KUNIT_EXPECT_FALSE(test, cache_free(pc, 0, 1, 64));
	KUNIT_EXPECT_FALSE(test, cache_free(pc, 128, n + 1, 64));
	KUNIT_EXPECT_FALSE(test, cache_free(pc, 128, 1, 0));
	KUNIT_EXPECT_FALSE(test, cache_free(pc, 128, n, n - 1));
	KUNIT_EXPECT_EQ(test, 0, pc->free);
	KUNIT_EXPECT_TRUE(test, cache_free(pc, 128, n, n));
	KUNIT_EXPECT_TRUE(test, cache_free(pc, 192 - n, n, 2 * n));
	KUNIT_EXPECT_FALSE(test, cache_free(pc, 160, 1, 2 * n));
	KUNIT_EXPECT_EQ(test, model_mask(0, n) | model_mask(64 - n, n), pc->free);
}

/* Pages that come or go are noticed, those refused are not. */
static void test_uses(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_pcache *pc = &f->pc;
	u32 uses = pc->uses;

	cache_alloc(pc, 1, false);
	cache_free(pc, 64, 1, 64);
	KUNIT_EXPECT_EQ(test, uses, pc->uses);
	cache_free(pc, 0, 1, 64);
	KUNIT_EXPECT_NE(test, uses, pc->uses);
	uses = pc->uses;
	cache_alloc(pc, 1, false);
	KUNIT_EXPECT_NE(test, uses, pc->uses);
}

static bool cache_push(struct gomem_pcache *pc, unsigned int index, struct gomem_span *s)
{
	bool kept;

	spin_lock_irq(&pc->lock);
	kept = gomem_pcache_push(pc, index, s);
	spin_unlock_irq(&pc->lock);
	return kept;
}

static struct gomem_span *cache_pop(struct gomem_pcache *pc, unsigned int index)
{
	struct gomem_span *s;

	spin_lock_irq(&pc->lock);
	s = gomem_pcache_pop(pc, index);
	spin_unlock_irq(&pc->lock);
	return s;
}

static void test_descriptors(struct kunit *test)
{
	struct gomem_span *s[GOMEM_NR_SPAN_SIZES][GOMEM_PCACHE_DESCS + 1];
	struct fixture *f = test->priv;
	struct gomem_pcache *pc = &f->pc;
	unsigned int i, k;

	for (k = 0; k <= GOMEM_PCACHE_DESCS; k++) {
		for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++) {
			s[i][k] = kunit_kzalloc(test, sizeof(**s[i]), GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, s[i][k]);
			KUNIT_EXPECT_EQ(test, k < GOMEM_PCACHE_DESCS, cache_push(pc, i, s[i][k]));
		}
	}
	for (k = GOMEM_PCACHE_DESCS; k-- > 0;)
		for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
			KUNIT_EXPECT_PTR_EQ(test, s[i][k], cache_pop(pc, i));
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++) {
		KUNIT_EXPECT_NULL(test, cache_pop(pc, i));
		KUNIT_EXPECT_EQ(test, 0, pc->nr_desc[i]);
	}
}

/* Heaps with caches */

static struct gomem_heap *make_heap(struct kunit *test, unsigned long nr_chunks)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, fake_heap_init(&f->fh, nr_chunks, f->set.seed));
	f->fh.heap->pcache_max = GOMEM_PCACHE_PAGES;
	return f->fh.heap;
}

/* Let the heap have chunks, all free. */
static void fill_heap(struct kunit *test, struct gomem_heap *h, unsigned int nr_chunks)
{
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < nr_chunks; i++)
		span_set_get(test, &f->set, h, CHUNK);
	span_set_put_all(test, &f->set);
	KUNIT_ASSERT_EQ(test, nr_chunks * CHUNK, h->pages.free_pages);
}

static struct gomem_pcache *this_pcache(struct gomem_heap *h)
{
	return per_cpu_ptr(h->pcache, raw_smp_processor_id());
}

/* Spans of one page from a cache are as low as those without. */
static void test_same_as_without(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4), *plain;
	unsigned int i, k;

	KUNIT_ASSERT_EQ(test, 0, fake_heap_init(&f->plain, 4, f->set.seed));
	plain = f->plain.heap;
	span_set_pin(test, raw_smp_processor_id());
	for (i = 0; i < 300; i++)
		KUNIT_ASSERT_EQ(test, span_set_get(test, &f->set, h, 1)->base,
				span_set_get(test, &f->plain_set, plain, 1)->base);
	/* Both sets have the same order, and keep it. */
	while (f->set.nr) {
		k = below(f, f->set.nr);
		span_set_put(test, &f->set, f->set.span[k]);
		span_set_put(test, &f->plain_set, f->plain_set.span[k]);
		if (f->set.nr % 30)
			continue;
		span_set_expect(test, &f->set, h);
		gomem_heap_drain_pcaches(h, false);
		KUNIT_ASSERT_EQ(test, 0, this_pcache(h)->free);
		for (k = 0; k < 4; k++) {
			struct gomem_chunk *c = gomem_pagemap_nth_chunk(h->map, k);
			struct gomem_chunk *p = gomem_pagemap_nth_chunk(plain->map, k);

			KUNIT_ASSERT_EQ_MSG(test, 0, memcmp(&p->inuse, &c->inuse, sizeof(p->inuse)),
					    "chunk %u, seed %u", k, f->set.seed);
			KUNIT_ASSERT_EQ(test, 0, memcmp(&p->hole, &c->hole, sizeof(p->hole)));
		}
	}
}

/* How many pages a cache takes: by the size of the heap and what it may have at most. */
static void test_limit(struct kunit *test)
{
	static const unsigned int maxes[] = { 1, 5, 8, 20, 64 };
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 40);
	unsigned int i, chunks, want;

	span_set_pin(test, raw_smp_processor_id());
	for (chunks = 1; chunks <= 33; chunks += 8) {
		fill_heap(test, h, chunks);
		for (i = 0; i < ARRAY_SIZE(maxes); i++) {
			h->pcache_max = maxes[i];
			want = chunks * CHUNK / (GOMEM_PCACHE_SHARE * num_online_cpus());
			want = min(max(want, 8U), maxes[i]);
			span_set_get(test, &f->set, h, 1);
			KUNIT_EXPECT_EQ_MSG(test, want - 1, hweight64(this_pcache(h)->free),
					    "%u chunks, at most %u", chunks, maxes[i]);
			span_set_expect(test, &f->set, h);
			span_set_put_all(test, &f->set);
			KUNIT_EXPECT_EQ(test, want, hweight64(this_pcache(h)->free));
			KUNIT_EXPECT_EQ(test, want, gomem_heap_drain_pcaches(h, false));
			KUNIT_EXPECT_EQ(test, chunks * CHUNK, h->pages.free_pages);
		}
		h->pcache_max = GOMEM_PCACHE_PAGES;
	}
}

/* More comes back than was taken from it: what is too much is the heap's. */
static void test_limit_freeing(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	unsigned int i, max;

	span_set_pin(test, raw_smp_processor_id());
	fill_heap(test, h, 2);
	max = max_t(unsigned int, 2 * CHUNK / (GOMEM_PCACHE_SHARE * num_online_cpus()),
		    h->pcache_min);
	KUNIT_ASSERT_LE(test, max, 64);
	for (i = 0; i < 60; i++)
		span_set_get(test, &f->set, h, 1);
	while (f->set.nr) {
		span_set_put(test, &f->set, f->set.span[below(f, f->set.nr)]);
		span_set_expect(test, &f->set, h);
	}
	KUNIT_EXPECT_EQ(test, max, hweight64(this_pcache(h)->free));
	gomem_heap_drain_pcaches(h, false);
	span_set_expect_bits(test, &f->set, &f->fh.source);
}

/* Short spans in and out of a cache: the heap's lock is not taken. */
static void test_without_lock(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	struct gomem_heap_snapshot before, after;
	unsigned int i;

	span_set_pin(test, raw_smp_processor_id());
	fill_heap(test, h, 2);
	span_set_put(test, &f->set, span_set_get(test, &f->set, h, 2));
	gomem_heap_get(h, &before);
	for (i = 0; i < 100; i++)
		span_set_put(test, &f->set,
			     span_set_get(test, &f->set, h, 1 + i % GOMEM_PCACHE_SPAN_MAX));
	gomem_heap_get(h, &after);
	KUNIT_EXPECT_EQ(test, 0, after.stats.lock_taken - before.stats.lock_taken);
	KUNIT_EXPECT_EQ(test, 100, after.counts.cache_spans - before.counts.cache_spans);

	/* Too long to be cut from a cache, even if it would fit. */
	span_set_get(test, &f->set, h, GOMEM_PCACHE_SPAN_MAX + 1);
	gomem_heap_get(h, &before);
	KUNIT_EXPECT_EQ(test, 0, before.counts.cache_spans - after.counts.cache_spans);
	KUNIT_EXPECT_EQ(test, 1, before.stats.lock_taken - after.stats.lock_taken);
	KUNIT_EXPECT_EQ(test, after.cached_pages, before.cached_pages);
	span_set_put_all(test, &f->set);
}

/* What caches hold is given up before the heap grows: together it is enough. */
static void test_given_up_before_growth(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	struct gomem_span *first, *second, *s;
	u64 grows;

	span_set_pin(test, raw_smp_processor_id());
	first = span_set_get(test, &f->set, h, 1);
	second = span_set_get(test, &f->set, h, 1);
	KUNIT_ASSERT_EQ(test, 7, hweight64(this_pcache(h)->free));
	span_set_get(test, &f->set, h, h->pages.free_pages);
	KUNIT_ASSERT_EQ(test, 0, h->pages.free_pages);
	grows = h->stats.grows;
	span_set_put(test, &f->set, second);
	span_set_put(test, &f->set, first);
	KUNIT_ASSERT_EQ(test, 8, hweight64(this_pcache(h)->free));
	KUNIT_ASSERT_EQ(test, 1, h->pages.free_pages);

	s = span_set_get(test, &f->set, h, 9);
	KUNIT_EXPECT_EQ(test, 0, span_set_index(s));
	KUNIT_EXPECT_EQ(test, grows, h->stats.grows);
	KUNIT_EXPECT_EQ(test, 0, this_pcache(h)->free);
	span_set_expect(test, &f->set, h);
	span_set_get(test, &f->set, h, 1);
	KUNIT_EXPECT_EQ(test, grows + 1, h->stats.grows);
	span_set_put_all(test, &f->set);
}

/* What large objects leave serves those of the same size, without the heap. */
static void test_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	struct gomem_span_request req = fake_large_request(32);
	struct gomem_heap_snapshot before, after;
	struct gomem_span *s, *first;
	unsigned long base;

	span_set_pin(test, raw_smp_processor_id());
	fill_heap(test, h, 2);
	first = span_set_get(test, &f->set, h, GOMEM_PCACHE_SPAN_MAX + 1);
	s = span_set_get(test, &f->set, h, 32);
	base = s->base;
	KUNIT_ASSERT_NE(test, 0, span_set_index(s) % 32);
	span_set_put(test, &f->set, s);
	KUNIT_EXPECT_EQ(test, 32, atomic_long_read(&h->run_pages));
	KUNIT_EXPECT_NULL(test, gomem_pagemap_span(h->map, base));
	span_set_expect(test, &f->set, h);

	/* Not for less, nor for what is to be aligned. */
	gomem_heap_get(h, &before);
	KUNIT_EXPECT_NE(test, base, span_set_get(test, &f->set, h, 31)->base);
	KUNIT_EXPECT_NE(test, base, span_set_try(test, &f->set, h, &req)->base);
	KUNIT_EXPECT_EQ(test, 32, atomic_long_read(&h->run_pages));

	gomem_heap_get(h, &before);
	KUNIT_EXPECT_EQ(test, base, span_set_get(test, &f->set, h, 32)->base);
	gomem_heap_get(h, &after);
	KUNIT_EXPECT_EQ(test, 0, after.stats.lock_taken - before.stats.lock_taken);
	KUNIT_EXPECT_EQ(test, 1, after.counts.cache_spans - before.counts.cache_spans);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&h->run_pages));
	span_set_expect(test, &f->set, h);

	span_set_put(test, &f->set, first);
	KUNIT_EXPECT_EQ(test, GOMEM_PCACHE_SPAN_MAX + 1, atomic_long_read(&h->run_pages));
	span_set_put_all(test, &f->set);
	span_set_expect(test, &f->set, h);
}

/* So many runs, and so many pages; the oldest go first. */
static void test_runs_limit(struct kunit *test)
{
	static const unsigned int long_ones[] = { 100, 60, 68, 129, 128 };
	static const unsigned int kept[] = { 100, 60, 128, 128, 128 };
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	struct gomem_span *s[GOMEM_PCACHE_RUNS + 1];
	unsigned int i;

	span_set_pin(test, raw_smp_processor_id());
	fill_heap(test, h, 2);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = span_set_get(test, &f->set, h, 16 + i);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		span_set_put(test, &f->set, s[i]);
	KUNIT_EXPECT_EQ(test, 17 + 18 + 19 + 20, atomic_long_read(&h->run_pages));
	KUNIT_EXPECT_EQ(test, 17, this_pcache(h)->run[0].npages);
	span_set_expect(test, &f->set, h);
	KUNIT_EXPECT_EQ(test, 74, gomem_heap_drain_pcaches(h, false));

	for (i = 0; i < ARRAY_SIZE(long_ones); i++) {
		span_set_put(test, &f->set, span_set_get(test, &f->set, h, long_ones[i]));
		KUNIT_EXPECT_EQ_MSG(test, kept[i], atomic_long_read(&h->run_pages), "%u",
				    long_ones[i]);
		span_set_expect(test, &f->set, h);
	}
	KUNIT_EXPECT_EQ(test, 128, gomem_heap_drain_pcaches(h, false));
	span_set_expect_bits(test, &f->set, &f->fh.source);
}

/* All CPUs share the limit: another one's runs are not this one's to give. */
static void test_runs_of_all(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	int cpu = raw_smp_processor_id();

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	span_set_pin(test, cpu);
	fill_heap(test, h, 1);
	span_set_put(test, &f->set, span_set_get(test, &f->set, h, 100));
	span_set_pin(test, cpumask_any_but(cpu_online_mask, cpu));
	span_set_put(test, &f->set, span_set_get(test, &f->set, h, 28));
	span_set_put(test, &f->set, span_set_get(test, &f->set, h, 29));
	KUNIT_EXPECT_EQ(test, 100, atomic_long_read(&h->run_pages));
	KUNIT_EXPECT_EQ(test, 0, this_pcache(h)->nr_runs);
	span_set_expect(test, &f->set, h);

	/* Before the heap grows all of them give theirs. */
	span_set_get(test, &f->set, h, h->pages.free_pages);
	span_set_get(test, &f->set, h, 100);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&h->run_pages));
	KUNIT_EXPECT_EQ(test, CHUNK, h->pages.backed_pages);
	span_set_put_all(test, &f->set);
	span_set_expect(test, &f->set, h);
}

/* A run goes that lay there at two looks, whatever else the CPU does. */
static void test_runs_idle(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	struct gomem_span *s;

	span_set_pin(test, raw_smp_processor_id());
	fill_heap(test, h, 2);
	s = span_set_get(test, &f->set, h, 20);
	span_set_put(test, &f->set, span_set_get(test, &f->set, h, 30));
	gomem_heap_drain_pcaches(h, true);
	KUNIT_EXPECT_EQ(test, 30, atomic_long_read(&h->run_pages));
	span_set_put(test, &f->set, s);
	span_set_put(test, &f->set, span_set_get(test, &f->set, h, 1));
	KUNIT_EXPECT_EQ(test, 30, gomem_heap_drain_pcaches(h, true));
	KUNIT_EXPECT_EQ(test, 20, atomic_long_read(&h->run_pages));
	span_set_put(test, &f->set, span_set_get(test, &f->set, h, 20));
	span_set_put(test, &f->set, span_set_get(test, &f->set, h, 1));
	gomem_heap_drain_pcaches(h, true);
	KUNIT_EXPECT_EQ(test, 20, atomic_long_read(&h->run_pages));
	span_set_put(test, &f->set, span_set_get(test, &f->set, h, 1));
	KUNIT_EXPECT_EQ(test, 20, gomem_heap_drain_pcaches(h, true));
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&h->run_pages));
	span_set_expect(test, &f->set, h);
}

static int next_cpu(int cpu)
{
	cpu = cpumask_next(cpu, cpu_online_mask);
	return cpu < nr_cpu_ids ? cpu : cpumask_first(cpu_online_mask);
}

/* As above, held by another CPU. */
static void test_given_up_for_others(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	int cpu = raw_smp_processor_id();
	u64 grows;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	span_set_pin(test, cpu);
	span_set_get(test, &f->set, h, 1);
	span_set_get(test, &f->set, h, 1);
	KUNIT_ASSERT_EQ(test, 7, hweight64(this_pcache(h)->free));
	span_set_get(test, &f->set, h, h->pages.free_pages);
	grows = h->stats.grows;

	span_set_pin(test, next_cpu(cpu));
	span_set_get(test, &f->set, h, 1);
	KUNIT_EXPECT_EQ(test, grows, h->stats.grows);
	KUNIT_EXPECT_EQ(test, 0, per_cpu_ptr(h->pcache, cpu)->free);
	span_set_expect(test, &f->set, h);
	span_set_put_all(test, &f->set);
}

/* Emptied when it did nothing from one look to the next. */
static void test_idle(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	struct gomem_span *s;
	unsigned int held;

	span_set_pin(test, raw_smp_processor_id());
	fill_heap(test, h, 1);
	gomem_heap_drain_pcaches(h, true);
	s = span_set_get(test, &f->set, h, 1);
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_drain_pcaches(h, true));
	span_set_put(test, &f->set, s);
	held = hweight64(this_pcache(h)->free);
	KUNIT_EXPECT_GT(test, held, 0);
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_drain_pcaches(h, true));
	KUNIT_EXPECT_EQ(test, held, hweight64(this_pcache(h)->free));
	KUNIT_EXPECT_EQ(test, held, gomem_heap_drain_pcaches(h, true));
	KUNIT_EXPECT_EQ(test, 0, this_pcache(h)->free);
	KUNIT_EXPECT_EQ(test, CHUNK, h->pages.free_pages);
	span_set_expect(test, &f->set, h);
}

/* Descriptors go back with the pages. */
static void test_drain_descriptors(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	struct gomem_heap_snapshot snap;
	unsigned int i, inuse = 0;

	for (i = 2; i < GOMEM_NR_SPANCLASSES; i++) {
		struct gomem_span_request req = fake_small_request(i);

		span_set_try(test, &f->set, h, &req);
	}
	span_set_put_all(test, &f->set);
	gomem_heap_get(h, &snap);
	KUNIT_EXPECT_EQ(test, 0, snap.span_bytes);
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
		inuse += h->spanalloc[i].inuse;
	KUNIT_EXPECT_GT(test, inuse, 0);

	/* Whoever idles, whether it has pages or not. */
	gomem_heap_drain_pcaches(h, true);
	gomem_heap_drain_pcaches(h, true);
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
		KUNIT_EXPECT_EQ(test, 0, h->spanalloc[i].inuse);
	span_set_expect(test, &f->set, h);
}

/* A span freed on another CPU than it was made on: the sums stay right. */
static void test_other_cpu(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 8);
	int cpu = cpumask_first(cpu_online_mask);
	unsigned int i;

	fill_heap(test, h, 4);
	for (i = 0; i < 20; i++) {
		span_set_pin(test, cpu);
		while (f->set.nr < 50)
			span_set_get(test, &f->set, h, 1 + below(f, 10));
		cpu = next_cpu(cpu);
		span_set_pin(test, cpu);
		while (f->set.nr > 10)
			span_set_put(test, &f->set, f->set.span[below(f, f->set.nr)]);
		span_set_expect(test, &f->set, h);
	}
	gomem_heap_drain_pcaches(h, false);
	span_set_expect_bits(test, &f->set, &f->fh.source);
	span_set_put_all(test, &f->set);
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

static void random_desc(const struct random_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(random, random_cases, random_desc);

static void test_random(struct kunit *test)
{
	const struct random_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 24);
	struct gomem_span_request req;
	unsigned int step, aim = 0;

	h->pcache_max = c->pcache_max;
	f->fh.source.policy = c->policy;
	f->fh.source.pages.percent = c->percent;
	f->fh.source.meta.percent = c->percent;
	for (step = 0; step < 3000; step++) {
		if (step % 300 == 0)
			aim = below(f, 500);
		if (step % 20 == 0)
			span_set_pin(test, cpumask_nth(below(f, num_online_cpus()),
						       cpu_online_mask));
		if (below(f, 100) < (f->set.nr < aim ? 70 : 30)) {
			req = span_set_request(&f->set, c->max_pages);
			span_set_try(test, &f->set, h, &req);
		} else if (f->set.nr) {
			span_set_put(test, &f->set, f->set.span[below(f, f->set.nr)]);
		}
		if (step % 50 == 0)
			span_set_expect(test, &f->set, h);
		if (step % 500 == 499) {
			gomem_heap_drain_pcaches(h, below(f, 2));
			gomem_heap_drain_pcaches(h, false);
			span_set_expect(test, &f->set, h);
			span_set_expect_bits(test, &f->set, &f->fh.source);
		}
	}
	span_set_put_all(test, &f->set);
	span_set_expect(test, &f->set, h);
}

static int pcache_init(struct kunit *test)
{
	struct fixture *f = kvzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	span_set_init(&f->set, seed_param ?: get_random_u32());
	span_set_init(&f->plain_set, f->set.seed);
	gomem_pcache_init(&f->pc);
	test->priv = f;
	return 0;
}

static void pcache_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	fake_heap_exit(test, &f->fh);
	fake_heap_exit(test, &f->plain);
	kvfree(f);
}

static struct kunit_case pcache_cases[] = {
	KUNIT_CASE(test_alloc),
	KUNIT_CASE(test_free),
	KUNIT_CASE(test_free_refused),
	KUNIT_CASE(test_uses),
	KUNIT_CASE(test_descriptors),
	KUNIT_CASE(test_same_as_without),
	KUNIT_CASE(test_limit),
	KUNIT_CASE(test_limit_freeing),
	KUNIT_CASE(test_without_lock),
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

static struct kunit_suite pcache_suite = {
	.name = "gomem_pcache",
	.init = pcache_init,
	.exit = pcache_exit,
	.test_cases = pcache_cases,
};

kunit_test_suite(pcache_suite);
