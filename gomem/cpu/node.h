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

#include "heap/mheap.h"
#include "cpu/mcentral.h"

/* The heap of each node. A node without memory has the nearest node's heap. */
extern struct gomem_heap *gomem_heaps[MAX_NUMNODES];

/* On if there is more than one heap. */
DECLARE_STATIC_KEY_FALSE(gomem_numa);

/**
 * struct gomem_node_choice - the heap that serves a request for a node
 * @heap: the heap
 * @node: the requested node if it is online, else NUMA_NO_NODE
 * @slots: objects from this CPU's slots may serve the request
 * @valid: false if the requested node is out of range
 */
struct gomem_node_choice {
	struct gomem_heap *heap;
	int node;
	bool slots;
	bool valid;
};

struct gomem_node_choice gomem_node_choose(int node, gfp_t gfp,
					   unsigned long caller);
struct gomem_heap *gomem_node_create(struct gomem_pagesource *source,
				     struct gomem_pagemap *map, int node);
void gomem_node_destroy(struct gomem_heap *h);
void gomem_nodes_pay_later(void);
void gomem_nodes_cancel_pay(void);
int gomem_nodes_init(struct gomem_pagesource *source, unsigned long base);
void gomem_nodes_exit(void);

/* All heaps, by rising node. The list is constant until the module exits. */
extern struct list_head gomem_heap_list;

#define for_each_gomem_heap(h) list_for_each_entry(h, &gomem_heap_list, link)

/* Return the heap of the lowest node that has memory. The list is not empty. */
static inline struct gomem_heap *gomem_first_heap(void)
{
	return list_first_entry(&gomem_heap_list, struct gomem_heap, link);
}

/*
 * Return the heap for @node, or for this CPU's node if @node is NUMA_NO_NODE.
 * gomem_heaps has an entry for nodes without memory, too. So this function can
 * use numa_node_id(), and gomem_cpu_heap() can use cpu_to_node(). They do not
 * use numa_mem_id() and cpu_to_mem(): if there are nodes without memory, the
 * kernel sets these values only for CPUs that are online, and gomem_cpu_heap()
 * is called before a CPU is online.
 */
static inline struct gomem_heap *gomem_node_heap(int node)
{
	if (node == NUMA_NO_NODE)
		node = numa_node_id();
	return gomem_heaps[node];
}

/* Return the heap for a CPU's node, even if the CPU was never online. */
static inline struct gomem_heap *gomem_cpu_heap(int cpu)
{
	int node = cpu_to_node(cpu);

	return node == NUMA_NO_NODE ? gomem_first_heap() : gomem_heaps[node];
}

/* Return the heap that an object's page belongs to. */
static inline struct gomem_heap *gomem_heap_of(const void *obj)
{
	return gomem_pagemap_chunk(&gomem_pagemap, (unsigned long)obj)->heap;
}

#endif /* GOMEM_NODE_H */
