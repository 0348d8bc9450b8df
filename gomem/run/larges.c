// SPDX-License-Identifier: GPL-2.0
/*
 * larges.c - count the large objects of each client.
 *
 * A client is the code of a module, or all built-in code. The span of a large
 * object stores the number of the object's client.
 */
#include <linux/errno.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "map/pagemap.h"
#include "map/special.h"
#include "cpu/node.h"
#include "api/client.h"
#include "run/larges.h"

/* Does this span hold a single object, of a client that @l has counts for? */
static bool is_counted(const struct gomem_span *s, const struct gomem_larges *l)
{
	return gomem_span_state(s) == GOMEM_SPAN_LARGE && s->client <= l->max;
}

/* Called with the heap's lock held. */
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
 * @l: set to the counts; to be freed by gomem_larges_free()
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

/* Called for each special, with the lock of its row held: see map/special.c. */
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
 * gomem_larges_take_charged - subtract objects that are charged to accounts
 * @l: the counts from gomem_larges_count()
 *
 * The usage of a client does not include these objects.
 *
 * Context: process context.
 */
void gomem_larges_take_charged(struct gomem_larges *l)
{
	gomem_special_walk(take_charged, l);
}

/**
 * gomem_larges_of - return the large objects of a client
 * @l: the counts from gomem_larges_count()
 * @id: the client's number
 *
 * Return: their number and bytes; 0 for a client that is newer than the counts.
 */
struct gomem_large gomem_larges_of(const struct gomem_larges *l,
				   unsigned int id)
{
	return id <= l->max ? l->of[id] : (struct gomem_large){ };
}

/**
 * gomem_larges_free - free the counts from gomem_larges_count()
 * @l: the counts
 */
void gomem_larges_free(struct gomem_larges *l)
{
	kvfree(l->of);
}
