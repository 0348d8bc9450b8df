// SPDX-License-Identifier: GPL-2.0
/*
 * goal.c - decide how many pages a heap keeps, and how many go back.
 *
 *	goal = peak * (100 + scavenge_percent) / 100
 *
 * where peak is the maximum number of pages that were in use at any one time
 * during the last GOMEM_GOAL_LOOKS intervals between calls of
 * gomem_heap_set_goal(). The background scavenger gives back pages beyond the
 * goal: see run/epoch.c. If gomem_heap_urgent() is not 0, frees in tasks also
 * give back up to that many free pages, whatever the goal is, if the grace
 * period of these pages is over: see gomem_heap_give_back().
 */
#include <kunit/visibility.h>
#include <linux/irqflags.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/preempt.h>

#include "heap/goal.h"
#include "heap/mheap.h"
#include "heap/scavenge.h"
#include "heap/tell.h"

/*
 * If a heap has at most this many free pages (128 KiB), they are not "many":
 * gomem_heap_has_many_free() returns false.
 */
#define KICK_MIN	16

unsigned int gomem_epoch_ms __read_mostly = GOMEM_EPOCH_MS;
EXPORT_SYMBOL_IF_KUNIT(gomem_epoch_ms);
unsigned int gomem_scavenge_percent __read_mostly = 3;

static int set_scavenge_percent(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 0, 1000);
}

static const struct kernel_param_ops scavenge_percent_ops = {
	.set = set_scavenge_percent,
	.get = param_get_uint,
};

module_param_cb(scavenge_percent, &scavenge_percent_ops,
		&gomem_scavenge_percent, 0644);
MODULE_PARM_DESC(scavenge_percent,
		 "Free memory that gomem keeps, in percent of the peak use within the last epoch (0 to 1000, default 3)");

/**
 * gomem_heap_set_goal - set the goal of a heap by the pages that it used
 * @h: the heap
 * @percent: pages to keep beyond the peak, in percent of the peak
 *
 * The peak is the maximum number of pages in use at any one time during the
 * last GOMEM_GOAL_LOOKS intervals between calls, up to this call.
 *
 * Context: any but NMI.
 * Return: the goal, in gomem pages.
 */
unsigned long gomem_heap_set_goal(struct gomem_heap *h, unsigned int percent)
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
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_set_goal);

/**
 * gomem_heap_has_many_free - check whether a heap has many free pages
 * @h: the heap
 *
 * Return: true if more pages are free than KICK_MIN and than scavenge_percent
 * of the pages in use. The counts may be a little stale.
 */
bool gomem_heap_has_many_free(const struct gomem_heap *h)
{
	unsigned long backed = gomem_heap_backed_pages(h), free, used;

	/*
	 * A stale count is good enough. Runs in page caches count as free: if
	 * they are not taken soon, they return to the heap.
	 */
	free = data_race(h->pages.free_pages) + atomic_long_read(&h->run_pages);
	used = backed - min(free, backed);
	return free > KICK_MIN &&
	       free > DIV_ROUND_UP(used * READ_ONCE(gomem_scavenge_percent),
				   100);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_has_many_free);

/**
 * gomem_heap_urgent - count the free pages that go back whatever the goal is
 * @h: the heap
 *
 * Return: gomem_heap_surplus(). But 0 if the administrator wants more pages to
 * be kept: if epoch_ms is above its default, or scavenge_percent is above
 * 100 / GOMEM_GIVE_SHARE.
 */
unsigned long gomem_heap_urgent(const struct gomem_heap *h)
{
	if (READ_ONCE(gomem_epoch_ms) > GOMEM_EPOCH_MS ||
	    READ_ONCE(gomem_scavenge_percent) > 100 / GOMEM_GIVE_SHARE)
		return 0;
	return gomem_heap_surplus(h);
}

/* Count gomem's pages beyond 95 % of the memory limit; 0 without a limit. */
static unsigned long pages_over_limit(struct gomem_heap *h)
{
	unsigned long limit = READ_ONCE(h->source->limit);

	return limit ? gomem_source_excess(h->source,
					   (limit / 20) >> GOMEM_PAGE_SHIFT) :
		       0;
}

/**
 * gomem_heap_excess - count the pages that the background scavenger gives back
 * @h: the heap
 * @hurry: set to true if the pages beyond the goal, or gomem_heap_urgent(), are
 *	more than a 16th of the heap; else unchanged
 *
 * The excess is the largest of three numbers: the pages beyond the goal, the
 * pages beyond 95 % of the memory limit, and gomem_heap_urgent(). The memory
 * limit does not set @hurry, since live objects alone may exceed the limit. A
 * scavenger in a hurry would then give back each page that becomes free, and
 * the heap would fetch it again, as fast as the CPU can.
 *
 * Return: the number of pages.
 */
unsigned long gomem_heap_excess(struct gomem_heap *h, bool *hurry)
{
	unsigned long backed = gomem_heap_backed_pages(h),
		      goal = READ_ONCE(h->goal_pages);
	unsigned long n =
		max(gomem_heap_urgent(h), backed > goal ? backed - goal : 0);

	*hurry |= n > backed / 16;
	return max(n, pages_over_limit(h));
}
EXPORT_SYMBOL_IF_KUNIT(gomem_heap_excess);

/**
 * gomem_heap_kick - make free pages go back soon, if there are many
 * @h: the heap, in which pages became free
 * @freed: number of these pages
 *
 * With interrupts off, no page is given back here, and @h->kick() is not
 * called: it queues works, and the caller may hold a lock that is also taken
 * when a worker is woken. The pages go back after the next look of the epoch.
 *
 * Context: any but NMI, with none of gomem's locks held.
 */
void gomem_heap_kick(struct gomem_heap *h, unsigned long freed)
{
	void (*kick)(struct gomem_heap *h);

	if (likely(!gomem_heap_has_many_free(h)))
		return;
	gomem_heap_tell_much(h);
	if (irqs_disabled())
		return;
	if (in_task() && gomem_heap_urgent(h))
		gomem_heap_give_back(h, freed);
	kick = READ_ONCE(h->kick);
	if (kick)
		kick(h);
}
