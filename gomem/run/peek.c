// SPDX-License-Identifier: GPL-2.0
/*
 * peek.c - read memory that its owner may free, change or unmap concurrently.
 *
 * If the memory changes during the copy, the copy may have old and new parts.
 * The buffer of the copy is a page that the scan for leaks leaves out: copies
 * of pointers are no references.
 */
#include <linux/gfp.h>
#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "base/hide.h"
#include "run/peek.h"

/**
 * gomem_peek_create - allocate a buffer for gomem_peek()
 *
 * Context: may sleep.
 * Return: a page, NULL if there is no memory.
 */
unsigned long *gomem_peek_create(void)
{
	void *buf = (void *)get_zeroed_page(GFP_KERNEL);

	if (buf)
		gomem_hide_pages(buf, PAGE_SIZE);
	return buf;
}

/**
 * gomem_peek_destroy - free a buffer from gomem_peek_create()
 * @buf: the buffer, or NULL
 */
void gomem_peek_destroy(unsigned long *buf)
{
	if (!buf)
		return;
	memset(buf, 0, PAGE_SIZE);
	gomem_unhide_pages(buf, PAGE_SIZE);
	free_page((unsigned long)buf);
}

/**
 * gomem_peek - copy memory of the kernel
 * @buf: the buffer for the copy
 * @addr: where to read; need not be mapped
 * @bytes: bytes to copy, at most PAGE_SIZE. A multiple of 8, like @addr
 *
 * Context: any.
 * Return: false if the memory cannot be read.
 */
bool gomem_peek(unsigned long *buf, unsigned long addr, size_t bytes)
{
	long err;

	/* KASAN would report reads of objects that other allocators freed. */
	kasan_disable_current();
	err = copy_from_kernel_nofault(buf, (void *)addr, bytes);
	kasan_enable_current();
	return !err;
}
