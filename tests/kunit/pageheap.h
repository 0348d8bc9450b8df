/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pageheap.h - helpers for tests of a heap's page allocator (heap/pagealloc.h),
 * and an oracle that knows the state of each page.
 */
#ifndef GOMEM_TEST_PAGEHEAP_H
#define GOMEM_TEST_PAGEHEAP_H

#include <kunit/test.h>

#include "fixture.h"
#include "heap/pagealloc.h"

#define CHUNK		((unsigned long)GOMEM_CHUNK_PAGES)
#define MAX_CHUNKS	24

/* First address of the page map. No address that it covers is dereferenced. */
#define BASE		0x7000000000UL

/* Number of the first page of chunk @ci. */
#define AT(ci)		((ci) * CHUNK)

enum state { HOLE, FREE, TAKEN };

struct run {
	unsigned long start, len;
};

/* One registered chunk, and what the oracle knows about it. */
struct heap_chunk {
	struct gomem_chunk *chunk;
	unsigned long ci;
	u8 state[GOMEM_CHUNK_PAGES];
};

struct heap {
	struct gomem_pagemap map;
	struct gomem_pagealloc pa;
	spinlock_t lock;	/* protects pa */
	struct rnd_state rnd;
	unsigned int nr;
	struct heap_chunk *c[MAX_CHUNKS];	/* in order of registration */
	struct gomem_chunk *many;	/* chunks without an oracle */
};

/* Make a call under test with the lock held, and return its result. */
#define LOCKED(h, call) ({				\
	spinlock_t *__lock = &(h)->lock;		\
	typeof(call) __ret;				\
							\
	spin_lock(__lock);				\
	__ret = call;					\
	spin_unlock(__lock);				\
	__ret;						\
})

unsigned long heap_alloc(struct heap *h, unsigned long n);
unsigned long heap_alloc_aligned(struct heap *h, unsigned long n);
bool heap_alloc_range(struct heap *h, unsigned long page, unsigned long n);
bool heap_free(struct heap *h, unsigned long page, unsigned long n);
unsigned long heap_next_chunk(struct heap *h, unsigned long ci,
			      unsigned long n);
u64 heap_alloc_group(struct heap *h, unsigned int max, unsigned long *base);
const char *heap_validate(struct heap *h);
void heap_add(struct heap *h, unsigned long page, unsigned long n);
bool heap_remove(struct heap *h, unsigned long page, unsigned long n);
int heap_cover(struct heap *h, unsigned long first, unsigned long end);
void heap_init_empty(struct kunit *test);
void heap_init(struct kunit *test, unsigned long nr_chunks);
void heap_register(struct kunit *test, unsigned long ci);
void heap_register_all(struct kunit *test, const unsigned long *ci,
		       unsigned int nr);
u8 *heap_state_of(struct heap *h, unsigned long page);
void heap_set_all(struct heap *h, unsigned long page, unsigned long n,
		  enum state state);
unsigned long heap_count(struct heap *h, enum state state);
void heap_expect_valid(struct kunit *test, const char *when);
void heap_expect_state(struct kunit *test, const char *when);
int pageheap_init(struct kunit *test);
void pageheap_exit(struct kunit *test);

#endif /* GOMEM_TEST_PAGEHEAP_H */
