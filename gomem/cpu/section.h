/* SPDX-License-Identifier: GPL-2.0 */
/*
 * section.h - sections: code that owns an mcache of its CPU.
 *
 * A section on the mcache for tasks has preemption off. A section on the mcache
 * for interrupts has interrupts off. mcache.h explains why no other code can
 * change the mcache meanwhile. A section also owns the CPU's slots of typed
 * caches, for tasks or for interrupts.
 * gomem takes no lock in a section, and holds none around it. "Not in a
 * section" in the comment of a function says that the function may take a lock,
 * or begins a section itself.
 */
#ifndef GOMEM_SECTION_H
#define GOMEM_SECTION_H

#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/preempt.h>

#include "map/kind.h"
#include "cpu/mcache.h"

/**
 * struct gomem_section - the mcache that a section owns, and how to end the
 *	section
 * @mc: the mcache; &gomem_no_mcache if the CPU has none
 * @flags: interrupt state before the section, if @irq
 * @irq: the mcache is that for interrupts
 */
struct gomem_section {
	struct gomem_mcache *mc;
	unsigned long flags;
	bool irq;
};

/*
 * Begin a section. It owns this CPU's mcache for interrupts if @irq is true,
 * else this CPU's mcache for tasks.
 */
static __always_inline void gomem_section_enter(struct gomem_section *sec,
						bool irq)
{
	sec->irq = irq;
	if (irq) {
		local_irq_save(sec->flags);
		sec->mc = raw_cpu_read(gomem_mcache_irq);
	} else {
		preempt_disable();
		sec->mc = raw_cpu_read(gomem_mcache_task);
	}
}

static __always_inline void gomem_section_leave(struct gomem_section *sec)
{
	if (sec->irq)
		local_irq_restore(sec->flags);
	else
		preempt_enable();
}

/* Return this CPU's slot for a kind. The section owns it. */
static __always_inline struct gomem_slot *
gomem_section_slot(const struct gomem_section *sec, const struct gomem_kind *k)
{
	struct gomem_cache_cpu *cc;

	if (!k->cache)
		return &sec->mc->slot[k->spc];
	cc = raw_cpu_ptr(k->cpu);
	return sec->irq ? &cc->irq.slot : &cc->task.slot;
}

/*
 * May this CPU's slot for a kind be used? Not if the slot is in
 * gomem_no_mcache, which stands for an mcache that the CPU does not have.
 */
static __always_inline bool gomem_section_holds(const struct gomem_section *sec,
						const struct gomem_kind *k)
{
	return k->cache || sec->mc != &gomem_no_mcache;
}

#endif /* GOMEM_SECTION_H */
