/* SPDX-License-Identifier: GPL-2.0 */
/*
 * internal.h - start here: the words, the way of an allocation, the locks.
 *
 * Words
 * -----
 *
 * page		gomem's: 8 KiB, whatever the kernel's is
 * chunk	512 pages, 4 MiB of address range, aligned; unit of bookkeeping
 * hole		page of a chunk that is not ours
 * span		run of pages cut into objects of one size, or holding one large
 *		object
 * size class	one of 67 object sizes, 8 bytes to 32 KiB; class 0 is large
 * span class	size class and noscan bit: 2 * class + noscan
 * noscan	holding no pointers
 * scratch	buffers of 2 to 32 KiB, of span classes behind those of the heap
 * slot		a CPU's stack of free objects of one span class
 * mcache	a CPU's slots; each CPU has two, for tasks and for interrupts
 * mcentral	all spans of one span class
 * mheap	pages, and spans in and out of them
 * arena	objects that are freed all at once, in spans of their own
 * pending	objects of a span that were freed since it was swept
 * sweep	fold a span's freed bits into its alloc bits
 *
 * The way up: what gomem_alloc() does, each step only if the one before failed
 * ----------------------------------------------------------------------------
 *
 *	alloc_small()			alloc.c		pop from the slot
 *	gomem_mcache_alloc_slow()	mcache.c	refill from the slot's span
 *	gomem_mcentral_refill()		mcentral.c	spans with room		[1]
 *	gomem_heap_alloc_span()		mheap.c		new span of free pages	[2]
 *	heap_grow()			mheap.c		pages from the kernel
 *
 * Before gomem_heap_alloc_span() comes gomem_mcentral_cache(), or, where slots have no
 * span of their own (interrupts, objects of more than 1 KiB), gomem_mcentral_alloc().
 * Large objects start with gomem_heap_alloc_span().
 *
 * The way down: what gomem_free() does
 * ------------------------------------
 *
 *	free_any()			alloc.c		page to span class
 *	free_small()			alloc.c		check, push on the slot
 *	gomem_mcache_free_slow()	mcache.c	empty half of a full slot
 *	gomem_mcentral_free()		mcentral.c	set freed bits		[1]
 *	gomem_heap_free_span()		mheap.c		pages of an empty span	[2]
 *
 * Locks
 * -----
 *
 * [1] gomem_mcentral.lock, one per span class: its lists of spans, and what a
 *     span's owner may change while the span is on a list. A span that a CPU
 *     caches is that CPU's, without the lock.
 *
 * [2] gomem_heap.lock: the page bitmaps and summaries, page tags, descriptors,
 *     counters. Looking up the span of a live object takes no lock.
 *
 * arena_lock, in arena.c: which arenas there are, and which are in quarantine. What is
 *     in an arena is its user's, without a lock.
 *
 * They do not nest: each function above drops its lock before it calls the next.
 * All are spinlocks, taken with interrupts off; on PREEMPT_RT they sleep. With
 * one held nothing is allocated, given back to the kernel, or printed.
 *
 * No lock protects an mcache. Its CPU owns it, between preempt_disable() and
 * preempt_enable() for the one of tasks, local_irq_save() and restore for the one
 * of interrupts; [1] and [2] are never taken in between, so what a section needs
 * from below is fetched first, and what it gives back is given afterwards, with
 * the CPU perhaps another one by then.
 *
 * Barriers: freed bits of a cached span, released by gomem_span_put() and taken by
 * gomem_span_sweep(), which its CPU calls without the lock; a chunk's registration,
 * in pagealloc.c.
 */
#ifndef GOMEM_INTERNAL_H
#define GOMEM_INTERNAL_H

#include "node.h"

#endif /* GOMEM_INTERNAL_H */
