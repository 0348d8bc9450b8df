// SPDX-License-Identifier: GPL-2.0
/*
 * shuffle_kunit.c - the order of new objects.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/gomem.h>
#include <linux/sizes.h>

#include "base/shuffle.h"
#include "run/epoch.h"

#define MOST	64U

/* After a shuffle, each object is in the array exactly once. */
static void test_all_there(struct kunit *test)
{
	void *objs[MOST];
	unsigned long which;
	unsigned int n, i;

	for (n = 0; n <= MOST; n++) {
		DECLARE_BITMAP(seen, MOST) = { };

		for (i = 0; i < n; i++)
			objs[i] = (void *)(unsigned long)i;
		gomem_shuffle_some(objs, n);
		for (i = 0; i < n; i++) {
			which = (unsigned long)objs[i];
			KUNIT_ASSERT_LT(test, which, (unsigned long)n);
			KUNIT_ASSERT_FALSE(test, test_and_set_bit(which, seen));
		}
	}
}

/*
 * Each of the 24 orders of four objects is as likely as any other: it comes
 * about 1000 times in 24000, with a standard deviation of 31.
 */
static void test_orders(struct kunit *test)
{
	unsigned int count[256] = { }, i, j, code, orders = 0;
	void *objs[4];

	for (i = 0; i < 24000; i++) {
		for (j = 0; j < 4; j++)
			objs[j] = (void *)(unsigned long)j;
		gomem_shuffle_some(objs, 4);
		for (j = 0, code = 0; j < 4; j++)
			code = code << 2 | (unsigned long)objs[j];
		count[code]++;
	}
	for (code = 0; code < ARRAY_SIZE(count); code++) {
		if (!count[code])
			continue;
		orders++;
		KUNIT_EXPECT_GT_MSG(test, count[code], 800U, "order %#x", code);
		KUNIT_EXPECT_LT_MSG(test, count[code], 1200U, "order %#x",
				    code);
	}
	KUNIT_EXPECT_EQ(test, 24U, orders);
}

/* Shuffles put each object in each of the 64 places about equally often. */
static void test_places(struct kunit *test)
{
	unsigned int *count, i, j;
	void *objs[MOST];

	count = kunit_kcalloc(test, MOST * MOST, sizeof(*count), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, count);
	for (i = 0; i < 100 * MOST; i++) {
		for (j = 0; j < MOST; j++)
			objs[j] = (void *)(unsigned long)j;
		gomem_shuffle_some(objs, MOST);
		for (j = 0; j < MOST; j++)
			count[j * MOST + (unsigned long)objs[j]]++;
	}
	/* Expect each count to be 100, with a standard deviation of 10. */
	for (i = 0; i < MOST * MOST; i++) {
		KUNIT_EXPECT_GT_MSG(test, count[i], 30U,
				    "place %u of object %u", i / MOST,
				    i % MOST);
		KUNIT_EXPECT_LT_MSG(test, count[i], 170U,
				    "place %u of object %u", i / MOST,
				    i % MOST);
	}
}

/*
 * A rotation keeps the objects in the order of their addresses, with the lowest
 * after the highest. Over many rotations, each object comes first about equally
 * often.
 */
static void test_rotate(struct kunit *test)
{
	unsigned int first[MOST] = { }, n, i, j, at;
	void *objs[MOST];

	for (n = 2; n <= MOST; n++) {
		for (j = 0; j < n; j++)
			objs[j] = (void *)(4096UL + 48 * j);
		gomem_shuffle_rotate(objs, n);
		at = ((unsigned long)objs[0] - 4096) / 48;
		for (j = 0; j < n; j++)
			KUNIT_ASSERT_EQ(test, 4096UL + (at + j) % n * 48,
					(unsigned long)objs[j]);
	}
	for (i = 0; i < 100 * MOST; i++) {
		for (j = 0; j < MOST; j++)
			objs[j] = (void *)(unsigned long)j;
		gomem_shuffle_rotate(objs, MOST);
		first[(unsigned long)objs[0]]++;
	}
	/* Expect each count to be 100, with a standard deviation of 10. */
	for (i = 0; i < MOST; i++) {
		KUNIT_EXPECT_GT_MSG(test, first[i], 30U, "object %u", i);
		KUNIT_EXPECT_LT_MSG(test, first[i], 170U, "object %u", i);
	}
}

static unsigned int get(struct gomem_cache *c, void **objs, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		objs[i] = gomem_cache_alloc(c, GFP_KERNEL);
		if (!objs[i])
			break;
	}
	return i;
}

/*
 * Allocate 64 objects one after the other. Return how many of the 63 successive
 * pairs are neighbours in memory.
 */
static unsigned int neighbours(struct kunit *test, size_t size)
{
	struct gomem_cache *c = gomem_cache_create("shuffle", size, NULL);
	unsigned int n, i, found = 0;
	void *objs[MOST];

	KUNIT_ASSERT_NOT_NULL(test, c);
	n = get(c, objs, MOST);
	KUNIT_EXPECT_EQ(test, MOST, n);
	for (i = 1; i < n; i++)
		found += abs(objs[i] - objs[i - 1]) < 2 * (long)size;
	gomem_cache_free_bulk(c, n, objs);
	gomem_cache_destroy(c);
	return found;
}

