// SPDX-License-Identifier: GPL-2.0
/*
 * rcu_kunit.c - objects that are freed after a grace period, on gomem's real
 * heaps.
 *
 * The reports of misuse that the cases leave in the log are expected.
 */
#include <kunit/test.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/gomem.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "context.h"
#include "fixture.h"
#include "nmi.h"
#include "api/rcu.h"
#include "base/sizeclass.h"
#include "base/stats.h"

struct early {
	struct rcu_head rcu;
	u8 data[48];
};

struct late {
	u8 data[4088];
	struct rcu_head rcu;
	u8 more[100];
};

/*
 * An object with an RCU head of 8 bytes. Readers use the members after the head
 * until the grace period ends.
 */
struct small {
	struct gomem_rcu_head rcu;
	u64 next;
	u64 more[2];
};

struct rcu_fixture {
	struct fixture base;
	u64 frees;
	u64 batches;
};

static u64 frees(struct kunit *test)
{
	struct rcu_fixture *f = test->priv;

	return gomem_event_sum(GOMEM_EV_RCU_FREES) - f->frees;
}

/*
 * Expect that all objects passed to gomem_free_rcu() are freed after a grace
 * period, and that GOMEM_EV_RCU_FREES has risen by @given since the case began.
 */
static void expect_freed(struct kunit *test, u64 given)
{
	struct rcu_fixture *f = test->priv;

	gomem_rcu_barrier();
	KUNIT_EXPECT_EQ(test, 0, gomem_rcu_waiting());
	KUNIT_EXPECT_EQ(test, f->base.balance.live, live_objects());
	KUNIT_EXPECT_EQ(test, given, frees(test));
}

static struct early *get_early(struct kunit *test, size_t size)
{
	struct early *p = gomem_alloc(size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0x77, size);
	return p;
}

/*
 * Free objects of every class, and large ones, with the RCU head at the start
 * of the object, or at its end. If the object has more than 4096 bytes, the
 * head is at the last allowed offset instead.
 */
static void test_every_class(struct kunit *test)
{
	unsigned int class, n = 0;
	struct gomem_rcu_head *head;
	size_t size;
	void *p;

	for (class = 0; class < GOMEM_NR_SIZE_CLASSES; class++) {
		size = gomem_class_size(class) ?: 200000;
		p = get_early(test, size);
		gomem_free_rcu((struct small *)p, rcu);
		p = gomem_alloc_noscan(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		head = p + min_t(size_t, size, 4096) - sizeof(*head);
		__gomem_free_rcu(head, p);
		n += 2;
	}
	expect_freed(test, n);
}

/* Free an object at the start of a block: it is aligned enough. */
static void test_tiny(struct kunit *test)
{
	struct small *p;

	migrate_disable();
	gomem_free(gomem_alloc_noscan(1, GFP_KERNEL));
	p = gomem_alloc_noscan(12, GFP_KERNEL);
	migrate_enable();
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, shares_block(p));
	gomem_free_rcu(p, rcu);
	expect_freed(test, 1);
}

/*
 * Free noscan objects of 8 to 15 bytes, of which those of 9 bytes or more may
 * lie in a block of tiny objects. Also free small and large objects of each
 * node, and an object of a typed cache.
 */
