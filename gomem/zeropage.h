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

#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/types.h>

#include "chunk.h"

/* Pages become the heap's; @zero: they are known to be zero. */
static inline void gomem_zeropage_enter(struct gomem_chunk *c, unsigned int first,
					unsigned int npages, bool zero)
{
	unsigned int i;

	for (i = first; i < first + npages; i++) {
		if (zero)
			set_bit(i, c->zero);
		else if (test_bit(i, c->zero))
			clear_bit(i, c->zero);
	}
}

/* A page becomes a span's. True if it was known to be zero. */
static inline bool gomem_zeropage_take(struct gomem_chunk *c, unsigned int i)
{
	if (likely(!test_bit(i, c->zero)))
		return false;
	clear_bit(i, c->zero);
	return true;
}

#endif /* GOMEM_ZEROPAGE_H */
