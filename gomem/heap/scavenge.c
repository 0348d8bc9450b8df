// SPDX-License-Identifier: GPL-2.0
/*
 * scavenge.c - choose which free pages go back to the kernel first, and when.
 *
 * A hole in the middle of a chunk breaks up long runs until the kernel happens
 * to hand out the same pages again. Scattered holes do so more than adjacent
 * ones. So chunks without a page in use go first, then chunks with long free
 * runs, then those with shorter runs. Among chunks of the same rank the highest
 * address goes first, since allocations prefer low ones.
 *
 * The chunks that are worth a visit are kept in the lists and trees of
 * candidates.h.
 */
#include <kunit/visibility.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "base/pallocbits.h"
#include "base/trace.h"
#include "map/keypage.h"
#include "map/waitpage.h"
#include "heap/scavenge.h"
#include "heap/tell.h"

/*
 * Limits on the work under one hold of the heap lock: runs taken, pages taken,
 * and chunks visited without taking a page. Taking a run costs about 3000
 * instructions, visiting a chunk about 1200.
 */
#define BATCH_RUNS	16
#define BATCH_PAGES	GOMEM_CHUNK_PAGES
#define BATCH_CHUNKS	16

/*
 * If the surplus is at least this many pages, the background scavenger and
 * gomem_heap_give_back() use expedited grace periods. An expedited one takes
 * microseconds instead of milliseconds, but RCU interrupts all CPUs that are
 * not idle. The interrupts are acceptable, since only one expedited grace
 * period runs at a time, and each lets megabytes go back. The kernel parameter
 * rcupdate.rcu_normal turns expedited grace periods into normal ones.
 */
#define HURRY_MIN	(SZ_4M >> GOMEM_PAGE_SHIFT)

/* The shortest run taken from a chunk, in pages, by the chunk's rank. */
static const unsigned int min_run[GOMEM_NR_TREE_RANKS] = {
	[GOMEM_RANK_IDLE]	= 1,
	[GOMEM_RANK_LONG]	= 64,
	[GOMEM_RANK_SHORT]	= 8,
	[GOMEM_RANK_SCATTERED]	= 1,
	[GOMEM_RANK_DENSE]	= 1,
};

/* Pages that were taken out of the heap, to be given to the kernel. */
struct batch {
	unsigned long want;	/* maximum number of pages to take */
	unsigned int n;
	unsigned long pages;
	unsigned long gp;	/* if late: the latest grace period seen */
	bool late;		/* free pages in a grace period were seen */
	struct {
		unsigned long page;
		unsigned int len;
	} run[BATCH_RUNS];
};

/*
 * Begin a batch of at most @want pages. Leave run[] alone: an entry is written
 * before it is read.
 */
static void batch_init(struct batch *b, unsigned long want)
{
	b->want = min_t(unsigned long, want, BATCH_PAGES);
	b->n = 0;
	b->pages = 0;
	b->late = false;
}

static unsigned int pages_in_use(const struct gomem_chunk *c)
{
	unsigned int w, n = 0;

	for (w = 0; w < GOMEM_CHUNK_WORDS; w++)
		n += hweight64(c->inuse.word[w] & ~c->hole.word[w]);
	return n;
}

static unsigned int pages_free(const struct gomem_chunk *c)
{
	return GOMEM_CHUNK_PAGES -
	       gomem_pallocbits_count(&c->inuse, 0, GOMEM_CHUNK_PAGES);
}

/*
 * Return the rank of a chunk. @busy are the pages that must not be taken: pages
 * in use, holes, and, unless takes_waiting() is true for the caller, pages in a
 * grace period. A chunk with 31 or more pages in use per free page has the rank
 * GOMEM_RANK_DENSE: it comes last, and the background scavenger leaves it
 * alone. Go's runtime has that limit.
 */
