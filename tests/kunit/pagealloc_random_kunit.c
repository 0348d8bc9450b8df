// SPDX-License-Identifier: GPL-2.0
/*
 * pagealloc_random_kunit.c - the page allocator in random layouts, compared
 * with an oracle: a simple array of the state of each page.
 */
#include <kunit/test.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "fixture.h"
#include "pageheap.h"
#include "heap/pagealloc.h"
#include "heap/pagealloc_tree.h"

static void heap_free_group(struct heap *h, unsigned long base, u64 mask)
{
	spin_lock(&h->lock);
	gomem_pagealloc_free_group(&h->pa, base, mask);
	spin_unlock(&h->lock);
}

/* The oracle */

static bool all_in(struct heap *h, unsigned long page, unsigned long n,
		   enum state state)
{
	u8 *s;

	for (; n; n--, page++) {
		s = heap_state_of(h, page);
		if (!s || *s != state)
			return false;
	}
	return true;
}

/*
 * Return the lowest page at or after @from that starts a run of @n pages in
 * @state. The page must be a multiple of @align, which is 1 or @n.
 */
static unsigned long oracle_find(struct heap *h, unsigned long from,
				 unsigned long n, unsigned long align,
				 enum state state)
{
	unsigned long page, next = 0, len = 0;
	unsigned int i, k;

	for (i = 0; i < h->nr; i++) {
		for (k = 0; k < CHUNK; k++) {
			page = AT(h->c[i]->ci) + k;
			if (page != next || h->c[i]->state[k] != state ||
			    page < from)
				len = 0;
			next = page + 1;
			if (h->c[i]->state[k] != state || page < from)
				continue;
			if (!len && page % align)
				continue;
			if (++len == n)
				return next - n;
		}
	}
	return GOMEM_NO_PAGE;
}

/*
 * Set @run to the first run of pages in @state that begins at or after @from.
 * Its length includes all pages up to one in another state. Return false if
 * there is no such run.
 */
static bool oracle_run(struct heap *h, unsigned long from, struct run *run,
		       enum state state)
{
	u8 *s;

	run->start = oracle_find(h, from, 1, 1, state);
	if (run->start == GOMEM_NO_PAGE)
		return false;
	for (run->len = 1;; run->len++) {
		s = heap_state_of(h, run->start + run->len);
		if (!s || *s != state)
			return true;
	}
}

/*
 * Return the lowest run of @n free pages inside a group of chunk @ci of which
 * some page is not free; a multiple of @align. GOMEM_NO_PAGE if there is none.
 */
static unsigned long oracle_broken(struct heap *h, unsigned long ci,
				   unsigned long n, unsigned long align)
{
	unsigned long page, base;

	for (base = AT(ci); base < AT(ci + 1); base += 64) {
		if (all_in(h, base, 64, FREE))
			continue;
		for (page = base; page + n <= base + 64; page += align)
			if (all_in(h, page, n, FREE))
				return page;
	}
	return GOMEM_NO_PAGE;
}

/*
 * @page is the lowest run of @n free pages, or GOMEM_NO_PAGE. Return the run
 * that an allocation has to choose: @page, unless the run is short and does not
 * lie inside a group of which some page is not free. Then it is the lowest run
 * that does. The search for it visits 8 chunks and 64 summaries.
 */
static unsigned long oracle_choice(struct heap *h, unsigned long page,
				   unsigned long n, unsigned long align)
{
	unsigned long ci = page / CHUNK, found;
	unsigned int k, steps = 64;

	if (page == GOMEM_NO_PAGE || n > 16 ||
	    (!all_in(h, round_down(page, 64), 64, FREE) &&
	     page % 64 + n <= 64))
		return page;
	LOCKED(h, (gomem_pagealloc_flush(&h->pa), 0));
	for (k = 0; k < 8; k++, ci++) {
		ci = LOCKED(h, gomem_pagealloc_next_chunk(&h->pa, ci, n,
							  &steps));
		if (ci == gomem_pagealloc_end(&h->pa))
			break;
		found = oracle_broken(h, ci, n, align);
		if (found != GOMEM_NO_PAGE)
			return found;
	}
	return page;
}

/* Random operations */

