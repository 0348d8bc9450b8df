// SPDX-License-Identifier: GPL-2.0
/* A second module in the directory. The module "two" does not call it. */
#include <linux/parcel.h>

static void drop(struct parcel *p)
{
	kfree(p->label);
}
