// SPDX-License-Identifier: GPL-2.0
/*
 * gomem_giveback.c - measure the cost of giving a MiB of free pages back to the
 * kernel in small and large heaps.
 *
 * Heaps of 256 MiB to 64 GiB are filled in several patterns and scavenged.
 * Their pages are only addresses, without memory. Run the module under
 * scripts/vm --accel=icount, where the guest's clock advances one nanosecond
 * per instruction. So the times are instruction counts, and cache misses take
 * no time.
 *
 * The patterns:
 *
 *	random	each page is free with probability 1/8; every 16th chunk is free
 *	cross	the first 30 and the last 30 pages of each chunk are free: free
 *		runs of more than 30 pages exist only across chunks
 *	dense	every 32nd page is free: so few that the chunks are dense
 *		(rank_of() in heap/scavenge.c), and background work leaves
 *		their free pages alone
 *
 * A line of the log has the cost of one operation at each heap size, and the
 * largest ratio of a cost to the cost at the smallest size. The operations:
 *
 *	give	give a MiB back
 *	churn	allocate and free 8 pages, then give a MiB back
 *	vain	search for a MiB as background work does, and find nothing
 */
#define pr_fmt(fmt) "gomem_giveback: " fmt

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
#include "heap/candidates.c"
#include "heap/scavenge.c"
#include "heap/tell.c"

#define REPEAT	3
#define ROUNDS	6
#define TEMPLATES	16
#define MIB	(SZ_1M >> GOMEM_PAGE_SHIFT)

/*
 * Address at which the pages of the heaps begin. gomem_pagemap_init() takes
 * only multiples of 4 GiB. Any multiple will do, since nothing reads or writes
 * the pages: they are only addresses, without memory.
 */
#define BASE	0x7000000000UL

/*
 * Number of chunks of each heap. The heaps have 256 MiB, 2 GiB, 16 GiB and
 * 64 GiB.
 */
static const unsigned long sizes[] = { 64, 512, 4096, 16384 };

#define NR_SIZES	ARRAY_SIZE(sizes)

static void put_nothing(struct gomem_pagesource *src, unsigned long addr,
			unsigned long npages)
{
}

static struct gomem_pagesource source = { .free = put_nothing };
static struct gomem_pagemap pagemap;
static struct gomem_heap *heap;
static struct gomem_chunk *chunks;
static struct gomem_pallocbits templates[TEMPLATES];
static struct rnd_state rnd;
static u64 worst;	/* ratio, in hundredths */

static bool free_random(unsigned int ci, unsigned int i)
{
	return ci == 3 || prandom_u32_state(&rnd) % 8 == 0;
}

static bool free_cross(unsigned int ci, unsigned int i)
{
	return i < 30 || i >= GOMEM_CHUNK_PAGES - 30;
}

static bool free_dense(unsigned int ci, unsigned int i)
{
	return i % 32 == 0;
}

static const struct pattern {
	const char *name;
	bool (*free)(unsigned int ci, unsigned int i);
} patterns[] = {
	{ "random",	free_random },
	{ "cross",	free_cross },
	{ "dense",	free_dense },
};

/* Make the templates; each chunk copies its free pages from one of them. */
static void make_templates(const struct pattern *p)
{
	unsigned int k, i;

	prandom_seed_state(&rnd, 1);
	for (k = 0; k < TEMPLATES; k++) {
		gomem_pallocbits_set_range(&templates[k], 0, GOMEM_CHUNK_PAGES);
		for (i = 0; i < GOMEM_CHUNK_PAGES; i++)
			if (p->free(k, i))
				gomem_pallocbits_clear_range(&templates[k], i,
							     1);
	}
}

/*
 * Register a chunk in which the same pages are free as in a template. To free
 * or allocate page by page would take longer. The caller holds heap->lock.
 */
static void fill_chunk(unsigned long ci)
{
	struct gomem_pagealloc *pa = &heap->pages;
	struct gomem_chunk *c = &chunks[ci];

	memset(c, 0, sizeof(*c));
	c->rank = GOMEM_RANK_NONE;
	gomem_pagealloc_register(pa, ci, c);
	gomem_pallocbits_clear_range(&c->hole, 0, GOMEM_CHUNK_PAGES);
	c->inuse = templates[ci % TEMPLATES];
	pa->free_pages += pages_free(c);
	*leaf_to_change(pa, ci << GOMEM_CHUNK_PAGES_SHIFT) =
		gomem_pallocbits_summarize(&c->inuse);
	gomem_candidates_mark(&heap->candidates, c, ci);
}

static void drop_tables(void)
{
	gomem_pagealloc_destroy(&heap->pages);
	gomem_pagemap_destroy(&pagemap);
}

static int make_tables(unsigned long nr_chunks)
{
	int err = gomem_pagemap_init(&pagemap, BASE);

	if (err)
		return err;
	gomem_pagealloc_init(&heap->pages, &pagemap, heap, &heap->lock);
	mutex_lock(&pagemap.mutex);
	err = gomem_pagemap_cover(&pagemap, 0, nr_chunks, NUMA_NO_NODE) ?:
	      gomem_pagealloc_cover(&heap->pages, 0, nr_chunks, NUMA_NO_NODE);
	mutex_unlock(&pagemap.mutex);
	if (err)
		drop_tables();
	return err;
}

