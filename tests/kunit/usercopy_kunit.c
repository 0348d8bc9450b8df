// SPDX-License-Identifier: GPL-2.0
/*
 * usercopy_kunit.c - which bytes may be copied to user space, compared with an
 * oracle that knows the bytes of each live object.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "fixture.h"
#include "api/arena.h"
#include "api/cache.h"
#include "api/tiny.h"
#include "base/debug.h"
#include "cpu/node.h"

static bool allowed(const void *p, size_t n)
{
	return gomem_usercopy_allowed(p, n);
}

/*
 * From each byte of an object on, a copy may reach the end of the object, and
 * no further.
 */
static void expect_object(struct kunit *test, const void *p, size_t size)
{
	size_t step = 1 + size / 64, i;

	for (i = 0; i < size; i += step) {
		KUNIT_EXPECT_TRUE_MSG(test, allowed(p + i, size - i),
				      "size %zu, at %zu", size, i);
		KUNIT_EXPECT_FALSE_MSG(test, allowed(p + i, size - i + 1),
				       "size %zu, at %zu", size, i);
	}
	KUNIT_EXPECT_FALSE(test, allowed(p, SIZE_MAX));
	KUNIT_EXPECT_FALSE(test, allowed(p + size - 1, SIZE_MAX));
}

/* Expect that none of the @size bytes from @p on may be copied. */
static void expect_none(struct kunit *test, const void *p, size_t size)
{
	size_t step = 1 + size / 64, i;

	for (i = 0; i < size; i += step)
		KUNIT_EXPECT_FALSE_MSG(test, allowed(p + i, 1),
				       "size %zu, at %zu", size, i);
}

static void test_small_and_large(struct kunit *test)
{
	static const size_t sizes[] = {
		1, 8, 24, 100, 112, 1000, 2500, SZ_8K, 10000, SZ_32K,
		SZ_32K + 1, SZ_1M, SZ_4M,
	};
	unsigned int i;
	size_t size;
	void *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = gomem_alloc(sizes[i], GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		/* The contents of the object make no difference. */
		memset(p, 0xff, sizes[i]);
		size = gomem_usable_size(p);
		expect_object(test, p, size);
		gomem_free(p);
		expect_none(test, p, size);
	}
}

/*
 * Cells of a span that were never handed out may have no key, so a check of the
 * key alone would take them for live objects. Their bytes must not be copied.
 */
static void test_fresh(struct kunit *test)
{
	struct gomem_cache_args args = { .usersize = 1000 };
	struct gomem_cache *c = gomem_cache_create("usercopy", 1000, &args);
	struct gomem_span *s;
	unsigned int i, n = 0;
	void *p, *obj;

	KUNIT_ASSERT_NOT_NULL(test, c);
	p = gomem_cache_alloc(c, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	s = span_at(p);
	for (i = 0; i < s->nelems; i++) {
		obj = gomem_span_object(s, i);
		/*
		 * If an earlier span had these pages, a cell that was never
		 * handed out may have its key. Overwrite the key, so that only
		 * the missing alloc bit shows that the cell is not live.
		 */
		if (i >= s->fresh)
			memset(obj, 0x11, 1000);
		n += allowed(obj, 1000);
		KUNIT_EXPECT_EQ(test, obj == p, allowed(obj, 1000));
		KUNIT_EXPECT_EQ(test, obj == p, allowed(obj + 999, 1));
	}
	KUNIT_EXPECT_EQ(test, 1, n);
	gomem_cache_free(c, p);
	gomem_cache_destroy(c);
}

/*
 * Free many objects: some are then in the slot of the CPU, and others in their
 * spans. None may be copied.
 */
static void test_freed_into_span(struct kunit *test)
{
	void *p[64];
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 64, gomem_alloc_bulk(SZ_2K, GFP_KERNEL, 64, p));
	for (i = 0; i < 64; i++)
		expect_object(test, p[i], SZ_2K);
	for (i = 0; i < 64; i++)
		gomem_free(p[i]);
	for (i = 0; i < 64; i++)
		expect_none(test, p[i], SZ_2K);
}

#define TINY_OBJECTS	300

struct tiny_case {
	u8 *p;
	size_t size;
};

