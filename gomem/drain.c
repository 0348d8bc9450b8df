// SPDX-License-Identifier: GPL-2.0
/*
 * drain.c - the CPUs' caches from outside: what they hold is counted, and goes back when they
 * are idle, when memory is short, when their CPU has died, and in the end.
 */
#include <kunit/visibility.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "cache.h"
#include "mcache.h"
#include "mcentral.h"
#include "mheap.h"
#include "node.h"
#include "queue.h"
#include "stats.h"

/* How long CPUs that are to drain idle slots are waited for. */
#define DRAIN_IDLE_MS		100

static int mcache_cpuhp_state;

/* Where a slot is, and what the looks noted of it. */
struct place {
	const struct gomem_kind *kind;
	struct gomem_mcache *mc;	/* NULL: a typed cache's */
	struct gomem_slot *slot;
	u32 *seen;
	bool *idle;
};

/* False if there is none: that CPU has no cache. */
static bool find_place(const struct gomem_kind *k, int cpu, bool irq, struct place *p)
{
	struct gomem_cache_slot *cs;

	p->kind = k;
	if (k->cache) {
		cs = irq ? &per_cpu_ptr(k->cpu, cpu)->irq : &per_cpu_ptr(k->cpu, cpu)->task;
		p->mc = NULL;
		p->slot = &cs->slot;
		p->seen = &cs->seen;
		p->idle = &cs->idle;
		return true;
	}
	if (irq)
		p->mc = READ_ONCE(per_cpu(gomem_mcache_irq, cpu));
	else
		p->mc = READ_ONCE(per_cpu(gomem_mcache_task, cpu));
	p->slot = &p->mc->slot[k->spc];
	p->seen = &p->mc->seen[k->spc];
	p->idle = &p->mc->idle[k->spc];
	return p->mc != &gomem_no_mcache;
}

/* Let go of what a CPU had; past the slots, since they may be going, too. */
static void drop_tiny(struct gomem_tiny *rest)
{
	void *block = (void *)rest->block;

	if (!block || !gomem_tiny_drop(rest))
		return;
	gomem_set_key(block);
	atomic64_inc(&gomem_heap_of(block)->central[GOMEM_TINY_SPC].direct_frees);
	gomem_mcache_free_home(&gomem_kinds[GOMEM_TINY_SPC], &block, 1);
}

/* What a slot says of itself, to another CPU than its own. */
struct slot_view {
	u64 refilled;
	u64 held;
	u64 allocs;
	u64 flushed;
	bool span;
	bool grown;
};

/*
 * The CPU goes on meanwhile: sums of it are near the truth, exact at rest. Read in this
 * order an object that moves in between is counted once too often rather than missed. Should
 * the slot just move to another stack, what it seems to hold is nonsense, but no more than it
 * could.
 */
static void view_slot(const struct place *p, struct slot_view *v)
{
	const struct gomem_slot *slot = p->slot;
	unsigned int begin = gomem_slot_begin(p->kind, slot->room);

	v->refilled = data_race(slot->refilled);	/* as said above */
	barrier();
	v->held = data_race(slot->top - gomem_slot_bottom(slot));	/* as said above */
	v->held = min_t(u64, v->held, slot->room);
	barrier();
	v->allocs = data_race(slot->allocs);		/* as said above */
	v->flushed = data_race(slot->flushed);		/* as said above */
	v->span = data_race(slot->span);		/* as said above */
	v->grown = data_race(slot->capacity) != begin;	/* as said above */
}

/*
 * Allocations and frees so far. Objects that move between slot and spans leave it as it
 * is.
 */
static u32 slot_uses(const struct slot_view *v)
{
	return 2 * v->allocs + v->held + v->flushed - v->refilled;
}

/*
 * Where the next tiny object comes from, as one number. A CPU on which one goes back and
 * forth may be found where it was, and loses its block as if it was idle: once a look.
 */
