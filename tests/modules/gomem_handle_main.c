// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_handle_main.c - pass caches to the kernel, which allocates from them.
 *
 * The module is built with linux/gomem_override.h, which makes the module's
 * calls of kmem_cache_alloc() and similar functions use gomem. Loading runs the
 * test; it fails if anything is wrong.
 */
#define pr_fmt(fmt) "gomem_handle: " fmt

#include <linux/gomem.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <net/dst.h>

#include "gomem_handle.h"

#define NR	40

static void *kernels[NR];
static void *ours[NR];

/*
 * Two caches with the same name: both must work, although names in sysfs are
 * unique.
 */
static struct kmem_cache *cache[2];

struct thing {
	long words[13];
};

static bool is_filled(const void *p, size_t size, int with)
{
	return !memchr_inv(p, with & 0xff, size);
}

/*
 * Allocate from one cache both by the kernel's functions and by gomem's, and
 * free the objects with each function that can free them.
 */
static int use_both(struct kmem_cache *s)
{
	unsigned int i;
	int err;

	err = kernel_fills(s, kernels, NR, sizeof(struct thing));
	if (err)
		return err;
	for (i = 0; i < NR; i++) {
		ours[i] = kmem_cache_alloc(s, GFP_KERNEL);
		if (!ours[i] || !gomem_owns(ours[i]) || gomem_owns(kernels[i]))
			return -EIO;
		memset(ours[i], ~i, sizeof(struct thing));
	}
	for (i = 0; i < NR; i++)
		if (!is_filled(kernels[i], sizeof(struct thing), i) ||
		    !is_filled(ours[i], sizeof(struct thing), ~i))
			return -EIO;
	/*
	 * Here the module frees objects of the kernel's allocator, by each of
	 * the functions that free.
	 */
	kmem_cache_free(s, kernels[0]);
	kmem_cache_free_bulk(s, 4, kernels + 1);
	kfree(kernels[5]);
	kvfree(kernels[6]);
	kmem_cache_free(s, NULL);
	kmem_cache_free_bulk(s, 4, ours);
	swap(ours[5], kernels[7]);
	kmem_cache_free_bulk(s, NR - 4, ours + 4);
	kmem_cache_free(s, kernels[7]);
	kernel_empties(s, kernels + 8, NR - 8);
	return kmem_cache_shrink(s) < 0 ? -EIO : 0;
}

#if IS_BUILTIN(CONFIG_NET)
static struct dst_ops dst_ops;

/* dst_alloc() and dst_release_immediate() use the cache in struct dst_ops. */
static int use_dst(void)
{
	struct dst_entry *dst;

	dst_ops.kmem_cachep = KMEM_CACHE(dst_entry, SLAB_HWCACHE_ALIGN);
	if (!dst_ops.kmem_cachep)
		return -ENOMEM;
#ifdef GOMEM_HAVE_DST_INITIAL_REF
	dst = dst_alloc(&dst_ops, NULL, 1, 0, DST_NOCOUNT);
#else
	dst = dst_alloc(&dst_ops, NULL, 0, DST_NOCOUNT);
#endif
	if (!dst)
		return -ENOMEM;
	dst_release_immediate(dst);
	kmem_cache_destroy(dst_ops.kmem_cachep);
	return 0;
}
#else
static int use_dst(void)
{
	return 0;
}
#endif

static int use_caches(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(cache); i++) {
		cache[i] = kmem_cache_create("gomem_handle",
					     sizeof(struct thing), 0, 0, NULL);
		if (!cache[i])
			return -ENOMEM;
	}
	if (cache[0] == cache[1])
		return -EEXIST;
	for (i = 0; i < ARRAY_SIZE(cache); i++)
		err = err ?: use_both(cache[i]);
	for (i = 0; i < ARRAY_SIZE(cache); i++)
		kmem_cache_destroy(cache[i]);
	return err;
}

static int __init gomem_handle_init(void)
{
	int err = use_caches() ?: use_dst();

	if (err)
		pr_err("failed: %d\n", err);
	return err;
}

static void __exit gomem_handle_exit(void)
{
}

module_init(gomem_handle_init);
module_exit(gomem_handle_exit);

MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: caches that the kernel allocates from");
MODULE_LICENSE("GPL");
