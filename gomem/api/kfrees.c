// SPDX-License-Identifier: GPL-2.0
/*
 * kfrees.c - find objects of gomem that were freed with the kernel's kfree().
 *
 * The kernel's kfree() cannot free such an object, which stays allocated. Up to
 * Linux 6.17, kfree() drops a reference of the page. gomem finds the missing
 * reference when it checks the page, but not the code that called kfree(). A
 * page is checked when the heap is checked, when a typed cache is destroyed
 * with objects left, when the page is about to go back to the kernel, and when
 * gomem is unloaded. On newer kernels kfree() prints a warning and the state of
 * the page, and leaves no trace in the page.
 *
 * With kfree_probe=1, each call of kfree() first runs probe(), through the
 * kernel's trace event. The probe reports the calling code, on all kernels, but
 * slows down each kfree() of the whole machine.
 */
#include <kunit/visibility.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/panic.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <trace/events/kmem.h>

#include "base/compat.h"
#include "map/describe.h"
#include "map/report.h"
#include "cpu/node.h"
#include "api/kfrees.h"

/*
 * The value of kfree_probe, and whether gomem is initialized. Both protected by
 * kernel_param_lock(), since parameters may be set at any time.
 * gomem_kfrees_hidden() reads @probing without the lock.
 */
static bool probing;
static bool ready;

/**
 * gomem_kfrees_hidden - check whether a kfree() of gomem's memory may have been
 *	missed, because it left no trace
 *
 * Return: true if on this kernel kfree() does not drop a reference of the page,
 * kfree_probe is off, and the kernel has printed a warning since it booted. The
 * warning may have been about a kfree() of gomem's memory.
 */
bool gomem_kfrees_hidden(void)
{
	return GOMEM_KFREE_LEAVES_NO_TRACE && !READ_ONCE(probing) &&
	       (test_taint(TAINT_WARN) || test_taint(TAINT_BAD_PAGE));
}

/*
 * Count the calls of kfree() for one page of a span. Add those that were not
 * reported before to *@news. Other CPUs may free the span meanwhile, and reuse
 * its descriptor for another span, so @addr and @bytes may not belong to the
 * span any more. If the page map says that the page is not in the span, the
 * page may be the kernel's. Then the page source's callback dropped() must not
 * run: it writes to the struct page.
 */
static unsigned long kfrees_of_page(const struct gomem_span *s,
				    unsigned long addr, unsigned long bytes,
				    unsigned long *news)
{
	struct gomem_pagesource *src = s->heap->source;
	unsigned long n, all = 0;

	/*
	 * rcu_read_lock() keeps the page from going back to the kernel: see
	 * gomem_heap_release().
	 */
	rcu_read_lock();
	if (gomem_pagemap_span(s->heap->map, addr) == s) {
		all = src->dropped(src, addr, bytes, &n);
		*news += n;
	}
	rcu_read_unlock();
	return all;
}

/**
 * gomem_kfrees_of_span - count how often the kernel freed objects of a span
 * @s: the span. Other CPUs may free it meanwhile, and reuse its descriptor for
 *	another span. Descriptors are type-stable: see base/fixalloc.h
 * @news: set to the number of those calls of kfree() that were not reported
 *	before
 *
 * Calls of kfree() that gomem noticed before the span was made are not counted:
 * they were for objects of earlier spans. But if gomem notices a call for an
 * object of an earlier span only after this span was made, the call is counted.
 *
 * Context: any.
 * Return: the number of calls of kfree().
 */
unsigned long gomem_kfrees_of_span(const struct gomem_span *s,
				   unsigned long *news)
{
	unsigned long all = 0, addr = READ_ONCE(s->base);
	unsigned int i, npages = READ_ONCE(s->npages);

	*news = 0;
	if (!s->heap->source->dropped ||
	    gomem_span_state(s) == GOMEM_SPAN_ARENA)
		return 0;
	/*
	 * kfree() of the only object of a span drops a reference of the first
	 * of its kernel pages, and of no other page.
	 */
	if (READ_ONCE(s->nelems) == 1)
		return kfrees_of_page(s, addr, PAGE_SIZE, news);
	for (i = 0; i < npages; i++, addr += GOMEM_PAGE_SIZE)
		all += kfrees_of_page(s, addr, GOMEM_PAGE_SIZE, news);
	return all;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_kfrees_of_span);

