// SPDX-License-Identifier: GPL-2.0
/*
 * peers.c - the order in which a heap that has no memory left asks the heaps of
 * other nodes for memory.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "heap/mheap.h"
#include "heap/peers.h"

/**
 * gomem_node_distance - look up the distance of two nodes
 * @from: a node
 * @to: a node, perhaps the same one
 *
 * Return: the firmware's relative distance; LOCAL_DISTANCE (10) from a node to
 * itself.
 */
int gomem_node_distance(int from, int to)
{
	return node_distance(from, to);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_node_distance);

/*
 * Is @a nearer to @h than @b? If both are equally far, count the nodes up from
 * the node of @h, with the lowest node after the highest one: the heap whose
 * node comes first is taken as nearer. So not all heaps ask the same node
 * first.
 */
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
 * gomem_peers_insert - insert another heap into the sorted array of peers
 * @h: the heap
 * @n: how many peers @h->near has, which are sorted; there is room for one more
 * @peer: the other heap
 * @distance: returns the distance of two nodes
 */
void gomem_peers_insert(struct gomem_heap *h, unsigned int n,
			struct gomem_heap *peer, gomem_distance_fn distance)
{
	for (; n && is_nearer(h, peer, h->near[n - 1], distance); n--)
		h->near[n] = h->near[n - 1];
	h->near[n] = peer;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_peers_insert);

/**
 * gomem_peers_init - make the array of a heap's peers, the nearest first
 * @h: the heap, not in use yet
 * @peers: array of all heaps by node; a possible node without a heap of its own
 *	has the nearest one
 * @distance: returns the distance of two nodes; called only during this call
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_peers_init(struct gomem_heap *h, struct gomem_heap **peers,
		     gomem_distance_fn distance)
{
	unsigned int n = 0;
	int node;

	/* The last entry stays NULL: it ends for_each_gomem_peer(). */
	h->near = kcalloc(num_possible_nodes() + 1, sizeof(*h->near),
			  GFP_KERNEL);
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
 * gomem_peers_exit - free the array of a heap's peers
 * @h: a heap that is not in use any more
 */
void gomem_peers_exit(struct gomem_heap *h)
{
	kfree(h->near);
	h->near = NULL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_peers_exit);