/* Return the live object whose usable bytes include @addr, or NULL. */
static const struct tiny_case *tiny_at(const struct tiny_case *t,
				       const u8 *addr)
{
	unsigned int i;

	for (i = 0; i < TINY_OBJECTS; i++)
		if (t[i].p && addr >= t[i].p &&
		    addr < t[i].p + gomem_usable_size(t[i].p))
			return &t[i];
	return NULL;
}

/*
 * Check copies from each byte of the object's block on, of each length up to
 * one byte more than the block.
 */
static void check_block(struct kunit *test, const struct tiny_case *t,
			const u8 *p)
{
	const u8 *block = PTR_ALIGN_DOWN(p, GOMEM_TINY_BLOCK), *end;
	const struct tiny_case *at;
	unsigned int off, n;
	bool want;

	for (off = 0; off < GOMEM_TINY_BLOCK; off++) {
		at = tiny_at(t, block + off);
		end = at ? at->p + gomem_usable_size(at->p) : NULL;
		for (n = 1; n <= GOMEM_TINY_BLOCK + 1; n++) {
			want = at && block + off + n <= end;
			KUNIT_ASSERT_EQ_MSG(test, want, allowed(block + off, n),
					    "byte %u of a block, %u bytes", off,
					    n);
		}
	}
}

static void test_tiny(struct kunit *test)
{
	struct tiny_case *t =
		kunit_kcalloc(test, TINY_OBJECTS, sizeof(*t), GFP_KERNEL);
	struct fixture *f = test->priv;
	unsigned int i, round;

	KUNIT_ASSERT_NOT_NULL(test, t);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < TINY_OBJECTS; i++) {
			if (t[i].p)
				continue;
			t[i].size = 1 + below(&f->rnd, 4);
			t[i].p = gomem_alloc_noscan(t[i].size, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, t[i].p);
			memset(t[i].p, 0xff, t[i].size);
		}
		for (i = 0; i < TINY_OBJECTS; i++) {
			if (below(&f->rnd, 2))
				continue;
			gomem_free(t[i].p);
			t[i].p = NULL;
		}
		for (i = 0; i < TINY_OBJECTS; i++)
			if (t[i].p)
				check_block(test, t, t[i].p);
	}
	for (i = 0; i < TINY_OBJECTS; i++)
		gomem_free(t[i].p);
}

/*
 * Check objects that are not at the start of their block, with neighbours and
 * without.
 */
static void test_tiny_neighbour(struct kunit *test)
{
	u8 *p, *q, *r;

	migrate_disable();
	p = gomem_alloc_noscan(3, GFP_KERNEL);
	q = gomem_alloc_noscan(3, GFP_KERNEL);
	r = gomem_alloc_noscan(3, GFP_KERNEL);
	migrate_enable();
	expect_object(test, p, gomem_usable_size(p));
	expect_object(test, q, gomem_usable_size(q));
	expect_object(test, r, gomem_usable_size(r));
	gomem_free(q);
	expect_object(test, p, gomem_usable_size(p));
	expect_object(test, r, gomem_usable_size(r));
	gomem_free(p);
	gomem_free(r);
	expect_none(test, p, 1);
	expect_none(test, r, 1);
}

