/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tinyblock.h - blocks of 16 bytes that smaller objects share.
 *
 * A block is aligned to 16 bytes. It is an object of a span class of its own. A
 * CPU cuts parts from its current block, one after the other, until the next
 * part does not fit. A part takes whole *grains* of 2 bytes. It is aligned to
 * the lowest bit set in its number of grains. When the last part is freed, the
 * block is free. To find that out, each block has a mask.
 *
 * The mask has 16 bits. The masks of a span's blocks are in the tail of the
 * span. A 32-bit word holds the masks of two neighbouring blocks:
 *
 *	bit  0-6	*start*: a part starts at this grain
 *	bit  7		*held*: the block is the current block of a CPU
 *	bit  8-14	*gone*: the part that starts at this grain was freed
 *
 * No part starts at grain 7, because a CPU does not keep a rest of one grain.
 * So bit 7 is free for this use. The *rest* of the block, which its CPU has not
 * cut yet, is a part like the others. It belongs to the CPU, and is the last
 * part of the block. A part reaches up to the next part that is not gone, or to
 * the end of the block. So when a part is freed, the part before it grows. The
 * bytes of the rest, and those before the first part of the block, are zero.
 *
 * The CPU that holds a block is the only one that writes the byte with the
 * starts and the held bit. So it usually needs no atomic operation to cut a
 * part, or to free one. If it frees the part before the rest, that part becomes
 * rest again. Others that free a part meanwhile, an interrupt handler on the
 * same CPU among them, set the part's gone bit: by an atomic operation on the
 * word. Like qspinlock, this relies on a compare-and-exchange of a word that
 * does not undo a store to one of its bytes. While a gone bit is set, the
 * holder frees like the others, and cuts its next part by an atomic operation,
 * which clears the gone bits and their starts. So does the one by which it cuts
 * the last part, or drops the block.
 *
 * A block that no CPU holds has no gone bits. A free clears the start bit of
 * the part by an atomic operation. The one that clears the last bit of a mask
 * frees the block. So blocks need no lock.
 *
 * Only some sizes are worth a shared block: see __gomem_is_tiny() in gomem.h,
 * and design.rst for measurements.
 */
#ifndef GOMEM_TINYBLOCK_H
#define GOMEM_TINYBLOCK_H

#include <asm/barrier.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/kmemleak.h>
#include <linux/string.h>
#include <linux/types.h>

#include "base/limits.h"
#include "base/sizeclass.h"
#include "map/pagemap.h"
#include "map/span.h"

#define GOMEM_TINY_BLOCK	16U
#define GOMEM_TINY_GRAIN	2U
#define GOMEM_TINY_GRAINS	(GOMEM_TINY_BLOCK / GOMEM_TINY_GRAIN)
#define GOMEM_TINY_PARTS	(GOMEM_TINY_GRAINS - 1)
#define GOMEM_TINY_HELD		BIT(GOMEM_TINY_PARTS)
#define GOMEM_TINY_STARTS	(GOMEM_TINY_HELD - 1)
#define GOMEM_TINY_GONE_SHIFT	8
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
 * of 16 bytes is allocated for it. Objects of 5 to 8 bytes never share blocks:
 * see __gomem_is_tiny().
 */
#define GOMEM_TINY_OPENS	4U

/**
 * struct gomem_tiny - rest of a CPU's current block
 * @block: address of the block; 0 if there is none
 * @starts: the byte of the block's mask with the starts and the held bit
 * @off: grain at which the rest starts, below GOMEM_TINY_PARTS;
 *	GOMEM_TINY_GRAINS if there is no block
 *
 * Invariants, if there is a block:
 *	@starts is gomem_tiny_byte(@block, 0)
 *	GOMEM_TINY_HELD is set in its mask
 *	@off is the highest start in its mask
 *	all bytes from @off on are zero
 */
struct gomem_tiny {
	unsigned long block;
	u8 *starts;
	unsigned long off;
};

#define GOMEM_TINY_NONE	((struct gomem_tiny) { .off = GOMEM_TINY_GRAINS })

