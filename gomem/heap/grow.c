// SPDX-License-Identifier: GPL-2.0
/*
 * grow.c - fetch blocks of pages from the kernel into a heap.
 *
 * A heap first asks for a block of 1 / GROW_SHARE of its pages, then for
 * smaller blocks. These requests are light. If they fail, a hard request asks
 * for the smallest block that is large enough for the allocation.
 */
#include <kunit/visibility.h>
#include <linux/bitmap.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "base/trace.h"
#include "map/zeropage.h"
#include "heap/desc.h"
#include "heap/goal.h"
#include "heap/grow.h"
#include "heap/mheap.h"
#include "heap/pages.h"
#include "heap/peers.h"
#include "heap/scavenge.h"

/*
 * The number of gomem pages that a heap tries to grow by:
 *
 *	min(max(pages of the heap / GROW_SHARE, GOMEM_GROW_MIN), GROW_MAX)
 *
 * rounded up to a power of two. The share is small, so that few pages are
 * fetched in vain. The minimum of 128 KiB keeps small heaps from growing page
 * by page. The maximum is a chunk: if kernel pages have 4 KiB and
 * MAX_PAGE_ORDER is 10, the kernel hands out no larger block.
 */
#define GROW_MAX	GOMEM_CHUNK_PAGES
#define GROW_SHARE	64

/*
 * Return the order to ask for first: the order of the number of pages above, at
 * least @need. If the larger block would exceed the memory limit, return @need.
 * The counts of pages are read without a lock. If they are stale, the order is
 * slightly off, which does no harm.
 */
static unsigned int wanted_order(struct gomem_heap *h, unsigned int need)
{
	unsigned long want = gomem_heap_backed_pages(h) / GROW_SHARE;

	want = order_base_2(clamp_t(unsigned long, want, h->grow_min,
				    GROW_MAX));
	if (want <= need || gomem_source_excess(h->source, 1UL << want))
		return need;
	return want;
}

/*
 * Set h->order_limit, the highest order that the next search starts at, after a
 * search that tried the orders from @from down to @last:
 *
 *	order @from succeeded		max(@from + 1, h->order_limit)
 *	a lower order @got succeeded	@got
 *	no order did, @got > @from	min(@last, h->order_limit)
 *
 * If two CPUs do this concurrently, the result of either will do.
 */
static void learn_order(struct gomem_heap *h, unsigned int from,
			unsigned int last, unsigned int got)
{
	unsigned int limit = got;

	if (got == from)
		limit = max(got + 1, READ_ONCE(h->order_limit));
	else if (got > from)
		limit = min(last, READ_ONCE(h->order_limit));
	WRITE_ONCE(h->order_limit,
		   min_t(unsigned int, limit, GOMEM_CHUNK_PAGES_SHIFT));
}

/*
 * For a block whose chunk has no heap yet, return the heap that the block will
 * belong to: the heap for the node of the block's memory.
 */
static struct gomem_heap *heap_by_node(struct gomem_heap *h, unsigned long addr)
{
	if (!h->peers)
		return h;
	return h->peers[h->source->node_of(h->source, addr)] ?: h;
}

/* Is the chunk of a block covered, by the page map and by the block's heap? */
static noinline bool is_covered(struct gomem_heap *h, unsigned long addr)
{
	struct gomem_chunk *c = gomem_pagemap_chunk(h->map, addr);
	unsigned long flags;
	bool ok;

	if (!c || c != &gomem_no_chunk)
		return c;
	h = heap_by_node(h, addr);
	spin_lock_irqsave(&h->lock, flags);
	ok = gomem_pagealloc_covers(&h->pages,
				    gomem_pagemap_index(h->map, addr));
	spin_unlock_irqrestore(&h->lock, flags);
	return ok;
}

static noinline void refuse_block(struct gomem_heap *h, unsigned long addr,
				  unsigned int order)
{
	gomem_pages_put(h->source, addr, 1UL << order);
	gomem_heap_count(h, &h->stats.grow_out_of_range);
}

/*
 * Get a block whose chunk is covered. Return its address, or 0. If the kernel
 * hands out a block that is not covered, give it back and set *@beyond. The
 * caller must not repeat the request: the kernel would hand out the same block
 * again.
 */
