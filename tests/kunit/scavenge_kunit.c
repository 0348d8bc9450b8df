// SPDX-License-Identifier: GPL-2.0
/*
 * scavenge_kunit.c - which free pages a heap gives back to its source, and
 * when.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "context.h"
#include "fixture.h"
#include "layout.h"
#include "workers.h"
#include "heap/scavenge.h"

#define SHARED		256
#define RUN_MS		700

/*
 * The pages that should be out after the next scavenge: the source has handed
 * them out, and they have not been given back.
 */
static unsigned long want_out[BITS_TO_LONGS(SPAN_SET_PAGES)];

/* The model */

/*
 * The scavenger visits chunks by rank, the best rank first. The model makes one
 * pass over all chunks for each rank. @run: the shortest run taken, as in
 * min_run[] of scavenge.c. @idle: take only from chunks without a page in use.
 * @dense: take also from dense chunks. A chunk is dense if at most 1/32 of its
 * pages that are not holes are free.
 */
static const struct model_pass {
	unsigned int run;
	bool idle;
	bool dense;
} model_passes[] = {
	{ 1, true, false }, { 64, false, false }, { 8, false, false },
	{ 1, false, false }, { 1, false, true },
};

static bool model_is_free(struct heap_fixture *f, unsigned long page)
{
	return test_bit(page, want_out) && !test_bit(page, f->set.owned);
}

static bool model_is_eligible(struct heap_fixture *f, unsigned long ci,
			      const struct model_pass *p)
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

/*
 * Find the last free run of at least @min pages in a chunk, and set @len to its
 * length. Return its end, or 0 if there is none.
 */
static unsigned long model_last_run(struct heap_fixture *f, unsigned long ci,
				    unsigned int min, unsigned long *len)
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
 * Clear the bits in want_out of the pages that should go back, at most @want,
 * and return their number. @want is at most CHUNK, the limit of pages in a
 * batch of the scavenger. So only the last run that is taken may go back in
 * part. The model does not know the limit of runs in a batch. When the taken
 * runs have made a chunk dense, the scavenger still takes the chunk's other
 * runs if the batch has room for more runs; otherwise it leaves these runs for
 * later. So set @unsure if a chunk becomes dense and has runs left.
 */
static unsigned long model_scavenge(struct heap_fixture *f, unsigned long want,
				    enum gomem_scavenge_reason why,
				    bool *unsure)
{
	unsigned long ci, end, len, n, left = want;
	unsigned int pass;

	for (pass = 0; pass < ARRAY_SIZE(model_passes); pass++) {
		const struct model_pass *p = &model_passes[pass];

		if (p->dense && why == GOMEM_SCAVENGE_BACKGROUND)
			break;
		for (ci = fake_source_of(f)->nr_pages / CHUNK;
		     ci-- > 0 && left;) {
			if (!model_is_eligible(f, ci, p))
				continue;
			while (left &&
			       (end = model_last_run(f, ci, p->run, &len))) {
				n = min(len, left);
				bitmap_clear(want_out, end - n, n);
				left -= n;
				if (left && !model_is_eligible(f, ci, p) &&
				    model_last_run(f, ci, p->run, &len))
					*unsure = true;
			}
		}
	}
	return want - left;
}

/*
 * Scavenge, and expect that exactly the pages go back that model_scavenge()
 * chose. If the model is unsure, expect only that at most @want pages go back.
 */
static unsigned long scavenge(struct kunit *test, unsigned long want,
			      enum gomem_scavenge_reason why)
{
	struct heap_fixture *f = test->priv;
	struct fake_source *fake = fake_source_of(f);
	struct gomem_heap *h = f->fh.heap;
	unsigned long n, done, page, backed = h->pages.backed_pages;
	bool unsure = false;
	u64 released = h->stats.released[why];

	KUNIT_ASSERT_LE(test, want, CHUNK);
	/*
	 * Unless the scavenge is forced, only pages go back whose grace period
	 * is over.
	 */
	if (why != GOMEM_SCAVENGE_FORCED)
		synchronize_rcu();
	bitmap_copy(want_out, fake->out, fake->nr_pages);
	n = model_scavenge(f, want, why, &unsure);
	done = gomem_heap_scavenge(h, want, why);
	if (unsure) {
		KUNIT_ASSERT_LE(test, done, want);
		bitmap_copy(want_out, fake->out, fake->nr_pages);
		n = done;
	}
	KUNIT_ASSERT_EQ_MSG(test, n, done, "of %lu", want);
	for (page = 0; page < fake->nr_pages; page++)
		KUNIT_ASSERT_EQ_MSG(test, test_bit(page, want_out),
				    test_bit(page, fake->out),
				    "page %lu of %lu, %lu wanted", page, backed,
				    want);
	KUNIT_ASSERT_EQ(test, n, backed - h->pages.backed_pages);
	KUNIT_ASSERT_EQ(test, n, h->stats.released[why] - released);
	return n;
}

