/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"

#include <ftw.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

void fixture_tree_init(struct fixture_tree *tree)
{
	snprintf(tree->path, sizeof(tree->path), "/tmp/hvprof-test-XXXXXX");
	assert_non_null(mkdtemp(tree->path));
	snprintf(tree->proc, sizeof(tree->proc), "%s/proc", tree->path);
	snprintf(tree->sys, sizeof(tree->sys), "%s/sys", tree->path);
	snprintf(tree->debugfs, sizeof(tree->debugfs), "%s/debugfs", tree->path);
	snprintf(tree->tracefs, sizeof(tree->tracefs), "%s/tracefs", tree->path);
	snprintf(tree->run, sizeof(tree->run), "%s/run", tree->path);
	snprintf(tree->dev, sizeof(tree->dev), "%s/dev", tree->path);
	fixture_mkdir(tree, "proc");
	fixture_mkdir(tree, "sys");
	tree->roots = (struct hvp_host_roots){.proc = tree->proc,
					      .sys = tree->sys,
					      .debugfs = tree->debugfs,
					      .tracefs = tree->tracefs,
					      .run = tree->run,
					      .dev = tree->dev};
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
	(void)info;
	(void)type;
	(void)ftw;
	return remove(path);
}

void fixture_tree_deinit(struct fixture_tree *tree)
{
	assert_int_equal(nftw(tree->path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* The path, with all folders above it made. */
static void make_path(const struct fixture_tree *tree, const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", tree->path, name);
	for (char *slash = path + strlen(tree->path) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(path, 0755);
		*slash = '/';
	}
}

void fixture_write_bytes(const struct fixture_tree *tree, const char *name, const void *data,
			 size_t size)
{
	char path[512];
	FILE *file;

	make_path(tree, name, path, sizeof(path));
	file = fopen(path, "wbe");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	fclose(file);
}

void fixture_write(const struct fixture_tree *tree, const char *name, const char *text)
{
	fixture_write_bytes(tree, name, text, strlen(text));
}

void fixture_mkdir(const struct fixture_tree *tree, const char *name)
{
	char path[512];

	make_path(tree, name, path, sizeof(path));
	assert_int_equal(mkdir(path, 0755), 0);
}

void fixture_symlink(const struct fixture_tree *tree, const char *name, const char *target)
{
	char path[512];

	make_path(tree, name, path, sizeof(path));
	assert_int_equal(symlink(target, path), 0);
}

static const char *const state_names[] = {"running", "started", "ended"};

static void log_mmap(FILE *out, const struct hvp_record_mmap *mmap)
{
	fprintf(out, "mmap %d %" PRIx64 "-%" PRIx64 " +%" PRIx64 " %s", (int)mmap->pid,
		mmap->address, mmap->address + mmap->size, mmap->file_offset, mmap->path);
	for (int i = 0; i < mmap->build_id_size; i++)
		fprintf(out, "%s%02x", i ? "" : " ", mmap->build_id[i]);
	putc('\n', out);
}

static void log_blob(FILE *out, const struct hvp_record_blob *blob)
{
	fprintf(out, "blob %d domain %u %s\n%.*s", blob->kind, blob->domain, blob->path,
		(int)blob->size, (const char *)blob->data);
}

static struct hvp_error *log_record(void *arg, const struct hvp_record *record)
{
	struct fixture_log *log = arg;
	FILE *out = log->output.stream;

	log->num_records++;
	if (log->fails_at && log->num_records >= log->fails_at)
		return hvp_error_create(HVP_ERROR_OTHER, "the sink is full");
	switch (record->type) {
	case HVP_RECORD_MMAP: log_mmap(out, &record->mmap); break;
	case HVP_RECORD_BLOB: log_blob(out, &record->blob); break;
	case HVP_RECORD_COMM:
		fprintf(out, "comm %u/%u %s%s\n", record->comm.pid, record->comm.tid,
			record->comm.name, record->comm.is_exec ? " exec" : "");
		break;
	case HVP_RECORD_NAMESPACES: fprintf(out, "namespaces %u\n", record->namespaces.pid); break;
	case HVP_RECORD_DOMAIN:
		fprintf(out, "domain %u %s pid %u %s %s %s %s\n", record->domain.domain,
			state_names[record->domain.state], record->domain.pid, record->domain.name,
			*record->domain.uuid ? record->domain.uuid : "-",
			*record->domain.vmm ? record->domain.vmm : "-",
			*record->domain.identity_from ? record->domain.identity_from : "-");
		break;
	case HVP_RECORD_VCPU:
		fprintf(out, "vcpu %u/%u tid %u\n", record->vcpu.domain, record->vcpu.vcpu,
			record->vcpu.tid);
		break;
	case HVP_RECORD_THROTTLE:
		fprintf(out, "throttle cpu %u event %u %s\n", record->throttle.cpu,
			record->throttle.event, record->throttle.is_end ? "end" : "begin");
		break;
	case HVP_RECORD_NOTE: fprintf(out, "note %s\n", record->note.text); break;
	default: fprintf(out, "record %d\n", record->type); break;
	}
	return NULL;
}

static struct hvp_error *log_sample(void *arg, struct hvp_sample *sample)
{
	struct fixture_log *log = arg;

	(void)sample;
	log->num_samples++;
	return NULL;
}

void fixture_log_init(struct fixture_log *log)
{
	*log = (struct fixture_log){0};
	check_output_open(&log->output);
	log->sink = (struct hvp_sink){.sample = log_sample, .record = log_record, .arg = log};
}

const char *fixture_log_text(struct fixture_log *log)
{
	fflush(log->output.stream);
	return log->output.text;
}

void fixture_log_is(struct fixture_log *log, const char *expected)
{
	check_output_is(&log->output, expected);
	check_output_open(&log->output);
}

void fixture_log_deinit(struct fixture_log *log)
{
	fclose(log->output.stream);
	free(log->output.text);
}
