// SPDX-License-Identifier: GPL-2.0
/*
 * A module that rig/handover.sh tests scripts/handover with. The kernel frees
 * the parcels and the crate, which the module registers, when their last
 * references are dropped. The module also frees a parcel itself, so the rank of
 * the parcels is only "likely". The module does not register the payload, so
 * the kernel does not free it, and scripts/handover must not find it.
 */
#include <linux/parcel.h>

static int probe(struct device *dev)
{
	struct parcel *p = kzalloc(sizeof(*p), GFP_KERNEL); /* expect: likely */
	struct parcel *kept = kzalloc(sizeof(*kept), GFP_KERNEL); /* expect: likely */
	struct payload *other = kzalloc(sizeof(*other), GFP_KERNEL);
	struct crate *c = kzalloc(sizeof(*c), GFP_KERNEL); /* expect: certain */

	parcel_register(p);
	parcel_read(other);
	crate_register(c);
	if (dev->broken) {
		kfree(kept);
		return -ENODEV;
	}
	parcel_register(kept);
	return 0;
}
