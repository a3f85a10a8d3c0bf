/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/array.h"
#include "common/session/reader_internal.h"
#include "common/session/spool.h"

/* Appends to the one line that says what is wrong. */
static hvp_printf(2, 3) void say(struct hvp_buf *line, const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0)
		return;
	if (line->size)
		hvp_buf_add_bytes(line, "; ", 2);
	hvp_buf_add_bytes(line, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* Samples that were written, as far as that is known. */
static uint64_t written_samples(const struct hvp_session *session)
{
	if (session->has_end)
		return session->end_samples;
	return session->damage.has_trailer ? session->index_samples : 0;
}

/* Makes damage.text; NULL when nothing is wrong. */
static struct hvp_error *describe_damage(struct hvp_session *session)
{
	struct hvp_damage *damage = &session->damage;
	uint64_t written = written_samples(session);
	struct hvp_error *err;
	struct hvp_buf line;

	hvp_buf_init(&line);
	if (damage->is_header_damaged)
		say(&line, "the file header is damaged");
	if (damage->num_places)
		say(&line, "%" PRIu64 " damaged %s, first: %s", damage->num_places,
		    damage->num_places == 1 ? "place" : "places",
		    damage->first ? damage->first : "(no memory to say where)");
	if (damage->num_chunks_missing)
		say(&line, "%" PRIu64 " chunks are missing", damage->num_chunks_missing);
	if (written > session->num_samples)
		say(&line, "%" PRIu64 " of %" PRIu64 " samples are lost",
		    written - session->num_samples, written);
	if (!session->has_end)
		say(&line,
		    "the session has no end (the collector was killed, the disk was full, or the "
		    "file "
		    "was cut short): read up to offset 0x%" PRIx64,
		    damage->end_offset);
	else if (!damage->has_trailer)
		say(&line, "the trailer is damaged");
	if (damage->num_bytes_behind)
		say(&line, "%" PRIu64 " bytes at offset 0x%" PRIx64 " are no whole chunk",
		    damage->num_bytes_behind, damage->end_offset);
	hvp_buf_add_u8(&line, 0);
	err = hvp_buf_check(&line);
	if (!err && line.size > 1) {
		damage->text =
			hvp_arena_strndup(&session->arena, (const char *)line.data, line.size - 1);
		err = damage->text ? NULL : hvp_error_no_memory;
	}
	hvp_buf_deinit(&line);
	return err;
}

/*
 * Rows of an event whose description did not survive need one to point to. A file that was only cut
 * short has all its events: they come before the samples.
 */
static struct hvp_error *add_unknown_event(struct hvp_session *session)
{
	session->unknown_event = UINT16_MAX;
	if (!session->damage.num_places && !session->damage.num_chunks_missing)
		return NULL;
	hvp_try(hvp_array_reserve(&session->events, &session->events_capacity,
				  session->num_events + 1, sizeof(*session->events)));
	session->unknown_event = (uint16_t)session->num_events;
	session->events[session->num_events++] =
		(struct hvp_event_info){.name = "[damaged]", .unit = "", .scope = ""};
	return NULL;
}

/* Without the collector's word: from the first sample to the last. */
static void derive_end(struct hvp_session *session)
{
	if (session->has_end)
		return;
	for (size_t i = 0; i < session->num_chunks; i++) {
		const struct hvp_chunk_info *info = &session->chunks[i].info;

		if (!i || info->first_time < session->end.start_time)
			session->end.start_time = info->first_time;
		if (!i || info->last_time > session->end.end_time)
			session->end.end_time = info->last_time;
	}
}

static struct hvp_error *load(struct hvp_session *session)
{
	hvp_try(hvp_column_decoder_create(&session->decoder));
	hvp_try(hvp_session_walk(session));
	hvp_column_decoder_destroy(session->decoder);
	session->decoder = NULL;
	hvp_buf_deinit(&session->stored);
	hvp_buf_deinit(&session->room);
	hvp_try(hvp_sort_records(session));
	hvp_try(describe_damage(session));
	derive_end(session);
	return add_unknown_event(session);
}

/* Takes the descriptor over in any case. */
static struct hvp_error *open_fd(int fd, const char *name, struct hvp_session **ret)
{
	struct hvp_session *session = calloc(1, sizeof(*session));
	struct hvp_error *err;
	struct stat stat;

	if (!session) {
		close(fd);
		return hvp_error_no_memory;
	}
	session->fd = fd;
	session->path = strdup(name);
	if (!session->path) {
		hvp_session_destroy(session);
		return hvp_error_no_memory;
	}
	if (fstat(fd, &stat) == 0) {
		session->file_size = (uint64_t)stat.st_size;
		err = load(session);
	} else {
		err = hvp_error_from_errno(errno, "%s", name);
	}
	if (err) {
		hvp_session_destroy(session);
		return err;
	}
	*ret = session;
	return NULL;
}

struct hvp_error *hvp_session_open_fd(int fd, const char *name, struct hvp_session **ret)
{
	struct stat stat;
	int own;

	if (fstat(fd, &stat) < 0)
		return hvp_error_from_errno(errno, "%s", name);
	if (S_ISDIR(stat.st_mode))
		return hvp_error_create(HVP_ERROR_USAGE, "%s: is a folder, not a session file",
					name);
	if (!S_ISREG(stat.st_mode)) {
		hvp_try(hvp_spool(fd, name, &own));
		return open_fd(own, name, ret);
	}
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return hvp_error_from_errno(errno, "%s", name);
	return open_fd(own, name, ret);
}

struct hvp_error *hvp_session_open(const char *path, struct hvp_session **ret)
{
	hvp_scope(hvp_close_fd) int fd = -1;

	if (strcmp(path, "-") == 0)
		return hvp_session_open_fd(STDIN_FILENO, "standard input", ret);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return hvp_error_from_errno(errno, "%s: cannot open the session", path);
	return hvp_session_open_fd(fd, path, ret);
}

void hvp_session_destroy(struct hvp_session *session)
{
	if (!session)
		return;
	for (size_t i = 0; i < session->num_blobs; i++)
		hvp_buf_deinit(&session->blobs[i].bytes);
	free(session->blobs);
	free(session->info);
	free(session->events);
	free(session->strings);
	free(session->string_ranges.ranges);
	free(session->records);
	hvp_free_stacks(session);
	free(session->chunks);
	free(session->groups);
	hvp_column_decoder_destroy(session->decoder);
	hvp_buf_deinit(&session->stored);
	hvp_buf_deinit(&session->room);
	hvp_arena_deinit(&session->arena);
	hvp_close_fd(&session->fd);
	free(session->path);
	free(session);
}

const char *hvp_session_path(const struct hvp_session *session)
{
	return session->path;
}

const char *hvp_session_info(const struct hvp_session *session, const char *key)
{
	for (size_t i = 0; i < session->num_info; i++)
		if (strcmp(session->info[i].key, key) == 0)
			return session->info[i].value;
	return NULL;
}

size_t hvp_session_num_info(const struct hvp_session *session)
{
	return session->num_info;
}

void hvp_session_info_at(const struct hvp_session *session, size_t index, const char **ret_key,
			 const char **ret_value)
{
	*ret_key = session->info[index].key;
	*ret_value = session->info[index].value;
}

size_t hvp_session_num_events(const struct hvp_session *session)
{
	return session->num_events;
}

const struct hvp_event_info *hvp_session_event(const struct hvp_session *session, size_t index)
{
	return &session->events[index];
}

size_t hvp_session_num_records(const struct hvp_session *session)
{
	return session->num_records;
}

const struct hvp_record *hvp_session_record(const struct hvp_session *session, size_t index)
{
	return &session->records[index];
}

bool hvp_session_end(const struct hvp_session *session, struct hvp_session_end *ret)
{
	*ret = session->end;
	return session->has_end;
}

const char *hvp_session_damage(const struct hvp_session *session)
{
	return session->damage.text;
}

uint64_t hvp_session_num_samples(const struct hvp_session *session)
{
	return session->num_samples;
}
