// SPDX-License-Identifier: GPL-2.0
/*
 * cold.c - measure an allocation or a free when the processor's caches are
 * cold.
 *
 * Before each operation the loop reads more memory than the private caches of
 * one processor hold. So neither data nor code of any allocator is in these
 * caches. This needs a real processor: an emulated one has no caches.
 *
 * Each operation is timed alone, because evict() runs between two operations.
 * One such time is inexact, so the times of many operations are added up. Each
 * time includes that of reading the clock. The functions none_cold_...() only
 * call evict() and read the clock, and their time is subtracted.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "ways.h"

/*
 * Bytes that evict() reads: more than a level-two cache holds. A cache that
 * several processors share may stay warm, as it may in real use.
 */
#define CACHES	SZ_8M
#define LINE	64

static char *filler;
static u64 cycles;

/* Read the processor's own clock. The kernel's clock may be too coarse. */
static __always_inline u64 clock(void)
{
#ifdef CONFIG_X86_64
	u32 low, high;

	asm volatile("lfence; rdtsc; lfence"
		     : "=a" (low), "=d" (high) : : "memory");
	return (u64)high << 32 | low;
#else
	return ktime_get_ns();
#endif
}

static void evict(void)
{
	size_t i;

	for (i = 0; i < CACHES; i += LINE)
		(void)READ_ONCE(filler[i]);
}

static __always_inline void cold_alloc(unsigned int n, void *(*get)(gfp_t gfp),
				       void (*put)(void *p))
{
	u64 t;
	void *p;

	while (n--) {
		evict();
		t = clock();
		p = get(GFP_KERNEL);
		cycles += clock() - t;
		put(bench_use(p));
	}
}

static __always_inline void cold_free(unsigned int n, void *(*get)(gfp_t gfp),
				      void (*put)(void *p))
{
	u64 t;
	void *p;

	while (n--) {
		p = bench_use(get(GFP_KERNEL));
		evict();
		t = clock();
		put(p);
		cycles += clock() - t;
	}
}

#define DEFINE_COLD(name)						\
static void name##_cold_alloc(unsigned int n)				\
{									\
	cold_alloc(n, name##_get, name##_put);				\
}									\
static void name##_cold_free(unsigned int n)				\
{									\
	cold_free(n, name##_get, name##_put);				\
}

DEFINE_COLD(none)
DEFINE_COLD(gomem)
DEFINE_COLD(kmalloc)
DEFINE_COLD(cache)

/*
 * Return the nanoseconds that all operations together spent between their two
 * reads of the clock.
 */
static u64 time_cold(const struct bench_way *way, unsigned int n)
{
	u64 all = clock(), ns;

	cycles = 0;
	ns = bench_time(way, n);
	all = clock() - all;
	return mul_u64_u64_div_u64(ns, cycles, all);
}

static int setup(void)
{
	filler = vmalloc(CACHES);
	if (!filler)
		return -ENOMEM;
	memset(filler, 1, CACHES);
	return 0;
}

static void teardown(void)
{
	vfree(filler);
}

static const struct bench_way alloc_ways[] = {
	{ "none", none_cold_alloc },
	{ "gomem", gomem_cold_alloc },
	{ "kmalloc", kmalloc_cold_alloc },
	{ "kmem_cache", cache_cold_alloc },
	{ },
};

static const struct bench_way free_ways[] = {
	{ "none", none_cold_free },
	{ "gomem", gomem_cold_free },
	{ "kmalloc", kmalloc_cold_free },
	{ "kmem_cache", cache_cold_free },
	{ },
};

const struct bench bench_cold[] = {
	{
		.name = "cold_alloc",
		.ways = alloc_ways,
		.ops = 16,
		.time = time_cold,
		.setup = setup,
		.teardown = teardown,
	},
	{
		.name = "cold_free",
		.ways = free_ways,
		.ops = 16,
		.time = time_cold,
		.setup = setup,
		.teardown = teardown,
	},
	{},
};
