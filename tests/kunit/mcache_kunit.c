// SPDX-License-Identifier: GPL-2.0
/*
 * mcache_kunit.c - how much the slots of a CPU hold.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/gomem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "books.h"
#include "fixture.h"
#include "slot_cases.h"
#include "slots.h"
#include "slow.h"
#include "base/stats.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "run/epoch.h"

/* Slots */

struct growth {
	unsigned int begin;
	unsigned int last;
	unsigned int steps;
	unsigned int most_held;
	size_t grown;
	bool jumped;
	bool overfull;
};

static void note_growth(struct gomem_mcache *mc, const struct slot_case *c,
			struct growth *g)
{
	unsigned int spc = slots_spc_of(c->size);
	unsigned int capacity = mc->slot[spc].capacity;

	g->overfull |= slots_held_by(mc, spc) > capacity;
	g->most_held = max(g->most_held, slots_held_by(mc, spc));
	if (capacity == g->last)
		return;
	g->jumped |= capacity != min(2 * g->last ?: 1, c->room);
	g->last = capacity;
	g->steps++;
}

static void grow_slot(struct stats_fixture *f, struct gomem_mcache *mc,
		      const struct slot_case *c, void *seen)
{
	struct growth *g = seen;
	unsigned int i;

	g->begin = mc->slot[slots_spc_of(c->size)].capacity;
	g->last = g->begin;
	for (i = 0; i < 600; i++) {
		books_make_n(f, c->size, 1);
		note_growth(mc, c, g);
	}
	for (i = 0; i < 600; i++) {
		books_unmake_n(f, 1);
		note_growth(mc, c, g);
	}
	g->grown = mc->grown;
}

/* A slot doubles, step by step, from its initial to its largest size. */
static void test_slot_growth(struct kunit *test)
{
	const struct slot_case *c = test->param_value;
	struct growth g;

	slots_run_undisturbed(test, grow_slot, &g, sizeof(g));
	KUNIT_EXPECT_EQ(test, c->begin, g.begin);
	KUNIT_EXPECT_EQ(test, c->room, g.last);
	KUNIT_EXPECT_EQ(test, c->room, g.most_held);
	KUNIT_EXPECT_FALSE(test, g.jumped);
	KUNIT_EXPECT_FALSE(test, g.overfull);
	KUNIT_EXPECT_EQ(test, (c->room - c->begin) * c->size, g.grown);
}

struct use {
	unsigned int held;
	unsigned int before;
	unsigned int after;
};

static void use_slot(struct stats_fixture *f, struct gomem_mcache *mc,
		     const struct slot_case *c, void *seen)
{
	struct use *u = seen;
	unsigned int i;

	books_make_n(f, c->size, 1);
	u->held = slots_held_by(mc, slots_spc_of(c->size));
	u->before = mc->slot[slots_spc_of(c->size)].capacity;
	for (i = 0; i < 100; i++) {
		books_unmake_n(f, 1);
		books_make_n(f, c->size, 1);
	}
	u->after = mc->slot[slots_spc_of(c->size)].capacity;
}

/*
 * A refill fills half of a slot, or less after a flush, so that a later free
 * finds room. One of the objects goes to the caller. A slot does not grow while
 * no free finds it full and no allocation finds it empty.
 */
static void test_slot_suffices(struct kunit *test)
{
	unsigned int most;
	struct use u;

	slots_run_undisturbed(test, use_slot, &u, sizeof(u));
	most = u.before ? (clamp(u.before / 2, 1U, GOMEM_BATCH_MAX) - 1) & ~1U :
			  0;
	KUNIT_EXPECT_LE(test, u.held, most);
	KUNIT_EXPECT_GE(test, u.held, most / 2);
	KUNIT_EXPECT_EQ(test, u.before, u.after);
}

/*
 * Return by how many bytes the slots of a CPU may grow together, even if few
 * objects were refilled and flushed in the last second: see grown_max() in
 * cpu/slot.c.
 */
static size_t share_of(struct gomem_heap *h)
{
	size_t bytes = h->pages.backed_pages << GOMEM_PAGE_SHIFT;

	return max_t(size_t, bytes / (128 * num_online_cpus()), SZ_16K);
}

