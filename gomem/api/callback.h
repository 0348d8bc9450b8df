/* SPDX-License-Identifier: GPL-2.0 */
/*
 * callback.h - drop the callbacks of a module when the module is unloaded.
 */
#ifndef GOMEM_CALLBACK_H
#define GOMEM_CALLBACK_H

void gomem_callbacks_init(void);
void gomem_callbacks_exit(void);

#endif /* GOMEM_CALLBACK_H */
