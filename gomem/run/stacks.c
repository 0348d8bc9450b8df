// SPDX-License-Identifier: GPL-2.0
/*
 * stacks.c - scan the parts of the tasks' stacks that are in use, and the
 * registers of all CPUs, for pointers to objects.
 *
 * Functions that have returned left their variables below the stack pointer.
 * That part of a stack need not be read. No function that still runs has
 * variables there, since kernel code has no red zone on any architecture. If a
 * task does not run, its stack pointer is in its task_struct, and its registers
 * are on its stack. If it runs, its CPU is interrupted, and copies its
 * registers and its stack. So each task is seen at one moment.
 *
 * On x86 the interrupt by which one CPU calls a function on another CPU does
 * not save the interrupted registers for get_irq_regs(). The interrupt of a
 * timer does, on all architectures. So the function that is called starts a
 * timer that has expired already.
 *
 * The task that scans is left out.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/smp.h>
#include <linux/string.h>

#include <asm/irq_regs.h>

#include "base/compat.h"
#include "base/hide.h"
#include "run/marks.h"
#include "run/peek.h"
#include "run/stacks.h"

/*
 * At most this many tasks that do not run are scanned between two calls of
 * cond_resched(): each takes a few microseconds. A task that runs may take
 * MOST_TRIES times MOST_NS, so cond_resched() is called after it.
 */
#define SLICE_TASKS	32

/*
 * Number of attempts to walk through all tasks. A walk cannot go on if it has
 * paused at a task that then exits. The last walk does not pause.
 */
#define MOST_WALKS	10

/*
 * How often to try to copy the part of a task's stack that is in use. A try
 * fails if the task starts or stops running meanwhile, or if its CPU is in a
 * softirq that has a stack of its own. If all tries fail, the whole stack is
 * copied.
 */
#define MOST_TRIES	50

/*
 * Wait at most this long for copy_running(): a hypervisor may stop a virtual
 * CPU for a long time.
 */
#define MOST_NS		(500 * NSEC_PER_USEC)

/* What became of the attempt to copy the stack of a task that runs. */
enum state {
	NOT_RUNNING,
	STARTED,
	COPIED,
};

/**
 * struct look - the stack and the registers of a task, copied for the scan
 * @scanner: the task that scans
 * @task: the task whose stack is copied; NULL: whichever task runs on
 *	the CPU that @timer interrupts
 * @copy: a copy of the part of the task's stack that is in use. It follows this
 *	struct in memory
 * @bytes: length of that part
 * @from: address at which that part begins
 * @timer: interrupts the CPU that runs the task
 * @state: enum state; another CPU changes it
 * @regs: registers of the task, if it runs
 */
struct look {
	struct task_struct *scanner;
	struct task_struct *task;
	unsigned long *copy;
	unsigned long bytes;
	unsigned long from;
	struct hrtimer timer;
	int state;
	struct pt_regs regs;
};

#define LOOK_BYTES	(sizeof(struct look) + THREAD_SIZE)

/* Return the stack pointer of a task that does not run, 0 if it is unknown. */
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

/* Return the stack pointer of interrupted code, 0 if it is unknown. */
static unsigned long interrupted_sp(struct pt_regs *regs)
{
#ifdef CONFIG_UML
	return 0;
#else
	return kernel_stack_pointer(regs);
#endif
}

