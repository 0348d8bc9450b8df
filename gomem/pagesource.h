/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pagesource.h - where pages come from: the one door to the kernel's page
 * allocator.
 *
 * A heap is given a source when it is made. The kernel source below is what the
 * module uses; tests bring sources of their own, that hand out made-up addresses
 * or fail on demand.
 */
#ifndef GOMEM_PAGESOURCE_H
#define GOMEM_PAGESOURCE_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/types.h>

#include "limits.h"

/**
 * struct gomem_pagesource - a supplier of page blocks
 * @alloc: get a naturally aligned block of gomem pages. May sleep as far as gfp
 *	allows, so no lock is held. Returns its address, 0 if there is none
 * @node_of: which node's memory a block is; only for heaps that have peers
 * @free: give back gomem pages, any part of blocks that @alloc returned
 * @meta_alloc: memory for descriptors; power-of-two bytes, not cleared
 * @meta_free: gives it back
 * @heap_pages: gomem pages out
 * @meta_bytes: descriptor bytes out
 */
struct gomem_pagesource {
	unsigned long (*alloc)(struct gomem_pagesource *src, unsigned int order, gfp_t gfp,
			       int node);
	int (*node_of)(struct gomem_pagesource *src, unsigned long addr);
	void (*free)(struct gomem_pagesource *src, unsigned long addr, unsigned long npages);
	void *(*meta_alloc)(struct gomem_pagesource *src, size_t bytes, gfp_t gfp, int node);
	void (*meta_free)(struct gomem_pagesource *src, void *p, size_t bytes);
	atomic_long_t heap_pages;
	atomic_long_t meta_bytes;
};

extern struct gomem_pagesource gomem_kernel_pages;

/*
 * Wrappers that count, so that every source counts alike. Orders and lengths are
 * in gomem pages.
 */
static inline unsigned long gomem_pages_get(struct gomem_pagesource *src, unsigned int order,
					    gfp_t gfp, int node)
{
	unsigned long addr = src->alloc(src, order, gfp, node);

	if (addr)
		atomic_long_add(1L << order, &src->heap_pages);
	return addr;
}

static inline void gomem_pages_put(struct gomem_pagesource *src, unsigned long addr,
				   unsigned long npages)
{
	atomic_long_sub(npages, &src->heap_pages);
	src->free(src, addr, npages);
}

static inline void *gomem_meta_get(struct gomem_pagesource *src, size_t bytes, gfp_t gfp,
				   int node)
{
	void *p = src->meta_alloc(src, bytes, gfp, node);

	if (p)
		atomic_long_add(bytes, &src->meta_bytes);
	return p;
}

static inline void gomem_meta_put(struct gomem_pagesource *src, void *p, size_t bytes)
{
	atomic_long_sub(bytes, &src->meta_bytes);
	src->meta_free(src, p, bytes);
}

#endif /* GOMEM_PAGESOURCE_H */
