/* SPDX-License-Identifier: GPL-2.0 */
/*
 * eachcpu.h - run a function on each CPU, and wait with a timeout until all of
 * them have run it.
 *
 * A CPU that is busy with tasks of higher priority may run the function after
 * the timeout. If gomem_eachcpu_run() is called again before that, the CPU runs
 * the function once for both calls. The argument is 0 if either call passed 0,
 * else that of the first call. So 0 has to ask for the most work.
 */
#ifndef GOMEM_EACHCPU_H
#define GOMEM_EACHCPU_H

#include <linux/atomic.h>
#include <linux/limits.h>
#include <linux/percpu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/* Says that a work has no argument. No caller passes this value. */
#define GOMEM_EACHCPU_NO_ARG	ULONG_MAX

struct gomem_eachcpu;

/**
 * struct gomem_eachcpu_work - what one CPU has to do
 * @work: the work, which is queued on that CPU
 * @owner: the struct gomem_eachcpu whose function the work calls
 * @arg: argument of the function; GOMEM_EACHCPU_NO_ARG after run() in eachcpu.c
 *	has taken the argument
 */
struct gomem_eachcpu_work {
	struct work_struct work;
	struct gomem_eachcpu *owner;
	unsigned long arg;
};

/**
 * struct gomem_eachcpu - a function that CPUs run
 * @fn: the function. It runs in a work that is bound to the CPU, and may sleep
 * @works: a work for each CPU
 * @queued: number of works that are queued or running
 * @done: woken when @queued becomes 0
 */
struct gomem_eachcpu {
	void (*fn)(unsigned long arg);
	struct gomem_eachcpu_work __percpu *works;
	atomic_t queued;
	wait_queue_head_t done;
};

/* Pass the struct to gomem_eachcpu_init() before any other function. */
#define DEFINE_GOMEM_EACHCPU(name, function)				\
	static DEFINE_PER_CPU(struct gomem_eachcpu_work, name##_works);	\
	static struct gomem_eachcpu name = {				\
		.fn = (function),					\
		.works = &name##_works,					\
	}

void gomem_eachcpu_init(struct gomem_eachcpu *e);
void gomem_eachcpu_cancel(struct gomem_eachcpu *e);
void gomem_eachcpu_run(struct gomem_eachcpu *e,
		       bool (*wanted)(int cpu, unsigned long arg),
		       unsigned long arg, unsigned int ms);
void gomem_eachcpu_wait(struct gomem_eachcpu *e, unsigned int ms);

#endif /* GOMEM_EACHCPU_H */
