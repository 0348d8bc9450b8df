// SPDX-License-Identifier: GPL-2.0
/*
 * tinyblock.c - clear and verify the masks of the blocks in a span of tiny
 * objects, find objects by these masks, drop rests, and cut parts by an atomic
 * operation.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "map/tinyblock.h"

static_assert(GOMEM_TINY_SPC < GOMEM_NR_SPANCLASSES);

/**
 * gomem_tiny_init_span - clear the masks of a new span
 * @s: a span of blocks, of which no block was handed out yet
 */
void gomem_tiny_init_span(struct gomem_span *s)
{
	memset((void *)s->base + GOMEM_TINY_MASKS, 0,
	       GOMEM_PAGE_SIZE - GOMEM_TINY_MASKS);
}

/*
 * Clear the gone bits in the mask of a rest's block, with their starts. Also
 * clear the bits of @clear, and set those of @set. Return the new mask. Fully
 * ordered: all accesses to parts that are gone are over before their bytes
 * belong to another part, or the block is allocated again. Pairs with the
 * operation that set the gone bit, in take_part() of api/tiny.c, and with
 * mask_acquire().
 */
static unsigned int change_mask(const struct gomem_tiny *t, unsigned int clear,
				unsigned int set)
{
	unsigned int shift = gomem_tiny_shift(t->block), mask;
	atomic_t *word = gomem_tiny_word(t->block);
	int old = atomic_read(word);

	do {
		mask = gomem_tiny_live((u32)old >> shift);
		mask = (mask & ~clear) | set;
	} while (!atomic_try_cmpxchg(word, &old,
				     (old & ~(GOMEM_TINY_MASK << shift)) |
				     mask << shift));
	return mask;
}

/**
 * gomem_tiny_cut_slow - cut a part that gomem_tiny_cut() has not cut
 * @t: the rest, which the caller owns
 * @size: bytes, 1 to 15
 *
 * If the part leaves no rest, the CPU has no current block afterwards.
 *
 * Return: the part; NULL if it does not fit.
 */
void *gomem_tiny_cut_slow(struct gomem_tiny *t, unsigned int size)
{
	unsigned int grains = DIV_ROUND_UP(size, GOMEM_TINY_GRAIN);
	unsigned long start = gomem_tiny_next(t, grains), end = start + grains;
	unsigned long block = t->block;

	if (end > GOMEM_TINY_GRAINS)
		return NULL;
	if (end < GOMEM_TINY_PARTS) {
		change_mask(t, BIT(t->off), BIT(start) | BIT(end));
		t->off = end;
	} else {
		change_mask(t, GOMEM_TINY_HELD | BIT(t->off), BIT(start));
		*t = GOMEM_TINY_NONE;
	}
	return (void *)(block + start * GOMEM_TINY_GRAIN);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_tiny_cut_slow);

/**
 * gomem_tiny_drop - drop the rest of a block
 * @t: a rest that no longer belongs to a CPU; not GOMEM_TINY_NONE
 *
 * Return: true if the block has no part left. Then the caller must free it.
 */
bool gomem_tiny_drop(const struct gomem_tiny *t)
{
	return !change_mask(t, GOMEM_TINY_HELD | BIT(t->off), 0);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_tiny_drop);

/*
 * Return the mask of a block, for a caller that goes on to use all bytes of an
 * object. Some of them may have been a part that was freed, or a rest that was
 * dropped. A free clears the bytes of a part before it changes the mask, and
 * the bytes of a rest are zero. The acquire pairs with the releases in
 * gomem_tiny_uncut() and gomem_tiny_cut(), and with the fully ordered
 * operations of take_part() and change_mask(). So this CPU sees these bytes as
 * zero.
 */
static unsigned int mask_acquire(unsigned long block)
{
	return gomem_tiny_live((u32)atomic_read_acquire(gomem_tiny_word(block))
			       >> gomem_tiny_shift(block));
}

/**
 * gomem_tiny_size - return the usable size of a tiny object
 * @p: a pointer into a span of blocks. The caller keeps the span from being
 *	freed
 *
 * Return: the bytes from @p to the next part of the block, or to the end of the
 * block if there is none; 0 if no live object starts at @p.
 */
size_t gomem_tiny_size(const void *p)
{
	if (!gomem_tiny_in_block(p))
		return 0;
	return gomem_tiny_live_size(mask_acquire((unsigned long)p),
				    gomem_tiny_off(p));
}

