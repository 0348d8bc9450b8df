// SPDX-License-Identifier: GPL-2.0
/*
 * pallocbits_kunit.c - bits and summaries of free pages, compared with an array
 * of one byte per page: the oracle.
 *
 * Patterns that code for bitmaps easily gets wrong are named cases. Random
 * patterns come from a seed that is printed to the log.
 */
#include <kunit/test.h>
#include <linux/log2.h>
#include <linux/string.h>

#include "fixture.h"
#include "base/pallocbits.h"

#define PAGES	GOMEM_CHUNK_PAGES

struct summary {
	unsigned int start, max, end;
};

struct run {
	unsigned int start, len;
};

/* The same pages as bits and as bytes. */
struct pages {
	struct rnd_state rnd;
	struct gomem_pallocbits bits;
	bool used[PAGES];
};

static void set_pages(struct pages *p, unsigned int i, unsigned int n,
		      bool used)
{
	memset(&p->used[i], used, n);
	if (used)
		gomem_pallocbits_set_range(&p->bits, i, n);
	else
		gomem_pallocbits_clear_range(&p->bits, i, n);
}

static bool same(const struct pages *p)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		if ((p->bits.word[i / 64] >> (i % 64) & 1) != p->used[i])
			return false;
	}
	return true;
}

/* Alternate used and free runs of random length: few long or many short ones */
static void randomize(struct pages *p)
{
	unsigned int longest = 1U << below(&p->rnd, 10);
	bool used = below(&p->rnd, 2);
	unsigned int i, n;

	for (i = 0; i < PAGES; i += n, used = !used) {
		n = min(1 + below(&p->rnd, longest), PAGES - i);
		set_pages(p, i, n, used);
	}
}

/* Return how many pages from page @i on are used, or free, as page @i is. */
static unsigned int run_len(const bool *used, unsigned int nr, unsigned int i)
{
	unsigned int end;

	for (end = i; end < nr && used[end] == used[i]; end++)
		;
	return end - i;
}

static struct summary oracle_summary(const bool *used, unsigned int nr)
{
	struct summary s = {};
	unsigned int i, n;

	for (i = 0; i < nr; i += n) {
		n = run_len(used, nr, i);
		if (used[i])
			continue;
		if (i == 0)
			s.start = n;
		if (i + n == nr)
			s.end = n;
		s.max = max(s.max, n);
	}
	return s;
}

/*
 * Return the lowest page at or above @from that is a multiple of @align, and at
 * which @n free pages start. Return PAGES if there is none.
 */
static unsigned int oracle_find(const bool *used, unsigned int n,
				unsigned int from, unsigned int align)
{
	unsigned int i, len;

	for (i = from; i + n <= PAGES; i++) {
		if (used[i] || i % align)
			continue;
		for (len = 1; len < n && !used[i + len]; len++)
			;
		if (len == n)
			return i;
	}
	return PAGES;
}

static void expect_summary(struct kunit *test, gomem_pallocsum_t sum,
			   const struct summary *want)
{
	KUNIT_EXPECT_EQ_MSG(test, gomem_pallocsum_start(sum), want->start,
			    "start");
	KUNIT_EXPECT_EQ_MSG(test, gomem_pallocsum_max(sum), want->max, "max");
	KUNIT_EXPECT_EQ_MSG(test, gomem_pallocsum_end(sum), want->end, "end");
}

/* Packing */

static const struct pack_case {
	const char *name;
	struct summary s;
} pack_cases[] = {
	{ "nothing free",	{ 0, 0, 0 } },
	{ "one page inside",	{ 0, 1, 0 } },
	{ "one page at start",	{ 1, 1, 0 } },
	{ "one page at end",	{ 0, 1, 1 } },
	{ "all different",	{ 5, 7, 6 } },
	{ "a chunk",		{ 512, 512, 512 } },
	{ "fields full",	{ 0x1fffff, 0x1fffff, 0x1fffff } },
	{ "only start full",	{ 0x1fffff, 0x1fffff, 0 } },
	{ "only max full",	{ 0, 0x1fffff, 0 } },
	{ "only end full",	{ 0, 0x1fffff, 0x1fffff } },
	{ "bits alternate",	{ 0x0aaaaa, 0x155555, 0x0aaaaa } },
	{ "root entry free",	{ 1 << 21, 1 << 21, 1 << 21 } },
};

