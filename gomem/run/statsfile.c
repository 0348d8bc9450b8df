// SPDX-License-Identifier: GPL-2.0
/*
 * statsfile.c - the debugfs files of counters: stats and scavenge.
 *
 * Numbers are first collected under locks, then formatted without them.
 * Documentation/tuning.rst explains each key.
 */
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "base/stats.h"
#include "map/report.h"
#include "cpu/mcache.h"
#include "api/arena.h"
#include "api/cache.h"
#include "api/rcu.h"
#include "api/scratch.h"
#include "api/tiny.h"
#include "run/epoch.h"
#include "run/statsfile.h"

/* The numbers for the file stats: objects, spans and bytes. */
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

/*
 * Add the tiny objects that share blocks. Mallocs and frees are those of the
 * objects; all other totals count the blocks, or their bytes and spans.
 */
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

/*
 * Add a heap to the sum over all nodes. All members of struct gomem_heap_stats
 * are u64, so they are added as an array.
 */
static void sum_heap(struct gomem_heap_snapshot *sum, struct gomem_heap *h)
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

static void get_totals(struct totals *t)
{
	struct gomem_heap *h = gomem_first_heap();
	struct gomem_gone_counts gone;
	unsigned int i;

	memset(t, 0, sizeof(*t));
	for (i = 2; i < GOMEM_NR_HEAP_SPANCLASSES; i++)
		add_kind(&gomem_kinds[i], t);
	add_kind(&gomem_kinds[GOMEM_CACHE_SPC], t);
	add_kind(&gomem_kinds[GOMEM_ARENA_SPC], t);
	gomem_visit_typed_and_gone(add_kind, t, &gone);
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
		sum_heap(&t->heap, h);
		t->meta_sys += gomem_pagealloc_bytes(&h->pages);
	}
	t->meta_sys -= t->heap.span_sys;
	t->arena_inuse = gomem_page_bytes(t->heap.counts.arena_pages);
	/*
	 * Spans that left the quarantine after gomem_arena_get_stats() still
	 * count in t->arena.quarantined, but may be missing in arena_pages. So
	 * do not let the difference become negative.
	 */
	t->arena_inuse -= min_t(u64, t->arena_inuse, t->arena.quarantined);
	t->mallocs += t->heap.counts.large_allocs;
	t->frees += t->heap.counts.large_frees;
	t->total_alloc += t->heap.counts.large_alloc_bytes;
	t->heap_alloc += (u64)t->heap.counts.large_pages << GOMEM_PAGE_SHIFT;
	t->sys = (t->heap.backed_pages << GOMEM_PAGE_SHIFT) +
		 t->heap.span_sys + t->mcache + t->meta_sys;
}

static void show(struct seq_file *m, const char *key, u64 value)
{
	seq_printf(m, "%s: %llu\n", key, value);
}

/* Begin a group of keys. Programs skip lines that begin with #. */
static void heading(struct seq_file *m, const char *text)
{
	seq_printf(m, "#\n# %s\n", text);
}

/*
 * Print the counters of events @first to @last. The file has each event once,
 * under the heading of its group.
 */
static void show_events(struct seq_file *m, enum gomem_event first,
			enum gomem_event last)
{
	unsigned int i;

	for (i = first; i <= last; i++)
		show(m, gomem_event_names[i], gomem_event_sum(i));
}

static void show_objects(struct seq_file *m, const struct totals *t)
{
	const struct gomem_span_counts *n = &t->heap.counts;

	heading(m, "Objects: heap_alloc and total_alloc are bytes, the others counts");
	show(m, "heap_alloc", t->heap_alloc);
	show(m, "heap_objects", t->mallocs - t->frees);
	show(m, "total_alloc", t->total_alloc);
	show(m, "mallocs", t->mallocs);
	show(m, "frees", t->frees);
	show_events(m, GOMEM_EV_ALLOC_FAILURES, GOMEM_EV_ALLOC_FAILURES);

	heading(m, "Large objects, over 32 KiB: large_bytes is bytes, the others counts");
	show(m, "large_bytes", gomem_page_bytes(n->large_pages));
	show(m, "large_objects", n->large);
	show(m, "large_mallocs", n->large_allocs);
	show(m, "large_frees", n->large_frees);

	heading(m, "Tiny objects, which share blocks: tiny_sys is bytes, the others counts");
	show(m, "tiny_blocks", t->tiny.blocks);
	show(m, "tiny_sys", t->tiny.sys);
	show(m, "tiny_allocs", t->tiny.allocs);
	show(m, "tiny_frees", t->tiny.frees);
}

static void show_memory(struct seq_file *m, const struct totals *t)
{
	const struct gomem_heap_snapshot *h = &t->heap;
	u64 all = gomem_page_bytes(h->counts.inuse_pages);
	/*
	 * Scratch spans that were freed after gomem_scratch_get_stats() are in
	 * scratch.sys, but not in inuse_pages. So do not let the difference
	 * become negative.
	 */
	u64 inuse = all - min(all, t->scratch.sys);
	u64 idle = gomem_page_bytes(h->free_pages + h->cached_pages);

	heading(m, "Memory of the heap, in bytes");
	show(m, "heap_sys", inuse + idle);
	show(m, "heap_inuse", inuse);
	show(m, "heap_idle", idle);
	show(m, "heap_released",
	     gomem_page_bytes(gomem_released_pages(&h->stats)));
	show(m, "heap_cached", t->cached_bytes);
	show(m, "page_cache_bytes", gomem_page_bytes(h->cached_pages));

	heading(m, "Memory of gomem's own data, in bytes");
	show(m, "mspan_inuse", h->span_bytes);
	show(m, "mspan_sys", h->span_sys);
	show(m, "mcache_inuse", t->mcache);
	show(m, "mcache_sys", t->mcache);
	show(m, "meta_sys", t->meta_sys);

	heading(m, "All memory that gomem has from the kernel, in bytes");
	show(m, "sys", t->sys);
}

