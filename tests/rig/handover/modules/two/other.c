// SPDX-License-Identifier: GPL-2.0
/* Another module in the same directory: the first one does not call it. */
#include <linux/parcel.h>

static void drop(struct parcel *p)
{
	kfree(p->label);
}
