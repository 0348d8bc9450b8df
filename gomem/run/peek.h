/* SPDX-License-Identifier: GPL-2.0 */
/*
 * peek.h - read memory that its owner may free, change or unmap concurrently.
 */
#ifndef GOMEM_PEEK_H
#define GOMEM_PEEK_H

#include <linux/types.h>

unsigned long *gomem_peek_create(void);
void gomem_peek_destroy(unsigned long *buf);
bool gomem_peek(unsigned long *buf, unsigned long addr, size_t bytes);

#endif /* GOMEM_PEEK_H */