KUNIT_ARRAY_PARAM_DESC(pack, pack_cases, name);

static void test_pack_roundtrip(struct kunit *test)
{
	const struct pack_case *c = test->param_value;

	expect_summary(test, gomem_pallocsum_pack(c->s.start, c->s.max,
						  c->s.end), &c->s);
}

static void test_pack_layout(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, (__force u64)gomem_pallocsum_pack(0, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, (__force u64)gomem_pallocsum_pack(1, 2, 3),
			1ULL | 2ULL << 21 | 3ULL << 42);
	KUNIT_EXPECT_EQ(test, (__force u64)
			gomem_pallocsum_pack(1 << 21, 1 << 21, 1 << 21),
			1ULL << 63);
}

/*
 * Named patterns: the free runs of a chunk, its summary, and the first page of
 * the lowest run of @n free pages, and, if @n is a power of two, of the lowest
 * aligned one; 512: there is none.
 */
static const struct pattern {
	const char *name;
	struct run free[5];
	struct summary s;
	unsigned int n, found, aligned;
} patterns[] = {
	{ "all used",		{ }, { 0, 0, 0 }, 1, 512, 512 },
	{ "all free",		{ { 0, 512 } }, { 512, 512, 512 }, 512, 0, 0 },
	{ "first page",		{ { 0, 1 } }, { 1, 1, 0 }, 1, 0, 0 },
	{ "last page",		{ { 511, 1 } }, { 0, 1, 1 }, 1, 511, 511 },
	{ "only last used",	{ { 0, 511 } }, { 511, 511, 0 }, 256, 0, 0 },
	{ "only first used",	{ { 1, 511 } }, { 0, 511, 511 }, 256, 1, 256 },
	{ "a word",		{ { 64, 64 } }, { 0, 64, 0 }, 64, 64, 64 },
	{ "a word, shifted",	{ { 65, 64 } }, { 0, 64, 0 }, 64, 65, 512 },
	{ "62 inside a word",	{ { 129, 62 } }, { 0, 62, 0 }, 62, 129, 512 },
	{ "61, then 62 inside",	{ { 0, 61 }, { 129, 62 } },
				{ 61, 62, 0 }, 62, 129, 512 },
	{ "63 at its start",	{ { 128, 63 } }, { 0, 63, 0 }, 63, 128, 512 },
	{ "63 at its end",	{ { 129, 63 } }, { 0, 63, 0 }, 63, 129, 512 },
	{ "across words",	{ { 60, 8 } }, { 0, 8, 0 }, 8, 60, 512 },
	{ "across, aligned 4",	{ { 60, 8 } }, { 0, 8, 0 }, 4, 60, 60 },
	{ "three words",	{ { 63, 66 } }, { 0, 66, 0 }, 66, 63, 512 },
	{ "inner before border", { { 70, 5 }, { 120, 16 } },
				{ 0, 16, 0 }, 4, 70, 120 },
	{ "too short, then fit", { { 3, 2 }, { 9, 3 }, { 20, 4 } },
				{ 0, 4, 0 }, 4, 20, 20 },
	{ "border run loses",	{ { 62, 4 }, { 100, 5 } },
				{ 0, 5, 0 }, 5, 100, 512 },
	{ "ends only",		{ { 0, 7 }, { 500, 12 } },
				{ 7, 12, 12 }, 8, 500, 504 },
	{ "max grows by word",	{ { 2, 3 }, { 66, 9 }, { 130, 20 },
				  { 200, 21 }, { 300, 2 } },
				{ 0, 21, 0 }, 21, 200, 512 },
	{ "two in one word",	{ { 1, 10 }, { 20, 11 } },
				{ 0, 11, 0 }, 8, 1, 512 },
	{ "long, unaligned",	{ { 1, 254 } }, { 0, 254, 0 }, 128, 1, 512 },
	{ "long, just aligned",	{ { 1, 255 } }, { 0, 255, 0 }, 128, 1, 128 },
	{ "upper half",		{ { 256, 256 } },
				{ 0, 256, 256 }, 256, 256, 256 },
	{ "half, shifted",	{ { 128, 256 } },
				{ 0, 256, 0 }, 256, 128, 512 },
};

