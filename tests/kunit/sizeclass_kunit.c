// SPDX-License-Identifier: GPL-2.0
/*
 * sizeclass_kunit.c - the size classes, compared with a second implementation
 * of their rules. The class of each size and the object at each offset are
 * compared with plain loops and divisions.
 *
 * The loops go over all sizes and offsets. They stop at the first wrong value,
 * instead of making an expectation for each value.
 */
#include <kunit/test.h>
#include <linux/log2.h>
#include <linux/minmax.h>

#include "api/tiny.h"
#include "base/sizeclass.h"
#include "map/chunk.h"

/*
 * A size class that is computed by the rules, not read from the tables: bytes
 * of an object, and of a span of usual length.
 */
struct rule_class {
	u32 size;
	u32 span;
};

static u32 rule_nelems(const struct rule_class *c)
{
	return c->span / c->size;
}

/*
 * Return the distance from a possible class size to the next one. It is 8 below
 * 32. From 32 on, it is an eighth of the power of two at or below @size, but at
 * least 16 and at most 256.
 */
static u32 rule_step(u32 size)
{
	if (size < 32)
		return 8;
	return clamp_t(u32, rounddown_pow_of_two(size) / 8, 16, 256);
}

/*
 * Return the length of the shortest span whose tail is at most an eighth of it.
 */
static u32 rule_span(u32 size)
{
	u32 pages = 1;

	while (pages * 8192 % size * 8 > pages * 8192)
		pages++;
	return pages * 8192;
}

/* List the classes from 1 on. Return their number, including class 0. */
static unsigned int rule_classes(struct rule_class *class, unsigned int max)
{
	unsigned int nr = 1;
	unsigned int i;
	u32 size;

	for (size = 8; size <= 32768 && nr < max; size += rule_step(size)) {
		struct rule_class new = { .size = size,
					  .span = rule_span(size) };

		/*
		 * If the spans of the last size and of the new size have the
		 * same length and the same number of objects, drop the last,
		 * smaller size.
		 */
		if (nr > 1 && class[nr - 1].span == new.span &&
		    rule_nelems(&class[nr - 1]) == rule_nelems(&new))
			nr--;
		class[nr++] = new;
	}

	/*
	 * Enlarge the objects of each class, so that they share the tail of the
	 * span. An enlarged size is a multiple of 128 bytes.
	 */
	for (i = 1; i < nr; i++) {
		u32 share = class[i].span / rule_nelems(&class[i]);

		class[i].size = max(class[i].size, share - share % 128);
	}
	return nr;
}

static void test_tables_follow_rules(struct kunit *test)
{
	const unsigned int max = 2 * GOMEM_NR_SIZE_CLASSES;
	struct rule_class *class;
	unsigned int nr, i;

	class = kunit_kcalloc(test, max, sizeof(*class), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, class);
	nr = rule_classes(class, max);
	KUNIT_ASSERT_EQ(test, nr, GOMEM_NR_SIZE_CLASSES);

	for (i = 1; i < nr; i++) {
		KUNIT_EXPECT_EQ_MSG(test, gomem_class_size(i), class[i].size,
				    "class %u", i);
		KUNIT_EXPECT_EQ_MSG(test, gomem_class_span_bytes(i),
				    class[i].span, "class %u", i);
		KUNIT_EXPECT_EQ_MSG(test, gomem_class_nelems(i),
				    rule_nelems(&class[i]), "class %u", i);
		KUNIT_EXPECT_EQ_MSG(test, gomem_class_divmul(i),
				    DIV_ROUND_UP_ULL(1ULL << 32, class[i].size),
				    "class %u", i);
	}
}

/*
 * Compare sums over the tables with those of the Go runtime, whose classes
 * gomem uses.
 */
static void test_checksums(struct kunit *test)
{
	unsigned int sizes = 0, pages = 0, class8 = 0, class128 = 0;
	unsigned int i;

	for (i = 0; i < GOMEM_NR_SIZE_CLASSES; i++) {
		sizes += gomem_class_size(i);
		pages += gomem_class_pages(i);
	}
	for (i = 0; i < GOMEM_CLASS8_LEN; i++)
		class8 += gomem_size_to_slot8[i] >> GOMEM_CLASS_SHIFT;
	for (i = 0; i < GOMEM_CLASS128_LEN; i++)
		class128 += gomem_size_to_class128[i];

	KUNIT_EXPECT_EQ(test, sizes, 372768);
	KUNIT_EXPECT_EQ(test, pages, 168);
	KUNIT_EXPECT_EQ(test, GOMEM_CLASS8_LEN, 129);
	KUNIT_EXPECT_EQ(test, class8, 2972);
	KUNIT_EXPECT_EQ(test, GOMEM_CLASS128_LEN, 249);
	KUNIT_EXPECT_EQ(test, class128, 14342);
}

