// SPDX-License-Identifier: GPL-2.0
/*
 * balance.c - check that a case left gomem's real heaps as they were before.
 */
#include <linux/atomic.h>
#include <linux/gomem.h>
#include <linux/sched.h>

#include "balance.h"
#include "api/tiny.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "heap/pagesource.h"
#include "run/check.h"
#include "run/epoch.h"

static unsigned long (*pages_alloc)(struct gomem_pagesource *src,
				    unsigned int order, gfp_t gfp, int node);

/*
 * Return the number of live objects and scratch buffers in all heaps. Handles,
 * and objects of typed caches and arenas, are not counted.
 */
s64 live_objects(void)
{
	struct gomem_heap_snapshot snap;
	struct gomem_class_counts n;
	struct gomem_tiny_stats tiny;
	struct gomem_heap *h;
	unsigned int spc;
	s64 live = 0;

	for_each_gomem_heap(h) {
		gomem_heap_get(h, &snap);
		live += snap.counts.large;
	}
	for (spc = 2; spc < GOMEM_TINY_SPC; spc++) {
		gomem_mcache_count(&gomem_kinds[spc], &n);
		live += n.mallocs - n.frees;
	}
	gomem_tiny_get_stats(&tiny);
	live += tiny.allocs - tiny.frees;
	return live;
}

/**
 * span_at - find the span of an address in the module's heap
 * @p: the address
 *
 * Return: the span, or NULL.
 */
struct gomem_span *span_at(const void *p)
{
	return gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
}

/* Is this object in a block of 16 bytes that tiny objects share? */
bool shares_block(const void *p)
{
	struct gomem_span *s = span_at(p);

	return s && s->spc == GOMEM_TINY_SPC;
}

/* Did the caller promise that this object holds no pointers? */
bool is_noscan(const void *p)
{
	return gomem_spc_noscan(span_at(p)->spc);
}

/* Let the next check ignore the misuse that was counted until now. */
void balance_forget_misuses(struct balance *b)
{
	unsigned int i;

	for (i = 0; i < GOMEM_NR_MISUSES; i++)
		b->misuses[i] = gomem_misuse_count(i);
}

void balance_save(struct balance *b)
{
	b->live = live_objects();
	balance_forget_misuses(b);
}

/*
 * Expect @n misuses of the kind @what since the last check, and none of any
 * other kind.
 */
void balance_expect_misuses(struct kunit *test, struct balance *b,
			    unsigned int what, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < GOMEM_NR_MISUSES; i++)
		KUNIT_EXPECT_EQ_MSG(test, i == what ? n : 0,
				    gomem_misuse_count(i) - b->misuses[i], "%s",
				    gomem_misuse_names[i]);
	balance_forget_misuses(b);
}

void balance_expect(struct kunit *test, struct balance *b)
{
	const char *violation = gomem_check_all();
	s64 live;

	/*
	 * While a look moves objects from a slot to a span, no counter includes
	 * them. So keep looks from running.
	 */
	gomem_epoch_pause();
	live = live_objects();
	gomem_epoch_resume();
	KUNIT_EXPECT_TRUE_MSG(test, !violation, "%s", violation);
	KUNIT_EXPECT_EQ(test, b->live, live);
	balance_expect_misuses(test, b, GOMEM_NR_MISUSES, 0);
}

static unsigned long no_pages(struct gomem_pagesource *src, unsigned int order,
			      gfp_t gfp, int node)
{
	return 0;
}

static atomic_long_t reserves_used;

/* Behave like a page allocator that has only its reserves left. */
static unsigned long reserves(struct gomem_pagesource *src, unsigned int order,
			      gfp_t gfp, int node)
{
	unsigned long addr;

	if ((gfp & __GFP_NOMEMALLOC) ||
	    !((gfp & __GFP_MEMALLOC) || current->flags & PF_MEMALLOC))
		return 0;
	addr = pages_alloc(src, order, gfp, node);
	if (addr)
		atomic_long_add(1L << order, &reserves_used);
	return addr;
}

void reserves_begin(void)
{
	no_pages_begin();
	atomic_long_set(&reserves_used, 0);
	gomem_first_heap()->source->alloc = reserves;
}

unsigned long reserves_end(void)
{
	no_pages_end();
	return atomic_long_read(&reserves_used);
}

static atomic_long_t pages_left;

static unsigned long some_pages(struct gomem_pagesource *src,
				unsigned int order, gfp_t gfp, int node)
{
	unsigned long addr = 0;

	if (atomic_long_sub_return(1L << order, &pages_left) >= 0)
		addr = pages_alloc(src, order, gfp, node);
	if (!addr)
		atomic_long_add(1L << order, &pages_left);
	return addr;
}

void some_pages_begin(unsigned long pages)
{
	no_pages_begin();
	atomic_long_set(&pages_left, pages);
	gomem_first_heap()->source->alloc = some_pages;
}

void some_pages_end(void)
{
	no_pages_end();
}

/*
 * Make all requests to the page source fail. Empty the heap first: otherwise
 * idle pages of earlier cases would serve requests that should fail.
 */
void no_pages_begin(void)
{
	gomem_scavenge_all();
	pages_alloc = gomem_first_heap()->source->alloc;
	gomem_first_heap()->source->alloc = no_pages;
}

void no_pages_end(void)
{
	gomem_first_heap()->source->alloc = pages_alloc;
}