static enum gomem_rank rank_of(const struct gomem_chunk *c,
			       const struct gomem_pallocbits *busy)
{
	unsigned int longest =
		gomem_pallocsum_max(gomem_pallocbits_summarize(busy));
	unsigned int used = pages_in_use(c), nr_free = pages_free(c);

	if (!nr_free)
		return GOMEM_RANK_NONE;
	if (!longest)
		return GOMEM_RANK_WAITS;
	if (!used)
		return GOMEM_RANK_IDLE;
	if (nr_free * 31 <= used)
		return GOMEM_RANK_DENSE;
	if (longest >= min_run[GOMEM_RANK_LONG])
		return GOMEM_RANK_LONG;
	return longest >= min_run[GOMEM_RANK_SHORT] ? GOMEM_RANK_SHORT :
						      GOMEM_RANK_SCATTERED;
}

/*
 * May this caller take pages that are still in their grace period out of the
 * heap, and sleep until it is over? No CPU could allocate such pages during the
 * sleep. So the background scavenger leaves them in the heap. With the other
 * reasons the caller may be in reclaim, in an allocation or in a free, where a
 * sleep for a grace period may be forbidden.
 */
static bool takes_waiting(enum gomem_scavenge_reason why)
{
	return why == GOMEM_SCAVENGE_FORCED;
}

/*
 * Note in @b the grace period of a chunk's free pages, unless that grace period
 * is over or @b already has a later one.
 */
static void note_grace(struct batch *b, const struct gomem_chunk *c)
{
	unsigned long gp = gomem_waiting_until(c);

	if (poll_state_synchronize_rcu(gp))
		return;
	if (!b->late || ULONG_CMP_LT(b->gp, gp))
		b->gp = gp;
	b->late = true;
}

/*
 * Take runs of at least @min pages out of a chunk until the batch is full, the
 * highest addresses first. Add the pages to @busy.
 */
static void gather_runs(struct gomem_heap *h, struct gomem_chunk *c,
			unsigned int min, struct gomem_pallocbits *busy,
			struct batch *b)
{
	unsigned int i = GOMEM_CHUNK_PAGES, len, room;
	unsigned long page;

	lockdep_assert_held(&h->lock);
	note_grace(b, c);
	while (b->n < BATCH_RUNS && b->pages < b->want) {
		i = gomem_pallocbits_find_last(busy, min, i, &len);
		if (i == GOMEM_CHUNK_PAGES)
			break;
		room = min_t(unsigned long, len, b->want - b->pages);
		page = (c->index << GOMEM_CHUNK_PAGES_SHIFT) + i + len - room;
		gomem_pallocbits_set_range(busy, i + len - room, room);
		if (gomem_pagealloc_remove(&h->pages, page, room)) {
			b->run[b->n].page = page;
			b->run[b->n].len = room;
			b->pages += room;
			b->n++;
		}
		if (!i)
			break;
	}
}

/*
 * Rank a chunk anew. If its rank is as before, take runs out of the chunk, and
 * rank it again. With @waiting, pages in their grace period may be taken, too.
 */
static void visit(struct gomem_heap *h, struct gomem_chunk *c, bool waiting,
		  struct batch *b)
{
	struct gomem_pallocbits busy = c->inuse;
	enum gomem_rank rank;

	lockdep_assert_held(&h->lock);
	if (!waiting)
		gomem_waiting_busy(c, &busy);
	rank = rank_of(c, &busy);
	if (rank == c->rank && rank < GOMEM_NR_TREE_RANKS) {
		gather_runs(h, c, min_run[rank], &busy, b);
		rank = rank_of(c, &busy);
	}
	gomem_candidates_place(&h->candidates, c, rank);
}

/*
 * Return the next chunk to visit: a chunk of rank NEW first, then one of rank
 * WAITS, then one of the best rank in the trees; NULL if there is none. Of the
 * chunks of rank WAITS, only the chunk that got this rank first is tried. It is
 * visited if its grace period is over, or if takes_waiting(). The background
 * scavenger does not visit chunks of rank DENSE.
 */
static struct gomem_chunk *next_candidate(struct gomem_heap *h,
					  enum gomem_scavenge_reason why)
{
	struct gomem_candidates *cs = &h->candidates;
	struct gomem_chunk *c = gomem_candidates_new(cs);

	lockdep_assert_held(&h->lock);
	if (c)
		return c;
	c = gomem_candidates_waiting(cs);
	if (c && (takes_waiting(why) ||
		  poll_state_synchronize_rcu(gomem_waiting_until(c))))
		return c;
	return gomem_candidates_best(cs, why == GOMEM_SCAVENGE_BACKGROUND ?
					 GOMEM_RANK_SCATTERED :
					 GOMEM_RANK_DENSE);
}

