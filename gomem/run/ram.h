/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ram.h - scan the memory of the machine for pointers to objects.
 */
#ifndef GOMEM_RAM_H
#define GOMEM_RAM_H

struct gomem_marks;

/**
 * struct gomem_ram_counts - kernel pages, by what a scan did with them
 * @read: pages that were read
 * @heap: kernel pages that gomem owns, in which only objects are read
 * @stacks: pages of stacks, in which run/stacks.c reads the parts in use
 * @user: pages of processes and files, which were not read
 * @free: free pages, which were not read
 * @other: pages that could not be read, or should not be
 */
struct gomem_ram_counts {
	unsigned long read;
	unsigned long heap;
	unsigned long stacks;
	unsigned long user;
	unsigned long free;
	unsigned long other;
};

int gomem_ram_scan(struct gomem_marks *m, struct gomem_ram_counts *n);
void gomem_ram_wait(void);

#endif /* GOMEM_RAM_H */
