// SPDX-License-Identifier: GPL-2.0
/*
 * mheap.c - spans out of pages, and back.
 */
#include <kunit/visibility.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/topology.h>

#include "epoch.h"
#include "freshpage.h"
#include "mheap.h"
#include "peers.h"
#include "scavenge.h"
#include "zeropage.h"

/*
 * From this size on an object that is known to be zero is treated as such: below,
 * clearing it costs no more than to find that out.
 */
#define ZERO_SIZE_MIN	256

/* Spans that are given back under one hold of the locks. */
#define FREE_BATCH	32

/* Bytes of a descriptor; gomem_span_desc() tells which size of them it is. */
static size_t span_size(unsigned int index)
{
	return sizeof(struct gomem_span) + 2 * BIT(index) * sizeof(unsigned long);
}

static int init_pcaches(struct gomem_heap *h)
{
	int cpu;

	h->pcache = alloc_percpu(struct gomem_pcache);
	if (!h->pcache)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		gomem_pcache_init(per_cpu_ptr(h->pcache, cpu));
	return 0;
}

static int init_fixallocs(struct gomem_heap *h)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < GOMEM_NR_SPAN_SIZES && !err; i++) {
		err = gomem_fixalloc_init(&h->spanalloc[i], span_size(i), sizeof(u64), &h->lock);
		/* gomem_span_init() sets all there is. */
		h->spanalloc[i].keeps = true;
	}
	return err ?: gomem_fixalloc_init(&h->chunkalloc, sizeof(struct gomem_chunk), sizeof(u64),
					  &h->lock);
}

/**
 * gomem_heap_init - make an empty heap
 * @h: the heap, zeroed
 * @source: where its pages come from
 * @map: where its chunks will be found
 * @node: whose memory it should have, NUMA_NO_NODE if that does not matter
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_heap_init(struct gomem_heap *h, struct gomem_pagesource *source,
		    struct gomem_pagemap *map, int node)
{
	unsigned int i;
	int err;

	BUILD_BUG_ON(BIT(GOMEM_NR_SPAN_SIZES - 1) * 64 != GOMEM_SPAN_MAX_OBJECTS);

	spin_lock_init(&h->lock);
	spin_lock_init(&h->give_lock);
	h->give_gp = start_poll_synchronize_rcu();
	h->give_hurried = jiffies - 1;
	h->map = map;
	h->source = source;
	h->node = node;
	h->pcache_max = GOMEM_PCACHE_PAGES;
	h->pcache_min = GOMEM_PCACHE_MIN;
	h->grow_min = GOMEM_GROW_MIN;
	h->trade_min = GOMEM_GROW_MIN;
	h->give_min = GOMEM_GIVE_MIN;
	h->short_share = GOMEM_SHORT_SHARE;
	h->cache_share = GOMEM_CACHE_SHARE;
	h->order_limit = GOMEM_CHUNK_PAGES_SHIFT;
	h->goal_pages = ULONG_MAX;
	gomem_pagealloc_init(&h->pages, map, h, &h->lock);
	gomem_candidates_init(&h->candidates);
	err = init_fixallocs(h) ?: init_pcaches(h);
	if (err)
		return err;
	for (i = 0; i < GOMEM_NR_SPANCLASSES; i++)
		gomem_mcentral_init(&h->central[i], h, &gomem_kinds[i]);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_init);

/**
 * gomem_heap_cover - let a heap take blocks in a range of addresses
 * @h: the heap
 * @addr: the range's first address
 * @bytes: its length, more than 0
 *
 * Runs concurrently with all other calls. What is below the map's base cannot be
 * covered.
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, or -ERANGE.
 */
int gomem_heap_cover(struct gomem_heap *h, unsigned long addr, unsigned long bytes)
{
	unsigned long first = gomem_pagemap_index(h->map, addr);
	unsigned long end = gomem_pagemap_index(h->map, addr + bytes - 1) + 1;
	int err;

	if (addr < h->map->base || end <= first)
		return -ERANGE;
	mutex_lock(&h->map->mutex);
	err = gomem_pagemap_cover(h->map, first, end, h->node) ?:
	      gomem_pagealloc_cover(&h->pages, first, end, h->node);
	mutex_unlock(&h->map->mutex);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_cover);

static void put_meta(void *chunk, size_t bytes, void *arg)
{
	gomem_meta_put(arg, chunk, bytes);
	cond_resched();
}

/**
 * gomem_heap_destroy - give everything back
 * @h: a heap that nobody uses any more
 *
 * Pages of spans that are still live are not the heap's to give: they stay with
 * the kernel as allocated pages. The map still knows the heap's chunks, which are
 * no more: it is to be destroyed next.
 *
 * Context: may sleep.
 */
void gomem_heap_destroy(struct gomem_heap *h)
{
	unsigned int i;

	gomem_heap_drain_pcaches(h, false);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
		gomem_fixalloc_destroy(&h->spanalloc[i], put_meta, h->source);
	gomem_fixalloc_destroy(&h->chunkalloc, put_meta, h->source);
	gomem_pagealloc_destroy(&h->pages);
	free_percpu(h->pcache);
	gomem_peers_exit(h);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_destroy);

