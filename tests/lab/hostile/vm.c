/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODE 0x1000u
#define GDT 0x3000u
#define IDT 0x4000u
#define TSS 0x5000u
#define TSS_RSP0 (TSS + 4)
#define TABLES 0x100000u
#define TABLES_SIZE 0x3000u
#define STACKS 0x200000u
#define STACK_SIZE 0x1000u
#define LVTPC 0x340
#define SPURIOUS 0xf0
#define PORT_FIRST 0x10

/* clang-format off */
asm(".pushsection .rodata\n"
    ".globl guest_code, guest_loop, guest_rdmsr, guest_wrmsr, guest_rdpmc, guest_cpuid, guest_cr4, guest_out, guest_in, guest_outs\n"
    ".globl guest_ins, guest_rep_outs, guest_rep_ins, guest_read, guest_write, guest_rep_movs, guest_gp, guest_nmi\n"
    ".globl guest_interrupt, guest_framed, guest_frame1, guest_frame2, guest_frame3, guest_spin, guest_end\n"
    ".globl guest_cpuids, guest_halt, guest_away_by_cpuid, guest_away_by_rdmsr, guest_away_by_out, guest_away_by_halt, guest_back\n"
    ".globl guest_debug, guest_sti_rdmsr, guest_sti_wrmsr, guest_sti_rdpmc, guest_toggles, guest_nmis, guest_nmi_returns\n"
    "guest_code:\n"
    "guest_loop:	dec %rcx; jnz guest_loop; out %al, $0x10\n"
    "guest_rdmsr:	rdmsr; out %al, $0x10\n"
    "guest_wrmsr:	wrmsr; out %al, $0x10\n"
    "guest_rdpmc:	rdpmc; out %al, $0x10\n"
    "guest_cpuid:	cpuid; out %al, $0x10\n"
    "guest_cr4:		mov %rax, %cr4; out %al, $0x10\n"
    "guest_out:		out %al, $0x20; out %al, $0x10\n"
    "guest_in:		in $0x20, %al; out %al, $0x10\n"
    "guest_outs:	outsb; out %al, $0x10\n"
    "guest_ins:		insb; out %al, $0x10\n"
    "guest_rep_outs:	rep outsb; out %al, $0x10\n"
    "guest_rep_ins:	rep insb; out %al, $0x10\n"
    "guest_read:	mov (%rbx), %eax; out %al, $0x10\n"
    "guest_write:	mov %eax, (%rbx); out %al, $0x10\n"
    "guest_rep_movs:	rep movsb; out %al, $0x10\n"
    "guest_gp:		out %al, $0x11\n"
    "guest_nmi:		out %al, $0x12\n"
    "guest_interrupt:	out %al, $0x13\n"
    "guest_debug:	out %al, $0x14\n"
    "guest_sti_rdmsr:	sti; rdmsr; out %al, $0x10\n"
    "guest_sti_wrmsr:	sti; wrmsr; out %al, $0x10\n"
    "guest_sti_rdpmc:	sti; rdpmc; out %al, $0x10\n"
    "guest_toggles:	wrmsr; xor $0x100, %eax; dec %rsi; jnz guest_toggles; out %al, $0x10\n"
    "guest_nmis:	wrmsr; dec %rsi; jnz guest_nmis; out %al, $0x10\n"
    "guest_nmi_returns:	inc %r8; push %rax; push %rcx; push %rdx; mov %r10d, %ecx; rdmsr\n"
    "	test %r9, %r9; jz 1f; dec %r9; mov $0x400, %eax; xor %edx, %edx; mov %r11d, %ecx; wrmsr\n"
    "1:	pop %rdx; pop %rcx; pop %rax; iretq\n"
    "guest_cpuids:	xor %eax, %eax; cpuid; dec %rsi; jnz guest_cpuids; out %al, $0x10\n"
    "guest_halt:	hlt; jmp guest_halt\n"
    "guest_away_by_cpuid:	dec %rsi; jnz guest_away_by_cpuid; cpuid; jmp guest_back\n"
    "guest_away_by_rdmsr:	dec %rsi; jnz guest_away_by_rdmsr; rdmsr; jmp guest_back\n"
    "guest_away_by_out:	dec %rsi; jnz guest_away_by_out; out %al, $0x10\n"
    "guest_away_by_halt:	dec %rsi; jnz guest_away_by_halt; hlt; jmp guest_back\n"
    "guest_back:	dec %rdi; jnz guest_back; out %al, $0x10\n"
    "guest_framed:	call 1f\n"
    "guest_frame1:	jmp guest_frame1\n"
    "1:	push %rbp; mov %rsp, %rbp; call 2f\n"
    "guest_frame2:	jmp guest_frame2\n"
    "2:	push %rbp; mov %rsp, %rbp; call 3f\n"
    "guest_frame3:	jmp guest_frame3\n"
    "3:	push %rbp; mov %rsp, %rbp\n"
    "guest_spin:	add $1, %rax; jmp guest_spin\n"
    "guest_end:\n"
    ".popsection\n");
