// SPDX-License-Identifier: GPL-2.0
/*
 * eachcpu.c - run a function on each CPU, and wait with a timeout until all of
 *	them have run it.
 */
#include <linux/cpu.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched.h>

#include "base/queue.h"
#include "cpu/eachcpu.h"

/*
 * Call the function of a struct gomem_eachcpu in the work of one CPU. If that
 * CPU has died since the work was queued, the work runs on another CPU, and the
 * function acts on the slots of that other CPU. The slots of the dead CPU need
 * no work: gomem_mcache_cpu_dead(), a callback of CPU hotplug, empties them.
 */
static void run(struct work_struct *work)
{
	struct gomem_eachcpu_work *w =
		container_of(work, struct gomem_eachcpu_work, work);
	unsigned long arg = xchg(&w->arg, GOMEM_EACHCPU_NO_ARG);
	struct gomem_eachcpu *e = w->owner;

	/*
	 * There is no argument if the previous run of this work began between
	 * queue()'s store of the argument and its queue_work_on(): then that
	 * run took the argument.
	 */
	if (arg != GOMEM_EACHCPU_NO_ARG)
		e->fn(arg);
	if (atomic_dec_and_test(&e->queued))
		wake_up(&e->done);
}

static void queue(struct gomem_eachcpu *e, int cpu, unsigned long arg)
{
	struct gomem_eachcpu_work *w = per_cpu_ptr(e->works, cpu);

	/*
	 * run() may take the argument concurrently. An earlier argument that
	 * run() has not taken yet stays, unless the new argument is 0, which
	 * asks for the most work.
	 */
	if (arg)
		cmpxchg(&w->arg, GOMEM_EACHCPU_NO_ARG, arg);
	else
		xchg(&w->arg, 0);
	atomic_inc(&e->queued);
	/*
	 * If the work is still queued from the last call, undo the increment.
	 * If that work ends before the count goes down here, run() does not
	 * see the count become 0, so this function wakes the waiters.
	 */
	if (!queue_work_on(cpu, gomem_percpu_wq, &w->work) &&
	    atomic_dec_and_test(&e->queued))
		wake_up(&e->done);
}

/**
 * gomem_eachcpu_run - run a function on CPUs that are online
 * @e: the function is @e->fn()
 * @wanted: returns true if a CPU has to run the function; NULL for all CPUs
 * @arg: argument of the function, and of @wanted
 * @ms: how long to wait for the CPUs, in milliseconds. A CPU may run the
 *	function later
 *
 * @wanted is called with cpus_read_lock() held, so that the CPU stays online
 * until its work is queued. The lock is dropped before the wait, so that CPUs
 * can go offline during the wait, and so that the function may take the lock.
 * If no CPU is wanted, this function does not wait for late CPUs of earlier
 * calls.
 *
 * Context: may sleep. The caller must not hold cpus_read_lock(), and must not
 * be a callback of CPU hotplug.
 */
void gomem_eachcpu_run(struct gomem_eachcpu *e,
		       bool (*wanted)(int cpu, unsigned long arg),
		       unsigned long arg, unsigned int ms)
{
	bool any = false;
	int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		if (!wanted || wanted(cpu, arg)) {
			queue(e, cpu, arg);
			any = true;
		}
		cond_resched();
	}
	cpus_read_unlock();
	if (any)
		gomem_eachcpu_wait(e, ms);
}

/**
 * gomem_eachcpu_wait - wait, with a timeout, until all queued works are done
 * @e: the function that the works call, and its works
 * @ms: timeout in milliseconds
 *
 * Context: may sleep.
 */
void gomem_eachcpu_wait(struct gomem_eachcpu *e, unsigned int ms)
{
	might_sleep();
	wait_event_timeout(e->done, !atomic_read(&e->queued),
			   msecs_to_jiffies(ms));
}

/**
 * gomem_eachcpu_cancel - cancel works that are queued, wait for running ones
 * @e: the function that the works call, and its works. The caller makes sure
 *	that gomem_eachcpu_run() is not called for @e any more
 *
 * Context: may sleep.
 */
void gomem_eachcpu_cancel(struct gomem_eachcpu *e)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (cancel_work_sync(&per_cpu_ptr(e->works, cpu)->work))
			atomic_dec(&e->queued);
}

/**
 * gomem_eachcpu_init - prepare for gomem_eachcpu_run()
 * @e: made by DEFINE_GOMEM_EACHCPU()
 */
void gomem_eachcpu_init(struct gomem_eachcpu *e)
{
	struct gomem_eachcpu_work *w;
	int cpu;

	init_waitqueue_head(&e->done);
	for_each_possible_cpu(cpu) {
		w = per_cpu_ptr(e->works, cpu);
		w->owner = e;
		w->arg = GOMEM_EACHCPU_NO_ARG;
		INIT_WORK(&w->work, run);
	}
}
