// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral_kunit.c - which span of a class serves an allocation, and which list
 * a span is on.
 *
 * The heap has a fake page source. Spans are cached and swept as in a real
 * heap.
 */
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/string.h>

#include "central.h"
#include "central_sizes.h"
#include "fixture.h"

static struct gomem_span *span_of(struct mcentral_fixture *f, const void *obj)
{
	return gomem_pagemap_span(f->base.fh.heap->map, (unsigned long)obj);
}

/* Caching */

static void test_cache_uncache(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *s;

	use_param(test);
	s = central_cache(test);
	central_expect_where(test, s, NOWHERE);
	central_expect_spans(test, 1, 1);

	/* No object was taken, so the span returns to the heap. */
	central_uncache(f, s);
	central_expect_spans(test, 0, 0);
}

/* Move a span from list to list by allocations and frees. */
static void test_lists(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *s;

	central_use_size(f, 1024);
	s = central_cache(test);
	central_take(s, f->objs, 4);
	central_uncache(f, s);
	central_expect_where(test, s, GOMEM_PARTIAL_SWEPT);
	central_expect_spans(test, 1, 0);

	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->objs, 1));
	central_expect_where(test, s, GOMEM_PARTIAL_UNSWEPT);
	central_expect_spans(test, 1, 0);

	/*
	 * The mcentral sweeps the span before a CPU caches it, although 4 cells
	 * are free without that. So 5 can be taken, the freed one first.
	 */
	KUNIT_EXPECT_PTR_EQ(test, s, central_cache(test));
	KUNIT_EXPECT_EQ(test, 5, central_take(s, f->objs + 4, 8));
	KUNIT_EXPECT_PTR_EQ(test, f->objs[0], f->objs[4]);
	central_expect_spans(test, 1, 1);
	central_uncache(f, s);
	central_expect_where(test, s, GOMEM_FULL_SWEPT);
	central_expect_spans(test, 1, 0);

	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->objs + 1, 1));
	central_expect_where(test, s, GOMEM_FULL_UNSWEPT);
	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->objs + 2, 2));
	central_expect_where(test, s, GOMEM_FULL_UNSWEPT);
	central_expect_spans(test, 1, 0);

	gomem_mcentral_sweep(&f->base.fh.heap->central[f->spc]);
	central_expect_where(test, s, GOMEM_PARTIAL_SWEPT);
	central_expect_spans(test, 1, 0);

	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->objs + 4, 5));
	central_expect_spans(test, 0, 0);
}

/*
 * An allocation tries spans in this order: swept partial, unswept partial,
 * unswept full, and last a new span.
 */
static void test_cache_order(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *full, *full_unswept, *partial_unswept, *partial, *s;
	void *objs[4][8];

	central_use_size(f, 1024);
	full = central_full_span(test, objs[0]);
	full_unswept = central_full_span(test, objs[1]);
	partial_unswept = central_cache(test);
	central_take(partial_unswept, objs[2], 4);
	partial = central_cache(test);
	central_take(partial, objs[3], 1);
	central_uncache(f, partial_unswept);
	central_uncache(f, partial);
	central_free_objs(f, objs[1] + 7, 1);
	central_free_objs(f, objs[2], 1);
	central_expect_where(test, full, GOMEM_FULL_SWEPT);
	central_expect_where(test, full_unswept, GOMEM_FULL_UNSWEPT);
	central_expect_where(test, partial_unswept, GOMEM_PARTIAL_UNSWEPT);
	central_expect_where(test, partial, GOMEM_PARTIAL_SWEPT);

	KUNIT_EXPECT_PTR_EQ(test, partial, central_cache(test));
	KUNIT_EXPECT_PTR_EQ(test, partial_unswept, central_cache(test));
	KUNIT_EXPECT_PTR_EQ(test, full_unswept, central_cache(test));
	central_expect_spans(test, 4, 3);
	s = central_cache(test);
	central_expect_spans(test, 5, 4);

	central_uncache(f, s);
	central_uncache(f, partial);
	central_uncache(f, partial_unswept);
	central_uncache(f, full_unswept);
	central_free_objs(f, objs[0], 8);
	central_free_objs(f, objs[1], 7);
	central_free_objs(f, objs[2] + 1, 3);
	central_free_objs(f, objs[3], 1);
	central_expect_spans(test, 0, 0);
}

