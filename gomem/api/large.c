// SPDX-License-Identifier: GPL-2.0
/*
 * large.c - allocate, free, and extend objects that have pages of their own.
 */
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/string.h>

#include "base/sample.h"
#include "base/stats.h"
#include "map/special.h"
#include "cpu/node.h"
#include "api/cleanup.h"
#include "api/client.h"
#include "api/entry.h"
#include "api/large.h"
#include "api/watch.h"

/**
 * gomem_large_alloc - allocate an object that shares its pages with no other
 * @size: bytes, 1 to GOMEM_MAX_SIZE
 * @gfp: gfp, which the caller has checked
 * @noscan: the object holds no pointers
 * @node: the node whose memory is wanted; NUMA_NO_NODE if it does not matter
 * @caller: address of the code that called gomem: its module is noted as owner
 *
 * Context: any but NMI; may sleep if @gfp allows it.
 * Return: the object; NULL if there is no memory, or if gomem_watch() refuses
 * the object. NULL is counted as a failure.
 */
void *gomem_large_alloc(size_t size, gfp_t gfp, bool noscan, int node,
			unsigned long caller)
{
	struct gomem_span_request req = {
		.npages = DIV_ROUND_UP(size, GOMEM_PAGE_SIZE),
		.kind = &gomem_kinds[gomem_spc_make(0, noscan)],
		/*
		 * A power of two promises alignment if the caller chose it. But
		 * gomem chose the size of a buffer that has spare room.
		 */
		.aligned = is_power_of_2(size) && !(gfp & GOMEM_GFP_GROWS),
		.grows = gfp & GOMEM_GFP_GROWS,
		.gfp = gfp,
	};
	struct gomem_span *s =
		gomem_heap_alloc_span(gomem_node_heap(node), &req);
	bool paid;
	void *obj;

	if (!s)
		return gomem_alloc_failed();
	obj = (void *)s->base;
	s->client = gomem_client_of(caller);
	if (want_init_on_alloc(gfp) && s->zero)
		gomem_count(GOMEM_EV_ZEROING_SKIPPED, s->elemsize);
	else if (want_init_on_alloc(gfp))
		gomem_clear(obj, s->elemsize);
	gomem_leak_track(obj, s->elemsize, noscan, gfp);
	/*
	 * Other CPUs can free the object only after gomem_heap_publish_large(),
	 * which keeps the GOMEM_TAG_SPECIAL that gomem_watch() may have set.
	 */
	paid = gomem_watch(obj, s->elemsize, gfp);
	gomem_heap_publish_large(s);
	if (likely(paid))
		return obj;
	gomem_large_free(obj);
	return gomem_alloc_failed();
}

/**
 * gomem_large_free - free a large object
 * @p: the object, or any other pointer
 *
 * Context: any but NMI; never sleeps.
 * Return: false if @p is not a live large object, or if another CPU freed it
 * first.
 */
bool gomem_large_free(void *p)
{
	struct gomem_span *s =
		gomem_heap_claim_large(&gomem_pagemap, (unsigned long)p);

	if (unlikely(!s))
		return false;
	if (gomem_has_special(p))
		gomem_cleanup_run(p);
	gomem_leak_forget(p);
	if (want_init_on_free())
		gomem_clear(p, s->elemsize);
	gomem_heap_free_span(s);
	return true;
}

/**
 * gomem_large_size - look up the size of a large object
 * @p: the object, or any other pointer
 * @noscan: set to true if the object is noscan, else to false; unchanged if @p
 *	is not a live large object
 *
 * Context: any.
 * Return: its bytes; 0 if @p is not a live large object.
 */
size_t gomem_large_size(const void *p, bool *noscan)
{
	const struct gomem_span *s =
		gomem_pagemap_large(&gomem_pagemap, (unsigned long)p);

	if (!s)
		return 0;
	*noscan = gomem_spc_noscan(s->spc);
	return READ_ONCE(s->elemsize);
}

/*
 * Finish an object that was extended in place, from @size bytes to the length
 * of its span @s: clear the new bytes if @gfp asks for it, and tell kmemleak
 * and the heap profile the new size. @zero: the new bytes are known to be zero.
 */
static void hand_out_more(void *p, size_t size, struct gomem_span *s, bool zero,
			  gfp_t gfp)
{
	gomem_leak_forget(p);
	if (want_init_on_alloc(gfp) && zero)
		gomem_count(GOMEM_EV_ZEROING_SKIPPED, s->elemsize - size);
	else if (want_init_on_alloc(gfp))
		memset(p + size, 0, s->elemsize - size);
	gomem_leak_track(p, s->elemsize, gomem_spc_noscan(s->spc), gfp);
	gomem_profile_extend(p, s->elemsize, gfp & GOMEM_GFP_PAID);
}

/*
 * May the page at @addr be free? It may if it is gomem's and part of no span.
 * Check the span first: usually the page is part of one, and then the second
 * check can be skipped. The answer is a hint: gomem_heap_extend_span() checks
 * under the locks whether the page is free.
 */
static bool may_take(unsigned long addr)
{
	return !gomem_pagemap_span(&gomem_pagemap, addr) &&
	       gomem_pagemap_has_page(&gomem_pagemap, addr);
}

/**
 * gomem_large_extend - extend a large object in place
 * @p: the object, or any other pointer
 * @size: bytes of the object, as the caller has read them
 * @new_size: bytes that the object must have
 * @roomy: bytes that it gets instead if the pages for them are free; or 0
 * @gfp: gfp of the resize
 *
 * The object is claimed during the call. So a concurrent free finds no live
 * object, and is reported as misuse.
 *
 * Context: any; does nothing in an interrupt.
 * Return: true if the object was extended.
 */
bool gomem_large_extend(void *p, size_t size, size_t new_size, size_t roomy,
			gfp_t gfp)
{
	struct gomem_span *s;
	bool zero, ok;

	if (new_size > GOMEM_MAX_SIZE || (gfp & GOMEM_GFP_REFUSED) ||
	    gomem_irq_context() || !may_take((unsigned long)p + size))
		return false;
	s = gomem_heap_claim_large(&gomem_pagemap, (unsigned long)p);
	if (!s)
		return false;
	/* Another task may have extended the object since @size was read. */
	size = s->elemsize;
	ok = (roomy &&
	      gomem_heap_extend_span(s, roomy >> GOMEM_PAGE_SHIFT, &zero)) ||
	     gomem_heap_extend_span(s, DIV_ROUND_UP(new_size, GOMEM_PAGE_SIZE),
				    &zero);
	if (ok)
		hand_out_more(p, size, s, zero, gfp);
	gomem_heap_publish_large(s);
	return ok;
}
