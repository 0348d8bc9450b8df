/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shuffle.h - put never-used objects into an order that is hard to guess.
 */
#ifndef GOMEM_SHUFFLE_H
#define GOMEM_SHUFFLE_H

#include <linux/compiler.h>
#include <linux/types.h>

extern bool gomem_shuffle;

void gomem_shuffle_init(void);
unsigned int gomem_shuffle_below(unsigned int n);
void gomem_shuffle_some(void **objs, unsigned int n);
void gomem_shuffle_rotate(void **objs, unsigned int n);

/*
 * A slot refill that wants fewer objects than this draws each object at random,
 * by gomem_span_draw(), if gomem_draws_from() allows that for the span.
 */
#define GOMEM_DRAW_BELOW	8U

/*
 * Put the never-used objects of a batch into random order. The batch @objs is
 * @n objects of one span. The first @recycled of them are reused, and keep
 * their places. The others lie side by side, by rising address. @together: one
 * caller gets the whole batch. Then only rotate the never-used objects: see
 * shuffle.c for the reason.
 */
static inline void gomem_shuffle_fresh(void **objs, unsigned int n,
				       unsigned int recycled, bool together)
{
	if (n - recycled <= 1 || !READ_ONCE(gomem_shuffle))
		return;
	if (together)
		gomem_shuffle_rotate(objs + recycled, n - recycled);
	else
		gomem_shuffle_some(objs + recycled, n - recycled);
}

#endif /* GOMEM_SHUFFLE_H */
