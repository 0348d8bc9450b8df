/* SPDX-License-Identifier: GPL-2.0 */
/*
 * transfer.h - free objects on their way from CPU to CPU.
 *
 * What full slots flush others refill from, without a look at the spans: no bits are
 * searched or set, and no span becomes empty to be made again. Memory often goes one way,
 * allocated by who receives and freed by who has read; and whatever a CPU frees and
 * allocates in turn, more of it than fits its slot, comes by here, too. After TCMalloc's
 * transfer cache, and the depot of Bonwick's magazines; Go has none, since its garbage is
 * not freed by anybody.
 *
 * Each mcentral has one. It holds nothing until that has proved to be of use, and gives
 * back what nobody came for: gomem_mcentral_drain().
 */
#ifndef GOMEM_TRANSFER_H
#define GOMEM_TRANSFER_H

#include <linux/mm.h>
#include <linux/types.h>

/* The array is a page. */
#define GOMEM_TRANSFER_MAX	(PAGE_SIZE / sizeof(void *))

/**
 * struct gomem_transfer - free objects that slots flushed, for slots to refill from
 * @objs: the objects, those that came last at the end; a page, or NULL
 * @n: how many there are
 * @low: the fewest there were since the last look
 * @high: the most there were since then
 * @room: how many there may be
 * @used: some came or went since the last look
 * @refused: some came that there was no room for, since it grew
 * @missed: there were none when some were wanted, since some were refused
 * @wants_page: there would be room, but for a page; the next refill fetches it, as a free
 *	allocates nothing
 * @moved: objects that came, or were wanted, of late
 * @moved_until: when what counts as of late begins anew, in jiffies
 *
 * All under the lock of its mcentral.
 *
 * Invariants:
 *	low <= n <= high <= room <= GOMEM_TRANSFER_MAX
 *	there is a page iff room > 0
 */
struct gomem_transfer {
	void **objs;
	u16 n;
	u16 low;
	u16 high;
	u16 room;
	bool used;
	bool refused;
	bool missed;
	bool wants_page;
	u32 moved;
	unsigned long moved_until;
};

void gomem_transfer_init(struct gomem_transfer *t);
unsigned int gomem_transfer_put(struct gomem_transfer *t, void **objs, unsigned int n);
unsigned int gomem_transfer_take(struct gomem_transfer *t, void **objs, unsigned int n);
unsigned int gomem_transfer_earned(const struct gomem_transfer *t, unsigned int size);
unsigned int gomem_transfer_look(struct gomem_transfer *t, bool all);
unsigned int gomem_transfer_reduce(struct gomem_transfer *t, unsigned int n, void **objs);
const char *gomem_transfer_validate(const struct gomem_transfer *t);

#endif /* GOMEM_TRANSFER_H */
