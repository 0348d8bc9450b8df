// SPDX-License-Identifier: GPL-2.0
/*
 * mcache.c - filling and emptying the CPUs' caches.
 *
 * Everything here is the slow path: the fast path is in alloc.c.
 */
#include <kunit/visibility.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "mcache.h"
#include "mcentral.h"
#include "mheap.h"
#include "node.h"
#include "report.h"
#include "stats.h"

/*
 * What a CPU may hold is bounded in bytes. A slot begins with SLOT_BEGIN bytes of
 * objects, one at least. It doubles each time that it proves too small, up to
 * SLOT_BYTES, two objects if that is less, and GOMEM_SLOT_MAX of them; but all CPUs
 * together grow by no more than 1 / GROWN_SHARE of the heap, GROWN_MIN each if that is
 * less. A slot that was not used between two looks is emptied and begins anew. Objects
 * above SLOT_SIZE_MAX are never held.
 *
 * A span of its own only where the objects are small: large spans on every CPU would
 * cost more memory than the size classes save.
 */
#define SLOT_BEGIN		SZ_1K
#define SLOT_BYTES		SZ_8K
#define SLOT_SIZE_MAX		SZ_8K
#define GROWN_SHARE		128
#define GROWN_MIN		SZ_8K
#define CACHED_SPAN_SIZE_MAX	128

/* Scratch buffers come and go on one CPU, and are few: 32 KiB an order, as in Go. */
#define SCRATCH_SLOT_BYTES	SZ_32K

/* How long CPUs that are to drain their slots are waited for. */
#define DRAIN_IDLE_MS		100
#define DRAIN_ALL_MS		1000

/* Interrupts get by with less. */
#define IRQ_SLOT_MAX		16
#define IRQ_SLOT_BYTES		SZ_2K
#define IRQ_SLOT_SIZE_MAX	SZ_1K

/*
 * The cache that holds nothing: each push finds it full, each pop empty. It is
 * never written once it is set up.
 */
static struct gomem_mcache no_mcache;
static void *no_objects[1];

/* Set to &no_mcache first: the module loader does not relocate per-CPU data. */
DEFINE_PER_CPU(struct gomem_mcache *, gomem_mcache_task);
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_task);
DEFINE_PER_CPU(struct gomem_mcache *, gomem_mcache_irq);

/* Set once, before the first object is handed out. */
unsigned long gomem_secret __ro_after_init;

static int mcache_cpuhp_state;

static unsigned int task_room(unsigned int class)
{
	unsigned int size = gomem_class_size(class);

	if (gomem_class_is_scratch(class))
		return SCRATCH_SLOT_BYTES / size;
	if (!class || size > SLOT_SIZE_MAX)
		return 0;
	return clamp_t(unsigned int, SLOT_BYTES / size, 2, GOMEM_SLOT_MAX);
}

static unsigned int irq_room(unsigned int class)
{
	unsigned int size = gomem_class_size(class);

	if (!class || size > IRQ_SLOT_SIZE_MAX)
		return 0;
	return clamp_t(unsigned int, IRQ_SLOT_BYTES / size, 2, IRQ_SLOT_MAX);
}

static size_t mcache_size(unsigned int (*room)(unsigned int class))
{
	unsigned int spc, objects = 0;

	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++)
		objects += room(gomem_spc_class(spc)) + 1;
	return PAGE_ALIGN(sizeof(struct gomem_mcache) + objects * sizeof(void *));
}

/* What a slot holds before it proved too small. */
static unsigned int begin_capacity(unsigned int class, unsigned int room)
{
	return class ? clamp(SLOT_BEGIN / gomem_class_size(class), min(room, 1U), room) : 0;
}

static void slot_init(struct gomem_slot *slot, unsigned int class, void **below,
		      unsigned int room)
{
	/* No object starts anywhere: gomem_free() leaves scratch buffers alone. */
	slot->limit = gomem_class_is_scratch(class) ? 0 : gomem_class_limit(class);
	slot->divmul = gomem_class_divmul(class);
	slot->room = room;
	slot->capacity = begin_capacity(class, room);
	slot->top = below + 1;
	slot->end = slot->top + slot->capacity;
}

