// SPDX-License-Identifier: GPL-2.0
/*
 * sleepers.c - find tasks that do not run, and what is dead of their stacks.
 *
 * A refill has the addresses of up to 64 objects on the stack. They stay there
 * after it has returned, until another call of the task overwrites them. A task
 * that sleeps near the top of its stack would keep them for as long as it
 * sleeps, and the scan for leaks would take them for pointers. What lies below
 * the stack pointer of a task that does not run is not read: no architecture
 * that Linux runs on has a red zone there in the kernel.
 *
 * A task may wake up while memory is scanned. So it is looked at once more
 * after that, and its stack is read if it has run in the meantime.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>

#include "run/peek.h"
#include "run/sleepers.h"

/*
 * How many tasks to look at, which limits the time without a resched. The
 * stacks of others are read whole.
 */
#define MOST_TASKS	1024U

/* Return the stack pointer of a task that does not run; 0: not known here. */
static unsigned long saved_sp(const struct task_struct *t)
{
#if defined(CONFIG_UML)
	return 0;
#elif defined(CONFIG_X86) || defined(CONFIG_RISCV)
	return READ_ONCE(t->thread.sp);
#elif defined(CONFIG_ARM64)
	return READ_ONCE(t->thread.cpu_context.sp);
#else
	return 0;
#endif
}

static bool is_running(const struct task_struct *t)
{
#ifdef CONFIG_SMP
	/*
	 * Before later reads of what the task wrote before it stopped. Pairs
	 * with finish_task() in kernel/sched/core.c.
	 */
	return smp_load_acquire(&t->on_cpu);
#else
	return t == current;
#endif
}

static unsigned long switches(const struct task_struct *t)
{
	return READ_ONCE(t->nvcsw) + READ_ONCE(t->nivcsw);
}

/*
 * Look at a task. The caller is in an RCU read-side section, which keeps the
 * stack of a task that has not exited. Return false if the task runs or exits,
 * or if nothing of its stack is dead.
 */
static bool look_at(struct gomem_sleeper *s, struct task_struct *t)
{
	void *stack = READ_ONCE(t->stack);
	unsigned int i;

	s->task = t;
	s->switches = switches(t);
	if (!stack || is_running(t) || READ_ONCE(t->exit_state))
		return false;
	s->dead = saved_sp(t) - (unsigned long)stack;
	if (!s->dead || s->dead >= THREAD_SIZE)
		return false;
	for (i = 0; i < GOMEM_STACK_PAGES; i++) {
		struct page *page = gomem_page_of(stack + i * PAGE_SIZE);

		if (!page)
			return false;
		s->pfn[i] = page_to_pfn(page);
	}
	return true;
}

/**
 * gomem_sleepers_find - find the tasks that do not run
 * @s: the result, which gomem_sleepers_drop() frees
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_sleepers_find(struct gomem_sleepers *s)
{
	struct task_struct *p, *t;
	unsigned int looked = 0;

	s->n = 0;
	s->list = kvmalloc_array(MOST_TASKS, sizeof(*s->list), GFP_KERNEL);
	if (!s->list)
		return -ENOMEM;
	rcu_read_lock();
	for_each_process_thread(p, t) {
		if (looked++ == MOST_TASKS)
			goto out;
		if (t != current && look_at(&s->list[s->n], t)) {
			get_task_struct(t);
			s->n++;
		}
	}
out:
	rcu_read_unlock();
	return 0;
}

/**
 * gomem_sleepers_drop - free the result of gomem_sleepers_find()
 * @s: the result
 *
 * Context: may sleep.
 */
void gomem_sleepers_drop(struct gomem_sleepers *s)
{
	while (s->n)
		put_task_struct(s->list[--s->n].task);
	kvfree(s->list);
	s->list = NULL;
}

/**
 * gomem_sleeper_slept - tell whether a task has not run since it was found
 * @s: the task
 *
 * A task that has run is either running, or was switched out once more.
 *
 * Return: true if what was dead of its stack stayed dead.
 */
bool gomem_sleeper_slept(const struct gomem_sleeper *s)
{
	return !is_running(s->task) && switches(s->task) == s->switches;
}
