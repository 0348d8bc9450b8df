/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pcaches_steps.h - fake heaps whose CPUs have page caches.
 */
#ifndef GOMEM_TEST_PCACHES_STEPS_H
#define GOMEM_TEST_PCACHES_STEPS_H

#include <kunit/test.h>

#include "fixture.h"
#include "heap/pcache.h"

#define CHUNK	GOMEM_CHUNK_PAGES

struct gomem_heap *pcaches_make(struct kunit *test, unsigned long nr_chunks);
void pcaches_fill(struct kunit *test, struct gomem_heap *h,
		  unsigned int nr_chunks);
struct gomem_pcache *pcaches_here(struct gomem_heap *h);

#endif /* GOMEM_TEST_PCACHES_STEPS_H */
