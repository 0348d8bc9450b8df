// SPDX-License-Identifier: GPL-2.0
/*
 * usage.c - estimate how much memory each client has, and apply its limits.
 *
 * A client is a module that may call gomem: see api/client.h. A hit does not
 * change the usage of a client. Only a record of the heap profile does, which
 * costs thousands of instructions anyway. So the usage is an estimate, and
 * limits act when the estimate exceeds them. As long as any client has a hard
 * limit, each allocation checks whether any client is over its hard limit (see
 * api/watch.h). If one is, no allocation takes the hit path, so that
 * gomem_usage_refuses() can refuse those of that client.
 */
#define pr_fmt(fmt) "gomem: " fmt

#include <kunit/visibility.h>
#include <linux/bitops.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/jump_label.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/sample.h"
#include "base/stack.h"
#include "map/bucket.h"
#include "map/special.h"
#include "api/client.h"
#include "api/usage.h"
#include "api/watch.h"

/*
 * At most this many bytes of a record enter the variance of a usage. So a
 * record adds less than BYTES_MAX^2 >> VARIANCE_SHIFT = 2^56 to the variance,
 * and the sum for 128 such records still fits into an s64.
 */
#define BYTES_MAX	BIT_ULL(34)

#define VARIANCE_SHIFT	12

static_assert(1 << VARIANCE_SHIFT == GOMEM_USAGE_ERROR * GOMEM_USAGE_ERROR);

atomic_t gomem_nr_over = ATOMIC_INIT(0);

/*
 * Protects the limits of all clients, and the number of clients with a hard
 * limit. Taken by tasks that write to the debugfs file accounts.
 */
static DEFINE_MUTEX(limits_mutex);
static unsigned int nr_hard;

/*
 * Estimate of the objects that a record of the profile stands for, in the units
 * of struct gomem_usage. @variance: variance of @bytes, as
 * gomem_profile_error() derives it.
 */
struct estimate {
	s64 bytes;
	s64 objects;
	s64 variance;
};

static struct estimate estimate(const struct gomem_special *sp)
{
	const struct gomem_bucket *b = sp->bucket;
	u64 chance = gomem_sample_chance(b->size, b->rate), bytes, most;

	bytes = mul_u64_u64_div_u64((u64)sp->weight * b->size,
				    GOMEM_CHANCE_ONE, chance) >> 8;
	most = min(bytes, BYTES_MAX);
	return (struct estimate){
		.bytes = bytes,
		.objects = mul_u64_u64_div_u64(sp->weight, GOMEM_CHANCE_ONE,
					       chance),
		.variance = mul_u64_u64_shr(most,
					    most - min_t(u64, b->size, most),
					    VARIANCE_SHIFT),
	};
}

static s64 total(const struct gomem_usage *u)
{
	return atomic64_read(&u->bytes) + atomic64_read(&u->large);
}

/*
 * Log that a client is above its soft limit. This runs from an irq_work, since
 * code that allocates may hold a lock that a console driver takes, too.
 */
static void tell_soft(struct irq_work *work)
{
	struct gomem_usage *u = container_of(work, struct gomem_usage, tell);
	const struct gomem_client *c =
		container_of(u, struct gomem_client, usage);
	u64 soft = READ_ONCE(u->soft);

	/* The limit may have been removed meanwhile. */
	if (!soft)
		return;
	pr_warn_ratelimited("module %s has about %llu bytes, above its soft limit of %llu\n",
			    c->name, max(total(u), 0LL), soft);
}

/**
 * gomem_usage_init - prepare the usage of a new client
 * @u: the usage, all zero
 *
 * Context: any.
 */
void gomem_usage_init(struct gomem_usage *u)
{
	init_irq_work(&u->tell, tell_soft);
}

/**
 * gomem_usage_destroy - wait until nothing uses a usage any more
 * @u: the usage of a client that allocates nothing any more
 *
 * Context: may sleep.
 */
void gomem_usage_destroy(struct gomem_usage *u)
{
	irq_work_sync(&u->tell);
}

/**
 * gomem_usage_raise - raise the peak of a client or of an account to @bytes, if
 *	it is lower
 * @peak: the peak
 * @bytes: the bytes in use now
 *
 * Context: any.
 */
