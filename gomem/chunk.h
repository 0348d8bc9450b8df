/* SPDX-License-Identifier: GPL-2.0 */
/*
 * chunk.h - what gomem keeps about 4 MiB of physical address range.
 *
 * A chunk need not be ours as a whole: pages that belong to somebody else are
 * *holes*. A hole counts as in use, so no search returns it.
 *
 * Invariants, for each page i of a registered chunk:
 *	hole(i)          implies  inuse(i)
 *	tag[i] != 0      iff      page i is part of a live span
 *	tag[i] != 0      implies  span[i] is that span, inuse(i), !hole(i), !zero(i)
 */
#ifndef GOMEM_CHUNK_H
#define GOMEM_CHUNK_H

#include <linux/bitmap.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "limits.h"

struct gomem_heap;
struct gomem_span;

/* 512 bits, bit i of word i / 64 is page i of the chunk. */
struct gomem_pallocbits {
	u64 word[GOMEM_CHUNK_WORDS];
};

/*
 * One tag per page tells gomem_free() all it needs without touching the span:
 *
 *	bits 13-31 of the address of the span's first byte
 *	bits 5-12  span class; 0 and 1 are large objects and those of typed caches, the
 *		   last ones scratch buffers
 *	bit  1     a large object starts here that nobody has freed
 *	bit  0     page is part of a live span
 */
#define GOMEM_TAG_LIVE		0x1U
#define GOMEM_TAG_LARGE		0x2U
#define GOMEM_TAG_SPC_SHIFT	5
#define GOMEM_TAG_SPC_MASK	(0xffU << GOMEM_TAG_SPC_SHIFT)

/* The tag of all pages of a span, but for GOMEM_TAG_LARGE of the first. */
static inline u32 gomem_make_tag(unsigned long base, unsigned int spc)
{
	return (u32)base | spc << GOMEM_TAG_SPC_SHIFT | GOMEM_TAG_LIVE;
}

static __always_inline unsigned int gomem_tag_spc(u32 tag)
{
	return (tag & GOMEM_TAG_SPC_MASK) >> GOMEM_TAG_SPC_SHIFT;
}

/* Is @addr a large object that nobody has freed, by the tag of its page? */
static __always_inline bool gomem_tag_is_large(u32 tag, unsigned long addr)
{
	return (tag & ~GOMEM_TAG_SPC_MASK) == (u32)addr + (GOMEM_TAG_LARGE | GOMEM_TAG_LIVE);
}

/* The span class where it is in a tag: who needs but a multiple of it saves a shift. */
static __always_inline unsigned long gomem_tag_low(u32 tag)
{
	return tag & GOMEM_TAG_SPC_MASK;
}

/*
 * Where in its span an address lies, by the tag of its page and its gomem_tag_low().
 * Spans are shorter than 4 GiB, so the lower half of the addresses will do.
 */
static __always_inline u32 gomem_tag_offset(unsigned long addr, u32 tag, unsigned long low)
{
	u32 offset = (u32)addr + (u32)low + GOMEM_TAG_LIVE;

	/* In this order, or it takes an instruction more. */
	OPTIMIZER_HIDE_VAR(offset);
	return offset - tag;
}

/*
 * What a chunk has for the scavenger, best first: see candidates.h. A chunk that is zeroed
 * has to be given GOMEM_RANK_NONE.
 */
enum gomem_rank {
	GOMEM_RANK_IDLE,	/* no page is in use */
	GOMEM_RANK_LONG,	/* a run of 64 pages or more */
	GOMEM_RANK_SHORT,	/* a run of 8 pages or more */
	GOMEM_RANK_REST,
	GOMEM_RANK_DENSE,	/* next to nothing is free: not for the background */
	GOMEM_NR_TREE_RANKS,
	GOMEM_RANK_NEW = GOMEM_NR_TREE_RANKS,	/* nobody looked yet */
	GOMEM_RANK_WAITS,	/* all that is free has to wait for a grace period */
	GOMEM_RANK_NONE,	/* no page is free */
};

/**
 * struct gomem_chunk - bookkeeping of one aligned 4 MiB range
 * @tag: see GOMEM_TAG_LIVE; written by whoever owns the page, before a pointer into
 *	it is handed out and after the last one came back, read without a lock by
 *	whoever frees such a pointer. Who frees a large object becomes the owner of its
 *	pages by taking %GOMEM_TAG_LARGE away, atomically
 * @heap: whose pages these are; written once
 * @gp: RCU's grace periods when pages were last added to each of @fresh; heap lock
 * @inuse: pages that are allocated or holes; heap lock
 * @hole: pages that are not ours; heap lock
 * @fresh: pages that became free of late; heap lock. See freshpage.h
 * @rank: what it has for the scavenger; heap lock
 * @index: its number in the map, once it had a rank but NONE; heap lock
 * @node: in the tree of its rank; heap lock
 * @link: in the list of its rank; heap lock
 * @newer: which of @fresh and @gp gets what becomes free now; heap lock
 * @knows_zero: there may be pages in @zero; set before these become the heap's, never cleared
 * @zero: pages that are known to be zero; see zeropage.h
 * @span: the span that a page is part of; same rules as @tag
 *
 * A registered chunk stays mapped until the heap is destroyed, so that a
 * lookup with a wrong pointer reads stale data at worst.
 */
struct gomem_chunk {
	/* First, since each free looks here. */
	u32 tag[GOMEM_CHUNK_PAGES];
	struct gomem_heap *heap;
	unsigned long gp[2];
	struct gomem_pallocbits inuse;
	struct gomem_pallocbits hole;
	struct gomem_pallocbits fresh[2];
	enum gomem_rank rank;
	unsigned long index;
	union {
		struct rb_node node;
		struct list_head link;
	};
	unsigned int newer;
	bool knows_zero;
	DECLARE_BITMAP(zero, GOMEM_CHUNK_PAGES);
	struct gomem_span *span[GOMEM_CHUNK_PAGES];
};

#endif /* GOMEM_CHUNK_H */
