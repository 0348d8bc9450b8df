// SPDX-License-Identifier: GPL-2.0
/*
 * kfrees_kunit.c - gomem finds those of its pages on which the kernel's kfree()
 * was called, and does not touch pages that are not its own.
 */
#include <kunit/test.h>
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>

#include "fixture.h"
#include "api/kfrees.h"
#include "cpu/node.h"

/* A value of page->private that gomem never writes. */
#define MARK		0x5eedUL

/*
 * Up to Linux 6.17, a kfree() drops a reference of the page. Each check of the
 * page counts the missing reference as a kfree(), but only the first check
 * counts it as a new one.
 */
static void test_missing(struct kunit *test)
{
	void *p = gomem_alloc(100, GFP_KERNEL);
	struct gomem_span *s;
	struct page *page;
	unsigned long news;

	KUNIT_ASSERT_NOT_NULL(test, p);
	s = span_at(p);
	KUNIT_ASSERT_NOT_NULL(test, s);
	page = virt_to_page(p);
	KUNIT_EXPECT_EQ(test, 0, gomem_kfrees_of_span(s, &news));
	KUNIT_EXPECT_EQ(test, 0, news);
	page_ref_dec(page);
	KUNIT_EXPECT_EQ(test, 1, gomem_kfrees_of_span(s, &news));
	KUNIT_EXPECT_EQ(test, 1, news);
	KUNIT_EXPECT_EQ(test, 1, gomem_kfrees_of_span(s, &news));
	KUNIT_EXPECT_EQ(test, 0, news);
	page_ref_inc(page);
	set_page_private(page, 0);
	gomem_free(p);
}

/*
 * Allocate large objects until one begins at @there. Return it, and free the
 * others.
 */
static void *alloc_there(struct kunit *test, const void *there, size_t size)
{
	struct fixture *f = test->priv;
	unsigned int n = 0;
	void *p;

	while ((p = gomem_alloc(size, GFP_KERNEL)) && p != there &&
	       n < FIXTURE_OBJECTS)
		f->objs[n++] = p;
	gomem_free_bulk(n, f->objs);
	KUNIT_ASSERT_PTR_EQ(test, there, p);
	return p;
}

static unsigned long kfrees_of(void *p, unsigned long *news)
{
	return gomem_kfrees_of_span(span_at(p), news);
}

static void note_kfree(void *p)
{
	rcu_read_lock();
	gomem_kernel_page_kfreed((unsigned long)p);
	rcu_read_unlock();
}

/*
 * Imitate a kfree() of a gomem object. If @drops, drop a page reference, as
 * kfree() does up to Linux 6.17. Else count the call as gomem's probe of
 * kfree() does, on all kernels.
 */
static void play_kfree(void *p, bool drops)
{
	if (drops)
		page_ref_dec(virt_to_page(p));
	else
		note_kfree(p);
}

/*
 * A kfree() of an object does not count for the next object at the same place.
 * gomem finds the kfree() by a missing reference (@drops), or by its probe. The
 * probe reports it at once, so a later check does not count it as new.
 */
static void expect_forgotten(struct kunit *test, bool drops)
{
	size_t size = 100 * SZ_1K;
	void *p = gomem_alloc(size, GFP_KERNEL), *there = p;
	struct page *page;
	unsigned long news;

	KUNIT_ASSERT_NOT_NULL(test, p);
	page = virt_to_page(p);
	play_kfree(p, drops);
	KUNIT_EXPECT_EQ(test, 1, kfrees_of(p, &news));
	KUNIT_EXPECT_EQ(test, drops, news);
	gomem_free(p);
	p = alloc_there(test, there, size);
	KUNIT_EXPECT_EQ(test, 0, kfrees_of(p, &news));
	KUNIT_EXPECT_EQ(test, 0, news);

	/* A kfree() of the next object counts. */
	play_kfree(p, drops);
	KUNIT_EXPECT_EQ(test, 1, kfrees_of(p, &news));
	KUNIT_EXPECT_EQ(test, drops, news);
	if (drops)
		page_ref_add(page, 2);
	set_page_private(page, 0);
	gomem_free(p);
}

static void test_next_object(struct kunit *test)
{
	expect_forgotten(test, true);
}

static void test_next_object_probed(struct kunit *test)
{
	expect_forgotten(test, false);
}

/*
 * During a walk of the spans, another CPU may reuse the descriptor of a span.
 * The walk may then combine the address of the old span with the length of the
 * new one. Together they reach beyond the pages of the old span, to pages that
 * may be the kernel's. gomem must not write to the struct page of these.
 */
static void test_beyond(struct kunit *test)
{
	struct page *page = alloc_pages(GFP_KERNEL, 1);
	struct gomem_span *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	unsigned int nelems, refs;
	unsigned long news;

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_NOT_NULL(test, s);
	refs = page_ref_count(page);
	s->heap = gomem_first_heap();
	s->base = (unsigned long)page_address(page);
	s->npages = 1;
	for (nelems = 1; nelems <= 2; nelems++) {
		s->nelems = nelems;
		set_page_private(page, MARK);
		KUNIT_EXPECT_EQ(test, 0, gomem_kfrees_of_span(s, &news));
		KUNIT_EXPECT_EQ(test, 0, news);
		KUNIT_EXPECT_EQ(test, MARK, page_private(page));
		KUNIT_EXPECT_EQ(test, refs, page_ref_count(page));
	}
	set_page_private(page, 0);
	__free_pages(page, 1);
}

static struct kunit_case kfrees_cases[] = {
	KUNIT_CASE(test_missing),
	KUNIT_CASE(test_next_object),
	KUNIT_CASE(test_next_object_probed),
	KUNIT_CASE(test_beyond),
	{ }
};

static struct kunit_suite kfrees_suite = {
	.name = "gomem_kfrees",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = kfrees_cases,
};

kunit_test_suite(kfrees_suite);
