// SPDX-License-Identifier: GPL-2.0
/*
 * mcentral_transfer.c - grow, limit and drain the transfer cache of an
 * mcentral.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#include "base/hide.h"
#include "heap/mheap.h"
#include "cpu/mcentral.h"
#include "cpu/mcentral_lists.h"
#include "cpu/transfer.h"

/*
 * The transfer caches of a heap together have room for at most
 * max(heap bytes / TRANSFER_SHARE, TRANSFER_MIN) bytes of objects.
 */
#define TRANSFER_SHARE	256
#define TRANSFER_MIN	SZ_2M

/*
 * May the transfer caches of a heap together have room for @more bytes more?
 * The sizes of the heap and of its transfer caches are read without a lock, so
 * the limit may be exceeded a little.
 */
static bool may_have_room(struct gomem_heap *h, size_t more)
{
	size_t share = (gomem_heap_backed_pages(h) << GOMEM_PAGE_SHIFT) /
		       TRANSFER_SHARE;

	return atomic_long_read(&h->transfer_bytes) + more <=
	       max_t(size_t, share, TRANSFER_MIN);
}

/*
 * Return the number of objects by which the transfer cache may grow, after a
 * put that found too little room.
 */
static unsigned int room_growth(struct gomem_mcentral *c)
{
	unsigned int size = c->kind->size;
	unsigned int more = gomem_transfer_earned(&c->transfer, size) -
			    c->transfer.room;

	lockdep_assert_held(&c->lock);
	return more && may_have_room(c->heap, (size_t)more * size) ? more : 0;
}

/*
 * Grow the transfer cache, if it may grow. If it has no array, @page becomes
 * the array. If @page is NULL then, since no page was fetched, the transfer
 * cache does not grow. In all these cases clear @refused and @missed of struct
 * gomem_transfer, so that the next attempt to grow comes only after both flags
 * were set again. Return @page if it was not used, else NULL.
 */
static void *add_room(struct gomem_mcentral *c, void *page)
{
	struct gomem_transfer *t = &c->transfer;
	unsigned int more = room_growth(c);

	lockdep_assert_held(&c->lock);
	WRITE_ONCE(t->wants_page, false);
	if (!more)
		return page;
	t->refused = false;
	t->missed = false;
	if (!t->objs && page) {
		WRITE_ONCE(t->objs, page);
		page = NULL;
		atomic_long_inc(&c->heap->transfer_pages);
	}
	if (!t->objs)
		return NULL;
	t->room += more;
	atomic_long_add((size_t)more * c->kind->size, &c->heap->transfer_bytes);
	return page;
}

/**
 * gomem_mcentral_fetch_room - grow the transfer cache, if it may grow
 * @c: the mcentral
 *
 * If the transfer cache has no array, fetches a page for it first. Call it
 * through gomem_mcentral_grow_transfer().
 *
 * Context: any but NMI; never sleeps. No lock held, not in a section.
 */
void gomem_mcentral_fetch_room(struct gomem_mcentral *c)
{
	struct gomem_heap *h = c->heap;
	unsigned long flags;
	void *page = NULL;

	/*
	 * Make a light request, as fetch_stacks() does: the caller may be in
	 * reclaim, or in a context that must not wake kswapd.
	 */
	if (!READ_ONCE(c->transfer.objs))
		page = gomem_meta_get(h->source, PAGE_SIZE, gomem_gfp_light(0),
				      h->node);
	spin_lock_irqsave(&c->lock, flags);
	page = add_room(c, page);
	spin_unlock_irqrestore(&c->lock, flags);
	if (page)
		gomem_meta_put(h->source, page, PAGE_SIZE);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_fetch_room);

/**
 * gomem_mcentral_want_room - grow the transfer cache after a refused put
 * @c: the mcentral; its lock is held
 *
 * If the transfer cache has no array, the next allocation that finds no object
 * in its slot fetches the array, because a free must not allocate memory.
 */
void gomem_mcentral_want_room(struct gomem_mcentral *c)
{
	lockdep_assert_held(&c->lock);
	if (!room_growth(c))
		return;
	if (c->transfer.objs)
		add_room(c, NULL);
	else
		WRITE_ONCE(c->transfer.wants_page, true);
}

/*
 * Account for room that the transfer cache lost; @before is its former room.
 * If it has no room left, return the page of its array, which the caller has to
 * free; else return NULL.
 */
static void *give_room(struct gomem_mcentral *c, unsigned int before)
{
	struct gomem_transfer *t = &c->transfer;
	void *page = t->objs;

	lockdep_assert_held(&c->lock);
	atomic_long_sub((size_t)(before - t->room) * c->kind->size,
			&c->heap->transfer_bytes);
	if (t->room || !page)
		return NULL;
	WRITE_ONCE(t->objs, NULL);
	atomic_long_dec(&c->heap->transfer_pages);
	return page;
}

/*
 * Return the number of surplus objects in the transfer cache: with @idle those
 * that have not been needed since the last look, else all. Set @page to the
 * transfer cache's array if the caller has to free the array, else to NULL.
 */
static unsigned int look_at_transfer(struct gomem_mcentral *c, bool idle,
				     void **page)
{
	unsigned int before = c->transfer.room, surplus;

	lockdep_assert_held(&c->lock);
	/*
	 * With @idle, too, all objects are surplus if the transfer caches of
	 * the heap exceed their limit because the heap has shrunk.
	 */
	surplus = gomem_transfer_look(&c->transfer,
				      !idle || !may_have_room(c->heap, 0));
	*page = give_room(c, before);
	return surplus;
}

static unsigned int reduce_transfer(struct gomem_mcentral *c, unsigned int n,
				    void **objs, void **page)
{
	unsigned int before = c->transfer.room;

	lockdep_assert_held(&c->lock);
	n = gomem_transfer_reduce(&c->transfer, n, objs);
	*page = give_room(c, before);
	return n;
}

/**
 * gomem_mcentral_drain - drain the transfer cache into the spans
 * @c: the mcentral
 * @idle: drain only objects that no refill has needed since the last call; but
 *	all objects if the heap's transfer caches together exceed their limit
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_mcentral_drain(struct gomem_mcentral *c, bool idle)
{
	void *objs[GOMEM_BATCH_MAX], *page;
	unsigned int n, surplus;
	unsigned long flags;

	if (!READ_ONCE(c->transfer.objs))
		return;
	spin_lock_irqsave(&c->lock, flags);
	surplus = look_at_transfer(c, idle, &page);
	spin_unlock_irqrestore(&c->lock, flags);

	/* In batches, so that the lock is not held for long. */
	for (; surplus; surplus -= min(surplus, GOMEM_BATCH_MAX)) {
		spin_lock_irqsave(&c->lock, flags);
		n = reduce_transfer(c, min(surplus, GOMEM_BATCH_MAX), objs,
				    &page);
		spin_unlock_irqrestore(&c->lock, flags);
		gomem_mcentral_free(c, objs, n, false);
		gomem_wipe(objs, n);
		if (page)
			break;
	}
	if (page)
		gomem_meta_put(c->heap->source, page, PAGE_SIZE);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcentral_drain);
