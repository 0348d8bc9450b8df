/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench.h - the structures and parameters of the scenarios.
 *
 * A scenario is a measurement that does the same work in several ways. The
 * first way is empty: it is the loop without an allocator. Each other way uses
 * one allocator. The ways run in turn, many times. The time of the empty way is
 * subtracted from those of the other ways.
 *
 * Each way has its own loop, into which the allocator's inline functions are
 * compiled, as into any caller. All loops of a scenario come from one inline
 * function, so that they differ only in the allocator.
 */
#ifndef GOMEM_BENCH_H
#define GOMEM_BENCH_H

#include <linux/gfp.h>
#include <linux/types.h>

struct kmem_cache;

/**
 * struct bench_way - the work of a scenario, done with one allocator
 * @name: name of the allocator; NULL ends an array of ways
 * @work: do the work @n times
 */
struct bench_way {
	const char *name;
	void (*work)(unsigned int n);
};

/**
 * struct bench - a scenario
 * @name: name of the scenario in scripts/bench
 * @ways: the empty way, then one for each allocator
 * @ops: operations of one repetition if bench_scale is 1; fewer if objects are
 *	large (MAX_BYTES in measure.c)
 * @batch: value of bench_batch_size while the scenario runs. @ops is rounded up
 *	to a multiple of it; 0 means 1
 * @unit: the result is the cost of @unit operations; 0 means 1
 * @setup: called before all ways; may be NULL. Returns 0 or an error
 * @teardown: called after all ways, and after a failed @setup
 * @time: return the nanoseconds that a way takes for @n operations;
 *	bench_time() if NULL
 * @run: run the whole scenario; bench_compare() if NULL
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

/* Arrays of scenarios. A scenario without a name ends each array. */
extern const struct bench bench_pair[], bench_batch[], bench_live[],
	bench_realloc[];
extern const struct bench bench_large[], bench_irq[], bench_cold[],
	bench_tiny[];
extern const struct bench bench_remote[], bench_threads[];
extern const struct bench bench_lines[], bench_fill[];

/*
 * Parameters of the running scenario. Each iteration of a loop reads bench_size
 * anew, so that the compiler cannot keep what it computed from the size.
 */
extern size_t bench_size;
extern struct kmem_cache *bench_cache;
extern unsigned int bench_batch_size;
extern unsigned int bench_repeat, bench_scale;

/* Set when an allocation failed: the measurement is invalid. */
extern bool bench_failed;

int bench_compare(const struct bench *b);
u64 bench_time(const struct bench_way *way, unsigned int n);
u64 bench_median(u64 *samples, unsigned int n);
void bench_shuffle(unsigned int *order, unsigned int n);
__printf(1, 2) void bench_result(const char *fmt, ...);

#endif /* GOMEM_BENCH_H */
