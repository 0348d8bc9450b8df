/* SPDX-License-Identifier: GPL-2.0 */
/*
 * zeropage.h - which pages are known to be zero, so that nobody clears them again
 * (Go's needzero).
 *
 * The kernel clears pages if it was booted with init_on_alloc or init_on_free. A page
 * that came so is known to be zero until a span is made of it; what becomes of it then
 * is not followed up, and it is known again only after it was the kernel's in between.
 *
 * A page's bit belongs to who owns the page: whoever brings it into the heap, later
 * whoever makes a span of it. It is changed atomically, since the owners of its
 * neighbours change theirs at the same time.
 */
#ifndef GOMEM_ZEROPAGE_H
#define GOMEM_ZEROPAGE_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "chunk.h"

/*
 * The bits of pages from @first on that lie in one word, up to @end: their mask. @next: the
 * first page behind them.
 */
static inline unsigned long gomem_zeropage_mask(unsigned int first, unsigned int end,
						unsigned int *next)
{
	unsigned int last = min(first | (BITS_PER_LONG - 1), end - 1);

	*next = last + 1;
	return GENMASK(last % BITS_PER_LONG, first % BITS_PER_LONG);
}

/* Pages become the heap's; @zero: they are known to be zero. */
static inline void gomem_zeropage_enter(struct gomem_chunk *c, unsigned int first,
					unsigned int npages, bool zero)
{
	unsigned int i, next, end = first + npages;
	unsigned long mask, *word;

	if (zero)
		WRITE_ONCE(c->knows_zero, true);
	for (i = first; i < end; i = next) {
		mask = gomem_zeropage_mask(i, end, &next);
		word = &c->zero[BIT_WORD(i)];
		if (zero)
			atomic_long_or(mask, (atomic_long_t *)word);
		else if (READ_ONCE(*word) & mask)
			atomic_long_andnot(mask, (atomic_long_t *)word);
	}
}

/* Pages become a span's. True if all of them were known to be zero. */
static inline bool gomem_zeropage_take(struct gomem_chunk *c, unsigned int first,
				       unsigned int npages)
{
	unsigned int i, next, end = first + npages;
	unsigned long mask, known;
	bool all = true;

	if (!READ_ONCE(c->knows_zero))
		return false;
	for (i = first; i < end; i = next) {
		mask = gomem_zeropage_mask(i, end, &next);
		/* These bits are the caller's; the others change meanwhile. */
		known = READ_ONCE(c->zero[BIT_WORD(i)]) & mask;
		if (unlikely(known))
			atomic_long_andnot(mask, (atomic_long_t *)&c->zero[BIT_WORD(i)]);
		all &= known == mask;
	}
	return all;
}

#endif /* GOMEM_ZEROPAGE_H */
