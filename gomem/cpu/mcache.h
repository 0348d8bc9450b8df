/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mcache.h - each CPU's cache of free objects (Go's mcache).
 *
 * Each CPU has two caches. The context of a caller decides which one it uses:
 *
 *	task cache	process context; used with preemption off. An interrupt
 *			that comes meanwhile uses the other cache
 *	irq cache	softirq and hard interrupt context; used with interrupts
 *			off, because a hard interrupt may interrupt a softirq
 *
 * So the fast path of a task takes no lock, leaves interrupts on, and has no
 * atomic operation. On PREEMPT_RT, softirqs and most interrupts run in threads,
 * and use the task cache.
 *
 * A cache has a slot per span class: a stack of free objects and, in the task
 * cache and for objects up to 128 bytes, the span that refills it.
 *
 * Other CPUs read a cache, and store in it what an epoch's look has seen. But
 * they never change a slot that its CPU may use. Slots are drained in five
 * ways:
 *
 *  - by a work on their CPU, even if that CPU is idle: gomem_mcache_drain();
 *  - by a task on their CPU, before the heap grows: gomem_mcache_relieve();
 *  - by another CPU after their CPU died: gomem_mcache_cpu_dead();
 *  - by a task that destroys their typed cache: gomem_mcache_drain_kind();
 *  - by gomem_mcache_exit() for all CPUs, when no CPU allocates any more.
 */
#ifndef GOMEM_MCACHE_H
#define GOMEM_MCACHE_H

#include <linux/cache.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/types.h>

#include "base/sizeclass.h"
#include "map/kind.h"
#include "map/span.h"
#include "map/tinyblock.h"
#include "cpu/mcentral.h"
#include "cpu/slot.h"

struct gomem_heap;

/*
 * Timeout, in milliseconds, of waits for all CPUs to run a work on their slots:
 * to drain all slots, or to restart each slot's countdown to the next sample of
 * the heap profile.
 */
#define GOMEM_DRAIN_ALL_MS	1000

/**
 * struct gomem_mcache - one CPU's cache, for tasks or for interrupts
 * @slot: the slots, by span class
 * @heap: the heap of the CPU's node. Slots hold objects of other nodes only if
 *	this node had no memory left when the slots were refilled
 * @tiny: the rest of the block that the next tiny object is cut from
 * @tiny_seen: position of @tiny at the last look; see look_at_tiny()
 * @tiny_idle: the last two looks found @tiny at the same position
 * @caches_spans: this is a task cache: its slots may have a span of their own,
 *	and may move to larger stacks
 * @grown: by how many bytes all slots together may hold more than at first
 * @moved: bytes of objects in refills of empty slots and flushes of full ones,
 *	in the current second
 * @moved_until: end of that second, in jiffies
 * @bytes: bytes of memory of this struct, its arrays and its stack pages
 * @stacks: unused stacks of each length, linked by their first word
 * @stack_pages: pages that stacks are cut from, linked by their first word
 * @seen: per slot: its slot_uses() at the last look; see look_at_slot()
 * @idle: per slot: the last two looks found the same slot_uses()
 * @bottom: per slot: index in @object of the bottom of its first stack
 * @object: the first stacks, each with &gomem_no_object below its bottom
 *
 * The epoch's looks write @tiny_seen, @tiny_idle, @seen and @idle from any CPU.
 * Only the owner of the cache writes the other members.
 *
 * The first stack of a task's slot is small, because most classes are rarely
 * used. A slot that grows moves to a stack for GOMEM_STACK_SHORT objects, and
 * then to one for GOMEM_SLOT_MAX objects.
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
 * @idle: see struct gomem_mcache
 */
struct gomem_cache_slot {
	struct gomem_slot slot;
	u32 seen;
	bool idle;
};

/**
 * struct gomem_cache_cpu - the slots of a typed cache on one CPU
 * @task: slot for tasks
 * @irq: slot for interrupts
 * @object: the stacks of both, each with &gomem_no_object below its bottom
 */
struct gomem_cache_cpu {
	struct gomem_cache_slot task;
	struct gomem_cache_slot irq;
	void *object[];
};

/* Never NULL: without memory for an mcache, a CPU has &gomem_no_mcache. */
DECLARE_PER_CPU(struct gomem_mcache *, gomem_mcache_task);
DECLARE_PER_CPU(struct gomem_mcache *, gomem_mcache_irq);

/*
 * Counts of a kind, summed over all CPUs and nodes: objects allocated and freed
 * so far, objects that slots and transfer caches hold now, and spans that slots
 * cache now.
 */
struct gomem_class_counts {
	u64 mallocs;
	u64 frees;
	u64 cached;
	u64 cached_spans;
};

