// SPDX-License-Identifier: GPL-2.0
/*
 * tiny.c - blocks in and out, and what is told of them. Cutting parts is in tiny.h.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/kmemleak.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "mcache.h"
#include "node.h"
#include "report.h"
#include "stats.h"
#include "tiny.h"

static_assert(GOMEM_TINY_SPC < GOMEM_NR_SPANCLASSES);

/**
 * gomem_tiny_init_span - clear the masks of a new span
 * @s: a span of blocks, of which none was handed out
 */
void gomem_tiny_init_span(struct gomem_span *s)
{
	memset((void *)s->base + GOMEM_TINY_MASKS, 0, GOMEM_PAGE_SIZE - GOMEM_TINY_MASKS);
}

/* The bytes of a part, and no others; each memset() is a store. */
static void clear_part(u8 *p, unsigned int size)
{
	if (size >= 8) {
		memset(p, 0, 8);
		memset(p + size - 8, 0, 8);
	} else if (size >= 4) {
		memset(p, 0, 4);
		memset(p + size - 4, 0, 4);
	} else {
		p[0] = 0;
		p[size / 2] = 0;
		p[size - 1] = 0;
	}
}

/* A task's free block goes to its CPU's slot, if that has room and is of its node. */
static bool push_block(void *block)
{
	bool pushed;

	if (gomem_irq_context())
		return false;
	preempt_disable();
	pushed = (!static_branch_unlikely(&gomem_numa) || gomem_mcache_is_home(block)) &&
		 gomem_slot_push(&raw_cpu_read(gomem_mcache_task)->slot[GOMEM_TINY_SPC], block);
	preempt_enable();
	return pushed;
}

/* And comes from there. */
static void *pop_block(void)
{
	void *block;

	if (gomem_irq_context())
		return NULL;
	preempt_disable();
	block = gomem_slot_pop(&raw_cpu_read(gomem_mcache_task)->slot[GOMEM_TINY_SPC]);
	preempt_enable();
	return block;
}

/* The block is free: an object like others from here on. */
static void free_block(unsigned long addr)
{
	void *block = (void *)addr;

	gomem_set_key(block);
	if (likely(push_block(block)))
		return;
	if (static_branch_unlikely(&gomem_numa) && !gomem_mcache_is_home(block))
		gomem_mcache_free_direct(&gomem_kinds[GOMEM_TINY_SPC], block);
	else
		gomem_mcache_free_slow(&gomem_kinds[GOMEM_TINY_SPC], block);
}

/* A free block, in no slot any more; one that was written to is set aside. */
static unsigned long take_block(gfp_t gfp, unsigned long caller)
{
	void *block = pop_block() ?: gomem_mcache_alloc_slow(&gomem_kinds[GOMEM_TINY_SPC], gfp);

	while (block && unlikely(!gomem_has_key(block))) {
		gomem_report_pointer(GOMEM_WRITE_AFTER_FREE, block, caller);
		block = gomem_mcache_alloc_slow(&gomem_kinds[GOMEM_TINY_SPC], gfp);
	}
	return (unsigned long)block;
}

/**
 * gomem_tiny_alloc_slow - begin a block for an object that fits in no rest
 * @size: bytes, 1 to GOMEM_TINY_OPENS
 * @gfp: how hard to try
 * @caller: who asked
 *
 * The CPU goes on with the larger of the rest that it has and that of this block.
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not with a cache owned.
 * Return: the object, or NULL.
 */
void *gomem_tiny_alloc_slow(size_t size, gfp_t gfp, unsigned long caller)
{
	struct gomem_tiny rest = { .off = size };
	unsigned int mask = GOMEM_TINY_HELD | BIT(0) | BIT(size);
	unsigned long block = take_block(gfp, caller);

	if (!block)
		return NULL;
	gomem_clear((void *)block, GOMEM_TINY_BLOCK);
	atomic_or(mask << gomem_tiny_shift(block), gomem_tiny_word(block));

	rest.block = block;
	gomem_mcache_keep_tiny(&rest);
	if (rest.block && gomem_tiny_drop(&rest))
		free_block(rest.block);
	return (void *)block;
}

/* Where the part ends that starts at @off of a block with this mask. */
static unsigned int part_end(unsigned int mask, unsigned int off)
{
	unsigned int above = mask & ~GOMEM_TINY_HELD & ~(BIT(off + 1) - 1);

	return above ? __ffs(above) : GOMEM_TINY_BLOCK;
}

