/* SPDX-License-Identifier: GPL-2.0 */
/*
 * foreign.h - describe memory that is not gomem's, for reports about callers
 * that pass a pointer to such memory.
 */
#ifndef GOMEM_FOREIGN_H
#define GOMEM_FOREIGN_H

#include <linux/types.h>

struct kmem_cache;
struct page;

void gomem_foreign_init(void);
struct page *gomem_mapped_page(unsigned long addr);
void gomem_foreign_describe(unsigned long addr, char *buf, size_t len);
bool gomem_foreign_is_slab(unsigned long addr);
bool gomem_foreign_may_be_of(unsigned long addr, const struct kmem_cache *s);

#endif /* GOMEM_FOREIGN_H */
