// SPDX-License-Identifier: GPL-2.0
/*
 * measure.c - repeat the ways of a scenario, and evaluate the samples.
 *
 * A *way* does the scenario's work with one allocator; the empty way does it
 * with none. All ways run once, then all of them again, and so on. So other
 * load on the machine affects all ways alike. The results are the minimum, the
 * median and the 90th percentile of the repetitions. The minimum of the empty
 * way is subtracted from the minimum of each other way, the median from the
 * median, and so on. On a machine that counts instructions, use the minimum:
 * larger samples include interrupts. On a real processor, use the median.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "bench.h"

/*
 * Approximate limit of the bytes that one way of a scenario allocates in a
 * repetition with bench_scale 1. Some ways clear all these bytes, which takes a
 * long time.
 */
#define MAX_BYTES	SZ_16M

u64 bench_time(const struct bench_way *way, unsigned int n)
{
	u64 t = ktime_get_ns();

	way->work(n);
	return ktime_get_ns() - t;
}

static int compare_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Sort the samples and return the median. */
u64 bench_median(u64 *samples, unsigned int n)
{
	sort(samples, n, sizeof(*samples), compare_u64, NULL);
	return samples[n / 2];
}

/*
 * Fill @order with 0 ... @n - 1 in a random order, which is the same in each
 * call.
 */
void bench_shuffle(unsigned int *order, unsigned int n)
{
	struct rnd_state rnd;
	unsigned int i, j;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < n; i++) {
		j = prandom_u32_state(&rnd) % (i + 1);
		order[i] = order[j];
		order[j] = i;
	}
}

static unsigned int ops_of(const struct bench *b)
{
	size_t most = MAX_BYTES / max_t(size_t, bench_size, 1);
	unsigned int n = min_t(size_t, b->ops, most) * bench_scale;

	return roundup(max(n, 1U), bench_batch_size);
}

/*
 * Return how often to repeat each way with @n operations: bench_repeat times,
 * or up to four times as often while a way allocates few bytes. A record of the
 * heap profile costs as much as 300 allocations, and may be made in each of a
 * few short repetitions.
 */
static unsigned int repeat_of(unsigned int n)
{
	size_t bytes = max_t(size_t, bench_size, 1) * n;

	return clamp_t(size_t, MAX_BYTES / bytes, bench_repeat,
		       4 * bench_repeat);
}

/* Return the cost of one operation in hundredths of a nanosecond. */
static u64 cost(u64 ns, u64 base, unsigned int ops)
{
	return div_u64((ns - min(ns, base)) * 100, ops);
}

static void tell(const char *name, u64 *samples, const u64 *base,
		 unsigned int repeat, unsigned int ops)
{
	unsigned int p90 = repeat * 9 / 10;
	u64 v[3];

	bench_median(samples, repeat);
	v[0] = cost(samples[0], base[0], ops);
	v[1] = cost(samples[repeat / 2], base[repeat / 2], ops);
	v[2] = cost(samples[p90], base[p90], ops);
	bench_result("cost %s %llu.%02llu %llu.%02llu %llu.%02llu\n", name,
		     v[0] / 100, v[0] % 100, v[1] / 100, v[1] % 100, v[2] / 100,
		     v[2] % 100);
}

static void take_samples(const struct bench *b, unsigned int nr_ways,
			 unsigned int n, unsigned int repeat, u64 *samples)
{
	u64 (*time)(const struct bench_way *way, unsigned int n) =
		b->time ?: bench_time;
	unsigned int i, k, w;

	for (w = 0; w < nr_ways; w++)
		time(&b->ways[w], n);
	/*
	 * Start each repetition with another way, so that a periodic timer does
	 * not always hit the same way.
	 */
	for (i = 0; i < repeat; i++) {
		for (k = 0; k < nr_ways; k++) {
			w = (i + k) % nr_ways;
			samples[w * repeat + i] = time(&b->ways[w], n);
		}
		cond_resched();
	}
}

/**
 * bench_compare - measure all ways of a scenario
 * @b: the scenario, whose setup() has succeeded
 *
 * Return: 0, or -ENOMEM; the results are in bench_result()'s buffer.
 */
int bench_compare(const struct bench *b)
{
	unsigned int n = ops_of(b), nr_ways = 0, w;
	unsigned int repeat = repeat_of(n);
	u64 *samples;

	while (b->ways[nr_ways].name)
		nr_ways++;
	samples = vmalloc(array3_size(nr_ways, repeat, sizeof(*samples)));
	if (!samples)
		return -ENOMEM;
	take_samples(b, nr_ways, n, repeat, samples);
	bench_median(samples, repeat);
	for (w = 1; w < nr_ways; w++)
		tell(b->ways[w].name, samples + w * repeat, samples, repeat,
		     n / max(b->unit, 1U));
	vfree(samples);
	return 0;
}
