// SPDX-License-Identifier: GPL-2.0
/*
 * special.c - the table of specials, and the marks by which a free notices that
 * an object may have specials. A mark is GOMEM_TAG_SPECIAL in the tag of a
 * page, or gomem_span.limit being 0.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "map/kind.h"
#include "map/pagemap.h"
#include "map/span.h"
#include "map/special.h"

#define TABLE_BITS	12

/*
 * All specials of a span have the same hash value, computed from the address of
 * the span, and so the same lock. The lock also protects the marks of the span.
 * It is taken with interrupts off, on any CPU, in any context but NMI: by
 * allocations, resizes and frees of objects with specials, by gomem_cleanup()
 * and gomem_cleanup_cancel(), by the unloading of modules, by reports and
 * debugfs.
 */
struct row {
	spinlock_t lock;	/* protects @list, and the spans' marks */
	struct hlist_head list;
};

static struct row table[1 << TABLE_BITS];

/**
 * gomem_special_init - prepare the table of specials
 *
 * Called before the first object is allocated.
 */
void __init gomem_special_init(void)
{
	unsigned int i;

	/*
	 * Initialize all locks in one place, so that lockdep puts them into one
	 * class.
	 */
	for (i = 0; i < ARRAY_SIZE(table); i++)
		spin_lock_init(&table[i].lock);
}

static struct row *row_of(const struct gomem_span *s)
{
	return &table[hash_long(s->base >> GOMEM_PAGE_SHIFT, TABLE_BITS)];
}

/*
 * Find the span that an address lies in, and return the row of that span.
 * Return NULL if the address lies in no span.
 */
static struct row *find_row(unsigned long addr, struct gomem_span **s)
{
	*s = gomem_pagemap_span(&gomem_pagemap, addr);
	return likely(*s) ? row_of(*s) : NULL;
}

static u32 *tag_of(unsigned long addr)
{
	struct gomem_chunk *c = gomem_pagemap_chunk(&gomem_pagemap, addr);

	return &c->tag[gomem_chunk_page(addr)];
}

static bool same_page(unsigned long a, unsigned long b)
{
	return !((a ^ b) & GOMEM_PAGE_MASK);
}

static bool in_span(const struct gomem_span *s, unsigned long addr)
{
	return addr - s->base < (unsigned long)s->npages << GOMEM_PAGE_SHIFT;
}

/*
 * Set GOMEM_TAG_SPECIAL in the tag of the page of @addr. If the span has a size
 * class other than 0, also clear the span class in the tag: then the hit path
 * of a free accepts no object of the page. In the span of a typed cache, set
 * s->limit to 0: then that path accepts no object of the span. The tag of a
 * large object may change concurrently, when another CPU claims the object.
 * While a page is part of a span of small objects, its tag changes only here
 * and in unmark_page(), both with the row's lock held.
 */
static void mark(struct gomem_span *s, unsigned long addr)
{
	u32 *tag = tag_of(addr);

	if (!gomem_spc_class(s->spc))
		atomic_or(GOMEM_TAG_SPECIAL, (atomic_t *)tag);
	else
		WRITE_ONCE(*tag, (*tag & ~GOMEM_TAG_SPC_MASK) |
				 GOMEM_TAG_SPECIAL);
	if (s->kind->cache)
		WRITE_ONCE(s->limit, 0);
}

static void unmark_page(struct gomem_span *s, unsigned long addr)
{
	u32 *tag = tag_of(addr);

	if (!gomem_spc_class(s->spc))
		atomic_andnot(GOMEM_TAG_SPECIAL, (atomic_t *)tag);
	else
		WRITE_ONCE(*tag, gomem_make_tag(s->base, s->spc));
}

/*
 * After a special of the object at @addr was removed, remove the marks of the
 * object's page and span that no other special needs.
 */
static void unmark(struct row *row, struct gomem_span *s, unsigned long addr)
{
	bool page = false, span = false;
	struct gomem_special *sp;
	unsigned long other;

	lockdep_assert_held(&row->lock);
	hlist_for_each_entry(sp, &row->list, link) {
		other = gomem_special_addr(sp);
		/* The list is sorted. */
		if (other > addr && !in_span(s, other))
			break;
		page |= same_page(other, addr);
		span |= in_span(s, other);
	}
	if (!page)
		unmark_page(s, addr);
	if (!span && s->kind->cache)
		WRITE_ONCE(s->limit, s->nelems);
}

/*
 * An account is charged with the object to which @sp is attached. If @sp is the
 * profile's record of the object, and sp->charged is false, the record is
 * counted in the usage of a client: set sp->charged, and copy the record to
 * @copy as it was before, for the caller to subtract from that usage. Else do
 * nothing.
 */
static void mark_charged(struct gomem_special *sp, struct gomem_special *copy)
{
	if (!sp->bucket || sp->charged)
		return;
	*copy = *sp;
	sp->charged = true;
}

