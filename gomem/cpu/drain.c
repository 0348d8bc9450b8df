// SPDX-License-Identifier: GPL-2.0
/*
 * drain.c - drain slots that are idle, slots with many bytes of objects when
 * the heap is about to grow, or all slots on request.
 *
 * Each CPU drains its own slots. mcache_cpus.c drains the slots of CPUs that
 * died. A task of real-time priority may for ever keep a CPU from running the
 * work that drains its slots. So waits for these works have a timeout, except
 * when gomem is unloaded. A task that waits holds no lock that allocations or
 * frees take. It may hold epoch_mutex (run/epoch.c).
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/irqflags.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/smp.h>

#include "base/hide.h"
#include "base/stats.h"
#include "heap/mheap.h"
#include "cpu/drain.h"
#include "cpu/eachcpu.h"
#include "cpu/look.h"
#include "cpu/mcentral.h"
#include "cpu/node.h"
#include "cpu/place.h"
#include "cpu/section.h"

/* How long to wait for CPUs to drain their idle slots. */
#define DRAIN_IDLE_MS		100

/*
 * Take up to GOMEM_BATCH_MAX objects out of a slot of this CPU, and return them
 * to their spans. With @idle, do this only if the slot is idle. Return true if
 * the slot may have more objects.
 */
static bool drain_some(const struct gomem_kind *k, bool irq, bool idle)
{
	struct gomem_span *span = NULL;
	void *objs[GOMEM_BATCH_MAX];
	struct gomem_section sec;
	unsigned int n = 0;
	struct gomem_place p;

	gomem_section_enter(&sec, irq);
	if (gomem_place_find(k, smp_processor_id(), irq, &p) &&
	    (!idle || gomem_slot_is_idle(&p)))
		n = gomem_place_empty(&p, objs, &span);
	gomem_section_leave(&sec);

	gomem_count(GOMEM_EV_IDLE_OBJECTS, n);
	gomem_place_free(k, objs, n, span);
	gomem_wipe(objs, n);
	return n == GOMEM_BATCH_MAX;
}

/*
 * Empty a slot of this CPU. The number of calls of drain_some() is limited,
 * since tasks and interrupts may refill the slot between two calls.
 */
static void drain_slot(const struct gomem_kind *k, bool irq, bool idle)
{
	unsigned int i;

	for (i = 0; i <= GOMEM_SLOT_MAX / GOMEM_BATCH_MAX; i++)
		if (!drain_some(k, irq, idle))
			break;
}

/**
 * gomem_mcache_drop_tiny - drop the rest of a block that a CPU had
 * @rest: the rest
 *
 * If no tiny object has a part of the block any more, the block goes to its
 * mcentral. The block bypasses the slot of blocks: the slot may have been
 * drained just before, and would then keep the block.
 *
 * Context: any but NMI, not in a section.
 */
void gomem_mcache_drop_tiny(struct gomem_tiny *rest)
{
	void *block = (void *)rest->block;
	struct gomem_mcentral *c;

	if (!block || !gomem_tiny_drop(rest))
		return;
	gomem_set_key(block);
	c = &gomem_heap_of(block)->central[GOMEM_TINY_SPC];
	atomic64_inc(&c->direct_frees);
	gomem_mcache_free_home(&gomem_kinds[GOMEM_TINY_SPC], &block, 1);
}

/**
 * gomem_mcache_drain_tiny - drop the rest of this CPU's current block
 * @irq: drop the rest that this CPU's mcache for interrupts has, instead of the
 *	rest that its mcache for tasks has
 * @idle: drop it only if gomem_tiny_is_idle()
 *
 * Context: any but NMI, not in a section.
 */
void gomem_mcache_drain_tiny(bool irq, bool idle)
{
	struct gomem_tiny rest = GOMEM_TINY_NONE;
	struct gomem_section sec;
	struct gomem_mcache *mc;

	gomem_section_enter(&sec, irq);
	mc = sec.mc;
	if (mc != &gomem_no_mcache && (!idle || gomem_tiny_is_idle(mc)))
		swap(rest, mc->tiny);
	gomem_section_leave(&sec);

	gomem_mcache_drop_tiny(&rest);
}

/*
 * Before a heap grows for a task, gomem_mcache_relieve() empties those slots of
 * the task's CPU that each hold this many bytes of objects or more.
 */
#define RELIEF_MIN		SZ_16K

