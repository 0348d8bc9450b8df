/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sites.h - sum the live objects that each call stack has allocated. A *site*
 * is a call stack with its sum.
 */
#ifndef GOMEM_SITES_H
#define GOMEM_SITES_H

#include <linux/types.h>

#include "map/bucket.h"

/**
 * struct gomem_site - a call stack, and how much memory it has
 * @b: the bucket that stands for all buckets of the stack, and has its frames:
 *	see gomem_bucket.first
 * @bytes: estimated bytes of its live objects
 */
struct gomem_site {
	const struct gomem_bucket *b;
	u64 bytes;
};

typedef void (*gomem_site_fn)(const struct gomem_bucket *b, void *arg);

void gomem_site_add(struct gomem_stack_sum *sum, const struct gomem_bucket *b,
		    u64 records);
void gomem_sites_walk(gomem_site_fn fn, void *arg);
unsigned int gomem_sites_top(struct gomem_site *top, unsigned int max);

#endif /* GOMEM_SITES_H */
