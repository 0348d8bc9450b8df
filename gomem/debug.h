/* SPDX-License-Identifier: GPL-2.0 */
/*
 * debug.h - how much gomem spends on finding its callers' mistakes.
 *
 *	0	what costs next to nothing, which is always on
 *	1	memory of destroyed arenas is poisoned, and kept from use for a while
 */
#ifndef GOMEM_DEBUG_H
#define GOMEM_DEBUG_H

#include <linux/compiler.h>
#include <linux/types.h>

#define GOMEM_DEBUG_ARENAS	1
#define GOMEM_DEBUG_MAX		1

extern unsigned int gomem_debug_level;

/* It changes at run time: what was not poisoned must not be checked for poison. */
static inline bool gomem_debugs(unsigned int level)
{
	return READ_ONCE(gomem_debug_level) >= level;
}

#endif /* GOMEM_DEBUG_H */
