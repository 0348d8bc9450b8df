// SPDX-License-Identifier: GPL-2.0
/*
 * spanpages.c - make a span of pages, and take it apart.
 */
#include <kunit/visibility.h>
#include <linux/compiler.h>
#include <linux/lockdep.h>

#include "map/keypage.h"
#include "map/zeropage.h"
#include "heap/spanpages.h"

/*
 * Give @n pages of one chunk, from page @i of the chunk on, a tag. A round of
 * the first loop does this for four pages, since a large span has hundreds of
 * pages.
 */
static __always_inline void set_tags(struct gomem_chunk *c, unsigned int i,
				     unsigned int n, u32 tag)
{
	u32 *to = &c->tag[i], *end = to + n, *last_four = end - n % 4;

	for (; to != last_four; to += 4) {
#pragma GCC unroll 4
		for (i = 0; i < 4; i++)
			WRITE_ONCE(to[i], tag);
	}
	for (; to != end; to++)
		WRITE_ONCE(*to, tag);
}

/* Do the same with span pointers. */
static __always_inline void set_spans(struct gomem_chunk *c, unsigned int i,
				      unsigned int n, struct gomem_span *s)
{
	struct gomem_span **to = &c->span[i], **end = to + n,
			  **last_four = end - n % 4;

	for (; to != last_four; to += 4) {
#pragma GCC unroll 4
		for (i = 0; i < 4; i++)
			WRITE_ONCE(to[i], s);
	}
	for (; to != end; to++)
		WRITE_ONCE(*to, s);
}

/*
 * Let @n pages of one chunk, from page @i of the chunk on, become part of a
 * span. Return true if all of them are known to be zero.
 */
static __always_inline bool map_piece(struct gomem_chunk *c, unsigned int i,
				      unsigned int n, struct gomem_span *s,
				      u32 tag)
{
	set_spans(c, i, n, s);
	set_tags(c, i, n, tag);
	if (!gomem_kind_is_large(s->kind))
		gomem_keypage_add(c, i, n, s->kind);
	return gomem_zeropage_take(c, i, n);
}

/* Do what map_span() does, for pages of several chunks. */
static noinline bool map_pieces(struct gomem_heap *h, struct gomem_span *s,
				unsigned long page, unsigned int npages,
				u32 tag)
{
	unsigned long end = page + npages;
	struct gomem_chunk *c;
	bool zero = true;
	unsigned int n;

	for (; page < end; page += n) {
		n = gomem_pagealloc_piece(page, end);
		c = gomem_pagealloc_chunk_of(&h->pages, page);
		zero &= map_piece(c, page % GOMEM_CHUNK_PAGES, n, s, tag);
	}
	return zero;
}

/*
 * Set the tags and span pointers of pages that become part of a span, so that a
 * free finds the span. The caller owns the pages, so this needs no lock.
 *
 * A CPU that has a pointer into the span sees these stores. They come before
 * the pointer is first returned, and code that passes a pointer to another CPU
 * has to order earlier stores before the store of the pointer.
 *
 * Most spans have one page: with a constant number of pages, the compiler
 * generates no loops.
 *
 * Return true if all pages are known to be zero.
 */
static bool map_span(struct gomem_heap *h, struct gomem_span *s,
		     unsigned long page, unsigned int npages)
{
	struct gomem_chunk *c = gomem_pagealloc_chunk_of(&h->pages, page);
	unsigned int i = page % GOMEM_CHUNK_PAGES;
	u32 tag = gomem_make_tag(s->base, s->spc);

	if (npages == 1)
		return map_piece(c, i, 1, s, tag);
	if (i + npages <= GOMEM_CHUNK_PAGES)
		return map_piece(c, i, npages, s, tag);
	return map_pieces(h, s, page, npages, tag);
}

/* Undo map_piece(). */
static __always_inline void unmap_piece(struct gomem_chunk *c, unsigned int i,
					unsigned int n)
{
	set_tags(c, i, n, 0);
	set_spans(c, i, n, NULL);
}

/* Do what unmap_span() does, for pages of several chunks. */
static noinline void unmap_pieces(struct gomem_heap *h, unsigned long page,
				  unsigned int npages)
{
	unsigned long end = page + npages;
	struct gomem_chunk *c;
	unsigned int n;

	for (; page < end; page += n) {
		n = gomem_pagealloc_piece(page, end);
		c = gomem_pagealloc_chunk_of(&h->pages, page);
		unmap_piece(c, page % GOMEM_CHUNK_PAGES, n);
	}
}

