// SPDX-License-Identifier: GPL-2.0
/*
 * snapshot.c - count the pages, spans and events of a heap.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include "heap/desc.h"
#include "heap/mheap.h"

/*
 * Correct the sums of the CPUs' counts. The counts are read one after the
 * other, and change meanwhile. So if a span is made on one CPU and freed on
 * another, a sum may include only the free. Set negative sums to 0, and allow
 * no more frees of large objects than allocations.
 */
static void clamp_counts(struct gomem_heap_snapshot *snap)
{
	struct gomem_span_counts *n = &snap->counts;

	n->inuse_pages = max(n->inuse_pages, 0L);
	n->spans = max(n->spans, 0L);
	n->large = max(n->large, 0L);
	n->large_pages = max(n->large_pages, 0L);
	n->arena_spans = max(n->arena_spans, 0L);
	n->arena_pages = max(n->arena_pages, 0L);
	n->large_frees = min(n->large_frees, n->large_allocs);
	if ((ssize_t)snap->span_bytes < 0)
		snap->span_bytes = 0;
}

/* Return the bytes of the span descriptors that a page cache keeps. */
static size_t kept_descs(const struct gomem_pcache *pc)
{
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
		bytes += pc->nr_desc[i] * gomem_span_desc_size(i);
	for (i = 0; i < pc->nr_runs; i++)
		if (pc->run[i].span)
			bytes += gomem_span_desc_size(pc->run[i].span->desc);
	return bytes;
}

static void get_cpu_counts(struct gomem_heap *h,
			   struct gomem_heap_snapshot *snap)
{
	struct gomem_pcache *pc;
	unsigned long flags;
	int cpu;

	for_each_possible_cpu(cpu) {
		pc = per_cpu_ptr(h->pcache, cpu);
		spin_lock_irqsave(&pc->lock, flags);
		gomem_span_counts_add(&snap->counts, &pc->counts);
		snap->cached_pages += hweight64(pc->free) +
				      gomem_pcache_run_pages(pc);
		snap->span_bytes -= kept_descs(pc);
		spin_unlock_irqrestore(&pc->lock, flags);
	}
}

/**
 * gomem_heap_get - take a snapshot of a heap's counts
 * @h: the heap
 * @snap: filled in; exact only if no CPU makes or frees spans meanwhile
 */
void gomem_heap_get(struct gomem_heap *h, struct gomem_heap_snapshot *snap)
{
	unsigned long flags;
	unsigned int i;

	memset(snap, 0, sizeof(*snap));
	get_cpu_counts(h, snap);
	spin_lock_irqsave(&h->lock, flags);
	snap->stats = h->stats;
	snap->free_pages = h->pages.free_pages;
	snap->backed_pages = h->pages.backed_pages;
	snap->chunks = h->pages.nr_registered;
	snap->hole_pages = snap->chunks * GOMEM_CHUNK_PAGES -
			   snap->backed_pages;
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++) {
		snap->span_bytes += h->spanalloc[i].inuse;
		snap->span_sys += h->spanalloc[i].sys;
	}
	spin_unlock_irqrestore(&h->lock, flags);
	clamp_counts(snap);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_get);
