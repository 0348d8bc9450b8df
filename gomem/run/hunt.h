/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hunt.h - search all memory for pointers to objects, and report the objects
 * that nothing points to.
 */
#ifndef GOMEM_HUNT_H
#define GOMEM_HUNT_H

struct seq_file;

int gomem_hunt(void);
void gomem_hunt_show(struct seq_file *m);
void gomem_hunt_exit(void);

#endif /* GOMEM_HUNT_H */
