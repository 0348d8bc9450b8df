// SPDX-License-Identifier: GPL-2.0
/*
 * kfrees.c - find memory of gomem's that was freed with the kernel's kfree().
 *
 * The kernel's kfree() cannot free such memory, which stays allocated. Up to 6.17 it drops
 * a reference of the page. So gomem finds the frees, but not who called, when it looks at
 * the page: as the heap is checked, as a typed cache is destroyed with objects left, as the
 * page is to go back, and at unload. Newer kernels print a warning and the state of the
 * page, and leave nothing in the page.
 *
 * With kfree_probe=1 each call passes here first, by the kernel's trace event. That tells
 * who calls, on each kernel, and takes its time in each kfree() of the whole machine.
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

#include "cache.h"
#include "compat.h"
#include "kfrees.h"
#include "node.h"
#include "report.h"

/*
 * Of one page of a span. Others take the span apart meanwhile, and make another one of its
 * descriptor. The address may then be of the one span and the length of the other. A page
 * that the map does not give to this span may be the kernel's, and must not change.
 */
static unsigned long kfrees_of_page(const struct gomem_span *s, unsigned long addr,
				    unsigned long bytes, unsigned long *news)
{
	struct gomem_pagesource *src = s->heap->source;
	unsigned long n, all = 0;

	/* Keeps the page: gomem_heap_release(). */
	rcu_read_lock();
	if (gomem_pagemap_span(s->heap->map, addr) == s) {
		all = src->dropped(src, addr, bytes, &n);
		*news += n;
	}
	rcu_read_unlock();
	return all;
}

/**
 * gomem_kfrees_of_span - how often the kernel freed objects of a span
 * @s: the span; its descriptor stays meanwhile, but may become another span
 * @news: set to how many of these were not told of before
 *
 * Context: any.
 * Return: how many.
 */
unsigned long gomem_kfrees_of_span(const struct gomem_span *s, unsigned long *news)
{
	unsigned long all = 0, addr = READ_ONCE(s->base);
	unsigned int i, npages = READ_ONCE(s->npages);

	*news = 0;
	if (!s->heap->source->dropped || gomem_span_state(s) == GOMEM_SPAN_ARENA)
		return 0;
	/* A single object is freed by its first page. */
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
 * gomem_kfrees_of_kind - how often the kernel freed objects of a kind, and count that
 * @k: the kind
 *
 * Context: may sleep.
 * Return: how many.
 */
unsigned long gomem_kfrees_of_kind(const struct gomem_kind *k)
{
	struct kind_walk w = { .kind = k };
	struct gomem_heap *h;

	for_each_gomem_heap(h)
		gomem_heap_walk_spans(h, look_at_span, &w);
	gomem_count_misuses(GOMEM_KFREE, w.news);
	return w.all;
}

static void note_kfree(const void *p, unsigned long call_site)
{
	/*
	 * Keeps the page: gomem_heap_release(). From 7.2 on a probe may be preempted, and is in
	 * no read-side section but its tracepoint's.
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
	/* A page without a span is nobody's: an object that was there is freed twice. */
	if (unlikely(gomem_pagemap_span(&gomem_pagemap, (unsigned long)p)))
		note_kfree(p, call_site);
}

/* What the parameter says, and whether the module runs: the kernel's lock of parameters. */
static bool probing;
static bool ready;

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
		probing = on;
	return err;
}

static const struct kernel_param_ops probing_ops = {
	.set = set_probing,
	.get = param_get_bool,
};

module_param_cb(kfree_probe, &probing_ops, &probing, 0644);
MODULE_PARM_DESC(kfree_probe, "Report each kfree() of gomem's memory with its caller, at a cost for each kfree() there is (default N)");

/**
 * gomem_kfrees_hidden - may there have been kfrees that nothing tells of?
 *
 * Return: true on a kernel that drops no reference and has warned of something, unless each
 * kfree() is looked at.
 */
bool gomem_kfrees_hidden(void)
{
	return GOMEM_KFREE_LEAVES_NO_TRACE && !probing &&
	       (test_taint(TAINT_WARN) || test_taint(TAINT_BAD_PAGE));
}

/**
 * gomem_kfrees_init - look at each kfree() from now on, if that was asked for
 *
 * The last step of init: nothing ends this if a later one fails.
 */
void __init gomem_kfrees_init(void)
{
	kernel_param_lock(THIS_MODULE);
	ready = true;
	if (probing && register_trace_kfree(probe, NULL))
		probing = false;
	kernel_param_unlock(THIS_MODULE);
}

/**
 * gomem_kfrees_exit - end the look at each kfree()
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
