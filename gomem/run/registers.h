/* SPDX-License-Identifier: GPL-2.0 */
/*
 * registers.h - scan the registers of all CPUs for pointers to objects.
 */
#ifndef GOMEM_REGISTERS_H
#define GOMEM_REGISTERS_H

struct gomem_marks;

int gomem_registers_scan(struct gomem_marks *m);

#endif /* GOMEM_REGISTERS_H */
