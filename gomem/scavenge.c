// SPDX-License-Identifier: GPL-2.0
/*
 * scavenge.c - which free pages go back first, and when they may.
 *
 * A hole in the middle of a chunk is lost for long runs, until the kernel happens
 * to give that block again. So whole chunks without a live page go first, then long
 * runs, then shorter ones; and of equals the highest address, since allocation
 * prefers low ones. Go's passes are the same but for the first.
 */
#include <kunit/visibility.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "pallocbits.h"
#include "scavenge.h"

/* Runs and pages that go back between two holds of the lock, and chunks looked at. */
#define BATCH_RUNS	16
#define BATCH_PAGES	GOMEM_CHUNK_PAGES
#define BATCH_CHUNKS	64

/* What a pass takes: runs of so many pages; only in chunks without a live page. */
static const struct pass {
	unsigned int run;
	bool idle;
} passes[] = {
	{ 1,	true },
	{ 64,	false },
	{ 8,	false },
	{ 1,	false },
};

/* Pages that are neither the heap's any more nor the kernel's yet. */
struct batch {
	unsigned int n;
	unsigned long pages;
	unsigned long gp;	/* of the chunk that was freed into last */
	struct {
		unsigned long page;
		unsigned int len;
	} run[BATCH_RUNS];
};

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
 * Is the chunk one for this pass? One with next to nothing free, a 32nd of what it
 * has or less (Go's bound), is left alone unless every page counts. Who waits for other
 * pages does not wait for a grace period.
 */
static bool is_eligible(const struct gomem_chunk *c, const struct pass *pass,
			enum gomem_scavenge_reason why)
{
	unsigned int used = pages_in_use(c);

	if (why == GOMEM_SCAVENGE_GROWTH && !poll_state_synchronize_rcu(c->gp))
		return false;
	if (pass->idle)
		return !used;
	return why != GOMEM_SCAVENGE_BACKGROUND || pages_free(c) * 31 > used;
}

/* Runs of one chunk, from its end. True if there is nothing left for this pass. */
static bool gather_runs(struct gomem_heap *h, unsigned long ci, unsigned int min,
			unsigned long want, struct batch *b)
{
	struct gomem_chunk *c = gomem_pagealloc_chunk(&h->pages, ci);
	unsigned int i, len, room;

	lockdep_assert_held(&h->lock);
	while (b->n < BATCH_RUNS && b->pages < want) {
		i = gomem_pallocbits_find_last(&c->inuse, min, GOMEM_CHUNK_PAGES, &len);
		if (i == GOMEM_CHUNK_PAGES)
			return true;
		room = min_t(unsigned long, len, want - b->pages);
		i += len - room;
		b->run[b->n].page = (ci << GOMEM_CHUNK_PAGES_SHIFT) + i;
		b->run[b->n].len = room;
		gomem_pagealloc_remove(&h->pages, b->run[b->n].page, room);
		b->pages += room;
		b->n++;
		if (b->n == 1 || ULONG_CMP_LT(b->gp, c->gp))
			b->gp = c->gp;
	}
	return false;
}

static void next_pass(struct gomem_scavenge_pos *pos)
{
	pos->pass++;
	pos->done = 0;
}

/*
 * Take what goes back next out of the heap; the heap is locked. Returns false when
 * all passes are through.
 */
static bool gather(struct gomem_heap *h, struct gomem_scavenge_pos *pos, unsigned long want,
		   enum gomem_scavenge_reason why, struct batch *b)
{
	const struct pass *pass;
	unsigned long ci;
	unsigned int looks;

	lockdep_assert_held(&h->lock);
	for (looks = 0; looks < BATCH_CHUNKS && b->n < BATCH_RUNS && b->pages < want; looks++) {
		if (pos->pass == ARRAY_SIZE(passes))
			return false;
		pass = &passes[pos->pass];
		ci = pos->done ? pos->done - 1 : h->map->nr_chunks - 1;
		ci = gomem_pagealloc_prev_chunk(&h->pages, ci, pass->run);
		if (ci == GOMEM_NO_PAGE) {
			next_pass(pos);
			continue;
		}
		if (is_eligible(gomem_pagealloc_chunk(&h->pages, ci), pass, why) &&
		    !gather_runs(h, ci, pass->run, want, b))
			break;
		pos->done = ci;
		if (!ci)
			next_pass(pos);
	}
	return true;
}

/**
 * gomem_heap_scavenge_some - give a batch of free pages back to the kernel
 * @h: the heap
 * @pos: where to go on; at the end it is back at the beginning
 * @want: how many pages at most
 * @why: who asks; all but the background take from dense chunks, too
 * @worked: the nanoseconds this takes are added to it, but for the wait
 *
 * Pages whose last object was freed just now wait for an RCU grace period: see
 * gomem_heap_release().
 *
 * Context: may sleep, also when called in reclaim.
 * Return: how many pages went back, 0 when there is nothing (more) to be had.
 */
unsigned long gomem_heap_scavenge_some(struct gomem_heap *h, struct gomem_scavenge_pos *pos,
				       unsigned long want, enum gomem_scavenge_reason why,
				       u64 *worked)
{
	u64 start = ktime_get_ns();
	unsigned long flags;
	struct batch b;
	unsigned int i;
	bool more;

	b.n = 0;
	b.pages = 0;
	want = min_t(unsigned long, want, BATCH_PAGES);
	do {
		spin_lock_irqsave(&h->lock, flags);
		more = gather(h, pos, want, why, &b);
		h->stats.released[why] += b.pages;
		spin_unlock_irqrestore(&h->lock, flags);
	} while (more && !b.n && want);
	if (!more)
		*pos = (struct gomem_scavenge_pos) { };

	if (b.n && !poll_state_synchronize_rcu(b.gp)) {
		*worked += ktime_get_ns() - start;
		cond_synchronize_rcu(b.gp);
		start = ktime_get_ns();
	}
	for (i = 0; i < b.n; i++)
		gomem_pages_put_used(h->source, gomem_heap_addr(h, b.run[i].page), b.run[i].len);
	*worked += ktime_get_ns() - start;
	return b.pages;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_scavenge_some);

/**
 * gomem_heap_scavenge - give free pages back to the kernel
 * @h: the heap
 * @want: how many at most
 * @why: who asks
 *
 * Context: may sleep, also when called in reclaim.
 * Return: how many pages went back.
 */
unsigned long gomem_heap_scavenge(struct gomem_heap *h, unsigned long want,
				  enum gomem_scavenge_reason why)
{
	struct gomem_scavenge_pos pos = { };
	unsigned long done = 0, n;
	u64 worked = 0;

	while (done < want) {
		n = gomem_heap_scavenge_some(h, &pos, want - done, why, &worked);
		if (!n)
			break;
		done += n;
		cond_resched();
	}
	return done;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_scavenge);

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
