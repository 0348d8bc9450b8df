// SPDX-License-Identifier: GPL-2.0
/*
 * mheap.c - spans out of pages, pages out of the kernel, and both ways back.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat.h"
#include "mheap.h"

/*
 * How much to fetch at a time: a 64th of what the heap has, so that little is
 * fetched in vain, but 256 KiB at least, so that small heaps do not fetch page by
 * page, and a chunk at most. In gomem pages.
 */
#define GROW_MIN	(SZ_256K >> GOMEM_PAGE_SHIFT)
#define GROW_MAX	GOMEM_CHUNK_PAGES
#define GROW_SHARE	64

/* Descriptor chunks: Go's 16 KiB, or what still holds a struct gomem_chunk. */
#define META_BYTES	SZ_16K
#define META_BYTES_MIN	SZ_8K

/* Words of each bitmap, by descriptor size. */
static unsigned int span_size_index(unsigned int nwords)
{
	return order_base_2(nwords);
}

static size_t span_size(unsigned int index)
{
	return sizeof(struct gomem_span) + 2 * BIT(index) * sizeof(unsigned long);
}

static struct gomem_fixalloc *span_fixalloc(struct gomem_heap *h, unsigned int spc)
{
	unsigned int class = gomem_spc_class(spc);
	unsigned int nelems = class ? gomem_class_nelems(class) : 1;

	return &h->spanalloc[span_size_index(gomem_span_words(nelems))];
}

/**
 * gomem_heap_init - make an empty heap
 * @h: the heap, zeroed
 * @source: where its pages come from
 * @base: lowest address it can take pages at; a multiple of the chunk size
 * @nr_chunks: how many chunks of address range there are from @base on
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_heap_init(struct gomem_heap *h, struct gomem_pagesource *source, unsigned long base,
		    unsigned long nr_chunks)
{
	unsigned int i;
	int err;

	BUILD_BUG_ON(BIT(GOMEM_NR_SPAN_SIZES - 1) * 64 != GOMEM_SPAN_MAX_OBJECTS);
	BUILD_BUG_ON(sizeof(struct gomem_chunk) > META_BYTES_MIN - 64);

	spin_lock_init(&h->lock);
	h->base = base;
	h->nr_chunks = nr_chunks;
	h->source = source;
	err = gomem_pagealloc_init(&h->pages, nr_chunks, &h->lock);
	if (err)
		return err;

	for (i = 0; i < GOMEM_NR_SPAN_SIZES && !err; i++)
		err = gomem_fixalloc_init(&h->spanalloc[i], span_size(i), sizeof(u64), &h->lock);
	if (!err)
		err = gomem_fixalloc_init(&h->chunkalloc, sizeof(struct gomem_chunk),
					  sizeof(u64), &h->lock);
	if (err) {
		gomem_pagealloc_destroy(&h->pages);
		return err;
	}
	for (i = 0; i < GOMEM_NR_SPANCLASSES; i++)
		gomem_mcentral_init(&h->central[i], i);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_init);

static void put_meta(void *chunk, size_t bytes, void *arg)
{
	gomem_meta_put(arg, chunk, bytes);
}

/* Cut the highest free run of a chunk out of the heap. False if there is none. */
static bool remove_last_run(struct gomem_heap *h, unsigned long *page, unsigned int *n)
{
	unsigned long ci = gomem_pagealloc_prev_chunk(&h->pages, ~0UL, 1);
	struct gomem_chunk *c;

	lockdep_assert_held(&h->lock);
	if (ci == GOMEM_NO_PAGE)
		return false;
	c = gomem_pagealloc_chunk(&h->pages, ci);
	*page = (ci << GOMEM_CHUNK_PAGES_SHIFT) +
		gomem_pallocbits_find_last(&c->inuse, 1, GOMEM_CHUNK_PAGES, n);
	gomem_pagealloc_remove(&h->pages, *page, *n);
	return true;
}

/*
 * Free runs go back, a chunk's run at a time so that it does not take long; the
 * pages of spans that still live are left alone.
 */
static void release_free_pages(struct gomem_heap *h)
{
	unsigned long page;
	unsigned int n;
	bool found;

	do {
		spin_lock_irq(&h->lock);
		found = remove_last_run(h, &page, &n);
		spin_unlock_irq(&h->lock);
		if (found)
			gomem_pages_put(h->source, h->base + (page << GOMEM_PAGE_SHIFT), n);
		cond_resched();
	} while (found);
}

