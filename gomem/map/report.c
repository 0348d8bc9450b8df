// SPDX-License-Identifier: GPL-2.0
/*
 * report.c - count misuse of gomem, and print a report of it.
 *
 * Each report is one line. It names what happened, the object, and the calling
 * code, if that is known. The call stack of this code follows, unless
 * report_stacks is N. A bug in a loop must not flood the log. So the reports of
 * each type of misuse are limited in rate, but each case is counted.
 */
#define pr_fmt(fmt) "gomem: " fmt

#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/gomem.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "base/sizeclass.h"
#include "base/stack.h"
#include "base/trace.h"
#include "map/describe.h"
#include "map/kind.h"
#include "map/origin.h"
#include "map/pagemap.h"
#include "map/report.h"
#include "map/span.h"

/* Administrators who know the faulty module set this to N for a short log. */
static bool report_stacks __read_mostly = true;
module_param(report_stacks, bool, 0644);
MODULE_PARM_DESC(report_stacks,
		 "Print the stack with each report of misuse (default Y)");

#define REPORT_INTERVAL	(5 * HZ)
#define REPORT_BURST	10

static atomic64_t misuses[GOMEM_NR_MISUSES];
static struct ratelimit_state limits[GOMEM_NR_MISUSES] = {
	[0 ... GOMEM_NR_MISUSES - 1] =
		RATELIMIT_STATE_INIT("gomem", REPORT_INTERVAL, REPORT_BURST),
};

const char * const gomem_misuse_names[GOMEM_NR_MISUSES] = {
	[GOMEM_DOUBLE_FREE]		= "double_frees_detected",
	[GOMEM_INTERIOR_POINTER]	= "interior_pointers_detected",
	[GOMEM_FOREIGN_POINTER]		= "foreign_pointers_detected",
	[GOMEM_WRITE_AFTER_FREE]	= "writes_after_free_detected",
	[GOMEM_USE_AFTER_FREE]		= "uses_after_free_detected",
	[GOMEM_SIZE_OVERFLOW]		= "size_overflows_refused",
	[GOMEM_SIZE_TOO_LARGE]		= "too_large_refused",
	[GOMEM_BAD_GFP]			= "bad_gfp_refused",
	[GOMEM_BAD_NODE]		= "bad_node_refused",
	[GOMEM_BAD_ORDER]		= "bad_order_refused",
	[GOMEM_WRONG_FUNCTION]		= "wrong_functions_detected",
	[GOMEM_BAD_ARENA]		= "bad_arenas_detected",
	[GOMEM_ARENA_WRITE]		= "arena_writes_after_destroy_detected",
	[GOMEM_BAD_CACHE]		= "bad_caches_detected",
	[GOMEM_BAD_CACHE_ARGS]		= "bad_cache_args_refused",
	[GOMEM_CACHE_LEFT]		= "caches_destroyed_in_use",
	[GOMEM_IN_NMI]			= "nmi_refused",
	[GOMEM_KFREE]			= "kfrees_detected",
	[GOMEM_BAD_USERCOPY]		= "bad_usercopies_detected",
	[GOMEM_BAD_ACCOUNT]		= "bad_accounts_detected",
	[GOMEM_ACCOUNT_LEFT]		= "left_accounts_detected",
	[GOMEM_CLEANUP_LEFT]		= "left_cleanups_detected",
	[GOMEM_CTOR_LEFT]		= "left_constructors_detected",
};
EXPORT_SYMBOL_IF_KUNIT(gomem_misuse_names);

/**
 * gomem_misuse_count - return how often one type of misuse was detected
 * @what: type of misuse
 *
 * Return: the count, including cases that were not printed.
 */
u64 gomem_misuse_count(enum gomem_misuse what)
{
	return atomic64_read(&misuses[what]);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_misuse_count);

/**
 * gomem_count_misuses - count misuse without a report for each case
 * @what: type of misuse
 * @n: number of cases
 */
void gomem_count_misuses(enum gomem_misuse what, unsigned long n)
{
	atomic64_add(n, &misuses[what]);
}

