/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/writer.h"

#include <stdlib.h>
#include <string.h>

#include "common/session/layout.h"
#include "common/session/writer_internal.h"

#define DEFAULT_LEVEL 1
#define DEFAULT_MEMORY_LIMIT (64u << 20)
#define MIN_MEMORY_LIMIT (20u << 20)
/* Of which tables of fixed size, records, stacks, the queue and zstd take this at most. */
#define FIXED_MEMORY (16u << 20)
/* More rows do not make a chunk's dictionaries much cheaper any more. */
#define MAX_ROWS 65536u
/* Records do not wait for more than this. */
#define MAX_RECORD_BYTES (1u << 20)

static struct hvp_error *queue_schema(struct hvp_session_writer *writer)
{
	struct hvp_buf *buf = &writer->payload;

	hvp_buf_clear(buf);
	hvp_schema_put(buf);
	hvp_try(hvp_buf_check(buf));
	return hvp_output_chunk(&writer->output, HVP_CHUNK_SCHEMA, HVP_CODEC_ZSTD, buf->data,
				buf->size, 0);
}

/* Half of what is left of the memory is for rows and the encoder's scratch. */
static struct hvp_error *init_parts(struct hvp_session_writer *writer, int fd,
				    const struct hvp_session_writer_options *options)
{
	size_t limit = options->memory_limit ? options->memory_limit : DEFAULT_MEMORY_LIMIT;
	int level = options->level ? options->level : DEFAULT_LEVEL;
	size_t max_rows;

	limit = limit > MIN_MEMORY_LIMIT ? limit : MIN_MEMORY_LIMIT;
	limit -= FIXED_MEMORY;
	max_rows = limit / 2 / (hvp_writer_row_cost() + hvp_column_encoder_row_cost());
	max_rows = max_rows < MAX_ROWS ? max_rows : MAX_ROWS;
	writer->path = strdup(options->path ? options->path : "session");
	if (!writer->path)
		return hvp_error_no_memory;
	hvp_try(hvp_output_init(&writer->output, fd, writer->path, level));
	hvp_try(hvp_string_table_init(&writer->strings));
	hvp_try(hvp_stacks_init(&writer->stacks));
	hvp_try(hvp_column_encoder_create(max_rows, level, &writer->encoder));
	hvp_try(hvp_writer_init_rows(writer, max_rows));
	writer->next_blob = 1;
	hvp_try(queue_schema(writer));
	return hvp_writer_drain(writer);
}

struct hvp_error *hvp_session_writer_create(int fd,
					    const struct hvp_session_writer_options *options,
					    struct hvp_session_writer **ret)
{
	struct hvp_session_writer *writer = calloc(1, sizeof(*writer));
	struct hvp_error *err;

	if (!writer)
		return hvp_error_no_memory;
	err = init_parts(writer, fd, options);
	if (err) {
		hvp_session_writer_destroy(writer);
		return err;
	}
	*ret = writer;
	return NULL;
}

void hvp_session_writer_destroy(struct hvp_session_writer *writer)
{
	if (!writer)
		return;
	hvp_writer_deinit_rows(writer);
	hvp_column_encoder_destroy(writer->encoder);
	hvp_stacks_deinit(&writer->stacks);
	hvp_string_table_deinit(&writer->strings);
	hvp_output_deinit(&writer->output);
	hvp_buf_deinit(&writer->info);
	hvp_buf_deinit(&writer->events);
	hvp_buf_deinit(&writer->records);
	hvp_buf_deinit(&writer->payload);
	free(writer->path);
	free(writer);
}

static struct hvp_error *write_records(struct hvp_session_writer *writer)
{
	hvp_try(hvp_writer_drain(writer));
	hvp_try(hvp_output_checkpoint(&writer->output));
	hvp_try(hvp_writer_put_losses(writer));
	hvp_try(hvp_writer_queue_records(writer));
	return hvp_writer_drain(writer);
}

/* Only when the queue is empty is anything queued: a failing file does not make the queue grow. */
static struct hvp_error *write_stacks(struct hvp_session_writer *writer)
{
	hvp_try(hvp_writer_drain(writer));
	hvp_try(hvp_writer_queue_stacks(writer));
	return hvp_writer_drain(writer);
}

static struct hvp_error *write_all(struct hvp_session_writer *writer)
{
	hvp_try(write_records(writer));
	hvp_try(write_stacks(writer));
	hvp_try(hvp_writer_queue_samples(writer));
	return hvp_writer_drain(writer);
}

