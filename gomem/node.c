// SPDX-License-Identifier: GPL-2.0
/*
 * node.c - making and destroying the heaps of the machine.
 */
#include <kunit/visibility.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "node.h"
#include "peers.h"
#include "report.h"

struct gomem_pagemap gomem_pagemap;
EXPORT_SYMBOL_IF_KUNIT(gomem_pagemap);

struct gomem_heap *gomem_heaps[MAX_NUMNODES];
EXPORT_SYMBOL_IF_KUNIT(gomem_heaps);

LIST_HEAD(gomem_heap_list);
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_list);

DEFINE_STATIC_KEY_FALSE(gomem_numa);

static int __init make_heap(struct gomem_pagesource *source, int node)
{
	struct gomem_heap *h = kvzalloc_node(sizeof(*h), GFP_KERNEL, node);
	int err;

	if (!h)
		return -ENOMEM;
	err = gomem_heap_init(h, source, &gomem_pagemap, node);
	if (err) {
		kvfree(h);
		return err;
	}
	gomem_heaps[node] = h;
	list_add_tail(&h->link, &gomem_heap_list);
	return 0;
}

/* The nearest heap to a node that has none. */
static struct gomem_heap *__init nearest_heap(int node, const nodemask_t *with_memory)
{
	struct gomem_heap *best = NULL;
	int distance = INT_MAX, other;

	for_each_node_mask(other, *with_memory) {
		if (node_distance(node, other) >= distance)
			continue;
		distance = node_distance(node, other);
		best = gomem_heaps[other];
	}
	return best;
}

/**
 * gomem_node_choose - choose the heap for a request
 * @node: what was asked for: NUMA_NO_NODE is no preference
 * @gfp: how: with __GFP_THISNODE no other will do
 * @caller: who asks
 * @to: the choice
 *
 * As with kmalloc_node() a node without memory now is no preference. For want of memory
 * slots may have another node's: where that will not do they are not asked.
 *
 * Context: any but NMI.
 * Return: false, and that is reported, if there is no such node.
 */
bool gomem_node_choose(int node, gfp_t gfp, unsigned long caller, struct gomem_node_choice *to)
{
	if (unlikely(node < NUMA_NO_NODE || node >= MAX_NUMNODES)) {
		gomem_report_node(node, caller);
		return false;
	}
	if (node != NUMA_NO_NODE && !node_online(node))
		node = NUMA_NO_NODE;
	to->node = node;
	to->heap = gomem_node_heap(node);
	to->slots = to->heap == gomem_node_heap(NUMA_NO_NODE) &&
		    (node == NUMA_NO_NODE || !(gfp & __GFP_THISNODE));
	return true;
}

/**
 * gomem_nodes_init - make a heap for each node that has memory
 * @source: where their pages come from
 * @base: lowest address that they can take pages at; a multiple of 4 GiB
 *
 * They can take none until they are covered: see gomem_heap_cover().
 *
 * Memory of a node that gets its first after this stays with the heap that fetched
 * it.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int __init gomem_nodes_init(struct gomem_pagesource *source, unsigned long base)
{
	/* What is plugged in or out from here on makes no difference. */
	nodemask_t with_memory = node_states[N_MEMORY];
	int node, err;

	err = gomem_pagemap_init(&gomem_pagemap, base);
	for_each_node_mask(node, with_memory)
		if (!err)
			err = make_heap(source, node);
	if (err) {
		gomem_nodes_exit();
		return err;
	}
	for_each_node(node)
		if (!gomem_heaps[node])
			gomem_heaps[node] = nearest_heap(node, &with_memory);
	if (nodes_weight(with_memory) == 1)
		return 0;
	for_each_node_mask(node, with_memory)
		if (!err)
			err = gomem_peers_init(gomem_heaps[node], gomem_heaps, gomem_node_distance);
	if (err) {
		gomem_nodes_exit();
		return err;
	}
	static_branch_enable(&gomem_numa);
	return 0;
}

/**
 * gomem_nodes_exit - give everything back
 *
 * Nobody uses any of it any more.
 */
void gomem_nodes_exit(void)
{
	struct gomem_heap *h, *next;

	memset(gomem_heaps, 0, sizeof(gomem_heaps));
	list_for_each_entry_safe(h, next, &gomem_heap_list, link) {
		list_del(&h->link);
		gomem_heap_destroy(h);
		kvfree(h);
	}
	gomem_pagemap_destroy(&gomem_pagemap);
}