/**
 * gomem_heap_destroy - give everything back
 * @h: a heap that nobody uses any more
 *
 * Pages of spans that are still live are not the heap's to give: they stay with
 * the kernel as allocated pages.
 *
 * Context: may sleep.
 */
void gomem_heap_destroy(struct gomem_heap *h)
{
	unsigned int i;

	release_free_pages(h);
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
		gomem_fixalloc_destroy(&h->spanalloc[i], put_meta, h->source);
	gomem_fixalloc_destroy(&h->chunkalloc, put_meta, h->source);
	gomem_pagealloc_destroy(&h->pages);
	h->nr_chunks = 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_destroy);

/* For a first try that has a fallback: no effort, no reserves, no noise. */
static gfp_t gfp_light(gfp_t gfp)
{
	gfp &= ~(__GFP_RECLAIM | __GFP_NOFAIL | __GFP_RETRY_MAYFAIL | __GFP_MEMALLOC |
		 __GFP_HIGH | GOMEM_GFP_ATOMIC);
	return gfp | __GFP_NOWARN | __GFP_NORETRY | __GFP_NOMEMALLOC;
}

/* For the try that counts. Endless tries are made by gomem_heap_alloc_span(). */
static gfp_t gfp_full(gfp_t gfp)
{
	return gfp & ~__GFP_NOFAIL;
}

/* Memory for descriptors; the caller dropped the heap lock for it. */
static bool refill_fixalloc(struct gomem_heap *h, struct gomem_fixalloc *f, gfp_t gfp)
{
	size_t bytes = META_BYTES;
	unsigned long flags;
	void *chunk;

	chunk = gomem_meta_get(h->source, bytes, gfp_light(gfp), NUMA_NO_NODE);
	if (!chunk) {
		bytes = META_BYTES_MIN;
		chunk = gomem_meta_get(h->source, bytes, gfp_full(gfp), NUMA_NO_NODE);
	}
	if (!chunk)
		return false;

	spin_lock_irqsave(&h->lock, flags);
	gomem_fixalloc_refill(f, chunk, bytes);
	spin_unlock_irqrestore(&h->lock, flags);
	return true;
}

static unsigned int grow_order(struct gomem_heap *h, unsigned int need)
{
	/* A stale value makes the step a little too small or too large. */
	unsigned long want = data_race(h->pages.backed_pages) / GROW_SHARE;

	want = clamp_t(unsigned long, want, GROW_MIN, GROW_MAX);
	return max_t(unsigned int, need, order_base_2(want));
}

static unsigned long fetch_block(struct gomem_heap *h, const struct gomem_span_request *req,
				 unsigned int *order, bool *fallback)
{
	unsigned int need = order_base_2(req->npages);
	unsigned int want = grow_order(h, need);
	unsigned long addr;

	for (*order = want; *order > need; (*order)--) {
		addr = gomem_pages_get(h->source, *order, gfp_light(req->gfp), req->node);
		if (addr)
			break;
	}
	if (*order == need)
		addr = gomem_pages_get(h->source, need, gfp_full(req->gfp), req->node);
	*fallback = *order != want;
	return addr;
}

/* Called with the heap lock held; drops it to get memory. */
static bool ensure_chunk(struct gomem_heap *h, unsigned long ci, gfp_t gfp, unsigned long *flags)
{
	struct gomem_chunk *c;
	bool ok;

	while (gomem_pagealloc_chunk(&h->pages, ci) == &gomem_no_chunk) {
		c = gomem_fixalloc_alloc(&h->chunkalloc);
		if (c) {
			memset(&c->inuse, 0xff, sizeof(c->inuse));
			memset(&c->hole, 0xff, sizeof(c->hole));
			gomem_pagealloc_register(&h->pages, ci, c);
			break;
		}
		spin_unlock_irqrestore(&h->lock, *flags);
		ok = refill_fixalloc(h, &h->chunkalloc, gfp);
		spin_lock_irqsave(&h->lock, *flags);
		if (!ok)
			return false;
	}
	return true;
}

/*
 * Fetch a block and take the request's pages from its start, before anybody else
 * can. Called and returns with the heap lock held; drops it meanwhile.
 */
