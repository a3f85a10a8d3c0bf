/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `hvprof list`: the VMs and vCPUs that run here, the events and sources that can be used, and why
 * the others cannot.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/scope.h"
#include "common/cli/commands.h"
#include "common/cli/context.h"
#include "common/cli/json_out.h"
#include "common/cli/text.h"
#include "daemon/hvpmu/partition.h"
#include "daemon/inventory.h"
#include "daemon/perf/perf_event.h"
#include "daemon/source.h"
#include "daemon/table.h"

enum format {
	FORMAT_TEXT,
	FORMAT_JSON,
};

static const char *const formats[] = {"text", "json", NULL};

struct list_options {
	int format;
	bool threads;
	int qmp;
};

static const struct hvp_option options[] = {
	{.type = HVP_OPTION_CHOICE,
	 .name = "format",
	 .offset = offsetof(struct list_options, format),
	 .choices = formats,
	 .help = "as tables or as JSON"},
	{.type = HVP_OPTION_FLAG,
	 .name = "threads",
	 .offset = offsetof(struct list_options, threads),
	 .help = "with the vCPUs all other threads of the VMMs"},
	{.type = HVP_OPTION_CHOICE,
	 .name = "qmp",
	 .offset = offsetof(struct list_options, qmp),
	 .choices = hvp_qmp_use_names,
	 .help = "which VMMs to ask for name, UUID and vCPUs on their QMP socket, which serves one "
		 "client at "
		 "a time"},
	HVP_END_OF_OPTIONS,
};

static const char *const examples[] = {
	"hvprof list",
	"the VMs of this host, their vCPUs, and the sources there are",
	"hvprof list events",
	"what can be sampled here, and why the rest cannot",
	"hvprof list vcpus --format=json",
	"for a script",
	NULL,
};

/* What the sections share. */
struct listing {
	const struct hvp_context *context;
	const struct list_options *given;
	struct hvp_inventory inventory;
	struct hvp_json *json;
};

static void listing_deinit(struct listing *listing)
{
	hvp_inventory_deinit(&listing->inventory);
}

static struct hvp_error *print_table(const struct listing *listing, const struct hvp_table *table)
{
	hvp_table_print(table, listing->context->out, listing->context->has_color);
	return NULL;
}

static struct hvp_error *list_domains(const struct listing *listing)
{
	static const char *const heading[] = {"DOMAIN", "VMM",	     "PID", "STATE",
					      "VCPUS",	"NAME FROM", "UUID"};
	hvp_scope(hvp_table_deinit) struct hvp_table table = {0};
	char pid[16], vcpus[16];

	hvp_try(hvp_table_init(&table, heading, 7));
	for (size_t i = 0; i < listing->inventory.num; i++) {
		const struct hvp_inventory_vm *vm = &listing->inventory.vms[i];
		const char *cells[] = {
			vm->name, *vm->vmm ? vm->vmm : "?", pid, vm->state, vcpus, vm->from,
			vm->uuid};

		snprintf(pid, sizeof(pid), "%u", vm->pid);
		snprintf(vcpus, sizeof(vcpus), "%zu", vm->num_vcpus);
		hvp_try(hvp_table_add(&table, cells));
	}
	if (!listing->inventory.num) {
		fputs("no virtual machine runs here\n", listing->context->out);
		return NULL;
	}
	return print_table(listing, &table);
}

static const char *state_name(char state)
{
	switch (state) {
	case 'R': return "running";
	case 'S': return "sleeping";
	case 'D': return "waiting";
	case 'T':
	case 't': return "stopped";
	case 'Z':
	case 'X': return "ended";
	default: return "?";
	}
}

static struct hvp_error *add_threads(const struct listing *listing,
				     const struct hvp_inventory_vm *vm, struct hvp_table *table)
{
	for (size_t i = 0; i < vm->num_threads; i++) {
		const struct hvp_inventory_thread *thread = &vm->threads[i];
		char vcpu[16] = "-", tid[16], cpu[16] = "?";
		const char *cells[] = {vm->name,     vcpu, tid,
				       thread->name, cpu,  state_name(thread->state)};

		if (thread->vcpu == HVP_VCPU_NONE && !listing->given->threads)
			continue;
		if (thread->vcpu != HVP_VCPU_NONE)
			snprintf(vcpu, sizeof(vcpu), "%u", thread->vcpu);
		snprintf(tid, sizeof(tid), "%u", thread->tid);
		if (thread->cpu != UINT32_MAX)
			snprintf(cpu, sizeof(cpu), "%u", thread->cpu);
		hvp_try(hvp_table_add(table, cells));
	}
	return NULL;
}