static void test_every_kind(struct kunit *test)
{
	struct gomem_cache *c = gomem_cache_create("kunit_rcu", 40, NULL);
	unsigned int n = 0;
	size_t size;
	int node;

	KUNIT_ASSERT_NOT_NULL(test, c);
	for (size = 8; size < 16; size++) {
		struct small *p = gomem_alloc_noscan(size, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, p);
		gomem_free_rcu(p, rcu);
		if (IS_ALIGNED((unsigned long)p, 8)) {
			n++;
			continue;
		}
		/*
		 * The alignment of a tiny object depends on its size, and may
		 * be too little for an RCU head.
		 */
		expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);
		gomem_free(p);
	}
	for_each_online_node(node) {
		struct small *p = gomem_alloc_node(64, GFP_KERNEL, node);
		struct small *q = gomem_alloc_node(200000, GFP_KERNEL, node);

		KUNIT_ASSERT_TRUE(test, p && q);
		gomem_free_rcu(p, rcu);
		gomem_free_rcu(q, rcu);
		n += 2;
	}
	gomem_free_rcu((struct small *)gomem_cache_alloc(c, GFP_KERNEL), rcu);
	/*
	 * This waits until the object is free. It also frees objects that the
	 * cache itself has from gomem: expect_freed() would count them as live.
	 */
	gomem_cache_destroy(c);
	expect_freed(test, n + 1);
}

