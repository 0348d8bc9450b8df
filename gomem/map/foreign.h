/* SPDX-License-Identifier: GPL-2.0 */
/*
 * foreign.h - describe memory that is not gomem's, for reports to callers that
 * pass such a pointer.
 */
#ifndef GOMEM_FOREIGN_H
#define GOMEM_FOREIGN_H

#include <linux/types.h>

void gomem_foreign_describe(unsigned long addr, char *buf, size_t len);
bool gomem_foreign_is_slab(unsigned long addr);

#endif /* GOMEM_FOREIGN_H */
