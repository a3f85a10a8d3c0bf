/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kvm/vmm_identity.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/scope.h"

#define MAX_ARGUMENTS 4096

/* The command line cut into its arguments; both borrow from one copy. */
struct command {
	const char *arguments[MAX_ARGUMENTS];
	size_t num;
};

static void copy_text(char *to, size_t size, const char *from, size_t length)
{
	if (length >= size)
		length = size - 1;
	memcpy(to, from, length);
	to[length] = 0;
}

/*
 * One value of a list of "key=value,key=value": QEMU's options. A comma in a value is doubled; the
 * first part may stand without a key. False when the key is not there.
 */
static bool find_key(const char *list, const char *key, const char *implied, char *ret, size_t size)
{
	size_t key_length = strlen(key);
	bool is_first = true;

	while (*list) {
		size_t length = 0, out = 0;
		char part[1024];

		for (; list[length] && (list[length] != ',' || list[length + 1] == ',');
		     length += list[length] == ',' ? 2 : 1)
			if (out < sizeof(part) - 1)
				part[out++] = list[length];
		part[out] = 0;
		if (!strncmp(part, key, key_length) && part[key_length] == '=') {
			copy_text(ret, size, part + key_length + 1, out - key_length - 1);
			return true;
		}
		if (is_first && implied && !strcmp(implied, key) && !strchr(part, '=')) {
			copy_text(ret, size, part, out);
			return out != 0;
		}
		is_first = false;
		list += length;
		if (*list == ',')
			list++;
	}
	return false;
}

/* The argument behind an option ("-name X", "--name X", "--name=X"), or NULL. */
static const char *option_value(const struct command *command, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 1; i < command->num; i++) {
		const char *argument = command->arguments[i];

		if (*argument != '-')
			continue;
		argument += argument[1] == '-' ? 2 : 1;
		if (strncmp(argument, name, length))
			continue;
		if (argument[length] == '=')
			return argument + length + 1;
		if (!argument[length] && i + 1 < command->num)
			return command->arguments[i + 1];
	}
	return NULL;
}

static void set_name(struct hvp_vm_identity *identity, const char *name)
{
	if (name)
		copy_text(identity->name, sizeof(identity->name), name, strlen(name));
}

/* libvirt's JSON form of an object or chardev: good enough to find one quoted value. */
static bool find_json_value(const char *text, const char *key, char *ret, size_t size)
{
	char pattern[64];
	const char *at, *end;

	snprintf(pattern, sizeof(pattern), "\"%s\":\"", key);
	at = strstr(text, pattern);
	end = at ? strchr(at + strlen(pattern), '"') : NULL;
	if (!end)
		return false;
	at += strlen(pattern);
	copy_text(ret, size, at, (size_t)(end - at));
	return true;
}

/* The socket of a chardev that "-mon chardev=ID,mode=control" uses. */
static bool find_chardev(const struct command *command, const char *id, char *ret, size_t size)
{
	for (size_t i = 1; i + 1 < command->num; i++) {
		const char *value = command->arguments[i + 1];
		char text[HVP_VM_PATH_MAX];

		if (strcmp(command->arguments[i], "-chardev"))
			continue;
		if (*value == '{') {
			if (find_json_value(value, "id", text, sizeof(text)) && !strcmp(text, id) &&
			    find_json_value(value, "path", ret, size))
				return true;
			continue;
		}
		if (find_key(value, "id", NULL, text, sizeof(text)) && !strcmp(text, id) &&
		    find_key(value, "path", NULL, ret, size))
			return true;
	}
	return false;
}

/* "-qmp unix:/run/web.qmp,server=on,wait=off" or "-mon chardev=mon,mode=control". */
static void find_qmp_socket(const struct command *command, struct hvp_vm_identity *identity)
{
	const char *qmp = option_value(command, "qmp");
	const char *monitor = option_value(command, "mon");
	char id[HVP_VM_PATH_MAX], mode[16];

	if (qmp && !strncmp(qmp, "unix:", 5)) {
		copy_text(identity->control, sizeof(identity->control), qmp + 5,
			  strcspn(qmp + 5, ","));
		return;
	}
	if (!monitor || !find_key(monitor, "chardev", "chardev", id, sizeof(id)) ||
	    !find_key(monitor, "mode", NULL, mode, sizeof(mode)) || strcmp(mode, "control"))
		return;
	if (!find_chardev(command, id, identity->control, sizeof(identity->control)))
		identity->control[0] = 0;
}

