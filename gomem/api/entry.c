// SPDX-License-Identifier: GPL-2.0
/*
 * entry.c - checks at the beginning of an allocation or a free, off the hit
 * paths.
 */
#include "map/report.h"
#include "api/entry.h"

/**
 * gomem_enter_alloc - check gfp and context of an allocation off the hit path
 * @size: bytes asked for, for the report
 * @gfp: gfp asked for
 * @caller: address of the code that called gomem, for the report
 *
 * Return: false, with a report, if the gfp or the context is refused.
 */
bool gomem_enter_alloc(size_t size, gfp_t gfp, unsigned long caller)
{
	if (unlikely(gfp & GOMEM_GFP_REFUSED)) {
		gomem_refuse_gfp(size, gfp, caller);
		return false;
	}
	gomem_check_context(gfp);
	return likely(!gomem_irq_context()) ||
	       gomem_enter_irq(GOMEM_EV_SOFTIRQ_ALLOCS, GOMEM_EV_HARDIRQ_ALLOCS,
			       caller);
}

/**
 * gomem_enter_free - check the context of a free off the hit path
 * @caller: address of the code that called gomem, for the report
 *
 * Return: false, with a report, if the context is refused.
 */
bool gomem_enter_free(unsigned long caller)
{
	return likely(!gomem_irq_context()) ||
	       gomem_enter_irq(GOMEM_EV_SOFTIRQ_FREES, GOMEM_EV_HARDIRQ_FREES,
			       caller);
}

/**
 * gomem_refuse_gfp - report an allocation whose gfp names a zone
 * @size: bytes asked for
 * @gfp: gfp asked for
 * @caller: address of the code that called gomem, for the report
 *
 * Return: NULL, for the caller to return.
 */
void *gomem_refuse_gfp(size_t size, gfp_t gfp, unsigned long caller)
{
	gomem_report_request(GOMEM_BAD_GFP, size, gfp, caller);
	return NULL;
}

/**
 * gomem_alloc_failed - count an allocation that fails, for lack of memory or at
 *	the hard limit of an account or of a module
 *
 * Return: NULL, for the caller to return.
 */
void *gomem_alloc_failed(void)
{
	gomem_count(GOMEM_EV_ALLOC_FAILURES, 1);
	return NULL;
}
