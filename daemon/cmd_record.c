/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof record`: the command line becomes a plan (record_session.h), which is run. */
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/cli/commands.h"
#include "common/cli/context.h"
#include "daemon/record_session.h"

/* Enough to see what is hot in seconds, at a fraction of a percent of a CPU. */
#define DEFAULT_FREQUENCY "1000"
#define STATUS_DEGRADED 3
#define MAX_RING_PAGES (1u << 20)

struct record_options {
	struct hvp_strings events;
	const char *frequency;
	uint64_t count;
	const char *call_graph;
	bool all;
	const char *cpus;
	struct hvp_strings pids;
	bool host;
	struct hvp_strings guests;
	const char *vcpus;
	double duration;
	const char *output;
	uint64_t level;
	uint64_t ring_pages;
	bool kallsyms;
	bool all_symbols;
	bool jit;
	int qmp;
	const char *source;
};

#define OFFSET(member) offsetof(struct record_options, member)

/* What a typed option takes back of a configuration file. */
static const char *const no_frequency[] = {"frequency", NULL};
static const char *const no_count[] = {"count", NULL};
static const char *const no_pid[] = {"pid", NULL};
static const char *const no_scope[] = {"all", "cpus", "host", "vcpu", NULL};

static const struct hvp_option options[] = {
	{.type = HVP_OPTION_GROUP, .help = "What to record:"},
	{.type = HVP_OPTION_FLAG,
	 .letter = 'a',
	 .name = "all",
	 .excludes = no_pid,
	 .offset = OFFSET(all),
	 .help = "the whole machine: host, hypervisor and all guests; the default for root, unless "
		 "-p or a command is given"},
	{.type = HVP_OPTION_STRING,
	 .letter = 'C',
	 .name = "cpus",
	 .excludes = no_pid,
	 .offset = OFFSET(cpus),
	 .value = "LIST",
	 .help = "these CPUs of the host: 0-3,7"},
	{.type = HVP_OPTION_LIST,
	 .letter = 'p',
	 .name = "pid",
	 .excludes = no_scope,
	 .offset = OFFSET(pids),
	 .value = "PID",
	 .help = "only this process and what it starts; can be repeated: -p 1,2 is two"},
	{.type = HVP_OPTION_FLAG,
	 .name = "host",
	 .offset = OFFSET(host),
	 .help = "only code of the host, whoever it works for"},
	{.type = HVP_OPTION_LIST,
	 .name = "guest",
	 .offset = OFFSET(guests),
	 .value = "GUEST[=PART:FILE,...]",
	 .help = "only this guest (its name, UUID or VMM's pid) and the host's work for it; with "
		 "kallsyms:, modules:, vmlinux: or root: instead carries these files along for "
		 "the reports. Can be repeated",
	 .completion = "guest"},
	{.type = HVP_OPTION_STRING,
	 .name = "vcpu",
	 .offset = OFFSET(vcpus),
	 .value = "LIST",
	 .help = "only these vCPUs of the guests"},
	{.type = HVP_OPTION_DOUBLE,
	 .name = "duration",
	 .offset = OFFSET(duration),
	 .value = "SECONDS",
	 .help = "end by itself; otherwise with Ctrl-C or the command"},

	{.type = HVP_OPTION_GROUP, .help = "How to sample:"},
	{.type = HVP_OPTION_LIST,
	 .letter = 'e',
	 .name = "event",
	 .offset = OFFSET(events),
	 .value = "EVENT[:MODIFIERS]",
	 .help = "an event by its perf, libpfm4 or OProfile name (see `hvprof list events`); "
		 "modifiers: u user, k kernel, H host, G guest, p precise. Can be repeated",
	 .completion = "event"},
	{.type = HVP_OPTION_STRING,
	 .letter = 'F',
	 .name = "frequency",
	 .excludes = no_count,
	 .offset = OFFSET(frequency),
	 .value = "HZ",
	 .help = "samples per second and CPU, or max"},
	{.type = HVP_OPTION_UINT,
	 .letter = 'c',
	 .name = "count",
	 .min = 1,
	 .excludes = no_frequency,
	 .offset = OFFSET(count),
	 .value = "N",
	 .help = "a sample every N events instead"},
	{.type = HVP_OPTION_OPTIONAL,
	 .letter = 'g',
	 .name = "call-graph",
	 .offset = OFFSET(call_graph),
	 .value = "fp",
	 .help = "call chains by frame pointers: of the host's code, and of guests with the source "
		 "hvpmu"},
	{.type = HVP_OPTION_UINT,
	 .letter = 'm',
	 .name = "ring-pages",
	 .offset = OFFSET(ring_pages),
	 .value = "PAGES",
	 .help = "size of each CPU's ring, a power of two; by default what "
		 "the rate asks for, at least 128"},

	{.type = HVP_OPTION_GROUP, .help = "What to write:"},
	{.type = HVP_OPTION_STRING,
	 .letter = 'o',
	 .name = "output",
	 .offset = OFFSET(output),
	 .value = "FILE",
	 .help = "the session; the previous one becomes FILE.old. - is a pipe",
	 .completion = "file"},
	{.type = HVP_OPTION_UINT,
	 .letter = 'z',
	 .name = "level",
	 .offset = OFFSET(level),
	 .value = "N",
	 .help = "zstd level, 1 (fast) to 19 (small)"},
	{.type = HVP_OPTION_FLAG,
	 .name = "kallsyms",
	 .offset = OFFSET(kallsyms),
	 .help = "names of the host kernel's functions that were seen; --no-kallsyms leaves them "
		 "out"},
	{.type = HVP_OPTION_FLAG,
	 .name = "all-symbols",
	 .offset = OFFSET(all_symbols),
	 .help = "names of all of the host kernel's functions"},
	{.type = HVP_OPTION_FLAG,
	 .name = "jit",
	 .offset = OFFSET(jit),
	 .help = "carry the symbol maps of JIT compilers along (/tmp/perf-PID.map)"},

	{.type = HVP_OPTION_GROUP, .help = "Where from:"},
	{.type = HVP_OPTION_CHOICE,
	 .name = "qmp",
	 .offset = OFFSET(qmp),
	 .choices = hvp_qmp_use_names,
	 .help = "which VMMs to ask for name, UUID and vCPUs on their QMP socket, which serves one "
		 "client at "
		 "a time"},
	{.type = HVP_OPTION_STRING,
	 .name = "source",
	 .offset = OFFSET(source),
	 .value = "NAME",
	 .completion = "hvpmu perf",
	 .help = "the source of samples (see `hvprof list sources`); by default hvpmu where the "
		 "kernel has it and takes the events, and perf otherwise"},
	HVP_END_OF_OPTIONS,
};

static const struct record_options defaults = {
	.frequency = NULL,
	.output = "hvprof.data",
	.kallsyms = true,
};

static const char *const examples[] = {
	"hvprof record -a -- sleep 10",
	"profile everything on this machine for ten seconds",
	"hvprof record -g --guest web --duration 30",
	"one guest, and what the host does for it, with call chains",
	"hvprof record -e instructions:u -c 1000000 -- make",
	"one program, a sample every million instructions in user mode",
	NULL,
};

/* What a plan borrows. */
struct storage {
	struct hvp_event_spec *events;
	size_t num_events;
	uint32_t *pids;
	size_t capacity_pids;
	const char **guests;
	const char **guest_images;
	size_t num_guest_images;
	char **command;
	struct hvp_guest_files *guest_files;
};

static void storage_deinit(struct storage *storage)
{
	for (size_t i = 0; i < storage->num_events; i++)
		hvp_event_spec_deinit(&storage->events[i]);
	free(storage->events);
	free(storage->pids);
	free(storage->guests);
	free(storage->guest_images);
	free(storage->command);
	hvp_guest_files_destroy(storage->guest_files);
}

static void plan_deinit(struct hvp_record_plan *plan)
{
	hvp_cpu_list_deinit(&plan->config.cpus);
	hvp_cpu_list_deinit(&plan->target.vcpus);
}

/* "-e cycles,instructions" is two; the commas between slashes and in libpfm4's terms stay. */
static struct hvp_error *plan_events(const struct record_options *given, struct storage *storage,
				     struct hvp_record_plan *plan)
{
	const char *const *items = given->events.items;
	static const char *const best[] = {"cycles"};
	size_t num = given->events.num;

	if (!num) {
		items = best;
		num = 1;
	}
	for (size_t i = 0; i < num; i++) {
		hvp_scope(hvp_free_ptr) char *copy = strdup(items[i]);
		char *save, *name;
		bool is_pmu = copy && strchr(copy, '/');

		if (!copy)
			return hvp_error_no_memory;
		for (name = is_pmu ? copy : strtok_r(copy, ",", &save); name;
		     name = is_pmu ? NULL : strtok_r(NULL, ",", &save)) {
			struct hvp_event_spec *more =
				realloc(storage->events, (storage->num_events + 1) * sizeof(*more));

			if (!more)
				return hvp_error_no_memory;
			storage->events = more;
			hvp_try(hvp_event_parse(name, plan->config.roots,
						&more[storage->num_events]));
			storage->num_events++;
		}
	}
	plan->config.events = storage->events;
	plan->config.num_events = storage->num_events;
	return NULL;
}

static struct hvp_error *plan_rate(const struct record_options *given, struct hvp_record_plan *plan)
{
	const char *frequency = given->frequency ? given->frequency : DEFAULT_FREQUENCY;

	if (given->count && given->frequency)
		return hvp_error_create(HVP_ERROR_USAGE, "-F and -c exclude each other");
	plan->config.period = given->count;
	if (given->count)
		return NULL;
	if (!strcasecmp(frequency, "max"))
		plan->config.frequency = UINT64_MAX;
	else if (!hvp_parse_u64(frequency, 1000000000, &plan->config.frequency) ||
		 !plan->config.frequency)
		return hvp_error_create(HVP_ERROR_USAGE,
					"-F takes a number of Hz or max, not \"%s\"", frequency);
	return NULL;
}

/* In `perf record --call-graph dwarf` the word is the option's; here it would be a program. */
static struct hvp_error *check_command_is_no_way(const char *command)
{
	static const char *const ways[] = {"fp", "dwarf", "lbr"};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!strcmp(command, ways[i]))
			return hvp_error_create(HVP_ERROR_USAGE,
						"\"%s\" would be run as a program: write "
						"--call-graph=%s (or ./%s)",
						command, command, command);
	}
	return NULL;
}

static struct hvp_error *plan_chains(const struct record_options *given,
				     struct hvp_record_plan *plan)
{
	const char *how = given->call_graph;

	plan->config.wants_chains = how != NULL;
	if (how && !*how && plan->command)
		hvp_try(check_command_is_no_way(plan->command[0]));
	if (!how || !*how || !strcmp(how, "fp"))
		return NULL;
	if (!strcmp(how, "dwarf") || !strcmp(how, "lbr"))
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"-g=%s is not offered: call chains are taken by frame "
					"pointers (-g or -g=fp)",
					how);
	return hvp_error_create(HVP_ERROR_USAGE, "-g takes fp, not \"%s\"", how);
}

/* --guest NAME chooses; --guest NAME=... gives files. */
static struct hvp_error *plan_guests(const struct record_options *given, struct storage *storage,
				     struct hvp_record_plan *plan)
{
	size_t num = given->guests.num;

	storage->guests = calloc(num + 1, sizeof(*storage->guests));
	storage->guest_images = calloc(num + 1, sizeof(*storage->guest_images));
	if (!storage->guests || !storage->guest_images)
		return hvp_error_no_memory;
	for (size_t i = 0; i < num; i++) {
		if (strchr(given->guests.items[i], '='))
			storage->guest_images[storage->num_guest_images++] = given->guests.items[i];
		else
			storage->guests[plan->target.num_guests++] = given->guests.items[i];
	}
	plan->target.host = given->host;
	plan->target.guests = storage->guests;
	if (given->vcpus)
		hvp_try(hvp_cpu_list_parse(given->vcpus, &plan->target.vcpus));
	if (!storage->num_guest_images)
		return NULL;
	hvp_try(hvp_guest_files_create(storage->guest_images, storage->num_guest_images,
				       &storage->guest_files));
	plan->guest_files = storage->guest_files;
	return NULL;
}

/* "-p 1,2" is two, as with perf. */
static struct hvp_error *plan_pids(const struct record_options *given, struct storage *storage,
				   struct hvp_record_plan *plan)
{
	uint64_t pid;

	for (size_t i = 0; i < given->pids.num; i++) {
		hvp_scope(hvp_free_ptr) char *copy = strdup(given->pids.items[i]);
		char *rest = copy, *item;

		if (!copy)
			return hvp_error_no_memory;
		while ((item = strsep(&rest, ","))) {
			if (!hvp_parse_u64(item, INT32_MAX, &pid) || !pid)
				return hvp_error_create(HVP_ERROR_USAGE,
							"-p takes process ids, not \"%s\"",
							given->pids.items[i]);
			hvp_try(hvp_array_reserve(&storage->pids, &storage->capacity_pids,
						  plan->config.num_pids + 1,
						  sizeof(*storage->pids)));
			storage->pids[plan->config.num_pids++] = (uint32_t)pid;
		}
	}
	plan->config.pids = storage->pids;
	return NULL;
}

static struct hvp_error *plan_scope(const struct record_options *given, struct storage *storage,
				    struct hvp_record_plan *plan)
{
	bool names_scope = given->all || given->cpus || !hvp_target_is_all(&plan->target);

	hvp_try(plan_pids(given, storage, plan));
	if (plan->config.num_pids && names_scope)
		return hvp_error_create(HVP_ERROR_USAGE,
					"-p does not go with -a, -C, --host, --guest or --vcpu");
	if (plan->config.num_pids && plan->command)
		return hvp_error_create(HVP_ERROR_USAGE,
					"-p and a command exclude each other; -p ends with the "
					"process, or after --duration=SECONDS");
	plan->config.is_system_wide =
		names_scope || (!plan->config.num_pids && !plan->command && geteuid() == 0);
	if (!plan->config.is_system_wide && !plan->config.num_pids && !plan->command)
		return hvp_error_create(
			HVP_ERROR_USAGE,
			"what should be recorded? -a (the whole machine, which only "
			"root may by default), -p PID, or -- COMMAND");
	if (given->cpus)
		hvp_try(hvp_cpu_list_parse(given->cpus, &plan->config.cpus));
	plan->target_text = plan->config.is_system_wide
				    ? (given->cpus ? "some CPUs" : "whole machine")
				    : (plan->command ? "one command" : "some processes");
	return NULL;
}

static struct hvp_error *plan_ring(const struct record_options *given, struct hvp_record_plan *plan)
{
	if (given->ring_pages > MAX_RING_PAGES || (given->ring_pages & (given->ring_pages - 1)))
		return hvp_error_create(HVP_ERROR_USAGE,
					"-m takes a power of two up to %u, not %" PRIu64,
					MAX_RING_PAGES, given->ring_pages);
	plan->config.ring_pages = (uint32_t)given->ring_pages;
	if (given->level > 19)
		return hvp_error_create(HVP_ERROR_USAGE, "-z takes 1 to 19, not %" PRIu64,
					given->level);
	plan->level = (int)given->level;
	if (given->duration < 0 || given->duration > 1e9)
		return hvp_error_create(HVP_ERROR_USAGE, "--duration takes a number of seconds");
	plan->duration_ns = (uint64_t)(given->duration * 1e9);
	return NULL;
}

/* Behind "--", or what is left without it: as in perf's `record COMMAND`. */
static struct hvp_error *plan_command(int argc, char **argv, struct storage *storage,
				      struct hvp_record_plan *plan)
{
	if (!argc)
		return NULL;
	storage->command = calloc((size_t)argc + 1, sizeof(*storage->command));
	if (!storage->command)
		return hvp_error_no_memory;
	memcpy(storage->command, argv, (size_t)argc * sizeof(*argv));
	plan->command = storage->command;
	return NULL;
}

static struct hvp_error *run(struct hvp_context *context, const void *config, int argc, char **argv,
			     int *ret_status)
{
	const struct record_options *given = config;
	hvp_scope(storage_deinit) struct storage storage = {0};
	hvp_scope(plan_deinit) struct hvp_record_plan plan = {
		.config = {.roots = &hvp_host_roots_default},
		.output = given->output,
		.wants_jit_maps = given->jit,
		.qmp = (enum hvp_qmp_use)given->qmp,
	};
	struct hvp_record_result result = {0};

	if (given->source)
		hvp_try(hvp_source_find(given->source, &plan.source));
	hvp_try(plan_command(argc, argv, &storage, &plan));
	hvp_try(plan_events(given, &storage, &plan));
	hvp_try(plan_rate(given, &plan));
	hvp_try(plan_chains(given, &plan));
	hvp_try(plan_guests(given, &storage, &plan));
	hvp_try(plan_scope(given, &storage, &plan));
	hvp_try(plan_ring(given, &plan));
	if (!plan.source)
		hvp_try(hvp_source_choose(&plan.config, &context->log, &plan.source));
	plan.symbols = !given->kallsyms	    ? HVP_COLLECTOR_SYMBOLS_NONE
		       : given->all_symbols ? HVP_COLLECTOR_SYMBOLS_ALL
					    : HVP_COLLECTOR_SYMBOLS_SEEN;
	hvp_try(hvp_record_run(context, &plan, &result));
	*ret_status = result.exit_status;
	if (!*ret_status && context->is_strict && result.is_degraded)
		*ret_status = STATUS_DEGRADED;
	return NULL;
}

const struct hvp_command hvp_cmd_record = {
	.name = "record",
	.summary = "profile this machine, its guests included, into a session file",
	.synopsis = "[OPTION...] [-- COMMAND [ARGUMENT...]]",
	.options = options,
	.examples = examples,
	.config_size = sizeof(struct record_options),
	.defaults = &defaults,
	.run = run,
};
