// SPDX-License-Identifier: GPL-2.0
/*
 * tiny.c - begin and free blocks of tiny objects, free tiny objects, and count
 *	blocks and objects. How a part is cut from a block is in
 *	map/tinyblock.h.
 */
#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/kmemleak.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "base/sample.h"
#include "base/stats.h"
#include "map/report.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "api/tiny.h"

/* Return the slot of this CPU for blocks. Preemption is off. */
static __always_inline struct gomem_slot *block_slot(void)
{
	return &raw_cpu_read(gomem_mcache_task)->slot[GOMEM_TINY_SPC];
}

/*
 * Push a free block on the slot of this CPU. Return false in interrupts, if the
 * slot is full, or if the block is of another node.
 */
static bool push_block(void *block)
{
	bool pushed;

	if (gomem_irq_context())
		return false;
	preempt_disable();
	pushed = (!static_branch_unlikely(&gomem_numa) ||
		  gomem_mcache_is_home(block)) &&
		 gomem_slot_push(block_slot(), block);
	preempt_enable();
	return pushed;
}

/* Pop a free block from the slot of this CPU. Return NULL in interrupts. */
static void *pop_block(void)
{
	void *block;

	if (gomem_irq_context())
		return NULL;
	preempt_disable();
	block = gomem_slot_take(block_slot());
	preempt_enable();
	return block;
}

/* Free a block like an object of any other span class. */
static void free_block(unsigned long addr)
{
	void *block = (void *)addr;

	gomem_set_key(block);
	if (likely(push_block(block)))
		return;
	gomem_mcache_free_slow(&gomem_kinds[GOMEM_TINY_SPC], block);
}

/*
 * Take a free block from the slot, or from where the slot is refilled. Return 0
 * if there is no memory. A block that was written to while it was free is
 * reported, and stays allocated for good.
 */
static unsigned long take_block(gfp_t gfp, unsigned long caller)
{
	void *block = pop_block() ?:
		      gomem_mcache_alloc_slow(&gomem_kinds[GOMEM_TINY_SPC],
					      gfp);

	while (block && unlikely(!gomem_has_key(block))) {
		gomem_report_pointer(GOMEM_WRITE_AFTER_FREE, block, caller);
		block = gomem_mcache_alloc_slow(&gomem_kinds[GOMEM_TINY_SPC],
						gfp);
	}
	return (unsigned long)block;
}

/*
 * Begin a block with an object of @size bytes. The CPU keeps the larger one of
 * two rests: its current one and that of this block. The other rest is dropped.
 * Kept out of line to save stack in gomem_tiny_alloc_slow().
 */
static noinline void begin_block(unsigned long block, unsigned int size)
{
	struct gomem_tiny rest = {
		.block = block,
		.starts = gomem_tiny_byte(block, 0),
		.off = DIV_ROUND_UP(size, GOMEM_TINY_GRAIN),
	};

	gomem_clear((void *)block, GOMEM_TINY_BLOCK);
	WRITE_ONCE(*rest.starts, GOMEM_TINY_HELD | BIT(0) | BIT(rest.off));

	/*
	 * The profile can record only the first object of a block, and counts
	 * it as 16 bytes. At a rate of one sample in 1 to 16 bytes it samples
	 * most of these first objects, but would miss all later objects of the
	 * blocks. So at such a rate, drop the rest of this block: then the next
	 * tiny object shares no block, and can be recorded, too.
	 */
	if (READ_ONCE(gomem_profile_rate) - 1 >= GOMEM_TINY_BLOCK)
		gomem_mcache_keep_tiny(&rest);
	if (rest.block && gomem_tiny_drop(&rest))
		free_block(rest.block);
}

/**
 * gomem_tiny_alloc_slow - allocate a tiny object from a new block
 * @size: bytes, 1 to GOMEM_TINY_OPENS
 * @gfp: gfp for a new span
 * @caller: caller to name in reports
 *
 * Called if the object does not fit in the CPU's current rest, or if
 * gomem_is_watched() returns true. begin_block() decides whether the CPU keeps
 * that rest or the rest of the new block.
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not in a section.
 * Return: the object, or NULL.
 */
