/* SPDX-License-Identifier: GPL-2.0 */
/*
 * epoch.h - periodic work: give unused memory back to the kernel.
 */
#ifndef GOMEM_EPOCH_H
#define GOMEM_EPOCH_H

#include <linux/types.h>

void gomem_epoch_init(void);
void gomem_epoch_exit(void);
void gomem_epoch_settle(void);
void gomem_epoch_look(void);
void gomem_epoch_pause(void);
void gomem_epoch_resume(void);
bool gomem_epoch_rests(void);
u64 gomem_looks(void);
u64 gomem_epochs(void);
u64 gomem_scavenge_time(void);
unsigned long gomem_scavenge_all(void);

#endif /* GOMEM_EPOCH_H */
