// SPDX-License-Identifier: GPL-2.0
/*
 * bulk.c - allocate and free many objects of span classes in one call.
 *
 * One section serves up to GOMEM_BATCH_MAX objects.
 */
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/math.h>
#include <linux/minmax.h>

#include "cpu/section.h"
#include "api/hit.h"
#include "api/profile.h"
#include "api/undo.h"

/*
 * Allocate objects whose size has no size class: 0, large, or too large. Stop
 * at the first allocation that fails: one of a size that is too large always
 * does. Return how many objects were allocated.
 */
static noinline size_t alloc_odd_many(size_t size, gfp_t gfp, size_t n,
				      void **p, unsigned long caller)
{
	size_t i;

	for (i = 0; i < n; i++) {
		p[i] = gomem_alloc_odd(size, gfp, false, NUMA_NO_NODE, caller);
		if (unlikely(!p[i]))
			break;
	}
	return i;
}

/*
 * Free the @n objects of a bulk call that failed. Then give as many pages back
 * to the kernel as they had, except for free pages that the heap may keep: see
 * gomem_heap_undo(). Return 0, the result of the call. Not inlined, because
 * calls rarely fail.
 */
static noinline size_t undo_bulk(size_t size, gfp_t gfp, size_t n, void **p)
{
	unsigned int spc;

	gomem_free_bulk(n, p);
	if (size - 1 >= GOMEM_SMALL_MAX) {
		gomem_undo_pages(n * DIV_ROUND_UP(size, GOMEM_PAGE_SIZE), gfp);
		return 0;
	}
	spc = gomem_spc_make(gomem_sizeclass(size), false);
	gomem_undo(&gomem_kinds[spc], n, gfp);
	return 0;
}

/*
 * Allocate the objects that the slot did not have, in any context and of any
 * size. Return their number.
 */
static noinline size_t alloc_many(size_t size, gfp_t gfp, size_t n, void **p,
				  unsigned long caller)
{
	unsigned int spc;

	if (unlikely(size - 1 >= GOMEM_SMALL_MAX))
		return alloc_odd_many(size, gfp, n, p, caller);
	if (!gomem_enter_alloc(size, gfp, caller))
		return 0;
	spc = gomem_spc_make(gomem_sizeclass(size), false);
	return gomem_objects_alloc(&gomem_kinds[spc], gfp, n, p, caller);
}

/*
 * Flags in the word that also holds the number of objects that a bulk call
 * popped from the slot. POPPED_YIELD: another task waits for this CPU.
 * POPPED_SAMPLED: the heap profile samples one of the objects.
 */
#define POPPED_YIELD	BIT(62)
#define POPPED_SAMPLED	BIT(63)

/*
 * Complete a bulk call: do what the hit path leaves out, and allocate the
 * objects that the slot did not have. The hit path ends with a tail call of
 * this function, so that it need not save registers on the stack.
 */
static noinline size_t finish_bulk(size_t size, gfp_t gfp, size_t n,
				   void **p, unsigned long popped,
				   unsigned long caller)
{
	size_t done = popped & ~(POPPED_YIELD | POPPED_SAMPLED);
	size_t asked = min_t(size_t, n, GOMEM_BATCH_MAX);
	const struct gomem_kind *k;

	if (popped & POPPED_YIELD)
		gomem_yield(gfp);
	if (done) {
		/* The slot's objects are p[asked - done] to p[asked - 1]. */
		if (done != asked)
			memmove(p, p + asked - done, done * sizeof(*p));
		k = &gomem_kinds[gomem_spc_make(gomem_sizeclass(size), false)];
		if (popped & POPPED_SAMPLED)
			gomem_profile_take_many(p, done, k->size);
		if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) ||
		    want_init_on_alloc(gfp))
			gomem_objects_hand_out(k, p, done, gfp);
	}
	if (done < n)
		done += alloc_many(size, gfp, n - done, p + done, caller);
	return likely(done == n) ? n : undo_bulk(size, gfp, done, p);
}