/* Layouts */

static bool is_out(struct heap_fixture *f, unsigned long page, unsigned int n)
{
	for (; n--; page++)
		if (!test_bit(page, fake_source_of(f)->out))
			return false;
	return true;
}

static bool is_back(struct heap_fixture *f, unsigned long page, unsigned int n)
{
	for (; n--; page++)
		if (test_bit(page, fake_source_of(f)->out))
			return false;
	return true;
}

/* Order */

static unsigned long force(struct kunit *test, unsigned long n)
{
	return scavenge(test, n, GOMEM_SCAVENGE_FORCED);
}

/*
 * Pages go back in this order: chunks without a page in use, runs of 64 pages
 * or more, runs of 8 or more, shorter runs. The free pages of dense chunks come
 * last: of the pages of a dense chunk that are not holes, at most 1/32 is free.
 * In each of these steps, the pages at the highest address go first.
 */
static void test_order(struct kunit *test)
{
	struct heap_fixture *f = test->priv;

	layout_make(test, 4);
	layout_fill_pages(test, 4);
	layout_free_run(test, 0, CHUNK);
	layout_free_run(test, CHUNK + 10, 100);
	layout_free_run(test, CHUNK + 200, 1);
	layout_free_run(test, CHUNK + 300, 8);
	layout_free_run(test, 2 * CHUNK, CHUNK);
	layout_free_run(test, 3 * CHUNK + 5, 64);
	layout_free_run(test, 3 * CHUNK + 100, 63);
	layout_free_run(test, 3 * CHUNK + 300, 7);
	layout_expect(test);

	KUNIT_EXPECT_EQ(test, 100, force(test, 100));
	KUNIT_EXPECT_TRUE(test, is_back(f, 3 * CHUNK - 100, 100));
	KUNIT_EXPECT_EQ(test, 412, force(test, 412));
	KUNIT_EXPECT_TRUE(test, is_back(f, 2 * CHUNK, CHUNK));
	KUNIT_EXPECT_EQ(test, CHUNK, force(test, CHUNK));
	KUNIT_EXPECT_TRUE(test, is_back(f, 0, CHUNK));
	KUNIT_EXPECT_EQ(test, 64, force(test, 64));
	KUNIT_EXPECT_TRUE(test, is_back(f, 3 * CHUNK + 5, 64));
	KUNIT_EXPECT_EQ(test, 100, force(test, 100));
	KUNIT_EXPECT_TRUE(test, is_back(f, CHUNK + 10, 100));
	KUNIT_EXPECT_EQ(test, 63, force(test, 63));
	KUNIT_EXPECT_TRUE(test, is_back(f, 3 * CHUNK + 100, 63));
	KUNIT_EXPECT_EQ(test, 8, force(test, 8));
	/* Only dense chunks are left: pages at high addresses go first. */
	KUNIT_EXPECT_TRUE(test, is_back(f, 3 * CHUNK + 300, 7));
	KUNIT_EXPECT_TRUE(test, is_back(f, CHUNK + 307, 1));
	KUNIT_EXPECT_TRUE(test, is_out(f, CHUNK + 300, 7));
	KUNIT_EXPECT_EQ(test, 8, force(test, 20));
	KUNIT_EXPECT_EQ(test, 0, force(test, 20));
	KUNIT_EXPECT_EQ(test, 0, f->fh.heap->pages.free_pages);
	layout_expect(test);
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

KUNIT_ARRAY_PARAM_DESC(dense, dense_cases, name);

/*
 * The background scavenger skips a dense chunk: at most 1/32 of its pages,
 * holes not counted, are free. A scavenge for any other reason gives these free
 * pages back, too.
 */
static void test_dense(struct kunit *test)
{
	const struct dense_case *c = test->param_value;
	struct heap_fixture *f = test->priv;
	unsigned int why, left = c->nr_free;

	layout_make(test, 2);
	layout_fill_pages(test, 1);
	layout_free_run(test, 0, c->holes);
	while (scavenge(test, CHUNK, GOMEM_SCAVENGE_FORCED))
		;
	layout_free_run(test, CHUNK - c->nr_free, c->nr_free);

	KUNIT_EXPECT_EQ(test, c->spared ? 0 : c->nr_free,
			scavenge(test, CHUNK, GOMEM_SCAVENGE_BACKGROUND));
	layout_expect(test);
	for (why = GOMEM_SCAVENGE_FORCED; why < GOMEM_NR_SCAVENGE_REASONS;
	     why++) {
		KUNIT_EXPECT_EQ(test, c->spared && left,
				scavenge(test, 1, why));
		left -= left > 0;
	}
	span_set_put_all(test, &f->set);
}

/*
 * Give back all free pages batch by batch. A batch has at most CHUNK pages.
 * Each batch finds the free pages that the batches before it left.
 */
static void test_position(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 10);
	unsigned long n, sum = 0, backed;
	unsigned int i, calls = 0;
	u64 worked = 0;

	layout_fill_pages(test, 3);
	for (i = 0; i < 3; i++)
		layout_free_run(test, i * CHUNK + i, 30 * i + 1);
	KUNIT_EXPECT_EQ(test, 0,
			gomem_heap_scavenge_some(h, 0, GOMEM_SCAVENGE_FORCED,
						 &worked));
	do {
		backed = h->pages.backed_pages;
		n = gomem_heap_scavenge_some(h, ULONG_MAX,
					     GOMEM_SCAVENGE_FORCED, &worked);
		KUNIT_EXPECT_LE(test, n, CHUNK);
		KUNIT_EXPECT_EQ(test, n, backed - h->pages.backed_pages);
		sum += n;
		calls++;
	} while (n);
	KUNIT_EXPECT_EQ(test, 7 * CHUNK + 93, sum);
	KUNIT_EXPECT_EQ(test, 0, h->pages.free_pages);
	KUNIT_EXPECT_GE(test, calls, 9);
	KUNIT_EXPECT_GT(test, worked, 0);
	layout_expect(test);
	span_set_put_all(test, &f->set);
}