/*
 * The first spans of a class are short. A new span has a quarter of the pages
 * that the class has so far: at least one page, and at most the usual length.
 */
static void test_first_spans(struct kunit *test)
{
	static const unsigned int npages[] = { 1, 1, 1, 1, 1, 1, 1, 1,
					       2, 2, 3, 3, 4, 5, 5 };
	struct mcentral_fixture *f = test->priv;
	unsigned int i;

	f->base.fh.heap->short_share = 4;
	central_use_size(f, 6784);
	for (i = 0; i < ARRAY_SIZE(npages); i++) {
		f->spans[i] = central_cache(test);
		KUNIT_EXPECT_EQ_MSG(test, npages[i], f->spans[i]->npages,
				    "span %u", i);
	}
	for (i = 0; i < ARRAY_SIZE(npages); i++)
		central_uncache(f, f->spans[i]);
	central_expect_spans(test, 0, 0);

	/*
	 * A span of two pages would be long enough for an object. But it would
	 * waste more than a quarter of its bytes.
	 */
	central_use_size(f, 10880);
	f->spans[0] = central_cache(test);
	KUNIT_EXPECT_EQ(test, 3, f->spans[0]->npages);
	central_uncache(f, f->spans[0]);
}

/*
 * A CPU caches a span only if the mcentral has at least cache_share pages for
 * each online CPU. This test sets cache_share to 2.
 */
static void test_cache_share(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_mcentral *c;
	struct gomem_refill r;
	unsigned int i, enough;

	central_use_size(f, 1024);
	c = &f->base.fh.heap->central[f->spc];
	f->base.fh.heap->cache_share = 2;
	enough = 2 * num_online_cpus();
	for (i = 0; i < enough; i++) {
		r = (struct gomem_refill){
			.want_span = true, .want = 1, .objs = f->objs + i * 8,
		};
		central_get(c, GFP_KERNEL, &r);
		KUNIT_EXPECT_EQ(test, 1, r.n);
		KUNIT_EXPECT_EQ(test, i == enough - 1, !!r.span);
		if (r.span)
			central_uncache(f, r.span);
		r = (struct gomem_refill){ .want = 7,
					   .objs = f->objs + i * 8 + 1 };
		central_get(c, GFP_KERNEL, &r);
		KUNIT_ASSERT_EQ(test, 7, r.n);
	}
	central_expect_spans(test, enough, 0);
	central_free_objs(f, f->objs, enough * 8);
	central_expect_spans(test, 0, 0);
}

static void test_alloc_takes_from_one_span(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *s;
	unsigned int n;

	use_param(test);
	n = central_alloc(f, f->objs, 1);
	KUNIT_ASSERT_EQ(test, 1, n);
	s = span_of(f, f->objs[0]);
	central_expect_where(test, s,
			     f->nelems == 1 ? GOMEM_FULL_SWEPT :
					      GOMEM_PARTIAL_SWEPT);
	central_expect_spans(test, 1, 0);
	if (f->nelems > 1) {
		KUNIT_EXPECT_EQ(test, f->nelems - 1,
				central_alloc(f, f->objs + 1, f->nelems - 1));
		central_expect_where(test, s, GOMEM_FULL_SWEPT);
	}
	central_expect_spans(test, 1, 0);
	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->objs, f->nelems));
	central_expect_spans(test, 0, 0);
}

