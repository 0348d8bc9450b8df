/* SPDX-License-Identifier: GPL-2.0 */
/*
 * whatis.h - tell all that gomem knows about an address.
 */
#ifndef GOMEM_WHATIS_H
#define GOMEM_WHATIS_H

struct seq_file;

void gomem_whatis_show(struct seq_file *m, unsigned long addr);

#endif /* GOMEM_WHATIS_H */
