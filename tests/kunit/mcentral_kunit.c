// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral_kunit.c - the lists of a span class, over a private heap.
 *
 * Single steps are followed by a look at the list that a span should be on then.
 * Random sequences have an oracle that knows of each object whether it is free,
 * cached or allocated. Threads that free each other's objects have one bit an
 * object: it must be clear when the object is handed out and set when it comes
 * back.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "check.h"
#include "fake_source.h"
#include "slow.h"
#include "stats.h"

#define NR_CHUNKS	8

/* Cached by a CPU, as far as the lists are concerned. */
#define NOWHERE		GOMEM_NR_SPAN_LISTS

static uint seed_param;
module_param_named(mcentral_seed, seed_param, uint, 0444);
MODULE_PARM_DESC(mcentral_seed, "Seed of the random cases (0: pick one)");

struct fixture {
	struct fake_heap fh;
	struct rnd_state rnd;
	u32 seed;
	unsigned int spc;
	unsigned int nelems;
	/* Room for a test */
	void *objs[GOMEM_SPAN_MAX_OBJECTS];
	void *batch[GOMEM_SPAN_MAX_OBJECTS];
	struct gomem_span *spans[64];
	/* One bit for every 8 bytes that the heap can have: an object starts here, and is live. */
	unsigned long *live;
};

static u32 below(struct fixture *f, u32 limit)
{
	return prandom_u32_state(&f->rnd) % limit;
}

static struct gomem_mcentral *central_of(struct fixture *f)
{
	return &f->fh.heap->central[f->spc];
}

static void shuffle_objs(struct fixture *f, unsigned int n)
{
	unsigned int k;

	for (; n > 1; n--) {
		k = below(f, n);
		swap(f->objs[n - 1], f->objs[k]);
	}
}

/* Which class a test is about: that of objects of this size. */
static void use_size(struct fixture *f, unsigned int size)
{
	f->spc = gomem_spc_make(gomem_sizeclass(size), false);
	f->nelems = gomem_class_nelems(gomem_spc_class(f->spc));
}

/* The steps, for the class under test */

static struct gomem_span *cache_gfp(struct fixture *f, gfp_t gfp)
{
	struct gomem_refill r = { .want_span = true };

	gomem_mcentral_get(&f->fh.heap->central[f->spc], gfp, &r);
	return r.span;
}

static struct gomem_span *cache(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span *s = cache_gfp(f, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_EQ(test, f->spc, s->spc);
	KUNIT_ASSERT_EQ(test, GOMEM_SPAN_CACHED, gomem_span_state(s));
	KUNIT_ASSERT_LT_MSG(test, s->freeindex, s->nelems, "a span without a free slot, seed %u",
			    f->seed);
	return s;
}

static void uncache(struct fixture *f, struct gomem_span *s)
{
	gomem_mcentral_uncache(s);
}

static unsigned int take(struct gomem_span *s, void **out, unsigned int want)
{
	unsigned int recycled;

	return gomem_span_take(s, out, want, &recycled);
}

static unsigned int alloc(struct fixture *f, void **out, unsigned int want)
{
	struct gomem_refill r = { };
	unsigned int n;

	for (n = 0; n < want; n += r.n) {
		r.objs = out + n;
		r.want = min(want - n, GOMEM_BATCH_MAX);
		gomem_mcentral_get(&f->fh.heap->central[f->spc], GFP_KERNEL, &r);
		if (!r.n)
			break;
	}
	return n;
}

static unsigned int free_objs(struct fixture *f, void **objs, unsigned int n)
{
	return gomem_mcentral_free(&f->fh.heap->central[f->spc], objs, n, false);
}

static struct gomem_span *span_of(struct fixture *f, const void *obj)
{
	return gomem_pagemap_span(f->fh.heap->map, (unsigned long)obj);
}

/* A span with all of its objects allocated, in objs[]; not cached. */
static struct gomem_span *full_span(struct kunit *test, void **objs)
{
	struct fixture *f = test->priv;
	struct gomem_span *s = cache(test);

	KUNIT_ASSERT_EQ(test, 0, s->alloc_count);
	KUNIT_ASSERT_EQ(test, f->nelems, take(s, objs, f->nelems));
	uncache(f, s);
	return s;
}

/* Expectations */

/* The list that a span really is on. */
static int where_is(struct fixture *f, const struct gomem_span *s)
{
	const struct gomem_span *other;
	int where, found = NOWHERE;

	for (where = 0; where < GOMEM_NR_SPAN_LISTS; where++)
		list_for_each_entry(other, &central_of(f)->list[where], list)
			if (other == s)
				found = where;
	return found;
}

static void expect_where(struct kunit *test, const struct gomem_span *s, int where)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, where, where_is(f, s));
}

static void expect_heap(struct kunit *test)
{
	struct fixture *f = test->priv;
	const char *violation = gomem_check(f->fh.heap);

	KUNIT_ASSERT_TRUE_MSG(test, !violation, "%s, seed %u", violation, f->seed);
	KUNIT_ASSERT_TRUE_MSG(test, !f->fh.source.error, "%s, seed %u", f->fh.source.error,
			      f->seed);
}

static void expect_spans(struct kunit *test, unsigned long nspans, unsigned long ncached)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, nspans, central_of(f)->nspans);
	KUNIT_EXPECT_EQ(test, ncached, central_of(f)->ncached);
	KUNIT_EXPECT_EQ(test, nspans, fake_heap_spans(&f->fh));
	expect_heap(test);
}

/* Geometries: many objects a span, some, two, one. */
static const struct size_case {
	const char *name;
	unsigned int size;
} size_cases[] = {
	{ "1024 objects",		8 },
	{ "341 objects",		24 },
	{ "64 objects",			128 },
	{ "8 objects",			1024 },
	{ "7 objects in 6 pages",	6912 },
	{ "2 objects",			4096 },
	{ "1 object",			8192 },
	{ "1 object in 4 pages",	32768 },
};

