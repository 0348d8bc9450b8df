// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel frees platform_data, but not in code that this module calls. So
 * scripts/handover must not find this allocation.
 */
#include <linux/parcel.h>

static void annotate(struct device *dev)
{
	dev->platform_data = kzalloc(8, GFP_KERNEL);
}
