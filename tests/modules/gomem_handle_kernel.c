// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_handle_kernel.c - use a module's cache in the way the kernel does.
 *
 * This file is built without linux/gomem_override.h, so it calls the kernel's
 * own kmem_cache functions.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "gomem_handle.h"

/*
 * Allocate @n objects from the cache, as the kernel's lc_create() does, and
 * write @size bytes to each. Fail if the cache has smaller objects.
 */
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
