// SPDX-License-Identifier: GPL-2.0
/* The kernel frees only with a flag that the module sets. */
#include <linux/parcel.h>

#ifdef CONFIG_PARCEL
static void annotate(struct parcel *p)
{
	p->note = kmalloc(8, GFP_KERNEL); /* expect: likely */
	p->flags |= PARCEL_OWNS_NOTE;
}
#else
static void annotate(struct parcel *p)
{
}
#endif
