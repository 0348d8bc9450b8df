// SPDX-License-Identifier: GPL-2.0
/*
 * pcaches_steps.c - fake heaps whose CPUs have page caches. The data of the
 * test begins with a struct heap_fixture.
 */
#include <linux/percpu.h>
#include <linux/smp.h>

#include "pcaches_steps.h"

/* Make a heap of up to @nr_chunks chunks, whose page caches may keep pages. */
struct gomem_heap *pcaches_make(struct kunit *test, unsigned long nr_chunks)
{
	struct heap_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0,
			fake_heap_init(&f->fh, nr_chunks, f->set.seed));
	f->fh.heap->pcache_max = GOMEM_PCACHE_PAGES;
	return f->fh.heap;
}

/* Let the heap have @nr_chunks free chunks. */
void pcaches_fill(struct kunit *test, struct gomem_heap *h,
		  unsigned int nr_chunks)
{
	struct heap_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < nr_chunks; i++)
		span_set_get(test, &f->set, h, CHUNK);
	span_set_put_all(test, &f->set);
	KUNIT_ASSERT_EQ(test, nr_chunks * CHUNK, h->pages.free_pages);
}

/* Return this CPU's page cache. */
struct gomem_pcache *pcaches_here(struct gomem_heap *h)
{
	return per_cpu_ptr(h->pcache, raw_smp_processor_id());
}
