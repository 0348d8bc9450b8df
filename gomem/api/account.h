/* SPDX-License-Identifier: GPL-2.0 */
/*
 * account.h - who has to pay for which objects.
 *
 * An account sums the objects that are charged to it. A charge is a special of
 * the object (map/special.h), so each free finds it. What a task allocates in a
 * section is charged to the section's account: api/payer.c.
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

/* Numbers that are unlikely in the memory of an account that was freed. */
enum gomem_account_state {
	GOMEM_ACCOUNT_LIVE = 0x6163636c,
	/* By its creator. */
	GOMEM_ACCOUNT_DESTROYED,
	/*
	 * By gomem, when a module was unloaded that should have destroyed it.
	 */
	GOMEM_ACCOUNT_CLOSED,
};

/**
 * struct gomem_account - an account
 * @link: in the list of all accounts
 * @rcu: for its free
 * @refs: its creator, each object that is charged to it, and each section. An
 *	account that was closed keeps the first, so that its handle stays valid
 * @bytes: of the objects that are charged to it
 * @objects: their number
 * @peak: the most @bytes so far
 * @failures: allocations that failed at @hard, or without memory for the charge
 * @missed: sections that charged nothing, without memory for the section
 * @crossings: calls of @fn
 * @soft: bytes above which @fn is called; 0: none
 * @hard: the most bytes; 0: no limit
 * @over: 1 from the call of @fn until @bytes are below 7/8 of @soft
 * @state: an enum gomem_account_state. Changes once. Only a live account is
 *	charged, and calls @fn
 * @owner: the module that created it, NULL for built-in code. For comparison
 *	only, while the account is live
 * @fn: see gomem_account_create()
 * @arg: argument of @fn
 * @kick: queues @work, from any context
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
