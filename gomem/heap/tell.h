/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tell.h - tell the kernel how many free pages a heap has.
 *
 * The shrinker gives them back under pressure. So the kernel counts them as
 * memory that is available: NR_KERNEL_MISC_RECLAIMABLE, which is part of
 * KReclaimable and MemAvailable in /proc/meminfo. Pages that are free in page
 * caches, but for the runs, are too few to matter.
 */
#ifndef GOMEM_TELL_H
#define GOMEM_TELL_H

#include <linux/compiler.h>
#include <linux/math.h>

#include "heap/mheap.h"

/* The kernel may be told this many pages too few or too many: a megabyte. */
#define GOMEM_TELL_PAGES	128

void gomem_heap_tell(struct gomem_heap *h);
void gomem_heap_untell(struct gomem_heap *h);

/* Return the pages that the kernel should know of. */
static inline long gomem_heap_tellable(const struct gomem_heap *h)
{
	/* Without the lock: a stale count will do. */
	return data_race(h->pages.free_pages) + atomic_long_read(&h->run_pages);
}

/* Tell the kernel if the number has changed by GOMEM_TELL_PAGES or more. */
static inline void gomem_heap_tell_much(struct gomem_heap *h)
{
	if (unlikely(abs(gomem_heap_tellable(h) -
			 atomic_long_read(&h->told_pages)) >= GOMEM_TELL_PAGES))
		gomem_heap_tell(h);
}

#endif /* GOMEM_TELL_H */
