/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/annotate/disasm.h"

#include <stdio.h>
#include <string.h>

#include <capstone/capstone.h>

#include "common/base/array.h"
#include "common/base/library.h"
#include "common/base/scope.h"

static struct {
	__typeof__(&cs_open) open;
	__typeof__(&cs_close) close;
	__typeof__(&cs_option) option;
	__typeof__(&cs_strerror) strerror;
	__typeof__(&cs_insn_group) insn_group;
	__typeof__(&cs_malloc) malloc;
	__typeof__(&cs_free) free;
	__typeof__(&cs_disasm_iter) disasm_iter;
} capstone;

static const struct hvp_library_function functions[] = {
	{"cs_open", &capstone.open},
	{"cs_close", &capstone.close},
	{"cs_option", &capstone.option},
	{"cs_strerror", &capstone.strerror},
	{"cs_insn_group", &capstone.insn_group},
	{"cs_malloc", &capstone.malloc},
	{"cs_free", &capstone.free},
	{"cs_disasm_iter", &capstone.disasm_iter},
};

static const struct {
	const char *name;
	cs_arch arch;
	cs_mode mode;
	/* Smallest instruction: what is skipped where nothing decodes. */
	uint8_t step;
} architectures[] = {
	{"x86_64", CS_ARCH_X86, CS_MODE_64, 1},
	{"i686", CS_ARCH_X86, CS_MODE_32, 1},
	{"aarch64", CS_ARCH_ARM64, CS_MODE_ARM, 4},
};

static void free_instruction(cs_insn **insn)
{
	if (*insn)
		capstone.free(*insn, 1);
}

static void close_handle(csh *handle)
{
	if (*handle)
		capstone.close(handle);
}

static struct hvp_error *open_handle(const char *arch, enum hvp_asm_syntax syntax, csh *ret,
				     cs_arch *ret_arch, uint8_t *ret_step)
{
	for (size_t i = 0; i < HVP_ARRAY_SIZE(architectures); i++) {
		cs_err result;

		if (strcmp(arch, architectures[i].name))
			continue;
		result = capstone.open(architectures[i].arch, architectures[i].mode, ret);
		if (result != CS_ERR_OK)
			return hvp_error_create(HVP_ERROR_UNSUPPORTED,
						"cannot disassemble %s: Capstone: %s", arch,
						capstone.strerror(result));
		capstone.option(*ret, CS_OPT_DETAIL, CS_OPT_ON);
		if (architectures[i].arch == CS_ARCH_X86 && syntax == HVP_ASM_ATT)
			capstone.option(*ret, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
		*ret_arch = architectures[i].arch;
		*ret_step = architectures[i].step;
		return NULL;
	}
	return hvp_error_create(HVP_ERROR_UNSUPPORTED,
				"cannot disassemble code of the architecture \"%s\"", arch);
}

/* Where a jump or call goes, if the instruction itself says so. */
static bool find_target(cs_arch arch, const cs_insn *insn, uint64_t *ret)
{
	const cs_detail *detail = insn->detail;

	if (arch == CS_ARCH_X86 && detail->x86.op_count == 1 &&
	    detail->x86.operands[0].type == X86_OP_IMM) {
		*ret = (uint64_t)detail->x86.operands[0].imm;
		return true;
	}
	if (arch == CS_ARCH_ARM64 && detail->arm64.op_count) {
		const cs_arm64_op *last = &detail->arm64.operands[detail->arm64.op_count - 1];

		if (last->type == ARM64_OP_IMM) {
			*ret = (uint64_t)last->imm;
			return true;
		}
	}
	return false;
}

static void classify(csh handle, cs_arch arch, const cs_insn *insn,
		     struct hvp_instruction *instruction)
{
	if (capstone.insn_group(handle, insn, CS_GRP_CALL))
		instruction->flow = HVP_FLOW_CALL;
	else if (capstone.insn_group(handle, insn, CS_GRP_JUMP))
		instruction->flow = HVP_FLOW_JUMP;
	else if (capstone.insn_group(handle, insn, CS_GRP_RET))
		instruction->flow = HVP_FLOW_RETURN;
	if (instruction->flow == HVP_FLOW_CALL || instruction->flow == HVP_FLOW_JUMP)
		instruction->has_target = find_target(arch, insn, &instruction->target);
}

static struct hvp_error *fill_words(struct hvp_arena *arena, const char *mnemonic,
				    const char *operands, struct hvp_instruction *instruction)
{
	instruction->mnemonic = hvp_arena_strdup(arena, mnemonic);
	instruction->operands = hvp_arena_strdup(arena, operands);
	return instruction->mnemonic && instruction->operands ? NULL : hvp_error_no_memory;
}

/* Bytes that are no instruction. */
static struct hvp_error *fill_bytes(struct hvp_arena *arena, const uint8_t *code, uint8_t size,
				    struct hvp_instruction *instruction)
{
	char text[32];
	size_t used = 0;

	for (uint8_t i = 0; i < size; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s0x%02x",
					 i ? ", " : "", code[i]);
	instruction->size = size;
	return fill_words(arena, ".byte", text, instruction);
}

struct hvp_error *hvp_disassemble(const char *arch, enum hvp_asm_syntax syntax, const uint8_t *code,
				  size_t size, uint64_t address, struct hvp_arena *arena,
				  struct hvp_instruction **ret, size_t *ret_num)
{
	hvp_scope(close_handle) csh handle = 0;
	hvp_scope(free_instruction) cs_insn *insn = NULL;
	cs_arch cs_arch = CS_ARCH_X86;
	uint8_t step = 1;

	hvp_try(hvp_library_load(CAPSTONE_SONAME, functions, HVP_ARRAY_SIZE(functions)));
	hvp_try(open_handle(arch ? arch : "x86_64", syntax, &handle, &cs_arch, &step));
	insn = capstone.malloc(handle);
	*ret = hvp_arena_calloc(arena, size / step + 1, sizeof(**ret));
	*ret_num = 0;
	if (!insn || !*ret)
		return hvp_error_no_memory;
	while (size) {
		struct hvp_instruction *instruction = &(*ret)[*ret_num];
		const uint8_t *begin = code;

		instruction->address = address;
		if (capstone.disasm_iter(handle, &code, &size, &address, insn)) {
			instruction->size = (uint8_t)insn->size;
			classify(handle, cs_arch, insn, instruction);
			hvp_try(fill_words(arena, insn->mnemonic, insn->op_str, instruction));
		} else {
			uint8_t num = size < step ? (uint8_t)size : step;

			hvp_try(fill_bytes(arena, begin, num, instruction));
			code = begin + num;
			size -= num;
			address += num;
		}
		++*ret_num;
	}
	return NULL;
}
