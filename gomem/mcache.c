// SPDX-License-Identifier: GPL-2.0
/*
 * mcache.c - filling and flushing the CPUs' caches.
 *
 * Everything here is the slow path: the fast path is in alloc.c. How caches come and go with
 * their CPUs, and are emptied when they are idle, is in drain.c.
 */
#include <kunit/visibility.h>
#include <linux/hash.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "cache.h"
#include "mcache.h"
#include "mcentral.h"
#include "mheap.h"
#include "node.h"
#include "peers.h"
#include "queue.h"
#include "report.h"
#include "shuffle.h"
#include "stats.h"

/*
 * What a CPU may hold is bounded in bytes. A slot begins with SLOT_BEGIN bytes of
 * objects, one at least, or none if they are larger than SLOT_BEGIN_MAX. It doubles each
 * time that it proves too small, up to SLOT_BYTES and GOMEM_SLOT_MAX objects, or
 * NOSCAN_SLOT_BYTES; but all CPUs together grow by no more than 1 / GROWN_SHARE of the
 * heap, GROWN_MIN each if that is less. In a small heap that is little: a CPU whose slots
 * and spans exchange MOVED_SHARE times as much within a second may have up to GROWN_MOST.
 * A slot that was not used between two looks is emptied and begins anew. The slots of a
 * typed cache grow to no more than 1 / CACHE_SLOT_SHARE of its spans, all CPUs together,
 * CACHE_SLOT_MIN each if that is less.
 *
 * What is fetched ahead of its use is less: REFILL_BYTES.
 *
 * A span of its own only where the objects are small: large spans on every CPU would
 * cost more memory than the size classes save.
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
#define CACHED_SPAN_SIZE_MAX	128

/* Scratch buffers come and go on one CPU, and are few: 32 KiB an order, as in Go. */
#define SCRATCH_SLOT_BYTES	SZ_32K

/* Refills after which a slot that was flushed is no longer taken to be full again soon. */
#define CALM			4

/* Interrupts get by with less; all of it fits into 16 KiB. */
#define IRQ_SLOT_MAX		16
#define IRQ_SLOT_BYTES		SZ_2K
#define IRQ_NOSCAN_SLOT_MAX	8
#define IRQ_NOSCAN_SLOT_BYTES	SZ_1K

/*
 * The cache that holds nothing: each push finds it full, each pop empty. It is
 * never written once it is set up.
 */
struct gomem_mcache gomem_no_mcache;
EXPORT_SYMBOL_IF_KUNIT(gomem_no_mcache);
static void *no_objects[1];

unsigned long gomem_no_object;
EXPORT_SYMBOL_IF_KUNIT(gomem_no_object);

/* Set to &gomem_no_mcache first: the module loader does not relocate per-CPU data. */
DEFINE_PER_CPU(struct gomem_mcache *, gomem_mcache_task);
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_task);
DEFINE_PER_CPU(struct gomem_mcache *, gomem_mcache_irq);
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_irq);

/* Set once, before the first object is handed out. */
unsigned long gomem_secret __ro_after_init;
EXPORT_SYMBOL_IF_KUNIT(gomem_secret);

/* How many objects slots of a kind can have. */
typedef unsigned int (*room_fn)(const struct gomem_kind *k);

static bool is_scratch(const struct gomem_kind *k)
{
	return gomem_class_is_scratch(gomem_spc_class(k->spc));
}

static unsigned int task_room(const struct gomem_kind *k)
{
	unsigned int bytes = gomem_kind_noscan(k) ? NOSCAN_SLOT_BYTES : SLOT_BYTES;

	if (is_scratch(k))
		return SCRATCH_SLOT_BYTES / k->size;
	if (gomem_kind_is_large(k))
		return 0;
	/* A typed cache's slots do not move: there is memory for all of it. */
	return clamp_t(unsigned int, bytes / k->size, 2,
		       k->cache ? GOMEM_STACK_SHORT : GOMEM_SLOT_MAX);
}

static unsigned int irq_room(const struct gomem_kind *k)
{
	if (gomem_kind_is_large(k))
		return 0;
	if (!gomem_kind_noscan(k))
		return clamp_t(unsigned int, IRQ_SLOT_BYTES / k->size, 2, IRQ_SLOT_MAX);
	if (k->size > IRQ_NOSCAN_SLOT_BYTES)
		return 0;
	return clamp_t(unsigned int, IRQ_NOSCAN_SLOT_BYTES / k->size, 2, IRQ_NOSCAN_SLOT_MAX);
}

/**
 * gomem_slot_begin - what a slot holds before it proved too small
 * @k: the kind of its objects
 * @room: what it can grow to
 *
 * Return: the number of objects.
 */
unsigned int gomem_slot_begin(const struct gomem_kind *k, unsigned int room)
{
	if (k->size > SLOT_BEGIN_MAX && !is_scratch(k))
		return 0;
	return room ? clamp(SLOT_BEGIN / k->size, 1U, room) : 0;
}

/* How many objects slots of a kind have room for when they are made. */
static unsigned int task_begin(const struct gomem_kind *k)
{
	return gomem_slot_begin(k, task_room(k));
}