static struct gomem_mcache *mcache_create(struct gomem_heap *h,
					  unsigned int (*room)(unsigned int class),
					  bool caches_spans)
{
	size_t bytes = PAGE_SIZE << get_order(mcache_size(room));
	struct gomem_mcache *mc;
	unsigned int spc;
	void **below;

	mc = gomem_meta_get(h->source, bytes, GFP_KERNEL | __GFP_NOWARN, h->node);
	if (!mc)
		return NULL;
	memset(mc, 0, bytes);
	mc->heap = h;
	mc->caches_spans = caches_spans;
	mc->bytes = bytes;
	below = mc->object;
	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++) {
		unsigned int class = gomem_spc_class(spc);

		slot_init(&mc->slot[spc], class, below, room(class));
		mc->bottom[spc] = mc->slot[spc].top - mc->object;
		below += room(class) + 1;
	}
	return mc;
}

/* An owned cache, and how to let go of it. */
struct section {
	struct gomem_mcache *mc;
	unsigned long flags;
	bool irq;
};

static struct gomem_slot *section_enter(struct section *sec, unsigned int spc)
{
	sec->irq = gomem_irq_context();
	if (sec->irq) {
		local_irq_save(sec->flags);
		sec->mc = this_cpu_read(gomem_mcache_irq);
	} else {
		preempt_disable();
		sec->mc = this_cpu_read(gomem_mcache_task);
	}
	return &sec->mc->slot[spc];
}

static void section_leave(struct section *sec)
{
	if (sec->irq)
		local_irq_restore(sec->flags);
	else
		preempt_enable();
}

/* Objects that were never handed out have no key yet. */
static void set_keys(void **objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		gomem_set_key(objs[i]);
}

/* As many as half the slot, so that a free right after finds room. */
static unsigned int batch_size(const struct gomem_slot *slot)
{
	return max(slot->capacity / 2, 1U);
}

/* How much all slots of this CPU may grow; a little stale, as the heap goes on. */
static size_t grown_max(const struct gomem_heap *h)
{
	size_t bytes = gomem_heap_about(h) << GOMEM_PAGE_SHIFT;

	return max_t(size_t, bytes / (GROWN_SHARE * num_online_cpus()), GROWN_MIN);
}

/* The slot was too small; the caller owns its cache. */
static void grow_slot(struct gomem_mcache *mc, struct gomem_slot *slot, unsigned int spc)
{
	unsigned int more = min(slot->capacity, slot->room - slot->capacity);
	size_t bytes = (size_t)more * gomem_class_size(gomem_spc_class(spc));

	if (!more || mc->grown + bytes > grown_max(mc->heap))
		return;
	mc->grown += bytes;
	slot->capacity += more;
	slot->end += more;
}

/* Refill from the slot's own span, swept if that is what it takes. */
static bool refill_from_span(struct gomem_slot *slot, unsigned int spc)
{
	unsigned int want = batch_size(slot), n, recycled;
	struct gomem_span *s = slot->span;

	n = gomem_span_take(s, slot->top, want, &recycled);
	if (!n && atomic_read(&s->pending) > 0) {
		struct gomem_sweep res = gomem_span_sweep(s);

		gomem_count(GOMEM_EV_SWEEPS, 1);
		gomem_count(GOMEM_EV_SWEPT_OBJECTS, res.freed);
		if (unlikely(res.bad)) {
			atomic64_sub(res.bad, &s->heap->central[spc].direct_frees);
			gomem_report_late_double_free(spc, res.bad);
		}
		n = gomem_span_take(s, slot->top, want, &recycled);
	}
	set_keys(slot->top + recycled, n - recycled);
	slot->top += n;
	slot->refilled += n;
	gomem_count(GOMEM_EV_SPAN_REFILLS, n > 0);
	return n;
}

static void set_fresh_keys(struct gomem_refill *r)
{
	unsigned int i;

	for (i = 0; r->fresh && i < r->n; i++)
		if (r->fresh & BIT(i))
			gomem_set_key(r->objs[i]);
}

