// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_hunt_moves.c - move the only pointers to objects while gomem's scan for
 * leaks (gomem/run/hunt.c) runs, and lose other objects.
 *
 * The scan must report the objects that lost_among_moving() allocates, and no
 * others. held_in_xarrays() allocates objects that a thread moves between two
 * xarrays, all of them many times during each round of the scan. A pointer is
 * in the new place before it leaves the old one. held_far_apart() allocates
 * objects that another thread moves between two arrays in memory far apart: the
 * scan reads one array at the beginning of a round and the other at the end.
 *
 * The threads do not write to the objects: the scan takes an object whose
 * contents change for an object in use, even if it finds no pointer to it. Each
 * thread chooses at random which object it moves next. So whether a round of
 * the scan misses an object does not depend on whether the round before missed
 * it.
 */
#define pr_fmt(fmt) "gomem_hunt_moves: " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/gomem.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/xarray.h>

/* Objects of each thread. */
#define OBJECTS		2000
#define LOST		20

/*
 * The indices of two objects in an xarray differ by at least this much, so that
 * each object has a node of the xarray for itself.
 */
#define STEP		64

/* Each thread sleeps after this many moves. */
#define MOVES		256
#define FAR_MOVES	8

/*
 * Number and order of the blocks of pages that get_blocks() tries to allocate.
 * It keeps the lowest and the highest block, and frees the others.
 */
#define BLOCKS		64
#define ORDER		8

static unsigned int us = 1000;
module_param(us, uint, 0444);
MODULE_PARM_DESC(us, "Microseconds between moves from one array to the other (default 1000)");

static DEFINE_XARRAY(one);
static DEFINE_XARRAY(other);
static void **low, **high;
static struct task_struct *fast, *slow;
/*
 * The inverted addresses of the objects of lost_among_moving(), to free them at
 * the end. The scan does not take inverted addresses for pointers.
 */
static unsigned long lost[LOST];

static noinline bool held_in_xarrays(unsigned long i)
{
	void *p = gomem_zalloc(200, GFP_KERNEL);

	if (p && !xa_err(xa_store(&one, i * STEP, p, GFP_KERNEL)))
		return true;
	gomem_free(p);
	return false;
}

static noinline bool held_far_apart(unsigned long i)
{
	void *p = gomem_zalloc(232, GFP_KERNEL);

	WRITE_ONCE(low[i], p);
	return p;
}

static noinline bool lost_among_moving(unsigned long i)
{
	void *p = gomem_zalloc(264, GFP_KERNEL);

	lost[i] = ~(unsigned long)p;
	return p;
}

static void move_in_xarrays(unsigned long i)
{
	struct xarray *from = xa_load(&one, i * STEP) ? &one : &other;
	struct xarray *to = from == &one ? &other : &one;
	void *p = xa_load(from, i * STEP);

	if (!xa_err(xa_store(to, i * STEP, p, GFP_KERNEL)))
		xa_erase(from, i * STEP);
}

static int move_fast(void *unused)
{
	unsigned int n;

	while (!kthread_should_stop()) {
		for (n = 0; n < MOVES; n++) {
			move_in_xarrays(get_random_u32() % OBJECTS);
			cond_resched();
		}
		usleep_range(20, 50);
	}
	return 0;
}

static void move_far(unsigned long i)
{
	void **from = low[i] ? low : high, **to = low[i] ? high : low;

	WRITE_ONCE(to[i], from[i]);
	/*
	 * A scan that finds the old place empty must find the pointer in the
	 * new place.
	 */
	smp_store_release(&from[i], NULL);
}

static int move_slowly(void *unused)
{
	unsigned int n;

	while (!kthread_should_stop()) {
		for (n = 0; n < FAR_MOVES; n++)
			move_far(get_random_u32() % OBJECTS);
		usleep_range(us, us + 50);
	}
	return 0;
}

static void free_block(void **block)
{
	if (!block)
		return;
	memset(block, 0, OBJECTS * sizeof(*block));
	free_pages((unsigned long)block, ORDER);
}

/* Keep the lowest and the highest of the blocks that can be allocated. */
static bool get_blocks(void)
{
	unsigned int i, n = 0;
	void **block[BLOCKS];

	for (; n < BLOCKS; n++) {
		block[n] = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO |
						    __GFP_NORETRY |
						    __GFP_NOWARN, ORDER);
		if (!block[n])
			break;
		low = !low || block[n] < low ? block[n] : low;
		high = !high || block[n] > high ? block[n] : high;
	}
	for (i = 0; i < n; i++)
		if (block[i] != low && block[i] != high)
			free_pages((unsigned long)block[i], ORDER);
	return n > 1;
}

static bool fill(void)
{
	unsigned long i;

	for (i = 0; i < OBJECTS; i++)
		if (!held_in_xarrays(i) || !held_far_apart(i))
			return false;
	for (i = 0; i < LOST; i++)
		if (!lost_among_moving(i))
			return false;
	return true;
}

static void stop(struct task_struct *task)
{
	if (!IS_ERR_OR_NULL(task))
		kthread_stop(task);
}

static void free_xarray(struct xarray *xa)
{
	unsigned long i;
	void *p;

	xa_for_each(xa, i, p) {
		xa_erase(xa, i);
		gomem_free(p);
	}
	xa_destroy(xa);
}

static void free_all(void)
{
	unsigned int i;

	stop(fast);
	stop(slow);
	free_xarray(&one);
	free_xarray(&other);
	for (i = 0; low && i < OBJECTS; i++)
		gomem_free(low[i]);
	for (i = 0; high && high != low && i < OBJECTS; i++)
		gomem_free(high[i]);
	for (i = 0; i < LOST; i++)
		if (lost[i])
			gomem_free((void *)~lost[i]);
	free_block(high != low ? high : NULL);
	free_block(low);
}

static int __init gomem_hunt_moves_init(void)
{
	if (!get_blocks() || !fill())
		goto fail;
	fast = kthread_run(move_fast, NULL, "hunt_fast");
	slow = kthread_run(move_slowly, NULL, "hunt_slow");
	if (IS_ERR(fast) || IS_ERR(slow))
		goto fail;
	return 0;
fail:
	free_all();
	return -ENOMEM;
}

static void __exit gomem_hunt_moves_exit(void)
{
	free_all();
}

module_init(gomem_hunt_moves_init);
module_exit(gomem_hunt_moves_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: move pointers to objects");
MODULE_LICENSE("GPL");
