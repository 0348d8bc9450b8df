// SPDX-License-Identifier: GPL-2.0
/* The other file of the module "two". */
#include <linux/parcel.h>

char *two_copy(const char *from)
{
	return kstrdup(from, GFP_KERNEL);
}

void two_drop(struct parcel *p)
{
	kfree(p->tag);
}
