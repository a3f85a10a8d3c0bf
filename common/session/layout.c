/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/layout.h"

#include "common/model/record.h"

#define NUMBER(label, member)                                                                      \
	{                                                                                          \
		.name = (label), .kind = HVP_FIELD_NUMBER,                                         \
		.offset = offsetof(struct hvp_record, member),                                     \
		.width = sizeof(((struct hvp_record *)0)->member)                                  \
	}
#define CHOICE(label, member, largest)                                                             \
	{                                                                                          \
		.name = (label), .kind = HVP_FIELD_NUMBER,                                         \
		.offset = offsetof(struct hvp_record, member),                                     \
		.width = sizeof(((struct hvp_record *)0)->member), .max = (largest)                \
	}
#define STRING(label, member)                                                                      \
	{                                                                                          \
		.name = (label), .kind = HVP_FIELD_STRING,                                         \
		.offset = offsetof(struct hvp_record, member)                                      \
	}

static const struct hvp_field_layout mmap_fields[] = {
	NUMBER("pid", mmap.pid),
	NUMBER("tid", mmap.tid),
	NUMBER("address", mmap.address),
	NUMBER("size", mmap.size),
	NUMBER("file_offset", mmap.file_offset),
	STRING("path", mmap.path),
	{.name = "build_id",
	 .kind = HVP_FIELD_BUILD_ID,
	 .offset = offsetof(struct hvp_record, mmap.build_id),
	 .size_offset = offsetof(struct hvp_record, mmap.build_id_size)},
	CHOICE("is_exec", mmap.is_exec, 1),
};

static const struct hvp_field_layout comm_fields[] = {
	NUMBER("pid", comm.pid),
	NUMBER("tid", comm.tid),
	CHOICE("is_exec", comm.is_exec, 1),
	STRING("name", comm.name),
};

static const struct hvp_field_layout task_fields[] = {
	NUMBER("pid", task.pid),
	NUMBER("tid", task.tid),
	NUMBER("parent_pid", task.parent_pid),
	NUMBER("parent_tid", task.parent_tid),
};

static const struct hvp_field_layout ksymbol_fields[] = {
	NUMBER("address", ksymbol.address),
	NUMBER("size", ksymbol.size),
	CHOICE("is_gone", ksymbol.is_gone, 1),
	STRING("name", ksymbol.name),
};

static const struct hvp_field_layout namespaces_fields[] = {
	NUMBER("pid", namespaces.pid),
	NUMBER("tid", namespaces.tid),
	NUMBER("pid_namespace", namespaces.pid_namespace),
	NUMBER("mount_namespace", namespaces.mount_namespace),
};

static const struct hvp_field_layout domain_fields[] = {
	NUMBER("domain", domain.domain),
	CHOICE("state", domain.state, HVP_DOMAIN_ENDED),
	NUMBER("pid", domain.pid),
	STRING("name", domain.name),
	STRING("uuid", domain.uuid),
	STRING("vmm", domain.vmm),
	STRING("identity_from", domain.identity_from),
};

static const struct hvp_field_layout vcpu_fields[] = {
	NUMBER("domain", vcpu.domain),
	NUMBER("vcpu", vcpu.vcpu),
	NUMBER("tid", vcpu.tid),
	CHOICE("is_gone", vcpu.is_gone, 1),
};

static const struct hvp_field_layout lost_fields[] = {
	NUMBER("cpu", lost.cpu),
	CHOICE("where", lost.where, HVP_NUM_LOST_WHERE - 1),
	NUMBER("samples", lost.samples),
	NUMBER("records", lost.records),
};

static const struct hvp_field_layout throttle_fields[] = {
	NUMBER("cpu", throttle.cpu),
	NUMBER("event", throttle.event),
	CHOICE("is_end", throttle.is_end, 1),
};

static const struct hvp_field_layout cpu_fields[] = {
	NUMBER("cpu", cpu.cpu),
	CHOICE("is_online", cpu.is_online, 1),
};

static const struct hvp_field_layout note_fields[] = {
	STRING("text", note.text),
};

static const struct hvp_field_layout blob_fields[] = {
	CHOICE("kind", blob.kind, HVP_BLOB_VDSO),
	NUMBER("domain", blob.domain),
	NUMBER("pid", blob.pid),
	STRING("path", blob.path),
	{.name = "data",
	 .kind = HVP_FIELD_BLOB,
	 .offset = offsetof(struct hvp_record, blob.data),
	 .size_offset = offsetof(struct hvp_record, blob.size)},
};

#define RECORD(label, number, table)                                                               \
	{                                                                                          \
		.name = (label), .type = (number),                                                 \
		.num_fields = sizeof(table) / sizeof((table)[0]), .fields = (table)                \
	}

static const struct hvp_record_layout record_layouts[] = {
	RECORD("mmap", HVP_RECORD_MMAP, mmap_fields),
	RECORD("comm", HVP_RECORD_COMM, comm_fields),
	RECORD("fork", HVP_RECORD_FORK, task_fields),
	RECORD("exit", HVP_RECORD_EXIT, task_fields),
	RECORD("ksymbol", HVP_RECORD_KSYMBOL, ksymbol_fields),
	RECORD("namespaces", HVP_RECORD_NAMESPACES, namespaces_fields),
	RECORD("domain", HVP_RECORD_DOMAIN, domain_fields),
	RECORD("vcpu", HVP_RECORD_VCPU, vcpu_fields),
	RECORD("lost", HVP_RECORD_LOST, lost_fields),
	RECORD("throttle", HVP_RECORD_THROTTLE, throttle_fields),
	RECORD("cpu", HVP_RECORD_CPU, cpu_fields),
	RECORD("note", HVP_RECORD_NOTE, note_fields),
	RECORD("blob", HVP_RECORD_BLOB, blob_fields),
};

