/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scavenge.h - give free pages back to the kernel.
 *
 * Go's runtime gives back the memory of a page and keeps its virtual address.
 * gomem's addresses are those of the kernel's direct map, so gomem cannot keep
 * the address of a page that it gives back: the page becomes a hole.
 */
#ifndef GOMEM_SCAVENGE_H
#define GOMEM_SCAVENGE_H

#include "heap/mheap.h"

unsigned long gomem_heap_scavenge_some(struct gomem_heap *h, unsigned long want,
				       enum gomem_scavenge_reason why,
				       u64 *worked);
unsigned long gomem_heap_scavenge(struct gomem_heap *h, unsigned long want,
				  enum gomem_scavenge_reason why);
void gomem_heap_wait_for_grace(struct gomem_heap *h, unsigned long gp,
			       bool hurry);
unsigned long gomem_heap_owe(struct gomem_heap *h, unsigned long want,
			     bool *owes);
unsigned long gomem_heap_pay(struct gomem_heap *h);
unsigned long gomem_heap_surplus(const struct gomem_heap *h);
void gomem_heap_give_back(struct gomem_heap *h, unsigned long freed);
unsigned long gomem_heap_idle_pages(struct gomem_heap *h);

#endif /* GOMEM_SCAVENGE_H */
