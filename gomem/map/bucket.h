/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bucket.h - the allocations that the heap profile recorded for one call stack,
 * object size and rate of the profile.
 *
 * api/profile.c makes the buckets, and counts allocations in them. The struct
 * is in this lower layer because reports print the stack of an object's bucket.
 */
#ifndef GOMEM_BUCKET_H
#define GOMEM_BUCKET_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/time64.h>
#include <linux/types.h>

struct gomem_client;
struct module;

/* Maximum number of frames in a bucket: the innermost frames of the stack. */
#define GOMEM_PROFILE_DEPTH	32

/*
 * Number of classes of lifetimes. Class 0 is less than a microsecond. Class i
 * is 2^(i-1) to 2^i microseconds; the last class has no upper limit.
 */
#define GOMEM_LIVES		32

/*
 * If less than this time, in ns, lies between two frees of objects of a bucket,
 * the second of these objects is counted in gomem_bucket.together.
 */
#define GOMEM_TOGETHER		NSEC_PER_MSEC

/**
 * struct gomem_stack_sum - live objects of one call stack, whatever their sizes
 * @objects: how many there are
 * @bytes: their bytes
 * @smallest: bytes of the smallest object
 * @largest: bytes of the largest object
 * @sampled: some records were made with a profile_rate above 1, at which not
 *	each object is recorded, so the numbers are estimates
 *
 * If @objects is 0, the other members are 0, too.
 */
struct gomem_stack_sum {
	u64 objects;
	u64 bytes;
	u32 smallest;
	u32 largest;
	bool sampled;
};

/**
 * struct gomem_bucket - the sampled allocations of one stack, size and rate
 * @link: in the list of its hash value
 * @all: in the list of all buckets
 * @first: the bucket that stands for all buckets of the stack: the one that was
 *	added first, perhaps this one
 * @first_link: in the list of the hash value of the stack, if @first is this
 *	bucket
 * @sum: if @first is this bucket: the live objects of all buckets of the stack,
 *	when api/sites.c computed it last
 * @size: bytes of an object
 * @hash: hash value of the stack, the size and the rate
 * @rate: the profile's rate when the allocations were recorded
 * @client: the client (api/client.h) whose code the frame @site is in
 * @owner: if the frame @site was in the init section of a module, and that
 *	section is freed: the module, else NULL. For comparison only: the module
 *	may be gone
 * @allocs: sum of the weights of the objects recorded so far, in units of 2^-8:
 *	see gomem_sample_weight()
 * @frees: the part of @allocs that was freed
 * @squares: sum of the squares of the weights of the live objects, in units of
 *	2^-16: tells how far an estimate may be off, see gomem_profile_error()
 * @lived: for each class of lifetime, the number of freed objects: the sum of
 *	their rounded weights
 * @last_free: when an object was freed last, in nanoseconds of ktime_get_ns()
 * @together: freed objects, counted as in @lived, whose free came within
 *	GOMEM_TOGETHER of the bucket's previous free
 * @large: the objects are large. The debugfs file modules does not use this
 *	bucket to count live large objects: it counts their spans
 * @seen: estimated number of objects that were live when the debugfs file leaks
 *	was last read
 * @names: text with the names of the frames, made before the code of one of the
 *	frames was freed: an init section, or a whole module; or NULL
 * @gone: the module that had the frame @site was unloaded. Also set when the
 *	module that had any other frame is unloaded, if @names is NULL until
 *	then. Code of another module may be at the addresses of the frames now
 * @row: the bucket's number in the list of all buckets, from 0 on. It never
 *	changes, since buckets are only added at the end
 * @site: index of the frame of the client, by gomem_client_of_stack()
 * @nr: number of frames
 * @frame: return addresses, the innermost first, without gomem's own
 *
 * A bucket lives until gomem is unloaded.
 */
struct gomem_bucket {
	struct hlist_node link;
	struct list_head all;
	struct gomem_bucket *first;
	struct hlist_node first_link;
	struct gomem_stack_sum sum;
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
	unsigned int site;
	unsigned int nr;
	unsigned long frame[];
};

#endif /* GOMEM_BUCKET_H */
