// SPDX-License-Identifier: GPL-2.0
/*
 * sizeclass.c - the definition of the size class tables.
 */
#include <kunit/visibility.h>
#include <linux/export.h>

#include "base/sizeclass.h"
#include "base/sizeclass_tables.h"

/**
 * gomem_roundupsize() - return the usable size of an object that is not tiny
 * @size: bytes requested
 *
 * Return: the size of the class that serves the request; for a large object,
 * @size rounded up to whole pages. A @size too large to round up is returned
 * unchanged: no allocation of so many bytes succeeds.
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
