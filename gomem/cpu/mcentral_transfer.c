// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral_transfer.c - grow, limit and drain the transfer cache of an
 * mcentral.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "base/hide.h"
#include "heap/mheap.h"
#include "cpu/mcentral.h"
#include "cpu/mcentral_lists.h"
#include "cpu/transfer.h"

/*
 * Limits of the bytes of the objects that transfer caches have room for. heap
 * is the bytes of all pages of the heap:
 *
 *	all transfer caches of a heap	max(heap / TRANSFER_SHARE, TRANSFER_MIN)
 *	one of them			half of that
 *	one of a typed cache		TRANSFER_MIN / 2, since reclaim drains
 *					those of span classes only
 *
 * So a kind that grows cannot keep all others from getting room.
 */
#define TRANSFER_SHARE	8
#define TRANSFER_MIN	SZ_8M

/* Return the limit of all transfer caches of a heap together. */
static size_t transfer_limit(const struct gomem_heap *h)
{
	size_t bytes = gomem_heap_backed_pages(h) << GOMEM_PAGE_SHIFT;

	return max_t(size_t, bytes / TRANSFER_SHARE, TRANSFER_MIN);
}

/*
 * May the transfer caches of a heap together have room for @more bytes more?
 * The sizes of the heap and of its transfer caches are read without a lock, so
 * the limit may be exceeded a little.
 */
static bool may_have_room(const struct gomem_heap *h, size_t more)
{
	return atomic_long_read(&h->transfer_bytes) + more <= transfer_limit(h);
}

/*
 * Do the transfer caches of a heap together have much more room than their
 * limit, because the heap has shrunk? A heap whose size varies a little does
 * not count: it would lose all objects of busy transfer caches at a look.
 */
static bool has_too_much(const struct gomem_heap *h)
{
	return atomic_long_read(&h->transfer_bytes) / 5 * 4 > transfer_limit(h);
}

/*
 * Return the number of objects by which the transfer cache may grow, after a
 * put that found too little room.
 */
static unsigned int room_growth(struct gomem_mcentral *c)
{
	size_t limit = c->kind->cache ? TRANSFER_MIN : transfer_limit(c->heap);
	unsigned int size = c->kind->size, more;

	lockdep_assert_held(&c->lock);
	more = gomem_transfer_earned(&c->transfer, size, limit / 2) -
	       c->transfer.room;
	return more && may_have_room(c->heap, (size_t)more * size) ? more : 0;
}

/* An array of pointers for a transfer cache. Without an array, both are 0. */
struct array {
	void **objs;
	unsigned int len;
};

static size_t array_bytes(const struct array *a)
{
	return a->len * sizeof(*a->objs);
}

static void put_array(struct gomem_heap *h, const struct array *a)
{
	if (a->objs)
		gomem_meta_put(h->source, a->objs, array_bytes(a));
}

/*
 * Exchange the array of the transfer cache and @a. The longer of them has room
 * for its objects.
 */
static void swap_array(struct gomem_mcentral *c, struct array *a)
{
	struct gomem_transfer *t = &c->transfer;
	struct array old = { .objs = t->objs, .len = t->len };

	lockdep_assert_held(&c->lock);
	if (t->n)
		memcpy(a->objs, t->objs, t->n * sizeof(*t->objs));
	t->objs = a->objs;
	WRITE_ONCE(t->len, a->len);
	atomic_long_add(array_bytes(a) / PAGE_SIZE, &c->heap->transfer_pages);
	atomic_long_sub(array_bytes(&old) / PAGE_SIZE,
			&c->heap->transfer_pages);
	*a = old;
}

/*
 * Grow the transfer cache, if room_growth() allows it. If @a is longer than its
 * array, @a becomes the array, and the old one is returned in @a. The room
 * never exceeds the array, so it stays as it is if the array is full and @a is
 * no longer one. If room_growth() allows growth, clear @refused and @missed of
 * struct gomem_transfer in any case: the next attempt to grow then comes only
 * after both flags were set again.
 */
static void add_room(struct gomem_mcentral *c, struct array *a)
{
	struct gomem_transfer *t = &c->transfer;
	unsigned int more = room_growth(c);

	lockdep_assert_held(&c->lock);
	WRITE_ONCE(t->wants_array, false);
	if (!more)
		return;
	t->refused = false;
	t->missed = false;
	if (a->len > t->len)
		swap_array(c, a);
	more = min_t(unsigned int, more, t->len - t->room);
	t->room += more;
	atomic_long_add((size_t)more * c->kind->size, &c->heap->transfer_bytes);
}