/* Undo map_span(). */
static void unmap_span(struct gomem_heap *h, unsigned long page,
		       unsigned int npages)
{
	struct gomem_chunk *c = gomem_pagealloc_chunk_of(&h->pages, page);
	unsigned int i = page % GOMEM_CHUNK_PAGES;

	if (npages == 1)
		unmap_piece(c, i, 1);
	else if (i + npages <= GOMEM_CHUNK_PAGES)
		unmap_piece(c, i, npages);
	else
		unmap_pieces(h, page, npages);
}

static void count_large(struct gomem_pcache *pc, const struct gomem_span *s)
{
	struct gomem_span_counts *n = &pc->counts;

	n->large++;
	n->large_allocs++;
	n->large_pages += s->npages;
	n->large_alloc_bytes += s->elemsize;
}

static void uncount_large(struct gomem_pcache *pc, const struct gomem_span *s)
{
	struct gomem_span_counts *n = &pc->counts;

	n->large--;
	n->large_frees++;
	n->large_pages -= s->npages;
}

/* Count a span, but not yet as one of a large object or of an arena. */
static void count_any(struct gomem_pcache *pc, const struct gomem_span *s)
{
	struct gomem_span_counts *n = &pc->counts;

	lockdep_assert_held(&pc->lock);
	n->span_allocs++;
	n->spans++;
	n->inuse_pages += s->npages;
}

/* Undo count_any(). */
static void uncount_any(struct gomem_pcache *pc, const struct gomem_span *s)
{
	struct gomem_span_counts *n = &pc->counts;

	lockdep_assert_held(&pc->lock);
	n->span_frees++;
	n->spans--;
	n->inuse_pages -= s->npages;
}

static void count_span(struct gomem_pcache *pc, const struct gomem_span *s)
{
	struct gomem_span_counts *n = &pc->counts;

	count_any(pc, s);
	if (!gomem_kind_is_large(s->kind))
		return;
	if (gomem_span_state(s) == GOMEM_SPAN_ARENA) {
		n->arena_spans++;
		n->arena_pages += s->npages;
		return;
	}
	count_large(pc, s);
}

static void uncount_span(struct gomem_pcache *pc, const struct gomem_span *s)
{
	struct gomem_span_counts *n = &pc->counts;

	uncount_any(pc, s);
	if (!gomem_kind_is_large(s->kind))
		return;
	if (gomem_span_state(s) == GOMEM_SPAN_ARENA) {
		n->arena_spans--;
		n->arena_pages -= s->npages;
		return;
	}
	uncount_large(pc, s);
}

/**
 * gomem_heap_make_span - make a span of a descriptor and pages
 * @h: the heap of the pages
 * @pc: this CPU's page cache, locked; the span is added to @pc->counts
 * @s: the descriptor
 * @page: the first page
 * @req: how many pages, and what kind of span
 */
void gomem_heap_make_span(struct gomem_heap *h, struct gomem_pcache *pc,
			  struct gomem_span *s, unsigned long page,
			  const struct gomem_span_request *req)
{
	const struct gomem_kind *k = req->kind;
	bool large = gomem_kind_is_large(k), zero;

	gomem_span_init(s, gomem_heap_addr(h, page), req->npages, k);
	s->heap = h;
	s->desc = k->desc;
	if (large)
		gomem_span_set_state(s, req->arena ? GOMEM_SPAN_ARENA :
						     GOMEM_SPAN_LARGE);
	zero = map_span(h, s, page, req->npages);
	if (large)
		s->zero = zero;
	count_span(pc, s);
}

/**
 * gomem_heap_add_to_span - extend a large span by the pages after it
 * @h: the heap of the pages
 * @pc: this CPU's page cache, locked; the pages are added to @pc->counts
 * @s: the span, whose object the caller has claimed
 * @page: the first of the pages, which the caller has taken for the span
 * @npages: number of pages to add
 *
 * Return: true if the pages are known to be zero.
 */
bool gomem_heap_add_to_span(struct gomem_heap *h, struct gomem_pcache *pc,
			    struct gomem_span *s, unsigned long page,
			    unsigned int npages)
{
	struct gomem_span_counts *n = &pc->counts;
	bool zero = map_span(h, s, page, npages);

	lockdep_assert_held(&pc->lock);
	/* CPUs that do not own the span may read these two members. */
	WRITE_ONCE(s->npages, s->npages + npages);
	WRITE_ONCE(s->elemsize, s->npages << GOMEM_PAGE_SHIFT);
	n->inuse_pages += npages;
	n->large_pages += npages;
	n->large_alloc_bytes += (u64)npages << GOMEM_PAGE_SHIFT;
	return zero;
}

/*
 * If frees by kfree() were seen, let the page source note that the pages of a
 * span are no longer part of it.
 */
static void settle(struct gomem_heap *h, const struct gomem_span *s)
{
	if (unlikely(READ_ONCE(gomem_kfree_seen)) && h->source->settle)
		h->source->settle(h->source, s->base, s->npages);
}

