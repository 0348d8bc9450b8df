// SPDX-License-Identifier: GPL-2.0
/*
 * pagesource.c - pages from the buddy allocator.
 */
#include <linux/bug.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/rcupdate.h>

#include "compat.h"
#include "key.h"
#include "pagesource.h"
#include "report.h"

/*
 * What of a caller's gfp the page allocator gets to see: how hard to try and how
 * loud to fail, and whether another node will do; and of gomem's own tries, whether only
 * low memory will do. The rest says of which zone memory
 * should be or what it should look like, which is not the caller's to choose for
 * pages that many share.
 */
#define GOMEM_GFP_EFFORT	(__GFP_RECLAIM | __GFP_HIGH | __GFP_IO | __GFP_FS | \
				 __GFP_NOWARN | __GFP_RETRY_MAYFAIL | __GFP_NOFAIL | \
				 __GFP_NORETRY | __GFP_MEMALLOC | __GFP_NOMEMALLOC | \
				 __GFP_THISNODE | __GFP_DMA32 | GOMEM_GFP_ATOMIC)

/*
 * References of ours on each page, beside the one it comes with. Up to 6.17 kfree() takes an
 * object of gomem's for a large one of its own, and drops a reference of its page. The page
 * stays what it is that many times. A page has at most 512 objects, but one that the kernel
 * frees again and again in a loop must not take the page from the others, either. As many
 * are left for who calls get_page().
 */
#define GUARD_REFS	BIT(30)

/*
 * With KASAN's tag-based modes (arm64) a page has a tag, which is part of its address. Objects
 * are found by arithmetic on addresses: pages here have the tag that matches any memory.
 */
static void prepare_pages(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++) {
		page_ref_add(page + i, GUARD_REFS);
		set_page_private(page + i, 0);
		page_kasan_tag_reset(page + i);
	}
}

/*
 * The block is split at once, so that any part of it can go back alone: a
 * compound page could only be freed as a whole.
 */
static noinline unsigned long split_block(struct page *page, unsigned int order)
{
	if (order)
		split_page(page, order);
	prepare_pages(page, order);
	return (unsigned long)page_address(page);
}

static unsigned long kernel_alloc(struct gomem_pagesource *src, unsigned int order, gfp_t gfp,
				  int node)
{
	struct page *page;

	order += GOMEM_PAGE_ORDER;
	if (order > GOMEM_MAX_ORDER)
		return 0;
	page = alloc_pages_node(node, gfp & GOMEM_GFP_EFFORT, order);
	return page ? split_block(page, order) : 0;
}

static int kernel_node_of(struct gomem_pagesource *src, unsigned long addr)
{
	return page_to_nid(virt_to_page((void *)addr));
}

/*
 * An object that was freed twice may still lie in a slot. Its page is somebody else's
 * soon; without its key it will be taken for written to, and not handed out.
 */
static __no_kmsan_checks void kernel_forget(struct gomem_pagesource *src, unsigned long addr,
					    unsigned long npages)
{
	unsigned long *end = (unsigned long *)(addr + (npages << GOMEM_PAGE_SHIFT));
	unsigned long *word;

	for (word = (unsigned long *)addr; word < end; word++)
		if (unlikely(gomem_looks_free(word, gomem_objkey(word)) && gomem_is_free(word)))
			*word = 0;
}

/*
 * How many references of ours are missing. A reference that a user of the page has in the
 * meantime hides one.
 */
static unsigned long missing_refs(struct page *page)
{
	int missing = GUARD_REFS + 1 - page_ref_count(page);

	return max(missing, 0);
}

/*
 * The page's private word has how many of the missing references were told of: by kernel_dropped()
 * for the check of the heap, for a typed cache that is destroyed, or at unload, which may
 * race; or by gomem_kernel_page_kfreed(). One of the racers gets the news.
 */
