// SPDX-License-Identifier: GPL-2.0
/*
 * A module that rig/handover.sh tests scripts/handover with. The kernel frees
 * objects of each cache that this module creates, except of "own". The module
 * itself allocates only from ops.cachep. So only from this cache may the kernel
 * get an object of gomem to free. gomem_kernel_cache() leaves ops.theirs to the
 * kernel's allocator, so scripts/handover must not list ops.theirs.
 */
#include <linux/parcel.h>

static struct parcel_ops ops;
static struct kmem_cache *lots, *own;

static void init(struct parcel *p)
{
	ops.cachep = kmem_cache_create("a", 8, 0, 0, NULL); /* expect: look at */
	ops.spare = kmem_cache_create("b", 8, 0, 0, NULL); /* expect: note */
	ops.theirs = gomem_kernel_cache(kmem_cache_create("c", 8, 0, 0, NULL));
	lots = kmem_cache_create("d", 8, 0, 0, NULL);
	own = kmem_cache_create("e", 8, 0, 0, NULL);
	parcel_lots_create("lots", lots); /* expect: note */
	parcel_look_up("own", own);
	attach(p, kmem_cache_alloc(ops.cachep, GFP_KERNEL));
}
