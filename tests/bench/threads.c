// SPDX-License-Identifier: GPL-2.0
/*
 * threads.c - allocate and free on many CPUs at the same time.
 *
 *	scale	a thread on each of 1, 2 or 4 CPUs repeatedly allocates 64
 *		objects and frees them. Threads share no objects
 *	remote	on 2, 4 or 8 CPUs, a thread on every other CPU allocates objects
 *		and hands them to a thread on the next CPU, which frees them
 *
 * A *way* is an allocator with its two functions, see ways[]. Its threads work
 * for WINDOW_MS: this time is the *window*. Each way has one window for each
 * number of CPUs, one after the other. These windows are repeated bench_repeat
 * times. A rate is the operations per second in one window. The empty way,
 * "none", does the same work without an allocator. Its gain from more CPUs is
 * the maximum that any way can gain on this machine.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "ways.h"

#define MAX_THREADS	8
#define WINDOW_MS	20
#define BATCH		64
#define RING		(64 * BATCH)
#define NR_COUNTS	3

struct thread_way {
	const char *name;
	void *(*get)(gfp_t gfp);
	void (*put)(void *p);
};

/*
 * A queue of objects from a producer to a consumer. Only the producer writes
 * @in, and only the consumer writes @out. Each is on its own cache line.
 */
struct ring {
	unsigned long in ____cacheline_aligned_in_smp;
	unsigned long out ____cacheline_aligned_in_smp;
	void *object[RING] ____cacheline_aligned_in_smp;
};

struct worker {
	struct task_struct *task;
	const struct thread_way *way;
	void (*work)(struct worker *w);
	struct ring *ring;
	u64 ops;
	void *object[BATCH];
} ____cacheline_aligned_in_smp;

static struct worker *workers;
static bool go, stop, drained;

/*
 * Workers call these functions through pointers. The indirect call costs the
 * same for each allocator.
 */
static void *none_fn(gfp_t gfp)
{
	return none_get(gfp);
}

static void none_put_fn(void *p)
{
	barrier_data(p);
}

static void *gomem_fn(gfp_t gfp)
{
	return gomem_get(gfp);
}

static void gomem_put_fn(void *p)
{
	gomem_put(p);
}

static void *kmalloc_fn(gfp_t gfp)
{
	return kmalloc_get(gfp);
}

static void kmalloc_put_fn(void *p)
{
	kmalloc_put(p);
}

static void *cache_fn(gfp_t gfp)
{
	return cache_get(gfp);
}

static void cache_put_fn(void *p)
{
	cache_put(p);
}

static const struct thread_way ways[] = {
	{ "none", none_fn, none_put_fn },
	{ "gomem", gomem_fn, gomem_put_fn },
	{ "kmalloc", kmalloc_fn, kmalloc_put_fn },
	{ "kmem_cache", cache_fn, cache_put_fn },
};

static void private_work(struct worker *w)
{
	const struct thread_way *way = w->way;
	unsigned int i;

	while (!READ_ONCE(stop)) {
		for (i = 0; i < BATCH; i++)
			w->object[i] = bench_use(way->get(GFP_KERNEL));
		for (i = 0; i < BATCH; i++)
			way->put(w->object[i]);
		w->ops += BATCH;
		cond_resched();
	}
}

static void produce(struct worker *w)
{
	struct ring *r = w->ring;
	unsigned long in = r->in;
	unsigned int i;

	while (!READ_ONCE(stop)) {
		/*
		 * Pairs with the release in consume(), which has read the
		 * entries that are overwritten below.
		 */
		if (in - smp_load_acquire(&r->out) > RING - BATCH) {
			cpu_relax();
			cond_resched();
			continue;
		}
		for (i = 0; i < BATCH; i++)
			r->object[in++ % RING] =
				bench_use(w->way->get(GFP_KERNEL));
		/*
		 * Pairs with the acquire in consume(), which then sees the
		 * objects that were stored above.
		 */
		smp_store_release(&r->in, in);
		cond_resched();
	}
}

/*
 * Free all objects of the producer, but count only those that are freed during
 * the WINDOW_MS that are measured.
 */
static void consume(struct worker *w)
{
	struct ring *r = w->ring;
	unsigned long out = r->out;
	unsigned int i;

	for (;;) {
		bool last = READ_ONCE(drained);

		/* Pairs with the release in produce(). */
		if (smp_load_acquire(&r->in) == out) {
			if (last)
				return;
			cpu_relax();
			cond_resched();
			continue;
		}
		for (i = 0; i < BATCH; i++)
			w->way->put(r->object[out++ % RING]);
		/* Pairs with the acquire in produce(). */
		smp_store_release(&r->out, out);
		if (!READ_ONCE(stop))
			w->ops += BATCH;
		cond_resched();
	}
}

