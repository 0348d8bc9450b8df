// SPDX-License-Identifier: GPL-2.0
/*
 * profile.c - count sampled allocations by stack, size and rate (Go's
 * mprof.go).
 *
 * A sampled allocation is counted in the bucket of its stack, size and sampling
 * rate. A special leads from the object to the bucket, so that the free is
 * counted, too. Bucket and special are allocated without reclaim. If there is
 * no memory, the sample is dropped, and counted as dropped.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/rculist.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "base/sample.h"
#include "base/stack.h"
#include "base/stats.h"
#include "base/trace.h"
#include "map/origin.h"
#include "map/pagemap.h"
#include "map/special.h"
#include "cpu/mcache.h"
#include "api/client.h"
#include "api/account.h"
#include "api/exact.h"
#include "api/profile.h"
#include "api/usage.h"

#define HASH_BITS	10

/*
 * If the error of a bucket's estimate is larger than this many KiB,
 * gomem_profile_variance() squares this limit instead. The square of the limit
 * is 2^54, so the sum of a thousand such squares fits in 64 bits.
 */
#define ERROR_MAX	BIT_ULL(27)

/*
 * No reclaim, no reserves, and no wake-up of kswapd: the wake-up takes locks,
 * and a caller may hold any lock.
 */
#define GFP_SAMPLE	(__GFP_NOWARN | __GFP_NOMEMALLOC)

/*
 * Protects the lists of buckets: each sampled allocation, on any CPU, takes it
 * to find its bucket or to add one. Readers of the profile walk the list of all
 * buckets under RCU instead. No bucket is removed before gomem is unloaded. Of
 * the buckets of one call stack, @stacks has only the one that was added first.
 * If it had all of them, a call stack that allocates thousands of sizes would
 * make one of its lists long, and the lists are walked with interrupts off.
 */
static DEFINE_SPINLOCK(buckets_lock);
static struct hlist_head buckets[1 << HASH_BITS];
static struct hlist_head stacks[1 << HASH_BITS];
static LIST_HEAD(all_buckets);
static unsigned int nr_buckets;

/*
 * Has a bucket with a rate above 1 been added? With a profile_rate above 1, not
 * each object is recorded. Never becomes false again.
 */
static bool sampled;

/*
 * The properties that identify a bucket. @stack_hash is the hash of the frames,
 * and @hash is the hash of @stack_hash, @size and @rate.
 */
struct stack {
	unsigned long *frame;
	unsigned int nr;
	u32 size;
	u32 hash;
	u32 stack_hash;
	bool large;
	unsigned long rate;
};

/*
 * Does a bucket belong to this stack? Not if the names of the bucket's frames
 * are stored, or if it is marked as gone: other code may be at the addresses of
 * these frames now.
 */
static bool same_stack(const struct gomem_bucket *b, const struct stack *st)
{
	return b->nr == st->nr && !b->names && !b->gone &&
	       !memcmp(b->frame, st->frame, st->nr * sizeof(*st->frame));
}

static struct gomem_bucket *find_bucket(const struct stack *st)
{
	struct gomem_bucket *b;

	lockdep_assert_held(&buckets_lock);
	hlist_for_each_entry(b, &buckets[st->hash >> (32 - HASH_BITS)], link)
		if (b->hash == st->hash && b->size == st->size &&
		    b->rate == st->rate && b->large == st->large &&
		    same_stack(b, st))
			return b;
	return NULL;
}

/* Add a bucket to the lists. */
static void add_bucket(struct gomem_bucket *b, const struct stack *st)
{
	struct hlist_head *list = &stacks[st->stack_hash >> (32 - HASH_BITS)];
	struct gomem_bucket *first;

	lockdep_assert_held(&buckets_lock);
	b->first = b;
	hlist_for_each_entry(first, list, first_link) {
		if (!same_stack(first, st))
			continue;
		b->first = first;
		break;
	}
	if (b->first == b)
		hlist_add_head(&b->first_link, list);
	hlist_add_head(&b->link, &buckets[b->hash >> (32 - HASH_BITS)]);
	if (b->rate > 1)
		WRITE_ONCE(sampled, true);
	b->row = nr_buckets;
	WRITE_ONCE(nr_buckets, nr_buckets + 1);
	list_add_tail_rcu(&b->all, &all_buckets);
}

