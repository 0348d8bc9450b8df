/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pagesource.h - page sources: where heaps get pages from.
 *
 * A heap gets its source when it is made. The module's heaps use
 * gomem_kernel_pages, the only code of gomem that calls the kernel's page
 * allocator for pages of a heap. Tests have sources of their own, which hand
 * out made-up addresses or fail on demand.
 */
#ifndef GOMEM_PAGESOURCE_H
#define GOMEM_PAGESOURCE_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/math.h>
#include <linux/types.h>

#include "base/limits.h"

/**
 * struct gomem_pagesource - a supplier of page blocks
 * @alloc: get a naturally aligned block of 2^order gomem pages. Called with
 *	none of gomem's spinlocks held: it may sleep if gfp allows that, and the
 *	kernel may call gomem's shrinker. Returns the address of the block, 0 if
 *	there is none
 * @node_of: return the node that the memory of a block belongs to. Only called
 *	if the heap has peers
 * @free: give back gomem pages, any part of the blocks that @alloc returned
 * @meta_alloc: get memory for gomem's own data, such as descriptors: whole
 *	kernel pages, not cleared
 * @meta_free: give back memory that @meta_alloc returned
 * @forget: called before @free for pages that may hold keys of free objects, at
 *	multiples of @step bytes from the start of a page: clears the keys. May
 *	be NULL
 * @dropped: return how many calls of kfree() and put_page() for the given pages
 *	were noticed since @settle was last called for the pages. A call is
 *	noticed if one of gomem's references to a page is missing, or if the
 *	probe of kfree() (kfree_probe=1) sees the call. Sets *news to the number
 *	of these calls that were not reported before. May be NULL
 * @settle: called when all objects in the given pages have been freed, if
 *	gomem_kfree_seen is set. From then on, @dropped does not return the
 *	calls that were noticed before. May be NULL
 * @tell: tell the kernel that the node's heap has this many gomem pages more to
 *	give back than before; fewer if the number is negative. May be NULL
 * @has_memory: the addresses that @alloc returns may be read and written. False
 *	for a test's source that hands out made-up addresses
 * @zeroed: the blocks that @alloc returns are all zero
 * @limit: bytes that all heaps of this source together try not to exceed,
 *	including what @meta_alloc handed out; 0: no limit
 * @heap_pages: gomem pages handed out by @alloc and not given back
 * @meta_bytes: bytes handed out by @meta_alloc and not given back
 */
struct gomem_pagesource {
	unsigned long (*alloc)(struct gomem_pagesource *src, unsigned int order,
			       gfp_t gfp, int node);
	int (*node_of)(struct gomem_pagesource *src, unsigned long addr);
	void (*free)(struct gomem_pagesource *src, unsigned long addr,
		     unsigned long npages);
	void *(*meta_alloc)(struct gomem_pagesource *src, size_t bytes,
			    gfp_t gfp, int node);
	void (*meta_free)(struct gomem_pagesource *src, void *p, size_t bytes);
	void (*forget)(struct gomem_pagesource *src, unsigned long addr,
		       unsigned long npages, unsigned int step);
	unsigned long (*dropped)(struct gomem_pagesource *src,
				 unsigned long addr, unsigned long bytes,
				 unsigned long *news);
	void (*settle)(struct gomem_pagesource *src, unsigned long addr,
		       unsigned long npages);
	void (*tell)(struct gomem_pagesource *src, int node, long pages);
	bool has_memory;
	bool zeroed;
	unsigned long limit;
	atomic_long_t heap_pages;
	atomic_long_t meta_bytes;
};

extern struct gomem_pagesource gomem_kernel_pages;

/* Set when a kfree() or put_page() of a heap's page is noticed. Never reset. */
extern bool gomem_kfree_seen;

void gomem_kernel_pages_init(void);
void gomem_kernel_page_kfreed(unsigned long addr);

/*
 * gomem calls a source's alloc(), free(), meta_alloc() and meta_free() only by
 * wrappers: gomem_pages_get(), gomem_pages_put(), gomem_meta_get() and
 * gomem_meta_put(). The wrappers update src->heap_pages and src->meta_bytes, so
 * that no source has to. Orders and numbers of pages are in gomem pages.
 */
static inline unsigned long gomem_pages_get(struct gomem_pagesource *src,
					    unsigned int order, gfp_t gfp,
					    int node)
{
	unsigned long addr = src->alloc(src, order, gfp, node);

	if (addr)
		atomic_long_add(1L << order, &src->heap_pages);
	return addr;
}

static inline void gomem_pages_put(struct gomem_pagesource *src,
				   unsigned long addr, unsigned long npages)
{
	atomic_long_sub(npages, &src->heap_pages);
	src->free(src, addr, npages);
}

/* Return how many bytes the source handed out that were not given back. */
static inline unsigned long gomem_source_bytes(struct gomem_pagesource *src)
{
	return (atomic_long_read(&src->heap_pages) << GOMEM_PAGE_SHIFT) +
	       atomic_long_read(&src->meta_bytes);
}

/*
 * Return how many gomem pages the source would have handed out beyond its
 * limit, if it handed out @more gomem pages now; 0 if it has no limit.
 */
static inline unsigned long gomem_source_excess(struct gomem_pagesource *src,
						unsigned long more)
{
	unsigned long limit = READ_ONCE(src->limit);
	unsigned long bytes = gomem_source_bytes(src) +
			      (more << GOMEM_PAGE_SHIFT);

	if (!limit || bytes <= limit)
		return 0;
	return DIV_ROUND_UP(bytes - limit, GOMEM_PAGE_SIZE);
}

static inline void *gomem_meta_get(struct gomem_pagesource *src, size_t bytes,
				   gfp_t gfp, int node)
{
	void *p = src->meta_alloc(src, bytes, gfp, node);

	if (p)
		atomic_long_add(bytes, &src->meta_bytes);
	return p;
}

static inline void gomem_meta_put(struct gomem_pagesource *src, void *p,
				  size_t bytes)
{
	atomic_long_sub(bytes, &src->meta_bytes);
	src->meta_free(src, p, bytes);
}

#endif /* GOMEM_PAGESOURCE_H */
