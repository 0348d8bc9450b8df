/* SPDX-License-Identifier: GPL-2.0 */
/*
 * debugfs.h - create and remove the files in /sys/kernel/debug/gomem.
 */
#ifndef GOMEM_DEBUGFS_H
#define GOMEM_DEBUGFS_H

#include <linux/seq_file.h>

extern const struct seq_operations gomem_map_ops;

void gomem_debugfs_init(void);
void gomem_debugfs_exit(void);

#endif /* GOMEM_DEBUGFS_H */
