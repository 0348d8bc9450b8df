// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_latency.c - measure how long a CPU has interrupts off, and how long a
 * task that is ready has to wait for the CPU.
 *
 * The module works with any code, not only gomem's. A timer interrupt comes
 * every PERIOD_NS. Its delay tells for how long interrupts were off, to within
 * one period. Every WAKE_EACH-th interrupt wakes a task of real-time priority.
 * The delay until this task runs tells how long it was ready and could not run.
 * On a kernel with preempt=voluntary, the task waits until the running task
 * calls cond_resched(), sleeps, or returns to user space.
 *
 * A script writes 1 to the parameter watch, starts the work to measure, and
 * writes 0. Then the parameter worst has the longest delay of each kind, in
 * nanoseconds: "OFF WAIT". The parameter where has the stack of the code that
 * enabled interrupts after they were off for the longest time. The parameter
 * where_wait has the stack of the code that kept the CPU during the longest
 * wait, or during a wait that was at least half as long. Under scripts/vm
 * --accel=icount the guest's clock advances one nanosecond per instruction, so
 * the numbers are counts of instructions. The module watches one CPU only: use
 * a machine with one CPU.
 */
#define pr_fmt(fmt) "gomem_latency: " fmt

#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/stacktrace.h>
#include <linux/timekeeping.h>

#include "base/compat.h"

#define PERIOD_NS	10000
#define WAKE_EACH	20

static struct hrtimer bell;
static struct task_struct *waiter;

/*
 * due is the time at which the timer woke the waiter; 0 if the waiter has run
 * since. The timer sets due, and the waiter clears it. Both are on the same
 * CPU. While the timer runs, each other variable has one writer: set_watch()
 * writes watching, and the timer or the waiter writes each of the others.
 */
static u64 due;
static unsigned int rings;
static u64 worst_off, worst_wait, long_wait;
static bool watching;

struct stack {
	unsigned long entry[24];
	unsigned int n;
};

static struct stack where_off, where_wait;

static void save(struct stack *st)
{
	st->n = stack_trace_save(st->entry, ARRAY_SIZE(st->entry), 0);
}

static void note_off(u64 off)
{
	if (off <= worst_off)
		return;
	worst_off = off;
	save(&where_off);
}

/*
 * The waiter has waited for @wait nanoseconds, and still cannot run. Save the
 * stack of the interrupted code each time the longest wait has doubled. At the
 * end of the wait it would be too late: another task may have the CPU then.
 */
static void note_wait(u64 wait)
{
	if (wait <= 2 * long_wait)
		return;
	long_wait = wait;
	save(&where_wait);
}

static enum hrtimer_restart ring(struct hrtimer *timer)
{
	u64 now = ktime_get_ns(), set = ktime_to_ns(hrtimer_get_expires(timer));

	note_off(now - min(now, set));
	if (READ_ONCE(due)) {
		note_wait(now - due);
	} else if (++rings >= WAKE_EACH) {
		rings = 0;
		WRITE_ONCE(due, now);
		wake_up_process(waiter);
	}
	hrtimer_forward_now(timer, ns_to_ktime(PERIOD_NS));
	return HRTIMER_RESTART;
}

static int wait_fn(void *unused)
{
	u64 was;

	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		was = READ_ONCE(due);
		if (was) {
			__set_current_state(TASK_RUNNING);
			worst_wait = max(worst_wait, ktime_get_ns() - was);
			WRITE_ONCE(due, 0);
		} else if (!kthread_should_stop()) {
			schedule();
		}
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static void start(void)
{
	worst_off = 0;
	worst_wait = 0;
	long_wait = 0;
	hrtimer_start(&bell, ns_to_ktime(PERIOD_NS),
		      HRTIMER_MODE_REL_PINNED_HARD);
}

static int set_watch(const char *text, const struct kernel_param *kp)
{
	bool on;
	int err = kstrtobool(text, &on);

	if (err)
		return err;
	if (!waiter)
		return -ENXIO;
	hrtimer_cancel(&bell);
	if (on)
		start();
	watching = on;
	return 0;
}

static int get_worst(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%llu %llu\n", worst_off, worst_wait);
}

static int get_where(char *buf, const struct kernel_param *kp)
{
	const struct stack *st = kp->arg;
	unsigned int i;
	int len = 0;

	for (i = 0; i < st->n; i++)
		len += sysfs_emit_at(buf, len, "%pS\n", (void *)st->entry[i]);
	return len;
}

static const struct kernel_param_ops watch_ops = {
	.set = set_watch,
	.get = param_get_bool
};
module_param_cb(watch, &watch_ops, &watching, 0600);
MODULE_PARM_DESC(watch, "1: forget what was, and watch this CPU; 0: stop");

static const struct kernel_param_ops worst_ops = { .get = get_worst };
module_param_cb(worst, &worst_ops, NULL, 0400);
MODULE_PARM_DESC(worst,
		 "Longest time with interrupts off, and longest wait to run, in ns");

static const struct kernel_param_ops where_ops = { .get = get_where };
module_param_cb(where, &where_ops, &where_off, 0400);
MODULE_PARM_DESC(where,
		 "The stack, innermost first, when interrupts came on again after the longest time");
module_param_cb(where_wait, &where_ops, &where_wait, 0400);
MODULE_PARM_DESC(where_wait,
		 "A stack that ran during the longest wait");

static int __init gomem_latency_init(void)
{
	struct task_struct *task;

	gomem_hrtimer_setup(&bell, ring, HRTIMER_MODE_REL_PINNED_HARD);
	task = kthread_create(wait_fn, NULL, "gomem_latency");
	if (IS_ERR(task))
		return PTR_ERR(task);
	sched_set_fifo(task);
	kthread_bind(task, raw_smp_processor_id());
	waiter = task;
	wake_up_process(task);
	return 0;
}

static void __exit gomem_latency_exit(void)
{
	hrtimer_cancel(&bell);
	kthread_stop(waiter);
}

module_init(gomem_latency_init);
module_exit(gomem_latency_exit);

MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: how long a CPU is kept from others");
MODULE_LICENSE("GPL");