static void test_alloc_recycled(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_heap *h = f->base.fh.heap;
	struct gomem_refill r = { .want = 5, .objs = f->objs };

	central_use_size(f, 1024);
	central_get(&h->central[f->spc], GFP_KERNEL, &r);
	KUNIT_ASSERT_EQ(test, 5, r.n);
	KUNIT_EXPECT_EQ(test, 0x1f, r.fresh);
	central_free_objs(f, f->objs + 1, 2);
	gomem_mcentral_sweep(&h->central[f->spc]);
	r.want = 4;
	r.objs = f->objs + 5;
	central_get(&h->central[f->spc], GFP_KERNEL, &r);
	KUNIT_ASSERT_EQ(test, 4, r.n);
	KUNIT_EXPECT_EQ(test, 0xc, r.fresh);
	KUNIT_EXPECT_PTR_EQ(test, f->objs[1], f->objs[5]);
	KUNIT_EXPECT_PTR_EQ(test, f->objs[2], f->objs[6]);
	central_free_objs(f, f->objs + 3, 6);
	central_free_objs(f, f->objs, 1);
	central_expect_spans(test, 0, 0);
}

/* Refilling */

static void refill(struct mcentral_fixture *f, struct gomem_refill *r,
		   struct gomem_span *old, unsigned int want, bool want_span)
{
	r->span = old;
	r->want = want;
	r->want_span = want_span;
	gomem_mcentral_refill(&f->base.fh.heap->central[f->spc], r);
}

/*
 * A refill gathers the few free cells of several spans, which are full
 * afterwards.
 */
static void test_refill_gathers(struct kunit *test)
{
	static const unsigned int nr_free[] = { 1, 2, 1, 3 };
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *s[ARRAY_SIZE(nr_free)];
	void *objs[GOMEM_BATCH_MAX];
	struct gomem_refill r = { .objs = objs };
	unsigned int i;

	central_use_size(f, 1024);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		s[i] = central_full_span(test, f->objs + i * f->nelems);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		central_free_objs(f, f->objs + i * f->nelems, nr_free[i]);
	refill(f, &r, NULL, 32, false);
	KUNIT_EXPECT_EQ(test, 7, r.n);
	KUNIT_EXPECT_EQ(test, 0, r.fresh);
	KUNIT_EXPECT_NULL(test, r.span);
	for (i = 0; i < ARRAY_SIZE(s); i++)
		central_expect_where(test, s[i], GOMEM_FULL_SWEPT);
	central_expect_spans(test, ARRAY_SIZE(s), 0);

	/* No cell is free now, and a refill does not grow the heap. */
	refill(f, &r, NULL, 32, true);
	KUNIT_EXPECT_EQ(test, 0, r.n);
	KUNIT_EXPECT_NULL(test, r.span);
	central_expect_spans(test, ARRAY_SIZE(s), 0);
	KUNIT_EXPECT_EQ(test, 0,
			central_free_objs(f, f->objs,
					  ARRAY_SIZE(s) * f->nelems));
	central_expect_spans(test, 0, 0);
}

/*
 * A caller that wants a span gets one that has free cells left, in exchange for
 * its old span.
 */
static void test_refill_exchanges(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *old, *s;
	void *objs[GOMEM_BATCH_MAX];
	struct gomem_refill r = { .objs = objs };

	central_use_size(f, 512);
	s = central_full_span(test, f->objs);
	old = central_cache(test);
	KUNIT_ASSERT_EQ(test, f->nelems,
			central_take(old, f->objs + f->nelems, f->nelems));
	central_free_objs(f, f->objs, 10);
	central_expect_where(test, s, GOMEM_FULL_UNSWEPT);

	refill(f, &r, old, 4, true);
	KUNIT_EXPECT_EQ(test, 4, r.n);
	KUNIT_EXPECT_PTR_EQ(test, s, r.span);
	KUNIT_EXPECT_EQ(test, GOMEM_SPAN_CACHED, gomem_span_state(s));
	central_expect_where(test, s, NOWHERE);
	central_expect_where(test, old, GOMEM_FULL_SWEPT);
	central_expect_spans(test, 2, 1);

	/* Take all free objects of @s: then a refill lists @s as full. */
	KUNIT_EXPECT_EQ(test, 6, central_take(s, f->objs + 4, 6));
	refill(f, &r, s, 4, true);
	KUNIT_EXPECT_EQ(test, 0, r.n);
	central_expect_where(test, s, GOMEM_FULL_SWEPT);
	central_expect_spans(test, 2, 0);

	/* If all objects of @old are free, a refill gives @old to the heap. */
	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->objs, 2 * f->nelems));
	central_expect_spans(test, 0, 0);
	old = central_cache(test);
	KUNIT_ASSERT_EQ(test, 3, central_take(old, f->objs, 3));
	central_free_objs(f, f->objs, 3);
	refill(f, &r, old, 1, true);
	KUNIT_EXPECT_EQ(test, 0, r.n);
	central_expect_spans(test, 0, 0);
}

