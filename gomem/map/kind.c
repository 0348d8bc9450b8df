// SPDX-License-Identifier: GPL-2.0
/*
 * kind.c - the kinds of the span classes, and the list of the kinds of typed
 *	caches.
 */
#include <kunit/visibility.h>
#include <linux/cache.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "map/kind.h"
#include "map/span.h"

struct gomem_kind gomem_kinds[GOMEM_NR_SPANCLASSES] __ro_after_init;
EXPORT_SYMBOL_IF_KUNIT(gomem_kinds);

/**
 * gomem_kinds_init - initialize the kind of each span class
 */
void __init gomem_kinds_init(void)
{
	struct gomem_kind *k;
	unsigned int spc, class;

	for (spc = 0; spc < GOMEM_NR_SPANCLASSES; spc++) {
		class = gomem_spc_class(spc);
		k = &gomem_kinds[spc];
		k->size = gomem_class_size(class);
		k->object_size = k->size;
		k->clears = true;
		k->divmul = gomem_class_divmul(class);
		k->npages = gomem_class_pages(class);
		k->nelems = gomem_class_nelems(class);
		k->spc = spc;
		k->desc = gomem_span_desc(k->nelems);
		k->aligned = is_power_of_2(k->size);
	}
}

/*
 * The kinds of all typed caches, including caches that were destroyed while
 * objects were left. The lock protects the list, and the members state and
 * visitors of each kind. Tasks that create, destroy or visit caches take it. A
 * *visitor* is a task that calls a function for one kind after the other. It
 * holds the lock only for the step from one kind to the next. So a visitor that
 * is preempted, or that works for a long time on one cache, delays only the
 * destruction of that cache. A visitor that is bound to a CPU may be preempted
 * for ever, by tasks of higher priority. So it turns preemption off while it
 * works on a cache, except on PREEMPT_RT. Between two caches it delays no
 * destruction: just a mark on the list holds its place. See
 * gomem_visit_typed_at_once().
 */
static DEFINE_SPINLOCK(typed_lock);
static LIST_HEAD(typed);

/*
 * Sums of the counts of the kinds that are gone. The mutex is held while a
 * cache's counts are added here, and while a task adds up the counts of all
 * caches. So that task neither misses a count nor sees it twice.
 */
static struct gomem_gone_counts gone;
static DEFINE_MUTEX(gone_mutex);

/* Tasks that destroy a cache wait here for its visitors. */
static DECLARE_WAIT_QUEUE_HEAD(visitors_wait);

/**
 * gomem_kind_add - put the kind of a new typed cache on the list
 * @k: the kind
 *
 * Context: process context.
 */
void gomem_kind_add(struct gomem_kind *k)
{
	spin_lock(&typed_lock);
	list_add_tail(&k->link, &typed);
	spin_unlock(&typed_lock);
}

/**
 * gomem_kind_no_ctor - stand for the constructor of a module that was unloaded
 * @obj: unused
 *
 * This function is never called. A kind whose ctor points to it has lost its
 * constructor.
 */
void gomem_kind_no_ctor(void *obj)
{
}

/**
 * gomem_kind_orphan - replace a kind's constructor by gomem_kind_no_ctor()
 * @k: the kind, which has a constructor
 *
 * A CPU that has read the constructor's address in an RCU read-side section may
 * still call the constructor until that section ends.
 *
 * Context: any.
 */
void gomem_kind_orphan(struct gomem_kind *k)
{
	WRITE_ONCE(k->ctor, gomem_kind_no_ctor);
}

static void set_state(struct gomem_kind *k, enum gomem_kind_state state)
{
	spin_lock(&typed_lock);
	k->state = state;
	spin_unlock(&typed_lock);
}

static bool has_visitors(struct gomem_kind *k)
{
	bool has;

	spin_lock(&typed_lock);
	has = k->visitors;
	spin_unlock(&typed_lock);
	return has;
}

