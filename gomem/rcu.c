// SPDX-License-Identifier: GPL-2.0
/*
 * rcu.c - objects that wait for an RCU grace period before they are freed.
 *
 * Each object brings a head of one word, by which it is linked while it waits. A CPU has
 * two lists: objects that were given to it since its last grace period began, and objects
 * that wait for that grace period to end. So a CPU has one callback with RCU at most,
 * however many objects wait. The callback may run anywhere. It only starts a work, which
 * begins the next grace period and frees the list, in process context and in pieces.
 *
 * The word holds the link to the next head, encoded with the head's own address and
 * gomem_secret. gomem writes to nothing else of the object. Which object a head belongs to
 * is known from its span. A word that decodes to a plausible link belongs to a waiting
 * object: a second gomem_free_rcu() recognises that. The work follows no link out of a word
 * that does not decode, since somebody wrote there while the object waited.
 */
#include <kunit/visibility.h>
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/irq_work.h>
#include <linux/kmemleak.h>
#include <linux/lockdep.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "alloc.h"
#include "key.h"
#include "kind.h"
#include "node.h"
#include "queue.h"
#include "rcu.h"
#include "report.h"
#include "span.h"
#include "stats.h"
#include "tiny.h"

/*
 * A word, before it is encoded. Addresses of heads are counted in words from the start of
 * the page map. All bits above the largest such number are 0.
 *
 *	bits 1-		1 + number of the next head; 0 at the end of the list
 *	bit  0		the head is that of a struct rcu_holder
 *
 * On a machine with 64 GiB these are 30 bits. Each bit of an encoded word decides about
 * all of them, so one that somebody wrote to passes with a probability of 2^-30, whichever
 * part of it that was. Whether an object waits is decided by CHAIN words.
 */
#define WORD_HOLDER	1UL
#define LINK_SHIFT	1
#define HEAD_SHIFT	3

/* A factor, as that of hash_64(), and its inverse. */
#define FACTOR		0x61c8864680b583ebUL
#define FACTOR_INVERSE	0x0e217c1e66c88cc3UL

static_assert(FACTOR * FACTOR_INVERSE == 1);
static_assert(BIT(HEAD_SHIFT) == sizeof(struct gomem_rcu_head));

/* Words of one list that have to decode before a second gomem_free_rcu() is reported. */
#define CHAIN		3

/* Objects freed at once. */
#define PIECE		32

/**
 * struct rcu_queue - what waits on one CPU
 * @lock: protects all but @deferred, @nr_deferred, @head and the works. Taken with
 *	interrupts off, in any context but NMI; no other lock under it
 * @new: objects whose grace period has not begun
 * @old: objects whose grace period runs, or is over
 * @nr_new: how many
 * @nr_old: how many
 * @running: RCU has @head, or @work is still to take @old
 * @given: objects that ever came
 * @freed: of these, those that are gone
 * @deferred: objects that came where no lock can be taken; they are not in @given yet
 * @nr_deferred: how many
 * @head: of the grace period
 * @work: frees @old when that is over
 * @irq_work: moves objects from @deferred to @new
 *
 * The work takes lists in the order they were made, each as a whole: with @freed at
 * what @given was once, all objects that had come by then are gone. It is a CPU's for
 * the sake of speed only, and goes on if the CPU does not.
 */
struct rcu_queue {
	raw_spinlock_t lock;	/* see above */
	struct gomem_rcu_head *new;
	struct gomem_rcu_head *old;
	unsigned long nr_new;
	unsigned long nr_old;
	bool running;
	u64 given;
	u64 freed;
	struct gomem_rcu_head *deferred;
	atomic_t nr_deferred;
	struct rcu_head head;
	struct work_struct work;
	struct irq_work irq_work;
};

/* For an object that has no head of its own. */
struct rcu_holder {
	struct gomem_rcu_head head;
	void *obj;
};

static DEFINE_PER_CPU(struct rcu_queue, queues);

/* What a word says. */
struct waiting {
	struct gomem_rcu_head *next;
	bool holder;
};

/* Each bit of what is scrambled decides about the upper bits of the result, both ways. */
static unsigned long scramble(unsigned long x, unsigned long factor)
{
	x *= factor;
	x ^= x >> 32;
	return x * factor;
}

/*
 * No simpler: what a word of 0, or the key of a free object, decodes to depends on the
 * head, so that none of them passes for all heads alike.
 */
