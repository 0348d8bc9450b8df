// SPDX-License-Identifier: GPL-2.0
/*
 * epoch.c - periodic work: drain, sweep, set the goals, and run the scavenger.
 *
 * Go does this work after each garbage collection, at least every two minutes.
 * Here an epoch lasts epoch_ms. Every quarter of an epoch, a look returns what
 * has not been used since the last look from the caches to the heaps. A heap
 * keeps the pages that it used at the peak of the last four looks. So memory
 * that is not used for an epoch goes back to the kernel. Each look does these
 * steps:
 *
 *	drain	 slots that have not been used since the last look, objects of
 *		 transfer caches that no refill has needed since then, and once
 *		 an epoch the quarantine of destroyed arenas
 *	sweep	 spans with pending objects, except those that a slot caches:
 *		 a refill of the slot sweeps its span. Then drain page caches
 *		 that have not been used since the last look
 *	goal	 set each heap's goal: see heap/goal.c
 *	scavenge start the scavenger, which runs until the goals are met
 *
 * When the numbers of pages and of free pages have not changed for an epoch,
 * gomem is *at rest*. If no heap has a page then, the looks stop until a heap
 * gets its first page. If heaps have pages, the timer of the next look is
 * deferrable: it does not wake an idle CPU.
 *
 * When many objects were freed at once, many free pages should not stay for an
 * epoch. So after a free in a heap that then has many free pages (see
 * gomem_heap_has_many_free()), all goals are set up to five times, once every
 * max(epoch_ms / 400, 5) milliseconds. The fifth goals depend only on the pages
 * used in the last four of these intervals, usually a hundredth of an epoch.
 * Pages that are taken again within that time stay. With the default
 * parameters, frees themselves give back free pages beyond
 * max(pages in use / 16, 1 MiB): see gomem_heap_urgent() and
 * gomem_heap_give_back().
 */
#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "base/queue.h"
#include "heap/goal.h"
#include "heap/scavenge.h"
#include "heap/tell.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "api/arena.h"
#include "run/epoch.h"

#define EPOCH_MIN_MS	100

/*
 * After a free in a heap that then has many free pages, goal_work sets all
 * goals a few times: see kick(). It runs every
 * max(epoch_ms / GOAL_SHARE, GOAL_MIN_MS) milliseconds. If epoch_ms is at least
 * 2000, that is 100 times as often as the looks set the goals.
 */
#define GOAL_SHARE	(100 * GOMEM_GOAL_LOOKS)
#define GOAL_MIN_MS	5

static void look(struct work_struct *work);
static void look_at_goals(struct work_struct *work);
static void run_scavenger(struct work_struct *work);

static DECLARE_DELAYED_WORK(epoch_work, look);
/* The next look, if gomem is at rest. */
static DECLARE_DEFERRABLE_WORK(rest_work, look);
static DECLARE_DELAYED_WORK(goal_work, look_at_goals);
static DECLARE_DELAYED_WORK(scavenge_work, run_scavenger);

/*
 * How many more times goal_work runs at most. kick() raises this number to
 * GOMEM_GOAL_LOOKS + 1 when pages become free in a heap with many free pages.
 */
static atomic_t goal_looks;

/* The scavenger is running. Read without a lock: may be stale. */
static bool scavenging;

/*
 * Serializes the looks with gomem_scavenge_all(), which does the same work on
 * request. Held from gomem_epoch_pause() to gomem_epoch_resume(), too.
 */
static DEFINE_MUTEX(epoch_mutex);

/*
 * True from gomem_epoch_init() to gomem_epoch_exit(): the works of this file
 * may be queued.
 */
static bool running;

static atomic64_t looks;
static atomic64_t scavenge_ns;

/*
 * How many looks in a row have found the same numbers of pages and of free
 * pages, of all heaps together, as the look before. The count stops at
 * GOMEM_EPOCH_LOOKS: then gomem is at rest. Changed under epoch_mutex.
 */
static unsigned int calm_looks;

static unsigned long look_delay(void)
{
	return msecs_to_jiffies(READ_ONCE(gomem_epoch_ms) / GOMEM_EPOCH_LOOKS);
}

/*
 * Queue the next look in place of a look that is queued already. @rest: gomem
 * is at rest, so the look gets the deferrable timer.
 */
static void queue_epoch(bool rest)
{
	cancel_delayed_work(rest ? &epoch_work : &rest_work);
	mod_delayed_work(gomem_unbound_wq, rest ? &rest_work : &epoch_work,
			 look_delay());
}

