// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_torture.c - allocate and free as fast as possible from tasks, softirqs
 * and hard interrupts on all CPUs, and check the contents of objects.
 *
 * Each CPU has a thread, an irq_work that a timer queues, and a tasklet. All of
 * them put objects into one shared table and free the objects that they replace
 * there. So most objects are freed on another CPU or in another context than
 * they were allocated. Each object is filled with a pattern made of its address
 * and size. If two live objects overlap, or gomem writes to a live object,
 * verify() finds a broken pattern. Objects of less than 16 bytes, which may
 * share a block of 16 bytes, have their own table.
 *
 * Loading runs the test. It fails with -EIO if a check failed, and with -ENOMEM
 * if an allocation failed, unless may_fail=Y.
 */
#define pr_fmt(fmt) "gomem_torture: " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sched.h>

#include "base/compat.h"

static unsigned int seconds = 3;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "How long to run (default 3)");

static unsigned int max_size = 40000;
module_param(max_size, uint, 0444);
MODULE_PARM_DESC(max_size,
		 "Largest object in bytes; most are far smaller (default 40000)");

static bool interrupts = true;
module_param(interrupts, bool, 0444);
MODULE_PARM_DESC(interrupts,
		 "Also from timers and hard interrupts (default Y)");

static unsigned long seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Random seed; 0, the default, takes a new one");

static bool may_fail;
module_param(may_fail, bool, 0444);
MODULE_PARM_DESC(may_fail,
		 "Allocation failures are no error: they are injected (default N)");

#define NR_SLOTS	4096

/*
 * An object in the table. The object stores its size, so that one xchg() of the
 * pointer takes the object and its size.
 */
struct item {
	size_t size;
	unsigned char data[];
};

static struct item *table[NR_SLOTS];
static unsigned char *tiny_table[NR_SLOTS];
static atomic64_t allocs, frees, failures, errors;
static bool go, stop;

/* Pause between two interrupts */
#define PAUSE_NS	(600 * NSEC_PER_USEC)

struct worker {
	struct task_struct *task;
	struct hrtimer timer;
	struct irq_work irq_work;
	struct tasklet_struct tasklet;
	struct rnd_state rnd;
	struct rnd_state irq_rnd;
	struct rnd_state softirq_rnd;
};

static DEFINE_PER_CPU(struct worker, workers);

static unsigned char pattern(const struct item *it)
{
	return ((unsigned long)it >> 3) * 31 + it->size;
}

static void fill(struct item *it, size_t size)
{
	it->size = size;
	memset(it->data, pattern(it), size - sizeof(*it));
}

/*
 * Check the data of an object: all bytes if there are fewer than 512, else
 * every 61st byte and the last one.
 */
static void verify(const struct item *it)
{
	unsigned char want = pattern(it);
	size_t n = it->size - sizeof(*it), i, step = n < 512 ? 1 : 61;

	for (i = 0; i < n; i += step)
		if (it->data[i] != want)
			goto bad;
	if (!n || it->data[n - 1] == want)
		return;
bad:
	if (atomic64_inc_return(&errors) <= 5)
		pr_err("object of %zu bytes is damaged\n", it->size);
}

/*
 * Return a random size below a random limit, but more than sizeof(struct item).
 * The limits are 32, 64, 128, ... bytes, and max_size. Each limit is half as
 * likely as the one before, but max_size is as likely as the one before it.
 */
static size_t random_size(struct rnd_state *rnd)
{
	u32 r = prandom_u32_state(rnd);
	size_t limit = 32UL << min_t(unsigned int, __ffs(r | BIT(20)), 20);

	limit = min_t(size_t, limit, max_size);
	r = prandom_u32_state(rnd);
	return max(sizeof(struct item) + 1, (size_t)(r % limit));
}

static struct item *get_item(struct rnd_state *rnd, gfp_t gfp)
{
	size_t size = random_size(rnd);
	struct item *it;

