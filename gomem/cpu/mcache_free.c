// SPDX-License-Identifier: GPL-2.0
/*
 * mcache_free.c - frees off the hit path, and flushes.
 *
 * The hit path is in api/hit.h.
 */
#include <linux/atomic.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "base/stats.h"
#include "base/trace.h"
#include "map/pagemap.h"
#include "cpu/mcache.h"
#include "cpu/mcentral.h"
#include "cpu/node.h"
#include "cpu/section.h"
#include "cpu/slot.h"

/*
 * Return how many objects, from the first on, are of one heap, and set @h to
 * it. A slot has objects of several nodes only if its own node had no memory
 * left.
 */
static unsigned int same_heap(void **objs, unsigned int n,
			      struct gomem_heap **h)
{
	unsigned int i;

	*h = gomem_heap_of(objs[0]);
	if (likely(!(*h)->peers))
		return n;
	for (i = 1; i < n && gomem_heap_of(objs[i]) == *h; i++)
		;
	return i;
}

/*
 * Return objects to their spans if @home, else offer them to the transfer
 * caches. Inlined, because @home is a constant in both callers: so each of them
 * contains only the one call that it needs.
 */
static __always_inline void hand_objects(const struct gomem_kind *k,
					 void **objs, unsigned int n, bool home)
{
	struct gomem_heap *h;
	unsigned int same;

	for (; n; n -= same, objs += same) {
		same = same_heap(objs, n, &h);
		trace_flush(k->size, same, h->node);
		if (home)
			gomem_mcentral_free(gomem_central(h, k), objs, same,
					    false);
		else
			gomem_mcentral_put(gomem_central(h, k), objs, same,
					   false);
	}
}

/**
 * gomem_mcache_free_home - return objects to their spans, without counting them
 * @k: the kind of all objects
 * @objs: the objects, with their keys set
 * @n: number of objects
 *
 * These are no new frees. Either the objects were counted as freed before, or
 * they were taken out of their spans and not handed out since.
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_mcache_free_home(const struct gomem_kind *k, void **objs,
			    unsigned int n)
{
	hand_objects(k, objs, n, true);
}

/*
 * Take up to half of a slot's objects, at most @max. Take the oldest ones: the
 * newest ones are more likely to be in the processor's cache. But if there has
 * been no refill since the last flush, this CPU frees more than it allocates,
 * and hardly needs any of them. Then take the newest ones, so that no other
 * object has to be moved.
 */
static unsigned int take_half(struct gomem_slot *slot, void **objs,
			      unsigned int max)
{
	void **bottom = gomem_slot_bottom(slot);
	unsigned int held = slot->top - bottom;
	unsigned int n = min(max, DIV_ROUND_UP(held, 2));
	void **from = slot->calm ? bottom : slot->top - n;

	memcpy(objs, from, n * sizeof(*objs));
	if (slot->calm)
		memmove(bottom, bottom + n, (held - n) * sizeof(*objs));
	slot->top -= n;
	slot->flushed += n;
	slot->calm = 0;
	return n;
}

/*
 * Push an object on the slot. If the slot is full, first grow it, if limits
 * allow that, and flush half of its objects, whether it grew or not. The task
 * may have moved to a CPU that has no mcache: then free the object without a
 * slot.
 */
static noinline void free_to_full(const struct gomem_kind *k, void *obj)
{
	void *objs[GOMEM_BATCH_MAX + 1] __uninitialized;
	struct gomem_slot *slot;
	struct gomem_section sec;
	unsigned int n = 0;

	gomem_slot_get_ready_later(k);
	gomem_section_enter(&sec, gomem_irq_context());
	slot = gomem_section_slot(&sec, k);
	if (!gomem_section_holds(&sec, k)) {
		objs[n++] = obj;
		atomic64_inc(&gomem_central(sec.mc->heap, k)->direct_frees);
	} else if (!gomem_slot_push(slot, obj)) {
		gomem_slot_grow(sec.mc, slot, k, gomem_slot_batch_size(slot));
		n = take_half(slot, objs, GOMEM_BATCH_MAX);
		if (!gomem_slot_push(slot, obj)) {
			objs[n++] = obj;
			slot->flushed++;
		}
	}
	gomem_section_leave(&sec);

	if (!n)
		return;
	gomem_count(GOMEM_EV_FLUSHES, 1);
	gomem_count(GOMEM_EV_FLUSHED_OBJECTS, n);
	hand_objects(k, objs, n, false);
}

