// SPDX-License-Identifier: GPL-2.0
/*
 * ram.c - scan the memory of the machine for pointers to objects.
 *
 * A module cannot ask other allocators what they handed out. So each page that
 * may have a pointer is read, through the kernel's mapping of all memory. That
 * covers variables of the kernel and of modules, per-CPU variables, and all
 * that kmalloc(), vmalloc() and alloc_pages() returned. These are not read:
 *
 *  - free pages of the page allocator;
 *  - pages of processes and of files, which are on an LRU list;
 *  - pages of heaps: run/marks.c reads objects that something points to;
 *  - pages in which gomem keeps addresses of objects for its own use: see
 *    base/hide.h. If gomem keeps such addresses in a part of another page, only
 *    that part is left out: see struct piece;
 *  - stacks: run/stacks.c reads the parts of stacks that are in use.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/page-flags.h>
#include <linux/percpu.h>
#include <linux/pfn.h>
#include <linux/rwsem.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "base/compat.h"
#include "base/hide.h"
#include "map/kind.h"
#include "map/pagemap.h"
#include "cpu/mcache.h"
#include "api/arena.h"
#include "run/marks.h"
#include "run/peek.h"
#include "run/ram.h"
#include "run/stackpages.h"

/*
 * The scan reads this many kernel pages at a time: a slice. Between two slices
 * no lock is held, other tasks can run, and a signal ends the scan.
 */
#define SLICE_PFNS	512UL

/*
 * Held for reading while a slice of SLICE_PFNS pages is scanned, so that
 * gomem_ram_wait() can wait until no slice reads memory that has just gone
 * offline.
 */
static DECLARE_RWSEM(ram_sem);

/**
 * struct piece - bytes that the scan leaves out of a page that it reads
 * @pfn: the page
 * @off: offset of the first byte
 * @len: how many bytes
 */
struct piece {
	unsigned long pfn;
	unsigned int off;
	unsigned int len;
};

/**
 * struct ram - a scan
 * @marks: the set of marks. The scan marks each object to which it finds a
 *	pointer
 * @n: counts of pages that were read or left out
 * @buf: buffer for gomem_peek()
 * @piece: array of the pieces, sorted by page
 * @nr_pieces: number of pieces
 * @room: length of @piece
 * @next: index of the first piece whose page the scan has not passed
 * @stacks: pages of stacks
 */
struct ram {
	struct gomem_marks *marks;
	struct gomem_ram_counts *n;
	unsigned long *buf;
	struct piece *piece;
	unsigned int nr_pieces;
	unsigned int room;
	unsigned int next;
	struct gomem_stackpages stacks;
};

/* Add a piece to the array. If the array is full, only count the piece. */
static void add_piece(struct ram *r, struct piece piece)
{
	if (r->nr_pieces < r->room)
		r->piece[r->nr_pieces] = piece;
	r->nr_pieces++;
}

static void add_bytes(struct ram *r, const void *p, size_t bytes)
{
	struct piece piece;

	for (; bytes; bytes -= piece.len, p += piece.len) {
		piece.pfn = page_to_pfn(gomem_page_of(p));
		piece.off = offset_in_page(p);
		piece.len = min_t(size_t, bytes, PAGE_SIZE - piece.off);
		add_piece(r, piece);
	}
}

/*
 * Add the slots that a typed cache has on each CPU to the pieces that the scan
 * leaves out. A slot still contains the addresses of objects that it handed
 * out, and these addresses are no references.
 */
static void add_stacks(const struct gomem_kind *k, void *arg)
{
	int cpu;

	for_each_possible_cpu(cpu)
		add_bytes(arg, per_cpu_ptr(k->cpu, cpu),
			  gomem_cache_cpu_size(k));
}

static void add_pieces(struct ram *r)
{
	r->nr_pieces = 0;
	add_bytes(r, gomem_arena_list(), sizeof(struct list_head));
	gomem_visit_typed(add_stacks, r);
}

