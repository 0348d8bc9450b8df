/* SPDX-License-Identifier: GPL-2.0 */
/*
 * client.h - number the modules that call gomem.
 */
#ifndef GOMEM_CLIENT_H
#define GOMEM_CLIENT_H

#include <linux/percpu.h>
#include <linux/types.h>

struct module;

/* Built-in code, and modules without memory for a number. */
#define GOMEM_NO_CLIENT		0U

#define GOMEM_CLIENT_BITS	16
#define GOMEM_CLIENTS_MAX	((1U << GOMEM_CLIENT_BITS) - 1)

/*
 * The last address that was looked up on this CPU, without its upper bits, and
 * its client. A word, so that an interrupt finds both or none changed.
 */
DECLARE_PER_CPU(u64, gomem_last_client);

typedef void (*gomem_client_fn)(unsigned int id, const char *name, bool loaded,
				void *arg);

unsigned int gomem_client_look_up(unsigned long addr);
void gomem_client_change(const struct module *mod, unsigned long state);
unsigned int gomem_client_max(void);
void gomem_client_visit(gomem_client_fn fn, void *arg);
void gomem_client_exit(void);

/**
 * gomem_client_of - return the client whose code is at an address
 * @addr: the address
 *
 * Context: any.
 * Return: its number.
 */
static __always_inline unsigned int gomem_client_of(unsigned long addr)
{
	u64 last = this_cpu_read(gomem_last_client);
	u64 diff = last ^ (u64)addr << GOMEM_CLIENT_BITS;

	if (likely(diff <= GOMEM_CLIENTS_MAX))
		return diff;
	return gomem_client_look_up(addr);
}

#endif /* GOMEM_CLIENT_H */
