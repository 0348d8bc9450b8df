/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mheap.h - the page heap: it fetches pages from the kernel, makes spans of
 * them, and gives back pages that no span needs. Go's runtime calls it mheap.
 *
 * A heap has the memory of one NUMA node. The module has one heap for each node
 * that had memory when the module was loaded. Memory of any other node belongs
 * to the heap of the nearest node that has one. Tests make heaps of their own.
 */
#ifndef GOMEM_MHEAP_H
#define GOMEM_MHEAP_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "base/compat.h"
#include "base/fixalloc.h"
#include "base/sizeclass.h"
#include "map/chunk.h"
#include "map/kind.h"
#include "map/pagemap.h"
#include "map/span.h"
#include "heap/candidates.h"
#include "heap/pagealloc.h"
#include "heap/pagesource.h"
#include "heap/pcache.h"

/* How often in an epoch gomem searches for unused memory: see run/epoch.c. */
#define GOMEM_EPOCH_LOOKS	4

/* The goal of a heap follows its peak use in this many looks: see goal.c. */
#define GOMEM_GOAL_LOOKS	4

/* A heap tries to grow by at least this many gomem pages: 128 KiB. */
#define GOMEM_GROW_MIN		16

/*
 * Frees give pages back while more than keep pages are free:
 *
 *	share	pages in use / GOMEM_GIVE_SHARE
 *	keep	max(share - min(room of the transfer caches, share * 3 / 4),
 *		    give_min)
 *
 * give_min is GOMEM_GIVE_MIN, 1 MiB, except in tests. See gomem_heap_surplus().
 */
#define GOMEM_GIVE_SHARE	16
#define GOMEM_GIVE_MIN		128

/*
 * New spans of an mcentral may be shorter than usual until the mcentral has
 * GOMEM_SHORT_SHARE times the pages of a span of usual length (see span_pages()
 * in mcentral_grow.c). CPUs cache spans of an mcentral once the mcentral has
 * GOMEM_CACHE_SHARE pages for each online CPU (see may_cache() in
 * mcentral_refill.c).
 */
#define GOMEM_SHORT_SHARE	4
#define GOMEM_CACHE_SHARE	4

/* Why free pages go back to the kernel. */
enum gomem_scavenge_reason {
	GOMEM_SCAVENGE_BACKGROUND,	/* periodic work: run/epoch.c */
	GOMEM_SCAVENGE_FORCED,		/* all free pages have to go */
	GOMEM_SCAVENGE_SHRINKER,	/* reclaim, OOM, gomem_heap_pay() */
	GOMEM_SCAVENGE_LIMIT,		/* growth beyond the memory limit */
	GOMEM_SCAVENGE_GROWTH,		/* growth for a large request */
	GOMEM_SCAVENGE_FREE,		/* surplus: by frees, by api/undo.c */
	GOMEM_NR_SCAVENGE_REASONS,
};

/**
 * struct gomem_heap_stats - counters of a heap, protected by its lock
 * @lock_taken: how often the lock was taken to make, extend or free spans
 * @grows: blocks that the page source handed out and the heap kept
 * @grow_fallbacks: blocks of a lower order than wanted_order() in grow.c gave
 * @grow_failures: requests for spans that failed because no heap could grow,
 *	without those for which gomem_span_request.local is set: their callers
 *	try other nodes next
 * @grow_out_of_range: blocks that went back because their chunks were not
 *	covered
 * @peer_spans: spans requested of this heap, but made of another node's pages
 * @limit_exceeded: how often the heap grew beyond the memory limit
 * @grace_waits: calls of gomem_heap_wait_for_grace(). The shrinker makes none,
 *	since reclaim must not wait for a grace period
 * @released: gomem pages ever given back to the page source, by reason
 */
struct gomem_heap_stats {
	u64 lock_taken;
	u64 grows;
	u64 grow_fallbacks;
	u64 grow_failures;
	u64 grow_out_of_range;
	u64 peer_spans;
	u64 limit_exceeded;
	u64 grace_waits;
	u64 released[GOMEM_NR_SCAVENGE_REASONS];
};

