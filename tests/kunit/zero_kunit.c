// SPDX-License-Identifier: GPL-2.0
/*
 * zero_kunit.c - memory that gomem clears, and memory that it need not clear.
 *
 * The cases on spans use a private heap, whose page source hands out addresses
 * without memory. They check which spans are known to be zero. The cases on
 * objects use gomem's real heaps. Its page source is made to hand out only
 * zeroed pages, and to say so, or only pages full of DIRT.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "fixture.h"
#include "base/key.h"
#include "base/sizeclass.h"
#include "base/stats.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "heap/scavenge.h"
#include "run/epoch.h"

#define CHUNKS		4
#define MAX_OBJECTS	400
#define DIRT		0xa5

struct zero_fixture {
	struct fixture base;
	struct fake_heap fh;
};

/* Spans */

static struct gomem_heap *make_heap(struct kunit *test, bool zeroed)
{
	struct zero_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, 0, fake_heap_init(&f->fh, CHUNKS, 1));
	f->fh.source.src.zeroed = zeroed;
	return f->fh.heap;
}

static struct gomem_span *make_span(struct kunit *test,
				    struct gomem_span_request req)
{
	struct zero_fixture *f = test->priv;
	struct gomem_span *s = fake_heap_span(f->fh.heap, &req);

	KUNIT_ASSERT_NOT_NULL(test, s);
	return s;
}

static struct gomem_span *large_span(struct kunit *test, unsigned int npages)
{
	struct gomem_span_request req = fake_large_request(npages);

	/* Allocate a span where first fit puts it. */
	req.aligned = false;
	return make_span(test, req);
}

static void expect_heap(struct kunit *test, struct gomem_span **live,
			unsigned int n)
{
	struct zero_fixture *f = test->priv;
	const char *violation = fake_heap_check(f->fh.heap, live, n);

	KUNIT_EXPECT_TRUE_MSG(test, !violation, "%s", violation);
}

static void test_span_of_cleared_pages(struct kunit *test)
{
	struct gomem_span *a, *b;

	make_heap(test, true);
	a = large_span(test, 4);
	KUNIT_EXPECT_TRUE(test, a->zero);
	expect_heap(test, &a, 1);
	fake_heap_put(test, a);

	/*
	 * Four pages that were used are not known to be zero. Nor are these
	 * four together with a zero page after them.
	 */
	a = large_span(test, 4);
	KUNIT_EXPECT_FALSE(test, a->zero);
	fake_heap_put(test, a);
	a = large_span(test, 5);
	KUNIT_EXPECT_FALSE(test, a->zero);
	b = large_span(test, 3);
	KUNIT_EXPECT_TRUE(test, b->zero);
	fake_heap_put(test, a);
	fake_heap_put(test, b);
}

static void test_span_of_dirty_pages(struct kunit *test)
{
	struct gomem_span *s;

	make_heap(test, false);
	s = large_span(test, 4);
	KUNIT_EXPECT_FALSE(test, s->zero);
	fake_heap_put(test, s);
}

/*
 * Used pages are known to be zero again only after they went back to the page
 * source, and the page source handed them out zeroed.
 */
static void test_span_after_scavenging(struct kunit *test)
{
	struct gomem_heap *h = make_heap(test, true);
	struct zero_fixture *f = test->priv;
	struct gomem_span *s, *t;

	s = large_span(test, 40);
	fake_heap_put(test, s);
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	s = large_span(test, 40);
	KUNIT_EXPECT_TRUE(test, s->zero);
	fake_heap_put(test, s);

	/*
	 * The heap has 64 pages. No span has had the last 24, so they are still
	 * known to be zero. Give all pages back, and let the page source hand
	 * out pages that are not zeroed: then no page is known to be zero.
	 */
	gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	f->fh.source.src.zeroed = false;
	s = large_span(test, 40);
	t = large_span(test, 20);
	KUNIT_EXPECT_FALSE(test, s->zero || t->zero);
	fake_heap_put(test, s);
	fake_heap_put(test, t);
}

/*
 * A span is not marked as zero if its first two pages, at the end of a chunk,
 * are known to be zero, but its last page, at the start of the next chunk, was
 * part of a span before.
 */
