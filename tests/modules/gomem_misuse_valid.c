// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_misuse_valid.c - calls that are not misuse, and objects that are never
 * freed.
 */
#define pr_fmt(fmt) "gomem_misuse: " fmt

#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "gomem_misuse.h"

/*
 * page_kept() takes a reference to the page of an object, frees the object and
 * writes to the page. put_kept_page() drops the reference at unload.
 */
static struct page *kept;

#define KEPT_FROM	64
#define KEPT_BYTES	(PAGE_SIZE - KEPT_FROM)

static int page_kept(const struct misuse_case *c)
{
	void *p = gomem_alloc(SZ_8K, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	kept = virt_to_page(p);
	get_page(kept);
	gomem_free(p);
	memset(p + KEPT_FROM, 'x', KEPT_BYTES);
	return 0;
}

void put_kept_page(void)
{
	if (!kept)
		return;
	pr_info("kept page: %d reference, contents %s\n", page_count(kept),
		memchr_inv(page_address(kept) + KEPT_FROM, 'x', KEPT_BYTES) ?
		"lost" : "kept");
	put_page(kept);
}

/* None of these calls may raise a counter of misuse. */
static int none(const struct misuse_case *c)
{
	gomem_free(NULL);
	gomem_free(ZERO_SIZE_PTR);
	gomem_free_sensitive(NULL);
	gomem_free_bulk(0, NULL);
	gomem_scratch_put(NULL);
	gomem_arena_destroy(NULL);
	if (gomem_usable_size(NULL) || gomem_usable_size(ZERO_SIZE_PTR))
		return -EIO;
	if (gomem_owns(NULL) || gomem_owns(ZERO_SIZE_PTR) ||
	    gomem_owns(&static_data))
		return -EIO;
	if (gomem_alloc(0, GFP_KERNEL) != ZERO_SIZE_PTR)
		return -EIO;
	return 0;
}

/*
 * Leak objects, an arena and a scratch buffer. gomem reports them when gomem
 * itself is unloaded.
 */
static int leak(const struct misuse_case *c)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	int i;

	if (!a || !gomem_arena_alloc(a, 100, GFP_KERNEL) ||
	    !gomem_arena_alloc(a, SZ_64K, GFP_KERNEL))
		return -ENOMEM;

	for (i = 0; i < 3; i++)
		if (!gomem_alloc(48, GFP_KERNEL) ||
		    !gomem_strdup("abc", GFP_KERNEL))
			return -ENOMEM;
	if (!gomem_scratch_get(1, GFP_KERNEL))
		return -ENOMEM;
	return gomem_alloc(100000, GFP_KERNEL) ? 0 : -ENOMEM;
}

/* gomem_dump_obj() also describes an address inside an object. */
static int dump_live(const struct misuse_case *c)
{
	u8 *p = gomem_alloc(96, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	gomem_dump_obj(p + 5);
	gomem_free(p);
	return 0;
}

static int dump_kmalloc(const struct misuse_case *c)
{
	void *p = kmalloc(100, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	gomem_dump_obj(p);
	kfree(p);
	return 0;
}

const struct misuse_case valid_cases[] = {
	{ "none", none, .counter = "" },
	{ "page_kept", page_kept },
	{ "leak", leak },
	{ "dump_live", dump_live },
	{ "dump_kmalloc", dump_kmalloc },
	{}
};