static void test_refill_fresh(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	void *objs[GOMEM_BATCH_MAX];
	struct gomem_refill r = { .objs = objs };

	central_use_size(f, 256);
	KUNIT_ASSERT_EQ(test, 5, central_alloc(f, f->objs, 5));
	central_free_objs(f, f->objs + 1, 1);
	central_free_objs(f, f->objs + 3, 1);
	gomem_mcentral_sweep(&f->base.fh.heap->central[f->spc]);
	refill(f, &r, NULL, 6, false);
	KUNIT_EXPECT_EQ(test, 6, r.n);
	KUNIT_EXPECT_PTR_EQ(test, f->objs[1], r.objs[0]);
	KUNIT_EXPECT_PTR_EQ(test, f->objs[3], r.objs[1]);
	KUNIT_EXPECT_EQ(test, 0x3c, r.fresh);
	central_free_objs(f, r.objs, r.n);

	refill(f, &r, NULL, 21, false);
	central_free_objs(f, r.objs, r.n);
	central_free_objs(f, f->objs, 1);
	central_free_objs(f, f->objs + 2, 1);
	central_free_objs(f, f->objs + 4, 1);
	central_expect_spans(test, 0, 0);
	/* GOMEM_BATCH_MAX fresh objects set all bits of r.fresh. */
	central_use_size(f, 8);
	KUNIT_ASSERT_EQ(test, 1, central_alloc(f, f->objs, 1));
	refill(f, &r, NULL, GOMEM_BATCH_MAX, false);
	KUNIT_EXPECT_EQ(test, GOMEM_BATCH_MAX, r.n);
	KUNIT_EXPECT_EQ(test, ~0ULL, r.fresh);
	central_free_objs(f, r.objs, r.n);
	central_free_objs(f, f->objs, 1);
	central_expect_spans(test, 0, 0);
}

/* Sweeping for free cells */

/* Full spans with pending objects are swept before a new span is made. */
static void test_cache_full_unswept(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	unsigned int i, k, seen = 0;
	struct gomem_span *s;

	central_use_size(f, 1024);
	for (i = 0; i < 8; i++)
		f->spans[i] = central_full_span(test, f->objs + 8 * i);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, 0,
				central_free_objs(f, f->objs + 8 * i + i, 1));
	for (i = 0; i < 8; i++) {
		s = central_cache(test);
		for (k = 0; k < 8; k++)
			if (f->spans[k] == s)
				seen |= BIT(k);
	}
	KUNIT_EXPECT_EQ(test, 0xff, seen);
	central_expect_spans(test, 8, 8);
	s = central_cache(test);
	central_expect_spans(test, 9, 9);

	central_uncache(f, s);
	for (i = 0; i < 8; i++) {
		central_uncache(f, f->spans[i]);
		central_expect_where(test, f->spans[i], GOMEM_PARTIAL_SWEPT);
		f->objs[8 * i + i] = f->objs[8 * i + 7];
		KUNIT_EXPECT_EQ(test, 0,
				central_free_objs(f, f->objs + 8 * i, 7));
	}
	central_expect_spans(test, 0, 0);
}