/* Pages of a page cache go back only after gomem_heap_drain_pcaches(). */
static void test_cached(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 2);
	struct gomem_heap_snapshot snap;
	struct gomem_pcache *pc;

	layout_fill(test);
	h->pcache_max = GOMEM_PCACHE_PAGES;
	move_to(test, raw_smp_processor_id());
	pc = per_cpu_ptr(h->pcache, raw_smp_processor_id());
	span_set_get(test, &f->set, h, 2);
	gomem_heap_get(h, &snap);
	KUNIT_EXPECT_GT(test, snap.cached_pages, 0);
	KUNIT_EXPECT_EQ(test, snap.free_pages,
			gomem_heap_scavenge(h, ULONG_MAX,
					    GOMEM_SCAVENGE_FORCED));
	KUNIT_EXPECT_EQ(test, snap.cached_pages, hweight64(pc->free));
	KUNIT_EXPECT_EQ(test, snap.cached_pages + 2, h->pages.backed_pages);
	KUNIT_EXPECT_EQ(test, snap.cached_pages, gomem_heap_idle_pages(h));
	layout_expect(test);
	KUNIT_EXPECT_EQ(test, snap.cached_pages,
			gomem_heap_drain_pcaches(h, false));
	KUNIT_EXPECT_EQ(test, snap.cached_pages,
			gomem_heap_scavenge(h, ULONG_MAX,
					    GOMEM_SCAVENGE_FORCED));
	span_set_put_all(test, &f->set);
}

/* Holes */

/*
 * If the source hands out pages again that the heap has given back, the pages
 * become part of the same chunks as before: no further chunk is registered.
 */
