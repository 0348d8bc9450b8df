// SPDX-License-Identifier: GPL-2.0
/*
 * object.c - allocate and free objects of any kind, off the hit paths.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/minmax.h>

#include "map/report.h"
#include "map/special.h"
#include "cpu/node.h"
#include "cpu/section.h"
#include "api/cleanup.h"
#include "api/large.h"
#include "api/object.h"
#include "api/watch.h"

/**
 * gomem_object_hand_out - finish an object before it is handed out
 * @k: its kind
 * @obj: the object, taken out of its slot or span
 * @gfp: the call's gfp
 * @clear: clear the object
 *
 * Not inlined in the hit paths, because the code that clears is long.
 *
 * Return: @obj.
 */
void *gomem_object_hand_out(const struct gomem_kind *k, void *obj, gfp_t gfp,
			    bool clear)
{
	*(unsigned long *)gomem_kind_key(k, obj) = 0;
	if (clear)
		gomem_clear_quickly(obj, gomem_kind_clear_size(k));
	gomem_object_track(k, obj, gfp);
	return obj;
}

/**
 * gomem_object_check - check that an object was free, and finish it
 * @k: its kind
 * @obj: the object, taken out of its slot or span
 * @gfp: the call's gfp
 * @caller: address of the code that called gomem, for the report
 *
 * An object without the key was written to while it was free, and may be
 * written to again. Or it is not free at all: it was freed twice, and its key
 * was overwritten between the two frees. In both cases the object is set aside:
 * it stays allocated for good, because other code may still use it.
 *
 * If the module of the constructor was unloaded before the object could be
 * constructed, the object is raw. Then it is freed again.
 *
 * Return: the object; NULL, with a report, if it was set aside; NULL if it was
 * not constructed.
 */
void *gomem_object_check(const struct gomem_kind *k, void *obj, gfp_t gfp,
			 unsigned long caller)
{
	if (likely(gomem_has_key(gomem_kind_key(k, obj))))
		return gomem_object_hand_out(k, obj, gfp,
					     gomem_kind_clears(k, gfp));
	if (unlikely(gomem_kind_is_raw(k, gomem_kind_key(k, obj))))
		gomem_mcache_free_slow(k, obj);
	else
		gomem_report_pointer(GOMEM_WRITE_AFTER_FREE, obj, caller);
	return NULL;
}

/*
 * Free an object that is not handed out after all, because gomem_watch()
 * refused it. @tracked: kmemleak knows the object.
 */
static noinline void drop(const struct gomem_kind *k, void *obj, bool tracked)
{
	if (gomem_has_special(obj))
		gomem_cleanup_run(obj);
	if (tracked)
		gomem_leak_forget(obj);
	gomem_set_key(gomem_kind_key(k, obj));
	gomem_mcache_free_slow(k, obj);
}

/*
 * Check and finish an object, then call gomem_watch(). Return NULL if the
 * object lacked its key, and so is not handed out: see gomem_object_check().
 * Then the caller tries another object. Return an error pointer, so that the
 * caller gives up, if gomem_watch() refused the object. Do so, too, if the
 * object lacked its key and the module of its constructor is gone, because no
 * more objects can be constructed. Kept out of line to save stack in the
 * callers, which also call the page allocator.
 */
static noinline void *hand_out(const struct gomem_kind *k, void *obj, gfp_t gfp,
			       unsigned long caller)
{
	obj = gomem_object_check(k, obj, gfp, caller);
	if (unlikely(!obj))
		return gomem_kind_is_orphan(k) ? ERR_PTR(-ENODEV) : NULL;
	if (unlikely(!gomem_watch(obj, k->object_size, gfp))) {
		drop(k, obj, true);
		return ERR_PTR(-EDQUOT);
	}
	return obj;
}

/*
 * Turn the result of hand_out() into the result of the allocation: NULL instead
 * of an error pointer. Count NULL as a failure.
 */
static __always_inline void *result(void *obj)
{
	return IS_ERR_OR_NULL(obj) ? gomem_alloc_failed() : obj;
}

/*
 * Allocate an object. If it lacks its key, it is not handed out: then try the
 * next one. Return what hand_out() returned, an object or an error pointer; or
 * NULL if there is no memory.
 */
static __always_inline void *
alloc_in_span(const struct gomem_kind *k, gfp_t gfp, unsigned long caller)
{
	void *obj;

	while ((obj = gomem_mcache_alloc_slow(k, gfp))) {
		obj = hand_out(k, obj, gfp, caller);
		if (likely(obj))
			break;
	}
	return obj;
}

/*
 * Allocate an object. If that takes a new span, make the span without the
 * kernel's reserves.
 */
