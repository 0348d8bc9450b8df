// SPDX-License-Identifier: GPL-2.0
/*
 * scavenge_kunit.c - which pages go back, in which order, and what becomes of them.
 *
 * The source knows which pages are out, a set of spans which are in use. From these
 * two a model tells, page by page, what has to go back next: after each step exactly
 * those must have left.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "epoch.h"
#include "scavenge.h"
#include "span_set.h"

#define CHUNK		GOMEM_CHUNK_PAGES
#define MAX_THREADS	8
#define SHARED		256
#define RUN_MS		700

static uint seed_param;
module_param_named(scavenge_seed, seed_param, uint, 0444);
MODULE_PARM_DESC(scavenge_seed, "Seed of the random cases (0: pick one)");

struct fixture {
	struct fake_heap fh;
	struct span_set set;
	/* Pages that should be out after the next step. */
	unsigned long want_out[BITS_TO_LONGS(SPAN_SET_PAGES)];
	/* For threads */
	struct gomem_span *shared[SHARED];
	unsigned long live[BITS_TO_LONGS(SPAN_SET_PAGES)];
};

static u32 below(struct fixture *f, u32 limit)
{
	return span_set_below(&f->set, limit);
}

static struct fake_source *source_of(struct fixture *f)
{
	return &f->fh.source;
}

static struct gomem_heap *make_heap(struct kunit *test, unsigned long nr_chunks)
{
	struct fixture *f = test->priv;

	KUNIT_ASSERT_LE(test, nr_chunks, SPAN_SET_CHUNKS);
	KUNIT_ASSERT_EQ(test, 0, fake_heap_init(&f->fh, nr_chunks, f->set.seed));
	return f->fh.heap;
}

static void expect_heap(struct kunit *test)
{
	struct fixture *f = test->priv;

	span_set_expect(test, &f->set, f->fh.heap);
}

/* The model */

/* What passes look for, in this order: see scavenge.c. */
static const struct model_pass {
	unsigned int run;
	bool idle;
	bool dense;
} model_passes[] = {
	{ 1, true, false }, { 64, false, false }, { 8, false, false }, { 1, false, false },
	{ 1, false, true },
};

static bool model_is_free(struct fixture *f, unsigned long page)
{
	return test_bit(page, f->want_out) && !test_bit(page, f->set.owned);
}

static bool model_is_eligible(struct fixture *f, unsigned long ci, const struct model_pass *p)
{
	unsigned long page, used = 0, nr_free = 0;

	for (page = ci * CHUNK; page < (ci + 1) * CHUNK; page++) {
		used += test_bit(page, f->set.owned);
		nr_free += model_is_free(f, page);
	}
	if (p->idle)
		return !used;
	return p->dense || nr_free * 32 > nr_free + used;
}

/* The last run of a chunk that is long enough: where it ends, 0 if there is none. */
static unsigned long model_last_run(struct fixture *f, unsigned long ci, unsigned int min,
				    unsigned long *len)
{
	unsigned long page = (ci + 1) * CHUNK;

	*len = 0;
	while (page-- > ci * CHUNK) {
		if (model_is_free(f, page)) {
			(*len)++;
			continue;
		}
		if (*len >= min)
			break;
		*len = 0;
	}
	return *len >= min ? page + 1 + *len : 0;
}

/*
 * Take what should go back from want_out. @want is a batch at most, so that the end is
 * the only place where a run is cut. After 16 runs the chunk is looked at anew: it may
 * have become a dense one.
 */
static unsigned long model_scavenge(struct fixture *f, unsigned long want,
				    enum gomem_scavenge_reason why)
{
	unsigned long ci, end, len, n, left = want;
	unsigned int pass, runs = 0;

	for (pass = 0; pass < ARRAY_SIZE(model_passes); pass++) {
		const struct model_pass *p = &model_passes[pass];

		if (p->dense && why == GOMEM_SCAVENGE_BACKGROUND)
			break;
		for (ci = source_of(f)->nr_pages / CHUNK; ci-- > 0 && left;) {
			if (!model_is_eligible(f, ci, p))
				continue;
			while (left && (end = model_last_run(f, ci, p->run, &len))) {
				n = min(len, left);
				bitmap_clear(f->want_out, end - n, n);
				left -= n;
				if (++runs % 16 == 0 && !model_is_eligible(f, ci, p))
					break;
			}
		}
	}
	return want - left;
}

/* So many pages go back, and these are they. */
static unsigned long scavenge(struct kunit *test, unsigned long want,
			      enum gomem_scavenge_reason why)
{
	struct fixture *f = test->priv;
	struct fake_source *fake = source_of(f);
	struct gomem_heap *h = f->fh.heap;
	unsigned long n, page, backed = h->pages.backed_pages;
	u64 released = h->stats.released[why];

	KUNIT_ASSERT_LE(test, want, CHUNK);
	/* All other reasons take only pages whose grace period is over. */
	if (why != GOMEM_SCAVENGE_FORCED)
		synchronize_rcu();
	bitmap_copy(f->want_out, fake->out, fake->nr_pages);
	n = model_scavenge(f, want, why);
	KUNIT_ASSERT_EQ_MSG(test, n, gomem_heap_scavenge(h, want, why), "of %lu, seed %u", want,
			    f->set.seed);
	for (page = 0; page < fake->nr_pages; page++)
		KUNIT_ASSERT_EQ_MSG(test, test_bit(page, f->want_out), test_bit(page, fake->out),
				    "page %lu of %lu, %lu wanted, seed %u", page, backed, want,
				    f->set.seed);
	KUNIT_ASSERT_EQ(test, n, backed - h->pages.backed_pages);
	KUNIT_ASSERT_EQ(test, n, h->stats.released[why] - released);
	return n;
}

