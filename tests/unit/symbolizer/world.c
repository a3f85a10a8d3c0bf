/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "world.h"

#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/session/writer.h"
#include "tests/unit/check.h"

void world_begin(struct world *world)
{
	const struct hvp_session_writer_options options = {.path = "test.hvp"};
	const struct hvp_event_info event = {
		.name = "cycles", .unit = "cycles", .period = 1, .scope = "all"};
	uint16_t index;

	*world = (struct world){.fd = memfd_create("session", MFD_CLOEXEC)};
	assert_true(world->fd >= 0);
	assert_ok(hvp_session_writer_create(world->fd, &options, &world->writer));
	assert_ok(hvp_session_writer_add_event(world->writer, &event, &index));
}

void world_record(struct world *world, const struct hvp_record *record)
{
	assert_ok(hvp_session_writer_add_record(world->writer, record));
}

void world_mmap(struct world *world, uint64_t time, uint32_t pid, uint64_t address, uint64_t size,
		uint64_t offset, const char *path)
{
	world_record(world, &(struct hvp_record){.type = HVP_RECORD_MMAP,
						 .time = time,
						 .mmap = {.pid = pid,
							  .tid = pid,
							  .address = address,
							  .size = size,
							  .file_offset = offset,
							  .path = path,
							  .is_exec = true}});
}

void world_fork(struct world *world, uint64_t time, uint32_t pid, uint32_t parent_pid)
{
	world_record(world, &(struct hvp_record){.type = HVP_RECORD_FORK,
						 .time = time,
						 .task = {pid, pid, parent_pid, parent_pid}});
}

void world_exec(struct world *world, uint64_t time, uint32_t pid)
{
	world_record(world,
		     &(struct hvp_record){
			     .type = HVP_RECORD_COMM,
			     .time = time,
			     .comm = {.pid = pid, .tid = pid, .is_exec = true, .name = "x"}});
}

void world_exit(struct world *world, uint64_t time, uint32_t pid)
{
	world_record(world, &(struct hvp_record){.type = HVP_RECORD_EXIT,
						 .time = time,
						 .task = {pid, pid, pid, pid}});
}

void world_domain(struct world *world, uint32_t domain, uint32_t pid, const char *name,
		  const char *uuid)
{
	world_record(world, &(struct hvp_record){.type = HVP_RECORD_DOMAIN,
						 .domain = {.domain = domain,
							    .pid = pid,
							    .name = name,
							    .uuid = uuid,
							    .vmm = "qemu",
							    .identity_from = "cmdline"}});
}

void world_blob(struct world *world, enum hvp_blob_kind kind, uint32_t domain, uint32_t pid,
		const void *data, size_t size)
{
	world_record(world, &(struct hvp_record){.type = HVP_RECORD_BLOB,
						 .blob = {.kind = kind,
							  .domain = domain,
							  .pid = pid,
							  .path = "",
							  .data = data,
							  .size = size}});
}

void world_text(struct world *world, enum hvp_blob_kind kind, uint32_t domain, uint32_t pid,
		const char *text)
{
	world_blob(world, kind, domain, pid, text, strlen(text));
}

void world_sample(struct world *world, enum hvp_mode mode, uint32_t domain, uint64_t ip)
{
	const struct hvp_sample sample = {
		.time = 1, .ip = ip, .period = 1, .domain = domain, .mode = (uint8_t)mode};

	assert_ok(hvp_session_writer_add_sample(world->writer, &sample));
}

void world_open(struct world *world, const struct hvp_symbolizer_options *options)
{
	const struct hvp_symbolizer_options none = {0};
	const struct hvp_session_end end = {0};

	assert_ok(hvp_session_writer_finish(world->writer, &end));
	assert_ok(hvp_session_open_fd(world->fd, "test.hvp", &world->session));
	assert_ok(hvp_symbolizer_create(world->session, options ? options : &none,
					&world->symbolizer));
}

void world_end(struct world *world)
{
	hvp_symbolizer_destroy(world->symbolizer);
	hvp_session_destroy(world->session);
	hvp_session_writer_destroy(world->writer);
	close(world->fd);
}

void world_locate(struct world *world, enum hvp_mode mode, uint32_t domain, uint32_t pid,
		  uint64_t time, uint64_t address, struct hvp_location *ret)
{
	const struct hvp_row row = {.time = time,
				    .ip = address,
				    .pid = pid,
				    .tid = pid,
				    .domain = domain,
				    .mode = (uint8_t)mode};

	hvp_symbolizer_locate(world->symbolizer, &row, address, hvp_mode_is_kernel(mode), ret);
	assert_non_null(ret->image);
}

const char *world_resolve(struct world *world, enum hvp_mode mode, uint32_t domain, uint32_t pid,
			  uint64_t time, uint64_t address)
{
	static char text[512];
	const struct hvp_symbol *symbol;
	struct hvp_location location;
	enum hvp_unresolved why;

	world_locate(world, mode, domain, pid, time, address, &location);
	symbol = hvp_symbolizer_symbol(world->symbolizer, &location, &why);
	if (symbol)
		snprintf(text, sizeof(text), "%s:%s+0x%" PRIx64, hvp_image_name(location.image),
			 symbol->name, location.address - symbol->address);
	else
		snprintf(text, sizeof(text), "%s!%d", hvp_image_name(location.image), (int)why);
	return text;
}

bool world_notes(const struct world *world, const char *text)
{
	for (size_t i = 0; i < hvp_symbolizer_num_notes(world->symbolizer); i++) {
		if (strstr(hvp_symbolizer_note(world->symbolizer, i), text))
			return true;
	}
	return false;
}

void write_bytes(const char *name, const void *data, size_t size)
{
	FILE *file = fopen(name, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

void write_text(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}
