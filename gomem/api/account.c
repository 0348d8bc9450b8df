// SPDX-License-Identifier: GPL-2.0
/*
 * account.c - create and destroy accounts, and charge objects to them.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "map/report.h"
#include "map/special.h"
#include "api/account.h"
#include "api/entry.h"
#include "api/hit.h"
#include "api/rcu.h"
#include "api/usage.h"
#include "api/watch.h"

/*
 * Protects the list of accounts. Taken by tasks that create an account, and by
 * gomem_account_put() of the last reference, in any context but NMI. Readers
 * walk the list under RCU. No other lock is taken under it.
 */
static DEFINE_SPINLOCK(accounts_lock);
static LIST_HEAD(accounts);

static void run_callback(struct work_struct *work)
{
	struct gomem_account *a =
		container_of(work, struct gomem_account, work);

	a->fn(a, a->arg);
}

/*
 * Queue the work that calls the callback of an account. This runs as an
 * irq_work, since check_soft() cannot queue the work itself: code that
 * allocates may hold a lock that the wake-up of a worker takes, too.
 */
static void queue_callback(struct irq_work *kick)
{
	schedule_work(&container_of(kick, struct gomem_account, kick)->work);
}

struct gomem_account *
__gomem_account_create(const char *name, size_t soft, size_t hard,
		       void (*fn)(struct gomem_account *account, void *arg),
		       void *arg, const struct module *owner)
{
	struct gomem_account *a;
	size_t len;

	might_sleep();
	if (!name || !*name)
		return NULL;
	len = strlen(name) + 1;
	a = kzalloc(struct_size(a, name, len), GFP_KERNEL);
	if (!a)
		return NULL;
	memcpy(a->name, name, len);
	refcount_set(&a->refs, 1);
	a->soft = soft;
	a->hard = hard;
	a->state = GOMEM_ACCOUNT_LIVE;
	a->owner = owner;
	a->fn = fn;
	a->arg = arg;
	init_irq_work(&a->kick, queue_callback);
	INIT_WORK(&a->work, run_callback);
	spin_lock_irq(&accounts_lock);
	list_add_tail_rcu(&a->link, &accounts);
	spin_unlock_irq(&accounts_lock);
	gomem_watch_begin();
	return a;
}
EXPORT_SYMBOL_NS_GPL(__gomem_account_create, GOMEM_NS);

/**
 * gomem_account_get - take a reference of an account
 * @a: the account
 *
 * Context: any.
 */
void gomem_account_get(struct gomem_account *a)
{
	refcount_inc(&a->refs);
}

/**
 * gomem_account_put - drop a reference of an account; the last one frees it
 * @a: the account
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_account_put(struct gomem_account *a)
{
	unsigned long flags;

	if (!refcount_dec_and_test(&a->refs))
		return;
	spin_lock_irqsave(&accounts_lock, flags);
	list_del_rcu(&a->link);
	spin_unlock_irqrestore(&accounts_lock, flags);
	kfree_rcu(a, rcu);
}

static bool is_live(const struct gomem_account *a)
{
	return READ_ONCE(a->state) == GOMEM_ACCOUNT_LIVE;
}

static void report_use(const struct gomem_account *a, unsigned long caller)
{
	bool closed = READ_ONCE(a->state) == GOMEM_ACCOUNT_CLOSED;

	/*
	 * gomem closes an account when the module of its creator or of its
	 * callback is unloaded, and keeps the memory of the account. So the
	 * name can be read. A destroyed account may have been freed already.
	 */
	gomem_report_account(a, closed ? a->name : NULL, caller);
}

/**
 * gomem_account_check - check that an account is live; report it if it is not
 * @a: pointer to memory that is, or was, an account
 * @caller: address of the code that passed @a
 *
 * Context: any but NMI.
 * Return: true if the account is live. Another task may destroy the account
 * right after this check.
 */
bool gomem_account_check(const struct gomem_account *a, unsigned long caller)
{
	if (likely(is_live(a)))
		return true;
	report_use(a, caller);
	return false;
}

/*
 * End an account, by destroying or closing it: charge no more objects to it,
 * and do not call its callback any more. Objects are charged, and the irq_work
 * a->kick is queued, under rcu_read_lock(). So synchronize_rcu() waits until
 * neither happens any more. Return false if the account was ended before.
 */
static bool end_account(struct gomem_account *a, enum gomem_account_state state)
{
	if (cmpxchg(&a->state, GOMEM_ACCOUNT_LIVE, state) != GOMEM_ACCOUNT_LIVE)
		return false;
	synchronize_rcu();
	irq_work_sync(&a->kick);
	cancel_work_sync(&a->work);
	gomem_watch_end();
	return true;
}

