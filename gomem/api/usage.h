/* SPDX-License-Identifier: GPL-2.0 */
/*
 * usage.h - estimate how much memory each client has, from the samples of the
 *	heap profile, and limit it.
 *
 * A client is a module that may call gomem: see api/client.h. A record of the
 * profile changes the usage of one client, unless the object is charged to an
 * account: such an object is in the usage of no client.
 */
#ifndef GOMEM_USAGE_H
#define GOMEM_USAGE_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/types.h>

struct gomem_client;
struct gomem_special;

/**
 * struct gomem_usage - the memory that a client has, and its limits
 * @bytes: estimated bytes of live objects, without large ones
 * @objects: estimated number of these objects, in units of 2^-8
 * @variance: variance of the estimate in @bytes, in units of GOMEM_USAGE_ERROR
 *	squared
 * @large: estimated bytes of live large objects
 * @peak: maximum number of bytes that the client has had since its module was
 *	loaded, large objects included
 * @failures: allocations that failed at @hard
 * @soft: limit of @bytes + @large above which a warning is logged; 0: no limit
 * @hard: limit of @bytes + @large above which allocations fail; 0: no limit
 * @crossings: how often @bytes + @large rose above @soft. Further rises count
 *	only after the sum has been below 7/8 of @soft
 * @over: bits of enum gomem_usage_over
 * @tell: irq_work that logs that the client is above @soft
 */
struct gomem_usage {
	atomic64_t bytes;
	atomic64_t objects;
	atomic64_t variance;
	atomic64_t large;
	atomic64_t peak;
	atomic64_t failures;
	u64 soft;
	u64 hard;
	u64 crossings;
	unsigned long over;
	struct irq_work tell;
};

#define GOMEM_USAGE_ERROR	64U

enum gomem_usage_over {
	GOMEM_OVER_SOFT,
	GOMEM_OVER_HARD,
};

/* Number of clients that are over their hard limits. */
extern atomic_t gomem_nr_over;

/* Does an allocation have to call gomem_usage_refuses()? */
static inline bool gomem_usage_is_over(void)
{
	return unlikely(atomic_read(&gomem_nr_over));
}

void gomem_usage_init(struct gomem_usage *u);
void gomem_usage_destroy(struct gomem_usage *u);
void gomem_usage_begin(const struct gomem_special *sp);
void gomem_usage_end(const struct gomem_special *sp);
bool gomem_usage_refuses(gfp_t gfp);
void gomem_usage_raise(atomic64_t *peak, s64 bytes);
void gomem_usage_check(struct gomem_client *c);
void gomem_usage_restart(struct gomem_usage *u);
int gomem_usage_limit(const char *text);
void gomem_usage_exit(void);

#endif /* GOMEM_USAGE_H */
