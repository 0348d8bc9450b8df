// SPDX-License-Identifier: GPL-2.0
/*
 * grow.c - blocks of pages from the kernel into a heap.
 *
 * The one idea: ask for a share of what the heap has, without any effort, and for
 * less if there is no such block; only for what an allocation cannot do without is
 * the kernel pressed as hard as the caller's gfp allows.
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
#include <linux/sizes.h>
#include <linux/string.h>

#include "epoch.h"
#include "mheap.h"
#include "peers.h"
#include "scavenge.h"
#include "zeropage.h"

/*
 * How much to fetch at a time: a 64th of what the heap has, so that little is
 * fetched in vain, but 128 KiB at least, so that small heaps do not fetch page by
 * page, and a chunk at most. In gomem pages.
 */
#define GROW_MAX	GOMEM_CHUNK_PAGES
#define GROW_SHARE	64

/* For the try that counts. Endless tries are made by gomem_heap_alloc_span(). */
static gfp_t gfp_full(gfp_t gfp)
{
	return gfp & ~__GFP_NOFAIL;
}

/*
 * Memory for descriptors: an eighth of what there is, from what holds one to Go's 16 KiB.
 */
#define META_BYTES	SZ_16K
#define META_SHARE	8

static size_t meta_bytes(const struct gomem_fixalloc *f)
{
	size_t least = PAGE_ALIGN(f->header + f->size);

	/* Stale is good enough. */
	return clamp_t(size_t, PAGE_ALIGN(data_race(f->sys) / META_SHARE), least, META_BYTES);
}

/**
 * gomem_heap_refill - get memory for descriptors
 * @h: the heap
 * @f: the allocator of this heap that has none left
 * @gfp: how hard to try
 *
 * Context: no lock held; may sleep if @gfp allows it.
 * Return: false if there is no memory.
 */
bool gomem_heap_refill(struct gomem_heap *h, struct gomem_fixalloc *f, gfp_t gfp)
{
	size_t bytes = meta_bytes(f);
	unsigned long flags;
	void *chunk;

	chunk = gomem_meta_get(h->source, bytes, gomem_gfp_light(gfp), h->node);
	if (!chunk) {
		bytes = PAGE_ALIGN(f->header + f->size);
		chunk = gomem_meta_get(h->source, bytes, gfp_full(gfp), h->node);
	}
	if (!chunk)
		return false;

	spin_lock_irqsave(&h->lock, flags);
	gomem_fixalloc_refill(f, chunk, bytes);
	spin_unlock_irqrestore(&h->lock, flags);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_refill);

/*
 * The order to wish for; stale values make it a little too small or too large. Next
 * to the memory limit nothing is fetched that is not needed.
 */
static unsigned int wanted_order(struct gomem_heap *h, unsigned int need)
{
	unsigned long want = gomem_heap_about(h) / GROW_SHARE;

	want = order_base_2(clamp_t(unsigned long, want, h->grow_min, GROW_MAX));
	if (want <= need || gomem_source_excess(h->source, 1UL << want))
		return need;
	return want;
}

/*
 * Next time start where this time ended: one order above if the first try was good,
 * at @last, the lowest that was tried, if none was. Two CPUs may learn at the same
 * time; either is as good.
 */
static void learn_order(struct gomem_heap *h, unsigned int from, unsigned int last,
			unsigned int got)
{
	unsigned int limit = got;

	if (got == from)
		limit = max(got + 1, READ_ONCE(h->order_limit));
	else if (got > from)
		limit = min(last, READ_ONCE(h->order_limit));
	WRITE_ONCE(h->order_limit, min_t(unsigned int, limit, GOMEM_CHUNK_PAGES_SHIFT));
}

/* The heap whose memory a block is, in a chunk that has no heap yet. */
static struct gomem_heap *owner_of(struct gomem_heap *h, unsigned long addr)
{
	if (!h->peers)
		return h;
	return h->peers[h->source->node_of(h->source, addr)] ?: h;
}

/* Do the tables reach a block's chunk, those of its heap, too? */
static noinline bool is_covered(struct gomem_heap *h, unsigned long addr)
{
	struct gomem_chunk *c = gomem_pagemap_chunk(h->map, addr);
	unsigned long flags;
	bool ok;

	if (!c || c != &gomem_no_chunk)
		return c;
	h = owner_of(h, addr);
	spin_lock_irqsave(&h->lock, flags);
	ok = gomem_pagealloc_covers(&h->pages, gomem_pagemap_index(h->map, addr));
	spin_unlock_irqrestore(&h->lock, flags);
	return ok;
}

static noinline void refuse_block(struct gomem_heap *h, unsigned long addr, unsigned int order)
{
	unsigned long flags;

	gomem_pages_put(h->source, addr, 1UL << order);
	spin_lock_irqsave(&h->lock, flags);
	h->stats.grow_out_of_range++;
	spin_unlock_irqrestore(&h->lock, flags);
}

/*
 * A block that the tables reach. One that lies beyond goes back, and *@beyond is set: the
 * caller has to ask for other memory, since the kernel would offer the same block again.
 */
