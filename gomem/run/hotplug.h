/* SPDX-License-Identifier: GPL-2.0 */
/*
 * hotplug.h - make the page map and the heaps' tables cover memory that is
 *	online, and give free pages back when memory goes offline.
 */
#ifndef GOMEM_HOTPLUG_H
#define GOMEM_HOTPLUG_H

unsigned long gomem_hotplug_base(void);
int gomem_hotplug_init(void);
void gomem_hotplug_exit(void);

#endif /* GOMEM_HOTPLUG_H */
