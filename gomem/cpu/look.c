// SPDX-License-Identifier: GPL-2.0
/*
 * look.c - find slots that are idle.
 *
 * A look runs on any CPU, concurrently with the CPU that uses the slots. It
 * changes no slot. It only stores how often each slot was used, and whether the
 * slot is idle. If it reads inconsistent values of a slot, the slot counts as
 * used until a later look.
 */
#include <linux/percpu.h>

#include "cpu/look.h"
#include "cpu/place.h"

/*
 * Return how many allocations and frees a slot has served so far. Objects that
 * move between slot and spans do not change this number.
 */
static u32 slot_uses(const struct gomem_slot_view *v)
{
	return 2 * v->allocs + v->held + v->flushed - v->refilled;
}

/*
 * Return the position of the next tiny object as one number. If the object that
 * was cut last is freed, its bytes become rest again: see map/tinyblock.h. So
 * if a CPU allocates and frees a tiny object in turn, the looks may always find
 * the same position. Then the block counts as idle although it is used, and the
 * CPU loses it. This happens at most once a look.
 */
static unsigned long tiny_pos(const struct gomem_mcache *mc)
{
	/*
	 * If the CPU changes mc->tiny concurrently, the sum may mix old and new
	 * values. At worst a used block then counts as idle, as above. The sum
	 * stays the same for an idle block, which the CPU does not change.
	 */
	return data_race(mc->tiny.block) + data_race(mc->tiny.off);
}

static bool look_at_tiny(struct gomem_mcache *mc)
{
	unsigned long pos = tiny_pos(mc);
	bool idle = pos == mc->tiny_seen && pos != GOMEM_TINY_GRAINS;

	if (mc == &gomem_no_mcache)
		return false;
	WRITE_ONCE(mc->tiny_idle, idle);
	WRITE_ONCE(mc->tiny_seen, pos);
	return idle;
}

/*
 * Look at a slot, and store its number of uses. Return true if the slot has not
 * been used since the last look, and has objects, a span, or more than its
 * initial capacity.
 */
static bool look_at_slot(const struct gomem_kind *k, int cpu, bool irq)
{
	struct gomem_slot_view v;
	struct gomem_place p;
	bool idle;

	if (!gomem_place_find(k, cpu, irq, &p))
		return false;
	gomem_place_view(&p, &v);
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

/**
 * gomem_look_at_cpu - look at all slots and the current tiny blocks of a CPU
 * @cpu: the CPU
 *
 * Context: process. One caller at a time.
 * Return: true if a slot or a current tiny block of the CPU is idle, and has
 * memory to drain.
 */
bool gomem_look_at_cpu(int cpu)
{
	struct look look = { .cpu = cpu };

	look.found = look_at_tiny(READ_ONCE(per_cpu(gomem_mcache_task, cpu)));
	look.found |= look_at_tiny(READ_ONCE(per_cpu(gomem_mcache_irq, cpu)));
	gomem_visit_slot_kinds(look_for_idle, &look);
	return look.found;
}

/**
 * gomem_slot_is_idle - was a slot idle at the last look, and not used since?
 * @p: the slot, which the caller owns
 *
 * Return: true if so.
 */
bool gomem_slot_is_idle(const struct gomem_place *p)
{
	struct gomem_slot_view v;

	if (!READ_ONCE(*p->idle))
		return false;
	gomem_place_view(p, &v);
	return slot_uses(&v) == READ_ONCE(*p->seen);
}

/**
 * gomem_tiny_is_idle - did a CPU's current block stay the same for two looks?
 * @mc: the mcache whose tiny objects are cut from the block; the caller owns it
 *
 * Return: true if the CPU has a block, and if the last two looks and this call
 * see the same tiny_pos().
 */
bool gomem_tiny_is_idle(const struct gomem_mcache *mc)
{
	return READ_ONCE(mc->tiny_idle) &&
	       tiny_pos(mc) == READ_ONCE(mc->tiny_seen);
}
