/* SPDX-License-Identifier: GPL-2.0 */
/*
 * leaks.h - report the objects that are live when gomem is unloaded.
 */
#ifndef GOMEM_LEAKS_H
#define GOMEM_LEAKS_H

unsigned long gomem_leaks_report(void);

#endif /* GOMEM_LEAKS_H */
