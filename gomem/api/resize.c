// SPDX-License-Identifier: GPL-2.0
/*
 * resize.c - gomem_realloc(), and functions that copy or clear whole objects.
 */
#include <linux/export.h>
#include <linux/gomem.h>
#include <linux/log2.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/stats.h"
#include "map/report.h"
#include "map/special.h"
#include "api/account.h"
#include "api/alloc.h"
#include "api/hit.h"
#include "api/large.h"
#include "api/tiny.h"
#include "api/usage.h"
#include "api/watch.h"

/*
 * A buffer that grows beyond this size and gets spare room gets pages of its
 * own, although size classes go up to 32 KiB. So it can grow further into free
 * pages after it. With spare room the buffer has 1.5 times its size, rounded
 * down to whole pages. From this size on, half of the size is at least a page,
 * so what remains after rounding down holds the whole buffer.
 */
#define OWN_PAGES_MIN	SZ_16K

/*
 * Return how large to make a buffer that grows from @size to @new_size; 0 means
 * @new_size.
 *
 * A buffer that grew once will probably grow again. Without spare room each
 * step would copy the whole buffer. The result, which includes the spare room,
 * depends on @new_size:
 *
 *	up to OWN_PAGES_MIN	the next power of two, as krealloc() does from
 *				192 bytes on: so there are no more copies than
 *				with krealloc()
 *	beyond			1.5 * @new_size, rounded down to whole pages but
 *				not below @new_size. A buffer that had more than
 *				OWN_PAGES_MIN bytes before can grow into free
 *				pages after it, without a copy
 *
 * The buffer gets no spare room
 *
 *	if it grows by half of @size or more: the caller probably leaves spare
 *	room itself
 *	if @new_size is a power of two: the object must be aligned to @new_size,
 *	but with spare room it might not be
 *	if @new_size is less than 16: its size class, 8 or 16 bytes, is at least
 *	the next power of two
 *	if 1.5 * @new_size would exceed GOMEM_MAX_SIZE
 */
static inline size_t roomy_size(size_t size, size_t new_size)
{
	size_t roomy = new_size + new_size / 2;

	if (new_size >= size + size / 2 || roomy > GOMEM_MAX_SIZE ||
	    is_power_of_2(new_size) || new_size < GOMEM_TINY_BLOCK)
		return 0;
	if (new_size <= OWN_PAGES_MIN)
		return roundup_pow_of_two(new_size);
	return max(round_down(roomy, GOMEM_PAGE_SIZE),
		   round_up(new_size, GOMEM_PAGE_SIZE));
}

/*
 * Allocate a larger object, to which the caller will copy @old bytes. If @gfp
 * or init_on_alloc=1 asks for a cleared object, clear only the bytes after the
 * first @old bytes, which the copy overwrites. There are two exceptions, which
 * clear the whole object: gomem_alloc_any(), and with init_on_alloc=1 the slow
 * paths of gomem_alloc_hit().
 */
static void *alloc_for_copy(size_t old, size_t size, gfp_t gfp, bool noscan)
{
	unsigned long class;
	void *new;

	if ((noscan && __gomem_is_tiny(size)) || gomem_watches())
		return gomem_alloc_any(size, gfp, noscan);
	class = gomem_sizeclass(size);
	new = gomem_alloc_hit(class << GOMEM_CLASS_SHIFT |
			      noscan << __GOMEM_SLOT_SHIFT,
			      gfp & ~__GFP_ZERO, false, GOMEM_COLD_CALLER);
	if (new && want_init_on_alloc(gfp))
		memset(new + old, 0, gomem_class_to_size[class] - old);
	return new;
}

/**
 * struct sized - what the look-up of an object's size found
 * @size: bytes, 0 if there is no such object
 * @noscan: the object holds no pointers
 *
 * The struct has 16 bytes. A larger one would be returned and passed to
 * grow_object() in memory, not in two registers.
 */
struct sized {
	size_t size;
	bool noscan;
};

/* Return the gfp for an object with spare room: no reclaim, this node only. */
static inline gfp_t light_gfp(gfp_t gfp)
{
	return gomem_gfp_light(gfp) | __GFP_THISNODE;
}

