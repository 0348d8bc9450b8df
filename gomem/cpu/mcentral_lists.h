/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mcentral_lists.h - the lists of an mcentral's spans, for the files that
 * change them: mcentral*.c.
 */
#ifndef GOMEM_MCENTRAL_LISTS_H
#define GOMEM_MCENTRAL_LISTS_H

#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/list.h>
#include <linux/lockdep.h>

#include "map/span.h"
#include "cpu/mcentral.h"

/*
 * Functions that visit all spans of an mcentral drop its lock after this many
 * spans, so that interrupts are not off for long.
 */
#define GOMEM_HOLD_SPANS	32

/* mcentral.c */
void gomem_mcentral_give_back(struct gomem_span *s);
void gomem_mcentral_give_back_all(struct gomem_mcentral *c,
				  struct gomem_span_stack *empty);
unsigned int gomem_mcentral_sweep_span(struct gomem_span *s);
bool gomem_mcentral_take_back(struct gomem_mcentral *c, struct gomem_span *s,
			      unsigned int *bad);
void gomem_mcentral_report_bad(struct gomem_mcentral *c, unsigned int bad);

/* mcentral_transfer.c */
void gomem_mcentral_want_room(struct gomem_mcentral *c);

/* Return the list that matches a span's alloc bits and pending frees. */
static inline enum gomem_span_list
gomem_mcentral_list_of(const struct gomem_span *s)
{
	bool unswept = atomic_read(&s->pending) > 0;

	static_assert(GOMEM_PARTIAL_SWEPT == 0 && GOMEM_FULL_SWEPT == 1 &&
		      GOMEM_PARTIAL_UNSWEPT == 2 && GOMEM_FULL_UNSWEPT == 3);
	return 2 * unswept + gomem_span_is_full(s);
}

/* Move a span to the head of the list that gomem_mcentral_list_of() returns. */
static inline void gomem_mcentral_relist(struct gomem_mcentral *c,
					 struct gomem_span *s)
{
	lockdep_assert_held(&c->lock);
	s->where = gomem_mcentral_list_of(s);
	list_move(&s->list, &c->list[s->where]);
}

/* Return the first span of a list, or NULL. */
static inline struct gomem_span *
gomem_mcentral_first(struct gomem_mcentral *c, enum gomem_span_list where)
{
	lockdep_assert_held(&c->lock);
	return list_first_entry_or_null(&c->list[where], struct gomem_span,
					list);
}

/*
 * Are all objects of a swept span free? The span is in state CENTRAL, and the
 * caller holds the lock of its mcentral. Each free of an object of the span
 * takes that lock, so no free is in progress.
 */
static inline bool gomem_mcentral_span_is_empty(const struct gomem_span *s)
{
	return s->alloc_count == 0;
}

/*
 * Mark an empty span dead, and uncount it. A second free of one of its objects
 * may still find the span in the page map. That free reads the state with the
 * lock held, and leaves a dead span alone: find_object() in mcentral_free.c.
 */
static inline void gomem_mcentral_retire(struct gomem_mcentral *c,
					 struct gomem_span *s)
{
	lockdep_assert_held(&c->lock);
	gomem_span_set_state(s, GOMEM_SPAN_DEAD);
	c->nspans--;
	c->npages -= s->npages;
}

/* Take an empty span off its list, retire it, and add it to @empty. */
static inline void gomem_mcentral_take_off(struct gomem_mcentral *c,
					   struct gomem_span *s,
					   struct gomem_span_stack *empty)
{
	lockdep_assert_held(&c->lock);
	list_del(&s->list);
	gomem_span_push(empty, s);
	gomem_mcentral_retire(c, s);
}

#endif /* GOMEM_MCENTRAL_LISTS_H */