static struct hvp_error *list_vcpus(const struct listing *listing)
{
	static const char *const heading[] = {"DOMAIN", "VCPU", "THREAD", "NAME", "CPU", "STATE"};
	hvp_scope(hvp_table_deinit) struct hvp_table table = {0};

	hvp_try(hvp_table_init(&table, heading, 6));
	for (size_t i = 0; i < listing->inventory.num; i++)
		hvp_try(add_threads(listing, &listing->inventory.vms[i], &table));
	if (hvp_table_num_rows(&table))
		return print_table(listing, &table);
	if (listing->inventory.num)
		fputs("no vCPU is known: their threads are told by KVM's debugfs, or by their "
		      "names (QEMU: -name ...,debug-threads=on)\n",
		      listing->context->out);
	return NULL;
}

/* Why an event cannot be sampled. */
static const char *why_not(int status)
{
	switch (status) {
	case 0: return "";
	case ENOENT:
	case ENODEV:
	case EOPNOTSUPP: return "this machine's PMU does not have it, or there is no PMU";
	case EACCES:
	case EPERM: return "not permitted: hvprof check";
	case EBUSY: return "someone else has the PMU to himself";
	default: return strerror(status);
	}
}

static int probe_event(const struct hvp_event_name *name)
{
	const struct hvp_event_spec spec = {.type = name->type, .config = name->config};

	return hvp_perf_event_probe(&spec);
}

static struct hvp_error *list_events(const struct listing *listing)
{
	static const char *const heading[] = {"EVENT", "CAN BE SAMPLED", "WHAT IT IS", ""};
	hvp_scope(hvp_table_deinit) struct hvp_table table = {0};
	const struct hvp_event_name *names;
	size_t num;

	names = hvp_event_names(&num);
	hvp_try(hvp_table_init(&table, heading, 4));
	for (size_t i = 0; i < num; i++) {
		int status = probe_event(&names[i]);
		const char *cells[] = {names[i].name, status ? "no" : "yes", names[i].summary,
				       why_not(status)};

		hvp_try(hvp_table_add(&table, cells));
	}
	hvp_try(print_table(listing, &table));
	fputs("\nAlso: L1-dcache-load-misses, LLC-loads, dTLB-load-misses and their like; rNNNN; "
	      "PMU/term=value,.../;\nSUBSYSTEM:TRACEPOINT; every event of libpfm4; OProfile's "
	      "NAME:COUNT:UNITMASK:KERNEL:USER.\n",
	      listing->context->out);
	return NULL;
}

static struct hvp_error *list_sources(const struct listing *listing)
{
	static const char *const heading[] = {"SOURCE", "USABLE", "WHAT IT IS"};
	hvp_scope(hvp_table_deinit) struct hvp_table table = {0};

	hvp_try(hvp_table_init(&table, heading, 3));
	for (size_t i = 0; hvp_sources[i]; i++) {
		struct hvp_error *why = hvp_sources[i]->probe(&hvp_host_roots_default);
		const char *cells[] = {hvp_sources[i]->name, why ? "no" : "yes",
				       why ? hvp_error_message(why) : hvp_sources[i]->summary};
		struct hvp_error *err = hvp_table_add(&table, cells);

		hvp_error_destroy(why);
		hvp_try(err);
	}
	return print_table(listing, &table);
}

static struct hvp_error *list_counters(const struct listing *listing)
{
	struct hvp_partition partition;
	char text[HVP_PARTITION_TEXT];

	hvp_partition_read(&hvp_host_roots_default, &hvp_hvpmu_kernel, &partition);
	fprintf(listing->context->out, "Counters of guests (partitioned vPMU): %s\n",
		hvp_partition_text(&partition, text));
	if (partition.state == HVP_PARTITION_OFF)
		fprintf(listing->context->out, "When no VM runs: %s\n", HVP_PARTITION_COMMAND);
	if (partition.state == HVP_PARTITION_ACTIVE)
		fprintf(listing->context->out, "%s\n", HVP_PARTITION_ADVICE);
	return NULL;
}

