/* SPDX-License-Identifier: GPL-2.0 */
/*
 * grow.h - fetch pages from the kernel into a heap.
 *
 * Only files in heap/ include this header.
 */
#ifndef GOMEM_GROW_H
#define GOMEM_GROW_H

#include "heap/mheap.h"

/**
 * struct gomem_supply - a descriptor for a new span, and the heap it is from
 * @heap: the heap that the pages of the span belong to
 * @desc: a span descriptor, allocated from this heap
 */
struct gomem_supply {
	struct gomem_heap *heap;
	struct gomem_span *desc;
};

unsigned long gomem_heap_grow(struct gomem_supply *from,
			      const struct gomem_span_request *req);

#endif /* GOMEM_GROW_H */
