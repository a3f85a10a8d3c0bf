# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages: which kernel there is, fetching it into the cache, taking files out of it."""

import contextlib
import dataclasses
import fcntl
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

METAPACKAGE = "linux-image-cloud-amd64"
WANTED = ("boot/vmlinuz-", "boot/config-", "/kernel/drivers/virtio/", "/kernel/drivers/block/virtio_blk",
          "/kernel/arch/x86/kvm/", "/kernel/virt/", "/kernel/crypto/")
WANTED_DEBUG = ("/vmlinux-", "/kernel/arch/x86/kvm/kvm.ko", "/kernel/arch/x86/kvm/kvm-amd.ko",
                "/kernel/crypto/wp512.ko")
# The hot functions of domains.py and what is inlined into them, from Linux 6.1 on.
WANTED_SOURCE = ("lib/crypto/sha1.c", "lib/sha1.c", "crypto/wp512.c", "arch/x86/lib/clear_page_64.S",
                 "include/linux/bitops.h", "include/asm-generic/unaligned.h",
                 "include/linux/unaligned.h", "include/vdso/unaligned.h")
# Source text is worth no longer wait.
MAX_SOURCE_SECONDS = 120


class Unavailable(Exception):
    """Something that the lab needs cannot be had on this machine; tests skip for that reason."""


def _file_pattern(module):
    return re.sub("[-_]", "[-_]", module) + r"\.ko"


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel package taken apart in the cache."""

    release: str      # as uname -r says it
    version: str      # of the package
    root: pathlib.Path

    @property
    def vmlinuz(self):
        return self.root / "boot" / f"vmlinuz-{self.release}"

    def has_built_in(self, name):
        """Whether what Debian has as a module is a part of this kernel's image."""
        path = self.root / "lib/modules" / self.release / "modules.builtin"
        return path.is_file() and re.search(rf"/{_file_pattern(name)}$", path.read_text(encoding="ascii"), re.M) is not None

    def module(self, name):
        """The path of a module, whichever of - and _ its file name has."""
        pattern = re.compile(_file_pattern(name))
        for path in self.root.rglob("*.ko"):
            if pattern.fullmatch(path.name):
                return path
        raise Unavailable(f"the kernel {self.release} has no module {name}")


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = pathlib.Path(base) / "hvprof" / "lab"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def _cache_lock():
    with open(cache_dir() / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _output(*command):
    """What a command prints, or None when it fails or does not exist."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=True, text=True, env={**os.environ, "LC_ALL": "C"})
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout


def _find_package(metapackage):
    """Names the versioned kernel package: (package, version). Needs apt's lists, not the network."""
    depends = _output("apt-cache", "depends", "--important", metapackage) or ""
    match = re.search(r"Depends: (linux-image-\S+)", depends)
    package = match.group(1) if match else metapackage
    shown = _output("apt-cache", "show", "--no-all-versions", package) or ""
    match = re.search(r"^Version: (\S+)$", shown, re.M)
    return (package, match.group(1)) if match else None


def _cached_packages():
    """Kernels that are complete in the cache: (package, version), the newest first."""
    done = [path.parent for path in cache_dir().glob("linux-image-*/.complete")]
    done.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    names = [path.name.split("@", 1) for path in done]
    return [(package, version) for package, version in names if not package.endswith("-dbg")]


def _choose_package(metapackage, say):
    found = _find_package(metapackage)
    if found:
        return found
    cached = [pair for pair in _cached_packages() if metapackage in (METAPACKAGE, pair[0])]
    if cached:
        return cached[0]
    if os.geteuid() == 0:
        say("apt has no lists of packages: run apt-get update")
        _output("apt-get", "update", "-qq")
        found = _find_package(metapackage)
        if found:
            return found
    raise Unavailable(f"apt knows no package {metapackage} and the cache {cache_dir()} has none; "
                      "run: apt-get update")


def _download(package, version, directory, max_seconds):
    command = ["apt-get", "download", "-q", f"{package}={version}"]
    try:
        done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, timeout=max_seconds,
                              stderr=subprocess.STDOUT, check=False, text=True)
    except subprocess.TimeoutExpired as late:
        raise Unavailable(f"{package} {version} did not arrive within {max_seconds} seconds") from late
    debs = list(pathlib.Path(directory).glob("*.deb"))
    if done.returncode or len(debs) != 1:
        reason = "\n".join(done.stdout.strip().splitlines()[-3:])
        raise Unavailable(f"cannot download {package} {version}; apt-get update may help.\n{reason}")
    return debs[0]


