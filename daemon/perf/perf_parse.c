/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perf/perf_parse.h"

#include <string.h>
#include <sys/mman.h>

/* Linux 6.18: user frames that follow in a later record. */
#define CONTEXT_USER_DEFERRED ((uint64_t)-640)

/* No kernel lets a program map its first page; 57 bits are those of five levels of page tables. */
#define FIRST_USER_ADDRESS 4096u
#define USER_ADDRESS_BITS 57

/* What a ring of one event without chains has not: a usual sample saves no registers for it. */
#define RARE __attribute__((noinline))

/*
 * A record's fields from the front (`at`) and, for the sample_id at its end, from the back (`end`).
 */
struct cursor {
	const uint8_t *at, *end;
};

static inline bool take_u64(struct cursor *cursor, uint64_t *ret)
{
	if ((size_t)(cursor->end - cursor->at) < sizeof(*ret))
		return false;
	memcpy(ret, cursor->at, sizeof(*ret));
	cursor->at += sizeof(*ret);
	return true;
}

static inline bool take_u32_pair(struct cursor *cursor, uint32_t *ret_first, uint32_t *ret_second)
{
	uint64_t both;

	if (!take_u64(cursor, &both))
		return false;
	*ret_first = (uint32_t)both;
	*ret_second = (uint32_t)(both >> 32);
	return true;
}

static enum hvp_mode mode_of(uint16_t misc)
{
	switch (misc & PERF_RECORD_MISC_CPUMODE_MASK) {
	case PERF_RECORD_MISC_KERNEL: return HVP_MODE_HOST_KERNEL;
	case PERF_RECORD_MISC_USER: return HVP_MODE_HOST_USER;
	case PERF_RECORD_MISC_HYPERVISOR: return HVP_MODE_HYPERVISOR;
	case PERF_RECORD_MISC_GUEST_KERNEL: return HVP_MODE_GUEST_KERNEL;
	case PERF_RECORD_MISC_GUEST_USER: return HVP_MODE_GUEST_USER;
	default: return HVP_MODE_UNKNOWN;
	}
}

/* False for an id that is none of ours. Mostly it is the one of the sample before. */
static RARE bool event_of(struct hvp_perf_parser *parser, uint64_t id, uint16_t *ret)
{
	uint64_t value;

	if (id != parser->last_id || !parser->has_last) {
		if (!hvp_map_get(parser->event_of_id, id, &value))
			return false;
		parser->last_id = id;
		parser->last_event = (uint16_t)value;
		parser->has_last = true;
	}
	*ret = parser->last_event;
	return true;
}

/* A run of frames of one side: from behind its marker up to the next. */
struct segment {
	const uint64_t *frames;
	uint64_t num;
};

struct segments {
	struct segment kernel, user;
	/* The side of the first: the one that the sample itself is on. */
	bool begins_in_kernel;
	bool has_any;
};

static void close_segment(struct segments *segments, uint64_t marker, const uint64_t *frames,
			  uint64_t num)
{
	struct segment *side;

	if (marker == PERF_CONTEXT_KERNEL)
		side = &segments->kernel;
	else if (marker == PERF_CONTEXT_USER || marker == CONTEXT_USER_DEFERRED)
		side = &segments->user;
	else
		/*
		 * A guest's or a hypervisor's, or one that is not known yet: not the host's to
		 * show.
		 */
		return;
	if (!num || side->num)
		return;
	*side = (struct segment){frames, num};
	if (!segments->has_any)
		segments->begins_in_kernel = side == &segments->kernel;
	segments->has_any = true;
}

static void find_segments(const uint64_t *ips, uint64_t num, struct segments *ret)
{
	uint64_t marker = 0, begin = 0;

	for (uint64_t i = 0; i < num; i++) {
		if (ips[i] < (uint64_t)PERF_CONTEXT_MAX)
			continue;
		close_segment(ret, marker, ips + begin, i - begin);
		marker = ips[i];
		begin = i + 1;
	}
	close_segment(ret, marker, ips + begin, num - begin);
}

