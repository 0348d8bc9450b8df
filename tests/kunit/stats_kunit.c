// SPDX-License-Identifier: GPL-2.0
/*
 * stats_kunit.c - do the module's counters agree, and do its slots grow and shrink as
 * they should? On its own heaps, which nobody else uses meanwhile.
 *
 * Two books are kept of everything: a model's here, and the counters. When all is freed
 * and given back, both are at zero.
 *
 * An epoch may end at any time, and empties slots. Where that matters, what was seen is
 * judged only if none ended meanwhile; or else it is done again.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/irq_work.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "balance.h"
#include "check.h"
#include "epoch.h"
#include "mcache.h"
#include "node.h"
#include "queue.h"
#include "slow.h"
#include "stats.h"
#include "tiny.h"

#define MAX_OBJECTS	4096
#define TRIES		5

static uint seed_param;
module_param_named(stats_seed, seed_param, uint, 0444);
MODULE_PARM_DESC(stats_seed, "Seed of the random cases (0: pick one)");

/* All counters that the model keeps too. Bytes are without those of shared blocks. */
struct counts {
	u64 mallocs;
	u64 frees;
	u64 alloc_bytes;
	u64 free_bytes;
	u64 large;
};

struct fixture {
	struct rnd_state rnd;
	u32 seed;
	struct counts model;
	struct counts before;
	unsigned int nr;
	void *obj[MAX_OBJECTS];
};

static u32 below(struct fixture *f, u32 limit)
{
	return prandom_u32_state(&f->rnd) % limit;
}

/* Two books */

static struct counts get_counts(void)
{
	struct gomem_heap_snapshot snap;
	struct gomem_class_counts n;
	struct gomem_tiny_stats tiny;
	struct counts c = { };
	struct gomem_heap *h;
	unsigned int spc, size;

	gomem_tiny_get_stats(&tiny);
	c.mallocs = tiny.allocs;
	c.frees = tiny.frees;
	for (spc = 2; spc < GOMEM_TINY_SPC; spc++) {
		gomem_mcache_count(&gomem_kinds[spc], &n);
		size = gomem_class_size(gomem_spc_class(spc));
		c.mallocs += n.mallocs;
		c.frees += n.frees;
		c.alloc_bytes += n.mallocs * size;
		c.free_bytes += n.frees * size;
	}
	for_each_gomem_heap(h) {
		gomem_heap_get(h, &snap);
		c.mallocs += snap.counts.large_allocs;
		c.frees += snap.counts.large_frees;
		c.alloc_bytes += snap.counts.large_alloc_bytes;
		c.free_bytes += snap.counts.large_alloc_bytes -
				(snap.counts.large_pages << GOMEM_PAGE_SHIFT);
		c.large += snap.counts.large;
	}
	return c;
}

/* Adds the pages of spans whose descriptors say they are live. */
static void add_pages(struct gomem_span *s, void *pages)
{
	*(unsigned long *)pages += s->npages;
}

static const char *check_heap(struct gomem_heap *h, unsigned long *backed, unsigned long *inuse,
			      unsigned long *meta)
{
	struct gomem_heap_snapshot snap;
	unsigned long pages = 0;

	gomem_heap_get(h, &snap);
	gomem_heap_walk_spans(h, add_pages, &pages);
	if (snap.counts.inuse_pages != pages)
		return "pages in use are not those of the spans";
	if (snap.backed_pages != snap.counts.inuse_pages + snap.free_pages + snap.cached_pages)
		return "heap_sys is not in use and idle";
	if (snap.hole_pages + snap.backed_pages != snap.chunks * GOMEM_CHUNK_PAGES)
		return "a page is neither a hole nor the heap's";
	if (snap.counts.spans != snap.counts.span_allocs - snap.counts.span_frees ||
	    snap.counts.large != snap.counts.large_allocs - snap.counts.large_frees)
		return "spans made and given back are not those that live";
	if (snap.span_bytes > snap.span_sys)
		return "more descriptors than there is memory for";
	*backed += snap.backed_pages;
	*inuse += snap.counts.inuse_pages;
	*meta += snap.span_sys + h->chunkalloc.sys;
	return gomem_check(h);
}

