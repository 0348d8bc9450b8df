/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slot.h - a CPU's stack of free objects of one kind, and the hit paths on it.
 */
#ifndef GOMEM_SLOT_H
#define GOMEM_SLOT_H

#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "base/key.h"
#include "base/sample.h"

struct gomem_kind;
struct gomem_mcache;
struct gomem_span;

/*
 * When a span class's slot for tasks grows, it moves to a short stack, which
 * has room for GOMEM_STACK_SHORT objects, and then to a long one, for
 * GOMEM_SLOT_MAX objects. GOMEM_SLOT_MAX is the largest number with which two
 * long stacks fit into a kernel page of 512 words. Each stack has one more
 * word, for &gomem_no_object below its bottom. The first word of the page links
 * the page to the mcache's other pages of stacks.
 */
#define GOMEM_STACK_SHORT	64
#define GOMEM_SLOT_MAX		254

enum gomem_stack {
	GOMEM_SHORT_STACK,
	GOMEM_LONG_STACK,
	GOMEM_NR_STACKS,
};

/**
 * struct gomem_slot - stack of free objects of one kind, ready to be allocated
 * @top: where the next freed object goes. top[-1] is the next object to be
 *	allocated, or &gomem_no_object if the slot is empty
 * @end: limit of @top
 * @allocs: number of objects handed out to users, plus @left
 * @divmul: multiplier for gomem_is_multiple(); 0 if gomem_free() must not push
 *	objects to this slot
 * @size: bytes of an object
 * @capacity: maximum number of objects that it may hold now; @end - @capacity
 *	is the bottom of the stack
 * @room: maximum number of objects that it may ever hold: the limit of
 *	@capacity
 * @spc: span class of the objects
 * @calm: refills since the last flush, up to CALM; see
 *	gomem_slot_refill_size() and take_half()
 * @thin: gomem_sampler.thin when @left was drawn
 * @left: number of hits that allocate a single object, before the one that the
 *	heap profile samples; negative once that one has come. See base/sample.h
 * @span: the span that refills this slot, or NULL
 * @refilled: number of objects that came from spans and transfer caches
 * @flushed: number of objects that went to spans and transfer caches
 *
 * @divmul, @size, @room and @spc are constant. The other members change only
 * in a section that owns the slot (cpu/section.h), or while no CPU uses the
 * slot. A hit that allocates a single object counts down @left, and so needs no
 * other counter. In such a section:
 *	objects handed out == allocs - left
 *	objects freed      == allocs - left + (top - bottom) + flushed -
 *			      refilled
 */
struct gomem_slot {
	void **top;
	void **end;
	u64 allocs;
	u32 divmul;
	u32 size;
	u8 capacity;
	u8 room;
	u8 spc;
	u8 calm : 4;
	u8 thin : 4;
	s32 left;
	struct gomem_span *span;
	u64 refilled;
	u64 flushed;
} ____cacheline_aligned_in_smp;

static_assert(sizeof(struct gomem_slot) <= 64);
static_assert(GOMEM_NR_SPANCLASSES <= 256);
static_assert(GOMEM_THIN_MAX < 16);

/*
 * Make the compiler load a member of a slot anew. Then x86 changes the member
 * by one instruction, which reads and writes memory. Without this, the compiler
 * would compute the new value in a register, and need a second instruction to
 * store it.
 */
#ifdef CONFIG_X86_64
#define GOMEM_RELOAD(member)	asm("" : "+m" (member))
#else
#define GOMEM_RELOAD(member)	((void)(member))
#endif

/*
 * The entry below the bottom of each stack points to this word. The word stays
 * 0, which is not its key. So the key check of the fast path fails on an empty
 * slot.
 */
extern unsigned long gomem_no_object;

unsigned int gomem_slot_task_room(const struct gomem_kind *k);
unsigned int gomem_slot_irq_room(const struct gomem_kind *k);
unsigned int gomem_slot_first_capacity(const struct gomem_kind *k,
				       unsigned int room);
void gomem_slot_init(struct gomem_slot *slot, const struct gomem_kind *k,
		     void **below, unsigned int room);
unsigned int gomem_slot_batch_size(const struct gomem_slot *slot);
unsigned int gomem_slot_refill_size(struct gomem_slot *slot);
void gomem_slot_grow(struct gomem_mcache *mc, struct gomem_slot *slot,
		     const struct gomem_kind *k, unsigned int n);
void gomem_slot_reset(struct gomem_mcache *mc, struct gomem_slot *slot,
		      const struct gomem_kind *k);
void gomem_slot_get_ready(const struct gomem_kind *k);
void gomem_slot_get_ready_later(const struct gomem_kind *k);
void gomem_slot_init_fetches(void);
void gomem_slot_cancel_fetches(void);

static inline void **gomem_slot_bottom(const struct gomem_slot *slot)
{
	return slot->end - slot->capacity;
}

/*
 * Pop an object outside of the hit path; return NULL if there is none. The
 * caller is in a section that owns the slot. The allocation counts in
 * slot->allocs. But it is not a hit, so slot->left stays the same. Later,
 * gomem_sample_due() counts it toward the next sample of the heap profile.
 */
static __always_inline void *gomem_slot_take(struct gomem_slot *slot)
{
	void *obj = slot->top[-1];

	if (unlikely(obj == &gomem_no_object))
		return NULL;
	slot->top--;
	slot->allocs++;
	return obj;
}

