// SPDX-License-Identifier: GPL-2.0
/*
 * mheap_steps.c - helpers that allocate and free spans of a fake heap, and
 * compare the heap with an oracle: the live spans, and a bitmap of their pages.
 */
#include "mheap_steps.h"

/* Free a large object as gomem_free() does. */
bool mheap_free_large(struct gomem_heap *h, struct gomem_span *s,
		      unsigned long addr)
{
	if (gomem_heap_claim_large(h->map, addr) != s)
		return false;
	gomem_heap_free_span(s);
	return true;
}

struct fake_source *mheap_source_of(struct mheap_fixture *f)
{
	return &f->base.fh.source;
}

void mheap_make(struct kunit *test, unsigned long nr_chunks)
{
	struct mheap_fixture *f = test->priv;

	KUNIT_ASSERT_LE(test, nr_chunks, MAX_CHUNKS);
	KUNIT_ASSERT_EQ(test, 0,
			fake_heap_init(&f->base.fh, nr_chunks,
				       f->base.set.seed));
}

unsigned long mheap_page_of(const struct gomem_span *s, unsigned int i)
{
	return ((s->base - FAKE_BASE) >> GOMEM_PAGE_SHIFT) + i;
}

static unsigned int want_tag(const struct gomem_span *s, unsigned int i)
{
	unsigned int tag = gomem_make_tag(s->base, s->spc);

	if (!i && gomem_span_state(s) == GOMEM_SPAN_LARGE)
		tag |= GOMEM_TAG_LARGE;
	return tag;
}

static unsigned int tag_at(struct gomem_heap *h, unsigned long addr)
{
	unsigned long ci = gomem_pagemap_index(h->map, addr);
	u32 tag =
		gomem_pagemap_chunk(h->map, addr)->tag[gomem_chunk_page(addr)];

	/*
	 * A free reads the tag through the entry of the page map. Expect the
	 * same tag there as in the chunk.
	 */
	return gomem_pagemap_tag(h->map->entry[ci], addr) == tag ? tag : ~0U;
}

/*
 * Expect that the page map finds the span by the first and last byte of each
 * page.
 */
void mheap_expect_mapped(struct kunit *test, const struct gomem_span *s)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_heap *h = f->base.fh.heap;
	unsigned long addr, last;
	unsigned int i;

	for (i = 0; i < s->npages; i++) {
		addr = s->base + i * GOMEM_PAGE_SIZE;
		KUNIT_ASSERT_PTR_EQ_MSG(test, s,
					gomem_pagemap_span(h->map, addr),
					"page %u", i);
		last = addr + GOMEM_PAGE_SIZE - 1;
		KUNIT_ASSERT_PTR_EQ(test, s, gomem_pagemap_span(h->map, last));
		KUNIT_ASSERT_EQ_MSG(test, want_tag(s, i), tag_at(h, addr),
				    "page %u", i);
		KUNIT_ASSERT_TRUE(test, gomem_pagemap_has_page(h->map, addr));
		KUNIT_ASSERT_TRUE(test,
				  fake_page_is_out(mheap_source_of(f), addr));
	}
}

void mheap_expect_unmapped(struct kunit *test, unsigned long base,
			   unsigned int npages)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_heap *h = f->base.fh.heap;
	unsigned int i;

	for (i = 0; i < npages; i++) {
		unsigned long addr = base + i * GOMEM_PAGE_SIZE;

		KUNIT_ASSERT_NULL(test, gomem_pagemap_span(h->map, addr));
		KUNIT_ASSERT_EQ(test, 0, tag_at(h, addr));
		KUNIT_ASSERT_TRUE(test, gomem_pagemap_has_page(h->map, addr));
	}
}

static void expect_counters(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	struct fake_source *fake = mheap_source_of(f);
	unsigned long pages = 0, large = 0, large_pages = 0, sys = 0, inuse = 0;
	struct gomem_heap *h = f->base.fh.heap;
	struct gomem_heap_snapshot st;
	unsigned int i;

	for (i = 0; i < f->nr_live; i++) {
		pages += f->live[i]->npages;
		if (gomem_spc_class(f->live[i]->spc))
			continue;
		large++;
		large_pages += f->live[i]->npages;
	}
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++) {
		sys += h->spanalloc[i].sys;
		inuse += h->spanalloc[i].inuse;
	}

	gomem_heap_get(h, &st);
	KUNIT_ASSERT_EQ(test, pages, st.counts.inuse_pages);
	KUNIT_ASSERT_EQ(test, f->nr_live, st.counts.spans);
	KUNIT_ASSERT_EQ(test, large, st.counts.large);
	KUNIT_ASSERT_EQ(test, large_pages, st.counts.large_pages);
	KUNIT_ASSERT_EQ(test, st.counts.spans,
			st.counts.span_allocs - st.counts.span_frees);
	KUNIT_ASSERT_EQ(test, st.counts.large,
			st.counts.large_allocs - st.counts.large_frees);
	KUNIT_ASSERT_EQ(test, inuse, st.span_bytes);
	KUNIT_ASSERT_EQ(test, atomic_long_read(&fake->src.heap_pages),
			st.free_pages + st.counts.inuse_pages);
	KUNIT_ASSERT_EQ(test, fake->nr_out,
			st.free_pages + st.counts.inuse_pages);
	KUNIT_ASSERT_EQ(test, fake->meta_out,
			atomic_long_read(&fake->src.meta_bytes));
	KUNIT_ASSERT_EQ(test, fake->meta_out, sys + h->chunkalloc.sys);
	KUNIT_ASSERT_EQ(test, h->chunkalloc.inuse,
			st.chunks * sizeof(struct gomem_chunk));
}