static const char *check_books(struct fixture *f)
{
	unsigned long backed = 0, inuse = 0, meta = gomem_mcache_bytes();
	struct gomem_pagesource *src = gomem_first_heap()->source;
	const struct counts *m = &f->model, *b = &f->before;
	struct counts c = get_counts();
	struct gomem_heap *h;
	const char *err;

	if (c.mallocs - b->mallocs != m->mallocs || c.frees - b->frees != m->frees)
		return "objects made or freed are not those counted";
	if (c.alloc_bytes - b->alloc_bytes != m->alloc_bytes ||
	    c.free_bytes - b->free_bytes != m->free_bytes)
		return "bytes made or freed are not those counted";
	if (c.large != m->large)
		return "large objects are not those counted";
	for_each_gomem_heap(h) {
		err = check_heap(h, &backed, &inuse, &meta);
		if (err)
			return err;
	}
	if (inuse << GOMEM_PAGE_SHIFT < c.alloc_bytes - c.free_bytes)
		return "objects take more than the spans they are in";
	if (atomic_long_read(&src->heap_pages) != backed)
		return "pages fetched are not those of the heaps";
	if (atomic_long_read(&src->meta_bytes) != meta)
		return "memory for descriptors is not what they take";
	return NULL;
}

static void expect_books(struct kunit *test)
{
	struct fixture *f = test->priv;
	const char *err = check_books(f);
	unsigned int i;

	/* Not while an epoch ends. */
	for (i = 0; err && i < TRIES; i++) {
		msleep(20);
		err = check_books(f);
	}
	KUNIT_EXPECT_TRUE_MSG(test, !err, "%s, seed %u", err, f->seed);
}

static void expect_zero(struct kunit *test)
{
	struct gomem_heap_snapshot snap;
	struct gomem_class_counts n;
	struct gomem_heap *h;
	unsigned int spc;

	gomem_scavenge_all();
	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		gomem_mcache_count(&gomem_kinds[spc], &n);
		KUNIT_EXPECT_EQ(test, n.mallocs, n.frees);
		KUNIT_EXPECT_EQ(test, 0, n.cached);
		KUNIT_EXPECT_EQ(test, 0, n.cached_spans);
	}
	for_each_gomem_heap(h) {
		gomem_heap_get(h, &snap);
		KUNIT_EXPECT_EQ(test, 0, snap.counts.inuse_pages);
		KUNIT_EXPECT_EQ(test, 0, snap.counts.spans);
		KUNIT_EXPECT_EQ(test, 0, snap.counts.large);
		KUNIT_EXPECT_EQ(test, 0, snap.counts.large_pages);
		KUNIT_EXPECT_EQ(test, 0, snap.free_pages);
		KUNIT_EXPECT_EQ(test, 0, snap.cached_pages);
		KUNIT_EXPECT_EQ(test, 0, snap.backed_pages);
		KUNIT_EXPECT_EQ(test, 0, snap.span_bytes);
		KUNIT_EXPECT_EQ(test, snap.chunks * GOMEM_CHUNK_PAGES, snap.hole_pages);
	}
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&gomem_first_heap()->source->heap_pages));
}

/* What the model has to know of an object. */
static size_t bytes_of(const void *p)
{
	return shares_block(p) ? 0 : gomem_usable_size(p);
}

static void make(struct fixture *f, size_t size, gfp_t gfp)
{
	void *p = below(f, 2) ? gomem_alloc(size, gfp) : gomem_alloc_noscan(size, gfp);
	size_t usable;

	if (!p)
		return;
	usable = bytes_of(p);
	f->model.mallocs++;
	f->model.alloc_bytes += usable;
	f->model.large += usable > GOMEM_SMALL_MAX;
	f->obj[f->nr++] = p;
}

static void unmake(struct fixture *f, unsigned int i)
{
	size_t usable = bytes_of(f->obj[i]);

	f->model.frees++;
	f->model.free_bytes += usable;
	f->model.large -= usable > GOMEM_SMALL_MAX;
	gomem_free(f->obj[i]);
	f->obj[i] = f->obj[--f->nr];
}

static size_t random_size(struct fixture *f)
{
	u32 magnitude = 1U << below(f, below(f, 20) ? 14 : 19);

	return magnitude + below(f, magnitude);
}

static void move_elsewhere(struct fixture *f)
{
	int cpu = cpumask_nth(below(f, num_online_cpus()), cpu_online_mask);

	set_cpus_allowed_ptr(current, cpumask_of(cpu));
}

