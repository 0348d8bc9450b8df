// SPDX-License-Identifier: GPL-2.0
/*
 * A module that rig/handover.sh tests scripts/handover with: it passes
 * allocations to functions of the kernel.
 */
#include <linux/parcel.h>

static void pass(struct parcel_index *index)
{
	void **table = kmalloc_array(8, sizeof(*table), GFP_KERNEL); /* expect: certain */
	void **pages = kvmalloc_array(8, sizeof(*pages), GFP_KERNEL);
	void *data = kmalloc(8, GFP_KERNEL); /* expect: certain */
	void *seen = kmalloc(8, GFP_KERNEL);
	void *own = kmalloc(8, GFP_KERNEL);
	void *packet = kmalloc(8, GFP_KERNEL);
	void *known = gomem_kernel_kmalloc(8, GFP_KERNEL);
	void *page = kmalloc(8, GFP_KERNEL); /* expect: certain */
	void *letter = kzalloc(8, GFP_KERNEL); /* expect: likely */

	parcel_index_create(table);
	parcel_index_map(index, pages, 0);
	parcel_consume(data);
	parcel_read(seen);
	parcel_drop(own);
	build_skb(packet, 0);
	parcel_consume(known);
	courier_take(letter);
	ledger_open(page);
}

static void keep(struct parcel_index *index)
{
	void **pages = kvmalloc_array(8, sizeof(*pages), GFP_KERNEL); /* expect: certain */

	parcel_index_map(index, pages, PARCEL_KEEP);
}