static size_t mcache_size(room_fn stack)
{
	unsigned int spc, objects = 0;

	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++)
		objects += stack(&gomem_kinds[spc]) + 1;
	return PAGE_ALIGN(sizeof(struct gomem_mcache) + objects * sizeof(void *));
}

static void slot_init(struct gomem_slot *slot, const struct gomem_kind *k, void **below,
		      unsigned int room)
{
	/* Where no object starts gomem_free() looks twice: it leaves these slots alone. */
	slot->divmul = gomem_spc_class(k->spc) < GOMEM_SCRATCH_CLASS ? k->divmul : 0;
	slot->size = k->size;
	slot->room = room;
	slot->capacity = gomem_slot_begin(k, room);
	slot->calm = CALM;
	*below = &gomem_no_object;
	slot->top = below + 1;
	slot->end = slot->top + slot->capacity;
}

/* @room: what slots can grow to; @stack: what there is memory for from the beginning. */
static struct gomem_mcache *mcache_create(struct gomem_heap *h, room_fn room, room_fn stack,
					  bool caches_spans)
{
	size_t bytes = mcache_size(stack);
	struct gomem_mcache *mc;
	unsigned int spc;
	void **below;

	mc = gomem_meta_get(h->source, bytes, GFP_KERNEL | __GFP_NOWARN, h->node);
	if (!mc)
		return NULL;
	memset(mc, 0, bytes);
	mc->heap = h;
	mc->tiny = GOMEM_TINY_NONE;
	mc->moved_until = jiffies;
	mc->caches_spans = caches_spans;
	mc->bytes = bytes;
	below = mc->object;
	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++) {
		const struct gomem_kind *k = &gomem_kinds[spc];

		slot_init(&mc->slot[spc], k, below, room(k));
		mc->bottom[spc] = mc->slot[spc].top - mc->object;
		below += stack(k) + 1;
	}
	return mc;
}

/**
 * gomem_cache_cpu_size - memory for a typed cache's slots
 * @k: the cache's kind
 *
 * Return: bytes a CPU.
 */
size_t gomem_cache_cpu_size(const struct gomem_kind *k)
{
	return struct_size_t(struct gomem_cache_cpu, object, task_room(k) + irq_room(k) + 2);
}

/**
 * gomem_cache_cpu_init - make a typed cache's slots of a CPU
 * @cc: gomem_cache_cpu_size() bytes, cleared
 * @k: the cache's kind
 */
void gomem_cache_cpu_init(struct gomem_cache_cpu *cc, const struct gomem_kind *k)
{
	unsigned int room = task_room(k);

	slot_init(&cc->task.slot, k, cc->object, room);
	slot_init(&cc->irq.slot, k, cc->object + room + 1, irq_room(k));
}

/*
 * An owned cache, and how to let go of it. A typed cache has slots of its own on each
 * CPU, which are owned in the same way.
 */
struct section {
	struct gomem_mcache *mc;
	bool holds;	/* the slot can have objects, and counts */
	unsigned long flags;
	bool irq;
};

static struct gomem_slot *section_enter(struct section *sec, const struct gomem_kind *k)
{
	sec->irq = gomem_irq_context();
	if (sec->irq) {
		local_irq_save(sec->flags);
		sec->mc = this_cpu_read(gomem_mcache_irq);
	} else {
		preempt_disable();
		sec->mc = this_cpu_read(gomem_mcache_task);
	}
	sec->holds = k->cache || sec->mc != &gomem_no_mcache;
	if (!k->cache)
		return &sec->mc->slot[k->spc];
	return sec->irq ? &this_cpu_ptr(k->cpu)->irq.slot : &this_cpu_ptr(k->cpu)->task.slot;
}

static void section_leave(struct section *sec)
{
	if (sec->irq)
		local_irq_restore(sec->flags);
	else
		preempt_enable();
}

/*
 * An object that was never handed out has no key yet, nor was it constructed. @zero: its
 * memory is known to be.
 */
static __always_inline void make_object(const struct gomem_kind *k, void *obj, bool zero)
{
	if (k->ctor)
		k->ctor(obj);
	gomem_set_fresh_key(gomem_kind_key(k, obj), zero && !k->key);
}

/* Objects side by side in the array, none constructed, all or none known to be zero. */
static void make_run(const struct gomem_kind *k, void **objs, unsigned int n, bool zero)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		gomem_set_fresh_key(gomem_kind_key(k, objs[i]), zero);
}

/* Bit i of @fresh: object i is one of these. Mostly these are all, or the last ones. */
static void make_fresh(const struct gomem_kind *k, void **objs, u64 fresh, u64 zero)
{
	unsigned int first;
	u64 run;

	if (!fresh)
		return;
	zero &= fresh;
	first = __ffs64(fresh);
	run = fresh >> first;
	if (likely(!(run & (run + 1)) && !k->ctor && (!zero || zero == fresh))) {
		make_run(k, objs + first, fls64(run), zero && !k->key);
		return;
	}
	for (; fresh; fresh &= fresh - 1)
		make_object(k, objs[__ffs64(fresh)], zero & fresh & -fresh);
}

/* Not more than half the slot, so that a free right after finds room. */
static unsigned int batch_size(const struct gomem_slot *slot)
{
	unsigned int most = clamp_t(unsigned int, REFILL_BYTES / slot->size, 1, GOMEM_BATCH_MAX);

	return (clamp(slot->capacity / 2U, 1U, most) - 1) | 1;
}

