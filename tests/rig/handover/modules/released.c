// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel calls the module's release function, which frees the crate. So the
 * crate is freed by the module's own code, and scripts/handover must not list
 * it as memory that the kernel frees.
 */
#include <linux/parcel.h>

static void crate_done(struct crate *c)
{
	kfree(c);
}

static const struct crate_ops crate_ops = {
	.release = crate_done,
};

static void probe(void)
{
	struct crate *c = kzalloc(sizeof(*c), GFP_KERNEL);

	c->ops = &crate_ops;
	crate_register(c);
}
