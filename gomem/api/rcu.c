// SPDX-License-Identifier: GPL-2.0
/*
 * rcu.c - free objects after an RCU grace period.
 *
 * A head of one word links a waiting object into a list. The object contains
 * the head, or gomem_free_rcu_mightsleep() allocates a struct rcu_holder with
 * the head. The RCU queue of a CPU has three lists: the objects that wait for
 * the current grace period to end, the objects added after it began, and the
 * objects of callers that cannot take the queue's lock. A CPU has at most one
 * RCU callback pending, for the first list. The callback only queues an unbound
 * work, which begins a grace period for the second list, and frees the first
 * list in pieces. An irq_work moves objects from the third list to the second.
 *
 * The word of a head holds a link to the next head in the list, encoded with
 * the head's own address and gomem_secret. gomem writes to nothing else in the
 * object. The span tells which object a head belongs to. If the word of a head
 * and the next words in the list decode to plausible links, the object waits
 * already: so a second gomem_free_rcu() is detected. If the word of a waiting
 * object does not decode, somebody wrote to the object. The link is not used.
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

#include "base/hide.h"
#include "base/key.h"
#include "base/queue.h"
#include "base/stats.h"
#include "map/kind.h"
#include "map/report.h"
#include "map/span.h"
#include "cpu/node.h"
#include "api/alloc.h"
#include "api/rcu.h"
#include "api/tiny.h"

/*
 * Layout of a head's word before it is encoded. Heads are numbered by their
 * address: in words of 8 bytes from gomem_pagemap.base on. All bits above the
 * largest number are 0.
 *
 *	bits 1-		1 + number of the next head; 0 at the end of the list
 *	bit  0		the head is that of a struct rcu_holder
 *
 * On a machine with 64 GiB, 30 bits are always 0. Each bit of an encoded word
 * affects all of these bits. So a word that was overwritten, in whatever part,
 * decodes with a probability of 2^-30. An object counts as waiting only if its
 * word and the next words in the list decode: CHAIN words together, or all up
 * to the end of the list.
 */
#define WORD_HOLDER	1UL
#define LINK_SHIFT	1
#define HEAD_SHIFT	3

/* The factor of hash_64(), and its inverse modulo 2^64. */
#define FACTOR		0x61c8864680b583ebUL
#define FACTOR_INVERSE	0x0e217c1e66c88cc3UL

static_assert(FACTOR * FACTOR_INVERSE == 1);
static_assert(BIT(HEAD_SHIFT) == sizeof(struct gomem_rcu_head));

/* If CHAIN words, or all to the end of the list, decode, the object waits. */
#define CHAIN		3

/* Maximum number of heads whose objects are passed to one bulk free. */
#define PIECE		32

/**
 * struct rcu_queue - objects that wait on one CPU
 * @lock: protects @new, @old, @nr_new, @nr_old, @running, @given and @freed.
 *	Taken with interrupts off, in any context but NMI; no other lock is
 *	taken under it. Takers: enqueue() on this CPU (or on another, if the
 *	task has just migrated), @irq_work on this CPU, and @work,
 *	gomem_rcu_barrier() and gomem_rcu_waiting() on any CPU
 * @new: objects whose grace period has not begun
 * @old: objects whose grace period runs, or is over
 * @nr_new: number of objects in @new
 * @nr_old: number of objects in @old
 * @running: a grace period runs, or @work has yet to take @old: @head and @work
 *	are in use
 * @given: number of objects that were ever put into @new
 * @freed: number of those objects that were freed
 * @deferred: objects of callers that could not take @lock; not yet counted in
 *	@given
 * @nr_deferred: number of objects in @deferred
 * @head: RCU callback at the end of the grace period
 * @work: frees @old when the grace period is over
 * @irq_work: moves objects from @deferred to @new
 *
 * @work frees each list that was @old, in order, then raises @freed. So when
 * @freed reaches an earlier value of @given, all objects that this value counts
 * are freed. If the CPU is offline, @work, bound to no CPU, still frees @old.
 */