static __always_inline size_t alloc_bulk_hit(size_t size, gfp_t gfp, size_t n,
					     void **p, unsigned long caller)
{
	unsigned long at, popped;
	struct gomem_slot *slot;

	if (unlikely(size - 1 >= GOMEM_SMALL_MAX) ||
	    unlikely(gfp & GOMEM_GFP_REFUSED) || unlikely(gomem_irq_context()))
		return finish_bulk(size, gfp, n, p, 0,
				   caller ?: GOMEM_COLD_CALLER);
	gomem_check_hit(gfp);
	at = gomem_size_slot(size);
	preempt_disable();
	slot = gomem_slot_at(raw_cpu_read(gomem_mcache_task), at);
	popped = gomem_slot_pop_run(slot, p, min_t(size_t, n, GOMEM_BATCH_MAX));
	if (gomem_profile_due(popped * slot->size))
		popped |= POPPED_SAMPLED;
	if (gomem_end_hit())
		return finish_bulk(size, gfp, n, p, popped | POPPED_YIELD,
				   caller ?: GOMEM_COLD_CALLER);
	/*
	 * The task may be on another CPU now. It may still read slot->size:
	 * that is constant, and mcaches stay until gomem is unloaded.
	 */
	if (likely(popped == n) && !IS_ENABLED(CONFIG_DEBUG_KMEMLEAK))
		return want_init_on_alloc(gfp) ?
			       gomem_objects_clear(n, p, slot->size) : n;
	return finish_bulk(size, gfp, n, p, popped,
			   caller ?: GOMEM_COLD_CALLER);
}

/*
 * Allocate while gomem_watching is enabled. Take the hit path, unless
 * gomem_is_watched() says that objects may have to be recorded, charged or
 * refused.
 */
static noinline size_t alloc_bulk_watched(size_t size, gfp_t gfp, size_t n,
					  void **p, unsigned long caller)
{
	return gomem_is_watched() ?
		       finish_bulk(size, gfp, n, p, 0, caller) :
		       alloc_bulk_hit(size, gfp, n, p, caller);
}

size_t gomem_alloc_bulk(size_t size, gfp_t gfp, size_t n, void **p)
{
	if (gomem_watches())
		return alloc_bulk_watched(size, gfp, n, p, GOMEM_COLD_CALLER);
	return alloc_bulk_hit(size, gfp, n, p, 0);
}
EXPORT_SYMBOL_NS_GPL(gomem_alloc_bulk, GOMEM_NS);

/*
 * Find the slot of an object in the mcache @mc. If @mc is NULL, take this CPU's
 * mcache for tasks: the hit path calls this with a constant NULL, and is used
 * only with one node and without init_on_free=1. Return false if the page map
 * has no entry for the object's chunk, or if the object belongs to another node
 * than @mc. @start: set to a number that turns each address in the object's
 * page into its offset in the span: (u32)(address + @start). Preemption is off.
 */
static __always_inline bool find_home(struct gomem_mcache *mc,
				      unsigned long addr, u32 *start,
				      struct gomem_slot **slot)
{
	unsigned long ci = gomem_pagemap_index(&gomem_pagemap, addr), low;
	unsigned long entry;
	u32 tag;

	if (unlikely(!gomem_in_map(ci, gomem_pagemap.nr_chunks)))
		return false;
	entry = gomem_pagemap.entry[ci];
	tag = gomem_pagemap_tag(entry, addr);
	low = gomem_tag_low(tag);
	*start = gomem_tag_offset(0, tag, low);
	*slot = gomem_slot_of_low(mc ?: raw_cpu_read(gomem_mcache_task), low);
	return !mc || gomem_is_home(mc, entry, (void *)addr);
}

/*
 * Check an object at @offset in its span, and give it its key. Return false if
 * no object starts there, or if it is free already. Loops pass the slot's
 * @divmul, and gomem_secret, in: as far as the compiler knows, the stores to
 * objects could change both. @clear: bytes to clear, or 0.
 */
static __always_inline bool take_back(void *obj, u32 offset, u32 divmul,
				      unsigned long secret, size_t clear)
{
	return likely(gomem_is_multiple(offset, divmul)) &&
	       likely(gomem_set_key_once(obj, obj, secret ^ (unsigned long)obj,
					 clear));
}

