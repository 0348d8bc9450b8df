// SPDX-License-Identifier: GPL-2.0
/*
 * marks_kunit.c - the marks of the scan for leaks: which objects does a word
 * mark as in use?
 *
 * A case passes the words itself, instead of scanning memory, so that no other
 * word points to its objects. Objects of other users of the heap are
 * candidates, too. The cases ignore them.
 */
#include <kunit/test.h>
#include <linux/err.h>
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "fixture.h"
#include "run/hunt.h"
#include "run/marks.h"

struct marks_fixture {
	struct fixture base;
	struct gomem_marks *m;
};

static int marks_init(struct kunit *test)
{
	return fixture_alloc(test, sizeof(struct marks_fixture)) ? 0 : -ENOMEM;
}

static void marks_exit(struct kunit *test)
{
	struct marks_fixture *f = test->priv;

	if (!f)
		return;
	gomem_marks_destroy(f->m);
	fixture_exit(test);
}

/* Create the marks. All objects that are live now become candidates. */
static void begin(struct kunit *test)
{
	struct marks_fixture *f = test->priv;

	gomem_marks_destroy(f->m);
	f->m = gomem_marks_create();
	if (IS_ERR(f->m)) {
		f->m = NULL;
		KUNIT_FAIL(test, "no memory for marks");
	}
	KUNIT_ASSERT_NOT_NULL(test, f->m);
	gomem_marks_begin(f->m);
}

static void point_to(struct kunit *test, unsigned long word)
{
	struct marks_fixture *f = test->priv;

	gomem_marks_words(f->m, &word, 1);
}

static void end(struct kunit *test)
{
	struct marks_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, 0, gomem_marks_follow(f->m));
	KUNIT_EXPECT_EQ(test, 0, gomem_marks_end(f->m));
}

static bool is_left(struct kunit *test, const void *p)
{
	struct marks_fixture *f = test->priv;

	return gomem_marks_candidate(f->m, (unsigned long)p);
}

static void *get(struct kunit *test, size_t size)
{
	void *p = gomem_zalloc(size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	return p;
}

/* A word marks the object that it points to, and no other. */
static void test_word(struct kunit *test)
{
	void *found = get(test, 96), *lost = get(test, 96);

	begin(test);
	KUNIT_EXPECT_TRUE(test, is_left(test, found));
	KUNIT_EXPECT_TRUE(test, is_left(test, lost));
	point_to(test, (unsigned long)found);
	end(test);
	KUNIT_EXPECT_FALSE(test, is_left(test, found));
	KUNIT_EXPECT_TRUE(test, is_left(test, lost));
	gomem_free(found);
	gomem_free(lost);
}

/*
 * A pointer to any byte of an object marks the object. So does a pointer with
 * flags in its low bits.
 */
static void test_interior(struct kunit *test)
{
	static const size_t sizes[] = { 8, 24, 112, 4096, SZ_32K, SZ_1M };
	unsigned int i, at;
	size_t size;
	void *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		size = sizes[i];
		for (at = 0; at < 3; at++) {
			p = get(test, size);
			begin(test);
			point_to(test, (unsigned long)p + at * (size - 1) / 2);
			end(test);
			KUNIT_EXPECT_FALSE_MSG(test, is_left(test, p),
					       "%zu bytes, %u", size, at);
			gomem_free(p);
		}
	}
}

/*
 * A pointer to the byte before an object, or to the byte after it, does not
 * mark the object.
 */
static void test_neighbours(struct kunit *test)
{
	char *p = get(test, 2048);

	begin(test);
	point_to(test, (unsigned long)p - 1);
	point_to(test, (unsigned long)p + 2048);
	end(test);
	KUNIT_EXPECT_TRUE(test, is_left(test, p));
	gomem_free(p);
}

/*
 * Words that point to no object are harmless: values at both ends of the
 * address space and of the page map.
 */
static void test_wild(struct kunit *test)
{
	static const unsigned long words[] = {
		0, 1, ~0UL, ~0UL - 7, 1UL << 63, (1UL << 63) - 1, 0x100,
		GOMEM_PAGE_SIZE,
	};
	unsigned long bytes = gomem_pagemap.nr_chunks << GOMEM_CHUNK_SHIFT;
	void *p = get(test, 64);
	unsigned int i;

	begin(test);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		point_to(test, words[i]);
	point_to(test, gomem_pagemap.base);
	point_to(test, gomem_pagemap.base - 1);
	point_to(test, gomem_pagemap.base + bytes);
	end(test);
	KUNIT_EXPECT_TRUE(test, is_left(test, p));
	gomem_free(p);
}

