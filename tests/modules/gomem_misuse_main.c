// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_misuse_main.c - misuse gomem in one way, so that a test can check the
 * report.
 *
 * Loading with case=NAME misuses gomem once, in the way of this name. Later
 * writes of NAME to /sys/module/gomem_misuse/parameters/case do the same. A
 * case fails if it finds that gomem accepted the call, or that the call damaged
 * an object. The cases of gomem_misuse_valid.c do not misuse gomem: it has to
 * accept their calls.
 *
 * The debugfs file gomem_misuse has a line "NAME:COUNTER:REPORT" for each case
 * that has a counter. tests/kselftest/misuse.sh compares these with what gomem
 * counted and printed.
 */
#define pr_fmt(fmt) "gomem_misuse: " fmt

#include <linux/debugfs.h>
#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "gomem_misuse.h"

static const struct misuse_case *const tables[] = {
	free_cases,
	foreign_cases,
	request_cases,
	owner_cases,
	arena_cases,
	kernel_cases,
	valid_cases,
};

static const struct misuse_case *find_case(const char *name)
{
	const struct misuse_case *c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (c = tables[i]; c->name; c++)
			if (sysfs_streq(name, c->name))
				return c;
	return NULL;
}

static int do_case(const char *name)
{
	const struct misuse_case *c = find_case(name);
	int err;

	if (!c) {
		pr_err("there is no case \"%s\"\n", name);
		return -EINVAL;
	}
	err = c->fn(c);
	pr_info("%s: %d\n", c->name, err);
	return err;
}

static char *first = "";
static bool loaded;

/*
 * The kernel serializes writes of parameters. If "case" is an argument of
 * insmod, this function is called before the module's init, and only stores the
 * name.
 */
static int set_case(const char *name, const struct kernel_param *kp)
{
	return loaded ? do_case(name) : param_set_charp(name, kp);
}

static const struct kernel_param_ops case_ops = {
	.set = set_case,
	.free = param_free_charp,
};

module_param_cb(case, &case_ops, &first, 0200);
MODULE_PARM_DESC(case, "What to do wrong");

static int cases_show(struct seq_file *m, void *unused)
{
	const struct misuse_case *c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (c = tables[i]; c->name; c++)
			if (c->counter)
				seq_printf(m, "%s:%s:%s\n", c->name,
					   c->counter, c->report ?: "");
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(cases);

static struct dentry *file;

static int __init gomem_misuse_init(void)
{
	int err = do_case(first);

	if (err)
		return err;
	file = debugfs_create_file("gomem_misuse", 0400, NULL, NULL,
				   &cases_fops);
	loaded = true;
	return 0;
}

static void __exit gomem_misuse_exit(void)
{
	debugfs_remove(file);
	put_kept_page();
}

module_init(gomem_misuse_init);
module_exit(gomem_misuse_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: do one thing wrong");
MODULE_LICENSE("GPL");