/* Layouts */

/* Let the heap have all of its range, free. */
static void fill_heap(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned long i;

	for (i = 0; i < source_of(f)->nr_pages / CHUNK; i++)
		span_set_get(test, &f->set, f->fh.heap, CHUNK);
	span_set_put_all(test, &f->set);
	KUNIT_ASSERT_EQ(test, source_of(f)->nr_pages, f->fh.heap->pages.free_pages);
}

/* Free a run of pages that are spans of one page each. */
static void free_run(struct kunit *test, unsigned long page, unsigned int n)
{
	struct fixture *f = test->priv;

	for (; n--; page++) {
		unsigned long addr = FAKE_BASE + (page << GOMEM_PAGE_SHIFT);

		span_set_put(test, &f->set, gomem_pagemap_span(f->fh.heap->map, addr));
	}
}

/* Each page of some chunks is a span. */
static void fill_pages(struct kunit *test, unsigned int nr_chunks)
{
	struct fixture *f = test->priv;
	struct gomem_span *s;
	unsigned long i;

	fill_heap(test);
	for (i = 0; i < nr_chunks * CHUNK; i++) {
		s = span_set_get(test, &f->set, f->fh.heap, 1);
		KUNIT_ASSERT_EQ(test, i, span_set_index(s));
	}
}

static bool is_out(struct fixture *f, unsigned long page, unsigned int n)
{
	for (; n--; page++)
		if (!test_bit(page, source_of(f)->out))
			return false;
	return true;
}

static bool is_back(struct fixture *f, unsigned long page, unsigned int n)
{
	for (; n--; page++)
		if (test_bit(page, source_of(f)->out))
			return false;
	return true;
}

/* Order */

/* Idle chunks, long runs, short ones, single pages; the highest address of each first. */
static void test_order(struct kunit *test)
{
	struct fixture *f = test->priv;

	make_heap(test, 4);
	fill_pages(test, 4);
	free_run(test, 0, CHUNK);
	free_run(test, CHUNK + 10, 100);
	free_run(test, CHUNK + 200, 1);
	free_run(test, CHUNK + 300, 8);
	free_run(test, 2 * CHUNK, CHUNK);
	free_run(test, 3 * CHUNK + 5, 64);
	free_run(test, 3 * CHUNK + 100, 63);
	free_run(test, 3 * CHUNK + 300, 7);
	expect_heap(test);

	KUNIT_EXPECT_EQ(test, 100, scavenge(test, 100, GOMEM_SCAVENGE_FORCED));
	KUNIT_EXPECT_TRUE(test, is_back(f, 3 * CHUNK - 100, 100));
	KUNIT_EXPECT_EQ(test, 412, scavenge(test, 412, GOMEM_SCAVENGE_FORCED));
	KUNIT_EXPECT_TRUE(test, is_back(f, 2 * CHUNK, CHUNK));
	KUNIT_EXPECT_EQ(test, CHUNK, scavenge(test, CHUNK, GOMEM_SCAVENGE_FORCED));
	KUNIT_EXPECT_TRUE(test, is_back(f, 0, CHUNK));
	KUNIT_EXPECT_EQ(test, 64, scavenge(test, 64, GOMEM_SCAVENGE_FORCED));
	KUNIT_EXPECT_TRUE(test, is_back(f, 3 * CHUNK + 5, 64));
	KUNIT_EXPECT_EQ(test, 100, scavenge(test, 100, GOMEM_SCAVENGE_FORCED));
	KUNIT_EXPECT_TRUE(test, is_back(f, CHUNK + 10, 100));
	KUNIT_EXPECT_EQ(test, 63, scavenge(test, 63, GOMEM_SCAVENGE_FORCED));
	KUNIT_EXPECT_TRUE(test, is_back(f, 3 * CHUNK + 100, 63));
	KUNIT_EXPECT_EQ(test, 8, scavenge(test, 8, GOMEM_SCAVENGE_FORCED));
	/* Both chunks are dense by now: these come last, the highest page first. */
	KUNIT_EXPECT_TRUE(test, is_back(f, 3 * CHUNK + 300, 7));
	KUNIT_EXPECT_TRUE(test, is_back(f, CHUNK + 307, 1));
	KUNIT_EXPECT_TRUE(test, is_out(f, CHUNK + 300, 7));
	KUNIT_EXPECT_EQ(test, 8, scavenge(test, 20, GOMEM_SCAVENGE_FORCED));
	KUNIT_EXPECT_EQ(test, 0, scavenge(test, 20, GOMEM_SCAVENGE_FORCED));
	KUNIT_EXPECT_EQ(test, 0, f->fh.heap->pages.free_pages);
	expect_heap(test);
	span_set_put_all(test, &f->set);
}

static const struct dense_case {
	const char *name;
	unsigned int holes;
	unsigned int nr_free;
	bool spared;
} dense_cases[] = {
	{ "1 of 512",		0,	1,	true },
	{ "16 of 512",		0,	16,	true },
	{ "17 of 512",		0,	17,	false },
	{ "1 of 32",		480,	1,	true },
	{ "1 of 31",		481,	1,	false },
	{ "3 of 96",		416,	3,	true },
	{ "3 of 95",		417,	3,	false },
	{ "none of 512",	0,	0,	true },
};

