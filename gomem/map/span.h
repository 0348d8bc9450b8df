/* SPDX-License-Identifier: GPL-2.0 */
/*
 * span.h - a run of pages cut into objects of one size.
 *
 * A span is divided into *cells*: each is the place of one object. Two bitmaps
 * tell which cells are allocated, since the owner of the span allocates cells
 * while other CPUs free objects:
 *
 *	alloc bits	changed by the span's owner: the CPU that caches the
 *			span, else the CPU that holds the lock of its mcentral
 *	freed bits	set by the CPU that frees an object, atomically and with
 *			the lock of the mcentral held
 *
 * To *sweep* a span is to clear the freed bits that are set, and then the alloc
 * bits of the same cells, 64 cells at a time. The owner sweeps when it needs
 * more cells than are free. A look sweeps the spans that no CPU caches.
 *
 * The table shows which file changes the state of a span, and which lock
 * protects the change. If no lock does, the span has a single owner at the
 * time:
 *
 *	DEAD -> CENTRAL		mcentral_refill.c, for a new span; mcentral lock
 *	DEAD -> LARGE		spanpages.c, for a new span, for one that was
 *				laid aside, or at the end of a resize; no lock
 *	DEAD -> ARENA		spanpages.c, for a block of an arena; no lock
 *	CENTRAL <-> CACHED	mcentral_refill.c, and back in mcentral.c; small
 *				spans only; mcentral lock
 *	CENTRAL -> DEAD		mcentral_lists.h, for an empty span that leaves
 *				the lists; mcentral lock
 *	LARGE -> DEAD		mheap.h, by the free or resize that claims the
 *				object; no lock
 *	ARENA -> DEAD		spanpages.c, when the span is freed; page cache
 *				lock
 */
#ifndef GOMEM_SPAN_H
#define GOMEM_SPAN_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/types.h>

#include "base/limits.h"

struct gomem_heap;
struct gomem_kind;

/*
 * Sizes of descriptors: a descriptor has room for two bitmaps of 1, 2, 4, 8 or
 * 16 words each.
 */
#define GOMEM_NR_SPAN_SIZES	5

enum gomem_span_state {
	GOMEM_SPAN_DEAD,
	GOMEM_SPAN_CENTRAL,
	GOMEM_SPAN_CACHED,
	GOMEM_SPAN_LARGE,
	GOMEM_SPAN_ARENA,
};

/* The lists of an mcentral. A span in state CENTRAL is on one of them. */
enum gomem_span_list {
	GOMEM_PARTIAL_SWEPT,
	GOMEM_FULL_SWEPT,
	GOMEM_PARTIAL_UNSWEPT,
	GOMEM_FULL_UNSWEPT,
	GOMEM_NR_SPAN_LISTS,
};

/**
 * struct gomem_span - descriptor of a run of pages
 * @base: address of the first object
 * @heap: the heap that the pages belong to
 * @kind: the kind of the objects
 * @npages: length in gomem pages
 * @nelems: number of cells; 1 for a large object or an arena
 * @elemsize: bytes of a cell
 * @divmul: multiplier that turns an offset into a cell number; 0 for a large
 *	object or an arena
 * @spc: span class
 * @state: enum gomem_span_state; for its ordering see gomem_span_state()
 * @where: enum gomem_span_list, while the state is CENTRAL; mcentral lock
 * @nwords: 64-bit words in each of the two bitmaps
 * @desc: index of the size of this descriptor: see gomem_span_desc(). Set by
 *	the heap
 * @freeindex: all cells below this number are allocated; owner
 * @alloc_count: allocated cells, those with freed bits included; owner
 * @fresh: cells from this number on have not been used since the span was made,
 *	and have no key; owner
 * @zero: for a large object or an arena: all of it was zero when the span was
 *	made. Written by the CPU that makes the span
 * @alloc_cache: the free cells from @freeindex on: bit 0 is cell @freeindex,
 *	1 means free. Bits of cells from @nelems on are meaningless; owner
 * @destroyed_by: address of the code that destroyed the arena of this span
 * @client: the number of the module that allocated this large object: see
 *	api/client.h
 * @list: link in a list of its mcentral; mcentral lock. Or link in its arena,
 *	or in the quarantine of destroyed arenas
 * @next: link in a struct gomem_span_stack, while the span is on no list
 * @rcu: for the RCU callback that frees the span, if it is an empty span of a
 *	typesafe cache
 * @pending: objects whose freed bit is set or about to be set. It is raised
 *	before bits are set, and lowered by the sweep after it cleared them. So
 *	a span whose @pending is 0 has no freed bits. Exact with the mcentral
 *	lock held, unless the span is cached
 * @limit: span of a typed cache: the number of cells that the hit path of a
 *	free accepts; 0 if an object of the span has a special, else @nelems
 * @handed_out: span of an arena: bytes from the start of the span that were
 *	allocated; 0 once the arena was destroyed. Other CPUs may read it
 *	concurrently
 * @bits: @nwords alloc words, then @nwords freed words
 *
 * "owner": only the span's owner changes the member. "mcentral lock": a CPU
 * that changes the member holds this lock.
 *
 * Invariants, for a span that no CPU is working on:
 *	alloc_count == popcount(alloc bits) <= nelems
 *	freed bits are a subset of alloc bits
 *	pending == popcount(freed bits)
 *	freeindex <= nelems, and all cells below freeindex are allocated
 *	all cells from fresh on are free
 *	alloc_cache bit k == !alloc bit (freeindex + k), inside freeindex's word
 */
