// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_bench.c - what one allocation and one free cost, beside kmalloc().
 *
 * Run under scripts/vm --accel=icount, where the guest's clock advances one
 * nanosecond per instruction: the times printed are instruction counts then.
 *
 * Both allocators run in turn, several times; the least of the repetitions counts
 * (a stock kernel has timers), and the empty loop's cost is taken off.
 *
 *	pair	one object goes back and forth: the hit path, nothing else
 *	const	the same, of a size known at compile time
 *	churn	of many live objects 64 random ones are freed, then 64 allocated:
 *		what slots cannot hold goes to spans all over and comes from there;
 *		the order is made beforehand, caches and memory are not in it
 */
#define pr_fmt(fmt) "gomem_bench: " fmt

#include <linux/gomem.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>

static unsigned int loops = 2000;
module_param(loops, uint, 0444);
MODULE_PARM_DESC(loops, "Pairs in a repetition (default 2000)");

#define REPEAT	15

/* Read anew each time, so that the size is not known at compile time. */
static size_t var_size;

static noinline void empty(unsigned int n)
{
	while (n--)
		barrier_data((void *)READ_ONCE(var_size));
}

static noinline void gomem_pair(unsigned int n)
{
	while (n--) {
		void *p = gomem_alloc(READ_ONCE(var_size), GFP_KERNEL);

		barrier_data(p);
		gomem_free(p);
	}
}

static noinline void kmalloc_pair(unsigned int n)
{
	while (n--) {
		void *p = kmalloc(READ_ONCE(var_size), GFP_KERNEL);

		barrier_data(p);
		kfree(p);
	}
}

static noinline void gomem_const(unsigned int n)
{
	while (n--) {
		void *p = gomem_alloc(100, GFP_KERNEL);

		barrier_data(p);
		gomem_free(p);
	}
}

static noinline void kmalloc_const(unsigned int n)
{
	while (n--) {
		void *p = kmalloc(100, GFP_KERNEL);

		barrier_data(p);
		kfree(p);
	}
}

#define LIVE	20000
#define ROUND	64

static void *live[LIVE];
static unsigned int order[LIVE];

/* All allocators go through the live objects in the same random order. */
static void make_order(void)
{
	struct rnd_state rnd;
	unsigned int i, j;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < LIVE; i++) {
		j = prandom_u32_state(&rnd) % (i + 1);
		order[i] = order[j];
		order[j] = i;
	}
}

static noinline void churn_empty(unsigned int n)
{
	unsigned int i, k;

	for (i = 0; i + ROUND <= n; i += ROUND) {
		for (k = 0; k < ROUND; k++)
			barrier_data(live[order[(i + k) % LIVE]]);
		for (k = 0; k < ROUND; k++)
			barrier_data(live[order[(i + k) % LIVE]]);
	}
}

static noinline void gomem_churn(unsigned int n)
{
	unsigned int i, k;

	for (i = 0; i + ROUND <= n; i += ROUND) {
		for (k = 0; k < ROUND; k++)
			gomem_free(live[order[(i + k) % LIVE]]);
		for (k = 0; k < ROUND; k++)
			live[order[(i + k) % LIVE]] = gomem_alloc(READ_ONCE(var_size), GFP_KERNEL);
	}
}

static noinline void kmalloc_churn(unsigned int n)
{
	unsigned int i, k;

	for (i = 0; i + ROUND <= n; i += ROUND) {
		for (k = 0; k < ROUND; k++)
			kfree(live[order[(i + k) % LIVE]]);
		for (k = 0; k < ROUND; k++)
			live[order[(i + k) % LIVE]] = kmalloc(READ_ONCE(var_size), GFP_KERNEL);
	}
}

static u64 time_once(void (*fn)(unsigned int n))
{
	u64 t = ktime_get_ns();

	fn(loops);
	return ktime_get_ns() - t;
}

static u64 best_of(u64 best, void (*fn)(unsigned int n))
{
	return min(best, time_once(fn));
}

static void print(const char *name, u64 base, u64 a, u64 b)
{
	/* In hundredths of a nanosecond, or of an instruction, per pair. */
	a = div_u64((a - min(a, base)) * 100, loops);
	b = div_u64((b - min(b, base)) * 100, loops);
	pr_info("%-6s %6zu bytes: gomem %llu.%02llu kmalloc %llu.%02llu ratio %llu.%03llu\n", name,
		var_size, a / 100, a % 100, b / 100, b % 100, div64_u64(a, b),
		div64_u64(a * 1000, b) % 1000);
}

static void compare(const char *name, void (*gomem)(unsigned int n),
		    void (*other)(unsigned int n))
{
	u64 base = U64_MAX, a = U64_MAX, b = U64_MAX;
	int i;

	gomem(loops);
	other(loops);
	for (i = 0; i < REPEAT; i++) {
		base = best_of(base, empty);
		a = best_of(a, gomem);
		b = best_of(b, other);
		cond_resched();
	}
	print(name, base, a, b);
}

/* The live objects are one allocator's at a time: not in turn, but one run each. */
static u64 churn_once(void *(*alloc)(size_t size), void (*free)(const void *p),
		      void (*fn)(unsigned int n))
{
	u64 best = U64_MAX;
	unsigned int i;

	for (i = 0; i < LIVE; i++)
		live[i] = alloc(var_size);
	for (i = 0; i < REPEAT; i++) {
		best = best_of(best, fn);
		cond_resched();
	}
	for (i = 0; i < LIVE; i++)
		free(live[i]);
	return best;
}

static void *gomem_one(size_t size)
{
	return gomem_alloc(size, GFP_KERNEL | __GFP_NOFAIL);
}

static void *kmalloc_one(size_t size)
{
	return kmalloc(size, GFP_KERNEL | __GFP_NOFAIL);
}

static void compare_churn(void)
{
	u64 a = churn_once(gomem_one, gomem_free, gomem_churn);
	u64 b = churn_once(kmalloc_one, kfree, kmalloc_churn);

	print("churn", time_once(churn_empty), a, b);
}

static int __init gomem_bench_init(void)
{
	static const size_t sizes[] = { 8, 16, 32, 64, 100, 256, 512, 1024, 2048, 4096, 8192 };
	size_t i;

	if (!loops || loops > 10000000) {
		pr_err("loops must be 1 to 10000000\n");
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		var_size = sizes[i];
		compare("pair", gomem_pair, kmalloc_pair);
	}
	var_size = 100;
	compare("const", gomem_const, kmalloc_const);

	make_order();
	loops = round_up(loops, ROUND);
	for (i = 3; i < ARRAY_SIZE(sizes) - 2; i++) {
		var_size = sizes[i];
		compare_churn();
	}
	return 0;
}

static void __exit gomem_bench_exit(void)
{
}

module_init(gomem_bench_init);
module_exit(gomem_bench_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: cost of the hit path beside kmalloc()");
MODULE_LICENSE("GPL");
