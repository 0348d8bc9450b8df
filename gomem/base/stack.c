// SPDX-License-Identifier: GPL-2.0
/*
 * stack.c - save the stack of the code that called gomem.
 */
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/stacktrace.h>

#include "base/stack.h"
#include "base/text.h"

/**
 * gomem_stack_is_own - is an address in gomem's code?
 * @addr: the address
 *
 * Context: any.
 * Return: true if it is.
 */
bool gomem_stack_is_own(unsigned long addr)
{
#ifdef MODULE
	return within_module(addr, THIS_MODULE);
#else
	return (addr >= (unsigned long)gomem_text_begin &&
		addr < (unsigned long)gomem_text_end) ||
	       (addr >= (unsigned long)gomem_unlikely_begin &&
		addr < (unsigned long)gomem_unlikely_end);
#endif
}

/* Save up to @max frames. Return how many of the first ones are gomem's. */
static unsigned int save(unsigned long *room, unsigned int max,
			 unsigned int *nr)
{
	unsigned int own;

	*nr = stack_trace_save(room, max, 1);
	for (own = 0; own < *nr && gomem_stack_is_own(room[own]); own++)
		;
	return own;
}

/**
 * gomem_stack_save - save the stack without gomem's own innermost frames
 * @room: array of @depth + GOMEM_STACK_OWN words
 * @depth: maximum number of frames to return; the outermost ones are cut off
 * @first: set to the place in @room of the innermost frame that is not gomem's
 *
 * Context: any.
 * Return: the number of frames.
 */
unsigned int gomem_stack_save(unsigned long *room, unsigned int depth,
			      unsigned long **first)
{
	unsigned int nr, own = save(room, depth + GOMEM_STACK_FEW, &nr);

	/*
	 * To save a frame takes several hundred instructions. So the first call
	 * of save() has room for only a few frames of gomem's.
	 */
	if (own > GOMEM_STACK_FEW)
		own = save(room, depth + GOMEM_STACK_OWN, &nr);
	*first = room + own;
	return min(nr - own, depth);
}

/**
 * gomem_stack_caller - find out which code called gomem
 *
 * Context: any.
 * Return: an address in that code, 0 if it is not known.
 */
unsigned long gomem_stack_caller(void)
{
	unsigned long room[1 + GOMEM_STACK_OWN], *first;

	return gomem_stack_save(room, 1, &first) ? *first : 0;
}

/**
 * gomem_stack_meets - does a stack have a frame in code of a module?
 * @frame: the frames
 * @nr: their number
 * @mod: the module
 * @init: compare only with the code of the module's init section
 *
 * Context: any.
 * Return: true if the stack has such a frame.
 */
bool gomem_stack_meets(const unsigned long *frame, unsigned int nr,
		       const struct module *mod, bool init)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (init ? within_module_init(frame[i], mod) :
			   within_module(frame[i], mod))
			return true;
	return false;
}
