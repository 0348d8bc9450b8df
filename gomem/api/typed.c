// SPDX-License-Identifier: GPL-2.0
/*
 * typed.c - allocate and free objects of typed caches.
 *
 * The caller passes the cache to the hit paths, so they need neither a tag nor
 * the size. They differ from the hit paths of hit.h in three ways: they find
 * the slot through the cache, the key of a free object may lie after the
 * object, and the cache says whether an object is cleared. Off the hit paths,
 * object.c handles a typed cache like any other kind.
 */
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "map/describe.h"
#include "map/report.h"
#include "map/special.h"
#include "cpu/node.h"
#include "cpu/arm.h"
#include "cpu/section.h"
#include "api/cache.h"
#include "api/cleanup.h"
#include "api/entry.h"
#include "api/object.h"
#include "api/profile.h"
#include "api/undo.h"

/*
 * Is the cache closed, so that its slots are not refilled? A cache is closed if
 * it was destroyed: then its slots stay empty, so each allocation gets here. It
 * is also closed if the module of its constructor was unloaded: then objects in
 * its slots, which were constructed before, can still be handed out.
 */
static bool is_closed(const struct gomem_cache *c)
{
	return !gomem_cache_is_live(c) || gomem_kind_is_orphan(&c->kind);
}

/* Report an allocation from a cache for which is_closed() is true. */
static noinline void *refuse(const struct gomem_cache *c, unsigned long caller)
{
	if (gomem_cache_is_live(c))
		gomem_report_no_ctor(&c->kind, caller);
	else
		gomem_report_cache(c, caller);
	return NULL;
}

/* Allocate an object when the slot has none. Tail-called by the hit path. */
static noinline void *cache_miss(struct gomem_cache *c, gfp_t gfp,
				 unsigned long caller)
{
	if (unlikely(is_closed(c)))
		return refuse(c, caller);
	return gomem_object_alloc(&c->kind, gfp, caller);
}

/*
 * Check an object that was popped from the slot, and hand it out. If it was
 * written to while it was free, allocate another one.
 */
static noinline void *cache_check(struct gomem_cache *c, void *obj, gfp_t gfp,
				  unsigned long caller)
{
	return gomem_object_check(&c->kind, obj, gfp, caller) ?:
	       cache_miss(c, gfp, caller);
}

/*
 * Hand out an object whose hit ended the slot's countdown to the next sample.
 * Record the object, unless gomem_arm_sampled() says that it is not sampled.
 */
static noinline void *cache_sampled(struct gomem_cache *c, void *obj, gfp_t gfp,
				    unsigned long caller)
{
	int thin = gomem_arm_sampled(&c->kind);

	gomem_check_context(gfp);
	obj = gomem_object_check(&c->kind, obj, gfp, caller);
	if (unlikely(!obj))
		return cache_miss(c, gfp, caller);
	if (thin >= 0)
		gomem_profile_take(obj, c->kind.object_size, thin, false);
	return obj;
}

/*
 * Yield to a task that waits for this CPU, then hand out @obj. If @obj is NULL,
 * allocate an object.
 */
static noinline void *cache_yielded(struct gomem_cache *c, void *obj, gfp_t gfp,
				    unsigned long caller)
{
	gomem_yield(gfp);
	return obj ? cache_check(c, obj, gfp, caller) :
		     cache_miss(c, gfp, caller);
}

/*
 * Allocate off the hit path: in an interrupt, if gomem_is_watched() returns
 * true, or to refuse the gfp.
 */
static noinline void *cache_alloc_checked(struct gomem_cache *c, gfp_t gfp,
					  unsigned long caller)
{
	if (!gomem_enter_alloc(c->kind.object_size, gfp, caller))
		return NULL;
	return cache_miss(c, gfp, caller);
}

/*
 * Allocate an object of a typed cache, on the hit path if the CPU's slot has
 * one. If @caller is 0, the address of the exported function's caller is used
 * instead, and is loaded only off the hit path.
 */
static __always_inline void *cache_alloc_hit(struct gomem_cache *c, gfp_t gfp,
					     unsigned long caller)
{
	struct gomem_slot *slot;
	unsigned long *key;
	void *obj;

	if (unlikely(gfp & GOMEM_GFP_REFUSED) || unlikely(gomem_irq_context()))
		return cache_alloc_checked(c, gfp, caller ?: GOMEM_COLD_CALLER);
	gomem_check_hit(gfp);

	preempt_disable();
	slot = &raw_cpu_ptr(c->kind.cpu)->task.slot;
	obj = gomem_slot_pop(slot);
	if (likely(obj) && gomem_slot_count(slot)) {
		preempt_enable();
		return cache_sampled(c, obj, gfp, caller ?: GOMEM_COLD_CALLER);
	}
	if (gomem_end_hit())
		return cache_yielded(c, obj, gfp, caller ?: GOMEM_COLD_CALLER);

	if (unlikely(!obj))
		return cache_miss(c, gfp, caller ?: GOMEM_COLD_CALLER);
	key = gomem_kind_key(&c->kind, obj);
	if (unlikely(!gomem_has_key(key)))
		return cache_check(c, obj, gfp, caller ?: GOMEM_COLD_CALLER);
	if (gomem_kind_clears(&c->kind, gfp))
		return gomem_object_hand_out(&c->kind, obj, gfp, true);
	*key = 0;
	gomem_object_track(&c->kind, obj, gfp);
	return obj;
}

