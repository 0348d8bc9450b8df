// SPDX-License-Identifier: GPL-2.0
/*
 * mempool.c - callbacks that let the kernel's memory pools hold gomem's
 * objects.
 */
#include <linux/export.h>
#include <linux/gomem.h>

void *gomem_mempool_alloc(gfp_t gfp, void *size)
{
	return gomem_alloc((size_t)size, gfp);
}
EXPORT_SYMBOL_NS_GPL(gomem_mempool_alloc, GOMEM_NS);

void gomem_mempool_free(void *p, void *size)
{
	gomem_free(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_mempool_free, GOMEM_NS);
