// SPDX-License-Identifier: GPL-2.0
/* Inline functions of a header allocate, or store an argument in a member. */
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