static const struct random_case {
	const char *name;
	/* Registered chunks, by number. After the first, 0 ends the list. */
	unsigned long chunk[8];
} random_cases[] = {
	{ "one chunk",		{ 0 } },
	{ "three chunks",	{ 0, 1, 2 } },
	{ "parent border",	{ 6, 7, 8, 9 } },
	{ "two parent borders",	{ 62, 63, 64, 65 } },
	{ "root border",	{ 4094, 4095, 4096, 4097 } },
	{ "sparse",		{ 0, 7, 8, 63, 64, 511, 4095, 4096 } },
};

KUNIT_ARRAY_PARAM_DESC(random, random_cases, name);

static unsigned long random_page(struct heap *h)
{
	return AT(h->c[below(&h->rnd, h->nr)]->ci) + below(&h->rnd, CHUNK);
}

/* Return a number of pages: mostly 1 to 12, sometimes 1 to 1024 (2 chunks). */
static unsigned long random_len(struct heap *h)
{
	return 1 + below(&h->rnd, below(&h->rnd, 8) ? 12 : 1024);
}

/*
 * Choose the first run of pages in @state at or after a random page. Half of
 * the runs are cut short. Return false if there is no such run.
 */
static bool random_run(struct heap *h, struct run *run, enum state state)
{
	if (!oracle_run(h, random_page(h), run, state))
		return false;
	if (below(&h->rnd, 2))
		run->len = min(run->len, random_len(h));
	return true;
}

static void step_alloc(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long n = random_len(h);
	unsigned long want =
		oracle_choice(h, oracle_find(h, 0, n, 1, FREE), n, 1);

	KUNIT_ASSERT_EQ_MSG(test, want, heap_alloc(h, n), "n %lu", n);
	if (want != GOMEM_NO_PAGE)
		heap_set_all(h, want, n, TAKEN);
}

static void step_alloc_aligned(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long n = 1UL << below(&h->rnd, below(&h->rnd, 4) ? 5 : 10);
	unsigned long want =
		oracle_choice(h, oracle_find(h, 0, n, n, FREE), n, n);

	KUNIT_ASSERT_EQ_MSG(test, want, heap_alloc_aligned(h, n), "n %lu", n);
	if (want != GOMEM_NO_PAGE)
		heap_set_all(h, want, n, TAKEN);
}

/* Try to take a random range. Most tries are refused. */
static void step_alloc_range(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long page = random_page(h), n = random_len(h);
	bool ok = all_in(h, page, n, FREE);

	KUNIT_ASSERT_EQ_MSG(test, ok, heap_alloc_range(h, page, n),
			    "page %lu, n %lu", page, n);
	if (ok)
		heap_set_all(h, page, n, TAKEN);
}

static void step_free_any(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long page = random_page(h), n = random_len(h);
	bool ok = all_in(h, page, n, TAKEN);

	KUNIT_ASSERT_EQ_MSG(test, ok, heap_free(h, page, n), "page %lu, n %lu",
			    page, n);
	if (ok)
		heap_set_all(h, page, n, FREE);
}

static void step_free(struct kunit *test)
{
	struct heap *h = test->priv;
	struct run run;

	if (!random_run(h, &run, TAKEN))
		return;
	KUNIT_ASSERT_TRUE_MSG(test, heap_free(h, run.start, run.len),
			      "page %lu, n %lu", run.start, run.len);
	heap_set_all(h, run.start, run.len, FREE);
}

static void step_add(struct kunit *test)
{
	struct heap *h = test->priv;
	struct run run;

	if (!random_run(h, &run, HOLE))
		return;
	heap_add(h, run.start, run.len);
	heap_set_all(h, run.start, run.len, FREE);
}

static void step_remove(struct kunit *test)
{
	struct heap *h = test->priv;
	struct run run;

	if (!random_run(h, &run, FREE))
		return;
	heap_remove(h, run.start, run.len);
	heap_set_all(h, run.start, run.len, HOLE);
}

/*
 * Return a mask of the @max lowest pages that are in @state, of the 64 pages
 * from @base on.
 */
static u64 oracle_group(struct heap *h, unsigned long base, unsigned int max,
			enum state state)
{
	u64 mask = 0;
	unsigned int i;

