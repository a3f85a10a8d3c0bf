/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * twin - two processes of a known length each: TWIN_LOOPS branches and twice as many instructions in the loop, and what stands
 * around it (labkit/partition.py). No libc, nothing before and nothing after it.
 */
__asm__(".globl _start\n"
	"_start:	mov	$57, %eax\n" /* fork() */
	"		syscall\n"
	"		mov	%eax, %ebx\n"
	"		mov	$4000000, %ecx\n"
	"twin_loop:	dec	%ecx\n"
	"		jnz	twin_loop\n"
	"		test	%ebx, %ebx\n"
	"		jz	twin_end\n"
	"		mov	$61, %eax\n" /* wait4(-1, NULL, 0, NULL) */
	"		mov	$-1, %rdi\n"
	"		xor	%esi, %esi\n"
	"		xor	%edx, %edx\n"
	"		xor	%r10d, %r10d\n"
	"		syscall\n"
	"twin_end:	mov	$60, %eax\n" /* exit(0) */
	"		xor	%edi, %edi\n"
	"		syscall\n"
	".type _start, @function\n"
	".size _start, . - _start\n");
