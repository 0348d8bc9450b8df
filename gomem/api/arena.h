/* SPDX-License-Identifier: GPL-2.0 */
/*
 * arena.h - objects that are freed all at once, like Go's user arenas.
 *
 * An arena allocates its objects one after the other from spans that hold
 * nothing else. An arena cannot free a single object, so it keeps no state
 * about objects. Its state is the current span, the place of the next object in
 * that span, and a list of all spans.
 *
 * The first word of struct gomem_arena tells whether the arena is live. The
 * word is a magic number while the arena is live. After the arena was
 * destroyed, the word is the key of a free object.
 */
#ifndef GOMEM_ARENA_H
#define GOMEM_ARENA_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct gomem_arena_stats - counts of all arenas
 * @live: arenas that were created and not yet destroyed
 * @quarantined: bytes of spans of destroyed arenas, poisoned and kept from use
 */
struct gomem_arena_stats {
	unsigned long live;
	unsigned long quarantined;
};

void gomem_arena_get_stats(struct gomem_arena_stats *st);
unsigned long gomem_arena_flush_quarantine(void);
const struct list_head *gomem_arena_list(void);
void gomem_arena_exit(void);

#endif /* GOMEM_ARENA_H */
