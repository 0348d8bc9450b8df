/* SPDX-License-Identifier: GPL-2.0 */
/*
 * drain.h - functions of drain.c that only files of this folder call. mcache.h
 * declares the other functions of drain.c.
 */
#ifndef GOMEM_DRAIN_H
#define GOMEM_DRAIN_H

struct gomem_kind;
struct gomem_tiny;

void gomem_mcache_drop_tiny(struct gomem_tiny *rest);
void gomem_drain_kinds_transfers(const struct gomem_kind *k);
void gomem_drain_init(void);
void gomem_drain_cancel(void);

#endif /* GOMEM_DRAIN_H */