struct gomem_span {
	unsigned long base;
	struct gomem_heap *heap;
	const struct gomem_kind *kind;
	u16 npages;
	u16 nelems;
	u32 elemsize;
	u32 divmul;
	u8 spc;
	u8 state;
	u8 where;
	u8 nwords;
	u16 freeindex;
	u16 alloc_count;
	u16 fresh;
	u8 desc;
	bool zero;
	union {
		u64 alloc_cache;
		unsigned long destroyed_by;
		u32 client;
	};
	union {
		struct list_head list;
		struct gomem_span *next;
		struct rcu_head rcu;
	};
	atomic_t pending;
	union {
		u16 limit;
		u32 handed_out;
	};
	unsigned long bits[];
};

/**
 * struct gomem_span_stack - stack of spans that only its owner sees
 * @top: the span that was pushed last
 *
 * For spans that move between heap and mcentral, often dozens at once. With
 * CONFIG_DEBUG_LIST, which distributions enable, a list_head and its checks
 * would cost more than all other work on such spans.
 */
struct gomem_span_stack {
	struct gomem_span *top;
};

/*
 * The result of sweeping a span. @freed: number of cells that became free.
 * @bad: number of freed bits of cells that were not allocated.
 */
struct gomem_sweep {
	unsigned int freed;
	unsigned int bad;
};

static inline void gomem_span_push(struct gomem_span_stack *spans,
				   struct gomem_span *s)
{
	s->next = spans->top;
	spans->top = s;
}

/*
 * Pop a span, NULL if there is none. The span's list member was overwritten,
 * and has to be initialized before it is used.
 */
static inline struct gomem_span *gomem_span_pop(struct gomem_span_stack *spans)
{
	struct gomem_span *s = spans->top;

	if (s)
		spans->top = s->next;
	return s;
}

static inline unsigned int gomem_span_words(unsigned int nelems)
{
	return DIV_ROUND_UP(nelems, 64);
}

/*
 * Return the size of the descriptor for a span of @nelems cells, as an index
 * into the GOMEM_NR_SPAN_SIZES sizes that descriptors have.
 */
static inline unsigned int gomem_span_desc(unsigned int nelems)
{
	return order_base_2(max(gomem_span_words(nelems), 1U));
}

static inline unsigned long *gomem_span_alloc_bits(struct gomem_span *s)
{
	return s->bits;
}

static inline unsigned long *gomem_span_freed_bits(struct gomem_span *s)
{
	return s->bits + s->nwords;
}

static inline void *gomem_span_object(const struct gomem_span *s,
				      unsigned int i)
{
	return (void *)(s->base + (unsigned long)i * s->elemsize);
}

/* Return the cell of an address in the span; nelems or more for the tail. */
static inline unsigned int gomem_span_index(const struct gomem_span *s,
					    unsigned long addr)
{
	return ((addr - s->base) * s->divmul) >> 32;
}

/*
 * Return the state of a span. For a live small span it is stable while the lock
 * of its mcentral is held. For a large object or an arena it is set without
 * that lock, by the CPU that makes the span and by the CPU that frees it. If
 * several CPUs free a large object, the page tag, not the state, decides which
 * of them succeeds.
 *
 * Descriptors are reused, and a CPU with a stale pointer may read a reused one.
 * Therefore a new state is set with release and read with acquire. A CPU that
 * sees the state of a live span then also sees the other members as they were
 * set for that span, or for a later one in the same descriptor.
 */
static inline enum gomem_span_state
gomem_span_state(const struct gomem_span *s)
{
	/* Pairs with gomem_span_set_state(). */
	return smp_load_acquire(&s->state);
}

static inline void gomem_span_set_state(struct gomem_span *s,
					enum gomem_span_state state)
{
	/* Pairs with gomem_span_state(). */
	smp_store_release(&s->state, state);
}

void gomem_span_init(struct gomem_span *s, unsigned long base,
		     unsigned int npages, const struct gomem_kind *kind);
unsigned int gomem_span_take(struct gomem_span *s, void **out,
			     unsigned int want, unsigned int *recycled);
void *gomem_span_draw(struct gomem_span *s, bool *recycled);
void gomem_span_take_all(struct gomem_span *s, void **out);
unsigned long gomem_span_put(struct gomem_span *s, unsigned int word,
			     unsigned long mask);
struct gomem_sweep gomem_span_sweep(struct gomem_span *s);
const char *gomem_span_validate(struct gomem_span *s);

static inline bool gomem_span_is_full(const struct gomem_span *s)
{
	return s->alloc_count == s->nelems;
}

/**
 * gomem_span_put_all - free all objects of a span at once
 * @s: a span that the caller owns, without pending frees
 * @word: number of the 64-bit word of the alloc bits that has all these objects
 * @mask: the bits of the objects in that word
 *
 * Return: true; false, with nothing changed, if @mask is not exactly the set of
 * allocated cells.
 */
static inline bool gomem_span_put_all(struct gomem_span *s, unsigned int word,
				      unsigned long mask)
{
	unsigned long *alloc_bits = gomem_span_alloc_bits(s);

	if (hweight_long(mask) != s->alloc_count || alloc_bits[word] != mask)
		return false;
	WRITE_ONCE(alloc_bits[word], 0);
	WRITE_ONCE(s->alloc_count, 0);
	s->freeindex = 0;
	s->alloc_cache = ~0ULL;
	return true;
}

#endif /* GOMEM_SPAN_H */
