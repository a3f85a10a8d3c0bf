# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels built from Debian's linux-source-6.12: with the series in kernel-patches, without it, and with the kernel's own checks.

In the cache, for a source version V and a key K of series, configuration and compiler:

    linux-source-6.12@V/    the source as it was downloaded: a changed series is built without network
    linux-VARIANT@V+K/      boot/ and lib/modules/ as a kernel package has them, the log of the build
    linux-tree-K/           what was built in a tree, K of its path, as it was when it was last used
    linux-kept/             the stock kernel's tree, between its build and that of the patched one
    linux-build/            the tree while a build runs, and after one that failed: 1.5 GB, so it goes when it is done
"""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

from labkit import packages, source_build
from labkit.packages import cache_dir

LINUX = "6.12"
FOLDER = pathlib.Path(__file__).resolve().parents[3] / "kernel-patches" / LINUX
WHAT = f"Linux {LINUX}"
# package -> a file of it that the build needs
NEEDED = {
    "bc": "/usr/bin/bc", "binutils": "/usr/bin/ld", "bison": "/usr/bin/bison", "flex": "/usr/bin/flex", "gcc": "/usr/bin/gcc",
    "libc6-dev": "/usr/include/stdio.h", "libelf-dev": "/usr/include/gelf.h", "make": "/usr/bin/make", "patch": "/usr/bin/patch",
    "perl": "/usr/bin/perl", "python3": "/usr/bin/python3", "xz-utils": "/usr/bin/xz",
}
# The same source makes the same kernel wherever it is built.
ENVIRONMENT = {**source_build.ENVIRONMENT, "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 2026",
               "KBUILD_BUILD_USER": "hvprof", "KBUILD_BUILD_HOST": "lab"}
# What the configuration has nothing of is not even unpacked; Kconfig files and Makefiles are read all the same.
NOT_UNPACKED = ("Documentation/devicetree", "arch/*/boot/dts", "tools/perf", "tools/testing/ktest",
                *(f"{folder}/*.{kind}" for folder in
                  ("drivers/gpu", "drivers/media", "drivers/net/ethernet", "drivers/net/wireless", "drivers/scsi",
                   "drivers/infiniband", "drivers/staging", "sound") for kind in "ch"))


@dataclasses.dataclass(frozen=True)
class Variant:
    """A kernel that can be had; its configuration is that of all its files, the last word counts."""

    name: str
    is_patched: bool
    configs: tuple


VARIANTS = {
    variant.name: variant for variant in (
        Variant("patched", True, ("lab.config", "hvpmu.config")),
        Variant("stock", False, ("lab.config",)),
        Variant("debug", True, ("lab.config", "hvpmu.config", "debug.config")),
    )
}


def patches(folder=FOLDER):
    return source_build.patches_of(folder)


def configuration(variant, folder=FOLDER):
    """Symbol -> value, as a .config has them."""
    symbols = {}
    for name in variant.configs:
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            symbol, is_set, value = line.partition("=")
            if is_set and not line.startswith("#"):
                symbols[symbol] = value
    return symbols


def compiler():
    done = subprocess.run(["gcc", "--version"], stdout=subprocess.PIPE, check=True, text=True, env=ENVIRONMENT)
    return done.stdout.splitlines()[0]


def digest(texts):
    found = hashlib.sha256()
    for text in texts:
        found.update(f"{len(text)}\0{text}".encode())
    return found.hexdigest()[:16]


def texts_of(paths):
    """Names and contents, for digest()."""
    return [text for path in paths for text in (path.name, path.read_text(encoding="utf-8"))]


def key(variant, built_by, folder=FOLDER):
    """What tells one build from another, beside the source."""
    texts = [built_by, *(f"{symbol}={value}" for symbol, value in configuration(variant, folder).items())]
    return digest(texts + (texts_of(patches(folder)) if variant.is_patched else []))


def _kernel_in(folder, version):
    image = next((folder / "boot").glob("vmlinuz-*"))
    return packages.Kernel(image.name.removeprefix("vmlinuz-"), version, folder)


def open_log(path):
    """The log of a build, as a context."""
    return contextlib.closing(source_build.Log(path, WHAT, ENVIRONMENT))


def unpack(tarball, tree, log):
    """The source without the series, in a new folder."""
    tree.mkdir()
    excluded = [f"--exclude=*/{pattern}" for pattern in NOT_UNPACKED]
    log.run("tar", "-x", "-I", "xz -T0", "-f", str(tarball), "--strip-components=1", "--wildcards", *excluded, cwd=tree)


def apply_series(tree, log):
    for path in patches():
        source_build.patch(tree, path, log, "--forward")


def jobs():
    return f"-j{max(2, os.cpu_count() or 2)}"


def configure(tree, variant, log):
    """Writes the .config; a symbol that Linux does not take as it is wanted is a failure, not another kernel."""
    wanted = configuration(variant)
    fragment = tree / "lab.fragment"
    fragment.write_text("".join(f"{symbol}={value}\n" for symbol, value in wanted.items()), encoding="utf-8")
    log.run("make", "-s", "allnoconfig", f"KCONFIG_ALLCONFIG={fragment.name}", cwd=tree)
    found = dict(re.findall(r"^(CONFIG_\w+)=(.*)$", (tree / ".config").read_text(encoding="utf-8"), re.M))
    wrong = [f"{symbol}={value}" for symbol, value in wanted.items() if found.get(symbol, "n") != value]
    if wrong:
        raise source_build.BuildFailure(f"{WHAT}: the configuration wants what this source does not have: {' '.join(wrong)}")


def compile_in(tree, log):
    log.run("make", "-s", jobs(), "bzImage", "modules", cwd=tree)


def _modules_in(tree):
    """Where a built tree has its modules, below it."""
    order = (tree / "modules.order").read_text(encoding="ascii")
    return [pathlib.PurePosixPath(line).with_suffix(".ko") for line in order.split()]


def collect(tree, target):
    """Copies what a kernel package would have out of a built tree."""
    release = (tree / "include/config/kernel.release").read_text(encoding="ascii").strip()
    boot = target / "boot"
    boot.mkdir(parents=True)
    for name, source in (("vmlinuz", "arch/x86/boot/bzImage"), ("vmlinux", "vmlinux"), ("System.map", "System.map"),
                         ("config", ".config")):
        shutil.copyfile(tree / source, boot / f"{name}-{release}")
    for module in _modules_in(tree):
        copy = target / "lib/modules" / release / "kernel" / module
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tree / module, copy)
    shutil.copyfile(tree / "modules.builtin", target / "lib/modules" / release / "modules.builtin")


def _building(target):
    return source_build.building(target, "linux-build", WHAT, ENVIRONMENT)


def _finish(variant, tree, staged, log):
    """What is left when the source is there, or another variant's objects with it."""
    if variant.is_patched:
        apply_series(tree, log)
    configure(tree, variant, log)
    # The number of a build is in the image.
    (tree / ".version").unlink(missing_ok=True)
    compile_in(tree, log)
    collect(tree, staged)


