/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tinyblock.h - blocks of 16 bytes that smaller objects share.
 *
 * A block is aligned to 16 bytes. It is an object of a span class of its own. A
 * CPU cuts parts from its current block, one after the other, until the next
 * part does not fit. A part is aligned to the lowest bit set in its size. When
 * the last part is freed, the block is free. To find that out, each block has a
 * mask.
 *
 * The mask has 16 bits. The masks of a span's blocks are in the tail of the
 * span. A 32-bit word holds the masks of two neighbouring blocks:
 *
 *	bit  0-14	a part starts at this byte
 *	bit  15		*held*: the block is the current block of a CPU
 *
 * No part starts at byte 15, because a CPU does not keep a rest of one byte. So
 * bit 15 is free for this use. The *rest* of the block, which its CPU has not
 * cut yet, is a part like the others. It belongs to the CPU, and is the last
 * part of the block. A part reaches up to the next part, or to the end of the
 * block. So when a part is freed, the part before it grows. The bytes of the
 * rest, and those before the first part of the block, are zero.
 *
 * Cutting a part, dropping the rest and freeing a part each change the mask by
 * one atomic operation. If a CPU that has the rest frees the part before the
 * rest, the same operation adds that part to the rest. The CPU that clears the
 * last bits of a mask frees the block. So blocks need no lock.
 *
 * Only some sizes are worth a shared block: see __gomem_is_tiny() in gomem.h,
 * and design.rst for measurements.
 */
#ifndef GOMEM_TINYBLOCK_H
#define GOMEM_TINYBLOCK_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "base/limits.h"
#include "base/sizeclass.h"
#include "map/pagemap.h"
#include "map/span.h"

#define GOMEM_TINY_BLOCK	16U
#define GOMEM_TINY_PARTS	15U
#define GOMEM_TINY_HELD		BIT(15)
#define GOMEM_TINY_MASK		0xffffU

/* Span class of the blocks. */
#define GOMEM_TINY_SPC		(2 * GOMEM_TINY_CLASS + 1)

/* Blocks in a span, and offset of their masks in the span. */
#define GOMEM_TINY_BLOCKS	455U
#define GOMEM_TINY_MASKS	(GOMEM_TINY_BLOCKS * GOMEM_TINY_BLOCK)

static_assert(GOMEM_TINY_MASKS +
	      DIV_ROUND_UP(GOMEM_TINY_BLOCKS, 2) * sizeof(atomic_t) <=
	      GOMEM_PAGE_SIZE);

/*
 * A new block is begun only for an object of up to this many bytes. If a tiny
 * object of 9 to 15 bytes does not fit in the current block, an ordinary object
 * of 16 bytes is allocated for it. Objects of 6 to 8 bytes never share blocks:
 * see __gomem_is_tiny().
 */
#define GOMEM_TINY_OPENS	5U

/**
 * struct gomem_tiny - rest of a CPU's current block
 * @block: address of the block; 0 if there is none
 * @off: offset of the rest in the block, at most 14; GOMEM_TINY_BLOCK if there
 *	is no block
 *
 * Invariants, if there is a block:
 *	GOMEM_TINY_HELD is set in its mask
 *	@off is the highest of the other bits in its mask
 *	all bytes from @off on are zero
 */
struct gomem_tiny {
	unsigned long block;
	unsigned int off;
};

#define GOMEM_TINY_NONE	((struct gomem_tiny) { .off = GOMEM_TINY_BLOCK })

/*
 * Return the word that holds the mask of a block. Here, in gomem_tiny_shift()
 * and in gomem_tiny_mask(), @block may be the address of any byte of the block.
 */
static __always_inline atomic_t *gomem_tiny_word(unsigned long block)
{
	unsigned long pair = (block & ~GOMEM_PAGE_MASK) /
			     (2 * GOMEM_TINY_BLOCK);

	return (atomic_t *)((block & GOMEM_PAGE_MASK) + GOMEM_TINY_MASKS) +
	       pair;
}

static __always_inline unsigned int gomem_tiny_shift(unsigned long block)
{
	return block & GOMEM_TINY_BLOCK;
}

static __always_inline unsigned int gomem_tiny_mask(unsigned long block)
{
	return (u32)atomic_read(gomem_tiny_word(block)) >>
	       gomem_tiny_shift(block) & GOMEM_TINY_MASK;
}

/* Clear bits in a block's mask. Return the mask as it was before. */
static inline unsigned int gomem_tiny_clear(unsigned long block,
					    unsigned int bits)
{
	unsigned int shift = gomem_tiny_shift(block);

	/*
	 * Fully ordered: all accesses to the parts are over before the block
	 * can be allocated again. Pairs with mask_acquire().
	 */
	return (u32)atomic_fetch_andnot(bits << shift,
					gomem_tiny_word(block)) >> shift &
	       GOMEM_TINY_MASK;
}

