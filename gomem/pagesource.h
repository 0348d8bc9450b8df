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
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/math.h>
#include <linux/types.h>

#include "limits.h"

/**
 * struct gomem_pagesource - a supplier of page blocks
 * @alloc: get a naturally aligned block of gomem pages. May sleep as far as gfp
 *	allows, so no lock is held. Returns its address, 0 if there is none
 * @node_of: which node's memory a block is; only for heaps that have peers
 * @free: give back gomem pages, any part of blocks that @alloc returned
 * @meta_alloc: memory for descriptors; whole pages, not cleared
 * @meta_free: gives it back
 * @forget: called before pages that had objects go back, may be NULL
 * @dropped: how many references of ours somebody dropped of pages that are in use; @news is
 *	set to how many of these no call told of before. May be NULL
 * @has_memory: there is memory at the addresses it hands out
 * @zeroed: the blocks it hands out are all zero
 * @limit: bytes that heaps try not to exceed, descriptors included; 0: none
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
	void (*forget)(struct gomem_pagesource *src, unsigned long addr, unsigned long npages);
	unsigned long (*dropped)(struct gomem_pagesource *src, unsigned long addr,
				 unsigned long bytes, unsigned long *news);
	bool has_memory;
	bool zeroed;
	unsigned long limit;
	atomic_long_t heap_pages;
	atomic_long_t meta_bytes;
};

extern struct gomem_pagesource gomem_kernel_pages;

void gomem_kernel_pages_init(void);
void gomem_kernel_page_kfreed(unsigned long addr);

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

/* Everything that came from here. */
static inline unsigned long gomem_source_bytes(struct gomem_pagesource *src)
{
	return (atomic_long_read(&src->heap_pages) << GOMEM_PAGE_SHIFT) +
	       atomic_long_read(&src->meta_bytes);
}

/* By how many gomem pages the limit would be exceeded with @more pages out. */
static inline unsigned long gomem_source_excess(struct gomem_pagesource *src, unsigned long more)
{
	unsigned long limit = READ_ONCE(src->limit);
	unsigned long bytes = gomem_source_bytes(src) + (more << GOMEM_PAGE_SHIFT);

	if (!limit || bytes <= limit)
		return 0;
	return DIV_ROUND_UP(bytes - limit, GOMEM_PAGE_SIZE);
}

/* The same of pages that may have had objects. */
static inline void gomem_pages_put_used(struct gomem_pagesource *src, unsigned long addr,
					unsigned long npages)
{
	if (src->forget)
		src->forget(src, addr, npages);
	gomem_pages_put(src, addr, npages);
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