/* Is what would start here the CPU's, or lie in it? */
static bool is_rest(unsigned int mask, unsigned int off)
{
	return (mask & GOMEM_TINY_HELD) && part_end(mask, off) == GOMEM_TINY_BLOCK;
}

/* In a block, and not among the masks? */
static bool in_block(const void *p)
{
	return ((unsigned long)p & ~GOMEM_PAGE_MASK) < GOMEM_TINY_MASKS;
}

static unsigned int off_of(const void *p)
{
	return (unsigned long)p % GOMEM_TINY_BLOCK;
}

/*
 * The tag is looked at again, since what was seen of it may be old: preemption is off
 * from here to the last access, see gomem_heap_release().
 */
static bool has_mask(const void *p)
{
	const struct gomem_chunk *c = gomem_pagemap_chunk(&gomem_pagemap, (unsigned long)p);
	unsigned int tag = c ? READ_ONCE(c->tag[gomem_chunk_page((unsigned long)p)]) : 0;

	return gomem_tag_spc(tag) == GOMEM_TINY_SPC;
}

/* Bytes of the live object at @off; 0 if there is none, or it is the CPU's rest. */
static __always_inline unsigned int live_size(unsigned int mask, unsigned int off)
{
	/* From @off on, with a bit where the block ends. */
	unsigned int bits = (mask | BIT(GOMEM_TINY_BLOCK)) >> off, size;

	if (unlikely(!(bits & 1)))
		return 0;
	size = __ffs(bits - 1);
	/* It ends at GOMEM_TINY_HELD, or is that itself: no object. */
	return likely(off + size != GOMEM_TINY_PARTS && off != GOMEM_TINY_PARTS) ? size : 0;
}

/*
 * What to call a pointer to no live object. Where no part starts may be where one started,
 * or in the middle of the part before it; and the rest may have been one before it was
 * rest again. There is no telling: it is taken for a double free. No part ever starts at the
 * last byte, or among the masks.
 */
static enum gomem_misuse what_is_wrong(const void *p, enum gomem_misuse if_free)
{
	enum gomem_misuse wrong = if_free;

	preempt_disable();
	if (has_mask(p) && (!in_block(p) || off_of(p) == GOMEM_TINY_PARTS))
		wrong = GOMEM_INTERIOR_POINTER;
	preempt_enable();
	return wrong;
}

/**
 * gomem_tiny_report - a pointer into a span of blocks is no live object
 * @if_free: what is wrong about it if there was one
 * @p: the pointer
 * @caller: who passed it
 */
void gomem_tiny_report(enum gomem_misuse if_free, const void *p, unsigned long caller)
{
	gomem_report_pointer(what_is_wrong(p, if_free), p, caller);
}

/* What is left of the block that @p is in, if this task may cut from it now. */
static struct gomem_tiny *own_rest(const void *p)
{
	struct gomem_tiny *t = &raw_cpu_read(gomem_mcache_task)->tiny;

	return !gomem_irq_context() && t->block == (unsigned long)p - off_of(p) ? t : NULL;
}

/*
 * Take a part back; what is left of the mask, negative if it is no live object. The one
 * that was cut last from the CPU's own block becomes rest again: what goes back and forth
 * needs no new block.
 */
static int take_part(void *p)
{
	unsigned int off = off_of(p), shift = gomem_tiny_shift((unsigned long)p);
	unsigned int size, mask, bits;
	atomic_t *word = gomem_tiny_word((unsigned long)p);
	struct gomem_tiny *t;
	int old;

	if (unlikely(!in_block(p)))
		return -1;
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) && live_size(gomem_tiny_mask((unsigned long)p), off))
		kmemleak_free(p);
	t = own_rest(p);
	old = atomic_read(word);
	do {
		mask = (u32)old >> shift & GOMEM_TINY_MASK;
		size = live_size(mask, off);
		/* Or somebody else freed it in this moment. */
		if (unlikely(!size))
			return -1;
		clear_part(p, size);
		bits = t && off + size == t->off ? BIT(t->off) : BIT(off);
		/* Fully ordered: as gomem_tiny_clear(). */
	} while (unlikely(!atomic_try_cmpxchg(word, &old, old & ~(bits << shift))));
	if (t && bits != BIT(off))
		t->off = off;
	return mask & ~bits;
}

