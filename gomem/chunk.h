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
 *	tag[i] != 0      implies  span[i] is that span, inuse(i) and !hole(i)
 */
#ifndef GOMEM_CHUNK_H
#define GOMEM_CHUNK_H

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
 *	bit  15    page is part of a live span
 *	bits 8-14  position of the page in its span (small spans only)
 *	bits 0-7   span class; 0 and 1 are large objects, the last ones scratch buffers
 */
#define GOMEM_TAG_LIVE		0x8000U
#define GOMEM_TAG_PAGE_SHIFT	8
#define GOMEM_TAG_PAGE_MASK	0x7fU
#define GOMEM_TAG_SPC_MASK	0xffU

/**
 * struct gomem_chunk - bookkeeping of one aligned 4 MiB range
 * @tag: see GOMEM_TAG_LIVE; written by whoever owns the page, before a pointer into
 *	it is handed out and after the last one came back, read without a lock by
 *	whoever frees such a pointer
 * @heap: whose pages these are; written once
 * @gp: RCU's grace periods when pages of this chunk were last freed by their span;
 *	heap lock. See gomem_heap_release()
 * @inuse: pages that are allocated or holes; heap lock
 * @hole: pages that are not ours; heap lock
 * @span: the span that a page is part of; same rules as @tag
 *
 * A registered chunk stays mapped until the heap is destroyed, so that a
 * lookup with a wrong pointer reads stale data at worst.
 */
struct gomem_chunk {
	/* First, since each free looks here. */
	u16 tag[GOMEM_CHUNK_PAGES];
	struct gomem_heap *heap;
	unsigned long gp;
	struct gomem_pallocbits inuse;
	struct gomem_pallocbits hole;
	struct gomem_span *span[GOMEM_CHUNK_PAGES];
};

#endif /* GOMEM_CHUNK_H */
