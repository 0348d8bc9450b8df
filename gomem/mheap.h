/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mheap.h - spans in and out of pages, and pages in and out of the kernel
 * (Go's mheap).
 *
 * A heap is an object, and has the memory of one NUMA node: the module has one a
 * node, tests make their own with a page source that fails on demand.
 */
#ifndef GOMEM_MHEAP_H
#define GOMEM_MHEAP_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "candidates.h"
#include "chunk.h"
#include "compat.h"
#include "fixalloc.h"
#include "kind.h"
#include "mcentral.h"
#include "pagealloc.h"
#include "pagemap.h"
#include "pagesource.h"
#include "pcache.h"
#include "sizeclass.h"
#include "span.h"

/* An epoch is so many looks at what is used. */
#define GOMEM_EPOCH_LOOKS	4

/* A heap's goal is what it used since so many looks at it. */
#define GOMEM_GOAL_LOOKS	4

/* A block of the kernel's has so many gomem pages at least: 128 KiB. */
#define GOMEM_GROW_MIN		16

/*
 * Who frees gives pages back if more than a share of what is in use is free; fewer than
 * 1 MiB are no reason.
 */
#define GOMEM_GIVE_SHARE	16
#define GOMEM_GIVE_MIN		128

/* See span_pages() and may_cache() of mcentral.c. */
#define GOMEM_SHORT_SHARE	4
#define GOMEM_CACHE_SHARE	4

/* Who asks for free pages to go back to the kernel. */
enum gomem_scavenge_reason {
	GOMEM_SCAVENGE_BACKGROUND,
	GOMEM_SCAVENGE_FORCED,
	GOMEM_SCAVENGE_SHRINKER,
	GOMEM_SCAVENGE_LIMIT,
	GOMEM_SCAVENGE_GROWTH,
	GOMEM_SCAVENGE_FREE,
	GOMEM_NR_SCAVENGE_REASONS,
};

/**
 * struct gomem_heap_stats - counters of a heap, under its lock
 * @lock_taken: times the lock was taken to make spans or to give them back
 * @grows: blocks fetched from the page source
 * @grow_fallbacks: blocks that came in a lower order than wanted
 * @grow_failures: times no block could be had
 * @grow_out_of_range: blocks in memory that the tables do not reach; they went back
 * @peer_spans: spans asked for here that were made of another node's pages
 * @limit_exceeded: times the heap grew although the memory limit was reached
 * @grace_waits: grace periods that a scavenger slept for; never in reclaim
 * @released: gomem pages ever given back to the page source, by who asked
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
 * struct gomem_heap_snapshot - what a heap has, at one moment
 * @counts: sums over all CPUs
 * @stats: the counters under the lock
 * @free_pages: gomem pages that are free, those of page caches not included
 * @cached_pages: gomem pages in page caches
 * @backed_pages: gomem pages that the heap has
 * @hole_pages: gomem pages of its chunks that it does not have
 * @chunks: chunks with pages of ours, now or before
 * @span_bytes: bytes of span descriptors in use
 * @span_sys: bytes taken for span descriptors
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
 * struct gomem_heap - a page heap and the central lists over it
 * @map: where its chunks are found by address
 * @source: where pages come from
 * @peers: all heaps by node, NULL if this is the only one
 * @near: the others, the nearest first, and NULL behind them; NULL if there are none
 * @node: whose memory it has
 * @link: in the list of the module's heaps
 * @relieve: called before it grows, with no lock held, to have what others hold of its
 *	memory without need; true if there was something. May be NULL
 * @pcache_min: pages that it may take in a small heap, too, if not more than that
 * @grow_min: gomem pages that it grows by at least; see grow.c
 * @trade_min: requests of so many pages make it give back others before it grows
 * @give_min: free pages of which frees give none back, however many they are of it
 * @short_share: 0, or as of mcentral.c, where new spans get short
 * @cache_share: likewise, where spans are not cached
 * @pcache: each CPU's page cache
 * @pcache_max: most pages that a page cache takes; 0 for none
 * @room_next: nanoseconds of CLOCK_MONOTONIC before which no growth gives pages back for
 *	the memory limit; without the lock, see make_room()
 * @run_pages: pages in the runs of all page caches; see runs_limit()
 * @transfer_bytes: of objects that all transfer caches have room for
 * @transfer_pages: pages that these take
 * @give_lock: protects the three below; taken before @lock, and never waited for
 * @give_gp: what it waits for before it looks again; read without the lock
 * @give_hurry: that is to be over soon; likewise
 * @give_hurried: when that was so last, in jiffies
 * @lock: protects all that follows but @central, and the bits of its chunks. Taken
 *	with interrupts off, in any context but NMI. Never held while memory is
 *	allocated or given back
 * @pages: which pages are free
 * @spanalloc: descriptors, by size of their bitmaps
 * @chunkalloc: struct gomem_chunk
 * @stats: counters
 * @order_limit: highest order worth asking the kernel for, by experience; without
 *	the lock
 * @peak_pages: most pages that were not free since the last look
 * @past_peaks: the same of the last looks, in no order that matters
 * @looks: how often the heap was looked at
 * @goal_pages: pages to keep in all; what is free beyond goes back. ULONG_MAX until
 *	the first look; see epoch.c
 * @owed_pages: pages that were announced to go back, still in their grace period
 * @owed_gp: the grace period after which all of these may go
 * @candidates: chunks with free pages, for the scavenger
 * @central: one per span class; those of size class 0 are not used
 *
 * Invariants, with nobody at work:
 *	pages backed == pages free + cached_pages + inuse_pages
 *	inuse_pages == sum of npages over live spans
 *	spans, those that are live == sum of central[].nspans + large + arena_spans
 */
struct gomem_heap {
	/* Written once. */
	struct gomem_pagemap *map;
	struct gomem_pagesource *source;
	struct gomem_heap **peers;
	struct gomem_heap **near;
	int node;
	struct list_head link;
	bool (*relieve)(struct gomem_heap *h);
	unsigned int pcache_max;
	unsigned int pcache_min;
	unsigned int grow_min;
	unsigned int trade_min;
	unsigned int give_min;
	unsigned int short_share;
	unsigned int cache_share;
	struct gomem_pcache __percpu *pcache;

	u64 room_next;

	atomic_long_t run_pages ____cacheline_aligned_in_smp;
	atomic_long_t transfer_bytes;
	atomic_long_t transfer_pages;

	spinlock_t give_lock;	/* see above */
	unsigned long give_gp;
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
	struct gomem_candidates candidates;

	struct gomem_mcentral central[GOMEM_NR_SPANCLASSES];
};

/* What to allocate, and how hard to try. */
struct gomem_span_request {
	unsigned int npages;
	const struct gomem_kind *kind;
	bool aligned;	/* npages is a power of two: naturally aligned */
	bool local;	/* of this node only, and without effort */
	bool arena;	/* of the kind that is large, but an arena's, not an object */
	gfp_t gfp;
};

/* Called for a span with the heap lock held. */
typedef void (*gomem_span_fn)(struct gomem_span *s, void *arg);

int gomem_heap_init(struct gomem_heap *h, struct gomem_pagesource *source,
		    struct gomem_pagemap *map, int node);
void gomem_heap_destroy(struct gomem_heap *h);

struct gomem_span *gomem_heap_alloc_span(struct gomem_heap *h,
					 const struct gomem_span_request *req);
unsigned int gomem_heap_alloc_spans(struct gomem_heap *h, const struct gomem_span_request *req,
				    unsigned int n, struct gomem_span_stack *spans);
void gomem_heap_free_spans(struct gomem_heap *h, struct gomem_span_stack *spans);
void gomem_heap_free_span(struct gomem_span *s);
void gomem_heap_publish_large(struct gomem_span *s);
bool gomem_heap_extend_span(struct gomem_span *s, unsigned int npages, bool *zero);
void gomem_heap_count_peer_span(struct gomem_heap *h);
void gomem_heap_drain_runs(struct gomem_heap *h);
unsigned long gomem_heap_drain_pcaches(struct gomem_heap *h, bool idle);

void gomem_heap_get(struct gomem_heap *h, struct gomem_heap_snapshot *snap);
void gomem_heap_walk_spans(struct gomem_heap *h, gomem_span_fn fn, void *arg);

/* Between the files of the heap: mheap.c, grow.c, scavenge.c. */
bool gomem_heap_refill(struct gomem_heap *h, struct gomem_fixalloc *f, gfp_t gfp);
void gomem_heap_note_peak(struct gomem_heap *h);
void gomem_heap_release(struct gomem_heap *h, unsigned long page, unsigned int npages);
unsigned long gomem_heap_take(struct gomem_heap *h, const struct gomem_span_request *req);
unsigned long gomem_heap_grow(struct gomem_heap **hp, const struct gomem_span_request *req);
int gomem_heap_cover(struct gomem_heap *h, unsigned long addr, unsigned long bytes);

/**
 * gomem_heap_claim_large() - be the one who frees a large object
 * @map: the map
 * @addr: the object, or any other address
 *
 * Its pages stay where they are until gomem_heap_free_span().
 *
 * The tag has the object's address and says that it was not freed: of several frees one
 * changes it, and the others find it changed. None looks at the span before that, which
 * may be another object's by then.
 *
 * Return: its span, which is the caller's now; NULL if there is no such object, or
 * somebody else freed it first.
 */
static inline struct gomem_span *gomem_heap_claim_large(const struct gomem_pagemap *map,
							unsigned long addr)
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
	/* Acquire: pairs with gomem_heap_publish_large(), for the span and what is in it. */
	if (!try_cmpxchg_acquire(&c->tag[i], &tag, tag & ~GOMEM_TAG_LARGE))
		return NULL;
	s = READ_ONCE(c->span[i]);
	gomem_span_set_state(s, GOMEM_SPAN_DEAD);
	return s;
}

