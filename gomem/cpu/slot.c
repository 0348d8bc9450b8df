// SPDX-License-Identifier: GPL-2.0
/*
 * slot.c - limit how many objects a slot holds, and move a slot that grows to a
 * larger stack.
 */
#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/hash.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "base/queue.h"
#include "heap/mheap.h"
#include "cpu/mcache.h"
#include "cpu/mcentral.h"
#include "cpu/slot.h"

/*
 * Limits of what a CPU's slots for tasks hold, in bytes of objects:
 *
 *	initially	SLOT_BEGIN, at least one object. No object if an object
 *			is larger than SLOT_BEGIN_MAX and not a scratch buffer
 *	growth		a slot doubles each time that it proves too small
 *	a slot		SLOT_BYTES, or NOSCAN_SLOT_BYTES if noscan; at least 2
 *			objects, at most GOMEM_SLOT_MAX. SCRATCH_SLOT_BYTES for
 *			scratch buffers
 *	growth of all	max(heap / GROWN_SHARE / CPUs, GROWN_MIN,
 *	slots of an	    min(moved / MOVED_SHARE, GROWN_MOST))
 *	mcache
 *	a slot of a	max(spans of the cache / CACHE_SLOT_SHARE / CPUs,
 *	typed cache	    CACHE_SLOT_MIN), at most GOMEM_STACK_SHORT objects
 *	one refill	the least of REFILL_BYTES, half the slot and
 *			GOMEM_BATCH_MAX objects
 *
 * "heap" is the number of bytes in all pages of the heap of the CPU's node.
 * "spans of the cache" is the number of bytes in the cache's spans on that
 * node. CPUs is the number of online CPUs. moved is the number of bytes by
 * which the slots of the mcache were refilled and flushed in the current
 * second. The term with moved lets a CPU that moves many objects hold more of
 * them in a small heap. A slot that has not been used between two looks is
 * emptied, and returns to its initial size.
 */
#define SLOT_BEGIN		SZ_512
#define SLOT_BEGIN_MAX		SZ_1K
#define SLOT_BYTES		SZ_1M
#define NOSCAN_SLOT_BYTES	SZ_16K
#define REFILL_BYTES		SZ_64K
#define GROWN_SHARE		128
#define GROWN_MIN		SZ_16K
#define GROWN_MOST		SZ_2M
#define MOVED_SHARE		64
#define CACHE_SLOT_SHARE	16
#define CACHE_SLOT_MIN		SZ_32K

/*
 * Scratch buffers are few, and are usually freed on the CPU that allocated
 * them. So it is enough that a slot holds 32 KiB of buffers of one size. Go
 * uses the same limit for the goroutine stacks of one size that a CPU caches.
 */
#define SCRATCH_SLOT_BYTES	SZ_32K

/*
 * After this many refills without a flush, no overflow of the slot is expected
 * soon: see gomem_slot_refill_size().
 */
#define CALM			4
static_assert(CALM < 16);

/*
 * Slots for interrupts need fewer objects. With these limits an mcache for
 * interrupts, with its stacks, fits into 16 KiB.
 */
#define IRQ_SLOT_MAX		16
#define IRQ_SLOT_BYTES		SZ_2K
#define IRQ_NOSCAN_SLOT_MAX	8
#define IRQ_NOSCAN_SLOT_BYTES	SZ_1K

unsigned long gomem_no_object;
EXPORT_SYMBOL_IF_KUNIT(gomem_no_object);

static bool is_scratch(const struct gomem_kind *k)
{
	return gomem_class_is_scratch(gomem_spc_class(k->spc));
}

/**
 * gomem_slot_task_room - compute how many objects a slot for tasks can grow to
 * @k: the kind of its objects
 *
 * Return: the number of objects; 0 if the kind has no slots.
 */
unsigned int gomem_slot_task_room(const struct gomem_kind *k)
{
	unsigned int bytes = gomem_kind_noscan(k) ? NOSCAN_SLOT_BYTES :
						    SLOT_BYTES;

	if (is_scratch(k))
		return SCRATCH_SLOT_BYTES / k->size;
	if (gomem_kind_is_large(k))
		return 0;
	/*
	 * The slots of a typed cache never move to another stack: each has
	 * memory for its room from the start. So their limit is lower.
	 */
	return clamp_t(unsigned int, bytes / k->size, 2,
		       k->cache ? GOMEM_STACK_SHORT : GOMEM_SLOT_MAX);
}