def _build(variant, tarball, target):
    with _building(target) as (work, staged, log):
        unpack(tarball, work / "linux", log)
        _finish(variant, work / "linux", staged, log)


def _build_pair(tarball, targets):
    """The stock kernel, then in the same tree the patched one: two thirds of the objects are the same."""
    kept = cache_dir() / "linux-kept"
    shutil.rmtree(kept, ignore_errors=True)
    with _building(targets["stock"]) as (work, staged, log):
        unpack(tarball, work / "linux", log)
        _finish(VARIANTS["stock"], work / "linux", staged, log)
        (work / "linux").rename(kept)
    with _building(targets["patched"]) as (work, staged, log):
        kept.rename(work / "linux")
        _finish(VARIANTS["patched"], work / "linux", staged, log)


def _state_of(tree):
    """What tells one build of a tree from the next."""
    files = [(tree / name).stat() for name in ("arch/x86/boot/bzImage", *_modules_in(tree))]
    return digest([f"{file.st_size} {file.st_mtime_ns}" for file in files])


def of_tree(tree):
    """The kernel of a tree in which somebody works on the series, built there. Its copy stays while the tree is not built again: others
    may be about to run it."""
    path = pathlib.Path(tree).resolve()
    target = cache_dir() / f"linux-tree-{digest([str(path)])}"
    state, current = target / "state", _state_of(path)
    with source_build.lock("linux-tree"):
        if not state.is_file() or state.read_text(encoding="ascii") != current:
            shutil.rmtree(target, ignore_errors=True)
            collect(path, target)
            state.write_text(current, encoding="ascii")
    return _kernel_in(target, "of a tree")


def _entry(variant):
    return f"linux-{variant.name}@*+{key(variant, compiler())}"


def _tarball(say):
    source_build.check_tools(WHAT, NEEDED)
    return packages.provide_linux_tarball(LINUX, say)


def _say_build(names, version, say):
    series = f"{len(patches())} patches" if any(VARIANTS[name].is_patched for name in names) else "no patches"
    say(f"build Linux {version}, {' and '.join(names)}, with {series}: about five minutes on two processors")


def provide_pair(say):
    """Builds the kernels with and without the series where the cache has neither: together they are sooner there than one by one."""
    entries = {name: _entry(VARIANTS[name]) for name in ("stock", "patched")}

    def build():
        if source_build.newest_complete(entries["patched"]):
            return
        version, tarball = _tarball(say)
        _say_build(entries, version, say)
        _build_pair(tarball, {name: cache_dir() / entry.replace("*", version) for name, entry in entries.items()})

    if not any(source_build.newest_complete(entry) for entry in entries.values()):
        source_build.provide(entries["stock"], "linux", build)


def provide(name, say):
    """The Kernel of a variant; built when the cache has it not. Raises Unavailable or BuildFailure."""
    variant = VARIANTS[name]
    entry = _entry(variant)

    def build():
        version, tarball = _tarball(say)
        _say_build([name], version, say)
        _build(variant, tarball, cache_dir() / entry.replace("*", version))

    folder = source_build.provide(entry, "linux", build)
    return _kernel_in(folder, folder.name.partition("@")[2].rpartition("+")[0])