static unsigned long tiny_pos(const struct gomem_mcache *mc)
{
	/* As for the slots: another CPU may see half of a change, and an idle CPU has none. */
	return data_race(mc->tiny.block) + data_race(mc->tiny.off);
}

static bool look_at_tiny(struct gomem_mcache *mc)
{
	unsigned long pos = tiny_pos(mc);
	bool idle = pos == mc->tiny_seen && pos != GOMEM_TINY_BLOCK;

	if (mc == &gomem_no_mcache)
		return false;
	WRITE_ONCE(mc->tiny_idle, idle);
	WRITE_ONCE(mc->tiny_seen, pos);
	return idle;
}

/*
 * Note what a slot has done; true if it did nothing since last time and yet is not as
 * it began. On any CPU: what is missed now is seen in an epoch's time.
 */
static bool look_at_slot(const struct gomem_kind *k, int cpu, bool irq)
{
	struct slot_view v;
	struct place p;
	bool idle;

	if (!find_place(k, cpu, irq, &p))
		return false;
	view_slot(&p, &v);
	idle = slot_uses(&v) == *p.seen;
	WRITE_ONCE(*p.idle, idle);
	WRITE_ONCE(*p.seen, slot_uses(&v));
	return idle && (v.held || v.span || v.grown);
}

struct look {
	int cpu;
	bool found;
};

static void look_for_idle(const struct gomem_kind *k, void *arg)
{
	struct look *look = arg;

	look->found |= look_at_slot(k, look->cpu, false);
	look->found |= look_at_slot(k, look->cpu, true);
}

/* All kinds that have slots, to take something out of them. */
static void visit_kinds(void (*fn)(const struct gomem_kind *k, void *arg), void *arg)
{
	unsigned int spc;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++)
		fn(&gomem_kinds[spc], arg);
	gomem_empty_caches(fn, arg);
}

/*
 * Take what a slot has, up to GOMEM_BATCH_MAX objects. If that was all it begins anew. It is
 * owned, or nobody's.
 */
static unsigned int empty_slot(struct place *p, void **objs, struct gomem_span **span)
{
	struct gomem_slot *slot = p->slot;
	unsigned int held = slot->top - gomem_slot_bottom(slot);
	unsigned int n = min(held, GOMEM_BATCH_MAX);

	slot->top -= n;
	memcpy(objs, slot->top, n * sizeof(*objs));
	slot->flushed += n;
	*span = NULL;
	if (n == held) {
		swap(*span, slot->span);
		gomem_slot_reset(p->mc, slot, p->kind);
	}
	return n;
}

static void free_contents(const struct gomem_kind *k, void **objs, unsigned int n,
			  struct gomem_span *span)
{
	gomem_mcache_free_home(k, objs, n);
	if (span)
		gomem_mcentral_uncache(span);
}

/*
 * A slot of the CPU that this runs on, if that is idle or all are to be drained. Returns
 * whether there may be more.
 */
static bool drain_some(const struct gomem_kind *k, bool irq, bool idle)
{
	struct gomem_span *span = NULL;
	void *objs[GOMEM_BATCH_MAX];
	unsigned long flags = 0;
	struct slot_view v;
	unsigned int n = 0;
	struct place p;

	if (irq)
		local_irq_save(flags);
	else
		preempt_disable();
	if (find_place(k, smp_processor_id(), irq, &p)) {
		view_slot(&p, &v);
		/* Idle when it was looked at, and since: others were seen to be used. */
		if (!idle || (READ_ONCE(*p.idle) && slot_uses(&v) == READ_ONCE(*p.seen)))
			n = empty_slot(&p, objs, &span);
	}
	if (irq)
		local_irq_restore(flags);
	else
		preempt_enable();

	gomem_count(GOMEM_EV_IDLE_OBJECTS, n);
	free_contents(k, objs, n, span);
	return n == GOMEM_BATCH_MAX;
}

