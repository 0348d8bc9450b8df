// SPDX-License-Identifier: GPL-2.0
/*
 * size.c - look up the size of an object, for its user and for functions that
 * free or move it.
 */
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/rcupdate.h>

#include "map/report.h"
#include "api/alloc.h"
#include "api/hit.h"
#include "api/tiny.h"

static bool starts_at(const struct gomem_span *s, const void *p)
{
	unsigned int i = s->divmul ? gomem_span_index(s, (unsigned long)p) : 0;

	return i < s->nelems && gomem_span_object(s, i) == p;
}

/* What look_up() found out about a pointer. */
struct finding {
	struct gomem_span *span;
	size_t tiny_size;	/* of a live tiny object */
	bool is_tiny;
	bool is_start;
	bool is_free;
};

/*
 * Look at a pointer. The RCU read-side section keeps its page meanwhile, as the
 * hit path of a free does.
 */
static struct finding look_up(const void *p)
{
	struct finding f = { };
	struct gomem_span *s;

	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	f.span = s;
	f.is_tiny = s && READ_ONCE(s->spc) == GOMEM_TINY_SPC;
	if (f.is_tiny)
		f.tiny_size = gomem_tiny_size(p);
	f.is_start = s && starts_at(s, p);
	if (f.is_start && !gomem_kind_is_large(s->kind))
		/*
		 * The owner of a live object may write to it concurrently.
		 * Neither the old nor the new contents are a key.
		 */
		f.is_free = data_race(gomem_is_free(gomem_kind_key(s->kind, (void *)p)));
	rcu_read_unlock();
	return f;
}

/**
 * gomem_object_size - look up the size of a live object
 * @p: the object, or any other pointer
 * @noscan: set to whether the object holds no pointers
 * @if_free: what to report if it is free
 * @caller: for the report
 *
 * Context: any.
 * Return: its usable bytes; 0, with a report, if @p is not a live object.
 */
size_t gomem_object_size(const void *p, bool *noscan, enum gomem_misuse if_free,
			 unsigned long caller)
{
	struct finding f = look_up(p);

	if (!f.span) {
		gomem_report_no_object(if_free, p, caller);
		return 0;
	}
	if (gomem_span_state(f.span) == GOMEM_SPAN_ARENA) {
		gomem_report_owner(p, caller);
		return 0;
	}
	*noscan = gomem_spc_noscan(f.span->spc);
	if (f.is_tiny) {
		if (!f.tiny_size)
			gomem_tiny_report(if_free, p, caller);
		return f.tiny_size;
	}
	if (!f.is_start || f.is_free) {
		gomem_report_pointer(f.is_start ? if_free :
						  GOMEM_INTERIOR_POINTER,
				     p, caller);
		return 0;
	}
	return f.span->kind->cache ? f.span->kind->object_size :
				     f.span->elemsize;
}

/*
 * As gomem_object_size(), but also report a scratch buffer and return 0: only
 * gomem_scratch_put() may take it back.
 */
static size_t own_size(const void *p, bool *noscan, enum gomem_misuse if_free,
		       unsigned long caller)
{
	struct gomem_span *s =
		gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);

	if (s && gomem_class_is_scratch(gomem_spc_class(s->spc))) {
		gomem_report_owner(p, caller);
		return 0;
	}
	return gomem_object_size(p, noscan, if_free, caller);
}

/**
 * gomem_freeable_size - look up the size of an object that will be freed later
 * @p: the object, or any other pointer
 * @caller: for the report
 *
 * Context: any.
 * Return: its usable bytes; 0, with a report, if gomem_free() would refuse it.
 */
size_t gomem_freeable_size(const void *p, unsigned long caller)
{
	bool noscan;

	return own_size(p, &noscan, GOMEM_DOUBLE_FREE, caller);
}

/*
 * Must the contents of an object stay as they are? The next owner relies on
 * what a constructor made, and RCU readers on the contents of a typesafe
 * object.
 */
static bool keeps_contents(const void *p)
{
	const struct gomem_span *s;
	bool keeps;

	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	keeps = s && (READ_ONCE(s->kind)->ctor || READ_ONCE(s->kind)->typesafe);
	rcu_read_unlock();
	return keeps;
}

/**
 * gomem_resizable_size - look up the size of an object to be cleared or moved
 * @p: the object, or any other pointer
 * @noscan: set to whether the object holds no pointers
 * @if_free: what to report if it is free
 * @caller: for the report
 *
 * Context: any.
 * Return: its usable bytes; 0, with a report, if @p is not a live object that
 * gomem_free() would free, or if the contents of the object have to stay.
 */
size_t gomem_resizable_size(const void *p, bool *noscan,
			    enum gomem_misuse if_free, unsigned long caller)
{
	size_t size = own_size(p, noscan, if_free, caller);

	if (size && unlikely(keeps_contents(p))) {
		gomem_report_keeps(p, caller);
		return 0;
	}
	return size;
}

/**
 * gomem_small_size - look up the size of a small object as fast as gomem_free()
 * @p: the object, or any other pointer
 * @gfp: gfp of an allocation that may follow
 *
 * Preemption is off during the look-up, which keeps the page.
 *
 * Context: any that @gfp allows.
 * Return: its size; 0 if the caller has to use gomem_large_size() or
 * gomem_resizable_size().
 */
struct gomem_sized gomem_small_size(const void *p, gfp_t gfp)
{
	unsigned long ci = gomem_pagemap_index(&gomem_pagemap,
					       (unsigned long)p), low;
	const struct gomem_slot *slot;
	struct gomem_sized found = { };
	u32 tag;

	if (unlikely(!gomem_in_map(ci, gomem_pagemap.nr_chunks)))
		return found;
	preempt_disable();
	tag = gomem_pagemap_tag(gomem_pagemap.entry[ci], (unsigned long)p);
	low = gomem_tag_low(tag);
	slot = gomem_slot_of_low(raw_cpu_read(gomem_mcache_task), low);
	found.noscan = gomem_spc_noscan(gomem_tag_spc(tag));
	if (likely(gomem_is_multiple(gomem_tag_offset((unsigned long)p, tag,
						      low),
				     slot->divmul)) &&
	    /*
	     * The owner of a live object may write to it concurrently. Neither
	     * the old nor the new contents are a key.
	     */
	    likely(!data_race(gomem_is_free(p))))
		found.size = slot->size;
	/* Be a preemption point even if the object then stays where it is. */
	if (gomem_end_hit())
		gomem_yield(gfp);
	return found;
}

size_t gomem_usable_size(const void *p)
{
	bool noscan;

	if (ZERO_OR_NULL_PTR(p))
		return 0;
	return gomem_object_size(p, &noscan, GOMEM_USE_AFTER_FREE, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_usable_size, GOMEM_NS);

bool gomem_owns(const void *p)
{
	return gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
}
EXPORT_SYMBOL_NS_GPL(gomem_owns, GOMEM_NS);
