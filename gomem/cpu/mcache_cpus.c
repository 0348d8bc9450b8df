// SPDX-License-Identifier: GPL-2.0
/*
 * mcache_cpus.c - give mcaches to CPUs that come online. Drain the slots of
 * CPUs that died, and those of all CPUs when the module exits.
 */
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/sched.h>

#include "base/hide.h"
#include "base/stats.h"
#include "cpu/drain.h"
#include "cpu/mcentral.h"
#include "cpu/node.h"
#include "cpu/place.h"

static int mcache_cpuhp_state;

/* Empty the slots for a kind on a CPU that does not use them any more. */
static void drain_dead(const struct gomem_kind *k, void *arg)
{
	int *cpu = arg, irq;
	void *objs[GOMEM_BATCH_MAX];
	struct gomem_span *span;
	struct gomem_place p;
	unsigned int n;

	for (irq = 0; irq < 2; irq++) {
		if (!gomem_place_find(k, *cpu, irq, &p))
			continue;
		do {
			n = gomem_place_empty(&p, objs, &span);
			gomem_place_free(k, objs, n, span);
			gomem_wipe(objs, n);
		} while (n == GOMEM_BATCH_MAX);
	}
	cond_resched();
}

static void drop_dead(struct gomem_mcache *mc)
{
	if (mc == &gomem_no_mcache)
		return;
	gomem_mcache_drop_tiny(&mc->tiny);
	mc->tiny = GOMEM_TINY_NONE;
}

/**
 * gomem_mcache_drain_kind - empty slots and transfer caches of a typed cache
 * @k: its kind; no other task or interrupt uses the typed cache
 */
void gomem_mcache_drain_kind(const struct gomem_kind *k)
{
	int cpu;

	for_each_possible_cpu(cpu)
		drain_dead(k, &cpu);
	gomem_drain_kinds_transfers(k);
}

static int gomem_mcache_cpu_prepare(unsigned int cpu)
{
	gomem_mcache_create(cpu);
	return 0;
}

/*
 * Called after a CPU died, when no code uses its mcaches and slots. Empty the
 * slots, and keep the memory of the mcaches for the time when the CPU comes
 * back. Also called for each online CPU when the module exits.
 */
static int gomem_mcache_cpu_dead(unsigned int cpu)
{
	int dead = cpu;

	drop_dead(per_cpu(gomem_mcache_task, cpu));
	drop_dead(per_cpu(gomem_mcache_irq, cpu));
	gomem_visit_slot_kinds(drain_dead, &dead);
	gomem_count(GOMEM_EV_CPU_DRAINS, 1);
	return 0;
}

/**
 * gomem_mcache_init - give each CPU its mcaches
 *
 * Context: may sleep.
 * Return: 0, or an error of the CPU hotplug core.
 */
int gomem_mcache_init(void)
{
	struct gomem_heap *h;
	int state;

	gomem_drain_init();
	for_each_gomem_heap(h)
		h->relieve = gomem_mcache_relieve;
	gomem_mcache_init_none();
	state = cpuhp_setup_state(CPUHP_BP_PREPARE_DYN, "mm/gomem:mcache",
				  gomem_mcache_cpu_prepare,
				  gomem_mcache_cpu_dead);
	if (state < 0)
		return state;
	mcache_cpuhp_state = state;
	return 0;
}

/**
 * gomem_mcache_exit - empty all slots and transfer caches when the module exits
 *
 * No CPU allocates or frees any more. The counts in the slots can still be read
 * until gomem_mcache_free_memory() frees the mcaches.
 *
 * Context: may sleep.
 */
void gomem_mcache_exit(void)
{
	struct gomem_heap *h;
	unsigned int spc;

	gomem_drain_cancel();
	gomem_slot_cancel_fetches();
	cpuhp_remove_state(mcache_cpuhp_state);
	for_each_gomem_heap(h) {
		for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
			gomem_mcentral_drain(&h->central[spc], false);
			gomem_mcentral_sweep(&h->central[spc]);
		}
	}
}