static struct gomem_bucket *make_bucket(const struct stack *st)
{
	struct gomem_bucket *b;

	b = kzalloc(struct_size(b, frame, st->nr), GFP_SAMPLE);
	if (!b)
		return NULL;
	b->size = st->size;
	b->hash = st->hash;
	b->rate = st->rate;
	b->large = st->large;
	b->nr = st->nr;
	b->client = gomem_client_of_stack(st->frame, st->nr, &b->site);
	memcpy(b->frame, st->frame, st->nr * sizeof(*st->frame));
	return b;
}

/*
 * Return the bucket for a call stack, object size and rate. Return NULL if
 * there is none, and no memory to make one.
 */
static struct gomem_bucket *get_bucket(const struct stack *st)
{
	struct gomem_bucket *b, *new = NULL;
	unsigned long flags;

	spin_lock_irqsave(&buckets_lock, flags);
	b = find_bucket(st);
	spin_unlock_irqrestore(&buckets_lock, flags);
	if (b)
		return b;
	/* Nothing is allocated with a lock held. */
	new = make_bucket(st);
	if (!new)
		return NULL;
	spin_lock_irqsave(&buckets_lock, flags);
	b = find_bucket(st);
	if (!b) {
		b = new;
		new = NULL;
		add_bucket(b, st);
	}
	spin_unlock_irqrestore(&buckets_lock, flags);
	kfree(new);
	return b;
}

/*
 * Save the stack of gomem's caller in @room, which has GOMEM_PROFILE_DEPTH +
 * GOMEM_STACK_OWN words. Set @st, by which get_bucket() finds the stack's
 * bucket.
 */
static void save_stack(struct stack *st, unsigned long *room, u32 size,
		       unsigned long rate)
{
	st->nr = gomem_stack_save(room, GOMEM_PROFILE_DEPTH, &st->frame);
	st->size = size;
	st->rate = rate;
	st->stack_hash = jhash2((const u32 *)st->frame,
				st->nr * (sizeof(*st->frame) / sizeof(u32)), 0);
	st->hash = jhash_3words(st->stack_hash, size, rate, 0);
}

/* Count a record in its bucket. count_end() counts the free of the object. */
static void count_begin(const struct gomem_special *sp)
{
	atomic64_add((u64)sp->weight * sp->weight, &sp->bucket->squares);
	atomic64_add(sp->weight, &sp->bucket->allocs);
}

static void count_end(const struct gomem_special *sp)
{
	atomic64_sub((u64)sp->weight * sp->weight, &sp->bucket->squares);
	atomic64_add(sp->weight, &sp->bucket->frees);
}

/* Take a record off the counts. */
static void uncount(const struct gomem_special *sp)
{
	count_end(sp);
	if (!sp->charged)
		gomem_usage_end(sp);
}

/*
 * Is a recorded object a large one? The size alone does not tell: an arena's
 * span, or an object of a typed cache, may have the size of a large object,
 * too.
 */
static bool is_large(const void *obj, size_t size)
{
	const struct gomem_span *s;

	/*
	 * The size of a large object is at least a page. This is also so if a
	 * size class would fit the request: for a buffer from gomem_realloc(),
	 * and for an object of a caller that may use the kernel's reserves.
	 */
	if (size < GOMEM_PAGE_SIZE)
		return false;
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)obj);
	/*
	 * Do not compare with GOMEM_SPAN_LARGE: while a large object is
	 * extended, it is claimed, and the state of its span is DEAD.
	 */
	return s && gomem_kind_is_large(s->kind) &&
	       gomem_span_state(s) != GOMEM_SPAN_ARENA;
}

/*
 * Return the bucket of an object that the current stack allocates, NULL if
 * there is no memory for a bucket. The frames are saved in memory from
 * kmalloc(), not on the stack: the allocation of a bucket may need much of the
 * stack.
 */
