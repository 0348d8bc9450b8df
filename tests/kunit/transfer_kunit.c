// SPDX-License-Identifier: GPL-2.0
/*
 * transfer_kunit.c - what slots flush for others to refill from: over a private heap, and
 * then in the module's own, from the slots on.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/gomem.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/topology.h>

#include "balance.h"
#include "cache.h"
#include "check.h"
#include "epoch.h"
#include "fake_source.h"
#include "mcache.h"
#include "node.h"
#include "stats.h"

#define NR_CHUNKS	8
#define NR_OBJS		1200

/* What a slot moves at once. */
#define BATCH		GOMEM_BATCH_MAX

/* All transfer caches of a small heap have room for so much. */
#define ALL_BYTES	SZ_2M

struct fixture {
	struct fake_heap fh;
	unsigned int spc;
	unsigned long fetches;	/* of memory, in frees */
	void *objs[NR_OBJS];
};

static struct gomem_mcentral *central_of(struct fixture *f)
{
	return &f->fh.heap->central[f->spc];
}

static struct gomem_transfer *transfer_of(struct fixture *f)
{
	return &central_of(f)->transfer;
}

static void use_size(struct fixture *f, unsigned int size)
{
	f->spc = gomem_spc_make(gomem_sizeclass(size), false);
}

/* So much moved of late, and does so until there is another word. */
static void set_moved(struct gomem_transfer *t, unsigned int objects)
{
	t->moved = objects;
	t->moved_until = jiffies + 1000 * HZ;
}

/* Objects into objs[], from wherever they are. */
static unsigned int get(struct fixture *f, unsigned int n)
{
	struct gomem_refill r = { };
	unsigned int have;

	for (have = 0; have < n; have += r.n) {
		r.objs = f->objs + have;
		r.want = min(n - have, BATCH);
		gomem_mcentral_get(central_of(f), GFP_KERNEL, &r);
		if (!r.n)
			break;
	}
	return have;
}

static void put(struct fixture *f, unsigned int from, unsigned int n)
{
	struct fake_source *fake = &f->fh.source;
	unsigned long calls = fake->meta.calls + fake->pages.calls;
	unsigned int end = from + n;

	for (; from < end; from += n) {
		n = min(end - from, BATCH);
		gomem_mcentral_put(central_of(f), f->objs + from, n);
	}
	f->fetches += fake->meta.calls + fake->pages.calls - calls;
}

/* Out and in again, so often that there is room for all of them, or as much as there may be. */
static void exchange(struct fixture *f, unsigned int n, unsigned int rounds)
{
	while (rounds--) {
		get(f, n);
		set_moved(transfer_of(f), SZ_1G);
		put(f, 0, n);
	}
}

static void expect_heap(struct kunit *test)
{
	struct fixture *f = test->priv;
	const char *violation = gomem_check(f->fh.heap);

	KUNIT_EXPECT_TRUE_MSG(test, !violation, "%s", violation);
	KUNIT_EXPECT_TRUE_MSG(test, !f->fh.source.error, "%s", f->fh.source.error);
}

static void expect_transfer(struct kunit *test, unsigned int n, unsigned int room)
{
	struct fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, n, transfer_of(f)->n);
	KUNIT_EXPECT_EQ(test, room, transfer_of(f)->room);
	KUNIT_EXPECT_EQ(test, !!room, atomic_long_read(&f->fh.heap->transfer_pages));
	KUNIT_EXPECT_EQ(test, room * central_of(f)->kind->size,
			atomic_long_read(&f->fh.heap->transfer_bytes));
	expect_heap(test);
}

/* Nothing is anywhere any more. */
static void expect_nothing(struct kunit *test)
{
	struct fixture *f = test->priv;

	expect_transfer(test, 0, 0);
	gomem_mcentral_sweep(central_of(f));
	KUNIT_EXPECT_EQ(test, 0, fake_heap_spans(&f->fh));
}

/* Nor after what is in transfer was given back. */
static void expect_drained(struct kunit *test)
{
	gomem_mcentral_drain(central_of(test->priv), false);
	expect_nothing(test);
}

static const struct size_case {
	const char *name;
	unsigned int size;
	unsigned int begin;
	unsigned int most;
} size_cases[] = {
	{ "8 bytes",	8,	64,	512 },
	{ "112 bytes",	112,	64,	512 },
	{ "1 KiB",	1024,	32,	512 },
	{ "2 KiB",	2048,	16,	512 },
	{ "8 KiB",	8192,	4,	128 },
	{ "32 KiB",	32768,	4,	32 },
};

