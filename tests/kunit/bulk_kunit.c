// SPDX-License-Identifier: GPL-2.0
/*
 * bulk_kunit.c - gomem_alloc_bulk() and gomem_free_bulk(), on gomem's real
 * heaps.
 *
 * Objects are filled with a pattern that depends on their address while they
 * are live: an overlap breaks it. The reports of misuse that the cases leave in
 * the log are expected.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "context.h"
#include "fixture.h"
#include "object.h"
#include "slow.h"
#include "base/sizeclass.h"
#include "base/stats.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "run/epoch.h"

#define MAX_OBJECTS	4000

static void expect_and_fill(struct kunit *test, void *p, size_t size, gfp_t gfp)
{
	size_t usable = gomem_usable_size(p);

	KUNIT_ASSERT_GE_MSG(test, usable, size, "size %zu", size);
	KUNIT_ASSERT_EQ_MSG(test, 0, (unsigned long)p % 8, "size %zu", size);
	if (is_power_of_2(size))
		KUNIT_ASSERT_EQ_MSG(test, 0, (unsigned long)p % size,
				    "size %zu", size);
	if (gfp & __GFP_ZERO)
		KUNIT_ASSERT_TRUE_MSG(test, is_zero(p, usable), "size %zu",
				      size);
	fill(p, usable);
}

static void get(struct kunit *test, size_t size, gfp_t gfp, unsigned int n)
{
	struct fixture *f = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ_MSG(test, n, gomem_alloc_bulk(size, gfp, n, f->objs),
			    "size %zu", size);
	for (i = 0; i < n; i++)
		expect_and_fill(test, f->objs[i], size, gfp);
}

static void expect_filled(struct kunit *test, unsigned int n)
{
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < n; i++)
		KUNIT_ASSERT_TRUE_MSG(test,
				      is_filled(f->objs[i],
						gomem_usable_size(f->objs[i])),
				      "object %u", i);
}

static void put(struct kunit *test, unsigned int n)
{
	struct fixture *f = test->priv;

	expect_filled(test, n);
	gomem_free_bulk(n, f->objs);
}

static void reverse(struct fixture *f, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n / 2; i++)
		swap(f->objs[i], f->objs[n - 1 - i]);
}

/*
 * Fill all usable bytes of each object. Objects of odd sizes are allocated with
 * __GFP_ZERO.
 */
static void test_every_size(struct kunit *test)
{
	size_t size;

	for (size = 1; size <= 40000; size += size < 2048 ? 1 : 5) {
		get(test, size, GFP_KERNEL | (size % 2 ? __GFP_ZERO : 0), 3);
		put(test, 3);
		if (size % 256 == 0)
			cond_resched();
	}
}

/*
 * Bulk calls move objects in batches. Try numbers around the lengths of
 * batches, and free the objects in order, in reverse, and shuffled.
 */
static void test_every_number(struct kunit *test)
{
	static const unsigned int ns[] = {
		1, 2, 31, 32, 33, 63, 64, 65, 97, 300, 1000, 4000,
	};
	static const size_t sizes[] = { 8, 100, 1024, 3000, 32768 };
	struct fixture *f = test->priv;
	unsigned int i, k, n;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (k = 0; k < ARRAY_SIZE(ns); k++) {
			n = ns[k];
			if (n * sizes[i] > SZ_4M)
				continue;
			get(test, sizes[i], GFP_KERNEL, n);
			put(test, n);
			get(test, sizes[i], GFP_KERNEL | __GFP_ZERO, n);
			reverse(f, n);
			put(test, n);
			get(test, sizes[i], GFP_ATOMIC, n);
			shuffle(&f->rnd, f->objs, n);
			put(test, n);
		}
	}
}

/*
 * Free objects of a bulk call one by one, and objects of single calls in bulk.
 */
static void test_with_single(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	get(test, 200, GFP_KERNEL, 500);
	expect_filled(test, 500);
	for (i = 0; i < 500; i++)
		gomem_free(f->objs[i]);
	for (i = 0; i < 500; i++) {
		/*
		 * Tiny objects are left out: the usable size of one grows when
		 * the one after it in the block is freed.
		 */
		f->objs[i] = gomem_alloc_noscan(16 + below(&f->rnd, 3000),
						GFP_KERNEL);
		fill(f->objs[i], gomem_usable_size(f->objs[i]));
	}
	put(test, 500);
}

