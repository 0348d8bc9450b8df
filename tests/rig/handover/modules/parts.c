// SPDX-License-Identifier: GPL-2.0
/*
 * A module that rig/handover.sh tests scripts/handover with: structs of the
 * kernel are members of its own structs, and of other structs of the kernel.
 */
#include <linux/parcel.h>

struct van {
	struct crate crate;
	int wheels;
};

struct lorry {
	int wheels;
	struct crate crate;
};

struct cart {
	struct device dev;
};

static void embed(void)
{
	struct van *v = kzalloc(sizeof(*v), GFP_KERNEL); /* expect: likely */
	struct lorry *l = kzalloc(sizeof(*l), GFP_KERNEL);

	crate_register(&v->crate);
	crate_register(&l->crate);
}

static void annotate(struct wagon *w, struct cart *c)
{
	w->dev.platform_data = kzalloc(8, GFP_KERNEL); /* expect: certain */
	c->dev.data = kzalloc(8, GFP_KERNEL);
	wagon_put(w);
}
