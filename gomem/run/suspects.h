/* SPDX-License-Identifier: GPL-2.0 */
/*
 * suspects.h - unreachable objects, by the call stack that allocated them.
 *
 * An object is *unreachable* if the scan found no pointer to it, except in
 * other unreachable objects.
 */
#ifndef GOMEM_SUSPECTS_H
#define GOMEM_SUSPECTS_H

#include <linux/types.h>

struct gomem_bucket;
struct seq_file;

/* Maximum number of rows. Objects that need another row are only counted. */
#define GOMEM_SUSPECT_ROWS	512

/**
 * struct gomem_suspect_row - objects of one stack and size
 * @b: the bucket of the stack; NULL for objects without a record in the heap
 *	profile
 * @size: bytes of each object
 * @objects: number of objects
 * @oldest: when the oldest was allocated, in nanoseconds of ktime_get_ns();
 *	unknown without a record
 * @youngest: when the youngest was allocated, likewise
 * @hidden: the address of one of the objects, as gomem_hide() returns it
 */
struct gomem_suspect_row {
	const struct gomem_bucket *b;
	u32 size;
	unsigned long objects;
	u64 oldest;
	u64 youngest;
	unsigned long hidden;
};

/**
 * struct gomem_suspects - the unreachable objects that a scan found
 * @start: when the scan began, in nanoseconds of ktime_get_ns(). If the heap
 *	profile's record of an object was made later, the object is not a
 *	suspect: see gomem_suspects_add()
 * @objects: number of objects, including those that have no row
 * @bytes: their bytes
 * @no_row: objects that have no row
 * @nr: number of rows
 * @row: the rows
 */
struct gomem_suspects {
	u64 start;
	unsigned long objects;
	u64 bytes;
	unsigned long no_row;
	unsigned int nr;
	struct gomem_suspect_row row[GOMEM_SUSPECT_ROWS];
};

int gomem_suspects_add(unsigned long addr, u32 size, void *arg);
void gomem_suspects_sort(struct gomem_suspects *su);
void gomem_suspects_show(struct seq_file *m, const struct gomem_suspects *su);

#endif /* GOMEM_SUSPECTS_H */
