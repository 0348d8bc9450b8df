/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shrink.h - the kernel asks for memory back.
 */
#ifndef GOMEM_SHRINK_H
#define GOMEM_SHRINK_H

#include <linux/types.h>

struct gomem_heap;

unsigned long gomem_heap_shrink(struct gomem_heap *h, unsigned long want, bool *owes);
void gomem_shrink_pay_later(void);
int gomem_shrink_init(void);
void gomem_shrink_exit(void);

#endif /* GOMEM_SHRINK_H */
