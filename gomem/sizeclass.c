// SPDX-License-Identifier: GPL-2.0
/*
 * sizeclass.c - the one copy of the size class tables.
 */
#include <kunit/visibility.h>
#include <linux/export.h>

#include "sizeclass.h"
#include "sizeclass_tables.h"

/**
 * gomem_roundupsize() - how much a request gets
 * @size: bytes asked for
 *
 * Return: the bytes that an object asked for with @size has: its class size,
 * or whole pages for a large one. A @size too large to round up comes back as
 * it is, and the allocation fails later on that.
 */
size_t gomem_roundupsize(size_t size)
{
	if (size <= GOMEM_SMALL_MAX)
		return gomem_class_size(gomem_sizeclass(size));
	if (size > SIZE_MAX - (GOMEM_PAGE_SIZE - 1))
		return size;
	return (size + GOMEM_PAGE_SIZE - 1) & GOMEM_PAGE_MASK;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_roundupsize);