/* For a try that has a fallback: no effort, no reserves, no noise. */
static inline gfp_t gomem_gfp_light(gfp_t gfp)
{
	gfp &= ~(__GFP_RECLAIM | __GFP_NOFAIL | __GFP_RETRY_MAYFAIL | __GFP_MEMALLOC |
		 __GFP_HIGH | GOMEM_GFP_ATOMIC);
	return gfp | __GFP_NOWARN | __GFP_NORETRY | __GFP_NOMEMALLOC;
}

/* For what need not be exact: how many pages the heap has, without its lock. */
static inline unsigned long gomem_heap_about(const struct gomem_heap *h)
{
	/* Stale is good enough. */
	return data_race(h->pages.backed_pages);
}

/* Where a heap has its spans of a kind. */
static inline struct gomem_mcentral *gomem_central(struct gomem_heap *h,
						   const struct gomem_kind *k)
{
	return k->cache ? k->central[h->node] : &h->central[k->spc];
}

/* Numbers of pages are those of the map, in all heaps. */
static inline unsigned long gomem_heap_page(const struct gomem_heap *h, unsigned long addr)
{
	return (addr - h->map->base) >> GOMEM_PAGE_SHIFT;
}

static inline unsigned long gomem_heap_addr(const struct gomem_heap *h, unsigned long page)
{
	return h->map->base + (page << GOMEM_PAGE_SHIFT);
}

#endif /* GOMEM_MHEAP_H */
