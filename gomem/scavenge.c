// SPDX-License-Identifier: GPL-2.0
/*
 * scavenge.c - which free pages go back first, and when they may.
 *
 * A hole in the middle of a chunk is lost for long runs, until the kernel happens
 * to give that block again. So whole chunks without a live page go first, then long
 * runs, then shorter ones; and of equals the highest address, since allocation
 * prefers low ones. Go's passes are the same but for the first. Which
 * chunks there are to look at, candidates.h knows: no look at a chunk is in vain.
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

#include "freshpage.h"
#include "pallocbits.h"
#include "scavenge.h"

/*
 * Runs and pages that go back between two holds of the lock, and chunks that were looked at
 * in vain: a run takes some 3000 instructions, a look 1200.
 */
#define BATCH_RUNS	16
#define BATCH_PAGES	GOMEM_CHUNK_PAGES
#define BATCH_LOOKS	16

/*
 * So many pages that wait are worth a hurry: a grace period that takes microseconds in
 * place of milliseconds, for which RCU interrupts the CPUs that are not idle. There is but
 * one at a time, and megabytes go back for each. Where that is not wanted, rcu_normal
 * makes it one like any other.
 */
#define HURRY_MIN	(SZ_4M >> GOMEM_PAGE_SHIFT)

/* Runs of so many pages are taken from a chunk, by its rank. */
static const unsigned int min_run[GOMEM_NR_TREE_RANKS] = {
	[GOMEM_RANK_IDLE]	= 1,
	[GOMEM_RANK_LONG]	= 64,
	[GOMEM_RANK_SHORT]	= 8,
	[GOMEM_RANK_REST]	= 1,
	[GOMEM_RANK_DENSE]	= 1,
};

/* Pages that are neither the heap's any more nor the kernel's yet. */
struct batch {
	unsigned int n;
	unsigned long pages;
	unsigned long gp;	/* what all of them have waited for then */
	bool late;		/* some that were free have to wait; @gp says for what */
	struct {
		unsigned long page;
		unsigned int len;
	} run[BATCH_RUNS];
};

/* Without the runs, which are only written. */
static void batch_init(struct batch *b)
{
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
	return GOMEM_CHUNK_PAGES - gomem_pallocbits_count(&c->inuse, 0, GOMEM_CHUNK_PAGES);
}

/*
 * What has the chunk to give, of pages that are not @busy? One with next to nothing free, a
 * 32nd of what it has or less (Go's bound), comes last, and is left alone unless every page
 * counts.
 */
static enum gomem_rank rank_of(const struct gomem_chunk *c, const struct gomem_pallocbits *busy)
{
	unsigned int longest = gomem_pallocsum_max(gomem_pallocbits_summarize(busy));
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
	return longest >= min_run[GOMEM_RANK_SHORT] ? GOMEM_RANK_SHORT : GOMEM_RANK_REST;
}

/*
 * May this caller take pages that are in their grace period, and sleep until it is over?
 * Nobody has these pages meanwhile. Callers in reclaim, and on the way of an allocation,
 * must not sleep.
 */
static bool takes_fresh(enum gomem_scavenge_reason why)
{
	return why == GOMEM_SCAVENGE_FORCED;
}

/* All pages of the batch have to wait as long as the free pages of this chunk. */
static void note_grace(struct batch *b, const struct gomem_chunk *c)
{
	unsigned long gp = gomem_fresh_until(c);

	if (poll_state_synchronize_rcu(gp))
		return;
	if (!b->late || ULONG_CMP_LT(b->gp, gp))
		b->gp = gp;
	b->late = true;
}

/* Take runs of @min pages and more of a chunk, from its end; @busy then has them, too. */
static void gather_runs(struct gomem_heap *h, struct gomem_chunk *c, unsigned int min,
			unsigned long want, struct gomem_pallocbits *busy, struct batch *b)
{
	unsigned int i = GOMEM_CHUNK_PAGES, len, room;

	lockdep_assert_held(&h->lock);
	note_grace(b, c);
	while (b->n < BATCH_RUNS && b->pages < want) {
		i = gomem_pallocbits_find_last(busy, min, i, &len);
		if (i == GOMEM_CHUNK_PAGES)
			break;
		room = min_t(unsigned long, len, want - b->pages);
		b->run[b->n].page = (c->index << GOMEM_CHUNK_PAGES_SHIFT) + i + len - room;
		b->run[b->n].len = room;
		gomem_pagealloc_remove(&h->pages, b->run[b->n].page, room);
		gomem_pallocbits_set_range(busy, i + len - room, room);
		b->pages += room;
		b->n++;
		if (!i)
			break;
	}
}

