/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sleepers.h - tasks that do not run, and what is dead of their stacks.
 */
#ifndef GOMEM_SLEEPERS_H
#define GOMEM_SLEEPERS_H

#include <linux/mm.h>
#include <linux/sched.h>

#define GOMEM_STACK_PAGES	(THREAD_SIZE / PAGE_SIZE)

/**
 * struct gomem_sleeper - a task that did not run when it was looked at
 * @task: the task, with a reference
 * @switches: how often it had been switched out then
 * @dead: bytes at the low end of its stack, below the stack pointer: no
 *	function that the task is in has variables there
 * @pfn: the pages of the stack, the lowest first
 */
struct gomem_sleeper {
	struct task_struct *task;
	unsigned long switches;
	unsigned long dead;
	unsigned long pfn[GOMEM_STACK_PAGES];
};

/**
 * struct gomem_sleepers - the tasks that did not run
 * @list: the tasks
 * @n: how many
 */
struct gomem_sleepers {
	struct gomem_sleeper *list;
	unsigned int n;
};

int gomem_sleepers_find(struct gomem_sleepers *s);
void gomem_sleepers_drop(struct gomem_sleepers *s);
bool gomem_sleeper_slept(const struct gomem_sleeper *s);

#endif /* GOMEM_SLEEPERS_H */
