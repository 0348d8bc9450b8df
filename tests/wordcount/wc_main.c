// SPDX-License-Identifier: GPL-2.0
/*
 * wc_main.c - parameters, module init and exit.
 *
 *	insmod wordcount.ko files=/a,/b allocator=gomem top=10
 *
 * The module counts while it loads, and fails to load if counting fails. The
 * counts stay in memory until the module is unloaded.
 */
#define pr_fmt(fmt) "wordcount: " fmt

#include <linux/gomem.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>

#include "wordcount.h"

#define FILES_MAX	512
#define TOP_MAX		100

/* Not visible in sysfs: the names might not fit into a page. */
static char *files[FILES_MAX];
static unsigned int nr_files;
module_param_array(files, charp, &nr_files, 0);
MODULE_PARM_DESC(files,
		 "Files to count the words of, separated by commas (up to 512)");

static char *allocator = "gomem";
module_param(allocator, charp, 0444);
MODULE_PARM_DESC(allocator,
		 "Where memory comes from: gomem (default) or kmalloc");

static unsigned int top;
module_param(top, uint, 0444);
MODULE_PARM_DESC(top,
		 "How many of the most frequent words to log, 0 to 100 (default 0)");

static struct wc_result result;

static int check_files(void)
{
	unsigned int i;

	for (i = 0; i < nr_files; i++)
		if (!*files[i])
			break;
	if (!nr_files || i < nr_files) {
		pr_err("files=: a file name is missing\n");
		return -EINVAL;
	}
	return 0;
}

static int check_parameters(void)
{
	if (check_files())
		return -EINVAL;
	if (top > TOP_MAX) {
		pr_err("top=%u: must be 0 to %u\n", top, TOP_MAX);
		return -EINVAL;
	}
	return wc_mem_select(allocator);
}

/*
 * Log the most frequent words. The result is sorted by count for this, and by
 * word again at the end.
 */
static void log_top(struct wc_result *r)
{
	struct wc_node *node;
	unsigned int n = 0;

	wc_sort_by_count(r);
	list_for_each_entry(node, &r->sorted, sorted) {
		if (n++ == top)
			break;
		pr_info("%7llu %s\n", node->count, node->word);
	}
	wc_sort_by_word(r);
}

static int __init wordcount_init(void)
{
	int err;

	err = check_parameters();
	if (err)
		return err;
	err = wc_job_run(files, nr_files, &result);
	if (err)
		return err;
	if (top)
		log_top(&result);
	wc_show_init(&result, nr_files);
	return 0;
}

static void __exit wordcount_exit(void)
{
	struct wc_tally t;

	wc_show_exit();
	wc_job_free(&result);
	wc_mem_tally(&t);
	WARN_ON(t.allocs != t.frees || t.requested || t.held);
	pr_info("freed %ld objects, %lu of them on another CPU than they came from\n",
		t.frees, result.remote);
}

module_init(wordcount_init);
module_exit(wordcount_exit);

MODULE_IMPORT_NS(GOMEM_NS);
MODULE_AUTHOR("The gomem authors");
MODULE_DESCRIPTION("Counts words with memory from gomem");
MODULE_LICENSE("GPL");
