/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may open the device, and when. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "session.h"
#include "tests.h"

#define DEVICE "/dev/hvpmu"
#define NOBODY 65534
#define NO_CAPABILITY -1

/* 0, or the error. */
static int try_open(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* Exits with what open() says to a user with this capability alone. */
static void open_as_user(int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (prctl(PR_SET_KEEPCAPS, 1) || setgid(NOBODY) || setuid(NOBODY))
		_exit(255);
	if (capability != NO_CAPABILITY)
		data[capability / 32].permitted = data[capability / 32].effective =
			1u << capability % 32;
	if (syscall(SYS_capset, &header, data))
		_exit(255);
	_exit(try_open());
}

static int error_of_user(int capability)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(1, "fork");
	if (!pid)
		open_as_user(capability);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void permit(void)
{
	struct stat found;

	check_begin("CAP_PERFMON or CAP_SYS_ADMIN opens the device, and no other");
	if (stat(DEVICE, &found))
		err(1, DEVICE);
	check_is("the device's mode", 0600, found.st_mode & 07777);
	/* The file's mode shall not be what refuses. */
	if (chmod(DEVICE, 0666))
		err(1, "mode of %s", DEVICE);
	check_is("a user without", EPERM, (uint64_t)error_of_user(NO_CAPABILITY));
	check_is("one with CAP_SYS_PTRACE", EPERM, (uint64_t)error_of_user(CAP_SYS_PTRACE));
	check_is("one with CAP_NET_ADMIN", EPERM, (uint64_t)error_of_user(CAP_NET_ADMIN));
	check_is("one with CAP_PERFMON", 0, (uint64_t)error_of_user(CAP_PERFMON));
	check_is("one with CAP_SYS_ADMIN", 0, (uint64_t)error_of_user(CAP_SYS_ADMIN));
	if (chmod(DEVICE, 0600))
		err(1, "mode of %s", DEVICE);
	check_end();
}

/* Another process has it, by a descriptor that it inherited, until it ends. */
static void inherit(int fd)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		wait_ms(100);
		_exit(0);
	}
	close(fd);
	check_is("while another process has it", EBUSY, (uint64_t)try_open());
	waitpid(pid, &status, 0);
	check_is("when that has ended", 0, (uint64_t)try_open());
}

static void have_one(void)
{
	int fd;

	check_begin("one session at a time");
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	check_is("whether it can be opened", 1, fd >= 0);
	check_is("a second time", EBUSY, (uint64_t)try_open());
	inherit(fd);
	check_end();
}

static void do_nothing_first(void)
{
	struct hvpmu_dev_info info = {.size = sizeof(info)}, part = {.size = 8};
	struct hvpmu_dev_times times = {.size = sizeof(times)};
	struct pollfd poller = {.events = POLLIN};
	int fd;

	check_begin("before its setup a session has information and nothing else");
	fd = poller.fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	check_is("ENABLE", ENXIO, (uint64_t)(ioctl(fd, HVPMU_IOC_ENABLE) ? errno : 0));
	check_is("DISABLE", ENXIO, (uint64_t)(ioctl(fd, HVPMU_IOC_DISABLE) ? errno : 0));
	check_is("TIMES", ENXIO, (uint64_t)(ioctl(fd, HVPMU_IOC_TIMES, &times) ? errno : 0));
	check_is("another request", ENOTTY, (uint64_t)(ioctl(fd, _IO(0xBA, 9)) ? errno : 0));
	check_is("read()", EINVAL, (uint64_t)(read(fd, &part, 1) < 0 ? errno : 0));
	check_is("mmap()", (uint64_t)(uintptr_t)MAP_FAILED,
		 (uint64_t)(uintptr_t)mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0));
	check_is("its error", ENXIO, (uint64_t)errno);
	check_is("poll()", 1, (uint64_t)poll(&poller, 1, 0));
	check_is("its events", POLLERR, (uint64_t)(poller.revents & POLLERR));
	check_is("INFO", 0, (uint64_t)ioctl(fd, HVPMU_IOC_INFO, &info));
	check_is("the version", HVPMU_DEV_VERSION, info.version);
	check_is("the header's size", 4096, info.header_size);
	check_is("events", 0, info.num_events);
	check_is("VMs with a partitioned PMU", 0, info.num_vms);
	check_is("guests' counters without VMs", 0, info.guest_mask);
	check_is("whether the host has counters", 1, info.host_mask != 0);
	check_is("INFO of 8 bytes", 0, (uint64_t)ioctl(fd, HVPMU_IOC_INFO, &part));
	check_is("bytes of it", 8, part.size);
	check_is("what is behind them", 0, part.num_cpus);
	part.size = 0;
	check_is("INFO of none", EINVAL, (uint64_t)(ioctl(fd, HVPMU_IOC_INFO, &part) ? errno : 0));
	close(fd);
	check_end();
}

void test_access(void)
{
	permit();
	have_one();
	do_nothing_first();
}
