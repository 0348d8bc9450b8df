/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fake_source.h - a page source without memory, and heaps that use it.
 *
 * The source hands out made-up addresses. Its member has_memory is false, so
 * heaps and mcentrals do not touch the memory that they manage. The source
 * knows which pages are *out*: handed out, and not given back. So it can check
 * that only such pages come back, and also that no lock of the heap is held
 * during a call. Since any thread may call the source in any context, it only
 * stores the first violation in the member error of struct fake_source.
 * fake_heap_exit() then fails the test.
 *
 * Memory for descriptors is real, and exactly as large as requested, so that
 * KASAN watches its ends.
 */
#ifndef GOMEM_FAKE_SOURCE_H
#define GOMEM_FAKE_SOURCE_H

#include <kunit/test.h>
#include <linux/list.h>
#include <linux/prandom.h>
#include <linux/spinlock.h>

#include "cpu/node.h"

/*
 * Address at which the pages of the heaps of cases begin. Any multiple of 4 GiB
 * would do: gomem_pagemap_init() needs one.
 */
#define FAKE_BASE	0x7000000000UL

/**
 * struct fake_failures - which calls of a source fail; if all zero, none does
 * @from: number of the first call that fails, counted from 1; 0: none
 * @count: how many calls fail from there on
 * @every: each call with a number divisible by this fails; 0: none
 * @percent: share of calls that fail, at random
 * @limit: calls for pages fail from this order on; 0: no limit
 * @calls: number of calls so far
 * @failed: number of calls that failed
 */
struct fake_failures {
	unsigned long from;
	unsigned long count;
	unsigned long every;
	unsigned int percent;
	unsigned int limit;
	unsigned long calls;
	unsigned long failed;
};

/* Which free block of its range the source hands out. */
enum fake_policy {
	FAKE_LOWEST,
	FAKE_HIGHEST,
	FAKE_RANDOM,
};

/* The arguments of the last call of src.alloc(). */
struct fake_call {
	unsigned int order;
	gfp_t gfp;
	int node;
};

/* Nodes that a source can have. */
#define FAKE_NODES	2

/**
 * struct fake_source - a page source for tests
 * @src: to be given to gomem_heap_init()
 * @heap: the heap that uses the source; NULL in struct fake_peers. No lock of
 *	this heap, nor of a heap in @node, may be held while @src allocates or
 *	frees
 * @nr_nodes: number of nodes that the memory belongs to; 0 if nodes do not
 *	matter
 * @stripe: pages in a row that belong to the same node
 * @node: for each node its number, its heap, and whether it has no memory left
 * @map: the page map of its chunks
 * @base: first address of the range that blocks come from
 * @nr_pages: length of that range
 * @beyond: added to the addresses of blocks if the gfp does not ask for low
 *	memory (__GFP_DMA32)
 * @policy: which blocks to hand out
 * @pages: which calls of src.alloc() fail
 * @meta: which calls of src.meta_alloc() fail
 * @lock: protects all that follows, and the counters in @pages and @meta
 * @rnd: random numbers
 * @out: bitmap of the pages that are handed out
 * @nr_out: number of these pages
 * @metas: list of the descriptor memory that is handed out
 * @meta_out: bytes of @metas
 * @last: the last call of src.alloc()
 * @speculative: calls of src.alloc() whose gfp allows no reclaim and no warning
 * @anywhere: calls of src.alloc() that accept memory of any node
 * @error: the first thing found wrong, or NULL
 */
struct fake_source {
	struct gomem_pagesource src;
	struct gomem_heap *heap;
	unsigned int nr_nodes;
	unsigned long stripe;
	struct {
		int id;
		bool empty;
		struct gomem_heap *heap;
	} node[FAKE_NODES];
	struct gomem_pagemap map;
	unsigned long base;
	unsigned long nr_pages;
	unsigned long beyond;
	enum fake_policy policy;
	struct fake_failures pages;
	struct fake_failures meta;

	spinlock_t lock;	/* protects what follows */
	struct rnd_state rnd;
	unsigned long *out;
	unsigned long nr_out;
	struct list_head metas;
	unsigned long meta_out;
	struct fake_call last;
	unsigned long speculative;
	unsigned long anywhere;
	const char *error;
};

/* A heap with a source of its own. */
struct fake_heap {
	struct fake_source source;
	struct gomem_heap *heap;
};

/**
 * struct fake_peers - the heaps of several nodes, which share a source
 * @source: the source
 * @heap: one for each of its nodes
 * @peers: the heaps by node number, as gomem_peers_init() takes them
 */
struct fake_peers {
	struct fake_source source;
	struct gomem_heap *heap[FAKE_NODES];
	struct gomem_heap **peers;
};

int fake_heap_init(struct fake_heap *fh, unsigned long nr_chunks, u32 seed);
void fake_heap_destroy(struct fake_heap *fh);
void fake_heap_exit(struct kunit *test, struct fake_heap *fh);

int fake_peers_init(struct fake_peers *fp, unsigned long nr_chunks,
		    unsigned long stripe, u32 seed);
void fake_peers_exit(struct kunit *test, struct fake_peers *fp);

const char *fake_heap_check(struct gomem_heap *h, struct gomem_span **live,
			    unsigned int nr);
unsigned int fake_random_spc(struct rnd_state *rnd);
struct gomem_span_request fake_small_request(unsigned int spc);
struct gomem_span_request fake_large_request(unsigned int npages);

bool fake_page_is_out(struct fake_source *fake, unsigned long addr);
unsigned long fake_heap_spans(struct fake_heap *fh);
void fake_heap_put(struct kunit *test, struct gomem_span *s);
void fake_forget_pages(struct fake_source *fake, unsigned long addr,
		       unsigned long npages);

/*
 * Let @count calls fail, from the call with number @from on. The next call has
 * number 1.
 */
static inline void fake_fail(struct fake_failures *f, unsigned long from,
			     unsigned long count)
{
	*f = (struct fake_failures){ .from = from, .count = count };
}

static inline void fake_fail_none(struct fake_failures *f)
{
	*f = (struct fake_failures){ };
}

/* Allocate a span, and publish it if it is large. */
static inline struct gomem_span *
fake_heap_span(struct gomem_heap *h, const struct gomem_span_request *req)
{
	struct gomem_span *s = gomem_heap_alloc_span(h, req);

	if (s && gomem_kind_is_large(req->kind) && !req->arena)
		gomem_heap_publish_large(s);
	return s;
}

#endif /* GOMEM_FAKE_SOURCE_H */
