/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Setups and mappings that are refused, and leave nothing behind; a reader that writes what it likes. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "guests.h"
#include "tests.h"

#define DATA_SIZE 8192u
#define RING_SIZE (4096u + DATA_SIZE)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct hvpmu_dev_event good = {PERF_TYPE_HARDWARE, 0, PERF_COUNT_HW_CPU_CYCLES,
					    1000003, "cycles"};

struct bad_setup {
	const char *name;
	int error;
	struct hvpmu_dev_setup setup;
};

#define EVENTS ((uintptr_t)&good)
#define SIZE sizeof(struct hvpmu_dev_setup)

static const struct bad_setup bad_setups[] = {
	{"size 0", EINVAL, {0, 0, 4096, EVENTS, 1, 0}},
	{"a size that is too small", EINVAL, {31, 0, 4096, EVENTS, 1, 0}},
	{"a size beyond all", EINVAL, {~0u, 0, 4096, EVENTS, 1, 0}},
	{"flags that are none", EINVAL, {SIZE, ~0u, 4096, EVENTS, 1, 0}},
	{"no data", EINVAL, {SIZE, 0, 0, EVENTS, 1, 0}},
	{"too little data", EINVAL, {SIZE, 0, 2048, EVENTS, 1, 0}},
	{"data that are no power of two", EINVAL, {SIZE, 0, 12288, EVENTS, 1, 0}},
	{"too much data", EINVAL, {SIZE, 0, 1ull << 31, EVENTS, 1, 0}},
	{"no events", EINVAL, {SIZE, 0, 4096, EVENTS, 0, 0}},
	{"33 events", EINVAL, {SIZE, 0, 4096, EVENTS, 33, 0}},
	{"events beyond all", EINVAL, {SIZE, 0, 4096, EVENTS, ~0u, 0}},
	{"chains of 128", EINVAL, {SIZE, 0, 4096, EVENTS, 1, 128}},
	{"events nowhere", EFAULT, {SIZE, 0, 4096, 0, 1, 0}},
	{"events in the kernel", EFAULT, {SIZE, 0, 4096, ~0ull << 12, 1, 0}},
	/* More than the machine has. */
	{"rings without memory for them", ENOMEM, {SIZE, 0, 1u << 30, EVENTS, 1, 0}},
};

struct bad_event {
	const char *name;
	int error;
	struct hvpmu_dev_event event;
};

static const struct bad_event bad_events[] = {
	{"flags that are none", EINVAL, {PERF_TYPE_HARDWARE, 1u << 5, 0, 1000003, ""}},
	{"period 0", EINVAL, {PERF_TYPE_HARDWARE, 0, 0, 0, ""}},
	{"a negative period", EINVAL, {PERF_TYPE_HARDWARE, 0, 0, 1ull << 63, ""}},
	{"a frequency beyond all",
	 EINVAL,
	 {PERF_TYPE_HARDWARE, HVPMU_DEV_FREQUENCY, 0, HVPMU_DEV_FREQUENCY_MAX + 1, ""}},
	{"a tracepoint", EINVAL, {PERF_TYPE_TRACEPOINT, 0, 1, 1, ""}},
	{"a breakpoint", EINVAL, {PERF_TYPE_BREAKPOINT, 0, 0, 1, ""}},
	{"page faults", EINVAL, {PERF_TYPE_SOFTWARE, 0, PERF_COUNT_SW_PAGE_FAULTS, 1, ""}},
	{"a PMU that is not there", ENOENT, {0x7fffffff, 0, 0, 1000003, ""}},
	{"an event that the PMU has not", EINVAL, {PERF_TYPE_HARDWARE, 0, 0xffff, 1000003, ""}},
};

static int error_of(int fd, unsigned long request, const void *argument)
{
	return ioctl(fd, request, argument) ? errno : 0;
}

static int open_device(void)
{
	int fd = open("/dev/hvpmu", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "/dev/hvpmu");
	return fd;
}

static void refuse_events(int fd)
{
	struct hvpmu_dev_setup setup;
	struct hvpmu_dev_event event = good;

	for (size_t i = 0; i < COUNT(bad_events); i++) {
		setup = session_setup(&bad_events[i].event, 1, 4096, 0);
		check_is(bad_events[i].name, (uint64_t)bad_events[i].error,
			 (uint64_t)error_of(fd, HVPMU_IOC_SETUP, &setup));
	}
	memset(event.name, 'x', sizeof(event.name));
	setup = session_setup(&event, 1, 4096, 0);
	check_is("a name without end", EINVAL, (uint64_t)error_of(fd, HVPMU_IOC_SETUP, &setup));
}

