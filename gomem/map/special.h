/* SPDX-License-Identifier: GPL-2.0 */
/*
 * special.h - what is attached to a live object, and found when the object is
 * freed.
 *
 * While an object has a special, GOMEM_TAG_SPECIAL is set in the tag of its
 * page, instead of the span class. So a free of any object in that page
 * leaves the hit path, and searches for specials in the slow path. Frees in
 * other pages cost no more than without specials. gomem_cache_free() is an
 * exception: it does not read the tag, but gomem_span.limit, which is 0 as long
 * as an object of the span has a special. So it leaves the hit path for each
 * object of that span.
 *
 * A special belongs to the object. The heap profile and accounts add their
 * specials before an allocation or a resize returns the object. The object's
 * owner adds cleanups later. A free removes all specials of the object after
 * its checks, before another caller can get the object.
 */
#ifndef GOMEM_SPECIAL_H
#define GOMEM_SPECIAL_H

#include <linux/list.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "base/hide.h"
#include "map/pagemap.h"

struct gomem_account;
struct gomem_bucket;
struct module;

/**
 * struct gomem_special - what is attached to a live object
 * @link: in the list of its hash value, sorted by address
 * @hidden: address of the object, inverted: see gomem_special_addr()
 * @bucket: the bucket in which the profile counted the object; NULL for a
 *	cleanup and for a charge
 * @born: when the object was allocated, in nanoseconds of ktime_get_ns()
 * @weight: how many records this record stands for, in units of 2^-8:
 *	gomem_sample_weight()
 * @charged: an account pays for the object, so the object is not in the usage
 *	of a client (api/client.h)
 * @pid: the task that allocated the object; -1 for an interrupt
 * @comm: the name of the task, or of the task that was interrupted
 * @fn: of a cleanup: called when the object is freed; NULL for a charge
 * @arg: argument of @fn
 * @site: of a cleanup: address of the code that registered it
 * @account: of a charge: the account that pays for the object
 * @bytes: of a charge: the bytes that are charged
 *
 * An object has at most one special of the profile, whose members are @born to
 * @comm. It has at most one charge, and any number of cleanups.
 *
 * The struct has 64 bytes, a size class of kmalloc().
 */
struct gomem_special {
	struct hlist_node link;
	unsigned long hidden;
	struct gomem_bucket *bucket;
	union {
		struct {
			u64 born;
			u32 weight : 31;
			u32 charged : 1;
			pid_t pid;
			char comm[TASK_COMM_LEN];
		};
		struct {
			void (*fn)(void *arg);
			union {
				void *arg;
				struct gomem_account *account;
			};
			union {
				unsigned long site;
				size_t bytes;
			};
		};
	};
};

/* Return the address of the object that a special is attached to. */
static inline unsigned long gomem_special_addr(const struct gomem_special *sp)
{
	return gomem_unhide(sp->hidden);
}

/* Is a special the charge of an object to an account? */
static inline bool gomem_special_is_charge(const struct gomem_special *sp)
{
	return !sp->bucket && !sp->fn;
}

/*
 * Could an object have a special? The page is marked, not the object. So the
 * mark may be due to another object that starts in the page.
 */
static inline bool gomem_has_special(const void *obj)
{
	unsigned long addr = (unsigned long)obj;
	const struct gomem_chunk *c = gomem_pagemap_chunk(&gomem_pagemap, addr);

	return c && (READ_ONCE(c->tag[gomem_chunk_page(addr)]) &
		     GOMEM_TAG_SPECIAL);
}

typedef void (*gomem_special_fn)(const struct gomem_special *sp, void *arg);

void gomem_special_init(void);
bool gomem_special_add(struct gomem_special *sp, struct gomem_special *record);
void gomem_special_remove_all(unsigned long addr, struct hlist_head *to);
struct gomem_special *gomem_special_remove_cleanup(unsigned long addr,
						   void (*fn)(void *arg),
						   void *arg);
struct gomem_special *gomem_special_remove_charge(unsigned long addr);
struct gomem_special *gomem_special_remove_record(unsigned long addr);
bool gomem_special_copy(unsigned long addr, bool charge,
			struct gomem_special *copy);

/* Copy the profile's special of an object. */
static inline bool gomem_special_find(unsigned long addr,
				      struct gomem_special *copy)
{
	return gomem_special_copy(addr, false, copy);
}

unsigned long gomem_special_count_cleanups(const struct module *mod,
					   struct gomem_special *copy);
unsigned long gomem_special_drop_cleanups(const struct module *mod,
					  struct gomem_special *copy);
void gomem_special_walk(gomem_special_fn fn, void *arg);
struct gomem_special *gomem_special_take_any(void);

#endif /* GOMEM_SPECIAL_H */
