// SPDX-License-Identifier: GPL-2.0
/*
 * epoch.c - the clock of the heap: sweeping, draining, and the scavenger's pace.
 *
 * Go does this work when a garbage collection is over, at least every two minutes.
 * Here an epoch is epoch_ms long, and looked at in quarters, so that what is not used
 * for an epoch is gone by its end:
 *
 *	sweep	 spans with pending frees, so that none waits longer than an epoch
 *	drain	 slots and page caches that were not used since the last look, and
 *		 once an epoch the quarantine
 *	goal	 the most pages that were in use of late, and some percent more
 *	scavenge in the background, until the goal is met
 *
 * Pages that are free beyond the goal cost most when much was freed at once, and are soon
 * taken again when the user goes on as before. So while there are many the goal is set
 * anew more often than that, and a hundredth of an epoch is what counts as of late. What
 * is more than a 16th of what is in use, and 1 MiB, is not waited with at all: see
 * gomem_heap_give_back().
 */
#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "internal.h"
#include "arena.h"
#include "cache.h"
#include "epoch.h"
#include "mcache.h"
#include "queue.h"
#include "scavenge.h"

#define EPOCH_MIN_MS	100

/* Of late is a hundredth of an epoch, which is looked at in quarters, too. */
#define GOAL_SHARE	(100 * GOMEM_GOAL_LOOKS)
#define GOAL_MIN_MS	5

/* Fewer free pages than these are no reason to look at the goal: 128 KiB. */
#define KICK_MIN	16

/* With longer epochs memory is to be kept, though it may be much that is free. */
#define EPOCH_MS	10000

static unsigned int epoch_ms __read_mostly = EPOCH_MS;
static unsigned int scavenge_percent __read_mostly = 3;

static void look(struct work_struct *work);
static void look_at_goals(struct work_struct *work);
static void run_scavenger(struct work_struct *work);

static DECLARE_DELAYED_WORK(epoch_work, look);
static DECLARE_DELAYED_WORK(goal_work, look_at_goals);
static DECLARE_DELAYED_WORK(scavenge_work, run_scavenger);

/* How many looks at the goals are left, unless more pages become free. */
static atomic_t goal_looks;

/* The scavenger is at work; a little stale. */
static bool scavenging;

/* One at a time: the epoch's work, and whoever asks for it between epochs. */
static DEFINE_MUTEX(epoch_mutex);

/* Works may be queued: between gomem_epoch_init() and gomem_epoch_exit(). */
static bool running;

static atomic64_t looks;
static atomic64_t scavenge_ns;

static void queue_epoch(void)
{
	unsigned int ms = READ_ONCE(epoch_ms) / GOMEM_EPOCH_LOOKS;

	mod_delayed_work(gomem_unbound_wq, &epoch_work, msecs_to_jiffies(ms));
}

static int set_epoch_ms(const char *val, const struct kernel_param *kp)
{
	int err = param_set_uint_minmax(val, kp, EPOCH_MIN_MS, 24 * 60 * 60 * MSEC_PER_SEC);

	if (!err && READ_ONCE(running))
		queue_epoch();
	return err;
}

static const struct kernel_param_ops epoch_ms_ops = {
	.set = set_epoch_ms,
	.get = param_get_uint,
};

module_param_cb(epoch_ms, &epoch_ms_ops, &epoch_ms, 0644);
MODULE_PARM_DESC(epoch_ms, "Milliseconds that memory may go unused before it is given back (100 to a day, default 10000)");

static int set_scavenge_percent(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, 1000);
}

static const struct kernel_param_ops scavenge_percent_ops = {
	.set = set_scavenge_percent,
	.get = param_get_uint,
};

module_param_cb(scavenge_percent, &scavenge_percent_ops, &scavenge_percent, 0644);
MODULE_PARM_DESC(scavenge_percent, "Memory kept over the most that was in use of late, in percent of it (0 to 1000, default 3)");

/* A number with K, M or G behind; memparse() takes one that is too large as another. */
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

module_param_cb(memory_limit, &memory_limit_ops, &gomem_kernel_pages.limit, 0644);
MODULE_PARM_DESC(memory_limit, "Bytes that gomem tries not to exceed, with K, M or G (default 0: no limit)");

/**
 * gomem_heap_look - set a heap's goal by what it used of late
 * @h: the heap
 * @percent: what to keep beyond, in percent of that
 *
 * Of late is since GOMEM_GOAL_LOOKS calls of this.
 *
 * Return: the goal, in gomem pages.
 */
