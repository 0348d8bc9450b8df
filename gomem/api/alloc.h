/* SPDX-License-Identifier: GPL-2.0 */
/*
 * alloc.h - functions of alloc.c, free.c and size.c that other files use. The
 * slow paths of alloc.c and free.c are declared in hit.h.
 */
#ifndef GOMEM_ALLOC_H
#define GOMEM_ALLOC_H

#include <linux/gfp.h>
#include <linux/types.h>

#include "map/report.h"

/* alloc.c */
void gomem_alloc_init(void);
void *gomem_alloc_for(size_t size, gfp_t gfp, unsigned long caller);

/* free.c */
void gomem_free_init(void);

/* size.c */

size_t gomem_object_size(const void *p, bool *noscan, enum gomem_misuse if_free,
			 unsigned long caller);
size_t gomem_resizable_size(const void *p, bool *noscan,
			    enum gomem_misuse if_free, unsigned long caller);
size_t gomem_freeable_size(const void *p, unsigned long caller);
long gomem_key_offset(const void *p);

#endif /* GOMEM_ALLOC_H */
