// SPDX-License-Identifier: GPL-2.0
/*
 * A module that rig/handover.sh tests scripts/handover with: it puts
 * allocations into unions, and into initializers.
 */
#include <linux/parcel.h>

static void fill(struct parcel *p)
{
	p->hint = kmalloc(8, GFP_KERNEL); /* expect: certain */
	p->content.text = kmalloc(8, GFP_KERNEL); /* expect: certain */
	p->extra.blob = kmalloc(8, GFP_KERNEL); /* expect: certain */
	p->content.other = kmalloc(8, GFP_KERNEL);
	parcel_put(p);
}

static void fill_union(union parcel_extra *extra)
{
	extra->text = kmalloc(8, GFP_KERNEL); /* expect: certain */
}

static void declare(void)
{
	char *owner = kstrdup("owner", GFP_KERNEL);
	struct parcel p = {
		.label = kstrdup("label", GFP_KERNEL), /* expect: certain */
		.content = { .more = kmalloc(8, GFP_KERNEL) }, /* expect: certain */
		.owner = owner /* expect: certain */
	};
	struct payload payload = {
		.label = kstrdup("label", GFP_KERNEL),
	};

	parcel_send(&p);
}

static void assign(struct parcel *p)
{
	*p = (struct parcel){
		.tag = kmalloc(8, GFP_KERNEL), /* expect: certain */
	};
	{
		p->seal = kmalloc(8, GFP_KERNEL);
	}
}
