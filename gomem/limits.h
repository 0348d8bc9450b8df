/* SPDX-License-Identifier: GPL-2.0 */
/*
 * limits.h - every size the allocator is built around, and why it has that value.
 */
#ifndef GOMEM_LIMITS_H
#define GOMEM_LIMITS_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/gomem_classes.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#ifndef CONFIG_64BIT
#error "gomem supports 64-bit kernels only: page indices and bitmaps are 64-bit words"
#endif

/*
 * The gomem page is the unit of the page heap. 8 KiB as in Go, whatever the
 * kernel's page size below it, so that one table of size classes serves all.
 */
#define GOMEM_PAGE_SHIFT	13
#define GOMEM_PAGE_SIZE		BIT(GOMEM_PAGE_SHIFT)
#define GOMEM_PAGE_MASK		(~(GOMEM_PAGE_SIZE - 1))

#if PAGE_SHIFT > GOMEM_PAGE_SHIFT
#error "gomem needs a kernel page of at most 8 KiB"
#endif

/* Order of one gomem page in the kernel's buddy allocator. */
#define GOMEM_PAGE_ORDER	(GOMEM_PAGE_SHIFT - PAGE_SHIFT)

/*
 * A chunk is the unit of bookkeeping: 4 MiB of address range, aligned, with
 * one bitmap. It is also the largest block the buddy allocator hands out on a
 * 4 KiB kernel, and so the largest object.
 */
#define GOMEM_CHUNK_PAGES_SHIFT	9
#define GOMEM_CHUNK_PAGES	((unsigned int)BIT(GOMEM_CHUNK_PAGES_SHIFT))
#define GOMEM_CHUNK_SHIFT	(GOMEM_PAGE_SHIFT + GOMEM_CHUNK_PAGES_SHIFT)
#define GOMEM_CHUNK_SIZE	BIT(GOMEM_CHUNK_SHIFT)
#define GOMEM_CHUNK_WORDS	(GOMEM_CHUNK_PAGES / 64)

/* No page: what searches return when they find nothing. */
#define GOMEM_NO_PAGE		(~0UL)

/* GOMEM_SMALL_MAX, the largest object that has a size class, is public. */
static_assert(GOMEM_SMALL_MAX == SZ_32K);

/* 8-byte objects in an 8 KiB span: the most objects a span can have. */
#define GOMEM_SPAN_MAX_OBJECTS	1024

#endif /* GOMEM_LIMITS_H */