static void test_counters(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int step;
	gfp_t gfp;

	for (step = 0; step < 8000; step++) {
		if (step % 100 == 0)
			move_elsewhere(f);
		gfp = below(f, 2) ? GFP_KERNEL : GFP_NOWAIT | __GFP_NOWARN;
		if (f->nr < MAX_OBJECTS && below(f, 100) < (step % 2000 < 1200 ? 70 : 20))
			make(f, random_size(f), gfp);
		else if (f->nr)
			unmake(f, below(f, f->nr));
		if (step % 400 == 0)
			expect_books(test);
		if (step % 1000 == 500)
			gomem_mcache_drain(below(f, 2));
		if (step % 2000 == 1999)
			gomem_scavenge_all();
	}
	while (f->nr)
		unmake(f, f->nr - 1);
	expect_books(test);
	expect_zero(test);
	expect_books(test);
}

/* Each size class, and some large ones: nothing is left of any. */
static void test_zero(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int class;

	for (class = 1; class < GOMEM_NR_SIZE_CLASSES; class++) {
		make(f, gomem_class_size(class), GFP_KERNEL);
		make(f, gomem_class_size(class), GFP_KERNEL);
	}
	make(f, 100000, GFP_KERNEL);
	make(f, SZ_4M, GFP_KERNEL);
	expect_books(test);
	while (f->nr)
		unmake(f, below(f, f->nr));
	expect_zero(test);
	expect_books(test);
}

static void scavenge_now(struct work_struct *work)
{
	gomem_scavenge_all();
}

/* What gomem itself does meanwhile is no violation of anything. */
static void test_check_meanwhile(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct work_struct work;
	const char *err = NULL;
	unsigned int i;

	INIT_WORK_ONSTACK(&work, scavenge_now);
	for (i = 0; i < 50 && !err; i++) {
		while (f->nr < 500)
			make(f, 128 + below(f, 2048), GFP_KERNEL);
		while (f->nr)
			unmake(f, f->nr - 1);
		queue_work(gomem_unbound_wq, &work);
		udelay(below(f, 300));
		err = gomem_check_all();
		flush_work(&work);
	}
	destroy_work_on_stack(&work);
	KUNIT_EXPECT_NULL_MSG(test, err, "%s, round %u, seed %u", err, i, f->seed);
	expect_books(test);
}

/* Slots */

static const struct slot_case {
	const char *name;
	unsigned int size;
	unsigned int begin;
	unsigned int room;
} slot_cases[] = {
	{ "8 bytes",	8,	64,	254 },
	{ "32 bytes",	32,	16,	254 },
	{ "64 bytes",	64,	8,	254 },
	{ "160 bytes",	160,	3,	254 },
	{ "1 KiB",	1024,	1,	254 },
	{ "2 KiB",	2048,	0,	254 },
	{ "8 KiB",	8192,	0,	128 },
	{ "9472 bytes",	9472,	0,	110 },
	{ "32 KiB",	32768,	0,	32 },
};

