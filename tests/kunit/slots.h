/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slots.h - the slots of the CPU that runs the case.
 */
#ifndef GOMEM_TEST_SLOTS_H
#define GOMEM_TEST_SLOTS_H

#include "books.h"
#include "cpu/mcache.h"

/**
 * struct slot_case - an object size, and limits of the slots for it
 * @name: name of the case
 * @size: bytes of an object
 * @begin: capacity of a new slot: how many objects it may hold at first
 * @room: capacity that the slot can grow to
 */
struct slot_case {
	const char *name;
	unsigned int size;
	unsigned int begin;
	unsigned int room;
};

unsigned int slots_spc_of(unsigned int size);
unsigned int slots_held_by(const struct gomem_mcache *mc, unsigned int spc);
void slots_set_earned(struct gomem_mcache *mc, size_t moved);
void slots_run_undisturbed(struct kunit *test,
			   void (*body)(struct stats_fixture *f,
					struct gomem_mcache *mc,
					const struct slot_case *c, void *seen),
			   void *seen, size_t size);
unsigned int books_make_n(struct stats_fixture *f, unsigned int size,
			  unsigned int n);

#endif /* GOMEM_TEST_SLOTS_H */