/**
 * gomem_slot_irq_room - compute how many objects a slot for interrupts can hold
 * @k: the kind of its objects
 *
 * Return: the number of objects; 0 if interrupts have no slot for the kind.
 */
unsigned int gomem_slot_irq_room(const struct gomem_kind *k)
{
	if (gomem_kind_is_large(k))
		return 0;
	if (!gomem_kind_noscan(k))
		return clamp_t(unsigned int, IRQ_SLOT_BYTES / k->size, 2,
			       IRQ_SLOT_MAX);
	if (k->size > IRQ_NOSCAN_SLOT_BYTES)
		return 0;
	return clamp_t(unsigned int, IRQ_NOSCAN_SLOT_BYTES / k->size, 2,
		       IRQ_NOSCAN_SLOT_MAX);
}

/**
 * gomem_slot_first_capacity - compute the initial capacity of a slot
 * @k: the kind of its objects
 * @room: number of objects that the slot can grow to
 *
 * Return: the number of objects.
 */
unsigned int gomem_slot_first_capacity(const struct gomem_kind *k,
				       unsigned int room)
{
	if (k->size > SLOT_BEGIN_MAX && !is_scratch(k))
		return 0;
	return room ? clamp(SLOT_BEGIN / k->size, 1U, room) : 0;
}

/**
 * gomem_slot_init - initialize an empty slot
 * @slot: the slot, in memory that the caller has cleared
 * @k: the kind of its objects
 * @below: memory of its first stack: a word for &gomem_no_object, then room for
 *	gomem_slot_first_capacity() objects
 * @room: number of objects that the slot can grow to
 */
void gomem_slot_init(struct gomem_slot *slot, const struct gomem_kind *k,
		     void **below, unsigned int room)
{
	u8 thin = 0;

	/*
	 * With a divmul of 0, gomem_is_multiple() rejects every offset. So
	 * gomem_take_back() refuses scratch buffers, tiny blocks and handles,
	 * which the hit path of gomem_free() must not push.
	 */
	slot->divmul = gomem_spc_class(k->spc) < GOMEM_SCRATCH_CLASS ?
		       k->divmul : 0;
	slot->size = k->size;
	slot->room = room;
	slot->spc = k->spc;
	slot->capacity = gomem_slot_first_capacity(k, room);
	slot->calm = CALM;
	slot->left = GOMEM_SAMPLE_NEVER;
	if (k->size)
		slot->left = gomem_sample_objects(k->object_size, &thin);
	slot->thin = thin;
	slot->allocs = slot->left;
	*below = &gomem_no_object;
	slot->top = below + 1;
	slot->end = slot->top + slot->capacity;
}

/**
 * gomem_slot_batch_size - compute how many objects a refill takes at most
 * @slot: the slot
 *
 * Return: an odd number, at most half the capacity, but at least 1. So a free
 * right after a refill finds room. A flush takes half of a full slot, mostly an
 * even number. If refills took as many, a task that allocates and frees certain
 * numbers of objects in rounds could make the slot overflow in each round. See
 * gomem_slot_refill_size().
 */
unsigned int gomem_slot_batch_size(const struct gomem_slot *slot)
{
	unsigned int most = clamp_t(unsigned int, REFILL_BYTES / slot->size, 1,
				    GOMEM_BATCH_MAX);

	return (clamp(slot->capacity / 2U, 1U, most) - 1) | 1;
}

/**
 * gomem_slot_refill_size - compute the number of objects for this refill
 * @slot: the slot; the caller owns its mcache
 *
 * For the next CALM refills after a flush, the number varies.
 *
 * Suppose a task allocates and frees, in rounds, as many objects as the slot
 * can hold. If the refills of a round leave objects in the slot, the frees of
 * the round overflow the slot. With refills of one size this could repeat in
 * each round for ever. With refills of different sizes, a round soon leaves no
 * object, and its frees fit.
 *
 * Return: the number of objects.
 */
unsigned int gomem_slot_refill_size(struct gomem_slot *slot)
{
	unsigned int n = gomem_slot_batch_size(slot);

	if (slot->calm == CALM)
		return n;
	slot->calm++;
	return n - hash_32(slot->refilled, 16) % (n / 2 + 1);
}