/**
 * gomem_report_begin - count a case of misuse
 * @what: type of misuse
 *
 * Return: true if it should be printed.
 */
bool gomem_report_begin(enum gomem_misuse what)
{
	atomic64_inc(&misuses[what]);
	trace_report(gomem_misuse_names[what]);
	return __ratelimit(&limits[what]);
}

/*
 * Do what gomem_report_begin() does, for an allocation. With __GFP_NOWARN the
 * misuse is counted, but must not be printed.
 */
static bool report_request_begin(enum gomem_misuse what, gfp_t gfp)
{
	if (!(gfp & __GFP_NOWARN))
		return gomem_report_begin(what);
	atomic64_inc(&misuses[what]);
	trace_report(gomem_misuse_names[what]);
	return false;
}

static void report_end(void)
{
	if (report_stacks)
		dump_stack();
}

static void print_line(void *unused, const char *key, const char *text)
{
	pr_err("%s: %s\n", key, text);
}

/*
 * End a report about an address: print who allocated the object there, who
 * freed it, and the stack of this call. The allocation and the free are known
 * only for objects that the heap profile sampled.
 */
static void report_end_at(const void *p)
{
	struct gomem_origin o;

	if (!report_stacks)
		return;
	if (gomem_origin_find((unsigned long)p, &o))
		gomem_origin_print(&o, print_line, NULL);
	dump_stack();
}

/*
 * For an object of the kernel's slab allocator: print its cache and, if the
 * kernel recorded it, the code that allocated the object.
 */
static void describe_slab(const void *p)
{
	if (!gomem_is_kernel_slab(p))
		return;
	pr_err("that is");
	mem_dump_obj((void *)p);
}

static const char *pointer_text(enum gomem_misuse what)
{
	switch (what) {
	case GOMEM_DOUBLE_FREE:
		return "double free";
	case GOMEM_INTERIOR_POINTER:
		return "pointer is not the start of an object";
	case GOMEM_WRITE_AFTER_FREE:
		return "object was written to while it was free, found when allocated, and is lost";
	case GOMEM_USE_AFTER_FREE:
		return "object is free";
	default:
		return "pointer to no live object";
	}
}

/*
 * Return the address that a report names as the caller. If an exported function
 * calls an inner function, and not by a tail call, the inner one's return
 * address is in gomem itself. Kernels with frame pointers are built without
 * tail calls. So if @caller is in gomem, and a task made the call, search the
 * stack for the first frame that is not gomem's. In a worker of a workqueue,
 * return @caller: the call may have come from one of gomem's own works.
 */
static void *code_of(unsigned long caller)
{
	unsigned long found = 0;

	if (gomem_stack_is_own(caller) && in_task() &&
	    !(current->flags & PF_WQ_WORKER))
		found = gomem_stack_caller();
	return (void *)(found ?: caller);
}

/**
 * gomem_report_pointer - report that a bad pointer was passed in
 * @what: what is wrong with the pointer
 * @p: the pointer
 * @caller: address of the code that passed it
 *
 * Context: any, but not with a spinlock of gomem held.
 */
void gomem_report_pointer(enum gomem_misuse what, const void *p,
			  unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX];

	if (!gomem_report_begin(what))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)p, buf, sizeof(buf));
	rcu_read_unlock();
	pr_err("%s: %p (%s), by %pS\n", pointer_text(what), p, buf,
	       code_of(caller));
	describe_slab(p);
	report_end_at(p);
}

/**
 * gomem_report_no_object - report a pointer that lies in no live span
 * @if_ours: what is wrong if the pointer's page is gomem's. In that case the
 *	page was probably part of a span earlier
 * @p: the pointer
 * @caller: address of the code that passed it
 */
void gomem_report_no_object(enum gomem_misuse if_ours, const void *p,
			    unsigned long caller)
{
	bool ours = gomem_pagemap_has_page(&gomem_pagemap, (unsigned long)p);

	gomem_report_pointer(ours ? if_ours : GOMEM_FOREIGN_POINTER, p, caller);
}