/* Whoever uses it meanwhile does not keep us here. */
static void drain_slot(const struct gomem_kind *k, bool irq, bool idle)
{
	unsigned int i;

	for (i = 0; i <= GOMEM_SLOT_MAX / GOMEM_BATCH_MAX; i++)
		if (!drain_some(k, irq, idle))
			break;
}

/* The same with the rest of a block. */
static void drain_tiny(bool irq, bool idle)
{
	struct gomem_tiny rest = GOMEM_TINY_NONE;
	struct gomem_mcache *mc;
	unsigned long flags = 0;

	if (irq)
		local_irq_save(flags);
	else
		preempt_disable();
	mc = irq ? raw_cpu_read(gomem_mcache_irq) : raw_cpu_read(gomem_mcache_task);
	if (mc != &gomem_no_mcache &&
	    (!idle || (READ_ONCE(mc->tiny_idle) && tiny_pos(mc) == READ_ONCE(mc->tiny_seen))))
		swap(rest, mc->tiny);
	if (irq)
		local_irq_restore(flags);
	else
		preempt_enable();

	drop_tiny(&rest);
}

/*
 * What a slot of this CPU's may hold, in bytes, when memory is wanted for something else.
 */
#define RELIEF_MIN		SZ_16K

/**
 * gomem_mcache_relieve - give back what this CPU's slots hold beyond a little
 * @h: the heap that has no pages left, and would grow
 *
 * What tasks hold of span classes. Not what is held of typed caches, which are visited in
 * process context alone.
 *
 * Context: any but NMI; an interrupt gives nothing back, for the task that it came upon may
 * own the cache. Not with the cache owned.
 * Return: whether anything was given back.
 */
bool gomem_mcache_relieve(struct gomem_heap *h)
{
	struct gomem_mcache *mc = raw_cpu_read(gomem_mcache_task);
	bool any = false;
	unsigned int spc;

	if (gomem_irq_context())
		return false;
	/* Of another CPU by now, perhaps: a look, as from there. */
	if (mc->heap != h || data_race(mc->grown) < RELIEF_MIN) /* as said above */
		return false;
	for (spc = 2; spc < GOMEM_NR_HEAP_SPANCLASSES; spc++) {
		const struct gomem_slot *slot = &mc->slot[spc];
		/* As said above. */
		long held = data_race(slot->top - gomem_slot_bottom(slot));

		if (held * slot->size < RELIEF_MIN)
			continue;
		drain_slot(&gomem_kinds[spc], false, false);
		any = true;
	}
	return any;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_relieve);

/**
 * gomem_mcache_drain_transfers - give back what a heap has for slots to refill from
 * @h: the heap
 *
 * Not that of typed caches, which are visited in process context alone.
 *
 * Context: any but NMI; never sleeps. Not with a cache owned.
 * Return: whether there was anything, or room for it.
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

static void drain_transfers(const struct gomem_kind *k, void *arg)
{
	bool *idle = arg;
	struct gomem_heap *h;

	for_each_gomem_heap(h)
		gomem_mcentral_drain(gomem_central(h, k), *idle);
	cond_resched();
}

/* A CPU's task of draining itself: all it has, or what it has of one kind. */
struct drain {
	struct work_struct work;
	bool idle;
};

static void drain_kind(const struct gomem_kind *k, void *arg)
{
	bool *idle = arg;

	drain_slot(k, false, *idle);
	drain_slot(k, true, *idle);
	cond_resched();
}

static DEFINE_PER_CPU(struct drain, drains);
static atomic_t drains_queued;
static DECLARE_WAIT_QUEUE_HEAD(drains_wait);

/*
 * Should the CPU have died meanwhile this runs on another, and drains that one: the
 * dead one is seen to by gomem_mcache_cpu_dead().
 */
static void drain_slots(struct work_struct *work)
{
	bool idle = READ_ONCE(container_of(work, struct drain, work)->idle);

	visit_kinds(drain_kind, &idle);
	drain_tiny(false, idle);
	drain_tiny(true, idle);
	if (atomic_dec_and_test(&drains_queued))
		wake_up(&drains_wait);
}

