// SPDX-License-Identifier: GPL-2.0
/*
 * kernel/lib/wagon.c frees the platform_data of a device that is part of a
 * struct wagon. This module calls no function of wagon.c, so its device is
 * probably part of another struct: scripts/handover must not find this
 * allocation.
 */
#include <linux/parcel.h>

static void annotate(struct device *dev)
{
	dev->platform_data = kzalloc(8, GFP_KERNEL);
}
