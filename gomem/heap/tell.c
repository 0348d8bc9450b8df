// SPDX-License-Identifier: GPL-2.0
/*
 * tell.c - tell the kernel how many free pages a heap has.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>

#include "heap/tell.h"

/*
 * Tell the kernel that a heap has @pages free pages: pass the difference from
 * the number that the kernel was told before. If two CPUs call this
 * concurrently, their differences still add up to the final value of
 * h->told_pages.
 */
static void tell(struct gomem_heap *h, long pages)
{
	long told = atomic_long_xchg(&h->told_pages, pages);

	if (h->source->tell && pages != told)
		h->source->tell(h->source, h->node, pages - told);
}

/**
 * gomem_heap_tell - tell the kernel how many free pages a heap has
 * @h: the heap
 *
 * Context: any but NMI; never sleeps.
 */
noinline void gomem_heap_tell(struct gomem_heap *h)
{
	tell(h, gomem_heap_tellable(h));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_tell);

/**
 * gomem_heap_untell - tell the kernel that a heap no longer has free pages
 * @h: the heap, which is being destroyed
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_heap_untell(struct gomem_heap *h)
{
	tell(h, 0);
}
