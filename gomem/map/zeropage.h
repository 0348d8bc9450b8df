/* SPDX-License-Identifier: GPL-2.0 */
/*
 * zeropage.h - remember which pages are known to be zero, so that they are not
 * cleared again.
 *
 * If the kernel was booted with init_on_alloc or init_on_free, it clears the
 * pages that it hands out. Such a page is known to be zero until it becomes
 * part of a span. From then on it is not known to be zero, until gomem gives it
 * back to the kernel and gets it from there again.
 *
 * A page's bit belongs to the owner of the page: first the task that adds the
 * page to the heap, later the CPU that makes a span of it. Bits change
 * atomically, because the owners of other pages may change theirs in the same
 * word at the same time.
 */
#ifndef GOMEM_ZEROPAGE_H
#define GOMEM_ZEROPAGE_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/types.h>

#include "map/chunk.h"

/* Note whether pages that are about to enter the heap are known to be zero. */
static inline void gomem_zeropage_enter(struct gomem_chunk *c,
					unsigned int first,
					unsigned int npages, bool zero)
{
	unsigned int i, next, end = first + npages;
	unsigned long mask, *word;

	if (zero)
		WRITE_ONCE(c->knows_zero, true);
	for (i = first; i < end; i = next) {
		mask = gomem_chunk_mask(i, end, &next);
		word = &c->zero[BIT_WORD(i)];
		if (zero)
			atomic_long_or(mask, (atomic_long_t *)word);
		else if (READ_ONCE(*word) & mask)
			atomic_long_andnot(mask, (atomic_long_t *)word);
	}
}

/*
 * Clear the bits of pages that become part of a span. Return true if each of
 * these pages was known to be zero: if its bit was set.
 */
static inline bool gomem_zeropage_take(struct gomem_chunk *c,
				       unsigned int first, unsigned int npages)
{
	unsigned int i, next, end = first + npages;
	unsigned long mask, known;
	bool all = true;

	if (!READ_ONCE(c->knows_zero))
		return false;
	for (i = first; i < end; i = next) {
		mask = gomem_chunk_mask(i, end, &next);
		/*
		 * The bits in the mask belong to the caller. Other CPUs may
		 * change other bits of the word concurrently.
		 */
		known = READ_ONCE(c->zero[BIT_WORD(i)]) & mask;
		if (unlikely(known))
			atomic_long_andnot(mask, (atomic_long_t *)
					   &c->zero[BIT_WORD(i)]);
		all &= known == mask;
	}
	return all;
}

#endif /* GOMEM_ZEROPAGE_H */