static void test_mixed(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i, round, size;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < 400; i++) {
			size = below(&f->rnd, 1U << below(&f->rnd, 17));
			f->objs[i] = gomem_alloc(size, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
			if (f->objs[i] != ZERO_SIZE_PTR)
				fill(f->objs[i], gomem_usable_size(f->objs[i]));
		}
		for (; i < 440; i++)
			f->objs[i] = i % 2 ? NULL : ZERO_SIZE_PTR;
		shuffle(&f->rnd, f->objs, 440);
		put(test, 440);
	}
}

static void test_nothing(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, 0, gomem_alloc_bulk(64, GFP_KERNEL, 0, f->objs));
	KUNIT_EXPECT_EQ(test, 0,
			gomem_alloc_bulk(64, GFP_KERNEL | __GFP_DMA, 0,
					 f->objs));
	gomem_free_bulk(0, NULL);
	KUNIT_EXPECT_EQ(test, 100,
			gomem_alloc_bulk(0, GFP_KERNEL, 100, f->objs));
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, f->objs[i]);
	gomem_free_bulk(100, f->objs);
}

static void test_large(struct kunit *test)
{
	get(test, 40000, GFP_KERNEL | __GFP_ZERO, 40);
	put(test, 40);
	get(test, SZ_1M, GFP_KERNEL, 3);
	put(test, 3);
}

/* A refused bulk call makes one report, not one for each object. */
static void test_refused(struct kunit *test)
{
	static const size_t sizes[] = { 8, 32768, 40000 };
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_EXPECT_EQ(test, 0,
				gomem_alloc_bulk(sizes[i],
						 GFP_KERNEL | __GFP_DMA32, 50,
						 f->objs));
		expect_misuses(test, GOMEM_BAD_GFP, 1);
	}
	KUNIT_EXPECT_EQ(test, 0,
			gomem_alloc_bulk(SZ_4M + 1, GFP_KERNEL, 50, f->objs));
	expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 1);
}

static const size_t misused_sizes[] = { 64, 100, 3000, 4096 };

/* Each bad pointer is reported, and the good pointers around it are freed. */
static void test_double_free(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int i;
	void *p;

	/*
	 * In the call with 42 pointers, one section (cpu/section.h) has both
	 * frees of the object, except with init_on_free=1: then a section frees
	 * at most 4 objects. The next call frees the object in another section.
	 */
	for (i = 0; i < ARRAY_SIZE(misused_sizes); i++) {
		get(test, misused_sizes[i], GFP_KERNEL, 40);
		p = f->objs[39];
		f->objs[40] = p;
		f->objs[41] = NULL;
		gomem_free_bulk(42, f->objs);
		expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
		gomem_free_bulk(1, &p);
		expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	}

	/* Free a large object twice. */
	get(test, 40000, GFP_KERNEL, 1);
	f->objs[1] = f->objs[0];
	gomem_free_bulk(2, f->objs);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
}

static void expect_double_free_in_order(struct kunit *test, size_t size)
{
	struct fixture *f = test->priv;
	unsigned int bad, turn, round;

	for (bad = 0; bad < 200; bad += 7) {
		for (turn = 0; turn < 2; turn++) {
			get(test, size, GFP_KERNEL, 200);
			sort_by_address(f->objs, 200);
			if (turn)
				reverse(f, 200);
			gomem_free(f->objs[bad]);
			gomem_free_bulk(200, f->objs);
			expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
		}
	}

	/* A pointer is in the batch twice in a row. */
	for (round = 0; round < 199; round += 9) {
		get(test, size, GFP_KERNEL, 200);
		sort_by_address(f->objs, 200);
		gomem_free(f->objs[round]);
		f->objs[round] = f->objs[round + 1];
		gomem_free_bulk(200, f->objs);
		expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	}
}

