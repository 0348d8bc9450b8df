// SPDX-License-Identifier: GPL-2.0
/*
 * watch.c - what is done with each object while allocations are watched.
 */
#include "api/exact.h"
#include "api/watch.h"

DEFINE_STATIC_KEY_FALSE(gomem_watching);

/**
 * gomem_watch_slow - record an object if the profile wants it
 * @obj: the object, which is live and not handed out yet
 * @size: its bytes
 *
 * Context: any but NMI; never sleeps. Not with a cache owned.
 */
noinline void gomem_watch_slow(void *obj, size_t size)
{
	if (gomem_exact_wants())
		gomem_profile_take_exact(obj, size);
	else
		gomem_profile_count_one(obj, size);
}