/**
 * gomem_report_owner - report an object that was passed to the wrong function
 * @p: the pointer that was passed, into a live span
 * @caller: address of the code that called the function
 *
 * The report names the function that frees such an object.
 */
void gomem_report_owner(const void *p, unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX];
	struct gomem_span *s;

	if (!gomem_report_begin(GOMEM_WRONG_FUNCTION))
		return;
	rcu_read_lock();
	s = gomem_pagemap_span(&gomem_pagemap, (unsigned long)p);
	gomem_describe((unsigned long)p, buf, sizeof(buf));
	pr_err("wrong function, %s owns this: %p (%s), by %pS\n",
	       gomem_free_function(s), p, buf, code_of(caller));
	rcu_read_unlock();
	report_end_at(p);
}

/**
 * gomem_report_keeps - report a call that would destroy contents that must stay
 * @p: an object with a constructor, or one that is typesafe under RCU
 * @caller: address of the code that made the call
 */
void gomem_report_keeps(const void *p, unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX];

	if (!gomem_report_begin(GOMEM_WRONG_FUNCTION))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)p, buf, sizeof(buf));
	rcu_read_unlock();
	pr_err("wrong function, it would change what the cache's constructor or RCU readers rely on: %p (%s), by %pS\n",
	       p, buf, code_of(caller));
	report_end_at(p);
}

/**
 * gomem_report_broken_list - report a broken list of objects that wait for RCU
 * @head: address that the list led to. No waiting object has its struct
 *	gomem_rcu_head there
 * @lost: number of objects that should have followed; they are leaked
 *
 * The object at @head, or one before it on the list, was freed or written to
 * while it waited. The code that did it is unknown.
 */
void gomem_report_broken_list(const void *head, unsigned long lost)
{
	char buf[GOMEM_DESCRIPTION_MAX];

	if (!gomem_report_begin(GOMEM_WRITE_AFTER_FREE))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)head, buf, sizeof(buf));
	rcu_read_unlock();
	pr_err("object was freed or written to while it waited for RCU: %p (%s), %lu objects are lost\n",
	       head, buf, lost);
}

/**
 * gomem_report_late_double_free - report double frees that were detected late
 * @kind: the kind of the objects
 * @n: number of objects
 *
 * The second gomem_free() of an object did not find the object's key, because
 * the key was overwritten after the first gomem_free(). gomem detects the
 * double free when it puts the object back into its span. The code that called
 * gomem_free() is unknown.
 */
void gomem_report_late_double_free(const struct gomem_kind *kind,
				   unsigned int n)
{
	atomic64_add(n - 1, &misuses[GOMEM_DOUBLE_FREE]);
	if (!gomem_report_begin(GOMEM_DOUBLE_FREE))
		return;
	pr_err("double free of %u %s%s of %u bytes, found late: written to between the frees\n",
	       n, gomem_object_word(gomem_spc_class(kind->spc)),
	       n == 1 ? "" : "s", kind->size);
}

/**
 * gomem_report_request - report that an allocation was refused
 * @what: what is wrong with the request
 * @size: bytes asked for
 * @gfp: gfp asked for; internal flags (GOMEM_GFP_PAID) are not shown
 * @caller: address of the code that asked
 */
void gomem_report_request(enum gomem_misuse what, size_t size, gfp_t gfp,
			  unsigned long caller)
{
	if (!report_request_begin(what, what == GOMEM_BAD_GFP ? 0 : gfp))
		return;
	gfp &= __GFP_BITS_MASK;
	if (what == GOMEM_SIZE_TOO_LARGE)
		pr_err("allocation of %zu bytes refused: the limit is %lu, by %pS\n",
		       size, GOMEM_MAX_SIZE, code_of(caller));
	else
		pr_err("allocation of %zu bytes refused: gfp %#x (%pGg) asks for a zone, by %pS\n",
		       size, (__force unsigned int)gfp, &gfp, code_of(caller));
	report_end();
}

/**
 * gomem_report_overflow - report that the size of an array overflows
 * @n: number of elements
 * @size: bytes of an element
 * @gfp: gfp asked for
 * @caller: address of the code that asked
 */