static void size_desc(const struct size_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(size, size_cases, size_desc);

/* How much there is room for */

/* From nothing to the most by doubling, and back to nothing. */
static void test_growth(struct kunit *test)
{
	const struct size_case *c = test->param_value;
	unsigned int room, last = 0, i, steps = 0;
	struct fixture *f = test->priv;

	use_size(f, c->size);
	for (i = 0; i < 20; i++) {
		exchange(f, 2 * c->most, 1);
		room = transfer_of(f)->room;
		if (room != last) {
			KUNIT_EXPECT_EQ(test, last ? min(2 * last, c->most) : c->begin, room);
			steps++;
		}
		last = room;
		KUNIT_EXPECT_LE(test, transfer_of(f)->n, room);
	}
	KUNIT_EXPECT_EQ(test, 1 + ilog2(c->most / c->begin), steps);
	expect_transfer(test, c->most, c->most);

	expect_drained(test);
}

/* Who only allocates, or only frees, or does one after the other, has no use for it. */
static void test_one_way(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	use_size(f, 64);
	KUNIT_ASSERT_EQ(test, NR_OBJS, get(f, NR_OBJS));
	set_moved(transfer_of(f), SZ_1G);
	put(f, 0, NR_OBJS / 2);
	expect_transfer(test, 0, 0);
	put(f, NR_OBJS / 2, NR_OBJS / 2);
	expect_nothing(test);

	/* The same with long pauses. */
	for (i = 0; i < 30; i++) {
		get(f, 800);
		transfer_of(f)->moved_until = jiffies - 1;
		put(f, 0, 800);
	}
	expect_nothing(test);
}

/*
 * It is too full for some, others find it empty, and it is too full again: all within a second.
 * Its first room is made by the next refill, which may fetch a page for it; a free must not.
 */
static void test_want(struct kunit *test)
{
	struct fixture *f = test->priv;

	use_size(f, 64);
	KUNIT_ASSERT_EQ(test, 300, get(f, 300));
	put(f, 0, 32);
	transfer_of(f)->moved_until = jiffies - 1;
	get(f, 32);
	set_moved(transfer_of(f), SZ_1G);
	put(f, 0, 32);
	expect_transfer(test, 0, 0);
	/* Now with others in time. */
	get(f, 32);
	put(f, 0, 32);
	expect_transfer(test, 0, 0);
	get(f, 32);
	expect_transfer(test, 0, 64);

	put(f, 0, 32);
	put(f, 32, 96);
	expect_transfer(test, 64, 64);
	/* Not if others found something. */
	get(f, 10);
	put(f, 0, 10);
	put(f, 128, 32);
	expect_transfer(test, 64, 64);
	get(f, 64);
	put(f, 0, 64);
	put(f, 160, 32);
	expect_transfer(test, 64, 64);
	get(f, 65);
	put(f, 0, 65);
	expect_transfer(test, 64, 128);

	put(f, 192, 300 - 192);
	expect_drained(test);
}

/* As much room as MOVED_SHARE times as many objects moved for; less than MOVED_MIN is none. */
static void test_earn(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	use_size(f, 64);
	for (i = 0; i < 10; i++) {
		get(f, NR_OBJS);
		set_moved(transfer_of(f), 8191 - NR_OBJS);
		put(f, 0, NR_OBJS);
	}
	expect_transfer(test, 0, 0);
	for (i = 0; i < 10; i++) {
		get(f, NR_OBJS);
		set_moved(transfer_of(f), 200 * 64);
		put(f, 0, NR_OBJS);
	}
	KUNIT_EXPECT_GE(test, transfer_of(f)->room, 200);
	KUNIT_EXPECT_LE(test, transfer_of(f)->room, 200 + NR_OBJS / 64);
	expect_drained(test);
}

/* The classes of a heap share what all have. */
static void test_share(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int class;
	size_t bytes, sum = 0, demand = 0;

	for (class = 1; gomem_class_size(class) <= SZ_8K; class++) {
		use_size(f, gomem_class_size(class));
		exchange(f, min(NR_OBJS, (int)(SZ_2M / gomem_class_size(class))), 12);
		demand += min(SZ_1M, 512 * gomem_class_size(class));
		bytes = atomic_long_read(&f->fh.heap->transfer_bytes);
		KUNIT_EXPECT_LE(test, bytes, ALL_BYTES);
	}
	KUNIT_EXPECT_GT(test, bytes, ALL_BYTES / 2);
	/* Or it was no test. */
	KUNIT_EXPECT_GT(test, demand, 4 * ALL_BYTES);

	for (class = 1; gomem_class_size(class) <= SZ_8K; class++) {
		use_size(f, gomem_class_size(class));
		sum += transfer_of(f)->room * gomem_class_size(class);
		gomem_mcentral_drain(central_of(f), false);
	}
	KUNIT_EXPECT_EQ(test, bytes, sum);
	expect_nothing(test);
}

static void test_no_memory(struct kunit *test)
{
	struct fixture *f = test->priv;

	use_size(f, 64);
	get(f, NR_OBJS);
	put(f, 0, NR_OBJS);
	fake_fail(&f->fh.source.meta, 1, ~0UL);
	exchange(f, 400, 10);
	KUNIT_EXPECT_GT(test, f->fh.source.meta.failed, 0);
	fake_fail_none(&f->fh.source.meta);
	expect_nothing(test);

	exchange(f, 400, 10);
	expect_transfer(test, 400, 512);
	expect_drained(test);
}

/* What is in it */

/* The last come first; who has a span keeps it. */
static void test_content(struct kunit *test)
{
	struct fixture *f = test->priv;
	void *seen[BATCH];
	struct gomem_refill r = { .objs = seen, .want_span = true };
	struct gomem_span *span;
	unsigned int i;

	use_size(f, 1024);
	exchange(f, 600, 12);
	KUNIT_ASSERT_EQ(test, 600, get(f, 600));
	expect_transfer(test, 0, 512);
	gomem_mcentral_get(central_of(f), GFP_KERNEL, &r);
	span = r.span;
	KUNIT_ASSERT_NOT_NULL(test, span);

	put(f, 0, 512);
	r.want = BATCH;
	for (i = 0; i < 512 / BATCH; i++) {
		memset(seen, 0, sizeof(seen));
		gomem_mcentral_refill(central_of(f), &r);
		KUNIT_EXPECT_EQ(test, BATCH, r.n);
		KUNIT_EXPECT_EQ(test, 0, r.fresh);
		KUNIT_EXPECT_EQ(test, 0, r.zero);
		KUNIT_EXPECT_PTR_EQ(test, span, r.span);
		KUNIT_EXPECT_EQ(test, 0, memcmp(seen, f->objs + 512 - (i + 1) * BATCH,
						sizeof(seen)));
	}
	expect_transfer(test, 0, 512);

	gomem_mcentral_uncache(span);
	put(f, 0, 600);
	expect_transfer(test, 512, 512);
	expect_drained(test);
}

/* What there is no room for goes to spans at once. */
static void test_overflow(struct kunit *test)
{
	struct fixture *f = test->priv;

	/* One object a span. */
	use_size(f, 8192);
	exchange(f, 400, 12);
	KUNIT_ASSERT_EQ(test, 400, get(f, 400));
	KUNIT_EXPECT_EQ(test, 400, central_of(f)->nspans);
	put(f, 0, 120);
	KUNIT_EXPECT_EQ(test, 400, central_of(f)->nspans);
	put(f, 120, BATCH);
	KUNIT_EXPECT_EQ(test, 400 - (120 + BATCH - 128), central_of(f)->nspans);
	expect_transfer(test, 128, 128);
	put(f, 120 + BATCH, 400 - 120 - BATCH);
	expect_drained(test);
}

/* What is freed twice, and meets itself on the way to its span. */
static void test_overflow_twice(struct kunit *test)
{
	struct fixture *f = test->priv;
	void *rest[2];

	use_size(f, 64);
	KUNIT_ASSERT_EQ(test, 20, get(f, 20));
	rest[0] = f->objs[10];
	rest[1] = f->objs[19];
	f->objs[10] = f->objs[3];
	put(f, 0, 19);
	KUNIT_EXPECT_EQ(test, -1, atomic64_read(&central_of(f)->direct_frees));
	atomic64_set(&central_of(f)->direct_frees, 0);
	gomem_mcentral_sweep(central_of(f));
	KUNIT_EXPECT_EQ(test, 1, central_of(f)->nspans);
	expect_heap(test);
	KUNIT_EXPECT_EQ(test, 0, gomem_mcentral_free(central_of(f), rest, 2, false));
	expect_nothing(test);
}

/* A few at a time are not enough for who wants many. */
static void test_few(struct kunit *test)
{
	struct fixture *f = test->priv;
	void *objs[BATCH];
	struct gomem_refill r = { .objs = objs, .want = BATCH };

	use_size(f, 64);
	exchange(f, 600, 12);
	/* Spans with room below it. */
	KUNIT_ASSERT_EQ(test, 600, get(f, 600));
	gomem_mcentral_free(central_of(f), f->objs + 400, 200, false);
	put(f, 0, 1);
	gomem_mcentral_refill(central_of(f), &r);
	KUNIT_EXPECT_EQ(test, BATCH, r.n);
	KUNIT_EXPECT_PTR_EQ(test, f->objs[0], objs[0]);
	KUNIT_EXPECT_EQ(test, 0, r.fresh & 1);

	/* Half is. */
	put(f, 1, BATCH / 2);
	gomem_mcentral_free(central_of(f), objs, BATCH, false);
	gomem_mcentral_refill(central_of(f), &r);
	KUNIT_EXPECT_EQ(test, BATCH / 2, r.n);
	KUNIT_EXPECT_PTR_EQ(test, f->objs[1], objs[0]);
	gomem_mcentral_free(central_of(f), objs, r.n, false);
	put(f, 1 + BATCH / 2, 399 - BATCH / 2);
	expect_drained(test);
}

/* What nobody came for between two looks goes, and its room. */
static void test_low(struct kunit *test)
{
	struct fixture *f = test->priv;

	use_size(f, 64);
	exchange(f, 600, 12);
	expect_transfer(test, 512, 512);
	gomem_mcentral_drain(central_of(f), true);
	KUNIT_ASSERT_EQ(test, 100, get(f, 100));
	put(f, 0, 100);
	gomem_mcentral_drain(central_of(f), true);
	expect_transfer(test, 100, 100);
	/* That is just enough: it stays, as long as it is used. */
	KUNIT_ASSERT_EQ(test, 100, get(f, 100));
	put(f, 0, 100);
	gomem_mcentral_drain(central_of(f), true);
	expect_transfer(test, 100, 100);
	gomem_mcentral_drain(central_of(f), true);
	expect_nothing(test);
}

/* Room that was not used goes, too, though others miss something. */
static void test_idle_room(struct kunit *test)
{
	struct fixture *f = test->priv;
	void *one;
	struct gomem_refill r = { .objs = &one, .want = 1 };

	use_size(f, 64);
	exchange(f, 600, 12);
	gomem_mcentral_drain(central_of(f), true);
	get(f, 512);
	expect_transfer(test, 0, 512);
	put(f, 0, 40);
	gomem_mcentral_drain(central_of(f), true);
	expect_transfer(test, 40, 512);
	get(f, 40);
	gomem_mcentral_drain(central_of(f), true);
	expect_transfer(test, 0, 40);
	gomem_mcentral_get(central_of(f), GFP_KERNEL, &r);
	KUNIT_ASSERT_EQ(test, 1, r.n);
	gomem_mcentral_drain(central_of(f), true);
	expect_transfer(test, 0, 0);
	gomem_mcentral_free(central_of(f), &one, 1, false);
	gomem_mcentral_free(central_of(f), f->objs, 512, false);
	expect_nothing(test);
}

/* When there is more than a heap may have by now, all goes that is looked at. */
static void test_too_much(struct kunit *test)
{
	struct fixture *f = test->priv;

	use_size(f, 64);
	exchange(f, 600, 12);
	atomic_long_add(SZ_2M, &f->fh.heap->transfer_bytes);
	gomem_mcentral_drain(central_of(f), true);
	atomic_long_sub(SZ_2M, &f->fh.heap->transfer_bytes);
	expect_nothing(test);
}

/* The validator must be able to say no. */
static void test_validate(struct kunit *test)
{
	static const char more[] = "transfer cache has more than there is room for";
	static const char page[] = "transfer cache with a page and no room, or the reverse";
	struct fixture *f = test->priv;
	struct gomem_transfer *t, old;

	use_size(f, 64);
	exchange(f, 600, 12);
	get(f, 100);
	t = transfer_of(f);
	old = *t;
	t->n = t->high + 1;
	KUNIT_EXPECT_STREQ(test, more, gomem_mcentral_validate(central_of(f)) ?: "nothing");
	*t = old;
	t->low = t->n + 1;
	KUNIT_EXPECT_STREQ(test, more, gomem_mcentral_validate(central_of(f)) ?: "nothing");
	*t = old;
	t->high = t->room + 1;
	KUNIT_EXPECT_STREQ(test, more, gomem_mcentral_validate(central_of(f)) ?: "nothing");
	*t = old;
	t->room = GOMEM_TRANSFER_MAX + 1;
	KUNIT_EXPECT_STREQ(test, more, gomem_mcentral_validate(central_of(f)) ?: "nothing");
	*t = old;
	t->objs = NULL;
	KUNIT_EXPECT_STREQ(test, page, gomem_mcentral_validate(central_of(f)) ?: "nothing");
	*t = old;
	t->n = 0;
	t->low = 0;
	t->high = 0;
	t->room = 0;
	KUNIT_EXPECT_STREQ(test, page, gomem_mcentral_validate(central_of(f)) ?: "nothing");
	*t = old;
	put(f, 0, 100);
	expect_drained(test);
}

/* From the slots on, in the module's own heap; as long as no epoch ends meanwhile. */

#define TRIES		5
#define OBJECT		1024
#define NR_MOVED	900

struct seen {
	u64 transferred;
	unsigned int held;
	unsigned int idle;
	unsigned int drained;
	size_t bytes[3];
	s64 cached;
	u64 double_frees;
	u64 writes;
	bool found_twice;
};

static unsigned int own_spc(void)
{
	return gomem_spc_make(gomem_sizeclass(OBJECT), false);
}

/* Of the node that this CPU allocates from. */
static struct gomem_heap *own_heap(void)
{
	return gomem_node_heap(numa_mem_id());
}

static struct gomem_mcentral *own_central(void)
{
	return &own_heap()->central[own_spc()];
}

static unsigned int own_held(void)
{
	return READ_ONCE(own_central()->transfer.n);
}

static void pin(void)
{
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
}

/* With the lock, since others use the module's heap, too. */
static void set_moved_locked(struct gomem_mcentral *c, unsigned int objects)
{
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	set_moved(&c->transfer, objects);
	if (!objects)
		c->transfer.moved_until = jiffies;
	spin_unlock_irqrestore(&c->lock, flags);
}

static unsigned int make(struct fixture *f, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		f->objs[i] = gomem_alloc(OBJECT, GFP_KERNEL);
		if (!f->objs[i])
			break;
	}
	return i;
}

