/* SPDX-License-Identifier: GPL-2.0 */
/*
 * oom.h - log how much memory gomem has when the kernel is out of memory.
 */
#ifndef GOMEM_OOM_H
#define GOMEM_OOM_H

void gomem_oom_init(void);
void gomem_oom_exit(void);

#endif /* GOMEM_OOM_H */
