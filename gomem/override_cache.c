// SPDX-License-Identifier: GPL-2.0
/*
 * override_cache.c - kmem_cache_create() and what belongs to it, as modules built with
 * linux/gomem_override.h call it.
 *
 * The module has a struct kmem_cache *, which is always one of the kernel's, for the kernel
 * to use. Behind it there may be one of gomem's typed caches: override_twin.h. There is
 * none behind caches that gomem has no like of, and those that a module gets from others.
 */
#include <linux/atomic.h>
#include <linux/mempool.h>

/* For its prototypes. */
#define GOMEM_OVERRIDE_OFF
#include <linux/gomem_override.h>

#include "cache.h"
#include "override.h"
#include "override_twin.h"

/* For the zones, or for a look at the slab allocator's own work. */
#define KERNEL_FLAGS	(SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_RED_ZONE | SLAB_POISON | \
			 SLAB_STORE_USER | SLAB_CONSISTENCY_CHECKS | SLAB_TRACE | SLAB_FAILSLAB)

/* Zones are for caches that were made for them; elsewhere the kernel has no use for the bits. */
static gfp_t cache_gfp(gfp_t gfp)
{
	return gfp & ~GOMEM_GFP_REFUSED;
}

/* Objects that fit several into a cache line have a fraction of it. */
static unsigned int alignment(unsigned int align, unsigned int size, slab_flags_t flags)
{
	unsigned int line = cache_line_size();

	if (!(flags & SLAB_HWCACHE_ALIGN))
		return align;
	while (size <= line / 2)
		line /= 2;
	return max(align, line);
}

/*
 * No other cache may have the same struct, as caches with objects of the same size have
 * that the kernel merges. Before 6.5 there is no flag for that alone.
 */
#ifdef SLAB_NO_MERGE
#define TWIN_FLAGS	SLAB_NO_MERGE
#else
#define TWIN_FLAGS	SLAB_NOLEAKTRACE
#endif

/* Is gomem to have the objects? */
static bool takes(const char *name, unsigned int size, struct gomem_cache_args *args,
		  slab_flags_t flags)
{
	args->align = alignment(args->align, size, flags);
	args->typesafe_by_rcu = flags & SLAB_TYPESAFE_BY_RCU;
	return name && *name && !(flags & KERNEL_FLAGS) && size &&
	       size <= GOMEM_CACHE_MAX_SIZE && args->align <= GOMEM_CACHE_MAX_ALIGN;
}

/* Caches that are not merged have a directory in sysfs, whose name has to be theirs alone. */
static char *twin_name(const char *name)
{
	static atomic_t number;

	return kasprintf(GFP_KERNEL, "gomem-%d-%s", atomic_inc_return(&number), name);
}

/* Put a typed cache behind a new handle. Without one the cache is the kernel's alone. */
static struct kmem_cache *add_cache(struct kmem_cache *s, const char *name, unsigned int size,
				    const struct gomem_cache_args *args)
{
	struct gomem_cache *c = s ? gomem_cache_create(name, size, args) : NULL;

	if (!c)
		return s;
	c->twin = s;
	if (!gomem_twin_add(s, c))
		gomem_cache_destroy(c);
	return s;
}

#ifdef GOMEM_HAVE_KMEM_CACHE_ARGS
typeof(__kmem_cache_create_args) gomem_override_kmem_cache_create_args;
struct kmem_cache *gomem_override_kmem_cache_create_args(const char *name, unsigned int size,
							 struct kmem_cache_args *args,
							 slab_flags_t flags)
{
	struct gomem_cache_args own = {
		.align		= args->align,
		.ctor		= args->ctor,
		.useroffset	= args->useroffset,
		.usersize	= args->usersize,
	};
	struct kmem_cache *s;
	char *unique;

	if (!takes(name, size, &own, flags))
		return __kmem_cache_create_args(name, size, args, flags);
	unique = twin_name(name);
	s = __kmem_cache_create_args(unique ?: name, size, args, flags | TWIN_FLAGS);
	kfree(unique);
	return add_cache(s, name, size, &own);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_create_args, GOMEM_NS);
