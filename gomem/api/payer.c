// SPDX-License-Identifier: GPL-2.0
/*
 * payer.c - find the payer: the account that is charged with what the current
 * task allocates.
 *
 * A task that has entered an account has an entry in a hash table. Only the
 * task itself adds, changes and removes its entry, so it can use the entry
 * without a lock. When a task searches for its entry, it also reads entries of
 * other tasks. These are freed only after a grace period.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "cpu/mcache.h"
#include "api/account.h"

#define HASH_BITS	8

/**
 * struct entry - a task that has entered an account
 * @link: in the list of its hash value
 * @rcu: frees the entry after a grace period
 * @task: the task
 * @started: start time of the task, to tell it from a later task whose
 *	task_struct has the same address
 * @depth: calls of gomem_account_enter() less those of gomem_account_exit()
 * @account: the account to charge; NULL: charge nothing
 */
struct entry {
	struct hlist_node link;
	struct rcu_head rcu;
	const struct task_struct *task;
	u64 started;
	unsigned int depth;
	struct gomem_account *account;
};

/*
 * Protects the lists while an entry is added or removed. Taken by tasks only.
 * No other lock is taken under it.
 */
static DEFINE_SPINLOCK(entries_lock);
static struct hlist_head entries[1 << HASH_BITS];

static struct hlist_head *list_of(const struct task_struct *task)
{
	return &entries[hash_ptr(task, HASH_BITS)];
}

/*
 * Find the entry of the current task, which stays until the task removes it.
 * Return NULL if the task has none, and in an interrupt.
 */
static struct entry *find_entry(void)
{
	struct entry *e, *found = NULL;

	if (gomem_irq_context())
		return NULL;
	rcu_read_lock();
	hlist_for_each_entry_rcu(e, list_of(current), link)
		if (e->task == current && e->started == current->start_boottime)
			found = e;
	rcu_read_unlock();
	return found;
}

static struct entry *add_entry(void)
{
	struct entry *e = kzalloc(sizeof(*e), GFP_ATOMIC | __GFP_NOWARN);

	if (!e)
		return NULL;
	e->task = current;
	e->started = current->start_boottime;
	spin_lock(&entries_lock);
	hlist_add_head_rcu(&e->link, list_of(current));
	spin_unlock(&entries_lock);
	return e;
}

static void remove_entry(struct entry *e)
{
	spin_lock(&entries_lock);
	hlist_del_rcu(&e->link);
	spin_unlock(&entries_lock);
	kfree_rcu(e, rcu);
}

struct gomem_account *gomem_account_enter(struct gomem_account *account)
{
	struct entry *e = find_entry();
	struct gomem_account *old;

	if (account && unlikely(!gomem_account_check(account, _RET_IP_)))
		account = NULL;
	if (gomem_irq_context() || (!e && !account))
		return NULL;
	if (!e)
		e = add_entry();
	if (unlikely(!e)) {
		atomic64_inc(&account->missed);
		return NULL;
	}
	if (account)
		gomem_account_get(account);
	old = e->account;
	e->account = account;
	e->depth++;
	return old;
}
EXPORT_SYMBOL_NS_GPL(gomem_account_enter, GOMEM_NS);

void gomem_account_exit(struct gomem_account *old)
{
	struct entry *e = find_entry();
	struct gomem_account *account;

	if (!e)
		return;
	account = e->account;
	e->account = old;
	if (!--e->depth)
		remove_entry(e);
	if (account)
		gomem_account_put(account);
}
EXPORT_SYMBOL_NS_GPL(gomem_account_exit, GOMEM_NS);

/**
 * gomem_payer - return the account that pays for this task's allocations
 *
 * This is the account of the last call of gomem_account_enter() that the task
 * has not undone by gomem_account_exit(). That call may have passed NULL.
 *
 * Context: any.
 * Return: the account, which stays until the task leaves it. NULL if there is
 * none, in an interrupt, and between gomem_payer_suspend() and
 * gomem_payer_resume().
 */
struct gomem_account *gomem_payer(void)
{
	const struct entry *e = find_entry();

	return e ? e->account : NULL;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_payer);

/**
 * gomem_payer_suspend - do not charge this task until gomem_payer_resume()
 *
 * Context: any.
 * Return: the account to pass to gomem_payer_resume(), or NULL.
 */
struct gomem_account *gomem_payer_suspend(void)
{
	struct entry *e = find_entry();
	struct gomem_account *a = NULL;

	if (e)
		swap(a, e->account);
	return a;
}

/**
 * gomem_payer_resume - undo gomem_payer_suspend()
 * @a: what gomem_payer_suspend() has returned
 *
 * Context: the task or interrupt that called gomem_payer_suspend().
 */
void gomem_payer_resume(struct gomem_account *a)
{
	struct entry *e = a ? find_entry() : NULL;

	if (e)
		e->account = a;
}

/**
 * gomem_payers_exit - free the entries of tasks that never left an account
 *
 * Called when nothing allocates any more.
 */
void gomem_payers_exit(void)
{
	struct hlist_node *next;
	struct entry *e;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(entries); i++)
		hlist_for_each_entry_safe(e, next, &entries[i], link) {
			hlist_del(&e->link);
			kfree(e);
		}
}