/*
 * Allocate while gomem_watching is enabled. Take the hit path, unless
 * gomem_is_watched() says that the object may have to be recorded, charged or
 * refused.
 */
static noinline void *cache_alloc_watched(struct gomem_cache *c, gfp_t gfp,
					  unsigned long caller)
{
	return gomem_is_watched() ? cache_alloc_checked(c, gfp, caller) :
				    cache_alloc_hit(c, gfp, caller);
}

static __always_inline void *cache_alloc(struct gomem_cache *c, gfp_t gfp)
{
	if (gomem_watches())
		return cache_alloc_watched(c, gfp, GOMEM_COLD_CALLER);
	return cache_alloc_hit(c, gfp, 0);
}

void *gomem_cache_alloc(struct gomem_cache *c, gfp_t gfp)
{
	return cache_alloc(c, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_alloc, GOMEM_NS);

void *gomem_cache_alloc_node(struct gomem_cache *c, gfp_t gfp, int node)
{
	struct gomem_node_choice to = gomem_node_choose(node, gfp, _RET_IP_);

	if (!to.valid)
		return NULL;
	if (to.slots)
		return cache_alloc(c, gfp);
	if (unlikely(is_closed(c)))
		return refuse(c, _RET_IP_);
	return gomem_object_alloc_remote(&c->kind, to.heap, gfp, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_alloc_node, GOMEM_NS);

/*
 * Report a pointer that is not a live object of the cache, and leave it alone.
 * But an object of the cache's twin, which the kernel allocated, is freed.
 */
static noinline void reject(const struct gomem_cache *c, void *p,
			    unsigned long caller)
{
	struct gomem_span *s;
	bool start;

	if (ZERO_OR_NULL_PTR(p))
		return;
	if (c->twin && gomem_is_kernel_object(c->twin, p)) {
		kmem_cache_free(c->twin, p);
		return;
	}
	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	if (!s) {
		gomem_report_no_object(GOMEM_DOUBLE_FREE, p, caller);
	} else if (READ_ONCE(s->kind) != &c->kind) {
		gomem_report_owner(p, caller);
	} else {
		start = gomem_is_start((unsigned long)p - s->base, s->divmul,
				       (u64)s->nelems << 32);
		gomem_report_pointer(start ? GOMEM_DOUBLE_FREE :
					     GOMEM_INTERIOR_POINTER,
				     p, caller);
	}
	rcu_read_unlock();
}

/*
 * Return the span of an object of the cache, or NULL. The caller is in an RCU
 * read-side section, or has preemption off.
 */
static __always_inline struct gomem_span *span_of(const struct gomem_cache *c,
						  void *p)
{
	struct gomem_span *s =
		gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);

	return likely(s) && likely(READ_ONCE(s->kind) == &c->kind) ? s : NULL;
}

static __always_inline bool set_key_once(const struct gomem_cache *c, void *obj,
					 unsigned long *word,
					 unsigned long secret)
{
	size_t clear = want_init_on_free() && c->kind.clears ?
		       gomem_kind_clear_size(&c->kind) : 0;

	return gomem_set_key_once(obj, word, secret ^ (unsigned long)word,
				  clear);
}

/*
 * Check an object that is being freed, and give it its key. Return false if it
 * is not the start of one of the first @limit objects of the span, or is free
 * already. @limit is the number of objects of the span, except that the hit
 * path passes 0 if an object of the span has a special: free_unusual() frees
 * the objects of such a span. From the look-up of the span to the last access
 * to the object, the object's page must not go back to the kernel. So on the
 * hit path preemption is off, as in hit.h. Off the hit path the caller is in an
 * RCU read-side section, whose cost does not matter there.
 */
static __always_inline bool take_back(const struct gomem_cache *c,
				      const struct gomem_span *s, void *obj,
				      unsigned int limit)
{
	return likely(gomem_is_start((unsigned long)obj - s->base,
				     c->kind.divmul, (u64)limit << 32)) &&
	       set_key_once(c, obj, gomem_kind_key(&c->kind, obj),
			    gomem_secret);
}

/*
 * Free an object off the hit path. The caller has checked the context, and is
 * in an RCU read-side section. So the object's page stays with gomem. The
 * section also keeps the memory of a cache that the caller found through the
 * object: gomem_cache_close() waits for a grace period before it frees the
 * cache's memory.
 */
static void free_slow(struct gomem_cache *c, void *p, unsigned long caller)
{
	struct gomem_span *s = span_of(c, p);

	if (unlikely(!s || !take_back(c, s, p, s->nelems))) {
		reject(c, p, caller);
		return;
	}
	if (gomem_has_special(p))
		gomem_cleanup_run(p);
	gomem_mcache_free_slow(&c->kind, p);
}

/*
 * Free an object that the hit path cannot free, because the caller is in an
 * interrupt, or because the object's span has specials. Report a pointer that
 * is not a live object.
 */
static noinline void free_unusual(struct gomem_cache *c, void *p,
				  unsigned long caller)
{
	rcu_read_lock();
	free_slow(c, p, caller);
	rcu_read_unlock();
}

static noinline void free_from_irq(struct gomem_cache *c, void *p,
				   unsigned long caller)
{
	if (gomem_enter_free(caller))
		free_unusual(c, p, caller);
}

void gomem_cache_free(struct gomem_cache *c, void *p)
{
	bool ok, pushed = false;
	unsigned int limit = 1;
	struct gomem_span *s;

	if (unlikely(gomem_irq_context())) {
		free_from_irq(c, p, GOMEM_COLD_CALLER);
		return;
	}
	preempt_disable();
	s = span_of(c, p);
	if (likely(s))
		limit = READ_ONCE(s->limit);
	ok = s && take_back(c, s, p, limit);
	if (likely(ok) &&
	    (!static_branch_unlikely(&gomem_numa) || gomem_mcache_is_home(p)))
		pushed = gomem_slot_push(&raw_cpu_ptr(c->kind.cpu)->task.slot,
					 p);
	preempt_enable();
	if (unlikely(!limit))
		free_unusual(c, p, GOMEM_COLD_CALLER);
	else if (unlikely(!ok))
		reject(c, p, GOMEM_COLD_CALLER);
	else if (unlikely(!pushed))
		gomem_mcache_free_slow(&c->kind, p);
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_free, GOMEM_NS);

/**
 * gomem_cache_take_back - free an object of a typed cache for gomem_free()
 * @p: the pointer that gomem_free() was called with
 * @caller: address of the code that called gomem, for reports
 *
 * Context: that of gomem_free(), which has checked it.
 * Return: false if @p lies in no span of a typed cache, else true. If @p is not
 * a live object of the cache, it is reported.
 */
bool gomem_cache_take_back(void *p, unsigned long caller)
{
	struct gomem_cache *c = NULL;
	struct gomem_span *s;

	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	if (s)
		c = READ_ONCE(s->kind)->cache;
	if (c)
		free_slow(c, p, caller);
	rcu_read_unlock();
	return c;
}

/* Pop up to @n objects from the slot, in task context. Return their number. */
static __always_inline size_t cache_alloc_bulk_hit(struct gomem_cache *c,
						   gfp_t gfp, size_t n,
						   void **p)
{
	bool unusual = false;

	if ((gomem_watches() && gomem_is_watched()) ||
	    unlikely(gfp & GOMEM_GFP_REFUSED) || unlikely(gomem_irq_context()))
		return 0;
	gomem_check_hit(gfp);
	preempt_disable();
	n = gomem_slot_pop_many(&raw_cpu_ptr(c->kind.cpu)->task.slot,
				c->kind.key, p,
				min_t(size_t, n, GOMEM_BATCH_MAX), &unusual);
	if (gomem_end_hit())
		gomem_yield(gfp);
	return gomem_objects_finish(&c->kind, p, n, gfp);
}

/*
 * Free the @n objects of a bulk call that failed, and give their pages back to
 * the kernel. Not inlined, because calls rarely fail.
 */
static noinline size_t cache_undo_bulk(struct gomem_cache *c, gfp_t gfp,
				       size_t n, void **p)
{
	gomem_cache_free_bulk(c, n, p);
	gomem_undo(&c->kind, n, gfp);
	return 0;
}

/* Allocate the objects from number @done on. Kept out of line to save stack. */
static noinline size_t cache_finish_bulk(struct gomem_cache *c, gfp_t gfp,
					 size_t n, void **p, size_t done,
					 unsigned long caller)
{
	if (unlikely(is_closed(c))) {
		refuse(c, caller);
		return done ? cache_undo_bulk(c, gfp, done, p) : 0;
	}
	if (!gomem_enter_alloc(c->kind.object_size, gfp, caller))
		return 0;
	done += gomem_objects_alloc(&c->kind, gfp, n - done, p + done, caller);
	return likely(done == n) ? n : cache_undo_bulk(c, gfp, done, p);
}

size_t gomem_cache_alloc_bulk(struct gomem_cache *c, gfp_t gfp, size_t n,
			      void **p)
{
	size_t done = cache_alloc_bulk_hit(c, gfp, n, p);

	if (likely(done == n))
		return n;
	return cache_finish_bulk(c, gfp, n, p, done, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_alloc_bulk, GOMEM_NS);

/*
 * Check objects, give them their keys, and push them on the slot, which the
 * caller owns. Objects that the slot has no room for, and objects of other
 * nodes, are moved to the front of @p instead, and counted in *@left. If @left
 * is NULL, the slot has room for all objects, and there is only one node. Stop
 * at an object of a span with specials, or at a pointer that is not a live
 * object. Return the number of objects before that place, moved ones included.
 */
static __always_inline unsigned int
cache_push_many(struct gomem_cache *c, struct gomem_slot *slot, void **p,
		unsigned int n, unsigned int *left)
{
	/*
	 * Load these values once. As far as the compiler knows, the stores to
	 * objects could change them.
	 */
	unsigned long secret = gomem_secret, base = 0, bytes = 0;
	u32 divmul = c->kind.divmul, key = c->kind.key;
	void **top = slot->top, *obj;
	struct gomem_span *s;
	unsigned int i;

	for (i = 0; i < n; i++) {
		obj = p[i];
		/*
		 * Look up the span only if the object is not in the span of the
		 * previous object. That span still exists: the previous object,
		 * now in the slot or counted in *@left, keeps its alloc bit.
		 */
		if ((unsigned long)obj - base >= bytes) {
			s = span_of(c, obj);
			if (unlikely(!s))
				break;
			base = s->base;
			bytes = READ_ONCE(s->limit) * c->kind.size;
		}
		if (unlikely((unsigned long)obj - base >= bytes) ||
		    unlikely(!gomem_is_multiple((unsigned long)obj - base,
						divmul)) ||
		    unlikely(!set_key_once(c, obj, obj + key, secret)))
			break;
		if (left &&
		    (top == slot->end || (static_branch_unlikely(&gomem_numa) &&
					  !gomem_mcache_is_home(obj))))
			p[(*left)++] = obj;
		else
			*top++ = obj;
	}
	slot->top = top;
	return i;
}

/*
 * Push objects in a section, see cache_push_many(). The section has preemption
 * or interrupts off. So no page of the objects goes back to the kernel between
 * the look-up of its span and the last access to an object.
 */
static unsigned int cache_free_section(struct gomem_cache *c, void **p,
				       unsigned int n, unsigned int *left)
{
	struct gomem_section sec;

	gomem_section_enter(&sec, gomem_irq_context());
	n = cache_push_many(c, gomem_section_slot(&sec, &c->kind), p, n, left);
	gomem_section_leave(&sec);
	return n;
}

static noinline void cache_free_bulk_slow(struct gomem_cache *c, size_t n,
					  void **p, unsigned long caller)
{
	unsigned int done, left, len;

	if (!gomem_enter_free(caller))
		return;
	for (; n; n -= done, p += done) {
		len = min_t(size_t, n, gomem_free_section_max());
		left = 0;
		done = cache_free_section(c, p, len, &left);
		if (left)
			gomem_mcache_free_many(&c->kind, p, left, false);
		if (likely(done == len))
			continue;
		/*
		 * p[done] is NULL, an object of a span with specials, or a
		 * pointer that is not a live object of @c.
		 */
		free_unusual(c, p[done], caller);
		done++;
	}
}

/*
 * Push the first objects of @p, or none in an interrupt, with init_on_free=1 or
 * with several nodes. Stop when the slot is full, after GOMEM_BATCH_MAX
 * objects, or at the first object that cache_push_many() does not take. Return
 * the number of objects pushed.
 */
static __always_inline size_t cache_free_bulk_hit(struct gomem_cache *c,
						  size_t n, void **p)
{
	struct gomem_slot *slot;

	if (unlikely(gomem_irq_context()) || want_init_on_free() ||
	    static_branch_unlikely(&gomem_numa))
		return 0;
	preempt_disable();
	slot = &raw_cpu_ptr(c->kind.cpu)->task.slot;
	n = min3(n, (size_t)GOMEM_BATCH_MAX, (size_t)(slot->end - slot->top));
	n = cache_push_many(c, slot, p, n, NULL);
	preempt_enable();
	return n;
}

void gomem_cache_free_bulk(struct gomem_cache *c, size_t n, void **p)
{
	size_t done = cache_free_bulk_hit(c, n, p);

	if (unlikely(done < n))
		cache_free_bulk_slow(c, n - done, p + done, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_cache_free_bulk, GOMEM_NS);
