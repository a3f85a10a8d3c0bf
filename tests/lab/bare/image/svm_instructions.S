/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that SVM can intercept, each with the code of its exit: struct svm_instruction. */
	.macro	intercepted mode, code, instruction:vararg
	.text
	.code\mode
97:	\instruction
98:	.code64
	.pushsection .rodata.strings, "a"
99:	.asciz	"\instruction"
	.popsection
	.pushsection .rodata.svm_instructions, "a"
	.quad	99b, 97b
	.long	98b - 97b, \mode, \code, 0
	.popsection
	.endm

	.pushsection .rodata.svm_instructions, "a"
	.balign	8
	.globl	svm_instructions
svm_instructions:
	.popsection

	/* APM volume 2, appendix C */
	intercepted	64, 0x00, mov %cr0, %rbx
	intercepted	64, 0x00, smsw %bx
	intercepted	64, 0x00, smsw 0x1234(%rsp,%r9,2)
	intercepted	64, 0x03, mov %cr3, %r12
	intercepted	64, 0x04, mov %cr4, %rdx
	intercepted	64, 0x08, mov %cr8, %rbx
	intercepted	64, 0x10, mov %rbx, %cr0
	intercepted	64, 0x10, lmsw %bx
	intercepted	64, 0x10, lmsw %gs:8(%rbx)
	intercepted	64, 0x10, clts
	intercepted	64, 0x13, mov %rbx, %cr3
	intercepted	64, 0x14, mov %r15, %cr4
	intercepted	64, 0x18, mov %rbx, %cr8
	intercepted	64, 0x20, mov %dr0, %rbx
	intercepted	64, 0x27, mov %dr7, %r8
	intercepted	64, 0x33, mov %rbx, %dr3
	intercepted	64, 0x36, mov %r9, %dr6
	intercepted	64, 0x65, mov %rax, %cr0
	intercepted	64, 0x66, sidt (%rbx)
	intercepted	64, 0x67, sgdt svm_instructions(%rip)
	intercepted	64, 0x68, sldt (%ebx)
	intercepted	64, 0x69, str %bx
	intercepted	64, 0x6a, lidt (%rbx)
	intercepted	64, 0x6b, lgdt 8(%r12)
	intercepted	64, 0x6c, lldt 0x1000(%rbx)
	intercepted	64, 0x6d, ltr %bx
	intercepted	64, 0x6e, rdtsc
	intercepted	64, 0x6f, rdpmc
	intercepted	64, 0x70, pushf
	intercepted	64, 0x71, popf
	intercepted	64, 0x72, cpuid
	intercepted	64, 0x73, rsm
	intercepted	64, 0x74, iretq
	intercepted	64, 0x75, int $0x40
	intercepted	64, 0x75, .byte 0xcd, 3
	intercepted	64, 0x76, invd
	intercepted	64, 0x77, pause
	intercepted	64, 0x78, hlt
	intercepted	64, 0x79, invlpg 8(%rbx)
	intercepted	64, 0x7a, invlpga
	intercepted	64, 0x7b, in $0x60, %al
	intercepted	64, 0x7b, in %dx, %eax
	intercepted	64, 0x7b, out %ax, $0x60
	intercepted	64, 0x7b, out %al, %dx
	intercepted	64, 0x7b, insb
	intercepted	64, 0x7b, rep outsl
	intercepted	64, 0x7b, addr32 rep insw
	intercepted	64, 0x7c, rdmsr
	intercepted	64, 0x7c, wrmsr
	intercepted	64, 0x80, vmrun
	intercepted	64, 0x81, vmmcall
	intercepted	64, 0x82, vmload
	intercepted	64, 0x83, vmsave
	intercepted	64, 0x84, stgi
	intercepted	64, 0x85, clgi
	intercepted	64, 0x87, rdtscp
	intercepted	64, 0x89, wbinvd
	intercepted	64, 0x8a, monitor
	intercepted	64, 0x8b, mwait
	intercepted	64, 0x8d, xsetbv
	/* exceptions that are what the instruction is for */
	intercepted	64, 0x43, int3
	intercepted	32, 0x43, int3
	intercepted	32, 0x44, into
	intercepted	32, 0x45, bound %eax, (%edx)
	intercepted	32, 0x45, bound %eax, 8(%edx,%esi,4)
	/* 32-bit code */
	intercepted	32, 0x72, cpuid
	intercepted	32, 0x6b, lgdt 0x1234
	intercepted	32, 0x66, sidt (%bx,%si)

	.pushsection .rodata.svm_instructions, "a"
	.globl	svm_instructions_end
svm_instructions_end:
	.popsection

	/* All gates of a guest lead here. */
	.text
	.globl	svm_handler
svm_handler:
	vmmcall
	/* These fault. */
	.globl	svm_ud, svm_pf
svm_ud:	ud2
svm_pf:	movl	0x7ffffffffff0, %eax
	.section .note.GNU-stack, "", @progbits
