// SPDX-License-Identifier: GPL-2.0
/*
 * arm.c - restart a slot's countdown to the next sample of the heap profile:
 *	after a hit that ended the countdown, and in all slots when the
 *	profile's rate changes.
 */
#include <kunit/visibility.h>

#include "base/sample.h"
#include "cpu/arm.h"
#include "cpu/eachcpu.h"
#include "cpu/mcache.h"
#include "cpu/place.h"
#include "cpu/section.h"

/*
 * Start the countdown to the next sample in this CPU's slot for a kind. Draw
 * the random length of the countdown before the section, because drawing may
 * take a lock that sleeps on PREEMPT_RT.
 */
static void arm_slot(const struct gomem_kind *k, bool irq)
{
	struct gomem_section sec;
	u8 thin;
	s32 left = gomem_sample_objects(k->object_size, &thin);

	gomem_section_enter(&sec, irq);
	if (gomem_section_holds(&sec, k))
		gomem_slot_arm(gomem_section_slot(&sec, k), left, thin);
	gomem_section_leave(&sec);
}

static void arm_kind(const struct gomem_kind *k, void *unused)
{
	arm_slot(k, false);
	arm_slot(k, true);
}

/**
 * gomem_arm_sampled - start the countdown of a slot anew after a hit ended it
 * @k: the slot's kind
 *
 * The caller may have moved to another CPU since the hit. Then the countdown of
 * this CPU's slot goes on. The countdown of the slot that had the hit stays
 * negative, so the next hit of that slot is sampled instead of this one.
 *
 * Context: any but NMI. Not in a section.
 * Return: if the caller's object has to be recorded, the value that
 * gomem_sampler.thin had when the countdown that ended was drawn, or 0 at the
 * rate 1; else -1.
 */
int gomem_arm_sampled(const struct gomem_kind *k)
{
	struct gomem_section sec;
	struct gomem_slot *slot;
	int drawn = -1;
	u8 thin;
	s32 left = gomem_sample_objects(k->object_size, &thin);

	gomem_section_enter(&sec, gomem_irq_context());
	slot = gomem_section_slot(&sec, k);
	if (gomem_section_holds(&sec, k) && slot->left < 0) {
		drawn = slot->thin;
		gomem_slot_arm(slot, left, thin);
	}
	gomem_section_leave(&sec);
	switch (READ_ONCE(gomem_profile_rate)) {
	case 0:
		return -1;
	case 1:
		return 0;
	default:
		return drawn;
	}
}

/* Start the countdowns to the next sample in all slots of this CPU. */
static void arm_this_cpu(unsigned long unused)
{
	gomem_visit_slot_kinds_at_once(arm_kind, NULL);
	/*
	 * Of the tiny objects that share a block, only the first can be
	 * sampled. So drop the rests of the current blocks: objects cut from
	 * them would not be sampled, whatever the new rate is.
	 */
	gomem_mcache_drain_tiny(false, false);
	gomem_mcache_drain_tiny(true, false);
}

DEFINE_GOMEM_EACHCPU(arms, arm_this_cpu);

/**
 * gomem_arm_all - restart the countdowns of all CPUs' slots after the profile's
 *	rate has changed
 *
 * A CPU that is too busy to run its work within a second restarts its
 * countdowns later. A CPU that is offline keeps its countdowns, which may be
 * longer than at the new rate.
 *
 * Context: may sleep, for a second at most.
 */
void gomem_arm_all(void)
{
	gomem_eachcpu_run(&arms, NULL, 0, GOMEM_DRAIN_ALL_MS);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_arm_all);

/**
 * gomem_arm_cancel - cancel works that gomem_arm_all() did not wait for
 *
 * If such a work is running, wait until it ends.
 *
 * Context: may sleep.
 */
void gomem_arm_cancel(void)
{
	gomem_eachcpu_cancel(&arms);
}

/**
 * gomem_arm_init - set up the works of gomem_arm_all()
 */
void gomem_arm_init(void)
{
	gomem_eachcpu_init(&arms);
}
