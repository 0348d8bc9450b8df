// SPDX-License-Identifier: GPL-2.0
/*
 * freeing_kunit.c - a free allocates no memory, in any context, on gomem's real
 * heaps.
 *
 * The cases watch the page source while a CPU frees objects that another CPU
 * allocated. gomem_scavenge_all() has returned the slots of the freeing CPU to
 * their initial size before, so the frees overflow the slots. When the CPU's
 * slots for tasks grow, a work item, not the free, allocates memory.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "context.h"
#include "span_set.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "run/epoch.h"

#define OBJECTS		1500
#define PIECE		50

struct watch {
	struct gomem_pagesource *source;
	struct gomem_pagesource saved;
	struct task_struct *task;
	bool in_irq;
	unsigned long fetches;
};

/*
 * The struct watch of the current case. It is global because the functions
 * below get only the page source.
 */
static struct watch *watch;

/*
 * Count a call of the page source by the frees under test. Calls by other tasks
 * are not counted. If a task frees, calls by hard interrupts are not counted,
 * either.
 */
static void note_fetch(void)
{
	if (current == READ_ONCE(watch->task) &&
	    !!in_hardirq() == watch->in_irq)
		watch->fetches++;
}

static unsigned long watch_alloc(struct gomem_pagesource *src,
				 unsigned int order, gfp_t gfp, int node)
{
	note_fetch();
	return watch->saved.alloc(src, order, gfp, node);
}

static void *watch_meta(struct gomem_pagesource *src, size_t bytes, gfp_t gfp,
			int node)
{
	note_fetch();
	return watch->saved.meta_alloc(src, bytes, gfp, node);
}

static void start_watch(struct watch *w)
{
	w->source = gomem_first_heap()->source;
	w->saved = *w->source;
	watch = w;
	WRITE_ONCE(w->source->alloc, watch_alloc);
	WRITE_ONCE(w->source->meta_alloc, watch_meta);
}

static void stop_watch(struct watch *w)
{
	WRITE_ONCE(w->source->alloc, w->saved.alloc);
	WRITE_ONCE(w->source->meta_alloc, w->saved.meta_alloc);
	/*
	 * Wait for other CPUs that may still run the functions above. A grace
	 * period is enough for CPUs with preemption off; the others get 100 ms.
	 */
	synchronize_rcu();
	msleep(100);
}

static void free_piece(void *arg)
{
	void **objs = arg;
	unsigned int i;

	for (i = 0; i < PIECE; i++)
		gomem_free(objs[i]);
}

static void free_in_irq(void **objs)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i += PIECE)
		run_in_hardirq(free_piece, objs + i);
}

static void free_in_task(void **objs)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		gomem_free(objs[i]);
}

/*
 * Allocate objects of the last CPU's node on another CPU, then move to the last
 * CPU.
 */
static void alloc_there(struct kunit *test, void **objs, unsigned int size)
{
	int last = cpumask_last(cpu_online_mask);
	unsigned int i;

	move_to(test, cpumask_first(cpu_online_mask));
	for (i = 0; i < OBJECTS; i++)
		objs[i] = gomem_alloc_node(size, GFP_KERNEL, cpu_to_mem(last));
	move_to(test, last);
}

static const struct free_case {
	const char *name;
	unsigned int size;
	bool in_irq;
	void (*free)(void **objs);
} free_cases[] = {
	{ "48 bytes, by a task",		48,	false,	free_in_task },
	{ "1 KiB, by a task",			1024,	false,	free_in_task },
	{ "8 KiB, by a task",			8192,	false,	free_in_task },
	{ "48 bytes, by an interrupt",		48,	true,	free_in_irq },
	{ "1 KiB, by an interrupt",		1024,	true,	free_in_irq },
};

KUNIT_ARRAY_PARAM_DESC(free, free_cases, name);

static void test_free(struct kunit *test)
{
	const struct free_case *c = test->param_value;
	struct watch w = { .in_irq = c->in_irq };
	void **objs;

	objs = kunit_kcalloc(test, OBJECTS, sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	gomem_scavenge_all();
	alloc_there(test, objs, c->size);
	start_watch(&w);
	WRITE_ONCE(w.task, current);
	c->free(objs);
	WRITE_ONCE(w.task, NULL);
	stop_watch(&w);
	KUNIT_EXPECT_EQ(test, 0, w.fetches);
}

static unsigned int capacity_there(unsigned int spc)
{
	int cpu = cpumask_last(cpu_online_mask);

	return per_cpu(gomem_mcache_task, cpu)->slot[spc].capacity;
}

/*
 * The slots of a CPU that only frees grow, too. A free allocates no memory: a
 * work item fetches the larger stacks that the slots need to grow.
 */
static void test_growth(struct kunit *test)
{
	unsigned int spc = gomem_spc_make(gomem_sizeclass(1024), false);
	unsigned int round, before;
	void **objs;

	objs = kunit_kcalloc(test, OBJECTS, sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	gomem_scavenge_all();
	before = capacity_there(spc);
	for (round = 0; round < 5; round++) {
		alloc_there(test, objs, 1024);
		free_in_task(objs);
		msleep(50);
	}
	KUNIT_EXPECT_GE(test, capacity_there(spc), 4 * before + 1);
}

/* Each online CPU has both of its mcaches. */
static void test_caches(struct kunit *test)
{
	int cpu;

	for_each_online_cpu(cpu) {
		KUNIT_EXPECT_PTR_NE(test, per_cpu(gomem_mcache_task, cpu),
				    &gomem_no_mcache);
		KUNIT_EXPECT_PTR_NE(test, per_cpu(gomem_mcache_irq, cpu),
				    &gomem_no_mcache);
	}
}

static struct kunit_case freeing_cases[] = {
	KUNIT_CASE(test_caches),
	KUNIT_CASE_PARAM(test_free, free_gen_params),
	KUNIT_CASE(test_growth),
	{}
};

static struct kunit_suite freeing_suite = {
	.name = "gomem_freeing",
	.test_cases = freeing_cases,
};

kunit_test_suite(freeing_suite);
