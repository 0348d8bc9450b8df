// SPDX-License-Identifier: GPL-2.0
/*
 * live.c - find out whether the object in a cell of a span is live.
 *
 * Other CPUs may allocate and free meanwhile, so the answer is right only for
 * some moment of the call. If the caller owns the object, the answer stays
 * right.
 */
#include <kunit/visibility.h>

#include "base/key.h"
#include "map/kind.h"
#include "map/live.h"
#include "map/pagemap.h"
#include "map/span.h"

/*
 * Return one word of the alloc bits, without the cells whose freed bit is set.
 */
static unsigned long live_cells(struct gomem_span *s, unsigned int word)
{
	return READ_ONCE(gomem_span_alloc_bits(s)[word]) &
	       ~READ_ONCE(gomem_span_freed_bits(s)[word]);
}

/**
 * gomem_cell_is_live - check whether the object in a cell of a span is live
 * @s: a span of small objects. The caller keeps its descriptor and pages from
 *	being freed during the call
 * @i: the cell's number
 *
 * A cell that was never allocated, or whose object was freed and swept, has no
 * alloc bit. In the first case it may have no key. A pending object has its
 * alloc bit and its freed bit. A free object in a slot or a transfer cache has
 * its alloc bit, and it has its key or is raw: see GOMEM_RAW_MARK. A live
 * object has its alloc bit, no freed bit and no key, and is not raw. A fresh
 * object that a CPU is just taking from the span has its alloc bit, but no key
 * yet: for this moment it counts as live. Other CPUs may change the word of the
 * bitmap meanwhile, but the alloc bit of a live object stays set.
 *
 * Context: any.
 * Return: true if it is live.
 */
bool gomem_cell_is_live(struct gomem_span *s, unsigned int i)
{
	void *key = gomem_kind_key(s->kind, gomem_span_object(s, i));

	if (!(live_cells(s, i / 64) & BIT_ULL(i % 64)))
		return false;
	/*
	 * The owner of a live object may write to it concurrently. Neither the
	 * old nor the new contents are a key.
	 */
	return !data_race(gomem_has_key(key)) &&
	       !gomem_kind_is_raw(s->kind, key);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_cell_is_live);

/**
 * gomem_large_is_live - check whether the object of a large span is live
 * @s: the span; the caller keeps its descriptor from being freed
 *
 * The object is live from when gomem_heap_publish_large() tags its page until a
 * free or resize claims it.
 *
 * Context: any.
 * Return: true if it is live.
 */
bool gomem_large_is_live(const struct gomem_span *s)
{
	return gomem_pagemap_large(&gomem_pagemap, s->base) == s;
}
