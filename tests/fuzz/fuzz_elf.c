/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ELF file of any bytes: headers, build id, symbols, PLT, packed symbols, lines and inlined
 * functions.
 */
#include "tests/fuzz/exercise_elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	exercise_elf(data, size, true);
	return 0;
}
