// SPDX-License-Identifier: GPL-2.0
/*
 * heapfiles.c - the files heap and leaks of debugfs, and the rate of the
 * profile.
 */
#include <linux/jiffies.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "base/sample.h"
#include "map/special.h"
#include "cpu/arm.h"
#include "api/exact.h"
#include "api/profile.h"
#include "api/sites.h"
#include "run/heapfiles.h"
#include "run/holder.h"
#include "run/hunt.h"

/*
 * Protects profile_rate, ready and gomem_bucket.seen. Taken by tasks that set
 * the parameter profile_rate or read the file leaks, and when the module is
 * loaded or exits.
 */
static DEFINE_MUTEX(heap_mutex);

static unsigned long profile_rate = GOMEM_PROFILE_RATE;

/*
 * True from gomem_heapfiles_start() to gomem_heapfiles_stop(). In this time
 * slots exist. Each slot counts down to its next sample, so a new rate has to
 * restart the countdowns.
 */
static bool ready;

static int set_profile_rate(const char *val, const struct kernel_param *kp)
{
	unsigned long rate;
	int err = kstrtoul(val, 0, &rate);

	if (err)
		return err;
	if (rate > GOMEM_PROFILE_RATE_MAX)
		return -EINVAL;
	mutex_lock(&heap_mutex);
	profile_rate = rate;
	if (ready) {
		gomem_sample_set_rate(rate);
		gomem_arm_all();
	}
	mutex_unlock(&heap_mutex);
	return 0;
}

static const struct kernel_param_ops profile_rate_ops = {
	.set = set_profile_rate,
	.get = param_get_ulong,
};

module_param_cb(profile_rate, &profile_rate_ops, &profile_rate, 0644);
MODULE_PARM_DESC(profile_rate,
		 "Bytes between samples of the heap profile, on average; 1 records each object, 0 none (default 524288)");

/**
 * gomem_heapfiles_init - begin the profile
 *
 * Called before there are slots, since gomem_slot_init() uses the rate: it
 * starts the slot's countdown to its first sample.
 */
void __init gomem_heapfiles_init(void)
{
	gomem_special_init();
	gomem_arm_init();
	gomem_sample_set_rate(profile_rate);
}

/**
 * gomem_heapfiles_start - apply changes of the profile's rate from now on
 *
 * If the rate was changed before, the change is applied now.
 *
 * Context: may sleep.
 */
void __init gomem_heapfiles_start(void)
{
	mutex_lock(&heap_mutex);
	ready = true;
	if (READ_ONCE(gomem_profile_rate) != profile_rate) {
		gomem_sample_set_rate(profile_rate);
		gomem_arm_all();
	}
	mutex_unlock(&heap_mutex);
}

/**
 * gomem_heapfiles_stop - apply no more changes of the profile's rate
 *
 * Context: may sleep.
 */
void gomem_heapfiles_stop(void)
{
	mutex_lock(&heap_mutex);
	ready = false;
	mutex_unlock(&heap_mutex);
	gomem_arm_cancel();
}

/**
 * gomem_show_frames - print the stack of a bucket, a line for each frame
 * @m: the file to print to
 * @b: the bucket
 *
 * Context: any.
 */
void gomem_show_frames(struct seq_file *m, const struct gomem_bucket *b)
{
	/* Pairs with the release in keep_names() of api/modules.c. */
	const char *names = smp_load_acquire(&b->names);
	unsigned int i;

	if (names) {
		seq_puts(m, names);
		return;
	}
	for (i = 0; i < b->nr; i++)
		seq_printf(m, "#\t0x%lx\t%pS\n", b->frame[i],
			   (void *)b->frame[i]);
}

/* Objects and bytes: those in use, and those ever allocated. */
struct counts {
	u64 live;
	u64 live_bytes;
	u64 all;
	u64 all_bytes;
};

static void show_counts(struct seq_file *m, const struct counts *c)
{
	seq_printf(m, "%llu: %llu [%llu: %llu]", c->live, c->live_bytes, c->all,
		   c->all_bytes);
}

/*
 * Return the sampling rate to print in the file heap: its format, which is
 * Go's, has one rate for all records. Usually this is the current rate. But if
 * a bucket has the rate 1, each of its objects was recorded, because of the
 * parameter profile_rate or profile_exact. Then return 1: at another rate,
 * records() would round the numbers of most of these buckets to 0.
 */
