/* SPDX-License-Identifier: GPL-2.0 */
/*
 * keypage.h - remember which pages may hold keys of free objects, and where.
 * Keys are cleared before a page goes back to the kernel, and only these places
 * are searched for keys then.
 *
 * A page may hold keys from the time when it becomes part of a span of small
 * objects, until forget() of the heap's page source has cleared the keys. Large
 * objects and arenas have no keys.
 *
 * Each page has a byte, which belongs to the owner of the page: first the CPU
 * that makes a span of it, later the task that gives the page back. The byte is
 *
 *	0	if the page holds no keys
 *	d	if all its keys lie at multiples of GOMEM_KEYPAGE_STEP(d) bytes
 *		from the start of the page
 *
 * So the keys of objects of 4 KiB are found by looking at two words of a page,
 * those of objects of 96 bytes by looking at every fourth word. A page that was
 * part of several spans since its keys were last cleared has the highest of
 * their numbers.
 */
#ifndef GOMEM_KEYPAGE_H
#define GOMEM_KEYPAGE_H

#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/string.h>
#include <linux/types.h>

#include "map/chunk.h"
#include "map/kind.h"

#define GOMEM_KEYPAGE_STEP(d)	(2 * GOMEM_PAGE_SIZE >> (d))

/*
 * Return the byte for pages of a span of this kind of small objects. An object
 * starts at a multiple of its size from the start of the span, and its key lies
 * at the offset k->key in it. The key in the tail of a span lies where the next
 * object would start.
 */
static inline u8 gomem_keypage_of(const struct gomem_kind *k)
{
	return GOMEM_PAGE_SHIFT + 1 - __ffs(k->size | k->key | GOMEM_PAGE_SIZE);
}

/* Note that pages become part of a span of this kind of small objects. */
static inline void gomem_keypage_add(struct gomem_chunk *c, unsigned int first,
				     unsigned int npages,
				     const struct gomem_kind *k)
{
	u8 *p = &c->keyed[first], *end = p + npages, d = gomem_keypage_of(k);

	for (; p < end; p++)
		if (*p < d)
			WRITE_ONCE(*p, d); /* read by the validator */
}

/* Note that pages no longer hold keys. */
static inline void gomem_keypage_remove(struct gomem_chunk *c,
					unsigned int first, unsigned int npages)
{
	memset(&c->keyed[first], 0, npages);
}

/*
 * Find the first run of pages with the same byte other than 0, from page @i of
 * a chunk on and below @end. Return the first page of the run, and set @npages
 * to its length. Return @end if there is none.
 */
static inline unsigned int gomem_keypage_find(const struct gomem_chunk *c,
					      unsigned int i, unsigned int end,
					      unsigned int *npages)
{
	unsigned int last;

	while (i < end && !c->keyed[i])
		i++;
	for (last = i; last < end && c->keyed[last] == c->keyed[i]; last++)
		;
	*npages = last - i;
	return i;
}

#endif /* GOMEM_KEYPAGE_H */
