// SPDX-License-Identifier: GPL-2.0
/*
 * rcu.c - objects that wait for an RCU grace period before they are freed.
 *
 * They are linked through the rcu_head that each of them has for that. A CPU has two
 * lists: of those that were given to it since its last grace period began, and of those
 * that wait for it to end. So it has one callback with RCU at most, however many
 * objects there are. The callback may run anywhere; all it does is to start a work,
 * which begins the next grace period and frees the list, in process context and in
 * pieces.
 *
 * While an object waits its rcu_head has a mark in place of a function. Who gives it a
 * second time finds that. The work does not follow a link to where no mark is: somebody
 * wrote to the list then.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/kmemleak.h>
#include <linux/lockdep.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "alloc.h"
#include "compat.h"
#include "key.h"
#include "node.h"
#include "rcu.h"
#include "report.h"
#include "stats.h"

/*
 * A mark: the upper bits depend on where the rcu_head is, so that a copy of it has none.
 * The lower ones tell where in its object it is, or that this is a holder.
 */
#define MARK_FACTOR	0x61c8864680b583ebUL	/* as that of hash_64() */
#define MARK_KEY	(~(GOMEM_RCU_OFFSET_MAX - 1))
#define MARK_HOLDER	1UL

/* Objects freed at once. */
#define PIECE		32

/**
 * struct rcu_queue - what waits on one CPU
 * @lock: protects all but @head and @work. Taken with interrupts off, in any context but
 *	NMI; no other lock under it
 * @new: objects whose grace period has not begun
 * @old: objects whose grace period runs, or is over
 * @nr_new: how many
 * @nr_old: how many
 * @running: RCU has @head, or @work is still to take @old
 * @given: objects that ever came
 * @freed: of these, those that are gone
 * @head: of the grace period
 * @work: frees @old when that is over
 *
 * The work takes lists in the order they were made, each as a whole: with @freed at
 * what @given was once, all objects that had come by then are gone. It is a CPU's for
 * the sake of speed only, and goes on if the CPU does not.
 */
struct rcu_queue {
	raw_spinlock_t lock;	/* see above */
	struct rcu_head *new;
	struct rcu_head *old;
	unsigned long nr_new;
	unsigned long nr_old;
	bool running;
	u64 given;
	u64 freed;
	struct rcu_head head;
	struct work_struct work;
};

/* For an object that has no rcu_head of its own. */
struct rcu_holder {
	struct rcu_head head;
	void *obj;
};

static DEFINE_PER_CPU(struct rcu_queue, queues);
static struct workqueue_struct *workqueue;

static unsigned long mark_of(const struct rcu_head *head)
{
	/* All bits of the address count, of which neighbours have but the lower ones. */
	return (gomem_objkey(head) * MARK_FACTOR) & MARK_KEY;
}

/* What is new waits from now on, unless something does. True if RCU is to be called. */
static bool begin_grace_period(struct rcu_queue *q)
{
	lockdep_assert_held(&q->lock);
	if (q->running || !q->new)
		return false;
	q->old = q->new;
	q->nr_old = q->nr_new;
	q->new = NULL;
	q->nr_new = 0;
	q->running = true;
	return true;
}

static void grace_period_over(struct rcu_head *head)
{
	queue_work(workqueue, &container_of(head, struct rcu_queue, head)->work);
}

/* Not with the lock held: RCU has its own, and may wake somebody up. */
static void call_rcu_for(struct rcu_queue *q)
{
	gomem_count(GOMEM_EV_RCU_BATCHES, 1);
	call_rcu(&q->head, grace_period_over);
}

static void enqueue(struct rcu_head *head)
{
	struct rcu_queue *q = raw_cpu_ptr(&queues);
	unsigned long flags;
	bool begin;

	gomem_count(GOMEM_EV_RCU_FREES, 1);
	raw_spin_lock_irqsave(&q->lock, flags);
	head->next = q->new;
	q->new = head;
	q->nr_new++;
	q->given++;
	begin = begin_grace_period(q);
	raw_spin_unlock_irqrestore(&q->lock, flags);
	if (begin)
		call_rcu_for(q);
}

/* The list of a grace period that is over; how many there are. */
static struct rcu_head *dequeue(struct rcu_queue *q, unsigned long *n)
{
	struct rcu_head *list;
	unsigned long flags;
	bool begin;

	raw_spin_lock_irqsave(&q->lock, flags);
	list = q->old;
	*n = q->nr_old;
	q->old = NULL;
	q->running = false;
	begin = begin_grace_period(q);
	raw_spin_unlock_irqrestore(&q->lock, flags);
	if (begin)
		call_rcu_for(q);
	return list;
}

/*
 * The mark of what should be a waiting object's; 0 if it has none. It may be anything.
 * The caller is in a read-side section, so that the page stays: see gomem_heap_release().
 */
static unsigned long read_mark(struct rcu_head *head)
{
	unsigned long mark = 0;

	if (!IS_ALIGNED((unsigned long)head, sizeof(void *)))
		return 0;
	/* If it was freed already, by misuse, its page may have no span any more. */
	if (gomem_pagemap_has_page(&gomem_pagemap, (unsigned long)head))
		mark = (unsigned long)READ_ONCE(head->func);
	return (mark & MARK_KEY) == mark_of(head) ? mark : 0;
}

/* Take the mark off, and put what is to be freed into @objs. Returns how many that are. */
static unsigned int release(struct rcu_head *head, unsigned long mark, void **objs)
{
	struct rcu_holder *holder = container_of(head, struct rcu_holder, head);

	WRITE_ONCE(head->func, NULL);
	if (mark & MARK_HOLDER) {
		objs[0] = holder->obj;
		objs[1] = holder;
		return 2;
	}
	objs[0] = (void *)head - (mark & ~MARK_KEY);
	return 1;
}