static struct gomem_bucket *bucket_here(const void *obj, size_t size,
					unsigned long rate)
{
	struct gomem_bucket *b;
	unsigned long *room;
	struct stack st;

	room = kmalloc_array(GOMEM_PROFILE_DEPTH + GOMEM_STACK_OWN,
			     sizeof(*room), GFP_SAMPLE);
	if (!room)
		return NULL;
	save_stack(&st, room, size, rate);
	st.large = is_large(obj, size);
	b = get_bucket(&st);
	kfree(room);
	return b;
}

/*
 * Record an object. @weight: how many records this one stands for, in units of
 * 2^-8, from gomem_sample_weight(). With @charged, an account pays for the
 * object, so the usage of the module does not include it.
 */
static noinline void add_record(void *obj, size_t size, unsigned long rate,
				u32 weight, bool charged)
{
	struct gomem_special *sp = kmalloc(sizeof(*sp), GFP_SAMPLE);
	struct gomem_bucket *b = sp ? bucket_here(obj, size, rate) : NULL;

	if (!b) {
		gomem_count(GOMEM_EV_PROFILE_DROPPED, 1);
		kfree(sp);
		return;
	}
	sp->hidden = gomem_hide((unsigned long)obj);
	sp->bucket = b;
	gomem_origin_begin(sp);
	sp->weight = weight;
	sp->charged = charged;
	count_begin(sp);
	if (!charged)
		gomem_usage_begin(sp);
	gomem_count(GOMEM_EV_PROFILE_SAMPLES, 1);
	trace_sample_alloc(b->nr ? b->frame[b->site] : 0, obj, size);
	if (unlikely(!gomem_special_add(sp, NULL))) {
		uncount(sp);
		kfree(sp);
	}
}

/**
 * gomem_profile_take - record a sampled allocation
 * @obj: the object, which is live and not handed out yet
 * @size: its bytes
 * @thin: how much the CPU thinned its samples when it drew the distance to this
 *	sample: the value that gomem_sampler.thin had then
 * @charged: an account pays for the object
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
noinline void gomem_profile_take(void *obj, size_t size, unsigned int thin,
				 bool charged)
{
	add_record(obj, size, READ_ONCE(gomem_profile_rate),
		   gomem_sample_weight(size, thin), charged);
	gomem_sample_note();
}
EXPORT_SYMBOL_IF_KUNIT(gomem_profile_take);

/**
 * gomem_profile_watch - record an object that profile_exact or a sample selects
 * @obj: the object, which is live and not handed out yet
 * @size: its bytes
 * @charged: an account pays for the object
 *
 * If profile_exact selects the caller's module, the object is recorded as if
 * profile_rate were 1, whatever its value is. Otherwise the object is recorded
 * if it is sampled.
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_profile_watch(void *obj, size_t size, bool charged)
{
	int thin;

	if (gomem_exact_wants()) {
		add_record(obj, size, 1, 1 << 8, charged);
		return;
	}
	thin = gomem_sample_due(size);
	if (unlikely(thin >= 0))
		gomem_profile_take(obj, size, thin, charged);
}

/**
 * gomem_profile_extend - count an object that was extended in place
 * @obj: the object, which the caller has claimed
 * @size: its bytes now
 * @charged: an account pays for the object
 *
 * Counts the object as if it had been freed and allocated again with its new
 * size, like an object that a resize moves. Otherwise its record would keep the
 * old size. An object without a record would never get one while it grows in
 * place.
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_profile_extend(void *obj, size_t size, bool charged)
{
	struct gomem_special *old = NULL;

	if (gomem_has_special(obj))
		old = gomem_special_remove_record((unsigned long)obj);
	/*
	 * Count the new size before the old one is subtracted. Otherwise the
	 * usage of the client could fall far below its soft limit in between,
	 * and check_soft() in api/usage.c could report once more that the
	 * client is above that limit.
	 */
	gomem_profile_watch(obj, size, charged);
	if (old)
		uncount(old);
	kfree(old);
}

