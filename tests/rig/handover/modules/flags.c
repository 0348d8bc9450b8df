// SPDX-License-Identifier: GPL-2.0
/*
 * A module that rig/handover.sh tests scripts/handover with. The kernel frees
 * the member note only if a flag is set. This module sets the flag, but
 * scripts/handover sees only the condition. So the rank is only "likely".
 */
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
