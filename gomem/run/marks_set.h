/* SPDX-License-Identifier: GPL-2.0 */
/*
 * marks_set.h - the structs of a set of marks, for run/marks.c.
 *
 * The *units* of a span are its objects, or in a span of tiny blocks its bytes:
 * see run/shape.h. A *marked* unit is one to which a pointer was found. It is
 * *done* once the scan has searched its contents for pointers, or has found
 * that it is not live. Units that hold no pointers, of noscan spans and of tiny
 * blocks, are never done, and their spans are never on the list @grey.
 */
#ifndef GOMEM_MARKS_SET_H
#define GOMEM_MARKS_SET_H

#include <linux/bitops.h>
#include <linux/types.h>

#include "run/shape.h"

/**
 * struct gomem_marks_span - the marks of a span
 * @all: link of the list of all spans of the set
 * @grey: link of the list of spans with units that are marked and not done
 * @queued: the span is on the list that @grey links
 * @sums: checksum of each unit (see run/shape.h) that is a candidate; NULL
 *	before the end of the scan's first round
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
 * @base: address at which the page map begins
 * @nr_chunks: chunks of the page map when the set was made
 * @chunk: for each chunk, an array with the marks of each page's span; or NULL
 * @memmap: address of the struct page of @base
 * @memmap_bytes: bytes of the array of struct page that begins at @memmap
 * @all: list of all spans
 * @grey: list of the spans with units that are marked and not done
 * @buf: buffer for gomem_peek()
 * @live: number of objects that were live when the set was made
 * @reading: address of the words that are being searched, 0 for registers;
 *	stored as gomem_hide() returns it
 * @watched: address of the object that gomem_marks_watch() was called for,
 *	stored as gomem_hide() returns it; 0 if it was not called
 * @hit: mark_unit() has marked the object @watched; stays set
 * @found: note_holder() has set @holder, right after @hit was set: only the
 *	caller of mark_unit() knows where the pointer is
 * @holder: where the first pointer to @watched was found, 0 for a register;
 *	stored as gomem_hide() returns it
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
 * In a span of tiny blocks: return the bitmap of the bytes at which an object
 * began when the set was made. It takes the place of the bitmap of done units,
 * which such a span does not need, because tiny objects have no pointers.
 */
static inline unsigned long *starts(struct gomem_marks_span *ms)
{
	return done(ms);
}

#endif /* GOMEM_MARKS_SET_H */
