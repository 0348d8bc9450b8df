/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kind.h - what the objects of a span are: how large, how they lie, whose.
 *
 * Each span class is a kind, for all to use, and so is each typed cache (cache.h). Up
 * to the slot they are found in different ways; from there on all is alike.
 */
#ifndef GOMEM_KIND_H
#define GOMEM_KIND_H

#include <linux/percpu.h>
#include <linux/types.h>

#include "key.h"
#include "sizeclass.h"

struct gomem_cache;
struct gomem_cache_cpu;
struct gomem_mcentral;

/**
 * struct gomem_kind - what objects have in common
 * @size: bytes from one to the next; 0 if they are large
 * @divmul: see gomem_class_divmul()
 * @npages: gomem pages of a span, unless memory is too fragmented for it
 * @nelems: objects in them
 * @spc: span class; of class 0 if it is a cache's
 * @aligned: spans are aligned to their length, a power of two
 * @desc: which size of descriptors the spans have; see gomem_span_desc()
 * @typesafe: what was an object stays one for an RCU grace period
 * @key: where in a free object its key is
 * @ctor: called for each object once, before it is handed out first; may be NULL
 * @cache: the typed cache, NULL for a span class
 * @cpu: a cache's slots
 * @central: a cache's central lists, by node
 *
 * Written once, before there is a span.
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
	struct gomem_cache *cache;
	struct gomem_cache_cpu __percpu *cpu;
	struct gomem_mcentral **central;
};

/* By span class. */
extern struct gomem_kind gomem_kinds[GOMEM_NR_SPANCLASSES];

void gomem_kinds_init(void);

/* The spans of arenas are of this kind too. */
static inline bool gomem_kind_is_large(const struct gomem_kind *k)
{
	return !k->size;
}

static inline bool gomem_kind_noscan(const struct gomem_kind *k)
{
	return gomem_spc_noscan(k->spc);
}

/* The word that is the key of a free object. */
static inline void *gomem_kind_key(const struct gomem_kind *k, void *obj)
{
	return obj + k->key;
}

#endif /* GOMEM_KIND_H */
