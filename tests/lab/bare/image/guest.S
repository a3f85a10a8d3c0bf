/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest does, each with the one or the other instruction at its end. */
	.text
	.macro	guest name, instruction:vararg
	.balign	16
	.globl	guest_\name\()_intel, guest_\name\()_amd
guest_\name\()_intel:
	\instruction
	vmcall
	ud2
	.balign	16
guest_\name\()_amd:
	\instruction
	vmmcall
	ud2
	.endm

	guest	nops, .fill 24, 1, 0x90
	guest	call, call *%rcx
	guest	rdmsr, rdmsr
	guest	wrmsr, wrmsr
	guest	rdpmc, rdpmc
	.section .note.GNU-stack, "", @progbits