static noinline void *alloc_shared(const struct gomem_kind *k, gfp_t gfp)
{
	return gomem_mcache_alloc_slow(k, gomem_gfp_shared(gfp));
}

/*
 * Allocate for a caller that may use the kernel's reserves. The reserves are
 * meant for tasks that free memory, but a span made of them would serve all
 * callers. So spans are made without reserves. If that fails, the object gets
 * pages of its own, as a large object.
 */
static noinline void *alloc_with_reserves(const struct gomem_kind *k, gfp_t gfp,
					  unsigned long caller)
{
	void *obj;

	while ((obj = alloc_shared(k, gfp))) {
		obj = hand_out(k, obj, gfp, caller);
		if (likely(obj))
			return result(obj);
	}
	return gomem_large_alloc(k->size, gfp, gomem_kind_noscan(k),
				 NUMA_NO_NODE, caller);
}

/**
 * gomem_object_alloc_in_span - allocate an object in a span of its kind
 * @k: its kind, not a large one
 * @gfp: gfp, without a zone that gomem refuses
 * @caller: address of the code that called gomem, for reports
 *
 * This function is for scratch buffers and handles. They are freed as
 * objects of the kind @k, so alloc_with_reserves(), which may return a large
 * object, cannot serve them. If the caller may use the kernel's reserves, a new
 * span may be made of these reserves.
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the object, or NULL. NULL is counted as a failure.
 */
void *gomem_object_alloc_in_span(const struct gomem_kind *k, gfp_t gfp,
				 unsigned long caller)
{
	gomem_check_context(gfp);
	return result(alloc_in_span(k, gfp, caller));
}

/**
 * gomem_object_alloc - allocate an object when the hit path found none
 * @k: its kind, not a large one
 * @gfp: gfp, without a zone that gomem refuses
 * @caller: address of the code that called gomem, for reports
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the object, or NULL. NULL is counted as a failure.
 */
void *gomem_object_alloc(const struct gomem_kind *k, gfp_t gfp,
			 unsigned long caller)
{
	gomem_check_context(gfp);
	if (unlikely(gomem_may_use_reserves(gfp)) && !k->cache)
		return alloc_with_reserves(k, gfp, caller);
	return result(alloc_in_span(k, gfp, caller));
}

/*
 * Return the gfp to make spans of a kind with. For a size class it excludes the
 * kernel's reserves: instead, an object can get pages of its own from them. An
 * object of a typed cache cannot: its span tells that it belongs to the cache.
 */
static gfp_t gfp_for_spans(const struct gomem_kind *k, gfp_t gfp)
{
	return !k->cache && gomem_may_use_reserves(gfp) ?
		       gomem_gfp_shared(gfp) : gfp;
}

/**
 * gomem_object_alloc_remote - allocate an object of another node
 * @k: its kind, not a large one
 * @h: the node's heap
 * @gfp: as for gomem_alloc()
 * @caller: address of the code that called gomem, for reports
 *
 * The object bypasses the slots.
 *
 * Context: any, but refused in NMI; may sleep if @gfp allows it.
 * Return: the object, or NULL.
 */
void *gomem_object_alloc_remote(const struct gomem_kind *k,
				struct gomem_heap *h, gfp_t gfp,
				unsigned long caller)
{
	void *obj;

	if (!gomem_enter_alloc(k->object_size, gfp, caller))
		return NULL;
	while ((obj = gomem_mcache_alloc_direct(gomem_central(h, k),
						gfp_for_spans(k, gfp)))) {
		gomem_count(GOMEM_EV_REMOTE_ALLOCS, 1);
		obj = hand_out(k, obj, gfp, caller);
		if (likely(obj))
			return result(obj);
	}
	if (unlikely(gfp_for_spans(k, gfp) != gfp))
		return gomem_large_alloc(k->size, gfp, gomem_kind_noscan(k),
					 h->node, caller);
	return gomem_alloc_failed();
}
EXPORT_SYMBOL_IF_KUNIT(gomem_object_alloc_remote);

/**
 * gomem_object_free - free an object, off the hit path
 * @k: its kind, that of a span class
 * @obj: the object, which the caller has checked to be live
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_object_free(const struct gomem_kind *k, void *obj)
{
	if (gomem_has_special(obj))
		gomem_cleanup_run(obj);
	gomem_leak_forget(obj);
	if (want_init_on_free())
		gomem_clear(obj, k->size);
	gomem_set_key(obj);
	gomem_mcache_free_slow(k, obj);
}

/*
 * Clear objects of @size bytes: @words to 2 * @words words. Store zeroes to the
 * first @words words and to the last @words words of each object; these two
 * ranges may overlap.
 */
