// SPDX-License-Identifier: GPL-2.0
/*
 * watch.c - record and charge objects while allocations are watched.
 */
#include "api/account.h"
#include "api/entry.h"
#include "api/exact.h"
#include "api/usage.h"
#include "api/watch.h"

DEFINE_STATIC_KEY_FALSE(gomem_watching);
DEFINE_STATIC_KEY_FALSE(gomem_detour);

/**
 * gomem_watch_begin - watch allocations from now on
 *
 * Each call is undone by one of gomem_watch_end(). gomem_watching is enabled
 * before gomem_detour, and disabled after it. Otherwise, while only
 * gomem_detour is enabled, gomem_alloc_detoured() would clear objects without
 * need.
 *
 * Context: may sleep.
 */
void gomem_watch_begin(void)
{
	static_branch_inc(&gomem_watching);
	static_branch_inc(&gomem_detour);
}

/**
 * gomem_watch_end - undo a call of gomem_watch_begin()
 *
 * Context: may sleep.
 */
void gomem_watch_end(void)
{
	static_branch_dec(&gomem_detour);
	static_branch_dec(&gomem_watching);
}

/**
 * gomem_is_watched - check if an allocation may have to be recorded, charged or
 *	refused
 *
 * Context: any.
 * Return: true if the profile records each object of some modules, if a module
 * is over its hard limit, or if the task has entered an account.
 */
bool gomem_is_watched(void)
{
	return gomem_exact_is_on() || gomem_usage_is_over() || gomem_payer();
}

/**
 * gomem_watch_slow - record an object, and charge it, if necessary
 * @obj: the object, which is live and not handed out yet
 * @size: bytes of the object
 * @gfp: the gfp of the allocation
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not in a section.
 * Return: false in three cases: the account that the task has entered would
 * exceed its hard limit; there is no memory for the charge; or the object is
 * charged to no account, and gomem_usage_refuses() returns true because the
 * module that allocates is over its hard limit.
 */
noinline bool gomem_watch_slow(void *obj, size_t size, gfp_t gfp)
{
	struct gomem_account *a = gomem_payer();
	bool charged = a || (gfp & GOMEM_GFP_PAID);

	/* kzalloc(), which makes the charge, does not know gomem's flags. */
	gfp &= __GFP_BITS_MASK;
	if (!charged && gomem_usage_is_over() && gomem_usage_refuses(gfp))
		return false;
	gomem_profile_watch(obj, size, charged);
	return !a || gomem_account_charge(a, obj, size, gfp);
}

/**
 * gomem_watch_many_slow - record and charge the objects of a bulk call
 * @p: the objects, live and not handed out yet
 * @n: their number
 * @size: bytes of each
 * @gfp: the gfp of the call
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not in a section.
 * Return: how many objects, counted from p[0], may be handed out. If these are
 * fewer than @n, gomem_watch_slow() has returned false for the next object. The
 * profile may have a record of that object nevertheless. So the caller lets
 * gomem_cleanup_run() end the record before it frees the object.
 */
noinline unsigned int gomem_watch_many_slow(void **p, unsigned int n,
					    size_t size, gfp_t gfp)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!gomem_watch_slow(p[i], size, gfp))
			break;
	return i;
}
