// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral.c - the lists of spans with and without free cells: add spans to the
 * lists, sweep the spans on the lists, and remove empty ones.
 *
 * mcentral_refill.c takes objects out of these spans, mcentral_free.c puts
 * objects back, mcentral_grow.c makes new spans, mcentral_transfer.c sizes the
 * transfer cache, mcentral_check.c checks the invariants.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "base/stats.h"
#include "map/report.h"
#include "heap/mheap.h"
#include "cpu/mcentral.h"
#include "cpu/mcentral_lists.h"

/**
 * gomem_mcentral_init - initialize an mcentral without spans
 * @c: the mcentral
 * @h: the heap that its spans' pages belong to
 * @kind: the kind of the objects in its spans
 */
void gomem_mcentral_init(struct gomem_mcentral *c, struct gomem_heap *h,
			 const struct gomem_kind *kind)
{
	int i;

	spin_lock_init(&c->lock);
	c->heap = h;
	c->kind = kind;
	c->nspans = 0;
	c->npages = 0;
	c->ncached = 0;
	for (i = 0; i < GOMEM_NR_SPAN_LISTS; i++)
		INIT_LIST_HEAD(&c->list[i]);
	gomem_transfer_init(&c->transfer);
	atomic64_set(&c->direct_allocs, 0);
	atomic64_set(&c->direct_frees, 0);
}

static void free_after_grace(struct rcu_head *rcu)
{
	gomem_heap_free_span(container_of(rcu, struct gomem_span, rcu));
}

/**
 * gomem_mcentral_give_back - return a retired span to the heap
 * @s: the span
 *
 * If the span's kind is typesafe, the span returns after a grace period. The
 * caller holds no lock.
 */
void gomem_mcentral_give_back(struct gomem_span *s)
{
	if (s->kind->typesafe)
		call_rcu(&s->rcu, free_after_grace);
	else
		gomem_heap_free_span(s);
}

/**
 * gomem_mcentral_give_back_all - return retired spans to the heap
 * @c: the mcentral of the spans
 * @empty: the spans; this stack of spans is empty afterwards
 *
 * See gomem_mcentral_give_back().
 */
void gomem_mcentral_give_back_all(struct gomem_mcentral *c,
				  struct gomem_span_stack *empty)
{
	struct gomem_span *s;

	if (!c->kind->typesafe) {
		gomem_heap_free_spans(c->heap, empty);
		return;
	}
	while ((s = gomem_span_pop(empty)))
		gomem_mcentral_give_back(s);
}

/**
 * gomem_mcentral_sweep_span - sweep a span, and count the sweep
 * @s: the span; the caller holds the lock of its mcentral
 *
 * Return: the number of double frees found.
 */
unsigned int gomem_mcentral_sweep_span(struct gomem_span *s)
{
	struct gomem_sweep res = gomem_span_sweep(s);

	gomem_count(GOMEM_EV_SWEEPS, 1);
	gomem_count(GOMEM_EV_SWEPT_OBJECTS, res.freed);
	return res.bad;
}

/**
 * gomem_mcentral_report_bad - report double frees that were found late
 * @c: the mcentral of the objects
 * @bad: number of double frees
 *
 * Each double free was counted as a free when it came in. So an allocation is
 * counted for it, too. This keeps the difference of allocations and frees equal
 * to the number of live objects, and no counter goes backwards. The caller
 * holds no lock.
 */
void gomem_mcentral_report_bad(struct gomem_mcentral *c, unsigned int bad)
{
	if (likely(!bad))
		return;
	atomic64_add(bad, &c->direct_allocs);
	gomem_report_late_double_free(c->kind, bad);
}

/**
 * gomem_mcentral_take_back - put a formerly cached span on the list that it
 *	belongs to, or retire it if it is empty
 * @c: the mcentral of the span; its lock is held
 * @s: the span
 * @bad: the number of double frees found is added to it
 *
 * Return: true if the span is empty: the caller then has to give it back after
 * it drops the lock.
 */
bool gomem_mcentral_take_back(struct gomem_mcentral *c, struct gomem_span *s,
			      unsigned int *bad)
{
	lockdep_assert_held(&c->lock);
	gomem_span_set_state(s, GOMEM_SPAN_CENTRAL);
	c->ncached--;
	if (atomic_read(&s->pending))
		*bad += gomem_mcentral_sweep_span(s);
	if (gomem_mcentral_span_is_empty(s)) {
		gomem_mcentral_retire(c, s);
		return true;
	}
	gomem_mcentral_relist(c, s);
	return false;
}

/**
 * gomem_mcentral_uncache - take back a cached span (Go's uncacheSpan)
 * @s: the span; ownership passes from the caller to the mcentral
 *
 * Sweeps the span if objects of it were freed, and returns it to the heap if it
 * is empty.
 */
void gomem_mcentral_uncache(struct gomem_span *s)
{
	struct gomem_mcentral *c = gomem_central(s->heap, s->kind);
	unsigned int bad = 0;
	unsigned long flags;
	bool empty;

	spin_lock_irqsave(&c->lock, flags);
	empty = gomem_mcentral_take_back(c, s, &bad);
	spin_unlock_irqrestore(&c->lock, flags);

	if (empty)
		gomem_mcentral_give_back(s);
	gomem_mcentral_report_bad(c, bad);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_uncache);

/*
 * Sweep up to @budget unswept spans. Empty ones go to @empty. Add double frees
 * to @bad. Return the number of spans swept.
 */
static unsigned int sweep_some(struct gomem_mcentral *c, unsigned int budget,
			       unsigned int *bad,
			       struct gomem_span_stack *empty)
{
	struct gomem_span *s;
	unsigned int n;

	lockdep_assert_held(&c->lock);
	for (n = 0; n < budget; n++) {
		s = gomem_mcentral_first(c, GOMEM_PARTIAL_UNSWEPT) ?:
		    gomem_mcentral_first(c, GOMEM_FULL_UNSWEPT);
		if (!s)
			break;
		*bad += gomem_mcentral_sweep_span(s);
		if (gomem_mcentral_span_is_empty(s))
			gomem_mcentral_take_off(c, s, empty);
		else
			gomem_mcentral_relist(c, s);
	}
	return n;
}

/**
 * gomem_mcentral_sweep - sweep all unswept spans
 * @c: the mcentral
 *
 * Returns empty spans to the heap. Takes the lock of @c, and drops it for a
 * moment after every GOMEM_HOLD_SPANS spans.
 *
 * Context: may sleep.
 */
void gomem_mcentral_sweep(struct gomem_mcentral *c)
{
	unsigned int bad = 0, swept;
	unsigned long flags;
	struct gomem_span_stack empty = { NULL };

	do {
		spin_lock_irqsave(&c->lock, flags);
		swept = sweep_some(c, GOMEM_HOLD_SPANS, &bad, &empty);
		spin_unlock_irqrestore(&c->lock, flags);
		gomem_mcentral_give_back_all(c, &empty);
		cond_resched();
	} while (swept == GOMEM_HOLD_SPANS);
	gomem_mcentral_report_bad(c, bad);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_sweep);