/**
 * gomem_kind_close - forbid visits that may take objects out of a cache
 * @k: the kind of the cache, which the caller destroys
 *
 * Neither gomem_visit_typed_live() nor gomem_visit_typed_at_once() visits @k
 * from now on. A visitor that is working on the cache may hold objects of it.
 * So this function waits until @k has no visitors.
 *
 * Context: may sleep.
 */
void gomem_kind_close(struct gomem_kind *k)
{
	set_state(k, GOMEM_KIND_CLOSING);
	wait_event(visitors_wait, !has_visitors(k));
}

/**
 * gomem_kind_reopen - allow the visits again that gomem_kind_close() forbade
 * @k: the kind
 */
void gomem_kind_reopen(struct gomem_kind *k)
{
	set_state(k, GOMEM_KIND_LIVE);
}

/**
 * gomem_kind_remove - take the kind of a typed cache off the list
 * @k: the kind
 * @count: called once, to add the counts of the kind to the sums in its second
 *	parameter
 *
 * The counts outlive the kind, so that sums over all caches never decrease.
 *
 * Context: may sleep, until the kind has no visitors.
 */
void gomem_kind_remove(struct gomem_kind *k,
		       void (*count)(const struct gomem_kind *k,
				     struct gomem_gone_counts *n))
{
	mutex_lock(&gone_mutex);
	set_state(k, GOMEM_KIND_GONE);
	count(k, &gone);
	mutex_unlock(&gone_mutex);
	/*
	 * Wait without the mutex: a visitor of this cache must not delay the
	 * destruction of other caches.
	 */
	wait_event(visitors_wait, !has_visitors(k));
	spin_lock(&typed_lock);
	list_del(&k->link);
	spin_unlock(&typed_lock);
}

/*
 * Return the first kind on the list, from @k on, that is in state @last or an
 * earlier state. Return NULL if there is none.
 */
static struct gomem_kind *skip_kinds(struct gomem_kind *k,
				     enum gomem_kind_state last)
{
	lockdep_assert_held(&typed_lock);
	list_for_each_entry_from(k, &typed, link)
		if (k->state <= last)
			return k;
	return NULL;
}

/**
 * gomem_typed_kind_first - return the kind of the oldest typed cache
 *
 * For gomem's exit, when no other task creates or destroys typed caches.
 *
 * Return: the kind, or NULL if there are no typed caches.
 */
struct gomem_kind *gomem_typed_kind_first(void)
{
	struct gomem_kind *k;

	spin_lock(&typed_lock);
	k = skip_kinds(list_first_entry(&typed, struct gomem_kind, link),
		       GOMEM_KIND_GONE);
	spin_unlock(&typed_lock);
	return k;
}

/*
 * End the visit to the kind of a typed cache. A task that destroys the cache
 * waits until the kind has no visitors.
 */
static void put_kind(struct gomem_kind *k)
{
	bool wake = k->state != GOMEM_KIND_LIVE;

	lockdep_assert_held(&typed_lock);
	if (!--k->visitors && wake)
		wake_up_all(&visitors_wait);
}

/*
 * End the visit to @k, and begin one to the next kind that is in state @last or
 * an earlier state. If @k is NULL, begin with the first such kind. Return NULL
 * if there is none.
 */
static struct gomem_kind *next_kind(struct gomem_kind *k,
				    enum gomem_kind_state last)
{
	struct gomem_kind *next;

	spin_lock(&typed_lock);
	if (k)
		next = list_next_entry(k, link);
	else
		next = list_first_entry(&typed, struct gomem_kind, link);
	next = skip_kinds(next, last);
	if (next)
		next->visitors++;
	if (k)
		put_kind(k);
	spin_unlock(&typed_lock);
	return next;
}

static void visit(gomem_kind_fn fn, void *arg, enum gomem_kind_state last)
{
	struct gomem_kind *k;

	for (k = next_kind(NULL, last); k; k = next_kind(k, last))
		fn(k, arg);
}

