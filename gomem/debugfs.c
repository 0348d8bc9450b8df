// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs.c - what gomem shows of itself. Formatting only: numbers are collected
 * first, under whatever lock they need, and printed then.
 *
 * Each key and column is explained in Documentation/tuning.rst.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "internal.h"
#include "arena.h"
#include "cache.h"
#include "check.h"
#include "debugfs.h"
#include "epoch.h"
#include "mcache.h"
#include "pallocbits.h"
#include "rcu.h"
#include "report.h"
#include "scratch.h"
#include "sizeclass.h"
#include "stats.h"
#include "tiny.h"
#include "whatis.h"

static struct dentry *gomem_dir;

/* One row of classes, or of caches. */
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
	/* Counters of running CPUs may be ahead of the spans we saw. */
	row->slack -= min(row->slack, row->live * k->size);
}

/* The row of tiny objects: objects, but for what CPUs have, which are blocks. */
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

/* Everything in stats, in bytes and objects. */
struct totals {
	struct gomem_heap_snapshot heap;
	u64 mallocs;
	u64 frees;
	u64 total_alloc;
	u64 heap_alloc;
	u64 cached;
	u64 cached_bytes;
	u64 cached_spans;
	u64 caches;
	struct gomem_scratch_stats scratch;
	struct gomem_tiny_stats tiny;
	struct gomem_arena_stats arena;
	u64 arena_inuse;
	size_t mcache;
	size_t meta_sys;
	size_t sys;
};

static void add_kind(const struct gomem_kind *k, void *arg)
{
	unsigned int size = k->size;
	struct gomem_class_counts n;
	struct totals *t = arg;

	t->caches += !!k->cache;
	gomem_mcache_count(k, &n);
	t->mallocs += n.mallocs;
	t->frees += n.frees;
	t->total_alloc += n.mallocs * size;
	t->heap_alloc += (n.mallocs - n.frees) * size;
	t->cached += n.cached;
	t->cached_bytes += n.cached * size;
	t->cached_spans += n.cached_spans;
	cond_resched();
}

/* Objects as they are, bytes and what CPUs hold in blocks. */
static void add_tiny(struct totals *t)
{
	gomem_tiny_get_stats(&t->tiny);
	t->mallocs += t->tiny.allocs;
	t->frees += t->tiny.frees;
	t->total_alloc += t->tiny.block_allocs * GOMEM_TINY_BLOCK;
	t->heap_alloc += t->tiny.blocks * GOMEM_TINY_BLOCK;
	t->cached += t->tiny.cached;
	t->cached_bytes += t->tiny.cached * GOMEM_TINY_BLOCK;
	t->cached_spans += t->tiny.cached_spans;
}

/* All nodes together. The counters of struct gomem_heap_stats are all u64. */
static void add_heap(struct gomem_heap_snapshot *sum, struct gomem_heap *h)
{
	u64 *to = (u64 *)&sum->stats, *from;
	struct gomem_heap_snapshot snap;
	unsigned int i;

	gomem_heap_get(h, &snap);
	gomem_span_counts_add(&sum->counts, &snap.counts);
	from = (u64 *)&snap.stats;
	for (i = 0; i < sizeof(snap.stats) / sizeof(u64); i++)
		to[i] += from[i];
	sum->free_pages += snap.free_pages;
	sum->cached_pages += snap.cached_pages;
	sum->backed_pages += snap.backed_pages;
	sum->hole_pages += snap.hole_pages;
	sum->chunks += snap.chunks;
	sum->span_bytes += snap.span_bytes;
	sum->span_sys += snap.span_sys;
}

static u64 bytes(u64 pages)
{
	return pages << GOMEM_PAGE_SHIFT;
}

static void get_totals(struct totals *t)
{
	struct gomem_heap *h = gomem_first_heap();
	struct gomem_cache_counts gone;
	unsigned int i;

	memset(t, 0, sizeof(*t));
	for (i = 2; i < GOMEM_NR_HEAP_SPANCLASSES; i++)
		add_kind(&gomem_kinds[i], t);
	gomem_visit_caches_and_gone(add_kind, t, &gone);
	t->mallocs += gone.mallocs;
	t->frees += gone.frees;
	t->total_alloc += gone.bytes;
	add_tiny(t);
	gomem_scratch_get_stats(&t->scratch);
	gomem_arena_get_stats(&t->arena);
	t->mcache = gomem_mcache_bytes();
	t->meta_sys = atomic_long_read(&h->source->meta_bytes) - t->mcache +
		      gomem_pagemap_bytes(&gomem_pagemap);
	for_each_gomem_heap(h) {
		add_heap(&t->heap, h);
		t->meta_sys += gomem_pagealloc_bytes(&h->pages);
	}
	t->meta_sys -= t->heap.span_sys;
	t->arena_inuse = bytes(t->heap.counts.arena_pages);
	/* Some may have left the quarantine, or come there, since the heap was asked. */
	t->arena_inuse -= min_t(u64, t->arena_inuse, t->arena.quarantined);
	t->mallocs += t->heap.counts.large_allocs;
	t->frees += t->heap.counts.large_frees;
	t->total_alloc += t->heap.counts.large_alloc_bytes;
	t->heap_alloc += (u64)t->heap.counts.large_pages << GOMEM_PAGE_SHIFT;
	t->sys = (t->heap.backed_pages << GOMEM_PAGE_SHIFT) + t->heap.span_sys + t->mcache +
		 t->meta_sys;
}

