/* SPDX-License-Identifier: GPL-2.0 */
/*
 * span.h - a run of pages cut into objects of one size (Go's mspan).
 *
 * A span knows of each of its slots whether it is allocated. It does so in two
 * bitmaps, because two parties change them:
 *
 *	alloc bits	belong to the span's owner: the CPU that caches the
 *			span, else whoever holds the lock of its mcentral
 *	freed bits	whoever frees an object sets its bit, atomically, with the
 *			lock of the mcentral held
 *
 * To *sweep* a span is to fold the freed bits into the alloc bits, 64 slots at a
 * time; the owner does it when it runs out of free slots. Go's garbage collector
 * replaces the alloc bits as a whole at this point; here they have to be exact.
 *
 * States, and who makes the transition:
 *
 *	DEAD  -> CENTRAL	mcentral, for a new span; its lock held
 *	DEAD  -> LARGE		mheap, for the caller (one object); no lock
 *	DEAD  -> ARENA		mheap, for an arena (as many as fit)
 *	CENTRAL <-> CACHED	mcentral lock held; only small spans
 *	CENTRAL -> DEAD		mcentral lock held; empty, and off the lists
 *	LARGE -> DEAD		whoever claims the object to free it; no lock
 *	ARENA -> DEAD		mheap, as the span is given back; page cache's lock
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

#include "limits.h"

struct gomem_heap;
struct gomem_kind;

/* Bitmaps of 1, 2, 4, 8 or 16 words: descriptors come in that many sizes. */
#define GOMEM_NR_SPAN_SIZES	5

enum gomem_span_state {
	GOMEM_SPAN_DEAD,
	GOMEM_SPAN_CENTRAL,
	GOMEM_SPAN_CACHED,
	GOMEM_SPAN_LARGE,
	GOMEM_SPAN_ARENA,
};

/* Which list of its mcentral a span in state CENTRAL is on. */
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
 * @heap: whose pages these are
 * @kind: what its objects are
 * @npages: length in gomem pages
 * @nelems: number of slots; 1 for a large object
 * @elemsize: bytes of a slot
 * @divmul: multiplier that turns an offset into a slot number; 0 if large
 * @spc: span class
 * @state: enum gomem_span_state; see gomem_span_state() for its ordering
 * @where: enum gomem_span_list, while CENTRAL; mcentral lock
 * @nwords: 64-bit words in each of the two bitmaps
 * @desc: which size of descriptor this is; the heap's
 * @freeindex: slots below are allocated; owner
 * @alloc_count: slots allocated, those with freed bits included; owner
 * @fresh: slots from here on were never handed out in this span's life; owner
 * @zero: those are known to be zero, and large enough for that to matter; for a large
 *	object or an arena: all of it was, when the span was made. Written once
 * @alloc_cache: free slots from @freeindex on, bit 0 is slot @freeindex, 1 is
 *	free. Bits of slots beyond @nelems mean nothing; owner
 * @handed_out: bytes from the start that an arena handed out; 0 when it was destroyed.
 *	Read by others meanwhile
 * @destroyed_by: who destroyed the arena that this was part of
 * @list: link in its mcentral; mcentral lock. Or in its arena, or the quarantine
 * @next: in a struct gomem_span_stack, once it is on no list any more, or not yet
 * @rcu: to wait for a grace period, once it is on no list any more
 * @pending: objects whose freed bit is set or is about to be. Raised before the
 *	bits are set and lowered by the sweep after they are cleared, so that a
 *	span with @pending of 0 has none. Exact with the mcentral lock held, unless
 *	the span is cached
 * @bits: @nwords alloc words, then @nwords freed words
 *
 * Invariants, for a span that nobody is working on:
 *	alloc_count == popcount(alloc bits) <= nelems
 *	freed bits are a subset of alloc bits
 *	pending == popcount(freed bits)
 *	freeindex <= nelems, and all slots below freeindex are allocated
 *	all slots from fresh on are free
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
	};
	union {
		struct list_head list;
		struct gomem_span *next;
		struct rcu_head rcu;
	};
	atomic_t pending;
	u32 handed_out;
	unsigned long bits[];
};

/**
 * struct gomem_span_stack - spans of nobody else, on their way to where they belong
 * @top: the one that was added last
 *
 * Spans come and go by the dozen: a list_head costs more than all else that is done to
 * them on such a way, with its checks (CONFIG_DEBUG_LIST, which distributions have on).
 */
struct gomem_span_stack {
	struct gomem_span *top;
};

/* What sweeping one span did. */
struct gomem_sweep {
	unsigned int freed;
	unsigned int bad;
};

static inline void gomem_span_push(struct gomem_span_stack *spans, struct gomem_span *s)
{
	s->next = spans->top;
	spans->top = s;
}

/* NULL if there is none; its list is to be initialized before it is looked at. */
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

/* Which of the GOMEM_NR_SPAN_SIZES sizes the descriptor of that many slots has. */
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

static inline void *gomem_span_object(const struct gomem_span *s, unsigned int i)
{
	return (void *)(s->base + (unsigned long)i * s->elemsize);
}

/* Slot of an address inside the span; nelems or more for the tail. */
static inline unsigned int gomem_span_index(const struct gomem_span *s, unsigned long addr)
{
	return ((addr - s->base) * s->divmul) >> 32;
}

/*
 * For a live small span stable with the lock of its mcentral. A large object's, or an
 * arena's, is set by who makes the span, without a lock, and DEAD by who gives it back.
 * Who of several that is, is not for the state of a large one to say, but for its tag.
 *
 * Descriptors are used anew, and who comes with a stale pointer looks at them all the
 * same. So what the state is set by is released with it and acquired here: whoever
 * sees a live state sees the rest of that life, or of a later one.
 */
static inline enum gomem_span_state gomem_span_state(const struct gomem_span *s)
{
	/* Pairs with gomem_span_set_state(). */
	return smp_load_acquire(&s->state);
}

static inline void gomem_span_set_state(struct gomem_span *s, enum gomem_span_state state)
{
	/* Pairs with gomem_span_state(). */
	smp_store_release(&s->state, state);
}

void gomem_span_init(struct gomem_span *s, unsigned long base, unsigned int npages,
		     const struct gomem_kind *kind);
unsigned int gomem_span_take(struct gomem_span *s, void **out, unsigned int want,
			     unsigned int *recycled);
void gomem_span_take_all(struct gomem_span *s, void **out);
unsigned long gomem_span_put(struct gomem_span *s, unsigned int word, unsigned long mask);
struct gomem_sweep gomem_span_sweep(struct gomem_span *s);
const char *gomem_span_validate(struct gomem_span *s);

static inline bool gomem_span_is_full(const struct gomem_span *s)
{
	return s->alloc_count == s->nelems;
}

/**
 * gomem_span_put_all - free all objects of a span at once
 * @s: a span that the caller owns, with pending frees of nobody
 * @word: which word of the bitmap
 * @mask: which slots of that word
 *
 * Return: false, with nothing changed, unless those are all that are allocated.
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