/* With an RCU head of 8 bytes, gomem does not write to the bytes after it. */
static void test_small_head(struct kunit *test)
{
	struct small *p[3];
	size_t behind = sizeof(*p[0]) - sizeof(p[0]->rcu);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomem_alloc(sizeof(*p[i]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
		memset(p[i], 0x5a, sizeof(*p[i]));
	}
	rcu_read_lock();
	for (i = 0; i < ARRAY_SIZE(p); i++)
		gomem_free_rcu(p[i], rcu);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		KUNIT_EXPECT_NULL(test, memchr_inv(&p[i]->next, 0x5a, behind));
	gomem_free_rcu(p[1], rcu);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	rcu_read_unlock();
	expect_freed(test, ARRAY_SIZE(p));
}

/* The RCU head may be at any offset below 4096 that is a multiple of 8. */
static void test_every_offset(struct kunit *test)
{
	unsigned int offset;
	u8 *p;

	for (offset = 0; offset < GOMEM_RCU_OFFSET_MAX; offset += 8) {
		p = gomem_alloc(GOMEM_RCU_OFFSET_MAX + 8, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		__gomem_free_rcu(p + offset, p);
	}
	p = gomem_alloc(GOMEM_RCU_OFFSET_MAX + 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	__gomem_free_rcu(p + GOMEM_RCU_OFFSET_MAX, p);
	__gomem_free_rcu(p + 4, p);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 2);
	gomem_free(p);
	expect_freed(test, offset / 8);
}

static void test_late_field(struct kunit *test)
{
	struct late *p = gomem_alloc(sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	gomem_free_rcu(p, rcu);
	expect_freed(test, 1);
}

static void test_nothing(struct kunit *test)
{
	struct early *p = NULL;

	gomem_free_rcu(p, rcu);
	gomem_free_rcu_mightsleep(NULL);
	gomem_free_rcu_mightsleep(ZERO_SIZE_PTR);
	__gomem_free_rcu(ZERO_SIZE_PTR, ZERO_SIZE_PTR);
	expect_freed(test, 0);
}

static struct early *next_of(struct early ***p)
{
	return *(*p)++;
}

static void test_evaluated_once(struct kunit *test)
{
	struct early *objs[2] = { get_early(test, 64), get_early(test, 64) };
	struct early **p = objs;

	gomem_free_rcu(next_of(&p), rcu);
	KUNIT_EXPECT_PTR_EQ(test, objs + 1, p);
	gomem_free_rcu(next_of(&p), rcu);
	expect_freed(test, 2);
}

/*
 * While an RCU reader runs, the object that it reads is not reused, even for
 * allocations of the same size.
 */
static void test_reader(struct kunit *test)
{
	void *others[64];
	struct early *p;
	unsigned int i;

	p = get_early(test, sizeof(*p));
	rcu_read_lock();
	gomem_free_rcu(p, rcu);
	mdelay(50);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		others[i] = gomem_alloc(sizeof(*p), GFP_ATOMIC);
		KUNIT_EXPECT_PTR_NE(test, (void *)p, others[i]);
		if (others[i])
			memset(others[i], 0x33, sizeof(*p));
	}
	KUNIT_EXPECT_TRUE(test, !memchr_inv(p->data, 0x77, sizeof(p->data)));
	KUNIT_EXPECT_EQ(test, 1, gomem_rcu_waiting());
	rcu_read_unlock();
	gomem_free_bulk(ARRAY_SIZE(others), others);
	expect_freed(test, 1);
}

/*
 * Objects passed to gomem_free_rcu() during a grace period wait for the next
 * grace period together.
 */
static void test_batches(struct kunit *test)
{
	struct rcu_fixture *f = test->priv;
	unsigned int i;
	u64 batches;

	migrate_disable();
	rcu_read_lock();
	for (i = 0; i < 3000; i++) {
		struct early *p = gomem_alloc(64, GFP_ATOMIC);

		KUNIT_EXPECT_NOT_NULL(test, p);
		gomem_free_rcu(p, rcu);
	}
	batches = gomem_event_sum(GOMEM_EV_RCU_BATCHES) - f->batches;
	KUNIT_EXPECT_EQ(test, 1, batches);
	KUNIT_EXPECT_EQ(test, 3000, gomem_rcu_waiting());
	rcu_read_unlock();
	migrate_enable();
	expect_freed(test, 3000);
	batches = gomem_event_sum(GOMEM_EV_RCU_BATCHES) - f->batches;
	KUNIT_EXPECT_EQ(test, 2, batches);
}

static void test_twice(struct kunit *test)
{
	struct early *p = get_early(test, 64), *q = get_early(test, 200000);

	rcu_read_lock();
	gomem_free_rcu(p, rcu);
	gomem_free_rcu(q, rcu);
	gomem_free_rcu(p, rcu);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	gomem_free_rcu(q, rcu);
	gomem_free_rcu(p, rcu);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 2);
	rcu_read_unlock();
	expect_freed(test, 2);
	/*
	 * The new object may have the address of the freed one. It is not taken
	 * for an object that waits.
	 */
	p = gomem_alloc(64, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	gomem_free_rcu(p, rcu);
	expect_freed(test, 3);
}

/* A copy of a waiting object is not taken for one that waits. */
static void test_copied(struct kunit *test)
{
	struct early *p = get_early(test, 64), *q = get_early(test, 64);

	rcu_read_lock();
	gomem_free_rcu(p, rcu);
	*q = *p;
	gomem_free_rcu(q, rcu);
	rcu_read_unlock();
	expect_freed(test, 2);
}

static void test_free_already(struct kunit *test)
{
	struct early *p = get_early(test, 64), *q = get_early(test, 200000);

	gomem_free(p);
	gomem_free_rcu(p, rcu);
	gomem_free_rcu_mightsleep(p);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 2);
	gomem_free(q);
	gomem_free_rcu(q, rcu);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	expect_freed(test, 0);
}

/*
 * An object that was passed to gomem_free_rcu() is freed by gomem_free() before
 * the grace period ends. So gomem reports a double free when the grace period
 * ends. It can do so only if nobody has got the object in the meantime.
 */
static void test_freed_meanwhile(struct kunit *test)
{
	struct late *p = gomem_alloc(sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	rcu_read_lock();
	gomem_free_rcu(p, rcu);
	gomem_free(p);
	rcu_read_unlock();
	expect_freed(test, 1);
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
}

static void test_no_object(struct kunit *test)
{
	struct gomem_arena *a = gomem_arena_create(GFP_KERNEL);
	struct early *p = get_early(test, 64), *slab, here;
	void *scratch = gomem_scratch_get(0, GFP_KERNEL);

	slab = kmalloc(sizeof(*slab), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, a && scratch && slab);
	gomem_free_rcu((struct early *)((void *)p + 8), rcu);
	gomem_free_rcu_mightsleep((void *)p + 8);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 2);
	/* The RCU head would be beyond the end of the object. */
	gomem_free_rcu((struct late *)p, rcu);
	expect_misuses(test, GOMEM_INTERIOR_POINTER, 1);
	gomem_free_rcu(slab, rcu);
	gomem_free_rcu(&here, rcu);
	gomem_free_rcu_mightsleep(slab);
	expect_misuses(test, GOMEM_FOREIGN_POINTER, 3);
	gomem_free_rcu((struct early *)scratch, rcu);
	gomem_free_rcu((struct early *)gomem_arena_alloc(a, 64, GFP_KERNEL),
		       rcu);
	expect_misuses(test, GOMEM_WRONG_FUNCTION, 2);
	gomem_arena_destroy(a);
	gomem_scratch_put(scratch);
	kfree(slab);
	gomem_free(p);
	expect_freed(test, 0);
}

/*
 * Keep the next grace period from ending. The first object that is passed to
 * gomem_free_rcu() after this call begins that grace period, and waits alone.
 * All later objects are added to the queue's list @new, and wait there together
 * until end_broken() is called.
 */
static void begin_together(void)
{
	migrate_disable();
	rcu_read_lock();
}

/*
 * Expect one report of a write to a waiting object. gomem stopped at the head
 * of that object, whose word does not decode any more. So it did not free that
 * object, nor the one behind it, to which only the overwritten word linked.
 * Free these two objects.
 */
static void end_broken(struct kunit *test, void *lost, void *lost_too)
{
	rcu_read_unlock();
	migrate_enable();
	gomem_rcu_barrier();
	expect_misuses(test, GOMEM_WRITE_AFTER_FREE, 1);
	gomem_free(lost);
	gomem_free(lost_too);
}

/*
 * Pass @n objects to gomem_free_rcu(), and overwrite the RCU head of the third
 * one with @link. All but the first object wait together, in one list.
 */
static void break_link(struct kunit *test, unsigned int n,
		       struct rcu_head *link)
{
	struct early *p[4];
	unsigned int i;

	for (i = 0; i < n; i++)
		p[i] = get_early(test, 64);
	begin_together();
	for (i = 0; i < n; i++)
		gomem_free_rcu(p[i], rcu);
	p[2]->rcu.next = link;
	end_broken(test, p[1], p[2]);
}

/*
 * The last three of four objects wait in one list, which begins with the object
 * that was passed last. break_link() overwrites the link in the second object
 * of the list. gomem frees only the first object of the list. end_broken()
 * frees the other two.
 */
static void test_broken_list(struct kunit *test)
{
	break_link(test, 4, NULL);
	expect_freed(test, 4);
}

static void test_broken_link(struct kunit *test)
{
	static struct rcu_head *const links[] = { NULL, (void *)0x1234567,
						  (void *)~7UL };
	unsigned int k;

	for (k = 0; k < ARRAY_SIZE(links); k++)
		break_link(test, 3, links[k]);
	expect_freed(test, 9);
}

/*
 * Pass four objects to gomem_free_rcu(), and change the RCU head of the third.
 * All but the first object wait together, in one list, the last object first.
 * gomem does not follow the link of a changed head. So it frees the first and
 * the fourth object, but not the third and the second.
 */
static void break_word(struct kunit *test, unsigned long change)
{
	struct small *p[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		p[i] = gomem_alloc(sizeof(*p[i]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
	}
	begin_together();
	for (i = 0; i < 4; i++)
		gomem_free_rcu(p[i], rcu);
	p[2]->rcu.word ^= change;
	end_broken(test, p[1], p[2]);
}

static void test_one_bit(struct kunit *test)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit++)
		break_word(test, BIT(bit));
	expect_freed(test, 4 * 64);
}

static void test_one_byte(struct kunit *test)
{
	static const u8 changes[] = { 0xff, 0x7f, 0x18, 0xaa };
	unsigned int byte, i;

	for (byte = 0; byte < 8; byte++) {
		for (i = 0; i < ARRAY_SIZE(changes); i++)
			break_word(test, (unsigned long)changes[i] << 8 * byte);
	}
	expect_freed(test, 4 * 8 * ARRAY_SIZE(changes));
}

static void test_mightsleep(struct kunit *test)
{
	unsigned int i;
	void *p;

	for (i = 0; i < 100; i++) {
		p = gomem_alloc(8 << i % 16, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p);
		memset(p, 0x77, 8);
		gomem_free_rcu_mightsleep(p);
	}
	expect_freed(test, 100);
	p = gomem_alloc(100, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	gomem_free_rcu_mightsleep(p);
	gomem_free_rcu_mightsleep(p);
	gomem_rcu_barrier();
	expect_misuses(test, GOMEM_DOUBLE_FREE, 1);
	expect_freed(test, 102);
}

#define NR_SHARED	2000

/* All CPUs pass the same objects to gomem_free_rcu() at the same time. */
struct race {
	struct small *p[NR_SHARED];
	atomic_t missing;
};

/*
 * on_each_cpu() calls this function with interrupts off. So no grace period
 * ends, and no object is freed, before all CPUs have passed all objects to
 * gomem_free_rcu().
 */
static void give_all(void *arg)
{
	struct race *race = arg;
	unsigned int i;

	atomic_dec(&race->missing);
	while (atomic_read(&race->missing) > 0)
		cpu_relax();
	for (i = 0; i < NR_SHARED; i++)
		gomem_free_rcu(race->p[i], rcu);
}

/*
 * If several CPUs pass an object to gomem_free_rcu() at once, one call
 * succeeds, and the others are reported.
 */
static void test_at_once(struct kunit *test)
{
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	unsigned int i, n = num_online_cpus();

	if (n < 2)
		kunit_skip(test, "needs two CPUs");
	KUNIT_ASSERT_NOT_NULL(test, race);
	for (i = 0; i < NR_SHARED; i++) {
		race->p[i] = gomem_alloc(sizeof(struct small), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, race->p[i]);
	}
	cpus_read_lock();
	atomic_set(&race->missing, n);
	on_each_cpu(give_all, race, 1);
	cpus_read_unlock();
	expect_misuses(test, GOMEM_DOUBLE_FREE, (n - 1) * NR_SHARED);
	expect_freed(test, NR_SHARED);
}

/*
 * gomem_free_rcu() may be called in an NMI. A second call for the same object
 * is detected, whether it comes in the NMI or after it.
 */
static void test_nmi(struct kunit *test)
{
	struct small *p[50];
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomem_alloc(i % 5 ? sizeof(*p[i]) : 50000, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
	}
	rcu_read_lock();
	enter_nmi(&flags);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		gomem_free_rcu(p[i], rcu);
	gomem_free_rcu(p[7], rcu);
	leave_nmi(&flags);
	gomem_free_rcu(p[8], rcu);
	rcu_read_unlock();
	expect_misuses(test, GOMEM_DOUBLE_FREE, 2);
	expect_freed(test, ARRAY_SIZE(p));
}

/*
 * gomem_free_rcu_nolock() does not wait for the lock of the RCU queue, because
 * its caller may have interrupted the code that holds the lock.
 */
static void test_nolock(struct kunit *test)
{
	raw_spinlock_t *lock;
	struct small *p[50];
	unsigned long flags;
	unsigned int i;
	u64 pending;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = gomem_alloc(i % 5 ? sizeof(*p[i]) : 50000, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, p[i]);
	}
	rcu_read_lock();
	local_irq_save(flags);
	lock = gomem_rcu_lock(raw_smp_processor_id());
	raw_spin_lock(lock);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		gomem_free_rcu_nolock(&p[i]->rcu, p[i], _THIS_IP_);
	raw_spin_unlock(lock);
	pending = gomem_rcu_waiting();
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(p), pending);
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(p), gomem_rcu_waiting());
	gomem_free_rcu_nolock(&p[7]->rcu, p[7], _THIS_IP_);
	gomem_free_rcu(p[8], rcu);
	rcu_read_unlock();
	expect_misuses(test, GOMEM_DOUBLE_FREE, 2);
	expect_freed(test, ARRAY_SIZE(p));
}