/* To make spans or give them back, that is: how often should be rare. */
static void lock_for_spans(struct gomem_heap *h, unsigned long *flags)
	__acquires(&h->lock)
{
	spin_lock_irqsave(&h->lock, *flags);
	h->stats.lock_taken++;
}

/*
 * This CPU's page cache. The task may go to another CPU meanwhile: the lock makes
 * that harmless.
 */
static struct gomem_pcache *lock_pcache(struct gomem_heap *h, unsigned long *flags)
	__acquires(&pc->lock)
{
	struct gomem_pcache *pc = raw_cpu_ptr(h->pcache);

	spin_lock_irqsave(&pc->lock, *flags);
	return pc;
}

/*
 * Most pages that a page cache may have: all CPUs together 1 / GOMEM_PCACHE_SHARE of the
 * heap, or GOMEM_PCACHE_MIN each if that is more.
 */
static unsigned int pcache_limit(struct gomem_heap *h)
{
	unsigned long share = gomem_heap_about(h) / (GOMEM_PCACHE_SHARE * num_online_cpus());
	unsigned int least = min(h->pcache_min, h->pcache_max);

	return clamp_t(unsigned long, share, least, h->pcache_max);
}

/* Page caches are for CPUs that are near the memory; others only count in theirs. */
static bool is_near(const struct gomem_heap *h)
{
	return !h->peers || h->peers[numa_node_id()] == h;
}

/* How many pages from @page to before @end are of the same chunk. */
static unsigned int piece(unsigned long page, unsigned long end)
{
	return min_t(unsigned long, end - page, GOMEM_CHUNK_PAGES - page % GOMEM_CHUNK_PAGES);
}

static void set_pages(struct gomem_chunk *c, unsigned int i, unsigned int n,
		      struct gomem_span *s, u32 tag)
{
	struct gomem_span **span = &c->span[i];
	u32 *to = &c->tag[i], *end = to + n;

	/* Most spans are of one page, and an unrolled loop has a long way in. */
	if (n == 1) {
		WRITE_ONCE(*span, s);
		WRITE_ONCE(*to, tag);
		return;
	}
#pragma GCC unroll 4
	for (; to < end; to++, span++) {
		WRITE_ONCE(*span, s);
		WRITE_ONCE(*to, tag);
	}
}

static void forget_pages(struct gomem_chunk *c, unsigned int i, unsigned int n)
{
	struct gomem_span **span = &c->span[i];
	u32 *to = &c->tag[i], *end = to + n;

	/* As above. */
	if (n == 1) {
		WRITE_ONCE(*to, 0);
		WRITE_ONCE(*span, NULL);
		return;
	}
#pragma GCC unroll 4
	for (; to < end; to++, span++) {
		WRITE_ONCE(*to, 0);
		WRITE_ONCE(*span, NULL);
	}
}

/*
 * Make pages of a span known, so that a free finds it. The pages are this
 * caller's: no lock. Whoever hands out a pointer into the span orders these stores
 * before it: the lock dropped after this does for this CPU, passing the pointer on
 * does for others. Returns whether all of them are known to be zero.
 */
static bool map_span(struct gomem_heap *h, struct gomem_span *s, unsigned long page,
		     unsigned int npages)
{
	u32 tag = gomem_make_tag(s->base, s->spc);
	unsigned long end = page + npages;
	unsigned int slot, n;
	struct gomem_chunk *c;
	bool zero = true;

	for (; page < end; page += n) {
		n = piece(page, end);
		c = gomem_pagealloc_chunk_of(&h->pages, page);
		slot = page % GOMEM_CHUNK_PAGES;
		set_pages(c, slot, n, s, tag);
		zero &= gomem_zeropage_take(c, slot, n);
	}
	return zero;
}

static void unmap_span(struct gomem_heap *h, struct gomem_span *s, unsigned long page)
{
	unsigned long end = page + s->npages;
	struct gomem_chunk *c;
	unsigned int n;

	for (; page < end; page += n) {
		n = piece(page, end);
		c = gomem_pagealloc_chunk_of(&h->pages, page);
		forget_pages(c, page % GOMEM_CHUNK_PAGES, n);
	}
}

static void count_span(struct gomem_pcache *pc, const struct gomem_span *s)
{
	struct gomem_span_counts *n = &pc->counts;

	lockdep_assert_held(&pc->lock);
	n->span_allocs++;
	n->spans++;
	n->inuse_pages += s->npages;
	if (!gomem_kind_is_large(s->kind))
		return;
	if (gomem_span_state(s) == GOMEM_SPAN_ARENA) {
		n->arena_spans++;
		n->arena_pages += s->npages;
		return;
	}
	n->large++;
	n->large_allocs++;
	n->large_pages += s->npages;
	n->large_alloc_bytes += s->elemsize;
}

static void uncount_span(struct gomem_pcache *pc, const struct gomem_span *s)
{
	struct gomem_span_counts *n = &pc->counts;

	lockdep_assert_held(&pc->lock);
	n->span_frees++;
	n->spans--;
	n->inuse_pages -= s->npages;
	if (!gomem_kind_is_large(s->kind))
		return;
	if (gomem_span_state(s) == GOMEM_SPAN_ARENA) {
		n->arena_spans--;
		n->arena_pages -= s->npages;
		return;
	}
	n->large--;
	n->large_frees++;
	n->large_pages -= s->npages;
}

