/* SPDX-License-Identifier: GPL-2.0 */
/*
 * watch.h - watch allocations: record or charge each of them. Of allocations
 * that are not watched, the profile records only the sampled ones.
 *
 * The static key gomem_watching is enabled while the profile records each
 * object of a module (api/exact.c), while there are live accounts
 * (api/account.c), and while a module has a hard limit (api/usage.c). Then
 * allocations leave the hit path at its first instructions, and call
 * gomem_is_watched(). If that returns true, they go on as if the slot were
 * empty, and so call gomem_watch() for each object. If not, they take the hit
 * path after all. The hit path of gomem_alloc() tests gomem_detour (below)
 * instead of gomem_watching. While the key that a hit path tests is disabled,
 * the test is a nop.
 */
#ifndef GOMEM_WATCH_H
#define GOMEM_WATCH_H

#include <linux/gfp.h>
#include <linux/jump_label.h>
#include <linux/types.h>

#include "api/profile.h"

DECLARE_STATIC_KEY_FALSE(gomem_watching);

/*
 * Enabled if an allocation of a size class must not simply take the hit path:
 * while gomem_watching is enabled, and always with init_on_alloc=1. So the hit
 * path of gomem_alloc() has one nop, not two.
 */
DECLARE_STATIC_KEY_FALSE(gomem_detour);

void gomem_watch_begin(void);
void gomem_watch_end(void);
bool gomem_is_watched(void);
bool gomem_watch_slow(void *obj, size_t size, gfp_t gfp);
unsigned int gomem_watch_many_slow(void **p, unsigned int n, size_t size,
				   gfp_t gfp);

/* Does each allocation have to call gomem_is_watched()? */
static __always_inline bool gomem_watches(void)
{
	return static_branch_unlikely(&gomem_watching);
}

/*
 * Record the object of an allocation that was not a hit, if the profile wants
 * the object, and charge it to the account that the task has entered. Return
 * false if the object could not be charged, or if gomem_usage_refuses() returns
 * true because the module is over its hard limit. Then the caller frees the
 * object, and the allocation fails.
 */
static __always_inline bool gomem_watch(void *obj, size_t size, gfp_t gfp)
{
	if (gomem_watches())
		return gomem_watch_slow(obj, size, gfp);
	gomem_profile_count_one(obj, size);
	return true;
}

/*
 * Like gomem_watch(), for the objects of a bulk call. Return how many objects,
 * counted from p[0], the call may hand out. The caller frees the others.
 */
static __always_inline unsigned int
gomem_watch_many(void **p, unsigned int n, size_t size, gfp_t gfp)
{
	if (gomem_watches())
		return gomem_watch_many_slow(p, n, size, gfp);
	gomem_profile_count(p, n, size);
	return n;
}

#endif /* GOMEM_WATCH_H */
