// SPDX-License-Identifier: GPL-2.0
/*
 * sites.c - sum the live objects of each call stack that the heap profile
 *	recorded.
 *
 * A stack has a bucket for each size of its objects. A function with objects of
 * many sizes may have the most memory, although none of its buckets has. Only
 * the sum of the buckets shows this.
 */
#include <kunit/visibility.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/sched.h>

#include "api/profile.h"
#include "api/sites.h"

/*
 * Protects gomem_bucket.sum. Taken by tasks that unload a module. A task that
 * ran out of memory takes it too, but does not wait for it.
 */
static DEFINE_MUTEX(sums_mutex);

/**
 * gomem_site_add - add live objects of a bucket to the sum of its stack
 * @sum: the sum
 * @b: the bucket
 * @records: sum of the weights (base/sample.h) of the objects' records, in
 *	units of 2^-8
 *
 * Context: any.
 */
void gomem_site_add(struct gomem_stack_sum *sum, const struct gomem_bucket *b,
		    u64 records)
{
	u64 n = gomem_profile_scale(records, b->size, b->rate);

	if (!n)
		return;
	sum->smallest = sum->objects ? min(sum->smallest, b->size) : b->size;
	sum->largest = max(sum->largest, b->size);
	sum->objects += n;
	sum->bytes += n * b->size;
	sum->sampled |= b->rate > 1;
}

/*
 * Compute the sum of each stack, in the bucket that stands for all buckets of
 * the stack: gomem_bucket.first. It was added first, so it comes before the
 * other buckets of the stack in the list.
 */
static void sum_stacks(void)
{
	struct gomem_bucket *b;
	u64 all, frees;

	lockdep_assert_held(&sums_mutex);
	list_for_each_entry_rcu(b, gomem_profile_buckets(), all, true) {
		if (b->first == b)
			b->sum = (struct gomem_stack_sum){ };
		all = gomem_profile_records(b, &frees);
		gomem_site_add(&b->first->sum, b, all - frees);
		cond_resched();
	}
}

static void walk(gomem_site_fn fn, void *arg)
{
	const struct gomem_bucket *b;

	sum_stacks();
	list_for_each_entry_rcu(b, gomem_profile_buckets(), all, true) {
		if (b->first == b && b->sum.objects)
			fn(b, arg);
		cond_resched();
	}
}

/**
 * gomem_sites_walk - call a function for each stack that has live objects
 * @fn: called with the bucket that stands for the stack (gomem_bucket.first).
 *	The sum of this bucket covers all buckets of the stack
 * @arg: for @fn
 *
 * Context: may sleep; never allocates.
 */
void gomem_sites_walk(gomem_site_fn fn, void *arg)
{
	mutex_lock(&sums_mutex);
	walk(fn, arg);
	mutex_unlock(&sums_mutex);
}

struct top {
	struct gomem_site *site;
	unsigned int n;
	unsigned int max;
};

/*
 * Insert a stack into the array, most bytes first. If the array is full, drop
 * the stack with the fewest bytes.
 */
static void insert(const struct gomem_bucket *b, void *arg)
{
	struct gomem_site *site;
	struct top *top = arg;
	unsigned int i;

	site = top->site;
	if (top->n == top->max && b->sum.bytes <= site[top->n - 1].bytes)
		return;
	top->n = min(top->n + 1, top->max);
	for (i = top->n - 1; i && site[i - 1].bytes < b->sum.bytes; i--)
		site[i] = site[i - 1];
	site[i] = (struct gomem_site){ .b = b, .bytes = b->sum.bytes };
}

/**
 * gomem_sites_top - find the stacks that have allocated the most live memory
 * @site: array for these stacks, most bytes first
 * @max: its length, not 0
 *
 * For a task that ran out of memory: it must not wait for another task.
 *
 * Context: process; may be rescheduled, but never allocates, and waits for no
 * lock.
 * Return: the number of stacks in @site, up to @max; 0 if another task computes
 * sums at the moment.
 */
unsigned int gomem_sites_top(struct gomem_site *site, unsigned int max)
{
	struct top top = { .site = site, .max = max };

	if (!mutex_trylock(&sums_mutex))
		return 0;
	walk(insert, &top);
	mutex_unlock(&sums_mutex);
	return top.n;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_sites_top);
