// SPDX-License-Identifier: GPL-2.0
/*
 * client.c - number the modules that call gomem.
 *
 * A large object keeps the number of the module that allocated it. A number
 * stays that of a name, when the module is unloaded and when it is loaded
 * again.
 *
 * A module that calls gomem is loaded after gomem, so gomem is notified of all
 * of them.
 */
#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/stack.h"
#include "api/client.h"

/**
 * struct client - a module that is loaded, or was
 * @link: in the list of all clients; stays there until gomem is unloaded
 * @id: its number
 * @mod: the module, NULL while it is not loaded
 * @name: its name
 */
struct client {
	struct list_head link;
	unsigned int id;
	const struct module *mod;
	char name[MODULE_NAME_LEN];
};

/*
 * Changes of the list, by tasks that load or unload modules. Readers of the
 * list are in RCU read-side sections: before the memory of a module goes, the
 * kernel waits for a grace period.
 */
static DEFINE_MUTEX(clients_mutex);
static LIST_HEAD(clients);
static unsigned int nr_clients;

DEFINE_PER_CPU(u64, gomem_last_client);

static unsigned int find(unsigned long addr)
{
	const struct module *mod;
	const struct client *c;
	unsigned int id = GOMEM_NO_CLIENT;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &clients, link) {
		mod = READ_ONCE(c->mod);
		if (!mod || !within_module(addr, mod))
			continue;
		id = c->id;
		break;
	}
	rcu_read_unlock();
	return id;
}

/**
 * gomem_client_look_up - find the client whose code is at an address
 * @addr: the address. If it is in gomem, the code that called gomem is meant
 *
 * Context: any.
 * Return: its number.
 */
noinline unsigned int gomem_client_look_up(unsigned long addr)
{
	unsigned int id;

	if (unlikely(gomem_stack_is_own(addr)))
		return find(gomem_stack_caller());
	id = find(addr);
	this_cpu_write(gomem_last_client,
		       (u64)addr << GOMEM_CLIENT_BITS | id);
	return id;
}

static struct client *add_client(const char *name)
{
	struct client *c;

	if (nr_clients == GOMEM_CLIENTS_MAX)
		return NULL;
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return NULL;
	c->id = ++nr_clients;
	strscpy(c->name, name, sizeof(c->name));
	list_add_tail_rcu(&c->link, &clients);
	return c;
}

static struct client *get_client(const char *name)
{
	struct client *c;

	lockdep_assert_held(&clients_mutex);
	list_for_each_entry(c, &clients, link)
		if (!strcmp(c->name, name))
			return c;
	return add_client(name);
}

/*
 * Other code may get the addresses that code of a module has had. That code
 * does not run any more, so no CPU looks them up concurrently.
 */
static void forget_last(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu(gomem_last_client, cpu), 0);
}

/**
 * gomem_client_change - take note of a module that is loaded or unloaded
 * @mod: the module
 * @state: its new state
 *
 * Context: may sleep.
 */
void gomem_client_change(const struct module *mod, unsigned long state)
{
	struct client *c;

	mutex_lock(&clients_mutex);
	/* Without memory, the module counts as built-in code. */
	c = get_client(mod->name);
	if (c && state == MODULE_STATE_COMING)
		WRITE_ONCE(c->mod, mod);
	else if (c && state == MODULE_STATE_GOING)
		WRITE_ONCE(c->mod, NULL);
	forget_last();
	mutex_unlock(&clients_mutex);
}

/**
 * gomem_client_max - return the highest number of a client
 *
 * Context: any.
 * Return: the number; GOMEM_NO_CLIENT if there was none yet.
 */
unsigned int gomem_client_max(void)
{
	return READ_ONCE(nr_clients);
}

/**
 * gomem_client_visit - look at all clients, in the order of their numbers
 * @fn: called for each, under RCU
 * @arg: for @fn
 *
 * Context: any.
 */
void gomem_client_visit(gomem_client_fn fn, void *arg)
{
	const struct client *c;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &clients, link)
		fn(c->id, c->name, READ_ONCE(c->mod), arg);
	rcu_read_unlock();
}
EXPORT_SYMBOL_IF_KUNIT(gomem_client_visit);

/**
 * gomem_client_exit - free the list
 *
 * Nobody allocates any more.
 */
void gomem_client_exit(void)
{
	struct client *c, *next;

	list_for_each_entry_safe(c, next, &clients, link) {
		list_del(&c->link);
		kfree(c);
	}
}
