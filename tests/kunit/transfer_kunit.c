// SPDX-License-Identifier: GPL-2.0
/*
 * transfer_kunit.c - objects of a fake heap that slots flush, for other slots
 * to refill from.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fixture.h"
#include "object.h"
#include "api/cache.h"
#include "run/check.h"

#define NR_CHUNKS	8
#define NR_OBJS		8192

/* The largest number of objects that a slot moves at once. */
#define BATCH		GOMEM_BATCH_MAX

/*
 * The heap of the tests has at most NR_CHUNKS chunks. All transfer caches of
 * such a small heap together have room for at most this many bytes of objects:
 * see TRANSFER_MIN in mcentral_transfer.c.
 */
#define ALL_BYTES	SZ_8M

struct transfer_fixture {
	struct heap_fixture base;
	unsigned int spc;
	unsigned long fetches;	/* calls of the page source that put() made */
	void *objs[NR_OBJS];
};

static struct gomem_mcentral *central_of(struct transfer_fixture *f)
{
	return &f->base.fh.heap->central[f->spc];
}

static struct gomem_transfer *transfer_of(struct transfer_fixture *f)
{
	return &central_of(f)->transfer;
}

static void use_size(struct transfer_fixture *f, unsigned int size)
{
	f->spc = gomem_spc_make(gomem_sizeclass(size), false);
}

/*
 * Pretend that @objects objects moved through the transfer cache in the current
 * second. Extend that second to 1000 s, so that the count is not reset.
 */
static void set_moved(struct gomem_transfer *t, unsigned int objects)
{
	t->moved = objects;
	t->moved_until = jiffies + 1000 * HZ;
}

/* Allocate up to @n objects into @f->objs. Return their number. */
static unsigned int get(struct transfer_fixture *f, unsigned int n)
{
	struct gomem_refill r = { };
	unsigned int have;

	for (have = 0; have < n; have += r.n) {
		r.objs = f->objs + have;
		r.want = min(n - have, BATCH);
		central_get(central_of(f), GFP_KERNEL, &r);
		if (!r.n)
			break;
	}
	return have;
}

static void put(struct transfer_fixture *f, unsigned int from, unsigned int n)
{
	struct fake_source *fake = &f->base.fh.source;
	unsigned long calls = fake->meta.calls + fake->pages.calls;
	unsigned int end = from + n;

	for (; from < end; from += n) {
		n = min(end - from, BATCH);
		gomem_mcentral_put(central_of(f), f->objs + from, n, false);
	}
	f->fetches += fake->meta.calls + fake->pages.calls - calls;
}

/*
 * Allocate and free @n objects, @rounds times. Pretend that so many objects
 * moved that the transfer cache may get the largest room.
 */
static void exchange(struct transfer_fixture *f, unsigned int n,
		     unsigned int rounds)
{
	while (rounds--) {
		get(f, n);
		set_moved(transfer_of(f), SZ_1G);
		put(f, 0, n);
	}
}

static void expect_heap(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;
	const char *violation = gomem_check(f->base.fh.heap);

	KUNIT_EXPECT_TRUE_MSG(test, !violation, "%s", violation);
	KUNIT_EXPECT_TRUE_MSG(test, !f->base.fh.source.error, "%s",
			      f->base.fh.source.error);
}

static void expect_transfer(struct kunit *test, unsigned int n,
			    unsigned int room)
{
	struct transfer_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, n, transfer_of(f)->n);
	KUNIT_EXPECT_EQ(test, room, transfer_of(f)->room);
	KUNIT_EXPECT_EQ(test, transfer_of(f)->len * sizeof(void *) / PAGE_SIZE,
			atomic_long_read(&f->base.fh.heap->transfer_pages));
	KUNIT_EXPECT_EQ(test, room * central_of(f)->kind->size,
			atomic_long_read(&f->base.fh.heap->transfer_bytes));
	expect_heap(test);
}

/* Expect that no object and no span is left. */
static void expect_nothing(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;

	expect_transfer(test, 0, 0);
	gomem_mcentral_sweep(central_of(f));
	KUNIT_EXPECT_EQ(test, 0, fake_heap_spans(&f->base.fh));
}