	if (prandom_u32_state(rnd) & 1)
		it = gomem_alloc(size, gfp | __GFP_NOWARN);
	else
		it = gomem_alloc_noscan(size, gfp | __GFP_NOWARN);
	if (!it) {
		atomic64_inc(&failures);
		return NULL;
	}
	if (gomem_usable_size(it) < size || !gomem_owns(it))
		atomic64_inc(&errors);
	atomic64_inc(&allocs);
	fill(it, size);
	return it;
}

static void put_item(struct item *it)
{
	if (!it)
		return;
	verify(it);
	gomem_free(it);
	atomic64_inc(&frees);
}

static struct item *resize_item(struct item *it, struct rnd_state *rnd,
				gfp_t gfp)
{
	size_t old = it->size, size = random_size(rnd);
	struct item *new;

	verify(it);
	it->size = min(old, size);
	memset(it->data, 0x5a, it->size - sizeof(*it));
	new = gomem_realloc(it, size, gfp | __GFP_NOWARN);
	if (!new)
		new = it;
	else
		it = new;
	if (memchr_inv(it->data, 0x5a, it->size - sizeof(*it)))
		atomic64_inc(&errors);
	fill(it, new == it ? min(size, gomem_usable_size(it)) : size);
	return it;
}

static void step(struct rnd_state *rnd, gfp_t gfp)
{
	struct item *it = get_item(rnd, gfp);

	if (it && (prandom_u32_state(rnd) & 15) == 0)
		it = resize_item(it, rnd, gfp);
	put_item(xchg(&table[prandom_u32_state(rnd) % NR_SLOTS], it));
}

/* Return a tiny object whose bytes all have the value of its size. */
static unsigned char *get_tiny(struct rnd_state *rnd, gfp_t gfp)
{
	size_t size = 1 + prandom_u32_state(rnd) % 15;
	unsigned char *p =
		gomem_alloc_noscan(size, gfp | __GFP_NOWARN | __GFP_ZERO);

	if (!p) {
		atomic64_inc(&failures);
		return NULL;
	}
	if (memchr_inv(p, 0, size) || gomem_usable_size(p) < size)
		atomic64_inc(&errors);
	memset(p, size, size);
	atomic64_inc(&allocs);
	return p;
}

static void put_tiny(unsigned char *p)
{
	if (!p)
		return;
	if (*p < 1 || *p > 15 || memchr_inv(p, *p, *p)) {
		if (atomic64_inc_return(&errors) <= 5)
			pr_err("tiny object is damaged\n");
	}
	gomem_free(p);
	atomic64_inc(&frees);
}

static void tiny(struct rnd_state *rnd, gfp_t gfp)
{
	unsigned char *p = get_tiny(rnd, gfp), *new;
	size_t size;

	/* Resize the object; the new size may be larger or smaller. */
	if (p && (prandom_u32_state(rnd) & 15) == 0) {
		size = 1 + prandom_u32_state(rnd) % 15;
		new = gomem_realloc(p, size, gfp | __GFP_NOWARN);
		if (new) {
			if (memchr_inv(new, *new, min_t(size_t, *new, size)))
				atomic64_inc(&errors);
			memset(new, size, size);
			p = new;
		}
	}
	put_tiny(xchg(&tiny_table[prandom_u32_state(rnd) % NR_SLOTS], p));
}

/*
 * Use a scratch buffer for a moment, as intended: get, fill, check and put it.
 */
static void scratch(struct rnd_state *rnd, gfp_t gfp)
{
	unsigned int order =
		prandom_u32_state(rnd) % (GOMEM_SCRATCH_MAX_ORDER + 1);
	struct item *it = gomem_scratch_get(order, gfp | __GFP_NOWARN);

	if (!it) {
		atomic64_inc(&failures);
		return;
	}
	fill(it, GOMEM_SCRATCH_SIZE(order));
	step(rnd, gfp);
	verify(it);
	gomem_scratch_put(it);
}

