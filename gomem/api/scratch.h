/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scratch.h - short-lived buffers of 2 to 32 KiB. They are modelled on the
 * memory for stacks in Go: its stackpool and stackcache.
 *
 * Scratch buffers are objects of span classes of their own (sizeclass.h). Like
 * other objects, they use slots, mcentrals, sweeping and keys. They differ from
 * other objects in which function may free them, how many free ones a CPU
 * keeps, and where they are counted. If there is memory only in the kernel's
 * reserves, and the caller may use the reserves, a span of buffers is made of
 * them. gomem_alloc() makes no span of reserves, since all callers could use
 * the span: it returns a large object. A buffer cannot be a large object, since
 * gomem_scratch_put() frees only objects of the buffers' span classes.
 */
#ifndef GOMEM_SCRATCH_H
#define GOMEM_SCRATCH_H

#include <linux/types.h>

/**
 * struct gomem_scratch_stats - counts of the buffers of all sizes together
 * @inuse: bytes in live buffers
 * @sys: bytes in the spans of all buffers
 * @gets: buffers handed out so far
 * @puts: buffers given back so far
 */
struct gomem_scratch_stats {
	u64 inuse;
	u64 sys;
	u64 gets;
	u64 puts;
};

void gomem_scratch_get_stats(struct gomem_scratch_stats *st);

#endif /* GOMEM_SCRATCH_H */
