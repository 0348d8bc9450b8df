// SPDX-License-Identifier: GPL-2.0
/*
 * stats.c - the event counters and their names in debugfs.
 */
#include <kunit/visibility.h>
#include <linux/build_bug.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>

#include "base/stats.h"

DEFINE_PER_CPU(struct gomem_events, gomem_events);

/* Events of tiny objects have no names: debugfs shows only sums of them. */
const char * const gomem_event_names[GOMEM_NR_EVENTS] = {
	[GOMEM_EV_SOFTIRQ_ALLOCS]	= "softirq_allocs",
	[GOMEM_EV_SOFTIRQ_FREES]	= "softirq_frees",
	[GOMEM_EV_HARDIRQ_ALLOCS]	= "hardirq_allocs",
	[GOMEM_EV_HARDIRQ_FREES]	= "hardirq_frees",
	[GOMEM_EV_SPAN_REFILLS]		= "span_refills",
	[GOMEM_EV_CENTRAL_REFILLS]	= "central_refills",
	[GOMEM_EV_FLUSHES]		= "flushes",
	[GOMEM_EV_FLUSHED_OBJECTS]	= "flushed_objects",
	[GOMEM_EV_TRANSFERRED_OBJECTS]	= "transferred_objects",
	[GOMEM_EV_CACHED_SPAN_FREES]	= "cached_span_frees",
	[GOMEM_EV_SWEEPS]		= "sweeps",
	[GOMEM_EV_SWEPT_OBJECTS]	= "swept_objects",
	[GOMEM_EV_SHORT_SPANS]		= "short_spans",
	[GOMEM_EV_ALLOC_FAILURES]	= "alloc_failures",
	[GOMEM_EV_ZEROING_SKIPPED]	= "zeroing_skipped",
	[GOMEM_EV_REALLOC_IN_PLACE]	= "realloc_in_place",
	[GOMEM_EV_REALLOC_MOVED]	= "realloc_moved",
	[GOMEM_EV_RCU_FREES]		= "rcu_frees",
	[GOMEM_EV_RCU_BATCHES]		= "rcu_batches",
	[GOMEM_EV_CPU_DRAINS]		= "cpu_drains",
	[GOMEM_EV_IDLE_OBJECTS]		= "idle_objects",
	[GOMEM_EV_REMOTE_ALLOCS]	= "remote_allocs",
	[GOMEM_EV_REMOTE_FREES]		= "remote_frees",
	[GOMEM_EV_ARENA_CREATES]	= "arena_creates",
	[GOMEM_EV_ARENA_ALLOCS]		= "arena_allocs",
	[GOMEM_EV_PROFILE_SAMPLES]	= "profile_samples",
	[GOMEM_EV_PROFILE_DROPPED]	= "profile_dropped",
};

/**
 * gomem_event_sum - add up an event's counters of all CPUs
 * @ev: the event
 *
 * Runs concurrently with gomem_count() on any CPU, so the sum may be stale.
 *
 * Return: the sum, offline CPUs included.
 */
u64 gomem_event_sum(enum gomem_event ev)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(gomem_events, cpu).count[ev]);
	return sum;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_event_sum);