static void dense_desc(const struct dense_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(dense, dense_cases, dense_desc);

/* Of a chunk with a 32nd free or less the background takes nothing, all others do. */
static void test_dense(struct kunit *test)
{
	const struct dense_case *c = test->param_value;
	struct fixture *f = test->priv;
	unsigned int why, left = c->nr_free;

	make_heap(test, 2);
	fill_pages(test, 1);
	free_run(test, 0, c->holes);
	while (scavenge(test, CHUNK, GOMEM_SCAVENGE_FORCED))
		;
	free_run(test, CHUNK - c->nr_free, c->nr_free);

	KUNIT_EXPECT_EQ(test, c->spared ? 0 : c->nr_free,
			scavenge(test, CHUNK, GOMEM_SCAVENGE_BACKGROUND));
	expect_heap(test);
	for (why = GOMEM_SCAVENGE_FORCED; why < GOMEM_NR_SCAVENGE_REASONS; why++) {
		KUNIT_EXPECT_EQ(test, c->spared && left, scavenge(test, 1, why));
		left -= left > 0;
	}
	span_set_put_all(test, &f->set);
}

/* In batches, each going on where the one before ended, and back at the beginning then. */
static void test_position(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 10);
	unsigned long n, sum = 0, backed;
	unsigned int i, calls = 0;
	u64 worked = 0;

	fill_pages(test, 3);
	for (i = 0; i < 3; i++)
		free_run(test, i * CHUNK + i, 30 * i + 1);
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_scavenge_some(h, 0, GOMEM_SCAVENGE_FORCED, &worked));
	do {
		backed = h->pages.backed_pages;
		n = gomem_heap_scavenge_some(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED, &worked);
		KUNIT_EXPECT_LE(test, n, CHUNK);
		KUNIT_EXPECT_EQ(test, n, backed - h->pages.backed_pages);
		sum += n;
		calls++;
	} while (n);
	KUNIT_EXPECT_EQ(test, 7 * CHUNK + 93, sum);
	KUNIT_EXPECT_EQ(test, 0, h->pages.free_pages);
	KUNIT_EXPECT_GE(test, calls, 9);
	KUNIT_EXPECT_GT(test, worked, 0);
	expect_heap(test);
	span_set_put_all(test, &f->set);
}

/* What a page cache has is in use, as far as this goes. */
static void test_cached(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 2);
	struct gomem_heap_snapshot snap;
	struct gomem_pcache *pc;

	fill_heap(test);
	h->pcache_max = GOMEM_PCACHE_PAGES;
	span_set_pin(test, raw_smp_processor_id());
	pc = per_cpu_ptr(h->pcache, raw_smp_processor_id());
	span_set_get(test, &f->set, h, 2);
	gomem_heap_get(h, &snap);
	KUNIT_EXPECT_GT(test, snap.cached_pages, 0);
	KUNIT_EXPECT_EQ(test, snap.free_pages,
			gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED));
	KUNIT_EXPECT_EQ(test, snap.cached_pages, hweight64(pc->free));
	KUNIT_EXPECT_EQ(test, snap.cached_pages + 2, h->pages.backed_pages);
	KUNIT_EXPECT_EQ(test, snap.cached_pages, gomem_heap_idle_pages(h));
	expect_heap(test);
	KUNIT_EXPECT_EQ(test, snap.cached_pages, gomem_heap_drain_pcaches(h, false));
	KUNIT_EXPECT_EQ(test, snap.cached_pages,
			gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED));
	span_set_put_all(test, &f->set);
}

/* Holes */

/* The kernel hands the same pages out again: they are the same chunks' then. */
static void test_refill_holes(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 6);
	unsigned long chunks, metas;
	unsigned int i;

	/* The heap grows up to its end; what was freed below are holes by then. */
	for (i = 0; i < 6; i++)
		span_set_get(test, &f->set, h, CHUNK);
	for (i = 0; i < 3; i++)
		span_set_put(test, &f->set, f->set.span[0]);
	chunks = h->pages.nr_registered;
	metas = h->chunkalloc.sys;
	KUNIT_EXPECT_EQ(test, 3 * CHUNK, gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED));
	span_set_expect_bits(test, &f->set, source_of(f));
	KUNIT_EXPECT_EQ(test, chunks, h->pages.nr_registered);

	while (h->pages.backed_pages < 6 * CHUNK) {
		span_set_get(test, &f->set, h, 1 + below(f, 20));
		expect_heap(test);
	}
	span_set_expect_bits(test, &f->set, source_of(f));
	KUNIT_EXPECT_EQ(test, chunks, h->pages.nr_registered);
	KUNIT_EXPECT_EQ(test, 6, chunks);
	KUNIT_EXPECT_EQ(test, metas, h->chunkalloc.sys);
	span_set_put_all(test, &f->set);
}

/* Grace periods */

struct reader {
	struct fixture *f;
	unsigned long page;
	struct completion reading;
	bool was_out;
};

