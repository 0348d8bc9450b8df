/* SPDX-License-Identifier: GPL-2.0 */
/*
 * undo.h - give memory back to the kernel when a bulk allocation fails after it
 * got some of the objects.
 */
#ifndef GOMEM_UNDO_H
#define GOMEM_UNDO_H

#include <linux/gfp.h>
#include <linux/types.h>

struct gomem_heap;
struct gomem_kind;

unsigned long gomem_heap_undo(struct gomem_heap *h, unsigned long pages,
			      gfp_t gfp);
void gomem_undo(const struct gomem_kind *k, size_t n, gfp_t gfp);
void gomem_undo_pages(unsigned long pages, gfp_t gfp);

#endif /* GOMEM_UNDO_H */
