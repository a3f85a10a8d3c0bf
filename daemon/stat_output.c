/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/stat_output.h"

#include "common/cli/text.h"
#include "daemon/table.h"

const char *const hvp_stat_format_names[] = {"text", "csv", "json", NULL};

/* In the order of the columns: KVM's counters, and what follows from them behind each. */
enum column {
	COLUMN_IPC = HVP_NUM_KVM_STATS,
	COLUMN_HYP_SHARE,
};

static const struct {
	/* Of CSV and JSON; text has the heading. */
	const char *name, *heading;
	/* enum hvp_kvm_stat, or enum column */
	unsigned int number;
	/* What must be known for it. */
	uint32_t needs;
} columns[] = {
#define COUNTER(stat, name, heading)                                                               \
	{                                                                                          \
		name, heading, stat, 1u << (stat)                                                  \
	}
	COUNTER(HVP_KVM_GUEST_CYCLES, "guest_cycles", "GUEST CYCLES"),
	COUNTER(HVP_KVM_GUEST_INSTRUCTIONS, "guest_instructions", "INSTRUCTIONS"),
	{"ipc", "IPC", COLUMN_IPC, 1u << HVP_KVM_GUEST_CYCLES | 1u << HVP_KVM_GUEST_INSTRUCTIONS},
	COUNTER(HVP_KVM_HYP_CYCLES, "hyp_cycles", "HYP. CYCLES"),
	COUNTER(HVP_KVM_HYP_INSTRUCTIONS, "hyp_instructions", "INSTRUCTIONS"),
	{"hyp_share", "HYP.", COLUMN_HYP_SHARE,
	 1u << HVP_KVM_GUEST_CYCLES | 1u << HVP_KVM_HYP_CYCLES},
	COUNTER(HVP_KVM_LOADS, "loads", "LOADS"),
	COUNTER(HVP_KVM_PUTS, "puts", "PUTS"),
	COUNTER(HVP_KVM_PMIS, "pmis", "PMIS"),
	COUNTER(HVP_KVM_EMULATED, "emulated", "EMULATED"),
	COUNTER(HVP_KVM_EXITS, "exits", "EXITS"),
};
#define NUM_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static bool has_column(const struct hvp_kvm_counts *counts, size_t column)
{
	return (counts->known & columns[column].needs) == columns[column].needs;
}

/* What is no counter. False: it is not known. */
static bool get_figure(const struct hvp_kvm_counts *counts, size_t column, double *ret)
{
	if (!has_column(counts, column))
		return false;
	return columns[column].number == COLUMN_IPC ? hvp_stat_ipc(counts, ret)
						    : hvp_stat_hyp_share(counts, ret);
}

static bool is_counter(size_t column)
{
	return columns[column].number < HVP_NUM_KVM_STATS;
}

static const char *state_of(const struct hvp_stat_vm *vm)
{
	return vm->has_ended ? "ended" : vm->has_begun ? "started" : "running";
}

void hvp_stat_output_begin(struct hvp_stat_output *output, FILE *out, enum hvp_stat_format format,
			   bool has_color)
{
	static const char *const leading[] = {"from", "seconds", "domain", "uuid",
					      "pid",  "state",	 "vcpu"};

	*output = (struct hvp_stat_output){.out = out, .has_color = has_color, .format = format};
	hvp_csv_init(&output->csv, out);
	hvp_json_init(&output->json, out, true);
	if (format == HVP_STAT_CSV) {
		for (size_t i = 0; i < sizeof(leading) / sizeof(leading[0]); i++)
			hvp_csv_string(&output->csv, leading[i]);
		for (size_t i = 0; i < NUM_COLUMNS; i++)
			hvp_csv_string(&output->csv, columns[i].name);
		hvp_csv_end_row(&output->csv);
	}
	if (format == HVP_STAT_JSON) {
		hvp_json_begin_object(&output->json, NULL);
		hvp_json_string(&output->json, "schema", "hvprof-stat/1");
		hvp_json_begin_array(&output->json, "spans");
	}
}