/*
 * Take pages out of the heap until a limit of the batch is reached. Return
 * false if there are no candidates left.
 */
static bool gather(struct gomem_heap *h, enum gomem_scavenge_reason why,
		   struct batch *b)
{
	struct gomem_chunk *c;
	unsigned int in_vain = 0, n;

	lockdep_assert_held(&h->lock);
	while (in_vain < BATCH_CHUNKS && b->n < BATCH_RUNS &&
	       b->pages < b->want) {
		c = next_candidate(h, why);
		if (!c)
			return false;
		n = b->n;
		visit(h, c, takes_waiting(why), b);
		in_vain += b->n == n;
	}
	return true;
}

/*
 * Note in @b the grace period of the chunk that got the rank WAITS last. The
 * background scavenger sleeps until the noted grace period is over. This chunk
 * usually has the latest one. So after one sleep, the pages of all chunks of
 * this rank can usually go back.
 */
static void note_waiting(struct gomem_heap *h, struct batch *b)
{
	lockdep_assert_held(&h->lock);
	if (!list_empty(&h->candidates.waits))
		note_grace(b, list_last_entry(&h->candidates.waits,
					      struct gomem_chunk, link));
}

/* Call gather() with the heap locked. Return false if no candidate is left. */
static bool take_batch(struct gomem_heap *h, enum gomem_scavenge_reason why,
		       struct batch *b)
{
	unsigned long flags;
	bool more;

	spin_lock_irqsave(&h->lock, flags);
	more = gather(h, why, b);
	if (!b->n && why == GOMEM_SCAVENGE_BACKGROUND)
		note_waiting(h, b);
	h->stats.released[why] += b->pages;
	spin_unlock_irqrestore(&h->lock, flags);
	return more;
}

/* Call take_batch() until it takes a page or there are no candidates left. */
static void take_some(struct gomem_heap *h, enum gomem_scavenge_reason why,
		      struct batch *b)
{
	while (take_batch(h, why, b) && !b->n)
		cond_resched();
}

/*
 * Clear the keys of free objects in pages that go back: kernel_forget() says
 * why. For the pages of a whole chunk that takes up to a millisecond.
 */
static void forget_keys(struct gomem_heap *h, unsigned long page,
			unsigned int npages)
{
	struct gomem_chunk *c = gomem_pagealloc_chunk_of(&h->pages, page);
	unsigned int first = page % GOMEM_CHUNK_PAGES, n;
	unsigned int i = first, end = first + npages;

	if (!h->source->forget)
		return;
	for (;; i += n) {
		i = gomem_keypage_find(c, i, end, &n);
		if (i == end)
			break;
		h->source->forget(h->source,
				  gomem_heap_addr(h, page + i - first), n,
				  GOMEM_KEYPAGE_STEP(c->keyed[i]));
		gomem_keypage_remove(c, i, n);
	}
}

/* Give the pages of a batch to the kernel. None of its runs crosses chunks. */
static void put_batch(struct gomem_heap *h, const struct batch *b,
		      bool may_sleep)
{
	unsigned int i;

	if (b->n)
		trace_scavenge(b->pages << GOMEM_PAGE_SHIFT, h->node);
	for (i = 0; i < b->n; i++) {
		forget_keys(h, b->run[i].page, b->run[i].len);
		gomem_pages_put(h->source, gomem_heap_addr(h, b->run[i].page),
				b->run[i].len);
		if (may_sleep)
			cond_resched();
	}
	gomem_heap_tell_much(h);
}

/*
 * Sleep until poll_state_synchronize_rcu(@gp) is true. One grace period is not
 * always enough, because the poll counts normal and expedited grace periods
 * together. If an expedited one begins during a normal one that began before
 * @gp was read, the end of the expedited one may only count as the end of the
 * normal one. Then one more grace period has to end.
 *
 * cond_synchronize_rcu() will not do: in a kernel for one CPU (TINY_RCU) it
 * does nothing. This loop would spin until a task switch, which may never come.
 */
