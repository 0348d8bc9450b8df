/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h - the differences between the kernel versions gomem supports.
 *
 * Only two other files compare kernel versions: linux/gomem.h to define
 * GOMEM_NS, and linux/gomem_override.h for kmem_cache_create_usercopy().
 * Kbuild.probe searches the kernel's headers for features, and defines
 * GOMEM_HAVE_... for each that it finds.
 */
#ifndef GOMEM_COMPAT_H
#define GOMEM_COMPAT_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
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
 * Linux 6.8 renamed MAX_ORDER to MAX_PAGE_ORDER. Before 6.4 MAX_ORDER was
 * exclusive: the largest order was one less.
 */
#ifdef MAX_PAGE_ORDER
#define GOMEM_MAX_ORDER	MAX_PAGE_ORDER
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define GOMEM_MAX_ORDER	MAX_ORDER
#else
#define GOMEM_MAX_ORDER	(MAX_ORDER - 1)
#endif

/* Linux 6.3 removed __GFP_ATOMIC, and gave its effect to __GFP_HIGH. */
#ifdef ___GFP_ATOMIC
#define GOMEM_GFP_ATOMIC	__GFP_ATOMIC
#else
#define GOMEM_GFP_ATOMIC	((__force gfp_t)0)
#endif

/*
 * Since Linux 6.7 the kernel allocates the shrinker, so that the list of
 * shrinkers can be walked without a lock. Before, the shrinker was a member of
 * its owner's struct.
 */
typedef unsigned long (*gomem_shrink_fn)(struct shrinker *shrinker,
					 struct shrink_control *sc);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
struct gomem_shrinker {
	struct shrinker *shrinker;
};

static inline int gomem_shrinker_register(struct gomem_shrinker *gs,
					  gomem_shrink_fn count,
					  gomem_shrink_fn scan,
					  unsigned int flags, const char *name)
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

static inline int gomem_shrinker_register(struct gomem_shrinker *gs,
					  gomem_shrink_fn count,
					  gomem_shrink_fn scan,
					  unsigned int flags, const char *name)
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

/* Linux 6.17 added a flag for per-CPU workqueues. Before, they needed none. */
#ifdef GOMEM_HAVE_WQ_PERCPU
#define GOMEM_WQ_PERCPU		WQ_PERCPU
#else
#define GOMEM_WQ_PERCPU		0
#endif

/* Linux 6.13 added hrtimer_setup(); 6.15 removed hrtimer_init(). */
static inline void
gomem_hrtimer_setup(struct hrtimer *timer,
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
 * Since Linux 6.18 the pages that kmalloc() takes from the page allocator have
 * a mark, and no reference count. kfree() of a page that has no mark, and is
 * not a slab page, warns and drops no reference.
 */
static inline bool gomem_folio_is_kmalloc(struct folio *folio)
{
#ifdef GOMEM_HAVE_LARGE_KMALLOC
	return folio_test_large_kmalloc(folio);
#else
	return false;
#endif
}

/*
 * Is this memory that a confidential guest has not accepted yet? An access
 * would end the guest. Since Linux 6.12 such pages have a mark. Earlier kernels
 * accept pages before they list them as free, so no mark is needed.
 */
static inline bool gomem_page_unaccepted(const struct page *page)
{
#ifdef GOMEM_HAVE_PAGE_UNACCEPTED
	return PageUnaccepted(page);
#else
	return false;
#endif
}

/*
 * Is an address in the range of modules, and not in that of vmalloc()? Callers
 * ask only if kallsyms names no module for the address. Since Linux 6.13 that
 * may be so for a variable of a module: see name_of() in map/foreign.c. In
 * earlier kernels the address is then not in a module: so return false before
 * Linux 6.12, the first that exports is_vmalloc_or_module_addr().
 */
static inline bool gomem_in_module_range(unsigned long addr)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	return !is_vmalloc_addr((void *)addr) &&
	       is_vmalloc_or_module_addr((void *)addr);
#else
	return false;
#endif
}

/*
 * Does kfree() of gomem's memory leave the page's reference count alone? Where
 * it drops a reference, gomem finds such calls by the count: see api/kfrees.c.
 */
#ifdef GOMEM_HAVE_LARGE_KMALLOC
#define GOMEM_KFREE_LEAVES_NO_TRACE	true
#else
#define GOMEM_KFREE_LEAVES_NO_TRACE	false
#endif

/*
 * Names of the functions that kmalloc(), kmem_cache_alloc() and their relatives
 * call in the object code of a module, for the files of override/. Linux 6.10
 * appended _noprof to the names. Linux 6.11 renamed the functions that inline
 * functions of slab.h call.
 *
 * Each of gomem's replacements is declared with the type of the function it
 * replaces. So if a later kernel changes a name or an argument, gomem does not
 * compile.
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

/*
 * In Linux 6.10, and only there, the name of the function that
 * kmalloc_track_caller() calls begins without underscores.
 */
#if defined(GOMEM_HAVE_NOPROF) && !defined(GOMEM_HAVE_KMALLOC_CACHE)
#define GOMEM_KERNEL_TRACK_CALLER kmalloc_node_track_caller_noprof
#else
#define GOMEM_KERNEL_TRACK_CALLER GOMEM_KERNEL(__kmalloc_node_track_caller)
#endif

/*
 * Declare the size parameter of one of the kernel's functions, and the
 * parameters that newer kernels have after it. GOMEM_BUCKET_PARAMS is for
 * functions that take kmem_buckets since Linux 6.11, GOMEM_SIZE_PARAMS for the
 * others. All have a token for the type of the object since Linux 7.2.
 */
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

/* Linux 7.3 added a head for kfree_rcu() that is half as large as rcu_head. */
#ifdef GOMEM_HAVE_KVFREE_RCU_HEAD
#define GOMEM_KVFREE_RCU_HEAD	struct kvfree_rcu_head
#else
#define GOMEM_KVFREE_RCU_HEAD	struct rcu_head
#endif

#endif /* GOMEM_COMPAT_H */
