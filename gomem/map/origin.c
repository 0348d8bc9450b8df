// SPDX-License-Identifier: GPL-2.0
/*
 * origin.c - record the last GOMEM_FREED_MAX frees of sampled objects, and
 * print which task and function allocated an object, and which freed it.
 */
#include <kunit/visibility.h>
#include <linux/jiffies.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "base/stack.h"
#include "base/trace.h"
#include "map/bucket.h"
#include "map/origin.h"
#include "map/pagemap.h"
#include "map/span.h"
#include "map/special.h"
#include "map/tinyblock.h"

/*
 * Protects the array "freed". Taken by frees of sampled objects on any CPU, by
 * reports, by debugfs, and when a module is unloaded. No other lock is taken
 * under it.
 */
static DEFINE_SPINLOCK(freed_lock);
static struct gomem_origin freed[GOMEM_FREED_MAX];
static unsigned int next_freed;

static void note_doer(struct gomem_doer *d)
{
	d->when = jiffies;
	d->pid = in_task() ? task_pid_nr(current) : -1;
	/* If the task's name changes meanwhile, the copy may mix both names. */
	memcpy(d->comm, current->comm, sizeof(d->comm));
	d->comm[sizeof(d->comm) - 1] = '\0';
}

/**
 * gomem_origin_begin - note in a special who allocates its object
 * @sp: the special
 *
 * Context: any.
 */
void gomem_origin_begin(struct gomem_special *sp)
{
	struct gomem_doer d;

	note_doer(&d);
	sp->born = ktime_get_ns();
	sp->pid = d.pid;
	memcpy(sp->comm, d.comm, sizeof(sp->comm));
}

static void from_special(struct gomem_origin *o, const struct gomem_special *sp)
{
	o->hidden = sp->hidden;
	o->bucket = sp->bucket;
	o->allocated.when =
		jiffies - nsecs_to_jiffies(ktime_get_ns() - sp->born);
	o->allocated.pid = sp->pid;
	memcpy(o->allocated.comm, sp->comm, sizeof(sp->comm));
	o->is_freed = false;
}

/**
 * gomem_origin_end - remember that a sampled object is freed, and by whom
 * @sp: the object's special, which was removed
 *
 * The free is recorded in the array "freed", in place of the oldest free there.
 *
 * Context: any but NMI; never sleeps. Not in a section.
 */
void gomem_origin_end(const struct gomem_special *sp)
{
	unsigned long room[GOMEM_FREED_DEPTH + GOMEM_STACK_OWN], *frame, flags;
	struct gomem_origin *o;
	struct gomem_doer d;
	unsigned int nr;

	nr = gomem_stack_save(room, GOMEM_FREED_DEPTH, &frame);
	note_doer(&d);
	trace_sample_free(nr ? frame[0] : 0, (void *)gomem_special_addr(sp),
			  sp->bucket->size);
	spin_lock_irqsave(&freed_lock, flags);
	o = &freed[next_freed++ % GOMEM_FREED_MAX];
	from_special(o, sp);
	o->freed = d;
	o->is_freed = true;
	o->nr = nr;
	memcpy(o->frame, frame, nr * sizeof(*frame));
	spin_unlock_irqrestore(&freed_lock, flags);
}

/**
 * gomem_origin_drop - forget the frees that have a module in their call stack
 * @mod: the module, whose code is about to go: other code may get its addresses
 * @init: only the code of the module's init section is about to go
 *
 * Context: process context.
 */
void gomem_origin_drop(const struct module *mod, bool init)
{
	unsigned int i;

	for (i = 0; i < GOMEM_FREED_MAX; i++) {
		spin_lock_irq(&freed_lock);
		if (gomem_stack_meets(freed[i].frame, freed[i].nr, mod, init))
			freed[i].bucket = NULL;
		spin_unlock_irq(&freed_lock);
	}
}

/*
 * Find the start of the cell, large object or arena's block that an address
 * lies in. In a tiny block, find the last part that starts before the address;
 * if there is none, the start of the block. Return false if the address lies in
 * none of these.
 */
static bool find_start(unsigned long addr, unsigned long *start)
{
	struct gomem_span *s = gomem_pagemap_span(&gomem_pagemap, addr);
	unsigned int i;
	int off;

	if (!s)
		return false;
	*start = s->base;
	if (!s->divmul)
		return true;
	i = gomem_span_index(s, addr);
	if (i >= s->nelems)
		return false;
	*start = (unsigned long)gomem_span_object(s, i);
	if (s->spc != GOMEM_TINY_SPC)
		return true;
	off = gomem_tiny_before((void *)addr);
	*start += max(off, 0);
	return true;
}

/* Do what gomem_special_copy() does for the object that an address lies in. */
static bool find_special(unsigned long addr, bool charge,
			 struct gomem_special *sp)
{
	unsigned long start;

	/*
	 * Try @addr itself first: in a tiny block, find_start() finds a part
	 * that starts before @addr, and misses a part that starts at @addr.
	 */
	return gomem_special_copy(addr, charge, sp) ||
	       (find_start(addr, &start) &&
		gomem_special_copy(start, charge, sp));
}

static bool find_live(unsigned long addr, struct gomem_origin *o)
{
	struct gomem_special sp;

	if (!find_special(addr, false, &sp))
		return false;
	from_special(o, &sp);
	return true;
}

/*
 * May a spinlock be taken? In an NMI, the interrupted code may hold it. On
 * PREEMPT_RT no spinlock may be taken with preemption off. In hard interrupts
 * lockdep may report a spinlock on any kernel, since it would sleep on
 * PREEMPT_RT. gomem_free_rcu() may be called there, and must not cause such a
 * report when it reports misuse. So the answer is no in all hard interrupts.
 */
