// SPDX-License-Identifier: GPL-2.0
/*
 * typed_steps.c - steps with typed caches and their objects.
 */
#include <linux/gomem.h>

#include "typed_steps.h"
#include "cpu/node.h"

struct gomem_cache *typed_create(struct kunit *test, unsigned int size,
				 const struct gomem_cache_args *args)
{
	struct gomem_cache *c = gomem_cache_create("kunit", size, args);

	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_EQ(test, size, gomem_cache_size(c));
	KUNIT_ASSERT_TRUE(test, gomem_owns(c));
	return c;
}

void *typed_get(struct kunit *test, struct gomem_cache *c, gfp_t gfp)
{
	void *p = gomem_cache_alloc(c, gfp);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_TRUE(test, IS_ALIGNED((unsigned long)p, c->align));
	KUNIT_ASSERT_EQ(test, c->kind.object_size, gomem_usable_size(p));
	KUNIT_ASSERT_TRUE(test, gomem_owns(p));
	if (gfp & __GFP_ZERO)
		KUNIT_ASSERT_TRUE(test, is_zero(p, c->kind.object_size));
	return p;
}

unsigned long typed_spans_of(struct gomem_cache *c)
{
	unsigned long n = 0;
	struct gomem_heap *h;

	for_each_gomem_heap(h)
		n += gomem_central(h, &c->kind)->nspans;
	return n;
}
