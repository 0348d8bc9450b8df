/* SPDX-License-Identifier: GPL-2.0 */
/*
 * object.h - allocate and free objects of any kind, between the API and the
 * CPUs' slots.
 *
 * Span classes, typed caches, scratch buffers and handles of arenas differ in
 * their struct gomem_kind. Off the hit paths they all share the code of
 * object.c. Only the hit paths exist twice: hit.h finds the slot by the size
 * class or by the page's tag, and typed.c gets the cache from its caller. The
 * comment at the head of each of these files says what its hit path saves.
 */
#ifndef GOMEM_OBJECT_H
#define GOMEM_OBJECT_H

#include <linux/mm.h>
#include <linux/types.h>

#include "base/key.h"
#include "map/kind.h"
#include "cpu/mcache.h"
#include "api/entry.h"
#include "api/watch.h"

struct gomem_heap;

/*
 * Does an object have to be cleared before it is handed out? An object with a
 * constructor is never cleared. If the object has none, but RCU readers rely on
 * its contents, it is cleared for __GFP_ZERO, but not for init_on_alloc=1.
 */
static __always_inline bool gomem_kind_clears(const struct gomem_kind *k,
					      gfp_t gfp)
{
	if (likely(k->clears))
		return want_init_on_alloc(gfp);
	return (gfp & __GFP_ZERO) && !k->ctor;
}

/* Return how many bytes of an object to clear. A key after it is kept. */
static __always_inline size_t gomem_kind_clear_size(const struct gomem_kind *k)
{
	return ALIGN(k->object_size, sizeof(u64));
}

static __always_inline void gomem_object_track(const struct gomem_kind *k,
					       void *obj, gfp_t gfp)
{
	gomem_leak_track(obj, k->object_size, gomem_kind_noscan(k), gfp);
}

/*
 * Give an object that is being freed its key. Return false if the object has
 * its key already: then it is free. @word: address of the key. @clear: bytes to
 * clear first, or 0.
 */
static __always_inline bool gomem_set_key_once(void *obj, unsigned long *word,
					       unsigned long key, size_t clear)
{
	if (unlikely(*word == key))
		return false;
	gomem_leak_forget(obj);
	if (clear)
		gomem_clear(obj, clear);
	*word = key;
	return true;
}

void *gomem_object_hand_out(const struct gomem_kind *k, void *obj, gfp_t gfp,
			    bool clear);
void *gomem_object_check(const struct gomem_kind *k, void *obj, gfp_t gfp,
			 unsigned long caller);
void *gomem_object_alloc(const struct gomem_kind *k, gfp_t gfp,
			 unsigned long caller);
void *gomem_object_alloc_in_span(const struct gomem_kind *k, gfp_t gfp,
				 unsigned long caller);
void *gomem_object_alloc_remote(const struct gomem_kind *k,
				struct gomem_heap *h, gfp_t gfp,
				unsigned long caller);
void gomem_object_free(const struct gomem_kind *k, void *obj);

size_t gomem_objects_clear(size_t n, void **p, size_t size);
void gomem_objects_hand_out(const struct gomem_kind *k, void **p,
			    unsigned int n, gfp_t gfp);
size_t gomem_objects_alloc(const struct gomem_kind *k, gfp_t gfp, size_t n,
			   void **p, unsigned long caller);

void gomem_objects_drop(const struct gomem_kind *k, void **p, unsigned int n,
			bool tracked);

/*
 * Record and charge the objects of a bulk call, then finish them. Return the
 * number of objects that the caller gets, counted from p[0]. The others were
 * refused by gomem_watch_many(), and have been freed.
 */
static __always_inline unsigned int
gomem_objects_finish(const struct gomem_kind *k, void **p, unsigned int n,
		     gfp_t gfp)
{
	unsigned int good = gomem_watch_many(p, n, k->object_size, gfp);

	if (unlikely(good < n))
		gomem_objects_drop(k, p + good, n - good, false);
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) || gomem_kind_clears(k, gfp))
		gomem_objects_hand_out(k, p, good, gfp);
	return good;
}

#endif /* GOMEM_OBJECT_H */
