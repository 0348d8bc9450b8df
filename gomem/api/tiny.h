/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tiny.h - allocate tiny objects from new blocks, free tiny objects, and count
 * both objects and blocks.
 */
#ifndef GOMEM_TINY_H
#define GOMEM_TINY_H

#include <linux/gfp.h>
#include <linux/types.h>

#include "base/stats.h"
#include "map/report.h"
#include "map/tinyblock.h"
#include "cpu/mcache.h"

/**
 * struct gomem_tiny_stats - counts of all nodes together
 * @allocs: objects cut from blocks so far
 * @frees: objects of @allocs that were freed
 * @block_allocs: blocks taken so far
 * @blocks: live blocks, including the current blocks of CPUs
 * @cached: free blocks in CPUs' slots
 * @cached_spans: spans that CPUs' slots refill from
 * @spans: spans of blocks
 * @sys: bytes of all @spans
 */
struct gomem_tiny_stats {
	u64 allocs;
	u64 frees;
	u64 block_allocs;
	u64 blocks;
	u64 cached;
	u64 cached_spans;
	u64 spans;
	u64 sys;
};

/* Return the rest that this CPU's tasks cut from. Preemption is off. */
static __always_inline struct gomem_tiny *gomem_tiny_of_tasks(void)
{
	return &raw_cpu_read(gomem_mcache_task)->tiny;
}

/*
 * Free and count an object of the block that this CPU's tasks cut from. Return
 * false if that is not possible: see gomem_tiny_uncut(). The caller is a task
 * with preemption off.
 */
static __always_inline bool gomem_tiny_free_held(void *p)
{
	if (unlikely(!gomem_tiny_uncut(gomem_tiny_of_tasks(), p)))
		return false;
	gomem_count_pinned(GOMEM_EV_TINY_UNCUTS);
	return true;
}

void *gomem_tiny_alloc_slow(size_t size, gfp_t gfp, unsigned long caller);
void gomem_tiny_free(void *p, unsigned long caller);
void gomem_tiny_free_pinned(void *p, unsigned long caller);
void gomem_tiny_report(enum gomem_misuse if_free, const void *p,
		       unsigned long caller);
void gomem_tiny_get_stats(struct gomem_tiny_stats *st);
const char *gomem_tiny_check(void);

#endif /* GOMEM_TINY_H */
