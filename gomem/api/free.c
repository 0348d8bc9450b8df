// SPDX-License-Identifier: GPL-2.0
/*
 * free.c - gomem_free(), and its slow paths.
 */
#include <linux/export.h>
#include <linux/gomem.h>

#include "map/report.h"
#include "cpu/section.h"
#include "api/alloc.h"
#include "api/cache.h"
#include "api/cleanup.h"
#include "api/hit.h"
#include "api/large.h"
#include "api/profile.h"
#include "api/tiny.h"

DEFINE_STATIC_KEY_FALSE(gomem_careful_free);

/**
 * gomem_free_init - choose the hit path of frees for this machine
 */
void __init gomem_free_init(void)
{
	if (want_init_on_free() || static_key_enabled(&gomem_numa))
		static_branch_enable(&gomem_careful_free);
}

/*
 * Free a tiny object, or report any other pointer. The tag of the pointer's
 * page has a size class other than 0.
 */
static void reject_small(void *obj, u32 tag, unsigned long caller)
{
	unsigned int class = gomem_spc_class(gomem_tag_spc(tag));
	const struct gomem_span *s;
	bool start;

	if (class == GOMEM_TINY_CLASS) {
		gomem_tiny_free(obj, caller);
		return;
	}
	if (gomem_class_is_refused(class)) {
		gomem_report_owner(obj, caller);
		return;
	}
	start = gomem_is_start(gomem_tag_offset((unsigned long)obj, tag,
						gomem_tag_low(tag)),
			       gomem_class_divmul(class),
			       gomem_class_limit(class));
	/*
	 * Until here, @start holds for a span of the usual length. A shorter
	 * span has fewer objects, so check their number, too. If the span is
	 * gone, its number of objects is not known: an object that may have
	 * been there was freed, so report a double free.
	 */
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)obj);
	if (start && s)
		start = gomem_span_index(s, (unsigned long)obj) < s->nelems;
	gomem_report_pointer(start ? GOMEM_DOUBLE_FREE : GOMEM_INTERIOR_POINTER,
			     obj, caller);
}

/*
 * Free an object of a typed cache, or report any other pointer. The tag of the
 * pointer's page has size class 0, and gomem_large_free() has refused the
 * pointer. So if the span of a large object begins at @p, that object was freed
 * already.
 */
static noinline void free_rare(void *p, unsigned long caller)
{
	enum gomem_span_state state;
	struct gomem_span *s;

	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	if (!s) {
		gomem_report_no_object(GOMEM_DOUBLE_FREE, p, caller);
		return;
	}
	state = gomem_span_state(s);
	if (state == GOMEM_SPAN_ARENA) {
		gomem_report_owner(p, caller);
		return;
	}
	if (state != GOMEM_SPAN_LARGE && gomem_cache_take_back(p, caller))
		return;
	gomem_report_pointer(s->base == (unsigned long)p ?
				     GOMEM_DOUBLE_FREE :
				     GOMEM_INTERIOR_POINTER,
			     p, caller);
}

/*
 * Check an object whose page has specials, and give it its key, as the hit path
 * does for other pages. The span gives the span class, which the tag of such a
 * page does not tell. Return false if there is no span, or if gomem_take_back()
 * refuses @p. It refuses live objects, too, if they are tiny, large, or of a
 * typed cache. Set @tag to the tag that the page would have without specials; 0
 * if there is no span.
 */
static bool take_back_special(void *p, u32 *tag)
{
	unsigned long addr = (unsigned long)p;
	struct gomem_section sec;
	struct gomem_span *s;
	bool ok = false;

	gomem_section_enter(&sec, gomem_irq_context());
	s = gomem_pagemap_span(&gomem_pagemap, addr);
	*tag = s ? gomem_make_tag(READ_ONCE(s->base), READ_ONCE(s->spc)) : 0;
	/*
	 * gomem_take_back() refuses objects of class 0, scratch buffers, tiny
	 * blocks and handles: the divmul of their slots is 0, see
	 * gomem_slot_init().
	 */
	if (s)
		ok = gomem_take_back(&sec.mc->slot[gomem_tag_spc(*tag)], p,
				     gomem_tag_offset(addr, *tag,
						      gomem_tag_low(*tag)),
				     want_init_on_free());
	gomem_section_leave(&sec);
	return ok;
}