/* clang-format on */

uint64_t vm_offset(const char *label)
{
	return (uint64_t)(label - guest_code);
}

uint64_t vm_address(const char *label)
{
	return CODE + vm_offset(label);
}

uint64_t vm_cr3(unsigned int id)
{
	return TABLES + id * TABLES_SIZE;
}

static void make_gate(uint8_t *memory, unsigned int vector, const char *handler)
{
	uint64_t address = vm_address(handler);
	uint64_t *gate = (uint64_t *)(memory + IDT) + 2 * vector;

	gate[0] = (address & 0xffff) | 0x8ull << 16 | 0x8e00ull << 32 |
		  (address >> 16 & 0xffff) << 48;
	gate[1] = 0;
}

void vm_set_handler(struct vm *vm, unsigned int vector, const char *handler)
{
	make_gate(vm->memory, vector, handler);
}

/* For CPL 3, too. */
static void make_tables(uint8_t *memory, unsigned int id)
{
	uint64_t *pml4 = (uint64_t *)(memory + vm_cr3(id)), *pdpt = pml4 + 512, *pd = pdpt + 512;

	pml4[0] = (vm_cr3(id) + 0x1000) | 7;
	pdpt[0] = (vm_cr3(id) + 0x2000) | 7;
	pdpt[1] = VM_MMIO | 0x87;
	for (uint64_t i = 0; i < VM_MEMORY_SIZE >> 21; i++)
		pd[i] = i << 21 | 0x87;
}

static void make_memory(uint8_t *memory)
{
	uint64_t *gdt = (uint64_t *)(memory + GDT);

	gdt[1] = 0x00af9b000000ffffull;
	gdt[2] = 0x00cf93000000ffffull;
	make_gate(memory, 1, guest_debug);
	make_gate(memory, 2, guest_nmi);
	make_gate(memory, 13, guest_gp);
	make_gate(memory, VM_VECTOR, guest_interrupt);
	memcpy(memory + CODE, guest_code, (size_t)(guest_end - guest_code));
}

static void set_segments(struct kvm_sregs *sregs, uint8_t cpl)
{
	struct kvm_segment code = {.limit = ~0u,
				   .selector = (uint16_t)(0x8 | cpl),
				   .type = 11,
				   .present = 1,
				   .dpl = cpl,
				   .s = 1,
				   .l = 1,
				   .g = 1};
	struct kvm_segment data = {.limit = ~0u,
				   .selector = (uint16_t)(0x10 | cpl),
				   .type = 3,
				   .present = 1,
				   .dpl = cpl,
				   .s = 1,
				   .db = 1,
				   .g = 1};

	sregs->cs = code;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
}

static void set_sregs(int vcpu, unsigned int id)
{
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		err(1, "KVM_GET_SREGS");
	set_segments(&sregs, 0);
	sregs.gdt.base = GDT;
	sregs.gdt.limit = 0x17;
	sregs.idt.base = IDT;
	sregs.idt.limit = 0xfff;
	sregs.cr3 = vm_cr3(id);
	sregs.cr4 = 0x20;	 /* PAE */
	sregs.cr0 = 0x80000011u; /* PG, ET, PE */
	sregs.efer = 0x500;	 /* LMA, LME */
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs))
		err(1, "KVM_SET_SREGS");
}

/* One general counter more on Intel; on AMD PerfMonV2 with all six, where KVM offers K7's four. */
static void promise_too_much(struct kvm_cpuid2 *cpuid)
{
	for (unsigned int i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == 0xa && entry->eax)
			entry->eax += 0x100;
		if (entry->function == 0x80000022)
			entry->function = 0x8000ffff;
	}
	cpuid->entries[cpuid->nent++] =
		(struct kvm_cpuid_entry2){.function = 0x80000022, .eax = 1, .ebx = 6};
}

