// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs.c - the files in /sys/kernel/debug/gomem.
 *
 * Numbers are first collected under spinlocks. When they are formatted, no
 * spinlock of gomem is held. Documentation/tuning.rst and observability.rst
 * explain the keys and columns.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "internal.h"
#include "base/hide.h"
#include "base/pallocbits.h"
#include "base/sizeclass.h"
#include "map/report.h"
#include "cpu/mcache.h"
#include "api/cache.h"
#include "api/kfrees.h"
#include "api/tiny.h"
#include "api/usage.h"
#include "run/accountsfile.h"
#include "run/check.h"
#include "run/debugfs.h"
#include "run/epoch.h"
#include "run/heapfiles.h"
#include "run/holder.h"
#include "run/hunt.h"
#include "run/lifetimesfile.h"
#include "run/modulesfile.h"
#include "run/statsfile.h"
#include "run/whatis.h"

static struct dentry *gomem_dir;

static int stats_open(struct inode *inode, struct file *file)
{
	return single_open(file, gomem_stats_show, NULL);
}

static const struct file_operations stats_fops = {
	.owner = THIS_MODULE,
	.open = stats_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

/* A row of the file classes or caches. */
struct class_row {
	struct gomem_class_counts n;
	unsigned long spans;
	unsigned long live;
	unsigned long slack;
};

static void get_row(const struct gomem_kind *k, struct class_row *row)
{
	struct gomem_mcentral *c;
	struct gomem_heap *h;

	gomem_mcache_count(k, &row->n);
	row->spans = 0;
	row->slack = 0;
	for_each_gomem_heap(h) {
		c = gomem_central(h, k);
		row->spans += READ_ONCE(c->nspans);
		row->slack += READ_ONCE(c->npages) << GOMEM_PAGE_SHIFT;
	}
	row->live = row->n.mallocs - row->n.frees;
	/*
	 * Spans may have been freed since the objects were counted. So do not
	 * let the slack become negative.
	 */
	row->slack -= min(row->slack, row->live * k->size);
}

/* Get the row of tiny objects. In it, n.cached counts blocks, not objects. */
static void get_tiny_row(struct class_row *row)
{
	struct gomem_tiny_stats st;

	gomem_tiny_get_stats(&st);
	row->n.mallocs = st.allocs;
	row->n.frees = st.frees;
	row->n.cached = st.cached;
	row->spans = st.spans;
	row->live = st.allocs - st.frees;
	row->slack = st.sys - min(st.sys, st.blocks * GOMEM_TINY_BLOCK);
}

static void show_class_row(struct seq_file *m, unsigned int spc,
			   const struct class_row *row, struct class_row *sum)
{
	unsigned int class = gomem_spc_class(spc);

	seq_printf(m,
		   "  %5u %6u %6u %7u %8lu %10lu %8llu %12llu %12llu %12lu\n",
		   gomem_class_size(class), gomem_spc_noscan(spc),
		   gomem_class_span_bytes(class), gomem_class_nelems(class),
		   row->spans, row->live, row->n.cached, row->n.mallocs,
		   row->n.frees, row->slack);
	sum->spans += row->spans;
	sum->live += row->live;
	sum->slack += row->slack;
	sum->n.cached += row->n.cached;
	sum->n.mallocs += row->n.mallocs;
	sum->n.frees += row->n.frees;
}

/* Was a row ever used? A class without spans may have had some in the past. */
static bool row_is_used(const struct class_row *row)
{
	return row->spans || row->n.mallocs;
}

static void show_classes_legend(struct seq_file *m, bool all)
{
	seq_puts(m, "gomem classes - version: 1\n");
	seq_puts(m, "# A row for each size of objects up to 32 KiB. span: bytes of a span, a run of pages\n");
	seq_puts(m, "# with objects. objects: how many a span has. live: allocated now. cached: free, in\n");
	seq_puts(m, "# CPUs' caches. slack: bytes of the spans outside of live objects. noscan: 1 if the\n");
	seq_puts(m, "# objects have no pointers. The row of 16 bytes with fewer objects than the others in a\n");
	seq_puts(m, "# span: blocks that tiny objects share. There, live, mallocs and frees count tiny objects.\n");
	seq_printf(m, "# The rows of %u bytes: the handles of typed caches, and those of arenas (noscan).\n",
		   GOMEM_HANDLE_SIZE);
	if (!all)
		seq_puts(m, "# Rows that were never used are only in the file classes_all.\n");
	seq_printf(m, "# %5s %6s %6s %7s %8s %10s %8s %12s %12s %12s\n",
		   "size", "noscan", "span", "objects", "spans", "live",
		   "cached", "mallocs", "frees", "slack");
}

static void show_classes(struct seq_file *m, bool all)
{
	struct class_row row, sum = { };
	unsigned int spc;

	show_classes_legend(m, all);
	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		/* Tiny objects come last. Scratch buffers are in "stats". */
		if (spc >= GOMEM_NR_HEAP_SPANCLASSES && spc < GOMEM_CACHE_SPC)
			continue;
		get_row(&gomem_kinds[spc], &row);
		if (all || row_is_used(&row))
			show_class_row(m, spc, &row, &sum);
	}
	get_tiny_row(&row);
	if (all || row_is_used(&row))
		show_class_row(m, GOMEM_TINY_SPC, &row, &sum);
	seq_printf(m,
		   "  %5s %6s %6s %7s %8lu %10lu %8llu %12llu %12llu %12lu\n",
		   "total", "-", "-", "-", sum.spans, sum.live, sum.n.cached,
		   sum.n.mallocs, sum.n.frees, sum.slack);
}