static __always_inline unsigned long
get_block(struct gomem_heap *h, unsigned int order, gfp_t gfp, bool *beyond)
{
	unsigned long addr = gomem_pages_get(h->source, order, gfp, h->node);

	if (!addr || likely(is_covered(h, addr)))
		return addr;
	refuse_block(h, addr, order);
	*beyond = true;
	return 0;
}

/* A block that was fetched: addr is 0 if there is none. */
struct block {
	unsigned long addr;
	unsigned int order;
};

/*
 * Fetch a block that the kernel has free, without reclaim. Start at the wanted
 * order, or at h->order_limit if that is lower. Try each lower order down to
 * the last one:
 *
 *	one heap	need + 1: grow_hard() tries need next
 *	several heaps	need: other nodes are asked before grow_hard() tries
 *			need on this node
 *
 * where need is the lowest order that the request fits into. The last order is
 * tried even if h->order_limit is lower. Otherwise the heap would never notice
 * that the kernel has blocks of that order again.
 */
static noinline struct block fetch_light(struct gomem_heap *h,
					 const struct gomem_span_request *req)
{
	unsigned int need = order_base_2(req->npages);
	unsigned int wanted = wanted_order(h, need);
	unsigned int last = h->peers ? need : need + 1;
	unsigned int from = max(min(wanted, READ_ONCE(h->order_limit)), last);
	gfp_t gfp = gomem_gfp_light(req->gfp);
	struct block b = { .order = from };
	bool beyond = false;

	if (wanted < last)
		return b;
	if (h->peers)
		gfp |= __GFP_THISNODE;
	for (;; b.order--) {
		b.addr = get_block(h, b.order, gfp, &beyond);
		if (b.addr || beyond || b.order == last)
			break;
	}
	learn_order(h, from, last, b.addr ? b.order : UINT_MAX);
	return b;
}

/* Count the free pages of this heap and its peers. */
static unsigned long free_everywhere(const struct gomem_heap *h)
{
	/* Read without the heaps' locks: stale numbers will do. */
	unsigned long n = data_race(h->pages.free_pages);
	struct gomem_heap *peer;

	for_each_gomem_peer(peer, h)
		/* Read without the peer's lock, too. */
		n += data_race(peer->pages.free_pages);
	return n;
}

/*
 * Give back up to @excess free pages of all nodes. Return @excess minus the
 * number of pages that went back.
 */
static unsigned long give_back_excess(struct gomem_heap *h,
				      unsigned long excess)
{
	struct gomem_heap *peer;

	excess -= gomem_heap_scavenge(h, excess, GOMEM_SCAVENGE_LIMIT);
	for_each_gomem_peer(peer, h) {
		if (!excess)
			break;
		excess -= gomem_heap_scavenge(peer, excess,
					      GOMEM_SCAVENGE_LIMIT);
	}
	return excess;
}

/*
 * If a request that may sleep makes a heap grow beyond the memory limit, first
 * give free pages back. The request cannot use these pages: their runs are too
 * short, or the pages are another node's. But later requests could have used
 * these pages, and now make the heap fetch as many pages again. Two rules limit
 * the time for giving back and fetching:
 *
 *	No page goes back if the free pages of all heaps are fewer than the
 *	excess: gomem would exceed the limit even without the free pages.
 *
 *	Giving back takes at most 1 / ROOM_PAUSE of the time. Fetching the pages
 *	again takes two to three times as long as giving them back. So at least
 *	half of the time is left for other work.
 *
 * The limit is soft: the heap grows anyway. Pages in their grace period cannot
 * go back yet. If fewer pages than the excess go back, a grace period is
 * started, and the next try is at least one tick later.
 */
#define ROOM_PAUSE	8

static void make_room(struct gomem_heap *h, unsigned int need, gfp_t gfp)
{
	unsigned long excess = gomem_source_excess(h->source, 1UL << need);
	u64 start, pause;

	if (likely(!excess) || !gfpflags_allow_blocking(gfp))
		return;
	start = ktime_get_ns();
	if (start < READ_ONCE(h->room_next) || free_everywhere(h) < excess)
		return;
	excess = give_back_excess(h, excess);
	pause = ROOM_PAUSE * (ktime_get_ns() - start);
	if (excess) {
		start_poll_synchronize_rcu();
		pause = max_t(u64, pause, TICK_NSEC);
	}
	/* If two CPUs store h->room_next concurrently, either value will do. */
	WRITE_ONCE(h->room_next, start + pause);
}

