/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cache.h - typed caches: objects of one size that is no size class's (kmem_cache).
 *
 * A typed cache is a kind of its own (kind.h): its objects lie in spans of their own,
 * side by side without rounding, and each CPU has slots for them. From there on down
 * they are like all others: mcentral, sweeping, pages.
 *
 * The tag of its pages is that of large objects, class 0, for want of numbers: who
 * finds that looks at the span.
 */
#ifndef GOMEM_CACHE_H
#define GOMEM_CACHE_H

#include <linux/list.h>
#include <linux/types.h>

#include "kind.h"

struct gomem_heap;
struct gomem_mcentral;
struct kmem_cache;

/*
 * LIVE -> CLOSING, while it is emptied by who destroys it and nobody else -> GONE, if
 * that was all; or LIVE again, if objects are left.
 */
enum gomem_cache_state {
	GOMEM_CACHE_LIVE,
	GOMEM_CACHE_CLOSING,
	GOMEM_CACHE_GONE,
};

/**
 * struct gomem_cache - a typed cache
 * @kind: what its objects are
 * @object_size: bytes of an object that are its user's
 * @clears: init_on_alloc and init_on_free mean these objects too
 * @magic: see magic_of()
 * @align: what each object is aligned to
 * @useroffset: where in an object the part begins that user space may see
 * @usersize: its bytes
 * @destroyed: set by whoever destroys it, of several the one that found it 0. If objects
 *	were left, frees are all that is taken then
 * @state: how far its destruction is; under the lock of the list
 * @visitors: tasks that look at the cache without that lock; it stays on the list until
 *	there are none
 * @central: central lists, one for each heap
 * @link: in the list of all typed caches
 * @twin: the kernel's cache whose users may come with objects of either, which are told
 *	apart by their pages: override_twin.h. NULL: there is none
 * @name: for people
 */
struct gomem_cache {
	struct gomem_kind kind;
	unsigned int object_size;
	bool clears;
	unsigned long magic;
	unsigned int align;
	unsigned int useroffset;
	unsigned int usersize;
	unsigned int destroyed;
	enum gomem_cache_state state;
	unsigned int visitors;
	struct gomem_mcentral *central;
	struct list_head link;
	struct kmem_cache *twin;
	const char *name;
};

/**
 * struct gomem_cache_counts - what typed caches have counted that are gone
 * @mallocs: objects ever allocated
 * @frees: of these, those that were freed
 * @bytes: of all that were allocated
 */
struct gomem_cache_counts {
	u64 mallocs;
	u64 frees;
	u64 bytes;
};

void gomem_visit_caches_and_gone(void (*fn)(const struct gomem_kind *k, void *arg), void *arg,
				 struct gomem_cache_counts *n);
void gomem_visit_caches(void (*fn)(const struct gomem_kind *k, void *arg), void *arg);
void gomem_empty_caches(void (*fn)(const struct gomem_kind *k, void *arg), void *arg);
bool gomem_cache_take_back(void *p, unsigned long caller);
bool gomem_cache_close(struct gomem_cache *c, unsigned long caller);
void gomem_cache_exit(void);

#endif /* GOMEM_CACHE_H */