static void sleep_until_over(unsigned long gp, bool hurry)
{
	while (!poll_state_synchronize_rcu(gp)) {
		if (hurry)
			synchronize_rcu_expedited();
		else
			synchronize_rcu();
	}
}

/**
 * gomem_heap_wait_for_grace - sleep until a grace period is over
 * @h: the heap whose pages wait for the grace period; @h->stats.grace_waits
 *	counts the call
 * @gp: cookie from get_state_synchronize_rcu()
 * @hurry: use expedited grace periods
 *
 * Context: may sleep; not in reclaim.
 */
void gomem_heap_wait_for_grace(struct gomem_heap *h, unsigned long gp,
			       bool hurry)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	h->stats.grace_waits++;
	spin_unlock_irqrestore(&h->lock, flags);
	sleep_until_over(gp, hurry);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_wait_for_grace);

/**
 * gomem_heap_scavenge_some - give a batch of free pages back to the kernel
 * @h: the heap
 * @want: maximum number of pages to give back
 * @why: the reason; for all but GOMEM_SCAVENGE_BACKGROUND, pages of chunks of
 *	the rank GOMEM_RANK_DENSE are taken, too
 * @worked: increased by the nanoseconds that the call takes, except those that
 *	it waits for a grace period
 *
 * Pages whose last object was freed recently are in an RCU grace period: see
 * gomem_heap_release(). GOMEM_SCAVENGE_FORCED takes such pages out of the heap
 * and sleeps until their grace period is over. GOMEM_SCAVENGE_BACKGROUND sleeps
 * only if there are no other pages to take, and leaves the waiting pages in the
 * heap meanwhile. With all other reasons, waiting pages are left alone, and
 * there is no sleep for a grace period.
 *
 * Context: any that may be rescheduled; with GOMEM_SCAVENGE_FORCED and
 * GOMEM_SCAVENGE_BACKGROUND it may sleep until a grace period is over.
 * Return: how many pages went back; 0 if there are none to take.
 */
unsigned long gomem_heap_scavenge_some(struct gomem_heap *h, unsigned long want,
				       enum gomem_scavenge_reason why,
				       u64 *worked)
{
	u64 start = ktime_get_ns();
	struct batch b;
	bool again;

	if (!want)
		return 0;
	batch_init(&b, want);
	take_some(h, why, &b);
	again = !b.n && why == GOMEM_SCAVENGE_BACKGROUND;
	if (b.late && (again || takes_waiting(why))) {
		*worked += ktime_get_ns() - start;
		gomem_heap_wait_for_grace(h, b.gp, again &&
					  gomem_heap_surplus(h) >= HURRY_MIN);
		start = ktime_get_ns();
		/*
		 * Pages that were free before the sleep can go back now. Pages
		 * freed during the sleep have to wait for a later call.
		 */
		if (again)
			take_some(h, why, &b);
	}
	put_batch(h, &b, true);
	*worked += ktime_get_ns() - start;
	return b.pages;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_scavenge_some);

/**
 * gomem_heap_scavenge - give free pages back to the kernel
 * @h: the heap
 * @want: maximum number of pages to give back
 * @why: the reason; see gomem_heap_scavenge_some()
 *
 * Context: as gomem_heap_scavenge_some().
 * Return: how many pages went back.
 */
unsigned long gomem_heap_scavenge(struct gomem_heap *h, unsigned long want,
				  enum gomem_scavenge_reason why)
{
	unsigned long done = 0, n;
	u64 worked = 0;

	while (done < want) {
		n = gomem_heap_scavenge_some(h, want - done, why, &worked);
		if (!n)
			break;
		done += n;
		cond_resched();
	}
	return done;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_scavenge);

/*
 * Announce up to @want free pages that are not announced yet, and return their
 * number. All pages that are free now can go back after the grace period @gp.
 * But the due pages keep their own, earlier grace period. Otherwise reclaim,
 * which may call this function again and again, would postpone the time at
 * which the due pages go back.
 */