/**
 * gomem_heap_take_apart - separate a span into its descriptor and its pages
 * @h: the heap of the span
 * @pc: this CPU's page cache, locked; the span is subtracted from @pc->counts
 * @s: the span; @s->npages is left unchanged, for the caller to free the pages
 * @page: the span's first page
 */
void gomem_heap_take_apart(struct gomem_heap *h, struct gomem_pcache *pc,
			   struct gomem_span *s, unsigned long page)
{
	uncount_span(pc, s);
	settle(h, s);
	unmap_span(h, page, s->npages);
	gomem_span_set_state(s, GOMEM_SPAN_DEAD);
}

/**
 * gomem_heap_may_lay_aside - check whether a span can be laid aside
 * @s: a span that is being freed
 * @page: its first page
 *
 * Context: any; the caller owns the span.
 * Return: true if the span is that of a claimed large object, and lies in one
 * chunk.
 */
bool gomem_heap_may_lay_aside(const struct gomem_span *s, unsigned long page)
{
	return gomem_kind_is_large(s->kind) &&
	       gomem_span_state(s) == GOMEM_SPAN_DEAD &&
	       page % GOMEM_CHUNK_PAGES + s->npages <= GOMEM_CHUNK_PAGES;
}

/**
 * gomem_heap_lay_aside - make the pages of a large span free, but keep the span
 * @h: the heap of the span
 * @pc: this CPU's page cache, locked; the span is subtracted from @pc->counts
 * @s: the span, for which gomem_heap_may_lay_aside() is true
 * @page: the span's first page
 *
 * The pages lose their tags, so nobody finds the span by them. But they keep
 * their pointers to the span, and the span keeps its members. So
 * gomem_heap_take_up() makes it live again at less than half of the cost of
 * gomem_heap_take_apart() and gomem_heap_make_span().
 *
 * Context: any, with @pc->lock held.
 */
void gomem_heap_lay_aside(struct gomem_heap *h, struct gomem_pcache *pc,
			  struct gomem_span *s, unsigned long page)
{
	uncount_any(pc, s);
	uncount_large(pc, s);
	settle(h, s);
	set_tags(gomem_pagealloc_chunk_of(&h->pages, page),
		 page % GOMEM_CHUNK_PAGES, s->npages, 0);
}

/**
 * gomem_heap_take_up - make a span that was laid aside live again
 * @h: the heap of the span
 * @pc: this CPU's page cache, locked; the span is added to @pc->counts
 * @s: the span. Afterwards it is as gomem_heap_make_span() would have made it,
 *	for a large object of the same length and kind
 * @page: the span's first page
 *
 * Context: any, with @pc->lock held.
 */
void gomem_heap_take_up(struct gomem_heap *h, struct gomem_pcache *pc,
			struct gomem_span *s, unsigned long page)
{
	s->zero = false;
	s->client = 0;
	gomem_span_set_state(s, GOMEM_SPAN_LARGE);
	set_tags(gomem_pagealloc_chunk_of(&h->pages, page),
		 page % GOMEM_CHUNK_PAGES, s->npages,
		 gomem_make_tag(s->base, s->spc));
	count_any(pc, s);
	count_large(pc, s);
}

/**
 * gomem_heap_discard_aside - separate a span that was laid aside from its pages
 * @h: the heap of the span
 * @s: the span. Afterwards its descriptor and its pages can be freed
 * @page: the span's first page
 *
 * Context: any; caller holds the lock of the page cache that had the span.
 */
void gomem_heap_discard_aside(struct gomem_heap *h, const struct gomem_span *s,
			      unsigned long page)
{
	/* The tags were cleared when the span was laid aside. */
	set_spans(gomem_pagealloc_chunk_of(&h->pages, page),
		  page % GOMEM_CHUNK_PAGES, s->npages, NULL);
}

/**
 * gomem_heap_publish_large - let a large object be freed or resized
 * @s: its span, new or claimed. The caller no longer owns it afterwards
 *
 * The object can then be claimed once, with gomem_heap_claim_large(). The CPU
 * that claims it sees the span and the object as they are now.
 */
void gomem_heap_publish_large(struct gomem_span *s)
{
	struct gomem_chunk *c =
		gomem_pagealloc_chunk_of(&s->heap->pages,
					 gomem_heap_page(s->heap, s->base));
	u32 *tag = &c->tag[gomem_chunk_page(s->base)];
	u32 special = READ_ONCE(*tag) & GOMEM_TAG_SPECIAL;

	gomem_span_set_state(s, GOMEM_SPAN_LARGE);
	/* Pairs with gomem_pagemap_large() and gomem_heap_claim_large(). */
	smp_store_release(tag, gomem_make_tag(s->base, s->spc) |
			       GOMEM_TAG_LARGE | special);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_publish_large);