static void test_refill_holes(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 6);
	unsigned long chunks, metas;
	unsigned int i;

	/*
	 * Let the heap have all pages of the source. Pages that are given back
	 * become holes in its chunks. To grow, the heap then has to get these
	 * pages again.
	 */
	for (i = 0; i < 6; i++)
		span_set_get(test, &f->set, h, CHUNK);
	for (i = 0; i < 3; i++)
		span_set_put(test, &f->set, f->set.span[0]);
	chunks = h->pages.nr_registered;
	metas = h->chunkalloc.sys;
	KUNIT_EXPECT_EQ(test, 3 * CHUNK,
			gomem_heap_scavenge(h, ULONG_MAX,
					    GOMEM_SCAVENGE_FORCED));
	span_set_expect_bits(test, &f->set, fake_source_of(f));
	KUNIT_EXPECT_EQ(test, chunks, h->pages.nr_registered);

	while (h->pages.backed_pages < 6 * CHUNK) {
		span_set_get(test, &f->set, h, 1 + below(&f->set.rnd, 20));
		layout_expect(test);
	}
	span_set_expect_bits(test, &f->set, fake_source_of(f));
	KUNIT_EXPECT_EQ(test, chunks, h->pages.nr_registered);
	KUNIT_EXPECT_EQ(test, 6, chunks);
	KUNIT_EXPECT_EQ(test, metas, h->chunkalloc.sys);
	span_set_put_all(test, &f->set);
}

/* Grace periods */

struct reader {
	struct rcu_reader base;
	struct heap_fixture *f;
	unsigned long page;
	bool was_out;
};

/*
 * Act as a free that has read the tag of the page, and is about to read the
 * object.
 */
static void look_at_page(struct rcu_reader *reader)
{
	struct reader *r = container_of(reader, struct reader, base);

	r->was_out = is_out(r->f, r->page, 1);
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

KUNIT_ARRAY_PARAM_DESC(reader, reader_cases, name);

/*
 * Return a span that begins in a chunk with free pages, and ends in a full one.
 */
static struct gomem_span *get_across(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = f->fh.heap;
	struct gomem_span *below, *s;

	layout_fill(test);
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
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 2);
	struct reader r = { .base = { .ms = 60, .leaving = look_at_page },
			    .f = f };
	struct gomem_span *s;

	move_to(test, cpumask_first(cpu_online_mask));
	if (c->cached)
		h->pcache_max = GOMEM_PCACHE_PAGES;
	s = c->across ? get_across(test) : span_set_get(test, &f->set, h, 1);
	r.page = span_set_index(s);
	rcu_reader_start(test, &r.base);
	span_set_put(test, &f->set, s);
	gomem_heap_drain_pcaches(h, false);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	rcu_reader_wait(&r.base);
	KUNIT_EXPECT_TRUE(test, r.was_out);
	KUNIT_EXPECT_TRUE(test, is_back(f, r.page, 1));
	span_set_put_all(test, &f->set);
}

/*
 * Reclaim may call gomem_heap_owe() again and again. Pages that the first call
 * announced do not wait longer because of the later calls.
 */
static void test_owe_again(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 2);
	unsigned long gp[3], more[3];
	struct gomem_span *s[2];
	unsigned int i;
	bool owes, began;

	for (i = 0; i < 2; i++)
		s[i] = span_set_get(test, &f->set, h, 100);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	read_before_grace(test);
	span_set_put(test, &f->set, s[0]);
	more[0] = gomem_heap_owe(h, 500, &owes);
	gp[0] = h->due_gp;
	began = grace_begins(gp[0]);
	more[1] = gomem_heap_owe(h, 500, &owes);
	gp[1] = h->due_gp;
	span_set_put(test, &f->set, s[1]);
	more[2] = gomem_heap_owe(h, 500, &owes);
	gp[2] = h->due_gp;
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, 100, more[0]);
	KUNIT_EXPECT_EQ(test, 0, more[1]);
	KUNIT_EXPECT_EQ(test, 100, more[2]);
	KUNIT_EXPECT_EQ(test, gp[0], gp[1]);
	KUNIT_EXPECT_EQ(test, gp[0], gp[2]);
	KUNIT_EXPECT_EQ(test, 100, h->due_pages);
	KUNIT_EXPECT_EQ(test, 200, h->owed_pages);
	KUNIT_EXPECT_EQ(test, 200, gomem_heap_pay(h));
	KUNIT_EXPECT_EQ(test, 0, h->owed_pages);
	KUNIT_EXPECT_EQ(test, 0, h->due_pages);
	layout_expect(test);
	if (!began)
		kunit_skip(test, "no grace period begins during another one");
}

#define TINY_WAITS	20

/*
 * With Tiny RCU a grace period is over when synchronize_rcu() returns, although
 * no other task ran. So gomem_heap_wait_for_grace(), which calls it, returns at
 * once. If it only polled the cookie, it would wait for a task switch: until
 * the next tick, or forever if no other task is ready.
 */
