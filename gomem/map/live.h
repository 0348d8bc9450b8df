/* SPDX-License-Identifier: GPL-2.0 */
/*
 * live.h - find out whether an address is in a live object, for code that knows
 * only the address: the check of copies to and from user space, and debugfs.
 */
#ifndef GOMEM_LIVE_H
#define GOMEM_LIVE_H

#include <linux/types.h>

struct gomem_span;

bool gomem_cell_is_live(struct gomem_span *s, unsigned int i);
bool gomem_large_is_live(const struct gomem_span *s);

#endif /* GOMEM_LIVE_H */