/**
 * gomem_profile_take_many - count objects of a bulk call, record sampled ones
 * @p: the objects, live and not handed out yet
 * @n: their number
 * @size: bytes of each
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
noinline void gomem_profile_take_many(void **p, unsigned int n, size_t size)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		gomem_profile_count_one(p[i], size);
}

static void note_life(const struct gomem_special *sp)
{
	struct gomem_bucket *b = sp->bucket;
	u64 now = ktime_get_ns(), us = div_u64(now - sp->born, NSEC_PER_USEC);
	unsigned int life = min_t(unsigned int, fls64(us), GOMEM_LIVES - 1);
	unsigned int records = (sp->weight + (1 << 7)) >> 8;

	atomic_add(records, &b->lived[life]);
	if (now - atomic64_xchg(&b->last_free, now) < GOMEM_TOGETHER)
		atomic_add(records, &b->together);
}

/**
 * gomem_profile_forget - count the free of a recorded object
 * @sp: the object's record, which was removed from the object
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_profile_forget(const struct gomem_special *sp)
{
	note_life(sp);
	uncount(sp);
	gomem_origin_end(sp);
}

/* A snapshot that is being made. Ages of objects are those at the time @now. */
struct snapshot {
	struct gomem_profile_row *rows;
	unsigned int n;
	u64 now;
};

static void note_age(const struct gomem_special *sp, void *arg)
{
	const struct snapshot *snap = arg;
	u64 ns = snap->now - min(snap->now, sp->born);
	unsigned long age = max(nsecs_to_jiffies(ns), 1UL);
	struct gomem_profile_row *row;

	/*
	 * Skip cleanups and charges, which have no bucket. Skip a bucket that
	 * is newer than the snapshot, too.
	 */
	if (!sp->bucket || sp->bucket->row >= snap->n)
		return;
	row = &snap->rows[sp->bucket->row];
	row->oldest = max(row->oldest, age);
	row->youngest = row->youngest ? min(row->youngest, age) : age;
}

/**
 * gomem_profile_records - read the sums of the weights of a bucket's records
 * @b: the bucket
 * @frees: set to the sum for objects that were freed, in units of 2^-8
 *
 * Each object whose free is counted is also counted as an allocation.
 *
 * Context: any.
 * Return: the sum for all objects, at least @frees, in units of 2^-8.
 */
u64 gomem_profile_records(const struct gomem_bucket *b, u64 *frees)
{
	*frees = atomic64_read(&b->frees);
	/*
	 * An object's allocation is counted before gomem_special_add(), and its
	 * free after gomem_special_remove_all(). Both take row.lock in
	 * map/special.c, which orders the two counts. This barrier pairs with
	 * that lock.
	 */
	smp_rmb();
	return atomic64_read(&b->allocs);
}

/* Fill up to @room rows with the counts of the buckets. Return their number. */
static unsigned int fill_rows(struct gomem_profile_row *rows, unsigned int room)
{
	struct gomem_bucket *b;
	unsigned int n = 0;

	rcu_read_lock();
	list_for_each_entry_rcu(b, &all_buckets, all) {
		if (n == room)
			break;
		rows[n].b = b;
		rows[n].allocs = gomem_profile_records(b, &rows[n].frees);
		rows[n].squares = atomic64_read(&b->squares);
		n++;
	}
	rcu_read_unlock();
	return n;
}

/**
 * gomem_profile_snapshot - copy the counts of all buckets
 * @n: set to the number of rows
 * @ages: also set the members oldest and youngest of each row; else they are 0
 *
 * Context: may sleep.
 * Return: an array of rows, for kvfree(); NULL if there is no memory. The index
 * of a bucket's row is gomem_bucket.row.
 */
struct gomem_profile_row *gomem_profile_snapshot(unsigned int *n, bool ages)
{
	unsigned int room = READ_ONCE(nr_buckets);
	struct snapshot snap;

	snap.rows = kvcalloc(room + 1, sizeof(*snap.rows), GFP_KERNEL);
	if (!snap.rows)
		return NULL;
	snap.n = fill_rows(snap.rows, room);
	snap.now = ktime_get_ns();
	if (ages)
		gomem_special_walk(note_age, &snap);
	*n = snap.n;
	return snap.rows;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_profile_snapshot);

