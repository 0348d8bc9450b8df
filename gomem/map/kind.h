/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kind.h - describe the objects of a span: their size, their layout, and the
 * typed cache that they belong to.
 *
 * Each span class has a kind, and so has each typed cache (api/cache.h). The
 * allocation functions find the slot of a span class and the slot of a typed
 * cache in different ways. The code below the slots is the same for both.
 */
#ifndef GOMEM_KIND_H
#define GOMEM_KIND_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "base/key.h"
#include "base/sizeclass.h"

struct gomem_cache;
struct gomem_cache_cpu;
struct gomem_mcentral;

/*
 * How far the destruction of a typed cache has come. A cache is LIVE until a
 * task begins to destroy it. It is CLOSING while that task empties it:
 * meanwhile, other tasks that drain or sweep all caches skip it. Then it is
 * GONE, or LIVE again if objects are left. A MARK is not the kind of a cache:
 * it holds a visitor's place on the list of kind.c.
 */
enum gomem_kind_state {
	GOMEM_KIND_LIVE,
	GOMEM_KIND_CLOSING,
	GOMEM_KIND_GONE,
	GOMEM_KIND_MARK,
};

/**
 * struct gomem_kind - the common properties of the objects of a span
 * @size: bytes from one object to the next; 0 if the objects are large
 * @divmul: multiplier that divides by @size; see gomem_class_divmul()
 * @npages: gomem pages of a span. A span may be shorter if its mcentral has few
 *	pages, or if memory is fragmented: see mcentral_grow.c
 * @nelems: objects in a span of @npages pages
 * @spc: span class; one of size class 0 for a typed cache
 * @aligned: spans are aligned to their length, a power of two
 * @desc: index of the size of the spans' descriptors; see gomem_span_desc()
 * @typesafe: the memory of a freed object stays an object of this kind for an
 *	RCU grace period
 * @key: offset of the key in a free object; see key.h
 * @ctor: called once for each object, before its first allocation; may be NULL.
 *	Read in an RCU read-side section: see gomem_kind_orphan()
 * @object_size: bytes of an object that its user may use
 * @clears: init_on_alloc and init_on_free apply to the objects. They do not if
 *	the contents of an object outlive its free
 * @useroffset: offset in an object of the part that may be copied to and from
 *	user space
 * @usersize: bytes of that part
 * @name: name of the typed cache
 * @cache: the typed cache, NULL for a span class
 * @cpu: per-CPU slots of the typed cache
 * @central: the typed cache's mcentrals, by node
 * @state: how far the typed cache's destruction has come. Protected by the lock
 *	of the list in kind.c
 * @visitors: number of tasks that work on the typed cache without that lock.
 *	The kind stays on the list until there are none. Protected by the same
 *	lock
 * @shrinkers: number of tasks that want CPUs to empty their slots of the typed
 *	cache
 * @link: in the list of the kinds of all typed caches
 *
 * Written once, before the first span is made, except for @ctor, @state,
 * @visitors, @shrinkers and @link. When a typed cache is freed, its @cpu is set
 * to empty slots: see no_slots in api/cache.c.
 */
struct gomem_kind {
	u32 size;
	u32 divmul;
	u16 npages;
	u16 nelems;
	u8 spc;
	u8 desc;
	bool aligned;
	bool typesafe;
	u32 key;
	void (*ctor)(void *obj);
	u32 object_size;
	bool clears;
	u32 useroffset;
	u32 usersize;
	const char *name;
	struct gomem_cache *cache;
	struct gomem_cache_cpu __percpu *cpu;
	struct gomem_mcentral **central;
	enum gomem_kind_state state;
	unsigned int visitors;
	atomic_t shrinkers;
	struct list_head link;
};

/**
 * struct gomem_gone_counts - counts of all typed caches that are gone
 * @mallocs: objects ever allocated
 * @frees: objects freed
 * @bytes: bytes of the objects ever allocated
 */
struct gomem_gone_counts {
	u64 mallocs;
	u64 frees;
	u64 bytes;
};

typedef void (*gomem_kind_fn)(const struct gomem_kind *k, void *arg);

/* The kinds of the span classes, by span class. */
extern struct gomem_kind gomem_kinds[GOMEM_NR_SPANCLASSES];

void gomem_kinds_init(void);
void gomem_kind_add(struct gomem_kind *k);
void gomem_kind_orphan(struct gomem_kind *k);
void gomem_kind_no_ctor(void *obj);
void gomem_kind_close(struct gomem_kind *k);
void gomem_kind_reopen(struct gomem_kind *k);
void gomem_kind_remove(struct gomem_kind *k,
		       void (*count)(const struct gomem_kind *k,
				     struct gomem_gone_counts *n));
struct gomem_kind *gomem_typed_kind_first(void);
void gomem_visit_typed(gomem_kind_fn fn, void *arg);
void gomem_visit_typed_live(gomem_kind_fn fn, void *arg);
void gomem_visit_typed_at_once(gomem_kind_fn fn, void *arg);
void gomem_visit_typed_and_gone(gomem_kind_fn fn, void *arg,
				struct gomem_gone_counts *n);

/* Are the objects of @k large? True also for the kind of arenas' spans. */
static inline bool gomem_kind_is_large(const struct gomem_kind *k)
{
	return !k->size;
}

static inline bool gomem_kind_noscan(const struct gomem_kind *k)
{
	return gomem_spc_noscan(k->spc);
}

/* Was the module that had the constructor unloaded? */
static inline bool gomem_kind_is_orphan(const struct gomem_kind *k)
{
	return READ_ONCE(k->ctor) == gomem_kind_no_ctor;
}

/* Return the address of the word that holds the key of a free object. */
static inline void *gomem_kind_key(const struct gomem_kind *k, void *obj)
{
	return obj + k->key;
}

/*
 * An object is raw if it could not be constructed, because the module of the
 * constructor is gone. Such an object has GOMEM_RAW_MARK in the word where a
 * free object has its key. In a kind with a constructor, that word follows the
 * object.
 */
#define GOMEM_RAW_MARK	1UL

static inline void gomem_kind_set_raw(const struct gomem_kind *k, void *obj)
{
	*(unsigned long *)gomem_kind_key(k, obj) = GOMEM_RAW_MARK;
}

/*
 * Is an object of kind @k raw? @key: address of the word that holds the key of
 * the object while it is free.
 */
static inline bool gomem_kind_is_raw(const struct gomem_kind *k,
				     const void *key)
{
	if (likely(!gomem_kind_is_orphan(k)))
		return false;
	/* Another CPU may free or allocate the object now: see live.c. */
	return data_race(*(const unsigned long *)key) == GOMEM_RAW_MARK;
}

#endif /* GOMEM_KIND_H */
