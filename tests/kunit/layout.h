/* SPDX-License-Identifier: GPL-2.0 */
/*
 * layout.h - layouts of live and free spans in a fake heap.
 */
#ifndef GOMEM_TEST_LAYOUT_H
#define GOMEM_TEST_LAYOUT_H

#include <kunit/test.h>

#include "fixture.h"

#define CHUNK		GOMEM_CHUNK_PAGES

struct fake_source *fake_source_of(struct heap_fixture *f);
struct gomem_heap *layout_make(struct kunit *test, unsigned long nr_chunks);
void layout_expect(struct kunit *test);
void layout_fill(struct kunit *test);
void layout_free_run(struct kunit *test, unsigned long page, unsigned int n);
void layout_fill_pages(struct kunit *test, unsigned int nr_chunks);

#endif /* GOMEM_TEST_LAYOUT_H */