void hvp_stat_output_end(struct hvp_stat_output *output)
{
	if (output->format != HVP_STAT_JSON)
		return;
	hvp_json_end_array(&output->json);
	hvp_json_end_object(&output->json);
	hvp_json_finish(&output->json);
}

static void csv_row(struct hvp_csv *csv, const struct hvp_stat_vm *vm,
		    const struct hvp_stat_counter *vcpu, double from, double seconds)
{
	const struct hvp_kvm_counts *counts = vcpu ? &vcpu->counts : &vm->total.counts;

	hvp_csv_double(csv, from);
	hvp_csv_double(csv, seconds);
	hvp_csv_string(csv, vm->name);
	hvp_csv_string(csv, vm->uuid);
	hvp_csv_uint(csv, vm->pid);
	hvp_csv_string(csv, state_of(vm));
	if (vcpu)
		hvp_csv_uint(csv, vcpu->vcpu);
	else
		hvp_csv_string(csv, NULL);
	for (size_t i = 0; i < NUM_COLUMNS; i++) {
		double figure;

		if (is_counter(i) && has_column(counts, i))
			hvp_csv_uint(csv, counts->values[columns[i].number]);
		else if (!is_counter(i) && get_figure(counts, i, &figure))
			hvp_csv_double(csv, figure);
		else
			hvp_csv_string(csv, NULL);
	}
	hvp_csv_end_row(csv);
}

static void csv_vm(struct hvp_csv *csv, const struct hvp_stat_vm *vm, double from, double seconds)
{
	csv_row(csv, vm, NULL, from, seconds);
	for (size_t i = 0; i < vm->num_vcpus; i++)
		if (vm->vcpus[i].counts.known)
			csv_row(csv, vm, &vm->vcpus[i], from, seconds);
}

static void json_counts(struct hvp_json *json, const struct hvp_kvm_counts *counts)
{
	for (size_t i = 0; i < NUM_COLUMNS; i++) {
		double figure;

		if (is_counter(i) && has_column(counts, i))
			hvp_json_uint(json, columns[i].name, counts->values[columns[i].number]);
		else if (!is_counter(i) && get_figure(counts, i, &figure))
			hvp_json_double(json, columns[i].name, figure);
		else
			hvp_json_null(json, columns[i].name);
	}
}

static void json_vm(struct hvp_json *json, const struct hvp_stat_vm *vm)
{
	hvp_json_begin_object(json, NULL);
	hvp_json_string(json, "name", vm->name);
	hvp_json_string(json, "uuid", vm->uuid);
	hvp_json_uint(json, "pid", vm->pid);
	hvp_json_string(json, "state", state_of(vm));
	hvp_json_begin_object(json, "total");
	json_counts(json, &vm->total.counts);
	hvp_json_end_object(json);
	hvp_json_begin_array(json, "vcpus");
	for (size_t i = 0; i < vm->num_vcpus; i++) {
		if (!vm->vcpus[i].counts.known)
			continue;
		hvp_json_begin_object(json, NULL);
		hvp_json_uint(json, "vcpu", vm->vcpus[i].vcpu);
		json_counts(json, &vm->vcpus[i].counts);
		hvp_json_end_object(json);
	}
	hvp_json_end_array(json);
	hvp_json_end_object(json);
}

static void json_span(struct hvp_json *json, const struct hvp_stat *stat, double from,
		      double seconds)
{
	hvp_json_begin_object(json, NULL);
	hvp_json_double(json, "from", from);
	hvp_json_double(json, "seconds", seconds);
	hvp_json_begin_array(json, "domains");
	for (size_t i = 0; i < stat->num; i++)
		if (stat->vms[i].is_wanted)
			json_vm(json, &stat->vms[i]);
	hvp_json_end_array(json);
	hvp_json_end_object(json);
}

/* Those of which any VM knows something: a stock KVM has few. */
static uint32_t known_to_any(const struct hvp_stat *stat)
{
	uint32_t known = 0;

	for (size_t i = 0; i < stat->num; i++)
		if (stat->vms[i].is_wanted)
			known |= stat->vms[i].total.counts.known;
	return known;
}

