/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tiny.h - objects of less than 16 bytes that share a block (Go's tiny allocator).
 *
 * A block is 16 bytes, aligned to that: a slot of a span class of its own. A CPU cuts
 * parts from it, one behind the other, until the next one does not fit. A part is
 * aligned to the lowest bit set in its size, as in Go. When the last part is freed, the
 * block is free. Go's collector sees to that; here each block has a mask.
 *
 * The mask is 16 bits, in the tail of the span; those of two blocks share a word:
 *
 *	bit  0-14	a part starts at this byte
 *	bit  15		*held*: the block is a CPU's current one
 *
 * No part starts at byte 15, so that the bit is free. What a CPU has not cut yet, the
 * *rest* of the block, is a part like the others, and the CPU's; it is the highest one.
 * A part reaches up to the next one, or to the end of the block: that is its usable
 * size, which can only grow. Bytes in no part, and those of the rest, are zero.
 *
 * A part that is cut off the rest, and a rest that is let go of, is one atomic operation,
 * as is a free; what was cut last becomes rest again by it. Whoever leaves nothing of a mask
 * frees the block. So there is no lock, and no owner of a block but while it is free.
 *
 * Not all sizes are worth it: __gomem_is_tiny() in gomem.h, and design.rst has numbers.
 */
#ifndef GOMEM_TINY_H
#define GOMEM_TINY_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "limits.h"
#include "report.h"
#include "sizeclass.h"

struct gomem_span;

#define GOMEM_TINY_BLOCK	16U
#define GOMEM_TINY_PARTS	15U
#define GOMEM_TINY_HELD		BIT(15)
#define GOMEM_TINY_MASK		0xffffU

/* The span class of blocks. */
#define GOMEM_TINY_SPC		(2 * GOMEM_TINY_CLASS + 1)

/* Blocks of a span, and where their masks begin. */
#define GOMEM_TINY_BLOCKS	455U
#define GOMEM_TINY_MASKS	(GOMEM_TINY_BLOCKS * GOMEM_TINY_BLOCK)

static_assert(GOMEM_TINY_MASKS + DIV_ROUND_UP(GOMEM_TINY_BLOCKS, 2) * sizeof(atomic_t) <=
	      GOMEM_PAGE_SIZE);

/* A larger object shares a block that is open, but is not worth one for itself. */
#define GOMEM_TINY_OPENS	5U

/**
 * struct gomem_tiny - what is left of a CPU's current block
 * @block: the block, 0 if there is none
 * @off: where in it the rest begins, up to 14; GOMEM_TINY_BLOCK if there is none
 *
 * Invariants, if there is a block:
 *	its mask has GOMEM_TINY_HELD
 *	of the other bits of its mask @off is the highest
 *	all bytes from @off on are zero
 */
struct gomem_tiny {
	unsigned long block;
	unsigned int off;
};

#define GOMEM_TINY_NONE	((struct gomem_tiny) { .off = GOMEM_TINY_BLOCK })

/**
 * struct gomem_tiny_stats - all nodes together
 * @allocs: objects ever cut from blocks
 * @frees: of these, those that were freed
 * @block_allocs: blocks ever taken
 * @blocks: live ones, the current ones of CPUs included
 * @cached: free ones in CPUs' slots
 * @cached_spans: spans that slots have
 * @spans: of blocks
 * @sys: bytes of these spans
 */
struct gomem_tiny_stats {
	u64 allocs;
	u64 frees;
	u64 block_allocs;
	u64 blocks;
	u64 cached;
	u64 cached_spans;
	u64 spans;
	u64 sys;
};

/* The word that has a block's mask, and where in it. Blocks may be given as any byte. */
static __always_inline atomic_t *gomem_tiny_word(unsigned long block)
{
	unsigned long pair = (block & ~GOMEM_PAGE_MASK) / (2 * GOMEM_TINY_BLOCK);

	return (atomic_t *)((block & GOMEM_PAGE_MASK) + GOMEM_TINY_MASKS) + pair;
}

static __always_inline unsigned int gomem_tiny_shift(unsigned long block)
{
	return block & GOMEM_TINY_BLOCK;
}

static __always_inline unsigned int gomem_tiny_mask(unsigned long block)
{
	return (u32)atomic_read(gomem_tiny_word(block)) >> gomem_tiny_shift(block) &
	       GOMEM_TINY_MASK;
}

/* Take bits out of a block's mask; returns the mask as it was. */
static inline unsigned int gomem_tiny_clear(unsigned long block, unsigned int bits)
{
	unsigned int shift = gomem_tiny_shift(block);

	/* Fully ordered: uses of the parts are over before somebody has the block anew. */
	return (u32)atomic_fetch_andnot(bits << shift, gomem_tiny_word(block)) >> shift &
	       GOMEM_TINY_MASK;
}

/**
 * gomem_tiny_cut - take a part from the rest of a block
 * @t: the rest, which the caller owns
 * @size: bytes, 1 to 15
 *
 * With the last part the block is let go of.
 *
 * Return: the part, all zero up to gomem_usable_size(); NULL if it does not fit.
 */
static __always_inline void *gomem_tiny_cut(struct gomem_tiny *t, unsigned int size)
{
	unsigned int align = size & -size;
	unsigned int start = (t->off + align - 1) & -align;
	unsigned int end = start + size, bits;
	unsigned long block = t->block;

	if (unlikely(end > GOMEM_TINY_BLOCK))
		return NULL;
	/*
	 * The bit of the rest goes and that of the part comes, or stays if they are one;
	 * that of the new rest comes. If that were at byte 15 or beyond there is none: it
	 * is the bit of GOMEM_TINY_HELD then that changes, and is no longer set.
	 */
	bits = BIT(t->off) ^ BIT(start) ^ BIT(min(end, GOMEM_TINY_PARTS));
	atomic_xor(bits << gomem_tiny_shift(block), gomem_tiny_word(block));
	if (likely(end < GOMEM_TINY_PARTS))
		t->off = end;
	else
		*t = GOMEM_TINY_NONE;
	return (void *)(block + start);
}

/**
 * gomem_tiny_drop - let go of the rest of a block
 * @t: a rest that no CPU has any more, not GOMEM_TINY_NONE
 *
 * Return: true if there is no part left: the block is the caller's, to be freed.
 */
static inline bool gomem_tiny_drop(const struct gomem_tiny *t)
{
	unsigned int bits = GOMEM_TINY_HELD | BIT(t->off);

	return gomem_tiny_clear(t->block, bits) == bits;
}

void gomem_tiny_init_span(struct gomem_span *s);
void *gomem_tiny_alloc_slow(size_t size, gfp_t gfp, unsigned long caller);
void gomem_tiny_free(void *p, unsigned long caller);
void gomem_tiny_free_pinned(void *p, unsigned long caller);
void gomem_tiny_report(enum gomem_misuse if_free, const void *p, unsigned long caller);
size_t gomem_tiny_size(const void *p);
size_t gomem_tiny_left(const void *p);
int gomem_tiny_before(const void *p);
unsigned int gomem_tiny_census(const struct gomem_span *s);
void gomem_tiny_get_stats(struct gomem_tiny_stats *st);
const char *gomem_tiny_check_span(struct gomem_span *s);
const char *gomem_tiny_check(void);

#endif /* GOMEM_TINY_H */
