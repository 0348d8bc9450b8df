// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_handle_kernel.c - what the kernel does with a cache that a module hands to it.
 *
 * Built without linux/gomem_override.h: each function here is one of the kernel's.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "gomem_handle.h"

/* As lc_create() does: all of the objects at once, each of the size that it was told. */
int kernel_fills(struct kmem_cache *s, void **objs, unsigned int n, size_t size)
{
	unsigned int i;

	if (kmem_cache_size(s) < size)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		objs[i] = kmem_cache_alloc(s, GFP_KERNEL);
		if (!objs[i])
			return -ENOMEM;
		memset(objs[i], i, size);
	}
	return 0;
}

void kernel_empties(struct kmem_cache *s, void **objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		kmem_cache_free(s, objs[i]);
}
