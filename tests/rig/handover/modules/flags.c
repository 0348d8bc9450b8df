// SPDX-License-Identifier: GPL-2.0
/* The kernel frees a member only if a flag is set, and the module sets it. */
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
