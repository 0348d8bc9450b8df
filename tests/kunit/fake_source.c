// SPDX-License-Identifier: GPL-2.0
/*
 * fake_source.c - a page source without memory, and heaps that use it.
 */
#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "fake_source.h"
#include "heap/peers.h"
#include "run/check.h"

/* Descriptor memory that was handed out, and not given back. */
struct fake_meta {
	struct list_head list;
	void *p;
	size_t bytes;
};

static struct fake_source *fake_of(struct gomem_pagesource *src)
{
	return container_of(src, struct fake_source, src);
}

static void found(struct fake_source *fake, const char *error)
{
	lockdep_assert_held(&fake->lock);
	if (!fake->error)
		fake->error = error;
}

static bool holds(spinlock_t *lock)
{
	return IS_ENABLED(CONFIG_LOCKDEP) && debug_locks &&
	       lockdep_is_held(lock);
}

static bool holds_heap_lock(struct gomem_heap *h)
{
	unsigned int spc;

	if (holds(&h->lock))
		return true;
	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++)
		if (holds(&h->central[spc].lock))
			return true;
	return false;
}

static bool holds_any_lock(struct fake_source *fake)
{
	unsigned int i;

	if (fake->heap && holds_heap_lock(fake->heap))
		return true;
	for (i = 0; i < fake->nr_nodes; i++)
		if (fake->node[i].heap && holds_heap_lock(fake->node[i].heap))
			return true;
	return false;
}

static void check_call(struct fake_source *fake)
{
	unsigned long flags;

	if (!holds_any_lock(fake))
		return;
	spin_lock_irqsave(&fake->lock, flags);
	found(fake, "source called with a lock of the heap held");
	spin_unlock_irqrestore(&fake->lock, flags);
}

static bool fails(struct fake_source *fake, struct fake_failures *f,
		  unsigned int order)
{
	bool fail;

	lockdep_assert_held(&fake->lock);
	f->calls++;
	fail = (f->limit && order >= f->limit) ||
	       (f->from && f->calls >= f->from &&
		f->calls - f->from < f->count) ||
	       (f->every && f->calls % f->every == 0) ||
	       (f->percent && prandom_u32_state(&fake->rnd) % 100 < f->percent);
	f->failed += fail;
	return fail;
}

static bool block_is_free(struct fake_source *fake, unsigned long page,
			  unsigned long n)
{
	return find_next_bit(fake->out, fake->nr_pages, page) >= page + n;
}

/* Return the index of the node that a page belongs to. */
static unsigned int node_index(const struct fake_source *fake,
			       unsigned long page)
{
	return page / fake->stripe % fake->nr_nodes;
}

/*
 * Does this block belong to the node with this index, and does that node have
 * memory left? A negative index means any node.
 */
static bool block_is_of(struct fake_source *fake, unsigned long page,
			unsigned long n, int index)
{
	unsigned int i;

	if (!fake->nr_nodes)
		return true;
	i = node_index(fake, page);
	/* No block spans two nodes. */
	if (n > fake->stripe || fake->node[i].empty)
		return false;
	return index < 0 || i == index;
}

/*
 * Return the first page of a free block of @n pages, of the node with index
 * @index, or of any node if @index is negative. The policy of the source
 * chooses the block. Return nr_pages if there is no such block.
 */
static unsigned long pick_block(struct fake_source *fake, unsigned long n,
				int index)
{
	unsigned long blocks = fake->nr_pages / n, i, k = 0;

	if (fake->policy == FAKE_RANDOM)
		k = prandom_u32_state(&fake->rnd) % blocks;
	for (i = 0; i < blocks; i++, k = (k + 1) % blocks) {
		unsigned long page =
			(fake->policy == FAKE_HIGHEST ? blocks - 1 - k : k) * n;

		if (block_is_of(fake, page, n, index) &&
		    block_is_free(fake, page, n))
			return page;
	}
	return fake->nr_pages;
}

