// SPDX-License-Identifier: GPL-2.0
/*
 * larges.c - count the large objects of each client, by the number of the
 *	client that the span of a large object keeps.
 */
#include <linux/errno.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "map/pagemap.h"
#include "map/special.h"
#include "cpu/node.h"
#include "api/client.h"
#include "run/larges.h"

/* Is this a large object, or a smaller one with a span of its own? */
static bool is_counted(const struct gomem_span *s, const struct gomem_larges *l)
{
	return gomem_span_state(s) == GOMEM_SPAN_LARGE && s->client <= l->max;
}

/* Holds the heap's lock. */
static void count_large(struct gomem_span *s, void *arg)
{
	struct gomem_larges *l = arg;

	if (!is_counted(s, l))
		return;
	l->of[s->client].objects++;
	l->of[s->client].bytes += READ_ONCE(s->elemsize);
}

/**
 * gomem_larges_count - count the large objects of all clients
 * @l: what is counted, for gomem_larges_free()
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_larges_count(struct gomem_larges *l)
{
	struct gomem_heap *h;

	l->max = gomem_client_max();
	l->of = kvcalloc(l->max + 1, sizeof(*l->of), GFP_KERNEL);
	if (!l->of)
		return -ENOMEM;
	for_each_gomem_heap(h)
		gomem_heap_walk_spans(h, count_large, l);
	return 0;
}

/* Holds the lock of the special's hash value. */
static void take_charged(const struct gomem_special *sp, void *arg)
{
	struct gomem_larges *l = arg;
	const struct gomem_span *s;
	struct gomem_large *large;

	if (!gomem_special_is_charge(sp))
		return;
	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, gomem_special_addr(sp));
	if (s && is_counted(s, l)) {
		/* Do not go below 0: the object may be newer than the count. */
		large = &l->of[s->client];
		large->objects -= min(large->objects, 1ULL);
		large->bytes -= min_t(u64, large->bytes, s->elemsize);
	}
	rcu_read_unlock();
}

/**
 * gomem_larges_take_charged - take off the objects that accounts pay for
 * @l: what gomem_larges_count() has counted
 *
 * Context: process context.
 */
void gomem_larges_take_charged(struct gomem_larges *l)
{
	gomem_special_walk(take_charged, l);
}

/**
 * gomem_larges_of - return the large objects of a client
 * @l: what gomem_larges_count() has counted
 * @id: the client's number
 *
 * Return: them; none for a client that has come since.
 */
struct gomem_large gomem_larges_of(const struct gomem_larges *l,
				   unsigned int id)
{
	return id <= l->max ? l->of[id] : (struct gomem_large){ };
}

/**
 * gomem_larges_free - forget what gomem_larges_count() has counted
 * @l: it
 */
void gomem_larges_free(struct gomem_larges *l)
{
	kvfree(l->of);
}