void gomem_report_overflow(size_t n, size_t size, gfp_t gfp,
			   unsigned long caller)
{
	if (!report_request_begin(GOMEM_SIZE_OVERFLOW, gfp))
		return;
	pr_err("allocation of %zu times %zu bytes refused: the product overflows, by %pS\n",
	       n, size, code_of(caller));
	report_end();
}

/**
 * gomem_report_node - report an allocation from a node that does not exist
 * @node: the node id
 * @caller: address of the code that asked
 */
void gomem_report_node(int node, unsigned long caller)
{
	if (!gomem_report_begin(GOMEM_BAD_NODE))
		return;
	pr_err("allocation refused: there is no node %d, by %pS\n", node,
	       code_of(caller));
	report_end();
}

/**
 * gomem_report_order - report a request for too large a scratch buffer
 * @order: the order
 * @caller: address of the code that asked
 */
void gomem_report_order(unsigned int order, unsigned long caller)
{
	if (!gomem_report_begin(GOMEM_BAD_ORDER))
		return;
	pr_err("scratch buffer of order %u refused: the limit is %u, by %pS\n",
	       order, GOMEM_SCRATCH_MAX_ORDER, code_of(caller));
	report_end();
}

/**
 * gomem_report_arena - report a handle that is not that of a live arena
 * @arena: the handle
 * @destroyed: true if the arena of this handle was destroyed earlier
 * @caller: address of the code that passed it
 */
void gomem_report_arena(const void *arena, bool destroyed, unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX];

	if (!gomem_report_begin(GOMEM_BAD_ARENA))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)arena, buf, sizeof(buf));
	rcu_read_unlock();
	pr_err("%s: %p (%s), by %pS\n",
	       destroyed ? "arena was destroyed already" : "no arena", arena,
	       buf, code_of(caller));
	report_end();
}

/**
 * gomem_report_arena_write - report a write to an arena after its destruction
 * @s: a span of the arena
 * @first: the first byte that was written to
 * @bytes: bytes from @first to the last one that was written to
 *
 * The report names the code that destroyed the arena. The code that wrote is
 * unknown.
 */
void gomem_report_arena_write(const struct gomem_span *s, const void *first,
			      size_t bytes)
{
	if (!gomem_report_begin(GOMEM_ARENA_WRITE))
		return;
	pr_err("arena was written to after it was destroyed: %p (%u-byte block, %zu bytes from + %lu), destroyed by %pS\n",
	       first, s->elemsize, bytes, (unsigned long)first - s->base,
	       (void *)s->destroyed_by);
}

/* Maximum number of leaked arenas of which each gets a line in the log. */
#define LEAKED_ARENAS_NAMED	10

/**
 * gomem_report_leaked_arena - report an arena that was never destroyed
 * @arena: its handle
 * @bytes: bytes of its spans
 *
 * Context: process context, while gomem is unloaded.
 */
void gomem_report_leaked_arena(const void *arena, unsigned long bytes)
{
	static unsigned int named;

	if (named++ < LEAKED_ARENAS_NAMED)
		pr_warn("leaked: arena %p, %lu bytes, never destroyed\n", arena,
			bytes);
}

/**
 * gomem_report_leaked_arenas - report the sums over all leaked arenas
 * @n: number of arenas
 * @bytes: bytes of their spans
 */
void gomem_report_leaked_arenas(unsigned long n, unsigned long bytes)
{
	pr_warn("leaked in all: %lu arenas, %lu bytes: lost until the next boot\n",
		n, bytes);
}

/**
 * gomem_report_cache - report a pointer that is not a live typed cache
 * @cache: the pointer
 * @caller: address of the code that passed it
 */
void gomem_report_cache(const void *cache, unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX];

	if (!gomem_report_begin(GOMEM_BAD_CACHE))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)cache, buf, sizeof(buf));
	rcu_read_unlock();
	pr_err("no cache, or destroyed already: %p (%s), by %pS\n", cache, buf,
	       code_of(caller));
	report_end();
}

