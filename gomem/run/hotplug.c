// SPDX-License-Identifier: GPL-2.0
/*
 * hotplug.c - make the page map cover memory that is online or comes online,
 * and give free pages back when memory goes offline.
 *
 * A heap can only use memory that the page map and the heap's own tables cover.
 * Memory that is online when gomem is loaded is covered then. A memory notifier
 * covers memory that comes online later, before the kernel hands out a page of
 * it.
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

#include "base/queue.h"
#include "heap/scavenge.h"
#include "cpu/node.h"
#include "run/epoch.h"
#include "run/hotplug.h"
#include "run/ram.h"

#define CHUNK_PFNS	(GOMEM_CHUNK_SIZE >> PAGE_SHIFT)

/*
 * The page map begins up to this many bytes below the lowest memory, so that it
 * can cover memory that is plugged in there. With kernel pages of 4 KiB, the
 * map takes 16 bytes for each 2 GiB of addresses without memory.
 */
#define ROOM_BELOW	SZ_1T

static unsigned long addr_of(unsigned long pfn)
{
	return (unsigned long)__va(PFN_PHYS(pfn));
}

/**
 * gomem_hotplug_base - choose the address at which the page map begins
 *
 * The address is ROOM_BELOW bytes below the lowest memory, or the start of the
 * kernel's direct map if that is higher, rounded down to 4 GiB. On x86 it is
 * the start of the direct map, rounded down, since memory begins near physical
 * address 0. On arm64 the direct map may begin far below the address.
 *
 * Return: the address, a multiple of 4 GiB.
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
	return gomem_heap_cover(gomem_heaps[node], addr_of(pfn),
				PFN_PHYS(end - pfn));
}

/*
 * Return the first page frame from @pfn on that is online, or that is offline
 * if @online is false. Return @end if there is none. Check only @pfn and the
 * first page frame of each chunk after it. If memory begins inside a chunk, the
 * result is the next chunk. But the page map is extended by whole table pages,
 * each for 2 GiB if kernel pages have 4 KiB. So usually the chunk in which
 * memory begins is covered, too. Otherwise heaps do not use the memory in
 * that chunk.
 */
static unsigned long next_chunk(unsigned long pfn, unsigned long end,
				bool online)
{
	while (pfn < end && !!pfn_to_online_page(pfn) != online) {
		pfn = ALIGN_DOWN(pfn + CHUNK_PFNS, CHUNK_PFNS);
		cond_resched();
	}
	return min(pfn, end);
}

/* Cover the online memory of a node, but not the large gaps in it. */
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
 * Give free memory back because a memory block is going offline. This is too
 * late for pages in that memory block: the kernel does not offline one that has
 * pages of gomem, and checks that before it calls the notifier. But it helps
 * with the memory blocks that go offline next.
 *
 * Free pages of the heap and of page caches go back at once. A work drains the
 * slots, because gomem_mcache_drain() takes cpus_read_lock(), which the caller
 * of the notifier holds already.
 */
static void give_back(struct gomem_heap *h)
{
	gomem_heap_drain_pcaches(h, false);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	queue_work(gomem_unbound_wq, &give_back_work);
}

/*
 * Called before memory comes online or goes offline, and afterwards. The kernel
 * holds the lock of memory hotplug, so there is one call at a time.
 */
static int memory_changes(struct notifier_block *nb, unsigned long action,
			  void *arg)
{
	const struct memory_notify *range = arg;
	unsigned long pfn = range->start_pfn;
	int node = pfn_to_nid(pfn), err = 0;

	switch (action) {
	case MEM_GOING_ONLINE:
		err = cover(node, pfn, pfn + range->nr_pages);
		/* Memory below the map's base is not used: heaps refuse it. */
		if (err == -ERANGE)
			err = 0;
		break;
	case MEM_GOING_OFFLINE:
		give_back(gomem_heaps[node]);
		break;
	case MEM_OFFLINE:
		gomem_ram_wait();
		break;
	}
	return notifier_from_errno(err);
}

static struct notifier_block memory_nb = { .notifier_call = memory_changes };

/**
 * gomem_hotplug_init - make the page map and the heaps' tables cover the memory
 *	that is online, or comes online later above the map's base
 *
 * Registers a notifier for memory that is plugged in later.
 *
 * Context: may sleep. The heaps exist, but nothing allocates from them yet.
 * Return: 0, or -ENOMEM.
 */
int __init gomem_hotplug_init(void)
{
	int node, err;

	/* Before cover_node(), so that no memory comes online uncovered. */
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
	/*
	 * From here on, CPUs may look up addresses while memory_changes()
	 * replaces the map's table. So publish() in map/pagemap.c has to wait
	 * for a grace period.
	 */
	gomem_pagemap.live = true;
	return 0;
}

/**
 * gomem_hotplug_exit - unregister the notifier
 *
 * Waits until the notifier and its work have returned.
 *
 * Context: may sleep.
 */
void gomem_hotplug_exit(void)
{
	unregister_memory_notifier(&memory_nb);
	cancel_work_sync(&give_back_work);
}