/**
 * gomem_tiny_left - return how many bytes a tiny object has from an address on
 * @p: a pointer into a span of blocks. The caller keeps the span from being
 *	freed
 *
 * Return: the bytes from @p to the end of the live object that @p lies in; 0 if
 * it lies in none.
 */
size_t gomem_tiny_left(const void *p)
{
	unsigned int off = gomem_tiny_off(p), mask, starts, start, size;

	if (!gomem_tiny_in_block(p))
		return 0;
	mask = mask_acquire((unsigned long)p);
	starts = mask & GOMEM_TINY_STARTS &
		 (BIT(off / GOMEM_TINY_GRAIN + 1) - 1);
	if (!starts)
		return 0;
	start = __fls(starts) * GOMEM_TINY_GRAIN;
	size = gomem_tiny_live_size(mask, start);
	return size ? start + size - off : 0;
}

/**
 * gomem_tiny_before - find the part that starts before an address
 * @p: an address, any value
 *
 * Context: any.
 * Return: offset in the block of the last part that starts before @p; -1 if
 * there is none, or if @p lies in no block.
 */
int gomem_tiny_before(const void *p)
{
	unsigned int below = DIV_ROUND_UP(gomem_tiny_off(p), GOMEM_TINY_GRAIN);
	unsigned int mask = 0;

	preempt_disable();
	if (gomem_tiny_has_mask(p) && gomem_tiny_in_block(p))
		mask = gomem_tiny_mask((unsigned long)p) & GOMEM_TINY_STARTS &
		       (BIT(below) - 1);
	preempt_enable();
	return mask ? (int)(__fls(mask) * GOMEM_TINY_GRAIN) : -1;
}

/* Return the number of objects in a block, not counting the rest. */
static unsigned int objects_of(unsigned int mask)
{
	bool held = mask & GOMEM_TINY_HELD;

	return hweight8(mask & GOMEM_TINY_STARTS) - held;
}

/**
 * gomem_tiny_census - count the live objects in a span of blocks
 * @s: the span
 *
 * Return: the number.
 */
unsigned int gomem_tiny_census(const struct gomem_span *s)
{
	unsigned int i, n = 0;

	for (i = 0; i < s->nelems; i++)
		n += objects_of(gomem_tiny_mask(gomem_tiny_nth_block(s, i)));
	return n;
}

/*
 * Return true if all bytes that belong to no object are zero: the bytes below
 * the first part, and the rest. Free bytes between two objects belong to the
 * lower object.
 */
static bool is_clean(unsigned long block, unsigned int mask)
{
	unsigned int first = __ffs(mask) * GOMEM_TINY_GRAIN;
	unsigned int rest = __fls(mask & GOMEM_TINY_STARTS) * GOMEM_TINY_GRAIN;

	if (memchr_inv((void *)block, 0, first))
		return false;
	return !(mask & GOMEM_TINY_HELD) ||
	       !memchr_inv((void *)block + rest, 0, GOMEM_TINY_BLOCK - rest);
}

/**
 * gomem_tiny_check_span - verify the masks of a span
 * @s: a span of blocks that no CPU is working on
 *
 * Return: text of the first violation, or NULL.
 */
const char *gomem_tiny_check_span(struct gomem_span *s)
{
	unsigned int i, bits, mask;

	for (i = 0; i < s->nelems; i++) {
		bits = gomem_tiny_bits(gomem_tiny_nth_block(s, i));
		if (!(bits & GOMEM_TINY_HELD) && bits >> GOMEM_TINY_GONE_SHIFT)
			return "a part of a tiny block is gone, but no CPU holds the block";
		mask = gomem_tiny_live(bits);
		if (!mask)
			continue;
		if (!test_bit(i, gomem_span_alloc_bits(s)) ||
		    test_bit(i, gomem_span_freed_bits(s)))
			return "a free tiny block has a mask";
		if (mask == GOMEM_TINY_HELD)
			return "a tiny block is marked as held, but has no room and no object";
		if (!is_clean(gomem_tiny_nth_block(s, i), mask))
			return "a tiny block is not zero where it has no object";
	}
	if (gomem_tiny_bits(gomem_tiny_nth_block(s, s->nelems)))
		return "there is a mask behind the last tiny block of a span";
	return NULL;
}
