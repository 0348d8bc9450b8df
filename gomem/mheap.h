/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mheap.h - spans in and out of pages, and pages in and out of the kernel
 * (Go's mheap).
 *
 * A heap is an object: the module has one, tests make their own with a page
 * source that fails on demand.
 */
#ifndef GOMEM_MHEAP_H
#define GOMEM_MHEAP_H

#include <linux/cache.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "chunk.h"
#include "fixalloc.h"
#include "mcentral.h"
#include "pagealloc.h"
#include "pagesource.h"
#include "sizeclass.h"
#include "span.h"

/* Bitmaps of 1, 2, 4, 8 or 16 words: descriptors come in that many sizes. */
#define GOMEM_NR_SPAN_SIZES	5

/**
 * struct gomem_heap_stats - counters of a heap, under its lock
 * @inuse_pages: gomem pages in live spans
 * @spans: live spans
 * @large: live large objects
 * @large_pages: gomem pages in them
 * @large_allocs: large objects ever allocated
 * @large_frees: large objects ever freed
 * @large_alloc_bytes: bytes ever allocated as large objects
 * @span_allocs: spans ever made
 * @span_frees: spans ever given back
 * @grows: blocks fetched from the page source
 * @grow_fallbacks: blocks that came in a lower order than wanted
 * @grow_failures: times no block could be had
 * @grow_out_of_range: of these, blocks in memory that the tables do not reach
 * @free_pages: gomem pages the heap has free (snapshots only)
 * @chunks: chunks with pages of ours, now or before (snapshots only)
 * @span_bytes: bytes of span descriptors in use (snapshots only)
 */
struct gomem_heap_stats {
	unsigned long inuse_pages;
	unsigned long spans;
	unsigned long large;
	unsigned long large_pages;
	u64 large_allocs;
	u64 large_frees;
	u64 large_alloc_bytes;
	u64 span_allocs;
	u64 span_frees;
	u64 grows;
	u64 grow_fallbacks;
	u64 grow_failures;
	u64 grow_out_of_range;
	unsigned long free_pages;
	unsigned long chunks;
	unsigned long span_bytes;
};

/**
 * struct gomem_heap - a page heap and the central lists over it
 * @base: address that page index 0 stands for; chunk aligned
 * @nr_chunks: chunks from there on that the heap can take
 * @pages: which pages are free; finds the chunk of an address without a lock
 * @lock: protects @pages, the chunks, @spanalloc, @chunkalloc and @stats. Taken
 *	with interrupts off, in any context but NMI. Never held while memory is
 *	allocated or given back
 * @source: where pages come from
 * @spanalloc: descriptors, by size of their bitmaps
 * @chunkalloc: struct gomem_chunk
 * @stats: counters
 * @central: one per span class; those of size class 0 are not used
 *
 * Invariants, with nobody at work:
 *	source->heap_pages == pages free + stats.inuse_pages
 *	stats.inuse_pages == sum of npages over live spans
 *	stats.spans == number of live spans == sum of central[].nspans + stats.large
 */
struct gomem_heap {
	/* Read by every free, written once. */
	unsigned long base;
	unsigned long nr_chunks;
	struct gomem_pagealloc pages;

	spinlock_t lock ____cacheline_aligned_in_smp;
	struct gomem_pagesource *source;
	struct gomem_fixalloc spanalloc[GOMEM_NR_SPAN_SIZES];
	struct gomem_fixalloc chunkalloc;
	struct gomem_heap_stats stats;

	struct gomem_mcentral central[GOMEM_NR_SPANCLASSES];
};

/* What to allocate, and how hard to try. */
struct gomem_span_request {
	unsigned int npages;
	unsigned int spc;
	bool aligned;	/* npages is a power of two: naturally aligned */
	gfp_t gfp;
	int node;
};

/* Called for a span with the heap lock held. */
typedef void (*gomem_span_fn)(struct gomem_span *s, void *arg);

int gomem_heap_init(struct gomem_heap *h, struct gomem_pagesource *source, unsigned long base,
		    unsigned long nr_chunks);
void gomem_heap_destroy(struct gomem_heap *h);

struct gomem_span *gomem_heap_alloc_span(struct gomem_heap *h,
					 const struct gomem_span_request *req);
void gomem_heap_free_span(struct gomem_heap *h, struct gomem_span *s);
bool gomem_heap_claim_large(struct gomem_heap *h, struct gomem_span *s, unsigned long addr);

void gomem_heap_get_stats(struct gomem_heap *h, struct gomem_heap_stats *st);
void gomem_heap_walk_spans(struct gomem_heap *h, gomem_span_fn fn, void *arg);

/* Number of the chunk an address lies in; nr_chunks or more: none of ours. */
static __always_inline unsigned long gomem_heap_chunk_index(const struct gomem_heap *h,
							    unsigned long addr)
{
	return (addr - h->base) >> GOMEM_CHUNK_SHIFT;
}

/* The chunk an address lies in, NULL if it is beyond what a heap can take. */
static inline struct gomem_chunk *gomem_heap_chunk(const struct gomem_heap *h,
						   unsigned long addr)
{
	unsigned long ci = gomem_heap_chunk_index(h, addr);

	return ci < h->nr_chunks ? gomem_pagealloc_chunk(&h->pages, ci) : NULL;
}

static inline unsigned int gomem_chunk_page(unsigned long addr)
{
	return (addr >> GOMEM_PAGE_SHIFT) & (GOMEM_CHUNK_PAGES - 1);
}

/*
 * The live span that an address lies in, or NULL. The answer holds for as long
 * as the caller owns an object there.
 */
static inline struct gomem_span *gomem_heap_lookup(const struct gomem_heap *h,
						   unsigned long addr)
{
	struct gomem_chunk *c = gomem_heap_chunk(h, addr);
	unsigned int i = gomem_chunk_page(addr);

	/* Pairs with the stores in map_span() and unmap_span(). */
	if (!c || !READ_ONCE(c->tag[i]))
		return NULL;
	return READ_ONCE(c->span[i]);
}

/* Is this a page that the heap has, in use or not? */
static inline bool gomem_heap_has_page(const struct gomem_heap *h, unsigned long addr)
{
	struct gomem_chunk *c = gomem_heap_chunk(h, addr);
	unsigned int i = gomem_chunk_page(addr);

	/* A racy hint: it only chooses the words of a report. */
	return c && !(data_race(c->hole.word[i / 64]) & BIT_ULL(i % 64));
}

#endif /* GOMEM_MHEAP_H */
