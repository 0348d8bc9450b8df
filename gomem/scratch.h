/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scratch.h - buffers for a moment, of 2 to 32 KiB (Go's stackpool and stackcache).
 *
 * They are objects like others, of span classes of their own (sizeclass.h): slots,
 * central lists, sweeping and keys are those of the heap. What differs is who may
 * free them, how much of them a CPU keeps, and where they are counted.
 */
#ifndef GOMEM_SCRATCH_H
#define GOMEM_SCRATCH_H

#include <linux/types.h>

/**
 * struct gomem_scratch_stats - all orders together
 * @inuse: bytes in live buffers
 * @sys: bytes of their spans
 * @gets: buffers ever handed out
 * @puts: buffers ever given back
 */
struct gomem_scratch_stats {
	u64 inuse;
	u64 sys;
	u64 gets;
	u64 puts;
};

void gomem_scratch_get_stats(struct gomem_scratch_stats *st);

#endif /* GOMEM_SCRATCH_H */