/*
 * A bulk free detects an object that is already free among objects that lie
 * side by side, in ascending or descending order of address.
 */
static void test_double_free_in_order(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(misused_sizes); i++)
		expect_double_free_in_order(test, misused_sizes[i]);
}

/*
 * Allocate @n objects of several classes. The object with index @large is a
 * large one. If @large is @n, no object is large.
 */
static void get_few(struct kunit *test, unsigned int n, unsigned int large)
{
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < n; i++) {
		f->objs[i] = gomem_alloc(i == large ? 40000 :
						      16 + below(&f->rnd, 5000),
					 GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
		fill(f->objs[i], gomem_usable_size(f->objs[i]));
	}
	expect_filled(test, n);
}

static void expect_few(struct kunit *test, unsigned int n, unsigned int bad)
{
	struct fixture *f = test->priv;
	void *p;

	get_few(test, n, (bad + 1) % n ?: n);
	p = f->objs[bad];
	gomem_free(p);
	gomem_free_bulk(n, f->objs);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);

	get_few(test, n, n);
	p = f->objs[bad];
	f->objs[bad] += 8;
	gomem_free_bulk(n, f->objs);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);

	f->objs[bad] = &f->objs[n];
	f->objs[n] = p;
	gomem_free_bulk(1, &f->objs[bad]);
	expect_misuses(test, GOMEM_FOREIGN_POINTER, 1);
	gomem_free_bulk(1, &f->objs[n]);
}

/*
 * Find misuse among objects that lie side by side: the object with index @bad
 * is already free, and the last one is in the batch twice.
 */
static void expect_few_beside(struct kunit *test, unsigned int n,
			      unsigned int bad)
{
	struct fixture *f = test->priv;

	get(test, 100, GFP_KERNEL, n);
	gomem_free(f->objs[bad]);
	f->objs[n] = f->objs[n - 1];
	gomem_free_bulk(n + 1, f->objs);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 2);
}

/*
 * Try misuse at each place of a batch, and batches that overflow the slot.
 */
static void test_few(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int n, bad, i;

	for (n = 1; n <= 18; n++) {
		for (bad = 0; bad < n; bad++) {
			expect_few(test, n, bad);
			expect_few_beside(test, n, bad);
		}
	}
	for (n = 1; n <= 18; n++) {
		get(test, 100, GFP_KERNEL, 1000);
		expect_filled(test, 1000);
		for (i = 0; i < 1000; i += n)
			gomem_free_bulk(min(n, 1000 - i), f->objs + i);
	}
}

/*
 * A small batch may include a NULL pointer, ZERO_SIZE_PTR, or an object that is
 * tiny, noscan or of a typed cache.
 */
static void test_few_others(struct kunit *test)
{
	struct gomem_cache *c = gomem_cache_create("kunit", 100, NULL);
	struct fixture *f = test->priv;
	unsigned int at, n;

	KUNIT_ASSERT_NOT_NULL(test, c);
	for (at = 0; at < 5; at++) {
		get_few(test, 5, 5);
		for (n = 0; n < 5; n++) {
			gomem_free(f->objs[at]);
			if (n == 0)
				f->objs[at] = NULL;
			else if (n == 1)
				f->objs[at] = ZERO_SIZE_PTR;
			else if (n == 2)
				f->objs[at] = gomem_alloc_noscan(4, GFP_KERNEL);
			else if (n == 3)
				f->objs[at] =
					gomem_alloc_noscan(300, GFP_KERNEL);
			else
				f->objs[at] = gomem_cache_alloc(c, GFP_KERNEL);
			gomem_free_bulk(5, f->objs);
			get_few(test, 5, 5);
		}
		gomem_free_bulk(5, f->objs);
	}
	gomem_cache_destroy(c);
}

static void count_two(struct gomem_class_counts *n)
{
	gomem_mcache_count(&gomem_kinds[gomem_spc_make(gomem_sizeclass(256),
						       false)], &n[0]);
	gomem_mcache_count(&gomem_kinds[gomem_spc_make(gomem_sizeclass(512),
						       false)], &n[1]);
}