struct share {
	bool exceeded;
	bool miscounted;
	size_t most;
	size_t demand;
};

static void note_share(struct gomem_mcache *mc, struct share *s)
{
	size_t max = share_of(mc->heap);
	unsigned int spc, size, begin;
	size_t grown = 0;

	for (spc = 2; spc < GOMEM_NR_SPANCLASSES; spc++) {
		size = gomem_class_size(gomem_spc_class(spc));
		begin = min_t(unsigned int, max(SZ_512 / size, 1U),
			      mc->slot[spc].room);
		if (size > SZ_1K && spc < GOMEM_NR_HEAP_SPANCLASSES)
			begin = 0;
		grown += (mc->slot[spc].capacity - begin) * size;
	}
	s->miscounted |= grown != mc->grown;
	s->exceeded |= grown > max_t(size_t, max, SZ_2M);
	s->most = max(s->most, grown);
}

static void grow_all(struct stats_fixture *f, struct gomem_mcache *mc,
		     const struct slot_case *c, void *seen)
{
	struct share *s = seen;
	unsigned int class, i;

	for (class = 1; gomem_class_size(class) <= SZ_8K; class++) {
		for (i = 0; i < 80; i++) {
			books_make_n(f, gomem_class_size(class), 1);
			note_share(mc, s);
		}
		s->demand += 64 * gomem_class_size(class);
	}
	for (i = 0; f->nr; i++) {
		books_unmake_n(f, 1);
		if (i % 8 == 0)
			note_share(mc, s);
	}
}

/* All slots of a CPU together grow by at most max(2 MiB, heap / 128 / CPUs). */
static void test_slot_share(struct kunit *test)
{
	struct share s;

	slots_run_undisturbed(test, grow_all, &s, sizeof(s));
	KUNIT_EXPECT_FALSE(test, s.exceeded);
	KUNIT_EXPECT_FALSE(test, s.miscounted);
	KUNIT_EXPECT_GT(test, s.most, SZ_256K / 2);
	/*
	 * If this fails, no slot was kept from growing, and the case has tested
	 * nothing.
	 */
	KUNIT_EXPECT_LT(test, s.most, s.demand / 2);
}

struct earning {
	size_t before;
	size_t share;
	size_t in_vain;
	size_t after;
	size_t moved;
	bool anew;
};

static void exchange(struct stats_fixture *f, unsigned int size, unsigned int n,
		     unsigned int rounds)
{
	while (rounds--) {
		books_make_n(f, size, n);
		books_unmake_n(f, n);
	}
}

static void earn(struct stats_fixture *f, struct gomem_mcache *mc,
		 const struct slot_case *c, void *seen)
{
	struct earning *e = seen;
	/*
	 * Allocating and freeing so few objects twice is too little traffic to
	 * earn growth: the slots grow by share_of() at most, as without
	 * traffic.
	 */
	unsigned int few = min(c->room, SZ_256K / c->size), i;

	slots_set_earned(mc, 0);
	exchange(f, c->size, few, 2);
	e->share = share_of(mc->heap);
	e->before = mc->grown;
	/*
	 * These refills and flushes earn no growth, since the count of moved
	 * bytes is set to 0 before each exchange().
	 */
	for (i = 0; i < 100; i++) {
		slots_set_earned(mc, 0);
		exchange(f, c->size, few, 1);
	}
	e->in_vain = mc->grown;
	for (i = 0; i < 1000 && mc->grown < (c->room - c->begin) * c->size; i++)
		exchange(f, c->size, c->room, 1);
	e->after = mc->grown;
	slots_set_earned(mc, SZ_1G);
	WRITE_ONCE(mc->moved_until, jiffies - 1);
	books_make_n(f, c->size, 2 * c->room);
	e->moved = mc->moved;
	e->anew = time_after(mc->moved_until, jiffies);
}

/*
 * Traffic (refills and flushes) of the current second lets the slots of a CPU
 * grow beyond their share of the heap.
 */
