/* SPDX-License-Identifier: GPL-2.0 */
/*
 * goal.h - decide how many pages a heap keeps.
 */
#ifndef GOMEM_GOAL_H
#define GOMEM_GOAL_H

#include <linux/types.h>

struct gomem_heap;

/*
 * The default of epoch_ms, in milliseconds. An administrator who sets a longer
 * epoch wants free memory to be kept: see gomem_heap_urgent().
 */
#define GOMEM_EPOCH_MS	10000

/*
 * Module parameters, see Documentation/tuning.rst. goal.c registers
 * scavenge_percent. run/epoch.c registers epoch_ms, and restarts the timer of
 * the looks when epoch_ms is set.
 */
extern unsigned int gomem_epoch_ms;
extern unsigned int gomem_scavenge_percent;

unsigned long gomem_heap_set_goal(struct gomem_heap *h, unsigned int percent);
bool gomem_heap_has_many_free(const struct gomem_heap *h);
unsigned long gomem_heap_urgent(const struct gomem_heap *h);
unsigned long gomem_heap_excess(struct gomem_heap *h, bool *hurry);
void gomem_heap_kick(struct gomem_heap *h, unsigned long freed);

#endif /* GOMEM_GOAL_H */
