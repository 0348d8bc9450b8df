// SPDX-License-Identifier: GPL-2.0
/*
 * arena_kunit.c - user arenas and their quarantine, on gomem's real heaps.
 *
 * Objects are filled with a pattern for as long as their arena lives. If two
 * objects overlapped, the pattern of one of them would be damaged. The reports
 * of misuse that the cases leave in the log are expected.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/log2.h>
#include <linux/poison.h>
#include <linux/sizes.h>

#include "context.h"
#include "fixture.h"
#include "api/arena.h"
#include "base/debug.h"
#include "base/stats.h"
#include "cpu/node.h"

#define MAX_OBJECTS	20000

struct arena_fixture {
	struct fixture base;
	struct gomem_heap_snapshot heap;
	unsigned int level;
	u64 creates;
	u64 allocs;
	void *objs[MAX_OBJECTS];
	size_t sizes[MAX_OBJECTS];
};

static struct gomem_arena *create(struct kunit *test)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, a);
	return a;
}

static void *get(struct kunit *test, struct gomem_arena *a, size_t size,
		 gfp_t gfp)
{
	size_t align = is_power_of_2(size) ? clamp_t(size_t, size, 8, SZ_8K) :
					     8;
	void *p = gomem_arena_alloc(a, size, gfp);

	KUNIT_ASSERT_NOT_NULL_MSG(test, p, "size %zu", size);
	KUNIT_ASSERT_EQ_MSG(test, 0, (unsigned long)p % align, "size %zu",
			    size);
	KUNIT_ASSERT_TRUE(test, gomem_owns(p) && gomem_owns(p + size - 1));
	if (gfp & __GFP_ZERO)
		KUNIT_ASSERT_TRUE_MSG(test, is_zero(p, size), "size %zu", size);
	fill(p, size);
	return p;
}

/* Sum the span counts of all heaps. */
static void get_heaps(struct gomem_heap_snapshot *sum)
{
	struct gomem_heap_snapshot snap;
	struct gomem_heap *h;

	memset(sum, 0, sizeof(*sum));
	for_each_gomem_heap(h) {
		gomem_heap_get(h, &snap);
		gomem_span_counts_add(&sum->counts, &snap.counts);
	}
}

static unsigned long arena_bytes(void)
{
	struct gomem_heap_snapshot st;

	get_heaps(&st);
	return st.counts.arena_pages << GOMEM_PAGE_SHIFT;
}

static unsigned long quarantined(void)
{
	struct gomem_arena_stats st;

	gomem_arena_get_stats(&st);
	return st.quarantined;
}

static unsigned long live_arenas(void)
{
	struct gomem_arena_stats st;

	gomem_arena_get_stats(&st);
	return st.live;
}

/* Sizes */

static void fill_arena(struct kunit *test, unsigned int n,
		       unsigned int max_bits)
{
	struct arena_fixture *f = test->priv;
	struct gomem_arena *a = create(test);
	unsigned int i, round;
	u32 magnitude;

	for (i = 0; i < n; i++) {
		magnitude =
			BIT(prandom_u32_state(&f->base.rnd) % (max_bits + 1));
		f->sizes[i] = magnitude;
		/* Some sizes are powers of two. */
		if (below(&f->base.rnd, 4))
			f->sizes[i] += below(&f->base.rnd, magnitude);
		f->objs[i] = get(test, a, f->sizes[i], below(&f->base.rnd, 4) ?
				 GFP_KERNEL : GFP_KERNEL | __GFP_ZERO);
	}
	for (round = 0; round < 2; round++)
		for (i = 0; i < n; i++)
			KUNIT_ASSERT_TRUE(test,
					  is_filled(f->objs[i], f->sizes[i]));
	gomem_arena_destroy(a);
}

static void test_random_sizes(struct kunit *test)
{
	fill_arena(test, MAX_OBJECTS, 7);
	fill_arena(test, 5000, 12);
	fill_arena(test, 200, 17);
	fill_arena(test, 30, 21);
}

