/* SPDX-License-Identifier: GPL-2.0 */
/*
 * node.h - the module's heaps, one for each NUMA node that has memory.
 */
#ifndef GOMEM_NODE_H
#define GOMEM_NODE_H

#include <linux/jump_label.h>
#include <linux/list.h>
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

/* Whose memory a request for a node is to have. */
struct gomem_node_choice {
	struct gomem_heap *heap;
	int node;
	bool slots;	/* what this CPU's slots have will do */
};

bool gomem_node_choose(int node, gfp_t gfp, unsigned long caller, struct gomem_node_choice *to);
int gomem_nodes_init(struct gomem_pagesource *source, unsigned long base);
void gomem_nodes_exit(void);

/* All of them, by rising node; does not change until the module exits. */
extern struct list_head gomem_heap_list;

#define for_each_gomem_heap(h) list_for_each_entry(h, &gomem_heap_list, link)

/* There is one at least. */
static inline struct gomem_heap *gomem_first_heap(void)
{
	return list_first_entry(&gomem_heap_list, struct gomem_heap, link);
}

/*
 * The heap for a node, or for this CPU's if it is NUMA_NO_NODE. numa_mem_id() is not asked:
 * where nodes lack memory the kernel sets it when a CPU comes online, and gomem_heaps has
 * an answer for each node.
 */
static inline struct gomem_heap *gomem_node_heap(int node)
{
	if (node == NUMA_NO_NODE)
		node = numa_node_id();
	return gomem_heaps[node];
}

/* The same for a CPU, online or not: whether it ever was makes no difference. */
static inline struct gomem_heap *gomem_cpu_heap(int cpu)
{
	int node = cpu_to_node(cpu);

	return node == NUMA_NO_NODE ? gomem_first_heap() : gomem_heaps[node];
}

/* The heap that an object is of. */
static inline struct gomem_heap *gomem_heap_of(const void *obj)
{
	return gomem_pagemap_chunk(&gomem_pagemap, (unsigned long)obj)->heap;
}

#endif /* GOMEM_NODE_H */
