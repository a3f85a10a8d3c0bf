/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/host/host_checks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/base/debug_package.h"
#include "common/base/error.h"
#include "common/base/scope.h"
#include "daemon/host/kernel_maps.h"
#include "daemon/hvpmu/partition.h"
#include "daemon/perf/perf_event.h"
#include "daemon/kvm/uevents.h"

/* capability.h's numbers. */
#define CAP_SYS_ADMIN_BIT 21
#define CAP_PERFMON_BIT 38
/* The inode of the first pid namespace, PROC_PID_INIT_INO in linux/proc_ns.h. */
#define INIT_PID_NAMESPACE 4026531836u

const char *const hvp_check_status_names[] = {"ok", "lacking", "unknown"};

static void hvp_printf(2, 3) set_value(struct hvp_check_result *ret, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ret->value, sizeof(ret->value), format, args);
	va_end(args);
}

static void hvp_printf(3, 4)
	set_lacking(struct hvp_check_result *ret, const char *consequence, const char *format, ...)
{
	va_list args;

	ret->status = HVP_CHECK_LACKING;
	ret->consequence = consequence;
	va_start(args, format);
	vsnprintf(ret->command, sizeof(ret->command), format, args);
	va_end(args);
}

static void set_unknown(struct hvp_check_result *ret, const char *value)
{
	ret->status = HVP_CHECK_UNKNOWN;
	set_value(ret, "%s", value);
}

/* A file below a root: its text without the newline; false when it is not there. */
static bool read_text(const char *root, const char *name, char *buf, size_t size)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;

	if (asprintf(&path, "%s/%s", root, name) < 0)
		return false;
	return hvp_file_read_small(AT_FDCWD, path, buf, size) >= 0;
}

static bool read_number(const char *root, const char *name, int64_t *ret)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;

	return asprintf(&path, "%s/%s", root, name) >= 0 && hvp_file_read_i64(path, ret);
}

static bool exists(const char *root, const char *name)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;

	return asprintf(&path, "%s/%s", root, name) >= 0 && !access(path, F_OK);
}

static bool is_yes(const char *text)
{
	return *text == 'Y' || *text == 'y' || *text == '1';
}

/* A word of the "flags" line of /proc/cpuinfo. */
static bool has_cpu_flag(const struct hvp_check_host *host, const char *flag)
{
	hvp_scope(hvp_free_ptr) char *text = malloc(65536);
	char pattern[64];
	char *line;

	if (!text || !read_text(host->roots->proc, "cpuinfo", text, 65536))
		return false;
	line = strstr(text, "\nflags");
	if (!line)
		return false;
	line[1 + strcspn(line + 1, "\n")] = 0;
	snprintf(pattern, sizeof(pattern), " %s ", flag);
	if (strstr(line, pattern))
		return true;
	/* The last word. */
	pattern[strlen(pattern) - 1] = 0;
	return strlen(line) >= strlen(pattern) &&
	       !strcmp(line + strlen(line) - strlen(pattern), pattern);
}

static bool has_capability(const struct hvp_check_host *host, int bit)
{
	return host->capabilities >> bit & 1;
}

static void check_privilege(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	char exe[192] = "hvprof";
	ssize_t n;

	if (has_capability(host, CAP_SYS_ADMIN_BIT)) {
		set_value(ret, "root (CAP_SYS_ADMIN)");
		return;
	}
	if (has_capability(host, CAP_PERFMON_BIT)) {
		set_value(ret, "CAP_PERFMON");
		return;
	}
	set_value(ret, "neither root nor CAP_PERFMON");
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n > 0)
		exe[n] = 0;
	set_lacking(ret, "other users' processes, the kernel and guests cannot be sampled",
		    "setcap cap_perfmon,cap_sys_ptrace,cap_dac_read_search+ep %s", exe);
}

static void check_paranoid(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	int64_t value;

	if (!read_number(host->roots->proc, "sys/kernel/perf_event_paranoid", &value)) {
		set_value(ret, "no perf in this kernel");
		set_lacking(ret, "nothing can be sampled: CONFIG_PERF_EVENTS is off", "%s", "");
		return;
	}
	set_value(ret, "%" PRId64, value);
	if (value > 0 && !has_capability(host, CAP_PERFMON_BIT) &&
	    !has_capability(host, CAP_SYS_ADMIN_BIT))
		set_lacking(ret, "without a privilege, CPUs cannot be sampled as a whole",
			    "sysctl -w kernel.perf_event_paranoid=0");
}

static bool has_pmu(const struct hvp_check_host *host)
{
	return exists(host->roots->sys, "bus/event_source/devices/cpu") ||
	       exists(host->roots->sys, "bus/event_source/devices/cpu_core");
}