static void size_desc(const struct size_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(size, size_cases, size_desc);

static void use_param(struct kunit *test)
{
	const struct size_case *c = test->param_value;

	use_size(test->priv, c->size);
}

/* Caching */

static void test_cache_uncache(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span *s;

	use_param(test);
	s = cache(test);
	expect_where(test, s, NOWHERE);
	expect_spans(test, 1, 1);

	/* Nothing was taken: it goes back. */
	uncache(f, s);
	expect_spans(test, 0, 0);
}

/* A span on each list in turn, by what was taken from it and freed to it. */
static void test_lists(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span *s;

	use_size(f, 1024);
	s = cache(test);
	take(s, f->objs, 4);
	uncache(f, s);
	expect_where(test, s, GOMEM_PARTIAL_SWEPT);
	expect_spans(test, 1, 0);

	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs, 1));
	expect_where(test, s, GOMEM_PARTIAL_UNSWEPT);
	expect_spans(test, 1, 0);

	/* The sweep is left to whoever looks for room. */
	KUNIT_EXPECT_PTR_EQ(test, s, cache(test));
	KUNIT_EXPECT_EQ(test, 5, take(s, f->objs + 4, 8));
	KUNIT_EXPECT_PTR_EQ(test, f->objs[0], f->objs[4]);
	expect_spans(test, 1, 1);
	uncache(f, s);
	expect_where(test, s, GOMEM_FULL_SWEPT);
	expect_spans(test, 1, 0);

	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs + 1, 1));
	expect_where(test, s, GOMEM_FULL_UNSWEPT);
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs + 2, 2));
	expect_where(test, s, GOMEM_FULL_UNSWEPT);
	expect_spans(test, 1, 0);

	gomem_mcentral_sweep(&f->fh.heap->central[f->spc]);
	expect_where(test, s, GOMEM_PARTIAL_SWEPT);
	expect_spans(test, 1, 0);

	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs + 4, 5));
	expect_spans(test, 0, 0);
}

/* What is ready comes first, then what is surely good, then what may be, then a new span. */
static void test_cache_order(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span *full, *full_unswept, *partial_unswept, *partial, *s;
	void *objs[4][8];

	use_size(f, 1024);
	full = full_span(test, objs[0]);
	full_unswept = full_span(test, objs[1]);
	partial_unswept = cache(test);
	take(partial_unswept, objs[2], 4);
	partial = cache(test);
	take(partial, objs[3], 1);
	uncache(f, partial_unswept);
	uncache(f, partial);
	free_objs(f, objs[1] + 7, 1);
	free_objs(f, objs[2], 1);
	expect_where(test, full, GOMEM_FULL_SWEPT);
	expect_where(test, full_unswept, GOMEM_FULL_UNSWEPT);
	expect_where(test, partial_unswept, GOMEM_PARTIAL_UNSWEPT);
	expect_where(test, partial, GOMEM_PARTIAL_SWEPT);

	KUNIT_EXPECT_PTR_EQ(test, partial, cache(test));
	KUNIT_EXPECT_PTR_EQ(test, partial_unswept, cache(test));
	KUNIT_EXPECT_PTR_EQ(test, full_unswept, cache(test));
	expect_spans(test, 4, 3);
	s = cache(test);
	expect_spans(test, 5, 4);

	uncache(f, s);
	uncache(f, partial);
	uncache(f, partial_unswept);
	uncache(f, full_unswept);
	free_objs(f, objs[0], 8);
	free_objs(f, objs[1], 7);
	free_objs(f, objs[2] + 1, 3);
	free_objs(f, objs[3], 1);
	expect_spans(test, 0, 0);
}

/* The first spans of a class are short, and the later ones as long as a quarter of all. */
static void test_first_spans(struct kunit *test)
{
	static const unsigned int npages[] = { 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 5 };
	struct fixture *f = test->priv;
	unsigned int i;

	f->fh.heap->short_share = 4;
	use_size(f, 6784);
	for (i = 0; i < ARRAY_SIZE(npages); i++) {
		f->spans[i] = cache(test);
		KUNIT_EXPECT_EQ_MSG(test, npages[i], f->spans[i]->npages, "span %u", i);
	}
	for (i = 0; i < ARRAY_SIZE(npages); i++)
		uncache(f, f->spans[i]);
	expect_spans(test, 0, 0);

	/* An object would fill less than three quarters of one page more than it needs. */
	use_size(f, 10880);
	f->spans[0] = cache(test);
	KUNIT_EXPECT_EQ(test, 3, f->spans[0]->npages);
	uncache(f, f->spans[0]);
}

/* CPUs get spans of their own only of what there is enough of. */
static void test_cache_share(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_mcentral *c;
	struct gomem_refill r;
	unsigned int i, enough;

	use_size(f, 1024);
	c = &f->fh.heap->central[f->spc];
	f->fh.heap->cache_share = 2;
	enough = 2 * num_online_cpus();
	for (i = 0; i < enough; i++) {
		r = (struct gomem_refill){
			.want_span = true, .want = 1, .objs = f->objs + i * 8,
		};
		gomem_mcentral_get(c, GFP_KERNEL, &r);
		KUNIT_EXPECT_EQ(test, 1, r.n);
		KUNIT_EXPECT_EQ(test, i == enough - 1, !!r.span);
		if (r.span)
			uncache(f, r.span);
		r = (struct gomem_refill){ .want = 7, .objs = f->objs + i * 8 + 1 };
		gomem_mcentral_get(c, GFP_KERNEL, &r);
		KUNIT_ASSERT_EQ(test, 7, r.n);
	}
	expect_spans(test, enough, 0);
	free_objs(f, f->objs, enough * 8);
	expect_spans(test, 0, 0);
}

static void test_alloc_takes_from_one_span(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span *s;
	unsigned int n;

	use_param(test);
	n = alloc(f, f->objs, 1);
	KUNIT_ASSERT_EQ(test, 1, n);
	s = span_of(f, f->objs[0]);
	expect_where(test, s, f->nelems == 1 ? GOMEM_FULL_SWEPT : GOMEM_PARTIAL_SWEPT);
	expect_spans(test, 1, 0);
	if (f->nelems > 1) {
		KUNIT_EXPECT_EQ(test, f->nelems - 1, alloc(f, f->objs + 1, f->nelems - 1));
		expect_where(test, s, GOMEM_FULL_SWEPT);
	}
	expect_spans(test, 1, 0);
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs, f->nelems));
	expect_spans(test, 0, 0);
}

static void test_alloc_recycled(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h = f->fh.heap;
	struct gomem_refill r = { .want = 5, .objs = f->objs };

	use_size(f, 1024);
	gomem_mcentral_get(&h->central[f->spc], GFP_KERNEL, &r);
	KUNIT_ASSERT_EQ(test, 5, r.n);
	KUNIT_EXPECT_EQ(test, 0x1f, r.fresh);
	free_objs(f, f->objs + 1, 2);
	gomem_mcentral_sweep(&h->central[f->spc]);
	r.want = 4;
	r.objs = f->objs + 5;
	gomem_mcentral_get(&h->central[f->spc], GFP_KERNEL, &r);
	KUNIT_ASSERT_EQ(test, 4, r.n);
	KUNIT_EXPECT_EQ(test, 0xc, r.fresh);
	KUNIT_EXPECT_PTR_EQ(test, f->objs[1], f->objs[5]);
	KUNIT_EXPECT_PTR_EQ(test, f->objs[2], f->objs[6]);
	free_objs(f, f->objs + 3, 6);
	free_objs(f, f->objs, 1);
	expect_spans(test, 0, 0);
}