void gomem_usage_raise(atomic64_t *peak, s64 bytes)
{
	s64 old = atomic64_read(peak);

	while (bytes > old && !atomic64_try_cmpxchg(peak, &old, bytes))
		;
}

/**
 * gomem_usage_restart - reset the counters when a module is loaded again
 * @u: its usage. Objects that the module had not freed when it was unloaded
 *	still count, and its limits stay
 *
 * Context: any.
 */
void gomem_usage_restart(struct gomem_usage *u)
{
	atomic64_set(&u->peak, 0);
	atomic64_set(&u->failures, 0);
	WRITE_ONCE(u->crossings, 0);
}

/*
 * Find out whether a client is over its hard limit. While any client is over,
 * all allocations leave the hit path: see gomem_is_watched(). So a module that
 * is not loaded never counts as over its limit: it cannot allocate, and the
 * objects that it has not freed must not slow down other modules.
 */
static void check_hard(struct gomem_client *c)
{
	struct gomem_usage *u = &c->usage;
	bool over;
	u64 hard;

	for (;;) {
		/*
		 * The caller has changed the usage, the limit or c->mod, or the
		 * loop has changed the bit. Order that change before the
		 * reads below. If two tasks make changes concurrently, at least
		 * one of them sees both. Pairs with this barrier in the other
		 * task.
		 */
		smp_mb();
		hard = READ_ONCE(u->hard);
		over = hard && READ_ONCE(c->mod) && total(u) > (s64)hard;
		if (over == test_bit(GOMEM_OVER_HARD, &u->over))
			return;
		if (over && !test_and_set_bit(GOMEM_OVER_HARD, &u->over))
			atomic_inc(&gomem_nr_over);
		else if (!over && test_and_clear_bit(GOMEM_OVER_HARD, &u->over))
			atomic_dec(&gomem_nr_over);
	}
}

/*
 * Report that a client got above its soft limit, but not again before it has
 * been below 7/8 of the limit.
 */
static void check_soft(struct gomem_client *c)
{
	struct gomem_usage *u = &c->usage;
	u64 soft = READ_ONCE(u->soft), bytes = max(total(u), 0LL);

	if (bytes < soft - soft / 8 || !soft) {
		if (test_bit(GOMEM_OVER_SOFT, &u->over))
			clear_bit(GOMEM_OVER_SOFT, &u->over);
		return;
	}
	if (bytes <= soft || test_bit(GOMEM_OVER_SOFT, &u->over) ||
	    test_and_set_bit(GOMEM_OVER_SOFT, &u->over))
		return;
	WRITE_ONCE(u->crossings, u->crossings + 1);
	irq_work_queue(&u->tell);
}

/**
 * gomem_usage_check - compare the usage of a client with its limits
 * @c: the client. Its usage or its limits have changed, or its module is being
 *	loaded or unloaded
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_usage_check(struct gomem_client *c)
{
	check_soft(c);
	check_hard(c);
}

/* Add a record to the usage of its client, or subtract it. @sign: 1 or -1. */
static void change(const struct gomem_special *sp, int sign)
{
	struct gomem_client *c = sp->bucket->client;
	struct estimate e = estimate(sp);

	if (sp->bucket->large) {
		atomic64_add(sign * e.bytes, &c->usage.large);
	} else {
		atomic64_add(sign * e.bytes, &c->usage.bytes);
		atomic64_add(sign * e.objects, &c->usage.objects);
		atomic64_add(sign * e.variance, &c->usage.variance);
	}
	if (sign > 0)
		gomem_usage_raise(&c->usage.peak, total(&c->usage));
	gomem_usage_check(c);
}

/**
 * gomem_usage_begin - count a record of the profile
 * @sp: the record, of an object that is charged to no account
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_usage_begin(const struct gomem_special *sp)
{
	change(sp, 1);
}

/**
 * gomem_usage_end - subtract a record that gomem_usage_begin() has counted
 * @sp: the record. Its object is freed, or was charged to an account
 *
 * Context: any but NMI; never sleeps.
 */
void gomem_usage_end(const struct gomem_special *sp)
{
	change(sp, -1);
}

/**
 * gomem_usage_refuses - does this allocation fail at its module's hard limit?
 * @gfp: the gfp of the allocation
 *
 * Context: any.
 * Return: true if the allocation fails. The failure is counted for the module.
 */