/* Take from a chunk if it has the rank that it was found by, and rank it anew. */
static void look_at(struct gomem_heap *h, struct gomem_chunk *c, unsigned long want,
		    bool fresh, struct batch *b)
{
	struct gomem_pallocbits busy = c->inuse;
	enum gomem_rank rank;

	lockdep_assert_held(&h->lock);
	if (!fresh)
		gomem_fresh_busy(c, &busy);
	rank = rank_of(c, &busy);
	if (rank == c->rank && rank < GOMEM_NR_TREE_RANKS) {
		gather_runs(h, c, min_run[rank], want, &busy, b);
		rank = rank_of(c, &busy);
	}
	gomem_candidates_place(&h->candidates, c, rank);
}

/*
 * The next chunk to look at: those without a rank first, and those whose wait is over. The
 * oldest of these has waited longest.
 */
static struct gomem_chunk *next_candidate(struct gomem_heap *h, enum gomem_scavenge_reason why)
{
	struct gomem_candidates *cs = &h->candidates;
	struct gomem_chunk *c = gomem_candidates_new(cs);

	lockdep_assert_held(&h->lock);
	if (c)
		return c;
	c = gomem_candidates_waiting(cs);
	if (c && (takes_fresh(why) || poll_state_synchronize_rcu(gomem_fresh_until(c))))
		return c;
	return gomem_candidates_best(cs, why == GOMEM_SCAVENGE_BACKGROUND ? GOMEM_RANK_REST :
				     GOMEM_RANK_DENSE);
}

/*
 * Take what goes back next out of the heap; the heap is locked. Returns false when there is
 * nothing left to look at.
 */
static bool gather(struct gomem_heap *h, unsigned long want, enum gomem_scavenge_reason why,
		   struct batch *b)
{
	struct gomem_chunk *c;
	unsigned int in_vain = 0, n;

	lockdep_assert_held(&h->lock);
	while (in_vain < BATCH_LOOKS && b->n < BATCH_RUNS && b->pages < want) {
		c = next_candidate(h, why);
		if (!c)
			return false;
		n = b->n;
		look_at(h, c, want, takes_fresh(why), b);
		in_vain += b->n == n;
	}
	return true;
}

/* The background may wait for all that waits now. */
static void note_waiting(struct gomem_heap *h, struct batch *b)
{
	lockdep_assert_held(&h->lock);
	if (!list_empty(&h->candidates.waits))
		note_grace(b, list_last_entry(&h->candidates.waits, struct gomem_chunk, link));
}

/* One hold of the lock. True if there may be more behind what was looked at. */
static bool take_batch(struct gomem_heap *h, unsigned long want, enum gomem_scavenge_reason why,
		       struct batch *b)
{
	unsigned long flags;
	bool more;

	spin_lock_irqsave(&h->lock, flags);
	more = gather(h, min_t(unsigned long, want, BATCH_PAGES), why, b);
	if (!b->n && why == GOMEM_SCAVENGE_BACKGROUND)
		note_waiting(h, b);
	h->stats.released[why] += b->pages;
	spin_unlock_irqrestore(&h->lock, flags);
	return more;
}

/* The same until there is something, or nothing more to look at. */
static void take_some(struct gomem_heap *h, unsigned long want, enum gomem_scavenge_reason why,
		      struct batch *b)
{
	while (take_batch(h, want, why, b) && !b->n)
		cond_resched();
}

/* Keys are looked for in all of the pages: a chunk of them takes most of a millisecond. */
static void put_batch(struct gomem_heap *h, const struct batch *b, bool may_sleep)
{
	unsigned int i;

	for (i = 0; i < b->n; i++) {
		gomem_pages_put_used(h->source, gomem_heap_addr(h, b->run[i].page), b->run[i].len);
		if (may_sleep)
			cond_resched();
	}
}