void *gomem_tiny_alloc_slow(size_t size, gfp_t gfp, unsigned long caller)
{
	unsigned long block = take_block(gfp, caller);

	if (block)
		begin_block(block, size);
	return (void *)block;
}

/*
 * Decide which misuse to report for a pointer to no live object. If no part
 * starts at @p, an object may have started there earlier, or @p may point into
 * the middle of the part before. If @p lies in the rest, an object may have
 * been there before the bytes became rest again. These cases look the same, so
 * @if_free is reported in all of them. Only odd addresses, the last grain of a
 * block, and the masks at the end of the page were never the start of an
 * object.
 */
static enum gomem_misuse what_is_wrong(const void *p, enum gomem_misuse if_free)
{
	enum gomem_misuse wrong = if_free;

	preempt_disable();
	if (gomem_tiny_has_mask(p) &&
	    (!gomem_tiny_in_block(p) || gomem_tiny_off(p) % GOMEM_TINY_GRAIN ||
	     gomem_tiny_off(p) / GOMEM_TINY_GRAIN == GOMEM_TINY_PARTS))
		wrong = GOMEM_INTERIOR_POINTER;
	preempt_enable();
	return wrong;
}

/**
 * gomem_tiny_report - report a pointer that is not a live tiny object
 * @if_free: the misuse to report if an object may have started at @p earlier
 * @p: the pointer, into a span of blocks
 * @caller: caller to name in the report
 */
void gomem_tiny_report(enum gomem_misuse if_free, const void *p,
		       unsigned long caller)
{
	gomem_report_pointer(what_is_wrong(p, if_free), p, caller);
}

/*
 * Free the part at @p. Return what is left of the mask of its block: 0 if the
 * caller has to free the block. Return a negative number if @p is no live
 * object. The caller has preemption off.
 */
static noinline int take_part(void *p)
{
	unsigned int off = gomem_tiny_off(p), at = off / GOMEM_TINY_GRAIN;
	unsigned int shift = gomem_tiny_shift((unsigned long)p), size, mask;
	atomic_t *word = gomem_tiny_word((unsigned long)p);
	int old, new;

	if (unlikely(!gomem_tiny_in_block(p)))
		return -1;
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) &&
	    gomem_tiny_live_size(gomem_tiny_mask((unsigned long)p), off))
		kmemleak_free(p);
	old = atomic_read(word);
	do {
		mask = gomem_tiny_live((u32)old >> shift);
		size = gomem_tiny_live_size(mask, off);
		/*
		 * No object starts at @p, or it was freed: earlier, or just now
		 * by another CPU.
		 */
		if (unlikely(!size))
			return -1;
		gomem_tiny_clear(p, size / GOMEM_TINY_GRAIN);
		if (mask & GOMEM_TINY_HELD)
			new = old | BIT(at + GOMEM_TINY_GONE_SHIFT) << shift;
		else
			new = old & ~(BIT(at) << shift);
		/* Fully ordered, for the reason in change_mask(). */
	} while (unlikely(!atomic_try_cmpxchg(word, &old, new)));
	return mask & ~BIT(at);
}

/*
 * Count a free, and free the block if no part is left; or report the free if
 * take_part() found no live object. @left: what take_part() returned.
 */
static void finish_free(void *p, int left, unsigned long caller)
{
	if (unlikely(left < 0)) {
		gomem_tiny_report(GOMEM_DOUBLE_FREE, p, caller);
		return;
	}
	gomem_count(GOMEM_EV_TINY_FREES, 1);
	if (!left)
		free_block((unsigned long)p - gomem_tiny_off(p));
}

/**
 * gomem_tiny_free - free an object that shares a block
 * @p: a pointer into a page that held blocks when its tag was read
 * @caller: caller to name in reports
 *
 * A pointer to no object, or to a free one, is reported.
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_tiny_free(void *p, unsigned long caller)
{
	int left = -1;

	preempt_disable();
	if (!gomem_irq_context() && gomem_tiny_free_held(p)) {
		preempt_enable();
		return;
	}
	if (gomem_tiny_has_mask(p))
		left = take_part(p);
	preempt_enable();
	finish_free(p, left, caller);
}

/**
 * gomem_tiny_free_pinned - free a tiny object with preemption off
 * @p: a pointer into a page of blocks
 * @caller: caller to name in reports
 *
 * Context: a task; never sleeps. The caller turned preemption off before it
 * read the page's tag. This function turns preemption on.
 */
