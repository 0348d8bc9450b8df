// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_misuse_kernel.c - free gomem's memory with the kernel's functions.
 *
 * tests/kselftest/kfree.sh checks the results, which differ between kernels.
 */
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "gomem_misuse.h"

#define NR_BESIDE	300

/*
 * Allocate NR_BESIDE objects and fill each with the low byte of its number.
 * Call the function in @c->p, check that it changed no object, and free them.
 */
static int with_neighbours(const struct misuse_case *c)
{
	int (*misuse)(void **objs) = c->p;
	static void *objs[NR_BESIDE];
	size_t size = c->size;
	unsigned int i;
	int err = 0;

	if (gomem_alloc_bulk(size, GFP_KERNEL, NR_BESIDE, objs) != NR_BESIDE)
		return -ENOMEM;
	for (i = 0; i < NR_BESIDE; i++)
		memset(objs[i], i, size);
	err = misuse(objs);
	for (i = 0; i < NR_BESIDE; i++)
		if (memchr_inv(objs[i], i & 0xff, size))
			err = -EIO;
	gomem_free_bulk(NR_BESIDE, objs);
	return err;
}

static int kfree_middle(void **objs)
{
	kfree(objs[NR_BESIDE / 2]);
	return 0;
}

/* Pass 100 objects of one page to kfree(). */
static int kfree_page(void **objs)
{
	struct page *page = virt_to_page(objs[NR_BESIDE / 2]);
	unsigned int i, n = 0;

	for (i = 0; i < NR_BESIDE && n < 100; i++) {
		if (virt_to_page(objs[i]) != page)
			continue;
		kfree(objs[i]);
		n++;
	}
	return n == 100 ? 0 : -EIO;
}

/*
 * Pass one object to kfree() 100000 times. Up to Linux 6.17 each call drops a
 * reference to the page. The other objects must survive: gomem holds 2^30
 * references to each page.
 */
static int kfree_loop(void **objs)
{
	struct page *page = virt_to_page(objs[NR_BESIDE / 2]);
	unsigned int i;

	for (i = 0; i < 100000; i++)
		kfree(objs[NR_BESIDE / 2]);
	return page_count(page) > 0 ? 0 : -EIO;
}

/*
 * Leak objects: pass them to kfree(), and never to gomem_free(). The same
 * happens if a module passes objects of gomem to a kernel subsystem that frees
 * them by kfree().
 */
static int kfree_leak(const struct misuse_case *c)
{
	unsigned int i;
	void *p;

	for (i = 0; i < 5; i++) {
		p = gomem_alloc(96, GFP_KERNEL);
		if (!p)
			return -ENOMEM;
		kfree(p);
	}
	return 0;
}

static int kfree_cache(const struct misuse_case *c)
{
	struct gomem_cache *cache = gomem_cache_create("misuse", 72, NULL);
	unsigned int i;
	void *p;

	if (!cache)
		return -ENOMEM;
	for (i = 0; i < 3; i++) {
		p = gomem_cache_alloc(cache, GFP_KERNEL);
		if (!p)
			return -ENOMEM;
		kfree(p);
	}
	gomem_cache_destroy(cache);
	return 0;
}

/* Drop a page reference that only gomem may drop. */
static int page_put(const struct misuse_case *c)
{
	void *p = gomem_alloc(SZ_8K, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	put_page(virt_to_page(p));
	gomem_free(p);
	return 0;
}

const struct misuse_case kernel_cases[] = {
	{ "kfree_object", with_neighbours, .size = 64, .p = kfree_middle },
	{ "kfree_often", with_neighbours, .size = 32, .p = kfree_page },
	{ "kfree_storm", with_neighbours, .size = 64, .p = kfree_loop },
	{ "kfree_leak", kfree_leak },
	{ "kfree_cache", kfree_cache },
	{ "page_put", page_put },
	{}
};
