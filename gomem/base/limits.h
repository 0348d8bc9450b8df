/* SPDX-License-Identifier: GPL-2.0 */
/*
 * limits.h - the sizes the allocator is built around, and the reason for each.
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
 * The gomem page is the unit in which heaps manage memory. It has 8 KiB,
 * whether the kernel's page has 4 KiB or 8 KiB. So one table of size classes
 * serves all kernels. Go's runtime has pages of the same size.
 */
#define GOMEM_PAGE_SHIFT	13
#define GOMEM_PAGE_SIZE		BIT(GOMEM_PAGE_SHIFT)
#define GOMEM_PAGE_MASK		(~(GOMEM_PAGE_SIZE - 1))

#if PAGE_SHIFT > GOMEM_PAGE_SHIFT
#error "gomem needs kernel pages of at most 8 KiB: CONFIG_ARM64_4K_PAGES"
#endif

/* Order of one gomem page in the kernel's buddy allocator. */
#define GOMEM_PAGE_ORDER	(GOMEM_PAGE_SHIFT - PAGE_SHIFT)

/*
 * A chunk is the unit of bookkeeping: an aligned 4 MiB range of addresses with
 * one descriptor. With kernel pages of 4 KiB, the buddy allocator hands out no
 * larger blocks. So GOMEM_MAX_SIZE is 4 MiB, too, on all kernels.
 */
#define GOMEM_CHUNK_PAGES_SHIFT	9
#define GOMEM_CHUNK_PAGES	((unsigned int)BIT(GOMEM_CHUNK_PAGES_SHIFT))
#define GOMEM_CHUNK_SHIFT	(GOMEM_PAGE_SHIFT + GOMEM_CHUNK_PAGES_SHIFT)
#define GOMEM_CHUNK_SIZE	BIT(GOMEM_CHUNK_SHIFT)
#define GOMEM_CHUNK_WORDS	(GOMEM_CHUNK_PAGES / 64)

/* The page number that a search returns if it finds nothing. */
#define GOMEM_NO_PAGE		(~0UL)

/* The largest size class. The public header defines GOMEM_SMALL_MAX. */
static_assert(GOMEM_SMALL_MAX == SZ_32K);

/* The most objects a span can have: 8 KiB of 8-byte objects. */
#define GOMEM_SPAN_MAX_OBJECTS	1024

#endif /* GOMEM_LIMITS_H */
