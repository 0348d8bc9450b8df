/* SPDX-License-Identifier: GPL-2.0 */
/*
 * alloc.h - what the parts of the API that are not in alloc.c share with it. None of
 * this is on the fast path.
 */
#ifndef GOMEM_ALLOC_H
#define GOMEM_ALLOC_H

#include <linux/gfp.h>
#include <linux/types.h>

bool gomem_enter_alloc(size_t size, gfp_t gfp, unsigned long caller);
bool gomem_enter_free(unsigned long caller);
void *gomem_alloc_slow(unsigned int spc, gfp_t gfp, unsigned long caller);
void gomem_free_slow(unsigned int spc, void *obj);

#endif /* GOMEM_ALLOC_H */