static void slot_desc(const struct slot_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(slot, slot_cases, slot_desc);

static struct gomem_mcache *pin(void)
{
	int cpu = raw_smp_processor_id();

	set_cpus_allowed_ptr(current, cpumask_of(cpu));
	return per_cpu(gomem_mcache_task, cpu);
}

static unsigned int spc_of(unsigned int size)
{
	return gomem_spc_make(gomem_sizeclass(size), false);
}

static unsigned int held_by(const struct gomem_mcache *mc, unsigned int spc)
{
	return mc->slot[spc].top - gomem_slot_bottom(&mc->slot[spc]);
}

/* Objects of one size, that the model does not count. */
static unsigned int make_n(struct fixture *f, unsigned int size, unsigned int n)
{
	while (n-- && f->nr < MAX_OBJECTS) {
		f->obj[f->nr] = gomem_alloc(size, GFP_KERNEL);
		f->nr += !!f->obj[f->nr];
	}
	return f->nr;
}

static void unmake_n(struct fixture *f, unsigned int n)
{
	while (n-- && f->nr)
		gomem_free(f->obj[--f->nr]);
}

/* What slots of a CPU may hold in a small heap is as much as it earns. */
static void set_earned(struct gomem_mcache *mc, size_t moved)
{
	preempt_disable();
	mc->moved = moved;
	mc->moved_until = jiffies + 1000 * HZ;
	preempt_enable();
}

/*
 * Runs @body with all slots empty, and all earned that can be, until no epoch ended
 * meanwhile. It keeps what it saw in @seen, to be judged afterwards.
 */
static void run_undisturbed(struct kunit *test,
			    void (*body)(struct fixture *f, struct gomem_mcache *mc,
					 const struct slot_case *c, void *seen),
			    void *seen, size_t size)
{
	struct gomem_mcache *mc = pin();
	struct fixture *f = test->priv;
	unsigned int i;
	u64 epochs;

	for (i = 0; i < TRIES; i++) {
		memset(seen, 0, size);
		gomem_scavenge_all();
		epochs = gomem_looks();
		set_earned(mc, SZ_1G);
		body(f, mc, test->param_value, seen);
		set_earned(mc, 0);
		unmake_n(f, MAX_OBJECTS);
		/* Waits for an epoch that is about to end. */
		gomem_scavenge_all();
		if (epochs == gomem_looks())
			return;
	}
	kunit_skip(test, "an epoch ended each time");
}

struct growth {
	unsigned int begin;
	unsigned int last;
	unsigned int steps;
	unsigned int most_held;
	size_t grown;
	bool jumped;
	bool overfull;
};

static void note_growth(struct gomem_mcache *mc, const struct slot_case *c, struct growth *g)
{
	unsigned int spc = spc_of(c->size);
	unsigned int capacity = mc->slot[spc].capacity;

	g->overfull |= held_by(mc, spc) > capacity;
	g->most_held = max(g->most_held, held_by(mc, spc));
	if (capacity == g->last)
		return;
	g->jumped |= capacity != min(2 * g->last ?: 1, c->room);
	g->last = capacity;
	g->steps++;
}

static void grow_slot(struct fixture *f, struct gomem_mcache *mc, const struct slot_case *c,
		      void *seen)
{
	struct growth *g = seen;
	unsigned int i;

	g->begin = mc->slot[spc_of(c->size)].capacity;
	g->last = g->begin;
	for (i = 0; i < 600; i++) {
		make_n(f, c->size, 1);
		note_growth(mc, c, g);
	}
	for (i = 0; i < 600; i++) {
		unmake_n(f, 1);
		note_growth(mc, c, g);
	}
	g->grown = mc->grown;
}

/* From the beginning to all there is room for, by doubling. */
static void test_slot_growth(struct kunit *test)
{
	const struct slot_case *c = test->param_value;
	struct growth g;

	run_undisturbed(test, grow_slot, &g, sizeof(g));
	KUNIT_EXPECT_EQ(test, c->begin, g.begin);
	KUNIT_EXPECT_EQ(test, c->room, g.last);
	KUNIT_EXPECT_EQ(test, c->room, g.most_held);
	KUNIT_EXPECT_FALSE(test, g.jumped);
	KUNIT_EXPECT_FALSE(test, g.overfull);
	KUNIT_EXPECT_EQ(test, (c->room - c->begin) * c->size, g.grown);
}

struct use {
	unsigned int held;
	unsigned int before;
	unsigned int after;
};

static void use_slot(struct fixture *f, struct gomem_mcache *mc, const struct slot_case *c,
		     void *seen)
{
	struct use *u = seen;
	unsigned int i;

	make_n(f, c->size, 1);
	u->held = held_by(mc, spc_of(c->size));
	u->before = mc->slot[spc_of(c->size)].capacity;
	for (i = 0; i < 100; i++) {
		unmake_n(f, 1);
		make_n(f, c->size, 1);
	}
	u->after = mc->slot[spc_of(c->size)].capacity;
}

/*
 * Filled by half, so that a free finds room, or less if it was flushed of late; one of these
 * is the caller's. Large enough is not enlarged.
 */
static void test_slot_suffices(struct kunit *test)
{
	unsigned int most;
	struct use u;

	run_undisturbed(test, use_slot, &u, sizeof(u));
	most = u.before ? (clamp(u.before / 2, 1U, GOMEM_BATCH_MAX) - 1) & ~1U : 0;
	KUNIT_EXPECT_LE(test, u.held, most);
	KUNIT_EXPECT_GE(test, u.held, most / 2);
	KUNIT_EXPECT_EQ(test, u.before, u.after);
}

/* What a CPU's slots may grow by without having earned it. */
static size_t share_of(struct gomem_heap *h)
{
	size_t bytes = h->pages.backed_pages << GOMEM_PAGE_SHIFT;

	return max_t(size_t, bytes / (128 * num_online_cpus()), SZ_16K);
}

struct share {
	bool exceeded;
	bool miscounted;
	size_t most;
	size_t demand;
};

static void note_share(struct gomem_mcache *mc, struct share *s)
{
	size_t max = share_of(mc->heap);
	unsigned int spc, size, begin;
	size_t grown = 0;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		size = gomem_class_size(gomem_spc_class(spc));
		begin = size > SZ_1K && spc < GOMEM_NR_HEAP_SPANCLASSES ? 0 :
			min_t(unsigned int, max(SZ_512 / size, 1U), mc->slot[spc].room);
		grown += (mc->slot[spc].capacity - begin) * size;
	}
	s->miscounted |= grown != mc->grown;
	s->exceeded |= grown > max_t(size_t, max, SZ_2M);
	s->most = max(s->most, grown);
}