/* Refilling */

static void refill(struct fixture *f, struct gomem_refill *r, struct gomem_span *old,
		   unsigned int want, bool want_span)
{
	r->span = old;
	r->want = want;
	r->want_span = want_span;
	gomem_mcentral_refill(&f->fh.heap->central[f->spc], r);
}

/* Few free slots here and there: all are used, and their spans are full then. */
static void test_refill_gathers(struct kunit *test)
{
	static const unsigned int nr_free[] = { 1, 2, 1, 3 };
	struct fixture *f = test->priv;
	struct gomem_span *s[ARRAY_SIZE(nr_free)];
	void *objs[GOMEM_BATCH_MAX];
	struct gomem_refill r = { .objs = objs };
	unsigned int i;

	use_size(f, 1024);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = full_span(test, f->objs + i * f->nelems);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		free_objs(f, f->objs + i * f->nelems, nr_free[i]);
	refill(f, &r, NULL, 32, false);
	KUNIT_EXPECT_EQ(test, 7, r.n);
	KUNIT_EXPECT_EQ(test, 0, r.fresh);
	KUNIT_EXPECT_NULL(test, r.span);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		expect_where(test, s[i], GOMEM_FULL_SWEPT);
	expect_spans(test, ARRAY_SIZE(s), 0);

	/* Now there is none, and asking does not make the heap grow. */
	refill(f, &r, NULL, 32, true);
	KUNIT_EXPECT_EQ(test, 0, r.n);
	KUNIT_EXPECT_NULL(test, r.span);
	expect_spans(test, ARRAY_SIZE(s), 0);
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs, ARRAY_SIZE(s) * f->nelems));
	expect_spans(test, 0, 0);
}

/* The span that still has room is the caller's, if it wants one; the old one is not. */
static void test_refill_exchanges(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span *old, *s;
	void *objs[GOMEM_BATCH_MAX];
	struct gomem_refill r = { .objs = objs };

	use_size(f, 512);
	s = full_span(test, f->objs);
	old = cache(test);
	KUNIT_ASSERT_EQ(test, f->nelems, take(old, f->objs + f->nelems, f->nelems));
	free_objs(f, f->objs, 10);
	expect_where(test, s, GOMEM_FULL_UNSWEPT);

	refill(f, &r, old, 4, true);
	KUNIT_EXPECT_EQ(test, 4, r.n);
	KUNIT_EXPECT_PTR_EQ(test, s, r.span);
	KUNIT_EXPECT_EQ(test, GOMEM_SPAN_CACHED, gomem_span_state(s));
	expect_where(test, s, NOWHERE);
	expect_where(test, old, GOMEM_FULL_SWEPT);
	expect_spans(test, 2, 1);

	/* The rest of it does not do: the caller takes that first, then comes back. */
	KUNIT_EXPECT_EQ(test, 6, take(s, f->objs + 4, 6));
	refill(f, &r, s, 4, true);
	KUNIT_EXPECT_EQ(test, 0, r.n);
	expect_where(test, s, GOMEM_FULL_SWEPT);
	expect_spans(test, 2, 0);

	/* An old span that was emptied meanwhile goes back to the heap. */
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs, 2 * f->nelems));
	expect_spans(test, 0, 0);
	old = cache(test);
	KUNIT_ASSERT_EQ(test, 3, take(old, f->objs, 3));
	free_objs(f, f->objs, 3);
	refill(f, &r, old, 1, true);
	KUNIT_EXPECT_EQ(test, 0, r.n);
	expect_spans(test, 0, 0);
}

static void test_refill_fresh(struct kunit *test)
{
	struct fixture *f = test->priv;
	void *objs[GOMEM_BATCH_MAX];
	struct gomem_refill r = { .objs = objs };

	use_size(f, 256);
	KUNIT_ASSERT_EQ(test, 5, alloc(f, f->objs, 5));
	free_objs(f, f->objs + 1, 1);
	free_objs(f, f->objs + 3, 1);
	gomem_mcentral_sweep(&f->fh.heap->central[f->spc]);
	refill(f, &r, NULL, 6, false);
	KUNIT_EXPECT_EQ(test, 6, r.n);
	KUNIT_EXPECT_PTR_EQ(test, f->objs[1], r.objs[0]);
	KUNIT_EXPECT_PTR_EQ(test, f->objs[3], r.objs[1]);
	KUNIT_EXPECT_EQ(test, 0x3c, r.fresh);
	free_objs(f, r.objs, r.n);

	/* A full batch of fresh ones: every bit there is. */
	refill(f, &r, NULL, 21, false);
	free_objs(f, r.objs, r.n);
	free_objs(f, f->objs, 1);
	free_objs(f, f->objs + 2, 1);
	free_objs(f, f->objs + 4, 1);
	expect_spans(test, 0, 0);
	use_size(f, 8);
	KUNIT_ASSERT_EQ(test, 1, alloc(f, f->objs, 1));
	refill(f, &r, NULL, GOMEM_BATCH_MAX, false);
	KUNIT_EXPECT_EQ(test, GOMEM_BATCH_MAX, r.n);
	KUNIT_EXPECT_EQ(test, ~0ULL, r.fresh);
	free_objs(f, r.objs, r.n);
	free_objs(f, f->objs, 1);
	expect_spans(test, 0, 0);
}

/* Freeing */

/* Objects freed while their span is cached wait for its owner, at the latest until uncache. */
static void test_free_into_cached(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span *s;

	use_size(f, 1024);
	s = cache(test);
	take(s, f->objs, 8);
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs, 3));
	expect_where(test, s, NOWHERE);
	KUNIT_EXPECT_EQ(test, 8, s->alloc_count);
	KUNIT_EXPECT_EQ(test, 3, atomic_read(&s->pending));
	expect_spans(test, 1, 1);

	uncache(f, s);
	KUNIT_EXPECT_EQ(test, 5, s->alloc_count);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&s->pending));
	expect_where(test, s, GOMEM_PARTIAL_SWEPT);
	expect_spans(test, 1, 0);
	free_objs(f, f->objs + 3, 5);
	expect_spans(test, 0, 0);
}

static void test_free_all_into_cached(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span *s;

	use_param(test);
	s = cache(test);
	KUNIT_EXPECT_EQ(test, f->nelems, take(s, f->objs, f->nelems));
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs, f->nelems));
	expect_spans(test, 1, 1);
	uncache(f, s);
	expect_spans(test, 0, 0);
}

