/* SPDX-License-Identifier: GPL-2.0 */
/*
 * workers.h - threads of a case. Workers take steps until they are stopped.
 * Racers start at the same time. An RCU reader makes a grace period wait.
 */
#ifndef GOMEM_TEST_WORKERS_H
#define GOMEM_TEST_WORKERS_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/prandom.h>

#define MAX_WORKERS	8

/**
 * struct worker - a thread that calls @step again and again
 * @step: takes one step; not called any more after it has set @error
 * @rnd: random numbers for the steps
 * @done: how much the steps did; a worker that did nothing has tested nothing
 * @error: what a step found wrong, or NULL
 * @task: the thread, or NULL
 *
 * A suite that needs more members begins a struct of its own with a struct
 * worker.
 */
struct worker {
	void (*step)(struct worker *w);
	struct rnd_state rnd;
	unsigned long done;
	const char *error;
	struct task_struct *task;
};

/* In place of a CPU number: let the scheduler choose the CPU. */
#define WORKER_ANYWHERE	-1

unsigned int nr_workers(void);
int worker_cpu(unsigned int i);
void worker_start(struct worker *w, void (*step)(struct worker *w), u32 seed,
		  int cpu);
void worker_stop(struct worker *w);
void worker_expect(struct kunit *test, struct worker *w);

/**
 * struct racer - one of several threads that start at the same time
 * @run: what the thread does
 * @start: completed when all racers exist
 * @done: completed when @run has returned
 *
 * A suite that needs more members begins a struct of its own with a struct
 * racer. @run gets from the struct racer to that struct by container_of().
 */
struct racer {
	void (*run)(struct racer *r);
	struct completion *start;
	struct completion done;
};

void race(struct kunit *test, struct racer *racers[], unsigned int n,
	  void (*run)(struct racer *r));

/**
 * struct rcu_reader - a thread on the last CPU, in an RCU read-side section
 * @ms: milliseconds after which it leaves the section
 * @leave: set to let it leave earlier
 * @left: true after it has left
 * @leaving: called just before it leaves, if not NULL
 * @reading: completed when it has entered the section
 * @task: the thread
 */
struct rcu_reader {
	unsigned int ms;
	bool leave;
	bool left;
	void (*leaving)(struct rcu_reader *r);
	struct completion reading;
	struct task_struct *task;
};

void rcu_reader_start(struct kunit *test, struct rcu_reader *r);
void rcu_reader_wait(struct rcu_reader *r);
void rcu_reader_stop(struct rcu_reader *r);

#endif /* GOMEM_TEST_WORKERS_H */
