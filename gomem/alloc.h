/* SPDX-License-Identifier: GPL-2.0 */
/*
 * alloc.h - the module's heap.
 */
#ifndef GOMEM_ALLOC_H
#define GOMEM_ALLOC_H

#include "mheap.h"

extern struct gomem_heap gomem_heap;

#endif /* GOMEM_ALLOC_H */