unsigned long gomem_heap_look(struct gomem_heap *h, unsigned int percent)
{
	unsigned long flags, goal, peak = 0;
	unsigned int i;

	spin_lock_irqsave(&h->lock, flags);
	h->past_peaks[h->looks++ % GOMEM_GOAL_LOOKS] = h->peak_pages;
	for (i = 0; i < GOMEM_GOAL_LOOKS; i++)
		peak = max(peak, h->past_peaks[i]);
	goal = peak + DIV_ROUND_UP(peak * percent, 100);
	WRITE_ONCE(h->goal_pages, goal);
	h->peak_pages = h->pages.backed_pages - h->pages.free_pages;
	spin_unlock_irqrestore(&h->lock, flags);
	return goal;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_look);

static void sweep_cache(const struct gomem_kind *k, void *arg)
{
	gomem_mcentral_sweep(gomem_central(arg, k));
}

static void sweep_all(struct gomem_heap *h)
{
	unsigned int spc;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++)
		gomem_mcentral_sweep(&h->central[spc]);
	gomem_empty_caches(sweep_cache, h);
}

static void look(struct work_struct *work)
{
	struct gomem_heap *h;

	mutex_lock(&epoch_mutex);
	if (atomic64_inc_return(&looks) % GOMEM_EPOCH_LOOKS == 0)
		gomem_arena_flush_quarantine();
	gomem_mcache_drain(true);
	for_each_gomem_heap(h) {
		sweep_all(h);
		gomem_heap_drain_pcaches(h, true);
		gomem_heap_look(h, READ_ONCE(scavenge_percent));
	}
	mutex_unlock(&epoch_mutex);

	/* If it is at work it has its own pace. */
	queue_delayed_work(gomem_unbound_wq, &scavenge_work, 0);
	queue_epoch();
}

/**
 * gomem_heap_has_many_free - has a heap more free pages than it should keep?
 * @h: the heap
 *
 * Return: the answer, a little stale.
 */
bool gomem_heap_has_many_free(const struct gomem_heap *h)
{
	/* As said. Runs in page caches are free unless they are taken again soon. */
	unsigned long backed = gomem_heap_about(h), free = data_race(h->pages.free_pages) +
							   atomic_long_read(&h->run_pages);
	unsigned long used = backed - min(free, backed);

	return free > KICK_MIN && free > DIV_ROUND_UP(used * READ_ONCE(scavenge_percent), 100);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_has_many_free);

/* What should go without waiting for a goal; nothing if the parameters ask for more to stay. */
static unsigned long surplus(const struct gomem_heap *h)
{
	if (READ_ONCE(epoch_ms) > EPOCH_MS ||
	    READ_ONCE(scavenge_percent) > 100 / GOMEM_GIVE_SHARE)
		return 0;
	return gomem_heap_surplus(h);
}

static void queue_goals(void)
{
	unsigned int ms = max_t(unsigned int, READ_ONCE(epoch_ms) / GOAL_SHARE, GOAL_MIN_MS);

	queue_delayed_work(gomem_unbound_wq, &goal_work, msecs_to_jiffies(ms));
}

/**
 * gomem_heap_kick - see to it that free pages go back soon, if there are many
 * @h: the heap, in which pages became free
 * @freed: how many
 *
 * Without interrupts that has to wait for the epoch's next look.
 *
 * Context: any but NMI, with no lock of gomem's held.
 */
void gomem_heap_kick(struct gomem_heap *h, unsigned long freed)
{
	if (likely(!gomem_heap_has_many_free(h)))
		return;
	/* The caller may have a lock that waking a worker takes, too: the epoch will look. */
	if (irqs_disabled())
		return;
	if (in_task() && surplus(h))
		gomem_heap_give_back(h, freed);
	if (!READ_ONCE(running))
		return;
	/* The last peaks have to be forgotten first, and the scavenger may have to wait. */
	if (atomic_read(&goal_looks) < GOMEM_GOAL_LOOKS + 1)
		atomic_set(&goal_looks, GOMEM_GOAL_LOOKS + 1);
	if (!delayed_work_pending(&goal_work))
		queue_goals();
	/* While it is at work it has its own pace. */
	if (surplus(h) && !READ_ONCE(scavenging))
		queue_delayed_work(gomem_unbound_wq, &scavenge_work, 0);
}

/* While there are many free pages, and not much longer than they become more. */
static void look_at_goals(struct work_struct *work)
{
	bool again = false;
	struct gomem_heap *h;

	for_each_gomem_heap(h) {
		gomem_heap_drain_runs(h);
		gomem_heap_look(h, READ_ONCE(scavenge_percent));
		again |= gomem_heap_has_many_free(h);
	}
	queue_delayed_work(gomem_unbound_wq, &scavenge_work, 0);
	if (again && atomic_dec_return(&goal_looks) > 0)
		queue_goals();
}

