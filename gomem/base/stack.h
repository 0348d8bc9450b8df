/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stack.h - the stack of the code that called gomem.
 */
#ifndef GOMEM_STACK_H
#define GOMEM_STACK_H

#include <linux/types.h>

struct module;

/*
 * Maximum number of gomem's own frames in a call stack. They are the first
 * frames, and are removed.
 */
#define GOMEM_STACK_OWN	16

/*
 * Usual maximum number of gomem's own frames. gomem_stack_save() unwinds the
 * stack a second time if there are more.
 */
#define GOMEM_STACK_FEW	6

bool gomem_stack_is_own(unsigned long addr);
unsigned int gomem_stack_save(unsigned long *room, unsigned int depth,
			      unsigned long **first);
unsigned long gomem_stack_caller(void);
bool gomem_stack_meets(const unsigned long *frame, unsigned int nr,
		       const struct module *mod, bool init);

#endif /* GOMEM_STACK_H */