static void unmake(struct fixture *f, unsigned int n)
{
	while (n--)
		gomem_free(f->objs[n]);
}

/* Objects that no slot has room for: many of those that are freed are transferred. */
static void move_many(struct fixture *f, unsigned int rounds)
{
	while (rounds--) {
		unsigned int n = make(f, NR_MOVED);

		set_moved_locked(own_central(), SZ_1G);
		unmake(f, n);
	}
	set_moved_locked(own_central(), 0);
}

static void run_undisturbed(struct kunit *test, void (*body)(struct fixture *f, struct seen *s),
			    struct seen *s)
{
	unsigned int i;
	u64 looks;

	pin();
	for (i = 0; i < TRIES; i++) {
		memset(s, 0, sizeof(*s));
		gomem_scavenge_all();
		looks = gomem_looks();
		body(test->priv, s);
		/* Waits for an epoch that is about to end. */
		gomem_scavenge_all();
		if (looks == gomem_looks())
			return;
	}
	kunit_skip(test, "an epoch ended each time");
}

static void use_slots(struct fixture *f, struct seen *s)
{
	const struct gomem_kind *k = &gomem_kinds[own_spc()];
	struct gomem_class_counts n;
	u64 before;

	move_many(f, 8);
	before = gomem_event_sum(GOMEM_EV_TRANSFERRED_OBJECTS);
	move_many(f, 1);
	s->transferred = gomem_event_sum(GOMEM_EV_TRANSFERRED_OBJECTS) - before;
	s->held = own_held();
	gomem_mcache_count(k, &n);
	s->cached = n.cached;
	gomem_mcache_drain(true);
	gomem_mcache_drain(true);
	s->idle = own_held();
	move_many(f, 8);
	gomem_mcache_drain(false);
	s->drained = READ_ONCE(own_central()->transfer.room);
	s->bytes[0] = gomem_mcache_bytes();
	move_many(f, 8);
	s->bytes[1] = gomem_mcache_bytes();
	gomem_mcache_drain_transfers(own_heap());
	s->bytes[2] = gomem_mcache_bytes();
}

