/* SPDX-License-Identifier: GPL-2.0 */
/*
 * override.h - what the files behind linux/gomem_override.h share.
 *
 * That header gives the kernel's allocator functions other names in the object files of
 * a module: where its source says kfree(), the module calls gomem_override_kfree(). So
 * here kfree() is still the kernel's. Each stand-in is declared as being of the type of
 * what it stands in for, so that the compiler compares its definition with that.
 */
#ifndef GOMEM_OVERRIDE_H
#define GOMEM_OVERRIDE_H

#include <linux/cache.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/log2.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "alloc.h"
#include "compat.h"
#include "node.h"

/*
 * Is this gomem's to free? Also what was gomem's and is free by now: that is a double
 * free, which gomem_free() reports and the kernel's kfree() would not survive. A page of
 * the kernel's is a hole for as long as an object of the kernel's is there.
 */
static __always_inline bool gomem_override_owns(const void *p)
{
	const struct gomem_chunk *c = gomem_pagemap_chunk(&gomem_pagemap, (unsigned long)p);

	return c && (READ_ONCE(c->tag[gomem_chunk_page((unsigned long)p)]) ||
		     gomem_pagemap_has_page(&gomem_pagemap, (unsigned long)p));
}

static __always_inline bool gomem_override_takes(size_t size, gfp_t gfp)
{
	return size <= GOMEM_MAX_SIZE && !(gfp & GOMEM_GFP_REFUSED);
}

size_t gomem_override_align(size_t size);
void *gomem_override_kv_alloc(size_t size, unsigned long align, gfp_t gfp, int node);
void gomem_override_kvfree(const void *p);

/*
 * What to ask gomem for, so that kmalloc() keeps its word: an object is aligned to the
 * largest power of two that divides its size. Of sizes up to 2 KiB, and of those that are
 * no multiple of 256, this is so in gomem.
 *
 * Machines whose devices do not see the caches align it to a cache line as well, and
 * share none. Powers of two are so aligned, and all large objects.
 */
static __always_inline size_t gomem_override_pad(size_t size)
{
#ifdef ARCH_DMA_MINALIGN
	if (ARCH_DMA_MINALIGN > 8 && size && size <= GOMEM_SMALL_MAX)
		return roundup_pow_of_two(max_t(size_t, size, ARCH_DMA_MINALIGN));
#endif
	if (likely((size & 0xff) || size <= SZ_2K))
		return size;
	return gomem_override_align(size);
}

static __always_inline void *gomem_override_alloc(size_t size, gfp_t gfp)
{
	if (likely(gomem_override_takes(size, gfp)))
		return gomem_alloc(gomem_override_pad(size), gfp);
	return kmalloc(size, gfp);
}

static __always_inline void *gomem_override_alloc_node(size_t size, gfp_t gfp, int node)
{
	if (likely(gomem_override_takes(size, gfp)))
		return gomem_alloc_node(gomem_override_pad(size), gfp, node);
	return kmalloc_node(size, gfp, node);
}

/*
 * As gomem_override_alloc_node(), and aligned to @align, which may be what kmalloc() aligns
 * anything to: no more than the size.
 */
static inline void *gomem_override_alloc_align(size_t size, unsigned long align, gfp_t gfp,
					       int node)
{
	if (size && align > 8)
		size = ALIGN(size, align);
	return gomem_override_alloc_node(size, gfp, node);
}

static __always_inline void gomem_override_free(const void *p)
{
	if (likely(gomem_override_owns(p)))
		gomem_free(p);
	else
		kfree(p);
}

#endif /* GOMEM_OVERRIDE_H */
