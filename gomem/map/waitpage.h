/* SPDX-License-Identifier: GPL-2.0 */
/*
 * waitpage.h - keep free pages in the heap until their grace period is over.
 *
 * A page has to stay in the heap for an RCU grace period after it became free:
 * see gomem_heap_release(). Each chunk has two sets of such *waiting* pages.
 * A page that becomes free is added to the newer set, if the pages of that set
 * wait for the same grace period as this page. Otherwise the older set is
 * emptied first and becomes the newer set, if its pages need not wait any more.
 * If they still have to wait, the newer set gets the page all the same: then
 * all pages of that set wait for the grace period of this page.
 *
 * A page that is allocated again stays in its set. That does no harm: the page
 * counts as in use anyway, and is added again when it is freed.
 *
 * All functions here are called with the heap's lock held.
 */
#ifndef GOMEM_WAITPAGE_H
#define GOMEM_WAITPAGE_H

#include <linux/rcupdate.h>
#include <linux/string.h>

#include "base/pallocbits.h"
#include "map/chunk.h"

/*
 * Return the set for pages that become free now. If the newer set waits for the
 * same grace period as these pages, return the newer set. Otherwise, if the
 * wait of the older set is over, empty it, make it the newer set, and return
 * it. If the older set still waits, return the newer set, which waits for the
 * grace period of these pages from then on. The pages that it had before then
 * wait longer than they have to, which is safe.
 */
static inline struct gomem_pallocbits *gomem_waiting_set(struct gomem_chunk *c)
{
	unsigned long gp = get_state_synchronize_rcu();
	unsigned int older = !c->newer;

	if (gp != c->gp[c->newer]) {
		if (poll_state_synchronize_rcu(c->gp[older])) {
			c->newer = older;
			memset(&c->waiting[older], 0,
			       sizeof(c->waiting[older]));
		}
		c->gp[c->newer] = gp;
	}
	return &c->waiting[c->newer];
}

/* Note that the @n pages from page @i of a chunk on become free. */
static inline void gomem_waiting_add(struct gomem_chunk *c, unsigned int i,
				     unsigned int n)
{
	gomem_pallocbits_set_range(gomem_waiting_set(c), i, n);
}

/* Note that the pages @mask of word @w of a chunk become free. */
static inline void gomem_waiting_add_mask(struct gomem_chunk *c, unsigned int w,
					  u64 mask)
{
	gomem_waiting_set(c)->word[w] |= mask;
}

/* Return the grace period after which no page of the chunk is waiting. */
static inline unsigned long gomem_waiting_until(const struct gomem_chunk *c)
{
	return c->gp[c->newer];
}

/* Add to @busy those pages of the chunk that still wait for a grace period. */
static inline void gomem_waiting_busy(const struct gomem_chunk *c,
				      struct gomem_pallocbits *busy)
{
	unsigned int set, w;

	for (set = 0; set < ARRAY_SIZE(c->waiting); set++) {
		if (poll_state_synchronize_rcu(c->gp[set]))
			continue;
		for (w = 0; w < GOMEM_CHUNK_WORDS; w++)
			busy->word[w] |= c->waiting[set].word[w];
	}
}

#endif /* GOMEM_WAITPAGE_H */
