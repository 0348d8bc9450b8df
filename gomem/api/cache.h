/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cache.h - typed caches: objects of one exact size, as of a kmem_cache.
 *
 * A typed cache is a kind (map/kind.h). Its objects lie side by side, without
 * rounding to a size class, in spans of their own. Each CPU has slots for them.
 * Below the slots, they are handled like objects of span classes, by mcentral,
 * sweeping and heap.
 *
 * A tag has no room for the number of a cache. So the pages have the tag of
 * large objects, class 0. Code that reads that tag has to read the span, too.
 */
#ifndef GOMEM_CACHE_H
#define GOMEM_CACHE_H

#include <linux/types.h>

#include "map/kind.h"

struct gomem_heap;
struct gomem_mcentral;
struct kmem_cache;
struct module;

/**
 * struct gomem_cache - a typed cache
 * @kind: the kind of its objects
 * @magic: see cache_magic()
 * @align: alignment of each object
 * @destroyed: set by the task that destroys the cache. If several tasks try to,
 *	the one that found 0 goes on. Objects that were left can still be freed,
 *	but none can be allocated
 * @central: central lists, one for each heap
 * @twin: a cache of the kernel's whose users pass objects of both caches to be
 *	freed; see override/override_twin.h. The page of the object then tells
 *	which cache the object is from. NULL if there is no twin
 */
struct gomem_cache {
	struct gomem_kind kind;
	unsigned long magic;
	unsigned int align;
	unsigned int destroyed;
	struct gomem_mcentral *central;
	struct kmem_cache *twin;
};

bool gomem_cache_is_live(const struct gomem_cache *c);
bool gomem_cache_take_back(void *p, unsigned long caller);
bool gomem_cache_close(struct gomem_cache *c, unsigned long caller);
void gomem_caches_orphan(struct module *mod);
void gomem_cache_exit(void);

#endif /* GOMEM_CACHE_H */
