// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_yield.c - measure how long a task waits for a CPU while another task
 * only allocates and frees.
 *
 * On kernels with preempt=voluntary, a task in the kernel keeps its CPU until
 * it reaches a preemption point. kmalloc(GFP_KERNEL) contains one, and each
 * gomem function that may sleep should, too. When the module is loaded, it
 * measures one function of gomem after the other. A task calls that function
 * for as long as the parameter ms says, and then does the same work with the
 * kernel's functions for as long again. Meanwhile a second task, with a
 * real-time priority and on the same CPU, wakes up each millisecond. The log
 * has a line for each function, with two times: the longest time that the
 * second task was ready and did not run while the first task called gomem's
 * function, and the same for the kernel's functions.
 */
#define pr_fmt(fmt) "gomem_yield: " fmt

#include <linux/completion.h>
#include <linux/gomem.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/sizes.h>
#include <linux/slab.h>

static unsigned int ms = 1000;
module_param(ms, uint, 0444);
MODULE_PARM_DESC(ms,
		 "Milliseconds that each function is called for (default 1000)");

/* Calls between two reads of the clock */
#define CALLS		64
#define MANY		200

static struct gomem_cache *cache, *ctor_cache;
static struct kmem_cache *kernel_cache;
static struct gomem_arena *arena;
static void *held, *many[MANY];
static bool failed;

static void *use(void *p)
{
	failed |= !p;
	return p;
}

static void do_kmalloc(void)
{
	kfree(use(kmalloc(64, GFP_KERNEL)));
}

static void do_kzalloc(void)
{
	kfree(use(kzalloc(64, GFP_KERNEL)));
}

static void do_kmalloc_few_bytes(void)
{
	kfree(use(kmalloc(5, GFP_KERNEL)));
}

/* Allocate all objects of many[] with kmalloc(), then free all. */
static void kmalloc_many(size_t size)
{
	unsigned int i;

	for (i = 0; i < MANY; i++)
		many[i] = use(kmalloc(size, GFP_KERNEL));
	for (i = 0; i < MANY; i++)
		kfree(many[i]);
}

static void do_kmalloc_many(void)
{
	kmalloc_many(5);
}

static void do_kmalloc_pages(void)
{
	kmalloc_many(4096);
}

static void do_kmalloc_large(void)
{
	kfree(use(kmalloc(SZ_64K, GFP_KERNEL)));
}

static void do_krealloc(void)
{
	kfree(use(krealloc(use(kmalloc(64, GFP_KERNEL)), 200, GFP_KERNEL)));
}

static void do_kmemdup(void)
{
	kfree(use(kmemdup(many, 64, GFP_KERNEL)));
}

static void do_kmem_cache(void)
{
	void *p = use(kmem_cache_alloc(kernel_cache, GFP_KERNEL));

	if (p)
		kmem_cache_free(kernel_cache, p);
}

static void kmem_cache_bulk(unsigned int n)
{
	if (kmem_cache_alloc_bulk(kernel_cache, GFP_KERNEL, n, many))
		kmem_cache_free_bulk(kernel_cache, n, many);
	else
		failed = true;
}

static void do_kmem_cache_few(void)
{
	kmem_cache_bulk(4);
}

static void do_kmem_cache_bulk(void)
{
	kmem_cache_bulk(MANY);
}

static void do_alloc(void)
{
	/*
	 * Hide the size from the compiler, so that gomem looks the size class
	 * up at run time.
	 */
	size_t size = 64;

	OPTIMIZER_HIDE_VAR(size);
	gomem_free(use(gomem_alloc(size, GFP_KERNEL)));
}

static void do_alloc_const(void)
{
	gomem_free(use(gomem_alloc(64, GFP_KERNEL)));
}

static void do_zalloc(void)
{
	gomem_free(use(gomem_zalloc(64, GFP_KERNEL)));
}

static void do_noscan(void)
{
	gomem_free(use(gomem_alloc_noscan(64, GFP_KERNEL)));
}

static void do_tiny(void)
{
	gomem_free(use(gomem_alloc_noscan(4, GFP_KERNEL)));
}

/*
 * Allocate so many tiny objects that they fill many blocks. So blocks are taken
 * from the slot of blocks and freed, too.
 */
static void do_tiny_many(void)
{
	unsigned int i;

	for (i = 0; i < MANY; i++)
		many[i] = use(gomem_alloc_noscan(4, GFP_KERNEL));
	gomem_free_bulk(MANY, many);
}

static void do_node(void)
{
	gomem_free(use(gomem_alloc_node(64, GFP_KERNEL, 0)));
}

/* With __GFP_THISNODE, the allocation bypasses the slots. */
static void do_this_node(void)
{
	gomem_free(use(gomem_alloc_node(64, GFP_KERNEL | __GFP_THISNODE, 0)));
}