/* Try the requested node first. With __GFP_THISNODE try no other node. */
static unsigned long pick_near_block(struct fake_source *fake, unsigned long n,
				     gfp_t gfp, int node)
{
	unsigned long page;
	unsigned int i;

	for (i = 0; i < fake->nr_nodes; i++) {
		if (fake->node[i].id != node)
			continue;
		page = pick_block(fake, n, i);
		if (page < fake->nr_pages || (gfp & __GFP_THISNODE))
			return page;
	}
	return pick_block(fake, n, -1);
}

static unsigned long fake_alloc(struct gomem_pagesource *src,
				unsigned int order, gfp_t gfp, int node)
{
	struct fake_source *fake = fake_of(src);
	unsigned long n = 1UL << order, addr = 0, page, flags;

	might_sleep_if(gfpflags_allow_blocking(gfp));
	check_call(fake);

	spin_lock_irqsave(&fake->lock, flags);
	fake->last =
		(struct fake_call){ .order = order, .gfp = gfp, .node = node };
	fake->speculative += !(gfp & __GFP_RECLAIM) && (gfp & __GFP_NOWARN);
	fake->anywhere += fake->nr_nodes && !(gfp & __GFP_THISNODE);
	if (gfp & __GFP_NOFAIL)
		found(fake, "source asked never to fail");
	if (fails(fake, &fake->pages, order))
		goto out;
	page = pick_near_block(fake, n, gfp, node);
	if (page == fake->nr_pages)
		goto out;
	bitmap_set(fake->out, page, n);
	fake->nr_out += n;
	addr = fake->base + (page << GOMEM_PAGE_SHIFT);
	if (!(gfp & __GFP_DMA32))
		addr += fake->beyond;
out:
	spin_unlock_irqrestore(&fake->lock, flags);
	return addr;
}

static int fake_node_of(struct gomem_pagesource *src, unsigned long addr)
{
	struct fake_source *fake = fake_of(src);
	unsigned long page = (addr - fake->base) >> GOMEM_PAGE_SHIFT;

	return fake->node[node_index(fake, page)].id;
}

static unsigned long page_index(struct fake_source *fake, unsigned long addr)
{
	unsigned long offset = addr - fake->base;

	if (fake->beyond && offset >= fake->beyond)
		offset -= fake->beyond;
	return offset >> GOMEM_PAGE_SHIFT;
}

/* Did the source hand out all of these pages, and not get them back? */
static bool pages_are_out(struct fake_source *fake, unsigned long addr,
			  unsigned long npages)
{
	unsigned long page = page_index(fake, addr);

	return page < fake->nr_pages && npages <= fake->nr_pages - page &&
	       !(addr & ~GOMEM_PAGE_MASK) &&
	       find_next_zero_bit(fake->out, fake->nr_pages, page) >=
		       page + npages;
}

static void put_pages(struct fake_source *fake, unsigned long addr,
		      unsigned long npages)
{
	unsigned long flags;

	spin_lock_irqsave(&fake->lock, flags);
	if (npages && pages_are_out(fake, addr, npages)) {
		bitmap_clear(fake->out, page_index(fake, addr), npages);
		fake->nr_out -= npages;
	} else {
		found(fake, "pages given back that are not out");
	}
	spin_unlock_irqrestore(&fake->lock, flags);
}

static void fake_free(struct gomem_pagesource *src, unsigned long addr,
		      unsigned long npages)
{
	struct fake_source *fake = fake_of(src);

	check_call(fake);
	put_pages(fake, addr, npages);
}

static void *fake_meta_alloc(struct gomem_pagesource *src, size_t bytes,
			     gfp_t gfp, int node)
{
	struct fake_source *fake = fake_of(src);
	struct fake_meta *meta;
	unsigned long flags;
	bool fail;

	might_sleep_if(gfpflags_allow_blocking(gfp));
	check_call(fake);

	spin_lock_irqsave(&fake->lock, flags);
	fail = fails(fake, &fake->meta, 0);
	if (!bytes || !PAGE_ALIGNED(bytes))
		found(fake, "descriptor memory that is not whole pages");
	spin_unlock_irqrestore(&fake->lock, flags);
	if (fail)
		return NULL;

	/*
	 * Fail only where the case asks for it: so do not pass on flags with
	 * which kmalloc() may fail early.
	 */
	gfp = gfpflags_allow_blocking(gfp) ? GFP_KERNEL : GFP_ATOMIC;
	meta = kmalloc(sizeof(*meta), gfp);
	if (!meta)
		return NULL;
	meta->bytes = bytes;
	meta->p = kmalloc(bytes, gfp);
	if (!meta->p) {
		kfree(meta);
		return NULL;
	}
	/* Callers must not rely on zeroed memory. */
	memset(meta->p, 0xa5, bytes);

	spin_lock_irqsave(&fake->lock, flags);
	list_add(&meta->list, &fake->metas);
	fake->meta_out += bytes;
	spin_unlock_irqrestore(&fake->lock, flags);
	return meta->p;
}

