// SPDX-License-Identifier: GPL-2.0
/*
 * pagesource.c - the page source of the module: the kernel's page allocator.
 */
#include <kunit/visibility.h>
#include <linux/bug.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/rcupdate.h>
#include <linux/vmstat.h>

#include "base/compat.h"
#include "base/hide.h"
#include "base/key.h"
#include "map/report.h"
#include "heap/pagesource.h"

/*
 * The gfp flags that are passed on to the page allocator. They tell how hard to
 * try, whether to warn, and whether other nodes will do. __GFP_DMA32 is here
 * for fetch_hard() in grow.c: callers of gomem cannot set it. All other flags
 * choose the zone or other properties of the memory. A single caller cannot
 * choose these, since objects of other callers share the pages or use them
 * later.
 */
#define GOMEM_GFP_EFFORT						\
	(__GFP_RECLAIM | __GFP_HIGH | __GFP_IO | __GFP_FS |		\
	 __GFP_NOWARN | __GFP_RETRY_MAYFAIL | __GFP_NOFAIL |		\
	 __GFP_NORETRY | __GFP_MEMALLOC | __GFP_NOMEMALLOC |		\
	 __GFP_THISNODE | __GFP_DMA32 | GOMEM_GFP_ATOMIC)

/*
 * References that gomem adds to each kernel page, besides the reference that
 * alloc_pages() takes. Up to Linux 6.17, kfree() mistakes a gomem object for a
 * large object from kmalloc(), and drops a reference to the object's page. The
 * page survives this number of such calls. A page of 4 KiB has at most 3840
 * objects (tiny ones), but a loop that passes the same object to kfree() again
 * and again must not free the page under the other objects. Half of the range
 * of the reference counter is left for callers of get_page().
 */
#define GUARD_REFS	BIT(30)

/*
 * Prepare the pages of a new block: add the guard references, and clear
 * page_private(), in which gomem counts the calls of kfree() for a page. In
 * KASAN's tag-based modes (arm64) the address of a page contains a tag. gomem
 * finds objects by arithmetic on addresses, so its pages get the tag that
 * matches any memory.
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
 * Split a block, so that any part of it can be given back alone: a compound
 * page could only be freed as a whole.
 */
static noinline unsigned long split_block(struct page *page, unsigned int order)
{
	if (order)
		split_page(page, order);
	prepare_pages(page, order);
	return (unsigned long)page_address(page);
}

/*
 * Kept out of line to save stack: the warnings in alloc_pages_node() need a
 * stack frame. It is gone when the page allocator runs, because that call is a
 * tail call.
 */
static noinline struct page *get_pages(gfp_t gfp, unsigned int order, int node)
{
	return alloc_pages_node(node, gfp & GOMEM_GFP_EFFORT, order);
}

static unsigned long kernel_alloc(struct gomem_pagesource *src,
				  unsigned int order, gfp_t gfp, int node)
{
	struct page *page;

	order += GOMEM_PAGE_ORDER;
	if (order > GOMEM_MAX_ORDER)
		return 0;
	page = get_pages(gfp, order, node);
	return page ? split_block(page, order) : 0;
}

static int kernel_node_of(struct gomem_pagesource *src, unsigned long addr)
{
	return page_to_nid(virt_to_page((void *)addr));
}

/*
 * Clear the keys of free objects in pages that go back to the kernel. An object
 * that was freed twice may still be in a CPU's slot. Without its key, gomem
 * takes it for an object that was written to while it was free. So no
 * allocation hands it out when its page belongs to another user.
 */
static __no_kmsan_checks void kernel_forget(struct gomem_pagesource *src,
					    unsigned long addr,
					    unsigned long npages,
					    unsigned int step)
{
	unsigned long end = addr + (npages << GOMEM_PAGE_SHIFT);
	unsigned long secret = gomem_secret;

#pragma GCC unroll 8
	for (; addr < end; addr += step)
		if (unlikely(gomem_has_key_by((void *)addr, secret)))
			*(unsigned long *)addr = 0;
}

/*
 * Return how many of gomem's references to a page are missing. Each reference
 * that a user of the page holds at the moment hides a missing one.
 */
static unsigned long missing_refs(struct page *page)
{
	int missing = GUARD_REFS + 1 - page_ref_count(page);

	return max(missing, 0);
}

/*
 * page_private() of a page has two numbers. The low half counts the calls of
 * kfree() for the page that were reported. The high half counts the calls that
 * were made before the present objects of the page were allocated.
 */
#define PAST_SHIFT	32

bool gomem_kfree_seen __read_mostly;