static void test_slot_earn(struct kunit *test)
{
	const struct slot_case *c = test->param_value;
	size_t all = (c->room - c->begin) * c->size;
	struct earning e;

	slots_run_undisturbed(test, earn, &e, sizeof(e));
	KUNIT_EXPECT_LE(test, e.before, e.share);
	KUNIT_EXPECT_LE(test, e.in_vain, e.share);
	KUNIT_EXPECT_EQ(test, all, e.after);
	/* The 1 GiB of traffic of an earlier second is no longer counted. */
	KUNIT_EXPECT_GT(test, e.moved, 0);
	KUNIT_EXPECT_LT(test, e.moved, SZ_64M);
	KUNIT_EXPECT_TRUE(test, e.anew);
}

/*
 * What test_slot_stacks() saw of slots that grew. A slot that grows moves from
 * the small stack (array of pointers) that it began with to a larger one, which
 * no other slot uses meanwhile. A slot that shrinks gives the larger stack back
 * to the mcache, for the next slot that grows. So once the mcache has as many
 * larger stacks as its slots use at the same time, its memory stays the same:
 * @bytes, and after more rounds @bytes_again.
 */
struct moves {
	bool shared;
	bool overlaps;
	unsigned int moved[GOMEM_NR_STACKS];
	size_t bytes;
	size_t bytes_again;
};

static bool is_first(const struct gomem_mcache *mc, unsigned int spc)
{
	return gomem_slot_bottom(&mc->slot[spc]) ==
	       &mc->object[mc->bottom[spc]];
}

static void look_at_stacks(struct gomem_mcache *mc, struct moves *m)
{
	unsigned int a, b;
	void **x, **y;

	for (a = 2; a < GOMEM_NR_SPANCLASSES; a++) {
		x = gomem_slot_bottom(&mc->slot[a]);
		m->shared |= x[-1] != &gomem_no_object;
		for (b = a + 1; b < GOMEM_NR_SPANCLASSES; b++) {
			y = gomem_slot_bottom(&mc->slot[b]);
			m->overlaps |= x <= mc->slot[b].end &&
				       y <= mc->slot[a].end;
		}
	}
}

/*
 * Let slots of many classes grow in turn. Check each slot before the next one
 * grows: if the heap grows meanwhile, slots are emptied, and then use the small
 * arrays of pointers again that they began with.
 */
static void move_all(struct stats_fixture *f, struct gomem_mcache *mc,
		     struct moves *m)
{
	unsigned int class, n, spc;

	for (class = 4; gomem_class_size(class) <= SZ_1K; class++) {
		n = class % 2 ? 30 : 300;
		spc = slots_spc_of(gomem_class_size(class));
		exchange(f, gomem_class_size(class), n, 2);
		if (!is_first(mc, spc))
			m->moved[mc->slot[spc].capacity > GOMEM_STACK_SHORT]++;
		look_at_stacks(mc, m);
	}
}

static void move_slots(struct stats_fixture *f, struct gomem_mcache *mc,
		       const struct slot_case *c, void *seen)
{
	struct moves *m = seen;
	unsigned int i;

	/*
	 * When the heap grows, slots are emptied and give their stacks (arrays
	 * of pointers) back. A call of move_all() may leave the heap larger.
	 * Then the heap grows more rarely during the next call, so more slots
	 * have stacks at the same time, and more stacks may be made. Repeat
	 * until a call makes none.
	 */
	move_all(f, mc, m);
	for (i = 0; i < 8 && m->bytes != mc->bytes; i++) {
		m->bytes = mc->bytes;
		gomem_mcache_drain(false);
		move_all(f, mc, m);
	}
	for (i = 0; i < 3; i++) {
		gomem_mcache_drain(false);
		move_all(f, mc, m);
	}
	m->bytes_again = mc->bytes;
}

static void test_slot_stacks(struct kunit *test)
{
	struct moves m;

	slots_run_undisturbed(test, move_slots, &m, sizeof(m));
	KUNIT_EXPECT_GT(test, m.moved[GOMEM_SHORT_STACK], 10);
	KUNIT_EXPECT_GT(test, m.moved[GOMEM_LONG_STACK], 10);
	KUNIT_EXPECT_FALSE(test, m.shared);
	KUNIT_EXPECT_FALSE(test, m.overlaps);
	KUNIT_EXPECT_EQ(test, m.bytes, m.bytes_again);
}