static void queue_drain(int cpu, bool idle)
{
	struct drain *d = per_cpu_ptr(&drains, cpu);

	WRITE_ONCE(d->idle, idle);
	atomic_inc(&drains_queued);
	/* It may be queued from last time, on a CPU that has no time for it. */
	if (!queue_work_on(cpu, gomem_percpu_wq, &d->work))
		atomic_dec(&drains_queued);
}

/**
 * gomem_mcache_settle - wait for CPUs that are to drain their slots, up to a time
 * @ms: milliseconds; a CPU may have no time for it, with what has priority
 *
 * Context: may sleep.
 */
void gomem_mcache_settle(unsigned int ms)
{
	wait_event_timeout(drains_wait, !atomic_read(&drains_queued), msecs_to_jiffies(ms));
}

/**
 * gomem_mcache_drain - empty the slots of all CPUs, and the transfer caches
 * @idle: only those that were not used since this was last called; a CPU that has none
 *	of these is left alone. Of transfer caches also what nobody came for
 *
 * CPUs that do nothing but what has priority are not waited for.
 *
 * Context: may sleep. One caller at a time.
 */
void gomem_mcache_drain(bool idle)
{
	struct look look;

	cpus_read_lock();
	for_each_online_cpu(look.cpu) {
		look.found = look_at_tiny(per_cpu(gomem_mcache_task, look.cpu));
		look.found |= look_at_tiny(READ_ONCE(per_cpu(gomem_mcache_irq, look.cpu)));
		visit_kinds(look_for_idle, &look);
		if (look.found || !idle)
			queue_drain(look.cpu, idle);
		cond_resched();
	}
	cpus_read_unlock();
	gomem_mcache_settle(idle ? DRAIN_IDLE_MS : GOMEM_DRAIN_ALL_MS);
	visit_kinds(drain_transfers, &idle);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_drain);

/* Shrinking a typed cache: one at a time. */
static DEFINE_PER_CPU(struct work_struct, shrinks);
static DEFINE_MUTEX(shrink_mutex);
static const struct gomem_kind *shrink_kind;

static void shrink_slots(struct work_struct *work)
{
	bool idle = false;

	drain_kind(shrink_kind, &idle);
}

/**
 * gomem_mcache_shrink_kind - empty the slots of a typed cache that is used meanwhile
 * @k: its kind
 *
 * Context: may sleep.
 */
void gomem_mcache_shrink_kind(const struct gomem_kind *k)
{
	bool idle = false;
	int cpu;

	mutex_lock(&shrink_mutex);
	shrink_kind = k;
	cpus_read_lock();
	for_each_online_cpu(cpu)
		queue_work_on(cpu, gomem_percpu_wq, per_cpu_ptr(&shrinks, cpu));
	for_each_online_cpu(cpu)
		flush_work(per_cpu_ptr(&shrinks, cpu));
	cpus_read_unlock();
	mutex_unlock(&shrink_mutex);
	drain_transfers(k, &idle);
}

static void init_drains(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		INIT_WORK(&per_cpu_ptr(&drains, cpu)->work, drain_slots);
		INIT_WORK(per_cpu_ptr(&shrinks, cpu), shrink_slots);
	}
}

static void cancel_drains(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		cancel_work_sync(&per_cpu_ptr(&drains, cpu)->work);
}

/* Empty the slots of a CPU that nobody uses any more. */
static void drain_dead(const struct gomem_kind *k, void *arg)
{
	int *cpu = arg, irq;
	void *objs[GOMEM_BATCH_MAX];
	struct gomem_span *span;
	struct place p;
	unsigned int n;

	for (irq = 0; irq < 2; irq++) {
		if (!find_place(k, *cpu, irq, &p))
			continue;
		do {
			n = empty_slot(&p, objs, &span);
			free_contents(k, objs, n, span);
		} while (n == GOMEM_BATCH_MAX);
	}
	cond_resched();
}