/*
 * Fill an arena with objects. Check each of them after its neighbours were
 * filled: a write beyond an object would damage its neighbour.
 */
static void arena(struct rnd_state *rnd, gfp_t gfp)
{
	struct gomem_arena *a = gomem_arena_create(gfp | __GFP_NOWARN);
	struct item *items[20];
	unsigned int i;
	size_t size;

	for (i = 0; a && i < ARRAY_SIZE(items); i++) {
		size = random_size(rnd);
		items[i] = gomem_arena_alloc(a, size, gfp | __GFP_NOWARN);
		if (!items[i])
			break;
		fill(items[i], size);
	}
	if (!a || i < ARRAY_SIZE(items))
		atomic64_inc(&failures);
	if (!a)
		return;
	while (i--)
		verify(items[i]);
	gomem_arena_destroy(a);
}

static void bulk(struct rnd_state *rnd, gfp_t gfp)
{
	size_t size = random_size(rnd) % 2048 + 1;
	void *p[40];
	size_t i, n = prandom_u32_state(rnd) % ARRAY_SIZE(p);

	if (gomem_alloc_bulk(size, gfp | __GFP_NOWARN, n, p) != n)
		return;
	for (i = 0; i < n; i++)
		memset(p[i], i, size);
	for (i = 0; i < n; i++)
		if (memchr_inv(p[i], i, size))
			atomic64_inc(&errors);
	gomem_free_bulk(n, p);
}

static int thread_fn(void *arg)
{
	struct worker *w = arg;
	unsigned int i = 0;

	while (!READ_ONCE(go) && !kthread_should_stop())
		msleep(20);
	while (!kthread_should_stop()) {
		step(&w->rnd, GFP_KERNEL);
		tiny(&w->rnd, GFP_KERNEL);
		if (++i % 64 == 0)
			bulk(&w->rnd, GFP_KERNEL);
		if (i % 128 == 0)
			arena(&w->rnd, GFP_KERNEL);
		if (i % 16 == 0)
			scratch(&w->rnd, GFP_KERNEL);
		if (i % 256 == 0)
			cond_resched();
	}
	return 0;
}

static void tasklet_fn(unsigned long arg)
{
	struct worker *w = (struct worker *)arg;
	int i;

	for (i = 0; i < 8; i++)
		step(&w->softirq_rnd, GFP_ATOMIC);
	for (i = 0; i < 8; i++)
		tiny(&w->softirq_rnd, GFP_ATOMIC);
	scratch(&w->softirq_rnd, GFP_ATOMIC);
	arena(&w->softirq_rnd, GFP_ATOMIC);
}

static void arm_timer(struct worker *w)
{
	hrtimer_start(&w->timer, ns_to_ktime(PAUSE_NS),
		      HRTIMER_MODE_REL_PINNED);
}

/*
 * irq_work handler, which tests gomem in hard interrupts. On PREEMPT_RT, where
 * gomem must not be called in hard interrupts, a thread calls this function. It
 * then only schedules the tasklet and arms the timer.
 */
static void irq_fn(struct irq_work *work)
{
	struct worker *w = container_of(work, struct worker, irq_work);
	int i;

	if (!IS_ENABLED(CONFIG_PREEMPT_RT)) {
		for (i = 0; i < 4; i++)
			step(&w->irq_rnd, GFP_ATOMIC);
		for (i = 0; i < 4; i++)
			tiny(&w->irq_rnd, GFP_ATOMIC);
		scratch(&w->irq_rnd, GFP_ATOMIC);
	}
	if (READ_ONCE(stop))
		return;
	tasklet_schedule(&w->tasklet);
	/*
	 * Arm the timer only at the end of this function: then even a slow
	 * machine has time for tasks between two interrupts.
	 */
	arm_timer(w);
}