static unsigned long announce(struct gomem_heap *h, unsigned long want,
			      unsigned long gp)
{
	unsigned long more = h->pages.free_pages -
			     min(h->pages.free_pages, h->owed_pages);

	lockdep_assert_held(&h->lock);
	more = min(more, want);
	if (!h->owed_pages) {
		h->due_pages = more;
		h->due_gp = gp;
	}
	h->owed_pages += more;
	h->owed_gp = gp;
	return more;
}

/**
 * gomem_heap_owe - announce pages that will go back after a grace period
 * @h: the heap
 * @want: maximum number of pages to announce
 * @owes: set to true if the heap owes pages that this call or an earlier one
 *	announced, else to false. If true, the caller has to make sure that a
 *	task calls gomem_heap_pay() later
 *
 * Starts a grace period, an expedited one unless the heap owes pages already.
 * When it is over, all pages that are free now can go back. Pages that are
 * announced already are not announced again.
 *
 * Context: any with interrupts on; never sleeps, never allocates.
 * Return: how many pages were announced.
 */
unsigned long gomem_heap_owe(struct gomem_heap *h, unsigned long want,
			     bool *owes)
{
	unsigned long flags, more;
	/* Read without the lock: a grace period of either kind will do. */
	unsigned long gp = data_race(h->owed_pages) ?
				   start_poll_synchronize_rcu() :
				   start_poll_synchronize_rcu_expedited();

	spin_lock_irqsave(&h->lock, flags);
	more = announce(h, want, gp);
	*owes = h->owed_pages;
	spin_unlock_irqrestore(&h->lock, flags);
	return more;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_owe);

/*
 * Wait for the grace period of the due pages, give them back, and return how
 * many went. Pages that the heap has reused do not go. Without @all, they stay
 * owed: the heap may have freed them again, and a later call can give them
 * back. With @all, the heap stops owing them: it may never free them. At the
 * end, all pages that are still owed become the due pages.
 */
static unsigned long pay_due(struct gomem_heap *h, bool all)
{
	unsigned long flags, n, gp, done;

	spin_lock_irqsave(&h->lock, flags);
	n = h->due_pages;
	gp = h->due_gp;
	spin_unlock_irqrestore(&h->lock, flags);
	if (!n)
		return 0;
	sleep_until_over(gp, true);
	done = gomem_heap_scavenge(h, n, GOMEM_SCAVENGE_SHRINKER);
	spin_lock_irqsave(&h->lock, flags);
	h->owed_pages -= all ? n : min(done, n);
	h->due_pages = h->owed_pages;
	h->due_gp = h->owed_gp;
	spin_unlock_irqrestore(&h->lock, flags);
	return done;
}

/**
 * gomem_heap_pay - give back the pages that were announced
 * @h: the heap
 *
 * Pages that are announced during this call may be left to the next call. The
 * caller of gomem_heap_owe() that announced them makes sure that there is a
 * next call. Only one task may call this at a time.
 *
 * Context: process context; sleeps until the grace periods are over.
 * Return: how many pages went back. The heap may have reused the others.
 */
unsigned long gomem_heap_pay(struct gomem_heap *h)
{
	unsigned long n = pay_due(h, false);

	return n + pay_due(h, true);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_pay);

/*
 * A free gives back up to min(surplus, max(pages freed, GIVE_LEAST)) pages. If
 * it cannot be preempted, it gives back at most GIVE_LOCKED pages, since
 * forget_keys() searches the pages that go back for keys of free objects. This
 * search takes a long time for many pages.
 */
#define GIVE_LEAST	(SZ_256K >> GOMEM_PAGE_SHIFT)
#define GIVE_LOCKED	(SZ_64K >> GOMEM_PAGE_SHIFT)

/**
 * gomem_heap_surplus - count the free pages that frees give back at once
 * @h: the heap
 *
 * Return: the number of free gomem pages beyond keep, see GOMEM_GIVE_SHARE; may
 * be a little stale.
 */
unsigned long gomem_heap_surplus(const struct gomem_heap *h)
{
	unsigned long backed = gomem_heap_backed_pages(h),
		      /* Read without the lock: may be stale. */
		      free = data_race(h->pages.free_pages);
	unsigned long keep = (backed - min(free, backed)) / GOMEM_GIVE_SHARE,
		      room = atomic_long_read(&h->transfer_bytes) >>
			     GOMEM_PAGE_SHIFT;

	keep = max_t(unsigned long, keep - min(room, keep / 4 * 3),
		     h->give_min);
	return free > keep ? free - keep : 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_surplus);

