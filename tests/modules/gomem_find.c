// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_find.c - measure the cost of finding free pages in small and large
 * heaps.
 *
 * gomem's page allocator is filled with 64 MiB to 16 GiB of pages, in several
 * patterns, and searched. The pages are only addresses, without memory, so any
 * machine can measure 16 GiB. Run the module under scripts/vm --accel=icount,
 * where the guest's clock advances one nanosecond per instruction. Then the
 * times are instruction counts, without cache misses.
 *
 * The patterns:
 *
 *	end	all pages are in use, except page 0 and the last chunk
 *	random	each page is free with probability 1/2, except every 16th,
 *		which is in use; the last chunk is free
 *	comb	every other page is free; the last chunk is free
 *	short	runs of n - 1 pages are free everywhere; the last chunk is free
 *	none	like short, but the last chunk is like the others
 *	empty	all pages are free
 *
 * n is the number of pages to find. A line of the log has the cost of one
 * operation at each heap size, and the largest ratio of a cost to the cost at
 * the smallest size. The operations:
 *
 *	find	find_lowest(), with a search hint of 0: the search begins at the
 *		first page
 *	pair	gomem_pagealloc_alloc() and gomem_pagealloc_free(), with the
 *		search hint that the previous pair left
 *	group	gomem_pagealloc_alloc_group() and
 *		gomem_pagealloc_free_group(), with at most n pages
 */
#define pr_fmt(fmt) "gomem_find: " fmt

#include <kunit/visibility.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

/*
 * gomem exports the functions under test only on kernels with KUnit. So this
 * module has its own copy of them, which exports nothing.
 */
#undef EXPORT_SYMBOL_IF_KUNIT
#define EXPORT_SYMBOL_IF_KUNIT(...)
#include "base/pallocbits.c"
#include "base/table.c"
#include "map/pagemap.c"
#include "heap/pagealloc_cover.c"
#include "heap/pagealloc_tree.c"
#include "heap/pagealloc.c"

#define REPEAT	5
#define LOOPS	100

/* 64 MiB, 256 MiB, ... 16 GiB. */
#define NR_SIZES	5
#define MIN_CHUNKS	16UL
#define MAX_CHUNKS	(MIN_CHUNKS << (2 * (NR_SIZES - 1)))

static const unsigned int lengths[] = { 1, 3, 4, 16, 64, 100, 512 };

/* Address of the first page: any will do, since the pages have no memory. */
#define BASE		0x7000000000UL

static DEFINE_SPINLOCK(lock);
static struct gomem_pagemap pagemap;
static struct gomem_pagealloc pa;
static struct gomem_chunk *chunks;
static struct rnd_state rnd;
static u64 worst;	/* ratio, in hundredths */

static bool is_last(unsigned long page)
{
	return page >> GOMEM_CHUNK_PAGES_SHIFT == pa.nr[LEAF] - 1;
}

static bool fill_end(unsigned long page, unsigned int n)
{
	return !page || is_last(page);
}

static bool fill_random(unsigned long page, unsigned int n)
{
	return is_last(page) ||
	       (page % 16 != 15 && prandom_u32_state(&rnd) & 1);
}

static bool fill_comb(unsigned long page, unsigned int n)
{
	return is_last(page) || page % 2 == 0;
}

static bool fill_none(unsigned long page, unsigned int n)
{
	return page % n != n - 1;
}

static bool fill_short(unsigned long page, unsigned int n)
{
	return is_last(page) || fill_none(page, n);
}

static bool fill_empty(unsigned long page, unsigned int n)
{
	return true;
}

static const struct pattern {
	const char *name;
	bool (*free)(unsigned long page, unsigned int n);
} patterns[] = {
	{ "end",	fill_end },
	{ "random",	fill_random },
	{ "comb",	fill_comb },
	{ "short",	fill_short },
	{ "none",	fill_none },
	{ "empty",	fill_empty },
};

/*
 * Register a chunk, in which the pages that @p selects are free. Clear their
 * bits directly: to allocate all other pages one by one would take longer.
 */
static void fill_chunk(unsigned long ci, const struct pattern *p,
		       unsigned int n)
{
	unsigned long page, base = ci << GOMEM_CHUNK_PAGES_SHIFT;
	struct gomem_chunk *chunk = &chunks[ci];

	memset(chunk, 0, sizeof(*chunk));
	gomem_pagealloc_register(&pa, ci, chunk);
	gomem_pallocbits_clear_range(&chunk->hole, 0, GOMEM_CHUNK_PAGES);
	for (page = base; page < base + GOMEM_CHUNK_PAGES; page++) {
		if (!p->free(page, n))
			continue;
		gomem_pallocbits_clear_range(&chunk->inuse, offset(page), 1);
		pa.free_pages++;
	}
	*leaf_to_change(&pa, base) = gomem_pallocbits_summarize(&chunk->inuse);
}

static void drop_tables(void)
{
	gomem_pagealloc_destroy(&pa);
	gomem_pagemap_destroy(&pagemap);
}

