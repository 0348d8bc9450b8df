// SPDX-License-Identifier: GPL-2.0
/*
 * transfer_slots_kunit.c - objects that slots flush for other slots to refill
 * from, on gomem's real heaps.
 *
 * A look during a case may drain slots and transfer caches, which changes the
 * counts. run_undisturbed() repeats a case, up to TRIES times, until no look
 * came during it. The cases that do not use this function allow for looks.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/gomem.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/topology.h>

#include "context.h"
#include "fixture.h"
#include "api/cache.h"
#include "base/stats.h"
#include "cpu/mcache.h"
#include "cpu/node.h"
#include "run/check.h"
#include "run/epoch.h"

/* The largest number of objects that a slot moves at once. */
#define BATCH		GOMEM_BATCH_MAX

/*
 * Let the transfer cache count this many objects as moved in the current
 * second. Extend that second to 1000 s, so that the count is not reset.
 */
static void set_moved(struct gomem_transfer *t, unsigned int objects)
{
	t->moved = objects;
	t->moved_until = jiffies + 1000 * HZ;
}

#define TRIES		5
#define OBJECT		1024
#define NR_MOVED	900

struct seen {
	u64 transferred;
	unsigned int held;
	unsigned int idle;
	unsigned int drained;
	size_t bytes[3];
	size_t array;
	s64 cached;
	u64 double_frees;
	u64 writes;
	bool found_twice;
};

static unsigned int own_spc(void)
{
	return gomem_spc_make(gomem_sizeclass(OBJECT), false);
}

/* Return the heap of the node that this CPU allocates from. */
static struct gomem_heap *own_heap(void)
{
	return gomem_node_heap(numa_mem_id());
}

static struct gomem_mcentral *own_central(void)
{
	return &own_heap()->central[own_spc()];
}

static unsigned int own_held(void)
{
	return READ_ONCE(own_central()->transfer.n);
}

/*
 * Call set_moved() under the lock of the mcentral, because other users of the
 * module's heap may run.
 */
static void set_moved_locked(struct gomem_mcentral *c, unsigned int objects)
{
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	set_moved(&c->transfer, objects);
	if (!objects)
		c->transfer.moved_until = jiffies;
	spin_unlock_irqrestore(&c->lock, flags);
}

static unsigned int make(struct fixture *f, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		f->objs[i] = gomem_alloc(OBJECT, GFP_KERNEL);
		if (!f->objs[i])
			break;
	}
	return i;
}

static void unmake(struct fixture *f, unsigned int n)
{
	while (n--)
		gomem_free(f->objs[n]);
}

/*
 * Free more objects than slots have room for, so that many of the objects go to
 * the transfer cache. With @bulk, one call allocates all of them, and one call
 * frees them.
 */
static void move_many(struct fixture *f, unsigned int rounds, bool bulk)
{
	while (rounds--) {
		unsigned int n = bulk ? gomem_alloc_bulk(OBJECT, GFP_KERNEL,
							 NR_MOVED, f->objs) :
					make(f, NR_MOVED);

		set_moved_locked(own_central(), SZ_1G);
		if (bulk)
			gomem_free_bulk(n, f->objs);
		else
			unmake(f, n);
	}
	set_moved_locked(own_central(), 0);
}

static void run_undisturbed(struct kunit *test,
			    void (*body)(struct fixture *f, struct seen *s),
			    struct seen *s)
{
	unsigned int i;
	u64 looks;

	stay_here(test);
	for (i = 0; i < TRIES; i++) {
		memset(s, 0, sizeof(*s));
		gomem_scavenge_all();
		looks = gomem_looks();
		body(test->priv, s);
		/* This waits for a look that is under way. */
		gomem_scavenge_all();
		if (looks == gomem_looks())
			return;
	}
	kunit_skip(test, "an epoch ended each time");
}

static void see_transfers(struct fixture *f, struct seen *s, bool bulk)
{
	u64 before;

	move_many(f, 8, bulk);
	before = gomem_event_sum(GOMEM_EV_TRANSFERRED_OBJECTS);
	move_many(f, 1, bulk);
	s->transferred = gomem_event_sum(GOMEM_EV_TRANSFERRED_OBJECTS) - before;
	s->held = own_held();
}

static void use_slots(struct fixture *f, struct seen *s)
{
	const struct gomem_kind *k = &gomem_kinds[own_spc()];
	struct gomem_class_counts n;

	see_transfers(f, s, false);
	gomem_mcache_count(k, &n);
	s->cached = n.cached;
	gomem_mcache_drain(true);
	gomem_mcache_drain(true);
	s->idle = own_held();
	move_many(f, 8, false);
	gomem_mcache_drain(false);
	s->drained = READ_ONCE(own_central()->transfer.room);
	s->bytes[0] = gomem_mcache_bytes();
	move_many(f, 8, false);
	s->bytes[1] = gomem_mcache_bytes();
	s->array = own_central()->transfer.len * sizeof(void *);
	gomem_mcache_drain_transfers(own_heap());
	s->bytes[2] = gomem_mcache_bytes();
}