/*
 * Return the word that holds the mask of a block. In this function and the next
 * ones, up to gomem_tiny_mask(), @block may be the address of any byte of the
 * block.
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

#define GOMEM_TINY_BIG_ENDIAN	IS_ENABLED(CONFIG_CPU_BIG_ENDIAN)

/*
 * Return a byte of a block's mask, as it lies in the word: byte 0 has the
 * starts and the held bit, byte 1 has the gone bits.
 */
static __always_inline u8 *gomem_tiny_byte(unsigned long block, unsigned int nr)
{
	unsigned long at = (block & ~GOMEM_PAGE_MASK) / GOMEM_TINY_BLOCK * 2 +
			   nr;

	if (GOMEM_TINY_BIG_ENDIAN)
		at ^= sizeof(atomic_t) - 1;
	return (u8 *)(block & GOMEM_PAGE_MASK) + GOMEM_TINY_MASKS + at;
}

/*
 * Return the starts and the held bit of a mask, without the parts that are
 * gone. The rest is never gone: if its gone bit is set, two CPUs freed the part
 * before the rest at the same time.
 */
static __always_inline unsigned int gomem_tiny_live(unsigned int mask)
{
	unsigned int starts = mask & GOMEM_TINY_STARTS,
		     gone = mask >> GOMEM_TINY_GONE_SHIFT & GOMEM_TINY_STARTS;

	if (mask & GOMEM_TINY_HELD)
		gone &= BIT(__fls(starts | 1)) - 1;
	return (starts & ~gone) | (mask & GOMEM_TINY_HELD);
}

/* Return all 16 bits of the mask of a block. */
static __always_inline unsigned int gomem_tiny_bits(unsigned long block)
{
	return (u32)atomic_read(gomem_tiny_word(block)) >>
	       gomem_tiny_shift(block) & GOMEM_TINY_MASK;
}

/* Return gomem_tiny_live() of the mask of a block. */
static __always_inline unsigned int gomem_tiny_mask(unsigned long block)
{
	return gomem_tiny_live(gomem_tiny_bits(block));
}

/* Is a part of the block gone that this CPU holds? */
static __always_inline bool gomem_tiny_has_gone(const struct gomem_tiny *t)
{
	/*
	 * Others set gone bits at any time. READ_ONCE() would see them no
	 * earlier, but take one more instruction.
	 */
	return data_race(t->starts[GOMEM_TINY_BIG_ENDIAN ? -1 : 1]);
}

/* Return the grain at which the next part starts if it has so many grains. */
static __always_inline unsigned long gomem_tiny_next(const struct gomem_tiny *t,
						     unsigned int grains)
{
	unsigned int align = grains & -grains;

	return ALIGN(t->off, align);
}

/* What gomem_tiny_cut() did: see there. */
enum gomem_tiny_answer {
	GOMEM_TINY_CUT,
	GOMEM_TINY_NOT_NOW,
	GOMEM_TINY_NO_ROOM,
};

/**
 * gomem_tiny_cut - cut a part from the rest of a block, if a rest is left
 * @t: the rest, which the caller owns
 * @size: bytes, 1 to 15
 * @part: set to the part, which is zero up to its gomem_usable_size()
 *
 * Return: GOMEM_TINY_CUT if a part was cut; GOMEM_TINY_NO_ROOM if the rest is
 * too short; GOMEM_TINY_NOT_NOW if gomem_tiny_cut_slow() can cut the part.
 */
