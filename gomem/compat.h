/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h - what differs between the kernels gomem supports. The only file
 * (with GOMEM_NS in the public header) that looks at the kernel version.
 */
#ifndef GOMEM_COMPAT_H
#define GOMEM_COMPAT_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/mmzone.h>
#include <linux/page-flags.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/workqueue.h>

#ifndef GOMEM_PROBED
#error "a Kbuild whose files use compat.h includes Kbuild.probe"
#endif

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

/* 6.17 wants to be told that a workqueue is per CPU, which was the default. */
#ifdef GOMEM_HAVE_WQ_PERCPU
#define GOMEM_WQ_PERCPU		WQ_PERCPU
#else
#define GOMEM_WQ_PERCPU		0
#endif

/* 6.13 sets a timer's function with the rest of it, and 6.15 in no other way. */
static inline void gomem_hrtimer_setup(struct hrtimer *timer,
				       enum hrtimer_restart (*function)(struct hrtimer *),
				       enum hrtimer_mode mode)
{
#ifdef GOMEM_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, function, CLOCK_MONOTONIC, mode);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, mode);
	timer->function = function;
#endif
}

/*
 * 6.18 marks what kmalloc() takes from the page allocator: such pages have no
 * reference count. kfree() of another page drops no reference any more.
 */
static inline bool gomem_folio_is_kmalloc(struct folio *folio)
{
#ifdef GOMEM_HAVE_LARGE_KMALLOC
	return folio_test_large_kmalloc(folio);
#else
	return false;
#endif
}

#ifdef GOMEM_HAVE_LARGE_KMALLOC
#define GOMEM_KFREE_LEAVES_NO_TRACE	true
#else
#define GOMEM_KFREE_LEAVES_NO_TRACE	false
#endif

/*
 * What a module's kmalloc() and the like become when it is compiled, for override.c:
 * 6.10 put _noprof behind the names, 6.11 found others for what its header inlines use.
 * A name or an argument that a later kernel changes does not compile: each stand-in has
 * the type of the function that it stands in for.
 */
#ifdef GOMEM_HAVE_NOPROF
#define GOMEM_KERNEL(function)		function##_noprof
#else
#define GOMEM_KERNEL(function)		function
#endif

#ifdef GOMEM_HAVE_KMALLOC_CACHE
#define GOMEM_KERNEL_KMALLOC_CACHE	__kmalloc_cache_noprof
#define GOMEM_KERNEL_KMALLOC_CACHE_NODE	__kmalloc_cache_node_noprof
#define GOMEM_KERNEL_KMALLOC_LARGE	__kmalloc_large_noprof
#define GOMEM_KERNEL_KMALLOC_LARGE_NODE	__kmalloc_large_node_noprof
#define GOMEM_KERNEL_KVMALLOC_NODE	__kvmalloc_node_noprof
#else
#define GOMEM_KERNEL_KMALLOC_CACHE	GOMEM_KERNEL(kmalloc_trace)
#define GOMEM_KERNEL_KMALLOC_CACHE_NODE	GOMEM_KERNEL(kmalloc_node_trace)
#define GOMEM_KERNEL_KMALLOC_LARGE	GOMEM_KERNEL(kmalloc_large)
#define GOMEM_KERNEL_KMALLOC_LARGE_NODE	GOMEM_KERNEL(kmalloc_large_node)
#define GOMEM_KERNEL_KVMALLOC_NODE	GOMEM_KERNEL(kvmalloc_node)
#endif

/* In 6.10 alone the name has no underscores. */
#if defined(GOMEM_HAVE_NOPROF) && !defined(GOMEM_HAVE_KMALLOC_CACHE)
#define GOMEM_KERNEL_TRACK_CALLER	kmalloc_node_track_caller_noprof
#else
#define GOMEM_KERNEL_TRACK_CALLER	GOMEM_KERNEL(__kmalloc_node_track_caller)
#endif

/* 6.11 has buckets behind a size, and 7.2 a token for the type of the object. */
#if defined(DECL_KMALLOC_PARAMS)
#define GOMEM_SIZE_PARAMS(size)		DECL_TOKEN_PARAMS(size, token)
#define GOMEM_BUCKET_PARAMS(size)	DECL_KMALLOC_PARAMS(size, b, token)
#elif defined(DECL_BUCKET_PARAMS)
#define GOMEM_SIZE_PARAMS(size)		size_t size
#define GOMEM_BUCKET_PARAMS(size)	DECL_BUCKET_PARAMS(size, b)
#else
#define GOMEM_SIZE_PARAMS(size)		size_t size
#define GOMEM_BUCKET_PARAMS(size)	size_t size
#endif

/* 7.3 has a head of its own for kfree_rcu(), half as large. */
#ifdef GOMEM_HAVE_KVFREE_RCU_HEAD
#define GOMEM_KVFREE_RCU_HEAD	struct kvfree_rcu_head
#else
#define GOMEM_KVFREE_RCU_HEAD	struct rcu_head
#endif

#endif /* GOMEM_COMPAT_H */