static void test_tiny_rcu(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 2);
	unsigned long gp, start, ticks[2] = { ULONG_MAX, ULONG_MAX };
	unsigned int i;

	if (!IS_ENABLED(CONFIG_TINY_RCU))
		kunit_skip(test, "only on a kernel for one CPU");
	span_set_put(test, &f->set, span_set_get(test, &f->set, h, 100));
	for (i = 0; i < TINY_WAITS; i++) {
		start = jiffies;
		gp = get_state_synchronize_rcu();
		gomem_heap_wait_for_grace(h, gp, i % 2);
		ticks[i % 2] = min(ticks[i % 2], jiffies - start);
		KUNIT_EXPECT_TRUE(test, poll_state_synchronize_rcu(gp));
	}
	/*
	 * On a busy host, a tick may come during some of the waits, but not
	 * during all.
	 */
	KUNIT_EXPECT_EQ(test, 0, ticks[0]);
	KUNIT_EXPECT_EQ(test, 0, ticks[1]);
	KUNIT_EXPECT_EQ(test, TINY_WAITS, h->stats.grace_waits);
	span_set_expect(test, &f->set, h);
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

KUNIT_ARRAY_PARAM_DESC(random, random_cases, name);

static void random_spans(struct kunit *test, unsigned int max_pages,
			 unsigned int n, unsigned int percent)
{
	struct heap_fixture *f = test->priv;
	struct gomem_span_request req;

	while (n--) {
		if (below(&f->set.rnd, 100) < percent && f->set.nr < 700) {
			req = span_set_request(&f->set, max_pages);
			span_set_try(test, &f->set, f->fh.heap, &req);
		} else if (f->set.nr) {
			span_set_put_any(test, &f->set);
		}
	}
}

static void test_random(struct kunit *test)
{
	const struct random_case *c = test->param_value;
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 16);
	unsigned int round, why, i;
	u64 sum = 0, released = 0;

	fake_source_of(f)->policy = c->policy;
	fake_source_of(f)->pages.percent = c->percent;
	fake_source_of(f)->meta.percent = c->percent;
	for (round = 0; round < 25; round++) {
		random_spans(test, c->max_pages, 120, round % 4 == 3 ? 20 : 65);
		why = below(&f->set.rnd, GOMEM_NR_SCAVENGE_REASONS);
		sum += scavenge(test,
				1 + below(&f->set.rnd,
					  below(&f->set.rnd, 2) ? 60 : CHUNK),
				why);
		layout_expect(test);
		span_set_expect_bits(test, &f->set, fake_source_of(f));
	}
	for (i = 0; i < GOMEM_NR_SCAVENGE_REASONS; i++)
		released += h->stats.released[i];
	KUNIT_EXPECT_EQ(test, sum, released);
	while (scavenge(test, CHUNK, GOMEM_SCAVENGE_FORCED))
		;
	KUNIT_EXPECT_EQ(test, 0, h->pages.free_pages);
	random_spans(test, c->max_pages, 100, 50);
	/*
	 * Give half of the pages back, so that the heap is destroyed while its
	 * chunks have holes.
	 */
	span_set_put_all(test, &f->set);
	gomem_heap_scavenge(h, h->pages.free_pages / 2, GOMEM_SCAVENGE_FORCED);
	layout_expect(test);
}

/* Threads */

/* Spans that any worker may free, and a bit for each page of a live span. */
struct exchange {
	struct heap_fixture *f;
	struct gomem_span *shared[SHARED];
	unsigned long live[BITS_TO_LONGS(SPAN_SET_PAGES)];
};

struct span_worker {
	struct worker base;
	struct exchange *x;
};

static struct exchange *exchange_of(struct worker *w)
{
	return container_of(w, struct span_worker, base)->x;
}

static struct gomem_heap *heap_of(struct worker *w)
{
	return exchange_of(w)->f->fh.heap;
}

static void worker_check(struct worker *w, const struct gomem_span *s,
			 bool live)
{
	unsigned long i, page = span_set_index(s);
	struct exchange *x = exchange_of(w);

	for (i = page; i < page + s->npages; i++) {
		if (test_bit(i, x->live) != live)
			w->error = live ? "freed a page that is not live" :
					  "page given out twice";
		if (!fake_page_is_out(fake_source_of(x->f),
				      FAKE_BASE + (i << GOMEM_PAGE_SHIFT)))
			w->error = "a live page went back";
		assign_bit(i, x->live, !live);
	}
}

