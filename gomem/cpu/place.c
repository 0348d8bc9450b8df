// SPDX-License-Identifier: GPL-2.0
/*
 * place.c - find, read and empty the slots of any CPU.
 */
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "cpu/mcentral.h"
#include "cpu/place.h"

/**
 * gomem_place_find - find a CPU's slot for a kind
 * @k: the kind, not a large one
 * @cpu: the CPU
 * @irq: find the slot for interrupts instead of that for tasks
 * @p: set to the slot
 *
 * Context: any.
 * Return: true; false if the slot of @k is in an mcache, and the CPU has no
 * mcache. Then @p is set to a slot of gomem_no_mcache, which is empty and must
 * not be written.
 */
bool gomem_place_find(const struct gomem_kind *k, int cpu, bool irq,
		      struct gomem_place *p)
{
	struct gomem_cache_slot *cs;

	p->kind = k;
	if (k->cache) {
		cs = irq ? &per_cpu_ptr(k->cpu, cpu)->irq :
			   &per_cpu_ptr(k->cpu, cpu)->task;
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

/**
 * gomem_place_view - read a slot that its CPU may use concurrently
 * @p: the slot
 * @v: set to what was read
 *
 * Sums of such reads are approximate, but exact if no CPU uses its slots
 * meanwhile. @v->held is read before @v->allocs and @v->flushed. So an object
 * that leaves the slot between these reads is counted twice: as held, and as
 * allocated or flushed. In the other order it could be missed, and count_slot()
 * in count.c could then count fewer than 0 frees. If the slot moves to another
 * stack meanwhile, the difference of its pointers is meaningless. So the
 * difference is limited to the number of objects that the slot can hold.
 *
 * Context: any.
 */
void gomem_place_view(const struct gomem_place *p, struct gomem_slot_view *v)
{
	const struct gomem_slot *slot = p->slot;
	unsigned int begin = gomem_slot_first_capacity(p->kind, slot->room);

	v->refilled = data_race(slot->refilled);	/* may be stale */
	barrier();
	/* May be stale. */
	v->held = data_race(slot->top - gomem_slot_bottom(slot));
	v->held = min_t(u64, v->held, slot->room);
	barrier();
	v->allocs = gomem_slot_allocs(slot);
	v->flushed = data_race(slot->flushed);		/* may be stale */
	v->span = data_race(slot->span);		/* may be stale */
	v->grown = data_race(slot->capacity) != begin;	/* may be stale */
}

/**
 * gomem_place_empty - take up to GOMEM_BATCH_MAX objects out of a slot
 * @p: the slot; the caller owns it, or its CPU is dead
 * @objs: set to the objects
 * @span: set to the slot's span if it was taken, too; else to NULL
 *
 * If this empties the slot, also take its span, and return the slot to its
 * initial capacity and stack.
 *
 * Return: number of objects. If it is GOMEM_BATCH_MAX, the slot may have more.
 */
unsigned int gomem_place_empty(struct gomem_place *p, void **objs,
			       struct gomem_span **span)
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

/**
 * gomem_place_free - free what gomem_place_empty() took
 * @k: the kind of the objects
 * @objs: the objects
 * @n: number of objects
 * @span: the span that gomem_place_empty() took, or NULL
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_place_free(const struct gomem_kind *k, void **objs, unsigned int n,
		      struct gomem_span *span)
{
	gomem_mcache_free_home(k, objs, n);
	if (span)
		gomem_mcentral_uncache(span);
}

/**
 * gomem_visit_slot_kinds - call a function for all kinds that have slots
 * @fn: the function. It may take objects out of slots
 * @arg: passed to @fn
 *
 * Typed caches that a task is destroying are left out.
 *
 * Context: process.
 */
void gomem_visit_slot_kinds(void (*fn)(const struct gomem_kind *k, void *arg),
			    void *arg)
{
	unsigned int spc;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++)
		fn(&gomem_kinds[spc], arg);
	gomem_visit_typed_live(fn, arg);
}

/**
 * gomem_visit_slot_kinds_at_once - do what gomem_visit_slot_kinds() does, for a
 *	caller that runs in a work bound to a CPU
 * @fn: the function; see gomem_visit_typed_at_once()
 * @arg: passed to @fn
 *
 * Context: process.
 */
void gomem_visit_slot_kinds_at_once(gomem_kind_fn fn, void *arg)
{
	unsigned int spc;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		fn(&gomem_kinds[spc], arg);
		cond_resched();
	}
	gomem_visit_typed_at_once(fn, arg);
}
