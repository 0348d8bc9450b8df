// SPDX-License-Identifier: GPL-2.0
/*
 * pagemap_kunit.c - tables that grow, and lookups in the page map while it
 * grows.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/table.h"
#include "heap/pagealloc.h"
#include "map/pagemap.h"

#define WORDS		GOMEM_TABLE_WORDS
#define BASE		0x7000000000UL
#define MAX_NODES	8

struct pagemap_fixture {
	struct gomem_pagemap map;
	struct gomem_table table;
	struct gomem_pagealloc pa[MAX_NODES];
	struct gomem_chunk *chunk;
	spinlock_t lock;	/* protects pa */
};

static int cover_map(struct pagemap_fixture *f, unsigned long first,
		     unsigned long end)
{
	int err;

	mutex_lock(&f->map.mutex);
	err = gomem_pagemap_cover(&f->map, first, end, NUMA_NO_NODE);
	mutex_unlock(&f->map.mutex);
	return err;
}

/* Tables */

/*
 * Replace the fixture's table by one that also covers the words @first to
 * @end - 1. Return the old table, whose mapping stays valid until the caller
 * passes it to gomem_table_unmap().
 */
static struct gomem_table extend(struct kunit *test, unsigned long first,
				 unsigned long end)
{
	struct gomem_table_range range = { first, end, NUMA_NO_NODE };
	struct pagemap_fixture *f = test->priv;
	struct gomem_table old = f->table, new;

	KUNIT_ASSERT_EQ(test, 0, gomem_table_extend(&old, &new, &range,
						    &f->map.zero_blank));
	f->table = new;
	return old;
}

static void test_table_extend(struct kunit *test)
{
	struct pagemap_fixture *f = test->priv;
	struct gomem_table old = extend(test, 5, 6);

	KUNIT_EXPECT_NULL(test, old.word);
	KUNIT_EXPECT_EQ(test, 1UL, f->table.nr_pages);
	KUNIT_EXPECT_EQ(test, 0UL, f->table.word[0] | f->table.word[WORDS - 1]);
	f->table.word[5] = 55;

	/*
	 * Extend the table beyond a gap of three pages. The gap has no pages of
	 * its own: it maps a shared page of zeroes.
	 */
	old = extend(test, 4 * WORDS, 4 * WORDS + 1);
	KUNIT_EXPECT_EQ(test, 5UL, f->table.nr_pages);
	KUNIT_EXPECT_EQ(test, 2UL, f->table.own_pages);
	KUNIT_EXPECT_EQ(test, 55UL, f->table.word[5]);
	KUNIT_EXPECT_EQ(test, 0UL, f->table.word[2 * WORDS + 7]);
	KUNIT_EXPECT_FALSE(test, gomem_table_covers(&f->table, WORDS,
						    &f->map.zero_blank));
	KUNIT_EXPECT_TRUE(test, gomem_table_covers(&f->table, 5 * WORDS - 1,
						   &f->map.zero_blank));
	KUNIT_EXPECT_FALSE(test, gomem_table_covers(&f->table, 5 * WORDS,
						    &f->map.zero_blank));
	gomem_table_unmap(&old);
}

/*
 * The old and the new mapping map the same words: a write through one of them
 * is seen through the other.
 */
static void test_table_shares(struct kunit *test)
{
	struct pagemap_fixture *f = test->priv;
	struct gomem_table old;

	extend(test, 5, 6);
	old = extend(test, 4 * WORDS, 4 * WORDS + 1);
	old.word[6] = 66;
	f->table.word[7] = 77;
	KUNIT_EXPECT_EQ(test, 66UL, f->table.word[6]);
	KUNIT_EXPECT_EQ(test, 77UL, old.word[7]);
	gomem_table_unmap(&old);
	KUNIT_EXPECT_EQ(test, 66UL, f->table.word[6]);
}

static void test_table_extend_in_gap(struct kunit *test)
{
	struct pagemap_fixture *f = test->priv;
	struct gomem_table old;

	extend(test, 5, 6);
	old = extend(test, 4 * WORDS, 4 * WORDS + 1);
	gomem_table_unmap(&old);
	f->table.word[4 * WORDS] = 44;
	old = extend(test, 2 * WORDS, 3 * WORDS);
	KUNIT_EXPECT_EQ(test, 5UL, f->table.nr_pages);
	KUNIT_EXPECT_EQ(test, 3UL, f->table.own_pages);
	KUNIT_EXPECT_EQ(test, 44UL, f->table.word[4 * WORDS]);
	f->table.word[2 * WORDS + 7] = 1;
	KUNIT_EXPECT_EQ(test, 0UL, f->table.word[1 * WORDS + 7]);
	KUNIT_EXPECT_EQ(test, 0UL, f->table.word[3 * WORDS + 7]);
	gomem_table_unmap(&old);
	KUNIT_EXPECT_TRUE(test,
			  !memchr_inv(page_address(f->map.zero), 0, PAGE_SIZE));
}