/* A descriptor and pages become a span; this CPU's page cache is locked. */
static void make_span(struct gomem_heap *h, struct gomem_pcache *pc, struct gomem_span *s,
		      unsigned long page, const struct gomem_span_request *req)
{
	gomem_span_init(s, gomem_heap_addr(h, page), req->npages, req->kind);
	s->heap = h;
	s->desc = req->kind->desc;
	if (gomem_kind_is_large(req->kind))
		gomem_span_set_state(s, req->arena ? GOMEM_SPAN_ARENA : GOMEM_SPAN_LARGE);
	s->zero = map_span(h, s, page, s->npages) && s->elemsize >= ZERO_SIZE_MIN;
	count_span(pc, s);
}

/**
 * gomem_heap_note_peak - note how many pages are not free
 * @h: the heap, locked; pages were taken
 *
 * That is what the goal is measured by.
 */
void gomem_heap_note_peak(struct gomem_heap *h)
{
	unsigned long used = h->pages.backed_pages - h->pages.free_pages;

	lockdep_assert_held(&h->lock);
	h->peak_pages = max(h->peak_pages, used);
}

/**
 * gomem_heap_take - take pages that the heap has free
 * @h: the heap
 * @req: which
 *
 * Context: any but NMI.
 * Return: the first page, GOMEM_NO_PAGE if there is no such run.
 */
unsigned long gomem_heap_take(struct gomem_heap *h, const struct gomem_span_request *req)
{
	unsigned long page, flags;

	lock_for_spans(h, &flags);
	if (req->aligned && req->npages > 1)
		page = gomem_pagealloc_alloc_aligned(&h->pages, req->npages);
	else
		page = gomem_pagealloc_alloc(&h->pages, req->npages);
	gomem_heap_note_peak(h);
	spin_unlock_irqrestore(&h->lock, flags);
	return page;
}

/**
 * gomem_heap_release - make pages free that were taken
 * @h: the heap, locked
 * @page: the first page
 * @npages: how many, up to a chunk's worth
 *
 * The pages have no tag any more. But somebody may have read one just before,
 * rightly or not, and be about to look at the object: gomem_free() does so with
 * preemption off. So the pages may be used anew at once, but go back to the kernel
 * only after an RCU grace period, which is noted here.
 */
void gomem_heap_release(struct gomem_heap *h, unsigned long page, unsigned int npages)
{
	unsigned long end = page + npages;
	struct gomem_chunk *c;
	unsigned int n;

	lockdep_assert_held(&h->lock);
	if (WARN_ON_ONCE(!gomem_pagealloc_free(&h->pages, page, npages)))
		return;
	for (; page < end; page += n) {
		n = piece(page, end);
		c = gomem_pagealloc_chunk_of(&h->pages, page);
		gomem_fresh_add(c, page % GOMEM_CHUNK_PAGES, n);
		gomem_candidates_mark(&h->candidates, c, page >> GOMEM_CHUNK_PAGES_SHIFT);
	}
}

/* Give a page cache new pages and descriptors of a size, if it has none. */
static void refill_pcache(struct gomem_heap *h, struct gomem_pcache *pc, unsigned int index)
{
	struct gomem_span *s;
	unsigned long flags;

	lockdep_assert_held(&pc->lock);
	lock_for_spans(h, &flags);
	if (!pc->free) {
		pc->free = gomem_pagealloc_alloc_block(&h->pages, pcache_limit(h),
						       &pc->base);
		gomem_heap_note_peak(h);
	}
	while (pc->nr_desc[index] < GOMEM_PCACHE_DESCS / 2) {
		s = gomem_fixalloc_alloc(&h->spanalloc[index]);
		if (!s)
			break;
		gomem_pcache_push(pc, index, s);
	}
	spin_unlock_irqrestore(&h->lock, flags);
}

/* A short span of a page cache, which is locked; NULL if pages or a descriptor lack. */
static struct gomem_span *take_short(struct gomem_heap *h, struct gomem_pcache *pc,
				     unsigned int index, const struct gomem_span_request *req)
{
	unsigned long page;
	struct gomem_span *s;
	bool refilled = false;

	lockdep_assert_held(&pc->lock);
	if (!pc->free || !pc->desc[index]) {
		refill_pcache(h, pc, index);
		refilled = true;
	}
	if (!pc->desc[index])
		return NULL;
	page = gomem_pcache_alloc(pc, req->npages, req->aligned);
	if (page == GOMEM_NO_PAGE)
		return NULL;
	s = gomem_pcache_pop(pc, index);
	make_span(h, pc, s, page, req);
	pc->counts.cache_spans += !refilled;
	return s;
}

/* The same of this CPU's; @no_desc is set if but a descriptor was missing. */
static struct gomem_span *take_from_pcache(struct gomem_heap *h, unsigned int index,
					   const struct gomem_span_request *req, bool *no_desc)
{
	struct gomem_pcache *pc;
	struct gomem_span *s;
	unsigned long flags;

	pc = lock_pcache(h, &flags);
	s = take_short(h, pc, index, req);
	*no_desc = !s && pc->free && !pc->desc[index];
	spin_unlock_irqrestore(&pc->lock, flags);
	return s;
}

/* Has this CPU's page cache, or may it have, runs of this length? */
static bool suits_pcache(const struct gomem_heap *h, const struct gomem_span_request *req,
			 unsigned int max)
{
	return req->npages <= max && h->pcache_max && is_near(h);
}

