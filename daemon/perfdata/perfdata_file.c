/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perfdata/perfdata_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/session/format.h"

#define MAGIC "PERFILE2"
#define MAGIC_SIZE 8
#define STREAM_HEADER_SIZE 16u
/* magic, size, attr_size, the sections attrs, data and event_types, 256 bits of features */
#define FILE_HEADER_SIZE 104u
/*
 * What a section of the header may take; perf's own are some kB, with thousands of files some
 * hundred kB.
 */
#define MAX_SECTION (64u << 20)
#define MAX_ATTRS 4096u
#define MAX_IDS (1u << 22)
#define MAX_STRING 65536u

/* Bits of the header's features (enum in tools/perf/util/header.h) that are of use here. */
enum {
	FEATURE_BUILD_ID = 2,
	FEATURE_HOSTNAME = 3,
	FEATURE_OSRELEASE = 4,
	FEATURE_VERSION = 5,
	FEATURE_ARCH = 6,
	FEATURE_NRCPUS = 7,
	FEATURE_CPUDESC = 8,
	FEATURE_CMDLINE = 11,
	FEATURE_EVENT_DESC = 12,
	FEATURE_CLOCK_DATA = 29,
	NUM_FEATURES = 256,
};

/* Features that are one string. */
static const struct {
	unsigned int feature;
	const char *key;
} text_features[] = {
	{FEATURE_HOSTNAME, HVP_INFO_HOSTNAME}, {FEATURE_OSRELEASE, HVP_INFO_KERNEL},
	{FEATURE_ARCH, HVP_INFO_ARCH},	       {FEATURE_CPUDESC, HVP_INFO_CPU_MODEL},
	{FEATURE_VERSION, "perf.version"},
};

struct section {
	uint64_t offset, size;
};

static struct hvp_error *read_section_place(struct hvp_reader *reader, struct section *ret)
{
	hvp_try(hvp_read_u64(reader, &ret->offset));
	return hvp_read_u64(reader, &ret->size);
}

/* Reads as much as there is; `*ret_size` is less than `size` only at the end of the file. */
static struct hvp_error *read_at(const struct hvp_perfdata *file, uint64_t offset, void *data,
				 size_t size, size_t *ret_size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n =
			pread(file->fd, (char *)data + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hvp_error_from_errno(errno, "%s: offset %#" PRIx64 ": read",
						    file->path, offset + done);
		if (!n)
			break;
		done += (size_t)n;
	}
	*ret_size = done;
	return NULL;
}

/* A whole section in memory that the caller frees; `what` names it in errors. */
static struct hvp_error *load_section(const struct hvp_perfdata *file,
				      const struct section *section, const char *what,
				      uint8_t **ret)
{
	hvp_scope(hvp_free_ptr) uint8_t *data = NULL;
	size_t size;

	if (section->offset > file->file_size || section->size > file->file_size - section->offset)
		return hvp_error_at(HVP_ERROR_TRUNCATED, file->path, section->offset,
				    "%s of %" PRIu64
				    " bytes ends behind the file, which has %" PRIu64
				    "; was it copied whole?",
				    what, section->size, file->file_size);
	if (section->size > MAX_SECTION)
		return hvp_error_at(HVP_ERROR_FORMAT, file->path, section->offset,
				    "%s of %" PRIu64 " bytes; at most %u are read", what,
				    section->size, MAX_SECTION);
	data = malloc(section->size ? section->size : 1);
	if (!data)
		return hvp_error_no_memory;
	hvp_try(read_at(file, section->offset, data, section->size, &size));
	if (size < section->size)
		return hvp_error_at(HVP_ERROR_TRUNCATED, file->path, section->offset + size,
				    "the file ends within %s", what);
	*ret = hvp_take(data);
	return NULL;
}

/* perf's strings: a length that includes padding, and text that ends in NUL within it. */
static struct hvp_error *read_string(struct hvp_perfdata *file, struct hvp_reader *reader,
				     uint32_t *ret)
{
	const uint8_t *text;
	uint32_t size;

	hvp_try(hvp_read_u32(reader, &size));
	if (size > MAX_STRING)
		return hvp_reader_error(reader, "string of %u bytes", size);
	hvp_try(hvp_read_bytes(reader, size, &text));
	return hvp_strpool_add(&file->strings, (const char *)text,
			       strnlen((const char *)text, size), ret);
}

