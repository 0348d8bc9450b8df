/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shuffle.h - objects that were never handed out come in an order that nobody can guess.
 */
#ifndef GOMEM_SHUFFLE_H
#define GOMEM_SHUFFLE_H

#include <linux/compiler.h>
#include <linux/types.h>

extern bool gomem_shuffle;

void gomem_shuffle_init(void);
void gomem_shuffle_some(void **objs, unsigned int n);
void gomem_shuffle_rotate(void **objs, unsigned int n);

/*
 * @objs: @n objects of one span, of which the first @recycled stay where they are. The rest
 * lies side by side. @together: one user gets all of them at once.
 */
static inline void gomem_shuffle_fresh(void **objs, unsigned int n, unsigned int recycled,
				       bool together)
{
	if (n - recycled <= 1 || !READ_ONCE(gomem_shuffle))
		return;
	if (together)
		gomem_shuffle_rotate(objs + recycled, n - recycled);
	else
		gomem_shuffle_some(objs + recycled, n - recycled);
}

#endif /* GOMEM_SHUFFLE_H */
