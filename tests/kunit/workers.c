// SPDX-License-Identifier: GPL-2.0
/*
 * workers.c - threads of a test case.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "workers.h"

/* Start a thread. Return NULL if there is no memory for it. */
static struct task_struct *start_task(int (*fn)(void *arg), void *arg, int cpu)
{
	struct task_struct *task = kthread_create(fn, arg, "gomem_test");

	if (IS_ERR(task))
		return NULL;
	if (cpu != WORKER_ANYWHERE)
		kthread_bind(task, cpu);
	wake_up_process(task);
	return task;
}

/**
 * nr_workers - return how many workers a case should start
 *
 * Return: one more than there are CPUs, at most MAX_WORKERS.
 */
unsigned int nr_workers(void)
{
	return min(num_online_cpus() + 1, MAX_WORKERS);
}

/**
 * worker_cpu - choose the CPU of a worker
 * @i: number of the worker
 *
 * Return: a CPU that no other worker has, or WORKER_ANYWHERE if none is left.
 */
int worker_cpu(unsigned int i)
{
	return i < num_online_cpus() ? cpumask_nth(i, cpu_online_mask) :
				       WORKER_ANYWHERE;
}

static int worker_run(void *arg)
{
	struct worker *w = arg;

	while (!kthread_should_stop()) {
		if (!w->error)
			w->step(w);
		cond_resched();
	}
	return 0;
}

/**
 * worker_start - start a worker
 * @w: the worker, zeroed
 * @step: what it does again and again
 * @seed: for its random numbers
 * @cpu: the CPU that it runs on, or WORKER_ANYWHERE
 *
 * If there is no memory for the thread, the worker does nothing, and
 * worker_expect() fails.
 */
void worker_start(struct worker *w, void (*step)(struct worker *w), u32 seed,
		  int cpu)
{
	w->step = step;
	prandom_seed_state(&w->rnd, seed);
	w->task = start_task(worker_run, w, cpu);
}

/**
 * worker_stop - stop a worker, and wait until it has stopped
 * @w: the worker, started or not
 */
void worker_stop(struct worker *w)
{
	if (w->task)
		kthread_stop(w->task);
	w->task = NULL;
}

/**
 * worker_expect - expect that a worker did something, and found nothing wrong
 * @test: the test
 * @w: the worker, stopped
 */
void worker_expect(struct kunit *test, struct worker *w)
{
	KUNIT_EXPECT_TRUE_MSG(test, !w->error, "%s", w->error);
	KUNIT_EXPECT_GT(test, w->done, 0);
	kunit_info(test, "a worker did %lu", w->done);
}

static int racer_run(void *arg)
{
	struct racer *r = arg;

	wait_for_completion(r->start);
	r->run(r);
	complete(&r->done);
	return 0;
}

/**
 * race - let several threads do the same at the same time, and wait for them
 * @test: the test
 * @racers: the racers
 * @n: number of racers
 * @run: what each of them does
 */
void race(struct kunit *test, struct racer *racers[], unsigned int n,
	  void (*run)(struct racer *r))
{
	DECLARE_COMPLETION_ONSTACK(start);
	unsigned int i, nr;

	for (nr = 0; nr < n; nr++) {
		racers[nr]->run = run;
		racers[nr]->start = &start;
		init_completion(&racers[nr]->done);
		if (!start_task(racer_run, racers[nr],
				cpumask_nth(nr % num_online_cpus(),
					    cpu_online_mask)))
			break;
	}
	complete_all(&start);
	for (i = 0; i < nr; i++)
		wait_for_completion(&racers[i]->done);
	KUNIT_ASSERT_EQ(test, n, nr);
}

static int reader_run(void *arg)
{
	struct rcu_reader *r = arg;
	unsigned int ms;

	rcu_read_lock();
	complete(&r->reading);
	for (ms = 0; ms < r->ms && !READ_ONCE(r->leave); ms++)
		mdelay(1);
	if (r->leaving)
		r->leaving(r);
	WRITE_ONCE(r->left, true);
	rcu_read_unlock();
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

/**
 * rcu_reader_start - start a reader, and wait for its rcu_read_lock()
 * @test: the test
 * @r: the reader; the caller has set @r->ms and @r->leaving
 */
void rcu_reader_start(struct kunit *test, struct rcu_reader *r)
{
	init_completion(&r->reading);
	r->leave = false;
	r->left = false;
	r->task = start_task(reader_run, r, cpumask_last(cpu_online_mask));
	KUNIT_ASSERT_NOT_NULL(test, r->task);
	wait_for_completion(&r->reading);
}

/**
 * rcu_reader_wait - wait until a reader has left its section
 * @r: the reader
 *
 * The reader leaves it @r->ms milliseconds after rcu_read_lock(), or earlier if
 * @r->leave is set.
 */
void rcu_reader_wait(struct rcu_reader *r)
{
	kthread_stop(r->task);
}

/**
 * rcu_reader_stop - let a reader leave its section now, and wait for that
 * @r: the reader
 */
void rcu_reader_stop(struct rcu_reader *r)
{
	WRITE_ONCE(r->leave, true);
	rcu_reader_wait(r);
}
