/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * count - makes a known number of instructions and ends: COUNT_BRANCHES branches, twice as many
 * instructions and four more (labkit/vpmu.py). No libc, nothing before and nothing after it.
 */
__asm__(".globl _start\n"
	"_start:	mov	$10000000, %ecx\n"
	"count_loop:	dec	%ecx\n"
	"		jnz	count_loop\n"
	"		mov	$60, %eax\n" /* exit(0) */
	"		xor	%edi, %edi\n"
	"		syscall\n"
	".type _start, @function\n"
	".size _start, . - _start\n");