static bool may_lock(void)
{
	return !in_nmi() && !in_hardirq() &&
	       (!IS_ENABLED(CONFIG_PREEMPT_RT) || preemptible());
}

/**
 * gomem_origin_charge - find the charge of an object to an account
 * @addr: any value
 * @sp: set to the charge of the object that @addr lies in
 *
 * Context: any, in an RCU read-side section. Finds nothing where may_lock() is
 * false.
 * Return: false if no charge is known.
 */
bool gomem_origin_charge(unsigned long addr, struct gomem_special *sp)
{
	return may_lock() && find_special(addr, true, sp);
}

static bool find_freed(unsigned long addr, struct gomem_origin *o)
{
	unsigned long flags;
	bool found = false;
	unsigned int i;

	spin_lock_irqsave(&freed_lock, flags);
	for (i = 1; i <= GOMEM_FREED_MAX && !found; i++) {
		*o = freed[(next_freed - i) % GOMEM_FREED_MAX];
		found = o->bucket &&
			addr - gomem_unhide(o->hidden) < o->bucket->size;
	}
	spin_unlock_irqrestore(&freed_lock, flags);
	return found;
}

/**
 * gomem_origin_find - find out who allocated an object, and who freed it
 * @addr: any value
 * @o: set to what is known of the object that @addr lies in
 *
 * If no live object is known, @o is the last recorded free at @addr. Later
 * objects may have come and gone there without a record.
 *
 * Context: any. Finds nothing where may_lock() is false.
 * Return: false if nothing is known.
 */
bool gomem_origin_find(unsigned long addr, struct gomem_origin *o)
{
	bool known;

	if (!may_lock())
		return false;
	/* Keep the span of @addr from being freed. */
	rcu_read_lock();
	known = find_live(addr, o) || find_freed(addr, o);
	rcu_read_unlock();
	return known;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_origin_find);

/* Code without a symbol was printed as an address. Replace it by words. */
static void hide_address(char *text)
{
	if (!strncmp(text, "0x", 2))
		strscpy(text, "code without a name", KSYM_SYMBOL_LEN);
}

static void name_frame(unsigned long frame, char *text)
{
	sprint_symbol(text, frame);
	hide_address(text);
}

/*
 * Copy a name out of gomem_bucket.names, whose lines are "#", address and name,
 * with tabs between them. Return the line that follows @line. Return NULL, and
 * copy nothing, if there is no line at @line.
 */
static const char *next_name(const char *line, char *text)
{
	const char *end = strchr(line, '\n');
	const char *name = end ? strchr(line + 2, '\t') : NULL;

	if (!name || name > end)
		return NULL;
	strscpy(text, name + 1, min_t(size_t, end - name, KSYM_SYMBOL_LEN));
	hide_address(text);
	return end + 1;
}

/**
 * gomem_origin_site - get the name of the frame of a bucket's client
 * @b: the bucket. The frame has index b->site, and is in code of b->client
 * @text: buffer of KSYM_SYMBOL_LEN bytes that receives the name
 *
 * Context: any.
 */
void gomem_origin_site(const struct gomem_bucket *b, char *text)
{
	/* Pairs with the release in keep_names() of api/modules.c. */
	const char *names = smp_load_acquire(&b->names);
	unsigned int i;

	strscpy(text, "code without a name", KSYM_SYMBOL_LEN);
	if (!names && b->nr && !READ_ONCE(b->gone))
		name_frame(b->frame[b->site], text);
	for (i = 0; names && i <= b->site; i++)
		names = next_name(names, text);
}

static void print_frames(const unsigned long *frame, unsigned int nr,
			 gomem_origin_fn fn, void *arg)
{
	char text[KSYM_SYMBOL_LEN];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		name_frame(frame[i], text);
		fn(arg, "at", text);
	}
}

static void print_names(const char *names, gomem_origin_fn fn, void *arg)
{
	char text[KSYM_SYMBOL_LEN];

	while ((names = next_name(names, text)))
		fn(arg, "at", text);
}

static void print_doer(const struct gomem_doer *d, const char *key,
		       gomem_origin_fn fn, void *arg)
{
	unsigned long age = jiffies - d->when;
	char text[96];

	snprintf(text, sizeof(text), "%lu.%03u s ago, by %s%s[%d]", age / HZ,
		 jiffies_to_msecs(age % HZ),
		 d->pid < 0 ? "an interrupt of " : "", d->comm, d->pid);
	fn(arg, key, text);
}

/**
 * gomem_origin_print - print who allocated and freed an object
 * @o: what is known
 * @fn: called for each line, with "allocated", "at" or "freed", and with a
 *	text. No text contains an address
 * @arg: for @fn
 *
 * Context: any.
 */
void gomem_origin_print(const struct gomem_origin *o, gomem_origin_fn fn,
			void *arg)
{
	const struct gomem_bucket *b = o->bucket;
	/* Pairs with the release in keep_names() of api/modules.c. */
	const char *names = smp_load_acquire(&b->names);

	print_doer(&o->allocated, "allocated", fn, arg);
	if (names)
		print_names(names, fn, arg);
	else if (!READ_ONCE(b->gone))
		print_frames(b->frame, b->nr, fn, arg);
	if (!o->is_freed)
		return;
	print_doer(&o->freed, "freed", fn, arg);
	print_frames(o->frame, o->nr, fn, arg);
}