static struct fake_meta *find_meta(struct fake_source *fake, void *p)
{
	struct fake_meta *meta;

	list_for_each_entry(meta, &fake->metas, list)
		if (meta->p == p)
			return meta;
	return NULL;
}

static void fake_meta_free(struct gomem_pagesource *src, void *p, size_t bytes)
{
	struct fake_source *fake = fake_of(src);
	struct fake_meta *meta;
	unsigned long flags;

	check_call(fake);
	spin_lock_irqsave(&fake->lock, flags);
	meta = find_meta(fake, p);
	if (meta) {
		list_del(&meta->list);
		fake->meta_out -= meta->bytes;
		if (meta->bytes != bytes)
			found(fake,
			      "descriptor memory given back in another size");
	} else {
		found(fake, "descriptor memory given back that is not out");
	}
	spin_unlock_irqrestore(&fake->lock, flags);
	if (meta) {
		kfree(p);
		kfree(meta);
	}
}

/**
 * fake_page_is_out - ask whether the source has handed out a page
 * @fake: the source
 * @addr: any address
 *
 * Return: true if the source handed out this page, and did not get it back.
 */
bool fake_page_is_out(struct fake_source *fake, unsigned long addr)
{
	unsigned long flags;
	bool out;

	spin_lock_irqsave(&fake->lock, flags);
	out = pages_are_out(fake, addr & GOMEM_PAGE_MASK, 1);
	spin_unlock_irqrestore(&fake->lock, flags);
	return out;
}

/**
 * fake_forget_pages - take back the pages of a span that was live when its heap
 *	was destroyed: the heap did not give these pages back
 * @fake: the source
 * @addr: the first page
 * @npages: number of pages
 */
void fake_forget_pages(struct fake_source *fake, unsigned long addr,
		       unsigned long npages)
{
	atomic_long_sub(npages, &fake->src.heap_pages);
	put_pages(fake, addr, npages);
}

static int init_source(struct fake_source *fake, unsigned long nr_chunks,
		       u32 seed)
{
	spin_lock_init(&fake->lock);
	INIT_LIST_HEAD(&fake->metas);
	prandom_seed_state(&fake->rnd, seed);
	fake->src.alloc = fake_alloc;
	fake->src.free = fake_free;
	fake->src.meta_alloc = fake_meta_alloc;
	fake->src.meta_free = fake_meta_free;
	fake->base = FAKE_BASE;
	fake->nr_pages = nr_chunks * GOMEM_CHUNK_PAGES;
	fake->out = bitmap_zalloc(fake->nr_pages, GFP_KERNEL);
	if (!fake->out || gomem_pagemap_init(&fake->map, FAKE_BASE))
		return -ENOMEM;
	return 0;
}

/* Return the heap, or NULL if there is no memory. */
static struct gomem_heap *make_heap(struct fake_source *fake, int node)
{
	struct gomem_heap *h = gomem_node_create(&fake->src, &fake->map, node);

	if (!h)
		return NULL;
	if (gomem_heap_cover(h, FAKE_BASE,
			     fake->nr_pages << GOMEM_PAGE_SHIFT)) {
		gomem_node_destroy(h);
		return NULL;
	}
	/*
	 * Turn off page caches, so that first fit places each span. If a case
	 * turns them on by pcache_max, each cache may have up to 8 pages in its
	 * group however small the heap is, and more of them in a large heap.
	 * The heap tries to grow by at least 256 KiB. It makes no
	 * short spans, and gives no pages back when it grows or when a span is
	 * freed. CPUs may cache spans of each kind, even if the kind has few
	 * pages.
	 */
	h->pcache_max = 0;
	h->pcache_min = 8;
	h->grow_min = SZ_256K >> GOMEM_PAGE_SHIFT;
	h->trade_min = UINT_MAX;
	h->give_min = UINT_MAX;
	h->short_share = 0;
	h->cache_share = 0;
	return h;
}

