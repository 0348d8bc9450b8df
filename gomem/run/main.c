// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - set up the allocator when the module is loaded, and tear it down.
 */
#define pr_fmt(fmt) "gomem: " fmt

#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "internal.h"
#include "base/key.h"
#include "base/queue.h"
#include "base/shuffle.h"
#include "map/foreign.h"
#include "map/report.h"
#include "heap/pagesource.h"
#include "cpu/mcache.h"
#include "api/account.h"
#include "api/alloc.h"
#include "api/arena.h"
#include "api/cache.h"
#include "api/exact.h"
#include "api/kfrees.h"
#include "api/modules.h"
#include "api/profile.h"
#include "api/rcu.h"
#include "run/debugfs.h"
#include "run/epoch.h"
#include "run/heapfiles.h"
#include "run/hotplug.h"
#include "run/leaks.h"
#include "run/oom.h"
#include "run/shrink.h"

/*
 * Is the physical address of the page map's base also a multiple of the chunk
 * size? If not, a block of pages from the kernel could lie in two chunks.
 */
static bool __init is_aligned(unsigned long base)
{
	BUILD_BUG_ON(GOMEM_MAX_SIZE != GOMEM_CHUNK_SIZE);
	if (IS_ALIGNED(__pa(base), GOMEM_CHUNK_SIZE))
		return true;
	pr_err("cannot load: the kernel maps physical memory at an address that is no multiple of %lu bytes\n",
	       GOMEM_CHUNK_SIZE);
	return false;
}

/* Set up what needs no heap and cannot fail. */
static void __init init_constants(void)
{
	gomem_kinds_init();
	gomem_key_init();
	gomem_shuffle_init();
	gomem_kernel_pages_init();
	gomem_heapfiles_init();
	gomem_rcu_init();
	gomem_alloc_init();
}

/*
 * Start what runs by itself, and register what the kernel and the administrator
 * call. None of these functions returns an error, so gomem_init() never has to
 * undo them.
 */
static void __init start(void)
{
	gomem_modules_init();
	gomem_oom_init();
	gomem_epoch_init();
	gomem_heapfiles_start();
	gomem_debugfs_init();
	gomem_kfrees_init();
}

static void __init init_frees(void)
{
	gomem_foreign_init();
	gomem_free_init();
}

/* Each step uses only what the steps before it have set up. */
static int __init gomem_init(void)
{
	unsigned long base = gomem_hotplug_base();
	int err;

	if (!is_aligned(base))
		return -EOPNOTSUPP;
	init_constants();
	err = gomem_queue_init();
	if (err)
		goto exit_exact;
	err = gomem_nodes_init(&gomem_kernel_pages, base);
	if (err)
		goto exit_queue;
	init_frees();
	err = gomem_mcache_init();
	if (err)
		goto exit_nodes;
	/* After gomem_mcache_init(): the memory notifier drains mcaches. */
	err = gomem_hotplug_init();
	if (err)
		goto exit_mcache;
	err = gomem_shrink_init();
	if (err)
		goto exit_hotplug;
	start();
	return 0;

exit_hotplug:
	gomem_hotplug_exit();
exit_mcache:
	gomem_mcache_exit();
exit_nodes:
	gomem_mcache_free_memory();
	gomem_nodes_exit();
exit_queue:
	gomem_queue_exit();
exit_exact:
	gomem_exact_exit();
	return err;
}

/*
 * No module that uses gomem is loaded any more, so objects that are still
 * allocated were leaked. Their memory is not given back, since other code or a
 * device may still write to it.
 *
 * The steps, with the reasons for their order:
 *
 *  1. End the calls from outside that use heaps or slots: by debugfs files, by
 *     changes of profile_rate, by the OOM notifier of run/oom.c, by the probe
 *     of kfree(), and by the notifier of memory hotplug.
 *  2. Free what waits in the RCU queues. These frees use the slots, and may
 *     wake the scavenger.
 *  3. Stop the epochs. Otherwise a look could queue drains of the mcaches after
 *     step 6 has cancelled those that were queued.
 *  4. Unregister the shrinker, which empties page caches and transfer caches,
 *     and the OOM notifier of run/shrink.c.
 *  5. Report arenas and typed caches that their users left, and free their
 *     structs. The structs are gomem objects: step 8 would report them.
 *  6. Empty the mcaches: objects go to their spans, empty spans to the heaps.
 *  7. Cancel the work of the scavenger, and the work that sets the goals, once
 *     more. Step 3 cancelled both, but a free that began before step 3 may have
 *     queued them after it.
 *  8. Report the objects that are still allocated. All other memory is free.
 *  9. Unregister the notifier of module unloads, which walks the profile's
 *     records. Free the profile, the accounts, the mcaches, the heaps and the
 *     work queues. No code uses them now.
 */
static void __exit gomem_exit(void)
{
	unsigned long leaked, left;

	gomem_debugfs_exit();		/* 1 */
	gomem_heapfiles_stop();
	gomem_oom_exit();
	gomem_kfrees_exit();
	gomem_hotplug_exit();
	gomem_rcu_exit();		/* 2 */
	gomem_epoch_exit();		/* 3 */
	gomem_shrink_exit();		/* 4 */
	gomem_arena_exit();		/* 5 */
	gomem_cache_exit();
	gomem_mcache_exit();		/* 6 */
	gomem_epoch_settle();		/* 7 */
	leaked = gomem_leaks_report();	/* 8 */
	gomem_modules_exit();		/* 9 */
	gomem_profile_exit();
	gomem_payers_exit();
	gomem_accounts_exit();
	gomem_mcache_free_memory();
	gomem_nodes_exit();
	gomem_queue_exit();

	left = atomic_long_read(&gomem_kernel_pages.heap_pages);
	WARN_ON(left != leaked);
	WARN_ON(atomic_long_read(&gomem_kernel_pages.meta_bytes));
	if (!left && !gomem_misuse_count(GOMEM_KFREE))
		pr_info("unloaded: every object and page came back\n");
}

/*
 * In a loadable module, subsys_initcall() is module_init(). If gomem is built
 * into the kernel, it is ready before drivers and file systems are initialized.
 */
subsys_initcall(gomem_init);
module_exit(gomem_exit);

MODULE_AUTHOR("The gomem authors");
MODULE_DESCRIPTION("General-purpose memory allocator built like the Go runtime's");
MODULE_VERSION(GOMEM_VERSION);
MODULE_LICENSE("GPL");
