/* SPDX-License-Identifier: GPL-2.0 */
/*
 * modulesfile.h - print how much memory the code of each module has allocated
 *	and not freed.
 */
#ifndef GOMEM_MODULESFILE_H
#define GOMEM_MODULESFILE_H

struct seq_file;

int gomem_modules_show(struct seq_file *m, void *unused);

#endif /* GOMEM_MODULESFILE_H */
