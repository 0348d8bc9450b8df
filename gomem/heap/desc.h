/* SPDX-License-Identifier: GPL-2.0 */
/*
 * desc.h - the descriptors of a heap's spans and chunks.
 */
#ifndef GOMEM_DESC_H
#define GOMEM_DESC_H

#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/types.h>

#include "base/fixalloc.h"
#include "map/span.h"

struct gomem_heap;

int gomem_heap_init_descs(struct gomem_heap *h);
void gomem_heap_destroy_descs(struct gomem_heap *h);
bool gomem_heap_refill_descs(struct gomem_heap *h, struct gomem_fixalloc *f,
			     gfp_t gfp);
void *gomem_heap_alloc_desc(struct gomem_heap *h, struct gomem_fixalloc *f,
			    gfp_t gfp);
void gomem_heap_free_desc(struct gomem_heap *h, struct gomem_fixalloc *f,
			  void *desc);

/*
 * Return the size of a span descriptor, in bytes. @index determines the size of
 * its bitmaps: see gomem_span_desc().
 */
static inline size_t gomem_span_desc_size(unsigned int index)
{
	return sizeof(struct gomem_span) +
	       2 * BIT(index) * sizeof(unsigned long);
}

#endif /* GOMEM_DESC_H */
