/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gomem_handle.h - functions that use a module's cache as code of the kernel
 * does: by the kernel's own kmem_cache functions, instead of gomem's.
 */
#ifndef GOMEM_HANDLE_H
#define GOMEM_HANDLE_H

#include <linux/types.h>

struct kmem_cache;

int kernel_fills(struct kmem_cache *s, void **objs, unsigned int n,
		 size_t size);
void kernel_empties(struct kmem_cache *s, void **objs, unsigned int n);

#endif /* GOMEM_HANDLE_H */
