// SPDX-License-Identifier: GPL-2.0
/* The module does not use the code that frees such a member. */
#include <linux/parcel.h>

static void annotate(struct device *dev)
{
	dev->platform_data = kzalloc(8, GFP_KERNEL);
}