static void test_slots(struct kunit *test)
{
	struct balance b;
	struct seen s;

	balance_save(&b);
	run_undisturbed(test, use_slots, &s);
	KUNIT_EXPECT_GE(test, s.transferred, 256);
	KUNIT_EXPECT_GE(test, s.held, 256);
	KUNIT_EXPECT_GT(test, s.cached, s.held);
	KUNIT_EXPECT_EQ(test, 0, s.idle);
	KUNIT_EXPECT_EQ(test, 0, s.drained);
	/* Slots have their stacks by now. */
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, s.bytes[1] - s.bytes[0]);
	KUNIT_EXPECT_EQ(test, s.bytes[0], s.bytes[2]);
	balance_expect(test, &b);
}

/* One of those that lie there; NULL if there are none. */
static void *one_held(unsigned int i)
{
	struct gomem_mcentral *c = own_central();
	unsigned long flags;
	void *obj = NULL;

	spin_lock_irqsave(&c->lock, flags);
	if (i < c->transfer.n)
		obj = c->transfer.objs[i];
	spin_unlock_irqrestore(&c->lock, flags);
	return obj;
}

/* One that lies there is freed again, another one is written to. */
static void misuse(struct fixture *f, struct seen *s)
{
	void *twice, *written;
	unsigned int i, n;

	move_many(f, 8);
	twice = one_held(0);
	written = one_held(1);
	if (!twice || !written)
		return;
	s->held = 2;
	s->double_frees = gomem_misuse_count(GOMEM_DOUBLE_FREE);
	gomem_free(twice);
	s->double_frees = gomem_misuse_count(GOMEM_DOUBLE_FREE) - s->double_frees;
	*(unsigned long *)written = 1;
	s->writes = gomem_misuse_count(GOMEM_WRITE_AFTER_FREE);
	n = make(f, NR_MOVED);
	s->writes = gomem_misuse_count(GOMEM_WRITE_AFTER_FREE) - s->writes;
	for (i = 0; i < n; i++)
		s->found_twice |= f->objs[i] == written;
	unmake(f, n);
	/* It was set aside, and is nobody's. */
	gomem_free(written);
}