/**
 * gomem_mcache_relieve - empty large slots of this CPU before the heap grows
 * @h: the heap, which lacks the free pages that a request needs
 * @may_sleep: let other tasks run between two slots: to empty all slots may
 *	take milliseconds
 *
 * If @h is the heap of this CPU's node, empties the slots whose objects take
 * RELIEF_MIN bytes or more, in the mcache for tasks. Does nothing if @h is
 * another heap, or if all slots of that mcache together exceed their initial
 * capacities by less than RELIEF_MIN bytes (gomem_mcache.grown).
 * Slots of scratch buffers, of tiny blocks and of typed caches are not emptied.
 * Typed caches are visited only with interrupts on (typed_lock in map/kind.c),
 * and the caller may have interrupts off.
 *
 * Context: any but NMI, not in a section. Does nothing in an interrupt, since
 * the interrupted task may own the mcache.
 * Return: true if a slot was emptied.
 */
bool gomem_mcache_relieve(struct gomem_heap *h, bool may_sleep)
{
	const struct gomem_mcache *mc = raw_cpu_read(gomem_mcache_task);
	bool any = false;
	unsigned int spc;

	if (gomem_irq_context())
		return false;
	/*
	 * The task may move to another CPU. Then it reads the old CPU's mcache
	 * while that CPU changes it, and drains slots of the new CPU. This is
	 * harmless: @mc only tells which slots to drain, and drain_slot() works
	 * in sections of the CPU that it runs on.
	 */
	if (mc->heap != h || data_race(mc->grown) < RELIEF_MIN)
		return false;
	for (spc = 2; spc < GOMEM_NR_HEAP_SPANCLASSES; spc++) {
		const struct gomem_slot *slot = &mc->slot[spc];
		/* May be stale. */
		long held = data_race(slot->top - gomem_slot_bottom(slot));

		if (held * slot->size < RELIEF_MIN)
			continue;
		drain_slot(&gomem_kinds[spc], false, false);
		any = true;
		if (may_sleep)
			cond_resched();
	}
	return any;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_relieve);

/**
 * gomem_mcache_transfer_bytes - sum up what gomem_mcache_drain_transfers() may
 *	drain
 * @h: the heap
 *
 * Counts the room of transfer caches, not their objects: to count the objects,
 * locks would be needed. Transfer caches of typed caches do not count.
 *
 * Context: any.
 * Return: bytes; may be a little stale.
 */
size_t gomem_mcache_transfer_bytes(const struct gomem_heap *h)
{
	size_t bytes = 0;
	unsigned int spc;

	if (!atomic_long_read(&h->transfer_bytes))
		return 0;
	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++)
		/* May be stale. */
		bytes += (size_t)data_race(h->central[spc].transfer.room) *
			 gomem_kinds[spc].size;
	return bytes;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_transfer_bytes);

/**
 * gomem_mcache_drain_transfers - drain the transfer caches of a heap
 * @h: the heap
 *
 * Transfer caches of typed caches are not drained: a task that destroys a typed
 * cache would wait for this task, which may be preempted for long.
 *
 * Context: process; may be rescheduled. Not in a section.
 * Return: false if no transfer cache of the heap had room, those of typed
 * caches included: then there was no object to drain. Else true.
 */
bool gomem_mcache_drain_transfers(struct gomem_heap *h)
{
	unsigned int spc;

	if (!atomic_long_read(&h->transfer_bytes))
		return false;
	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++)
		gomem_mcentral_drain(&h->central[spc], false);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_drain_transfers);

static void drain_kinds_transfers(const struct gomem_kind *k, void *arg)
{
	bool *idle = arg;
	struct gomem_heap *h;

	for_each_gomem_heap(h)
		gomem_mcentral_drain(gomem_central(h, k), *idle);
}

/**
 * gomem_drain_kinds_transfers - empty the transfer caches of a typed cache
 * @k: its kind
 *
 * Context: process.
 */
void gomem_drain_kinds_transfers(const struct gomem_kind *k)
{
	bool idle = false;

	drain_kinds_transfers(k, &idle);
}

static void drain_kind(const struct gomem_kind *k, void *arg)
{
	bool *idle = arg;

	drain_slot(k, false, *idle);
	drain_slot(k, true, *idle);
}

static void drain_this_cpu(unsigned long arg)
{
	bool idle = arg;

	gomem_visit_slot_kinds_at_once(drain_kind, &idle);
	gomem_mcache_drain_tiny(false, idle);
	gomem_mcache_drain_tiny(true, idle);
}