/*
 * Each object counts as allocated and freed once: also if the slot has only
 * some of the objects that a call asks for, and if the size classes take turns
 * in the array that is freed.
 */
static void test_counts(struct kunit *test)
{
	struct gomem_class_counts then[2], now[2];
	struct fixture *f = test->priv;
	void **turns = f->objs + 200;
	unsigned int n, i, step;

	gomem_scavenge_all();
	for (n = 1; n <= 70; n++) {
		step = n % 2 ? 16 : 140;
		count_two(then);
		get(test, 512, GFP_KERNEL, n);
		for (i = 0; i < n; i++)
			turns[2 * i] = f->objs[i];
		get(test, 256, GFP_KERNEL, n);
		for (i = 0; i < n; i++)
			turns[2 * i + 1] = f->objs[i];
		for (i = 0; i < 2 * n; i += step)
			gomem_free_bulk(min(2 * n - i, step), turns + i);
		count_two(now);
		for (i = 0; i < 2; i++) {
			KUNIT_EXPECT_EQ(test, n, now[i].mallocs -
						 then[i].mallocs);
			KUNIT_EXPECT_EQ(test, n, now[i].frees - then[i].frees);
		}
	}
}

/*
 * With init_on_free=1 a bulk free of any number of objects clears all their
 * bytes except the key.
 */
static void test_cleared(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned int n, i, key = sizeof(long);

	if (!want_init_on_free())
		kunit_skip(test, "needs init_on_free=1");
	for (n = 1; n <= 70; n += n < 10 ? 1 : 20) {
		get(test, 200, GFP_KERNEL, n);
		gomem_free_bulk(n, f->objs);
		for (i = 0; i < n; i++)
			KUNIT_EXPECT_TRUE_MSG(test,
					      is_zero(f->objs[i] + key,
						      208 - key),
					      "object %u of %u", i, n);
	}
}

static void expect_interior(struct kunit *test, size_t size)
{
	struct fixture *f = test->priv;
	void *objs[40];
	unsigned int i;

	get(test, size, GFP_KERNEL, 40);
	memcpy(objs, f->objs, sizeof(objs));
	for (i = 0; i < 40; i += 4)
		f->objs[i] += i ? 8 : 3;
	gomem_free_bulk(40, f->objs);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 10);
	for (i = 0; i < 40; i += 4) {
		KUNIT_EXPECT_TRUE(test,
				  is_filled(objs[i], gomem_roundupsize(size)));
		gomem_free(objs[i]);
	}
}

static void test_interior(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(misused_sizes); i++)
		expect_interior(test, misused_sizes[i]);
}

static void test_others(struct kunit *test)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	void *scratch = gomem_scratch_get(0, GFP_KERNEL);
	struct fixture *f = test->priv;
	int here;

	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, scratch);
	get(test, 100, GFP_KERNEL, 20);
	f->objs[20] = scratch;
	f->objs[21] = gomem_arena_alloc(a, 64, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->objs[21]);
	f->objs[22] = gomem_alloc(100, GFP_KERNEL);
	gomem_free_bulk(23, f->objs);
	expect_misuses(test, GOMEM_WRONG_FUNCTION, 2);
	f->objs[0] = &here;
	f->objs[1] = (void *)~0xffUL;
	gomem_free_bulk(2, f->objs);
	expect_misuses(test, GOMEM_FOREIGN_POINTER, 2);
	gomem_scratch_put(scratch);
	gomem_arena_destroy(a);
}

/*
 * A bulk allocation does not return free objects that were written to. It
 * returns other objects in their place.
 */
static void expect_left_out(struct kunit *test, unsigned long **p,
			    unsigned int n)
{
	struct fixture *f = test->priv;
	unsigned int i, k;

	for (i = 0; i < 3; i++)
		*p[i] = 0x1234;
	get(test, 256, GFP_KERNEL, n);
	for (i = 0; i < n; i++)
		for (k = 0; k < 3; k++)
			KUNIT_EXPECT_PTR_NE(test, f->objs[i], (void *)p[k]);
	expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 3);
	put(test, n);
	for (i = 0; i < 3; i++)
		gomem_free(p[i]);
}

