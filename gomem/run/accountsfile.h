/* SPDX-License-Identifier: GPL-2.0 */
/*
 * accountsfile.h - print the accounts, and what is charged to them.
 */
#ifndef GOMEM_ACCOUNTSFILE_H
#define GOMEM_ACCOUNTSFILE_H

struct seq_file;

int gomem_accounts_show(struct seq_file *m);

#endif /* GOMEM_ACCOUNTSFILE_H */