/* Count a hit. Return true if the heap profile samples it. */
static __always_inline bool gomem_slot_count(struct gomem_slot *slot)
{
	return unlikely(--slot->left < 0);
}

/*
 * Pop an object on the hit path of a typed cache; return NULL if there is none.
 * A caller that gets an object counts the hit by gomem_slot_count().
 */
static __always_inline void *gomem_slot_pop(struct gomem_slot *slot)
{
	void *obj = slot->top[-1];

	if (unlikely(obj == &gomem_no_object))
		return NULL;
	GOMEM_RELOAD(slot->top);
	slot->top--;
	return obj;
}

/*
 * Start a slot's countdown to the next sample of the heap profile: @left hits
 * that allocate a single object come before the one that is sampled. @thin:
 * gomem_sampler.thin when @left was drawn. The caller is in a section that owns
 * the slot.
 */
static inline void gomem_slot_arm(struct gomem_slot *slot, s32 left, u8 thin)
{
	u64 allocs = slot->allocs - slot->left;

	WRITE_ONCE(slot->left, -1);
	/* Pairs with gomem_slot_allocs(). */
	smp_wmb();
	WRITE_ONCE(slot->allocs, allocs + left);
	/* Pairs with gomem_slot_allocs(), too. */
	smp_wmb();
	WRITE_ONCE(slot->left, left);
	slot->thin = thin;
}

/*
 * Return how many objects a slot of any CPU has handed out. The owner of the
 * slot uses it concurrently. If the owner calls gomem_slot_arm() between the
 * loads, the loaded values may not fit together. Then slot->left is negative or
 * larger than before, or slot->allocs has changed, and the loads are repeated.
 * If 100 tries fail, the result may be wrong.
 */
static inline u64 gomem_slot_allocs(const struct gomem_slot *slot)
{
	unsigned int tries;
	s32 before, after;
	u64 allocs;

	for (tries = 0; tries < 100; tries++) {
		before = READ_ONCE(slot->left);
		/* Pairs with gomem_slot_arm(). */
		smp_rmb();
		allocs = READ_ONCE(slot->allocs);
		/* Pairs with gomem_slot_arm(), too. */
		smp_rmb();
		after = READ_ONCE(slot->left);
		/* Pairs with gomem_slot_arm(), again. */
		smp_rmb();
		if (after >= 0 && after <= before &&
		    allocs == READ_ONCE(slot->allocs))
			break;
	}
	return allocs - after;
}

/*
 * Pop an object of a span class. Return false, and leave the slot alone, if the
 * slot is empty, or if its top object does not have its key. Such an object was
 * written to while it was free, which the slow path reports.
 */
static __always_inline bool gomem_slot_pop_usual(struct gomem_slot *slot,
						 void **obj)
{
	*obj = slot->top[-1];
	if (unlikely(!gomem_has_key(*obj)))
		return false;
	GOMEM_RELOAD(slot->top);
	slot->top--;
	return true;
}

static __always_inline bool gomem_slot_push(struct gomem_slot *slot, void *obj)
{
	void **top = slot->top;

	if (unlikely(top == slot->end))
		return false;
	*top = obj;
	GOMEM_RELOAD(slot->top);
	slot->top++;
	return true;
}

/*
 * Push the first of the @n objects in @p, as many as there is room for, and
 * return their number. They will be popped in the order that they have in @p.
 */
static __always_inline unsigned int
gomem_slot_push_many(struct gomem_slot *slot, void **p, unsigned int n)
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
 * Pop up to @n objects of a span class, the newest first, clear their keys, and
 * return their number. The newest one becomes p[n - 1], the next one p[n - 2]:
 * so one index serves for the slot and for @p. Stop at an object without its
 * key. So the loop also stops at the bottom of the stack: &gomem_no_object,
 * below it, has no key.
 */
static __always_inline unsigned int gomem_slot_pop_run(struct gomem_slot *slot,
						       void **p, unsigned int n)
{
	/* Copied for speed: see gomem_slot_pop_many(). */
	unsigned long secret = gomem_secret, left = n;
	void **from = slot->top - left, *obj;

	for (; left; left--) {
		obj = from[left - 1];
		if (unlikely(!gomem_has_key_by(obj, secret)))
			break;
		*(unsigned long *)obj = 0;
		p[left - 1] = obj;
	}
	n -= left;
	/*
	 * Do not write to an empty slot: it may be a slot of gomem_no_mcache,
	 * which all CPUs without an mcache share.
	 */
	if (likely(n)) {
		slot->allocs += n;
		slot->top = from + left;
	}
	return n;
}

/*
 * Pop up to @n objects, the newest first, clear their keys at offset @key, and
 * return their number. Stop at an object without its key: it stays in the
 * slot, and @unusual is set.
 */
static __always_inline unsigned int
gomem_slot_pop_many(struct gomem_slot *slot, u32 key, void **p, unsigned int n,
		    bool *unusual)
{
	unsigned int held = slot->top - gomem_slot_bottom(slot), i;
	/*
	 * Copied, because the compiler would reload gomem_secret for each
	 * object: it has to assume that stores through pointers change the
	 * variable.
	 */
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
	/*
	 * Do not write to an empty slot: it may be a slot of gomem_no_mcache,
	 * which all CPUs without an mcache share.
	 */
	if (top != slot->top) {
		slot->allocs += slot->top - top;
		slot->top = top;
	}
	return i;
}

#endif /* GOMEM_SLOT_H */
