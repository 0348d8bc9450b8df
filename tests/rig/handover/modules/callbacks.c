// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's function to which the module's parcel_ops point frees a payload,
 * but only its type tells that it may be this one. And the module frees it
 * itself. These are the two doubts that make the rank "look at".
 */
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
