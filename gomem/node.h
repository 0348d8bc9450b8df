/* SPDX-License-Identifier: GPL-2.0 */
/*
 * node.h - the module's heaps, one for each NUMA node that has memory.
 */
#ifndef GOMEM_NODE_H
#define GOMEM_NODE_H

#include <linux/jump_label.h>
#include <linux/nodemask.h>
#include <linux/numa.h>
#include <linux/topology.h>

#include "mheap.h"

/* Where all of them find their chunks. */
extern struct gomem_pagemap gomem_pagemap;

/* By node; one without memory of its own has the nearest node's. */
extern struct gomem_heap *gomem_heaps[MAX_NUMNODES];

/* There is more than one. */
DECLARE_STATIC_KEY_FALSE(gomem_numa);

int gomem_nodes_init(struct gomem_pagesource *source, unsigned long base,
		     unsigned long nr_chunks);
void gomem_nodes_exit(void);

/* The heap for a node, or for this CPU's if it is NUMA_NO_NODE. */
static inline struct gomem_heap *gomem_node_heap(int node)
{
	if (node == NUMA_NO_NODE)
		node = numa_mem_id();
	return gomem_heaps[node];
}

/* The first heap at or after @node; NULL if there is none. */
static inline struct gomem_heap *gomem_next_heap(int node)
{
	for (; node < MAX_NUMNODES; node++)
		if (gomem_heaps[node] && gomem_heaps[node]->node == node)
			return gomem_heaps[node];
	return NULL;
}

#define for_each_gomem_heap(h) \
	for (h = gomem_next_heap(0); h; h = gomem_next_heap(h->node + 1))

#endif /* GOMEM_NODE_H */