static struct gomem_heap *heap_of(const void *obj)
{
	return gomem_pagemap_chunk(&gomem_pagemap, (unsigned long)obj)->heap;
}

/*
 * Give objects back to their spans. A CPU has objects of several nodes only when its
 * own had no memory left: those of one are freed together as far as they come so.
 */
static void free_home(unsigned int spc, void **objs, unsigned int n)
{
	struct gomem_heap *h;
	unsigned int i, j;

	for (i = 0; i < n; i = j) {
		h = heap_of(objs[i]);
		for (j = i + 1; j < n && (!h->peers || heap_of(objs[j]) == h); j++)
			;
		gomem_mcentral_free(h, spc, objs + i, j - i);
	}
}

/*
 * Put what came from spans of @h into the slot, but for the first object: that is what
 * it was all about. The CPU may be another one by now, even of another node, and may
 * have got a span and objects meanwhile; what does not fit goes back.
 */
static void *keep_refill(struct gomem_heap *h, unsigned int spc, struct gomem_refill *r)
{
	struct gomem_span *span = r->span;
	struct gomem_slot *slot;
	unsigned int kept = 1;
	struct section sec;

	gomem_count(GOMEM_EV_CENTRAL_REFILLS, 1);
	slot = section_enter(&sec, spc);
	if (sec.mc == &no_mcache) {
		atomic64_inc(&h->central[spc].direct_allocs);
	} else {
		while (kept < r->n && sec.mc->heap == h && gomem_slot_push(slot, r->objs[kept]))
			kept++;
		slot->allocs++;
		slot->refilled += kept;
		if (span && sec.mc->caches_spans && sec.mc->heap == h && !slot->span) {
			slot->span = span;
			span = NULL;
		}
	}
	section_leave(&sec);

	if (kept < r->n)
		free_home(spc, r->objs + kept, r->n - kept);
	if (span)
		gomem_mcentral_uncache(span);
	return r->objs[0];
}

/**
 * gomem_mcache_alloc_slow - allocate an object when the slot has none
 * @spc: span class, of a small size class
 * @gfp: how hard to try
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not with the cache owned.
 * Return: the object, or NULL.
 */
void *gomem_mcache_alloc_slow(unsigned int spc, gfp_t gfp)
{
	struct gomem_slot *slot;
	struct gomem_heap *h;
	struct gomem_refill r;
	struct section sec;
	void *obj;

	/* Not initialised as a whole: most of it are pointers to come. */
	r.span = NULL;
	slot = section_enter(&sec, spc);
	h = sec.mc->heap;
	obj = sec.mc == &no_mcache ? NULL : gomem_slot_pop(slot);
	if (!obj)
		grow_slot(sec.mc, slot, spc);
	if (!obj && slot->span && refill_from_span(slot, spc))
		obj = gomem_slot_pop(slot);
	if (!obj && slot->span) {
		r.span = slot->span;
		slot->span = NULL;
	}
	r.want = batch_size(slot);
	r.want_span = sec.mc->caches_spans &&
		      gomem_class_size(gomem_spc_class(spc)) <= CACHED_SPAN_SIZE_MAX;
	section_leave(&sec);
	if (obj)
		return obj;

	gomem_mcentral_get(h, spc, gfp, &r);
	if (!r.n)
		return NULL;
	set_fresh_keys(&r);
	return keep_refill(h, spc, &r);
}

/**
 * gomem_mcache_alloc_direct - allocate an object of a given heap, past the caches
 * @h: the heap
 * @spc: span class, of a small size class
 * @gfp: how hard to try
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not with a cache owned.
 * Return: the object, or NULL.
 */
void *gomem_mcache_alloc_direct(struct gomem_heap *h, unsigned int spc, gfp_t gfp)
{
	struct gomem_refill r;

	r.span = NULL;
	r.want = 1;
	r.want_span = false;
	gomem_mcentral_get(h, spc, gfp, &r);
	if (!r.n)
		return NULL;
	set_fresh_keys(&r);
	atomic64_inc(&h->central[spc].direct_allocs);
	return r.objs[0];
}