static void with_shuffle(struct kunit *test, bool on, size_t size)
{
	bool before = gomem_shuffle;
	unsigned int found;

	WRITE_ONCE(gomem_shuffle, on);
	found = neighbours(test, size);
	WRITE_ONCE(gomem_shuffle, before);
	/*
	 * In a shuffled batch of n objects, 2 * (n - 1) / n pairs, fewer than
	 * 2, are neighbours on average. Batches grow with the slot: the 64
	 * objects come in five batches at most. So on average fewer than 10 of
	 * the 63 pairs are neighbours.
	 */
	if (on)
		KUNIT_EXPECT_LT_MSG(test, found, 25U, "size %zu", size);
	else
		KUNIT_EXPECT_GE_MSG(test, found, 50U, "size %zu", size);
}

static void test_neighbours(struct kunit *test)
{
	static const size_t sizes[] = { 16, 48, 64, 104, 128 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		with_shuffle(test, false, sizes[i]);
		with_shuffle(test, true, sizes[i]);
	}
}

/*
 * Count pairs of neighbours among objects that are fetched in small batches.
 * Two span classes take turns, and each object is compared with the previous
 * one of its own span class. The noscan objects come from a slot: the first
 * refill after gomem_scavenge_all() takes one object, the next ones take few.
 * Objects allocated with __GFP_THISNODE bypass the slots: each is fetched
 * alone.
 */
static unsigned int neighbours_in_class(struct kunit *test, size_t size)
{
	gfp_t node_0 = GFP_KERNEL | __GFP_THISNODE;
	unsigned int n, i, found = 0;
	void *objs[MOST];

	gomem_scavenge_all();
	for (n = 0; n < MOST; n++) {
		objs[n] = n % 2 ? gomem_alloc_noscan(size, GFP_KERNEL) :
				  gomem_alloc_node(size, node_0, 0);
		KUNIT_ASSERT_NOT_NULL(test, objs[n]);
	}
	for (i = 2; i < n; i++)
		found += abs(objs[i] - objs[i - 2]) < 2 * (long)size;
	gomem_free_bulk(n, objs);
	return found;
}

/*
 * neighbours_in_class() compares 62 pairs of objects. A span has only 8 objects
 * of 3072 bytes. So even if the objects are shuffled, 15 to 30 of the pairs of
 * one round are neighbours by chance. The mean of ROUNDS rounds varies less.
 */
#define ROUNDS	5

static unsigned int neighbours_in_rounds(struct kunit *test, size_t size)
{
	unsigned int round, found = 0;

	for (round = 0; round < ROUNDS; round++)
		found += neighbours_in_class(test, size);
	return found;
}

static void test_small_batches(struct kunit *test)
{
	static const size_t sizes[] = { 208, 512, 768, 1024, 3072 };
	bool before = gomem_shuffle;
	unsigned int i, found;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		WRITE_ONCE(gomem_shuffle, false);
		found = neighbours_in_rounds(test, sizes[i]);
		KUNIT_EXPECT_GE_MSG(test, found, 40U * ROUNDS, "size %zu",
				    sizes[i]);
		WRITE_ONCE(gomem_shuffle, true);
		found = neighbours_in_rounds(test, sizes[i]);
		KUNIT_EXPECT_LT_MSG(test, found, 32U * ROUNDS, "size %zu",
				    sizes[i]);
	}
	WRITE_ONCE(gomem_shuffle, before);
}

/*
 * Allocate 32 objects at once from each of 40 new caches. Return how often the
 * first object has the lowest address.
 */
static unsigned int lowest_first(struct kunit *test, bool on)
{
	bool before = gomem_shuffle;
	unsigned int round, i, lowest = 0;
	struct gomem_cache *c;
	void *objs[32];

	WRITE_ONCE(gomem_shuffle, on);
	for (round = 0; round < 40; round++) {
		c = gomem_cache_create("shuffle", 48, NULL);
		KUNIT_ASSERT_NOT_NULL(test, c);
		KUNIT_ASSERT_EQ(test, 32UL,
				gomem_cache_alloc_bulk(c, GFP_KERNEL, 32,
						       objs));
		for (i = 1; i < 32 && objs[i] > objs[0]; i++)
			;
		lowest += i == 32;
		gomem_cache_free_bulk(c, 32, objs);
		gomem_cache_destroy(c);
	}
	WRITE_ONCE(gomem_shuffle, before);
	return lowest;
}

/*
 * If gomem shuffles, a bulk allocation of 32 objects starts with a random one
 * of them. In one or two of 40 caches, this object has the lowest address by
 * chance. Without shuffling, the first object has the lowest address in all 40
 * caches.
 */
static void test_at_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 40U, lowest_first(test, false));
	KUNIT_EXPECT_LT(test, lowest_first(test, true), 15U);
}

/* By default, gomem shuffles if the kernel's slab allocator does. */
static void test_default(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_SLAB_FREELIST_RANDOM),
			gomem_shuffle);
}

static struct kunit_case shuffle_cases[] = {
	KUNIT_CASE(test_all_there),
	KUNIT_CASE(test_orders),
	KUNIT_CASE(test_places),
	KUNIT_CASE(test_rotate),
	KUNIT_CASE(test_neighbours),
	KUNIT_CASE(test_small_batches),
	KUNIT_CASE(test_at_once),
	KUNIT_CASE(test_default),
	{ }
};

static struct kunit_suite shuffle_suite = {
	.name = "gomem_shuffle",
	.test_cases = shuffle_cases,
};

kunit_test_suite(shuffle_suite);
