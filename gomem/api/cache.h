/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cache.h - typed caches: objects of one exact size, as in a kmem_cache.
 *
 * A typed cache has a kind (map/kind.h). Its objects lie side by side, without
 * rounding to a size class, in spans of their own. Each CPU has slots for them.
 * All layers below the slots, such as mcentrals and heaps, handle these objects
 * like those of span classes.
 *
 * A tag has too few bits for the number of a cache. So the size class in the
 * tags of a typed cache's pages is 0, as for large objects and arenas. Code
 * that reads a tag of class 0 without GOMEM_TAG_LARGE has to read the span,
 * too, to find out whether the span is one of a typed cache.
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
 * @magic: cache_magic(), by which a pointer to a cache is recognised; 0 when
 *	the cache is gone
 * @align: alignment of each object
 * @destroyed: 0 until a task begins to destroy the cache, then 1. From then on,
 *	objects can be freed, but none can be allocated. If several tasks want
 *	to destroy the cache, only the task that changes @destroyed to 1 goes on
 * @central: the mcentrals of the cache, one for each heap
 * @twin: the struct kmem_cache by which a module that is built with the
 *	override header refers to this cache (see override/override_twin.h);
 *	NULL if no such module created this cache. An object that the module
 *	frees may be from either cache. The object's page tells from which
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
