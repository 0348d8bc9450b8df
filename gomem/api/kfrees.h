/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kfrees.h - find objects of gomem that were freed with the kernel's kfree().
 */
#ifndef GOMEM_KFREES_H
#define GOMEM_KFREES_H

#include <linux/types.h>

struct gomem_kind;
struct gomem_span;

unsigned long gomem_kfrees_of_span(const struct gomem_span *s,
				   unsigned long *news);
unsigned long gomem_kfrees_of_kind(const struct gomem_kind *k);
bool gomem_kfrees_hidden(void);
void gomem_kfrees_init(void);
void gomem_kfrees_exit(void);

#endif /* GOMEM_KFREES_H */
