/* SPDX-License-Identifier: GPL-2.0 */
/*
 * transfer.h - free objects on their way from one CPU's slot to another's.
 *
 * Full slots flush objects into a transfer cache, and empty slots refill from
 * it. These objects bypass the spans: no bits are searched or set, and no span
 * becomes empty only to be made again. Two patterns benefit:
 *
 *  - memory that one CPU allocates and another frees, such as a buffer for
 *    received data: the CPU that takes the device's interrupt fills the buffer,
 *    the reader's CPU frees it;
 *  - a CPU that frees and allocates in turn more objects than its slot holds.
 *
 * The design follows TCMalloc's transfer cache and the depot of Bonwick's
 * magazines. Go needs no transfer cache: there no CPU frees single objects, the
 * garbage collector frees them in their spans.
 *
 * Each mcentral has one transfer cache. It gets room only when refills find it
 * empty after flushes found too little room (see transfer.c). Objects that no
 * refill needed go back to their spans: gomem_mcentral_drain().
 */
#ifndef GOMEM_TRANSFER_H
#define GOMEM_TRANSFER_H

#include <linux/mm.h>
#include <linux/types.h>

/*
 * Numbers of objects for which the array of a transfer cache has memory. The
 * first array takes one kernel page. When the room grows beyond an array, one
 * of twice the length takes its place. No shorter array takes its place when
 * the room shrinks: the array stays until there is no room left.
 */
#define GOMEM_TRANSFER_SHORT	(PAGE_SIZE / sizeof(void *))
#define GOMEM_TRANSFER_MAX	(8 * GOMEM_TRANSFER_SHORT)

/**
 * struct gomem_transfer - free objects that slots flush, and refill from
 * @objs: array of pointers to the objects, the one put last at the end; NULL if
 *	the cache has no room
 * @len: number of pointers that @objs has memory for: 0, or a power of two from
 *	GOMEM_TRANSFER_SHORT to GOMEM_TRANSFER_MAX
 * @n: number of objects
 * @low: lowest @n since the last gomem_transfer_look()
 * @high: highest @n since the last gomem_transfer_look()
 * @room: number of objects that the cache may hold, the limit of @n
 * @used: objects have been put or taken since the last gomem_transfer_look()
 * @refused: a put found too little room; cleared when the cache grows, when it
 *	may grow but has no array for that, and with @moved
 * @missed: a take found no object while @refused was set; cleared with @refused
 * @wants_array: the cache may grow but needs a longer array for that. The next
 *	allocation that finds no object in its slot fetches the array, because a
 *	free must not allocate. Cleared by each attempt to grow, and with
 *	@refused
 * @moved: number of objects that puts offered and takes asked for in the
 *	current second; cleared when the next second starts
 * @moved_until: when that second ends, in jiffies. The first put or take after
 *	this time starts another second
 *
 * The lock of the mcentral protects all members. Four readers do without it:
 * gomem_mcentral_drain() and gomem_mcentral_fetch_room() read @len,
 * gomem_mcentral_grow_transfer() reads @wants_array, gomem_mcache_count()
 * reads @n.
 *
 * Invariants:
 *	low <= n <= high <= room <= len <= GOMEM_TRANSFER_MAX
 *	objs is set, and len > 0, iff room > 0
 */
struct gomem_transfer {
	void **objs;
	u16 len;
	u16 n;
	u16 low;
	u16 high;
	u16 room;
	bool used;
	bool refused;
	bool missed;
	bool wants_array;
	u32 moved;
	unsigned long moved_until;
};

void gomem_transfer_init(struct gomem_transfer *t);
unsigned int gomem_transfer_put(struct gomem_transfer *t, void **objs,
				unsigned int n);
unsigned int gomem_transfer_take(struct gomem_transfer *t, void **objs,
				 unsigned int n);
unsigned int gomem_transfer_earned(const struct gomem_transfer *t,
				   unsigned int size, size_t limit);
unsigned int gomem_transfer_look(struct gomem_transfer *t, bool all);
unsigned int gomem_transfer_reduce(struct gomem_transfer *t, unsigned int n,
				   void **objs);
const char *gomem_transfer_validate(const struct gomem_transfer *t);

#endif /* GOMEM_TRANSFER_H */