/*
 * Before a heap with many free pages grows for a large request that may sleep,
 * give back as many free pages as the request wants. The free pages lie in runs
 * that are too short for the request. If this function did not give them back,
 * the heap would keep them in addition to the new pages until the next look.
 * Pages in their grace period are not given back.
 */
static void trade(struct gomem_heap *h, const struct gomem_span_request *req)
{
	if (req->npages >= h->trade_min && gfpflags_allow_blocking(req->gfp) &&
	    gomem_heap_has_many_free(h))
		gomem_heap_scavenge(h, req->npages, GOMEM_SCAVENGE_GROWTH);
}

/*
 * Before the heap grows, give free pages back: see make_room() and trade().
 * Kept out of line, so that the stack frame of this function is gone when the
 * caller fetches pages.
 */
static noinline void make_way(struct gomem_heap *h,
			      const struct gomem_span_request *req)
{
	make_room(h, order_base_2(req->npages), req->gfp);
	trade(h, req);
}

static noinline void set_supply(struct gomem_supply *from,
				struct gomem_heap *h, struct gomem_span *s,
				unsigned int index)
{
	gomem_heap_free_desc(from->heap, &from->heap->spanalloc[index],
			     from->desc);
	from->heap = h;
	from->desc = s;
}

/*
 * Set @from to the heap @h, which the pages come from, and to a new descriptor
 * of that heap. Free the old descriptor. Return false, with nothing changed, if
 * there is no memory for a descriptor.
 */
static noinline bool supply_from(struct gomem_supply *from,
				 struct gomem_heap *h,
				 const struct gomem_span_request *req)
{
	unsigned int index = req->kind->desc;
	struct gomem_span *s =
		gomem_heap_alloc_desc(h, &h->spanalloc[index], req->gfp);

	if (s)
		set_supply(from, h, s, index);
	return s;
}

/*
 * Register @mine with the heap @h as the chunk of an address, and return @mine.
 * If another CPU was faster, free @mine and return that CPU's chunk.
 */
static noinline struct gomem_chunk *register_chunk(struct gomem_heap *h,
						   unsigned long addr,
						   struct gomem_chunk *mine)
{
	unsigned long flags, ci = gomem_pagemap_index(h->map, addr);
	struct gomem_chunk *c;

	bitmap_zero(mine->zero, GOMEM_CHUNK_PAGES);
	mine->rank = GOMEM_RANK_NONE;
	spin_lock_irqsave(&h->lock, flags);
	c = gomem_pagealloc_register(&h->pages, ci, mine);
	if (c != mine)
		gomem_fixalloc_free(&h->chunkalloc, mine);
	spin_unlock_irqrestore(&h->lock, flags);
	return c;
}

/*
 * Return the chunk of a block. If it is not registered, register it with the
 * heap @h, but another CPU may register it with another heap first. Return NULL
 * if there is no memory for the chunk's descriptor.
 */
static noinline struct gomem_chunk *provide_chunk(struct gomem_heap *h,
						  unsigned long addr, gfp_t gfp)
{
	struct gomem_chunk *c = gomem_pagemap_chunk(h->map, addr);

	if (c != &gomem_no_chunk)
		return c;
	c = gomem_heap_alloc_desc(h, &h->chunkalloc, gfp);
	return c ? register_chunk(h, addr, c) : NULL;
}

/*
 * Return the heap of a block: the heap of its chunk, or if the chunk is not
 * registered, the heap of the node of its memory.
 */
static noinline struct gomem_heap *heap_of_block(struct gomem_heap *h,
						 unsigned long addr)
{
	struct gomem_chunk *c = gomem_pagemap_chunk(h->map, addr);

	return c != &gomem_no_chunk ? c->heap : heap_by_node(h, addr);
}

/*
 * Provide what a block needs before it can be added to its heap: a chunk, and a
 * span descriptor for the request. If the block belongs to another heap than
 * the one in @from, replace both members of @from: by that heap and by one of
 * its span descriptors. Return the chunk, or NULL if there is no memory.
 */