#else
typeof(kmem_cache_create_usercopy) gomem_override_kmem_cache_create_usercopy;
struct kmem_cache *
gomem_override_kmem_cache_create_usercopy(const char *name, unsigned int size, unsigned int align,
					  slab_flags_t flags, unsigned int useroffset,
					  unsigned int usersize, void (*ctor)(void *))
{
	struct gomem_cache_args own = {
		.align		= align,
		.ctor		= ctor,
		.useroffset	= useroffset,
		.usersize	= usersize,
	};
	struct kmem_cache *s;
	char *unique;

	if (!takes(name, size, &own, flags))
		return kmem_cache_create_usercopy(name, size, align, flags, useroffset, usersize,
						  ctor);
	unique = twin_name(name);
	s = kmem_cache_create_usercopy(unique ?: name, size, align, flags | TWIN_FLAGS,
				       useroffset, usersize, ctor);
	kfree(unique);
	return add_cache(s, name, size, &own);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_create_usercopy, GOMEM_NS);

typeof(kmem_cache_create) gomem_override_kmem_cache_create;
struct kmem_cache *gomem_override_kmem_cache_create(const char *name, unsigned int size,
						    unsigned int align, slab_flags_t flags,
						    void (*ctor)(void *))
{
	return gomem_override_kmem_cache_create_usercopy(name, size, align, flags, 0, 0, ctor);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_create, GOMEM_NS);
#endif

struct kmem_cache *gomem_kernel_cache(struct kmem_cache *s)
{
	struct gomem_cache *c = gomem_twin_cache(s);

	if (c && gomem_cache_close(c, _RET_IP_))
		gomem_twin_remove(s);
	return s;
}
EXPORT_SYMBOL_NS_GPL(gomem_kernel_cache, GOMEM_NS);

typeof(kmem_cache_destroy) gomem_override_kmem_cache_destroy;
void gomem_override_kmem_cache_destroy(struct kmem_cache *s)
{
	struct gomem_cache *c = gomem_twin_cache(s);

	/* With objects left the handle stays what it is, until gomem is unloaded. */
	if (c) {
		if (!gomem_cache_close(c, _RET_IP_))
			return;
		gomem_twin_remove(s);
	}
	kmem_cache_destroy(s);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_destroy, GOMEM_NS);

typeof(kmem_cache_shrink) gomem_override_kmem_cache_shrink;
int gomem_override_kmem_cache_shrink(struct kmem_cache *s)
{
	struct gomem_cache *c = gomem_twin_cache(s);
	int left = kmem_cache_shrink(s);

	return c ? gomem_cache_shrink(c) | left : left;
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_shrink, GOMEM_NS);

typeof(GOMEM_KERNEL(kmem_cache_alloc)) gomem_override_kmem_cache_alloc;
void *gomem_override_kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	struct gomem_cache *c = gomem_twin_cache(s);

	if (unlikely(!c))
		return kmem_cache_alloc(s, gfp);
	return gomem_cache_alloc(c, cache_gfp(gfp));
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_alloc, GOMEM_NS);

/* Lists of objects by memory cgroup, of which gomem's have none. */
typeof(GOMEM_KERNEL(kmem_cache_alloc_lru)) gomem_override_kmem_cache_alloc_lru;
void *gomem_override_kmem_cache_alloc_lru(struct kmem_cache *s, struct list_lru *lru, gfp_t gfp)
{
	struct gomem_cache *c = gomem_twin_cache(s);

	if (unlikely(!c))
		return kmem_cache_alloc_lru(s, lru, gfp);
	return gomem_cache_alloc(c, cache_gfp(gfp));
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_alloc_lru, GOMEM_NS);

typeof(GOMEM_KERNEL(kmem_cache_alloc_node)) gomem_override_kmem_cache_alloc_node;
void *gomem_override_kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int node)
{
	struct gomem_cache *c = gomem_twin_cache(s);

	if (unlikely(!c))
		return kmem_cache_alloc_node(s, gfp, node);
	return gomem_cache_alloc_node(c, cache_gfp(gfp), node);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_alloc_node, GOMEM_NS);