static void grow_all(struct fixture *f, struct gomem_mcache *mc, const struct slot_case *c,
		     void *seen)
{
	struct share *s = seen;
	unsigned int class, i;

	for (class = 1; gomem_class_size(class) <= SZ_8K; class++) {
		for (i = 0; i < 80; i++) {
			make_n(f, gomem_class_size(class), 1);
			note_share(mc, s);
		}
		s->demand += 64 * gomem_class_size(class);
	}
	for (i = 0; f->nr; i++) {
		unmake_n(f, 1);
		if (i % 8 == 0)
			note_share(mc, s);
	}
}

/* All slots of a CPU together have a share of the heap, and no more. */
static void test_slot_share(struct kunit *test)
{
	struct share s;

	run_undisturbed(test, grow_all, &s, sizeof(s));
	KUNIT_EXPECT_FALSE(test, s.exceeded);
	KUNIT_EXPECT_FALSE(test, s.miscounted);
	KUNIT_EXPECT_GT(test, s.most, SZ_256K / 2);
	/* Or it was no test. */
	KUNIT_EXPECT_LT(test, s.most, s.demand / 2);
}

struct earning {
	size_t before;
	size_t share;
	size_t in_vain;
	size_t after;
	size_t moved;
	bool anew;
};

static void exchange(struct fixture *f, unsigned int size, unsigned int n, unsigned int rounds)
{
	while (rounds--) {
		make_n(f, size, n);
		unmake_n(f, n);
	}
}

static void earn(struct fixture *f, struct gomem_mcache *mc, const struct slot_case *c,
		 void *seen)
{
	struct earning *e = seen;
	/* So much that twice that does not earn what GROWN_MIN allows anyway. */
	unsigned int few = min(c->room, SZ_256K / c->size), i;

	set_earned(mc, 0);
	exchange(f, c->size, few, 2);
	e->share = share_of(mc->heap);
	e->before = mc->grown;
	/* Never enough, however often. */
	for (i = 0; i < 100; i++) {
		set_earned(mc, 0);
		exchange(f, c->size, few, 1);
	}
	e->in_vain = mc->grown;
	for (i = 0; i < 1000 && mc->grown < (c->room - c->begin) * c->size; i++)
		exchange(f, c->size, c->room, 1);
	e->after = mc->grown;
	set_earned(mc, SZ_1G);
	WRITE_ONCE(mc->moved_until, jiffies - 1);
	make_n(f, c->size, 2 * c->room);
	e->moved = mc->moved;
	e->anew = time_after(mc->moved_until, jiffies);
}

/* Beyond its share a slot grows if much goes in and out of it within a second. */
static void test_slot_earn(struct kunit *test)
{
	const struct slot_case *c = test->param_value;
	size_t all = (c->room - c->begin) * c->size;
	struct earning e;

	run_undisturbed(test, earn, &e, sizeof(e));
	KUNIT_EXPECT_LE(test, e.before, e.share);
	KUNIT_EXPECT_LE(test, e.in_vain, e.share);
	KUNIT_EXPECT_EQ(test, all, e.after);
	/* What was long ago counts no more. */
	KUNIT_EXPECT_GT(test, e.moved, 0);
	KUNIT_EXPECT_LT(test, e.moved, SZ_64M);
	KUNIT_EXPECT_TRUE(test, e.anew);
}

/* Each slot that grows has a stack of its own; they are enough for all, and come back. */
struct moves {
	bool shared;
	bool overlaps;
	unsigned int moved[GOMEM_NR_STACKS];
	size_t bytes;
	size_t bytes_again;
};

static bool is_first(const struct gomem_mcache *mc, unsigned int spc)
{
	return gomem_slot_bottom(&mc->slot[spc]) == &mc->object[mc->bottom[spc]];
}

static void look_at_stacks(struct gomem_mcache *mc, struct moves *m)
{
	unsigned int a, b;
	void **x, **y;

	for (a = 2; a < GOMEM_NR_SPANCLASSES; a++) {
		x = gomem_slot_bottom(&mc->slot[a]);
		m->shared |= x[-1] != &gomem_no_object;
		for (b = a + 1; b < GOMEM_NR_SPANCLASSES; b++) {
			y = gomem_slot_bottom(&mc->slot[b]);
			m->overlaps |= x <= mc->slot[b].end && y <= mc->slot[a].end;
		}
	}
}