/*
 * Sleep until @gp is over for whoever polls it. One more grace period is not always enough:
 * an expedited one that begins while a normal one is under way may end that one alone. With
 * one processor cond_synchronize_rcu() does nothing, and the poll would wait for a task
 * switch that nothing need bring.
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
 * gomem_heap_wait_for_grace - sleep until a grace period is over; count it
 * @h: the heap whose pages wait for it
 * @gp: what get_state_synchronize_rcu() said
 * @hurry: that is to be soon
 *
 * Context: may sleep; not in reclaim.
 */
void gomem_heap_wait_for_grace(struct gomem_heap *h, unsigned long gp, bool hurry)
{
	unsigned long flags;

	spin_lock_irqsave(&h->lock, flags);
	h->stats.grace_waits++;
	spin_unlock_irqrestore(&h->lock, flags);
	sleep_until_over(gp, hurry);
}

/**
 * gomem_heap_scavenge_some - give a batch of free pages back to the kernel
 * @h: the heap
 * @want: how many pages at most
 * @why: who asks; all but the background take from dense chunks, too
 * @worked: the nanoseconds this takes are added to it, but for the wait
 *
 * Pages whose last object was freed recently are in an RCU grace period: see
 * gomem_heap_release(). GOMEM_SCAVENGE_FORCED takes them out of the heap and sleeps until
 * it is over. GOMEM_SCAVENGE_BACKGROUND sleeps if all free pages are such, and they stay
 * the heap's meanwhile. All others leave these pages alone, and never sleep.
 *
 * Context: any that may be rescheduled; GOMEM_SCAVENGE_FORCED and GOMEM_SCAVENGE_BACKGROUND
 * sleep until a grace period is over.
 * Return: how many pages went back, 0 when there is nothing (more) to be had.
 */
unsigned long gomem_heap_scavenge_some(struct gomem_heap *h, unsigned long want,
				       enum gomem_scavenge_reason why, u64 *worked)
{
	u64 start = ktime_get_ns();
	struct batch b;
	bool again;

	if (!want)
		return 0;
	batch_init(&b);
	take_some(h, want, why, &b);
	again = !b.n && why == GOMEM_SCAVENGE_BACKGROUND;
	if (b.late && (again || takes_fresh(why))) {
		*worked += ktime_get_ns() - start;
		gomem_heap_wait_for_grace(h, b.gp, again && gomem_heap_surplus(h) >= HURRY_MIN);
		start = ktime_get_ns();
		/* What was free before the wait may go; what became so is for the next time. */
		if (again)
			take_some(h, want, why, &b);
	}
	put_batch(h, &b, true);
	*worked += ktime_get_ns() - start;
	return b.pages;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_scavenge_some);

/**
 * gomem_heap_scavenge - give free pages back to the kernel
 * @h: the heap
 * @want: how many at most
 * @why: who asks; see gomem_heap_scavenge_some()
 *
 * Context: process context.
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

/**
 * gomem_heap_owe - announce pages that may go after a grace period, and start that
 * @h: the heap, of which no page may go at once
 * @want: how many pages at most
 * @owes: set to whether gomem_heap_pay() has to be called
 *
 * What is free is in a grace period then. No page is announced twice.
 *
 * Context: any but NMI; never sleeps, never allocates.
 * Return: how many pages were announced.
 */
unsigned long gomem_heap_owe(struct gomem_heap *h, unsigned long want, bool *owes)
{
	unsigned long flags, gp = start_poll_synchronize_rcu_expedited(), more;

	spin_lock_irqsave(&h->lock, flags);
	more = h->pages.free_pages - min(h->pages.free_pages, h->owed_pages);
	more = min(more, want);
	h->owed_pages += more;
	if (more)
		h->owed_gp = gp;
	*owes = h->owed_pages;
	spin_unlock_irqrestore(&h->lock, flags);
	return more;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_owe);

/**
 * gomem_heap_pay - give back what was announced
 * @h: the heap
 *
 * Context: a work's; sleeps until the grace period is over.
 * Return: how many pages went back; the heap may have used the others again.
 */
