// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral_free.c - return objects to an mcentral's spans.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>

#include "base/stats.h"
#include "map/pagemap.h"
#include "heap/mheap.h"
#include "cpu/mcentral.h"
#include "cpu/mcentral_lists.h"

/*
 * Free the cells @mask of bitmap word @word of one span. A span that becomes
 * empty goes to @empty. Return the number of double frees: cells that were not
 * allocated, which stay as they are.
 *
 * The CPU that caches a span may sweep it concurrently, without the lock. So
 * of a cached span this function changes only the freed bits and the member
 * pending, and both atomically.
 */
static unsigned int free_run(struct gomem_mcentral *c, struct gomem_span *s,
			     unsigned int word, unsigned long mask,
			     struct gomem_span_stack *empty)
{
	unsigned int n = hweight_long(mask), bad;

	lockdep_assert_held(&c->lock);
	if (gomem_span_state(s) == GOMEM_SPAN_CENTRAL &&
	    !atomic_read(&s->pending) && gomem_span_put_all(s, word, mask)) {
		gomem_mcentral_take_off(c, s, empty);
		return 0;
	}
	atomic_add(n, &s->pending);
	bad = hweight_long(gomem_span_put(s, word, mask));
	atomic_sub(bad, &s->pending);
	if (gomem_span_state(s) != GOMEM_SPAN_CENTRAL) {
		gomem_count(GOMEM_EV_CACHED_SPAN_FREES, n - bad);
		return bad;
	}
	if (bad == n)
		return bad;

	if (atomic_read(&s->pending) == s->alloc_count)
		bad += gomem_mcentral_sweep_span(s);
	if (gomem_mcentral_span_is_empty(s))
		gomem_mcentral_take_off(c, s, empty);
	else if (s->where == GOMEM_PARTIAL_SWEPT ||
		 s->where == GOMEM_FULL_SWEPT)
		gomem_mcentral_relist(c, s);
	return bad;
}

/*
 * Find the span and cell of an object. Return NULL if @obj is no longer an
 * object of @c's kind, as may happen after a double free.
 */
static struct gomem_span *find_object(struct gomem_mcentral *c, void *obj,
				      unsigned int *index)
{
	struct gomem_span *s = gomem_pagemap_span(c->heap->map,
						  (unsigned long)obj);

	if (unlikely(!s || READ_ONCE(s->kind) != c->kind))
		return NULL;
	/*
	 * Read the kind before the state. A span of @c's kind becomes live or
	 * dead only under @c->lock, which is held. But gomem_span_init() may
	 * give a dead span any kind at any time, also @c's. If the state were
	 * read first, it could be from an earlier life of the span, with
	 * another kind. Pairs with the locks of the page cache and of the heap:
	 * they order the store of DEAD before that of the new kind.
	 */
	smp_rmb();
	if (unlikely(gomem_span_state(s) == GOMEM_SPAN_DEAD ||
		     s->kind != c->kind))
		return NULL;
	*index = gomem_span_index(s, (unsigned long)obj);
	if (unlikely(*index >= s->nelems ||
		     gomem_span_object(s, *index) != obj))
		return NULL;
	return s;
}

/*
 * Is @obj an object of @s, a span that find_object() found since the lock was
 * taken? Then set @index. This saves another find_object().
 */
static bool is_in(const struct gomem_span *s, void *obj, unsigned int *index)
{
	unsigned long offset = (unsigned long)obj - s->base;

	if (offset >= (unsigned long)s->npages << GOMEM_PAGE_SHIFT ||
	    !gomem_is_start(offset, s->divmul, (u64)s->nelems << 32))
		return false;
	*index = gomem_div(offset, s->divmul);
	/* An earlier object of this batch may have emptied the span. */
	return gomem_span_state(s) != GOMEM_SPAN_DEAD;
}

/* Return the mask of @len cells from @index on, whose bits share a word. */
static unsigned long cells_of(unsigned int index, unsigned int len)
{
	return ((2UL << (len - 1)) - 1) << index % 64;
}

/*
 * Do the first two objects lie side by side? Shuffled objects rarely do: for
 * them, this check saves the work of neighbours().
 */
static bool has_neighbour(const struct gomem_span *s, void **obj,
			  unsigned int n)
{
	return n > 1 && (obj[1] == obj[0] + s->elemsize ||
			 obj[1] == obj[0] - s->elemsize);
}

/* Count the cells from @index on whose bits share one word, up to @n cells. */
static unsigned int left_in_word(const struct gomem_span *s, unsigned int index,
				 unsigned int n)
{
	return min3(n, 64 - index % 64, s->nelems - index);
}

/*
 * Count the objects, from the first on, that lie side by side, by rising or by
 * falling address, and have their bits in the same word. The first object is
 * cell @index. Set @cells to the mask of these objects, and return their
 * number.
 */
