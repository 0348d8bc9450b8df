// SPDX-License-Identifier: GPL-2.0
/*
 * lines.c - perform one allocation and one free between marks that an emulator
 * recognises.
 *
 * A mark is an instruction without effect. scripts/lib/qemu_lines.c is a QEMU
 * plugin. Its recording starts at the very first mark, which run_lines() makes
 * before all rounds. Each further mark begins or ends a window, in turn. The
 * plugin records which cache lines are touched in each window.
 *
 * For each size there are REPEAT rounds. A round records the marks alone, and
 * then an allocation and a free with gomem, with kmalloc() and with kmem_cache,
 * in this order.
 */
#include <linux/delay.h>
#include <linux/irqflags.h>

#include "ways.h"

#define REPEAT	16

static __always_inline void mark(void)
{
#ifdef CONFIG_X86_64
	asm volatile("xchg %%rbx, %%rbx" : : : "memory");
#endif
}

/*
 * Allocate and free one object, each between two marks. Interrupts are off, so
 * that no other code runs between the marks.
 */
static __always_inline void one(void *(*get)(gfp_t gfp), void (*put)(void *p))
{
	unsigned long flags;
	void *p;

	local_irq_save(flags);
	mark();
	p = get(GFP_ATOMIC);
	mark();
	bench_use(p);
	mark();
	put(p);
	mark();
	local_irq_restore(flags);
}

static int run_lines(const struct bench *b)
{
	static bool begun;
	unsigned int i;

	/*
	 * On PREEMPT_RT the allocators must not be called with interrupts off,
	 * as one() calls them.
	 */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return -EOPNOTSUPP;
	if (!begun)
		mark();
	begun = true;
	/*
	 * Wait for the emulator: at the first mark it drops its translated
	 * code, which does not record cache lines, and starts to record.
	 */
	msleep(100);
	for (i = 0; i < REPEAT; i++) {
		one(none_get, none_put);
		one(gomem_get, gomem_put);
		one(kmalloc_get, kmalloc_put);
		one(cache_get, cache_put);
	}
	return 0;
}

const struct bench bench_lines[] = {
	{ .name = "lines", .run = run_lines },
	{ },
};
