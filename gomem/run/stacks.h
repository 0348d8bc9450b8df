/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stacks.h - scan what is in use of stacks, and registers.
 */
#ifndef GOMEM_STACKS_H
#define GOMEM_STACKS_H

struct gomem_marks;

int gomem_stacks_scan(struct gomem_marks *m);

#endif /* GOMEM_STACKS_H */
