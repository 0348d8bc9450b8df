/* SPDX-License-Identifier: GPL-2.0 */
/*
 * client.h - number the modules that may call gomem: its *clients*.
 */
#ifndef GOMEM_CLIENT_H
#define GOMEM_CLIENT_H

#include <linux/list.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "api/usage.h"

/*
 * The client number of built-in code, and of modules for which no memory or no
 * number was left.
 */
#define GOMEM_NO_CLIENT		0U

#define GOMEM_CLIENT_BITS	16
#define GOMEM_CLIENTS_MAX	((1U << GOMEM_CLIENT_BITS) - 1)

/*
 * The last address that was looked up on this CPU, without its upper bits, and
 * the number of the client whose code is there. Both are in one word, so that
 * an interrupt never finds only one of them changed.
 */
DECLARE_PER_CPU(u64, gomem_last_client);

/**
 * struct gomem_client - a module that was loaded after gomem
 * @link: in the list of all clients; stays there until gomem is unloaded
 * @id: its number
 * @mod: the module, NULL while it is not loaded
 * @linked: the module is loaded, and uses symbols of gomem
 * @usage: estimate of the memory that the module has, and its limits
 * @name: its name
 *
 * All built-in code is one client, which is not in the list.
 */
struct gomem_client {
	struct list_head link;
	unsigned int id;
	const struct module *mod;
	bool linked;
	struct gomem_usage usage;
	char name[MODULE_NAME_LEN];
};

typedef void (*gomem_client_fn)(struct gomem_client *c, void *arg);

extern struct gomem_client gomem_kernel_client;

unsigned int gomem_client_look_up(unsigned long addr);
struct gomem_client *gomem_client_at(unsigned long addr);
struct gomem_client *gomem_client_of_stack(const unsigned long *frame,
					   unsigned int nr, unsigned int *site);
struct gomem_client *gomem_client_calling(void);
struct gomem_client *gomem_client_find(const char *name);
void gomem_client_change(const struct module *mod, unsigned long state);
unsigned int gomem_client_max(void);
void gomem_client_visit(gomem_client_fn fn, void *arg);
void gomem_client_exit(void);

/**
 * gomem_client_of - look up the client whose code is at an address
 * @addr: the address; if no client has code there, see gomem_client_look_up()
 *
 * Context: any.
 * Return: the number of the client.
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