/* Somebody who has found a tag and is about to look at the object. */
static int reader_run(void *arg)
{
	struct reader *r = arg;
	unsigned int ms;

	rcu_read_lock();
	complete(&r->reading);
	for (ms = 0; ms < 60; ms++)
		mdelay(1);
	r->was_out = is_out(r->f, r->page, 1);
	rcu_read_unlock();
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static const struct reader_case {
	const char *name;
	bool cached;
	bool across;
} reader_cases[] = {
	{ "free",		false,	false },
	{ "from a page cache",	true,	false },
	{ "across chunks",	false,	true },
};

static void reader_desc(const struct reader_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(reader, reader_cases, reader_desc);

/* Begins in a chunk that goes back alone, ends in one of which no more is free. */
static struct gomem_span *get_across(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = f->fh.heap;
	struct gomem_span *below, *s;

	fill_heap(test);
	below = span_set_get(test, &f->set, h, CHUNK - 5);
	s = span_set_get(test, &f->set, h, 10);
	KUNIT_ASSERT_EQ(test, CHUNK - 5, span_set_index(s));
	span_set_get(test, &f->set, h, CHUNK - 5);
	span_set_put(test, &f->set, below);
	synchronize_rcu();
	return s;
}

static void test_reader(struct kunit *test)
{
	const struct reader_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 2);
	struct reader r = { .f = f };
	struct task_struct *task;
	struct gomem_span *s;

	span_set_pin(test, cpumask_first(cpu_online_mask));
	if (c->cached)
		h->pcache_max = GOMEM_PCACHE_PAGES;
	s = c->across ? get_across(test) : span_set_get(test, &f->set, h, 1);
	r.page = span_set_index(s);
	init_completion(&r.reading);
	task = kthread_create(reader_run, &r, "gomem_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	kthread_bind(task, cpumask_last(cpu_online_mask));
	wake_up_process(task);
	wait_for_completion(&r.reading);
	span_set_put(test, &f->set, s);
	gomem_heap_drain_pcaches(h, false);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	kthread_stop(task);
	KUNIT_EXPECT_TRUE(test, r.was_out);
	KUNIT_EXPECT_TRUE(test, is_back(f, r.page, 1));
	span_set_put_all(test, &f->set);
}

/* Epochs */

static const struct epoch_case {
	const char *name;
	unsigned int peak;
	unsigned int percent;
	unsigned int goal;
} epoch_cases[] = {
	{ "a tenth more",		100,	10,	110 },
	{ "rounded up",			101,	10,	112 },
	{ "a little rounded up",	1,	1,	2 },
	{ "nothing more",		99,	0,	99 },
	{ "ten times as much more",	33,	1000,	363 },
};

static void epoch_desc(const struct epoch_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(epoch, epoch_cases, epoch_desc);

/* The last of an epoch's looks; what the first has seen still counts for it. */
static unsigned long end_epoch(struct gomem_heap *h, unsigned int percent)
{
	unsigned long goal = 0;
	unsigned int i;

	for (i = 0; i < GOMEM_GOAL_LOOKS; i++)
		goal = gomem_heap_look(h, percent);
	return goal;
}

/* The goal follows the peak of the epoch, which begins with what is in use. */
static void test_epoch(struct kunit *test)
{
	const struct epoch_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	struct gomem_span *kept;

	KUNIT_EXPECT_EQ(test, 0, end_epoch(h, c->percent));
	fill_heap(test);
	end_epoch(h, c->percent);
	KUNIT_EXPECT_EQ(test, 0, end_epoch(h, c->percent));

	kept = span_set_get(test, &f->set, h, 1);
	if (c->peak > 1)
		span_set_put(test, &f->set, span_set_get(test, &f->set, h, c->peak - 1));
	KUNIT_EXPECT_EQ(test, c->goal, end_epoch(h, c->percent));
	KUNIT_EXPECT_EQ(test, c->goal, h->goal_pages);
	KUNIT_EXPECT_EQ(test, 1, h->peak_pages);
	KUNIT_EXPECT_EQ(test, 1 + DIV_ROUND_UP(c->percent, 100),
			end_epoch(h, c->percent));
	span_set_put(test, &f->set, kept);
	KUNIT_EXPECT_EQ(test, 1 + DIV_ROUND_UP(c->percent, 100),
			end_epoch(h, c->percent));
	KUNIT_EXPECT_EQ(test, 0, end_epoch(h, c->percent));
}

/* What the heap grew for counts, if it was freed before anything else was asked for. */
static void test_epoch_growth(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);

	span_set_put(test, &f->set, span_set_get(test, &f->set, h, 200));
	KUNIT_EXPECT_EQ(test, 200, end_epoch(h, 0));
	KUNIT_EXPECT_EQ(test, 0, end_epoch(h, 0));
}

/* Much is free: more than 128 KiB, and more than some percent of what is in use. */
static void test_many_free(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);

	KUNIT_EXPECT_FALSE(test, gomem_heap_has_many_free(h));
	fill_pages(test, 2);
	span_set_get(test, &f->set, h, CHUNK);
	span_set_get(test, &f->set, h, CHUNK);
	KUNIT_EXPECT_FALSE(test, gomem_heap_has_many_free(h));
	free_run(test, 0, 17);
	KUNIT_EXPECT_FALSE(test, gomem_heap_has_many_free(h));
	/* By default 3 %, of 2048 - 60 pages. */
	free_run(test, 17, 43);
	KUNIT_EXPECT_FALSE(test, gomem_heap_has_many_free(h));
	free_run(test, 60, 1);
	KUNIT_EXPECT_TRUE(test, gomem_heap_has_many_free(h));
	span_set_put_all(test, &f->set);
	KUNIT_EXPECT_TRUE(test, gomem_heap_has_many_free(h));
	gomem_heap_scavenge(h, 4 * CHUNK - 16, GOMEM_SCAVENGE_FORCED);
	KUNIT_EXPECT_FALSE(test, gomem_heap_has_many_free(h));
}

/* Growing for a large object makes others go: as many as it needs, if they may at once. */
static void test_trade(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	u64 *released = &h->stats.released[GOMEM_SCAVENGE_GROWTH];
	struct gomem_span *s[CHUNK / 32];
	unsigned int i;

	fill_heap(test);
	gomem_heap_scavenge(h, 2 * CHUNK, GOMEM_SCAVENGE_FORCED);
	span_set_get(test, &f->set, h, CHUNK);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = span_set_get(test, &f->set, h, 32);
	KUNIT_ASSERT_EQ(test, 2 * CHUNK, h->pages.backed_pages);
	for (i = 0; i < 6; i += 2)
		span_set_put(test, &f->set, s[i]);
	synchronize_rcu();

	h->trade_min = 40;
	span_set_get(test, &f->set, h, 39);
	KUNIT_EXPECT_EQ(test, 0, *released);
	span_set_get(test, &f->set, h, 40);
	KUNIT_EXPECT_EQ(test, 40, *released);
	/* Those that have to wait for a grace period do not go. */
	gomem_heap_scavenge(h, CHUNK, GOMEM_SCAVENGE_FORCED);
	rcu_read_lock();
	span_set_put(test, &f->set, s[7]);
	span_set_put(test, &f->set, s[9]);
	span_set_put(test, &f->set, s[11]);
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_scavenge(h, CHUNK, GOMEM_SCAVENGE_GROWTH));
	rcu_read_unlock();
	expect_heap(test);
	span_set_put_all(test, &f->set);
}

