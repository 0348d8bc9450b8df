/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gomem_keeper.h - what gomem_keeper.ko offers gomem_quitter.ko.
 */
#ifndef GOMEM_KEEPER_H
#define GOMEM_KEEPER_H

struct gomem_account;

#define KEEPER_OBJECTS	3

void gomem_keeper_take(struct gomem_account *a, void **objects);
void gomem_keeper_count_call(void);

#endif /* GOMEM_KEEPER_H */