/* Mark a chain of objects, each of which holds the only pointer to the next. */
static void test_chain(struct kunit *test)
{
	void **first = NULL, **p, *next;
	unsigned int i, left = 0;

	for (i = 0; i < 1000; i++) {
		p = get(test, 16 << i % 8);
		p[1] = first;
		first = p;
	}
	begin(test);
	point_to(test, (unsigned long)first);
	end(test);
	for (; first; first = next) {
		left += is_left(test, first);
		next = first[1];
		gomem_free(first);
	}
	KUNIT_EXPECT_EQ(test, 0, left);
}

static void test_cycle(struct kunit *test)
{
	void **a = get(test, 48), **b = get(test, 80);

	*a = b;
	*b = a;
	begin(test);
	end(test);
	KUNIT_EXPECT_TRUE(test, is_left(test, a));
	KUNIT_EXPECT_TRUE(test, is_left(test, b));
	gomem_marks_begin(((struct marks_fixture *)test->priv)->m);
	point_to(test, (unsigned long)b);
	end(test);
	KUNIT_EXPECT_FALSE(test, is_left(test, a));
	KUNIT_EXPECT_FALSE(test, is_left(test, b));
	gomem_free(a);
	gomem_free(b);
}

/* The words in a noscan object mark nothing. */
static void test_noscan(struct kunit *test)
{
	void **holder = gomem_alloc_noscan(256, GFP_KERNEL), *p = get(test, 72);

	KUNIT_ASSERT_NOT_NULL(test, holder);
	*holder = p;
	begin(test);
	point_to(test, (unsigned long)holder);
	end(test);
	KUNIT_EXPECT_FALSE(test, is_left(test, holder));
	KUNIT_EXPECT_TRUE(test, is_left(test, p));
	gomem_free(holder);
	gomem_free(p);
}

/* Tiny objects in one block are marked one by one. */
static void test_tiny(struct kunit *test)
{
	char *p[12];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomem_alloc_noscan(i / 2 % 2 + 3, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
	}
	begin(test);
	for (i = 0; i < ARRAY_SIZE(p); i += 2)
		point_to(test, (unsigned long)p[i] + i / 2 % 2 + 2);
	end(test);
	for (i = 0; i < ARRAY_SIZE(p); i++) {
		KUNIT_EXPECT_EQ_MSG(test, !!(i % 2), is_left(test, p[i]), "%u",
				    i);
		gomem_free(p[i]);
	}
}

static void test_typed(struct kunit *test)
{
	struct gomem_cache *c = gomem_cache_create("marks", 1000, NULL);
	void **a, **b, **lost;

	KUNIT_ASSERT_NOT_NULL(test, c);
	a = gomem_cache_zalloc(c, GFP_KERNEL);
	b = gomem_cache_zalloc(c, GFP_KERNEL);
	lost = gomem_cache_zalloc(c, GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, a && b && lost);
	a[124] = b;
	begin(test);
	point_to(test, (unsigned long)a);
	end(test);
	KUNIT_EXPECT_FALSE(test, is_left(test, a));
	KUNIT_EXPECT_FALSE(test, is_left(test, b));
	KUNIT_EXPECT_TRUE(test, is_left(test, lost));
	gomem_cache_free(c, a);
	gomem_cache_free(c, b);
	gomem_cache_free(c, lost);
	gomem_cache_destroy(c);
}

/*
 * A scatterlist points to an object by the struct page of its memory, with
 * flags in the low bits. Such a pointer to a struct page marks the object, too.
 */
static void test_struct_page(struct kunit *test)
{
	char *p = get(test, SZ_64K), *lost = get(test, SZ_64K);

	begin(test);
	point_to(test, (unsigned long)virt_to_page(p + SZ_32K) | 2);
	end(test);
	KUNIT_EXPECT_FALSE(test, is_left(test, p));
	KUNIT_EXPECT_TRUE(test, is_left(test, lost));
	gomem_free(p);
	gomem_free(lost);
}

/*
 * gomem_marks_end() drops a candidate that was freed. A new object that takes
 * its place later does not become a candidate.
 */
