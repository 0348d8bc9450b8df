// SPDX-License-Identifier: GPL-2.0
/*
 * lifetimesfile.c - the file lifetimes of debugfs: for each call stack, how
 *	long its objects lived. The numbers are estimated from the objects that
 *	the heap profile recorded.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "api/exact.h"
#include "api/profile.h"
#include "run/heapfiles.h"
#include "run/lifetimesfile.h"

/* Characters of the longest bar. */
#define BAR	40

static u64 freed_records(const struct gomem_profile_row *r)
{
	u64 n = 0;
	unsigned int i;

	for (i = 0; i < GOMEM_LIVES; i++)
		n += (u32)atomic_read(&r->b->lived[i]);
	return n;
}

static u64 freed_objects(const struct gomem_profile_row *r)
{
	return gomem_profile_scale(freed_records(r) << 8, r->b->size,
				   r->b->rate);
}

/* Compare for sort(): most freed objects first. */
static int by_freed(const void *a, const void *b)
{
	u64 x = freed_objects(a), y = freed_objects(b);

	return x < y ? 1 : x > y ? -1 : 0;
}

/*
 * Print the shortest lifetime of a class of lifetimes: 2^(@class - 1)
 * microseconds. 1024 us are printed as 1 ms, and 1024 ms as 1 s. Not for class
 * 0, the lifetimes below a microsecond.
 */
static void show_time(struct seq_file *m, unsigned int class)
{
	static const char * const unit[] = { "us", "ms", "s", "s" };
	unsigned int power = class - 1;

	seq_printf(m, "%6lu %-2s",
		   power < 30 ? BIT(power % 10) : BIT(power - 20),
		   unit[power / 10]);
}

static void show_class(struct seq_file *m, const struct gomem_bucket *b,
		       unsigned int class, u64 most)
{
	u64 n = (u32)atomic_read(&b->lived[class]);
	unsigned int i, len = DIV_ROUND_UP_ULL(n * BAR, most);

	if (!n)
		return;
	if (class)
		show_time(m, class);
	else
		seq_puts(m, "     0 us");
	seq_printf(m, " %10llu ",
		   gomem_profile_scale(n << 8, b->size, b->rate));
	for (i = 0; i < len; i++)
		seq_putc(m, '*');
	seq_putc(m, '\n');
}

static void show_stack(struct seq_file *m, const struct gomem_profile_row *r)
{
	u64 freed = freed_records(r), most = 0, live, together;
	const struct gomem_bucket *b = r->b;
	unsigned int i;

	live = gomem_profile_scale(r->allocs - r->frees, b->size, b->rate);
	together = min_t(u64, (u32)atomic_read(&b->together), freed);
	seq_printf(m, "%10llu %10llu %8llu%%  %u-byte objects, allocated at\n",
		   freed_objects(r), live, div64_u64(together * 100, freed),
		   b->size);
	gomem_show_frames(m, b);
	for (i = 0; i < GOMEM_LIVES; i++)
		most = max_t(u64, most, (u32)atomic_read(&b->lived[i]));
	for (i = 0; i < GOMEM_LIVES; i++)
		show_class(m, b, i, most);
}

static void show_legend(struct seq_file *m)
{
	seq_puts(m, "gomem lifetimes - version: 1\n");
	gomem_exact_show(m, gomem_profile_sampled());
	seq_puts(m, "# How long freed objects lived, by stack: objects that lived at least so long, and less\n");
	seq_puts(m, "# than twice as long. together: frees that followed a recorded free of the same stack\n");
	seq_puts(m, "# within a millisecond\n");
	seq_printf(m, "# %8s %10s %9s\n", "freed", "live", "together");
}

/**
 * gomem_lifetimes_show - print how long objects lived, by stack
 * @m: the file to print to
 * @unused: unused
 *
 * Context: may sleep.
 * Return: 0, or -ENOMEM.
 */
int gomem_lifetimes_show(struct seq_file *m, void *unused)
{
	struct gomem_profile_row *rows;
	unsigned int i, n;

	rows = gomem_profile_snapshot(&n, false);
	if (!rows)
		return -ENOMEM;
	sort(rows, n, sizeof(*rows), by_freed, NULL);
	show_legend(m);
	for (i = 0; i < n; i++) {
		if (freed_records(&rows[i]))
			show_stack(m, &rows[i]);
		cond_resched();
	}
	kvfree(rows);
	return 0;
}