/*
 * Return by how many bytes all slots of an mcache together may exceed their
 * initial capacities. The size of the heap is read without its lock, and may be
 * a little old.
 */
static size_t grown_max(const struct gomem_mcache *mc)
{
	size_t bytes = gomem_heap_backed_pages(mc->heap) << GOMEM_PAGE_SHIFT;
	size_t earned = min_t(size_t, mc->moved / MOVED_SHARE, GROWN_MOST);

	return max3(bytes / (GROWN_SHARE * num_online_cpus()), earned,
		    (size_t)GROWN_MIN);
}

/*
 * Add the bytes of @n objects to @mc->moved, which begins anew each second. The
 * objects did not fit into a slot of @mc, or the slot did not have them. The
 * caller owns @mc.
 */
static void count_moved(struct gomem_mcache *mc, const struct gomem_slot *slot,
			unsigned int n)
{
	if (mc == &gomem_no_mcache)
		return;
	if (time_after(jiffies, mc->moved_until)) {
		mc->moved_until = jiffies + HZ;
		mc->moved = 0;
	}
	mc->moved += (size_t)n * slot->size;
}

/* Return how many bytes a slot of a typed cache may hold. */
static size_t cache_slot_max(struct gomem_heap *h, const struct gomem_kind *k)
{
	/* Read without the mcentral's lock: any recent value will do. */
	size_t bytes = data_race(gomem_central(h, k)->npages) <<
		       GOMEM_PAGE_SHIFT;

	return max_t(size_t, bytes / (CACHE_SLOT_SHARE * num_online_cpus()),
		     CACHE_SLOT_MIN);
}

/* Return by how many objects a slot that proved too small may grow. */
static unsigned int slot_growth(const struct gomem_mcache *mc,
				const struct gomem_slot *slot,
			      const struct gomem_kind *k)
{
	unsigned int more = min_t(unsigned int, slot->capacity ?: 1,
				  slot->room - slot->capacity);
	bool may;

	if (!more)
		return 0;
	if (k->cache)
		may = (slot->capacity + more) * k->size <=
		      cache_slot_max(mc->heap, k);
	else
		may = mc->grown + (size_t)more * k->size <= grown_max(mc);
	return may ? more : 0;
}

/* Return the bottom of the first stack of a span class's slot. */
static void **first_bottom(struct gomem_mcache *mc, const struct gomem_kind *k)
{
	return mc->object + mc->bottom[k->spc];
}

static bool is_on_first(struct gomem_mcache *mc, const struct gomem_slot *slot,
			const struct gomem_kind *k)
{
	return gomem_slot_bottom(slot) == first_bottom(mc, k);
}

/* Return which stack a slot of @capacity has if it has left its first stack. */
static enum gomem_stack stack_for(unsigned int capacity)
{
	return capacity > GOMEM_STACK_SHORT ? GOMEM_LONG_STACK :
					      GOMEM_SHORT_STACK;
}

/*
 * Does a slot that grows by @more objects need a larger stack? Slots for
 * interrupts and slots of typed caches never move: their first stack is as long
 * as they may ever need.
 */
static bool has_to_move(struct gomem_mcache *mc, const struct gomem_slot *slot,
			const struct gomem_kind *k, unsigned int more)
{
	return !k->cache && mc->caches_spans &&
	       (is_on_first(mc, slot, k) ||
		stack_for(slot->capacity + more) != stack_for(slot->capacity));
}

static void keep_stack(struct gomem_mcache *mc, void **stack,
		       enum gomem_stack which)
{
	*stack = mc->stacks[which];
	mc->stacks[which] = stack;
}

/*
 * Move a slot to the stack that it needs to grow by @more objects. Return false
 * if @mc has no unused stack of this size. gomem_place_view() on another CPU
 * may read the slot at the same time, and allows for that.
 */
static bool move_slot(struct gomem_mcache *mc, struct gomem_slot *slot,
		      const struct gomem_kind *k, unsigned int more)
{
	enum gomem_stack which = stack_for(slot->capacity + more);
	void **from = gomem_slot_bottom(slot), **to = mc->stacks[which];
	unsigned int held = slot->top - from;
	bool first = is_on_first(mc, slot, k);

	if (!to)
		return false;
	mc->stacks[which] = *to;
	*to++ = &gomem_no_object;
	memcpy(to, from, held * sizeof(*to));
	slot->top = to + held;
	slot->end = to + slot->capacity;
	if (!first)
		keep_stack(mc, from - 1, stack_for(slot->capacity));
	return true;
}

