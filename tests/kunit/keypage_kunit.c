// SPDX-License-Identifier: GPL-2.0
/*
 * keypage_kunit.c - pages that go back to the kernel have no keys, and are
 * searched for keys only where keys may lie.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fixture.h"
#include "base/key.h"
#include "base/sizeclass.h"
#include "cpu/node.h"
#include "heap/scavenge.h"
#include "run/epoch.h"

#define DIRT		0xa5
#define PER_SIZE	40

/* @base comes first: it is test->priv as a struct fixture, too. */
struct keypage_fixture {
	struct fixture base;
	struct fake_heap fh;
};

/*
 * The source of gomem's real heaps clears the keys at multiples of the step,
 * and changes nothing else.
 */
static void test_forget(struct kunit *test)
{
	struct gomem_pagesource *src = gomem_first_heap()->source;
	unsigned long addr = __get_free_pages(GFP_KERNEL, GOMEM_PAGE_ORDER);
	unsigned long *w = (unsigned long *)addr;

	KUNIT_ASSERT_NE(test, 0, addr);
	memset(w, DIRT, GOMEM_PAGE_SIZE);
	gomem_set_key(&w[0]);
	gomem_set_key(&w[8]);
	gomem_set_key(&w[1023]);
	KUNIT_EXPECT_TRUE(test, gomem_has_key(&w[0]) && gomem_has_key(&w[8]));
	KUNIT_EXPECT_FALSE(test, gomem_has_key(&w[1]));
	/* A copy of a key at another address is not a key. */
	w[16] = w[8];
	KUNIT_EXPECT_FALSE(test, gomem_has_key(&w[16]));

	src->forget(src, addr, 1, 128);
	KUNIT_EXPECT_TRUE(test, !w[0] && w[8] && w[1023]);
	src->forget(src, addr, 1, 8);
	KUNIT_EXPECT_TRUE(test, !w[0] && !w[8] && !w[1023]);
	KUNIT_EXPECT_TRUE(test,
			  w[16] && !memchr_inv(&w[1], DIRT, 7 * sizeof(*w)) &&
				  !memchr_inv(&w[17], DIRT,
					      (1023 - 17) * sizeof(*w)));
	free_pages(addr, GOMEM_PAGE_ORDER);
}

/*
 * Calls of forget(): number of pages, address and step of the last call, and
 * the steps of all calls.
 */
static unsigned long forgotten, forgotten_at, forgotten_step, steps_seen;

static void note_forgotten(struct gomem_pagesource *src, unsigned long addr,
			   unsigned long npages, unsigned int step)
{
	forgotten += npages;
	forgotten_at = addr;
	forgotten_step = step;
	steps_seen |= step;
}

static struct gomem_span *get_span(struct kunit *test,
				   struct gomem_span_request req)
{
	struct keypage_fixture *f = test->priv;
	struct gomem_span *s;

	/* Allocate the span where first fit puts it. */
	req.aligned = false;
	s = fake_heap_span(f->fh.heap, &req);
	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

/* Free a span. Return its address. */
static unsigned long put_span(struct kunit *test, struct gomem_span *s)
{
	unsigned long base = s->base;

	fake_heap_put(test, s);
	return base;
}

static void give_all_back(struct gomem_heap *h)
{
	gomem_heap_drain_pcaches(h, false);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	while (h->pages.backed_pages) {
		synchronize_rcu();
		gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	}
}

static struct gomem_span_request small_request(unsigned int size)
{
	unsigned int class = gomem_sizeclass(size);

	return fake_small_request(gomem_spc_make(class, false));
}

/*
 * When a page goes back to the kernel, it is searched for keys only if it was
 * part of a span of small objects since the kernel handed it out.
 */
static void test_pages(struct kunit *test)
{
	struct keypage_fixture *f = test->priv;
	struct gomem_heap *h = f->fh.heap;
	struct gomem_span *s, *t;
	unsigned long at;

	forgotten = 0;
	put_span(test, get_span(test, fake_large_request(40)));
	give_all_back(h);
	KUNIT_EXPECT_EQ(test, 0, forgotten);

	s = get_span(test, fake_large_request(20));
	t = get_span(test, small_request(8));
	put_span(test, s);
	at = put_span(test, t);
	give_all_back(h);
	KUNIT_EXPECT_EQ(test, 1, forgotten);
	KUNIT_EXPECT_EQ(test, at, forgotten_at);

	put_span(test, get_span(test, fake_large_request(40)));
	give_all_back(h);
	KUNIT_EXPECT_EQ(test, 1, forgotten);
}

/*
 * A page is searched at the multiples of the highest power of two that divides
 * the sizes of all objects that it has had.
 */
static void test_step(struct kunit *test)
{
	static const struct {
		unsigned int first, second, step;
	} cases[] = {
		{ 8192, 8192, 8192 },
		{ 16384, 32768, 8192 },
		{ 8192, 4096, 4096 },
		{ 4096, 96, 32 },
		{ 96, 4096, 32 },
		{ 8, 1024, 8 },
		{ 64, 64, 64 },
	};
	struct keypage_fixture *f = test->priv;
	struct gomem_span *s;
	unsigned long at;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		forgotten = 0;
		at = put_span(test,
			      get_span(test, small_request(cases[i].first)));
		s = get_span(test, small_request(cases[i].second));
		KUNIT_EXPECT_EQ(test, at, put_span(test, s));
		give_all_back(f->fh.heap);
		KUNIT_EXPECT_GE(test, forgotten, 1);
		KUNIT_EXPECT_EQ(test, cases[i].step, forgotten_step);
	}
}