static void promise_one(struct kvm_cpuid2 *cpuid)
{
	for (unsigned int i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == 0xa && entry->eax) {
			entry->eax = (entry->eax & ~0xff00u) | 0x100;
			entry->ecx = 0;
			entry->edx &= ~0x1fu;
		}
	}
}

static void promise_none(struct kvm_cpuid2 *cpuid)
{
	for (unsigned int i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == 0xa)
			entry->eax = entry->ebx = entry->ecx = entry->edx = 0;
	}
}

static void set_cpuid(int kvm, int vcpu, enum vm_pmu pmu)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 256 * sizeof(cpuid->entries[0]));

	if (!cpuid)
		err(1, "CPUID");
	cpuid->nent = 255;
	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid))
		err(1, "KVM_GET_SUPPORTED_CPUID");
	if (pmu == VM_PMU_TOO_MUCH)
		promise_too_much(cpuid);
	if (pmu == VM_PMU_ONE)
		promise_one(cpuid);
	if (pmu == VM_PMU_NONE)
		promise_none(cpuid);
	if (ioctl(vcpu, KVM_SET_CPUID2, cpuid))
		err(1, "KVM_SET_CPUID2");
	free(cpuid);
}

static void enable_capability(int vm, uint32_t capability, uint64_t argument)
{
	struct kvm_enable_cap cap = {.cap = capability, .args = {argument}};

	if (ioctl(vm, KVM_ENABLE_CAP, &cap))
		err(1, "KVM_ENABLE_CAP %u", capability);
}

static uint64_t stack_of(const struct vm *vm)
{
	return STACKS + (vm->id + 1) * STACK_SIZE;
}

void vm_go_to_user(struct vm *vm)
{
	struct kvm_sregs sregs;

	if (ioctl(vm->vcpu, KVM_GET_SREGS, &sregs))
		err(1, "KVM_GET_SREGS");
	set_segments(&sregs, 3);
	sregs.tr = (struct kvm_segment){
		.base = TSS, .limit = 0x67, .selector = 0x18, .type = 11, .present = 1};
	memcpy(vm->memory + TSS_RSP0, &(uint64_t){stack_of(vm)}, sizeof(uint64_t));
	if (ioctl(vm->vcpu, KVM_SET_SREGS, &sregs))
		err(1, "KVM_SET_SREGS");
}

/* `ret` has a VM and its memory. */
static void make_vcpu(struct vm *ret, int kvm, unsigned int id, enum vm_pmu pmu)
{
	struct kvm_mp_state state = {.mp_state = KVM_MP_STATE_RUNNABLE};

	ret->id = id;
	ret->vcpu = ioctl(ret->fd, KVM_CREATE_VCPU, id);
	ret->run_size = (uint32_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (ret->vcpu < 0)
		err(1, "KVM_CREATE_VCPU");
	ret->run = mmap(NULL, ret->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, ret->vcpu, 0);
	if (ret->run == MAP_FAILED)
		err(1, "KVM_RUN's page");
	make_tables(ret->memory, id);
	set_cpuid(kvm, ret->vcpu, pmu);
	set_sregs(ret->vcpu, id);
	/* Those after the first would wait for it to start them. */
	if (ioctl(ret->vcpu, KVM_SET_MP_STATE, &state))
		err(1, "KVM_SET_MP_STATE");
}

void vm_add_vcpu(const struct vm *vm, unsigned int id, struct vm *ret)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0)
		err(1, "/dev/kvm");
	*ret = (struct vm){.fd = vm->fd, .memory = vm->memory};
	make_vcpu(ret, kvm, id, VM_PMU);
	close(kvm);
}