static void test_typed(struct kunit *test)
{
	struct gomem_cache_args args = { .useroffset = 16, .usersize = 32 };
	struct gomem_cache *c = gomem_cache_create("usercopy", 100, &args);
	void *p;

	KUNIT_ASSERT_NOT_NULL(test, c);
	p = gomem_cache_alloc(c, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	expect_object(test, p + 16, 32);
	expect_none(test, p, 16);
	expect_none(test, p + 48, 56);
	gomem_cache_free(c, p);
	expect_none(test, p, 100);
	gomem_cache_destroy(c);
	expect_none(test, p, 100);
}

/*
 * Check caches in which a free object has its key after its own bytes, and a
 * cache with one object per span.
 */
static void test_typed_kinds(struct kunit *test)
{
	static const unsigned int sizes[] = { 8, 100, SZ_4K, 100000 };
	struct gomem_cache_args args = { .typesafe_by_rcu = true };
	struct gomem_cache *c;
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		args.usersize = sizes[i];
		c = gomem_cache_create("usercopy", sizes[i], &args);
		KUNIT_ASSERT_NOT_NULL(test, c);
		p = gomem_cache_alloc(c, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		expect_object(test, p, sizes[i]);
		gomem_cache_free(c, p);
		expect_none(test, p, sizes[i]);
		gomem_cache_destroy(c);
	}
}

static void test_scratch(struct kunit *test)
{
	unsigned int order;
	void *buf;

	for (order = 0; order <= GOMEM_SCRATCH_MAX_ORDER; order++) {
		buf = gomem_scratch_get(order, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, buf);
		expect_object(test, buf, GOMEM_SCRATCH_SIZE(order));
		gomem_scratch_put(buf);
		expect_none(test, buf, GOMEM_SCRATCH_SIZE(order));
	}
}

/*
 * The bytes that an arena has handed out of a block may be copied, but no bytes
 * after them.
 */
static void expect_arena(struct kunit *test)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	void *p, *q, *large;

	KUNIT_ASSERT_NOT_NULL(test, a);
	p = gomem_arena_alloc(a, 100, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	expect_object(test, p, 104);
	q = gomem_arena_alloc(a, 24, GFP_KERNEL);
	KUNIT_ASSERT_PTR_EQ(test, p + 104, q);
	expect_object(test, p, 128);
	/*
	 * A large object gets a block of its own. The next small one comes from
	 * the same block as the small ones before.
	 */
	large = gomem_arena_alloc(a, SZ_1M - 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, large);
	expect_object(test, large, SZ_1M - 8);
	expect_object(test, p, 128);
	q = gomem_arena_alloc(a, 40, GFP_KERNEL);
	KUNIT_ASSERT_PTR_EQ(test, p + 128, q);
	expect_object(test, p, 168);
	gomem_arena_destroy(a);
	expect_none(test, p, 168);
	expect_none(test, large, SZ_1M - 8);
}

static void test_arena(struct kunit *test)
{
	unsigned int level = gomem_debug_level;

	gomem_debug_level = 0;
	expect_arena(test);
	/* Do the same with a quarantine. */
	gomem_debug_level = GOMEM_DEBUG_ARENAS;
	expect_arena(test);
	gomem_debug_level = level;
	gomem_arena_flush_quarantine();
}

/* No byte of a struct gomem_arena or gomem_cache may go to user space. */
static void test_handles(struct kunit *test)
{
	struct gomem_cache *c = gomem_cache_create("usercopy", 1000, NULL);
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);

	KUNIT_EXPECT_NOT_NULL(test, c);
	KUNIT_EXPECT_NOT_NULL(test, a);
	if (c)
		expect_none(test, c, sizeof(*c));
	if (a)
		expect_none(test, a, GOMEM_HANDLE_SIZE);
	gomem_arena_destroy(a);
	gomem_cache_destroy(c);
}

static void test_foreign(struct kunit *test)
{
	void *p = kmalloc(100, GFP_KERNEL);
	int x;

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_FALSE(test, allowed(p, 1));
	KUNIT_EXPECT_FALSE(test, allowed(&x, 1));
	KUNIT_EXPECT_FALSE(test, allowed(NULL, 1));
	KUNIT_EXPECT_FALSE(test, allowed(ZERO_SIZE_PTR, 1));
	KUNIT_EXPECT_FALSE(test, allowed((void *)-ENOMEM, 1));
	kfree(p);
}

static struct kunit_case usercopy_cases[] = {
	KUNIT_CASE(test_small_and_large),
	KUNIT_CASE(test_fresh),
	KUNIT_CASE(test_freed_into_span),
	KUNIT_CASE(test_tiny),
	KUNIT_CASE(test_tiny_neighbour),
	KUNIT_CASE(test_typed),
	KUNIT_CASE(test_typed_kinds),
	KUNIT_CASE(test_scratch),
	KUNIT_CASE(test_arena),
	KUNIT_CASE(test_handles),
	KUNIT_CASE(test_foreign),
	{ }
};

static struct kunit_suite usercopy_suite = {
	.name = "gomem_usercopy",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = usercopy_cases,
};

kunit_test_suite(usercopy_suite);