/**
 * gomem_report_cache_args - report a typed cache that cannot be created
 * @name: its name
 * @size: bytes of an object
 * @align: alignment of the objects
 * @caller: address of the code that asked
 */
void gomem_report_cache_args(const char *name, unsigned int size,
			     unsigned int align, unsigned long caller)
{
	if (!gomem_report_begin(GOMEM_BAD_CACHE_ARGS))
		return;
	pr_err("cache %s refused: %u bytes aligned to %u, with 8 more for a constructor or RCU, are none or over %lu, or the part for user space is not inside the object, by %pS\n",
	       name && *name ? name : "without a name", size, align,
	       GOMEM_CACHE_MAX_SIZE, code_of(caller));
	report_end();
}

/**
 * gomem_report_cache_left - report a typed cache destroyed with objects left
 * @k: the kind of its objects
 * @objects: number of objects left
 * @pages: gomem pages that they lie in
 * @kfreed: how many of these objects were passed to kfree(), which cannot free
 *	them; or GOMEM_KFREES_UNKNOWN
 * @caller: address of the code that destroyed the cache; 0 when gomem is
 *	unloaded
 */
void gomem_report_cache_left(const struct gomem_kind *k, unsigned long objects,
			     unsigned long pages, unsigned long kfreed,
			     unsigned long caller)
{
	unsigned long kib = pages * (GOMEM_PAGE_SIZE / SZ_1K);
	char by_kernel[GOMEM_KFREED_MAX];

	if (!gomem_report_begin(GOMEM_CACHE_LEFT))
		return;
	gomem_describe_kfreed(kfreed, by_kernel, sizeof(by_kernel));
	if (!caller) {
		pr_err("cache %s: %lu objects of %u bytes were never freed%s: %lu KiB are lost until the next boot\n",
		       k->name, objects, k->object_size, by_kernel, kib);
		return;
	}
	pr_err("cache %s: %lu objects of %u bytes were never freed%s: %lu KiB stay in use until they are freed, destroyed by %pS\n",
	       k->name, objects, k->object_size, by_kernel, kib,
	       code_of(caller));
	report_end();
}

/**
 * gomem_report_leaked_cache - report a typed cache that was never destroyed
 * @k: the kind of its objects
 */
void gomem_report_leaked_cache(const struct gomem_kind *k)
{
	pr_warn("leaked: cache %s, never destroyed\n", k->name);
}

/**
 * gomem_report_account - report a pointer that is not a live account
 * @account: the pointer
 * @closed: the name of the account, if gomem has closed it; else NULL
 * @caller: address of the code that passed it
 *
 * Context: any but NMI.
 */
void gomem_report_account(const void *account, const char *closed,
			  unsigned long caller)
{
	if (!gomem_report_begin(GOMEM_BAD_ACCOUNT))
		return;
	if (closed)
		pr_err("account %s was closed when its module was unloaded: %p, by %pS\n",
		       closed, account, code_of(caller));
	else
		pr_err("no account, or destroyed already: %p, by %pS\n",
		       account, code_of(caller));
	report_end();
}

/**
 * gomem_report_no_ctor - report an allocation that needs a lost constructor
 * @k: the kind of the object
 * @caller: address of the code that allocates
 */
void gomem_report_no_ctor(const struct gomem_kind *k, unsigned long caller)
{
	if (!gomem_report_begin(GOMEM_BAD_CACHE))
		return;
	pr_err("allocation refused: the constructor of cache %s was unloaded with its module, by %pS\n",
	       k->name, code_of(caller));
	report_end();
}

/**
 * gomem_report_nmi - report that gomem was called in an NMI
 * @caller: address of the code that called
 */
void gomem_report_nmi(unsigned long caller)
{
	if (!gomem_report_begin(GOMEM_IN_NMI))
		return;
	pr_err("call refused: in an NMI, by %pS\n", code_of(caller));
	report_end();
}

/**
 * gomem_report_kfree - report that other code dropped gomem's page references
 * @page: address of the kernel page, which is leaked
 * @n: number of dropped references that were not reported before
 *
 * gomem detects this when the page is about to go back to the kernel. The code
 * that dropped the references, and the object that this code wanted to free,
 * are unknown.
 */