/* Who frees gives back as much, 256 KiB at least, until no more is free than may be. */
static void test_give_back(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	u64 *released = &h->stats.released[GOMEM_SCAVENGE_FREE], before;
	struct gomem_span *s;
	unsigned int i;

	fill_heap(test);
	s = span_set_get(test, &f->set, h, 16);
	synchronize_rcu();
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_surplus(h));
	h->give_min = 64;
	span_set_put(test, &f->set, s);
	/* Which may have given some back already. */
	before = *released;
	gomem_heap_give_back(h, 16);
	KUNIT_EXPECT_EQ(test, 32, *released - before);
	/* Less where nobody can preempt it. */
	preempt_disable();
	gomem_heap_give_back(h, 16);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, 32 + 8, *released - before);
	for (i = 0; i < 100; i++)
		gomem_heap_give_back(h, 40);
	KUNIT_EXPECT_EQ(test, 4 * CHUNK - 64, *released);
	KUNIT_EXPECT_EQ(test, 64, h->pages.free_pages);
	KUNIT_EXPECT_EQ(test, 0, gomem_heap_surplus(h));
	expect_heap(test);
}

/* What has to wait for a grace period stays until it is over, and one is begun for it. */
static void test_give_back_later(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	u64 *released = &h->stats.released[GOMEM_SCAVENGE_FREE];
	struct gomem_span *s;

	s = span_set_get(test, &f->set, h, 500);
	gomem_heap_scavenge(h, 4 * CHUNK, GOMEM_SCAVENGE_FORCED);
	synchronize_rcu();
	h->give_min = 64;
	rcu_read_lock();
	span_set_put(test, &f->set, s);
	gomem_heap_give_back(h, 500);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, 0, *released);
	KUNIT_EXPECT_EQ(test, 436, gomem_heap_surplus(h));
	KUNIT_EXPECT_FALSE(test, h->give_hurry);
	/* Nobody else has to begin a grace period. */
	while (!poll_state_synchronize_rcu(READ_ONCE(h->give_gp)))
		msleep(20);
	gomem_heap_give_back(h, 500);
	KUNIT_EXPECT_EQ(test, 436, *released);
	expect_heap(test);
}

/* Should it become much that waits, the grace period is hurried; the next one is not. */
static void test_give_back_hurry(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	struct gomem_span *s[2];
	bool before, after;

	s[0] = span_set_get(test, &f->set, h, 500);
	s[1] = span_set_get(test, &f->set, h, 500);
	gomem_heap_scavenge(h, 4 * CHUNK, GOMEM_SCAVENGE_FORCED);
	synchronize_rcu();
	h->give_min = 64;
	rcu_read_lock();
	span_set_put(test, &f->set, s[0]);
	gomem_heap_give_back(h, 500);
	before = h->give_hurry;
	span_set_put(test, &f->set, s[1]);
	gomem_heap_give_back(h, 500);
	after = h->give_hurry;
	rcu_read_unlock();
	KUNIT_EXPECT_FALSE(test, before);
	KUNIT_EXPECT_TRUE(test, after);
	while (!poll_state_synchronize_rcu(READ_ONCE(h->give_gp)))
		msleep(20);
	gomem_heap_give_back(h, 500);
	gomem_heap_give_back(h, 500);
	KUNIT_EXPECT_EQ(test, 1000 - 64, h->stats.released[GOMEM_SCAVENGE_FREE]);
	s[0] = span_set_get(test, &f->set, h, 200);
	gomem_heap_scavenge(h, 4 * CHUNK, GOMEM_SCAVENGE_FORCED);
	rcu_read_lock();
	span_set_put(test, &f->set, s[0]);
	gomem_heap_give_back(h, 200);
	rcu_read_unlock();
	KUNIT_EXPECT_FALSE(test, h->give_hurry);
	expect_heap(test);
}

/* A run that nobody takes from one look to the next becomes free; others stay. */
static void test_runs(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	unsigned int i;

	span_set_pin(test, cpumask_first(cpu_online_mask));
	h->pcache_max = GOMEM_PCACHE_PAGES;
	for (i = 0; i < 3; i++) {
		span_set_put(test, &f->set, span_set_get(test, &f->set, h, 32));
		KUNIT_EXPECT_EQ(test, 32, atomic_long_read(&h->run_pages));
		gomem_heap_drain_runs(h);
	}
	KUNIT_EXPECT_EQ(test, 32, atomic_long_read(&h->run_pages));
	gomem_heap_drain_runs(h);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&h->run_pages));
	expect_heap(test);
}