/**
 * fake_heap_init - make a source, and a heap that can take all pages of it
 * @fh: source and heap, zeroed
 * @nr_chunks: length of the source's range of addresses, in chunks
 * @seed: seed of the random numbers of the source
 *
 * Return: 0, or -ENOMEM. fake_heap_exit() cleans up in either case.
 */
int fake_heap_init(struct fake_heap *fh, unsigned long nr_chunks, u32 seed)
{
	struct fake_source *fake = &fh->source;

	if (init_source(fake, nr_chunks, seed))
		return -ENOMEM;
	fake->heap = make_heap(fake, NUMA_NO_NODE);
	fh->heap = fake->heap;
	return fh->heap ? 0 : -ENOMEM;
}

/**
 * fake_heap_spans - count live spans
 * @fh: a heap
 *
 * Return: their number.
 */
unsigned long fake_heap_spans(struct fake_heap *fh)
{
	struct gomem_heap_snapshot snap;

	gomem_heap_get(fh->heap, &snap);
	return snap.counts.spans;
}

/**
 * fake_heap_put - free a span as a free of its last object does
 * @test: the test
 * @s: the span
 */
void fake_heap_put(struct kunit *test, struct gomem_span *s)
{
	if (!gomem_spc_class(s->spc))
		KUNIT_ASSERT_PTR_EQ(test, s,
				    gomem_heap_claim_large(s->heap->map,
							   s->base));
	gomem_heap_free_span(s);
}

/**
 * fake_heap_destroy - destroy the heap, but keep the source
 * @fh: heap and source
 */
void fake_heap_destroy(struct fake_heap *fh)
{
	if (fh->heap)
		gomem_heap_destroy(fh->heap);
	gomem_pagemap_destroy(&fh->source.map);
	fh->heap = NULL;
}

/**
 * fake_heap_check - run gomem_check() on a heap whose spans belong to no
 * mcentral
 * @h: the heap, which no other code uses meanwhile
 * @live: live spans; spans of other heaps are ignored
 * @nr: number of @live
 *
 * gomem_check() expects that each small span is counted in the mcentral of its
 * span class. So add the live spans to the counts of the mcentrals for the time
 * of the check, as if CPUs cached the spans.
 *
 * Return: the violation that gomem_check() found, or NULL.
 */
const char *fake_heap_check(struct gomem_heap *h, struct gomem_span **live,
			    unsigned int nr)
{
	const char *violation;
	unsigned int i, spc;

	for (i = 0; i < nr; i++) {
		spc = live[i]->spc;
		if (live[i]->heap != h || !gomem_spc_class(spc))
			continue;
		h->central[spc].nspans++;
		h->central[spc].ncached++;
	}
	violation = gomem_check(h);
	for (i = 0; i < GOMEM_NR_SPANCLASSES; i++) {
		h->central[i].nspans = 0;
		h->central[i].ncached = 0;
	}
	return violation;
}

/**
 * fake_random_spc - draw any span class but those of class 0
 * @rnd: the random numbers
 *
 * Return: the span class.
 */
unsigned int fake_random_spc(struct rnd_state *rnd)
{
	return 2 + prandom_u32_state(rnd) % (GOMEM_NR_SPANCLASSES - 2);
}

/**
 * fake_small_request - make a request for a span of a small class
 * @spc: its span class
 *
 * Return: the request that an mcentral makes for a span of the usual length.
 */
struct gomem_span_request fake_small_request(unsigned int spc)
{
	unsigned int class = gomem_spc_class(spc);

	return (struct gomem_span_request) {
		.npages = gomem_class_pages(class),
		.kind = &gomem_kinds[spc],
		.aligned = is_power_of_2(gomem_class_size(class)),
		.gfp = GFP_KERNEL,
	};
}

