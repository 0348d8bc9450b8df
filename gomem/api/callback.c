// SPDX-License-Identifier: GPL-2.0
/*
 * callback.c - drop the callbacks of a module when the module is unloaded.
 *
 * A module gives gomem three kinds of callbacks: cleanups, callbacks of
 * accounts, and constructors of typed caches. Before the module is unloaded, it
 * has to cancel the cleanups, and to destroy the accounts and caches. Otherwise
 * gomem would call code that is gone. So when the exit function of the module
 * has run, gomem drops the remaining callbacks, and reports them.
 *
 * Other CPUs may run these callbacks meanwhile. Cleanups and constructors run
 * in RCU read-side sections. The kernel waits for a grace period after the
 * notifiers, before it frees the code of the module. gomem_accounts_close()
 * itself waits for the callbacks of accounts, which run in works.
 *
 * gomem calls no other code of modules: the callbacks for memory pools, for
 * resources of devices, and for RCU are functions of gomem.
 */
#include <linux/module.h>
#include <linux/notifier.h>

#include "api/account.h"
#include "api/cache.h"
#include "api/callback.h"
#include "api/cleanup.h"

static int module_changes(struct notifier_block *nb, unsigned long state,
			  void *data)
{
	if (state != MODULE_STATE_GOING)
		return NOTIFY_OK;
	gomem_accounts_close(data);
	gomem_cleanups_drop(data);
	gomem_caches_orphan(data);
	return NOTIFY_OK;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_changes,
};

/**
 * gomem_callbacks_init - get notified when modules are unloaded
 *
 * Context: may sleep.
 */
void __init gomem_callbacks_init(void)
{
	/* Fails only if the notifier is registered already. */
	register_module_notifier(&module_notifier);
}

/**
 * gomem_callbacks_exit - end the notifications
 *
 * Context: may sleep.
 */
void gomem_callbacks_exit(void)
{
	unregister_module_notifier(&module_notifier);
}