static void test_misuse(struct kunit *test)
{
	struct seen s;

	run_undisturbed(test, misuse, &s);
	KUNIT_ASSERT_EQ(test, 2, s.held);
	KUNIT_EXPECT_EQ(test, 1, s.double_frees);
	KUNIT_EXPECT_EQ(test, 1, s.writes);
	KUNIT_EXPECT_FALSE(test, s.found_twice);
	KUNIT_EXPECT_NULL(test, gomem_check_all());
}

/* Objects of a typed cache come and go, until @least are in transfer. */
static void move_cache(struct kunit *test, struct gomem_cache *c, struct gomem_mcentral *central,
		       unsigned int least, bool bulk)
{
	struct fixture *f = test->priv;
	unsigned int i, round;

	/* A look comes between, perhaps: then it begins anew. */
	for (round = 0; round < 100 && READ_ONCE(central->transfer.n) < least; round++) {
		for (i = 0; i < 600; i++) {
			f->objs[i] = gomem_cache_alloc(c, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
		}
		set_moved_locked(central, SZ_1G);
		if (bulk)
			gomem_cache_free_bulk(c, 600, f->objs);
		else
			while (i--)
				gomem_cache_free(c, f->objs[i]);
	}
	KUNIT_EXPECT_GE(test, READ_ONCE(central->transfer.n), least);
}

/* Of a typed cache: counted, and gone with a shrink, and with the cache. */
static void test_cache(struct kunit *test)
{
	struct gomem_mcentral *central;
	struct gomem_cache *c;
	struct balance b;

	pin();
	balance_save(&b);
	c = gomem_cache_create("transfer_kunit", 200, NULL);
	KUNIT_ASSERT_NOT_NULL(test, c);
	central = gomem_central(own_heap(), &c->kind);
	move_cache(test, c, central, 200, false);
	gomem_cache_shrink(c);
	KUNIT_EXPECT_EQ(test, 0, central->nspans);
	KUNIT_EXPECT_EQ(test, 0, central->transfer.room);
	move_cache(test, c, central, 200, true);
	gomem_cache_destroy(c);
	balance_expect(test, &b);
}

/* A visitor of caches that has some objects of one in hand. */
struct visitor {
	struct gomem_cache *c;
	struct gomem_mcentral *central;
	struct completion visits;
	struct completion done;
};

static void visit(const struct gomem_kind *k, void *arg)
{
	struct visitor *v = arg;
	void *objs[BATCH];
	struct gomem_refill r = { .objs = objs, .want = BATCH };

	if (k != &v->c->kind)
		return;
	gomem_mcentral_refill(v->central, &r);
	complete(&v->visits);
	msleep(100);
	gomem_mcentral_free(v->central, objs, r.n, false);
}

static int visit_caches(void *arg)
{
	struct visitor *v = arg;

	gomem_visit_caches(visit, v);
	complete(&v->done);
	return 0;
}

/* As the epoch has, which empties slots and transfer caches, when the cache goes. */
static void test_destroy_meanwhile(struct kunit *test)
{
	struct visitor v;
	struct balance b;

	pin();
	balance_save(&b);
	init_completion(&v.visits);
	init_completion(&v.done);
	v.c = gomem_cache_create("transfer_kunit", 200, NULL);
	KUNIT_ASSERT_NOT_NULL(test, v.c);
	v.central = gomem_central(own_heap(), &v.c->kind);
	move_cache(test, v.c, v.central, 100, false);
	if (!IS_ERR(kthread_run(visit_caches, &v, "gomem_test/visit"))) {
		wait_for_completion(&v.visits);
		gomem_cache_destroy(v.c);
		wait_for_completion(&v.done);
	} else {
		gomem_cache_destroy(v.c);
	}
	balance_expect(test, &b);
}

/* What is of another node is freed one by one; there it is for others to refill from. */
static void test_other_node(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h, *other = NULL;
	unsigned int i, round, most = 0;

	pin();
	for_each_gomem_heap(h)
		if (h != own_heap())
			other = h;
	if (!other)
		kunit_skip(test, "a single node");
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 600; i++) {
			f->objs[i] = gomem_alloc_node(OBJECT, GFP_KERNEL, other->node);
			KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
		}
		set_moved_locked(&other->central[own_spc()], SZ_1G);
		unmake(f, 600);
		most = max_t(unsigned int, most, READ_ONCE(other->central[own_spc()].transfer.n));
	}
	set_moved_locked(&other->central[own_spc()], 0);
	KUNIT_EXPECT_GE(test, most, 300);
	gomem_mcache_drain_transfers(other);
	KUNIT_EXPECT_EQ(test, 0, other->central[own_spc()].transfer.room);
	KUNIT_EXPECT_NULL(test, gomem_check_all());
}

