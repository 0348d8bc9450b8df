// SPDX-License-Identifier: GPL-2.0
/*
 * cleanup.c - functions of a module that gomem calls when an object is freed.
 * Go has them as AddCleanup().
 *
 * A cleanup is a special of the object, as is the record of the heap profile.
 * The free of an object that has a special leaves the hit path, and calls
 * gomem_cleanup_run(): see map/special.h.
 */
#include <kunit/visibility.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "map/kind.h"
#include "map/live.h"
#include "map/pagemap.h"
#include "map/report.h"
#include "map/span.h"
#include "map/special.h"
#include "api/account.h"
#include "api/alloc.h"
#include "api/cleanup.h"
#include "api/profile.h"
#include "api/rcu.h"

/*
 * Is @p a large object that a free or a resize has claimed, or is it no longer
 * an object? gomem_object_size() does not check for claims. A cleanup that is
 * attached after the claim of a free might never run.
 */
static bool is_claimed(const void *p)
{
	const struct gomem_span *s;
	bool claimed;

	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	claimed = !s || (gomem_kind_is_large(READ_ONCE(s->kind)) &&
			 !gomem_large_is_live(s));
	rcu_read_unlock();
	return claimed;
}

int gomem_cleanup(const void *p, void (*fn)(void *arg), void *arg, gfp_t gfp)
{
	struct gomem_special *sp;
	bool noscan;

	if (ZERO_OR_NULL_PTR(p) || !fn)
		return -EINVAL;
	if (!gomem_object_size(p, &noscan, GOMEM_USE_AFTER_FREE, _RET_IP_))
		return -EINVAL;
	if (unlikely(is_claimed(p))) {
		gomem_report_no_object(GOMEM_USE_AFTER_FREE, p, _RET_IP_);
		return -EINVAL;
	}
	sp = kzalloc(sizeof(*sp), gfp);
	if (!sp)
		return -ENOMEM;
	sp->hidden = gomem_hide((unsigned long)p);
	sp->fn = fn;
	sp->arg = arg;
	sp->site = _RET_IP_;
	if (likely(gomem_special_add(sp, NULL)))
		return 0;
	kfree(sp);
	gomem_report_no_object(GOMEM_USE_AFTER_FREE, p, _RET_IP_);
	return -EINVAL;
}
EXPORT_SYMBOL_NS_GPL(gomem_cleanup, GOMEM_NS);

bool gomem_cleanup_cancel(const void *p, void (*fn)(void *arg), void *arg)
{
	struct gomem_special *sp;

	/* RCU keeps the span while it is read: another CPU may free @p. */
	rcu_read_lock();
	sp = gomem_special_remove_cleanup((unsigned long)p, fn, arg);
	rcu_read_unlock();
	kfree(sp);
	return sp;
}
EXPORT_SYMBOL_NS_GPL(gomem_cleanup_cancel, GOMEM_NS);

/**
 * gomem_cleanup_run - remove the specials of an object: run its cleanups, count
 *	its free if the profile recorded it, and end its charge to an account
 * @obj: the object, which the caller is about to free
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
noinline void gomem_cleanup_run(const void *obj)
{
	void (*fn)(void *arg);
	struct gomem_special *sp;
	struct hlist_node *next;
	struct hlist_head list;
	void *arg;

	/*
	 * The kernel waits for a grace period before it frees the code of a
	 * module. So a cleanup that runs here may finish, even if its module is
	 * being unloaded. gomem_cleanups_drop() replaces the functions of that
	 * module's cleanups. If the specials are removed after that, none of
	 * the module's functions is called.
	 */
	rcu_read_lock();
	gomem_special_remove_all((unsigned long)obj, &list);
	hlist_for_each_entry_safe(sp, next, &list, link) {
		if (sp->bucket || !sp->fn) {
			if (sp->bucket)
				gomem_profile_forget(sp);
			else
				gomem_account_uncharge(sp);
			kfree(sp);
			continue;
		}
		fn = sp->fn;
		arg = sp->arg;
		kfree(sp);
		fn(arg);
	}
	rcu_read_unlock();
}

/**
 * gomem_cleanups_drop - drop the cleanups whose function is in a module
 * @mod: the module, which is being unloaded, and whose exit function has run
 *
 * Objects that have these cleanups may still be freed, but the module is not
 * called then. A cleanup that a free on another CPU has already found may still
 * run: the kernel waits for a grace period before it frees the code of the
 * module.
 *
 * Context: may sleep.
 */
void gomem_cleanups_drop(const struct module *mod)
{
	struct gomem_special sp;
	unsigned long n;

	if (!gomem_special_count_cleanups(mod, &sp))
		return;
	/*
	 * Objects that were passed to gomem_free_rcu() may still wait for their
	 * grace period. Wait until they are freed, so that their cleanups run.
	 */
	gomem_rcu_barrier();
	n = gomem_special_drop_cleanups(mod, &sp);
	if (n)
		gomem_report_cleanups_left(&sp, mod, n);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_cleanups_drop);
