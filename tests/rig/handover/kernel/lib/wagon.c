// SPDX-License-Identifier: GPL-2.0
/*
 * Stands for a bus of the kernel in rig/handover.sh: frees members of the
 * struct device that is a member of struct wagon.
 */
#include <linux/parcel.h>

struct wagon_object {
	struct wagon wagon;
	char name[8];
};

static void wagon_release(struct device *dev)
{
	struct wagon_object *o = container_of(dev, struct wagon_object,
					      wagon.dev);

	kfree(o->wagon.dev.platform_data);
	kfree(o->wagon.dev.data);
	kfree(o);
}

void wagon_put(struct wagon *w)
{
	put_device(&w->dev);
}
EXPORT_SYMBOL_GPL(wagon_put);