/*
 * Who allocates and frees just what a slot can hold, round by round, starts with some number
 * of objects there. As long as there are too many, each round flushes as many as it refills,
 * for ever: unless the number is another one each time, until it fits.
 */
static unsigned int refill_size(struct gomem_slot *slot)
{
	unsigned int n = batch_size(slot);

	if (slot->calm == CALM)
		return n;
	slot->calm++;
	return n - hash_32(slot->refilled, 16) % (n / 2 + 1);
}

/* How much all slots of this CPU may grow; a little stale, as the heap goes on. */
static size_t grown_max(const struct gomem_mcache *mc)
{
	size_t bytes = gomem_heap_about(mc->heap) << GOMEM_PAGE_SHIFT;
	size_t earned = min_t(size_t, mc->moved / MOVED_SHARE, GROWN_MOST);

	return max3(bytes / (GROWN_SHARE * num_online_cpus()), earned, (size_t)GROWN_MIN);
}

/* A slot was too full, or too empty, for @n objects; its cache is owned. */
static void note_move(struct gomem_mcache *mc, const struct gomem_slot *slot, unsigned int n)
{
	if (mc == &gomem_no_mcache)
		return;
	if (time_after(jiffies, mc->moved_until)) {
		mc->moved_until = jiffies + HZ;
		mc->moved = 0;
	}
	mc->moved += (size_t)n * slot->size;
}

/* Slots of a typed cache grow to a share of its own memory. */
static size_t cache_slot_max(struct gomem_heap *h, const struct gomem_kind *k)
{
	/* Stale is good enough. */
	size_t bytes = data_race(gomem_central(h, k)->npages) << GOMEM_PAGE_SHIFT;

	return max_t(size_t, bytes / (CACHE_SLOT_SHARE * num_online_cpus()), CACHE_SLOT_MIN);
}

/* By how many objects a slot that was too small may grow. */
static unsigned int growth_of(const struct gomem_mcache *mc, const struct gomem_slot *slot,
			      const struct gomem_kind *k)
{
	unsigned int more = min_t(unsigned int, slot->capacity ?: 1,
				  slot->room - slot->capacity);
	bool may;

	if (!more)
		return 0;
	if (k->cache)
		may = (slot->capacity + more) * k->size <= cache_slot_max(mc->heap, k);
	else
		may = mc->grown + (size_t)more * k->size <= grown_max(mc);
	return may ? more : 0;
}

/* The stack that a slot of a span class begins with. */
static void **first_bottom(struct gomem_mcache *mc, const struct gomem_kind *k)
{
	return mc->object + mc->bottom[k->spc];
}

static bool is_on_first(struct gomem_mcache *mc, const struct gomem_slot *slot,
			const struct gomem_kind *k)
{
	return gomem_slot_bottom(slot) == first_bottom(mc, k);
}

/* The stack that a slot for @capacity objects has, unless that is the first. */
static enum gomem_stack stack_for(unsigned int capacity)
{
	return capacity > GOMEM_STACK_SHORT ? GOMEM_LONG_STACK : GOMEM_SHORT_STACK;
}

/*
 * Before it can grow by @more it has to move; in interrupts, and in typed caches, there is
 * room from the beginning.
 */
static bool has_to_move(struct gomem_mcache *mc, const struct gomem_slot *slot,
			const struct gomem_kind *k, unsigned int more)
{
	return !k->cache && mc->caches_spans &&
	       (is_on_first(mc, slot, k) ||
		stack_for(slot->capacity + more) != stack_for(slot->capacity));
}

static void keep_stack(struct gomem_mcache *mc, void **stack, enum gomem_stack which)
{
	*stack = mc->stacks[which];
	mc->stacks[which] = stack;
}

/* Other CPUs may look meanwhile: see view_slot(). */
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
 * gomem_slot_reset - let a slot begin anew
 * @mc: its cache, owned, or nobody's; NULL for that of a typed cache
 * @slot: the slot, which is empty
 * @k: the kind of its objects
 */
void gomem_slot_reset(struct gomem_mcache *mc, struct gomem_slot *slot, const struct gomem_kind *k)
{
	unsigned int begin = gomem_slot_begin(k, slot->room);

	if (mc) {
		mc->grown -= (size_t)(slot->capacity - begin) * k->size;
		if (!is_on_first(mc, slot, k)) {
			keep_stack(mc, slot->top - 1, stack_for(slot->capacity));
			slot->top = first_bottom(mc, k);
		}
	}
	slot->capacity = begin;
	slot->end = slot->top + begin;
}

/* The slot was too small for @n objects; the caller owns its cache. */
static void grow_slot(struct gomem_mcache *mc, struct gomem_slot *slot,
		      const struct gomem_kind *k, unsigned int n)
{
	unsigned int more;

	if (!k->cache)
		note_move(mc, slot, n);
	more = growth_of(mc, slot, k);
	if (!more || (has_to_move(mc, slot, k, more) && !move_slot(mc, slot, k, more)))
		return;
	if (!k->cache)
		mc->grown += (size_t)more * k->size;
	slot->capacity += more;
	slot->end += more;
}