/* Others may be on their first stacks again: a heap that grows has slots emptied. */
static void move_all(struct fixture *f, struct gomem_mcache *mc, struct moves *m)
{
	unsigned int class, n, spc;

	for (class = 4; gomem_class_size(class) <= SZ_1K; class++) {
		n = class % 2 ? 30 : 300;
		spc = spc_of(gomem_class_size(class));
		exchange(f, gomem_class_size(class), n, 2);
		if (!is_first(mc, spc))
			m->moved[mc->slot[spc].capacity > GOMEM_STACK_SHORT]++;
		look_at_stacks(mc, m);
	}
}

static void move_slots(struct fixture *f, struct gomem_mcache *mc, const struct slot_case *c,
		       void *seen)
{
	struct moves *m = seen;
	unsigned int i;

	/* A heap that has pages has fewer slots emptied, which need more stacks: for a while. */
	move_all(f, mc, m);
	for (i = 0; i < 8 && m->bytes != mc->bytes; i++) {
		m->bytes = mc->bytes;
		gomem_mcache_drain(false);
		move_all(f, mc, m);
	}
	for (i = 0; i < 3; i++) {
		gomem_mcache_drain(false);
		move_all(f, mc, m);
	}
	m->bytes_again = mc->bytes;
}

static void test_slot_stacks(struct kunit *test)
{
	struct moves m;

	run_undisturbed(test, move_slots, &m, sizeof(m));
	KUNIT_EXPECT_GT(test, m.moved[GOMEM_SHORT_STACK], 10);
	KUNIT_EXPECT_GT(test, m.moved[GOMEM_LONG_STACK], 10);
	KUNIT_EXPECT_FALSE(test, m.shared);
	KUNIT_EXPECT_FALSE(test, m.overlaps);
	KUNIT_EXPECT_EQ(test, m.bytes, m.bytes_again);
}

/* What lies in a slot the longest, before and after it is flushed. */
struct flush {
	void *before[2];
	void *after[2];
	unsigned int held[2];
};

/* So small that a slot full of them is not emptied when the heap grows. */
#define FLUSH_SIZE	64

static void flush_twice(struct fixture *f, struct gomem_mcache *mc, const struct slot_case *c,
			void *seen)
{
	struct gomem_slot *slot = &mc->slot[spc_of(FLUSH_SIZE)];
	struct flush *s = seen;
	unsigned int i;

	exchange(f, FLUSH_SIZE, 600, 2);
	make_n(f, FLUSH_SIZE, 1000);
	for (i = 0; i < 2; i++) {
		while (slot->top != slot->end && f->nr)
			unmake_n(f, 1);
		s->before[i] = *gomem_slot_bottom(slot);
		unmake_n(f, 1);
		s->after[i] = *gomem_slot_bottom(slot);
		s->held[i] = held_by(mc, spc_of(FLUSH_SIZE));
	}
}

/* The oldest objects go, or the newest if it was not refilled since the last time. */
static void test_slot_flush(struct kunit *test)
{
	struct flush s;

	run_undisturbed(test, flush_twice, &s, sizeof(s));
	KUNIT_EXPECT_EQ(test, GOMEM_SLOT_MAX - GOMEM_BATCH_MAX + 1, s.held[0]);
	KUNIT_EXPECT_EQ(test, GOMEM_SLOT_MAX - GOMEM_BATCH_MAX + 1, s.held[1]);
	KUNIT_EXPECT_PTR_NE(test, s.before[0], s.after[0]);
	KUNIT_EXPECT_PTR_EQ(test, s.before[1], s.after[1]);
}

/* A slot after looks for idle ones. */
struct idle {
	unsigned int held[5];
	unsigned int capacity[5];
	bool span[5];
	size_t grown[5];
	u64 emptied;
};

static void note_idle(struct gomem_mcache *mc, const struct slot_case *c, struct idle *s,
		      unsigned int i)
{
	unsigned int spc = spc_of(c->size);

	s->held[i] = held_by(mc, spc);
	s->capacity[i] = mc->slot[spc].capacity;
	s->span[i] = mc->slot[spc].span;
	s->grown[i] = mc->grown;
}

