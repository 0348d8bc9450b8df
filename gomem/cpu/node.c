// SPDX-License-Identifier: GPL-2.0
/*
 * node.c - create and destroy the module's heaps, one for each NUMA node that
 *	has memory, and choose the heap that serves a request.
 */
#include <kunit/visibility.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/queue.h"
#include "map/report.h"
#include "heap/peers.h"
#include "heap/scavenge.h"
#include "cpu/node.h"

struct gomem_heap *gomem_heaps[MAX_NUMNODES];
EXPORT_SYMBOL_IF_KUNIT(gomem_heaps);

LIST_HEAD(gomem_heap_list);
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_list);

DEFINE_STATIC_KEY_FALSE(gomem_numa);

/* A heap, and the mcentrals of its span classes. */
struct node {
	struct gomem_heap heap;
	struct gomem_mcentral central[GOMEM_NR_SPANCLASSES];
};

/**
 * gomem_node_create - make a heap, with an mcentral for each span class
 * @source: the source of the heap's pages
 * @map: the page map in which the heap registers its chunks
 * @node: the node whose memory the heap should have, NUMA_NO_NODE for any node
 *
 * Context: may sleep.
 * Return: the heap, or NULL if there is no memory.
 */
struct gomem_heap *gomem_node_create(struct gomem_pagesource *source,
				     struct gomem_pagemap *map, int node)
{
	struct node *n = kvzalloc_node(sizeof(*n), GFP_KERNEL, node);
	unsigned int spc;

	if (!n)
		return NULL;
	if (gomem_heap_init(&n->heap, source, map, node)) {
		kvfree(n);
		return NULL;
	}
	n->heap.central = n->central;
	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++)
		gomem_mcentral_init(&n->central[spc], &n->heap,
				    &gomem_kinds[spc]);
	return &n->heap;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_node_create);

/**
 * gomem_node_destroy - free an unused heap and its mcentrals
 * @h: the heap
 *
 * Context: may sleep.
 */
void gomem_node_destroy(struct gomem_heap *h)
{
	gomem_heap_destroy(h);
	kvfree(container_of(h, struct node, heap));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_node_destroy);

static int __init make_heap(struct gomem_pagesource *source, int node)
{
	struct gomem_heap *h = gomem_node_create(source, &gomem_pagemap, node);

	if (!h)
		return -ENOMEM;
	gomem_heaps[node] = h;
	list_add_tail(&h->link, &gomem_heap_list);
	return 0;
}

/* Return the heap that is nearest to a node that has no heap of its own. */
static struct gomem_heap *__init nearest_heap(int node,
					      const nodemask_t *with_memory)
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
 * @node: the requested node; NUMA_NO_NODE for no preference
 * @gfp: flags of the request; with __GFP_THISNODE only @node will do
 * @caller: address in the caller, for the report
 *
 * As with kmalloc_node(), a request for an offline node is served like one for
 * NUMA_NO_NODE, even with __GFP_THISNODE. If a CPU's own node has no memory
 * left, the CPU's slots are refilled with objects of other nodes. So a request
 * with __GFP_THISNODE for an online @node does not use slots.
 *
 * Context: any but NMI.
 * Return: the choice. It is not valid, and was reported, if @node is out of
 * range.
 */
struct gomem_node_choice gomem_node_choose(int node, gfp_t gfp,
					   unsigned long caller)
{
	struct gomem_node_choice to = { };

	if (unlikely(node < NUMA_NO_NODE || node >= MAX_NUMNODES)) {
		gomem_report_node(node, caller);
		return to;
	}
	if (node != NUMA_NO_NODE && !node_online(node))
		node = NUMA_NO_NODE;
	to.node = node;
	to.heap = gomem_node_heap(node);
	to.slots = to.heap == gomem_node_heap(NUMA_NO_NODE) &&
		   (node == NUMA_NO_NODE || !(gfp & __GFP_THISNODE));
	to.valid = true;
	return to;
}

static void pay(struct work_struct *work)
{
	struct gomem_heap *h;

	for_each_gomem_heap(h)
		gomem_heap_pay(h);
}

static DECLARE_WORK(pay_work, pay);

/**
 * gomem_nodes_pay_later - queue a work that gives back owed pages
 *
 * These are the pages that gomem_heap_owe() announced. The work waits for their
 * grace period.
 *
 * Context: any but NMI.
 */
void gomem_nodes_pay_later(void)
{
	queue_work(gomem_unbound_wq, &pay_work);
}

/**
 * gomem_nodes_cancel_pay - cancel or await the work of gomem_nodes_pay_later()
 *
 * Context: may sleep.
 */
void gomem_nodes_cancel_pay(void)
{
	cancel_work_sync(&pay_work);
}

/**
 * gomem_nodes_init - make a heap for each node that has memory
 * @source: the source of the heaps' pages
 * @base: lowest address of pages that the heaps can take; a multiple of 4 GiB
 *
 * A heap can take pages only in the ranges that gomem_heap_cover() was called
 * for.
 *
 * A node that gets its first memory after this call has no heap of its own. Its
 * memory belongs to the nearest heap.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int __init gomem_nodes_init(struct gomem_pagesource *source, unsigned long base)
{
	/* A copy: nodes may get or lose their memory meanwhile. */
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
			err = gomem_peers_init(gomem_heaps[node], gomem_heaps,
					       gomem_node_distance);
	if (err) {
		gomem_nodes_exit();
		return err;
	}
	static_branch_enable(&gomem_numa);
	return 0;
}

/**
 * gomem_nodes_exit - destroy all heaps and the page map
 *
 * Call when no code uses the heaps any longer.
 */
void gomem_nodes_exit(void)
{
	struct gomem_heap *h, *next;

	memset(gomem_heaps, 0, sizeof(gomem_heaps));
	list_for_each_entry_safe(h, next, &gomem_heap_list, link) {
		list_del(&h->link);
		gomem_node_destroy(h);
	}
	gomem_pagemap_destroy(&gomem_pagemap);
}