/* The memory limit */

static void set_limit(struct fixture *f, unsigned long more_pages)
{
	struct gomem_pagesource *src = &source_of(f)->src;

	src->limit = gomem_source_bytes(src) + more_pages * GOMEM_PAGE_SIZE;
}

/* A heap with all pages of a chunk in use, and every other of the next one free. */
static struct gomem_heap *make_sparse_heap(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	unsigned int i;

	for (i = 0; i < 2; i++)
		span_set_get(test, &f->set, h, CHUNK);
	span_set_put(test, &f->set, f->set.span[1]);
	for (i = 0; i < CHUNK; i++)
		span_set_get(test, &f->set, h, 1);
	for (i = 0; i < CHUNK; i += 2)
		free_run(test, CHUNK + i, 1);
	KUNIT_ASSERT_EQ(test, CHUNK / 2, h->pages.free_pages);
	return h;
}

/* Near the limit the heap grows by what is needed, far from it by more. */
static void test_limit_order(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_sparse_heap(test);

	set_limit(f, 31);
	span_set_get(test, &f->set, h, 3);
	KUNIT_EXPECT_EQ(test, 2, source_of(f)->last.order);
	KUNIT_EXPECT_EQ(test, 0, h->stats.released[GOMEM_SCAVENGE_LIMIT]);
	KUNIT_EXPECT_EQ(test, 0, h->stats.limit_exceeded);
	set_limit(f, 32);
	span_set_get(test, &f->set, h, 3);
	KUNIT_EXPECT_EQ(test, 5, source_of(f)->last.order);
	KUNIT_EXPECT_EQ(test, 0, h->stats.limit_exceeded);
	expect_heap(test);
	span_set_put_all(test, &f->set);
}

static const struct limit_case {
	const char *name;
	gfp_t gfp;
	int room;		/* pages below the limit; -1: there is no limit */
	unsigned int released;
	unsigned int exceeded;
	unsigned int order;
} limit_cases[] = {
	{ "off",			GFP_KERNEL,	-1,	0,	0,	5 },
	{ "off, may not sleep",		GFP_ATOMIC,	-1,	0,	0,	5 },
	{ "reached",			GFP_KERNEL,	0,	4,	0,	2 },
	{ "nearly reached",		GFP_KERNEL,	1,	3,	0,	2 },
	{ "just not reached",		GFP_KERNEL,	4,	0,	0,	2 },
	{ "reached, NOFS",		GFP_NOFS,	0,	4,	0,	2 },
	{ "reached, may not sleep",	GFP_ATOMIC,	0,	0,	1,	2 },
	{ "near, may not sleep",	GFP_NOWAIT,	4,	0,	0,	2 },
};

static void limit_desc(const struct limit_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(limit, limit_cases, limit_desc);

/* Single free pages are of no use for four in a row: so many go back first. */
static void test_limit(struct kunit *test)
{
	struct gomem_span_request req = fake_large_request(4);
	const struct limit_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_sparse_heap(test);
	u64 grows = h->stats.grows;

	/* So that the chunk of the new block needs no memory. */
	KUNIT_ASSERT_TRUE(test, gomem_heap_refill(h, &h->chunkalloc, GFP_KERNEL));
	if (c->room >= 0)
		set_limit(f, c->room);
	synchronize_rcu();
	req.gfp = c->gfp;
	KUNIT_ASSERT_NOT_NULL(test, span_set_try(test, &f->set, h, &req));
	KUNIT_EXPECT_EQ(test, grows + 1, h->stats.grows);
	KUNIT_EXPECT_EQ(test, c->order, source_of(f)->last.order);
	KUNIT_EXPECT_EQ(test, c->released, h->stats.released[GOMEM_SCAVENGE_LIMIT]);
	KUNIT_EXPECT_EQ(test, c->exceeded, h->stats.limit_exceeded);
	if (c->room >= 0 && !c->exceeded)
		KUNIT_EXPECT_EQ(test, 0, gomem_source_excess(h->source, 0));
	expect_heap(test);
	span_set_put_all(test, &f->set);
}

/* Nothing is free: what must be had is had all the same, and counted each time. */
static void test_limit_soft(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 4);
	unsigned int i;

	source_of(f)->src.limit = 1;
	for (i = 1; i <= 20; i++) {
		span_set_get(test, &f->set, h, 8);
		KUNIT_EXPECT_EQ(test, i, h->stats.limit_exceeded);
		KUNIT_EXPECT_EQ(test, 3, source_of(f)->last.order);
		KUNIT_EXPECT_EQ(test, i * 8, h->pages.backed_pages);
	}
	/* What is free where it is needed makes no heap grow. */
	span_set_put(test, &f->set, f->set.span[3]);
	span_set_get(test, &f->set, h, 8);
	KUNIT_EXPECT_EQ(test, 20, h->stats.limit_exceeded);
	expect_heap(test);
	span_set_put_all(test, &f->set);
}