/*
 * Pages that go back as one run are searched in pieces, each with its own step.
 * After that, none of them is searched again.
 */
static void test_run(struct kunit *test)
{
	static const unsigned int sizes[] = { 4096, 8, 8192, 32768 };
	struct keypage_fixture *f = test->priv;
	struct gomem_span *s[ARRAY_SIZE(sizes)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		s[i] = get_span(test, small_request(sizes[i]));
	for (i = 1; i < ARRAY_SIZE(sizes); i++)
		KUNIT_ASSERT_EQ(test, s[i]->base,
				s[i - 1]->base +
				(s[i - 1]->npages << GOMEM_PAGE_SHIFT));
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		put_span(test, s[i]);
	steps_seen = 0;
	forgotten = 0;
	give_all_back(f->fh.heap);
	/* A bit for each step: the last two pieces have the same. */
	KUNIT_EXPECT_EQ(test, 4096 | 8 | 8192, steps_seen);
	KUNIT_EXPECT_EQ(test, 2 + 1 + 4, forgotten);

	put_span(test, get_span(test, fake_large_request(40)));
	give_all_back(f->fh.heap);
	KUNIT_EXPECT_EQ(test, 2 + 1 + 4, forgotten);
}

/* gomem's own free(), and what check_freed() found before calls of it. */
static typeof(((struct gomem_pagesource *)0)->free) real_free;
static atomic_long_t freed, keys_left;

static void check_freed(struct gomem_pagesource *src, unsigned long addr,
			unsigned long npages)
{
	unsigned long at, end = addr + (npages << GOMEM_PAGE_SHIFT);

	for (at = addr; at < end; at += sizeof(unsigned long))
		if (gomem_has_key((void *)at))
			atomic_long_inc(&keys_left);
	atomic_long_add(npages, &freed);
	real_free(src, addr, npages);
}

static void construct(void *obj)
{
	*(char *)obj = DIRT;
}

static void use_typed(struct kunit *test, unsigned int size,
		      const struct gomem_cache_args *args)
{
	struct gomem_cache *c = gomem_cache_create("keypage", size, args);
	struct fixture *f = test->priv;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	for (i = 0; i < PER_SIZE; i++)
		f->objs[i] = gomem_cache_alloc(c, GFP_KERNEL);
	for (i = 0; i < PER_SIZE; i++)
		gomem_cache_free(c, f->objs[i]);
	gomem_cache_destroy(c);
	rcu_barrier();
	gomem_scavenge_all();
}

static void use_size(struct kunit *test, size_t size, bool noscan)
{
	struct fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < PER_SIZE; i++)
		f->objs[i] = noscan ? gomem_alloc_noscan(size, GFP_KERNEL) :
				      gomem_alloc(size, GFP_KERNEL);
	for (i = 0; i < PER_SIZE; i++)
		gomem_free(f->objs[i]);
	gomem_scavenge_all();
}

/*
 * Free objects of all kinds, with the key in the first word, behind the object,
 * in a tiny block, and in a span's tail. No key is left in the pages that go
 * back to the kernel. They go back after each kind: later kinds would have them
 * searched at other places, too.
 */
static void test_kinds(struct kunit *test)
{
	const struct gomem_cache_args ctor = { .ctor = construct },
				      aligned = { .align = 64,
						  .typesafe_by_rcu = true };
	struct gomem_pagesource *src = gomem_first_heap()->source;
	unsigned int class, size;

	atomic_long_set(&freed, 0);
	atomic_long_set(&keys_left, 0);
	real_free = src->free;
	WRITE_ONCE(src->free, check_freed);
	for (class = 1; class < GOMEM_SCRATCH_CLASS; class++) {
		use_size(test, gomem_class_size(class), false);
		use_size(test, gomem_class_size(class), true);
	}
	for (size = 1; size < 16; size++)
		use_size(test, size, true);
	for (size = 8; size < SZ_64K; size += size / 3) {
		use_typed(test, size, NULL);
		use_typed(test, size, &ctor);
		use_typed(test, size, &aligned);
	}
	gomem_scratch_put(gomem_scratch_get(1, GFP_KERNEL));
	gomem_scavenge_all();
	WRITE_ONCE(src->free, real_free);
	/* The background scavenger may be in check_freed(). */
	gomem_scavenge_all();
	KUNIT_EXPECT_GT(test, atomic_long_read(&freed), 200);
	KUNIT_EXPECT_EQ(test, 0, atomic_long_read(&keys_left));
}

static int keypage_init(struct kunit *test)
{
	struct keypage_fixture *f =
		fixture_alloc(test, sizeof(struct keypage_fixture));
	int err;

	if (!f)
		return -ENOMEM;
	err = fake_heap_init(&f->fh, 2, 1);
	f->fh.source.src.forget = note_forgotten;
	return err;
}

static void keypage_exit(struct kunit *test)
{
	struct keypage_fixture *f = test->priv;

	if (!f)
		return;
	fake_heap_exit(test, &f->fh);
	fixture_exit(test);
}

static struct kunit_case keypage_cases[] = {
	KUNIT_CASE(test_forget),
	KUNIT_CASE(test_pages),
	KUNIT_CASE(test_step),
	KUNIT_CASE(test_run),
	KUNIT_CASE(test_kinds),
	{}
};

static struct kunit_suite keypage_suite = {
	.name = "gomem_keypage",
	.init = keypage_init,
	.exit = keypage_exit,
	.test_cases = keypage_cases,
};

kunit_test_suite(keypage_suite);