/* Take up to half a slot's objects, those that lie there longest. */
static unsigned int take_oldest(struct gomem_slot *slot, void **objs, unsigned int max)
{
	void **bottom = slot->end - slot->capacity;
	unsigned int held = slot->top - bottom;
	unsigned int n = min(max, DIV_ROUND_UP(held, 2));

	memcpy(objs, bottom, n * sizeof(*objs));
	memmove(bottom, bottom + n, (held - n) * sizeof(*objs));
	slot->top -= n;
	slot->flushed += n;
	return n;
}

/**
 * gomem_mcache_free_slow - free an object when the slot is full
 * @spc: its span class
 * @obj: the object, with its key set
 *
 * Context: any but NMI; never sleeps. Not with the cache owned.
 */
void gomem_mcache_free_slow(unsigned int spc, void *obj)
{
	void *objs[GOMEM_BATCH_MAX + 1];
	struct gomem_slot *slot;
	struct section sec;
	unsigned int n = 0;

	slot = section_enter(&sec, spc);
	if (sec.mc == &no_mcache) {
		objs[n++] = obj;
		atomic64_inc(&sec.mc->heap->central[spc].direct_frees);
	} else if (!gomem_slot_push(slot, obj)) {
		grow_slot(sec.mc, slot, spc);
		n = take_oldest(slot, objs, GOMEM_BATCH_MAX);
		if (!gomem_slot_push(slot, obj)) {
			objs[n++] = obj;
			slot->flushed++;
		}
	}
	section_leave(&sec);

	if (!n)
		return;
	gomem_count(GOMEM_EV_FLUSHES, 1);
	gomem_count(GOMEM_EV_FLUSHED_OBJECTS, n);
	free_home(spc, objs, n);
}

/**
 * gomem_mcache_is_home - is an object of this CPU's node?
 * @obj: the object
 *
 * Return: the answer, for as long as the CPU is the same.
 */
bool gomem_mcache_is_home(const void *obj)
{
	return heap_of(obj) == raw_cpu_read(gomem_mcache_task)->heap;
}

/**
 * gomem_mcache_free_direct - free an object of another node, past the caches
 * @spc: its span class
 * @obj: the object, with its key set
 *
 * Context: any but NMI; never sleeps. Not with a cache owned.
 */