/**
 * gomem_heap_alloc_spans - make some spans of what the heap has free
 * @h: the heap
 * @req: what kind, a small one
 * @n: how many
 * @spans: where they are added
 *
 * With one hold of the page cache's lock. For what is wanted ahead: there may be less,
 * or none at all, for which gomem_heap_alloc_span() tries harder.
 *
 * Context: any but NMI.
 * Return: how many there are, all free and still in state DEAD.
 */
unsigned int gomem_heap_alloc_spans(struct gomem_heap *h, const struct gomem_span_request *req,
				    unsigned int n, struct gomem_span_stack *spans)
{
	unsigned int index = req->kind->desc, i;
	struct gomem_pcache *pc;
	struct gomem_span *s;
	unsigned long flags;

	if (!suits_pcache(h, req, GOMEM_PCACHE_SPAN_MAX))
		return 0;
	pc = lock_pcache(h, &flags);
	for (i = 0; i < n; i++) {
		s = take_short(h, pc, index, req);
		if (!s)
			break;
		gomem_span_push(spans, s);
	}
	spin_unlock_irqrestore(&pc->lock, flags);
	return i;
}

/* A longer span of a run that this CPU has, with a descriptor that came with it. */
static struct gomem_span *alloc_from_run(struct gomem_heap *h,
					 const struct gomem_span_request *req)
{
	unsigned int index = req->kind->desc;
	unsigned long page = GOMEM_NO_PAGE, flags;
	struct gomem_span *s = NULL;
	struct gomem_pcache *pc;

	pc = lock_pcache(h, &flags);
	if (pc->desc[index])
		page = gomem_pcache_take_run(pc, req->npages, req->aligned);
	if (page != GOMEM_NO_PAGE) {
		atomic_long_sub(req->npages, &h->run_pages);
		s = gomem_pcache_pop(pc, index);
		make_span(h, pc, s, page, req);
		pc->counts.cache_spans++;
	}
	spin_unlock_irqrestore(&pc->lock, flags);
	return s;
}

/* A short one, of the pages that this CPU has for these. */
static noinline struct gomem_span *alloc_short(struct gomem_heap *h,
					       const struct gomem_span_request *req)
{
	unsigned int index = req->kind->desc;
	struct gomem_span *s;
	bool no_desc;

	do {
		s = take_from_pcache(h, index, req, &no_desc);
	} while (no_desc && gomem_heap_refill(h, &h->spanalloc[index], req->gfp));
	return s;
}

/* With no lock that another CPU wants but for descriptors. */
static struct gomem_span *alloc_from_pcache(struct gomem_heap *h,
					    const struct gomem_span_request *req)
{
	if (!suits_pcache(h, req, GOMEM_PCACHE_RUN_MAX))
		return NULL;
	if (req->npages <= GOMEM_PCACHE_SPAN_MAX)
		return alloc_short(h, req);
	return alloc_from_run(h, req);
}

static struct gomem_span *alloc_desc(struct gomem_heap *h, unsigned int index, gfp_t gfp)
{
	struct gomem_fixalloc *f = &h->spanalloc[index];
	struct gomem_span *s;
	unsigned long flags;
	bool ok = true;

	do {
		spin_lock_irqsave(&h->lock, flags);
		s = gomem_fixalloc_alloc(f);
		spin_unlock_irqrestore(&h->lock, flags);
		if (!s)
			ok = gomem_heap_refill(h, f, gfp);
	} while (!s && ok);
	return s;
}

static void free_desc(struct gomem_heap *h, unsigned int index, struct gomem_span *s)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	gomem_fixalloc_free(&h->spanalloc[index], s);
	spin_unlock_irqrestore(&h->lock, flags);
}

static void free_pages_of(struct gomem_heap *h, unsigned long page, unsigned int npages)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	gomem_heap_release(h, page, npages);
	spin_unlock_irqrestore(&h->lock, flags);
}

/*
 * Pages by any means. What slots and page caches hold comes before growing, so that
 * they make no heap larger. @hp is set to the heap that the pages are of.
 */
static unsigned long find_pages(struct gomem_heap **hp, const struct gomem_span_request *req)
{
	struct gomem_heap *h = *hp;
	unsigned long page = gomem_heap_take(h, req);

	if (page == GOMEM_NO_PAGE && h->relieve && h->relieve(h))
		page = gomem_heap_take(h, req);
	if (page == GOMEM_NO_PAGE && gomem_heap_drain_pcaches(h, false))
		page = gomem_heap_take(h, req);
	if (page == GOMEM_NO_PAGE)
		page = gomem_heap_grow(hp, req);
	return page;
}

/**
 * gomem_heap_count_peer_span - count a span of another node's pages
 * @h: the heap that asked for it
 *
 * Context: any but NMI.
 */
void gomem_heap_count_peer_span(struct gomem_heap *h)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	h->stats.peer_spans++;
	spin_unlock_irqrestore(&h->lock, flags);
}

