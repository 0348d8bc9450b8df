// SPDX-License-Identifier: GPL-2.0
/*
 * slots.c - the slots of the CPU that runs the case.
 */
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "slots.h"
#include "cpu/node.h"
#include "run/epoch.h"

static struct gomem_mcache *slots_pin(void)
{
	int cpu = raw_smp_processor_id();

	set_cpus_allowed_ptr(current, cpumask_of(cpu));
	return per_cpu(gomem_mcache_task, cpu);
}

unsigned int slots_spc_of(unsigned int size)
{
	return gomem_spc_make(gomem_sizeclass(size), false);
}

unsigned int slots_held_by(const struct gomem_mcache *mc, unsigned int spc)
{
	return mc->slot[spc].top - gomem_slot_bottom(&mc->slot[spc]);
}

/*
 * Pretend that slots of a CPU were refilled and flushed with @moved bytes in
 * the current second, and let that second last for 1000 seconds. In a small
 * heap, slots can grow large only if many bytes are refilled and flushed.
 */
void slots_set_earned(struct gomem_mcache *mc, size_t moved)
{
	preempt_disable();
	mc->moved = moved;
	mc->moved_until = jiffies + 1000 * HZ;
	preempt_enable();
}

/*
 * Run @body with all slots empty, and with slots_set_earned(), so that slots
 * can grow. Repeat this until no look of an epoch ran at the same time as
 * @body. @body stores its observations in @seen, which the caller checks.
 */
void slots_run_undisturbed(struct kunit *test,
			   void (*body)(struct stats_fixture *f,
					struct gomem_mcache *mc,
					const struct slot_case *c, void *seen),
			   void *seen, size_t size)
{
	struct gomem_mcache *mc = slots_pin();
	struct stats_fixture *f = test->priv;
	unsigned int i;
	u64 epochs;

	for (i = 0; i < TRIES; i++) {
		memset(seen, 0, size);
		gomem_scavenge_all();
		epochs = gomem_looks();
		slots_set_earned(mc, SZ_1G);
		body(f, mc, test->param_value, seen);
		slots_set_earned(mc, 0);
		books_unmake_n(f, MAX_OBJECTS);
		/* This waits for a look that is under way. */
		gomem_scavenge_all();
		if (epochs == gomem_looks())
			return;
	}
	kunit_skip(test, "an epoch ended each time");
}

/*
 * Allocate up to @n objects of one size. The model of the counters (books.h)
 * does not count them. Return the number of all objects in f->obj.
 */
unsigned int books_make_n(struct stats_fixture *f, unsigned int size,
			  unsigned int n)
{
	while (n-- && f->nr < MAX_OBJECTS) {
		f->obj[f->nr] = gomem_alloc(size, GFP_KERNEL);
		f->nr += !!f->obj[f->nr];
	}
	return f->nr;
}
