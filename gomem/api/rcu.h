/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rcu.h - free objects after an RCU grace period.
 */
#ifndef GOMEM_RCU_H
#define GOMEM_RCU_H

#include <linux/spinlock_types.h>
#include <linux/types.h>

void gomem_rcu_init(void);
void gomem_rcu_exit(void);
u64 gomem_rcu_waiting(void);
raw_spinlock_t *gomem_rcu_lock(int cpu);
void gomem_free_rcu_nolock(void *head, void *p, unsigned long caller);
void gomem_free_nolock(void *p, unsigned long caller);

#endif /* GOMEM_RCU_H */
