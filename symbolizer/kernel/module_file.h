/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The .ko file of a kernel module, for lines and code. It is relocatable (ELF ET_REL): its sections are put where
 * kallsyms has their functions, and its code and line information are relocated accordingly, so
 * that all its addresses are those of the running kernel.
 */
#ifndef HVP_SYMBOLIZER_MODULE_FILE_H
#define HVP_SYMBOLIZER_MODULE_FILE_H

#include "symbolizer/kernel/kernel_image.h"

/*
 * Looks for the module's file below the kernel's root and the folders of debug files, and gives the image its
 * code and lines (image->elf, image->debug). Only once; without a file that fits nothing changes. The
 * kernel's lock is held.
 */
void hvp_module_file_open(struct hvp_kernel *kernel, struct hvp_image *image);

#endif
