// SPDX-License-Identifier: GPL-2.0
/*
 * candidates.c - put chunks with free pages into the list or tree of their
 * rank, and find the chunk whose pages should go back to the kernel next.
 */
#include "heap/candidates.h"

/**
 * gomem_candidates_init - initialize a heap's lists and trees of chunks by rank
 * @cs: the lists and trees
 */
void gomem_candidates_init(struct gomem_candidates *cs)
{
	unsigned int i;

	INIT_LIST_HEAD(&cs->unranked);
	INIT_LIST_HEAD(&cs->waits);
	for (i = 0; i < GOMEM_NR_TREE_RANKS; i++)
		cs->ranked[i] = RB_ROOT;
}

static bool has_tree(enum gomem_rank rank)
{
	return rank < GOMEM_NR_TREE_RANKS;
}

static void remove(struct gomem_candidates *cs, struct gomem_chunk *c)
{
	if (has_tree(c->rank))
		rb_erase(&c->node, &cs->ranked[c->rank]);
	else if (c->rank != GOMEM_RANK_NONE)
		list_del(&c->link);
}

static bool is_below(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct gomem_chunk, node)->index <
	       rb_entry(b, struct gomem_chunk, node)->index;
}

/**
 * gomem_candidates_place - move a chunk to the list or tree of a rank
 * @cs: the heap's lists and trees of chunks by rank
 * @c: the chunk; @c->index must be set, unless both @c->rank and @rank are NONE
 * @rank: the new rank
 */
void gomem_candidates_place(struct gomem_candidates *cs, struct gomem_chunk *c,
			    enum gomem_rank rank)
{
	remove(cs, c);
	c->rank = rank;
	if (has_tree(rank))
		rb_add(&c->node, &cs->ranked[rank], is_below);
	else if (rank == GOMEM_RANK_NEW)
		list_add_tail(&c->link, &cs->unranked);
	else if (rank == GOMEM_RANK_WAITS)
		list_add_tail(&c->link, &cs->waits);
}

/**
 * gomem_candidates_mark - give a chunk the rank NEW: pages of it became free
 * @cs: the heap's lists and trees of chunks by rank
 * @c: the chunk
 * @ci: number of the chunk in the page map
 */
void gomem_candidates_mark(struct gomem_candidates *cs, struct gomem_chunk *c,
			   unsigned long ci)
{
	if (c->rank == GOMEM_RANK_NEW)
		return;
	c->index = ci;
	gomem_candidates_place(cs, c, GOMEM_RANK_NEW);
}

/**
 * gomem_candidates_best - find the chunk whose pages should go back next
 * @cs: the heap's lists and trees of chunks by rank
 * @last: the worst rank to consider
 *
 * Return: the chunk with the highest address among those of the best rank, or
 * NULL if no chunk has a rank from IDLE to @last.
 */
struct gomem_chunk *gomem_candidates_best(const struct gomem_candidates *cs,
					  enum gomem_rank last)
{
	struct rb_node *node;
	enum gomem_rank rank;

	for (rank = GOMEM_RANK_IDLE; rank <= last; rank++) {
		node = rb_last(&cs->ranked[rank]);
		if (node)
			return rb_entry(node, struct gomem_chunk, node);
	}
	return NULL;
}
