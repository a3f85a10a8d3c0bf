/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Constants of the session format; docs/man/hvprof.data.5.scd is its description. */
#ifndef HVP_COMMON_SESSION_FORMAT_H
#define HVP_COMMON_SESSION_FORMAT_H

/* Keys of session facts. Values are text; numbers are decimal. */
#define HVP_INFO_VERSION "hvprof.version"
#define HVP_INFO_COMMAND "hvprof.command"
#define HVP_INFO_SOURCE "source"
#define HVP_INFO_CLOCK "clock"
/* Wall clock (CLOCK_REALTIME, ns since 1970) at the session's start_time. */
#define HVP_INFO_START_REALTIME "start.realtime"
#define HVP_INFO_HOSTNAME "host.name"
#define HVP_INFO_KERNEL "host.kernel"
#define HVP_INFO_KERNEL_BUILD_ID "host.kernel.build-id"
#define HVP_INFO_BOOT_ID "host.boot-id"
#define HVP_INFO_ARCH "host.arch"
#define HVP_INFO_CPU_MODEL "host.cpu"
#define HVP_INFO_CPUS_ONLINE "host.cpus.online"
#define HVP_INFO_CPUS_POSSIBLE "host.cpus.possible"
#define HVP_INFO_TARGET "target"
/* How perf made a perf.data file that was imported. */
#define HVP_INFO_PERF_COMMAND "perf.command"
/*
 * Images that the user named for a guest at record time: "guest.NAME.kallsyms", ".modules",
 * ".vmlinux", ".root".
 */
#define HVP_INFO_GUEST_PREFIX "guest."

/* The first 8 bytes: like PNG's, they show a transfer in text mode or with 7 bits. */
#define HVP_FILE_MAGIC "\x89HVP\r\n\x1a\n"
#define HVP_FILE_MAGIC_SIZE 8
/* A reader refuses another major number; a larger minor one only adds what can be skipped. */
#define HVP_FORMAT_MAJOR 2
#define HVP_FORMAT_MINOR 0
#define HVP_FILE_HEADER_SIZE 32

#define HVP_CHUNK_MAGIC 0x6b435648u /* "HVCk" */
#define HVP_CHUNK_HEADER_SIZE 32
#define HVP_TRAILER_MAGIC "HVPend\r\n"
#define HVP_TRAILER_SIZE 32

enum hvp_chunk_type {
	HVP_CHUNK_SCHEMA = 1,
	HVP_CHUNK_INFO = 2,
	HVP_CHUNK_EVENTS = 3,
	HVP_CHUNK_STRINGS = 4,
	HVP_CHUNK_RECORDS = 5,
	HVP_CHUNK_BLOB = 6,
	HVP_CHUNK_STACKS = 7,
	HVP_CHUNK_SAMPLES = 8,
	HVP_CHUNK_END = 9,
	HVP_CHUNK_INDEX = 10,
	HVP_CHUNK_CHAINS = 11,
};

/* How the payload of a chunk is stored. */
enum hvp_codec {
	HVP_CODEC_NONE = 0,
	HVP_CODEC_ZSTD = 1,
};

/* A reader that does not know the type must not go on. */
#define HVP_CHUNK_CRITICAL 0x01u

/* Limits, which bound the memory that hostile input can make a reader take. */
#define HVP_MAX_CHUNK_SIZE (16u << 20)
/* Payload bytes per stored byte; what compresses better is stored as it is. */
#define HVP_MAX_ZSTD_RATIO 128u
/* Rows of a chunk of samples, stacks or chains. */
#define HVP_MAX_ROWS (1u << 17)
/* Bytes of a string, without NUL. */
#define HVP_MAX_STRING (1u << 20)
/* Bytes of a blob, over all its chunks. */
#define HVP_MAX_BLOB (1u << 30)
#define HVP_MAX_EVENTS 4096u

/* Columns of the sample table: the fields of struct hvp_row. */
enum hvp_sample_column {
	HVP_SAMPLE_TIME = 1,
	HVP_SAMPLE_IP = 2,
	HVP_SAMPLE_PERIOD = 3,
	HVP_SAMPLE_GUEST_CR3 = 4,
	HVP_SAMPLE_PID = 5,
	HVP_SAMPLE_TID = 6,
	HVP_SAMPLE_CPU = 7,
	HVP_SAMPLE_DOMAIN = 8,
	HVP_SAMPLE_VCPU = 9,
	HVP_SAMPLE_STACK = 10,
	HVP_SAMPLE_EVENT = 11,
	HVP_SAMPLE_MODE = 12,
};
#define HVP_NUM_SAMPLE_COLUMNS 13

/* Of which side a stack's frames are. */
enum hvp_side {
	HVP_SIDE_KERNEL = 0,
	HVP_SIDE_USER = 1,
};
#define HVP_NUM_SIDES 2

/* Columns of the stack table. A node's number is the table's first number plus its row. */
enum hvp_stack_column {
	/* The node's number minus its parent's (the caller's); 0 of an outermost frame. */
	HVP_STACK_UP = 1,
	HVP_STACK_FRAME = 2,
};
#define HVP_NUM_STACK_COLUMNS 3

/* Columns of the chain table, references both (reference.h): the innermost node of each side. */
enum hvp_chain_column {
	HVP_CHAIN_KERNEL = 1,
	HVP_CHAIN_USER = 2,
};
#define HVP_NUM_CHAIN_COLUMNS 3

/* What the numbers of a column stand for. */
enum hvp_encoding {
	/* The values. */
	HVP_ENCODING_VALUES = 0,
	/* Each minus the one before (0 before the first), zigzag. */
	HVP_ENCODING_DELTAS = 1,
	/* The same as quotient and remainder of a fixed step. */
	HVP_ENCODING_STEPS = 2,
	/* Numbers in a dictionary of the chunk's distinct values. */
	HVP_ENCODING_DICTIONARY = 3,
	/* One value per entry of another column's dictionary. */
	HVP_ENCODING_BY_COLUMN = 4,
};

/* How a stream of unsigned numbers is stored. */
enum hvp_stream {
	/* One number, that all are. */
	HVP_STREAM_SAME = 0,
	/* Runs of equal numbers: a stream of lengths minus 1, a stream of numbers. */
	HVP_STREAM_RUNS = 1,
	/* A block with a byte per number. */
	HVP_STREAM_BYTES = 2,
	/* A block with the bit length of each, then all bits below the highest. */
	HVP_STREAM_BITS = 3,
	/* A block with 8 bytes per number. */
	HVP_STREAM_WORDS = 4,
};

#endif
