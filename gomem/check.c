// SPDX-License-Identifier: GPL-2.0
/*
 * check.c - walk the whole heap and verify what the structs say of themselves.
 */
#include <kunit/visibility.h>

#include "check.h"
#include "mcentral.h"
#include "mheap.h"

struct walk {
	struct gomem_heap *heap;
	const char *err;
	unsigned long spans;
	unsigned long pages;
};

static bool page_is_mapped(struct gomem_heap *h, const struct gomem_span *s, unsigned int i)
{
	unsigned long addr = s->base + ((unsigned long)i << GOMEM_PAGE_SHIFT);
	const struct gomem_chunk *c = gomem_heap_chunk(h, addr);
	unsigned int slot = gomem_chunk_page(addr);
	unsigned int tag = GOMEM_TAG_LIVE | s->spc;

	if (gomem_spc_class(s->spc))
		tag |= i << GOMEM_TAG_PAGE_SHIFT;
	return c && c->span[slot] == s && c->tag[slot] == tag &&
	       (c->inuse.word[slot / 64] & BIT_ULL(slot % 64)) &&
	       !(c->hole.word[slot / 64] & BIT_ULL(slot % 64));
}

static void check_span(struct gomem_span *s, void *arg)
{
	struct walk *w = arg;
	unsigned int i;

	w->spans++;
	w->pages += s->npages;
	for (i = 0; i < s->npages && !w->err; i++)
		if (!page_is_mapped(w->heap, s, i))
			w->err = "page of a live span is not mapped to it";
}

static const char *check_pages(struct gomem_heap *h)
{
	unsigned long flags;
	const char *err;

	spin_lock_irqsave(&h->lock, flags);
	err = gomem_pagealloc_validate(&h->pages);
	if (!err && h->pages.free_pages + h->stats.inuse_pages != h->pages.backed_pages)
		err = "pages free and in use are not the pages the heap has";
	spin_unlock_irqrestore(&h->lock, flags);
	return err;
}

/**
 * gomem_check - verify every invariant of a heap
 * @h: the heap
 *
 * Counters of different locks are compared, and sweeping a span takes moments in
 * which its parts disagree: with allocations going on a violation may be none.
 * Holds each lock while it looks at what it protects, with interrupts off.
 *
 * Return: the first violation, or NULL.
 */
const char *gomem_check(struct gomem_heap *h)
{
	struct walk w = { .heap = h };
	unsigned long in_classes = 0;
	struct gomem_heap_stats st;
	const char *err;
	unsigned int i;

	err = check_pages(h);
	if (err)
		return err;

	gomem_heap_walk_spans(h, check_span, &w);
	if (w.err)
		return w.err;

	gomem_heap_get_stats(h, &st);
	if (w.spans != st.spans || w.pages != st.inuse_pages)
		return "live spans and their pages are not what the counters say";

	for (i = 2; i < GOMEM_NR_SPANCLASSES; i++) {
		err = gomem_mcentral_validate(&h->central[i]);
		if (err)
			return err;
		in_classes += h->central[i].nspans;
	}
	if (in_classes + st.large != st.spans)
		return "live spans are not those of the classes and the large ones";
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_check);
