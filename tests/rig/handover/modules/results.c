// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel gets a struct method from .init of the module's method_ops, and
 * frees it. The kernel never calls .other, so it does not get the payload.
 */
#include <linux/parcel.h>

static struct method *method_init(void)
{
	struct method *m = kzalloc(sizeof(*m), GFP_KERNEL); /* expect: likely */

	return m;
}

static struct payload *payload_init(void)
{
	struct payload *p = kzalloc(sizeof(*p), GFP_KERNEL);

	return p;
}

static const struct method_ops ops = {
	.init = method_init,
	.other = payload_init,
};

static int start(void)
{
	return method_start(&ops) ? 0 : -ENOMEM;
}