static void test_sweep_all(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	unsigned int i, n;

	central_use_size(f, 1024);
	for (i = 0; i < 12; i++)
		f->spans[i] = central_full_span(test, f->objs + 8 * i);
	for (i = 0; i < 12; i++)
		central_free_objs(f, f->objs + 8 * i, i % 4 * 2);
	gomem_mcentral_sweep(&f->base.fh.heap->central[f->spc]);
	for (i = 0; i < 12; i++)
		central_expect_where(test, f->spans[i],
				     i % 4 ? GOMEM_PARTIAL_SWEPT :
					     GOMEM_FULL_SWEPT);
	central_expect_spans(test, 12, 0);
	for (i = 0; i < 12; i++) {
		n = i % 4 * 2;
		central_free_objs(f, f->objs + 8 * i + n, 8 - n);
	}
	central_expect_spans(test, 0, 0);
}

/* Failure */

static void test_grow_fails(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *s;
	unsigned int n = 0;

	use_param(test);
	fake_fail(&f->base.fh.source.pages, 1, ~0UL);
	KUNIT_EXPECT_NULL(test, central_cache_gfp(f, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, central_cache_gfp(f, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, 0, central_alloc(f, f->objs, 1));
	KUNIT_EXPECT_EQ(test, 0, central_alloc(f, f->objs, 64));
	central_expect_spans(test, 0, 0);

	fake_fail_none(&f->base.fh.source.pages);
	s = central_full_span(test, f->objs);
	/*
	 * The class gets spans until the heap has no free pages. After a free
	 * the class can allocate again.
	 */
	fake_fail(&f->base.fh.source.pages, 1, ~0UL);
	while ((f->spans[n] = central_cache_gfp(f, GFP_KERNEL)))
		n++;
	central_expect_spans(test, n + 1, n);
	KUNIT_EXPECT_EQ(test, 0, central_alloc(f, f->batch, 1));
	KUNIT_EXPECT_EQ(test, 0, central_free_objs(f, f->objs, 1));
	if (f->nelems > 1) {
		KUNIT_EXPECT_PTR_EQ(test, s, central_cache(test));
		central_uncache(f, s);
		KUNIT_EXPECT_EQ(test, 0,
				central_free_objs(f, f->objs + 1,
						  f->nelems - 1));
	} else {
		central_uncache(f, central_cache(test));
	}
	while (n)
		central_uncache(f, f->spans[--n]);
	central_expect_spans(test, 0, 0);
}

/* gomem_mcentral_validate() finds each violation */

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
	{ "nspans differs from the number of spans listed and cached",	break_nspans },
	{ "nspans differs from the number of spans listed and cached",	break_ncached },
};

KUNIT_ARRAY_PARAM_DESC(break, break_cases, violation);

static void test_validate_violation(struct kunit *test)
{
	const struct break_case *c = test->param_value;
	struct mcentral_fixture *f = test->priv;
	struct gomem_mcentral whole;
	struct gomem_span *s, old;

	central_use_size(f, 1024);
	s = central_cache(test);
	central_take(s, f->objs, 3);
	central_uncache(f, s);
	central_free_objs(f, f->objs, 1);
	central_expect_heap(test);

	old = *s;
	whole.nspans = central_of(f)->nspans;
	whole.ncached = central_of(f)->ncached;
	c->fn(central_of(f), s);
	KUNIT_EXPECT_STREQ(test, c->violation,
			   gomem_mcentral_validate(central_of(f)) ?: "nothing");

	/* Undo the damage. */
	s->kind = old.kind;
	s->state = old.state;
	s->where = old.where;
	s->alloc_count = old.alloc_count;
	atomic_set(&s->pending, 1);
	list_move(&s->list, &central_of(f)->list[old.where]);
	central_of(f)->nspans = whole.nspans;
	central_of(f)->ncached = whole.ncached;
	central_free_objs(f, f->objs + 1, 2);
	central_expect_spans(test, 0, 0);
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
	KUNIT_CASE(test_cache_full_unswept),
	KUNIT_CASE(test_sweep_all),
	KUNIT_CASE_PARAM(test_grow_fails, size_gen_params),
	KUNIT_CASE_PARAM(test_validate_violation, break_gen_params),
	{}
};

static struct kunit_suite mcentral_suite = {
	.name = "gomem_mcentral",
	.init = central_init,
	.exit = central_exit,
	.test_cases = mcentral_cases,
};

kunit_test_suite(mcentral_suite);