/**
 * gomem_mcache_is_home - tell whether an object is of this CPU's heap
 * @obj: the object
 *
 * Return: true if it is. The answer holds until the caller migrates.
 */
bool gomem_mcache_is_home(const void *obj)
{
	return gomem_heap_of(obj) == raw_cpu_read(gomem_mcache_task)->heap;
}

/* Count @n frees of objects of @c that bypass the slots. */
static void count_direct(struct gomem_mcentral *c, unsigned int n)
{
	if (c->heap == raw_cpu_read(gomem_mcache_task)->heap) {
		gomem_count(GOMEM_EV_FLUSHES, 1);
		gomem_count(GOMEM_EV_FLUSHED_OBJECTS, n);
	} else {
		gomem_count(GOMEM_EV_REMOTE_FREES, n);
	}
	atomic64_add(n, &c->direct_frees);
	trace_flush(c->kind->size, n, c->heap->node);
}

/*
 * Free an object of another node. It bypasses the slot, which would hand out
 * the object on this node.
 */
static noinline void free_remote(const struct gomem_kind *k, void *obj)
{
	struct gomem_mcentral *c = gomem_central(gomem_heap_of(obj), k);

	count_direct(c, 1);
	gomem_mcentral_put(c, &obj, 1, false);
}

/**
 * gomem_mcache_free_slow - free an object off the hit path
 * @k: its kind
 * @obj: the object, of any node; it has its key, or GOMEM_RAW_MARK in place of
 *	the key (map/kind.h)
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_mcache_free_slow(const struct gomem_kind *k, void *obj)
{
	if (static_branch_unlikely(&gomem_numa) && !gomem_mcache_is_home(obj))
		free_remote(k, obj);
	else
		free_to_full(k, obj);
}

static unsigned int spc_of(const void *obj)
{
	unsigned long addr = (unsigned long)obj;

	return gomem_page_spc(gomem_pagemap_chunk(&gomem_pagemap, addr),
			      gomem_chunk_page(addr));
}

/*
 * Move the objects that belong to mcentral @c to the front, and return their
 * number. @c is the mcentral of a span class, and objs[0] belongs to it.
 */
static unsigned int gather_same(const struct gomem_mcentral *c, void **objs,
				unsigned int n)
{
	unsigned int i, same, spc = c->kind->spc;
	struct gomem_heap *h = c->heap;

	for (i = same = 1; i < n; i++) {
		if (spc_of(objs[i]) != spc ||
		    (h->peers && gomem_heap_of(objs[i]) != h))
			continue;
		if (i != same)
			swap(objs[i], objs[same]);
		same++;
	}
	return same;
}

/*
 * Set @c to the mcentral of the first object. Return how many objects, from the
 * first on, belong to @c. If @k is NULL, first move all objects that belong to
 * @c to the front.
 */
static unsigned int same_central(const struct gomem_kind *k, void **objs,
				 unsigned int n, struct gomem_mcentral **c)
{
	struct gomem_heap *h = gomem_heap_of(objs[0]);

	*c = gomem_central(h, k ?: &gomem_kinds[spc_of(objs[0])]);
	if (!k)
		return gather_same(*c, objs, n);
	return k->cache ? same_heap(objs, n, &h) : n;
}

/**
 * gomem_mcache_free_many - free objects that slots did not take
 * @k: the kind of all objects. If it is a span class, the objects are also of
 *	one heap. NULL if the objects are of any span classes and heaps
 * @objs: the objects, with their keys set; may be reordered on return
 * @n: number of objects, up to GOMEM_BATCH_MAX
 * @run: the objects lie side by side in one page, by rising address
 *
 * The objects go to transfer caches, or return to their spans.
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_mcache_free_many(const struct gomem_kind *k, void **objs,
			    unsigned int n, bool run)
{
	struct gomem_mcentral *c;
	unsigned int same;

	for (; n; n -= same, objs += same) {
		same = same_central(k, objs, n, &c);
		count_direct(c, same);
		gomem_mcentral_put(c, objs, same, run);
	}
}