/**
 * gomem_tiny_cut - cut a part from the rest of a block
 * @t: the rest, which the caller owns
 * @size: bytes, 1 to 15
 *
 * If the part leaves no rest, the CPU has no current block afterwards.
 *
 * Return: the part, zero up to its gomem_usable_size(); NULL if it does not
 * fit.
 */
static __always_inline void *gomem_tiny_cut(struct gomem_tiny *t,
					    unsigned int size)
{
	unsigned int align = size & -size;
	unsigned int start = (t->off + align - 1) & -align;
	unsigned int end = start + size, bits;
	unsigned long block = t->block;

	if (unlikely(end > GOMEM_TINY_BLOCK))
		return NULL;
	/*
	 * Clear the bit of the old rest, and set those of the part and of the
	 * new rest. If the part starts where the old rest did, the first two
	 * bits cancel out, and the bit stays set. If the new rest would begin
	 * at byte 15 or later, there is none: then the third bit is
	 * GOMEM_TINY_HELD, which was set and is cleared.
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
 * gomem_tiny_drop - drop the rest of a block
 * @t: a rest that no longer belongs to a CPU; not GOMEM_TINY_NONE
 *
 * Return: true if the block has no part left. Then the caller must free it.
 */
static inline bool gomem_tiny_drop(const struct gomem_tiny *t)
{
	unsigned int bits = GOMEM_TINY_HELD | BIT(t->off);

	return gomem_tiny_clear(t->block, bits) == bits;
}

/* Return the end of the part that starts at @off, in a block with this mask. */
static __always_inline unsigned int
gomem_tiny_part_end(unsigned int mask, unsigned int off)
{
	unsigned int above = mask & ~GOMEM_TINY_HELD & ~(BIT(off + 1) - 1);

	return above ? __ffs(above) : GOMEM_TINY_BLOCK;
}

/* Is byte @off of a block in the rest of the CPU that holds the block? */
static __always_inline bool gomem_tiny_is_rest(unsigned int mask,
					       unsigned int off)
{
	return (mask & GOMEM_TINY_HELD) &&
	       gomem_tiny_part_end(mask, off) == GOMEM_TINY_BLOCK;
}

/*
 * @p points into a span of blocks. Return true if it points into a block, false
 * if it points into the masks, which lie after the last block.
 */
static __always_inline bool gomem_tiny_in_block(const void *p)
{
	return ((unsigned long)p & ~GOMEM_PAGE_MASK) < GOMEM_TINY_MASKS;
}

static __always_inline unsigned int gomem_tiny_off(const void *p)
{
	return (unsigned long)p % GOMEM_TINY_BLOCK;
}

/*
 * Return true if @p lies in a span of blocks, which has masks. The tag is read
 * here, even if the caller has read it before: the page may have been freed in
 * between. The caller has preemption off from here to its last access to the
 * block. So the page does not go back to the kernel meanwhile: see
 * gomem_heap_release().
 */
static __always_inline bool gomem_tiny_has_mask(const void *p)
{
	const struct gomem_chunk *c =
		gomem_pagemap_chunk(&gomem_pagemap, (unsigned long)p);

	return c && gomem_page_spc(c, gomem_chunk_page((unsigned long)p)) ==
		    GOMEM_TINY_SPC;
}

/*
 * Return the size of the live object that starts at byte @off of a block with
 * this mask. Return 0 if no part starts there, or if the part that starts there
 * is the rest of a CPU.
 */
static __always_inline unsigned int
gomem_tiny_live_size(unsigned int mask, unsigned int off)
{
	/* Bits from @off on, and a bit that marks the end of the block. */
	unsigned int bits = (mask | BIT(GOMEM_TINY_BLOCK)) >> off, size;

	if (unlikely(!(bits & 1)))
		return 0;
	size = __ffs(bits - 1);
	/*
	 * No object starts at @off if bit @off or the next set bit is
	 * GOMEM_TINY_HELD. In the second case, the part at @off is the rest.
	 */
	return likely(off + size != GOMEM_TINY_PARTS &&
		      off != GOMEM_TINY_PARTS) ? size : 0;
}

/* Return the address of block number @i of a span. */
static inline unsigned long gomem_tiny_nth_block(const struct gomem_span *s,
						 unsigned int i)
{
	return (unsigned long)gomem_span_object(s, i);
}

void gomem_tiny_init_span(struct gomem_span *s);
size_t gomem_tiny_size(const void *p);
size_t gomem_tiny_left(const void *p);
int gomem_tiny_before(const void *p);
unsigned int gomem_tiny_census(const struct gomem_span *s);
const char *gomem_tiny_check_span(struct gomem_span *s);

#endif /* GOMEM_TINYBLOCK_H */
