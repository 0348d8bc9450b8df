// SPDX-License-Identifier: GPL-2.0
/*
 * context_kunit.c - allocation and free in each context and on each CPU, also
 * of objects that another context or CPU allocated.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "context.h"
#include "fixture.h"
#include "nmi.h"
#include "object.h"
#include "workers.h"
#include "base/stats.h"

/* Contexts */

#define JOB_OBJECTS	300

/*
 * A job allocates and frees without sleeping, and checks that it runs in the
 * right context.
 */
struct job {
	bool (*is_context)(void);
	struct rnd_state rnd;
	void *objs[JOB_OBJECTS];
	size_t sizes[JOB_OBJECTS];
	unsigned int failures;
	const char *error;
};

static bool in_hardirq_context(void)
{
	return in_hardirq();
}

static bool in_softirq_context(void)
{
	return in_serving_softirq() && !in_hardirq();
}

static bool in_task_context(void)
{
	return in_task();
}

/*
 * A CPU that polls while it is idle serves calls of other CPUs without an
 * interrupt: in its idle task, with interrupts off.
 */
static bool in_call_context(void)
{
	return in_hardirq() || (in_task() && irqs_disabled());
}

static void job_run(void *arg)
{
	struct job *job = arg;
	unsigned int i;

	if (!job->is_context())
		job->error = "not the context it should be";
	for (i = 0; i < JOB_OBJECTS; i++) {
		job->sizes[i] = random_size(&job->rnd, 15);
		job->objs[i] =
			gomem_alloc(job->sizes[i], GFP_ATOMIC | __GFP_NOWARN);
		if (job->objs[i])
			fill(job->objs[i], job->sizes[i]);
		else
			job->failures++;
	}
	for (i = 0; i < JOB_OBJECTS; i++)
		if (job->objs[i] && !is_filled(job->objs[i], job->sizes[i]))
			job->error = "an object was overwritten";
	/* Half of the objects are left to be freed in another context. */
	for (i = 0; i < JOB_OBJECTS; i += 2) {
		gomem_free(job->objs[i]);
		job->objs[i] = NULL;
	}
}

/* Free the objects that another context allocated. */
static void job_free(void *arg)
{
	struct job *job = arg;
	unsigned int i;

	if (!job->is_context())
		job->error = "not the context it should be";
	for (i = 0; i < JOB_OBJECTS; i++) {
		if (job->objs[i] && !is_filled(job->objs[i], job->sizes[i]))
			job->error = "an object was overwritten";
		gomem_free(job->objs[i]);
		job->objs[i] = NULL;
	}
}

static void run_in_task(void (*fn)(void *arg), void *arg)
{
	fn(arg);
}

static void run_with_irqs_off(void (*fn)(void *arg), void *arg)
{
	unsigned long flags;

	local_irq_save(flags);
	fn(arg);
	local_irq_restore(flags);
}

static void run_with_spinlock(void (*fn)(void *arg), void *arg)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	fn(arg);
	spin_unlock(&lock);
}

static void run_with_bh_off(void (*fn)(void *arg), void *arg)
{
	local_bh_disable();
	fn(arg);
	local_bh_enable();
}

static const struct context {
	const char *name;
	bool (*is_context)(void);
	void (*run)(void (*fn)(void *arg), void *arg);
} contexts[] = {
	{ "task",		in_task_context,	run_in_task },
	{ "hard interrupt",	in_hardirq_context,	run_in_hardirq },
	{ "softirq",		in_softirq_context,	run_in_softirq },
	{ "interrupts off",	in_task_context,	run_with_irqs_off },
	{ "spinlock held",	in_task_context,	run_with_spinlock },
	{ "softirqs off",	in_task_context,	run_with_bh_off },
};

KUNIT_ARRAY_PARAM_DESC(context, contexts, name);

/* Allocate in one context, and free in each of the contexts. */
static void test_context(struct kunit *test)
{
	const struct context *c = test->param_value;
	struct fixture *f = test->priv;
	struct job *job;
	unsigned int i;

	skip_on_rt(test);
	job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, job);
	prandom_seed_state(&job->rnd, f->seed);
	for (i = 0; i < ARRAY_SIZE(contexts); i++) {
		job->is_context = c->is_context;
		c->run(job_run, job);
		job->is_context = contexts[i].is_context;
		contexts[i].run(job_free, job);
		KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s, freed in %s",
				      job->error, contexts[i].name);
	}
	/* A few atomic allocations may find no free pages. */
	KUNIT_EXPECT_LT(test, job->failures, JOB_OBJECTS);
	expect_sound(test);
}

