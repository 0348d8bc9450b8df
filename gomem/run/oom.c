// SPDX-License-Identifier: GPL-2.0
/*
 * oom.c - log how much memory gomem has when the kernel is out of memory.
 *
 * The kernel logs its memory, too, unless an OOM notifier, as before_oom() in
 * run/shrink.c, gave back a page or more: then the kernel only tries the
 * allocation again. Of gomem's memory, the kernel's log shows only the free
 * pages (kernel_misc_reclaimable). The notifier here is registered after
 * before_oom(). So it runs later, and can log how much before_oom() gave back.
 */
#define pr_fmt(fmt) "gomem: " fmt

#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sizes.h>

#include "map/origin.h"
#include "heap/pagesource.h"
#include "cpu/node.h"
#include "api/sites.h"
#include "run/oom.h"
#include "run/shrink.h"

/*
 * Number of call stacks in the log: those that allocated the most live memory.
 * For each, the log names the function of the module that called gomem, or the
 * innermost function if gomem_client_of_stack() finds no such module.
 */
#define TOP	3

/* One report in five seconds: code in a loop may run out of memory often. */
static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 1);

static unsigned long kib(unsigned long pages)
{
	return pages * (GOMEM_PAGE_SIZE / SZ_1K);
}

/* Runs in the task that ran out of memory, so it must not allocate. */
static int at_oom(struct notifier_block *nb, unsigned long unused, void *freed)
{
	unsigned long held = atomic_long_read(&gomem_kernel_pages.heap_pages);
	/*
	 * These arrays are static because little of the task's stack may be
	 * left. The kernel calls OOM notifiers one at a time.
	 */
	static char name[KSYM_SYMBOL_LEN], sites[TOP * 128];
	struct gomem_site top[TOP];
	unsigned long idle = 0, given;
	struct gomem_heap *h;
	unsigned int i, n, len = 0;

	given = gomem_shrink_given_at_oom();
	if ((!held && !given) || !__ratelimit(&limit))
		return NOTIFY_OK;
	for_each_gomem_heap(h)
		idle += READ_ONCE(h->pages.free_pages);
	n = gomem_sites_top(top, TOP);
	sites[0] = '\0';
	for (i = 0; i < n; i++) {
		gomem_origin_site(top[i].b, name);
		len += scnprintf(sites + len, sizeof(sites) - len,
				 "%s %s %llu KiB", i ? "," : "; most by", name,
				 top[i].bytes / SZ_1K);
	}
	pr_info("out of memory: %lu KiB given back, %lu KiB in spans, %lu KiB free%s\n",
		kib(given), kib(held - min(held, idle)), kib(idle), sites);
	return NOTIFY_OK;
}

static struct notifier_block oom_notifier = { .notifier_call = at_oom };

/**
 * gomem_oom_init - get notified when the kernel is out of memory
 *
 * Context: may sleep.
 */
void __init gomem_oom_init(void)
{
	/* Fails only if the notifier is registered already. */
	register_oom_notifier(&oom_notifier);
}

/**
 * gomem_oom_exit - end the notifications
 *
 * Context: may sleep.
 */
void gomem_oom_exit(void)
{
	unregister_oom_notifier(&oom_notifier);
}