static struct hvp_error *add_fact(struct hvp_perfdata *file, const char *key, uint32_t value)
{
	hvp_try(hvp_array_reserve(&file->facts, &file->facts_capacity, file->num_facts + 1,
				  sizeof(*file->facts)));
	file->facts[file->num_facts++] = (struct hvp_perfdata_fact){key, value};
	return NULL;
}

const char *hvp_perfdata_fact(const struct hvp_perfdata *file, const char *key)
{
	for (size_t i = 0; i < file->num_facts; i++)
		if (!strcmp(file->facts[i].key, key))
			return hvp_strpool_text(&file->strings, file->facts[i].value);
	return NULL;
}

/* An attribute of `size` bytes; its perf may have been older or newer than ours. */
static struct hvp_error *add_attr(struct hvp_perfdata *file, struct hvp_reader *reader, size_t size)
{
	struct hvp_perfdata_attr *attr;
	const uint8_t *bytes;

	if (size < PERF_ATTR_SIZE_VER0)
		return hvp_reader_error(reader, "event attribute of %zu bytes; the smallest has %u",
					size, PERF_ATTR_SIZE_VER0);
	if (file->num_attrs == MAX_ATTRS)
		return hvp_reader_error(reader, "more than %u events", MAX_ATTRS);
	hvp_try(hvp_read_bytes(reader, size, &bytes));
	hvp_try(hvp_array_reserve(&file->attrs, &file->attrs_capacity, file->num_attrs + 1,
				  sizeof(*file->attrs)));
	attr = &file->attrs[file->num_attrs++];
	memset(attr, 0, sizeof(*attr));
	memcpy(&attr->attr, bytes, size < sizeof(attr->attr) ? size : sizeof(attr->attr));
	return NULL;
}

static struct hvp_error *add_ids(struct hvp_perfdata *file, struct hvp_reader *reader)
{
	uint64_t id;

	while (hvp_reader_left(reader)) {
		if (file->attr_of_id.num >= MAX_IDS)
			return hvp_reader_error(reader, "more than %u event ids", MAX_IDS);
		hvp_try(hvp_read_u64(reader, &id));
		hvp_try(hvp_map_set(&file->attr_of_id, id, file->num_attrs - 1));
	}
	return NULL;
}

static struct hvp_error *read_attrs(struct hvp_perfdata *file, const struct section *section,
				    uint64_t attr_size)
{
	hvp_scope(hvp_free_ptr) uint8_t *data = NULL;
	struct hvp_reader reader;

	if (attr_size < PERF_ATTR_SIZE_VER0 + sizeof(struct section) || attr_size > 4096)
		return hvp_error_at(HVP_ERROR_FORMAT, file->path, STREAM_HEADER_SIZE,
				    "event attributes of %" PRIu64 " bytes", attr_size);
	hvp_try(load_section(file, section, "the event attributes", &data));
	hvp_reader_init(&reader, file->path, data, section->size, section->offset);
	while (hvp_reader_left(&reader)) {
		hvp_scope(hvp_free_ptr) uint8_t *id_data = NULL;
		struct hvp_reader ids;
		struct section place;

		hvp_try(add_attr(file, &reader, attr_size - sizeof(struct section)));
		hvp_try(read_section_place(&reader, &place));
		hvp_try(load_section(file, &place, "the event ids", &id_data));
		hvp_reader_init(&ids, file->path, id_data, place.size, place.offset);
		hvp_try(add_ids(file, &ids));
	}
	return NULL;
}

/* The build id's bytes and, behind three of padding, in newer files its size. */
#define BUILD_ID_FIELD 24
/*
 * struct perf_event_header.misc of a build id: the size is there (PERF_RECORD_MISC_BUILD_ID_SIZE).
 */
#define MISC_BUILD_ID_SIZE (1u << 15)

static struct hvp_error *add_build_id(struct hvp_perfdata *file, uint16_t misc,
				      struct hvp_reader *body)
{
	struct hvp_perfdata_build_id *build_id;
	const uint8_t *bytes;
	const char *path;
	uint32_t pid, name;
	unsigned int mode = misc & PERF_RECORD_MISC_CPUMODE_MASK;