static int make_tables(unsigned long nr_chunks)
{
	int err = gomem_pagemap_init(&pagemap, BASE);

	if (err)
		return err;
	/*
	 * The page allocator only stores the heap pointer; it is never
	 * dereferenced here.
	 */
	gomem_pagealloc_init(&pa, &pagemap, (struct gomem_heap *)&pa, &lock);
	mutex_lock(&pagemap.mutex);
	err = gomem_pagemap_cover(&pagemap, 0, nr_chunks, NUMA_NO_NODE) ?:
	      gomem_pagealloc_cover(&pa, 0, nr_chunks, NUMA_NO_NODE);
	mutex_unlock(&pagemap.mutex);
	if (err)
		drop_tables();
	return err;
}

static int fill(unsigned long nr_chunks, const struct pattern *p,
		unsigned int n)
{
	unsigned long ci;
	int err;

	err = make_tables(nr_chunks);
	if (err)
		return err;
	prandom_seed_state(&rnd, 1);
	for (ci = 0; ci < nr_chunks; ci++) {
		spin_lock(&lock);
		fill_chunk(ci, p, n);
		spin_unlock(&lock);
		cond_resched();
	}
	pa.backed_pages = nr_pages(&pa);
	return 0;
}

static void find_once(unsigned int n)
{
	unsigned long first;

	barrier_data((void *)find_lowest(&pa, n, &first));
}

static void pair_once(unsigned int n)
{
	unsigned long page = gomem_pagealloc_alloc(&pa, n);

	if (page != GOMEM_NO_PAGE)
		gomem_pagealloc_free(&pa, page, n);
}

static void group_once(unsigned int n)
{
	unsigned long base;
	u64 mask = gomem_pagealloc_alloc_group(&pa, n, &base);

	if (mask)
		gomem_pagealloc_free_group(&pa, base, mask);
}

static struct op {
	const char *name;
	void (*once)(unsigned int n);
	u64 cost[NR_SIZES];
} ops[] = {
	{ "find",	find_once },
	{ "pair",	pair_once },
	{ "group",	group_once },
};

static u64 time_loops(void (*once)(unsigned int n), unsigned int n)
{
	unsigned int i;
	u64 t;

	spin_lock(&lock);
	pa.search = 0;
	once(n);
	t = ktime_get_ns();
	for (i = 0; i < LOOPS; i++)
		once(n);
	t = ktime_get_ns() - t;
	spin_unlock(&lock);
	return t;
}

/*
 * Return the shortest of several measurements, in nanoseconds per operation.
 * Timer interrupts lengthen some measurements.
 */
static u64 best_of(void (*once)(unsigned int n), unsigned int n)
{
	u64 best = U64_MAX;
	unsigned int i;

	for (i = 0; i < REPEAT; i++) {
		best = min(best, time_loops(once, n));
		cond_resched();
	}
	return best / LOOPS;
}

static void print(const struct op *op, const struct pattern *p, unsigned int n)
{
	u64 ratio = 0;
	unsigned int i;

	for (i = 0; i < NR_SIZES; i++)
		ratio = max(ratio, op->cost[i] * 100 / max(op->cost[0], 1ULL));
	worst = max(worst, ratio);
	pr_info("%-5s %-6s n %3u: %4llu %4llu %4llu %4llu %4llu ratio %llu.%02llu\n",
		op->name, p->name, n, op->cost[0], op->cost[1], op->cost[2],
		op->cost[3], op->cost[4], ratio / 100, ratio % 100);
}

/*
 * Each operation leaves the pages as they were, so one fill serves all
 * operations.
 */
static int measure(const struct pattern *p, unsigned int n)
{
	struct op *op;
	unsigned int i;
	int err;

	for (i = 0; i < NR_SIZES; i++) {
		err = fill(MIN_CHUNKS << (2 * i), p, n);
		if (err)
			return err;
		for (op = ops; op < ops + ARRAY_SIZE(ops); op++)
			op->cost[i] = best_of(op->once, n);
		drop_tables();
	}
	for (op = ops; op < ops + ARRAY_SIZE(ops); op++)
		print(op, p, n);
	return 0;
}

static int measure_all(void)
{
	const struct pattern *p;
	unsigned int i;
	int err = 0;

	for (p = patterns; p < patterns + ARRAY_SIZE(patterns) && !err; p++)
		for (i = 0; i < ARRAY_SIZE(lengths) && !err; i++)
			err = measure(p, lengths[i]);
	return err;
}

static int __init gomem_find_init(void)
{
	int err;

	chunks = vmalloc(array_size(MAX_CHUNKS, sizeof(*chunks)));
	if (!chunks)
		return -ENOMEM;
	err = measure_all();
	vfree(chunks);
	if (!err)
		pr_info("worst ratio %llu.%02llu\n", worst / 100, worst % 100);
	return err;
}

static void __exit gomem_find_exit(void)
{
}

module_init(gomem_find_init);
module_exit(gomem_find_exit);

MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: cost of a search for pages by heap size");
MODULE_LICENSE("GPL");