/* With what take_part() said of it. */
static void finish_free(void *p, int left, unsigned long caller)
{
	if (unlikely(left < 0)) {
		gomem_tiny_report(GOMEM_DOUBLE_FREE, p, caller);
		return;
	}
	gomem_count(GOMEM_EV_TINY_FREES, 1);
	if (!left)
		free_block((unsigned long)p - off_of(p));
}

/**
 * gomem_tiny_free - free an object that shares a block
 * @p: a pointer into what was a page of blocks
 * @caller: who asked
 *
 * Reports what is no object, or free.
 *
 * Context: any but NMI; never sleeps. Not with a cache owned.
 */
void gomem_tiny_free(void *p, unsigned long caller)
{
	int left;

	preempt_disable();
	left = has_mask(p) ? take_part(p) : -1;
	preempt_enable();
	finish_free(p, left, caller);
}

/**
 * gomem_tiny_free_pinned - the same, right after the page's tag was seen
 * @p: a pointer into a page of blocks
 * @caller: who asked
 *
 * Context: any but NMI; never sleeps. Preemption has been off since the tag was read, and
 * is on afterwards.
 */
void gomem_tiny_free_pinned(void *p, unsigned long caller)
{
	int left = take_part(p);

	preempt_enable();
	finish_free(p, left, caller);
}

/*
 * The mask of a block of which a caller uses all that an object has. Bytes that became the
 * object's when its neighbour was freed are zero by then. Pairs with the fully ordered
 * operations in take_part() and gomem_tiny_clear(), by which any CPU gives bytes up.
 */
static unsigned int mask_acquire(unsigned long block)
{
	return (u32)atomic_read_acquire(gomem_tiny_word(block)) >> gomem_tiny_shift(block) &
	       GOMEM_TINY_MASK;
}

/**
 * gomem_tiny_size - how much of a block an object has
 * @p: a pointer into a span of blocks that stays meanwhile
 *
 * Return: the bytes up to the next object; 0 if there is no live object.
 */
size_t gomem_tiny_size(const void *p)
{
	return in_block(p) ? live_size(mask_acquire((unsigned long)p), off_of(p)) : 0;
}

/**
 * gomem_tiny_left - how much of an object lies behind an address
 * @p: an address in a span of blocks that stays meanwhile
 *
 * Return: the bytes from @p to the end of the live object that @p lies in; 0 if it lies in
 * none.
 */
size_t gomem_tiny_left(const void *p)
{
	unsigned int off = off_of(p), mask, starts, start, size;

	if (!in_block(p))
		return 0;
	mask = mask_acquire((unsigned long)p);
	starts = mask & ~GOMEM_TINY_HELD & (BIT(off + 1) - 1);
	if (!starts)
		return 0;
	start = __fls(starts);
	size = live_size(mask, start);
	return size ? start + size - off : 0;
}

/**
 * gomem_tiny_before - the object that an address may lie in the middle of
 * @p: an address
 *
 * Context: any.
 * Return: where in the same block the last live object before @p starts; -1 if there is
 * none, or no block.
 */
int gomem_tiny_before(const void *p)
{
	unsigned int mask = 0;

	preempt_disable();
	if (has_mask(p) && in_block(p))
		mask = gomem_tiny_mask((unsigned long)p) & (BIT(off_of(p)) - 1);
	preempt_enable();
	return mask ? __fls(mask) : -1;
}

static unsigned long block_of(const struct gomem_span *s, unsigned int i)
{
	return (unsigned long)gomem_span_object(s, i);
}

/* Without the rest: objects. */
static unsigned int objects_of(unsigned int mask)
{
	bool held = mask & GOMEM_TINY_HELD;

	return hweight16(mask & ~GOMEM_TINY_HELD) - held;
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
		n += objects_of(gomem_tiny_mask(block_of(s, i)));
	return n;
}

/**
 * gomem_tiny_get_stats - count tiny objects and their blocks
 * @st: where it goes; near the truth while CPUs go on, exact at rest
 */
