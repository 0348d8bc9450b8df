// SPDX-License-Identifier: GPL-2.0
/*
 * CONFIG_COURIER decides whether this file is built into the kernel, is a
 * module, or is not built.
 */
#include <linux/parcel.h>

void courier_take(void *data)
{
	kfree(data);
}
EXPORT_SYMBOL_GPL(courier_take);

/*
 * Stands for kernel code that frees the notes only of parcels that it made
 * itself. scripts/handover must not take this for a free of a note that a
 * module allocated: see modules/members.c.
 */
static void courier_close(struct parcel *p)
{
	kfree(p->note);
}