void gomem_tiny_free_pinned(void *p, unsigned long caller)
{
	int left = take_part(p);

	preempt_enable();
	finish_free(p, left, caller);
}

/**
 * gomem_tiny_get_stats - count tiny objects and their blocks
 * @st: result; approximate while CPUs allocate and free, else exact
 */
void gomem_tiny_get_stats(struct gomem_tiny_stats *st)
{
	struct gomem_class_counts n;
	struct gomem_heap *h;

	memset(st, 0, sizeof(*st));
	/*
	 * An object's allocation is counted before its free. So read the frees
	 * first. A CPU that reorders the reads may still find fewer allocations
	 * than frees: hence the max().
	 */
	st->frees = gomem_event_sum(GOMEM_EV_TINY_FREES) +
		    gomem_event_sum(GOMEM_EV_TINY_UNCUTS);
	st->allocs = gomem_event_sum(GOMEM_EV_TINY_ALLOCS) +
		     gomem_event_sum(GOMEM_EV_TINY_CUTS);
	st->allocs = max(st->allocs, st->frees);
	gomem_mcache_count(&gomem_kinds[GOMEM_TINY_SPC], &n);
	st->block_allocs = n.mallocs;
	st->blocks = n.mallocs - n.frees;
	st->cached = n.cached;
	st->cached_spans = n.cached_spans;
	for_each_gomem_heap(h) {
		st->spans += READ_ONCE(h->central[GOMEM_TINY_SPC].nspans);
		st->sys += READ_ONCE(h->central[GOMEM_TINY_SPC].npages)
			   << GOMEM_PAGE_SHIFT;
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_tiny_get_stats);

static bool rest_is_sound(const struct gomem_tiny *t)
{
	unsigned int mask;

	if (!t->block)
		return t->off == GOMEM_TINY_GRAINS;
	if (t->block % GOMEM_TINY_BLOCK || t->off >= GOMEM_TINY_PARTS ||
	    t->starts != gomem_tiny_byte(t->block, 0))
		return false;
	mask = gomem_tiny_mask(t->block);
	return (mask & GOMEM_TINY_HELD) &&
	       __fls(mask & GOMEM_TINY_STARTS) == t->off;
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
		mask = gomem_tiny_mask(gomem_tiny_nth_block(s, i));
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
		const struct gomem_tiny *task =
			&READ_ONCE(per_cpu(gomem_mcache_task, cpu))->tiny;
		const struct gomem_tiny *irq =
			&READ_ONCE(per_cpu(gomem_mcache_irq, cpu))->tiny;

		if (!rest_is_sound(task) || !rest_is_sound(irq))
			return "a CPU's rest of a tiny block differs from the block's mask";
		w.held -= !!task->block + !!irq->block;
	}
	if (w.held)
		return "a tiny block is marked as held, but no CPU has it";
	/*
	 * A block that was written to while it was free is lost: it counts as
	 * allocated, but holds no object.
	 */
	gomem_tiny_get_stats(&st);
	if (w.used > st.blocks ||
	    st.blocks - w.used > gomem_misuse_count(GOMEM_WRITE_AFTER_FREE))
		return "the number of tiny blocks with objects differs from the allocated blocks";
	return NULL;
}

/**
 * gomem_tiny_check - compare the masks of all blocks with the rests of the CPUs
 *	and with the number of allocated blocks
 *
 * Called while no code allocates or frees, like gomem_check(). Even then the
 * rests of idle CPUs may be dropped during the check. So a violation counts
 * only if a second check finds one, too.
 *
 * Return: text of the violation, or NULL.
 */
const char *gomem_tiny_check(void)
{
	return check_blocks() ? check_blocks() : NULL;
}