/* In whatever order and how many at a time: the last one takes the span along. */
static void test_free_empties(struct kunit *test)
{
	static const unsigned int batches[] = { 1, 2, 7, 64, 1024 };
	struct fixture *f = test->priv;
	unsigned int b, i, n;

	use_param(test);
	for (b = 0; b < ARRAY_SIZE(batches); b++) {
		full_span(test, f->objs);
		shuffle_objs(f, f->nelems);
		for (i = 0; i < f->nelems; i += n) {
			expect_spans(test, 1, 0);
			n = min(batches[b], f->nelems - i);
			KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs + i, n));
		}
		expect_spans(test, 0, 0);
	}
}

/* One call with objects of several spans, runs within words and across them. */
static void test_free_mixed_spans(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span *s[3];
	unsigned int i, k, n = 0;

	use_size(f, 64);
	KUNIT_ASSERT_EQ(test, 128, f->nelems);
	for (i = 0; i < 3; i++)
		s[i] = full_span(test, f->objs + 128 * i);
	/* All but the first object of each, one span after the other, then in turns. */
	for (i = 0; i < 3; i++)
		for (k = 1; k < 100; k++)
			f->batch[n++] = f->objs[128 * i + k];
	for (k = 127; k >= 100; k--)
		for (i = 0; i < 3; i++)
			f->batch[n++] = f->objs[128 * i + k];
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->batch, n));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, 127, atomic_read(&s[i]->pending));
	expect_spans(test, 3, 0);
	for (i = 0; i < 3; i++)
		f->batch[i] = f->objs[128 * i];
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->batch, 3));
	expect_spans(test, 0, 0);
}

/* Misuse: returned, counted once an object, and harmless */

static const struct bad_case {
	const char *name;
	/* Indices of objects 0 to 129 that are live; 130 to 140 are freed. */
	unsigned int batch[6];
	unsigned int n;
	unsigned int bad;
} bad_cases[] = {
	{ "none",			{ 0, 1, 2, 3 },			4, 0 },
	{ "freed before",		{ 130 },			1, 1 },
	{ "freed before, two",		{ 131, 130 },			2, 2 },
	{ "freed before, amid others",	{ 128, 130, 129 },		3, 1 },
	{ "twice in a row",		{ 5, 5 },			2, 1 },
	{ "thrice in a row",		{ 5, 5, 5 },			3, 2 },
	{ "twice, one between",		{ 5, 6, 5 },			3, 1 },
	{ "twice, other word between",	{ 5, 100, 5 },			3, 1 },
	{ "two twice",			{ 5, 6, 5, 6 },			4, 2 },
	{ "never allocated",		{ 200 },			1, 1 },
	{ "never allocated, two words",	{ 129, 180, 193, 194 },		4, 3 },
};

static void bad_desc(const struct bad_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad, bad_cases, bad_desc);

static unsigned int popcount_freed(struct gomem_span *s)
{
	unsigned int w, n = 0;

	for (w = 0; w < s->nwords; w++)
		n += hweight_long(gomem_span_freed_bits(s)[w]);
	return n;
}

static void free_bad_batch(struct kunit *test, bool cached, bool swept)
{
	const struct bad_case *c = test->param_value;
	struct fixture *f = test->priv;
	unsigned int i, n = 0, good = c->n - c->bad;
	struct gomem_span *s;
	void *batch[6];

	use_size(f, 32);
	KUNIT_ASSERT_EQ(test, 256, f->nelems);
	s = cache(test);
	KUNIT_ASSERT_EQ(test, 141, take(s, f->objs, 141));
	if (!cached)
		uncache(f, s);
	KUNIT_ASSERT_EQ(test, 0, free_objs(f, f->objs + 130, 11));
	if (swept && cached)
		gomem_span_sweep(s);
	else if (swept)
		gomem_mcentral_sweep(&f->fh.heap->central[f->spc]);

	for (i = 0; i < c->n; i++)
		batch[i] = gomem_span_object(s, c->batch[i]);
	KUNIT_EXPECT_EQ(test, c->bad, free_objs(f, batch, c->n));
	KUNIT_EXPECT_EQ(test, good + (swept ? 0 : 11), atomic_read(&s->pending));
	KUNIT_EXPECT_EQ(test, good + (swept ? 0 : 11), popcount_freed(s));
	expect_heap(test);

	/* Exactly the live objects are left to be freed. */
	for (i = 0; i < 130; i++)
		if (!(gomem_span_freed_bits(s)[i / 64] & BIT(i % 64)))
			f->objs[n++] = gomem_span_object(s, i);
	KUNIT_EXPECT_EQ(test, 130 - good, n);
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs, n));
	if (cached)
		uncache(f, s);
	expect_spans(test, 0, 0);
}

static void test_free_bad_unswept(struct kunit *test)
{
	free_bad_batch(test, false, false);
}

static void test_free_bad_swept(struct kunit *test)
{
	free_bad_batch(test, false, true);
}

static void test_free_bad_cached(struct kunit *test)
{
	free_bad_batch(test, true, false);
}

static void test_free_bad_cached_swept(struct kunit *test)
{
	free_bad_batch(test, true, true);
}

/* Pointers that are none of this class's objects, alone and amid good ones. */
static void test_free_foreign(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span_request req = {
		.npages = 5,
		.kind = &gomem_kinds[0],
		.gfp = GFP_KERNEL,
	};
	struct gomem_span *s, *large;
	void *other, *batch[3];
	unsigned int spc, i;
	void *bad[8];

	use_size(f, 128);
	KUNIT_ASSERT_EQ(test, 1, alloc(f, &other, 1));
	spc = f->spc;
	large = fake_heap_span(f->fh.heap, &req);
	KUNIT_ASSERT_NOT_NULL(test, large);

	use_size(f, 48);
	s = full_span(test, f->objs);
	bad[0] = other;
	bad[1] = (void *)large->base;
	bad[2] = f->objs[0] + 8;
	bad[3] = f->objs[1] - 1;
	/* The tail, as if there was one more object. */
	bad[4] = gomem_span_object(s, s->nelems);
	bad[5] = NULL;
	bad[6] = (void *)(FAKE_BASE + NR_CHUNKS * GOMEM_CHUNK_SIZE);
	bad[7] = (void *)(FAKE_BASE + GOMEM_CHUNK_SIZE - GOMEM_PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ_MSG(test, 1, free_objs(f, &bad[i], 1), "pointer %u", i);
		batch[0] = f->objs[2 * i];
		batch[1] = bad[i];
		batch[2] = f->objs[2 * i + 1];
		KUNIT_EXPECT_EQ_MSG(test, 1, free_objs(f, batch, 3), "pointer %u", i);
		KUNIT_EXPECT_EQ(test, 2 * i + 2, atomic_read(&s->pending));
	}
	expect_heap(test);
	KUNIT_EXPECT_EQ(test, 8, free_objs(f, bad, 8));
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs + 16, f->nelems - 16));

	/* Their span is gone by now. */
	KUNIT_EXPECT_EQ(test, 2, free_objs(f, f->objs, 2));
	KUNIT_EXPECT_PTR_EQ(test, large, gomem_heap_claim_large(f->fh.heap->map, large->base));
	gomem_heap_free_span(large);
	f->spc = spc;
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, &other, 1));
	expect_spans(test, 0, 0);
}