/* The descriptor first: without memory for it there is nothing to undo. */
static struct gomem_span *alloc_from_heap(struct gomem_heap *h,
					  const struct gomem_span_request *req)
{
	unsigned int index = req->kind->desc;
	struct gomem_heap *owner = h;
	unsigned long page, flags;
	struct gomem_pcache *pc;
	struct gomem_span *s;

	s = alloc_desc(h, index, req->gfp);
	if (!s)
		return NULL;
	page = find_pages(&owner, req);
	if (page == GOMEM_NO_PAGE || owner != h) {
		free_desc(h, index, s);
		if (page == GOMEM_NO_PAGE)
			return NULL;
		s = alloc_desc(owner, index, req->gfp);
		if (!s) {
			free_pages_of(owner, page, req->npages);
			return NULL;
		}
		gomem_heap_count_peer_span(h);
	}
	pc = lock_pcache(owner, &flags);
	make_span(owner, pc, s, page, req);
	spin_unlock_irqrestore(&pc->lock, flags);
	return s;
}

static noinline struct gomem_span *alloc_with_effort(struct gomem_heap *h,
						     const struct gomem_span_request *req)
{
	/* No wait brings pages that do not fit into a chunk. */
	bool forever = !req->local && (req->gfp & __GFP_NOFAIL) &&
		       gfpflags_allow_blocking(req->gfp) && req->npages <= GOMEM_CHUNK_PAGES;
	struct gomem_span *s;

	while (!(s = alloc_from_heap(h, req)) && forever)
		schedule_timeout_uninterruptible(1);
	return s;
}

/**
 * gomem_heap_alloc_span - make a span
 * @h: the heap
 * @req: what kind
 *
 * Context: any but NMI; may sleep if @req->gfp allows it.
 * Return: a span that the caller owns: of a small class all free and still in
 * state DEAD, for mcentral to take over; of class 0 with its one object
 * allocated. Another node's, if there is nothing on this one. NULL if there is no
 * memory; never with __GFP_NOFAIL in a gfp that may sleep.
 */
struct gomem_span *gomem_heap_alloc_span(struct gomem_heap *h,
					 const struct gomem_span_request *req)
{
	return alloc_from_pcache(h, req) ?: alloc_with_effort(h, req);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_alloc_span);

/* Most pages that the runs of all page caches may have: a 16th of the heap, or one. */
static unsigned long runs_limit(struct gomem_heap *h)
{
	return max_t(unsigned long, gomem_heap_about(h) / 16, GOMEM_PCACHE_RUN_MAX);
}

/* A run becomes free; the page cache is locked. Returns its pages. */
static unsigned int release_run(struct gomem_heap *h, struct gomem_pcache *pc, unsigned int i)
{
	const struct gomem_run run = pc->run[i];

	gomem_pcache_drop_run(pc, i);
	atomic_long_sub(run.npages, &h->run_pages);
	gomem_heap_release(h, run.page, run.npages);
	return run.npages;
}

/* Keep the pages of a large span, if there is room for them. */
static bool keep_run(struct gomem_heap *h, struct gomem_pcache *pc, unsigned long page,
		     unsigned int npages)
{
	if (pc->nr_runs == GOMEM_PCACHE_RUNS)
		return false;
	if (atomic_long_add_return(npages, &h->run_pages) > runs_limit(h)) {
		atomic_long_sub(npages, &h->run_pages);
		return false;
	}
	gomem_pcache_put_run(pc, page, npages);
	return true;
}

/* The same; this CPU's older ones make room, the heap is locked. */
static bool keep_run_instead(struct gomem_heap *h, struct gomem_pcache *pc, unsigned long page,
			     unsigned int npages)
{
	lockdep_assert_held(&h->lock);
	while (pc->nr_runs) {
		release_run(h, pc, 0);
		if (keep_run(h, pc, page, npages))
			return true;
	}
	return false;
}

static bool makes_run(unsigned int npages)
{
	return npages > GOMEM_PCACHE_SPAN_MAX && npages <= GOMEM_PCACHE_RUN_MAX;
}

/*
 * Pages that go back to the heap, gathered as far as they are neighbours.
 */
struct page_run {
	unsigned long page;
	unsigned int npages;
};

static void return_run(struct gomem_heap *h, const struct page_run *run)
{
	if (run->npages)
		gomem_heap_release(h, run->page, run->npages);
}

/* Add pages to a run; what it had goes back first if they are no neighbours. */
static void extend_run(struct gomem_heap *h, struct page_run *run, unsigned long page,
		       unsigned int npages)
{
	if (run->npages + npages <= GOMEM_CHUNK_PAGES && page == run->page + run->npages) {
		run->npages += npages;
		return;
	}
	if (run->npages + npages <= GOMEM_CHUNK_PAGES && page + npages == run->page) {
		run->page = page;
		run->npages += npages;
		return;
	}
	return_run(h, run);
	run->page = page;
	run->npages = npages;
}

static void take_apart(struct gomem_heap *h, struct gomem_pcache *pc, struct gomem_span *s,
		       unsigned long page)
{
	unmap_span(h, s, page);
	uncount_span(pc, s);
	gomem_span_set_state(s, GOMEM_SPAN_DEAD);
}

/*
 * Take a span apart. True if the page cache, which is locked, keeps all of it, which is
 * at most @limit pages. If it keeps the pages alone the span has none.
 */
