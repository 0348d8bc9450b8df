// SPDX-License-Identifier: GPL-2.0
/*
 * override_cache.c - kmem_cache_create() and related functions for modules
 * built with linux/gomem_override.h.
 *
 * The module's struct kmem_cache * is always one of the kernel's caches, so
 * that the kernel can use it, too. One of gomem's typed caches may belong to
 * it: see override_twin.h. There is no typed cache if gomem has no equivalent
 * of the kernel's cache, if there was no memory for a typed cache or no room in
 * the table of twins, or if code that does not use the header created the
 * kernel's cache.
 */
#include <linux/atomic.h>
#include <linux/mempool.h>

/* Include the header for its prototypes only. */
#define GOMEM_OVERRIDE_OFF
#include <linux/gomem_override.h>

#include "api/cache.h"
#include "override/override.h"
#include "override/override_twin.h"

/*
 * gomem does not replace caches with one of these flags: they ask for memory of
 * a DMA zone, or for debugging by the slab allocator.
 */
#define KERNEL_FLAGS	(SLAB_CACHE_DMA | SLAB_CACHE_DMA32 |		\
			 SLAB_RED_ZONE | SLAB_POISON |			\
			 SLAB_STORE_USER | SLAB_CONSISTENCY_CHECKS |	\
			 SLAB_TRACE | SLAB_FAILSLAB)

/*
 * Drop zone flags from a gfp. The kernel honours them only in caches that were
 * created for a zone, and gomem does not replace these.
 */
static gfp_t cache_gfp(gfp_t gfp)
{
	return gfp & ~GOMEM_GFP_REFUSED;
}

/*
 * Return the alignment wanted for objects: @align or more. With
 * SLAB_HWCACHE_ALIGN it is at least a cache line; for small objects at least
 * the smallest half, quarter, ... of a line that holds an object.
 */
static unsigned int kernel_alignment(unsigned int align, unsigned int size,
				     slab_flags_t flags)
{
	unsigned int line = cache_line_size();

	if (!(flags & SLAB_HWCACHE_ALIGN))
		return align;
	while (size <= line / 2)
		line /= 2;
	return max(align, line);
}

/*
 * Keep the kernel from merging a twin with another cache of the same object
 * size: both would then have the same struct kmem_cache. Before Linux 6.5 there
 * is no flag for this alone, but SLAB_NOLEAKTRACE prevents merging, too.
 */
#ifdef SLAB_NO_MERGE
#define TWIN_FLAGS	SLAB_NO_MERGE
#else
#define TWIN_FLAGS	SLAB_NOLEAKTRACE
#endif

/* Can gomem replace the cache? */
static noinline bool takes(const char *name, unsigned int size,
			   unsigned int align, slab_flags_t flags)
{
	return name && *name && !(flags & KERNEL_FLAGS) && size &&
	       size <= GOMEM_CACHE_MAX_SIZE &&
	       kernel_alignment(align, size, flags) <= GOMEM_CACHE_MAX_ALIGN;
}

/*
 * Return a unique name for a twin: a cache that is not merged has a directory
 * in sysfs, and no other cache may have a directory of the same name.
 */
static char *twin_name(const char *name)
{
	static atomic_t number;

	return kasprintf(GFP_KERNEL, "gomem-%d-%s", atomic_inc_return(&number),
			 name);
}

/*
 * Create a typed cache, and make the kernel's new cache @s its twin. Return @s.
 * If the typed cache cannot be created, or the table of twins has no room, @s
 * has no typed cache, and the objects of @s come from the kernel's allocator.
 */
