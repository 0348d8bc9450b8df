/* SPDX-License-Identifier: GPL-2.0 */
/*
 * arena.h - objects that are freed all at once (Go's user arenas).
 *
 * An arena takes its objects one behind the other from spans that hold nothing else.
 * It cannot free one of them, so it keeps nothing about them: a span, where the next
 * object goes, and the list of all spans is all there is.
 *
 * The handle's first word tells whether it is live: it has a magic then, and the key of
 * a free object once the arena was destroyed.
 */
#ifndef GOMEM_ARENA_H
#define GOMEM_ARENA_H

#include <linux/types.h>

/**
 * struct gomem_arena_stats - what there is of arenas
 * @live: arenas that were created and not yet destroyed
 * @quarantined: bytes of spans of destroyed arenas, poisoned and kept from use
 */
struct gomem_arena_stats {
	unsigned long live;
	unsigned long quarantined;
};

void gomem_arena_get_stats(struct gomem_arena_stats *st);
unsigned long gomem_arena_flush_quarantine(void);
void gomem_arena_exit(void);

#endif /* GOMEM_ARENA_H */
