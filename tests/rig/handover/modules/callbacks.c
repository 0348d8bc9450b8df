// SPDX-License-Identifier: GPL-2.0
/* The module's table has a kernel function that frees what the module frees. */
#include <linux/parcel.h>

static void instantiate(struct parcel *p)
{
	struct payload *payload = kmalloc(sizeof(*payload), GFP_KERNEL); /* expect: look at */
	struct crate *c = kmalloc(sizeof(*c), GFP_KERNEL);

	if (attach(p, payload, c))
		kfree(payload);
}

static const struct parcel_ops ops = {
	.destroy = parcel_destroy_payload,
};
