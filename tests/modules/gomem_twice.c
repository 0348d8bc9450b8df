// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_twice.c - show what an allocator does with an object that is freed
 * twice.
 *
 *	insmod gomem_twice.ko of=gomem		or kmalloc
 *
 * When it is loaded, the module allocates an object, frees it twice, and
 * allocates 256 more of the same size. The log tells whether two of these 256
 * are the same object. In that case two owners would overwrite each other's
 * data. Use "kmalloc" only on kernels that survive it. Linux 7.0 and newer do:
 * there SLUB pushes a freed pointer on a per-CPU array without a check.
 */
#define pr_fmt(fmt) "gomem_twice: " fmt

#include <linux/gomem.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>

#define SIZE	100
#define LATER	256

static char *of = "gomem";
module_param(of, charp, 0444);
MODULE_PARM_DESC(of, "Allocator: gomem or kmalloc (default gomem)");

struct allocator {
	const char *name;
	void *(*alloc)(size_t size, gfp_t gfp);
	void (*free)(const void *p);
};

static void *from_gomem(size_t size, gfp_t gfp)
{
	return gomem_alloc(size, gfp);
}

static void *from_kmalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp);
}

static const struct allocator allocators[] = {
	{ "gomem", from_gomem, gomem_free },
	{ "kmalloc", from_kmalloc, kfree },
};

static void *later[LATER];

static int compare(const void *a, const void *b)
{
	unsigned long x = *(const unsigned long *)a,
		      y = *(const unsigned long *)b;

	return x < y ? -1 : x > y;
}

/*
 * Free, once, each object that the first @n pointers in later[] point to.
 * Return how many of these pointers were duplicates.
 */
static unsigned int free_later(const struct allocator *a, unsigned int n)
{
	unsigned int i, shared = 0;

	sort(later, n, sizeof(*later), compare, NULL);
	for (i = 0; i < n; i++) {
		if (i && later[i] == later[i - 1])
			shared++;
		else
			a->free(later[i]);
	}
	return shared;
}

static int try(const struct allocator *a)
{
	unsigned int n, shared;
	void *p = a->alloc(SIZE, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	a->free(p);
	a->free(p);
	for (n = 0; n < LATER; n++) {
		later[n] = a->alloc(SIZE, GFP_KERNEL);
		if (!later[n])
			break;
	}
	shared = free_later(a, n);
	if (n < LATER)
		return -ENOMEM;
	if (shared)
		pr_info("%s: freed twice, and handed out to two owners\n",
			a->name);
	else
		pr_info("%s: freed twice, and handed out once\n", a->name);
	return 0;
}

static int __init gomem_twice_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(allocators); i++)
		if (!strcmp(of, allocators[i].name))
			return try(&allocators[i]);
	pr_err("there is no allocator %s here\n", of);
	return -EINVAL;
}

static void __exit gomem_twice_exit(void)
{
}

module_init(gomem_twice_init);
module_exit(gomem_twice_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: an object is freed twice");
MODULE_LICENSE("GPL");