/*
 * Push objects on the slot of the first one, and set @p behind the last one
 * pushed. Return true if find_home() found another slot, or none, for the next
 * pointer: then call again. Return false if the next pointer cannot be pushed,
 * or at @end. The slot and the tag are looked up only when the page changes:
 * objects that were allocated together are often in one page. The tag does not
 * change meanwhile: preemption is off, so the objects pushed stay in the slot,
 * and keep their span from being freed. @clear: clear each object.
 */
static __always_inline bool push_class(struct gomem_mcache *mc, void ***p,
				       void **end, bool clear)
{
	unsigned long secret = gomem_secret, addr = (unsigned long)**p, page;
	void **next = *p, **stop;
	struct gomem_slot *slot, *other;
	u32 start, divmul;
	long up;

	/*
	 * A CPU without an mcache uses gomem_no_mcache. The slots in it have no
	 * room, and must not be written to.
	 */
	if (unlikely(!find_home(mc, addr, &start, &slot)) ||
	    unlikely(slot->top == slot->end))
		return false;
	/* Else the compiler may assume that next + up lies in the array *p. */
	OPTIMIZER_HIDE_VAR(next);
	stop = min(end, next + (slot->end - slot->top));
	up = (void *)slot->top - (void *)next;
	divmul = slot->divmul;
	do {
		page = addr >> GOMEM_PAGE_SHIFT;
		do {
			if (!take_back((void *)addr, addr + start, divmul,
				       secret, clear ? slot->size : 0))
				goto out;
			*(void **)((void *)next + up) = (void *)addr;
			if (++next == stop)
				goto out;
			addr = (unsigned long)*next;
		} while (addr >> GOMEM_PAGE_SHIFT == page);
	} while (find_home(mc, addr, &start, &other) && other == slot);
	slot->top = (void *)next + up;
	*p = next;
	return true;
out:
	slot->top = (void *)next + up;
	*p = next;
	return false;
}

/*
 * Check the first objects of @p that lie in one page, give them their keys, and
 * store them in @to. Return their number. Stop at an object in another page, at
 * an object that is free already, and at a pointer that is not the start of an
 * object. Set @run to true if all these objects lie side by side, by rising
 * address.
 */
static __always_inline unsigned int
take_back_some(const struct gomem_slot *slot, u32 tag, void **p, unsigned int n,
	       bool clear, void **to, bool *run)
{
	unsigned long page = (unsigned long)p[0] & GOMEM_PAGE_MASK;
	u32 first = gomem_tag_offset(page, tag, gomem_tag_low(tag));
	unsigned long secret = gomem_secret, offset;
	u32 divmul = slot->divmul, size = slot->size;
	void *obj, *beside = p[0];
	unsigned int i;

	*run = true;
	for (i = 0; i < n; i++) {
		obj = p[i];
		offset = (unsigned long)obj - page;
		if (offset >= GOMEM_PAGE_SIZE ||
		    !take_back(obj, first + offset, divmul, secret,
			       clear ? size : 0))
			break;
		*run &= obj == beside;
		beside = obj + size;
		to[i] = obj;
	}
	return i;
}

/**
 * struct bulk_pos - progress of a section of gomem_free_bulk()
 * @done: pointers handled
 * @left: objects that the slots did not take, for lack of room or because the
 *	objects are of another node. They have been moved to the front of the
 *	array, for gomem_mcache_free_many()
 * @mixed: the @left objects may be of several span classes or heaps
 * @run: the @left objects lie side by side in one page, by rising address
 * @spc: span class of the last of the @left objects
 * @tag: tag of the page of the next pointer; 0 if the page is in no chunk
 */
struct bulk_pos {
	unsigned int done;
	unsigned int left;
	bool mixed;
	bool run;
	u8 spc;
	u32 tag;
};

/*
 * Free small objects. Objects that their slot does not take, for lack of room
 * or because they are of another node, are moved to the front of @p, for
 * gomem_mcache_free_many(). Stop at a pointer that is not a live small object,
 * and at an object in a page with specials. The caller owns the mcache @mc.
 */