/* Neighbours, of whom some come again, as neighbours too. */
static void test_free_neighbours_twice(struct kunit *test)
{
	struct fixture *f = test->priv;

	use_size(f, 112);
	KUNIT_ASSERT_EQ(test, 70, alloc(f, f->objs, 70));
	memcpy(f->objs + 70, f->objs + 30, 20 * sizeof(*f->objs));
	KUNIT_EXPECT_EQ(test, 20, free_objs(f, f->objs + 20, 70));
	expect_heap(test);
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs, 20));
	expect_spans(test, 0, 0);
}

/* In order and in the reverse one, from each slot on: what is left comes another time. */
static void test_free_in_order(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int first, i, n;

	use_size(f, 64);
	for (first = 0; first < 2 * f->nelems; first++) {
		full_span(test, f->objs);
		if (first >= f->nelems)
			for (i = 0; i < f->nelems / 2; i++)
				swap(f->objs[i], f->objs[f->nelems - 1 - i]);
		n = f->nelems - first % f->nelems;
		KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs + f->nelems - n, n));
		/* None of them is live any more. */
		KUNIT_EXPECT_EQ(test, n, free_objs(f, f->objs + f->nelems - n, n));
		KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs, f->nelems - n));
		expect_spans(test, 0, 0);
	}
}

/* What is known to lie side by side; twice, too. */
static void test_free_run(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_mcentral *c;
	unsigned int n;

	use_size(f, 64);
	c = central_of(f);
	for (n = 1; n < 128; n++) {
		full_span(test, f->objs);
		KUNIT_EXPECT_EQ(test, 0, gomem_mcentral_free(c, f->objs + 1, n, true));
		expect_spans(test, n < 128, 0);
		KUNIT_EXPECT_EQ(test, n, gomem_mcentral_free(c, f->objs + 1, n, true));
		KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs, 1));
		KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs + 1 + n, f->nelems - 1 - n));
		expect_spans(test, 0, 0);
	}
}

/* The batch's last object empties the span, and comes once more behind that. */
static void test_free_last_twice(struct kunit *test)
{
	struct fixture *f = test->priv;

	use_size(f, 4096);
	full_span(test, f->objs);
	f->objs[2] = f->objs[1];
	f->objs[3] = f->objs[0];
	KUNIT_EXPECT_EQ(test, 2, free_objs(f, f->objs, 4));
	expect_spans(test, 0, 0);
}

/* Sweeping for room */

/* Full spans of which something was freed are swept before a new one is made. */
static void test_cache_full_unswept(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, k, seen = 0;
	struct gomem_span *s;

	use_size(f, 1024);
	for (i = 0; i < 8; i++)
		f->spans[i] = full_span(test, f->objs + 8 * i);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs + 8 * i + i, 1));
	for (i = 0; i < 8; i++) {
		s = cache(test);
		for (k = 0; k < 8; k++)
			if (f->spans[k] == s)
				seen |= BIT(k);
	}
	KUNIT_EXPECT_EQ(test, 0xff, seen);
	expect_spans(test, 8, 8);
	s = cache(test);
	expect_spans(test, 9, 9);

	uncache(f, s);
	for (i = 0; i < 8; i++) {
		uncache(f, f->spans[i]);
		expect_where(test, f->spans[i], GOMEM_PARTIAL_SWEPT);
		f->objs[8 * i + i] = f->objs[8 * i + 7];
		KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs + 8 * i, 7));
	}
	expect_spans(test, 0, 0);
}

static void test_sweep_all(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, n;

	use_size(f, 1024);
	for (i = 0; i < 12; i++)
		f->spans[i] = full_span(test, f->objs + 8 * i);
	for (i = 0; i < 12; i++)
		free_objs(f, f->objs + 8 * i, i % 4 * 2);
	gomem_mcentral_sweep(&f->fh.heap->central[f->spc]);
	for (i = 0; i < 12; i++)
		expect_where(test, f->spans[i], i % 4 ? GOMEM_PARTIAL_SWEPT : GOMEM_FULL_SWEPT);
	expect_spans(test, 12, 0);
	for (i = 0; i < 12; i++) {
		n = i % 4 * 2;
		free_objs(f, f->objs + 8 * i + n, 8 - n);
	}
	expect_spans(test, 0, 0);
}

/* Failure */

static void test_grow_fails(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_span *s;
	unsigned int n = 0;

	use_param(test);
	fake_fail(&f->fh.source.pages, 1, ~0UL);
	KUNIT_EXPECT_NULL(test, cache_gfp(f, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, cache_gfp(f, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, 0, alloc(f, f->objs, 1));
	KUNIT_EXPECT_EQ(test, 0, alloc(f, f->objs, 64));
	expect_spans(test, 0, 0);

	fake_fail_none(&f->fh.source.pages);
	s = full_span(test, f->objs);
	/* What the heap has left, and then no more until something is freed. */
	fake_fail(&f->fh.source.pages, 1, ~0UL);
	while ((f->spans[n] = cache_gfp(f, GFP_KERNEL)))
		n++;
	expect_spans(test, n + 1, n);
	KUNIT_EXPECT_EQ(test, 0, alloc(f, f->batch, 1));
	KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs, 1));
	if (f->nelems > 1) {
		KUNIT_EXPECT_PTR_EQ(test, s, cache(test));
		uncache(f, s);
		KUNIT_EXPECT_EQ(test, 0, free_objs(f, f->objs + 1, f->nelems - 1));
	} else {
		uncache(f, cache(test));
	}
	while (n)
		uncache(f, f->spans[--n]);
	expect_spans(test, 0, 0);
}

/* The bits of live objects */

static unsigned long live_bit(const void *obj)
{
	return ((unsigned long)obj - FAKE_BASE) / 8;
}

static bool set_live(struct fixture *f, const void *obj)
{
	return !test_and_set_bit(live_bit(obj), f->live);
}

static bool clear_live(struct fixture *f, const void *obj)
{
	return test_and_clear_bit(live_bit(obj), f->live);
}

static int make_live_bits(struct fixture *f)
{
	f->live = kvcalloc(BITS_TO_LONGS(NR_CHUNKS * GOMEM_CHUNK_SIZE / 8), sizeof(long),
			   GFP_KERNEL);
	return f->live ? 0 : -ENOMEM;
}

/* Random sequences */

#define RANDOM_CLASSES	4
#define RANDOM_OBJECTS	1500
#define RANDOM_BATCH	40

