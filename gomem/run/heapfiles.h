/* SPDX-License-Identifier: GPL-2.0 */
/*
 * heapfiles.h - print the heap profile for tools, and live objects by stack for
 * people.
 */
#ifndef GOMEM_HEAPFILES_H
#define GOMEM_HEAPFILES_H

struct gomem_bucket;
struct seq_file;

void gomem_heapfiles_init(void);
void gomem_heapfiles_start(void);
void gomem_heapfiles_stop(void);
int gomem_heap_show(struct seq_file *m, void *unused);
int gomem_leaks_show(struct seq_file *m, void *unused);
void gomem_show_frames(struct seq_file *m, const struct gomem_bucket *b);

#endif /* GOMEM_HEAPFILES_H */