static void test_every_size(struct kunit *test)
{
	struct arena_fixture *f = test->priv;
	struct gomem_arena *a = create(test);
	unsigned int i;

	for (i = 0; i < 4096; i++)
		f->objs[i] = get(test, a, i + 1, GFP_KERNEL);
	for (i = 0; i < 4096; i++)
		KUNIT_ASSERT_TRUE(test, is_filled(f->objs[i], i + 1));
	gomem_arena_destroy(a);
}

static void test_odd_sizes(struct kunit *test)
{
	struct gomem_arena *a = create(test);

	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
			    gomem_arena_alloc(a, 0, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, 0, arena_bytes());
	get(test, a, GOMEM_MAX_SIZE, GFP_KERNEL);
	get(test, a, GOMEM_MAX_SIZE - 1, GFP_KERNEL | __GFP_ZERO);
	KUNIT_EXPECT_NULL(test,
			  gomem_arena_alloc(a, GOMEM_MAX_SIZE + 1, GFP_KERNEL));
	expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 1);
	KUNIT_EXPECT_NULL(test, gomem_arena_alloc(a, SIZE_MAX,
						  GFP_KERNEL | __GFP_NOWARN));
	expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 1);
	KUNIT_EXPECT_NULL(test,
			  gomem_arena_alloc(a, 8, GFP_KERNEL | __GFP_DMA));
	KUNIT_EXPECT_NULL(test, gomem_arena_create(GFP_KERNEL | __GFP_HIGHMEM));
	expect_misuses(test, GOMEM_BAD_GFP, 2);
	gomem_arena_destroy(a);
	gomem_arena_destroy(NULL);
}

/*
 * The blocks of an arena have 8, 16, ... 256 KiB, and all further blocks 256
 * KiB. Objects lie side by side as long as a block has room.
 */
static void test_growth(struct kunit *test)
{
	struct gomem_arena *a = create(test);
	unsigned long want = 0, block = SZ_8K, used, i;
	void *p, *last = NULL;

	for (i = 0; i < 12; i++) {
		want += block;
		for (used = 0; used < block; used += 1024, last = p) {
			p = get(test, a, 1024, GFP_KERNEL);
			if (used)
				KUNIT_ASSERT_PTR_EQ(test, last + 1024, p);
			KUNIT_ASSERT_EQ(test, want, arena_bytes());
		}
		block = min(2 * block, (unsigned long)SZ_256K);
	}
	gomem_arena_destroy(a);
	KUNIT_EXPECT_EQ(test, 0, arena_bytes());
}

/*
 * A large object gets a span of its own. The next small object still comes from
 * the current block, after the last small one.
 */
static void test_large_apart(struct kunit *test)
{
	struct gomem_arena *a = create(test);
	void *p = get(test, a, 100, GFP_KERNEL);

	get(test, a, 100000, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, SZ_8K + round_up(100000, SZ_8K), arena_bytes());
	KUNIT_EXPECT_PTR_EQ(test, p + 104, get(test, a, 200, GFP_KERNEL));
	KUNIT_EXPECT_TRUE(test, is_filled(p, 100));
	gomem_arena_destroy(a);
}

static void test_independent(struct kunit *test)
{
	struct arena_fixture *f = test->priv;
	struct gomem_arena *a[8];
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(a); i++)
		a[i] = create(test);
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(a), live_arenas());
	for (i = 0; i < 4000; i++)
		f->objs[i] = get(test, a[i % ARRAY_SIZE(a)], 1 + i % 700,
				 GFP_KERNEL);
	for (k = 0; k < ARRAY_SIZE(a); k++) {
		for (i = k; i < 4000; i++)
			if (i % ARRAY_SIZE(a) >= k)
				KUNIT_ASSERT_TRUE(test, is_filled(f->objs[i],
								  1 + i % 700));
		gomem_arena_destroy(a[k]);
	}
	KUNIT_EXPECT_EQ(test, 0, live_arenas());
}