static unsigned int neighbours(const struct gomem_span *s, unsigned int index,
			       void **objs, unsigned int n,
			       unsigned long *cells)
{
	bool falling = n > 1 && objs[1] < objs[0];
	long step = falling ? -(long)s->elemsize : s->elemsize;
	void *next = objs[0], **obj = objs, **end;
	unsigned int len;

	end = objs + (falling ? min(n, index % 64 + 1) :
				left_in_word(s, index, n));
	do {
		next += step;
	} while (++obj < end && *obj == next);
	len = obj - objs;
	*cells = cells_of(falling ? index - (len - 1) : index, len);
	return len;
}

/*
 * Choose which of the objects to free together, from the first on: those that
 * neighbours() counts, or else only the first. Set @cells to their mask, and
 * return their number.
 */
static unsigned int cells_together(const struct gomem_span *s,
				   unsigned int index, void **objs,
				   unsigned int n, unsigned long *cells)
{
	if (has_neighbour(s, objs, n))
		return neighbours(s, index, objs, n, cells);
	*cells = cells_of(index, 1);
	return 1;
}

/*
 * Count how many of the first objects of a run have their bits in one word. The
 * run is @n objects side by side, by rising address, the first in cell @index.
 */
static unsigned int run_in_word(const struct gomem_span *s, unsigned int index,
				void **objs, unsigned int n)
{
	unsigned int len = left_in_word(s, index, n);

	/*
	 * After a double free, the objects' page may have become part of
	 * another span since the caller found that they lie side by side.
	 */
	if (unlikely(len > 1 &&
		     objs[len - 1] != gomem_span_object(s, index + len - 1)))
		return 1;
	return len;
}

/*
 * Free objects, with one free_run() for objects that follow each other in @objs
 * and have their bits in one bitmap word. @run: all objects lie side by side,
 * by rising address. Spans that become empty go to @empty. Return the number of
 * double frees.
 */
static unsigned int free_objects(struct gomem_mcentral *c, void **objs,
				 unsigned int n, bool run,
				 struct gomem_span_stack *empty)
{
	unsigned int i, len, index = 0, word = 0, bad = 0;
	struct gomem_span *s, *last = NULL;
	unsigned long mask = 0, cells;

	lockdep_assert_held(&c->lock);
	for (i = 0; i < n; i += len) {
		if (last && is_in(last, objs[i], &index)) {
			s = last;
			len = cells_together(s, index, objs + i, n - i, &cells);
		} else {
			s = find_object(c, objs[i], &index);
			len = s && run ?
			      run_in_word(s, index, objs + i, n - i) : 1;
			cells = cells_of(index, len);
		}
		if (unlikely(!s)) {
			bad++;
			continue;
		}
		/*
		 * An object that is in the mask already is a double free. It
		 * goes into a new mask, whose free_run() counts it.
		 */
		if (s != last || index / 64 != word || (mask & cells)) {
			if (last)
				bad += free_run(c, last, word, mask, empty);
			last = s;
			word = index / 64;
			mask = 0;
		}
		mask |= cells;
	}
	return last ? bad + free_run(c, last, word, mask, empty) : bad;
}

/**
 * gomem_mcentral_free - return objects to their spans
 * @c: the mcentral that @objs belong to
 * @objs: the objects, in any order; neighbours in this array that are
 *	neighbours in memory are freed together
 * @n: number of objects
 * @run: the objects lie side by side in one page, by rising address
 *
 * Return: the number of objects that were not allocated; they are left alone.
 */
unsigned int gomem_mcentral_free(struct gomem_mcentral *c, void **objs,
				 unsigned int n, bool run)
{
	struct gomem_span_stack empty = { NULL };
	unsigned long flags;
	unsigned int bad;

	spin_lock_irqsave(&c->lock, flags);
	bad = free_objects(c, objs, n, run, &empty);
	spin_unlock_irqrestore(&c->lock, flags);

	gomem_mcentral_give_back_all(c, &empty);
	gomem_mcentral_report_bad(c, bad);
	return bad;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_free);

/**
 * gomem_mcentral_put - take objects that a slot flushed, or had no room for
 * @c: the mcentral that @objs belong to
 * @objs: the objects, in any order
 * @n: number of objects
 * @run: the objects lie side by side in one page, by rising address
 *
 * The transfer cache keeps as many objects as it has room for, so that
 * gomem_mcentral_refill() finds them there. The others return to their spans.
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_mcentral_put(struct gomem_mcentral *c, void **objs, unsigned int n,
			bool run)
{
	struct gomem_span_stack empty = { NULL };
	unsigned int kept, bad = 0;
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	kept = gomem_transfer_put(&c->transfer, objs, n);
	if (kept < n) {
		gomem_mcentral_want_room(c);
		bad = free_objects(c, objs + kept, n - kept, run, &empty);
	}
	spin_unlock_irqrestore(&c->lock, flags);

	gomem_mcentral_give_back_all(c, &empty);
	gomem_mcentral_report_bad(c, bad);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_put);