/* All or none: how many, or since 7.2 whether. */
#define BULK_RESULT	typeof(GOMEM_KERNEL(kmem_cache_alloc_bulk)(NULL, 0, 0, NULL))

typeof(GOMEM_KERNEL(kmem_cache_alloc_bulk)) gomem_override_kmem_cache_alloc_bulk;
BULK_RESULT gomem_override_kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t n,
						 void **p)
{
	struct gomem_cache *c = gomem_twin_cache(s);

	if (unlikely(!c))
		return kmem_cache_alloc_bulk(s, gfp, n, p);
	return gomem_cache_alloc_bulk(c, cache_gfp(gfp), n, p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_alloc_bulk, GOMEM_NS);

typeof(kmem_cache_free) gomem_override_kmem_cache_free;
void gomem_override_kmem_cache_free(struct kmem_cache *s, void *p)
{
	struct gomem_cache *c = gomem_twin_cache(s);

	if (likely(c))
		gomem_cache_free(c, p);
	else
		kmem_cache_free(s, p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_free, GOMEM_NS);

typeof(kmem_cache_free_bulk) gomem_override_kmem_cache_free_bulk;
void gomem_override_kmem_cache_free_bulk(struct kmem_cache *s, size_t n, void **p)
{
	struct gomem_cache *c = gomem_twin_cache(s);
	size_t i;

	if (c)
		gomem_cache_free_bulk(c, n, p);
	else if (s)
		kmem_cache_free_bulk(s, n, p);
	else	/* kfree_bulk() */
		for (i = 0; i < n; i++)
			gomem_override_free(p[i]);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_free_bulk, GOMEM_NS);

#ifdef GOMEM_HAVE_KMEM_CACHE_CHARGE
/* gomem charges no memory cgroup. */
typeof(kmem_cache_charge) gomem_override_kmem_cache_charge;
bool gomem_override_kmem_cache_charge(void *p, gfp_t gfp)
{
	return gomem_override_owns(p) || kmem_cache_charge(p, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_charge, GOMEM_NS);
#endif

/*
 * What mempools are created with: the kernel's mempool calls these, and looks into the
 * cache only if it finds its own functions there.
 */
typeof(mempool_alloc_slab) gomem_override_mempool_alloc_slab;
void *gomem_override_mempool_alloc_slab(gfp_t gfp, void *cache)
{
	return gomem_override_kmem_cache_alloc(cache, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_mempool_alloc_slab, GOMEM_NS);

typeof(mempool_free_slab) gomem_override_mempool_free_slab;
void gomem_override_mempool_free_slab(void *p, void *cache)
{
	gomem_override_kmem_cache_free(cache, p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_mempool_free_slab, GOMEM_NS);

typeof(mempool_kmalloc) gomem_override_mempool_kmalloc;
void *gomem_override_mempool_kmalloc(gfp_t gfp, void *size)
{
	return gomem_override_alloc((size_t)size, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_mempool_kmalloc, GOMEM_NS);

typeof(mempool_kfree) gomem_override_mempool_kfree;
void gomem_override_mempool_kfree(void *p, void *size)
{
	gomem_override_free(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_mempool_kfree, GOMEM_NS);

#ifdef GOMEM_HAVE_MEMPOOL_KVMALLOC
typeof(mempool_kvmalloc) gomem_override_mempool_kvmalloc;
void *gomem_override_mempool_kvmalloc(gfp_t gfp, void *size)
{
	return gomem_override_kv_alloc((size_t)size, 1, gfp, NUMA_NO_NODE);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_mempool_kvmalloc, GOMEM_NS);

typeof(mempool_kvfree) gomem_override_mempool_kvfree;
void gomem_override_mempool_kvfree(void *p, void *size)
{
	gomem_override_kvfree(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_mempool_kvfree, GOMEM_NS);
#endif
