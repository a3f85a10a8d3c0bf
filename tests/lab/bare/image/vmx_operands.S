/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMX instructions with operands of each form, and what their exits report: struct operand_form. */

/* VM-exit instruction information: SDM volume 3, tables 28-13 to 28-15. */
#define A16 (0<<7)
#define A32 (1<<7)
#define A64 (2<<7)
#define SEG_ES (0<<15)
#define SEG_CS (1<<15)
#define SEG_SS (2<<15)
#define SEG_DS (3<<15)
#define SEG_FS (4<<15)
#define SEG_GS (5<<15)
#define TIMES_2 1
#define TIMES_4 2
#define TIMES_8 3
#define INDEX(r) (r<<18)
#define NO_INDEX (1<<22)
#define BASE(r) (r<<23)
#define NO_BASE (1<<27)
#define REG1(r) (1<<10|r<<3)
#define REG2(r) (r<<28)

#define RAX 0
#define RCX 1
#define RDX 2
#define RBX 3
#define RSP 4
#define RBP 5
#define RSI 6
#define RDI 7

#define VMCLEAR 19
#define VMPTRLD 21
#define VMPTRST 22
#define VMREAD 23
#define VMWRITE 25
#define VMXON 27
#define INVEPT 50
#define INVVPID 53

	.macro	form mode, reason, information, displacement, instruction:vararg
	.text
	.code\mode
97:	\instruction
98:	.code64
	.pushsection .rodata.strings, "a"
99:	.asciz	"\instruction"
	.popsection
	.pushsection .rodata.operand_forms, "a"
	.quad	99b, 97b
	.long	98b - 97b, \mode, \reason, \information
	.quad	\displacement
	.popsection
	.endm

	.pushsection .rodata.operand_forms, "a"
	.balign	8
	.globl	operand_forms
