// SPDX-License-Identifier: GPL-2.0
/*
 * central.c - the mcentral of one size class in a fake heap, and functions that
 * use its spans.
 */
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/mm.h>

#include "central.h"
#include "run/check.h"

struct gomem_mcentral *central_of(struct mcentral_fixture *f)
{
	return &f->base.fh.heap->central[f->spc];
}

/* Select the size class of the case. */
void central_use_size(struct mcentral_fixture *f, unsigned int size)
{
	f->spc = gomem_spc_make(gomem_sizeclass(size), false);
	f->nelems = gomem_class_nelems(gomem_spc_class(f->spc));
}

struct gomem_span *central_cache_gfp(struct mcentral_fixture *f, gfp_t gfp)
{
	struct gomem_refill r = { .want_span = true };

	central_get(&f->base.fh.heap->central[f->spc], gfp, &r);
	return r.span;
}

struct gomem_span *central_cache(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *s = central_cache_gfp(f, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_EQ(test, f->spc, s->spc);
	KUNIT_ASSERT_EQ(test, GOMEM_SPAN_CACHED, gomem_span_state(s));
	KUNIT_ASSERT_LT_MSG(test, s->freeindex, s->nelems,
			    "a span without a free cell");
	return s;
}

void central_uncache(struct mcentral_fixture *f, struct gomem_span *s)
{
	gomem_mcentral_uncache(s);
}

unsigned int central_take(struct gomem_span *s, void **out, unsigned int want)
{
	unsigned int recycled;

	return gomem_span_take(s, out, want, &recycled);
}

unsigned int central_alloc(struct mcentral_fixture *f, void **out,
			   unsigned int want)
{
	struct gomem_refill r = { };
	unsigned int n;

	for (n = 0; n < want; n += r.n) {
		r.objs = out + n;
		r.want = min(want - n, GOMEM_BATCH_MAX);
		central_get(&f->base.fh.heap->central[f->spc], GFP_KERNEL, &r);
		if (!r.n)
			break;
	}
	return n;
}

unsigned int central_free_objs(struct mcentral_fixture *f, void **objs,
			       unsigned int n)
{
	return gomem_mcentral_free(&f->base.fh.heap->central[f->spc], objs, n,
				   false);
}

/*
 * Return an uncached span whose objects are all allocated and stored in @objs.
 */
struct gomem_span *central_full_span(struct kunit *test, void **objs)
{
	struct mcentral_fixture *f = test->priv;
	struct gomem_span *s = central_cache(test);

	KUNIT_ASSERT_EQ(test, 0, s->alloc_count);
	KUNIT_ASSERT_EQ(test, f->nelems, central_take(s, objs, f->nelems));
	central_uncache(f, s);
	return s;
}

/*
 * Search the lists of the mcentral for a span, without trusting s->where.
 * Return the list, or NOWHERE.
 */
static int where_is(struct mcentral_fixture *f, const struct gomem_span *s)
{
	const struct gomem_span *other;
	int where, found = NOWHERE;

	for (where = 0; where < GOMEM_NR_SPAN_LISTS; where++)
		list_for_each_entry(other, &central_of(f)->list[where], list)
			if (other == s)
				found = where;
	return found;
}

void central_expect_where(struct kunit *test, const struct gomem_span *s,
			  int where)
{
	struct mcentral_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, where, where_is(f, s));
}

void central_expect_heap(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;
	const char *violation = gomem_check(f->base.fh.heap);

	KUNIT_ASSERT_TRUE_MSG(test, !violation, "%s", violation);
	KUNIT_ASSERT_TRUE_MSG(test, !f->base.fh.source.error, "%s",
			      f->base.fh.source.error);
}

void central_expect_spans(struct kunit *test, unsigned long nspans,
			  unsigned long ncached)
{
	struct mcentral_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, nspans, central_of(f)->nspans);
	KUNIT_EXPECT_EQ(test, ncached, central_of(f)->ncached);
	KUNIT_EXPECT_EQ(test, nspans, fake_heap_spans(&f->base.fh));
	central_expect_heap(test);
}

unsigned int central_count_freed(struct gomem_span *s)
{
	unsigned int w, n = 0;

	for (w = 0; w < s->nwords; w++)
		n += hweight_long(gomem_span_freed_bits(s)[w]);
	return n;
}

int central_init(struct kunit *test)
{
	struct mcentral_fixture *f = heap_fixture_alloc(test, sizeof(*f));

	return f ? fake_heap_init(&f->base.fh, NR_CHUNKS, f->base.set.seed) :
		   -ENOMEM;
}

void central_exit(struct kunit *test)
{
	struct mcentral_fixture *f = test->priv;

	if (!f)
		return;
	heap_fixture_exit(test);
	kvfree(f->live);
}