/**
 * gomem_visit_typed - call a function for the kinds of all typed caches
 * @fn: called for each kind, with no lock held. The cache of a visited kind is
 *	not freed during the visit. Other caches may come and go
 * @arg: for @fn
 *
 * Context: process context.
 */
void gomem_visit_typed(gomem_kind_fn fn, void *arg)
{
	visit(fn, arg, GOMEM_KIND_CLOSING);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_visit_typed);

/**
 * gomem_visit_typed_live - call a function that takes objects out of caches
 * @fn: called for the kind of each cache that no task is destroying; see
 *	gomem_visit_typed()
 * @arg: for @fn
 *
 * If a task begins to destroy a cache while @fn runs for the cache, the task
 * waits until @fn has returned: see gomem_kind_close().
 *
 * Context: process context.
 */
void gomem_visit_typed_live(gomem_kind_fn fn, void *arg)
{
	visit(fn, arg, GOMEM_KIND_LIVE);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_visit_typed_live);

/*
 * Turn preemption off for a visit. On PREEMPT_RT leave it on: visit_next()
 * takes a spinlock during the visit, and spinlocks may sleep there. So on
 * PREEMPT_RT a task of higher priority can preempt the visitor during a visit.
 */
static void forbid_preemption(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_disable();
}

static void allow_preemption(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_enable();
}

/*
 * Begin a visit to the first live kind after @mark, the list entry that holds
 * the visitor's place. Move @mark behind that kind. Return NULL if there is no
 * such kind.
 */
static struct gomem_kind *pass_kind(struct gomem_kind *mark)
{
	struct gomem_kind *k;

	spin_lock(&typed_lock);
	k = skip_kinds(list_next_entry(mark, link), GOMEM_KIND_LIVE);
	if (k) {
		k->visitors++;
		list_move(&mark->link, &k->link);
	}
	spin_unlock(&typed_lock);
	return k;
}

/* Visit the first live kind after @mark. Return false if there is none. */
static bool visit_next(struct gomem_kind *mark, gomem_kind_fn fn, void *arg)
{
	struct gomem_kind *k;

	forbid_preemption();
	k = pass_kind(mark);
	if (k) {
		fn(k, arg);
		spin_lock(&typed_lock);
		put_kind(k);
		spin_unlock(&typed_lock);
	}
	allow_preemption();
	return k;
}

/**
 * gomem_visit_typed_at_once - do what gomem_visit_typed_live() does, without
 *	preemption during a visit
 * @fn: called with preemption off, except on PREEMPT_RT; does not sleep
 * @arg: for @fn
 *
 * For a visitor that is bound to a CPU, where a task of higher priority may
 * preempt it for ever. The visitor is preempted only between two visits. While
 * it is preempted, it delays no task that destroys a cache: such a task waits
 * only for the end of a visit.
 *
 * Context: process context.
 */
void gomem_visit_typed_at_once(gomem_kind_fn fn, void *arg)
{
	struct gomem_kind mark = { .state = GOMEM_KIND_MARK };

	spin_lock(&typed_lock);
	list_add(&mark.link, &typed);
	spin_unlock(&typed_lock);
	while (visit_next(&mark, fn, arg))
		cond_resched();
	spin_lock(&typed_lock);
	list_del(&mark.link);
	spin_unlock(&typed_lock);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_visit_typed_at_once);

/**
 * gomem_visit_typed_and_gone - add up what all typed caches have counted
 * @fn: called for each kind, as by gomem_visit_typed()
 * @arg: for @fn
 * @n: set to the counts of the caches that are gone: GOMEM_KIND_GONE
 *
 * No cache enters the state GOMEM_KIND_GONE during the call. So the sum of what
 * @fn adds up and of @n never decreases from one call to the next.
 *
 * Context: process context; sleeps.
 */
void gomem_visit_typed_and_gone(gomem_kind_fn fn, void *arg,
				struct gomem_gone_counts *n)
{
	mutex_lock(&gone_mutex);
	*n = gone;
	gomem_visit_typed(fn, arg);
	mutex_unlock(&gone_mutex);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_visit_typed_and_gone);