DEFINE_GOMEM_EACHCPU(drains, drain_this_cpu);

/*
 * Find the idle slots of a CPU: see cpu/look.h. Return true if the CPU has to
 * run drain_this_cpu(): with @idle, only if it has idle slots; else always.
 */
static bool look_at_cpu(int cpu, unsigned long idle)
{
	return gomem_look_at_cpu(cpu) || !idle;
}

/**
 * gomem_mcache_settle - wait, with a timeout, for CPUs that drain their slots
 * @ms: timeout in milliseconds. A CPU that is busy with tasks of higher
 *	priority may not drain its slots in that time
 *
 * Context: may sleep.
 */
void gomem_mcache_settle(unsigned int ms)
{
	gomem_eachcpu_wait(&drains, ms);
}

/**
 * gomem_mcache_drain - drain the slots of all CPUs, and the transfer caches
 * @idle: drain only slots that have not been used since the last call, and
 *	objects of transfer caches that no refill has needed since then. A CPU
 *	without idle slots is not disturbed
 *
 * Waits for the CPUs for at most DRAIN_IDLE_MS with @idle, else
 * GOMEM_DRAIN_ALL_MS, since tasks of higher priority may keep a CPU busy.
 *
 * Context: may sleep. One caller at a time.
 */
void gomem_mcache_drain(bool idle)
{
	gomem_eachcpu_run(&drains, look_at_cpu, idle,
			  idle ? DRAIN_IDLE_MS : GOMEM_DRAIN_ALL_MS);
	gomem_visit_slot_kinds(drain_kinds_transfers, &idle);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_drain);

/*
 * Do a CPU's slots of a kind have objects, a span, or another capacity than
 * their initial one? Then the CPU has to empty them.
 */
static bool has_some(const struct gomem_kind *k, int cpu)
{
	struct gomem_slot_view v;
	struct gomem_place p;
	int irq;

	for (irq = 0; irq < 2; irq++) {
		if (!gomem_place_find(k, cpu, irq, &p))
			continue;
		gomem_place_view(&p, &v);
		if (v.held || v.span || v.grown)
			return true;
	}
	return false;
}

static bool must_shrink(int cpu, unsigned long kind)
{
	return has_some((const struct gomem_kind *)kind, cpu);
}

static void shrink_kind(const struct gomem_kind *k, void *idle)
{
	if (atomic_read(&k->shrinkers))
		drain_kind(k, idle);
}

/*
 * A CPU may run this function after gomem_mcache_shrink_kind() has stopped
 * waiting. The kind that was to be shrunk may be gone by then. So this function
 * takes no kind as argument, but searches for typed caches that are to be
 * shrunk.
 */
static void shrink_this_cpu(unsigned long unused)
{
	bool idle = false;

	gomem_visit_typed_at_once(shrink_kind, &idle);
}

DEFINE_GOMEM_EACHCPU(shrinks, shrink_this_cpu);

/**
 * gomem_mcache_shrink_kind - empty slots and transfer caches of a typed cache
 *	that is in use
 * @k: its kind
 *
 * Each CPU that has something in these slots empties them in a work. Waits for
 * the works at most GOMEM_DRAIN_ALL_MS, since tasks of higher priority may keep
 * a CPU from running its work in time. The slots of such a CPU stay as they
 * are.
 *
 * Context: may sleep.
 */
void gomem_mcache_shrink_kind(struct gomem_kind *k)
{
	atomic_inc(&k->shrinkers);
	/*
	 * The count has to be visible before the works are queued. Pairs with
	 * the barrier in process_one_work(): either the work is queued anew, or
	 * the work that is queued has not begun, and will find the count.
	 */
	smp_mb__after_atomic();
	gomem_eachcpu_run(&shrinks, must_shrink, (unsigned long)k,
			  GOMEM_DRAIN_ALL_MS);
	atomic_dec(&k->shrinkers);
	gomem_drain_kinds_transfers(k);
}

/**
 * gomem_drain_init - prepare for drains
 */
void gomem_drain_init(void)
{
	gomem_eachcpu_init(&drains);
	gomem_eachcpu_init(&shrinks);
}

/**
 * gomem_drain_cancel - cancel drains that are queued, wait for running ones
 *
 * Context: may sleep.
 */
void gomem_drain_cancel(void)
{
	gomem_eachcpu_cancel(&drains);
	gomem_eachcpu_cancel(&shrinks);
}