static void test_write_after_free(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned long *p[3];

	/*
	 * The slot first pops the object that was freed last. So the bulk
	 * allocation in expect_left_out() finds the objects written to.
	 */
	migrate_disable();
	get(test, 256, GFP_KERNEL, 4);
	memcpy(p, f->objs + 1, sizeof(p));
	put(test, 4);
	expect_left_out(test, p, 4);
	migrate_enable();
}

/*
 * Write to free objects that are in their spans, not in the slot. Live objects
 * keep these spans from being freed.
 */
static void test_write_after_free_in_span(struct kunit *test)
{
	struct fixture *f = test->priv;
	unsigned long *p[3];
	unsigned int i;
	void **live = f->objs + 3000;

	migrate_disable();
	get(test, 256, GFP_KERNEL, 200);
	for (i = 0; i < 100; i++) {
		live[i] = f->objs[2 * i];
		f->objs[i] = f->objs[2 * i + 1];
	}
	/*
	 * The slot has no room for the last objects, so these return to their
	 * spans.
	 */
	memcpy(p, f->objs + 90, sizeof(p));
	put(test, 100);
	expect_left_out(test, p, 2000);
	gomem_free_bulk(100, live);
	migrate_enable();
}

static void test_no_memory(struct kunit *test)
{
	u64 failures = gomem_event_sum(GOMEM_EV_ALLOC_FAILURES);
	struct fixture *f = test->priv;
	unsigned int n = 0;
	s64 live;

	no_pages_begin();
	live = live_objects();
	while (n < MAX_OBJECTS - 100 &&
	       gomem_alloc_bulk(8192, GFP_KERNEL, 100, f->objs + n))
		n += 100;
	KUNIT_EXPECT_EQ(test, live + n, live_objects());
	KUNIT_EXPECT_EQ(test, 1,
			gomem_event_sum(GOMEM_EV_ALLOC_FAILURES) - failures);
	no_pages_end();
	KUNIT_EXPECT_LT(test, n, MAX_OBJECTS - 100);
	gomem_free_bulk(n, f->objs);
	KUNIT_EXPECT_EQ(test, live, live_objects());
}

/*
 * Objects of other nodes return to their node and are counted, in whatever
 * order the batch has them.
 */
static void test_nodes(struct kunit *test)
{
	u64 frees = gomem_event_sum(GOMEM_EV_REMOTE_FREES);
	struct fixture *f = test->priv;
	unsigned int i, remote = 0;
	int here, other;

	if (list_is_singular(&gomem_heap_list))
		kunit_skip(test, "needs two nodes with memory");
	migrate_disable();
	here = numa_mem_id();
	other = gomem_first_heap()->node;
	if (other == here)
		other = list_next_entry(gomem_first_heap(), link)->node;
	for (i = 0; i < 600; i++) {
		f->objs[i] = gomem_alloc_node(i % 3 ? 100 : 500, GFP_KERNEL,
					      i % 2 ? here : other);
		KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
		fill(f->objs[i], gomem_usable_size(f->objs[i]));
		remote += page_to_nid(virt_to_page(f->objs[i])) != here;
	}
	shuffle(&f->rnd, f->objs, 600);
	put(test, 600);
	migrate_enable();
	KUNIT_EXPECT_EQ(test, remote,
			gomem_event_sum(GOMEM_EV_REMOTE_FREES) - frees);
}

/* Interrupts */

struct job {
	void *objs[100];
	const char *error;
};

/*
 * Allocate and fill @n objects. If there is no memory, set @job->error and
 * return false.
 */
static bool job_alloc(struct job *job, size_t n)
{
	gfp_t gfp = GFP_ATOMIC | __GFP_NOWARN;
	size_t i;

	if (gomem_alloc_bulk(200, gfp, n, job->objs) != n) {
		job->error = "no memory";
		return false;
	}
	for (i = 0; i < n; i++)
		fill(job->objs[i], 208);
	return true;
}

static void job_run_few(struct job *job, size_t n)
{
	if (job_alloc(job, n))
		gomem_free_bulk(n, job->objs);
}