static unsigned long key_of(const struct gomem_rcu_head *head)
{
	return gomem_objkey(head) * FACTOR;
}

/* The largest link: that of the last word of the page map. */
static unsigned long max_link(void)
{
	return gomem_pagemap.nr_chunks << (GOMEM_CHUNK_SHIFT - HEAD_SHIFT);
}

static unsigned long encode(const struct gomem_rcu_head *head,
			    const struct gomem_rcu_head *next, bool holder)
{
	unsigned long link = 0;

	if (next)
		link = (((unsigned long)next - gomem_pagemap.base) >> HEAD_SHIFT) + 1;
	return scramble(link << LINK_SHIFT | holder, FACTOR) ^ key_of(head);
}

/* False if @word is not what encode() makes for @head. */
static bool decode(const struct gomem_rcu_head *head, unsigned long word, struct waiting *w)
{
	unsigned long plain = scramble(word ^ key_of(head), FACTOR_INVERSE);
	unsigned long link = plain >> LINK_SHIFT;

	if (link > max_link())
		return false;
	w->next = NULL;
	if (link)
		w->next = (void *)(gomem_pagemap.base + ((link - 1) << HEAD_SHIFT));
	w->holder = plain & WORD_HOLDER;
	return true;
}

/*
 * Read the word of what should be a waiting object's head, and may be anything. If the
 * object was freed by misuse its page may have no span any more. The caller is in a
 * read-side section, so that the page stays: see gomem_heap_release().
 */
static bool read_word(const struct gomem_rcu_head *head, unsigned long *word)
{
	if (!gomem_pagemap_has_page(&gomem_pagemap, (unsigned long)head))
		return false;
	*word = READ_ONCE(head->word);
	return true;
}

/*
 * Does the object wait whose head has this word? Objects behind a waiting one wait too:
 * the work takes them in the order of the list. So the words behind it decode as well,
 * which words that are something else do not.
 */
static bool is_waiting(const struct gomem_rcu_head *head, unsigned long word)
{
	struct waiting w;
	unsigned int i;

	for (i = 0; i < CHAIN; i++) {
		if (likely(!decode(head, word, &w)))
			return false;
		if (!w.next)
			break;
		head = w.next;
		if (!read_word(head, &word))
			return false;
	}
	return true;
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
	queue_work(gomem_percpu_wq, &container_of(head, struct rcu_queue, head)->work);
}

/* Not with the lock held: RCU has its own, and may wake somebody up. */
static void call_rcu_for(struct rcu_queue *q)
{
	gomem_count(GOMEM_EV_RCU_BATCHES, 1);
	call_rcu(&q->head, grace_period_over);
}

/*
 * Write a link to @head's word, so that its object waits; false if it waits already. Of two
 * CPUs that are given an object in the same moment, one finds the word of the other.
 */
static bool claim(struct gomem_rcu_head *head, const struct gomem_rcu_head *next,
		  bool holder)
{
	unsigned long word = READ_ONCE(head->word);

	do {
		if (unlikely(is_waiting(head, word)))
			return false;
	} while (!try_cmpxchg(&head->word, &word, encode(head, next, holder)));
	gomem_count(GOMEM_EV_RCU_FREES, 1);
	return true;
}

/* @head's word links to the first of @new. */
static void link_new(struct rcu_queue *q, struct gomem_rcu_head *head)
{
	lockdep_assert_held(&q->lock);
	q->new = head;
	q->nr_new++;
	q->given++;
}

/* False if it waits already. */
static bool enqueue(struct gomem_rcu_head *head, bool holder)
{
	struct rcu_queue *q = raw_cpu_ptr(&queues);
	bool given, begin = false;
	unsigned long flags;

	raw_spin_lock_irqsave(&q->lock, flags);
	/* With interrupts off this is a read-side section. */
	given = claim(head, q->new, holder);
	if (likely(given)) {
		link_new(q, head);
		begin = begin_grace_period(q);
	}
	raw_spin_unlock_irqrestore(&q->lock, flags);
	if (begin)
		call_rcu_for(q);
	return given;
}

/*
 * The same where the caller may have interrupted a holder of the lock, or RCU, or the waking
 * of a task. Only this CPU comes here with this list: what runs, and what interrupts it.
 */