static void idle_slot(struct fixture *f, struct gomem_mcache *mc, const struct slot_case *c,
		      void *seen)
{
	u64 emptied = gomem_event_sum(GOMEM_EV_IDLE_OBJECTS);
	struct idle *s = seen;

	make_n(f, c->size, 600);
	unmake_n(f, 600);
	note_idle(mc, c, s, 0);
	gomem_mcache_drain(true);
	note_idle(mc, c, s, 1);
	make_n(f, c->size, 1);
	unmake_n(f, 1);
	gomem_mcache_drain(true);
	note_idle(mc, c, s, 2);
	s->emptied = emptied - gomem_event_sum(GOMEM_EV_IDLE_OBJECTS);
	gomem_mcache_drain(true);
	note_idle(mc, c, s, 3);
	s->emptied += gomem_event_sum(GOMEM_EV_IDLE_OBJECTS) - emptied;
}

/* Not used from one look to the next: emptied, and as it began. */
static void test_slot_idle(struct kunit *test)
{
	const struct slot_case *c = test->param_value;
	struct idle s;

	run_undisturbed(test, idle_slot, &s, sizeof(s));
	KUNIT_EXPECT_EQ(test, c->room, s.capacity[0]);
	KUNIT_EXPECT_GE(test, s.held[0], c->room / 2);
	KUNIT_EXPECT_EQ(test, s.held[0], s.held[1]);
	KUNIT_EXPECT_EQ(test, s.held[0], s.held[2]);
	KUNIT_EXPECT_EQ(test, s.capacity[0], s.capacity[2]);
	KUNIT_EXPECT_EQ(test, 0, s.held[3]);
	KUNIT_EXPECT_EQ(test, c->begin, s.capacity[3]);
	KUNIT_EXPECT_FALSE(test, s.span[3]);
	KUNIT_EXPECT_EQ(test, 0, s.grown[3]);
	KUNIT_EXPECT_EQ(test, s.held[0], s.emptied);
}

static void bare_slot(struct fixture *f, struct gomem_mcache *mc, const struct slot_case *c,
		      void *seen)
{
	unsigned int spc = spc_of(c->size), i;
	struct idle *s = seen;

	/* All that is in it is allocated. */
	for (i = 0; i < 300 && (held_by(mc, spc) || mc->slot[spc].capacity < c->room); i++)
		make_n(f, c->size, 1);
	note_idle(mc, c, s, 0);
	gomem_mcache_drain(true);
	note_idle(mc, c, s, 1);
	gomem_mcache_drain(true);
	note_idle(mc, c, s, 2);
}

/* The same if it has nothing to be emptied of: its growth is somebody else's then. */
static void test_slot_bare(struct kunit *test)
{
	const struct slot_case *c = test->param_value;
	struct idle s;

	run_undisturbed(test, bare_slot, &s, sizeof(s));
	KUNIT_EXPECT_EQ(test, c->room, s.capacity[0]);
	KUNIT_EXPECT_EQ(test, 0, s.held[0]);
	KUNIT_EXPECT_EQ(test, c->room, s.capacity[1]);
	KUNIT_EXPECT_EQ(test, c->begin, s.capacity[2]);
	KUNIT_EXPECT_EQ(test, 0, s.grown[2]);
}

struct relief {
	struct irq_work work;
	struct gomem_heap *heap;
	unsigned int before;
	unsigned int after;
	bool in_interrupt;
	bool first;
	bool second;
};

static void relieve_in_interrupt(struct irq_work *work)
{
	struct relief *r = container_of(work, struct relief, work);

	r->in_interrupt = gomem_mcache_relieve(r->heap);
}

static void relieve_slot(struct fixture *f, struct gomem_mcache *mc, const struct slot_case *c,
			 void *seen)
{
	unsigned int spc = spc_of(c->size);
	struct relief *r = seen;

	make_n(f, c->size, 300);
	unmake_n(f, 300);
	r->before = held_by(mc, spc);
	r->heap = mc->heap;
	r->work = IRQ_WORK_INIT(relieve_in_interrupt);
	irq_work_queue(&r->work);
	irq_work_sync(&r->work);
	r->first = gomem_mcache_relieve(mc->heap);
	r->after = held_by(mc, spc);
	r->second = gomem_mcache_relieve(mc->heap);
}

/* Before the heap grows for a task: what is much goes, what is little stays. */
static void test_slot_relief(struct kunit *test)
{
	const struct slot_case *c = test->param_value;
	struct relief r;

	run_undisturbed(test, relieve_slot, &r, sizeof(r));
	KUNIT_EXPECT_GE(test, r.before, c->room / 2);
	/* It may have come upon the owner of the cache. */
	KUNIT_EXPECT_FALSE(test, r.in_interrupt);
	KUNIT_EXPECT_EQ(test, r.before * c->size >= SZ_16K, r.first);
	KUNIT_EXPECT_EQ(test, r.first ? 0 : r.before, r.after);
	KUNIT_EXPECT_FALSE(test, r.second);
}