/**
 * gomem_profile_scale - estimate a number of objects from its records
 * @n: how many were recorded, in units of 2^-8
 * @size: bytes of each
 * @rate: the profile's rate when they were recorded
 *
 * Return: n / (1 - exp(-size / rate)) in whole objects. Tools for Go's profiles
 * compute the same.
 */
u64 gomem_profile_scale(u64 n, u32 size, unsigned long rate)
{
	u64 chance = gomem_sample_chance(size, rate);

	/* Limit n, so that the quotient fits into 64 bits. */
	n = min(n, (chance - 1) << 4);
	return DIV_ROUND_CLOSEST_ULL(mul_u64_u64_div_u64(n, GOMEM_CHANCE_ONE,
							 chance), 1 << 8);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_profile_scale);

/**
 * gomem_profile_error - estimate how far an estimate of live bytes is off
 * @row: the counts of a bucket
 *
 * Let p be the chance that an object is recorded if the CPU does not thin its
 * samples (base/sample.h). A record of weight w was made with the chance
 * q = p / w, and stands for 1 / q objects. Each of these objects, recorded or
 * not, adds (1 - q) / q to the variance of the estimated number. So a record
 * adds 1 / q times as much, and the variance is the sum over the records of
 *
 *	(1 - q) / q^2 = w^2 / p^2 - w / p
 *
 * Return: the standard deviation, in bytes; 0 if the number is exact.
 */
u64 gomem_profile_error(const struct gomem_profile_row *row)
{
	const struct gomem_bucket *b = row->b;
	u64 chance = gomem_sample_chance(b->size, b->rate), root;
	u64 less = mul_u64_u64_div_u64((row->allocs - row->frees) << 8, chance,
				       GOMEM_CHANCE_ONE);

	/* The counts were read one by one, so they may not fit together. */
	if ((s64)row->squares <= (s64)less)
		return 0;
	root = int_sqrt64(row->squares - less) * b->size;
	/* Limit root, so that the quotient fits into 64 bits. */
	root = min(root, (chance - 1) << 4);
	return mul_u64_u64_div_u64(root, GOMEM_CHANCE_ONE, chance) >> 8;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_profile_error);

/**
 * gomem_profile_variance - square the error of an estimate of live bytes
 * @row: the counts of a bucket
 *
 * The variances of several buckets may be added.
 *
 * Return: the square of the error in KiB. The error is gomem_profile_error(),
 * rounded up to whole KiB.
 */
u64 gomem_profile_variance(const struct gomem_profile_row *row)
{
	u64 kib = DIV_ROUND_UP_ULL(gomem_profile_error(row), SZ_1K);

	kib = min(kib, ERROR_MAX);
	return kib * kib;
}

/**
 * gomem_profile_sampled - check whether some records stand for other objects
 *
 * Context: any.
 * Return: true if any record so far was made at a rate above 1 byte per sample,
 * at which not each object is recorded: so the record stands for other objects,
 * too. Modules that profile_exact names are recorded at the rate 1.
 */
bool gomem_profile_sampled(void)
{
	return READ_ONCE(sampled);
}

/**
 * gomem_profile_buckets - return the list of all buckets
 *
 * Buckets are added at any time, and none is removed before gomem is unloaded.
 *
 * Return: the list, linked by gomem_bucket.all, for list_for_each_entry_rcu().
 */
struct list_head *gomem_profile_buckets(void)
{
	return &all_buckets;
}

/**
 * gomem_profile_exit - end the profile, and free all buckets and specials
 *
 * Called when nothing allocates or frees any more.
 *
 * Context: may sleep.
 */
void gomem_profile_exit(void)
{
	struct gomem_bucket *b, *next;
	struct gomem_special *sp;

	gomem_exact_exit();
	gomem_usage_exit();
	gomem_client_exit();
	while ((sp = gomem_special_take_any()))
		kfree(sp);
	list_for_each_entry_safe(b, next, &all_buckets, all) {
		kfree(b->names);
		kfree(b);
	}
}
