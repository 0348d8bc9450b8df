// SPDX-License-Identifier: GPL-2.0
/*
 * override_twin.c - the table that maps a struct kmem_cache to a typed cache.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>

#include "override/override_twin.h"

struct gomem_twin gomem_twins[GOMEM_TWIN_ENTRIES];
EXPORT_SYMBOL_IF_KUNIT(gomem_twins);

/*
 * Protects the table. Taken by tasks that create or destroy a cache. Lookups
 * run concurrently, on any CPU and without a lock: see override_twin.h.
 */
static DEFINE_MUTEX(twins_mutex);

/*
 * Number of entries that are not empty. Some entries must stay empty, since the
 * lookup of a kernel cache that has no entry ends at an empty one.
 */
static unsigned int nr_filled;

/* Marks an entry whose twin was removed. No cache has this address. */
static const char gone;
#define TWIN_GONE	((const struct kmem_cache *)&gone)

/* Return the first entry without a twin, from the hash of @s on. */
static struct gomem_twin *find_room(const struct kmem_cache *s)
{
	unsigned int i = gomem_twin_hash(s);

	lockdep_assert_held(&twins_mutex);
	while (gomem_twins[i].twin && gomem_twins[i].twin != TWIN_GONE)
		i = gomem_twin_next(i);
	return &gomem_twins[i];
}

/**
 * gomem_twin_add - add a kernel cache and its typed cache to the table
 * @s: the kernel's cache, which no code uses yet
 * @c: the typed cache
 *
 * Context: may sleep.
 * Return: true, or false if the table has no room.
 */
bool gomem_twin_add(const struct kmem_cache *s, struct gomem_cache *c)
{
	struct gomem_twin *t;
	bool room;

	mutex_lock(&twins_mutex);
	t = find_room(s);
	room = t->twin || nr_filled < GOMEM_TWINS_MAX;
	if (room) {
		nr_filled += !t->twin;
		t->cache = c;
		/*
		 * Lookups of other caches may read t->twin meanwhile, but not
		 * t->cache. No code looks @s up before this function returns.
		 */
		WRITE_ONCE(t->twin, s);
	}
	mutex_unlock(&twins_mutex);
	return room;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_twin_add);

/*
 * Entry @i was removed. If the entry after it is empty, no lookup has to go on
 * after entry @i. Then make entry @i empty, and also all removed entries right
 * before it.
 */
static void empty_from(unsigned int i)
{
	lockdep_assert_held(&twins_mutex);
	while (gomem_twins[i].twin == TWIN_GONE &&
	       !gomem_twins[gomem_twin_next(i)].twin) {
		WRITE_ONCE(gomem_twins[i].twin, NULL);
		nr_filled--;
		i = (i - 1) % GOMEM_TWIN_ENTRIES;
	}
}

/**
 * gomem_twin_remove - remove a kernel cache from the table
 * @s: the kernel's cache, which no code uses any more
 *
 * Context: may sleep.
 */
void gomem_twin_remove(const struct kmem_cache *s)
{
	unsigned int i = gomem_twin_hash(s);

	mutex_lock(&twins_mutex);
	while (gomem_twins[i].twin && gomem_twins[i].twin != s)
		i = gomem_twin_next(i);
	if (gomem_twins[i].twin) {
		WRITE_ONCE(gomem_twins[i].twin, TWIN_GONE);
		empty_from(i);
	}
	mutex_unlock(&twins_mutex);
}
EXPORT_SYMBOL_IF_KUNIT(gomem_twin_remove);
