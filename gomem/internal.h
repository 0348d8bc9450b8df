/* SPDX-License-Identifier: GPL-2.0 */
/*
 * internal.h - start here: the layers, the words, the steps of an allocation
 * and of a free, the locks and the barriers.
 *
 * include/linux/gomem.h documents the functions that other modules call.
 *
 * Layers
 * ------
 *
 * Each folder is a layer, the lowest first. A file uses its own folder and
 * those listed above it.
 *
 *	base/		arithmetic and tables that know nothing of spans
 *	map/		what is at an address: chunks, spans, kinds; reports
 *	heap/		the pages of a node: fetches them from the kernel, makes
 *			spans of them, and gives them back
 *	cpu/		free objects: the spans of each kind, and the objects
 *			that each CPU keeps
 *	api/		the functions that other modules call
 *	override/	kmalloc() and its relatives, for modules that are built
 *			with the override header
 *	run/		what runs by itself or for the administrator: epochs,
 *			shrinker, checks, debugfs, module init and exit
 *
 * Words
 * -----
 *
 * Addresses and objects (map/):
 *
 * page		8 KiB: gomem's page, whatever the size of the kernel's is
 * chunk	512 pages, an aligned 4 MiB of addresses; unit of bookkeeping.
 *		The page map finds the descriptor of a *registered* chunk
 * covered	of a chunk: the page map and its heap's tree of summaries
 *		(heap/pagealloc.h) have entries for it, so that it can be
 *		registered
 * hole		page of a chunk that gomem does not own: gomem never owned the
 *		page, or gave it back to the kernel
 * run		pages, or objects, that lie side by side
 * span		run of pages that is cut into objects of one size, holds one
 *		large object, or is part of an arena
 * cell		place of one object in a span
 * tail		bytes of a span after its last cell
 * descriptor	struct gomem_span or struct gomem_chunk (heap/desc.h)
 * size class	one of 67 object sizes, 8 bytes to 32 KiB; class 0 is large
 * noscan	of an object: holds no pointers, as the caller promised
 * span class	size class and noscan bit: 2 * class + noscan
 * kind		common properties of the objects of a span class, or of those of
 *		a typed cache (map/kind.h)
 * typed cache	objects of one exact size, in spans of their own, as in a
 *		kmem_cache
 * scratch	buffers of 2 to 32 KiB, with span classes of their own, which
 *		follow those of the size classes
 * arena	memory that is allocated piece by piece and freed as a whole
 * handle	what gomem_cache_create() or gomem_arena_create() returns: an
 *		object in a span class of its own, which gomem_free() refuses
 * quarantine	spans of destroyed arenas, poisoned and kept from use (debug=1)
 * tiny		noscan and less than 16 bytes: may share a block of 16 bytes
 * part		the bytes of a tiny block that one tiny object has
 * rest		the bytes of a CPU's current tiny block that are not cut yet
 * grain	two bytes of a tiny block: the unit that parts are cut in
 * block	of tiny objects: the 16 bytes that they share; of an arena: one
 *		of its spans; of pages: 2^n that the kernel hands out at once
 * key		word by which a free object is recognised (base/key.h)
 * tag		word of a page that tells its span class (map/chunk.h)
 * page map	finds the chunk, span and heap of an address, for all nodes
 * special	what is attached to a live object, and found when the object is
 *		freed: a record of the profile, a charge, or a cleanup
 * cleanup	function of a module that gomem calls when an object is freed
 * sample	allocated byte that the heap profile chose at random. An object
 *		with such a byte is *sampled*: recorded (base/sample.h)
 * bucket	the recorded allocations of one call stack, object size and rate
 *		of the profile
 * account	sums and limits what is charged to it (api/account.h); *charge*:
 *		count an object in an account
 * client	module that may call gomem. An object counts for the client that
 *		called gomem for it. All built-in code is one client
 *		(api/client.h)
 * watch	record or charge allocations one by one (api/watch.h)
 *
 * Pages of a node (heap/):
 *
 * mheap	the pages of a node, and the spans made of them; also: *heap*
 * peer		the heap of another node
 * page source	where a heap gets its pages (heap/pagesource.h)
 * page cache	free pages and span descriptors that a CPU keeps
 * group	64 aligned pages, one word of a chunk's bitmap, from which a
 *		page cache takes its single pages
 * waiting	in a grace period: a page before it goes back to the kernel, an
 *		object that gomem_free_rcu() was called with
 * light	of a request to the kernel: without reclaim, without reserves,
 *		without a warning. A *hard* request does all that the gfp allows
 * scavenge	give free pages back to the kernel
 * rank		how soon the scavenger takes the free pages of a chunk
 * candidate	of the scavenger: chunk with free pages (heap/candidates.h); of
 *		a scan: object to which the scan has found no pointer yet
 * surplus	free pages that a free gives back to the kernel at once:
 *		gomem_heap_surplus()
 * owe		announce pages: count them as pages that go back after a grace
 *		period; *pay*: give them back then. The *due* pages are those of
 *		the owed pages that are paid next
 *
 * Free objects of a kind (cpu/):
 *
 * slot		a CPU's stack of free objects of one kind (a magazine)
 * hit		allocation or free that this CPU's slot serves, with no further
 *		step
 * mcache	a CPU's slots; each CPU has two, for tasks and for interrupts
 * section	code that owns an mcache: no other code can change the mcache
 *		meanwhile (cpu/section.h)
 * room		how many objects a slot or a transfer cache may hold, or may
 *		take in addition
 * mcentral	all spans of one kind and node
 * cached	of a span: a CPU's slot has it, and refills from it
 * transfer cache
 *		an mcentral's free objects that slots flushed, for slots to
 *		refill from
 * refill	put objects into an empty slot; *flush*: take them out of a
 *		full one; *drain*: take them out of an idle one
 * pending	objects of a span that have been freed since its last sweep
 * sweep	fold a span's freed bits into its alloc bits
 * fresh	of an object: never handed out before
 * retire	declare an empty span dead, before it returns to the heap
 *
 * Calls and time (api/, override/, run/):
 *
 * finish	prepare an object for its caller: remove its key, clear it if
 *		that is wanted, and tell kmemleak of it
 * hand out	give a finished object to the caller of the API
 * claim	win the right to free or resize a large object, an arena or a
 *		typed cache, if several callers try to at the same time
 * RCU queue	a CPU's objects that are freed after a grace period
 * twin		the kernel's cache whose users get objects of a typed cache
 *		(override/override_twin.h)
 * scan		search of all memory for pointers to objects (run/hunt.c)
 * epoch	time after which unused memory goes back to the kernel:
 *		epoch_ms, by default 10 seconds
 * look		check, four times an epoch, for memory that has not been used
 *		since the last look
 * goal		pages that a heap should keep: the maximum that it used in the
 *		last four looks, plus scavenge_percent of that
 *
 * The way up: what gomem_alloc() does
 * -----------------------------------
 *
 * Each step runs only if the steps before found no object, or fewer than half
 * of those that a refill wants. [1], [2] and [3] are the locks that a step may
 * take: see "Locks" below.
 *
 *	gomem_alloc_small()		api/hit.h
 *		pops an object from the CPU's slot
 *	gomem_mcache_alloc_slow()	cpu/mcache_alloc.c
 *		refills the slot from the slot's own span
 *	gomem_transfer_take()		cpu/transfer.c		[1]
 *		takes objects that other slots flushed
 *	gomem_mcentral_refill()		cpu/mcentral_refill.c	[1]
 *		takes objects from spans with free ones
 *	alloc_from_pcache()		heap/allocspan.c	[2] [3]
 *		makes a span of pages that the CPU keeps
 *	find_pages()			heap/allocspan.c	[1] [2] [3]
 *		takes free pages of the heap for a span; if there are too few,
 *		it empties this CPU's slots that hold many bytes, then all page
 *		caches, and tries again after each
 *	fetch_light()			heap/grow.c		[3]
 *		fetches a block of pages that the kernel has free
 *	alloc_from_peers()		cpu/mcache_alloc.c	[1] [2] [3]
 *		takes objects from spans of other nodes, or makes a span there
 *		as above
 *	grow_from_peers()		heap/grow.c		[3]
 *		takes free pages of other nodes, or fetches a block there
 *	grow_hard()			heap/grow.c		[3]
 *		makes the kernel reclaim memory, as far as the gfp allows
 *
 * In interrupts, gomem_alloc_from_irq() pops from the CPU's mcache for
 * interrupts. The slots of that mcache have no span of their own. Slots for
 * objects of more than 128 bytes have none, either. So these slots are refilled
 * by gomem_transfer_take() and the steps below it. The allocation of a large
 * object, or of a span of an arena, begins with alloc_from_pcache().
 *
 * gomem_tiny_cut() cuts a tiny object from the rest of the CPU's current block.
 * If the object does not fit, gomem_tiny_alloc_slow() takes another block from
 * the slot of blocks, which is refilled as above. gomem_tiny_cut_slow() cuts
 * the last part of a block, and a part of a block in which others freed parts.
 *
 * A typed cache has slots and mcentrals of its own. Its first step is in
 * api/typed.c; the other steps are those above.
 *
 * The way down: what gomem_free() does
 * ------------------------------------
 *
 * Each step after gomem_free_hit() handles only what the step before could not
 * keep: objects of a full slot, objects for which the transfer cache has no
 * room, an empty span, or the free pages of a heap that has many of them.
 *
 *	gomem_free_any()		api/hit.h
 *		finds the chunk in the page map
 *	gomem_free_hit()		api/hit.h
 *		checks the object by its page's tag, pushes it on the slot
 *	gomem_mcache_free_slow()	cpu/mcache_free.c
 *		flushes half of a full slot
 *	gomem_transfer_put()		cpu/transfer.c		[1]
 *		keeps the objects for other slots to refill from
 *	free_objects()			cpu/mcentral_free.c	[1]
 *		sets the objects' freed bits in their spans
 *	gomem_heap_free_span()		heap/freespan.c		[2] [3]
 *		gives an empty span's pages to the page cache or the heap
 *	gomem_heap_give_back()		heap/scavenge.c		[3]
 *		gives free pages back to the kernel, as do the scavenger's work
 *		and the shrinker
 *
 * In interrupts, gomem_free_from_irq() takes the place of gomem_free_hit(). In
 * both functions, an object of another node skips the slot and goes to its
 * node's mcentral.
 *
 * A large object is claimed by gomem_heap_claim_large(): if several callers
 * free the object, only one succeeds. Then its span goes to
 * gomem_heap_free_span().
 *
 * A tiny object does not pass the check of gomem_free_hit(). Then
 * gomem_tiny_uncut() frees its part, if the CPU holds the block.
 * Otherwise take_part() does, and the block is pushed on the slot of blocks
 * when that was the last part.
 *
 * If a typed cache is typesafe (SLAB_TYPESAFE_BY_RCU), its empty spans are
 * freed after a grace period.
 *
 * gomem_free_rcu() adds objects to the CPU's RCU queue. After a grace period a
 * work passes them to gomem_free_bulk(), 32 at a time. A bulk free turns
 * preemption off once for up to 64 objects. It takes [1] once for those objects
 * of a kind that their slot has no room for.
 *
 * Locks
 * -----
 *
 * The three locks that the steps above take are spinlocks. They are taken in
 * any context but NMI, with interrupts off:
 *
 * [1] gomem_mcentral.lock, one per kind and node, protects the lists of spans,
 *     the transfer cache, and the owner's members (map/span.h) of the spans on
 *     the lists. A span that a CPU caches belongs to that CPU, which uses it
 *     without the lock.
 *
 * [2] gomem_pcache.lock, one per CPU and node, protects the pages and
 *     descriptors that the CPU keeps, and the CPU's counts of spans. Other CPUs
 *     take it only to empty the page cache or to read the counts.
 *
 * [3] gomem_heap.lock, one per node, protects the page bitmaps, the summaries,
 *     the descriptors and the counters of the heap.
 *
 * [3] may be taken under [2]. No other two of these three locks nest.
 *
 * With one of gomem's spinlocks held, nothing is allocated from the kernel,
 * given back to it, or printed. So the shrinker, which the kernel may call
 * inside gomem's own alloc_pages(), can take these locks. On PREEMPT_RT
 * spinlocks sleep.
 *
 * The other locks:
 *
 *	gomem_heap.give_lock		heap/mheap.h
 *		Spinlock by which one task at a time takes pages out of the heap
 *		after a free. The task gives them back to the kernel without the
 *		lock. Taken only by spin_trylock(), with interrupts on. [3] is
 *		taken under it.
 *	arena_lock			api/arena.c
 *		Spinlock of the list of arenas and of the quarantine. Taken with
 *		interrupts off; no other lock is held with it.
 *	typed_lock			map/kind.c
 *		Spinlock of the list of typed caches. Taken with interrupts on,
 *		to change the list or the state of a cache, and to step from one
 *		cache to the next. A *visitor* is a task that calls a function
 *		for one cache after the other. It works on a cache without the
 *		lock; the cache stays on the list meanwhile. A visitor that is
 *		bound to a CPU is not preempted while it works on a cache,
 *		except on PREEMPT_RT.
 *	rcu_queue.lock			api/rcu.c
 *		Spinlock of a CPU's RCU queue. It is raw, since callers of
 *		gomem_free_rcu() may hold a raw spinlock. No other gomem lock is
 *		held with it. A caller that may have interrupted the holder, as
 *		an NMI may, adds its object to the queue's list of deferred
 *		objects by cmpxchg(). Only an irq_work takes objects off that
 *		list, all at once.
 *	gomem_pagemap.mutex		map/pagemap.h
 *		Held by tasks that extend the page map or a heap's summaries,
 *		when gomem is loaded or memory comes online. [3] is taken, and
 *		memory is allocated, under it.
 *	epoch_mutex			run/epoch.c
 *		Held by the work item that runs at each look, and by tasks that
 *		do the same work or keep it from running. All spinlocks above
 *		may be taken under it.
 *
 *	row.lock			map/special.c
 *		Spinlock of the specials of all spans with one hash value, and
 *		of GOMEM_TAG_SPECIAL in the tags of their pages. Taken with
 *		interrupts off; no other lock is held with it.
 *	buckets_lock			api/profile.c
 *		Spinlock of the lists of buckets. Taken as row.lock is.
 *	accounts_lock			api/account.c
 *		Spinlock of the list of accounts. Taken as row.lock is.
 *	freed_lock			map/origin.c
 *		Spinlock of the array of the last frees of sampled objects.
 *		Taken as row.lock is.
 *	entries_lock			api/payer.c
 *		Spinlock of the table of the tasks that are between
 *		gomem_account_enter() and gomem_account_exit(). Taken by tasks
 *		only, with interrupts on; no other lock is held with it.
 *
 * Some more mutexes serialize the tasks that do rare work of a single file:
 * in map/kind.c, api/client.c, api/sites.c, api/modules.c, api/exact.c,
 * override/override_twin.c, run/heapfiles.c, run/holder.c, run/hunt.c and
 * run/debugfs.c. The mutex of api/usage.c serializes the tasks that set limits
 * of clients. gomem_usage_limit() takes the mutex of api/client.c under it, to
 * find the client whose limits it changes. run/ram.c has a semaphore, by which
 * memory that goes offline waits for the end of a scan that may read it.
 *
 * What has no lock
 * ----------------
 *
 * An mcache belongs to its CPU: the one for tasks with preemption off, the one
 * for interrupts with interrupts off. No lock is taken in such a section, since
 * spinlocks sleep on PREEMPT_RT. So what a section needs from the lower layers
 * is fetched before the section, and what it flushes is handed down afterwards.
 * The task may be on another CPU by then.
 *
 * An entry of the page map changes once: when its chunk is registered. The
 * table of entries may be replaced by a longer mapping of the same pages:
 * publish() in map/pagemap.c.
 *
 * The tag and the span pointer of a page are written by the owner of the page,
 * in heap/spanpages.c. Two marks in the tag are exceptions: the CPU that claims
 * a large object clears GOMEM_TAG_LARGE, and row.lock protects
 * GOMEM_TAG_SPECIAL. The owner also writes the page's bit in the bitmap of
 * pages that are zero (map/zeropage.h), which changes atomically, and the byte
 * that says where the page may hold keys (map/keypage.h).
 *
 * The mask of a tiny block has two bytes. While a CPU holds the block, only
 * that CPU writes the first byte, and the second one changes atomically. After
 * that, both change atomically. The bits of a grain belong to the owner of the
 * part that begins there, or to that CPU: map/tinyblock.h.
 *
 * Barriers
 * --------
 *
 * Freed bits of a span	released by gomem_span_put(), acquired by
 *			gomem_span_sweep(). The CPU that caches the span sweeps
 *			it without [1]
 * State of a span	released by gomem_span_set_state(), acquired by
 *			gomem_span_state()
 * Chunk		released by gomem_pagemap_register(), acquired by the
 *			address dependency of each lookup
 * Page map's table	released by publish() in map/pagemap.c, acquired by the
 *			address dependency of each lookup
 * mcache		released by publish_mcache() in cpu/mcache.c, acquired
 *			by the address dependency of CPUs that read the mcache
 *			of another CPU
 * Large object		released by gomem_heap_publish_large(), which sets the
 *			tag of its first page. Acquired by the free or resize
 *			that claims it, gomem_heap_claim_large(), or by a lookup
 *			of its size, gomem_pagemap_large()
 *
 * Grace periods
 * -------------
 *
 * A page goes back to the kernel no earlier than an RCU grace period after its
 * span was freed: gomem_heap_release(). A free reads the page's tag and then
 * the object, to see whether the object is free already. Preemption or
 * interrupts are off from the first read to the second; other readers use
 * rcu_read_lock(). Between the two reads, another CPU may free the same object,
 * which is misuse, and then the object's span. Because of the grace period, the
 * second read is still from a gomem page.
 */
#ifndef GOMEM_INTERNAL_H
#define GOMEM_INTERNAL_H

#include "cpu/node.h"

#endif /* GOMEM_INTERNAL_H */
