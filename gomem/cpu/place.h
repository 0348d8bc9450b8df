/* SPDX-License-Identifier: GPL-2.0 */
/*
 * place.h - find the slot of any CPU for a kind: in an mcache, or in the memory
 * of a typed cache.
 */
#ifndef GOMEM_PLACE_H
#define GOMEM_PLACE_H

#include <linux/types.h>

#include "cpu/mcache.h"

/**
 * struct gomem_place - a slot of a CPU, and what the last looks stored for it
 * @kind: the kind of the slot's objects
 * @mc: the mcache that the slot is part of; NULL for a typed cache
 * @slot: the slot
 * @seen: see struct gomem_mcache
 * @idle: see struct gomem_mcache
 */
struct gomem_place {
	const struct gomem_kind *kind;
	struct gomem_mcache *mc;
	struct gomem_slot *slot;
	u32 *seen;
	bool *idle;
};

/* A copy of a slot's counts: inexact if the slot's CPU uses it meanwhile. */
struct gomem_slot_view {
	u64 refilled;
	u64 held;
	u64 allocs;
	u64 flushed;
	bool span;
	bool grown;
};

bool gomem_place_find(const struct gomem_kind *k, int cpu, bool irq,
		      struct gomem_place *p);
void gomem_place_view(const struct gomem_place *p, struct gomem_slot_view *v);
unsigned int gomem_place_empty(struct gomem_place *p, void **objs,
			       struct gomem_span **span);
void gomem_place_free(const struct gomem_kind *k, void **objs, unsigned int n,
		      struct gomem_span *span);
void gomem_visit_slot_kinds(void (*fn)(const struct gomem_kind *k, void *arg),
			    void *arg);
void gomem_visit_slot_kinds_at_once(gomem_kind_fn fn, void *arg);

#endif /* GOMEM_PLACE_H */