	hvp_try(hvp_read_u32(body, &pid));
	hvp_try(hvp_read_bytes(body, BUILD_ID_FIELD, &bytes));
	hvp_try(hvp_read_cstring(body, MAX_STRING, &path));
	/* A guest's files are not the host's, whatever their names. */
	if (mode == PERF_RECORD_MISC_GUEST_KERNEL || mode == PERF_RECORD_MISC_GUEST_USER)
		return NULL;
	hvp_try(hvp_strpool_intern(&file->strings, path, &name));
	hvp_try(hvp_array_reserve(&file->build_ids, &file->build_ids_capacity,
				  file->num_build_ids + 1, sizeof(*file->build_ids)));
	build_id = &file->build_ids[file->num_build_ids];
	build_id->size = HVP_BUILD_ID_MAX;
	if ((misc & MISC_BUILD_ID_SIZE) && bytes[HVP_BUILD_ID_MAX] <= HVP_BUILD_ID_MAX)
		build_id->size = bytes[HVP_BUILD_ID_MAX];
	memcpy(build_id->bytes, bytes, HVP_BUILD_ID_MAX);
	return hvp_map_set(&file->build_id_of_path, name, file->num_build_ids++);
}

static struct hvp_error *take_build_ids(struct hvp_perfdata *file, struct hvp_reader *reader)
{
	while (hvp_reader_left(reader)) {
		struct hvp_reader body;
		uint32_t type;
		uint16_t misc, size;

		hvp_try(hvp_read_u32(reader, &type));
		hvp_try(hvp_read_u16(reader, &misc));
		hvp_try(hvp_read_u16(reader, &size));
		if (size < sizeof(struct perf_event_header))
			return hvp_reader_error(reader, "build id of %u bytes", size);
		hvp_try(hvp_read_window(reader, size - sizeof(struct perf_event_header), &body));
		hvp_try(add_build_id(file, misc, &body));
	}
	return NULL;
}

const struct hvp_perfdata_build_id *hvp_perfdata_find_build_id(const struct hvp_perfdata *file,
							       const char *path)
{
	uint32_t name;
	uint64_t index;

	if (!hvp_strpool_find(&file->strings, path, strlen(path), &name) ||
	    !hvp_map_get(&file->build_id_of_path, name, &index))
		return NULL;
	return &file->build_ids[index];
}

/* Names of the events: for each the attribute again, its ids and what the user called it. */
static struct hvp_error *take_event_names(struct hvp_perfdata *file, struct hvp_reader *reader)
{
	uint32_t num, attr_size, num_ids, name;
	const uint8_t *attr;
	uint64_t id, index;

	hvp_try(hvp_read_u32(reader, &num));
	hvp_try(hvp_read_u32(reader, &attr_size));
	for (uint32_t i = 0; i < num; i++) {
		hvp_try(hvp_read_bytes(reader, attr_size, &attr));
		hvp_try(hvp_read_u32(reader, &num_ids));
		hvp_try(read_string(file, reader, &name));
		index = i;
		for (uint32_t k = 0; k < num_ids; k++) {
			hvp_try(hvp_read_u64(reader, &id));
			hvp_map_get(&file->attr_of_id, id, &index);
		}
		if (index < file->num_attrs)
			file->attrs[index].name = name;
	}
	return NULL;
}

static struct hvp_error *take_command(struct hvp_perfdata *file, struct hvp_reader *reader)
{
	struct hvp_buf line __attribute__((cleanup(hvp_buf_deinit)));
	uint32_t num, argument, value;

	hvp_buf_init(&line);
	hvp_try(hvp_read_u32(reader, &num));
	for (uint32_t i = 0; i < num; i++) {
		hvp_try(read_string(file, reader, &argument));
		if (i)
			hvp_buf_add_u8(&line, ' ');
		hvp_buf_add_bytes(&line, hvp_strpool_text(&file->strings, argument),
				  hvp_strpool_size(&file->strings, argument));
	}
	hvp_try(hvp_buf_check(&line));
	hvp_try(hvp_strpool_add(&file->strings, (const char *)line.data, line.size, &value));
	return add_fact(file, HVP_INFO_PERF_COMMAND, value);
}

static struct hvp_error *take_cpu_numbers(struct hvp_perfdata *file, struct hvp_reader *reader)
{
	static const char *const keys[] = {HVP_INFO_CPUS_POSSIBLE, HVP_INFO_CPUS_ONLINE};
	uint32_t number, value;
	char text[16];

	for (size_t i = 0; i < HVP_ARRAY_SIZE(keys); i++) {
		hvp_try(hvp_read_u32(reader, &number));
		snprintf(text, sizeof(text), "%" PRIu32, number);
		hvp_try(hvp_strpool_intern(&file->strings, text, &value));
		hvp_try(add_fact(file, keys[i], value));
	}
	return NULL;
}

static struct hvp_error *take_clock_data(struct hvp_perfdata *file, struct hvp_reader *reader)
{
	uint32_t version, clock;

