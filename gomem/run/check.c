// SPDX-License-Identifier: GPL-2.0
/*
 * check.c - walk whole heaps and verify the invariants of their structures.
 */
#include <kunit/visibility.h>
#include <linux/delay.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "map/keypage.h"
#include "cpu/mcentral.h"
#include "cpu/node.h"
#include "api/cache.h"
#include "api/kfrees.h"
#include "api/tiny.h"
#include "run/check.h"
#include "run/epoch.h"

/*
 * A violation is reported only if each of TRIES checks, TRY_MS apart, finds
 * one. Work that is under way on other CPUs may cause a false violation, which
 * is gone by the next check.
 */
#define TRIES		5
#define TRY_MS		20

struct walk {
	struct gomem_heap *heap;
	const char *err;
	unsigned long spans;
	unsigned long pages;
	u32 kfreed[GOMEM_NR_CLASSES];
};

/*
 * Does the page map lead from page @nth of a span to the span? Do the page's
 * tag, bits, and byte of keypage.h fit the span?
 */
static bool page_is_mapped(struct gomem_heap *h, const struct gomem_span *s,
			   unsigned int nth)
{
	unsigned long addr = s->base + ((unsigned long)nth << GOMEM_PAGE_SHIFT);
	const struct gomem_chunk *c = gomem_pagemap_chunk(h->map, addr);
	unsigned int i = gomem_chunk_page(addr);
	/*
	 * Only the first page of a large object has GOMEM_TAG_LARGE. That bit
	 * is clear while a CPU makes, resizes or frees the object, so it is not
	 * checked on the first page.
	 */
	u32 mask = nth ? ~0U : ~GOMEM_TAG_LARGE;

	if (c && (c->tag[i] & GOMEM_TAG_SPECIAL))
		mask &= ~(GOMEM_TAG_SPECIAL | GOMEM_TAG_SPC_MASK);
	return c && c->span[i] == s &&
	       (c->tag[i] & mask) == (gomem_make_tag(s->base, s->spc) & mask) &&
	       (c->inuse.word[i / 64] & BIT_ULL(i % 64)) &&
	       !(c->hole.word[i / 64] & BIT_ULL(i % 64)) &&
	       !test_bit(i, c->zero) &&
	       (gomem_kind_is_large(s->kind) ||
		READ_ONCE(c->keyed[i]) >= gomem_keypage_of(s->kind));
}

static void check_span(struct gomem_span *s, void *arg)
{
	struct walk *w = arg;
	unsigned long news;
	unsigned int i;

	gomem_kfrees_of_span(s, &news);
	w->kfreed[gomem_spc_class(s->spc)] += news;
	w->spans++;
	w->pages += s->npages;
	if (s->heap != w->heap)
		w->err = "a live span belongs to another heap";
	for (i = 0; i < s->npages && !w->err; i++)
		if (!page_is_mapped(w->heap, s, i))
			w->err = "a page of a live span is not mapped to it, or is marked as zero";
	if (!w->err && s->spc == GOMEM_TINY_SPC &&
	    s->heap->source->has_memory)
		w->err = gomem_tiny_check_span(s);
}

/*
 * Report objects that were freed with the kernel's kfree(). These are mistakes
 * of the modules that use gomem. They break no invariant of the heap.
 */
static void report_kfrees(const struct walk *w)
{
	unsigned int i;

	for (i = 0; i < GOMEM_NR_CLASSES; i++)
		if (w->kfreed[i])
			gomem_report_kfrees(i, w->kfreed[i]);
}

/*
 * Check the heap's bitmaps of pages against its summaries and its counts of
 * pages. Do so in steps, so that other CPUs can take the heap's lock in
 * between.
 */
static const char *check_pages(struct gomem_heap *h)
{
	struct gomem_pagealloc_check st = { };
	unsigned long flags;
	const char *err;

	do {
		spin_lock_irqsave(&h->lock, flags);
		err = gomem_pagealloc_validate_some(&h->pages, &st);
		spin_unlock_irqrestore(&h->lock, flags);
		cond_resched();
	} while (!err && !st.done);
	return err;
}

/* Is the span that a run of a page cache keeps sound? A run may have none. */
static bool is_span_of_run(struct gomem_heap *h, const struct gomem_run *run)
{
	const struct gomem_span *s = run->span;

	if (!s)
		return true;
	return s->base == gomem_heap_addr(h, run->page) &&
	       s->npages == run->npages && gomem_kind_is_large(s->kind) &&
	       gomem_span_state(s) == GOMEM_SPAN_DEAD;
}

/*
 * Is a run of a page cache sound? It needs at least GOMEM_PCACHE_RUN_MIN pages.
 * All of its pages have to be gomem's, marked as in use in the heap's bitmap,
 * and in no live span. They point to the dead span of the run, if it has one.
 */
static bool run_is_sound(struct gomem_heap *h, const struct gomem_run *run)
{
	const struct gomem_chunk *c;
	unsigned long page;
	unsigned int i;

	for (page = run->page; page < run->page + run->npages; page++) {
		c = gomem_pagealloc_chunk(&h->pages,
					  page >> GOMEM_CHUNK_PAGES_SHIFT);
		i = page % GOMEM_CHUNK_PAGES;
		if ((~c->inuse.word[i / 64] | c->hole.word[i / 64]) &
		    BIT_ULL(i % 64) || c->tag[i] || c->span[i] != run->span)
			return false;
	}
	return run->npages >= GOMEM_PCACHE_RUN_MIN && is_span_of_run(h, run);
}