/* Queue the next look, after the looks had stopped. */
static void start_looks(struct irq_work *work)
{
	if (READ_ONCE(running))
		queue_delayed_work(gomem_unbound_wq, &epoch_work, look_delay());
}

static DEFINE_IRQ_WORK(start_work, start_looks);

/*
 * Start the looks, because a heap got its first page. The caller of the
 * allocation may hold a lock that arming a timer takes. So start_looks() arms
 * the timer in an irq_work, which can be queued even then.
 */
static void wake(struct gomem_heap *h)
{
	irq_work_queue(&start_work);
}

static int set_epoch_ms(const char *val, const struct kernel_param *kp)
{
	int err = param_set_uint_minmax(val, kp, EPOCH_MIN_MS,
					24 * 60 * 60 * MSEC_PER_SEC);

	if (!err && READ_ONCE(running))
		queue_epoch(false);
	return err;
}

static const struct kernel_param_ops epoch_ms_ops = {
	.set = set_epoch_ms,
	.get = param_get_uint,
};

module_param_cb(epoch_ms, &epoch_ms_ops, &gomem_epoch_ms, 0644);
MODULE_PARM_DESC(epoch_ms,
		 "Milliseconds that memory may stay unused before gomem gives it back to the kernel (100 to 86400000, default 10000)");

/*
 * Parse a number of bytes with an optional K, M or G. memparse() cannot be
 * used: it does not detect numbers that are too large.
 */
static int parse_bytes(const char *val, unsigned long *bytes)
{
	static const char suffixes[] = "KMG";
	size_t digits = strspn(val, "0123456789");
	const char *suffix;
	unsigned int shift = 0;
	char number[24];

	if (!digits || digits >= sizeof(number))
		return -EINVAL;
	strscpy(number, val, digits + 1);
	if (kstrtoul(number, 10, bytes))
		return -EINVAL;
	val += digits;
	suffix = *val ? strchr(suffixes, toupper(*val)) : NULL;
	if (suffix) {
		shift = 10 * (suffix - suffixes + 1);
		val++;
	}
	if (*val == '\n')
		val++;
	if (*val || check_shl_overflow(*bytes, shift, bytes))
		return -EINVAL;
	return 0;
}

static int set_memory_limit(const char *val, const struct kernel_param *kp)
{
	unsigned long bytes;
	int err = parse_bytes(val, &bytes);

	if (err)
		return err;
	WRITE_ONCE(*(unsigned long *)kp->arg, bytes);
	if (READ_ONCE(running))
		queue_delayed_work(gomem_unbound_wq, &scavenge_work, 0);
	return 0;
}

static const struct kernel_param_ops memory_limit_ops = {
	.set = set_memory_limit,
	.get = param_get_ulong,
};

module_param_cb(memory_limit, &memory_limit_ops, &gomem_kernel_pages.limit,
		0644);
MODULE_PARM_DESC(memory_limit,
		 "Soft limit for gomem's memory in bytes, with the suffix K, M or G; no allocation fails because of it (default 0: no limit)");

static void sweep_cache(const struct gomem_kind *k, void *arg)
{
	gomem_mcentral_sweep(gomem_central(arg, k));
}

static void sweep_all(struct gomem_heap *h)
{
	unsigned int spc;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++)
		gomem_mcentral_sweep(&h->central[spc]);
	gomem_visit_typed_live(sweep_cache, h);
}

/* Return the number of pages of all heaps. Set @free to the free ones. */
static unsigned long count_pages(unsigned long *free)
{
	unsigned long pages = 0;
	struct gomem_heap *h;

	*free = 0;
	for_each_gomem_heap(h) {
		pages += gomem_heap_backed_pages(h);
		*free += data_race(h->pages.free_pages); /* may be stale */
	}
	return pages;
}

/* Update calm_looks: compare the numbers of pages with the last look's. */
static void note_pages(void)
{
	static unsigned long last_pages, last_free;
	unsigned long free, pages = count_pages(&free);

	lockdep_assert_held(&epoch_mutex);
	if (pages != last_pages || free != last_free)
		WRITE_ONCE(calm_looks, 0);
	else if (calm_looks < GOMEM_EPOCH_LOOKS)
		WRITE_ONCE(calm_looks, calm_looks + 1);
	last_pages = pages;
	last_free = free;
}

/**
 * gomem_epoch_look - do the work of a look, except for the scavenger
 *
 * Context: may sleep.
 */