static int transfer_init(struct kunit *test)
{
	struct fixture *f = kvzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	test->priv = f;
	return fake_heap_init(&f->fh, NR_CHUNKS, 1);
}

static void transfer_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f)
		return;
	/* A free allocates nothing, whatever there is room for then. */
	KUNIT_EXPECT_EQ(test, 0, f->fetches);
	fake_heap_exit(test, &f->fh);
	kvfree(f);
}

static struct kunit_case transfer_cases[] = {
	KUNIT_CASE_PARAM(test_growth, size_gen_params),
	KUNIT_CASE(test_one_way),
	KUNIT_CASE(test_want),
	KUNIT_CASE(test_earn),
	KUNIT_CASE(test_share),
	KUNIT_CASE(test_no_memory),
	KUNIT_CASE(test_content),
	KUNIT_CASE(test_overflow),
	KUNIT_CASE(test_overflow_twice),
	KUNIT_CASE(test_few),
	KUNIT_CASE(test_low),
	KUNIT_CASE(test_idle_room),
	KUNIT_CASE(test_too_much),
	KUNIT_CASE(test_validate),
	KUNIT_CASE(test_slots),
	KUNIT_CASE(test_misuse),
	KUNIT_CASE(test_cache),
	KUNIT_CASE(test_destroy_meanwhile),
	KUNIT_CASE(test_other_node),
	{}
};

static struct kunit_suite transfer_suite = {
	.name = "gomem_transfer",
	.init = transfer_init,
	.exit = transfer_exit,
	.test_cases = transfer_cases,
};

kunit_test_suite(transfer_suite);