void gomem_report_kfree(const void *page, unsigned int n)
{
	atomic64_add(n - 1, &misuses[GOMEM_KFREE]);
	if (!gomem_report_begin(GOMEM_KFREE))
		return;
	pr_err("gomem's memory was freed %u time%s with kfree() or put_page(), found late: %lu bytes at %p are lost until the next boot\n",
	       n, n == 1 ? "" : "s", PAGE_SIZE, page);
}

/**
 * gomem_report_kfrees - report objects freed with kfree(), which stay allocated
 * @class: their size class; 0 for large objects and objects of typed caches
 * @n: number of these objects that were not reported before
 *
 * gomem detects this when it checks the pages of live spans. The code that
 * called kfree() is unknown.
 */
void gomem_report_kfrees(unsigned int class, unsigned long n)
{
	gomem_count_misuses(GOMEM_KFREE, n - 1);
	if (!gomem_report_begin(GOMEM_KFREE))
		return;
	if (class)
		pr_err("%lu %s%s of %u bytes freed with the kernel's kfree() or put_page(), lost until the next boot: see \"What the kernel frees\" in Documentation/override.rst\n",
		       n, gomem_object_word(class), n == 1 ? "" : "s",
		       gomem_class_size(class));
	else
		pr_err("%lu large objects, or objects of typed caches, freed with the kernel's kfree() or put_page(), lost until the next boot: see \"What the kernel frees\" in Documentation/override.rst\n",
		       n);
}

/**
 * gomem_report_probed_kfree - report a call of kfree() with gomem's memory
 * @p: the memory
 * @caller: address of the code that called kfree()
 *
 * gomem detects this in the call of kfree(), so that the caller is known.
 *
 * Context: any that kfree() may be called in.
 */
void gomem_report_probed_kfree(const void *p, unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX];

	if (!gomem_report_begin(GOMEM_KFREE))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)p, buf, sizeof(buf));
	rcu_read_unlock();
	pr_err("the kernel's kfree() cannot free this: %p (%s), by %pS\n", p,
	       buf, code_of(caller));
	report_end_at(p);
}

/*
 * For an address in a typed cache: tell which part of an object user space may
 * see. For any other address the text is empty.
 */
static void describe_window(unsigned long addr, char *buf, size_t len)
{
	const struct gomem_span *s = gomem_pagemap_span(&gomem_pagemap, addr);
	const struct gomem_kind *k = s ? READ_ONCE(s->kind) : NULL;

	buf[0] = '\0';
	if (!k || !k->cache)
		return;
	if (k->usersize)
		snprintf(buf, len, "; user space may see %u bytes from + %u",
			 k->usersize, k->useroffset);
	else
		strscpy(buf,
			"; the cache was created without a part for user space",
			len);
}

/**
 * gomem_report_usercopy - report a copy to or from user space that was refused
 * @p: the first byte of the copy, in a page of the heap
 * @n: bytes of the copy
 * @left: maximum number of bytes that may be copied from @p on; 0 if none
 * @to_user: true for a copy to user space, false for a copy from it
 * @caller: address of the code that copies
 *
 * Context: any.
 */
void gomem_report_usercopy(const void *p, size_t n, size_t left, bool to_user,
			   unsigned long caller)
{
	char buf[GOMEM_DESCRIPTION_MAX], window[64], right[64];

	if (!gomem_report_begin(GOMEM_BAD_USERCOPY))
		return;
	rcu_read_lock();
	gomem_describe((unsigned long)p, buf, sizeof(buf));
	describe_window((unsigned long)p, window, sizeof(window));
	rcu_read_unlock();
	if (left)
		snprintf(right, sizeof(right),
			 "no more than %zu are allowed there", left);
	else
		strscpy(right, "nothing is allowed there, or it is free",
			sizeof(right));
	pr_err("copy of %zu bytes %s user space: %s: %p (%s%s), by %pS\n", n,
	       to_user ? "to" : "from", right, p, buf, window, code_of(caller));
	report_end_at(p);
}