	hvp_try(hvp_read_u32(reader, &version));
	hvp_try(hvp_read_u32(reader, &clock));
	if (version != 1)
		return hvp_reader_error(reader, "clock data of version %" PRIu32, version);
	hvp_try(hvp_read_u64(reader, &file->wall_clock));
	return hvp_read_u64(reader, &file->sample_clock);
}

static struct hvp_error *take_feature(struct hvp_perfdata *file, uint64_t feature,
				      struct hvp_reader *reader)
{
	uint32_t value;

	for (size_t i = 0; i < HVP_ARRAY_SIZE(text_features); i++) {
		if (text_features[i].feature != feature)
			continue;
		hvp_try(read_string(file, reader, &value));
		return add_fact(file, text_features[i].key, value);
	}
	switch (feature) {
	case FEATURE_BUILD_ID: return take_build_ids(file, reader);
	case FEATURE_NRCPUS: return take_cpu_numbers(file, reader);
	case FEATURE_CMDLINE: return take_command(file, reader);
	case FEATURE_EVENT_DESC: return take_event_names(file, reader);
	case FEATURE_CLOCK_DATA: return take_clock_data(file, reader);
	default: return NULL;
	}
}

/*
 * True when `err` was only about what the file says of the machine: the samples do without.
 * Consumes it then.
 */
static bool is_forgiven(struct hvp_error *err)
{
	if (!err)
		return true;
	if (hvp_error_code(err) != HVP_ERROR_FORMAT && hvp_error_code(err) != HVP_ERROR_TRUNCATED)
		return false;
	hvp_error_destroy(err);
	return true;
}

/*
 * The features stand behind the records, in the order of their bits, behind a table of their
 * places.
 */
static struct hvp_error *read_features(struct hvp_perfdata *file, const uint64_t bits[4])
{
	struct section places = {.offset = file->data_end};
	hvp_scope(hvp_free_ptr) uint8_t *table = NULL;
	struct hvp_reader reader;

	for (unsigned int i = 0; i < NUM_FEATURES / 64; i++)
		places.size += (uint64_t)__builtin_popcountll(bits[i]) * sizeof(struct section);
	hvp_try(load_section(file, &places, "the table of features", &table));
	hvp_reader_init(&reader, file->path, table, places.size, places.offset);
	for (unsigned int feature = 0; feature < NUM_FEATURES; feature++) {
		hvp_scope(hvp_free_ptr) uint8_t *data = NULL;
		struct hvp_error *err;
		struct hvp_reader body;
		struct section place;

		if (!(bits[feature / 64] & (1ULL << feature % 64)))
			continue;
		hvp_try(read_section_place(&reader, &place));
		err = load_section(file, &place, "a feature", &data);
		if (!err) {
			hvp_reader_init(&body, file->path, data, place.size, place.offset);
			err = take_feature(file, feature, &body);
		}
		if (!is_forgiven(err))
			return err;
	}
	return NULL;
}

static struct hvp_error *read_file_header(struct hvp_perfdata *file)
{
	uint8_t data[FILE_HEADER_SIZE];
	uint64_t header_size, attr_size, features[4];
	struct section attrs, records, event_types;
	struct hvp_reader reader;
	struct hvp_error *err;
	size_t size;

	hvp_try(read_at(file, 0, data, sizeof(data), &size));
	hvp_reader_init(&reader, file->path, data, size, 0);
	hvp_try(hvp_read_window(&reader, MAGIC_SIZE, &(struct hvp_reader){0}));
	hvp_try(hvp_read_u64(&reader, &header_size));
	if (header_size != FILE_HEADER_SIZE)
		return hvp_error_at(HVP_ERROR_UNSUPPORTED, file->path, MAGIC_SIZE,
				    "header of %" PRIu64
				    " bytes; a perf.data file has %u, a stream %u",
				    header_size, FILE_HEADER_SIZE, STREAM_HEADER_SIZE);
	hvp_try(hvp_read_u64(&reader, &attr_size));
	hvp_try(read_section_place(&reader, &attrs));
	hvp_try(read_section_place(&reader, &records));
	hvp_try(read_section_place(&reader, &event_types));
	for (unsigned int i = 0; i < NUM_FEATURES / 64; i++)
		hvp_try(hvp_read_u64(&reader, &features[i]));
	hvp_try(read_attrs(file, &attrs, attr_size));
	file->data_begin = records.offset;
	file->is_unfinished = !records.size;
	file->data_end = UINT64_MAX;
	if (file->is_unfinished || records.size > UINT64_MAX - records.offset)
		return NULL;
	file->data_end = records.offset + records.size;
	err = read_features(file, features);
	return is_forgiven(err) ? NULL : err;
}

