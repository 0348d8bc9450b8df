/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mcache.h - what each CPU keeps at hand (Go's mcache), and the fast path.
 *
 * Each CPU has two caches, and which of them a caller uses follows from its
 * context alone:
 *
 *	task cache	process context; used with preemption off, so by nobody
 *			else: an interrupt that comes meanwhile uses the other
 *	irq cache	softirq and hard interrupt context; used with interrupts
 *			off, since these two nest
 *
 * So the fast path of a task takes no lock, no atomic operation, and leaves
 * interrupts on. On PREEMPT_RT softirqs and most interrupts are threads, which
 * makes them tasks here too.
 *
 * A cache has a slot per span class: a stack of free objects and, in the task
 * cache and for small objects only, the span that refills it.
 *
 * Other CPUs never look into a cache but to read its counters. It is emptied by
 * its own CPU, for an epoch's work even if it is idle (gomem_mcache_drain()), or
 * on its behalf once that is dead (gomem_mcache_cpu_dead()), or when the module exits
 * and nobody is left to allocate.
 */
#ifndef GOMEM_MCACHE_H
#define GOMEM_MCACHE_H

#include <linux/cache.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/types.h>

#include "key.h"
#include "kind.h"
#include "mcentral.h"
#include "sizeclass.h"
#include "span.h"
#include "tiny.h"

struct gomem_heap;

/* How long CPUs that are to drain all of their slots are waited for. */
#define GOMEM_DRAIN_ALL_MS	1000

/*
 * A slot that grows moves to a stack for GOMEM_STACK_SHORT objects, or to one for all that a
 * slot can have. Of these two fill a page, &gomem_no_object below each and a link included.
 */
#define GOMEM_STACK_SHORT	64
#define GOMEM_SLOT_MAX		254

enum gomem_stack {
	GOMEM_SHORT_STACK,
	GOMEM_LONG_STACK,
	GOMEM_NR_STACKS,
};

/**
 * struct gomem_slot - free objects of one span class, ready to go
 * @top: where the next freed object goes; top[-1] is the next to be allocated,
 *	&gomem_no_object if there is none
 * @end: @top stops here
 * @allocs: objects handed out to users
 * @divmul: see gomem_is_multiple(); 0 if gomem_free() must not take objects for here
 * @size: bytes of an object
 * @capacity: how many objects it may hold; @end - @capacity is the stack's bottom
 * @room: how many there is room for
 * @calm: refills since it was flushed; see refill_size() and take_half()
 * @span: the span that refills this slot, NULL if there is none
 * @refilled: objects that came from spans
 * @flushed: objects that went to spans
 *
 * All but the geometry is the CPU's own. Objects that users gave back need no
 * counter: frees == allocs + (top - bottom) + flushed - refilled.
 */
struct gomem_slot {
	void **top;
	void **end;
	u64 allocs;
	u32 divmul;
	u32 size;
	u16 capacity;
	u16 room;
	u8 calm;
	struct gomem_span *span;
	u64 refilled;
	u64 flushed;
} ____cacheline_aligned_in_smp;

static_assert(sizeof(struct gomem_slot) <= 64);

/* Below the bottom of each stack. It is no key: so the fast path need not ask twice. */
extern unsigned long gomem_no_object;

/**
 * struct gomem_mcache - one CPU's cache
 * @slot: by span class
 * @heap: of the CPU's node; it caches no other node's objects, but where its own
 *	has no memory left
 * @tiny: what the next tiny object is cut from
 * @tiny_seen: where that was at the last look; see epoch.c
 * @tiny_idle: it had been there at the look before
 * @caches_spans: slots may have a span of their own
 * @grown: bytes by which slots may hold more than when they began
 * @moved: bytes that went between slots and spans of late
 * @moved_until: when what counts as of late begins anew
 * @bytes: memory this takes, pages of stacks included
 * @stacks: stacks of each length that no slot has, linked by their first word
 * @stack_pages: where stacks were cut from, linked by their first word
 * @seen: what a slot had done at the last look; see epoch.c
 * @idle: it had done nothing between that look and the one before
 * @bottom: where in @object a slot's stack begins that it begins with
 * @object: these stacks, each with &gomem_no_object below its bottom
 *
 * Most classes are hardly used: so a task's slot begins with room for no more than it may
 * hold then, and moves to a short stack when it grows, and to a long one.
 */
struct gomem_mcache {
	struct gomem_slot slot[GOMEM_NR_SPANCLASSES];
	struct gomem_heap *heap;
	struct gomem_tiny tiny;
	unsigned long tiny_seen;
	bool tiny_idle;
	bool caches_spans;
	size_t grown;
	size_t moved;
	unsigned long moved_until;
	size_t bytes;
	void **stacks[GOMEM_NR_STACKS];
	void **stack_pages;
	u32 seen[GOMEM_NR_SPANCLASSES];
	bool idle[GOMEM_NR_SPANCLASSES];
	u16 bottom[GOMEM_NR_SPANCLASSES];
	void *object[];
};

/**
 * struct gomem_cache_slot - a slot of a typed cache
 * @slot: the slot
 * @seen: see struct gomem_mcache
 * @idle: likewise
 */
struct gomem_cache_slot {
	struct gomem_slot slot;
	u32 seen;
	bool idle;
};

/**
 * struct gomem_cache_cpu - what a CPU has of a typed cache
 * @task: for tasks
 * @irq: for interrupts
 * @object: the stacks, each with &gomem_no_object below its bottom
 */
struct gomem_cache_cpu {
	struct gomem_cache_slot task;
	struct gomem_cache_slot irq;
	void *object[];
};

/* Never NULL: a CPU without memory for a cache has one that holds nothing. */
DECLARE_PER_CPU(struct gomem_mcache *, gomem_mcache_task);
DECLARE_PER_CPU(struct gomem_mcache *, gomem_mcache_irq);

/* What the counters of all slots of a kind add up to. */
struct gomem_class_counts {
	u64 mallocs;
	u64 frees;
	u64 cached;
	u64 cached_spans;
};

/* Of a CPU that has none: it holds nothing. */
extern struct gomem_mcache gomem_no_mcache;

/* mcache.c */
unsigned int gomem_slot_begin(const struct gomem_kind *k, unsigned int room);
void gomem_slot_reset(struct gomem_mcache *mc, struct gomem_slot *slot, const struct gomem_kind *k);
void gomem_mcache_init_none(void);
void gomem_mcache_create(int cpu);
void gomem_mcache_cancel_fetches(void);
void gomem_mcache_free_memory(void);
size_t gomem_mcache_bytes(void);
void *gomem_mcache_alloc_slow(const struct gomem_kind *k, gfp_t gfp);
unsigned int gomem_mcache_alloc_many(const struct gomem_kind *k, gfp_t gfp, void **objs,
				     unsigned int want, u64 *fresh);
void *gomem_mcache_alloc_direct(struct gomem_mcentral *c, gfp_t gfp);
void gomem_mcache_free_slow(const struct gomem_kind *k, void *obj);
void gomem_mcache_free_direct(const struct gomem_kind *k, void *obj);
void gomem_mcache_free_home(const struct gomem_kind *k, void **objs, unsigned int n);
void gomem_mcache_free_kind(const struct gomem_kind *k, void **objs, unsigned int n);
void gomem_mcache_free_many(void **objs, unsigned int n, bool mixed, bool run);
bool gomem_mcache_is_home(const void *obj);
void gomem_mcache_keep_tiny(struct gomem_tiny *rest);
size_t gomem_cache_cpu_size(const struct gomem_kind *k);
void gomem_cache_cpu_init(struct gomem_cache_cpu *cc, const struct gomem_kind *k);

/* drain.c */
int gomem_mcache_init(void);
void gomem_mcache_exit(void);
bool gomem_mcache_relieve(struct gomem_heap *h);
void gomem_mcache_settle(unsigned int ms);
void gomem_mcache_drain(bool idle);
bool gomem_mcache_drain_transfers(struct gomem_heap *h);
void gomem_mcache_drain_kind(const struct gomem_kind *k);
void gomem_mcache_shrink_kind(const struct gomem_kind *k);
void gomem_mcache_count(const struct gomem_kind *k, struct gomem_class_counts *n);

/* Not a task: which interrupt it is. */
static __always_inline unsigned int gomem_irq_context(void)
{
	return preempt_count() & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET);
}