/*
 * Allocate the object of up to OWN_PAGES_MIN bytes that will replace the object
 * @old. It gets spare room only if this node has memory for that without
 * reclaim.
 */
static inline void *alloc_grown_small(struct sized old, size_t new_size,
				      gfp_t gfp)
{
	size_t roomy = roomy_size(old.size, new_size);
	void *new = NULL;

	if (roomy)
		new = alloc_for_copy(old.size, roomy, light_gfp(gfp),
				     old.noscan);
	return new ?: alloc_for_copy(old.size, new_size, gfp, old.noscan);
}

/* Do the same for an object of any size. */
static inline void *alloc_grown(struct sized old, size_t new_size, gfp_t gfp,
				unsigned long caller)
{
	size_t roomy = roomy_size(old.size, new_size);
	void *new = NULL;

	if (new_size <= OWN_PAGES_MIN)
		return alloc_grown_small(old, new_size, gfp);
	if (roomy)
		new = gomem_alloc_odd(roomy, light_gfp(gfp) | GOMEM_GFP_GROWS,
				      old.noscan, NUMA_NO_NODE, caller);
	if (new)
		return new;
	if (new_size > GOMEM_SMALL_MAX)
		return gomem_alloc_odd(new_size, gfp, old.noscan, NUMA_NO_NODE,
				       caller);
	return alloc_for_copy(old.size, new_size, gfp, old.noscan);
}

/*
 * Copy an object of @size bytes to @new, and free the old object. If @new is
 * NULL, keep the old object and return NULL.
 */
static inline void *move_object(const void *p, size_t size, void *new)
{
	if (!new)
		return NULL;
	memcpy(new, p, size);
	gomem_free_any(p);
	gomem_count(GOMEM_EV_REALLOC_MOVED, 1);
	return new;
}

static void attach(struct gomem_special *sp, const void *p)
{
	sp->hidden = gomem_hide((unsigned long)p);
	gomem_account_attach(sp);
}

/* Extend an object in place, if its account can be charged with more. */
static bool extend_charged(const void *p, size_t size, size_t new_size,
			   gfp_t gfp, struct gomem_special *sp)
{
	size_t bytes = sp->bytes;

	if (size <= OWN_PAGES_MIN ||
	    !gomem_account_recharge(sp, round_up(new_size, GOMEM_PAGE_SIZE),
				    gfp))
		return false;
	if (gomem_large_extend((void *)p, size, new_size, 0,
			       gfp | GOMEM_GFP_PAID)) {
		gomem_count(GOMEM_EV_REALLOC_IN_PLACE, 1);
		return true;
	}
	gomem_account_recharge(sp, bytes, gfp);
	return false;
}

/*
 * Grow an object that is charged to an account. That account also pays for the
 * grown object, whichever account the task has entered. The charge @sp, which
 * was removed from the object, is attached to the grown object. So the account
 * is never charged with both objects.
 */
static noinline void *grow_charged(struct gomem_special *sp, struct sized old,
				   size_t new_size, gfp_t gfp,
				   unsigned long caller)
{
	void *p = (void *)gomem_special_addr(sp), *new;
	struct gomem_account *payer;

	if (extend_charged(p, old.size, new_size, gfp, sp)) {
		attach(sp, p);
		return p;
	}
	payer = gomem_payer_suspend();
	new = alloc_grown(old, new_size, gfp | GOMEM_GFP_PAID, caller);
	gomem_payer_resume(payer);
	if (new && !gomem_account_recharge(sp, gomem_usable_size(new), gfp)) {
		atomic64_inc(&sp->account->failures);
		gomem_free_any(new);
		new = gomem_alloc_failed();
	}
	attach(sp, new ?: p);
	return move_object(p, old.size, new);
}

/*
 * May an object that no account pays for be extended in place? Only if it has
 * more than OWN_PAGES_MIN bytes: smaller objects hardly ever have pages of
 * their own. And not if allocations of this task are charged to an account, or
 * may be refused: then the object is moved to a larger one, whose allocation is
 * charged or fails.
 */
static bool may_extend(struct sized old)
{
	return old.size > OWN_PAGES_MIN &&
	       !(gomem_watches() && (gomem_usage_is_over() || gomem_payer()));
}