void vm_create(struct vm *ret, enum vm_pmu pmu)
{
	struct kvm_userspace_memory_region region = {.memory_size = VM_MEMORY_SIZE};
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	*ret = (struct vm){.fd = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0)};
	if (ret->fd < 0)
		err(1, "/dev/kvm");
	enable_capability(ret->fd, KVM_CAP_SPLIT_IRQCHIP, 24);
	enable_capability(ret->fd, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_FILTER);
	if (pmu == VM_PMU_OFF)
		enable_capability(ret->fd, KVM_CAP_PMU_CAPABILITY, KVM_PMU_CAP_DISABLE);
	ret->memory = mmap(NULL, VM_MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			   -1, 0);
	if (ret->memory == MAP_FAILED)
		err(1, "memory");
	make_memory(ret->memory);
	region.userspace_addr = (uint64_t)(uintptr_t)ret->memory;
	if (ioctl(ret->fd, KVM_SET_USER_MEMORY_REGION, &region))
		err(1, "KVM_SET_USER_MEMORY_REGION");
	make_vcpu(ret, kvm, 0, pmu);
	close(kvm);
}

void vm_remove_vcpu(struct vm *vm)
{
	munmap(vm->run, vm->run_size);
	close(vm->vcpu);
}

void vm_destroy(struct vm *vm)
{
	vm_remove_vcpu(vm);
	close(vm->fd);
	munmap(vm->memory, VM_MEMORY_SIZE);
}

struct kvm_vcpu_events vm_events(struct vm *vm)
{
	struct kvm_vcpu_events events;

	if (ioctl(vm->vcpu, KVM_GET_VCPU_EVENTS, &events))
		err(1, "KVM_GET_VCPU_EVENTS");
	return events;
}

static void unblock_nmis(struct vm *vm)
{
	struct kvm_vcpu_events events = vm_events(vm);

	events.nmi.masked = 0;
	if (ioctl(vm->vcpu, KVM_SET_VCPU_EVENTS, &events))
		err(1, "KVM_SET_VCPU_EVENTS");
}

static void serve_msr(struct vm *vm)
{
	vm->user_msrs++;
	vm->run->msr.error = 0;
	vm->run->msr.data = 0x5a5a;
}

/* Whether the exit ends the step. */
static bool is_end(struct vm *vm, enum vm_end *ret)
{
	struct kvm_run *run = vm->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		if (run->io.direction == KVM_EXIT_IO_IN)
			memset((uint8_t *)run + run->io.data_offset, 0x77,
			       run->io.size * run->io.count);
		*ret = (enum vm_end)(run->io.port - PORT_FIRST);
		return run->io.port >= PORT_FIRST && run->io.port <= PORT_FIRST + VM_DEBUG;
	case KVM_EXIT_MMIO:
		memset(run->mmio.data, 0x77, run->mmio.is_write ? 0 : run->mmio.len);
		return false;
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR: serve_msr(vm); return false;
	default:
		errx(1, "exit %u, %#llx", run->exit_reason,
		     (unsigned long long)run->hw.hardware_exit_reason);
	}
}

static void set_place(struct vm *vm, const char *from, struct kvm_regs *regs)
{
	regs->rip = vm_address(from);
	regs->rsp = stack_of(vm);
	regs->rflags |= 2;
	if (ioctl(vm->vcpu, KVM_SET_REGS, regs))
		err(1, "KVM_SET_REGS");
}

enum vm_end vm_step(struct vm *vm, const char *from, struct kvm_regs *regs)
{
	enum vm_end end = VM_SIGNAL;

	set_place(vm, from, regs);
	do {
		if (ioctl(vm->vcpu, KVM_RUN, 0) < 0) {
			if (errno != EINTR)
				err(1, "KVM_RUN");
			return VM_SIGNAL;
		}
	} while (!is_end(vm, &end));
	if (ioctl(vm->vcpu, KVM_GET_REGS, regs))
		err(1, "KVM_GET_REGS");
	if (end == VM_NMI)
		unblock_nmis(vm);
	return end;
}

static void set_debug(struct vm *vm, uint32_t control)
{
	struct kvm_guest_debug debug = {.control = control};

	if (ioctl(vm->vcpu, KVM_SET_GUEST_DEBUG, &debug))
		err(1, "KVM_SET_GUEST_DEBUG");
}

void vm_debug(struct vm *vm, const char *from, struct kvm_regs *regs)
{
	set_place(vm, from, regs);
	set_debug(vm, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP);
	if (ioctl(vm->vcpu, KVM_RUN, 0))
		err(1, "KVM_RUN");
	if (vm->run->exit_reason != KVM_EXIT_DEBUG)
		errx(1, "exit %u, not that of a step", vm->run->exit_reason);
	set_debug(vm, 0);
	if (ioctl(vm->vcpu, KVM_GET_REGS, regs))
		err(1, "KVM_GET_REGS");
}