static const char *spell(const struct hvp_kvm_counts *counts, size_t column,
			 char buf[HVP_TEXT_NUMBER])
{
	double figure;

	if (is_counter(column) && has_column(counts, column))
		return hvp_text_number(buf, counts->values[columns[column].number]);
	if (is_counter(column) || !get_figure(counts, column, &figure))
		return "-";
	snprintf(buf, HVP_TEXT_NUMBER, columns[column].number == COLUMN_IPC ? "%.2f" : "%.2f%%",
		 figure);
	return buf;
}

static struct hvp_error *text_row(struct hvp_table *table, uint32_t known, const char *name,
				  const char *vcpu, const struct hvp_kvm_counts *counts)
{
	const char *cells[HVP_TABLE_MAX_COLUMNS] = {name, vcpu};
	char buffers[NUM_COLUMNS][HVP_TEXT_NUMBER];
	size_t num = 2;

	for (size_t i = 0; i < NUM_COLUMNS; i++)
		if ((known & columns[i].needs) == columns[i].needs)
			cells[num++] = spell(counts, i, buffers[i]);
	return hvp_table_add(table, cells);
}

static struct hvp_error *text_vm(struct hvp_table *table, uint32_t known,
				 const struct hvp_stat_vm *vm)
{
	char name[HVP_VM_NAME_MAX + 16], vcpu[16];

	snprintf(name, sizeof(name), "%s%s", vm->name, vm->has_ended ? " (ended)" : "");
	hvp_try(text_row(table, known, name, "all", &vm->total.counts));
	for (size_t i = 0; i < vm->num_vcpus; i++) {
		if (!vm->vcpus[i].counts.known)
			continue;
		snprintf(vcpu, sizeof(vcpu), "%u", vm->vcpus[i].vcpu);
		hvp_try(text_row(table, known, name, vcpu, &vm->vcpus[i].counts));
	}
	return NULL;
}

static struct hvp_error *text_span(const struct hvp_stat_output *output,
				   const struct hvp_stat *stat, double from, double seconds)
{
	const char *heading[HVP_TABLE_MAX_COLUMNS] = {"DOMAIN", "VCPU"};
	hvp_scope(hvp_table_deinit) struct hvp_table table = {0};
	const uint32_t known = known_to_any(stat);
	size_t num = 2;

	fprintf(output->out, "%s%.2f to %.2f s\n", output->num_spans ? "\n" : "", from,
		from + seconds);
	if (!hvp_stat_num_wanted(stat)) {
		fputs("no virtual machine ran\n", output->out);
		return NULL;
	}
	for (size_t i = 0; i < NUM_COLUMNS; i++)
		if ((known & columns[i].needs) == columns[i].needs)
			heading[num++] = columns[i].heading;
	hvp_try(hvp_table_init(&table, heading, num));
	table.numbers = ~3u;
	for (size_t i = 0; i < stat->num; i++)
		if (stat->vms[i].is_wanted)
			hvp_try(text_vm(&table, known, &stat->vms[i]));
	hvp_table_print(&table, output->out, output->has_color);
	return NULL;
}

struct hvp_error *hvp_stat_output_span(struct hvp_stat_output *output, const struct hvp_stat *stat,
				       uint64_t from_ns, uint64_t length_ns)
{
	const double from = (double)from_ns / 1e9, seconds = (double)length_ns / 1e9;

	switch (output->format) {
	case HVP_STAT_TEXT: hvp_try(text_span(output, stat, from, seconds)); break;
	case HVP_STAT_CSV:
		for (size_t i = 0; i < stat->num; i++)
			if (stat->vms[i].is_wanted)
				csv_vm(&output->csv, &stat->vms[i], from, seconds);
		break;
	case HVP_STAT_JSON: json_span(&output->json, stat, from, seconds); break;
	}
	output->num_spans++;
	fflush(output->out);
	return NULL;
}