static void do_large(void)
{
	gomem_free(use(gomem_alloc(SZ_64K, GFP_KERNEL)));
}

/*
 * Allocate many objects, then free them. The first calls of this function
 * refill and flush the slot, which grows meanwhile. Later calls find it large
 * enough to hold all MANY objects.
 */
static void do_misses(void)
{
	unsigned int i;

	for (i = 0; i < MANY; i++)
		many[i] = use(gomem_alloc(4096, GFP_KERNEL));
	for (i = 0; i < MANY; i++)
		gomem_free(many[i]);
}

static void do_realloc_in_place(void)
{
	held = use(gomem_realloc(held, 60, GFP_KERNEL));
}

static void do_realloc_moved(void)
{
	held = use(gomem_realloc(held, 200, GFP_KERNEL));
	gomem_free(held);
	held = use(gomem_alloc(64, GFP_KERNEL));
}

static void do_memdup(void)
{
	gomem_free(use(gomem_memdup(many, 64, GFP_KERNEL)));
}

static void do_strdup(void)
{
	gomem_free(use(gomem_strdup("a string of some length", GFP_KERNEL)));
}

static void do_bulk_few(void)
{
	failed |= gomem_alloc_bulk(64, GFP_KERNEL, 4, many) != 4;
	gomem_free_bulk(4, many);
}

static void do_bulk(void)
{
	failed |= gomem_alloc_bulk(64, GFP_KERNEL, MANY, many) != MANY;
	gomem_free_bulk(MANY, many);
}

static void do_cache(void)
{
	gomem_cache_free(cache, use(gomem_cache_alloc(cache, GFP_KERNEL)));
}

static void do_ctor_cache(void)
{
	gomem_cache_free(ctor_cache,
			 use(gomem_cache_alloc(ctor_cache, GFP_KERNEL)));
}

static void do_cache_node(void)
{
	gomem_cache_free(cache,
			 use(gomem_cache_alloc_node(cache, GFP_KERNEL, 0)));
}

static void do_cache_bulk(void)
{
	failed |= gomem_cache_alloc_bulk(cache, GFP_KERNEL, MANY, many) != MANY;
	gomem_cache_free_bulk(cache, MANY, many);
}

static void do_arena(void)
{
	static unsigned int n;

	use(gomem_arena_alloc(arena, 8, GFP_KERNEL));
	if (++n % MANY)
		return;
	gomem_arena_destroy(arena);
	arena = use(gomem_arena_create(GFP_KERNEL));
}

static void do_arena_create(void)
{
	gomem_arena_destroy(use(gomem_arena_create(GFP_KERNEL)));
}

static void do_scratch(void)
{
	gomem_scratch_put(use(gomem_scratch_get(0, GFP_KERNEL)));
}

static void do_mempool(void)
{
	gomem_mempool_free(use(gomem_mempool_alloc(GFP_KERNEL, (void *)64UL)),
			   NULL);
}

static void do_free_rcu(void)
{
	gomem_free_rcu_mightsleep(use(gomem_alloc(64, GFP_ATOMIC)));
}

/*
 * struct way - a function to call
 * @name: the function's name in the log
 * @work: calls gomem's function once or several times
 * @peer: does the same work with the kernel's functions. If these functions
 *	have no preemption point, or the kernel has no such function, it calls
 *	kmalloc() and kfree()
 * @share: call @work for ms / @share milliseconds, and @peer, too. ms is the
 *	parameter; a @share of 0 means 1
 */
static const struct way {
	const char *name;
	void (*work)(void);
	void (*peer)(void);
	unsigned int share;
} ways[] = {
	{ "alloc", do_alloc, do_kmalloc },
	{ "alloc_const", do_alloc_const, do_kmalloc },
	{ "zalloc", do_zalloc, do_kzalloc },
	{ "noscan", do_noscan, do_kmalloc },
	{ "tiny", do_tiny, do_kmalloc_few_bytes },
	{ "tiny_many", do_tiny_many, do_kmalloc_many },
	{ "node", do_node, do_kmalloc },
	{ "this_node", do_this_node, do_kmalloc },
	{ "large", do_large, do_kmalloc_large },
	{ "misses", do_misses, do_kmalloc_pages },
	{ "realloc_in_place", do_realloc_in_place, do_kmalloc },
	{ "realloc_moved", do_realloc_moved, do_krealloc },
	{ "memdup", do_memdup, do_kmemdup },
	{ "strdup", do_strdup, do_kmemdup },
	{ "bulk_few", do_bulk_few, do_kmem_cache_few },
	{ "bulk", do_bulk, do_kmem_cache_bulk },
	{ "cache", do_cache, do_kmem_cache },
	{ "ctor_cache", do_ctor_cache, do_kmem_cache },
	{ "cache_node", do_cache_node, do_kmem_cache },
	{ "cache_bulk", do_cache_bulk, do_kmem_cache_bulk },
	{ "arena", do_arena, do_kmalloc_many },
	{ "arena_create", do_arena_create, do_kmalloc },
	{ "scratch", do_scratch, do_kmalloc },
	{ "mempool", do_mempool, do_kmalloc },
	/*
	 * Each call leaves an object that is freed after a grace period. This
	 * way runs for a tenth of the time that the others run, so that these
	 * objects do not fill the memory.
	 */
	{ "free_rcu_mightsleep", do_free_rcu, do_kmalloc, 10 },
};

