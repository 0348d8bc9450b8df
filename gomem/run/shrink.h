/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shrink.h - give memory back when the kernel runs short of memory.
 */
#ifndef GOMEM_SHRINK_H
#define GOMEM_SHRINK_H

#include <linux/types.h>

struct gomem_heap;

unsigned long gomem_heap_shrink(struct gomem_heap *h, unsigned long want,
				bool *owes);
int gomem_shrink_init(void);
unsigned long gomem_shrink_given_at_oom(void);
void gomem_shrink_exit(void);

#endif /* GOMEM_SHRINK_H */
