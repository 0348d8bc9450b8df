// SPDX-License-Identifier: GPL-2.0
/*
 * modules.c - what gomem does when another module is loaded or unloaded.
 *
 * When the code of a module goes, other code may get its addresses. So before
 * the code goes, gomem stores the names of the frames of each stack of the heap
 * profile that has a frame in this code. gomem also reports the live objects
 * that the module has left.
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
#define pr_fmt(fmt) "gomem: " fmt

#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/stack.h"
#include "map/bucket.h"
#include "map/origin.h"
#include "api/account.h"
#include "api/cache.h"
#include "api/cleanup.h"
#include "api/client.h"
#include "api/modules.h"
#include "api/profile.h"
#include "api/rcu.h"
#include "api/sites.h"

/*
 * Protects the members names, owner and gone of each struct gomem_bucket. Taken
 * by tasks that load or unload modules, in module_changes(). Code that reads
 * names or gone takes no lock.
 */
static DEFINE_MUTEX(names_mutex);

/*
 * Return a text with a line for each frame: its address and name. Leave out the
 * last frames if the text would not fit into PAGE_SIZE bytes. Return NULL if
 * there is no memory.
 */
static char *name_frames(const struct gomem_bucket *b)
{
	char *text = kmalloc(PAGE_SIZE, GFP_KERNEL), *names;
	unsigned int i, n = 0, len;

	if (!text)
		return NULL;
	for (i = 0; i < b->nr; i++) {
		len = snprintf(text + n, PAGE_SIZE - n, "#\t0x%lx\t%pS\n",
			       b->frame[i], (void *)b->frame[i]);
		if (len >= PAGE_SIZE - n)
			break;
		n += len;
	}
	text[n] = '\0';
	names = kstrdup(text, GFP_KERNEL);
	kfree(text);
	return names;
}

/*
 * Did code of a module allocate the objects of a bucket? If the code was in an
 * init section that was freed since, code of another module may be at its
 * address now. Then gomem_bucket.owner says which module the code was in.
 */
static bool is_owner(const struct module *mod, const struct gomem_bucket *b)
{
	if (!b->nr || b->gone)
		return false;
	return b->owner ? b->owner == mod : within_module(b->frame[b->site],
							  mod);
}

/*
 * Code of a module is about to be freed: its init section if @init, else all of
 * its code. Store the frame names of each stack that has a frame in this code.
 * Later profiles show the names. If other code at the same address allocates,
 * it gets another bucket.
 */
static void keep_names(const struct module *mod, bool init)
{
	struct gomem_bucket *b;
	char *names;

	lockdep_assert_held(&names_mutex);
	list_for_each_entry_rcu(b, gomem_profile_buckets(), all, true) {
		if (b->gone)
			continue;
		/*
		 * If the names are stored already, the bucket changes only when
		 * its owner is unloaded, not when only init code is freed. The
		 * owner is the module whose code the frame @b->site is in.
		 */
		if (b->names ? init || !is_owner(mod, b) :
			       !gomem_stack_meets(b->frame, b->nr, mod, init))
			continue;
		if (init && within_module_init(b->frame[b->site], mod))
			b->owner = mod;
		if (!init)
			b->gone = true;
		names = b->names ? NULL : name_frames(b);
		if (!names)
			continue;
		/*
		 * Pairs with the acquires in gomem_show_frames(),
		 * gomem_origin_site() and gomem_origin_print().
		 */
		smp_store_release(&b->names, names);
	}
}

struct left {
	const struct module *mod;
	bool print;
	u64 objects;
};

/* Report the live objects of a stack, if code of the module allocated them. */
static void report_stack(const struct gomem_bucket *b, void *arg)
{
	/* Protected by names_mutex. */
	static char name[KSYM_SYMBOL_LEN];
	const struct gomem_stack_sum *sum = &b->sum;
	const char *about = sum->sampled ? "about " : "";
	struct left *left = arg;

	lockdep_assert_held(&names_mutex);

	if (!is_owner(left->mod, b))
		return;
	left->objects += sum->objects;
	if (!left->print)
		return;
	gomem_origin_site(b, name);
	if (sum->smallest == sum->largest)
		pr_warn("leaked by %s: %s%llu objects of %u bytes, allocated at %s\n",
			left->mod->name, about, sum->objects, sum->largest,
			name);
	else
		pr_warn("leaked by %s: %s%llu objects of %u to %u bytes, %llu bytes in all, allocated at %s\n",
			left->mod->name, about, sum->objects, sum->smallest,
			sum->largest, sum->bytes, name);
}

/* Count the live objects that a module has left. Log them if @print. */
static u64 report_left(const struct module *mod, bool print)
{
	struct left left = { .mod = mod, .print = print };

	gomem_sites_walk(report_stack, &left);
	return left.objects;
}

/* The init section of a module, which has been loaded, is about to go. */
static void init_goes(const struct module *mod)
{
	mutex_lock(&names_mutex);
	keep_names(mod, true);
	gomem_origin_drop(mod, true);
	mutex_unlock(&names_mutex);
}

/*
 * The code of a module is about to go: its exit function has run, or the module
 * failed to load.
 */
static void module_goes(struct module *mod)
{
	/*
	 * Drop the callbacks first: a callback that is called after
	 * keep_names() may allocate, and make a bucket without names.
	 */
	gomem_accounts_close(mod);
	gomem_cleanups_drop(mod);
	gomem_caches_orphan(mod);

	mutex_lock(&names_mutex);
	/*
	 * The count includes objects that the module passed to
	 * gomem_free_rcu() and that still wait for their grace period. These
	 * are not leaked. Wait until they are freed, and count again.
	 */
	if (report_left(mod, false)) {
		gomem_rcu_barrier();
		report_left(mod, true);
	}
	keep_names(mod, false);
	gomem_origin_drop(mod, false);
	mutex_unlock(&names_mutex);
}

static int module_changes(struct notifier_block *nb, unsigned long state,
			  void *data)
{
	struct module *mod = data;

	gomem_client_change(mod, state);
	switch (state) {
	case MODULE_STATE_LIVE:
		init_goes(mod);
		break;
	case MODULE_STATE_GOING:
		module_goes(mod);
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_changes,
};

/**
 * gomem_modules_init - get notified when modules are loaded and unloaded
 *
 * Context: may sleep.
 */
void __init gomem_modules_init(void)
{
	/* Fails only if the notifier is registered already. */
	register_module_notifier(&module_notifier);
}

/**
 * gomem_modules_exit - end the notifications
 *
 * Context: may sleep.
 */
void gomem_modules_exit(void)
{
	unregister_module_notifier(&module_notifier);
}