#define NUM_RECORDS (sizeof(record_layouts) / sizeof(record_layouts[0]))

const struct hvp_column_layout hvp_sample_layout[] = {
	{.name = "cpu", .id = HVP_SAMPLE_CPU, .bits = 32, .kind = HVP_COLUMN_NUMBER},
	{.name = "time", .id = HVP_SAMPLE_TIME, .bits = 64, .kind = HVP_COLUMN_TICKING},
	{.name = "ip", .id = HVP_SAMPLE_IP, .bits = 64, .kind = HVP_COLUMN_CODED},
	{.name = "mode",
	 .id = HVP_SAMPLE_MODE,
	 .bits = 8,
	 .kind = HVP_COLUMN_FOLLOWS,
	 .leader = HVP_SAMPLE_IP},
	{.name = "tid", .id = HVP_SAMPLE_TID, .bits = 32, .kind = HVP_COLUMN_CODED},
	{.name = "pid",
	 .id = HVP_SAMPLE_PID,
	 .bits = 32,
	 .kind = HVP_COLUMN_FOLLOWS,
	 .leader = HVP_SAMPLE_TID},
	{.name = "domain",
	 .id = HVP_SAMPLE_DOMAIN,
	 .bits = 32,
	 .kind = HVP_COLUMN_FOLLOWS,
	 .leader = HVP_SAMPLE_TID},
	{.name = "vcpu",
	 .id = HVP_SAMPLE_VCPU,
	 .bits = 32,
	 .kind = HVP_COLUMN_FOLLOWS,
	 .leader = HVP_SAMPLE_TID},
	{.name = "event", .id = HVP_SAMPLE_EVENT, .bits = 16, .kind = HVP_COLUMN_NUMBER},
	{.name = "period", .id = HVP_SAMPLE_PERIOD, .bits = 64, .kind = HVP_COLUMN_GRADUAL},
	{.name = "stack", .id = HVP_SAMPLE_STACK, .bits = 32, .kind = HVP_COLUMN_NUMBER},
	{.name = "guest_cr3", .id = HVP_SAMPLE_GUEST_CR3, .bits = 64, .kind = HVP_COLUMN_CODED},
};
const size_t hvp_sample_layout_size = sizeof(hvp_sample_layout) / sizeof(hvp_sample_layout[0]);

const struct hvp_column_layout hvp_stack_layout[] = {
	{.name = "up", .id = HVP_STACK_UP, .bits = 32, .kind = HVP_COLUMN_NUMBER},
	{.name = "frame", .id = HVP_STACK_FRAME, .bits = 64, .kind = HVP_COLUMN_PATTERN},
};
const size_t hvp_stack_layout_size = sizeof(hvp_stack_layout) / sizeof(hvp_stack_layout[0]);

const struct hvp_column_layout hvp_chain_layout[] = {
	{.name = "kernel", .id = HVP_CHAIN_KERNEL, .bits = 32, .kind = HVP_COLUMN_NUMBER},
	{.name = "user", .id = HVP_CHAIN_USER, .bits = 32, .kind = HVP_COLUMN_NUMBER},
};
const size_t hvp_chain_layout_size = sizeof(hvp_chain_layout) / sizeof(hvp_chain_layout[0]);

const struct hvp_record_layout *hvp_record_layout_find(uint64_t type)
{
	for (size_t i = 0; i < NUM_RECORDS; i++)
		if (record_layouts[i].type == type)
			return &record_layouts[i];
	return NULL;
}

static void put_columns(struct hvp_buf *buf, enum hvp_chunk_type chunk, const char *name,
			const struct hvp_column_layout *columns, size_t num)
{
	hvp_buf_add_varint(buf, chunk);
	hvp_buf_add_string(buf, name);
	hvp_buf_add_varint(buf, num);
	for (size_t i = 0; i < num; i++) {
		hvp_buf_add_varint(buf, columns[i].id);
		hvp_buf_add_varint(buf, columns[i].bits);
		hvp_buf_add_string(buf, columns[i].name);
	}
}

/* The tables of columns, then the records' fields. */
void hvp_schema_put(struct hvp_buf *buf)
{
	hvp_buf_add_varint(buf, 3);
	put_columns(buf, HVP_CHUNK_SAMPLES, "samples", hvp_sample_layout, hvp_sample_layout_size);
	put_columns(buf, HVP_CHUNK_STACKS, "stacks", hvp_stack_layout, hvp_stack_layout_size);
	put_columns(buf, HVP_CHUNK_CHAINS, "chains", hvp_chain_layout, hvp_chain_layout_size);
	hvp_buf_add_varint(buf, NUM_RECORDS);
	for (size_t i = 0; i < NUM_RECORDS; i++) {
		const struct hvp_record_layout *record = &record_layouts[i];

		hvp_buf_add_varint(buf, record->type);
		hvp_buf_add_string(buf, record->name);
		hvp_buf_add_varint(buf, record->num_fields);
		for (size_t field = 0; field < record->num_fields; field++) {
			hvp_buf_add_varint(buf, record->fields[field].kind);
			hvp_buf_add_string(buf, record->fields[field].name);
		}
	}
}