static void cut_stacks(struct gomem_mcache *mc, void *page, enum gomem_stack which)
{
	unsigned int len = which == GOMEM_LONG_STACK ? GOMEM_SLOT_MAX : GOMEM_STACK_SHORT;
	void **stack = page, **end = page + PAGE_SIZE;

	*stack = mc->stack_pages;
	mc->stack_pages = stack++;
	for (; stack + len < end; stack += len + 1)
		keep_stack(mc, stack, which);
	WRITE_ONCE(mc->bytes, mc->bytes + PAGE_SIZE);
}

/*
 * A slot may be about to grow, without a stack to move to. If there is no memory at hand
 * it stays as it is.
 */
static noinline void fetch_stacks(struct gomem_heap *h, enum gomem_stack which)
{
	/* For callers that reclaim or must not wake anybody: no reserves, no kswapd. */
	void *page = gomem_meta_get(h->source, PAGE_SIZE, gomem_gfp_light(0), h->node);
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
 * A free allocates nothing: it has a work fetch what its CPU lacks. @missing is written by
 * frees on the CPU, and taken by the work.
 */
struct fetch {
	struct work_struct work;
	bool missing[GOMEM_NR_STACKS];
};

static DEFINE_PER_CPU(struct fetch, fetches);

/* Runs on another CPU, for which it does what it can, if its own has died. */
static void fetch_missing(struct work_struct *work)
{
	struct fetch *f = container_of(work, struct fetch, work);
	struct gomem_mcache *mc = raw_cpu_read(gomem_mcache_task);
	enum gomem_stack which;

	for (which = 0; which < GOMEM_NR_STACKS; which++)
		/* A look, as from another CPU: a stack too many does no harm. */
		if (xchg(&f->missing[which], false) && !data_race(mc->stacks[which]))
			fetch_stacks(mc->heap, which);
}

static void fetch_later(enum gomem_stack which)
{
	int cpu = raw_smp_processor_id();
	struct fetch *f = per_cpu_ptr(&fetches, cpu);

	/* The caller may have a lock that waking a worker takes, too; another free will do. */
	if (irqs_disabled())
		return;
	WRITE_ONCE(f->missing[which], true);
	queue_work_on(cpu, gomem_percpu_wq, &f->work);
}

/* The stack that a slot is about to move to, if there is none: or else GOMEM_NR_STACKS. */
static enum gomem_stack missing_stack(struct gomem_mcache *mc, const struct gomem_slot *slot,
				      const struct gomem_kind *k)
{
	enum gomem_stack which;
	unsigned int more;

	if (mc->stacks[GOMEM_SHORT_STACK] && mc->stacks[GOMEM_LONG_STACK])
		return GOMEM_NR_STACKS;
	more = growth_of(mc, slot, k);
	if (!more || !has_to_move(mc, slot, k, more))
		return GOMEM_NR_STACKS;
	which = stack_for(slot->capacity + more);
	return mc->stacks[which] ? GOMEM_NR_STACKS : which;
}

/*
 * See to a stack for a slot that may be about to grow: before the cache is owned, in the
 * slow paths. Only an allocation fetches memory at once. Interrupts' slots do not move.
 */
static void get_ready(const struct gomem_kind *k, bool allocates)
{
	struct gomem_mcache *mc;
	enum gomem_stack which;

	if (gomem_irq_context())
		return;
	/* Of another CPU by now, perhaps: a look, as from there. */
	mc = raw_cpu_read(gomem_mcache_task);
	if (k->cache || mc == &gomem_no_mcache)
		return;
	which = data_race(missing_stack(mc, &mc->slot[k->spc], k));	/* as said above */
	if (which == GOMEM_NR_STACKS)
		return;
	if (allocates)
		fetch_stacks(mc->heap, which);
	else
		fetch_later(which);
}

/*
 * Objects of the slot's own span that it has found to be free, behind the @have that there
 * are already. Returns how many there are then.
 */
static __always_inline unsigned int take_swept(struct gomem_slot *slot, void **objs,
					       unsigned int have, unsigned int want,
					       bool together, u64 *fresh)
{
	unsigned int n, recycled;

	n = gomem_span_take(slot->span, objs + have, want - have, &recycled);
	gomem_shuffle_fresh(objs + have, n, recycled, together);
	if (recycled < n)
		*fresh |= GENMASK_ULL(have + n - 1, have + recycled);
	slot->refilled += n;
	return have + n;
}

/*
 * As many as there are, swept if that is what it takes. @together: they go to one user. Bit i
 * of @fresh: object i is not made yet.
 */
static unsigned int take_from_span(struct gomem_slot *slot, void **objs, unsigned int want,
				   bool together, u64 *fresh)
{
	struct gomem_span *s = slot->span;
	unsigned int n;

	*fresh = 0;
	n = take_swept(slot, objs, 0, want, together, fresh);
	if (n < want && atomic_read(&s->pending) > 0) {
		struct gomem_sweep res = gomem_span_sweep(s);

		gomem_count(GOMEM_EV_SWEEPS, 1);
		gomem_count(GOMEM_EV_SWEPT_OBJECTS, res.freed);
		if (unlikely(res.bad)) {
			atomic64_sub(res.bad, &gomem_central(s->heap, s->kind)->direct_frees);
			gomem_report_late_double_free(s->kind, res.bad);
		}
		n = take_swept(slot, objs, n, want, together, fresh);
	}
	gomem_count(GOMEM_EV_SPAN_REFILLS, n > 0);
	return n;
}

static bool refill_from_span(struct gomem_slot *slot)
{
	struct gomem_span *s = slot->span;
	unsigned int n;
	u64 fresh;

	n = take_from_span(slot, slot->top, refill_size(slot), false, &fresh);
	make_fresh(s->kind, slot->top, fresh, s->zero ? fresh : 0);
	slot->top += n;
	return n;
}

/*
 * How many objects, from the first on, are of one node. A CPU has those of several only when
 * its own had no memory left.
 */
static unsigned int same_heap(void **objs, unsigned int n, struct gomem_heap **h)
{
	unsigned int i;

	*h = gomem_heap_of(objs[0]);
	if (likely(!(*h)->peers))
		return n;
	for (i = 1; i < n && gomem_heap_of(objs[i]) == *h; i++)
		;
	return i;
}

/*
 * To their spans if they are to go @home, else to whoever refills next, if somebody does.
 * Inlined, so that what goes home has no way to gomem_mcentral_put() on the stack.
 */
static __always_inline void hand_objects(const struct gomem_kind *k, void **objs,
					 unsigned int n, bool home)
{
	struct gomem_heap *h;
	unsigned int same;

	for (; n; n -= same, objs += same) {
		same = same_heap(objs, n, &h);
		if (home)
			gomem_mcentral_free(gomem_central(h, k), objs, same, false);
		else
			gomem_mcentral_put(gomem_central(h, k), objs, same);
	}
}

static void hand_down(const struct gomem_kind *k, void **objs, unsigned int n)
{
	hand_objects(k, objs, n, false);
}

/**
 * gomem_mcache_free_home - give objects back to their spans
 * @k: the kind of all of them
 * @objs: the objects, with their keys set
 * @n: how many
 *
 * Context: any but NMI; never sleeps. Not with a cache owned.
 */
void gomem_mcache_free_home(const struct gomem_kind *k, void **objs, unsigned int n)
{
	hand_objects(k, objs, n, true);
}

/*
 * Put what came from spans of @h into the slot, but for the first object: that is what
 * it was all about. The CPU may be another one by now, even of another node, and may
 * have got a span and objects meanwhile; what does not fit goes back.
 */
static void *keep_refill(struct gomem_mcentral *c, struct gomem_refill *r)
{
	struct gomem_heap *h = c->heap;
	struct gomem_span *span = r->span;
	struct gomem_slot *slot;
	unsigned int kept = 1;
	struct section sec;

	make_fresh(c->kind, r->objs, r->fresh, r->zero);
	gomem_count(GOMEM_EV_CENTRAL_REFILLS, 1);
	slot = section_enter(&sec, c->kind);
	if (!sec.holds) {
		atomic64_inc(&c->direct_allocs);
	} else {
		if (sec.mc->heap == h)
			kept += gomem_slot_push_many(slot, r->objs + 1, r->n - 1);
		slot->allocs++;
		slot->refilled += kept;
		if (span && sec.mc->caches_spans && sec.mc->heap == h && !slot->span) {
			slot->span = span;
			span = NULL;
		}
	}
	section_leave(&sec);

	if (kept < r->n)
		gomem_mcache_free_home(c->kind, r->objs + kept, r->n - kept);
	if (span)
		gomem_mcentral_uncache(span);
	return r->objs[0];
}

/* What a slot asks for. */
struct wish {
	struct gomem_mcentral *c;
	unsigned int want;
	bool want_span;
};

/*
 * Each of these three has an array of objects on the stack, and asks the kernel for
 * nothing: it reclaims memory on the same stack. So they are not inlined.
 *
 * From the slot, its span, or what the mcentral has. @w: what was wanted.
 */
static noinline void *alloc_at_hand(const struct gomem_kind *k, struct wish *w)
{
	void *objs[GOMEM_BATCH_MAX] __uninitialized;
	struct gomem_refill r;
	struct gomem_slot *slot;
	struct section sec;
	void *obj;

	r.span = NULL;
	r.objs = objs;
	r.together = false;
	slot = section_enter(&sec, k);
	w->c = gomem_central(sec.mc->heap, k);
	obj = sec.holds ? gomem_slot_pop(slot) : NULL;
	if (!obj)
		grow_slot(sec.mc, slot, k, batch_size(slot));
	if (!obj && slot->span && refill_from_span(slot))
		obj = gomem_slot_pop(slot);
	if (!obj && slot->span) {
		r.span = slot->span;
		slot->span = NULL;
	}
	if (!obj)
		r.want = refill_size(slot);
	r.want_span = sec.mc->caches_spans && k->size <= CACHED_SPAN_SIZE_MAX;
	section_leave(&sec);
	if (obj)
		return obj;

	w->want = r.want;
	w->want_span = r.want_span;
	gomem_mcentral_refill(w->c, &r);
	return r.n ? keep_refill(w->c, &r) : NULL;
}

/* From spans of another node that have room. */
static noinline void *alloc_from_peer(const struct wish *w, struct gomem_heap *peer)
{
	void *objs[GOMEM_BATCH_MAX] __uninitialized;
	struct gomem_refill r;

	r.objs = objs;
	r.together = false;
	r.want = w->want;
	r.want_span = w->want_span;
	gomem_mcentral_refill_new(gomem_central(peer, w->c->kind), &r);
	return r.n ? keep_refill(w->c, &r) : NULL;
}

/* An object, or NULL and perhaps a span: see ask_peers() of mcentral.c. */
static __always_inline void *ask_peers(const struct wish *w, gfp_t gfp,
				       struct gomem_span_stack *spans)
{
	struct gomem_heap *peer;
	void *obj;

	if (!gomem_mcentral_peers(w->c, gfp))
		return NULL;
	for_each_gomem_peer(peer, w->c->heap) {
		obj = alloc_from_peer(w, peer);
		if (obj)
			return obj;
		if (gomem_mcentral_grow(gomem_central(peer, w->c->kind), gfp, 1, true, spans)) {
			gomem_heap_count_peer_span(w->c->heap);
			break;
		}
	}
	return NULL;
}

static noinline void *alloc_from_new(const struct wish *w, struct gomem_span_stack *spans)
{
	void *objs[GOMEM_BATCH_MAX] __uninitialized;
	struct gomem_refill r;

	r.objs = objs;
	r.together = false;
	r.want = w->want;
	r.want_span = w->want_span;
	gomem_mcentral_use(spans, &r);
	return keep_refill(w->c, &r);
}

/**
 * gomem_mcache_alloc_slow - allocate an object when the slot has none
 * @k: its kind, not a large one
 * @gfp: how hard to try
 *
 * What gomem_mcentral_get() does, with an array of its own at each step.
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not with the cache owned.
 * Return: the object, or NULL.
 */
void *gomem_mcache_alloc_slow(const struct gomem_kind *k, gfp_t gfp)
{
	struct gomem_span_stack spans = { NULL };
	struct wish w;
	void *obj;

	get_ready(k, true);
	obj = alloc_at_hand(k, &w);
	if (obj)
		return obj;
	if (!gomem_mcentral_grow(w.c, gfp, w.want, true, &spans)) {
		obj = ask_peers(&w, gfp, &spans);
		if (obj)
			return obj;
		if (!spans.top && !gomem_mcentral_grow(w.c, gfp, w.want, false, &spans))
			return NULL;
	}
	return alloc_from_new(&w, &spans);
}

/* A span that came with objects for users: the slot's, if it has none by now. */
static void keep_span(struct gomem_mcentral *c, struct gomem_span *span)
{
	struct gomem_slot *slot;
	struct section sec;

	slot = section_enter(&sec, c->kind);
	if (sec.mc->caches_spans && sec.mc->heap == c->heap && !slot->span) {
		slot->span = span;
		span = NULL;
	}
	section_leave(&sec);
	if (span)
		gomem_mcentral_uncache(span);
}

/* Objects for users that were never handed out: @fresh, or NULL to have them made. */
static void tell_fresh(const struct gomem_kind *k, void **objs, u64 these, u64 zero, u64 *fresh)
{
	if (fresh)
		*fresh = these;
	else
		make_fresh(k, objs, these, zero);
}

/* From the slot's span, or a request for the mcentral, with the used up span in it. */
static noinline unsigned int many_at_hand(const struct gomem_kind *k, struct gomem_mcentral **c,
					  struct gomem_refill *r, u64 *fresh)
{
	struct gomem_slot *slot;
	struct section sec;
	unsigned int n = 0;
	u64 these;

	slot = section_enter(&sec, k);
	*c = gomem_central(sec.mc->heap, k);
	grow_slot(sec.mc, slot, k, r->want);
	if (slot->span) {
		n = take_from_span(slot, r->objs, r->want, true, &these);
		tell_fresh(k, r->objs, these, slot->span->zero ? these : 0, fresh);
		slot->allocs += n;
	}
	r->span = NULL;
	if (!n && slot->span) {
		r->span = slot->span;
		slot->span = NULL;
	}
	r->want_span = sec.mc->caches_spans && k->size <= CACHED_SPAN_SIZE_MAX;
	section_leave(&sec);
	return n;
}

/* From spans, past the slot. */
static noinline unsigned int alloc_many_slow(struct gomem_mcentral *c, gfp_t gfp,
					     struct gomem_refill *r, u64 *fresh)
{
	gomem_mcentral_get(c, gfp, r);
	if (!r->n)
		return 0;
	tell_fresh(c->kind, r->objs, r->fresh, r->zero, fresh);
	gomem_count(GOMEM_EV_CENTRAL_REFILLS, 1);
	atomic64_add(r->n, &c->direct_allocs);
	if (r->span)
		keep_span(c, r->span);
	return r->n;
}

/**
 * gomem_mcache_alloc_many - allocate some objects at once when the slot has none
 * @k: their kind, not a large one
 * @gfp: how hard to try
 * @objs: where they go
 * @want: how many, up to GOMEM_BATCH_MAX
 * @fresh: bit i is set if object i was never handed out: it has no key, and what its first
 *	word is was never looked at. NULL: objects are made, whatever they were
 *
 * They do not go by way of the slot. @fresh saves writing a key, and reading it again, in
 * memory that nobody has touched yet: of 256 objects of 4 KiB at once, 55 instructions each
 * in place of 85.
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not with the cache owned.
 * Return: how many there are, 1 to @want, all others with their key; 0 if there is no
 * memory.
 */
unsigned int gomem_mcache_alloc_many(const struct gomem_kind *k, gfp_t gfp, void **objs,
				     unsigned int want, u64 *fresh)
{
	struct gomem_mcentral *c;
	struct gomem_refill r;
	unsigned int n;

	r.objs = objs;
	r.together = true;
	r.want = want;
	get_ready(k, true);
	n = many_at_hand(k, &c, &r, fresh);
	return n ?: alloc_many_slow(c, gfp, &r, fresh);
}

/**
 * gomem_mcache_alloc_direct - allocate an object of a given node, past the caches
 * @c: where spans of its kind are
 * @gfp: how hard to try
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not with a cache owned.
 * Return: the object, or NULL.
 */
void *gomem_mcache_alloc_direct(struct gomem_mcentral *c, gfp_t gfp)
{
	struct gomem_refill r;
	void *obj;

	r.span = NULL;
	r.objs = &obj;
	r.together = false;
	r.want = 1;
	r.want_span = false;
	gomem_mcentral_get(c, gfp, &r);
	if (!r.n)
		return NULL;
	make_fresh(c->kind, &obj, r.fresh, r.zero);
	atomic64_inc(&c->direct_allocs);
	return obj;
}

/*
 * Take up to half a slot's objects, those that lie there longest. Where it was not refilled
 * since the last time it does not matter which: the others need not be moved then.
 */
static unsigned int take_half(struct gomem_slot *slot, void **objs, unsigned int max)
{
	void **bottom = gomem_slot_bottom(slot);
	unsigned int held = slot->top - bottom;
	unsigned int n = min(max, DIV_ROUND_UP(held, 2));
	void **from = slot->calm ? bottom : slot->top - n;

	memcpy(objs, from, n * sizeof(*objs));
	if (slot->calm)
		memmove(bottom, bottom + n, (held - n) * sizeof(*objs));
	slot->top -= n;
	slot->flushed += n;
	slot->calm = 0;
	return n;
}

/**
 * gomem_mcache_free_slow - free an object when the slot is full
 * @k: its kind
 * @obj: the object, with its key set
 *
 * Context: any but NMI; never sleeps. Not with the cache owned.
 */
void gomem_mcache_free_slow(const struct gomem_kind *k, void *obj)
{
	void *objs[GOMEM_BATCH_MAX + 1] __uninitialized;
	struct gomem_slot *slot;
	struct section sec;
	unsigned int n = 0;

	get_ready(k, false);
	slot = section_enter(&sec, k);
	if (!sec.holds) {
		objs[n++] = obj;
		atomic64_inc(&gomem_central(sec.mc->heap, k)->direct_frees);
	} else if (!gomem_slot_push(slot, obj)) {
		grow_slot(sec.mc, slot, k, batch_size(slot));
		n = take_half(slot, objs, GOMEM_BATCH_MAX);
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
	hand_down(k, objs, n);
}

/**
 * gomem_mcache_is_home - is an object of this CPU's node?
 * @obj: the object
 *
 * Return: the answer, for as long as the CPU is the same.
 */
bool gomem_mcache_is_home(const void *obj)
{
	return gomem_heap_of(obj) == raw_cpu_read(gomem_mcache_task)->heap;
}

/**
 * gomem_mcache_free_direct - free an object of another node, past the caches
 * @k: its kind
 * @obj: the object, with its key set
 *
 * Context: any but NMI; never sleeps. Not with a cache owned.
 */
void gomem_mcache_free_direct(const struct gomem_kind *k, void *obj)
{
	gomem_count(GOMEM_EV_REMOTE_FREES, 1);
	atomic64_inc(&gomem_central(gomem_heap_of(obj), k)->direct_frees);
	hand_down(k, &obj, 1);
}

/**
 * gomem_mcache_free_kind - free objects of one kind that the slot has no room for
 * @k: the kind
 * @objs: the objects, with their keys set
 * @n: how many, at least one
 *
 * Context: any but NMI; never sleeps. Not with a cache owned.
 */
void gomem_mcache_free_kind(const struct gomem_kind *k, void **objs, unsigned int n)
{
	gomem_count(GOMEM_EV_FLUSHES, 1);
	gomem_count(GOMEM_EV_FLUSHED_OBJECTS, n);
	/* Some may be of other nodes: but the sum over all of them is told. */
	atomic64_add(n, &gomem_central(gomem_heap_of(objs[0]), k)->direct_frees);
	hand_down(k, objs, n);
}

static unsigned int spc_of(const void *obj)
{
	unsigned long addr = (unsigned long)obj;

	return gomem_tag_spc(READ_ONCE(gomem_pagemap_chunk(&gomem_pagemap, addr)->
				       tag[gomem_chunk_page(addr)]));
}

/*
 * Move what has the same span class and heap as the first object to the front. Returns
 * how many there are.
 */
static unsigned int gather(void **objs, unsigned int n, unsigned int spc, struct gomem_heap *h)
{
	unsigned int i, same;

	for (i = same = 1; i < n; i++) {
		if (spc_of(objs[i]) != spc || (h->peers && gomem_heap_of(objs[i]) != h))
			continue;
		if (i != same)
			swap(objs[i], objs[same]);
		same++;
	}
	return same;
}

/**
 * gomem_mcache_free_many - free objects that slots have no room for, or no business with
 * @objs: the objects, with their keys set; in another order afterwards
 * @n: how many, up to GOMEM_BATCH_MAX
 * @mixed: they may be of several span classes or heaps
 * @run: they lie side by side in one page, by rising address
 *
 * Context: any but NMI; never sleeps. Not with a cache owned.
 */
void gomem_mcache_free_many(void **objs, unsigned int n, bool mixed, bool run)
{
	unsigned int spc, same;
	struct gomem_heap *h;

	for (; n; n -= same, objs += same) {
		spc = spc_of(objs[0]);
		h = gomem_heap_of(objs[0]);
		same = mixed ? gather(objs, n, spc, h) : n;
		if (gomem_mcache_is_home(objs[0])) {
			gomem_count(GOMEM_EV_FLUSHES, 1);
			gomem_count(GOMEM_EV_FLUSHED_OBJECTS, same);
		} else {
			gomem_count(GOMEM_EV_REMOTE_FREES, same);
		}
		atomic64_add(same, &h->central[spc].direct_frees);
		gomem_mcentral_free(&h->central[spc], objs, same, run);
	}
}

/**
 * gomem_mcache_keep_tiny - make the rest of a block what this CPU goes on with
 * @rest: the rest; then what is left over, to be dropped: the smaller of that and what
 *	the CPU had, which may be none
 *
 * Context: any but NMI. Not with the cache owned.
 */
void gomem_mcache_keep_tiny(struct gomem_tiny *rest)
{
	struct section sec;

	section_enter(&sec, &gomem_kinds[GOMEM_TINY_SPC]);
	if (sec.mc != &gomem_no_mcache && rest->off < sec.mc->tiny.off)
		swap(*rest, sec.mc->tiny);
	section_leave(&sec);
}

static void publish(struct gomem_mcache **where, struct gomem_mcache *mc)
{
	if (!mc)
		return;
	/*
	 * Others look at a cache as soon as they see it: pairs with the address dependency of
	 * readers of another CPU's cache with READ_ONCE(): find_place(), gomem_mcache_drain(),
	 * gomem_mcache_bytes(), check_blocks() of tiny.c.
	 */
	smp_store_release(where, mc);
}

/**
 * gomem_mcache_create - make the caches of a CPU, for tasks and for interrupts
 * @cpu: the CPU, before it starts
 *
 * Without memory it starts all the same, uncached. Interrupts could not make theirs when
 * they need it: that would take several pages in a row, and their time to clear.
 *
 * Context: may sleep.
 */
void gomem_mcache_create(int cpu)
{
	struct gomem_mcache **task = per_cpu_ptr(&gomem_mcache_task, cpu);
	struct gomem_mcache **irq = per_cpu_ptr(&gomem_mcache_irq, cpu);
	struct gomem_heap *h = gomem_cpu_heap(cpu);

	if (*task == &gomem_no_mcache)
		publish(task, mcache_create(h, task_room, task_begin, true));
	if (*irq == &gomem_no_mcache)
		publish(irq, mcache_create(h, irq_room, irq_room, false));
}

/**
 * gomem_mcache_init_none - make the cache that holds nothing, and let each CPU have it
 */
void gomem_mcache_init_none(void)
{
	unsigned int spc;
	int cpu;

	gomem_no_mcache.heap = gomem_first_heap();
	gomem_no_mcache.tiny = GOMEM_TINY_NONE;
	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++)
		slot_init(&gomem_no_mcache.slot[spc], &gomem_kinds[spc], no_objects, 0);
	for_each_possible_cpu(cpu) {
		per_cpu(gomem_mcache_task, cpu) = &gomem_no_mcache;
		per_cpu(gomem_mcache_irq, cpu) = &gomem_no_mcache;
		INIT_WORK(&per_cpu_ptr(&fetches, cpu)->work, fetch_missing);
	}
}

/**
 * gomem_mcache_cancel_fetches - let nothing be fetched for CPUs any more
 *
 * Nobody frees any more.
 *
 * Context: may sleep.
 */
void gomem_mcache_cancel_fetches(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		cancel_work_sync(&per_cpu_ptr(&fetches, cpu)->work);
}

static void mcache_destroy(struct gomem_mcache **where)
{
	struct gomem_mcache *mc = *where;
	void **page, **next;

	*where = &gomem_no_mcache;
	if (mc == &gomem_no_mcache)
		return;
	for (page = mc->stack_pages; page; page = next) {
		next = *page;
		gomem_meta_put(mc->heap->source, page, PAGE_SIZE);
		mc->bytes -= PAGE_SIZE;
	}
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

/**
 * gomem_mcache_bytes - memory that the caches themselves take, transfer caches included
 *
 * Return: bytes, without the objects in them.
 */
size_t gomem_mcache_bytes(void)
{
	struct gomem_heap *h;
	size_t bytes = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		bytes += READ_ONCE(per_cpu(gomem_mcache_task, cpu))->bytes;
		bytes += READ_ONCE(per_cpu(gomem_mcache_irq, cpu))->bytes;
	}
	for_each_gomem_heap(h)
		bytes += atomic_long_read(&h->transfer_pages) << PAGE_SHIFT;
	return bytes;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_mcache_bytes);