struct kind_walk {
	const struct gomem_kind *kind;
	unsigned long all;
	unsigned long news;
};

static void look_at_span(struct gomem_span *s, void *arg)
{
	struct kind_walk *w = arg;
	unsigned long news;

	if (READ_ONCE(s->kind) != w->kind)
		return;
	w->all += gomem_kfrees_of_span(s, &news);
	w->news += news;
}

/**
 * gomem_kfrees_of_kind - count the calls of kfree() for objects of a kind
 * @k: the kind
 *
 * Adds the calls that were not reported before to the count of GOMEM_KFREE.
 *
 * Context: may sleep.
 * Return: the number of calls of kfree(). GOMEM_KFREES_UNKNOWN if no call was
 * found, but there may have been calls that left no trace.
 */
unsigned long gomem_kfrees_of_kind(const struct gomem_kind *k)
{
	struct kind_walk w = { .kind = k };
	struct gomem_heap *h;

	for_each_gomem_heap(h)
		gomem_heap_walk_spans(h, look_at_span, &w);
	gomem_count_misuses(GOMEM_KFREE, w.news);
	return w.all || !gomem_kfrees_hidden() ? w.all : GOMEM_KFREES_UNKNOWN;
}

static void note_kfree(const void *p, unsigned long call_site)
{
	/*
	 * Keep gomem from giving the page back: see gomem_heap_release(). On
	 * Linux 6.1 and 6.12 the tracepoint turns preemption off, which keeps
	 * the page, too. On 7.2 and 7.3 the tracepoint uses SRCU, and a probe
	 * may be preempted.
	 */
	rcu_read_lock();
	if (gomem_pagemap_span(&gomem_pagemap, (unsigned long)p)) {
		gomem_kernel_page_kfreed((unsigned long)p);
		gomem_report_probed_kfree(p, call_site);
	}
	rcu_read_unlock();
}

static void probe(void *unused, unsigned long call_site, const void *p)
{
	/*
	 * If @p lies in a gomem page without a span, the object was freed
	 * before. This double free is not reported.
	 */
	if (unlikely(gomem_pagemap_span(&gomem_pagemap, (unsigned long)p)))
		note_kfree(p, call_site);
}

static int set_probing(const char *val, const struct kernel_param *kp)
{
	bool on;
	int err = kstrtobool(val, &on);

	if (err || on == probing)
		return err;
	if (ready)
		err = on ? register_trace_kfree(probe, NULL) :
			   unregister_trace_kfree(probe, NULL);
	if (!err)
		WRITE_ONCE(probing, on);
	return err;
}

static const struct kernel_param_ops probing_ops = {
	.set = set_probing,
	.get = param_get_bool,
};

module_param_cb(kfree_probe, &probing_ops, &probing, 0644);
MODULE_PARM_DESC(kfree_probe,
		 "Report each kfree() of gomem's memory and its caller; slows down every kfree() of the machine (default N)");

/**
 * gomem_kfrees_init - start probing kfree(), if kfree_probe is set
 *
 * This is the last step of the module's init. So no later step can fail and
 * make the init undo it.
 */
void __init gomem_kfrees_init(void)
{
	kernel_param_lock(THIS_MODULE);
	ready = true;
	if (probing && register_trace_kfree(probe, NULL))
		WRITE_ONCE(probing, false);
	kernel_param_unlock(THIS_MODULE);
}

/**
 * gomem_kfrees_exit - stop probing kfree()
 *
 * Context: may sleep.
 */
void gomem_kfrees_exit(void)
{
	kernel_param_lock(THIS_MODULE);
	ready = false;
	if (probing)
		unregister_trace_kfree(probe, NULL);
	kernel_param_unlock(THIS_MODULE);
	tracepoint_synchronize_unregister();
}