static int classes_show(struct seq_file *m, void *unused)
{
	show_classes(m, false);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(classes);

static int classes_all_show(struct seq_file *m, void *unused)
{
	show_classes(m, true);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(classes_all);

static void show_cache(const struct gomem_kind *k, void *arg)
{
	const struct gomem_cache *c = k->cache;
	struct seq_file *m = arg;
	struct class_row row;

	get_row(k, &row);
	seq_puts(m, "  ");
	seq_escape(m, c->kind.name, " \t\n\\");
	seq_printf(m,
		   " %u %u %u %lu %u %lu %lu %llu %llu %llu %lu %s%s%s%s%s\n",
		   c->kind.object_size, k->size, c->align,
		   (unsigned long)k->npages << GOMEM_PAGE_SHIFT, k->nelems,
		   row.spans, row.live, row.n.cached, row.n.mallocs,
		   row.n.frees, row.slack, k->ctor ? "c" : "",
		   gomem_kind_noscan(k) ? "n" : "", k->typesafe ? "t" : "",
		   c->kind.usersize ? "u" : "", c->destroyed ? "d" : "-");
}

static int caches_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "gomem caches - version: 1\n");
	seq_puts(m, "# A row for each typed cache. size: bytes of an object. step: from one object to the\n");
	seq_puts(m, "# next. The other columns are those of the file classes. flags: c constructor,\n");
	seq_puts(m, "# n no pointers, t typesafe by RCU, u part for user space, d destroyed with objects left\n");
	seq_puts(m, "# name size step align span objects spans live cached mallocs frees slack flags\n");
	gomem_visit_typed(show_cache, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(caches);

/*
 * Free runs of a heap: their number @n, and the length of the longest in pages.
 * @start and @end are page numbers: the bounds of the run that was added last,
 * which may continue in the next chunk.
 */
struct runs {
	unsigned long n;
	unsigned long longest;
	unsigned long start;
	unsigned long end;
};

static void add_run(struct runs *r, unsigned long start, unsigned long end)
{
	if (!r->n || start != r->end) {
		r->n++;
		r->start = start;
	}
	r->end = end;
	r->longest = max(r->longest, r->end - r->start);
}

static void add_chunk_runs(struct runs *r, const struct gomem_chunk *c,
			   unsigned long ci)
{
	unsigned long base = ci << GOMEM_CHUNK_PAGES_SHIFT;
	unsigned int i, end;

	lockdep_assert_held(&c->heap->lock);
	for (i = gomem_pallocbits_next_free(&c->inuse, 0);
	     i < GOMEM_CHUNK_PAGES;
	     i = gomem_pallocbits_next_free(&c->inuse, end)) {
		end = gomem_pallocbits_next_used(&c->inuse, i);
		add_run(r, base + i, base + end);
		if (end == GOMEM_CHUNK_PAGES)
			break;
	}
}

/* Count the free runs of a heap. Hold its lock for one chunk at a time. */
static void get_runs(struct gomem_heap *h, struct runs *r)
{
	const struct gomem_chunk *c;
	unsigned long ci, flags;

	memset(r, 0, sizeof(*r));
	for (ci = 0; ci < h->map->nr_chunks; ci++) {
		cond_resched();
		c = gomem_pagemap_nth_chunk(h->map, ci);
		if (c->heap != h)
			continue;
		spin_lock_irqsave(&h->lock, flags);
		add_chunk_runs(r, c, ci);
		spin_unlock_irqrestore(&h->lock, flags);
	}
}

static int nodes_show(struct seq_file *m, void *unused)
{
	struct gomem_heap_snapshot snap;
	struct gomem_heap *h;
	unsigned long idle;
	struct runs r;

	seq_puts(m, "gomem nodes - version: 1\n");
	seq_puts(m, "# A row for each NUMA node. free_runs and chunks are counts, the others bytes.\n");
	seq_puts(m, "# largest: the longest run of free pages. holes: between gomem's pages\n");
	seq_printf(m, "# %4s %12s %12s %12s %10s %9s %11s %12s %12s %8s\n",
		   "node", "heap_sys", "inuse", "idle", "cached", "free_runs",
		   "largest", "holes", "released", "chunks");
	for_each_gomem_heap(h) {
		gomem_heap_get(h, &snap);
		get_runs(h, &r);
		idle = snap.free_pages + snap.cached_pages;
		seq_printf(m,
			   "  %4d %12llu %12llu %12llu %10llu %9lu %11llu %12llu %12llu %8lu\n",
			   h->node, gomem_page_bytes(snap.backed_pages),
			   gomem_page_bytes(snap.counts.inuse_pages),
			   gomem_page_bytes(idle),
			   gomem_page_bytes(snap.cached_pages), r.n,
			   gomem_page_bytes(r.longest),
			   gomem_page_bytes(snap.hole_pages),
			   gomem_page_bytes(gomem_released_pages(&snap.stats)),
			   snap.chunks);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nodes);

static int map_open(struct inode *inode, struct file *file)
{
	return seq_open(file, &gomem_map_ops);
}

static const struct file_operations map_fops = {
	.owner = THIS_MODULE,
	.open = map_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = seq_release,
};

/*
 * Copy what was written to a file into an array of @size characters, and end it
 * with a byte 0. Refuse text that is too long, of which
 * kstrtouint_from_user() would use the beginning. Refuse a byte 0, too, which
 * would hide what follows it.
 */
static int get_text(char *text, size_t size, const char __user *buf,
		    size_t len)
{
	if (len >= size)
		return -EINVAL;
	if (copy_from_user(text, buf, len))
		return -EFAULT;
	text[len] = '\0';
	return strlen(text) == len ? 0 : -EINVAL;
}

/* Parse input for a file that starts an action: only 1 is valid. */
static int get_start(const char __user *buf, size_t len)
{
	unsigned int start;
	char text[32];
	int err;

	err = get_text(text, sizeof(text), buf, len) ?:
	      kstrtouint(text, 0, &start);
	if (err)
		return err;
	return start == 1 ? 0 : -EINVAL;
}

static int scavenge_open(struct inode *inode, struct file *file)
{
	return single_open(file, gomem_scavenge_show, NULL);
}

static ssize_t scavenge_write(struct file *file, const char __user *buf,
			      size_t len, loff_t *pos)
{
	int err = get_start(buf, len);

	if (err)
		return err;
	gomem_scavenge_all();
	return len;
}

static const struct file_operations scavenge_fops = {
	.owner = THIS_MODULE,
	.open = scavenge_open,
	.read = seq_read,
	.write = scavenge_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/*
 * Protects check_verdict and check_failed, the result of the last check. Taken
 * by tasks that read or write the file check, and held during a check, so that
 * only one check runs at a time.
 */
static DEFINE_MUTEX(check_mutex);
static const char *check_verdict =
	"not checked yet: write 1 to this file to check the heap";
static bool check_failed;

static int check_show(struct seq_file *m, void *unused)
{
	u64 kfrees = gomem_misuse_count(GOMEM_KFREE);

	mutex_lock(&check_mutex);
	seq_printf(m, "%s\n", check_verdict);
	if (check_failed) {
		seq_puts(m, "gomem's data contradict each other. A module may have written to memory that is not\n");
		seq_puts(m, "its own: save the kernel log, and reboot. If modules allocated or freed during the\n");
		seq_puts(m, "check, this may be a false alarm: check once more while they are idle\n");
	}
	if (kfrees)
		seq_printf(m, "modules freed gomem's memory %llu times with kfree() or put_page(), which cannot free it: see \"What the kernel frees\" in Documentation/override.rst\n",
			   kfrees);
	if (gomem_kfrees_hidden())
		seq_puts(m, "the kernel has printed a warning, perhaps about a kfree() of gomem's memory, which leaves no other trace on this kernel. To find the callers, write 1 to the parameter kfree_probe\n");
	mutex_unlock(&check_mutex);
	return 0;
}

static int check_open(struct inode *inode, struct file *file)
{
	return single_open(file, check_show, NULL);
}

static ssize_t check_write(struct file *file, const char __user *buf,
			   size_t len, loff_t *pos)
{
	int ret = get_start(buf, len);
	const char *err;

	if (ret)
		return ret;
	mutex_lock(&check_mutex);
	err = gomem_check_all();
	check_verdict = err ?: "ok";
	check_failed = err;
	mutex_unlock(&check_mutex);
	return err ? -EUCLEAN : len;
}

static const struct file_operations check_fops = {
	.owner = THIS_MODULE,
	.open = check_open,
	.read = seq_read,
	.write = check_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/*
 * Protects the address that was last written to the file whatis. Taken by tasks
 * that read or write this file. The address is stored as gomem_hide() returns
 * it, so that a scan for leaks does not take it for a pointer.
 */
static DEFINE_MUTEX(whatis_mutex);
static unsigned long whatis_hidden;
static bool whatis_asked;

static int whatis_show(struct seq_file *m, void *unused)
{
	mutex_lock(&whatis_mutex);
	if (whatis_asked)
		gomem_whatis_show(m, gomem_unhide(whatis_hidden));
	else
		seq_puts(m, "no address yet: write one in hexadecimal to this file\n");
	mutex_unlock(&whatis_mutex);
	return 0;
}

static int whatis_open(struct inode *inode, struct file *file)
{
	return single_open(file, whatis_show, NULL);
}

/* The input is an address in hexadecimal, with or without 0x. */
static ssize_t whatis_write(struct file *file, const char __user *buf,
			    size_t len, loff_t *pos)
{
	unsigned long addr;
	char text[32];
	int err;

	err = get_text(text, sizeof(text), buf, len) ?:
	      kstrtoul(text, 16, &addr);
	if (err)
		return err;
	mutex_lock(&whatis_mutex);
	whatis_hidden = gomem_hide(addr);
	whatis_asked = true;
	mutex_unlock(&whatis_mutex);
	return len;
}

static const struct file_operations whatis_fops = {
	.owner = THIS_MODULE,
	.open = whatis_open,
	.read = seq_read,
	.write = whatis_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int heap_open(struct inode *inode, struct file *file)
{
	return single_open(file, gomem_heap_show, NULL);
}

static const struct file_operations heap_fops = {
	.owner = THIS_MODULE,
	.open = heap_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static int leaks_open(struct inode *inode, struct file *file)
{
	return single_open(file, gomem_leaks_show, NULL);
}

/*
 * Parse "holder ADDRESS", with an address in hexadecimal. sscanf() would accept
 * any text after the address.
 */
static int get_holder(const char *command, unsigned long *addr)
{
	static const char word[] = "holder ";

	if (!strstarts(command, word))
		return -EINVAL;
	return kstrtoul(command + strlen(word), 16, addr);
}

/*
 * Commands are "scan" and "holder ADDRESS". The write returns when the scan, or
 * the search for what points to the object at ADDRESS, is over.
 */
static ssize_t leaks_write(struct file *file, const char __user *buf,
			   size_t len, loff_t *pos)
{
	char command[32];
	unsigned long addr;
	int err;

	err = get_text(command, sizeof(command), buf, len);
	if (err)
		return err;
	if (sysfs_streq(command, "scan"))
		err = gomem_hunt();
	else
		err = get_holder(command, &addr) ?: gomem_holder_find(addr);
	return err ?: len;
}

static const struct file_operations leaks_fops = {
	.owner = THIS_MODULE,
	.open = leaks_open,
	.read = seq_read,
	.write = leaks_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int modules_open(struct inode *inode, struct file *file)
{
	return single_open(file, gomem_modules_show, NULL);
}

static const struct file_operations modules_fops = {
	.owner = THIS_MODULE,
	.open = modules_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static int lifetimes_open(struct inode *inode, struct file *file)
{
	return single_open(file, gomem_lifetimes_show, NULL);
}

static const struct file_operations lifetimes_fops = {
	.owner = THIS_MODULE,
	.open = lifetimes_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static int accounts_show(struct seq_file *m, void *unused)
{
	return gomem_accounts_show(m);
}

static int accounts_open(struct inode *inode, struct file *file)
{
	return single_open(file, accounts_show, NULL);
}

/* The input is "MODULE soft=BYTES hard=BYTES", with one limit or both. */
static ssize_t accounts_write(struct file *file, const char __user *buf,
			      size_t len, loff_t *pos)
{
	char text[MODULE_NAME_LEN + 64];
	int err;

	err = get_text(text, sizeof(text), buf, len) ?:
	      gomem_usage_limit(text);
	return err ?: len;
}

static const struct file_operations accounts_fops = {
	.owner = THIS_MODULE,
	.open = accounts_open,
	.read = seq_read,
	.write = accounts_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/**
 * gomem_debugfs_init - create gomem's files in debugfs, for root only
 *
 * Errors are ignored: some files may be missing then, but gomem works.
 */
void gomem_debugfs_init(void)
{
	gomem_dir = debugfs_create_dir("gomem", NULL);
	debugfs_create_file("stats", 0400, gomem_dir, NULL, &stats_fops);
	debugfs_create_file("classes", 0400, gomem_dir, NULL, &classes_fops);
	debugfs_create_file("classes_all", 0400, gomem_dir, NULL,
			    &classes_all_fops);
	debugfs_create_file("caches", 0400, gomem_dir, NULL, &caches_fops);
	debugfs_create_file("nodes", 0400, gomem_dir, NULL, &nodes_fops);
	debugfs_create_file("map", 0400, gomem_dir, NULL, &map_fops);
	debugfs_create_file("scavenge", 0600, gomem_dir, NULL, &scavenge_fops);
	debugfs_create_file("check", 0600, gomem_dir, NULL, &check_fops);
	debugfs_create_file("whatis", 0600, gomem_dir, NULL, &whatis_fops);
	debugfs_create_file("heap", 0400, gomem_dir, NULL, &heap_fops);
	debugfs_create_file("leaks", 0600, gomem_dir, NULL, &leaks_fops);
	debugfs_create_file("modules", 0400, gomem_dir, NULL, &modules_fops);
	debugfs_create_file("lifetimes", 0400, gomem_dir, NULL,
			    &lifetimes_fops);
	debugfs_create_file("accounts", 0600, gomem_dir, NULL, &accounts_fops);
}

/**
 * gomem_debugfs_exit - remove the files, and free the result of the last scan
 *
 * Waits for tasks that are reading or writing the files.
 *
 * Context: may sleep.
 */
void gomem_debugfs_exit(void)
{
	debugfs_remove(gomem_dir);
	gomem_hunt_exit();
}