static bool keep_span(struct gomem_heap *h, struct gomem_pcache *pc, struct gomem_span *s,
		      unsigned int limit)
{
	unsigned long page = gomem_heap_page(h, s->base);
	unsigned int index = s->desc;

	lockdep_assert_held(&pc->lock);
	take_apart(h, pc, s, page);
	if (!limit)
		return false;
	if (!gomem_pcache_free(pc, page, s->npages, limit) &&
	    !(makes_run(s->npages) && keep_run(h, pc, page, s->npages)))
		return false;
	s->npages = 0;
	return gomem_pcache_push(pc, index, s);
}

/* What the page cache did not keep of some spans goes to the heap. Both are locked. */
static void release_spans(struct gomem_heap *h, struct gomem_pcache *pc,
			  struct gomem_span_stack *spans, unsigned int limit)
{
	struct page_run run = { GOMEM_NO_PAGE, 0 };
	struct gomem_span *s;
	unsigned long page;
	unsigned int index;

	lockdep_assert_held(&h->lock);
	while ((s = gomem_span_pop(spans))) {
		page = gomem_heap_page(h, s->base);
		index = s->desc;
		if (s->npages && !(limit && makes_run(s->npages) &&
				   keep_run_instead(h, pc, page, s->npages)))
			extend_run(h, &run, page, s->npages);
		if (!limit || !gomem_pcache_push(pc, index, s))
			gomem_fixalloc_free(&h->spanalloc[index], s);
	}
	return_run(h, &run);
}

static void free_some(struct gomem_heap *h, struct gomem_span_stack *spans, unsigned int n)
{
	unsigned int limit = is_near(h) && h->pcache_max ? pcache_limit(h) : 0;
	struct gomem_span_stack rest = { NULL };
	struct gomem_pcache *pc;
	struct gomem_span *s;
	unsigned long flags;
	unsigned int freed = 0;
	bool some;

	pc = lock_pcache(h, &flags);
	while (n-- && (s = gomem_span_pop(spans))) {
		freed += s->npages;
		if (!keep_span(h, pc, s, limit))
			gomem_span_push(&rest, s);
	}
	some = rest.top;
	if (some) {
		spin_lock(&h->lock);
		h->stats.lock_taken++;
		release_spans(h, pc, &rest, limit);
		spin_unlock(&h->lock);
	}
	spin_unlock_irqrestore(&pc->lock, flags);
	/* What the page cache keeps of short spans is too little to count; runs are not. */
	if (some || freed > GOMEM_PCACHE_SPAN_MAX)
		gomem_heap_kick(h, freed);
}

/**
 * gomem_heap_free_spans - give the pages of empty spans back
 * @h: their heap
 * @spans: small spans of nobody else, cached by nobody, without objects
 *
 * Context: any but NMI.
 */
void gomem_heap_free_spans(struct gomem_heap *h, struct gomem_span_stack *spans)
{
	while (spans->top)
		free_some(h, spans, FREE_BATCH);
}

static noinline void free_alone(struct gomem_span *s)
{
	struct gomem_span_stack spans = { NULL };

	gomem_span_push(&spans, s);
	free_some(s->heap, &spans, 1);
}

/* This CPU keeps all of a large span, if there is room: mostly, and without the rest. */
static bool keep_whole(struct gomem_heap *h, struct gomem_span *s)
{
	unsigned long page = gomem_heap_page(h, s->base), flags;
	unsigned int npages = s->npages, index = s->desc;
	struct gomem_pcache *pc;
	bool kept;

	pc = lock_pcache(h, &flags);
	kept = pc->nr_desc[index] < GOMEM_PCACHE_DESCS && keep_run(h, pc, page, npages);
	if (kept) {
		take_apart(h, pc, s, page);
		gomem_pcache_push(pc, index, s);
	}
	spin_unlock_irqrestore(&pc->lock, flags);
	return kept;
}

/**
 * gomem_heap_free_span - give the pages of an empty span back
 * @s: a small span that is on no list, cached by nobody and has no object left, or
 *	a large one that was claimed, or an arena's
 *
 * Context: any but NMI.
 */
void gomem_heap_free_span(struct gomem_span *s)
{
	struct gomem_heap *h = s->heap;
	unsigned int npages = s->npages;

	if (makes_run(npages) && h->pcache_max && is_near(h) && keep_whole(h, s))
		gomem_heap_kick(h, npages);
	else
		free_alone(s);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_free_span);

/* Take certain pages, of this CPU's, which are locked, and then of the heap's; or none. */
static bool take_at(struct gomem_heap *h, struct gomem_pcache *pc, unsigned long page,
		    unsigned int npages)
{
	unsigned int cached = gomem_pcache_has(pc, page, npages);
	bool ok = true;

	lockdep_assert_held(&pc->lock);
	if (cached < npages) {
		spin_lock(&h->lock);
		h->stats.lock_taken++;
		ok = gomem_pagealloc_alloc_range(&h->pages, page + cached, npages - cached);
		gomem_heap_note_peak(h);
		spin_unlock(&h->lock);
	}
	if (ok)
		gomem_pcache_take(pc, page, cached);
	return ok;
}

/**
 * gomem_heap_publish_large - let a large object be freed, once
 * @s: its span, new or claimed: the caller's until now, who has no more to do with it
 *
 * Whoever claims it finds the span, and the object, as they are now.
 */