static enum hrtimer_restart timer_fn(struct hrtimer *timer)
{
	struct worker *w = container_of(timer, struct worker, timer);

	if (READ_ONCE(stop))
		return HRTIMER_NORESTART;
	if (READ_ONCE(go)) {
		irq_work_queue(&w->irq_work);
		return HRTIMER_NORESTART;
	}
	hrtimer_forward_now(timer, ns_to_ktime(PAUSE_NS));
	return HRTIMER_RESTART;
}

static void start_timer(void *unused)
{
	arm_timer(this_cpu_ptr(&workers));
}

static int start_worker(int cpu)
{
	struct worker *w = per_cpu_ptr(&workers, cpu);

	prandom_seed_state(&w->rnd, seed + cpu);
	prandom_seed_state(&w->irq_rnd, seed + cpu + 1000);
	prandom_seed_state(&w->softirq_rnd, seed + cpu + 2000);
	tasklet_init(&w->tasklet, tasklet_fn, (unsigned long)w);
	init_irq_work(&w->irq_work, irq_fn);
	gomem_hrtimer_setup(&w->timer, timer_fn, HRTIMER_MODE_REL_PINNED);
	w->task = kthread_create_on_cpu(thread_fn, w, cpu, "gomem_torture/%u");
	if (IS_ERR(w->task)) {
		int err = PTR_ERR(w->task);

		w->task = NULL;
		return err;
	}
	wake_up_process(w->task);
	if (interrupts)
		smp_call_function_single(cpu, start_timer, NULL, 1);
	return 0;
}

static void stop_worker(int cpu)
{
	struct worker *w = per_cpu_ptr(&workers, cpu);

	if (!w->task)
		return;
	kthread_stop(w->task);
	hrtimer_cancel(&w->timer);
	irq_work_sync(&w->irq_work);
	/*
	 * Cancel again: an irq_work that found stop not set may have armed the
	 * timer after the first hrtimer_cancel().
	 */
	hrtimer_cancel(&w->timer);
	tasklet_kill(&w->tasklet);
}

/*
 * Start a worker on each CPU. CPUs may go offline during the test: the kernel
 * moves their threads and timers to other CPUs.
 */
static int start_workers(void)
{
	int cpu, err = 0;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		err = start_worker(cpu);
		if (err)
			break;
	}
	cpus_read_unlock();
	return err;
}

static int verdict(void)
{
	pr_info("%lld allocations, %lld frees, %lld failures, %lld errors\n",
		atomic64_read(&allocs), atomic64_read(&frees),
		atomic64_read(&failures), atomic64_read(&errors));
	if (atomic64_read(&errors) ||
	    atomic64_read(&allocs) != atomic64_read(&frees))
		return -EIO;
	if (atomic64_read(&failures) && !may_fail)
		return -ENOMEM;
	return 0;
}

static int __init gomem_torture_init(void)
{
	unsigned long i;
	int cpu, err;

	if (!seconds || seconds > 3600 || max_size < 64 ||
	    max_size > GOMEM_MAX_SIZE) {
		pr_err("seconds must be 1 to 3600, max_size 64 to %lu\n",
		       GOMEM_MAX_SIZE);
		return -EINVAL;
	}
	if (!seed)
		seed = get_random_u32();
	pr_info("seed=%lu\n", seed);

	err = start_workers();
	WRITE_ONCE(go, true);
	for (i = 0; i < seconds && !err; i++)
		ssleep(1);

	WRITE_ONCE(stop, true);
	for_each_possible_cpu(cpu)
		stop_worker(cpu);
	for (i = 0; i < NR_SLOTS; i++) {
		put_item(table[i]);
		put_tiny(tiny_table[i]);
	}

	return verdict() ?: err;
}

static void __exit gomem_torture_exit(void)
{
}

module_init(gomem_torture_init);
module_exit(gomem_torture_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: allocate and free from everywhere at once");
MODULE_LICENSE("GPL");