static void test_table_undo(struct kunit *test)
{
	struct gomem_table_range range = { WORDS, 3 * WORDS, NUMA_NO_NODE };
	struct pagemap_fixture *f = test->priv;
	struct gomem_table new;

	extend(test, 0, 1);
	f->table.word[0] = 1;
	KUNIT_ASSERT_EQ(test, 0, gomem_table_extend(&f->table, &new, &range,
						    &f->map.zero_blank));
	gomem_table_undo(&f->table, &new, &f->map.zero_blank);
	KUNIT_EXPECT_EQ(test, 1UL, f->table.nr_pages);
	KUNIT_EXPECT_EQ(test, 1UL, f->table.own_pages);
	KUNIT_EXPECT_EQ(test, 1UL, f->table.word[0]);
}

/* The map */

static unsigned long addr_of(unsigned long ci)
{
	return BASE + (ci << GOMEM_CHUNK_SHIFT);
}

static struct gomem_chunk *chunk_at(struct pagemap_fixture *f, unsigned long ci)
{
	return gomem_pagemap_chunk(&f->map, addr_of(ci) + GOMEM_CHUNK_SIZE - 1);
}

/* Expect that each way to look up a chunk and its tags finds @c. */
static void expect_chunk(struct kunit *test, unsigned long ci,
			 const struct gomem_chunk *c)
{
	struct pagemap_fixture *f = test->priv;
	unsigned long entry = f->map.entry[ci], addr;
	unsigned int i;

	KUNIT_ASSERT_PTR_EQ(test, c,
			    (const struct gomem_chunk *)chunk_at(f, ci));
	KUNIT_ASSERT_PTR_EQ(test, c, (const struct gomem_chunk *)
			    gomem_pagemap_nth_chunk(&f->map, ci));
	for (i = 0; i < GOMEM_CHUNK_PAGES; i += 73) {
		addr = addr_of(ci) + i * GOMEM_PAGE_SIZE + 5;
		KUNIT_ASSERT_PTR_EQ(test, c, (const struct gomem_chunk *)
				    gomem_pagemap_entry_chunk(entry, addr));
		KUNIT_ASSERT_EQ(test, c->tag[i],
				gomem_pagemap_tag(entry, addr));
	}
}

static const unsigned long places[] = {
	0, 1, 511, 512, 1023, 1024, 1700, 5000, 70000,
};

static void test_map_places(struct kunit *test)
{
	struct pagemap_fixture *f = test->priv;
	unsigned int i, k;

	KUNIT_EXPECT_NULL(test, chunk_at(f, 0));
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		KUNIT_ASSERT_EQ(test, 0,
				cover_map(f, places[i], places[i] + 1));
		expect_chunk(test, places[i], &gomem_no_chunk);
		for (k = 0; k < GOMEM_CHUNK_PAGES; k++)
			f->chunk[i].tag[k] = places[i] * GOMEM_CHUNK_PAGES + k;
		KUNIT_EXPECT_PTR_EQ(test, &f->chunk[i],
				    gomem_pagemap_register(&f->map, places[i],
							   &f->chunk[i]));
		/*
		 * A second registration returns the chunk that was registered
		 * first.
		 */
		KUNIT_EXPECT_PTR_EQ(test, &f->chunk[i],
				    gomem_pagemap_register(&f->map, places[i],
							   &f->chunk[99]));
		for (k = 0; k <= i; k++)
			expect_chunk(test, places[k], &f->chunk[k]);
	}
	/* There are no chunks in the gaps, covered or not. */
	expect_chunk(test, 2, &gomem_no_chunk);
	expect_chunk(test, 3000, &gomem_no_chunk);
	expect_chunk(test, 69000, &gomem_no_chunk);
	KUNIT_EXPECT_NULL(test, gomem_pagemap_chunk(&f->map, BASE - 1));
	KUNIT_EXPECT_NULL(test, gomem_pagemap_chunk(&f->map, 0));
	KUNIT_EXPECT_NULL(test, gomem_pagemap_chunk(&f->map, ULONG_MAX));
}

struct reader {
	struct pagemap_fixture *f;
	unsigned long ready;	/* number of registered chunks */
	unsigned long looks;
	unsigned long wrong;
};

/*
 * Look up addresses without a lock, as gomem_free() does, while
 * test_map_grows() extends the map. Look in turn in the last chunk that the map
 * covers, and in a registered chunk.
 */
static int read_map(void *arg)
{
	struct reader *r = arg;
	struct gomem_pagemap *map = &r->f->map;
	unsigned long ci = 0, nr, known;
	struct gomem_chunk *c;

	while (!kthread_should_stop()) {
		/* Pairs with smp_store_release() in test_map_grows(). */
		known = smp_load_acquire(&r->ready);
		nr = READ_ONCE(map->nr_chunks);
		/*
		 * Look up the last chunk that the map covers now. If the lookup
		 * used the old, shorter table, it would read beyond its end.
		 */
		c = nr ? gomem_pagemap_chunk(map, addr_of(nr - 1)) : NULL;
		r->wrong += nr && !c;
		c = known ? gomem_pagemap_chunk(map,
						addr_of(ci % known * WORDS)) :
			    NULL;
		r->wrong += known && c != &r->f->chunk[ci % known];
		ci++;
		if (++r->looks % 1000 == 0)
			cond_resched();
	}
	return 0;
}

