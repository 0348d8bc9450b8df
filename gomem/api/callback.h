/* SPDX-License-Identifier: GPL-2.0 */
/*
 * callback.h - functions of modules that gomem calls.
 */
#ifndef GOMEM_CALLBACK_H
#define GOMEM_CALLBACK_H

void gomem_callbacks_init(void);
void gomem_callbacks_exit(void);

#endif /* GOMEM_CALLBACK_H */