KUNIT_ARRAY_PARAM_DESC(pattern, patterns, name);

static void test_pattern(struct kunit *test)
{
	const struct pattern *c = test->param_value;
	struct pages *p = test->priv;
	unsigned int i, first;

	for (i = 0; i < ARRAY_SIZE(c->free) && c->free[i].len; i++)
		set_pages(p, c->free[i].start, c->free[i].len, false);

	expect_summary(test, gomem_pallocbits_summarize(&p->bits), &c->s);
	KUNIT_EXPECT_EQ(test, c->found,
			gomem_pallocbits_find(&p->bits, c->n, 0, &first));
	KUNIT_EXPECT_EQ(test, first,
			c->free[0].len ? c->free[0].start : PAGES);
	if (is_power_of_2(c->n))
		KUNIT_EXPECT_EQ(test, c->aligned,
				gomem_pallocbits_find_aligned(&p->bits, c->n));
}

/* Every other page is free: no run has two pages. */
static void test_pattern_comb(struct kunit *test)
{
	static const struct summary even = { 1, 1, 0 };
	struct pages *p = test->priv;
	unsigned int i, first;

	for (i = 0; i < PAGES; i += 2)
		set_pages(p, i, 1, false);
	expect_summary(test, gomem_pallocbits_summarize(&p->bits), &even);
	for (i = 0; i < PAGES; i++)
		KUNIT_EXPECT_EQ(test, round_up(i, 2),
				gomem_pallocbits_find(&p->bits, 1, i, &first));
	for (i = 2; i <= PAGES; i++)
		KUNIT_EXPECT_EQ(test, PAGES,
				gomem_pallocbits_find(&p->bits, i, 0, &first));
}

/* Ranges */

/* Pages around the borders of words, where masks go wrong. */
static const unsigned int edges[] = {
	0, 1, 2, 31, 62, 63, 64, 65, 66, 127, 128, 129, 191, 192, 193, 255,
	256, 257, 320, 383, 447, 448, 449, 509, 510, 511, 512,
};

/* Set, count and clear every range between two edges. */
static void test_range_edges(struct kunit *test)
{
	struct pages *p = test->priv;
	unsigned int a, b, i, n;

	set_pages(p, 0, PAGES, false);
	for (a = 0; a < ARRAY_SIZE(edges); a++) {
		for (b = a + 1; b < ARRAY_SIZE(edges); b++) {
			i = edges[a];
			n = edges[b] - i;
			set_pages(p, i, n, true);
			KUNIT_EXPECT_TRUE_MSG(test, same(p), "%u, %u", i, n);
			KUNIT_EXPECT_EQ(test, n,
					gomem_pallocbits_count(&p->bits, 0,
							       PAGES));
			set_pages(p, i, n, false);
			KUNIT_EXPECT_TRUE_MSG(test, same(p), "%u, %u", i, n);
		}
	}
}

