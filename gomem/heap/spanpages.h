/* SPDX-License-Identifier: GPL-2.0 */
/*
 * spanpages.h - make a span of pages, and take it apart.
 *
 * Only files of heap/ use this.
 */
#ifndef GOMEM_SPANPAGES_H
#define GOMEM_SPANPAGES_H

#include "heap/mheap.h"

void gomem_heap_make_span(struct gomem_heap *h, struct gomem_pcache *pc,
			  struct gomem_span *s, unsigned long page,
			  const struct gomem_span_request *req);
bool gomem_heap_add_to_span(struct gomem_heap *h, struct gomem_pcache *pc,
			    struct gomem_span *s, unsigned long page,
			    unsigned int npages);
void gomem_heap_take_apart(struct gomem_heap *h, struct gomem_pcache *pc,
			   struct gomem_span *s, unsigned long page);
bool gomem_heap_may_lay_aside(const struct gomem_span *s, unsigned long page);
void gomem_heap_lay_aside(struct gomem_heap *h, struct gomem_pcache *pc,
			  struct gomem_span *s, unsigned long page);
void gomem_heap_take_up(struct gomem_heap *h, struct gomem_pcache *pc,
			struct gomem_span *s, unsigned long page);
void gomem_heap_discard_aside(struct gomem_heap *h, const struct gomem_span *s,
			      unsigned long page);

#endif /* GOMEM_SPANPAGES_H */
