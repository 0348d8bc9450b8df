// SPDX-License-Identifier: GPL-2.0
/*
 * peers.c - in which order a heap without memory asks the others.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "mheap.h"
#include "peers.h"

/**
 * gomem_node_distance - how far is it from node to node?
 * @from: a node
 * @to: another one
 *
 * Return: the firmware's relative distance; 10 is here.
 */
int gomem_node_distance(int from, int to)
{
	return node_distance(from, to);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_node_distance);

/* Of nodes at the same distance, the next ones by number: not the same for all. */
static bool is_nearer(const struct gomem_heap *h, const struct gomem_heap *a,
		      const struct gomem_heap *b, gomem_distance_fn distance)
{
	int da = distance(h->node, a->node), db = distance(h->node, b->node);

	if (da != db)
		return da < db;
	return (a->node - h->node + MAX_NUMNODES) % MAX_NUMNODES <
	       (b->node - h->node + MAX_NUMNODES) % MAX_NUMNODES;
}

/**
 * gomem_peers_insert - put another heap in its place
 * @h: the heap
 * @n: how many of @h->near are sorted already; there is room for one more
 * @peer: the other heap
 * @distance: how far nodes are from each other
 */
void gomem_peers_insert(struct gomem_heap *h, unsigned int n, struct gomem_heap *peer,
			gomem_distance_fn distance)
{
	for (; n && is_nearer(h, peer, h->near[n - 1], distance); n--)
		h->near[n] = h->near[n - 1];
	h->near[n] = peer;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_peers_insert);

/**
 * gomem_peers_init - tell a heap which others there are
 * @h: the heap, used by nobody yet
 * @peers: all heaps by node, for each possible node its own heap or the nearest one
 * @distance: how far nodes are from each other, which is asked for once and for all
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_peers_init(struct gomem_heap *h, struct gomem_heap **peers,
		     gomem_distance_fn distance)
{
	unsigned int n = 0;
	int node;

	/* One more, which stays NULL. */
	h->near = kcalloc(num_possible_nodes() + 1, sizeof(*h->near), GFP_KERNEL);
	if (!h->near)
		return -ENOMEM;
	h->peers = peers;
	for_each_node(node)
		if (peers[node] != h && peers[node]->node == node)
			gomem_peers_insert(h, n++, peers[node], distance);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_peers_init);

/**
 * gomem_peers_exit - forget the others
 * @h: a heap that nobody uses any more
 */
void gomem_peers_exit(struct gomem_heap *h)
{
	kfree(h->near);
	h->near = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_peers_exit);