static void test_span_of_two_chunks(struct kunit *test)
{
	struct gomem_span *a, *b, *s;

	make_heap(test, true);
	a = large_span(test, GOMEM_CHUNK_PAGES - 2);
	b = large_span(test, GOMEM_CHUNK_PAGES);
	KUNIT_EXPECT_TRUE(test, a->zero && b->zero);
	fake_heap_put(test, b);
	s = large_span(test, 3);
	KUNIT_EXPECT_EQ(test,
			a->base + ((GOMEM_CHUNK_PAGES - 2) << GOMEM_PAGE_SHIFT),
			s->base);
	KUNIT_EXPECT_FALSE(test, s->zero);
	fake_heap_put(test, s);
	fake_heap_put(test, a);
}

/*
 * Spans of small objects are never marked as zero: a small object is always
 * cleared if its caller wants zeroes.
 */
static void test_span_of_small_objects(struct kunit *test)
{
	struct gomem_heap *h = make_heap(test, true);
	struct gomem_span *s;
	unsigned int class;

	for (class = 1; class < GOMEM_NR_CLASSES; class++) {
		s = make_span(test,
			      fake_small_request(gomem_spc_make(class, false)));
		KUNIT_EXPECT_FALSE_MSG(test, s->zero, "class %u", class);
		fake_heap_put(test, s);
		gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	}
}

/*
 * A page cache holds free pages that are known to be zero, and free pages that
 * were part of a span before. A span that is made of the latter is not marked
 * as zero.
 */
static void test_span_from_page_cache(struct kunit *test)
{
	struct gomem_heap *h = make_heap(test, true);
	struct gomem_span *s[3];

	h->pcache_max = GOMEM_PCACHE_PAGES;
	migrate_disable();
	s[0] = large_span(test, 2);
	s[1] = large_span(test, 2);
	KUNIT_EXPECT_TRUE(test, s[0]->zero && s[1]->zero);
	fake_heap_put(test, s[0]);
	s[0] = large_span(test, 2);
	KUNIT_EXPECT_FALSE(test, s[0]->zero);
	s[2] = large_span(test, 1);
	KUNIT_EXPECT_TRUE(test, s[2]->zero);
	migrate_enable();
	expect_heap(test, s, 3);
	fake_heap_put(test, s[0]);
	fake_heap_put(test, s[1]);
	fake_heap_put(test, s[2]);
}

/* Objects */

static unsigned long (*pages_alloc)(struct gomem_pagesource *src,
				    unsigned int order, gfp_t gfp, int node);
static bool pages_zeroed;

static unsigned long filled_pages(struct gomem_pagesource *src,
				  unsigned int order, gfp_t gfp, int node)
{
	unsigned long addr = pages_alloc(src, order, gfp, node);

	if (addr)
		memset((void *)addr, src->zeroed ? 0 : DIRT,
		       GOMEM_PAGE_SIZE << order);
	return addr;
}

/*
 * From pages_begin() to pages_end(), the page source hands out only zeroed
 * pages, or only dirty ones. Both functions first empty the heap. A test must
 * assert nothing in between: a failed assertion would skip pages_end().
 */
static void pages_begin(bool zeroed)
{
	struct gomem_pagesource *src = gomem_first_heap()->source;

	gomem_scavenge_all();
	pages_alloc = src->alloc;
	pages_zeroed = src->zeroed;
	src->alloc = filled_pages;
	src->zeroed = zeroed;
}

static void pages_end(void)
{
	struct gomem_pagesource *src = gomem_first_heap()->source;

	gomem_scavenge_all();
	src->alloc = pages_alloc;
	src->zeroed = pages_zeroed;
}

static u64 bytes_skipped(void)
{
	return gomem_event_sum(GOMEM_EV_ZEROING_SKIPPED);
}

/* Allocate an object through one of several functions. */
static void *zalloc_by(unsigned int way, size_t size)
{
	switch (way % 4) {
	case 0:
		return gomem_zalloc(size, GFP_KERNEL);
	case 1:
		return gomem_alloc_noscan(size, GFP_KERNEL | __GFP_ZERO);
	case 2:
		return gomem_alloc_node(size, GFP_KERNEL | __GFP_ZERO,
					gomem_first_heap()->node);
	default:
		return gomem_calloc(1, size, GFP_ATOMIC);
	}
}

/* Allocate @n objects, expect zeroes, and leave a pattern. */
static void zalloc_n(struct kunit *test, unsigned int n, size_t size)
{
	struct zero_fixture *f = test->priv;
	unsigned int i;
	void *p;

	for (i = 0; i < n; i++) {
		p = zalloc_by(i, size);
		f->base.objs[i] = p;
		if (!p) {
			KUNIT_FAIL(test, "no memory for %zu bytes", size);
			continue;
		}
		KUNIT_EXPECT_TRUE_MSG(test, is_zero(p, gomem_usable_size(p)),
				      "object %u of %zu bytes", i, size);
		fill(p, size);
	}
}