static void job_run(void *arg)
{
	struct job *job = arg;
	size_t n = ARRAY_SIZE(job->objs), i;

	job_run_few(job, 1);
	job_run_few(job, 8);
	if (!job_alloc(job, n))
		return;
	for (i = 0; i < n; i++)
		if (!is_filled(job->objs[i], 208))
			job->error = "objects overlap";
	/* Leave 30 objects for the task to free. */
	gomem_free_bulk(n - 30, job->objs + 30);
}

static void test_interrupts(struct kunit *test)
{
	u64 soft = gomem_event_sum(GOMEM_EV_SOFTIRQ_ALLOCS);
	u64 hard = gomem_event_sum(GOMEM_EV_HARDIRQ_FREES);
	struct job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);

	skip_on_rt(test);
	KUNIT_ASSERT_NOT_NULL(test, job);
	run_in_hardirq(job_run, job);
	KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s", job->error);
	gomem_free_bulk(30, job->objs);

	run_in_softirq(job_run, job);
	KUNIT_EXPECT_TRUE_MSG(test, !job->error, "%s", job->error);
	gomem_free_bulk(30, job->objs);
	/*
	 * In interrupts a bulk call is counted as one allocation or free,
	 * whatever its number of objects.
	 */
	KUNIT_EXPECT_EQ(test, gomem_event_sum(GOMEM_EV_SOFTIRQ_ALLOCS),
			soft + 3);
	KUNIT_EXPECT_EQ(test, gomem_event_sum(GOMEM_EV_HARDIRQ_FREES),
			hard + 3);
}

/* Batches with objects of several sizes */

static void test_bulk(struct kunit *test)
{
	static const size_t sizes[] = { 8, 100, 1024, 9000, 32768, 40000 };
	struct fixture *f = test->priv;
	unsigned int i, k, n;

	KUNIT_EXPECT_EQ(test, 0, gomem_alloc_bulk(64, GFP_KERNEL, 0, f->objs));
	gomem_free_bulk(0, f->objs);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = 1 + below(&f->rnd, 300);
		KUNIT_ASSERT_EQ(test, n,
				gomem_alloc_bulk(sizes[i], GFP_KERNEL, n,
						 f->objs));
		for (k = 0; k < n; k++) {
			expect_object(test, f->objs[k], sizes[i]);
			fill(f->objs[k], sizes[i]);
		}
		for (k = 0; k < n; k++)
			KUNIT_ASSERT_TRUE(test,
					  is_filled(f->objs[k], sizes[i]));
		/*
		 * A bulk free also takes objects of other sizes, NULL and
		 * ZERO_SIZE_PTR.
		 */
		f->objs[n++] = NULL;
		f->objs[n++] = get_object(test, 17);
		f->objs[n++] = ZERO_SIZE_PTR;
		f->objs[n++] = get_object(test, 100000);
		gomem_free_bulk(n, f->objs);
	}
}

static struct kunit_case bulk_cases[] = {
	SLOW_CASE(test_every_size),
	SLOW_CASE(test_every_number),
	KUNIT_CASE(test_with_single),
	KUNIT_CASE(test_mixed),
	KUNIT_CASE(test_nothing),
	KUNIT_CASE(test_large),
	KUNIT_CASE(test_refused),
	KUNIT_CASE(test_double_free),
	SLOW_CASE(test_double_free_in_order),
	KUNIT_CASE(test_few),
	KUNIT_CASE(test_few_others),
	KUNIT_CASE(test_counts),
	KUNIT_CASE(test_cleared),
	KUNIT_CASE(test_interior),
	KUNIT_CASE(test_others),
	KUNIT_CASE(test_write_after_free),
	KUNIT_CASE(test_write_after_free_in_span),
	KUNIT_CASE(test_no_memory),
	KUNIT_CASE(test_nodes),
	KUNIT_CASE(test_interrupts),
	KUNIT_CASE(test_bulk),
	{}
};

static struct kunit_suite bulk_suite = {
	.name = "gomem_bulk",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = bulk_cases,
};

kunit_test_suite(bulk_suite);