/**
 * struct gomem_heap_snapshot - counts of a heap, read by gomem_heap_get()
 * @counts: counts of spans, summed over all CPUs
 * @stats: a copy of the heap's counters
 * @free_pages: gomem pages that are free, without those in page caches
 * @cached_pages: gomem pages in page caches, runs included
 * @backed_pages: gomem pages that the heap has, free or not
 * @hole_pages: pages of the heap's chunks that are holes
 * @chunks: chunks that have, or had, pages of the heap
 * @span_bytes: bytes of span descriptors in use
 * @span_sys: bytes of memory fetched for span descriptors
 */
struct gomem_heap_snapshot {
	struct gomem_span_counts counts;
	struct gomem_heap_stats stats;
	unsigned long free_pages;
	unsigned long cached_pages;
	unsigned long backed_pages;
	unsigned long hole_pages;
	unsigned long chunks;
	size_t span_bytes;
	size_t span_sys;
};

/**
 * struct gomem_heap - a page heap, and the mcentrals that have spans of it
 * @map: the page map, in which the heap's chunks are registered
 * @source: the page source that the heap's pages come from
 * @peers: all heaps by node; NULL if this is the only heap
 * @near: the other heaps, the nearest first, and a NULL at the end; NULL if
 *	@peers is NULL
 * @central: the heap's mcentrals, one for each span class; those of size class
 *	0 are unused
 * @node: the node whose memory the heap has
 * @link: in the list of the module's heaps
 * @relieve: called before the heap grows, with none of gomem's spinlocks held:
 *	empties slots of this CPU that hold many bytes, and lets other tasks run
 *	meanwhile if may_sleep is true. Returns true if it emptied a slot. May
 *	be NULL
 * @kick: called with none of gomem's spinlocks held, and interrupts on, when
 *	many pages are free, so that they go back soon. May be NULL
 * @wake: called with none of gomem's spinlocks held, in any context but NMI,
 *	when the heap had no page and got some. The caller of the allocation may
 *	hold locks. May be NULL
 * @pcache_max: maximum number of pages that a page cache may have in its group;
 *	0 if page caches keep nothing, and only count spans
 * @pcache_min: pages that a page cache may have in its group even if the heap
 *	is small, unless @pcache_max is less
 * @grow_min: the heap tries to grow by at least this many gomem pages; see
 *	grow.c
 * @trade_min: if the heap has many free pages, it gives some back before it
 *	grows for a request of this many pages or more; see trade() in grow.c
 * @give_min: frees give no pages back unless more pages than this are free
 * @short_share: GOMEM_SHORT_SHARE; 0 if all spans should have full length
 * @cache_share: GOMEM_CACHE_SHARE; 0 if CPUs may cache a span of an mcentral
 *	with any number of pages
 * @pcache: each CPU's page cache
 * @room_next: CLOCK_MONOTONIC time in nanoseconds before which growth gives no
 *	pages back for the memory limit. Accessed without the lock: see
 *	make_room()
 * @undo_next: CLOCK_MONOTONIC time in nanoseconds before which a failed bulk
 *	allocation leaves it to a work item to give its pages back, if they are
 *	few. Accessed without the lock: see gomem_heap_undo()
 * @run_pages: pages in the runs of all page caches; see runs_limit()
 * @told_pages: number of free pages that the kernel was told last; see
 *	heap/tell.h
 * @transfer_bytes: bytes of the objects that all transfer caches have room for
 * @transfer_pages: kernel pages that the transfer caches themselves take
 * @give_lock: protects @give_gp, @give_next, @give_hurry and @give_hurried.
 *	Frees on any CPU take it, but only by trylock, and may take @lock under
 *	it
 * @give_gp: the grace period after which frees give pages back again; read
 *	without @give_lock
 * @give_next: the grace period that was started last; @give_gp or a later one
 * @give_hurry: @give_next is expedited; read without @give_lock
 * @give_hurried: jiffies when frees last started an expedited grace period;
 *	read without @give_lock
 * @lock: protects the bitmaps of the heap's chunks, and all members below
 *	except @order_limit. Allocations, frees, the scavenger and the shrinker
 *	take it on any CPU, with interrupts off, in any context but NMI. Not
 *	held while memory is allocated from the kernel or given back
 * @pages: which pages are free
 * @spanalloc: allocators of span descriptors, by the size of their bitmaps
 * @chunkalloc: allocator of struct gomem_chunk
 * @stats: counters
 * @order_limit: the highest order at which fetch_light() begins to ask for
 *	blocks, unless the request needs a higher one. It follows the last
 *	successes and failures. Accessed without the lock: see learn_order()
 * @peak_pages: maximum number of pages that were not free at any one time since
 *	the last call of gomem_heap_set_goal()
 * @past_peaks: ring of the values that @peak_pages had at the last
 *	GOMEM_GOAL_LOOKS calls of gomem_heap_set_goal()
 * @looks: how often gomem_heap_set_goal() was called
 * @goal_pages: pages that the heap should have, in use or free. Free pages
 *	beyond that number go back. ULONG_MAX until it is set; see goal.c
 * @owed_pages: pages that gomem_heap_owe() announced and gomem_heap_pay() has
 *	not given back yet
 * @owed_gp: the grace period after which all @owed_pages may go
 * @due_pages: the part of @owed_pages that was announced first; 0 only if
 *	@owed_pages is 0
 * @due_gp: the grace period after which @due_pages may go, unless the heap
 *	reused them
 * @candidates: chunks with free pages, for the scavenger
 *
 * Invariants of a struct gomem_heap_snapshot and its @counts, if no CPU is
 * making or freeing spans:
 *	backed_pages == free_pages + cached_pages + inuse_pages
 *	inuse_pages == sum of npages over live spans
 *	live spans == sum of nspans over @central and the heap's mcentrals of
 *		typed caches + large + arena_spans
 */
