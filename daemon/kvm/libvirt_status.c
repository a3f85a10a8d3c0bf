/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kvm/libvirt_status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/scope.h"

#define MAX_FILE (4u << 20)
#define MAX_FILES 4096
#define MAX_VCPUS 4096
#define MAX_DEPTH 256

/* A place in the text. */
struct span {
	const char *begin, *end;
};

/* One tag, with the text between the tag before and it. */
struct tag {
	struct span text, name, attributes;
	/* "</name>"; "<name/>" */
	bool is_end, is_empty;
};

struct xml {
	const char *path, *begin, *at, *end;
};

static struct hvp_error *bad(const struct xml *xml, const char *why)
{
	return hvp_error_create(HVP_ERROR_FORMAT, "%s: at offset %zu: %s", xml->path,
				(size_t)(xml->at - xml->begin), why);
}

static bool begins(const struct xml *xml, const char *text)
{
	size_t length = strlen(text);

	return (size_t)(xml->end - xml->at) >= length && !memcmp(xml->at, text, length);
}

static bool skip_to(struct xml *xml, const char *mark)
{
	const char *found = memmem(xml->at, (size_t)(xml->end - xml->at), mark, strlen(mark));

	if (found)
		xml->at = found + strlen(mark);
	return found != NULL;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* From behind '<' to behind '>'; a '>' in quotes is part of a value. */
static struct hvp_error *read_tag(struct xml *xml, struct tag *ret)
{
	char quote = 0;

	ret->is_end = xml->at < xml->end && *xml->at == '/';
	xml->at += ret->is_end;
	ret->name.begin = xml->at;
	while (xml->at < xml->end && !is_space(*xml->at) && *xml->at != '/' && *xml->at != '>')
		xml->at++;
	ret->name.end = ret->attributes.begin = xml->at;
	for (; xml->at < xml->end && (quote || *xml->at != '>'); xml->at++) {
		if (quote)
			quote = *xml->at == quote ? 0 : quote;
		else if (*xml->at == '"' || *xml->at == '\'')
			quote = *xml->at;
	}
	if (xml->at == xml->end || ret->name.begin == ret->name.end)
		return bad(xml, "a tag does not end");
	ret->attributes.end = xml->at;
	ret->is_empty = xml->at[-1] == '/';
	xml->at++;
	return NULL;
}

/* HVP_ERROR_FORMAT where no tag follows. */
static struct hvp_error *next_tag(struct xml *xml, struct tag *ret)
{
	for (;;) {
		const char *text = xml->at;

		xml->at = memchr(xml->at, '<', (size_t)(xml->end - xml->at));
		if (!xml->at) {
			xml->at = xml->end;
			return bad(xml, "the text ends before the root element does");
		}
		ret->text = (struct span){text, xml->at};
		if (begins(xml, "<!--") || begins(xml, "<?")) {
			if (!skip_to(xml, xml->at[1] == '?' ? "?>" : "-->"))
				return bad(xml, "a comment does not end");
			continue;
		}
		if (begins(xml, "<!"))
			return bad(xml, "a declaration that no status file has");
		xml->at++;
		return read_tag(xml, ret);
	}
}

static bool is_name(const struct tag *tag, const char *name)
{
	size_t length = (size_t)(tag->name.end - tag->name.begin);

	return length == strlen(name) && !memcmp(tag->name.begin, name, length);
}

/* The character that "&lt;" or the like stands for; 0 when it is none of XML's five. */
static char entity(struct span *at)
{
	static const struct {
		const char *text;
		char value;
	} entities[] = {
		{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};

	for (size_t i = 0; i < HVP_ARRAY_SIZE(entities); i++) {
		size_t length = strlen(entities[i].text);

		if ((size_t)(at->end - at->begin) < length ||
		    memcmp(at->begin, entities[i].text, length) != 0)
			continue;
		at->begin += length;
		return entities[i].value;
	}
	return 0;
}

/* Cut to `size`; a NUL in it ends it. */
static void decode(struct span text, char *ret, size_t size)
{
	size_t num = 0;

	while (text.begin < text.end && num < size - 1) {
		char c = entity(&text);

		ret[num++] = c ? c : *text.begin++;
	}
	ret[num] = 0;
}

/* A decimal attribute; false without it. */
static bool find_number(const struct tag *tag, const char *name, uint32_t *ret)
{
	const char *at = tag->attributes.begin, *end = tag->attributes.end;
	size_t length = strlen(name);

	while (at < end) {
		const char *key, *key_end, *value;
		uint64_t number;
		char text[16];

		while (at < end && is_space(*at))
			at++;
		key = at;
		while (at < end && *at != '=')
			at++;
		key_end = at;
		if (end - at < 2 || (at[1] != '"' && at[1] != '\''))
			return false;
		value = at + 2;
		at = memchr(value, at[1], (size_t)(end - value));
		if (!at)
			return false;
		if ((size_t)(key_end - key) == length && !memcmp(key, name, length)) {
			decode((struct span){value, at}, text, sizeof(text));
			if (!hvp_parse_u64(text, UINT32_MAX - 1, &number))
				return false;
			*ret = (uint32_t)number;
			return true;
		}
		at++;
	}
	return false;
}

/* "<vcpu id='0' pid='17156'/>"; before libvirt 2 without the id. */
static struct hvp_error *take_vcpu(const struct tag *tag, size_t *capacity,
				   struct hvp_libvirt_status *status)
{
	struct hvp_kvm_vcpu vcpu = {.vcpu = (uint32_t)status->num_vcpus};

	if (!find_number(tag, "pid", &vcpu.tid) || !vcpu.tid || status->num_vcpus == MAX_VCPUS)
		return NULL;
	find_number(tag, "id", &vcpu.vcpu);
	hvp_try(hvp_array_reserve(&status->vcpus, capacity, status->num_vcpus + 1,
				  sizeof(*status->vcpus)));
	status->vcpus[status->num_vcpus++] = vcpu;
	return NULL;
}

enum within { WITHIN_OTHER, WITHIN_VCPUS, WITHIN_DOMAIN };

/* A tag that begins an element, or the end of one that has only text. `depth` 1: below the root. */
static struct hvp_error *take_tag(const struct tag *tag, unsigned int depth, enum within *within,
				  size_t *capacity, struct hvp_libvirt_status *status)
{
	if (depth == 1 && !tag->is_end)
		*within = is_name(tag, "vcpus")	   ? WITHIN_VCPUS
			  : is_name(tag, "domain") ? WITHIN_DOMAIN
						   : WITHIN_OTHER;
	if (depth != 2)
		return NULL;
	if (*within == WITHIN_VCPUS && !tag->is_end && is_name(tag, "vcpu"))
		return take_vcpu(tag, capacity, status);
	if (*within == WITHIN_DOMAIN && tag->is_end && is_name(tag, "name"))
		decode(tag->text, status->name, sizeof(status->name));
	if (*within == WITHIN_DOMAIN && tag->is_end && is_name(tag, "uuid"))
		decode(tag->text, status->uuid, sizeof(status->uuid));
	return NULL;
}

struct hvp_error *hvp_libvirt_status_parse(const char *path, const char *text, size_t size,
					   struct hvp_libvirt_status *ret)
{
	hvp_scope(hvp_libvirt_status_deinit) struct hvp_libvirt_status status = {0};
	struct xml xml = {.path = path, .begin = text, .at = text, .end = text + size};
	enum within within = WITHIN_OTHER;
	unsigned int depth = 0;
	size_t capacity = 0;
	struct tag tag;

	hvp_try(next_tag(&xml, &tag));
	if (!is_name(&tag, "domstatus") || tag.is_end || tag.is_empty ||
	    !find_number(&tag, "pid", &status.pid) || !status.pid)
		return bad(&xml, "not <domstatus ... pid='N'>");
	for (depth = 1; depth;) {
		hvp_try(next_tag(&xml, &tag));
		depth -= tag.is_end;
		if (depth)
			hvp_try(take_tag(&tag, depth, &within, &capacity, &status));
		depth += !tag.is_end && !tag.is_empty;
		if (depth > MAX_DEPTH)
			return bad(&xml, "elements are nested too deeply");
	}
	if (!status.name[0])
		return bad(&xml, "the domain has no name");
	*ret = status;
	status.vcpus = NULL;
	return NULL;
}

void hvp_libvirt_status_deinit(struct hvp_libvirt_status *status)
{
	free(status->vcpus);
	*status = (struct hvp_libvirt_status){0};
}

/* Only root's and our own: what others wrote could give a VM another's name. */
static bool is_trusted(const struct stat *info)
{
	return S_ISREG(info->st_mode) && (!info->st_uid || info->st_uid == geteuid()) &&
	       !(info->st_mode & (S_IWGRP | S_IWOTH));
}

static struct hvp_error *read_file(const char *path, struct hvp_libvirt_status *ret)
{
	hvp_scope(hvp_close_fd) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	hvp_scope(hvp_free_ptr) char *text = NULL;
	char own[32];
	struct stat info;
	size_t size;

	if (fd < 0 && errno == ENOENT)
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "%s: not there", path);
	if (fd < 0 || fstat(fd, &info))
		return hvp_error_from_errno(errno, "%s: cannot open", path);
	if (!is_trusted(&info))
		return hvp_error_create(HVP_ERROR_PERMISSION,
					"%s: not read, others than root can write it", path);
	snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	hvp_try(hvp_file_read(own, MAX_FILE, &text, &size));
	return hvp_libvirt_status_parse(path, text, size, ret);
}

/* The file's status when it is the process's; otherwise HVP_ERROR_NOT_FOUND. */
static struct hvp_error *read_of_process(const char *path, uint32_t pid,
					 struct hvp_libvirt_status *ret)
{
	hvp_try(read_file(path, ret));
	if (ret->pid == pid)
		return NULL;
	hvp_libvirt_status_deinit(ret);
	return hvp_error_create(HVP_ERROR_NOT_FOUND, "%s: another process's", path);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool look_through(const char *folder, uint32_t pid, struct hvp_libvirt_status *ret)
{
	hvp_scope(close_dir) DIR *dir = opendir(folder);
	struct dirent *entry;

	for (int num = 0; dir && num < MAX_FILES && (entry = readdir(dir)); num++) {
		const char *dot = strrchr(entry->d_name, '.');
		struct hvp_error *err;
		char path[1400];

		if (!dot || strcmp(dot, ".xml") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		err = read_of_process(path, pid, ret);
		if (!err)
			return true;
		hvp_error_destroy(err);
	}
	return false;
}

struct hvp_error *hvp_libvirt_find(const struct hvp_host_roots *roots, uint32_t pid,
				   const char *name, struct hvp_libvirt_status *ret)
{
	static const char *const drivers[] = {"qemu", "ch"};
	char path[1024];

	*ret = (struct hvp_libvirt_status){0};
	for (size_t i = 0; i < HVP_ARRAY_SIZE(drivers); i++) {
		struct hvp_error *err;

		snprintf(path, sizeof(path), "%s/libvirt/%s", roots->run, drivers[i]);
		if (!*name && look_through(path, pid, ret))
			return NULL;
		if (!*name || strchr(name, '/'))
			continue;
		snprintf(path, sizeof(path), "%s/libvirt/%s/%s.xml", roots->run, drivers[i], name);
		err = read_of_process(path, pid, ret);
		if (!err || hvp_error_code(err) != HVP_ERROR_NOT_FOUND)
			return err;
		hvp_error_destroy(err);
	}
	return hvp_error_create(HVP_ERROR_NOT_FOUND, "libvirt does not run process %u", pid);
}
