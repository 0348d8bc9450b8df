// SPDX-License-Identifier: GPL-2.0
/*
 * registers.c - scan the registers of all CPUs for pointers to objects.
 *
 * A task that does not run has its registers on its stack. The stack of a task
 * that runs may be read before it stores a pointer there. So each CPU is
 * interrupted, and copies the registers of what it was doing.
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/smp.h>
#include <linux/string.h>

#include <asm/irq_regs.h>

#include "base/hide.h"
#include "run/marks.h"
#include "run/registers.h"

/* Called on each CPU, in a hard interrupt, except on the one that scans. */
static void copy_registers(void *arg)
{
	struct pt_regs *all = arg, *regs = get_irq_regs();

	if (regs && !user_mode(regs))
		all[smp_processor_id()] = *regs;
}

/**
 * gomem_registers_scan - mark all objects that registers point to
 * @m: the marks
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_registers_scan(struct gomem_marks *m)
{
	size_t bytes = nr_cpu_ids * sizeof(struct pt_regs);
	void *all = alloc_pages_exact(bytes, GFP_KERNEL | __GFP_ZERO);

	if (!all)
		return -ENOMEM;
	gomem_hide_pages(all, bytes);
	on_each_cpu(copy_registers, all, true);
	gomem_marks_words(m, all, bytes / sizeof(unsigned long));
	memset(all, 0, bytes);
	gomem_unhide_pages(all, bytes);
	free_pages_exact(all, bytes);
	return 0;
}