unsigned long gomem_heap_pay(struct gomem_heap *h)
{
	unsigned long flags, n, gp;

	spin_lock_irqsave(&h->lock, flags);
	n = h->owed_pages;
	gp = h->owed_gp;
	spin_unlock_irqrestore(&h->lock, flags);
	if (!n)
		return 0;
	sleep_until_over(gp, true);
	spin_lock_irqsave(&h->lock, flags);
	h->owed_pages -= n;
	spin_unlock_irqrestore(&h->lock, flags);
	return gomem_heap_scavenge(h, n, GOMEM_SCAVENGE_SHRINKER);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_pay);

/*
 * What a free gives back: as much as it made free, 256 KiB at least. But 64 KiB where nobody
 * can preempt it, since keys have to be looked for in all of it.
 */
#define GIVE_LEAST	(SZ_256K >> GOMEM_PAGE_SHIFT)
#define GIVE_LOCKED	(SZ_64K >> GOMEM_PAGE_SHIFT)

/**
 * gomem_heap_surplus - how many pages are free that should not stay for a moment
 * @h: the heap
 *
 * Return: gomem pages, a little stale.
 */
unsigned long gomem_heap_surplus(const struct gomem_heap *h)
{
	/* Stale is good enough. */
	unsigned long backed = gomem_heap_about(h), free = data_race(h->pages.free_pages);
	unsigned long keep = max_t(unsigned long, (backed - min(free, backed)) / GOMEM_GIVE_SHARE,
				   h->give_min);

	return free > keep ? free - keep : 0;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_surplus);

/* Does much wait? One hurry a jiffy, whatever comes and goes meanwhile. */
static bool may_hurry(const struct gomem_heap *h)
{
	return gomem_heap_surplus(h) >= HURRY_MIN &&
	       time_after(jiffies, READ_ONCE(h->give_hurried));
}

/* See to it that there is a next grace period, and that it is soon if much waits for it. */
static void start_grace(struct gomem_heap *h)
{
	bool hurry = may_hurry(h);

	lockdep_assert_held(&h->give_lock);
	if (hurry)
		WRITE_ONCE(h->give_hurried, jiffies);
	WRITE_ONCE(h->give_hurry, hurry);
	WRITE_ONCE(h->give_gp, hurry ? start_poll_synchronize_rcu_expedited() :
				       start_poll_synchronize_rcu());
}

/* Is it time to look for pages? If not, it may have become so many that it should be soon. */
static bool has_waited(struct gomem_heap *h)
{
	if (poll_state_synchronize_rcu(READ_ONCE(h->give_gp)))
		return true;
	if (READ_ONCE(h->give_hurry) || !may_hurry(h))
		return false;
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
 * So that what is held follows what lives even while much is freed, rather than when the
 * background had its turn. Only pages whose grace period is over: it is seen to that
 * there is a next one. As soon as all of those are back that were free when one began,
 * there is nothing to look for until the next one has ended; and who frees and allocates
 * again at once finds the pages still there. One CPU does this at a time.
 *
 * Context: a task that may have locks, but has interrupts on; no lock of gomem's held.
 */
void gomem_heap_give_back(struct gomem_heap *h, unsigned long freed)
{
	unsigned long want = min(gomem_heap_surplus(h), max_t(unsigned long, freed, GIVE_LEAST));
	struct batch b;

	if (!preemptible())
		want = min_t(unsigned long, want, GIVE_LOCKED);
	if (!want || !has_waited(h))
		return;
	if (!spin_trylock(&h->give_lock))
		return;
	batch_init(&b);
	if (!take_batch(h, want, GOMEM_SCAVENGE_FREE, &b))
		start_grace(h);
	spin_unlock(&h->give_lock);
	put_batch(h, &b, false);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_give_back);

/**
 * gomem_heap_idle_pages - how many pages the heap could do without
 * @h: the heap
 *
 * Return: free pages, those in page caches included; they come and go meanwhile.
 */
unsigned long gomem_heap_idle_pages(struct gomem_heap *h)
{
	/* It comes and goes: stale is good enough. */
	unsigned long n = data_race(h->pages.free_pages) + atomic_long_read(&h->run_pages);
	int cpu;

	for_each_possible_cpu(cpu)
		n += hweight64(READ_ONCE(per_cpu_ptr(h->pcache, cpu)->free));
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_idle_pages);
