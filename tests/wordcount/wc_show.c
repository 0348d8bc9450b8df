// SPDX-License-Identifier: GPL-2.0
/*
 * wc_show.c - show the result and the memory it takes, in debugfs.
 *
 *	summary		"key: value" lines
 *	counts		what "sort | uniq -c" would print for all words
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "wordcount.h"

static struct dentry *dir;
static struct wc_result *result;
static unsigned int files;

static int summary_show(struct seq_file *m, void *unused)
{
	struct wc_tally t;

	wc_mem_tally(&t);
	seq_printf(m, "allocator: %s\n", wc_mem_name());
	seq_printf(m, "workers: %u\n", result->workers);
	seq_printf(m, "files: %u\n", files);
	seq_printf(m, "bytes: %llu\n", result->bytes);
	seq_printf(m, "words: %llu\n", result->words);
	seq_printf(m, "distinct: %llu\n", result->distinct);
	seq_printf(m, "time_ms: %lld\n", result->msecs);
	seq_printf(m, "allocations: %ld\n", t.allocs);
	seq_printf(m, "remote_frees: %lu\n", result->remote);
	seq_printf(m, "objects: %ld\n", t.allocs - t.frees);
	seq_printf(m, "bytes_requested: %ld\n", t.requested);
	seq_printf(m, "bytes_held: %ld\n", t.held);
	seq_printf(m, "bytes_held_peak: %ld\n", result->peak);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(summary);

/*
 * The position of a reader in the list. It saves a search from the start of the
 * list at each read.
 */
struct cursor {
	struct list_head *at;
	loff_t pos;
};

static void *at_or_end(struct cursor *c)
{
	return c->at == &result->sorted ? NULL : c->at;
}

static void *counts_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct cursor *c = m->private;

	c->at = c->at->next;
	c->pos = ++*pos;
	return at_or_end(c);
}

static void *counts_start(struct seq_file *m, loff_t *pos)
{
	struct cursor *c = m->private;

	if (!c->at || *pos < c->pos) {
		c->at = result->sorted.next;
		c->pos = 0;
	}
	for (; c->pos < *pos && at_or_end(c); c->pos++)
		c->at = c->at->next;
	return at_or_end(c);
}

static void counts_stop(struct seq_file *m, void *v)
{
}

static int counts_show(struct seq_file *m, void *v)
{
	const struct wc_node *node = list_entry(v, struct wc_node, sorted);

	seq_printf(m, "%7llu %s\n", node->count, node->word);
	return 0;
}

static const struct seq_operations counts_sops = {
	.start	= counts_start,
	.next	= counts_next,
	.stop	= counts_stop,
	.show	= counts_show,
};

static int counts_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &counts_sops, sizeof(struct cursor));
}

static const struct file_operations counts_fops = {
	.owner		= THIS_MODULE,
	.open		= counts_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};

/* Create the files. @r must not change until wc_show_exit(). */
void wc_show_init(struct wc_result *r, unsigned int nr_files)
{
	result = r;
	files = nr_files;
	dir = debugfs_create_dir("wordcount", NULL);
	debugfs_create_file("summary", 0400, dir, NULL, &summary_fops);
	debugfs_create_file("counts", 0400, dir, NULL, &counts_fops);
}

/* Remove the files; waits for readers. */
void wc_show_exit(void)
{
	debugfs_remove(dir);
}