static void free_n(struct kunit *test, unsigned int n, size_t size)
{
	struct zero_fixture *f = test->priv;
	unsigned int i;

	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_TRUE(test,
				  !f->base.objs[i] ||
					  is_filled(f->base.objs[i], size));
		gomem_free(f->base.objs[i]);
	}
}

static const size_t sizes[] = {
	1, 8, 100, 128, 240, 255, 256, 288, 512, 700, 1024, 1408, 2048, 3000,
	4096, 6784, 8192, 9472, 12288, 20000, 27264, 32768, 32769, 40000,
	SZ_64K, 200000, SZ_1M, SZ_4M,
};

static void zalloc_sizes(struct kunit *test)
{
	unsigned int i, n, round;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		n = clamp_t(size_t, SZ_256K / sizes[i], 1, MAX_OBJECTS);
		for (round = 0; round < 3; round++) {
			zalloc_n(test, n, sizes[i]);
			free_n(test, n, sizes[i]);
			/*
			 * These objects reuse freed memory. The scavenge makes
			 * the next round get new pages from the kernel.
			 */
			zalloc_n(test, n / 2, sizes[i]);
			if (round == 1)
				gomem_scavenge_all();
			free_n(test, n / 2, sizes[i]);
		}
	}
}

static void test_objects_of_cleared_pages(struct kunit *test)
{
	u64 skipped = bytes_skipped();

	pages_begin(true);
	zalloc_sizes(test);
	pages_end();
	KUNIT_EXPECT_GT(test, bytes_skipped(), skipped);
}

static void test_objects_of_dirty_pages(struct kunit *test)
{
	u64 skipped = bytes_skipped();

	pages_begin(false);
	zalloc_sizes(test);
	pages_end();
	KUNIT_EXPECT_EQ(test, bytes_skipped(), skipped);
}

/*
 * bytes_skipped() counts only bytes that gomem would have cleared, had they not
 * been known to be zero.
 */
static void test_skipping_is_counted(struct kunit *test)
{
	u64 before = bytes_skipped(), plain, large, again, small;
	unsigned long a, b;
	bool same;
	void *p;

	pages_begin(true);
	p = gomem_alloc(SZ_64K, GFP_KERNEL);
	gomem_free(p);
	plain = bytes_skipped() - before;
	gomem_scavenge_all();
	p = gomem_zalloc(SZ_64K - 1, GFP_KERNEL);
	a = (unsigned long)p;
	gomem_free(p);
	large = bytes_skipped() - before - plain;
	p = gomem_zalloc(SZ_64K, GFP_KERNEL);
	b = (unsigned long)p;
	same = a < b + SZ_64K && b < a + SZ_64K;
	gomem_free(p);
	again = bytes_skipped() - before - plain - large;
	p = gomem_zalloc(1500, GFP_KERNEL);
	gomem_free(p);
	small = bytes_skipped() - before - plain - large - again;
	pages_end();

	if (want_init_on_alloc(GFP_KERNEL))
		kunit_skip(test, "all allocations are cleared");
	KUNIT_EXPECT_EQ(test, 0, plain);
	KUNIT_EXPECT_EQ(test, SZ_64K, large);
	/*
	 * If the second cleared object has no page in common with the first,
	 * its own pages are still known to be zero.
	 */
	KUNIT_EXPECT_EQ(test, same ? 0 : SZ_64K, again);
	KUNIT_EXPECT_EQ(test, 0, small);
}

static void check_scratch_and_arena(struct kunit *test)
{
	struct gomem_arena *a;
	unsigned int order, i;
	size_t size;
	void *p;

	for (i = 0; i < 10; i++) {
		order = i % (GOMEM_SCRATCH_MAX_ORDER + 1);
		size = GOMEM_SCRATCH_SIZE(order);
		p = gomem_scratch_get(order, GFP_KERNEL | __GFP_ZERO);
		KUNIT_EXPECT_TRUE(test, p && is_zero(p, size));
		if (p)
			fill(p, size);
		gomem_scratch_put(p);
	}
	for (i = 0; i < 3; i++) {
		a = gomem_arena_create(GFP_KERNEL);
		/* Objects of the largest sizes get blocks of their own. */
		for (size = 8; a && size < SZ_128K;
		     size += size / 3 & ~7UL ?: 8) {
			p = gomem_arena_alloc(a, size, GFP_KERNEL | __GFP_ZERO);
			KUNIT_EXPECT_TRUE_MSG(test, p && is_zero(p, size),
					      "%zu", size);
			if (p)
				fill(p, size);
			gomem_arena_alloc(a, 24, GFP_KERNEL);
		}
		gomem_arena_destroy(a);
	}
}