static struct hvp_error *read_magic(struct hvp_perfdata *file)
{
	uint8_t data[STREAM_HEADER_SIZE];
	size_t size = 0;

	while (size < sizeof(data)) {
		ssize_t n = read(file->fd, data + size, sizeof(data) - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hvp_error_from_errno(errno, "%s: read", file->path);
		if (!n)
			break;
		size += (size_t)n;
	}
	if (size < sizeof(data))
		return hvp_error_at(HVP_ERROR_TRUNCATED, file->path, size,
				    "the file ends within its header; is it from perf record?");
	if (!memcmp(data, "2ELIFREP", MAGIC_SIZE))
		return hvp_error_at(HVP_ERROR_UNSUPPORTED, file->path, 0,
				    "perf.data of a big-endian machine, which is not supported");
	if (memcmp(data, MAGIC, MAGIC_SIZE))
		return hvp_error_at(HVP_ERROR_FORMAT, file->path, 0,
				    "not a perf.data file: it does not begin with " MAGIC);
	file->is_stream = data[8] == STREAM_HEADER_SIZE;
	for (unsigned int i = 9; i < STREAM_HEADER_SIZE; i++)
		file->is_stream &= !data[i];
	return NULL;
}

static struct hvp_error *open_path(struct hvp_perfdata *file, const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	struct stat st;

	file->path = strdup(is_stdin ? "standard input" : path);
	if (!file->path)
		return hvp_error_no_memory;
	file->fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			    : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (file->fd < 0)
		return hvp_error_from_errno(errno, "%s: open", file->path);
	if (fstat(file->fd, &st))
		return hvp_error_from_errno(errno, "%s: stat", file->path);
	if (S_ISDIR(st.st_mode))
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"%s is a directory, as perf record --threads makes; record "
					"without --threads",
					file->path);
	file->file_size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : UINT64_MAX;
	return NULL;
}

struct hvp_error *hvp_perfdata_open(const char *path, struct hvp_perfdata **ret)
{
	hvp_scope(hvp_perfdata_destroy_scope) struct hvp_perfdata *file = calloc(1, sizeof(*file));

	if (!file)
		return hvp_error_no_memory;
	file->fd = -1;
	hvp_strpool_init(&file->strings);
	hvp_try(open_path(file, path));
	hvp_try(read_magic(file));
	if (file->is_stream) {
		file->data_begin = STREAM_HEADER_SIZE;
		file->data_end = UINT64_MAX;
	} else {
		if (file->file_size == UINT64_MAX)
			return hvp_error_create(HVP_ERROR_UNSUPPORTED,
						"%s: a perf.data file cannot be read from a pipe; "
						"name the file, or record with perf record -o -",
						file->path);
		hvp_try(read_file_header(file));
		if (lseek(file->fd, (off_t)file->data_begin, SEEK_SET) < 0)
			return hvp_error_at(HVP_ERROR_FORMAT, file->path, file->data_begin,
					    "the records cannot begin there");
	}
	*ret = hvp_take(file);
	return NULL;
}

void hvp_perfdata_destroy(struct hvp_perfdata *file)
{
	if (!file)
		return;
	if (file->fd >= 0)
		close(file->fd);
	hvp_map_deinit(&file->attr_of_id);
	hvp_map_deinit(&file->build_id_of_path);
	hvp_strpool_deinit(&file->strings);
	free(file->attrs);
	free(file->build_ids);
	free(file->facts);
	free(file->path);
	free(file);
}

struct hvp_error *hvp_perfdata_take_record(struct hvp_perfdata *file,
					   const struct perf_event_header *header,
					   struct hvp_reader *body)
{
	struct hvp_error *err = NULL;
	uint64_t feature;
	uint32_t size;

	if (header->type == HVP_PERFDATA_ATTR) {
		/* perf_event_attr.size, its second field. */
		struct hvp_reader ahead = *body;

		hvp_try(hvp_read_u32(&ahead, &size));
		hvp_try(hvp_read_u32(&ahead, &size));
		hvp_try(add_attr(file, body, size ? size : PERF_ATTR_SIZE_VER0));
		return add_ids(file, body);
	}
	if (header->type == HVP_PERFDATA_FEATURE) {
		hvp_try(hvp_read_u64(body, &feature));
		err = take_feature(file, feature, body);
	} else if (header->type == HVP_PERFDATA_BUILD_ID) {
		err = add_build_id(file, header->misc, body);
	}
	return is_forgiven(err) ? NULL : err;
}