static void show_kinds(struct seq_file *m, const struct totals *t)
{
	heading(m, "Scratch buffers: scratch_inuse and scratch_sys are bytes");
	show(m, "scratch_inuse", t->scratch.inuse);
	show(m, "scratch_sys", t->scratch.sys);
	show(m, "scratch_gets", t->scratch.gets);
	show(m, "scratch_puts", t->scratch.puts);

	heading(m, "Typed caches and arenas: arena_inuse and arena_quarantined are bytes");
	show(m, "caches", t->caches);
	show(m, "arenas", t->arena.live);
	show(m, "arena_inuse", t->arena_inuse);
	show(m, "arena_quarantined", t->arena.quarantined);
	show_events(m, GOMEM_EV_ARENA_CREATES, GOMEM_EV_ARENA_ALLOCS);

	heading(m, "Frees that wait for an RCU grace period");
	show(m, "rcu_pending", gomem_rcu_waiting());
	show_events(m, GOMEM_EV_RCU_FREES, GOMEM_EV_RCU_BATCHES);
}

static void show_spans(struct seq_file *m, const struct gomem_heap_snapshot *h)
{
	heading(m, "Spans, the runs of pages that hold objects");
	show(m, "spans", h->counts.spans);
	show(m, "span_allocs", h->counts.span_allocs);
	show(m, "span_frees", h->counts.span_frees);
	show(m, "page_cache_spans", h->counts.cache_spans);
	show(m, "heap_lock_taken", h->stats.lock_taken);
	show_events(m, GOMEM_EV_SWEEPS, GOMEM_EV_SHORT_SPANS);

	heading(m, "Memory fetched from the kernel, in blocks");
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

static void show_scavenged(struct seq_file *m,
			   const struct gomem_heap_snapshot *h)
{
	unsigned int i;

	show(m, "epochs", gomem_epochs());
	for (i = 0; i < GOMEM_NR_SCAVENGE_REASONS; i++)
		show(m, reason_names[i],
		     gomem_page_bytes(h->stats.released[i]));
	show(m, "memory_limit_exceeded", h->stats.limit_exceeded);
	show(m, "grace_waits", h->stats.grace_waits);
}

static void show_activity(struct seq_file *m, const struct totals *t)
{
	unsigned int i;

	heading(m,
		"Free objects in the caches of CPUs: traffic to and from them");
	show(m, "cached_objects", t->cached);
	show(m, "cached_spans", t->cached_spans);
	show_events(m, GOMEM_EV_SPAN_REFILLS, GOMEM_EV_CACHED_SPAN_FREES);
	show_events(m, GOMEM_EV_CPU_DRAINS, GOMEM_EV_IDLE_OBJECTS);

	heading(m, "Calls from interrupts, and objects of other NUMA nodes");
	show_events(m, GOMEM_EV_SOFTIRQ_ALLOCS, GOMEM_EV_HARDIRQ_FREES);
	show_events(m, GOMEM_EV_REMOTE_ALLOCS, GOMEM_EV_REMOTE_FREES);

	heading(m, "Work saved: zeroing_skipped is bytes, the others counts");
	show_events(m, GOMEM_EV_ZEROING_SKIPPED, GOMEM_EV_REALLOC_MOVED);

	heading(m, "Heap profile");
	show_events(m, GOMEM_EV_PROFILE_SAMPLES, GOMEM_EV_PROFILE_DROPPED);

	heading(m, "Misuse: errors of modules that use gomem. The kernel log has the reports");
	for (i = 0; i < GOMEM_NR_MISUSES; i++)
		show(m, gomem_misuse_names[i], gomem_misuse_count(i));
}

/**
 * gomem_stats_show - print the file stats: all counters, grouped by headings
 * @m: the file
 * @unused: unused
 *
 * Context: may sleep.
 * Return: 0.
 */
int gomem_stats_show(struct seq_file *m, void *unused)
{
	struct totals t;

	get_totals(&t);
	seq_puts(m, "# gomem stats - version: 1\n");
	seq_puts(m, "# Documentation/tuning.rst explains each key\n");
	show_objects(m, &t);
	show_memory(m, &t);
	show_kinds(m, &t);
	show_spans(m, &t.heap);
	heading(m, "Memory given back to the kernel: the keys scavenged_... are bytes");
	show_scavenged(m, &t.heap);
	show_activity(m, &t);
	return 0;
}

/**
 * gomem_scavenge_show - print the file scavenge
 * @m: the file
 * @unused: unused
 *
 * Context: any task.
 * Return: 0.
 */
int gomem_scavenge_show(struct seq_file *m, void *unused)
{
	struct gomem_heap_snapshot sum = { };
	struct gomem_heap *h;
	u64 goal = 0;

	for_each_gomem_heap(h) {
		sum_heap(&sum, h);
		goal += min(READ_ONCE(h->goal_pages),
			    gomem_heap_backed_pages(h));
	}
	seq_puts(m, "# Write 1 to this file to give all free memory back to the kernel\n");
	show(m, "heap_sys", gomem_page_bytes(sum.backed_pages));
	show(m, "heap_goal", gomem_page_bytes(goal));
	show(m, "heap_idle",
	     gomem_page_bytes(sum.free_pages + sum.cached_pages));
	show(m, "memory_limit", READ_ONCE(gomem_first_heap()->source->limit));
	show_scavenged(m, &sum);
	show(m, "background_ns", gomem_scavenge_time());
	return 0;
}
