// SPDX-License-Identifier: GPL-2.0
/*
 * The module "two" has two files. scripts/handover has to read both as one
 * module: two_text.c allocates what fill() hands over, and also frees p->tag.
 * scripts/handover must find each line with an "expect: RANK", and give it that
 * rank.
 */
#include <linux/parcel.h>

static void fill(struct parcel *p, const char *from)
{
	p->label = two_copy(from); /* expect: certain */
	p->tag = two_copy(from); /* expect: likely */
}
