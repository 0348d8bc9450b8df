/* SPDX-License-Identifier: GPL-2.0 */
/*
 * statsfile.h - print gomem's counters as text, for people and tools.
 */
#ifndef GOMEM_STATSFILE_H
#define GOMEM_STATSFILE_H

#include "cpu/node.h"

struct seq_file;

static inline u64 gomem_page_bytes(u64 pages)
{
	return pages << GOMEM_PAGE_SHIFT;
}

/* Return how many pages a heap has given back: the sum over all reasons. */
static inline u64 gomem_released_pages(const struct gomem_heap_stats *stats)
{
	unsigned int i;
	u64 pages = 0;

	for (i = 0; i < GOMEM_NR_SCAVENGE_REASONS; i++)
		pages += stats->released[i];
	return pages;
}

int gomem_stats_show(struct seq_file *m, void *unused);
int gomem_scavenge_show(struct seq_file *m, void *unused);

#endif /* GOMEM_STATSFILE_H */