/**
 * gomem_slot_reset - return an empty slot to its initial capacity and stack
 * @mc: the slot's mcache, or NULL if the slot is a typed cache's. The caller
 *	owns the slot, or the slot's CPU is dead
 * @slot: the slot
 * @k: the kind of its objects
 */
void gomem_slot_reset(struct gomem_mcache *mc, struct gomem_slot *slot,
		      const struct gomem_kind *k)
{
	unsigned int begin = gomem_slot_first_capacity(k, slot->room);

	if (mc) {
		mc->grown -= (size_t)(slot->capacity - begin) * k->size;
		if (!is_on_first(mc, slot, k)) {
			keep_stack(mc, slot->top - 1,
				   stack_for(slot->capacity));
			slot->top = first_bottom(mc, k);
		}
	}
	slot->capacity = begin;
	slot->end = slot->top + begin;
}

/**
 * gomem_slot_grow - grow a slot that was too small, unless a limit forbids it
 * @mc: the slot's mcache; for a slot of a typed cache, an mcache of this CPU.
 *	The caller owns it
 * @slot: the slot
 * @k: the kind of its objects
 * @n: number of objects that did not fit into the slot, or that it did not have
 *
 * The slot keeps its capacity, too, if it needs a larger stack to grow and @mc
 * has no unused one.
 */
void gomem_slot_grow(struct gomem_mcache *mc, struct gomem_slot *slot,
		     const struct gomem_kind *k, unsigned int n)
{
	unsigned int more;

	if (!k->cache)
		count_moved(mc, slot, n);
	more = slot_growth(mc, slot, k);
	if (!more || (has_to_move(mc, slot, k, more) &&
		      !move_slot(mc, slot, k, more)))
		return;
	if (!k->cache)
		mc->grown += (size_t)more * k->size;
	slot->capacity += more;
	slot->end += more;
}

static void cut_stacks(struct gomem_mcache *mc, void *page,
		       enum gomem_stack which)
{
	unsigned int len = which == GOMEM_LONG_STACK ? GOMEM_SLOT_MAX :
						       GOMEM_STACK_SHORT;
	void **stack = page, **end = page + PAGE_SIZE;

	*stack = mc->stack_pages;
	mc->stack_pages = stack++;
	for (; stack + len < end; stack += len + 1)
		keep_stack(mc, stack, which);
	WRITE_ONCE(mc->bytes, mc->bytes + PAGE_SIZE);
}

/*
 * Fetch a kernel page, and cut it into stacks for this CPU's mcache for tasks.
 * If the kernel has no page that is free, slots stay as small as they are.
 */
static noinline void fetch_stacks(struct gomem_heap *h, enum gomem_stack which)
{
	/*
	 * Use no reserves, and do not wake kswapd: the caller may be in
	 * reclaim, or in a context that must not wake a task.
	 */
	void *page = gomem_meta_get(h->source, PAGE_SIZE, gomem_gfp_light(0),
				    h->node);
	struct gomem_mcache *mc;

	if (!page)
		return;
	preempt_disable();
	mc = this_cpu_read(gomem_mcache_task);
	if (mc != &gomem_no_mcache)
		cut_stacks(mc, page, which);
	preempt_enable();
	if (mc == &gomem_no_mcache)
		gomem_meta_put(h->source, page, PAGE_SIZE);
}

/*
 * A free must not allocate memory. So it queues a work, which fetches the
 * stacks that the CPU lacks. Frees on the CPU set an entry of missing, and the
 * work clears it.
 */
struct fetch {
	struct work_struct work;
	bool missing[GOMEM_NR_STACKS];
};

static DEFINE_PER_CPU(struct fetch, fetches);

/*
 * Fetch the stacks that this CPU lacks. If the CPU that queued the work has
 * died, the work runs on another CPU, and fetches the stacks for this other
 * CPU.
 */