static void test_counted(struct kunit *test)
{
	struct arena_fixture *f = test->priv;
	struct gomem_heap_snapshot st;
	struct gomem_arena *a = create(test), *b = create(test);
	unsigned int i;

	for (i = 0; i < 100; i++)
		get(test, i % 2 ? a : b, 3000, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, f->creates + 2,
			gomem_event_sum(GOMEM_EV_ARENA_CREATES));
	KUNIT_EXPECT_EQ(test, f->allocs + 100,
			gomem_event_sum(GOMEM_EV_ARENA_ALLOCS));
	KUNIT_EXPECT_GE(test, arena_bytes(), 300000);
	get_heaps(&st);
	KUNIT_EXPECT_EQ(test, f->heap.counts.large, st.counts.large);
	KUNIT_EXPECT_EQ(test, f->heap.counts.large_allocs,
			st.counts.large_allocs);
	KUNIT_EXPECT_EQ(test, f->heap.counts.large_alloc_bytes,
			st.counts.large_alloc_bytes);
	gomem_arena_destroy(a);
	gomem_arena_destroy(b);
}

/* Misuse */

static void test_wrong_function(struct kunit *test)
{
	static const size_t sizes[] = { 8, 100, 8192, 100000 };
	struct gomem_arena *a = create(test);
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = get(test, a, sizes[i], GFP_KERNEL);
		gomem_free(p);
		expect_misuses(test, GOMEM_WRONG_FUNCTION, 1);
		gomem_free(p + 1);
		gomem_free_sensitive(p);
		gomem_free_bulk(1, &p);
		gomem_scratch_put(p);
		KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p));
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 1, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 200000, GFP_KERNEL));
		expect_misuses(test, GOMEM_WRONG_FUNCTION, 7);
		KUNIT_EXPECT_TRUE(test, is_filled(p, sizes[i]));
	}
	gomem_arena_destroy(a);
}

static void test_destroyed(struct kunit *test)
{
	unsigned int level;
	struct gomem_arena *a;

	for (level = 0; level <= GOMEM_DEBUG_MAX; level++) {
		gomem_debug_level = level;
		a = create(test);
		get(test, a, 100, GFP_KERNEL);
		gomem_arena_destroy(a);
		gomem_arena_destroy(a);
		expect_misuses(test, GOMEM_BAD_ARENA, 1);
		KUNIT_EXPECT_NULL(test, gomem_arena_alloc(a, 100, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, gomem_arena_alloc(a, 0, GFP_KERNEL));
		expect_misuses(test, GOMEM_BAD_ARENA, 2);
		gomem_arena_flush_quarantine();
		gomem_arena_destroy(a);
		expect_misuses(test, GOMEM_BAD_ARENA, 1);
	}
}

static void expect_no_arena(struct kunit *test, void *p)
{
	gomem_arena_destroy(p);
	KUNIT_EXPECT_NULL(test, gomem_arena_alloc(p, 100, GFP_KERNEL));
	expect_misuses(test, GOMEM_BAD_ARENA, 2);
}

static void test_no_arena(struct kunit *test)
{
	struct gomem_arena *a = create(test);
	void *p = gomem_zalloc(1000, GFP_KERNEL),
	     *copy = gomem_alloc(64, GFP_KERNEL);
	u64 on_stack = 0;

	KUNIT_ASSERT_TRUE(test, p && copy);
	expect_no_arena(test, p);
	expect_no_arena(test, p + 3);
	/* A copy of the start of an arena's struct is no arena. */
	memcpy(copy, a, 64);
	expect_no_arena(test, copy);
	expect_no_arena(test, (void *)a + 8);
	expect_no_arena(test, get(test, a, 100, GFP_KERNEL));
	expect_no_arena(test, &on_stack);
	expect_no_arena(test, test_no_arena);
	expect_no_arena(test, ZERO_SIZE_PTR);
	expect_no_arena(test, (void *)0x400000);
	expect_no_arena(test, (void *)~0UL);
	KUNIT_EXPECT_NULL(test, gomem_arena_alloc(NULL, 100, GFP_KERNEL));
	expect_misuses(test, GOMEM_BAD_ARENA, 1);
	KUNIT_EXPECT_TRUE(test, is_zero(p, 1000));
	gomem_free(p);
	gomem_free(copy);
	gomem_arena_destroy(a);
}

/* The quarantine */

static void test_poison(struct kunit *test)
{
	struct gomem_arena *a = create(test);
	u8 *small = get(test, a, 100, GFP_KERNEL),
	   *large = get(test, a, SZ_1M, GFP_KERNEL);

	gomem_debug_level = GOMEM_DEBUG_ARENAS;
	gomem_arena_destroy(a);
	KUNIT_EXPECT_EQ(test, SZ_1M + SZ_8K, quarantined());
	KUNIT_EXPECT_TRUE(test, !memchr_inv(small, POISON_FREE, SZ_8K));
	KUNIT_EXPECT_TRUE(test, !memchr_inv(large, POISON_FREE, SZ_1M));
	KUNIT_EXPECT_TRUE(test, gomem_owns(small));
	KUNIT_EXPECT_EQ(test, SZ_1M + SZ_8K, gomem_arena_flush_quarantine());
	KUNIT_EXPECT_FALSE(test, gomem_owns(small));
	KUNIT_EXPECT_EQ(test, 0, quarantined());
	KUNIT_EXPECT_EQ(test, 0, gomem_arena_flush_quarantine());
}

/*
 * A write to any byte of a span in quarantine is found, even if the debug level
 * was set to 0 after the write.
 */
static void test_write_after_destroy(struct kunit *test)
{
	static const size_t offsets[] = { 0, 1, 99, 4096, SZ_8K - 1 };
	struct gomem_arena *a;
	unsigned int i;
	u8 *p, *q;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		gomem_debug_level = GOMEM_DEBUG_ARENAS;
		a = create(test);
		p = get(test, a, 100, GFP_KERNEL);
		q = get(test, a, SZ_1M, GFP_KERNEL);
		gomem_arena_destroy(a);
		p[offsets[i]] = 0;
		gomem_debug_level = 0;
		expect_misuses(test, GOMEM_ARENA_WRITE, 0);
		gomem_arena_flush_quarantine();
		expect_misuses(test, GOMEM_ARENA_WRITE, 1);

		gomem_debug_level = GOMEM_DEBUG_ARENAS;
		a = create(test);
		p = get(test, a, 100, GFP_KERNEL);
		q = get(test, a, SZ_1M, GFP_KERNEL);
		gomem_arena_destroy(a);
		memset(q + offsets[i], 0, 3000);
		p[offsets[i]] ^= 1;
		gomem_arena_flush_quarantine();
		expect_misuses(test, GOMEM_ARENA_WRITE, 2);
	}
}