static __always_inline unsigned long get_block(struct gomem_heap *h, unsigned int order,
					       gfp_t gfp, bool *beyond)
{
	unsigned long addr = gomem_pages_get(h->source, order, gfp, h->node);

	if (!addr || likely(is_covered(h, addr)))
		return addr;
	refuse_block(h, addr, order);
	*beyond = true;
	return 0;
}

/*
 * Fetch a block without effort: of the order wanted, else of the next lower one, as
 * far as the request's. That one is left to the try with effort, unless memory of
 * other nodes comes before that. Whatever was learned, the last of these is tried, or
 * nobody would notice that there are blocks again.
 */
static unsigned long fetch_light(struct gomem_heap *h, const struct gomem_span_request *req,
				 unsigned int need, unsigned int *order)
{
	unsigned int wanted = wanted_order(h, need);
	unsigned int last = h->peers ? need : need + 1;
	unsigned int from = max(min(wanted, READ_ONCE(h->order_limit)), last);
	gfp_t gfp = gomem_gfp_light(req->gfp);
	unsigned long addr;
	bool beyond = false;

	if (wanted < last)
		return 0;
	if (h->peers)
		gfp |= __GFP_THISNODE;
	for (*order = from; ; (*order)--) {
		addr = get_block(h, *order, gfp, &beyond);
		if (addr || beyond || *order == last)
			break;
	}
	learn_order(h, from, last, addr ? *order : UINT_MAX);
	return addr;
}

/* Pages that this heap and its peers have free; stale is good enough. */
static unsigned long free_everywhere(const struct gomem_heap *h)
{
	unsigned long n = data_race(h->pages.free_pages);	/* as said above */
	struct gomem_heap *peer;

	for_each_gomem_peer(peer, h)
		n += data_race(peer->pages.free_pages);	/* as said above */
	return n;
}

/* Give back up to @excess free pages of all nodes. Returns how many are missing. */
static unsigned long give_back_excess(struct gomem_heap *h, unsigned long excess)
{
	struct gomem_heap *peer;

	excess -= gomem_heap_scavenge(h, excess, GOMEM_SCAVENGE_LIMIT);
	for_each_gomem_peer(peer, h) {
		if (!excess)
			break;
		excess -= gomem_heap_scavenge(peer, excess, GOMEM_SCAVENGE_LIMIT);
	}
	return excess;
}

/*
 * The memory limit is kept by giving free pages back that are too few or in the wrong
 * place for a request. These are missed soon: the next growth fetches as many again. Two
 * rules keep that from becoming all that is done:
 *
 *	none goes if all free pages together are less than the excess: then the limit
 *	cannot be met, since what lives is over it
 *
 *	giving back takes 1 / (1 + ROOM_PAUSE) of the time at most. With what the next
 *	growth costs, two to three times as much, two thirds are left for other work
 *
 * The limit is soft: the heap grows all the same. Pages in their grace period stay. One is
 * started, and the next try is not before a tick has passed.
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
	/* Two CPUs may do this at the same time; either pause is as good. */
	WRITE_ONCE(h->room_next, start + pause);
}

/*
 * Free pages that are too few in one place for a large request: as many go back as it
 * takes, if they may at once, rather than that the heap has both until the next look.
 */
static void trade(struct gomem_heap *h, const struct gomem_span_request *req)
{
	if (req->npages >= h->trade_min && gfpflags_allow_blocking(req->gfp) &&
	    gomem_heap_has_many_free(h))
		gomem_heap_scavenge(h, req->npages, GOMEM_SCAVENGE_GROWTH);
}

static bool may_ask_peers(const struct gomem_heap *h, const struct gomem_span_request *req)
{
	return h->peers && !(req->gfp & __GFP_THISNODE);
}

/*
 * Memory of other nodes comes before the kernel is pressed for this one's: from the nearest
 * node to the farthest, first what its heap has free, then a block that its node has to
 * spare. Of the latter @addr and @order are set, and GOMEM_NO_PAGE is returned.
 */
static unsigned long ask_peers(struct gomem_heap **hp, const struct gomem_span_request *req,
			       unsigned int need, unsigned long *addr, unsigned int *order)
{
	struct gomem_heap *h = *hp, *peer;
	unsigned long page;

	if (!may_ask_peers(h, req))
		return GOMEM_NO_PAGE;
	for_each_gomem_peer(peer, h) {
		page = gomem_heap_take(peer, req);
		if (page != GOMEM_NO_PAGE) {
			*hp = peer;
			return page;
		}
		*addr = fetch_light(peer, req, need, order);
		if (*addr)
			break;
	}
	return GOMEM_NO_PAGE;
}

static struct gomem_chunk *alloc_chunk(struct gomem_heap *h, gfp_t gfp)
{
	struct gomem_chunk *c;
	unsigned long flags;
	bool ok = true;

	do {
		spin_lock_irqsave(&h->lock, flags);
		c = gomem_fixalloc_alloc(&h->chunkalloc);
		spin_unlock_irqrestore(&h->lock, flags);
		if (!c)
			ok = gomem_heap_refill(h, &h->chunkalloc, gfp);
	} while (!c && ok);
	return c;
}