static void show(struct seq_file *m, const char *key, u64 value)
{
	seq_printf(m, "%s: %llu\n", key, value);
}

static u64 sum_of(const u64 *n, unsigned int count)
{
	u64 sum = 0;

	while (count--)
		sum += *n++;
	return sum;
}

static void show_memory(struct seq_file *m, const struct totals *t)
{
	const struct gomem_heap_snapshot *h = &t->heap;
	u64 all = bytes(h->counts.inuse_pages);
	/* Some may have been given back since they were asked. */
	u64 inuse = all - min(all, t->scratch.sys);
	u64 idle = bytes(h->free_pages + h->cached_pages);

	show(m, "heap_alloc", t->heap_alloc);
	show(m, "heap_objects", t->mallocs - t->frees);
	show(m, "total_alloc", t->total_alloc);
	show(m, "mallocs", t->mallocs);
	show(m, "frees", t->frees);
	show(m, "heap_sys", inuse + idle);
	show(m, "heap_inuse", inuse);
	show(m, "heap_idle", idle);
	show(m, "heap_released", bytes(sum_of(h->stats.released, GOMEM_NR_SCAVENGE_REASONS)));
	show(m, "heap_cached", t->cached_bytes);
	show(m, "page_cache_bytes", bytes(h->cached_pages));
	show(m, "scratch_inuse", t->scratch.inuse);
	show(m, "scratch_sys", t->scratch.sys);
	show(m, "tiny_blocks", t->tiny.blocks);
	show(m, "tiny_sys", t->tiny.sys);
	show(m, "mspan_inuse", h->span_bytes);
	show(m, "mspan_sys", h->span_sys);
	show(m, "mcache_inuse", t->mcache);
	show(m, "mcache_sys", t->mcache);
	show(m, "meta_sys", t->meta_sys);
	show(m, "sys", t->sys);
}

static void show_heap(struct seq_file *m, const struct gomem_heap_snapshot *h)
{
	show(m, "large_objects", h->counts.large);
	show(m, "large_mallocs", h->counts.large_allocs);
	show(m, "large_frees", h->counts.large_frees);
	show(m, "spans", h->counts.spans);
	show(m, "span_allocs", h->counts.span_allocs);
	show(m, "span_frees", h->counts.span_frees);
	show(m, "page_cache_spans", h->counts.cache_spans);
	show(m, "heap_lock_taken", h->stats.lock_taken);
	show(m, "chunks", h->chunks);
	show(m, "grows", h->stats.grows);
	show(m, "grow_fallbacks", h->stats.grow_fallbacks);
	show(m, "grow_failures", h->stats.grow_failures);
	show(m, "grow_out_of_range", h->stats.grow_out_of_range);
	show(m, "peer_spans", h->stats.peer_spans);
}

static const char * const reason_names[GOMEM_NR_SCAVENGE_REASONS] = {
	[GOMEM_SCAVENGE_BACKGROUND]	= "scavenged_background",
	[GOMEM_SCAVENGE_FORCED]		= "scavenged_forced",
	[GOMEM_SCAVENGE_SHRINKER]	= "scavenged_shrinker",
	[GOMEM_SCAVENGE_LIMIT]		= "scavenged_limit",
	[GOMEM_SCAVENGE_GROWTH]		= "scavenged_growth",
	[GOMEM_SCAVENGE_FREE]		= "scavenged_free",
};

static void show_scavenged(struct seq_file *m, const struct gomem_heap_snapshot *h)
{
	unsigned int i;

	show(m, "epochs", gomem_epochs());
	for (i = 0; i < GOMEM_NR_SCAVENGE_REASONS; i++)
		show(m, reason_names[i], bytes(h->stats.released[i]));
	show(m, "memory_limit_exceeded", h->stats.limit_exceeded);
	show(m, "grace_waits", h->stats.grace_waits);
}