/* The only used page is the first page of a range, or lies outside it. */
static void test_range_odd_page(struct kunit *test)
{
	struct pages *p = test->priv;
	unsigned int a, b, i, n, odd;
	bool inside;

	set_pages(p, 0, PAGES, false);
	for (a = 0; a < ARRAY_SIZE(edges) - 1; a++) {
		odd = edges[a];
		set_pages(p, odd, 1, true);
		for (b = 0; b < ARRAY_SIZE(edges) - 1; b++) {
			i = edges[b];
			n = edges[b + 1] - i;
			inside = odd >= i && odd < i + n;
			KUNIT_EXPECT_EQ(test, !inside,
					gomem_pallocbits_all_clear(&p->bits, i,
								   n));
			KUNIT_EXPECT_EQ(test, inside,
					gomem_pallocbits_count(&p->bits, i, n));
			KUNIT_EXPECT_EQ(test, inside && n == 1,
					gomem_pallocbits_all_set(&p->bits, i,
								 n));
		}
		set_pages(p, odd, 1, false);
	}
}

static void test_range_random(struct kunit *test)
{
	struct pages *p = test->priv;
	unsigned int step, i, n, k, used;

	for (step = 0; step < 2000; step++) {
		if (step % 50 == 0)
			randomize(p);
		i = below(&p->rnd, PAGES);
		n = 1 + below(&p->rnd, PAGES - i);
		for (used = 0, k = i; k < i + n; k++)
			used += p->used[k];
		KUNIT_ASSERT_EQ_MSG(test, used,
				    gomem_pallocbits_count(&p->bits, i, n),
				    "count %u, %u", i, n);
		KUNIT_ASSERT_EQ_MSG(test, used == n,
				    gomem_pallocbits_all_set(&p->bits, i, n),
				    "all_set %u, %u", i, n);
		KUNIT_ASSERT_EQ_MSG(test, !used,
				    gomem_pallocbits_all_clear(&p->bits, i, n),
				    "all_clear %u, %u", i, n);
	}
}

/* Iteration and search */

/* The iteration over runs visits all free pages and no others. */
static void test_next_runs(struct kunit *test)
{
	struct pages *p = test->priv;
	unsigned int round, i, end;

	for (round = 0; round < 50; round++) {
		randomize(p);
		for (i = 0; i < PAGES; i = end) {
			end = i + run_len(p->used, PAGES, i);
			KUNIT_ASSERT_EQ_MSG(test, p->used[i] ? end : i,
					    gomem_pallocbits_next_free(&p->bits,
								       i),
					    "free from %u", i);
			KUNIT_ASSERT_EQ_MSG(test, p->used[i] ? i : end,
					    gomem_pallocbits_next_used(&p->bits,
								       i),
					    "used from %u", i);
		}
	}
	KUNIT_EXPECT_EQ(test, PAGES,
			gomem_pallocbits_next_free(&p->bits, PAGES));
	KUNIT_EXPECT_EQ(test, PAGES,
			gomem_pallocbits_next_used(&p->bits, PAGES));
}

static void expect_find(struct kunit *test, unsigned int n, unsigned int from)
{
	struct pages *p = test->priv;
	unsigned int first;

	KUNIT_ASSERT_EQ_MSG(test, oracle_find(p->used, n, from, 1),
			    gomem_pallocbits_find(&p->bits, n, from, &first),
			    "%u from %u", n, from);
	KUNIT_ASSERT_EQ_MSG(test, oracle_find(p->used, 1, from, 1), first,
			    "first from %u", from);
}

static void test_find_random(struct kunit *test)
{
	struct pages *p = test->priv;
	unsigned int round, n;

	for (round = 0; round < 200; round++) {
		randomize(p);
		for (n = 1; n <= PAGES; n += 1 + below(&p->rnd, n))
			expect_find(test, n,
				    below(&p->rnd, 2) ? 0 :
							below(&p->rnd, PAGES));
	}
}

/* In chunks with one free run, search for its length, one less and one more. */
static void test_find_every_length(struct kunit *test)
{
	struct pages *p = test->priv;
	unsigned int len, start;

	for (len = 2; len < PAGES - 1; len += len < 130 ? 1 : 37) {
		start = 1 + below(&p->rnd, PAGES - len - 1);
		set_pages(p, start, len, false);
		expect_find(test, len - 1, 0);
		expect_find(test, len, 0);
		expect_find(test, len + 1, 0);
		set_pages(p, start, len, true);
	}
}