static bool enqueue_deferred(struct gomem_rcu_head *head)
{
	struct gomem_rcu_head *first;
	struct rcu_queue *q;
	bool given;

	/* A read-side section, too. */
	preempt_disable();
	q = this_cpu_ptr(&queues);
	first = READ_ONCE(q->deferred);
	given = claim(head, first, false);
	if (likely(given)) {
		atomic_inc(&q->nr_deferred);
		while (!try_cmpxchg(&q->deferred, &first, head))
			WRITE_ONCE(head->word, encode(head, first, false));
		irq_work_queue(&q->irq_work);
	}
	preempt_enable();
	return given;
}

/* The list of a grace period that is over; how many there are. */
static struct gomem_rcu_head *dequeue(struct rcu_queue *q, unsigned long *n)
{
	struct gomem_rcu_head *list;
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

/* The object that a waiting head is part of. The caller is in a read-side section. */
static void *object_of(struct gomem_rcu_head *head)
{
	unsigned long addr = (unsigned long)head;
	struct gomem_span *s = gomem_pagemap_span(&gomem_pagemap, addr);

	/* It was freed by misuse: gomem_free() will say so. */
	if (unlikely(!s))
		return head;
	if (unlikely(READ_ONCE(s->spc) == GOMEM_TINY_SPC))
		return (void *)ALIGN_DOWN(addr, GOMEM_TINY_BLOCK) +
		       gomem_tiny_before((void *)head + 1);
	return gomem_span_object(s, s->divmul ? gomem_span_index(s, addr) : 0);
}

/*
 * Take the first object off a list, and put what is to be freed into @objs. Return how
 * many objects that are, 0 if the list is broken here.
 */
static unsigned int release(struct gomem_rcu_head **list, void **objs)
{
	struct gomem_rcu_head *head = *list;
	struct rcu_holder *holder;
	unsigned long word;
	struct waiting w;

	if (unlikely(!read_word(head, &word) || !decode(head, word, &w)))
		return 0;
	WRITE_ONCE(head->word, 0);
	*list = w.next;
	if (w.holder) {
		holder = container_of(head, struct rcu_holder, head);
		objs[0] = holder->obj;
		objs[1] = holder;
		return 2;
	}
	objs[0] = object_of(head);
	return 1;
}

/* Free up to PIECE of @left objects; return how many are left. */
static unsigned long free_piece(struct gomem_rcu_head **list, unsigned long left)
{
	void *objs[PIECE + 1];
	unsigned int n = 0, got = 1;

	while (left && got && n < PIECE) {
		rcu_read_lock();
		got = release(list, objs + n);
		rcu_read_unlock();
		n += got;
		left -= !!got;
	}
	gomem_free_bulk(n, objs);
	return left;
}

static void free_list(struct gomem_rcu_head *list, unsigned long left)
{
	unsigned long before = left + 1;

	while (left && left < before) {
		before = left;
		left = free_piece(&list, left);
		cond_resched();
	}
	if (unlikely(left))
		gomem_report_broken_list(list, left);
}

static void add_new(struct rcu_queue *q, struct gomem_rcu_head *head)
{
	unsigned long flags;
	bool begin;

	raw_spin_lock_irqsave(&q->lock, flags);
	WRITE_ONCE(head->word, encode(head, q->new, false));
	link_new(q, head);
	/* After it was counted as given: it is never nowhere. */
	atomic_dec(&q->nr_deferred);
	begin = begin_grace_period(q);
	raw_spin_unlock_irqrestore(&q->lock, flags);
	if (begin)
		call_rcu_for(q);
}

/* Move the first of those that were deferred; false if the list is broken. */
static bool move_deferred(struct rcu_queue *q, struct gomem_rcu_head **list)
{
	struct gomem_rcu_head *head = *list;
	unsigned long word;
	struct waiting w;
	bool intact;

	rcu_read_lock();
	intact = read_word(head, &word) && decode(head, word, &w);
	if (likely(intact)) {
		*list = w.next;
		/* As in __gomem_free_rcu(), now that locks can be taken. */
		kmemleak_ignore(object_of(head));
		add_new(q, head);
	}
	rcu_read_unlock();
	return intact;
}

static void take_deferred(struct irq_work *work)
{
	struct rcu_queue *q = container_of(work, struct rcu_queue, irq_work);
	struct gomem_rcu_head *list = xchg(&q->deferred, NULL);

	while (list) {
		if (unlikely(!move_deferred(q, &list))) {
			/* These are counted as waiting for ever. */
			gomem_report_broken_list(list, atomic_read(&q->nr_deferred));
			return;
		}
	}
}

static void free_old(struct work_struct *work)
{
	struct rcu_queue *q = container_of(work, struct rcu_queue, work);
	struct gomem_rcu_head *list;
	unsigned long n, flags;

	list = dequeue(q, &n);
	free_list(list, n);
	raw_spin_lock_irqsave(&q->lock, flags);
	q->freed += n;
	raw_spin_unlock_irqrestore(&q->lock, flags);
}

/* Is there an object at @p, with room for a head at @head? Else there is a report. */
static bool check(void *head, void *p, unsigned long caller)
{
	unsigned long offset = head - p;
	size_t size = gomem_check_object(p, caller);

	if (unlikely(!size))
		return false;
	if (unlikely(offset + sizeof(struct gomem_rcu_head) > size ||
		     offset >= GOMEM_RCU_OFFSET_MAX ||
		     !IS_ALIGNED((unsigned long)head, sizeof(struct gomem_rcu_head)))) {
		gomem_report_pointer(GOMEM_INTERIOR_POINTER, head, caller);
		return false;
	}
	return true;
}

void __gomem_free_rcu(void *head, void *p)
{
	if (unlikely(in_nmi())) {
		gomem_free_rcu_nolock(head, p, _RET_IP_);
		return;
	}
	if (ZERO_OR_NULL_PTR(p) || !check(head, p, _RET_IP_))
		return;
	/* What its owner has forgotten is no leak. */
	kmemleak_ignore(p);
	if (unlikely(!enqueue(head, false)))
		gomem_report_pointer(GOMEM_DOUBLE_FREE, p, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(__gomem_free_rcu, GOMEM_NS);

/**
 * gomem_free_rcu_nolock - free an object after a grace period, from anywhere
 * @head: where in the object its head is
 * @p: the object
 * @caller: whom to name in reports
 *
 * What gomem_free_rcu() does, without a lock, and without a call of RCU's.
 *
 * Context: any: with any lock held, and in what interrupts any code.
 */
void gomem_free_rcu_nolock(void *head, void *p, unsigned long caller)
{
	if (ZERO_OR_NULL_PTR(p) || !check(head, p, caller))
		return;
	if (unlikely(!enqueue_deferred(head)))
		gomem_report_pointer(GOMEM_DOUBLE_FREE, p, caller);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_free_rcu_nolock);

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
	/* Whatever was here before: it is new. */
	holder->head.word = 0;
	kmemleak_ignore(p);
	kmemleak_ignore(holder);
	enqueue(&holder->head, true);
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
	u64 given;

	irq_work_sync(&q->irq_work);
	given = read_count(q, &q->given);
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
	u64 pending = 0, freed, deferred;
	int cpu;

	for_each_possible_cpu(cpu) {
		q = per_cpu_ptr(&queues, cpu);
		/* In this order: none is missing, and there are not less than none. */
		deferred = atomic_read(&q->nr_deferred);
		freed = read_count(q, &q->freed);
		pending += deferred + read_count(q, &q->given) - freed;
	}
	return pending;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_rcu_pending);

/**
 * gomem_rcu_lock - the lock of a queue, for tests
 * @cpu: whose
 *
 * Return: the lock that gomem_free_rcu() takes on @cpu.
 */
raw_spinlock_t *gomem_rcu_lock(int cpu)
{
	return &per_cpu(queues, cpu).lock;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_rcu_lock);

/**
 * gomem_rcu_init - make the queues
 */
void gomem_rcu_init(void)
{
	struct rcu_queue *q;
	int cpu;

	for_each_possible_cpu(cpu) {
		q = per_cpu_ptr(&queues, cpu);
		raw_spin_lock_init(&q->lock);
		INIT_WORK(&q->work, free_old);
		init_irq_work(&q->irq_work, take_deferred);
	}
}

/**
 * gomem_rcu_exit - wait until all objects are freed
 *
 * Nobody gives any more. The works may not have returned yet: gomem_queue_exit() waits
 * for that.
 *
 * Context: may sleep.
 */
void gomem_rcu_exit(void)
{
	gomem_rcu_barrier();
	/* The last callback, too, has returned then. */
	rcu_barrier();
}