static struct gomem_chunk *prepare_block(struct gomem_supply *from,
					 const struct gomem_span_request *req,
					 unsigned long addr)
{
	struct gomem_chunk *c;
	struct gomem_heap *h;

	/*
	 * Another CPU may register the chunk first, with another heap, since a
	 * chunk may have blocks of several nodes. Then the second round of this
	 * loop finds that heap.
	 */
	do {
		h = heap_of_block(from->heap, addr);
		if (h != from->heap && !supply_from(from, h, req))
			return NULL;
		c = provide_chunk(from->heap, addr, req->gfp);
	} while (c && c->heap != from->heap);
	return c;
}

/* Call the callback h->wake() of a heap that had no page, and has some now. */
static void wake(struct gomem_heap *h)
{
	void (*fn)(struct gomem_heap *h) = READ_ONCE(h->wake);

	if (fn)
		fn(h);
}

/*
 * Add a block in chunk @c to the heap of the chunk. Take the request's pages
 * from the start of the block, before another CPU can take them. Return the
 * first of these pages; GOMEM_NO_PAGE if the page bitmap was overwritten.
 */
static unsigned long add_block(struct gomem_chunk *c,
			       const struct gomem_span_request *req,
			       unsigned long addr, unsigned long len)
{
	struct gomem_heap *h = c->heap;
	unsigned long page = gomem_heap_page(h, addr), flags;
	bool first;

	gomem_zeropage_enter(c, page % GOMEM_CHUNK_PAGES, len,
			     h->source->zeroed);
	spin_lock_irqsave(&h->lock, flags);
	first = !h->pages.backed_pages;
	gomem_pagealloc_add(&h->pages, page, len);
	gomem_candidates_mark(&h->candidates, c,
			      page >> GOMEM_CHUNK_PAGES_SHIFT);
	/*
	 * The pages have just become free. If the page bitmap says otherwise,
	 * gomem's memory was overwritten: do not use the pages.
	 */
	if (WARN_ON_ONCE(!gomem_pagealloc_alloc_range(&h->pages, page,
						      req->npages)))
		page = GOMEM_NO_PAGE;
	gomem_heap_note_peak(h);
	h->stats.grows++;
	h->stats.limit_exceeded += gomem_source_excess(h->source, 0) > 0;
	spin_unlock_irqrestore(&h->lock, flags);
	if (unlikely(first))
		wake(h);
	return page;
}

/*
 * Fetch a block by a hard request. A block that is not covered lies in memory
 * that was plugged in after gomem was loaded, below the page map's base. The
 * kernel would answer the same request with the same block again. So the second
 * request is for memory of the zone DMA32. No memory of this zone lies below
 * the base: the base is not above the start of the zone, and memory that is
 * plugged in below the start of the zone does not become part of the zone.
 */
static noinline unsigned long fetch_hard(struct gomem_heap *h,
					 unsigned int need, gfp_t gfp)
{
	bool beyond = false;
	unsigned long addr = get_block(h, need, gomem_gfp_full(gfp), &beyond);

	if (!beyond)
		return addr;
	return get_block(h, need, gomem_gfp_full(gfp) | __GFP_DMA32, &beyond);
}

/*
 * Return how many pages of a block are kept. If the block has a higher order
 * than the request needs, all are kept. Otherwise the pages of the request are
 * kept, rounded up to a multiple of h->grow_min: a large request may need
 * little more than half of the block.
 */
static unsigned long kept_length(const struct gomem_heap *h, unsigned int order,
				 const struct gomem_span_request *req)
{
	unsigned long len = 1UL << order,
		      keep = round_up(req->npages, h->grow_min);

	return order > order_base_2(req->npages) ? len : min(len, keep);
}

static noinline unsigned long refuse(struct gomem_heap *h, unsigned long addr,
				     unsigned int order)
{
	gomem_pages_put(h->source, addr, 1UL << order);
	return GOMEM_NO_PAGE;
}

/*
 * Add the first pages of a block to the heap of @c, as many as kept_length()
 * returns, and give the other pages back to the kernel. Return what add_block()
 * returns.
 */
static noinline unsigned long keep_block(struct gomem_chunk *c,
					 const struct gomem_span_request *req,
					 unsigned long addr, unsigned int order)
{
	unsigned long len = kept_length(c->heap, order, req);

	trace_grow((void *)addr, order, req->gfp, c->heap->node);
	if (len < 1UL << order)
		gomem_pages_put(c->heap->source,
				addr + (len << GOMEM_PAGE_SHIFT),
				(1UL << order) - len);
	return add_block(c, req, addr, len);
}

