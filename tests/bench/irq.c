// SPDX-License-Identifier: GPL-2.0
/*
 * irq.c - allocate and free in a hard interrupt.
 *
 * One interrupt performs many operations. The cost of entering the interrupt is
 * not included.
 */
#include <linux/completion.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/preempt.h>

#include "ways.h"

static __always_inline void pair(unsigned int n, void *(*get)(gfp_t gfp),
				 void (*put)(void *p))
{
	while (n--)
		put(bench_use(get(GFP_ATOMIC)));
}

static void none_irq(unsigned int n)
{
	pair(n, none_get, none_put);
}

static void gomem_irq(unsigned int n)
{
	pair(n, gomem_get, gomem_put);
}

static void kmalloc_irq(unsigned int n)
{
	pair(n, kmalloc_get, kmalloc_put);
}

static void cache_irq(unsigned int n)
{
	pair(n, cache_get, cache_put);
}

static const struct bench_way ways[] = {
	{ "none", none_irq },
	{ "gomem", gomem_irq },
	{ "kmalloc", kmalloc_irq },
	{ "kmem_cache", cache_irq },
	{ },
};

static DECLARE_COMPLETION(done);
static const struct bench_way *irq_way;
static unsigned int irq_n;
static u64 irq_ns;

static void interrupt(struct irq_work *work)
{
	if (!in_hardirq())
		bench_failed = true;
	irq_ns = bench_time(irq_way, irq_n);
	complete(&done);
}

static struct irq_work work = IRQ_WORK_INIT_HARD(interrupt);

static u64 time_in_irq(const struct bench_way *way, unsigned int n)
{
	irq_way = way;
	irq_n = n;
	irq_work_queue(&work);
	wait_for_completion(&done);
	irq_work_sync(&work);
	return irq_ns;
}

/* On PREEMPT_RT a hard interrupt must not allocate. */
static int setup(void)
{
	return IS_ENABLED(CONFIG_PREEMPT_RT) ? -EOPNOTSUPP : 0;
}

const struct bench bench_irq[] = {
	{ .name = "irq", .ways = ways, .ops = 500, .time = time_in_irq,
	  .setup = setup },
	{ },
};
