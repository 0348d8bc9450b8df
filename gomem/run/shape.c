// SPDX-License-Identifier: GPL-2.0
/*
 * shape.c - read spans that other CPUs use, without their locks.
 *
 * An RCU read-side section keeps the pages of a span from going back to the
 * kernel, and the kind of a span in the page map from being freed. It does not
 * keep the span: a descriptor may become that of another span at any time. So
 * the addresses of objects are computed from the copied shape, not from the
 * descriptor. If another span gets the descriptor meanwhile, the answer is
 * wrong, but no memory is read that is not gomem's.
 */
#include <linux/bits.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>

#include "base/hide.h"
#include "base/key.h"
#include "map/kind.h"
#include "map/live.h"
#include "map/span.h"
#include "map/tinyblock.h"
#include "run/shape.h"

/*
 * Copy the shape of a span that begins at @addr. The caller is in an RCU
 * read-side section.
 */
static void read_shape(const struct gomem_span *s, unsigned long addr,
		       struct gomem_shape *sh)
{
	const struct gomem_kind *k = READ_ONCE(s->kind);

	sh->page = (addr - gomem_pagemap.base) >> GOMEM_PAGE_SHIFT;
	sh->kind = gomem_hide((unsigned long)k);
	sh->size = READ_ONCE(s->elemsize);
	sh->object_size = k->cache ? k->object_size : sh->size;
	sh->divmul = READ_ONCE(s->divmul);
	sh->key = k->key;
	sh->npages = READ_ONCE(s->npages);
	sh->nelems = READ_ONCE(s->nelems);
	sh->nwords = READ_ONCE(s->nwords);
	sh->noscan = gomem_kind_noscan(k);
	sh->tiny = k == &gomem_kinds[GOMEM_TINY_SPC];
	sh->nr = sh->tiny ? GOMEM_TINY_MASKS : sh->nelems;
}

/*
 * Find the span that begins at an address. Return NULL if there is none, or if
 * it is being made or freed. The caller is in an RCU read-side section.
 */
static struct gomem_span *span_at(unsigned long addr)
{
	struct gomem_span *s = gomem_pagemap_span(&gomem_pagemap, addr);

	if (!s || READ_ONCE(s->base) != addr ||
	    gomem_span_state(s) == GOMEM_SPAN_DEAD)
		return NULL;
	return s;
}

/**
 * gomem_shape_begins - check whether a span begins at an address
 * @addr: the address of a page
 *
 * Return: true if a live span begins there, also if it is one of an arena.
 */
bool gomem_shape_begins(unsigned long addr)
{
	bool begins;

	rcu_read_lock();
	begins = span_at(addr);
	rcu_read_unlock();
	return begins;
}

/**
 * gomem_shape_get - get the shape of the span that begins at an address
 * @addr: the address of a page
 * @sh: set to the shape
 *
 * Return: false if no span of objects begins there.
 */
bool gomem_shape_get(unsigned long addr, struct gomem_shape *sh)
{
	struct gomem_span *s;

	rcu_read_lock();
	s = span_at(addr);
	if (s && gomem_span_state(s) == GOMEM_SPAN_ARENA)
		s = NULL;
	if (s)
		read_shape(s, addr, sh);
	rcu_read_unlock();
	return s && sh->nr && sh->size && sh->npages;
}

/**
 * gomem_shape_arena - get how many bytes a block of an arena has handed out
 * @addr: the address of a page
 *
 * Return: the number of bytes, from @addr on; 0 if no block of an arena begins
 * at @addr.
 */
unsigned int gomem_shape_arena(unsigned long addr)
{
	unsigned int bytes = 0;
	struct gomem_span *s;

	rcu_read_lock();
	s = span_at(addr);
	if (s && gomem_span_state(s) == GOMEM_SPAN_ARENA)
		bytes = min_t(unsigned int, READ_ONCE(s->handed_out),
			      READ_ONCE(s->npages) << GOMEM_PAGE_SHIFT);
	rcu_read_unlock();
	return bytes;
}

/**
 * gomem_shape_span - find the span that a shape is a copy of
 * @sh: the shape
 *
 * Context: any, in an RCU read-side section.
 * Return: the span; NULL if it is gone, or if another span has its place.
 */
struct gomem_span *gomem_shape_span(const struct gomem_shape *sh)
{
	unsigned long addr = gomem_shape_base(sh);
	struct gomem_span *s = span_at(addr);
	struct gomem_shape now;

	if (!s)
		return NULL;
	read_shape(s, addr, &now);
	return gomem_shape_same(sh, &now) ? s : NULL;
}

/*
 * Do what gomem_cell_is_live() does, but with the sizes and offsets of the
 * shape: other CPUs may free the span and use its descriptor for another one.
 */
static bool cell_is_live(const struct gomem_shape *sh,
			 const struct gomem_span *s, unsigned int i)
{
	unsigned long bits = READ_ONCE(s->bits[i / 64]) &
			     ~READ_ONCE(s->bits[sh->nwords + i / 64]);
	void *obj = (void *)(gomem_shape_base(sh) +
			     (unsigned long)i * sh->size);

	if (!(bits & BIT_ULL(i % 64)))
		return false;
	/* The owner of a live object may write to it concurrently. */
	return !data_race(gomem_has_key(obj + sh->key)) &&
	       !gomem_kind_is_raw(READ_ONCE(s->kind), obj + sh->key);
}

/* Return the size of the tiny object that starts at unit @u, 0 if none does. */
static unsigned int tiny_size(const struct gomem_shape *sh, unsigned int u)
{
	return gomem_tiny_live_size(gomem_tiny_mask(gomem_shape_base(sh) + u),
				    u % GOMEM_TINY_BLOCK);
}

/**
 * gomem_shape_live - check whether the object of a unit is live
 * @sh: the shape
 * @s: the shape's span, from gomem_shape_span()
 * @u: number of the unit (see shape.h)
 *
 * Context: any, in an RCU read-side section.
 * Return: true if it is.
 */
bool gomem_shape_live(const struct gomem_shape *sh, struct gomem_span *s,
		      unsigned int u)
{
	if (!sh->divmul)
		return gomem_large_is_live(s);
	if (sh->tiny)
		return cell_is_live(sh, s, u / GOMEM_TINY_BLOCK) &&
		       tiny_size(sh, u);
	return cell_is_live(sh, s, u);
}

/**
 * gomem_shape_unit_live - check whether the object of a unit is still live
 * @sh: the shape of a span that may be gone
 * @u: number of the unit (see shape.h)
 *
 * Return: true if it is.
 */
bool gomem_shape_unit_live(const struct gomem_shape *sh, unsigned int u)
{
	struct gomem_span *s;
	bool live;

	rcu_read_lock();
	s = gomem_shape_span(sh);
	live = s && gomem_shape_live(sh, s, u);
	rcu_read_unlock();
	return live;
}

/**
 * gomem_shape_unit_size - return how many bytes of an object its user may use
 * @sh: the shape
 * @u: number of the object's unit (see shape.h)
 *
 * Return: the bytes, never 0. If the object is tiny and not live any more,
 * return 1.
 */
u32 gomem_shape_unit_size(const struct gomem_shape *sh, unsigned int u)
{
	u32 size = sh->object_size;

	if (!sh->tiny)
		return size;
	rcu_read_lock();
	size = gomem_shape_span(sh) ? tiny_size(sh, u) : 0;
	rcu_read_unlock();
	return max(size, 1U);
}
