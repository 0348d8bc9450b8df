/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cache.h - typed caches: objects of one exact size, as of a kmem_cache.
 *
 * A typed cache is a kind (map/kind.h). Its objects lie side by side, without
 * rounding to a size class, in spans of their own. Each CPU has slots for them.
 * Below the slots, they are handled like objects of span classes, by mcentral,
 * sweeping and heap.
 *
 * A tag has no room for the number of a cache. So the pages of typed caches
 * have the tag of large objects, class 0. Code that reads a tag of class 0 has
 * to read the span, too, to tell them apart.
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
 * @destroyed: 1 once a task has begun to destroy the cache. If several tasks
 *	try to, only the one that changes it from 0 goes on. From then on
 *	objects can be freed, but none can be allocated
 * @central: central lists, one for each heap
 * @twin: a cache of the kernel's, or NULL. A module that is built with the
 *	override header has the address of the twin in place of this cache's:
 *	override/override_twin.h. An object that is freed may be from either
 *	cache; its page tells from which
 */
struct gomem_cache {
	struct gomem_kind kind;
	unsigned long magic;
	unsigned int align;
	unsigned int destroyed;
	struct gomem_mcentral *central;
	struct kmem_cache *twin;
};

bool gomem_cache_is_handle(const void *obj);
bool gomem_cache_is_live(const struct gomem_cache *c);
bool gomem_cache_take_back(void *p, unsigned long caller);
bool gomem_cache_close(struct gomem_cache *c, unsigned long caller);
void gomem_caches_orphan(struct module *mod);
void gomem_cache_exit(void);

#endif /* GOMEM_CACHE_H */
