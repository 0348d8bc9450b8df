// SPDX-License-Identifier: GPL-2.0
/*
 * scratch.c - get, put and count scratch buffers.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "base/sizeclass.h"
#include "map/report.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "api/object.h"
#include "api/scratch.h"

void *gomem_scratch_get(unsigned int order, gfp_t gfp)
{
	const struct gomem_kind *kind;

	if (unlikely(order > GOMEM_SCRATCH_MAX_ORDER)) {
		gomem_report_order(order, _RET_IP_);
		return NULL;
	}
	if (unlikely(!gomem_enter_alloc(GOMEM_SCRATCH_SIZE(order), gfp,
					_RET_IP_)))
		return NULL;
	kind = &gomem_kinds[gomem_scratch_spc(order)];
	return gomem_object_alloc_in_span(kind, gfp, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_scratch_get, GOMEM_NS);

/*
 * Return true if @buf is a live scratch buffer. If not, report what is wrong.
 * Each buffer is aligned to its size, so a pointer that is not aligned points
 * into the middle of a buffer.
 */
static bool check_buffer(const struct gomem_span *s, const void *buf,
			 unsigned long caller)
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
	if (gomem_has_key(buf)) {
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
	/*
	 * Keep the page until the checks are over: see gomem_heap_release().
	 */
	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)buf);
	if (unlikely(!s))
		gomem_report_no_object(GOMEM_DOUBLE_FREE, buf, _RET_IP_);
	else if (likely(check_buffer(s, buf, _RET_IP_) &&
			gomem_enter_free(_RET_IP_)))
		gomem_object_free(&gomem_kinds[s->spc], buf);
	rcu_read_unlock();
}
EXPORT_SYMBOL_NS_GPL(gomem_scratch_put, GOMEM_NS);

/**
 * gomem_scratch_get_stats - count scratch buffers
 * @st: result; approximate while CPUs get and put buffers, else exact
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
			st->sys += READ_ONCE(h->central[spc].npages)
				   << GOMEM_PAGE_SHIFT;
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_scratch_get_stats);