/* Returns how many of the @left could not be freed: the list is broken there. */
static unsigned long free_list(struct rcu_head *head, unsigned long left)
{
	void *objs[PIECE + 1];
	unsigned long mark = 1;
	unsigned int n;

	while (left && mark) {
		for (n = 0; left && n < PIECE; left--) {
			struct rcu_head *next = NULL;

			rcu_read_lock();
			mark = read_mark(head);
			if (likely(mark)) {
				next = head->next;
				n += release(head, mark, objs + n);
			}
			rcu_read_unlock();
			if (unlikely(!mark))
				break;
			head = next;
		}
		gomem_free_bulk(n, objs);
		cond_resched();
	}
	if (unlikely(left))
		gomem_report_broken_list(head, left);
	return left;
}

static void free_old(struct work_struct *work)
{
	struct rcu_queue *q = container_of(work, struct rcu_queue, work);
	struct rcu_head *list;
	unsigned long n, flags;

	list = dequeue(q, &n);
	free_list(list, n);
	raw_spin_lock_irqsave(&q->lock, flags);
	q->freed += n;
	raw_spin_unlock_irqrestore(&q->lock, flags);
}

/* False if it has one already: it waits. */
static bool set_mark(struct rcu_head *head, unsigned long low)
{
	unsigned long mark = mark_of(head) | low, old;

	/* One of two that come in the same moment finds the mark of the other. */
	old = xchg((unsigned long *)&head->func, mark);
	return (old & MARK_KEY) != (mark & MARK_KEY);
}

void __gomem_free_rcu(struct rcu_head *head, void *p)
{
	unsigned long offset = (unsigned long)head - (unsigned long)p;
	size_t size;

	if (ZERO_OR_NULL_PTR(p))
		return;
	if (unlikely(in_nmi())) {
		gomem_report_nmi(_RET_IP_);
		return;
	}
	size = gomem_check_object(p, _RET_IP_);
	if (unlikely(!size))
		return;
	if (unlikely(offset + sizeof(*head) > size)) {
		gomem_report_pointer(GOMEM_INTERIOR_POINTER, head, _RET_IP_);
		return;
	}
	if (unlikely(!set_mark(head, offset))) {
		gomem_report_pointer(GOMEM_DOUBLE_FREE, p, _RET_IP_);
		return;
	}
	/* What its owner has forgotten is no leak. */
	kmemleak_ignore(p);
	enqueue(head);
}
EXPORT_SYMBOL_NS_GPL(__gomem_free_rcu, GOMEM_NS);

void gomem_free_rcu_mightsleep(const void *p)
{
	struct rcu_holder *holder;

	might_sleep();
	if (ZERO_OR_NULL_PTR(p) || !gomem_check_object(p, _RET_IP_))
		return;
	holder = gomem_alloc(sizeof(*holder), GFP_NOWAIT | __GFP_NOWARN);
	if (!holder) {
		synchronize_rcu();
		gomem_count(GOMEM_EV_RCU_FREES, 1);
		gomem_free(p);
		return;
	}
	holder->obj = (void *)p;
	set_mark(&holder->head, MARK_HOLDER);
	kmemleak_ignore(p);
	kmemleak_ignore(holder);
	enqueue(&holder->head);
}
EXPORT_SYMBOL_NS_GPL(gomem_free_rcu_mightsleep, GOMEM_NS);

/* @count is one of the queue's. */
static u64 read_count(struct rcu_queue *q, const u64 *count)
{
	unsigned long flags;
	u64 n;

	raw_spin_lock_irqsave(&q->lock, flags);
	n = *count;
	raw_spin_unlock_irqrestore(&q->lock, flags);
	return n;
}

/* An object may have to wait for the grace period that runs, and for its own then. */
static void wait_for(struct rcu_queue *q)
{
	u64 given = read_count(q, &q->given);

	while (read_count(q, &q->freed) < given) {
		rcu_barrier();
		flush_work(&q->work);
	}
}

void gomem_rcu_barrier(void)
{
	int cpu;

	might_sleep();
	for_each_possible_cpu(cpu)
		wait_for(per_cpu_ptr(&queues, cpu));
}
EXPORT_SYMBOL_NS_GPL(gomem_rcu_barrier, GOMEM_NS);

/**
 * gomem_rcu_pending - how many objects wait
 *
 * Return: their number; CPUs go on meanwhile.
 */
u64 gomem_rcu_pending(void)
{
	struct rcu_queue *q;
	u64 pending = 0, freed;
	int cpu;

	for_each_possible_cpu(cpu) {
		q = per_cpu_ptr(&queues, cpu);
		/* In this order: not less than nothing. */
		freed = read_count(q, &q->freed);
		pending += read_count(q, &q->given) - freed;
	}
	return pending;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_rcu_pending);

/**
 * gomem_rcu_init - make the queues
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_rcu_init(void)
{
	struct rcu_queue *q;
	int cpu;

	for_each_possible_cpu(cpu) {
		q = per_cpu_ptr(&queues, cpu);
		raw_spin_lock_init(&q->lock);
		INIT_WORK(&q->work, free_old);
	}
	/* It frees memory: it must not have to wait for some. */
	workqueue = alloc_workqueue("gomem_rcu", WQ_MEM_RECLAIM | GOMEM_WQ_PERCPU, 0);
	return workqueue ? 0 : -ENOMEM;
}

/**
 * gomem_rcu_exit - wait until all objects are freed
 *
 * Nobody gives any more.
 *
 * Context: may sleep.
 */
void gomem_rcu_exit(void)
{
	gomem_rcu_barrier();
	/* The last callback, too, has returned then. */
	rcu_barrier();
	destroy_workqueue(workqueue);
}