static void test_slots(struct kunit *test)
{
	struct balance b;
	struct seen s;

	balance_save(&b);
	run_undisturbed(test, use_slots, &s);
	KUNIT_EXPECT_GE(test, s.transferred, 256);
	KUNIT_EXPECT_GE(test, s.held, 256);
	KUNIT_EXPECT_GT(test, s.cached, s.held);
	KUNIT_EXPECT_EQ(test, 0, s.idle);
	KUNIT_EXPECT_EQ(test, 0, s.drained);
	/*
	 * The slots grew before s.bytes[0] was read, and their mcache keeps the
	 * pages of their stacks. So s.bytes[1] is only larger by the array of
	 * the transfer cache, which s.bytes[2] has no longer.
	 */
	KUNIT_EXPECT_GT(test, s.array, 0);
	KUNIT_EXPECT_EQ(test, s.array, s.bytes[1] - s.bytes[0]);
	KUNIT_EXPECT_EQ(test, s.bytes[0], s.bytes[2]);
	balance_expect(test, &b);
}

static void use_bulk(struct fixture *f, struct seen *s)
{
	see_transfers(f, s, true);
}

/*
 * If a bulk free has more objects than the slot has room for, the others move
 * to the transfer cache, and a later bulk allocation takes them from there.
 */
static void test_bulk(struct kunit *test)
{
	struct balance b;
	struct seen s;

	balance_save(&b);
	run_undisturbed(test, use_bulk, &s);
	KUNIT_EXPECT_GE(test, s.transferred, 256);
	KUNIT_EXPECT_GE(test, s.held, 256);
	balance_expect(test, &b);
}

/* Return the object with index @i in the transfer cache, or NULL. */
static void *one_held(unsigned int i)
{
	struct gomem_mcentral *c = own_central();
	unsigned long flags;
	void *obj = NULL;

	spin_lock_irqsave(&c->lock, flags);
	if (i < c->transfer.n)
		obj = c->transfer.objs[i];
	spin_unlock_irqrestore(&c->lock, flags);
	return obj;
}

/* Free one transferred object again, and write to another one. */
static void misuse(struct fixture *f, struct seen *s)
{
	void *twice, *written;
	unsigned int i, n;

	move_many(f, 8, false);
	twice = one_held(0);
	written = one_held(1);
	if (!twice || !written)
		return;
	s->held = 2;
	s->double_frees = gomem_misuse_count(GOMEM_DOUBLE_FREE);
	gomem_free(twice);
	s->double_frees = gomem_misuse_count(GOMEM_DOUBLE_FREE) -
			  s->double_frees;
	*(unsigned long *)written = 1;
	s->writes = gomem_misuse_count(GOMEM_WRITE_AFTER_FREE);
	/* More than the slot and the transfer cache have. */
	n = make(f, 2 * NR_MOVED);
	s->writes = gomem_misuse_count(GOMEM_WRITE_AFTER_FREE) - s->writes;
	for (i = 0; i < n; i++)
		s->found_twice |= f->objs[i] == written;
	unmake(f, n);
	/*
	 * gomem noticed the write, and set the object aside: it did not hand
	 * the object out, but left it allocated in its span. So unmake() has
	 * not freed it, and this free is no double free.
	 */
	gomem_free(written);
}

static void test_misuse(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct seen s;

	run_undisturbed(test, misuse, &s);
	KUNIT_ASSERT_EQ(test, 2, s.held);
	KUNIT_EXPECT_EQ(test, 1, s.double_frees);
	KUNIT_EXPECT_EQ(test, 1, s.writes);
	KUNIT_EXPECT_FALSE(test, s.found_twice);
	/*
	 * If a look disturbed misuse(), run_undisturbed() repeated it, and each
	 * repetition was counted as misuse, too.
	 */
	balance_forget_misuses(&f->balance);
	expect_sound(test);
}

/*
 * Allocate and free objects of a typed cache until its transfer cache has
 * @least of them.
 */