	for (i = 0; i < 64 && max; i++) {
		if (*heap_state_of(h, base + i) != state)
			continue;
		mask |= BIT_ULL(i);
		max--;
	}
	return mask;
}

static void set_group(struct heap *h, unsigned long base, u64 mask,
		      enum state state)
{
	for (; mask; mask &= mask - 1)
		heap_set_all(h, base + __ffs64(mask), 1, state);
}

static void step_alloc_group(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned int max = below(&h->rnd, 2) ? 64 : 1 + below(&h->rnd, 64);
	unsigned long base, want = oracle_find(h, 0, 1, 1, FREE);
	u64 mask;

	if (want == GOMEM_NO_PAGE) {
		KUNIT_ASSERT_EQ(test, 0ULL, heap_alloc_group(h, max, &base));
		return;
	}
	want = round_down(oracle_choice(h, want, 1, 1), 64);
	mask = heap_alloc_group(h, max, &base);
	KUNIT_ASSERT_EQ_MSG(test, want, base, "max %u", max);
	KUNIT_ASSERT_EQ_MSG(test, oracle_group(h, base, max, FREE), mask,
			    "base %lu, max %u", base, max);
	set_group(h, base, mask, TAKEN);
}

/* Free all taken pages of a group, or some of them at random. */
static void step_free_group(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long base = round_down(random_page(h), 64);
	u64 mask = oracle_group(h, base, 64, TAKEN);

	if (below(&h->rnd, 2))
		mask &= (u64)below(&h->rnd, U32_MAX) << 32 |
			below(&h->rnd, U32_MAX);
	heap_free_group(h, base, mask);
	set_group(h, base, mask, FREE);
}

/*
 * Return the lowest chunk at or above @ci that contains a run of @n free pages.
 */
static unsigned long oracle_next_chunk(struct heap *h, unsigned long ci,
				       unsigned int n)
{
	unsigned int i, k, len;

	for (i = 0; i < h->nr; i++) {
		if (h->c[i]->ci < ci)
			continue;
		for (len = 0, k = 0; k < CHUNK && len < n; k++)
			len = h->c[i]->state[k] == FREE ? len + 1 : 0;
		if (len == n)
			return h->c[i]->ci;
	}
	return GOMEM_NO_PAGE;
}

static void step_next_chunk(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long ci = random_page(h) / CHUNK + below(&h->rnd, 3) - 1;
	unsigned int n = 1 + below(&h->rnd, 1U << below(&h->rnd, 10));

	KUNIT_ASSERT_EQ_MSG(test, oracle_next_chunk(h, ci, n),
			    heap_next_chunk(h, ci, n),
			    "%u at or above %lu", n, ci);
}

/*
 * More steps take pages than free or add them. But the runs that are freed or
 * added are longer, so the heap does not stay full.
 */
static void (*const steps[])(struct kunit *test) = {
	step_alloc, step_alloc, step_alloc, step_alloc, step_alloc,
	step_alloc_aligned, step_alloc_aligned, step_alloc_aligned,
	step_alloc_range, step_free_any, step_free, step_free, step_free,
	step_add, step_remove, step_alloc_group, step_free_group,
	step_next_chunk,
};

static void random_chunks(struct kunit *test, const struct random_case *c)
{
	unsigned int nr;

	for (nr = 1; nr < ARRAY_SIZE(c->chunk) && c->chunk[nr]; nr++)
		;
	heap_register_all(test, c->chunk, nr);
}

static void test_random(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned int step;

	random_chunks(test, test->param_value);
	for (step = 1; step <= 1600; step++) {
		steps[below(&h->rnd, ARRAY_SIZE(steps))](test);
		if (step % 40 == 0)
			heap_expect_state(test, "random");
	}
	kunit_info(test, "at the end %lu free, %lu taken, %lu holes",
		   heap_count(h, FREE), heap_count(h, TAKEN),
		   heap_count(h, HOLE));
}

/* Fragment the heap before a case searches it. */
static void fragment(struct kunit *test, unsigned int pieces)
{
	while (pieces--) {
		step_add(test);
		step_add(test);
		step_alloc_range(test);
		step_free(test);
	}
}

