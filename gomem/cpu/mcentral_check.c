// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral_check.c - check the invariants of an mcentral.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/sched.h>

#include "map/span.h"
#include "cpu/mcentral.h"
#include "cpu/mcentral_lists.h"

static const char *validate_listed(struct gomem_mcentral *c,
				   struct gomem_span *s,
				   enum gomem_span_list where)
{
	bool full = where == GOMEM_FULL_SWEPT || where == GOMEM_FULL_UNSWEPT;
	bool swept = where == GOMEM_FULL_SWEPT || where == GOMEM_PARTIAL_SWEPT;

	if (s->kind != c->kind || s->heap != c->heap)
		return "span on a list of another kind or node";
	if (gomem_span_state(s) != GOMEM_SPAN_CENTRAL || s->where != where)
		return "listed span with another state";
	if (gomem_span_is_full(s) != full)
		return "span on the wrong one of the partial and full lists";
	if (swept && atomic_read(&s->pending))
		return "swept span with pending frees";
	if (atomic_read(&s->pending) >= s->alloc_count)
		return "empty span on a list";
	return gomem_span_validate(s);
}

/* How far the validation of a list has come. */
struct list_pos {
	struct gomem_span *first;	/* first span seen; not dereferenced */
	unsigned long n;		/* spans seen, earlier lists included */
	bool done;
};

/*
 * Validate some spans of a list. Each span moves to the end of the list once it
 * was validated, so that the lock can be dropped between two calls. If no other
 * CPU changes the list, it has its old order again when all spans were seen.
 *
 * The validation is done when @pos->first is the first span again. If other
 * CPUs add and remove spans, that may never happen. So the validation also ends
 * after more than @c->nspans spans.
 */
static const char *validate_some(struct gomem_mcentral *c,
				 enum gomem_span_list where,
				 struct list_pos *pos)
{
	struct gomem_span *s;
	const char *err = NULL;
	unsigned int i;

	lockdep_assert_held(&c->lock);
	for (i = 0; i < GOMEM_HOLD_SPANS && !err; i++) {
		s = gomem_mcentral_first(c, where);
		if (!s || s == pos->first || pos->n > c->nspans) {
			pos->done = true;
			break;
		}
		if (!pos->first)
			pos->first = s;
		err = validate_listed(c, s, where);
		list_move_tail(&s->list, &c->list[where]);
		pos->n++;
	}
	return err;
}

/* Validate a list, and add the number of its spans to @n. */
static const char *validate_list(struct gomem_mcentral *c,
				 enum gomem_span_list where, unsigned long *n)
{
	struct list_pos pos = { .n = *n };
	const char *err = NULL;
	unsigned long flags;

	while (!err && !pos.done) {
		spin_lock_irqsave(&c->lock, flags);
		err = validate_some(c, where, &pos);
		spin_unlock_irqrestore(&c->lock, flags);
		cond_resched();
	}
	*n = pos.n;
	return err;
}

static const char *validate_counts(struct gomem_mcentral *c,
				   unsigned long listed)
{
	const char *err = NULL;
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	if (c->nspans != listed + c->ncached)
		err = "nspans differs from the number of spans listed and cached";
	err = err ?: gomem_transfer_validate(&c->transfer);
	spin_unlock_irqrestore(&c->lock, flags);
	return err;
}

/**
 * gomem_mcentral_validate - check the invariants of struct gomem_mcentral
 * @c: an mcentral to which no CPU frees objects meanwhile
 *
 * Drops the lock after every GOMEM_HOLD_SPANS spans. If spans are added or
 * removed meanwhile, a reported violation may be a false alarm.
 *
 * Context: may sleep.
 * Return: a text that describes the first violation, or NULL.
 */
const char *gomem_mcentral_validate(struct gomem_mcentral *c)
{
	const char *err = NULL;
	unsigned long n = 0;
	int where;

	for (where = 0; where < GOMEM_NR_SPAN_LISTS && !err; where++)
		err = validate_list(c, where, &n);
	return err ?: validate_counts(c, n);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_validate);