/*
 * How many of a user stack's frames can be code. Whoever keeps data in the frame pointer's register
 * makes the kernel take data for frames; what has no address of user space, at most 57 bits and not
 * in the first page, gives that away, and all that is behind it was found by following data.
 */
static uint64_t num_plausible(const struct segment *user)
{
	uint64_t num = 0;

	while (num < user->num && user->frames[num] >= FIRST_USER_ADDRESS &&
	       !(user->frames[num] >> USER_ADDRESS_BITS))
		num++;
	return num;
}

/*
 * The callers only: the first frame is the sampled instruction itself. One side alone is handed out
 * where it lies; two have a marker between them and are put together in the scratch.
 */
static void make_chain(struct hvp_perf_parser *parser, const uint64_t *ips, uint64_t num,
		       struct hvp_chain *ret)
{
	struct segments segments = {0};
	uint64_t num_kernel, num_user;

	find_segments(ips, num, &segments);
	if (!segments.has_any)
		return;
	if (segments.begins_in_kernel) {
		segments.kernel.frames++;
		segments.kernel.num--;
	} else {
		segments.user.frames++;
		segments.user.num--;
	}
	segments.user.num = num_plausible(&segments.user);
	num_kernel = segments.kernel.num < HVP_MAX_CHAIN ? segments.kernel.num : HVP_MAX_CHAIN;
	num_user = segments.user.num < HVP_MAX_CHAIN - num_kernel ? segments.user.num
								  : HVP_MAX_CHAIN - num_kernel;
	ret->num_kernel = (uint32_t)num_kernel;
	ret->num_frames = (uint32_t)(num_kernel + num_user);
	if (!num_user) {
		ret->frames = segments.kernel.frames;
	} else if (!num_kernel) {
		ret->frames = segments.user.frames;
	} else {
		memcpy(parser->chain, segments.kernel.frames, num_kernel * sizeof(uint64_t));
		memcpy(parser->chain + num_kernel, segments.user.frames,
		       num_user * sizeof(uint64_t));
		ret->frames = parser->chain;
	}
}

static RARE bool take_chain(struct hvp_perf_parser *parser, struct cursor *cursor,
			    struct hvp_sample *sample)
{
	const uint64_t *ips;
	uint64_t num;

	if (!take_u64(cursor, &num) || num > (size_t)(cursor->end - cursor->at) / sizeof(uint64_t))
		return false;
	ips = (const uint64_t *)cursor->at;
	cursor->at += num * sizeof(uint64_t);
	/* While a guest runs the stack that the kernel could walk is the host's. */
	if (num && !hvp_mode_is_guest(sample->mode))
		make_chain(parser, ips, num, &sample->chain);
	return true;
}

/* What our own rings hold, and in which order: PERF_RECORD_SAMPLE in perf_event_open(2). */
#define USUAL_TYPE                                                                                 \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD)

struct usual_fields {
	uint64_t ip;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t cpu, reserved;
	uint64_t period;
};

/* All fields at once: what happens thousands of times a second. Several events have identifiers. */
static bool take_usual(struct cursor *cursor, uint64_t type, struct hvp_sample *sample,
		       uint64_t *ret_id)
{
	struct usual_fields fields;

	if ((type & PERF_SAMPLE_IDENTIFIER) && !take_u64(cursor, ret_id))
		return false;
	if ((size_t)(cursor->end - cursor->at) < sizeof(fields))
		return false;
	memcpy(&fields, cursor->at, sizeof(fields));
	cursor->at += sizeof(fields);
	sample->ip = fields.ip;
	sample->pid = fields.pid;
	sample->tid = fields.tid;
	sample->time = fields.time;
	sample->cpu = fields.cpu;
	sample->period = fields.period;
	return true;
}

