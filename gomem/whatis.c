// SPDX-License-Identifier: GPL-2.0
/*
 * whatis.c - what is this address? For people who found one in a log, in a register or in a
 * corrupted list.
 *
 * Nothing is locked. What others do meanwhile may be seen half done: the answer is for
 * people. What the address points to is not touched, but for the word in which a free object
 * of gomem's has its key.
 */
#define pr_fmt(fmt) "gomem: " fmt

#include <kunit/visibility.h>
#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>

#include "cache.h"
#include "describe.h"
#include "live.h"
#include "node.h"
#include "sizeclass.h"
#include "tiny.h"
#include "whatis.h"

/* Room for an address, or for how far one is from another. */
#define PLACE_MAX	40

/**
 * struct answer - where lines go, and what they are about
 * @m: a file that root alone reads; NULL: the log, where no address is told that the reader
 *	does not know
 * @addr: the address
 */
struct answer {
	struct seq_file *m;
	unsigned long addr;
};

static __printf(3, 4) void say(const struct answer *a, const char *key, const char *fmt, ...)
{
	struct va_format text;
	va_list args;

	va_start(args, fmt);
	text.fmt = fmt;
	text.va = &args;
	if (a->m)
		seq_printf(a->m, "%s: %pV\n", key, &text);
	else
		pr_info("%s: %pV\n", key, &text);
	va_end(args);
}

/* Another address, or how it is found from the one that is known. */
static const char *place(const struct answer *a, unsigned long addr, char *buf)
{
	if (a->m)
		snprintf(buf, PLACE_MAX, "%lx", addr);
	else if (addr <= a->addr)
		snprintf(buf, PLACE_MAX, "%lu bytes below", a->addr - addr);
	else
		snprintf(buf, PLACE_MAX, "%lu bytes above", addr - a->addr);
	return buf;
}

static const char *slot_text(struct gomem_span *s, unsigned int i)
{
	if (gomem_slot_is_live(s, i))
		return "live";
	return i < READ_ONCE(s->fresh) ? "free" : "free, was never handed out";
}

static void say_neighbour(const struct answer *a, const char *key, struct gomem_span *s,
			  unsigned int i)
{
	char buf[PLACE_MAX];

	if (i < s->nelems)
		say(a, key, "%s, %s", place(a, (unsigned long)gomem_span_object(s, i), buf),
		    slot_text(s, i));
	else
		say(a, key, "none in this span");
}

/* A block that objects share: who has which bytes of it is another matter than the slot's. */
static void say_tiny(const struct answer *a)
{
	size_t left = gomem_tiny_left((void *)a->addr);

	if (left)
		say(a, "state", "live, %zu more bytes from here", left);
	else
		say(a, "state", "no live object");
}

static void say_slot(const struct answer *a, struct gomem_span *s)
{
	unsigned int i = gomem_span_index(s, a->addr);
	char buf[PLACE_MAX];

	/* In the tail, where nobody's object is. */
	if (i >= s->nelems)
		return;
	if (s->spc == GOMEM_TINY_SPC)
		say_tiny(a);
	else
		say(a, "state", "%s", slot_text(s, i));
	say(a, "object", "%s, %u bytes", place(a, (unsigned long)gomem_span_object(s, i), buf),
	    s->kind->cache ? s->kind->cache->object_size : s->elemsize);
	/* The one before the first has a number that no slot has. */
	say_neighbour(a, "below", s, i - 1);
	say_neighbour(a, "above", s, i + 1);
}

static void say_large(const struct answer *a, const struct gomem_span *s)
{
	char buf[PLACE_MAX];

	say(a, "state", "%s", gomem_large_is_live(s) ? "live" : "free");
	say(a, "object", "%s, %u bytes", place(a, s->base, buf), READ_ONCE(s->elemsize));
}

static void say_arena(const struct answer *a, const struct gomem_span *s)
{
	unsigned int handed_out = READ_ONCE(s->handed_out);

	if (handed_out)
		say(a, "state", "%s, %u bytes of the block are",
		    a->addr - s->base < handed_out ? "handed out" : "not handed out", handed_out);
	else
		say(a, "state", "nothing of it is handed out, or the arena was destroyed");
}

static const char * const state_names[] = {
	[GOMEM_SPAN_DEAD]	= "on its way to or from the heap",
	[GOMEM_SPAN_CENTRAL]	= "in its central list",
	[GOMEM_SPAN_CACHED]	= "cached by a CPU",
	[GOMEM_SPAN_LARGE]	= "one large object",
	[GOMEM_SPAN_ARENA]	= "a block of an arena",
};

static void say_span(const struct answer *a, struct gomem_span *s)
{
	enum gomem_span_state state = gomem_span_state(s);
	char buf[PLACE_MAX];

	if (state == GOMEM_SPAN_ARENA)
		say_arena(a, s);
	else if (s->divmul)
		say_slot(a, s);
	else
		say_large(a, s);
	say(a, "span", "%s, %lu bytes, %s", place(a, s->base, buf),
	    (unsigned long)s->npages << GOMEM_PAGE_SHIFT, state_names[state]);
	if (s->divmul)
		say(a, "slots", "%u of %u are allocated, those that CPUs hold free among them",
		    READ_ONCE(s->alloc_count), s->nelems);
	say(a, "class", "%u, %s", gomem_spc_class(s->spc),
	    gomem_spc_noscan(s->spc) ? "without pointers (noscan)" : "may have pointers");
	say(a, "node", "%d", s->heap->node);
	say(a, "owner", "%s takes it back", gomem_owner_of(s));
}

static void answer(const struct answer *a)
{
	char what[GOMEM_DESCRIPTION_MAX];
	struct gomem_span *s;

	/* The page, and the cache, stay meanwhile. */
	rcu_read_lock();
	gomem_describe(a->addr, what, sizeof(what));
	say(a, "what", "%s", what);
	s = gomem_pagemap_span(&gomem_pagemap, a->addr);
	if (s)
		say_span(a, s);
	rcu_read_unlock();
}

/**
 * gomem_whatis_show - tell all that gomem knows of an address
 * @m: where to, a file that root alone reads
 * @addr: any value
 *
 * Context: may sleep, as seq_file does.
 */
void gomem_whatis_show(struct seq_file *m, unsigned long addr)
{
	const struct answer a = { .m = m, .addr = addr };

	say(&a, "address", "%lx", addr);
	answer(&a);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_whatis_show);

void gomem_dump_obj(const void *p)
{
	const struct answer a = { .addr = (unsigned long)p };

	say(&a, "address", "%p, asked by %pS", p, (void *)_RET_IP_);
	answer(&a);
	if (gomem_is_kernel_slab(p))
		mem_dump_obj((void *)p);
}
EXPORT_SYMBOL_NS_GPL(gomem_dump_obj, GOMEM_NS);
