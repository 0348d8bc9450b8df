/* SPDX-License-Identifier: GPL-2.0 */
/*
 * keypage.h - remember which pages may hold keys of free objects. Keys are
 * cleared before a page goes back to the kernel, and only these pages are
 * searched for keys then.
 *
 * A page may hold keys from the time when it becomes part of a span of small
 * objects, until forget() of the heap's page source has cleared the keys. Large
 * objects and arenas have no keys.
 *
 * Each page has a bit, which belongs to the owner of the page: first the CPU
 * that makes a span of it, later the task that gives the page back. Bits change
 * atomically, because the owners of other pages may change their bits in the
 * same word at the same time.
 */
#ifndef GOMEM_KEYPAGE_H
#define GOMEM_KEYPAGE_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/find.h>

#include "map/chunk.h"

/*
 * Set the bits of pages that become part of a span of small objects, and so may
 * hold keys.
 */
static inline void gomem_keypage_add(struct gomem_chunk *c, unsigned int first,
				     unsigned int npages)
{
	unsigned int i, next, end = first + npages;
	unsigned long mask, *word;

	for (i = first; i < end; i = next) {
		mask = gomem_chunk_mask(i, end, &next);
		word = &c->keyed[BIT_WORD(i)];
		/*
		 * Most pages held keys before, and keep their bits until they
		 * go back to the kernel. So often no bit has to change.
		 */
		if ((READ_ONCE(*word) & mask) != mask)
			atomic_long_or(mask, (atomic_long_t *)word);
	}
}

/* Clear the bits of pages that no longer hold keys. */
static inline void gomem_keypage_remove(struct gomem_chunk *c,
					unsigned int first, unsigned int npages)
{
	unsigned int i, next, end = first + npages;
	unsigned long mask;

	for (i = first; i < end; i = next) {
		mask = gomem_chunk_mask(i, end, &next);
		atomic_long_andnot(mask,
				   (atomic_long_t *)&c->keyed[BIT_WORD(i)]);
	}
}

/*
 * Find the first run of pages that may hold keys, from page @i of a chunk on
 * and below @end. Return the first page of the run, and set @npages to its
 * length. Return @end if there is none.
 */
static inline unsigned int gomem_keypage_find(const struct gomem_chunk *c,
					      unsigned int i, unsigned int end,
					      unsigned int *npages)
{
	/* Other CPUs may change the bits of other pages concurrently. */
	i = data_race(find_next_bit(c->keyed, end, i));
	/* As above, other CPUs may change bits of other pages. */
	*npages = data_race(find_next_zero_bit(c->keyed, end, i)) - i;
	return i;
}

#endif /* GOMEM_KEYPAGE_H */
