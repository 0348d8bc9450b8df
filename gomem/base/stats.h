/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stats.h - per-CPU counters of events.
 *
 * Hits are counted in the slots themselves (cpu/slot.h), so the hit path of
 * tasks has no counter here. Events of pages are counted under the lock of the
 * heap (heap/mheap.h) or of a page cache.
 */
#ifndef GOMEM_STATS_H
#define GOMEM_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

/*
 * GOMEM_EV_TINY_CUTS and _UNCUTS count the allocations and frees of tiny
 * objects by tasks in the block that their CPU holds; GOMEM_EV_TINY_ALLOCS and
 * _FREES count the others.
 *
 * Calls from softirqs have other counters than calls from hard interrupts. To
 * choose the counter takes about 4 of the 65 instructions of a hit in an
 * interrupt. In return a test can check that it called gomem in both contexts,
 * and a driver author sees in which context the driver allocates.
 */
enum gomem_event {
	GOMEM_EV_SOFTIRQ_ALLOCS,
	GOMEM_EV_SOFTIRQ_FREES,
	GOMEM_EV_HARDIRQ_ALLOCS,
	GOMEM_EV_HARDIRQ_FREES,
	GOMEM_EV_SPAN_REFILLS,
	GOMEM_EV_CENTRAL_REFILLS,
	GOMEM_EV_FLUSHES,
	GOMEM_EV_FLUSHED_OBJECTS,
	GOMEM_EV_TRANSFERRED_OBJECTS,
	GOMEM_EV_CACHED_SPAN_FREES,
	GOMEM_EV_SWEEPS,
	GOMEM_EV_SWEPT_OBJECTS,
	GOMEM_EV_SHORT_SPANS,
	GOMEM_EV_ALLOC_FAILURES,
	GOMEM_EV_ZEROING_SKIPPED,
	GOMEM_EV_REALLOC_IN_PLACE,
	GOMEM_EV_REALLOC_MOVED,
	GOMEM_EV_RCU_FREES,
	GOMEM_EV_RCU_BATCHES,
	GOMEM_EV_CPU_DRAINS,
	GOMEM_EV_IDLE_OBJECTS,
	GOMEM_EV_REMOTE_ALLOCS,
	GOMEM_EV_REMOTE_FREES,
	GOMEM_EV_ARENA_CREATES,
	GOMEM_EV_ARENA_ALLOCS,
	GOMEM_EV_TINY_ALLOCS,
	GOMEM_EV_TINY_FREES,
	GOMEM_EV_TINY_CUTS,
	GOMEM_EV_TINY_UNCUTS,
	GOMEM_EV_PROFILE_SAMPLES,
	GOMEM_EV_PROFILE_DROPPED,
	GOMEM_NR_EVENTS,
};

struct gomem_events {
	u64 count[GOMEM_NR_EVENTS];
};

DECLARE_PER_CPU(struct gomem_events, gomem_events);

extern const char * const gomem_event_names[GOMEM_NR_EVENTS];

static inline void gomem_count(enum gomem_event ev, unsigned int n)
{
	this_cpu_add(gomem_events.count[ev], n);
}

/*
 * Count an event that only tasks count, with preemption off. Interrupt handlers
 * do not change this count, so they may interrupt the increment. On some
 * architectures it takes fewer instructions than gomem_count().
 */
static __always_inline void gomem_count_pinned(enum gomem_event ev)
{
	raw_cpu_inc(gomem_events.count[ev]);
}

u64 gomem_event_sum(enum gomem_event ev);

#endif /* GOMEM_STATS_H */
