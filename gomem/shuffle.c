// SPDX-License-Identifier: GPL-2.0
/*
 * shuffle.c - the order of new objects.
 *
 * An overflow of one object reaches its neighbour. With objects of a new span handed out by
 * rising address, a user that can have two objects allocated one after the other has
 * neighbours. So each batch of new objects is shuffled, as SLAB_FREELIST_RANDOM does with a
 * slab of the kernel's.
 *
 * A batch is what a slot or a bulk allocation takes at once, 64 objects at most. Batches
 * come by rising address, so that a span is used from its start. Objects that were freed
 * come in the order in which they were freed.
 *
 * All objects of a bulk allocation go to one user. What an attacker must not know is where
 * somebody else's lie: behind the batch, next to an object that is as likely to be one as
 * another. So a bulk allocation's batch starts at a random object, and goes on from the
 * lowest after the highest. Objects that lie side by side then follow each other, by which a
 * bulk free is twice as fast.
 */
#include <kunit/visibility.h>
#include <linux/kconfig.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/random.h>

#include "shuffle.h"

bool gomem_shuffle __read_mostly = IS_ENABLED(CONFIG_SLAB_FREELIST_RANDOM);
EXPORT_SYMBOL_IF_KUNIT(gomem_shuffle);
module_param_named(shuffle, gomem_shuffle, bool, 0644);
MODULE_PARM_DESC(shuffle, "Hand out new objects in random order");

/*
 * The state of a linear congruential generator; the upper half of it is random. The
 * kernel's own generators take a lock, which is not possible with preemption off on
 * PREEMPT_RT, and cost ten times as much. Whoever sees addresses of many objects may
 * compute the state: the order is for whoever does not.
 */
static DEFINE_PER_CPU(u64, state);

#define MULTIPLIER	6364136223846793005ULL
#define INCREMENT	1442695040888963407ULL

/**
 * gomem_shuffle_init - give each CPU an order of its own
 */
void gomem_shuffle_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(state, cpu) = get_random_long();
}

static u64 next(u64 x)
{
	return x * MULTIPLIER + INCREMENT;
}

/* Of a state, a number below @n. */
static unsigned int below(u64 x, unsigned int n)
{
	return (x >> 32) * n >> 32;
}

/**
 * gomem_shuffle_some - put objects into random order
 * @objs: the objects
 * @n: how many, up to 64
 *
 * Each order is as likely as any other (Fisher and Yates).
 *
 * Context: any. An interrupt may do the same in the middle of it: both get the same numbers
 * then.
 */
void gomem_shuffle_some(void **objs, unsigned int n)
{
	u64 x = raw_cpu_read(state);

	for (; n > 1; n--) {
		x = next(x);
		swap(objs[n - 1], objs[below(x, n)]);
	}
	raw_cpu_write(state, x);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_shuffle_some);

/**
 * gomem_shuffle_rotate - start at a random object
 * @objs: objects that lie side by side, by rising address
 * @n: how many, 2 to 64
 *
 * Context: any, as above.
 */
void gomem_shuffle_rotate(void **objs, unsigned int n)
{
	void *start = objs[0], *end = objs[n - 1], *p;
	unsigned long size = objs[1] - start;
	u64 x = next(raw_cpu_read(state));
	unsigned int i;

	raw_cpu_write(state, x);
	p = start + below(x, n) * size;
	for (i = 0; i < n; i++) {
		objs[i] = p;
		p = p == end ? start : p + size;
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_shuffle_rotate);
