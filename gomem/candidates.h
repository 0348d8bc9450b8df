/* SPDX-License-Identifier: GPL-2.0 */
/*
 * candidates.h - which chunks of a heap have free pages to give back, best ones first.
 *
 * A chunk's rank tells what the scavenger finds there. Nobody keeps it exact: a chunk of
 * which pages become free is NEW, and whoever scavenges ranks it. Pages that are taken
 * leave the rank as it is; the scavenger ranks a chunk once more before it takes from it.
 * So each look at a chunk gives pages back, or follows pages that became free there, or
 * that were taken. None is in vain, and none depends on how large the heap is.
 *
 * All of this is protected by the heap's lock.
 */
#ifndef GOMEM_CANDIDATES_H
#define GOMEM_CANDIDATES_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "chunk.h"

/**
 * struct gomem_candidates - the chunks of a heap by rank
 * @fresh: chunks of rank NEW
 * @waits: chunks of rank WAITS, in the order in which they came; see freshpage.h
 * @ranked: chunks of the ranks from IDLE to DENSE, by address
 */
struct gomem_candidates {
	struct list_head fresh;
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

static inline struct gomem_chunk *gomem_candidates_new(struct gomem_candidates *cs)
{
	return list_first_entry_or_null(&cs->fresh, struct gomem_chunk, link);
}

static inline struct gomem_chunk *gomem_candidates_waiting(struct gomem_candidates *cs)
{
	return list_first_entry_or_null(&cs->waits, struct gomem_chunk, link);
}

#endif /* GOMEM_CANDIDATES_H */