static u32 told_of(unsigned long word)
{
	return word;
}

static u32 past_of(unsigned long word)
{
	return word >> PAST_SHIFT;
}

/*
 * Return how many of the @missing references of a page were not reported
 * before, and note them as reported.
 *
 * Runs concurrently in tasks that check the heap, destroy a typed cache or
 * unload the module, and with gomem_kernel_page_kfreed() on any CPU. If several
 * tasks race, one returns the new references, and the others return 0.
 */
static unsigned long take_news(struct page *page, unsigned long missing)
{
	unsigned long word = READ_ONCE(page_private(page));
	u32 told = told_of(word);

	if (missing <= told ||
	    cmpxchg(&page_private(page), word, word - told + missing) != word)
		return 0;
	WRITE_ONCE(gomem_kfree_seen, true);
	return missing - told;
}

/*
 * Return how often kfree() was called for a page. From Linux 6.18 on, kfree()
 * drops no reference of the page. On these kernels, the probe that
 * kfree_probe=1 installs may have reported more calls than references are
 * missing.
 */
static u32 kfrees_of(struct page *page)
{
	return max_t(u32, missing_refs(page),
		     told_of(READ_ONCE(page_private(page))));
}

/*
 * Return how many calls of kfree() for a page may have been for objects that
 * the page has now.
 */
static u32 present_kfrees(struct page *page)
{
	u32 past = past_of(READ_ONCE(page_private(page)));

	return max(kfrees_of(page), past) - past;
}

static unsigned long kernel_dropped(struct gomem_pagesource *src,
				    unsigned long addr, unsigned long bytes,
				    unsigned long *news)
{
	unsigned long end = addr + bytes, n, here, all = 0;
	struct page *page;

	*news = 0;
	for (; addr < end; addr += PAGE_SIZE) {
		page = virt_to_page((void *)addr);
		n = take_news(page, missing_refs(page));
		here = present_kfrees(page);
		/*
		 * Calls of kfree() for earlier objects of the page are counted
		 * as misuses here, and not added to *news or to the result.
		 */
		if (unlikely(n > here))
			gomem_count_misuses(GOMEM_KFREE, n - here);
		*news += min(n, here);
		all += here;
	}
	return all;
}

/*
 * All objects in the pages have been freed. Note all calls of kfree() up to now
 * as past: they do not concern the next objects. The references that those
 * calls dropped stay dropped, so that free_guarded_page() finds them missing
 * and does not free the page.
 */
static void kernel_settle(struct gomem_pagesource *src, unsigned long addr,
			  unsigned long npages)
{
	unsigned long end = addr + (npages << GOMEM_PAGE_SHIFT), word;
	struct page *page;
	u32 past;

	for (; addr < end; addr += PAGE_SIZE) {
		page = virt_to_page((void *)addr);
		past = kfrees_of(page);
		word = READ_ONCE(page_private(page));
		/*
		 * If another CPU notes a kfree() just now, cmpxchg() fails.
		 * Then past calls may be counted for later objects.
		 */
		if (past != past_of(word))
			cmpxchg(&page_private(page), word,
				told_of(word) | (u64)past << PAST_SHIFT);
	}
}

/**
 * gomem_kernel_page_kfreed - count a call of kfree() that the caller reports
 * @addr: the object that was passed to kfree(), in a page of a heap
 *
 * The caller, the probe of kfree(), reports the call. So kernel_dropped()
 * includes the call in its result, but not in *news, the number of calls that
 * are yet to be reported.
 *
 * Context: any, in an RCU read-side section, which keeps the page from being
 * given back.
 */
void gomem_kernel_page_kfreed(unsigned long addr)
{
	struct page *page = virt_to_page((void *)addr);
	unsigned long word;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(),
			 "gomem without rcu_read_lock(): the page may be freed");
	do
		word = READ_ONCE(page_private(page));
	while (cmpxchg(&page_private(page), word, word + 1) != word);
	WRITE_ONCE(gomem_kfree_seen, true);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_kernel_page_kfreed);

/*
 * Drop gomem's references to a page. If users of the page hold references, the
 * page is freed when the last one is dropped, like any page. If some of gomem's
 * references are missing, the code that dropped them may drop more: the page is
 * leaked, with the references it has.
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

/*
 * Take all references of a page. Return false, with nothing changed, if the
 * page cannot be part of a block that begins at @first: it has other references
 * than gomem's, or lacks one of gomem's, or has a memory error, or lies in
 * another zone. The kernel sets a page with an error aside only if the page is
 * freed alone. A block must lie in one zone.
 */
