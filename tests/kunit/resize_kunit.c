// SPDX-License-Identifier: GPL-2.0
/*
 * resize_kunit.c - gomem_realloc() and copies, on gomem's real heaps.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "fixture.h"
#include "object.h"
#include "cpu/node.h"
#include "map/report.h"

/* Resizing */

static const struct realloc_case {
	const char *name;
	size_t from;
	size_t to;
	size_t room;	/* size of a new object; 0: the old one stays */
} realloc_cases[] = {
	{ "same",			100, 100,	0 },
	{ "within the class",		97, 112,	0 },
	{ "to the next class",		112, 113,	128 },
	{ "by less than half",		1000, 1535,	2048 },
	{ "to a power of two",		3200, 4096,	4096 },
	{ "by half",			1000, 1536,	1536 },
	{ "by more than half",		1000, 1537,	1537 },
	{ "smaller",			1000, 10,	0 },
	{ "small to medium",		8, 5000,	5000 },
	{ "the last power of two",	12288, 12289,	16384 },
	{ "nearly large",		20480, 20481,	24576 },
	{ "room is large",		24576, 24577,	32768 },
	{ "small to large",		32768, 32769,	49152 },
	{ "within the last page",	33000, 40960,	0 },
	{ "large to larger",		40960, 40961,	57344 },
	{ "room would be too large",	SZ_1M * 3, SZ_1M * 3 + 1,
	  SZ_1M * 3 + 1 },
	{ "large to largest",		SZ_1M, SZ_4M,	SZ_4M },
	{ "large to small",		SZ_1M, 1,	0 },
};

KUNIT_ARRAY_PARAM_DESC(realloc, realloc_cases, name);

/* Make sure that the next object of this size does not happen to be zero. */
static void leave_dirty(struct kunit *test, size_t size, bool noscan)
{
	void *p = noscan ? gomem_alloc_noscan(size, GFP_KERNEL) :
			   gomem_alloc(size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0x55, gomem_usable_size(p));
	gomem_free(p);
}

static void realloc_one(struct kunit *test, bool noscan, bool zero)
{
	const struct realloc_case *c = test->param_value;
	gfp_t gfp = GFP_KERNEL | (zero ? __GFP_ZERO : 0);
	size_t kept = min(c->from, c->to), usable;
	void *p, *q, *r;

	p = noscan ? gomem_alloc_noscan(c->from, gfp) :
		     gomem_alloc(c->from, gfp);
	expect_object(test, p, c->from);
	memset(p, 0x77, c->from);
	if (c->room)
		leave_dirty(test, c->room, noscan);
	q = gomem_realloc(p, c->to, gfp);
	KUNIT_ASSERT_NOT_NULL(test, q);
	usable = gomem_usable_size(q);
	/*
	 * A large object may also grow in place. If too few pages after it are
	 * free for a size of c->room, it grows only to c->to.
	 */
	if (c->from <= GOMEM_SMALL_MAX || !c->room)
		KUNIT_EXPECT_EQ(test, c->room != 0, p != q);
	if (p != q || !c->room || usable != want_usable(c->to))
		KUNIT_EXPECT_EQ(test, want_usable(c->room ?: c->from), usable);
	KUNIT_EXPECT_TRUE(test, !memchr_inv(q, 0x77, kept));
	if (zero)
		KUNIT_EXPECT_TRUE(test, is_zero(q + kept, usable - kept));
	KUNIT_EXPECT_EQ(test, noscan, is_noscan(q));

	/*
	 * Resize the object to its usable size. It must not move, since its
	 * last bytes belong to it already.
	 */
	r = gomem_realloc(q, usable, gfp);
	KUNIT_EXPECT_PTR_EQ(test, q, r);
	if (zero)
		KUNIT_EXPECT_TRUE(test, is_zero(q + kept, usable - kept));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR, gomem_realloc(q, 0, gfp));
}

static void test_realloc(struct kunit *test)
{
	realloc_one(test, false, false);
	realloc_one(test, true, false);
	realloc_one(test, false, true);
	realloc_one(test, true, true);
}

/* Grow an object by a quarter each time, up to the largest size. */
static void test_realloc_grow(struct kunit *test)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO;
	size_t size, had = 0, last = 0;
	u8 *p = NULL, *old;

	for (size = 10000; size <= GOMEM_MAX_SIZE; size += size / 4) {
		old = p;
		p = gomem_realloc(p, size, gfp);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_GE(test, gomem_usable_size(p), size);
		KUNIT_EXPECT_LE(test, gomem_usable_size(p),
				size + size / 2 + GOMEM_PAGE_SIZE);
		KUNIT_EXPECT_TRUE(test, !memchr_inv(p, 0x77, last));
		KUNIT_EXPECT_TRUE(test, is_zero(p + last,
						gomem_usable_size(p) - last));
		if (size <= had)
			KUNIT_EXPECT_PTR_EQ(test, old, p);
		had = gomem_usable_size(p);
		last = size;
		memset(p, 0x77, size);
	}
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, GOMEM_MAX_SIZE + 1,
					      GFP_KERNEL | __GFP_NOWARN));
	expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 1);
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, GOMEM_MAX_SIZE,
					      GFP_KERNEL | __GFP_DMA));
	expect_misuses(test, GOMEM_BAD_GFP, 1);
	KUNIT_EXPECT_EQ(test, had, gomem_usable_size(p));
	KUNIT_EXPECT_TRUE(test, !memchr_inv(p, 0x77, last));
	expect_sound(test);

	gomem_free(p + GOMEM_PAGE_SIZE);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);
	gomem_free(p);
	gomem_free(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, GOMEM_MAX_SIZE, GFP_KERNEL));
	expect_misuses(test, GOMEM_USE_AFTER_FREE, 1);
	expect_sound(test);
}