operand_forms:
	.popsection

	/* each instruction */
	form	64, VMXON, A64|SEG_DS|NO_INDEX|BASE(RBX), 0, vmxon (%rbx)
	form	64, VMCLEAR, A64|SEG_DS|NO_INDEX|BASE(RBX), 8, vmclear 8(%rbx)
	form	64, VMPTRLD, A64|SEG_DS|NO_INDEX|BASE(RBX), -8, vmptrld -8(%rbx)
	form	64, VMPTRST, A64|SEG_DS|NO_INDEX|BASE(RBX), 0x1234, vmptrst 0x1234(%rbx)
	form	64, VMREAD, A64|SEG_DS|NO_INDEX|BASE(RBX)|REG2(RDX), 8, vmread %rdx, 8(%rbx)
	form	64, VMWRITE, A64|SEG_DS|NO_INDEX|BASE(RBX)|REG2(RDX), 8, vmwrite 8(%rbx), %rdx
	form	64, INVEPT, A64|SEG_DS|NO_INDEX|BASE(RBX)|REG2(RSI), 8, invept 8(%rbx), %rsi
	form	64, INVVPID, A64|SEG_DS|NO_INDEX|BASE(RBX)|REG2(RSI), 8, invvpid 8(%rbx), %rsi
	/* registers */
	form	64, VMREAD, REG1(RCX)|REG2(RDI), 0, vmread %rdi, %rcx
	form	64, VMWRITE, REG1(RCX)|REG2(RDI), 0, vmwrite %rcx, %rdi
	form	64, VMREAD, REG1(9)|REG2(RSP), 0, vmread %rsp, %r9
	form	64, VMWRITE, REG1(RSP)|REG2(15), 0, vmwrite %rsp, %r15
	form	64, INVEPT, A64|SEG_DS|NO_INDEX|BASE(8)|REG2(14), 0, invept (%r8), %r14
	form	64, INVVPID, A64|SEG_DS|NO_INDEX|BASE(8)|REG2(14), 0, invvpid (%r8), %r14
	/* a base: the stack's has its segment, and two of those with a REX prefix the length of those without */
	form	64, VMPTRLD, A64|SEG_SS|NO_INDEX|BASE(RSP), 16, vmptrld 16(%rsp)
	form	64, VMPTRLD, A64|SEG_SS|NO_INDEX|BASE(RBP), 0, vmptrld (%rbp)
	form	64, VMPTRLD, A64|SEG_DS|NO_INDEX|BASE(12), 0, vmptrld (%r12)
	form	64, VMPTRLD, A64|SEG_DS|NO_INDEX|BASE(13), 0, vmptrld (%r13)
	form	64, VMPTRLD, A64|SEG_DS|NO_INDEX|BASE(15), -0x12345678, vmptrld -0x12345678(%r15)
	/* an index */
	form	64, VMPTRLD, A64|SEG_DS|INDEX(RCX)|BASE(RAX), 0, vmptrld (%rax,%rcx)
	form	64, VMREAD, A64|SEG_DS|INDEX(RDI)|TIMES_2|BASE(RSI)|REG2(RAX), 0, vmread %rax, (%rsi,%rdi,2)
	form	64, VMWRITE, A64|SEG_SS|INDEX(RBP)|TIMES_4|BASE(RSP)|REG2(11), 4, vmwrite 4(%rsp,%rbp,4), %r11
	form	64, VMCLEAR, A64|SEG_DS|INDEX(12)|TIMES_8|BASE(13), -1, vmclear -1(%r13,%r12,8)
	form	64, VMXON, A64|SEG_DS|INDEX(9)|TIMES_8|NO_BASE, 0x1000, vmxon 0x1000(,%r9,8)
	/* neither: an address, or one that is relative to the next instruction */
	form	64, VMPTRLD, A64|SEG_DS|NO_INDEX|NO_BASE, 0x12345678, vmptrld 0x12345678
	form	64, VMPTRLD, A64|SEG_DS|NO_INDEX|NO_BASE, -0x1000, vmptrld -0x1000
	form	64, VMPTRLD, A64|SEG_DS|NO_INDEX|NO_BASE, operand_forms, vmptrld operand_forms(%rip)
	form	64, VMWRITE, A64|SEG_DS|NO_INDEX|NO_BASE|REG2(8), operand_forms, vmwrite operand_forms(%rip), %r8
	form	64, INVVPID, A64|SEG_DS|NO_INDEX|NO_BASE|REG2(RAX), operand_forms, invvpid operand_forms(%rip), %rax
	/* prefixes */
	form	64, VMPTRLD, A32|SEG_DS|NO_INDEX|BASE(RBX), -4, vmptrld -4(%ebx)
	form	64, VMCLEAR, A32|SEG_DS|INDEX(10)|TIMES_2|BASE(RDX), 0, vmclear (%edx,%r10d,2)
	form	64, VMPTRLD, A32|SEG_DS|NO_INDEX|NO_BASE, operand_forms, vmptrld operand_forms(%eip)
	form	64, VMPTRLD, A64|SEG_FS|NO_INDEX|BASE(RAX), 0, vmptrld %fs:(%rax)
	form	64, VMXON, A64|SEG_GS|NO_INDEX|NO_BASE, 0x10, vmxon %gs:0x10
	form	64, VMPTRLD, A64|SEG_GS|NO_INDEX|BASE(RSP), 0, vmptrld %gs:(%rsp)
	form	64, VMPTRLD, A64|SEG_DS|NO_INDEX|BASE(RAX), 0, .byte 0x26, 0x0f, 0xc7, 0x30
	form	64, VMPTRLD, A32|SEG_DS|NO_INDEX|BASE(RAX), 0, .byte 0x67, 0x67, 0x0f, 0xc7, 0x30
	/* 32-bit code */
	form	32, VMPTRLD, A32|SEG_DS|NO_INDEX|BASE(RBX), -4, vmptrld -4(%ebx)
	form	32, VMPTRLD, A32|SEG_SS|NO_INDEX|BASE(RSP), 0x100, vmptrld 0x100(%esp)
	form	32, VMPTRLD, A32|SEG_ES|NO_INDEX|BASE(RSI), 0, vmptrld %es:(%esi)
	form	32, VMPTRLD, A32|SEG_CS|NO_INDEX|BASE(RBP), 0, vmptrld %cs:(%ebp)
	form	32, VMXON, A32|SEG_DS|INDEX(RCX)|TIMES_4|BASE(RAX), 1, vmxon 1(%eax,%ecx,4)
	form	32, VMXON, A32|SEG_DS|NO_INDEX|NO_BASE, 0x1234, vmxon 0x1234
	form	32, VMREAD, REG1(RBX)|REG2(RCX), 0, vmread %ecx, %ebx
	form	32, VMPTRLD, A16|SEG_DS|INDEX(RSI)|BASE(RBX), 0, vmptrld (%bx,%si)
	/* 16-bit code */
	form	16, VMPTRLD, A16|SEG_DS|INDEX(RDI)|BASE(RBX), 0, vmptrld (%bx,%di)
	form	16, VMPTRLD, A16|SEG_SS|INDEX(RSI)|BASE(RBP), -2, vmptrld -2(%bp,%si)
	form	16, VMPTRLD, A16|SEG_SS|INDEX(RDI)|BASE(RBP), 0x1234, vmptrld 0x1234(%bp,%di)
	form	16, VMPTRLD, A16|SEG_DS|NO_INDEX|BASE(RSI), 0, vmptrld (%si)
	form	16, VMPTRLD, A16|SEG_DS|NO_INDEX|BASE(RDI), 1, vmptrld 1(%di)
	form	16, VMPTRLD, A16|SEG_SS|NO_INDEX|BASE(RBP), 0, vmptrld (%bp)
	form	16, VMREAD, A16|SEG_DS|NO_INDEX|BASE(RBX)|REG2(RAX), 0, vmread %eax, (%bx)
	form	16, VMCLEAR, A16|SEG_DS|NO_INDEX|NO_BASE, -0x8000, vmclear 0x8000
	form	16, VMPTRLD, A32|SEG_DS|NO_INDEX|BASE(RDX), 0, vmptrld (%edx)

	.pushsection .rodata.operand_forms, "a"
	.globl	operand_forms_end
operand_forms_end:
	.popsection
	.section .note.GNU-stack, "", @progbits
