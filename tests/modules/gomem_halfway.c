// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_halfway.c - ask for more memory than there is, and measure how much the
 * failed call freed again.
 *
 * A script writes a command to the parameter cmd and reads numbers from the
 * parameter stats. A command asks for objects of SIZE bytes, more of them than
 * memory has room for:
 *
 *	bulk SIZE	with one call of gomem_alloc_bulk()
 *	quick SIZE	the same, with __GFP_NORETRY
 *	cache SIZE	with one call of gomem_cache_alloc_bulk()
 *	mempool SIZE	as the reserved elements of a memory pool
 *	list SIZE	one by one, in a linked list; after the failure the
 *			module frees the objects of the list
 *
 * stats has the MiB that were free before the command and right after the call
 * failed. With list, the second number is taken after the objects are freed.
 */
#define pr_fmt(fmt) "gomem_halfway: " fmt

#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/numa.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "free_bytes.h"

/*
 * Neither set of flags causes an OOM kill. With GFP_QUICK the kernel gives up
 * after one attempt at reclaim.
 */
#define GFP		(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN)
#define GFP_QUICK	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

static unsigned long free_before, free_after;

static unsigned long free_mib(void)
{
	return free_bytes() >> 20;
}

/*
 * The functions below return true if the allocation failed. It must fail, since
 * @n objects need more memory than there is.
 */
static bool bulk_fails(size_t size, size_t n, void **objs)
{
	size_t got = gomem_alloc_bulk(size, GFP, n, objs);

	free_after = free_mib();
	gomem_free_bulk(got, objs);
	return !got;
}

static bool quick_fails(size_t size, size_t n, void **objs)
{
	size_t got = gomem_alloc_bulk(size, GFP_QUICK, n, objs);

	free_after = free_mib();
	gomem_free_bulk(got, objs);
	return !got;
}

static bool cache_fails(size_t size, size_t n, void **objs)
{
	struct gomem_cache *c = gomem_cache_create("gomem_halfway", size, NULL);
	size_t got;

	if (!c)
		return false;
	got = gomem_cache_alloc_bulk(c, GFP, n, objs);
	free_after = free_mib();
	gomem_cache_free_bulk(c, got, objs);
	gomem_cache_destroy(c);
	return !got;
}

static bool mempool_fails(size_t size, size_t n, void **unused)
{
	mempool_t *pool = mempool_create_node(n, gomem_mempool_alloc,
					      gomem_mempool_free, (void *)size,
					      GFP_QUICK, NUMA_NO_NODE);

	free_after = free_mib();
	mempool_destroy(pool);
	return !pool;
}

static bool list_fails(size_t size, size_t n, void **unused)
{
	void **first = NULL, **obj;

	for (; n; n--) {
		obj = gomem_alloc(size, GFP_QUICK);
		if (!obj)
			break;
		*obj = first;
		first = obj;
	}
	while ((obj = first)) {
		first = *obj;
		gomem_free(obj);
	}
	free_after = free_mib();
	return n;
}

static const struct way {
	const char *name;
	bool (*fails)(size_t size, size_t n, void **objs);
} ways[] = {
	{ "bulk",	bulk_fails },
	{ "quick",	quick_fails },
	{ "cache",	cache_fails },
	{ "mempool",	mempool_fails },
	{ "list",	list_fails },
};

static int command(const struct way *way, size_t size)
{
	size_t n = (totalram_pages() << PAGE_SHIFT) / size + 1;
	void **objs = vmalloc(array_size(n, sizeof(*objs)));
	int ret;

	if (!objs)
		return -ENOMEM;
	free_before = free_mib();
	ret = way->fails(size, n, objs) ? 0 : -EINVAL;
	vfree(objs);
	return ret;
}

static int cmd_set(const char *val, const struct kernel_param *kp)
{
	char line[32], *rest = line, *word;
	unsigned int size, i;

	if (strscpy(line, val, sizeof(line)) < 0)
		return -EINVAL;
	word = strsep(&rest, " ");
	if (!rest || kstrtouint(rest, 0, &size) || size < SZ_64 ||
	    size > GOMEM_MAX_SIZE)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		if (!strcmp(word, ways[i].name))
			return command(&ways[i], size);
	return -EINVAL;
}

static const struct kernel_param_ops cmd_ops = { .set = cmd_set };
module_param_cb(cmd, &cmd_ops, NULL, 0200);
MODULE_PARM_DESC(cmd, "What to do now; the module's head lists the commands");

static int stats_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "free_before: %lu\nfree_after: %lu\n",
			  free_before, free_after);
}

static const struct kernel_param_ops stats_ops = { .get = stats_get };
module_param_cb(stats, &stats_ops, NULL, 0444);
MODULE_PARM_DESC(stats,
		 "Megabytes that were free before the last command, and when it had failed");

static int __init gomem_halfway_init(void)
{
	return 0;
}

static void __exit gomem_halfway_exit(void)
{
}

module_init(gomem_halfway_init);
module_exit(gomem_halfway_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: calls that fail half-way");
MODULE_LICENSE("GPL");
