/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hit.h - the hit paths of gomem_alloc() and gomem_free().
 *
 * They handle an object by its span class, not its kind. An allocation finds
 * the slot by the size class. A free finds the slot by the tag of the object's
 * page, which takes one load. To find it by the span and its kind would take
 * three. Each path ends in a tail call if it cannot go on, so that the path
 * itself needs no stack frame.
 */
#ifndef GOMEM_HIT_H
#define GOMEM_HIT_H

#include "base/sizeclass.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "api/entry.h"
#include "api/object.h"
#include "api/watch.h"

/* Slow paths, in alloc.c and free.c. */
void *gomem_alloc_miss(unsigned int spc, gfp_t gfp, unsigned long caller);
void *gomem_alloc_from_irq(unsigned int spc, gfp_t gfp, unsigned long caller);
void *gomem_alloc_detoured(unsigned long at, gfp_t gfp, unsigned long caller);
void *gomem_alloc_sampled(void *obj, unsigned int spc, gfp_t gfp, bool clear);
void *gomem_alloc_yielded(void *obj, unsigned int spc, gfp_t gfp, bool clear);
void *gomem_alloc_tiny(size_t size, gfp_t gfp, unsigned long caller);
void *gomem_alloc_odd(size_t size, gfp_t gfp, bool noscan, int node,
		      unsigned long caller);
void gomem_free_from_irq(void *obj, unsigned long entry, unsigned long caller);
void gomem_free_with_care(void *obj, unsigned long entry, unsigned long caller);
void gomem_free_unusual(void *p, u32 tag, unsigned long caller);
void gomem_free_unusual_pinned(void *p, u32 tag, unsigned long caller);

/*
 * Enabled if there are several nodes, or if init_on_free=1 is set. Then
 * gomem_free_with_care() is the hit path of frees in tasks.
 */
DECLARE_STATIC_KEY_FALSE(gomem_careful_free);

static_assert(sizeof(struct gomem_slot) == BIT(__GOMEM_SLOT_SHIFT));
static_assert(!offsetof(struct gomem_mcache, slot));

static __always_inline struct gomem_slot *gomem_slot_at(struct gomem_mcache *mc,
							unsigned long at)
{
	return (void *)mc + at;
}

/* Return the slot for the span-class bits that gomem_tag_low() extracted. */
static __always_inline struct gomem_slot *
gomem_slot_of_low(struct gomem_mcache *mc, unsigned long low)
{
	return gomem_slot_at(mc,
			     low << (__GOMEM_SLOT_SHIFT - GOMEM_TAG_SPC_SHIFT));
}

/*
 * Finish an object that needs no clearing. The object is of a span class, not
 * of a typed cache, so its first word holds the key.
 */
static __always_inline void *gomem_hit_hand_out(void *obj, unsigned int spc,
						gfp_t gfp)
{
	*(unsigned long *)obj = 0;
	gomem_object_track(&gomem_kinds[spc], obj, gfp);
	return obj;
}

/*
 * Pop an object from a slot of this CPU. A popped object belongs to the caller,
 * and is finished with preemption on. If the slot is empty, or its top object
 * lacks its key, call gomem_alloc_miss(). The caller is a task that turned
 * preemption off; this function turns it on.
 */
static __always_inline void *gomem_alloc_pinned(struct gomem_slot *slot,
						gfp_t gfp, bool clear,
						unsigned long caller)
{
	void *obj;

	if (unlikely(!gomem_slot_pop_usual(slot, &obj))) {
		preempt_enable();
		return gomem_alloc_miss(slot->spc, gfp,
					caller ?: GOMEM_COLD_CALLER);
	}
	if (!clear)
		GOMEM_KEEP_IN_RAX(obj);
	if (gomem_slot_count(slot)) {
		preempt_enable();
		return gomem_alloc_sampled(obj, slot->spc, gfp, clear);
	}
	if (gomem_end_hit())
		return gomem_alloc_yielded(obj, slot->spc, gfp, clear);
	if (!clear)
		return gomem_hit_hand_out(obj, slot->spc, gfp);
	gomem_clear_quickly(obj, slot->size);
	gomem_object_track(&gomem_kinds[slot->spc], obj, gfp);
	return obj;
}

/* Allocate from the slot at offset @at of this CPU's mcache. */
static __always_inline void *gomem_alloc_hit(unsigned long at, gfp_t gfp,
					     bool clear, unsigned long caller)
{
	gomem_check_hit(gfp);
	if (unlikely(gomem_irq_context()))
		return gomem_alloc_from_irq(at >> __GOMEM_SLOT_SHIFT, gfp,
					    caller ?: GOMEM_COLD_CALLER);

	preempt_disable();
	return gomem_alloc_pinned(gomem_slot_at(raw_cpu_read(gomem_mcache_task),
						at), gfp, clear, caller);
}

/*
 * Allocate from the slot at offset @at of this CPU's mcache. One static key and
 * one test of the gfp find the allocations that need more than the hit path.
 */
static __always_inline void *gomem_alloc_small(unsigned long at, gfp_t gfp)
{
	if (static_branch_unlikely(&gomem_detour) ||
	    unlikely(gfp & (__GFP_ZERO | GOMEM_GFP_REFUSED)))
		return gomem_alloc_detoured(at, gfp, GOMEM_COLD_CALLER);
	return gomem_alloc_hit(at, gfp, false, 0);
}

