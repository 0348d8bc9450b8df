/* SPDX-License-Identifier: GPL-2.0 */
/*
 * central_sizes.h - object sizes, for cases that run with each of them.
 */
#ifndef GOMEM_TEST_CENTRAL_SIZES_H
#define GOMEM_TEST_CENTRAL_SIZES_H

#include <linux/string.h>

#include "central.h"

/* Sizes of which a span holds many objects, a few, two, or one. */
static const struct size_case {
	const char *name;
	unsigned int size;
} size_cases[] = {
	{ "1024 objects",		8 },
	{ "341 objects",		24 },
	{ "64 objects",			128 },
	{ "8 objects",			1024 },
	{ "7 objects in 6 pages",	6912 },
	{ "2 objects",			4096 },
	{ "1 object",			8192 },
	{ "1 object in 4 pages",	32768 },
};

KUNIT_ARRAY_PARAM_DESC(size, size_cases, name);

static inline void use_param(struct kunit *test)
{
	const struct size_case *c = test->param_value;

	central_use_size(test->priv, c->size);
}

#endif /* GOMEM_TEST_CENTRAL_SIZES_H */