static void check_pmu(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	char name[64];

	if (has_pmu(host)) {
		if (!read_text(host->roots->sys, "bus/event_source/devices/cpu/caps/pmu_name", name,
			       sizeof(name)))
			snprintf(name, sizeof(name), "present");
		set_value(ret, "%s", name);
		return;
	}
	set_value(ret, "none");
	/* Inside a virtual machine it is the machine's owner who decides. */
	set_lacking(ret,
		    has_cpu_flag(host, "hypervisor")
			    ? "this host is itself a VM without a PMU: it is sampled by a timer; "
			      "its hypervisor may offer one (QEMU: -cpu host,pmu=on)"
			    : "sampled by a timer instead of CPU cycles",
		    "%s", "");
}

static void check_cycles(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	const struct hvp_event_spec cycles = {.type = PERF_TYPE_HARDWARE,
					      .config = PERF_COUNT_HW_CPU_CYCLES};
	int status;

	if (!host->is_live) {
		set_unknown(ret, "not tried");
		return;
	}
	status = hvp_perf_event_probe(&cycles);
	set_value(ret, "%s", status ? strerror(status) : "can be sampled");
	if (status == EACCES || status == EPERM)
		ret->status = HVP_CHECK_UNKNOWN;
	else if (status == EBUSY)
		set_lacking(ret, "someone else has the counters to himself", "%s", "");
	else if (status)
		set_lacking(ret,
			    "sampled by cpu-clock: code that runs with interrupts off is seen "
			    "where it lets them in again",
			    "%s", "");
}

static void check_precise(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	int64_t value;

	if (!read_number(host->roots->sys, "bus/event_source/devices/cpu/caps/max_precise",
			 &value)) {
		set_unknown(ret, "no PMU");
		return;
	}
	set_value(ret, "up to %" PRId64, value);
	if (!value)
		set_lacking(ret, "samples may be some instructions late (skid)", "%s", "");
}

static const char *kvm_vendor_module(const struct hvp_check_host *host)
{
	if (has_cpu_flag(host, "svm"))
		return "kvm_amd";
	return has_cpu_flag(host, "vmx") ? "kvm_intel" : NULL;
}

static void check_kvm(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	static const char *const vendors[] = {"kvm_intel", "kvm_amd", "kvm_pvm"};
	const char *wanted = kvm_vendor_module(host);
	char path[64];

	for (size_t i = 0; i < sizeof(vendors) / sizeof(vendors[0]); i++) {
		snprintf(path, sizeof(path), "module/%s", vendors[i]);
		if (!exists(host->roots->sys, path))
			continue;
		set_value(ret, "%s", vendors[i]);
		return;
	}
	set_value(ret, "not loaded");
	if (wanted)
		set_lacking(ret, "no guests run here", "modprobe %s", wanted);
	else
		set_lacking(ret,
			    "no guests can run here: the CPU offers neither VT-x nor SVM (firmware "
			    "setting, or nested virtualization of the host above)",
			    "%s", "");
}

static void check_nested(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	char text[16];

	if (!read_text(host->roots->sys, "module/kvm_intel/parameters/nested", text,
		       sizeof(text)) &&
	    !read_text(host->roots->sys, "module/kvm_amd/parameters/nested", text, sizeof(text))) {
		set_unknown(ret, "KVM does not tell");
		return;
	}
	/* Neither is better for profiling: it says what a guest's samples may be. */
	set_value(ret, "%s", is_yes(text) ? "on: a guest's samples include its own guests" : "off");
}

static void check_above(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	if (!has_cpu_flag(host, "hypervisor"))
		set_value(ret, "bare metal");
	else
		set_value(ret, "a virtual machine (time that it does not run is not seen)");
}

static void check_vpmu(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	char text[16];

	if (read_text(host->roots->sys, "module/kvm/parameters/enable_mediated_pmu", text,
		      sizeof(text)) &&
	    is_yes(text)) {
		set_value(ret, "mediated: guests own the PMU while they run");
		set_lacking(ret, "hardware events cannot sample guests with a vPMU from the host",
			    "modprobe -r kvm_intel kvm_amd kvm; modprobe kvm "
			    "enable_mediated_pmu=0");
		return;
	}
	if (!read_text(host->roots->sys, "module/kvm/parameters/enable_pmu", text, sizeof(text))) {
		set_unknown(ret, "KVM does not tell");
		return;
	}
	if (is_yes(text)) {
		set_value(ret, "emulated: profilers work inside guests");
		return;
	}
	if (!has_pmu(host)) {
		set_unknown(ret, "off: this host has no PMU to share");
		return;
	}
	set_value(ret, "off");
	set_lacking(ret,
		    "profilers inside guests have no counters (sampling guests from here works)",
		    "modprobe -r kvm_intel kvm_amd kvm; modprobe kvm enable_pmu=1");
}