struct gomem_heap {
	/* Written once. */
	struct gomem_pagemap *map;
	struct gomem_pagesource *source;
	struct gomem_heap **peers;
	struct gomem_heap **near;
	struct gomem_mcentral *central;
	int node;
	struct list_head link;
	bool (*relieve)(struct gomem_heap *h, bool may_sleep);
	void (*kick)(struct gomem_heap *h);
	void (*wake)(struct gomem_heap *h);
	unsigned int pcache_max;
	unsigned int pcache_min;
	unsigned int grow_min;
	unsigned int trade_min;
	unsigned int give_min;
	unsigned int short_share;
	unsigned int cache_share;
	struct gomem_pcache __percpu *pcache;

	u64 room_next;
	u64 undo_next;

	atomic_long_t run_pages ____cacheline_aligned_in_smp;
	atomic_long_t told_pages;
	atomic_long_t transfer_bytes;
	atomic_long_t transfer_pages;

	spinlock_t give_lock;	/* protects the four members below */
	unsigned long give_gp;
	unsigned long give_next;
	bool give_hurry;
	unsigned long give_hurried;

	spinlock_t lock ____cacheline_aligned_in_smp;
	struct gomem_pagealloc pages;
	struct gomem_fixalloc spanalloc[GOMEM_NR_SPAN_SIZES];
	struct gomem_fixalloc chunkalloc;
	struct gomem_heap_stats stats;
	unsigned int order_limit;
	unsigned long peak_pages;
	unsigned long past_peaks[GOMEM_GOAL_LOOKS];
	unsigned int looks;
	unsigned long goal_pages;
	unsigned long owed_pages;
	unsigned long owed_gp;
	unsigned long due_pages;
	unsigned long due_gp;
	struct gomem_candidates candidates;
};

/* What span to make, and how hard to try. */
struct gomem_span_request {
	unsigned int npages;
	const struct gomem_kind *kind;
	bool aligned;	/* to npages pages, which must be a power of two then */
	bool local;	/* only this node's memory, no hard request for pages */
	bool grows;	/* for one large object that may be extended in place */
	bool arena;	/* for a block of an arena; kind has size class 0 */
	gfp_t gfp;
};

/*
 * gomem_heap_walk_spans() calls a function of this type for each live span of a
 * heap, with the heap's lock held.
 */
typedef void (*gomem_span_fn)(struct gomem_span *s, void *arg);

/* mheap.c */
int gomem_heap_init(struct gomem_heap *h, struct gomem_pagesource *source,
		    struct gomem_pagemap *map, int node);
int gomem_heap_cover(struct gomem_heap *h, unsigned long addr,
		     unsigned long bytes);
void gomem_heap_destroy(struct gomem_heap *h);
void gomem_heap_count(struct gomem_heap *h, u64 *counter);