struct rcu_queue {
	raw_spinlock_t lock;	/* for its scope, see @lock above */
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

/* Contains the head for an object @obj that has no head itself. */
struct rcu_holder {
	struct gomem_rcu_head head;
	void *obj;
};

static DEFINE_PER_CPU(struct rcu_queue, queues);

/* The decoded word of a head. */
struct waiting {
	struct gomem_rcu_head *next;
	bool holder;
};

/*
 * Mix the bits of @x, so that each of them affects the upper bits of the
 * result. scramble(scramble(x, FACTOR), FACTOR_INVERSE) is x.
 */
static unsigned long scramble(unsigned long x, unsigned long factor)
{
	x *= factor;
	x ^= x >> 32;
	return x * factor;
}

/*
 * Return the value that a head's word is XORed with. Without the
 * multiplication, it would be gomem_objkey(), the key of a free object. Then
 * this key would decode to 0 at every head, and a free object would look like a
 * waiting one. With the multiplication, what that key or a word of 0 decodes to
 * depends on the head's address, and is hardly ever valid.
 */
static unsigned long key_of(const struct gomem_rcu_head *head)
{
	return gomem_objkey(head) * FACTOR;
}

/* Return the largest link: to the last word in the page map's range. */
static unsigned long max_link(void)
{
	return gomem_pagemap.nr_chunks << (GOMEM_CHUNK_SHIFT - HEAD_SHIFT);
}

static unsigned long encode(const struct gomem_rcu_head *head,
			    const struct gomem_rcu_head *next, bool holder)
{
	unsigned long link = 0;

	if (next)
		link = (((unsigned long)next - gomem_pagemap.base) >>
			HEAD_SHIFT) + 1;
	return scramble(link << LINK_SHIFT | holder, FACTOR) ^ key_of(head);
}

/* Decode @word. Return false if encode() cannot have made it for @head. */
static bool decode(const struct gomem_rcu_head *head, unsigned long word,
		   struct waiting *w)
{
	unsigned long plain = scramble(word ^ key_of(head), FACTOR_INVERSE);
	unsigned long link = plain >> LINK_SHIFT;

	if (link > max_link())
		return false;
	w->next = NULL;
	if (link)
		w->next = (void *)(gomem_pagemap.base +
				   ((link - 1) << HEAD_SHIFT));
	w->holder = plain & WORD_HOLDER;
	return true;
}

/*
 * Read the word at @head, which should be the head of a waiting object, but may
 * be any address. Return false if @head is in no gomem page. The page need not
 * have a span: the object may have been freed by misuse. The caller is in an
 * RCU read-side section, which keeps the page: see gomem_heap_release().
 */
static bool read_word(const struct gomem_rcu_head *head, unsigned long *word)
{
	if (!gomem_pagemap_has_page(&gomem_pagemap, (unsigned long)head))
		return false;
	*word = READ_ONCE(head->word);
	return true;
}

/*
 * Does the object of @head wait already? @word is the value of the head's word.
 * If the object waits, so do the objects that follow it in its list, because
 * the list is freed from its front. So the words of their heads decode, too. If
 * the object does not wait, CHAIN words in a row are unlikely to decode.
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

/*
 * Let the objects in q->new wait for a grace period, unless the queue waits for
 * one already. Return true if the caller must call call_rcu_for().
 */
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
	queue_work(gomem_unbound_wq,
		   &container_of(head, struct rcu_queue, head)->work);
}

/*
 * Start the grace period. The queue's lock must not be held: call_rcu() takes
 * locks and may wake a task.
 */
static void call_rcu_for(struct rcu_queue *q)
{
	gomem_count(GOMEM_EV_RCU_BATCHES, 1);
	call_rcu(&q->head, grace_period_over);
}

/*
 * Write a link into @head's word, which marks its object as waiting. Return
 * false if the object waits already. If two CPUs pass the same object at the
 * same time, the cmpxchg() of one CPU fails, and that CPU then reads the word
 * that the other CPU wrote.
 */
static bool claim_head(struct gomem_rcu_head *head,
		       const struct gomem_rcu_head *next, bool holder)
{
	unsigned long word = READ_ONCE(head->word);

	do {
		if (unlikely(is_waiting(head, word)))
			return false;
	} while (!try_cmpxchg(&head->word, &word, encode(head, next, holder)));
	gomem_count(GOMEM_EV_RCU_FREES, 1);
	return true;
}

/* Put @head, whose word links to the list q->new, in front of that list. */
static void link_new(struct rcu_queue *q, struct gomem_rcu_head *head)
{
	lockdep_assert_held(&q->lock);
	q->new = head;
	q->nr_new++;
	q->given++;
}

/*
 * Put an object on this CPU's queue. Return false if the object waits already.
 * If the task migrates, the queue is another CPU's, which does no harm.
 */
