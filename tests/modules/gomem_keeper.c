// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_keeper.c - a client that keeps an account or a typed cache that it did
 *	not create, and objects.
 *
 * gomem_quitter.ko passes these to gomem_keeper.ko, and is unloaded. From then
 * on gomem must not call functions of gomem_quitter.ko. To test that, a script
 * writes to the parameter use:
 *
 *	alloc, enter, grow	allocate or resize an object that is charged to
 *				the account
 *	bytes			fail if bytes are charged to the account
 *	destroy			destroy the account
 *	take, bulk		allocate from the cache, one by one or at once
 *	close			destroy the cache
 *	free			free the objects
 *
 * The parameter calls is the number of times that functions of gomem_quitter.ko
 * ran. The parameter taken is the number of objects that the last take or bulk
 * got.
 */
#define pr_fmt(fmt) "gomem_keeper: " fmt

#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "gomem_keeper.h"

#define GROWN	4096
#define TAKES	200

static unsigned int calls;
module_param(calls, uint, 0444);
MODULE_PARM_DESC(calls, "Times that functions of quitter's ran");

static unsigned int taken;
module_param(taken, uint, 0444);
MODULE_PARM_DESC(taken, "Objects that the last take or bulk got");

static struct gomem_account *account;
static struct gomem_cache *cache;
static void *kept[KEEPER_OBJECTS + 1];

static void free_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		gomem_free(kept[i]);
		kept[i] = NULL;
	}
}

void gomem_keeper_take(const struct keeper_gift *gift)
{
	free_all();
	account = gift->account;
	cache = gift->cache;
	memcpy(kept, gift->object, sizeof(gift->object));
}
EXPORT_SYMBOL_GPL(gomem_keeper_take);

void gomem_keeper_count_call(void)
{
	WRITE_ONCE(calls, calls + 1);
}
EXPORT_SYMBOL_GPL(gomem_keeper_count_call);

static int alloc(void)
{
	gomem_free(kept[KEEPER_OBJECTS]);
	kept[KEEPER_OBJECTS] = gomem_account_alloc(account, GROWN, GFP_KERNEL);
	return kept[KEEPER_OBJECTS] ? 0 : -ENOMEM;
}

static int enter(void)
{
	struct gomem_account *old = gomem_account_enter(account);

	gomem_free(kept[KEEPER_OBJECTS]);
	kept[KEEPER_OBJECTS] = gomem_alloc(GROWN, GFP_KERNEL);
	gomem_account_exit(old);
	return kept[KEEPER_OBJECTS] ? 0 : -ENOMEM;
}

static int grow(void)
{
	void *p = gomem_realloc(kept[0], GROWN, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	kept[0] = p;
	return 0;
}

static void take(void)
{
	static void *p[TAKES];

	for (taken = 0; taken < TAKES; taken++) {
		p[taken] = gomem_cache_alloc(cache, GFP_KERNEL);
		if (!p[taken])
			break;
	}
	gomem_free_bulk(taken, p);
}

static void bulk(void)
{
	static void *p[TAKES];

	taken = gomem_cache_alloc_bulk(cache, GFP_KERNEL, TAKES, p);
	gomem_free_bulk(taken, p);
}

static int set_use(const char *val, const struct kernel_param *kp)
{
	if (sysfs_streq(val, "alloc"))
		return alloc();
	if (sysfs_streq(val, "enter"))
		return enter();
	if (sysfs_streq(val, "grow"))
		return grow();
	if (sysfs_streq(val, "bytes"))
		return gomem_account_bytes(account) ? -EIO : 0;
	if (sysfs_streq(val, "destroy"))
		gomem_account_destroy(account);
	else if (sysfs_streq(val, "take"))
		take();
	else if (sysfs_streq(val, "bulk"))
		bulk();
	else if (sysfs_streq(val, "close"))
		gomem_cache_destroy(cache);
	else if (sysfs_streq(val, "free"))
		free_all();
	else
		return -EINVAL;
	return 0;
}

static const struct kernel_param_ops use_ops = {
	.set = set_use,
};

module_param_cb(use, &use_ops, NULL, 0200);
MODULE_PARM_DESC(use, "How to use the account: alloc, grow, enter, bytes, destroy; or the cache: take, bulk, close; or the objects: free");

static int __init gomem_keeper_init(void)
{
	return 0;
}

static void __exit gomem_keeper_exit(void)
{
	free_all();
}

module_init(gomem_keeper_init);
module_exit(gomem_keeper_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: keep what another module leaves");
MODULE_LICENSE("GPL");
