/* SPDX-License-Identifier: GPL-2.0 */
/*
 * watch.h - look at each allocation, instead of at samples.
 *
 * gomem_watching is enabled while the profile records each object of a module
 * (api/exact.c). Then allocations leave the hit path at its first instruction,
 * and take the path that they take when the slot is empty. That path calls
 * gomem_watch() for each object. The hit path only has the nop of the key.
 */
#ifndef GOMEM_WATCH_H
#define GOMEM_WATCH_H

#include <linux/gfp.h>
#include <linux/jump_label.h>
#include <linux/types.h>

#include "api/profile.h"

DECLARE_STATIC_KEY_FALSE(gomem_watching);

void gomem_watch_slow(void *obj, size_t size);

/* Does each allocation have to be looked at? */
static __always_inline bool gomem_watches(void)
{
	return static_branch_unlikely(&gomem_watching);
}

/*
 * Look at an object that is no hit of a slot: record it if the profile wants
 * it.
 */
static __always_inline void gomem_watch(void *obj, size_t size)
{
	if (gomem_watches())
		gomem_watch_slow(obj, size);
	else
		gomem_profile_count_one(obj, size);
}

/* The same for objects of a bulk call. */
static __always_inline void gomem_watch_many(void **p, unsigned int n,
					     size_t size)
{
	unsigned int i;

	if (!gomem_watches()) {
		gomem_profile_count(p, n, size);
		return;
	}
	for (i = 0; i < n; i++)
		gomem_watch_slow(p[i], size);
}

#endif /* GOMEM_WATCH_H */