/**
 * fake_large_request - make a request for a span of a large object
 * @npages: how many pages
 *
 * Return: the request.
 */
struct gomem_span_request fake_large_request(unsigned int npages)
{
	return (struct gomem_span_request) {
		.npages = npages,
		.kind = &gomem_kinds[0],
		.aligned = is_power_of_2(npages),
		.gfp = GFP_KERNEL,
	};
}

/* Free the descriptor memory that a failed case left. */
static void free_metas(struct fake_source *fake)
{
	struct fake_meta *meta, *next;

	list_for_each_entry_safe(meta, next, &fake->metas, list) {
		kfree(meta->p);
		kfree(meta);
	}
}

static void expect_all_back(struct kunit *test, struct fake_source *fake)
{
	if (!fake->src.alloc)
		return;
	KUNIT_EXPECT_TRUE_MSG(test, !fake->error, "%s", fake->error);
	KUNIT_EXPECT_EQ(test, 0, fake->nr_out);
	KUNIT_EXPECT_EQ(test, 0, fake->meta_out);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&fake->src.heap_pages));
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&fake->src.meta_bytes));
	free_metas(fake);
}

/**
 * fake_heap_exit - destroy heap and source, and expect that all pages came back
 * @test: the test
 * @fh: heap and source, set up or not
 *
 * A case must free its spans before. Otherwise the test fails here.
 */
void fake_heap_exit(struct kunit *test, struct fake_heap *fh)
{
	struct fake_source *fake = &fh->source;

	fake_heap_destroy(fh);
	expect_all_back(test, fake);
	kvfree(fake->heap);
	bitmap_free(fake->out);
}

/**
 * fake_peers_init - make a source, and a heap for each of its nodes
 * @fp: source and heaps, zeroed
 * @nr_chunks: length of the source's range, in chunks
 * @stripe: pages in a row that belong to the same node
 * @seed: seed of the random numbers of the source
 *
 * The first FAKE_NODES possible nodes of the machine get a heap each. No page
 * of the source belongs to any other node. For each other node, @fp->peers has
 * the last of these heaps.
 *
 * Return: 0, or -ENOMEM. fake_peers_exit() cleans up in either case.
 */
int fake_peers_init(struct fake_peers *fp, unsigned long nr_chunks,
		    unsigned long stripe, u32 seed)
{
	struct fake_source *fake = &fp->source;
	unsigned int i = 0;
	int node;

	if (init_source(fake, nr_chunks, seed))
		return -ENOMEM;
	fake->src.node_of = fake_node_of;
	fake->stripe = stripe;
	fp->peers = kcalloc(MAX_NUMNODES, sizeof(*fp->peers), GFP_KERNEL);
	if (!fp->peers)
		return -ENOMEM;
	for_each_node(node) {
		if (i < FAKE_NODES) {
			fp->heap[i] = make_heap(fake, node);
			if (!fp->heap[i])
				return -ENOMEM;
			fake->node[i].heap = fp->heap[i];
			fake->node[i].id = node;
			i++;
		}
		fp->peers[node] = fp->heap[i - 1];
	}
	fake->nr_nodes = i;
	for (i = 0; i < FAKE_NODES; i++)
		if (gomem_peers_init(fp->heap[i], fp->peers,
				     gomem_node_distance))
			return -ENOMEM;
	return 0;
}

/**
 * fake_peers_exit - destroy heaps and source, and expect that all pages came
 * back
 * @test: the test
 * @fp: heaps and source, set up or not
 */
void fake_peers_exit(struct kunit *test, struct fake_peers *fp)
{
	struct fake_source *fake = &fp->source;
	unsigned int i;

	for (i = 0; i < FAKE_NODES; i++)
		if (fp->heap[i])
			gomem_heap_destroy(fp->heap[i]);
	gomem_pagemap_destroy(&fake->map);
	expect_all_back(test, fake);
	for (i = 0; i < FAKE_NODES; i++)
		kvfree(fp->heap[i]);
	kfree(fp->peers);
	bitmap_free(fake->out);
}
