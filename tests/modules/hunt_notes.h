/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hunt_notes.h - allocate the objects of gomem_hunt, and record their inverted
 * addresses.
 *
 * The scan for leaks does not take an inverted address for a pointer. There is
 * no lock: only one task at a time may add an address.
 */
#ifndef GOMEM_TEST_HUNT_NOTES_H
#define GOMEM_TEST_HUNT_NOTES_H

#include <linux/gomem.h>
#include <linux/moduleparam.h>
#include <linux/sysfs.h>

#define MAX_OBJECTS	1024
#define MAX_LOST	256
#define MAX_TYPED	64

/*
 * Inverted addresses of all objects: all_typed has the addresses of the objects
 * of the typed cache, and all has the addresses of the other objects.
 */
static unsigned long all[MAX_OBJECTS], all_typed[MAX_TYPED];
static unsigned int nr_all, nr_typed;

/*
 * Inverted addresses of lost objects, and of three objects that are held:
 * of_slab by an object of kmalloc(), of_stack by a stack, of_chain by another
 * object.
 */
static unsigned long lost[MAX_LOST];
static unsigned int nr_lost;
static unsigned long of_slab, of_stack, of_chain;

/*
 * Print the address itself, as text. If the shell had to invert a number, it
 * would have the address as a word in its memory, which the scan may read, too.
 */
static int get_hidden(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%lx\n", ~*(unsigned long *)kp->arg);
}

static int get_lost(char *buf, const struct kernel_param *kp)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < nr_lost; i++)
		len += sysfs_emit_at(buf, len, "%lx\n", ~lost[i]);
	return len;
}

static const struct kernel_param_ops hidden_ops = { .get = get_hidden };
static const struct kernel_param_ops lost_ops = { .get = get_lost };

module_param_cb(lost, &lost_ops, NULL, 0400);
module_param_cb(of_slab, &hidden_ops, &of_slab, 0400);
module_param_cb(of_stack, &hidden_ops, &of_stack, 0400);
module_param_cb(of_chain, &hidden_ops, &of_chain, 0400);

static void *note(void *p)
{
	if (p && nr_all < MAX_OBJECTS)
		all[nr_all++] = ~(unsigned long)p;
	return p;
}

static void *note_typed(void *p)
{
	if (p && nr_typed < MAX_TYPED)
		all_typed[nr_typed++] = ~(unsigned long)p;
	return p;
}

static void *note_lost(void *p)
{
	if (p && nr_lost < MAX_LOST)
		lost[nr_lost++] = ~(unsigned long)p;
	return p;
}

/* Inlined, so that gomem records the caller as the allocating function. */
static __always_inline void *alloc(size_t size)
{
	return note(gomem_zalloc(size, GFP_KERNEL));
}

static __always_inline void *lose_one(size_t size)
{
	return note_lost(alloc(size));
}

#endif /* GOMEM_TEST_HUNT_NOTES_H */
