/* SPDX-License-Identifier: GPL-2.0 */
/*
 * account.h - sum and limit what a part of a module allocates.
 *
 * An account sums the objects that are charged to it. A charge is attached to
 * its object as a special (map/special.h), so each free finds the charge. What
 * a task allocates after gomem_account_enter() is charged to the account that
 * the task has entered (see api/payer.c).
 */
#ifndef GOMEM_ACCOUNT_H
#define GOMEM_ACCOUNT_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct gomem_special;
struct module;

/*
 * The state of a freed account is GOMEM_ACCOUNT_DESTROYED until its memory is
 * overwritten, and then it is unlikely to be GOMEM_ACCOUNT_LIVE. So gomem
 * detects the use of an account that was freed.
 */
enum gomem_account_state {
	GOMEM_ACCOUNT_LIVE = 0x6163636c,
	/* gomem_account_destroy() was called for the account. */
	GOMEM_ACCOUNT_DESTROYED,
	/*
	 * gomem has closed the account, because the module of its creator, or
	 * of its callback, was unloaded before the account was destroyed.
	 */
	GOMEM_ACCOUNT_CLOSED,
};

/**
 * struct gomem_account - an account
 * @link: in the list of all accounts
 * @rcu: frees the account after a grace period
 * @refs: number of references: one for its creator, one for each object that is
 *	charged to it, and one for each gomem_account_enter() until
 *	gomem_account_exit(). An account that was closed keeps the reference for
 *	its creator: the account stays until gomem is unloaded, so that each
 *	later use of a pointer to it is detected
 * @bytes: bytes of the objects that are charged to it
 * @objects: number of these objects
 * @peak: the highest value of @bytes so far
 * @failures: allocations and resizes that failed because of @hard, or because
 *	there was no memory for the charge
 * @missed: calls of gomem_account_enter() that had no effect for lack of memory
 * @crossings: how often @bytes rose above @soft. Further rises count only after
 *	@bytes have been below 7/8 of @soft
 * @soft: soft limit of @bytes: above it, @fn is called; 0: no limit
 * @hard: hard limit of @bytes; 0: no limit
 * @over: 1 from when @bytes exceed @soft until they are below 7/8 of @soft.
 *	Meanwhile @fn is not called again
 * @state: an enum gomem_account_state. Changes at most once. Only a live
 *	account is charged with more objects, and only a live account calls @fn.
 *	A resize of a charged object changes @bytes in any state
 * @owner: the module that created it, NULL for built-in code. The pointer is
 *	only compared, and only while the account is live: later the module may
 *	be gone
 * @fn: callback for the soft limit, from the creator of the account; NULL: none
 * @arg: argument of @fn
 * @kick: irq_work that queues @work, see queue_callback()
 * @work: calls @fn
 * @name: its name
 */
struct gomem_account {
	struct list_head link;
	struct rcu_head rcu;
	refcount_t refs;
	atomic64_t bytes;
	atomic64_t objects;
	atomic64_t peak;
	atomic64_t failures;
	atomic64_t missed;
	u64 crossings;
	u64 soft;
	u64 hard;
	atomic_t over;
	unsigned int state;
	const struct module *owner;
	void (*fn)(struct gomem_account *account, void *arg);
	void *arg;
	struct irq_work kick;
	struct work_struct work;
	char name[];
};

typedef void (*gomem_account_visit_fn)(const struct gomem_account *a,
				       void *arg);

/* account.c */
void gomem_account_get(struct gomem_account *a);
void gomem_account_put(struct gomem_account *a);
bool gomem_account_charge(struct gomem_account *a, void *obj, size_t size,
			  gfp_t gfp);
bool gomem_account_recharge(struct gomem_special *sp, size_t size, gfp_t gfp);
void gomem_account_attach(struct gomem_special *sp);
void gomem_account_uncharge(struct gomem_special *sp);
void gomem_account_visit(gomem_account_visit_fn fn, void *arg);
bool gomem_account_check(const struct gomem_account *a, unsigned long caller);
void gomem_accounts_close(const struct module *mod);
void gomem_accounts_exit(void);

/* payer.c */
struct gomem_account *gomem_payer(void);
struct gomem_account *gomem_payer_suspend(void);
void gomem_payer_resume(struct gomem_account *a);
void gomem_payers_exit(void);

#endif /* GOMEM_ACCOUNT_H */
