// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral_free_kunit.c - objects that are freed into the spans of a class, and
 * frees that are misuse.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "central.h"
#include "central_sizes.h"
#include "fixture.h"
#include "slow.h"
#include "workers.h"

/* Freeing */

/*
 * Objects freed into a cached span stay pending until the CPU that caches the
 * span sweeps or uncaches it.
 */
static void test_free_into_cached(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *s;

	central_use_size(f, 1024);
	s = central_cache(test);
	central_take(s, f->objs, 8);
	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->objs, 3));
	central_expect_where(test, s, NOWHERE);
	KUNIT_EXPECT_EQ(test, 8, s->alloc_count);
	KUNIT_EXPECT_EQ(test, 3, atomic_read(&s->pending));
	central_expect_spans(test, 1, 1);

	central_uncache(f, s);
	KUNIT_EXPECT_EQ(test, 5, s->alloc_count);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&s->pending));
	central_expect_where(test, s, GOMEM_PARTIAL_SWEPT);
	central_expect_spans(test, 1, 0);
	central_free_objs(f, f->objs + 3, 5);
	central_expect_spans(test, 0, 0);
}

static void test_free_all_into_cached(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *s;

	use_param(test);
	s = central_cache(test);
	KUNIT_EXPECT_EQ(test, f->nelems, central_take(s, f->objs, f->nelems));
	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->objs, f->nelems));
	central_expect_spans(test, 1, 1);
	central_uncache(f, s);
	central_expect_spans(test, 0, 0);
}

/* Freeing the last object frees the span, whatever the order and batch size. */
static void test_free_empties(struct kunit *test)
{
	static const unsigned int batches[] = { 1, 2, 7, 64, 1024 };
	struct mcentral_fixture *f = test->priv;
	unsigned int b, i, n;

	use_param(test);
	for (b = 0; b < ARRAY_SIZE(batches); b++) {
		central_full_span(test, f->objs);
		shuffle(&f->base.set.rnd, f->objs, f->nelems);
		for (i = 0; i < f->nelems; i += n) {
			central_expect_spans(test, 1, 0);
			n = min(batches[b], f->nelems - i);
			KUNIT_EXPECT_EQ(test, 0,
					central_free_objs(f, f->objs + i, n));
		}
		central_expect_spans(test, 0, 0);
	}
}

/*
 * Free objects of several spans in one call. In the array, most objects of a
 * span follow each other by rising address, and their freed bits are in two
 * words. The others lie between objects of other spans.
 */
static void test_free_mixed_spans(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *s[3];
	unsigned int i, k, n = 0;

	central_use_size(f, 64);
	KUNIT_ASSERT_EQ(test, 128, f->nelems);
	for (i = 0; i < 3; i++)
		s[i] = central_full_span(test, f->objs + 128 * i);
	/*
	 * Free all objects but the first of each span: most of them span by
	 * span, the last ones from each span in turn.
	 */
	for (i = 0; i < 3; i++)
		for (k = 1; k < 100; k++)
			f->batch[n++] = f->objs[128 * i + k];
	for (k = 127; k >= 100; k--)
		for (i = 0; i < 3; i++)
			f->batch[n++] = f->objs[128 * i + k];
	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->batch, n));
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, 127, atomic_read(&s[i]->pending));
	central_expect_spans(test, 3, 0);
	for (i = 0; i < 3; i++)
		f->batch[i] = f->objs[128 * i];
	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->batch, 3));
	central_expect_spans(test, 0, 0);
}

/* A free skips objects that are not live, and returns their number */