/* The same fields, as far as they are there. */
static RARE bool take_some(struct cursor *cursor, uint64_t type, struct hvp_sample *sample,
			   uint64_t *ret_id)
{
	uint32_t reserved;

	return (!(type & PERF_SAMPLE_IDENTIFIER) || take_u64(cursor, ret_id)) &&
	       (!(type & PERF_SAMPLE_IP) || take_u64(cursor, &sample->ip)) &&
	       (!(type & PERF_SAMPLE_TID) || take_u32_pair(cursor, &sample->pid, &sample->tid)) &&
	       (!(type & PERF_SAMPLE_TIME) || take_u64(cursor, &sample->time)) &&
	       (!(type & PERF_SAMPLE_CPU) || take_u32_pair(cursor, &sample->cpu, &reserved)) &&
	       (!(type & PERF_SAMPLE_PERIOD) || take_u64(cursor, &sample->period));
}

static enum hvp_perf_kind parse_sample(struct hvp_perf_parser *parser, struct cursor *cursor,
				       uint16_t misc, struct hvp_sample *sample)
{
	uint64_t type = parser->sample_type, id = 0;
	bool is_whole;

	*sample = (struct hvp_sample){
		.mode = (uint8_t)mode_of(misc), .vcpu = HVP_VCPU_NONE, .cpu = parser->cpu};
	is_whole =
		(type & ~(uint64_t)(PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_IDENTIFIER)) == USUAL_TYPE
			? take_usual(cursor, type, sample, &id)
			: take_some(cursor, type, sample, &id);
	if (!is_whole)
		return HVP_PERF_MALFORMED;
	if ((type & PERF_SAMPLE_CALLCHAIN) && !take_chain(parser, cursor, sample))
		return HVP_PERF_MALFORMED;
	if ((type & PERF_SAMPLE_IDENTIFIER) && !event_of(parser, id, &sample->event))
		return HVP_PERF_MALFORMED;
	if (parser->guest_mode_by_address && hvp_mode_is_guest(sample->mode))
		sample->mode = sample->ip >> 63 ? HVP_MODE_GUEST_KERNEL : HVP_MODE_GUEST_USER;
	return HVP_PERF_SAMPLE;
}

/*
 * Who, when and where of the records that are not samples: fields at their end, for sample_id_all.
 */
struct sample_id {
	uint32_t pid, tid, cpu;
	uint64_t time;
};

static bool take_sample_id(const struct hvp_perf_parser *parser, struct cursor *cursor,
			   struct sample_id *ret)
{
	uint64_t type = parser->sample_type;
	size_t size = (!!(type & PERF_SAMPLE_TID) + !!(type & PERF_SAMPLE_TIME) +
		       !!(type & PERF_SAMPLE_CPU) + !!(type & PERF_SAMPLE_IDENTIFIER)) *
		      sizeof(uint64_t);
	struct cursor tail;
	uint32_t reserved;

	*ret = (struct sample_id){.cpu = parser->cpu};
	if ((size_t)(cursor->end - cursor->at) < size)
		return false;
	cursor->end -= size;
	tail = (struct cursor){cursor->end, cursor->end + size};
	return (!(type & PERF_SAMPLE_TID) || take_u32_pair(&tail, &ret->pid, &ret->tid)) &&
	       (!(type & PERF_SAMPLE_TIME) || take_u64(&tail, &ret->time)) &&
	       (!(type & PERF_SAMPLE_CPU) || take_u32_pair(&tail, &ret->cpu, &reserved));
}

/* The text that ends the record, padded with NULs to a multiple of 8. */
static bool take_string(struct cursor *cursor, const char **ret)
{
	if (!memchr(cursor->at, 0, (size_t)(cursor->end - cursor->at)))
		return false;
	*ret = (const char *)cursor->at;
	return true;
}

static enum hvp_perf_kind parse_mmap(struct cursor *cursor, struct hvp_record *record)
{
	struct hvp_record_mmap *mmap = &record->mmap;

	record->type = HVP_RECORD_MMAP;
	*mmap = (struct hvp_record_mmap){.is_exec = true};
	if (!take_u32_pair(cursor, &mmap->pid, &mmap->tid) || !take_u64(cursor, &mmap->address) ||
	    !take_u64(cursor, &mmap->size) || !take_u64(cursor, &mmap->file_offset) ||
	    !take_string(cursor, &mmap->path))
		return HVP_PERF_MALFORMED;
	return HVP_PERF_RECORD;
}

