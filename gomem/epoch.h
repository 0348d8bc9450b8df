/* SPDX-License-Identifier: GPL-2.0 */
/*
 * epoch.h - what is done now and then, instead of a garbage collection.
 */
#ifndef GOMEM_EPOCH_H
#define GOMEM_EPOCH_H

#include <linux/types.h>

struct gomem_heap;

void gomem_epoch_init(void);
void gomem_epoch_exit(void);
void gomem_epoch_settle(void);
void gomem_epoch_pause(void);
void gomem_epoch_resume(void);
u64 gomem_looks(void);
u64 gomem_epochs(void);
u64 gomem_scavenge_time(void);
unsigned long gomem_scavenge_all(void);
bool gomem_heap_has_many_free(const struct gomem_heap *h);
void gomem_heap_kick(struct gomem_heap *h, unsigned long freed);
unsigned long gomem_heap_look(struct gomem_heap *h, unsigned int percent);

#endif /* GOMEM_EPOCH_H */