/* All of an object. Sizes are multiples of 8; no call, unlike memset(). */
static __always_inline void gomem_clear(void *obj, size_t size)
{
	memset64(obj, 0, size / sizeof(u64));
}

/* Volatile, or the compiler may make one string instruction of them again. */
static __always_inline void gomem_store_zeroes(u64 *p, unsigned int n)
{
	unsigned int i;

#pragma GCC unroll 16
	for (i = 0; i < n; i++)
		WRITE_ONCE(p[i], 0);
}

/*
 * The same where it is worth the code: a string instruction takes some nanoseconds to
 * begin, in which 256 bytes are cleared by single stores. What is no multiple of 64 bytes,
 * 32 or 16 is cleared from both ends.
 */
static __always_inline void gomem_clear_quickly(void *obj, size_t size)
{
	u64 *p = obj, *end = obj + size;

	if (size > 128) {
		if (size > 256) {
			gomem_clear(obj, size);
			return;
		}
		gomem_store_zeroes(p, 16);
		if (size > 192)
			gomem_store_zeroes(p + 16, 8);
		gomem_store_zeroes(end - 8, 8);
	} else if (size > 64) {
		gomem_store_zeroes(p, 8);
		gomem_store_zeroes(end - 8, 8);
	} else if (size > 32) {
		gomem_store_zeroes(p, 4);
		gomem_store_zeroes(end - 4, 4);
	} else if (size > 16) {
		gomem_store_zeroes(p, 2);
		gomem_store_zeroes(end - 2, 2);
	} else {
		gomem_store_zeroes(p, 1);
		gomem_store_zeroes(end - 1, 1);
	}
}

