/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perf/perf_event.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "common/base/scope.h"

int hvp_perf_event_open(struct perf_event_attr *attr, int pid, int cpu)
{
	return (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static void init_dummy(struct perf_event_attr *attr)
{
	*attr = (struct perf_event_attr){
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_DUMMY,
		.size = sizeof(*attr),
		.disabled = 1,
		/* Needed where perf_event_paranoid forbids the kernel; a dummy counts neither. */
		.exclude_kernel = 1,
	};
}

static bool is_accepted(struct perf_event_attr *attr)
{
	hvp_scope(hvp_close_fd) int fd = hvp_perf_event_open(attr, 0, -1);

	/* Refused for want of a privilege is not unknown. */
	return fd >= 0 || errno == EACCES || errno == EPERM;
}

bool hvp_perf_has_stale_guest_mode(const char *release)
{
	unsigned int major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	return (major == 5 && minor >= 17) || (major == 6 && minor < 7);
}

void hvp_perf_features_probe(struct hvp_perf_features *ret)
{
	struct perf_event_attr attr;
	struct utsname kernel;

	init_dummy(&attr);
	attr.mmap = attr.mmap2 = attr.build_id = 1;
	ret->has_build_id = is_accepted(&attr);
	init_dummy(&attr);
	attr.ksymbol = 1;
	ret->has_ksymbol = is_accepted(&attr);
	init_dummy(&attr);
	attr.namespaces = 1;
	ret->has_namespaces = is_accepted(&attr);
	init_dummy(&attr);
	attr.read_format = PERF_FORMAT_LOST;
	ret->has_read_lost = is_accepted(&attr);
	ret->has_stale_guest_mode =
		!uname(&kernel) && hvp_perf_has_stale_guest_mode(kernel.release);
}

uint64_t hvp_perf_sample_type(const struct hvp_perf_attr_options *options)
{
	uint64_t type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU |
			PERF_SAMPLE_PERIOD;

	/* Registers and stack would be the host's, also in a guest's sample: never asked for. */
	if (options->wants_chains)
		type |= PERF_SAMPLE_CALLCHAIN;
	if (options->has_identifier)
		type |= PERF_SAMPLE_IDENTIFIER;
	return type;
}

static void init_common(const struct hvp_perf_attr_options *options, struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	attr->sample_type = hvp_perf_sample_type(options);
	/* struct hvp_perf_count */
	attr->read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	if (options->features->has_read_lost)
		attr->read_format |= PERF_FORMAT_LOST;
	attr->disabled = 1;
	attr->sample_id_all = 1;
	attr->inherit = options->inherits;
	attr->enable_on_exec = options->starts_on_exec;
	attr->use_clockid = 1;
	/*
	 * Safe in NMI context, unlike CLOCK_REALTIME and _TAI (perf_event_set_clock() in
	 * events/core.c).
	 */
	attr->clockid = CLOCK_MONOTONIC;
	attr->watermark = 1;
	attr->wakeup_watermark = options->watermark;
	attr->exclude_kernel = options->user_only;
	attr->exclude_hv = options->user_only;
}

/*
 * Leaves out at the source what the collector would drop anyway; a clock's samples it can only
 * drop.
 */
static void init_scope(const struct hvp_event_spec *spec, struct perf_event_attr *attr)
{
	const uint32_t user = HVP_MODE_BIT(HVP_MODE_HOST_USER) | HVP_MODE_BIT(HVP_MODE_GUEST_USER);
	const uint32_t kernel =
		HVP_MODE_BIT(HVP_MODE_HOST_KERNEL) | HVP_MODE_BIT(HVP_MODE_GUEST_KERNEL);
	const uint32_t host = HVP_MODE_BIT(HVP_MODE_HOST_KERNEL) | HVP_MODE_BIT(HVP_MODE_HOST_USER);
	const uint32_t guest =
		HVP_MODE_BIT(HVP_MODE_GUEST_KERNEL) | HVP_MODE_BIT(HVP_MODE_GUEST_USER);

	/*
	 * A software event looks at the interrupted registers, which are the host kernel's while a
	 * guest runs: exclude_kernel would drop all of the guest (perf_exclude_event() in
	 * events/core.c).
	 */
	if (spec->type == PERF_TYPE_SOFTWARE || spec->type == PERF_TYPE_TRACEPOINT)
		return;
	attr->exclude_user |= !(spec->modes & user);
	attr->exclude_kernel |= !(spec->modes & kernel);
	attr->exclude_host = !(spec->modes & host);
	attr->exclude_guest = !(spec->modes & guest);
}

uint64_t hvp_perf_least_period(const struct hvp_event_spec *spec)
{
	bool is_timer =
		spec->type == PERF_TYPE_SOFTWARE && (spec->config == PERF_COUNT_SW_CPU_CLOCK ||
						     spec->config == PERF_COUNT_SW_TASK_CLOCK);

	return is_timer ? 10000 : 1;
}

void hvp_perf_attr_init(const struct hvp_event_spec *spec,
			const struct hvp_perf_attr_options *options, struct perf_event_attr *ret)
{
	uint64_t frequency = spec->frequency, period = spec->period;

	if (!frequency && !period) {
		frequency = options->frequency;
		period = options->period;
	}
	if (period && period < hvp_perf_least_period(spec))
		period = hvp_perf_least_period(spec);
	*ret = (struct perf_event_attr){
		.type = spec->type,
		.config = spec->config,
		.config1 = spec->config1,
		.config2 = spec->config2,
		.precise_ip = spec->precise & 3,
	};
	init_common(options, ret);
	init_scope(spec, ret);
	ret->freq = !period;
	if (period)
		ret->sample_period = period;
	else
		ret->sample_freq = frequency;
}

void hvp_perf_attr_init_tracking(const struct hvp_perf_attr_options *options,
				 struct perf_event_attr *ret)
{
	init_dummy(ret);
	init_common(options, ret);
	ret->exclude_kernel = 1;
	/* Mappings and names count from the start, not only from the exec on. */
	ret->enable_on_exec = 0;
	ret->sample_period = 1;
	ret->mmap = 1;
	ret->mmap2 = 1;
	ret->comm = 1;
	ret->comm_exec = 1;
	ret->task = 1;
	ret->build_id = options->features->has_build_id;
	ret->ksymbol = options->features->has_ksymbol && !options->inherits;
	ret->namespaces = options->features->has_namespaces;
}

static struct hvp_error *permission_error(int os_errno, const char *event, bool is_system_wide,
					  const struct hvp_host_roots *roots)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	char exe[4096] = "hvprof", value[32] = "unknown";
	int64_t paranoid;
	ssize_t n;

	if (asprintf(&path, "%s/sys/kernel/perf_event_paranoid", roots->proc) < 0)
		return hvp_error_no_memory;
	if (hvp_file_read_i64(path, &paranoid))
		snprintf(value, sizeof(value), "%" PRId64, paranoid);
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n > 0)
		exe[n] = 0;
	return hvp_error_create(
		HVP_ERROR_PERMISSION,
		"event %s: not permitted (errno %d): this needs CAP_PERFMON, or "
		"kernel.perf_event_paranoid <= %d, which is %s now. "
		"Run as root, or: setcap cap_perfmon,cap_sys_ptrace,cap_dac_read_search+ep %s, "
		"or: sysctl -w kernel.perf_event_paranoid=%d",
		event, os_errno, is_system_wide ? 0 : 1, value, exe, is_system_wide ? 0 : 1);
}