static __always_inline void push_many(struct gomem_mcache *mc, void **p,
				      unsigned int n, bool clear,
				      struct bulk_pos *pos)
{
	unsigned long ci, addr;
	void **next = p, **end = p + n;
	unsigned int i, spc;
	bool run;

	for (; next != end; next += i) {
		while (push_class(mc, &next, end, clear))
			;
		pos->done = next - p;
		if (next == end)
			return;
		pos->tag = 0;
		addr = (unsigned long)*next;
		ci = gomem_pagemap_index(&gomem_pagemap, addr);
		if (unlikely(!gomem_in_map(ci, gomem_pagemap.nr_chunks)))
			return;
		pos->tag = gomem_pagemap_tag(gomem_pagemap.entry[ci], addr);
		spc = gomem_tag_spc(pos->tag);
		i = take_back_some(&mc->slot[spc], pos->tag, next, end - next,
				   clear, p + pos->left, &run);
		if (unlikely(!i))
			return;
		pos->run = run && !pos->left;
		/*
		 * gomem_mcache_free_many() frees the objects in p[0] to
		 * p[pos->left - 1]. It sorts them, unless all are known to be
		 * of one kind and node. This loop does not compare the nodes of
		 * objects of different rounds. So if there are several nodes,
		 * the objects may be of several nodes, too.
		 */
		if (pos->left &&
		    (spc != pos->spc || static_branch_unlikely(&gomem_numa)))
			pos->mixed = true;
		pos->spc = spc;
		pos->left += i;
	}
	pos->done = n;
}

/*
 * Free objects in a section. The section lasts from the first read of a tag to
 * the last access to an object, for the reason given at gomem_free_hit().
 */
static __always_inline struct bulk_pos free_section(void **p, unsigned int n,
						    bool clear)
{
	struct bulk_pos pos = { };
	struct gomem_section sec;

	if (unlikely(gomem_irq_context())) {
		gomem_section_enter(&sec, true);
		push_many(sec.mc, p, n, clear, &pos);
		gomem_section_leave(&sec);
	} else {
		gomem_section_enter(&sec, false);
		push_many(sec.mc, p, n, clear, &pos);
		gomem_section_leave(&sec);
	}
	return pos;
}

/*
 * Free objects in a section and clear them, with init_on_free=1. Not inlined:
 * inlined, it would make free_bulk_slow() need more registers.
 */
static noinline struct bulk_pos free_section_cleared(void **p, unsigned int n)
{
	return free_section(p, n, true);
}

static noinline void free_bulk_slow(size_t n, void **p, unsigned long caller)
{
	struct bulk_pos pos;
	unsigned int len;

	if (!gomem_enter_free(caller))
		return;
	for (; n; n -= pos.done, p += pos.done) {
		len = min_t(size_t, n, gomem_free_section_max());
		pos = want_init_on_free() ? free_section_cleared(p, len) :
					    free_section(p, len, false);
		if (pos.left)
			gomem_mcache_free_many(pos.mixed ? NULL :
					       &gomem_kinds[pos.spc], p,
					       pos.left, pos.run);
		if (likely(pos.done == len))
			continue;
		/*
		 * p[pos.done] is NULL, a tiny or large object, an object of a
		 * typed cache, an object in a page with specials, or a pointer
		 * that is not a live object.
		 */
		gomem_free_unusual(p[pos.done], pos.tag, caller);
		pos.done++;
	}
}

/*
 * Free objects in task context, at most GOMEM_BATCH_MAX in one section. Return
 * the address of the first array element that needs the slow path, or @end.
 */
static __always_inline void **free_bulk_hit(void **p, void **end)
{
	void **stop;

	do {
		stop = min(end, p + GOMEM_BATCH_MAX);
		preempt_disable();
		while (push_class(NULL, &p, stop, false))
			;
		preempt_enable();
	} while (p == stop && p != end);
	return p;
}

void gomem_free_bulk(size_t n, void **p)
{
	void **end = p + n;

	if (likely(n) && !static_branch_unlikely(&gomem_careful_free) &&
	    likely(!gomem_irq_context()))
		p = free_bulk_hit(p, end);
	if (p != end)
		free_bulk_slow(end - p, p, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_free_bulk, GOMEM_NS);