static __always_inline void *gomem_alloc_any(size_t size, gfp_t gfp,
					     bool noscan)
{
	unsigned long at;

	if (noscan && __gomem_is_tiny(size))
		return gomem_alloc_tiny(size, gfp, GOMEM_COLD_CALLER);
	/* Sizes of up to GOMEM_CLASS8_MAX take one test, not two. */
	if (unlikely(size > GOMEM_CLASS8_MAX) && size > GOMEM_SMALL_MAX)
		return gomem_alloc_odd(size, gfp, noscan, NUMA_NO_NODE,
				       GOMEM_COLD_CALLER);
	at = gomem_size_slot(size);
	return gomem_alloc_small(at | noscan << __GOMEM_SLOT_SHIFT, gfp);
}

/*
 * Check an object that is being freed, and give it its key. Return false if the
 * object is free already, if no object starts at @offset in the span, or if
 * gomem_free() must not push to @slot: then the slot's divmul is 0. Read the
 * size and the divmul of the class from @slot, because its cache line is needed
 * anyway to push the object. The tail of a span holds a key where one more
 * object would start. So a pointer to that place is rejected as free: see
 * seal_tail() in cpu/mcentral_grow.c.
 */
static __always_inline bool gomem_take_back(const struct gomem_slot *slot,
					    void *obj, u32 offset, bool clear)
{
	unsigned long key = gomem_objkey(obj);

	if (unlikely(!gomem_is_multiple(offset, slot->divmul)))
		return false;
	return gomem_set_key_once(obj, obj, key, clear ? slot->size : 0);
}

/*
 * Does an object belong to the node of this CPU's mcache? @entry is the page
 * map's entry for the object.
 */
static __always_inline bool gomem_is_home(const struct gomem_mcache *mc,
					  unsigned long entry, const void *obj)
{
	return !static_branch_unlikely(&gomem_numa) ||
	       gomem_pagemap_entry_chunk(entry, (unsigned long)obj)->heap ==
		       mc->heap;
}

/*
 * Free an object in task context. Preemption is off from the first read of the
 * tag to the last access to the object. If this is a second free, the first
 * free may be giving the page back on another CPU. Then gomem_heap_release()
 * keeps the page until preemption is on again.
 */
static __always_inline void gomem_free_hit(void *obj, unsigned long entry,
					   bool clear, bool numa,
					   unsigned long caller)
{
	struct gomem_mcache *mc;
	struct gomem_slot *slot;
	unsigned long low;
	u32 tag, offset;
	bool pushed;

	preempt_disable();
	tag = gomem_pagemap_tag(entry, (unsigned long)obj);
	low = gomem_tag_low(tag);
	/* Keep the compiler from computing low twice, and slot twice. */
	OPTIMIZER_HIDE_VAR(low);
	mc = raw_cpu_read(gomem_mcache_task);
	slot = gomem_slot_of_low(mc, low);
	OPTIMIZER_HIDE_VAR(slot);
	offset = gomem_tag_offset((unsigned long)obj, tag, low);
	if (unlikely(!gomem_take_back(slot, obj, offset, clear))) {
		gomem_free_unusual_pinned(obj, tag,
					  caller ?: GOMEM_COLD_CALLER);
		return;
	}
	pushed = (!numa || gomem_is_home(mc, entry, obj)) &&
		 gomem_slot_push(slot, obj);
	preempt_enable();
	if (unlikely(!pushed))
		gomem_mcache_free_slow(&gomem_kinds[gomem_tag_spc(tag)], obj);
}

/*
 * Can chunk number @ci be gomem's? NULL and ZERO_SIZE_PTR lie below the base of
 * the page map. When the base is subtracted from them, the result wraps around,
 * so their chunk number is beyond the end of the map. Under User-Mode Linux the
 * map begins at address 0, but no memory is in chunk 0.
 */
static __always_inline bool gomem_in_map(unsigned long ci,
					 unsigned long nr_chunks)
{
	return ci < nr_chunks && (!IS_ENABLED(CONFIG_UML) || ci);
}

static __always_inline void gomem_free_any(const void *p)
{
	unsigned long ci =
		gomem_pagemap_index(&gomem_pagemap, (unsigned long)p);
	unsigned long entry;

	if (unlikely(!gomem_in_map(ci, gomem_pagemap.nr_chunks))) {
		gomem_free_unusual((void *)p, 0, GOMEM_COLD_CALLER);
		return;
	}
	/* Load nr_chunks before the entry: see publish() in map/pagemap.c. */
	barrier();
	/*
	 * The entry was set before the object was handed out, and does not
	 * change. So a plain load will do.
	 */
	entry = gomem_pagemap.entry[ci];
	if (unlikely(gomem_irq_context()))
		gomem_free_from_irq((void *)p, entry, GOMEM_COLD_CALLER);
	else if (static_branch_unlikely(&gomem_careful_free))
		gomem_free_with_care((void *)p, entry, GOMEM_COLD_CALLER);
	else
		gomem_free_hit((void *)p, entry, false, false, 0);
}

#endif /* GOMEM_HIT_H */