static int fill(unsigned long nr_chunks)
{
	unsigned long ci;
	int err;

	memset(heap, 0, sizeof(*heap));
	spin_lock_init(&heap->lock);
	spin_lock_init(&heap->give_lock);
	heap->source = &source;
	heap->map = &pagemap;
	gomem_candidates_init(&heap->candidates);
	err = make_tables(nr_chunks);
	if (err)
		return err;
	for (ci = 0; ci < nr_chunks; ci++) {
		spin_lock(&heap->lock);
		fill_chunk(ci);
		spin_unlock(&heap->lock);
		cond_resched();
	}
	heap->pages.search = 0;
	heap->pages.backed_pages = nr_chunks << GOMEM_CHUNK_PAGES_SHIFT;
	return 0;
}

static unsigned long give_once(void)
{
	return gomem_heap_scavenge(heap, MIB, GOMEM_SCAVENGE_SHRINKER);
}

/*
 * Allocate and free 8 pages, then give a MiB back. The free does what
 * gomem_heap_release() does, except that the pages do not wait for a grace
 * period before they may go back.
 */
static unsigned long churn_once(void)
{
	unsigned long page, ci, flags;

	spin_lock_irqsave(&heap->lock, flags);
	page = gomem_pagealloc_alloc(&heap->pages, 8);
	if (page != GOMEM_NO_PAGE) {
		ci = page >> GOMEM_CHUNK_PAGES_SHIFT;
		gomem_pagealloc_free(&heap->pages, page, 8);
		gomem_candidates_mark(&heap->candidates, &chunks[ci], ci);
	}
	spin_unlock_irqrestore(&heap->lock, flags);
	return give_once();
}

static unsigned long vain_once(void)
{
	return gomem_heap_scavenge(heap, MIB, GOMEM_SCAVENGE_BACKGROUND);
}

static struct op {
	const char *name;
	unsigned long (*once)(void);
	bool in_vain;
	u64 cost[NR_SIZES];
} ops[] = {
	{ "give",	give_once,	false },
	{ "churn",	churn_once,	false },
	{ "vain",	vain_once,	true },
};

/*
 * Return the nanoseconds that an operation takes: with --accel=icount, this is
 * the number of instructions. Warn if the operations did not give back as many
 * pages as they should: none for "vain", otherwise a MiB each.
 */
static u64 cost_of(const struct op *op)
{
	unsigned long n, sum = 0;
	unsigned int i;
	u64 t;

	/*
	 * The first call ranks the chunks that fill() marked. This is not
	 * measured. For "vain", repeat until nothing is left to give back.
	 */
	do {
		n = op->once();
	} while (op->in_vain && n);
	t = ktime_get_ns();
	for (i = 0; i < ROUNDS; i++)
		sum += op->once();
	t = ktime_get_ns() - t;
	WARN_ON(sum != (op->in_vain ? 0 : ROUNDS * MIB));
	return t / ROUNDS;
}

/*
 * Take the shortest of several measurements. Timer interrupts lengthen some
 * measurements.
 */
static int best_of(struct op *op, unsigned int size)
{
	unsigned int i;
	int err;

	op->cost[size] = U64_MAX;
	for (i = 0; i < REPEAT; i++) {
		err = fill(sizes[size]);
		if (err)
			return err;
		op->cost[size] = min(op->cost[size], cost_of(op));
		drop_tables();
	}
	return 0;
}

static void print(const struct op *op, const struct pattern *p)
{
	u64 ratio = 0;
	unsigned int i;

	for (i = 0; i < NR_SIZES; i++)
		ratio = max(ratio, op->cost[i] * 100 / max(op->cost[0], 1ULL));
	worst = max(worst, ratio);
	pr_info("%-5s %-6s: %7llu %7llu %7llu %7llu ratio %llu.%02llu\n",
		op->name, p->name, op->cost[0], op->cost[1], op->cost[2],
		op->cost[3], ratio / 100, ratio % 100);
}

static int measure(const struct pattern *p)
{
	struct op *op;
	unsigned int i;
	int err = 0;

	make_templates(p);
	for (op = ops; op < ops + ARRAY_SIZE(ops) && !err; op++) {
		for (i = 0; i < NR_SIZES && !err; i++)
			err = best_of(op, i);
		print(op, p);
	}
	return err;
}

static int __init gomem_giveback_init(void)
{
	const struct pattern *p;
	int err = 0;

	heap = vzalloc(sizeof(*heap));
	chunks = vmalloc(array_size(sizes[NR_SIZES - 1], sizeof(*chunks)));
	if (!heap || !chunks)
		err = -ENOMEM;
	for (p = patterns; p < patterns + ARRAY_SIZE(patterns) && !err; p++)
		err = measure(p);
	vfree(chunks);
	vfree(heap);
	if (!err)
		pr_info("worst ratio %llu.%02llu\n", worst / 100, worst % 100);
	return err;
}

static void __exit gomem_giveback_exit(void)
{
}

module_init(gomem_giveback_init);
module_exit(gomem_giveback_exit);

MODULE_INFO(test, "Y");
MODULE_DESCRIPTION("gomem: cost of giving pages back by heap size");
MODULE_LICENSE("GPL");
