// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_quitter.c - a client that is unloaded without destroying its account.
 *
 * The account has a callback, which is code of this module. gomem_keeper.ko
 * keeps the account, and the objects that are charged to it. fail=Y lets the
 * load fail after that.
 */
#define pr_fmt(fmt) "gomem_quitter: " fmt

#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "gomem_keeper.h"

#define SIZE	64

static bool fail;
module_param(fail, bool, 0444);
MODULE_PARM_DESC(fail, "Return an error from init (default N)");

static void too_much(struct gomem_account *account, void *arg)
{
	gomem_keeper_count_call();
}

static int __init gomem_quitter_init(void)
{
	struct gomem_account *account;
	void *p[KEEPER_OBJECTS];
	unsigned int i;

	account = gomem_account_create("of quitter", 2 * KEEPER_OBJECTS * SIZE,
				       0, too_much, NULL);
	if (!account)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = gomem_account_alloc(account, SIZE, GFP_KERNEL);
	gomem_keeper_take(account, p);
	return fail ? -EIO : 0;
}

static void __exit gomem_quitter_exit(void)
{
}

module_init(gomem_quitter_init);
module_exit(gomem_quitter_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: leave an account behind");
MODULE_LICENSE("GPL");
