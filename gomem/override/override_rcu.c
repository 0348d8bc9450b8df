// SPDX-License-Identifier: GPL-2.0
/*
 * override_rcu.c - kfree_rcu() and related functions, and frees from contexts
 * that gomem_free() refuses, for modules built with linux/gomem_override.h.
 */
#include <linux/rcupdate.h>

#include "api/rcu.h"
#include "override/override.h"
#include "override/override_twin.h"

/*
 * Free a gomem object after a grace period. Return false if the object is the
 * kernel's. @head is NULL if the object has no head and the caller may sleep.
 */
static bool free_rcu(GOMEM_KVFREE_RCU_HEAD *head, void *p)
{
	if (!gomem_override_owns(p))
		return false;
	if (head)
		__gomem_free_rcu(head, p);
	else
		gomem_free_rcu_mightsleep(p);
	return true;
}

typeof(kvfree_call_rcu) gomem_override_kvfree_call_rcu;
#ifdef GOMEM_HAVE_KVFREE_RCU_OFFSET
void gomem_override_kvfree_call_rcu(struct rcu_head *head,
				    rcu_callback_t offset)
{
	unsigned long n = (unsigned long)offset;

	if (!free_rcu(head, head ? (void *)head - n : (void *)n))
		kvfree_call_rcu(head, offset);
}
#else
void gomem_override_kvfree_call_rcu(GOMEM_KVFREE_RCU_HEAD *head, void *p)
{
	if (!free_rcu(head, p))
		kvfree_call_rcu(head, p);
}
#endif
EXPORT_SYMBOL_NS_GPL(gomem_override_kvfree_call_rcu, GOMEM_NS);

#ifdef GOMEM_HAVE_KFREE_RCU_NOLOCK
typeof(kfree_call_rcu_nolock) gomem_override_kfree_call_rcu_nolock;
void gomem_override_kfree_call_rcu_nolock(struct kvfree_rcu_head *head, void *p)
{
	if (gomem_override_owns(p))
		gomem_free_rcu_nolock(head, p, _RET_IP_);
	else
		kfree_call_rcu_nolock(head, p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kfree_call_rcu_nolock, GOMEM_NS);
#endif

#ifdef GOMEM_HAVE_KFREE_NOLOCK
/*
 * The caller may be in any context, also in one that gomem_free() refuses. So
 * queue the object. A work frees it after a grace period, although the object
 * does not have to wait for one.
 */
typeof(kfree_nolock) gomem_override_kfree_nolock;
void gomem_override_kfree_nolock(const void *p)
{
	if (gomem_override_owns(p))
		gomem_free_nolock((void *)p, _RET_IP_);
	else
		kfree_nolock(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kfree_nolock, GOMEM_NS);
#endif

/*
 * gomem defines a stand-in for each of the two functions below only if the
 * kernel exports the function: otherwise no module can call it. Linux 7.3
 * exports neither.
 */
#ifdef GOMEM_EXPORTS_KVFREE_RCU_BARRIER
typeof(kvfree_rcu_barrier) gomem_override_kvfree_rcu_barrier;
void gomem_override_kvfree_rcu_barrier(void)
{
	gomem_rcu_barrier();
	kvfree_rcu_barrier();
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvfree_rcu_barrier, GOMEM_NS);
#endif

#ifdef GOMEM_EXPORTS_KVFREE_RCU_BARRIER_ON_CACHE
typeof(kvfree_rcu_barrier_on_cache) gomem_override_kvfree_rcu_barrier_on_cache;
void gomem_override_kvfree_rcu_barrier_on_cache(struct kmem_cache *s)
{
	if (gomem_twin_cache(s))
		gomem_rcu_barrier();
	kvfree_rcu_barrier_on_cache(s);
}
EXPORT_SYMBOL_NS_GPL(gomem_override_kvfree_rcu_barrier_on_cache, GOMEM_NS);
#endif