void gomem_account_destroy(struct gomem_account *a)
{
	might_sleep();
	if (!a)
		return;
	if (end_account(a, GOMEM_ACCOUNT_DESTROYED))
		gomem_account_put(a);
	else
		report_use(a, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(gomem_account_destroy, GOMEM_NS);

size_t gomem_account_bytes(const struct gomem_account *a)
{
	if (!gomem_account_check(a, _RET_IP_))
		return 0;
	return atomic64_read(&a->bytes);
}
EXPORT_SYMBOL_NS_GPL(gomem_account_bytes, GOMEM_NS);

/*
 * If @bytes exceed the soft limit of a live account, count a crossing of the
 * limit, and have the callback called if there is one. Do both again only after
 * the account has been below 7/8 of the limit. The caller is in an RCU
 * read-side section, which end_account() waits for.
 */
static void check_soft(struct gomem_account *a, u64 bytes)
{
	if (!a->soft || bytes <= a->soft || !is_live(a) ||
	    atomic_read(&a->over) || atomic_xchg(&a->over, 1))
		return;
	WRITE_ONCE(a->crossings, a->crossings + 1);
	if (a->fn)
		irq_work_queue(&a->kick);
}

/*
 * Add bytes to an account. Return false if the account would exceed its hard
 * limit, unless @gfp has __GFP_NOFAIL.
 */
static bool add_bytes(struct gomem_account *a, u64 more, gfp_t gfp)
{
	s64 old = atomic64_read(&a->bytes);

	do {
		if (a->hard && old + more > a->hard && !(gfp & __GFP_NOFAIL))
			return false;
	} while (!atomic64_try_cmpxchg(&a->bytes, &old, old + more));
	gomem_usage_raise(&a->peak, old + more);
	check_soft(a, old + more);
	return true;
}

static void sub_bytes(struct gomem_account *a, u64 less)
{
	u64 left = atomic64_sub_return(less, &a->bytes);

	if (atomic_read(&a->over) && left < a->soft - a->soft / 8)
		atomic_set(&a->over, 0);
}

/*
 * Add an object. Return false, and count the failure, if add_bytes() refuses
 * the bytes of the object.
 */
static bool add_object(struct gomem_account *a, size_t size, gfp_t gfp)
{
	if (!add_bytes(a, size, gfp)) {
		atomic64_inc(&a->failures);
		return false;
	}
	atomic64_inc(&a->objects);
	gomem_account_get(a);
	return true;
}

/*
 * Make the special for a charge, in memory from the kernel's kmalloc(). If @gfp
 * demands a node, that applies to the object, not to the special. A gfp that
 * names a DMA zone was refused before; __GFP_MOVABLE may be left, and is
 * removed.
 */
static struct gomem_special *new_charge(struct gomem_account *a, void *obj,
					size_t size, gfp_t gfp)
{
	struct gomem_special *sp;

	gfp &= ~(GFP_ZONEMASK | __GFP_THISNODE);
	sp = kzalloc(sizeof(*sp), gfp);
	if (!sp)
		return NULL;
	sp->hidden = gomem_hide((unsigned long)obj);
	sp->account = a;
	sp->bytes = size;
	return sp;
}

/**
 * gomem_account_attach - attach a charge to its object
 * @sp: the charge, with the object's address. The object and its bytes are
 *	counted in the account already
 *
 * An object that an account pays for does not count in the usage of its module
 * (api/usage.h). If the heap profile's record of the object was counted in that
 * usage, this function subtracts the record. If another caller has freed the
 * object meanwhile, which is misuse, and the object's span is gone, this
 * function ends the charge.
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_account_attach(struct gomem_special *sp)
{
	struct gomem_special record;

	if (unlikely(!gomem_special_add(sp, &record))) {
		gomem_account_uncharge(sp);
		kfree(sp);
	} else if (unlikely(record.bucket)) {
		gomem_usage_end(&record);
	}
}

/**
 * gomem_account_charge - charge an object to an account
 * @a: the account, whose memory stays during the call
 * @obj: the object, which the caller owns
 * @size: bytes of the object
 * @gfp: the gfp of the allocation
 *
 * Nothing is charged to an account that was destroyed or closed. That alone is
 * no reason to return false.
 *
 * Context: any but NMI; may sleep if @gfp allows it. Not in a section.
 * Return: false if the caller has to free the object, because the account would
 * exceed its hard limit, or because there is no memory for the charge.
 */
bool gomem_account_charge(struct gomem_account *a, void *obj, size_t size,
			  gfp_t gfp)
{
	struct gomem_special *sp = new_charge(a, obj, size, gfp);
	bool ok = true;

	if (unlikely(!sp)) {
		atomic64_inc(&a->failures);
		return false;
	}
	/* end_account() waits for this RCU read-side section. */
	rcu_read_lock();
	if (!is_live(a)) {
		kfree(sp);
	} else if (!add_object(a, size, gfp)) {
		kfree(sp);
		ok = false;
	} else {
		gomem_account_attach(sp);
	}
	rcu_read_unlock();
	return ok;
}

/**
 * gomem_account_recharge - change the bytes of a charge
 * @sp: the charge, which was removed from its object
 * @size: the bytes that the object has now, or will have
 * @gfp: the gfp of the resize
 *
 * Context: any but NMI; never sleeps.
 * Return: false, with nothing changed, if a live account would exceed its hard
 * limit. That is not counted as a failure here: the caller may still resize the
 * object in another way. With __GFP_NOFAIL, or if the account is not live, the
 * limit is ignored.
 */
bool gomem_account_recharge(struct gomem_special *sp, size_t size, gfp_t gfp)
{
	struct gomem_account *a = sp->account;
	bool ok = true;

	rcu_read_lock();
	if (size > sp->bytes && !is_live(a))
		gfp |= __GFP_NOFAIL;
	if (size <= sp->bytes)
		sub_bytes(a, sp->bytes - size);
	else
		ok = add_bytes(a, size - sp->bytes, gfp);
	if (ok)
		sp->bytes = size;
	rcu_read_unlock();
	return ok;
}

/**
 * gomem_account_uncharge - end the charge of an object that is freed
 * @sp: the charge, which was removed from the object
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_account_uncharge(struct gomem_special *sp)
{
	struct gomem_account *a = sp->account;

	sub_bytes(a, sp->bytes);
	atomic64_dec(&a->objects);
	gomem_account_put(a);
}

void *gomem_account_alloc(struct gomem_account *a, size_t size, gfp_t gfp)
{
	struct gomem_account *other;
	void *p;

	if (!a || unlikely(!gomem_account_check(a, _RET_IP_)))
		return gomem_alloc_any(size, gfp, false);
	other = gomem_payer_suspend();
	p = gomem_alloc_any(size, gfp | GOMEM_GFP_PAID, false);
	gomem_payer_resume(other);
	if (ZERO_OR_NULL_PTR(p))
		return p;
	if (likely(gomem_account_charge(a, p, gomem_usable_size(p), gfp)))
		return p;
	gomem_free_any(p);
	return gomem_alloc_failed();
}
EXPORT_SYMBOL_NS_GPL(gomem_account_alloc, GOMEM_NS);

/**
 * gomem_account_visit - call a function for all accounts, the oldest first
 * @fn: called for each account, in an RCU read-side section
 * @arg: argument of @fn
 *
 * Context: any.
 */
void gomem_account_visit(gomem_account_visit_fn fn, void *arg)
{
	const struct gomem_account *a;

	rcu_read_lock();
	list_for_each_entry_rcu(a, &accounts, link)
		fn(a, arg);
	rcu_read_unlock();
}
EXPORT_SYMBOL_IF_KUNIT(gomem_account_visit);

/* Has the module created the account, or does it contain the callback? */
static bool needs_module(const struct gomem_account *a,
			 const struct module *mod)
{
	return a->owner == mod || within_module((unsigned long)a->fn, mod);
}

/*
 * Find a live account for which needs_module() returns true, and take a
 * reference of the account. Return NULL if there is none.
 */
static struct gomem_account *get_account_of(const struct module *mod)
{
	struct gomem_account *a, *found = NULL;

	rcu_read_lock();
	list_for_each_entry_rcu(a, &accounts, link)
		if (is_live(a) && needs_module(a, mod) &&
		    refcount_inc_not_zero(&a->refs)) {
			found = a;
			break;
		}
	rcu_read_unlock();
	return found;
}

/**
 * gomem_accounts_close - close the accounts that a module should have destroyed
 * @mod: the module, which is being unloaded: its exit function has run, or its
 *	init function has failed
 *
 * The objects of a closed account stay charged, so that their frees find the
 * account. The memory of the account stays until gomem is unloaded, so that
 * each later use of a pointer to it is detected.
 *
 * Context: may sleep.
 */
void gomem_accounts_close(const struct module *mod)
{
	struct gomem_account *a;

	while ((a = get_account_of(mod))) {
		if (end_account(a, GOMEM_ACCOUNT_CLOSED)) {
			/*
			 * Objects that were passed to gomem_free_rcu() may
			 * still be charged. Wait until they are freed, so that
			 * they are not reported.
			 */
			if (atomic64_read(&a->objects))
				gomem_rcu_barrier();
			gomem_report_account_left(a->name, mod,
						  atomic64_read(&a->objects),
						  atomic64_read(&a->bytes));
		}
		gomem_account_put(a);
	}
}
EXPORT_SYMBOL_IF_KUNIT(gomem_accounts_close);

/**
 * gomem_accounts_exit - free the accounts that are left
 *
 * Called when nothing allocates or frees any more, and no object has a special.
 * The modules that created the accounts are unloaded, so no account is live.
 * Left are closed accounts, and destroyed ones that a task never left or that
 * objects were charged to when gomem was unloaded.
 *
 * Context: may sleep.
 */
void gomem_accounts_exit(void)
{
	struct gomem_account *a, *next;

	list_for_each_entry_safe(a, next, &accounts, link) {
		list_del(&a->link);
		kfree(a);
	}
}
