/* SPDX-License-Identifier: GPL-2.0 */
/*
 * override_twin.h - from a struct kmem_cache to the typed cache that stands behind it.
 *
 * A module may hand its cache to the kernel, which looks into the struct: dst_alloc() and
 * lc_create() do. So the handle that kmem_cache_create() returns to a module is a cache of
 * the kernel's, the *twin* of a typed cache of gomem's with objects of the same size. What
 * the module allocates by that handle is gomem's. What the kernel allocates by it is the
 * kernel's. Whoever frees an object looks at its page.
 *
 * Each call of the module's looks its handle up, in a table of fixed size with open
 * addressing: lookups take no lock and no read-side section. The owner of a handle finds its
 * entry as it was made. Other entries may come and go meanwhile, but none of them becomes
 * empty in front of an entry that is in use.
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

/* How many caches have a twin at most. Others are the kernel's alone. */
#define GOMEM_TWINS_MAX		(GOMEM_TWIN_ENTRIES / 4 * 3)

/**
 * struct gomem_twin - an entry of the table
 * @twin: the kernel's cache; NULL: the entry is empty; a mark that is no cache: one was here
 * @cache: gomem's. Written before @twin, and stays as long as that
 */
struct gomem_twin {
	const struct kmem_cache *twin;
	struct gomem_cache *cache;
};

extern struct gomem_twin gomem_twins[GOMEM_TWIN_ENTRIES];

/* The kernel aligns these structs to a cache line. */
static __always_inline unsigned int gomem_twin_hash(const struct kmem_cache *s)
{
	return (u32)((unsigned long)s >> 6) * 0x61c88647U >> (32 - GOMEM_TWIN_BITS);
}

static __always_inline unsigned int gomem_twin_next(unsigned int i)
{
	return (i + 1) % GOMEM_TWIN_ENTRIES;
}

/* The typed cache behind a handle, which the caller owns; NULL if it is the kernel's alone. */
static __always_inline struct gomem_cache *gomem_twin_cache(const struct kmem_cache *s)
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