/*
 * The quarantine holds at most 4 MiB. Later spans push earlier ones out of it,
 * even spans of the same arena.
 */
static void test_bound(struct kunit *test)
{
	struct gomem_arena *a;
	unsigned int i;
	u8 *p;

	gomem_debug_level = GOMEM_DEBUG_ARENAS;
	a = create(test);
	p = get(test, a, 100, GFP_KERNEL);
	gomem_arena_destroy(a);
	*p = 0;
	for (i = 0; i < 20; i++) {
		a = create(test);
		get(test, a, SZ_512K, GFP_KERNEL);
		gomem_arena_destroy(a);
		KUNIT_EXPECT_LE(test, quarantined(), SZ_4M);
		if (i == 6)
			expect_misuses(test, GOMEM_ARENA_WRITE, 0);
		if (i == 7)
			expect_misuses(test, GOMEM_ARENA_WRITE, 1);
	}
	KUNIT_EXPECT_EQ(test, SZ_4M, quarantined());
	a = create(test);
	get(test, a, SZ_4M, GFP_KERNEL);
	get(test, a, 1, GFP_KERNEL);
	gomem_arena_destroy(a);
	KUNIT_EXPECT_EQ(test, SZ_8K, quarantined());

	/*
	 * An arena without objects has no span, so it adds nothing to the
	 * quarantine.
	 */
	gomem_arena_destroy(create(test));
	KUNIT_EXPECT_EQ(test, SZ_8K, arena_bytes());
}

/* Contexts, failure */

struct job {
	const char *error;
};

static void job_run(void *arg)
{
	struct job *job = arg;
	struct gomem_arena *a = gomem_arena_create(GFP_ATOMIC | __GFP_NOWARN);
	void *objs[50];
	unsigned int i;

	if (!a)
		return;
	for (i = 0; i < ARRAY_SIZE(objs); i++) {
		objs[i] = gomem_arena_alloc(a, 50 * i + 1,
					    GFP_ATOMIC | __GFP_NOWARN);
		if (objs[i])
			fill(objs[i], 50 * i + 1);
	}
	for (i = 0; i < ARRAY_SIZE(objs); i++)
		if (objs[i] && !is_filled(objs[i], 50 * i + 1))
			job->error = "an object was overwritten";
	gomem_arena_destroy(a);
}