void gomem_heap_publish_large(struct gomem_span *s)
{
	struct gomem_chunk *c = gomem_pagealloc_chunk_of(&s->heap->pages,
							 gomem_heap_page(s->heap, s->base));

	gomem_span_set_state(s, GOMEM_SPAN_LARGE);
	/* Pairs with gomem_pagemap_large() and gomem_heap_claim_large(). */
	smp_store_release(&c->tag[gomem_chunk_page(s->base)],
			  gomem_make_tag(s->base, s->spc) | GOMEM_TAG_LARGE);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_publish_large);

/* Pages were taken that lie behind a span; this CPU's page cache is locked. */
static bool add_to_span(struct gomem_heap *h, struct gomem_pcache *pc, struct gomem_span *s,
			unsigned long page, unsigned int npages)
{
	struct gomem_span_counts *n = &pc->counts;
	bool zero = map_span(h, s, page, npages);

	lockdep_assert_held(&pc->lock);
	/* Who owns nothing here may read them meanwhile. */
	WRITE_ONCE(s->npages, s->npages + npages);
	WRITE_ONCE(s->elemsize, s->npages << GOMEM_PAGE_SHIFT);
	n->inuse_pages += npages;
	n->large_pages += npages;
	n->large_alloc_bytes += (u64)npages << GOMEM_PAGE_SHIFT;
	return zero;
}

/**
 * gomem_heap_extend_span - make a large span longer, if the pages behind it are free
 * @s: its object was claimed
 * @npages: how long it should be
 * @zero: set to whether what was added is known to be zero
 *
 * As it is claimed nobody frees it meanwhile, and so nobody else looks at its length.
 *
 * Context: any but NMI.
 * Return: false if they are not free, or another node's than this CPU's, or if it is as long
 * already; nothing changed.
 */
bool gomem_heap_extend_span(struct gomem_span *s, unsigned int npages, bool *zero)
{
	struct gomem_heap *h = s->heap;
	unsigned long end = gomem_heap_page(h, s->base) + s->npages, flags;
	struct gomem_pcache *pc;
	unsigned int more;
	bool ok;

	if (npages <= s->npages || !is_near(h))
		return false;
	more = npages - s->npages;
	pc = lock_pcache(h, &flags);
	ok = take_at(h, pc, end, more);
	if (ok)
		*zero = add_to_span(h, pc, s, end, more);
	spin_unlock_irqrestore(&pc->lock, flags);
	return ok;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_extend_span);

/* Empty one CPU's page cache; returns how many pages it had. */
static unsigned int drain_pcache(struct gomem_heap *h, struct gomem_pcache *pc)
{
	unsigned long base = pc->base, ci;
	struct gomem_chunk *c;
	struct gomem_span *s;
	u64 free = pc->free;
	unsigned int i;

	lockdep_assert_held(&pc->lock);
	spin_lock(&h->lock);
	pc->free = 0;
	if (free) {
		ci = base >> GOMEM_CHUNK_PAGES_SHIFT;
		c = gomem_pagealloc_chunk(&h->pages, ci);
		gomem_pagealloc_free_block(&h->pages, base, free);
		gomem_fresh_add_mask(c, base % GOMEM_CHUNK_PAGES / 64, free);
		gomem_candidates_mark(&h->candidates, c, ci);
	}
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
		while ((s = gomem_pcache_pop(pc, i)))
			gomem_fixalloc_free(&h->spanalloc[i], s);
	spin_unlock(&h->lock);
	return hweight64(free);
}

/* Release its runs; @idle: only those that lay there at the last look. */
static unsigned int drain_runs(struct gomem_heap *h, struct gomem_pcache *pc, bool idle)
{
	unsigned int i, n = 0;

	lockdep_assert_held(&pc->lock);
	if (!pc->nr_runs)
		return 0;
	spin_lock(&h->lock);
	for (i = pc->nr_runs; i--; ) {
		if (!idle || pc->run[i].seen)
			n += release_run(h, pc, i);
		else
			pc->run[i].seen = true;
	}
	spin_unlock(&h->lock);
	return n;
}

/* An idle CPU's: nothing came or went since the last look. */
static bool is_idle(struct gomem_pcache *pc)
{
	bool idle = pc->uses == pc->seen;

	lockdep_assert_held(&pc->lock);
	pc->seen = pc->uses;
	return idle;
}

/**
 * gomem_heap_drain_runs - let go of runs in page caches that nobody takes
 * @h: the heap
 *
 * Those that lay there when this, or gomem_heap_drain_pcaches(), looked last.
 *
 * Context: any but NMI.
 */
