// SPDX-License-Identifier: GPL-2.0
/*
 * whatis.c - tell what an address is: the file whatis in debugfs, and
 * gomem_dump_obj().
 *
 * This is for people who found an address in a log, in a register or in a
 * corrupted list. No lock is held across the answer, so it may mix states from
 * before and after an allocation or free on another CPU. The only word of an
 * object that is read is the one that holds the key of a free object.
 */
#define pr_fmt(fmt) "gomem: " fmt

#include <kunit/visibility.h>
#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>

#include "base/sizeclass.h"
#include "map/describe.h"
#include "map/live.h"
#include "map/origin.h"
#include "map/special.h"
#include "cpu/node.h"
#include "api/account.h"
#include "api/cache.h"
#include "api/tiny.h"
#include "run/stackpages.h"
#include "run/whatis.h"

/* Room for the text of an address, or of the distance between two. */
#define PLACE_MAX	40

/**
 * struct answer - where to print, and about which address
 * @m: the file to print to, readable only for root; NULL for the log, where no
 *	address may appear in clear
 * @addr: the address
 */
struct answer {
	struct seq_file *m;
	unsigned long addr;
};

static __printf(3, 4) void say(const struct answer *a, const char *key,
			       const char *fmt, ...)
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

/* Format @addr for the file, or its distance from a->addr for the log. */
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

static const char *cell_text(struct gomem_span *s, unsigned int i)
{
	if (gomem_cell_is_live(s, i))
		return "live";
	return i < READ_ONCE(s->fresh) ? "free" : "free, was never handed out";
}

static void say_neighbour(const struct answer *a, const char *key,
			  struct gomem_span *s, unsigned int i)
{
	char buf[PLACE_MAX];

	if (i < s->nelems)
		say(a, key, "%s, %s",
		    place(a, (unsigned long)gomem_span_object(s, i), buf),
		    cell_text(s, i));
	else
		say(a, key, "none in this span");
}

/* Tiny objects share a block, so the block's state does not tell theirs. */
static void say_tiny(const struct answer *a)
{
	size_t left = gomem_tiny_left((void *)a->addr);

	if (left)
		say(a, "state", "live, %zu more bytes from here", left);
	else
		say(a, "state", "no live object");
}

static void say_cell(const struct answer *a, struct gomem_span *s)
{
	unsigned int i = gomem_span_index(s, a->addr);
	char buf[PLACE_MAX];

	/* The address is in the tail of the span, where no object is. */
	if (i >= s->nelems)
		return;
	if (s->spc == GOMEM_TINY_SPC)
		say_tiny(a);
	else
		say(a, "state", "%s", cell_text(s, i));
	say(a, "object", "%s, %u bytes",
	    place(a, (unsigned long)gomem_span_object(s, i), buf),
	    s->kind->cache ? s->kind->object_size : s->elemsize);
	/* For the first object, i - 1 wraps around and is not below nelems. */
	say_neighbour(a, "below", s, i - 1);
	say_neighbour(a, "above", s, i + 1);
}

static void say_large(const struct answer *a, const struct gomem_span *s)
{
	char buf[PLACE_MAX];

	say(a, "state", "%s", gomem_large_is_live(s) ? "live" : "free");
	say(a, "object", "%s, %u bytes", place(a, s->base, buf),
	    READ_ONCE(s->elemsize));
}

static void say_arena(const struct answer *a, const struct gomem_span *s)
{
	unsigned int handed_out = READ_ONCE(s->handed_out);

	if (handed_out)
		say(a, "state", "%s, %u bytes of the block are",
		    a->addr - s->base < handed_out ? "handed out" :
						     "not handed out",
		    handed_out);
	else
		say(a, "state",
		    "nothing of it is handed out, or the arena was destroyed");
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
		say_cell(a, s);
	else
		say_large(a, s);
	say(a, "span", "%s, %lu bytes, %s", place(a, s->base, buf),
	    (unsigned long)s->npages << GOMEM_PAGE_SHIFT, state_names[state]);
	if (s->divmul)
		say(a, "objects",
		    "%u of %u are allocated, free ones that CPUs hold included",
		    READ_ONCE(s->alloc_count), s->nelems);
	say(a, "class", "%u, %s", gomem_spc_class(s->spc),
	    gomem_spc_noscan(s->spc) ? "without pointers (noscan)" :
				       "may have pointers");
	say(a, "node", "%d", s->heap->node);
	say(a, "owner", "%s takes it back", gomem_free_function(s));
}

static void say_line(void *a, const char *key, const char *text)
{
	say(a, key, "%s", text);
}

/*
 * If the profile sampled the object, print which code allocated it. If the
 * object is free, also print which code freed it.
 */
static void say_origin(const struct answer *a)
{
	struct gomem_origin o;

	if (gomem_origin_find(a->addr, &o))
		gomem_origin_print(&o, say_line, (void *)a);
}

/*
 * If an account pays for the object, print which. The caller is in an RCU
 * read-side section, which keeps the account from being freed.
 */
static void say_account(const struct answer *a)
{
	struct gomem_special sp;

	if (gomem_origin_charge(a->addr, &sp))
		say(a, "account", "%s, %zu bytes", sp.account->name, sp.bytes);
}

static void say_what(const struct answer *a)
{
	char what[GOMEM_DESCRIPTION_MAX];

	if (!gomem_pagemap_has_page(&gomem_pagemap, a->addr) &&
	    gomem_stack_describe(a->addr, what, sizeof(what))) {
		say(a, "what", "not gomem's: %s, nobody frees it", what);
		return;
	}
	gomem_describe(a->addr, what, sizeof(what));
	say(a, "what", "%s", what);
}

static void answer(const struct answer *a)
{
	struct gomem_span *s;

	/* RCU keeps the page and its typed cache from being freed meanwhile. */
	rcu_read_lock();
	say_what(a);
	s = gomem_pagemap_span(&gomem_pagemap, a->addr);
	if (s) {
		say_span(a, s);
		say_account(a);
	}
	rcu_read_unlock();
	say_origin(a);
}

/**
 * gomem_whatis_show - print all that gomem knows about an address
 * @m: the file to print to, readable only for root
 * @addr: the address, any value
 *
 * Context: process, as for any seq_file.
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
