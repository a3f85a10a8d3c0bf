# SPDX-License-Identifier: GPL-2.0-or-later
# The front door. CMake does the work: `cmake --preset dev && cmake --build --preset dev` is the same without it.

RELEASE := build/release
HVPROF := $(RELEASE)/hvprof
CTEST := ctest --test-dir $(RELEASE) --output-on-failure --no-tests=error
JOBS := $(shell nproc)

.DEFAULT_GOAL := all
.PHONY: all help setup demo lab check check-fast bench lint format fuzz install clean

all: ## build hvprof: build/release/hvprof
	@cmake --preset release >/dev/null
	cmake --build --preset release

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install the Debian packages that building, testing and the lab need
	packaging/setup

demo: setup all ## boot a KVM host with guests in software, profile it, show the report
	tests/lab/demo --hvprof $(HVPROF)

lab: setup ## build the lab's PMU machine, a patched QEMU, and fetch the lab's kernel: into ~/.cache/hvprof/lab
	tests/lab/fetch --pmu-machine

check: setup all ## everything: gcc, clang, sanitizers, unit tests, fuzz corpora, the lab
	$(CTEST) -j $(JOBS); status=$$?; \
	sed -n 's/^\([a-z]*: \)\?skipped:/not run:/p' $(RELEASE)/Testing/Temporary/LastTest.log; exit $$status

check-fast: all ## what fits in two minutes: unit tests, command lines, fuzz corpora
	$(CTEST) -j $(JOBS) -LE 'lab|variant|bench|lint'

bench: all ## compare with perf: tests/bench/run
	tests/bench/run --hvprof $(HVPROF)

fuzz: ## build the libFuzzer programs: build/fuzz
	@cmake --preset fuzz >/dev/null
	cmake --build --preset fuzz

lint: all ## formatting, what clang-tidy finds, spelling, shell scripts
	tests/lint

format: ## let clang-format lay the C files out
	git ls-files '*.c' '*.h' | xargs clang-format -i

install: all ## install below $(DESTDIR) and CMAKE_INSTALL_PREFIX
	cmake --install $(RELEASE)

clean: ## remove what was built
	rm -rf build