static const struct bad_case {
	const char *name;
	/*
	 * Indices of objects: 0 to 129 are live, 130 to 140 are freed, and the
	 * others were never allocated.
	 */
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

KUNIT_ARRAY_PARAM_DESC(bad, bad_cases, name);

static void free_bad_batch(struct kunit *test, bool cached, bool swept)
{
	const struct bad_case *c = test->param_value;
	struct mcentral_fixture *f = test->priv;
	unsigned int i, n = 0, good = c->n - c->bad;
	struct gomem_span *s;
	void *batch[6];

	central_use_size(f, 32);
	KUNIT_ASSERT_EQ(test, 256, f->nelems);
	s = central_cache(test);
	KUNIT_ASSERT_EQ(test, 141, central_take(s, f->objs, 141));
	if (!cached)
		central_uncache(f, s);
	KUNIT_ASSERT_EQ(test, 0, central_free_objs(f, f->objs + 130, 11));
	if (swept && cached)
		gomem_span_sweep(s);
	else if (swept)
		gomem_mcentral_sweep(&f->base.fh.heap->central[f->spc]);

	for (i = 0; i < c->n; i++)
		batch[i] = gomem_span_object(s, c->batch[i]);
	KUNIT_EXPECT_EQ(test, c->bad, central_free_objs(f, batch, c->n));
	KUNIT_EXPECT_EQ(test, good + (swept ? 0 : 11),
			atomic_read(&s->pending));
	KUNIT_EXPECT_EQ(test, good + (swept ? 0 : 11), central_count_freed(s));
	central_expect_heap(test);

	/* Only the live objects are left to be freed. */
	for (i = 0; i < 130; i++)
		if (!(gomem_span_freed_bits(s)[i / 64] & BIT(i % 64)))
			f->objs[n++] = gomem_span_object(s, i);
	KUNIT_EXPECT_EQ(test, 130 - good, n);
	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->objs, n));
	if (cached)
		central_uncache(f, s);
	central_expect_spans(test, 0, 0);
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

static struct gomem_span *large_span(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span_request req = {
		.npages = 5,
		.kind = &gomem_kinds[0],
		.gfp = GFP_KERNEL,
	};
	struct gomem_span *s = fake_heap_span(f->base.fh.heap, &req);

	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

/* Free @bad alone and between good objects. */
static void free_among_good(struct kunit *test, struct gomem_span *s, void *bad,
			    unsigned int i)
{
	struct mcentral_fixture *f = test->priv;
	void *batch[] = { f->objs[2 * i], bad, f->objs[2 * i + 1] };

	KUNIT_EXPECT_EQ_MSG(test, 1, central_free_objs(f, &bad, 1),
			    "pointer %u", i);
	KUNIT_EXPECT_EQ_MSG(test, 1, central_free_objs(f, batch, 3),
			    "pointer %u", i);
	KUNIT_EXPECT_EQ(test, 2 * i + 2, atomic_read(&s->pending));
}

/* Free pointers that do not point to the start of an object of the class. */
static void test_free_foreign(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *s, *large;
	unsigned int spc, i;
	void *other, *bad[8];

	central_use_size(f, 128);
	KUNIT_ASSERT_EQ(test, 1, central_alloc(f, &other, 1));
	spc = f->spc;
	large = large_span(test);

	central_use_size(f, 48);
	s = central_full_span(test, f->objs);
	bad[0] = other;
	bad[1] = (void *)large->base;
	bad[2] = f->objs[0] + 8;
	bad[3] = f->objs[1] - 1;
	/* The tail, as if the span had one more object there. */
	bad[4] = gomem_span_object(s, s->nelems);
	bad[5] = NULL;
	bad[6] = (void *)(FAKE_BASE + NR_CHUNKS * GOMEM_CHUNK_SIZE);
	bad[7] = (void *)(FAKE_BASE + GOMEM_CHUNK_SIZE - GOMEM_PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		free_among_good(test, s, bad[i], i);
	central_expect_heap(test);
	KUNIT_EXPECT_EQ(test, 8, central_free_objs(f, bad, 8));
	KUNIT_EXPECT_EQ(test, 0,
			central_free_objs(f, f->objs + 16, f->nelems - 16));

	/* Free two objects again. Their span is empty by now, and gone. */
	KUNIT_EXPECT_EQ(test, 2, central_free_objs(f, f->objs, 2));
	KUNIT_EXPECT_PTR_EQ(test, large,
			    gomem_heap_claim_large(f->base.fh.heap->map,
						   large->base));
	gomem_heap_free_span(large);
	f->spc = spc;
	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, &other, 1));
	central_expect_spans(test, 0, 0);
}

/* Free a run of neighbours, and 20 of them a second time in the same call. */
static void test_free_neighbours_twice(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;

	central_use_size(f, 112);
	KUNIT_ASSERT_EQ(test, 70, central_alloc(f, f->objs, 70));
	memcpy(f->objs + 70, f->objs + 30, 20 * sizeof(*f->objs));
	KUNIT_EXPECT_EQ(test, 20, central_free_objs(f, f->objs + 20, 70));
	central_expect_heap(test);
	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->objs, 20));
	central_expect_spans(test, 0, 0);
}