static void worker_put(struct worker *w, struct gomem_span *s)
{
	struct gomem_heap *h = heap_of(w);

	if (!s)
		return;
	worker_check(w, s, true);
	if (!gomem_spc_class(s->spc) &&
	    !gomem_heap_claim_large(h->map, s->base))
		w->error = "a live large object could not be claimed";
	gomem_heap_free_span(s);
}

static void exchange_step(struct worker *w)
{
	struct exchange *x = exchange_of(w);
	struct gomem_span_request req;
	struct gomem_span *s = NULL;

	if (below(&w->rnd, 2))
		req = fake_small_request(fake_random_spc(&w->rnd));
	else
		req = fake_large_request(1 + below(&w->rnd, 30));
	if (below(&w->rnd, 2))
		req.gfp = GFP_ATOMIC;
	if (below(&w->rnd, 10) < 6) {
		s = fake_heap_span(heap_of(w), &req);
		if (s)
			worker_check(w, s, false);
		w->done += !!s;
	}
	worker_put(w, xchg(&x->shared[below(&w->rnd, SHARED)], s));
}

static void drain_step(struct worker *w)
{
	gomem_heap_drain_pcaches(heap_of(w), below(&w->rnd, 2));
}

static void scavenge_step(struct worker *w)
{
	unsigned int reason = below(&w->rnd, GOMEM_NR_SCAVENGE_REASONS);
	unsigned int n = 1 + below(&w->rnd, 600);

	w->done += gomem_heap_scavenge(heap_of(w), n, reason);
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

KUNIT_ARRAY_PARAM_DESC(thread, thread_cases, name);

static void run_workers(struct kunit *test, struct span_worker *w,
			unsigned int n)
{
	const struct thread_case *c = test->param_value;
	struct heap_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < n; i++)
		worker_start(&w[i].base, exchange_step, f->set.seed + i,
			     worker_cpu(i));
	if (c->drain)
		worker_start(&w[n].base, drain_step, f->set.seed + n,
			     WORKER_ANYWHERE);
	if (c->scavenge)
		worker_start(&w[n + 1].base, scavenge_step, f->set.seed + n + 1,
			     WORKER_ANYWHERE);
	msleep(RUN_MS);
	for (i = 0; i < n + 2; i++)
		worker_stop(&w[i].base);
}

/*
 * Threads make and free spans on all CPUs, while other threads drain page
 * caches and scavenge.
 */
static void test_threads(struct kunit *test)
{
	const struct thread_case *c = test->param_value;
	struct heap_fixture *f = test->priv;
	struct gomem_heap *h = layout_make(test, 32);
	unsigned int n = nr_workers(), i;
	struct span_worker *w;
	struct exchange *x;

	w = kunit_kcalloc(test, n + 2, sizeof(*w), GFP_KERNEL);
	x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, w && x);
	x->f = f;
	h->pcache_max = c->pcache_max;
	fake_source_of(f)->src.limit = c->limit;
	fake_source_of(f)->policy = FAKE_RANDOM;
	fake_source_of(f)->pages.percent = 5;
	fake_source_of(f)->meta.percent = 5;
	for (i = 0; i < n + 2; i++)
		w[i].x = x;
	run_workers(test, w, n);

	for (i = 0; i < SHARED; i++)
		worker_put(&w[0].base, x->shared[i]);
	for (i = 0; i < n; i++)
		worker_expect(test, &w[i].base);
	if (c->scavenge)
		worker_expect(test, &w[n + 1].base);
	layout_expect(test);
	gomem_heap_drain_pcaches(h, false);
	layout_expect(test);
	span_set_expect_bits(test, &f->set, fake_source_of(f));
}

static struct kunit_case scavenge_cases[] = {
	KUNIT_CASE(test_order),
	KUNIT_CASE_PARAM(test_dense, dense_gen_params),
	KUNIT_CASE(test_position),
	KUNIT_CASE(test_cached),
	KUNIT_CASE(test_refill_holes),
	KUNIT_CASE_PARAM(test_reader, reader_gen_params),
	KUNIT_CASE(test_owe_again),
	KUNIT_CASE(test_tiny_rcu),
	KUNIT_CASE_PARAM(test_random, random_gen_params),
	KUNIT_CASE_PARAM(test_threads, thread_gen_params),
	{}
};

static struct kunit_suite scavenge_suite = {
	.name = "gomem_scavenge",
	.init = heap_fixture_init,
	.exit = heap_fixture_exit,
	.test_cases = scavenge_cases,
};

kunit_test_suite(scavenge_suite);