static void show_activity(struct seq_file *m, const struct totals *t)
{
	unsigned int i;

	show(m, "scratch_gets", t->scratch.gets);
	show(m, "scratch_puts", t->scratch.puts);
	show(m, "caches", t->caches);
	show(m, "arenas", t->arena.live);
	show(m, "arena_inuse", t->arena_inuse);
	show(m, "arena_quarantined", t->arena.quarantined);
	show_heap(m, &t->heap);
	show_scavenged(m, &t->heap);
	show(m, "rcu_pending", gomem_rcu_pending());
	show(m, "cached_objects", t->cached);
	show(m, "cached_spans", t->cached_spans);
	for (i = 0; i < GOMEM_NR_EVENTS; i++)
		show(m, gomem_event_names[i], gomem_event_sum(i));
	for (i = 0; i < GOMEM_NR_MISUSES; i++)
		show(m, gomem_misuse_names[i], gomem_misuse_count(i));
}

static int stats_show(struct seq_file *m, void *unused)
{
	struct totals t;

	get_totals(&t);
	show_memory(m, &t);
	show_activity(m, &t);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static void show_row(struct seq_file *m, unsigned int spc, const struct class_row *row,
		     struct class_row *sum)
{
	unsigned int class = gomem_spc_class(spc);

	seq_printf(m, "  %5u %6u %6u %7u %8lu %10lu %8llu %12llu %12llu %12lu\n",
		   gomem_class_size(class), gomem_spc_noscan(spc),
		   gomem_class_span_bytes(class), gomem_class_nelems(class), row->spans,
		   row->live, row->n.cached, row->n.mallocs, row->n.frees, row->slack);
	sum->spans += row->spans;
	sum->live += row->live;
	sum->slack += row->slack;
	sum->n.cached += row->n.cached;
	sum->n.mallocs += row->n.mallocs;
	sum->n.frees += row->n.frees;
}

static int classes_show(struct seq_file *m, void *unused)
{
	struct class_row row, sum = { };
	unsigned int spc;

	seq_puts(m, "gomem classes - version: 1\n");
	seq_printf(m, "# %5s %6s %6s %7s %8s %10s %8s %12s %12s %12s\n", "size", "noscan", "span",
		   "objects", "spans", "live", "cached", "mallocs", "frees", "slack");
	for (spc = 2; spc < GOMEM_NR_HEAP_SPANCLASSES; spc++) {
		get_row(&gomem_kinds[spc], &row);
		show_row(m, spc, &row, &sum);
	}
	get_tiny_row(&row);
	show_row(m, GOMEM_TINY_SPC, &row, &sum);
	seq_printf(m, "  %5s %6s %6s %7s %8lu %10lu %8llu %12llu %12llu %12lu\n", "total", "-",
		   "-", "-", sum.spans, sum.live, sum.n.cached, sum.n.mallocs, sum.n.frees,
		   sum.slack);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(classes);

static void show_cache(const struct gomem_kind *k, void *arg)
{
	const struct gomem_cache *c = k->cache;
	struct seq_file *m = arg;
	struct class_row row;

	get_row(k, &row);
	seq_puts(m, "  ");
	seq_escape(m, c->name, " \t\n\\");
	seq_printf(m, " %u %u %u %lu %u %lu %lu %llu %llu %llu %lu %s%s%s%s%s\n", c->object_size,
		   k->size, c->align, (unsigned long)k->npages << GOMEM_PAGE_SHIFT, k->nelems,
		   row.spans, row.live, row.n.cached, row.n.mallocs, row.n.frees, row.slack,
		   k->ctor ? "c" : "", gomem_kind_noscan(k) ? "n" : "", k->typesafe ? "t" : "",
		   c->usersize ? "u" : "", c->destroyed ? "d" : "-");
}

static int caches_show(struct seq_file *m, void *unused)
{
	seq_puts(m, "gomem caches - version: 1\n");
	seq_puts(m, "# name size step align span objects spans live cached mallocs frees slack flags\n");
	gomem_visit_caches(show_cache, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(caches);

/* Free runs of a heap; one may go on in the next chunk. */
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

static void add_chunk_runs(struct runs *r, const struct gomem_chunk *c, unsigned long ci)
{
	unsigned long base = ci << GOMEM_CHUNK_PAGES_SHIFT;
	unsigned int i, end;

	lockdep_assert_held(&c->heap->lock);
	for (i = gomem_pallocbits_next_free(&c->inuse, 0); i < GOMEM_CHUNK_PAGES;
	     i = gomem_pallocbits_next_free(&c->inuse, end)) {
		end = gomem_pallocbits_next_used(&c->inuse, i);
		add_run(r, base + i, base + end);
		if (end == GOMEM_CHUNK_PAGES)
			break;
	}
}

/* The lock is held for a chunk at a time. */
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
	struct runs r;

	seq_puts(m, "gomem nodes - version: 1\n");
	seq_printf(m, "# %4s %12s %12s %12s %10s %9s %11s %12s %12s %8s\n", "node", "heap_sys",
		   "inuse", "idle", "cached", "free_runs", "largest", "holes", "released",
		   "chunks");
	for_each_gomem_heap(h) {
		gomem_heap_get(h, &snap);
		get_runs(h, &r);
		seq_printf(m, "  %4d %12llu %12llu %12llu %10llu %9lu %11llu %12llu %12llu %8lu\n",
			   h->node, bytes(snap.backed_pages), bytes(snap.counts.inuse_pages),
			   bytes(snap.free_pages + snap.cached_pages), bytes(snap.cached_pages),
			   r.n, bytes(r.longest), bytes(snap.hole_pages),
			   bytes(sum_of(snap.stats.released, GOMEM_NR_SCAVENGE_REASONS)),
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

/* What a file that starts something takes: 1, and nothing else. */
static int get_start(const char __user *buf, size_t len)
{
	unsigned int start;
	int err;

	err = kstrtouint_from_user(buf, len, 0, &start);
	if (err)
		return err;
	return start == 1 ? 0 : -EINVAL;
}

static int scavenge_show(struct seq_file *m, void *unused)
{
	struct gomem_heap_snapshot sum = { };
	struct gomem_heap *h;
	u64 goal = 0;

	for_each_gomem_heap(h) {
		add_heap(&sum, h);
		goal += min(READ_ONCE(h->goal_pages), gomem_heap_about(h));
	}
	show(m, "heap_sys", bytes(sum.backed_pages));
	show(m, "heap_goal", bytes(goal));
	show(m, "heap_idle", bytes(sum.free_pages + sum.cached_pages));
	show(m, "memory_limit", READ_ONCE(gomem_first_heap()->source->limit));
	show_scavenged(m, &sum);
	show(m, "background_ns", gomem_scavenge_time());
	return 0;
}

static int scavenge_open(struct inode *inode, struct file *file)
{
	return single_open(file, scavenge_show, NULL);
}

static ssize_t scavenge_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
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

/* The last verdict; one check at a time. */
static DEFINE_MUTEX(check_mutex);
static const char *check_verdict = "not checked yet: write 1 to this file";

static int check_show(struct seq_file *m, void *unused)
{
	u64 kfrees = gomem_misuse_count(GOMEM_KFREE);

	mutex_lock(&check_mutex);
	seq_printf(m, "%s\n", check_verdict);
	if (kfrees)
		seq_printf(m, "%llu times memory was freed with the kernel's kfree() or put_page()\n",
			   kfrees);
	mutex_unlock(&check_mutex);
	return 0;
}

static int check_open(struct inode *inode, struct file *file)
{
	return single_open(file, check_show, NULL);
}

static ssize_t check_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	int ret = get_start(buf, len);
	const char *err;

	if (ret)
		return ret;
	mutex_lock(&check_mutex);
	err = gomem_check_all();
	check_verdict = err ?: "ok";
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

/* The last address that was asked about. */
static DEFINE_MUTEX(whatis_mutex);
static unsigned long whatis_addr;
static bool whatis_asked;

static int whatis_show(struct seq_file *m, void *unused)
{
	mutex_lock(&whatis_mutex);
	if (whatis_asked)
		gomem_whatis_show(m, whatis_addr);
	else
		seq_puts(m, "nothing asked yet: write an address to this file\n");
	mutex_unlock(&whatis_mutex);
	return 0;
}

static int whatis_open(struct inode *inode, struct file *file)
{
	return single_open(file, whatis_show, NULL);
}

/* An address in hexadecimal, with 0x before it or without. */
static ssize_t whatis_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	unsigned long addr;
	int err = kstrtoul_from_user(buf, len, 16, &addr);

	if (err)
		return err;
	mutex_lock(&whatis_mutex);
	whatis_addr = addr;
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

/**
 * gomem_debugfs_init - make the files, for root only
 *
 * Failure leaves some out, which harms nobody.
 */
void gomem_debugfs_init(void)
{
	gomem_dir = debugfs_create_dir("gomem", NULL);
	debugfs_create_file("stats", 0400, gomem_dir, NULL, &stats_fops);
	debugfs_create_file("classes", 0400, gomem_dir, NULL, &classes_fops);
	debugfs_create_file("caches", 0400, gomem_dir, NULL, &caches_fops);
	debugfs_create_file("nodes", 0400, gomem_dir, NULL, &nodes_fops);
	debugfs_create_file("map", 0400, gomem_dir, NULL, &map_fops);
	debugfs_create_file("scavenge", 0600, gomem_dir, NULL, &scavenge_fops);
	debugfs_create_file("check", 0600, gomem_dir, NULL, &check_fops);
	debugfs_create_file("whatis", 0600, gomem_dir, NULL, &whatis_fops);
}

/**
 * gomem_debugfs_exit - remove them; waits for readers
 */
void gomem_debugfs_exit(void)
{
	debugfs_remove(gomem_dir);
}
