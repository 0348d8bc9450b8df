// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - bringing the allocator up and down.
 */
#define pr_fmt(fmt) "gomem: " fmt

#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>

#include "internal.h"
#include "alloc.h"
#include "arena.h"
#include "cache.h"
#include "debugfs.h"
#include "epoch.h"
#include "hotplug.h"
#include "kfrees.h"
#include "mcache.h"
#include "pagesource.h"
#include "queue.h"
#include "rcu.h"
#include "report.h"
#include "shuffle.h"
#include "shrink.h"

static int __init gomem_init(void)
{
	unsigned long base = gomem_hotplug_base();
	int err;

	BUILD_BUG_ON(GOMEM_MAX_SIZE != GOMEM_CHUNK_SIZE);

	/* Or a block of the kernel's could lie across two chunks. */
	if (!IS_ALIGNED(__pa(base), GOMEM_CHUNK_SIZE)) {
		pr_err("the direct map is not aligned to %lu bytes\n", GOMEM_CHUNK_SIZE);
		return -EOPNOTSUPP;
	}

	gomem_kinds_init();
	gomem_secret = get_random_long();
	gomem_shuffle_init();
	gomem_kernel_pages_init();
	err = gomem_queue_init();
	if (err)
		return err;
	err = gomem_nodes_init(&gomem_kernel_pages, base);
	if (err)
		goto exit_queue;
	gomem_alloc_init();
	err = gomem_mcache_init();
	if (err)
		goto exit_nodes;
	/* Memory that goes offline has CPUs' caches drained. */
	err = gomem_hotplug_init();
	if (err)
		goto exit_mcache;
	gomem_rcu_init();
	err = gomem_shrink_init();
	if (err)
		goto exit_rcu;
	gomem_epoch_init();
	gomem_debugfs_init();
	gomem_kfrees_init();
	return 0;

exit_rcu:
	gomem_rcu_exit();
	gomem_hotplug_exit();
exit_mcache:
	gomem_mcache_exit();
exit_nodes:
	gomem_mcache_free_memory();
	gomem_nodes_exit();
exit_queue:
	gomem_queue_exit();
	return err;
}

/*
 * No module that uses us is loaded any more: objects that are still there were
 * leaked, and their memory may yet be written to. So it is not given back.
 */
static void __exit gomem_exit(void)
{
	unsigned long leaked, left;

	gomem_debugfs_exit();
	gomem_kfrees_exit();
	gomem_hotplug_exit();
	gomem_rcu_exit();
	gomem_epoch_exit();
	gomem_shrink_exit();
	gomem_arena_exit();
	gomem_cache_exit();
	gomem_mcache_exit();
	gomem_epoch_settle();
	leaked = gomem_report_leaks();
	gomem_mcache_free_memory();
	gomem_nodes_exit();
	gomem_queue_exit();

	left = atomic_long_read(&gomem_kernel_pages.heap_pages);
	WARN_ON(left != leaked);
	WARN_ON(atomic_long_read(&gomem_kernel_pages.meta_bytes));
	if (!left && !gomem_misuse_count(GOMEM_KFREE))
		pr_info("unloaded: every object and page came back\n");
}

module_init(gomem_init);
module_exit(gomem_exit);

MODULE_AUTHOR("The gomem authors");
MODULE_DESCRIPTION("General-purpose memory allocator built like the Go runtime's");
MODULE_VERSION("0.1.0");
MODULE_LICENSE("GPL");