/* The 24 bytes that are either device and inode, or a build id. */
static bool take_build_id(struct cursor *cursor, bool has_build_id, struct hvp_record_mmap *mmap)
{
	const uint8_t *bytes = cursor->at;
	uint64_t ignored;

	for (int i = 0; i < 3; i++)
		if (!take_u64(cursor, &ignored))
			return false;
	if (!has_build_id)
		return true;
	if (bytes[0] > HVP_BUILD_ID_MAX)
		return false;
	mmap->build_id_size = bytes[0];
	memcpy(mmap->build_id, bytes + 4, mmap->build_id_size);
	return true;
}

static enum hvp_perf_kind parse_mmap2(struct cursor *cursor, uint16_t misc,
				      struct hvp_record *record)
{
	struct hvp_record_mmap *mmap = &record->mmap;
	uint32_t protection, flags;

	record->type = HVP_RECORD_MMAP;
	*mmap = (struct hvp_record_mmap){0};
	if (!take_u32_pair(cursor, &mmap->pid, &mmap->tid) || !take_u64(cursor, &mmap->address) ||
	    !take_u64(cursor, &mmap->size) || !take_u64(cursor, &mmap->file_offset) ||
	    !take_build_id(cursor, misc & PERF_RECORD_MISC_MMAP_BUILD_ID, mmap) ||
	    !take_u32_pair(cursor, &protection, &flags) || !take_string(cursor, &mmap->path))
		return HVP_PERF_MALFORMED;
	mmap->is_exec = protection & PROT_EXEC;
	return mmap->is_exec ? HVP_PERF_RECORD : HVP_PERF_NOTHING;
}

static enum hvp_perf_kind parse_comm(struct cursor *cursor, uint16_t misc,
				     struct hvp_record *record)
{
	struct hvp_record_comm *comm = &record->comm;

	record->type = HVP_RECORD_COMM;
	*comm = (struct hvp_record_comm){.is_exec = misc & PERF_RECORD_MISC_COMM_EXEC};
	if (!take_u32_pair(cursor, &comm->pid, &comm->tid) || !take_string(cursor, &comm->name))
		return HVP_PERF_MALFORMED;
	return HVP_PERF_RECORD;
}

static enum hvp_perf_kind parse_task(struct cursor *cursor, enum hvp_record_type type,
				     struct hvp_record *record)
{
	struct hvp_record_task *task = &record->task;

	record->type = type;
	/* pid, ppid, tid, ptid, time: the kernel's clock is the session's here too. */
	if (!take_u32_pair(cursor, &task->pid, &task->parent_pid) ||
	    !take_u32_pair(cursor, &task->tid, &task->parent_tid) ||
	    !take_u64(cursor, &record->time))
		return HVP_PERF_MALFORMED;
	return HVP_PERF_RECORD;
}

static enum hvp_perf_kind parse_throttle(struct hvp_perf_parser *parser, struct cursor *cursor,
					 const struct sample_id *who, bool is_end,
					 struct hvp_record *record)
{
	struct hvp_record_throttle *throttle = &record->throttle;
	uint64_t time, id;

	record->type = HVP_RECORD_THROTTLE;
	*throttle = (struct hvp_record_throttle){.cpu = who->cpu, .is_end = is_end};
	if (!take_u64(cursor, &time) || !take_u64(cursor, &id))
		return HVP_PERF_MALFORMED;
	if ((parser->sample_type & PERF_SAMPLE_IDENTIFIER) &&
	    !event_of(parser, id, &throttle->event))
		return HVP_PERF_NOTHING;
	return HVP_PERF_RECORD;
}

static enum hvp_perf_kind parse_namespaces(struct cursor *cursor, struct hvp_record *record)
{
	struct hvp_record_namespaces *namespaces = &record->namespaces;
	uint64_t num, device, inode;

