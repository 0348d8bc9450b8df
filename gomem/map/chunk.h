/* SPDX-License-Identifier: GPL-2.0 */
/*
 * chunk.h - the bookkeeping of an aligned 4 MiB range of the kernel's direct
 * map.
 *
 * gomem need not own all pages of a chunk. Pages that belong to other users of
 * the kernel's memory are *holes*. A hole counts as in use, so no search
 * returns it.
 *
 * Invariants, for each page i of a registered chunk:
 *	hole(i)          implies  inuse(i)
 *	tag[i] != 0      iff      page i is part of a live span
 *	tag[i] != 0      implies  span[i] is that span, inuse(i), !hole(i) and
 *	                          !zero(i)
 *	page i is part of a span of small objects  implies  keyed[i] >=
 *	                          gomem_keypage_of() of the span's kind
 */
#ifndef GOMEM_CHUNK_H
#define GOMEM_CHUNK_H

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "base/limits.h"
#include "base/pallocbits.h"

struct gomem_heap;
struct gomem_span;

/*
 * Each page has a tag. The tag tells gomem_free() all that a free has to know
 * of a small object, so that the span's descriptor need not be touched:
 *
 *	bits 13-31 the same bits of the address of the span's first byte
 *	bits 5-12  span class. 0 and 1 are large objects, arenas, and objects of
 *		   typed caches
 *	bit  2     an object that starts in this page has a special. Then the
 *		   span class in the tag is 0 or 1: the hit path of a free finds
 *		   a slot of size class 0, which takes no objects. See
 *		   map/special.h
 *	bit  1     a large object starts in this page and was not freed
 *	bit  0     the page is part of a live span
 *
 * A tag of 0 means that the page is part of no span.
 */
#define GOMEM_TAG_LIVE		0x1U
#define GOMEM_TAG_LARGE		0x2U
#define GOMEM_TAG_SPECIAL	0x4U
#define GOMEM_TAG_SPC_SHIFT	5
#define GOMEM_TAG_SPC_MASK	(0xffU << GOMEM_TAG_SPC_SHIFT)

/*
 * Make the tag of a span's pages. If the span has a large object,
 * gomem_heap_publish_large() adds GOMEM_TAG_LARGE to the tag of its first page.
 */
static inline u32 gomem_make_tag(unsigned long base, unsigned int spc)
{
	return (u32)base | spc << GOMEM_TAG_SPC_SHIFT | GOMEM_TAG_LIVE;
}

static __always_inline unsigned int gomem_tag_spc(u32 tag)
{
	return (tag & GOMEM_TAG_SPC_MASK) >> GOMEM_TAG_SPC_SHIFT;
}

/* Is @addr, whose page has @tag, a large object that was not freed? */
static __always_inline bool gomem_tag_is_large(u32 tag, unsigned long addr)
{
	return (tag & ~(GOMEM_TAG_SPC_MASK | GOMEM_TAG_SPECIAL)) ==
	       (u32)addr + (GOMEM_TAG_LARGE | GOMEM_TAG_LIVE);
}

/*
 * Extract the span-class bits of a tag, unshifted. A caller that needs the span
 * class times a power of two shifts the result once. With gomem_tag_spc() there
 * would be two shifts.
 */
static __always_inline unsigned long gomem_tag_low(u32 tag)
{
	return tag & GOMEM_TAG_SPC_MASK;
}

/*
 * Return the offset of an address in its span, from the tag of its page and
 * gomem_tag_low() of the tag. Spans are shorter than 4 GiB, so the lower halves
 * of the addresses suffice.
 */
static __always_inline u32 gomem_tag_offset(unsigned long addr, u32 tag,
					    unsigned long low)
{
	u32 offset = (u32)addr + (u32)low + GOMEM_TAG_LIVE;

	/* Keep the order of the operations: it saves an instruction. */
	OPTIMIZER_HIDE_VAR(offset);
	return offset - tag;
}

/*
 * How soon the scavenger takes the free pages of a chunk: see
 * heap/candidates.h. The ranks from IDLE to DENSE are sorted: the
 * scavenger takes pages of lower ranks first.
 * The background scavenger skips chunks of rank DENSE. In a zeroed descriptor
 * the rank is IDLE, so the code that makes a chunk sets GOMEM_RANK_NONE.
 */