static void check_partition(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	struct hvp_partition partition;
	char text[HVP_PARTITION_TEXT];

	hvp_partition_read(host->roots, &hvp_hvpmu_kernel, &partition);
	set_value(ret, "%s", hvp_partition_text(&partition, text));
	if (partition.state == HVP_PARTITION_NONE)
		ret->status = HVP_CHECK_UNKNOWN;
	if (partition.state == HVP_PARTITION_OFF)
		set_lacking(
			ret,
			"profilers inside guests and on the host take counters from each other, "
			"and hvprof stat has no cycles (end all VMs first)",
			"%s", HVP_PARTITION_COMMAND);
	if (partition.state == HVP_PARTITION_ACTIVE)
		ret->consequence = HVP_PARTITION_ADVICE;
}

static void check_debugfs(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;

	if (asprintf(&path, "%s/kvm", host->roots->debugfs) < 0) {
		set_unknown(ret, "");
		return;
	}
	if (!access(path, R_OK | X_OK)) {
		set_value(ret, "%s is readable", path);
		return;
	}
	if (errno == EACCES || errno == EPERM) {
		set_value(ret, "%s is closed to this user", path);
		set_lacking(ret, "vCPUs are told by thread names alone", "sudo hvprof ...");
		return;
	}
	set_value(ret, "%s is not there", path);
	if (exists(host->roots->sys, "module/kvm"))
		set_lacking(ret,
			    "VMs are found by /proc and their samples, vCPUs by thread names alone",
			    "mount -t debugfs none %s", host->roots->debugfs);
	else
		ret->status = HVP_CHECK_UNKNOWN;
}

static void check_tracefs(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;

	if (asprintf(&path, "%s/events", host->roots->tracefs) < 0 || access(path, R_OK | X_OK)) {
		set_value(ret, "not readable");
		set_lacking(ret, "tracepoints cannot be used as events", "mount -t tracefs none %s",
			    host->roots->tracefs);
		return;
	}
	set_value(ret, "readable");
}

static void check_uevents(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	hvp_scope(hvp_close_fd) int fd = -1;

	if (!host->is_live) {
		set_unknown(ret, "not tried");
		return;
	}
	fd = hvp_uevents_open();
	set_value(ret, "%s", fd >= 0 ? "can be heard" : strerror(errno));
	if (fd < 0)
		set_lacking(ret, "VMs that start or end meanwhile are noticed a little later", "%s",
			    "");
}

static void check_kallsyms(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	int64_t restrict_value = 0;
	uint64_t address;

	read_number(host->roots->proc, "sys/kernel/kptr_restrict", &restrict_value);
	if (!hvp_kernel_text_address(host->roots, &address)) {
		set_value(ret, "no /proc/kallsyms");
		set_lacking(ret, "functions of the kernel have no names: CONFIG_KALLSYMS is off",
			    "%s", "");
		return;
	}
	if (address) {
		set_value(ret, "readable (kernel.kptr_restrict is %" PRId64 ")", restrict_value);
		return;
	}
	set_value(ret, "addresses are hidden (kernel.kptr_restrict is %" PRId64 ")",
		  restrict_value);
	set_lacking(ret, "functions of the kernel have no names",
		    "sysctl -w kernel.kptr_restrict=0");
}

static void check_vmlinux(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	static const char *const places[] = {"/usr/lib/debug/boot/vmlinux-%s",
					     "/usr/lib/debug/lib/modules/%s/vmlinux",
					     "/lib/modules/%s/build/vmlinux", "/boot/vmlinux-%s"};
	char path[256], command[256];
	struct utsname kernel;

	if (!host->is_live || uname(&kernel)) {
		set_unknown(ret, "not tried");
		return;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), places[i], kernel.release);
		if (access(path, R_OK))
			continue;
		set_value(ret, "%s", path);
		return;
	}
	set_value(ret, "none for %s", kernel.release);
	set_lacking(ret,
		    "no source lines and inlined functions of the host's kernel (a vmlinux kept "
		    "elsewhere: --vmlinux)",
		    "%s",
		    hvp_debug_package_command(NULL, kernel.release, command, sizeof(command))
			    ? command
			    : "");
}

static void check_btf(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	if (exists(host->roots->sys, "kernel/btf/vmlinux")) {
		set_value(ret, "present");
		return;
	}
	/* Nothing that hvprof does today needs it. */
	set_unknown(ret, "absent");
}

static void check_watchdog(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	int64_t value;

	if (!read_number(host->roots->proc, "sys/kernel/nmi_watchdog", &value)) {
		set_unknown(ret, "the kernel has none");
		return;
	}
	set_value(ret, "%s", value ? "on" : "off");
	if (value)
		set_lacking(ret, "one hardware counter of each CPU is taken",
			    "sysctl -w kernel.nmi_watchdog=0");
}

