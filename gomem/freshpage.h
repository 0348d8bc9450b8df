/* SPDX-License-Identifier: GPL-2.0 */
/*
 * freshpage.h - which free pages have to wait before they may go back to the kernel.
 *
 * For a grace period after it became free a page has to stay ours: see
 * gomem_heap_release(). Each chunk has two sets of such pages. What becomes free is added
 * to the newer one as long as the same grace period will do; then the older one, whose
 * wait is over, becomes the newer. A page that is taken again stays in its set, which
 * does no harm: it counts as used anyway, and is added anew when it is freed.
 *
 * All of this is protected by the heap's lock.
 */
#ifndef GOMEM_FRESHPAGE_H
#define GOMEM_FRESHPAGE_H

#include <linux/rcupdate.h>
#include <linux/string.h>

#include "chunk.h"
#include "pallocbits.h"

/*
 * The set for what becomes free now. Should the older one still have to wait, the newer
 * one waits longer, which is right for all that it has.
 */
static inline struct gomem_pallocbits *gomem_fresh_set(struct gomem_chunk *c)
{
	unsigned long gp = get_state_synchronize_rcu();
	unsigned int older = !c->newer;

	if (gp != c->gp[c->newer]) {
		if (poll_state_synchronize_rcu(c->gp[older])) {
			c->newer = older;
			memset(&c->fresh[older], 0, sizeof(c->fresh[older]));
		}
		c->gp[c->newer] = gp;
	}
	return &c->fresh[c->newer];
}

/* Some pages of one chunk become free. */
static inline void gomem_fresh_add(struct gomem_chunk *c, unsigned int i, unsigned int n)
{
	gomem_pallocbits_set_range(gomem_fresh_set(c), i, n);
}

/* Those of word @w that have a bit in @mask do. */
static inline void gomem_fresh_add_mask(struct gomem_chunk *c, unsigned int w, u64 mask)
{
	gomem_fresh_set(c)->word[w] |= mask;
}

/* What all free pages of the chunk have to wait for, at most. */
static inline unsigned long gomem_fresh_until(const struct gomem_chunk *c)
{
	return c->gp[c->newer];
}

/* Add those whose wait is not over to the pages that may not go back. */
static inline void gomem_fresh_busy(const struct gomem_chunk *c, struct gomem_pallocbits *busy)
{
	unsigned int set, w;

	for (set = 0; set < ARRAY_SIZE(c->fresh); set++) {
		if (poll_state_synchronize_rcu(c->gp[set]))
			continue;
		for (w = 0; w < GOMEM_CHUNK_WORDS; w++)
			busy->word[w] |= c->fresh[set].word[w];
	}
}

#endif /* GOMEM_FRESHPAGE_H */
