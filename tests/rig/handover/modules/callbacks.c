// SPDX-License-Identifier: GPL-2.0
/*
 * The module's parcel_ops point to parcel_destroy_payload(), a function of the
 * kernel that frees a struct payload. scripts/handover gives this the rank
 * "look at", because of two doubts. Only the type tells that the kernel may
 * free the struct that the module allocates. And the module frees that struct
 * itself if attach() fails.
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
