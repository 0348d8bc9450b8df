/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hide.h - keep gomem's own notes of objects from counting as references.
 *
 * The scan for leaks (run/hunt.c) takes each word whose value is the address of
 * an object for a pointer to the object. So gomem inverts an address that it
 * keeps for its own purposes in memory that the scan reads. Whole pages that
 * gomem uses for itself, such as stacks of free objects and descriptors, have a
 * mark. The scan leaves marked pages out.
 */
#ifndef GOMEM_HIDE_H
#define GOMEM_HIDE_H

#include <linux/compiler.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/types.h>

#include "base/key.h"

/* Return the value to store for @addr. This value is not a kernel address. */
static inline unsigned long gomem_hide(unsigned long addr)
{
	return ~addr;
}

/* Return the address that gomem_hide() was called with. */
static inline unsigned long gomem_unhide(unsigned long hidden)
{
	return ~hidden;
}

/*
 * Clear an array of pointers to objects that lies on the stack. Otherwise the
 * scan could find the pointers there until a deeper call overwrites them.
 */
static inline void gomem_wipe(void **objs, unsigned int n)
{
	memset(objs, 0, n * sizeof(*objs));
	barrier_data(objs);
}

/* The mark is random, so other users of page->private hardly ever store it. */
static inline unsigned long gomem_hidden_mark(void)
{
	return ~gomem_secret;
}

/* Mark the pages of a range of the direct map as gomem's own. */
static inline void gomem_hide_pages(const void *p, size_t bytes)
{
	size_t off;

	for (off = 0; off < bytes; off += PAGE_SIZE)
		set_page_private(virt_to_page(p + off), gomem_hidden_mark());
}

/* Remove the marks, before the pages go back to the kernel. */
static inline void gomem_unhide_pages(const void *p, size_t bytes)
{
	size_t off;

	for (off = 0; off < bytes; off += PAGE_SIZE)
		set_page_private(virt_to_page(p + off), 0);
}

/* Is the page marked as gomem's own? */
static inline bool gomem_page_is_hidden(const struct page *page)
{
	/* The owner of the page may change page->private concurrently. */
	return data_race(page_private(page)) == gomem_hidden_mark();
}

#endif /* GOMEM_HIDE_H */