static int by_pfn(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

/*
 * Find the pieces: first count them, then fill the array. If a typed cache was
 * made in between, there may be no room for its pieces. Then stale words in its
 * slots count as pointers.
 */
static int find_pieces(struct ram *r)
{
	add_pieces(r);
	r->room = r->nr_pieces;
	r->piece = kvmalloc_array(r->room, sizeof(*r->piece), GFP_KERNEL);
	if (!r->piece)
		return -ENOMEM;
	add_pieces(r);
	r->nr_pieces = min(r->nr_pieces, r->room);
	sort(r->piece, r->nr_pieces, sizeof(*r->piece), by_pfn, NULL);
	return 0;
}

/*
 * page_is_ram() searches the kernel's resources, which do not list the RAM of
 * User-Mode Linux.
 */
static bool is_ram(unsigned long pfn)
{
	return IS_ENABLED(CONFIG_UML) || page_is_ram(pfn);
}

/*
 * Must the page not be read? It may be broken, or not the kernel's at the
 * moment: taken by a balloon, or not yet accepted by a confidential guest. A
 * reserved page may be memory of a device.
 */
static bool is_untouchable(struct page *page, unsigned long pfn)
{
	return PageHWPoison(page) || PageOffline(page) ||
	       gomem_page_unaccepted(page) ||
	       (PageReserved(page) && !is_ram(pfn));
}

/*
 * Is the page in a list? The page may be in any state, and page->lru may hold
 * other data than pointers. So check that the next entry points back. In a page
 * that was never used, page->lru points to itself, which does not count.
 */
static bool is_linked(struct page *page)
{
	struct list_head *link = &page->lru, *next = READ_ONCE(link->next);
	struct list_head *back;

	return next != link && !get_kernel_nofault(back, &next->prev) &&
	       back == link;
}

static bool is_counted(struct folio *folio)
{
	return folio_ref_count(folio) || gomem_folio_is_kmalloc(folio);
}

/*
 * Is the page in a block that is in a list of free blocks? A block of several
 * pages is in the list by its first page. If the block is in use, its first
 * page has a reference. So check the first pages of larger and larger blocks
 * around the page, up to one with a reference. Stop there, since pages before
 * it may be free although this page is not.
 */
static bool is_in_linked_block(struct page *page, unsigned long pfn)
{
	unsigned int order;

	for (order = 0; order <= GOMEM_MAX_ORDER; order++) {
		struct page *first = page - (pfn & (BIT(order) - 1));
		struct folio *folio = page_folio(first);

		if (is_counted(folio) || folio_test_slab(folio))
			return false;
		if (is_linked(first))
			return true;
	}
	return false;
}

/*
 * Is the page free? A free page has no references. But a page of a slab may
 * have none, either, and in a block from alloc_pages() only the first page has
 * references. So the page also has to be in a free block of the page allocator,
 * or in a block that is on a list, such as a CPU's list of free pages.
 */
static bool is_free(struct page *page, unsigned long pfn, struct folio *folio)
{
	if (is_counted(folio))
		return false;
	return is_free_buddy_page(page) || is_in_linked_block(page, pfn);
}

/*
 * If the scan leaves @page out, return the counter of the pages that are left
 * out for the same reason, else NULL. Other CPUs may free or allocate the page
 * concurrently, so the answer may be stale.
 */
static unsigned long *skips(struct ram *r, struct page *page,
			    unsigned long pfn)
{
	struct folio *folio = page_folio(page);
	unsigned long addr = (unsigned long)page_address(page);

	if (is_untouchable(page, pfn))
		return &r->n->other;
	if (gomem_page_is_hidden(page) ||
	    gomem_pagemap_has_page(&gomem_pagemap, addr))
		return &r->n->heap;
	if (folio_test_reserved(folio) || folio_test_slab(folio))
		return NULL;
	if (is_free(page, pfn, folio))
		return &r->n->free;
	if (folio_test_lru(folio))
		return &r->n->user;
	return gomem_stackpages_has(&r->stacks, pfn) ? &r->n->stacks : NULL;
}

/* In the copy of a page, clear the pieces, which the scan leaves out. */
static void leave_out_pieces(struct ram *r, unsigned long pfn)
{
	const struct piece *p;

	for (; r->next < r->nr_pieces; r->next++) {
		p = &r->piece[r->next];
		if (p->pfn > pfn)
			return;
		if (p->pfn == pfn)
			memset((void *)r->buf + p->off, 0, p->len);
	}
}

static void scan_page(struct ram *r, struct page *page, unsigned long pfn)
{
	unsigned long *skipped = skips(r, page, pfn);

	if (!skipped &&
	    !gomem_peek(r->buf, (unsigned long)page_address(page), PAGE_SIZE))
		skipped = &r->n->other;
	if (skipped) {
		++*skipped;
		return;
	}
	r->n->read++;
	leave_out_pieces(r, pfn);
	gomem_marks_reading(r->marks, (unsigned long)page_address(page));
	gomem_marks_words(r->marks, r->buf, PAGE_SIZE / sizeof(*r->buf));
}

static int scan_slice(struct ram *r, unsigned long pfn, unsigned long end)
{
	struct page *page;

	down_read(&ram_sem);
	for (; pfn < end; pfn++) {
		page = pfn_to_online_page(pfn);
		if (page)
			scan_page(r, page, pfn);
	}
	up_read(&ram_sem);
	cond_resched();
	if (signal_pending(current))
		return -EINTR;
	/*
	 * Search the marked objects now, not after the last slice: by then more
	 * of their pointers would have moved to memory that was read before.
	 */
	return gomem_marks_follow(r->marks);
}

/*
 * Return the first page frame of all nodes, and set *@end to the end of the
 * last node. The ranges of nodes may overlap, so they are not scanned one by
 * one.
 */
static unsigned long find_range(unsigned long *end)
{
	unsigned long first = ULONG_MAX;
	int node;

	*end = 0;
	for_each_online_node(node) {
		if (!node_spanned_pages(node))
			continue;
		first = min(first, node_start_pfn(node));
		*end = max(*end, node_end_pfn(node));
	}
	return first;
}

static int scan_all(struct ram *r)
{
	unsigned long end, stop, pfn = find_range(&end);
	int err = 0;

	for (; pfn < end && !err; pfn = stop) {
		stop = min(ALIGN_DOWN(pfn + SLICE_PFNS, SLICE_PFNS), end);
		err = scan_slice(r, pfn, stop);
	}
	return err;
}

/* Scan a page that was skipped as part of a stack, but no longer is. */
static void scan_gone(unsigned long pfn, void *arg)
{
	struct ram *r = arg;
	struct page *page;

	down_read(&ram_sem);
	page = pfn_to_online_page(pfn);
	if (page)
		scan_page(r, page, pfn);
	up_read(&ram_sem);
}

/**
 * gomem_ram_scan - mark all objects that memory of the machine points to
 * @m: the set of marks
 * @n: the numbers of pages read and left out are added to its members
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM, or -EINTR after a signal.
 */
int gomem_ram_scan(struct gomem_marks *m, struct gomem_ram_counts *n)
{
	struct ram r = { .marks = m, .n = n };
	int err;

	r.buf = gomem_peek_create();
	err = gomem_stackpages_find(&r.stacks);
	err = err ?: r.buf ? find_pieces(&r) : -ENOMEM;
	if (!err)
		err = scan_all(&r);
	if (!err)
		gomem_stackpages_each_gone(&r.stacks, scan_gone, &r);
	gomem_stackpages_drop(&r.stacks);
	kvfree(r.piece);
	gomem_peek_destroy(r.buf);
	return err;
}

/**
 * gomem_ram_wait - wait until no scan reads memory that went offline
 *
 * When memory goes offline, the kernel first marks it as offline, then calls
 * gomem's notifier, and then removes the struct pages. A slice of a scan
 * (SLICE_PFNS pages) that begins after the first step skips the memory.
 *
 * Context: may sleep, for as long as a slice takes.
 */
void gomem_ram_wait(void)
{
	down_write(&ram_sem);
	up_write(&ram_sem);
}