void gomem_mcache_free_direct(unsigned int spc, void *obj)
{
	gomem_count(GOMEM_EV_REMOTE_FREES, 1);
	atomic64_inc(&heap_of(obj)->central[spc].direct_frees);
	free_home(spc, &obj, 1);
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
 * order an object that moves in between is counted once too often rather than missed.
 */
static void view_slot(const struct gomem_mcache *mc, unsigned int spc, struct slot_view *v)
{
	const struct gomem_slot *slot = &mc->slot[spc];
	unsigned int begin = begin_capacity(gomem_spc_class(spc), slot->room);

	v->refilled = data_race(slot->refilled);	/* as said above */
	barrier();
	v->held = data_race(slot->top) -		/* as said above */
		  (mc->object + mc->bottom[spc]);
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
 * Note what the slots have done; true if one of them did nothing since last time and
 * yet is not as it began. On any CPU: what is missed now is seen in an epoch's time.
 */
static bool look_for_idle(struct gomem_mcache *mc)
{
	bool found = false, idle;
	struct slot_view v;
	unsigned int spc;

	if (mc == &no_mcache)
		return false;
	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		view_slot(mc, spc, &v);
		idle = slot_uses(&v) == mc->seen[spc];
		WRITE_ONCE(mc->idle[spc], idle);
		WRITE_ONCE(mc->seen[spc], slot_uses(&v));
		found |= idle && (v.held || v.span || v.grown);
	}
	return found;
}

/* Take all that an idle slot has, and let it begin anew; the cache is owned. */
static unsigned int empty_slot(struct gomem_mcache *mc, unsigned int spc, void **objs,
			       struct gomem_span **span)
{
	unsigned int class = gomem_spc_class(spc), n;
	struct gomem_slot *slot = &mc->slot[spc];
	void **bottom = slot->end - slot->capacity;
	unsigned int begin = begin_capacity(class, slot->room);

	*span = slot->span;
	slot->span = NULL;
	n = slot->top - bottom;
	memcpy(objs, bottom, n * sizeof(*objs));
	slot->top = bottom;
	slot->flushed += n;
	mc->grown -= (size_t)(slot->capacity - begin) * gomem_class_size(class);
	slot->capacity = begin;
	slot->end = bottom + begin;
	return n;
}

/* A slot of the CPU that this runs on, if that is idle or all are to be drained. */
static void drain_slot(unsigned int spc, bool irq, bool idle)
{
	struct gomem_span *span = NULL;
	void *objs[GOMEM_SLOT_MAX];
	struct gomem_mcache *mc;
	struct slot_view v;
	unsigned long flags = 0;
	unsigned int n = 0;

	if (irq)
		local_irq_save(flags);
	else
		preempt_disable();
	mc = irq ? this_cpu_read(gomem_mcache_irq) : this_cpu_read(gomem_mcache_task);
	view_slot(mc, spc, &v);
	/* Idle when it was looked at, and since: others were seen to be used. */
	if (mc != &no_mcache && (!idle || (READ_ONCE(mc->idle[spc]) &&
					   slot_uses(&v) == READ_ONCE(mc->seen[spc]))))
		n = empty_slot(mc, spc, objs, &span);
	if (irq)
		local_irq_restore(flags);
	else
		preempt_enable();

	gomem_count(GOMEM_EV_IDLE_OBJECTS, n);
	free_home(spc, objs, n);
	if (span)
		gomem_mcentral_uncache(span);
}

/* A CPU's task of draining itself. */
struct drain {
	struct work_struct work;
	bool idle;
};

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
	unsigned int spc;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		drain_slot(spc, false, idle);
		drain_slot(spc, true, idle);
	}
	if (atomic_dec_and_test(&drains_queued))
		wake_up(&drains_wait);
}

static void queue_drain(int cpu, bool idle)
{
	struct drain *d = per_cpu_ptr(&drains, cpu);

	WRITE_ONCE(d->idle, idle);
	atomic_inc(&drains_queued);
	/* It may be queued from last time, on a CPU that has no time for it. */
	if (!queue_work_on(cpu, system_wq, &d->work))
		atomic_dec(&drains_queued);
}

/**
 * gomem_mcache_drain - empty the slots of all CPUs
 * @idle: only those that were not used since this was last called; a CPU that has none
 *	of these is left alone
 *
 * CPUs that do nothing but what has priority are not waited for.
 *
 * Context: may sleep. One caller at a time.
 */
void gomem_mcache_drain(bool idle)
{
	bool found;
	int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		found = look_for_idle(per_cpu(gomem_mcache_task, cpu));
		found |= look_for_idle(per_cpu(gomem_mcache_irq, cpu));
		if (found || !idle)
			queue_drain(cpu, idle);
	}
	cpus_read_unlock();
	wait_event_timeout(drains_wait, !atomic_read(&drains_queued),
			   msecs_to_jiffies(idle ? DRAIN_IDLE_MS : DRAIN_ALL_MS));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_drain);

static void init_drains(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		INIT_WORK(&per_cpu_ptr(&drains, cpu)->work, drain_slots);
}

static void cancel_drains(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		cancel_work_sync(&per_cpu_ptr(&drains, cpu)->work);
}

/* Empty a cache that nobody uses any more. */
static void mcache_drain(struct gomem_mcache *mc)
{
	void *objs[GOMEM_BATCH_MAX];
	unsigned int spc, n;

	if (mc == &no_mcache)
		return;
	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++) {
		struct gomem_slot *slot = &mc->slot[spc];

		while ((n = take_oldest(slot, objs, GOMEM_BATCH_MAX)))
			free_home(spc, objs, n);
		if (slot->span) {
			gomem_mcentral_uncache(slot->span);
			slot->span = NULL;
		}
	}
}

