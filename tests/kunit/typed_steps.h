/* SPDX-License-Identifier: GPL-2.0 */
/*
 * typed_steps.h - helpers for tests of typed caches and their objects.
 */
#ifndef GOMEM_TEST_TYPED_STEPS_H
#define GOMEM_TEST_TYPED_STEPS_H

#include <kunit/test.h>

#include "fixture.h"
#include "api/cache.h"

struct gomem_cache *typed_create(struct kunit *test, unsigned int size,
				 const struct gomem_cache_args *args);
void *typed_get(struct kunit *test, struct gomem_cache *c, gfp_t gfp);
unsigned long typed_spans_of(struct gomem_cache *c);

#endif /* GOMEM_TEST_TYPED_STEPS_H */