static struct kmem_cache *add_cache(struct kmem_cache *s, const char *name,
				    unsigned int size,
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
struct kmem_cache *
gomem_override_kmem_cache_create_args(const char *name, unsigned int size,
				      struct kmem_cache_args *args,
				      slab_flags_t flags)
{
	struct gomem_cache_args own = {
		.align		= kernel_alignment(args->align, size, flags),
		.ctor		= args->ctor,
		.typesafe_by_rcu = flags & SLAB_TYPESAFE_BY_RCU,
		.useroffset	= args->useroffset,
		.usersize	= args->usersize,
	};
	struct kmem_cache *s;
	char *unique;

	if (!takes(name, size, args->align, flags))
		return __kmem_cache_create_args(name, size, args, flags);
	unique = twin_name(name);
	s = __kmem_cache_create_args(unique ?: name, size, args,
				     flags | TWIN_FLAGS);
	kfree(unique);
	return add_cache(s, name, size, &own);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_create_args, GOMEM_NS);
#else
/*
 * Create the kernel's cache that becomes the twin of a typed cache. Kept out of
 * line to save stack.
 */
static noinline struct kmem_cache *
add_twin(const char *name, unsigned int size, slab_flags_t flags,
	 const struct gomem_cache_args *own)
{
	char *unique = twin_name(name);
	struct kmem_cache *s;

	s = kmem_cache_create_usercopy(unique ?: name, size, own->align,
				       flags | TWIN_FLAGS, own->useroffset,
				       own->usersize, own->ctor);
	kfree(unique);
	return s;
}

/*
 * The part of an object that may be copied to and from user space. As a
 * struct, both numbers are passed in one register. So x86-64 passes all
 * arguments of create_both() in its six registers for arguments.
 */
struct user_range {
	unsigned int offset;
	unsigned int size;
};

/*
 * Create the kernel's cache and a typed cache. Kept out of line: otherwise the
 * callers would have the struct own on the stack while they call the kernel's
 * function instead.
 */
static noinline struct kmem_cache *
create_both(const char *name, unsigned int size, unsigned int align,
	    slab_flags_t flags, struct user_range user, void (*ctor)(void *))
{
	struct gomem_cache_args own = {
		.align		= kernel_alignment(align, size, flags),
		.ctor		= ctor,
		.typesafe_by_rcu = flags & SLAB_TYPESAFE_BY_RCU,
		.useroffset	= user.offset,
		.usersize	= user.size,
	};

	return add_cache(add_twin(name, size, flags, &own), name, size, &own);
}

typeof(kmem_cache_create_usercopy) gomem_override_kmem_cache_create_usercopy;
struct kmem_cache *
gomem_override_kmem_cache_create_usercopy(const char *name, unsigned int size,
					  unsigned int align,
					  slab_flags_t flags,
					  unsigned int useroffset,
					  unsigned int usersize,
					  void (*ctor)(void *))
{
	struct user_range user = { useroffset, usersize };

	if (!takes(name, size, align, flags))
		return kmem_cache_create_usercopy(name, size, align, flags,
						  useroffset, usersize, ctor);
	return create_both(name, size, align, flags, user, ctor);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_create_usercopy, GOMEM_NS);

typeof(kmem_cache_create) gomem_override_kmem_cache_create;
struct kmem_cache *
gomem_override_kmem_cache_create(const char *name, unsigned int size,
				 unsigned int align, slab_flags_t flags,
				 void (*ctor)(void *))
{
	struct user_range none = { };

	if (!takes(name, size, align, flags))
		return kmem_cache_create(name, size, align, flags, ctor);
	return create_both(name, size, align, flags, none, ctor);
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

	/*
	 * If objects are left, keep the typed cache and its twin @s until gomem
	 * is unloaded.
	 */
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

/* @lru is for charging memory cgroups. gomem charges none, and ignores @lru. */
typeof(GOMEM_KERNEL(kmem_cache_alloc_lru)) gomem_override_kmem_cache_alloc_lru;
void *gomem_override_kmem_cache_alloc_lru(struct kmem_cache *s,
					  struct list_lru *lru, gfp_t gfp)
{
	struct gomem_cache *c = gomem_twin_cache(s);

	if (unlikely(!c))
		return kmem_cache_alloc_lru(s, lru, gfp);
	return gomem_cache_alloc(c, cache_gfp(gfp));
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_alloc_lru, GOMEM_NS);

typeof(GOMEM_KERNEL(kmem_cache_alloc_node))
gomem_override_kmem_cache_alloc_node;
void *gomem_override_kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp,
					   int node)
{
	struct gomem_cache *c = gomem_twin_cache(s);

	if (unlikely(!c))
		return kmem_cache_alloc_node(s, gfp, node);
	return gomem_cache_alloc_node(c, cache_gfp(gfp), node);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_alloc_node, GOMEM_NS);

/*
 * The return type of kmem_cache_alloc_bulk(): int, the number of objects or 0.
 * Since Linux 7.2 it is bool.
 */
#define BULK_RESULT							\
	typeof(GOMEM_KERNEL(kmem_cache_alloc_bulk)(NULL, 0, 0, NULL))

typeof(GOMEM_KERNEL(kmem_cache_alloc_bulk))
gomem_override_kmem_cache_alloc_bulk;
BULK_RESULT gomem_override_kmem_cache_alloc_bulk(struct kmem_cache *s,
						 gfp_t gfp, size_t n, void **p)
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
void gomem_override_kmem_cache_free_bulk(struct kmem_cache *s, size_t n,
					 void **p)
{
	struct gomem_cache *c = gomem_twin_cache(s);
	size_t i;

	if (c)
		gomem_cache_free_bulk(c, n, p);
	else if (s)
		kmem_cache_free_bulk(s, n, p);
	else	/* kfree_bulk() passes NULL for @s, and kmalloc() objects */
		for (i = 0; i < n; i++)
			gomem_override_free(p[i]);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_free_bulk, GOMEM_NS);

#ifdef GOMEM_HAVE_KMEM_CACHE_CHARGE
/* Charge nothing for gomem's objects: gomem charges no memory cgroup. */
typeof(kmem_cache_charge) gomem_override_kmem_cache_charge;
bool gomem_override_kmem_cache_charge(void *p, gfp_t gfp)
{
	return gomem_override_owns(p) || kmem_cache_charge(p, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kmem_cache_charge, GOMEM_NS);
#endif

/*
 * Callbacks for mempools, in place of the kernel's own. If a pool has the
 * kernel's own callbacks, the kernel's mempool code may take the free elements
 * of the pool for slab objects, and poison them. With the callbacks below the
 * elements may be gomem's objects. The mempool code does not poison these,
 * because it compares the callbacks of the pool with its own.
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