struct hvp_error *hvp_perf_open_error(int os_errno, const char *event, bool is_system_wide,
				      const struct hvp_host_roots *roots)
{
	switch (os_errno) {
	case EACCES:
	case EPERM: return permission_error(os_errno, event, is_system_wide, roots);
	case ENOENT:
	case ENODEV:
	case EOPNOTSUPP:
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"event %s: this machine cannot sample it (%s); "
					"`hvprof list events` shows what it can, and -e cpu-clock "
					"works without a PMU",
					event,
					os_errno == EOPNOTSUPP ? "no overflow interrupt for it"
							       : "no such hardware event");
	case EMFILE:
		return hvp_error_create(HVP_ERROR_PERMISSION,
					"event %s: the limit of open files is reached, one is "
					"needed per event and CPU: ulimit -n 65536",
					event);
	case EBUSY:
		return hvp_error_create(HVP_ERROR_OS,
					"event %s: another profiler has the PMU to itself, or a "
					"guest owns it (KVM's mediated vPMU: load kvm with "
					"enable_mediated_pmu=0)",
					event);
	case EINVAL:
		return hvp_error_create(
			HVP_ERROR_UNSUPPORTED,
			"event %s: the kernel refuses these settings (precise level, period or "
			"frequency, H/G modifiers): try it without. While guests have their part "
			"of the counters (hvprof check), none that is left may count it",
			event);
	default: return hvp_error_from_errno(os_errno, "event %s: perf_event_open", event);
	}
}

int hvp_perf_event_probe(const struct hvp_event_spec *spec)
{
	const struct hvp_perf_features features = {0};
	const struct hvp_perf_attr_options options = {.features = &features, .frequency = 1000};
	struct perf_event_attr attr;
	int status;

	hvp_perf_attr_init(spec, &options, &attr);
	{
		hvp_scope(hvp_close_fd) int fd = hvp_perf_event_open(&attr, -1, 0);

		if (fd >= 0)
			return 0;
		status = errno;
	}
	if (status == EACCES || status == EPERM) {
		attr.exclude_kernel = attr.exclude_hv = 1;
		hvp_scope(hvp_close_fd) int fd = hvp_perf_event_open(&attr, 0, -1);

		if (fd < 0 && errno != EACCES && errno != EPERM)
			return errno;
	}
	return status;
}
