// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral_grow.c - new spans for an mcentral: their length and their tails.
 */
#include <kunit/visibility.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>

#include "base/key.h"
#include "base/sizeclass.h"
#include "base/stats.h"
#include "map/tinyblock.h"
#include "heap/mheap.h"
#include "cpu/mcentral.h"

/*
 * A short span whose length span_pages() chose wastes at most 1 / SHORT_WASTE
 * of its bytes. Spans that shorten() made shorter may waste more.
 */
#define SHORT_WASTE	4

/*
 * Return the gfp to use for a span that is longer than one object needs. The
 * OOM killer must not run to get such a span.
 */
static gfp_t gfp_longer(gfp_t gfp)
{
	return (gfp & ~(__GFP_NOFAIL | __GFP_RETRY_MAYFAIL)) |
	       __GFP_NOWARN | __GFP_NORETRY;
}

/*
 * Put the key of a free object at the start of a span's tail. gomem_free()
 * checks that a pointer's offset in the span is a multiple of the object size,
 * but does not know how many objects the span has. So it would accept the
 * address where the tail starts. Because of the key there, gomem_free() takes
 * that address for a free object, and refuses it.
 */
static void seal_tail(struct gomem_span *s)
{
	unsigned long end = s->nelems * s->elemsize;

	if (!s->kind->cache &&
	    end < (unsigned long)s->npages << GOMEM_PAGE_SHIFT)
		gomem_set_key((void *)s->base + end);
}

/* Initialize the tail of a span before an object of the span is handed out. */
static void write_tail(struct gomem_span *s)
{
	if (!s->heap->source->has_memory)
		return;
	if (s->spc == GOMEM_TINY_SPC)
		gomem_tiny_init_span(s);
	else
		seal_tail(s);
}

/* Has a span of the usual length a tail? */
static bool has_tail(const struct gomem_kind *k)
{
	return (size_t)k->nelems * k->size <
	       (size_t)k->npages << GOMEM_PAGE_SHIFT;
}

/*
 * Return the number of pages for a new span. In most kinds, a span of the usual
 * length has room for several objects. If a kind has few objects, most of that
 * room would never be used. So a kind's first spans are short, and later ones
 * are longer. But an aligned kind always gets the usual length.
 *
 *	length	the first one that wastes at most 1 / SHORT_WASTE of itself,
 *		from max(pages of one object, have / short_share) on, up to
 *		the usual length
 *
 * have is the number of pages of this mcentral. If it is short_share times the
 * usual length or more, new spans have the usual length. short_share is
 * GOMEM_SHORT_SHARE, or 0 in heaps that have no short spans.
 */
static unsigned int span_pages(const struct gomem_mcentral *c)
{
	const struct gomem_kind *k = c->kind;
	/* Read without the lock: an approximate length will do. */
	unsigned long have = data_race(c->npages);
	unsigned int n, bytes;

	if (k->aligned || have >= c->heap->short_share * k->npages)
		return k->npages;
	n = max_t(unsigned long, DIV_ROUND_UP(k->size, GOMEM_PAGE_SIZE),
		  have / c->heap->short_share);
	for (; n < k->npages; n++) {
		bytes = n << GOMEM_PAGE_SHIFT;
		if (bytes % k->size <= bytes / SHORT_WASTE)
			break;
	}
	return n;
}

/* Return the pages of the shortest span: one that holds one object. */
static unsigned int least_pages(const struct gomem_kind *k)
{
	return DIV_ROUND_UP(k->size, GOMEM_PAGE_SIZE);
}

/*
 * Set the gfp of a request: try less hard for a span that is longer than one
 * object needs.
 */
static noinline void set_effort(struct gomem_span_request *req, gfp_t gfp)
{
	req->gfp = req->npages > least_pages(req->kind) ? gfp_longer(gfp) : gfp;
}

/* Make the request shorter. Return false if it may not get shorter. */
static noinline bool shorten(struct gomem_span_request *req)
{
	unsigned int least = least_pages(req->kind);

	if (req->local || req->npages == least)
		return false;
	req->npages = max_t(unsigned int, rounddown_pow_of_two(req->npages - 1),
			    least);
	gomem_count(GOMEM_EV_SHORT_SPANS, 1);
	return true;
}

/* Write the tail of a new span, and make the span a list of one. */
static noinline struct gomem_span *finish_span(struct gomem_span *s)
{
	if (s) {
		write_tail(s);
		s->next = NULL;
	}
	return s;
}

/*
 * Make a span that no mcentral knows yet. If that fails, as it may when memory
 * is fragmented, try shorter spans, down to the length of one object. With
 * @local, take memory of @c's node only, make no hard request for it, and try
 * one length only.
 */
static noinline struct gomem_span *new_span(struct gomem_mcentral *c, gfp_t gfp,
					    bool local)
{
	struct gomem_span_request req = {
		.npages = span_pages(c),
		.kind = c->kind,
		.aligned = c->kind->aligned,
		.local = local,
	};
	struct gomem_span *s;

	do {
		set_effort(&req, gfp);
		s = gomem_heap_alloc_span(c->heap, &req);
	} while (!s && shorten(&req));
	return finish_span(s);
}

/*
 * If @want objects need two or more spans, make as many of these spans as the
 * CPU's page cache, which the heap may refill, has pages for. Return the spans,
 * or NULL if none was made.
 */
static noinline struct gomem_span *get_some_new(struct gomem_mcentral *c,
						unsigned int want)
{
	struct gomem_span_request req = {
		.npages = c->kind->npages,
		.kind = c->kind,
		.aligned = c->kind->aligned,
	};
	unsigned int n = DIV_ROUND_UP(want, c->kind->nelems);
	struct gomem_span_stack spans = { NULL };
	struct gomem_span *s;

	if (n < 2 || !gomem_heap_alloc_spans(c->heap, &req, n, &spans))
		return NULL;
	if (has_tail(c->kind))
		for (s = spans.top; s; s = s->next)
			write_tail(s);
	return spans.top;
}

/**
 * gomem_mcentral_grow - make spans when an mcentral has no free object
 * @c: the mcentral
 * @gfp: how hard to try
 * @want: number of objects wanted
 * @local: take memory of @c's node only, and make no hard request for it. If
 *	there is no other node to ask next, only try get_some_new(): the caller
 *	then calls this function without @local, to try everything else
 *
 * The kernel may reclaim memory inside this function, which needs much stack.
 * So no caller may have an array of objects on the stack. The command
 * "scripts/check stack" measures the frames.
 *
 * Context: any but NMI; may sleep if @gfp allows it. No lock held, not in a
 * section.
 * Return: spans for gomem_mcentral_use(), linked by their member next; or NULL.
 */
struct gomem_span *gomem_mcentral_grow(struct gomem_mcentral *c, gfp_t gfp,
				       unsigned int want, bool local)
{
	struct gomem_span *spans = local ? get_some_new(c, want) : NULL;

	if (spans)
		return spans;
	if (local && !gomem_mcentral_peers(c, gfp))
		return NULL;
	return new_span(c, gfp, local);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_grow);
