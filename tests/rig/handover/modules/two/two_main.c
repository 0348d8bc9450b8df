// SPDX-License-Identifier: GPL-2.0
/* One of two files of a module. two_text.c allocates for it, and frees. */
#include <linux/parcel.h>

static void fill(struct parcel *p, const char *from)
{
	p->label = two_copy(from); /* expect: certain */
	p->tag = two_copy(from); /* expect: likely */
}
