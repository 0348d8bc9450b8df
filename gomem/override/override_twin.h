/* SPDX-License-Identifier: GPL-2.0 */
/*
 * override_twin.h - find the typed cache that belongs to a struct kmem_cache.
 *
 * A module may pass its cache to the kernel, which accesses the struct:
 * dst_alloc() and lc_create() do so. Therefore the *handle*, the struct that
 * kmem_cache_create() returns to a module, is a real cache of the kernel. gomem
 * also creates a typed cache for objects of the same size. The handle is the
 * *twin* of that typed cache. If the module allocates with the handle, it gets
 * gomem's objects. If the kernel does, it gets the kernel's objects. A free in
 * the module finds out by the object's page which allocator owns the object.
 *
 * Each call of the module looks up its handle in a hash table of fixed size
 * with open addressing. Lookups take no lock and need no rcu_read_lock().
 * They may run concurrently with gomem_twin_add() and gomem_twin_remove() of
 * other handles. A lookup still finds its entry: no entry between the hash of a
 * handle and the handle's own entry becomes empty.
 */
#ifndef GOMEM_OVERRIDE_TWIN_H
#define GOMEM_OVERRIDE_TWIN_H

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/types.h>

struct gomem_cache;
struct kmem_cache;

#define GOMEM_TWIN_BITS		9
#define GOMEM_TWIN_ENTRIES	BIT(GOMEM_TWIN_BITS)

/* Maximum number of twins. Further caches get no typed cache. */
#define GOMEM_TWINS_MAX		(GOMEM_TWIN_ENTRIES / 4 * 3)

/**
 * struct gomem_twin - an entry of the hash table of twins
 * @twin: the kernel's cache; NULL if the entry is empty; the address of a mark,
 *	which is not a cache, if the twin was removed
 * @cache: gomem's typed cache. Written before @twin, and not changed while
 *	@twin stays the same
 */
struct gomem_twin {
	const struct kmem_cache *twin;
	struct gomem_cache *cache;
};

extern struct gomem_twin gomem_twins[GOMEM_TWIN_ENTRIES];

/*
 * Hash the address of a kernel cache. The lowest 6 bits are the same in all
 * such addresses: the kernel aligns struct kmem_cache to a cache line.
 */
static __always_inline unsigned int gomem_twin_hash(const struct kmem_cache *s)
{
	return (u32)((unsigned long)s >> 6) * 0x61c88647U >>
	       (32 - GOMEM_TWIN_BITS);
}

static __always_inline unsigned int gomem_twin_next(unsigned int i)
{
	return (i + 1) % GOMEM_TWIN_ENTRIES;
}

/*
 * Return the typed cache that belongs to the kernel cache @s, NULL if there is
 * none. No task adds or removes the entry of @s meanwhile: the entry was added
 * before any code of the module got @s. It is removed when the module destroys
 * @s or calls gomem_kernel_cache() for it, which no other task may do while the
 * caller uses @s.
 */
static __always_inline struct gomem_cache *
gomem_twin_cache(const struct kmem_cache *s)
{
	unsigned int i = gomem_twin_hash(s);
	const struct kmem_cache *twin;

	while ((twin = READ_ONCE(gomem_twins[i].twin))) {
		if (likely(twin == s))
			return gomem_twins[i].cache;
		i = gomem_twin_next(i);
	}
	return NULL;
}

bool gomem_twin_add(const struct kmem_cache *s, struct gomem_cache *c);
void gomem_twin_remove(const struct kmem_cache *s);

#endif /* GOMEM_OVERRIDE_TWIN_H */