/* Free an object in a page where this object or another one has a special. */
static noinline void free_special(void *p, unsigned long caller)
{
	u32 tag;

	if (likely(take_back_special(p, &tag))) {
		gomem_cleanup_run(p);
		gomem_mcache_free_slow(&gomem_kinds[gomem_tag_spc(tag)], p);
	} else if (gomem_tag_spc(tag) == GOMEM_TINY_SPC) {
		/*
		 * Another object may get the bytes as soon as they are free. So
		 * remove the specials of this object first.
		 */
		gomem_cleanup_run(p);
		gomem_tiny_free(p, caller);
	} else if (gomem_spc_class(gomem_tag_spc(tag))) {
		reject_small(p, tag, caller);
	} else if (unlikely(!gomem_large_free(p))) {
		free_rare(p, caller);
	}
}

/**
 * gomem_free_unusual - free a pointer that the hit path does not handle
 * @p: NULL, ZERO_SIZE_PTR, a tiny object, a large object, an object of a typed
 *	cache, or an object in a page with specials. Any other pointer is
 *	reported
 * @tag: the tag of the page of @p; 0 if @p lies in no chunk
 * @caller: address of the code that called gomem, for reports
 *
 * Context: any but NMI; never sleeps.
 */
noinline void gomem_free_unusual(void *p, u32 tag, unsigned long caller)
{
	if (unlikely(tag & GOMEM_TAG_SPECIAL))
		free_special(p, caller);
	else if (gomem_spc_class(gomem_tag_spc(tag)))
		reject_small(p, tag, caller);
	else if (!ZERO_OR_NULL_PTR(p) && unlikely(!gomem_large_free(p)))
		free_rare(p, caller);
}

/**
 * gomem_free_unusual_pinned - call gomem_free_unusual() from a task's hit path
 * @p: the pointer
 * @tag: the tag of its page
 * @caller: address of the code that called gomem, for reports
 *
 * Context: a task. Preemption has been off since the tag was read; this
 * function turns it on.
 */
noinline void gomem_free_unusual_pinned(void *p, u32 tag, unsigned long caller)
{
	if (likely(gomem_spc_class(gomem_tag_spc(tag)) == GOMEM_TINY_CLASS)) {
		if (likely(gomem_tiny_free_held(p)))
			preempt_enable();
		else
			gomem_tiny_free_pinned(p, caller);
		return;
	}
	preempt_enable();
	gomem_free_unusual(p, tag, caller);
}

/*
 * Do what gomem_free_hit() does, but in an interrupt, and with interrupts off
 * instead of preemption.
 */
noinline void gomem_free_from_irq(void *obj, unsigned long entry,
				  unsigned long caller)
{
	struct gomem_section sec;
	struct gomem_slot *slot;
	bool ok, pushed = false;
	unsigned long low;
	u32 tag;

	if (!gomem_enter_irq(GOMEM_EV_SOFTIRQ_FREES, GOMEM_EV_HARDIRQ_FREES,
			     caller))
		return;
	gomem_section_enter(&sec, true);
	tag = gomem_pagemap_tag(entry, (unsigned long)obj);
	low = gomem_tag_low(tag);
	slot = gomem_slot_of_low(sec.mc, low);
	ok = gomem_take_back(slot, obj,
			     gomem_tag_offset((unsigned long)obj, tag, low),
			     want_init_on_free());
	if (ok)
		pushed = gomem_is_home(sec.mc, entry, obj) &&
			 gomem_slot_push(slot, obj);
	gomem_section_leave(&sec);

	if (!ok)
		gomem_free_unusual(obj, tag, caller);
	else if (!pushed)
		gomem_mcache_free_slow(&gomem_kinds[gomem_tag_spc(tag)], obj);
}

/*
 * The hit path of a machine with several nodes or init_on_free=1. Not inlined:
 * inlined, it would make the usual hit path need more registers.
 */
noinline void gomem_free_with_care(void *obj, unsigned long entry,
				   unsigned long caller)
{
	if (want_init_on_free())
		gomem_free_hit(obj, entry, true, true, caller);
	else
		gomem_free_hit(obj, entry, false, true, caller);
}

void gomem_free(const void *p)
{
	gomem_free_any(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_free, GOMEM_NS);