/*
 * Grow an object again and again, while another object may lie behind it.
 * Whether it grows in place or moves, its span and its contents are right.
 */
static void test_realloc_in_place(struct kunit *test)
{
	struct gomem_span *s;
	u8 *p, *q, *behind = NULL;
	unsigned int i;

	p = gomem_alloc(SZ_1M, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0x77, SZ_1M);
	for (i = 0; i < 64; i++) {
		q = gomem_realloc(p, gomem_usable_size(p) + 1, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, q);
		s = span_at(q);
		KUNIT_EXPECT_EQ(test, s->elemsize, gomem_usable_size(q));
		KUNIT_EXPECT_PTR_EQ(test, s, span_at(q + s->elemsize - 1));
		if (p != q)
			KUNIT_EXPECT_FALSE(test, gomem_owns(p));
		p = q;
		if (gomem_usable_size(p) > SZ_2M)
			break;
		gomem_free(behind);
		behind = gomem_alloc(40000, GFP_KERNEL);
	}
	KUNIT_EXPECT_TRUE(test, !memchr_inv(p, 0x77, SZ_1M));
	expect_sound(test);
	gomem_free(behind);
	gomem_free(p);
	expect_sound(test);
}

static void test_realloc_nothing(struct kunit *test)
{
	void *p = gomem_realloc(NULL, 100, GFP_KERNEL);
	void *q = gomem_realloc(ZERO_SIZE_PTR, 100, GFP_KERNEL | __GFP_ZERO);

	expect_object(test, p, 100);
	expect_object(test, q, 100);
	KUNIT_EXPECT_TRUE(test, is_zero(q, 112));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
			    gomem_realloc(NULL, 0, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, ZERO_SIZE_PTR,
			    gomem_realloc(ZERO_SIZE_PTR, 0, GFP_KERNEL));

	/* A failed gomem_realloc() leaves the object as it is. */
	fill(p, 112);
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, SZ_4M + 1,
					      GFP_KERNEL | __GFP_NOWARN));
	expect_misuses(test, GOMEM_SIZE_TOO_LARGE, 1);
	KUNIT_EXPECT_NULL(test, gomem_realloc(p, 1000, GFP_KERNEL | __GFP_DMA));
	expect_misuses(test, GOMEM_BAD_GFP, 1);
	KUNIT_EXPECT_TRUE(test, is_filled(p, 112));
	gomem_free(p);
	gomem_free(q);
}

/* Copies */

static void test_memdup(struct kunit *test)
{
	static const size_t sizes[] = {
		1, 8, 100, 1024, 20000, 32768, 50000, SZ_1M,
	};
	unsigned int i;
	u8 *src, *p;

	src = get_object(test, SZ_1M);
	for (i = 0; i < SZ_1M; i++)
		src[i] = i * 7 + (i >> 8);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = gomem_memdup(src, sizes[i], GFP_KERNEL);
		expect_object(test, p, sizes[i]);
		KUNIT_EXPECT_FALSE(test, is_noscan(p));
		KUNIT_EXPECT_EQ(test, 0, memcmp(p, src, sizes[i]));
		gomem_free(p);
	}
	gomem_free(src);
}

static void test_strdup(struct kunit *test)
{
	struct fixture *f = test->priv;
	char *src = get_object(test, 5000), *p;
	size_t len;

	for (len = 0; len < 5000; len += 1 + below(&f->rnd, 200)) {
		memset(src, 'x', len);
		src[len] = 0;
		p = gomem_strdup(src, GFP_KERNEL);
		expect_object(test, p, len + 1);
		KUNIT_EXPECT_TRUE(test, is_noscan(p));
		KUNIT_EXPECT_STREQ(test, src, p);
		gomem_free(p);
	}
	KUNIT_EXPECT_NULL(test, gomem_strdup(NULL, GFP_KERNEL));
	gomem_free(src);
}

static struct kunit_case resize_cases[] = {
	KUNIT_CASE_PARAM(test_realloc, realloc_gen_params),
	KUNIT_CASE(test_realloc_grow),
	KUNIT_CASE(test_realloc_in_place),
	KUNIT_CASE(test_realloc_nothing),
	KUNIT_CASE(test_memdup),
	KUNIT_CASE(test_strdup),
	{}
};

static struct kunit_suite resize_suite = {
	.name = "gomem_resize",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = resize_cases,
};

kunit_test_suite(resize_suite);