static const unsigned int random_sizes[RANDOM_CLASSES] = { 16, 128, 1024, 9728 };

/* What the oracle knows of one class. */
struct class_state {
	unsigned int nr;
	void *obj[RANDOM_OBJECTS];
	struct gomem_span *cached;
};

static void pop_random(struct fixture *f, struct class_state *c, unsigned int n)
{
	unsigned int i, k;

	for (i = 0; i < n; i++) {
		k = below(f, c->nr);
		f->batch[i] = c->obj[k];
		c->obj[k] = c->obj[--c->nr];
	}
}

static void push_taken(struct kunit *test, struct class_state *c, unsigned int n)
{
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_TRUE_MSG(test, set_live(f, f->batch[i]),
				      "an object handed out twice, seed %u", f->seed);
		c->obj[c->nr++] = f->batch[i];
	}
}

/* Objects that are free, by the oracle, and some that are not, in one batch. */
static void free_random(struct kunit *test, struct class_state *c)
{
	struct fixture *f = test->priv;
	unsigned int n = min(below(f, RANDOM_BATCH), c->nr), i, bad = 0;

	pop_random(f, c, n);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_TRUE(test, clear_live(f, f->batch[i]));
	/* Some of them again, while their span must still be there. */
	while (c->nr && n && !below(f, 4)) {
		f->batch[n + bad] = f->batch[below(f, n)];
		bad++;
	}
	KUNIT_ASSERT_EQ_MSG(test, bad, free_objs(f, f->batch, n + bad), "seed %u", f->seed);
}

static void random_step(struct kunit *test, struct class_state *c)
{
	struct fixture *f = test->priv;
	unsigned int want = min(1 + below(f, RANDOM_BATCH), RANDOM_OBJECTS - c->nr);

	switch (below(f, 8)) {
	case 0 ... 2:
		if (!c->cached)
			c->cached = cache_gfp(f, GFP_KERNEL);
		if (c->cached)
			push_taken(test, c, take(c->cached, f->batch, want));
		break;
	case 3:
		if (want)
			push_taken(test, c, alloc(f, f->batch, want));
		break;
	case 4:
		if (c->cached)
			uncache(f, c->cached);
		c->cached = NULL;
		break;
	case 5:
		if (c->cached)
			gomem_span_sweep(c->cached);
		else
			gomem_mcentral_sweep(&f->fh.heap->central[f->spc]);
		break;
	default:
		free_random(test, c);
	}
}

static void count_objects(struct gomem_span *s, void *arg)
{
	unsigned int *n = arg;

	*n += s->alloc_count - popcount_freed(s);
}

static void test_random(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct class_state *c;
	unsigned int step, i, live, counted;

	c = kunit_kcalloc(test, RANDOM_CLASSES, sizeof(*c), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_EQ(test, 0, make_live_bits(f));
	f->fh.source.policy = FAKE_RANDOM;
	f->fh.source.pages.percent = 20;
	f->fh.source.meta.percent = 20;
	for (step = 0; step < 10000; step++) {
		i = below(f, RANDOM_CLASSES);
		use_size(f, random_sizes[i]);
		random_step(test, &c[i]);
		if (step % 100)
			continue;
		expect_heap(test);
		for (live = 0, i = 0; i < RANDOM_CLASSES; i++)
			live += c[i].nr;
		counted = 0;
		gomem_heap_walk_spans(f->fh.heap, count_objects, &counted);
		KUNIT_ASSERT_EQ_MSG(test, live, counted, "seed %u", f->seed);
	}

	for (i = 0; i < RANDOM_CLASSES; i++) {
		use_size(f, random_sizes[i]);
		if (c[i].cached)
			uncache(f, c[i].cached);
		KUNIT_EXPECT_EQ(test, 0, free_objs(f, c[i].obj, c[i].nr));
		KUNIT_EXPECT_EQ(test, 0, central_of(f)->nspans);
	}
	expect_heap(test);
}

/* Threads */

#define THREAD_CLASSES	3
#define THREAD_BATCH	32
#define SHARED		512
#define MAX_THREADS	8
#define RUN_MS		2000

static const unsigned int thread_sizes[THREAD_CLASSES] = { 16, 1024, 4096 };

struct worker {
	struct fixture *f;
	void *(*shared)[SHARED];
	struct task_struct *task;
	struct rnd_state rnd;
	struct gomem_span *cached[THREAD_CLASSES];
	unsigned long handed_out;
	const char *error;
};

static u32 worker_below(struct worker *w, u32 limit)
{
	return prandom_u32_state(&w->rnd) % limit;
}

static unsigned int thread_spc(unsigned int class)
{
	return gomem_spc_make(gomem_sizeclass(thread_sizes[class]), class & 1);
}

/* For others, with as much room as there can be. */
static void worker_put(struct worker *w, unsigned int class, void **objs, unsigned int n)
{
	struct gomem_mcentral *c = &w->f->fh.heap->central[thread_spc(class)];
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	c->transfer.moved = SZ_1G;
	spin_unlock_irqrestore(&c->lock, flags);
	gomem_mcentral_put(c, objs, n);
	if (!worker_below(w, 200))
		gomem_mcentral_drain(c, worker_below(w, 4));
}

static void worker_free(struct worker *w, unsigned int class, void **objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!clear_live(w->f, objs[i]))
			w->error = "freed an object that is not live";
	if (worker_below(w, 2))
		worker_put(w, class, objs, n);
	else if (gomem_mcentral_free(&w->f->fh.heap->central[thread_spc(class)], objs, n, false))
		w->error = "a live object was bad";
}

static void worker_uncache(struct worker *w, unsigned int class)
{
	if (w->cached[class])
		gomem_mcentral_uncache(w->cached[class]);
	w->cached[class] = NULL;
}

/* As a CPU does it: take, or sweep and take, or get another span. */
static unsigned int worker_take(struct worker *w, unsigned int class, void **objs)
{
	unsigned int want = 1 + worker_below(w, THREAD_BATCH), n = 0;
	struct gomem_span *s = w->cached[class];

	if (!s) {
		gfp_t gfp = worker_below(w, 2) ? GFP_KERNEL : GFP_ATOMIC;
		struct gomem_refill r = { .want_span = true };

		gomem_mcentral_get(&w->f->fh.heap->central[thread_spc(class)], gfp, &r);
		s = r.span;
		if (!s)
			return 0;
		w->cached[class] = s;
		n = take(s, objs, want);
		if (!n)
			w->error = "a span without a free slot";
		return n;
	}
	n = take(s, objs, want);
	if (!n && atomic_read(&s->pending) > 0) {
		if (gomem_span_sweep(s).bad)
			w->error = "a freed bit of a slot that is not allocated";
		/* Bits are counted before they are set: no sweep finds more than there are. */
		if (atomic_read(&s->pending) < 0)
			w->error = "more freed bits than pending";
		n = take(s, objs, want);
	}
	if (!n)
		worker_uncache(w, class);
	return n;
}