/**
 * gomem_special_add - attach a special to an object
 * @sp: the special. The caller has set @sp->hidden to the address of a live
 *	object, inverted
 * @record: NULL, unless @sp is a charge. For a charge, it is set to a copy of
 *	the profile's record of the object, to be subtracted from the usage of a
 *	client. If there is no record, or no client's usage contains it,
 *	@record->bucket is set to NULL instead, and the other members are not
 *	set
 *
 * Context: any but NMI.
 * Return: false if the object's span is gone, because another caller has freed
 * the object meanwhile. If the span is still there, the special is attached.
 */
bool gomem_special_add(struct gomem_special *sp, struct gomem_special *record)
{
	struct gomem_special *next, *prev = NULL;
	struct gomem_span *s;
	unsigned long addr = gomem_special_addr(sp), flags;
	struct row *row = find_row(addr, &s);

	if (record)
		record->bucket = NULL;
	if (unlikely(!row))
		return false;
	spin_lock_irqsave(&row->lock, flags);
	hlist_for_each_entry(next, &row->list, link) {
		if (gomem_special_addr(next) > addr)
			break;
		prev = next;
		if (record && next->hidden == sp->hidden)
			mark_charged(next, record);
	}
	if (prev)
		hlist_add_behind(&sp->link, &prev->link);
	else
		hlist_add_head(&sp->link, &row->list);
	mark(s, addr);
	spin_unlock_irqrestore(&row->lock, flags);
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_special_add);

/* Find an object's first special. The object's other specials come next. */
static struct gomem_special *find(struct row *row, unsigned long addr)
{
	struct gomem_special *sp;

	lockdep_assert_held(&row->lock);
	hlist_for_each_entry(sp, &row->list, link)
		if (gomem_special_addr(sp) >= addr)
			return gomem_special_addr(sp) == addr ? sp : NULL;
	return NULL;
}

static struct gomem_special *next_of(const struct gomem_special *sp)
{
	struct gomem_special *next =
		hlist_entry_safe(sp->link.next, struct gomem_special, link);

	return next && next->hidden == sp->hidden ? next : NULL;
}

/**
 * gomem_special_remove_all - detach the specials of an object
 * @addr: the object, which the caller frees
 * @to: set to the list of its specials, which belong to the caller now. The
 *	special that was added last comes first
 *
 * Context: any but NMI.
 */
void gomem_special_remove_all(unsigned long addr, struct hlist_head *to)
{
	struct gomem_special *sp, *next;
	struct gomem_span *s;
	unsigned long flags;
	struct row *row = find_row(addr, &s);

	INIT_HLIST_HEAD(to);
	if (unlikely(!row))
		return;
	spin_lock_irqsave(&row->lock, flags);
	sp = find(row, addr);
	if (sp) {
		for (; sp; sp = next) {
			next = next_of(sp);
			hlist_del(&sp->link);
			hlist_add_head(&sp->link, to);
		}
		unmark(row, s, addr);
	}
	spin_unlock_irqrestore(&row->lock, flags);
}

/*
 * If @like is NULL: is @sp the record of the profile? Else: is @sp a cleanup
 * with the same function and argument as @like, or is it a charge, like @like?
 */
static bool is_like(const struct gomem_special *sp,
		    const struct gomem_special *like)
{
	if (!like || sp->bucket)
		return !like && sp->bucket;
	return sp->fn == like->fn && (!like->fn || sp->arg == like->arg);
}

/*
 * Detach the special of an object for which is_like() returns true. If there
 * are several, detach the one that was added last. Return it, or NULL.
 */
static struct gomem_special *detach(unsigned long addr,
				    const struct gomem_special *like)
{
	struct gomem_special *sp, *found = NULL;
	struct gomem_span *s;
	unsigned long flags;
	struct row *row = find_row(addr, &s);

	if (unlikely(!row))
		return NULL;
	spin_lock_irqsave(&row->lock, flags);
	for (sp = find(row, addr); sp; sp = next_of(sp))
		if (is_like(sp, like))
			found = sp;
	if (found) {
		hlist_del(&found->link);
		unmark(row, s, addr);
	}
	spin_unlock_irqrestore(&row->lock, flags);
	return found;
}

/**
 * gomem_special_remove_cleanup - detach a cleanup of an object
 * @addr: the object
 * @fn: function of the cleanup, not NULL
 * @arg: its argument
 *
 * Context: any but NMI.
 * Return: the cleanup, which belongs to the caller now; if several match, the
 * one that was added last; NULL if none does.
 */
struct gomem_special *gomem_special_remove_cleanup(unsigned long addr,
						   void (*fn)(void *arg),
						   void *arg)
{
	struct gomem_special like = { .fn = fn, .arg = arg };

	return fn ? detach(addr, &like) : NULL;
}