/*
 * For each of two flushes of a slot: the oldest object in the slot before the
 * flush and after it, and the number of objects in the slot after it.
 */
struct flush {
	void *before[2];
	void *after[2];
	unsigned int held[2];
};

/*
 * A slot that is full of objects of this size holds less than 16 KiB, so it is
 * not emptied when the heap grows.
 */
#define FLUSH_SIZE	64

static void flush_twice(struct stats_fixture *f, struct gomem_mcache *mc,
			const struct slot_case *c, void *seen)
{
	struct gomem_slot *slot = &mc->slot[slots_spc_of(FLUSH_SIZE)];
	struct flush *s = seen;
	unsigned int i;

	exchange(f, FLUSH_SIZE, 600, 2);
	books_make_n(f, FLUSH_SIZE, 1000);
	for (i = 0; i < 2; i++) {
		while (slot->top != slot->end && f->nr)
			books_unmake_n(f, 1);
		s->before[i] = *gomem_slot_bottom(slot);
		books_unmake_n(f, 1);
		s->after[i] = *gomem_slot_bottom(slot);
		s->held[i] = slots_held_by(mc, slots_spc_of(FLUSH_SIZE));
	}
}

/*
 * A flush takes the oldest objects. If the slot has not been refilled since the
 * last flush, the flush takes the newest ones.
 */
static void test_slot_flush(struct kunit *test)
{
	struct flush s;

	slots_run_undisturbed(test, flush_twice, &s, sizeof(s));
	KUNIT_EXPECT_EQ(test, GOMEM_SLOT_MAX - GOMEM_BATCH_MAX + 1, s.held[0]);
	KUNIT_EXPECT_EQ(test, GOMEM_SLOT_MAX - GOMEM_BATCH_MAX + 1, s.held[1]);
	KUNIT_EXPECT_PTR_NE(test, s.before[0], s.after[0]);
	KUNIT_EXPECT_PTR_EQ(test, s.before[1], s.after[1]);
}

struct exact {
	const char *error;
};

/* Each allocation and free is counted, whether the slot serves it or not. */
static void count_slot(struct stats_fixture *f, struct gomem_mcache *mc,
		       const struct slot_case *c, void *seen)
{
	unsigned int spc = slots_spc_of(c->size), step, made = 0, freed = 0;
	struct gomem_class_counts before, n;
	struct exact *e = seen;

	gomem_mcache_count(&gomem_kinds[spc], &before);
	for (step = 0; step < 2000; step++) {
		if (below(&f->base.rnd, 100) < (step % 400 < 200 ? 80 : 20)) {
			made -= f->nr;
			made += books_make_n(f, c->size, 1);
		} else if (f->nr) {
			books_unmake_n(f, 1);
			freed++;
		}
		if (step % 100 == 0)
			gomem_mcache_drain(true);
		gomem_mcache_count(&gomem_kinds[spc], &n);
		if (n.mallocs - before.mallocs != made)
			e->error = "mallocs";
		if (n.frees - before.frees != freed)
			e->error = "frees";
		if (n.cached !=
		    slots_held_by(mc, spc) + mc->heap->central[spc].transfer.n)
			e->error = "cached";
	}
}

static void test_slot_counters(struct kunit *test)
{
	struct exact e;

	slots_run_undisturbed(test, count_slot, &e, sizeof(e));
	KUNIT_EXPECT_TRUE_MSG(test, !e.error, "%s", e.error);
}

static struct kunit_case mcache_cases[] = {
	KUNIT_CASE_PARAM(test_slot_growth, slot_gen_params),
	KUNIT_CASE_PARAM(test_slot_suffices, slot_gen_params),
	KUNIT_CASE(test_slot_share),
	SLOW_CASE_PARAM(test_slot_earn, slot_gen_params),
	SLOW_CASE(test_slot_stacks),
	KUNIT_CASE(test_slot_flush),
	KUNIT_CASE_PARAM(test_slot_counters, slot_gen_params),
	{}
};

static struct kunit_suite mcache_suite = {
	.name = "gomem_mcache",
	.init = books_init,
	.exit = books_exit,
	.test_cases = mcache_cases,
};

kunit_test_suite(mcache_suite);