static void test_scratch_and_arena(struct kunit *test)
{
	u64 skipped = bytes_skipped();

	pages_begin(false);
	check_scratch_and_arena(test);
	KUNIT_EXPECT_EQ(test, bytes_skipped(), skipped);
	pages_end();
	pages_begin(true);
	check_scratch_and_arena(test);
	pages_end();
	KUNIT_EXPECT_GT(test, bytes_skipped(), skipped);
}

/*
 * Allocate up to 8 objects, until this CPU's slot has an object left. Return
 * that object, which stays in the slot; NULL if the slot stays empty. The
 * caller has called pages_begin(), which emptied the slots and the heap. So the
 * object is of a new span, and was never handed out. Store the allocated
 * objects in @live, for the caller to free.
 */
static void *next_fresh(struct kunit *test, size_t size, void **live)
{
	unsigned int spc = gomem_spc_make(gomem_sizeclass(size), false), i;
	struct gomem_slot *slot = &this_cpu_read(gomem_mcache_task)->slot[spc];

	for (i = 0; i < 8; i++) {
		live[i] = gomem_alloc(size, GFP_KERNEL);
		if (slot->top[-1] != &gomem_no_object)
			return slot->top[-1];
	}
	return NULL;
}

/*
 * An object in a slot has its key, even if it was never handed out. So a free
 * or a resize of this object is detected as misuse, as with an object that was
 * freed. pages_begin() makes the page source hand out zeroed pages, so all
 * bytes of the object after its key are zero.
 */
static void test_fresh_object_is_free(struct kunit *test)
{
	struct zero_fixture *f = test->priv;
	unsigned long *p, *q = NULL;

	migrate_disable();
	pages_begin(true);
	p = next_fresh(test, 256, f->base.objs);
	KUNIT_EXPECT_TRUE(test, p && gomem_has_key(p) && is_zero(p + 1, 248));
	if (p) {
		gomem_free(p);
		expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
		KUNIT_EXPECT_EQ(test, 0, gomem_usable_size(p));
		KUNIT_EXPECT_NULL(test, gomem_realloc(p, 200, GFP_KERNEL));
		expect_misuses(test, GOMEM_USE_AFTER_FREE, 2);
		gomem_free_sensitive(p);
		expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
		q = gomem_zalloc(256, GFP_KERNEL);
		KUNIT_EXPECT_PTR_EQ(test, p, q);
		KUNIT_EXPECT_TRUE(test, is_zero(q, 256));
	}
	migrate_enable();
	gomem_free(q);
	gomem_free_bulk(8, f->base.objs);
	pages_end();
}

/*
 * Write to the bytes after the key of an object that was never handed out.
 * These bytes are cleared before the object is handed out, as if an earlier
 * owner had written them.
 */
static void test_fresh_object_written_behind(struct kunit *test)
{
	static const size_t sizes[] = { 16, 256, 1024, 8192, 32768 };
	struct zero_fixture *f = test->priv;
	unsigned long *p, *q;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(f->base.objs, 0, sizeof(f->base.objs));
		migrate_disable();
		pages_begin(true);
		p = next_fresh(test, sizes[i], f->base.objs);
		if (p)
			memset(p + 1, DIRT, sizes[i] - sizeof(*p));
		q = gomem_zalloc(sizes[i], GFP_KERNEL);
		KUNIT_EXPECT_TRUE_MSG(test, !p || p == q, "%zu bytes",
				      sizes[i]);
		KUNIT_EXPECT_TRUE_MSG(test, q && is_zero(q, sizes[i]),
				      "%zu bytes", sizes[i]);
		migrate_enable();
		gomem_free(q);
		gomem_free_bulk(8, f->base.objs);
		pages_end();
	}
}

/*
 * In a slot, even an object that was never handed out has its key. If its first
 * word was changed, the object is not handed out.
 */