static void expect_descriptors(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_heap *h = f->base.fh.heap;
	const char *violation;
	unsigned int i;

	spin_lock_irq(&h->lock);
	violation = gomem_fixalloc_validate(&h->chunkalloc);
	for (i = 0; i < GOMEM_NR_SPAN_SIZES && !violation; i++)
		violation = gomem_fixalloc_validate(&h->spanalloc[i]);
	spin_unlock_irq(&h->lock);
	KUNIT_ASSERT_TRUE_MSG(test, !violation, "%s", violation);
}

void mheap_expect(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;
	const char *violation =
		fake_heap_check(f->base.fh.heap, f->live, f->nr_live);

	KUNIT_ASSERT_TRUE_MSG(test, !violation, "%s", violation);
	KUNIT_ASSERT_TRUE_MSG(test, !mheap_source_of(f)->error, "%s",
			      mheap_source_of(f)->error);
	expect_counters(test);
	expect_descriptors(test);
}

static bool claim_pages(struct mheap_fixture *f, const struct gomem_span *s)
{
	unsigned int i;

	for (i = 0; i < s->npages; i++)
		if (test_and_set_bit(mheap_page_of(s, i), f->owned))
			return false;
	return true;
}

/*
 * Allocate a span, and expect that no other span has its pages. Return NULL if
 * there is no memory.
 */
struct gomem_span *mheap_try_span(struct kunit *test,
				  const struct gomem_span_request *req)
{
	struct mheap_fixture *f = test->priv;
	struct gomem_span *s = fake_heap_span(f->base.fh.heap, req);
	bool large = gomem_kind_is_large(req->kind);

	if (!s)
		return NULL;
	KUNIT_ASSERT_LT(test, f->nr_live, MAX_LIVE);
	f->live[f->nr_live++] = s;
	KUNIT_ASSERT_EQ(test, req->npages, s->npages);
	KUNIT_ASSERT_PTR_EQ(test, req->kind, s->kind);
	KUNIT_ASSERT_EQ(test, large ? GOMEM_SPAN_LARGE : GOMEM_SPAN_DEAD,
			gomem_span_state(s));
	KUNIT_ASSERT_EQ(test, large, s->alloc_count);
	KUNIT_ASSERT_NULL(test, gomem_span_validate(s));
	if (req->aligned)
		KUNIT_ASSERT_TRUE_MSG(test,
				      !(s->base &
					(req->npages * GOMEM_PAGE_SIZE - 1)),
				      "%u pages at %#lx", req->npages, s->base);
	KUNIT_ASSERT_TRUE_MSG(test, claim_pages(f, s), "pages given out twice");
	mheap_expect_mapped(test, s);
	return s;
}

struct gomem_span *mheap_get_span(struct kunit *test,
				  const struct gomem_span_request *req)
{
	struct gomem_span *s = mheap_try_span(test, req);

	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

struct gomem_span *mheap_get_large(struct kunit *test, unsigned int npages)
{
	struct gomem_span_request req = fake_large_request(npages);

	return mheap_get_span(test, &req);
}

void mheap_forget_span(struct mheap_fixture *f, struct gomem_span *s)
{
	unsigned int i;

	for (i = 0; i < s->npages; i++)
		clear_bit(mheap_page_of(s, i), f->owned);
	for (i = 0; f->live[i] != s; i++)
		;
	f->live[i] = f->live[--f->nr_live];
}

void mheap_put_span(struct kunit *test, struct gomem_span *s)
{
	unsigned int npages = s->npages;
	struct mheap_fixture *f = test->priv;
	unsigned long base = s->base;

	mheap_forget_span(f, s);
	if (gomem_spc_class(s->spc))
		gomem_heap_free_span(s);
	else
		KUNIT_ASSERT_TRUE(test,
				  mheap_free_large(f->base.fh.heap, s, base));
	mheap_expect_unmapped(test, base, npages);
}

void mheap_put_all(struct kunit *test)
{
	struct mheap_fixture *f = test->priv;

	while (f->nr_live)
		mheap_put_span(test,
			       f->live[below(&f->base.set.rnd, f->nr_live)]);
	mheap_expect(test);
}

int mheap_init(struct kunit *test)
{
	if (!heap_fixture_alloc(test, sizeof(struct mheap_fixture)))
		return -ENOMEM;
	return 0;
}