/* Contexts */

struct job {
	struct early *p[100];
};

static void job_run(void *arg)
{
	struct job *job = arg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(job->p); i++)
		gomem_free_rcu(job->p[i], rcu);
}

static void run_with_raw_lock(void (*fn)(void *arg), void *arg)
{
	static DEFINE_RAW_SPINLOCK(lock);
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	fn(arg);
	raw_spin_unlock_irqrestore(&lock, flags);
}

static void run_with_preemption_off(void (*fn)(void *arg), void *arg)
{
	preempt_disable();
	fn(arg);
	preempt_enable();
}

static void test_contexts(struct kunit *test)
{
	static void (*const run[])(void (*fn)(void *arg), void *arg) = {
		run_in_hardirq,
		run_in_softirq,
		run_with_raw_lock,
		run_with_preemption_off,
	};
	struct job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	unsigned int i, k;

	KUNIT_ASSERT_NOT_NULL(test, job);
	for (k = 0; k < ARRAY_SIZE(run); k++) {
		for (i = 0; i < ARRAY_SIZE(job->p); i++)
			job->p[i] = get_early(test, 64 << i % 8);
		run[k](job_run, job);
	}
	expect_freed(test, ARRAY_SIZE(run) * ARRAY_SIZE(job->p));
}

static long job_on_cpu(void *arg)
{
	job_run(arg);
	return 0;
}