static void test_class0_is_empty(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, gomem_class_size(0), 0);
	KUNIT_EXPECT_EQ(test, gomem_class_pages(0), 0);
	KUNIT_EXPECT_EQ(test, gomem_class_nelems(0), 0);
	KUNIT_EXPECT_EQ(test, gomem_class_tail(0), 0);
	KUNIT_EXPECT_EQ(test, gomem_class_divmul(0), 0);
	KUNIT_EXPECT_EQ(test, gomem_class_limit(0), 0);
	KUNIT_EXPECT_EQ(test, gomem_sizeclass(0), 0);
}

static void test_geometry(struct kunit *test)
{
	unsigned int longest = 0;
	unsigned int i;

	for (i = 1; i < GOMEM_NR_SIZE_CLASSES; i++) {
		u32 size = gomem_class_size(i);
		u32 span = gomem_class_span_bytes(i);
		u32 used = gomem_class_nelems(i) * size;

		KUNIT_EXPECT_GT_MSG(test, size, gomem_class_size(i - 1),
				    "class %u", i);
		KUNIT_EXPECT_LE_MSG(test, used, span, "class %u", i);
		KUNIT_EXPECT_EQ_MSG(test, gomem_class_tail(i), span - used,
				    "class %u", i);
		KUNIT_EXPECT_LE_MSG(test, gomem_class_tail(i), span / 8,
				    "class %u", i);
		KUNIT_EXPECT_LE_MSG(test, gomem_class_nelems(i),
				    GOMEM_SPAN_MAX_OBJECTS, "class %u", i);
		longest = max(longest, gomem_class_pages(i));
	}
	KUNIT_EXPECT_EQ(test, gomem_class_size(2), 16);
	KUNIT_EXPECT_EQ(test, gomem_class_size(GOMEM_NR_SIZE_CLASSES - 1),
			GOMEM_SMALL_MAX);
	KUNIT_EXPECT_EQ(test, longest, GOMEM_CLASS_MAX_PAGES);
}

/*
 * kmalloc() aligns an object to its size if the size is a power of two. Objects
 * of gomem have the alignment of their class. So to keep that alignment, each
 * power of two from 8 to GOMEM_SMALL_MAX must be a class.
 */
static void test_powers_of_two(struct kunit *test)
{
	u32 size;

	for (size = 8; size <= GOMEM_SMALL_MAX; size *= 2)
		KUNIT_EXPECT_EQ(test, gomem_class_size(gomem_sizeclass(size)),
				size);
}

/*
 * In a page-aligned span, each object is aligned to the lowest set bit of its
 * class's size, but to no more than a page. That is at least 8 bytes, and at
 * least 128 bytes for sizes of more than 1024 bytes.
 */
static void test_slot_alignment(struct kunit *test)
{
	unsigned int i, k;

	for (i = 1; i < GOMEM_NR_SIZE_CLASSES; i++) {
		u32 size = gomem_class_size(i);
		u32 align = min(size & -size, (u32)GOMEM_PAGE_SIZE);

		KUNIT_EXPECT_GE_MSG(test, align, size > 1024 ? 128 : 8,
				    "class %u", i);
		for (k = 0; k < gomem_class_nelems(i); k++)
			if (k * size % align)
				KUNIT_FAIL(test, "class %u: object %u", i, k);
	}
}

static void test_every_size(struct kunit *test)
{
	unsigned int want = 1;
	size_t size;

	for (size = 1; size <= GOMEM_SMALL_MAX; size++) {
		if (gomem_class_size(want) < size)
			want++;
		if (gomem_sizeclass(size) == want &&
		    __gomem_class_const(size) == want)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, gomem_sizeclass(size), want,
				    "size %zu", size);
		KUNIT_EXPECT_EQ_MSG(test, __gomem_class_const(size), want,
				    "size %zu", size);
		return;
	}
	KUNIT_EXPECT_EQ(test, want, GOMEM_NR_SIZE_CLASSES - 1);
}

/*
 * Sizes at the borders between classes, and on both sides of 1016 bytes, the
 * last size that gomem_sizeclass() looks up in the first of its two tables.
 * Each has the class that it has in the Go runtime.
 */
