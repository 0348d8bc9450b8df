/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lifetimesfile.h - print how long the objects that each stack allocated lived.
 */
#ifndef GOMEM_LIFETIMESFILE_H
#define GOMEM_LIFETIMESFILE_H

struct seq_file;

int gomem_lifetimes_show(struct seq_file *m, void *unused);

#endif /* GOMEM_LIFETIMESFILE_H */