static void test_find_aligned_random(struct kunit *test)
{
	struct pages *p = test->priv;
	unsigned int round, n, found;

	for (round = 0; round < 200; round++) {
		randomize(p);
		for (n = 1; n <= PAGES; n *= 2) {
			found = gomem_pallocbits_find_aligned(&p->bits, n);
			KUNIT_ASSERT_EQ_MSG(test, oracle_find(p->used, n, 0, n),
					    found, "%u", n);
		}
	}
}

/*
 * Return the start of the last run of at least @n free pages below @end, and
 * set @len to the length of the run. A run that crosses @end is cut off there.
 */
static unsigned int oracle_find_last(const bool *used, unsigned int n,
				     unsigned int end, unsigned int *len)
{
	unsigned int i, k, last = PAGES;

	*len = 0;
	for (i = 0; i < end; i += k) {
		k = run_len(used, end, i);
		if (used[i] || k < n)
			continue;
		last = i;
		*len = k;
	}
	return last;
}

static void expect_find_last(struct kunit *test, unsigned int n,
			     unsigned int end)
{
	struct pages *p = test->priv;
	unsigned int want, len, got_len = ~0U;

	want = oracle_find_last(p->used, n, end, &len);
	KUNIT_ASSERT_EQ_MSG(test, want,
			    gomem_pallocbits_find_last(&p->bits, n, end,
						       &got_len),
			    "%u below %u", n, end);
	KUNIT_ASSERT_EQ_MSG(test, len, got_len, "%u below %u", n, end);
}

static void test_find_last_random(struct kunit *test)
{
	struct pages *p = test->priv;
	unsigned int round, n;

	for (round = 0; round < 200; round++) {
		randomize(p);
		for (n = 1; n <= PAGES; n += 1 + below(&p->rnd, n)) {
			expect_find_last(test, n, PAGES);
			expect_find_last(test, n, 1 + below(&p->rnd, PAGES));
		}
	}
}

/* Look for a run below each of several pages: before, in and after the run. */
static void test_find_last_edges(struct kunit *test)
{
	struct pages *p = test->priv;
	unsigned int a, b, e, i, n;

	for (a = 0; a < ARRAY_SIZE(edges); a++) {
		for (b = a + 1; b < ARRAY_SIZE(edges); b++) {
			i = edges[a];
			n = edges[b] - i;
			set_pages(p, i, n, false);
			for (e = 1; e < ARRAY_SIZE(edges); e++) {
				expect_find_last(test, 1, edges[e]);
				expect_find_last(test, n, edges[e]);
			}
			set_pages(p, i, n, true);
		}
	}
}

/* Summaries */

static void test_summarize_random(struct kunit *test)
{
	struct pages *p = test->priv;
	struct summary want;
	unsigned int round;

	for (round = 0; round < 500; round++) {
		randomize(p);
		want = oracle_summary(p->used, PAGES);
		expect_summary(test, gomem_pallocbits_summarize(&p->bits),
			       &want);
	}
}

/* Free @n used pages from @i on, or take @n free ones. Return the summary. */
static gomem_pallocsum_t flip(struct pages *p, unsigned int i, unsigned int n,
			      gomem_pallocsum_t sum)
{
	bool used = p->used[i];

	memset(&p->used[i], !used, n);
	if (used)
		return gomem_pallocbits_free(&p->bits, i, n, sum);
	return gomem_pallocbits_alloc(&p->bits, i, n, sum);
}

static void test_alloc_free_random(struct kunit *test)
{
	struct pages *p = test->priv;
	unsigned int round, step, i, n;
	gomem_pallocsum_t sum;
	struct summary want;

	for (round = 0; round < 100; round++) {
		randomize(p);
		sum = gomem_pallocbits_summarize(&p->bits);
		for (step = 0; step < 20; step++) {
			i = below(&p->rnd, PAGES);
			n = run_len(p->used, PAGES, i);
			if (below(&p->rnd, 2))
				n = 1 + below(&p->rnd, n);
			sum = flip(p, i, n, sum);
			want = oracle_summary(p->used, PAGES);
			expect_summary(test, sum, &want);
			KUNIT_EXPECT_TRUE(test, same(p));
		}
	}
}

