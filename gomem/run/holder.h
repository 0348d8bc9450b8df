/* SPDX-License-Identifier: GPL-2.0 */
/*
 * holder.h - find what points to an object.
 */
#ifndef GOMEM_HOLDER_H
#define GOMEM_HOLDER_H

struct seq_file;

int gomem_holder_find(unsigned long addr);
void gomem_holder_show(struct seq_file *m);

#endif /* GOMEM_HOLDER_H */
