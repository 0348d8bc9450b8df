// SPDX-License-Identifier: GPL-2.0
/*
 * candidates.c - chunks in and out of the sets of their rank.
 */
#include "candidates.h"

/**
 * gomem_candidates_init - make the sets, empty
 * @cs: the sets
 */
void gomem_candidates_init(struct gomem_candidates *cs)
{
	unsigned int i;

	INIT_LIST_HEAD(&cs->fresh);
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
 * gomem_candidates_place - give a chunk a rank
 * @cs: the sets
 * @c: the chunk; its index is known, unless both ranks are NONE
 * @rank: the rank
 */
void gomem_candidates_place(struct gomem_candidates *cs, struct gomem_chunk *c,
			    enum gomem_rank rank)
{
	remove(cs, c);
	c->rank = rank;
	if (has_tree(rank))
		rb_add(&c->node, &cs->ranked[rank], is_below);
	else if (rank == GOMEM_RANK_NEW)
		list_add_tail(&c->link, &cs->fresh);
	else if (rank == GOMEM_RANK_WAITS)
		list_add_tail(&c->link, &cs->waits);
}

/**
 * gomem_candidates_mark - note that pages of a chunk became free
 * @cs: the sets
 * @c: the chunk
 * @ci: its number in the map
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
 * gomem_candidates_best - find the chunk to take from
 * @cs: the sets
 * @last: the last rank to look at
 *
 * Return: of the chunks of the best rank the one with the highest address, or NULL.
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