#define GROWTHS	40

static void test_map_grows(struct kunit *test)
{
	struct pagemap_fixture *f = test->priv;
	struct reader r = { .f = f };
	struct task_struct *task;
	unsigned long i, before = 0;
	int err = 0;

	f->map.live = true;
	task = kthread_run(read_map, &r, "gomem_test/map");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < GROWTHS && !err; i++) {
		err = cover_map(f, i * WORDS, i * WORDS + 1);
		if (err)
			break;
		gomem_pagemap_register(&f->map, i * WORDS, &f->chunk[i]);
		/*
		 * Publish the chunk, as if a pointer into it was handed out.
		 * Pairs with smp_load_acquire() in read_map().
		 */
		smp_store_release(&r.ready, i + 1);
		while (READ_ONCE(r.looks) - before < 1000)
			schedule_timeout_uninterruptible(1);
		before = READ_ONCE(r.looks);
	}
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, 0, err);
	KUNIT_EXPECT_EQ(test, GROWTHS * WORDS, f->map.nr_chunks);
	KUNIT_EXPECT_EQ(test, 0UL, r.wrong);
	kunit_info(test, "%lu lookups", r.looks);
}

/* Memory of the tables */

/*
 * Make the tables for a machine whose @nodes nodes share @memory bytes. Return
 * how many bytes the tables take.
 */
static size_t table_bytes(struct kunit *test, unsigned long memory,
			  unsigned int nodes)
{
	unsigned long chunks = memory >> GOMEM_CHUNK_SHIFT,
		      share = chunks / nodes;
	struct pagemap_fixture *f = test->priv;
	size_t bytes;
	unsigned int i;

	for (i = 0; i < nodes; i++) {
		gomem_pagealloc_init(&f->pa[i], &f->map, (struct gomem_heap *)f,
				     &f->lock);
		mutex_lock(&f->map.mutex);
		KUNIT_EXPECT_EQ(test, 0,
				gomem_pagemap_cover(&f->map, i * share,
						    (i + 1) * share,
						    NUMA_NO_NODE));
		KUNIT_EXPECT_EQ(test, 0,
				gomem_pagealloc_cover(&f->pa[i], i * share,
						      (i + 1) * share,
						      NUMA_NO_NODE));
		mutex_unlock(&f->map.mutex);
	}
	bytes = gomem_pagemap_bytes(&f->map);
	for (i = 0; i < nodes; i++)
		bytes += gomem_pagealloc_bytes(&f->pa[i]);
	kunit_info(test, "%lu GiB on %u nodes: %zu KiB", memory >> 30, nodes,
		   bytes >> 10);
	return bytes;
}

static const struct size_case {
	unsigned long memory;
	unsigned int nodes;
	size_t most;
} size_cases[] = {
	{ SZ_1G,	1, 15 * SZ_4K },
	{ SZ_1T,	1, 5 * SZ_1M },
	{ SZ_1T,	8, 5 * SZ_1M + SZ_512K },
};

static void size_desc(const struct size_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%lu GiB, %u nodes",
		 c->memory >> 30, c->nodes);
}

KUNIT_ARRAY_PARAM(size, size_cases, size_desc);

static void test_size(struct kunit *test)
{
	const struct size_case *c = test->param_value;

	KUNIT_EXPECT_LE(test, table_bytes(test, c->memory, c->nodes), c->most);
}

static int pagemap_init(struct kunit *test)
{
	struct pagemap_fixture *f = kvzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	test->priv = f;
	spin_lock_init(&f->lock);
	f->chunk = kvcalloc(100, sizeof(*f->chunk), GFP_KERNEL);
	return f->chunk ? gomem_pagemap_init(&f->map, BASE) : -ENOMEM;
}

static void pagemap_exit(struct kunit *test)
{
	struct pagemap_fixture *f = test->priv;
	unsigned int i;

	if (!f)
		return;
	for (i = 0; i < MAX_NODES; i++)
		gomem_pagealloc_destroy(&f->pa[i]);
	if (f->table.word)
		gomem_table_destroy(&f->table, &f->map.zero_blank);
	gomem_pagemap_destroy(&f->map);
	kvfree(f->chunk);
	kvfree(f);
}

static struct kunit_case pagemap_cases[] = {
	KUNIT_CASE(test_table_extend),
	KUNIT_CASE(test_table_shares),
	KUNIT_CASE(test_table_extend_in_gap),
	KUNIT_CASE(test_table_undo),
	KUNIT_CASE(test_map_places),
	KUNIT_CASE(test_map_grows),
	KUNIT_CASE_PARAM(test_size, size_gen_params),
	{}
};

static struct kunit_suite pagemap_suite = {
	.name = "gomem_pagemap",
	.init = pagemap_init,
	.exit = pagemap_exit,
	.test_cases = pagemap_cases,
};

kunit_test_suite(pagemap_suite);
