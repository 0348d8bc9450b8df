/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bucket.h - the recorded allocations of one stack and size (Go's bucket).
 *
 * api/profile.c makes and counts them. They are defined here, below it, because
 * reports print the stack of an object's bucket.
 */
#ifndef GOMEM_BUCKET_H
#define GOMEM_BUCKET_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/time64.h>
#include <linux/types.h>

struct gomem_client;
struct module;

/* More frames of a stack are cut off, the outermost ones. */
#define GOMEM_PROFILE_DEPTH	32

/*
 * Classes of lifetimes. Class 0 is less than a microsecond, class i less than
 * 2^i microseconds, the last one all that is longer.
 */
#define GOMEM_LIVES		32

/* Frees that follow each other by less than this come together. */
#define GOMEM_TOGETHER		NSEC_PER_MSEC

/**
 * struct gomem_bucket - the sampled allocations of one stack, size and rate
 * @link: in the list of its hash value
 * @all: in the list of all buckets
 * @size: bytes of an object
 * @hash: of the stack, the size and the rate
 * @rate: the profile's rate when they were recorded
 * @client: whose code the innermost frame is
 * @owner: the module whose init function allocated the objects, else NULL. For
 *	comparison only: the module may be gone
 * @allocs: objects recorded so far, in units of 2^-8: see gomem_sample_weight()
 * @frees: of these, objects that were freed
 * @squares: of the live ones, the sum of the squares of their weights, in units
 *	of 2^-16: tells how far an estimate may be off
 * @lived: of @frees, how many lived how long, in records
 * @last_free: when the last one was freed, in nanoseconds of ktime_get_ns()
 * @together: frees that came within GOMEM_TOGETHER of the one before
 * @large: the objects are large ones, which the file modules counts otherwise
 * @seen: objects that were live when the file leaks was read last
 * @names: the frames in words, made when a module of theirs was unloaded; or
 *	NULL
 * @gone: a module of its frames was unloaded: another one may be at the same
 *	address
 * @row: its number in the snapshot that is being made
 * @nr: number of frames
 * @frame: return addresses, the innermost first, without gomem's own
 *
 * A bucket lives until gomem is unloaded, as in Go.
 */
struct gomem_bucket {
	struct hlist_node link;
	struct list_head all;
	u32 size;
	u32 hash;
	unsigned long rate;
	struct gomem_client *client;
	const struct module *owner;
	atomic64_t allocs;
	atomic64_t frees;
	atomic64_t squares;
	atomic_t lived[GOMEM_LIVES];
	atomic64_t last_free;
	atomic_t together;
	u64 seen;
	bool large;
	char *names;
	bool gone;
	unsigned int row;
	unsigned int nr;
	unsigned long frame[];
};

#endif /* GOMEM_BUCKET_H */