/* "-name web", "-name guest=web,debug-threads=on", "-uuid ...", "-smbios type=1,uuid=...". */
static void identify_qemu(const struct command *command, struct hvp_vm_identity *identity)
{
	const char *name = option_value(command, "name");
	const char *uuid = option_value(command, "uuid");
	const char *smbios = option_value(command, "smbios");

	if (name && !find_key(name, "guest", "guest", identity->name, sizeof(identity->name)))
		identity->name[0] = 0;
	if (uuid)
		copy_text(identity->uuid, sizeof(identity->uuid), uuid, strlen(uuid));
	else if (smbios)
		find_key(smbios, "uuid", NULL, identity->uuid, sizeof(identity->uuid));
	find_qmp_socket(command, identity);
}

static void identify_by_id(const struct command *command, struct hvp_vm_identity *identity)
{
	set_name(identity, option_value(command, "id"));
}

static void identify_by_name(const struct command *command, struct hvp_vm_identity *identity)
{
	const char *name = option_value(command, "name");

	set_name(identity, name ? name : option_value(command, "n"));
}

/*
 * The last part of a path without its extension, and the folder when it says nothing:
 * /run/vm/web.sock and /run/vm/web/api.sock are "web".
 */
static void name_from_socket(struct hvp_vm_identity *identity, const char *path)
{
	static const char *const generic[] = {"api",	 "ch",	   "cloud-hypervisor",
					      "clh-api", "clh",	   "control",
					      "vmm",	 "socket", "crosvm"};
	const char *file = strrchr(path, '/');
	size_t length;

	file = file ? file + 1 : path;
	length = strcspn(file, ".");
	for (size_t i = 0; i < sizeof(generic) / sizeof(generic[0]); i++) {
		if (strlen(generic[i]) != length || strncmp(generic[i], file, length))
			continue;
		if (file - path < 2)
			return;
		length = (size_t)(file - 1 - path);
		for (file = path + length; file > path && file[-1] != '/'; file--)
			;
		length -= (size_t)(file - path);
		break;
	}
	copy_text(identity->name, sizeof(identity->name), file, length);
}

/* cloud-hypervisor: "--api-socket path=/run/ch/web.sock", "--platform uuid=...". */
static void identify_cloud_hypervisor(const struct command *command,
				      struct hvp_vm_identity *identity)
{
	const char *platform = option_value(command, "platform");
	const char *socket = option_value(command, "api-socket");
	char path[HVP_VM_PATH_MAX];

	if (platform)
		find_key(platform, "uuid", NULL, identity->uuid, sizeof(identity->uuid));
	if (socket && find_key(socket, "path", "path", path, sizeof(path)))
		name_from_socket(identity, path);
}

/* crosvm: "crosvm run --name web ...", "--socket /run/web.sock". */
static void identify_crosvm(const struct command *command, struct hvp_vm_identity *identity)
{
	const char *name = option_value(command, "name");
	const char *socket = option_value(command, "socket");

	if (name)
		set_name(identity, name);
	else if (socket || (socket = option_value(command, "s")))
		name_from_socket(identity, socket);
}

/* A VMM is known by how its program's name begins. */
static const struct vmm {
	const char *program;
	const char *name;
	void (*identify)(const struct command *command, struct hvp_vm_identity *identity);
} vmms[] = {
	{"qemu-system-", "qemu", identify_qemu},
	{"qemu-kvm", "qemu", identify_qemu},
	{"kvm-spice", "qemu", identify_qemu},
	{"kvm", "qemu", identify_qemu},
	{"firecracker", "firecracker", identify_by_id},
	{"cloud-hypervisor", "cloud-hypervisor", identify_cloud_hypervisor},
	{"crosvm", "crosvm", identify_crosvm},
	{"lkvm", "kvmtool", identify_by_name},
	{"vm", "kvmtool", identify_by_name},
	{"bhyve", "bhyve", identify_by_name},
	{"stratovirt", "stratovirt", identify_by_name},
	{"dragonball", "dragonball", identify_by_id},
	{"alioth", "alioth", identify_by_name},
};