	record->type = HVP_RECORD_NAMESPACES;
	*namespaces = (struct hvp_record_namespaces){0};
	if (!take_u32_pair(cursor, &namespaces->pid, &namespaces->tid) || !take_u64(cursor, &num))
		return HVP_PERF_MALFORMED;
	for (uint64_t i = 0; i < num; i++) {
		if (!take_u64(cursor, &device) || !take_u64(cursor, &inode))
			return HVP_PERF_MALFORMED;
		if (i == PID_NS_INDEX)
			namespaces->pid_namespace = inode;
		else if (i == MNT_NS_INDEX)
			namespaces->mount_namespace = inode;
	}
	return HVP_PERF_RECORD;
}

static enum hvp_perf_kind parse_ksymbol(struct cursor *cursor, struct hvp_record *record)
{
	struct hvp_record_ksymbol *ksymbol = &record->ksymbol;
	uint32_t size, type_and_flags;

	record->type = HVP_RECORD_KSYMBOL;
	if (!take_u64(cursor, &ksymbol->address) ||
	    !take_u32_pair(cursor, &size, &type_and_flags) || !take_string(cursor, &ksymbol->name))
		return HVP_PERF_MALFORMED;
	ksymbol->size = size;
	ksymbol->is_gone = (type_and_flags >> 16) & PERF_RECORD_KSYMBOL_FLAGS_UNREGISTER;
	return HVP_PERF_RECORD;
}

static enum hvp_perf_kind parse_lost(struct cursor *cursor, bool has_id, uint64_t *ret)
{
	uint64_t id;

	if ((has_id && !take_u64(cursor, &id)) || !take_u64(cursor, ret))
		return HVP_PERF_MALFORMED;
	return has_id ? HVP_PERF_LOST : HVP_PERF_LOST_SAMPLES;
}

static RARE enum hvp_perf_kind parse_other(struct hvp_perf_parser *parser,
					   const struct perf_event_header *header,
					   struct cursor *cursor, struct hvp_perf_parsed *ret)
{
	struct sample_id who;

	if (!take_sample_id(parser, cursor, &who))
		return HVP_PERF_MALFORMED;
	/* The union's members share their memory: counts first. */
	if (header->type == PERF_RECORD_LOST || header->type == PERF_RECORD_LOST_SAMPLES)
		return parse_lost(cursor, header->type == PERF_RECORD_LOST, &ret->lost);
	ret->record.time = who.time;
	switch (header->type) {
	case PERF_RECORD_MMAP: return parse_mmap(cursor, &ret->record);
	case PERF_RECORD_MMAP2: return parse_mmap2(cursor, header->misc, &ret->record);
	case PERF_RECORD_COMM: return parse_comm(cursor, header->misc, &ret->record);
	case PERF_RECORD_FORK: return parse_task(cursor, HVP_RECORD_FORK, &ret->record);
	case PERF_RECORD_EXIT: return parse_task(cursor, HVP_RECORD_EXIT, &ret->record);
	case PERF_RECORD_THROTTLE: return parse_throttle(parser, cursor, &who, false, &ret->record);
	case PERF_RECORD_UNTHROTTLE:
		return parse_throttle(parser, cursor, &who, true, &ret->record);
	case PERF_RECORD_NAMESPACES: return parse_namespaces(cursor, &ret->record);
	case PERF_RECORD_KSYMBOL: return parse_ksymbol(cursor, &ret->record);
	default: return HVP_PERF_NOTHING;
	}
}

void hvp_perf_parse(struct hvp_perf_parser *parser, const struct perf_event_header *header,
		    struct hvp_perf_parsed *ret)
{
	const uint8_t *data = (const uint8_t *)header;
	struct cursor cursor = {data + sizeof(*header), data + header->size};

	if (header->type == PERF_RECORD_SAMPLE)
		ret->kind = parse_sample(parser, &cursor, header->misc, &ret->sample);
	else
		ret->kind = parse_other(parser, header, &cursor, ret);
}
