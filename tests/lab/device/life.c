/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes and goes while a session runs: VMs, CPUs, KVM itself. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "guests.h"
#include "tests.h"

static void end_vms(void)
{
	uint32_t domain = 0;
	struct session s;
	pid_t guests;

	check_begin("the end of a VM is told once, and its number is never another's");
	session_begin(&s, session_default, SESSION_NUM_DEFAULT, SESSION_DATA_SIZE, 0);
	session_enable(&s);
	for (unsigned int i = 1; i <= 3; i++) {
		guests = guests_start(2, NULL);
		/* Those on the way to their loops. */
		session_drain(&s, NULL);
		wait_ms(100);
		session_drain(&s, guests_look);
		check_is("VMs that have ended, while one runs", i - 1, s.num_ended);
		check_is("whether its number is higher than all before", 1, s.last_domain > domain);
		domain = s.last_domain;
		guests_stop(guests);
		wait_ms(20);
		session_drain(&s, guests_look);
		check_is("VMs that have ended", i, s.num_ended);
		check_is("which one", domain, s.last_ended);
	}
	session_end(&s);
	check_end();
}

void test_end(void)
{
	end_vms();
}

static void set_online(unsigned int cpu, bool is_online)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	file = fopen(path, "we");
	if (!file || fprintf(file, "%d", is_online) < 0 || fclose(file))
		err(1, "%s", path);
}

/* Samples that CPU 1 takes while it is on or off. */
static unsigned int take_while(struct session *s, bool is_online)
{
	unsigned int before;

	set_online(1, is_online);
	session_drain(s, guests_look);
	before = s->rings[1].samples;
	wait_ms(200);
	session_drain(s, guests_look);
	return s->rings[1].samples - before;
}

static void unplug(uint32_t flags, const char *name)
{
	struct session s;
	pid_t guests;

	check_begin(name);
	guests = guests_start(2, NULL);
	session_begin(&s, session_default, SESSION_NUM_DEFAULT, SESSION_DATA_SIZE, flags);
	session_enable(&s);
	for (unsigned int i = 0; i < 3; i++) {
		check_is("whether a CPU has samples", 1, take_while(&s, true) > 10);
		check_is("samples of a CPU that is off", 0, take_while(&s, false));
	}
	session_disable(&s);
	check_is("samples of a CPU that came when nothing was to be sampled", 0,
		 take_while(&s, true));
	check_is("records that were lost", 0, session_lost(&s));
	session_end(&s);
	guests_stop(guests);
	check_end();
}

static void plug_in_later(void)
{
	struct session s;
	pid_t guests;

	check_begin("a CPU that comes after the setup has its samples");
	guests = guests_start(2, NULL);
	set_online(1, false);
	session_begin(&s, session_default, SESSION_NUM_DEFAULT, SESSION_DATA_SIZE, 0);
	session_enable(&s);
	check_is("whether it has samples", 1, take_while(&s, true) > 10);
	/* Without DISABLE. */
	session_end(&s);
	guests_stop(guests);
	check_end();
}

void test_hotplug(void)
{
	unplug(0, "a CPU goes and comes three times during a session");
	unplug(HVPMU_DEV_CHAIN, "a CPU goes and comes three times during a session with chains");
	plug_in_later();
}

static int unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
}

static void load(const char *file, const char *parameters)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/lib/modules/%s.ko", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0))
		err(1, "%s with \"%s\"", path, parameters);
	close(fd);
}

static void expect_samples(const char *what)
{
	pid_t guests = guests_start(2, NULL);
	struct session s;

	session_begin(&s, session_default, SESSION_NUM_DEFAULT, SESSION_DATA_SIZE, 0);
	session_run(&s, 200, guests_look);
	check_is(what, 1, session_in_guests(&s, -1) > 10);
	guests_stop(guests);
	session_end(&s);
}

/* In the environment: the vendor's module as a file and as the kernel calls it, and parameters of kvm. */
void test_unload(void)
{
	const char *file = getenv("VENDOR_MODULE"), *name = getenv("VENDOR_MODULE_NAME");
	const char *parameters = getenv("KVM_PARAMETERS");
	struct session s;
	pid_t guests;

	check_begin("KVM stays while a session is open, and goes and comes without");
	if (!file || !name || !parameters)
		errx(2, "VENDOR_MODULE, VENDOR_MODULE_NAME and KVM_PARAMETERS have to be set");
	session_begin(&s, session_default, SESSION_NUM_DEFAULT, SESSION_DATA_SIZE, 0);
	session_enable(&s);
	check_is("the vendor's module goes", 0, (uint64_t)unload(name));
	check_is("kvm stays", EWOULDBLOCK, (uint64_t)unload("kvm"));
	wait_ms(100);
	session_drain(&s, guests_look);
	check_is("whether the host has samples", 1, session_samples(&s) > 10);
	load(file, "");
	guests = guests_start(2, NULL);
	/* Those on the way to their loops. */
	session_drain(&s, NULL);
	wait_ms(200);
	session_drain(&s, guests_look);
	check_is("whether guests have samples later", 1, session_in_guests(&s, -1) > 10);
	guests_stop(guests);
	session_end(&s);
	check_is("the vendor's module goes, without session", 0, (uint64_t)unload(name));
	check_is("kvm goes", 0, (uint64_t)unload("kvm"));
	check_is("whether the device has gone", ENOENT,
		 (uint64_t)(access("/dev/hvpmu", F_OK) ? errno : 0));
	load("kvm", parameters);
	load(file, "");
	expect_samples("whether guests have samples with KVM back");
	check_end();
}