static void test_freed(struct kunit *test)
{
	void *small = get(test, 96), *large = get(test, SZ_256K);
	struct marks_fixture *f = test->priv;

	begin(test);
	gomem_free(small);
	gomem_free(large);
	end(test);
	KUNIT_EXPECT_FALSE(test, is_left(test, small));
	KUNIT_EXPECT_FALSE(test, is_left(test, large));
	gomem_marks_begin(f->m);
	small = get(test, 96);
	large = get(test, SZ_256K);
	end(test);
	KUNIT_EXPECT_FALSE(test, is_left(test, small));
	KUNIT_EXPECT_FALSE(test, is_left(test, large));
	gomem_free(small);
	gomem_free(large);
}

/*
 * A pointer in an object that was allocated after begin() marks its target,
 * too.
 */
static void test_newer(struct kunit *test)
{
	void *p = get(test, 200), *lost = get(test, 200);
	struct gomem_arena *arena = gomem_arena_create(GFP_KERNEL);
	struct marks_fixture *f = test->priv;
	void **newer, **in_arena, *q = get(test, 40);

	KUNIT_ASSERT_NOT_NULL(test, arena);
	begin(test);
	newer = get(test, 328);
	newer[7] = p;
	in_arena = gomem_arena_alloc(arena, 64, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, in_arena);
	in_arena[3] = q;
	KUNIT_EXPECT_EQ(test, 0, gomem_marks_newer(f->m));
	end(test);
	KUNIT_EXPECT_FALSE(test, is_left(test, p));
	KUNIT_EXPECT_FALSE(test, is_left(test, q));
	KUNIT_EXPECT_TRUE(test, is_left(test, lost));
	gomem_free(newer);
	gomem_free(p);
	gomem_free(q);
	gomem_free(lost);
	gomem_arena_destroy(arena);
}

/*
 * An object that has been written to since the last round is dropped from the
 * candidates: it is in use, although no pointer to it was found.
 */
static void test_changed(struct kunit *test)
{
	char *quiet = get(test, SZ_8K), *busy = get(test, SZ_8K);
	struct marks_fixture *f = test->priv;

	begin(test);
	end(test);
	KUNIT_EXPECT_TRUE(test, is_left(test, busy));
	busy[SZ_8K - 1]++;
	gomem_marks_begin(f->m);
	end(test);
	KUNIT_EXPECT_TRUE(test, is_left(test, quiet));
	KUNIT_EXPECT_FALSE(test, is_left(test, busy));
	gomem_free(quiet);
	gomem_free(busy);
}

static int count_one(unsigned long addr, u32 size, void *arg)
{
	unsigned long *n = arg;

	*n += 1;
	return size ? 0 : -EINVAL;
}

static void test_counts(struct kunit *test)
{
	struct marks_fixture *f = test->priv;
	struct gomem_marks_counts n, after;
	unsigned long visited = 0;
	void *p = get(test, 64);

	begin(test);
	gomem_marks_count(f->m, &n);
	KUNIT_EXPECT_EQ(test, n.live, n.candidates);
	point_to(test, (unsigned long)p);
	end(test);
	gomem_marks_count(f->m, &after);
	KUNIT_EXPECT_EQ(test, n.live, after.live);
	KUNIT_EXPECT_GE(test, n.candidates - 1, after.candidates);
	KUNIT_EXPECT_EQ(test, 0, gomem_marks_each(f->m, count_one, &visited));
	KUNIT_EXPECT_EQ(test, after.candidates, visited);
	gomem_free(p);
}

/* Run a whole scan. The selftest hunt.sh checks what a scan finds. */
static void test_hunt(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, gomem_hunt());
}

static struct kunit_case marks_cases[] = {
	KUNIT_CASE(test_word),
	KUNIT_CASE(test_interior),
	KUNIT_CASE(test_neighbours),
	KUNIT_CASE(test_wild),
	KUNIT_CASE(test_chain),
	KUNIT_CASE(test_cycle),
	KUNIT_CASE(test_noscan),
	KUNIT_CASE(test_tiny),
	KUNIT_CASE(test_typed),
	KUNIT_CASE(test_struct_page),
	KUNIT_CASE(test_freed),
	KUNIT_CASE(test_newer),
	KUNIT_CASE(test_changed),
	KUNIT_CASE(test_counts),
	KUNIT_CASE(test_hunt),
	{ }
};

static struct kunit_suite marks_suite = {
	.name = "gomem_marks",
	.init = marks_init,
	.exit = marks_exit,
	.test_cases = marks_cases,
};

kunit_test_suite(marks_suite);
