// SPDX-License-Identifier: GPL-2.0
/*
 * callback.c - functions that a module gave to gomem, when the module goes.
 *
 * A module gives gomem the functions of cleanups, of accounts and of typed
 * caches with a constructor. It has to take them back before it is unloaded. If
 * it does not, gomem would call code that is gone. So gomem gives these
 * functions up, with a report, when the exit function of the module has run.
 *
 * They may run on other CPUs meanwhile. Cleanups and constructors run in RCU
 * read-side sections: the kernel waits for a grace period after the notifiers,
 * before it frees the code of the module. gomem_accounts_close() waits for the
 * works of accounts itself.
 *
 * All other functions that users of gomem name are gomem's own: those for
 * memory pools, for resources of devices, and for RCU.
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
