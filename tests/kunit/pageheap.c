// SPDX-License-Identifier: GPL-2.0
/*
 * pageheap.c - helpers for tests of a heap's page allocator (heap/pagealloc.h),
 * and an oracle that knows the state of each page.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "pageheap.h"
#include "heap/pagealloc_tree.h"

unsigned long heap_alloc(struct heap *h, unsigned long n)
{
	return LOCKED(h, gomem_pagealloc_alloc(&h->pa, n));
}

unsigned long heap_alloc_aligned(struct heap *h, unsigned long n)
{
	return LOCKED(h, gomem_pagealloc_alloc_aligned(&h->pa, n));
}

bool heap_alloc_range(struct heap *h, unsigned long page,
		      unsigned long n)
{
	return LOCKED(h, gomem_pagealloc_alloc_range(&h->pa, page, n));
}

bool heap_free(struct heap *h, unsigned long page, unsigned long n)
{
	return LOCKED(h, gomem_pagealloc_free(&h->pa, page, n));
}

/*
 * Return the first chunk at or after @ci with a run of @n free pages, or
 * GOMEM_NO_PAGE.
 */
unsigned long heap_next_chunk(struct heap *h, unsigned long ci,
			      unsigned long n)
{
	unsigned int steps = UINT_MAX;
	unsigned long next;

	spin_lock(&h->lock);
	gomem_pagealloc_flush(&h->pa);
	next = gomem_pagealloc_next_chunk(&h->pa, ci, n, &steps);
	spin_unlock(&h->lock);
	if (next == h->pa.nr[GOMEM_PAGEALLOC_LEVELS - 1])
		return GOMEM_NO_PAGE;
	return next;
}

u64 heap_alloc_group(struct heap *h, unsigned int max,
		     unsigned long *base)
{
	return LOCKED(h, gomem_pagealloc_alloc_group(&h->pa, max, base));
}

const char *heap_validate(struct heap *h)
{
	return LOCKED(h, gomem_pagealloc_validate(&h->pa));
}

void heap_add(struct heap *h, unsigned long page, unsigned long n)
{
	spin_lock(&h->lock);
	gomem_pagealloc_add(&h->pa, page, n);
	spin_unlock(&h->lock);
}

bool heap_remove(struct heap *h, unsigned long page, unsigned long n)
{
	return LOCKED(h, gomem_pagealloc_remove(&h->pa, page, n));
}

int heap_cover(struct heap *h, unsigned long first, unsigned long end)
{
	int err;

	mutex_lock(&h->map.mutex);
	err = gomem_pagemap_cover(&h->map, first, end, NUMA_NO_NODE) ?:
	      gomem_pagealloc_cover(&h->pa, first, end, NUMA_NO_NODE);
	mutex_unlock(&h->map.mutex);
	return err;
}

static struct gomem_heap *owner(struct heap *h)
{
	return (struct gomem_heap *)h;
}

/* Make a heap that covers no chunk. */
void heap_init_empty(struct kunit *test)
{
	struct heap *h = test->priv;

	KUNIT_ASSERT_EQ(test, 0, gomem_pagemap_init(&h->map, BASE));
	gomem_pagealloc_init(&h->pa, &h->map, owner(h), &h->lock);
}

void heap_init(struct kunit *test, unsigned long nr_chunks)
{
	heap_init_empty(test);
	KUNIT_ASSERT_EQ(test, 0, heap_cover(test->priv, 0, nr_chunks));
}

/*
 * Register a chunk, all of whose pages are holes. The oracle in
 * pagealloc_random_kunit.c searches the chunks in the order of their
 * registration, and has to find the lowest address. So cases there have to
 * register their chunks in order of address.
 */
void heap_register(struct kunit *test, unsigned long ci)
{
	struct heap *h = test->priv;
	struct heap_chunk *c;

	KUNIT_ASSERT_TRUE(test, h->nr < MAX_CHUNKS);
	c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c);
	c->chunk = kunit_kzalloc(test, sizeof(*c->chunk), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c->chunk);
	c->ci = ci;
	h->c[h->nr++] = c;

	KUNIT_ASSERT_PTR_EQ(test, c->chunk,
			    LOCKED(h, gomem_pagealloc_register(&h->pa, ci,
							       c->chunk)));
}

void heap_register_all(struct kunit *test, const unsigned long *ci,
		       unsigned int nr)
{
	unsigned int i;

	heap_init(test, ci[nr - 1] + 1);
	for (i = 0; i < nr; i++)
		heap_register(test, ci[i]);
}

u8 *heap_state_of(struct heap *h, unsigned long page)
{
	unsigned int i;

	for (i = 0; i < h->nr; i++) {
		if (h->c[i]->ci == page / CHUNK)
			return &h->c[i]->state[page % CHUNK];
	}
	return NULL;
}

void heap_set_all(struct heap *h, unsigned long page, unsigned long n,
		  enum state state)
{
	for (; n; n--, page++)
		*heap_state_of(h, page) = state;
}

unsigned long heap_count(struct heap *h, enum state state)
{
	unsigned long n = 0;
	unsigned int i, k;

	for (i = 0; i < h->nr; i++) {
		for (k = 0; k < CHUNK; k++)
			n += h->c[i]->state[k] == state;
	}
	return n;
}

void heap_expect_valid(struct kunit *test, const char *when)
{
	struct heap *h = test->priv;
	const char *violation = heap_validate(h);

	KUNIT_ASSERT_TRUE_MSG(test, !violation, "%s: %s", when, violation);
}

/* Expect that the bits and counters agree with the oracle. */
void heap_expect_state(struct kunit *test, const char *when)
{
	struct heap *h = test->priv;
	const struct gomem_chunk *chunk;
	unsigned int i, k;
	enum state state;
	bool inuse, hole;

	for (i = 0; i < h->nr; i++) {
		chunk = h->c[i]->chunk;
		for (k = 0; k < CHUNK; k++) {
			state = h->c[i]->state[k];
			inuse = chunk->inuse.word[k / 64] >> (k % 64) & 1;
			hole = chunk->hole.word[k / 64] >> (k % 64) & 1;
			KUNIT_ASSERT_TRUE_MSG(test, inuse == (state != FREE) &&
					      hole == (state == HOLE),
					      "%s: page %lu", when,
					      AT(h->c[i]->ci) + k);
		}
	}
	KUNIT_ASSERT_EQ(test, heap_count(h, FREE), h->pa.free_pages);
	KUNIT_ASSERT_EQ(test, heap_count(h, FREE) + heap_count(h, TAKEN),
			h->pa.backed_pages);
	heap_expect_valid(test, when);
}

int pageheap_init(struct kunit *test)
{
	struct heap *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	if (!h)
		return -ENOMEM;
	spin_lock_init(&h->lock);
	roll_seed(test, &h->rnd);
	test->priv = h;
	return 0;
}

void pageheap_exit(struct kunit *test)
{
	struct heap *h = test->priv;

	if (!h)
		return;
	gomem_pagealloc_destroy(&h->pa);
	gomem_pagemap_destroy(&h->map);
	kvfree(h->many);
}
