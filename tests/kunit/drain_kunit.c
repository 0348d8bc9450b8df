// SPDX-License-Identifier: GPL-2.0
/*
 * drain_kunit.c - what the slots of a CPU give back when they are idle, or
 * memory is short.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/gomem.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "books.h"
#include "context.h"
#include "fixture.h"
#include "slot_cases.h"
#include "slots.h"
#include "base/stats.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "run/epoch.h"

/* Slots */

/*
 * The state of a slot: index 0 before the first call of
 * gomem_mcache_drain(true), index i after call i. @emptied: number of objects
 * that call 3 took out of idle slots.
 */
struct idle {
	unsigned int held[5];
	unsigned int capacity[5];
	bool span[5];
	size_t grown[5];
	u64 emptied;
};

static void note_idle(struct gomem_mcache *mc, const struct slot_case *c,
		      struct idle *s, unsigned int i)
{
	unsigned int spc = slots_spc_of(c->size);

	s->held[i] = slots_held_by(mc, spc);
	s->capacity[i] = mc->slot[spc].capacity;
	s->span[i] = mc->slot[spc].span;
	s->grown[i] = mc->grown;
}

static void idle_slot(struct stats_fixture *f, struct gomem_mcache *mc,
		      const struct slot_case *c, void *seen)
{
	u64 emptied = gomem_event_sum(GOMEM_EV_IDLE_OBJECTS);
	struct idle *s = seen;

	books_make_n(f, c->size, 600);
	books_unmake_n(f, 600);
	note_idle(mc, c, s, 0);
	gomem_mcache_drain(true);
	note_idle(mc, c, s, 1);
	books_make_n(f, c->size, 1);
	books_unmake_n(f, 1);
	gomem_mcache_drain(true);
	note_idle(mc, c, s, 2);
	s->emptied = emptied - gomem_event_sum(GOMEM_EV_IDLE_OBJECTS);
	gomem_mcache_drain(true);
	note_idle(mc, c, s, 3);
	s->emptied += gomem_event_sum(GOMEM_EV_IDLE_OBJECTS) - emptied;
}

/*
 * A slot that is not used between two calls of gomem_mcache_drain(true) is
 * emptied, and shrinks to its initial size.
 */
static void test_slot_idle(struct kunit *test)
{
	const struct slot_case *c = test->param_value;
	struct idle s;

	slots_run_undisturbed(test, idle_slot, &s, sizeof(s));
	KUNIT_EXPECT_EQ(test, c->room, s.capacity[0]);
	KUNIT_EXPECT_GE(test, s.held[0], c->room / 2);
	KUNIT_EXPECT_EQ(test, s.held[0], s.held[1]);
	KUNIT_EXPECT_EQ(test, s.held[0], s.held[2]);
	KUNIT_EXPECT_EQ(test, s.capacity[0], s.capacity[2]);
	KUNIT_EXPECT_EQ(test, 0, s.held[3]);
	KUNIT_EXPECT_EQ(test, c->begin, s.capacity[3]);
	KUNIT_EXPECT_FALSE(test, s.span[3]);
	KUNIT_EXPECT_EQ(test, 0, s.grown[3]);
	KUNIT_EXPECT_EQ(test, s.held[0], s.emptied);
}

static void bare_slot(struct stats_fixture *f, struct gomem_mcache *mc,
		      const struct slot_case *c, void *seen)
{
	unsigned int spc = slots_spc_of(c->size), i;
	struct idle *s = seen;

	/* Allocate until the slot is empty and has its largest capacity. */
	for (i = 0; i < 300 && (slots_held_by(mc, spc) ||
				mc->slot[spc].capacity < c->room);
	     i++)
		books_make_n(f, c->size, 1);
	note_idle(mc, c, s, 0);
	gomem_mcache_drain(true);
	note_idle(mc, c, s, 1);
	gomem_mcache_drain(true);
	note_idle(mc, c, s, 2);
}

/*
 * An idle slot that is empty shrinks, too: then another slot may grow instead.
 */