static __always_inline enum gomem_tiny_answer
gomem_tiny_cut(struct gomem_tiny *t, unsigned int size, void **part)
{
	unsigned int grains = DIV_ROUND_UP(size, GOMEM_TINY_GRAIN);
	unsigned long start = gomem_tiny_next(t, grains), end = start + grains;
	u8 *starts = t->starts;
	unsigned long mask;

	if (unlikely(end >= GOMEM_TINY_PARTS))
		return end > GOMEM_TINY_GRAINS ? GOMEM_TINY_NO_ROOM :
						 GOMEM_TINY_NOT_NOW;
	/*
	 * If two CPUs freed a part at the same time, the part may be gone, but
	 * have become rest, too. So clear the gone bits before it is cut again.
	 */
	if (unlikely(gomem_tiny_has_gone(t)))
		return GOMEM_TINY_NOT_NOW;
	/*
	 * Clear the bit of the old rest, and set those of the part and of the
	 * new rest. If the part starts where the old rest did, the first two
	 * bits cancel out, and the bit stays set.
	 */
	mask = READ_ONCE(*starts);
	mask ^= BIT(t->off);
	mask ^= BIT(start);
	mask ^= BIT(end);
	/*
	 * A release, because this CPU may have stored the start of a part that
	 * it freed to this byte before. Pairs with mask_acquire().
	 */
	smp_store_release(starts, mask);
	t->off = end;
	*part = (void *)(t->block + start * GOMEM_TINY_GRAIN);
	return GOMEM_TINY_CUT;
}

/*
 * Clear the grains of a part. Most parts have one grain or two. Return false if
 * there are none.
 */
static __always_inline bool gomem_tiny_clear(void *part, unsigned long grains)
{
	if (likely(grains == 1)) {
		memset(part, 0, GOMEM_TINY_GRAIN);
		return true;
	}
	if (likely(grains == 2)) {
		memset(part, 0, 2 * GOMEM_TINY_GRAIN);
		return true;
	}
	if (!grains)
		return false;
	while (grains)
		WRITE_ONCE(((u16 *)part)[--grains], 0);
	return true;
}

/**
 * gomem_tiny_uncut - free a part of the block that this CPU holds
 * @t: the rest of the block, which the caller owns
 * @p: any pointer
 *
 * If the part ends where the rest begins, it becomes rest again. So a loop that
 * allocates and frees one object needs no new block.
 *
 * Return: true if the part was freed; false if @p is no live object of the
 * block, or if a part of the block is gone.
 */
static __always_inline bool gomem_tiny_uncut(struct gomem_tiny *t, void *p)
{
	unsigned long at, mask, grains;
	u8 *starts;

	/*
	 * If the part after @p is gone, @p may have grown over it on another
	 * CPU. The caller has @p from there, so read the gone bits after @p.
	 * Pairs with whatever that CPU passed @p on with.
	 */
	smp_rmb();
	starts = t->starts;
	/* If @p is odd, or below the block, this is no grain of the block. */
	at = ror64((unsigned long)p - t->block, 1);
	if (unlikely(at >= t->off || gomem_tiny_has_gone(t)))
		return false;
	mask = READ_ONCE(*starts);
	/* The distance to the next start; 0 if no part starts at @at. */
	grains = __ffs(mask >> at ^ 1);
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) && grains)
		kmemleak_free(p);
	if (unlikely(!gomem_tiny_clear(p, grains)))
		return false;
	if (likely(at + grains == t->off)) {
		t->off = at;
		at += grains;
	}
	mask ^= BIT(at);
	/* Pairs with mask_acquire() in tinyblock.c. */
	smp_store_release(starts, mask);
	return true;
}

void *gomem_tiny_cut_slow(struct gomem_tiny *t, unsigned int size);
bool gomem_tiny_drop(const struct gomem_tiny *t);

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
 * this gomem_tiny_live() mask. Return 0 if no part starts there, or if the part
 * that starts there is the rest of a CPU.
 */
static __always_inline unsigned int
gomem_tiny_live_size(unsigned int mask, unsigned int off)
{
	unsigned int at = off / GOMEM_TINY_GRAIN;
	/* Bits from @at on, and a bit that marks the end of the block. */
	unsigned int bits = (mask | BIT(GOMEM_TINY_GRAINS)) >> at, grains;

	if (unlikely(!(bits & 1) || off % GOMEM_TINY_GRAIN))
		return 0;
	grains = __ffs(bits - 1);
	/*
	 * No object starts at @at if bit @at or the next set bit is
	 * GOMEM_TINY_HELD. In the second case, the part at @at is the rest.
	 */
	return likely(at + grains != GOMEM_TINY_PARTS &&
		      at != GOMEM_TINY_PARTS) ? grains * GOMEM_TINY_GRAIN : 0;
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