static __always_inline void clear_each(size_t n, void **p, size_t size,
				       unsigned int words)
{
	void **end = p + n;
	u64 *first, *last;

	for (; p != end; p++) {
		first = *p;
		last = *p + size - words * sizeof(u64);
		/* One address for all stores, not one computed for each. */
		OPTIMIZER_HIDE_VAR(last);
		gomem_store_zeroes(first, words);
		gomem_store_zeroes(last, words);
	}
}

/**
 * gomem_objects_clear - clear objects of one size
 * @n: number of objects
 * @p: the objects
 * @size: bytes of each, a multiple of 8, at least 8
 *
 * Selects the sequence of stores once for all objects. gomem_clear_quickly()
 * would select it for each: an object of 64 bytes takes 22 instructions by it,
 * and 17 here.
 *
 * Return: @n. The hit path of a bulk call ends with a tail call of this
 * function if only the clearing is left to do, and so returns @n, too.
 */
size_t gomem_objects_clear(size_t n, void **p, size_t size)
{
	size_t i;

	if (size <= 16)
		clear_each(n, p, size, 1);
	else if (size <= 32)
		clear_each(n, p, size, 2);
	else if (size <= 64)
		clear_each(n, p, size, 4);
	else if (size <= 128)
		clear_each(n, p, size, 8);
	else
		for (i = 0; i < n; i++)
			gomem_clear_quickly(p[i], size);
	return n;
}

/**
 * gomem_objects_hand_out - finish several objects before they are handed out
 * @k: their kind
 * @p: the objects, whose keys were cleared
 * @n: number of objects
 * @gfp: the call's gfp
 */
void gomem_objects_hand_out(const struct gomem_kind *k, void **p,
			    unsigned int n, gfp_t gfp)
{
	unsigned int i;

	if (gomem_kind_clears(k, gfp))
		gomem_objects_clear(n, p, gomem_kind_clear_size(k));
	for (i = 0; IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) && i < n; i++)
		gomem_object_track(k, p[i], gfp);
}

/**
 * gomem_objects_drop - free objects of a bulk call that are not handed out
 * @k: their kind
 * @p: the objects
 * @n: their number
 * @tracked: kmemleak knows them
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_objects_drop(const struct gomem_kind *k, void **p, unsigned int n,
			bool tracked)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		drop(k, p[i], tracked);
}

/*
 * Pop up to @most objects from the slot and finish them. Return their number; 0
 * if the slot is empty. Return -1 instead if the next object has to be
 * allocated alone, by gomem_object_alloc():
 *	the top object lacks its key
 *	gomem_watch_many() refused all popped objects
 *	the slot is empty, the kind is a span class, and the caller may use the
 *	kernel's reserves, from which alloc_with_reserves() serves one object
 */
static noinline int pop_some(const struct gomem_kind *k, gfp_t gfp, void **p,
			     size_t most)
{
	unsigned int n = min_t(size_t, most, GOMEM_BATCH_MAX);
	struct gomem_section sec;
	struct gomem_slot *slot;
	bool unusual = false;

	gomem_check_context(gfp);
	gomem_section_enter(&sec, gomem_irq_context());
	slot = gomem_section_slot(&sec, k);
	/* Two calls: a constant key offset saves an instruction per object. */
	n = likely(!k->key) ? gomem_slot_pop_many(slot, 0, p, n, &unusual) :
			      gomem_slot_pop_many(slot, k->key, p, n, &unusual);
	gomem_section_leave(&sec);
	if (!n)
		return unlikely(unusual) ||
		       (!k->cache && unlikely(gomem_may_use_reserves(gfp))) ?
			       -1 : 0;
	return gomem_objects_finish(k, p, n, gfp) ?: -1;
}

/*
 * Remove from @p the objects that were written to while they were free, and
 * clear the keys of the others. Begin at index @good. If bit i of @fresh is
 * set, object i never had a key. Its first word may have any value, so it is
 * not checked. Return how many objects remain.
 */
static noinline unsigned int check_others(void **p, unsigned int good,
					  unsigned int n, u64 fresh,
					  unsigned long caller)
{
	unsigned int i;
	void *obj;

	for (i = good; i < n; i++) {
		obj = p[i];
		if (!(fresh & BIT_ULL(i)) && unlikely(!gomem_has_key(obj))) {
			gomem_report_pointer(GOMEM_WRITE_AFTER_FREE, obj,
					     caller);
			continue;
		}
		*(unsigned long *)obj = 0;
		p[good++] = obj;
	}
	return good;
}

/*
 * Do what check_others() does, for the whole array, but faster: do not write to
 * the array. If an object has to be removed, check_others() does the rest.
 */
