// SPDX-License-Identifier: GPL-2.0
/*
 * queue_kunit.c - tasks that reclaim memory may wait for gomem's works.
 *
 * The workqueue core warns when a work of a WQ_MEM_RECLAIM queue waits, by
 * flush_work(), for a work of a queue without a rescuer. The warning taints the
 * kernel, and scripts/vm fails for it.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/panic.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "base/compat.h"

#define OBJECTS		200

/* Make a cache whose slots on this CPU hold some objects. */
static struct gomem_cache *make_cache(void)
{
	struct gomem_cache *c = gomem_cache_create("kunit", 100, NULL);
	void *objs[OBJECTS];
	unsigned int i, n;

	if (!c)
		return NULL;
	for (n = 0; n < OBJECTS; n++) {
		objs[n] = gomem_cache_alloc(c, GFP_KERNEL);
		if (!objs[n])
			break;
	}
	for (i = 0; i < n; i++)
		gomem_cache_free(c, objs[i]);
	return c;
}

static void shrink_cache(struct gomem_cache *c)
{
	gomem_cache_shrink(c);
}

static void wait_for_rcu(struct gomem_cache *c)
{
	void *p = gomem_alloc(100, GFP_KERNEL);

	gomem_free_rcu_mightsleep(p);
	gomem_rcu_barrier();
}

static const struct wait_case {
	const char *name;
	void (*fn)(struct gomem_cache *c);
} wait_cases[] = {
	{ "gomem_cache_shrink()",	shrink_cache },
	{ "gomem_rcu_barrier()",	wait_for_rcu },
};

KUNIT_ARRAY_PARAM_DESC(wait, wait_cases, name);

struct job {
	struct work_struct work;
	struct gomem_cache *cache;
	void (*fn)(struct gomem_cache *c);
};

static void run_job(struct work_struct *work)
{
	struct job *job = container_of(work, struct job, work);

	job->fn(job->cache);
}

/*
 * Call each gomem function that waits for gomem's works, in a work of a
 * WQ_MEM_RECLAIM queue. That work makes the call as soon as it runs. Once a
 * work has run for some milliseconds, the workqueue core lets other works of
 * the CPU run at the same time. Then gomem's works could be done before the
 * call waits for them, and the workqueue core would have nothing to check.
 */
static void test_wait(struct kunit *test)
{
	const struct wait_case *c = test->param_value;
	bool warned = test_taint(TAINT_WARN);
	struct workqueue_struct *wq;
	struct job *job;

	job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, job);
	wq = alloc_workqueue("gomem_kunit", WQ_MEM_RECLAIM | GOMEM_WQ_PERCPU,
			     0);
	KUNIT_ASSERT_NOT_NULL(test, wq);
	INIT_WORK(&job->work, run_job);
	job->fn = c->fn;
	job->cache = make_cache();
	KUNIT_ASSERT_NOT_NULL(test, job->cache);
	queue_work(wq, &job->work);
	destroy_workqueue(wq);
	gomem_cache_destroy(job->cache);
	KUNIT_EXPECT_EQ(test, warned, test_taint(TAINT_WARN));
}

static struct kunit_case queue_cases[] = {
	KUNIT_CASE_PARAM(test_wait, wait_gen_params),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "gomem_queue",
	.test_cases = queue_cases,
};

kunit_test_suite(queue_suite);
