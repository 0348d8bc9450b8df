/* SPDX-License-Identifier: GPL-2.0 */
/*
 * large.h - large objects: each has pages of its own.
 */
#ifndef GOMEM_LARGE_H
#define GOMEM_LARGE_H

#include <linux/gfp.h>
#include <linux/types.h>

void *gomem_large_alloc(size_t size, gfp_t gfp, bool noscan, int node,
			unsigned long caller);
bool gomem_large_free(void *p);
size_t gomem_large_size(const void *p, bool *noscan);
bool gomem_large_extend(void *p, size_t size, size_t new_size, size_t roomy,
			gfp_t gfp);

#endif /* GOMEM_LARGE_H */
