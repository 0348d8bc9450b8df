/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shape.h - how a span is cut into objects, copied out of its descriptor.
 *
 * The scan for leaks reads spans that it does not own. Other CPUs may free such
 * a span at any time, and use its descriptor and its pages for another span.
 * The shape tells where objects are, and whether the span is still the one that
 * the shape was copied from.
 *
 * The *units* of a span are its objects. In a span of tiny blocks, they are the
 * bytes at which an object may start.
 */
#ifndef GOMEM_SHAPE_H
#define GOMEM_SHAPE_H

#include <linux/types.h>

#include "map/pagemap.h"

struct gomem_span;

/**
 * struct gomem_shape - how a span is cut into objects
 * @page: number of the span's first page in the page map
 * @kind: address of the span's kind, as gomem_hide() returns it. The kind of a
 *	typed cache is in a gomem object, so its plain address would count as a
 *	pointer to that object
 * @size: bytes from one object to the next
 * @object_size: bytes of an object that its user may use
 * @divmul: as in struct gomem_span
 * @key: as in struct gomem_kind
 * @npages: length in gomem pages
 * @nelems: number of cells of the span
 * @nwords: as in struct gomem_span
 * @nr: number of units
 * @noscan: objects have no pointers
 * @tiny: a span of tiny blocks
 *
 * No member has the value of an address, so that the scan for leaks takes none
 * for a pointer.
 */
struct gomem_shape {
	unsigned long page;
	unsigned long kind;
	u32 size;
	u32 object_size;
	u32 divmul;
	u32 key;
	u16 npages;
	u16 nelems;
	u16 nwords;
	u16 nr;
	bool noscan;
	bool tiny;
};

/* Return the address of the first byte of a span. */
static inline unsigned long gomem_shape_base(const struct gomem_shape *sh)
{
	return gomem_pagemap.base + (sh->page << GOMEM_PAGE_SHIFT);
}

static inline unsigned long gomem_shape_addr(const struct gomem_shape *sh,
					     unsigned int u)
{
	return gomem_shape_base(sh) +
	       (unsigned long)u * (sh->tiny ? 1 : sh->size);
}

/* Are both shapes copies of the same span, as far as their members tell? */
static inline bool gomem_shape_same(const struct gomem_shape *a,
				    const struct gomem_shape *b)
{
	return a->page == b->page && a->kind == b->kind && a->size == b->size &&
	       a->divmul == b->divmul && a->npages == b->npages &&
	       a->nelems == b->nelems;
}

bool gomem_shape_begins(unsigned long addr);
bool gomem_shape_get(unsigned long addr, struct gomem_shape *sh);
unsigned int gomem_shape_arena(unsigned long addr);
struct gomem_span *gomem_shape_span(const struct gomem_shape *sh);
bool gomem_shape_live(const struct gomem_shape *sh, struct gomem_span *s,
		      unsigned int u);
bool gomem_shape_unit_live(const struct gomem_shape *sh, unsigned int u);
u32 gomem_shape_unit_size(const struct gomem_shape *sh, unsigned int u);

#endif /* GOMEM_SHAPE_H */
