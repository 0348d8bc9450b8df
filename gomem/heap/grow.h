/* SPDX-License-Identifier: GPL-2.0 */
/*
 * grow.h - fetch pages from the kernel into a heap.
 *
 * For the files of the heap only.
 */
#ifndef GOMEM_GROW_H
#define GOMEM_GROW_H

#include "heap/mheap.h"

/**
 * struct gomem_supply - what a span is made of, beside its pages
 * @heap: the heap of the pages
 * @desc: a descriptor of this heap for the span
 */
struct gomem_supply {
	struct gomem_heap *heap;
	struct gomem_span *desc;
};

unsigned long gomem_heap_grow(struct gomem_supply *from,
			      const struct gomem_span_request *req);

#endif /* GOMEM_GROW_H */