static unsigned int worker_alloc(struct worker *w, unsigned int class, void **objs)
{
	struct gomem_refill r = { .want = 1 + worker_below(w, THREAD_BATCH), .objs = objs };

	gomem_mcentral_get(&w->f->fh.heap->central[thread_spc(class)], GFP_KERNEL, &r);
	return r.n;
}

static unsigned int worker_refill(struct worker *w, unsigned int class, void **objs)
{
	struct gomem_refill r = {
		.span = w->cached[class],
		.want = 1 + worker_below(w, THREAD_BATCH),
		.want_span = worker_below(w, 2),
		.objs = objs,
	};

	gomem_mcentral_refill(&w->f->fh.heap->central[thread_spc(class)], &r);
	w->cached[class] = r.span;
	return r.n;
}

static void worker_step(struct worker *w)
{
	unsigned int class = worker_below(w, THREAD_CLASSES), n, i, nr_back = 0;
	void *objs[THREAD_BATCH], *back[THREAD_BATCH];

	if (!worker_below(w, 20)) {
		worker_uncache(w, class);
		return;
	}
	switch (worker_below(w, 4)) {
	case 0:
		n = worker_alloc(w, class, objs);
		break;
	case 1:
		n = worker_refill(w, class, objs);
		break;
	default:
		n = worker_take(w, class, objs);
	}
	w->handed_out += n;
	for (i = 0; i < n; i++)
		if (!set_live(w->f, objs[i]))
			w->error = "an object was handed out twice";
	/* Swap them for others, of whatever thread, and free those. */
	for (i = 0; i < n; i++) {
		void **slot = &w->shared[class][worker_below(w, SHARED)];

		back[nr_back] = xchg(slot, objs[i]);
		nr_back += !!back[nr_back];
	}
	/* Now and then free more than was taken, so that spans become empty. */
	while (!worker_below(w, 3) && nr_back < THREAD_BATCH) {
		back[nr_back] = xchg(&w->shared[class][worker_below(w, SHARED)], NULL);
		nr_back += !!back[nr_back];
	}
	worker_free(w, class, back, nr_back);
}

static int worker_run(void *arg)
{
	struct worker *w = arg;
	unsigned int class;

	while (!kthread_should_stop()) {
		if (!w->error)
			worker_step(w);
		cond_resched();
	}
	for (class = 0; class < THREAD_CLASSES; class++)
		worker_uncache(w, class);
	return 0;
}

static struct task_struct *start_worker(int (*fn)(void *), void *arg, unsigned int i)
{
	struct task_struct *task = kthread_create(fn, arg, "gomem_test/%u", i);

	if (IS_ERR(task))
		return NULL;
	/* One for each CPU; what is more runs where it can. */
	if (i < num_online_cpus())
		kthread_bind(task, cpumask_nth(i, cpu_online_mask));
	wake_up_process(task);
	return task;
}

static void stop_workers(struct worker *w, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (w[i].task)
			kthread_stop(w[i].task);
}

static void test_threads(struct kunit *test)
{
	unsigned int n = min(num_online_cpus() + 1, MAX_THREADS), i, class;
	struct fixture *f = test->priv;
	void *(*shared)[SHARED];
	struct worker *w;
	u64 transferred;

	w = kunit_kcalloc(test, n, sizeof(*w), GFP_KERNEL);
	shared = kunit_kcalloc(test, THREAD_CLASSES, sizeof(*shared), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, w && shared);
	KUNIT_ASSERT_EQ(test, 0, make_live_bits(f));
	f->fh.source.pages.percent = 10;
	f->fh.source.meta.percent = 10;
	for (i = 0; i < n; i++) {
		w[i].f = f;
		w[i].shared = shared;
		prandom_seed_state(&w[i].rnd, f->seed + i);
		w[i].task = start_worker(worker_run, &w[i], i);
	}
	transferred = gomem_event_sum(GOMEM_EV_TRANSFERRED_OBJECTS);
	msleep(RUN_MS);
	stop_workers(w, n);
	KUNIT_EXPECT_GT(test, gomem_event_sum(GOMEM_EV_TRANSFERRED_OBJECTS), transferred);

	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_TRUE_MSG(test, !w[i].error, "%s, seed %u", w[i].error, f->seed);
		KUNIT_EXPECT_GT(test, w[i].handed_out, 0);
		kunit_info(test, "thread %u was handed out %lu objects", i, w[i].handed_out);
	}
	expect_heap(test);
	for (class = 0; class < THREAD_CLASSES; class++) {
		for (i = 0; i < SHARED; i++)
			if (shared[class][i])
				worker_free(&w[0], class, &shared[class][i], 1);
		gomem_mcentral_drain(&f->fh.heap->central[thread_spc(class)], false);
		gomem_mcentral_sweep(&f->fh.heap->central[thread_spc(class)]);
	}
	KUNIT_EXPECT_TRUE_MSG(test, !w[0].error, "%s", w[0].error);
	KUNIT_EXPECT_EQ(test, 0, fake_heap_spans(&f->fh));
	KUNIT_EXPECT_EQ(test, NR_CHUNKS * GOMEM_CHUNK_SIZE / 8,
			find_first_bit(f->live, NR_CHUNKS * GOMEM_CHUNK_SIZE / 8));
	expect_heap(test);
}

/* Threads that free the same objects. Of each object one free is good. */
struct rival {
	struct fixture *f;
	struct task_struct *task;
	struct completion *start;
	struct completion done;
	unsigned int n;
	unsigned int bad;
};

static int rival_run(void *arg)
{
	struct rival *r = arg;
	unsigned int i, n;

	wait_for_completion(r->start);
	for (i = 0; i < r->n; i += n) {
		n = min(r->n - i, 3U);
		r->bad += free_objs(r->f, r->f->objs + i, n);
	}
	complete(&r->done);
	return 0;
}

static void race_double_free(struct kunit *test, struct gomem_span *s, struct rival *r,
			     unsigned int nr)
{
	struct fixture *f = test->priv;
	struct completion start;
	unsigned int i, bad = 0;

	init_completion(&start);
	for (i = 0; i < nr; i++) {
		r[i] = (struct rival){ .f = f, .start = &start, .n = f->nelems - 1 };
		init_completion(&r[i].done);
		r[i].task = start_worker(rival_run, &r[i], i);
		KUNIT_ASSERT_NOT_NULL(test, r[i].task);
	}
	complete_all(&start);
	for (i = 0; i < nr; i++) {
		wait_for_completion(&r[i].done);
		bad += r[i].bad;
	}
	KUNIT_ASSERT_EQ(test, (nr - 1) * (f->nelems - 1), bad);
	expect_heap(test);
	gomem_mcentral_sweep(&f->fh.heap->central[f->spc]);
	KUNIT_ASSERT_EQ(test, 1, s->alloc_count);
}