static unsigned long rate_of_file(const struct gomem_profile_row *rows,
				  unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (rows[i].b->rate == 1)
			return 1;
	return READ_ONCE(gomem_profile_rate);
}

/*
 * Return how many records of a bucket to print. @n is their number in units of
 * 1/256; the result is rounded. If the records were made at another rate than
 * @rate, which the file shows, return how many records there would have been at
 * @rate.
 */
static u64 records(const struct gomem_bucket *b, u64 n, unsigned long rate)
{
	if (b->rate == rate)
		return DIV_ROUND_CLOSEST_ULL(n, 1 << 8);
	n = min(gomem_profile_scale(n, b->size, b->rate), 1ULL << 60);
	return mul_u64_u64_div_u64(n, gomem_sample_chance(b->size, rate),
				   GOMEM_CHANCE_ONE);
}

static struct counts count(const struct gomem_profile_row *r,
			   unsigned long rate)
{
	u64 all = records(r->b, r->allocs, rate);
	u64 live = all - min(all, records(r->b, r->frees, rate));

	return (struct counts){
		.live = live,
		.live_bytes = live * r->b->size,
		.all = all,
		.all_bytes = all * r->b->size,
	};
}

static void add_counts(struct counts *sum, struct counts c)
{
	sum->live += c.live;
	sum->live_bytes += c.live_bytes;
	sum->all += c.all;
	sum->all_bytes += c.all_bytes;
}

static void show_bucket(struct seq_file *m, const struct gomem_profile_row *r,
			unsigned long rate)
{
	struct counts c = count(r, rate);
	unsigned int i;

	show_counts(m, &c);
	seq_puts(m, " @");
	for (i = 0; i < r->b->nr; i++)
		seq_printf(m, " 0x%lx", r->b->frame[i]);
	seq_putc(m, '\n');
	gomem_show_frames(m, r->b);
}

/*
 * Print the first line: the sums of the counts, and the rate. If the rate is 1
 * or 0, tools do not scale the counts. Then records() has scaled the counts of
 * buckets with a higher rate, and these counts are estimates. Print the sums of
 * the estimates in a second line, which tools for Go's profiles skip.
 */
static void show_sums(struct seq_file *m, const struct gomem_profile_row *rows,
		      unsigned int n, unsigned long rate)
{
	struct counts sum = { }, sampled = { };
	unsigned int i;

	for (i = 0; i < n; i++) {
		add_counts(&sum, count(&rows[i], rate));
		if (rate <= 1 && rows[i].b->rate > 1)
			add_counts(&sampled, count(&rows[i], rate));
	}
	seq_puts(m, "heap profile: ");
	show_counts(m, &sum);
	seq_printf(m, " @ heap/%lu\n", 2 * rate);
	if (!sampled.all)
		return;
	seq_puts(m, "# estimated from samples: ");
	show_counts(m, &sampled);
	seq_putc(m, '\n');
}

/**
 * gomem_heap_show - print the heap profile in the text format of Go's runtime
 * @m: the file to print to
 * @unused: unused
 *
 * In this format, the first line ends with twice the sampling rate.
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_heap_show(struct seq_file *m, void *unused)
{
	struct gomem_profile_row *rows;
	unsigned long rate;
	unsigned int i, n;

	rows = gomem_profile_snapshot(&n, false);
	if (!rows)
		return -ENOMEM;
	rate = rate_of_file(rows, n);
	show_sums(m, rows, n, rate);
	for (i = 0; i < n; i++)
		show_bucket(m, &rows[i], rate);
	kvfree(rows);
	return 0;
}

static u64 estimate_live(const struct gomem_profile_row *r)
{
	return gomem_profile_scale(r->allocs - r->frees, r->b->size,
				   r->b->rate);
}

/*
 * What the file leaks shows of a call stack. @b is the bucket that stands for
 * all buckets of the stack. @variance is that of the bytes, from
 * gomem_profile_variance().
 */
struct leak {
	struct gomem_stack_sum sum;
	const struct gomem_bucket *b;
	s64 growth;
	u64 variance;
	unsigned long oldest;
	unsigned long youngest;
};

