/* SPDX-License-Identifier: GPL-2.0 */
/*
 * candidates.h - the chunks of a heap that have free pages to give back, sorted
 * by rank, the best first.
 *
 * A chunk's rank tells what the scavenger will find there. It is only a hint.
 * When pages of a chunk become free its rank becomes NEW, until the scavenger
 * visits the chunk. When pages are taken the rank stays as it is. So the
 * scavenger ranks each chunk anew before it takes pages from it.
 *
 * The scavenger visits a chunk to give pages back, or because the chunk has
 * changed: pages became free, were taken, or came to the end of their grace
 * period. So the cost of scavenging depends on the number of pages given back
 * and of such changes, not on the size of the heap.
 *
 * The heap's lock protects the ranks, the lists and the trees.
 */
#ifndef GOMEM_CANDIDATES_H
#define GOMEM_CANDIDATES_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "map/chunk.h"

/**
 * struct gomem_candidates - the chunks of a heap by rank
 * @unranked: chunks of rank NEW, the one that got this rank first at the head
 * @waits: chunks of rank WAITS, in the same order; see waitpage.h
 * @ranked: for each rank from IDLE to DENSE its chunks, by address
 */
struct gomem_candidates {
	struct list_head unranked;
	struct list_head waits;
	struct rb_root ranked[GOMEM_NR_TREE_RANKS];
};

void gomem_candidates_init(struct gomem_candidates *cs);
void gomem_candidates_place(struct gomem_candidates *cs, struct gomem_chunk *c,
			    enum gomem_rank rank);
void gomem_candidates_mark(struct gomem_candidates *cs, struct gomem_chunk *c,
			   unsigned long ci);
struct gomem_chunk *gomem_candidates_best(const struct gomem_candidates *cs,
					  enum gomem_rank last);

static inline struct gomem_chunk *
gomem_candidates_new(struct gomem_candidates *cs)
{
	return list_first_entry_or_null(&cs->unranked,
					struct gomem_chunk, link);
}

static inline struct gomem_chunk *
gomem_candidates_waiting(struct gomem_candidates *cs)
{
	return list_first_entry_or_null(&cs->waits, struct gomem_chunk, link);
}

#endif /* GOMEM_CANDIDATES_H */