bool gomem_usage_refuses(gfp_t gfp)
{
	/*
	 * Look up only the code that called gomem. gomem_client_calling() would
	 * also find a module that called mempool_alloc(). But mempool_alloc()
	 * would wait for ever if gomem refused its allocations.
	 */
	struct gomem_client *c = gomem_client_at(gomem_stack_caller());
	struct gomem_usage *u = &c->usage;

	if (!test_bit(GOMEM_OVER_HARD, &u->over) || gfp & __GFP_NOFAIL)
		return false;
	/*
	 * The bit may be out of date, if the limit changed while a record of
	 * the profile was added to the usage, or subtracted.
	 */
	check_hard(c);
	if (!test_bit(GOMEM_OVER_HARD, &u->over))
		return false;
	atomic64_inc(&u->failures);
	return true;
}

static void set_limits(struct gomem_client *c, u64 soft, u64 hard)
{
	struct gomem_usage *u = &c->usage;

	lockdep_assert_held(&limits_mutex);
	WRITE_ONCE(u->soft, soft);
	if (hard && !u->hard) {
		nr_hard++;
		gomem_watch_begin();
	} else if (!hard && u->hard) {
		nr_hard--;
		gomem_watch_end();
	}
	WRITE_ONCE(u->hard, hard);
	gomem_usage_check(c);
}

/* Return the shift of a suffix K, M or G; 0 for any other letter. */
static unsigned int shift_of(char suffix)
{
	switch (toupper(suffix)) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	}
	return 0;
}

/*
 * Parse a number of bytes that may have a suffix. Unlike memparse(), refuse a
 * number that is too large, and a suffix without a number.
 */
static bool parse_bytes(char *word, u64 *bytes)
{
	size_t len = strlen(word);
	unsigned int shift = len ? shift_of(word[len - 1]) : 0;

	if (shift)
		word[len - 1] = '\0';
	if (!isdigit(*word) || kstrtou64(word, 0, bytes) ||
	    *bytes > (u64)S64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}

/* A limit that the text has not given yet: more than parse_bytes() accepts. */
#define NOT_GIVEN	U64_MAX

/* Parse "soft=BYTES" or "hard=BYTES". Refuse a limit that was given before. */
static bool parse_limit(char *word, u64 *soft, u64 *hard)
{
	u64 *bytes = strstarts(word, "soft=") ? soft :
		     strstarts(word, "hard=") ? hard : NULL;

	return bytes && *bytes == NOT_GIVEN &&
	       parse_bytes(word + strlen("soft="), bytes);
}

static int limit(char *text)
{
	char *name = strsep(&text, " "), *word;
	struct gomem_client *c = gomem_client_find(name);
	u64 soft = NOT_GIVEN, hard = NOT_GIVEN;

	if (!c)
		return -ENOENT;
	if (!text)
		return -EINVAL;
	while ((word = strsep(&text, " ")))
		if (!parse_limit(word, &soft, &hard))
			return -EINVAL;
	set_limits(c, soft == NOT_GIVEN ? c->usage.soft : soft,
		   hard == NOT_GIVEN ? c->usage.hard : hard);
	return 0;
}

/**
 * gomem_usage_limit - limit the memory that a module may have
 * @text: "MODULE soft=BYTES hard=BYTES", with one of the limits or both, each
 *	once; 0 is no limit. A limit that is left out stays as it is. A newline
 *	may follow
 *
 * Context: may sleep.
 * Return: 0; -ENOENT if no such module was loaded after gomem, or if there was
 * no memory or no number left to make it a client; -EINVAL or -ENOMEM. After an
 * error, nothing has changed.
 */
int gomem_usage_limit(const char *text)
{
	size_t len = strcspn(text, "\n");
	char *copy;
	int err;

	if (text[len] && text[len + 1])
		return -EINVAL;
	copy = kstrndup(text, len, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	mutex_lock(&limits_mutex);
	err = limit(copy);
	mutex_unlock(&limits_mutex);
	kfree(copy);
	return err;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_usage_limit);

/**
 * gomem_usage_exit - stop watching allocations for hard limits
 *
 * Called when nothing allocates any more.
 */
void gomem_usage_exit(void)
{
	for (; nr_hard; nr_hard--)
		gomem_watch_end();
}
