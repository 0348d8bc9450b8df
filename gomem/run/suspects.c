// SPDX-License-Identifier: GPL-2.0
/*
 * suspects.c - print the objects that a scan found to be unreachable, grouped
 * by their size and by the call stack that allocated them.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/sort.h>

#include "base/hide.h"
#include "map/bucket.h"
#include "map/special.h"
#include "run/heapfiles.h"
#include "run/suspects.h"

/*
 * Return the row for objects of the bucket @b and of @size bytes; add it if it
 * is not there. @b is NULL for objects without a record in the heap profile.
 * Return NULL if there is no room for another row.
 */
static struct gomem_suspect_row *get_row(struct gomem_suspects *su,
					 const struct gomem_bucket *b, u32 size)
{
	struct gomem_suspect_row *row = su->row, *end = row + su->nr;

	for (; row < end; row++)
		if (row->b == b && row->size == size)
			return row;
	if (su->nr == GOMEM_SUSPECT_ROWS)
		return NULL;
	su->nr++;
	*row = (struct gomem_suspect_row){ .b = b, .size = size };
	return row;
}

static void count(struct gomem_suspect_row *row, u64 born)
{
	if (!row->objects || born < row->oldest)
		row->oldest = born;
	if (!row->objects || born > row->youngest)
		row->youngest = born;
	row->objects++;
}

/**
 * gomem_suspects_add - add an unreachable object
 * @addr: address of the object
 * @size: its bytes
 * @arg: struct gomem_suspects
 *
 * If the heap profile's record of the object was made after the scan began, the
 * object is not added: it took the place of the object that the scan found
 * unreachable.
 *
 * Context: process context.
 * Return: 0.
 */
int gomem_suspects_add(unsigned long addr, u32 size, void *arg)
{
	struct gomem_suspects *su = arg;
	struct gomem_suspect_row *row;
	struct gomem_special sp;
	bool known;

	rcu_read_lock();
	known = gomem_special_find(addr, &sp);
	rcu_read_unlock();
	if (known && sp.born >= su->start)
		return 0;
	su->objects++;
	su->bytes += size;
	row = known ? get_row(su, sp.bucket, sp.bucket->size) :
		      get_row(su, NULL, size);
	if (!row) {
		su->no_row++;
		return 0;
	}
	row->hidden = gomem_hide(addr);
	count(row, known ? sp.born : su->start);
	return 0;
}

static u64 bytes_of(const struct gomem_suspect_row *row)
{
	return (u64)row->objects * row->size;
}

/* Compare for sort(): most bytes first. */
static int by_bytes(const void *a, const void *b)
{
	u64 x = bytes_of(a), y = bytes_of(b);

	return x < y ? 1 : x > y ? -1 : 0;
}

/**
 * gomem_suspects_sort - sort the rows for gomem_suspects_show()
 * @su: the objects
 */
void gomem_suspects_sort(struct gomem_suspects *su)
{
	sort(su->row, su->nr, sizeof(*su->row), by_bytes, NULL);
}

/* Return the seconds since @born. */
static u64 age(u64 born)
{
	return div_u64(ktime_get_ns() - born, NSEC_PER_SEC);
}

static void show_row(struct seq_file *m, const struct gomem_suspect_row *row)
{
	seq_printf(m, "%10lu %14llu ", row->objects, bytes_of(row));
	if (row->b)
		seq_printf(m, "%9llu %9llu", age(row->oldest),
			   age(row->youngest));
	else
		seq_printf(m, "%9s %9s", "-", "-");
	seq_printf(m, "  %lx  %u-byte objects, unreachable, %s\n",
		   gomem_unhide(row->hidden), row->size,
		   row->b ? "from" : "without a record");
	if (row->b)
		gomem_show_frames(m, row->b);
}

/**
 * gomem_suspects_show - print the unreachable objects by stack and size
 * @m: the file to print to; readable only for root, since addresses are shown
 * @su: the objects
 */
void gomem_suspects_show(struct seq_file *m, const struct gomem_suspects *su)
{
	unsigned int i;

	seq_puts(m, "#  objects          bytes    oldest  youngest  one of them\n");
	for (i = 0; i < su->nr; i++)
		show_row(m, &su->row[i]);
	if (su->no_row)
		seq_printf(m, "# %lu more objects of other stacks are not listed\n",
			   su->no_row);
}
