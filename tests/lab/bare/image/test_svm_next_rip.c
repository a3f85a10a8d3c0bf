/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SVM: the next RIP that exits report, and that injected events push. APM volume 2, 15.7.1 and 15.20. */
#include "check.h"
#include "pmu.h"
#include "svm.h"
#include "tests.h"

#define STALE 0x1234567
#define CS_32_BITS 0xc9b
#define RFLAGS_OF 0x800
#define CR4_OSXSAVE (1ULL << 18)
#define EVENT(type, vector) (1U << 31 | (type) << 8 | (vector))

/* svm_instructions.S has a table of them. */
struct svm_instruction {
	const char *text;
	u64 rip;
	u32 length;
	u32 mode; /* 64 or 32 */
	u32 code; /* of the exit */
	u32 reserved;
};

enum { INTERRUPT = 0, NMI = 2, EXCEPTION = 3, SOFTWARE = 4 };

struct gate {
	u16 offset_low, selector, attributes, offset_middle;
	u32 offset_high, reserved;
};

extern const struct svm_instruction svm_instructions[], svm_instructions_end[];
extern const u8 svm_handler[], svm_ud[], svm_pf[];

static struct gate gates[256];
/* No index is between them: BOUND faults. */
static const u32 bounds[] = {2, 1, 2, 1};

static void check_instruction(const struct svm_instruction *instruction)
{
	struct vm_run run = {.rdx = (u64)bounds, .toggle = {.msr = MSR_KERNEL_GS_BASE}};

	svm_reset(instruction->rip);
	svm_put(SVM_NEXT_RIP, STALE, 8);
	svm_put(SVM_CR4, read_cr4() | CR4_OSXSAVE, 8);
	svm_intercept_code(instruction->code);
	svm_exit_on_msr(0, true, true);
	if (instruction->code == SVM_EXIT_IO)
		svm_exit_on_io(true);
	if (instruction->mode == 32) {
		svm_put_segment(SVM_CS, 0x08, CS_32_BITS, ~0U, 0);
		svm_put(SVM_RFLAGS, 0x202 | RFLAGS_OF, 8);
	}
	check_begin();
	svm_run(&run);
	check_step(run.reason, instruction->code, "exit", 0);
	check_step(run.rip, instruction->rip, "RIP", 0);
	check_step(svm_get(SVM_NEXT_RIP), instruction->rip + instruction->length, "next RIP", 0);
	check_end("next RIP of %s, %u-bit code", instruction->text, instruction->mode);
}

/* An exit that is no instruction's has none. */
static void check_none(const u8 *at, u32 asid, u64 code, const char *name)
{
	struct vm_run run = {.toggle = {.msr = MSR_KERNEL_GS_BASE}};

	svm_reset((u64)at);
	svm_put(SVM_ASID, asid, 4);
	svm_put(SVM_NEXT_RIP, STALE, 8);
	check_begin();
	svm_run(&run);
	check_step(svm_get(SVM_EXIT_CODE), code, "exit", 0);
	check_step(svm_get(SVM_NEXT_RIP), 0, "next RIP", 0);
	check_end("no next RIP of %s", name);
}

static void make_gates(void)
{
	u64 handler = (u64)svm_handler;

	for (u32 i = 0; i < ARRAY_SIZE(gates); i++)
		gates[i] = (struct gate){(u16)handler,	       0x08, 0x8e00, (u16)(handler >> 16),
					 (u32)(handler >> 32), 0};
}

/* What the guest finds on its stack: the next RIP, or that of the VMCB. */
static void check_injected(u32 event, bool pushes_next, const char *name)
{
	struct vm_run run = {.toggle = {.msr = MSR_KERNEL_GS_BASE}};
	u64 rip = GUEST(nops);

	svm_reset(rip);
	svm_put_segment(SVM_IDTR, 0, 0, sizeof(gates) - 1, (u64)gates);
	svm_put(SVM_EVENT, event, 8);
	svm_put(SVM_NEXT_RIP, STALE, 8);
	check_begin();
	svm_run(&run);
	check_step(run.exit, VM_EXIT_CALL, "exit of reason", run.reason);
	check_step(run.rip, (u64)svm_handler, "RIP", 0);
	check_step(*(const u64 *)svm_get(SVM_RSP), pushes_next ? STALE : rip, "pushed", 0);
	check_end("injected %s pushes %s RIP", name, pushes_next ? "the next" : "the guest's");
}

void test_svm_next_rip(void)
{
	const struct svm_instruction *instruction = svm_instructions;

	if (!svm_is_there())
		return;
	check_u64(cpuid(0x8000000a, 0).edx >> 3 & 1, 1, "CPUID says that there is a next RIP");
	while (instruction < svm_instructions_end)
		check_instruction(instruction++);
	check_none(svm_ud, 1, SVM_EXIT_EXCEPTION + 6, "#UD");
	check_none(svm_pf, 1, SVM_EXIT_EXCEPTION + 14, "#PF");
	check_none(svm_handler, 0, ~0ULL, "an entry that fails");
	make_gates();
	check_injected(EVENT(SOFTWARE, 0x40), true, "INT n");
	check_injected(EVENT(EXCEPTION, 3), true, "#BP");
	check_injected(EVENT(EXCEPTION, 4), true, "#OF");
	check_injected(EVENT(EXCEPTION, 6), false, "#UD");
	check_injected(EVENT(INTERRUPT, 0x40), false, "interrupt");
	check_injected(EVENT(NMI, 2), false, "NMI");
}
