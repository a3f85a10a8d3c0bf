/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine code in words (Capstone): instruction by instruction, with what jumps and calls go to. */
#ifndef HVP_REPORT_DISASM_H
#define HVP_REPORT_DISASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/error.h"

enum hvp_asm_syntax {
	HVP_ASM_ATT,
	HVP_ASM_INTEL,
};

enum hvp_flow {
	HVP_FLOW_NEXT,
	HVP_FLOW_JUMP,
	HVP_FLOW_CALL,
	HVP_FLOW_RETURN,
};

struct hvp_instruction {
	uint64_t address;
	uint8_t size;
	enum hvp_flow flow;
	/* Of a jump or call whose target the instruction holds. */
	bool has_target;
	uint64_t target;
	/* "mov", "%rax, %rbx"; bytes that are no instruction are ".byte". Owned by the arena. */
	const char *mnemonic, *operands;
};

/*
 * All of `code`, which is at `address`. `arch` is the session's host.arch ("x86_64", "aarch64";
 * NULL: x86_64); HVP_ERROR_UNSUPPORTED for others. The instructions are `arena`'s.
 */
struct hvp_error *hvp_disassemble(const char *arch, enum hvp_asm_syntax syntax, const uint8_t *code,
				  size_t size, uint64_t address, struct hvp_arena *arena,
				  struct hvp_instruction **ret, size_t *ret_num) hvp_must_use;

#endif
