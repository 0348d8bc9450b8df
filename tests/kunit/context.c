// SPDX-License-Identifier: GPL-2.0
/*
 * context.c - run a function in an interrupt, or run a case on a certain CPU.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "context.h"
#include "random.h"

struct call {
	struct irq_work work;
	struct tasklet_struct tasklet;
	void (*fn)(void *arg);
	void *arg;
};

static void call_irq_work(struct irq_work *work)
{
	struct call *call = container_of(work, struct call, work);

	call->fn(call->arg);
}

/**
 * run_in_hardirq - call a function in a hardware interrupt of this CPU, and
 * wait for it
 * @fn: the function
 * @arg: its argument
 *
 * With PREEMPT_RT a thread calls the function, not an interrupt. So cases that
 * test allocations in interrupts use skip_on_rt().
 */
void run_in_hardirq(void (*fn)(void *arg), void *arg)
{
	struct call call = { .fn = fn, .arg = arg };

	init_irq_work(&call.work, call_irq_work);
	irq_work_queue(&call.work);
	irq_work_sync(&call.work);
}

static void call_tasklet(struct tasklet_struct *tasklet)
{
	struct call *call = container_of(tasklet, struct call, tasklet);

	call->fn(call->arg);
}

/**
 * run_in_softirq - call a function in a softirq of this CPU, and wait for it
 * @fn: the function
 * @arg: its argument
 */
void run_in_softirq(void (*fn)(void *arg), void *arg)
{
	struct call call = { .fn = fn, .arg = arg };

	tasklet_setup(&call.tasklet, call_tasklet);
	/*
	 * A softirq that is raised while softirqs are off runs when they are
	 * turned on again, on this CPU.
	 */
	local_bh_disable();
	tasklet_schedule(&call.tasklet);
	local_bh_enable();
	tasklet_kill(&call.tasklet);
}

/**
 * skip_on_rt - skip a case that allocates in interrupts, which PREEMPT_RT does
 * not allow
 * @test: the test
 */
void skip_on_rt(struct kunit *test)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "on PREEMPT_RT allocation is for tasks");
}

/**
 * move_to - run the rest of the case on one CPU
 * @test: the test; each case has a thread of its own, so no other case moves
 * @cpu: an online CPU
 */
void move_to(struct kunit *test, int cpu)
{
	KUNIT_ASSERT_EQ(test, 0,
			set_cpus_allowed_ptr(current, cpumask_of(cpu)));
}

/**
 * stay_here - run the rest of the case on the CPU that runs it now
 * @test: the test
 */
void stay_here(struct kunit *test)
{
	move_to(test, raw_smp_processor_id());
}

/**
 * move_elsewhere - run the rest of the case on any CPU
 * @test: the test
 * @rnd: the generator that chooses the CPU
 */
void move_elsewhere(struct kunit *test, struct rnd_state *rnd)
{
	move_to(test,
		cpumask_nth(below(rnd, num_online_cpus()), cpu_online_mask));
}

/* By how much the cookies of two grace periods in a row differ. */
#define COOKIE_STEP	4UL

/**
 * read_before_grace - begin an RCU read-side section while no grace period runs
 * @test: the test; it gets a line in the log if that is impossible
 *
 * If a grace period ran already, it might have to wait for the section. Then no
 * other one would begin before the section ends, and grace_begins() would
 * return false.
 */
void read_before_grace(struct kunit *test)
	__acquires(RCU)
{
	unsigned int tries = IS_ENABLED(CONFIG_TINY_RCU) ? 0 : 1000;
	unsigned long over;

	for (; tries; tries--) {
		over = get_state_synchronize_rcu();
		synchronize_rcu();
		rcu_read_lock();
		/*
		 * The grace period of the cookie "over" has ended. If none has
		 * begun since, a new cookie is one step further. Otherwise it
		 * is two or more steps further.
		 */
		if (get_state_synchronize_rcu() - over == COOKIE_STEP)
			return;
		rcu_read_unlock();
	}
	if (!IS_ENABLED(CONFIG_TINY_RCU))
		kunit_info(test, "a grace period always runs\n");
	rcu_read_lock();
}

/**
 * grace_begins - wait until the grace period of a cookie has begun
 * @gp: the cookie. Its grace period cannot end meanwhile, because the caller is
 *	in an RCU read-side section
 *
 * Return: true if cookies that are taken from now on differ from @gp. With Tiny
 *	RCU they are equal to @gp until that grace period is over: return false.
 */
bool grace_begins(unsigned long gp)
{
	unsigned int ms;

	if (IS_ENABLED(CONFIG_TINY_RCU))
		return false;
	/*
	 * Start a normal grace period, in case the caller has started only an
	 * expedited one. A thread of RCU, which may run on any CPU, begins a
	 * normal one. An expedited one may need a work that only this CPU can
	 * run, and this CPU is busy with the loop below.
	 */
	start_poll_synchronize_rcu();
	for (ms = 0; ms < 5000 && get_state_synchronize_rcu() == gp; ms++)
		mdelay(1);
	return get_state_synchronize_rcu() != gp;
}