enum gomem_rank {
	GOMEM_RANK_IDLE,	/* no page is in use */
	GOMEM_RANK_LONG,	/* a run of 64 free pages or more */
	GOMEM_RANK_SHORT,	/* a run of 8 to 63 free pages */
	GOMEM_RANK_SCATTERED,	/* only runs of 1 to 7 free pages */
	GOMEM_RANK_DENSE,	/* 31 pages in use per free one, or more */
	GOMEM_NR_TREE_RANKS,
	GOMEM_RANK_NEW = GOMEM_NR_TREE_RANKS,	/* not ranked since a free */
	GOMEM_RANK_WAITS,	/* all free pages are in their grace period */
	GOMEM_RANK_NONE,	/* no page is free */
};

/**
 * struct gomem_chunk - bookkeeping of one aligned 4 MiB range
 * @tag: the tag of each page, see GOMEM_TAG_LIVE. The code that makes a span
 *	sets the tags before it returns a pointer into the span; the code that
 *	takes the span apart clears them after the last object was freed.
 *	gomem_free() reads them without a lock, on any CPU. A free or resize
 *	claims a large object by removing %GOMEM_TAG_LARGE atomically
 * @heap: the heap that has the chunk's pages; written once
 * @gp: for each set in @waiting, the grace period that its pages wait for, from
 *	get_state_synchronize_rcu(); heap lock
 * @inuse: pages that are taken, for spans or by page caches, and holes; heap
 *	lock
 * @hole: pages that are not gomem's; heap lock
 * @waiting: two sets of pages in their grace period, see waitpage.h; heap lock
 * @rank: the chunk's rank for the scavenger; heap lock
 * @index: the chunk's number in the page map. Valid once the chunk has had a
 *	rank other than %GOMEM_RANK_NONE; heap lock
 * @node: node in the tree of the chunks of this rank; heap lock
 * @link: link in the list of the chunks of this rank; heap lock
 * @newer: index in @waiting and @gp of the set for pages that become free; heap
 *	lock
 * @knows_zero: @zero may have bits set. Set before the first page that is known
 *	to be zero enters the heap, and never cleared
 * @zero: pages that are known to be zero; see zeropage.h
 * @keyed: where each page may hold keys of free objects; see keypage.h
 * @span: the span that each page is part of, if the page has a tag; same rules
 *	as for @tag. The pages of a run of a page cache have no tags, but may
 *	point to the dead span of the run
 *
 * "heap lock": the lock of @heap protects the member.
 *
 * The descriptor of a registered chunk is not freed until the heap is
 * destroyed. So a lookup with a wrong pointer reads stale data of the chunk at
 * worst.
 */
struct gomem_chunk {
	/* Must be the first member: see gomem_pagemap_tag(). */
	u32 tag[GOMEM_CHUNK_PAGES];
	struct gomem_heap *heap;
	unsigned long gp[2];
	struct gomem_pallocbits inuse;
	struct gomem_pallocbits hole;
	struct gomem_pallocbits waiting[2];
	enum gomem_rank rank;
	unsigned long index;
	union {
		struct rb_node node;
		struct list_head link;
	};
	unsigned int newer;
	bool knows_zero;
	DECLARE_BITMAP(zero, GOMEM_CHUNK_PAGES);
	u8 keyed[GOMEM_CHUNK_PAGES];
	struct gomem_span *span[GOMEM_CHUNK_PAGES];
};

/*
 * Return the mask of the pages from @first to @end - 1 that lie in the word of
 * @first, in a bitmap with a bit for each page of a chunk. @next: set to the
 * first page after the pages of the mask.
 */
static inline unsigned long gomem_chunk_mask(unsigned int first,
					     unsigned int end,
					     unsigned int *next)
{
	unsigned int last = min(first | (BITS_PER_LONG - 1), end - 1);

	*next = last + 1;
	return GENMASK(last % BITS_PER_LONG, first % BITS_PER_LONG);
}

#endif /* GOMEM_CHUNK_H */
