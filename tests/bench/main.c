// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - gomem_bench.ko compares gomem with kmalloc() and kmem_cache, one
 * scenario at a time.
 *
 *	echo "pair 100" >/sys/module/gomem_bench/parameters/run
 *	cat /sys/module/gomem_bench/parameters/result
 *
 * A script writes a scenario and the object size in bytes. The write returns
 * when the scenario has ended. The result has these lines:
 *
 *	cost ALLOCATOR MIN MEDIAN P90	nanoseconds of one operation, without
 *					those of the empty loop
 *	rate ALLOCATOR CPUS N...	operations per second, one number for
 *					each repetition
 *	held ALLOCATOR BYTES		bytes taken from the kernel per object,
 *					on average
 *
 * Under scripts/vm --accel=icount the guest's clock advances one nanosecond per
 * instruction, so costs are instruction counts. scripts/bench describes the
 * scenarios.
 */
#define pr_fmt(fmt) "gomem_bench: " fmt

#include <linux/gomem.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bench.h"

unsigned int bench_repeat = 15;
module_param_named(repeat, bench_repeat, uint, 0444);
MODULE_PARM_DESC(repeat, "Repetitions of each way (default 15)");

unsigned int bench_batch_size;

unsigned int bench_scale = 1;
module_param_named(scale, bench_scale, uint, 0444);
MODULE_PARM_DESC(scale, "How many times as long a repetition is (default 1)");

/* The module's parameter lock protects the variables below. */
size_t bench_size;
struct kmem_cache *bench_cache;
bool bench_failed;
static bool ready;
static char result[PAGE_SIZE];
static size_t result_length;

static const struct bench *const scenarios[] = {
	bench_pair, bench_batch, bench_live, bench_realloc, bench_large,
	bench_irq, bench_cold, bench_tiny, bench_remote, bench_threads,
	bench_lines, bench_fill,
};

void bench_result(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	result_length += vscnprintf(result + result_length,
				    sizeof(result) - result_length, fmt, args);
	va_end(args);
}

static const struct bench *find(const char *name)
{
	const struct bench *b;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scenarios); i++)
		for (b = scenarios[i]; b->name; b++)
			if (!strcmp(b->name, name))
				return b;
	return NULL;
}

static int run_set_up(const struct bench *b)
{
	int err = b->setup ? b->setup() : 0;

	if (!err)
		err = b->run ? b->run(b) : bench_compare(b);
	if (b->teardown)
		b->teardown();
	return err;
}

static int run(const struct bench *b)
{
	int err;

	result_length = 0;
	result[0] = '\0';
	bench_failed = false;
	bench_batch_size = max(b->batch, 1U);
	bench_cache = kmem_cache_create("gomem_bench", bench_size, 0, 0, NULL);
	if (!bench_cache)
		return -ENOMEM;
	/*
	 * Run at real-time priority: a task that preempted this one would add
	 * milliseconds.
	 */
	sched_set_fifo_low(current);
	err = run_set_up(b);
	sched_set_normal(current, 0);
	kmem_cache_destroy(bench_cache);
	return err ?: bench_failed ? -ENOMEM : 0;
}

static int run_set(const char *val, const struct kernel_param *kp)
{
	const struct bench *b;
	char name[32];

	/*
	 * Refuse to run before the module's init has ended (run may be an
	 * argument of insmod), and after its exit has begun.
	 */
	if (!ready)
		return -EAGAIN;
	if (sscanf(val, "%31s %zu", name, &bench_size) != 2 || !bench_size)
		return -EINVAL;
	b = find(name);
	return b ? run(b) : -ENOENT;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);
MODULE_PARM_DESC(run, "What to measure now: a scenario and a size");

static int result_get(char *buf, const struct kernel_param *kp)
{
	return scnprintf(buf, PAGE_SIZE, "%s", result);
}

static const struct kernel_param_ops result_ops = { .get = result_get };
module_param_cb(result, &result_ops, NULL, 0444);
MODULE_PARM_DESC(result, "What came out of it");

static int __init gomem_bench_init(void)
{
	if (!bench_repeat || bench_repeat > 10000 || !bench_scale ||
	    bench_scale > 1000) {
		pr_err("repeat must be 1 to 10000, scale 1 to 1000\n");
		return -EINVAL;
	}
	kernel_param_lock(THIS_MODULE);
	ready = true;
	kernel_param_unlock(THIS_MODULE);
	return 0;
}

static void __exit gomem_bench_exit(void)
{
	kernel_param_lock(THIS_MODULE);
	ready = false;
	kernel_param_unlock(THIS_MODULE);
}

module_init(gomem_bench_init);
module_exit(gomem_bench_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: cost beside kmalloc() and kmem_cache");
MODULE_LICENSE("GPL");
