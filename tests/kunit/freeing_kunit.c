// SPDX-License-Identifier: GPL-2.0
/*
 * freeing_kunit.c - a free fetches no memory, whatever the context, on the module's own
 * heaps.
 *
 * The heaps' source is watched while objects are freed that another CPU allocated: there
 * the slots have not been used, and have to grow.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/irq_work.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "epoch.h"
#include "mcache.h"
#include "node.h"
#include "span_set.h"

#define OBJECTS		1500
#define PIECE		50

struct watch {
	struct gomem_pagesource *source;
	struct gomem_pagesource saved;
	struct task_struct *task;
	bool in_irq;
	unsigned long fetches;
};

/* One at a time, for functions that are given no more than a source. */
static struct watch *watch;

/* Is this call one of the free that is watched, and not of what came upon it? */
static void note_fetch(void)
{
	if (current == READ_ONCE(watch->task) && !!in_hardirq() == watch->in_irq)
		watch->fetches++;
}

static unsigned long watch_alloc(struct gomem_pagesource *src, unsigned int order, gfp_t gfp,
				 int node)
{
	note_fetch();
	return watch->saved.alloc(src, order, gfp, node);
}

static void *watch_meta(struct gomem_pagesource *src, size_t bytes, gfp_t gfp, int node)
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
	/* Others may be about to return from the functions above. */
	synchronize_rcu();
	msleep(100);
}

struct pieces {
	struct irq_work work;
	void **objs;
};

static void free_piece(struct irq_work *work)
{
	struct pieces *p = container_of(work, struct pieces, work);
	unsigned int i;

	for (i = 0; i < PIECE; i++)
		gomem_free(p->objs[i]);
}

static void free_in_irq(void **objs)
{
	struct pieces p = { .work = IRQ_WORK_INIT(free_piece) };
	unsigned int i;

	for (i = 0; i < OBJECTS; i += PIECE) {
		p.objs = objs + i;
		irq_work_queue(&p.work);
		irq_work_sync(&p.work);
	}
}

static void free_in_task(void **objs)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		gomem_free(objs[i]);
}

/* Objects that the last CPU's slots take, which are of its node, from another CPU. */
static void alloc_there(struct kunit *test, void **objs, unsigned int size)
{
	int last = cpumask_last(cpu_online_mask);
	unsigned int i;

	span_set_pin(test, cpumask_first(cpu_online_mask));
	for (i = 0; i < OBJECTS; i++)
		objs[i] = gomem_alloc_node(size, GFP_KERNEL, cpu_to_mem(last));
	span_set_pin(test, last);
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

/* And yet the slots of a CPU that only frees grow, once a work had its turn. */
static void test_growth(struct kunit *test)
{
	unsigned int spc = gomem_spc_make(gomem_sizeclass(1024), false), round, before, after;
	void **objs;

	objs = kunit_kcalloc(test, OBJECTS, sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	gomem_scavenge_all();
	before = per_cpu(gomem_mcache_task, cpumask_last(cpu_online_mask))->slot[spc].capacity;
	for (round = 0; round < 5; round++) {
		alloc_there(test, objs, 1024);
		free_in_task(objs);
		msleep(50);
	}
	after = per_cpu(gomem_mcache_task, cpumask_last(cpu_online_mask))->slot[spc].capacity;
	KUNIT_EXPECT_GE(test, after, 4 * before + 1);
}

/* Each CPU has caches from when it comes up. */
static void test_caches(struct kunit *test)
{
	int cpu;

	for_each_online_cpu(cpu) {
		KUNIT_EXPECT_PTR_NE(test, per_cpu(gomem_mcache_task, cpu), &gomem_no_mcache);
		KUNIT_EXPECT_PTR_NE(test, per_cpu(gomem_mcache_irq, cpu), &gomem_no_mcache);
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
