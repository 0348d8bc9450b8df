/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tell.h - tell the kernel how many free pages a heap has.
 *
 * The shrinker gives these pages back under memory pressure. So the kernel may
 * count them as available: in NR_KERNEL_MISC_RECLAIMABLE, which is part of
 * KReclaimable and MemAvailable in /proc/meminfo. The runs of page caches are
 * included. Other pages of page caches are not: they are too few to matter.
 */
#ifndef GOMEM_TELL_H
#define GOMEM_TELL_H

#include <linux/compiler.h>
#include <linux/math.h>

#include "heap/mheap.h"

/*
 * Each look tells the kernel the number of free pages. Between two looks, the
 * kernel is told only if the number has changed by at least this many gomem
 * pages: 1 MiB.
 */
#define GOMEM_TELL_PAGES	128

void gomem_heap_tell(struct gomem_heap *h);
void gomem_heap_untell(struct gomem_heap *h);

/* Return the number of free pages that the kernel should be told. */
static inline long gomem_heap_tellable(const struct gomem_heap *h)
{
	/* Read without the lock: a stale count will do. */
	return data_race(h->pages.free_pages) + atomic_long_read(&h->run_pages);
}

/*
 * Tell the kernel the number of free pages, if it has changed by
 * GOMEM_TELL_PAGES or more since the kernel was told last.
 */
static inline void gomem_heap_tell_much(struct gomem_heap *h)
{
	if (unlikely(abs(gomem_heap_tellable(h) -
			 atomic_long_read(&h->told_pages)) >= GOMEM_TELL_PAGES))
		gomem_heap_tell(h);
}

#endif /* GOMEM_TELL_H */
