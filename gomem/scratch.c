// SPDX-License-Identifier: GPL-2.0
/*
 * scratch.c - scratch buffers: in, out, and how many.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "alloc.h"
#include "mcache.h"
#include "node.h"
#include "report.h"
#include "scratch.h"
#include "sizeclass.h"

void *gomem_scratch_get(unsigned int order, gfp_t gfp)
{
	if (unlikely(order > GOMEM_SCRATCH_MAX_ORDER)) {
		gomem_report_order(order, _RET_IP_);
		return NULL;
	}
	if (unlikely(!gomem_enter_alloc(GOMEM_SCRATCH_SIZE(order), gfp, _RET_IP_)))
		return NULL;
	return gomem_alloc_slow(gomem_scratch_spc(order), gfp, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_scratch_get, GOMEM_NS);

/* What is no live buffer, and why. Buffers are aligned to their size, all of them. */
static bool check_buffer(const struct gomem_span *s, const void *buf, unsigned long caller)
{
	unsigned int class = gomem_spc_class(s->spc);

	if (!gomem_class_is_scratch(class)) {
		gomem_report_owner(buf, caller);
		return false;
	}
	if (!IS_ALIGNED((unsigned long)buf, gomem_class_size(class))) {
		gomem_report_pointer(GOMEM_INTERIOR_POINTER, buf, caller);
		return false;
	}
	if (gomem_is_free(buf)) {
		gomem_report_pointer(GOMEM_DOUBLE_FREE, buf, caller);
		return false;
	}
	return true;
}

void gomem_scratch_put(void *buf)
{
	struct gomem_span *s;

	if (!buf)
		return;
	/* So that the page stays while we look: see gomem_heap_release(). */
	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)buf);
	if (unlikely(!s))
		gomem_report_no_object(GOMEM_DOUBLE_FREE, buf, _RET_IP_);
	else if (likely(check_buffer(s, buf, _RET_IP_) && gomem_enter_free(_RET_IP_)))
		gomem_free_slow(s->spc, buf);
	rcu_read_unlock();
}
EXPORT_SYMBOL_NS_GPL(gomem_scratch_put, GOMEM_NS);

/**
 * gomem_scratch_get_stats - count scratch buffers
 * @st: where it goes; near the truth while CPUs go on, exact at rest
 */
void gomem_scratch_get_stats(struct gomem_scratch_stats *st)
{
	struct gomem_class_counts n;
	unsigned int order, spc;
	struct gomem_heap *h;

	memset(st, 0, sizeof(*st));
	for (order = 0; order <= GOMEM_SCRATCH_MAX_ORDER; order++) {
		spc = gomem_scratch_spc(order);
		gomem_mcache_count(&gomem_kinds[spc], &n);
		st->gets += n.mallocs;
		st->puts += n.frees;
		st->inuse += (n.mallocs - n.frees) * GOMEM_SCRATCH_SIZE(order);
		for_each_gomem_heap(h)
			st->sys += READ_ONCE(h->central[spc].npages) << GOMEM_PAGE_SHIFT;
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_scratch_get_stats);