/* Find a run of each length from 1 to 1024, and free it again. */
static void test_find_every_length(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned long n, want = 0, choice;
	struct run run = {};

	random_chunks(test, test->param_value);
	fragment(test, 60);
	for (n = 1; n <= 1024; n++) {
		/*
		 * The lowest run of n pages is not below that of n - 1 pages.
		 */
		while (want != GOMEM_NO_PAGE && run.len < n) {
			want = run.start + run.len;
			want = oracle_run(h, want, &run, FREE) ? run.start :
				GOMEM_NO_PAGE;
		}
		choice = oracle_choice(h, want, n, 1);
		KUNIT_ASSERT_EQ_MSG(test, choice, heap_alloc(h, n), "n %lu", n);
		if (choice != GOMEM_NO_PAGE)
			KUNIT_ASSERT_TRUE(test, heap_free(h, choice, n));
	}
	heap_expect_state(test, "found");
}

/*
 * From each chunk on, search for a run of each length. The searches change
 * nothing.
 */
static void test_next_chunk_all(struct kunit *test)
{
	struct heap *h = test->priv;
	unsigned int i, n;

	random_chunks(test, test->param_value);
	fragment(test, 60);
	for (i = 0; i < h->nr; i++) {
		for (n = 1; n <= CHUNK; n++)
			KUNIT_ASSERT_EQ_MSG(test,
					    oracle_next_chunk(h, h->c[i]->ci,
							      n),
					    heap_next_chunk(h, h->c[i]->ci, n),
					    "%u", n);
	}
	for (n = 1; n <= CHUNK; n++)
		KUNIT_ASSERT_EQ_MSG(test, oracle_next_chunk(h, 0, n),
				    heap_next_chunk(h, 0, n), "%u",
				    n);
	heap_expect_state(test, "looked at");
}

/*
 * Allocate free pages group by group until no page is free, free them from the
 * last group to the first, and expect the state from before.
 */
static void test_group_exhaust(struct kunit *test)
{
	struct heap *h = test->priv;
	struct gomem_pallocbits before[8];
	unsigned long base, want;
	unsigned int i, max = 1 + below(&h->rnd, 64);
	u64 mask;

	random_chunks(test, test->param_value);
	fragment(test, 30);
	for (i = 0; i < h->nr; i++)
		before[i] = h->c[i]->chunk->inuse;
	while ((want = oracle_find(h, 0, 1, 1, FREE)) != GOMEM_NO_PAGE) {
		want = round_down(oracle_choice(h, want, 1, 1), 64);
		mask = heap_alloc_group(h, max, &base);
		KUNIT_ASSERT_EQ(test, want, base);
		KUNIT_ASSERT_TRUE(test, mask);
		KUNIT_ASSERT_TRUE(test, hweight64(mask) <= max);
		KUNIT_ASSERT_EQ(test, mask,
				mask & oracle_group(h, base, 64, FREE));
		set_group(h, base, mask, TAKEN);
	}
	KUNIT_EXPECT_EQ(test, 0ULL, heap_alloc_group(h, max, &base));
	KUNIT_EXPECT_EQ(test, 0UL, h->pa.free_pages);
	heap_expect_state(test, "exhausted");

	for (i = h->nr * 8; i--;) {
		base = AT(h->c[i / 8]->ci) + i % 8 * 64;
		mask = ~before[i / 8].word[i % 8];
		heap_free_group(h, base, mask);
		set_group(h, base, mask, FREE);
	}
	for (i = 0; i < h->nr; i++)
		KUNIT_EXPECT_EQ(test, 0,
				memcmp(&before[i], &h->c[i]->chunk->inuse,
				       sizeof(before[i])));
	heap_expect_state(test, "given back");
}

static struct kunit_case pagealloc_random_cases[] = {
	KUNIT_CASE_PARAM(test_random, random_gen_params),
	KUNIT_CASE_PARAM(test_find_every_length, random_gen_params),
	KUNIT_CASE_PARAM(test_next_chunk_all, random_gen_params),
	KUNIT_CASE_PARAM(test_group_exhaust, random_gen_params),
	{}
};

static struct kunit_suite pagealloc_random_suite = {
	.name = "gomem_pagealloc_random",
	.init = pageheap_init,
	.exit = pageheap_exit,
	.test_cases = pagealloc_random_cases,
};

kunit_test_suite(pagealloc_random_suite);
