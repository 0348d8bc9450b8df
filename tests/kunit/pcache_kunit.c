// SPDX-License-Identifier: GPL-2.0
/*
 * pcache_kunit.c - a page cache, compared with a model that searches the bitmap
 * of free pages bit by bit.
 */
#include <kunit/test.h>
#include <linux/log2.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "fixture.h"
#include "heap/pcache.h"

struct pcache_fixture {
	struct heap_fixture base;
	struct gomem_pcache pc;
};

static unsigned long cache_alloc(struct gomem_pcache *pc, unsigned int npages,
				 bool aligned)
{
	unsigned long page;

	spin_lock_irq(&pc->lock);
	page = gomem_pcache_alloc(pc, npages, aligned);
	spin_unlock_irq(&pc->lock);
	return page;
}

static bool cache_free(struct gomem_pcache *pc, unsigned long page,
		       unsigned int npages, unsigned int max)
{
	bool kept;

	spin_lock_irq(&pc->lock);
	kept = gomem_pcache_free(pc, page, npages, max);
	spin_unlock_irq(&pc->lock);
	return kept;
}

/* Return random bits of any density, including none and all. */
static u64 random_mask(struct pcache_fixture *f)
{
	u64 a = random_u64(&f->base.set.rnd);
	u64 b = random_u64(&f->base.set.rnd);

	switch (below(&f->base.set.rnd, 8)) {
	case 0:
		return below(&f->base.set.rnd, 2) ? 0 : ~0ULL;
	case 1:
		return a & b;
	case 2:
		return a | b;
	case 3:
		return ~(1ULL << below(&f->base.set.rnd, 64));
	case 4:
		return 1ULL << below(&f->base.set.rnd, 64);
	case 5:
		return ~0ULL << below(&f->base.set.rnd, 64);
	case 6:
		return ~0ULL >> below(&f->base.set.rnd, 64);
	default:
		return a;
	}
}

/* Return where the lowest run of @n free pages begins; 64 if there is none. */
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

static void expect_alloc(struct kunit *test, u64 mask, unsigned int n,
			 bool aligned)
{
	struct pcache_fixture *f = test->priv;
	struct gomem_pcache *pc = &f->pc;
	unsigned int i = model_find(mask, n, aligned);
	unsigned long page;

	pc->free = mask;
	pc->base = 64UL * below(&f->base.set.rnd, 1000);
	page = cache_alloc(pc, n, aligned);
	KUNIT_ASSERT_EQ_MSG(test, i == 64 ? GOMEM_NO_PAGE : pc->base + i, page,
			    "%u%s of %#llx", n, aligned ? " aligned" : "",
			    mask);
	if (i < 64)
		mask &= ~model_mask(i, n);
	KUNIT_ASSERT_EQ_MSG(test, mask, pc->free, "%u", n);
}

static void test_alloc(struct kunit *test)
{
	struct pcache_fixture *f = test->priv;
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
	struct pcache_fixture *f = test->priv;
	struct gomem_pcache *pc = &f->pc;
	unsigned int n, max, k;
	unsigned long page;
	u64 mask, run;
	bool keep;

	for (k = 0; k < 20000; k++) {
		n = 1 + below(&f->base.set.rnd, 20);
		max = below(&f->base.set.rnd, 65);
		mask = random_mask(f);
		pc->base = 64UL * (10 + below(&f->base.set.rnd, 1000));
		page = pc->base - 80 + below(&f->base.set.rnd, 224);
		run = 0;
		keep = n <= GOMEM_PCACHE_SPAN_MAX && page >= pc->base &&
		       page + n <= pc->base + 64;
		if (keep)
			run = model_mask(page - pc->base, n);
		mask &= ~run;
		keep = keep && hweight64(mask) + n <= max;
		pc->free = mask;
		KUNIT_ASSERT_EQ_MSG(test, keep, cache_free(pc, page, n, max),
				    "%u at %ld of %#llx, at most %u", n,
				    (long)(page - pc->base), mask, max);
		KUNIT_ASSERT_EQ(test, keep ? mask | run : mask, pc->free);
	}
}

/* Each case in which a page cache refuses pages. */
static void test_free_refused(struct kunit *test)
{
	struct pcache_fixture *f = test->priv;
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
	KUNIT_EXPECT_EQ(test, model_mask(0, n) | model_mask(64 - n, n),
			pc->free);
}

/*
 * pc->uses changes when the page cache gives or takes pages, not when it
 * refuses to do so.
 */
static void test_uses(struct kunit *test)
{
	struct pcache_fixture *f = test->priv;
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

static bool cache_push(struct gomem_pcache *pc, unsigned int index,
		       struct gomem_span *s)
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
	struct pcache_fixture *f = test->priv;
	struct gomem_pcache *pc = &f->pc;
	unsigned int i, k;

	for (k = 0; k <= GOMEM_PCACHE_DESCS; k++) {
		for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++) {
			s[i][k] =
				kunit_kzalloc(test, sizeof(**s[i]), GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, s[i][k]);
			KUNIT_EXPECT_EQ(test, k < GOMEM_PCACHE_DESCS,
					cache_push(pc, i, s[i][k]));
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

static int pcache_init(struct kunit *test)
{
	struct pcache_fixture *f = heap_fixture_alloc(test, sizeof(*f));

	if (!f)
		return -ENOMEM;
	gomem_pcache_init(&f->pc);
	return 0;
}

static struct kunit_case pcache_cases[] = {
	KUNIT_CASE(test_alloc),
	KUNIT_CASE(test_free),
	KUNIT_CASE(test_free_refused),
	KUNIT_CASE(test_uses),
	KUNIT_CASE(test_descriptors),
	{}
};

static struct kunit_suite pcache_suite = {
	.name = "gomem_pcache",
	.init = pcache_init,
	.exit = heap_fixture_exit,
	.test_cases = pcache_cases,
};

kunit_test_suite(pcache_suite);