static void test_every_cpu(struct kunit *test)
{
	struct job *job = kunit_kzalloc(test, sizeof(*job), GFP_KERNEL);
	unsigned int i, n = 0;
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, job);
	for_each_online_cpu(cpu) {
		for (i = 0; i < ARRAY_SIZE(job->p); i++)
			job->p[i] = get_early(test, 64);
		work_on_cpu(cpu, job_on_cpu, job);
		n += i;
	}
	expect_freed(test, n);
}

static int rcu_test_init(struct kunit *test)
{
	struct rcu_fixture *f = fixture_alloc(test, sizeof(*f));

	if (!f)
		return -ENOMEM;
	gomem_rcu_barrier();
	f->frees = gomem_event_sum(GOMEM_EV_RCU_FREES);
	f->batches = gomem_event_sum(GOMEM_EV_RCU_BATCHES);
	return 0;
}

static struct kunit_case rcu_cases[] = {
	KUNIT_CASE(test_every_class),
	KUNIT_CASE(test_tiny),
	KUNIT_CASE(test_every_kind),
	KUNIT_CASE(test_small_head),
	KUNIT_CASE(test_every_offset),
	KUNIT_CASE(test_late_field),
	KUNIT_CASE(test_nothing),
	KUNIT_CASE(test_evaluated_once),
	KUNIT_CASE(test_reader),
	KUNIT_CASE(test_batches),
	KUNIT_CASE(test_twice),
	KUNIT_CASE(test_copied),
	KUNIT_CASE(test_free_already),
	KUNIT_CASE(test_freed_meanwhile),
	KUNIT_CASE(test_no_object),
	KUNIT_CASE(test_broken_list),
	KUNIT_CASE(test_broken_link),
	KUNIT_CASE(test_one_bit),
	KUNIT_CASE(test_one_byte),
	KUNIT_CASE(test_mightsleep),
	KUNIT_CASE(test_at_once),
	KUNIT_CASE(test_nmi),
	KUNIT_CASE(test_nolock),
	KUNIT_CASE(test_contexts),
	KUNIT_CASE(test_every_cpu),
	{}
};

static struct kunit_suite rcu_suite = {
	.name = "gomem_rcu",
	.init = rcu_test_init,
	.exit = fixture_exit,
	.test_cases = rcu_cases,
};

kunit_test_suite(rcu_suite);