static int thread_fn(void *arg)
{
	struct worker *w = arg;

	/* Measuring begins, and go is set, when all threads have started. */
	while (!READ_ONCE(go) && !kthread_should_stop())
		cond_resched();
	w->work(w);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Return the @i-th online CPU. */
static int nth_cpu(unsigned int i)
{
	int cpu;

	for_each_online_cpu(cpu)
		if (!i--)
			return cpu;
	return -1;
}

static int start(unsigned int i, const struct thread_way *way,
		 void (*work)(struct worker *w), struct ring *ring)
{
	struct worker *w = &workers[i];

	w->way = way;
	w->work = work;
	w->ring = ring;
	w->ops = 0;
	w->task = kthread_create_on_cpu(thread_fn, w, nth_cpu(i),
					"gomem_bench/%u");
	if (IS_ERR(w->task))
		return PTR_ERR(w->task);
	wake_up_process(w->task);
	return 0;
}

/*
 * Let the @started threads work for WINDOW_MS. Return the operations per second
 * of all of them.
 */
static u64 window(unsigned int started)
{
	unsigned int i;
	u64 ops = 0, t;

	/* Wait until all threads have started. */
	msleep(20);
	t = ktime_get_ns();
	WRITE_ONCE(go, true);
	msleep(WINDOW_MS);
	WRITE_ONCE(stop, true);
	t = ktime_get_ns() - t;
	/*
	 * In the scenario remote, workers with even numbers are producers. Stop
	 * these first, so that the consumers can empty the rings.
	 */
	for (i = 0; i < started; i += 2)
		kthread_stop(workers[i].task);
	WRITE_ONCE(drained, true);
	for (i = 1; i < started; i += 2)
		kthread_stop(workers[i].task);
	for (i = 0; i < started; i++)
		ops += workers[i].ops;
	return div64_u64(ops * NSEC_PER_SEC, t);
}

static int private_window(const struct thread_way *way, unsigned int cpus,
			  u64 *rate)
{
	unsigned int i;
	int err = 0;

	go = false;
	stop = false;
	drained = false;
	for (i = 0; i < cpus && !err; i++)
		err = start(i, way, private_work, NULL);
	*rate = window(err ? i - 1 : i);
	return err;
}

static int remote_window(const struct thread_way *way, unsigned int cpus,
			 u64 *rate)
{
	unsigned int i;
	struct ring *rings;
	int err = 0;

	rings = vzalloc(array_size(cpus / 2, sizeof(*rings)));
	if (!rings)
		return -ENOMEM;
	go = false;
	stop = false;
	drained = false;
	for (i = 0; i < cpus && !err; i++)
		err = start(i, way, i % 2 ? consume : produce, &rings[i / 2]);
	*rate = window(err ? i - 1 : i);
	vfree(rings);
	return err;
}

/* A way on @cpus CPUs. @rates has the rates of its bench_repeat windows. */
struct point {
	const struct thread_way *way;
	unsigned int cpus;
	u64 *rates;
};

static void tell(const struct point *p)
{
	unsigned int i;

	bench_result("rate %s %u", p->way->name, p->cpus);
	for (i = 0; i < bench_repeat; i++)
		bench_result(" %llu", p->rates[i]);
	bench_result("\n");
}

typedef int (*window_fn)(const struct thread_way *way, unsigned int cpus,
			 u64 *rate);

/*
 * Make a struct point for each way with @least CPUs, and with twice and four
 * times as many CPUs if the machine has them.
 */
static unsigned int make_points(struct point *points, u64 *rates,
				unsigned int least)
{
	unsigned int most = min_t(unsigned int, num_online_cpus(), MAX_THREADS);
	unsigned int c, w, n = 0;

	for (c = 0; c < NR_COUNTS && least << c <= most; c++)
		for (w = 0; w < ARRAY_SIZE(ways); w++, n++)
			points[n] = (struct point){ &ways[w], least << c,
						    rates + n * bench_repeat };
	return n;
}

static int run_windows(unsigned int least, window_fn one_window)
{
	struct point points[NR_COUNTS * ARRAY_SIZE(ways)];
	unsigned int i, k, n;
	u64 *rates;
	int err = 0;

	workers = vzalloc(array_size(MAX_THREADS, sizeof(*workers)));
	rates = vzalloc(array3_size(ARRAY_SIZE(points), bench_repeat,
				    sizeof(*rates)));
	if (!workers || !rates)
		err = -ENOMEM;
	n = make_points(points, rates, least);
	for (i = 0; i < bench_repeat && !err; i++)
		for (k = 0; k < n && !err; k++)
			err = one_window(points[k].way, points[k].cpus,
					 &points[k].rates[i]);
	for (k = 0; k < n && !err; k++)
		tell(&points[k]);
	vfree(rates);
	vfree(workers);
	return err;
}

static int run_scale(const struct bench *b)
{
	return run_windows(1, private_window);
}

static int run_remote(const struct bench *b)
{
	return num_online_cpus() < 2 ? -ENODEV : run_windows(2, remote_window);
}

const struct bench bench_threads[] = {
	{ .name = "scale", .run = run_scale },
	{ .name = "remote", .run = run_remote },
	{ },
};