/*
 * Return a mask of pages of word @w: used ones if @used is set, else free ones.
 * Half of the masks have all of these pages, the others some at random.
 */
static u64 random_mask(struct pages *p, unsigned int w, bool used)
{
	u64 bits = used ? p->bits.word[w] : ~p->bits.word[w];
	u64 mask = random_u64(&p->rnd);

	return below(&p->rnd, 2) ? bits : bits & mask;
}

/* gomem_pallocbits_alloc_mask() and _free_mask() return the new summary. */
static void test_mask_random(struct kunit *test)
{
	struct pages *p = test->priv;
	unsigned int round, step, w, i;
	typeof(gomem_pallocbits_free_mask) *set;
	gomem_pallocsum_t sum;
	struct summary want;
	bool used;
	u64 mask;

	for (round = 0; round < 100; round++) {
		randomize(p);
		sum = gomem_pallocbits_summarize(&p->bits);
		for (step = 0; step < 20; step++) {
			w = below(&p->rnd, PAGES / 64);
			used = below(&p->rnd, 2);
			mask = random_mask(p, w, used);
			if (!mask)
				continue;
			set = used ? gomem_pallocbits_free_mask :
				     gomem_pallocbits_alloc_mask;
			sum = set(&p->bits, w, mask, sum);
			for (i = 0; i < 64; i++)
				p->used[64 * w + i] ^= mask >> i & 1;
			want = oracle_summary(p->used, PAGES);
			expect_summary(test, sum, &want);
			KUNIT_ASSERT_TRUE(test, same(p));
		}
	}
}

/* Take n pages from page i on: which free run is the longest then? */
static const struct take_case {
	const char *name;
	struct run free[2];
	unsigned int i, n;
	struct summary want;
} take_cases[] = {
	{ "rest is longest",	{ { 0, 200 }, { 300, 50 } }, 0, 40,
	  { 0, 160, 0 } },
	{ "other is longest",	{ { 0, 200 }, { 300, 190 } }, 0, 40,
	  { 0, 190, 0 } },
	{ "other is as long",	{ { 1, 200 }, { 300, 200 } }, 1, 200,
	  { 0, 200, 0 } },
	{ "from the middle",	{ { 0, 512 } }, 100, 12, { 100, 400, 400 } },
	{ "half of all",	{ { 0, 512 } }, 256, 256, { 256, 256, 0 } },
	{ "all",		{ { 0, 512 } }, 0, 512, { 0, 0, 0 } },
	{ "not the longest",	{ { 3, 4 }, { 300, 212 } }, 4, 2,
	  { 0, 212, 212 } },
	{ "start",		{ { 0, 4 }, { 300, 9 } }, 2, 2, { 2, 9, 0 } },
	{ "end",		{ { 6, 9 }, { 508, 4 } }, 508, 1, { 0, 9, 3 } },
};

KUNIT_ARRAY_PARAM_DESC(take, take_cases, name);

/* The summary is correct when pages were taken, and when they were freed. */
static void test_alloc_free_named(struct kunit *test)
{
	const struct take_case *c = test->param_value;
	struct pages *p = test->priv;
	gomem_pallocsum_t before, sum;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(c->free) && c->free[i].len; i++)
		set_pages(p, c->free[i].start, c->free[i].len, false);
	before = gomem_pallocbits_summarize(&p->bits);
	sum = flip(p, c->i, c->n, before);
	expect_summary(test, sum, &c->want);
	KUNIT_EXPECT_TRUE(test, flip(p, c->i, c->n, sum) == before);
}