void gomem_heap_drain_runs(struct gomem_heap *h)
{
	struct gomem_pcache *pc;
	unsigned long flags;
	int cpu;

	if (!atomic_long_read(&h->run_pages))
		return;
	for_each_possible_cpu(cpu) {
		pc = per_cpu_ptr(h->pcache, cpu);
		if (!READ_ONCE(pc->nr_runs))
			continue;
		spin_lock_irqsave(&pc->lock, flags);
		drain_runs(h, pc, true);
		spin_unlock_irqrestore(&pc->lock, flags);
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_drain_runs);

/**
 * gomem_heap_drain_pcaches - empty the CPUs' page caches
 * @h: the heap
 * @idle: only those, and runs, not used since this was last asked for
 *
 * Context: any but NMI.
 * Return: how many pages became free.
 */
unsigned long gomem_heap_drain_pcaches(struct gomem_heap *h, bool idle)
{
	unsigned long n = 0, flags;
	struct gomem_pcache *pc;
	int cpu;

	for_each_possible_cpu(cpu) {
		pc = per_cpu_ptr(h->pcache, cpu);
		/* Without pages there are but a few descriptors to be had. */
		if (!idle && !READ_ONCE(pc->free) && !READ_ONCE(pc->nr_runs))
			continue;
		spin_lock_irqsave(&pc->lock, flags);
		n += drain_runs(h, pc, idle);
		if (!idle || is_idle(pc))
			n += drain_pcache(h, pc);
		spin_unlock_irqrestore(&pc->lock, flags);
	}
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_drain_pcaches);

/*
 * CPUs go on while they are asked one after the other: of what moved in between only
 * the second half may be seen. No number is below nothing for that.
 */
static void clamp_counts(struct gomem_heap_snapshot *snap)
{
	struct gomem_span_counts *n = &snap->counts;

	n->inuse_pages = max(n->inuse_pages, 0L);
	n->spans = max(n->spans, 0L);
	n->large = max(n->large, 0L);
	n->large_pages = max(n->large_pages, 0L);
	n->arena_spans = max(n->arena_spans, 0L);
	n->arena_pages = max(n->arena_pages, 0L);
	n->large_frees = min(n->large_frees, n->large_allocs);
	if ((ssize_t)snap->span_bytes < 0)
		snap->span_bytes = 0;
}

static void get_cpu_counts(struct gomem_heap *h, struct gomem_heap_snapshot *snap)
{
	struct gomem_pcache *pc;
	unsigned long flags;
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		pc = per_cpu_ptr(h->pcache, cpu);
		spin_lock_irqsave(&pc->lock, flags);
		gomem_span_counts_add(&snap->counts, &pc->counts);
		snap->cached_pages += hweight64(pc->free) + gomem_pcache_run_pages(pc);
		for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
			snap->span_bytes -= pc->nr_desc[i] * span_size(i);
		spin_unlock_irqrestore(&pc->lock, flags);
	}
}

/**
 * gomem_heap_get - take a snapshot of what a heap has
 * @h: the heap
 * @snap: where it goes; exact if nobody makes spans or gives them back meanwhile
 */
void gomem_heap_get(struct gomem_heap *h, struct gomem_heap_snapshot *snap)
{
	unsigned long flags;
	unsigned int i;

	memset(snap, 0, sizeof(*snap));
	get_cpu_counts(h, snap);
	spin_lock_irqsave(&h->lock, flags);
	snap->stats = h->stats;
	snap->free_pages = h->pages.free_pages;
	snap->backed_pages = h->pages.backed_pages;
	snap->chunks = h->pages.nr_registered;
	snap->hole_pages = snap->chunks * GOMEM_CHUNK_PAGES - snap->backed_pages;
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++) {
		snap->span_bytes += h->spanalloc[i].inuse;
		snap->span_sys += h->spanalloc[i].sys;
	}
	spin_unlock_irqrestore(&h->lock, flags);
	clamp_counts(snap);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_get);

/* Pages that are looked at in one hold of the lock; each may be a span of its own. */
#define WALK_PAGES	4

/* Visit the spans that begin in some pages of a chunk. */
static void walk_pages(struct gomem_heap *h, unsigned long ci, unsigned int first,
		       gomem_span_fn fn, void *arg)
{
	struct gomem_chunk *c = gomem_pagealloc_chunk(&h->pages, ci);
	unsigned long flags, page = (ci << GOMEM_CHUNK_PAGES_SHIFT) + first;
	struct gomem_span *s;
	unsigned int i;

	spin_lock_irqsave(&h->lock, flags);
	for (i = first; i < first + WALK_PAGES; i++, page++) {
		s = READ_ONCE(c->tag[i]) ? READ_ONCE(c->span[i]) : NULL;
		if (s && s->base == gomem_heap_addr(h, page))
			fn(s, arg);
	}
	spin_unlock_irqrestore(&h->lock, flags);
}

/* The first chunk at or after @ci that the heap's tables cover. */
static unsigned long next_covered(struct gomem_heap *h, unsigned long ci)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	ci = gomem_pagealloc_next_covered(&h->pages, ci);
	if (ci >= gomem_pagealloc_end(&h->pages))
		ci = ULONG_MAX;
	spin_unlock_irqrestore(&h->lock, flags);
	return ci;
}

/**
 * gomem_heap_walk_spans - visit all live spans by rising address
 * @h: the heap
 * @fn: called with the heap lock held
 * @arg: for @fn
 *
 * The lock is dropped after every 4 pages. Short spans come and go without it: only at rest
 * is each of them visited, as it is.
 *
 * Context: may sleep.
 */
void gomem_heap_walk_spans(struct gomem_heap *h, gomem_span_fn fn, void *arg)
{
	unsigned long ci;
	unsigned int i;

	for (ci = next_covered(h, 0); ci != ULONG_MAX; ci = next_covered(h, ci + 1)) {
		cond_resched();
		if (gomem_pagealloc_chunk(&h->pages, ci) == &gomem_no_chunk)
			continue;
		for (i = 0; i < GOMEM_CHUNK_PAGES; i += WALK_PAGES)
			walk_pages(h, ci, i, fn, arg);
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_walk_spans);