static void refuse_setups(void)
{
	struct hvpmu_dev_setup setup = session_setup(&good, 1, DATA_SIZE, 0);
	uint8_t later[sizeof(setup) + 8] = {sizeof(later)};
	int fd;

	check_begin("a setup that cannot be is refused, and another may follow");
	fd = open_device();
	check_is("no setup at all", EFAULT, (uint64_t)error_of(fd, HVPMU_IOC_SETUP, NULL));
	for (size_t i = 0; i < COUNT(bad_setups); i++)
		check_is(bad_setups[i].name, (uint64_t)bad_setups[i].error,
			 (uint64_t)error_of(fd, HVPMU_IOC_SETUP, &bad_setups[i].setup));
	refuse_events(fd);
	memcpy(later + 4, (uint8_t *)&setup + 4, sizeof(setup) - 4);
	later[sizeof(later) - 1] = 1;
	check_is("a later version's with something new", E2BIG,
		 (uint64_t)error_of(fd, HVPMU_IOC_SETUP, later));
	later[sizeof(later) - 1] = 0;
	check_is("a later version's with nothing new", 0,
		 (uint64_t)error_of(fd, HVPMU_IOC_SETUP, later));
	check_is("a second one", EBUSY, (uint64_t)error_of(fd, HVPMU_IOC_SETUP, &setup));
	for (unsigned int i = 0; i < 2; i++)
		check_is("ENABLE, and again", 0, (uint64_t)error_of(fd, HVPMU_IOC_ENABLE, NULL));
	for (unsigned int i = 0; i < 2; i++)
		check_is("DISABLE, and again", 0, (uint64_t)error_of(fd, HVPMU_IOC_DISABLE, NULL));
	close(fd);
	check_end();
}

struct bad_mapping {
	const char *name;
	size_t size;
	off_t offset;
	int protection, flags, error;
};

#define READ_WRITE (PROT_READ | PROT_WRITE)

static const struct bad_mapping bad_mappings[] = {
	{"not at a ring's begin", RING_SIZE, 4096, READ_WRITE, MAP_SHARED, EINVAL},
	{"a part of a ring", RING_SIZE - 4096, 0, READ_WRITE, MAP_SHARED, EINVAL},
	{"more than a ring", RING_SIZE + 4096, 0, READ_WRITE, MAP_SHARED, EINVAL},
	{"two rings", 2 * RING_SIZE, 0, READ_WRITE, MAP_SHARED, EINVAL},
	{"a private one", RING_SIZE, 0, READ_WRITE, MAP_PRIVATE, EINVAL},
	{"an executable one", RING_SIZE, 0, PROT_READ | PROT_EXEC, MAP_SHARED, EINVAL},
	{"a CPU that is not there", RING_SIZE, 1000l * RING_SIZE, READ_WRITE, MAP_SHARED, ENXIO},
	{"far beyond", RING_SIZE, 0x7fffffffl * RING_SIZE, READ_WRITE, MAP_SHARED, ENXIO},
};

static void refuse_mappings(void)
{
	struct hvpmu_dev_setup setup = session_setup(&good, 1, DATA_SIZE, 0);
	void *ring;
	int fd;

	check_begin("a mapping is one ring, shared, and never executable");
	fd = open_device();
	check_is("setup", 0, (uint64_t)error_of(fd, HVPMU_IOC_SETUP, &setup));
	for (size_t i = 0; i < COUNT(bad_mappings); i++) {
		const struct bad_mapping *bad = &bad_mappings[i];

		errno = 0;
		ring = mmap(NULL, bad->size, bad->protection, bad->flags, fd, bad->offset);
		check_is(bad->name, (uint64_t)bad->error, (uint64_t)errno);
	}
	ring = mmap(NULL, RING_SIZE, READ_WRITE, MAP_SHARED, fd, RING_SIZE);
	check_is("whether a ring can be mapped", 1, ring != MAP_FAILED);
	check_is("whether it may become executable", EACCES,
		 (uint64_t)(mprotect(ring, RING_SIZE, PROT_READ | PROT_EXEC) ? errno : 0));
	check_is("whether it may grow", 1,
		 mremap(ring, RING_SIZE, 2 * RING_SIZE, MREMAP_MAYMOVE) == MAP_FAILED);
	/* The mapping keeps the session. */
	close(fd);
	check_is("whether it is still in use", 1, open("/dev/hvpmu", O_RDWR) < 0 && errno == EBUSY);
	munmap(ring, RING_SIZE);
	fd = open_device();
	close(fd);
	check_end();
}

/* What the header says is the kernel's word to the reader, and not the other way round. */
static void scribble(void)
{
	struct session s, next;
	uint64_t seed = 1;
	pid_t guests;

	check_begin("a reader that writes what it likes harms itself alone");
	guests = guests_start(2, NULL);
	session_begin(&s, session_default, SESSION_NUM_DEFAULT, HVPMU_RING_DATA_MIN,
		      HVPMU_DEV_CHAIN);
	session_enable(&s);
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t *words = (uint64_t *)s.rings[i & 1].reader.page;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		words[(seed >> 33) % 16] = i % 3 ? seed : words[3];
	}
	wait_ms(100);
	session_disable(&s);
	session_end(&s);
	/* The next one has all that it should. */
	session_begin(&next, session_default, SESSION_NUM_DEFAULT, SESSION_DATA_SIZE, 0);
	session_run(&next, 200, guests_look);
	check_is("whether guests have samples later", 1, session_in_guests(&next, -1) > 20);
	guests_stop(guests);
	session_end(&next);
	check_end();
}

void test_setup(void)
{
	refuse_setups();
	refuse_mappings();
	scribble();
}
