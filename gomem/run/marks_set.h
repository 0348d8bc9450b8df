/* SPDX-License-Identifier: GPL-2.0 */
/*
 * marks_set.h - the structs of a set of marks, for run/marks.c.
 */
#ifndef GOMEM_MARKS_SET_H
#define GOMEM_MARKS_SET_H

#include <linux/bitops.h>
#include <linux/types.h>

#include "run/shape.h"

/**
 * struct gomem_marks_span - the marks of a span
 * @all: the next of all spans of the set
 * @grey: the next span with objects that are marked and not done
 * @queued: the span is on the list that @grey links
 * @sums: checksum of each unit that is a candidate; NULL before the end of the
 *	first round
 * @shape: how the span is cut into objects
 * @bits: the bitmaps of candidates, of marked and of done units
 */
struct gomem_marks_span {
	struct gomem_marks_span *all;
	struct gomem_marks_span *grey;
	bool queued;
	u32 *sums;
	struct gomem_shape shape;
	unsigned long bits[];
};

/**
 * struct gomem_marks - a set of marks
 * @base: first address of the page map
 * @nr_chunks: chunks of the page map when the set was made
 * @chunk: for each chunk, an array with the span of each page; or NULL
 * @memmap: address of the struct page of @base
 * @memmap_bytes: bytes of the array of struct page that begins at @memmap
 * @all: list of all spans
 * @grey: list of the spans with objects that are marked and not done
 * @buf: buffer for gomem_peek()
 * @live: number of objects that were live when the set was made
 * @reading: address of the words that are being searched, 0 for registers;
 *	stored as gomem_hide() returns it
 * @watched: address of the object whose first pointer is asked for, stored as
 *	gomem_hide() returns it; or 0
 * @hit: a pointer to the object @watched was found
 * @found: @holder is set
 * @holder: address of the first such pointer, 0 for a register; stored as
 *	gomem_hide() returns it
 */
struct gomem_marks {
	unsigned long base;
	unsigned long nr_chunks;
	struct gomem_marks_span ***chunk;
	unsigned long memmap;
	unsigned long memmap_bytes;
	struct gomem_marks_span *all;
	struct gomem_marks_span *grey;
	unsigned long *buf;
	unsigned long live;
	unsigned long reading;
	unsigned long watched;
	bool hit;
	bool found;
	unsigned long holder;
};

static inline unsigned int words_of(const struct gomem_marks_span *ms)
{
	return BITS_TO_LONGS(ms->shape.nr);
}

static inline unsigned long *candidates(struct gomem_marks_span *ms)
{
	return ms->bits;
}

static inline unsigned long *marked(struct gomem_marks_span *ms)
{
	return ms->bits + words_of(ms);
}

static inline unsigned long *done(struct gomem_marks_span *ms)
{
	return ms->bits + 2 * words_of(ms);
}

/*
 * In a span of tiny blocks: the units at which an object began when the set was
 * made. Their bits take the place of the bits of done units. Such a span does
 * not need those: tiny objects have no pointers.
 */
static inline unsigned long *starts(struct gomem_marks_span *ms)
{
	return done(ms);
}

#endif /* GOMEM_MARKS_SET_H */