static void test_known_sizes(struct kunit *test)
{
	static const struct {
		u16 size;
		u8 class;
	} known[] = {
		{     1,  1 }, {     8,  1 }, {     9,  2 }, {    16,  2 },
		{    17,  3 }, {    24,  3 }, {    25,  4 }, {    33,  5 },
		{    49,  6 }, {   512, 26 }, {   513, 27 }, {  1016, 32 },
		{  1017, 32 }, {  1024, 32 }, {  1025, 33 }, {  1153, 34 },
		{  4096, 44 }, {  4097, 45 }, {  4865, 46 }, {  8193, 52 },
		{ 27265, 66 }, { 28673, 67 }, { 32768, 67 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		KUNIT_EXPECT_EQ_MSG(test, gomem_sizeclass(known[i].size),
				    known[i].class, "size %u", known[i].size);
}

/*
 * Each of these lines fails to compile if the compiler does not reduce the call
 * to a constant.
 */
static void test_constants_fold(struct kunit *test)
{
	BUILD_BUG_ON(__gomem_class_const(0) != 0);
	BUILD_BUG_ON(__gomem_class_const(1) != 1);
	BUILD_BUG_ON(__gomem_class_const(100) != 9);
	BUILD_BUG_ON(__gomem_class_const(1024) != 32);
	BUILD_BUG_ON(__gomem_class_const(GOMEM_SMALL_MAX) !=
		     GOMEM_NR_SIZE_CLASSES - 1);
	BUILD_BUG_ON(__gomem_class_const(GOMEM_SMALL_MAX + 1) != 0);
	BUILD_BUG_ON(__gomem_class_const(SIZE_MAX) != 0);
}

static void class_desc(const u16 *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "class %u, size %u",
		 (unsigned int)(size - gomem_class_to_size), *size);
}

KUNIT_ARRAY_PARAM(class, gomem_class_to_size, class_desc);

static unsigned int param_class(struct kunit *test)
{
	return (const u16 *)test->param_value - gomem_class_to_size;
}

/*
 * gomem_div() is correct for each offset in a span, and for the first offset
 * after the span.
 */
static void test_every_offset_divides(struct kunit *test)
{
	unsigned int class = param_class(test);
	u32 size = gomem_class_size(class);
	u32 divmul = gomem_class_divmul(class);
	u32 offset;

	if (!class)
		return;
	for (offset = 0; offset <= gomem_class_span_bytes(class); offset++) {
		if (gomem_div(offset, divmul) != offset / size) {
			KUNIT_FAIL(test, "offset %u: index %u", offset,
				   gomem_div(offset, divmul));
			return;
		}
	}
}

/*
 * gomem_is_start() is true for the first byte of each object. It is false for
 * all other bytes, and in the tail.
 */
static void test_every_offset_starts(struct kunit *test)
{
	unsigned int class = param_class(test);
	u32 size = gomem_class_size(class);
	u32 divmul = gomem_class_divmul(class);
	u64 limit = gomem_class_limit(class);
	unsigned int starts = 0;
	u32 offset;

	for (offset = 0; offset <= gomem_class_span_bytes(class); offset++) {
		if (!gomem_is_start(offset, divmul, limit))
			continue;
		if (offset != starts * size) {
			KUNIT_FAIL(test, "offset %u taken for object %u",
				   offset, starts);
			return;
		}
		starts++;
	}
	KUNIT_EXPECT_EQ(test, starts, gomem_class_nelems(class));
}

static void test_roundupsize(struct kunit *test)
{
	size_t size;

	KUNIT_EXPECT_EQ(test, gomem_roundupsize(0), 0);
	KUNIT_EXPECT_EQ(test, gomem_roundupsize(1), 8);
	KUNIT_EXPECT_EQ(test, gomem_roundupsize(1017), 1024);
	KUNIT_EXPECT_EQ(test, gomem_roundupsize(GOMEM_SMALL_MAX),
			GOMEM_SMALL_MAX);
	KUNIT_EXPECT_EQ(test, gomem_roundupsize(GOMEM_SMALL_MAX + 1),
			GOMEM_SMALL_MAX + GOMEM_PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, gomem_roundupsize(5 * GOMEM_PAGE_SIZE),
			5 * GOMEM_PAGE_SIZE);

	for (size = 1; size <= GOMEM_SMALL_MAX; size++) {
		size_t got = gomem_roundupsize(size);

		if (got < size || gomem_roundupsize(got) != got) {
			KUNIT_FAIL(test, "size %zu: %zu", size, got);
			return;
		}
	}
}

/*
 * A size is rounded up if the result fits into size_t. A larger one is returned
 * as it is.
 */
static void test_roundupsize_overflow(struct kunit *test)
{
	const size_t last = SIZE_MAX - (GOMEM_PAGE_SIZE - 1);

	KUNIT_EXPECT_EQ(test, gomem_roundupsize(last - 1), last);
	KUNIT_EXPECT_EQ(test, gomem_roundupsize(last), last);
	KUNIT_EXPECT_EQ(test, gomem_roundupsize(last + 1), last + 1);
	KUNIT_EXPECT_EQ(test, gomem_roundupsize(SIZE_MAX), SIZE_MAX);
}

/* A span of scratch buffers has 32 KiB, and no tail. */
static void test_scratch_classes(struct kunit *test)
{
	unsigned int order, class;

	for (order = 0; order <= GOMEM_SCRATCH_MAX_ORDER; order++) {
		class = gomem_spc_class(gomem_scratch_spc(order));
		KUNIT_EXPECT_EQ(test, gomem_class_size(class),
				GOMEM_SCRATCH_SIZE(order));
		KUNIT_EXPECT_EQ(test, gomem_class_span_bytes(class), SZ_32K);
		KUNIT_EXPECT_EQ(test, gomem_class_nelems(class), 16 >> order);
		KUNIT_EXPECT_EQ(test, gomem_class_tail(class), 0);
	}
	KUNIT_EXPECT_EQ(test, class, GOMEM_TINY_CLASS - 1);
}

/*
 * The tail of a span of tiny blocks is long enough for a mask of 16 bits for
 * each block, in whole words.
 */
static void test_tiny_class(struct kunit *test)
{
	const unsigned int class = GOMEM_TINY_CLASS;

	KUNIT_EXPECT_EQ(test, class, GOMEM_HANDLE_CLASS - 1);
	KUNIT_EXPECT_EQ(test, gomem_class_size(class), 16);
	KUNIT_EXPECT_EQ(test, gomem_class_span_bytes(class), SZ_8K);
	KUNIT_EXPECT_EQ(test, gomem_class_nelems(class), GOMEM_TINY_BLOCKS);
	KUNIT_EXPECT_GE(test, gomem_class_tail(class), 456 * 2);
	KUNIT_EXPECT_LT(test, gomem_class_tail(class), 456 * 2 + 18);
	KUNIT_EXPECT_EQ(test, gomem_spc_class(GOMEM_TINY_SPC), class);
	KUNIT_EXPECT_TRUE(test, gomem_spc_noscan(GOMEM_TINY_SPC));
}

static void test_span_classes(struct kunit *test)
{
	unsigned int spc;

	KUNIT_EXPECT_EQ(test, GOMEM_NR_HEAP_SPANCLASSES, 136);
	KUNIT_EXPECT_EQ(test, GOMEM_NR_SPANCLASSES, 150);
	KUNIT_EXPECT_EQ(test, GOMEM_ARENA_SPC, GOMEM_NR_SPANCLASSES - 1);
	KUNIT_EXPECT_LE(test, GOMEM_NR_SPANCLASSES,
			(GOMEM_TAG_SPC_MASK >> GOMEM_TAG_SPC_SHIFT) + 1);
	KUNIT_EXPECT_EQ(test, gomem_spc_make(2, true), 5);
	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++) {
		unsigned int class = gomem_spc_class(spc);

		KUNIT_EXPECT_LT(test, class, GOMEM_NR_CLASSES);
		KUNIT_EXPECT_EQ(test, gomem_class_is_scratch(class),
				spc >= GOMEM_NR_HEAP_SPANCLASSES &&
					class < GOMEM_TINY_CLASS);
		KUNIT_EXPECT_EQ(test,
				gomem_spc_make(class, gomem_spc_noscan(spc)),
				spc);
	}
}

static struct kunit_case sizeclass_cases[] = {
	KUNIT_CASE(test_tables_follow_rules),
	KUNIT_CASE(test_checksums),
	KUNIT_CASE(test_class0_is_empty),
	KUNIT_CASE(test_geometry),
	KUNIT_CASE(test_powers_of_two),
	KUNIT_CASE(test_slot_alignment),
	KUNIT_CASE(test_every_size),
	KUNIT_CASE(test_known_sizes),
	KUNIT_CASE(test_constants_fold),
	KUNIT_CASE_PARAM(test_every_offset_divides, class_gen_params),
	KUNIT_CASE_PARAM(test_every_offset_starts, class_gen_params),
	KUNIT_CASE(test_roundupsize),
	KUNIT_CASE(test_roundupsize_overflow),
	KUNIT_CASE(test_scratch_classes),
	KUNIT_CASE(test_tiny_class),
	KUNIT_CASE(test_span_classes),
	{}
};

static struct kunit_suite sizeclass_suite = {
	.name = "gomem_sizeclass",
	.test_cases = sizeclass_cases,
};

kunit_test_suite(sizeclass_suite);
