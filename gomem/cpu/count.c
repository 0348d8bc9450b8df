// SPDX-License-Identifier: GPL-2.0
/*
 * count.c - count the objects of a kind over all CPUs.
 */
#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "cpu/mcentral.h"
#include "cpu/node.h"
#include "cpu/place.h"

static void count_slot(const struct gomem_kind *k, int cpu, bool irq,
		       struct gomem_class_counts *n)
{
	struct gomem_slot_view v;
	struct gomem_place p;

	if (!gomem_place_find(k, cpu, irq, &p))
		return;
	gomem_place_view(&p, &v);
	n->mallocs += v.allocs;
	n->frees += v.allocs + v.held + v.flushed - v.refilled;
	n->cached += v.held;
	n->cached_spans += v.span;
}

/**
 * gomem_mcache_count - add up a kind's counts of all CPUs and nodes
 * @k: the kind, not that of large objects
 * @n: set to the sums
 *
 * Context: any.
 */
void gomem_mcache_count(const struct gomem_kind *k,
			struct gomem_class_counts *n)
{
	struct gomem_mcentral *c;
	struct gomem_heap *h;
	int cpu;

	memset(n, 0, sizeof(*n));
	for_each_possible_cpu(cpu) {
		count_slot(k, cpu, false, n);
		count_slot(k, cpu, true, n);
	}
	for_each_gomem_heap(h) {
		c = gomem_central(h, k);
		n->cached += READ_ONCE(c->transfer.n);
		n->mallocs += atomic64_read(&c->direct_allocs);
		n->frees += atomic64_read(&c->direct_frees);
	}
	/*
	 * CPUs may have allocated and freed during this count. So a free may
	 * have been counted without its allocation: allow no more frees than
	 * allocations.
	 */
	n->frees = clamp_t(s64, n->frees, 0, n->mallocs);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_count);