static void drop_dead(struct gomem_mcache *mc)
{
	if (mc == &gomem_no_mcache)
		return;
	drop_tiny(&mc->tiny);
	mc->tiny = GOMEM_TINY_NONE;
}

/**
 * gomem_mcache_drain_kind - empty the slots of a typed cache, and what it has for transfer
 * @k: its kind; nobody allocates or frees
 */
void gomem_mcache_drain_kind(const struct gomem_kind *k)
{
	bool idle = false;
	int cpu;

	for_each_possible_cpu(cpu)
		drain_dead(k, &cpu);
	drain_transfers(k, &idle);
}

static int gomem_mcache_cpu_prepare(unsigned int cpu)
{
	gomem_mcache_create(cpu);
	return 0;
}

/*
 * After a CPU died, so that its caches are nobody's; they are kept for when it
 * comes back. Also for each CPU when the module exits.
 */
static int gomem_mcache_cpu_dead(unsigned int cpu)
{
	int dead = cpu;

	drop_dead(per_cpu(gomem_mcache_task, cpu));
	drop_dead(per_cpu(gomem_mcache_irq, cpu));
	visit_kinds(drain_dead, &dead);
	gomem_count(GOMEM_EV_CPU_DRAINS, 1);
	return 0;
}

/**
 * gomem_mcache_init - give each CPU its caches
 *
 * Context: may sleep.
 * Return: 0, or an error of the hotplug core.
 */
int gomem_mcache_init(void)
{
	struct gomem_heap *h;
	int state;

	init_drains();
	for_each_gomem_heap(h)
		h->relieve = gomem_mcache_relieve;
	gomem_mcache_init_none();
	state = cpuhp_setup_state(CPUHP_BP_PREPARE_DYN, "mm/gomem:mcache",
				  gomem_mcache_cpu_prepare, gomem_mcache_cpu_dead);
	if (state < 0)
		return state;
	mcache_cpuhp_state = state;
	return 0;
}

/**
 * gomem_mcache_exit - empty all caches for good
 *
 * Nobody allocates or frees any more. Counters can still be read.
 *
 * Context: may sleep.
 */
void gomem_mcache_exit(void)
{
	struct gomem_heap *h;
	unsigned int spc;

	cancel_drains();
	gomem_mcache_cancel_fetches();
	cpuhp_remove_state(mcache_cpuhp_state);
	for_each_gomem_heap(h) {
		for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
			gomem_mcentral_drain(&h->central[spc], false);
			gomem_mcentral_sweep(&h->central[spc]);
		}
	}
}

static void count_slot(const struct gomem_kind *k, int cpu, bool irq,
		       struct gomem_class_counts *n)
{
	struct slot_view v;
	struct place p;

	if (!find_place(k, cpu, irq, &p))
		return;
	view_slot(&p, &v);
	n->mallocs += v.allocs;
	n->frees += v.allocs + v.held + v.flushed - v.refilled;
	n->cached += v.held;
	n->cached_spans += v.span;
}

/**
 * gomem_mcache_count - add up what all CPUs did with objects of a kind, and hold of them
 * @k: the kind, not a large one
 * @n: where the sums go
 *
 * Context: any.
 */
void gomem_mcache_count(const struct gomem_kind *k, struct gomem_class_counts *n)
{
	struct gomem_mcentral *c;
	struct gomem_heap *h;
	int cpu;

	memset(n, 0, sizeof(*n));
	for_each_possible_cpu(cpu) {
		count_slot(k, cpu, false, n);
		count_slot(k, cpu, true, n);
	}
	for_each_gomem_heap(h) {
		c = gomem_central(h, k);
		n->cached += READ_ONCE(c->transfer.n);
		n->mallocs += atomic64_read(&c->direct_allocs);
		n->frees += atomic64_read(&c->direct_frees);
	}
	/* A free may have been seen whose allocation was not, or the reverse. */
	n->frees = clamp_t(s64, n->frees, 0, n->mallocs);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_count);
