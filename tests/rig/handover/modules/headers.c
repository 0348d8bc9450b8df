// SPDX-License-Identifier: GPL-2.0
/*
 * A module that rig/handover.sh tests scripts/handover with. It calls inline
 * functions of a header: one allocates, one stores its argument in a member,
 * and one frees. They are compiled into the module, so they count as its code.
 */
#include <linux/parcel.h>

static void fill(void)
{
	struct sack *s = sack_alloc(); /* expect: certain */
	void *content = kmalloc(8, GFP_KERNEL); /* expect: certain */
	void *dropped = kmalloc(8, GFP_KERNEL);

	sack_fill(s, content);
	sack_register(s);
	parcel_drop(dropped);
}