@contextlib.contextmanager
def _open_deb(deb):
    """The files of a .deb as a tar stream, to be read in their order."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)],
                          stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            yield archive
    if process.returncode:
        raise Unavailable(f"dpkg-deb cannot read {deb}")


def _write(path, source):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)


def _extract(deb, wanted, target):
    """Writes those regular files of a .deb whose path holds one of the wanted parts, uncompressed."""
    with _open_deb(deb) as archive:
        for member in archive:
            if not member.isfile() or not any(part in member.name for part in wanted):
                continue
            with archive.extractfile(member) as source:
                # Modules are compressed from Debian 13 on.
                is_xz = member.name.endswith(".xz")
                _write(target / pathlib.PurePosixPath(member.name.removesuffix(".xz")),
                       lzma.open(source) if is_xz else source)


def _extract_source(deb, wanted, target):
    """Writes the wanted files out of the tarball in a .deb of linux-source; it is never unpacked as a whole."""
    with _open_deb(deb) as archive:
        for member in archive:
            if not member.name.endswith(".tar.xz"):
                continue
            with archive.extractfile(member) as packed, \
                    tarfile.open(fileobj=packed, mode="r|xz") as tree:
                for file in tree:
                    name = file.name.partition("/")[2]
                    if file.isfile() and name in wanted:
                        _write(target / name, tree.extractfile(file))


def _extract_tarball(deb, wanted, target):
    """Writes the wanted files of a .deb as they are, compressed."""
    with _open_deb(deb) as archive:
        for member in archive:
            if member.isfile() and member.name.endswith(wanted):
                with archive.extractfile(member) as source:
                    _write(target / pathlib.PurePosixPath(member.name).name, source)


def _provide(package, version, wanted, say, extract=_extract, max_seconds=None):
    """The folder with the wanted files of a package, downloaded when the cache has it not."""
    target = cache_dir() / f"{package}@{version}"
    marker = target / ".complete"
    with _cache_lock():
        if marker.exists() and marker.read_text(encoding="ascii") == "\n".join(wanted):
            return target
        say(f"fetch {package} {version}")
        with tempfile.TemporaryDirectory(dir=cache_dir()) as scratch:
            os.chmod(scratch, 0o755)
            deb = _download(package, version, scratch, max_seconds)
            say(f"take the files out of {package}")
            staged = pathlib.Path(scratch) / "staged"
            extract(deb, wanted, staged)
            if not staged.exists():
                raise Unavailable(f"{package} {version} has none of {', '.join(wanted)}")
            (staged / ".complete").write_text("\n".join(wanted), encoding="ascii")
            shutil.rmtree(target, ignore_errors=True)
            staged.rename(target)
    return target


def provide_kernel(say, metapackage=METAPACKAGE):
    """Fetches the kernel when it is not in the cache; returns a Kernel."""
    package, version = _choose_package(metapackage, say)
    root = _provide(package, version, WANTED, say)
    return Kernel(package.removeprefix("linux-image-"), version, root)


def provide_debug(kernel, say):
    """Fetches the kernel's debug information (large); returns the folder, a tree as in /."""
    return _provide(f"linux-image-{kernel.release}-dbg", kernel.version, WANTED_DEBUG, say)


def find_debug(kernel):
    """The debug folder if the cache already has it, else None."""
    path = cache_dir() / f"linux-image-{kernel.release}-dbg@{kernel.version}"
    return path if (path / ".complete").exists() else None


def provide_source(kernel, say):
    """Fetches the kernel's source files of the lab's hot functions; returns the folder, a tree as in Linux."""
    series = ".".join(kernel.version.split(".")[:2])
    return _provide(f"linux-source-{series}", kernel.version, WANTED_SOURCE, say,
                    extract=_extract_source, max_seconds=MAX_SOURCE_SECONDS)


def provide_linux_tarball(series, say):
    """The whole source of Linux of a series such as 6.12: (version, path of a .tar.xz). What the cache has is good enough,
    so that it takes no network twice."""
    package = f"linux-source-{series}"
    wanted = (f"/{package}.tar.xz",)
    cached = [path for path in cache_dir().glob(f"{package}@*{wanted[0]}") if (path.parent / ".complete").exists()]
    if cached:
        path = max(cached, key=lambda path: path.stat().st_mtime)
        return path.parent.name.partition("@")[2], path
    found = _find_package(package)
    if not found:
        raise Unavailable(f"the archives of this machine have no package {package}; Debian 12 has it in its security "
                          "updates: run apt-get update")
    version = found[1]
    return version, _provide(package, version, wanted, say, extract=_extract_tarball) / wanted[0].strip("/")


def vmlinux_of(debug_root, kernel):
    return debug_root / "usr/lib/debug/boot" / f"vmlinux-{kernel.release}"
