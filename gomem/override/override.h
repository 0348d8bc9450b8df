/* SPDX-License-Identifier: GPL-2.0 */
/*
 * override.h - declarations that the stand-ins for the kernel's allocator
 * share.
 *
 * linux/gomem_override.h renames the kernel's allocator functions in the object
 * files of a module: where the module's source says kfree(), the module calls
 * gomem_override_kfree(). The files of this folder include that header only
 * with GOMEM_OVERRIDE_OFF, so here kfree() is the kernel's. Each stand-in is
 * declared with the type of the function that it stands in for. So the compiler
 * checks its definition against the kernel's prototype.
 */
#ifndef GOMEM_OVERRIDE_H
#define GOMEM_OVERRIDE_H

#include <linux/cache.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/log2.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "base/compat.h"
#include "cpu/node.h"
#include "api/alloc.h"
#include "api/entry.h"

/*
 * Return true if gomem_free() has to free @p. That includes a gomem object that
 * is free already: gomem_free() reports such a double free, while the kernel's
 * kfree() would corrupt memory or crash. Return false for each live object of
 * the kernel: as long as it exists, its page is a hole to gomem.
 */
static __always_inline bool gomem_override_owns(const void *p)
{
	const struct gomem_chunk *c =
		gomem_pagemap_chunk(&gomem_pagemap, (unsigned long)p);

	return c && (READ_ONCE(c->tag[gomem_chunk_page((unsigned long)p)]) ||
		     gomem_pagemap_has_page(&gomem_pagemap, (unsigned long)p));
}

static __always_inline bool gomem_override_takes(size_t size, gfp_t gfp)
{
	return size <= GOMEM_MAX_SIZE && !(gfp & GOMEM_GFP_REFUSED);
}

size_t gomem_override_align(size_t size);
void *gomem_override_kv_alloc(size_t size, unsigned long align, gfp_t gfp,
			      int node);
void gomem_override_kvfree(const void *p);

/*
 * Return the size to request from gomem, so that the object is aligned as
 * kmalloc() promises: to the largest power of two that divides its size. gomem
 * aligns objects so anyway if their size is at most 2 KiB, or is not a multiple
 * of 256.
 *
 * On machines with DMA that is not coherent with the CPU caches, kmalloc() also
 * aligns objects to a cache line, and no two objects share a line. Objects
 * whose size is a power of two of at least ARCH_DMA_MINALIGN satisfy this, and
 * so do all large objects.
 */
static __always_inline size_t gomem_override_pad(size_t size)
{
#ifdef ARCH_DMA_MINALIGN
	if (ARCH_DMA_MINALIGN > 8 && size && size <= GOMEM_SMALL_MAX)
		return roundup_pow_of_two(max_t(size_t, size,
						ARCH_DMA_MINALIGN));
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

static __always_inline void *gomem_override_alloc_node(size_t size, gfp_t gfp,
						       int node)
{
	if (likely(gomem_override_takes(size, gfp)))
		return gomem_alloc_node(gomem_override_pad(size), gfp, node);
	return kmalloc_node(size, gfp, node);
}

/*
 * Like gomem_override_alloc_node(), with an object aligned to @align, a power
 * of two. The size is rounded up to a multiple of @align: an object of such a
 * size is aligned to @align at least.
 */
static inline void *gomem_override_alloc_align(size_t size, unsigned long align,
					       gfp_t gfp, int node)
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
