/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h - what differs between the kernels gomem supports. The only file
 * (with GOMEM_NS in the public header) that looks at the kernel version.
 */
#ifndef GOMEM_COMPAT_H
#define GOMEM_COMPAT_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/mmzone.h>
#include <linux/shrinker.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "gomem supports Linux 6.1 and newer"
#endif

/*
 * 6.8 renamed MAX_ORDER to MAX_PAGE_ORDER; 6.4 had made it inclusive before,
 * so on older kernels the largest order is one less.
 */
#ifdef MAX_PAGE_ORDER
#define GOMEM_MAX_ORDER	MAX_PAGE_ORDER
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define GOMEM_MAX_ORDER	MAX_ORDER
#else
#define GOMEM_MAX_ORDER	(MAX_ORDER - 1)
#endif

/* 6.3 took __GFP_ATOMIC out: __GFP_HIGH says it all since. */
#ifdef ___GFP_ATOMIC
#define GOMEM_GFP_ATOMIC	__GFP_ATOMIC
#else
#define GOMEM_GFP_ATOMIC	((__force gfp_t)0)
#endif

/*
 * 6.7 allocates shrinkers, so that they can be walked without a lock; before, they
 * were part of their owner.
 */
typedef unsigned long (*gomem_shrink_fn)(struct shrinker *shrinker, struct shrink_control *sc);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
struct gomem_shrinker {
	struct shrinker *shrinker;
};

static inline int gomem_shrinker_register(struct gomem_shrinker *gs, gomem_shrink_fn count,
					  gomem_shrink_fn scan, unsigned int flags,
					  const char *name)
{
	gs->shrinker = shrinker_alloc(flags, "%s", name);
	if (!gs->shrinker)
		return -ENOMEM;
	gs->shrinker->count_objects = count;
	gs->shrinker->scan_objects = scan;
	gs->shrinker->seeks = DEFAULT_SEEKS;
	shrinker_register(gs->shrinker);
	return 0;
}

static inline void gomem_shrinker_unregister(struct gomem_shrinker *gs)
{
	shrinker_free(gs->shrinker);
}
#else
struct gomem_shrinker {
	struct shrinker shrinker;
};

static inline int gomem_shrinker_register(struct gomem_shrinker *gs, gomem_shrink_fn count,
					  gomem_shrink_fn scan, unsigned int flags,
					  const char *name)
{
	gs->shrinker.count_objects = count;
	gs->shrinker.scan_objects = scan;
	gs->shrinker.seeks = DEFAULT_SEEKS;
	gs->shrinker.flags = flags;
	return register_shrinker(&gs->shrinker, "%s", name);
}

static inline void gomem_shrinker_unregister(struct gomem_shrinker *gs)
{
	unregister_shrinker(&gs->shrinker);
}
#endif

#endif /* GOMEM_COMPAT_H */