static void add_row(struct leak *l, const struct gomem_profile_row *r)
{
	gomem_site_add(&l->sum, r->b, r->allocs - r->frees);
	l->b = r->b->first;
	l->growth += estimate_live(r) - r->b->seen;
	l->variance += gomem_profile_variance(r);
	if (!r->oldest)
		return;
	l->oldest = max(l->oldest, r->oldest);
	l->youngest = l->youngest ? min(l->youngest, r->youngest) : r->youngest;
}

/*
 * Add up the rows of each stack. @leaks is an array as long as @rows, all zero.
 * Put the sums of the stacks that have live objects at its start, and return
 * the number of these stacks.
 */
static unsigned int sum_rows(struct leak *leaks,
			     const struct gomem_profile_row *rows,
			     unsigned int n)
{
	unsigned int i, live = 0;

	lockdep_assert_held(&heap_mutex);
	for (i = 0; i < n; i++)
		add_row(&leaks[rows[i].b->first->row], &rows[i]);
	for (i = 0; i < n; i++)
		if (leaks[i].sum.objects)
			leaks[live++] = leaks[i];
	return live;
}

/* Compare for sort(): most bytes first. */
static int by_bytes(const void *a, const void *b)
{
	u64 x = ((const struct leak *)a)->sum.bytes;
	u64 y = ((const struct leak *)b)->sum.bytes;

	return x < y ? 1 : x > y ? -1 : 0;
}

static void show_leak(struct seq_file *m, const struct leak *l)
{
	const struct gomem_stack_sum *sum = &l->sum;

	seq_printf(m, "%10llu %14llu %+10lld %9lu %9lu  ", sum->objects,
		   sum->bytes, l->growth, l->oldest / HZ, l->youngest / HZ);
	if (sum->smallest == sum->largest)
		seq_printf(m, "%u-byte objects, allocated at\n", sum->largest);
	else
		seq_printf(m, "objects of %u to %u bytes, allocated at\n",
			   sum->smallest, sum->largest);
	gomem_show_frames(m, l->b);
	if (l->variance)
		seq_printf(m, "# error: %llu bytes\n",
			   (u64)int_sqrt64(l->variance) * SZ_1K);
}

static bool live_samples(const struct gomem_profile_row *rows, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (rows[i].b->rate > 1 && rows[i].allocs != rows[i].frees)
			return true;
	return false;
}

/*
 * Add up @rows, each of which is for one bucket. Print the sums of each stack
 * that has live objects, most bytes first. Return -ENOMEM if there is no
 * memory.
 */
static int show_stacks(struct seq_file *m, const struct gomem_profile_row *rows,
		       unsigned int n)
{
	struct leak *leaks = kvcalloc(n + 1, sizeof(*leaks), GFP_KERNEL);
	unsigned int i, live;

	if (!leaks)
		return -ENOMEM;
	mutex_lock(&heap_mutex);
	live = sum_rows(leaks, rows, n);
	sort(leaks, live, sizeof(*leaks), by_bytes, NULL);
	for (i = 0; i < live; i++) {
		show_leak(m, &leaks[i]);
		cond_resched();
	}
	/*
	 * Keep the numbers that this read printed: the next read prints how
	 * much they have grown. If the buffer was too small, keep nothing,
	 * since this function is called again with a larger buffer.
	 */
	for (i = 0; !seq_has_overflowed(m) && i < n; i++)
		rows[i].b->seen = estimate_live(&rows[i]);
	mutex_unlock(&heap_mutex);
	kvfree(leaks);
	return 0;
}

/**
 * gomem_leaks_show - print the live objects by stack, most bytes first, and
 *	what the last scan for leaks found
 * @m: the file to print to
 * @unused: unused
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_leaks_show(struct seq_file *m, void *unused)
{
	struct gomem_profile_row *rows;
	unsigned int n;
	int err;

	rows = gomem_profile_snapshot(&n, true);
	if (!rows)
		return -ENOMEM;
	seq_puts(m, "gomem leaks - version: 2\n");
	gomem_exact_show(m, live_samples(rows, n));
	seq_puts(m, "# growth: objects since this file was last read. oldest, youngest: seconds since their allocation\n");
	seq_puts(m,
		 "#  objects          bytes     growth    oldest  youngest\n");
	err = show_stacks(m, rows, n);
	kvfree(rows);
	if (err)
		return err;
	gomem_hunt_show(m);
	gomem_holder_show(m);
	return 0;
}