/*
 * One call frees the objects of a span from a cell on to the last object, by
 * rising address, or to the first, by falling address. Each cell is tried. The
 * other objects of the span are freed afterwards, by a call of their own.
 */
static void test_free_in_order(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	unsigned int first, i, n;

	central_use_size(f, 64);
	for (first = 0; first < 2 * f->nelems; first++) {
		central_full_span(test, f->objs);
		if (first >= f->nelems)
			for (i = 0; i < f->nelems / 2; i++)
				swap(f->objs[i], f->objs[f->nelems - 1 - i]);
		n = f->nelems - first % f->nelems;
		KUNIT_EXPECT_EQ(test, 0,
				central_free_objs(f, f->objs + f->nelems - n,
						  n));
		/* None of them is live any more. */
		KUNIT_EXPECT_EQ(test, n,
				central_free_objs(f, f->objs + f->nelems - n,
						  n));
		KUNIT_EXPECT_EQ(test, 0,
				central_free_objs(f, f->objs, f->nelems - n));
		central_expect_spans(test, 0, 0);
	}
}

/*
 * Free objects that are neighbours, and tell gomem_mcentral_free() so by its
 * last argument. Then free them a second time.
 */
static void test_free_run(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_mcentral *c;
	unsigned int n;

	central_use_size(f, 64);
	c = central_of(f);
	for (n = 1; n < 128; n++) {
		central_full_span(test, f->objs);
		KUNIT_EXPECT_EQ(test, 0,
				gomem_mcentral_free(c, f->objs + 1, n, true));
		central_expect_spans(test, n < 128, 0);
		KUNIT_EXPECT_EQ(test, n,
				gomem_mcentral_free(c, f->objs + 1, n, true));
		KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->objs, 1));
		KUNIT_EXPECT_EQ(test, 0,
				central_free_objs(f, f->objs + 1 + n,
						  f->nelems - 1 - n));
		central_expect_spans(test, 0, 0);
	}
}

/*
 * One call frees both objects of a span, which is then empty, and frees both
 * again.
 */
static void test_free_last_twice(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;

	central_use_size(f, 4096);
	central_full_span(test, f->objs);
	f->objs[2] = f->objs[1];
	f->objs[3] = f->objs[0];
	KUNIT_EXPECT_EQ(test, 2, central_free_objs(f, f->objs, 4));
	central_expect_spans(test, 0, 0);
}

/* Threads */

/*
 * Two threads free the same objects: for each object, only one free succeeds.
 */
struct rival {
	struct racer base;
	struct mcentral_fixture *f;
	unsigned int bad;
};

/* Free all objects but the last one, which keeps the span live. */
static void free_most(struct racer *racer)
{
	struct rival *r = container_of(racer, struct rival, base);
	unsigned int i, n, nr = r->f->nelems - 1;

	for (i = 0; i < nr; i += n) {
		n = min(nr - i, 3U);
		r->bad += central_free_objs(r->f, r->f->objs + i, n);
	}
}

static void race_double_free(struct kunit *test, struct gomem_span *s)
{
	struct mcentral_fixture *f = test->priv;
	struct rival a = { .f = f }, b = { .f = f };
	struct racer *racers[] = { &a.base, &b.base };

	race(test, racers, ARRAY_SIZE(racers), free_most);
	KUNIT_ASSERT_EQ(test, f->nelems - 1, a.bad + b.bad);
	central_expect_heap(test);
	gomem_mcentral_sweep(&f->base.fh.heap->central[f->spc]);
	KUNIT_ASSERT_EQ(test, 1, s->alloc_count);
}

static void test_double_free_race(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	unsigned int round;
	struct gomem_span *s;

	central_use_size(f, 64);
	for (round = 0; round < 20; round++) {
		s = central_full_span(test, f->objs);
		race_double_free(test, s);
		KUNIT_ASSERT_EQ(test, 0,
				central_free_objs(f, f->objs + f->nelems - 1,
						  1));
		central_expect_spans(test, 0, 0);
	}
}

static struct kunit_case mcentral_free_cases[] = {
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
	KUNIT_CASE(test_double_free_race),
	{}
};

static struct kunit_suite mcentral_free_suite = {
	.name = "gomem_mcentral_free",
	.init = central_init,
	.exit = central_exit,
	.test_cases = mcentral_free_cases,
};

kunit_test_suite(mcentral_free_suite);
