// SPDX-License-Identifier: GPL-2.0
/* CONFIG_COURIER: this file is built in, as a module, or not at all. */
#include <linux/parcel.h>

void courier_take(void *data)
{
	kfree(data);
}
EXPORT_SYMBOL_GPL(courier_take);

/* Another user of parcels, which frees members of its own parcels. */
static void courier_close(struct parcel *p)
{
	kfree(p->note);
}