struct hvp_error *hvp_session_writer_flush(struct hvp_session_writer *writer)
{
	return write_all(writer);
}

/* Without memory the buffer is as it was. */
static struct hvp_error *keep_or_cut(struct hvp_buf *buf, size_t size_before)
{
	if (!buf->failed)
		return NULL;
	buf->failed = false;
	buf->size = size_before;
	return hvp_error_no_memory;
}

struct hvp_error *hvp_session_writer_add_info(struct hvp_session_writer *writer, const char *key,
					      const char *value)
{
	size_t before = writer->info.size;

	if (strlen(key) > HVP_MAX_STRING || strlen(value) > HVP_MAX_STRING)
		return hvp_error_create(HVP_ERROR_USAGE,
					"%s: the fact %.40s is longer than %u bytes", writer->path,
					key, HVP_MAX_STRING);
	hvp_buf_add_string(&writer->info, key);
	hvp_buf_add_string(&writer->info, value);
	hvp_try(keep_or_cut(&writer->info, before));
	writer->num_info++;
	return writer->info.size > MAX_RECORD_BYTES ? write_records(writer) : NULL;
}

static void put_event(struct hvp_buf *buf, const struct hvp_event_info *event)
{
	hvp_buf_add_string(buf, event->name);
	hvp_buf_add_string(buf, event->unit);
	hvp_buf_add_varint(buf, event->perf_type);
	hvp_buf_add_varint(buf, event->perf_config);
	hvp_buf_add_varint(buf, event->frequency);
	hvp_buf_add_varint(buf, event->period);
	hvp_buf_add_string(buf, event->scope);
}

struct hvp_error *hvp_session_writer_add_event(struct hvp_session_writer *writer,
					       const struct hvp_event_info *event,
					       uint16_t *ret_index)
{
	hvp_scope(hvp_buf_deinit) struct hvp_buf item;
	size_t before = writer->events.size;

	hvp_buf_init(&item);
	if (writer->next_event >= HVP_MAX_EVENTS)
		return hvp_error_create(HVP_ERROR_USAGE, "%s: more than %u events", writer->path,
					HVP_MAX_EVENTS);
	put_event(&item, event);
	hvp_try(hvp_buf_check(&item));
	hvp_buf_add_varint(&writer->events, item.size);
	hvp_buf_add_bytes(&writer->events, item.data, item.size);
	hvp_try(keep_or_cut(&writer->events, before));
	writer->num_events++;
	*ret_index = writer->next_event++;
	return NULL;
}

static bool records_are_full(const struct hvp_session_writer *writer)
{
	return writer->records.size >= MAX_RECORD_BYTES ||
	       writer->strings.new_strings.size >= MAX_RECORD_BYTES;
}

static struct hvp_error *lose_record(struct hvp_session_writer *writer, struct hvp_error *err)
{
	writer->new_lost_records++;
	writer->stats.lost_records++;
	return err;
}

struct hvp_error *hvp_session_writer_add_record(struct hvp_session_writer *writer,
						const struct hvp_record *record)
{
	struct hvp_error *err;

	if (records_are_full(writer)) {
		if (writer->is_failing)
			return lose_record(writer, NULL);
		err = write_records(writer);
		if (err)
			return lose_record(writer, err);
	}
	err = hvp_writer_put_record(writer, record);
	if (err)
		return lose_record(writer, err);
	/* Of a blob the contents are queued: they do not wait for the next flush in memory. */
	return record->type == HVP_RECORD_BLOB ? hvp_writer_drain(writer) : NULL;
}

/*
 * Makes room for a sample when there is none; `*ret_has_room` false without an error: count it as
 * lost.
 */
static struct hvp_error *make_room(struct hvp_session_writer *writer, bool *ret_has_room)
{
	*ret_has_room = false;
	if (writer->is_failing && --writer->retry_in)
		return NULL;
	hvp_try(writer->rows.num >= writer->rows.max ? write_all(writer) : write_stacks(writer));
	*ret_has_room = true;
	return NULL;
}

static struct hvp_error *lose_sample(struct hvp_session_writer *writer, struct hvp_error *err)
{
	writer->new_lost_samples++;
	writer->stats.lost_samples++;
	return err;
}

static void put_rare(struct hvp_rows *rows, size_t row, const struct hvp_sample *sample,
		     uint32_t stack)
{
	rows->period[row] = sample->period;
	rows->guest_cr3[row] = sample->guest_cr3;
	rows->domain[row] = sample->domain;
	rows->vcpu[row] = sample->vcpu;
	rows->stack[row] = stack;
	rows->event[row] = sample->event;
}