/* If all free pages together cannot bring the heap below its limit, none goes. */
static void test_limit_live(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_sparse_heap(test);
	struct gomem_pagesource *src = &source_of(f)->src;
	u64 *released = &h->stats.released[GOMEM_SCAVENGE_LIMIT];

	synchronize_rcu();
	src->limit = gomem_source_bytes(src) - (CHUNK / 2 - 3) * GOMEM_PAGE_SIZE;
	span_set_get(test, &f->set, h, 4);
	KUNIT_EXPECT_EQ(test, 0, *released);
	KUNIT_EXPECT_EQ(test, 1, h->stats.limit_exceeded);
	src->limit = gomem_source_bytes(src) - (CHUNK / 2 - 4) * GOMEM_PAGE_SIZE;
	span_set_get(test, &f->set, h, 4);
	KUNIT_EXPECT_EQ(test, CHUNK / 2, *released);
	expect_heap(test);
	span_set_put_all(test, &f->set);
}

/* After pages went for the limit's sake none goes for a multiple of the time it took. */
static void test_limit_pause(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_sparse_heap(test);
	u64 *released = &h->stats.released[GOMEM_SCAVENGE_LIMIT], before;

	synchronize_rcu();
	set_limit(f, 0);
	h->room_next = U64_MAX;
	span_set_get(test, &f->set, h, 4);
	KUNIT_EXPECT_EQ(test, 0, *released);
	set_limit(f, 0);
	h->room_next = 0;
	before = ktime_get_ns();
	span_set_get(test, &f->set, h, 4);
	KUNIT_EXPECT_EQ(test, 4, *released);
	KUNIT_EXPECT_GT(test, h->room_next, before);
	expect_heap(test);
	span_set_put_all(test, &f->set);
}

/* Random sequences */

static const struct random_case {
	const char *name;
	enum fake_policy policy;
	unsigned int max_pages;
	unsigned int percent;
} random_cases[] = {
	{ "lowest block first",		FAKE_LOWEST,	20,	0 },
	{ "highest block first",	FAKE_HIGHEST,	100,	0 },
	{ "any block",			FAKE_RANDOM,	40,	0 },
	{ "memory fails at times",	FAKE_RANDOM,	10,	30 },
};

static void random_desc(const struct random_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(random, random_cases, random_desc);

static void random_spans(struct kunit *test, unsigned int max_pages, unsigned int n,
			 unsigned int percent)
{
	struct fixture *f = test->priv;
	struct gomem_span_request req;

	while (n--) {
		if (below(f, 100) < percent && f->set.nr < 700) {
			req = span_set_request(&f->set, max_pages);
			span_set_try(test, &f->set, f->fh.heap, &req);
		} else if (f->set.nr) {
			span_set_put(test, &f->set, f->set.span[below(f, f->set.nr)]);
		}
	}
}

static void test_random(struct kunit *test)
{
	const struct random_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 16);
	unsigned int round, why, i;
	u64 sum = 0, released = 0;

	source_of(f)->policy = c->policy;
	source_of(f)->pages.percent = c->percent;
	source_of(f)->meta.percent = c->percent;
	for (round = 0; round < 25; round++) {
		random_spans(test, c->max_pages, 120, round % 4 == 3 ? 20 : 65);
		why = below(f, GOMEM_NR_SCAVENGE_REASONS);
		sum += scavenge(test, 1 + below(f, below(f, 2) ? 60 : CHUNK), why);
		expect_heap(test);
		span_set_expect_bits(test, &f->set, source_of(f));
	}
	for (i = 0; i < GOMEM_NR_SCAVENGE_REASONS; i++)
		released += h->stats.released[i];
	KUNIT_EXPECT_EQ(test, sum, released);
	while (scavenge(test, CHUNK, GOMEM_SCAVENGE_FORCED))
		;
	KUNIT_EXPECT_EQ(test, 0, h->pages.free_pages);
	random_spans(test, c->max_pages, 100, 50);
	/* Parts of chunks are gone when the heap is destroyed. */
	span_set_put_all(test, &f->set);
	gomem_heap_scavenge(h, h->pages.free_pages / 2, GOMEM_SCAVENGE_FORCED);
	expect_heap(test);
}

/* Threads */

struct worker {
	struct fixture *f;
	struct task_struct *task;
	struct rnd_state rnd;
	unsigned long spans;
	unsigned long released;
	const char *error;
};

static u32 worker_below(struct worker *w, u32 limit)
{
	return prandom_u32_state(&w->rnd) % limit;
}

static void worker_check(struct worker *w, const struct gomem_span *s, bool live)
{
	unsigned long i, page = span_set_index(s);

	for (i = page; i < page + s->npages; i++) {
		if (test_bit(i, w->f->live) != live)
			w->error = live ? "freed a page that is not live" : "page given out twice";
		if (!fake_page_is_out(source_of(w->f), FAKE_BASE + (i << GOMEM_PAGE_SHIFT)))
			w->error = "a live page went back";
		assign_bit(i, w->f->live, !live);
	}
}

static void worker_put(struct worker *w, struct gomem_span *s)
{
	if (!s)
		return;
	worker_check(w, s, true);
	if (!gomem_spc_class(s->spc) && !gomem_heap_claim_large(w->f->fh.heap->map, s->base))
		w->error = "a live large object could not be claimed";
	gomem_heap_free_span(s);
}

static void worker_step(struct worker *w)
{
	struct gomem_span_request req;
	struct gomem_span *s = NULL;

	if (worker_below(w, 2))
		req = fake_small_request(2 + worker_below(w, GOMEM_NR_SPANCLASSES - 2));
	else
		req = fake_large_request(1 + worker_below(w, 30));
	if (worker_below(w, 2))
		req.gfp = GFP_ATOMIC;
	if (worker_below(w, 10) < 6) {
		s = fake_heap_span(w->f->fh.heap, &req);
		if (s)
			worker_check(w, s, false);
		w->spans += !!s;
	}
	worker_put(w, xchg(&w->f->shared[worker_below(w, SHARED)], s));
}