static void check_mlock(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	int64_t value;

	if (!read_number(host->roots->proc, "sys/kernel/perf_event_mlock_kb", &value)) {
		set_unknown(ret, "no perf");
		return;
	}
	set_value(ret, "%" PRId64 " KiB", value);
	if (value < 516)
		set_lacking(ret, "without root, rings must be smaller than usual (-m)",
			    "sysctl -w kernel.perf_event_mlock_kb=516");
}

static void check_files(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	struct hvp_cpu_list cpus = {0};
	struct rlimit limit;
	uint64_t needed;

	if (getrlimit(RLIMIT_NOFILE, &limit)) {
		set_unknown(ret, "");
		return;
	}
	hvp_error_destroy(hvp_cpu_list_read(host->roots, "online", &cpus));
	/* The tracking event and up to six others on each CPU. */
	needed = cpus.num * 7 + 64;
	hvp_cpu_list_deinit(&cpus);
	set_value(ret, "%" PRIu64 " open files", (uint64_t)limit.rlim_max);
	if (limit.rlim_max < needed)
		set_lacking(ret, "too few for six events on every CPU", "ulimit -Hn %" PRIu64,
			    needed);
}

static void check_rate(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	int64_t value;

	if (!read_number(host->roots->proc, "sys/kernel/perf_event_max_sample_rate", &value)) {
		set_unknown(ret, "no perf");
		return;
	}
	set_value(ret, "%" PRId64 " Hz", value);
	/* The kernel lowers it by itself when sampling took too long. */
	if (value < 10000)
		set_lacking(ret, "-F cannot be higher",
			    "sysctl -w kernel.perf_event_max_sample_rate=100000");
}

static void check_stack(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	int64_t value;

	if (!read_number(host->roots->proc, "sys/kernel/perf_event_max_stack", &value)) {
		set_unknown(ret, "the kernel does not tell");
		return;
	}
	set_value(ret, "%" PRId64 " frames", value);
	if (value < 127)
		set_lacking(ret, "call chains (-g) are cut short",
			    "sysctl -w kernel.perf_event_max_stack=127");
}

static void check_namespace(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	struct stat info;

	if (asprintf(&path, "%s/self/ns/pid", host->roots->proc) < 0 || stat(path, &info)) {
		set_unknown(ret, "");
		return;
	}
	if (info.st_ino == INIT_PID_NAMESPACE) {
		set_value(ret, "the host's");
		return;
	}
	set_value(ret, "a container's");
	set_lacking(ret, "VMMs outside of this container cannot be told by their pids",
		    "nsenter --target 1 --all hvprof ...");
}

static void check_lockdown(const struct hvp_check_host *host, struct hvp_check_result *ret)
{
	char text[128];

	if (!read_text(host->roots->sys, "kernel/security/lockdown", text, sizeof(text))) {
		set_unknown(ret, "the kernel does not tell");
		return;
	}
	set_value(ret, "%s", text);
	if (strstr(text, "[confidentiality]"))
		set_lacking(ret, "the kernel does not let perf see kernel addresses", "%s", "");
}

const struct hvp_check hvp_host_checks[] = {
	{"privilege", check_privilege},
	{"perf_event_paranoid", check_paranoid},
	{"PMU", check_pmu},
	{"hardware cycles", check_cycles},
	{"precise sampling", check_precise},
	{"this host", check_above},
	{"KVM", check_kvm},
	{"nested guests", check_nested},
	{"vPMU in guests", check_vpmu},
	{"partitioned vPMU", check_partition},
	{"KVM's debugfs", check_debugfs},
	{"KVM's uevents", check_uevents},
	{"pid namespace", check_namespace},
	{"kernel symbols", check_kallsyms},
	{"kernel debug info", check_vmlinux},
	{"BTF", check_btf},
	{"tracefs", check_tracefs},
	{"lockdown", check_lockdown},
	{"NMI watchdog", check_watchdog},
	{"sample rate limit", check_rate},
	{"call chain limit", check_stack},
	{"locked memory", check_mlock},
	{"open files", check_files},
	{NULL, NULL},
};

void hvp_check_host_init(struct hvp_check_host *host, const struct hvp_host_roots *roots)
{
	char status[8192];
	char *line;

	*host = (struct hvp_check_host){.roots = roots, .is_live = true};
	if (!read_text(roots->proc, "self/status", status, sizeof(status)))
		return;
	line = strstr(status, "\nCapEff:");
	if (line)
		host->capabilities = strtoull(line + strlen("\nCapEff:"), NULL, 16);
}