/* Drain the transfer cache, and expect that no object is left. */
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
	{ "8 bytes",	8,	64,	4096 },
	{ "112 bytes",	112,	64,	4096 },
	{ "1 KiB",	1024,	32,	4096 },
	{ "2 KiB",	2048,	16,	2048 },
	{ "8 KiB",	8192,	4,	512 },
	{ "32 KiB",	32768,	4,	128 },
};

KUNIT_ARRAY_PARAM_DESC(size, size_cases, name);

/* How much there is room for */

/*
 * While more objects are allocated and freed in turn than a transfer cache has
 * room for, its room doubles, from c->begin objects up to c->most. A drain
 * reduces the room to 0.
 */
static void test_growth(struct kunit *test)
{
	const struct size_case *c = test->param_value;
	unsigned int room, last = 0, i, steps = 0;
	struct transfer_fixture *f = test->priv;

	use_size(f, c->size);
	for (i = 0; i < 20; i++) {
		exchange(f, 2 * c->most, 1);
		room = transfer_of(f)->room;
		if (room != last) {
			KUNIT_EXPECT_EQ(test,
					last ? min(2 * last, c->most) :
					       c->begin,
					room);
			steps++;
		}
		last = room;
		KUNIT_EXPECT_LE(test, transfer_of(f)->n, room);
	}
	KUNIT_EXPECT_EQ(test, 1 + ilog2(c->most / c->begin), steps);
	expect_transfer(test, c->most, c->most);

	expect_drained(test);
}

/*
 * A transfer cache gets no room by allocations alone, by frees alone, or by
 * many allocations and then many frees.
 */
static void test_one_way(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;
	unsigned int i;

	use_size(f, 64);
	KUNIT_ASSERT_EQ(test, NR_OBJS, get(f, NR_OBJS));
	set_moved(transfer_of(f), SZ_1G);
	put(f, 0, NR_OBJS / 2);
	expect_transfer(test, 0, 0);
	put(f, NR_OBJS / 2, NR_OBJS / 2);
	expect_nothing(test);

	/*
	 * The transfer cache gets no room either if more than a second passes
	 * between the allocations and the frees.
	 */
	for (i = 0; i < 30; i++) {
		get(f, 800);
		transfer_of(f)->moved_until = jiffies - 1;
		put(f, 0, 800);
	}
	expect_nothing(test);
}

/*
 * A transfer cache without room gets its first room if, within a second, a
 * flush finds too little room, then a refill finds no object, and then another
 * flush finds too little room. The allocation that makes the next refill then
 * makes the room: it may allocate a page, which a free must not.
 */
