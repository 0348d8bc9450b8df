/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mcentral.h - all spans of one kind and node (Go's mcentral).
 *
 * A span that no CPU caches is on one of four lists. The span is partial if its
 * alloc bits have a free cell, else full. It is unswept if objects of it have
 * been freed since its last sweep, else swept. An allocation takes from the
 * first non-empty list of partial swept, partial unswept and full unswept. If
 * these three are empty, no listed span has room.
 *
 * Go has the same lists but cannot tell which spans need a sweep: after each
 * garbage collection it treats all spans as unswept. Here each span counts the
 * objects that have been freed since its last sweep (pending), so the lists are
 * exact.
 */
#ifndef GOMEM_MCENTRAL_H
#define GOMEM_MCENTRAL_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "base/shuffle.h"
#include "map/kind.h"
#include "map/span.h"
#include "heap/mheap.h"
#include "cpu/transfer.h"

/**
 * struct gomem_mcentral - the spans of one kind and node
 * @lock: protects the lists, @nspans, @npages, @ncached, @transfer, and of each
 *	span on the lists the alloc bits and the members that struct gomem_span
 *	marks "owner": a span that no CPU caches is owned by the CPU that holds
 *	this lock. Tasks, softirqs and hard interrupts of all CPUs take it, with
 *	interrupts off; NMIs do not. No other lock is taken under it
 * @heap: the heap that the spans' pages belong to
 * @kind: the kind of the objects
 * @nspans: number of spans, including cached ones
 * @npages: number of gomem pages in these spans; also read without @lock
 * @ncached: number of spans that CPUs cache
 * @list: spans in state CENTRAL, by enum gomem_span_list
 * @transfer: objects that full slots flushed, for other slots to refill from
 * @direct_allocs: number of objects handed out without passing through a slot,
 *	plus the double frees that gomem_mcentral_report_bad() reported
 * @direct_frees: number of objects freed without passing through a slot, minus
 *	the double frees that a slot found as it swept its span. Each double
 *	free here and in @direct_allocs was counted as a free before. So
 *	allocations minus frees remains the number of live objects
 *
 * Invariants, with @lock held:
 *	nspans == ncached + length of all lists
 *	a span is on a full list iff alloc_count == nelems
 *	a span on a swept list has pending == 0
 *	a span on any list has pending < alloc_count: empty spans are given back
 */
struct gomem_mcentral {
	spinlock_t lock;	/* protects the lists and more: see @lock */
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
 * Maximum number of objects that move at once between slots, transfer caches
 * and spans, or between them and a bulk call. A bulk call for more objects
 * moves them in several steps. The bound limits the arrays on the stack that
 * hold these objects, and the time for which a lock is held or preemption is
 * off.
 */
#define GOMEM_BATCH_MAX	64U

/**
 * struct gomem_refill - a request for objects and its result
 * @span: in: the slot's span, which has no free object left, or NULL. Out: a
 *	span for the slot to cache, or NULL
 * @want: in: number of objects wanted, up to GOMEM_BATCH_MAX
 * @want_span: in: the slot can cache a span
 * @together: in: all objects go to one user at once, none into a slot; see
 *	shuffle.c
 * @n: out: number of objects in @objs
 * @fresh: out: bit i is set if object i has no key, because it was never handed
 *	out before
 * @objs: in: array that receives the objects
 */
struct gomem_refill {
	struct gomem_span *span;
	unsigned int want;
	bool want_span;
	bool together;
	unsigned int n;
	u64 fresh;
	void **objs;
};

static_assert(GOMEM_BATCH_MAX <= 64);	/* fresh has a bit for each object */

/* mcentral.c */
void gomem_mcentral_init(struct gomem_mcentral *c, struct gomem_heap *h,
			 const struct gomem_kind *kind);
void gomem_mcentral_uncache(struct gomem_span *s);
void gomem_mcentral_sweep(struct gomem_mcentral *c);

/* mcentral_refill.c */
void gomem_mcentral_refill(struct gomem_mcentral *c, struct gomem_refill *r);
bool gomem_mcentral_peers(const struct gomem_mcentral *c, gfp_t gfp);
void gomem_mcentral_refill_any(struct gomem_mcentral *c,
			       struct gomem_refill *r);
void gomem_mcentral_use(struct gomem_span *spans, struct gomem_refill *r);
unsigned int gomem_mcentral_draw(struct gomem_span *s, void **objs,
				 unsigned int want, u64 *fresh);

/* mcentral_grow.c */
struct gomem_span *gomem_mcentral_grow(struct gomem_mcentral *c, gfp_t gfp,
				       unsigned int want, bool local);

/* mcentral_free.c */
unsigned int gomem_mcentral_free(struct gomem_mcentral *c, void **objs,
				 unsigned int n, bool run);
void gomem_mcentral_put(struct gomem_mcentral *c, void **objs, unsigned int n,
			bool run);

/* mcentral_transfer.c */
void gomem_mcentral_drain(struct gomem_mcentral *c, bool idle);
void gomem_mcentral_fetch_room(struct gomem_mcentral *c);

/* mcentral_check.c */
const char *gomem_mcentral_validate(struct gomem_mcentral *c);

/*
 * If a put found that the transfer cache needs a longer array of pointers,
 * fetch the array now. Allocations call this after each refill, once they have
 * no array of objects on the stack: the kernel's page allocator needs much
 * stack.
 */
static inline void gomem_mcentral_grow_transfer(struct gomem_mcentral *c)
{
	/*
	 * Read without the lock. If the flag is stale, an array is fetched in
	 * vain and then freed, or only a later call fetches the array.
	 */
	if (unlikely(READ_ONCE(c->transfer.wants_array)))
		gomem_mcentral_fetch_room(c);
}

/*
 * May objects be taken from a span one by one, each at random? This is a draw:
 * see gomem_span_draw(). A draw writes keys to the never-used objects below the
 * one that it takes. So there has to be memory at the span's addresses, which
 * is not so in some tests. And the kind must have no constructor: the draw
 * would have to construct these objects, perhaps with a lock held.
 */
static inline bool gomem_draws_from(const struct gomem_span *s)
{
	return READ_ONCE(gomem_shuffle) && !s->kind->ctor &&
	       s->heap->source->has_memory;
}

/*
 * Take up to @want free objects from a span that the caller owns. The objects
 * that were never used come in an order that is hard to guess, unless the
 * parameter shuffle is off: see shuffle.c. @together: all objects go to one
 * user, none into a slot. Set bit i of @fresh if @objs[i] has no key, because
 * it was never used. Return the number of objects: 0 if the span has no free
 * object.
 */
static __always_inline unsigned int
gomem_mcentral_take(struct gomem_span *s, void **objs, unsigned int want,
		    bool together, u64 *fresh)
{
	unsigned int n, recycled;

	if ((want == 1 || (!together && want < GOMEM_DRAW_BELOW)) &&
	    gomem_draws_from(s))
		return gomem_mcentral_draw(s, objs, want, fresh);
	n = gomem_span_take(s, objs, want, &recycled);
	gomem_shuffle_fresh(objs, n, recycled, together);
	*fresh = recycled < n ? GENMASK_ULL(n - 1, recycled) : 0;
	return n;
}

/* Return the mcentral that has a heap's spans of a kind. */
static inline struct gomem_mcentral *gomem_central(struct gomem_heap *h,
						   const struct gomem_kind *k)
{
	return k->cache ? k->central[h->node] : &h->central[k->spc];
}

#endif /* GOMEM_MCENTRAL_H */