static unsigned long take_news(struct page *page, unsigned long missing)
{
	unsigned long told = READ_ONCE(page_private(page));

	if (missing <= told || cmpxchg(&page_private(page), told, missing) != told)
		return 0;
	return missing - told;
}

static unsigned long kernel_dropped(struct gomem_pagesource *src, unsigned long addr,
				    unsigned long bytes, unsigned long *news)
{
	unsigned long end = addr + bytes, missing, all = 0;
	struct page *page;

	*news = 0;
	for (; addr < end; addr += PAGE_SIZE) {
		page = virt_to_page((void *)addr);
		missing = missing_refs(page);
		*news += take_news(page, missing);
		/* More were told of than are missing where kfree() drops no reference. */
		all += max(missing, READ_ONCE(page_private(page)));
	}
	return all;
}

/**
 * gomem_kernel_page_kfreed - note that kfree() is about to free an object
 * @addr: the object, in a page that a heap has
 *
 * So that kernel_dropped() tells of it, but not as news.
 *
 * Context: any, in a read-side section of RCU, which keeps the page.
 */
void gomem_kernel_page_kfreed(unsigned long addr)
{
	struct page *page = virt_to_page((void *)addr);
	unsigned long told;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "gomem notes a kfree() in a page that may go");
	do
		told = READ_ONCE(page_private(page));
	while (cmpxchg(&page_private(page), told, told + 1) != told);
}

/*
 * With more references than ours the page goes when its user drops the last one, as
 * anybody's would. With less, who dropped them may drop more: the page stays, with those
 * it has, and is nobody's.
 */
static void free_guarded_page(struct page *page)
{
	int left = folio_ref_sub_return(page_folio(page), GUARD_REFS);
	unsigned long news;

	if (likely(left > 0)) {
		__free_page(page);
		return;
	}
	page_ref_add(page, GUARD_REFS);
	news = take_news(page, 1 - left);
	if (news)
		gomem_report_kfree(page_address(page), news);
}

static void kernel_free(struct gomem_pagesource *src, unsigned long addr, unsigned long npages)
{
	unsigned long end = addr + (npages << GOMEM_PAGE_SHIFT);

	for (; addr < end; addr += PAGE_SIZE)
		free_guarded_page(virt_to_page((void *)addr));
}

/* Single pages from here on: those at the end are not needed. */
static noinline void *trim_pages(struct page *page, size_t bytes)
{
	unsigned int order = get_order(bytes);
	unsigned long addr, end;

	split_page(page, order);
	addr = (unsigned long)page_address(page);
	end = addr + (PAGE_SIZE << order);
	for (addr += PAGE_ALIGN(bytes); addr < end; addr += PAGE_SIZE)
		free_page(addr);
	return page_address(page);
}

static void *kernel_meta_alloc(struct gomem_pagesource *src, size_t bytes, gfp_t gfp, int node)
{
	struct page *page = alloc_pages_node(node, gfp & GOMEM_GFP_EFFORT, get_order(bytes));

	if (!page)
		return NULL;
	return bytes > PAGE_SIZE ? trim_pages(page, bytes) : page_address(page);
}

static void kernel_meta_free(struct gomem_pagesource *src, void *p, size_t bytes)
{
	free_pages_exact(p, bytes);
}

struct gomem_pagesource gomem_kernel_pages = {
	.alloc = kernel_alloc,
	.node_of = kernel_node_of,
	.free = kernel_free,
	.forget = kernel_forget,
	.dropped = kernel_dropped,
	.has_memory = true,
	.meta_alloc = kernel_meta_alloc,
	.meta_free = kernel_meta_free,
};

/**
 * gomem_kernel_pages_init - learn what the kernel does to pages
 *
 * It clears them when it hands them out (init_on_alloc=1), or when they come back
 * (init_on_free=1), all or none of them: both are set on its command line, for good.
 */
void __init gomem_kernel_pages_init(void)
{
	gomem_kernel_pages.zeroed = want_init_on_alloc(0) || want_init_on_free();
}
