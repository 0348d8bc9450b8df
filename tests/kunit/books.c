// SPDX-License-Identifier: GPL-2.0
/*
 * books.c - a model of the counters of gomem's real heaps: see books.h.
 */
#include <linux/delay.h>
#include <linux/gomem.h>

#include "books.h"
#include "api/tiny.h"
#include "base/stats.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "run/check.h"
#include "run/epoch.h"

static struct counts get_counts(void)
{
	struct gomem_heap_snapshot snap;
	struct gomem_class_counts n;
	struct gomem_tiny_stats tiny;
	struct counts c = { };
	struct gomem_heap *h;
	unsigned int spc, size;

	gomem_tiny_get_stats(&tiny);
	c.mallocs = tiny.allocs;
	c.frees = tiny.frees;
	for (spc = 2; spc < GOMEM_TINY_SPC; spc++) {
		gomem_mcache_count(&gomem_kinds[spc], &n);
		size = gomem_class_size(gomem_spc_class(spc));
		c.mallocs += n.mallocs;
		c.frees += n.frees;
		c.alloc_bytes += n.mallocs * size;
		c.free_bytes += n.frees * size;
	}
	for_each_gomem_heap(h) {
		gomem_heap_get(h, &snap);
		c.mallocs += snap.counts.large_allocs;
		c.frees += snap.counts.large_frees;
		c.alloc_bytes += snap.counts.large_alloc_bytes;
		c.free_bytes += snap.counts.large_alloc_bytes -
				(snap.counts.large_pages << GOMEM_PAGE_SHIFT);
		c.large += snap.counts.large;
	}
	return c;
}

/* Add the pages of a live span to the sum at @pages. */
static void add_pages(struct gomem_span *s, void *pages)
{
	*(unsigned long *)pages += s->npages;
}

static const char *check_heap(struct gomem_heap *h, unsigned long *backed,
			      unsigned long *inuse, unsigned long *meta)
{
	struct gomem_heap_snapshot snap;
	const struct gomem_span_counts *n = &snap.counts;
	unsigned long pages = 0;

	gomem_heap_get(h, &snap);
	gomem_heap_walk_spans(h, add_pages, &pages);
	if (n->inuse_pages != pages)
		return "pages in use are not those of the spans";
	if (snap.backed_pages !=
	    n->inuse_pages + snap.free_pages + snap.cached_pages)
		return "heap_sys is not in use and idle";
	if (snap.hole_pages + snap.backed_pages !=
	    snap.chunks * GOMEM_CHUNK_PAGES)
		return "a page is neither a hole nor the heap's";
	if (n->spans != n->span_allocs - n->span_frees ||
	    n->large != n->large_allocs - n->large_frees)
		return "spans made and given back are not those that live";
	if (snap.span_bytes > snap.span_sys)
		return "more descriptors than there is memory for";
	*backed += snap.backed_pages;
	*inuse += snap.counts.inuse_pages;
	*meta += snap.span_sys + h->chunkalloc.sys;
	return gomem_check(h);
}

static const char *check_books(struct stats_fixture *f)
{
	unsigned long backed = 0, inuse = 0, meta = gomem_mcache_bytes();
	struct gomem_pagesource *src = gomem_first_heap()->source;
	const struct counts *m = &f->model, *b = &f->before;
	struct counts c = get_counts();
	struct gomem_heap *h;
	const char *err;

	if (c.mallocs - b->mallocs != m->mallocs ||
	    c.frees - b->frees != m->frees)
		return "objects made or freed are not those counted";
	if (c.alloc_bytes - b->alloc_bytes != m->alloc_bytes ||
	    c.free_bytes - b->free_bytes != m->free_bytes)
		return "bytes made or freed are not those counted";
	if (c.large != m->large)
		return "large objects are not those counted";
	for_each_gomem_heap(h) {
		err = check_heap(h, &backed, &inuse, &meta);
		if (err)
			return err;
	}
	if (inuse << GOMEM_PAGE_SHIFT < c.alloc_bytes - c.free_bytes)
		return "objects take more than the spans they are in";
	if (atomic_long_read(&src->heap_pages) != backed)
		return "pages fetched are not those of the heaps";
	if (atomic_long_read(&src->meta_bytes) != meta)
		return "memory for descriptors is not what they take";
	return NULL;
}

void books_expect(struct kunit *test)
{
	struct stats_fixture *f = test->priv;
	const char *err = check_books(f);
	unsigned int i;

	/*
	 * During a look, the counters may differ from what the spans hold: try
	 * again.
	 */
	for (i = 0; err && i < TRIES; i++) {
		msleep(20);
		err = check_books(f);
	}
	KUNIT_EXPECT_TRUE_MSG(test, !err, "%s", err);
}

/*
 * Return the bytes that the model counts for an object. It counts none for an
 * object in a tiny block.
 */
static size_t bytes_of(const void *p)
{
	return shares_block(p) ? 0 : gomem_usable_size(p);
}

void books_make(struct stats_fixture *f, size_t size, gfp_t gfp)
{
	void *p = below(&f->base.rnd, 2) ? gomem_alloc(size, gfp) :
					   gomem_alloc_noscan(size, gfp);
	size_t usable;

	if (!p)
		return;
	usable = bytes_of(p);
	f->model.mallocs++;
	f->model.alloc_bytes += usable;
	f->model.large += usable > GOMEM_SMALL_MAX;
	f->obj[f->nr++] = p;
}

void books_unmake(struct stats_fixture *f, unsigned int i)
{
	size_t usable = bytes_of(f->obj[i]);

	f->model.frees++;
	f->model.free_bytes += usable;
	f->model.large -= usable > GOMEM_SMALL_MAX;
	gomem_free(f->obj[i]);
	f->obj[i] = f->obj[--f->nr];
}

void books_unmake_n(struct stats_fixture *f, unsigned int n)
{
	while (n-- && f->nr)
		gomem_free(f->obj[--f->nr]);
}

int books_init(struct kunit *test)
{
	struct stats_fixture *f = fixture_alloc(test, sizeof(*f));

	if (!f)
		return -ENOMEM;
	gomem_scavenge_all();
	f->before = get_counts();
	return 0;
}

void books_exit(struct kunit *test)
{
	struct stats_fixture *f = test->priv;

	if (!f)
		return;
	books_unmake_n(f, MAX_OBJECTS);
	fixture_exit(test);
}