/* The mcache of CPUs that got no memory for one. It stays empty. */
extern struct gomem_mcache gomem_no_mcache;

/* mcache.c */
void gomem_mcache_init_none(void);
void gomem_mcache_create(int cpu);
void gomem_mcache_free_memory(void);
size_t gomem_mcache_bytes(void);
void gomem_mcache_keep_tiny(struct gomem_tiny *rest);
size_t gomem_cache_cpu_size(const struct gomem_kind *k);
void gomem_cache_cpu_init(struct gomem_cache_cpu *cc,
			  const struct gomem_kind *k);

/* mcache_alloc.c */

/**
 * struct gomem_many - result of gomem_mcache_alloc_many()
 * @n: number of objects
 * @fresh: bit i is set if object i was never handed out before and has no key.
 *	The caller must not check its key: its first word may have any value
 */
struct gomem_many {
	unsigned int n;
	u64 fresh;
};

void *gomem_mcache_alloc_slow(const struct gomem_kind *k, gfp_t gfp);
struct gomem_many gomem_mcache_alloc_many(const struct gomem_kind *k, gfp_t gfp,
					  void **objs, size_t want,
					  bool keyless);
void *gomem_mcache_alloc_direct(struct gomem_mcentral *c, gfp_t gfp);

/* mcache_free.c */
void gomem_mcache_free_slow(const struct gomem_kind *k, void *obj);
void gomem_mcache_free_home(const struct gomem_kind *k, void **objs,
			    unsigned int n);
void gomem_mcache_free_many(const struct gomem_kind *k, void **objs,
			    unsigned int n, bool run);
bool gomem_mcache_is_home(const void *obj);

/* drain.c */
bool gomem_mcache_relieve(struct gomem_heap *h, bool may_sleep);
void gomem_mcache_settle(unsigned int ms);
void gomem_mcache_drain_tiny(bool irq, bool idle);
void gomem_mcache_drain(bool idle);
size_t gomem_mcache_transfer_bytes(const struct gomem_heap *h);
bool gomem_mcache_drain_transfers(struct gomem_heap *h);
void gomem_mcache_shrink_kind(struct gomem_kind *k);

/* mcache_cpus.c */
int gomem_mcache_init(void);
void gomem_mcache_exit(void);
void gomem_mcache_drain_kind(const struct gomem_kind *k);

/* count.c */
void gomem_mcache_count(const struct gomem_kind *k,
			struct gomem_class_counts *n);

/* Return 0 in process context, else the interrupt's bits of preempt_count(). */
static __always_inline unsigned int gomem_irq_context(void)
{
	return preempt_count() & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET);
}

/*
 * Clear an object, whose size is a multiple of 8. x86-64 has a memset64() that
 * is inlined, unlike memset(). Elsewhere memset64() is a loop over the words,
 * and memset() is faster: arm64's clears 64 bytes with one instruction.
 */
static __always_inline void gomem_clear(void *obj, size_t size)
{
#ifdef CONFIG_X86_64
	memset64(obj, 0, size / sizeof(u64));
#else
	memset(obj, 0, size);
#endif
}

/*
 * Clear @n words by single stores. WRITE_ONCE() keeps the compiler from
 * replacing them by a string instruction.
 */
static __always_inline void gomem_store_zeroes(u64 *p, unsigned int n)
{
	unsigned int i;

#pragma GCC unroll 16
	for (i = 0; i < n; i++)
		WRITE_ONCE(p[i], 0);
}

/*
 * Objects of more than this many bytes are cleared by gomem_clear(). On x86-64
 * it takes 10 to 15 ns to start, and single stores clear 700 bytes in that
 * time.
 */
#define GOMEM_STORES_MAX	(IS_ENABLED(CONFIG_X86_64) ? 768 : 256)

/* Clear an object of more than 64 bytes. The last two sequences may overlap. */
static __always_inline void gomem_clear_long(void *obj, size_t size)
{
	u64 *p = obj, *end = obj + size;

	if (size > GOMEM_STORES_MAX) {
		gomem_clear(obj, size);
		return;
	}
	for (; p < end - 8; p += 8)
		gomem_store_zeroes(p, 8);
	gomem_store_zeroes(end - 8, 8);
}

/*
 * Clear an object faster than gomem_clear() does, with more code: up to
 * GOMEM_STORES_MAX bytes by single stores. Up to 256 bytes are cleared by one
 * or two sequences of stores from the start of the object, and one up to its
 * end, which may overlap. More bytes are cleared in a loop.
 */
static __always_inline void gomem_clear_quickly(void *obj, size_t size)
{
	u64 *p = obj, *end = obj + size;

	if (size > 128) {
		if (size > 256) {
			gomem_clear_long(obj, size);
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

#endif /* GOMEM_MCACHE_H */