static void test_hardirq(struct kunit *test)
{
	struct job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	unsigned int round;

	skip_on_rt(test);
	KUNIT_ASSERT_NOT_NULL(test, job);
	for (round = 0; round < 10; round++) {
		gomem_debug_level = round % 2;
		run_in_hardirq(job_run, job);
	}
	KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s", job->error);
}

/*
 * When the page source fails, objects still come from what is left of the
 * arena's current block. If the heap has no memory for a whole new block, the
 * arena gets only as many pages as the object needs.
 */
static void test_no_memory(struct kunit *test)
{
	struct arena_fixture *f = test->priv;
	struct gomem_arena *a = create(test);
	u64 failures;
	unsigned int i, n = 0;

	f->objs[n] = get(test, a, 1000, GFP_KERNEL);
	f->sizes[n++] = 1000;
	failures = gomem_event_sum(GOMEM_EV_ALLOC_FAILURES);
	no_pages_begin();
	while (n < MAX_OBJECTS &&
	       (f->objs[n] = gomem_arena_alloc(a, 3000, GFP_KERNEL))) {
		fill(f->objs[n], 3000);
		f->sizes[n++] = 3000;
	}
	KUNIT_EXPECT_LT(test, n, MAX_OBJECTS);
	KUNIT_EXPECT_NULL(test, gomem_arena_alloc(a, SZ_1M, GFP_ATOMIC));
	KUNIT_EXPECT_EQ(test, 2,
			gomem_event_sum(GOMEM_EV_ALLOC_FAILURES) - failures);
	no_pages_end();
	f->objs[n] = get(test, a, SZ_1M, GFP_KERNEL);
	f->sizes[n++] = SZ_1M;
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_TRUE(test, is_filled(f->objs[i], f->sizes[i]));
	gomem_arena_destroy(a);
}

static int arena_init(struct kunit *test)
{
	struct arena_fixture *f = fixture_alloc(test, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->level = gomem_debug_level;
	gomem_debug_level = 0;
	f->creates = gomem_event_sum(GOMEM_EV_ARENA_CREATES);
	f->allocs = gomem_event_sum(GOMEM_EV_ARENA_ALLOCS);
	get_heaps(&f->heap);
	return 0;
}

static void arena_exit(struct kunit *test)
{
	struct arena_fixture *f = test->priv;
	struct gomem_heap_snapshot st;

	if (!f)
		return;
	gomem_arena_flush_quarantine();
	gomem_debug_level = f->level;
	get_heaps(&st);
	KUNIT_EXPECT_EQ(test, 0, live_arenas());
	KUNIT_EXPECT_EQ(test, 0, quarantined());
	KUNIT_EXPECT_EQ(test, f->heap.counts.arena_spans,
			st.counts.arena_spans);
	KUNIT_EXPECT_EQ(test, f->heap.counts.arena_pages,
			st.counts.arena_pages);
	fixture_exit(test);
}

static struct kunit_case arena_cases[] = {
	KUNIT_CASE(test_random_sizes),
	KUNIT_CASE(test_every_size),
	KUNIT_CASE(test_odd_sizes),
	KUNIT_CASE(test_growth),
	KUNIT_CASE(test_large_apart),
	KUNIT_CASE(test_independent),
	KUNIT_CASE(test_counted),
	KUNIT_CASE(test_wrong_function),
	KUNIT_CASE(test_destroyed),
	KUNIT_CASE(test_no_arena),
	KUNIT_CASE(test_poison),
	KUNIT_CASE(test_write_after_destroy),
	KUNIT_CASE(test_bound),
	KUNIT_CASE(test_hardirq),
	KUNIT_CASE(test_no_memory),
	{}
};

static struct kunit_suite arena_suite = {
	.name = "gomem_arena",
	.init = arena_init,
	.exit = arena_exit,
	.test_cases = arena_cases,
};

kunit_test_suite(arena_suite);
