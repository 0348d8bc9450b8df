/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mcentral.h - all spans of one kind and node (Go's mcentral).
 *
 * A span that no CPU caches is on one of four lists: partial if its alloc bits
 * have a free slot, else full; unswept if objects of it were freed since it was
 * swept last, else swept. So an allocator finds room in the first non-empty list
 * of partial swept, partial unswept, full unswept, and none at all otherwise.
 *
 * Go keeps the same lists, but has to guess what is unswept: all spans, once a
 * garbage collection is over (sweepgen). With explicit frees a span knows
 * (pending), which makes the lists exact and sweepgen unnecessary.
 */
#ifndef GOMEM_MCENTRAL_H
#define GOMEM_MCENTRAL_H

#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "kind.h"
#include "span.h"
#include "transfer.h"

struct gomem_heap;

/**
 * struct gomem_mcentral - the spans of one kind and node
 * @lock: protects the lists, @nspans, @npages, @ncached, @transfer, and the owner's
 *	fields of spans on the lists. Taken with interrupts off, in any context but NMI; no other
 *	lock is taken under it
 * @heap: whose pages the spans are
 * @kind: what the objects are
 * @nspans: spans, cached ones included
 * @npages: gomem pages in them
 * @ncached: spans that CPUs cache
 * @list: spans in state CENTRAL, by enum gomem_span_list
 * @transfer: objects that slots flushed, for others to refill from
 * @direct_allocs: objects that went to their user without a CPU's slot
 * @direct_frees: objects that came back without one, less those that turned out to
 *	be freed twice
 *
 * Invariants, with @lock held:
 *	nspans == ncached + length of all lists
 *	a span is on a full list iff alloc_count == nelems
 *	a span on a swept list has pending == 0
 *	a span on any list has pending < alloc_count: one that is empty goes back
 */
struct gomem_mcentral {
	spinlock_t lock;	/* see above */
	struct gomem_heap *heap;
	const struct gomem_kind *kind;
	unsigned long nspans;
	unsigned long npages;
	unsigned long ncached;
	struct list_head list[GOMEM_NR_SPAN_LISTS];
	struct gomem_transfer transfer;
	atomic64_t direct_allocs;
	atomic64_t direct_frees;
} ____cacheline_aligned_in_smp;

/*
 * Most objects that move at once between slots, transfer caches, spans and one call of a
 * user's: mostly they lie on the stack meanwhile, and a lock is held or preemption off.
 */
#define GOMEM_BATCH_MAX	64U

/**
 * struct gomem_refill - what a slot asks its mcentral for, and gets
 * @span: in, a span that the CPU cached and has no use for any more, or NULL; out,
 *	one to cache instead, or NULL
 * @want: how many objects, up to GOMEM_BATCH_MAX
 * @want_span: whether the slot can have a span
 * @together: all objects go to one user at once, none into a slot; see shuffle.c
 * @n: how many objects there are
 * @fresh: bit i: object i was never handed out before
 * @zero: bit i: it is also known to be zero
 * @objs: where the objects go
 */
struct gomem_refill {
	struct gomem_span *span;
	unsigned int want;
	bool want_span;
	bool together;
	unsigned int n;
	u64 fresh;
	u64 zero;
	void **objs;
};

static_assert(GOMEM_BATCH_MAX <= 64);	/* bits of @fresh and @zero */

void gomem_mcentral_init(struct gomem_mcentral *c, struct gomem_heap *h,
			 const struct gomem_kind *kind);
void gomem_mcentral_uncache(struct gomem_span *s);
void gomem_mcentral_refill(struct gomem_mcentral *c, struct gomem_refill *r);
bool gomem_mcentral_peers(const struct gomem_mcentral *c, gfp_t gfp);
void gomem_mcentral_refill_new(struct gomem_mcentral *c, struct gomem_refill *r);
bool gomem_mcentral_grow(struct gomem_mcentral *c, gfp_t gfp, unsigned int want, bool local,
			 struct gomem_span_stack *spans);
void gomem_mcentral_use(struct gomem_span_stack *spans, struct gomem_refill *r);
void gomem_mcentral_get(struct gomem_mcentral *c, gfp_t gfp, struct gomem_refill *r);
unsigned int gomem_mcentral_free(struct gomem_mcentral *c, void **objs, unsigned int n, bool run);
void gomem_mcentral_put(struct gomem_mcentral *c, void **objs, unsigned int n);
void gomem_mcentral_drain(struct gomem_mcentral *c, bool idle);
void gomem_mcentral_sweep(struct gomem_mcentral *c);
const char *gomem_mcentral_validate(struct gomem_mcentral *c);

#endif /* GOMEM_MCENTRAL_H */