static void fetch_missing(struct work_struct *work)
{
	struct fetch *f = container_of(work, struct fetch, work);
	struct gomem_mcache *mc = raw_cpu_read(gomem_mcache_task);
	enum gomem_stack which;

	for (which = 0; which < GOMEM_NR_STACKS; which++)
		if (xchg(&f->missing[which], false) &&
		    /*
		     * Preemption is on, so a section may change mc->stacks
		     * meanwhile. At worst, a stack too many is fetched.
		     */
		    !data_race(mc->stacks[which]))
			fetch_stacks(mc->heap, which);
}

static void fetch_later(enum gomem_stack which)
{
	int cpu = raw_smp_processor_id();
	struct fetch *f = per_cpu_ptr(&fetches, cpu);

	/*
	 * With interrupts off, the caller may hold a lock that waking a worker
	 * takes, too. A later free queues the work instead.
	 */
	if (irqs_disabled())
		return;
	WRITE_ONCE(f->missing[which], true);
	queue_work_on(cpu, gomem_percpu_wq, &f->work);
}

/*
 * Return which size of stack @mc has to get so that a slot can grow. Return
 * GOMEM_NR_STACKS if the slot needs none, or if @mc has an unused one.
 */
static enum gomem_stack missing_stack(struct gomem_mcache *mc,
				      const struct gomem_slot *slot,
				      const struct gomem_kind *k)
{
	enum gomem_stack which;
	unsigned int more;

	if (mc->stacks[GOMEM_SHORT_STACK] && mc->stacks[GOMEM_LONG_STACK])
		return GOMEM_NR_STACKS;
	more = slot_growth(mc, slot, k);
	if (!more || !has_to_move(mc, slot, k, more))
		return GOMEM_NR_STACKS;
	which = stack_for(slot->capacity + more);
	return mc->stacks[which] ? GOMEM_NR_STACKS : which;
}

/*
 * Return which stack the CPU's slot of @k for tasks lacks for its next growth,
 * and set *@mc to the mcache of that slot. Return GOMEM_NR_STACKS if the slot
 * lacks none, and in an interrupt: slots for interrupts never move to another
 * stack.
 */
static enum gomem_stack stack_to_fetch(const struct gomem_kind *k,
				       struct gomem_mcache **mc)
{
	if (gomem_irq_context())
		return GOMEM_NR_STACKS;
	/*
	 * If preemption is on, the task may move to another CPU at any time.
	 * Then the old CPU may change its mcache concurrently, and the answer
	 * may be wrong. To fetch a stack too many, or too few, does no harm.
	 */
	*mc = raw_cpu_read(gomem_mcache_task);
	if (k->cache || *mc == &gomem_no_mcache)
		return GOMEM_NR_STACKS;
	/* Racy: if preemption is on, another CPU may change *@mc. */
	return data_race(missing_stack(*mc, &(*mc)->slot[k->spc], k));
}

/**
 * gomem_slot_get_ready - fetch the larger stack that a slot lacks to grow
 * @k: the kind of the objects of the slot, this CPU's slot for tasks
 *
 * Allocations that find no object in their slot call this before their section.
 * The slot may grow in the section, which takes no lock, and so cannot fetch
 * memory.
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_slot_get_ready(const struct gomem_kind *k)
{
	struct gomem_mcache *mc;
	enum gomem_stack which = stack_to_fetch(k, &mc);

	if (which != GOMEM_NR_STACKS)
		fetch_stacks(mc->heap, which);
}

/**
 * gomem_slot_get_ready_later - have a work fetch a stack that a slot lacks
 * @k: the kind of the slot's objects
 *
 * Frees that find their slot full call this before the section in which they
 * flush the slot. A work fetches the stack, because a free must not allocate
 * memory.
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_slot_get_ready_later(const struct gomem_kind *k)
{
	struct gomem_mcache *mc;
	enum gomem_stack which = stack_to_fetch(k, &mc);

	if (which != GOMEM_NR_STACKS)
		fetch_later(which);
}

/**
 * gomem_slot_init_fetches - set up the works that fetch stacks
 */
void gomem_slot_init_fetches(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		INIT_WORK(&per_cpu_ptr(&fetches, cpu)->work, fetch_missing);
}

/**
 * gomem_slot_cancel_fetches - cancel the works that fetch stacks
 *
 * Call when nothing is freed any more: a free may queue such a work.
 *
 * Context: may sleep.
 */
void gomem_slot_cancel_fetches(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		cancel_work_sync(&per_cpu_ptr(&fetches, cpu)->work);
}