/* Allocations and frees in interrupts have their own counters. */
static void test_context_counted(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, objects = 0;
	struct job *job;
	u64 n;

	skip_on_rt(test);
	job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, job);
	prandom_seed_state(&job->rnd, f->seed);
	job->is_context = in_hardirq_context;
	n = gomem_event_sum(GOMEM_EV_HARDIRQ_ALLOCS);
	run_in_hardirq(job_run, job);
	KUNIT_EXPECT_EQ(test, JOB_OBJECTS,
			gomem_event_sum(GOMEM_EV_HARDIRQ_ALLOCS) - n);
	for (i = 0; i < JOB_OBJECTS; i++)
		objects += !!job->objs[i];
	job->is_context = in_softirq_context;
	n = gomem_event_sum(GOMEM_EV_SOFTIRQ_FREES);
	run_in_softirq(job_free, job);
	KUNIT_EXPECT_EQ(test, objects,
			gomem_event_sum(GOMEM_EV_SOFTIRQ_FREES) - n);
	KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s", job->error);
}

/* Free the first object if there is one, else allocate the second. */
static void swap_one(void *arg)
{
	struct job *job = arg;

	if (!job->is_context())
		job->error = "not the context it should be";
	if (job->objs[0])
		gomem_free(job->objs[0]);
	else
		job->objs[1] = gomem_alloc(100, GFP_ATOMIC);
}

/*
 * Tasks leave interrupts on while they use their mcache, so interrupts have
 * another mcache. An object that an interrupt freed is not the next one that a
 * task gets, and an object that a task freed is not the next one that an
 * interrupt gets.
 */
static void expect_own_cache(struct kunit *test, struct job *job,
			     void (*irq)(void (*fn)(void *arg), void *arg))
{
	void *in_irq, *in_task, *p;

	in_irq = get_object(test, 100);
	in_task = get_object(test, 100);
	job->objs[0] = in_irq;
	irq(swap_one, job);
	gomem_free(in_task);

	p = get_object(test, 100);
	KUNIT_EXPECT_PTR_EQ(test, in_task, p);
	gomem_free(p);
	job->objs[0] = NULL;
	irq(swap_one, job);
	KUNIT_EXPECT_PTR_EQ(test, in_irq, job->objs[1]);
	KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s", job->error);
	gomem_free(job->objs[1]);
}

static void test_context_caches(struct kunit *test)
{
	struct job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);

	skip_on_rt(test);
	KUNIT_ASSERT_NOT_NULL(test, job);
	migrate_disable();
	job->is_context = in_hardirq_context;
	expect_own_cache(test, job, run_in_hardirq);
	job->is_context = in_softirq_context;
	expect_own_cache(test, job, run_in_softirq);
	migrate_enable();
}

static void test_nmi(struct kunit *test)
{
	void *small, *large, *p[3];
	unsigned long flags;

	skip_on_rt(test);
	small = get_object(test, 100);
	large = get_object(test, 50000);
	enter_nmi(&flags);
	p[0] = gomem_alloc(100, GFP_ATOMIC);
	p[1] = gomem_alloc(50000, GFP_ATOMIC);
	p[2] = gomem_realloc(small, 1000, GFP_ATOMIC);
	gomem_free(small);
	gomem_free(large);
	leave_nmi(&flags);

	KUNIT_EXPECT_NULL(test, p[0]);
	KUNIT_EXPECT_NULL(test, p[1]);
	KUNIT_EXPECT_NULL(test, p[2]);
	expect_misuses(test, GOMEM_IN_NMI, 5);
	expect_object(test, small, 100);
	expect_object(test, large, 50000);
	gomem_free(small);
	gomem_free(large);
}

/* CPUs */

static long job_on_cpu(void *arg)
{
	job_run(arg);
	return 0;
}

static long free_job_on_cpu(void *arg)
{
	job_free(arg);
	return 0;
}

static void job_call(void *arg)
{
	/*
	 * Lockdep may report spinlocks in interrupt handlers, since they would
	 * sleep on PREEMPT_RT. But there the case does not run: skip_on_rt().
	 * So tell lockdep to allow them here.
	 */
	lockdep_hardirq_threaded();
	job_free(arg);
}