/*
 * Expect that the first child that gomem_pallocreach_find() finds is the one in
 * which the lowest run of @n free pages ends. @reach has the codes of eight
 * neighbouring children of 64 pages. If shorter runs have the same code as a
 * run of @n pages, the first child found may be an earlier one.
 */
static void expect_reach(struct kunit *test, u64 reach, unsigned int n)
{
	struct pages *p = test->priv;
	unsigned int run = oracle_find(p->used, n, 0, 1);
	u64 hits = gomem_pallocreach_find(reach, n);
	unsigned int want = 8, got = hits ? __ffs64(hits) / 8 : 8;

	if (run < PAGES)
		want = (run + n - 1) / 64;
	KUNIT_ASSERT_EQ_MSG(test, 0ULL, hits & ~0x8080808080808080ULL, "%u", n);
	if (n < GOMEM_PALLOCREACH_EXACT || is_power_of_2(n))
		KUNIT_ASSERT_EQ_MSG(test, want, got, "%u", n);
	else
		KUNIT_ASSERT_TRUE_MSG(test, got <= want, "%u", n);
}

/* From length 128 on, eight codes lead from each power of two to the next. */
static void test_reach_code(struct kunit *test)
{
	unsigned int len, code, last = 0;

	for (len = 1; len <= GOMEM_PALLOCSUM_MAX; len++) {
		code = gomem_pallocreach_code(len);
		if (len < GOMEM_PALLOCREACH_EXACT ||
		    len % (rounddown_pow_of_two(len) / 8) == 0)
			KUNIT_ASSERT_EQ_MSG(test, last + 1, code, "%u", len);
		else
			KUNIT_ASSERT_EQ_MSG(test, last, code, "%u", len);
		last = code;
	}
	KUNIT_EXPECT_TRUE(test, last <= U8_MAX);
}

/* Of 8 codes, gomem_pallocreach_find() finds those >= the code of a length. */
static void test_reach_find(struct kunit *test)
{
	struct pages *p = test->priv;
	unsigned int round, i, k, len[8];
	u64 reach, want;

	for (round = 0; round < 500; round++) {
		for (reach = 0, i = 0; i < 8; i++) {
			len[i] = below(&p->rnd, 2U << below(&p->rnd, 21));
			reach |= (u64)gomem_pallocreach_code(len[i]) << 8 * i;
		}
		for (i = 1; i <= GOMEM_PALLOCSUM_MAX; i += 1 + i / 20) {
			for (want = 0, k = 0; k < 8; k++) {
				if (gomem_pallocreach_code(len[k]) >=
				    gomem_pallocreach_code(i))
					want |= 0x80ULL << 8 * k;
			}
			KUNIT_ASSERT_EQ_MSG(test, want,
					    gomem_pallocreach_find(reach, i),
					    "%u", i);
		}
	}
}

/* Merge the oracle's summaries of eight children of 64 pages each. */
static void test_merge_random(struct kunit *test)
{
	struct pages *p = test->priv;
	gomem_pallocsum_t child[GOMEM_PALLOCSUM_RADIX];
	unsigned int round, i, n;
	struct summary s;
	u64 reach;

	for (round = 0; round < 500; round++) {
		randomize(p);
		for (i = 0; i < ARRAY_SIZE(child); i++) {
			s = oracle_summary(&p->used[64 * i], 64);
			child[i] = gomem_pallocsum_pack(s.start, s.max, s.end);
		}
		s = oracle_summary(p->used, PAGES);
		expect_summary(test, gomem_pallocsum_merge(child, 6, &reach),
			       &s);
		for (n = 1; n <= PAGES; n += 1 + below(&p->rnd, n))
			expect_reach(test, reach, n);
	}
}

/*
 * A root entry has eight children of 2^18 pages each. If all are free, its
 * packed summary is GOMEM_PALLOCSUM_ALL: fields of 21 bits cannot hold 2^21.
 */
