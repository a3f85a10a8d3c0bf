/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof stat`: what KVM counts of each VM and vCPU, over the time of a command or until Ctrl-C. */
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/scope.h"
#include "common/cli/commands.h"
#include "common/cli/context.h"
#include "daemon/child.h"
#include "daemon/hvpmu/partition.h"
#include "daemon/stat.h"
#include "daemon/stat_output.h"

/* So much of a VM that ends is not seen at most. */
#define READ_INTERVAL_NS UINT64_C(250000000)
#define MIN_INTERVAL 0.1
#define MAX_SECONDS 1e9

struct stat_options {
	struct hvp_strings pids;
	struct hvp_strings domains;
	double interval;
	double duration;
	int format;
	int qmp;
};

#define OFFSET(member) offsetof(struct stat_options, member)

static const struct hvp_option options[] = {
	{.type = HVP_OPTION_GROUP, .help = "What to count:"},
	{.type = HVP_OPTION_LIST,
	 .letter = 'p',
	 .name = "pid",
	 .offset = OFFSET(pids),
	 .value = "PID",
	 .help = "only the virtual machines of this VMM; can be repeated"},
	{.type = HVP_OPTION_LIST,
	 .name = "domain",
	 .offset = OFFSET(domains),
	 .value = "NAME",
	 .help = "only this virtual machine, by its name or UUID; can be repeated",
	 .completion = "guest"},
	{.type = HVP_OPTION_GROUP, .help = "How long:"},
	{.type = HVP_OPTION_DOUBLE,
	 .name = "interval",
	 .offset = OFFSET(interval),
	 .value = "SECONDS",
	 .help = "print what was counted every so often, 0.1 or more, and not only at the end"},
	{.type = HVP_OPTION_DOUBLE,
	 .name = "duration",
	 .offset = OFFSET(duration),
	 .value = "SECONDS",
	 .help = "end by itself; otherwise with Ctrl-C or the command"},
	{.type = HVP_OPTION_GROUP, .help = "Output:"},
	{.type = HVP_OPTION_CHOICE,
	 .name = "format",
	 .offset = OFFSET(format),
	 .choices = hvp_stat_format_names,
	 .help = "how to print"},
	{.type = HVP_OPTION_CHOICE,
	 .name = "qmp",
	 .offset = OFFSET(qmp),
	 .choices = hvp_qmp_use_names,
	 .help = "which VMMs to ask for their names on their QMP socket, which serves one client "
		 "at a time"},
	HVP_END_OF_OPTIONS,
};

static const char *const examples[] = {
	"hvprof stat -- sleep 10",
	"cycles and instructions of all VMs, in the guest and in the hypervisor, in ten seconds",
	"hvprof stat --domain web --interval 1",
	"one VM, second by second, until Ctrl-C",
	"hvprof stat --format=csv --interval 5 --duration 300 >web.csv",
	"for a spreadsheet",
	NULL,
};

/* One run of the command. */
struct counting {
	struct hvp_context *context;
	const struct stat_options *given;
	const struct hvp_host_roots *roots;
	struct hvp_target target;
	const char **guests;
	struct hvp_stat stat;
	struct hvp_stat_output output;
	struct hvp_child child;
	bool has_command;
	uint64_t start, span_start;
	/* What is lacking was said. */
	bool has_checked, has_checked_instructions;
};

static void counting_deinit(struct counting *counting)
{
	hvp_stat_deinit(&counting->stat);
	hvp_child_deinit(&counting->child);
	free(counting->guests);
}

static struct hvp_error *check_options(const struct stat_options *given)
{
	if (given->interval && (given->interval < MIN_INTERVAL || given->interval > MAX_SECONDS))
		return hvp_error_create(HVP_ERROR_USAGE,
					"--interval takes a number of seconds, 0.1 or more");
	if (given->duration < 0 || given->duration > MAX_SECONDS)
		return hvp_error_create(HVP_ERROR_USAGE, "--duration takes a number of seconds");
	for (size_t i = 0; i < given->pids.num; i++) {
		uint64_t pid;

		if (!hvp_parse_u64(given->pids.items[i], INT32_MAX, &pid) || !pid)
			return hvp_error_create(HVP_ERROR_USAGE,
						"-p takes a process id, not \"%s\"",
						given->pids.items[i]);
	}
	return NULL;
}

/* A VM is known by its VMM's pid as well as by its name. */
static struct hvp_error *choose_vms(struct counting *counting)
{
	const struct stat_options *given = counting->given;
	size_t num = given->pids.num + given->domains.num;

	counting->guests = calloc(num + 1, sizeof(*counting->guests));
	if (!counting->guests)
		return hvp_error_no_memory;
	for (size_t i = 0; i < num; i++)
		counting->guests[i] = i < given->pids.num
					      ? given->pids.items[i]
					      : given->domains.items[i - given->pids.num];
	counting->target = (struct hvp_target){.guests = counting->guests, .num_guests = num};
	return NULL;
}

#define COMMAND "modprobe kvm hvpmu=4 hvpmu_account=1"

/* Why cycles and instructions are not there, and what mends that. */
static const char *why_no_cycles(const struct counting *counting)
{
	struct hvp_partition partition;

	hvp_partition_read(counting->roots, &hvp_hvpmu_kernel, &partition);
	switch (partition.state) {
	case HVP_PARTITION_NONE:
		return "that needs a kernel with CONFIG_KVM_HVPMU, and its module kvm loaded with "
		       "counters for guests (" COMMAND ")";
	case HVP_PARTITION_OFF:
		return "kvm.hvpmu is 0: guests have no counters of their own (end all VMs, "
		       "then " COMMAND ")";
	default:
		return "kvm.hvpmu_account is off, or the host did not give its counters (end all "
		       "VMs, then " COMMAND ")";
	}
}

/* Once, when there is a VM to judge by: before it runs, nothing is counted anyway. */
static struct hvp_error *check_counters(struct counting *counting)
{
	if (counting->has_checked || !hvp_stat_has_run(&counting->stat))
		return NULL;
	counting->has_checked = true;
	if (hvp_stat_knows(&counting->stat, HVP_KVM_CYCLES))
		return NULL;
	if (!hvp_stat_knows(&counting->stat, UINT32_MAX))
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"KVM on this host tells nothing of its virtual machines in "
					"%s/kvm, not even their exits; for cycles and "
					"instructions: %s",
					counting->roots->debugfs, why_no_cycles(counting));
	hvp_log(&counting->context->log, HVP_LOG_WARNING, HVP_LOG_DOMAINS,
		"cycles and instructions of the guests are not counted here: %s",
		why_no_cycles(counting));
	counting->context->is_degraded = true;
	return NULL;
}

static struct hvp_error *check_vms(const struct counting *counting)
{
	if (counting->has_command || hvp_stat_num_wanted(&counting->stat))
		return NULL;
	if (!counting->stat.num)
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "no virtual machine runs here");
	return hvp_error_create(HVP_ERROR_NOT_FOUND,
				"no virtual machine \"%s\" runs here: hvprof list shows those that "
				"do",
				counting->guests[0]);
}

static bool is_over(struct counting *counting, uint64_t now)
{
	const double duration = counting->given->duration;

	if (*counting->context->interrupted)
		return true;
	if (counting->has_command)
		return hvp_child_check(&counting->child);
	return duration > 0 && now - counting->start >= (uint64_t)(duration * 1e9);
}

/* Until the program ends, a VM comes or goes, or it is time to read. */
static void wait_for_something(const struct counting *counting, uint64_t now)
{
	struct pollfd polls[] = {
		{.fd = counting->has_command ? counting->child.pidfd : -1, .events = POLLIN},
		{.fd = hvp_discovery_poll_fd(counting->stat.discovery), .events = POLLIN},
	};
	const struct stat_options *given = counting->given;
	uint64_t until = now + READ_INTERVAL_NS;

	if (given->interval > 0 && counting->span_start + (uint64_t)(given->interval * 1e9) < until)
		until = counting->span_start + (uint64_t)(given->interval * 1e9);
	if (given->duration > 0 && counting->start + (uint64_t)(given->duration * 1e9) < until)
		until = counting->start + (uint64_t)(given->duration * 1e9);
	/* A signal ends the wait, and the loop sees its mark. */
	poll(polls, 2, until > now ? (int)((until - now + 999999) / 1000000) : 0);
}

/* kvm takes two of the host's counters, and does without where one is taken. */
static void check_instructions(struct counting *counting)
{
	if (counting->has_checked_instructions || !hvp_stat_lacks_instructions(&counting->stat))
		return;
	counting->has_checked_instructions = true;
	hvp_log(&counting->context->log, HVP_LOG_WARNING, HVP_LOG_DOMAINS,
		"cycles passed in a guest and no instructions were counted: the host has no "
		"counter "
		"left for them. The NMI watchdog has one: sysctl -w kernel.nmi_watchdog=0; or "
		"fewer "
		"counters for guests (kvm.hvpmu); then start the VMs anew");
	counting->context->is_degraded = true;
}

static struct hvp_error *print_span(struct counting *counting, uint64_t now)
{
	check_instructions(counting);
	hvp_try(hvp_stat_output_span(&counting->output, &counting->stat,
				     counting->span_start - counting->start,
				     now - counting->span_start));
	hvp_stat_begin_span(&counting->stat);
	counting->span_start = now;
	return NULL;
}

static struct hvp_error *count_until_over(struct counting *counting)
{
	const uint64_t interval = (uint64_t)(counting->given->interval * 1e9);
	uint64_t now = hvp_clock_now();

	while (!is_over(counting, now)) {
		wait_for_something(counting, now);
		hvp_try(hvp_stat_read(&counting->stat));
		now = hvp_clock_now();
		hvp_try(check_counters(counting));
		/* The last one is printed below. */
		if (interval && now - counting->span_start >= interval && !is_over(counting, now))
			hvp_try(print_span(counting, now));
	}
	/* The program may have ended after the last look. */
	hvp_try(hvp_stat_read(&counting->stat));
	hvp_try(check_counters(counting));
	return print_span(counting, hvp_clock_now());
}

static struct hvp_error *run_counting(struct counting *counting, char *const *command)
{
	struct hvp_error *err;

	if (command)
		hvp_try(hvp_child_prepare(&counting->child, command));
	hvp_try(choose_vms(counting));
	hvp_try(hvp_stat_init(&counting->stat, counting->roots, &counting->target,
			      (enum hvp_qmp_use)counting->given->qmp));
	hvp_try(hvp_stat_read(&counting->stat));
	hvp_try(check_vms(counting));
	hvp_try(check_counters(counting));
	counting->start = counting->span_start = hvp_clock_now();
	if (command)
		hvp_try(hvp_child_go(&counting->child, command[0]));
	hvp_stat_output_begin(&counting->output, counting->context->out,
			      (enum hvp_stat_format)counting->given->format,
			      counting->context->has_color);
	err = count_until_over(counting);
	hvp_stat_output_end(&counting->output);
	return err;
}

static struct hvp_error *run(struct hvp_context *context, const void *config, int argc, char **argv,
			     int *ret_status)
{
	hvp_scope(counting_deinit) struct counting counting = {
		.context = context,
		.given = config,
		.roots = &hvp_host_roots_default,
		.child = {.pidfd = -1, .go_fd = -1},
		.has_command = argc > 0,
	};
	hvp_scope(hvp_free_ptr) char **command = NULL;

	hvp_try(check_options(counting.given));
	if (argc) {
		command = calloc((size_t)argc + 1, sizeof(*command));
		if (!command)
			return hvp_error_no_memory;
		memcpy(command, argv, (size_t)argc * sizeof(*argv));
	}
	hvp_try(run_counting(&counting, command));
	*ret_status = counting.child.exit_status;
	return NULL;
}

const struct hvp_command hvp_cmd_stat = {
	.name = "stat",
	.summary = "count cycles, instructions and exits of each VM and vCPU",
	.synopsis = "[OPTION...] [-- COMMAND [ARGUMENT...]]",
	.options = options,
	.examples = examples,
	.config_size = sizeof(struct stat_options),
	.run = run,
};