static void test_double_free_race(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int round;
	struct rival r[2];
	struct gomem_span *s;

	use_size(f, 64);
	for (round = 0; round < 20; round++) {
		/* The last object stays live, and so does the span. */
		s = full_span(test, f->objs);
		race_double_free(test, s, r, ARRAY_SIZE(r));
		KUNIT_ASSERT_EQ(test, 0, free_objs(f, f->objs + f->nelems - 1, 1));
		expect_spans(test, 0, 0);
	}
}

/* The validator must be able to say no */

static void break_class(struct gomem_mcentral *c, struct gomem_span *s)
{
	s->kind = &gomem_kinds[s->spc ^ 1];
}

static void break_state(struct gomem_mcentral *c, struct gomem_span *s)
{
	gomem_span_set_state(s, GOMEM_SPAN_CACHED);
}

static void break_where(struct gomem_mcentral *c, struct gomem_span *s)
{
	s->where = GOMEM_FULL_UNSWEPT;
}

static void break_full(struct gomem_mcentral *c, struct gomem_span *s)
{
	s->where = GOMEM_FULL_SWEPT;
	list_move(&s->list, &c->list[GOMEM_FULL_SWEPT]);
}

static void break_swept(struct gomem_mcentral *c, struct gomem_span *s)
{
	s->where = GOMEM_PARTIAL_SWEPT;
	list_move(&s->list, &c->list[GOMEM_PARTIAL_SWEPT]);
}

static void break_empty(struct gomem_mcentral *c, struct gomem_span *s)
{
	s->alloc_count = 0;
	atomic_set(&s->pending, 0);
}

static void break_span(struct gomem_mcentral *c, struct gomem_span *s)
{
	s->alloc_count++;
}

static void break_nspans(struct gomem_mcentral *c, struct gomem_span *s)
{
	c->nspans++;
}

static void break_ncached(struct gomem_mcentral *c, struct gomem_span *s)
{
	c->ncached++;
}

static const struct break_case {
	const char *violation;
	void (*fn)(struct gomem_mcentral *c, struct gomem_span *s);
} break_cases[] = {
	{ "span on a list of another kind or node",				break_class },
	{ "listed span with another state",				break_state },
	{ "listed span with another state",				break_where },
	{ "span on the wrong one of the partial and full lists",	break_full },
	{ "swept span with pending frees",				break_swept },
	{ "empty span on a list",					break_empty },
	{ "alloc_count is not the number of alloc bits",		break_span },
	{ "nspans is not the number of spans listed and cached",	break_nspans },
	{ "nspans is not the number of spans listed and cached",	break_ncached },
};

static void break_desc(const struct break_case *c, char *desc)
{
	strscpy(desc, c->violation, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(break, break_cases, break_desc);

static void test_validate_violation(struct kunit *test)
{
	const struct break_case *c = test->param_value;
	struct fixture *f = test->priv;
	struct gomem_mcentral whole;
	struct gomem_span *s, old;

	use_size(f, 1024);
	s = cache(test);
	take(s, f->objs, 3);
	uncache(f, s);
	free_objs(f, f->objs, 1);
	expect_heap(test);

	old = *s;
	whole.nspans = central_of(f)->nspans;
	whole.ncached = central_of(f)->ncached;
	c->fn(central_of(f), s);
	KUNIT_EXPECT_STREQ(test, c->violation, gomem_mcentral_validate(central_of(f)) ?: "nothing");

	/* As it was. */
	s->kind = old.kind;
	s->state = old.state;
	s->where = old.where;
	s->alloc_count = old.alloc_count;
	atomic_set(&s->pending, 1);
	list_move(&s->list, &central_of(f)->list[old.where]);
	central_of(f)->nspans = whole.nspans;
	central_of(f)->ncached = whole.ncached;
	free_objs(f, f->objs + 1, 2);
	expect_spans(test, 0, 0);
}

static int mcentral_init(struct kunit *test)
{
	struct fixture *f = kvzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->seed = seed_param ?: get_random_u32();
	prandom_seed_state(&f->rnd, f->seed);
	test->priv = f;
	return fake_heap_init(&f->fh, NR_CHUNKS, f->seed);
}

static void mcentral_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	fake_heap_exit(test, &f->fh);
	kvfree(f->live);
	kvfree(f);
}

static struct kunit_case mcentral_cases[] = {
	KUNIT_CASE_PARAM(test_cache_uncache, size_gen_params),
	KUNIT_CASE(test_lists),
	KUNIT_CASE(test_cache_order),
	KUNIT_CASE(test_first_spans),
	KUNIT_CASE(test_cache_share),
	KUNIT_CASE_PARAM(test_alloc_takes_from_one_span, size_gen_params),
	KUNIT_CASE(test_alloc_recycled),
	KUNIT_CASE(test_refill_gathers),
	KUNIT_CASE(test_refill_exchanges),
	KUNIT_CASE(test_refill_fresh),
	KUNIT_CASE(test_free_into_cached),
	KUNIT_CASE_PARAM(test_free_all_into_cached, size_gen_params),
	SLOW_CASE_PARAM(test_free_empties, size_gen_params),
	KUNIT_CASE(test_free_mixed_spans),
	KUNIT_CASE_PARAM(test_free_bad_unswept, bad_gen_params),
	KUNIT_CASE_PARAM(test_free_bad_swept, bad_gen_params),
	KUNIT_CASE_PARAM(test_free_bad_cached, bad_gen_params),
	KUNIT_CASE_PARAM(test_free_bad_cached_swept, bad_gen_params),
	KUNIT_CASE(test_free_foreign),
	KUNIT_CASE(test_free_neighbours_twice),
	KUNIT_CASE(test_free_in_order),
	KUNIT_CASE(test_free_run),
	KUNIT_CASE(test_free_last_twice),
	KUNIT_CASE(test_cache_full_unswept),
	KUNIT_CASE(test_sweep_all),
	KUNIT_CASE_PARAM(test_grow_fails, size_gen_params),
	KUNIT_CASE(test_random),
	KUNIT_CASE(test_threads),
	KUNIT_CASE(test_double_free_race),
	KUNIT_CASE_PARAM(test_validate_violation, break_gen_params),
	{}
};

static struct kunit_suite mcentral_suite = {
	.name = "gomem_mcentral",
	.init = mcentral_init,
	.exit = mcentral_exit,
	.test_cases = mcentral_cases,
};

kunit_test_suite(mcentral_suite);