/* Pages beyond 95 % of the memory limit. */
static unsigned long pages_over_limit(struct gomem_heap *h)
{
	unsigned long limit = READ_ONCE(h->source->limit);

	return limit ? gomem_source_excess(h->source, (limit / 20) >> GOMEM_PAGE_SHIFT) : 0;
}

/*
 * Pages beyond the goal, beyond 95 % of the memory limit, or more than may be free for a
 * moment, whichever is most. @hurry is set if a 16th of the heap is too much, but not for
 * the limit's sake: what lives may be over that, and then all that becomes free would be
 * given back, and fetched again, as fast as the CPU can.
 */
static unsigned long pages_too_many(struct gomem_heap *h, bool *hurry)
{
	unsigned long backed = gomem_heap_about(h), goal = READ_ONCE(h->goal_pages);
	unsigned long n = max(surplus(h), backed > goal ? backed - goal : 0);

	*hurry |= n > backed / 16;
	return max(n, pages_over_limit(h));
}

/* How long to sleep after having worked: next to nothing if there is much to do. */
static unsigned long pause(u64 worked, bool hurry)
{
	u64 ns = hurry ? worked : worked * max(100 / num_online_cpus(), 2U);

	return nsecs_to_jiffies(ns) + !hurry;
}

/*
 * Work for a millisecond, then sleep so long that it is one percent of all CPUs'
 * time; less, if a 16th of what a heap has is too much. Gives up until the next look
 * when there is nothing left to do.
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
			want = pages_too_many(h, &hurry);
			if (want)
				n += gomem_heap_scavenge_some(h, want, GOMEM_SCAVENGE_BACKGROUND,
							      &worked);
		}
	} while (n && worked < NSEC_PER_MSEC);
	atomic64_add(worked, &scavenge_ns);
	if (!n)
		return;
	queue_delayed_work(gomem_unbound_wq, &scavenge_work, pause(worked, hurry));
}

static void run_scavenger(struct work_struct *work)
{
	WRITE_ONCE(scavenging, true);
	scavenge_background(work);
	WRITE_ONCE(scavenging, false);
}

/**
 * gomem_scavenge_all - give everything back that is not in use, now
 *
 * Context: may sleep.
 * Return: gomem pages that went back.
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
 * gomem_epoch_pause - let nothing be swept or drained for a while
 *
 * Returns when what is under way is over, on all CPUs that have time for it. Memory still
 * goes back to the kernel.
 *
 * Context: may sleep, until gomem_epoch_resume().
 */
void gomem_epoch_pause(void)
{
	mutex_lock(&epoch_mutex);
	gomem_mcache_settle(GOMEM_DRAIN_ALL_MS);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_epoch_pause);

/**
 * gomem_epoch_resume - end the pause
 *
 * By the task that began it.
 */
void gomem_epoch_resume(void)
{
	mutex_unlock(&epoch_mutex);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_epoch_resume);

/**
 * gomem_looks - how often it was looked what is used, and what is not drained
 *
 * Return: the number.
 */
u64 gomem_looks(void)
{
	return atomic64_read(&looks);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_looks);

/**
 * gomem_epochs - how many epochs have ended
 *
 * Return: the number.
 */
u64 gomem_epochs(void)
{
	return gomem_looks() / GOMEM_EPOCH_LOOKS;
}

/**
 * gomem_scavenge_time - what the background scavenger took so far
 *
 * Return: nanoseconds.
 */
u64 gomem_scavenge_time(void)
{
	return atomic64_read(&scavenge_ns);
}

/**
 * gomem_epoch_init - start the clock
 */
void gomem_epoch_init(void)
{
	WRITE_ONCE(running, true);
	queue_epoch();
}

/**
 * gomem_epoch_settle - wait for what a CPU began that saw the clock still running
 *
 * To be called again when nobody frees spans any more.
 *
 * Context: may sleep.
 */
void gomem_epoch_settle(void)
{
	cancel_delayed_work_sync(&goal_work);
	cancel_delayed_work_sync(&scavenge_work);
}

/**
 * gomem_epoch_exit - stop the clock, for good
 *
 * Parameters can still be set until the module is gone: they find it not running.
 *
 * Context: may sleep.
 */
void gomem_epoch_exit(void)
{
	kernel_param_lock(THIS_MODULE);
	running = false;
	kernel_param_unlock(THIS_MODULE);
	/* The epoch's work starts the scavenger's, not the reverse. */
	cancel_delayed_work_sync(&epoch_work);
	gomem_epoch_settle();
}