static bool take_refs(struct page *page, struct page *first)
{
	return !PageHWPoison(page) &&
	       page_zone_id(page) == page_zone_id(first) &&
	       folio_ref_freeze(page_folio(page), GUARD_REFS + 1);
}

/*
 * Take all references of the pages of a block, and give the block as a whole
 * one reference. Return false, with nothing changed, if take_refs() returns
 * false for a page.
 */
static bool join_pages(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		if (!take_refs(page + i, page))
			break;
	if (i < 1U << order) {
		while (i--)
			folio_ref_unfreeze(page_folio(page + i),
					   GUARD_REFS + 1);
		return false;
	}
	for (i = 0; i < 1U << order; i++)
		set_page_private(page + i, 0);
	folio_ref_unfreeze(page_folio(page), 1);
	return true;
}

/*
 * The largest order of a block that is freed as a whole: 2 MiB, if kernel pages
 * have 4 KiB. The limit bounds the time that one such free takes.
 */
#define JOIN_ORDER_MAX	min(9, GOMEM_MAX_ORDER)

/*
 * Return the order of the largest block of kernel pages that begins at @addr,
 * is naturally aligned, and ends at or before @end; at most JOIN_ORDER_MAX.
 */
static unsigned int block_order(unsigned long addr, unsigned long end)
{
	unsigned int order = min_t(unsigned int, JOIN_ORDER_MAX,
				   ilog2((end - addr) >> PAGE_SHIFT));

	return min_t(unsigned int, order, __ffs(__pa(addr) >> PAGE_SHIFT));
}

/*
 * These features of the kernel keep a record of each allocated block with the
 * first page of the block. A joined block could contain pages of several
 * allocated blocks, and its free would use the record of its first page for all
 * of them. So pages are not joined.
 */
#define NEVER_JOIN	(IS_ENABLED(CONFIG_PAGE_OWNER) ||		\
			 IS_ENABLED(CONFIG_MEM_ALLOC_PROFILING))

/*
 * Pages go back in blocks as large as possible, so that few of them enter the
 * lists of freed single pages and small blocks that the kernel has for each
 * CPU. If such a list is full, Linux 6.1 and 6.12 move up to 2000 of its pages
 * to the zone with interrupts off.
 */
static void kernel_free(struct gomem_pagesource *src, unsigned long addr,
			unsigned long npages)
{
	unsigned long end = addr + (npages << GOMEM_PAGE_SHIFT);
	unsigned int order;
	struct page *page;

	for (; addr < end; addr += PAGE_SIZE << order) {
		page = virt_to_page((void *)addr);
		order = NEVER_JOIN ? 0 : block_order(addr, end);
		if (order && join_pages(page, order)) {
			__free_pages(page, order);
		} else {
			order = 0;
			free_guarded_page(page);
		}
	}
}

/* Split a block into single pages, and free those beyond the first @bytes. */
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

static void *kernel_meta_alloc(struct gomem_pagesource *src, size_t bytes,
			       gfp_t gfp, int node)
{
	struct page *page = get_pages(gfp, get_order(bytes), node);
	void *p;

	if (!page)
		return NULL;
	p = bytes > PAGE_SIZE ? trim_pages(page, bytes) : page_address(page);
	gomem_hide_pages(p, bytes);
	return p;
}

static void kernel_meta_free(struct gomem_pagesource *src, void *p,
			     size_t bytes)
{
	gomem_unhide_pages(p, bytes);
	free_pages_exact(p, bytes);
}

static void kernel_tell(struct gomem_pagesource *src, int node, long pages)
{
	mod_node_page_state(NODE_DATA(node), NR_KERNEL_MISC_RECLAIMABLE,
			    pages * (long)(GOMEM_PAGE_SIZE / PAGE_SIZE));
}

struct gomem_pagesource gomem_kernel_pages = {
	.alloc = kernel_alloc,
	.node_of = kernel_node_of,
	.free = kernel_free,
	.forget = kernel_forget,
	.dropped = kernel_dropped,
	.settle = kernel_settle,
	.tell = kernel_tell,
	.has_memory = true,
	.meta_alloc = kernel_meta_alloc,
	.meta_free = kernel_meta_free,
};

/**
 * gomem_kernel_pages_init - find out whether the kernel hands out zeroed pages
 *
 * The kernel clears all pages when it hands them out (init_on_alloc=1) or when
 * they are freed (init_on_free=1), or it clears none. Both parameters can be
 * set only on its command line, so the answer never changes.
 */
void __init gomem_kernel_pages_init(void)
{
	gomem_kernel_pages.zeroed = want_init_on_alloc(0) ||
				    want_init_on_free();
}
