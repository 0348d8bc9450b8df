// SPDX-License-Identifier: GPL-2.0
/*
 * One of the two files of the module "two". The other file, two_text.c,
 * allocates and frees. scripts/handover must find each line with an "expect:
 * RANK", and give it that rank.
 */
#include <linux/parcel.h>

static void fill(struct parcel *p, const char *from)
{
	p->label = two_copy(from); /* expect: certain */
	p->tag = two_copy(from); /* expect: likely */
}
