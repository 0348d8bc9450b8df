/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cleanup.h - what a free does with the specials of its object, and what the
 *	unload of a module does with cleanups.
 */
#ifndef GOMEM_CLEANUP_H
#define GOMEM_CLEANUP_H

struct module;

void gomem_cleanup_run(const void *obj);
void gomem_cleanups_drop(const struct module *mod);

#endif /* GOMEM_CLEANUP_H */
