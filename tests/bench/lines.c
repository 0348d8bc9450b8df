// SPDX-License-Identifier: GPL-2.0
/*
 * lines.c - one allocation, and one free, between marks that an emulator sees.
 *
 * The mark is an instruction that does nothing. scripts/lib/qemu_lines.c, a plugin of
 * QEMU's, notes which cache lines are touched from one mark to the next. The first mark
 * tells it to begin.
 *
 * For each size: REPEAT rounds of an allocation and a free by nobody, gomem, kmalloc()
 * and kmem_cache, in this order.
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

/* With interrupts off, so that there is nobody else's doing between the marks. */
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

	/* There interrupts may not be off. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		return -EOPNOTSUPP;
	if (!begun)
		mark();
	begun = true;
	/* It takes effect when the emulator has dropped the code that it had translated. */
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