static void json_thread(struct hvp_json *json, const struct hvp_inventory_thread *thread)
{
	char state[2] = {thread->state, 0};

	hvp_json_begin_object(json, NULL);
	if (thread->vcpu != HVP_VCPU_NONE)
		hvp_json_uint(json, "vcpu", thread->vcpu);
	hvp_json_uint(json, "tid", thread->tid);
	hvp_json_string(json, "name", thread->name);
	if (thread->cpu != UINT32_MAX)
		hvp_json_uint(json, "cpu", thread->cpu);
	hvp_json_string(json, "state", state);
	hvp_json_end_object(json);
}

static void json_vm(const struct listing *listing, const struct hvp_inventory_vm *vm)
{
	struct hvp_json *json = listing->json;

	hvp_json_begin_object(json, NULL);
	hvp_json_string(json, "name", vm->name);
	hvp_json_string(json, "uuid", vm->uuid);
	hvp_json_string(json, "vmm", vm->vmm);
	hvp_json_string(json, "identity_from", vm->from);
	hvp_json_uint(json, "pid", vm->pid);
	hvp_json_string(json, "state", vm->state);
	hvp_json_begin_array(json, "vcpus");
	for (size_t i = 0; i < vm->num_vcpus; i++)
		json_thread(json, &vm->threads[i]);
	hvp_json_end_array(json);
	hvp_json_begin_array(json, "threads");
	for (size_t i = vm->num_vcpus; i < vm->num_threads; i++)
		json_thread(json, &vm->threads[i]);
	hvp_json_end_array(json);
	hvp_json_end_object(json);
}

static struct hvp_error *json_domains(const struct listing *listing)
{
	hvp_json_begin_array(listing->json, "domains");
	for (size_t i = 0; i < listing->inventory.num; i++)
		json_vm(listing, &listing->inventory.vms[i]);
	hvp_json_end_array(listing->json);
	if (listing->inventory.limit[0])
		hvp_json_string(listing->json, "limit", listing->inventory.limit);
	return NULL;
}

static struct hvp_error *json_events(const struct listing *listing)
{
	const struct hvp_event_name *names;
	size_t num;

	names = hvp_event_names(&num);
	hvp_json_begin_array(listing->json, "events");
	for (size_t i = 0; i < num; i++) {
		int status = probe_event(&names[i]);

		hvp_json_begin_object(listing->json, NULL);
		hvp_json_string(listing->json, "name", names[i].name);
		hvp_json_string(listing->json, "summary", names[i].summary);
		hvp_json_string(listing->json, "unit", names[i].unit);
		hvp_json_bool(listing->json, "can_be_sampled", !status);
		hvp_json_string(listing->json, "why_not", why_not(status));
		hvp_json_end_object(listing->json);
	}
	hvp_json_end_array(listing->json);
	return NULL;
}

static struct hvp_error *json_sources(const struct listing *listing)
{
	hvp_json_begin_array(listing->json, "sources");
	for (size_t i = 0; hvp_sources[i]; i++) {
		struct hvp_error *why = hvp_sources[i]->probe(&hvp_host_roots_default);

		hvp_json_begin_object(listing->json, NULL);
		hvp_json_string(listing->json, "name", hvp_sources[i]->name);
		hvp_json_string(listing->json, "summary", hvp_sources[i]->summary);
		hvp_json_bool(listing->json, "is_usable", !why);
		hvp_json_string(listing->json, "why_not", why ? hvp_error_message(why) : "");
		hvp_json_end_object(listing->json);
		hvp_error_destroy(why);
	}
	hvp_json_end_array(listing->json);
	return NULL;
}

static struct hvp_error *json_counters(const struct listing *listing)
{
	struct hvp_json *json = listing->json;
	struct hvp_partition partition;

	hvp_partition_read(&hvp_host_roots_default, &hvp_hvpmu_kernel, &partition);
	hvp_json_begin_object(json, "counters");
	hvp_json_string(json, "partition", hvp_partition_state_names[partition.state]);
	if (partition.state != HVP_PARTITION_NONE)
		hvp_json_uint(json, "for_guests", partition.num_counters);
	if (partition.state == HVP_PARTITION_IDLE || partition.state == HVP_PARTITION_ACTIVE) {
		hvp_json_uint(json, "num_vms", partition.info.num_vms);
		hvp_json_hex(json, "guest_mask", partition.info.guest_mask);
		hvp_json_hex(json, "host_mask", partition.info.host_mask);
	}
	hvp_json_end_object(json);
	return NULL;
}