void gomem_epoch_look(void)
{
	struct gomem_heap *h;

	mutex_lock(&epoch_mutex);
	if (atomic64_inc_return(&looks) % GOMEM_EPOCH_LOOKS == 0)
		gomem_arena_flush_quarantine();
	gomem_mcache_drain(true);
	for_each_gomem_heap(h) {
		sweep_all(h);
		gomem_heap_drain_pcaches(h, true);
		gomem_heap_set_goal(h, READ_ONCE(gomem_scavenge_percent));
		gomem_heap_tell(h);
	}
	note_pages();
	mutex_unlock(&epoch_mutex);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_epoch_look);

/**
 * gomem_epoch_rests - tell whether gomem was at rest at the last look
 *
 * Return: true if the numbers of pages and of free pages of all heaps together
 * have not changed for an epoch.
 */
bool gomem_epoch_rests(void)
{
	return READ_ONCE(calm_looks) == GOMEM_EPOCH_LOOKS;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_epoch_rests);

static void look(struct work_struct *work)
{
	unsigned long free;

	gomem_epoch_look();
	if (!READ_ONCE(running))
		return;
	/*
	 * If gomem is at rest without pages, do not queue the next look. If a
	 * heap gets its first page after this check, wake() queues the look. If
	 * the heap got the page before, the check finds it.
	 */
	if (gomem_epoch_rests() && !count_pages(&free))
		return;
	/*
	 * This has no effect if the scavenger is queued already: then it goes
	 * on at the end of its pause().
	 */
	queue_delayed_work(gomem_unbound_wq, &scavenge_work, 0);
	queue_epoch(gomem_epoch_rests());
}

static void queue_goals(void)
{
	unsigned int ms = max_t(unsigned int,
				READ_ONCE(gomem_epoch_ms) / GOAL_SHARE,
				GOAL_MIN_MS);

	queue_delayed_work(gomem_unbound_wq, &goal_work, msecs_to_jiffies(ms));
}

/*
 * Start goal_work, since pages became free in a heap that has many free pages.
 * Called by frees on any CPU.
 */
static void kick(struct gomem_heap *h)
{
	if (!READ_ONCE(running))
		return;
	/*
	 * The goal falls after goal_work has run GOMEM_GOAL_LOOKS times: then
	 * earlier peaks of the pages in use are forgotten. One more run starts
	 * the scavenger again, in case pages were still in a grace period.
	 */
	if (atomic_read(&goal_looks) < GOMEM_GOAL_LOOKS + 1)
		atomic_set(&goal_looks, GOMEM_GOAL_LOOKS + 1);
	if (!delayed_work_pending(&goal_work))
		queue_goals();
	/*
	 * Do not queue the scavenger while it runs: its next run would begin at
	 * once, without the pause().
	 */
	if (gomem_heap_urgent(h) && !READ_ONCE(scavenging))
		queue_delayed_work(gomem_unbound_wq, &scavenge_work, 0);
}

/*
 * Set the goals, and start the scavenger. Repeat this while a heap has many
 * free pages, but stop at the latest when goal_looks has become 0.
 */
static void look_at_goals(struct work_struct *work)
{
	bool again = false;
	struct gomem_heap *h;

	for_each_gomem_heap(h) {
		gomem_heap_drain_runs(h);
		gomem_heap_set_goal(h, READ_ONCE(gomem_scavenge_percent));
		again |= gomem_heap_has_many_free(h);
	}
	queue_delayed_work(gomem_unbound_wq, &scavenge_work, 0);
	if (again && atomic_dec_return(&goal_looks) > 0)
		queue_goals();
}

/*
 * Return for how many jiffies the scavenger sleeps after it worked for @worked
 * nanoseconds:
 *
 *	usually		worked * max(100 / CPUs, 2), and a jiffy more
 *	in a hurry	worked
 */
static unsigned long pause(u64 worked, bool hurry)
{
	u64 ns = hurry ? worked : worked * max(100 / num_online_cpus(), 2U);

	return nsecs_to_jiffies(ns) + !hurry;
}

/*
 * Give pages back for a millisecond, then sleep: see pause(). So the scavenger
 * usually takes at most 1 % of the time of all CPUs. It is in a hurry if more
 * than a 16th of a heap's pages has to go back, not counting what the memory
 * limit demands. Then it takes up to half of one CPU. When no page is left to
 * give back, it stops until a look, a free or a new limit starts it again.
 */
static void scavenge_background(struct work_struct *work)
{
	unsigned long n, want;
	struct gomem_heap *h;
	bool hurry = false;
	u64 worked = 0;

	do {
		n = 0;
		for_each_gomem_heap(h) {
			want = gomem_heap_excess(h, &hurry);
			if (!want)
				continue;
			n += gomem_heap_scavenge_some(h, want,
						      GOMEM_SCAVENGE_BACKGROUND,
						      &worked);
		}
	} while (n && worked < NSEC_PER_MSEC);
	atomic64_add(worked, &scavenge_ns);
	if (!n)
		return;
	queue_delayed_work(gomem_unbound_wq, &scavenge_work,
			   pause(worked, hurry));
}