void gomem_tiny_get_stats(struct gomem_tiny_stats *st)
{
	struct gomem_class_counts n;
	struct gomem_heap *h;

	memset(st, 0, sizeof(*st));
	/* In this order, so that what is freed meanwhile was allocated before. */
	st->frees = gomem_event_sum(GOMEM_EV_TINY_FREES);
	st->allocs = max(gomem_event_sum(GOMEM_EV_TINY_ALLOCS), st->frees);
	gomem_mcache_count(&gomem_kinds[GOMEM_TINY_SPC], &n);
	st->block_allocs = n.mallocs;
	st->blocks = n.mallocs - n.frees;
	st->cached = n.cached;
	st->cached_spans = n.cached_spans;
	for_each_gomem_heap(h) {
		st->spans += READ_ONCE(h->central[GOMEM_TINY_SPC].nspans);
		st->sys += READ_ONCE(h->central[GOMEM_TINY_SPC].npages) << GOMEM_PAGE_SHIFT;
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_tiny_get_stats);

/*
 * Where no object is there are zeroes: below the first one, and in the rest. What lies
 * between two belongs to the lower one.
 */
static bool is_clean(unsigned long block, unsigned int mask)
{
	unsigned int first = __ffs(mask), rest = __fls(mask & ~GOMEM_TINY_HELD);

	if (memchr_inv((void *)block, 0, first))
		return false;
	return !(mask & GOMEM_TINY_HELD) ||
	       !memchr_inv((void *)block + rest, 0, GOMEM_TINY_BLOCK - rest);
}

/**
 * gomem_tiny_check_span - verify a span's masks
 * @s: a span of blocks, at rest
 *
 * Return: what is wrong, or NULL.
 */
const char *gomem_tiny_check_span(struct gomem_span *s)
{
	unsigned int i, mask;

	for (i = 0; i < s->nelems; i++) {
		mask = gomem_tiny_mask(block_of(s, i));
		if (!mask)
			continue;
		if (!test_bit(i, gomem_span_alloc_bits(s)) || test_bit(i, gomem_span_freed_bits(s)))
			return "mask of a tiny block that is free";
		if (mask == GOMEM_TINY_HELD)
			return "tiny block is held, and has no rest";
		if (!is_clean(block_of(s, i), mask))
			return "tiny block is not zero where no object is";
	}
	if (gomem_tiny_mask(block_of(s, s->nelems)))
		return "mask of a tiny block that there is not";
	return NULL;
}

static bool rest_is_sound(const struct gomem_tiny *t)
{
	unsigned int mask;

	if (!t->block)
		return t->off == GOMEM_TINY_BLOCK;
	if (t->block % GOMEM_TINY_BLOCK || t->off >= GOMEM_TINY_PARTS)
		return false;
	mask = gomem_tiny_mask(t->block);
	return (mask & BIT(t->off)) && is_rest(mask, t->off);
}

struct walk {
	unsigned long used;
	unsigned long held;
};

static void count_blocks(struct gomem_span *s, void *arg)
{
	struct walk *w = arg;
	unsigned int i, mask;

	if (s->spc != GOMEM_TINY_SPC)
		return;
	for (i = 0; i < s->nelems; i++) {
		mask = gomem_tiny_mask(block_of(s, i));
		w->used += mask != 0;
		w->held += !!(mask & GOMEM_TINY_HELD);
	}
}

static const char *check_blocks(void)
{
	struct gomem_tiny_stats st;
	struct walk w = { };
	struct gomem_heap *h;
	int cpu;

	for_each_gomem_heap(h)
		gomem_heap_walk_spans(h, count_blocks, &w);
	for_each_possible_cpu(cpu) {
		const struct gomem_tiny *task = &per_cpu(gomem_mcache_task, cpu)->tiny;
		const struct gomem_tiny *irq = &READ_ONCE(per_cpu(gomem_mcache_irq, cpu))->tiny;

		if (!rest_is_sound(task) || !rest_is_sound(irq))
			return "rest of a tiny block is not what its mask says";
		w.held -= !!task->block + !!irq->block;
	}
	if (w.held)
		return "tiny blocks are held that no CPU has";
	/* One that was written to while it was free is set aside, and has no object. */
	gomem_tiny_get_stats(&st);
	if (w.used > st.blocks ||
	    st.blocks - w.used > gomem_misuse_count(GOMEM_WRITE_AFTER_FREE))
		return "tiny blocks with objects are not those that are allocated";
	return NULL;
}

/**
 * gomem_tiny_check - verify what CPUs and counters say of the blocks of all heaps
 *
 * To be called at rest, as gomem_check(). Idle CPUs let go of their blocks even then: what
 * is wrong is looked at once more.
 *
 * Return: what is wrong, or NULL.
 */
const char *gomem_tiny_check(void)
{
	return check_blocks() ? check_blocks() : NULL;
}