static void test_other_cpu(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct job *job;
	int from, to;

	skip_on_rt(test);
	job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, job);
	prandom_seed_state(&job->rnd, f->seed);
	for_each_online_cpu(from) {
		for_each_online_cpu(to) {
			job->is_context = in_task_context;
			work_on_cpu(from, job_on_cpu, job);
			work_on_cpu(to, free_job_on_cpu, job);

			/*
			 * Now CPU @to runs job_call(), in an interrupt. If CPU
			 * @to polls while idle, or runs this test, it calls
			 * the function in a task, with interrupts off.
			 */
			work_on_cpu(from, job_on_cpu, job);
			migrate_disable();
			job->is_context = in_call_context;
			smp_call_function_single(to, job_call, job, true);
			migrate_enable();
			KUNIT_EXPECT_TRUE_MSG(test, !job->error,
					      "%s, CPU %d to %d", job->error,
					      from, to);
		}
	}
	expect_sound(test);
}

#define SHARED		1024
#define RUN_MS		2000

/* An object that stores its address and size, followed by a pattern. */
struct parcel {
	void *self;
	size_t size;
	u8 fill[];
};

struct exchanger {
	struct worker base;
	struct parcel **shared;
};

static struct parcel *make_parcel(struct worker *w, gfp_t gfp)
{
	size_t size = sizeof(struct parcel) + random_size(&w->rnd, 12);
	struct parcel *p = below(&w->rnd, 2) ? gomem_alloc(size, gfp) :
			   gomem_alloc_noscan(size, gfp);

	if (!p)
		return NULL;
	w->done++;
	p->self = p;
	p->size = size;
	fill(p->fill, size - sizeof(*p));
	return p;
}

static void check_parcel(struct worker *w, struct parcel *p)
{
	if (p->self != p || !is_filled(p->fill, p->size - sizeof(*p)))
		w->error = "an object was overwritten";
}

static void exchange_parcel(struct worker *w, gfp_t gfp)
{
	struct exchanger *e = container_of(w, struct exchanger, base);
	struct parcel *p = make_parcel(w, gfp);

	p = xchg(&e->shared[below(&w->rnd, SHARED)], p);
	if (p)
		check_parcel(w, p);
	gomem_free(p);
}

static void exchange_step(struct worker *w)
{
	unsigned long flags;

	switch (below(&w->rnd, 16)) {
	case 0:
		local_irq_save(flags);
		exchange_parcel(w, GFP_ATOMIC | __GFP_NOWARN);
		local_irq_restore(flags);
		break;
	case 1:
		local_bh_disable();
		exchange_parcel(w, GFP_ATOMIC | __GFP_NOWARN);
		local_bh_enable();
		break;
	default:
		exchange_parcel(w, GFP_KERNEL);
	}
}

/*
 * Threads free objects of each other, while interrupts allocate and free on one
 * CPU.
 */
static void test_threads(struct kunit *test)
{
	unsigned int n = nr_workers(), i;
	struct fixture *f = test->priv;
	struct parcel **shared;
	struct exchanger *e;
	unsigned long end;
	struct job *job;

	skip_on_rt(test);
	shared = kunit_kcalloc(test, SHARED, sizeof(*shared), GFP_KERNEL);
	e = kunit_kcalloc(test, n, sizeof(*e), GFP_KERNEL);
	job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, shared && e && job);
	prandom_seed_state(&job->rnd, f->seed);
	for (i = 0; i < n; i++) {
		e[i].shared = shared;
		worker_start(&e[i].base, exchange_step, f->seed + i,
			     WORKER_ANYWHERE);
	}
	end = jiffies + msecs_to_jiffies(RUN_MS);
	while (time_before(jiffies, end)) {
		job->is_context = in_hardirq_context;
		run_in_hardirq(job_run, job);
		job->is_context = in_softirq_context;
		run_in_softirq(job_free, job);
		msleep(20);
	}
	for (i = 0; i < n; i++)
		worker_stop(&e[i].base);

	KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s", job->error);
	for (i = 0; i < SHARED; i++) {
		if (shared[i])
			check_parcel(&e[0].base, shared[i]);
		gomem_free(shared[i]);
	}
	for (i = 0; i < n; i++)
		worker_expect(test, &e[i].base);
	expect_sound(test);
}

static struct kunit_case context_cases[] = {
	KUNIT_CASE_PARAM(test_context, context_gen_params),
	KUNIT_CASE(test_context_counted),
	KUNIT_CASE(test_context_caches),
	KUNIT_CASE(test_nmi),
	KUNIT_CASE(test_other_cpu),
	KUNIT_CASE(test_threads),
	{}
};

static struct kunit_suite context_suite = {
	.name = "gomem_context",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = context_cases,
};

kunit_test_suite(context_suite);
