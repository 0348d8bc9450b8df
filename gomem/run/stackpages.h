/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stackpages.h - find the pages of the kernel stacks of tasks.
 */
#ifndef GOMEM_STACKPAGES_H
#define GOMEM_STACKPAGES_H

#include <linux/mm.h>
#include <linux/xarray.h>

#define GOMEM_STACK_PAGES	(THREAD_SIZE / PAGE_SIZE)

/**
 * struct gomem_stackpages - a set of pages that are part of stacks
 * @pages: maps the frame number of each page to the virtual address at which
 *	the stack has the page, shifted right by PAGE_SHIFT
 */
struct gomem_stackpages {
	struct xarray pages;
};

/*
 * gomem_stackpages_each_gone() calls a function of this type for each kernel
 * page of the set that is not part of its stack any more. @pfn is the page's
 * frame number.
 */
typedef void (*gomem_stackpages_fn)(unsigned long pfn, void *arg);

bool gomem_stack_describe(unsigned long addr, char *buf, size_t len);
int gomem_stackpages_find(struct gomem_stackpages *sp);
void gomem_stackpages_drop(struct gomem_stackpages *sp);
bool gomem_stackpages_has(struct gomem_stackpages *sp, unsigned long pfn);
void gomem_stackpages_each_gone(struct gomem_stackpages *sp,
				gomem_stackpages_fn fn, void *arg);

#endif /* GOMEM_STACKPAGES_H */
