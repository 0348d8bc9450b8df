/* SPDX-License-Identifier: GPL-2.0 */
/*
 * free_bytes.h - measure how much memory the machine has free.
 *
 * The result includes the changes that CPUs have not yet added to the global
 * counters, and counts the pages on per-CPU free lists as free.
 */
#ifndef GOMEM_FREE_BYTES_H
#define GOMEM_FREE_BYTES_H

#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/vmstat.h>

static inline s64 zone_free_pages(struct zone *zone)
{
	s64 pages = zone_page_state_snapshot(zone, NR_FREE_PAGES);
	const struct per_cpu_pages *pcp;
	int cpu;

	for_each_online_cpu(cpu) {
		pcp = per_cpu_ptr(zone->per_cpu_pageset, cpu);
		pages += READ_ONCE(pcp->count);
	}
	return pages;
}

static inline s64 free_bytes(void)
{
	struct zone *zone;
	s64 pages = 0;
	int nid, i;

	for_each_online_node(nid) {
		for (i = 0; i < MAX_NR_ZONES; i++) {
			zone = &NODE_DATA(nid)->node_zones[i];
			if (populated_zone(zone))
				pages += zone_free_pages(zone);
		}
	}
	return pages << PAGE_SHIFT;
}

#endif /* GOMEM_FREE_BYTES_H */
