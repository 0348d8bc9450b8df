/* SPDX-License-Identifier: GPL-2.0 */
/*
 * internal.h - start here: the words, the way of an allocation, the locks.
 *
 * Words
 * -----
 *
 * page		gomem's: 8 KiB, whatever the kernel's is
 * chunk	512 pages, 4 MiB of address range, aligned; unit of bookkeeping
 * hole		page of a chunk that is not ours: never was, or went back
 * span		run of pages cut into objects of one size, or holding one large
 *		object, or a part of an arena
 * size class	one of 67 object sizes, 8 bytes to 32 KiB; class 0 is large
 * span class	size class and noscan bit: 2 * class + noscan
 * noscan	holding no pointers
 * kind		what objects have in common: a span class, or a typed cache's
 * scratch	buffers of 2 to 32 KiB, of span classes behind those of the heap
 * typed cache	objects of one exact size, in spans of their own (kmem_cache)
 * tiny		noscan and less than 16 bytes: may share a block of 16 with others
 * part		what a tiny object has of its block
 * rest		what a CPU has not cut yet of its current block
 * arena	memory that is allocated bit by bit and freed as a whole
 * RCU queue	a CPU's objects that wait for a grace period before they are freed
 * slot		a CPU's stack of free objects of one kind
 * mcache	a CPU's slots; each CPU has two, for tasks and for interrupts
 * mcentral	all spans of one kind and node
 * transfer cache	an mcentral's free objects that slots flushed, for slots to refill from
 * page cache	a CPU's free pages and span descriptors
 * mheap	the pages of a node, and spans in and out of them
 * page map	from an address to its chunk, span and heap; one for all nodes
 * pending	objects of a span that were freed since it was swept
 * sweep	fold a span's freed bits into its alloc bits
 * scavenge	give free pages back to the kernel
 * epoch	time between two looks for what is not used
 *
 * The way up: what gomem_alloc() does, each step only if the one before failed
 * ----------------------------------------------------------------------------
 *
 *	alloc_small()			alloc.c		pop from the slot
 *	gomem_mcache_alloc_slow()	mcache.c	refill from the slot's span
 *	gomem_transfer_take()		transfer.c	what other slots flushed [1]
 *	gomem_mcentral_refill()		mcentral.c	spans with room		[1]
 *	alloc_from_pcache()		mheap.c		new span, this CPU's pages [2]
 *	find_pages()			mheap.c		the heap's, other caches'  [3]
 *	fetch_light()			grow.c		a block from the kernel
 *	ask_peers()			mcentral.c	another node's spans	[1]
 *	ask_peers()			grow.c		another node's pages	[3]
 *							or a block of its own
 *	gomem_heap_grow()		grow.c		the kernel, with effort
 *
 * A tiny object starts with the rest of the CPU's block, and its block with a slot:
 * gomem_tiny_cut() and gomem_tiny_alloc_slow().
 *
 * Only for small objects (interrupts have none) does a slot have a span of its own.
 * Large objects, and arenas, start with a new span.
 *
 * The way down: what gomem_free() does
 * ------------------------------------
 *
 *	free_any()			alloc.c		page map: span class, heap
 *	free_from_task()		alloc.c		check, push on the slot
 *	gomem_mcache_free_slow()	mcache.c	empty half of a full slot
 *	gomem_transfer_put()		transfer.c	for others to refill from [1]
 *	gomem_mcentral_free()		mcentral.c	set freed bits		[1]
 *	gomem_heap_free_span()		mheap.c		pages of an empty span	[2][3]
 *	gomem_heap_scavenge()		scavenge.c	back to the kernel	[3]
 *
 * An object of another node skips the slot. A typed cache has slots of its own, and its
 * own central lists; the functions of the first step are in cache.c then, and spans of
 * one that is typesafe are freed a grace period after their last object.
 * gomem_tiny_free() comes after free_from_task(), whose check refuses what is in a block;
 * with the last part of it the block is pushed.
 *
 * gomem_free_rcu() puts objects on the CPU's RCU queue, from where a work frees them with
 * gomem_free_bulk(): some dozens in one section of the slots, and what these have no room
 * for in one hold of [1].
 *
 * Locks
 * -----
 *
 * [1] gomem_mcentral.lock, one per kind and node: its lists of spans, its transfer cache,
 *     and what a span's owner may change while the span is on a list. A span that a CPU caches
 *     is that CPU's, without the lock.
 *
 * [2] gomem_pcache.lock, one per CPU and node: pages and descriptors that the CPU
 *     has, and its counts of spans. Others take it only to empty the cache.
 *
 * [3] gomem_heap.lock, one per node: the page bitmaps and summaries, descriptors,
 *     counters. May be taken under [2], and no other under another.
 *
 * gomem_pagemap.mutex serializes whatever makes the page map or the summaries of a heap
 * cover more: memory that comes online. It may be held around [3], and around allocations.
 *
 * gomem_heap.give_lock, which belongs to who frees and gives back, is only tried, with
 * interrupts on, and may be held around [3].
 *
 * All are spinlocks, the numbered ones taken with interrupts off; on PREEMPT_RT they
 * sleep. With one held nothing is allocated, given back to the kernel, or printed: so the
 * shrinker, which the kernel may call inside of our own alloc_pages(), can take them.
 * arena.c has a lock for its lists, which is not held with these. epoch.c has a mutex for
 * its work, and for tasks that want none of it meanwhile; it is held around them. cache.c
 * has a spinlock for its list, taken with interrupts on for a step from one cache to the
 * next: a cache with visitors stays on the list, and is visited with no lock held. The lock
 * of an RCU queue is a raw spinlock, for callers that have one, and held with no other.
 * Callers that may have interrupted its holder, as NMIs do, link the object into the queue's
 * list of deferred ones by cmpxchg(); only an irq_work takes that list, as a whole.
 *
 * No lock protects an mcache. Its CPU owns it, between preempt_disable() and
 * preempt_enable() for the one of tasks, local_irq_save() and restore for the one
 * of interrupts; no lock is taken in between, so what a section needs from below is
 * fetched first, and what it gives back is given afterwards, with the CPU perhaps
 * another one by then.
 *
 * The masks of blocks (tiny.h) change atomically, and are whoever's it is whose bit it is.
 *
 * Without a lock are, too: the page map, whose entries change once, though its table may be
 * mapped anew, longer: publish() in pagemap.c; and a page's tag
 * and span pointer, which belong to who owns the page (map_span(), unmap_span()), as
 * does the bit that says that it is known to be zero (zeropage.h).
 *
 * Barriers and grace periods
 * --------------------------
 *
 * Freed bits of a cached span are released by gomem_span_put() and taken by
 * gomem_span_sweep(), which its CPU calls without the lock. A chunk is published by
 * gomem_pagemap_register(). A large object and its span are published by the tag of its
 * first page, gomem_heap_publish_large(), and acquired by the free or resize that takes the
 * object's bit out of it, gomem_heap_claim_large(), or looks at its size,
 * gomem_pagemap_large(). A page goes back to the kernel a grace period after its span was
 * freed, so that who found the span's tag just before, and looks at the object to tell
 * whether it is free already, looks at memory of ours: gomem_heap_release().
 */
#ifndef GOMEM_INTERNAL_H
#define GOMEM_INTERNAL_H

#include "node.h"

#endif /* GOMEM_INTERNAL_H */