/* What can be listed. */
static const struct section {
	const char *name;
	/* Shown when nothing is named. */
	bool is_default;
	bool needs_inventory;
	struct hvp_error *(*text)(const struct listing *listing);
	/* vCPUs are within the domains. */
	struct hvp_error *(*json)(const struct listing *listing);
} sections[] = {
	{"domains", true, true, list_domains, json_domains},
	{"vcpus", true, true, list_vcpus, json_domains},
	{"events", false, false, list_events, json_events},
	{"sources", true, false, list_sources, json_sources},
	{"counters", true, false, list_counters, json_counters},
};
#define NUM_SECTIONS (sizeof(sections) / sizeof(sections[0]))

static struct hvp_error *choose(int argc, char **argv, bool *chosen)
{
	for (size_t i = 0; i < NUM_SECTIONS; i++)
		chosen[i] = !argc && sections[i].is_default;
	for (int arg = 0; arg < argc; arg++) {
		bool is_known = false;

		for (size_t i = 0; i < NUM_SECTIONS; i++) {
			if (strcmp(argv[arg], sections[i].name))
				continue;
			chosen[i] = is_known = true;
		}
		if (!is_known)
			return hvp_error_create(HVP_ERROR_USAGE,
						"list takes domains, vcpus, events, sources or "
						"counters, not \"%s\"",
						argv[arg]);
	}
	return NULL;
}

static struct hvp_error *print_text(const struct listing *listing, const bool *chosen)
{
	bool is_first = true;

	for (size_t i = 0; i < NUM_SECTIONS; i++) {
		/* Without VMs there is nothing to say of vCPUs that was not said above. */
		if (!chosen[i] || (i == 1 && chosen[0] && !listing->inventory.num))
			continue;
		if (!is_first)
			putc('\n', listing->context->out);
		is_first = false;
		hvp_try(sections[i].text(listing));
	}
	if (listing->inventory.limit[0] && (chosen[0] || chosen[1])) {
		fputs("hvprof: ", listing->context->err);
		hvp_text_print(listing->context->err, listing->inventory.limit);
		putc('\n', listing->context->err);
	}
	return NULL;
}

static struct hvp_error *print_json(struct listing *listing, const bool *chosen)
{
	struct hvp_json json;

	listing->json = &json;
	hvp_json_init(&json, listing->context->out, true);
	hvp_json_begin_object(&json, NULL);
	for (size_t i = 0; i < NUM_SECTIONS; i++)
		if (chosen[i] && !(i == 1 && chosen[0]))
			hvp_try(sections[i].json(listing));
	hvp_json_end_object(&json);
	hvp_json_finish(&json);
	return NULL;
}

static struct hvp_error *run(struct hvp_context *context, const void *config, int argc, char **argv,
			     int *ret_status)
{
	hvp_scope(listing_deinit) struct listing listing = {.context = context, .given = config};
	bool chosen[NUM_SECTIONS];
	bool needs_inventory = false;

	*ret_status = 0;
	hvp_try(choose(argc, argv, chosen));
	for (size_t i = 0; i < NUM_SECTIONS; i++)
		needs_inventory |= chosen[i] && sections[i].needs_inventory;
	if (needs_inventory)
		hvp_try(hvp_inventory_read(&hvp_host_roots_default,
					   (enum hvp_qmp_use)listing.given->qmp,
					   &listing.inventory));
	if (listing.given->format == FORMAT_JSON)
		return print_json(&listing, chosen);
	return print_text(&listing, chosen);
}

const struct hvp_command hvp_cmd_list = {
	.name = "list",
	.summary = "show VMs, vCPUs, events and sources, and what cannot be sampled",
	.synopsis = "[OPTION...] [domains|vcpus|events|sources|counters]...",
	.arguments = "domains vcpus events sources counters",
	.options = options,
	.examples = examples,
	.config_size = sizeof(struct list_options),
	.run = run,
};