/* Count a block that has a lower order than wanted_order() returns. */
static noinline void note_order(struct gomem_heap *h, unsigned int order,
				const struct gomem_span_request *req)
{
	if (order < wanted_order(h, order_base_2(req->npages)))
		gomem_heap_count(h, &h->stats.grow_fallbacks);
}

/*
 * Put a fetched block into its heap, and return the first page of the request.
 * If there is no memory for descriptors, give the block back and return
 * GOMEM_NO_PAGE. Kept out of line to save stack: when this function allocates
 * descriptors, the stack frames of the functions that fetched the block are
 * gone.
 */
static noinline unsigned long use_block(struct gomem_supply *from,
					const struct gomem_span_request *req,
					unsigned long addr, unsigned int order)
{
	struct gomem_chunk *c;

	note_order(from->heap, order, req);
	c = prepare_block(from, req, addr);
	if (!c)
		return refuse(from->heap, addr, order);
	return keep_block(c, req, addr, order);
}

static noinline unsigned long put_pages(struct gomem_heap *h,
					unsigned long page, unsigned int npages)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	gomem_heap_release(h, page, npages);
	spin_unlock_irqrestore(&h->lock, flags);
	return GOMEM_NO_PAGE;
}

/*
 * Set @from to the heap @peer, from which the caller took the pages, and to a
 * descriptor of that heap. Return @page, the first page. If there is no memory
 * for the descriptor, put the pages back into @peer and return GOMEM_NO_PAGE.
 */
static noinline unsigned long use_pages(struct gomem_supply *from,
					struct gomem_heap *peer,
					const struct gomem_span_request *req,
					unsigned long page)
{
	if (supply_from(from, peer, req))
		return page;
	return put_pages(peer, page, req->npages);
}

/* Grow by a hard request, after all light ones have failed. */
static noinline unsigned long grow_hard(struct gomem_supply *from,
					const struct gomem_span_request *req)
{
	unsigned int need = order_base_2(req->npages);
	unsigned long addr = fetch_hard(from->heap, need, req->gfp);

	if (!addr)
		return GOMEM_NO_PAGE;
	return use_block(from, req, addr, need);
}

static bool may_ask_peers(const struct gomem_heap *h,
			  const struct gomem_span_request *req)
{
	return h->peers && !(req->gfp & __GFP_THISNODE);
}

/*
 * Before a hard request for memory of this node, ask the other nodes, the
 * nearest first. Ask each node for free pages of its heap, then for a block
 * that the kernel has free there.
 */
static noinline unsigned long
grow_from_peers(struct gomem_supply *from, const struct gomem_span_request *req)
{
	struct gomem_heap *peer;
	unsigned long page;
	struct block b;

	for_each_gomem_peer(peer, from->heap) {
		page = gomem_heap_take(peer, req);
		if (page != GOMEM_NO_PAGE)
			return use_pages(from, peer, req, page);
		b = fetch_light(peer, req);
		if (b.addr)
			return use_block(from, req, b.addr, b.order);
	}
	return grow_hard(from, req);
}

/**
 * gomem_heap_grow - get a request's pages from a new block or another node
 * @from: the heap that should grow, and a span descriptor of that heap. If the
 *	pages come from another node, both members are replaced: by that node's
 *	heap and a span descriptor of it
 * @req: the request
 *
 * The pages are the first ones of a block that is fetched from the kernel, or
 * free pages of another node's heap. If they belong to another node's heap, and
 * there is no memory for a span descriptor of that heap, the call fails: the
 * free pages stay in that heap, and a fetched block goes back to the kernel.
 *
 * Context: no lock held; may sleep if the request's gfp allows it.
 * Return: the first page, GOMEM_NO_PAGE if there is no memory.
 */
unsigned long gomem_heap_grow(struct gomem_supply *from,
			      const struct gomem_span_request *req)
{
	struct block b;

	make_way(from->heap, req);
	b = fetch_light(from->heap, req);
	if (b.addr)
		return use_block(from, req, b.addr, b.order);
	if (req->local)
		return GOMEM_NO_PAGE;
	if (may_ask_peers(from->heap, req))
		return grow_from_peers(from, req);
	return grow_hard(from, req);
}