struct waiter {
	struct completion started;
	s64 longest_ns;
};

/*
 * Repeatedly sleep for a millisecond, and record the longest delay of a wakeup.
 */
static int wait_for_cpu(void *arg)
{
	struct waiter *w = arg;
	ktime_t until;

	sched_set_fifo_low(current);
	complete(&w->started);
	while (!kthread_should_stop()) {
		until = ktime_add_ms(ktime_get(), 1);
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_hrtimeout_range(&until, 0, HRTIMER_MODE_ABS);
		w->longest_ns = max(w->longest_ns,
				    ktime_to_ns(ktime_sub(ktime_get(), until)));
	}
	return 0;
}

struct hog {
	void (*work)(void);
	unsigned int ms;
	struct completion done;
};

/*
 * Call the function repeatedly. There is no preemption point but those in the
 * function itself.
 */
static int keep_cpu(void *arg)
{
	struct hog *h = arg;
	ktime_t end = ktime_add_ms(ktime_get(), h->ms);
	unsigned int i;

	do {
		for (i = 0; i < CALLS; i++)
			h->work();
	} while (ktime_before(ktime_get(), end));
	complete(&h->done);
	return 0;
}

/*
 * Call @work on CPU 0 for @time ms. Return the longest delay of a wakeup that
 * wait_for_cpu() saw there meanwhile, in nanoseconds.
 */
static s64 longest_wait(void (*work)(void), unsigned int time)
{
	struct hog h = {
		.work = work, .ms = time,
		.done = COMPLETION_INITIALIZER_ONSTACK(h.done)
	};
	struct waiter w = {
		.started = COMPLETION_INITIALIZER_ONSTACK(w.started)
	};
	struct task_struct *waiter, *hog;

	waiter = kthread_run_on_cpu(wait_for_cpu, &w, 0, "gomem_waiter");
	if (IS_ERR(waiter)) {
		failed = true;
		return 0;
	}
	wait_for_completion(&w.started);
	hog = kthread_run_on_cpu(keep_cpu, &h, 0, "gomem_hog");
	if (IS_ERR(hog))
		failed = true;
	else
		wait_for_completion(&h.done);
	kthread_stop(waiter);
	return w.longest_ns;
}

static void measure(const struct way *way)
{
	unsigned int time = ms / (way->share ?: 1);
	s64 own, peer;

	own = longest_wait(way->work, time);
	gomem_rcu_barrier();
	peer = longest_wait(way->peer, time);
	pr_info("%s: longest wait %lld ns, of its peer %lld ns\n", way->name,
		own, peer);
}

/* Constructor that does nothing */
static void construct(void *obj)
{
}

static void tear_down(void)
{
	gomem_free(held);
	if (arena)
		gomem_arena_destroy(arena);
	gomem_cache_destroy(cache);
	gomem_cache_destroy(ctor_cache);
	kmem_cache_destroy(kernel_cache);
	gomem_rcu_barrier();
}

static int __init yield_init(void)
{
	struct gomem_cache_args args = { .ctor = construct };
	unsigned int i;

	cache = gomem_cache_create("yield", 72, NULL);
	ctor_cache = gomem_cache_create("yield_ctor", 72, &args);
	kernel_cache = kmem_cache_create("yield_kernel", 72, 0, 0, NULL);
	arena = gomem_arena_create(GFP_KERNEL);
	held = gomem_alloc(64, GFP_KERNEL);
	if (!cache || !ctor_cache || !kernel_cache || !arena || !held) {
		tear_down();
		return -ENOMEM;
	}
	for (i = 0; i < ARRAY_SIZE(ways) && !failed; i++)
		measure(&ways[i]);
	tear_down();
	return failed ? -ENOMEM : 0;
}

static void __exit yield_exit(void)
{
}

module_init(yield_init);
module_exit(yield_exit);

MODULE_AUTHOR("The gomem authors");
MODULE_DESCRIPTION("Measures how long tasks wait for a CPU that allocates");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(GOMEM_NS);