/**
 * gomem_special_remove_charge - detach the charge of an object
 * @addr: the object
 *
 * Context: any but NMI.
 * Return: the charge, which belongs to the caller now; NULL if there is none.
 */
struct gomem_special *gomem_special_remove_charge(unsigned long addr)
{
	static const struct gomem_special charge;

	return detach(addr, &charge);
}

/**
 * gomem_special_remove_record - detach the profile's special of an object
 * @addr: the object
 *
 * Context: any but NMI.
 * Return: the special, which belongs to the caller now; NULL if there is none.
 */
struct gomem_special *gomem_special_remove_record(unsigned long addr)
{
	return detach(addr, NULL);
}

/**
 * gomem_special_copy - copy a special of an object
 * @addr: the object, or any other address
 * @charge: true to copy the special that charges the object to an account;
 *	false to copy the profile's special
 * @copy: set to the special. The account of a charge stays in memory at least
 *	until the RCU read-side section of the caller ends
 *
 * Context: any but NMI, in an RCU read-side section.
 * Return: false if there is none.
 */
bool gomem_special_copy(unsigned long addr, bool charge,
			struct gomem_special *copy)
{
	struct gomem_special *sp;
	struct gomem_span *s;
	unsigned long flags;
	struct row *row = find_row(addr, &s);

	if (unlikely(!row))
		return false;
	spin_lock_irqsave(&row->lock, flags);
	for (sp = find(row, addr); sp; sp = next_of(sp))
		if (charge ? gomem_special_is_charge(sp) : !!sp->bucket)
			break;
	if (sp)
		*copy = *sp;
	spin_unlock_irqrestore(&row->lock, flags);
	return sp;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_special_copy);

/* Replaces the function of a cleanup when the function's module is unloaded. */
static void do_nothing(void *arg)
{
}

static bool is_cleanup_of(const struct gomem_special *sp,
			  const struct module *mod)
{
	return !sp->bucket && sp->fn &&
	       within_module((unsigned long)sp->fn, mod);
}

/*
 * Count the cleanups whose function is in a module, and set @copy to the last
 * one found. If @drop is true, let them do nothing from now on.
 */
static unsigned long find_cleanups(const struct module *mod, bool drop,
				   struct gomem_special *copy)
{
	struct gomem_special *sp;
	unsigned long flags, n = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		spin_lock_irqsave(&table[i].lock, flags);
		hlist_for_each_entry(sp, &table[i].list, link) {
			if (!is_cleanup_of(sp, mod))
				continue;
			*copy = *sp;
			n++;
			if (drop)
				sp->fn = do_nothing;
		}
		spin_unlock_irqrestore(&table[i].lock, flags);
		cond_resched();
	}
	return n;
}

/**
 * gomem_special_count_cleanups - count the cleanups that call code of a module
 * @mod: the module
 * @copy: set to one of them, if there is any
 *
 * Context: process context.
 * Return: their number.
 */
unsigned long gomem_special_count_cleanups(const struct module *mod,
					   struct gomem_special *copy)
{
	return find_cleanups(mod, false, copy);
}

/**
 * gomem_special_drop_cleanups - let cleanups that call code of a module do
 *	nothing
 * @mod: the module
 * @copy: set to one of them, if there is any
 *
 * The cleanups stay attached to their objects. A cleanup that a free has
 * already detached may still run, in the RCU read-side section of that free.
 *
 * Context: process context.
 * Return: their number.
 */
unsigned long gomem_special_drop_cleanups(const struct module *mod,
					  struct gomem_special *copy)
{
	return find_cleanups(mod, true, copy);
}

/**
 * gomem_special_walk - call a function for all specials
 * @fn: called for each special, with the lock of its row held; must not sleep
 * @arg: for @fn
 *
 * Specials that come or go in the meantime may be visited or not.
 *
 * Context: process context.
 */
void gomem_special_walk(gomem_special_fn fn, void *arg)
{
	struct gomem_special *sp;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		spin_lock_irqsave(&table[i].lock, flags);
		hlist_for_each_entry(sp, &table[i].list, link)
			fn(sp, arg);
		spin_unlock_irqrestore(&table[i].lock, flags);
		cond_resched();
	}
}

/**
 * gomem_special_take_any - take a special out of the table
 *
 * For the exit of gomem: no object is allocated or freed any more. So this
 * takes no lock, and does not remove the marks of pages.
 *
 * Return: a special, or NULL if there are none.
 */
struct gomem_special *gomem_special_take_any(void)
{
	static unsigned int i;
	struct gomem_special *sp;
	struct hlist_node *first;

	for (; i < ARRAY_SIZE(table); i++) {
		if (hlist_empty(&table[i].list)) {
			cond_resched();
			continue;
		}
		first = table[i].list.first;
		sp = hlist_entry(first, struct gomem_special, link);
		hlist_del(&sp->link);
		return sp;
	}
	return NULL;
}