static void move_cache(struct kunit *test, struct gomem_cache *c,
		       struct gomem_mcentral *central, unsigned int least,
		       bool bulk)
{
	struct fixture *f = test->priv;
	unsigned int i, round;

	/* A look may drain the transfer cache: then begin again. */
	for (round = 0; round < 100 && READ_ONCE(central->transfer.n) < least;
	     round++) {
		for (i = 0; i < 600; i++) {
			f->objs[i] = gomem_cache_alloc(c, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
		}
		set_moved_locked(central, SZ_1G);
		if (bulk)
			gomem_cache_free_bulk(c, 600, f->objs);
		else
			while (i--)
				gomem_cache_free(c, f->objs[i]);
	}
	KUNIT_EXPECT_GE(test, READ_ONCE(central->transfer.n), least);
}

/*
 * gomem_cache_shrink() and gomem_cache_destroy() drain the transfer cache of a
 * typed cache. So the objects in it keep no span from being freed, and are not
 * reported as left. Reclaim does not drain it, and does not count its room.
 */
static void test_cache(struct kunit *test)
{
	struct gomem_mcentral *central;
	struct gomem_cache *c;
	struct balance b;

	stay_here(test);
	balance_save(&b);
	c = gomem_cache_create("transfer_kunit", 200, NULL);
	KUNIT_ASSERT_NOT_NULL(test, c);
	central = gomem_central(own_heap(), &c->kind);
	move_cache(test, c, central, 200, false);
	gomem_cache_shrink(c);
	KUNIT_EXPECT_EQ(test, 0, central->nspans);
	KUNIT_EXPECT_EQ(test, 0, central->transfer.room);
	move_cache(test, c, central, 200, true);
	gomem_mcache_drain_transfers(own_heap());
	KUNIT_EXPECT_EQ(test, 0, gomem_mcache_transfer_bytes(own_heap()));
	KUNIT_EXPECT_GT(test, READ_ONCE(central->transfer.room), 0);
	gomem_cache_destroy(c);
	balance_expect(test, &b);
}

/* A visitor of typed caches that has taken some objects out of one of them. */
struct visitor {
	struct gomem_cache *c;
	struct gomem_mcentral *central;
	struct completion visits;
	struct completion done;
};

static void visit(const struct gomem_kind *k, void *arg)
{
	struct visitor *v = arg;
	void *objs[BATCH];
	struct gomem_refill r = { .objs = objs, .want = BATCH };

	if (k != &v->c->kind)
		return;
	gomem_mcentral_refill(v->central, &r);
	complete(&v->visits);
	msleep(100);
	gomem_mcentral_free(v->central, objs, r.n, false);
}

static int visit_caches(void *arg)
{
	struct visitor *v = arg;

	gomem_visit_typed(visit, v);
	complete(&v->done);
	return 0;
}

/*
 * If a typed cache is destroyed while a visitor holds some of its objects, no
 * object is reported as left: gomem_cache_destroy() waits for the visitor. A
 * look that empties slots is such a visitor.
 */
static void test_destroy_meanwhile(struct kunit *test)
{
	struct visitor v;
	struct balance b;

	stay_here(test);
	balance_save(&b);
	init_completion(&v.visits);
	init_completion(&v.done);
	v.c = gomem_cache_create("transfer_kunit", 200, NULL);
	KUNIT_ASSERT_NOT_NULL(test, v.c);
	v.central = gomem_central(own_heap(), &v.c->kind);
	move_cache(test, v.c, v.central, 100, false);
	if (!IS_ERR(kthread_run(visit_caches, &v, "gomem_test/visit"))) {
		wait_for_completion(&v.visits);
		gomem_cache_destroy(v.c);
		wait_for_completion(&v.done);
	} else {
		gomem_cache_destroy(v.c);
	}
	balance_expect(test, &b);
}

/*
 * When an object of another node is freed, it skips this CPU's slot, and goes
 * to the transfer cache of its own node.
 */
static void test_other_node(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct gomem_heap *h, *other = NULL;
	unsigned int i, round, most = 0;

	stay_here(test);
	for_each_gomem_heap(h)
		if (h != own_heap())
			other = h;
	if (!other)
		kunit_skip(test, "a single node");
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 600; i++) {
			f->objs[i] = gomem_alloc_node(OBJECT, GFP_KERNEL,
						      other->node);
			KUNIT_ASSERT_NOT_NULL(test, f->objs[i]);
		}
		set_moved_locked(&other->central[own_spc()], SZ_1G);
		unmake(f, 600);
		most = max_t(unsigned int, most,
			     READ_ONCE(other->central[own_spc()].transfer.n));
	}
	set_moved_locked(&other->central[own_spc()], 0);
	KUNIT_EXPECT_GE(test, most, 300);
	gomem_mcache_drain_transfers(other);
	KUNIT_EXPECT_EQ(test, 0, other->central[own_spc()].transfer.room);
	KUNIT_EXPECT_NULL(test, gomem_check_all());
}

static struct kunit_case transfer_slots_cases[] = {
	KUNIT_CASE(test_slots),
	KUNIT_CASE(test_bulk),
	KUNIT_CASE(test_misuse),
	KUNIT_CASE(test_cache),
	KUNIT_CASE(test_destroy_meanwhile),
	KUNIT_CASE(test_other_node),
	{}
};

static struct kunit_suite transfer_slots_suite = {
	.name = "gomem_transfer_slots",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = transfer_slots_cases,
};

kunit_test_suite(transfer_slots_suite);