/* allocspan.c */
struct gomem_span *gomem_heap_alloc_span(struct gomem_heap *h,
					 const struct gomem_span_request *req);
unsigned int gomem_heap_alloc_spans(struct gomem_heap *h,
				    const struct gomem_span_request *req,
				    unsigned int n,
				    struct gomem_span_stack *spans);

/* freespan.c */
void gomem_heap_free_spans(struct gomem_heap *h,
			   struct gomem_span_stack *spans);
void gomem_heap_free_span(struct gomem_span *s);

/* spanpages.c */
void gomem_heap_publish_large(struct gomem_span *s);

/* extendspan.c */
bool gomem_heap_extend_span(struct gomem_span *s, unsigned int npages,
			    bool *zero);

/* pcaches.c */
void gomem_heap_drain_runs(struct gomem_heap *h);
unsigned long gomem_heap_drain_pcaches(struct gomem_heap *h, bool idle);

/* snapshot.c */
void gomem_heap_get(struct gomem_heap *h, struct gomem_heap_snapshot *snap);

/* walk.c */
void gomem_heap_walk_spans(struct gomem_heap *h, gomem_span_fn fn, void *arg);

/**
 * gomem_heap_claim_large() - claim a large object, to free or resize it
 * @map: the page map
 * @addr: the object's address, or any other address
 *
 * The tag of the object's first page holds bits of the object's address, and
 * GOMEM_TAG_LARGE while the object can be claimed. If several CPUs claim the
 * object concurrently, one clears GOMEM_TAG_LARGE. The others find it clear,
 * and do not read the span, which may already be another object's.
 *
 * The pages stay allocated until gomem_heap_free_span().
 *
 * Return: the object's span, which the caller then owns. NULL if there is no
 * such object, or if it was freed or claimed before.
 */
static inline struct gomem_span *
gomem_heap_claim_large(const struct gomem_pagemap *map, unsigned long addr)
{
	struct gomem_chunk *c = gomem_pagemap_chunk(map, addr);
	unsigned int i = gomem_chunk_page(addr);
	struct gomem_span *s;
	u32 tag;

	if (!c)
		return NULL;
	tag = READ_ONCE(c->tag[i]);
	if (!gomem_tag_is_large(tag, addr))
		return NULL;
	/*
	 * Acquire: pairs with gomem_heap_publish_large(), so that this CPU sees
	 * the span and the object as they were published.
	 */
	if (!try_cmpxchg_acquire(&c->tag[i], &tag, tag & ~GOMEM_TAG_LARGE))
		return NULL;
	s = READ_ONCE(c->span[i]);
	gomem_span_set_state(s, GOMEM_SPAN_DEAD);
	return s;
}

/*
 * Return the gfp for a light request, which may fail: no reclaim, no reserves,
 * no warning.
 */
static inline gfp_t gomem_gfp_light(gfp_t gfp)
{
	gfp &= ~(__GFP_RECLAIM | __GFP_NOFAIL | __GFP_RETRY_MAYFAIL |
		 __GFP_MEMALLOC | __GFP_HIGH | GOMEM_GFP_ATOMIC);
	return gfp | __GFP_NOWARN | __GFP_NORETRY | __GFP_NOMEMALLOC;
}

/*
 * Return the gfp for a hard request. gomem_heap_alloc_span() itself repeats
 * requests with __GFP_NOFAIL, so the kernel need not.
 */
static inline gfp_t gomem_gfp_full(gfp_t gfp)
{
	return gfp & ~__GFP_NOFAIL;
}

/* Return how many pages the heap has. The number may be a little stale. */
static inline unsigned long gomem_heap_backed_pages(const struct gomem_heap *h)
{
	/* Read without the lock: a stale number is good enough for callers. */
	return data_race(h->pages.backed_pages);
}

/* Return the page of an address, as a number from the base of the page map. */
static inline unsigned long gomem_heap_page(const struct gomem_heap *h,
					    unsigned long addr)
{
	return (addr - h->map->base) >> GOMEM_PAGE_SHIFT;
}

static inline unsigned long gomem_heap_addr(const struct gomem_heap *h,
					    unsigned long page)
{
	return h->map->base + (page << GOMEM_PAGE_SHIFT);
}

#endif /* GOMEM_MHEAP_H */