/*
 * Find the chunk of a block, make it known if it is not. Its heap, which has the
 * block from then on, may be another one than asked for. NULL without memory.
 */
static struct gomem_chunk *provide_chunk(struct gomem_heap *h, unsigned long addr, gfp_t gfp)
{
	unsigned long flags, ci = gomem_pagemap_index(h->map, addr);
	struct gomem_chunk *c = gomem_pagemap_chunk(h->map, addr), *mine;

	if (c != &gomem_no_chunk)
		return c;
	h = owner_of(h, addr);
	mine = alloc_chunk(h, gfp);
	if (!mine)
		return NULL;
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
 * Add a block to its heap and take the request's pages from its start, before
 * anybody else can.
 */
static unsigned long add_block(struct gomem_heap **hp, const struct gomem_span_request *req,
			       unsigned long addr, unsigned long len, bool fallback)
{
	unsigned long page, flags;
	struct gomem_chunk *c;
	struct gomem_heap *h;

	c = provide_chunk(*hp, addr, req->gfp);
	if (!c)
		return GOMEM_NO_PAGE;
	h = c->heap;
	page = gomem_heap_page(h, addr);
	gomem_zeropage_enter(c, page % GOMEM_CHUNK_PAGES, len, h->source->zeroed);
	spin_lock_irqsave(&h->lock, flags);
	gomem_pagealloc_add(&h->pages, page, len);
	gomem_candidates_mark(&h->candidates, c, page >> GOMEM_CHUNK_PAGES_SHIFT);
	WARN_ON_ONCE(!gomem_pagealloc_alloc_range(&h->pages, page, req->npages));
	gomem_heap_note_peak(h);
	h->stats.grows++;
	h->stats.grow_fallbacks += fallback;
	h->stats.limit_exceeded += gomem_source_excess(h->source, 0) > 0;
	spin_unlock_irqrestore(&h->lock, flags);
	*hp = h;
	return page;
}

static unsigned long fail(struct gomem_heap *h)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	h->stats.grow_failures++;
	spin_unlock_irqrestore(&h->lock, flags);
	return GOMEM_NO_PAGE;
}

/*
 * Press the kernel for a block, as hard as the caller's gfp allows. What lies beyond the
 * tables was plugged in later, where memory is low: memory below 4 GiB comes instead then.
 */
static noinline unsigned long fetch_hard(struct gomem_heap *h, unsigned int need, gfp_t gfp)
{
	bool beyond = false;
	unsigned long addr = get_block(h, need, gfp_full(gfp), &beyond);

	if (!beyond)
		return addr;
	return get_block(h, need, gfp_full(gfp) | __GFP_DMA32, &beyond);
}

/*
 * Blocks come in powers of two, large requests do not. What nobody asked for goes back
 * at once, but for less than the smallest step. Returns how long the block is then.
 */
static unsigned long trim_block(struct gomem_heap *h, unsigned long addr, unsigned int order,
				const struct gomem_span_request *req)
{
	unsigned long len = 1UL << order, keep = round_up(req->npages, h->grow_min);

	if (order > order_base_2(req->npages) || keep >= len)
		return len;
	gomem_pages_put(h->source, addr + (keep << GOMEM_PAGE_SHIFT), len - keep);
	return keep;
}

/*
 * A block was fetched. Apart from that: it may take memory for a chunk's descriptor, and what
 * fetching had on the stack is left by then.
 */
static noinline unsigned long use_block(struct gomem_heap **hp,
					const struct gomem_span_request *req, unsigned long addr,
					unsigned int order, bool fallback)
{
	struct gomem_heap *h = *hp;
	unsigned long page, len;

	len = trim_block(h, addr, order, req);
	page = add_block(hp, req, addr, len, fallback);
	if (page == GOMEM_NO_PAGE) {
		gomem_pages_put(h->source, addr, len);
		return fail(h);
	}
	return page;
}

/**
 * gomem_heap_grow - fetch a block of pages, and take a request's pages from it
 * @hp: the heap that should grow; set to the one whose pages they are, as those of
 *	another node belong to that node's heap
 * @req: the request
 *
 * Context: no lock held; may sleep if the request's gfp allows it.
 * Return: the first page, GOMEM_NO_PAGE if there is no memory.
 */
unsigned long gomem_heap_grow(struct gomem_heap **hp, const struct gomem_span_request *req)
{
	unsigned int need = order_base_2(req->npages), order;
	struct gomem_heap *h = *hp;
	unsigned int wanted = wanted_order(h, need);
	unsigned long addr, page;

	make_room(h, need, req->gfp);
	trade(h, req);
	addr = fetch_light(h, req, need, &order);
	if (!addr && req->local)
		return GOMEM_NO_PAGE;
	if (!addr) {
		page = ask_peers(hp, req, need, &addr, &order);
		if (page != GOMEM_NO_PAGE)
			return page;
	}
	if (!addr) {
		order = need;
		addr = fetch_hard(h, need, req->gfp);
	}
	if (!addr)
		return fail(h);
	return use_block(hp, req, addr, order, order < wanted);
}