static void test_want(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;

	use_size(f, 64);
	KUNIT_ASSERT_EQ(test, 300, get(f, 300));
	put(f, 0, 32);
	transfer_of(f)->moved_until = jiffies - 1;
	get(f, 32);
	set_moved(transfer_of(f), SZ_1G);
	put(f, 0, 32);
	expect_transfer(test, 0, 0);
	/* A refill and a flush follow in the same second as the last flush. */
	get(f, 32);
	put(f, 0, 32);
	expect_transfer(test, 0, 0);
	get(f, 32);
	expect_transfer(test, 0, 64);

	put(f, 0, 32);
	put(f, 32, 96);
	expect_transfer(test, 64, 64);
	/* The room does not grow if no refill found the cache empty. */
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

/*
 * The room of a transfer cache grows to at most moved / MOVED_SHARE objects.
 * Here moved is the number of objects that flushes offered and refills asked
 * for in the current second. While moved is less than MOVED_MIN, the room does
 * not grow. See cpu/transfer.c.
 */
static void test_earn(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;
	unsigned int i, n = 2400;

	use_size(f, 64);
	for (i = 0; i < 10; i++) {
		get(f, n);
		set_moved(transfer_of(f), 8191 - n);
		put(f, 0, n);
	}
	expect_transfer(test, 0, 0);
	for (i = 0; i < 10; i++) {
		get(f, n);
		set_moved(transfer_of(f), 200 * 64);
		put(f, 0, n);
	}
	KUNIT_EXPECT_GE(test, transfer_of(f)->room, 200);
	KUNIT_EXPECT_LE(test, transfer_of(f)->room, 200 + n / 64);
	expect_drained(test);
}

/* The room of all transfer caches of a heap together has a limit. */
static void test_share(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;
	unsigned int class;
	size_t bytes, sum = 0, demand = 0;

	for (class = 1; gomem_class_size(class) <= SZ_8K; class++) {
		use_size(f, gomem_class_size(class));
		exchange(f,
			 min(2400, (int)(SZ_2M / gomem_class_size(class))),
			 12);
		demand += min(SZ_2M, 2400 * gomem_class_size(class));
		bytes = atomic_long_read(&f->base.fh.heap->transfer_bytes);
		KUNIT_EXPECT_LE(test, bytes, ALL_BYTES);
	}
	KUNIT_EXPECT_GT(test, bytes, ALL_BYTES / 2);
	/*
	 * Without the limit, the transfer caches would have much more room. If
	 * this fails, the case has tested nothing.
	 */
	KUNIT_EXPECT_GT(test, demand, 4 * ALL_BYTES);

	for (class = 1; gomem_class_size(class) <= SZ_8K; class++) {
		use_size(f, gomem_class_size(class));
		sum += transfer_of(f)->room * gomem_class_size(class);
		gomem_mcentral_drain(central_of(f), false);
	}
	KUNIT_EXPECT_EQ(test, bytes, sum);
	expect_nothing(test);
}

/* One size that has all the room it can get leaves room for another. */
static void test_two_sizes(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;

	use_size(f, 2048);
	exchange(f, 2100, 12);
	KUNIT_EXPECT_EQ(test, 2048, transfer_of(f)->room);
	use_size(f, 4096);
	exchange(f, 1100, 12);
	KUNIT_EXPECT_EQ(test, 1024, transfer_of(f)->room);
	gomem_mcentral_drain(central_of(f), false);
	gomem_mcentral_sweep(central_of(f));
	use_size(f, 2048);
	expect_drained(test);
}

/*
 * In a large heap, the transfer cache of one size has room for a 16th of the
 * heap. The fake heap is too small for this test, so pretend that it has more
 * pages.
 */
static void test_large_heap(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;
	struct gomem_pagealloc *pages = &f->base.fh.heap->pages;
	unsigned long more = 16 * SZ_8M >> GOMEM_PAGE_SHIFT;

	use_size(f, 8192);
	pages->backed_pages += more;
	exchange(f, 1500, 20);
	KUNIT_EXPECT_GE(test, transfer_of(f)->room, SZ_8M / 8192);
	KUNIT_EXPECT_LE(test, transfer_of(f)->room,
			(16 * SZ_8M + NR_CHUNKS * SZ_4M) / 16 / 8192);
	pages->backed_pages -= more;
	expect_drained(test);
}

/*
 * Allocate and free @n objects ten times, while there is no memory for the
 * array of a transfer cache. It asks for memory at most once a round.
 */
static void exchange_without_memory(struct kunit *test, unsigned int n)
{
	struct transfer_fixture *f = test->priv;
	struct fake_failures *meta = &f->base.fh.source.meta;

	fake_fail(meta, 1, ~0UL);
	exchange(f, n, 10);
	KUNIT_EXPECT_GT(test, meta->failed, 0);
	KUNIT_EXPECT_LE(test, meta->failed, 10);
	fake_fail_none(meta);
}

static void test_no_memory(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;

	use_size(f, 64);
	get(f, NR_OBJS);
	put(f, 0, NR_OBJS);
	exchange_without_memory(test, 400);
	expect_nothing(test);

	exchange(f, 400, 10);
	expect_transfer(test, 400, GOMEM_TRANSFER_SHORT);
	expect_drained(test);
}

/*
 * A transfer cache whose first array is full grows no further while there is no
 * memory for a longer one. It loses no object, and grows later.
 */
static void test_no_longer_array(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;

	use_size(f, 64);
	get(f, NR_OBJS);
	put(f, 0, NR_OBJS);
	exchange(f, 400, 10);
	expect_transfer(test, 400, GOMEM_TRANSFER_SHORT);
	exchange_without_memory(test, 600);
	expect_transfer(test, GOMEM_TRANSFER_SHORT, GOMEM_TRANSFER_SHORT);

	exchange(f, 600, 10);
	expect_transfer(test, 600, 2 * GOMEM_TRANSFER_SHORT);
	expect_drained(test);
}

/* Contents */

/*
 * The objects that were put last are taken first. A refill that the transfer
 * cache can serve does not change r.span, the span of the caller's slot.
 */
static void test_content(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;
	void *seen[BATCH];
	struct gomem_refill r = { .objs = seen, .want_span = true };
	struct gomem_span *span;
	unsigned int i;

	use_size(f, 1024);
	exchange(f, 1000, 12);
	KUNIT_ASSERT_EQ(test, 1100, get(f, 1100));
	expect_transfer(test, 0, 1024);
	central_get(central_of(f), GFP_KERNEL, &r);
	span = r.span;
	KUNIT_ASSERT_NOT_NULL(test, span);

	put(f, 0, 1024);
	r.want = BATCH;
	for (i = 0; i < 1024 / BATCH; i++) {
		memset(seen, 0, sizeof(seen));
		gomem_mcentral_refill(central_of(f), &r);
		KUNIT_EXPECT_EQ(test, BATCH, r.n);
		KUNIT_EXPECT_EQ(test, 0, r.fresh);
		KUNIT_EXPECT_PTR_EQ(test, span, r.span);
		KUNIT_EXPECT_EQ(test, 0,
				memcmp(seen, f->objs + 1024 - (i + 1) * BATCH,
				       sizeof(seen)));
	}
	expect_transfer(test, 0, 1024);

	gomem_mcentral_uncache(span);
	put(f, 0, 1100);
	expect_transfer(test, 1024, 1024);
	expect_drained(test);
}

/*
 * Objects that a transfer cache has no room for return to their spans at once.
 */
static void test_overflow(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;

	/* Each span has one object. */
	use_size(f, 8192);
	exchange(f, 700, 12);
	KUNIT_ASSERT_EQ(test, 700, get(f, 700));
	KUNIT_EXPECT_EQ(test, 700, central_of(f)->nspans);
	put(f, 0, 500);
	KUNIT_EXPECT_EQ(test, 700, central_of(f)->nspans);
	put(f, 500, BATCH);
	KUNIT_EXPECT_EQ(test, 700 - (500 + BATCH - 512), central_of(f)->nspans);
	expect_transfer(test, 512, 512);
	put(f, 500 + BATCH, 700 - 500 - BATCH);
	expect_drained(test);
}

/*
 * The transfer cache has room for the first @kept objects of a run. The others
 * are still neighbours, and return to their span together. The run is in cells
 * 32 to 95 of a span, so its bits are in two words.
 */
static void overflow_run(struct kunit *test, unsigned int kept)
{
	struct transfer_fixture *f = test->priv;
	struct gomem_mcentral *c = central_of(f);
	unsigned int room = transfer_of(f)->room, n = 1000, i = 200;

	KUNIT_ASSERT_EQ(test, n, get(f, n));
	sort_by_address(f->objs, n);
	set_moved(transfer_of(f), 0);
	while ((unsigned long)f->objs[i] % GOMEM_PAGE_SIZE != 32 * 64)
		i++;
	KUNIT_ASSERT_PTR_EQ(test, f->objs[i] + (BATCH - 1) * 64,
			    f->objs[i + BATCH - 1]);
	put(f, 0, room - kept);
	gomem_mcentral_put(c, f->objs + i, BATCH, true);
	KUNIT_EXPECT_EQ(test, room, transfer_of(f)->n);
	KUNIT_EXPECT_EQ(test, room, transfer_of(f)->room);
	KUNIT_EXPECT_EQ(test, 0, atomic64_read(&c->direct_allocs));
	expect_heap(test);
	put(f, room - kept, i - (room - kept));
	put(f, i + BATCH, n - i - BATCH);
}

static void test_overflow_run(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;
	unsigned int kept;

	use_size(f, 64);
	exchange(f, 100, 8);
	KUNIT_ASSERT_EQ(test, 128, transfer_of(f)->room);
	for (kept = 1; kept < BATCH; kept += 5)
		overflow_run(test, kept);
	expect_drained(test);
}

/* An object is freed twice, and both frees are in one batch. */
static void test_overflow_twice(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;
	void *rest[2];

	use_size(f, 64);
	KUNIT_ASSERT_EQ(test, 20, get(f, 20));
	rest[0] = f->objs[10];
	rest[1] = f->objs[19];
	f->objs[10] = f->objs[3];
	put(f, 0, 19);
	/*
	 * gomem_mcentral_put() gets objects from slots, which have counted each
	 * of them as freed, the double free included. To balance the double
	 * free, gomem counts one more allocation. It does not subtract a free,
	 * so that no counter decreases.
	 */
	KUNIT_EXPECT_EQ(test, 0, atomic64_read(&central_of(f)->direct_frees));
	KUNIT_EXPECT_EQ(test, 1, atomic64_read(&central_of(f)->direct_allocs));
	atomic64_set(&central_of(f)->direct_allocs, 0);
	gomem_mcentral_sweep(central_of(f));
	KUNIT_EXPECT_EQ(test, 1, central_of(f)->nspans);
	expect_heap(test);
	KUNIT_EXPECT_EQ(test, 0,
			gomem_mcentral_free(central_of(f), rest, 2, false));
	expect_nothing(test);
}

/*
 * If the transfer cache has few objects, a refill that wants many takes others
 * from spans, too.
 */
static void test_few(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;
	void *objs[BATCH];
	struct gomem_refill r = { .objs = objs, .want = BATCH };

	use_size(f, 64);
	exchange(f, 600, 12);
	/* Let spans have free cells, too. */
	KUNIT_ASSERT_EQ(test, 600, get(f, 600));
	gomem_mcentral_free(central_of(f), f->objs + 400, 200, false);
	put(f, 0, 1);
	gomem_mcentral_refill(central_of(f), &r);
	KUNIT_EXPECT_EQ(test, BATCH, r.n);
	KUNIT_EXPECT_PTR_EQ(test, f->objs[0], objs[0]);
	KUNIT_EXPECT_EQ(test, 0, r.fresh & 1);

	/*
	 * If the transfer cache has half of the wanted objects, these are
	 * enough.
	 */
	put(f, 1, BATCH / 2);
	gomem_mcentral_free(central_of(f), objs, BATCH, false);
	gomem_mcentral_refill(central_of(f), &r);
	KUNIT_EXPECT_EQ(test, BATCH / 2, r.n);
	KUNIT_EXPECT_PTR_EQ(test, f->objs[1], objs[0]);
	gomem_mcentral_free(central_of(f), objs, r.n, false);
	put(f, 1 + BATCH / 2, 399 - BATCH / 2);
	expect_drained(test);
}

/*
 * Objects that no refill took between two looks are drained, and their room is
 * removed.
 */
static void test_low(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;

	use_size(f, 64);
	exchange(f, 600, 12);
	expect_transfer(test, 600, 1024);
	gomem_mcentral_drain(central_of(f), true);
	KUNIT_ASSERT_EQ(test, 100, get(f, 100));
	put(f, 0, 100);
	gomem_mcentral_drain(central_of(f), true);
	expect_transfer(test, 100, 100);
	/*
	 * All of these objects are taken before the next look, so they stay.
	 * None is taken before the look after that, so they go.
	 */
	KUNIT_ASSERT_EQ(test, 100, get(f, 100));
	put(f, 0, 100);
	gomem_mcentral_drain(central_of(f), true);
	expect_transfer(test, 100, 100);
	gomem_mcentral_drain(central_of(f), true);
	expect_nothing(test);
}

/*
 * A look removes the room that stayed empty since the last look. A refill that
 * found the transfer cache empty, and so got no object from it, does not keep
 * the room.
 */
static void test_idle_room(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;
	void *one;
	struct gomem_refill r = { .objs = &one, .want = 1 };

	use_size(f, 64);
	exchange(f, 600, 12);
	gomem_mcentral_drain(central_of(f), true);
	get(f, 600);
	expect_transfer(test, 0, 600);
	put(f, 0, 40);
	gomem_mcentral_drain(central_of(f), true);
	expect_transfer(test, 40, 600);
	get(f, 40);
	gomem_mcentral_drain(central_of(f), true);
	expect_transfer(test, 0, 40);
	central_get(central_of(f), GFP_KERNEL, &r);
	KUNIT_ASSERT_EQ(test, 1, r.n);
	gomem_mcentral_drain(central_of(f), true);
	expect_transfer(test, 0, 0);
	gomem_mcentral_free(central_of(f), &one, 1, false);
	gomem_mcentral_free(central_of(f), f->objs, 600, false);
	expect_nothing(test);
}

/*
 * When a heap shrinks, its transfer caches together may have room for more
 * bytes than their limit, which depends on the size of the heap. If they have
 * much more, a look drains each transfer cache completely. See has_too_much()
 * in mcentral_transfer.c.
 */
static void test_too_much(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;

	use_size(f, 64);
	exchange(f, 600, 12);
	atomic_long_add(ALL_BYTES, &f->base.fh.heap->transfer_bytes);
	gomem_mcentral_drain(central_of(f), true);
	KUNIT_EXPECT_EQ(test, 600, transfer_of(f)->n);
	atomic_long_add(ALL_BYTES, &f->base.fh.heap->transfer_bytes);
	gomem_mcentral_drain(central_of(f), true);
	atomic_long_sub(2 * ALL_BYTES, &f->base.fh.heap->transfer_bytes);
	expect_nothing(test);
}

static void expect_violation(struct kunit *test, const char *want)
{
	struct gomem_mcentral *c = central_of(test->priv);

	KUNIT_EXPECT_STREQ(test, want,
			   gomem_mcentral_validate(c) ?: "nothing");
}

/* The validator finds each violation. */
static void test_validate(struct kunit *test)
{
	static const char more[] =
		"a transfer cache has more objects than room";
	static const char array[] =
		"the array of a transfer cache does not fit its room";
	struct transfer_fixture *f = test->priv;
	struct gomem_transfer *t, old;

	use_size(f, 64);
	exchange(f, 600, 12);
	get(f, 100);
	t = transfer_of(f);
	old = *t;
	t->n = t->high + 1;
	expect_violation(test, more);
	*t = old;
	t->low = t->n + 1;
	expect_violation(test, more);
	*t = old;
	t->high = t->room + 1;
	expect_violation(test, more);
	*t = old;
	t->room = t->len + 1;
	expect_violation(test, array);
	*t = old;
	t->len = 0;
	expect_violation(test, array);
	t->len = GOMEM_TRANSFER_MAX + 1;
	expect_violation(test, array);
	*t = old;
	t->objs = NULL;
	expect_violation(test, array);
	*t = (struct gomem_transfer) { .objs = old.objs, .len = old.len };
	expect_violation(test, array);
	t->objs = NULL;
	expect_violation(test, array);
	*t = old;
	put(f, 0, 100);
	expect_drained(test);
}

static int transfer_init(struct kunit *test)
{
	struct transfer_fixture *f = heap_fixture_alloc(test, sizeof(*f));

	return f ? fake_heap_init(&f->base.fh, NR_CHUNKS, 1) : -ENOMEM;
}

static void transfer_exit(struct kunit *test)
{
	struct transfer_fixture *f = test->priv;

	if (!f)
		return;
	/* A free never allocates memory. */
	KUNIT_EXPECT_EQ(test, 0, f->fetches);
	heap_fixture_exit(test);
}

static struct kunit_case transfer_cases[] = {
	KUNIT_CASE_PARAM(test_growth, size_gen_params),
	KUNIT_CASE(test_one_way),
	KUNIT_CASE(test_want),
	KUNIT_CASE(test_earn),
	KUNIT_CASE(test_share),
	KUNIT_CASE(test_two_sizes),
	KUNIT_CASE(test_large_heap),
	KUNIT_CASE(test_no_memory),
	KUNIT_CASE(test_no_longer_array),
	KUNIT_CASE(test_content),
	KUNIT_CASE(test_overflow),
	KUNIT_CASE(test_overflow_run),
	KUNIT_CASE(test_overflow_twice),
	KUNIT_CASE(test_few),
	KUNIT_CASE(test_low),
	KUNIT_CASE(test_idle_room),
	KUNIT_CASE(test_too_much),
	KUNIT_CASE(test_validate),
	{}
};

static struct kunit_suite transfer_suite = {
	.name = "gomem_transfer",
	.init = transfer_init,
	.exit = transfer_exit,
	.test_cases = transfer_cases,
};

kunit_test_suite(transfer_suite);
