// SPDX-License-Identifier: GPL-2.0
/*
 * A module that rig/handover.sh tests scripts/handover with: it puts
 * allocations into members of structs.
 */
#include <linux/parcel.h>

struct box {
	char *label;
};

#ifdef CONFIG_PARCEL_OWNER
static int copy_to_owner(char **to, const char *from)
{
	char *p = kmemdup(from, 8, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	*to = p;
	return 0;
}
#else
static int copy_to_owner(char **target, const char *from)
{
	return 0;
}
#endif

static char *copy_tag(const char *from)
{
	return kstrdup(from, GFP_KERNEL);
}

static struct parcel *make(struct box *box, const char *from)
{
	struct parcel *p = parcel_alloc();

	p->label = kstrdup(from, GFP_KERNEL); /* expect: certain */
	if (copy_to_owner(&p->owner, from)) /* expect: certain */
		goto fail;
	p->tag = copy_tag(from); /* expect: likely */
	p->roll = kcalloc(4, sizeof(long), GFP_KERNEL); /* expect: likely */
	p->list = kvmalloc(8, GFP_KERNEL); /* expect: likely */
	parcel_grow(p, 8);
	/*
	 * scripts/handover must not report the next line: parcel.c frees the
	 * note only if a flag is set, which this module does not set. courier.c
	 * frees only notes of its own parcels.
	 */
	p->note = kmalloc(8, GFP_KERNEL);
	box->label = kstrdup(from, GFP_KERNEL);
	lookup(from)->label = kstrdup(from, GFP_KERNEL);
	hidden->label = kstrdup(from, GFP_KERNEL); /* expect: skipped */
	p->label = from;
	return p;
fail:
	kfree(p->tag);
	parcel_put(p);
	return NULL;
}