/*
 * May the next grace period be an expedited one? Only if the surplus is large,
 * and at most once a jiffy, however often the surplus becomes large.
 */
static bool may_hurry(const struct gomem_heap *h)
{
	return gomem_heap_surplus(h) >= HURRY_MIN &&
	       time_after(jiffies, READ_ONCE(h->give_hurried));
}

/* Start a grace period, an expedited one if may_hurry() allows it. */
static void start_grace(struct gomem_heap *h)
{
	bool hurry = may_hurry(h);

	lockdep_assert_held(&h->give_lock);
	if (hurry)
		WRITE_ONCE(h->give_hurried, jiffies);
	WRITE_ONCE(h->give_hurry, hurry);
	h->give_next = hurry ? start_poll_synchronize_rcu_expedited() :
			       start_poll_synchronize_rcu();
}

/*
 * From now on gomem_heap_give_back() does nothing until the grace period that
 * was started last is over. If that one is over already, start another one, and
 * do nothing until the end of the new one.
 */
static void await_grace(struct gomem_heap *h)
{
	lockdep_assert_held(&h->give_lock);
	if (poll_state_synchronize_rcu(h->give_next))
		start_grace(h);
	WRITE_ONCE(h->give_gp, h->give_next);
}

/*
 * Is the grace period that await_grace() chose over? If it is a normal one and
 * not over, start an expedited one if may_hurry() allows it. RCU's poll counts
 * both kinds, so the expedited one may end the wait: see sleep_until_over().
 */
static bool has_waited(struct gomem_heap *h)
{
	if (poll_state_synchronize_rcu(READ_ONCE(h->give_gp)))
		return true;
	if (READ_ONCE(h->give_hurry) || !may_hurry(h))
		return false;
	/* If the lock is held, a later free starts the grace period. */
	if (spin_trylock(&h->give_lock)) {
		start_grace(h);
		spin_unlock(&h->give_lock);
	}
	return false;
}

/**
 * gomem_heap_give_back - give some free pages back if there are very many
 * @h: the heap
 * @freed: how many pages just became free
 *
 * Called by frees, so that the heap shrinks while many objects are freed, and
 * not only when the background scavenger runs.
 *
 * Only pages whose grace period is over go back. Once all of these have gone,
 * the next grace period is started, and no call searches for pages until it has
 * ended. So a caller that allocates again soon after it freed finds the pages
 * still in the heap. One CPU at a time takes pages here.
 *
 * Context: task context with interrupts on. The caller may hold locks, but none
 * of gomem's.
 */
void gomem_heap_give_back(struct gomem_heap *h, unsigned long freed)
{
	unsigned long want = min(gomem_heap_surplus(h),
				 max_t(unsigned long, freed, GIVE_LEAST));
	struct batch b;

	if (!preemptible())
		want = min_t(unsigned long, want, GIVE_LOCKED);
	if (!want || !has_waited(h))
		return;
	/*
	 * If another CPU gives pages back at this moment, do nothing: the pages
	 * just freed go back at a later free, or after the next look.
	 */
	if (!spin_trylock(&h->give_lock))
		return;
	batch_init(&b, want);
	if (!take_batch(h, GOMEM_SCAVENGE_FREE, &b))
		await_grace(h);
	spin_unlock(&h->give_lock);
	put_batch(h, &b, false);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_give_back);

/**
 * gomem_heap_idle_pages - count the pages that the heap could do without
 * @h: the heap
 *
 * Return: the free pages, those in page caches included. The count is a little
 * stale, since CPUs take and free pages meanwhile.
 */
unsigned long gomem_heap_idle_pages(struct gomem_heap *h)
{
	/* Read without the lock: a stale number is good enough. */
	unsigned long n = data_race(h->pages.free_pages) +
			  atomic_long_read(&h->run_pages);
	int cpu;

	for_each_possible_cpu(cpu)
		n += hweight64(READ_ONCE(per_cpu_ptr(h->pcache, cpu)->free));
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_idle_pages);