static const struct vmm *find_vmm(const char *program)
{
	for (size_t i = 0; i < sizeof(vmms) / sizeof(vmms[0]); i++) {
		size_t length = strlen(vmms[i].program);
		bool is_prefix = !strncmp(program, vmms[i].program, length);

		/* "vm" and "kvm" alone are names; "vmstat" and "kvm_stat" are others. */
		if (is_prefix && (length > 4 || !program[length]))
			return &vmms[i];
	}
	return NULL;
}

static void split_command(const char *cmdline, size_t size, struct command *ret)
{
	const char *end = cmdline + size;

	ret->num = 0;
	/* An argument that does not end in NUL was cut off: it is left out. */
	while (cmdline < end && ret->num < MAX_ARGUMENTS) {
		const char *nul = memchr(cmdline, 0, (size_t)(end - cmdline));

		if (!nul)
			break;
		ret->arguments[ret->num++] = cmdline;
		cmdline = nul + 1;
	}
}

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void hvp_vm_identity_from_command(const char *cmdline, size_t size, const char *program,
				  struct hvp_vm_identity *ret)
{
	hvp_scope(hvp_free_ptr) struct command *command = malloc(sizeof(*command));
	const struct vmm *vmm;

	*ret = (struct hvp_vm_identity){.vmm = "", .from = ""};
	if (!command)
		return;
	split_command(cmdline, size, command);
	vmm = find_vmm(file_name(program));
	/* A wrapper or a renamed file still calls itself by argv[0]. */
	if (!vmm && command->num)
		vmm = find_vmm(file_name(command->arguments[0]));
	if (!vmm)
		return;
	ret->vmm = vmm->name;
	vmm->identify(command, ret);
	if (ret->name[0])
		ret->from = "cmdline";
}

void hvp_vm_identity_read(const struct hvp_host_roots *roots, uint32_t pid,
			  struct hvp_vm_identity *ret)
{
	hvp_scope(hvp_free_ptr) char *cmdline = NULL;
	char path[512], program[1024] = "", comm[64] = "gone";
	struct hvp_error *err;
	size_t size = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%u/exe", roots->proc, pid);
	n = readlink(path, program, sizeof(program) - 1);
	program[n > 0 ? n : 0] = 0;
	snprintf(path, sizeof(path), "%s/%u/comm", roots->proc, pid);
	hvp_file_read_small(AT_FDCWD, path, comm, sizeof(comm));
	snprintf(path, sizeof(path), "%s/%u/cmdline", roots->proc, pid);
	err = hvp_file_read(path, 4u << 20, &cmdline, &size);
	hvp_error_destroy(err);
	hvp_vm_identity_from_command(cmdline ? cmdline : "", size, program, ret);
	if (ret->name[0])
		return;
	snprintf(ret->name, sizeof(ret->name), "pid %u (%s)", pid, comm);
	ret->from = "comm";
}

/* Digits to the end of the text. */
static bool parse_number(const char *text, uint32_t *ret)
{
	uint64_t value;

	if (!hvp_parse_u64(text, UINT32_MAX - 1, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

bool hvp_vcpu_from_thread_name(const char *name, uint32_t *ret)
{
	static const char *const prefixes[] = {"fc_vcpu ", "crosvm_vcpu", "kvm-vcpu-", "vcpu_",
					       "vcpu-",	   "vcpu",	  "VCPU "};
	char number[16];

	if (!strncmp(name, "CPU ", 4)) {
		size_t length = strcspn(name + 4, "/");

		if (strcmp(name + 4 + length, "/KVM") || length >= sizeof(number))
			return false;
		copy_text(number, sizeof(number), name + 4, length);
		return parse_number(number, ret);
	}
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i]);

		if (!strncmp(name, prefixes[i], length) && parse_number(name + length, ret))
			return true;
	}
	return false;
}

bool hvp_owner_from_thread_name(const char *name, uint32_t *ret_pid)
{
	static const char *const prefixes[] = {"vhost-", "kvm-pit/", "kvm-nx-lpage-recovery-",
					       "kvm-nx-lpage-re-"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i]);

		if (!strncmp(name, prefixes[i], length) && parse_number(name + length, ret_pid))
			return true;
	}
	return false;
}
