// SPDX-License-Identifier: GPL-2.0
/*
 * shuffle.c - put never-used objects into random order.
 *
 * A write beyond the end of an object hits its neighbour. If the objects of a
 * new span were allocated by rising address, an attacker who causes two
 * allocations in a row would get neighbours. So each batch of never-used
 * objects is shuffled, as SLAB_FREELIST_RANDOM shuffles the objects of a slab,
 * unless the module parameter shuffle is off.
 *
 * A batch is what a slot refill or a bulk allocation takes at once, at most 64
 * objects. Successive batches have rising addresses, so a span is used from its
 * start. Reused objects of a batch are not shuffled: a slot hands out the
 * object that was freed last, and a span the objects at the lowest addresses.
 *
 * A small slot takes only a few objects at once, or a single one. A shuffle of
 * so few objects would leave neighbours close together. So each object of such
 * a batch is drawn at random from the next free cells of the span, used before
 * or not: gomem_span_draw(). Spans for which gomem_draws_from() is false are
 * excepted.
 *
 * All objects of a bulk allocation go to one user. Objects of other users lie
 * after the batch, and an attacker must not know which entry of the caller's
 * array is next to them. So the batch of a bulk allocation is rotated, not
 * shuffled: it starts at a random object, and after the highest object
 * continues with the lowest. Neighbours then follow each other in the array. So
 * if a bulk free has to return objects of one page to their span, most return
 * in one step.
 */
#include <kunit/visibility.h>
#include <linux/cache.h>
#include <linux/kconfig.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/random.h>

#include "base/shuffle.h"

bool gomem_shuffle __read_mostly = IS_ENABLED(CONFIG_SLAB_FREELIST_RANDOM);
EXPORT_SYMBOL_IF_KUNIT(gomem_shuffle);
module_param_named(shuffle, gomem_shuffle, bool, 0644);
MODULE_PARM_DESC(shuffle,
		 "Hand out the objects of a new span in random order (default: Y if the kernel shuffles slabs)");

/*
 * The state of a linear congruential generator; only its upper half is random.
 *
 * The kernel's own generators cost ten times as much. They also take a lock,
 * which a section with preemption off must not do on PREEMPT_RT. An attacker
 * who sees the addresses of many objects can compute this state. The random
 * order hinders only attackers who do not see the addresses.
 */
static DEFINE_PER_CPU(u64, state);

#define MULTIPLIER	6364136223846793005ULL
#define INCREMENT	1442695040888963407ULL

/**
 * gomem_shuffle_init - seed each CPU's generator
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

/* Return a number below @n, made from the state @x. */
static unsigned int below(u64 x, unsigned int n)
{
	return (x >> 32) * n >> 32;
}

/**
 * gomem_shuffle_below - return a random number
 * @n: limit
 *
 * Context: any, as for gomem_shuffle_some().
 * Return: the number, below @n.
 */
unsigned int gomem_shuffle_below(unsigned int n)
{
	u64 x = next(raw_cpu_read(state));

	raw_cpu_write(state, x);
	return below(x, n);
}

/**
 * gomem_shuffle_some - put objects into random order
 * @objs: the objects
 * @n: number of objects, up to 64
 *
 * Each order is equally likely (Fisher-Yates shuffle).
 *
 * Context: any. If an interrupt shuffles on the same CPU meanwhile, it uses the
 * same random numbers as the interrupted code, which does no harm.
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
 * gomem_shuffle_rotate - rotate an array of objects by a random distance
 * @objs: objects that lie side by side, by rising address
 * @n: number of objects, 2 to 64
 *
 * Context: any, as for gomem_shuffle_some().
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
