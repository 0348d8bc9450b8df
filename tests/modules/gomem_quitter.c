// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_quitter.c - a client that is unloaded while gomem still has pointers to
 *	its functions: the callback of an account, a cleanup, or a constructor.
 *
 * The parameter leave says which function is left. gomem_keeper.ko keeps the
 * account or the typed cache, and the objects. Only with leave=rcu it keeps no
 * objects: the module's exit calls gomem_free_rcu() for them. Then the function
 * is their cleanup: they still wait for a grace period when the exit ends.
 * slow=Y makes each cleanup take half a second. fail=Y makes the load fail at
 * its end.
 */
#define pr_fmt(fmt) "gomem_quitter: " fmt

#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "gomem_keeper.h"

#define SIZE	64

static char *leave = "account";
module_param(leave, charp, 0444);
MODULE_PARM_DESC(leave, "What to leave: account, cleanup, rcu, constructor (default account)");

static bool slow;
module_param(slow, bool, 0444);
MODULE_PARM_DESC(slow, "Let a cleanup take half a second (default N)");

static bool fail;
module_param(fail, bool, 0444);
MODULE_PARM_DESC(fail, "Return an error from init (default N)");

struct item {
	struct gomem_rcu_head head;
	unsigned long data[6];
};

static struct item *waiting[KEEPER_OBJECTS];

static void too_much(struct gomem_account *account, void *arg)
{
	gomem_keeper_count_call();
}

static void clean_up(void *arg)
{
	if (slow)
		mdelay(500);
	gomem_keeper_count_call();
}

static void construct(void *obj)
{
	memset(obj, 0x5a, SIZE);
	gomem_keeper_count_call();
}

static int leave_account(struct keeper_gift *gift)
{
	unsigned int i;

	gift->account = gomem_account_create("of quitter",
					     2 * KEEPER_OBJECTS * SIZE, 0,
					     too_much, NULL);
	if (!gift->account)
		return -ENOMEM;
	for (i = 0; i < KEEPER_OBJECTS; i++)
		gift->object[i] = gomem_account_alloc(gift->account, SIZE,
						      GFP_KERNEL);
	return 0;
}

static int leave_cleanup(void **p)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < KEEPER_OBJECTS && !err; i++) {
		p[i] = gomem_alloc(sizeof(struct item), GFP_KERNEL);
		err = gomem_cleanup(p[i], clean_up, NULL, GFP_KERNEL);
	}
	return err;
}

static int leave_constructor(struct keeper_gift *gift)
{
	static const struct gomem_cache_args args = { .ctor = construct };
	unsigned int i;

	gift->cache = gomem_cache_create("of quitter", SIZE, &args);
	if (!gift->cache)
		return -ENOMEM;
	for (i = 0; i < KEEPER_OBJECTS; i++)
		gift->object[i] = gomem_cache_alloc(gift->cache, GFP_KERNEL);
	return 0;
}

static int __init gomem_quitter_init(void)
{
	struct keeper_gift gift = { };
	int err = -EINVAL;

	if (!strcmp(leave, "account"))
		err = leave_account(&gift);
	else if (!strcmp(leave, "cleanup"))
		err = leave_cleanup(gift.object);
	else if (!strcmp(leave, "rcu"))
		err = leave_cleanup((void **)waiting);
	else if (!strcmp(leave, "constructor"))
		err = leave_constructor(&gift);
	gomem_keeper_take(&gift);
	if (err)
		return err;
	return fail ? -EIO : 0;
}

static void __exit gomem_quitter_exit(void)
{
	unsigned int i;

	for (i = 0; i < KEEPER_OBJECTS; i++)
		gomem_free_rcu(waiting[i], head);
}

module_init(gomem_quitter_init);
module_exit(gomem_quitter_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: leave functions behind");
MODULE_LICENSE("GPL");
