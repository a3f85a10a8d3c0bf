# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulator of the PMU machine: Debian's QEMU source with the series in tests/lab/qemu, built once and kept in the cache.

In the cache, for a source version V and a key K of series and configure options:

    qemu-source@V/    what was downloaded: a changed series is built without network
    qemu@V+K/         qemu-system-x86_64, and the log of its build
    qemu-build/       source and objects while a build runs, and after one that failed. They are 360 MB, so they go when it is
                      done; who changes the series builds in a tree of his own (tests/lab/qemu/README.md).
    apt/              lists of the private apt

A build of the same series is good enough even where the archive has a newer source by now: it needs no network.
"""

import contextlib
import hashlib
import os
import shutil

from labkit import apt_source, programs, source_build
from labkit.packages import Unavailable, cache_dir
from labkit.source_build import BuildFailure, Log, newest_complete, patch

PACKAGE = "qemu"
# The release of QEMU that the series is for.
UPSTREAM = "7.2"
SERIES = programs.LAB / "qemu"
PROGRAM = "qemu-system-x86_64"
CONFIGURE = ("--target-list=x86_64-softmmu", "--without-default-features", "--without-default-devices",
             "--with-devices-x86_64=lab", "--enable-system", "--enable-tcg", "--disable-docs",
             "--disable-install-blobs", "--disable-debug-info", "--meson=/usr/bin/meson")
# package -> a file of it that the build needs
NEEDED = {
    "dpkg-dev": "/usr/bin/dpkg-source", "gcc": "/usr/bin/gcc", "libc6-dev": "/usr/include/stdio.h",
    "libfdt-dev": "/usr/include/libfdt.h", "libglib2.0-dev": "/usr/include/glib-2.0/glib.h",
    "libpixman-1-dev": "/usr/include/pixman-1/pixman.h", "make": "/usr/bin/make",
    "meson": "/usr/bin/meson", "ninja-build": "/usr/bin/ninja", "patch": "/usr/bin/patch",
    "pkg-config": "/usr/bin/pkg-config", "python3": "/usr/bin/python3", "zlib1g-dev": "/usr/include/zlib.h",
}
WHAT = "the PMU machine"


def patches(series=SERIES):
    """The patches in their order."""
    return source_build.patches_of(series)


def key(series=SERIES, options=CONFIGURE):
    """What tells one build from another, beside the source: a short hash of the patches and the configure options."""
    digest = hashlib.sha256("\0".join(options).encode())
    for patch in patches(series):
        text = patch.read_bytes()
        digest.update(f"\0{patch.name}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()[:16]


def fitting(versions):
    """Those Debian versions whose upstream release is the series' one: "1:7.2+dfsg-7+deb12u18" for 7.2."""
    return [version for version in versions
            if version.partition(":")[2].startswith((f"{UPSTREAM}+", f"{UPSTREAM}-", f"{UPSTREAM}."))]


def _file_version(version):
    """A version as part of a file name: without the epoch."""
    return version.rpartition(":")[2]


def lock():
    """Holds what the cache has of the emulator."""
    return source_build.lock(PACKAGE)


def source(say):
    """The folder with the source package, from the cache or else from the archive."""
    folder = newest_complete(f"{PACKAGE}-source@*")
    if folder:
        return folder
    apt = apt_source.Apt(cache_dir() / "apt")
    say("ask this machine's Debian archives for QEMU's source")
    complaints = apt.update()
    versions = apt.versions(PACKAGE)
    version = apt_source.newest(fitting(versions))
    if version is None:
        why = (f"they have {', '.join(versions)}, the series is for {UPSTREAM}" if versions else
               "\n".join(complaints.strip().splitlines()[-3:]) or "they have none")
        raise Unavailable(f"no source of {PACKAGE} {UPSTREAM} from this machine's archives: {why}")
    say(f"fetch the source of {PACKAGE} {version}")
    staged = cache_dir() / "qemu-download"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    apt.download(PACKAGE, version, staged)
    (staged / ".complete").write_text(f"{version}\n", encoding="ascii")
    target = cache_dir() / f"{PACKAGE}-source@{_file_version(version)}"
    shutil.rmtree(target, ignore_errors=True)
    return staged.rename(target)


def open_log(path):
    """The log of a build, as a context."""
    return contextlib.closing(Log(path, WHAT))


def unpack(package, tree, log):
    """Makes the source with the whole series in a new folder."""
    dsc = next(package.glob("*.dsc"))
    log.run("dpkg-source", "--no-copy", "-x", str(dsc), str(tree), cwd=tree.parent)
    for path in patches():
        patch(tree, path, log, "--forward")


def compile_in(tree, objects, log):
    """Configures and builds in a new folder."""
    objects.mkdir()
    log.run(str(tree / "configure"), *CONFIGURE, cwd=objects)
    log.run("ninja", "-j", str(max(2, os.cpu_count() or 2)), PROGRAM, cwd=objects)


def _build(package, target):
    with source_build.building(target, "qemu-build", WHAT) as (work, staged, log):
        unpack(package, work / "source", log)
        compile_in(work / "source", work / "objects", log)
        log.run("strip", PROGRAM, cwd=work / "objects")
        (work / "objects" / PROGRAM).rename(staged / PROGRAM)


def provide(say):
    """The emulator's path; built when the cache has it not. Raises Unavailable or BuildFailure."""
    def build():
        source_build.check_tools(WHAT, NEEDED)
        package = source(say)
        version = package.name.partition("@")[2]
        say(f"build the PMU machine: QEMU {version} with {len(patches())} patches, one to five minutes")
        _build(package, cache_dir() / f"{PACKAGE}@{version}+{key()}")

    return source_build.provide(f"{PACKAGE}@*+{key()}", PACKAGE, build) / PROGRAM