static bool enqueue(struct gomem_rcu_head *head, bool holder)
{
	struct rcu_queue *q = raw_cpu_ptr(&queues);
	bool given, begin = false;
	unsigned long flags;

	raw_spin_lock_irqsave(&q->lock, flags);
	/* Interrupts are off: so RCU keeps the pages that read_word() reads. */
	given = claim_head(head, q->new, holder);
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
 * Like enqueue(), but without a lock: callers may have interrupted code that
 * holds the queue's lock, code of RCU, or the waking of a task. A cmpxchg is
 * enough: only this caller, and code that interrupts it, add to the list
 * q->deferred, and the queue's irq_work takes the list as a whole.
 */
static bool enqueue_deferred(struct gomem_rcu_head *head)
{
	struct gomem_rcu_head *first;
	struct rcu_queue *q;
	bool given;

	/* Stay on this CPU, and be the RCU reader that read_word() needs. */
	preempt_disable();
	q = this_cpu_ptr(&queues);
	first = READ_ONCE(q->deferred);
	given = claim_head(head, first, false);
	if (likely(given)) {
		atomic_inc(&q->nr_deferred);
		while (!try_cmpxchg(&q->deferred, &first, head))
			WRITE_ONCE(head->word, encode(head, first, false));
		irq_work_queue(&q->irq_work);
	}
	preempt_enable();
	return given;
}

/*
 * Take the list q->old, whose grace period is over. Begin the next grace period
 * if q->new has objects. Set @n to the number of objects in the list taken.
 */
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

/*
 * Return the object that contains @head, and that gomem_free_rcu() was called
 * with. The caller is in an RCU read-side section.
 */
static void *object_of(struct gomem_rcu_head *head)
{
	unsigned long addr = (unsigned long)head;
	struct gomem_span *s = gomem_pagemap_span(&gomem_pagemap, addr);

	/* The object was freed by misuse. gomem_free_bulk() reports it. */
	if (unlikely(!s))
		return head;
	if (unlikely(READ_ONCE(s->spc) == GOMEM_TINY_SPC))
		return (void *)ALIGN_DOWN(addr, GOMEM_TINY_BLOCK) +
		       gomem_tiny_before((void *)head + 1);
	return gomem_span_object(s, s->divmul ? gomem_span_index(s, addr) : 0);
}

/*
 * Take the first head off a list. Put its object into @objs, and the rcu_holder
 * that contains the head, if any. Return the number of objects put there; 0 if
 * the head was overwritten, or lies in no gomem page.
 */
static unsigned int take_head(struct gomem_rcu_head **list, void **objs)
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

/* Free the objects of up to PIECE of @left heads. Return how many are left. */
static unsigned long free_piece(struct gomem_rcu_head **list,
				unsigned long left)
{
	void *objs[PIECE + 1];
	unsigned int n = 0, got = 1;

	while (left && got && n < PIECE) {
		rcu_read_lock();
		got = take_head(list, objs + n);
		rcu_read_unlock();
		n += got;
		left -= !!got;
	}
	gomem_free_bulk(n, objs);
	gomem_wipe(objs, n);
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
	/* After link_new(): gomem_rcu_waiting() must not miss the object. */
	atomic_dec(&q->nr_deferred);
	begin = begin_grace_period(q);
	raw_spin_unlock_irqrestore(&q->lock, flags);
	if (begin)
		call_rcu_for(q);
}

/* Move the first head of @list to q->new. Return false if @head is damaged. */
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
		/* Not done in gomem_free_rcu_nolock(): kmemleak takes locks. */
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
			/* @list leaks; nr_deferred still counts its objects. */
			gomem_report_broken_list(list,
						 atomic_read(&q->nr_deferred));
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

/* Is @p a live object with space for a head at @head? If not, report it. */
static bool check(void *head, void *p, unsigned long caller)
{
	unsigned long offset = head - p;
	size_t size = gomem_freeable_size(p, caller);

	if (unlikely(!size))
		return false;
	if (unlikely(offset + sizeof(struct gomem_rcu_head) > size ||
		     offset >= GOMEM_RCU_OFFSET_MAX ||
		     !IS_ALIGNED((unsigned long)head,
				 sizeof(struct gomem_rcu_head)))) {
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
	/* kmemleak cannot read the encoded link to @p, and would report it. */
	kmemleak_ignore(p);
	if (unlikely(!enqueue(head, false)))
		gomem_report_pointer(GOMEM_DOUBLE_FREE, p, _RET_IP_);
}
EXPORT_SYMBOL_NS_GPL(__gomem_free_rcu, GOMEM_NS);

/**
 * gomem_free_rcu_nolock - free an object after a grace period, from any context
 * @head: address of the head in the object
 * @p: the object
 * @caller: caller to name in reports
 *
 * Like gomem_free_rcu(), but takes no lock: an irq_work queues the object.
 *
 * Context: any, with any lock held, even if the caller interrupted other code
 * at an arbitrary point.
 */
void gomem_free_rcu_nolock(void *head, void *p, unsigned long caller)
{
	if (ZERO_OR_NULL_PTR(p) || !check(head, p, caller))
		return;
	if (unlikely(!enqueue_deferred(head)))
		gomem_report_pointer(GOMEM_DOUBLE_FREE, p, caller);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_free_rcu_nolock);

/**
 * gomem_free_nolock - free an object after a grace period, from any context
 * @p: the object. Its head is its first word; in a typed cache, its key's word
 * @caller: caller to name in reports
 *
 * Context: that of gomem_free_rcu_nolock().
 */
void gomem_free_nolock(void *p, unsigned long caller)
{
	long offset = gomem_key_offset(p);

	if (offset < 0)
		gomem_free_rcu_nolock(p, p, caller);
	else if (gomem_freeable_size(p, caller) &&
		 !enqueue_deferred(p + offset))
		gomem_report_pointer(GOMEM_DOUBLE_FREE, p, caller);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_free_nolock);

void gomem_free_rcu_mightsleep(const void *p)
{
	struct rcu_holder *holder;

	might_sleep();
	if (ZERO_OR_NULL_PTR(p) || !gomem_freeable_size(p, _RET_IP_))
		return;
	holder = gomem_alloc(sizeof(*holder), GFP_NOWAIT | __GFP_NOWARN);
	if (!holder) {
		synchronize_rcu();
		gomem_count(GOMEM_EV_RCU_FREES, 1);
		gomem_free(p);
		return;
	}
	holder->obj = (void *)p;
	/* Old contents of the memory must not count as a waiting head. */
	holder->head.word = 0;
	kmemleak_ignore(p);
	kmemleak_ignore(holder);
	enqueue(&holder->head, true);
}
EXPORT_SYMBOL_NS_GPL(gomem_free_rcu_mightsleep, GOMEM_NS);

/* Read @count, a member of the queue, under the queue's lock. */
static u64 read_count(struct rcu_queue *q, const u64 *count)
{
	unsigned long flags;
	u64 n;

	raw_spin_lock_irqsave(&q->lock, flags);
	n = *count;
	raw_spin_unlock_irqrestore(&q->lock, flags);
	return n;
}

/*
 * Wait until all objects given to a queue so far are freed. Loop, because the
 * grace period of an object may begin only when the current one is over.
 */
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
 * gomem_rcu_waiting - count the objects that wait for a grace period
 *
 * Return: the number; approximate while objects are added and freed.
 */
u64 gomem_rcu_waiting(void)
{
	struct rcu_queue *q;
	u64 waiting = 0, freed, deferred;
	int cpu;

	for_each_possible_cpu(cpu) {
		q = per_cpu_ptr(&queues, cpu);
		/*
		 * A deferred object counts in nr_deferred, then in given. Each
		 * object counts in given, then also in freed. Read given last:
		 * so no object is missed, and given - freed is not negative.
		 */
		deferred = atomic_read(&q->nr_deferred);
		freed = read_count(q, &q->freed);
		waiting += deferred + read_count(q, &q->given) - freed;
	}
	return waiting;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_rcu_waiting);

/**
 * gomem_rcu_lock - return the lock of a CPU's RCU queue, for tests
 * @cpu: CPU of the queue
 *
 * Return: the lock that gomem_free_rcu() takes on @cpu.
 */
raw_spinlock_t *gomem_rcu_lock(int cpu)
{
	return &per_cpu(queues, cpu).lock;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_rcu_lock);

/**
 * gomem_rcu_init - initialize the RCU queues of all CPUs
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
 * gomem_rcu_exit - wait until all queued objects are freed
 *
 * No caller adds objects any more. A work that has freed the last objects may
 * still run: gomem_queue_exit() waits until it has returned.
 *
 * Context: may sleep.
 */
void gomem_rcu_exit(void)
{
	gomem_rcu_barrier();
	/* Wait until the last RCU callback has returned. */
	rcu_barrier();
}
