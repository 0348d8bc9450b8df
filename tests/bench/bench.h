/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench.h - what a scenario is made of.
 *
 * A scenario does the same work in several ways: first the empty one, which is all of
 * the loop but the allocator, then with one allocator each. The ways run in turn, many
 * times; what the empty one took is taken off the others.
 *
 * The work of a way is a loop of its own, into which the allocator's inline part is
 * compiled as into any caller. All loops of a scenario come from one inline function,
 * so that they differ in the allocator only.
 */
#ifndef GOMEM_BENCH_H
#define GOMEM_BENCH_H

#include <linux/gfp.h>
#include <linux/types.h>

struct kmem_cache;

/**
 * struct bench_way - one allocator's way to do the work
 * @name: the allocator's; NULL ends an array of ways
 * @work: does it @n times
 */
struct bench_way {
	const char *name;
	void (*work)(unsigned int n);
};

/**
 * struct bench - a scenario
 * @name: what scripts/bench calls it
 * @ways: the empty way, then the allocators'
 * @ops: how much is done in one repetition; less where objects are large
 * @batch: @ops is made a multiple of it; bench_batch_size while the scenario runs
 * @unit: operations for which a cost is told are @ops / @unit; 0 is 1
 * @setup: before all ways; may be NULL. 0, or an error
 * @teardown: after them, and after a @setup that failed
 * @time: nanoseconds that a way takes for @n; bench_time() if NULL
 * @run: all of it, for what is measured in another way; bench_compare() if NULL
 */
struct bench {
	const char *name;
	const struct bench_way *ways;
	unsigned int ops;
	unsigned int batch;
	unsigned int unit;
	int (*setup)(void);
	void (*teardown)(void);
	u64 (*time)(const struct bench_way *way, unsigned int n);
	int (*run)(const struct bench *b);
};

/* Arrays, each ended by a scenario without a name. */
extern const struct bench bench_pair[], bench_batch[], bench_live[], bench_realloc[];
extern const struct bench bench_large[], bench_irq[], bench_cold[], bench_tiny[];
extern const struct bench bench_remote[], bench_threads[];
extern const struct bench bench_lines[], bench_fill[];

/* Of the scenario that runs. The size is read anew each time: no constant to inline. */
extern size_t bench_size;
extern struct kmem_cache *bench_cache;
extern unsigned int bench_batch_size;
extern unsigned int bench_repeat, bench_scale;

/* An allocation failed, and what was measured is worth nothing. */
extern bool bench_failed;

int bench_compare(const struct bench *b);
u64 bench_time(const struct bench_way *way, unsigned int n);
u64 bench_median(u64 *samples, unsigned int n);
void bench_shuffle(unsigned int *order, unsigned int n);
__printf(1, 2) void bench_result(const char *fmt, ...);

#endif /* GOMEM_BENCH_H */