static void test_slot_bare(struct kunit *test)
{
	const struct slot_case *c = test->param_value;
	struct idle s;

	slots_run_undisturbed(test, bare_slot, &s, sizeof(s));
	KUNIT_EXPECT_EQ(test, c->room, s.capacity[0]);
	KUNIT_EXPECT_EQ(test, 0, s.held[0]);
	KUNIT_EXPECT_EQ(test, c->room, s.capacity[1]);
	KUNIT_EXPECT_EQ(test, c->begin, s.capacity[2]);
	KUNIT_EXPECT_EQ(test, 0, s.grown[2]);
}

struct relief {
	struct gomem_heap *heap;
	unsigned int before;
	unsigned int after;
	bool in_interrupt;
	bool first;
	bool second;
};

static void relieve_in_interrupt(void *arg)
{
	struct relief *r = arg;

	r->in_interrupt = gomem_mcache_relieve(r->heap, false);
}

static void relieve_slot(struct stats_fixture *f, struct gomem_mcache *mc,
			 const struct slot_case *c,
			 void *seen)
{
	unsigned int spc = slots_spc_of(c->size);
	struct relief *r = seen;

	books_make_n(f, c->size, 300);
	books_unmake_n(f, 300);
	r->before = slots_held_by(mc, spc);
	r->heap = mc->heap;
	run_in_hardirq(relieve_in_interrupt, r);
	r->first = gomem_mcache_relieve(mc->heap, false);
	r->after = slots_held_by(mc, spc);
	r->second = gomem_mcache_relieve(mc->heap, false);
}

/*
 * Before the heap grows for a task, the slots of the task's CPU that each hold
 * 16 KiB of objects or more are emptied. Its other slots keep their objects.
 */
static void test_slot_relief(struct kunit *test)
{
	const struct slot_case *c = test->param_value;
	struct relief r;

	slots_run_undisturbed(test, relieve_slot, &r, sizeof(r));
	KUNIT_EXPECT_GE(test, r.before, c->room / 2);
	/*
	 * In an interrupt no slot is emptied: the interrupted task may own the
	 * mcache.
	 */
	KUNIT_EXPECT_FALSE(test, r.in_interrupt);
	KUNIT_EXPECT_EQ(test, r.before * c->size >= SZ_16K, r.first);
	KUNIT_EXPECT_EQ(test, r.first ? 0 : r.before, r.after);
	KUNIT_EXPECT_FALSE(test, r.second);
}

struct beside {
	unsigned int used_before;
	unsigned int used_after;
	unsigned int idle_before;
	unsigned int idle_after;
};

static void use_beside(struct stats_fixture *f, struct gomem_mcache *mc,
		       const struct slot_case *c, void *seen)
{
	struct beside *b = seen;

	books_make_n(f, 64, 50);
	books_make_n(f, 128, 50);
	books_unmake_n(f, 100);
	gomem_mcache_drain(true);
	b->idle_before = slots_held_by(mc, slots_spc_of(64));
	books_make_n(f, 128, 1);
	books_unmake_n(f, 1);
	b->used_before = slots_held_by(mc, slots_spc_of(128));
	gomem_mcache_drain(true);
	b->used_after = slots_held_by(mc, slots_spc_of(128));
	b->idle_after = slots_held_by(mc, slots_spc_of(64));
}

/* gomem_mcache_drain(true) empties idle slots, but not those in use. */
static void test_slot_idle_beside(struct kunit *test)
{
	struct beside b;

	slots_run_undisturbed(test, use_beside, &b, sizeof(b));
	KUNIT_EXPECT_GT(test, b.idle_before, 0);
	KUNIT_EXPECT_EQ(test, 0, b.idle_after);
	KUNIT_EXPECT_GT(test, b.used_before, 0);
	KUNIT_EXPECT_EQ(test, b.used_before, b.used_after);
}

static struct kunit_case drain_cases[] = {
	KUNIT_CASE_PARAM(test_slot_idle, slot_gen_params),
	KUNIT_CASE_PARAM(test_slot_relief, slot_gen_params),
	KUNIT_CASE(test_slot_idle_beside),
	KUNIT_CASE_PARAM(test_slot_bare, slot_gen_params),
	{}
};

static struct kunit_suite drain_suite = {
	.name = "gomem_drain",
	.init = books_init,
	.exit = books_exit,
	.test_cases = drain_cases,
};

kunit_test_suite(drain_suite);
