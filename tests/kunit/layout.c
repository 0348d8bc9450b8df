// SPDX-License-Identifier: GPL-2.0
/*
 * layout.c - layouts of live and free spans in a fake heap.
 */
#include "layout.h"

struct fake_source *fake_source_of(struct heap_fixture *f)
{
	return &f->fh.source;
}

struct gomem_heap *layout_make(struct kunit *test, unsigned long nr_chunks)
{
	struct heap_fixture *f = test->priv;

	KUNIT_ASSERT_LE(test, nr_chunks, SPAN_SET_CHUNKS);
	KUNIT_ASSERT_EQ(test, 0,
			fake_heap_init(&f->fh, nr_chunks, f->set.seed));
	return f->fh.heap;
}

void layout_expect(struct kunit *test)
{
	struct heap_fixture *f = test->priv;

	span_set_expect(test, &f->set, f->fh.heap);
}

/* Fetch all pages of the source into the heap, as free pages. */
void layout_fill(struct kunit *test)
{
	struct heap_fixture *f = test->priv;
	unsigned long i;

	for (i = 0; i < fake_source_of(f)->nr_pages / CHUNK; i++)
		span_set_get(test, &f->set, f->fh.heap, CHUNK);
	span_set_put_all(test, &f->set);
	KUNIT_ASSERT_EQ(test, fake_source_of(f)->nr_pages,
			f->fh.heap->pages.free_pages);
}

/* Free @n pages from number @page on, each of which is a span of its own. */
void layout_free_run(struct kunit *test, unsigned long page, unsigned int n)
{
	struct heap_fixture *f = test->priv;

	for (; n--; page++) {
		unsigned long addr = FAKE_BASE + (page << GOMEM_PAGE_SHIFT);

		span_set_put(test, &f->set,
			     gomem_pagemap_span(f->fh.heap->map, addr));
	}
}

/* Make each page of the first @nr_chunks chunks a span. */
void layout_fill_pages(struct kunit *test, unsigned int nr_chunks)
{
	struct heap_fixture *f = test->priv;
	struct gomem_span *s;
	unsigned long i;

	layout_fill(test);
	for (i = 0; i < nr_chunks * CHUNK; i++) {
		s = span_set_get(test, &f->set, f->fh.heap, 1);
		KUNIT_ASSERT_EQ(test, i, span_set_index(s));
	}
}
