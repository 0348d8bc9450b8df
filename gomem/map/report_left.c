// SPDX-License-Identifier: GPL-2.0
/*
 * report_left.c - report what a module leaves behind when it is unloaded:
 *	accounts, and cleanups and constructors whose code is in the module.
 */
#define pr_fmt(fmt) "gomem: " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>

#include "map/describe.h"
#include "map/kind.h"
#include "map/origin.h"
#include "map/report.h"
#include "map/special.h"

static void print_line(void *unused, const char *key, const char *text)
{
	pr_warn("%s: %s\n", key, text);
}

/**
 * gomem_report_account_left - report an account that was never destroyed
 * @name: its name
 * @mod: the module that should have destroyed it, and is being unloaded
 * @objects: number of objects that are charged to it
 * @bytes: bytes of these objects
 */
void gomem_report_account_left(const char *name, const struct module *mod,
			       u64 objects, u64 bytes)
{
	if (!gomem_report_begin(GOMEM_ACCOUNT_LEFT))
		return;
	pr_warn("account %s of module %s was not destroyed: closed, with %llu objects of %llu bytes\n",
		name, mod->name, objects, bytes);
}

/**
 * gomem_report_cleanups_left - report cleanups whose module is being unloaded
 * @sp: one of the cleanups
 * @mod: the module that has their functions
 * @n: number of cleanups. Each counts as a case of misuse
 */
void gomem_report_cleanups_left(const struct gomem_special *sp,
				const struct module *mod, unsigned long n)
{
	void *p = (void *)gomem_special_addr(sp);
	char buf[GOMEM_DESCRIPTION_MAX];
	struct gomem_origin o;

	gomem_count_misuses(GOMEM_CLEANUP_LEFT, n - 1);
	if (!gomem_report_begin(GOMEM_CLEANUP_LEFT))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)p, buf, sizeof(buf));
	rcu_read_unlock();
	pr_warn("%lu cleanups of module %s were not canceled: dropped. One is %pS of %p (%s), registered by %pS\n",
		n, mod->name, sp->fn, p, buf, (void *)sp->site);
	if (gomem_origin_find((unsigned long)p, &o))
		gomem_origin_print(&o, print_line, NULL);
}

/**
 * gomem_report_ctor_left - report a typed cache that loses its constructor
 * @k: the kind of its objects
 * @mod: the module that has the constructor, and is being unloaded
 * @objects: number of live objects
 */
void gomem_report_ctor_left(const struct gomem_kind *k,
			    const struct module *mod, unsigned long objects)
{
	if (!gomem_report_begin(GOMEM_CTOR_LEFT))
		return;
	pr_warn("cache %s loses its constructor with module %s: it constructs no more objects, %lu of %u bytes are live\n",
		k->name, mod->name, objects, k->object_size);
}