/*
 * Extend the object in place, or move it to a larger one. If it moves to a
 * large object, the module whose code is at @caller becomes the client of that
 * object. @caller is an address in the code that called gomem_realloc().
 */
static noinline void *grow_object(const void *p, struct sized old,
				  size_t new_size, gfp_t gfp,
				  unsigned long caller)
{
	struct gomem_special *sp = NULL;

	if (unlikely(gfp & GOMEM_GFP_REFUSED))
		return gomem_refuse_gfp(new_size, gfp, caller);
	if (unlikely(gomem_has_special(p)))
		sp = gomem_special_remove_charge((unsigned long)p);
	if (unlikely(sp))
		return grow_charged(sp, old, new_size, gfp, caller);
	if (may_extend(old) &&
	    gomem_large_extend((void *)p, old.size, new_size,
			       roomy_size(old.size, new_size), gfp)) {
		gomem_count(GOMEM_EV_REALLOC_IN_PLACE, 1);
		return (void *)p;
	}
	return move_object(p, old.size,
			   alloc_grown(old, new_size, gfp, caller));
}

/*
 * Move an object without a special to a larger one, of up to OWN_PAGES_MIN
 * bytes. grow_object() needs @caller to find the module that owns a new large
 * object. The new object here is of a size class, not large. So this function
 * does without @caller, which saves 5 instructions.
 */
static noinline void *grow_small(const void *p, struct sized old,
				 size_t new_size, gfp_t gfp)
{
	if (unlikely(gfp & GOMEM_GFP_REFUSED))
		return grow_object(p, old, new_size, gfp, GOMEM_COLD_CALLER);
	return move_object(p, old.size, alloc_grown_small(old, new_size, gfp));
}

/* Resize an object whose size is known. */
static __always_inline void *resize_known(const void *p, struct sized old,
					  size_t new_size, gfp_t gfp,
					  unsigned long caller)
{
	if (new_size > old.size && likely(new_size <= OWN_PAGES_MIN))
		return grow_small(p, old, new_size, gfp);
	if (new_size > old.size)
		return grow_object(p, old, new_size, gfp, caller);
	/*
	 * Clear the unused end: the object may grow into it later with
	 * __GFP_ZERO.
	 */
	if (want_init_on_alloc(gfp))
		memset((void *)p + new_size, 0, old.size - new_size);
	gomem_count(GOMEM_EV_REALLOC_IN_PLACE, 1);
	return (void *)p;
}

/*
 * gomem_realloc() hands work over only by tail calls: to grow_small(), to
 * grow_object() or to one of the functions below. So these paths need no stack
 * frame, and the called function returns to gomem_realloc()'s caller. Reports
 * use that return address to name the caller. Kernels with frame pointers are
 * built without tail calls: there code_of() in map/report.c searches the stack
 * for the caller.
 *
 * resize_unusual() allocates if @p is NULL or ZERO_SIZE_PTR, frees @p if
 * @new_size is 0, and refuses a size over GOMEM_MAX_SIZE with a report.
 */
static noinline void *resize_unusual(const void *p, size_t new_size, gfp_t gfp)
{
	if (ZERO_OR_NULL_PTR(p) || new_size > GOMEM_MAX_SIZE)
		return gomem_alloc_any(new_size, gfp, false);
	gomem_free_any(p);
	return ZERO_SIZE_PTR;
}

/*
 * Look up the size of an object that look_up_small() did not find. Kept out of
 * line for its variable on the stack: a caller without such a variable can end
 * with a tail call of grow_object().
 */
static noinline struct sized look_up_other(const void *p, unsigned long caller)
{
	struct sized found;

	found.size = gomem_large_size(p, &found.noscan) ?:
		     gomem_resizable_size(p, &found.noscan,
					  GOMEM_USE_AFTER_FREE, caller);
	return found;
}

/* Resize an object that look_up_small() did not find. */
static noinline void *resize_other(const void *p, size_t new_size, gfp_t gfp,
				   unsigned long caller)
{
	struct sized old = look_up_other(p, caller);

	if (!old.size)
		return NULL;
	/* The object may have a special, which grow_small() ignores. */
	if (new_size > old.size)
		return grow_object(p, old, new_size, gfp, caller);
	return resize_known(p, old, new_size, gfp, caller);
}