static noinline unsigned int check_many(void **p, unsigned int n, u64 fresh,
					unsigned long caller)
{
	unsigned int used = min_t(unsigned int, fresh ? __ffs64(fresh) : n, n),
		     end, i;
	u64 old = used < 64 ? ~(fresh >> used) : 0;
	/*
	 * Load gomem_secret once. As far as the compiler knows, the stores to
	 * objects could change it.
	 */
	unsigned long secret = gomem_secret, *word;

	for (i = 0; i < used; i++) {
		word = p[i];
		if (unlikely(*word != (secret ^ (unsigned long)word)))
			break;
		*word = 0;
	}
	/*
	 * Fresh objects come after reused ones. Only if @p has objects of two
	 * spans can reused ones follow fresh ones: check_others() handles them.
	 */
	end = old ? min_t(unsigned int, used + __ffs64(old), n) : n;
	if (i < used)
		end = i;
	for (; i < end; i++)
		*(unsigned long *)p[i] = 0;
	return i == n ? n : check_others(p, i, n, fresh, caller);
}

/*
 * Check and finish objects one by one. Their kind has a constructor, or a key
 * after the object. Move the objects that gomem_object_check() accepts to the
 * front, and return their number.
 */
static noinline unsigned int check_each(const struct gomem_kind *k, void **p,
					unsigned int n, gfp_t gfp,
					unsigned long caller)
{
	unsigned int i, good = 0;

	for (i = 0; i < n; i++) {
		p[good] = gomem_object_check(k, p[i], gfp, caller);
		good += !!p[good];
	}
	return good;
}

/*
 * May gomem_mcache_alloc_many() leave out the keys of objects that were never
 * handed out? Not if the kind has a constructor, or its key after the object.
 * Objects of such a kind are checked by check_each(), which takes an object
 * without a key for one that was written to after its free.
 */
static bool needs_no_key(const struct gomem_kind *k)
{
	return !k->ctor && !k->key;
}

/*
 * Check and finish the objects that gomem_mcache_alloc_many() found. Return how
 * many of them can be handed out; 0 if all of them had been written to while
 * they were free. Return -1 if there was no memory, if gomem_watch_many()
 * refused them all, or if none was constructed because the module of the
 * constructor is gone.
 */
static noinline int finish_many(const struct gomem_kind *k, gfp_t gfp, void **p,
				struct gomem_many m, unsigned long caller)
{
	unsigned int n, good;

	if (unlikely(!m.n)) {
		gomem_alloc_failed();
		return -1;
	}
	if (!needs_no_key(k)) {
		n = check_each(k, p, m.n, gfp, caller);
		if (unlikely(!n) && gomem_kind_is_orphan(k)) {
			gomem_alloc_failed();
			return -1;
		}
		good = gomem_watch_many(p, n, k->object_size, gfp);
		if (unlikely(good < n))
			gomem_objects_drop(k, p + good, n - good, true);
	} else {
		n = check_many(p, m.n, m.fresh, caller);
		good = gomem_objects_finish(k, p, n, gfp);
	}
	return unlikely(good < n) && !good ? -1 : good;
}

/*
 * Allocate up to @n objects. Return their number. 0 means that all objects that
 * were taken had been written to while they were free: the caller tries again.
 * Return -1 if the bulk call has to stop: if there is no memory, if
 * gomem_watch() or gomem_watch_many() refused the objects, or if the module of
 * the constructor is gone.
 */
static __always_inline int alloc_some(const struct gomem_kind *k, gfp_t gfp,
				      void **p, size_t n, unsigned long caller)
{
	int popped = pop_some(k, gfp, p, n);

	if (popped > 0)
		return popped;
	if (unlikely(popped)) {
		p[0] = gomem_object_alloc(k, gfp, caller);
		return p[0] ? 1 : -1;
	}
	return finish_many(k, gfp, p,
			   gomem_mcache_alloc_many(k, gfp, p, n,
						   needs_no_key(k)),
			   caller);
}

/**
 * gomem_objects_alloc - allocate several objects at once, off the hit path
 * @k: their kind, not a large one
 * @gfp: gfp, accepted by gomem_enter_alloc()
 * @n: number of objects wanted
 * @p: array for the objects
 * @caller: address of the code that called gomem, for reports
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the number of objects; less than @n if there is no memory for more,
 * or if more were refused by gomem_watch_many().
 */
size_t gomem_objects_alloc(const struct gomem_kind *k, gfp_t gfp, size_t n,
			   void **p, unsigned long caller)
{
	size_t left = n;
	int more;

	while (left) {
		more = alloc_some(k, gfp, p, left, caller);
		if (unlikely(more < 0))
			break;
		p += more;
		left -= more;
	}
	return n - left;
}
