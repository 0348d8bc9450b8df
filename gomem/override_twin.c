// SPDX-License-Identifier: GPL-2.0
/*
 * override_twin.c - the table of handles.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>

#include "override_twin.h"

struct gomem_twin gomem_twins[GOMEM_TWIN_ENTRIES];
EXPORT_SYMBOL_IF_KUNIT(gomem_twins);

/* Serializes changes of the table. */
static DEFINE_MUTEX(twins_mutex);

/* Entries that are not empty: a lookup of what is not there ends at one that is. */
static unsigned int nr_filled;

/* In an entry that had a twin. No cache is at that address. */
static const char gone;
#define TWIN_GONE	((const struct kmem_cache *)&gone)

/* The first entry from where a handle belongs that has no twin. */
static struct gomem_twin *find_room(const struct kmem_cache *s)
{
	unsigned int i = gomem_twin_hash(s);

	lockdep_assert_held(&twins_mutex);
	while (gomem_twins[i].twin && gomem_twins[i].twin != TWIN_GONE)
		i = gomem_twin_next(i);
	return &gomem_twins[i];
}

/**
 * gomem_twin_add - make a typed cache stand behind a handle
 * @s: the handle, which nobody uses yet
 * @c: the typed cache
 *
 * Context: may sleep.
 * Return: false if there is no room.
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
		/* Lookups of other handles pass here meanwhile, and look at nothing else. */
		WRITE_ONCE(t->twin, s);
	}
	mutex_unlock(&twins_mutex);
	return room;
}
EXPORT_SYMBOL_IF_KUNIT(gomem_twin_add);

/* Entries that had a twin are empty again if no lookup has to get past them. */
static void empty_from(unsigned int i)
{
	lockdep_assert_held(&twins_mutex);
	while (gomem_twins[i].twin == TWIN_GONE && !gomem_twins[gomem_twin_next(i)].twin) {
		WRITE_ONCE(gomem_twins[i].twin, NULL);
		nr_filled--;
		i = (i - 1) % GOMEM_TWIN_ENTRIES;
	}
}

/**
 * gomem_twin_remove - end that
 * @s: the handle, which nobody uses any more
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
