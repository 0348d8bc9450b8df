/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lifetimesfile.h - print how long objects lived, for each call stack that
 * allocated objects.
 */
#ifndef GOMEM_LIFETIMESFILE_H
#define GOMEM_LIFETIMESFILE_H

struct seq_file;

int gomem_lifetimes_show(struct seq_file *m, void *unused);

#endif /* GOMEM_LIFETIMESFILE_H */