/*
 * Yield to a task that waits for this CPU, then resize the object.
 * gomem_realloc() is a preemption point even if the object stays where it is.
 */
static noinline void *resize_yielded(const void *p, struct sized old,
				     size_t new_size, gfp_t gfp,
				     unsigned long caller)
{
	gomem_yield(gfp);
	if (!old.size)
		return resize_other(p, new_size, gfp, caller);
	return resize_known(p, old, new_size, gfp, caller);
}

/*
 * Look up the size of a small object as fast as gomem_free() does. Preemption
 * is off, so the page stays gomem's meanwhile. Return a size of 0 if
 * resize_other() has to look up the size. That is so for each object in a page
 * with specials, because the tag of such a page does not tell the span class.
 */
static __always_inline struct sized look_up_small(const void *p,
						  unsigned long ci)
{
	u32 tag = gomem_pagemap_tag(gomem_pagemap.entry[ci], (unsigned long)p);
	unsigned long low = gomem_tag_low(tag);
	const struct gomem_slot *slot =
		gomem_slot_of_low(raw_cpu_read(gomem_mcache_task), low);
	struct sized found = {
		.noscan = gomem_spc_noscan(gomem_tag_spc(tag)),
	};

	if (likely(gomem_is_multiple(gomem_tag_offset((unsigned long)p, tag,
						      low),
				     slot->divmul)) &&
	    /*
	     * The owner of a live object may write to it during this read. The
	     * race is harmless: neither the old nor the new word is a key.
	     */
	    likely(!data_race(gomem_has_key(p))))
		found.size = slot->size;
	return found;
}

void *gomem_realloc(const void *p, size_t new_size, gfp_t gfp)
{
	unsigned long ci = gomem_pagemap_index(&gomem_pagemap,
					       (unsigned long)p);
	struct sized old;

	/* new_size - 1 wraps to ULONG_MAX if new_size is 0, so this finds 0. */
	if (unlikely(ZERO_OR_NULL_PTR(p) || new_size - 1 >= GOMEM_MAX_SIZE))
		return resize_unusual(p, new_size, gfp);
	if (unlikely(!gomem_in_map(ci, gomem_pagemap.nr_chunks)))
		return resize_other(p, new_size, gfp, GOMEM_COLD_CALLER);
	preempt_disable();
	old = look_up_small(p, ci);
	if (gomem_end_hit())
		return resize_yielded(p, old, new_size, gfp, GOMEM_COLD_CALLER);
	if (unlikely(!old.size))
		return resize_other(p, new_size, gfp, GOMEM_COLD_CALLER);
	return resize_known(p, old, new_size, gfp, GOMEM_COLD_CALLER);
}
EXPORT_SYMBOL_NS_GPL(gomem_realloc, GOMEM_NS);

void *gomem_memdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = gomem_alloc_any(len, gfp & ~__GFP_ZERO, false);

	if (!ZERO_OR_NULL_PTR(p))
		memcpy(p, src, len);
	return p;
}
EXPORT_SYMBOL_NS_GPL(gomem_memdup, GOMEM_NS);

char *gomem_strdup(const char *s, gfp_t gfp)
{
	size_t len;
	char *p;

	if (!s)
		return NULL;
	len = strlen(s) + 1;
	p = gomem_alloc_any(len, gfp & ~__GFP_ZERO, true);
	if (p)
		memcpy(p, s, len);
	return p;
}
EXPORT_SYMBOL_NS_GPL(gomem_strdup, GOMEM_NS);

void gomem_free_sensitive(const void *p)
{
	bool noscan;
	size_t size;

	if (ZERO_OR_NULL_PTR(p))
		return;
	size = gomem_resizable_size(p, &noscan, GOMEM_DOUBLE_FREE, _RET_IP_);
	if (!size)
		return;
	memzero_explicit((void *)p, size);
	gomem_free_any(p);
}
EXPORT_SYMBOL_NS_GPL(gomem_free_sensitive, GOMEM_NS);
