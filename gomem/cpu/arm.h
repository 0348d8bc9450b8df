/* SPDX-License-Identifier: GPL-2.0 */
/*
 * arm.h - start the slots' countdowns to the next sample of the heap profile.
 */
#ifndef GOMEM_ARM_H
#define GOMEM_ARM_H

struct gomem_kind;

void gomem_arm_init(void);
void gomem_arm_all(void);
void gomem_arm_cancel(void);
int gomem_arm_sampled(const struct gomem_kind *k);

#endif /* GOMEM_ARM_H */