static const struct merge_case {
	const char *name;
	u8 full;	/* bit i is set if all of child i is free */
	struct summary rest;	/* summary of the other children */
	struct summary want;
} merge_cases[] = {
	{ "all free",	 0xff, { 0, 0, 0 }, { 1 << 21, 1 << 21, 1 << 21 } },
	{ "none free",	 0x00, { 0, 0, 0 }, { 0, 0, 0 } },
	{ "first",	 0x01, { 0, 0, 0 }, { 1 << 18, 1 << 18, 0 } },
	{ "last",	 0x80, { 0, 0, 0 }, { 0, 1 << 18, 1 << 18 } },
	{ "all but first", 0xfe, { 0, 0, 0 }, { 0, 7 << 18, 7 << 18 } },
	{ "all but last", 0x7f, { 0, 0, 0 }, { 7 << 18, 7 << 18, 0 } },
	{ "two runs",	 0x37, { 0, 0, 0 }, { 3 << 18, 3 << 18, 0 } },
	{ "ends join",	 0x00, { 3, 9, 7 }, { 3, 10, 7 } },
	{ "ends do not reach max", 0x00, { 3, 11, 7 }, { 3, 11, 7 } },
	{ "end, full, start", 0x10, { 3, 9, 7 },
	  { 3, (1 << 18) + 10, 7 } },
	{ "start behind full", 0x03, { 3, 9, 7 },
	  { (2 << 18) + 3, (2 << 18) + 3, 7 } },
	{ "end before full", 0xc0, { 3, 9, 7 },
	  { 3, (2 << 18) + 7, (2 << 18) + 7 } },
};

KUNIT_ARRAY_PARAM_DESC(merge, merge_cases, name);

static void test_merge_named(struct kunit *test)
{
	const struct merge_case *c = test->param_value;
	gomem_pallocsum_t child[GOMEM_PALLOCSUM_RADIX];
	unsigned int i;
	u64 reach;

	for (i = 0; i < ARRAY_SIZE(child); i++)
		child[i] = c->full >> i & 1 ?
			gomem_pallocsum_pack(1 << 18, 1 << 18, 1 << 18) :
			gomem_pallocsum_pack(c->rest.start, c->rest.max,
					     c->rest.end);
	expect_summary(test, gomem_pallocsum_merge(child, 18, &reach),
		       &c->want);
}

/* Each test starts with all pages used. */
static int pallocbits_init(struct kunit *test)
{
	struct pages *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	roll_seed(test, &p->rnd);
	set_pages(p, 0, PAGES, true);
	test->priv = p;
	return 0;
}

static struct kunit_case pallocbits_cases[] = {
	KUNIT_CASE_PARAM(test_pack_roundtrip, pack_gen_params),
	KUNIT_CASE(test_pack_layout),
	KUNIT_CASE_PARAM(test_pattern, pattern_gen_params),
	KUNIT_CASE(test_pattern_comb),
	KUNIT_CASE(test_range_edges),
	KUNIT_CASE(test_range_odd_page),
	KUNIT_CASE(test_range_random),
	KUNIT_CASE(test_next_runs),
	KUNIT_CASE(test_find_random),
	KUNIT_CASE(test_find_every_length),
	KUNIT_CASE(test_find_aligned_random),
	KUNIT_CASE(test_find_last_random),
	KUNIT_CASE(test_find_last_edges),
	KUNIT_CASE(test_summarize_random),
	KUNIT_CASE(test_alloc_free_random),
	KUNIT_CASE(test_mask_random),
	KUNIT_CASE_PARAM(test_alloc_free_named, take_gen_params),
	KUNIT_CASE(test_reach_code),
	KUNIT_CASE(test_reach_find),
	KUNIT_CASE(test_merge_random),
	KUNIT_CASE_PARAM(test_merge_named, merge_gen_params),
	{}
};

static struct kunit_suite pallocbits_suite = {
	.name = "gomem_pallocbits",
	.init = pallocbits_init,
	.test_cases = pallocbits_cases,
};

kunit_test_suite(pallocbits_suite);
