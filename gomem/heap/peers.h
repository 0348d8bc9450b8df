/* SPDX-License-Identifier: GPL-2.0 */
/*
 * peers.h - the heaps of the other nodes, sorted by distance.
 */
#ifndef GOMEM_PEERS_H
#define GOMEM_PEERS_H

struct gomem_heap;

typedef int (*gomem_distance_fn)(int from, int to);

int gomem_peers_init(struct gomem_heap *h, struct gomem_heap **peers,
		     gomem_distance_fn distance);
void gomem_peers_insert(struct gomem_heap *h, unsigned int n,
			struct gomem_heap *peer, gomem_distance_fn distance);
void gomem_peers_exit(struct gomem_heap *h);
int gomem_node_distance(int from, int to);

/* Visit the heaps of the nodes other than @h's, the nearest node first. */
#define for_each_gomem_peer(peer, h) \
	for (struct gomem_heap **__at = (h)->near; \
	     __at && ((peer) = *__at); __at++)

#endif /* GOMEM_PEERS_H */
