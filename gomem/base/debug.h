/* SPDX-License-Identifier: GPL-2.0 */
/*
 * debug.h - the debug level: how much gomem spends to find misuse by its
 * callers.
 *
 *	0	only the checks that cost next to nothing; these are always on
 *	1	also poison the memory of destroyed arenas, and keep it from
 *		reuse until the epoch ends, more than 4 MiB are kept, or the
 *		kernel calls the shrinker
 */
#ifndef GOMEM_DEBUG_H
#define GOMEM_DEBUG_H

#include <linux/compiler.h>
#include <linux/types.h>

#define GOMEM_DEBUG_ARENAS	1
#define GOMEM_DEBUG_MAX		1

extern unsigned int gomem_debug_level;

/*
 * Is debug level @level on? The level may change at any time through the module
 * parameter. So whether to check memory for poison must depend on whether the
 * memory was poisoned, not on the level at the time of the check.
 */
static inline bool gomem_debugs(unsigned int level)
{
	return READ_ONCE(gomem_debug_level) >= level;
}

#endif /* GOMEM_DEBUG_H */
