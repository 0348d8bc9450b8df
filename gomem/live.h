/* SPDX-License-Identifier: GPL-2.0 */
/*
 * live.h - is there a live object? For who was given an address and knows nothing of it.
 */
#ifndef GOMEM_LIVE_H
#define GOMEM_LIVE_H

#include <linux/types.h>

struct gomem_span;

bool gomem_slot_is_live(struct gomem_span *s, unsigned int i);
bool gomem_large_is_live(const struct gomem_span *s);

#endif /* GOMEM_LIVE_H */