/* Where the slot's stack begins now. */
static inline void **gomem_slot_bottom(const struct gomem_slot *slot)
{
	return slot->end - slot->capacity;
}

/* The caller owns the slot's cache. */
static __always_inline void *gomem_slot_pop(struct gomem_slot *slot)
{
	void *obj = slot->top[-1];

	if (unlikely(obj == &gomem_no_object))
		return NULL;
	slot->top--;
	slot->allocs++;
	return obj;
}

/* The same, of a span class; only one that has the usual key. */
static __always_inline bool gomem_slot_pop_usual(struct gomem_slot *slot, void **obj)
{
	*obj = slot->top[-1];
	if (unlikely(!gomem_has_key(*obj)))
		return false;
	slot->top--;
	slot->allocs++;
	return true;
}

static __always_inline bool gomem_slot_push(struct gomem_slot *slot, void *obj)
{
	if (unlikely(slot->top == slot->end))
		return false;
	*slot->top++ = obj;
	return true;
}

/* As many of @n objects as there is room for, the first ones; these are popped in order. */
static __always_inline unsigned int gomem_slot_push_many(struct gomem_slot *slot, void **p,
							 unsigned int n)
{
	void **top = slot->top;
	unsigned int i;

	n = min_t(unsigned int, n, slot->end - top);
	for (i = 0; i < n; i++)
		top[i] = p[n - 1 - i];
	slot->top = top + n;
	return n;
}

/*
 * Up to @n objects, the newest first, with their keys taken off; @key: where these are.
 * One without the usual key ends it, and stays: @unusual.
 */
static __always_inline unsigned int gomem_slot_pop_many(struct gomem_slot *slot, u32 key,
							void **p, unsigned int n, bool *unusual)
{
	unsigned int held = slot->top - gomem_slot_bottom(slot), i;
	/* Once, since stores through pointers could change it for all the compiler knows. */
	unsigned long secret = gomem_secret;
	void **top = slot->top, *obj;

	n = min(n, held);
	for (i = 0; i < n; i++) {
		obj = top[-1];
		if (unlikely(!gomem_has_key_by(obj + key, secret))) {
			*unusual = true;
			break;
		}
		top--;
		*(unsigned long *)(obj + key) = 0;
		p[i] = obj;
	}
	/* Not written to if it is of the cache that holds nothing. */
	if (top != slot->top) {
		slot->allocs += slot->top - top;
		slot->top = top;
	}
	return i;
}

#endif /* GOMEM_MCACHE_H */
