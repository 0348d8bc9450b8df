// SPDX-License-Identifier: GPL-2.0
/*
 * text_end.c - mark the end of gomem's code in the kernel: see text.h.
 */
#include <linux/compiler.h>

#include "base/text.h"

void gomem_text_end(void)
{
}

void __gomem_unlikely gomem_unlikely_end(void)
{
}
