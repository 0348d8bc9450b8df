// SPDX-License-Identifier: GPL-2.0
/*
 * client.c - number the modules that may call gomem: its *clients*.
 *
 * The span of a large object holds the number of the module that allocated the
 * object. A number belongs to the name of a module: it stays the same when the
 * module is unloaded and loaded again.
 *
 * A module that calls gomem is loaded after gomem. So gomem is notified of all
 * such modules, and each module that is loaded after gomem becomes a client.
 */
#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "base/stack.h"
#include "api/client.h"

/*
 * How many of the innermost frames, without gomem's own, are searched for one
 * of a client. Functions of the kernel that call gomem for a module, as
 * mempool_alloc() does, may have some of these frames. If gomem is built in,
 * built-in code may have called gomem for itself, so only the innermost frame
 * counts. gomem_client_calling() searches CALLING_NEAR frames first.
 */
#ifdef MODULE
#define CALLING_DEPTH	8U
#define CALLING_NEAR	3U
#else
#define CALLING_DEPTH	1U
#define CALLING_NEAR	1U
#endif

/*
 * Protects changes of the list, by tasks that load or unload modules.
 * gomem_client_find() takes it, too. Other readers of the list use
 * rcu_read_lock(): it also keeps the modules, since the kernel waits for a
 * grace period before it frees the memory of a module.
 */
static DEFINE_MUTEX(clients_mutex);
static LIST_HEAD(clients);
static unsigned int nr_clients;

DEFINE_PER_CPU(u64, gomem_last_client);

/*
 * Stands for built-in code, and for modules for which add_client() had no
 * memory or no number left.
 */
struct gomem_client gomem_kernel_client = {
	.id	= GOMEM_NO_CLIENT,
	.name	= "kernel",
};

/**
 * gomem_client_at - find the client whose code is at an address
 * @addr: the address
 *
 * Context: any.
 * Return: the client, which stays until gomem is unloaded; gomem_kernel_client
 * if no module with a client has code there.
 */
struct gomem_client *gomem_client_at(unsigned long addr)
{
	struct gomem_client *c, *found = &gomem_kernel_client;
	const struct module *mod;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &clients, link) {
		mod = READ_ONCE(c->mod);
		if (!mod || !within_module(addr, mod))
			continue;
		found = c;
		break;
	}
	rcu_read_unlock();
	return found;
}

/**
 * gomem_client_of_stack - find the client for which gomem was called
 * @frame: the stack without gomem's own frames, the innermost one first
 * @nr: number of frames
 * @site: set to the index of the client's frame; 0 if no client has a frame
 *
 * If gomem is a module, functions of the kernel call gomem only on behalf of
 * another module: mempool_alloc() does, for a pool with gomem's callbacks. So
 * the client's frame is the innermost one in code of a client, if it is among
 * the first CALLING_DEPTH. If gomem is built in, the rule is the same, although
 * built-in code that a client called may have called gomem for itself.
 *
 * Context: any.
 * Return: the client, which stays until gomem is unloaded; gomem_kernel_client
 * if no client has a frame.
 */
struct gomem_client *gomem_client_of_stack(const unsigned long *frame,
					   unsigned int nr, unsigned int *site)
{
	struct gomem_client *c = &gomem_kernel_client;
	unsigned int i;

	nr = min(nr, CALLING_DEPTH);
	for (i = 0; i < nr && c == &gomem_kernel_client; i++)
		c = gomem_client_at(frame[i]);
	*site = c == &gomem_kernel_client ? 0 : i - 1;
	return c;
}

/**
 * gomem_client_calling - find the client for which gomem is being called
 *
 * Unwinding a stack takes several hundred instructions a frame, and a client
 * mostly has one of the innermost frames. So this unwinds CALLING_NEAR frames
 * first, and CALLING_DEPTH only if no client has one of these frames.
 *
 * Context: any.
 * Return: as gomem_client_of_stack().
 */
struct gomem_client *gomem_client_calling(void)
{
	unsigned long room[CALLING_DEPTH + GOMEM_STACK_OWN], *frame;
	unsigned int depth, nr, site;
	struct gomem_client *c;

	for (depth = CALLING_NEAR; ; depth = CALLING_DEPTH) {
		nr = gomem_stack_save(room, depth, &frame);
		c = gomem_client_of_stack(frame, nr, &site);
		if (c != &gomem_kernel_client || nr < CALLING_NEAR ||
		    depth == CALLING_DEPTH)
			return c;
	}
}

/**
 * gomem_client_look_up - find the number of the client with code at an address
 * @addr: the address
 *
 * The code of gomem itself may call gomem on behalf of a client. If gomem is a
 * module, so may functions of the kernel. If @addr is in such code,
 * gomem_client_calling() finds the client by the stack. If gomem is built in,
 * any other code without a client counts as built-in code that called gomem for
 * itself: its number is that of gomem_kernel_client.
 *
 * Context: any.
 * Return: the number of the client.
 */
