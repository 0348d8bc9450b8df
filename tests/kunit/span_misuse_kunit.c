// SPDX-License-Identifier: GPL-2.0
/*
 * span_misuse_kunit.c - bad frees into a span, and the violated invariants that
 * the validator, gomem_span_validate(), finds.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "fixture.h"
#include "span_steps.h"
#include "base/sizeclass.h"
#include "map/span.h"

/* Misuse */

static const struct bad_case {
	const char *name;
	unsigned int word;
	unsigned long mask;
	unsigned long bad;
} bad_cases[] = {
	/* Cells 0 to 69 are allocated, except for 8 and 9, which are freed. */
	{ "free already",		0, BIT(8),		BIT(8) },
	{ "two free already",		0, BIT(8) | BIT(9),	BIT(8) | BIT(9) },
	{ "one of two free already",	0, BIT(7) | BIT(8),	BIT(8) },
	{ "a word, two free already",	0, ~0UL,		BIT(8) | BIT(9) },
	{ "never allocated",		1, BIT(6),		BIT(6) },
	{ "one of two allocated",	1, BIT(5) | BIT(6),	BIT(6) },
	{ "word never allocated",	3, ~0UL,		~0UL },
	{ "last cell",			5, BIT(20),		BIT(20) },
	{ "beyond the last cell",	5, BIT(21),		BIT(21) },
	{ "beyond in the last word",	5, BIT(63),		BIT(63) },
};

KUNIT_ARRAY_PARAM_DESC(bad, bad_cases, name);

static void test_put_bad(struct kunit *test)
{
	const struct bad_case *c = test->param_value;
	struct span_fixture *f = test->priv;
	int pending;

	span_make(test, gomem_spc_make(3, false));
	KUNIT_ASSERT_EQ(test, 341, f->s->nelems);
	span_take(test, 70);
	span_put(test, 0, BIT(8) | BIT(9));

	pending = atomic_add_return(hweight_long(c->mask), &f->s->pending);
	KUNIT_EXPECT_EQ(test, c->bad, gomem_span_put(f->s, c->word, c->mask));
	/*
	 * gomem_span_put() does not change @pending. Its callers add the number
	 * of cells before the call, and subtract that of the bad ones after it.
	 */
	KUNIT_EXPECT_EQ(test, pending, atomic_read(&f->s->pending));
	atomic_sub(hweight_long(c->mask), &f->s->pending);
}

/*
 * Bad frees change nothing. Free the cells of the case twice, sweep, and free
 * the bad cells again. Each step compares the span with the oracle.
 */
static void test_put_bad_harmless(struct kunit *test)
{
	const struct bad_case *c = test->param_value;
	struct span_fixture *f = test->priv;

	span_make(test, gomem_spc_make(3, false));
	span_take(test, 70);
	span_put(test, 0, BIT(8) | BIT(9));
	span_put(test, c->word, c->mask);
	span_put(test, c->word, c->mask);
	span_sweep(test);
	span_put(test, c->word, c->mask & c->bad);
	span_sweep(test);
	span_take_all(test);
	KUNIT_EXPECT_EQ(test, 341, f->s->alloc_count);
}

/*
 * Two frees of a cell may race with a sweep. The second free then sets the
 * freed bit of a cell that is free already. A sweep counts such bits as bad.
 */
static void test_sweep_bad(struct kunit *test)
{
	struct span_fixture *f = test->priv;
	struct gomem_sweep res;

	span_make(test, gomem_spc_make(3, false));
	span_take(test, 70);
	span_put(test, 0, BIT(8));
	span_put(test, 1, BIT(3));
	gomem_span_freed_bits(f->s)[0] |= BIT(9);
	gomem_span_freed_bits(f->s)[1] |= BIT(6);
	gomem_span_freed_bits(f->s)[4] |= BIT(0) | BIT(63);
	atomic_add(4, &f->s->pending);

	res = gomem_span_sweep(f->s);
	KUNIT_EXPECT_EQ(test, 3, res.freed);
	KUNIT_EXPECT_EQ(test, 3, res.bad);
	f->state[8] = FREE;
	f->state[9] = FREE;
	f->state[67] = FREE;
	f->cursor = 0;
	span_expect(test, __func__);
}

/* The validator finds each violation */

static void break_alloc_count(struct gomem_span *s)
{
	s->alloc_count--;
}

static void break_alloc_bit(struct gomem_span *s)
{
	gomem_span_alloc_bits(s)[1] &= ~BIT(3);
}

static void break_tail(struct gomem_span *s)
{
	gomem_span_alloc_bits(s)[s->nwords - 1] |= BIT(63);
	s->alloc_count++;
}

static void break_freed(struct gomem_span *s)
{
	gomem_span_freed_bits(s)[4] |= 1;
}

static void break_pending(struct gomem_span *s)
{
	atomic_inc(&s->pending);
}

static void break_freeindex(struct gomem_span *s)
{
	s->freeindex = s->nelems + 1;
}

static void break_below(struct gomem_span *s)
{
	s->freeindex = 101;
}

static void break_fresh(struct gomem_span *s)
{
	s->fresh = 99;
}

static void break_cache_bit(struct gomem_span *s)
{
	s->alloc_cache ^= 1;
}

static void break_cache_last_bit(struct gomem_span *s)
{
	s->alloc_cache ^= BIT_ULL(63 - s->freeindex % 64);
}

static const struct break_case {
	const char *violation;
	void (*fn)(struct gomem_span *s);
} break_cases[] = {
	{ "alloc_count is not the number of alloc bits",	break_alloc_count },
	{ "alloc_count is not the number of alloc bits",	break_alloc_bit },
	{ "alloc bit beyond the last cell",			break_tail },
	{ "freed bit of a cell that is not allocated",		break_freed },
	{ "pending is not the number of freed bits",		break_pending },
	{ "freeindex beyond the last cell",			break_freeindex },
	{ "free cell below freeindex",				break_below },
	{ "allocated cell that was never handed out",		break_fresh },
	{ "alloc_cache differs from the alloc bits",		break_cache_bit },
	{ "alloc_cache differs from the alloc bits",		break_cache_last_bit },
};

KUNIT_ARRAY_PARAM_DESC(break, break_cases, violation);

static void test_validate_violation(struct kunit *test)
{
	const struct break_case *c = test->param_value;
	struct span_fixture *f = test->priv;

	span_make(test, gomem_spc_make(3, false));
	span_take(test, 100);
	span_put(test, 1, BIT(0) | BIT(3));
	c->fn(f->s);
	KUNIT_EXPECT_STREQ(test, c->violation,
			   gomem_span_validate(f->s) ?: "nothing");
}

static struct kunit_case span_misuse_cases[] = {
	KUNIT_CASE_PARAM(test_put_bad, bad_gen_params),
	KUNIT_CASE_PARAM(test_put_bad_harmless, bad_gen_params),
	KUNIT_CASE(test_sweep_bad),
	KUNIT_CASE_PARAM(test_validate_violation, break_gen_params),
	{}
};

static struct kunit_suite span_misuse_suite = {
	.name = "gomem_span_misuse",
	.init = span_init,
	.test_cases = span_misuse_cases,
};

kunit_test_suite(span_misuse_suite);