/**
 * gomem_mcentral_fetch_room - grow the transfer cache, if it may grow
 * @c: the mcentral
 *
 * Fetches a longer array for it first. Call it through
 * gomem_mcentral_grow_transfer().
 *
 * Context: any but NMI; never sleeps. No lock held, not in a section.
 */
void gomem_mcentral_fetch_room(struct gomem_mcentral *c)
{
	struct gomem_heap *h = c->heap;
	struct array a = {
		.len = clamp_t(unsigned int, 2 * READ_ONCE(c->transfer.len),
			       GOMEM_TRANSFER_SHORT, GOMEM_TRANSFER_MAX),
	};
	unsigned long flags;

	/*
	 * Make a light request, as fetch_stacks() does: the caller may be in
	 * reclaim, or in a context that must not wake kswapd.
	 */
	a.objs = gomem_meta_get(h->source, array_bytes(&a), gomem_gfp_light(0),
				h->node);
	if (!a.objs)
		a.len = 0;
	spin_lock_irqsave(&c->lock, flags);
	add_room(c, &a);
	spin_unlock_irqrestore(&c->lock, flags);
	put_array(h, &a);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_fetch_room);

/**
 * gomem_mcentral_want_room - grow the transfer cache after a refused put
 * @c: the mcentral; its lock is held
 *
 * If the transfer cache needs a longer array, the next allocation that finds no
 * object in its slot fetches the array, because a free must not allocate
 * memory.
 */
void gomem_mcentral_want_room(struct gomem_mcentral *c)
{
	struct array none = { };

	lockdep_assert_held(&c->lock);
	if (!room_growth(c))
		return;
	if (c->transfer.room < c->transfer.len)
		add_room(c, &none);
	else
		WRITE_ONCE(c->transfer.wants_array, true);
}

/*
 * Account for room that the transfer cache lost; @before is its former room.
 * If it has no room left, move its array to @a, and the caller has to free it.
 */
static void give_room(struct gomem_mcentral *c, unsigned int before,
		      struct array *a)
{
	struct gomem_transfer *t = &c->transfer;

	lockdep_assert_held(&c->lock);
	atomic_long_sub((size_t)(before - t->room) * c->kind->size,
			&c->heap->transfer_bytes);
	if (!t->room)
		swap_array(c, a);
}

/*
 * Return the number of surplus objects in the transfer cache: with @idle those
 * that have not been needed since the last look, else all. If the caller has to
 * free the transfer cache's array, move it to @a.
 */
static unsigned int look_at_transfer(struct gomem_mcentral *c, bool idle,
				     struct array *a)
{
	unsigned int before = c->transfer.room, surplus;

	lockdep_assert_held(&c->lock);
	surplus = gomem_transfer_look(&c->transfer,
				      !idle || has_too_much(c->heap));
	give_room(c, before, a);
	return surplus;
}

static unsigned int reduce_transfer(struct gomem_mcentral *c, unsigned int n,
				    void **objs, struct array *a)
{
	unsigned int before = c->transfer.room;

	lockdep_assert_held(&c->lock);
	n = gomem_transfer_reduce(&c->transfer, n, objs);
	give_room(c, before, a);
	return n;
}

/**
 * gomem_mcentral_drain - drain the transfer cache into the spans
 * @c: the mcentral
 * @idle: drain only objects that no refill has needed since the last call; but
 *	all objects if the heap's transfer caches together have much more room
 *	than their limit
 *
 * Context: process; may be rescheduled. Not in a section.
 */
void gomem_mcentral_drain(struct gomem_mcentral *c, bool idle)
{
	void *objs[GOMEM_BATCH_MAX];
	struct array a = { };
	unsigned int n, surplus;
	unsigned long flags;

	might_sleep();
	if (!READ_ONCE(c->transfer.len))
		return;
	spin_lock_irqsave(&c->lock, flags);
	surplus = look_at_transfer(c, idle, &a);
	spin_unlock_irqrestore(&c->lock, flags);

	/* In batches, so that the lock is not held for long. */
	for (; surplus; surplus -= min(surplus, GOMEM_BATCH_MAX)) {
		spin_lock_irqsave(&c->lock, flags);
		n = reduce_transfer(c, min(surplus, GOMEM_BATCH_MAX), objs,
				    &a);
		spin_unlock_irqrestore(&c->lock, flags);
		gomem_mcentral_free(c, objs, n, false);
		gomem_wipe(objs, n);
		cond_resched();
		if (a.objs)
			break;
	}
	put_array(c->heap, &a);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_drain);