noinline unsigned int gomem_client_look_up(unsigned long addr)
{
	unsigned int id = gomem_client_at(addr)->id;

	if (unlikely(id == GOMEM_NO_CLIENT) &&
	    (__is_defined(MODULE) || gomem_stack_is_own(addr)))
		return gomem_client_calling()->id;
	this_cpu_write(gomem_last_client,
		       (u64)addr << GOMEM_CLIENT_BITS | id);
	return id;
}

static struct gomem_client *add_client(const char *name)
{
	struct gomem_client *c;

	if (nr_clients == GOMEM_CLIENTS_MAX)
		return NULL;
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (!c)
		return NULL;
	c->id = ++nr_clients;
	strscpy(c->name, name, sizeof(c->name));
	gomem_usage_init(&c->usage);
	list_add_tail_rcu(&c->link, &clients);
	return c;
}

static struct gomem_client *find_client(const char *name)
{
	struct gomem_client *c;

	lockdep_assert_held(&clients_mutex);
	list_for_each_entry(c, &clients, link)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

/**
 * gomem_client_find - find a client by its name
 * @name: the name of a module that is loaded, or was
 *
 * Context: may sleep.
 * Return: the client, which stays until gomem is unloaded; NULL if no module of
 * that name was loaded since gomem was, or if add_client() failed for it.
 */
struct gomem_client *gomem_client_find(const char *name)
{
	struct gomem_client *c;

	mutex_lock(&clients_mutex);
	c = find_client(name);
	mutex_unlock(&clients_mutex);
	return c;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_client_find);

/*
 * Does a module, whose init function has run, use symbols of gomem? Then it is
 * among the holders of gomem in sysfs: the kernel adds it before it calls the
 * init function.
 */
static bool is_linked(const struct module *mod)
{
	struct kernfs_node *link = NULL;

#if defined(MODULE) && defined(CONFIG_SYSFS)
	if (THIS_MODULE->holders_dir)
		link = sysfs_get_dirent(THIS_MODULE->holders_dir->sd,
					mod->name);
#endif
	sysfs_put(link);
	return link;
}

/*
 * Forget the last look-ups: another module may be loaded to the addresses of a
 * module that is unloaded. The code of the unloaded module does not run any
 * more, so no CPU looks up its addresses concurrently.
 */
static void forget_last(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu(gomem_last_client, cpu), 0);
}

static void change_client(struct gomem_client *c, const struct module *mod,
			  unsigned long state)
{
	switch (state) {
	case MODULE_STATE_COMING:
		gomem_usage_restart(&c->usage);
		WRITE_ONCE(c->mod, mod);
		break;
	case MODULE_STATE_LIVE:
		WRITE_ONCE(c->linked, is_linked(mod));
		break;
	case MODULE_STATE_GOING:
		WRITE_ONCE(c->linked, false);
		WRITE_ONCE(c->mod, NULL);
		break;
	}
	gomem_usage_check(c);
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
	struct gomem_client *c;

	mutex_lock(&clients_mutex);
	c = find_client(mod->name);
	/*
	 * A module that was loaded before gomem cannot call it, and needs no
	 * client. Without memory for one, a module counts as built-in code.
	 */
	if (!c && state == MODULE_STATE_COMING)
		c = add_client(mod->name);
	if (c)
		change_client(c, mod, state);
	forget_last();
	mutex_unlock(&clients_mutex);
}

/**
 * gomem_client_max - return the highest number of a client
 *
 * Context: any.
 * Return: the number; GOMEM_NO_CLIENT if no module has become a client yet.
 */
unsigned int gomem_client_max(void)
{
	return READ_ONCE(nr_clients);
}

/**
 * gomem_client_visit - call a function for all clients but built-in code
 * @fn: called for each client in the order of numbers, in an RCU read-side
 *	section
 * @arg: argument of @fn
 *
 * Context: any.
 */
void gomem_client_visit(gomem_client_fn fn, void *arg)
{
	struct gomem_client *c;

	rcu_read_lock();
	list_for_each_entry_rcu(c, &clients, link)
		fn(c, arg);
	rcu_read_unlock();
}
EXPORT_SYMBOL_IF_KUNIT(gomem_client_visit);

/**
 * gomem_client_exit - free the list of clients
 *
 * Called when nothing allocates any more.
 */
void gomem_client_exit(void)
{
	struct gomem_client *c, *next;

	list_for_each_entry_safe(c, next, &clients, link) {
		list_del(&c->link);
		gomem_usage_destroy(&c->usage);
		kfree(c);
	}
}
