/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stacks.h - scan registers, and the parts of stacks that are in use.
 */
#ifndef GOMEM_STACKS_H
#define GOMEM_STACKS_H

struct gomem_marks;

int gomem_stacks_scan(struct gomem_marks *m);

#endif /* GOMEM_STACKS_H */