static int worker_run(void *arg)
{
	struct worker *w = arg;

	while (!kthread_should_stop()) {
		if (!w->error)
			worker_step(w);
		cond_resched();
	}
	return 0;
}

static int drainer_run(void *arg)
{
	struct worker *w = arg;

	while (!kthread_should_stop()) {
		gomem_heap_drain_pcaches(w->f->fh.heap, worker_below(w, 2));
		cond_resched();
	}
	return 0;
}

static int scavenger_run(void *arg)
{
	struct worker *w = arg;

	while (!kthread_should_stop()) {
		w->released += gomem_heap_scavenge(w->f->fh.heap, 1 + worker_below(w, 600),
						   worker_below(w, GOMEM_NR_SCAVENGE_REASONS));
		cond_resched();
	}
	return 0;
}

static const struct thread_case {
	const char *name;
	unsigned int pcache_max;
	bool drain;
	bool scavenge;
	unsigned long limit;
} thread_cases[] = {
	{ "drained",			64,	true,	false,	0 },
	{ "scavenged",			0,	false,	true,	0 },
	{ "drained, scavenged",		64,	true,	true,	0 },
	{ "with a limit",		64,	false,	true,	SZ_16M },
};

static void thread_desc(const struct thread_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(thread, thread_cases, thread_desc);

static struct task_struct *start(int (*fn)(void *), struct worker *w, int cpu)
{
	struct task_struct *task = kthread_create(fn, w, "gomem_test");

	if (IS_ERR(task))
		return NULL;
	if (cpu >= 0)
		kthread_bind(task, cpu);
	wake_up_process(task);
	return task;
}

/* Spans are made and freed on all CPUs, while caches and free pages are taken away. */
static void test_threads(struct kunit *test)
{
	const struct thread_case *c = test->param_value;
	unsigned int n = min(num_online_cpus() + 1, MAX_THREADS), i;
	struct fixture *f = test->priv;
	struct gomem_heap *h = make_heap(test, 32);
	struct worker *w;

	w = kunit_kcalloc(test, n + 2, sizeof(*w), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, w);
	h->pcache_max = c->pcache_max;
	source_of(f)->src.limit = c->limit;
	source_of(f)->policy = FAKE_RANDOM;
	source_of(f)->pages.percent = 5;
	source_of(f)->meta.percent = 5;
	for (i = 0; i < n + 2; i++) {
		w[i].f = f;
		prandom_seed_state(&w[i].rnd, f->set.seed + i);
	}
	for (i = 0; i < n; i++)
		w[i].task = start(worker_run, &w[i], i < num_online_cpus() ?
				  cpumask_nth(i, cpu_online_mask) : -1);
	if (c->drain)
		w[n].task = start(drainer_run, &w[n], -1);
	if (c->scavenge)
		w[n + 1].task = start(scavenger_run, &w[n + 1], -1);
	msleep(RUN_MS);
	for (i = 0; i < n + 2; i++)
		if (w[i].task)
			kthread_stop(w[i].task);

	for (i = 0; i < SHARED; i++)
		worker_put(&w[0], f->shared[i]);
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_TRUE_MSG(test, !w[i].error, "%s, seed %u", w[i].error, f->set.seed);
		KUNIT_EXPECT_GT(test, w[i].spans, 0);
		kunit_info(test, "thread %u made %lu spans", i, w[i].spans);
	}
	if (c->scavenge)
		KUNIT_EXPECT_GT(test, w[n + 1].released, 0);
	expect_heap(test);
	gomem_heap_drain_pcaches(h, false);
	expect_heap(test);
	span_set_expect_bits(test, &f->set, source_of(f));
}

static int scavenge_init(struct kunit *test)
{
	struct fixture *f = kvzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	span_set_init(&f->set, seed_param ?: get_random_u32());
	test->priv = f;
	return 0;
}

static void scavenge_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	fake_heap_exit(test, &f->fh);
	kvfree(f);
}

static struct kunit_case scavenge_cases[] = {
	KUNIT_CASE(test_order),
	KUNIT_CASE_PARAM(test_dense, dense_gen_params),
	KUNIT_CASE(test_position),
	KUNIT_CASE(test_cached),
	KUNIT_CASE(test_refill_holes),
	KUNIT_CASE_PARAM(test_reader, reader_gen_params),
	KUNIT_CASE_PARAM(test_epoch, epoch_gen_params),
	KUNIT_CASE(test_epoch_growth),
	KUNIT_CASE(test_many_free),
	KUNIT_CASE(test_trade),
	KUNIT_CASE(test_give_back),
	KUNIT_CASE(test_give_back_later),
	KUNIT_CASE(test_give_back_hurry),
	KUNIT_CASE(test_runs),
	KUNIT_CASE(test_limit_order),
	KUNIT_CASE_PARAM(test_limit, limit_gen_params),
	KUNIT_CASE(test_limit_soft),
	KUNIT_CASE(test_limit_live),
	KUNIT_CASE(test_limit_pause),
	KUNIT_CASE_PARAM(test_random, random_gen_params),
	KUNIT_CASE_PARAM(test_threads, thread_gen_params),
	{}
};

static struct kunit_suite scavenge_suite = {
	.name = "gomem_scavenge",
	.init = scavenge_init,
	.exit = scavenge_exit,
	.test_cases = scavenge_cases,
};

kunit_test_suite(scavenge_suite);