static inline bool has_rare(const struct hvp_rare *first, const struct hvp_sample *sample,
			    uint32_t stack)
{
	return (first->period ^ sample->period) | (first->guest_cr3 ^ sample->guest_cr3) |
	       (first->domain ^ sample->domain) | (first->vcpu ^ sample->vcpu) |
	       (first->event ^ sample->event) | (stack ^ HVP_STACK_NONE) |
	       hvp_mode_is_guest(sample->mode);
}

static void begin_rows(struct hvp_rows *rows, const struct hvp_sample *sample)
{
	rows->has_rare = false;
	rows->first = (struct hvp_rare){
		.period = sample->period,
		.guest_cr3 = sample->guest_cr3,
		.domain = sample->domain,
		.vcpu = sample->vcpu,
		.event = sample->event,
	};
}

/* The first `num` rows are no longer what all are like. */
static void spread_first_row(struct hvp_rows *rows, size_t num)
{
	rows->has_rare = true;
	for (size_t row = 1; row < num; row++) {
		rows->period[row] = rows->period[0];
		rows->guest_cr3[row] = rows->guest_cr3[0];
		rows->domain[row] = rows->domain[0];
		rows->vcpu[row] = rows->vcpu[0];
		rows->stack[row] = rows->stack[0];
		rows->event[row] = rows->event[0];
	}
}

struct hvp_error *hvp_session_writer_add_sample(struct hvp_session_writer *writer,
						const struct hvp_sample *sample)
{
	struct hvp_rows *rows = &writer->rows;
	uint32_t stack = HVP_STACK_NONE;
	struct hvp_error *err;
	size_t row;

	if (__builtin_expect(rows->num >= rows->max || (sample->chain.num_frames &&
							hvp_stacks_are_full(&writer->stacks)),
			     0)) {
		bool has_room;

		err = make_room(writer, &has_room);
		if (err || !has_room)
			return lose_sample(writer, err);
	}
	if (sample->chain.num_frames)
		stack = hvp_stacks_add(&writer->stacks, &sample->chain);
	row = rows->num++;
	if (__builtin_expect(!row, 0))
		begin_rows(rows, sample);
	if (!rows->has_rare && __builtin_expect(has_rare(&rows->first, sample, stack), 0))
		spread_first_row(rows, row);
	rows->time[row] = sample->time;
	rows->ip[row] = sample->ip;
	rows->pid[row] = sample->pid;
	rows->tid[row] = sample->tid;
	rows->cpu[row] = sample->cpu;
	rows->mode[row] = sample->mode;
	if (!row || rows->has_rare)
		put_rare(rows, row, sample, stack);
	if (sample->time > writer->last_time)
		writer->last_time = sample->time;
	writer->stats.samples++;
	return NULL;
}

static struct hvp_error *queue_end(struct hvp_session_writer *writer,
				   const struct hvp_session_end *end)
{
	struct hvp_buf *buf = &writer->payload;

	hvp_buf_clear(buf);
	hvp_buf_add_varint(buf, end->start_time);
	hvp_buf_add_varint(buf, end->end_time);
	hvp_buf_add_varint(buf, end->collector_cpu_ns);
	hvp_buf_add_varint(buf, end->collector_rss_bytes);
	hvp_buf_add_varint(buf, writer->stats.samples);
	hvp_try(hvp_buf_check(buf));
	return hvp_output_chunk(&writer->output, HVP_CHUNK_END, HVP_CODEC_NONE, buf->data,
				buf->size, 0);
}

/* Each step is done once, also when a later one fails and finish is called again. */
struct hvp_error *hvp_session_writer_finish(struct hvp_session_writer *writer,
					    const struct hvp_session_end *end)
{
	if (!writer->has_end) {
		hvp_try(write_all(writer));
		/* What was lost while the last rows were on their way. */
		hvp_try(write_records(writer));
		hvp_try(queue_end(writer, end));
		writer->has_end = true;
	}
	if (!writer->is_finished) {
		hvp_try(hvp_output_end(&writer->output));
		writer->is_finished = true;
	}
	return hvp_writer_drain(writer);
}

void hvp_session_writer_get_stats(const struct hvp_session_writer *writer,
				  struct hvp_session_writer_stats *ret)
{
	*ret = writer->stats;
}