static void mcache_provide(struct gomem_mcache **where, int cpu,
			   unsigned int (*room)(unsigned int class), bool caches_spans)
{
	struct gomem_mcache *mc;

	if (*where != &no_mcache)
		return;
	mc = mcache_create(gomem_node_heap(cpu_to_mem(cpu)), room, caches_spans);
	if (mc)
		WRITE_ONCE(*where, mc);
}

/* Before a CPU starts. Without memory it starts all the same, uncached. */
static int gomem_mcache_cpu_prepare(unsigned int cpu)
{
	mcache_provide(per_cpu_ptr(&gomem_mcache_task, cpu), cpu, task_room, true);
	mcache_provide(per_cpu_ptr(&gomem_mcache_irq, cpu), cpu, irq_room, false);
	return 0;
}

/*
 * After a CPU died, so that its caches are nobody's; they are kept for when it
 * comes back. Also for each CPU when the module exits.
 */
static int gomem_mcache_cpu_dead(unsigned int cpu)
{
	mcache_drain(per_cpu(gomem_mcache_task, cpu));
	mcache_drain(per_cpu(gomem_mcache_irq, cpu));
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
	unsigned int spc;
	int cpu, state;

	init_drains();
	no_mcache.heap = gomem_first_heap();
	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++)
		slot_init(&no_mcache.slot[spc], gomem_spc_class(spc), no_objects, 0);
	for_each_possible_cpu(cpu) {
		per_cpu(gomem_mcache_task, cpu) = &no_mcache;
		per_cpu(gomem_mcache_irq, cpu) = &no_mcache;
	}
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
	cpuhp_remove_state(mcache_cpuhp_state);
	for_each_gomem_heap(h)
		for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++)
			gomem_mcentral_sweep(h, spc);
}

static void mcache_destroy(struct gomem_mcache **where)
{
	struct gomem_mcache *mc = *where;

	*where = &no_mcache;
	if (mc != &no_mcache)
		gomem_meta_put(mc->heap->source, mc, mc->bytes);
}

/**
 * gomem_mcache_free_memory - free the caches themselves
 *
 * After gomem_mcache_exit().
 */
void gomem_mcache_free_memory(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		mcache_destroy(per_cpu_ptr(&gomem_mcache_task, cpu));
		mcache_destroy(per_cpu_ptr(&gomem_mcache_irq, cpu));
	}
}

static void count_slot(const struct gomem_mcache *mc, unsigned int spc,
		       struct gomem_class_counts *n)
{
	struct slot_view v;

	if (mc == &no_mcache)
		return;
	view_slot(mc, spc, &v);
	n->mallocs += v.allocs;
	n->frees += v.allocs + v.held + v.flushed - v.refilled;
	n->cached += v.held;
	n->cached_spans += v.span;
}

/**
 * gomem_mcache_count - add up what all CPUs did in a span class
 * @spc: span class, of a small size class
 * @n: where the sums go
 *
 * Context: any.
 */
void gomem_mcache_count(unsigned int spc, struct gomem_class_counts *n)
{
	struct gomem_heap *h;
	int cpu;

	memset(n, 0, sizeof(*n));
	for_each_possible_cpu(cpu) {
		count_slot(READ_ONCE(per_cpu(gomem_mcache_task, cpu)), spc, n);
		count_slot(READ_ONCE(per_cpu(gomem_mcache_irq, cpu)), spc, n);
	}
	for_each_gomem_heap(h) {
		n->mallocs += atomic64_read(&h->central[spc].direct_allocs);
		n->frees += atomic64_read(&h->central[spc].direct_frees);
	}
	/* A free may have been seen whose allocation was not, or the reverse. */
	n->frees = clamp_t(s64, n->frees, 0, n->mallocs);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_count);

/**
 * gomem_mcache_bytes - memory that the caches themselves take
 *
 * Return: bytes, without the objects in them.
 */
size_t gomem_mcache_bytes(void)
{
	size_t bytes = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		bytes += READ_ONCE(per_cpu(gomem_mcache_task, cpu))->bytes;
		bytes += READ_ONCE(per_cpu(gomem_mcache_irq, cpu))->bytes;
	}
	return bytes;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_bytes);