static bool is_running(const struct task_struct *t)
{
#ifdef CONFIG_SMP
	/*
	 * If the task has left its CPU, the caller sees all that the task wrote
	 * before. Pairs with finish_task() in kernel/sched/core.c.
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
 * Copy the stack that begins at @stack, from @sp on. Return false if @sp does
 * not lie in this stack. If the task exits, its stack may be freed: then less
 * or nothing is copied.
 */
static bool copy_stack(struct look *l, unsigned long stack, unsigned long sp)
{
	unsigned long end = stack + THREAD_SIZE, n;
	void *to = l->copy;

	l->bytes = 0;
	if (sp - stack > THREAD_SIZE)
		return false;
	l->from = sp & ~7UL;
	for (sp = l->from; stack && sp < end; sp += n) {
		n = min(end - sp, PAGE_SIZE - offset_in_page(sp));
		if (!gomem_peek(to + l->bytes, sp, n))
			break;
		l->bytes += n;
	}
	return true;
}

static unsigned long stack_of(const struct task_struct *t)
{
	return (unsigned long)READ_ONCE(t->stack);
}

/*
 * Copy the part in use of the stack of a task that does not run. Return false
 * if the task ran meanwhile, or if its stack pointer is not in its stack.
 */
static bool look_asleep(struct look *l)
{
	unsigned long n = switches(l->task), stack = stack_of(l->task);

	l->bytes = 0;
	if (is_running(l->task))
		return false;
	/* A task that has exited has no stack. */
	if (stack && !copy_stack(l, stack, saved_sp(l->task)))
		return false;
	/*
	 * Check after the copy whether the task has run since @n was read:
	 * then the task still runs, or its number of switches is not @n any
	 * more. Pairs with the barriers in __schedule().
	 */
	smp_rmb();
	return !is_running(l->task) && switches(l->task) == n;
}

static bool is_wanted(const struct look *l)
{
	return l->task ? l->task == current : l->scanner != current;
}

/*
 * Copy the registers and the stack of the task that this CPU runs, if
 * is_wanted() and if the task is not in user mode. Called in a hard interrupt,
 * which may have interrupted a softirq that has a stack of its own. Then the
 * stack pointer does not tell which part of the task's stack is in use, so the
 * stack is not copied. The scan reads stacks of softirqs as it reads other
 * memory.
 */
static enum hrtimer_restart copy_running(struct hrtimer *timer)
{
	struct look *l = container_of(timer, struct look, timer);
	struct pt_regs *regs = get_irq_regs();
	int state = NOT_RUNNING;

	if (regs && is_wanted(l)) {
		state = COPIED;
		if (!user_mode(regs)) {
			l->regs = *regs;
			if (!copy_stack(l, stack_of(current),
					interrupted_sp(regs)) && l->task)
				state = NOT_RUNNING;
		}
	}
	/* Store @state after the copy. Pairs with look_running(). */
	smp_store_release(&l->state, state);
	return HRTIMER_NORESTART;
}

static void start_timer(void *arg)
{
	struct look *l = arg;

	if (!is_wanted(l))
		return;
	l->state = STARTED;
	hrtimer_start(&l->timer, 0, HRTIMER_MODE_REL_PINNED_HARD);
}

/*
 * Copy the stack and the registers of the task that a CPU runs. Return false if
 * this failed, for example because the CPU does not run the wanted task.
 */
static bool look_running(struct look *l, unsigned int cpu)
{
	u64 end = ktime_get_ns() + MOST_NS;

	l->bytes = 0;
	l->state = NOT_RUNNING;
	smp_call_function_single(cpu, start_timer, l, true);
	/*
	 * The state is loaded before the data that copy_running() stored, such
	 * as @l->copy. Pairs with the release in copy_running().
	 */
	while (smp_load_acquire(&l->state) == STARTED && ktime_get_ns() < end)
		cpu_relax();
	hrtimer_cancel(&l->timer);
	return l->state == COPIED;
}

static void mark_found(struct gomem_marks *m, struct look *l)
{
	gomem_marks_reading(m, l->from);
	gomem_marks_words(m, l->copy, l->bytes / sizeof(*l->copy));
	gomem_marks_reading(m, 0);
	gomem_marks_words(m, (unsigned long *)&l->regs,
			  sizeof(l->regs) / sizeof(unsigned long));
	memset(&l->regs, 0, sizeof(l->regs));
}

/*
 * Scan a task. A slice is the tasks that are scanned between two calls of
 * cond_resched(). Return how many of the SLICE_TASKS tasks of a slice this task
 * counts for: 1 if the first try found that the task does not run, else
 * SLICE_TASKS, so that the slice ends.
 */
static unsigned int scan_task(struct gomem_marks *m, struct look *l,
			      struct task_struct *t)
{
	unsigned int tries, took = 1;

	l->task = t;
	for (tries = 0; tries < MOST_TRIES; tries++) {
		if (look_asleep(l))
			break;
		took = SLICE_TASKS;
		if (look_running(l, task_cpu(t)))
			break;
		udelay(tries);
	}
	if (tries == MOST_TRIES)
		copy_stack(l, stack_of(t), stack_of(t));
	mark_found(m, l);
	return took;
}

/*
 * Scan the registers of each CPU, and the stack of the task that it runs. This
 * finds pointers in idle tasks, which are in no list of tasks, and in registers
 * of a softirq that runs on a stack of its own. The softirq's stack is not
 * copied: see copy_running().
 */
static void scan_cpus(struct gomem_marks *m, struct look *l)
{
	unsigned int cpu;

	l->task = NULL;
	for_each_online_cpu(cpu) {
		if (look_running(l, cpu))
			mark_found(m, l);
		cond_resched();
	}
}

/* Let other tasks run. Return false if task @p or @t has exited meanwhile. */
static bool pause_walk(struct task_struct *p, struct task_struct *t)
{
	bool ok;

	get_task_struct(p);
	get_task_struct(t);
	rcu_read_unlock();
	cond_resched();
	rcu_read_lock();
	ok = pid_alive(p) && pid_alive(t);
	put_task_struct(p);
	put_task_struct(t);
	return ok;
}

/*
 * Scan all tasks but current. The RCU read-side section keeps tasks from being
 * freed. Return false if the walk paused at a task, and the task, or the leader
 * of its process, exited meanwhile.
 */
static bool scan_tasks(struct gomem_marks *m, struct look *l, bool may_pause)
{
	struct task_struct *p, *t;
	unsigned int n = 0;
	bool ok = true;

	rcu_read_lock();
	for_each_process_thread(p, t) {
		if (t != current)
			n += scan_task(m, l, t);
		if (n < SLICE_TASKS || !may_pause)
			continue;
		n = 0;
		ok = pause_walk(p, t);
		if (!ok)
			goto out;
	}
out:
	rcu_read_unlock();
	return ok;
}

static void scan_all(struct gomem_marks *m, struct look *l)
{
	unsigned int walks;

	for (walks = 1; walks < MOST_WALKS; walks++)
		if (scan_tasks(m, l, true))
			return;
	scan_tasks(m, l, false);
}

/*
 * Allocate a struct look, followed by memory for the copy of a stack, in pages
 * that are hidden from the scan. Return NULL if there is no memory.
 */
static struct look *create_look(void)
{
	struct look *l = alloc_pages_exact(LOOK_BYTES,
					   GFP_KERNEL | __GFP_ZERO);

	if (!l)
		return NULL;
	gomem_hide_pages(l, LOOK_BYTES);
	l->scanner = current;
	l->copy = (void *)(l + 1);
	gomem_hrtimer_setup(&l->timer, copy_running,
			    HRTIMER_MODE_REL_PINNED_HARD);
	return l;
}

static void destroy_look(struct look *l)
{
	memset(l, 0, LOOK_BYTES);
	gomem_unhide_pages(l, LOOK_BYTES);
	free_pages_exact(l, LOOK_BYTES);
}

/**
 * gomem_stacks_scan - mark all objects that stacks and registers point to
 * @m: the set of marks
 *
 * Without CONFIG_VMAP_STACK, this function does not read the stacks of tasks
 * that do not run. gomem_ram_scan() reads them.
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM, or -EINTR after a signal.
 */
int gomem_stacks_scan(struct gomem_marks *m)
{
	struct look *l;

	l = create_look();
	if (!l)
		return -ENOMEM;
	scan_cpus(m, l);
	if (IS_ENABLED(CONFIG_VMAP_STACK))
		scan_all(m, l);
	scan_cpus(m, l);
	destroy_look(l);
	/*
	 * Follow the pointers in the marked objects now. Later, other code may
	 * have moved them to objects whose pointers were followed already.
	 */
	return gomem_marks_follow(m);
}
