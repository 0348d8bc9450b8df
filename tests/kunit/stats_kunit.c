// SPDX-License-Identifier: GPL-2.0
/*
 * stats_kunit.c - the counters of gomem, compared with a model.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/mm.h>

#include "books.h"
#include "context.h"
#include "fixture.h"
#include "base/stats.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "run/epoch.h"

static void expect_zero(struct kunit *test)
{
	struct gomem_heap_snapshot snap;
	struct gomem_pagesource *src;
	struct gomem_class_counts n;
	struct gomem_heap *h;
	unsigned int spc;

	gomem_scavenge_all();
	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		gomem_mcache_count(&gomem_kinds[spc], &n);
		KUNIT_EXPECT_EQ(test, n.mallocs, n.frees);
		KUNIT_EXPECT_EQ(test, 0, n.cached);
		KUNIT_EXPECT_EQ(test, 0, n.cached_spans);
	}
	for_each_gomem_heap(h) {
		gomem_heap_get(h, &snap);
		KUNIT_EXPECT_EQ(test, 0, snap.counts.inuse_pages);
		KUNIT_EXPECT_EQ(test, 0, snap.counts.spans);
		KUNIT_EXPECT_EQ(test, 0, snap.counts.large);
		KUNIT_EXPECT_EQ(test, 0, snap.counts.large_pages);
		KUNIT_EXPECT_EQ(test, 0, snap.free_pages);
		KUNIT_EXPECT_EQ(test, 0, snap.cached_pages);
		KUNIT_EXPECT_EQ(test, 0, snap.backed_pages);
		KUNIT_EXPECT_EQ(test, 0, snap.span_bytes);
		KUNIT_EXPECT_EQ(test, snap.chunks * GOMEM_CHUNK_PAGES,
				snap.hole_pages);
	}
	src = gomem_first_heap()->source;
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&src->heap_pages));
}

static void test_counters(struct kunit *test)
{
	struct stats_fixture *f = test->priv;
	struct rnd_state *rnd = &f->base.rnd;
	unsigned int step, percent;
	gfp_t gfp;

	for (step = 0; step < 8000; step++) {
		if (step % 100 == 0)
			move_elsewhere(test, rnd);
		gfp = below(rnd, 2) ? GFP_KERNEL : GFP_NOWAIT | __GFP_NOWARN;
		percent = step % 2000 < 1200 ? 70 : 20;
		if (f->nr < MAX_OBJECTS && below(rnd, 100) < percent)
			books_make(f,
				   random_size(rnd, below(rnd, 20) ? 13 : 18),
				   gfp);
		else if (f->nr)
			books_unmake(f, below(rnd, f->nr));
		if (step % 400 == 0)
			books_expect(test);
		if (step % 1000 == 500)
			gomem_mcache_drain(below(rnd, 2));
		if (step % 2000 == 1999)
			gomem_scavenge_all();
	}
	while (f->nr)
		books_unmake(f, f->nr - 1);
	books_expect(test);
	expect_zero(test);
	books_expect(test);
}

/*
 * Allocate and free objects of each size class, and some large ones. Then as
 * many frees are counted as allocations, and no object, span or page is left.
 */
static void test_zero(struct kunit *test)
{
	struct stats_fixture *f = test->priv;
	unsigned int class;

	for (class = 1; class < GOMEM_NR_SIZE_CLASSES; class++) {
		books_make(f, gomem_class_size(class), GFP_KERNEL);
		books_make(f, gomem_class_size(class), GFP_KERNEL);
	}
	books_make(f, 100000, GFP_KERNEL);
	books_make(f, SZ_4M, GFP_KERNEL);
	books_expect(test);
	while (f->nr)
		books_unmake(f, below(&f->base.rnd, f->nr));
	expect_zero(test);
	books_expect(test);
}

static struct kunit_case stats_cases[] = {
	KUNIT_CASE(test_counters),
	KUNIT_CASE(test_zero),
	{}
};

static struct kunit_suite stats_suite = {
	.name = "gomem_stats",
	.init = books_init,
	.exit = books_exit,
	.test_cases = stats_cases,
};

kunit_test_suite(stats_suite);
