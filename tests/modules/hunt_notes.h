/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hunt_notes.h - addresses of the objects of gomem_hunt, inverted, so that they
 * are no pointers. One task at a time adds one: there is no lock.
 */
#ifndef GOMEM_TEST_HUNT_NOTES_H
#define GOMEM_TEST_HUNT_NOTES_H

#include <linux/moduleparam.h>

#define MAX_OBJECTS	1024
#define MAX_LOST	256
#define MAX_TYPED	64

/*
 * The addresses of all objects, inverted: of gomem_alloc(), and of the cache.
 */
static unsigned long all[MAX_OBJECTS], all_typed[MAX_TYPED];
static unsigned int nr_all, nr_typed;

/* Inverted, too: of lost objects, and of some that are held. */
static unsigned long lost[MAX_LOST];
static unsigned int nr_lost;
module_param_array(lost, ulong, &nr_lost, 0400);
MODULE_PARM_DESC(lost, "Inverted addresses of the lost objects");
static unsigned long of_slab;
module_param(of_slab, ulong, 0400);
static unsigned long of_stack;
module_param(of_stack, ulong, 0400);
static unsigned long of_chain;
module_param(of_chain, ulong, 0400);

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

#endif /* GOMEM_TEST_HUNT_NOTES_H */
