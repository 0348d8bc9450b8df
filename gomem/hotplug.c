// SPDX-License-Identifier: GPL-2.0
/*
 * hotplug.c - memory that the machine has, that it gets, and that it loses.
 *
 * A block of pages can only become a heap's where the page map and the heap's own
 * tables are covered. They are covered for what is online when gomem is loaded. A memory
 * notifier covers what comes later before the kernel hands out a page of it.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

#include "epoch.h"
#include "hotplug.h"
#include "node.h"
#include "queue.h"
#include "scavenge.h"

#define CHUNK_PFNS	(GOMEM_CHUNK_SIZE >> PAGE_SHIFT)

/* What may be plugged in below the lowest memory; costs 16 bytes for each 2 GiB. */
#define ROOM_BELOW	SZ_1T

static unsigned long addr_of(unsigned long pfn)
{
	return (unsigned long)__va(PFN_PHYS(pfn));
}

/**
 * gomem_hotplug_base - where the page map should begin
 *
 * On x86 that is where the direct map begins; on arm64 it may be far behind that.
 *
 * Return: an address, a multiple of 4 GiB.
 */
unsigned long __init gomem_hotplug_base(void)
{
	unsigned long pfn = ULONG_MAX, addr;
	int node;

	for_each_online_node(node)
		if (node_spanned_pages(node))
			pfn = min(pfn, node_start_pfn(node));
	addr = addr_of(pfn);
	addr -= min_t(unsigned long, addr - PAGE_OFFSET, ROOM_BELOW);
	return ALIGN_DOWN(addr, BIT(GOMEM_MAP_SHIFT));
}

static int cover(int node, unsigned long pfn, unsigned long end)
{
	return gomem_heap_cover(gomem_heaps[node], addr_of(pfn), PFN_PHYS(end - pfn));
}

/*
 * The first chunk at or after @pfn that begins with memory, or without it. A table grows
 * in steps of 2 GiB: that memory may begin in the middle of a chunk makes no difference.
 */
static unsigned long next_chunk(unsigned long pfn, unsigned long end, bool online)
{
	while (pfn < end && !!pfn_to_online_page(pfn) != online) {
		pfn = ALIGN_DOWN(pfn + CHUNK_PFNS, CHUNK_PFNS);
		cond_resched();
	}
	return min(pfn, end);
}

/* Cover what a node has now, but for large gaps. */
static int cover_node(int node)
{
	unsigned long end = node_end_pfn(node), pfn, stop;
	int err = 0;

	for (pfn = node_start_pfn(node); !err; pfn = stop) {
		pfn = next_chunk(pfn, end, true);
		if (pfn == end)
			break;
		stop = next_chunk(pfn, end, false);
		err = cover(node, pfn, stop);
	}
	return err;
}

static void give_back_all(struct work_struct *work)
{
	gomem_scavenge_all();
}

static DECLARE_WORK(give_back_work, give_back_all);

/*
 * Somebody takes memory away. The kernel refuses before it tells us if a page of the block
 * is ours, in use or not, but what lies idle in the next blocks can go: at once what the
 * heap has free, and soon what CPUs keep. They are asked by a work, since the caller keeps
 * them from coming and going.
 */
static void give_back(struct gomem_heap *h)
{
	gomem_heap_drain_pcaches(h, false);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	queue_work(gomem_unbound_wq, &give_back_work);
}

/* The kernel asks one after the other, with the lock of memory hotplug held. */
static int memory_changes(struct notifier_block *nb, unsigned long action, void *arg)
{
	const struct memory_notify *range = arg;
	unsigned long pfn = range->start_pfn;
	int node = pfn_to_nid(pfn), err = 0;

	switch (action) {
	case MEM_GOING_ONLINE:
		err = cover(node, pfn, pfn + range->nr_pages);
		/* Below the base: growth refuses what it gets there. */
		if (err == -ERANGE)
			err = 0;
		break;
	case MEM_GOING_OFFLINE:
		give_back(gomem_heaps[node]);
		break;
	}
	return notifier_from_errno(err);
}

static struct notifier_block memory_nb = { .notifier_call = memory_changes };

/**
 * gomem_hotplug_init - cover the memory of the machine, now and from now on
 *
 * Context: may sleep; the heaps are there, and nobody uses them yet.
 * Return: 0, or -ENOMEM.
 */
int __init gomem_hotplug_init(void)
{
	int node, err;

	/* First, so that nothing comes between the two. */
	err = register_memory_notifier(&memory_nb);
	if (err)
		return err;
	for_each_node_state(node, N_MEMORY) {
		err = cover_node(node);
		if (err) {
			gomem_hotplug_exit();
			return err;
		}
	}
	/* From here on there may be lookups. */
	gomem_pagemap.live = true;
	return 0;
}

/**
 * gomem_hotplug_exit - follow no more
 *
 * Context: may sleep.
 */
void gomem_hotplug_exit(void)
{
	unregister_memory_notifier(&memory_nb);
	cancel_work_sync(&give_back_work);
}
