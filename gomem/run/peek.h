/* SPDX-License-Identifier: GPL-2.0 */
/*
 * peek.h - read memory that its owner may free, change or unmap concurrently.
 */
#ifndef GOMEM_PEEK_H
#define GOMEM_PEEK_H

#include <linux/mm.h>
#include <linux/types.h>

/*
 * Return the page at an address; NULL if none is mapped there. Variables of
 * modules, some per-CPU areas and stacks are not in the direct map, but are
 * mapped like memory from vmalloc().
 */
static inline struct page *gomem_page_of(const void *p)
{
	return virt_addr_valid(p) ? virt_to_page(p) : vmalloc_to_page(p);
}

unsigned long *gomem_peek_create(void);
void gomem_peek_destroy(unsigned long *buf);
bool gomem_peek(unsigned long *buf, unsigned long addr, size_t bytes);

#endif /* GOMEM_PEEK_H */