struct beside {
	unsigned int used_before;
	unsigned int used_after;
	unsigned int idle_before;
	unsigned int idle_after;
};

static void use_beside(struct fixture *f, struct gomem_mcache *mc, const struct slot_case *c,
		       void *seen)
{
	struct beside *b = seen;

	make_n(f, 64, 50);
	make_n(f, 128, 50);
	unmake_n(f, 100);
	gomem_mcache_drain(true);
	b->idle_before = held_by(mc, spc_of(64));
	make_n(f, 128, 1);
	unmake_n(f, 1);
	b->used_before = held_by(mc, spc_of(128));
	gomem_mcache_drain(true);
	b->used_after = held_by(mc, spc_of(128));
	b->idle_after = held_by(mc, spc_of(64));
}

/* Only the idle slots of a CPU are emptied. */
static void test_slot_idle_beside(struct kunit *test)
{
	struct beside b;

	run_undisturbed(test, use_beside, &b, sizeof(b));
	KUNIT_EXPECT_GT(test, b.idle_before, 0);
	KUNIT_EXPECT_EQ(test, 0, b.idle_after);
	KUNIT_EXPECT_GT(test, b.used_before, 0);
	KUNIT_EXPECT_EQ(test, b.used_before, b.used_after);
}

struct exact {
	const char *error;
};

/* Each step must be counted, whether the slot serves it or not. */
static void count_slot(struct fixture *f, struct gomem_mcache *mc, const struct slot_case *c,
		       void *seen)
{
	unsigned int spc = spc_of(c->size), step, made = 0, freed = 0;
	struct gomem_class_counts before, n;
	struct exact *e = seen;

	gomem_mcache_count(&gomem_kinds[spc], &before);
	for (step = 0; step < 2000; step++) {
		if (below(f, 100) < (step % 400 < 200 ? 80 : 20)) {
			made -= f->nr;
			made += make_n(f, c->size, 1);
		} else if (f->nr) {
			unmake_n(f, 1);
			freed++;
		}
		if (step % 100 == 0)
			gomem_mcache_drain(true);
		gomem_mcache_count(&gomem_kinds[spc], &n);
		if (n.mallocs - before.mallocs != made)
			e->error = "mallocs";
		if (n.frees - before.frees != freed)
			e->error = "frees";
		if (n.cached != held_by(mc, spc) + mc->heap->central[spc].transfer.n)
			e->error = "cached";
	}
}

static void test_slot_counters(struct kunit *test)
{
	struct exact e;

	run_undisturbed(test, count_slot, &e, sizeof(e));
	KUNIT_EXPECT_TRUE_MSG(test, !e.error, "%s", e.error);
}

static int stats_init(struct kunit *test)
{
	struct fixture *f = kvzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	f->seed = seed_param ?: get_random_u32();
	prandom_seed_state(&f->rnd, f->seed);
	gomem_scavenge_all();
	f->before = get_counts();
	test->priv = f;
	return 0;
}

static void stats_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	unmake_n(f, MAX_OBJECTS);
	kvfree(f);
}

static struct kunit_case stats_cases[] = {
	KUNIT_CASE(test_counters),
	KUNIT_CASE(test_zero),
	KUNIT_CASE(test_check_meanwhile),
	KUNIT_CASE_PARAM(test_slot_growth, slot_gen_params),
	KUNIT_CASE_PARAM(test_slot_suffices, slot_gen_params),
	KUNIT_CASE(test_slot_share),
	SLOW_CASE_PARAM(test_slot_earn, slot_gen_params),
	SLOW_CASE(test_slot_stacks),
	KUNIT_CASE(test_slot_flush),
	KUNIT_CASE_PARAM(test_slot_idle, slot_gen_params),
	KUNIT_CASE_PARAM(test_slot_relief, slot_gen_params),
	KUNIT_CASE(test_slot_idle_beside),
	KUNIT_CASE_PARAM(test_slot_bare, slot_gen_params),
	KUNIT_CASE_PARAM(test_slot_counters, slot_gen_params),
	{}
};

static struct kunit_suite stats_suite = {
	.name = "gomem_stats",
	.init = stats_init,
	.exit = stats_exit,
	.test_cases = stats_cases,
};

kunit_test_suite(stats_suite);