void vm_complete(struct vm *vm, const char *from, struct kvm_regs *regs)
{
	enum vm_end end;

	set_place(vm, from, regs);
	if (ioctl(vm->vcpu, KVM_RUN, 0) || is_end(vm, &end))
		err(1, "the VMM was not asked");
	vm->run->immediate_exit = 1;
	if (ioctl(vm->vcpu, KVM_RUN, 0) != -1 || errno != EINTR)
		err(1, "the guest was entered");
	vm->run->immediate_exit = 0;
}

void vm_move_events(struct vm *from, struct vm *to)
{
	struct kvm_vcpu_events events;

	if (ioctl(from->vcpu, KVM_GET_VCPU_EVENTS, &events) ||
	    ioctl(to->vcpu, KVM_SET_VCPU_EVENTS, &events))
		err(1, "events");
}

uint64_t vm_interrupted_at(struct vm *vm, const struct kvm_regs *regs)
{
	uint64_t rip;

	memcpy(&rip, vm->memory + regs->rsp, sizeof(rip));
	return rip - CODE;
}

enum vm_end vm_loop(struct vm *vm, uint64_t count)
{
	struct kvm_regs regs = {.rcx = count};

	return vm_step(vm, guest_loop, &regs);
}

static bool is_done(enum vm_end end)
{
	if (end != VM_DONE && end != VM_GP)
		errx(1, "an access ended with %u", end);
	return end == VM_DONE;
}

static bool read_by(struct vm *vm, const char *from, uint32_t index, uint64_t *ret)
{
	struct kvm_regs regs = {.rcx = index};
	bool done = is_done(vm_step(vm, from, &regs));

	*ret = done ? (regs.rax & 0xffffffffu) | regs.rdx << 32 : 0;
	return done;
}

bool vm_rdmsr(struct vm *vm, uint32_t msr, uint64_t *ret)
{
	return read_by(vm, guest_rdmsr, msr, ret);
}

bool vm_rdpmc(struct vm *vm, uint32_t index, uint64_t *ret)
{
	return read_by(vm, guest_rdpmc, index, ret);
}

bool vm_wrmsr(struct vm *vm, uint32_t msr, uint64_t value)
{
	struct kvm_regs regs = {.rcx = msr, .rax = value & 0xffffffffu, .rdx = value >> 32};

	return is_done(vm_step(vm, guest_wrmsr, &regs));
}

static int access_msr(struct vm *vm, unsigned long command, uint32_t msr, uint64_t *value)
{
	union {
		struct kvm_msrs msrs;
		uint8_t space[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	} request = {.msrs = {.nmsrs = 1}};
	struct kvm_msr_entry *entry = request.msrs.entries;
	int done;

	*entry = (struct kvm_msr_entry){.index = msr, .data = *value};
	done = ioctl(vm->vcpu, command, &request);
	*value = entry->data;
	return done;
}

bool vm_get(struct vm *vm, uint32_t msr, uint64_t *ret)
{
	*ret = 0;
	return access_msr(vm, KVM_GET_MSRS, msr, ret) == 1;
}

bool vm_set(struct vm *vm, uint32_t msr, uint64_t value)
{
	return access_msr(vm, KVM_SET_MSRS, msr, &value) == 1;
}

uint32_t vm_get_lvtpc(struct vm *vm)
{
	struct kvm_lapic_state apic;
	uint32_t value;

	if (ioctl(vm->vcpu, KVM_GET_LAPIC, &apic))
		err(1, "KVM_GET_LAPIC");
	memcpy(&value, apic.regs + LVTPC, sizeof(value));
	return value;
}

void vm_set_lvtpc(struct vm *vm, uint32_t value)
{
	struct kvm_lapic_state apic;
	uint32_t spurious = 0x1ff;

	if (ioctl(vm->vcpu, KVM_GET_LAPIC, &apic))
		err(1, "KVM_GET_LAPIC");
	memcpy(apic.regs + SPURIOUS, &spurious, sizeof(spurious));
	memcpy(apic.regs + LVTPC, &value, sizeof(value));
	/* What an earlier one has left in service would hold back the next. */
	memset(apic.regs + 0x100, 0, 0x180);
	if (ioctl(vm->vcpu, KVM_SET_LAPIC, &apic))
		err(1, "KVM_SET_LAPIC");
}
