/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nmi.h - pretend to be in an NMI. gomem recognises an NMI by the preemption
 * count alone.
 */
#ifndef GOMEM_TEST_NMI_H
#define GOMEM_TEST_NMI_H

#include <linux/irqflags.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>

static inline void enter_nmi(unsigned long *flags)
{
	local_irq_save(*flags);
	lockdep_off();
	__preempt_count_add(NMI_OFFSET + HARDIRQ_OFFSET);
}

static inline void leave_nmi(unsigned long *flags)
{
	__preempt_count_sub(NMI_OFFSET + HARDIRQ_OFFSET);
	lockdep_on();
	local_irq_restore(*flags);
}

#endif /* GOMEM_TEST_NMI_H */