static void test_fresh_object_written(struct kunit *test)
{
	static const unsigned long words[] = { 0, 1, BIT(63), ~0UL };
	struct zero_fixture *f = test->priv;
	unsigned long *p, *q;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		memset(f->base.objs, 0, sizeof(f->base.objs));
		migrate_disable();
		pages_begin(true);
		p = next_fresh(test, 1024, f->base.objs);
		KUNIT_EXPECT_TRUE(test, p && gomem_has_key(p));
		if (p)
			*p = words[i];
		q = gomem_zalloc(1024, GFP_KERNEL);
		expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 1);
		KUNIT_EXPECT_PTR_NE(test, p, q);
		KUNIT_EXPECT_TRUE(test, q && is_zero(q, 1024));
		migrate_enable();
		/*
		 * gomem counts the changed object as allocated, and does not
		 * hand it out again. So this test can free it.
		 */
		gomem_free(p);
		gomem_free(q);
		gomem_free_bulk(8, f->base.objs);
		pages_end();
	}
}

/*
 * Fill an object, free it, and flip the bits @change of its first word, which
 * has the key. Expect a report, and that the object is not handed out again.
 */
static void expect_set_aside(struct kunit *test, unsigned long change)
{
	unsigned long *p, *q;

	migrate_disable();
	p = gomem_alloc(512, GFP_KERNEL);
	if (p) {
		memset(p, DIRT, 512);
		gomem_free(p);
		*p ^= change;
	}
	q = gomem_zalloc(512, GFP_KERNEL);
	migrate_enable();
	expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 1);
	KUNIT_EXPECT_PTR_NE_MSG(test, p, q, "change %#lx", change);
	KUNIT_EXPECT_TRUE_MSG(test, q && is_zero(q, 512), "change %#lx",
			      change);
	gomem_free(p);
	gomem_free(q);
}

/* Any change of the key of a free, formerly used object is detected. */
static void test_used_object_written(struct kunit *test)
{
	unsigned int i, k;

	for (i = 0; i < 64; i++)
		expect_set_aside(test, BIT(i));
	for (i = 0; i < 8; i++)
		for (k = 1; k < 256; k += 1 + k / 16)
			expect_set_aside(test, (unsigned long)k << 8 * i);
	/* Change the upper half of the word, then its upper quarter. */
	expect_set_aside(test, ~0UL << 32);
	expect_set_aside(test, 0xffff0000UL << 32);
}

/*
 * Pages go back to the kernel as one block, unless other code has a reference
 * to one of them. Then only that page stays allocated, until the reference is
 * dropped.
 */
static void test_block_with_user(struct kunit *test)
{
	struct gomem_pagesource *src = gomem_first_heap()->source;
	unsigned long addr;
	struct page *used;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		addr = src->alloc(src, 2, GFP_KERNEL, NUMA_NO_NODE);
		KUNIT_ASSERT_NE(test, 0, addr);
		used = virt_to_page((void *)(addr + i * PAGE_SIZE));
		get_page(used);
		src->free(src, addr, 4);
		KUNIT_EXPECT_EQ(test, 1, page_count(used));
		put_page(used);
	}
}

static int zero_init(struct kunit *test)
{
	return fixture_alloc(test, sizeof(struct zero_fixture)) ? 0 : -ENOMEM;
}

static void zero_exit(struct kunit *test)
{
	struct zero_fixture *f = test->priv;

	if (!f)
		return;
	fake_heap_exit(test, &f->fh);
	fixture_exit(test);
}

static struct kunit_case zero_cases[] = {
	KUNIT_CASE(test_span_of_cleared_pages),
	KUNIT_CASE(test_span_of_dirty_pages),
	KUNIT_CASE(test_span_after_scavenging),
	KUNIT_CASE(test_span_of_two_chunks),
	KUNIT_CASE(test_span_of_small_objects),
	KUNIT_CASE(test_span_from_page_cache),
	KUNIT_CASE(test_objects_of_cleared_pages),
	KUNIT_CASE(test_objects_of_dirty_pages),
	KUNIT_CASE(test_skipping_is_counted),
	KUNIT_CASE(test_scratch_and_arena),
	KUNIT_CASE(test_fresh_object_is_free),
	KUNIT_CASE(test_fresh_object_written),
	KUNIT_CASE(test_fresh_object_written_behind),
	KUNIT_CASE(test_used_object_written),
	KUNIT_CASE(test_block_with_user),
	{ }
};

static struct kunit_suite zero_suite = {
	.name = "gomem_zero",
	.init = zero_init,
	.exit = zero_exit,
	.test_cases = zero_cases,
};

kunit_test_suite(zero_suite);
