// SPDX-License-Identifier: GPL-2.0
/*
 * override_cache.c - kmem_cache_create() and what belongs to it, as modules built with
 * linux/gomem_override.h call it.
 *
 * The module has a struct kmem_cache *, which may be one of gomem's caches or one of the
 * kernel's: those that gomem has no like of, and those that a module gets from others.
 * gomem's are gomem's objects themselves, which tells them apart. The kernel never sees
 * one.
 */
#include <linux/mempool.h>

#include "override.h"

/* For the zones, or for a look at the slab allocator's own work. */
#define KERNEL_FLAGS	(SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_RED_ZONE | SLAB_POISON | \
			 SLAB_STORE_USER | SLAB_CONSISTENCY_CHECKS | SLAB_TRACE | SLAB_FAILSLAB)

/* Zones are for caches that were made for them; elsewhere the kernel has no use for the bits. */
static gfp_t cache_gfp(gfp_t gfp)
{
	return gfp & ~GOMEM_GFP_REFUSED;
}

/* NULL if it is the kernel's. */
static struct gomem_cache *gomem_cache_of(struct kmem_cache *s)
{
	return gomem_override_owns(s) ? (struct gomem_cache *)s : NULL;
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

static struct kmem_cache *create(const char *name, unsigned int size,
				 struct gomem_cache_args *args, slab_flags_t flags)
{
	args->align = alignment(args->align, size, flags);
	if ((flags & KERNEL_FLAGS) || !size || size > GOMEM_CACHE_MAX_SIZE ||
	    args->align > GOMEM_CACHE_MAX_ALIGN)
		return NULL;
	args->typesafe_by_rcu = flags & SLAB_TYPESAFE_BY_RCU;
	return (struct kmem_cache *)gomem_cache_create(name, size, args);
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

	return create(name, size, &own, flags) ?:
	       __kmem_cache_create_args(name, size, args, flags);
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

	return create(name, size, &own, flags) ?:
	       kmem_cache_create_usercopy(name, size, align, flags, useroffset, usersize, ctor);
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

typeof(kmem_cache_destroy) gomem_override_kmem_cache_destroy;
void gomem_override_kmem_cache_destroy(struct kmem_cache *s)
{
	struct gomem_cache *c = gomem_cache_of(s);

	if (c)
		gomem_cache_destroy(c);
	else
		kmem_cache_destroy(s);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_destroy, GOMEM_NS);

typeof(kmem_cache_shrink) gomem_override_kmem_cache_shrink;
int gomem_override_kmem_cache_shrink(struct kmem_cache *s)
{
	struct gomem_cache *c = gomem_cache_of(s);

	return c ? gomem_cache_shrink(c) : kmem_cache_shrink(s);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_shrink, GOMEM_NS);

typeof(kmem_cache_size) gomem_override_kmem_cache_size;
unsigned int gomem_override_kmem_cache_size(struct kmem_cache *s)
{
	struct gomem_cache *c = gomem_cache_of(s);

	return c ? gomem_cache_size(c) : kmem_cache_size(s);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_size, GOMEM_NS);

typeof(GOMEM_KERNEL(kmem_cache_alloc)) gomem_override_kmem_cache_alloc;
void *gomem_override_kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	struct gomem_cache *c = gomem_cache_of(s);

	if (unlikely(!c))
		return kmem_cache_alloc(s, gfp);
	return gomem_cache_alloc(c, cache_gfp(gfp));
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_alloc, GOMEM_NS);

/* Lists of objects by memory cgroup, of which gomem's have none. */
typeof(GOMEM_KERNEL(kmem_cache_alloc_lru)) gomem_override_kmem_cache_alloc_lru;
void *gomem_override_kmem_cache_alloc_lru(struct kmem_cache *s, struct list_lru *lru, gfp_t gfp)
{
	struct gomem_cache *c = gomem_cache_of(s);

	if (unlikely(!c))
		return kmem_cache_alloc_lru(s, lru, gfp);
	return gomem_cache_alloc(c, cache_gfp(gfp));
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_alloc_lru, GOMEM_NS);

typeof(GOMEM_KERNEL(kmem_cache_alloc_node)) gomem_override_kmem_cache_alloc_node;
void *gomem_override_kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int node)
{
	struct gomem_cache *c = gomem_cache_of(s);

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
	struct gomem_cache *c = gomem_cache_of(s);

	if (unlikely(!c))
		return kmem_cache_alloc_bulk(s, gfp, n, p);
	return gomem_cache_alloc_bulk(c, cache_gfp(gfp), n, p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_alloc_bulk, GOMEM_NS);

typeof(kmem_cache_free) gomem_override_kmem_cache_free;
void gomem_override_kmem_cache_free(struct kmem_cache *s, void *p)
{
	struct gomem_cache *c = gomem_cache_of(s);

	if (likely(c))
		gomem_cache_free(c, p);
	else
		kmem_cache_free(s, p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_free, GOMEM_NS);

typeof(kmem_cache_free_bulk) gomem_override_kmem_cache_free_bulk;
void gomem_override_kmem_cache_free_bulk(struct kmem_cache *s, size_t n, void **p)
{
	struct gomem_cache *c = gomem_cache_of(s);
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