static void run_scavenger(struct work_struct *work)
{
	WRITE_ONCE(scavenging, true);
	scavenge_background(work);
	WRITE_ONCE(scavenging, false);
}

/**
 * gomem_scavenge_all - give back all free pages
 *
 * First empties the quarantine, the slots, the transfer caches and the page
 * caches.
 *
 * Context: may sleep.
 * Return: number of gomem pages that went back.
 */
unsigned long gomem_scavenge_all(void)
{
	unsigned long n = 0;
	struct gomem_heap *h;

	mutex_lock(&epoch_mutex);
	gomem_arena_flush_quarantine();
	gomem_mcache_drain(false);
	for_each_gomem_heap(h) {
		sweep_all(h);
		gomem_heap_drain_pcaches(h, false);
		n += gomem_heap_scavenge(h, ULONG_MAX, GOMEM_SCAVENGE_FORCED);
	}
	mutex_unlock(&epoch_mutex);
	return n;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_scavenge_all);

/**
 * gomem_epoch_pause - stop the looks until gomem_epoch_resume()
 *
 * Stops gomem_scavenge_all(), too. Waits until drains of slots that have begun
 * are over, but for at most GOMEM_DRAIN_ALL_MS, because tasks of higher
 * priority may keep a CPU from draining. The scavenger continues, and so does
 * goal_work, which drains runs of page caches.
 *
 * Context: may sleep. Returns with epoch_mutex held.
 */
void gomem_epoch_pause(void)
{
	mutex_lock(&epoch_mutex);
	gomem_mcache_settle(GOMEM_DRAIN_ALL_MS);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_epoch_pause);

/**
 * gomem_epoch_resume - end the pause that gomem_epoch_pause() began
 *
 * Context: the task that called gomem_epoch_pause().
 */
void gomem_epoch_resume(void)
{
	mutex_unlock(&epoch_mutex);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_epoch_resume);

/**
 * gomem_looks - return the number of looks so far
 *
 * Return: the number.
 */
u64 gomem_looks(void)
{
	return atomic64_read(&looks);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_looks);

/**
 * gomem_epochs - return the number of epochs that have ended
 *
 * Return: the number.
 */
u64 gomem_epochs(void)
{
	return gomem_looks() / GOMEM_EPOCH_LOOKS;
}

/**
 * gomem_scavenge_time - return how long the background scavenger has worked
 *
 * Return: nanoseconds.
 */
u64 gomem_scavenge_time(void)
{
	return atomic64_read(&scavenge_ns);
}

/**
 * gomem_epoch_init - start the epochs
 */
void gomem_epoch_init(void)
{
	struct gomem_heap *h;

	WRITE_ONCE(running, true);
	for_each_gomem_heap(h) {
		WRITE_ONCE(h->kick, kick);
		WRITE_ONCE(h->wake, wake);
	}
	queue_epoch(false);
}

/**
 * gomem_epoch_settle - cancel goal_work and scavenge_work, await start_work
 *
 * A CPU that frees spans may queue these works even after gomem_epoch_exit(),
 * if the CPU has read "running" as true before. So this function is called
 * again when no CPU frees spans any more.
 *
 * Context: may sleep.
 */
void gomem_epoch_settle(void)
{
	irq_work_sync(&start_work);
	cancel_delayed_work_sync(&goal_work);
	cancel_delayed_work_sync(&scavenge_work);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_epoch_settle);

/**
 * gomem_epoch_exit - stop the epochs when the module exits
 *
 * Parameters can be set until the module is gone. Setting one queues no work,
 * since "running" is false.
 *
 * Context: may sleep.
 */
void gomem_epoch_exit(void)
{
	kernel_param_lock(THIS_MODULE);
	WRITE_ONCE(running, false);
	kernel_param_unlock(THIS_MODULE);
	irq_work_sync(&start_work);
	/*
	 * A look that read "running" as true may still queue rest_work or
	 * epoch_work. The first call below ends rest_work, the second ends
	 * epoch_work. But a look of epoch_work may have queued rest_work again
	 * after the first call. The third call cancels that.
	 */
	cancel_delayed_work_sync(&rest_work);
	cancel_delayed_work_sync(&epoch_work);
	cancel_delayed_work_sync(&rest_work);
	gomem_epoch_settle();
}
