// SPDX-License-Identifier: GPL-2.0
/*
 * heapmap.c - the file map in debugfs, a picture of the heaps.
 *
 * A line shows a chunk. Each character stands for eight adjacent pages, and
 * tells what most of these pages are used for.
 */
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>

#include "cpu/node.h"
#include "run/debugfs.h"

#define RUN_PAGES	8
#define ROW_CHARS	(GOMEM_CHUNK_PAGES / RUN_PAGES)

enum kind {
	HOLE, FREE, CACHED, TO_128, TO_1K, TO_8K, TO_32K, LARGE, SCRATCH,
	ARENA, NR_KINDS,
};

static const char symbol[NR_KINDS] = {
	[HOLE] = ' ', [FREE] = '.', [CACHED] = ':', [TO_128] = '1',
	[TO_1K] = '2', [TO_8K] = '3', [TO_32K] = '4', [LARGE] = 'L',
	[SCRATCH] = 'S', [ARENA] = 'A',
};

static enum kind kind_of_size(unsigned int size)
{
	if (size <= 128)
		return TO_128;
	if (size <= SZ_1K)
		return TO_1K;
	return size <= SZ_8K ? TO_8K : TO_32K;
}

/*
 * Return what page @i of a chunk is used for. If the bit of the page in
 * c->inuse is set, but the page has no tag and so no span, a page cache has the
 * page. The caller holds the lock of the heap.
 */
static enum kind kind_of_page(const struct gomem_chunk *c, unsigned int i)
{
	unsigned int tag = READ_ONCE(c->tag[i]), class;
	const struct gomem_span *s;

	if (c->hole.word[i / 64] & BIT_ULL(i % 64))
		return HOLE;
	if (!(c->inuse.word[i / 64] & BIT_ULL(i % 64)))
		return FREE;
	if (!tag)
		return CACHED;
	class = gomem_spc_class(gomem_page_spc(c, i));
	if (gomem_class_is_scratch(class))
		return SCRATCH;
	if (class)
		return kind_of_size(gomem_class_size(class));
	/*
	 * Another CPU may free the span now. Its descriptor can still be read,
	 * since memory of descriptors stays with the heap.
	 */
	s = READ_ONCE(c->span[i]);
	if (s && s->divmul)
		return kind_of_size(s->elemsize);
	return s && gomem_span_state(s) == GOMEM_SPAN_ARENA ? ARENA : LARGE;
}

static char symbol_of_run(const struct gomem_chunk *c, unsigned int first)
{
	unsigned int n[NR_KINDS] = { }, i;
	enum kind most = HOLE, kind;

	for (i = first; i < first + RUN_PAGES; i++) {
		kind = kind_of_page(c, i);
		if (++n[kind] > n[most])
			most = kind;
	}
	return symbol[most];
}

/* Draw the line of a chunk. Return false if it is blank. */
static bool draw_chunk(const struct gomem_chunk *c, char *row)
{
	struct gomem_heap *h = c->heap;
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&h->lock, flags);
	for (i = 0; i < ROW_CHARS; i++)
		row[i] = symbol_of_run(c, i * RUN_PAGES);
	spin_unlock_irqrestore(&h->lock, flags);
	row[ROW_CHARS] = '\0';
	return strspn(row, " ") < ROW_CHARS;
}

/*
 * Return the first registered chunk at or after number *@pos - 1, and advance
 * *@pos to that chunk. Return NULL after the last chunk. Position 0 is the
 * heading of the file, and position i + 1 is chunk i.
 */
static void *map_at(loff_t *pos)
{
	const struct gomem_chunk *c;

	if (!*pos)
		return SEQ_START_TOKEN;
	for (; *pos - 1 < gomem_pagemap.nr_chunks; (*pos)++) {
		cond_resched();
		c = gomem_pagemap_nth_chunk(&gomem_pagemap, *pos - 1);
		if (c != &gomem_no_chunk)
			return (void *)c;
	}
	return NULL;
}

static void *map_start(struct seq_file *m, loff_t *pos)
{
	return map_at(pos);
}

static void *map_next(struct seq_file *m, void *v, loff_t *pos)
{
	(*pos)++;
	return map_at(pos);
}

static void map_stop(struct seq_file *m, void *v)
{
}

static void show_map_legend(struct seq_file *m)
{
	seq_puts(m, "# A line shows 4 MiB of memory. Each character stands for 64 KiB, and for what most of\n");
	seq_puts(m, "# that is:\n");
	seq_puts(m, "#   1  objects up to 128 bytes      L  large objects, over 32 KiB\n");
	seq_puts(m, "#   2  objects up to 1 KiB          S  scratch buffers\n");
	seq_puts(m, "#   3  objects up to 8 KiB          A  arenas\n");
	seq_puts(m, "#   4  objects up to 32 KiB         .  free\n");
	seq_puts(m, "#   :  free, in a CPU's cache       blank  not gomem's\n");
	seq_puts(m, "# node: NUMA node. MiB: where the line begins, from the start of the page map\n");
}

static int map_show(struct seq_file *m, void *v)
{
	const struct gomem_chunk *c = v;
	char row[ROW_CHARS + 1];

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "gomem map - version: 1\n");
		show_map_legend(m);
		seq_puts(m, "# node    MiB\n");
		return 0;
	}
	if (draw_chunk(c, row))
		seq_printf(m, "%6d %6llu |%s|\n", c->heap->node,
			   (m->index - 1) * (GOMEM_CHUNK_SIZE / SZ_1M), row);
	return 0;
}

const struct seq_operations gomem_map_ops = {
	.start = map_start,
	.next = map_next,
	.stop = map_stop,
	.show = map_show,
};