static unsigned long heap_grow(struct gomem_heap *h, const struct gomem_span_request *req,
			       unsigned long *flags)
{
	unsigned long addr, page, ci;
	unsigned int order;
	bool fallback;

	lockdep_assert_held(&h->lock);
	spin_unlock_irqrestore(&h->lock, *flags);
	addr = fetch_block(h, req, &order, &fallback);
	spin_lock_irqsave(&h->lock, *flags);
	if (!addr)
		goto fail;

	page = (addr - h->base) >> GOMEM_PAGE_SHIFT;
	ci = page >> GOMEM_CHUNK_PAGES_SHIFT;
	if (ci >= h->nr_chunks) {
		h->stats.grow_out_of_range++;
		goto put;
	}
	if (!ensure_chunk(h, ci, req->gfp, flags))
		goto put;

	gomem_pagealloc_add(&h->pages, page, 1UL << order);
	WARN_ON_ONCE(!gomem_pagealloc_alloc_range(&h->pages, page, req->npages));
	h->stats.grows++;
	h->stats.grow_fallbacks += fallback;
	return page;
put:
	spin_unlock_irqrestore(&h->lock, *flags);
	gomem_pages_put(h->source, addr, 1UL << order);
	spin_lock_irqsave(&h->lock, *flags);
fail:
	h->stats.grow_failures++;
	return GOMEM_NO_PAGE;
}

/*
 * Make the span's pages known, so that a free finds it. Whoever hands out a
 * pointer into the span orders these stores before it: the lock dropped after
 * this does for this CPU, passing the pointer on does for others.
 */
static void map_span(struct gomem_heap *h, struct gomem_span *s, unsigned long page)
{
	bool small = gomem_spc_class(s->spc);
	unsigned int i, slot;

	lockdep_assert_held(&h->lock);
	for (i = 0; i < s->npages; i++, page++) {
		struct gomem_chunk *c = gomem_pagealloc_chunk(&h->pages,
							      page >> GOMEM_CHUNK_PAGES_SHIFT);

		slot = page % GOMEM_CHUNK_PAGES;
		WRITE_ONCE(c->span[slot], s);
		WRITE_ONCE(c->tag[slot], GOMEM_TAG_LIVE | s->spc |
			   (small ? i << GOMEM_TAG_PAGE_SHIFT : 0));
	}
}

static void unmap_span(struct gomem_heap *h, struct gomem_span *s, unsigned long page)
{
	unsigned int i, slot;

	lockdep_assert_held(&h->lock);
	for (i = 0; i < s->npages; i++, page++) {
		struct gomem_chunk *c = gomem_pagealloc_chunk(&h->pages,
							      page >> GOMEM_CHUNK_PAGES_SHIFT);

		slot = page % GOMEM_CHUNK_PAGES;
		WRITE_ONCE(c->tag[slot], 0);
		WRITE_ONCE(c->span[slot], NULL);
	}
}

static void count_span(struct gomem_heap *h, const struct gomem_span *s)
{
	struct gomem_heap_stats *st = &h->stats;

	lockdep_assert_held(&h->lock);
	st->span_allocs++;
	st->spans++;
	st->inuse_pages += s->npages;
	if (gomem_spc_class(s->spc))
		return;
	st->large++;
	st->large_allocs++;
	st->large_pages += s->npages;
	st->large_alloc_bytes += s->elemsize;
}

static void uncount_span(struct gomem_heap *h, const struct gomem_span *s)
{
	struct gomem_heap_stats *st = &h->stats;

	lockdep_assert_held(&h->lock);
	st->span_frees++;
	st->spans--;
	st->inuse_pages -= s->npages;
	if (gomem_spc_class(s->spc))
		return;
	st->large--;
	st->large_frees++;
	st->large_pages -= s->npages;
}

static unsigned long take_pages(struct gomem_heap *h, const struct gomem_span_request *req)
{
	if (req->aligned && req->npages > 1)
		return gomem_pagealloc_alloc_aligned(&h->pages, req->npages);
	return gomem_pagealloc_alloc(&h->pages, req->npages);
}