static const char *check_pcache(struct gomem_heap *h, struct gomem_pcache *pc)
{
	const struct gomem_chunk *c;
	unsigned int i, page;

	lockdep_assert_held(&pc->lock);
	for (i = 0; i < GOMEM_NR_SPAN_SIZES; i++)
		if (pc->nr_desc[i] > GOMEM_PCACHE_DESCS ||
		    !pc->nr_desc[i] != !pc->desc[i])
			return "a page cache has more or fewer span descriptors than it counts";
	for (i = 0; i < pc->nr_runs; i++)
		if (!run_is_sound(h, &pc->run[i]))
			return "a run of a page cache is free, a hole or part of a span";
	if (!pc->free)
		return NULL;
	if (pc->base % GOMEM_PCACHE_PAGES)
		return "the block of a page cache is not aligned";
	c = gomem_pagealloc_chunk(&h->pages,
				  pc->base >> GOMEM_CHUNK_PAGES_SHIFT);
	page = pc->base % GOMEM_CHUNK_PAGES;
	if (pc->free & (~c->inuse.word[page / 64] | c->hole.word[page / 64]))
		return "a page of a page cache is free or a hole";
	for (i = 0; i < GOMEM_PCACHE_PAGES; i++)
		if ((pc->free & BIT_ULL(i)) && c->tag[page + i])
			return "a page of a page cache is part of a span";
	return NULL;
}

static const char *check_pcaches(struct gomem_heap *h)
{
	struct gomem_pcache *pc;
	const char *err = NULL;
	unsigned long flags;
	int cpu;

	for_each_possible_cpu(cpu) {
		pc = per_cpu_ptr(h->pcache, cpu);
		spin_lock_irqsave(&pc->lock, flags);
		spin_lock(&h->lock);
		err = check_pcache(h, pc);
		spin_unlock(&h->lock);
		spin_unlock_irqrestore(&pc->lock, flags);
		if (err)
			break;
	}
	return err;
}

static const char *check_heap_counts(const struct gomem_heap_snapshot *snap,
				     const struct walk *w)
{
	if (w->spans != snap->counts.spans ||
	    w->pages != snap->counts.inuse_pages)
		return "the counters of live spans or of their pages differ from the spans found";
	if (snap->free_pages + snap->cached_pages + snap->counts.inuse_pages !=
	    snap->backed_pages)
		return "free, cached and used pages do not add up to the heap's pages";
	return NULL;
}

/*
 * What check_kind() collects over all kinds of a heap: the first violation, and
 * the number of spans in the mcentrals.
 */
struct kinds {
	struct gomem_heap *heap;
	const char *err;
	unsigned long spans;
};

static void check_kind(const struct gomem_kind *k, void *arg)
{
	struct kinds *kinds = arg;
	struct gomem_mcentral *c;

	/* Typed caches have no spans in the heaps that tests make. */
	if (k->cache && kinds->heap->map != &gomem_pagemap)
		return;
	c = gomem_central(kinds->heap, k);
	kinds->err = kinds->err ?: gomem_mcentral_validate(c);
	kinds->spans += c->nspans;
}

/**
 * gomem_check - verify every invariant of a heap
 * @h: the heap
 *
 * The result is exact only while no CPU allocates, frees or sweeps objects and
 * no pages come or go. Otherwise it may be a false violation: counters under
 * different locks are compared, the heap's lock is dropped between the steps of
 * the check, and a span that is being swept is inconsistent for a moment.
 *
 * Context: may sleep.
 *
 * Return: the first violation, or NULL.
 */
const char *gomem_check(struct gomem_heap *h)
{
	struct kinds kinds = { .heap = h };
	struct walk w = { .heap = h };
	struct gomem_heap_snapshot snap;
	const char *err;
	unsigned int i;

	/*
	 * Empty spans of typesafe caches belong to no mcentral while they wait
	 * for a grace period. Wait until these spans are freed.
	 */
	rcu_barrier();
	err = check_pages(h) ?: check_pcaches(h);
	if (err)
		return err;

	gomem_heap_walk_spans(h, check_span, &w);
	report_kfrees(&w);
	if (w.err)
		return w.err;

	gomem_heap_get(h, &snap);
	err = check_heap_counts(&snap, &w);
	if (err)
		return err;

	for (i = 2; i < GOMEM_NR_SPANCLASSES; i++)
		check_kind(&gomem_kinds[i], &kinds);
	gomem_visit_typed(check_kind, &kinds);
	if (kinds.err)
		return kinds.err;
	if (kinds.spans + snap.counts.large + snap.counts.arena_spans !=
	    snap.counts.spans)
		return "spans of classes, large objects and arenas do not add up to all spans";
	/* Tiny blocks are counted over all heaps: check after the last heap. */
	return h == list_last_entry(&gomem_heap_list, struct gomem_heap, link) ?
	       gomem_tiny_check() : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_check);

static const char *check_heaps(void)
{
	const char *err = NULL;
	struct gomem_heap *h;

	for_each_gomem_heap(h)
		err = err ?: gomem_check(h);
	return err;
}

/**
 * gomem_check_all - verify every invariant of the module's heaps
 *
 * Reports no false violation while no module allocates or frees. The epoch's
 * sweeps and drains are paused. The shrinker and RCU callbacks may still run.
 * They may cause a false violation in one check, so TRIES checks in a row have
 * to find one.
 *
 * Context: may sleep.
 *
 * Return: the first violation, or NULL.
 */
const char *gomem_check_all(void)
{
	unsigned int tries = TRIES;
	const char *err;

	gomem_epoch_pause();
	while ((err = check_heaps()) && --tries)
		msleep(TRY_MS);
	gomem_epoch_resume();
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_check_all);