/* One try: a descriptor, pages, and what ties them together. */
static struct gomem_span *try_alloc_span(struct gomem_heap *h,
					 const struct gomem_span_request *req)
{
	struct gomem_fixalloc *f = span_fixalloc(h, req->spc);
	unsigned long page, flags;
	struct gomem_span *s;
	bool ok = true;

	spin_lock_irqsave(&h->lock, flags);
	while (!(s = gomem_fixalloc_alloc(f)) && ok) {
		spin_unlock_irqrestore(&h->lock, flags);
		ok = refill_fixalloc(h, f, req->gfp);
		spin_lock_irqsave(&h->lock, flags);
	}
	if (!s)
		goto out;

	page = take_pages(h, req);
	if (page == GOMEM_NO_PAGE)
		page = heap_grow(h, req, &flags);
	if (page == GOMEM_NO_PAGE) {
		gomem_fixalloc_free(f, s);
		s = NULL;
		goto out;
	}

	gomem_span_init(s, h->base + (page << GOMEM_PAGE_SHIFT), req->npages, req->spc);
	if (!gomem_spc_class(req->spc))
		gomem_span_set_state(s, GOMEM_SPAN_LARGE);
	map_span(h, s, page);
	count_span(h, s);
out:
	spin_unlock_irqrestore(&h->lock, flags);
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
 * allocated. NULL if there is no memory; never with __GFP_NOFAIL in a gfp that
 * may sleep.
 */
struct gomem_span *gomem_heap_alloc_span(struct gomem_heap *h,
					 const struct gomem_span_request *req)
{
	bool forever = (req->gfp & __GFP_NOFAIL) && gfpflags_allow_blocking(req->gfp);
	struct gomem_span *s;

	while (!(s = try_alloc_span(h, req)) && forever)
		schedule_timeout_uninterruptible(1);
	return s;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_alloc_span);

static void free_span(struct gomem_heap *h, struct gomem_span *s)
{
	unsigned long page = (s->base - h->base) >> GOMEM_PAGE_SHIFT;

	lockdep_assert_held(&h->lock);
	unmap_span(h, s, page);
	uncount_span(h, s);
	gomem_span_set_state(s, GOMEM_SPAN_DEAD);
	WARN_ON_ONCE(!gomem_pagealloc_free(&h->pages, page, s->npages));
	gomem_fixalloc_free(span_fixalloc(h, s->spc), s);
}

/**
 * gomem_heap_free_span - give the pages of an empty span back
 * @h: the heap
 * @s: a small span that is on no list, cached by nobody and has no object left, or
 *	a large one that was claimed
 *
 * Context: any but NMI.
 */
void gomem_heap_free_span(struct gomem_heap *h, struct gomem_span *s)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	free_span(h, s);
	spin_unlock_irqrestore(&h->lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_free_span);

/**
 * gomem_heap_claim_large - be the one who frees a large object
 * @h: the heap
 * @s: what gomem_heap_lookup() found
 * @addr: the object
 *
 * Its pages stay where they are until gomem_heap_free_span().
 *
 * Context: any but NMI.
 * Return: false if that span no longer is the large object at @addr: somebody
 * else freed it first.
 */
bool gomem_heap_claim_large(struct gomem_heap *h, struct gomem_span *s, unsigned long addr)
{
	unsigned long flags;
	bool live;

	spin_lock_irqsave(&h->lock, flags);
	live = gomem_span_state(s) == GOMEM_SPAN_LARGE && s->base == addr;
	if (live)
		gomem_span_set_state(s, GOMEM_SPAN_DEAD);
	spin_unlock_irqrestore(&h->lock, flags);
	return live;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_claim_large);

/**
 * gomem_heap_get_stats - take a snapshot of the heap's counters
 * @h: the heap
 * @st: where it goes; the numbers belong together
 */
void gomem_heap_get_stats(struct gomem_heap *h, struct gomem_heap_stats *st)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&h->lock, flags);
	*st = h->stats;
	st->free_pages = h->pages.free_pages;
	st->chunks = h->pages.nr_registered;
	st->span_bytes = 0;
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
		st->span_bytes += h->spanalloc[i].inuse;
	spin_unlock_irqrestore(&h->lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_get_stats);

/**
 * gomem_heap_walk_spans - visit all live spans by rising address
 * @h: the heap
 * @fn: called with the heap lock held
 * @arg: for @fn
 */
void gomem_heap_walk_spans(struct gomem_heap *h, gomem_span_fn fn, void *arg)
{
	unsigned long ci, flags;
	struct gomem_chunk *c;
	struct gomem_span *s, *last = NULL;
	unsigned int i;

	spin_lock_irqsave(&h->lock, flags);
	for (ci = 0; ci < h->nr_chunks; ci++) {
		c = gomem_pagealloc_chunk(&h->pages, ci);
		if (c == &gomem_no_chunk)
			continue;
		for (i = 0; i < GOMEM_CHUNK_PAGES; i++) {
			s = c->tag[i] ? c->span[i] : NULL;
			if (s && s != last)
				fn(s, arg);
			last = s;
		}
	}
	spin_unlock_irqrestore(&h->lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_walk_spans);
